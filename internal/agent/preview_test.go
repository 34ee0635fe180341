package agent_test

import (
	"testing"
	"time"

	"firsthand"
	"firsthand/internal/agent"
	"firsthand/internal/agent/agenttest"
)

// What a page shows of a move is kept until something is committed, and no longer.
func TestPreviewIsNotStale(t *testing.T) {
	ctx := t.Context()
	m := newMover(t, agenttest.NewMemory())
	m.set(time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)) // within a minute
	move := agent.Move{Facts: []agent.NewFact{{Fact: "email", Value: firsthand.Text("mia@new.example")}}, Basis: firsthand.Basis{Exception: "she says so"}}
	shows := func(when string, want int) {
		t.Helper()
		for range 2 { // once anew, and once as it was kept
			p, err := m.Preview(ctx, move, 50)
			m.must(err)
			if p.Companies != want || len(p.Legs) < want {
				t.Errorf("%s: %d companies, want %d", when, p.Companies, want)
			}
		}
	}
	shows("nobody holds it", 0)
	m.must(m.State(ctx, agent.Statement{Domain: "a.example", Fact: "email"}))
	shows("one does", 1)
	m.must(m.State(ctx, agent.Statement{Domain: "b.example", Fact: "email"}))
	shows("two do", 2)
	m.must(m.Unstate(ctx, "email", "a.example"))
	shows("one doesn't any more", 1)
}
