package connectortest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// An Exchange is one call to a system over HTTP, in JSON, and what it answered. A
// recording is a file of them, one a line, by which a connector is tested where the
// system isn't installed.
type Exchange struct {
	Method string          `json:"method"`
	Path   string          `json:"path"`
	Match  string          `json:"match,omitempty"` // If-Match
	Body   json.RawMessage `json:"body,omitempty"`
	Hidden bool            `json:"hidden,omitempty"` // Body has a secret, and isn't kept
	Status int             `json:"status"`
	ETag   string          `json:"etag,omitempty"`
	Answer json.RawMessage `json:"answer"`
}

// Record returns what stands for the system at target and writes down what it is asked
// and answers. hide, if it isn't nil, takes out of an exchange what is not for a file.
func Record(target string, into io.Writer, hide func(*Exchange)) http.Handler {
	var mu sync.Mutex
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		body := must(io.ReadAll(r.Body))
		req := must(http.NewRequestWithContext(r.Context(), r.Method, target+r.URL.RequestURI(), bytes.NewReader(body)))
		req.Header = r.Header.Clone()
		resp := must(http.DefaultClient.Do(req))
		defer resp.Body.Close()
		answer := must(io.ReadAll(resp.Body))
		e := Exchange{Method: r.Method, Path: r.URL.RequestURI(), Match: r.Header.Get("If-Match"), Body: body, Status: resp.StatusCode, ETag: resp.Header.Get("ETag"),
			Answer: bytes.ReplaceAll(answer, []byte(target), []byte("http://system.example"))}
		if hide != nil {
			hide(&e)
		}
		must(into.Write(append(must(json.Marshal(e)), '\n')))
		w.Header().Set("ETag", resp.Header.Get("ETag"))
		w.WriteHeader(resp.StatusCode)
		w.Write(answer)
	})
}

// must returns v. Within a handler there is no test to fail, and a recording that isn't
// whole is none.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Replay returns what answers as recorded. It fails the test unless the calls are those
// that were recorded, in their order and to the last.
func Replay(t testing.TB, recording []byte) http.Handler {
	var all []Exchange
	for line := range strings.Lines(string(recording)) {
		var e Exchange
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	var mu sync.Mutex
	n := 0
	t.Cleanup(func() {
		if n != len(all) {
			t.Errorf("%d calls, and %d were recorded", n, len(all))
		}
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		body, err := io.ReadAll(r.Body)
		if err != nil || n == len(all) {
			t.Errorf("call %d of %d: %v", n+1, len(all), err)
			http.Error(w, "no", http.StatusInternalServerError)
			return
		}
		want := all[n]
		n++
		if match := r.Header.Get("If-Match"); r.Method != want.Method || r.URL.RequestURI() != want.Path || match != want.Match || !want.Hidden && !sameJSON(body, want.Body) {
			t.Errorf("call %d is %s %s %q %s,\nand was %s %s %q %s", n, r.Method, r.URL.RequestURI(), match, body, want.Method, want.Path, want.Match, want.Body)
		}
		if want.ETag != "" {
			w.Header().Set("ETag", want.ETag)
		}
		w.WriteHeader(want.Status)
		w.Write(want.Answer)
	})
}

func sameJSON(a, b []byte) bool {
	if len(a) == 0 || len(b) == 0 {
		return len(a) == len(b)
	}
	var x, y bytes.Buffer
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}
