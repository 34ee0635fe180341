package store_test

import (
	"path/filepath"
	"sync"
	"testing"
	"time"

	"firsthand"
	"firsthand/internal/agent"
	"firsthand/internal/agent/agenttest"
	"firsthand/internal/agent/store"
	"firsthand/logtest"
)

var testPassphrase = []byte("correct horse battery staple")

var testNow = time.Date(2026, 11, 21, 21, 47, 0, 0, time.UTC)

// A customer is a folder with a file in it, and all that opens it.
type customer struct {
	dir        string
	kit        store.Kit
	passphrase store.Opener
	keyFile    store.Opener
}

// newCustomer makes a file, open until t ends unless it is closed before.
func newCustomer(t testing.TB) (*customer, *store.Store) {
	t.Helper()
	c := &customer{dir: filepath.Join(t.TempDir(), "life"), passphrase: store.Passphrase(testPassphrase)}
	var err error
	if c.kit, err = store.NewKit(); err != nil {
		t.Fatal(err)
	}
	text, public, err := store.NewKeyFile()
	if err != nil {
		t.Fatal(err)
	}
	c.keyFile = store.KeyFile(text)
	s, err := store.Create(t.Context(), c.dir, store.CreateOptions{Passphrase: testPassphrase, KitRecipient: c.kit.Recipient(), KeyFile: public})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() }) // the test closes it, if that matters
	return c, s
}

// open opens the file again.
func (c *customer) open(t testing.TB, o store.Opener) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), c.dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func mustClose(t testing.TB, s *store.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// A suite remembers which customer a store belongs to.
type suite struct{ customers sync.Map }

func (su *suite) open(t testing.TB) *store.Store {
	c, s := newCustomer(t)
	su.customers.Store(s, c)
	return s
}

func (su *suite) reopen(t testing.TB, s *store.Store) *store.Store {
	t.Helper()
	c, _ := su.customers.Load(s)
	mustClose(t, s)
	again := c.(*customer).open(t, c.(*customer).keyFile)
	if again.Restored() {
		t.Error("reopening was taken for a restore")
	}
	su.customers.Store(again, c)
	return again
}

func TestLog(t *testing.T) {
	t.Parallel()
	var su suite
	logtest.Run(t, logtest.Fixture{
		Side:   firsthand.First,
		Open:   func(t testing.TB) firsthand.Log { return su.open(t) },
		Reopen: func(t testing.TB, l firsthand.Log) firsthand.Log { return su.reopen(t, l.(*store.Store)) },
	})
}

func TestStore(t *testing.T) {
	t.Parallel()
	var su suite
	agenttest.Run(t, agenttest.Fixture{
		Open:   func(t testing.TB) agent.Store { return su.open(t) },
		Reopen: func(t testing.TB, s agent.Store) agent.Store { return su.reopen(t, s.(*store.Store)) },
	})
}
