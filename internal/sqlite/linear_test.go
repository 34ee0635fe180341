package sqlite_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/anishathalye/porcupine"

	"firsthand/internal/needtest"
	"firsthand/internal/sqlite"
	"firsthand/internal/sqlite/sqlitetest"
)

// A call appends to a log, provided that it has so many items, or reads how
// many it has.
type call struct {
	log    string
	append bool
	have   int
}

// An answer is how many items a log had, and whether one was appended.
type answer struct {
	had      int
	appended bool
}

// model is what a log does if one call is made after the other.
var model = porcupine.Model{
	Init: func() any { return 0 },
	Step: func(state, input, output any) (bool, any) {
		n, in, out := state.(int), input.(call), output.(answer)
		if out.had != n || in.append && out.appended != (in.have == n) {
			return false, n
		}
		if out.appended {
			n++
		}
		return true, n
	},
	Partition: func(history []porcupine.Operation) (parts [][]porcupine.Operation) {
		byLog := make(map[string][]porcupine.Operation)
		for _, op := range history {
			log := op.Input.(call).log
			byLog[log] = append(byLog[log], op)
		}
		for _, part := range byLog {
			parts = append(parts, part)
		}
		return parts
	},
}

// A counter does what a call says.
type counter func(ctx context.Context, db *sqlite.DB, c call) (answer, error)

func count(ctx context.Context, tx *sqlite.Tx, log string) (n int, err error) {
	err = tx.QueryRowContext(ctx, `SELECT count(*) FROM item WHERE log = ?`, log).Scan(&n)
	return n, err
}

func add(ctx context.Context, tx *sqlite.Tx, log string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO item (log) VALUES (?)`, log)
	return err
}

func read(ctx context.Context, db *sqlite.DB, c call) (a answer, err error) {
	err = db.View(ctx, func(tx *sqlite.Tx) (err error) {
		a.had, err = count(ctx, tx, c.log)
		return err
	})
	return a, err
}

// compareAndAppend is how a store does it.
func compareAndAppend(ctx context.Context, db *sqlite.DB, c call) (answer, error) {
	return appendAndTell(ctx, db, c, func(answer) {})
}

// appendAndTell does it too, and calls tell just before the commit.
func appendAndTell(ctx context.Context, db *sqlite.DB, c call, tell func(answer)) (a answer, err error) {
	if !c.append {
		return read(ctx, db, c)
	}
	err = db.Update(ctx, func(tx *sqlite.Tx) (err error) {
		if a.had, err = count(ctx, tx, c.log); err == nil && a.had == c.have {
			a.appended = true
			err = add(ctx, tx, c.log)
		}
		tell(a)
		return err
	})
	return a, err
}

// compareThenAppend has a bug: it looks on another connection.
func compareThenAppend(ctx context.Context, db *sqlite.DB, c call) (a answer, err error) {
	if a, err = read(ctx, db, c); err != nil || !c.append || a.had != c.have {
		return a, err
	}
	a.appended = true
	return a, db.Update(ctx, func(tx *sqlite.Tx) error { return add(ctx, tx, c.log) })
}

// answerBeforeCommit has a bug: it doesn't wait for the commit.
func answerBeforeCommit(ctx context.Context, db *sqlite.DB, c call) (answer, error) {
	if !c.append {
		return read(ctx, db, c)
	}
	early := make(chan answer, 1)
	go appendAndTell(ctx, db, c, func(a answer) { early <- a })
	return <-early, nil
}

// history has clients make calls at the same time and returns what they saw.
func history(t testing.TB, seed uint64, do counter) []porcupine.Operation {
	t.Helper()
	const clients, calls = 6, 200
	ctx := t.Context()
	d := sqlitetest.NewDisk(t, nil)
	db, err := sqlite.Create(ctx, sqlite.Options{Path: "/test.db", VFS: d.VFS(), Migrations: fstest.MapFS{
		"0001_init.sql": {Data: []byte(`CREATE TABLE item (log TEXT NOT NULL) STRICT; CREATE INDEX item_log ON item (log);`)}}})
	if err != nil {
		t.Fatal(err)
	}
	var clock atomic.Int64
	var wg sync.WaitGroup
	all := make([][]porcupine.Operation, clients)
	for id := range clients {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(id)))
			know := make(map[string]int)
			for range calls {
				c := call{log: string(rune('a' + rng.IntN(3))), append: rng.IntN(3) > 0}
				c.have = know[c.log]
				op := porcupine.Operation{ClientId: id, Input: c, Call: clock.Add(1)}
				a, err := do(ctx, db, c)
				if err != nil {
					t.Error(err)
					return
				}
				op.Output, op.Return = a, clock.Add(1)
				all[id] = append(all[id], op)
				if know[c.log] = a.had; a.appended {
					know[c.log]++
				}
			}
		})
	}
	wg.Wait()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	var ops []porcupine.Operation
	for _, part := range all {
		ops = append(ops, part...)
	}
	return ops
}

// TestLinearizable: clients see what they would if one call were made after
// the other.
func TestLinearizable(t *testing.T) {
	histories := 3
	if needtest.Big() {
		histories = 100
	}
	for seed := range histories {
		if !porcupine.CheckOperations(model, history(t, uint64(seed), compareAndAppend)) {
			t.Errorf("history of seed %d is not linearizable", seed)
		}
	}
}

// TestLinearizableMustShow plants bugs, which the check must notice.
func TestLinearizableMustShow(t *testing.T) {
	for name, buggy := range map[string]counter{
		"head read on another connection": compareThenAppend,
		"answer before commit":            answerBeforeCommit,
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(50) {
				if !porcupine.CheckOperations(model, history(t, seed, buggy)) {
					return
				}
			}
			t.Error("not noticed")
		})
	}
}
