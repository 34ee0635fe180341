package store

import (
	"errors"
	"io/fs"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"firsthand"
	"firsthand/internal/gateway"
	"firsthand/internal/sqlite"
)

// at makes a file as it was after the first steps, and does some statements to it.
func at(t *testing.T, steps []string, statements func(*sqlite.Tx) error) (dir string) {
	t.Helper()
	dir = t.TempDir()
	migrations := fstest.MapFS{}
	for _, name := range steps {
		text, err := fs.ReadFile(files, "migrations/"+name)
		if err != nil {
			t.Fatal(err)
		}
		migrations[name] = &fstest.MapFile{Data: text}
	}
	db, err := sqlite.Create(t.Context(), sqlite.Options{Path: filepath.Join(dir, databaseName), Migrations: migrations})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(t.Context(), statements), db.Close()); err != nil {
		t.Fatal(err)
	}
	return dir
}

// What was under way in a file of before lanes is carried on, and the changes of both
// systems are read from where they were.
func TestUpgradeToLanes(t *testing.T) {
	ctx := t.Context()
	for cursor, want := range map[string][2]string{
		"7":                                   {"7", ""},
		`{"records":"7","tickets":"a \"b\""}`: {"7", `a "b"`},
		`{"records":"","tickets":"3"}`:        {"", "3"},
		`{"records":1,`:                       {`{"records":1,`, ""},
	} {
		rel, zero := firsthand.ID{7}, firsthand.ID{}
		dir := at(t, []string{"0001_init.sql", "0002_desk.sql"}, func(tx *sqlite.Tx) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO relationship (id, opened, key, next, keys, system, record, restored, noticed, frozen, due)
				VALUES (?, '', ?, ?, 0, '', '', 0, '', '', '2026-11-27T09:00:00.000Z')`, rel[:], zero[:], zero[:])
			_, err2 := tx.ExecContext(ctx, `INSERT INTO delivery (rel, seq, task, entry, status, next, due) VALUES (1, 2, 'deliver', ?, 'waiting', '2026-11-27T09:00:00.000Z', '')`, zero[:])
			_, err3 := tx.ExecContext(ctx, `INSERT INTO setting (name, value) VALUES ('cursor', ?)`, cursor)
			return errors.Join(err, err2, err3)
		})
		s, err := Open(ctx, Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for i, name := range []string{"cursor", "cursor tickets"} {
			if got, err := s.Setting(ctx, name); got != want[i] || err != nil {
				t.Errorf("%s: %s = %q, %v, want %q", cursor, name, got, err, want[i])
			}
		}
		ready, err := s.Ready(ctx, gateway.Records, 10)
		if err != nil || len(ready) != 1 {
			t.Fatalf("ready = %+v, %v", ready, err)
		}
		ready[0].Lane = gateway.Tickets
		if err := s.Commit(ctx, gateway.Commit{Deliveries: ready}); err != nil {
			t.Fatal(err)
		}
		if moved, err := s.Ready(ctx, gateway.Tickets, 10); err != nil || len(moved) != 1 {
			t.Errorf("ready for tickets = %+v, %v", moved, err)
		}
	}
}

// A file of before the desk has all of its audit afterwards, which still can't be changed;
// and what was under way then doesn't spoil the figures.
func TestUpgradeToTheDesk(t *testing.T) {
	ctx := t.Context()
	rel, zero := firsthand.ID{7}, firsthand.ID{}
	dir := at(t, []string{"0001_init.sql"}, func(tx *sqlite.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO relationship (id, opened, key, next, keys, system, record, restored, noticed, frozen)
			VALUES (?, '', ?, ?, 0, '', '', 0, '', '')`, rel[:], zero[:], zero[:])
		_, err2 := tx.ExecContext(ctx, `INSERT INTO audit (rel, at, by, act, entry, note) VALUES (1, '2026-11-01T10:00:00.000Z', 'ann', 'show', ?, 'x')`, zero[:])
		_, err3 := tx.ExecContext(ctx, `INSERT INTO delivery (rel, seq, task, entry, status, next, due) VALUES (1, 2, 'deliver', ?, 'waiting', '', '2026-12-01')`, zero[:])
		return errors.Join(err, err2, err3)
	})
	s, err := Open(ctx, Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	all, err := s.Audits(ctx, 0, 10)
	if err != nil || len(all) != 1 || all[0].Rel != rel || all[0].By != "ann" || all[0].Note != "x" {
		t.Errorf("audit = %+v, %v", all, err)
	}
	for _, statement := range []string{`DELETE FROM audit`, `UPDATE audit SET by = 'eve'`} {
		err := s.db.Update(ctx, func(tx *sqlite.Tx) error { _, err := tx.ExecContext(ctx, statement); return err })
		if err == nil {
			t.Errorf("%s is carried out", statement)
		}
	}
	d, err := s.Delivery(ctx, rel, 2, gateway.Deliver)
	if err != nil || !d.Made.IsZero() {
		t.Fatalf("%+v, %v", d, err)
	}
	now := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	d.Status, d.Due, d.Made, d.Ended = gateway.Applied, "", now, now
	if err := s.Commit(ctx, gateway.Commit{Deliveries: []gateway.Delivery{d}}); err != nil {
		t.Fatal(err)
	}
	n, err := s.Numbers(ctx, now.AddDate(0, -1, 0), now)
	if err != nil || n.Ended != 1 || n.InTime != 1 || n.P95 != 0 {
		t.Errorf("%+v, %v", n, err)
	}
}
