package web_test

import (
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"firsthand/internal/needtest"
	"firsthand/internal/web"
	"firsthand/internal/web/webtest"
)

func TestMain(m *testing.M) { os.Exit(webtest.Main(m)) }

// some returns a few of pages where the tests are small.
func some(pages []string, n int) []string {
	if needtest.Big() {
		return pages
	}
	return few(pages, n)
}

func few(pages []string, n int) (some []string) {
	n = min(n, len(pages))
	for i := range n {
		some = append(some, pages[i*len(pages)/n])
	}
	return some
}

// Every page leaves the console empty, asks nobody else for anything, breaks no
// rule of axe, and is no wider than the window: in light and dark, on a phone and
// on a desk.
func TestPagesInABrowser(t *testing.T) {
	for name, a := range galleries(t) {
		if !needtest.Big() && name != "usual" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			s := webtest.NewServer(t, webtest.NewHouse(web.Open, a), webtest.NewClock())
			b := webtest.NewBrowser(t, s)
			b.SignIn(s)
			looks := webtest.Looks()
			pages := some(webtest.Pages(a), 3)
			if !needtest.Big() || name != "usual" {
				looks = looks[:2]
			}
			if name != "usual" {
				pages = few(pages, 25)
			}
			for i, l := range looks {
				b.Look(l.Width, l.Dark)
				if i == 2 { // each page was narrow and wide, light and dark
					pages = few(pages, 15)
				}
				for _, page := range pages {
					b.Noted()
					b.Open(page)
					b.Check(t, l.String()+": "+page, l.Width)
				}
			}
		})
	}
}

// The pages before she is in, by themselves: each state of the house has its own.
func TestDoorsInABrowser(t *testing.T) {
	if !needtest.All() {
		return // seconds
	}
	for _, l := range webtest.Looks()[:2] {
		s := webtest.NewServer(t, webtest.NewHouse(web.Empty, webtest.Empty()), webtest.NewClock())
		b := webtest.NewBrowser(t, s)
		b.Look(l.Width, l.Dark)
		b.Open(s.Link())
		b.Check(t, "setup", l.Width)
		b.Open("/restore")
		b.Check(t, "restore", l.Width)
		b.Open("/")
		b.Run(chromedp.SendKeys("#f-passphrase", webtest.Passphrase, chromedp.ByQuery), chromedp.SendKeys("#f-passphrase2", webtest.Passphrase+"\r", chromedp.ByQuery),
			chromedp.WaitVisible(".kit", chromedp.ByQuery))
		b.Check(t, "kit", l.Width)
		b.Run(chromedp.Click(`[name=have]`, chromedp.ByQuery), chromedp.Click(`form[action="/setup/done"] button`, chromedp.ByQuery), chromedp.WaitVisible(".places", chromedp.ByQuery))
		b.Check(t, "welcome", l.Width)
		b.Run(chromedp.Click(`.house button`, chromedp.ByQuery), chromedp.WaitVisible("#f-passphrase", chromedp.ByQuery))
		b.Check(t, "lock", l.Width)
		if !needtest.Big() {
			return
		}
	}
}

// What the keyboard reaches, and whether one sees where it is.
type stop struct {
	Tag, Text string
	Outline   bool
}

const whereIsFocus = `(() => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  const c = getComputedStyle(e);
  return {Tag: e.tagName, Text: (e.name || "") + "|" + (e.getAttribute("href") || e.value || "") + "|" + (e.textContent || "").trim().slice(0, 40),
    Outline: c.outlineStyle !== "none" && parseFloat(c.outlineWidth) >= 2};
})()`

const whatCanBeDone = `[...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")].filter(e => e.checkVisibility({visibilityProperty: true}) && e.tabIndex >= 0 && !e.disabled &&
  !(e.type === "radio" && e.name && document.querySelector('input[type=radio][name="' + e.name + '"]:checked') && !e.checked)).length`

// With the keyboard alone each link, button and field of a page is reached, and one
// sees where one is.
func TestKeyboardAlone(t *testing.T) {
	if !needtest.All() {
		return // seconds
	}
	a := webtest.Usual(t)
	s := webtest.NewServer(t, webtest.NewHouse(web.Open, a), webtest.NewClock())
	b := webtest.NewBrowser(t, s)
	b.Look(1280, false)
	b.SignIn(s)
	for _, page := range some([]string{"/companies/acme.example", "/change?fact=phone", "/safety", "/", "/companies", "/changes/1", "/me", "/imports/1", "/tasks", "/terms", "/companies/acme.example/do/tell"}, 2) {
		b.Open(page)
		var want int
		b.Evaluate(whatCanBeDone, &want)
		reached := 0
		for range want + 20 {
			b.Run(input.DispatchKeyEvent(input.KeyDown).WithKey("Tab").WithCode("Tab").WithWindowsVirtualKeyCode(9),
				input.DispatchKeyEvent(input.KeyUp).WithKey("Tab").WithCode("Tab").WithWindowsVirtualKeyCode(9))
			var at *stop
			b.Evaluate(whereIsFocus, &at)
			if at == nil {
				break // once round
			}
			if at.Tag == "PRE" {
				continue // so that it can be scrolled
			}
			reached++
			if !at.Outline {
				t.Errorf("%s: nobody sees that the keyboard is at %s %s", page, at.Tag, at.Text)
			}
		}
		if reached < want {
			t.Errorf("%s: the keyboard reaches %d of %d", page, reached, want)
		}
	}
}

// The way from the map to a change that is sent, without scripts.
func TestWithoutScripts(t *testing.T) {
	if !needtest.All() {
		return // seconds
	}
	a := webtest.Usual(t)
	s := webtest.NewServer(t, webtest.NewHouse(web.Open, a), webtest.NewClock())
	b := webtest.NewBrowser(t, s)
	b.Script(false)
	b.SignIn(s)
	b.Open("/change?fact=phone")
	b.Run(chromedp.SendKeys(`input[name="phone:value"]`, "+32 9 111 11 11", chromedp.ByQuery), chromedp.Click("button.primary", chromedp.ByQuery),
		chromedp.WaitVisible(".sticky button", chromedp.ByQuery), chromedp.Click(".sticky button", chromedp.ByQuery), chromedp.WaitVisible("#board", chromedp.ByQuery))
	if did := a.Did(); len(did) != 1 || !strings.Contains(did[0], "+32 9 111 11 11") {
		t.Errorf("did %q", did)
	}
}

// The board follows by itself, and what moves is only its text.
func TestBoardIsLive(t *testing.T) {
	if !needtest.All() {
		return // seconds
	}
	a := webtest.Usual(t)
	s := webtest.NewServer(t, webtest.NewHouse(web.Open, a), webtest.NewClock())
	b := webtest.NewBrowser(t, s)
	b.SignIn(s)
	b.Open("/changes/1")
	a.SetLeg(1, 2, "refused", "moved on")
	b.Run(chromedp.WaitVisible(`//li[@id="leg-2"]//span[contains(., "moved on")]`, chromedp.BySearch))
	if noted := b.Noted(); len(noted) > 0 {
		t.Errorf("noted %q", noted)
	}
}

// Nothing that companies or files say is executed: no dialog, no request, no
// message of the console, which is where the policy would report, no new title.
func TestHostileTextInABrowser(t *testing.T) {
	payloads := webtest.Hostile(t)
	a := webtest.Saying(t, payloads[0])
	house := webtest.NewHouse(web.Open, a)
	s := webtest.NewServer(t, house, webtest.NewClock())
	b := webtest.NewBrowser(t, s)
	b.SignIn(s)
	for i, payload := range payloads {
		if !needtest.Big() && i%160 != 3 {
			continue
		}
		house.Move(webtest.Saying(t, payload))
		pages := webtest.Pages(house.Agent)
		for j, page := range pages {
			if !needtest.Big() && j%6 != 0 || needtest.Big() && j != i%len(pages) { // all pages, all payloads; all pairs are in TestHostileTextIsText
				continue
			}
			b.Noted()
			b.Open(page)
			var pwned bool
			b.Evaluate(`window.pwned !== undefined || document.title === "pwned"`, &pwned)
			if pwned {
				t.Errorf("%q was executed on %s", payload, page)
			}
			for _, n := range b.Noted() {
				if !strings.Contains(n, "404") {
					t.Errorf("%q on %s: %s", payload, page, n)
				}
			}
		}
	}
}

// The checks must find what they are there for.
func TestBrowserChecksFind(t *testing.T) {
	if !needtest.All() {
		return // seconds
	}
	s := webtest.NewServer(t, webtest.NewHouse(web.Open, webtest.Usual(t)), webtest.NewClock())
	b := webtest.NewBrowser(t, s)
	b.SignIn(s)
	b.Open("/companies/acme.example/do/message")
	var done bool
	b.Evaluate(`document.querySelector("label[for=f-text]").remove(), true`, &done)
	found := false
	for _, f := range b.AxeFaults() {
		found = found || f.ID == "label"
	}
	if !found {
		t.Error("a field without its label isn't found")
	}
	b.Noted()
	b.Evaluate(`(() => { const e = document.createElement("img"); e.setAttribute("src", "https://sentinel.invalid/x"); document.body.append(e); return true })()`, &done)
	b.Evaluate(`(() => { try { document.body.innerHTML += "<b>x</b>" } catch {} return true })()`, &done)
	b.Evaluate(`new Promise(r => setTimeout(() => r(true), 50))`, &done)
	noted := strings.Join(b.Noted(), "\n")
	for _, want := range []string{"sentinel.invalid", "TrustedHTML"} {
		if !strings.Contains(noted, want) {
			t.Errorf("%s is not noted, only:\n%s", want, noted)
		}
	}
}
