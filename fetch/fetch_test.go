package fetch_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"firsthand/fault"
	"firsthand/fetch"
)

func TestDo(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Retry-After", "120")
		w.Header().Set("Said", r.Method+" "+r.Host+r.URL.String()+" "+r.Header.Get("Content-Type")+" "+string(body))
		w.Header().Set("Named", r.UserAgent()+" "+r.Header.Get("Accept-Encoding"))
		w.WriteHeader(http.StatusTooManyRequests)
		io.WriteString(w, "not now")
	}))
	defer s.Close()
	host := strings.TrimPrefix(s.URL, "http://")
	header := http.Header{"Content-Type": {"text/plain"}, "User-Agent": {"hers, on a Tuesday"}, "Accept-Encoding": {"gzip"}}

	c := fetch.New(fetch.Options{AllowLoopback: true})
	resp, err := c.Do(t.Context(), &fetch.Request{Method: "PUT", URL: s.URL + "/a?b=%20c", Header: header, Body: []byte("hello")})
	if err != nil {
		t.Fatal(err)
	}
	if resp.Status != 429 || string(resp.Body) != "not now" || resp.Header.Get("Retry-After") != "120" {
		t.Errorf("Do = %d %q, Retry-After %q", resp.Status, resp.Body, resp.Header.Get("Retry-After"))
	}
	if got, want := resp.Header.Get("Said"), "PUT "+host+"/a?b=%20c text/plain hello"; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
	if got, want := resp.Header.Get("Named"), "firsthand identity"; got != want {
		t.Errorf("sent User-Agent and Accept-Encoding %q, want %q", got, want)
	}
	if got := header.Get("User-Agent"); got != "hers, on a Tuesday" {
		t.Errorf("the caller's header was changed: %q", got)
	}
}

func TestGet(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, _ := strconv.Atoi(r.URL.Path[1:])
		w.WriteHeader(status)
	}))
	defer s.Close()
	c := fetch.New(fetch.Options{AllowLoopback: true})
	tests := []struct {
		status int
		want   error // nil: answered
	}{
		{200, nil}, {201, nil}, {204, nil}, {299, nil},
		{300, fault.Invalid}, {304, fault.Invalid}, {400, fault.Invalid}, {401, fault.Invalid}, {403, fault.Invalid},
		{404, fault.NotExist}, {410, fault.NotExist}, {418, fault.Invalid}, {429, fault.Unavailable},
		{500, fault.Unavailable}, {502, fault.Unavailable}, {503, fault.Unavailable}, {599, fault.Unavailable}, {999, fault.Unavailable},
	}
	for _, tt := range tests {
		resp, err := c.Get(t.Context(), s.URL+"/"+strconv.Itoa(tt.status))
		if tt.want == nil {
			if err != nil || resp.Status != tt.status {
				t.Errorf("%d: %v, %v", tt.status, resp, err)
			}
			continue
		}
		if !errors.Is(err, tt.want) || fault.RuleOf(err) != "fetch-status" || resp != nil {
			t.Errorf("%d: %v, %v, want %v by fetch-status", tt.status, resp, err, tt.want)
		}
	}
}

func TestErrors(t *testing.T) {
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	old := httptest.NewUnstartedServer(http.NotFoundHandler())
	old.Config.ErrorLog = log.New(io.Discard, "", 0)
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
	old.StartTLS()
	defer old.Close()
	down := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	refuse := func(context.Context, string, string) (net.Conn, error) { return nil, down }
	unknown := &net.DNSError{Err: "no such host", IsNotFound: true}

	tests := []struct {
		name string
		opts fetch.Options
		req  fetch.Request
		kind fault.Kind
		rule string
		is   error
	}{
		{"no such host", fetch.Options{Resolver: func(context.Context, string) ([]netip.Addr, error) { return nil, unknown }},
			fetch.Request{URL: "https://acme.example/?secret"}, fault.Unavailable, "", unknown},
		{"host down", fetch.Options{Dial: refuse}, fetch.Request{URL: "https://1.1.1.1/?secret"}, fault.Unavailable, "", down},
		{"host inside", fetch.Options{}, fetch.Request{URL: "https://10.0.0.1/?secret"}, fault.Denied, "fetch-address", nil},
		{"unknown authority", fetch.Options{AllowLoopback: true}, fetch.Request{URL: secure.URL + "/?secret"}, fault.Unavailable, "fetch-certificate", nil},
		{"certificate of another", fetch.Options{AllowLoopback: true, RootCAs: newHost(t).opts.RootCAs,
			Resolver: func(context.Context, string) ([]netip.Addr, error) {
				return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
			}},
			fetch.Request{URL: "https://acme.example:" + secure.URL[strings.LastIndex(secure.URL, ":")+1:] + "/?secret"}, fault.Unavailable, "fetch-certificate", nil},
		{"TLS 1.1", fetch.Options{AllowLoopback: true}, fetch.Request{URL: old.URL + "/?secret"}, fault.Unavailable, "", nil},
		{"no TLS", fetch.Options{AllowLoopback: true}, fetch.Request{URL: strings.Replace(newHost(t).plain, "http:", "https:", 1) + "/?secret"}, fault.Unavailable, "", nil},
		{"URL with a user", fetch.Options{}, fetch.Request{URL: "https://user:secret@acme.example/"}, fault.Invalid, "fetch-url", nil},
		{"URL that cannot be parsed", fetch.Options{}, fetch.Request{URL: "https://acme.example/%zz?secret"}, fault.Invalid, "fetch-url", nil},
		{"http", fetch.Options{}, fetch.Request{URL: "http://acme.example/?secret"}, fault.Invalid, "fetch-https", nil},
		{"port", fetch.Options{}, fetch.Request{URL: "https://acme.example:25/?secret"}, fault.Invalid, "fetch-port", nil},
		{"our own mistake", fetch.Options{}, fetch.Request{URL: "https://acme.example/?secret", Method: "GET IT"}, fault.Internal, "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp, err := fetch.New(tt.opts).Do(t.Context(), &tt.req)
			if err == nil || resp != nil {
				t.Fatalf("Do = %v, %v, want an error", resp, err)
			}
			if fault.KindOf(err) != tt.kind || fault.RuleOf(err) != tt.rule {
				t.Errorf("kind %v by rule %q, want %v by %q: %v", fault.KindOf(err), fault.RuleOf(err), tt.kind, tt.rule, err)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("the cause is not to be found in: %v", err)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}
