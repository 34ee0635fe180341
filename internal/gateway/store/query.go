package store

import (
	"context"
	"fmt"
	"iter"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/gateway"
	"firsthand/internal/sqlite"
)

// list runs a query and reads each row with scan.
func list(ctx context.Context, s *Store, query string, args []any, scan func(*sqlite.Rows) error) error {
	return s.db.View(ctx, func(tx *sqlite.Tx) error {
		rows, err := tx.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := scan(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}

const relationshipColumns = `n, id, opened, key, next, keys, system, record, restored, noticed, frozen`

func scanRelationship(rows *sqlite.Rows) (n int64, r gateway.Relationship, err error) {
	var opened, noticed string
	err = rows.Scan(&n, id32(&r.ID), &opened, id32((*firsthand.ID)(&r.Key)), id32(&r.Next), &r.Keys,
		&r.Record.System, &r.Record.ID, &r.Restored, &noticed, &r.Frozen)
	if err == nil {
		r.Opened, err = parseTime(opened)
	}
	if err == nil {
		r.Noticed, err = parseTime(noticed)
	}
	return n, r, err
}

// Relationship implements [gateway.Store].
func (s *Store) Relationship(ctx context.Context, rel firsthand.ID) (r gateway.Relationship, err error) {
	found := false
	err = list(ctx, s, `SELECT `+relationshipColumns+` FROM relationship WHERE id = ?`, []any{rel[:]}, func(rows *sqlite.Rows) error {
		found = true
		_, r, err = scanRelationship(rows)
		return err
	})
	if err == nil && !found {
		err = fmt.Errorf("relationship: %w", fault.NotExist)
	}
	return r, err
}

// Relationships implements [gateway.Store]. It reads page by page.
func (s *Store) Relationships(ctx context.Context) iter.Seq2[gateway.Relationship, error] {
	return func(yield func(gateway.Relationship, error) bool) {
		for last := int64(0); ; {
			var page []gateway.Relationship
			err := list(ctx, s, `SELECT `+relationshipColumns+` FROM relationship WHERE n > ? ORDER BY n LIMIT ?`, []any{last, pageEntries},
				func(rows *sqlite.Rows) error {
					n, r, err := scanRelationship(rows)
					last, page = n, append(page, r)
					return err
				})
			if err != nil {
				yield(gateway.Relationship{}, err)
				return
			}
			for _, r := range page {
				if !yield(r, nil) {
					return
				}
			}
			if len(page) < pageEntries {
				return
			}
		}
	}
}

func (s *Store) ids(ctx context.Context, query string, args ...any) (ids []firsthand.ID, err error) {
	err = list(ctx, s, query, args, func(rows *sqlite.Rows) error {
		var id firsthand.ID
		err := rows.Scan(id32(&id))
		ids = append(ids, id)
		return err
	})
	return ids, err
}

const queryOfRecord = `SELECT id FROM relationship WHERE record = ? AND record <> '' AND system = ? ORDER BY n`

// OfRecord implements [gateway.Store].
func (s *Store) OfRecord(ctx context.Context, system, record string) ([]firsthand.ID, error) {
	return s.ids(ctx, queryOfRecord, record, system)
}

const queryBehind = `SELECT id FROM relationship WHERE keys < ? AND restored = 0 AND frozen = '' ORDER BY keys, n LIMIT ?`

// Behind implements [gateway.Store].
func (s *Store) Behind(ctx context.Context, keys, limit int) ([]firsthand.ID, error) {
	return s.ids(ctx, queryBehind, keys, limit)
}

// Challenges implements [gateway.Store].
func (s *Store) Challenges(ctx context.Context, rel firsthand.ID) (all []gateway.Challenge, err error) {
	err = list(ctx, s, `
		SELECT claim, seq, system, record, sends, hash, sent, until, tries, tried, entry, proof
		FROM challenge WHERE rel = (SELECT n FROM relationship WHERE id = ?) ORDER BY seq`, []any{rel[:]},
		func(rows *sqlite.Rows) error {
			c := gateway.Challenge{Rel: rel}
			var sent string
			err := rows.Scan(id32(&c.Claim), &c.Seq, &c.Record.System, &c.Record.ID, &c.Sends, id32(&c.Hash), &sent, (*string)(&c.Until),
				&c.Left, &c.Tried, id32(&c.Entry), id32(&c.Proof))
			if err == nil {
				c.Sent, err = parseTime(sent)
			}
			all = append(all, c)
			return err
		})
	return all, err
}

const queryChallenged = `SELECT count(*) FROM challenge WHERE record = ? AND sent >= ? AND system = ?`

// Challenged implements [gateway.Store].
func (s *Store) Challenged(ctx context.Context, system, record string, since time.Time) (n int, err error) {
	err = list(ctx, s, queryChallenged, []any{record, timeText(since), system},
		func(rows *sqlite.Rows) error { return rows.Scan(&n) })
	return n, err
}

// Drafts implements [gateway.Store].
func (s *Store) Drafts(ctx context.Context, rel firsthand.ID) (all []gateway.Draft, err error) {
	err = list(ctx, s, `SELECT id, body, entry, made FROM draft WHERE rel = (SELECT n FROM relationship WHERE id = ?) ORDER BY id`, []any{rel[:]},
		func(rows *sqlite.Rows) error {
			d := gateway.Draft{Rel: rel}
			var made string
			err := rows.Scan(&d.ID, &d.Body, id32(&d.Of), &made)
			if err == nil {
				d.Made, err = parseTime(made)
			}
			all = append(all, d)
			return err
		})
	return all, err
}

// Evidence implements [gateway.Store].
func (s *Store) Evidence(ctx context.Context, rel firsthand.ID) (all []gateway.Evidence, err error) {
	err = list(ctx, s, `SELECT signed, salt, body, why FROM evidence WHERE rel = (SELECT n FROM relationship WHERE id = ?) ORDER BY n`, []any{rel[:]},
		func(rows *sqlite.Rows) error {
			var signed, salt, body []byte
			var e gateway.Evidence
			if err := rows.Scan(&signed, &salt, &body, &e.Why); err != nil {
				return err
			}
			var err error
			e.Entry, err = parse(signed, salt, body)
			all = append(all, e)
			return err
		})
	return all, err
}

// Audit implements [gateway.Store].
func (s *Store) Audit(ctx context.Context, rel firsthand.ID) (all []gateway.Audit, err error) {
	err = list(ctx, s, `SELECT n, at, by, act, entry, note FROM audit WHERE rel = (SELECT n FROM relationship WHERE id = ?) ORDER BY n`, []any{rel[:]},
		func(rows *sqlite.Rows) error {
			a := gateway.Audit{Rel: rel}
			var at string
			err := rows.Scan(&a.N, &at, &a.By, &a.Act, id32(&a.Entry), &a.Note)
			if err == nil {
				a.At, err = parseTime(at)
			}
			all = append(all, a)
			return err
		})
	return all, err
}

// Known implements [gateway.Store].
func (s *Store) Known(ctx context.Context, change string) (known bool, err error) {
	err = list(ctx, s, `SELECT EXISTS (SELECT 1 FROM change WHERE id = ?)`, []any{change}, func(rows *sqlite.Rows) error { return rows.Scan(&known) })
	return known, err
}
