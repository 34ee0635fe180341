package sqlite

import (
	"context"
	"errors"
	"sync"

	"github.com/ncruces/go-sqlite3"
)

// View runs fn in a transaction that can't write. All that fn reads is of one
// moment: after each Update that had returned before View was called, and
// before each that starts after fn's first query.
//
// When ctx ends, what fn is reading is interrupted. fn may call Update, but
// each View within a View needs one more of [Options.Readers].
func (db *DB) View(ctx context.Context, fn func(*Tx) error) error {
	c, err := db.readers.get(ctx)
	if err != nil {
		return db.disk.explain(err)
	}
	fine := false // a panic leaves it so
	defer func() { db.readers.put(c, fine) }()

	err = c.exec("BEGIN")
	if err != nil {
		return db.disk.explain(err)
	}
	tx := &Tx{c: c, reader: true}
	defer func() {
		tx.finish() // only after a panic: else done already
	}()
	err = fn(tx)
	if ferr := tx.finish(); err == nil {
		err = ferr
	}
	if errors.Is(err, sqlite3.INTERRUPT) && ctx.Err() != nil {
		err = ctx.Err()
	}
	if rerr := c.exec("ROLLBACK"); rerr != nil { // there is nothing to commit
		if err == nil {
			err = rerr
		}
		return db.disk.explain(err)
	}
	fine = true
	return db.disk.explain(err)
}

// readers are the connections for reading. They are opened when they are
// first needed; the one used last is used next, so that few stay warm.
type readers struct {
	open func(context.Context) (*conn, error)
	free chan struct{} // holds one token for each connection that may be used

	mu    sync.Mutex
	idle  []*conn
	ended chan struct{} // closed, and replaced, when a View ends
	busy  int
}

func newReaders(n int, open func(context.Context) (*conn, error)) *readers {
	r := &readers{open: open, free: make(chan struct{}, n), ended: make(chan struct{})}
	for range n {
		r.free <- struct{}{}
	}
	return r
}

// get waits for a connection. It returns ErrClosed after close.
func (r *readers) get(ctx context.Context) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case _, open := <-r.free:
		if !open {
			return nil, ErrClosed
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	r.mu.Lock()
	r.busy++
	var c *conn
	if n := len(r.idle); n > 0 {
		c, r.idle = r.idle[n-1], r.idle[:n-1]
	}
	r.mu.Unlock()
	if c != nil {
		return c, nil
	}
	c, err := r.open(ctx)
	if err != nil {
		r.put(nil, false)
		return nil, err
	}
	return c, nil
}

// put gives a connection back. One that is not fine is thrown away: nobody
// knows what state it is in.
func (r *readers) put(c *conn, fine bool) {
	if c != nil && !fine {
		c.close() // what goes wrong with that has no consequences
	}
	r.mu.Lock()
	if fine {
		r.idle = append(r.idle, c)
	}
	r.busy--
	close(r.ended)
	r.ended = make(chan struct{})
	r.mu.Unlock()
	r.free <- struct{}{}
}

// watch returns how many Views are running, and what is closed when the next
// of them ends.
func (r *readers) watch() (busy int, ended <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.busy, r.ended
}

// close waits until nobody reads and closes the connections.
func (r *readers) close() error {
	for range cap(r.free) {
		<-r.free
	}
	close(r.free)
	var errs []error
	for _, c := range r.idle {
		errs = append(errs, c.close())
	}
	return errors.Join(errs...)
}
