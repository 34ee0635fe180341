package store_test

import (
	"testing"

	"firsthand"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/gatewaytest"
	"firsthand/internal/gateway/store"
	"firsthand/logtest"
)

// create returns a new store in a directory of its own.
func create(t testing.TB) *store.Store {
	t.Helper()
	s, err := store.Create(t.Context(), store.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() }) // closed twice where it was reopened
	return s
}

// reopen closes s and opens its directory again.
func reopen(t testing.TB, s *store.Store) *store.Store {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), store.Options{Dir: store.Dir(s)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestStore(t *testing.T) {
	gatewaytest.Run(t, gatewaytest.Fixture{
		Open:   func(t testing.TB) gateway.Store { return create(t) },
		Reopen: func(t testing.TB, s gateway.Store) gateway.Store { return reopen(t, s.(*store.Store)) },
	})
}

func TestStoreIsALog(t *testing.T) {
	logtest.Run(t, logtest.Fixture{
		Side:   firsthand.Second,
		Open:   func(t testing.TB) firsthand.Log { return create(t) },
		Reopen: func(t testing.TB, l firsthand.Log) firsthand.Log { return reopen(t, l.(*store.Store)) },
	})
}
