package agent_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/terms"
	"firsthand/wire"
)

// A reader counts how often a log is read.
type reader struct {
	agent.Store
	reads atomic.Int64
}

func (r *reader) Entries(ctx context.Context, rel firsthand.ID, side firsthand.Side, after int64) iter.Seq2[firsthand.Entry, error] {
	r.reads.Add(1)
	return r.Store.Entries(ctx, rel, side, after)
}

// changing is an agent that keeps no state, and has begun to change what it once told
// acme. It returns the relationship and the move.
func changing(t *testing.T) (s *sides, disk *reader, rel firsthand.ID, move int64) {
	s = newSides(t)
	rel = s.meet(agent.MeetOptions{Kept: true})
	_, err := s.Disclose(t.Context(), rel, agent.Telling{Fact: "email", Value: firsthand.Text("mia@example.org"), Purpose: "x", Basis: firsthand.Basis{Exception: "x"}})
	s.must(err)
	s.sync(rel)
	disk = &reader{Store: s.store}
	s.Agent = agent.New(agent.Options{Store: disk, Caller: s, Roster: terms.Default(), Now: s.Now, Rand: s.rand})
	s.FoldAtMost(0)
	move, err = s.Begin(t.Context(), agent.Move{Facts: []agent.NewFact{{Fact: "email", Value: firsthand.Text("mia@example.net")}}, Basis: firsthand.Basis{Right: "GDPR 16"}}, "")
	s.must(err)
	if disk.reads.Swap(0) == 0 {
		t.Fatal("a change was signed without a look at the logs")
	}
	s.calls = 0
	return s, disk, rel, move
}

// wantReceived checks that the company has all of hers, and she its receipt.
func (s *sides) wantReceived(rel firsthand.ID) {
	s.t.Helper()
	row := s.row(rel)
	head, err := s.theirs.Head(s.t.Context(), rel, firsthand.First)
	s.must(err)
	own, err := s.store.Head(s.t.Context(), rel, firsthand.First)
	s.must(err)
	receipts, err := s.store.Receipts(s.t.Context(), rel)
	s.must(err)
	if row.Received != head || own != head || row.Sent != head.Seq || row.Tries != 0 {
		s.t.Errorf("received %v, sent %d, after %d tries; the company has %v, she %v", row.Received, row.Sent, row.Tries, head, own)
	}
	last, err := firsthand.ParseReceipt(receipts[len(receipts)-1], s.keys.Signers[0].Public())
	if err != nil || last.ID != head.ID {
		s.t.Errorf("the last receipt is for %s, %v; want %s", last.ID, err, head.ID)
	}
}

// What was signed is sent, and its receipt taken, without a log being read again, after
// failures too. It is noted as sent before it is.
func TestShedStateSendsAll(t *testing.T) {
	s, disk, rel, _ := changing(t)
	before := s.row(rel)
	s.answers = func(*wire.Response) {
		if row := s.row(rel); row.Sent != row.Head || row.Received != before.Received {
			t.Errorf("while it is under way %d of %d is noted as sent, and %v as received", row.Sent, row.Head, row.Received)
		}
	}
	s.sync(rel)
	s.wantReceived(rel)
	if n := disk.reads.Load(); n != 0 || s.calls != 1 {
		t.Errorf("its logs were read %d times in %d calls, want 0 in 1", n, s.calls)
	}
	s.answers = nil
	hello := s.say(rel, "hello") // all goes on as ever
	s.sync(rel)
	if seq := s.at(s.theirs, rel, hello); seq != before.Head+1 {
		t.Errorf("her message has the place %d, want %d", seq, before.Head+1)
	}
}

// Whatever else is the case is found out from the logs.
func TestShedStateIsNoExcuse(t *testing.T) {
	for name, test := range map[string]struct {
		before func(s *sides, rel firsthand.ID, move int64)
		answer func(*wire.Response)
		waits  bool // nothing is received
	}{
		"paused": {before: func(s *sides, _ firsthand.ID, move int64) { s.must(s.PauseMove(s.t.Context(), move, true)) }, waits: true},
		"paused and begun": {before: func(s *sides, _ firsthand.ID, move int64) {
			s.must(s.PauseMove(s.t.Context(), move, true))
			s.must(s.PauseMove(s.t.Context(), move, false))
		}},
		"down": {before: func(s *sides, rel firsthand.ID, _ int64) {
			s.down = true
			if _, err := s.Do(s.t.Context(), rel, 0); fault.KindOf(err) != fault.Unavailable || s.row(rel).Tries != 1 {
				s.t.Errorf("while it is down: %v after %d tries", err, s.row(rel).Tries)
			}
			s.down = false
		}},
		"more was said": {before: func(s *sides, rel firsthand.ID, _ int64) { s.say(rel, "hello") }},
		"it asked": {before: func(s *sides, rel firsthand.ID, _ int64) {
			s.must(s.gw.Say(s.t.Context(), "staff", rel, &firsthand.Ask{Fact: "phone", Purpose: "x", Why: "x"}))
		}},
		"another receipt": {answer: func(r *wire.Response) {
			other := s256("other")
			r.Receipt = nil
			r.First.ID = other
		}, waits: true},
		"no receipt": {answer: func(r *wire.Response) { r.Receipt = nil }, waits: true},
		"a broken receipt": {answer: func(r *wire.Response) {
			r.Receipt = slices.Clone(r.Receipt)
			r.Receipt[len(r.Receipt)-2] ^= 1
		}, waits: true},
	} {
		t.Run(name, func(t *testing.T) {
			s, _, rel, move := changing(t)
			was := s.row(rel).Received
			if test.before != nil {
				test.before(s, rel, move)
			}
			s.answers = test.answer
			if test.waits {
				s.Do(t.Context(), rel, 0) // it may fail, and says so in its row
				if row := s.row(rel); row.Received != was {
					t.Errorf("received: %v, want %v", row.Received, was)
				}
				s.answers = nil
				s.must(s.PauseMove(t.Context(), move, false))
			}
			s.sync(rel)
			s.wantReceived(rel)
			if mine, hers := s.fold(s.theirs, rel), s.fold(s.store, rel); mine != hers {
				t.Errorf("she has %s, the company %s", hers, mine)
			}
		})
	}
}

// A move that is shared among processors is what it would be if one had done all: each
// log has what its leg says, next keys are used once, and a second move finds the logs.
func TestMoveOfMany(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	m, ctx := newMover(t, newFile(t)), t.Context()
	const n = 4 * agent.MinShare
	stated := make([]agent.Statement, n)
	for i := range stated {
		stated[i] = agent.Statement{Domain: fmt.Sprintf("shop-%03d.example", i), Fact: "address.home", Value: oldHome}
	}
	m.must(m.State(ctx, stated...))
	free, err := m.Store.Labels(ctx)
	m.must(err)
	m.FoldAtMost(n) // some are kept, and some are not
	for round, home := range []firsthand.Value{newHome, oldHome} {
		move := moving(home)
		move.Basis = firsthand.Basis{Right: "GDPR 16"}
		id, err := m.Begin(ctx, move, "")
		m.must(err)
		legs := m.board(id).Legs
		if left, err := m.Store.Labels(ctx); len(legs) != n || left != free-n || err != nil {
			t.Fatalf("%d legs, and %d of %d keys left, %v", len(legs), left, free, err)
		}
		for i, l := range legs {
			d, err := m.Show(ctx, l.Rel)
			m.must(err)
			h := d.State.Holdings
			if l.Domain != stated[i].Domain || l.N != i+1 || d.State.Opened.Domain != l.Domain || len(h) != 1 || h[0].Last != l.Entry || !h[0].Value.Equal(home) || d.State.Pos(l.Entry).Seq != int64(round+2) {
				t.Fatalf("leg %+v, and the log says %+v", l, h)
			}
		}
	}
}

func s256(text string) (id firsthand.ID) { copy(id[:], fmt.Sprintf("%32s", text)); return id }

// fold returns what a store's logs say, in short.
func (s *sides) fold(l firsthand.Log, rel firsthand.ID) string {
	s.t.Helper()
	state, err := firsthand.Load(s.t.Context(), l, rel)
	s.must(err)
	return fmt.Sprint(state.Log(firsthand.First).Head, state.Log(firsthand.Second).Head, state.Holdings[0].Value)
}

// All is done once, and the error is that of the first.
func TestShare(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	for _, n := range []int{0, 1, agent.MinShare, 2*agent.MinShare - 1, 2 * agent.MinShare, 1000} {
		done := make([]atomic.Int64, n)
		err := agent.Share(n, func(i int) error { done[i].Add(1); return nil })
		for i := range done {
			if times := done[i].Load(); times != 1 || err != nil {
				t.Fatalf("%d of %d was done %d times, %v", i, n, times, err)
			}
		}
		errs := make([]error, n)
		for i := range errs {
			if errs[i] = nil; i >= n/2 {
				errs[i] = errors.New(fmt.Sprint(i))
			}
		}
		if err := agent.Share(n, func(i int) error { return errs[i] }); n > 0 && err != errs[n/2] {
			t.Errorf("of %d: %v, want that of %d", n, err, n/2)
		}
	}
}
