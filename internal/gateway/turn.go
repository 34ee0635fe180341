package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"firsthand"
	"firsthand/fault"
)

// A turn is one piece of work in one relationship, under its lock: what is found
// and said goes into one commit. It begins, may commit several times, and ends.
//
// The state in memory runs ahead of the store between Take and commit. If a turn
// ends in between, because something failed, the state is dropped and folded from
// the store when it is needed next.
type turn struct {
	g   *Gateway
	r   *relationship
	row Relationship // r.row as it will be
	now time.Time

	c      Commit
	said   []firsthand.Entry // second's entries of this turn that are committed or will be
	ahead  bool              // the state holds what is not committed
	queued bool              // the commit has deliveries

	attending bool // see attend: what is caused may be there already

	challenges []*Challenge // nil until asked for
}

// begin takes the lock of rel and folds its state if it is not at hand. The
// caller ends the turn if there is no error.
func (g *Gateway) begin(ctx context.Context, rel firsthand.ID) (*turn, error) {
	r, err := g.cache.take(ctx, rel)
	if err != nil {
		return nil, err
	}
	t := &turn{g: g, r: r, now: g.o.Now()}
	if r.state == nil {
		if err := t.load(ctx); err != nil {
			t.end()
			return nil, fmt.Errorf("relationship %s: %w", rel, err)
		}
	}
	t.row = r.row
	return t, nil
}

// load reads row and state from the store.
func (t *turn) load(ctx context.Context) (err error) {
	if t.r.row, err = t.g.o.Store.Relationship(ctx, t.r.id); err != nil {
		return err
	}
	first, second, err := t.logs(ctx)
	if err != nil {
		return err
	}
	return t.fold(first, second)
}

// fold makes the state that of these logs.
func (t *turn) fold(first, second []firsthand.Entry) error {
	s, err := firsthand.Fold(first, second)
	if err != nil {
		t.r.state = nil
		return err
	}
	t.r.state, t.r.cost = s, costEmpty
	for _, log := range [][]firsthand.Entry{first, second} {
		for i := range log {
			t.r.cost += costEntry + len(log[i].Body)
		}
	}
	return nil
}

// logs returns both logs as they will be after the commit.
func (t *turn) logs(ctx context.Context) (first, second []firsthand.Entry, err error) {
	if first, err = t.log(ctx, firsthand.First); err != nil {
		return nil, nil, err
	}
	second, err = t.log(ctx, firsthand.Second)
	return first, second, err
}

func (t *turn) log(ctx context.Context, side firsthand.Side) ([]firsthand.Entry, error) {
	entries, err := firsthand.Collect(t.g.o.Store.Entries(ctx, t.r.id, side, 0))
	if err != nil {
		return nil, err
	}
	for _, p := range t.c.Replace {
		if side == firsthand.Second {
			entries = entries[:p.Seq-1]
		}
	}
	for _, e := range t.c.Entries {
		if e.Side == side {
			entries = append(entries, e)
		}
	}
	return entries, nil
}

// entry returns one entry of first's, which has that seq.
func (t *turn) entry(ctx context.Context, seq int64) (firsthand.Entry, error) {
	for i := range t.c.Entries {
		if e := &t.c.Entries[i]; e.Side == firsthand.First && e.Seq == seq {
			return *e, nil
		}
	}
	for e, err := range t.g.o.Store.Entries(ctx, t.r.id, firsthand.First, seq-1) {
		return e, err
	}
	return firsthand.Entry{}, fmt.Errorf("entry %d of first: %w", seq, fault.NotExist)
}

// state returns the state with heads and keys that are right. Its effects are
// right after fresh.
func (t *turn) state() *firsthand.State { return t.r.state }

// fresh folds the logs anew where an entry came that belongs before others in the
// merged order, or that changed what earlier ones mean.
func (t *turn) fresh(ctx context.Context) error {
	if !t.state().Stale() {
		return nil
	}
	first, second, err := t.logs(ctx)
	if err != nil {
		return err
	}
	return t.fold(first, second)
}

// take extends log and state by e, which has passed Check or was just signed.
func (t *turn) take(e firsthand.Entry) error {
	t.ahead = true
	if err := t.state().Take(e); err != nil {
		return err
	}
	t.c.Entries = append(t.c.Entries, e)
	t.r.cost += costEntry + len(e.Body)
	return nil
}

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

// queue adds or replaces a delivery.
func (t *turn) queue(d Delivery) {
	d.Rel = t.r.id
	// What was read from the store in this turn may have been changed in it.
	t.c.Deliveries = slices.DeleteFunc(t.c.Deliveries, func(e Delivery) bool { return e.Seq == d.Seq && e.Task == d.Task })
	t.c.Deliveries = append(t.c.Deliveries, d)
	t.queued = true
}

// delivery returns a delivery as it will be after the commit, and whether there
// is one.
func (t *turn) delivery(ctx context.Context, seq int64, task Task) (d Delivery, ok bool, err error) {
	for _, d := range t.c.Deliveries {
		if d.Seq == seq && d.Task == task {
			return d, true, nil
		}
	}
	d, err = t.g.o.Store.Delivery(ctx, t.r.id, seq, task)
	if fault.KindOf(err) == fault.NotExist {
		return d, false, nil
	}
	return d, err == nil, err
}

// deliveries returns all of them as they will be after the commit. Those added in
// this turn come last.
func (t *turn) deliveries(ctx context.Context) ([]Delivery, error) {
	all, err := t.g.o.Store.Deliveries(ctx, t.r.id)
	if err != nil {
		return nil, err
	}
	for _, d := range t.c.Deliveries {
		i := slices.IndexFunc(all, func(e Delivery) bool { return e.Seq == d.Seq && e.Task == d.Task })
		if i < 0 {
			all = append(all, d)
		} else {
			all[i] = d
		}
	}
	return all, nil
}

// commit makes durable what the turn has found and said; see doc.go. Without
// error, the turn may go on.
func (t *turn) commit(ctx context.Context) error {
	if s := t.state(); s != nil {
		log := s.Log(firsthand.First)
		t.row.Key, t.row.Next = log.Key(), log.Next
		t.row.Keys = t.g.keyring().reached(s.Log(firsthand.Second).Key())
	}
	if t.row != t.r.row {
		t.c.Relationships = append(t.c.Relationships, t.row)
	}
	if t.c.empty() {
		return nil
	}
	if err := t.g.o.Store.Commit(ctx, t.c); err != nil {
		t.ahead = true // what the store has now is asked of it next time
		return err
	}
	t.r.row, t.ahead = t.row, false
	if len(t.said) > 0 {
		t.g.news.wake(t.r.id)
	}
	if t.queued {
		t.g.work.wake(firsthand.ID{})
	}
	t.c, t.queued = Commit{}, false
	return nil
}

func (c *Commit) empty() bool {
	return len(c.Relationships) == 0 && len(c.Replace) == 0 && len(c.Entries) == 0 && len(c.Evidence) == 0 &&
		len(c.Deliveries) == 0 && len(c.Challenges) == 0 && len(c.AddDrafts) == 0 && len(c.DropDrafts) == 0 &&
		len(c.Audit) == 0 && len(c.Changes) == 0 && len(c.Settings) == 0
}

// end gives the lock back. It may be called once.
func (t *turn) end() {
	if t.ahead {
		t.r.state = nil
	}
	t.g.cache.give(t.r)
}

// within runs fn in a turn of rel, and commits what it leaves.
func (g *Gateway) within(ctx context.Context, rel firsthand.ID, fn func(*turn) error) error {
	t, err := g.begin(ctx, rel)
	if err != nil {
		return err
	}
	defer t.end()
	if err := fn(t); err != nil {
		return err
	}
	return t.commit(ctx)
}

// maxWhy bounds what is kept of an error's text, in bytes.
const maxWhy = 300

// why returns err as the operator reads it: the text that is meant for people if
// there is one.
func why(err error) string {
	var n *fault.Notice
	text := err.Error()
	if errors.As(err, &n) {
		text = cmp.Or(n.Text, text)
	}
	return cut(text, maxWhy)
}

// cut shortens s to at most n bytes of whole characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n]
}
