package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// maxChanges is how many changes one step takes.
const maxChanges = 64

// poll asks the system of l what has happened, and takes it change by change. The
// cursor is committed with what the change before it has caused; a crash in between
// brings the same change again, and it is known by its ID.
func (g *Gateway) poll(ctx context.Context, l *lane) (more bool, err error) {
	cursor, err := g.cursor(ctx, l)
	if err != nil {
		return false, err
	}
	n := 0
	for c, err := range l.connector.Changes(ctx, cursor) {
		if err != nil {
			g.o.Log.Warn("the company's system can't be asked for changes", "system", l.name.Member(), "kind", fault.KindOf(err)) // its words may be about a customer
			g.trouble(l, err)
			return false, errors.Join(errPoll, err)
		}
		if err := g.change(ctx, l, &c); err != nil {
			return false, err
		}
		if err := g.commit(ctx, Commit{Settings: map[string]string{l.key(settingCursor): c.Cursor}}); err != nil {
			return false, err
		}
		if n++; n == maxChanges {
			return true, nil
		}
	}
	return false, nil
}

// cursor returns where to go on with l: at the beginning, if a relationship has come back
// of which nothing was known here when its changes were told. What was taken
// before is known by its ID.
func (g *Gateway) cursor(ctx context.Context, l *lane) (string, error) {
	var values [3]string
	for i, name := range []string{l.key(settingCursor), settingAgain, l.key(settingReread)} {
		var err error
		if values[i], err = g.o.Store.Setting(ctx, name); err != nil {
			return "", err
		}
	}
	if values[1] == values[2] {
		return values[0], nil
	}
	return "", g.commit(ctx, Commit{Settings: map[string]string{l.key(settingCursor): "", l.key(settingReread): values[1]}})
}

// errPoll says that the system couldn't be asked, which is no error of ours.
var errPoll = errors.New("the company's system can't be asked")

// change takes one change in the system of l into each relationship that it concerns.
func (g *Gateway) change(ctx context.Context, l *lane, c *connector.Change) error {
	rels := []firsthand.ID{c.Relationship}
	if c.Relationship.IsZero() {
		var err error
		if rels, err = g.o.Store.OfRecord(ctx, c.Ref.System, c.Ref.ID); err != nil {
			return err
		}
	}
	for _, rel := range rels {
		key := c.ID + " " + rel.String()
		if l.name == Tickets { // two systems may call theirs the same
			key = "tickets " + key
		}
		known, err := g.o.Store.Known(ctx, key)
		if err != nil {
			return err
		}
		if known {
			continue
		}
		value, err := g.now(ctx, l, c)
		if err != nil {
			return err
		}
		err = g.within(ctx, rel, func(t *turn) error {
			if known, err := t.tookChange(ctx, key); known || err != nil {
				return err
			}
			t.c.Changes = append(t.c.Changes, key)
			if err := t.fresh(ctx); err != nil {
				return err
			}
			return errors.Join(t.decided(ctx, c), t.replied(ctx, c), t.changed(ctx, c, value))
		})
		switch {
		case fault.KindOf(err) == fault.NotExist:
			// Of this relationship nothing is known here. It may have been lost with a
			// backup, and come back.
			if err := g.commit(ctx, Commit{Settings: map[string]string{settingUnheard + rel.String(): "1"}}); err != nil {
				return err
			}
		case fault.RuleOf(err) != "": // a log that can't be folded: the others go on
			g.o.Log.Error("change not taken", "relationship", rel, "err", err)
		case err != nil:
			return fmt.Errorf("change in the company's system: %w", err)
		}
	}
	return nil
}

// now returns the value that a fact which staff has changed has in the record
// now. What the change itself says may have been overtaken, by staff or by us, so
// it counts only where the system can't be read.
func (g *Gateway) now(ctx context.Context, l *lane, c *connector.Change) (firsthand.Value, error) {
	if c.Fact == "" {
		return firsthand.Value{}, nil
	}
	rec, err := l.connector.Read(ctx, c.Ref)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return c.Value, nil
	case fault.KindOf(err) == fault.NotExist:
		return firsthand.Value{}, nil
	case err != nil:
		g.o.Log.Warn("read a changed record", "kind", fault.KindOf(err))
		return firsthand.Value{}, errors.Join(errPoll, err)
	}
	return rec.Facts[c.Fact], nil
}

// replied takes what an employee has written, or that a matter is done.
func (t *turn) replied(ctx context.Context, c *connector.Change) error {
	if c.Text == "" && !c.Resolved {
		return nil
	}
	// What is done is the matter of a thread of hers.
	m := &firsthand.Message{From: cut(c.Author, 100), Text: cut(cmp.Or(c.Text, done), maxText), Resolved: c.Resolved && !t.thread(c.Of).IsZero()}
	if c.Resolved && !m.Resolved && c.Text == "" {
		return nil
	}
	return t.fits(t.tell(ctx, m, c.Of, c.At))
}

// done is what a company says of a matter that staff have closed without a word.
const done = "This matter has been closed as done."

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
