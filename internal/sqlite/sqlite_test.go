package sqlite_test

import (
	"path/filepath"
	"testing"

	"firsthand/internal/sqlite"
)

// options are those of a file in a directory of its own, with the schema of
// the small store that most tests use.
func options(t testing.TB) sqlite.Options {
	return sqlite.Options{Path: filepath.Join(t.TempDir(), "test.db"), Migrations: schema}
}

// create makes a file that is closed when t ends.
func create(t testing.TB, o sqlite.Options) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Create(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}
