package fetch

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"time"

	"firsthand/fault"
)

const (
	noBytes = 1 << 40          // no limit of size
	noTime  = 1000 * time.Hour // no limit of time
)

// LimitBugs are mistakes in limiting an answer. The tests of limits must notice
// them.
var LimitBugs = []PlantedBug{
	{"no limit of size", func(c *Client) { c.opts.MaxBytes = noBytes }},
	{"limit of size one too high", func(c *Client) { c.opts.MaxBytes++ }},
	{"limit of size one too low", func(c *Client) { c.opts.MaxBytes-- }},
	{"limit of size by Content-Length", func(c *Client) {
		limit := c.opts.MaxBytes
		c.opts.MaxBytes = noBytes
		c.receive(func(resp *http.Response) error {
			if resp.ContentLength > limit {
				return fault.Refuse(fault.Invalid, "fetch-size", "Content-Length")
			}
			return nil
		})
	}},
	{"limit of size on the compressed side", func(c *Client) {
		limit := c.opts.MaxBytes
		c.opts.MaxBytes = noBytes
		c.receive(func(resp *http.Response) error {
			packed, err := io.ReadAll(io.LimitReader(resp.Body, limit))
			if err != nil {
				return err
			}
			resp.Body = io.NopCloser(bytes.NewReader(packed))
			if resp.Header.Get("Content-Encoding") == "gzip" {
				resp.Header.Del("Content-Encoding")
				r, err := gzip.NewReader(bytes.NewReader(packed))
				if err != nil {
					return err
				}
				resp.Body = io.NopCloser(r)
			}
			return nil
		})
	}},
	{"decompressed by the transport", func(c *Client) {
		c.transport.DisableCompression = false
		c.send = func(req *http.Request) (*http.Response, error) {
			req.Header.Del("Accept-Encoding")
			return c.transport.RoundTrip(req)
		}
	}},
	{"only the first coding looked at", func(c *Client) {
		c.receive(func(resp *http.Response) error {
			if codings := resp.Header["Content-Encoding"]; len(codings) > 1 {
				resp.Header["Content-Encoding"] = codings[:1]
			}
			return nil
		})
	}},
	{"too long an answer cut", func(c *Client) {
		limit := c.opts.MaxBytes
		c.receive(func(resp *http.Response) error {
			resp.Body = struct {
				io.Reader
				io.Closer
			}{io.LimitReader(resp.Body, limit), resp.Body}
			return nil
		})
	}},
	{"half an answer taken for whole", func(c *Client) {
		c.receive(func(resp *http.Response) error {
			body, err := io.ReadAll(io.LimitReader(resp.Body, c.opts.MaxBytes+1))
			if errors.Is(err, io.ErrUnexpectedEOF) {
				err = nil
			}
			resp.Body = io.NopCloser(bytes.NewReader(body))
			return err
		})
	}},
	{"no limit of the header", func(c *Client) { c.transport.MaxResponseHeaderBytes = noBytes }},
	{"no limit of time", func(c *Client) { c.opts.Timeout = noTime }},
	{"limit of time ends with the header", func(c *Client) {
		c.send = func(req *http.Request) (*http.Response, error) {
			ctx, cancel := context.WithCancel(context.WithoutCancel(req.Context()))
			stop := context.AfterFunc(req.Context(), cancel)
			resp, err := c.transport.RoundTrip(req.WithContext(ctx))
			stop()
			return resp, err
		}
	}},
	{"long polls cut by a limit for the header", func(c *Client) { c.transport.ResponseHeaderTimeout = c.opts.Timeout }},
	{"dialling goes on when the call has ended", func(c *Client) {
		d := &dialer{c.opts.Resolver, c.opts.Dial, loopback, nil, noTime}
		c.transport.DialContext = d.dial
	}},
	{"first address gets all the time", func(c *Client) {
		d := &dialer{c.opts.Resolver, c.opts.Dial, loopback, nil, c.opts.Timeout}
		d.connect = func(ctx context.Context, network, addr string) (net.Conn, error) {
			all, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.opts.Timeout)
			defer cancel()
			return c.opts.Dial(all, network, addr)
		}
		c.transport.DialContext = d.dial
	}},
	{"all of 200 addresses tried", func(c *Client) {
		d := &dialer{c.opts.Resolver, c.opts.Dial, loopback, nil, c.opts.Timeout}
		c.transport.DialContext = func(ctx context.Context, network, target string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, d.timeout)
			defer cancel()
			host, port, _ := net.SplitHostPort(target)
			addrs, err := d.lookup(ctx, host)
			for _, a := range addrs {
				var conn net.Conn
				if conn, err = d.connect(ctx, network, net.JoinHostPort(a.String(), port)); err == nil {
					return conn, nil
				}
			}
			return nil, err
		}
	}},
}

// receive lets change see each answer before exchange does.
func (c *Client) receive(change func(*http.Response) error) {
	c.send = func(req *http.Request) (*http.Response, error) {
		resp, err := c.transport.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		if err := change(resp); err != nil {
			return nil, errors.Join(err, resp.Body.Close())
		}
		return resp, nil
	}
}

// IsolationBugs are mistakes that let the other end find out that two
// relationships, a and b, are one customer's. The test of isolation must
// notice them.
var IsolationBugs = []struct {
	Name  string
	Plant func(a, b *Client)
}{
	{"one transport for all", func(a, b *Client) { b.transport, b.send = a.transport, a.transport.RoundTrip }},
	{"one cache of TLS sessions for all", func(a, b *Client) {
		cache := tls.NewLRUClientSessionCache(8)
		for _, c := range []*Client{a, b} {
			c.transport.DialTLSContext = nil
			d := &dialer{c.opts.Resolver, c.opts.Dial, publicOrLoopback, nil, c.opts.Timeout}
			c.transport.DialContext = d.dial
			c.transport.TLSClientConfig = &tls.Config{RootCAs: c.opts.RootCAs, ClientSessionCache: cache, NextProtos: []string{"http/1.1"}}
		}
	}},
	{"one cookie jar for all", func(a, b *Client) {
		jar, _ := cookiejar.New(nil) // never fails
		for _, c := range []*Client{a, b} {
			c.send = (&http.Client{Transport: c.transport, Jar: jar}).Do
		}
	}},
	{"a header of its own", func(a, b *Client) {
		b.send = func(req *http.Request) (*http.Response, error) {
			req.Header.Set("User-Agent", "firsthand/1.1")
			return b.transport.RoundTrip(req)
		}
	}},
	{"a TLS hello of its own", func(a, b *Client) {
		b.transport.DialTLSContext = nil
		d := &dialer{b.opts.Resolver, b.opts.Dial, publicOrLoopback, nil, b.opts.Timeout}
		b.transport.DialContext = d.dial
		b.transport.TLSClientConfig = &tls.Config{RootCAs: b.opts.RootCAs, NextProtos: []string{"h2", "http/1.1"}}
	}},
	{"no connection kept", func(a, b *Client) { a.transport.DisableKeepAlives = true }},
}
