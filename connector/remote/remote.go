// Package remote is how connectors call a system over HTTP: with limits of time and
// size, no proxy, no redirects, and errors that say to the gateway whether to come
// again and to an operator what to do.
package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"firsthand/connector"
	"firsthand/fault"
)

// Limits of one call.
const (
	timeout   = 20 * time.Second
	maxAnswer = 4 << 20 // bytes: a page of changes
	maxHeader = 64 << 10
	maxWait   = 24 * time.Hour // that Retry-After may ask for
	maxSecret = 8 << 10        // bytes of a file
)

// A Client calls one system. Its methods may be called from several goroutines.
type Client struct {
	system    string // as errors call it: "the webhook"
	now       func() time.Time
	transport *http.Transport
}

// New returns a Client. Errors call what it calls system, as in "the helpdesk";
// now is the clock, time.Now if nil.
func New(system string, now func() time.Time) *Client {
	if now == nil {
		now = time.Now
	}
	// A transport alone: an http.Client would follow redirects.
	return &Client{system: system, now: now, transport: &http.Transport{
		Proxy:                  nil,
		DialContext:            (&net.Dialer{Timeout: timeout}).DialContext,
		TLSHandshakeTimeout:    timeout,
		DisableCompression:     true, // so that size is size
		MaxIdleConnsPerHost:    4,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: maxHeader,
	}}
}

// An Answer is what a system answered. Its Body is whole.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Call sends body, which may be nil, and returns the answer, whatever its status.
// That nothing could be heard is [fault.Unavailable], too long an answer a
// [fault.Notice].
func (c *Client) Call(ctx context.Context, method, url string, header http.Header, body []byte) (*Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, Unnamed(err)
	}
	if header != nil {
		req.Header = header
	}
	req.Header.Set("User-Agent", "firsthand-gateway")
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w: %w", c.system, fault.Unavailable, Unnamed(err))
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("call %s: %w: %w", c.system, fault.Unavailable, Unnamed(err))
	}
	if len(text) > maxAnswer {
		return nil, fault.Tell(fault.Invalid, c.system+"'s answer is too long", "")
	}
	return &Answer{Status: resp.StatusCode, Header: resp.Header, Body: text}, nil
}

// Check returns what the status of a means where it isn't success: that the system
// is to be called again later ([connector.Later]), a conflict ([fault.Conflict]),
// that it can't do that or has no such thing ([errors.ErrUnsupported] and
// [fault.NotExist] are for the caller to tell apart by Status), or what an operator
// must look at ([fault.Notice]).
func (c *Client) Check(a *Answer) error {
	s := a.Status
	says := fmt.Sprintf("%s answers %d %s", c.system, s, http.StatusText(s))
	switch {
	case s >= 200 && s <= 299:
		return nil
	case s >= 300 && s <= 399:
		return fault.Tell(fault.Invalid, says+", a redirect, which is not followed", "put the new address into the configuration")
	case s == http.StatusGone:
		return fault.Tell(fault.Denied, says+": it was retired", "remove the connector, or ask for its new address")
	case s == http.StatusUnauthorized, s == http.StatusForbidden:
		return fault.Tell(fault.Denied, says, "compare the secret, the keys or the rights of both sides")
	case s == http.StatusConflict, s == http.StatusPreconditionFailed:
		return fmt.Errorf("%w: %s", fault.Conflict, says)
	case s == http.StatusNotFound, s == http.StatusNotImplemented:
		return fault.Tell(fault.Invalid, says, "compare the address, and what it offers")
	case s == http.StatusRequestTimeout, s == http.StatusTooEarly, s == http.StatusTooManyRequests, s >= 500:
		return &connector.Later{Wait: retryAfter(a.Header.Get("Retry-After"), c.now()), Err: errors.New(says)}
	}
	return fault.Tell(fault.Invalid, says, "its log should say why")
}

// retryAfter returns the wait that a Retry-After header asks for, in seconds or
// until a date (RFC 9110, 10.2.3); 0 if it asks for none.
func retryAfter(s string, now time.Time) time.Duration {
	if n, err := strconv.ParseUint(s, 10, 31); err == nil {
		return min(time.Duration(n)*time.Second, maxWait)
	}
	if t, err := http.ParseTime(s); err == nil {
		return min(max(t.Sub(now), 0), maxWait)
	}
	return 0
}

// CloseIdle closes the connections that are idle, so that a server can stop.
func (c *Client) CloseIdle() { c.transport.CloseIdleConnections() }

// Unnamed returns err without the URL, whose path may be a secret.
func Unnamed(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// CheckURL refuses what would send personal data in the clear, or a password to
// whoever reads the configuration. Its errors don't repeat the URL, whose path
// may be a secret.
func CheckURL(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "":
		return errors.New("url is no absolute URL")
	case u.User != nil || u.Fragment != "":
		return errors.New("url has a user or a fragment")
	case u.Scheme == "https" || u.Scheme == "http" && Loopback(u.Hostname()):
		return nil
	}
	return errors.New("url must be https, or http on loopback: what customers say travels in it")
}

// Loopback reports whether host is this machine.
func Loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Secret returns the one line of a file: a token, a password. Its errors name the
// file and show nothing of it.
func Secret(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("secret: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", fmt.Errorf("secret: %w", err)
	}
	line := strings.TrimRight(string(text), "\r\n")
	if line == "" || len(text) > maxSecret || strings.ContainsAny(line, "\r\n\x00") {
		return "", fault.Tell(fault.Invalid, "the file "+file+" has no secret in one line", "put the token or password there, and nothing else")
	}
	return line, nil
}
