// Package bench measures the whole stack: real HTTP on loopback, the real
// handler, the real gateway, the real file on the real disk, and the agent's own
// program. It has nothing but tests.
//
//	go test -run '^$' -bench . -benchtime 3s ./internal/bench
//
// Beside each figure stands its floor, measured in the same run: the same gateway
// with a store that keeps nothing, a bare HTTP server, a bare signature check, a
// bare sync. Machines drift, so what is quoted is the ratio. docs/performance.md
// has the aims, and what was measured.
//
// The gateway runs in a child process, this test binary started again, so that
// its memory and processor time are its own (Linux only; elsewhere they are left
// out). With -inprocess it runs here, for -cpuprofile. Nothing is asserted about
// time.
package bench_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"
)

var (
	inProcess = flag.Bool("inprocess", false, "run the gateway in the process of the benchmark, to profile it")
	logSize   = flag.Int("entries", 2, "how many entries each company has had before BenchmarkChange1000")
	auditSize = flag.Int("audit", 100_000, "how many entries BenchmarkAudit verifies")
)

// childVar holds the setup of a child process, as JSON.
const childVar = "FIRSTHAND_BENCH_CHILD"

func TestMain(m *testing.M) {
	if text := os.Getenv(childVar); text != "" {
		var s setup
		err := json.Unmarshal([]byte(text), &s)
		if err == nil {
			err = serveUntilEOF(s, os.Stdout, os.Stdin)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "child:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// share is how many of n calls caller i of so many makes.
func share(n, callers, i int) int { return (n + callers - 1 - i) / callers }

// together lets callers make n calls, each its share one after the other, and
// returns how long each call took.
func together(tb testing.TB, callers, n int, call func(caller int) error) []time.Duration {
	tb.Helper()
	took := make([][]time.Duration, callers)
	errs := make([]error, callers)
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			took[i] = make([]time.Duration, 0, share(n, callers, i))
			for range share(n, callers, i) {
				start := time.Now()
				if errs[i] = call(i); errs[i] != nil {
					return
				}
				took[i] = append(took[i], time.Since(start))
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		tb.Fatal(err)
	}
	return slices.Concat(took...)
}

// report reports what n calls of so many entries each came to.
func report(b *testing.B, took []time.Duration, entries int, used used) {
	slices.Sort(took)
	at := func(q float64) float64 {
		return float64(took[int(q*float64(len(took)-1))]) / float64(time.Millisecond)
	}
	total := float64(len(took) * entries)
	b.ReportMetric(total/b.Elapsed().Seconds(), "entries/s")
	b.ReportMetric(at(0.5), "p50-ms")
	b.ReportMetric(at(0.99), "p99-ms")
	if used.cpu > 0 {
		b.ReportMetric(float64(used.cpu)/float64(time.Microsecond)/total, "server-µs/entry")
		b.ReportMetric(float64(used.client)/float64(time.Microsecond)/total, "client-µs/entry")
		b.ReportMetric(float64(used.peak)/(1<<20), "server-peak-MB")
	}
}

// used is what a measured run has taken.
type used struct {
	cpu, client time.Duration // of the server, and of this process
	peak        int64         // of the server's memory, in bytes
}

// measure runs fn with the clock on, and returns what it has taken. It knows of
// times alone where the server is no process of its own.
func (s *server) measure(b *testing.B, fn func()) used {
	b.Helper()
	server, client := s.usage(b), usageHere(b)
	b.ResetTimer()
	fn()
	b.StopTimer()
	after := s.usage(b)
	return used{cpu: after.cpu - server.cpu, client: usageHere(b).cpu - client.cpu, peak: after.peak}
}

func usageHere(tb testing.TB) usage {
	tb.Helper()
	u, err := usageOf(os.Getpid())
	if err != nil {
		tb.Fatal(err)
	}
	return u
}
