package rt

import (
	"context"
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	"firsthand"
	"firsthand/fault"
)

// locks let one call at a time do something for a relationship or a message.
type locks [64]chan struct{}

func newLocks() (l locks) {
	for i := range l {
		l[i] = make(chan struct{}, 1)
	}
	return l
}

// lock waits for the lock of key. Keys may share one, and nobody holds two.
func (l *locks) lock(ctx context.Context, key string) (unlock func(), err error) {
	h := fnv.New32a()
	h.Write([]byte(key))
	c := l[h.Sum32()%uint32(len(l))]
	select {
	case c <- struct{}{}:
		return func() { <-c }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", fault.Unavailable, ctx.Err())
	}
}

// maxSeen is how many users are kept.
const maxSeen = 2000

// seen keeps users as they were read last, each until it is written to.
type seen struct {
	mu sync.Mutex
	by map[string]*user // by id
}

func (s *seen) put(u *user) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by == nil || len(s.by) >= maxSeen {
		s.by = map[string]*user{}
	}
	s.by[u.id] = u
}

// take returns a user and forgets it; nil if it isn't there.
func (s *seen) take(id string) *user {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.by[id]
	delete(s.by, id)
	return u
}

// calm is for how long it is believed that a relationship has no proposals. Another
// gateway process may have made one, before this one took the relationship over.
const calm = time.Minute

// quiet remembers which relationships had no proposals when RT was asked.
type quiet struct {
	mu    sync.Mutex
	since map[firsthand.ID]time.Time
}

func (q *quiet) is(rel firsthand.ID) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return time.Since(q.since[rel]) < calm
}

func (q *quiet) set(rel firsthand.ID, yes bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.since == nil || len(q.since) >= maxSeen {
		q.since = map[firsthand.ID]time.Time{}
	}
	if delete(q.since, rel); yes {
		q.since[rel] = time.Now()
	}
}
