package sqlite_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"firsthand/fault"
	"firsthand/internal/sqlite"
	"firsthand/internal/sqlite/sqlitetest"
)

// append1 appends the next entry to a log.
func append1(ctx context.Context, db *sqlite.DB, log string) error {
	return db.Update(ctx, func(tx *sqlite.Tx) error {
		n, err := head(ctx, tx, log)
		if err != nil {
			return err
		}
		e := entry{log, n + 1}
		return errors.Join(e.insert(ctx, tx), e.project(ctx, tx))
	})
}

func mustAppend(t testing.TB, db *sqlite.DB, log string) {
	t.Helper()
	if err := append1(t.Context(), db, log); err != nil {
		t.Fatal(err)
	}
}

func mustHead(t testing.TB, db *sqlite.DB, log string) (n int) {
	t.Helper()
	err := db.View(t.Context(), func(tx *sqlite.Tx) (err error) {
		n, err = head(t.Context(), tx, log)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func names(t testing.TB, dir string) (names []string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		names = append(names, f.Name())
	}
	return names
}

func TestCreateAndOpen(t *testing.T) {
	for name, key := range map[string]*sqlite.Key{"encrypted": &testKey, "plain": nil} {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			// Characters that mean something in a URI.
			o.Path = filepath.Join(filepath.Dir(o.Path), "a b%20c?d=e&f#g;ü.db")
			if runtime.GOOS == "windows" {
				o.Path = filepath.Join(filepath.Dir(o.Path), "a b%20c&f#g;ü.db")
			}
			o.Key = key
			db, err := sqlite.Create(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			mustAppend(t, db, "a")
			mustAppend(t, db, "a")
			if n := mustHead(t, db, "a"); n != 2 {
				t.Errorf("head = %d, want 2", n)
			}
			if err := errors.Join(db.Check(t.Context()), db.Close(), db.Close()); err != nil {
				t.Fatal(err)
			}
			if got := names(t, filepath.Dir(o.Path)); !slices.Equal(got, []string{filepath.Base(o.Path)}) {
				t.Errorf("files after Close: %q", got)
			}
			if db, err = sqlite.Open(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			if n := mustHead(t, db, "a"); n != 2 {
				t.Errorf("head after reopening = %d, want 2", n)
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestFilesAreForTheirOwner(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // has no such bits
	}
	o := options(t)
	db := create(t, o)
	mustAppend(t, db, "a")
	if err := db.Backup(t.Context(), o.Path+".copy", nil); err != nil {
		t.Fatal(err)
	}
	for _, end := range []string{"", "-wal", ".copy"} {
		info, err := os.Stat(o.Path + end)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%q has mode %v", end, info.Mode())
		}
	}
}

func TestCreateRefuses(t *testing.T) {
	for _, end := range []string{"", "-wal", "-journal"} {
		o := options(t)
		if err := os.WriteFile(o.Path+end, []byte("something"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := sqlite.Create(t.Context(), o); fault.KindOf(err) != fault.Conflict {
			t.Errorf("with a file %q: %v", end, err)
		}
		if got, err := os.ReadFile(o.Path + end); err != nil || string(got) != "something" {
			t.Errorf("file %q was changed", end)
		}
	}
}

// TestCreateAfterCrash: what an unfinished Create left is removed.
func TestCreateAfterCrash(t *testing.T) {
	o := options(t)
	for _, end := range []string{".new", ".new-wal", ".new-journal", ".new-failed"} {
		if err := os.WriteFile(o.Path+end, []byte("rest"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	db := create(t, o)
	mustAppend(t, db, "a")
	for _, name := range names(t, filepath.Dir(o.Path)) {
		if strings.Contains(name, ".new") {
			t.Errorf("left: %s", name)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	other := sqlite.Key{9}
	newer := fstest.MapFS{"0001_init.sql": schema["0001_init.sql"]}
	tests := []struct {
		name    string
		make    func(t *testing.T, o sqlite.Options) // the file
		open    func(o *sqlite.Options)
		want    fault.Kind
		wantErr string
	}{
		{name: "no file", want: fault.NotExist},
		{name: "wrong key", make: closed, open: func(o *sqlite.Options) { o.Key = &other },
			want: fault.Denied, wantErr: "This key does not open the file."},
		{name: "no key", make: closed, open: func(o *sqlite.Options) { o.Key = nil },
			want: fault.Invalid, wantErr: "The file is encrypted, or is no database."},
		{name: "key for a file that has none", make: func(t *testing.T, o sqlite.Options) { o.Key = nil; closed(t, o) },
			want: fault.Denied, wantErr: "This key does not open the file."},
		{name: "newer", make: closed, open: func(o *sqlite.Options) { o.Migrations = newer },
			want: fault.Invalid, wantErr: "newer version of this program"},
		{name: "empty", make: func(t *testing.T, o sqlite.Options) { write(t, o.Path, "") },
			want: fault.Invalid, wantErr: "The file is empty"},
		{name: "no database", make: func(t *testing.T, o sqlite.Options) { write(t, o.Path, strings.Repeat("text ", 9999)) },
			want: fault.Denied},
		{name: "a directory", make: func(t *testing.T, o sqlite.Options) {
			if err := os.Mkdir(o.Path, 0o700); err != nil {
				t.Fatal(err)
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := options(t)
			o.Key = &testKey
			if tt.make != nil {
				tt.make(t, o)
			}
			before := names(t, filepath.Dir(o.Path))
			if tt.open != nil {
				tt.open(&o)
			}
			_, err := sqlite.Open(t.Context(), o)
			if err == nil {
				t.Fatal("opened")
			}
			if fault.KindOf(err) != tt.want || !strings.Contains(err.Error(), tt.wantErr) {
				t.Errorf("%v (%v), want %v with %q", err, fault.KindOf(err), tt.want, tt.wantErr)
			}
			if strings.Contains(err.Error(), "0102030000") {
				t.Errorf("error has the key: %v", err)
			}
			if after := names(t, filepath.Dir(o.Path)); !slices.Equal(before, after) {
				t.Errorf("files before %q, after %q", before, after)
			}
		})
	}
}

// TestWrongKeyHarmsNothing: SQLite would remove a write-ahead log that it can't
// read, and with it what was acknowledged before a power cut.
func TestWrongKeyHarmsNothing(t *testing.T) {
	right, wrong := &testKey, &sqlite.Key{66}
	tests := []struct {
		name       string
		made, used *sqlite.Key
		change     func(im sqlitetest.Image) // what the power cut did
	}{
		{name: "wrong key", made: right, used: wrong},
		{name: "no key", made: right},
		{name: "key for a file that has none", used: wrong},
		{name: "wrong key, torn log", made: right, used: wrong, change: func(im sqlitetest.Image) {
			im["/data/test.db-wal"] = im["/data/test.db-wal"][:100_000]
		}},
		{name: "key for a file that has none, torn log", used: wrong, change: func(im sqlitetest.Image) {
			im["/data/test.db-wal"] = im["/data/test.db-wal"][:100_000]
		}},
		{name: "wrong key, torn file", made: right, used: wrong, change: func(im sqlitetest.Image) {
			clear(im["/data/test.db"][:512])
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := flight{opts: sqlite.Options{Key: tt.made}}
			d := sqlitetest.NewDisk(t, nil)
			db := create(t, f.options(d))
			for range 5 {
				mustAppend(t, db, "a")
			}
			before := d.Image() // not closed
			if tt.change != nil {
				tt.change(before)
			}
			d = sqlitetest.NewDisk(t, before)
			o := f.options(d)
			o.Key = tt.used
			if _, err := sqlite.Open(t.Context(), o); err == nil {
				t.Error("opened")
			}
			if !maps.EqualFunc(before, d.Image(), slices.Equal) {
				t.Error("the files have changed")
			}
			o.Key = tt.made // opens it, whatever was torn
			db, err := sqlite.Open(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if n := mustHead(t, db, "a"); n == 0 || tt.change == nil && n != 5 {
				t.Errorf("head = %d", n)
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func closed(t *testing.T, o sqlite.Options) {
	t.Helper()
	db, err := sqlite.Create(t.Context(), o)
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestRecent(t *testing.T) {
	for version, want := range map[string]bool{
		"3.53.4": true, "3.53.2": true, "3.54.0": true, "3.60.1": true,
		"3.53.1": false, "3.53": false, "3.51.3": false, "4.0.0": false, "": false, "x": false,
	} {
		if got := sqlite.Recent(version); got != want {
			t.Errorf("Recent(%q) = %v", version, got)
		}
	}
}

// TestOpenAsksForDurability: a connection that isn't durable is not used.
func TestOpenAsksForDurability(t *testing.T) {
	o := options(t)
	closed(t, o)
	if _, err := sqlite.Open(t.Context(), sqlite.Plant(o, "misspelt pragma")); err == nil || !strings.Contains(err.Error(), "pragma") {
		t.Errorf("opened with a pragma misspelt: %v", err)
	}
}

func TestMigrate(t *testing.T) {
	file := func(sql string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(sql)} }
	first := fstest.MapFS{"0001_a.sql": file("CREATE TABLE a (x INTEGER) STRICT; INSERT INTO a VALUES (1); -- end")}
	tests := []struct {
		name string
		add  fstest.MapFS
		want string // in the error; "" is success
		rows int    // in a, afterwards
	}{
		{name: "none", rows: 1},
		{name: "two more", rows: 3, add: fstest.MapFS{
			"0002_b.sql": file("INSERT INTO a VALUES (2)"), "0003_c.sql": file("INSERT INTO a VALUES (3);\n/* ")}},
		{name: "one that fails is undone", rows: 2, want: "migration 0003_c.sql", add: fstest.MapFS{
			"0002_b.sql": file("INSERT INTO a VALUES (2)"), "0003_c.sql": file("INSERT INTO a VALUES (3); INSERT INTO b VALUES (1)")}},
		{name: "gap", rows: 1, want: "0002_", add: fstest.MapFS{"0003_c.sql": file("INSERT INTO a VALUES (2)")}},
		{name: "same number twice", rows: 1, want: "0003_", add: fstest.MapFS{
			"0002_b.sql": file("INSERT INTO a VALUES (2)"), "0002_c.sql": file("INSERT INTO a VALUES (2)")}},
		{name: "ends its transaction", rows: 1, want: "ends its transaction", add: fstest.MapFS{
			"0002_b.sql": file("SELECT 1; COMMIT")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := options(t)
			o.Migrations = first
			closed(t, o)
			more := fstest.MapFS{"0001_a.sql": first["0001_a.sql"], "README": file("not a migration")}
			for name, f := range tt.add {
				more[name] = f
			}
			o.Migrations = more
			db, err := sqlite.Open(t.Context(), o)
			if err == nil {
				err = db.Close()
			}
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			o.Migrations = nil // as it is
			if db, err = sqlite.Open(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			var rows int
			if err := db.View(t.Context(), func(tx *sqlite.Tx) error {
				return tx.QueryRowContext(t.Context(), "SELECT count(*) FROM a").Scan(&rows)
			}); err != nil || rows != tt.rows {
				t.Errorf("%d rows, want %d: %v", rows, tt.rows, err)
			}
		})
	}
}

// TestOpenAfterKill: what a process that never closed has left is taken up.
func TestOpenAfterKill(t *testing.T) {
	o := options(t)
	o.Key = &testKey
	db := create(t, o)
	mustAppend(t, db, "a")
	copied := o
	copied.Path = filepath.Join(t.TempDir(), "copy.db")
	for _, end := range []string{"", "-wal"} {
		data, err := os.ReadFile(o.Path + end)
		if err != nil {
			t.Fatal(err)
		}
		write(t, copied.Path+end, string(data))
	}
	again, err := sqlite.Open(t.Context(), copied)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if n := mustHead(t, again, "a"); n != 1 {
		t.Errorf("head = %d, want 1", n)
	}
}
