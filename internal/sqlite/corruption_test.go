package sqlite_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"

	"firsthand/internal/sqlite"
	"firsthand/internal/sqlite/sqlitetest"
)

// corruption is of a file with 40 entries. Stores check what they read against
// hashes; without checks, what SQLite returns is believed.
func corruption(o sqlite.Options, checked bool) sqlitetest.CorruptionPlan {
	f := flight{opts: o, logs: 1}
	return sqlitetest.CorruptionPlan{
		Build: func(d *sqlitetest.Disk) error { return f.grow(d, 40) },
		Read:  func(d *sqlitetest.Disk) (string, error) { return f.read(d, checked) },
	}
}

// grow appends until there are n entries, and closes the file.
func (f flight) grow(d *sqlitetest.Disk, n int) (err error) {
	ctx := background
	open := sqlite.Open
	if there, err := d.Access(f.options(d).Path, 0); err != nil {
		return err
	} else if !there {
		open = sqlite.Create
	}
	db, err := open(ctx, f.options(d))
	if err != nil {
		return err
	}
	return errors.Join(f.appendAll(ctx, d, db, n), db.Close())
}

// read returns a hash of all rows.
func (f flight) read(d *sqlitetest.Disk, checked bool) (content string, err error) {
	ctx := background
	db, err := sqlite.Open(ctx, f.options(d))
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	hash := sha256.New()
	err = db.View(ctx, func(tx *sqlite.Tx) error {
		if checked {
			if _, err := f.count(ctx, tx); err != nil {
				return err
			}
		}
		rows, err := tx.QueryContext(ctx, `SELECT log, seq, body FROM entry ORDER BY log, seq`)
		if err != nil {
			return err
		}
		for rows.Next() {
			var e entry
			var body []byte
			if err := rows.Scan(&e.log, &e.seq, &body); err != nil {
				return err
			}
			fmt.Fprintf(hash, "%q %d %x\n", e.log, e.seq, body)
		}
		return rows.Err()
	})
	return fmt.Sprintf("%x", hash.Sum(nil)), err
}

func TestCorruption(t *testing.T) {
	for name, opts := range map[string]sqlite.Options{"encrypted": {Key: &testKey}, "plain": {}} {
		t.Run(name, func(t *testing.T) {
			outcomes := sqlitetest.Corruption(t, corruption(opts, true))
			if outcomes.Count(sqlitetest.Noticed) == 0 {
				t.Error("nothing was noticed: was anything damaged?")
			}
		})
	}
}

// TestCorruptionMustShow leaves the checks of a store away, and puts back what
// no check of one file can notice. The harness must show all of it.
func TestCorruptionMustShow(t *testing.T) {
	f := flight{opts: sqlite.Options{Key: &testKey}, logs: 1}
	old := corruption(f.opts, true)
	old.More = func(d *sqlitetest.Disk) error { return f.grow(d, 60) }
	tests := []struct {
		name, damage string
		plan         sqlitetest.CorruptionPlan
	}{
		{"plain and unchecked", "flip a bit", corruption(sqlite.Options{}, false)},
		// The cipher spreads a flipped bit over its block of 4,096 bytes. Where
		// these are all of one long value, only the value's hash can tell.
		{"encrypted and unchecked", "flip a bit", corruption(f.opts, false)},
		{"encrypted, checked, and old", "put back the old files", old},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			outcomes, first, err := tt.plan.Run(45)
			if err != nil {
				t.Fatal(err)
			}
			if outcomes[tt.damage][sqlitetest.Wrong] == 0 {
				t.Errorf("not shown: %v", outcomes)
			}
			t.Logf("%v; first: %s", outcomes, first)
		})
	}
}
