package gateway

import (
	"context"
	"time"

	"firsthand"
	"firsthand/fault"
)

// attend looks at the whole relationship: everything that it makes the gateway
// say or do, and that is neither said nor queued, is said or queued now. That is
// derived from the logs and the rows alone. It is done when a relationship comes
// back from being restored or frozen, and at times that were set for it; in
// between, what a call or a delivery brings is enough.
func (t *turn) attend(ctx context.Context) error {
	if t.mute() != "" {
		return nil
	}
	t.attending = true
	defer func() { t.attending = false }()
	if err := t.followChain(ctx); err != nil {
		return err
	}
	if err := t.fresh(ctx); err != nil {
		return err
	}
	if b := t.state().Binding; b != nil {
		t.row.Record.System, t.row.Record.ID = b.System, b.Record
	}
	first, err := t.log(ctx, firsthand.First)
	if err != nil {
		return err
	}
	flagged := make(map[firsthand.ID]bool)
	for _, f := range t.state().Flags {
		flagged[f.Entry] = true
	}
	for i := range first {
		if e := &first[i]; e.HasBody() && !flagged[e.ID] {
			if err := t.cause(ctx, e); err != nil {
				return err
			}
		}
	}
	if err := t.bind(ctx); err != nil {
		return err
	}
	if err := t.sayDrafts(ctx); err != nil {
		return err
	}
	if _, err := t.endings(ctx); err != nil { // also for what second has ended
		return err
	}
	all, err := t.deliveries(ctx)
	if err != nil {
		return err
	}
	for _, d := range all {
		gone := t.g.lane(d.Lane).name != d.Lane && d.Status == Waiting
		switch {
		case t.saidAlready(&d) || gone: // the latter finds its lane when its turn comes
			d.Lane = t.g.lane(d.Lane).name
			t.queue(d)
		case d.Task == Deliver && d.Status != Held && t.void(d.Entry):
			t.stopDelivery(d) // how it ended, a backup had lost
		}
		if err := t.outcome(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// forgetAfter is how long a decision is kept about an entry that isn't here.
const forgetAfter = 30 * 24 * time.Hour

// sayDrafts signs what staff and their system said while it couldn't be.
func (t *turn) sayDrafts(ctx context.Context) error {
	drafts, err := t.g.o.Store.Drafts(ctx, t.r.id)
	if err != nil {
		return err
	}
	for _, d := range drafts {
		c, err := firsthand.DecodeBody(d.Body)
		if err != nil {
			return err
		}
		x, decided := decisionOf(c, d.Made)
		if decided && !t.knows(x) && t.now.Sub(d.Made) < forgetAfter {
			continue // what it is about may still come back
		}
		t.c.DropDrafts = append(t.c.DropDrafts, d.ID)
		if decided {
			if t.knows(x) {
				err = t.decide(ctx, x)
			}
			if err != nil {
				return err
			}
			continue
		}
		// Where it is still not the time for it, tell makes a draft of it again.
		if err := t.tell(ctx, c, d.Of, d.Made); fault.KindOf(err) == fault.Invalid {
			t.g.o.Log.Warn("draft dropped", "relationship", t.r.id, "rule", fault.RuleOf(err))
		} else if err != nil {
			return err
		}
	}
	return nil
}

// saidBefore reports whether second's log says c since made. After a backup was
// put back, the company's system tells again what it had told, and the entries
// that said so were taken back from the agent.
func (t *turn) saidBefore(c firsthand.Content, made time.Time) bool {
	made = made.Truncate(time.Minute)
	switch c := c.(type) {
	case *firsthand.Message:
		for _, m := range t.state().Messages {
			if m.Side == firsthand.Second && m.Say.From == c.From && m.Say.Text == c.Text && !m.At.Before(made) {
				return true
			}
		}
	case *firsthand.Holds:
		for _, h := range t.state().Holdings {
			if t.state().Pos(h.Entry).Side == firsthand.Second && h.Fact == c.Fact && h.Origin == c.Origin && h.Value.Equal(c.Value) {
				return true
			}
		}
	case *firsthand.Answer:
		for _, r := range t.state().Requests {
			if r.Entry == c.Request && r.Answer != nil && r.Answer.Say.Outcome == c.Outcome {
				return true
			}
		}
	}
	return false
}

// followChain rotates second's log to the company's key in force, one key after
// the other. A log that is empty is begun: by the key that she pinned, which may
// have been replaced since, and moved on at once, as a relationship that is older
// would be.
func (t *turn) followChain(ctx context.Context) error {
	keys := t.g.keyring()
	empty, key := t.state().Log(firsthand.Second).Head.Seq == 0, t.state().Log(firsthand.Second).Key()
	if empty {
		key = t.state().Opened.CompanyKey
	}
	n := keys.reached(key)
	if n == 0 {
		return errNotInChain
	}
	if empty {
		pinned := keys.Chain[n-1]
		signer, err := keys.signer(pinned.Key)
		if err != nil {
			return fault.Refuse(fault.Conflict, "open-pinned", "the company has another key by now: fetch its document again")
		}
		if _, err := t.sayWith(signer, &firsthand.Open{Role: "company", Key: pinned.Key, Next: pinned.Next}); err != nil {
			return err
		}
	}
	for _, next := range keys.Chain[n:] {
		key, err := keys.signer(next.Key)
		if err != nil {
			return err
		}
		if err := t.fresh(ctx); err != nil {
			return err
		}
		if _, err := t.sayWith(key, &firsthand.Rotate{Key: next.Key, Next: next.Next}); err != nil {
			return err
		}
	}
	return nil
}

var errNotInChain = fault.Tell(fault.Internal, "The chain file lacks a key that the company has used.", "Restore the newest chain file.")
