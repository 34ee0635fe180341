package sqlite_test

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"firsthand/fault"
	"firsthand/internal/sqlite"
	"firsthand/internal/sqlite/sqlitetest"
)

// full is what callers are told when the disk is full.
func full(err error) bool {
	return fault.KindOf(err) == fault.Unavailable && strings.Contains(err.Error(), "The disk is full") && fault.HintOf(err) != ""
}

func TestFullDisk(t *testing.T) {
	for name, key := range map[string]*sqlite.Key{"encrypted": &testKey, "plain": nil} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			d := sqlitetest.NewDisk(t, nil)
			f := flight{opts: sqlite.Options{Key: key}}
			db := create(t, f.options(d))
			mustAppend(t, db, "a")
			for round := range 3 {
				n := mustHead(t, db, "a")
				d.SetRoom(int64(round) * 10_000)
				var err error
				for err == nil { // until no room is left
					err = append1(ctx, db, "a")
					if err == nil {
						n++
					}
				}
				if !full(err) {
					t.Fatalf("with a full disk: %v (%v)", err, fault.KindOf(err))
				}
				if err := append1(ctx, db, "a"); !full(err) {
					t.Errorf("with a disk that is still full: %v", err)
				}
				if got := mustHead(t, db, "a"); got != n {
					t.Errorf("head = %d, want %d", got, n)
				}
				if err := db.Backup(ctx, "/data/copy.db", key); !full(err) {
					t.Errorf("Backup: %v", err)
				}
				d.SetRoom(-1)
				mustAppend(t, db, "a") // by itself
			}
			if err := errors.Join(db.Check(ctx), db.Close()); err != nil {
				t.Error(err)
			}
			if left := slices.Sorted(maps.Keys(d.Image())); !slices.Equal(left, []string{"/data/test.db"}) {
				t.Errorf("left: %q", left)
			}
		})
	}
}

// TestFullDiskFailsTheGroup: none of those committed together is told that it
// was saved.
func TestFullDiskFailsTheGroup(t *testing.T) {
	ctx := t.Context()
	d := sqlitetest.NewDisk(t, nil)
	db := create(t, flight{}.options(d))
	mustAppend(t, db, "a")
	g := hold(db)
	for range 5 {
		g.add(ctx, func(tx *sqlite.Tx) error {
			n, err := head(ctx, tx, "a")
			if err != nil {
				return err
			}
			e := entry{"a", n + 1}
			return errors.Join(e.insert(ctx, tx), e.project(ctx, tx))
		}, func(err error) {
			if !full(err) {
				t.Errorf("error %v", err)
			}
		})
	}
	d.SetRoom(9000) // for something, but not for all
	g.run()
	if n := mustHead(t, db, "a"); n != 1 {
		t.Errorf("head = %d, want 1", n)
	}
	d.SetRoom(-1)
	mustAppend(t, db, "a")
}

// TestFullDiskAtOpen: what a killed process has left can still be read.
func TestFullDiskAtOpen(t *testing.T) {
	d := sqlitetest.NewDisk(t, nil)
	db := create(t, flight{}.options(d))
	mustAppend(t, db, "a")
	d = sqlitetest.NewDisk(t, d.Image())
	d.SetRoom(0)
	db, err := sqlite.Open(t.Context(), flight{}.options(d))
	if err != nil {
		t.Fatal(err)
	}
	if n := mustHead(t, db, "a"); n != 1 {
		t.Errorf("head = %d, want 1", n)
	}
	if err := db.Close(); !full(err) || !errors.Is(err, sqlite.ErrUntidy) || !strings.Contains(err.Error(), "What was saved is safe") {
		t.Errorf("Close: %v", err)
	}
	o := flight{}.options(d)
	o.Path = "/data/another.db"
	if _, err := sqlite.Create(t.Context(), o); !full(err) {
		t.Errorf("Create: %v", err)
	}
}

// TestFailedSync has the sync of one commit fail, with others in the group.
func TestFailedSync(t *testing.T) {
	for _, cause := range []error{syscall.EIO, syscall.ENOSPC} {
		ctx := t.Context()
		d := sqlitetest.NewDisk(t, nil)
		f := flight{opts: sqlite.Options{Key: &testKey}, logs: 1}
		db, err := sqlite.Create(ctx, f.options(d))
		if err != nil {
			t.Fatal(err)
		}
		mustAppend(t, db, "log 0")

		failed := func(err error) bool {
			return fault.KindOf(err) == fault.Unavailable && errors.Is(err, cause) &&
				strings.Contains(err.Error(), "Whether the last change was saved is not known") && fault.HintOf(err) != ""
		}
		var failing atomic.Bool
		failing.Store(true)
		d.FailSync(func(string) error {
			if failing.Load() {
				return cause
			}
			return nil
		})
		g := hold(db)
		for range 3 {
			g.add(ctx, func(tx *sqlite.Tx) error {
				n, err := head(ctx, tx, "log 0")
				if err != nil {
					return err
				}
				e := entry{"log 0", n + 1}
				return errors.Join(e.insert(ctx, tx), e.project(ctx, tx))
			}, func(err error) {
				if !failed(err) {
					t.Errorf("commit: %v", err)
				}
			})
		}
		g.run()

		// The next sync would succeed. It is not believed.
		failing.Store(false)
		before := d.Image()
		if err := append1(ctx, db, "log 0"); !failed(err) {
			t.Errorf("Update: %v", err)
		}
		if err := db.Truncate(ctx); !failed(err) {
			t.Errorf("Truncate: %v", err)
		}
		if n := mustHead(t, db, "log 0"); n != 1 {
			t.Errorf("head = %d, want 1", n)
		}
		if err := db.Close(); !failed(err) {
			t.Errorf("Close: %v", err)
		}
		if after := d.Image(); !maps.EqualFunc(before, after, slices.Equal) {
			t.Error("something was written after the failed sync")
		}

		if db, err = sqlite.Open(ctx, f.options(d)); err != nil {
			t.Fatal(err)
		}
		mustAppend(t, db, "log 0")
		if err := errors.Join(db.Check(ctx), db.Close()); err != nil {
			t.Error(err)
		}
		if left := slices.Sorted(maps.Keys(d.Image())); !slices.Equal(left, []string{"/data/test.db"}) {
			t.Errorf("left: %q", left)
		}
	}
}

// TestBackupAfterFailedSync: what was saved can be taken to another disk.
func TestBackupAfterFailedSync(t *testing.T) {
	d := sqlitetest.NewDisk(t, nil)
	f := flight{logs: 1}
	db, err := sqlite.Create(t.Context(), f.options(d))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() // says again what has failed
	mustAppend(t, db, "log 0")
	d.FailSync(func(string) error { return syscall.EIO })
	if err := append1(t.Context(), db, "log 0"); !errors.Is(err, syscall.EIO) {
		t.Errorf("Update: %v", err)
	}
	d.FailSync(nil)
	if err := db.Backup(t.Context(), "/other/copy.db", &testKey); err != nil {
		t.Fatal(err)
	}
	o := f.options(d)
	o.Path, o.Key = "/other/copy.db", &testKey
	copied, err := sqlite.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	if n := mustHead(t, copied, "log 0"); n != 1 {
		t.Errorf("head = %d, want 1", n)
	}
}

// TestFailedSyncOfBackup is no failure of the database.
func TestFailedSyncOfBackup(t *testing.T) {
	d := sqlitetest.NewDisk(t, nil)
	db := create(t, flight{}.options(d))
	d.FailSync(func(name string) error {
		if strings.HasPrefix(filepath.Base(name), "copy") {
			return syscall.EIO
		}
		return nil
	})
	if err := db.Backup(t.Context(), "/data/copy.db", &testKey); !errors.Is(err, syscall.EIO) {
		t.Errorf("Backup: %v", err)
	}
	mustAppend(t, db, "a")
}

// TestFirstSyncSyncsTheDirectory, also where the file was there already: the
// process that made it may have been killed before.
func TestFirstSyncSyncsTheDirectory(t *testing.T) {
	d := sqlitetest.NewDisk(t, nil)
	killed := create(t, flight{}.options(d))
	mustAppend(t, killed, "a")
	db, err := sqlite.Open(t.Context(), flight{}.options(d))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var mu sync.Mutex
	var syncs []string
	d.FailSync(func(name string) error {
		mu.Lock()
		defer mu.Unlock()
		syncs = append(syncs, filepath.Base(name))
		return nil
	})
	for range 2 {
		mustAppend(t, db, "a")
	}
	d.FailSync(nil)
	// The second is of the directory.
	if want := []string{"test.db-wal", "test.db-wal", "test.db-wal"}; !slices.Equal(syncs, want) {
		t.Errorf("syncs %q, want %q", syncs, want)
	}
}

// TestErrorOfCaller: what fn returns comes back as it is.
func TestErrorOfCaller(t *testing.T) {
	db := createNumbers(t)
	mine := errors.New("mine")
	for _, run := range []func(context.Context, func(*sqlite.Tx) error) error{db.Update, db.View} {
		if err := run(t.Context(), func(*sqlite.Tx) error { return mine }); err != mine {
			t.Errorf("error %v", err)
		}
	}
}
