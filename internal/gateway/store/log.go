package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/gateway"
	"firsthand/internal/sqlite"
)

// Append implements [firsthand.Log].
func (s *Store) Append(ctx context.Context, entries ...firsthand.Entry) error {
	return s.Commit(ctx, gateway.Commit{Entries: entries})
}

const queryHead = `
	SELECT seq, id FROM entry
	WHERE rel = (SELECT n FROM relationship WHERE id = ?) AND side = ?
	ORDER BY seq DESC LIMIT 1`

// Head implements [firsthand.Log].
func (s *Store) Head(ctx context.Context, rel firsthand.ID, side firsthand.Side) (h firsthand.Head, err error) {
	err = s.db.View(ctx, func(tx *sqlite.Tx) error {
		err := tx.QueryRowContext(ctx, queryHead, rel[:], number(side)).Scan(&h.Seq, id32(&h.ID))
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return h, err
}

// number is how a side stands in the database.
func number(side firsthand.Side) int {
	if side == firsthand.First {
		return 1
	}
	return 2
}

// A page is how much of a log is read at once: no transaction is open while the
// caller looks at an entry, and memory stays small. The first is short, because
// often one entry is all that is wanted.
const (
	firstPage   = 4
	pageEntries = 512
	pageBytes   = 1 << 20
)

// Entries implements [firsthand.Log].
func (s *Store) Entries(ctx context.Context, rel firsthand.ID, side firsthand.Side, after int64) iter.Seq2[firsthand.Entry, error] {
	return func(yield func(firsthand.Entry, error) bool) {
		var page []firsthand.Entry
		for size := firstPage; ; size = min(16*size, pageEntries) {
			var err error
			var more bool
			if page, more, err = s.page(ctx, rel, side, after, page[:0], size); err != nil {
				yield(firsthand.Entry{}, err)
				return
			}
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
				after = e.Seq
			}
			if !more {
				return
			}
		}
	}
}

const queryPage = `
	SELECT e.signed, b.salt, b.body
	FROM entry e LEFT JOIN body b ON b.entry = e.n
	WHERE e.rel = (SELECT n FROM relationship WHERE id = ?) AND e.side = ? AND e.seq > ?
	ORDER BY e.seq`

// page reads up to size entries after a seq; more says that there may be others.
func (s *Store) page(ctx context.Context, rel firsthand.ID, side firsthand.Side, after int64, page []firsthand.Entry, size int) (_ []firsthand.Entry, more bool, err error) {
	err = s.db.View(ctx, func(tx *sqlite.Tx) error {
		rows, err := tx.QueryContext(ctx, queryPage, rel[:], number(side), after)
		if err != nil {
			return err
		}
		defer rows.Close()
		for bytes := 0; rows.Next(); {
			var signed, salt, body []byte
			if err := rows.Scan(&signed, &salt, &body); err != nil {
				return err
			}
			e, err := parse(signed, salt, body)
			if err != nil {
				return err
			}
			page = append(page, e)
			if bytes += e.Size(); len(page) == size || bytes > pageBytes {
				more = true
				return nil
			}
		}
		return rows.Err()
	})
	return page, more, err
}

// parse reads an entry that was checked when it was written. What doesn't parse is
// corruption.
func parse(signed, salt, body []byte) (firsthand.Entry, error) {
	e, err := firsthand.ParseEntry(signed)
	if err != nil {
		return e, fmt.Errorf("%w: an entry in the database: %v", fault.Internal, err)
	}
	if len(body) > 0 { // else it was erased
		e.Salt, e.Body = salt, body
	}
	return e, nil
}

// appendEntry inserts e, provided that its log ends where e follows. n is the
// number of its relationship. prev is the entry before in the same commit and log,
// if there is one.
func appendEntry(ctx context.Context, tx *sqlite.Tx, n int64, e, prev *firsthand.Entry) error {
	if prev != nil && (e.Seq != prev.Seq+1 || e.Prev != prev.ID) || (e.Seq == 1) != e.Prev.IsZero() {
		return conflict(e)
	}
	// Compare and swap in one statement: the entry before has to be there, unless
	// that is known, and none may have this one's place.
	query := `
		INSERT INTO entry (rel, side, seq, id, signed)
		SELECT ?1, ?2, ?3, ?4, ?5
		WHERE EXISTS (SELECT 1 FROM entry WHERE rel = ?1 AND side = ?2 AND seq = ?3 - 1 AND id = ?6)
		ON CONFLICT DO NOTHING`
	args := [...]any{n, number(e.Side), e.Seq, e.ID[:], e.Signed, e.Prev[:]}
	known := args[:]
	if prev != nil || e.Seq == 1 {
		query = `INSERT INTO entry (rel, side, seq, id, signed) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING`
		known = args[:5]
	}
	r, err := tx.ExecContext(ctx, query, known...)
	if err != nil {
		return err
	}
	added, err := r.RowsAffected()
	if err != nil {
		return err
	}
	if added == 0 {
		return conflict(e)
	}
	if !e.HasBody() {
		return nil
	}
	row, err := r.LastInsertId()
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO body (entry, salt, body) VALUES (?, ?, ?)`, row, e.Salt, e.Body)
	return err
}

func conflict(e *firsthand.Entry) error {
	return fmt.Errorf("append %s entry %d: %w: it does not follow the end of the log", e.Side, e.Seq, fault.Conflict)
}

// erase deletes bodies of a relationship, and reports whether there were any.
// There is no index by id, which would cost each append; to erase is rare.
func erase(ctx context.Context, tx *sqlite.Tx, n int64, ids []firsthand.ID) (bool, error) {
	gone := make(map[firsthand.ID]bool, len(ids))
	for _, id := range ids {
		gone[id] = true
	}
	places, err := tx.QueryContext(ctx, `SELECT n, id FROM entry WHERE rel = ?`, n)
	if err != nil {
		return false, err
	}
	defer places.Close()
	var rows []int64
	for places.Next() {
		var row int64
		var id firsthand.ID
		if err := places.Scan(&row, id32(&id)); err != nil {
			return false, err
		}
		if gone[id] {
			rows = append(rows, row)
		}
	}
	if err := places.Err(); err != nil {
		return false, err
	}
	for _, row := range rows {
		if _, err := tx.ExecContext(ctx, `DELETE FROM body WHERE entry = ?`, row); err != nil {
			return false, err
		}
	}
	return len(rows) > 0, nil
}
