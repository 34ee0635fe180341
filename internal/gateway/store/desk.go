package store

import (
	"context"
	"time"

	"firsthand"
	"firsthand/internal/gateway"
	"firsthand/internal/sqlite"
)

const queryAudits = `
	SELECT a.n, r.id, a.at, a.by, a.act, a.entry, a.note FROM audit a LEFT JOIN relationship r ON r.n = a.rel
	WHERE a.n < ? ORDER BY a.n DESC LIMIT ?`

// Audits implements [gateway.DeskStore].
func (s *Store) Audits(ctx context.Context, before int64, limit int) (all []gateway.Audit, err error) {
	if before == 0 {
		before = 1<<63 - 1
	}
	err = list(ctx, s, queryAudits, []any{before, limit}, func(rows *sqlite.Rows) error {
		var a gateway.Audit
		var at string
		var rel []byte
		err := rows.Scan(&a.N, &rel, &at, &a.By, &a.Act, id32(&a.Entry), &a.Note)
		if err == nil {
			a.At, err = parseTime(at)
		}
		copy(a.Rel[:], rel)
		all = append(all, a)
		return err
	})
	return all, err
}

const queryFrozen = `SELECT ` + relationshipColumns + ` FROM relationship WHERE frozen <> '' ORDER BY n LIMIT ?`

// Frozen implements [gateway.DeskStore].
func (s *Store) Frozen(ctx context.Context, limit int) (all []gateway.Relationship, err error) {
	err = list(ctx, s, queryFrozen, []any{limit}, func(rows *sqlite.Rows) error {
		_, r, err := scanRelationship(rows)
		all = append(all, r)
		return err
	})
	return all, err
}

// queryOwed is queryDue that ends early, and queryOwes counts the same rows.
const (
	queryOwed = queryDue + ` LIMIT ?`
	queryOwes = `
	SELECT (SELECT count(*) FROM delivery WHERE due <> '' AND status NOT IN ('waiting', 'checking'))
		+ (SELECT count(*) FROM delivery WHERE due <> '' AND status IN ('waiting', 'checking', 'stopped') AND status <> 'stopped')`
)

// Owed implements [gateway.DeskStore].
func (s *Store) Owed(ctx context.Context, limit int) (all []gateway.Delivery, n int, err error) {
	err = s.db.View(ctx, func(tx *sqlite.Tx) error {
		rows, err := tx.QueryContext(ctx, queryOwed, limit)
		if err != nil {
			return err
		}
		if all, err = readDeliveries(rows); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, queryOwes).Scan(&n)
	})
	return all, n, err
}

// What Numbers counts: relationships; what waits now; what has ended; how long it
// took, the slowest first.
const (
	queryCustomers = `SELECT count(*), count(nullif(record, '')) FROM relationship`
	queryFailed    = `SELECT count(*) FROM delivery WHERE status = 'stopped'`
	queryToday     = `
	SELECT count(*) FILTER (WHERE due = ?1), count(*) FILTER (WHERE due < ?1) FROM (
		SELECT due FROM delivery WHERE due <> '' AND status NOT IN ('waiting', 'checking')
		UNION ALL
		SELECT due FROM delivery WHERE due <> '' AND status IN ('waiting', 'checking', 'stopped') AND status <> 'stopped')`
	queryEnded = `
	SELECT count(*), count(nullif(d.owed, '')), count(*) FILTER (WHERE d.owed <> '' AND date(d.ended / 1000, 'unixepoch') <= d.owed),
		count(*) FILTER (WHERE d.task = 'deliver' AND d.made > 0),
		count(*) FILTER (WHERE d.task = 'deliver' AND d.status = 'applied' AND d.reported = 0 AND d.record <> '' AND d.record = r.record),
		count(*) FILTER (WHERE d.task = 'deliver' AND d.status = 'applied' AND d.reported = 0 AND d.record <> '' AND d.record = r.record
			AND NOT EXISTS (SELECT 1 FROM audit a WHERE a.entry = d.entry AND a.act IN ('apply', 'refuse')))
	FROM delivery d JOIN relationship r ON r.n = d.rel WHERE d.ended > 0 AND d.ended >= ? AND d.task <> 'review'`
	queryTook = `SELECT ended - made FROM delivery WHERE ended > 0 AND ended >= ? AND task = 'deliver' AND made > 0 ORDER BY 1 LIMIT 1 OFFSET ?`
)

// Numbers implements [gateway.DeskStore].
func (s *Store) Numbers(ctx context.Context, since, now time.Time) (n gateway.Numbers, err error) {
	err = s.db.View(ctx, func(tx *sqlite.Tx) error {
		if err := tx.QueryRowContext(ctx, queryCustomers).Scan(&n.Customers, &n.Bound); err != nil {
			return err
		}
		if err := tx.QueryRowContext(ctx, queryFailed).Scan(&n.Failed); err != nil {
			return err
		}
		if err := tx.QueryRowContext(ctx, queryToday, string(firsthand.DateOf(now))).Scan(&n.Today, &n.Overdue); err != nil {
			return err
		}
		from, delivered := max(millis(since), 1), 0
		if err := tx.QueryRowContext(ctx, queryEnded, from).Scan(&n.Ended, &n.Dated, &n.InTime, &delivered, &n.Facts, &n.ByMachine); err != nil {
			return err
		}
		if delivered == 0 {
			return nil
		}
		for _, part := range []struct {
			to    *time.Duration
			share int // in hundredths
		}{{&n.Median, 50}, {&n.P95, 95}} {
			var took int64
			if err := tx.QueryRowContext(ctx, queryTook, from, gateway.Place100(delivered, part.share)).Scan(&took); err != nil {
				return err
			}
			*part.to = time.Duration(took) * time.Millisecond
		}
		return nil
	})
	return n, err
}
