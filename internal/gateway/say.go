package gateway

import (
	"context"
	"fmt"
	"time"

	"firsthand"
)

// mute says why nothing can be signed now, "" if it can.
func (t *turn) mute() string {
	if t.row.Restored {
		return "the agent has not yet told what it has"
	}
	return t.row.Frozen
}

// say signs the next entry of second's log. The caller has found the turn not
// mute. An error of kind Invalid means that the entry would have no effect; then
// nothing was changed.
func (t *turn) say(ctx context.Context, c firsthand.Content) (firsthand.ID, error) {
	if err := t.fresh(ctx); err != nil {
		return firsthand.ID{}, err
	}
	key, err := t.g.keyring().signer(t.state().Log(firsthand.Second).Key())
	if err != nil {
		return firsthand.ID{}, err
	}
	return t.sayWith(key, c)
}

// sayWith is say with the key that a rotate or an open introduces.
func (t *turn) sayWith(key *firsthand.Signer, c firsthand.Content) (firsthand.ID, error) {
	salt, err := t.g.salt()
	if err != nil {
		return firsthand.ID{}, err
	}
	e, err := t.state().Write(key, firsthand.Second, t.now, salt, c)
	if err != nil {
		return firsthand.ID{}, fmt.Errorf("say %s: %w", c.Kind(), err)
	}
	t.said = append(t.said, e)
	return e.ID, t.take(e)
}

// tell says what staff or their system said at a time about an entry, or keeps it
// as a draft while it can't be signed. While a side pauses only duties are
// fulfilled; a closed relationship has nothing but duties left, and the rest is
// dropped.
func (t *turn) tell(ctx context.Context, c firsthand.Content, of firsthand.ID, made time.Time) error {
	if err := t.fresh(ctx); err != nil {
		return err
	}
	if t.mute() == "" && made.Before(t.row.Noticed) && t.saidBefore(c, made) {
		return nil
	}
	view := t.state().At(t.now)
	duty := c.Kind() == "answer" || c.Kind() == "terms.end" || c.Kind() == "close" // the last two start duties
	if view.Closed && !duty {
		t.g.o.Log.Warn("not said: the relationship is closed", "relationship", t.r.id, "kind", c.Kind())
		return nil
	}
	if t.mute() != "" || view.Paused && !duty {
		body, err := firsthand.EncodeBody(c)
		if err != nil {
			return err
		}
		t.c.AddDrafts = append(t.c.AddDrafts, Draft{Rel: t.r.id, Body: body, Of: of, Made: made})
		if t.mute() == "" {
			t.reviewAt(t.pausedUntil())
		}
		return nil
	}
	if m, ok := c.(*firsthand.Message); ok && m.Thread.IsZero() {
		m.Thread = t.thread(of)
	}
	_, err := t.say(ctx, c)
	return err
}

// pausedUntil returns when both sides' pauses have ended.
func (t *turn) pausedUntil() (end time.Time) {
	last := map[firsthand.Side]firsthand.Date{}
	for _, p := range t.state().Pauses {
		last[p.Side] = p.Say.Until
	}
	for _, until := range last {
		if e := until.End(); e.After(end) {
			end = e
		}
	}
	return end
}

// reviewSeq stands in for the seq of an entry: a relationship has one review.
const reviewSeq = 0

// reviewAt has the relationship looked at as a whole at a time.
func (t *turn) reviewAt(at time.Time) {
	t.queue(Delivery{Seq: reviewSeq, Task: Review, Status: Later, Next: at})
}
