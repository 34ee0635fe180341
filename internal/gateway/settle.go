package gateway

import (
	"context"
	"errors"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// settle writes down what a step of d came to, unless somebody else has dealt
// with d meanwhile, and says it.
func (g *Gateway) settle(ctx context.Context, d Delivery, o outcome) error {
	// The connector has done what it has done, also if we are stopping.
	ctx = context.WithoutCancel(ctx)
	l := g.lane(d.Lane)
	switch {
	case o.err == nil || fault.KindOf(o.err) != fault.Unavailable:
		g.reached(l)
	case !errors.Is(o.err, context.Canceled):
		g.trouble(l, o.err)
		g.missed(l, d.Rel, g.o.Now())
	}
	if o.err != nil && fault.KindOf(o.err) != fault.Unavailable {
		g.trouble(l, o.err)
	}
	return g.within(ctx, d.Rel, func(t *turn) error {
		now, ok, err := t.delivery(ctx, d.Seq, d.Task)
		if err != nil || !ok || now.Status != d.Status || now.Lane != d.Lane {
			return err
		}
		return t.settle(ctx, now, o)
	})
}

// settle is Gateway.settle within a turn.
func (t *turn) settle(ctx context.Context, d Delivery, o outcome) error {
	if o.err != nil {
		return t.failed(d, o)
	}
	d.Status, d.Why, d.Tries, d.Reported, d.Next = o.status, o.why, min(d.Tries, 1), o.reported, t.now
	if o.status == Done {
		d.Due = ""
	}
	if o.status == Waiting {
		d.Lane, d.Tries = o.next, 0
	}
	if !o.ref.IsZero() {
		d.Ref = o.ref
	}
	if d.Task == Deliver && o.status == Applied && t.hasRecord(d) {
		t.placed(d)
	}
	t.queue(d)
	if d.Task == Deliver && (d.Status == Proposed || d.Status == Done) {
		return t.decidedBefore(ctx, d)
	}
	return t.outcome(ctx, d)
}

// placed notes in which record a fact of hers is. Where she was bound to another
// between two tries, the system has it where the first try brought it.
func (t *turn) placed(d Delivery) {
	switch {
	case t.row.Record.IsZero():
		t.row.Record = d.Ref
		t.row.Record.Version = ""
	case t.row.Record.ID != d.Ref.ID && !d.Ref.IsZero():
		t.queue(Delivery{Seq: d.Seq, Task: Merge, Entry: d.Entry, Status: Held, Ref: d.Ref, Due: firsthand.OneMonthAfter(t.now), Why: twoRecords})
	}
}

const twoRecords = "before the proof, a record was made for her: put the two together"

// hasRecord reports whether d is about a fact, which goes into a record, and not
// into a ticket.
func (t *turn) hasRecord(d Delivery) bool { return t.holding(d.Entry) != nil }

// failed writes down an error: to be tried again if it will pass, else to be
// looked at.
func (t *turn) failed(d Delivery, o outcome) error {
	if o.status != "" {
		d.Status = o.status
	}
	if !o.ref.IsZero() {
		d.Ref = o.ref
	}
	if d.Task != Deliver { // which prepare has counted
		d.Tries++
	}
	d.Why = why(o.err)
	if fault.KindOf(o.err) != fault.Unavailable {
		d.Status = Stopped
		t.queue(d)
		t.g.o.Log.Warn("delivery stopped", "relationship", t.r.id, "task", d.Task, "entry", d.Entry, "kind", fault.KindOf(o.err))
		return nil
	}
	switch asked := min(connector.WaitOf(o.err), longestPause); {
	case errors.Is(o.err, context.Canceled):
		d.Next = t.now.Add(callTime) // it was we who stopped; the system may go on
	case asked > 0:
		d.Next = t.now.Add(max(asked, t.g.backoff(d.Tries)))
	default:
		d.Next = t.now.Add(t.g.backoff(d.Tries))
		t.g.waits(d)
	}
	t.queue(d)
	return nil
}

// longestPause is the longest that a system is left alone because it asks for that.
const longestPause = time.Hour

// backoff is how long to wait after n failures: 2 s, 4 s, … up to some four minutes,
// each plus up to half as much again, so that a system that comes back isn't called by
// everyone at once. What keeps the load off it while it is down is the lane's breaker.
func (g *Gateway) backoff(n int) time.Duration {
	pause := time.Second << min(n, 8)
	var b [4]byte
	if err := g.fill(b[:]); err != nil {
		return pause // without chance, calls only come closer together
	}
	share := int64(b[0])<<16 | int64(b[1])<<8 | int64(b[2])
	return pause + time.Duration(int64(pause/2)*share>>24)
}
