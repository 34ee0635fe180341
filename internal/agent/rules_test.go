package agent_test

import (
	"strings"
	"testing"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/agenttest"
	"firsthand/internal/agent/policy"
)

// What she never tells a change tells nobody either, on whatever it stood once and
// whatever right there is to it. Only an exception that she makes for this change goes
// before her rule.
func TestRuleHoldsAChangeBack(t *testing.T) {
	t.Parallel()
	m, ctx := newMover(t, agenttest.NewMemory()), t.Context()
	m.unpaired("shop.example", "email", firsthand.Text("mia@old.example"))
	m.unpaired("www.books.example", "email", firsthand.Text("mia@old.example"))
	move := agent.Move{Facts: []agent.NewFact{{Fact: "email", Value: firsthand.Text("mia@new.example")}}, Basis: firsthand.Basis{Right: "GDPR 16"}}
	told := func() (domains string) {
		t.Helper()
		p, err := m.Plan(ctx, move)
		m.must(err)
		for _, l := range p.Legs {
			if l.Group != agent.LeftOut {
				domains += l.Domain + " "
			} else if !strings.Contains(l.Reason, "your rule") {
				t.Errorf("%s is left out: %s", l.Domain, l.Reason)
			}
		}
		return domains
	}
	const both = "shop.example www.books.example "
	if got := told(); got != both {
		t.Fatalf("without a rule %q is told", got)
	}
	for _, domain := range []string{"books.example", "Books.Example", "https://www.books.example/account"} {
		m.must(m.SetRule(ctx, policy.Rule{Fact: "email", Domain: domain, Never: true}))
		if got := told(); got != "shop.example " {
			t.Errorf("with a rule for %s %q is told", domain, got)
		}
		m.must(m.SetRule(ctx, policy.Rule{Fact: "email", Domain: domain}))
		if got := told(); got != both {
			t.Errorf("after it was dropped %q is told", got)
		}
	}
	m.must(m.SetRule(ctx, policy.Rule{Fact: "email", Never: true}))
	if got := told(); got != "" {
		t.Errorf("with a rule for all %q is told", got)
	}
	move.Basis = firsthand.Basis{Exception: "my old mailbox ends"}
	if got := told(); got != both {
		t.Errorf("by an exception of hers %q is told", got)
	}
	for _, bad := range []policy.Rule{{Fact: "email[", Never: true}, {Fact: "", Never: true}, {Fact: "email", Domain: "no domain", Never: true}} {
		if err := m.SetRule(ctx, bad); fault.KindOf(err) != fault.Invalid {
			t.Errorf("a rule that would hold nothing back, %+v: %v", bad, err)
		}
	}
}
