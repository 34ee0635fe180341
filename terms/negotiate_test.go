package terms_test

import (
	"strings"
	"testing"

	"firsthand"
	"firsthand/fault"
	"firsthand/terms"
)

// pinned is a roster like ours in which all hashes are known, as they will be
// once the texts are published.
func pinned(t testing.TB) *terms.Roster {
	t.Helper()
	const clauses = `{"kind":"duty","id":"x:Deliver","purposes":[]},{"kind":"duty","id":"x:Port","purposes":[]},
		{"kind":"permission","id":"x:A","purposes":[]},{"kind":"prohibition","id":"x:NoA","purposes":[]}`
	var rows []string
	for i, row := range []string{
		`"code":"SD","aliases":["SD-BY"],"family":"sd","permissions":[],"prohibitions":["x:NoA"],"duties":["x:Deliver"]`,
		`"code":"SD-DP","aliases":[],"family":"sd","permissions":[],"prohibitions":["x:NoA"],"duties":["x:Deliver","x:Port"]`,
		`"code":"SD-A","aliases":[],"family":"sd","permissions":["x:A"],"prohibitions":[],"duties":["x:Deliver"]`,
		`"code":"SD-A-DP","aliases":[],"family":"sd","permissions":["x:A"],"prohibitions":[],"duties":["x:Deliver","x:Port"]`,
		`"code":"PDC","aliases":[],"family":"","permissions":[],"prohibitions":[],"duties":[]`,
	} {
		hash := strings.Repeat(string(rune('1'+i)), 64)
		rows = append(rows, `{"version":"1","url":"","sha256":"`+hash+`",`+row+`}`)
	}
	return mustParse(t, `{"roster":1,"clauses":[`+clauses+`],"agreements":[`+strings.Join(rows, ",")+`]}`)
}

func refs(t testing.TB, r *terms.Roster, codes string) []terms.Ref {
	t.Helper()
	var all []terms.Ref
	for code := range strings.FieldsSeq(codes) {
		a, ok := r.Lookup(strings.TrimSuffix(code, "?"))
		if !ok {
			t.Fatalf("no agreement %q", code)
		}
		ref := a.Ref()
		if strings.HasSuffix(code, "?") {
			ref.Hash = firsthand.ID{9} // another reading of the same code
		}
		all = append(all, ref)
	}
	return all
}

func TestAnswer(t *testing.T) {
	tests := []struct {
		name, offered, accepted string // "?": with another text's hash
		want                    string
	}{
		{"her first that is on the list", "SD-DP SD SD-A", "SD-A SD", "terms.accept SD"},
		{"her order counts, not the list's", "SD-A SD", "SD SD-A", "terms.accept SD-A"},
		{"a contribution that she offers", "PDC", "PDC", "terms.accept PDC"},
		{"the least permissive as counter", "SD-DP", "SD-A SD", "terms.counter SD"},
		{"the first of those that don't compare", "SD-DP", "SD-A-DP SD", "terms.counter SD-A-DP"},
		{"stricter than the list is not enough", "SD-A", "SD", "terms.counter SD"},
		{"no contribution as counter", "SD", "PDC", "terms.refuse"},
		{"a service agreement rather than a contribution", "SD", "PDC SD-A", "terms.counter SD-A"},
		{"nothing on the list", "SD", "", "terms.refuse"},
		{"nothing offered", "", "SD", "terms.counter SD"},
		{"an offer of another text", "SD?", "SD", "terms.counter SD"},
		{"a list of another text", "SD-DP", "SD?", "terms.refuse"},
		{"both of the same other text", "SD?", "SD?", "terms.refuse"},
	}
	r := pinned(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			offered := refs(t, r, tt.offered)
			a := r.Answer(offered, refs(t, r, tt.accepted))
			if got := strings.TrimSpace(a.Verdict.String() + " " + a.Terms.Code); got != tt.want {
				t.Errorf("Answer = %s, want %s", got, tt.want)
			}
		})
	}
	byAlias := refs(t, r, "SD")[0]
	byAlias.Code = "SD-BY"
	if a := r.Answer([]terms.Ref{byAlias}, refs(t, r, "SD")); a.Verdict != terms.Accept || a.Terms != byAlias {
		t.Errorf("Answer = %+v, want %v accepted as it was offered", a, byAlias)
	}
}

func TestCounterAcceptable(t *testing.T) {
	tests := []struct {
		name, counter, limits string
		want                  bool
		rule                  string
	}{
		{"the limit itself", "SD-A", "SD-A", true, ""},
		{"below it", "SD-DP", "SD-A", true, ""},
		{"above it", "SD-A", "SD", false, ""},
		{"beside it", "SD", "SD-A-DP", false, ""},
		{"one of several", "SD", "SD-A-DP SD-A", true, ""},
		{"no limits", "SD", "", false, ""},
		{"a contribution under a service limit", "PDC", "SD-A", false, ""},
		{"a contribution that she proffered", "PDC", "SD PDC", true, ""},
		{"another text under a known name", "SD?", "SD-A", false, "terms-hash"},
	}
	r := pinned(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var limits []terms.Agreement
			for code := range strings.FieldsSeq(tt.limits) {
				a, _ := r.Lookup(code)
				limits = append(limits, a)
			}
			got, err := r.CounterAcceptable(refs(t, r, tt.counter)[0], limits...)
			if got != tt.want || fault.RuleOf(err) != tt.rule {
				t.Errorf("CounterAcceptable = %v, %v, want %v, rule %q", got, err, tt.want, tt.rule)
			}
		})
	}
}

// A ceiling may be a code whose text isn't known: it is never signed, only
// compared with.
func TestOwnAgreementUnderARosterCeiling(t *testing.T) {
	ok, err := terms.Default().CounterAcceptable(mustLookup(t, own).Ref(), mustLookup(t, "SD-BASE"))
	if !ok || err != nil {
		t.Errorf("CounterAcceptable = %v, %v, want true", ok, err)
	}
}

// Whatever a gateway answers to what her agent proffered, the agent either takes
// it or knows why not: nothing below her limit is left to her to click.
func TestBothSidesMeet(t *testing.T) {
	r := pinned(t)
	codes := []string{"SD", "SD-DP", "SD-A", "SD-A-DP"}
	for _, offer := range codes {
		for _, accepts := range codes {
			a := r.Answer(refs(t, r, offer), refs(t, r, accepts))
			limit, _ := r.Lookup(offer)
			other, _ := r.Lookup(accepts)
			ok, err := r.CounterAcceptable(a.Terms, limit)
			if err != nil || ok != terms.AtMost(other, limit) {
				t.Errorf("offer %s, company accepts %s: %v %s, taken = %v, %v", offer, accepts, a.Verdict, a.Terms.Code, ok, err)
			}
		}
	}
}
