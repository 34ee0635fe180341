package terms_test

import (
	"os"
	"strings"
	"testing"

	"firsthand/fault"
	"firsthand/terms"
)

// small is a roster with all kinds of members; tests change a word in it.
const small = `{"roster": 1,
	"clauses": [
		{"kind": "duty", "id": "x:Deliver", "purposes": ["dpv:DeliveryOfGoods"]},
		{"kind": "permission", "id": "x:MayTrack", "purposes": []},
		{"kind": "prohibition", "id": "x:NoTrack", "purposes": []}],
	"agreements": [
		{"code": "BASE", "aliases": ["OLD-BASE"], "version": "1", "url": "https://terms.example/base", "sha256": "` + hash1 + `",
			"family": "service", "permissions": [], "prohibitions": ["x:NoTrack"], "duties": ["x:Deliver"]},
		{"code": "BASE", "aliases": ["OLD-BASE"], "version": "2", "url": "https://terms.example/base2", "sha256": "` + hash2 + `",
			"family": "service", "permissions": [], "prohibitions": ["x:NoTrack"], "duties": ["x:Deliver"]},
		{"code": "BASE-T", "aliases": [], "version": "1", "url": "", "sha256": "` + hash3 + `",
			"family": "service", "permissions": ["x:MayTrack"], "prohibitions": [], "duties": ["x:Deliver"]},
		{"code": "OTHER", "aliases": [], "version": "1", "url": "", "sha256": "` + hash4 + `",
			"family": "", "permissions": [], "prohibitions": [], "duties": []}]}`

const (
	hash1 = "1111111111111111111111111111111111111111111111111111111111111111"
	hash2 = "2222222222222222222222222222222222222222222222222222222222222222"
	hash3 = "3333333333333333333333333333333333333333333333333333333333333333"
	hash4 = "4444444444444444444444444444444444444444444444444444444444444444"
)

func mustParse(t testing.TB, text string) *terms.Roster {
	t.Helper()
	r, err := terms.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestParse(t *testing.T) {
	r := mustParse(t, small)
	if a, _ := r.Lookup("OLD-BASE"); a.Ref().Version != "2" {
		t.Errorf("newest version = %q, want 2", a.Ref().Version)
	}
	for _, a := range r.All() { // both versions of one code among them
		if got, err := r.Resolve(a.Ref()); err != nil || got.Ref() != a.Ref() {
			t.Errorf("Resolve(%v) = %v, %v", a.Ref(), got.Ref(), err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ name, old, new, rule string }{
		{"the text itself", `"version": "1",`, `"version": "1", "text": "You may…",`, "json-form"},
		{"a title", `"version": "1",`, `"version": "1", "title": "Base",`, "json-form"},
		{"a definition of a clause", `"kind": "duty",`, `"kind": "duty", "definition": "…",`, "json-form"},
		{"wording as an alias", `"OLD-BASE"`, `"The company delivers"`, "terms-roster"},
		{"wording as a version", `"version": "1"`, `"version": "you may not"`, "terms-roster"},
		{"wording in the address", `terms.example/base"`, `terms.example/base?text=you+may+not"`, "terms-roster"},
		{"wording as a family", `"family": ""`, `"family": "You may"`, "terms-roster"},
		{"wording as a code", `"code": "OTHER"`, `"code": "YOU MAY NOT"`, "terms-roster"},
		{"a very long code", `"code": "OTHER"`, `"code": "` + strings.Repeat("A", 49) + `"`, "terms-roster"},
		{"wording as a purpose", `"dpv:DeliveryOfGoods"`, `"to deliver"`, "terms-roster"},
		{"plain http", `https://terms`, `http://terms`, "terms-roster"},
		{"a member twice", `"version": "1",`, `"version": "1", "version": "2",`, "json-form"},
		{"a member in capitals", `"family": ""`, `"Family": ""`, "json-form"},
		{"null", `"family": ""`, `"family": null`, "json-form"},
		{"another form", `"roster": 1`, `"roster": 2`, "terms-roster"},
		{"no form", `"roster": 1,`, ``, "terms-roster"},
		{"an unknown clause", `["x:MayTrack"]`, `["x:MayDoAll"]`, "terms-roster"},
		{"a clause of another kind", `["x:MayTrack"]`, `["x:NoTrack"]`, "terms-roster"},
		{"a clause twice", `["x:MayTrack"]`, `["x:MayTrack", "x:MayTrack"]`, "terms-roster"},
		{"a clause defined twice", `"id": "x:MayTrack"`, `"id": "x:NoTrack"`, "terms-roster"},
		{"a clause with a newline", `"id": "x:MayTrack"`, `"id": "x:MayTrack\n"`, "terms-roster"},
		{"an unknown kind of clause", `"kind": "duty"`, `"kind": "wish"`, "terms-roster"},
		{"one text under two names", hash3, hash4, "terms-roster"},
		{"one version twice", `"version": "2"`, `"version": "1"`, "terms-roster"},
		{"an alias that is a code", `"OLD-BASE"`, `"OTHER"`, "terms-roster"},
		{"an alias that is its own code", `"OLD-BASE"`, `"BASE"`, "terms-roster"},
		{"a short hash", hash1, hash1[2:], "terms-roster"},
		{"a hash in capitals", hash1, strings.Repeat("A", 64), "terms-roster"},
		{"the zero hash", hash1, strings.Repeat("0", 64), "terms-roster"},
		{"a hash without a version", `"version": "2"`, `"version": ""`, "terms-roster"},
		{"a family without clauses", `"family": ""`, `"family": "contribution"`, "terms-roster"},
		{"more behind it", `"duties": []}]}`, `"duties": []}]} {}`, "json-form"},
		{"nothing", small, ``, "json-form"},
		{"too much", `"roster": 1,`, `"roster": 1,` + strings.Repeat(" ", 1<<20), "terms-roster"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(small, tt.old) {
				t.Fatalf("%q is not in the roster", tt.old)
			}
			_, err := terms.Parse([]byte(strings.Replace(small, tt.old, tt.new, 1)))
			if got := fault.RuleOf(err); got != tt.rule {
				t.Errorf("Parse: %v, want rule %s", err, tt.rule)
			}
		})
	}
}

// Whatever is read can be used: its names resolve, what is pinned resolves by
// its own reference, and comparing is an order.
func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	own, err := os.ReadFile("roster.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(own)
	f.Add([]byte(`{"roster":1,"clauses":[],"agreements":[{"code":"A"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := terms.Parse(text)
		if err != nil {
			if rule := fault.RuleOf(err); rule != "terms-roster" && rule != "json-form" {
				t.Fatalf("refused without a rule: %v", err)
			}
			return
		}
		all := r.All()
		for _, a := range all {
			for _, name := range append(a.Aliases(), a.Ref().Code) {
				if b, ok := r.Lookup(name); !ok || b.Ref().Code != a.Ref().Code {
					t.Fatalf("Lookup(%q) = %v, %v, want %s", name, b.Ref(), ok, a.Ref().Code)
				}
			}
			if got, err := r.Resolve(a.Ref()); (err == nil) != a.Pinned() || err == nil && got.Ref() != a.Ref() {
				t.Fatalf("Resolve(%v) = %v, %v", a.Ref(), got.Ref(), err)
			}
			if !terms.AtMost(a, a) {
				t.Fatalf("%v is not at most itself", a.Ref())
			}
		}
		if len(all) > 8 {
			return // three loops
		}
		for _, a := range all {
			for _, b := range all {
				for _, c := range all {
					if terms.AtMost(a, b) && terms.AtMost(b, c) && !terms.AtMost(a, c) {
						t.Fatalf("%v, %v, %v: not transitive", a.Ref(), b.Ref(), c.Ref())
					}
				}
			}
		}
	})
}
