package sqlite

import (
	"context"
	"database/sql"
)

// A Tx is what a function given to [DB.Update] or [DB.View] works with. It has
// the methods of the same name of [sql.Tx], and keeps the statements it has
// seen prepared for next time: so the text of a query should be constant, with
// parameters for what varies.
//
// It belongs to the goroutine that runs the function, and is of no use after
// the function has returned. Rows that were not closed are closed then.
type Tx struct {
	c      *conn
	reader bool
	open   []*Rows
	done   bool
}

// ExecContext runs a statement that returns no rows.
func (tx *Tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s, ctx, err := tx.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	res, err := s.ExecContext(ctx, args...)
	if s.once {
		s.Close() // only frees memory
	}
	return res, err
}

// QueryContext runs a query. The caller closes the rows, unless it read them
// to the end.
func (tx *Tx) QueryContext(ctx context.Context, query string, args ...any) (*Rows, error) {
	s, ctx, err := tx.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		if s.once {
			s.Close()
		}
		return nil, err
	}
	s.busy = true
	r := &Rows{Rows: rows, tx: tx, stmt: s}
	tx.open = append(tx.open, r)
	return r, nil
}

// QueryRowContext runs a query of which the first row is wanted.
func (tx *Tx) QueryRowContext(ctx context.Context, query string, args ...any) *Row {
	rows, err := tx.QueryContext(ctx, query, args...)
	return &Row{rows, err}
}

// prepare returns the statement and the context to run it with.
func (tx *Tx) prepare(ctx context.Context, query string) (*stmt, context.Context, error) {
	if tx.done {
		return nil, nil, sql.ErrTxDone
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if tx.reader {
		ctx = polled{ctx}
	} else {
		// Interrupting a statement that writes would roll back the whole
		// transaction, and with it the updates of others.
		ctx = context.Background()
	}
	s, err := tx.c.prepare(query)
	return s, ctx, err
}

// finish ends the use of tx. It returns the first error of closing rows, which
// is one that a loop over them has not asked for.
func (tx *Tx) finish() error {
	tx.done = true
	var first error
	for len(tx.open) > 0 {
		if err := tx.open[len(tx.open)-1].Close(); first == nil {
			first = err
		}
	}
	return first
}

// Rows are the rows of a query, used like [sql.Rows].
type Rows struct {
	*sql.Rows
	tx   *Tx
	stmt *stmt // nil once closed
}

// Next goes to the next row. After the last it closes r and returns false.
func (r *Rows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	r.release()
	return false
}

// Close ends the query. It may be called twice.
func (r *Rows) Close() error {
	err := r.Rows.Close()
	r.release()
	return err
}

// release makes the statement free for the next query of the same text.
func (r *Rows) release() {
	if r.stmt == nil {
		return
	}
	r.stmt.busy = false
	if r.stmt.once {
		r.stmt.Close()
	}
	r.stmt = nil
	open := r.tx.open
	for i := len(open) - 1; i >= 0; i-- { // nearly always the last
		if open[i] == r {
			r.tx.open = append(open[:i], open[i+1:]...)
			return
		}
	}
}

// A Row is the first row of a query, used like [sql.Row].
type Row struct {
	rows *Rows
	err  error
}

// Scan copies the row's columns into dest. Without a row it returns
// [sql.ErrNoRows].
func (r *Row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return sql.ErrNoRows
	}
	err := r.rows.Scan(dest...)
	if cerr := r.rows.Close(); err == nil {
		err = cerr
	}
	return err
}

// A polled context can be asked whether it is over, which is what SQLite does
// all the while, but can't be waited for, for which package database/sql would
// start a goroutine for each query.
type polled struct{ context.Context }

func (polled) Done() <-chan struct{} { return nil }
