package systems

import (
	"errors"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"firsthand/internal/needtest"
)

// What was committed is there after the server was killed.
func TestPostgres(t *testing.T) {
	if !needtest.Big() {
		t.Skip("FIRSTHAND_TEST_ALL=1 starts a PostgreSQL")
	}
	dir, err := os.MkdirTemp("", "firsthand-postgres-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	p, err := StartPostgres(t.Context(), dir)
	if errors.Is(err, errors.ErrUnsupported) {
		needtest.Skip(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	do := func(statement string) string {
		t.Helper()
		db, err := pgx.Connect(t.Context(), p.URL("postgres"))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close(t.Context())
		rows, err := db.Query(t.Context(), statement)
		if err != nil {
			t.Fatal(err)
		}
		all, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		if len(all) == 0 {
			return ""
		}
		return all[0]
	}
	do("CREATE TABLE t (v text)")
	do("INSERT INTO t VALUES ('kept')")
	p.Kill()
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if v := do("SELECT v FROM t"); v != "kept" {
		t.Errorf("after a kill the table has %q", v)
	}
}
