package store

import (
	"os"
	"path/filepath"
	"testing"

	"firsthand"
	"firsthand/internal/sqlite"
)

// Dir returns the directory of s.
func Dir(s *Store) string { return s.dir }

// Tamper takes an entry out of a backup, and makes the file's hash right again.
func Tamper(t testing.TB, backup string) {
	t.Helper()
	o := Options{Dir: backup}
	db, err := sqlite.Open(t.Context(), o.sqlite())
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(t.Context(), func(tx *sqlite.Tx) error {
		const last = `(SELECT max(n) FROM entry)`
		if _, err := tx.ExecContext(t.Context(), `DELETE FROM body WHERE entry = `+last); err != nil {
			return err
		}
		_, err := tx.ExecContext(t.Context(), `DELETE FROM entry WHERE n = `+last)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(backup, manifestName)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var m Manifest
	if err := firsthand.ParseJSON(text, &m); err != nil {
		t.Fatal(err)
	}
	if m.SHA256, err = hashFile(filepath.Join(backup, databaseName)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, firsthand.EncodeJSON(m), 0o600); err != nil {
		t.Fatal(err)
	}
}
