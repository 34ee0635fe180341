package store

import (
	"context"
	"database/sql"
	"errors"

	"firsthand"
	"firsthand/internal/gateway"
	"firsthand/internal/sqlite"
)

var _ gateway.Counter = (*Store)(nil)

// The statuses of each part are those of an index, which holds what is unfinished
// alone. The oldest is the first in line: deliveries are numbered as they come.
const queryLines = `
	SELECT lane, status, count(*), coalesce(min(n) FILTER (WHERE task IN ('deliver', 'verify')), 0)
	FROM delivery WHERE status IN ('waiting', 'checking', 'stopped') GROUP BY lane, status
	UNION ALL
	SELECT lane, status, count(*), coalesce(min(n) FILTER (WHERE task IN ('deliver', 'verify')), 0)
	FROM delivery WHERE status = 'later' GROUP BY lane, status
	UNION ALL
	SELECT lane, status, count(*), coalesce(min(n) FILTER (WHERE task IN ('deliver', 'verify')), 0)
	FROM delivery WHERE due <> '' AND status NOT IN ('waiting', 'checking') AND status IN ('held', 'proposed') GROUP BY lane, status`

const queryDuties = `
	SELECT due, count(*) FROM delivery WHERE due <> '' AND status NOT IN ('waiting', 'checking') GROUP BY due
	UNION ALL
	SELECT due, count(*) FROM delivery WHERE status IN ('waiting', 'checking', 'stopped') AND status <> 'stopped' AND due <> '' GROUP BY due`

// Counts implements [gateway.Counter].
func (s *Store) Counts(ctx context.Context) (c gateway.Counts, err error) {
	err = s.db.View(ctx, func(tx *sqlite.Tx) error {
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM relationship`).Scan(&c.Relationships); err != nil {
			return err
		}
		c.Duties = make(map[firsthand.Date]int64)
		rows, err := tx.QueryContext(ctx, queryDuties)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var due firsthand.Date
			var n int64
			if err := rows.Scan((*string)(&due), &n); err != nil {
				return err
			}
			c.Duties[due] += n
		}
		if err := rows.Err(); err != nil {
			return err
		}
		c.Lines, err = lines(ctx, tx)
		return err
	})
	return c, err
}

func lines(ctx context.Context, tx *sqlite.Tx) (all []gateway.Line, err error) {
	rows, err := tx.QueryContext(ctx, queryLines)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var oldest []int64
	for rows.Next() {
		var l gateway.Line
		var n int64
		if err := rows.Scan((*string)(&l.Lane), (*string)(&l.Status), &l.N, &n); err != nil {
			return nil, err
		}
		all, oldest = append(all, l), append(oldest, n)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for i, n := range oldest {
		if n == 0 {
			continue
		}
		var opened string
		var signed []byte
		err := tx.QueryRowContext(ctx, `
			SELECT r.opened, e.signed FROM delivery d JOIN relationship r ON r.n = d.rel
			JOIN entry e ON e.rel = d.rel AND e.side = 1 AND e.seq = d.seq
			WHERE d.n = ?`, n).Scan(&opened, &signed)
		if errors.Is(err, sql.ErrNoRows) {
			continue // of an entry that a backup has lost
		}
		if err != nil {
			return nil, err
		}
		e, err := firsthand.ParseEntry(signed)
		if err != nil {
			return nil, err
		}
		if all[i].Oldest, err = parseTime(opened); err != nil {
			return nil, err
		}
		if e.At.After(all[i].Oldest) {
			all[i].Oldest = e.At
		}
	}
	return all, nil
}
