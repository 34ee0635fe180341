package gateway

import (
	"context"
	"slices"

	"firsthand"
	"firsthand/fault"
)

// adopt ends a fork of the company's own log, which a backup causes that was put
// back unnoticed: she shows e, which we signed once, where we have signed another
// since. The branch that stands is the one that she received first: hers, unless
// an entry of her own has seen ours. Nothing is signed until all of her branch is
// here; then recover says reconcile.
func (in *intake) adopt(ctx context.Context, e *firsthand.Entry) error {
	log := in.state().Log(firsthand.Second)
	if in.state().Log(firsthand.First).Seen.Seq >= e.Seq {
		if err := in.keep(ctx, *e, "another entry of ours; the customer has seen the one that stands"); err != nil {
			return err
		}
		in.lost, in.shown = true, true
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
		if c, err := as[*firsthand.Erased](&lost); err == nil {
			in.gone = append(in.gone, c.Entries...)
		}
	}
	// What this call had brought of our log before e lies before the branch.
	in.c.Entries = slices.DeleteFunc(in.c.Entries, func(x firsthand.Entry) bool { return x.Side == firsthand.Second && x.Seq >= e.Seq })
	in.c.Replace = append(in.c.Replace, Place{Rel: in.r.id, Seq: e.Seq})
	in.ahead = true
	if err := in.fold(in.fillIn(first), in.fillIn(second[:e.Seq-1])); err != nil {
		return err
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

// fillIn gives entries a body that says nothing, of the kind that they had, where
// ours was erased and nothing in the log says so any more. Otherwise the log
// couldn't be folded, and nothing could be signed that says it again.
func (t *turn) fillIn(entries []firsthand.Entry) []firsthand.Entry {
	for _, x := range t.gone {
		for i := range entries {
			if e := &entries[i]; e.ID == x.ID && !e.HasBody() {
				e.Salt, e.Body = make([]byte, 32), []byte(`{"kind":"`+string(x.Kind)+`"}`)
			}
		}
	}
	return entries
}

// recover finds out whether the company's own log is whole, by what the agent
// says it has. It reports whether the relationship was restored and is so no
// more, so that everything has to be looked at.
func (in *intake) recover(ctx context.Context) (whole bool, err error) {
	s := in.state()
	second := s.Log(firsthand.Second)
	in.noticeLoss()
	if in.call.Second.Seq > second.Head.Seq {
		// She has more of our log than we do: a backup was put back.
		if !in.row.Restored {
			in.g.o.Log.Warn("the agent has entries of ours that we lost", "relationship", in.r.id)
			in.row.Restored, in.row.Noticed = true, in.now
		}
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

// noticeLoss notes that entries of hers are not here for which she has our receipt:
// she sends what no receipt covers, and begins after them, or sends nothing. So the
// file is older than it seems, though nothing of ours may be missing, and what she
// brings again may have been brought to the company's system before.
func (in *intake) noticeLoss() {
	head := in.state().Log(firsthand.First).Head.Seq
	lost := in.gap || len(in.call.Entries) == 0 && in.call.First.Seq > head
	if lost && !in.row.Restored && in.now.Sub(in.row.Noticed).Abs() >= firsthand.CallTolerance {
		in.g.o.Log.Warn("the agent has receipts for entries that we lost", "relationship", in.r.id)
		in.row.Noticed = in.now
	}
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
	for part := range slices.Chunk(t.gone, maxErased) {
		if _, err := t.say(ctx, &firsthand.Erased{Entries: part}); err != nil {
			return err
		}
	}
	t.gone = nil
	return t.fresh(ctx)
}
