package bench_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"firsthand"
	"firsthand/fetch"
	"firsthand/internal/agent"
	"firsthand/internal/agent/store"
	"firsthand/terms"
	"firsthand/wire"
)

// BenchmarkChange1000 is one change to a thousand companies, each a TLS host of its
// own on loopback, from Begin to the last receipt on stable storage: planned, asked
// of policy, signed, committed, carried, answered and verified. Cold, there is no
// connection yet; warm, that of the change before is open.
//
// Beside each stands the bare fan-out in the same run: as many bytes to the same
// hosts and back, by net/http alone, with as many at once; and parts, a client that also
// signs, verifies and writes what any such change has to. What counts is the ratio.
// signatures-ms is what the signatures alone take on all processors, the customer's
// and the company's: an entry, a call and a receipt are signed and the receipt is
// verified, for each company. With -entries each log of a company's is so long before.
func BenchmarkChange1000(b *testing.B) {
	for _, v := range []struct {
		name string
		trip time.Duration
		dead int
	}{{"loopback", 0, 0}, {"trip=50ms", farTrip, 0}, {"dead=100", 0, 100}} {
		b.Run(v.name, func(b *testing.B) {
			c := newChange(b, 1000, v.dead, v.trip)
			var sum, cpu [6]time.Duration
			var written int64
			names := [6]string{"bare-cold", "bare-warm", "cold", "warm", "parts-cold", "parts-warm"}
			measure := func(i int, took time.Duration, before usage) {
				sum[i] += took
				cpu[i] += usageHere(b).cpu - before.cpu
			}
			for range b.N {
				bare := c.bare()
				for i := range 2 {
					u := usageHere(b)
					measure(i, c.fanOut(b, bare), u)
				}
				bare.close()
				parts := c.parts(b)
				for i := range 2 {
					u := usageHere(b)
					measure(4+i, parts.change(b), u)
				}
				parts.close(b)
				c.client.Close()
				for i := range 2 {
					u := usageHere(b)
					measure(2+i, c.change(b), u)
					written += usageHere(b).written - u.written
				}
			}
			for i, name := range names {
				b.ReportMetric(float64(sum[i])/float64(time.Millisecond)/float64(b.N), name+"-ms")
				if cpu[i] > 0 { // of this process: what it takes on a machine that has other things to do
					b.ReportMetric(float64(cpu[i])/float64(time.Millisecond)/float64(b.N), name+"-cpu-ms")
				}
			}
			b.ReportMetric(float64(signatures(c.live))/float64(time.Millisecond), "signatures-ms")
			b.ReportMetric(float64(c.began)/float64(time.Millisecond)/float64(2*b.N), "begin-ms")
			b.ReportMetric(float64(written)/(1<<10)/float64(2*b.N), "written-KB") // a change; in files, so whatever else the machine does
			b.ReportMetric(float64(sum[2])/float64(sum[0]), "cold-ratio")
			b.ReportMetric(float64(sum[3])/float64(sum[1]), "warm-ratio")
			b.ReportMetric(float64(sum[2])/float64(sum[4]), "cold-parts-ratio")
			b.ReportMetric(float64(sum[3])/float64(sum[5]), "warm-parts-ratio")
			debug.FreeOSMemory()
			if u := usageHere(b); u.now > 0 {
				b.ReportMetric(float64(u.now)/(1<<20), "settled-MB")
			}
			runtime.KeepAlive(c) // what the agent has in memory is part of it
		})
	}
}

// signatures signs and verifies as often as a change to n companies does.
func signatures(n int) time.Duration {
	public, key, _ := ed25519.GenerateKey(rand.Reader) // which doesn't fail
	text := make([]byte, 300)
	start := time.Now()
	var wg sync.WaitGroup
	procs := runtime.GOMAXPROCS(0)
	for range procs {
		wg.Go(func() {
			for range n / procs {
				ed25519.Sign(key, text)
				ed25519.Sign(key, text)
				ed25519.Verify(public, text, ed25519.Sign(key, text))
			}
		})
	}
	wg.Wait()
	return time.Since(start)
}

// A changing is a customer with a relationship at each host of a street.
type changing struct {
	agent  *agent.Agent
	client *wire.Client
	store  *counted
	hosts  []string
	live   int
	roots  *x509.CertPool
	dial   func(ctx context.Context, network, addr string) (net.Conn, error)
	body   []byte // as long as a call
	n      int
	began  time.Duration // all that Begin took
}

// counted is her file, and tells when so many receipts are on stable storage.
type counted struct {
	*store.Store
	left atomic.Int64
	all  chan struct{}
}

func (c *counted) Commit(ctx context.Context, commit agent.Commit) error {
	err := c.Store.Commit(ctx, commit)
	if n := int64(len(commit.Receipts)); err == nil && n > 0 && c.left.Add(-n) == 0 {
		close(c.all)
	}
	return err
}

func (c *counted) expect(n int) {
	c.all = make(chan struct{})
	c.left.Store(int64(n))
}

func newChange(b *testing.B, n, dead int, trip time.Duration) *changing {
	b.Helper()
	c := &changing{live: n - dead}
	s, roots, err := readStreet(setup{Street: n, Dead: dead}.startChild(b))
	if err != nil {
		b.Fatal(err)
	}
	c.hosts, c.roots = s.Hosts, roots
	c.dial = new(net.Dialer).DialContext
	if trip > 0 {
		c.dial = dialFar(trip)
	}
	kit, err := store.NewKit()
	if err != nil {
		b.Fatal(err)
	}
	_, recipient, err := store.NewKeyFile()
	if err != nil {
		b.Fatal(err)
	}
	file, err := store.Create(b.Context(), filepath.Join(b.TempDir(), "life"), store.CreateOptions{KitRecipient: kit.Recipient(), KeyFile: recipient})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { file.Close() })
	c.store = &counted{Store: file, all: make(chan struct{})}
	c.client = wire.NewClient(fetch.New(fetch.Options{AllowLoopback: true, RootCAs: roots, Dial: c.dial}), nil)
	b.Cleanup(c.client.Close)
	c.agent = agent.New(agent.Options{Store: c.store, Caller: c.client, Roster: terms.Default(), Now: time.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler)})
	c.fill(b, n)
	return c
}

// fill writes what she would have who has told each company her address.
func (c *changing) fill(b *testing.B, n int) {
	b.Helper()
	ctx := b.Context()
	for i, r := range newRelationships(b, 0, n, max(2, *logSize)) {
		last := r.entries[len(r.entries)-1].Head()
		row := agent.Relationship{ID: r.id, Domain: fmt.Sprintf("company-%d.example", i), Name: fmt.Sprintf("Company %d", i), Gateway: "https://" + c.hosts[i],
			Company: make([]byte, 1000), Seed: r.key.Seed(), Opened: r.open.At, Kept: true, Received: last, Sent: last.Seq}
		err := c.store.Commit(ctx, agent.Commit{Relationships: []agent.Relationship{row}, Entries: append([]firsthand.Entry{r.open, r.second}, r.entries...)})
		if err != nil {
			b.Fatal(err)
		}
		c.body = r.entries[1].AppendLine(fmt.Appendf(nil, "%300s\n", ""))
		_, err = c.agent.Disclose(ctx, r.id, agent.Telling{Fact: "address.home", Value: home(0), Purpose: "ServiceDelivery", Basis: firsthand.Basis{Exception: "told at the counter"}})
		if err != nil {
			b.Fatal(err)
		}
	}
	c.run(b, func() {}) // what was told is received
}

func home(n int) firsthand.Value {
	return firsthand.Value{Parts: map[string]string{"street": fmt.Sprint("Graslei ", n), "postcode": "9000", "city": "Gent", "country": "BE"}}
}

// change is one change, until the last company that answers has signed for it.
func (c *changing) change(b *testing.B) time.Duration {
	b.Helper()
	c.n++
	return c.run(b, func() {
		start := time.Now()
		_, err := c.agent.Begin(b.Context(), agent.Move{Facts: []agent.NewFact{{Fact: "address.home", Value: home(c.n)}}}, fmt.Sprint(c.n))
		if err != nil {
			b.Fatal(err)
		}
		c.began += time.Since(start)
	})
}

// run does something, and lets the agent carry what comes of it.
func (c *changing) run(b *testing.B, do func()) time.Duration {
	b.Helper()
	c.store.expect(c.live)
	ctx, stop := context.WithCancel(b.Context())
	done := make(chan error, 1)
	start := time.Now()
	do()
	go func() { done <- c.agent.Run(ctx) }()
	select {
	case <-c.store.all:
	case <-time.After(30 * time.Second):
		stop()
		<-done
		b.Fatalf("%d receipts are missing", c.store.left.Load())
	}
	took := time.Since(start)
	stop()
	if err := <-done; err != nil {
		b.Error(err)
	}
	return took
}

// A bare client has a transport for each host, as the agent has.
type bare []*http.Transport

func (c *changing) bare() bare {
	all := make(bare, c.live)
	for i := range all {
		all[i] = &http.Transport{DialContext: c.dial, TLSClientConfig: &tls.Config{RootCAs: c.roots}, DisableCompression: true, MaxIdleConns: 1}
	}
	return all
}

func (t bare) close() {
	for _, t := range t {
		t.CloseIdleConnections()
	}
}

// atOnce is how many calls the agent makes at once.
const atOnce = 256

// fanOut sends as many bytes to each host that answers, and reads as many.
func (c *changing) fanOut(b *testing.B, t bare) time.Duration {
	b.Helper()
	start := time.Now()
	next := make(chan int, len(t))
	for i := range t {
		next <- i
	}
	close(next)
	var wg sync.WaitGroup
	for range atOnce {
		wg.Go(func() {
			for i := range next {
				req, err := http.NewRequest("POST", "https://"+c.hosts[i]+"/bare", bytes.NewReader(c.body))
				if err != nil {
					b.Error(err)
					return
				}
				resp, err := t[i].RoundTrip(req)
				if err != nil {
					b.Error(err)
					return
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		})
	}
	wg.Wait()
	return time.Since(start)
}
