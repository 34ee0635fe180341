package bench_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"firsthand"
	"firsthand/fetch"
	"firsthand/wire"
)

// BenchmarkIntake is one entry a call, each caller in a relationship of its own:
// signed call, parsed, verified, judged, on stable storage with the delivery that
// it causes, and answered with a signed receipt. The client is in this process
// and shares the processors.
func BenchmarkIntake(b *testing.B) {
	for _, store := range []string{"file", "none"} {
		for _, callers := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("%s/callers=%d", store, callers), func(b *testing.B) {
				benchmarkIntake(b, store, callers, 1)
			})
		}
	}
}

// BenchmarkCatchUp brings entries in batches, as an agent does that was away.
func BenchmarkCatchUp(b *testing.B) {
	for _, store := range []string{"file", "none"} {
		b.Run(store+"/callers=8/batch=100", func(b *testing.B) { benchmarkIntake(b, store, 8, 100) })
	}
}

func benchmarkIntake(b *testing.B, store string, callers, batch int) {
	t := newTraffic(b, store, callers, batch, b.N)
	var took []time.Duration
	used := t.server.measure(b, func() {
		took = together(b, callers, b.N, func(n int) error { return t.callers[n].send(b.Context(), t) })
	})
	report(b, took, batch, used)
}

// traffic is a server with open relationships, and those who write in them.
type traffic struct {
	server  *server
	client  *wire.Client
	batch   int
	callers []*caller
}

// A caller writes in one relationship after the other.
type caller struct {
	base          string // whom it calls, if it isn't the traffic's server
	relationships []*relationship
	sent          int // entries of the first of them
}

// newTraffic starts a gateway and opens in it as many relationships as the callers
// need for that many calls.
func newTraffic(tb testing.TB, store string, callers, batch, calls int) *traffic {
	tb.Helper()
	each := share(calls, callers, 0)*batch/perLog + 1
	all := signed(tb, each*callers)
	t := startTraffic(tb, store)
	t.batch, t.callers = batch, make([]*caller, callers)
	for i := range t.callers {
		t.callers[i] = &caller{relationships: all[i*each : (i+1)*each]}
	}
	t.open(tb, all)
	return t
}

// startTraffic starts a gateway, with nobody yet who writes to it.
func startTraffic(tb testing.TB, store string) *traffic {
	tb.Helper()
	t := &traffic{server: setup{Store: store, Now: clock()}.start(tb), client: newClient()}
	tb.Cleanup(t.client.Close)
	return t
}

// open opens relationships, by connections that are closed again.
func (t *traffic) open(tb testing.TB, all []*relationship) {
	tb.Helper()
	client := newClient()
	defer client.Close()
	next := make(chan *relationship, len(all))
	for _, r := range all {
		next <- r
	}
	together(tb, 8, len(all), func(int) error {
		r := <-next
		resp, err := client.Open(tb.Context(), t.server.base, r.key, wire.Request{Rel: r.id, First: r.open.Head(), Entries: []firsthand.Entry{r.open}})
		if err == nil && resp.Second != r.second.Head() {
			err = fmt.Errorf("the company's log begins with %v, not with %v", resp.Second, r.second.Head())
		}
		return err
	})
}

func newClient() *wire.Client {
	return wire.NewClient(fetch.New(fetch.Options{AllowLoopback: true}), nil)
}

// send makes one call with the next entries.
func (c *caller) send(ctx context.Context, t *traffic) error {
	if c.sent == perLog {
		c.relationships, c.sent = c.relationships[1:], 0
	}
	r := c.relationships[0]
	entries := r.entries[c.sent : c.sent+t.batch]
	c.sent += t.batch
	head := entries[len(entries)-1].Head()
	resp, err := t.client.Sync(ctx, cmp.Or(c.base, t.server.base), r.key, wire.Request{Rel: r.id, First: head, Second: r.second.Head(), Entries: entries})
	if err != nil {
		return err
	}
	if resp.First != head {
		return fmt.Errorf("the gateway has first's log up to %d, not %d", resp.First.Seq, head.Seq)
	}
	return nil
}

// BenchmarkFloorHTTP is a bare server and a bare client that exchange as many
// bytes as a call of BenchmarkIntake and its answer, on kept connections.
func BenchmarkFloorHTTP(b *testing.B) {
	r := signed(b, 1)[0]
	e := &r.entries[0]
	head := func(h firsthand.Head) string { return string(firsthand.EncodeJSON(h)) }
	body := fmt.Appendf(nil, `{"rel":"%s","first":%s,"second":%s,"wait":0}`+"\n", r.id, head(e.Head()), head(r.second.Head()))
	body = e.AppendLine(body)
	receipt := r.key.Receipt(firsthand.Receipt{Rel: r.id, Seq: 2, ID: e.ID, At: clock()})
	answer := fmt.Appendf(nil, `{"first":%s,"second":%s,"receipt":"%s","more":false}`+"\n", head(e.Head()), head(r.second.Head()), receipt)
	for _, callers := range []int{1, 8, 32, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			s := setup{Store: "http", Answer: answer}.start(b)
			transport := &http.Transport{MaxIdleConnsPerHost: callers, DisableCompression: true}
			defer transport.CloseIdleConnections()
			var took []time.Duration
			used := s.measure(b, func() {
				took = together(b, callers, b.N, func(int) error { return post(transport, s.base, body) })
			})
			report(b, took, 1, used)
		})
	}
}

func post(t *http.Transport, url string, body []byte) error {
	req, err := http.NewRequest("POST", url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := t.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// BenchmarkFloorSync writes 4 KiB and waits until the disk has them.
func BenchmarkFloorSync(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "floor"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	page := make([]byte, 4096)
	took := make([]time.Duration, 0, b.N)
	b.ResetTimer()
	for i := range b.N {
		start := time.Now()
		if _, err := f.WriteAt(page, int64(i%1024)*4096); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	b.StopTimer()
	report(b, took, 1, used{})
}
