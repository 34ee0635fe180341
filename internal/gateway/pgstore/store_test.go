package pgstore_test

import (
	"errors"
	"testing"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/gatewaytest"
	"firsthand/internal/gateway/pgstore"
	"firsthand/logtest"
)

func TestStore(t *testing.T) {
	postgres(t)
	gatewaytest.Run(t, gatewaytest.Fixture{
		Open:   func(t testing.TB) gateway.Store { return create(t) },
		Reopen: func(t testing.TB, s gateway.Store) gateway.Store { return reopen(t, s.(*pgstore.Store)) },
	})
}

// Commits that come at the same time share a transaction, and nothing else: that one of
// them is refused is no news of the others.
func TestRefusedInAGroup(t *testing.T) {
	s := create(t)
	open := func(name string) gateway.Commit {
		c := customer(t, name)
		return gateway.Commit{At: []gateway.At{{Rel: c.Rel()}}, Entries: c.First, Relationships: []gateway.Relationship{{ID: c.Rel()}}}
	}
	if err := s.Commit(t.Context(), open("before")); err != nil {
		t.Fatal(err)
	}
	errs := pgstore.CommitTogether(s, open("one"), open("before"), open("two"))
	for i, want := range []error{nil, fault.Conflict, nil} {
		if !errors.Is(errs[i], want) {
			t.Errorf("commit %d: %v, want %v", i, errs[i], want)
		}
	}
	for _, name := range []string{"one", "before", "two"} {
		if version, err := s.Version(t.Context(), customer(t, name).Rel()); err != nil || version != 1 {
			t.Errorf("%s: version %d, %v", name, version, err)
		}
	}
}

func TestStoreIsALog(t *testing.T) {
	postgres(t)
	logtest.Run(t, logtest.Fixture{
		Side:   firsthand.Second,
		Open:   func(t testing.TB) firsthand.Log { return create(t) },
		Reopen: func(t testing.TB, l firsthand.Log) firsthand.Log { return reopen(t, l.(*pgstore.Store)) },
	})
}
