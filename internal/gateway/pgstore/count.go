package pgstore

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"firsthand"
	"firsthand/internal/gateway"
)

var _ gateway.Counter = (*Store)(nil)

// What is unfinished: each part is that of an index which has little else.
const unfinished = `(status IN ('waiting', 'checking', 'stopped') OR status = 'later'
	OR due <> '' AND status NOT IN ('waiting', 'checking') AND status IN ('held', 'proposed'))`

const (
	queryLines  = `SELECT lane, status, count(*) FROM delivery WHERE ` + unfinished + ` GROUP BY lane, status`
	queryDuties = `SELECT due, count(*) FROM (` + owing + `) AS owing GROUP BY due`
	// queryOldest has the first of each lane and status: deliveries are numbered as they
	// come.
	queryOldest = `
	WITH o AS MATERIALIZED (
		SELECT DISTINCT ON (lane, status) lane, status, rel, seq FROM delivery
		WHERE ` + unfinished + ` AND task IN ('deliver', 'verify') ORDER BY lane, status, n)
	SELECT o.lane, o.status, r.opened, e.signed FROM o
	JOIN relationship r ON r.id = o.rel JOIN entry e ON e.rel = o.rel AND e.side = 1 AND e.seq = o.seq`
)

// Counts implements [gateway.Counter]. All are of one moment.
func (s *Store) Counts(ctx context.Context) (c gateway.Counts, err error) {
	c.Duties = make(map[firsthand.Date]int64)
	err = pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, `SELECT count(*) FROM relationship`).Scan(&c.Relationships); err != nil {
			return err
		}
		var n int64
		var due firsthand.Date
		if err := each(ctx, tx, queryDuties, []any{(*string)(&due), &n}, func() error {
			c.Duties[due] = n
			return nil
		}); err != nil {
			return err
		}
		at := make(map[gateway.Line]int)
		var l gateway.Line // lane and status alone
		if err := each(ctx, tx, queryLines, []any{(*string)(&l.Lane), (*string)(&l.Status), &n}, func() error {
			at[l] = len(c.Lines)
			c.Lines = append(c.Lines, gateway.Line{Lane: l.Lane, Status: l.Status, N: n})
			return nil
		}); err != nil {
			return err
		}
		var opened time.Time
		var signed []byte
		return each(ctx, tx, queryOldest, []any{(*string)(&l.Lane), (*string)(&l.Status), &opened, &signed}, func() error {
			e, err := firsthand.ParseEntry(signed)
			if err != nil {
				return err
			}
			oldest := &c.Lines[at[l]].Oldest
			if *oldest = opened.UTC(); e.At.After(*oldest) {
				*oldest = e.At
			}
			return nil
		})
	})
	return c, unavailable(err)
}

// each runs a query and calls fn for each row, which is in to.
func each(ctx context.Context, tx pgx.Tx, query string, to []any, fn func() error) error {
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, to, fn)
	return err
}
