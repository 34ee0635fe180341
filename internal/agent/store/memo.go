package store

import (
	"sync"

	"firsthand/internal/sqlite"
)

// A memo keeps what was counted until something is committed: counts over ten
// thousand companies take longer than a page may. K is what may be asked for. Who
// gets a count only reads it.
type memo[K comparable, T any] struct {
	mu      sync.Mutex // held while it is counted, once for all who ask
	commits int64      // of the file, before any of these was counted
	is      map[K]T
}

// maxMemo is for how many questions a memo keeps answers.
const maxMemo = 64

// get returns what count returned for the same question, if nothing was committed
// since, else what it returns now.
func (m *memo[K, T]) get(db *sqlite.DB, of K, count func() (T, error)) (T, error) {
	n := db.Commits() // before: what is committed meanwhile may be counted or not
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.commits != n || len(m.is) >= maxMemo || m.is == nil {
		m.commits, m.is = n, make(map[K]T)
	}
	is, known := m.is[of]
	if known {
		return is, nil
	}
	is, err := count()
	if err == nil {
		m.is[of] = is
	}
	return is, err
}
