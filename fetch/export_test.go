package fetch

import (
	"context"
	"net/netip"
	"net/url"
)

// CheckURL lets the fuzz test call it.
var CheckURL = checkURL

// A PlantedBug is a mistake that a client such as ours could well make. A
// harness that does not notice it tests nothing.
type PlantedBug struct {
	Name  string
	Plant func(*Client)
}

// redial replaces what dials public hosts by one like it in which change has
// planted a bug.
func (c *Client) redial(change func(*dialer)) {
	if c.opts.AllowLoopback {
		return
	}
	d := &dialer{c.opts.Resolver, c.opts.Dial, public, c.opts.RootCAs, c.opts.Timeout}
	change(d)
	c.transport.DialTLSContext = d.dialTLS
}

// readmit replaces the policy of a Client that allows loopback.
func (c *Client) readmit(plain, secure policy) {
	if !c.opts.AllowLoopback {
		return
	}
	c.transport.DialContext = (&dialer{c.opts.Resolver, c.opts.Dial, plain, nil, c.opts.Timeout}).dial
	c.transport.DialTLSContext = (&dialer{c.opts.Resolver, c.opts.Dial, secure, c.opts.RootCAs, c.opts.Timeout}).dialTLS
}

// respell makes a bug of reading URLs: lenient turns raw into what a lenient
// program would have read.
func respell(lenient func(raw string) string) func(*Client) {
	return recheck(func(raw string, _ *url.URL, _ error) (*url.URL, error) { return checkURL(lenient(raw), false) })
}

// recheck makes a bug of reading URLs: judge sees raw and what checkURL says,
// and decides.
func recheck(judge func(raw string, u *url.URL, err error) (*url.URL, error)) func(*Client) {
	return func(c *Client) {
		if c.opts.AllowLoopback {
			return
		}
		c.check = func(raw string, _ bool) (*url.URL, error) {
			u, err := checkURL(raw, false)
			return judge(raw, u, err)
		}
	}
}

// watch notes the host that d resolves last.
func (d *dialer) watch(note func(host string, addrs []netip.Addr)) {
	resolve := d.resolve
	d.resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
		addrs, err := resolve(ctx, host)
		note(host, addrs)
		return addrs, err
	}
}

func everything(netip.Addr) error { return nil }
