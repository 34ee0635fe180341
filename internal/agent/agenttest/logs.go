package agenttest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/logtest"
)

// receipt returns second's receipt for first's log up to e.
func receipt(p *logtest.Pair, e firsthand.Entry, at time.Time) agent.Received {
	r := firsthand.Receipt{Rel: p.Rel(), Seq: e.Seq, ID: e.ID, At: at}
	return agent.Received{Receipt: r, Signed: p.Key(firsthand.Second).Receipt(r)}
}

// wantLogs checks that s has the logs of p, less the bodies of those erased.
func wantLogs(t testing.TB, s agent.Store, p *logtest.Pair, erased ...firsthand.ID) {
	t.Helper()
	for _, side := range []firsthand.Side{firsthand.First, firsthand.Second} {
		want := p.Log(side)
		for i := range want {
			for _, id := range erased {
				if want[i].ID == id {
					want[i] = want[i].WithoutBody()
				}
			}
		}
		wantEqual(t, "log of "+string(side), collect(t, s.Entries(t.Context(), p.Rel(), side, 0)), want)
		var end firsthand.Head
		if len(want) > 0 {
			end = want[len(want)-1].Head()
		}
		wantEqual(t, "head of "+string(side), must(s.Head(t.Context(), p.Rel(), side))(t), end)
	}
}

var logChecks = []check{
	{"entries in a commit", func(t testing.TB, f Fixture) {
		p := logtest.NewPair(t, "acme")
		s := met(t, f, p)
		m := p.Say(t, firsthand.First, "one")
		e := p.Erase(t, firsthand.First, m)
		commit(t, s, agent.Commit{Entries: []firsthand.Entry{m, e}})
		wantLogs(t, s, p, m.ID)
	}},
	{"some entries of a log", func(t testing.TB, f Fixture) {
		p, q := logtest.NewPair(t, "acme"), logtest.NewPair(t, "brasserie")
		for range 5 {
			p.Say(t, firsthand.First, "x")
			q.Say(t, firsthand.First, "y")
		}
		s := met(t, f, p, q)
		log := p.Log(firsthand.First)
		for _, seqs := range [][]int64{{}, {1}, {2, 4}, {4, 2, 2}, {0, 3, 99, -1}, {1, 2, 3, 4, 5, 6}} {
			var want []firsthand.Entry
			for _, e := range log {
				if slices.Contains(seqs, e.Seq) {
					want = append(want, e)
				}
			}
			wantEqual(t, fmt.Sprint("entries ", seqs), must(s.EntriesAt(t.Context(), p.Rel(), firsthand.First, seqs...))(t), want)
		}
	}},
	{"entries are replaced by those that stand", func(t testing.TB, f Fixture) {
		p, other := logtest.NewPair(t, "acme"), logtest.NewPair(t, "brasserie")
		fork := p.Fork(t)
		lost := []firsthand.Entry{fork.Say(t, firsthand.First, "lost"), fork.Say(t, firsthand.First, "lost too")}
		s := met(t, f, fork, other)

		stands := p.Say(t, firsthand.First, "stands")
		c := agent.Commit{Replace: []agent.Place{{Rel: p.Rel(), Side: firsthand.First, Seq: lost[0].Seq}}, Entries: []firsthand.Entry{stands}}
		for _, e := range lost {
			c.Evidence = append(c.Evidence, agent.Evidence{Entry: e, Why: "lost"})
		}
		commit(t, s, c)
		wantLogs(t, s, p)
		wantLogs(t, s, other)
		wantEqual(t, "evidence", must(s.Evidence(t.Context(), p.Rel()))(t), c.Evidence)

		// The other log as well: what has seen a branch that lost is lost with it.
		q := logtest.NewPair(t, "cafe")
		gone := q.Fork(t)
		said := gone.Say(t, firsthand.Second, "lost with it")
		s2 := met(t, f, gone)
		commit(t, s2, agent.Commit{Replace: []agent.Place{{Rel: q.Rel(), Side: firsthand.Second, Seq: said.Seq}},
			Entries: []firsthand.Entry{q.Say(t, firsthand.Second, "stands")}})
		wantLogs(t, s2, q)

		// Nothing there to replace.
		commit(t, s, agent.Commit{Replace: []agent.Place{{Rel: p.Rel(), Side: firsthand.First, Seq: stands.Seq + 1}}})
		wantLogs(t, s, p)

		// What was removed doesn't come back.
		commit(t, s, agent.Commit{Entries: []firsthand.Entry{p.Say(t, firsthand.First, "and on")}})
		wantLogs(t, s, p)
		if err := s.Commit(t.Context(), agent.Commit{Replace: []agent.Place{{Rel: p.Rel(), Side: firsthand.First}}}); !errors.Is(err, fault.Invalid) {
			t.Errorf("replace from 0 = %v, want %v", err, fault.Invalid)
		}
	}},
	{"receipts", func(t testing.TB, f Fixture) {
		p, q := logtest.NewPair(t, "acme"), logtest.NewPair(t, "brasserie")
		m := p.Say(t, firsthand.First, "one")
		s := met(t, f, p, q)
		late, early := receipt(p, m, noon), receipt(p, p.Log(firsthand.First)[0], noon)
		commit(t, s, agent.Commit{Receipts: []agent.Received{late, receipt(q, q.Log(firsthand.First)[0], noon)}})
		commit(t, s, agent.Commit{Receipts: []agent.Received{early, late}}) // known already is no error
		commit(t, s, agent.Commit{Receipts: []agent.Received{receipt(p, m, noon.Add(time.Hour))}})
		wantEqual(t, "receipts", must(s.Receipts(t.Context(), p.Rel()))(t), [][]byte{late.Signed, early.Signed})
		wantEqual(t, "receipts of another", len(must(s.Receipts(t.Context(), q.Rel()))(t)), 1)
	}},
	{"evidence is kept once", func(t testing.TB, f Fixture) {
		p, q := logtest.NewPair(t, "acme"), logtest.NewPair(t, "brasserie")
		s := met(t, f, p, q)
		a := agent.Evidence{Entry: p.Fork(t).Say(t, firsthand.Second, "a fork"), Why: "company"}
		b := agent.Evidence{Entry: p.Fork(t).Say(t, firsthand.First, "without its body").WithoutBody(), Why: "branch"}
		open := agent.Evidence{Entry: q.Log(firsthand.First)[0], Why: "an opening names no relationship"}
		commit(t, s, agent.Commit{Evidence: []agent.Evidence{a, open}})
		commit(t, s, agent.Commit{Evidence: []agent.Evidence{b, {Entry: a.Entry, Why: "again"}}})
		got := must(s.Evidence(t.Context(), p.Rel()))(t)
		wantEqual(t, "evidence", got, []agent.Evidence{a, b})
		if len(got) == 2 && got[1].Entry.HasBody() {
			t.Error("a missing body came back as an empty one")
		}
		wantEqual(t, "evidence of another", must(s.Evidence(t.Context(), q.Rel()))(t), []agent.Evidence{open})
		wantLogs(t, s, p) // proof, never state
	}},
	{"a relationship is forgotten whole", func(t testing.TB, f Fixture) {
		p, q := logtest.NewPair(t, "acme"), logtest.NewPair(t, "brasserie")
		s := met(t, f, p, q)
		rels := []firsthand.ID{p.Rel(), q.Rel()}
		c := agent.Commit{Holdings: map[firsthand.ID][]agent.Holder{}}
		for i, pair := range []*logtest.Pair{p, q} {
			m := pair.Say(t, firsthand.First, "hello")
			c.Entries = append(c.Entries, m)
			c.Receipts = append(c.Receipts, receipt(pair, m, noon))
			c.Evidence = append(c.Evidence, agent.Evidence{Entry: pair.Fork(t).Say(t, firsthand.Second, "a fork")})
			c.Holdings[pair.Rel()] = []agent.Holder{holder(t, pair.Rel(), fmt.Sprint(i), "email", firsthand.Text("jo@example.org"))}
			c.AddDrafts = append(c.AddDrafts, agent.Draft{Rel: pair.Rel(), Body: []byte("{}"), Made: noon.UTC()})
			c.AddLabels = append(c.AddLabels, agent.NextKey{Label: firsthand.Label{byte(i + 1)}, Hash: firsthand.ID{byte(i + 1)}})
		}
		c.TakeLabels = []firsthand.Label{{1}}
		commit(t, s, c)
		want := dump(t, s, rels)
		want.Kept = nil
		commit(t, s, agent.Commit{Forget: []firsthand.ID{p.Rel()}})
		want.Relationships, want.Holders, want.Outbox = want.Relationships[1:], want.Holders[1:], dump(t, s, rels).Outbox
		want.Each[0] = eachOf{ID: p.Rel()}
		wantSame(t, dump(t, s, rels), want) // a label that was used stays so

		// The outbox writes the row and forgets it in one go.
		commit(t, s, agent.Commit{Relationships: []agent.Relationship{row(q, "x")}, Entries: []firsthand.Entry{q.Say(t, firsthand.Second, "bye")},
			Forget: []firsthand.ID{q.Rel()}})
		want.Relationships, want.Holders, want.Outbox, want.Each[1] = nil, nil, nil, eachOf{ID: q.Rel()}
		want.Kept = new(kept)
		wantSame(t, dump(t, s, rels), want)

		// And nothing is in the way of the same anew.
		commit(t, s, agent.Commit{Entries: p.All()})
		wantLogs(t, s, p)
	}},
}
