package wire_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/fetch"
	"firsthand/wire"
)

// start is when the tests play.
var start = time.Date(2026, 11, 21, 21, 47, 13, 0, time.UTC)

func clock() time.Time { return start }

// seeded returns a key, or 32 bytes, that are the same in every run.
func seeded(what string) [32]byte { return sha256.Sum256([]byte(what)) }

func signer(what string) *firsthand.Signer { return firsthand.SignerFromSeed(seeded(what)) }

// A gateway is a wire.Server in memory that does all that the contract says.
type gateway struct {
	key     *firsthand.Signer
	doc     []byte
	waiting chan struct{} // gets a value whenever a call begins to wait

	mu   sync.Mutex
	rels map[firsthand.ID]*relation
	fail error // what every call fails with, if set
	boom any   // what every call panics with, if set
	got  []wire.Request
}

type relation struct {
	state *firsthand.State
	logs  [2][]firsthand.Entry
	news  chan struct{} // closed when there are some
	n     int
}

func newGateway() *gateway {
	return &gateway{key: signer("company"), rels: map[firsthand.ID]*relation{}, waiting: make(chan struct{}, 64)}
}

func (g *gateway) Company(context.Context) ([]byte, error) { return g.doc, g.fail }

func (g *gateway) Keys(_ context.Context, rel firsthand.ID) (firsthand.PublicKey, firsthand.KeyHash, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := g.rels[rel]
	if r == nil {
		return firsthand.PublicKey{}, firsthand.KeyHash{}, fault.Refuse(fault.NotExist, "relationship", "none of that id")
	}
	log := r.state.Log(firsthand.First)
	return log.Key(), log.Next, nil
}

func (g *gateway) Open(ctx context.Context, r wire.Request) (wire.Response, error) {
	g.mu.Lock()
	if g.rels[r.Rel] == nil && g.fail == nil && g.boom == nil {
		rel := &relation{state: firsthand.NewState(), news: make(chan struct{})}
		if err := rel.state.Check(r.Entries[0]); err != nil {
			g.mu.Unlock()
			return wire.Response{}, err
		}
		rel.take(r.Entries[0])
		rel.write(g.key, &firsthand.Open{Role: "company", Key: g.key.Public(), Next: signer("company next").Public().Hash()})
		g.rels[r.Rel] = rel
	}
	g.mu.Unlock()
	return g.Sync(ctx, r)
}

func (g *gateway) Sync(ctx context.Context, r wire.Request) (wire.Response, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.got = append(g.got, r)
	if g.boom != nil {
		panic(g.boom)
	}
	if g.fail != nil {
		return wire.Response{}, g.fail
	}
	rel := g.rels[r.Rel]
	for _, e := range r.Entries {
		err := rel.state.Check(e)
		if fault.RuleOf(err) == "log-known" {
			continue
		}
		if err != nil {
			return wire.Response{}, err
		}
		rel.take(e)
	}
	if r.Wait > 0 && len(rel.after(&r)) == 0 {
		news := rel.news
		g.mu.Unlock()
		g.waiting <- struct{}{}
		select {
		case <-news:
		case <-ctx.Done():
		}
		g.mu.Lock()
	}
	entries := rel.after(&r)
	n := wire.Fit(entries)
	first := rel.state.Log(firsthand.First).Head
	return wire.Response{
		First: first, Second: rel.state.Log(firsthand.Second).Head,
		Receipt: g.key.Receipt(firsthand.Receipt{Rel: r.Rel, Seq: first.Seq, ID: first.ID, At: start}),
		Entries: entries[:n], More: n < len(entries),
	}, nil
}

// say writes an entry of the company.
func (g *gateway) say(rel firsthand.ID, c firsthand.Content) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rels[rel].write(g.key, c)
}

func (rel *relation) take(e firsthand.Entry) {
	if err := rel.state.Take(e); err != nil {
		panic(err)
	}
	n := 0
	if e.Side == firsthand.Second {
		n = 1
	}
	rel.logs[n] = append(rel.logs[n], e)
}

func (rel *relation) write(key *firsthand.Signer, c firsthand.Content) {
	rel.n++
	salt := seeded(fmt.Sprint("company salt", rel.state.Rel, rel.n))
	e, err := rel.state.Write(key, firsthand.Second, start, salt[:], c)
	if err != nil {
		panic(err)
	}
	rel.take(e)
	close(rel.news)
	rel.news = make(chan struct{})
}

// after returns what the caller lacks by its own account.
func (rel *relation) after(r *wire.Request) []firsthand.Entry {
	a, b := min(int(r.First.Seq), len(rel.logs[0])), min(int(r.Second.Seq), len(rel.logs[1]))
	return append(append([]firsthand.Entry(nil), rel.logs[0][a:]...), rel.logs[1][b:]...)
}

// A customer is first's side of one relationship.
type customer struct {
	t     testing.TB
	name  string
	key   *firsthand.Signer
	next  *firsthand.Signer
	state *firsthand.State
	logs  [2][]firsthand.Entry
	n     int
}

// newCustomer opens a relationship with the company at acme.example. All that
// is random in it follows from name.
func newCustomer(t testing.TB, name string) *customer {
	c := &customer{t: t, name: name, key: signer(name), next: signer(name + " next"), state: firsthand.NewState()}
	c.write(&firsthand.Open{Role: "customer", Key: c.key.Public(), Label: c.label(), Next: c.next.Public().Hash(),
		Domain: "acme.example", CompanyKey: signer("company").Public()})
	return c
}

func (c *customer) label() firsthand.Label {
	h := seeded(fmt.Sprint(c.name, " label ", c.n))
	return firsthand.Label(h[:16])
}

func (c *customer) write(what firsthand.Content) firsthand.Entry {
	c.t.Helper()
	c.n++
	salt := seeded(fmt.Sprint(c.name, " salt ", c.n))
	e, err := c.state.Write(c.key, firsthand.First, start, salt[:], what)
	if err != nil {
		c.t.Fatal(err)
	}
	c.take(e)
	return e
}

// rotate replaces her key by the next one.
func (c *customer) rotate() firsthand.Entry {
	c.t.Helper()
	c.key, c.next = c.next, signer(fmt.Sprint(c.name, " next ", c.n))
	return c.write(&firsthand.Rotate{Key: c.key.Public(), Next: c.next.Public().Hash(), Label: c.label()})
}

func (c *customer) take(e firsthand.Entry) {
	c.t.Helper()
	if err := c.state.Check(e); err != nil {
		c.t.Fatal(err)
	}
	if err := c.state.Take(e); err != nil {
		c.t.Fatal(err)
	}
	n := 0
	if e.Side == firsthand.Second {
		n = 1
	}
	c.logs[n] = append(c.logs[n], e)
}

func (c *customer) rel() firsthand.ID { return c.state.Rel }

// request is a call that brings entries.
func (c *customer) request(entries ...firsthand.Entry) wire.Request {
	return wire.Request{Rel: c.rel(), First: c.state.Log(firsthand.First).Head,
		Second: c.state.Log(firsthand.Second).Head, Entries: entries}
}

// A world is a gateway that serves on loopback, and a client.
type world struct {
	*gateway
	handler *wire.Handler
	base    string // of the gateway
	client  *wire.Client
	now     func() time.Time // the agent's clock
	log     *logs

	connMu sync.Mutex
	idle   map[net.Conn]bool
}

// track remembers the connections on which no call is made just now.
func (w *world) track(c net.Conn, s http.ConnState) {
	w.connMu.Lock()
	defer w.connMu.Unlock()
	if w.idle == nil {
		w.idle = map[net.Conn]bool{}
	}
	w.idle[c] = s == http.StateIdle
}

// closeIdle closes them.
func (w *world) closeIdle() {
	w.connMu.Lock()
	defer w.connMu.Unlock()
	for c, idle := range w.idle {
		if idle {
			c.Close()
		}
	}
}

// newWorld serves g with what change made of the options.
func newWorld(t testing.TB, g *gateway, change func(*wire.Options)) *world {
	t.Helper()
	w := &world{gateway: g, log: new(logs), now: clock}
	l := listen(t)
	w.base = "http://" + l.Addr().String() + "/desk"
	o := wire.Options{BaseURL: w.base, Now: clock, Log: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	if change != nil {
		change(&o)
	}
	h, err := wire.NewHandler(g, o)
	if err != nil {
		t.Fatal(err)
	}
	w.handler = h
	s := h.NewServer()
	s.ConnState = w.track
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	f := fetch.New(fetch.Options{AllowLoopback: true})
	w.client = wire.NewClient(f, func() time.Time { return w.now() })
	t.Cleanup(w.client.Close)
	return w
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// open opens c's relationship in w.
func (w *world) open(t testing.TB, c *customer) wire.Response {
	t.Helper()
	resp, err := w.client.Open(t.Context(), w.base, c.key, c.request(c.logs[0][0]))
	if err != nil {
		t.Fatal(err)
	}
	c.learn(resp)
	return resp
}

// learn takes what an answer brought, and checks its receipt.
func (c *customer) learn(resp wire.Response) {
	c.t.Helper()
	for _, e := range resp.Entries {
		c.take(e)
	}
	receipt, err := firsthand.ParseReceipt(resp.Receipt, signer("company").Public())
	if err != nil {
		c.t.Fatal(err)
	}
	if receipt.Rel != c.rel() || receipt.Seq != resp.First.Seq || receipt.ID != resp.First.ID {
		c.t.Errorf("receipt = %+v, head = %+v", receipt, resp.First)
	}
}

// logs is what was logged.
type logs struct {
	mu   sync.Mutex
	text []byte
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	return len(p), nil
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

var _ http.Handler = (*wire.Handler)(nil)
