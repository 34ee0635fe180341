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

// A Result is what a statement has done.
type Result struct{ id, rows int64 }

// LastInsertId returns the rowid of the row that was inserted last.
func (r Result) LastInsertId() (int64, error) { return r.id, nil }

// RowsAffected returns how many rows were changed.
func (r Result) RowsAffected() (int64, error) { return r.rows, nil }

// ExecContext runs a statement that returns no rows.
func (tx *Tx) ExecContext(ctx context.Context, query string, args ...any) (Result, error) {
	s, err := tx.prepare(ctx, query)
	if err != nil {
		return Result{}, err
	}
	tx.interruptBy(ctx)
	err = s.run(args)
	if s.once {
		s.Close() // only frees memory
	}
	if err != nil {
		return Result{}, err
	}
	return Result{tx.c.c.LastInsertRowID(), tx.c.c.Changes()}, nil
}

// QueryContext runs a query. The caller closes the rows, unless it read them
// to the end.
func (tx *Tx) QueryContext(ctx context.Context, query string, args ...any) (*Rows, error) {
	s, err := tx.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	if err := s.bind(args); err != nil {
		if s.once {
			s.Close()
		}
		return nil, err
	}
	s.busy = true
	r := &Rows{tx: tx, stmt: s, ctx: ctx}
	tx.open = append(tx.open, r)
	return r, nil
}

// QueryRowContext runs a query of which the first row is wanted.
func (tx *Tx) QueryRowContext(ctx context.Context, query string, args ...any) *Row {
	rows, err := tx.QueryContext(ctx, query, args...)
	return &Row{rows, err}
}

// prepare returns the statement to run.
func (tx *Tx) prepare(ctx context.Context, query string) (*stmt, error) {
	if tx.done {
		return nil, sql.ErrTxDone
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return tx.c.prepare(query)
}

// interruptBy sets what ends the statements that follow.
func (tx *Tx) interruptBy(ctx context.Context) {
	if !tx.reader {
		// Interrupting a statement that writes would roll back the whole
		// transaction, and with it the updates of others.
		ctx = context.Background()
	}
	tx.c.c.SetInterrupt(ctx)
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
