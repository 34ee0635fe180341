package bench_test

import (
	"errors"
	"flag"
	"os"
	"testing"
	"time"

	"firsthand/internal/gateway/pgstore"
	"firsthand/internal/needtest"
	"firsthand/internal/systems"
)

// pgCallers is how many call at once: what the aims are set for.
const pgCallers = 32

// startPostgres starts a server of the benchmark's own, as a distribution sets it up
// but for memory, and returns the address of its database.
func startPostgres(tb testing.TB) *systems.Postgres {
	tb.Helper()
	dir, err := os.MkdirTemp("", "firsthand-bench-")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { os.RemoveAll(dir) })
	return startPostgresIn(tb, dir, "max_wal_size=8GB")
}

func startPostgresIn(tb testing.TB, dir string, settings ...string) *systems.Postgres {
	tb.Helper()
	p, err := systems.StartPostgres(tb.Context(), dir, append(settings, "shared_buffers=1GB", "max_connections=200")...)
	if errors.Is(err, errors.ErrUnsupported) {
		needtest.Skip(tb, err.Error())
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(p.Stop)
	return p
}

// quotaFlag is how two gateways are seen each on a machine of its own, where there is but one.
var quotaFlag = flag.Int("quota", 0, "give each gateway of BenchmarkPostgres this percentage of a processor, and no more (Linux, as root)")

// BenchmarkPostgres is BenchmarkIntake on a PostgreSQL: by one gateway, by two that
// share it, each with half of the callers, and the sum of its parts: see parts. The
// processors are shared by callers, gateways and database, so what each of them takes
// of their time is reported as well.
func BenchmarkPostgres(b *testing.B) {
	p := startPostgres(b)
	url := p.URL("postgres")
	s, err := pgstore.Create(b.Context(), pgstore.Options{URL: url})
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	fresh := 0 // relationships of earlier runs are not opened again
	for _, of := range []struct {
		name, store string
		servers     int
	}{{"gateways=1", "postgres", 1}, {"gateways=2", "postgres", 2}, {"parts", "parts", 1}} {
		b.Run(of.name, func(b *testing.B) {
			t := &traffic{client: newClient(), batch: 1, callers: make([]*caller, pgCallers)}
			b.Cleanup(t.client.Close)
			servers := make([]*server, of.servers)
			for i := range servers {
				servers[i] = setup{Store: of.store, URL: url, Now: clock()}.start(b)
				servers[i].limit(b, *quotaFlag)
			}
			t.server = servers[0]
			each := share(b.N, pgCallers, 0)/perLog + 1
			all := signed(b, fresh+each*pgCallers)[fresh:]
			fresh += len(all)
			for i := range t.callers {
				t.callers[i] = &caller{base: servers[i%of.servers].base, relationships: all[i*each : (i+1)*each]}
			}
			if of.store != "parts" {
				t.open(b, all)
			}
			cpu := func() time.Duration {
				sum, err := familyCPU(p.PID())
				if err != nil {
					b.Fatal(err)
				}
				return sum
			}
			var took []time.Duration
			before, second := cpu(), servers[of.servers-1].usage(b).cpu
			used := t.server.measure(b, func() {
				took = together(b, pgCallers, b.N, func(n int) error { return t.callers[n].send(b.Context(), t) })
			})
			database := cpu() - before
			if of.servers > 1 {
				used.cpu += servers[of.servers-1].usage(b).cpu - second
			}
			report(b, took, 1, used)
			b.ReportMetric(float64(database.Microseconds())/float64(b.N), "database-µs/entry")
		})
	}
}
