package webtest

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// axe checks pages for what keeps people out. It is for tests alone.
//
//go:embed axe.min.js
var axe string

// A Look is the size of a window, and light or dark.
type Look struct {
	Width int64
	Dark  bool
}

func (l Look) String() string { return fmt.Sprintf("%d px, dark %v", l.Width, l.Dark) }

// Looks are a phone and a desk, in light and dark.
func Looks() []Look { return []Look{{390, false}, {1280, true}, {390, true}, {1280, false}} }

// Evaluate runs a script in a world of its own, in which the page's policy doesn't
// hold, and puts into result what it returns.
func (b *Browser) Evaluate(script string, result any) {
	b.t.Helper()
	b.Run(chromedp.Evaluate(script, result, func(p *runtime.EvaluateParams) *runtime.EvaluateParams {
		return p.WithAwaitPromise(true)
	}))
}

// An AxeFault is one rule that a page breaks.
type AxeFault struct {
	ID    string `json:"id"`
	Help  string `json:"help"`
	Nodes []struct {
		HTML string `json:"html"`
	} `json:"nodes"`
}

// AxeFaults runs axe over the page that is open.
func (b *Browser) AxeFaults() (faults []AxeFault) {
	b.t.Helper()
	var text string
	b.Evaluate(axe+`;axe.run(document, {runOnly: ["wcag2a","wcag2aa","wcag21a","wcag21aa","wcag22aa","best-practice"], resultTypes: ["violations"]}).then(r => JSON.stringify(r.violations))`, &text)
	if err := json.Unmarshal([]byte(text), &faults); err != nil {
		b.t.Fatal(err)
	}
	return faults
}

// Check reports what is wrong with the page that is open, in a window of so many
// pixels: it breaks no rule of axe, is no wider than the window, leaves the console
// empty, and asks nobody else for anything.
func (b *Browser) Check(t testing.TB, what string, width int64) {
	t.Helper()
	for _, f := range b.AxeFaults() {
		var nodes []string
		for _, n := range f.Nodes {
			nodes = append(nodes, n.HTML)
		}
		t.Errorf("%s: %s (%s): %s", what, f.ID, f.Help, strings.Join(nodes[:min(3, len(nodes))], "\n"))
	}
	var is int64
	b.Evaluate(`document.documentElement.scrollWidth`, &is)
	if is > width {
		t.Errorf("%s: %d px wide", what, is)
	}
	for _, n := range b.Noted() {
		if !strings.Contains(n, "404") || !strings.Contains(what, "there-is-nothing") { // the browser says that there is nothing
			t.Errorf("%s: %s", what, n)
		}
	}
}
