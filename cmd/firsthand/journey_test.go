//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package main

import (
	"bufio"
	"context"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"firsthand/internal/web/webtest"
	"firsthand/internal/world"
)

// A demoRun is the real command, running.
type demoRun struct {
	cmd  *exec.Cmd
	link string // that it printed
	base string
}

// startDemo starts the demo in dir, and waits for its link.
func startDemo(t testing.TB, dir, addr string, args ...string) *demoRun {
	t.Helper()
	cmd := exec.Command(filepath.Join(programs(t), "firsthand"), append([]string{"demo", "--dir", dir, "--addr", addr}, args...)...)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() }) // it may have ended
	link, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("no link: %v", err)
	}
	d := &demoRun{cmd: cmd, link: strings.TrimSpace(link)}
	d.base, _, _ = strings.Cut(d.link, "/enter/")
	return d
}

// kill ends it as a power cut does.
func (d *demoRun) kill() {
	d.cmd.Process.Signal(syscall.SIGKILL)
	d.cmd.Wait()
}

// A human uses the pages, at a human's pace: the time she takes is counted, and not
// waited for. What the machine takes is added.
type human struct {
	*webtest.Browser
	t      testing.TB
	clicks int
	spent  time.Duration
	fields []string // names of all that she could type into, so far
}

// What a person takes for things.
const (
	perClick = time.Second
	perKey   = 250 * time.Millisecond
	perPage  = 1500 * time.Millisecond // to read it
)

func newHuman(t testing.TB, d *demoRun) *human {
	h := &human{Browser: webtest.Launch(t, d.base), t: t}
	h.Look(1280, false)
	h.arrive(chromedp.Navigate(d.link))
	return h
}

// do counts what the machine takes.
func (h *human) do(actions ...chromedp.Action) {
	h.t.Helper()
	before := time.Now()
	h.Run(actions...)
	h.spent += time.Since(before)
}

// arrive does what leads to another page, and reads that.
func (h *human) arrive(action chromedp.Action) {
	h.t.Helper()
	before := time.Now()
	ctx, cancel := context.WithTimeout(h.Context, time.Minute)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, action); err != nil {
		h.t.Fatal(err)
	}
	h.spent += time.Since(before) + perPage
	var fields []string
	h.Run(chromedp.Evaluate(`[...document.querySelectorAll("input:not([type=hidden]):not([hidden]), select, textarea")].map(e => e.name)`, &fields))
	for _, f := range fields {
		if !slices.Contains(h.fields, f) {
			h.fields = append(h.fields, f)
		}
	}
}

// press clicks on what leads to another page.
func (h *human) press(selector string) {
	h.t.Helper()
	h.clicks++
	h.spent += perClick
	h.arrive(chromedp.Click(selector, chromedp.ByQuery))
}

// mark clicks on what stays on the page.
func (h *human) mark(selector string) {
	h.t.Helper()
	h.clicks++
	h.spent += perClick
	h.do(chromedp.Click(selector, chromedp.ByQuery))
}

// fill types into a field. The first of a form she clicks on, to the others leads the
// tab key.
func (h *human) fill(selector, text string, first bool) {
	h.t.Helper()
	if first {
		h.clicks++
		h.spent += perClick
	}
	h.spent += time.Duration(len(text)+1) * perKey
	h.do(chromedp.SendKeys(selector, text, chromedp.ByQuery))
}

// bring chooses a file: a click for the dialog, and one in it.
func (h *human) bring(file string) {
	h.t.Helper()
	h.clicks += 2
	h.spent += 2*perClick + 2*perPage
	h.arrive(chromedp.SetUploadFiles("#f-file", []string{file}, chromedp.ByQuery))
}

// text is what the page says.
func (h *human) text() (text string) {
	h.t.Helper()
	h.Run(chromedp.Text("main", &text, chromedp.ByQuery))
	return text
}

// at returns the page's path.
func (h *human) at() (path string) {
	h.t.Helper()
	h.Run(chromedp.Evaluate("location.pathname", &path))
	return path
}

// wantQuiet checks that nothing was in the console, and nothing asked of elsewhere.
func (h *human) wantQuiet() {
	h.t.Helper()
	for _, n := range h.Noted() {
		h.t.Errorf("noted: %s", n)
	}
}

const passphraseOfHers = "korenmarkt 12 gent"

// setUp makes her file: no name, no address, just a passphrase and the kit.
func (h *human) setUp() {
	h.t.Helper()
	h.fill("#f-passphrase", passphraseOfHers, true)
	h.fill("#f-passphrase2", passphraseOfHers, false)
	h.press(`form[action="/setup"] .primary`)
	h.mark(`input[name=have]`)
	h.press(`form[action="/setup/done"] .primary`)
}

func TestJourney(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "world")
	d := startDemo(t, dir, "localhost:0", "--fresh")
	h := newHuman(t, d)
	h.setUp()
	h.press(`a[href="/import"]`)
	h.bring(filepath.Join(dir, "exports", "Chrome Passwords.csv"))
	h.press(`form[action$="/keep"] .primary`)
	t.Log(h.at(), h.clicks, h.spent, h.fields)
	h.press(`form[action="/companies/meet"] button`)
	t.Log(h.at(), h.text())
	h.press(`form[action="/suggestions"] button[value=old]`)
	t.Log(h.at(), h.text())
	h.fill(`[name="email:value"]`, world.NewEmail, true)
	h.press(`form[action="/change"] .actions .primary`)
	t.Log(h.at(), h.text())
	h.press(`.sticky .primary`)
	t.Log(h.at(), h.clicks, h.spent)
	t.Log(h.text())
	h.wantQuiet()
}
