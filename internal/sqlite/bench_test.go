package sqlite_test

import (
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"

	"firsthand/internal/sqlite"
)

// What a gateway does with an entry: look at the head of its log, insert the
// entry, insert what it says.
const (
	benchTables = `
		CREATE TABLE entry (
			log TEXT NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL UNIQUE, signed BLOB NOT NULL,
			UNIQUE (log, seq)
		) STRICT;
		CREATE TABLE body (entry BLOB PRIMARY KEY REFERENCES entry (id), body BLOB NOT NULL) STRICT;`
	selectHead  = `SELECT seq FROM entry WHERE log = ? ORDER BY seq DESC LIMIT 1`
	insertEntry = `INSERT INTO entry (log, seq, id, signed) VALUES (?, ?, ?, ?)`
	insertBody  = `INSERT INTO body (entry, body) VALUES (?, ?)`
)

var (
	benchSchema = fstest.MapFS{"0001_init.sql": {Data: []byte(benchTables)}}
	benchSigned = make([]byte, 800)
	benchBody   = make([]byte, 400)
)

func benchID(n int64) []byte {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n)))
	return sum[:]
}

func benchLog(n int64) string { return fmt.Sprintf("relationship-%030d", n*7919%1000) }

// BenchmarkUpdate appends entries to 1,000 logs, each in an Update of its own.
// Quote it beside BenchmarkFloor of the same run.
func BenchmarkUpdate(b *testing.B) {
	for _, mode := range []string{"plain", "encrypted"} {
		for _, callers := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("%s/callers=%d", mode, callers), func(b *testing.B) {
				o := options(b)
				o.Migrations = benchSchema
				if mode == "encrypted" {
					o.Key = &testKey
				}
				benchmarkUpdate(b, create(b, o), callers)
			})
		}
	}
}

func benchmarkUpdate(b *testing.B, db *sqlite.DB, callers int) {
	ctx := b.Context()
	var last atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range callers {
		wg.Go(func() {
			for n := last.Add(1); n <= int64(b.N); n = last.Add(1) {
				err := db.Update(ctx, func(tx *sqlite.Tx) error {
					var seq int64
					err := tx.QueryRowContext(ctx, selectHead, benchLog(n)).Scan(&seq)
					if err != nil && !errors.Is(err, sql.ErrNoRows) {
						return err
					}
					id := benchID(n)
					if _, err := tx.ExecContext(ctx, insertEntry, benchLog(n), seq+1, id, benchSigned); err != nil {
						return err
					}
					_, err = tx.ExecContext(ctx, insertBody, id, benchBody)
					return err
				})
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "updates/s")
}

// BenchmarkView reads one entry by its place.
func BenchmarkView(b *testing.B) {
	for _, mode := range []string{"plain", "encrypted"} {
		b.Run(mode, func(b *testing.B) {
			o := options(b)
			o.Migrations = benchSchema
			if mode == "encrypted" {
				o.Key = &testKey
			}
			db := create(b, o)
			ctx := b.Context()
			const rows = 20_000
			err := db.Update(ctx, func(tx *sqlite.Tx) error {
				for n := range int64(rows) {
					if _, err := tx.ExecContext(ctx, insertEntry, benchLog(n), n, benchID(n), benchSigned); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
			var n int64
			for b.Loop() {
				n = (n + 7919) % rows
				err := db.View(ctx, func(tx *sqlite.Tx) error {
					var signed []byte
					return tx.QueryRowContext(ctx, `SELECT signed FROM entry WHERE log = ? AND seq = ?`, benchLog(n), n).Scan(&signed)
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkFloor is what the machine can do at best, one at a time: sync 4 KiB,
// and commit the rows of BenchmarkUpdate with the driver's own API.
func BenchmarkFloor(b *testing.B) {
	b.Run("sync4KiB", func(b *testing.B) {
		f, err := os.Create(filepath.Join(b.TempDir(), "floor"))
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		page := make([]byte, 4096)
		for i := int64(0); b.Loop(); i++ {
			if _, err := f.WriteAt(page, i%1024*4096); err != nil {
				b.Fatal(err)
			}
			if err := f.Sync(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("databasesql", func(b *testing.B) {
		pool, err := driver.Open("file:"+filepath.Join(b.TempDir(), "floor.db")+"?_txlock=immediate", floorPragmas)
		if err != nil {
			b.Fatal(err)
		}
		defer pool.Close()
		pool.SetMaxOpenConns(1)
		var n int64
		for b.Loop() {
			n++
			tx, err := pool.Begin()
			if err != nil {
				b.Fatal(err)
			}
			id := benchID(n)
			if _, err := tx.Exec(insertEntry, benchLog(n), n, id, benchSigned); err != nil {
				b.Fatal(err)
			}
			if _, err := tx.Exec(insertBody, id, benchBody); err != nil {
				b.Fatal(err)
			}
			if err := tx.Commit(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("native", func(b *testing.B) {
		c, err := sqlite3.Open(filepath.Join(b.TempDir(), "floor.db"))
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		if err := floorPragmas(c); err != nil {
			b.Fatal(err)
		}
		stmts := make(map[string]*sqlite3.Stmt)
		for _, q := range []string{"BEGIN IMMEDIATE", "COMMIT", insertEntry, insertBody} {
			s, _, err := c.Prepare(q)
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			stmts[q] = s
		}
		var n int64
		for b.Loop() {
			n++
			id := benchID(n)
			e, body := stmts[insertEntry], stmts[insertBody]
			err := errors.Join(stmts["BEGIN IMMEDIATE"].Exec(),
				e.BindText(1, benchLog(n)), e.BindInt64(2, n), e.BindBlob(3, id), e.BindBlob(4, benchSigned), e.Exec(),
				body.BindBlob(1, id), body.BindBlob(2, benchBody), body.Exec(),
				stmts["COMMIT"].Exec())
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

func floorPragmas(c *sqlite3.Conn) error {
	return c.Exec(`PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
		PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;` + benchTables)
}
