package fetch

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
)

// AddressBugs are mistakes in judging addresses. The vectors must notice them.
func AddressBugs() []PlantedBug {
	bugs := []PlantedBug{
		{"host name checked instead of the address", func(c *Client) {
			c.redial(func(d *dialer) { d.admit = everything })
			recheck(func(_ string, u *url.URL, err error) (*url.URL, error) {
				if err == nil {
					if a, name := netip.ParseAddr(u.Hostname()); name == nil {
						err = public(a)
					}
				}
				return u, err
			})(c)
		}},
		{"only the first address checked", func(c *Client) {
			c.redial(func(d *dialer) {
				var first netip.Addr
				d.watch(func(_ string, addrs []netip.Addr) { first = slices.Concat(addrs, []netip.Addr{{}})[0] })
				d.admit = func(a netip.Addr) error {
					if first.IsValid() && a != first {
						return nil
					}
					return public(a)
				}
			})
		}},
		{"one good address is enough", func(c *Client) {
			c.redial(func(d *dialer) {
				good := false
				d.watch(func(_ string, addrs []netip.Addr) {
					good = slices.ContainsFunc(addrs, func(a netip.Addr) bool { return public(a) == nil })
				})
				d.admit = func(a netip.Addr) error {
					if good {
						return nil
					}
					return public(a)
				}
			})
		}},
		{"resolved again after the check", func(c *Client) {
			c.redial(func(d *dialer) {
				var asked string
				d.watch(func(host string, _ []netip.Addr) { asked = host })
				d.connect = func(ctx context.Context, network, addr string) (net.Conn, error) {
					if asked != "" {
						again, _ := c.opts.Resolver(ctx, asked)
						_, port, _ := net.SplitHostPort(addr)
						addr = net.JoinHostPort(again[0].String(), port)
					}
					return c.opts.Dial(ctx, network, addr)
				}
			})
		}},
		{"a name once good is good for ever", func(c *Client) {
			c.redial(func(d *dialer) {
				var asked string
				good := map[string]bool{}
				d.watch(func(host string, _ []netip.Addr) { asked = host })
				d.admit = func(a netip.Addr) error {
					if good[asked] {
						return nil
					}
					err := public(a)
					good[asked] = err == nil && asked != ""
					return err
				}
			})
		}},
		{"the name given to the dialer", func(c *Client) {
			if !c.opts.AllowLoopback {
				c.transport.DialContext, c.transport.DialTLSContext = c.opts.Dial, nil
			}
		}},
		{"::ffff: not unmapped", func(c *Client) {
			c.redial(func(d *dialer) {
				d.admit = func(a netip.Addr) error {
					if a.Is4In6() {
						return nil
					}
					return public(a)
				}
			})
		}},
		{"IPv6 refused by a list of its own", func(c *Client) {
			c.redial(func(d *dialer) {
				d.admit = func(a netip.Addr) error {
					if a.Is6() && !a.Is4In6() && !a.IsPrivate() && !a.IsLoopback() && !a.IsLinkLocalUnicast() && !a.IsMulticast() && !a.IsUnspecified() {
						return nil
					}
					return public(a)
				}
			})
		}},
		{"only private and loopback addresses refused", func(c *Client) {
			c.redial(func(d *dialer) {
				d.admit = func(a netip.Addr) error {
					if a.IsPrivate() || a.IsLoopback() {
						return public(a)
					}
					return nil
				}
			})
		}},
		{"netip's IsGlobalUnicast trusted", func(c *Client) {
			c.redial(func(d *dialer) {
				d.admit = func(a netip.Addr) error {
					if a.IsGlobalUnicast() && !a.IsPrivate() {
						return nil
					}
					return public(a)
				}
			})
		}},
		{"zone dropped", func(c *Client) {
			c.redial(func(d *dialer) { d.admit = func(a netip.Addr) error { return public(a.WithZone("")) } })
		}},
		{"invalid address let through", func(c *Client) {
			c.redial(func(d *dialer) {
				d.admit = func(a netip.Addr) error {
					if !a.IsValid() {
						return nil
					}
					return public(a)
				}
			})
		}},
		{"loopback always allowed", func(c *Client) {
			c.redial(func(d *dialer) { d.admit = publicOrLoopback })
		}},
		{"private allowed where loopback is", func(c *Client) {
			c.readmit(loopback, func(a netip.Addr) error {
				if a.IsPrivate() {
					return nil
				}
				return publicOrLoopback(a)
			})
		}},
		{"unspecified taken for loopback", func(c *Client) {
			c.readmit(func(a netip.Addr) error {
				if a.IsUnspecified() {
					return nil
				}
				return loopback(a)
			}, publicOrLoopback)
		}},
		{"everything allowed where loopback is", func(c *Client) { c.readmit(everything, everything) }},
		{"public without TLS where loopback is allowed", func(c *Client) { c.readmit(publicOrLoopback, publicOrLoopback) }},
		{"mapped loopback not allowed where loopback is", func(c *Client) {
			c.readmit(func(a netip.Addr) error {
				if a.Is4In6() {
					return nowhere(a)
				}
				return loopback(a)
			}, publicOrLoopback)
		}},
		{"proxy from the environment", func(c *Client) { c.transport.Proxy = http.ProxyFromEnvironment }},
		{"proxy from the environment, dialled unchecked", func(c *Client) {
			c.transport.Proxy = http.ProxyFromEnvironment
			c.transport.DialContext = new(net.Dialer).DialContext // dials the proxy, on loopback, alone
		}},
		{"redirects followed", func(c *Client) { c.send = (&http.Client{Transport: c.transport}).Do }},
		{"redirects followed on the same host", func(c *Client) {
			c.send = (&http.Client{Transport: c.transport, CheckRedirect: func(req *http.Request, via []*http.Request) error {
				if req.URL.Host != via[0].URL.Host || len(via) > 3 {
					return http.ErrUseLastResponse
				}
				return nil
			}}).Do
		}},
		{"redirects followed unchecked", func(c *Client) {
			d := &dialer{c.opts.Resolver, c.opts.Dial, everything, c.opts.RootCAs, c.opts.Timeout}
			bare := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: d.dial, DialTLSContext: d.dialTLS}}
			c.send = func(req *http.Request) (*http.Response, error) {
				resp, err := c.transport.RoundTrip(req)
				if err != nil || resp.StatusCode/100 != 3 {
					return resp, err
				}
				resp.Body.Close()
				to, err := resp.Location()
				if err != nil {
					return nil, err
				}
				return bare.Get(to.String())
			}
		}},
		{"use proxy (305) obeyed", func(c *Client) {
			c.send = func(req *http.Request) (*http.Response, error) {
				resp, err := c.transport.RoundTrip(req)
				if err == nil && resp.StatusCode == http.StatusUseProxy {
					resp.Body.Close()
					c.transport.Proxy = http.ProxyFromEnvironment
					return c.transport.RoundTrip(req)
				}
				return resp, err
			}
		}},
	}
	for i, n := range special {
		bugs = append(bugs, PlantedBug{n.prefix.String() + " forgotten", func(c *Client) {
			others := slices.Delete(slices.Clone(special), i, i+1)
			c.redial(func(d *dialer) { d.admit = func(a netip.Addr) error { return judge(a, others) } })
		}})
	}
	return bugs
}
