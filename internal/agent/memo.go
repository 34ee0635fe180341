package agent

import "sync"

// A memo keeps the last answer until something is committed: a page that she opens again
// costs what it prints. K is the question. Who gets an answer only reads it.
type memo[K comparable, T any] struct {
	mu      sync.Mutex // held for a few instructions
	known   bool
	commits int64 // of the store, before it was answered
	of      K
	is      T
}

// get returns what find returned for the same question, if nothing was committed since,
// else what it returns now.
func (m *memo[K, T]) get(s Store, of K, find func() (T, error)) (T, error) {
	n := s.Commits() // before: what is committed meanwhile may be found or not
	m.mu.Lock()
	is, known := m.is, m.known && m.commits == n && m.of == of
	m.mu.Unlock()
	if known {
		return is, nil
	}
	is, err := find()
	if err == nil {
		m.mu.Lock()
		m.known, m.commits, m.of, m.is = true, n, of, is
		m.mu.Unlock()
	}
	return is, err
}
