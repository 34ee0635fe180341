//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"firsthand/internal/needtest"
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
	// This test program is the command, too: see TestMain.
	cmd := exec.Command("firsthand", append([]string{"demo", "--small", "--dir", dir, "--addr", addr}, args...)...)
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=10")
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
	h := &human{Browser: webtest.Open(t, d.base), t: t}
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

// From nothing to the first insight and the first change sent, with what Chrome
// exports and nothing else: with three companies that answer at once, and with none.
func TestDemoJourney(t *testing.T) {
	if !needtest.All() {
		return // half a minute on a busy machine
	}
	for name, companies := range map[string]int{"three take part": 3, "nobody takes part": 0} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "w")
			h := newHuman(t, startDemo(t, dir, "localhost:0", "--fresh"))
			h.setUp()
			h.press(`a[href="/import"]`)
			h.bring(filepath.Join(dir, "exports", "Chrome Passwords.csv"))
			h.press(`form[action$="/keep"] .primary`)
			// Her map is the first insight. Nothing of hers was asked for it.
			insight := h.spent
			if text := h.text(); !strings.Contains(text, "37\ncompanies know you") || !strings.Contains(text, "23 companies know your e-mail address as this") {
				t.Errorf("the map says:\n%s", text)
			}
			for _, f := range h.fields {
				if !slices.Contains([]string{"passphrase", "passphrase2", "have", "file", "domain"}, f) { // domain: of a company that is uncertain
					t.Errorf("asked for %q before the first insight", f)
				}
			}
			if companies > 0 {
				h.press(`form[action="/companies/meet"] button`)
			}
			h.press(`form[action="/suggestions"] button[value=old]`)
			h.fill(`[name="email:value"]`, world.NewEmail, true)
			h.press(`form[action="/change"] .actions .primary`)
			h.press(`.sticky .primary`)
			t.Logf("first insight after %v, first change sent after %v and %d clicks", insight.Round(time.Second/10), h.spent.Round(time.Second/10), h.clicks)
			if insight > 2*time.Minute || h.spent > 3*time.Minute+30*time.Second || h.clicks > 14 {
				t.Errorf("first insight after %v, first change sent after %v and %d clicks; want 2:00, 3:30, 14", insight, h.spent, h.clicks)
			}
			if !strings.HasPrefix(h.at(), "/changes/") {
				t.Fatalf("at %s: %s", h.at(), h.text())
			}
			// What goes by itself goes while she looks; the rest is tasks.
			h.until(func() bool { return h.steps("Received, signed") == companies })
			if tasks := h.steps("Needs you"); tasks != 20-companies {
				t.Errorf("%d need her, want %d:\n%s", tasks, 20-companies, h.text())
			}
			h.wantQuiet()
		})
	}
}

// steps counts the legs of the board that stand at a step.
func (h *human) steps(word string) (n int) {
	h.t.Helper()
	h.Run(chromedp.Evaluate(`[...document.querySelectorAll("#board .row .status")].filter(e => e.innerText.trim() === "`+word+`").length`, &n))
	return n
}

// until waits for what comes about on the page by itself.
func (h *human) until(ok func() bool) {
	h.t.Helper()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for deadline := time.Now().Add(30 * time.Second); !ok(); <-look.C {
		if time.Now().After(deadline) {
			h.t.Fatalf("it does not come about:\n%s", h.text())
		}
	}
}

// unlock types Mia's passphrase.
func (h *human) unlock() {
	h.t.Helper()
	h.fill("#f-passphrase", world.Passphrase, true)
	h.press(`form[action="/unlock"] .primary`)
}

// another returns another tab of the same browser.
func (h *human) another() *human { return &human{Browser: h.Tab(), t: h.t} }

// Two tabs, the back button, a double click, a server that dies before she sends and
// one that dies after: one change, told to each company once, and nothing typed lost.
func TestDemoTrouble(t *testing.T) {
	if !needtest.All() {
		return // as above
	}
	dir, addr := filepath.Join(t.TempDir(), "w"), freeDomain(t)
	d := startDemo(t, dir, addr)
	h := newHuman(t, d)
	h.unlock()
	h.arrive(chromedp.Navigate(d.base + "/change?fact=phone&guesses=yes"))
	h.fill(`[name="phone:value"]`, world.NewPhone, true)
	h.press(`form[action="/change"] .actions .primary`)
	preview := h.at()

	typed := func(h *human) (value string) {
		h.Run(chromedp.Evaluate(`document.querySelector('[name="phone:value"]').value`, &value))
		return value
	}
	h.do(chromedp.Evaluate("history.back()", nil))
	h.until(func() bool { return h.at() == "/change" })
	if got := typed(h); got != world.NewPhone {
		t.Errorf("after the back button %q is typed", got)
	}
	h.arrive(chromedp.Navigate(d.base + preview))
	h.press(`.crumb a`)
	if got := typed(h); got != world.NewPhone {
		t.Errorf("changing what was typed begins with %q", got)
	}
	h.press(`form[action="/change"] .actions .primary`)
	if h.at() != preview {
		t.Errorf("the same change has another preview: %s, and not %s", h.at(), preview)
	}
	second := h.another()
	second.arrive(chromedp.Navigate(d.base + preview))

	// The server dies; she sends, and there is nobody. It comes back, and she comes in
	// by a new link in another tab; then she tries again.
	d.kill()
	h.Try(chromedp.Click(`.sticky .primary`, chromedp.ByQuery))
	h.until(func() bool {
		var at string
		h.Run(chromedp.Evaluate("location.protocol", &at))
		return at == "chrome-error:"
	})
	d = startDemo(t, dir, addr)
	third := h.another()
	third.arrive(chromedp.Navigate(d.link))
	third.unlock()
	h.arrive(chromedp.Reload())
	if !strings.HasPrefix(h.at(), "/changes/") {
		t.Fatalf("sent again after the crash, she is at %s:\n%s", h.at(), h.text())
	}
	board := h.at()
	// The other tab still shows the preview of before.
	second.press(`.sticky .primary`)
	if second.at() != board {
		t.Errorf("sent from the second tab: %s, and not %s", second.at(), board)
	}
	// It dies after she has sent, and she does not know whether it arrived.
	d.kill()
	d = startDemo(t, dir, addr)
	third.arrive(chromedp.Navigate(d.link))
	third.unlock()
	third.arrive(chromedp.Navigate(d.base + "/changes"))
	if text := third.text(); strings.Count(text, "Phone") != 1 {
		t.Errorf("changes:\n%s", text)
	}

	// A double click.
	third.arrive(chromedp.Navigate(d.base + "/change?fact=name&guesses=yes"))
	third.fill(`[name="name:value"]`, "Mia Peeters-Claes", true)
	third.press(`form[action="/change"] .actions .primary`)
	third.arrive(chromedp.DoubleClick(`.sticky .primary`, chromedp.ByQuery))
	third.until(func() bool { return strings.HasPrefix(third.at(), "/changes/") })
	third.arrive(chromedp.Navigate(d.base + "/changes"))
	if text := third.text(); strings.Count(text, "Name") != 1 {
		t.Errorf("changes:\n%s", text)
	}
}

// The page behind the scenes begins anew while the pages are open: with Mia's life,
// which then has to be unlocked, and with nothing.
func TestDemoAnew(t *testing.T) {
	d := startDemo(t, filepath.Join(t.TempDir(), "w"), "localhost:0", "--fresh")
	client := &http.Client{Jar: must(cookiejar.New(nil))}
	read := func(r *http.Response, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		text, err := io.ReadAll(r.Body)
		if err != nil || r.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s, %v:\n%s", r.Request.URL, r.Status, err, text)
		}
		return string(text)
	}
	want := func(page, part string) {
		t.Helper()
		if !strings.Contains(page, part) {
			t.Errorf("the page lacks %q:\n%s", part, page)
		}
	}
	post := func(path string, form url.Values) string {
		t.Helper()
		return read(client.PostForm(d.base+path, form))
	}
	want(read(client.Get(d.link)), `action="/setup"`)
	for range 2 { // and again, with a file that is open
		want(post("/demo/reset", url.Values{"life": {"mia"}}), `action="/unlock"`)
		want(post("/unlock", url.Values{"passphrase": {world.Passphrase}}), `<b>40</b>`)
	}
	// What she did by mail: what needs her leads where it is done, and what is done is
	// called so.
	today := read(client.Get(d.base + "/today?all=yes"))
	want(today, "Perhaps a stranger wrote to you as Kabelkoppel NV")
	want(today, `href="/companies/polderpolis.example#owed"`)
	late := read(client.Get(d.base + "/companies/polderpolis.example"))
	want(late, "Remind it, or complain")
	_, task, _ := strings.Cut(late, `<a href="/tasks/`)
	task, _, _ = strings.Cut(task, `"`)
	want(read(client.Get(d.base+"/tasks/"+task)), `name="part" value="reminder"`)
	for page, not := range map[string]string{"/companies/zonnestroom.example": "Overdue", "/companies/polderpolis.example": "Not sent yet"} {
		if text := read(client.Get(d.base + page)); strings.Contains(text, not) {
			t.Errorf("%s says %q:\n%s", page, not, text)
		}
	}
	want(read(client.Get(d.base+"/change?fact=address.home")), `value="Korenmarkt 12"`)
	want(read(client.Get(d.base+"/demo/")), "privacy@polderpolis.example")

	want(post("/demo/reset", url.Values{"life": {"fresh"}}), `action="/setup"`)
	want(read(client.Get(d.base+"/companies")), `action="/setup"`)

	// Another browser gets in by the same page, and stops at the passphrase.
	other := &http.Client{Jar: must(cookiejar.New(nil))}
	want(read(other.PostForm(d.base+"/demo/enter", nil)), `action="/setup"`)

	if err := d.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Wait(); err != nil {
		t.Errorf("stopped: %v", err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
