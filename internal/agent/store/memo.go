package store

import (
	"sync"

	"firsthand/internal/sqlite"
)

// A memo keeps what was counted last until something is committed: counts over ten
// thousand companies take longer than a page may. Who gets it only reads it.
type memo[T any] struct {
	mu      sync.Mutex // held while it is counted, once for all who ask
	known   bool
	commits int64 // of the file, before it was counted
	of      int64 // what was asked for
	is      T
}

// get returns what count returned last, if nothing was committed since and the same
// was asked for, else what it returns now.
func (m *memo[T]) get(db *sqlite.DB, of int64, count func() (T, error)) (T, error) {
	n := db.Commits() // before: what is committed meanwhile may be counted or not
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known && m.commits == n && m.of == of {
		return m.is, nil
	}
	is, err := count()
	m.known, m.commits, m.of, m.is = err == nil, n, of, is
	return is, err
}
