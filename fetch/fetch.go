package fetch

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"firsthand/fault"
)

// Limits that hold unless Options or a Request say otherwise, and those that
// always hold.
const (
	defaultMaxBytes = 1 << 20
	defaultTimeout  = 10 * time.Second
	maxHeaderBytes  = 64 << 10
	idleTimeout     = 15 * time.Second
)

// userAgent is the same for everybody. It has no version, which would tell
// customers apart.
const userAgent = "firsthand"

// Options say how a Client reaches the network. The zero value is for real use.
type Options struct {
	// Resolver returns the addresses of a host name. The default asks the
	// system, without search domains.
	Resolver func(ctx context.Context, host string) ([]netip.Addr, error)

	// Dial connects to addr, which is always an IP address that was judged,
	// with a port. The connection must outlive ctx. The default is net.Dialer's.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	// AllowLoopback also admits loopback addresses, with TLS or without, and
	// the name localhost. It is for tests and the demo.
	AllowLoopback bool

	// RootCAs vouch for hosts. The default are those of the system.
	RootCAs *x509.CertPool

	// MaxBytes limits the body of an answer. The default is 1 MiB.
	MaxBytes int64

	// Timeout limits a call, from looking up the name to the last byte of the
	// body. The default is 10 seconds.
	Timeout time.Duration
}

// A Client calls addresses that somebody else supplied. It is safe for
// concurrent use.
type Client struct {
	opts      Options
	transport *http.Transport

	// Fields so that tests can plant bugs in them; never changed otherwise.
	check func(raw string, allowLoopback bool) (*url.URL, error)
	send  func(*http.Request) (*http.Response, error)
}

// New returns a Client that makes a connection for each call. What it does for
// one relationship can so far not be linked with what it does for another.
func New(o Options) *Client { return newClient(o, false) }

// Isolated returns a Client with the same options for the calls of one
// relationship. It keeps an idle connection for a quarter of a minute, and shares
// none, nor anything else that the other end could recognise, with any other
// Client. Until it is used it takes half a kilobyte of memory.
func (c *Client) Isolated() *Client { return newClient(c.opts, true) }

// Close closes the connections that are idle. The Client may be used again.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

func newClient(o Options, keepAlive bool) *Client {
	if o.Resolver == nil {
		o.Resolver = systemResolver
	}
	if o.Dial == nil {
		o.Dial = new(net.Dialer).DialContext
	}
	o.MaxBytes = cmp.Or(o.MaxBytes, defaultMaxBytes)
	o.Timeout = cmp.Or(o.Timeout, defaultTimeout)

	plain := &dialer{o.Resolver, o.Dial, nowhere, nil, o.Timeout}
	secure := &dialer{o.Resolver, o.Dial, public, o.RootCAs, o.Timeout}
	if o.AllowLoopback {
		plain.admit, secure.admit = loopback, publicOrLoopback
	}
	t := &http.Transport{
		Proxy:                  nil, // a proxy would connect where nobody has looked
		DialContext:            plain.dial,
		DialTLSContext:         secure.dialTLS,
		DisableCompression:     true,
		DisableKeepAlives:      !keepAlive,
		MaxIdleConns:           1,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		ReadBufferSize:         bufferSize,
		WriteBufferSize:        bufferSize,
	}
	// The transport is used without http.Client, which follows redirects and
	// keeps cookies.
	return &Client{opts: o, transport: t, check: checkURL, send: t.RoundTrip}
}

// bufferSize is that of both buffers of a connection: a call and its answer are a
// kilobyte or two, and a thousand connections may be open at once.
const bufferSize = 2 << 10

// A Request is one call. Only URL is needed.
type Request struct {
	Method string // GET if empty
	URL    string
	Header http.Header // sent as it is, beside what every call has
	Body   []byte

	MaxBytes int64         // limits the body of the answer, instead of Options.MaxBytes
	Timeout  time.Duration // instead of Options.Timeout, as for a long poll
}

// A Response is a complete answer. The caller owns it.
type Response struct {
	Status int
	Header http.Header // with Retry-After, where Status is 429 or 503 and the host says when
	Body   []byte
}

// Get returns what is at rawURL. An answer other than 2xx is refused by the rule
// fetch-status: 404 and 410 are [fault.NotExist], 429 and 5xx are
// [fault.Unavailable], all others [fault.Invalid]. Errors are otherwise those
// of Do.
func (c *Client) Get(ctx context.Context, rawURL string) (*Response, error) {
	resp, err := c.Do(ctx, &Request{URL: rawURL})
	if err != nil {
		return nil, err
	}
	if s := resp.Status; s < 200 || s > 299 {
		u, _ := url.Parse(rawURL) // Do has parsed it
		return nil, fmt.Errorf("fetch %s: %w", u.Host, fault.Refuse(statusKind(s), "fetch-status", "the answer is %d", s))
	}
	return resp, nil
}

// Do makes the call r and returns the answer, whatever its status unless that
// is a redirect. Errors wrap a [fault.Refusal] by one of the rules in the
// package comment, or [fault.Unavailable].
func (c *Client) Do(ctx context.Context, r *Request) (*Response, error) {
	u, err := c.check(r.URL, c.opts.AllowLoopback)
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(r.Timeout, c.opts.Timeout))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, r.Method, u.String(), bytes.NewReader(r.Body))
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", u.Host, err)
	}
	maps.Copy(req.Header, r.Header)
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Accept-Encoding", "identity")

	resp, err := c.exchange(req, cmp.Or(r.MaxBytes, c.opts.MaxBytes))
	if err != nil {
		if fault.RuleOf(err) == "" {
			err = fmt.Errorf("%w: %w", fault.Unavailable, err)
		}
		return nil, fmt.Errorf("fetch %s: %w", u.Host, err)
	}
	return resp, nil
}

// exchange sends req and reads the answer whole.
func (c *Client) exchange(req *http.Request, maxBytes int64) (*Response, error) {
	resp, err := c.send(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case 301, 302, 303, 307, 308:
		return nil, fault.Refuse(fault.Invalid, "fetch-redirect", "the answer is a redirect, %d", resp.StatusCode)
	}
	for _, coding := range resp.Header.Values("Content-Encoding") {
		if !strings.EqualFold(coding, "identity") {
			return nil, fault.Refuse(fault.Invalid, "fetch-encoding", "the answer is encoded, though asked for plain")
		}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBytes+1))
	if err != nil {
		return nil, err
	}
	if int64(len(body)) > maxBytes {
		return nil, fault.Refuse(fault.Invalid, "fetch-size", "the answer is longer than %d bytes", maxBytes)
	}
	return &Response{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

// statusKind classes a status that is not 2xx by what can be done about it.
func statusKind(status int) fault.Kind {
	switch {
	case status == http.StatusNotFound, status == http.StatusGone:
		return fault.NotExist
	case status == http.StatusTooManyRequests, status >= 500:
		return fault.Unavailable
	}
	return fault.Invalid
}
