package store

import (
	"cmp"
	"context"
	"maps"

	"firsthand"
	"firsthand/internal/agent"
	"firsthand/internal/sqlite"
)

const waitingColumns = `w.key, w.what, w.relationship, r.domain, w.entry, w.fact, w.until, w.since`

func scanWaiting(rows *sqlite.Rows, w *agent.Waiting) error {
	var rel, entry []byte
	var since string
	if err := rows.Scan(&w.Key, &w.What, &rel, &w.Domain, &entry, &w.Fact, (*string)(&w.Until), &since); err != nil {
		return err
	}
	copy(w.Rel[:], rel)
	copy(w.Entry[:], entry)
	return parseTime(since, &w.Since)
}

const allWaiting = `SELECT ` + waitingColumns + ` FROM waiting w JOIN relationship r ON r.id = w.relationship`

// WaitingIn implements [agent.Store].
func (s *Store) WaitingIn(ctx context.Context, rel firsthand.ID) ([]agent.Waiting, error) {
	return list(ctx, s, scanWaiting, allWaiting+` WHERE w.relationship = ? ORDER BY w.n`, rel[:])
}

// Waits implements [agent.Store].
func (s *Store) Waits(ctx context.Context, today firsthand.Date, limit int) (all []agent.Waiting, total int, err error) {
	const from = ` FROM waiting w JOIN relationship r ON r.id = w.relationship
		WHERE (w.until = '' OR w.until >= ?1) AND NOT EXISTS (SELECT 1 FROM later l WHERE l.key = w.key AND l.until > ?1)`
	err = s.db.View(ctx, func(tx *sqlite.Tx) (err error) {
		if err := tx.QueryRowContext(ctx, `SELECT count(*)`+from, string(today)).Scan(&total); err != nil {
			return err
		}
		all, err = listIn(ctx, tx, scanWaiting, `SELECT `+waitingColumns+from+` ORDER BY w.place, w.since, w.key LIMIT ?2`, string(today), limit)
		return err
	})
	return all, total, err
}

// Later implements [agent.Store].
func (s *Store) Later(ctx context.Context) (map[string]firsthand.Date, error) {
	type row struct{ key, until string }
	rows, err := list(ctx, s, func(rows *sqlite.Rows, r *row) error { return rows.Scan(&r.key, &r.until) }, `SELECT key, until FROM later`)
	later := make(map[string]firsthand.Date, len(rows))
	for _, r := range rows {
		later[r.key] = firsthand.Date(r.until)
	}
	return later, err
}

// waiting replaces what waits in relationships. Mostly nothing did, and nothing does.
func (w *writer) waiting(all map[firsthand.ID][]agent.Waiting) error {
	if len(all) == 0 {
		return nil
	}
	if _, err := w.exec(`DELETE FROM waiting WHERE relationship IN (`+inIDs+`)`, idList(maps.Keys(all))); err != nil {
		return err
	}
	for rel, rows := range all {
		if err := w.waitingIn(rel, rows); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) waitingIn(rel firsthand.ID, all []agent.Waiting) error {
	for n, r := range all {
		place := cmp.Or(r.Until, firsthand.DateOf(r.Since))
		_, err := w.exec(`INSERT INTO waiting (relationship, n, key, what, entry, fact, until, since, place) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			rel[:], n, r.Key, r.What, r.Entry[:], r.Fact, string(r.Until), timeText(r.Since), string(place))
		if err != nil {
			return err
		}
	}
	return nil
}

// later puts cards off, or brings them back.
func (w *writer) later(cards map[string]firsthand.Date) error {
	for key, until := range cards {
		query, args := `INSERT INTO later (key, until) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET until = excluded.until`, []any{key, string(until)}
		if until == "" {
			query, args = `DELETE FROM later WHERE key = ?`, args[:1]
		}
		if _, err := w.exec(query, args...); err != nil {
			return err
		}
	}
	return nil
}
