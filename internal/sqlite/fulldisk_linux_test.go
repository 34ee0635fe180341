package sqlite_test

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"testing/fstest"

	"firsthand/internal/needtest"
	"firsthand/internal/sqlite"
)

// TestFullFileSystem fills a real file system, of 2 MB in memory. It runs
// itself again where it may mount one, in a namespace of its own.
func TestFullFileSystem(t *testing.T) {
	if dir := os.Getenv("FIRSTHAND_TEST_FULL"); dir != "" {
		for name, key := range map[string]*sqlite.Key{"plain": nil, "encrypted": &testKey} {
			t.Run(name, func(t *testing.T) { fullFileSystem(t, dir, key) })
		}
		return
	}
	unshare := needtest.Program(t, "unshare")
	needtest.Program(t, "mount")
	dir := t.TempDir()
	mount := func(then string) *exec.Cmd {
		return exec.Command(unshare, "-rm", "sh", "-c", `mount -t tmpfs -o size=2m tmpfs "$1" && exec `+then, os.Args[0], dir)
	}
	if err := mount("true").Run(); err != nil {
		needtest.Skip(t, "may not mount in a namespace of its own")
	}
	cmd := mount(`"$0" -test.run '^TestFullFileSystem$' -test.v`)
	cmd.Env = append(os.Environ(), "FIRSTHAND_TEST_FULL="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func fullFileSystem(t *testing.T, dir string, key *sqlite.Key) {
	ctx := t.Context()
	o := sqlite.Options{Path: filepath.Join(dir, t.Name()+".db"), Key: key, Migrations: schema}
	if err := os.Mkdir(filepath.Dir(o.Path), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	defer os.RemoveAll(filepath.Dir(o.Path))
	filler := filepath.Join(dir, "filler")
	fill := func(free int) {
		t.Helper()
		var err error
		for err == nil { // to the last byte
			var f *os.File
			if f, err = os.OpenFile(filler, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err == nil {
				_, err = f.Write(make([]byte, 4096))
				f.Close()
			}
		}
		info, err := os.Stat(filler)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(filler, info.Size()-int64(free)); err != nil {
			t.Fatal(err)
		}
	}
	empty := func() {
		t.Helper()
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
	}

	db, err := sqlite.Create(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, db, "a")
	for _, free := range []int{0, 20_000, 100_000} {
		fill(free)
		n := mustHead(t, db, "a")
		var err error
		for err == nil {
			if err = append1(ctx, db, "a"); err == nil {
				n++
			}
		}
		if !full(err) {
			t.Errorf("append with %d bytes free: %v", free, err)
		}
		if err := db.Truncate(ctx); err != nil && !full(err) { // it may have no need to grow
			t.Errorf("truncate with %d bytes free: %v", free, err)
		}
		fill(0)
		if err := db.Backup(ctx, o.Path+".copy", key); !full(err) {
			t.Errorf("backup: %v", err)
		}
		if got := mustHead(t, db, "a"); got != n {
			t.Errorf("head = %d, want %d", got, n)
		}
		empty()
		mustAppend(t, db, "a") // by itself
	}
	n := mustHead(t, db, "a")
	if err := errors.Join(db.Check(ctx), db.Close()); err != nil {
		t.Fatal(err)
	}

	// A migration that doesn't fit leaves the file as it was.
	grown := fstest.MapFS{"0003_grow.sql": {Data: []byte(`CREATE TABLE big AS SELECT zeroblob(1000000);`)}}
	maps.Copy(grown, schema)
	fill(100_000)
	o.Migrations = grown
	if _, err := sqlite.Open(ctx, o); !full(err) {
		t.Errorf("migration: %v", err)
	}
	empty()
	o.Migrations = schema
	if db, err = sqlite.Open(ctx, o); err != nil {
		t.Fatal(err)
	}
	if got := mustHead(t, db, "a"); got != n {
		t.Errorf("head = %d, want %d", got, n)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}
