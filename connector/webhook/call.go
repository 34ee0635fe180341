package webhook

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// Limits of one call.
const (
	timeout   = 20 * time.Second // Standard Webhooks: 15 to 30
	maxAnswer = 4 << 20          // bytes: a page of changes
	maxHeader = 64 << 10
	maxWait   = 24 * time.Hour // that Retry-After may ask for
)

// newTransport returns the HTTP client. It is a transport alone: an http.Client
// would follow redirects.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  nil,
		DialContext:            (&net.Dialer{Timeout: timeout}).DialContext,
		TLSHandshakeTimeout:    timeout,
		DisableCompression:     true, // so that size is size
		MaxIdleConnsPerHost:    4,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: maxHeader,
	}
}

// An event is a request's body, in the order in which people read it.
type event struct {
	SpecVersion     string       `json:"specversion"`
	ID              string       `json:"id"`
	Source          string       `json:"source"`
	Type            string       `json:"type"`
	Time            time.Time    `json:"time"`
	Subject         firsthand.ID `json:"subject,omitzero"` // may be logged on the way: the pairwise id and no more
	DataContentType string       `json:"datacontenttype"`
	Data            any          `json:"data"`
}

// call POSTs the event and returns the body of the answer, and whether it was
// signed. Errors for an operator are [fault.Notice]s.
func (h *Hook) call(ctx context.Context, e event) (body []byte, proved bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	e.SpecVersion, e.Source, e.DataContentType = "1.0", "firsthand-gateway", "application/json"
	e.Time = e.Time.UTC()
	text := firsthand.EncodeJSON(e)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(text))
	if err != nil {
		return nil, false, unnamed(err)
	}
	req.Header.Set("Content-Type", "application/cloudevents+json")
	req.Header.Set("User-Agent", "firsthand-gateway")
	h.keys.sign(req.Header, e.ID, h.now(), text)

	resp, err := h.transport.RoundTrip(req)
	if err != nil {
		return nil, false, fmt.Errorf("call webhook: %w: %w", fault.Unavailable, unnamed(err))
	}
	defer resp.Body.Close()
	if err := h.status(resp); err != nil {
		return nil, false, fmt.Errorf("call webhook: %w", err)
	}
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, false, fmt.Errorf("call webhook: %w: %w", fault.Unavailable, err)
	}
	if len(body) > maxAnswer {
		return nil, false, tell(fault.Invalid, "the webhook's answer is too long", "")
	}
	if len(resp.Header.Values(headerSignature)) == 0 {
		return body, false, nil
	}
	if err := h.keys.verify(resp.Header, "report_"+e.ID, h.now(), body); err != nil {
		return nil, false, tell(fault.Denied, "the webhook's answer can't be trusted: "+err.Error(),
			"compare the secret or the keys, and the clocks, of both sides")
	}
	return body, true, nil
}

// ask is call under a new id for what must be answered with a signature.
func (h *Hook) ask(ctx context.Context, typ string, data any, into any) error {
	id := "ask_" + rand.Text()
	body, proved, err := h.call(ctx, event{ID: id, Type: typ, Time: h.now(), Data: data})
	if err != nil {
		return err
	}
	if !proved {
		return tell(fault.Denied, "the webhook answers "+typ+" without a signature", "let it answer 501 if it doesn't offer that")
	}
	return decode(body, into)
}

// status says what the status of an answer means where it isn't success.
func (h *Hook) status(resp *http.Response) error {
	s := resp.StatusCode
	says := fmt.Sprintf("the webhook answers %d %s", s, http.StatusText(s))
	switch {
	case s >= 200 && s <= 299:
		return nil
	case s >= 300 && s <= 399:
		return tell(fault.Invalid, says+", a redirect, which is not followed", "put the new address into the configuration")
	case s == http.StatusGone:
		return tell(fault.Denied, says+": it was retired", "remove the connector, or ask for its new address")
	case s == http.StatusUnauthorized, s == http.StatusForbidden:
		return tell(fault.Denied, says, "compare the secret or the keys of both sides")
	case s == http.StatusConflict, s == http.StatusPreconditionFailed:
		return fmt.Errorf("%w: %s", fault.Conflict, says)
	case s == http.StatusNotFound, s == http.StatusNotImplemented:
		return fmt.Errorf("%w: %w", tell(fault.Invalid, says, "compare the address, and which events it takes"), errors.ErrUnsupported)
	case s == http.StatusRequestTimeout, s == http.StatusTooEarly, s == http.StatusTooManyRequests, s >= 500:
		return &connector.Later{Wait: retryAfter(resp.Header.Get("Retry-After"), h.now()), Err: errors.New(says)}
	}
	return tell(fault.Invalid, says, "its log should say why")
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

func tell(k fault.Kind, text, hint string) error { return fault.Tell(k, text, hint) }

// unnamed returns err without the URL, whose path may be a secret.
func unnamed(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
