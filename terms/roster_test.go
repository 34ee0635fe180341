package terms_test

import (
	"crypto/sha256"
	"os"
	"strings"
	"testing"

	"firsthand"
	"firsthand/fault"
	"firsthand/terms"
)

// own is the code of the one agreement whose text this project publishes.
const own = "FIRSTHAND-SD-BASE"

func mustLookup(t testing.TB, name string) terms.Agreement {
	t.Helper()
	a, ok := terms.Default().Lookup(name)
	if !ok {
		t.Fatalf("no agreement %q", name)
	}
	return a
}

func TestRosterCodes(t *testing.T) {
	want := "SD-BASE SD-BASE-DP SD-BASE-A SD-BASE-A-DP SD-BASE-AT SD-BASE-AT-DP SD-BASE-ATP SD-BASE-ATP-DP " +
		"SD-BASE-ATP-S3P SD-BASE-ATP-S3P-DP PDC-AI PDC-GOOD PDC-INTENT TPR TPR-IDENTITY-REF FIRSTHAND-SD-BASE"
	var codes []string
	for _, a := range terms.Default().All() {
		codes = append(codes, a.Ref().Code)
		if got := a.Pinned(); got != (a.Ref().Code == own) {
			t.Errorf("%s: pinned = %v: only our own text can be known here", a.Ref().Code, got)
		}
	}
	if got := strings.Join(codes, " "); got != want {
		t.Errorf("codes = %s, want %s", got, want)
	}
}

// The hash in the roster is that of the file, and the text found by it is the
// file's: what a customer reads is what she signs.
func TestOwnText(t *testing.T) {
	file, err := os.ReadFile("texts/FIRSTHAND-SD-BASE-1.txt")
	if err != nil {
		t.Fatal(err)
	}
	ref := mustLookup(t, own).Ref()
	if sum := firsthand.ID(sha256.Sum256(file)); ref.Hash != sum {
		t.Errorf("the roster has hash %s, the text %s: a changed text is a new version", ref.Hash, sum)
	}
	if text, ok := terms.Text(ref.Hash); !ok || text != string(file) {
		t.Errorf("Text(%s) = %q, %v", ref.Hash, text, ok)
	}
	for _, line := range strings.SplitAfter(string(file), "\n") {
		if len(line) > 73 || strings.ContainsAny(line, "\r\t") {
			t.Errorf("line does not print anywhere: %q", line)
		}
	}
	if lines := strings.Count(string(file), "\n"); lines > 60 {
		t.Errorf("%d lines: not one page", lines)
	}
	if _, ok := terms.Text(firsthand.ID{1}); ok {
		t.Error("found a text that isn't there")
	}
}

func TestAliases(t *testing.T) {
	tests := []struct{ name, want string }{
		{"SD-BASE", "SD-BASE"},
		{"SD-BY", "SD-BASE"},
		{"SD-BY-DP", "SD-BASE-DP"},
		{"SD BASE-A", "SD-BASE-A"},
		{"SD-BY-ATP-S3P", "SD-BASE-ATP-S3P"},
		{"SD BASE-ATP-S3P-DP", "SD-BASE-ATP-S3P-DP"},
		{"PDC-AI", "PDC-AI"},
		{"sd-base", ""},
		{"SD-BASE-P", ""},
		{"SD-BASE-PTA", ""},
		{"", ""},
	}
	for _, tt := range tests {
		a, ok := terms.Default().Lookup(tt.name)
		if got := a.Ref().Code; got != tt.want || ok != (tt.want != "") {
			t.Errorf("Lookup(%q) = %q, %v, want %q", tt.name, got, ok, tt.want)
		}
	}
}

func TestResolve(t *testing.T) {
	good := mustLookup(t, own).Ref()
	with := func(change func(*terms.Ref)) terms.Ref {
		ref := good
		change(&ref)
		return ref
	}
	tests := []struct {
		name string
		ref  terms.Ref
		rule string
	}{
		{"as in the roster", good, ""},
		{"unknown code", with(func(r *terms.Ref) { r.Code = "SD-BASE-X" }), "terms-code"},
		{"no code", terms.Ref{}, "terms-code"},
		{"another version", with(func(r *terms.Ref) { r.Version = "2" }), "terms-version"},
		{"no version", with(func(r *terms.Ref) { r.Version = "" }), "terms-version"},
		{"another text", with(func(r *terms.Ref) { r.Hash[31] ^= 1 }), "terms-hash"},
		{"no hash", with(func(r *terms.Ref) { r.Hash = firsthand.ID{} }), "terms-hash"},
		{"another address", with(func(r *terms.Ref) { r.URL = "https://shop.example/terms" }), "terms-url"},
		{"a code whose text isn't known", terms.Ref{Code: "SD-BASE", Version: "2026-01", Hash: firsthand.ID{1}}, "terms-hash"},
		{"the same by alias", terms.Ref{Code: "SD-BY", Version: "2026-01", Hash: firsthand.ID{1}}, "terms-hash"},
		{"as in the roster, but not pinned", mustLookup(t, "PDC-AI").Ref(), "terms-hash"},
		{"the text of another code", with(func(r *terms.Ref) { r.Code = "PDC-AI" }), "terms-hash"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, err := terms.Default().Resolve(tt.ref)
			if got := fault.RuleOf(err); got != tt.rule {
				t.Fatalf("Resolve: %v, want rule %q", err, tt.rule)
			}
			if err != nil && fault.KindOf(err) != fault.Invalid {
				t.Errorf("kind = %v, want %v", fault.KindOf(err), fault.Invalid)
			}
			if err == nil && a.Ref() != good {
				t.Errorf("Resolve = %v, want %v", a.Ref(), good)
			}
		})
	}
}

// What a caller does with a result must not reach the roster that all share.
func TestRosterCannotBeChanged(t *testing.T) {
	a := mustLookup(t, "SD-BASE")
	_, prohibitions, _ := a.Clauses()
	clear(prohibitions)
	clear(a.Aliases())
	clear(terms.Default().All())
	if a := mustLookup(t, "SD-BY"); !a.Has(terms.NoAnalytics) || a.Aliases()[0] != "SD-BY" {
		t.Error("the roster was changed through a result")
	}
}
