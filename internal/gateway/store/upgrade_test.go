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

// A file of before the desk has all of its audit afterwards, which still can't be changed;
// and what was under way then doesn't spoil the figures.
func TestUpgradeToTheDesk(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	first, err := fs.ReadFile(files, "migrations/0001_init.sql")
	if err != nil {
		t.Fatal(err)
	}
	db, err := sqlite.Create(ctx, sqlite.Options{Path: filepath.Join(dir, databaseName), Migrations: fstest.MapFS{"0001_init.sql": {Data: first}}})
	if err != nil {
		t.Fatal(err)
	}
	rel, zero := firsthand.ID{7}, firsthand.ID{}
	err = db.Update(ctx, func(tx *sqlite.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO relationship (id, opened, key, next, keys, system, record, restored, noticed, frozen)
			VALUES (?, '', ?, ?, 0, '', '', 0, '', '')`, rel[:], zero[:], zero[:])
		_, err2 := tx.ExecContext(ctx, `INSERT INTO audit (rel, at, by, act, entry, note) VALUES (1, '2026-11-01T10:00:00.000Z', 'ann', 'show', ?, 'x')`, zero[:])
		_, err3 := tx.ExecContext(ctx, `INSERT INTO delivery (rel, seq, task, entry, status, next, due) VALUES (1, 2, 'deliver', ?, 'waiting', '', '2026-12-01')`, zero[:])
		return errors.Join(err, err2, err3)
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
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
