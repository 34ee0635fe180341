package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"firsthand/internal/sqlite"
	"firsthand/internal/sqlite/sqlitetest"
)

var numbers = fstest.MapFS{"0001_init.sql": {Data: []byte(`
	CREATE TABLE number (n INTEGER PRIMARY KEY) STRICT;
	CREATE TABLE child (n INTEGER REFERENCES number (n)) STRICT;
	CREATE TABLE late (n INTEGER REFERENCES number (n) DEFERRABLE INITIALLY DEFERRED) STRICT;`)}}

func createNumbers(t testing.TB) *sqlite.DB {
	t.Helper()
	return create(t, sqlite.Options{Path: "/test.db", VFS: sqlitetest.NewDisk(t, nil).VFS(), Migrations: numbers})
}

func insert(ctx context.Context, tx *sqlite.Tx, n int) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO number VALUES (?)`, n)
	return err
}

func sum(t testing.TB, db *sqlite.DB) (sum int) {
	t.Helper()
	err := db.View(t.Context(), func(tx *sqlite.Tx) error {
		return tx.QueryRowContext(t.Context(), `SELECT coalesce(sum(n), 0) FROM number`).Scan(&sum)
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// A group is a number of updates that are committed together: they wait while
// another keeps the writer busy.
type group struct {
	db      *sqlite.DB
	release chan struct{}
	held    chan struct{}
	wg      sync.WaitGroup
	n       int
}

func hold(db *sqlite.DB) *group {
	g := &group{db: db, release: make(chan struct{}), held: make(chan struct{})}
	g.wg.Go(func() {
		db.Update(background, func(*sqlite.Tx) error {
			close(g.held)
			<-g.release
			return nil
		})
	})
	<-g.held
	return g
}

// add has fn wait behind those added before. done gets what Update returned,
// or what it panicked with.
func (g *group) add(ctx context.Context, fn func(*sqlite.Tx) error, done func(error)) {
	g.wg.Go(func() {
		defer func() {
			if p := recover(); p != nil {
				done(p.(error))
			}
		}()
		done(g.db.Update(ctx, fn))
	})
	g.n++
	for g.db.Waiting() < g.n {
		runtime.Gosched()
	}
}

func (g *group) run() {
	close(g.release)
	g.wg.Wait()
}

// TestGroup: what goes wrong in one update doesn't touch the others.
func TestGroup(t *testing.T) {
	wrong := errors.New("wrong")
	fk := "FOREIGN KEY"
	tests := []struct {
		name string
		fn   func(ctx context.Context, tx *sqlite.Tx) error
		want string // in the error
	}{
		{"error after writing", func(ctx context.Context, tx *sqlite.Tx) error {
			return errors.Join(insert(ctx, tx, 1000), wrong)
		}, "wrong"},
		{"constraint", func(ctx context.Context, tx *sqlite.Tx) error {
			return errors.Join(insert(ctx, tx, 1000), insert(ctx, tx, 1))
		}, "UNIQUE"},
		{"foreign key", func(ctx context.Context, tx *sqlite.Tx) error {
			if err := insert(ctx, tx, 1000); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, `INSERT INTO child VALUES (77)`)
			return err
		}, fk},
		{"deferred foreign key", func(ctx context.Context, tx *sqlite.Tx) error {
			if err := insert(ctx, tx, 1000); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, `INSERT INTO late VALUES (77)`)
			return err
		}, "refers to one that does not exist"},
		{"panic", func(ctx context.Context, tx *sqlite.Tx) error {
			insert(ctx, tx, 1000)
			panic(wrong)
		}, "wrong"},
		{"rows left open", func(ctx context.Context, tx *sqlite.Tx) error {
			rows, err := tx.QueryContext(ctx, `SELECT n FROM number`)
			if err != nil || !rows.Next() {
				return errors.Join(errors.New("no rows"), err)
			}
			return errors.Join(insert(ctx, tx, 1000), wrong)
		}, "wrong"},
		{"statement that doesn't parse", func(ctx context.Context, tx *sqlite.Tx) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO absent VALUES (1)`)
			return errors.Join(err, insert(ctx, tx, 1000))
		}, "no such table"},
	}
	for _, tt := range tests {
		for place := range 3 { // first, between, last
			t.Run(fmt.Sprint(tt.name, " ", place), func(t *testing.T) {
				db := createNumbers(t)
				ctx := t.Context()
				if err := db.Update(ctx, func(tx *sqlite.Tx) error { return insert(ctx, tx, 1) }); err != nil {
					t.Fatal(err)
				}
				g := hold(db)
				for i := range 3 {
					if i != place {
						g.add(ctx, func(tx *sqlite.Tx) error { return insert(ctx, tx, 10+i) }, func(err error) {
							if err != nil {
								t.Errorf("another update: %v", err)
							}
						})
						continue
					}
					g.add(ctx, func(tx *sqlite.Tx) error { return tt.fn(ctx, tx) }, func(err error) {
						if err == nil || !strings.Contains(err.Error(), tt.want) {
							t.Errorf("error %v, want %q", err, tt.want)
						}
					})
				}
				g.run()
				if got, want := sum(t, db), 1+10+11+12-(10+place); got != want {
					t.Errorf("sum = %d, want %d", got, want)
				}
			})
		}
	}
}

// TestGroupLost: if the transaction itself is lost, all in the group are told.
func TestGroupLost(t *testing.T) {
	for _, how := range []string{"ROLLBACK", "COMMIT"} {
		db := createNumbers(t)
		ctx := t.Context()
		g := hold(db)
		for i := range 2 {
			g.add(ctx, func(tx *sqlite.Tx) error { return insert(ctx, tx, 10+i) }, func(err error) {
				if err == nil || !strings.Contains(err.Error(), "lost with another") && !strings.Contains(err.Error(), "ended the transaction") {
					t.Errorf("%s: another update: %v", how, err)
				}
			})
		}
		g.add(ctx, func(tx *sqlite.Tx) error {
			_, err := tx.ExecContext(ctx, how)
			return err
		}, func(err error) {
			if err == nil || !strings.Contains(err.Error(), "ended the transaction") {
				t.Errorf("%s: %v", how, err)
			}
		})
		g.run()
		if err := db.Update(ctx, func(tx *sqlite.Tx) error { return insert(ctx, tx, 100) }); err != nil {
			t.Errorf("%s: afterwards: %v", how, err)
		}
	}
}

func TestGroupIsBounded(t *testing.T) {
	db := createNumbers(t)
	ctx := t.Context()
	g := hold(db)
	var mu sync.Mutex
	seen := 0 // by the last to run, of the rows that are committed
	for i := range sqlite.MaxGroup {
		g.add(ctx, func(tx *sqlite.Tx) error {
			if err := insert(ctx, tx, i); err != nil || i < sqlite.MaxGroup-1 {
				return err
			}
			return db.View(ctx, func(tx *sqlite.Tx) error {
				mu.Lock()
				defer mu.Unlock()
				return tx.QueryRowContext(ctx, `SELECT count(*) FROM number`).Scan(&seen)
			})
		}, func(err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	g.run()
	if seen != sqlite.MaxGroup-1 {
		t.Errorf("%d were committed before the last, want %d", seen, sqlite.MaxGroup-1)
	}
}

// TestGoexit: a function that ends its goroutine, as t.Fatal does, must not
// leave anybody waiting.
func TestGoexit(t *testing.T) {
	db := createNumbers(t)
	ctx := t.Context()
	g := hold(db)
	for i := range 3 {
		g.add(ctx, func(tx *sqlite.Tx) error {
			rows, err := tx.QueryContext(ctx, `SELECT n FROM number`)
			if err != nil {
				return err
			}
			rows.Next()
			if i == 1 {
				runtime.Goexit()
			}
			return insert(ctx, tx, i)
		}, func(err error) {
			if i == 1 && err == nil {
				t.Error("no error")
			}
		})
	}
	g.run()
	if err := db.Update(ctx, func(tx *sqlite.Tx) error { return insert(ctx, tx, 100) }); err != nil {
		t.Error(err)
	}
}

func TestUpdateContext(t *testing.T) {
	db := createNumbers(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	never := func(*sqlite.Tx) error {
		t.Error("started")
		return nil
	}
	if err := db.Update(ended, never); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that had ended: %v", err)
	}

	// One that ends while it waits.
	waiting, cancel := context.WithCancel(t.Context())
	g := hold(db)
	given := make(chan error, 1)
	g.add(waiting, never, func(err error) { given <- err })
	cancel()
	if err := <-given; !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that ended in the queue: %v", err)
	}
	g.run()

	// One that ends when it has started: nothing is interrupted half way.
	running, cancel := context.WithCancel(t.Context())
	err := db.Update(running, func(tx *sqlite.Tx) error {
		if err := insert(running, tx, 1); err != nil {
			return err
		}
		cancel()
		return insert(running, tx, 2)
	})
	if !errors.Is(err, context.Canceled) || sum(t, db) != 0 {
		t.Errorf("with a context that ended on the way: %v, sum %d", err, sum(t, db))
	}
}

func TestClosed(t *testing.T) {
	db := createNumbers(t)
	ctx := t.Context()
	// Those that wait when Close is called are still done.
	g := hold(db)
	g.add(ctx, func(tx *sqlite.Tx) error { return insert(ctx, tx, 5) }, func(err error) {
		if err != nil {
			t.Error(err)
		}
	})
	var closing sync.WaitGroup
	closing.Go(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	g.run()
	closing.Wait()
	if err := db.Update(ctx, func(*sqlite.Tx) error { return nil }); !errors.Is(err, sqlite.ErrClosed) {
		t.Errorf("Update: %v", err)
	}
	if err := db.View(ctx, func(*sqlite.Tx) error { return nil }); !errors.Is(err, sqlite.ErrClosed) {
		t.Errorf("View: %v", err)
	}
	if err := db.Truncate(ctx); !errors.Is(err, sqlite.ErrClosed) {
		t.Errorf("Truncate: %v", err)
	}
	if err := db.Backup(ctx, t.TempDir()+"/copy", nil); !errors.Is(err, sqlite.ErrClosed) {
		t.Errorf("Backup: %v", err)
	}
}

func TestTx(t *testing.T) {
	db := createNumbers(t)
	ctx := t.Context()
	var kept *sqlite.Tx
	err := db.Update(ctx, func(tx *sqlite.Tx) error {
		kept = tx
		for n := range 5 {
			if err := insert(ctx, tx, n); err != nil {
				return err
			}
		}
		// The same query within itself.
		const query = `SELECT n FROM number WHERE n > ? ORDER BY n`
		pairs := 0
		outer, err := tx.QueryContext(ctx, query, 0)
		if err != nil {
			return err
		}
		for outer.Next() {
			var n int
			if err := outer.Scan(&n); err != nil {
				return err
			}
			inner, err := tx.QueryContext(ctx, query, n)
			if err != nil {
				return err
			}
			for inner.Next() {
				pairs++
			}
			if err := errors.Join(inner.Err(), inner.Close(), inner.Close()); err != nil {
				return err
			}
		}
		if pairs != 6 {
			t.Errorf("%d pairs, want 6", pairs)
		}
		var n int
		if err := tx.QueryRowContext(ctx, query, 99).Scan(&n); !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("no rows: %v", err)
		}
		if err := tx.QueryRowContext(ctx, `SELECT`, 99).Scan(&n); err == nil {
			t.Error("half a query: no error")
		}
		if err := insert(ctx, tx, 3); !sqlite.IsUnique(err) {
			t.Errorf("twice the same: %v", err)
		}
		// More texts than are kept prepared.
		for i := range 300 {
			if err := tx.QueryRowContext(ctx, fmt.Sprintf(`SELECT %d`, i)).Scan(&n); err != nil || n != i {
				return errors.Join(err, errors.New("wrong number"))
			}
		}
		return outer.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := insert(ctx, kept, 9); !errors.Is(err, sql.ErrTxDone) {
		t.Errorf("a Tx that was kept: %v", err)
	}
}
