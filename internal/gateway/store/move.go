package store

import (
	"context"
	"crypto/rand"
	"errors"
	"iter"
	"os"
	"path/filepath"

	"firsthand/fault"
	"firsthand/internal/durable"
	"firsthand/internal/sqlite"
)

// A store that is being moved to another database is opened by the move alone, from
// the moment that it begins: an entry taken here afterwards would be lost. The mark
// stands in the database; when all has been moved, the file gets another name too.
const (
	settingMoving = "moving" // the name of the move
	settingMoved  = "moved"  // set when it is over

	movedName = databaseName + ".moved"
)

var (
	errMoving = fault.Tell(fault.Conflict, "This database is being moved to another.", "Finish it: firsthand-gateway move. Or stay here: firsthand-gateway move --give-up")
	errMoved  = fault.Tell(fault.Conflict, "This database was moved to another, and is out of date.", "Name that one in gateway.json.")
)

// refuseMoved refuses a store that a move has begun on, unless it is for the move.
func (s *Store) refuseMoved(ctx context.Context) error {
	moved, err := s.Setting(ctx, settingMoved)
	if err != nil {
		return err
	}
	moving, err := s.Setting(ctx, settingMoving)
	switch {
	case err != nil:
		return err
	case moved != "":
		return errMoved
	case moving != "":
		return errMoving
	}
	return nil
}

// Exists reports whether a directory has a database that wasn't moved whole.
func Exists(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, databaseName))
	return err == nil
}

// BeginMove opens a store to move it, and returns the name of the move, which is the
// same each time until GiveUp. From now on Open refuses it.
func BeginMove(ctx context.Context, o Options) (s *Store, name string, err error) {
	o.moving = true
	if s, err = Open(ctx, o); err != nil {
		return nil, "", err
	}
	name, err = s.Setting(ctx, settingMoving)
	if err == nil && name == "" {
		name = rand.Text()
		err = s.db.Update(ctx, func(tx *sqlite.Tx) error { return setSetting(ctx, tx, settingMoving, name) })
	}
	if err != nil {
		return nil, "", errors.Join(err, s.Close())
	}
	return s, name, nil
}

// FinishMove closes a store that was moved whole, for good.
func (s *Store) FinishMove(ctx context.Context) error {
	err := s.db.Update(ctx, func(tx *sqlite.Tx) error { return setSetting(ctx, tx, settingMoved, "1") })
	if err := errors.Join(err, s.Close()); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(s.dir, databaseName), filepath.Join(s.dir, movedName)); err != nil {
		return err
	}
	return durable.SyncDir(s.dir)
}

// GiveUp ends a move that wasn't finished: the store can be opened again.
func GiveUp(ctx context.Context, o Options) error {
	s, _, err := BeginMove(ctx, o)
	if err != nil {
		return err
	}
	moved, err := s.Setting(ctx, settingMoved)
	switch {
	case err != nil:
	case moved != "":
		err = errMoved
	default:
		err = s.db.Update(ctx, func(tx *sqlite.Tx) error {
			_, err := tx.ExecContext(ctx, `DELETE FROM setting WHERE name = ?`, settingMoving)
			return err
		})
	}
	return errors.Join(err, s.Close())
}

// AllChanges implements gateway.Movable.
func (s *Store) AllChanges(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for last := ""; ; {
			var page []string
			err := list(ctx, s, `SELECT id FROM change WHERE id > ? ORDER BY id LIMIT ?`, []any{last, pageEntries}, func(rows *sqlite.Rows) error {
				err := rows.Scan(&last)
				page = append(page, last)
				return err
			})
			if err != nil {
				yield("", err)
				return
			}
			for _, id := range page {
				if !yield(id, nil) {
					return
				}
			}
			if len(page) < pageEntries {
				return
			}
		}
	}
}

// AllSettings implements gateway.Movable.
func (s *Store) AllSettings(ctx context.Context) (map[string]string, error) {
	all := make(map[string]string)
	err := list(ctx, s, `SELECT name, value FROM setting WHERE name NOT IN (?, ?, ?)`, []any{settingInstance, settingMoving, settingMoved}, func(rows *sqlite.Rows) error {
		var name, value string
		err := rows.Scan(&name, &value)
		all[name] = value
		return err
	})
	return all, err
}
