package pgstore_test

import (
	"context"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"firsthand"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/gatewaytest"
	"firsthand/internal/gateway/pgstore"
)

// A database of each older form is brought to the newest: what was in it is read, and its
// tables are those of a new one.
func TestMigrations(t *testing.T) {
	postgres(t)
	fresh := create(t)
	want := tables(t, pgstore.OptionsOf(fresh).URL)
	c := gatewaytest.NewCustomer(t, "mia", gatewaytest.Company{})
	c.Say(t, "hello")
	rel, first := c.Rel(), c.First
	for form := 1; form <= pgstore.Forms(t); form++ {
		url := database(t)
		pgstore.CreateAt(t, pgstore.Options{URL: url}, 1)
		// As the first form has it.
		execute(t, url, `
			INSERT INTO relationship (id, version, opened, key, next, keys, system, record, restored, noticed, frozen, due)
			VALUES ($1, 7, now(), $1, $1, 1, 'crm', 'r1', false, '0001-01-01T00:00:00Z', '', now())`, rel[:])
		for _, e := range first {
			execute(t, url, `INSERT INTO entry (rel, side, seq, id, signed, salt, body) VALUES ($1, 1, $2, $3, $4, $5, $6)`, rel[:], e.Seq, e.ID[:], e.Signed, e.Salt, e.Body)
		}
		execute(t, url, `
			INSERT INTO delivery (rel, seq, task, entry, status, next, due, tries, why, system, record, version, reported, made, owed)
			VALUES ($1, 2, 'deliver', $2, 'waiting', now(), '2026-12-01', 3, 'why', '', '', '', false, now(), '2026-12-01')`, rel[:], first[1].ID[:])
		pgstore.Raise(t, url, form)
		s := opened(t, pgstore.Open, pgstore.Options{URL: url})
		if got := tables(t, url); !slices.Equal(got, want) {
			t.Errorf("form %d becomes\n%q\nand a new database has\n%q", form, got, want)
		}
		row, got, _, err := s.Load(t.Context(), rel)
		if err != nil || row.Version != 7 || row.Record.ID != "r1" || len(got) != len(first) || got[1].ID != first[1].ID {
			t.Errorf("form %d: version %d of %v, %d entries, %v", form, row.Version, row.Record, len(got), err)
		}
		if _, ends, err := s.Glance(t.Context(), rel); err != nil || ends != nil {
			t.Errorf("form %d: %q, %v: nobody has said where the logs end", form, ends, err)
		}
		ready, err := s.Ready(t.Context(), gateway.Records, 10)
		if err != nil || len(ready) != 1 || ready[0].Tries != 3 || ready[0].Due != firsthand.Date("2026-12-01") || ready[0].Task != gateway.Deliver {
			t.Errorf("form %d: ready is %+v, %v", form, ready, err)
		}
		s.Close()
	}
}

// tables returns columns, indexes and constraints of what is in a database.
func tables(t *testing.T, url string) []string {
	t.Helper()
	db, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.WithoutCancel(t.Context()))
	rows, err := db.Query(t.Context(), `
		SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default, collation_name, is_identity)
		FROM information_schema.columns WHERE table_schema = current_schema()
		UNION ALL
		SELECT replace(indexdef, current_schema() || '.', '') FROM pg_indexes WHERE schemaname = current_schema()
		UNION ALL
		SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = current_schema()::regnamespace
		UNION ALL
		SELECT tgrelid::regclass || ' ' || replace(pg_get_triggerdef(t.oid), current_schema() || '.', '')
		FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE c.relnamespace = current_schema()::regnamespace AND NOT tgisinternal
		ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(all) < 50 {
		t.Fatalf("%d of its parts are found, %v", len(all), err)
	}
	return all
}
