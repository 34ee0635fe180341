package gateway

import (
	"container/list"
	"context"
	"sync"

	"firsthand"
)

// A relationship is one that is being worked on, or was lately. Whoever holds
// lock owns row, state and cost; it is held for one turn, through its commit, and
// never while a connector is called.
type relationship struct {
	id   firsthand.ID
	lock chan struct{} // has one token: who took it holds the lock

	row   Relationship
	state *firsthand.State // nil until needed, and after a failed commit
	cost  int              // what state takes, in bytes, about

	// Guarded by cache.mu.
	users int
	place *list.Element
	held  int           // cost as it counts in cache.size
	shown *Relationship // row as last committed, for readers without the lock
	seen  int64         // the last version of row that the store was seen to have
}

// A cache keeps the states of relationships that were used lately, up to a
// limit. One in use is never dropped, so that it has one lock.
type cache struct {
	mu   sync.Mutex // held for a few instructions
	byID map[firsthand.ID]*relationship
	used *list.List // of *relationship, the last used in front
	size int        // sum of held
	max  int

	glances map[firsthand.ID]glance // of calls that are on their way
}

// An entry takes about this much of a state, beside its body (measured: 510).
const costEntry = 600

// costEmpty is what a relationship takes besides.
const costEmpty = 2 << 10

func newCache(max int) *cache {
	return &cache{byID: make(map[firsthand.ID]*relationship), used: list.New(), max: max, glances: make(map[firsthand.ID]glance)}
}

// take returns rel, locked, or the context's error.
func (c *cache) take(ctx context.Context, rel firsthand.ID) (*relationship, error) {
	c.mu.Lock()
	r := c.byID[rel]
	if r == nil {
		r = &relationship{id: rel, lock: make(chan struct{}, 1)}
		r.lock <- struct{}{}
		r.place = c.used.PushFront(r)
		c.byID[rel] = r
	} else {
		c.used.MoveToFront(r.place)
	}
	r.users++
	c.mu.Unlock()

	select {
	case <-r.lock:
		return r, nil
	default:
	}
	select {
	case <-r.lock:
		return r, nil
	case <-ctx.Done():
		c.mu.Lock()
		defer c.mu.Unlock()
		c.drop(r)
		return nil, ctx.Err()
	}
}

// give returns what take took.
func (c *cache) give(r *relationship) {
	cost, known := r.cost, r.state != nil
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.shown == nil || *r.shown != r.row {
		row := r.row
		r.shown = &row
	}
	if !known {
		cost, r.shown = 0, nil
	}
	c.size += cost - r.held
	r.held = cost
	r.lock <- struct{}{}
	c.drop(r)
}

// drop ends one use of r and makes room. The caller holds mu.
func (c *cache) drop(r *relationship) {
	if r.users--; r.users == 0 && r.held == 0 {
		c.remove(r)
	}
	for e := c.used.Back(); e != nil && c.size > c.max; {
		r := e.Value.(*relationship)
		if e = e.Prev(); r.users == 0 {
			c.remove(r)
		}
	}
}

func (c *cache) remove(r *relationship) {
	c.used.Remove(r.place)
	delete(c.byID, r.id)
	c.size -= r.held
}

// row returns what was last committed of rel, if that is known.
func (c *cache) row(rel firsthand.ID) (Relationship, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.byID[rel]; r != nil && r.shown != nil {
		return *r.shown, true
	}
	return Relationship{}, false
}

// maxGlances is how many calls may be on their way whose relationships were read. Those
// of calls that were refused stay until others need the room.
const maxGlances = 1024

// glance keeps what was read of a relationship as a call came, for that call.
func (c *cache) glance(l glance) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old, ok := c.glances[l.row.ID]; ok && old.row.Version > l.row.Version {
		return // another call of hers has read it later
	}
	for id := range c.glances {
		if len(c.glances) < maxGlances {
			break
		}
		delete(c.glances, id)
	}
	c.glances[l.row.ID] = l
}

// glanced returns what glance has kept, once.
func (c *cache) glanced(rel firsthand.ID) (glance, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l, ok := c.glances[rel]
	delete(c.glances, rel)
	return l, ok
}

// outdate notes which version the store has of rel, if that is in use.
func (c *cache) outdate(rel firsthand.ID, version int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.byID[rel]; r != nil {
		r.seen = max(r.seen, version)
	}
}

// outdated reports whether the store was seen to have a newer version of r. The
// caller holds r.
func (c *cache) outdated(r *relationship) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return r.seen > r.row.Version
}
