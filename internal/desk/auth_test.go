package desk_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"firsthand/internal/desk"
)

// Which routes are for whom. Everything that isn't named here is for admins who have
// signed in just now, so a route that forgets to ask is found.
var (
	forAnyone = []string{"GET /static/{name}", "GET /", "GET /{$}", "POST /signin/begin", "POST /signin/finish", "GET /signin/company", "GET /signin/back",
		"GET /join/{invite}", "POST /join/{invite}/begin", "POST /join/{invite}/finish", "GET /join/{invite}/company", "POST /join/{invite}/demo"}
	forReaders = []string{"POST /signout", "GET /due", "GET /requests/{rel}/{entry}", "GET /relationships", "POST /relationships", "GET /relationships/{rel}", "GET /numbers", "GET /connect"}
	forAgents  = []string{"POST /requests/{rel}/{entry}/accept", "POST /requests/{rel}/{entry}/apply", "POST /requests/{rel}/{entry}/refuse", "POST /requests/{rel}/{entry}/answer",
		"POST /requests/{rel}/{entry}/challenge", "POST /requests/{rel}/{entry}/retry", "POST /relationships/{rel}/ask", "POST /relationships/{rel}/message"}
	forFreshAgents = []string{"POST /requests/{rel}/{entry}/code"}
	forAdmins      = []string{"GET /staff", "GET /audit"}
)

// ask calls a route with something plausible in its path and form.
func (o *office) ask(c *client, pattern string) *httptest.ResponseRecorder {
	method, path, _ := strings.Cut(pattern, " ")
	if pattern == "GET /" {
		path = "/there-is-nothing"
	}
	path = strings.NewReplacer("{$}", "", "{name}", strings.TrimPrefix(desk.Asset("firsthand.css"), "/static/"), "{invite}", "x", "{id}", "r1",
		"{rel}", o.mia.Rel().String(), "{entry}", o.entries["email"].String()).Replace(path)
	if method == "GET" {
		return c.get(path)
	}
	return c.post(path, "record", "C-7", "how", "a call", "words", "because", "text", "hello", "outcome", "done", "name", "Ann", "role", "reader",
		"fact", "phone", "purpose", "dpv:CustomerCare", "why", "to call", "until", "2030-01-01")
}

func TestAuthorisation(t *testing.T) {
	routes := newOffice(t, setting{}).server.Routes()
	for _, known := range slices.Concat(forAnyone, forReaders, forAgents, forFreshAgents, forAdmins) {
		if !slices.Contains(routes, known) {
			t.Errorf("there is no route %s any more", known)
		}
	}
	level := func(pattern string) int {
		for i, some := range [][]string{forAnyone, forReaders, forAgents, forAdmins} {
			if slices.Contains(some, pattern) {
				return i
			}
		}
		if slices.Contains(forFreshAgents, pattern) {
			return 2
		}
		return 4
	}
	// longAgo wants that of upTo, and others to sign in again first.
	longAgo := func(most int) func(string) int {
		return func(pattern string) int {
			if level(pattern) <= most && !slices.Contains(forFreshAgents, pattern) {
				return 0
			}
			return http.StatusForbidden
		}
	}
	// upTo wants all routes up to a level to let in, and others to answer status.
	upTo := func(most, status int) func(string) int {
		return func(pattern string) int {
			if level(pattern) <= most {
				return 0
			}
			return status
		}
	}
	otherSite := func(pattern string) int {
		if strings.HasPrefix(pattern, "POST ") {
			return http.StatusForbidden
		}
		return 0
	}
	with := func(name, value string, c *client) *client {
		c.header[name] = value
		return c
	}
	for _, caller := range []struct {
		name   string
		client func(o *office) *client
		want   func(pattern string) int
	}{
		{"nobody", (*office).client, upTo(0, http.StatusUnauthorized)},
		{"a cookie of its own making", func(o *office) *client {
			c := o.client()
			name, _ := o.server.Enter("d1", o.clock())
			c.cookies[name] = &http.Cookie{Name: name, Value: strings.Repeat("A", 43)}
			return c
		}, upTo(0, http.StatusUnauthorized)},
		{"reader", func(o *office) *client { return o.as("r1") }, upTo(1, http.StatusForbidden)},
		{"agent", func(o *office) *client { return o.as("a1") }, upTo(2, http.StatusForbidden)},
		{"admin", func(o *office) *client { return o.as("d1") }, upTo(4, 0)},
		{"admin who signed in long ago", func(o *office) *client {
			c := o.as("d1")
			o.pass(desk.FreshTime + time.Second)
			return c
		}, longAgo(3)},
		{"agent who signed in long ago", func(o *office) *client {
			c := o.as("a1")
			o.pass(desk.FreshTime + time.Second)
			return c
		}, longAgo(2)},
		{"idle", func(o *office) *client {
			c := o.as("d1")
			o.pass(desk.IdleTime + time.Second)
			return c
		}, upTo(0, http.StatusUnauthorized)},
		{"a whole day", func(o *office) *client {
			c := o.as("d1")
			for range int(desk.DayTime/desk.IdleTime) + 1 {
				o.pass(desk.IdleTime)
				c.get("/due")
			}
			return c
		}, upTo(0, http.StatusUnauthorized)},
		{"removed meanwhile", func(o *office) *client {
			c := o.as("a1")
			o.must(desk.SetStaff(o.t.Context(), o.gw, staff()[0], staff()[2]))
			return c
		}, upTo(0, http.StatusUnauthorized)},
		{"made a reader meanwhile", func(o *office) *client {
			c, all := o.as("a1"), staff()
			all[1].Role = desk.Reader
			o.must(desk.SetStaff(o.t.Context(), o.gw, all...))
			return c
		}, upTo(1, http.StatusForbidden)},
		{"signed out", func(o *office) *client {
			c := o.as("d1")
			cookies := map[string]*http.Cookie{}
			for k, v := range c.cookies {
				cookies[k] = v
			}
			c.post("/signout")
			c.cookies = cookies
			return c
		}, upTo(0, http.StatusUnauthorized)},
		{"another site", func(o *office) *client { return with("Sec-Fetch-Site", "cross-site", o.as("d1")) }, otherSite},
		{"the gateway's own origin", func(o *office) *client { return with("Sec-Fetch-Site", "same-site", o.as("d1")) }, otherSite},
		{"another origin, an old browser", func(o *office) *client {
			return with("Sec-Fetch-Site", "", with("Origin", "http://localhost:9999", o.as("d1")))
		}, otherSite},
	} {
		t.Run(caller.name, func(t *testing.T) {
			o := newOffice(t, setting{})
			c := caller.client(o)
			for _, pattern := range routes {
				want := caller.want(pattern)
				if want == 0 && (strings.HasPrefix(pattern, "POST /signin") || strings.HasPrefix(pattern, "POST /join") || pattern == "POST /connect/check") {
					continue // they have tests of their own
				}
				if want == 0 && pattern == "POST /signout" {
					continue // likewise
				}
				before := len(o.acts())
				r := o.ask(c, pattern)
				switch {
				case want != 0 && r.Code != want:
					t.Errorf("%s: status %d, want %d", pattern, r.Code, want)
				case want == 0 && (r.Code == http.StatusUnauthorized || r.Code == http.StatusForbidden || r.Code == http.StatusMisdirectedRequest || r.Code >= 500):
					t.Errorf("%s: status %d, want it let in", pattern, r.Code)
				}
				if did := o.acts()[:len(o.acts())-before]; len(did) > 0 && want != 0 {
					t.Errorf("%s: turned away, and did %q", pattern, did)
				}
				checkHeaders(t, pattern, r)
			}
		})
	}
}

// checkHeaders holds what every response has.
func checkHeaders(t *testing.T, what string, r *httptest.ResponseRecorder) {
	t.Helper()
	h := r.Result().Header
	csp := h.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", "require-trusted-types-for 'script'", "trusted-types 'none'"} {
		if !strings.Contains(csp, part) {
			t.Errorf("%s: the policy lacks %s", what, part)
		}
	}
	if strings.Contains(csp, "unsafe") || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" || h.Get("Cross-Origin-Opener-Policy") != "same-origin" {
		t.Errorf("%s: headers %v", what, h)
	}
	if cache := h.Get("Cache-Control"); cache != "no-store" && !strings.Contains(what, "/static/") {
		t.Errorf("%s: Cache-Control %q", what, cache)
	}
}

// Every look at a customer and every act is written down before; where that can't be
// done nothing is shown and nothing happens.
func TestNothingWithoutTheAudit(t *testing.T) {
	o := newOffice(t, setting{})
	for _, pattern := range o.server.Routes() {
		if slices.Contains(forAnyone, pattern) || slices.Contains([]string{"GET /due", "GET /relationships", "GET /numbers", "GET /connect", "GET /staff", "GET /audit"}, pattern) {
			continue // they show nothing of a customer's
		}
		o := newOffice(t, setting{})
		c := o.as("d1")
		o.store.Before = failAudits
		before := len(o.mia.Second)
		r := o.ask(c, pattern)
		if r.Code < 400 {
			t.Errorf("%s: status %d", pattern, r.Code)
		}
		if body := r.Body.String(); strings.Contains(body, "Kerkstraat") || strings.Contains(body, "mia@old.example") {
			t.Errorf("%s shows her", pattern)
		}
		o.store.Before = nil
		o.exchange(o.mia)
		if len(o.mia.Second) != before || len(o.crm.Proposals()) != 3 {
			t.Errorf("%s did something: %d entries, want %d; %d proposals", pattern, len(o.mia.Second), before, len(o.crm.Proposals()))
		}
	}
}

// Whose name leads to this machine is not let in: DNS rebinding.
func TestOtherHosts(t *testing.T) {
	o := newOffice(t, setting{empty: true})
	for host, want := range map[string]int{"attacker.example": 421, "localhost": 421, "localhost:8445": 421, "127.0.0.1:8444": 421, "": 421, "localhost:8444": 200, "LOCALHOST:8444": 200} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		o.server.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("host %q: status %d, want %d", host, w.Code, want)
		}
	}
}

// Under TLS the cookie is bound to the host.
func TestSecure(t *testing.T) {
	o := newOffice(t, setting{empty: true, url: "https://desk.acme.example"})
	r := httptest.NewRequest("POST", "/signin/begin", strings.NewReader("{}"))
	r.Host = "desk.acme.example"
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	o.server.ServeHTTP(w, r)
	cookies := w.Result().Cookies()
	if len(cookies) != 1 || cookies[0].Name != "__Host-firsthand-desk-begin" || !cookies[0].Secure || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteStrictMode || cookies[0].Domain != "" || cookies[0].Path != "/" {
		t.Errorf("cookies %v", cookies)
	}
	if w.Header().Get("Strict-Transport-Security") == "" {
		t.Error("no Strict-Transport-Security")
	}
	if name, _ := o.server.Enter("d1", o.clock()); name != "__Host-firsthand-desk" {
		t.Errorf("cookie %s", name)
	}
}
