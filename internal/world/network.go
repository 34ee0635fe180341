package world

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"firsthand/fetch"
)

// A network is the world's internet: its names, the addresses behind them, and an
// authority that vouches for them. It reaches what listens in this process and
// nothing else, so the guards of package fetch stay as they are for real use.
type network struct {
	key   *ecdsa.PrivateKey // of the authority, and of all hosts
	cert  *x509.Certificate
	roots *x509.CertPool

	mu    sync.Mutex // held for a few instructions; guards what follows
	names map[string]netip.Addr
	doors map[netip.AddrPort]string // where it really listens; "" while it is down
	hosts map[netip.Addr]string
	knock func(host string)
}

// block is a part of the internet that nobody has: IANA has assigned none of it.
// Addresses of it are public for the guards, and lead nowhere outside.
var block = netip.MustParsePrefix("2d00::/8")

// certified is for how long certificates hold: longer than any demo runs.
const certified = 365 * 24 * time.Hour

func newNetwork() (*network, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	n := &network{key: key, roots: x509.NewCertPool(), names: make(map[string]netip.Addr),
		doors: make(map[netip.AddrPort]string), hosts: make(map[netip.Addr]string)}
	template := n.template("")
	template.IsCA, template.BasicConstraintsValid = true, true
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	if n.cert, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}
	n.roots.AddCert(n.cert)
	return n, nil
}

// template is a certificate of host, or of the authority where that is "".
func (n *network) template(host string) *x509.Certificate {
	now := time.Now() // what verifies it has no other clock
	c := &x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "Firsthand demo"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certified)}
	if host != "" {
		c.DNSNames = []string{host}
	}
	return c
}

// add gives host a name, and returns the certificate under which it serves.
func (n *network) add(host string) (tls.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, n.template(host), n.cert, n.key.Public(), n.key)
	if err != nil {
		return tls.Certificate{}, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	bytes := block.Addr().As16()
	bytes[15] = byte(len(n.names) + 1)
	a := netip.AddrFrom16(bytes)
	n.names[host], n.hosts[a] = a, host
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: n.key}, nil
}

// open connects a port of host to what listens at addr; "" takes it away.
func (n *network) open(host string, port uint16, addr string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.doors[netip.AddrPortFrom(n.names[host], port)] = addr
}

// watch tells knock of each connection to a host from now on, up or down.
func (n *network) watch(knock func(host string)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.knock = knock
}

// resolve implements the Resolver of package fetch.
func (n *network) resolve(_ context.Context, host string) ([]netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	a, ok := n.names[host]
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return []netip.Addr{a}, nil
}

// dial implements the Dial of package fetch.
func (n *network) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	door, knock, host := n.doors[to], n.knock, n.hosts[to.Addr()]
	n.mu.Unlock()
	if host != "" && knock != nil {
		knock(host)
	}
	if door == "" {
		return nil, fmt.Errorf("dial %s: %w", addr, syscall.ECONNREFUSED)
	}
	return new(net.Dialer).DialContext(ctx, network, door)
}

// dialHost reaches a host by its name, and no host of anybody else.
func (n *network) dialHost(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	at, err := n.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	return n.dial(ctx, network, net.JoinHostPort(at[0].String(), port))
}

// options are how package fetch reaches this network: with all guards up.
func (n *network) options() fetch.Options {
	return fetch.Options{Resolver: n.resolve, Dial: n.dial, RootCAs: n.roots}
}
