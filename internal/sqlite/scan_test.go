package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"testing"

	"firsthand/internal/needtest"
	"firsthand/internal/sqlite"
)

// TestScan reads each sort of value into each sort of destination. Where there is no
// want, it is an error that says why.
func TestScan(t *testing.T) {
	db := createNumbers(t)
	ctx := t.Context()
	type raw = sql.RawBytes
	blank := func() []any {
		return []any{new(string), new([]byte), new(raw), new(int64), new(int), new(bool), new([32]byte), new(sql.NullInt64)}
	}
	full := [32]byte{31: 7}
	tests := []struct {
		value string
		want  []any // in the order of blank; nil is an error
	}{
		{`'Gent'`, []any{"Gent", []byte("Gent"), raw("Gent"), nil, nil, nil, nil, nil}},
		{`''`, []any{"", []byte{}, raw{}, nil, nil, nil, nil, nil}},
		{`'a' || char(0) || 'é'`, []any{"a\x00é", []byte("a\x00é"), raw("a\x00é"), nil, nil, nil, nil, nil}},
		{`'12'`, []any{"12", []byte("12"), raw("12"), nil, nil, nil, nil, nil}},
		{`x'00ff'`, []any{"\x00\xff", []byte{0, 255}, raw{0, 255}, nil, nil, nil, nil, nil}},
		{`x''`, []any{"", []byte{}, raw{}, nil, nil, nil, nil, nil}},
		{`x'` + strings.Repeat("00", 31) + `07'`, []any{string(full[:]), full[:], raw(full[:]), nil, nil, nil, full, nil}},
		{`'` + strings.Repeat("x", 32) + `'`, []any{strings.Repeat("x", 32), bytes.Repeat([]byte("x"), 32), raw(strings.Repeat("x", 32)), nil, nil, nil, nil, nil}},
		{`0`, []any{"0", []byte("0"), raw("0"), int64(0), 0, false, nil, sql.NullInt64{Valid: true}}},
		{`1`, []any{"1", []byte("1"), raw("1"), int64(1), 1, true, nil, sql.NullInt64{Int64: 1, Valid: true}}},
		{`2`, []any{"2", []byte("2"), raw("2"), int64(2), 2, nil, nil, sql.NullInt64{Int64: 2, Valid: true}}},
		{`-9223372036854775808`, []any{"-9223372036854775808", []byte("-9223372036854775808"), raw("-9223372036854775808"),
			int64(math.MinInt64), asInt(math.MinInt64), nil, nil, sql.NullInt64{Int64: math.MinInt64, Valid: true}}},
		{`1.5`, []any{nil, nil, nil, nil, nil, nil, nil, nil}},
		{`NULL`, []any{nil, []byte(nil), raw(nil), nil, nil, nil, nil, sql.NullInt64{}}},
	}
	err := db.View(ctx, func(tx *sqlite.Tx) error {
		for _, tt := range tests {
			for i, dest := range blank() {
				rows, err := tx.QueryContext(ctx, `SELECT `+tt.value+` AS it`)
				if err != nil {
					return err
				}
				if !rows.Next() {
					return fmt.Errorf("%s: no row: %w", tt.value, rows.Err())
				}
				err = rows.Scan(dest)
				got := deref(dest)
				switch {
				case err == nil && tt.want[i] == nil:
					t.Errorf("%s into %T: %#v, want an error", tt.value, dest, got)
				case err != nil && tt.want[i] != nil:
					t.Errorf("%s into %T: %v", tt.value, dest, err)
				case err == nil && fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", tt.want[i]): // which tells nil from empty
					t.Errorf("%s into %T: %#v, want %#v", tt.value, dest, got, tt.want[i])
				case err != nil && !strings.Contains(err.Error(), "column 0, it: "):
					t.Errorf("%s into %T: %v, which doesn't name the column", tt.value, dest, err)
				}
				rows.Close()
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// asInt is nil where an int can't hold n.
func asInt(n int64) any {
	if int64(int(n)) != n {
		return nil
	}
	return int(n)
}

func deref(p any) any {
	switch p := p.(type) {
	case *string:
		return *p
	case *[]byte:
		return *p
	case *sql.RawBytes:
		return *p
	case *int64:
		return *p
	case *int:
		return *p
	case *bool:
		return *p
	case *[32]byte:
		return *p
	case *sql.NullInt64:
		return *p
	}
	return p
}

// TestBind stores each sort of value, and looks what SQLite takes it for.
func TestBind(t *testing.T) {
	type (
		text   string
		bytes  []byte
		number int8
		yes    bool
	)
	db := createNumbers(t)
	ctx := t.Context()
	tests := []struct {
		value any
		want  string // as an SQL literal; "" is an error
	}{
		{nil, "NULL"}, {"", "''"}, {"é", "'é'"}, {text("t"), "'t'"},
		{[]byte(nil), "X''"}, {[]byte{}, "X''"}, {[]byte{0, 1}, "X'0001'"}, {bytes{2}, "X'02'"}, {sql.RawBytes{3}, "X'03'"},
		{0, "0"}, {-1, "-1"}, {int64(math.MaxInt64), "9223372036854775807"}, {number(-5), "-5"}, {uint8(200), "200"},
		{uint64(math.MaxInt64), "9223372036854775807"}, {uint64(math.MaxInt64) + 1, ""},
		{true, "1"}, {false, "0"}, {yes(true), "1"},
		{1.5, ""}, {[32]byte{}, ""}, {new(int), ""}, {struct{}{}, ""}, {[]string{"x"}, ""}, {sql.NullString{}, ""},
	}
	err := db.View(ctx, func(tx *sqlite.Tx) error {
		for _, tt := range tests {
			var got string
			err := tx.QueryRowContext(ctx, `SELECT quote(?)`, tt.value).Scan(&got)
			if (err == nil) != (tt.want != "") || got != tt.want {
				t.Errorf("%T %v: %s, %v; want %q", tt.value, tt.value, got, err, tt.want)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestMisuse: what is no statement, or doesn't fit, is an error, and leaves nothing behind.
func TestMisuse(t *testing.T) {
	db := createNumbers(t)
	ctx := t.Context()
	err := db.Update(ctx, func(tx *sqlite.Tx) error {
		for _, tt := range []struct {
			query string
			args  []any
		}{
			{``, nil}, {`-- nothing`, nil}, {`SELECT 1; SELECT 2`, nil}, {`SELECT 1; DELETE FROM number`, nil},
			{`SELECT ?`, nil}, {`SELECT ?`, []any{1, 2}}, {`SELECT ?2`, []any{1}}, {`SELECT 1`, []any{1}}, {`SELECT ?, ?`, []any{1, 1.5}},
		} {
			if _, err := tx.ExecContext(ctx, tt.query, tt.args...); err == nil {
				t.Errorf("%q with %v is run", tt.query, tt.args)
			}
			if _, err := tx.QueryContext(ctx, tt.query, tt.args...); err == nil {
				t.Errorf("%q with %v is asked", tt.query, tt.args)
			}
		}
		if _, err := tx.QueryContext(ctx, `SELECT 1 ; `+"\n"); err != nil {
			t.Error(err)
		}
		const query = `SELECT ?, 2`
		rows, err := tx.QueryContext(ctx, query, 1)
		if err != nil {
			return err
		}
		var a, b, c int
		if rows.Scan(&a, &b) == nil {
			t.Error("scanned before the first row")
		}
		rows.Next()
		if rows.Scan(&a) == nil || rows.Scan(&a, &b, &c) == nil || rows.Scan() == nil {
			t.Error("two columns fit one, three or no destination")
		}
		if err := rows.Scan(&a, &b); err != nil || a != 1 || b != 2 {
			t.Error(a, b, err)
		}
		for range 2 {
			if rows.Next() || rows.Err() != nil || rows.Scan(&a, &b) == nil {
				t.Error("there is a second row")
			}
		}
		var raw sql.RawBytes
		if tx.QueryRowContext(ctx, `SELECT 'gone'`).Scan(&raw) == nil {
			t.Error("what is SQLite's outlives its row")
		}
		if err := tx.QueryRowContext(ctx, query, "x").Scan(&a, &b); err == nil {
			t.Error("a text is a number")
		}
		return tx.QueryRowContext(ctx, query, 5).Scan(&a, &b)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestBytesAreTheCallers: what was bound may be changed afterwards, and what was
// scanned stays as it was.
func TestBytesAreTheCallers(t *testing.T) {
	db := createNumbers(t)
	ctx := t.Context()
	var first, text []byte
	err := db.Update(ctx, func(tx *sqlite.Tx) error {
		given := []byte("first")
		rows, err := tx.QueryContext(ctx, `SELECT ?1 UNION ALL SELECT x'7365636f6e64'`, given)
		if err != nil {
			return err
		}
		copy(given, "later")
		rows.Next()
		if err := rows.Scan(&first); err != nil {
			return err
		}
		rows.Next()
		rows.Close()
		return tx.QueryRowContext(ctx, `SELECT 'text'`).Scan(&text)
	})
	if err != nil {
		t.Fatal(err)
	}
	sum(t, db) // other work meanwhile
	if string(first) != "first" || string(text) != "text" {
		t.Errorf("%q, %q", first, text)
	}
}

// A tired context ends when it has been asked so many times: so in the midst of a
// statement, and not before it.
type tired struct {
	context.Context
	left atomic.Int64
}

func (c *tired) Err() error {
	if c.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// TestInterrupt: a query that ends by itself after hours ends with its context, wherever it
// is; and the connection is as good as before.
func TestInterrupt(t *testing.T) {
	o := options(t)
	o.Migrations, o.Readers = numbers, 1
	db := create(t, o)
	const endless = `WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 1e12) SELECT count(*) FROM c`
	for left := range int64(8) {
		ctx := &tired{Context: t.Context()}
		ctx.left.Store(left)
		err := db.View(ctx, func(tx *sqlite.Tx) error {
			var n int
			return tx.QueryRowContext(ctx, endless).Scan(&n)
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("after %d: %v", left, err)
		}
		if sum(t, db) != 0 {
			t.Error("the connection is of no use")
		}
	}
}

// TestWriterIsNotInterrupted: an ended context refuses what has not begun, and what has
// begun goes on, or it would take others' updates with it.
func TestWriterIsNotInterrupted(t *testing.T) {
	db := createNumbers(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := db.Update(background, func(tx *sqlite.Tx) error {
		rows, err := tx.QueryContext(ctx, `WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 5000) SELECT n FROM c`)
		if err != nil {
			return err
		}
		n := 0
		for rows.Next() {
			cancel()
			n++
		}
		if n != 5000 || rows.Err() != nil {
			t.Errorf("%d rows, %v", n, rows.Err())
		}
		if _, err := tx.QueryContext(ctx, `SELECT 1`); !errors.Is(err, context.Canceled) {
			t.Errorf("another query: %v", err)
		}
		return insert(background, tx, 1)
	})
	if err != nil || sum(t, db) != 1 {
		t.Error(err)
	}
}

// TestOpenRowsEnd: a function that leaves rows open, or panics with them open, leaves no
// statement that is being read, nor one that is in the way of a truncation.
func TestOpenRowsEnd(t *testing.T) {
	o := options(t)
	o.Migrations, o.Readers = numbers, 1
	db := create(t, o)
	ctx := t.Context()
	fill := func(tx *sqlite.Tx) error { return errors.Join(insert(ctx, tx, 1), insert(ctx, tx, 2)) }
	if err := db.Update(ctx, fill); err != nil {
		t.Fatal(err)
	}
	const query = `SELECT n FROM number WHERE n >= ?`
	leave := func(tx *sqlite.Tx) error {
		for range 3 { // the second and the third are of statements that are not kept
			rows, err := tx.QueryContext(ctx, query, 1)
			if err != nil || !rows.Next() {
				t.Error("no row: ", err)
			}
		}
		return nil
	}
	panics := func(tx *sqlite.Tx) error {
		leave(tx)
		panic("on purpose")
	}
	for name, run := range map[string]func(context.Context, func(*sqlite.Tx) error) error{"Update": db.Update, "View": db.View} {
		for range 2 {
			if err := run(ctx, leave); err != nil {
				t.Error(err)
			}
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s: no panic", name)
					}
				}()
				run(ctx, panics)
			}()
			err := run(ctx, func(tx *sqlite.Tx) error {
				var n int
				return tx.QueryRowContext(ctx, query, 2).Scan(&n)
			})
			if err != nil {
				t.Error(err)
			}
			once, cancel := context.WithCancel(ctx)
			if err := db.Truncate(once); err != nil {
				t.Error(err)
			}
			cancel() // which is nothing to whoever uses the connection next
		}
	}
}

// TestNothingEscapes: values and destinations stay on the caller's stack, because
// nothing keeps them. What is left for a query are its Rows.
func TestNothingEscapes(t *testing.T) {
	if needtest.Race {
		return // it counts its own
	}
	db := createNumbers(t)
	ctx := t.Context()
	var exec, query float64
	err := db.Update(ctx, func(tx *sqlite.Tx) error {
		i, text, key := 1000, "a text of some length", [32]byte{1}
		exec = testing.AllocsPerRun(20, func() {
			i++
			if _, err := tx.ExecContext(ctx, `INSERT INTO number SELECT ?1 WHERE ?2 <> '' AND ?3 <> ''`, i, text, key[:]); err != nil {
				t.Error(err)
			}
		})
		query = testing.AllocsPerRun(20, func() {
			var n int64
			var id [32]byte
			var raw sql.RawBytes
			rows, err := tx.QueryContext(ctx, `SELECT ?1, ?2, ?3`, i, text, key[:])
			if err != nil {
				t.Error(err)
				return
			}
			for rows.Next() {
				if err := rows.Scan(&n, &raw, &id); err != nil || n != int64(i) || string(raw) != text || id != key {
					t.Error(n, string(raw), id, err)
				}
			}
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if exec != 0 || query > 1 {
		t.Errorf("a statement allocates %v times, a query %v times; want 0 and 1", exec, query)
	}
}
