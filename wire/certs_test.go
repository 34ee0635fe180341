package wire_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"sync"
	"testing"
	"time"
)

// A ca certifies whatever name is asked for.
type ca struct {
	key  *ecdsa.PrivateKey
	leaf *x509.Certificate
}

var theCA = sync.OnceValues(func() (*ca, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return &ca{key, cert}, err
})

func authority(t testing.TB) *ca {
	t.Helper()
	a, err := theCA()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// certificates serves as tls.Config.GetCertificate.
func certificates(t testing.TB) func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	a := authority(t)
	return func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		template := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: a.leaf.NotBefore, NotAfter: a.leaf.NotAfter,
			DNSNames: []string{hello.ServerName}}
		der, err := x509.CreateCertificate(rand.Reader, template, a.leaf, a.key.Public(), a.key)
		return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.key}, err
	}
}
