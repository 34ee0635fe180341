package store

import (
	"context"
	"errors"
	"fmt"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/sqlite"
)

// cachesSetting says which caches have all that the logs say: caches. A file from
// before one of them lacks it: the schema alone can't fold logs.
const (
	cachesSetting = "store.caches"
	caches        = "4" // 1: what is on its way; 2: and what waits for her; 3: and requests to gateways; 4: and grounds
)

func writeSettled(ctx context.Context, tx *sqlite.Tx) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO setting (name, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = ?2`, cachesSetting, caches)
	return err
}

// settleCaches fills the caches of what is on its way, of what waits for her and of
// grounds, in a file that is older than one of them: once, from all logs, in one
// transaction with the note that it was done. Else there would be no task for what she
// had begun before an update. Where only grounds are missing, the summaries have them.
//
// A log that can't be folded is left to those who ask for it; opening must be
// possible. So it must on a full disk, and then this is done at the next start.
func (s *Store) settleCaches(ctx context.Context) error {
	done := ""
	err := s.db.View(ctx, func(tx *sqlite.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT coalesce((SELECT value FROM setting WHERE name = ?), '')`, cachesSetting).Scan(&done)
	})
	if err != nil || done == caches {
		return err
	}
	err = s.db.Update(ctx, func(tx *sqlite.Tx) error {
		w := writer{ctx: ctx, tx: tx}
		all, err := listIn(ctx, tx, scanRelationship, readRelationship)
		if err != nil {
			return err
		}
		for i := range all {
			if err := w.grounds(&all[i]); err != nil {
				return err
			}
			if done == "3" {
				continue
			}
			rel := all[i].ID
			state, err := foldIn(ctx, tx, rel)
			if err != nil {
				if ctx.Err() != nil {
					return err
				}
				continue
			}
			onItsWay, waits := agent.CachedIn(state, &all[i])
			if err := errors.Join(w.carried(map[firsthand.ID][]agent.Carried{rel: onItsWay}), w.waiting(map[firsthand.ID][]agent.Waiting{rel: waits})); err != nil {
				return fmt.Errorf("caches of %s: %w", rel, err)
			}
		}
		return writeSettled(ctx, tx)
	})
	if fault.KindOf(err) == fault.Unavailable {
		return nil
	}
	return err
}

// grounds puts beside the holdings of a relationship what a plan asks.
func (w *writer) grounds(r *agent.Relationship) error {
	for entry, ground := range agent.GroundsIn(r) {
		if _, err := w.exec(`UPDATE holding SET ground = ? WHERE relationship = ? AND entry = ?`, ground, r.ID[:], entry[:]); err != nil {
			return err
		}
	}
	return nil
}

// foldIn folds both logs of a relationship.
func foldIn(ctx context.Context, tx *sqlite.Tx, rel firsthand.ID) (*firsthand.State, error) {
	var logs [2][]firsthand.Entry
	for i, side := range []firsthand.Side{firsthand.First, firsthand.Second} {
		for more := true; more; {
			some, err := readEntries(ctx, tx, manyEntries, `
				SELECT `+rowColumns+` FROM entry e LEFT JOIN body b ON b.entry = e.n
				WHERE e.relationship = ? AND e.side = ? AND e.seq > ? ORDER BY e.seq`, rel[:], string(side), len(logs[i]))
			if err != nil {
				return nil, err
			}
			logs[i], more = append(logs[i], some...), len(some) > 0
		}
	}
	return firsthand.Fold(logs[0], logs[1])
}
