package web_test

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"firsthand/internal/needtest"
	"firsthand/internal/web"
	"firsthand/internal/web/webtest"
)

// skeleton returns the elements and attributes of a page, without its text and
// values: what a browser makes of it. Breaks of lines are text here, and so is
// whether something that isn't a link that may be followed is one.
func skeleton(t *testing.T, page string) []string {
	t.Helper()
	var all []string
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode || n.Data == "br" {
			continue
		}
		var names []string
		for _, a := range n.Attr {
			names = append(names, a.Key)
			value := strings.ToLower(strings.TrimSpace(a.Val))
			if (a.Key == "href" || a.Key == "src" || a.Key == "action" || a.Key == "formaction") && !strings.HasPrefix(value, "/") && !strings.HasPrefix(value, "https://") && !strings.HasPrefix(value, "#") && !strings.HasPrefix(value, "?") && value != "" {
				t.Errorf("a link leads to %q", a.Val)
			}
			if strings.HasPrefix(value, "//") && (a.Key == "href" || a.Key == "src") {
				t.Errorf("a link leads away: %q", a.Val)
			}
		}
		slices.Sort(names)
		all = append(all, n.Data+" "+strings.Join(names, " "))
	}
	return all
}

// Whatever companies and files say, in every field that they have, a page has the
// elements and attributes that it has when they say a harmless word. That is also
// true for browsers that aren't asked here.
func TestHostileTextIsText(t *testing.T) {
	plain := webtest.Saying(t, "word")
	c := webtest.SignIn(t, webtest.NewServer(t, webtest.NewHouse(web.Open, plain), webtest.NewClock()))
	var want [][]string // of each page: an entry's address depends on what it says
	for _, page := range webtest.Pages(plain) {
		want = append(want, skeleton(t, c.Get(page).Body.String()))
	}
	payloads := webtest.Hostile(t)
	if len(payloads) < 300 {
		t.Fatalf("only %d payloads", len(payloads))
	}
	for i, payload := range payloads {
		if !needtest.Big() && i%40 != 0 {
			continue
		}
		a := webtest.Saying(t, payload)
		c := webtest.SignIn(t, webtest.NewServer(t, webtest.NewHouse(web.Open, a), webtest.NewClock()))
		for n, page := range webtest.Pages(a) {
			r := c.Get(page)
			if r.Code >= 500 {
				t.Errorf("%q: %s: status %d", payload, page, r.Code)
				continue
			}
			got := skeleton(t, r.Body.String())
			if slices.Equal(got, want[n]) {
				continue
			}
			for j := range max(len(got), len(want[n])) {
				if j >= len(got) || j >= len(want[n]) || got[j] != want[n][j] {
					t.Errorf("%q: %s: element %d is %q, want %q", payload, page, j, at(got, j), at(want[n], j))
					break
				}
			}
		}
		for name, values := range c.Get("/safety").Header() {
			if strings.Contains(strings.Join(values, ""), "sentinel") {
				t.Errorf("%q stands in the header %s", payload, name)
			}
		}
	}
}

func at(all []string, i int) string {
	if i < len(all) {
		return all[i]
	}
	return "nothing"
}
