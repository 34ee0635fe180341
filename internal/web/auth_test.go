package web_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"firsthand/internal/web"
	"firsthand/internal/web/webtest"
)

// Which routes are for whom. Everything that isn't named here is for a browser
// with a passphrase given, so a route that forgets to ask for one is found.
var (
	forAnyone = []string{"GET /static/{name}", "GET /enter/{link}", "GET /calendar/{word}", "GET /meet", "GET /"}
	forLinked = []string{"GET /{$}", "POST /unlock", "POST /setup", "GET /setup/kit", "POST /setup/kit.txt", "POST /setup/done",
		"GET /restore", "POST /restore", "POST /lock"}
	forFresh = []string{"POST /change/{draft}", "POST /tasks/{entry}/mail", "POST /safety/backup", "POST /safety/export", "POST /safety/kit",
		"POST /safety/passphrase", "POST /masks", "POST /money/calendar", "POST /money/{ref}/cancel", "POST /money/{ref}/haggle"}
)

// A door is a house with a server, and what there is to see.
type door struct {
	t      *testing.T
	agent  *webtest.Agent
	house  *webtest.House
	clock  *webtest.Clock
	server *web.Server
}

func newDoor(t *testing.T, state web.State) *door {
	d := &door{t: t, agent: webtest.Usual(t), clock: webtest.NewClock()}
	d.house = webtest.NewHouse(state, d.agent)
	d.server = webtest.NewServer(t, d.house, d.clock)
	return d
}

// ask calls a route with something plausible in its path.
func (d *door) ask(c *webtest.Client, pattern string, header ...string) *httptest.ResponseRecorder {
	method, path, _ := strings.Cut(pattern, " ")
	rel := d.agent.Rels[0].ID
	if pattern == "GET /" {
		path = "/there-is-nothing"
	}
	path = strings.NewReplacer("{$}", "", "{name}", strings.TrimPrefix(web.Asset("firsthand.css"), "/static/"), "{link}", "x", "{id}", "1", "{domain}", "acme.example",
		"{act}", "tell", "{n}", "0", "{fact}", "email", "{draft}", "0123456789abcdef", "{code}", "FIRSTHAND-SD-BASE", "{ref}", "1", "{word}", webtest.CalendarWord,
		"{rel}", rel.String(),
		"{entry}", d.agent.Bundles[rel].First[1].ID.String()).Replace(path)
	if strings.HasPrefix(path, "/tasks/") {
		path = strings.Replace(path, d.agent.Bundles[rel].First[1].ID.String(), d.agent.TaskList[0].Entry.String(), 1)
	}
	r := httptest.NewRequest(method, path, strings.NewReader("once=0123456789abcdef0123&answer=mine&fact=email&value=x&act=confirm&domain=acme.example&saw=sent&passphrase=wrong"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if method == "POST" {
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return c.Do(r)
}

func TestAuthorisation(t *testing.T) {
	d := newDoor(t, web.Open)
	routes := d.server.Routes()
	for _, known := range slices.Concat(forAnyone, forLinked, forFresh) {
		if !slices.Contains(routes, known) {
			t.Errorf("there is no route %s any more", known)
		}
	}
	type caller struct {
		name   string
		client func(d *door) *webtest.Client
		header []string
		// want returns which status a route has to answer, 0 for any but 401, 403
		// and 421.
		want func(pattern string) int
	}
	isPost := func(pattern string) bool { return strings.HasPrefix(pattern, "POST ") }
	// turned away are those that came by a link and gave no passphrase.
	turnedAway := func(pattern string) int {
		switch {
		case slices.Contains(forAnyone, pattern), slices.Contains(forLinked, pattern):
			return 0
		case isPost(pattern):
			return http.StatusForbidden
		}
		return http.StatusSeeOther
	}
	unknown := func(pattern string) int {
		if slices.Contains(forAnyone, pattern) && pattern != "GET /enter/{link}" {
			return 0
		}
		return http.StatusUnauthorized
	}
	inside := func(d *door) *webtest.Client { return webtest.SignIn(t, d.server) }
	byLink := func(d *door) *webtest.Client {
		c := webtest.NewClient(t, d.server)
		c.Get(d.server.Link())
		return c
	}
	callers := []caller{
		{name: "nobody", client: func(d *door) *webtest.Client { return webtest.NewClient(t, d.server) }, want: unknown},
		{name: "a cookie of its own making", client: func(d *door) *webtest.Client {
			c := webtest.NewClient(t, d.server)
			c.Cookie = &http.Cookie{Name: "firsthand", Value: strings.Repeat("A", 43)}
			return c
		}, want: unknown},
		{name: "the link only", client: byLink, want: turnedAway},
		{name: "the cookie from before the passphrase", client: func(d *door) *webtest.Client {
			c := byLink(d)
			old := c.Cookie
			c.Post("/unlock", "passphrase", webtest.Passphrase)
			c.Cookie = old
			return c
		}, want: unknown},
		{name: "locked", client: func(d *door) *webtest.Client {
			c := inside(d)
			c.Post("/lock")
			return c
		}, want: turnedAway},
		{name: "locked elsewhere", client: func(d *door) *webtest.Client {
			c := inside(d)
			d.house.Lock()
			return c
		}, want: turnedAway},
		{name: "locked by another browser", client: func(d *door) *webtest.Client {
			c, other := inside(d), inside(d)
			other.Post("/lock")
			return c
		}, want: unknown},
		{name: "idle", client: func(d *door) *webtest.Client {
			c := inside(d)
			d.clock.Turn(web.IdleTime + time.Second)
			return c
		}, want: turnedAway},
		{name: "session", client: inside, want: func(pattern string) int {
			if pattern == "POST /unlock" {
				return http.StatusSeeOther
			}
			return 0
		}},
		{name: "another site", client: inside, header: []string{"Sec-Fetch-Site", "cross-site"}, want: func(pattern string) int {
			if isPost(pattern) {
				return http.StatusForbidden
			}
			return 0
		}},
		{name: "another port of this machine", client: inside, header: []string{"Sec-Fetch-Site", "same-site"}, want: func(pattern string) int {
			if isPost(pattern) {
				return http.StatusForbidden
			}
			return 0
		}},
		{name: "another origin, an old browser", client: inside, header: []string{"Sec-Fetch-Site", "", "Origin", "http://127.0.0.1:9999"}, want: func(pattern string) int {
			if isPost(pattern) {
				return http.StatusForbidden
			}
			return 0
		}},
		{name: "a passphrase of long ago", client: func(d *door) *webtest.Client {
			c := inside(d)
			d.clock.Turn(web.ConfirmTime + time.Second)
			return c
		}, want: func(pattern string) int {
			if slices.Contains(forFresh, pattern) {
				return http.StatusForbidden
			}
			return 0
		}},
	}
	for _, caller := range callers {
		t.Run(caller.name, func(t *testing.T) {
			d := newDoor(t, web.Open)
			for _, pattern := range routes {
				if pattern == "POST /unlock" || pattern == "POST /lock" || pattern == "POST /safety/passphrase" || pattern == "POST /restore" {
					if caller.want(pattern) == 0 {
						continue // they have tests of their own
					}
				}
				d.clock.Turn(time.Minute) // for the next passphrase
				c, before := caller.client(d), len(d.agent.Did())
				r := d.ask(c, pattern, caller.header...)
				want := caller.want(pattern)
				switch {
				case want != 0 && r.Code != want:
					t.Errorf("%s: status %d, want %d", pattern, r.Code, want)
				case want == 0 && (r.Code == http.StatusUnauthorized && pattern != "GET /enter/{link}" || r.Code == http.StatusForbidden || r.Code == http.StatusMisdirectedRequest):
					t.Errorf("%s: status %d, want it let in", pattern, r.Code)
				}
				if did := d.agent.Did()[before:]; len(did) > 0 && want != 0 {
					t.Errorf("%s: turned away, and did %q", pattern, did)
				}
				checkHeaders(t, pattern, r)
				if n := d.house.Inside(); n != 0 {
					t.Errorf("%s: %d never left the house", pattern, n)
				}
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

// A nonce is good once.
func TestNonceIsFresh(t *testing.T) {
	d := newDoor(t, web.Open)
	c := webtest.SignIn(t, d.server)
	seen := map[string]bool{}
	for range 3 {
		r := c.Get("/safety")
		_, rest, _ := strings.Cut(r.Header().Get("Content-Security-Policy"), "'nonce-")
		nonce, _, _ := strings.Cut(rest, "'")
		if len(nonce) < 20 || seen[nonce] || strings.Count(r.Body.String(), nonce) != 1 {
			t.Errorf("nonce %q: short, used before, or not at the one script", nonce)
		}
		seen[nonce] = true
	}
}

// Whose name leads to this machine is not let in: DNS rebinding.
func TestOtherHosts(t *testing.T) {
	d := newDoor(t, web.Open)
	for host, want := range map[string]int{"attacker.example": 421, "attacker.example:8440": 421, "127.0.0.1.attacker.example": 421, "10.0.0.1:8440": 421, "": 421,
		"127.0.0.1:8440": 401, "localhost:8440": 401, "[::1]:8440": 401} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		d.server.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("host %q: status %d, want %d", host, w.Code, want)
		}
	}
}

// A link is good once, and for ten minutes.
func TestLink(t *testing.T) {
	d := newDoor(t, web.Locked)
	link := d.server.Link()
	c, thief := webtest.NewClient(t, d.server), webtest.NewClient(t, d.server)
	if r := c.Get(link); r.Code != http.StatusSeeOther || !c.Cookie.HttpOnly || c.Cookie.SameSite != http.SameSiteStrictMode {
		t.Errorf("first use: status %d, cookie %v", r.Code, c.Cookie)
	}
	if r := thief.Get(link); r.Code != http.StatusUnauthorized || thief.Cookie != nil {
		t.Errorf("second use: status %d, cookie %v", r.Code, thief.Cookie)
	}
	if r := c.Get(link); r.Code != http.StatusSeeOther {
		t.Errorf("the back button: status %d", r.Code)
	}
	late := d.server.Link()
	d.clock.Turn(web.LinkTime + time.Second)
	if r := thief.Get(late); r.Code != http.StatusUnauthorized {
		t.Errorf("too late: status %d", r.Code)
	}
	d.server.Demo = "/demo/"
	if r := thief.Get(late); r.Code != http.StatusUnauthorized || !strings.Contains(r.Body.String(), `href="/demo/#enter"`) || strings.Contains(r.Body.String(), "firsthand link") {
		t.Errorf("in a made-up world: status %d, and no way on\n%s", r.Code, r.Body)
	}
}

// Passphrases can't be tried at will.
func TestTriesAreFew(t *testing.T) {
	d := newDoor(t, web.Locked)
	c := webtest.NewClient(t, d.server)
	c.Get(d.server.Link())
	refused := 0
	for range 20 {
		if r := c.Post("/unlock", "passphrase", "guess"); r.Code == http.StatusTooManyRequests {
			refused++
		}
	}
	if d.house.Tried != 5 || refused != 15 {
		t.Errorf("%d tried, %d refused, want 5 and 15", d.house.Tried, refused)
	}
	d.clock.Turn(5 * time.Second)
	if r := c.Post("/unlock", "passphrase", webtest.Passphrase); r.Code != http.StatusSeeOther {
		t.Errorf("after a while: status %d", r.Code)
	}
}

// What was typed is there after the passphrase was asked for, and is done once.
func TestConfirmKeepsTheForm(t *testing.T) {
	d := newDoor(t, web.Open)
	c := webtest.SignIn(t, d.server)
	once := c.Once("/companies")
	d.clock.Turn(web.IdleTime + time.Second)
	r := c.Post("/companies", "once", once, "domain", "new.example", "name", `<New> & "Co"`)
	body := r.Body.String()
	if r.Code != http.StatusForbidden || !strings.Contains(body, `name="domain" value="new.example"`) || !strings.Contains(body, `value="&lt;New&gt; &amp; &#34;Co&#34;"`) {
		t.Fatalf("status %d, and the form isn't there:\n%s", r.Code, body)
	}
	if r := c.Post("/companies", "once", once, "domain", "new.example", "name", "New", "confirm_passphrase", "wrong"); r.Code != http.StatusForbidden || len(d.agent.Did()) > 0 {
		t.Errorf("a wrong passphrase: status %d, did %q", r.Code, d.agent.Did())
	}
	for range 2 {
		if r := c.Post("/companies", "once", once, "domain", "new.example", "name", "New", "confirm_passphrase", webtest.Passphrase); r.Code != http.StatusSeeOther {
			t.Errorf("status %d", r.Code)
		}
	}
	if did := d.agent.Did(); !slices.Equal(did, []string{"AddCompany new.example New"}) {
		t.Errorf("did %q", did)
	}
	if strings.Contains(body, "passphrase\" value") {
		t.Error("a passphrase is shown")
	}
}

// Secrets that were typed never come back in a page.
func TestSecretsAreNotShown(t *testing.T) {
	d := newDoor(t, web.Open)
	c := webtest.SignIn(t, d.server)
	d.clock.Turn(web.ConfirmTime + time.Second)
	for path, field := range map[string]string{"/safety/kit": "recovery_kit", "/safety/passphrase": "next_passphrase"} {
		r := c.Post(path, field, "AGE-SECRET-VALUE", "next_passphrase2", "AGE-SECRET-VALUE", "confirm_passphrase", "AGE-SECRET-VALUE")
		if strings.Contains(r.Body.String(), "AGE-SECRET-VALUE") {
			t.Errorf("%s shows the secret again", path)
		}
	}
}

// Under TLS the cookie is bound to the host, and browsers are told to stay there.
func TestSecure(t *testing.T) {
	s := webtest.NewSecureServer(t, webtest.NewHouse(web.Locked, webtest.Empty()), "me.example")
	r := httptest.NewRequest("GET", s.Link(), nil)
	r.Host = "me.example"
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	cookies := w.Result().Cookies()
	if len(cookies) != 1 || cookies[0].Name != "__Host-firsthand" || !cookies[0].Secure || !cookies[0].HttpOnly || cookies[0].Path != "/" || cookies[0].Domain != "" {
		t.Errorf("cookies %v", cookies)
	}
	if w.Header().Get("Strict-Transport-Security") == "" {
		t.Error("no Strict-Transport-Security")
	}
}

// What she has begun to set up is forgotten when she goes away over it.
func TestSetupIsForgotten(t *testing.T) {
	d := newDoor(t, web.Empty)
	c := webtest.NewClient(t, d.server)
	c.Get(d.server.Link())
	c.Post("/setup", "passphrase", "long enough", "passphrase2", "long enough")
	d.clock.Turn(web.IdleTime + time.Second)
	if r := c.Get("/setup/kit"); r.Code != http.StatusSeeOther {
		t.Errorf("status %d", r.Code)
	}
}
