package pgstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/gateway"
)

// list runs a query and reads each row with scan.
func list[T any](ctx context.Context, s *Store, scan pgx.RowToFunc[T], query string, args ...any) ([]T, error) {
	rows, err := s.pool.Query(ctx, query, args...)
	if err != nil {
		return nil, unavailable(err)
	}
	all, err := pgx.CollectRows(rows, scan)
	if len(all) == 0 {
		all = nil
	}
	return all, unavailable(err)
}

const relationshipColumns = `id, version, opened, key, next, keys, system, record, restored, noticed, frozen`

// scanRelationship reads the columns above, and those of more after them.
func scanRelationship(row pgx.CollectableRow, more ...any) (r gateway.Relationship, err error) {
	err = row.Scan(append([]any{id32{&r.ID}, &r.Version, &r.Opened, id32{(*firsthand.ID)(&r.Key)}, id32{&r.Next}, &r.Keys,
		&r.Record.System, &r.Record.ID, &r.Restored, &r.Noticed, &r.Frozen}, more...)...)
	r.Opened, r.Noticed = r.Opened.UTC(), r.Noticed.UTC()
	return r, err
}

// oneRelationship reads a row of the columns above and nothing else.
func oneRelationship(row pgx.CollectableRow) (gateway.Relationship, error) {
	return scanRelationship(row)
}

const queryRow = `SELECT ` + relationshipColumns + ` FROM relationship WHERE id = $1`

// Relationship implements [gateway.Store].
func (s *Store) Relationship(ctx context.Context, rel firsthand.ID) (r gateway.Relationship, err error) {
	rows, err := s.pool.Query(ctx, queryRow, rel[:])
	if err != nil {
		return r, unavailable(err)
	}
	r, err = pgx.CollectExactlyOneRow(rows, oneRelationship)
	if errors.Is(err, pgx.ErrNoRows) {
		err = fmt.Errorf("relationship: %w", fault.NotExist)
	}
	return r, unavailable(err)
}

const queryRelationships = `SELECT n, ` + relationshipColumns + ` FROM relationship WHERE n > $1 ORDER BY n LIMIT $2`

// Relationships implements [gateway.Store]. It reads page by page.
func (s *Store) Relationships(ctx context.Context) iter.Seq2[gateway.Relationship, error] {
	return func(yield func(gateway.Relationship, error) bool) {
		for last := int64(0); ; {
			page, err := list(ctx, s, func(row pgx.CollectableRow) (r gateway.Relationship, err error) {
				err = row.Scan(&last, id32{&r.ID}, &r.Version, &r.Opened, id32{(*firsthand.ID)(&r.Key)}, id32{&r.Next}, &r.Keys,
					&r.Record.System, &r.Record.ID, &r.Restored, &r.Noticed, &r.Frozen)
				r.Opened, r.Noticed = r.Opened.UTC(), r.Noticed.UTC()
				return r, err
			}, queryRelationships, last, pageEntries)
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

func scanID(row pgx.CollectableRow) (id firsthand.ID, err error) {
	return id, row.Scan(id32{&id})
}

const queryOfRecord = `SELECT id FROM relationship WHERE record = $2 AND record <> '' AND system = $1 ORDER BY n`

// OfRecord implements [gateway.Store].
func (s *Store) OfRecord(ctx context.Context, system, record string) ([]firsthand.ID, error) {
	return list(ctx, s, scanID, queryOfRecord, system, record)
}

const queryBehind = `SELECT id FROM relationship WHERE keys < $1 AND NOT restored AND frozen = '' ORDER BY keys, n LIMIT $2`

// Behind implements [gateway.Store].
func (s *Store) Behind(ctx context.Context, keys, limit int) ([]firsthand.ID, error) {
	return list(ctx, s, scanID, queryBehind, keys, limit)
}

const deliveryColumns = `d.rel, d.seq, d.task, d.lane, d.entry, d.status, d.tries, d.next, d.why, d.system, d.record, d.version, d.reported, d.due, d.made, d.ended, d.owed`

// scanDelivery reads the columns above, and those of more after them.
func scanDelivery(row pgx.CollectableRow, more ...any) (d gateway.Delivery, err error) {
	var ended *time.Time
	err = row.Scan(append([]any{id32{&d.Rel}, &d.Seq, (*string)(&d.Task), (*string)(&d.Lane), id32{&d.Entry}, (*string)(&d.Status), &d.Tries, &d.Next, &d.Why,
		&d.Ref.System, &d.Ref.ID, &d.Ref.Version, &d.Reported, (*string)(&d.Due), &d.Made, &ended, (*string)(&d.Owed)}, more...)...)
	d.Next, d.Made = d.Next.UTC(), d.Made.UTC()
	if ended != nil {
		d.Ended = ended.UTC()
	}
	return d, err
}

// oneDelivery reads a row of the columns above and nothing else.
func oneDelivery(row pgx.CollectableRow) (gateway.Delivery, error) { return scanDelivery(row) }

// numberedDelivery reads one with its place in all outboxes after it.
func numberedDelivery(row pgx.CollectableRow) (gateway.Delivery, error) {
	var n int64
	return scanDelivery(row, &n)
}

const queryDeliveries = `SELECT ` + deliveryColumns + ` FROM delivery d WHERE d.rel = $1 ORDER BY d.n`

// Deliveries implements [gateway.Store].
func (s *Store) Deliveries(ctx context.Context, rel firsthand.ID) ([]gateway.Delivery, error) {
	return list(ctx, s, oneDelivery, queryDeliveries, rel[:])
}

const queryDelivery = `SELECT ` + deliveryColumns + ` FROM delivery d WHERE d.rel = $1 AND d.seq = $2 AND d.task = $3`

// Delivery implements [gateway.Store].
func (s *Store) Delivery(ctx context.Context, rel firsthand.ID, seq int64, task gateway.Task) (d gateway.Delivery, err error) {
	all, err := list(ctx, s, oneDelivery, queryDelivery, rel[:], seq, string(task))
	if err != nil {
		return d, err
	}
	if len(all) == 0 {
		return d, fmt.Errorf("delivery of entry %d: %w", seq, fault.NotExist)
	}
	return all[0], nil
}

// queryReady goes over all relationships, by an index that has those alone whose
// outbox has something to do, and then into each.
const (
	queryReady = `
	WITH r AS MATERIALIZED (
		SELECT id FROM relationship
		WHERE due IS NOT NULL AND NOT restored AND frozen = '' ORDER BY due LIMIT $1)
	SELECT ` + deliveryColumns + ` FROM r CROSS JOIN LATERAL (
		SELECT * FROM delivery
		WHERE rel = r.id AND lane = '' AND status IN ('waiting', 'checking', 'stopped') ORDER BY n LIMIT 1) AS d
	WHERE d.status <> 'stopped'
	UNION ALL
	SELECT ` + deliveryColumns + ` FROM r CROSS JOIN LATERAL (
		SELECT * FROM delivery WHERE rel = r.id AND status = 'later' ORDER BY next, n LIMIT 1) AS d`
	queryReadyTickets = `
	WITH r AS MATERIALIZED (
		SELECT id FROM relationship
		WHERE due_tickets IS NOT NULL AND NOT restored AND frozen = '' ORDER BY due_tickets LIMIT $1)
	SELECT ` + deliveryColumns + ` FROM r CROSS JOIN LATERAL (
		SELECT * FROM delivery
		WHERE rel = r.id AND lane = 'tickets' AND status IN ('waiting', 'checking', 'stopped') ORDER BY n LIMIT 1) AS d
	WHERE d.status <> 'stopped'`
)

// Ready implements [gateway.Store].
func (s *Store) Ready(ctx context.Context, lane gateway.Lane, limit int) ([]gateway.Delivery, error) {
	query := queryReady
	if lane == gateway.Tickets {
		query = queryReadyTickets
	}
	ready, err := list(ctx, s, oneDelivery, query, limit)
	slices.SortStableFunc(ready, func(a, b gateway.Delivery) int { return a.Next.Compare(b.Next) })
	return ready, err
}

// queryDue has two parts, for each of which there is an index that is short.
const queryDue = `
	SELECT * FROM (
		SELECT ` + deliveryColumns + `, d.n FROM delivery d WHERE d.due <> '' AND d.status NOT IN ('waiting', 'checking')
		UNION ALL
		SELECT ` + deliveryColumns + `, d.n FROM delivery d
		WHERE d.due <> '' AND d.status IN ('waiting', 'checking', 'stopped') AND d.status <> 'stopped') AS both_parts
	ORDER BY due, n`

// Due implements [gateway.Store].
func (s *Store) Due(ctx context.Context) ([]gateway.Delivery, error) {
	return list(ctx, s, numberedDelivery, queryDue)
}

const queryChallenges = `
	SELECT rel, claim, seq, system, record, sends, hash, sent, until, tries, tried, entry, proof
	FROM challenge WHERE rel = $1 ORDER BY seq`

// Challenges implements [gateway.Store].
func (s *Store) Challenges(ctx context.Context, rel firsthand.ID) ([]gateway.Challenge, error) {
	return list(ctx, s, func(row pgx.CollectableRow) (c gateway.Challenge, err error) {
		err = row.Scan(id32{&c.Rel}, id32{&c.Claim}, &c.Seq, &c.Record.System, &c.Record.ID, &c.Sends, id32{&c.Hash}, &c.Sent,
			(*string)(&c.Until), &c.Left, &c.Tried, id32{&c.Entry}, id32{&c.Proof})
		c.Sent = c.Sent.UTC()
		return c, err
	}, queryChallenges, rel[:])
}

const queryChallenged = `SELECT count(*) FROM challenge WHERE record = $2 AND sent >= $3 AND system = $1`

// Challenged implements [gateway.Store].
func (s *Store) Challenged(ctx context.Context, system, record string, since time.Time) (n int, err error) {
	err = s.pool.QueryRow(ctx, queryChallenged, system, record, since).Scan(&n)
	return n, unavailable(err)
}

const queryDrafts = `SELECT id, rel, body, entry, made FROM draft WHERE rel = $1 ORDER BY id`

// Drafts implements [gateway.Store].
func (s *Store) Drafts(ctx context.Context, rel firsthand.ID) ([]gateway.Draft, error) {
	return list(ctx, s, func(row pgx.CollectableRow) (d gateway.Draft, err error) {
		err = row.Scan(&d.ID, id32{&d.Rel}, &d.Body, id32{&d.Of}, &d.Made)
		d.Made = d.Made.UTC()
		return d, err
	}, queryDrafts, rel[:])
}

const queryEvidence = `SELECT signed, salt, body, why FROM evidence WHERE rel = $1 ORDER BY n`

// Evidence implements [gateway.Store].
func (s *Store) Evidence(ctx context.Context, rel firsthand.ID) ([]gateway.Evidence, error) {
	return list(ctx, s, func(row pgx.CollectableRow) (e gateway.Evidence, err error) {
		var signed, salt, body []byte
		if err := row.Scan(&signed, &salt, &body, &e.Why); err != nil {
			return e, err
		}
		e.Entry, err = parse(signed, salt, body)
		return e, err
	}, queryEvidence, rel[:])
}

const queryAudit = `SELECT n, rel, at, by, act, entry, note FROM audit WHERE rel = $1 ORDER BY n`

func scanAudit(row pgx.CollectableRow) (a gateway.Audit, err error) {
	err = row.Scan(&a.N, id32{&a.Rel}, &a.At, &a.By, &a.Act, id32{&a.Entry}, &a.Note)
	a.At = a.At.UTC()
	return a, err
}

// Audit implements [gateway.Store].
func (s *Store) Audit(ctx context.Context, rel firsthand.ID) ([]gateway.Audit, error) {
	return list(ctx, s, scanAudit, queryAudit, rel[:])
}

// Known implements [gateway.Store].
func (s *Store) Known(ctx context.Context, change string) (known bool, err error) {
	err = s.pool.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM change WHERE id = $1)`, change).Scan(&known)
	return known, unavailable(err)
}

// Setting implements [gateway.Store].
func (s *Store) Setting(ctx context.Context, name string) (value string, err error) {
	err = s.pool.QueryRow(ctx, `SELECT value FROM setting WHERE name = $1`, name).Scan(&value)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return value, unavailable(err)
}
