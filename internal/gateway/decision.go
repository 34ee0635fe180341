package gateway

import (
	"cmp"
	"context"
	"time"

	"firsthand"
	"firsthand/connector"
)

// decided takes what a person has decided about a request. While nothing can be
// signed, and where nothing is known of the request, it is kept as a draft of what
// it will come to: what was lost with a backup may come back.
func (t *turn) decided(ctx context.Context, c *connector.Change) error {
	if c.Of.IsZero() || c.State != connector.Written && c.State != connector.Declined {
		return nil
	}
	d := decision{of: c.Of, ref: c.Ref, written: c.State == connector.Written, reason: cut(c.Reason, maxWhy), at: c.At}
	if t.mute() == "" && t.knows(d) {
		return t.decide(ctx, d)
	}
	body, err := firsthand.EncodeBody(d.content())
	if err != nil {
		return err
	}
	t.c.AddDrafts = append(t.c.AddDrafts, Draft{Rel: t.r.id, Body: body, Of: c.Of, Made: c.At})
	return nil
}

// A decision is what a person has decided about a request.
type decision struct {
	of      firsthand.ID
	written bool
	ref     connector.Ref // with written
	reason  string        // without
	at      time.Time
}

// content returns d as a draft keeps it.
func (d *decision) content() firsthand.Content {
	if d.written {
		return &firsthand.Applied{Entry: d.of, System: cmp.Or(d.ref.System, unnamed), Record: d.ref.ID}
	}
	return &firsthand.Refused{Entry: d.of, Reason: cmp.Or(d.reason, notAccepted)}
}

// decisionOf is the inverse of content.
func decisionOf(c firsthand.Content, at time.Time) (d decision, ok bool) {
	switch c := c.(type) {
	case *firsthand.Applied:
		return decision{of: c.Entry, written: true, ref: connector.Ref{System: c.System, ID: c.Record}, at: at}, true
	case *firsthand.Refused:
		return decision{of: c.Entry, reason: c.Reason, at: at}, true
	}
	return d, false
}

// knows reports whether the entry that d is about is in the log.
func (t *turn) knows(d decision) bool { return t.state().Pos(d.of).Side == firsthand.First }

// decidedBefore lets a decision about d's entry have its effect that came before
// the entry did.
func (t *turn) decidedBefore(ctx context.Context, d Delivery) error {
	drafts, err := t.g.o.Store.Drafts(ctx, t.r.id)
	if err != nil {
		return err
	}
	for _, draft := range drafts {
		if draft.Of != d.Entry {
			continue
		}
		c, err := firsthand.DecodeBody(draft.Body)
		if err != nil {
			return err
		}
		if x, ok := decisionOf(c, draft.Made); ok {
			t.c.DropDrafts = append(t.c.DropDrafts, draft.ID)
			return t.decide(ctx, x)
		}
	}
	return nil
}

// decide lets a decision have its effect: the answer to a request for a right, or
// the outcome of a delivery. That something is written is believed when it has
// been read back.
func (t *turn) decide(ctx context.Context, x decision) error {
	if err := t.fresh(ctx); err != nil {
		return err
	}
	d, ok, err := t.delivery(ctx, t.state().Pos(x.of).Seq, Deliver)
	switch {
	case err != nil || d.Why == stolen: // which is to be put right as it is
		return err
	case t.void(x.of): // whatever its delivery looks like, which an old file may have, or lack
		t.stopDelivery(d)
		return t.decidedLate(ctx, x)
	case !ok:
		return nil
	}
	if t.answerDue(x.of) != "" {
		a := &firsthand.Answer{Request: x.of, Outcome: "done"}
		if !x.written {
			a.Outcome, a.Text = "refused", x.reason
		}
		if err := t.tell(ctx, a, x.of, x.at); err != nil {
			return err
		}
		d.Due = t.answerDue(x.of)
		t.queue(d)
		return nil
	}
	if t.state().Outcomes[x.of] != nil || d.Status == Done {
		return t.decidedLate(ctx, x)
	}
	d.Why, d.Tries, d.Next = "", min(d.Tries, 1), t.now
	if !x.ref.IsZero() {
		d.Ref = x.ref
	}
	switch {
	case !x.written:
		d.Status, d.Why = Declined, x.reason
		t.queue(d)
		return t.outcome(ctx, d)
	case t.isStated(x.of) && (t.state().Binding == nil || d.Ref.ID != t.row.Record.ID):
		d.Status, d.Why = Held, notHers
	default:
		d.Status = Checking
	}
	t.queue(d)
	return nil
}

// decidedLate has an operator remove what a person has written into the company's
// system after it had ended and was removed there.
func (t *turn) decidedLate(ctx context.Context, x decision) error {
	kind := t.state().Erasure(x.of).Entries[0].Kind
	if !x.written || kind != "disclose" && kind != "change" {
		return nil
	}
	e, err := t.entry(ctx, t.state().Pos(x.of).Seq)
	if err != nil {
		return err
	}
	begun := x.of
	if h := t.holding(x.of); e.HasBody() && h != nil {
		if !t.ended(h) {
			return nil
		}
		begun = h.Entry
	}
	d, ok, err := t.delivery(ctx, t.state().Pos(begun).Seq, Redact)
	if err != nil {
		return err
	}
	d.Lane = t.g.laneOf(x.ref).name // again, if it has gone on
	if d.Ref = x.ref; !ok || d.Status == Checking || d.Status != Later && d.over("apply") {
		d.Seq, d.Task, d.Entry, d.Status = t.state().Pos(begun).Seq, Redact, begun, Held
		d.Why, d.Due = "somebody has written it to the system after it had ended: remove it", firsthand.OneMonthAfter(t.now)
	}
	t.queue(d)
	return nil
}

const notHers = "somebody has written it to a record that is not proved to be hers"
