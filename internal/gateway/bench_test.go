package gateway_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"firsthand"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/gatewaytest"
	"firsthand/wire"
)

// discard is a store that keeps nothing once it is told to: the limit that the
// gateway itself sets.
type discard struct {
	gateway.Store
	on bool
}

func (d *discard) Commit(ctx context.Context, c gateway.Commit) error {
	if d.on {
		return nil
	}
	return d.Store.Commit(ctx, c)
}

const callers = 64

// A traffic is what callers bring: calls with entries that were signed before,
// parsed as the handler does it when they are made.
type traffic struct {
	rel   firsthand.ID
	lines [][]byte // each the lines of one call
	heads []firsthand.Head
	seen  firsthand.Head // of second
}

// prepare opens relationships and signs so many calls for each, of so many entries.
func prepare(b *testing.B, w *world, each, batch int) []*traffic {
	b.Helper()
	all := make([]*traffic, callers)
	var signers sync.WaitGroup
	for i := range all {
		c := w.meet(fmt.Sprint("caller ", i))
		t := &traffic{rel: c.Rel(), seen: c.State.Log(firsthand.Second).Head}
		all[i] = t
		signers.Go(func() {
			text := strings.Repeat("Where is my parcel? ", 18) // with the rest, about 1 KB an entry
			for range each {
				var lines []byte
				for range batch {
					c.Say(b, text)
					lines = c.First[len(c.First)-1].AppendLine(lines)
				}
				t.lines, t.heads = append(t.lines, lines), append(t.heads, c.State.Log(firsthand.First).Head)
			}
		})
	}
	signers.Wait()
	return all
}

// run makes all calls, each caller its own one after the other.
func run(b *testing.B, w *world, all []*traffic, batch int) {
	b.Helper()
	times := make([][]time.Duration, len(all))
	runtime.GC()
	b.ReportAllocs()
	b.ResetTimer()
	start, cpu := time.Now(), cpuTime()
	var group sync.WaitGroup
	for i, t := range all {
		group.Go(func() {
			for n, lines := range t.lines {
				began := time.Now()
				entries, err := firsthand.ParseLines(lines)
				if err != nil {
					b.Error(err)
					return
				}
				resp, err := w.Sync(context.Background(), wire.Request{Rel: t.rel, First: t.heads[n], Second: t.seen, Entries: entries})
				if err != nil || resp.First != t.heads[n] {
					b.Errorf("sync: %v, %v", resp.First, err)
					return
				}
				times[i] = append(times[i], time.Since(began))
			}
		})
	}
	group.Wait()
	took, used := time.Since(start), cpuTime()-cpu
	b.StopTimer()
	var sorted []time.Duration
	for _, t := range times {
		sorted = append(sorted, t...)
	}
	slices.Sort(sorted)
	b.ReportMetric(float64(len(sorted)*batch)/took.Seconds(), "entries/s")
	b.ReportMetric(float64(used.Microseconds())/float64(len(sorted)*batch), "cpu-µs/entry")
	b.ReportMetric(float64(sorted[len(sorted)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(sorted[len(sorted)*99/100].Microseconds())/1000, "p99-ms")
}

// BenchmarkSync is intake by 64 callers at once, in 64 relationships: parse, verify,
// fold, commit, sync, receipt. Beside each figure stands that of a store that keeps
// nothing. Run it with -benchtime 20000x, and see the ratio.
func BenchmarkSync(b *testing.B) {
	for _, batch := range []int{1, 100} {
		for _, real := range []bool{false, true} {
			name := fmt.Sprintf("batch=%d/store=%v", batch, real)
			b.Run(name, func(b *testing.B) {
				large := func(o *gateway.Options) {
					o.MaxLog, o.CacheBytes, o.Connector, o.Log = 1<<40, 256<<20, plain{newCRM()}, nil
				}
				var w *world
				none := &discard{Store: gatewaytest.NewMemory()}
				if real {
					w = onDisk(b, large)
				} else {
					w = start(b, none, large)
				}
				all := prepare(b, w, max(1, b.N/callers/batch), batch)
				none.on = true
				run(b, w, all, batch)
			})
		}
	}
}

// BenchmarkLoad is the first call of a relationship that is not in memory.
func BenchmarkLoad(b *testing.B) {
	w := onDisk(b, func(o *gateway.Options) { o.CacheBytes, o.Log = 1, nil })
	c := w.meet("mia")
	for range 100 {
		c.Say(b, "Where is my parcel? It was due on Monday, and it is Friday now.")
	}
	c.Sync(b, w)
	r := c.Request()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Sync(context.Background(), r); err != nil {
			b.Fatal(err)
		}
	}
}
