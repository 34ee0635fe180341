package sqlite_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"firsthand/internal/sqlite"
)

func TestViewIsOfOneMoment(t *testing.T) {
	db := createNumbers(t)
	ctx := t.Context()
	err := db.View(ctx, func(tx *sqlite.Tx) error {
		count := func() (n int) {
			if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM number`).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		before := count()
		if err := db.Update(ctx, func(tx *sqlite.Tx) error { return insert(ctx, tx, 1) }); err != nil {
			return err
		}
		if after := count(); after != before {
			t.Errorf("%d rows, then %d", before, after)
		}
		if sum(t, db) != 1 { // a View within a View
			t.Error("another View doesn't see what was committed")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestViewCannotWrite(t *testing.T) {
	db := createNumbers(t)
	ctx := t.Context()
	for _, query := range []string{
		`INSERT INTO number VALUES (1)`, `DELETE FROM number`, `CREATE TABLE x (y)`, `PRAGMA user_version = 7`,
	} {
		err := db.View(ctx, func(tx *sqlite.Tx) error {
			_, err := tx.ExecContext(ctx, query)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), "readonly") {
			t.Errorf("%s: %v", query, err)
		}
	}
}

func TestViewIsInterrupted(t *testing.T) {
	db := createNumbers(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := db.View(ctx, func(tx *sqlite.Tx) error {
		rows, err := tx.QueryContext(ctx, `WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c`)
		if err != nil {
			return err
		}
		for rows.Next() { // for ever
			cancel()
		}
		return rows.Err()
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if sum(t, db) != 0 {
		t.Error("the connection is of no use afterwards")
	}
}

func TestViewAfterPanic(t *testing.T) {
	o := options(t)
	o.Migrations, o.Readers = numbers, 1
	db := create(t, o)
	for range 3 {
		func() {
			defer func() { recover() }()
			db.View(t.Context(), func(tx *sqlite.Tx) error {
				if _, err := tx.QueryContext(t.Context(), `SELECT 1`); err != nil {
					t.Error(err)
				}
				panic("on purpose")
			})
		}()
	}
	if sum(t, db) != 0 {
		t.Error("not 0")
	}
}

// TestViewsWaitForEachOther, with more of them than connections.
func TestViewsWaitForEachOther(t *testing.T) {
	o := options(t)
	o.Migrations, o.Readers = numbers, 2
	db := create(t, o)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				sum(t, db)
			}
		})
	}
	wg.Wait()

	ctx, cancel := context.WithCancel(t.Context())
	var deep func(level int) error
	deep = func(level int) error {
		return db.View(ctx, func(*sqlite.Tx) error {
			if level == 2 {
				cancel() // the third has to wait
			}
			return deep(level + 1)
		})
	}
	if err := deep(1); !errors.Is(err, context.Canceled) {
		t.Errorf("a third View: %v", err)
	}
}

// TestCloseWaitsForViews: nobody's connection is closed beneath them.
func TestCloseWaitsForViews(t *testing.T) {
	db := createNumbers(t)
	ctx := t.Context()
	reading, closing := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := db.View(ctx, func(tx *sqlite.Tx) error {
			close(reading)
			<-closing
			var n int
			return tx.QueryRowContext(ctx, `SELECT 1`).Scan(&n)
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-reading
	wg.Go(func() {
		close(closing)
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	wg.Wait()
}
