package fetchtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// An authority certifies any host that is asked for.
type authority struct {
	roots *x509.CertPool
	key   *ecdsa.PrivateKey // of the authority and of all hosts
	cert  *x509.Certificate

	mu     sync.Mutex
	issued map[string]*tls.Certificate // by host
}

func newAuthority(t testing.TB) *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	ca := &authority{roots: x509.NewCertPool(), key: key, cert: cert, issued: map[string]*tls.Certificate{}}
	ca.roots.AddCert(cert)
	return ca
}

// certificate serves as tls.Config.GetCertificate.
func (ca *authority) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	if c, ok := ca.issued[hello.ServerName]; ok {
		return c, nil
	}
	c := ca.issue(hello.ServerName, nil)
	ca.issued[hello.ServerName] = &c
	return &c, nil
}

// issue certifies host, if there is one, and addrs.
func (ca *authority) issue(host string, addrs []netip.Addr) tls.Certificate {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2),
		NotBefore:    ca.cert.NotBefore,
		NotAfter:     ca.cert.NotAfter,
	}
	if host != "" {
		template.DNSNames = []string{host}
	}
	for _, a := range addrs {
		template.IPAddresses = append(template.IPAddresses, net.IP(a.AsSlice()))
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, ca.key.Public(), ca.key)
	if err != nil {
		panic(err) // the template is ours
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: ca.key}
}
