package wire_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"context"

	"firsthand"
	"firsthand/fault"
	"firsthand/fetch"
	"firsthand/wire"
)

// TestHostileGateway: whatever a gateway answers, the agent gets an error of a
// kind and a rule, soon, and none of the gateway's words.
func TestHostileGateway(t *testing.T) {
	c := newCustomer(t, "ann")
	good := fmt.Sprintf(`{"first":{"seq":1,"id":"%v"},"second":{"seq":0,"id":""},"receipt":"","more":false}`+"\n", c.rel())
	tests := []struct {
		name  string
		serve http.HandlerFunc
		kind  fault.Kind
		rule  string
	}{
		{"endless", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", wire.ContentType)
			for {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		}, fault.Invalid, "fetch-size"},
		{"huge", say(200, wire.ContentType, good+strings.Repeat("x", 1<<20+1)), fault.Invalid, "batch-size"},
		{"another content type", say(200, "text/html", good), fault.Invalid, "answer-type"},
		{"no content type", say(200, "", good), fault.Invalid, "answer-type"},
		{"content coding", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			say(200, wire.ContentType, good)(w, r)
		}, fault.Invalid, "fetch-encoding"},
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/desk/elsewhere", http.StatusTemporaryRedirect)
		}, fault.Invalid, "fetch-redirect"},
		{"garbage", say(200, wire.ContentType, "hello\n"), fault.Invalid, "answer-form"},
		{"empty", say(200, wire.ContentType, ""), fault.Invalid, "answer-form"},
		{"another success", say(202, wire.ContentType, good), fault.Invalid, "answer-status"},
		{"another relationship's entry", say(200, wire.ContentType, good+lines(newCustomer(t, "bob").logs[0]...)), fault.Invalid, "batch-rel"},
		{"what she has", say(200, wire.ContentType, good+lines(c.logs[0]...)), fault.Invalid, "answer-heads"},
		{"cut off", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", wire.ContentType)
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, good)
			panic(http.ErrAbortHandler)
		}, fault.Unavailable, ""},
		{"hangs up", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, fault.Unavailable, ""},
		{"error in HTML", say(500, "text/html", "<script>secret</script>"), fault.Unavailable, "answer-status"},
		{"not found by a web server", say(404, "text/html", "secret"), fault.NotExist, "answer-status"},
		{"a proxy's refusal", say(401, "text/html", "secret"), fault.Denied, "answer-status"},
		{"a proxy's limit", say(413, "text/html", "secret"), fault.Invalid, "answer-status"},
		{"rule with markup", say(400, "application/json", `{"kind":"invalid","rule":"<b>secret"}`), fault.Invalid, "answer-status"},
		{"long rule", say(400, "application/json", `{"kind":"invalid","rule":"`+strings.Repeat("secret", 11)+`"}`), fault.Invalid, "answer-status"},
		{"unknown kind", say(409, "application/json", `{"kind":"secret","rule":"call-form"}`), fault.Conflict, "answer-status"},
		{"unknown member", say(409, "application/json", `{"kind":"invalid","hint":"secret"}`), fault.Conflict, "answer-status"},
		{"odd Retry-After", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "99999999999999999999")
			say(503, "application/json", `{"kind":"unavailable","rule":"call-busy"}`)(w, r)
		}, fault.Unavailable, "call-busy"},
		{"a century's Retry-After", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "3155760000")
			say(503, "application/json", `{"kind":"unavailable","rule":"call-busy"}`)(w, r)
		}, fault.Unavailable, "call-busy"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := httptest.NewServer(tt.serve)
			defer s.Close()
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			client := wire.NewClient(fetch.New(fetch.Options{AllowLoopback: true}), clock)
			defer client.Close()
			resp, err := client.Sync(t.Context(), s.URL+"/desk", c.key, c.request())
			if err == nil {
				t.Fatalf("no error, but %+v", resp)
			}
			if fault.KindOf(err) != tt.kind || fault.RuleOf(err) != tt.rule {
				t.Errorf("%v: kind %v, rule %q; want %v, %q", err, fault.KindOf(err), fault.RuleOf(err), tt.kind, tt.rule)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the gateway's words: %v", err)
			}
			if e, ok := errors.AsType[*wire.GatewayError](err); ok && e.RetryAfter > 24*time.Hour {
				t.Errorf("retry after %v", e.RetryAfter)
			}
		})
	}
}

func say(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"] = nil
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// TestClientRefuses: what can't be right is not sent at all.
func TestClientRefuses(t *testing.T) {
	client := wire.NewClient(fetch.New(fetch.Options{Dial: func(context.Context, string, string) (net.Conn, error) {
		t.Error("something was sent")
		return nil, errors.New("no network")
	}}), nil)
	c := newCustomer(t, "ann")
	later := c.write(message)
	const gateway = "https://gateway.acme.example"
	for name, tt := range map[string]struct {
		want string
		call func() (wire.Response, error)
	}{
		"open without entries": {"batch-open", func() (wire.Response, error) {
			return client.Open(t.Context(), gateway, c.key, wire.Request{Rel: c.rel()})
		}},
		"open with a later entry": {"batch-open", func() (wire.Response, error) {
			return client.Open(t.Context(), gateway, c.key, c.request(later))
		}},
		"two relationships in one batch": {"batch-rel", func() (wire.Response, error) {
			return client.Sync(t.Context(), gateway, c.key, c.request(later, newCustomer(t, "bob").logs[0][0]))
		}},
		"no relationship": {"call-form", func() (wire.Response, error) {
			return client.Sync(t.Context(), gateway, c.key, wire.Request{})
		}},
		"a gap": {"batch-order", func() (wire.Response, error) {
			return client.Sync(t.Context(), gateway, c.key, c.request(c.logs[0][0], c.write(message)))
		}},
		"odd gateway": {"gateway-url", func() (wire.Response, error) {
			return client.Sync(t.Context(), gateway+"/", c.key, c.request())
		}},
		"gateway without TLS": {"gateway-url", func() (wire.Response, error) {
			return client.Sync(t.Context(), "http://gateway.acme.example", c.key, c.request())
		}},
		"loopback, not allowed": {"fetch-https", func() (wire.Response, error) {
			return client.Sync(t.Context(), "http://localhost:8080", c.key, c.request())
		}},
	} {
		if _, err := tt.call(); fault.RuleOf(err) != tt.want || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
}

// company signs a document of acme.example's.
func company(t testing.TB, change func(*firsthand.Company)) []byte {
	t.Helper()
	c := firsthand.Company{Domain: "acme.example", Name: "Acme NV", Jurisdiction: "BE", Gateway: "https://gateway.acme.example",
		Chain: []firsthand.ChainKey{{Key: signer("company").Public(), Next: signer("company next").Public().Hash()}}, At: start}
	if change != nil {
		change(&c)
	}
	doc, err := signer("company").Company(c)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestDiscover asks domains by their names; all of them lead to one server.
func TestDiscover(t *testing.T) {
	good := company(t, nil)
	answers := map[string]http.HandlerFunc{
		"acme.example":     say(200, "application/jose", string(good)),
		"as-file.example":  say(200, "", string(company(t, func(c *firsthand.Company) { c.Domain = "as-file.example" }))+"\n"),
		"other.example":    say(200, "application/jose", string(good)),
		"altered.example":  say(200, "application/jose", strings.Replace(string(good), ".ey", ".ez", 1)),
		"html.example":     say(200, "text/html", "<html>"),
		"none.example":     say(404, "text/html", "secret"),
		"guarded.example":  say(403, "text/html", "secret"),
		"broken.example":   say(503, "text/html", "secret"),
		"big.example":      say(200, "application/jose", strings.Repeat("x", firsthand.MaxCompany+2)),
		"redirect.example": http.RedirectHandler("https://acme.example/.well-known/firsthand", http.StatusFound).ServeHTTP,
		"plain.example": say(200, "application/jose", string(company(t, func(c *firsthand.Company) {
			c.Domain, c.Gateway = "plain.example", "http://gateway.acme.example"
		}))),
		"inside.example": say(200, "application/jose", string(company(t, func(c *firsthand.Company) {
			c.Domain, c.Gateway = "inside.example", "http://localhost:8080"
		}))),
		"slash.example": say(200, "application/jose", string(company(t, func(c *firsthand.Company) {
			c.Domain, c.Gateway = "slash.example", "https://gateway.acme.example/"
		}))),
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != wire.DiscoveryPath || r.Method != "GET" || answers[r.Host] == nil {
			t.Errorf("%s %s%s", r.Method, r.Host, r.URL)
		}
		answers[r.Host](w, r)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{GetCertificate: certificates(t)}
	s.StartTLS()
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(authority(t).leaf)
	client := wire.NewClient(fetch.New(fetch.Options{
		RootCAs: roots,
		Resolver: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("93.184.216.34")}, nil
		},
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, s.Listener.Addr().String())
		},
	}), clock)
	for domain, want := range map[string]struct {
		kind fault.Kind
		rule string
	}{
		"acme.example":     {},
		"as-file.example":  {},
		"other.example":    {fault.Invalid, "company-form"},
		"altered.example":  {fault.Invalid, "company-form"},
		"html.example":     {fault.Invalid, "jws-header"},
		"none.example":     {fault.NotExist, "answer-status"},
		"guarded.example":  {fault.NotExist, "answer-status"},
		"broken.example":   {fault.Unavailable, "answer-status"},
		"big.example":      {fault.Invalid, "fetch-size"},
		"redirect.example": {fault.Invalid, "fetch-redirect"},
		"plain.example":    {fault.Invalid, "gateway-url"},
		"inside.example":   {fault.Invalid, "gateway-url"},
		"slash.example":    {fault.Invalid, "gateway-url"},
		"Acme.example":     {fault.Invalid, "company-form"},
		"acme.example/a":   {fault.Invalid, "company-form"},
		"localhost:8080":   {fault.Invalid, "fetch-https"},
		"127.0.0.1:8080":   {fault.Invalid, "fetch-https"},
	} {
		c, raw, err := client.Discover(t.Context(), domain)
		if want.rule == "" {
			if err != nil || c.Domain != domain || strings.HasSuffix(string(raw), "\n") {
				t.Errorf("%s: %+v, %v", domain, c, err)
			}
			continue
		}
		if fault.KindOf(err) != want.kind || fault.RuleOf(err) != want.rule || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %v by %s", domain, err, want.kind, want.rule)
		}
	}
}

// TestDiscoverOnLoopback: where loopback is allowed, a domain there is asked
// without TLS.
func TestDiscoverOnLoopback(t *testing.T) {
	g := newGateway()
	w := newWorld(t, g, nil)
	g.doc = company(t, func(c *firsthand.Company) { c.Domain, c.Gateway = w.host(), w.base })
	c, raw, err := w.client.Discover(t.Context(), w.host())
	if err != nil || c.Gateway != w.base || string(raw) != string(g.doc) {
		t.Errorf("%+v, %v", c, err)
	}
}
