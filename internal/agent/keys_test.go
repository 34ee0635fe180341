package agent_test

import (
	"bytes"
	"testing"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/agenttest"
	"firsthand/internal/gateway/gatewaytest"
	"firsthand/wire"
)

// A backup that is older than the first call: the company doesn't know the
// relationship, or knows it and she has lost its answer.
func TestRestoredBeforeTheFirstCall(t *testing.T) {
	for _, opened := range []bool{false, true} {
		s := newSides(t)
		row, err := s.Meet(t.Context(), "acme.example", agent.MeetOptions{Kept: true})
		s.must(err)
		backup := s.store.Snapshot()
		if opened {
			s.say(row.ID, "after the backup")
			s.sync(row.ID)
		}
		s.store.Restore(backup)
		s.startAgent()
		act, err := s.Message(t.Context(), row.ID, firsthand.ID{}, "hello")
		s.must(err)
		if !act.Draft {
			t.Error("an entry was signed before the company was asked")
		}
		s.sync(row.ID)
		state, err := firsthand.Load(t.Context(), s.theirs, row.ID)
		s.must(err)
		want := 1
		if opened {
			want = 2
		}
		if len(state.Messages) != want || s.row(row.ID).Restored {
			t.Errorf("opened %t: the company has %d messages, want %d", opened, len(state.Messages), want)
		}
	}
}

// A company that has lost a relationship, and everything in it, gets it back.
func TestCompanyLostTheRelationship(t *testing.T) {
	s := newSides(t)
	rel := s.meet(agent.MeetOptions{Kept: true})
	id := s.say(rel, "hello")
	s.sync(rel)
	_, err := s.Rotate(t.Context(), rel, agent.Rotation{Kit: ownKit})
	s.must(err)
	s.sync(rel)

	s.theirs = gatewaytest.NewMemory()
	s.startGateway()
	s.sync(rel)
	if seq := s.at(s.theirs, rel, id); seq != 2 {
		t.Errorf("her message has the place %d with the company, want 2", seq)
	}
	ours, err := firsthand.Load(t.Context(), s.store, rel)
	s.must(err)
	theirs, err := firsthand.Load(t.Context(), s.theirs, rel)
	s.must(err)
	for _, side := range []firsthand.Side{firsthand.First, firsthand.Second} {
		if ours.Log(side).Head != theirs.Log(side).Head {
			t.Errorf("heads of %s: %v and %v", side, ours.Log(side).Head, theirs.Log(side).Head)
		}
	}
}

// A company that has lost a long relationship is told it in several calls, each
// signed by the key that was in force there: also where the file was restored from
// before these keys, and only the kit had them.
func TestCompanyLostALongRelationship(t *testing.T) {
	for _, stale := range []bool{false, true} {
		s := newSides(t)
		rel := s.meet(agent.MeetOptions{Kept: true})
		backup := s.store.Snapshot()
		rotate := func() {
			_, err := s.Rotate(t.Context(), rel, agent.Rotation{Kit: ownKit})
			s.must(err)
			s.sync(rel)
		}
		for range 2 {
			rotate()
			for range wire.MaxBatch {
				s.say(rel, "hello")
			}
			s.sync(rel)
		}
		if stale {
			s.store.Restore(backup)
			s.startAgent()
			if _, err := s.Do(t.Context(), rel, 0); fault.RuleOf(err) != "call-signature" {
				t.Fatalf("a call with a key of long ago: %v", err)
			}
		}
		rotate()

		s.theirs = gatewaytest.NewMemory()
		s.startGateway()
		s.sync(rel)
		want := int64(1 + 2*(1+wire.MaxBatch) + 1)
		if head, err := s.theirs.Head(t.Context(), rel, firsthand.First); err != nil || head.Seq != want {
			t.Errorf("stale %t: the company has her log up to %d, want %d: %v", stale, head.Seq, want, err)
		}
	}
}

// A company that was restored from before a rotation is at her former key.
func TestCompanyAtAFormerKey(t *testing.T) {
	s := newSides(t)
	rel := s.meet(agent.MeetOptions{Kept: true})
	backup := s.theirs.Snapshot()
	for range 2 {
		_, err := s.Rotate(t.Context(), rel, agent.Rotation{Kit: ownKit})
		s.must(err)
		s.sync(rel)
	}
	s.theirs.Restore(backup, s.now)
	s.startGateway()
	s.sync(rel)
	if head, err := s.theirs.Head(t.Context(), rel, firsthand.First); err != nil || head.Seq != 3 {
		t.Errorf("the company has her log up to %d, want 3: %v", head.Seq, err)
	}
}

// A rotation that is on its way moves with her life, and so does the key before it,
// at which the company still is.
func TestMoveWithARotationUnderWay(t *testing.T) {
	s := newSides(t)
	rel := s.meet(agent.MeetOptions{Kept: true})
	_, err := s.Rotate(t.Context(), rel, agent.Rotation{Kit: ownKit})
	s.must(err)
	var life bytes.Buffer
	s.must(s.Export(t.Context(), &life))

	s.store = agenttest.NewMemory()
	s.startAgent()
	if n, err := s.Import(t.Context(), bytes.NewReader(life.Bytes()), int64(life.Len())); err != nil || n != 1 {
		t.Fatalf("import: %d relationships, %v", n, err)
	}
	s.sync(rel)
	if head, err := s.theirs.Head(t.Context(), rel, firsthand.First); err != nil || head.Seq != 2 {
		t.Errorf("the company has her log up to %d, want 2: %v", head.Seq, err)
	}
}

// Everything is sent once more only to the company that she met: not to whoever
// has its domain now.
func TestNothingForANewOwner(t *testing.T) {
	s := newSides(t)
	rel := s.meet(agent.MeetOptions{Kept: true})
	s.say(rel, "for the company alone")
	s.sync(rel)

	old := s.keys.Chain[0].Key
	key, next := s.signer(), s.signer()
	s.keys.Signers = []*firsthand.Signer{key}
	s.keys.Chain = []firsthand.ChainKey{{Key: old, Next: key.Public().Hash()}, {Key: key.Public(), Next: next.Public().Hash()}}
	s.theirs = gatewaytest.NewMemory()
	s.startGateway()
	for range 10 {
		if _, err := s.Do(t.Context(), rel, 0); err == nil {
			t.Fatal("a call was accepted")
		}
	}
	if _, err := s.theirs.Relationship(t.Context(), rel); fault.KindOf(err) != fault.NotExist {
		t.Errorf("the new owner has the relationship: %v", err)
	}
}

// A rotation that a thief has overtaken doesn't lock her out: the company is at
// the key before, which she has kept.
func TestRotationOvertaken(t *testing.T) {
	s := newSides(t)
	rel := s.meet(agent.MeetOptions{Kept: true})
	stolen := firsthand.SignerFromSeed(s.row(rel).Seed)
	_, err := s.Rotate(t.Context(), rel, agent.Rotation{Kit: ownKit, Stolen: true})
	s.must(err)
	his := s.write(rel, stolen, &firsthand.Message{Text: "quick"})

	if _, err := s.Do(t.Context(), rel, 0); err == nil {
		t.Fatal("the call was accepted")
	}
	if got := s.row(rel).Frozen; got != "branch" {
		t.Fatalf("frozen = %q, want branch", got)
	}
	_, err = s.Rotate(t.Context(), rel, agent.Rotation{Kit: ownKit, Stolen: true})
	s.must(err)
	s.sync(rel)
	state, err := firsthand.Load(t.Context(), s.theirs, rel)
	s.must(err)
	if len(state.Messages) != 0 || state.Pos(his.ID).Seq != 2 || state.Log(firsthand.First).Key() == stolen.Public() {
		t.Errorf("%d messages, his at %d", len(state.Messages), state.Pos(his.ID).Seq)
	}
}

// A company can't freeze a relationship with a log of somebody else.
func TestCopyOfAnotherRelationship(t *testing.T) {
	s := newSides(t)
	rel := s.meet(agent.MeetOptions{Kept: true})
	other := s.meet(agent.MeetOptions{Kept: true, Again: true})
	s.say(other, "one more than the first has")
	s.sync(other)
	first, err := firsthand.Collect(s.theirs.Entries(t.Context(), other, firsthand.First, 0))
	s.must(err)
	second, err := firsthand.Collect(s.theirs.Entries(t.Context(), other, firsthand.Second, 0))
	s.must(err)
	s.answers = func(r *wire.Response) {
		r.Entries = append(first, second...)
		r.First, r.Second = first[len(first)-1].Head(), second[len(second)-1].Head()
	}
	err = s.Diagnose(t.Context(), rel, fault.Refuse(fault.Conflict, "log-fork", "so it says"))
	if fault.RuleOf(err) != "log-rel" {
		t.Errorf("diagnose: %v, want log-rel", err)
	}
	if got := s.row(rel).Frozen; got != "" {
		t.Errorf("frozen = %q", got)
	}
}
