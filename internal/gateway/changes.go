package gateway

import (
	"context"
	"errors"
	"fmt"

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
	cursor, err := g.o.Store.Setting(ctx, settingCursor)
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

// decided takes what a person has decided about a request.
func (t *turn) decided(ctx context.Context, c *connector.Change) error {
	pos := t.state().Pos(c.Of)
	if pos.Side != firsthand.First || c.State != connector.Written && c.State != connector.Declined {
		return nil
	}
	d, ok, err := t.delivery(ctx, pos.Seq, Deliver)
	if err != nil || !ok {
		return err
	}
	if due := t.answerDue(c.Of); due != "" {
		a := &firsthand.Answer{Request: c.Of, Outcome: "done"}
		if c.State == connector.Declined {
			a.Outcome, a.Text = "refused", c.Reason
		}
		if err := t.tell(ctx, a, c.Of, c.At); err != nil {
			return err
		}
		d.Due = t.answerDue(c.Of)
		t.queue(d)
		return nil
	}
	if t.state().Outcomes[c.Of] != nil || d.Status == Done {
		return nil
	}
	d.Why, d.Tries, d.Next = "", 0, t.now
	if !c.Ref.IsZero() {
		d.Ref = c.Ref
	}
	if c.State == connector.Declined {
		d.Status, d.Why = Declined, cut(c.Reason, maxWhy)
		t.queue(d)
		return t.outcome(ctx, d)
	}
	if t.isStated(c.Of) && t.state().Binding == nil {
		d.Status, d.Why = Held, "somebody has written it to a record that is not proved to be hers"
	} else {
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
