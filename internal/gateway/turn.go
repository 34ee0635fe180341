package gateway

import (
	"context"
	"fmt"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/wire"
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

	short   bool  // the state knows the ends of the logs and nothing else; see ends.go
	glanced int64 // the version that the store had when the call was there; 0 if that isn't known

	attending bool // see attend: what is caused may be there already
	// gone are entries whose bodies we have erased, while what said so was lost in a
	// fork and is not said again yet; see adopt.
	gone []firsthand.ErasedEntry

	challenges []*Challenge // nil until asked for
}

// begin takes the lock of rel and folds its state if it is not at hand. The
// caller ends the turn if there is no error. Where call isn't nil the turn answers it,
// and may be short.
func (g *Gateway) begin(ctx context.Context, rel firsthand.ID, call *wire.Request) (*turn, error) {
	r, err := g.cache.take(ctx, rel)
	if err != nil {
		return nil, err
	}
	t := &turn{g: g, r: r, now: g.o.Now()}
	known := r.state != nil && (g.shared == nil || !g.cache.outdated(r))
	if !(t.glance(ctx, call, known) || known) {
		if err := t.load(ctx); err != nil {
			r.state = nil
			t.end()
			return nil, fmt.Errorf("relationship %s: %w", rel, err)
		}
	}
	if t.row = r.row; g.shared != nil {
		if err := g.keysFor(ctx, t.row.Keys); err != nil {
			t.end()
			return nil, fmt.Errorf("relationship %s: %w", rel, err)
		}
	}
	return t, nil
}

// load reads row and state from the store.
func (t *turn) load(ctx context.Context) (err error) {
	if t.g.shared != nil {
		return t.loadShared(ctx)
	}
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
	return t.fillIn(entries), nil
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
		return t.current(ctx)
	}
	if err := t.put(ctx); err != nil {
		return err
	}
	if len(t.said) > 0 {
		t.g.news.wake(t.r.id)
	}
	if t.queued {
		for i := range t.c.Deliveries {
			t.g.lane(t.c.Deliveries[i].Lane).rouse()
		}
	}
	t.c, t.queued = Commit{}, false
	return nil
}

// put commits, and has the row as it is then.
func (t *turn) put(ctx context.Context) error {
	if t.g.shared != nil {
		t.c.At = []At{{t.r.id, t.r.row.Version, t.beside()}}
	}
	if err := t.g.commit(ctx, t.c); err != nil {
		t.ahead = true // what the store has now is asked of it next time
		if t.g.shared != nil && fault.KindOf(err) == fault.Conflict {
			return fmt.Errorf("%w: %w", errOvertaken, err)
		}
		return err
	}
	if t.g.shared != nil {
		t.row.Version++
	}
	t.r.row, t.ahead = t.row, false
	return nil
}

func (c *Commit) empty() bool {
	return len(c.Relationships) == 0 && len(c.Replace) == 0 && len(c.Entries) == 0 && len(c.Evidence) == 0 &&
		len(c.Deliveries) == 0 && len(c.Challenges) == 0 && len(c.AddDrafts) == 0 && len(c.DropDrafts) == 0 &&
		len(c.Audit) == 0 && len(c.Changes) == 0 && len(c.Settings) == 0 && len(c.Expect) == 0
}

// end gives the lock back. It may be called once.
func (t *turn) end() {
	if t.ahead || t.short {
		t.r.state = nil
	}
	t.g.cache.give(t.r)
}

// within runs fn in a turn of rel, and commits what it leaves. Where another gateway
// was quicker, it is run again from the start.
func (g *Gateway) within(ctx context.Context, rel firsthand.ID, fn func(*turn) error) error {
	return g.turns(ctx, rel, func(t *turn) error {
		if err := fn(t); err != nil {
			return err
		}
		return t.commit(ctx)
	})
}
