package sqlite

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"

	"github.com/ncruces/go-sqlite3"
)

// A group is what is committed with one sync. It ends when nobody is waiting,
// or at one of these, so that the first of many doesn't wait for the last.
const (
	maxGroup   = 128
	maxChanges = 4096 // rows
)

// Update runs fn in a transaction and commits it. When Update returns nil, what
// fn did is on stable storage; when it returns an error, nothing of it
// remains. The one exception is a sync that fails: then it isn't known before
// the file is opened again, as the error says.
//
// Functions of several callers are committed together, each as if it were
// alone: they run one after the other, each sees what those before it did, and
// an error of one undoes only its own. An error that undoes the whole
// transaction, such as a full disk, fails the whole group.
//
// If ctx ends before fn has started, Update returns its error and fn never
// runs. Then it is too late: the statements of fn refuse an ended context, but
// are not interrupted, and a finished fn is committed.
//
// fn runs in the goroutine of the writer, so it should be quick, must not call
// Update, and must not wait for somebody who does. If it panics, its work is
// undone and Update panics.
func (db *DB) Update(ctx context.Context, fn func(*Tx) error) error {
	u := &update{fn: fn, done: make(chan struct{})}
	if err := db.submit(ctx, db.updates, u); err != nil {
		return err
	}
	if u.panicked != nil {
		panic(u.panicked)
	}
	return u.err
}

// alone runs fn on the writing connection, outside of any transaction.
func (db *DB) alone(ctx context.Context, fn func(*conn) error) error {
	u := &update{alone: fn, done: make(chan struct{})}
	if err := db.submit(ctx, db.chores, u); err != nil {
		return err
	}
	return u.err
}

// submit hands u to the writer and waits until it is done or never will be.
func (db *DB) submit(ctx context.Context, queue chan<- *update, u *update) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := db.disk.broken(); err != nil {
		return err
	}
	select {
	case queue <- u:
	case <-ctx.Done():
		return ctx.Err()
	case <-db.closing:
		return ErrClosed
	}
	var early error
	select {
	case <-u.done:
		return nil
	case <-ctx.Done():
		early = ctx.Err()
	case <-db.stopped:
		early = ErrClosed
	}
	if u.claim() {
		return early // and the writer will pass over it
	}
	<-u.done
	return nil
}

// An update is a function that somebody wants to have run, and what became of
// it. Whoever claims it decides: the writer to run it, or its owner to give up.
// The writer owns the rest until it closes done.
type update struct {
	fn       func(*Tx) error
	alone    func(*conn) error // instead of fn
	claimed  atomic.Bool
	err      error
	panicked error // what fn panicked with
	done     chan struct{}
}

func (u *update) claim() bool { return u.claimed.CompareAndSwap(false, true) }

// A writer owns the writing connection.
type writer struct {
	*conn
	disk    *disk
	updates <-chan *update
	chores  <-chan *update
	closing <-chan struct{}
	stopped chan<- struct{}
	group   []*update // claimed and not yet done
}

// run serves updates until closing is closed; those already waiting then are
// still served.
func (w *writer) run() {
	returned := false
	defer func() {
		if !returned {
			// A function ended this goroutine with runtime.Goexit, as a test's
			// Fatal does. Nobody else shall wait for ever because of it.
			w.abandon(nil, errExit)
			go w.run()
		}
	}()
	for open := true; open; {
		select {
		case u := <-w.updates:
			w.commit(u)
		case u := <-w.chores:
			w.chore(u)
		case <-w.closing:
			open = false
		}
	}
	for {
		select {
		case u := <-w.updates:
			w.commit(u)
		default:
			returned = true
			close(w.stopped)
			return
		}
	}
}

var errExit = errors.New("a function given to Update ended its goroutine")

// chore runs what has to be alone.
func (w *writer) chore(u *update) {
	if !u.claim() {
		return
	}
	w.group = append(w.group, u)
	w.conclude(nil, u.alone(w.conn))
}

// commit runs first and the updates waiting behind it in one transaction. In
// this order:
//
//  1. begin;
//  2. run each function. What a crash finds is the state before;
//  3. commit: SQLite appends to the write-ahead log and syncs it. What a crash
//     finds is all of it or nothing;
//  4. tell the callers, also those whose function failed: it may have seen,
//     and acted upon, what others in the group had written and not yet saved.
func (w *writer) commit(first *update) {
	if !first.claim() {
		return
	}
	w.group = append(w.group, first)
	if err := w.disk.broken(); err != nil {
		w.conclude(nil, err)
		return
	}
	if err := w.exec("BEGIN IMMEDIATE"); err != nil {
		w.abandon(nil, err)
		return
	}
	if culprit, err := w.fill(first); err != nil {
		w.abandon(culprit, err)
		return
	}
	if err := w.exec("COMMIT"); err != nil {
		w.abandon(nil, err)
		return
	}
	w.conclude(nil, nil)
}

// fill runs first, and then what else is waiting. An error concerns the whole
// group; culprit is the update that caused it, if one did.
func (w *writer) fill(first *update) (culprit *update, err error) {
	// The first needs no savepoint: without it there is no group yet.
	before, err := w.call(first)
	if err == nil {
		err = first.err
	}
	if err != nil {
		return first, err
	}
	for changes := before; len(w.group) < maxGroup && changes-before < maxChanges; {
		u := w.next()
		if u == nil {
			return nil, nil
		}
		if !u.claim() {
			continue
		}
		w.group = append(w.group, u)
		if err := w.exec("SAVEPOINT one"); err != nil {
			return nil, err
		}
		if changes, err = w.call(u); err != nil {
			return u, err
		}
		if u.err != nil {
			if err := w.exec("ROLLBACK TO one"); err != nil {
				return nil, err
			}
		}
		if err := w.exec("RELEASE one"); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// next returns an update that is waiting, or nil. Before it gives up it lets run
// who is ready to: callers that are about to hand over an update come into this
// group rather than wait for the next sync. It costs nothing where nobody is.
func (w *writer) next() *update {
	for tries := 0; ; tries++ {
		select {
		case u := <-w.updates:
			return u
		default:
		}
		if tries == 1 {
			return nil
		}
		runtime.Gosched()
	}
}

// call runs u's function and sets u.err. It returns how many rows the
// connection has changed so far. An error says that the transaction is lost.
func (w *writer) call(u *update) (changes int64, err error) {
	u.run(w.conn)
	open, changes, unmet, err := w.state()
	switch {
	case err != nil:
		return 0, err
	case !open && u.err == nil:
		u.err = errors.New("a function given to Update ended the transaction")
		return 0, u.err
	case !open:
		// SQLite rolled it back: disk full, error of the disk, no memory. What
		// others are told is the error's number, since its text is u's own.
		var code sqlite3.ExtendedErrorCode
		if errors.As(u.err, &code) {
			return 0, fmt.Errorf("lost with another update: %w", code)
		}
		return 0, errors.New("lost with another update")
	case unmet > 0 && u.err == nil:
		// Else it would be the commit that fails, for everybody.
		u.err = errors.New("a row refers to one that does not exist")
	}
	return changes, nil
}

func (u *update) run(c *conn) {
	tx := &Tx{c: c}
	defer func() {
		if p := recover(); p != nil {
			u.panicked = &panicError{p, debug.Stack()}
			u.err = u.panicked
		}
		if err := tx.finish(); u.err == nil {
			u.err = err
		}
	}()
	u.err = u.fn(tx)
}

// abandon ends the transaction, if there still is one, without a commit.
func (w *writer) abandon(culprit *update, err error) {
	open, _, _, serr := w.state()
	if open {
		serr = w.exec("ROLLBACK")
	}
	if serr != nil { // worse than what the culprit has to say
		culprit, err = nil, errors.Join(err, serr)
	}
	w.conclude(culprit, err)
}

// conclude tells everybody in the group what became of it: the same to all, if
// there is an error, except to the culprit, who has one of its own.
func (w *writer) conclude(culprit *update, err error) {
	for i, u := range w.group {
		if err != nil && u != culprit {
			u.err = err
		}
		u.err = w.disk.explain(u.err)
		close(u.done)
		w.group[i] = nil
	}
	w.group = w.group[:0]
}

// A panicError carries what a function panicked with from the writer to the
// goroutine that called Update.
type panicError struct {
	value any
	stack []byte // where it happened
}

func (p *panicError) Error() string {
	return fmt.Sprintf("panic in a function given to Update: %v\n\n%s", p.value, p.stack)
}

// Unwrap returns the value if it is an error.
func (p *panicError) Unwrap() error {
	err, _ := p.value.(error)
	return err
}
