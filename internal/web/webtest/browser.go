package webtest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"firsthand/internal/needtest"
	"firsthand/internal/web"
)

// A Browser is a real one without a screen, in which every message of the console,
// every dialog and every request to elsewhere is noted.
type Browser struct {
	Context context.Context
	Base    string // of the pages: http://127.0.0.1:…

	t     testing.TB
	mu    sync.Mutex
	noted []string
}

// running is the one Chromium of a test program: starting it takes longer than most
// tests. Each test has a tab of its own, and begins without cookies.
var running struct {
	sync.Mutex
	context context.Context
	stop    func()
}

// Main runs all tests, and then ends the Chromium that they have started.
func Main(m *testing.M) int {
	defer func() {
		if running.stop != nil {
			running.stop()
		}
	}()
	return m.Run()
}

func chromium(t testing.TB, program string) context.Context {
	running.Lock()
	defer running.Unlock()
	if running.context != nil {
		return running.context
	}
	dir, err := os.MkdirTemp("", "firsthand-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(dir), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true))
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, _ := chromedp.NewContext(allocator)
	if err := chromedp.Run(ctx); err != nil {
		cancelAllocator()
		t.Fatal(err)
	}
	running.context = ctx
	running.stop = func() {
		chromedp.Cancel(ctx) // waits for its end: the folder of its data is removed next
		cancelAllocator()
		os.RemoveAll(dir)
	}
	return ctx
}

// NewBrowser serves s on loopback, and opens one tab for it. It skips the test where
// no Chromium is installed.
func NewBrowser(t testing.TB, s *web.Server) *Browser {
	t.Helper()
	needtest.Program(t, programs...)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: s}
	go server.Serve(l) // ends with Close
	t.Cleanup(func() { server.Close() })
	return Open(t, "http://"+l.Addr().String())
}

var programs = []string{"chromium", "chromium-browser", "google-chrome"}

// Open opens a tab for pages that are served at base. It skips the test where no
// Chromium is installed.
func Open(t testing.TB, base string) *Browser {
	t.Helper()
	b := tab(t, chromium(t, needtest.Program(t, programs...)), base)
	b.Run(network.ClearBrowserCookies(), page.BringToFront())
	return b
}

// Tab opens another tab, for the same pages and with the same cookies.
func (b *Browser) Tab() *Browser {
	b.t.Helper()
	return tab(b.t, b.Context, b.Base)
}

func tab(t testing.TB, in context.Context, base string) *Browser {
	t.Helper()
	ctx, cancel := chromedp.NewContext(in)
	t.Cleanup(cancel)
	b := &Browser{Context: ctx, Base: base, t: t}
	chromedp.ListenTarget(ctx, b.listen)
	if err := chromedp.Run(ctx, network.Enable(), cdplog.Enable(), runtime.Enable(), page.Enable()); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *Browser) listen(ev any) {
	switch ev := ev.(type) {
	case *runtime.EventConsoleAPICalled:
		var words []string
		for _, a := range ev.Args {
			words = append(words, string(a.Value), a.Description)
		}
		b.note("console %s: %s", ev.Type, strings.Join(words, " "))
	case *runtime.EventExceptionThrown:
		b.note("exception: %s", ev.ExceptionDetails.Error())
	case *cdplog.EventEntryAdded:
		b.note("log %s: %s %s", ev.Entry.Level, ev.Entry.Text, ev.Entry.URL)
	case *page.EventJavascriptDialogOpening:
		b.note("dialog: %s", ev.Message)
		go chromedp.Run(b.Context, page.HandleJavaScriptDialog(false)) // else the page waits for ever
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(ev.Request.URL, b.Base) && !strings.HasPrefix(ev.Request.URL, "data:") {
			b.note("request: %s", ev.Request.URL)
		}
	}
}

func (b *Browser) note(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.noted = append(b.noted, fmt.Sprintf(format, args...))
}

// Noted returns what was noted since the last call.
func (b *Browser) Noted() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	noted := b.noted
	b.noted = nil
	return noted
}

// Run does things in the tab, each within a time that is far too long.
func (b *Browser) Run(actions ...chromedp.Action) {
	b.t.Helper()
	if err := b.Try(actions...); err != nil {
		b.t.Fatal(err)
	}
}

// Try is Run with its error.
func (b *Browser) Try(actions ...chromedp.Action) error {
	ctx, cancel := context.WithTimeout(b.Context, 60*time.Second)
	defer cancel()
	return chromedp.Run(ctx, actions...)
}

// Open opens a page, by its path.
func (b *Browser) Open(path string) {
	b.t.Helper()
	b.Run(chromedp.Navigate(b.Base + path))
}

// SignIn comes by a link and types the passphrase.
func (b *Browser) SignIn(s *web.Server) {
	b.t.Helper()
	b.Open(s.Link())
	b.Run(chromedp.SendKeys("#f-passphrase", Passphrase+"\r", chromedp.ByQuery), chromedp.WaitVisible(".places", chromedp.ByQuery))
}

// Look sets the size of the window, and light or dark.
func (b *Browser) Look(width int64, dark bool) {
	b.t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	b.Run(emulation.SetDeviceMetricsOverride(width, 844, 1, width < 600),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}))
}

// Script switches scripts on or off.
func (b *Browser) Script(on bool) {
	b.t.Helper()
	b.Run(emulation.SetScriptExecutionDisabled(!on))
}
