package gateway

import (
	"context"
	"errors"
	"fmt"

	"firsthand/connector"
	"firsthand/fault"
)

// An outcome is what a step of a delivery came to: a new status, or an error.
type outcome struct {
	status   Status
	ref      connector.Ref
	why      string
	reported bool
	next     Lane // in which it goes on, with Waiting
	err      error
}

// deliver brings one of first's entries to the company's system: prepare under
// the lock, call the connector without it, settle under it again.
func (g *Gateway) deliver(ctx context.Context, d Delivery) error {
	p, err := g.prepare(ctx, d)
	if err != nil || p == nil {
		return err
	}
	return g.settle(ctx, d, g.carry(ctx, d, p))
}

// carry calls the connector. Each call may be repeated at any later time.
func (g *Gateway) carry(ctx context.Context, d Delivery, p *parcel) outcome {
	o := outcome{status: Applied, ref: d.Ref}
	r := &p.request
	system := g.lane(d.Lane).connector
	if system == nil {
		return outcome{status: Held, why: noConnector}
	}
	if d.Status != Checking {
		if p.warn {
			if err := g.warn(ctx, r); err != nil {
				return outcome{err: err}
			}
		}
		res, err := handOver(ctx, system, r)
		switch {
		case errors.Is(err, errors.ErrUnsupported) && r.Fact == "":
			return outcome{status: Held, why: noPlace}
		case err != nil:
			return outcome{err: err}
		}
		o.ref = res.Ref
		switch res.State {
		case connector.Proposed:
			o.status = Proposed
			return o
		case connector.Declined:
			o.status, o.why = Declined, cut(res.Reason, maxWhy)
			return o
		case connector.Written:
		default:
			return outcome{err: fmt.Errorf("the connector answers %q", res.State)}
		}
		switch {
		case r.Proposal && p.again:
			o.status, o.why = Held, notHers // by a proof that was lost here with a backup
			return o
		case r.Proposal:
			return outcome{err: errors.New("the connector wrote what was only a proposal")}
		case p.stated && res.Ref.ID != r.Record.ID:
			o.status, o.why = Held, notHers // a person wrote it before the proof
			return o
		case res.Reported && !r.Value.IsZero() && !res.Value.Equal(r.Value):
			o.status, o.why = Held, otherValue
			return o
		case res.Reported:
			o.reported = true
			return o
		}
	}
	if r.Value.IsZero() {
		return o // a ticket: there is nothing to compare
	}
	rec, err := g.laneOf(o.ref).connector.Read(ctx, o.ref)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		o.reported = true // on an operator's word, or a person's in the system
	case fault.KindOf(err) == fault.NotExist:
		o.status, o.why = Held, "the record is not there when it is read back"
	case err != nil:
		return outcome{status: Checking, ref: o.ref, err: err}
	case !rec.Facts[r.Fact].Equal(r.Value):
		o.status, o.why = Held, otherValue
	default:
		o.ref = rec.Ref
	}
	return o
}

const noPlace = "the system has no place for this: answer the customer, and say that it is done"

const otherValue = "the system shows another value than the one she gave"

// handOver delivers. Where the record has changed since it was last seen, what
// she says now is newer than what stands there, and it is delivered again against
// the record as it is.
func handOver(ctx context.Context, system connector.Connector, r *connector.Request) (connector.Result, error) {
	for range 3 {
		res, err := system.Deliver(ctx, *r)
		if fault.KindOf(err) != fault.Conflict || r.Record.IsZero() {
			return res, err
		}
		rec, err := system.Read(ctx, r.Record)
		if err != nil {
			return res, err
		}
		r.Record = rec.Ref
	}
	return connector.Result{}, fmt.Errorf("the record changes all the time: %w", fault.Unavailable)
}

// warn tells the contact on record that it is about to change: the one person who
// must hear of it if it isn't her who changes it. It comes before the change,
// because after it the contact on record is the new one.
func (g *Gateway) warn(ctx context.Context, r *connector.Request) error {
	binder, ok := g.records().(connector.Binder)
	if !ok {
		return nil
	}
	_, err := binder.Notify(ctx, r.Record, contactMessage(&g.o.Company, r))
	if fault.KindOf(err) == fault.NotExist {
		return nil // nobody to tell
	}
	return err
}
