package store

import (
	"context"
	"fmt"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/sqlite"
)

// carriedSetting says that the cache of what is on its way has all that the logs say.
// A file from before that cache was there lacks it: the schema alone can't fold logs.
const carriedSetting = "store.carried"

func writeSettled(ctx context.Context, tx *sqlite.Tx) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO setting (name, value) VALUES (?, 'filled') ON CONFLICT DO NOTHING`, carriedSetting)
	return err
}

// settleCarried fills the cache of what is on its way, in a file that is older than
// it: once, from all logs, in one transaction with the note that it was done. Else
// there would be no task for what she had begun before an update.
//
// A log that can't be folded is left to those who ask for it; opening must be
// possible. So it must on a full disk, and then this is done at the next start.
func (s *Store) settleCarried(ctx context.Context) error {
	done := ""
	err := s.db.View(ctx, func(tx *sqlite.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT coalesce((SELECT value FROM setting WHERE name = ?), '')`, carriedSetting).Scan(&done)
	})
	if err != nil || done != "" {
		return err
	}
	err = s.db.Update(ctx, func(tx *sqlite.Tx) error {
		w := writer{ctx: ctx, tx: tx}
		rels, err := listIn(ctx, tx, func(rows *sqlite.Rows, id *firsthand.ID) error {
			var raw []byte
			err := rows.Scan(&raw)
			copy(id[:], raw)
			return err
		}, `SELECT id FROM relationship`)
		if err != nil {
			return err
		}
		for _, rel := range rels {
			state, err := foldIn(ctx, tx, rel)
			if err != nil {
				if ctx.Err() != nil {
					return err
				}
				continue
			}
			if err := w.carried(rel, agent.CarriedIn(state)); err != nil {
				return fmt.Errorf("what is on its way: %w", err)
			}
		}
		return writeSettled(ctx, tx)
	})
	if fault.KindOf(err) == fault.Unavailable {
		return nil
	}
	return err
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
