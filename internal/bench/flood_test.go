package bench_test

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"firsthand"
	"firsthand/wire"
)

const sourceHeader = "X-Real-IP"

// A flood is one source with many identities, each on a connection of its own, which
// calls as fast as it was told, signed by keys that the gateway has never seen.
type flood struct {
	conns   []net.Conn
	readers []*bufio.Reader
	locks   []sync.Mutex // a connection has one call at a time
	calls   [][]byte
	refused atomic.Int64 // by 429
	looked  atomic.Int64 // by anything else
	late    atomic.Int64 // that it could not make in time
}

func newFlood(tb testing.TB, base string, identities int) *flood {
	tb.Helper()
	host := strings.TrimPrefix(base, "http://")
	f := &flood{conns: make([]net.Conn, identities), readers: make([]*bufio.Reader, identities), locks: make([]sync.Mutex, identities), calls: make([][]byte, identities)}
	for i := range identities {
		conn, err := net.Dial("tcp", host)
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { conn.Close() })
		f.conns[i], f.readers[i] = conn, bufio.NewReaderSize(conn, 512)
		key := firsthand.SignerFromSeed(seeded("flood %d", i))
		rel := firsthand.ID(sha256.Sum256(fmt.Append(nil, i)))
		body := fmt.Appendf(nil, `{"rel":"%s","first":{"seq":0,"id":""},"second":{"seq":0,"id":""},"wait":0}`+"\n", rel)
		now := time.Now().UTC()
		sig := key.Call(firsthand.Call{Method: "POST", Host: host, Path: "/v1/sync", Time: now, Body: body})
		f.calls[i] = fmt.Appendf(nil, "POST /v1/sync HTTP/1.1\r\nHost: %s\r\n%s: 203.0.113.66\r\nContent-Type: %s\r\nAuthorization: Firsthand %s %s\r\nContent-Length: %d\r\n\r\n%s",
			host, sourceHeader, wire.ContentType, now.Format("2006-01-02T15:04:05Z"), sig, len(body), body)
	}
	return f
}

// run makes calls at that rate until stop is closed.
func (f *flood) run(tb testing.TB, perSecond int, stop <-chan struct{}) {
	const workers = 50
	next := make(chan int, perSecond)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := range next {
				if err := f.call(i); err != nil {
					tb.Errorf("flood: %v", err)
					return
				}
			}
		})
	}
	const tick = 10 * time.Millisecond
	t := time.NewTicker(tick)
	defer t.Stop()
	began, made := time.Now(), 0
	for i := 0; ; {
		select {
		case <-stop:
			close(next)
			wg.Wait()
			return
		case <-t.C:
		}
		for due := int(time.Since(began).Seconds() * float64(perSecond)); made < due; made++ {
			select {
			case next <- i:
				i = (i + 1) % len(f.conns)
			default:
				f.late.Add(1)
			}
		}
	}
}

func (f *flood) call(i int) error {
	f.locks[i].Lock()
	defer f.locks[i].Unlock()
	if _, err := f.conns[i].Write(f.calls[i]); err != nil {
		return err
	}
	resp, err := http.ReadResponse(f.readers[i], nil)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode == http.StatusTooManyRequests && resp.Header.Get("Retry-After") != "" {
		f.refused.Add(1)
	} else {
		f.looked.Add(1)
	}
	return nil
}

// paced makes n calls of t's callers, each caller one every so often, and returns
// what each took.
func (t *traffic) paced(tb testing.TB, n int, every time.Duration) []time.Duration {
	tick := make([]*time.Ticker, len(t.callers))
	for i := range tick {
		tick[i] = time.NewTicker(every)
		defer tick[i].Stop()
	}
	var mu sync.Mutex
	var took []time.Duration
	together(tb, len(t.callers), n, func(i int) error {
		<-tick[i].C
		began := time.Now()
		err := t.callers[i].send(tb.Context(), t)
		mu.Lock()
		defer mu.Unlock()
		took = append(took, time.Since(began))
		return err
	})
	slices.Sort(took)
	return took
}

func p99(sorted []time.Duration) time.Duration { return sorted[len(sorted)*99/100] }

// flooded measures customers' calls, quiet and while the flood runs.
func flooded(tb testing.TB, identities, perSecond, n int) (quiet, during time.Duration, f *flood, peak int64) {
	tb.Helper()
	const callers = 8
	all := signed(tb, 2*(n/perLog+callers))
	t := &traffic{server: setup{Store: "file", Calls: 200}.start(tb), client: newClient(), batch: 1}
	tb.Cleanup(t.client.Close)
	t.callers = make([]*caller, callers)
	for i := range t.callers {
		each := len(all) / callers
		t.callers[i] = &caller{relationships: all[i*each : (i+1)*each]}
	}
	t.open(tb, all)
	every := 40 * time.Millisecond // 200 calls a second in all
	quiet = p99(t.paced(tb, n, every))
	f = newFlood(tb, t.server.base, identities)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		f.run(tb, perSecond, stop)
	}()
	during = p99(t.paced(tb, n, every))
	close(stop)
	<-done
	return quiet, during, f, t.server.usage(tb).peak
}

// BenchmarkFlood has 10,000 identities call 5,000 times a second from one source,
// while eight customers go on. The client is in this process and shares the
// processors: what the flood itself takes of them is in the ratio.
func BenchmarkFlood(b *testing.B) {
	for b.Loop() {
		quiet, during, f, peak := flooded(b, 10_000, 5_000, 2_000)
		b.ReportMetric(float64(quiet.Microseconds())/1000, "quiet-p99-ms")
		b.ReportMetric(float64(during.Microseconds())/1000, "flood-p99-ms")
		b.ReportMetric(float64(during)/float64(quiet), "ratio")
		b.ReportMetric(float64(f.refused.Load()), "refused")
		b.ReportMetric(float64(f.looked.Load()), "looked-at")
		b.ReportMetric(float64(f.late.Load()), "not-made")
		b.ReportMetric(float64(peak>>20), "server-MiB")
	}
}

// The flood in small: what is above the limit of its source gets 429 with
// Retry-After, and customers are served meanwhile.
func TestFlood(t *testing.T) {
	_, _, f, peak := flooded(t, 100, 4_000, 60)
	if f.refused.Load() == 0 || f.looked.Load() > 400 {
		t.Errorf("%d calls refused, %d looked at", f.refused.Load(), f.looked.Load())
	}
	if peak > 512<<20 {
		t.Errorf("the server took %d MiB", peak>>20)
	}
}
