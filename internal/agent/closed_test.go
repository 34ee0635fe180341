package agent_test

import (
	"testing"

	"firsthand"
	"firsthand/internal/agent"
	"firsthand/internal/agent/agenttest"
)

// A relationship that ended hides nothing of what she says of the company since: it is
// told in the one that is in use.
func TestStatedAfterTheEnd(t *testing.T) {
	t.Parallel()
	m, ctx := newMover(t, agenttest.NewMemory()), t.Context()
	first := m.unpaired("shop.example", "email", firsthand.Text("mia@old.example"))
	_, err := m.Leave(ctx, first, "")
	m.must(err)
	again, err := m.Meet(ctx, "shop.example", agent.MeetOptions{Unpaired: true, Again: true})
	m.must(err)
	m.must(m.State(ctx, agent.Statement{Domain: "shop.example", Fact: "email", Value: firsthand.Text("mia@old.example")}))
	id, err := m.Begin(ctx, agent.Move{Facts: []agent.NewFact{{Fact: "email", Value: firsthand.Text("mia@new.example")}}, Basis: firsthand.Basis{Right: "GDPR 16"}}, "")
	m.must(err)
	if n := m.changes(again.ID); n != 1 {
		t.Errorf("%d changes in the relationship in use, want one; the board: %+v", n, m.board(id).Legs)
	}
	if n := m.changes(first); n != 0 {
		t.Errorf("%d changes in the one that ended", n)
	}
}

// Whom she has left is told nothing, though an import still lets guess what it has.
func TestNothingIsToldAfterTheEnd(t *testing.T) {
	t.Parallel()
	m, ctx := newMover(t, agenttest.NewMemory()), t.Context()
	m.must(m.State(ctx, agent.Statement{Domain: "shop.example", Fact: "email", Value: firsthand.Text("mia@old.example")}))
	rel := m.unpaired("shop.example", "email", firsthand.Text("mia@old.example"))
	_, err := m.Leave(ctx, rel, "")
	m.must(err)
	p, err := m.Plan(ctx, agent.Move{Facts: []agent.NewFact{{Fact: "email", Value: firsthand.Text("mia@new.example")}}, Basis: firsthand.Basis{Right: "GDPR 16"}})
	m.must(err)
	if p.Companies != 0 || p.Counts[agent.LeftOut] != 1 {
		t.Errorf("the plan is %+v", p)
	}
}
