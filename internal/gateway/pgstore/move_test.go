package pgstore_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"testing"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/gatewaytest"
	"firsthand/internal/gateway/pgstore"
	"firsthand/internal/gateway/store"
)

// file returns the folder of a SQLite store with something of everything.
func file(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	s, err := store.Create(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	g := gatewayOnStore(t, s)
	for i := range 5 {
		c := customer(t, fmt.Sprint("customer ", i))
		told := c.Write(t, &firsthand.Disclose{Fact: "name", Value: firsthand.Text("Mia"), Purpose: "dpv:RequestedServiceProvision", Basis: firsthand.Basis{Exception: "once"}})
		c.Say(t, "where is my parcel?")
		c.Sync(t, g)
		if i == 0 { // with an erased body
			c.Write(t, &firsthand.Withdraw{Disclosure: told})
			c.Sync(t, g)
			for range 100 {
				if worked, _, err := g.Step(t.Context()); err != nil {
					t.Fatal(err)
				} else if !worked {
					break
				}
			}
			c.Sync(t, g)
		}
		if i == 1 {
			fork := gatewaytest.Seed("salt")
			if err := s.Commit(t.Context(), gateway.Commit{
				Evidence:   []gateway.Evidence{{Entry: c.First[1].WithoutBody(), Why: "proof"}, {Entry: c.First[2], Why: "é"}},
				AddDrafts:  []gateway.Draft{{Rel: c.Rel(), Body: []byte(`{"kind":"message","text":"x"}`), Made: c.Now}},
				Challenges: []gateway.Challenge{{Rel: c.Rel(), Claim: firsthand.ID(fork), Seq: 3, Sends: 1, Sent: c.Now, Until: "2027-01-01", Left: 4}},
				Audit:      []gateway.Audit{{Rel: c.Rel(), At: c.Now, By: "ann", Act: "show"}},
				Changes:    []string{"b", "a", "é"}, Settings: map[string]string{"cursor": "7"},
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func gatewayOnStore(t testing.TB, s gateway.Store) *gateway.Gateway {
	t.Helper()
	key := gatewaytest.KeyOf("company")
	g, err := gateway.New(gateway.Options{
		Company: firsthand.Company{Domain: "acme.example", Name: "Acme BV", Jurisdiction: "BE", Gateway: "https://gw.acme.example"},
		Keys: &gateway.Keys{Signers: []*firsthand.Signer{key},
			Chain: []firsthand.ChainKey{{Key: key.Public(), Next: gatewaytest.KeyOf("company next").Public().Hash()}}},
		Store: s, Connector: newSystem(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// moving does one try of a move, as the command does, and ends after so many of its
// steps.
func moving(t testing.TB, dir, url string, steps int) (done bool, err error) {
	t.Helper()
	ctx := t.Context()
	here := func() bool { steps--; return steps < 0 }
	from, name, err := store.BeginMove(ctx, store.Options{Dir: dir})
	if err != nil {
		return false, err
	}
	defer from.Close()
	if here() {
		return false, nil
	}
	to, err := pgstore.BeginImport(ctx, pgstore.Options{URL: url}, name)
	if err != nil {
		return false, err
	}
	defer to.Close()
	if !to.Done {
		err := to.Copy(ctx, stopping(gateway.Export(ctx, from), here))
		if errors.Is(err, errStopped) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if here() {
			return false, nil
		}
		want, err := gateway.Contents(ctx, from)
		if err != nil {
			return false, err
		}
		if got, err := to.Contents(ctx); err != nil || got != want {
			t.Fatalf("moved %+v, want %+v, %v", got, want, err)
		}
		if err := to.Finish(ctx); err != nil {
			return false, err
		}
	}
	if here() {
		return false, nil
	}
	return true, from.FinishMove(ctx)
}

var errStopped = errors.New("stopped")

func stopping(commits iter.Seq2[gateway.Commit, error], here func() bool) iter.Seq2[gateway.Commit, error] {
	return func(yield func(gateway.Commit, error) bool) {
		for c, err := range commits {
			if here() {
				yield(c, errStopped)
				return
			}
			if !yield(c, err) {
				return
			}
		}
	}
}

// Wherever a move ends, it can be repeated, and until it is done neither side is
// served. In the end all is there and goes on.
func TestMove(t *testing.T) {
	postgres(t)
	for steps := 0; ; steps++ {
		dir, url := file(t), database(t)
		for range 2 {
			done, err := moving(t, dir, url, steps)
			if err != nil {
				t.Fatal(err)
			}
			if done {
				checkMoved(t, dir, url)
				t.Logf("%d places to stop at", steps)
				return
			}
			if s, err := store.Open(t.Context(), store.Options{Dir: dir}); fault.KindOf(err) != fault.Conflict {
				t.Fatalf("stopped after %d steps, the file is opened: %v, %v", steps, s, err)
			}
		}
		if done, err := moving(t, dir, url, 1000); !done || err != nil {
			t.Fatalf("stopped after %d steps, and repeated: %v", steps, err)
		}
		checkMoved(t, dir, url)
	}
}

func checkMoved(t testing.TB, dir, url string) {
	t.Helper()
	if store.Exists(dir) {
		t.Error("the file has its old name")
	}
	if err := os.Rename(dir+"/gateway.db.moved", dir+"/gateway.db"); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(t.Context(), store.Options{Dir: dir}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("the old file, by its old name, is opened: %v", err)
	}
	if err := store.GiveUp(t.Context(), store.Options{Dir: dir}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("a move that is done was given up: %v", err)
	}
	s := opened(t, pgstore.Open, pgstore.Options{URL: url, Dir: dir})
	relationships, entries, err := gateway.VerifyAll(t.Context(), s)
	if err != nil || relationships != 5 || entries < 20 {
		t.Errorf("%d relationships, %d entries, %v", relationships, entries, err)
	}
	g := gatewayOnStore(t, s)
	c := customer(t, "customer 4")
	c.Sync(t, g) // takes back what is there
	worked := false
	for range 100 {
		did, _, err := g.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if worked = worked || did; !did {
			break
		}
	}
	if due, err := g.Due(t.Context()); err != nil || !worked {
		t.Errorf("the outbox does not go on: %d due, %v", len(due), err)
	}
}

// What isn't empty is left alone, and a move that was given up leaves the file as it
// was.
func TestMoveRefused(t *testing.T) {
	used := create(t)
	dir := file(t)
	if _, err := moving(t, dir, pgstore.OptionsOf(used).URL, 1000); fault.KindOf(err) != fault.Conflict {
		t.Errorf("moved into a database in use: %v", err)
	}
	if err := used.Check(context.Background()); err != nil {
		t.Error(err)
	}
	url := database(t)
	if done, err := moving(t, dir, url, 7); done || err != nil {
		t.Fatal(done, err)
	}
	if s, err := pgstore.Open(t.Context(), pgstore.Options{URL: url}); err == nil {
		t.Errorf("half a move is opened: %v", s.Close())
	}
	if done, err := moving(t, file(t), url, 1000); done || fault.KindOf(err) != fault.Conflict {
		t.Errorf("another move into half a move: %v", err)
	}
	if err := store.GiveUp(t.Context(), store.Options{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}
