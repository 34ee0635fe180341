package pgstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"firsthand/internal/gateway/pgstore"
	"firsthand/internal/needtest"
	"firsthand/internal/systems"
)

// server is the one PostgreSQL of this test binary.
var server struct {
	sync.Once
	*systems.Postgres
	dir string
	err error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if server.Postgres != nil {
		server.Stop()
	}
	os.RemoveAll(server.dir)
	os.Exit(code)
}

// postgres returns the server, started at the first call.
func postgres(t testing.TB) *systems.Postgres {
	t.Helper()
	if !needtest.Big() && os.Getenv("FIRSTHAND_TEST_POSTGRES") != "1" {
		t.Skip("FIRSTHAND_TEST_ALL=1 starts a PostgreSQL")
	}
	server.Do(func() {
		if server.dir, server.err = os.MkdirTemp("", "firsthand-pgstore-"); server.err == nil {
			server.Postgres, server.err = systems.StartPostgres(context.Background(), server.dir, "max_connections=200")
		}
	})
	if errors.Is(server.err, errors.ErrUnsupported) {
		needtest.Skip(t, server.err.Error())
	}
	if server.err != nil {
		t.Fatal(server.err)
	}
	return server.Postgres
}

var schemas atomic.Int64

// database returns the address of a new, empty database: a schema of its own, which
// is made sooner.
func database(t testing.TB) string {
	t.Helper()
	url := postgres(t).URL("postgres")
	name := fmt.Sprintf("test%d", schemas.Add(1))
	execute(t, url, `CREATE SCHEMA `+name)
	return url + "&search_path=" + name
}

// execute runs statements as another program would.
func execute(t testing.TB, url, statements string, args ...any) {
	t.Helper()
	db, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.WithoutCancel(t.Context()))
	if _, err := db.Exec(t.Context(), statements, args...); err != nil {
		t.Fatal(err)
	}
}

// create returns a store in a new database, closed when t ends.
func create(t testing.TB) *pgstore.Store {
	t.Helper()
	return opened(t, pgstore.Create, pgstore.Options{URL: database(t), Dir: t.TempDir()})
}

func opened(t testing.TB, open func(context.Context, pgstore.Options) (*pgstore.Store, error), o pgstore.Options) *pgstore.Store {
	t.Helper()
	s, err := open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() }) // closed twice where it was reopened
	return s
}

// reopen closes s and opens its database again.
func reopen(t testing.TB, s *pgstore.Store) *pgstore.Store {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return opened(t, pgstore.Open, pgstore.OptionsOf(s))
}

func contains(s, part string) bool { return strings.Contains(s, part) }
