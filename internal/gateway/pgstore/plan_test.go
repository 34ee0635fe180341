package pgstore_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"firsthand/internal/gateway/pgstore"
)

// What calls and deliveries ask goes into one relationship by an index that begins
// with its ID, so that an engine that shards by it asks one machine. What goes over
// all of them goes by an index too.
func TestPlans(t *testing.T) {
	s := create(t)
	db, err := pgx.Connect(t.Context(), pgstore.OptionsOf(s).URL)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.WithoutCancel(t.Context()))
	// What could go by an index does so, however small the tables are.
	if _, err := db.Exec(t.Context(), `SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET plan_cache_mode = force_generic_plan`); err != nil {
		t.Fatal(err)
	}
	explain := func(name, query string) []string {
		t.Helper()
		p, err := db.Prepare(t.Context(), "q", query)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		arguments := ""
		if n := len(p.ParamOIDs); n > 0 {
			arguments = "(" + strings.Repeat("NULL, ", n-1) + "NULL)"
		}
		rows, err := db.Query(t.Context(), `EXPLAIN (COSTS off) EXECUTE q`+arguments, pgx.QueryExecModeSimpleProtocol)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := db.Deallocate(t.Context(), "q"); err != nil {
			t.Fatal(err)
		}
		return plan
	}
	for name, query := range pgstore.Hot {
		plan := explain(name, query)
		conditions := 0
		for _, line := range plan {
			condition, ok := strings.CutPrefix(strings.TrimSpace(line), "Index Cond: (")
			if ok {
				conditions++
			}
			condition = strings.TrimPrefix(condition, "(")
			column, value, _ := strings.Cut(condition, " = ")
			keyed := (column == "rel" || column == "id") && (strings.HasPrefix(value, "$1") || strings.HasPrefix(value, "e.rel") || strings.HasPrefix(value, "c.rel"))
			if strings.Contains(line, "Seq Scan") || ok && !keyed {
				t.Errorf("%s: %s", name, strings.TrimSpace(line))
			}
		}
		if conditions == 0 && name != "put deliveries" { // which looks where it inserts

			t.Errorf("%s goes by no index:\n%s", name, strings.Join(plan, "\n"))
		}
	}
	for name, query := range pgstore.Across {
		for _, line := range explain(name, query) {
			if strings.Contains(line, "Seq Scan") {
				t.Errorf("%s: %s", name, strings.TrimSpace(line))
			}
		}
	}
}
