package fetchtest

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"firsthand/fetch"
)

// zone is what the resolver says about names that a vector has no answers for.
// All other names resolve to loopback, where the sentinel is.
var zone = map[string]string{
	"acme.example":              "93.184.216.34",
	"bank.example":              "93.184.216.35",
	"xn--bcher-kva.example":     "93.184.216.34",
	"inside.example":            "10.0.0.1",
	"acme.example.bank.example": "93.184.216.35",
}

// An Internet is a server that stands for every public address, and a sentinel
// that stands for all others.
type Internet struct {
	roots         *x509.CertPool
	secure, plain string // addresses of the server, with and without TLS
	sentinel      string
	arrivals      atomic.Int64 // connections that the sentinel has had
}

// New starts an Internet that ends with the test.
func New(t testing.TB) *Internet {
	ca := newAuthority(t)
	n := &Internet{roots: ca.roots}

	quiet := log.New(io.Discard, "", 0) // refused calls leave handshakes half done
	secure := httptest.NewUnstartedServer(http.HandlerFunc(serve))
	secure.TLS = &tls.Config{Certificates: []tls.Certificate{ca.issue("", publicAddrs())}, GetCertificate: ca.certificate}
	secure.Config.ErrorLog = quiet
	secure.StartTLS()
	t.Cleanup(secure.Close)
	n.secure = secure.Listener.Addr().String()

	plain := httptest.NewServer(http.HandlerFunc(serve))
	t.Cleanup(plain.Close)
	n.plain = plain.Listener.Addr().String()

	sentinel, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sentinel.Close() })
	n.sentinel = sentinel.Addr().String()
	go func() {
		for {
			c, err := sentinel.Accept()
			if err != nil {
				return
			}
			n.arrivals.Add(1) // before the caller can notice that it arrived
			c.Close()
		}
	}()
	return n
}

// Sentinel returns the address, on loopback, at which nobody may arrive.
func (n *Internet) Sentinel() string { return n.sentinel }

// serve answers every call, with what the query asks for: a status and where
// to go from here.
func serve(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	for _, to := range q["to"] {
		w.Header().Add("Location", to)
		w.Header().Add("Refresh", "0; url="+to)
		w.Header().Add("Alt-Svc", `h3="127.0.0.1:443"`)
	}
	status, _ := strconv.Atoi(q.Get("status"))
	w.WriteHeader(cmp.Or(status, 200))
	io.WriteString(w, "hello")
}

// Play makes the calls of v through f, with a new Client. It returns what f
// returned for each call, and where f arrived although nobody may.
func (n *Internet) Play(ctx context.Context, v Vector, f Feature) (errs []error, breaches []string) {
	s := &stage{Internet: n, vector: v}
	c := fetch.New(fetch.Options{
		Resolver:      s.resolve,
		Dial:          s.dial,
		AllowLoopback: v.Loopback,
		RootCAs:       n.roots,
	})
	defer c.Close()
	before := n.arrivals.Load()
	url := n.fill(v.URL)
	for range v.Want {
		errs = append(errs, f(ctx, c, url))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if past := int(n.arrivals.Load()-before) - len(s.breaches); past > 0 {
		s.breaches = append(s.breaches, fmt.Sprintf("the sentinel, past resolver and dialer, %d times", past))
	}
	return errs, s.breaches
}

// fill puts the ports of this Internet into the URL of a vector.
func (n *Internet) fill(raw string) string {
	return strings.NewReplacer("{port}", port(n.sentinel), "{tls}", port(n.secure), "{plain}", port(n.plain)).Replace(raw)
}

// A stage is the resolver and the dialer while a vector is played.
type stage struct {
	*Internet
	vector Vector

	mu       sync.Mutex
	asked    int // questions about the vector's host
	breaches []string
}

func (s *stage) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer, ok := zone[host]
	if u, err := url.Parse(s.fill(s.vector.URL)); len(s.vector.Answers) > 0 && err == nil && u.Hostname() == host {
		answer, ok = s.vector.Answers[min(s.asked, len(s.vector.Answers)-1)], true
		s.asked++
	}
	if !ok {
		answer = "127.0.0.1"
	}
	var addrs []netip.Addr
	for _, text := range strings.Fields(answer) {
		a, _ := netip.ParseAddr(text) // the zero Addr where it is none
		addrs = append(addrs, a)
	}
	return addrs, nil
}

// dial connects public addresses to the server, and loopback ones too where
// the vector allows them; it notes all others, and connects them to the sentinel.
func (s *stage) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	to := s.sentinel
	at, err := netip.ParseAddrPort(addr)
	ip := at.Addr().Unmap()
	switch {
	case err == nil && isPublic[ip.WithZone("")]:
		to = s.secure
	case err == nil && ip.IsLoopback() && s.vector.Loopback && port(addr) != port(s.sentinel):
		to = net.JoinHostPort("127.0.0.1", port(addr))
	default:
		s.mu.Lock()
		s.breaches = append(s.breaches, addr)
		s.mu.Unlock()
	}
	var d net.Dialer
	return d.DialContext(ctx, network, to)
}

// port returns the port of addr, a host and a port.
func port(addr string) string {
	_, p, _ := net.SplitHostPort(addr)
	return p
}
