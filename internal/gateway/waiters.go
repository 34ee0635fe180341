package gateway

import (
	"sync"

	"firsthand"
)

// waiters wakes those who wait for something to happen in a relationship.
type waiters struct {
	mu    sync.Mutex
	calls map[firsthand.ID]*waiting
}

// waiting is closed, once, when it has happened.
type waiting struct {
	happened chan struct{}
	n        int
}

func newWaiters() *waiters { return &waiters{calls: make(map[firsthand.ID]*waiting)} }

// watch returns a channel that is closed when wake is called for rel after watch
// was, and what to call when nobody looks at it any more.
func (w *waiters) watch(rel firsthand.ID) (happened <-chan struct{}, stop func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	one := w.calls[rel]
	if one == nil {
		one = &waiting{happened: make(chan struct{})}
		w.calls[rel] = one
	}
	one.n++
	return one.happened, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if one.n--; one.n == 0 && w.calls[rel] == one {
			delete(w.calls, rel)
		}
	}
}

// wakeAll wakes all who watch anything.
func (w *waiters) wakeAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, one := range w.calls {
		close(one.happened)
	}
	clear(w.calls)
}

// wake wakes all who watch rel.
func (w *waiters) wake(rel firsthand.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if one := w.calls[rel]; one != nil {
		delete(w.calls, rel)
		close(one.happened)
	}
}
