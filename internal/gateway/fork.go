package gateway

import (
	"context"

	"firsthand"
	"firsthand/fault"
)

// Why a relationship is frozen; see [Relationship].
const (
	// frozenFirst ends when she has settled all evidence.
	frozenFirst = "the customer's log forked: two entries of hers have one place. Her reconcile ends this, or her rotation"
	// frozenKeys ends when the key or chain file has what it lacks.
	frozenKeys = "the key file or the chain file lacks a key of the company's under which this relationship is"
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

// thaw ends a freeze when she has settled all evidence, or the missing key is back,
// and reports whether it did.
func (in *intake) thaw(ctx context.Context) (bool, error) {
	switch in.row.Frozen {
	case frozenKeys:
		key := in.state().Log(firsthand.Second).Key()
		if _, err := in.g.keyring().signer(key); err != nil || in.g.keyring().reached(key) == 0 {
			return false, nil
		}
		in.row.Frozen = ""
		return true, nil
	case frozenFirst:
	default:
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

// freeze notes why nothing can be signed any more, and nothing else of the turn.
func (t *turn) freeze(ctx context.Context, why string) error {
	t.row = t.r.row
	t.row.Frozen = why
	t.c = Commit{Relationships: []Relationship{t.row}}
	if err := t.g.commit(ctx, t.c); err != nil {
		return err
	}
	t.r.row, t.c = t.row, Commit{}
	t.g.o.Log.Error("relationship frozen", "relationship", t.r.id, "why", why)
	return nil
}
