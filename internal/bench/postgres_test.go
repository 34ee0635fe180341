package bench_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"firsthand"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/pgstore"
	"firsthand/internal/needtest"
	"firsthand/internal/systems"
	"firsthand/wire"
)

var (
	sizeFlag = flag.Int("relationships", 20_000, "how many relationships of 20 entries BenchmarkPostgresSize loads")
	rateFlag = flag.Int("rate", 1000, "how many calls a second it makes")
)

// pgCallers is how many call at once: what the aims are set for.
const pgCallers = 32

// startPostgres starts a server of the benchmark's own, as a distribution sets it up
// but for memory, and returns the address of its database.
func startPostgres(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("", "firsthand-bench-")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { os.RemoveAll(dir) })
	p, err := systems.StartPostgres(tb.Context(), dir, "shared_buffers=1GB", "max_wal_size=8GB", "max_connections=200")
	if errors.Is(err, errors.ErrUnsupported) {
		needtest.Skip(tb, err.Error())
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(p.Stop)
	return p.URL("postgres")
}

// BenchmarkPostgres is BenchmarkIntake on a PostgreSQL: by one gateway, by two that
// share it, each with half of the callers, and the bare inserts beside it. The
// processors are shared by callers, gateways and database.
func BenchmarkPostgres(b *testing.B) {
	url := startPostgres(b)
	s, err := pgstore.Create(b.Context(), pgstore.Options{URL: url})
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	fresh := 0 // relationships of earlier runs are not opened again
	for _, gateways := range []int{1, 2} {
		b.Run(fmt.Sprintf("gateways=%d", gateways), func(b *testing.B) {
			t := &traffic{client: newClient(), batch: 1, callers: make([]*caller, pgCallers)}
			b.Cleanup(t.client.Close)
			servers := make([]*server, gateways)
			for i := range servers {
				servers[i] = setup{Store: "postgres", URL: url, Now: clock()}.start(b)
			}
			t.server = servers[0]
			each := share(b.N, pgCallers, 0)/perLog + 1
			all := signed(b, fresh+each*pgCallers)[fresh:]
			fresh += len(all)
			for i := range t.callers {
				t.callers[i] = &caller{base: servers[i%gateways].base, relationships: all[i*each : (i+1)*each]}
			}
			t.open(b, all)
			var took []time.Duration
			used := t.server.measure(b, func() {
				took = together(b, pgCallers, b.N, func(n int) error { return t.callers[n].send(b.Context(), t) })
			})
			report(b, took, 1, used)
		})
	}
	b.Run("floor=insert", func(b *testing.B) { bareInserts(b, url) })
}

// bareInserts puts rows of an entry's size into a table, each durable before the next
// of its caller, each only if the one before it is there.
func bareInserts(b *testing.B, url string) {
	c, err := pgxpool.ParseConfig(url)
	if err != nil {
		b.Fatal(err)
	}
	c.MaxConns = pgCallers
	pool, err := pgxpool.NewWithConfig(b.Context(), c)
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(b.Context(), `CREATE TABLE IF NOT EXISTS floor (rel bytea, seq bigint, signed bytea, body bytea, PRIMARY KEY (rel, seq))`); err != nil {
		b.Fatal(err)
	}
	if _, err := pool.Exec(b.Context(), `TRUNCATE floor`); err != nil {
		b.Fatal(err)
	}
	e := &signed(b, 1)[0].entries[0]
	next := make([]int64, pgCallers)
	b.ResetTimer()
	took := together(b, pgCallers, b.N, func(n int) error {
		rel := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n)))
		next[n]++
		tag, err := pool.Exec(b.Context(), `
			INSERT INTO floor SELECT $1, $2::bigint, $3, $4
			WHERE $2::bigint = 1 OR EXISTS (SELECT 1 FROM floor WHERE rel = $1 AND seq = $2::bigint - 1)`, rel[:], next[n], e.Signed, e.Body)
		if err == nil && tag.RowsAffected() != 1 {
			err = errors.New("not inserted")
		}
		return err
	})
	b.StopTimer()
	report(b, took, 1, used{})
}

// BenchmarkPostgresSize calls a gateway on a database with many relationships, at a
// steady rate, each time in another of some thousand. It says how long loading and
// starting took. Run it with -benchtime 20000x -relationships 1000000.
func BenchmarkPostgresSize(b *testing.B) {
	const called, each = 2000, 20
	url := startPostgres(b)
	all := signed(b, called)
	began := time.Now()
	m, err := pgstore.BeginImport(b.Context(), pgstore.Options{URL: url}, "size")
	if err != nil {
		b.Fatal(err)
	}
	if err := errors.Join(m.Copy(b.Context(), many(all, *sizeFlag, each)), m.Finish(b.Context())); err != nil {
		b.Fatal(err)
	}
	m.Close()
	loading := time.Since(began)
	began = time.Now()
	s := setup{Store: "postgres", URL: url, Now: clock()}.start(b)
	client := newClient()
	defer client.Close()
	head := all[0].entries[each-1].Head()
	if _, err := client.Sync(b.Context(), s.base, all[0].key, wire.Request{Rel: all[0].id, First: head, Second: all[0].second.Head()}); err != nil {
		b.Fatal(err)
	}
	starting := time.Since(began) // of the process, to its first answer
	took := make([]time.Duration, b.N)
	errs := make([]error, b.N)
	sent := make([]int, called)
	locks := make([]sync.Mutex, called)
	chance := rand.New(rand.NewPCG(1, 2))
	var calls sync.WaitGroup
	b.ResetTimer()
	start := time.Now()
	for n := range b.N {
		which := chance.IntN(called)
		time.Sleep(time.Until(start.Add(time.Duration(n) * time.Second / time.Duration(*rateFlag))))
		due := time.Now()
		calls.Go(func() {
			locks[which].Lock()
			defer locks[which].Unlock()
			r := all[which]
			i := each + sent[which]
			if i >= len(r.entries) {
				took[n] = time.Since(due)
				return
			}
			sent[which]++
			head := r.entries[i].Head()
			_, errs[n] = client.Sync(context.Background(), s.base, r.key, wire.Request{Rel: r.id, First: head, Second: r.second.Head(), Entries: r.entries[i : i+1]})
			took[n] = time.Since(due)
		})
	}
	calls.Wait()
	b.StopTimer()
	if err := errors.Join(errs...); err != nil {
		b.Fatal(err)
	}
	report(b, took, 1, used{})
	b.ReportMetric(loading.Seconds(), "load-s")
	b.ReportMetric(float64(starting.Milliseconds()), "start-ms")
}

// many returns commits of n relationships: those that will be called, and others of as
// many entries that nobody reads.
func many(called []*relationship, n, each int) iter.Seq2[gateway.Commit, error] {
	return func(yield func(gateway.Commit, error) bool) {
		for i := range max(n, len(called)) {
			var c gateway.Commit
			if i < len(called) {
				r := called[i]
				c.Entries = append(append(c.Entries, r.open, r.second), r.entries[:each]...)
				c.Relationships = []gateway.Relationship{{ID: r.id, Key: r.key.Public(), Next: firsthand.NextKey("kit", firsthand.Label{1}).Public().Hash(), Keys: 1}}
			} else {
				rel := firsthand.ID(sha256.Sum256(binary.BigEndian.AppendUint64([]byte("another"), uint64(i))))
				c.Relationships = []gateway.Relationship{{ID: rel, Keys: 1}}
				of := called[i%len(called)]
				c.Entries = append(append(c.Entries, of.open, of.second), of.entries[:each]...)
				for k := range c.Entries {
					e := &c.Entries[k]
					e.Rel = rel
					if k == 0 {
						e.ID = rel
					}
				}
			}
			if !yield(c, nil) {
				return
			}
		}
	}
}
