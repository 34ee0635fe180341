package gateway

import (
	"context"
	"fmt"
	"slices"
	"time"

	"firsthand"
)

// Retention says that a law obliges the company to keep a fact for some time
// after its disclosure has ended.
type Retention struct {
	Fact string `json:"fact"` // as in entries: address.billing
	Days int    `json:"days"` // counted from the end
	Law  string `json:"law"`  // as the customer reads it, when she takes the fact back
}

// retained returns until when a fact is kept that ends at a time, and if that is
// longer, because of which law.
func (g *Gateway) retained(fact string, from time.Time) (until time.Time, law string) {
	i := slices.IndexFunc(g.o.Retention, func(r Retention) bool { return r.Fact == fact })
	if i < 0 {
		return from, ""
	}
	r := g.o.Retention[i]
	until = from.AddDate(0, 0, r.Days)
	return until, fmt.Sprintf("kept until %s: %s", firsthand.DateOf(until), r.Law)
}

// endings queues the erasure of everything that has ended or is to end because she
// took it back, because its agreement was ended, or because the relationship was.
// It reports, by the entry that began it, the law that keeps something longer.
func (t *turn) endings(ctx context.Context) (kept map[firsthand.ID]string, err error) {
	if err := t.fresh(ctx); err != nil {
		return nil, err
	}
	kept = make(map[firsthand.ID]string)
	end := func(begun firsthand.ID, fact string, from time.Time) error {
		law, err := t.ends(ctx, begun, fact, from)
		if law != "" {
			kept[begun] = law
		}
		return err
	}
	for _, h := range t.state().Holdings {
		if from := t.endOf(h); !from.IsZero() {
			if err := end(h.Entry, h.Fact, from); err != nil {
				return nil, err
			}
		}
	}
	// What she has erased herself is no holding any more, but we still have it.
	for _, d := range t.state().Duties {
		if d.What != "erase" || d.Owner != firsthand.Second || !d.Done.IsZero() || t.holding(d.Of) != nil {
			continue
		}
		v, err := t.begun(ctx, d.Of)
		if err != nil {
			return nil, err
		}
		if v.fact == "" {
			continue
		}
		if err := end(d.Of, v.fact, t.now); err != nil {
			return nil, err
		}
	}
	return kept, nil
}

// holding returns the holding that entry id began or changed, nil if there is
// none, or if nothing is left of it but that it was taken back.
func (t *turn) holding(id firsthand.ID) *firsthand.Holding {
	if h := t.state().Holding(id); h != nil && h.Fact != "" {
		return h
	}
	return nil
}

// begun is what the entry that began a holding says, if its body is still here.
type begun struct {
	fact   string
	until  firsthand.Date
	stated bool
}

func (t *turn) begun(ctx context.Context, id firsthand.ID) (b begun, err error) {
	pos := t.state().Pos(id)
	if pos.Side != firsthand.First {
		return b, nil
	}
	e, err := t.entry(ctx, pos.Seq)
	if err != nil || !e.HasBody() {
		return b, err
	}
	c, err := firsthand.DecodeBody(e.Body)
	switch c := c.(type) {
	case *firsthand.Disclose:
		b = begun{fact: c.Fact, until: c.Until}
	case *firsthand.Change:
		b = begun{fact: c.Fact, stated: c.Of.IsZero()}
	}
	return b, err
}

// endOf returns when h ends because somebody has said so; the zero time if nobody
// has, or if it is the company's own account.
func (t *turn) endOf(h *firsthand.Holding) time.Time {
	if t.state().Pos(h.Entry).Side != firsthand.First {
		return time.Time{}
	}
	if !h.Withdraw.IsZero() || len(t.state().Closed) > 0 && h.Origin == firsthand.Told {
		return t.now
	}
	if a := t.state().Agreement(h.Basis.Agreement); a != nil && a.End != "" && h.Origin == firsthand.Told {
		if from, err := time.Parse(time.DateOnly, string(a.End)); err == nil { // a Date always parses
			return from
		}
	}
	return time.Time{}
}

// ended reports whether the company may no longer hold h.
func (t *turn) ended(h *firsthand.Holding) bool {
	from := t.endOf(h)
	return h.Until.Over(t.now) || !from.IsZero() && !from.After(t.now)
}

// ends queues the erasure of what an entry began, from a time on, which may lie
// ahead. Where a law keeps it longer, it returns the sentence that says so.
func (t *turn) ends(ctx context.Context, begun firsthand.ID, fact string, from time.Time) (kept string, err error) {
	d := Delivery{Seq: t.state().Pos(begun).Seq, Task: Redact, Entry: begun, Status: Waiting, Due: t.dutyDue("erase", begun)}
	d.Next, kept = t.g.retained(fact, from)
	d.Why = kept
	if d.Next.After(t.now) {
		d.Status, d.Due = Later, ""
	}
	old, ok, err := t.delivery(ctx, d.Seq, d.Task)
	if err != nil {
		return "", err
	}
	switch {
	case ok && old.Status != Later:
		return "", nil // under way
	case ok && !d.Next.Before(old.Next):
		return old.Why, nil // what was set for a later time gives way, and no other
	}
	t.queue(d)
	return kept, nil
}

// dutyDue returns the date of a duty that the fold knows, or a month from now.
func (t *turn) dutyDue(what string, of firsthand.ID) firsthand.Date {
	for _, d := range t.state().Duties {
		if d.What == what && d.Of == of && d.Done.IsZero() {
			return d.Due
		}
	}
	return firsthand.OneMonthAfter(t.now)
}

// owed reports whether the company owes something about an entry.
func (t *turn) owed(what string, of firsthand.ID) bool {
	return slices.ContainsFunc(t.state().Duties, func(d *firsthand.Duty) bool {
		return d.What == what && d.Of == of && d.Done.IsZero() && d.Owner == firsthand.Second
	})
}
