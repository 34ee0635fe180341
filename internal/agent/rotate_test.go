package agent_test

import (
	"testing"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/wire"
)

// A restored file that rotates because of a theft has asked the company in doing
// so: its drafts become entries.
func TestStolenRotationPromotesDrafts(t *testing.T) {
	s := newSides(t)
	rel := s.meet(agent.MeetOptions{Kept: true})
	backup := s.store.Snapshot()
	his := s.write(rel, firsthand.SignerFromSeed(s.row(rel).Seed), &firsthand.Message{Text: "his"})
	s.store.Restore(backup)
	s.startAgent()
	act, err := s.Message(t.Context(), rel, firsthand.ID{}, "hers")
	s.must(err)
	if !act.Draft {
		t.Fatal("an entry was signed before the company was asked")
	}
	_, err = s.Rotate(t.Context(), rel, agent.Rotation{Kit: ownKit, Stolen: true, Since: his.Seq})
	s.must(err)
	s.sync(rel)
	if drafts, err := s.store.Drafts(t.Context(), rel); err != nil || len(drafts) != 0 {
		t.Errorf("%d drafts, %v", len(drafts), err)
	}
	state, err := firsthand.Load(t.Context(), s.theirs, rel)
	s.must(err)
	if len(state.Messages) != 1 || state.Messages[0].Say.Text != "hers" {
		t.Errorf("messages = %v", state.Messages)
	}
}

// The kit and a file of any age lead to the key in force.
func TestRotateFromAFileFarBehind(t *testing.T) {
	s := newSides(t)
	rel := s.meet(agent.MeetOptions{Kept: true})
	backup := s.store.Snapshot()
	for range 3 {
		_, err := s.Rotate(t.Context(), rel, agent.Rotation{Kit: ownKit})
		s.must(err)
		s.sync(rel)
	}
	s.store.Restore(backup)
	s.startAgent()
	if _, err := s.Do(t.Context(), rel, 0); err == nil {
		t.Fatal("the company took a call by a key of long ago")
	}
	_, err := s.Rotate(t.Context(), rel, agent.Rotation{Kit: ownKit})
	s.must(err)
	s.sync(rel)
	if head, err := s.theirs.Head(t.Context(), rel, firsthand.First); err != nil || head.Seq != 5 {
		t.Errorf("the company has her log up to %d, want 5: %v", head.Seq, err)
	}
}

// With a book of another kit a rotation changes kits: the old one is needed once
// more, and never again.
func TestRotationChangesKits(t *testing.T) {
	const newKit = "AGE-SECRET-KEY-1NEW"
	s := newSides(t)
	rel := s.meet(agent.MeetOptions{Kept: true})
	s.must(s.store.Commit(t.Context(), agent.Commit{EmptyBook: true}))
	s.must(s.Refill(t.Context(), newKit))
	for _, kit := range []string{ownKit, newKit, newKit} {
		_, err := s.Rotate(t.Context(), rel, agent.Rotation{Kit: kit})
		s.must(err)
		s.sync(rel)
	}
	if _, err := s.Rotate(t.Context(), rel, agent.Rotation{Kit: ownKit}); err == nil {
		t.Error("the old kit still rotates")
	}
}

// A copy of her file that is gone has left evidence at the company, of which her
// file knows nothing. She is told so, and the kit helps.
func TestForkOfACopyThatIsGone(t *testing.T) {
	s := newSides(t)
	rel := s.meet(agent.MeetOptions{Kept: true})
	file := s.store.Snapshot()
	s.say(rel, "hers")
	s.sync(rel)
	whole := s.store.Snapshot()

	s.store.PutBack(file)
	s.startAgent()
	s.say(rel, "the copy's")
	if _, err := s.Do(t.Context(), rel, 0); err == nil {
		t.Fatal("a fork was accepted")
	}
	s.store.PutBack(whole) // the copy is thrown away
	s.startAgent()
	s.say(rel, "hers too")
	if _, err := s.Do(t.Context(), rel, 0); err == nil {
		t.Fatal("the company goes on although her log forked")
	}
	if got := s.row(rel).Frozen; got != "elsewhere" {
		t.Fatalf("frozen = %q, want elsewhere", got)
	}
	_, err := s.Rotate(t.Context(), rel, agent.Rotation{Kit: ownKit})
	s.must(err)
	s.sync(rel)
	state, err := firsthand.Load(t.Context(), s.theirs, rel)
	s.must(err)
	if len(state.Messages) != 2 {
		t.Errorf("the company has %d messages, want 2", len(state.Messages))
	}
}

// An answer can be the first that tells of a fork: an entry of the company's has
// seen one of hers that a copy wrote, in the place of one that she has not sent.
func TestAnswerToAnotherBranch(t *testing.T) {
	s := newSides(t)
	rel := s.meet(agent.MeetOptions{Kept: true})
	s.write(rel, firsthand.SignerFromSeed(s.row(rel).Seed), &firsthand.Message{Text: "the copy's"})
	s.must(s.gw.Say(t.Context(), "ann", rel, &firsthand.Message{Text: "to the copy"}))
	s.say(rel, "hers")

	head, err := s.theirs.Head(t.Context(), rel, firsthand.First)
	s.must(err)
	req := wire.Request{Rel: rel, First: head, Second: firsthand.Head{}}
	resp, err := s.gw.Sync(t.Context(), req)
	s.must(err)
	_, err = s.Receive(t.Context(), rel, req, resp)
	if fault.RuleOf(err) != "log-fork" || !agent.IsPuzzle(err) {
		t.Fatalf("answer to another branch: %v", err)
	}
	s.must(s.Diagnose(t.Context(), rel, err))
	if got := s.row(rel).Frozen; got != "branch" {
		t.Errorf("frozen = %q, want branch", got)
	}
}

// Caches are compared with the logs whatever order a store keeps them in.
func TestRebuildFindsNothing(t *testing.T) {
	s := newSides(t)
	rel := s.meet(agent.MeetOptions{Kept: true})
	for _, fact := range []string{"phone", "email", "address.home"} {
		_, err := s.Disclose(t.Context(), rel, agent.Telling{Fact: fact, Value: firsthand.Text(fact), Purpose: "x", Basis: firsthand.Basis{Exception: "x"}})
		s.must(err)
	}
	if differed, err := s.Rebuild(t.Context()); err != nil || len(differed) != 0 {
		t.Errorf("%d relationships differ, %v", len(differed), err)
	}
}
