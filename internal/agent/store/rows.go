package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/sqlite"
)

// list reads all rows that query finds.
func list[T any](ctx context.Context, s *Store, scan func(*sqlite.Rows, *T) error, query string, args ...any) (all []T, err error) {
	err = s.db.View(ctx, func(tx *sqlite.Tx) (err error) {
		all, err = listIn(ctx, tx, scan, query, args...)
		return err
	})
	return all, err
}

func listIn[T any](ctx context.Context, tx *sqlite.Tx, scan func(*sqlite.Rows, *T) error, query string, args ...any) (all []T, err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		var t T
		if err := scan(rows, &t); err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, rows.Err()
}

// readRelationship is followed by a condition and an order.
const readRelationship = `
	SELECT r.id, domain, name, gateway, company, seed, opened, kept, received_seq, received_id,
		sent, tries, next_try, failure, restored, frozen, summary, head, expects, quiet
	FROM relationship r JOIN outbox o ON o.n = r.n LEFT JOIN summary s ON s.n = r.n `

func scanRelationship(rows *sqlite.Rows, r *agent.Relationship) error {
	var id, seed, received sql.RawBytes
	var opened, nextTry, expects string
	err := rows.Scan(&id, &r.Domain, &r.Name, &r.Gateway, &r.Company, &seed, &opened, &r.Kept, &r.Received.Seq, &received,
		&r.Sent, &r.Tries, &nextTry, &r.Failure, &r.Restored, &r.Frozen, &r.Summary,
		&r.Head, &expects, &r.Quiet)
	r.Expects = firsthand.Date(expects)
	copy(r.ID[:], id)
	copy(r.Seed[:], seed)
	copy(r.Received.ID[:], received)
	return errors.Join(err, parseTime(opened, &r.Opened), parseTime(nextTry, &r.NextTry))
}

// Relationships implements [agent.Store].
func (s *Store) Relationships(ctx context.Context) ([]agent.Relationship, error) {
	return list(ctx, s, scanRelationship, readRelationship+`ORDER BY opened, r.n`)
}

// RelationshipsAt implements [agent.Store].
func (s *Store) RelationshipsAt(ctx context.Context, ids ...firsthand.ID) ([]agent.Relationship, error) {
	hexes := make([]string, len(ids))
	for i := range ids {
		hexes[i] = hex.EncodeToString(ids[i][:])
	}
	return list(ctx, s, scanRelationship, readRelationship+`WHERE r.id IN (SELECT unhex(value) FROM json_each(?))`, jsonList(hexes))
}

// Relationship implements [agent.Store].
func (s *Store) Relationship(ctx context.Context, id firsthand.ID) (r agent.Relationship, err error) {
	found, err := list(ctx, s, scanRelationship, readRelationship+`WHERE r.id = ?`, id[:])
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("%w: no relationship %s", fault.NotExist, id)
	}
	if err != nil {
		return r, err
	}
	return found[0], nil
}

// Facts implements [agent.Store]. They come sorted by name.
func (s *Store) Facts(ctx context.Context) ([]agent.Fact, error) {
	return list(ctx, s, scanFact, `SELECT name, value, updated FROM fact ORDER BY name`)
}

func scanFact(rows *sqlite.Rows, f *agent.Fact) error {
	var value, updated string
	if err := rows.Scan(&f.Name, &value, &updated); err != nil {
		return err
	}
	return errors.Join(parseValue(value, &f.Value), parseTime(updated, &f.Updated))
}

// Drafts implements [agent.Store]. They come in the order in which they were made.
func (s *Store) Drafts(ctx context.Context, rel firsthand.ID) ([]agent.Draft, error) {
	return list(ctx, s, func(rows *sqlite.Rows, d *agent.Draft) error {
		var made string
		d.Rel = rel
		err := rows.Scan(&d.ID, &d.Body, &made, &d.Move, &d.Leg)
		return errors.Join(err, parseTime(made, &d.Made))
	}, `SELECT id, body, made, move, leg FROM draft WHERE relationship = ? ORDER BY id`, rel[:])
}

// Receipts implements [agent.Store].
func (s *Store) Receipts(ctx context.Context, rel firsthand.ID) ([][]byte, error) {
	return list(ctx, s, func(rows *sqlite.Rows, signed *[]byte) error { return rows.Scan(signed) },
		`SELECT signed FROM receipt WHERE relationship = ? ORDER BY n`, rel[:])
}

// Evidence implements [agent.Store]. It comes in the order in which it was found.
func (s *Store) Evidence(ctx context.Context, rel firsthand.ID) ([]agent.Evidence, error) {
	return list(ctx, s, scanEvidence, `SELECT `+evidenceColumns+` FROM evidence WHERE relationship = ? ORDER BY n`, rel[:])
}

const evidenceColumns = `id, signed, salt, body, why`

func scanEvidence(rows *sqlite.Rows, ev *agent.Evidence) error {
	var id, signed, salt, body sql.RawBytes
	if err := rows.Scan(&id, &signed, &salt, &body, &ev.Why); err != nil {
		return err
	}
	raw := firsthand.Entry{Signed: signed, Salt: salt, Body: body}
	line := raw.AppendLine(nil)
	e, err := firsthand.ParseLine(line[:len(line)-1])
	if err == nil && string(e.ID[:]) != string(id) {
		err = errors.New("another entry")
	}
	if err != nil {
		return fmt.Errorf("%w: evidence %x: %v", errDamaged, id, err)
	}
	ev.Entry = e
	return nil
}

// Label implements [agent.Store].
func (s *Store) Label(ctx context.Context) (k agent.NextKey, err error) {
	found, err := s.NextKeys(ctx, 1)
	if err == nil && len(found) == 0 {
		err = fault.Tell(fault.NotExist, "the book of next keys is empty", "fill it: firsthand kit refill --kit FILE")
	}
	if err != nil {
		return k, err
	}
	return found[0], nil
}

func scanKey(rows *sqlite.Rows, k *agent.NextKey) error {
	var label, hash sql.RawBytes
	err := rows.Scan(&label, &hash)
	copy(k.Label[:], label)
	copy(k.Hash[:], hash)
	return err
}

// Labels implements [agent.Store].
func (s *Store) Labels(ctx context.Context) (n int, err error) {
	err = s.db.View(ctx, func(tx *sqlite.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT count(*) FROM label WHERE used = 0`).Scan(&n)
	})
	return n, err
}

// Setting implements [agent.Store].
func (s *Store) Setting(ctx context.Context, name string) (value string, err error) {
	err = s.db.View(ctx, func(tx *sqlite.Tx) error {
		err := tx.QueryRowContext(ctx, `SELECT value FROM setting WHERE name = ?`, name).Scan(&value)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return value, err
}

// A holdingRow is a row of the cache of holdings.
type holdingRow struct {
	rel, entry, last                                   []byte
	domain, fact, value, origin, since, until, outcome string
	ground                                             string
}

func (r holdingRow) equal(o holdingRow) bool {
	return string(r.rel) == string(o.rel) && string(r.entry) == string(o.entry) && string(r.last) == string(o.last) &&
		r.domain == o.domain && r.fact == o.fact && r.value == o.value && r.origin == o.origin &&
		r.since == o.since && r.until == o.until && r.outcome == o.outcome && r.ground == o.ground
}

// sameHolding reports whether both rows are of one holding, whose value may differ.
func (r holdingRow) sameHolding(o holdingRow) bool {
	return string(r.entry) == string(o.entry) && r.domain == o.domain && r.fact == o.fact && r.origin == o.origin
}

// holder returns the row; values are those of its kind that were read before, by their
// texts: what she told many is one.
func (r *holdingRow) holder(values map[string]firsthand.Value) (h agent.Holder, err error) {
	h = agent.Holder{Domain: r.domain, Fact: r.fact, Origin: firsthand.Origin(r.origin), Until: firsthand.Date(r.until), Outcome: r.outcome, Ground: r.ground}
	copy(h.Rel[:], r.rel)
	copy(h.Entry[:], r.entry)
	copy(h.Last[:], r.last)
	var known bool
	if h.Value, known = values[r.value]; !known {
		err = parseValue(r.value, &h.Value)
		values[r.value] = h.Value
	}
	return h, errors.Join(err, parseTime(r.since, &h.Since))
}

func readHoldings(ctx context.Context, tx *sqlite.Tx, where string, args ...any) ([]holdingRow, error) {
	return listIn(ctx, tx, func(rows *sqlite.Rows, r *holdingRow) error {
		return rows.Scan(&r.rel, &r.domain, &r.entry, &r.fact, &r.value, &r.origin, &r.since, &r.until, &r.last, &r.outcome, &r.ground)
	}, `SELECT relationship, domain, entry, fact, value, origin, since, until, last, outcome, ground FROM holding `+where, args...)
}

// Holders implements [agent.Store]. They come sorted by fact, domain and
// relationship, all as they were at one moment: whoever changes them meanwhile
// neither sees one twice nor misses one.
func (s *Store) Holders(ctx context.Context, fact string) iter.Seq2[agent.Holder, error] {
	return func(yield func(agent.Holder, error) bool) {
		const order = ` ORDER BY fact, domain, relationship, n`
		var rows []holdingRow
		err := s.db.View(ctx, func(tx *sqlite.Tx) (err error) {
			if fact == "" {
				rows, err = readHoldings(ctx, tx, order)
			} else {
				rows, err = readHoldings(ctx, tx, `WHERE fact = ?`+order, fact)
			}
			return err
		})
		if err != nil {
			yield(agent.Holder{}, err)
			return
		}
		values := make(map[string]firsthand.Value)
		for i := range rows {
			if h, err := rows[i].holder(values); !yield(h, err) || err != nil {
				return
			}
		}
	}
}

// timeForm is RFC 3339 in UTC, always with nine digits, so that texts sort as
// times do.
const timeForm = "2006-01-02T15:04:05.000000000Z"

// timeText returns t as it is stored; "" for the zero time.
func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeForm)
}

func parseTime(text string, t *time.Time) (err error) {
	if text != "" {
		*t, err = time.Parse(timeForm, text)
	}
	return err
}

// checkTimes refuses a time that has no text which could be read back.
func checkTimes(times ...time.Time) error {
	for _, t := range times {
		if y := t.UTC().Year(); y < 0 || y > 9999 {
			return fmt.Errorf("%w: the year %d", fault.Invalid, y)
		}
	}
	return nil
}

func valueText(v firsthand.Value) string { return string(firsthand.EncodeJSON(v)) }

func parseValue(text string, v *firsthand.Value) error { return v.UnmarshalJSON([]byte(text)) }

// nullable returns b as it is stored where nothing is not the same as an empty
// text: to the driver, a nil slice is one that is empty.
func nullable(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}
