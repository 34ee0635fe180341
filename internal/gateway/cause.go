package gateway

import (
	"context"
	"fmt"

	"firsthand"
	"firsthand/fault"
	"firsthand/terms"
)

// cause adds to the turn what an entry of first's, which has effect, makes the
// gateway say or do. It is called when the entry is taken, and by attend for all
// entries, so it adds nothing that is there already. The turn is not mute.
func (t *turn) cause(ctx context.Context, e *firsthand.Entry) error {
	switch e.Kind() {
	case "message", "change":
		return t.deliver(ctx, e, firsthand.OneMonthAfter(e.At))
	case "request":
		return t.deliver(ctx, e, t.answerDue(e.ID))
	case "disclose":
		return t.causeDisclose(ctx, e)
	case "withdraw":
		return t.causeWithdraw(ctx, e)
	case "terms.offer":
		return t.answerOffer(ctx, e.ID)
	case "close", "terms.end":
		_, err := t.endings(ctx)
		return err
	case "claim":
		return t.causeClaim(ctx, e)
	case "proof":
		return t.prove(ctx, e)
	case "rotate":
		return t.disown(ctx)
	case "pause": // it may be shorter than the one before
		if d, ok, err := t.delivery(ctx, reviewSeq, Review); err != nil || !ok || d.Status != Later {
			return err
		}
		t.reviewAt(t.now)
	}
	return nil
}

// as returns what e says, which is known to be of the kind that T is.
func as[T firsthand.Content](e *firsthand.Entry) (t T, err error) {
	c, err := firsthand.DecodeBody(e.Body)
	if err != nil {
		return t, err
	}
	t, ok := c.(T)
	if !ok {
		return t, fmt.Errorf("an entry of kind %s", c.Kind())
	}
	return t, nil
}

// once queues d unless there is such a delivery. When an entry has just been
// taken there can't be one, and the store is not asked.
func (t *turn) once(ctx context.Context, d Delivery) error {
	if t.attending {
		if _, ok, err := t.delivery(ctx, d.Seq, d.Task); ok || err != nil {
			return err
		}
	}
	t.queue(d)
	return nil
}

// deliver queues e for the company's system.
func (t *turn) deliver(ctx context.Context, e *firsthand.Entry, due firsthand.Date) error {
	l := t.g.laneFor(e.Kind())
	d := Delivery{Seq: e.Seq, Task: Deliver, Lane: l.name, Entry: e.ID, Status: Waiting, Next: t.now, Due: due}
	if l.connector == nil {
		d.Status, d.Why = Held, noConnector
	}
	return t.once(ctx, d)
}

// mayBeDone reports whether e may have been brought to the system by what a backup
// has lost. Her clock and ours may be wrong by two days each.
func (t *turn) mayBeDone(e *firsthand.Entry) bool {
	return e.At.Before(t.row.Noticed.AddDate(0, 0, 4))
}

const noConnector = "no system is connected: do it by hand, and say so"

// causeDisclose delivers a fact, and sets the end that it was given until.
func (t *turn) causeDisclose(ctx context.Context, e *firsthand.Entry) error {
	if err := t.deliver(ctx, e, firsthand.OneMonthAfter(e.At)); err != nil {
		return err
	}
	h := t.holding(e.ID)
	if h == nil || h.Until == "" {
		return nil
	}
	next, law := t.g.retained(h.Fact, h.Until.End())
	return t.once(ctx, Delivery{Seq: e.Seq, Task: Redact, Entry: e.ID, Status: Later, Next: next, Why: law})
}

// causeWithdraw ends a holding now, or tells her by which law it is kept.
func (t *turn) causeWithdraw(ctx context.Context, e *firsthand.Entry) error {
	if err := t.fresh(ctx); err != nil {
		return err
	}
	withdraw, err := as[*firsthand.Withdraw](e)
	if err != nil {
		return err
	}
	kept, err := t.endings(ctx)
	if err != nil || kept[withdraw.Disclosure] == "" || t.state().Outcomes[e.ID] != nil {
		return err
	}
	return t.sayIfFits(ctx, &firsthand.Refused{Entry: e.ID, Reason: kept[withdraw.Disclosure]})
}

// answerOffer gives the company's one answer to an offer: at once, and by policy
// alone.
func (t *turn) answerOffer(ctx context.Context, offer firsthand.ID) error {
	if err := t.fresh(ctx); err != nil {
		return err
	}
	var o *firsthand.Offer
	for _, each := range t.state().Offers {
		if each.Entry == offer {
			o = each
		}
	}
	if o == nil || !o.Open() || o.Counter != nil || o.Until.Over(t.now) {
		return nil
	}
	a := t.g.o.Roster.Answer(o.Terms, t.g.o.Company.Terms)
	var c firsthand.Content
	switch a.Verdict {
	case terms.Accept:
		c = &firsthand.TermsAccept{Offer: offer, Terms: a.Terms}
	case terms.Counter:
		c = &firsthand.TermsCounter{Offer: offer, Terms: a.Terms}
	default:
		c = &firsthand.TermsRefuse{Offer: offer, Reason: "We accept none of these agreements."}
	}
	return t.sayIfFits(ctx, c)
}

// sayIfFits is say for what may have become void meanwhile, which is logged and
// left.
func (t *turn) sayIfFits(ctx context.Context, c firsthand.Content) error {
	_, err := t.say(ctx, c)
	if fault.KindOf(err) == fault.Invalid {
		t.g.o.Log.Warn("not said", "relationship", t.r.id, "kind", c.Kind(), "rule", fault.RuleOf(err))
		return nil
	}
	return err
}

// disown deals with what a thief wrote: what was not delivered will not be, and what
// was is for an operator to put right.
func (t *turn) disown(ctx context.Context) error {
	if err := t.fresh(ctx); err != nil {
		return err
	}
	thief := make(map[firsthand.ID]bool)
	for _, f := range t.state().Flags {
		thief[f.Entry] = thief[f.Entry] || f.Rule == "rotate-disowned"
	}
	all, err := t.deliveries(ctx)
	if err != nil {
		return err
	}
	for _, d := range all {
		if !thief[d.Entry] || d.Why == stolen {
			continue // or there is nothing to do any more
		}
		if d.Task == Deliver && d.Status == Applied {
			d.Status, d.Why, d.Due = Held, stolen, firsthand.OneMonthAfter(t.now)
			t.queue(d)
		} else {
			t.stopDelivery(d)
		}
	}
	return nil
}

const stolen = "it was written by a thief of her key, and is in the system: put it right"
