package bench_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"firsthand"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/pgstore"
	"firsthand/wire"
)

var (
	sizeFlag = flag.Int("relationships", 20_000, "how many relationships of 20 entries BenchmarkPostgresSize loads")
	rateFlag = flag.Int("rate", 1000, "how many calls a second it makes")
	sizeDir  = flag.String("size-dir", "", "keep its database in this folder, and take it from there if it was loaded before")
)

const (
	sizeEntries = 20     // of each relationship, openings and all
	sizeCalled  = 30_000 // relationships that can be called; nobody has the keys of the others
)

// sizeClock is when all entries of it were written: those of a database that was kept are
// the same as those that are signed now.
var sizeClock = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// BenchmarkPostgresSize calls a gateway on a database with many relationships at a
// steady rate. Rows lie where they came to lie as entries of all came in turn.
//
//	cold   each call says something in another relationship, which nobody has called in
//	       before, over a connection that is made for it: the worst case
//	ask    the same, but the call asks for news, and there is none
//	again  who has just called says something more, over the connection that she has
//	parts  the calls of cold, to a server that does the parts of it and nothing else
//
//	go test ./internal/bench -run '^$' -bench PostgresSize -benchtime 5000x -relationships 1000000 -size-dir /tmp/size -timeout 2h
func BenchmarkPostgresSize(b *testing.B) {
	dir := *sizeDir
	if dir == "" {
		dir = b.TempDir()
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.Fatal(err)
	}
	for up := dir; *sizeDir == "" && up != os.TempDir(); up = filepath.Dir(up) {
		if err := os.Chmod(up, 0o755); err != nil { // the server is another user
			b.Fatal(err)
		}
	}
	_, err := os.Stat(filepath.Join(dir, "loaded"))
	kept := err == nil
	// Nothing is logged of tables that are made and filled in one transaction.
	settings := []string{"max_wal_size=2GB", "wal_level=minimal", "max_wal_senders=0"}
	p := startPostgresIn(b, dir, settings...)
	url := p.URL("postgres")
	if !kept {
		began := time.Now()
		loadSize(b, url)
		b.Logf("loaded in %v", time.Since(began))
		if err := os.WriteFile(filepath.Join(dir, "loaded"), nil, 0o644); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("start", func(b *testing.B) {
		r := talking(b, 0, 1, sizeEntries-1, 1, sizeClock)[0]
		began := time.Now()
		s := setup{Store: "postgres", URL: url, Now: sizeClock, Deliver: true}.start(b)
		client := newClient()
		defer client.Close()
		if _, err := client.Sync(b.Context(), s.base, r.key, wire.Request{Rel: r.id, First: r.open.Head(), Second: r.second.Head()}); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(time.Since(began).Milliseconds()), "start-ms") // of the process, to its first answer
	})
	b.Run("cold", func(b *testing.B) {
		from := written(b, url)
		if from+b.N > min(sizeCalled, *sizeFlag) {
			b.Fatalf("%d relationships were called before, and %d can be in all", from, min(sizeCalled, *sizeFlag))
		}
		all := sizeRelationships(b, from, from+b.N)
		s := setup{Store: "postgres", URL: url, Now: sizeClock}.start(b)
		calls := sizeCalls{server: s, database: p.PID()}
		calls.run(b, all, says(sizeEntries-2))
	})
	b.Run("ask", func(b *testing.B) {
		last := min(sizeCalled, *sizeFlag)
		all := sizeRelationships(b, last-b.N, last)
		s := setup{Store: "postgres", URL: url, Now: sizeClock}.start(b)
		calls := sizeCalls{server: s, database: p.PID()}
		calls.run(b, all, func(r *relationship) wire.Request {
			return wire.Request{Rel: r.id, First: r.entries[sizeEntries-3].Head(), Second: r.second.Head()}
		})
	})
	b.Run("again", func(b *testing.B) {
		from := written(b, url)
		all := sizeRelationships(b, from-b.N, from)
		s := setup{Store: "postgres", URL: url, Now: sizeClock}.start(b)
		calls := sizeCalls{server: s, database: p.PID(), client: newClient()}
		defer calls.client.Close()
		calls.run(b, all, says(sizeEntries-1)) // hello again
		calls.run(b, all, says(sizeEntries))
	})
	b.Run("parts", func(b *testing.B) {
		all := sizeRelationships(b, 0, b.N)
		s := setup{Store: "parts", URL: url, Look: true, Now: sizeClock}.start(b)
		calls := sizeCalls{server: s, database: p.PID()}
		calls.run(b, all, says(sizeEntries-2))
	})
}

// sizeRelationships returns relationships of BenchmarkPostgresSize, with what was loaded
// of them and what is called.
func sizeRelationships(tb testing.TB, from, to int) []*relationship {
	tb.Helper()
	return talking(tb, from, to, sizeEntries+1, 1, sizeClock)
}

// written returns in how many relationships there were entries of calls.
func written(tb testing.TB, url string) (n int) {
	tb.Helper()
	db, err := pgx.Connect(tb.Context(), url)
	if err != nil {
		tb.Fatal(err)
	}
	err = db.QueryRow(tb.Context(), `SELECT count(*) FROM relationship WHERE version > 1`).Scan(&n)
	if err := errors.Join(err, db.Close(tb.Context())); err != nil {
		tb.Fatal(err)
	}
	return n
}

// says is a call that brings the entry after open of that number.
func says(n int) func(*relationship) wire.Request {
	return func(r *relationship) wire.Request {
		next := r.entries[n : n+1]
		return wire.Request{Rel: r.id, First: next[0].Head(), Second: r.second.Head(), Entries: next}
	}
}

// sizeCalls makes calls at the rate that was asked for.
type sizeCalls struct {
	server   *server
	database int          // the process
	client   *wire.Client // nil for one that nobody has called with
}

// run makes one call in each relationship, whether those before it were answered or not.
func (c *sizeCalls) run(b *testing.B, all []*relationship, request func(*relationship) wire.Request) {
	b.Helper()
	client := c.client
	if client == nil {
		client = newClient()
		defer client.Close()
	}
	took, errs := make([]time.Duration, len(all)), make([]error, len(all))
	cpu := func() time.Duration {
		sum, err := familyCPU(c.database)
		if err != nil {
			b.Fatal(err)
		}
		return sum
	}
	var calls sync.WaitGroup
	before := cpu()
	b.StartTimer()
	used := c.server.measure(b, func() {
		start := time.Now()
		for n, r := range all {
			due := start.Add(time.Duration(n) * time.Second / time.Duration(*rateFlag))
			time.Sleep(time.Until(due))
			calls.Go(func() {
				_, errs[n] = client.Sync(context.Background(), c.server.base, r.key, request(r))
				took[n] = time.Since(due)
			})
		}
		calls.Wait()
	})
	if err := errors.Join(errs...); err != nil {
		b.Fatal(err)
	}
	report(b, took, 1, used)
	b.ReportMetric(float64((cpu()-before).Microseconds())/float64(len(all)), "database-µs/entry")
}

// loadSize fills the database.
func loadSize(b *testing.B, url string) {
	all := sizeRelationships(b, 0, min(sizeCalled, *sizeFlag))
	m, err := pgstore.BeginImport(b.Context(), pgstore.Options{URL: url}, "size")
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	if err := errors.Join(m.Copy(b.Context(), many(all, *sizeFlag)), m.Finish(b.Context())); err != nil {
		b.Fatal(err)
	}
}

// sizeEnds is where the logs of a relationship end when all is loaded.
func sizeEnds(of *relationship, row *gateway.Relationship) firsthand.Ends {
	return firsthand.Ends{First: of.entries[sizeEntries-3].Head(), Second: of.second.Head(), Seen: 1, Key: row.Key, Next: row.Next,
		SecondKey: companyKeys().Chain[0].Key, Words: true}
}

// many returns commits of n relationships: those that can be called, and others of as
// many entries that nobody reads. All are opened, then all write an entry, and so on.
func many(called []*relationship, n int) iter.Seq2[gateway.Commit, error] {
	next := firsthand.NextKey("kit", firsthand.Label{1}).Public().Hash()
	return func(yield func(gateway.Commit, error) bool) {
		for k := range sizeEntries {
			if k%5 == 0 {
				fmt.Fprintf(os.Stderr, "loading entry %d of %d of each\n", k+1, sizeEntries)
			}
			for i := range n {
				of := called[i%len(called)]
				var c gateway.Commit
				switch k {
				case 0:
					c.Entries = []firsthand.Entry{of.open}
				case 1:
					c.Entries = []firsthand.Entry{of.second}
				default:
					c.Entries = []firsthand.Entry{of.entries[k-2]}
				}
				row := gateway.Relationship{ID: of.id, Key: of.key.Public(), Next: next, Keys: 1}
				if e := &c.Entries[0]; i >= len(called) {
					row.ID = sha256.Sum256(binary.BigEndian.AppendUint64([]byte("another"), uint64(i)))
					if e.Rel = row.ID; k == 0 {
						e.Rel, e.ID = firsthand.ID{}, row.ID
					}
				}
				if k == 0 {
					c.Relationships = []gateway.Relationship{row}
					row.Version = 1
					c.At = []gateway.At{{Rel: row.ID, Ends: gateway.EncodeEnds(&row, sizeEnds(of, &row))}}
				}
				if !yield(c, nil) {
					return
				}
			}
		}
	}
}
