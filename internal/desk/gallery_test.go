package desk_test

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/desk"
	"firsthand/internal/gateway"
	"firsthand/internal/locale"
	"firsthand/internal/locale/localetest"
	"firsthand/internal/needtest"
	"firsthand/internal/web/webtest"
)

// missing is what the catalogue shows for a key that isn't there, and what a verb
// without its argument looks like.
var missing = regexp.MustCompile(`\[[a-z_]+\.[a-z_.]+\]|%!|&lt;nil&gt;|&lt;no value&gt;`)

const script = `"><script>alert(1)</script>`

// offices are sets of data, from nothing to too much.
func offices(t testing.TB, langs ...*locale.Language) map[string]*office {
	return map[string]*office{
		"empty": newOffice(t, setting{empty: true, langs: langs}), "usual": newOffice(t, setting{langs: langs}),
		"long":    newOffice(t, setting{say: strings.Repeat("Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz", 3), langs: langs}),
		"hostile": newOffice(t, setting{say: script, langs: langs}),
	}
}

// Every page renders, with every data, also in a language that is longer than any.
func TestGallery(t *testing.T) {
	for _, langs := range [][]*locale.Language{nil, {localetest.Lengthened(t, desk.English)}} {
		for name, o := range offices(t, langs...) {
			c := o.as("d1")
			for _, page := range o.pages() {
				r := c.get(page)
				want := http.StatusOK
				if page == "/there-is-nothing" {
					want = http.StatusNotFound
				}
				body := r.Body.String()
				if r.Code != want {
					t.Errorf("%s %s: status %d\n%s", name, page, r.Code, body)
					continue
				}
				if m := missing.FindString(body); m != "" {
					t.Errorf("%s %s has %s", name, page, m)
				}
				if !strings.Contains(body, `<html lang="en`) || strings.Count(body, "<h1") != 1 {
					t.Errorf("%s %s has no lang, or not one h1", name, page)
				}
			}
			for _, page := range []string{"/", "/join/x"} {
				if m := missing.FindString(o.client().get(page).Body.String()); m != "" {
					t.Errorf("%s %s has %s", name, page, m)
				}
			}
		}
	}
}

// Whatever customers, systems and colleagues say, in every field that they have, a
// page has the elements and attributes that it has when they say a harmless word.
func TestHostileTextIsText(t *testing.T) {
	plain := newOffice(t, setting{say: "word"})
	c := plain.as("d1")
	var want [][]string
	for _, page := range plain.pages() {
		want = append(want, skeleton(t, c.get(page).Body.String()))
	}
	for i, payload := range together(webtest.Hostile(t), 1200) {
		if !needtest.Big() && i%4 != 0 {
			continue
		}
		o := newOffice(t, setting{say: payload})
		o.crm.goDown("")
		c := o.as("d1")
		for n, page := range o.pages() {
			r := c.get(page)
			if r.Code >= 500 {
				t.Errorf("%q: %s: status %d", payload, page, r.Code)
				continue
			}
			if got := skeleton(t, r.Body.String()); !slices.Equal(got, want[n]) {
				for j := range max(len(got), len(want[n])) {
					if j >= len(got) || j >= len(want[n]) || got[j] != want[n][j] {
						t.Errorf("%q: %s: element %d differs: %q", payload, page, j, got[min(j, len(got)-1)])
						break
					}
				}
			}
		}
	}
}

// together joins texts with spaces, to some that are at most so long: an office takes a
// while to fill. One that is longer by itself is cut.
func together(all []string, most int) (some []string) {
	for _, s := range all {
		s = strings.ToValidUTF8(s[:min(len(s), most)], "")
		if last := len(some) - 1; last >= 0 && len(some[last])+len(s) < most {
			some[last] += " " + s
		} else {
			some = append(some, s)
		}
	}
	return some
}

// skeleton returns the elements and attributes of a page, without its text and values.
func skeleton(t *testing.T, page string) (all []string) {
	t.Helper()
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
			if slices.Contains([]string{"href", "src", "action", "formaction"}, a.Key) && (!strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "#") && !strings.HasPrefix(a.Val, "?") || strings.HasPrefix(a.Val, "//")) {
				t.Errorf("a link leads to %q", a.Val)
			}
		}
		slices.Sort(names)
		all = append(all, n.Data+" "+strings.Join(names, " "))
	}
	return all
}

// Every key that is used is in the catalogue, and the other way round; words that code
// puts together are all there.
func TestKeys(t *testing.T) {
	en := desk.Languages()[0]
	have := maps.Collect(en.Keys)
	keyIn, wordIn := regexp.MustCompile(`"([a-z_]+\.[a-z0-9_.]+)"`), regexp.MustCompile(`\bword "([a-z_]+)"|Word\("([a-z_]+)"`)
	used, families := map[string]bool{}, map[string]bool{"time": true, "number": true, "language": true, "notice": true, "step": true, "purpose": true, "part": true}
	for _, pattern := range []string{"templates/*.html", "*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range wordIn.FindAllStringSubmatch(string(text), -1) {
				families[m[1]+m[2]] = true
			}
			for _, m := range keyIn.FindAllStringSubmatch(string(text), -1) {
				first, _, _ := strings.Cut(m[1], ".")
				if used[m[1]] = true; have[m[1]] == nil && strings.HasSuffix(file, ".html") && first != "firsthand" && first != "desk" && first != "passkey" && first != "mark" && first != "phone" && !families[first] {
					t.Errorf("%s uses %s, which the catalogue doesn't have", file, m[1])
				}
			}
		}
	}
	for key := range have {
		if first, _, _ := strings.Cut(key, "."); !used[key] && !families[first] {
			t.Errorf("nothing uses %s", key)
		}
	}
	want := []string{"task.frozen"}
	for _, task := range []gateway.Task{gateway.Deliver, gateway.Redact, gateway.Verify, gateway.Merge} {
		want = append(want, "task."+string(task))
	}
	for _, status := range []gateway.Status{gateway.Waiting, gateway.Checking, gateway.Stopped, gateway.Held, gateway.Proposed, gateway.Later, gateway.Applied, gateway.Declined, gateway.Done} {
		want = append(want, "step."+string(status))
	}
	for _, k := range firsthand.Kinds() {
		want = append(want, "kind."+string(k))
	}
	for _, p := range desk.Purposes {
		want = append(want, "purpose."+strings.TrimPrefix(p, "dpv:"))
	}
	for k := fault.Internal; !strings.HasPrefix(k.Error(), "kind "); k++ {
		want = append(want, "error.kind_"+strings.ReplaceAll(k.Error(), " ", "_"))
	}
	for _, r := range desk.Roles() {
		want = append(want, "role."+string(r), "may."+string(r), "step."+string(r))
	}
	for _, what := range []string{"document", "meet", "terms", "tell", "read", "change", "message", "withdraw", "close", "clean"} {
		want = append(want, "trial."+what)
	}
	for _, key := range append(want, desk.Reasons...) {
		if !en.Has(key) {
			t.Errorf("the catalogue has no %s", key)
		}
	}
}
