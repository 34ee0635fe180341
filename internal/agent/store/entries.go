package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"slices"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/sqlite"
)

// checkEntry refuses an entry that could not be read back: one whose members
// say something else than what was signed, or whose body is not the one it
// commits to.
func checkEntry(e *firsthand.Entry) error {
	line := e.AppendLine(nil)
	signed, err := firsthand.ParseLine(line[:len(line)-1])
	if err != nil {
		return err
	}
	if signed.ID != e.ID || signed.Rel != e.Rel || signed.Side != e.Side || signed.Seq != e.Seq || signed.Prev != e.Prev {
		return fmt.Errorf("%w: entry %s is not what was signed", fault.Invalid, e.ID)
	}
	return nil
}

// A log is one of the two of a relationship.
type log struct {
	rel  firsthand.ID
	side firsthand.Side
}

// heads returns the ends of the logs of entries, as the database has them; of those that
// begin there is none.
func (w *writer) heads(entries []firsthand.Entry) (map[log]firsthand.Head, error) {
	asked := make(map[log]bool, 2)
	var list [][2]string
	for i := range entries {
		at := log{entries[i].Relationship(), entries[i].Side}
		if !asked[at] {
			asked[at], list = true, append(list, [2]string{hex.EncodeToString(at.rel[:]), string(at.side)})
		}
	}
	heads := make(map[log]firsthand.Head, len(list))
	return heads, each(w, func(rows *sqlite.Rows) error {
		var at log
		var h firsthand.Head
		var rel, id sql.RawBytes
		err := rows.Scan(&rel, (*string)(&at.side), &h.Seq, &id)
		copy(at.rel[:], rel)
		copy(h.ID[:], id)
		heads[at] = h
		return err
	}, `
		WITH l (rel, side) AS (SELECT unhex(value ->> 0), value ->> 1 FROM json_each(?))
		SELECT e.relationship, e.side, e.seq, e.id FROM l CROSS JOIN entry e ON e.n = (
			SELECT n FROM entry WHERE relationship = l.rel AND side = l.side ORDER BY seq DESC LIMIT 1)`, jsonList(list))
}

// entries appends, and erases what the keeper of this file, first, has erased.
func (w *writer) entries(entries []firsthand.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	heads, err := w.heads(entries)
	if err != nil {
		return err
	}
	for i := range entries {
		e := &entries[i]
		at := log{e.Relationship(), e.Side}
		if h := heads[at]; e.Seq != h.Seq+1 || e.Prev != h.ID {
			return fmt.Errorf("%w: %s entry %d does not follow %d", fault.Conflict, e.Side, e.Seq, h.Seq)
		}
		if err := w.insert(at, e); err != nil {
			return err
		}
		heads[at] = e.Head()
		if e.Side == firsthand.First {
			if err := w.erase(at.rel, e.Erases()); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *writer) insert(at log, e *firsthand.Entry) error {
	res, err := w.tx.ExecContext(w.ctx, `INSERT INTO entry (relationship, side, seq, id, signed) VALUES (?, ?, ?, ?, ?)`,
		at.rel[:], string(at.side), e.Seq, e.ID[:], e.Signed)
	if err != nil || !e.HasBody() {
		return err
	}
	n, err := res.LastInsertId()
	if err != nil {
		return err
	}
	_, err = w.exec(`INSERT INTO body (entry, salt, body) VALUES (?, ?, ?)`, n, e.Salt, e.Body)
	return err
}

func (w *writer) erase(rel firsthand.ID, ids []firsthand.ID) error {
	for _, id := range ids {
		gone, err := w.exec(`DELETE FROM body WHERE entry = (SELECT n FROM entry WHERE id = ? AND relationship = ?)`, id[:], rel[:])
		if err != nil {
			return err
		}
		w.erased = w.erased || gone > 0
		if err := w.eraseRaw(id); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) replace(p agent.Place) error {
	for _, query := range []string{
		`DELETE FROM body WHERE entry IN (SELECT n FROM entry WHERE relationship = ? AND side = ? AND seq >= ?)`,
		`DELETE FROM entry WHERE relationship = ? AND side = ? AND seq >= ?`,
	} {
		gone, err := w.exec(query, p.Rel[:], string(p.Side), p.Seq)
		if err != nil {
			return err
		}
		w.erased = w.erased || gone > 0
	}
	return nil
}

// A row is an entry as the database has it, not verified yet.
type row struct {
	n, seq                 int64
	rel, id                sql.RawBytes
	side                   string
	signed, salt, bodyText sql.RawBytes
}

// rowColumns are those of a row, from entry e and body b.
const rowColumns = `e.n, e.relationship, e.side, e.seq, e.id, e.signed, b.salt, b.body`

func (r *row) scan(rows *sqlite.Rows) error {
	return rows.Scan(&r.n, &r.rel, &r.side, &r.seq, &r.id, &r.signed, &r.salt, &r.bodyText)
}

// entry returns the entry that r is. It verifies all of it but the signature:
// form, hash, the body's commitment, and that it stands where it belongs.
func (r *row) entry() (firsthand.Entry, error) {
	raw := firsthand.Entry{Signed: r.signed, Salt: r.salt, Body: r.bodyText}
	if testOnlyBugs.noVerify {
		e, err := firsthand.ParseEntry(bytes.Clone(r.signed))
		e.Salt, e.Body = bytes.Clone(r.salt), bytes.Clone(r.bodyText)
		return e, err
	}
	line := raw.AppendLine(make([]byte, 0, len(r.signed)+len(r.bodyText)+64))
	e, err := firsthand.ParseLine(line[:len(line)-1])
	if err == nil {
		rel := e.Relationship()
		if string(e.ID[:]) != string(r.id) || string(rel[:]) != string(r.rel) || string(e.Side) != r.side || e.Seq != r.seq {
			err = errors.New("it stands where another belongs")
		}
	}
	if err != nil {
		return e, fmt.Errorf("%w: %s entry %d of %x: %v", errDamaged, r.side, r.seq, r.rel, err)
	}
	return e, nil
}

var errDamaged = fault.Tell(fault.Internal, "your file is damaged", "keep it as it is, and restore a backup into another folder")

// Head implements [firsthand.Log]. The entry that it names was verified.
func (s *Store) Head(ctx context.Context, rel firsthand.ID, side firsthand.Side) (h firsthand.Head, err error) {
	err = s.db.View(ctx, func(tx *sqlite.Tx) error {
		entries, err := readEntries(ctx, tx, 1, `
			SELECT n, relationship, side, seq, id, signed, NULL, NULL FROM entry
			WHERE relationship = ? AND side = ? ORDER BY seq DESC LIMIT 1`, rel[:], string(side))
		if err == nil && len(entries) > 0 {
			h = entries[0].Head()
		}
		return err
	})
	return h, err
}

// How much of a log is read at once. Nothing is held between two reads, so that
// who reads slowly, or stops, or writes meanwhile, is in nobody's way.
const (
	fewEntries  = 32
	manyEntries = 512
	manyBytes   = 1 << 20
)

// Entries implements [firsthand.Log]. Each entry was verified, and follows the
// one before.
func (s *Store) Entries(ctx context.Context, rel firsthand.ID, side firsthand.Side, after int64) iter.Seq2[firsthand.Entry, error] {
	return func(yield func(firsthand.Entry, error) bool) {
		after = max(after, 0)
		last := firsthand.Head{Seq: after}
		for limit := fewEntries; ; limit = manyEntries {
			var entries []firsthand.Entry
			err := s.db.View(ctx, func(tx *sqlite.Tx) (err error) {
				entries, err = readEntries(ctx, tx, limit, `
					SELECT `+rowColumns+` FROM entry e LEFT JOIN body b ON b.entry = e.n
					WHERE e.relationship = ? AND e.side = ? AND e.seq > ? ORDER BY e.seq`, rel[:], string(side), last.Seq)
				return err
			})
			for i, e := range entries {
				first := last.Seq == after // of which what is before is not known
				if e.Seq != last.Seq+1 || e.Prev != last.ID && !(first && after > 0) {
					err = broken(i > 0 || first, side, last.Seq, rel)
					break
				}
				if !yield(e, nil) {
					return
				}
				last = e.Head()
			}
			if err != nil {
				yield(firsthand.Entry{}, err)
			}
			if err != nil || len(entries) == 0 {
				return
			}
		}
	}
}

// EntriesAt implements [agent.Store].
func (s *Store) EntriesAt(ctx context.Context, rel firsthand.ID, side firsthand.Side, seqs ...int64) (entries []firsthand.Entry, err error) {
	err = s.db.View(ctx, func(tx *sqlite.Tx) error {
		for len(seqs) > 0 {
			some, err := readEntries(ctx, tx, manyEntries, `
				SELECT `+rowColumns+` FROM entry e LEFT JOIN body b ON b.entry = e.n
				WHERE e.relationship = ? AND e.side = ? AND e.seq IN (SELECT value FROM json_each(?)) ORDER BY e.seq`, rel[:], string(side), jsonList(seqs))
			if err != nil || len(some) == 0 {
				return err
			}
			last := some[len(some)-1].Seq
			entries = append(entries, some...)
			seqs = slices.DeleteFunc(slices.Clone(seqs), func(seq int64) bool { return seq <= last })
		}
		return nil
	})
	return entries, err
}

// broken returns the error of a log that doesn't go on after seq. Within one read
// that is damage. Between two, entries may have been replaced meanwhile.
func broken(within bool, side firsthand.Side, seq int64, rel firsthand.ID) error {
	if within {
		return fmt.Errorf("%w: %s log of %s is broken after %d", errDamaged, side, rel, seq)
	}
	return fmt.Errorf("%w: %s log of %s does not go on after %d", fault.Conflict, side, rel, seq)
}

// readEntries reads what query finds, as long as it is not too much.
func readEntries(ctx context.Context, tx *sqlite.Tx, limit int, query string, args ...any) (entries []firsthand.Entry, err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	var r row
	for size := 0; len(entries) < limit && size < manyBytes && rows.Next(); {
		if err := r.scan(rows); err != nil {
			return nil, err
		}
		e, err := r.entry()
		if err != nil {
			return entries, err
		}
		entries, size = append(entries, e), size+len(r.signed)+len(r.bodyText)
	}
	if err := rows.Err(); err != nil {
		return entries, err
	}
	return entries, rows.Close()
}
