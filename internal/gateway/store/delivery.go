package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/gateway"
	"firsthand/internal/sqlite"
)

// deliveries inserts each of all, or replaces it where it stands in line, and keeps
// the cached times at which their relationships have something to do.
func (w *writer) deliveries(ctx context.Context, all []gateway.Delivery) error {
	// One that was added stands at the end of its line: it can only make the time
	// earlier, or be the first. One that was changed can do anything, in another line
	// too, which "", before all times, stands for.
	type line struct {
		rel  int64
		lane gateway.Lane
	}
	earliest := make(map[line]string, 1)
	for i := range all {
		d := &all[i]
		n, err := w.number(ctx, d.Rel)
		if err != nil {
			return err
		}
		next := timeText(d.Next)
		added, err := w.delivery(ctx, n, next, d)
		if err != nil {
			return err
		}
		if !added {
			earliest[line{n, gateway.Records}], earliest[line{n, gateway.Tickets}] = "", ""
			continue
		}
		at := line{n, d.Lane}
		if d.Status == gateway.Later {
			at.lane = gateway.Records
		}
		if least, ok := earliest[at]; !ok || next < least {
			earliest[at] = next
		}
	}
	for at, next := range earliest {
		if _, err := w.tx.ExecContext(ctx, setDue[at.lane], at.rel, next); err != nil {
			return err
		}
	}
	return nil
}

// setDue caches when a lane of a relationship has something to do.
var setDue = map[gateway.Lane]string{
	gateway.Records: `
		UPDATE relationship
		SET due = (
			SELECT min(next) FROM (
				SELECT next FROM (
					SELECT status, next FROM delivery
					WHERE rel = ?1 AND lane = '' AND status IN ('waiting', 'checking', 'stopped') ORDER BY n LIMIT 1)
				WHERE status <> 'stopped'
				UNION ALL
				SELECT next FROM (SELECT next FROM delivery WHERE rel = ?1 AND status = 'later' ORDER BY next LIMIT 1)))
		WHERE n = ?1 AND (due IS NULL OR due > ?2)`,
	gateway.Tickets: `
		UPDATE relationship
		SET due_tickets = (
			SELECT next FROM (
				SELECT status, next FROM delivery
				WHERE rel = ?1 AND lane = 'tickets' AND status IN ('waiting', 'checking', 'stopped') ORDER BY n LIMIT 1)
			WHERE status <> 'stopped')
		WHERE n = ?1 AND (due_tickets IS NULL OR due_tickets > ?2)`,
}

// delivery inserts d, or replaces it, in the relationship of number n.
func (w *writer) delivery(ctx context.Context, n int64, next string, d *gateway.Delivery) (added bool, err error) {
	// Nearly all are new, and then short.
	r, err := w.tx.ExecContext(ctx, `
		INSERT INTO delivery (rel, seq, task, lane, entry, status, next, due, made, owed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		n, d.Seq, string(d.Task), string(d.Lane), d.Entry[:], string(d.Status), next, string(d.Due), millis(d.Made), string(d.Owed))
	if err != nil {
		return false, err
	}
	rows, err := r.RowsAffected()
	if err != nil {
		return false, err
	}
	added = rows > 0
	if added && *d == (gateway.Delivery{Rel: d.Rel, Seq: d.Seq, Task: d.Task, Lane: d.Lane, Entry: d.Entry, Status: d.Status, Next: d.Next, Due: d.Due, Made: d.Made, Owed: d.Owed}) {
		return true, nil
	}
	_, err = w.tx.ExecContext(ctx, `
		UPDATE delivery
		SET lane = ?, status = ?, next = ?, due = ?, tries = ?, why = ?, system = ?, record = ?, version = ?, reported = ?, ended = ?,
			owed = coalesce(nullif(?, ''), owed)
		WHERE rel = ? AND seq = ? AND task = ?`,
		string(d.Lane), string(d.Status), next, string(d.Due), d.Tries, d.Why, d.Ref.System, d.Ref.ID, d.Ref.Version, d.Reported, millis(d.Ended), string(d.Owed), n, d.Seq, string(d.Task))
	return added, err
}

const deliveryColumns = `d.seq, d.task, d.lane, d.entry, d.status, d.tries, d.next, d.why, d.system, d.record, d.version, d.reported, d.due, d.made, d.ended, d.owed`

// readDeliveries reads rows of the relationship's id and the columns above.
func readDeliveries(rows *sqlite.Rows) (all []gateway.Delivery, err error) {
	defer rows.Close()
	for rows.Next() {
		var d gateway.Delivery
		var next string
		var made, ended int64
		err := rows.Scan(id32(&d.Rel), &d.Seq, (*string)(&d.Task), (*string)(&d.Lane), id32(&d.Entry), (*string)(&d.Status), &d.Tries, &next, &d.Why,
			&d.Ref.System, &d.Ref.ID, &d.Ref.Version, &d.Reported, (*string)(&d.Due), &made, &ended, (*string)(&d.Owed))
		if err != nil {
			return nil, err
		}
		d.Made, d.Ended = fromMillis(made), fromMillis(ended)
		if d.Next, err = parseTime(next); err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, rows.Err()
}

// Deliveries implements [gateway.Store].
func (s *Store) Deliveries(ctx context.Context, rel firsthand.ID) (all []gateway.Delivery, err error) {
	err = s.db.View(ctx, func(tx *sqlite.Tx) error {
		rows, err := tx.QueryContext(ctx, `
			SELECT r.id, `+deliveryColumns+` FROM delivery d JOIN relationship r ON r.n = d.rel
			WHERE r.id = ? ORDER BY d.n`, rel[:])
		if err != nil {
			return err
		}
		all, err = readDeliveries(rows)
		return err
	})
	return all, err
}

// Delivery implements [gateway.Store].
func (s *Store) Delivery(ctx context.Context, rel firsthand.ID, seq int64, task gateway.Task) (d gateway.Delivery, err error) {
	err = s.db.View(ctx, func(tx *sqlite.Tx) error {
		rows, err := tx.QueryContext(ctx, `
			SELECT r.id, `+deliveryColumns+` FROM delivery d JOIN relationship r ON r.n = d.rel
			WHERE r.id = ? AND d.seq = ? AND d.task = ?`, rel[:], seq, string(task))
		if err != nil {
			return err
		}
		all, err := readDeliveries(rows)
		if err != nil {
			return err
		}
		if len(all) == 0 {
			return fmt.Errorf("delivery of entry %d: %w", seq, fault.NotExist)
		}
		d = all[0]
		return nil
	})
	return d, err
}

const (
	queryReady = `
	WITH r AS MATERIALIZED (
		SELECT n, id FROM relationship
		WHERE due IS NOT NULL AND restored = 0 AND frozen = '' ORDER BY due LIMIT ?)
	SELECT r.id, ` + deliveryColumns + ` FROM r JOIN delivery d ON d.n = (
		SELECT n FROM delivery
		WHERE rel = r.n AND lane = '' AND status IN ('waiting', 'checking', 'stopped') ORDER BY n LIMIT 1)
	WHERE d.status <> 'stopped'
	UNION ALL
	SELECT r.id, ` + deliveryColumns + ` FROM r JOIN delivery d ON d.n = (
		SELECT n FROM delivery WHERE rel = r.n AND status = 'later' ORDER BY next, n LIMIT 1)`
	queryReadyTickets = `
	WITH r AS MATERIALIZED (
		SELECT n, id FROM relationship
		WHERE due_tickets IS NOT NULL AND restored = 0 AND frozen = '' ORDER BY due_tickets LIMIT ?)
	SELECT r.id, ` + deliveryColumns + ` FROM r JOIN delivery d ON d.n = (
		SELECT n FROM delivery
		WHERE rel = r.n AND lane = 'tickets' AND status IN ('waiting', 'checking', 'stopped') ORDER BY n LIMIT 1)
	WHERE d.status <> 'stopped'`
)

// Ready implements [gateway.Store].
func (s *Store) Ready(ctx context.Context, lane gateway.Lane, limit int) (ready []gateway.Delivery, err error) {
	query := queryReady
	if lane == gateway.Tickets {
		query = queryReadyTickets
	}
	err = s.db.View(ctx, func(tx *sqlite.Tx) error {
		rows, err := tx.QueryContext(ctx, query, limit)
		if err != nil {
			return err
		}
		ready, err = readDeliveries(rows)
		return err
	})
	slices.SortStableFunc(ready, func(a, b gateway.Delivery) int { return a.Next.Compare(b.Next) })
	return ready, err
}

// queryDue has two parts, for each of which there is an index that is short.
const queryDue = `
	SELECT r.id, ` + deliveryColumns + ` FROM delivery d JOIN relationship r ON r.n = d.rel
	WHERE d.n IN (
		SELECT n FROM delivery WHERE due <> '' AND status NOT IN ('waiting', 'checking')
		UNION ALL
		SELECT n FROM delivery WHERE due <> '' AND status IN ('waiting', 'checking', 'stopped') AND status <> 'stopped')
	ORDER BY d.due, d.n`

// Due implements [gateway.Store].
func (s *Store) Due(ctx context.Context) (due []gateway.Delivery, err error) {
	err = s.db.View(ctx, func(tx *sqlite.Tx) error {
		rows, err := tx.QueryContext(ctx, queryDue)
		if err != nil {
			return err
		}
		due, err = readDeliveries(rows)
		return err
	})
	return due, err
}

// Setting implements [gateway.Store].
func (s *Store) Setting(ctx context.Context, name string) (value string, err error) {
	err = s.db.View(ctx, func(tx *sqlite.Tx) error {
		value, err = setting(ctx, tx, name)
		return err
	})
	return value, err
}

func setting(ctx context.Context, tx *sqlite.Tx, name string) (value string, err error) {
	err = tx.QueryRowContext(ctx, `SELECT value FROM setting WHERE name = ?`, name).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return value, err
}
