package fetch_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"

	"firsthand/fetch"
)

// A host is a curious one: it notes what might tell it who calls.
type host struct {
	secure, plain string // URLs
	opts          fetch.Options
	closed        chan string // remote addresses of connections that ended

	mu     sync.Mutex
	calls  []call
	hellos []string
	sent   []*bytes.Buffer // what each connection without TLS has carried
}

type call struct {
	remote, cookie string
	resumed        bool
}

func newHost(t *testing.T) *host {
	h := &host{closed: make(chan string, 10)}
	s := httptest.NewUnstartedServer(h)
	s.TLS = &tls.Config{GetConfigForClient: func(i *tls.ClientHelloInfo) (*tls.Config, error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.hellos = append(h.hellos, fmt.Sprint(i.ServerName, i.CipherSuites, i.SupportedCurves, i.SupportedPoints,
			i.SignatureSchemes, i.SupportedProtos, i.SupportedVersions, i.Extensions))
		return nil, nil
	}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Config.ConnState = func(c net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			h.closed <- c.RemoteAddr().String()
		}
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	p := httptest.NewServer(h)
	t.Cleanup(p.Close)

	h.secure, h.plain = s.URL, p.URL
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	h.opts = fetch.Options{AllowLoopback: true, RootCAs: roots, Dial: h.dial}
	return h
}

func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, call{r.RemoteAddr, r.Header.Get("Cookie"), r.TLS != nil && r.TLS.DidResume})
	http.SetCookie(w, &http.Cookie{Name: "who", Value: fmt.Sprint(len(h.calls))})
	w.Header().Set("Etag", fmt.Sprintf(`"%d"`, len(h.calls)))
	io.WriteString(w, "hello")
}

// dial notes what is written to connections without TLS.
func (h *host) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, network, addr)
	if err != nil || !strings.HasSuffix(h.plain, addr) {
		return c, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sent = append(h.sent, &bytes.Buffer{})
	return &tapped{c, h, h.sent[len(h.sent)-1]}, nil
}

type tapped struct {
	net.Conn
	host *host
	sent *bytes.Buffer
}

func (c *tapped) Write(p []byte) (int, error) {
	c.host.mu.Lock()
	c.sent.Write(p)
	c.host.mu.Unlock()
	return c.Conn.Write(p)
}

// last returns the call before the last n.
func (h *host) last(n int) call {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.calls[len(h.calls)-1-n]
}

// observe makes calls for relationships a and b, in which plant may have
// planted a bug, and says what links them.
func observe(t *testing.T, plant func(a, b *fetch.Client)) error {
	h := newHost(t)
	c := fetch.New(h.opts)
	a, b := c.Isolated(), c.Isolated()
	defer a.Close()
	defer b.Close()
	if plant != nil {
		plant(a, b)
	}
	for _, url := range []string{h.secure, h.plain} {
		for _, c := range []*fetch.Client{a, b, a, b} {
			if _, err := c.Do(t.Context(), &fetch.Request{URL: url, Method: "POST", Body: []byte("same")}); err != nil {
				return err
			}
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, call := range h.calls {
		if call.cookie != "" || call.resumed {
			return fmt.Errorf("call %d: cookie %q, session resumed %v", i, call.cookie, call.resumed)
		}
	}
	switch calls := h.calls; { // a b a b with TLS, and a b a b without
	case calls[0].remote == calls[1].remote || calls[4].remote == calls[5].remote:
		return errors.New("a and b share a connection")
	case calls[0].remote != calls[2].remote || calls[4].remote != calls[6].remote:
		return errors.New("a uses a new connection for each call")
	case len(h.hellos) != 2 || h.hellos[0] != h.hellos[1]:
		return fmt.Errorf("the TLS hellos of a and b differ: %q", h.hellos)
	case len(h.sent) != 2 || h.sent[0].String() != h.sent[1].String():
		return fmt.Errorf("the bytes of a and b differ: %q", h.sent)
	}
	return nil
}

func TestIsolation(t *testing.T) {
	if err := observe(t, nil); err != nil {
		t.Error(err)
	}
}

func TestIsolationNoticesPlantedBugs(t *testing.T) {
	for _, bug := range fetch.IsolationBugs {
		t.Run(bug.Name, func(t *testing.T) {
			err := observe(t, bug.Plant)
			if err == nil {
				t.Error("not noticed")
			}
			t.Log("noticed:", err)
		})
	}
}

// A Client that is not isolated serves many relationships.
func TestNewKeepsNothing(t *testing.T) {
	h := newHost(t)
	c := fetch.New(h.opts)
	for range 2 {
		if _, err := c.Get(t.Context(), h.secure); err != nil {
			t.Fatal(err)
		}
	}
	one, two := h.last(1), h.last(0)
	if one.remote == two.remote || two.resumed || two.cookie != "" {
		t.Errorf("calls can be linked: %+v, %+v", one, two)
	}
}

func TestCloseEndsIdleConnections(t *testing.T) {
	h := newHost(t)
	c := fetch.New(h.opts).Isolated()
	for range 2 { // a Client may be used after Close
		if _, err := c.Get(t.Context(), h.secure); err != nil {
			t.Fatal(err)
		}
		c.Close()
		if got, want := <-h.closed, h.last(0).remote; got != want {
			t.Errorf("closed %s, want %s", got, want)
		}
	}
}

// An agent may hold a thousand relationships, of which few are busy.
func TestIsolatedIsCheap(t *testing.T) {
	c := fetch.New(fetch.Options{})
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	goroutines := runtime.NumGoroutine()
	before := heap()
	clients := make([]*fetch.Client, 1000)
	for i := range clients {
		clients[i] = c.Isolated()
	}
	each := (heap() - before) / uint64(len(clients))
	t.Logf("%d bytes each", each)
	if each > 2048 {
		t.Errorf("an isolated Client takes %d bytes, want at most 2048", each)
	}
	if n := runtime.NumGoroutine(); n > goroutines {
		t.Errorf("%d goroutines more", n-goroutines)
	}
	runtime.KeepAlive(clients)
}
