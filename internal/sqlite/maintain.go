package sqlite

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/ncruces/go-sqlite3/vfs"

	"firsthand/fault"
)

// Truncate moves the write-ahead log into the file and empties it. After
// Truncate, what was deleted before is in neither of them: call it after
// erasing. It waits for Views that still read what was there before, as long as
// ctx allows; then its error has the kind Unavailable, and it can be repeated.
func (db *DB) Truncate(ctx context.Context) error {
	for {
		// Looked at first, so that a View which ends meanwhile isn't missed.
		views, ended := db.readers.watch()
		busy := false
		err := db.alone(ctx, func(c *conn) (err error) {
			busy, err = c.checkpoint(ctx)
			return err
		})
		switch {
		case err != nil:
			return fmt.Errorf("truncate: %w", err)
		case !busy:
			return nil
		case views == 0:
			return fmt.Errorf("truncate: %w", errBusy)
		}
		select {
		case <-ended:
		case <-ctx.Done():
			return fmt.Errorf("truncate: %w: %w", fault.Unavailable, ctx.Err())
		}
	}
}

// checkpoint moves the write-ahead log into the file, syncs that, and empties
// the log. It is busy if somebody reads a state older than the log's end; then
// the log is not emptied. It doesn't wait for them.
func (c *conn) checkpoint(ctx context.Context) (busy bool, err error) {
	if err := c.exec("PRAGMA busy_timeout = 0"); err != nil {
		return false, err
	}
	var log, moved int
	err = c.outside().QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &log, &moved)
	return busy, errors.Join(err, c.exec("PRAGMA busy_timeout = 5000"))
}

// Backup writes a copy of the file to path, encrypted with key, or not at all
// if key is nil. It is the state of one moment; meanwhile others read and
// write. If there is a file at path, it is left alone and the error has the
// kind Conflict. In this order:
//
//  1. the copy is made as path.new, and synced. A crash leaves it behind, and
//     the next Backup to the same path removes it;
//  2. it is renamed to path;
//  3. the directory is synced.
func (db *DB) Backup(ctx context.Context, path string, key *Key) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("back up to %s: %w", path, err)
		}
	}()
	// The copy has a VFS of its own: it may be encrypted where the original
	// isn't, and an error of its disk is no error of ours.
	d, err := newDisk(db.opts.VFS, key != nil, db.opts.testOnlyBugs)
	if err != nil {
		return err
	}
	there, err := d.exists(path)
	if err != nil {
		return err
	}
	if there {
		return fmt.Errorf("%w: it exists", fault.Conflict)
	}
	draft := path + ".new"
	if err := d.remove(leftovers(draft)...); err != nil {
		return err
	}
	if err := d.files.CreateFile(draft); err != nil {
		return err
	}
	if err = db.vacuumInto(ctx, d, draft, key); err == nil {
		err = d.publish(draft, path)
	}
	if err != nil {
		return errors.Join(d.explain(err), d.remove(leftovers(draft)...))
	}
	return nil
}

// vacuumInto copies the file into the empty file draft, which is on d.
func (db *DB) vacuumInto(ctx context.Context, d *disk, draft string, key *Key) (err error) {
	db.copying.RLock()
	defer db.copying.RUnlock()
	select {
	case <-db.closing:
		return ErrClosed
	default:
	}
	name := d.register()
	defer vfs.Unregister(name)
	// A connection of its own, since those that read may not vacuum, and the
	// one that writes has better things to do.
	c, err := db.disk.connect(ctx, db.vfsName, db.opts.Path, db.opts.Key, db.opts.CacheKiB, writes)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()

	into := "file:" + url.PathEscape(draft) + "?vfs=" + name
	if key != nil {
		// The one place where a key is part of a name: a copy can't be given
		// it otherwise. It is bound as a parameter, so that no error has it.
		into += "&hexkey=" + hex.EncodeToString(key[:])
	}
	_, err = c.outside().ExecContext(ctx, "VACUUM INTO ?", into)
	return err
}

// Check asks SQLite whether the file is in order. It doesn't see a changed
// value in a file that isn't encrypted.
func (db *DB) Check(ctx context.Context) error {
	var found []string
	err := db.View(ctx, func(tx *Tx) error {
		rows, err := tx.QueryContext(ctx, "PRAGMA integrity_check")
		if err != nil {
			return err
		}
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				return err
			}
			if line != "ok" {
				found = append(found, line)
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
		rows, err = tx.QueryContext(ctx, "PRAGMA foreign_key_check")
		if err != nil {
			return err
		}
		for rows.Next() {
			var table, parent string
			var row sql.NullInt64
			var key int
			if err := rows.Scan(&table, &row, &parent, &key); err != nil {
				return err
			}
			found = append(found, fmt.Sprintf("row %d of %s refers to no row of %s", row.Int64, table, parent))
		}
		return rows.Err()
	})
	if err == nil && len(found) > 0 {
		err = fmt.Errorf("%w: %s", errDamaged, strings.Join(found, "; "))
	}
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	return nil
}
