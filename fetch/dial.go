package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"firsthand/fault"
)

// maxAttempts is how many addresses of a host are tried, so that nobody can
// make this machine knock at hundreds of doors with one name.
const maxAttempts = 8

// A dialer connects to addresses that it has judged, and to no others.
type dialer struct {
	resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	connect func(ctx context.Context, network, addr string) (net.Conn, error)
	admit   policy
	roots   *x509.CertPool
	timeout time.Duration
}

// dial connects to the host and port in target. The timeout is needed since
// http.Transport keeps on dialling when the call that wanted it has gone.
func (d *dialer) dial(ctx context.Context, network, target string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	host, port, err := net.SplitHostPort(target)
	if err != nil {
		return nil, err
	}
	addrs, err := d.lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	for _, a := range addrs {
		if err := d.admit(a); err != nil {
			return nil, err
		}
	}
	return d.first(ctx, network, addrs, port)
}

// dialTLS is dial followed by a TLS handshake. Its configuration is made anew
// for each connection, and has no cache of sessions: a ticket would let a host
// recognise who comes back, on whatever connection.
func (d *dialer) dialTLS(ctx context.Context, network, target string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	raw, err := d.dial(ctx, network, target)
	if err != nil {
		return nil, err
	}
	host, _, _ := net.SplitHostPort(target) // dial has split it
	conn := tls.Client(raw, &tls.Config{
		ServerName: host,
		RootCAs:    d.roots,
		NextProtos: []string{"http/1.1"},
	})
	if err := conn.HandshakeContext(ctx); err != nil {
		raw.Close()
		if c, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
			// Quoted and cut, because it repeats names that the host chose.
			return nil, fault.Refuse(fault.Unavailable, "fetch-certificate", "the certificate is not valid: %.200q", c.Err.Error())
		}
		return nil, err
	}
	return conn, nil
}

// lookup returns the addresses of host, at least one. It is the only place
// where a name is resolved.
func (d *dialer) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	addrs, err := d.resolve(ctx, host)
	if err == nil && len(addrs) == 0 {
		err = errors.New("host has no address")
	}
	return addrs, err
}

// first connects to the first of addrs that answers. Each gets its share of
// the time that is left.
func (d *dialer) first(ctx context.Context, network string, addrs []netip.Addr, port string) (net.Conn, error) {
	addrs = addrs[:min(len(addrs), maxAttempts)]
	deadline, _ := ctx.Deadline()
	var failed error // the first failure: later addresses are second choice
	for i, a := range addrs {
		share := time.Until(deadline) / time.Duration(len(addrs)-i)
		one, cancel := context.WithTimeout(ctx, share)
		conn, err := d.connect(one, network, net.JoinHostPort(a.String(), port))
		cancel()
		if err == nil {
			return conn, nil
		}
		if failed == nil {
			failed = err
		}
	}
	return nil, fmt.Errorf("connect to %d addresses: %w", len(addrs), failed)
}

// systemResolver asks the system for exactly host: the final dot keeps it from
// trying host in the local search domains too.
func systemResolver(ctx context.Context, host string) ([]netip.Addr, error) {
	if strings.Contains(host, ".") {
		host += "."
	}
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}
