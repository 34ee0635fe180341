package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// maxChanges is how many changes one step takes.
const maxChanges = 64

// poll asks the company's system what has happened, and takes it change by
// change. The cursor is committed with what the change before it has caused; a
// crash in between brings the same change again, and it is known by its ID.
func (g *Gateway) poll(ctx context.Context) (more bool, err error) {
	cursor, err := g.cursor(ctx)
	if err != nil {
		return false, err
	}
	n := 0
	for c, err := range g.o.Connector.Changes(ctx, cursor) {
		if err != nil {
			g.o.Log.Warn("changes of the company's system", "err", why(err))
			return false, errPoll
		}
		if err := g.change(ctx, &c); err != nil {
			return false, err
		}
		if err := g.o.Store.Commit(ctx, Commit{Settings: map[string]string{settingCursor: c.Cursor}}); err != nil {
			return false, err
		}
		if n++; n == maxChanges {
			return true, nil
		}
	}
	return false, nil
}

// cursor returns where to go on: at the beginning, if a relationship has come back
// of which nothing was known here when its changes were told. What was taken
// before is known by its ID.
func (g *Gateway) cursor(ctx context.Context) (string, error) {
	var values [3]string
	for i, name := range []string{settingCursor, settingAgain, settingReread} {
		var err error
		if values[i], err = g.o.Store.Setting(ctx, name); err != nil {
			return "", err
		}
	}
	if values[1] == values[2] {
		return values[0], nil
	}
	return "", g.o.Store.Commit(ctx, Commit{Settings: map[string]string{settingCursor: "", settingReread: values[1]}})
}

// errPoll says that the system couldn't be asked, which is no error of ours.
var errPoll = errors.New("the company's system can't be asked")

// change takes one change into each relationship that it concerns.
func (g *Gateway) change(ctx context.Context, c *connector.Change) error {
	rels := []firsthand.ID{c.Relationship}
	if c.Relationship.IsZero() {
		var err error
		if rels, err = g.o.Store.OfRecord(ctx, c.Ref.System, c.Ref.ID); err != nil {
			return err
		}
	}
	for _, rel := range rels {
		key := c.ID + " " + rel.String()
		known, err := g.o.Store.Known(ctx, key)
		if err != nil {
			return err
		}
		if known {
			continue
		}
		value, err := g.now(ctx, c)
		if err != nil {
			return err
		}
		err = g.within(ctx, rel, func(t *turn) error {
			t.c.Changes = append(t.c.Changes, key)
			if err := t.fresh(ctx); err != nil {
				return err
			}
			return errors.Join(t.decided(ctx, c), t.replied(ctx, c), t.changed(ctx, c, value))
		})
		if fault.KindOf(err) == fault.NotExist {
			continue // a relationship of which nothing is known here
		}
		if err != nil {
			return fmt.Errorf("change in the company's system: %w", err)
		}
	}
	return nil
}

// now returns the value that a fact which staff has changed has in the record
// now. What the change itself says may have been overtaken, by staff or by us, so
// it counts only where the system can't be read.
func (g *Gateway) now(ctx context.Context, c *connector.Change) (firsthand.Value, error) {
	if c.Fact == "" {
		return firsthand.Value{}, nil
	}
	rec, err := g.o.Connector.Read(ctx, c.Ref)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return c.Value, nil
	case fault.KindOf(err) == fault.NotExist:
		return firsthand.Value{}, nil
	case err != nil:
		g.o.Log.Warn("read a changed record", "err", why(err))
		return firsthand.Value{}, errPoll
	}
	return rec.Facts[c.Fact], nil
}

// decided takes what a person has decided about a request. While nothing can be
// signed it is kept as a draft of what it will come to: what it is about may have
// been lost with a backup, and may come back.
func (t *turn) decided(ctx context.Context, c *connector.Change) error {
	if c.Of.IsZero() || c.State != connector.Written && c.State != connector.Declined {
		return nil
	}
	d := decision{of: c.Of, ref: c.Ref, written: c.State == connector.Written, reason: cut(c.Reason, maxWhy), at: c.At}
	if t.mute() == "" {
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

// decide lets a decision have its effect: the answer to a request for a right, or
// the outcome of a delivery. That something is written is believed when it has
// been read back.
func (t *turn) decide(ctx context.Context, x decision) error {
	pos := t.state().Pos(x.of)
	if pos.Side != firsthand.First {
		return nil
	}
	d, ok, err := t.delivery(ctx, pos.Seq, Deliver)
	if err != nil || !ok {
		return err
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
		return nil
	}
	d.Why, d.Tries, d.Next = "", 0, t.now
	if !x.ref.IsZero() {
		d.Ref = x.ref
	}
	switch {
	case !x.written:
		d.Status, d.Why = Declined, x.reason
		t.queue(d)
		return t.outcome(ctx, d)
	case t.isStated(x.of) && t.state().Binding == nil:
		d.Status, d.Why = Held, "somebody has written it to a record that is not proved to be hers"
	default:
		d.Status = Checking
	}
	t.queue(d)
	return nil
}

// replied takes what an employee has written.
func (t *turn) replied(ctx context.Context, c *connector.Change) error {
	if c.Text == "" {
		return nil
	}
	m := &firsthand.Message{From: cut(c.Author, 100), Text: cut(c.Text, maxText)}
	return t.fits(t.tell(ctx, m, c.Of, c.At))
}

// maxText leaves room for the rest of a body, with every character escaped.
const maxText = firsthand.MaxBody / 8

// thread returns the message that began the thread to which the answer to an
// entry belongs; the zero ID if that was no message.
func (t *turn) thread(of firsthand.ID) firsthand.ID {
	for _, m := range t.state().Messages {
		if m.Entry == of && !m.Say.Thread.IsZero() {
			return m.Say.Thread
		}
		if m.Entry == of {
			return of
		}
	}
	return firsthand.ID{}
}

// changed tells her of a fact that staff has changed, in a record that is proved
// to be hers or was made for her. What she told is no news to her, nor is what we
// told her last; and where something of hers is on its way, that comes first.
func (t *turn) changed(ctx context.Context, c *connector.Change, value firsthand.Value) error {
	if c.Fact == "" || value.IsZero() || c.Ref.ID != t.row.Record.ID || c.Ref.System != t.row.Record.System {
		return nil
	}
	for _, h := range t.state().Holdings {
		if h.Fact != c.Fact || !h.Live(t.now) {
			continue
		}
		if h.Value.Equal(value) {
			return nil
		}
		if pos := t.state().Pos(h.Last); pos.Side == firsthand.First {
			d, ok, err := t.delivery(ctx, pos.Seq, Deliver)
			if err != nil || ok && (d.Status == Waiting || d.Status == Checking) {
				return err
			}
		}
	}
	return t.fits(t.tell(ctx, &firsthand.Holds{Fact: c.Fact, Value: value, Origin: firsthand.Observed, Source: "staff"}, firsthand.ID{}, c.At))
}

// fits drops what the company's system says and the protocol has no place for.
func (t *turn) fits(err error) error {
	if fault.KindOf(err) == fault.Invalid {
		t.g.o.Log.Warn("not said", "relationship", t.r.id, "rule", fault.RuleOf(err))
		return nil
	}
	return err
}
