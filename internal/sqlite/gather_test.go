package sqlite_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"firsthand/internal/sqlite"
)

var gatherSchema = fstest.MapFS{"0001_init.sql": {Data: []byte(`CREATE TABLE a (n INTEGER NOT NULL, s TEXT NOT NULL) STRICT;`)}}

// commitAndLook makes commits of many lengths, so that each ends at another place in
// a block of the log, and reads after each through another connection, and at the
// end through a new one. It returns what was not there.
func commitAndLook(t *testing.T, o sqlite.Options, page int) error {
	t.Helper()
	o.CacheKiB = 64 // so that pages go to the log before the commit, and are read back
	db := create(t, o)
	ctx := t.Context()
	for _, query := range []string{"PRAGMA journal_mode = DELETE", fmt.Sprint("PRAGMA page_size = ", page), "VACUUM", "PRAGMA journal_mode = WAL"} {
		if err := sqlite.ExecOutside(ctx, db, query); err != nil {
			t.Fatal(err)
		}
	}
	err := db.View(ctx, func(tx *sqlite.Tx) error {
		var got int
		err := tx.QueryRowContext(ctx, `PRAGMA page_size`).Scan(&got)
		if err == nil && got != page {
			err = fmt.Errorf("pages have %d bytes, want %d", got, page)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	look := func(db *sqlite.DB, want int) error {
		return db.View(ctx, func(tx *sqlite.Tx) error {
			var got, length int
			if err := tx.QueryRowContext(ctx, `SELECT count(*), coalesce(sum(length(s)), 0) FROM a`).Scan(&got, &length); err != nil {
				return err
			}
			if got != want {
				return fmt.Errorf("%d rows, want %d", got, want)
			}
			return nil
		})
	}
	const commits = 60
	for n := range commits {
		err := db.Update(ctx, func(tx *sqlite.Tx) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO a (n, s) VALUES (?, ?)`, n, strings.Repeat("x", n*n*7%20_000))
			return err
		})
		if err != nil {
			return err
		}
		if n%10 == 3 { // what is undone leaves frames that nobody may read
			fail := fmt.Errorf("no")
			err := db.Update(ctx, func(tx *sqlite.Tx) error {
				if _, err := tx.ExecContext(ctx, `INSERT INTO a (n, s) VALUES (-1, hex(zeroblob(150000)))`); err != nil {
					return err
				}
				return fail
			})
			if err != fail {
				return fmt.Errorf("an update that fails: %v", err)
			}
		}
		if err := look(db, n+1); err != nil {
			return fmt.Errorf("after commit %d: %w", n, err)
		}
	}
	if err := db.Check(ctx); err != nil {
		return err
	}
	if err := db.Close(); err != nil {
		return err
	}
	again, err := sqlite.Open(ctx, o)
	if err != nil {
		return err
	}
	defer again.Close()
	return look(again, commits)
}

// TestGathered: who reads is never told of a commit before all of it can be read,
// whatever the pages' size.
func TestGathered(t *testing.T) {
	for _, page := range []int{512, 4096, 8192, 65536} {
		t.Run(fmt.Sprint(page), func(t *testing.T) {
			o := options(t)
			o.Migrations, o.Key = gatherSchema, &testKey
			if err := commitAndLook(t, o, page); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("must show", func(t *testing.T) {
		o := options(t)
		o.Migrations, o.Key = gatherSchema, &testKey
		if err := commitAndLook(t, sqlite.Plant(o, "the rest of a commit is held"), 4096); err == nil {
			t.Error("nobody noticed that the rest of a commit was held")
		}
	})
}
