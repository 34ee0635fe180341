package pgstore_test

import (
	"context"
	"testing"
	"time"

	"firsthand"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/gatewaytest"
	"firsthand/internal/gateway/pgstore"
)

// two returns two processes that use one database.
func two(t *testing.T) (a, b *pgstore.Store) {
	a = create(t)
	o := pgstore.OptionsOf(a)
	o.Dir = t.TempDir()
	return a, opened(t, pgstore.Open, o)
}

func TestHold(t *testing.T) {
	a, b := two(t)
	hold := func(s *pgstore.Store, want bool) {
		t.Helper()
		if held, err := s.Hold(t.Context(), "x"); held != want || err != nil {
			t.Errorf("held = %v, %v, want %v", held, err, want)
		}
	}
	hold(a, true)
	hold(a, true)
	hold(b, false)
	if err := b.Release(t.Context(), "x"); err != nil { // what it doesn't hold
		t.Fatal(err)
	}
	hold(b, false)
	if err := a.Release(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	hold(b, true)
	hold(a, false)
	pgstore.Kill(b)
	hold(a, false) // it may be there still
	pgstore.Expire(t, a, b)
	hold(a, true)
	pgstore.Expire(t, a, a)
	hold(a, false) // it can't know whether another has taken it
	pgstore.Beat(t, a)
	hold(a, true)
	c := opened(t, pgstore.Open, pgstore.OptionsOf(a))
	hold(c, false)
	if err := a.Close(); err != nil { // gives back at once
		t.Fatal(err)
	}
	hold(c, true)
}

// A commit says from which version it was made.
func TestVersions(t *testing.T) {
	a, b := two(t)
	rel := firsthand.ID{1}
	commit := func(s *pgstore.Store, version int64, want bool) {
		t.Helper()
		c := gateway.Commit{At: []gateway.At{{Rel: rel, Version: version}},
			Deliveries: []gateway.Delivery{{Rel: rel, Seq: version, Task: gateway.Deliver, Status: gateway.Waiting}}}
		if version == 0 {
			c.Relationships = []gateway.Relationship{{ID: rel}}
		}
		if err := s.Commit(t.Context(), c); (err == nil) != want {
			t.Errorf("commit from version %d: %v", version, err)
		}
	}
	commit(a, 0, true)
	commit(b, 0, false)
	commit(b, 1, true)
	commit(a, 1, false)
	commit(a, 3, false)
	commit(a, 2, true)
	if version, err := b.Version(t.Context(), rel); version != 3 || err != nil {
		t.Errorf("version = %d, %v", version, err)
	}
	if all, err := b.Deliveries(t.Context(), rel); len(all) != 3 || err != nil {
		t.Errorf("%d deliveries, %v: what was refused has left something", len(all), err)
	}
}

// What one process writes, another hears of.
func TestNews(t *testing.T) {
	a, b := two(t)
	heard := make(chan firsthand.ID, 10)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.News(ctx, func(rel firsthand.ID) { heard <- rel })
	}()
	if rel := <-heard; !rel.IsZero() {
		t.Errorf("heard of %v before anything", rel)
	}
	c := gatewaytest.NewCustomer(t, "mia", gatewaytest.Company{})
	c.Answer(t, "hello")
	if err := b.Append(t.Context(), append(c.First, c.Second...)...); err != nil {
		t.Fatal(err)
	}
	select {
	case rel := <-heard:
		if rel != c.Rel() {
			t.Errorf("heard of %v", rel)
		}
	case <-time.After(20 * time.Second):
		t.Error("nothing was heard")
	}
	stop()
	<-done
}

// A database that has gone back is noticed: by a process that starts, and by one that
// runs.
func TestRestored(t *testing.T) {
	a := create(t)
	o := pgstore.OptionsOf(a)
	rel := firsthand.ID{1}
	if err := a.Commit(t.Context(), gateway.Commit{Relationships: []gateway.Relationship{{ID: rel}}}); err != nil {
		t.Fatal(err)
	}
	restored := func(s *pgstore.Store, want bool) {
		t.Helper()
		row, err := s.Relationship(t.Context(), rel)
		if err != nil || row.Restored != want || row.Noticed.IsZero() == want {
			t.Errorf("restored = %v, noticed %v, %v, want %v", row.Restored, row.Noticed, err, want)
		}
	}
	back := func() {
		execute(t, o.URL, `UPDATE relationship SET restored = false, noticed = '0001-01-01T00:00:00Z'`)
	}
	for range 3 {
		a = reopen(t, a)
		restored(a, false)
	}
	// The database of the last start but one.
	execute(t, o.URL, `CREATE TABLE backup AS SELECT * FROM setting`)
	a = reopen(t, a)
	execute(t, o.URL, `UPDATE setting SET value = backup.value FROM backup WHERE backup.name = setting.name`)
	a = reopen(t, a)
	restored(a, true)
	back()
	a = reopen(t, a)
	restored(a, false)
	// One that never had this folder.
	execute(t, o.URL, `DELETE FROM setting WHERE name LIKE 'store.instance %'`)
	a = reopen(t, a)
	restored(a, true)
	back()
	// While a process runs: it has told that it is there since.
	pgstore.Beat(t, a)
	pgstore.Beat(t, a)
	restored(a, false)
	execute(t, o.URL, `UPDATE process SET beat = 1`)
	pgstore.Beat(t, a)
	restored(a, true)
	back()
	execute(t, o.URL, `DELETE FROM process`)
	pgstore.Beat(t, a)
	restored(a, true)
	back()
	pgstore.Beat(t, a)
	restored(a, false)
	if err := a.MarkRestored(t.Context()); err != nil {
		t.Fatal(err)
	}
	restored(a, true)
}

func TestAddress(t *testing.T) {
	for _, tt := range []struct {
		url  string
		good bool
	}{
		{"postgres://u:p@127.0.0.1/db", true},
		{"postgres://u:p@localhost:5433/db?sslmode=disable", true},
		{"postgres:///db?host=/run/postgresql", true},
		{"postgres://u:p@db.acme.example/db?sslmode=verify-full", true},
		{"postgres://u:p@db.acme.example/db?sslmode=require", false},
		{"postgres://u:p@db.acme.example/db", false},
		{"postgres://u:p@127.0.0.1,db.acme.example/db?sslmode=disable", false},
		{"host=localhost", false},
		{"postgres://u:p@[::1", false},
		{"", false},
	} {
		err := pgstore.CheckURL(tt.url)
		if (err == nil) != tt.good {
			t.Errorf("%s: %v", tt.url, err)
		}
		if err != nil && contains(err.Error(), "u:p") {
			t.Errorf("%s: the error repeats the password: %v", tt.url, err)
		}
	}
}
