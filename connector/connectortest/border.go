package connectortest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"
)

// A Border stands between a connector and a real system that speaks HTTP, and is
// the trouble that can be had on the way. Its URL is for the connector; where the
// system itself looks for Host, it is the system's.
type Border struct {
	*httptest.Server
	target *url.URL

	// Writes reports whether a request changes something, so that Lose loses the
	// answer to it. By default every method does that isn't GET, HEAD, OPTIONS,
	// PROPFIND or REPORT.
	Writes func(method, path string, body []byte) bool

	mu      sync.Mutex
	down    bool
	lose    bool
	wait    time.Duration
	trouble Trouble
	rewrite func(method, path string, body []byte) []byte
}

// A Trouble is how a system is broken.
type Trouble string

const (
	None    Trouble = ""
	Errors  Trouble = "it answers 500"
	Garbage Trouble = "it answers garbage"
	Cut     Trouble = "its answers are cut short"
	Slow    Trouble = "it doesn't answer in time"
)

// NewBorder returns a border before the system at target, which ends with t.
func NewBorder(t testing.TB, target string) *Border {
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	b := &Border{target: u, Writes: writes}
	b.Server = httptest.NewServer(b)
	t.Cleanup(func() { b.CloseClientConnections(); b.Close() })
	return b
}

func writes(method, _ string, _ []byte) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, "PROPFIND", "REPORT":
		return false
	}
	return true
}

// Down is as [System].Down: connections break.
func (b *Border) Down(_ testing.TB, down bool) { b.set(func() { b.down = down }) }

// Lose is as [System].Lose.
func (b *Border) Lose(testing.TB) { b.set(func() { b.lose = true }) }

// Busy is as [System].Busy.
func (b *Border) Busy(_ testing.TB, wait time.Duration) { b.set(func() { b.wait = wait }) }

// Break is as [System].Break.
func (b *Border) Break(_ testing.TB, how Trouble) { b.set(func() { b.trouble = how }) }

// Rewrite has every answer changed by f, nil for none.
func (b *Border) Rewrite(f func(method, path string, body []byte) []byte) {
	b.set(func() { b.rewrite = f })
}

func (b *Border) set(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

func (b *Border) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	b.mu.Lock()
	down, wait, trouble, rewrite := b.down, b.wait, b.trouble, b.rewrite
	lose := b.lose && b.Writes(r.Method, r.URL.Path, body)
	if lose {
		b.lose = false
	}
	b.mu.Unlock()
	switch {
	case down:
		panic(http.ErrAbortHandler)
	case wait > 0:
		w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)))
		http.Error(w, "slow down", http.StatusTooManyRequests)
		return
	case trouble == Errors:
		http.Error(w, "<html>Internal error", http.StatusInternalServerError)
		return
	case trouble == Garbage:
		fmt.Fprint(w, "<html><title>It works!</title>\x00\xff{[")
		return
	case trouble == Slow:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	}
	answer, text := b.forward(w, r, body)
	switch {
	case lose || answer == nil:
		panic(http.ErrAbortHandler) // done, and nobody hears of it
	case trouble == Cut:
		w.Header().Set("Content-Length", strconv.Itoa(len(text)+1))
		text = text[:len(text)/2]
	case rewrite != nil:
		text = rewrite(r.Method, r.URL.Path, text)
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	}
	w.WriteHeader(answer.StatusCode)
	w.Write(text)
}

// forward asks the system and copies the headers of its answer; nil if there was
// none.
func (b *Border) forward(w http.ResponseWriter, r *http.Request, body []byte) (*http.Response, []byte) {
	u := *r.URL
	u.Scheme, u.Host = b.target.Scheme, b.target.Host
	req, err := http.NewRequestWithContext(r.Context(), r.Method, u.String(), bytes.NewReader(body))
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
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	return resp, text
}
