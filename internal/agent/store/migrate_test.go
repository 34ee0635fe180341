package store

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"
	"testing"
	"testing/fstest"
	"time"

	"firsthand"
	"firsthand/internal/agent"
	"firsthand/internal/sqlite"
)

// until returns the migrations up to a version.
func until(t *testing.T, version int) fs.FS {
	t.Helper()
	some := make(fstest.MapFS)
	for _, name := range schema()[:version] {
		text, err := fs.ReadFile(migrations(), name)
		if err != nil {
			t.Fatal(err)
		}
		some[name] = &fstest.MapFile{Data: text}
	}
	return some
}

// TestMigrateOutbox has a file from before relationships were in three tables: each
// comes back as it was, to the last column.
func TestMigrateOutbox(t *testing.T) {
	ctx := t.Context()
	o := sqlite.Options{Path: filepath.Join(t.TempDir(), "life.db"), Migrations: until(t, 5)}
	db, err := sqlite.Create(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 26, 20, 0, 0, 1, time.UTC)
	want := []agent.Relationship{
		{ID: firsthand.ID{1}, Domain: "acme.example", Name: "Acme", Gateway: "https://gw.acme.example", Company: []byte(`{"a":1}`), Seed: [32]byte{2},
			Opened: now, Kept: true, Received: firsthand.Head{Seq: 3, ID: firsthand.ID{4}}, Sent: 5, Tries: 6, NextTry: now.Add(time.Hour),
			Failure: "answer-stuck", Restored: true, Frozen: "company", Summary: []byte(`{"closed":false}`), Head: 7, Expects: "2026-12-01"},
		{ID: firsthand.ID{9}, Domain: "shop.example", Name: "Shop", Seed: [32]byte{8}, Opened: now.Add(time.Second), Head: 1, Quiet: true},
	}
	err = db.Update(ctx, func(tx *sqlite.Tx) error {
		for _, r := range want {
			_, err := tx.ExecContext(ctx, `
				INSERT INTO relationship (id, domain, key, name, gateway, company, seed, opened, kept, received_seq, received_id,
					sent, tries, next_try, failure, restored, frozen, summary, head, expects, quiet)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
				r.ID[:], r.Domain, r.Domain, r.Name, r.Gateway, nullable(r.Company), r.Seed[:], timeText(r.Opened), r.Kept, r.Received.Seq, r.Received.ID[:],
				r.Sent, r.Tries, timeText(r.NextTry), r.Failure, r.Restored, r.Frozen, nullable(r.Summary), r.Head, string(r.Expects), r.Quiet)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	o.Migrations = migrations()
	if db, err = sqlite.Open(ctx, o); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s := &Store{db: db}
	got, err := s.Relationships(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("after the migration\n%+v\nwant\n%+v", got, want)
	}
	outgoing, err := s.Outbox(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if want := []agent.Outgoing{want[0].Outgoing()}; !reflect.DeepEqual(outgoing, want) { // the other is unpaired
		t.Errorf("the outbox has %s, want %s", fmt.Sprint(outgoing), fmt.Sprint(want))
	}
}

// TestMigrateStatements has a file from before statements had origins: each comes back
// as what was stated, or guessed.
func TestMigrateStatements(t *testing.T) {
	ctx := t.Context()
	o := sqlite.Options{Path: filepath.Join(t.TempDir(), "life.db"), Migrations: until(t, 9)}
	db, err := sqlite.Create(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	want := []agent.Statement{
		{Domain: "acme.example", Fact: "address.home", Value: firsthand.Value{Parts: map[string]string{"city": "Gent"}}, Since: "2020-01-31", Origin: firsthand.Stated},
		{Domain: "acme.example", Fact: "email", Value: firsthand.Text("Mia@old.example"), Guessed: true, Kind: "login", Import: 3, Origin: firsthand.Stated},
		{Domain: "shop.example", Fact: "email", Value: firsthand.Text("mia@old.example"), Origin: firsthand.Stated},
	}
	err = db.Update(ctx, func(tx *sqlite.Tx) error {
		for _, s := range want {
			if _, err := tx.ExecContext(ctx, `INSERT INTO statement (fact, domain, fold, value, since, guessed, kind, import) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
				s.Fact, s.Domain, agent.FoldValue(s.Value), valueText(s.Value), string(s.Since), s.Guessed, s.Kind, s.Import); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	o.Migrations = migrations()
	if db, err = sqlite.Open(ctx, o); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s := &Store{db: db}
	var got []agent.Statement
	for st, serr := range s.Statements(ctx, "", "") {
		got, err = append(got, st), serr
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("after the migration\n%+v, %v\nwant\n%+v", got, err, want)
	}
	if all, err := s.Documents(ctx, ""); err != nil || len(all) > 0 {
		t.Errorf("documents %+v, %v", all, err)
	}
}
