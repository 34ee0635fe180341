//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"firsthand/internal/needtest"
	"firsthand/internal/world"
)

// A stranger's page in a plain web page opens Meet in her app, and that ends in a
// relationship after her clicks, and not before: in a real browser, at the real
// program, with a real gateway.
func TestMeetFromAStrangersPage(t *testing.T) {
	if !needtest.All() {
		return // seconds
	}
	h := newHuman(t, startDemo(t, filepath.Join(t.TempDir(), "w"), "localhost:0", "--fresh"))
	h.setUp()
	var hostile string
	stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		link := h.Base + "/meet?company=" + world.Shop
		fmt.Fprintf(w, `<!doctype html><title>A friend</title><a id="link" href="%s">Meet them</a> <a id="scheme" href="web+firsthand:%s">Or so</a>`, link, world.Shop)
		if hostile = r.URL.Path; hostile != "/" {
			// All that a page can do without her: a form that sends itself, to each
			// step, and a frame with hers in it.
			fmt.Fprintf(w, `<iframe name="f" src="%[1]s"></iframe><form id="look" method="post" action="%[2]s/meet"><input name="company" value="%[3]s"></form>
<form id="meet" method="post" action="%[2]s/meet/%[3]s"><input name="once" value="0123456789abcdef0123"><input name="key" value="x"></form>
<script>fetch("%[1]s", {credentials: "include"}).catch(() => 0); document.getElementById("%[4]s").submit()</script>`, link, h.Base, world.Shop, hostile[1:])
		}
	}))
	defer stranger.Close()
	known := func() string {
		h.Open("/companies?search=" + world.Shop)
		return h.text()
	}
	for _, way := range []string{"/look", "/meet"} {
		var text string
		h.do(chromedp.Navigate(stranger.URL+way), chromedp.Poll(fmt.Sprintf("location.href.startsWith(%q) && document.readyState === 'complete'", h.Base), nil), chromedp.Text("body", &text, chromedp.ByQuery))
		if !strings.Contains(text, "cross-origin request") {
			t.Errorf("a form that sends itself to %s got:\n%s", way, text)
		}
	}
	if text := known(); strings.Contains(text, "Schelde") {
		t.Errorf("after what a page can do by itself:\n%s", text)
	}
	// The company's own site, behind the scenes.
	h.Open("/demo/")
	var site string
	h.do(chromedp.AttributeValue(`#companies ~ table a[rel=noreferrer]`, "href", &site, nil, chromedp.ByQuery))
	h.arrive(chromedp.Navigate(site))
	h.press(".meet a")
	if text := h.text(); !strings.Contains(text, "Meet Kaarsenmakerij Schelde VOF on your terms") || !strings.Contains(text, "firsthand:"+world.Shop) {
		t.Errorf("the company's page says:\n%s", text)
	}
	h.press(fmt.Sprintf(`a[href^=%q]`, h.Base))
	arrived := func() {
		t.Helper()
		if text := h.text(); !strings.Contains(text, "A page has led you here, to meet "+world.Shop) || h.at() != "/meet" {
			t.Fatalf("at %s:\n%s", h.at(), text)
		}
	}
	arrived()
	// And the page of somebody who has nothing to do with either.
	h.arrive(chromedp.Navigate(stranger.URL + "/"))
	h.press("#link")
	arrived()
	// Taught to the browser, the scheme leads there as well.
	h.Open("/meet")
	h.do(page.SetRPHRegistrationMode(page.SetRPHRegistrationModeModeAutoAccept), chromedp.Click("[data-handler] button", chromedp.ByQuery))
	h.arrive(chromedp.Navigate(stranger.URL + "/"))
	h.press("#scheme")
	arrived()

	h.press(`form[action="/meet"] .primary`)
	if text := h.text(); !strings.Contains(text, "Meet Kaarsenmakerij Schelde VOF?") || !strings.Contains(text, "FIRSTHAND-SD-BASE") {
		t.Fatalf("who it is:\n%s", text)
	}
	h.press(`form[action="/meet/` + world.Shop + `"] .primary`)
	if text := h.text(); h.at() != "/companies/"+world.Shop || !strings.Contains(text, "Met. They know nothing of you yet") {
		t.Fatalf("at %s:\n%s", h.at(), text)
	}
	if text := known(); !strings.Contains(text, "Kaarsenmakerij Schelde VOF") || !strings.Contains(text, "Connected") {
		t.Errorf("her companies:\n%s", text)
	}
	h.Open("/meet")
	h.fill("#f-company", site+"meet?company="+world.Shop, true)
	h.press(`form[action="/meet"] .primary`)
	if text := h.text(); !strings.Contains(text, "You have met already") {
		t.Errorf("a second time:\n%s", text)
	}
}
