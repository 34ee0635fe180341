package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"firsthand/fault"
	"firsthand/internal/sqlite"
)

// holding returns the names of the files in dir that have canary in them.
func holding(t testing.TB, dir, canary string) (found []string) {
	t.Helper()
	for _, name := range names(t, dir) {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte(canary)) {
			found = append(found, name)
		}
	}
	return found
}

// TestErased: after an erasure and Truncate, the bytes are in no file.
func TestErased(t *testing.T) {
	o := options(t)
	db := create(t, o)
	ctx := t.Context()
	dir := filepath.Dir(o.Path)
	canary := "canary-5f1e0c9a-of-some-length"
	long := strings.Repeat(canary+"-", 2000) // fills pages of its own
	exec := func(query string, args ...any) {
		t.Helper()
		if err := db.Update(ctx, func(tx *sqlite.Tx) error {
			_, err := tx.ExecContext(ctx, query, args...)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	exec(`INSERT INTO entry VALUES ('kept', 1, x'00', x'00')`)
	exec(`INSERT INTO entry VALUES (?, 1, x'01', ?)`, canary, []byte("short "+canary))
	exec(`INSERT INTO entry VALUES (?, 2, x'02', ?)`, canary, []byte(long))
	if err := db.Truncate(ctx); err != nil { // so that it is in the file itself
		t.Fatal(err)
	}
	if found := holding(t, dir, canary); len(found) != 1 {
		t.Fatalf("canary in %q before the erasure: the test can't see it", found)
	}
	exec(`UPDATE entry SET body = ? WHERE seq = 2`, []byte(long+"!"))
	exec(`DELETE FROM entry WHERE log = ?`, canary)
	if found := holding(t, dir, canary); len(found) == 0 {
		t.Error("nothing left of the canary before Truncate: the test can't fail")
	}
	if err := db.Truncate(ctx); err != nil {
		t.Fatal(err)
	}
	if found := holding(t, dir, canary); len(found) != 0 {
		t.Errorf("canary still in %q", found)
	}
}

// TestTruncateWaits for a View that reads what was there before.
func TestTruncateWaits(t *testing.T) {
	o := options(t)
	db := create(t, o)
	ctx := t.Context()
	mustAppend(t, db, "a")
	reading, done := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := db.View(ctx, func(tx *sqlite.Tx) error {
			_, err := head(ctx, tx, "a")
			close(reading)
			<-done
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-reading
	mustAppend(t, db, "a")

	ended, cancel := context.WithCancel(ctx)
	cancel()
	if err := db.Truncate(ended); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("with a View and no time: %v", err)
	}
	wg.Go(func() {
		if err := db.Truncate(ctx); err != nil {
			t.Error(err)
		}
		if info, err := os.Stat(o.Path + "-wal"); err != nil || info.Size() != 0 {
			t.Errorf("the log was not emptied: %v", err)
		}
	})
	mustAppend(t, db, "a") // others go on meanwhile
	close(done)
	wg.Wait()
}

// TestTruncateWithAnotherProgram that reads: it is told, not waited for.
func TestTruncateWithAnotherProgram(t *testing.T) {
	o := options(t)
	db := create(t, o)
	ctx := t.Context()
	mustAppend(t, db, "a")
	other, err := sqlite.Open(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	err = other.View(ctx, func(tx *sqlite.Tx) error {
		if _, err := head(ctx, tx, "a"); err != nil {
			return err
		}
		mustAppend(t, db, "a")
		if err := db.Truncate(ctx); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("Truncate: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	// Both may write.
	mustAppend(t, other, "a")
	mustAppend(t, db, "a")
	if n := mustHead(t, other, "a"); n != 4 {
		t.Errorf("head = %d, want 4", n)
	}
}

func TestBackup(t *testing.T) {
	other := sqlite.Key{7, 7, 7}
	const canary = "canary-5f1e0c9a"
	tests := []struct {
		name     string
		from, to *sqlite.Key
	}{
		{"encrypted, other key", &testKey, &other},
		{"plain to encrypted", nil, &other},
		{"encrypted to plain", &testKey, nil},
		{"plain", nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := options(t)
			o.Key = tt.from
			db := create(t, o)
			ctx := t.Context()
			mustAppend(t, db, canary)
			to := options(t)
			to.Key = tt.to
			to.Path = filepath.Join(filepath.Dir(to.Path), "copy of #1?.db")
			for _, end := range []string{".new", ".new-journal"} {
				write(t, to.Path+end, "left by a crash")
			}
			if err := db.Backup(ctx, to.Path, tt.to); err != nil {
				t.Fatal(err)
			}
			if got := names(t, filepath.Dir(to.Path)); len(got) != 1 {
				t.Errorf("files beside the copy: %q", got)
			}
			if found := len(holding(t, filepath.Dir(to.Path), canary)) > 0; found != (tt.to == nil) {
				t.Errorf("canary readable: %v", found)
			}
			if err := db.Backup(ctx, to.Path, tt.to); fault.KindOf(err) != fault.Conflict {
				t.Errorf("over an existing copy: %v", err)
			}
			mustAppend(t, db, canary) // is not in the copy

			copied, err := sqlite.Open(ctx, to)
			if err != nil {
				t.Fatal(err)
			}
			defer copied.Close()
			if n := mustHead(t, copied, canary); n != 1 {
				t.Errorf("head in the copy = %d, want 1", n)
			}
			mustAppend(t, copied, canary)
			if err := copied.Check(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestBackupIsInterrupted(t *testing.T) {
	o := options(t)
	db := create(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := db.Backup(ctx, o.Path+".copy", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	for _, name := range names(t, filepath.Dir(o.Path)) {
		if strings.Contains(name, "copy") {
			t.Errorf("left: %s", name)
		}
	}
}

func TestCheck(t *testing.T) {
	o := options(t)
	o.Migrations = numbers
	db := create(t, o)
	ctx := t.Context()
	if err := db.Check(ctx); err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{`PRAGMA foreign_keys = OFF`, `INSERT INTO child VALUES (77)`, `PRAGMA foreign_keys = ON`} {
		if err := sqlite.ExecOutside(ctx, db, query); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Check(ctx); err == nil || !strings.Contains(err.Error(), "of child refers to no row of number") {
		t.Errorf("a row that refers to none: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(o.Path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 8192; i < len(data); i++ { // all but the schema
		data[i] ^= 0x55
	}
	write(t, o.Path, string(data))
	damaged, err := sqlite.Open(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	defer damaged.Close()
	if err := damaged.Check(ctx); err == nil || !strings.Contains(err.Error(), "The file is damaged.") {
		t.Errorf("a damaged file: %v", err)
	}
}
