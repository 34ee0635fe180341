package desk_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"firsthand/internal/desk"
	"firsthand/internal/needtest"
	"firsthand/internal/web/webtest"
)

// open serves an office on localhost, where passkeys work without TLS, and opens a
// browser there. It skips the test where no Chromium is installed.
func open(t *testing.T, set setting) (*office, *webtest.Browser) {
	t.Helper()
	needtest.Program(t, "chromium", "chromium-browser", "google-chrome")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	set.url = "http://localhost:" + port
	o := newOffice(t, set)
	server := &http.Server{Handler: o.server}
	go server.Serve(l) // ends with Close
	t.Cleanup(func() { server.Close() })
	return o, webtest.Open(t, o.url)
}

// be lets the browser in as a member.
func (o *office) be(b *webtest.Browser, member string) {
	name, value := o.server.Enter(member, o.clock())
	b.Run(network.SetCookie(name, value).WithURL(o.url).WithHTTPOnly(true))
}

// authenticator gives the browser one of its own, which holds passkeys.
func authenticator(b *webtest.Browser) {
	b.Run(webauthn.Enable(), chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := webauthn.AddVirtualAuthenticator(&webauthn.VirtualAuthenticatorOptions{Protocol: webauthn.AuthenticatorProtocolCtap2,
			Transport: webauthn.AuthenticatorTransportInternal, HasResidentKey: true, HasUserVerification: true, IsUserVerified: true,
			AutomaticPresenceSimulation: true}).Do(ctx)
		return err
	}))
}

// Every page leaves the console empty, asks nobody else for anything, breaks no rule of
// axe, and is no wider than the window: in light and dark, on a phone and on a desk.
func TestPagesInABrowser(t *testing.T) {
	sets := map[string]setting{"empty": {empty: true}, "usual": {}, "long": {say: strings.Repeat("Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz", 3)}, "hostile": {say: script}}
	for name, set := range sets {
		if !needtest.Big() && name != "usual" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			o, b := open(t, set)
			looks := webtest.Looks()
			if name != "usual" {
				looks = looks[:2]
			}
			b.Open("/")
			b.Check(t, "the door", 1280)
			o.be(b, "d1")
			for i, l := range looks {
				b.Look(l.Width, l.Dark)
				for n, page := range o.pages() {
					switch {
					case !needtest.Big() && (n+i)%6 != 0, name == "usual" && needtest.Big() && n%2 != i/2, name != "usual" && (n+i)%3 != 0:
						continue // each page is seen narrow and wide, light and dark
					}
					b.Noted()
					b.Open(page)
					b.Check(t, l.String()+": "+page, l.Width)
				}
			}
		})
	}
}

// Somebody who was invited makes a passkey, signs out, signs in with it, and is asked
// for it again before she changes staff. The invitation is good once, an answer is good
// once, and who has no passkey of this desk is not let in.
func TestPasskey(t *testing.T) {
	o, b := open(t, setting{empty: true})
	ctx := context.WithoutCancel(t.Context())
	authenticator(b)
	b.Open("/")
	press := func(selector string) {
		t.Helper()
		b.Run(chromedp.Click(selector, chromedp.ByQuery))
	}
	press("[data-passkey]") // there is none
	b.Run(chromedp.WaitVisible("#passkey-trouble", chromedp.ByQuery))
	b.Noted()
	path, err := desk.InviteMember(ctx, o.gw, "root", "Ann", desk.Admin, o.clock())
	o.must(err)
	b.Open(path)
	b.Check(t, "the invitation", 1280)
	press("[data-passkey]")
	b.Run(chromedp.WaitVisible(".places", chromedp.ByQuery))
	b.Check(t, "joined", 1280)
	if r := o.client().get(path); r.Code != http.StatusNotFound {
		t.Errorf("the invitation again: status %d", r.Code)
	}
	press(".house button")
	b.Run(chromedp.WaitVisible("[data-passkey]", chromedp.ByQuery))
	press("[data-passkey]")
	b.Run(chromedp.WaitVisible(".places", chromedp.ByQuery))

	// Long after, an act of an admin takes the passkey again, and is then done.
	o.pass(desk.FreshTime + time.Second)
	b.Open("/staff")
	b.Run(chromedp.SendKeys("#f-name", "Bob", chromedp.ByQuery), chromedp.Click("#invite button", chromedp.ByQuery), chromedp.WaitVisible("[data-then]", chromedp.ByQuery))
	noted := b.Noted()
	for _, n := range noted {
		if !strings.Contains(n, "403") {
			t.Errorf("noted: %s", n)
		}
	}
	press("[data-then]")
	b.Run(chromedp.WaitVisible(".secret-link", chromedp.ByQuery))
	b.Check(t, "a new invitation", 1280)

	// What the passkey has answered is recorded, and sent again: it was good once.
	var answers string
	b.Open("/")
	press(".house button")
	b.Run(chromedp.WaitVisible("[data-passkey]", chromedp.ByQuery))
	b.Evaluate(`(() => { const f = window.fetch; window.kept = []; window.fetch = (p, o) => { window.kept.push([p, o.body]); return p.endsWith("/finish") ? Promise.resolve(new Response("{\"error\":\"kept\"}", {status: 400})) : f(p, o); }; return true })()`, new(bool))
	press("[data-passkey]")
	b.Run(chromedp.WaitVisible("#passkey-trouble", chromedp.ByQuery))
	b.Evaluate(`JSON.stringify(window.kept)`, &answers)
	var kept [][2]string
	o.must(json.Unmarshal([]byte(answers), &kept))
	answer := kept[len(kept)-1][1]
	if !strings.Contains(answer, "signature") {
		t.Fatalf("no answer: %s", answers)
	}
	post := func(c *client, body string) int {
		r, err := http.NewRequest("POST", "/signin/finish", strings.NewReader(body))
		o.must(err)
		r.Host = strings.TrimPrefix(o.url, "http://")
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		return c.do(r).Code
	}
	thief := o.client()
	if status := post(thief, answer); status != http.StatusBadRequest {
		t.Errorf("without having begun: status %d", status)
	}
	thief.post("/signin/begin") // a challenge of his own
	if status := post(thief, answer); status != http.StatusForbidden {
		t.Errorf("for another challenge: status %d", status)
	}
	for _, junk := range []string{`{}`, `[]`, `{"id":"x","rawId":"x","type":"public-key","response":{}}`, `null`, `"`, strings.Repeat("[", 10000)} {
		thief.post("/signin/begin")
		if status := post(thief, junk); status != http.StatusForbidden && status != http.StatusBadRequest {
			t.Errorf("%.40s: status %d", junk, status)
		}
	}
	if thief.get("/due").Code != http.StatusUnauthorized {
		t.Error("the thief is in")
	}
	// Who was removed has a passkey that is good for nothing.
	o.must(desk.SetStaff(ctx, o.gw, staff()...))
	b.Open("/")
	press("[data-passkey]")
	b.Run(chromedp.WaitVisible("#passkey-trouble", chromedp.ByQuery))
	var said string
	b.Run(chromedp.Text("#passkey-trouble", &said, chromedp.ByQuery))
	if !strings.Contains(said, "not one of this desk") {
		t.Errorf("says %q", said)
	}
}

// Somebody else's passkey doesn't confirm what an admin wants.
func TestConfirmIsOnesOwn(t *testing.T) {
	o, b := open(t, setting{empty: true})
	ctx := context.WithoutCancel(t.Context())
	authenticator(b)
	path, err := desk.InviteMember(ctx, o.gw, "root", "Ann", desk.Reader, o.clock())
	o.must(err)
	b.Open(path)
	b.Run(chromedp.Click("[data-passkey]", chromedp.ByQuery), chromedp.WaitVisible(".places", chromedp.ByQuery))
	s, err := desk.LoadStaff(ctx, o.gw)
	o.must(err)
	ann := s.Members[len(s.Members)-1]
	admin := desk.Member{ID: "d9", Name: "Dirk", Role: desk.Admin, Keys: ann.Keys[:1:1]}
	o.must(desk.SetStaff(ctx, o.gw, ann, admin))
	o.be(b, "d9")
	o.pass(desk.FreshTime + time.Second)
	b.Open("/staff")
	b.Run(chromedp.SendKeys("#f-name", "Bob", chromedp.ByQuery), chromedp.Click("#invite button", chromedp.ByQuery), chromedp.WaitVisible("[data-then]", chromedp.ByQuery),
		chromedp.Click("[data-then]", chromedp.ByQuery), chromedp.WaitVisible("#passkey-trouble", chromedp.ByQuery))
	if s, err = desk.LoadStaff(ctx, o.gw); err != nil || len(s.Invites) != 0 {
		t.Errorf("invited: %+v, %v", s.Invites, err)
	}
}

// With the keyboard alone each link, button and field of a page is reached, and one
// sees where one is.
func TestKeyboardAlone(t *testing.T) {
	if !needtest.All() {
		return // seconds
	}
	o, b := open(t, setting{})
	b.Look(1280, false)
	o.be(b, "d1")
	pages := []string{o.request(o.mia, "email"), "/due", "/relationships/" + o.mia.Rel().String(), "/staff", "/connect"}
	if !needtest.Big() {
		pages = pages[:1]
	}
	for _, page := range pages {
		b.Open(page)
		var want int
		b.Evaluate(`[...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, pre[tabindex], div[tabindex]")].filter(e => e.checkVisibility({visibilityProperty: true}) && e.tabIndex >= 0 && !e.disabled &&
  !(e.type === "radio" && e.name && document.querySelector('input[type=radio][name="' + e.name + '"]:checked') && !e.checked)).length`, &want)
		reached := map[string]bool{}
		for range want*4 + 20 {
			b.Run(input.DispatchKeyEvent(input.KeyDown).WithKey("Tab").WithCode("Tab").WithWindowsVirtualKeyCode(9),
				input.DispatchKeyEvent(input.KeyUp).WithKey("Tab").WithCode("Tab").WithWindowsVirtualKeyCode(9))
			var at *struct {
				Place   string
				Outline bool
			}
			b.Evaluate(`(() => { const e = document.activeElement; if (!e || e === document.body) return null; const c = getComputedStyle(e);
  return {Place: String([...document.querySelectorAll("*")].indexOf(e)), Outline: c.outlineStyle !== "none" && parseFloat(c.outlineWidth) >= 2} })()`, &at)
			if at == nil {
				break // once round
			}
			if reached[at.Place] = true; !at.Outline {
				t.Errorf("%s: one doesn't see that element %s has the focus", page, at.Place)
			}
		}
		if len(reached) < want {
			t.Errorf("%s: %d of %d reached", page, len(reached), want)
		}
	}
}

// With FIRSTHAND_SHOTS, the name of a folder, pictures of all pages are put there,
// to be looked at.
func TestShots(t *testing.T) {
	dir := os.Getenv("FIRSTHAND_SHOTS")
	if dir == "" {
		return
	}
	o, b := open(t, setting{})
	shoot := func(name string) {
		var png []byte
		b.Run(chromedp.FullScreenshot(&png, 100))
		o.must(os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600))
	}
	b.Look(1280, false)
	b.Open("/")
	shoot("door")
	o.be(b, "d1")
	for _, l := range []struct {
		name  string
		width int64
		dark  bool
	}{{"390", 390, false}, {"1280", 1280, false}, {"1280-dark", 1280, true}} {
		b.Look(l.width, l.dark)
		for i, page := range o.pages() {
			b.Open(page)
			name, _, _ := strings.Cut(strings.Trim(strings.ReplaceAll(page, "?", "/"), "/"), "/")
			shoot(l.name + "-" + string(rune('a'+i)) + "-" + name)
		}
	}
}
