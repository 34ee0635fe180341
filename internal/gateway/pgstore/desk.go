package pgstore

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"firsthand"
	"firsthand/internal/gateway"
)

const queryAudits = `SELECT n, rel, at, by, act, entry, note FROM audit WHERE n < $1 ORDER BY n DESC LIMIT $2`

// Audits implements [gateway.DeskStore]. Rows that are about no relationship have the
// zero ID.
func (s *Store) Audits(ctx context.Context, before int64, limit int) ([]gateway.Audit, error) {
	if before == 0 {
		before = 1<<63 - 1
	}
	return list(ctx, s, scanAudit, queryAudits, before, limit)
}

const queryFrozen = `SELECT ` + relationshipColumns + ` FROM relationship WHERE frozen <> '' ORDER BY n LIMIT $1`

// Frozen implements [gateway.DeskStore].
func (s *Store) Frozen(ctx context.Context, limit int) ([]gateway.Relationship, error) {
	return list(ctx, s, oneRelationship, queryFrozen, limit)
}

// queryOwed is queryDue that ends early, and queryOwes counts the same rows, of which
// are few.
const (
	queryOwed = queryDue + ` LIMIT $1`
	owing     = `
		SELECT due FROM delivery WHERE due <> '' AND status NOT IN ('waiting', 'checking')
		UNION ALL
		SELECT due FROM delivery WHERE due <> '' AND status IN ('waiting', 'checking', 'stopped') AND status <> 'stopped'`
	queryOwes = `SELECT count(*) FROM (` + owing + `) AS owing`
)

// Owed implements [gateway.DeskStore].
func (s *Store) Owed(ctx context.Context, limit int) (all []gateway.Delivery, n int, err error) {
	if all, err = list(ctx, s, numberedDelivery, queryOwed, limit); err != nil {
		return nil, 0, err
	}
	return all, n, unavailable(s.pool.QueryRow(ctx, queryOwes).Scan(&n))
}

// What Numbers counts: relationships; what waits now; what has ended; how long it took.
const (
	queryCustomers = `SELECT count(*), count(*) FILTER (WHERE record <> '') FROM relationship`
	queryFailed    = `SELECT count(*) FROM delivery WHERE status = 'stopped'`
	queryToday     = `SELECT count(*) FILTER (WHERE due = $1), count(*) FILTER (WHERE due < $1) FROM (` + owing + `) AS owing`
	queryEnded     = `
	SELECT count(*), count(*) FILTER (WHERE d.owed <> ''),
		count(*) FILTER (WHERE d.owed <> '' AND to_char(d.ended AT TIME ZONE 'UTC', 'YYYY-MM-DD') COLLATE "C" <= d.owed),
		count(*) FILTER (WHERE d.task = 'deliver'),
		count(*) FILTER (WHERE d.task = 'deliver' AND d.status = 'applied' AND NOT d.reported AND d.record <> '' AND d.record = r.record),
		count(*) FILTER (WHERE d.task = 'deliver' AND d.status = 'applied' AND NOT d.reported AND d.record <> '' AND d.record = r.record
			AND NOT EXISTS (SELECT FROM audit a WHERE a.entry = d.entry AND a.act IN ('apply', 'refuse')))
	FROM delivery d JOIN relationship r ON r.id = d.rel WHERE d.ended IS NOT NULL AND d.ended >= $1 AND d.task <> 'review'`
	queryTook = `
	SELECT made, ended FROM delivery WHERE ended IS NOT NULL AND ended >= $1 AND task = 'deliver'
	ORDER BY ended - made LIMIT 1 OFFSET $2`
)

// Numbers implements [gateway.DeskStore]. All are of one moment.
func (s *Store) Numbers(ctx context.Context, since, now time.Time) (n gateway.Numbers, err error) {
	err = pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		delivered := 0
		for _, q := range []struct {
			query string
			args  []any
			to    []any
		}{
			{queryCustomers, nil, []any{&n.Customers, &n.Bound}},
			{queryFailed, nil, []any{&n.Failed}},
			{queryToday, []any{string(firsthand.DateOf(now))}, []any{&n.Today, &n.Overdue}},
			{queryEnded, []any{since}, []any{&n.Ended, &n.Dated, &n.InTime, &delivered, &n.Facts, &n.ByMachine}},
		} {
			if err := tx.QueryRow(ctx, q.query, q.args...).Scan(q.to...); err != nil {
				return err
			}
		}
		if delivered == 0 {
			return nil
		}
		for _, part := range []struct {
			to    *time.Duration
			share int // in hundredths
		}{{&n.Median, 50}, {&n.P95, 95}} {
			var made, ended time.Time
			if err := tx.QueryRow(ctx, queryTook, since, gateway.Place100(delivered, part.share)).Scan(&made, &ended); err != nil {
				return err
			}
			*part.to = ended.Sub(made)
		}
		return nil
	})
	return n, unavailable(err)
}
