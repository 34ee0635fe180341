package store_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/gatewaytest"
	"firsthand/internal/gateway/store"
)

// filled returns a store with one relationship, and its ID.
func filled(t *testing.T) (*store.Store, firsthand.ID) {
	t.Helper()
	s := create(t)
	c := gatewaytest.NewCustomer(t, "mia", gatewaytest.Company{})
	c.Answer(t, "hello")
	c.Say(t, "thank you")
	row := gateway.Relationship{ID: c.Rel(), Keys: 1}
	if err := s.Commit(t.Context(), gateway.Commit{Relationships: []gateway.Relationship{row}, Entries: append(c.First[:1:1], append(c.Second, c.First[1:]...)...)}); err != nil {
		t.Fatal(err)
	}
	return s, c.Rel()
}

func restored(t *testing.T, dir string, rel firsthand.ID) bool {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	row, err := s.Relationship(t.Context(), rel)
	if err != nil {
		t.Fatal(err)
	}
	if row.Restored != !row.Noticed.IsZero() {
		t.Errorf("restored %v, noticed %v", row.Restored, row.Noticed)
	}
	return row.Restored
}

func TestBackup(t *testing.T) {
	s, rel := filled(t)
	backup := filepath.Join(t.TempDir(), "backup")
	m, err := s.Backup(t.Context(), backup, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if m.Relationships != 1 || m.Entries != 4 {
		t.Errorf("manifest = %+v", m)
	}
	if _, err := s.Backup(t.Context(), backup, time.Now()); !errors.Is(err, fault.Conflict) {
		t.Errorf("second backup to one place: %v", err)
	}
	scratch := t.TempDir()
	if drilled, err := store.Drill(t.Context(), backup, scratch); err != nil || drilled != m {
		t.Errorf("drill = %+v, %v", drilled, err)
	}
	if left, _ := os.ReadDir(scratch); len(left) != 0 {
		t.Errorf("the drill left %v", left)
	}
	if runtime.GOOS != "windows" {
		for _, dir := range []string{backup, store.Dir(s)} {
			filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
				if filepath.Ext(path) == ".db-shm" {
					return err // the driver's; it holds numbers of frames and nothing of anybody's
				}
				if info, err := d.Info(); err == nil && !d.IsDir() && info.Mode().Perm()&0o077 != 0 {
					t.Errorf("%s has mode %v", path, info.Mode())
				}
				return err
			})
		}
	}
	// Restored the right way.
	dir := t.TempDir()
	if _, err := store.Restore(t.Context(), backup, dir); err != nil {
		t.Fatal(err)
	}
	if !restored(t, dir, rel) {
		t.Error("a restored backup is not noticed")
	}
	if _, err := store.Restore(t.Context(), backup, dir); !errors.Is(err, fault.Conflict) {
		t.Errorf("restored over a database: %v", err)
	}
}

// Whatever way an older file is put in the place of a newer one, it is noticed;
// and a start without that is not taken for it.
func TestInstance(t *testing.T) {
	s, rel := filled(t)
	dir := store.Dir(s)
	database := filepath.Join(dir, "gateway.db")
	backup := filepath.Join(t.TempDir(), "backup")
	if _, err := s.Backup(t.Context(), backup, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	old, err := os.ReadFile(database)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if restored(t, dir, rel) {
			t.Fatal("an ordinary start is taken for a restore")
		}
	}
	write := func(content []byte) {
		t.Helper()
		for _, name := range []string{database, database + "-wal", database + "-shm"} {
			if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(database, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(old) // a copy of the file, made by hand some starts ago
	if !restored(t, dir, rel) {
		t.Error("an old file is not noticed")
	}
	copied, err := os.ReadFile(filepath.Join(backup, "gateway.db"))
	if err != nil {
		t.Fatal(err)
	}
	write(copied) // a backup, put back by hand
	if !restored(t, dir, rel) {
		t.Error("a backup put back by hand is not noticed")
	}
	if err := os.Remove(filepath.Join(dir, "instance")); err != nil {
		t.Fatal(err)
	}
	if !restored(t, dir, rel) {
		t.Error("a directory without its mark is not noticed")
	}
}

// A backup that was damaged, or that holds something else than it says, is refused.
func TestDamagedBackup(t *testing.T) {
	s, _ := filled(t)
	make := func() string {
		backup := filepath.Join(t.TempDir(), "backup")
		if _, err := s.Backup(t.Context(), backup, time.Now()); err != nil {
			t.Fatal(err)
		}
		return backup
	}
	refused := func(name, backup string) {
		t.Helper()
		if _, err := store.Drill(t.Context(), backup, t.TempDir()); err == nil {
			t.Errorf("%s: the drill succeeds", name)
		}
	}
	flipped := make()
	path := filepath.Join(flipped, "gateway.db")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	refused("a flipped bit", flipped)

	unfinished := make()
	if err := os.Remove(filepath.Join(unfinished, "manifest.json")); err != nil {
		t.Fatal(err)
	}
	refused("no manifest", unfinished)
	if _, err := store.Restore(t.Context(), unfinished, t.TempDir()); err == nil {
		t.Error("restored without a manifest")
	}

	lost := make()
	store.Tamper(t, lost) // an entry is gone, and the hash of the file is right
	refused("an entry is missing", lost)
}

// Create and Open are never mistaken for each other.
func TestCreateAndOpen(t *testing.T) {
	dir := t.TempDir()
	if _, err := store.Open(t.Context(), store.Options{Dir: dir}); !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fault.NotExist) {
		t.Errorf("open of nothing: %v", err)
	}
	s, err := store.Create(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := store.Create(t.Context(), store.Options{Dir: dir}); !errors.Is(err, fault.Conflict) {
		t.Errorf("created twice: %v", err)
	}
}
