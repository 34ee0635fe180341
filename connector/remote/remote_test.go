package remote_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firsthand/connector"
	"firsthand/connector/remote"
	"firsthand/fault"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		status int
		after  string
		kind   fault.Kind
		wait   time.Duration
	}{
		{status: 200}, {status: 204},
		{status: 302, kind: fault.Invalid},
		{status: 400, kind: fault.Invalid},
		{status: 401, kind: fault.Denied},
		{status: 404, kind: fault.Invalid}, // it may be a path that is wrong
		{status: 410, kind: fault.Denied},
		{status: 412, kind: fault.Conflict},
		{status: 408, kind: fault.Unavailable},
		{status: 429, after: "120", kind: fault.Unavailable, wait: 2 * time.Minute},
		{status: 503, after: noon.Add(time.Hour).Format(http.TimeFormat), kind: fault.Unavailable, wait: time.Hour},
		{status: 503, after: noon.Add(48 * time.Hour).Format(http.TimeFormat), kind: fault.Unavailable, wait: 24 * time.Hour},
		{status: 500, after: "soon", kind: fault.Unavailable},
	} {
		c := remote.New("the helpdesk", func() time.Time { return noon })
		err := c.Check(&remote.Answer{Status: tt.status, Header: http.Header{"Retry-After": {tt.after}}})
		if (err == nil) != (tt.kind == 0) || err != nil && fault.KindOf(err) != tt.kind || connector.WaitOf(err) != tt.wait {
			t.Errorf("%d %q: %v, wait %v; want kind %v, wait %v", tt.status, tt.after, err, connector.WaitOf(err), tt.kind, tt.wait)
		}
	}
}

func TestCall(t *testing.T) {
	hang := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/long":
			w.Write(make([]byte, 5<<20))
		case "/cut":
			w.Header().Set("Content-Length", "100")
			w.Write([]byte("half"))
		case "/elsewhere":
			http.Redirect(w, r, "/", http.StatusFound)
		case "/hang":
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		default:
			w.Write([]byte(r.Method + " " + r.Header.Get("X-Test")))
		}
	}))
	defer s.Close()
	defer close(hang)
	c := remote.New("the helpdesk", nil)
	call := func(ctx context.Context, path string) (*remote.Answer, error) {
		return c.Call(ctx, http.MethodPost, s.URL+path, http.Header{"X-Test": {"yes"}}, []byte("{}"))
	}
	if a, err := call(t.Context(), "/"); err != nil || string(a.Body) != "POST yes" {
		t.Errorf("call: %v, %v", a, err)
	}
	if a, err := call(t.Context(), "/elsewhere"); err != nil || a.Status != http.StatusFound {
		t.Errorf("a redirect: %v, %v; want it as it is", a, err)
	}
	if _, err := call(t.Context(), "/long"); fault.KindOf(err) != fault.Invalid {
		t.Errorf("an answer of 5 MiB: %v", err)
	}
	if _, err := call(t.Context(), "/cut"); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("an answer cut short: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := call(ctx, "/hang"); fault.KindOf(err) != fault.Unavailable || strings.Contains(err.Error(), s.URL) {
		t.Errorf("no answer: %v; want that it is unavailable, without the address", err)
	}
}

func TestCheckURL(t *testing.T) {
	for url, ok := range map[string]bool{
		"https://crm.example/api": true, "http://127.0.0.1:8080/": true, "http://[::1]:1/": true, "http://localhost/": true,
		"http://crm.example/": false, "https://u:p@crm.example/": false, "crm.example": false, "https://crm.example/#x": false,
		"ftp://127.0.0.1/": false, "": false,
	} {
		if err := remote.CheckURL(url); (err == nil) != ok {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func TestSecret(t *testing.T) {
	for text, want := range map[string]string{"tok en\n": "tok en", "x": "x", "\r\n": "", "two\nlines": "", strings.Repeat("x", 9<<10): ""} {
		name := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := remote.Secret(name)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%.20q: %q, %v", text, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "two") {
			t.Errorf("the error shows it: %v", err)
		}
	}
	if _, err := remote.Secret(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}
