package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Rows are the rows of a query, used like [sql.Rows].
type Rows struct {
	tx   *Tx
	ctx  context.Context
	stmt *stmt // nil once closed
	err  error
}

// Next goes to the next row. After the last it closes r and returns false.
func (r *Rows) Next() bool {
	if r.stmt == nil {
		return false
	}
	r.tx.interruptBy(r.ctx)
	if r.stmt.Step() {
		return true
	}
	r.err = r.stmt.Err()
	r.Close() // which would only repeat the error
	return false
}

// Err returns the error that kept Next from going on, if there was one.
func (r *Rows) Err() error { return r.err }

// Scan copies the columns of the current row into dest, which points to as many
// of string, []byte, int, int64, bool, [32]byte, [sql.NullInt64], or
// [sql.RawBytes]: those are SQLite's own and gone with the row.
func (r *Rows) Scan(dest ...any) error {
	if r.stmt == nil {
		return errNoRow
	}
	switch n := r.stmt.DataCount(); n {
	case len(dest):
	case 0:
		return errNoRow
	default:
		return fmt.Errorf("scan: %d destinations for %d columns", len(dest), n)
	}
	for i, d := range dest {
		if err := r.stmt.scan(i, d); err != nil {
			return fmt.Errorf("scan column %d, %s: %w", i, r.stmt.ColumnName(i), err)
		}
	}
	return nil
}

var errNoRow = errors.New("scan: there is no row")

// Close ends the query, and makes the statement free for the next one of the
// same text. It may be called twice.
func (r *Rows) Close() error {
	s := r.stmt
	if s == nil {
		return nil
	}
	r.stmt = nil
	err := s.Reset()
	s.unbind()
	s.busy = false
	if s.once {
		s.Close() // only frees memory
	}
	open := r.tx.open
	for i := len(open) - 1; i >= 0; i-- { // nearly always the last
		if open[i] == r {
			r.tx.open = append(open[:i], open[i+1:]...)
			break
		}
	}
	return err
}

// A Row is the first row of a query, used like [sql.Row].
type Row struct {
	rows *Rows
	err  error
}

// Scan copies the row's columns into dest; see [Rows.Scan]. Without a row it
// returns [sql.ErrNoRows].
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
	err := r.rows.scanOnly(dest)
	if cerr := r.rows.Close(); err == nil {
		err = cerr
	}
	return err
}

// scanOnly is Scan of a row that is left at once, and with it what is SQLite's.
func (r *Rows) scanOnly(dest []any) error {
	for _, d := range dest {
		if _, raw := d.(*sql.RawBytes); raw {
			return errors.New("scan: a Row is gone before its RawBytes could be read")
		}
	}
	return r.Scan(dest...)
}
