package sqlite_test

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"testing/fstest"

	"firsthand/internal/sqlite"
	"firsthand/internal/sqlite/sqlitetest"
)

func TestPowerLoss(t *testing.T) {
	for name, opts := range map[string]sqlite.Options{"encrypted": {Key: &testKey}, "plain": {}} {
		t.Run(name, func(t *testing.T) {
			p := flight{opts: opts, logs: 3, n: 8, every: 20}.plan()
			p.States, p.CI = 200, 5000
			sqlitetest.PowerLoss(t, p)
		})
	}
}

// TestPowerLossAfterFailedSync has each sync fail in turn, and then the power.
func TestPowerLossAfterFailedSync(t *testing.T) {
	for fail := 10; fail <= 27; fail++ { // before that, the file isn't created
		t.Run(fmt.Sprint(fail), func(t *testing.T) {
			p := flight{opts: sqlite.Options{Key: &testKey}, logs: 1, n: 4, every: 15, fail: fail}.plan()
			p.States, p.CI = 10, 100
			sqlitetest.PowerLoss(t, p)
		})
	}
}

// TestPowerLossInMigration: the file is of the old schema or of the new, and
// nothing is missing.
func TestPowerLossInMigration(t *testing.T) {
	old := fstest.MapFS{"0001_init.sql": {Data: []byte(`
		CREATE TABLE a (n INTEGER NOT NULL, s TEXT NOT NULL) STRICT;
		WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 200)
		INSERT INTO a SELECT n, hex(zeroblob(200)) FROM c;`)}}
	all := fstest.MapFS{
		"0001_init.sql": old["0001_init.sql"],
		"0002_copy.sql": {Data: []byte(`CREATE TABLE b (n INTEGER PRIMARY KEY, s TEXT NOT NULL) STRICT; INSERT INTO b SELECT n, s || 'b' FROM a;`)},
		"0003_drop.sql": {Data: []byte(`DROP TABLE a; CREATE INDEX b_s ON b (s, n); -- done`)},
	}
	options := func(d *sqlitetest.Disk, migrations fs.FS) sqlite.Options {
		return sqlite.Options{Path: "/test.db", Key: &testKey, VFS: d.VFS(), Migrations: migrations}
	}
	type migrated struct{}
	sqlitetest.PowerLoss(t, sqlitetest.Plan{
		States: 100, CI: 1000,
		Workload: func(d *sqlitetest.Disk) error {
			db, err := sqlite.Create(background, options(d, old))
			if err != nil {
				return err
			}
			if err := db.Close(); err != nil {
				return err
			}
			d.Ack(fileExists{})
			if db, err = sqlite.Open(background, options(d, all)); err != nil {
				return err
			}
			d.Ack(migrated{})
			return db.Close()
		},
		Verify: func(d *sqlitetest.Disk, acked []any) error {
			if len(acked) == 2 { // an old program must find it too new
				if db, err := sqlite.Open(background, options(d, old)); err == nil {
					return errors.Join(errors.New("the migration is lost"), db.Close())
				}
			}
			db, err := sqlite.Open(background, options(d, all))
			if errors.Is(err, fs.ErrNotExist) && len(acked) == 0 {
				return nil
			}
			if err != nil {
				return err
			}
			err = db.View(background, func(tx *sqlite.Tx) error {
				var n int
				err := tx.QueryRowContext(background, `SELECT count(*) FROM b WHERE length(s) = 401`).Scan(&n)
				if err == nil && n != 200 {
					err = fmt.Errorf("%d rows, want 200", n)
				}
				return err
			})
			return errors.Join(err, db.Check(background), db.Close())
		},
	})
}

// TestPowerLossInBackup: a copy is whole, or isn't there; and the original
// takes no harm.
func TestPowerLossInBackup(t *testing.T) {
	f := flight{opts: sqlite.Options{Key: &testKey}, logs: 1, n: 6}
	copyKey := sqlite.Key{8}
	type backedUp struct{}
	sqlitetest.PowerLoss(t, sqlitetest.Plan{
		States: 100, CI: 1000,
		Workload: func(d *sqlitetest.Disk) error {
			if err := f.grow(d, f.n); err != nil {
				return err
			}
			db, err := sqlite.Open(background, f.options(d))
			if err != nil {
				return err
			}
			if err := db.Backup(background, "/backup/copy.db", &copyKey); err != nil {
				return errors.Join(err, db.Close())
			}
			d.Ack(backedUp{})
			return db.Close()
		},
		Verify: func(d *sqlitetest.Disk, acked []any) error {
			if err := f.verify(d, acked); err != nil {
				return err
			}
			o := f.options(d)
			o.Path, o.Key = "/backup/copy.db", &copyKey
			db, err := sqlite.Open(background, o)
			if errors.Is(err, fs.ErrNotExist) && (len(acked) == 0 || acked[len(acked)-1] != any(backedUp{})) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("copy: %w", err)
			}
			err = db.View(background, func(tx *sqlite.Tx) error {
				found, err := f.count(background, tx)
				if err == nil && found["log 0"] != f.n {
					err = fmt.Errorf("copy: %v", found)
				}
				return err
			})
			return errors.Join(err, db.Check(background), db.Close())
		},
	})
}

// TestPlantedBugs switches on one bug at a time, each of which the harness must
// notice.
func TestPlantedBugs(t *testing.T) {
	plain := sqlite.Options{}
	encrypted := sqlite.Options{Key: &testKey}
	tests := []struct {
		name string
		flight
		lie int
	}{
		{name: "synchronous=NORMAL", flight: flight{opts: sqlite.Plant(plain, "synchronous=NORMAL")}},
		{name: "journal DELETE with FULL", flight: flight{opts: sqlite.Plant(plain, "journal DELETE with FULL")}},
		{name: "a disk that ignores one sync in seven", lie: 7},
		{name: "acknowledge before commit", flight: flight{early: true}},
		{name: "projection outside the entry's transaction", flight: flight{apart: true}},
		{name: "no repair of a cut-off WAL", flight: flight{opts: sqlite.Plant(encrypted, "no repair of a cut-off WAL")}},
		{name: "synced before it is written", flight: flight{opts: sqlite.Plant(encrypted, "synced before it is written")}},
		{name: "no sync of the directory", flight: flight{opts: sqlite.Plant(plain, "no sync of the directory")}},
		{name: "renamed without a sync of the directory", flight: flight{opts: sqlite.Plant(plain, "renamed without a sync of the directory")}},
		// Of the syncs that can fail, the 16th is that of the first commit.
		{name: "failed sync taken for success", flight: flight{opts: sqlite.Plant(plain, "failed sync taken for success"), fail: 16}},
		{name: "go on from what a failed sync has left", flight: flight{opts: sqlite.Plant(plain, "go on from what a failed sync has left"), fail: 16}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.logs, tt.n = 1, 8
			var plans []sqlitetest.Plan
			for range min(tt.fail, 3) + 1 { // or one of those around it
				p := tt.plan()
				p.Lie = tt.lie
				plans = append(plans, p)
				tt.fail++
			}
			sqlitetest.MustCatch(t, plans...)
		})
	}
}
