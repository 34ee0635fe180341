package gateway

import (
	"context"
	"fmt"

	"firsthand"
	"firsthand/fault"
)

// Why a relationship is frozen; see [Relationship].
const (
	// frozenFirst ends when she has settled all evidence.
	frozenFirst = "the customer's log forked: two entries of hers have one place. Her reconcile ends this, or her rotation"
	// frozenErased is for an operator, and needs a backup made after the erasure.
	frozenErased = "the company's log forked, and the branch that was lost had erased bodies"
)

// maxEvidence bounds what is kept of one relationship's forks. The first entries
// prove as much as the thousandth.
const maxEvidence = 64

var errFork = fault.Refuse(fault.Conflict, "log-fork", "two entries have one place; the evidence is kept")

// fork deals with an entry at a place that is taken by another. One that its
// writer has not signed is refused, and proves nothing.
func (in *intake) fork(ctx context.Context, e *firsthand.Entry) error {
	if err := in.state().CheckFork(*e); err != nil {
		return err
	}
	if e.Side == firsthand.Second {
		return in.adopt(ctx, e)
	}
	if err := in.keep(ctx, e.WithoutBody(), "another entry of the customer's at a place that is taken"); err != nil {
		return err
	}
	open, err := in.unsettled(ctx, firsthand.First)
	if err != nil {
		return err
	}
	if len(open) > 0 && in.row.Frozen == "" {
		in.row.Frozen = frozenFirst
	}
	return errFork
}

// keep adds evidence to the commit, once.
func (t *turn) keep(ctx context.Context, e firsthand.Entry, why string) error {
	have, err := t.evidence(ctx)
	if err != nil {
		return err
	}
	for _, h := range have {
		if h.Entry.ID == e.ID {
			return nil
		}
	}
	if e.Side == firsthand.First && len(have) >= maxEvidence {
		return errFork
	}
	t.c.Evidence = append(t.c.Evidence, Evidence{Entry: e, Why: why})
	return nil
}

func (t *turn) evidence(ctx context.Context) ([]Evidence, error) {
	have, err := t.g.o.Store.Evidence(ctx, t.r.id)
	return append(have, t.c.Evidence...), err
}

// unsettled returns the evidence against side that begins a branch which side has
// not given up. A reconcile gives up a branch with all that follows in it. First's
// rotate gives up all that stands beside what was before it: nobody but her can
// sign that, and she signs it on the branch that stands.
func (t *turn) unsettled(ctx context.Context, side firsthand.Side) ([]firsthand.Entry, error) {
	all, err := t.evidence(ctx)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	rotated := int64(0)
	if side == firsthand.First {
		if rotated, err = t.lastRotate(ctx); err != nil {
			return nil, err
		}
	}
	lost, known := make(map[firsthand.ID]bool), make(map[firsthand.ID]bool)
	for _, r := range t.state().Reconciled {
		if r.Side == side {
			lost[r.Say.Lost] = true
		}
	}
	for _, h := range all {
		known[h.Entry.ID] = true
	}
	// Evidence comes in no order; each round finds at least one more.
	for found := true; found; {
		found = false
		for _, h := range all {
			if !lost[h.Entry.ID] && lost[h.Entry.Prev] {
				lost[h.Entry.ID], found = true, true
			}
		}
	}
	var open []firsthand.Entry
	for _, h := range all {
		e := h.Entry
		inLog := t.state().Log(side).ID(e.Seq) == e.ID
		if e.Side == side && e.Seq > rotated && !lost[e.ID] && !known[e.Prev] && !inLog {
			open = append(open, e)
		}
	}
	return open, nil
}

// lastRotate returns the seq of first's last rotate, 0 if there is none.
func (t *turn) lastRotate(ctx context.Context) (seq int64, err error) {
	if len(t.state().Log(firsthand.First).Keys) < 2 {
		return 0, nil
	}
	first, err := t.log(ctx, firsthand.First)
	for i := range first {
		if first[i].Kind() == "rotate" {
			seq = first[i].Seq
		}
	}
	return seq, err
}

// thaw ends a freeze when she has settled all evidence, and reports whether it did.
func (in *intake) thaw(ctx context.Context) (bool, error) {
	if in.row.Frozen != frozenFirst {
		return false, nil
	}
	if err := in.fresh(ctx); err != nil {
		return false, err
	}
	open, err := in.unsettled(ctx, firsthand.First)
	if err != nil || len(open) > 0 {
		return false, err
	}
	in.row.Frozen = ""
	return true, nil
}

// adopt ends a fork of the company's own log, which a backup causes that was put
// back unnoticed: she shows e, which we signed once, where we have signed another
// since. The branch that stands is the one that she received first: hers, unless
// an entry of her own has seen ours. Nothing is signed until all of her branch is
// here; then recover says reconcile.
func (in *intake) adopt(ctx context.Context, e *firsthand.Entry) error {
	if in.row.Frozen == frozenErased {
		return errFork
	}
	log := in.state().Log(firsthand.Second)
	if in.state().Log(firsthand.First).Seen.Seq >= e.Seq {
		if err := in.keep(ctx, *e, "another entry of ours; the customer has seen the one that stands"); err != nil {
			return err
		}
		in.lost = true
		return nil
	}
	if e.Prev != log.ID(e.Seq-1) {
		return fault.Refuse(fault.Conflict, "log-fork", "the branches part before %d", e.Seq)
	}
	first, second, err := in.logs(ctx)
	if err != nil {
		return err
	}
	for _, lost := range second[e.Seq-1:] {
		in.c.Evidence = append(in.c.Evidence, Evidence{Entry: lost, Why: "lost against the entry that the customer received first"})
	}
	// What this call had brought of our log before e lies before the branch.
	entries := in.c.Entries[:0]
	for _, x := range in.c.Entries {
		if x.Side == firsthand.First || x.Seq < e.Seq {
			entries = append(entries, x)
		}
	}
	in.c.Entries = entries
	in.c.Replace = append(in.c.Replace, Place{Rel: in.r.id, Seq: e.Seq})
	in.ahead = true
	if err := in.fold(first, second[:e.Seq-1]); err != nil {
		// The lost branch had erased bodies: without it they are missing. The
		// state is gone, so nothing of this is committed.
		return in.freeze(ctx, frozenErased, err)
	}
	in.row.Restored, in.row.Noticed = true, in.now
	in.g.o.Log.Warn("the company's log forked; the customer's copy is adopted", "relationship", in.r.id, "seq", e.Seq)
	if err := in.state().Check(*e); err != nil {
		return err
	}
	if err := in.turn.take(*e); err != nil {
		return err
	}
	in.lost = true
	return nil
}

// freeze notes why nothing can be signed any more, and nothing else of the turn.
func (t *turn) freeze(ctx context.Context, why string, cause error) error {
	t.row = t.r.row
	t.row.Frozen = why
	t.c = Commit{Relationships: []Relationship{t.row}}
	if err := t.g.o.Store.Commit(ctx, t.c); err != nil {
		return err
	}
	t.g.o.Log.Error("relationship frozen", "relationship", t.r.id, "why", why)
	return fmt.Errorf("%s: %w: %w", why, fault.Unavailable, cause)
}

// recover finds out whether the company's own log is whole, by what the agent
// says it has. It reports whether the relationship was restored and is so no
// more, so that everything has to be looked at.
func (in *intake) recover(ctx context.Context) (whole bool, err error) {
	s := in.state()
	second := s.Log(firsthand.Second)
	if in.call.Second.Seq > second.Head.Seq {
		// She has more of our log than we do: a backup was put back.
		if !in.row.Restored {
			in.g.o.Log.Warn("the agent has entries of ours that we lost", "relationship", in.r.id)
		}
		in.row.Restored, in.row.Noticed = true, in.now
		return false, nil
	}
	// An agent that only compares asks from the beginning, and names heads that
	// are not all she has. So it counts only when she names both as they are.
	if in.row.Restored && in.call.Second == second.Head && in.call.First.Seq >= s.Log(firsthand.First).Head.Seq {
		whole = in.current()
		in.row.Restored = !whole
	}
	if (whole || in.lost) && in.mute() == "" {
		return whole, in.reconcile(ctx)
	}
	return whole, nil
}

// current reports whether the call says what the agent has now. Somebody may
// repeat an old call of hers as long as its signature is good, one that she made
// before she got what we have lost. So it must bring something that we had lost,
// or come when no call is good any more that was made before we noticed.
func (in *intake) current() bool {
	if in.now.Before(in.row.Noticed) { // the clock was set back
		in.row.Noticed = in.now
	}
	return in.lost || in.now.Sub(in.row.Noticed) >= firsthand.CallTolerance
}

// reconcile says of each branch of ours that was lost that it is.
func (t *turn) reconcile(ctx context.Context) error {
	if err := t.fresh(ctx); err != nil {
		return err
	}
	open, err := t.unsettled(ctx, firsthand.Second)
	if err != nil {
		return err
	}
	for _, lost := range open {
		stands := t.state().Log(firsthand.Second).ID(lost.Seq)
		if _, err := t.say(ctx, &firsthand.Reconcile{Seq: lost.Seq, Stands: stands, Lost: lost.ID}); err != nil {
			return err
		}
	}
	return nil
}
