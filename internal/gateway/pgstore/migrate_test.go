package pgstore_test

import (
	"errors"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/pgstore"
)

// What was under way in a database of before lanes is carried on, and the changes of
// both systems are read from where they were. No gateway of before is left that would
// write to it.
func TestMigrateToLanes(t *testing.T) {
	o := pgstore.Options{URL: database(t), Dir: t.TempDir()}
	pgstore.CreateAt(t, o, 1)
	rel, key := firsthand.ID{7}, firsthand.ID{}
	next := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	execute(t, o.URL, `INSERT INTO relationship (id, version, opened, key, next, keys, system, record, restored, noticed, frozen, due)
		VALUES ($1, 1, $3, $2, $2, 1, '', '', false, $3, '', $3)`, rel[:], key[:], next)
	for seq, status := range map[int]string{2: "waiting", 3: "waiting", 4: "later"} {
		execute(t, o.URL, `INSERT INTO delivery (rel, seq, task, entry, status, next, due, tries, why, system, record, version, reported, made, owed)
			VALUES ($1, $2, 'deliver', $3, $4, $5, '', 0, '', '', '', '', false, $5, '')`, rel[:], seq, key[:], status, next)
	}
	execute(t, o.URL, `INSERT INTO setting (name, value) VALUES ('cursor', '{"records":"7","tickets":"a \"b\" \u003c"}')`)
	execute(t, o.URL, `INSERT INTO process (id, beat, until) VALUES ('old', 1, now() + interval '1 hour')`)

	if _, err := pgstore.Open(t.Context(), o); !errors.Is(err, fault.Conflict) {
		t.Errorf("opened under a process of before: %v", err)
	}
	execute(t, o.URL, `DELETE FROM process`)
	s := opened(t, pgstore.Open, o)
	ready, err := s.Ready(t.Context(), gateway.Records, 10)
	if err != nil || len(ready) != 2 || ready[0].Lane != gateway.Records {
		t.Fatalf("ready = %+v, %v", ready, err)
	}
	if rest, err := s.Ready(t.Context(), gateway.Tickets, 10); err != nil || len(rest) != 0 {
		t.Errorf("ready for tickets = %+v, %v", rest, err)
	}
	for name, want := range map[string]string{"cursor": "7", "cursor tickets": `a "b" <`} {
		if got, err := s.Setting(t.Context(), name); got != want || err != nil {
			t.Errorf("%s = %q, %v, want %q", name, got, err, want)
		}
	}
	d := ready[0]
	d.Lane = gateway.Tickets
	if err := s.Commit(t.Context(), gateway.Commit{Deliveries: []gateway.Delivery{d}}); err != nil {
		t.Fatal(err)
	}
	if rest, err := s.Ready(t.Context(), gateway.Tickets, 10); err != nil || len(rest) != 1 || rest[0] != d {
		t.Errorf("ready for tickets = %+v, %v", rest, err)
	}
}

// A cursor that only looks like that of two systems is left alone.
func TestMigrateCursors(t *testing.T) {
	for _, cursor := range []string{"7", `{"records":1,"tickets":"2"}`, `{"records":"1","tickets":"2","x":"3"}`, `{"records":"1"`} {
		o := pgstore.Options{URL: database(t), Dir: t.TempDir()}
		pgstore.CreateAt(t, o, 1)
		execute(t, o.URL, `INSERT INTO setting (name, value) VALUES ('cursor', $1)`, cursor)
		s := opened(t, pgstore.Open, o)
		got, err := s.Setting(t.Context(), "cursor")
		other, err2 := s.Setting(t.Context(), "cursor tickets")
		if got != cursor || other != "" || err != nil || err2 != nil {
			t.Errorf("%s became %q and %q, %v, %v", cursor, got, other, err, err2)
		}
	}
}
