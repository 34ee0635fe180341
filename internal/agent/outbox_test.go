package agent_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/terms"
	"firsthand/wire"
)

// A company that takes nothing, and says so politely, is not called at once again
// and again.
func TestStuckCompanyIsLeftAlone(t *testing.T) {
	s := newSides(t)
	rel := s.meet(agent.MeetOptions{Kept: true})
	s.say(rel, "hello")
	before := s.row(rel).Received
	s.answers = func(r *wire.Response) { r.First, r.Receipt, r.Entries = before, nil, nil }
	again, err := s.Do(t.Context(), rel, 0)
	if again || fault.RuleOf(err) != "answer-stuck" {
		t.Errorf("again = %t, error = %v, want answer-stuck", again, err)
	}
	if next := s.row(rel).NextTry; !next.After(s.now) {
		t.Errorf("next try at %v, it is %v", next, s.now)
	}
}

// What comes late for a relationship that was forgotten doesn't bring it back.
func TestForgottenStaysForgotten(t *testing.T) {
	s := newSides(t)
	rel := s.meet(agent.MeetOptions{})
	if _, err := s.Leave(t.Context(), rel, ""); err != nil {
		t.Fatal(err)
	}
	if again, err := s.Do(t.Context(), rel, 0); again || err != nil {
		t.Fatalf("again = %t, error = %v", again, err)
	}
	if err := s.Failed(t.Context(), rel, fault.Unavailable); fault.KindOf(err) != fault.NotExist {
		t.Errorf("note a failed call: %v, want not exist", err)
	}
	if rows, err := s.store.Relationships(t.Context()); err != nil || len(rows) != 0 {
		t.Errorf("%d relationships, %v", len(rows), err)
	}
}

// A nameless relationship isn't forgotten before the company has all that she has
// said in it: after her leave she may claim a right.
func TestNotForgottenBeforeAllIsReceived(t *testing.T) {
	s := newSides(t)
	rel := s.meet(agent.MeetOptions{})
	if _, err := s.Leave(t.Context(), rel, ""); err != nil {
		t.Fatal(err)
	}
	step, err := s.Prepare(t.Context(), rel, 0)
	s.must(err)
	act, err := s.Request(t.Context(), rel, firsthand.Request{Right: "erase", Law: "GDPR"})
	s.must(err)
	resp, err := s.Sync(t.Context(), step.Gateway, step.Key, step.Request)
	s.must(err)
	again, err := s.Receive(t.Context(), rel, step.Request, resp)
	if !again || err != nil {
		t.Fatalf("again = %t, error = %v", again, err)
	}
	s.sync(rel)
	if seq := s.at(s.theirs, rel, act.Entry); seq != 3 {
		t.Errorf("the claim has the place %d with the company, want 3", seq)
	}
	if _, err := s.store.Relationship(t.Context(), rel); fault.KindOf(err) != fault.NotExist {
		t.Errorf("the relationship is still there: %v", err)
	}
}

// An act that was refused leaves nothing in memory that the next one would keep.
func TestRefusedActLeavesNothing(t *testing.T) {
	s := newSides(t)
	rel := s.meet(agent.MeetOptions{})
	tell := agent.Telling{Fact: "not a fact!", Value: firsthand.Text("x"), Basis: firsthand.Basis{Exception: "x"}, Purpose: "x"}
	if _, err := s.Disclose(t.Context(), rel, tell); fault.KindOf(err) != fault.Invalid {
		t.Fatalf("disclose: %v, want invalid", err)
	}
	s.say(rel, "hello")
	if s.row(rel).Kept {
		t.Error("nothing was told, and the relationship is kept for good")
	}
}

// A gateway that says when to come again isn't called before: when it is about to
// be busy for minutes, when less than the usual pause would do, and when it asks for
// more than anybody gets.
func TestRetryAfterIsHeeded(t *testing.T) {
	tests := []struct {
		name        string
		asks, pause time.Duration // pause before chance adds up to half of it
	}{
		{"nothing is asked for", 0, 2 * time.Second},
		{"less than the pause", time.Second, 2 * time.Second},
		{"minutes", 5 * time.Minute, 5 * time.Minute},
		{"a day", 24 * time.Hour, time.Hour},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSides(t)
			rel := s.meet(agent.MeetOptions{Kept: true})
			refusal := &wire.GatewayError{Refusal: fault.Refuse(fault.Unavailable, "call-rate", "answered with 429"), RetryAfter: tt.asks}
			s.must(s.Failed(t.Context(), rel, fmt.Errorf("open: %w", refusal)))
			row := s.row(rel)
			if pause := row.RetryAt(s.now).Sub(s.now); pause < tt.pause || pause > tt.pause+tt.pause/2 {
				t.Errorf("called again after %v, want %v and up to half as much again", pause, tt.pause)
			}
			if row.Failure != "call-rate" {
				t.Errorf("failure %q, want call-rate", row.Failure)
			}
		})
	}
}

// A clock that was two days ahead when a call failed, and was then put right,
// doesn't silence the relationship for two days.
func TestRetryAfterClockWasPutBack(t *testing.T) {
	now := time.Date(2026, 11, 21, 21, 47, 0, 0, time.UTC)
	tests := []struct {
		name string
		next time.Time
		want time.Time
	}{
		{"passed", now.Add(-time.Hour), now.Add(-time.Hour)},
		{"soon", now.Add(90 * time.Minute), now.Add(90 * time.Minute)},
		{"no pause is that long", now.Add(48 * time.Hour), now},
	}
	for _, tt := range tests {
		row := agent.Relationship{NextTry: tt.next}
		if got := row.RetryAt(now); !got.Equal(tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// An entry whose body the company has erased before she received it comes without
// one. The entry that says so comes later, perhaps in another answer.
func TestErasedBeforeReceived(t *testing.T) {
	for _, apart := range []bool{false, true} {
		s := newSides(t)
		rel := s.meet(agent.MeetOptions{Kept: true})
		s.must(s.gw.Say(t.Context(), "ann", rel, &firsthand.Message{Text: "a secret"}))
		said, err := firsthand.Load(t.Context(), s.theirs, rel)
		s.must(err)
		salt, err := firsthand.NewSalt(s.rand)
		s.must(err)
		e, err := said.Write(s.keys.Signers[0], firsthand.Second, s.now, salt, said.Erasure(said.Messages[0].Entry))
		s.must(err)
		s.must(s.theirs.Append(t.Context(), e))
		s.startGateway()
		if apart {
			first := true
			s.answers = func(r *wire.Response) {
				if first {
					r.Entries, r.More = r.Entries[:1], true
				}
				first = false
			}
		}
		s.sync(rel)
		state, err := firsthand.Load(t.Context(), s.store, rel)
		s.must(err)
		if head := state.Log(firsthand.Second).Head; head.Seq != 3 {
			t.Errorf("apart %t: she has %d entries of the company's, want 3", apart, head.Seq)
		}
	}
}

// A brokenDisk is a file whose disk can fail.
type brokenDisk struct {
	agent.Store
	fail bool
}

func (f *brokenDisk) Commit(ctx context.Context, c agent.Commit) error {
	if f.fail {
		return fault.Unavailable
	}
	return f.Store.Commit(ctx, c)
}

// What a change had signed when it could not be kept is not in memory either: the
// next entry takes its place.
func TestFailedChangeLeavesNothing(t *testing.T) {
	s := newSides(t)
	rel := s.meet(agent.MeetOptions{Kept: true})
	_, err := s.Disclose(t.Context(), rel, agent.Telling{Fact: "email", Value: firsthand.Text("mia@example.org"), Purpose: "x", Basis: firsthand.Basis{Exception: "x"}})
	s.must(err)
	s.sync(rel)
	disk := &brokenDisk{Store: s.store, fail: true}
	s.Agent = agent.New(agent.Options{Store: disk, Caller: s, Roster: terms.Default(), Now: func() time.Time { return s.now }, Rand: s.rand})
	move := agent.Move{Facts: []agent.NewFact{{Fact: "email", Value: firsthand.Text("mia@example.net")}}, Basis: firsthand.Basis{Right: "GDPR 16"}}
	if _, err := s.Begin(t.Context(), move, ""); fault.KindOf(err) != fault.Unavailable {
		t.Fatalf("begin: %v", err)
	}
	disk.fail = false
	hello := s.say(rel, "hello")
	s.sync(rel)
	if seq := s.at(s.theirs, rel, hello); seq != 3 {
		t.Errorf("her message has the place %d with the company, want 3", seq)
	}
}
