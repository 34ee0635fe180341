package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/web"
	"firsthand/internal/web/webtest"
)

// led opens a page as a stranger's page does: from another site, and so without the
// cookie.
func led(s http.Handler, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", path, nil)
	r.Host = "127.0.0.1:8440"
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// A stranger's page can lead her to Meet, and that is all it can do: nothing is
// asked of anybody, nothing is opened, and the page is the same whoever she is.
func TestLedToMeet(t *testing.T) {
	a := webtest.Usual(t)
	house := webtest.NewHouse(web.Open, a)
	s := webtest.NewServer(t, house, webtest.NewClock())
	c := webtest.SignIn(t, s)
	for _, path := range []string{"/meet?company=acme.example", "/meet?company=web%2Bfirsthand%3Aacme.example", "/meet?company=firsthand:acme.example",
		"/meet?company=https://gw.acme.example/x/meet?company%3Dacme.example", "/meet?company=https://www.ACME.example/shop?x=1"} {
		r := led(s, path)
		if page := r.Body.String(); r.Code != 200 || !strings.Contains(page, "to meet acme.example") || !strings.Contains(page, `name="company" value="acme.example"`) {
			t.Errorf("%s: %d\n%s", path, r.Code, page)
		}
		if len(r.Result().Cookies()) > 0 || r.Header().Get("X-Frame-Options") != "DENY" || r.Header().Get("Referrer-Policy") != "no-referrer" ||
			r.Header().Get("Cross-Origin-Opener-Policy") != "same-origin" {
			t.Errorf("%s: headers %v", path, r.Header())
		}
	}
	nonce := func(page string) string {
		_, rest, _ := strings.Cut(page, `nonce="`)
		word, _, _ := strings.Cut(rest, `"`)
		return strings.ReplaceAll(page, word, "")
	}
	// Whom she knows, and whether her file is open, doesn't show.
	known := nonce(led(s, "/meet?company=acme.example").Body.String())
	house.Lock()
	unknown := nonce(led(s, "/meet?company=acme.examplf").Body.String())
	if strings.ReplaceAll(known, "acme.example", "x") != strings.ReplaceAll(unknown, "acme.examplf", "x") {
		t.Errorf("known:\n%s\nunknown:\n%s", known, unknown)
	}
	for _, hostile := range []string{"", "<script>alert(1)</script>", "javascript:alert(1)", "//evil.example/x", "acme.example@evil.example", "acme.example%0d%0aSet-Cookie:a=b",
		"http://", "https://[::1", "localhost", "firsthand:", "\u202eacme", "acme\u2024example", strings.Repeat("a.", 200), "http://acme.example:pw@/meet?company=", "data:text/html,x"} {
		r := led(s, "/meet?company="+strings.NewReplacer("%", "%25", "<", "%3C", " ", "%20", "\u202e", "%E2%80%AE", "\u2024", "%E2%80%A4", "&", "%26", "#", "%23").Replace(hostile))
		page := r.Body.String()
		if strings.Contains(page, "alert(1)") || strings.Contains(page, "evil.example") && hostile != "//evil.example/x" || r.Code != 200 && r.Code != 422 || r.Header().Get("Location") != "" {
			t.Errorf("%q: %d\n%s", hostile, r.Code, page)
		}
	}
	// Nothing can be done from there, with her cookie or without.
	for _, site := range []string{"cross-site", "same-site"} {
		for _, path := range []string{"/meet", "/meet/acme.example"} {
			c.Header.Set("Sec-Fetch-Site", site)
			if r := c.Post(path, "company", "acme.example", "once", "0123456789abcdef0123"); r.Code != http.StatusForbidden {
				t.Errorf("%s from %s: %d", path, site, r.Code)
			}
		}
	}
	if did := a.Did(); len(did) != 0 {
		t.Errorf("a link did %q", did)
	}
}

// Her two clicks: the first asks the company's domain, the second meets whom she was
// shown.
func TestMeetByLink(t *testing.T) {
	a := webtest.Usual(t)
	c := webtest.SignIn(t, webtest.NewServer(t, webtest.NewHouse(web.Open, a), webtest.NewClock()))
	page := c.Post("/meet", "company", "firsthand:new.example").Body.String()
	for _, want := range []string{"Meet New NV?", "new.example", `action="/meet/new.example"`, `href="/terms/` + agent.DefaultTerms + `"`, "OTHER", "A relationship can be had"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
	key := a.Introduced.Company.Key().String()
	once := onceOf(t, page)
	for range 2 { // a second click
		r := c.Post("/meet/new.example", "once", once, "key", key)
		if r.Code != http.StatusSeeOther || r.Header().Get("Location") != "/companies/new.example?did=met" {
			t.Errorf("met: %d %s", r.Code, r.Header().Get("Location"))
		}
	}
	if did, want := a.Did(), []string{"Introduce new.example", "Meet new.example unpaired false"}; !slices.Equal(did, want) {
		t.Errorf("did %q, want %q", did, want)
	}
	for path, want := range map[string]int{"/meet/WWW.new.example": 404, "/meet/nowhere": 404} {
		if r := c.Post(path, "once", "0123456789abcdef0123", "key", key); r.Code != want {
			t.Errorf("%s: %d", path, r.Code)
		}
	}
	if r := c.Post("/meet/new.example", "once", "0123456789abcdef0123", "key", "x"); r.Code != 400 {
		t.Errorf("without the key that she was shown: %d", r.Code)
	}
	// It has another key by now.
	a.Fail = map[string]error{"Meet": fault.Tell(fault.Conflict, "new.example has another key than a moment ago", "look again")}
	r := c.Post("/meet/new.example", "once", "another56789abcdef0123", "key", key)
	if r.Code != 422 || !strings.Contains(r.Body.String(), "another key") {
		t.Errorf("another key: %d\n%s", r.Code, r.Body)
	}
	a.Fail = map[string]error{"Introduce": fault.Tell(fault.NotExist, "new.example does not answer as a company with a gateway", "")}
	if r := c.Post("/meet", "company", "new.example"); r.Code != 422 || !strings.Contains(r.Body.String(), "does not answer") {
		t.Errorf("no gateway: %d\n%s", r.Code, r.Body)
	}
	a.Fail = nil
	a.Introduced.Met = agent.Relationship{ID: firsthand.ID{1}}
	if page := c.Post("/meet", "company", "new.example").Body.String(); !strings.Contains(page, "You have met already") || strings.Contains(page, `action="/meet/`) {
		t.Errorf("met already:\n%s", page)
	}
}

func onceOf(t *testing.T, page string) string {
	t.Helper()
	_, rest, ok := strings.Cut(page, `action="/meet/`)
	_, rest, _ = strings.Cut(rest, `name="once" value="`)
	word, _, _ := strings.Cut(rest, `"`)
	if !ok || word == "" {
		t.Fatalf("no form in\n%s", page)
	}
	return word
}

// Whatever a company has signed about itself is text on the page that shows it.
func TestHostileIntroduction(t *testing.T) {
	show := func(text string) []string {
		a := webtest.Saying(t, text)
		c := webtest.SignIn(t, webtest.NewServer(t, webtest.NewHouse(web.Open, a), webtest.NewClock()))
		r := c.Post("/meet", "company", "new.example")
		if r.Code != 200 {
			t.Errorf("%q: %d", text, r.Code)
		}
		return skeleton(t, r.Body.String())
	}
	want := show("word")
	for i, text := range webtest.Hostile(t) {
		if i%9 == 0 {
			if got := show(text); !slices.Equal(got, want) {
				t.Errorf("%q makes %s", text, fmt.Sprint(got))
			}
		}
	}
}
