package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// A border stands between a gateway and a company's system. It counts the calls while
// it is told to, and can do something at one of them.
type border struct {
	*httptest.Server
	target *url.URL

	mu    sync.Mutex
	calls []string // since count; nil while nobody counts
	on    bool
	act   func(n int, what string, pass func()) // at each call that is counted; nil for none
	wrong http.HandlerFunc                      // answers in the system's stead; nil where it answers itself
}

func newBorder(t testing.TB, target string) *border {
	u, err := url.Parse(target)
	must(t, err)
	b := &border{target: u}
	b.Server = httptest.NewServer(b)
	t.Cleanup(func() { b.CloseClientConnections(); b.Close() })
	return b
}

// count counts calls from now on, and has act do something at each: it gets the number
// of the call from 1 on, what it is, and what passes it on, which it may do or not.
// Once act has returned the caller gets the answer, if there is one, or none.
func (b *border) count(act func(n int, what string, pass func())) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls, b.on, b.act = nil, true, act
}

// counted stops to count, and returns what the calls were.
func (b *border) counted() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.on, b.act = false, nil
	return b.calls
}

// broken has calls answered by wrong; nil for no more.
func (b *border) broken(wrong http.HandlerFunc) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wrong = wrong
}

func (b *border) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	b.mu.Lock()
	act, wrong, what, n := b.act, b.wrong, named(r, body), 0
	if b.on {
		b.calls = append(b.calls, what)
		n = len(b.calls)
	}
	b.mu.Unlock()
	if wrong != nil {
		wrong(w, r)
		return
	}
	var resp *http.Response
	var text []byte
	pass := func() { resp, text = b.pass(r, body) }
	if n > 0 && act != nil {
		act(n, what, pass)
	} else {
		pass()
	}
	if resp == nil {
		panic(http.ErrAbortHandler)
	}
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.StatusCode)
	w.Write(text)
}

// pass asks the system; nil if it doesn't answer.
func (b *border) pass(r *http.Request, body []byte) (*http.Response, []byte) {
	u := *r.URL
	u.Scheme, u.Host = b.target.Scheme, b.target.Host
	// Whoever asked may be dead: that is no reason for the system to stop.
	req, err := http.NewRequest(r.Method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, nil
	}
	req.Header = r.Header.Clone()
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, nil
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, nil
	}
	return resp, text
}

// named says in short what a call is: of Tryton's the method, of RT's method and path
// without numbers.
func named(r *http.Request, body []byte) string {
	var call struct{ Method string }
	if json.Unmarshal(body, &call) == nil && call.Method != "" {
		return strings.TrimPrefix(call.Method, "model.")
	}
	path := strings.TrimPrefix(r.URL.Path, "/REST/2.0")
	return fmt.Sprintf("%s %s", r.Method, strings.TrimRight(path, "0123456789"))
}

// writes reports whether a call so named changes something: RT takes searches by POST
// too.
func writes(what string) bool {
	method, path, isRT := strings.Cut(what, " ")
	if !isRT {
		return strings.HasSuffix(what, ".create") || strings.HasSuffix(what, ".write") || strings.HasSuffix(what, ".delete")
	}
	return method == http.MethodPut || method == http.MethodPost && !strings.HasSuffix(path, "s")
}
