package agenttest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
)

// fullMove returns a MoveRow in which no field is zero.
func fullMove(t testing.TB, id int64, key string) agent.MoveRow {
	t.Helper()
	m := agent.MoveRow{ID: id, Key: key, Made: noon.UTC(), State: agent.Begun, Began: noon.Add(time.Hour).UTC(), Paused: true, Problem: "a problem",
		Move: agent.Move{Claim: agent.Claim{Right: "access", Law: "GDPR", Scope: "phone", Text: "all of it"}, Facts: []agent.NewFact{{Fact: "address.home", Value: home, Old: firsthand.Text("old")}, {Fact: "phone", Value: firsthand.Text("+32")}},
			Basis: firsthand.Basis{Right: "GDPR 16"}, Only: []string{"a.example"}, Except: []string{"b.example"}, Before: []string{"c.example"},
			Guesses: true, Starts: "2027-01-31", Note: "we move\n'; --"}}
	noZero(t, m)
	noZero(t, m.Move)
	return m
}

// fullLeg returns a LegRow in which no field is zero but the value, which is the
// move's.
func fullLeg(t testing.TB, rel firsthand.ID, move int64, n int, entry firsthand.ID) agent.LegRow {
	t.Helper()
	l := agent.LegRow{Move: move, N: n, Entry: entry, Leg: agent.Leg{Domain: "a.example", Name: "A & <b>", Rel: rel, Fact: "phone",
		Value: firsthand.Text("+32"), Old: home, Of: firsthand.ID{5}, Group: agent.NeedsYou, Channel: "manual", Reason: "her exception",
		Basis: firsthand.Basis{Exception: "x"}, Guessed: true, Origin: firsthand.Stated, Proposal: true, Law: "GDPR", Due: "2026-12-31"}}
	noZero(t, l.Leg)
	l.Value, l.Law, l.Due = firsthand.Value{}, "", "" // the move's, and the entry's
	return l
}

// fullCarried returns a row in which no field is zero.
func fullCarried(t testing.TB, rel, entry firsthand.ID, seq int64) agent.Carried {
	t.Helper()
	c := agent.Carried{Rel: rel, Entry: entry, Seq: seq, Kind: "change", Fact: "phone", Made: noon.Add(time.Duration(seq) * time.Minute).UTC(),
		Due: "2026-12-31", Step: "applied", System: "CRM", Record: "C-1", Why: "spoke to Ann", Noted: noon.UTC(), Unpaired: true}
	noZero(t, c)
	return c
}

// carrying returns a store with the relationships 1, paired, and 2, unpaired, and
// move 1, paused, with legs at both; of the second's entries 21 is open, 22 noted
// as sent and 23 as applied.
func carrying(t testing.TB, f Fixture) agent.Store {
	t.Helper()
	s := f.Open(t)
	one, two := full(t, firsthand.ID{1}), full(t, firsthand.ID{2})
	two.Domain, two.Gateway, two.Opened = "b.example", "", two.Opened.Add(time.Hour)
	legs := []agent.LegRow{fullLeg(t, one.ID, 1, 1, firsthand.ID{11}), fullLeg(t, one.ID, 1, 2, firsthand.ID{12}),
		fullLeg(t, two.ID, 1, 3, firsthand.ID{21}), {Move: 1, N: 4, Leg: agent.Leg{Domain: "c.example", Group: agent.LeftOut, Fact: "phone"}}}
	sent := fullCarried(t, one.ID, firsthand.ID{12}, 9)
	sent.Step, sent.Unpaired, sent.Noted = "", false, time.Time{}
	got := sent
	got.Entry, got.Seq = firsthand.ID{11}, one.Received.Seq
	open, noted := fullCarried(t, two.ID, firsthand.ID{21}, 2), fullCarried(t, two.ID, firsthand.ID{22}, 3)
	open.Step, noted.Step = "", "sent"
	commit(t, s, agent.Commit{
		Relationships: []agent.Relationship{one, two},
		Moves:         []agent.MoveRow{fullMove(t, 1, "k")},
		Legs:          map[int64][]agent.LegRow{1: legs},
		Carried: map[firsthand.ID][]agent.Carried{one.ID: {got, sent},
			two.ID: {open, noted, fullCarried(t, two.ID, firsthand.ID{23}, 4)}},
		Reminders: map[firsthand.ID]firsthand.Date{{22}: today, {21}: "2026-11-22", {23}: "2026-01-01"},
	})
	return s
}

var rels12 = []firsthand.ID{{1}, {2}}

func entriesOf(tasks []agent.Task, total int, err error) func(testing.TB) []byte {
	return func(t testing.TB) (ids []byte) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range tasks {
			ids = append(ids, task.Entry[0])
		}
		if total < len(tasks) {
			t.Errorf("%d tasks of %d", len(tasks), total)
		}
		return ids
	}
}

var moveChecks = []check{
	{"a move comes back whole", func(t testing.TB, f Fixture) {
		s, ctx := f.Open(t), t.Context()
		a, b := fullMove(t, 1, "one"), agent.MoveRow{ID: 2, State: agent.Scheduled, Made: noon.UTC()}
		in := a
		in.Made, in.Began = noon, noon.Add(time.Hour)
		commit(t, s, agent.Commit{Moves: []agent.MoveRow{in, b}})
		wantEqual(t, "moves", must(s.Moves(ctx))(t), []agent.MoveRow{b, a})
		wantEqual(t, "move 1", must(s.Move(ctx, 1))(t), a)
		wantEqual(t, "the move of its key", must(s.MoveOf(ctx, "one"))(t), a)
		a.Paused, a.Problem, a.Move.Note = false, "", ""
		commit(t, s, agent.Commit{Moves: []agent.MoveRow{a}})
		wantEqual(t, "move 1", must(s.Move(ctx, 1))(t), a)
		for _, find := range []func() (agent.MoveRow, error){
			func() (agent.MoveRow, error) { return s.Move(ctx, 3) },
			func() (agent.MoveRow, error) { return s.MoveOf(ctx, "two") },
			func() (agent.MoveRow, error) { return s.MoveOf(ctx, "") },
		} {
			if _, err := find(); !errors.Is(err, fault.NotExist) {
				t.Errorf("no move = %v, want %v", err, fault.NotExist)
			}
		}
	}},
	{"a key is one move", func(t testing.TB, f Fixture) {
		s := f.Open(t)
		commit(t, s, agent.Commit{Moves: []agent.MoveRow{fullMove(t, 1, "k"), {ID: 2, State: agent.Begun}, {ID: 3, State: agent.Begun}}})
		again := agent.Commit{Moves: []agent.MoveRow{fullMove(t, 4, "k")}, Legs: map[int64][]agent.LegRow{4: {fullLeg(t, firsthand.ID{1}, 4, 1, firsthand.ID{11})}}}
		wantConflict(t, s, again)
		commit(t, s, agent.Commit{Moves: []agent.MoveRow{fullMove(t, 1, "k")}}) // the same one
		if err := s.Commit(t.Context(), agent.Commit{Moves: []agent.MoveRow{{State: agent.Begun}}}); !errors.Is(err, fault.Invalid) {
			t.Errorf("a move without its ID = %v, want %v", err, fault.Invalid)
		}
	}},
	{"legs come with what became of them", func(t testing.TB, f Fixture) {
		s := carrying(t, f)
		legs := must(s.Legs(t.Context(), 1))(t)
		if len(legs) != 4 {
			t.Fatalf("%d legs, want 4", len(legs))
		}
		one := full(t, firsthand.ID{1})
		want := agent.LegState{LegRow: fullLeg(t, one.ID, 1, 2, firsthand.ID{12}), Carried: must(s.Carried(t.Context(), one.ID))(t)[1],
			Sent: one.Sent, Received: one.Received.Seq, Tries: one.Tries, Failure: one.Failure, NextTry: one.NextTry}
		wantEqual(t, "leg 2", legs[1], want)
		wantEqual(t, "legs 4 and 2", must(s.Legs(t.Context(), 1, 4, 2))(t), []agent.LegState{legs[1], legs[3]})
		steps := must(s.LegSteps(t.Context(), 1))(t)
		for i := range legs {
			wantEqual(t, fmt.Sprint("step of leg ", i+1), steps[i], legs[i].LegStep())
		}
		wantEqual(t, "leg 4", legs[3], agent.LegState{LegRow: agent.LegRow{Move: 1, N: 4, Leg: agent.Leg{Domain: "c.example", Group: agent.LeftOut, Fact: "phone"}}})
		wantEqual(t, "legs of no move", must(s.Legs(t.Context(), 2))(t), nil)

		commit(t, s, agent.Commit{LegEntries: []agent.LegEntry{{Move: 1, N: 1, Entry: firsthand.ID{12}}, {Move: 1, N: 3, Reason: "no more"}}})
		legs = must(s.Legs(t.Context(), 1))(t)
		wantEqual(t, "leg 1's seq", legs[0].Carried.Seq, want.Carried.Seq)
		wantEqual(t, "leg 1's step, after a commit", must(s.LegSteps(t.Context(), 1))(t)[0], legs[0].LegStep())
		left := fullLeg(t, firsthand.ID{2}, 1, 3, firsthand.ID{})
		left.Group, left.Channel, left.Reason = agent.LeftOut, "", "no more"
		wantEqual(t, "leg 3", legs[2].LegRow, left)
		commit(t, s, agent.Commit{Legs: map[int64][]agent.LegRow{1: {legs[1].LegRow}}})
		wantEqual(t, "legs replaced", len(must(s.Legs(t.Context(), 1))(t)), 1)
		commit(t, s, agent.Commit{Legs: map[int64][]agent.LegRow{1: nil}})
		wantEqual(t, "legs removed", len(must(s.Legs(t.Context(), 1))(t)), 0)
	}},
	{"what is on its way is replaced whole", func(t testing.TB, f Fixture) {
		s := carrying(t, f)
		rel := firsthand.ID{2}
		rows := must(s.Carried(t.Context(), rel))(t)
		rows[1].Step, rows[1].Seq = "refused", 7
		rows = []agent.Carried{rows[0], rows[2], rows[1]} // one moved to the end
		commit(t, s, agent.Commit{Carried: map[firsthand.ID][]agent.Carried{rel: rows}})
		wantEqual(t, "carried", must(s.Carried(t.Context(), rel))(t), rows)
		commit(t, s, agent.Commit{Carried: map[firsthand.ID][]agent.Carried{rel: rows[:1]}})
		wantEqual(t, "carried", must(s.Carried(t.Context(), rel))(t), rows[:1])
		wantEqual(t, "the other's", len(must(s.Carried(t.Context(), firsthand.ID{1}))(t)), 2)
	}},
	{"tasks", func(t testing.TB, f Fixture) {
		s, ctx := carrying(t, f), t.Context()
		for _, tt := range []struct {
			q     agent.TaskQuery
			today firsthand.Date
			want  string
		}{
			{agent.TaskQuery{}, today, "[21]"},
			{agent.TaskQuery{Show: "done"}, today, "[23 22]"}, // reminders that are due go first
			{agent.TaskQuery{Show: "all"}, today, "[23 22 21]"},
			{agent.TaskQuery{Show: "all"}, "2025-01-01", "[21 22 23]"},
			{agent.TaskQuery{Show: "due"}, today, "[22]"},
			{agent.TaskQuery{Show: "due"}, "2026-11-22", "[22 21]"},
			{agent.TaskQuery{Show: "all", Move: 1}, today, "[21]"},
			{agent.TaskQuery{Show: "all", Move: 2}, today, "[]"},
			{agent.TaskQuery{Show: "all", Domain: "b.example"}, today, "[23 22 21]"},
			{agent.TaskQuery{Show: "all", Domain: "acme.example"}, today, "[]"},
			{agent.TaskQuery{Show: "all", Offset: 1, Limit: 1}, today, "[22]"},
			{agent.TaskQuery{Show: "all", Offset: 9}, today, "[]"},
		} {
			tasks, total, err := s.Tasks(ctx, tt.q, tt.today)
			wantEqual(t, normal(tt.q)+" on "+string(tt.today), normal(entriesOf(tasks, max(total, len(tasks)), err)(t)), tt.want)
			if whole := tt.q; whole.Offset > 0 {
				wantEqual(t, "total", total, 3)
			}
		}
		one := must(s.Task(ctx, firsthand.ID{21}))(t)
		two, c := full(t, firsthand.ID{2}), must(s.Carried(ctx, firsthand.ID{2}))(t)[0]
		wantEqual(t, "task", one, agent.Task{Entry: c.Entry, Rel: c.Rel, Domain: "b.example", Name: two.Name, Kind: c.Kind, Fact: c.Fact,
			Made: c.Made, Due: c.Due, Remind: "2026-11-22", Note: c.Why, Noted: c.Noted, Move: 1})
		if _, err := s.Task(ctx, firsthand.ID{11}); !errors.Is(err, fault.NotExist) {
			t.Errorf("a task of a paired relationship = %v, want %v", err, fault.NotExist)
		}
		commit(t, s, agent.Commit{Reminders: map[firsthand.ID]firsthand.Date{{21}: "", {22}: "2026-11-23"}})
		wantEqual(t, "remind 21", must(s.Task(ctx, firsthand.ID{21}))(t).Remind, "")
		wantEqual(t, "remind 22", must(s.Task(ctx, firsthand.ID{22}))(t).Remind, "2026-11-23")
	}},
	{"what paused moves hold", func(t testing.TB, f Fixture) {
		s, ctx := carrying(t, f), t.Context()
		// What was received is held no more.
		wantEqual(t, "held", must(s.Held(ctx))(t), map[firsthand.ID][]int64{{1}: {9}})
	}},
	{"only what the outbox knows is replaced", func(t testing.TB, f Fixture) {
		s, ctx := carrying(t, f), t.Context()
		want := full(t, firsthand.ID{1})
		other := agent.Relationship{ID: want.ID, Received: firsthand.Head{Seq: 8, ID: firsthand.ID{8}}, Sent: 8, Tries: 0, NextTry: noon, Failure: "x"}
		commit(t, s, agent.Commit{Outbox: []agent.Relationship{other, {ID: firsthand.ID{9}}}}) // the second isn't there
		want.Received, want.Sent, want.Tries, want.NextTry, want.Failure = other.Received, other.Sent, other.Tries, other.NextTry.UTC(), other.Failure
		wantEqual(t, "relationship", must(s.Relationship(ctx, want.ID))(t), want)
		wantEqual(t, "outbox", must(s.Outbox(ctx))(t), []agent.Outgoing{want.Outgoing()}) // not of the unpaired
		wantEqual(t, "relationships", len(must(s.Relationships(ctx))(t)), 2)
	}},
	{"a relationship is forgotten with what was on its way", func(t testing.TB, f Fixture) {
		s := carrying(t, f)
		commit(t, s, agent.Commit{Forget: []firsthand.ID{{2}}})
		d := dump(t, s, rels12)
		wantEqual(t, "legs", len(d.Moves[0].Legs), 3)
		wantEqual(t, "tasks", len(d.Tasks), 0)
		wantEqual(t, "carried", len(d.Each[1].Carried), 0)
		wantEqual(t, "its sister's", len(d.Each[0].Carried), 2)
		// Not even a reminder is left for the same anew.
		two := full(t, firsthand.ID{2})
		two.Gateway = ""
		commit(t, s, agent.Commit{Relationships: []agent.Relationship{two},
			Carried: map[firsthand.ID][]agent.Carried{two.ID: {fullCarried(t, two.ID, firsthand.ID{21}, 2)}}})
		wantEqual(t, "reminders", dump(t, s, rels12).Reminders, 0)
	}},
}
