package gateway_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/gatewaytest"
	"firsthand/wire"
)

// A house is several gateways of one company on one store and one system.
type house struct {
	*world
	memory    *gatewaytest.Memory
	processes []*gatewaytest.Process
	gateways  []*gateway.Gateway
}

func newHouse(t testing.TB, n int, change func(*gateway.Options)) *house {
	m := gatewaytest.NewMemory()
	h := &house{memory: m, processes: make([]*gatewaytest.Process, n), gateways: make([]*gateway.Gateway, n)}
	h.world = start(t, m, nil)
	h.change = change
	h.keys.Load = func() (*gateway.Keys, error) { return h.keys, nil }
	for i := range n {
		h.begin(i)
	}
	return h
}

// begin starts process i, or starts it anew after a crash.
func (h *house) begin(i int) {
	h.t.Helper()
	if old := h.processes[i]; old != nil {
		old.Gone()
	}
	h.processes[i] = h.memory.Process()
	h.store = h.processes[i]
	h.restart()
	h.gateways[i] = h.Gateway
	h.store = h.memory
}

// The same story comes to the same end where each step is another gateway's, and
// wherever one of them ends.
func TestCrashAnywhereOfTwo(t *testing.T) {
	t.Run("one system", func(t *testing.T) { crashAnywhereOfTwo(t, func(w *world) *world { return w }) })
	t.Run("two systems", func(t *testing.T) { crashAnywhereOfTwo(t, two) })
}

func crashAnywhereOfTwo(t *testing.T, systems func(*world) *world) {
	var want string
	for at := 0; ; at++ {
		crash := &crasher{at: at}
		h := newHouse(t, 2, nil)
		systems(h.world)
		h.memory.Before = func(gateway.Commit) error { return crash.here() }
		h.memory.After = h.memory.Before
		h.change = func(o *gateway.Options) { h.crashing(o, crash) }
		h.begin(0)
		h.begin(1)
		from(h.world)
		c := gatewaytest.NewCustomer(t, "mia", gatewaytest.Company{})
		for i, step := range story(h.world, c) {
			for n := 0; ; n++ {
				turn := (i + n) % 2
				if h.Gateway = h.gateways[turn]; step() {
					break
				}
				if n == 9 {
					t.Fatalf("crash at %d: step %d does not succeed", at, i)
				}
				if crash.dead {
					crash.dead, crash.at = false, 0
					h.begin(turn)
				}
				h.now = h.now.Add(20 * time.Second) // pauses pass, also of what the other was at
			}
		}
		for range 2 {
			for _, h.Gateway = range h.gateways {
				h.pass(time.Hour)
			}
		}
		c.Sync(t, h)
		got := ending(h.world, c)
		h.wantSound(c)
		if at == 0 {
			want = got
			continue
		}
		if got != want {
			t.Errorf("crash at %d: ended with\n%s\nwant\n%s", at, got, want)
		}
		if crash.n < at {
			t.Logf("%d places to crash at", at-1)
			return
		}
	}
}

// A guard is a system that notices when it is called for one relationship by two at
// once, or with one request twice.
type guard struct {
	*crm
	mu     sync.Mutex
	inside map[firsthand.ID]int
	times  map[firsthand.ID]int
	order  map[firsthand.ID][]firsthand.ID // requests, by relationship
	twice  int
}

func newGuard(c *crm) *guard {
	return &guard{crm: c, inside: map[firsthand.ID]int{}, times: map[firsthand.ID]int{}, order: map[firsthand.ID][]firsthand.ID{}}
}

func (g *guard) Deliver(ctx context.Context, r connector.Request) (connector.Result, error) {
	g.mu.Lock()
	g.inside[r.Relationship]++
	if g.inside[r.Relationship] > 1 {
		g.twice++
	}
	if g.times[r.ID]++; g.times[r.ID] == 1 {
		g.order[r.Relationship] = append(g.order[r.Relationship], r.ID)
	}
	g.mu.Unlock()
	time.Sleep(time.Millisecond) // the system's own time, in which another might come
	res, err := g.crm.Deliver(ctx, r)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside[r.Relationship]--
	return res, err
}

// Customers whose calls go to one gateway and then to the other, while both carry the
// outbox: each entry is taken once, brought to the system once and in order, and
// answered once.
func TestTwoGateways(t *testing.T) {
	var g *guard
	h := newHouse(t, 2, nil)
	g = newGuard(h.crm)
	h.change = func(o *gateway.Options) { o.Connector, o.Now, o.Log = g, time.Now, nil }
	h.begin(0)
	h.begin(1)
	ctx, stop := contextWithStop(t)
	var running sync.WaitGroup
	for _, each := range h.gateways {
		running.Go(func() { each.Run(ctx) })
	}
	const customers, messages = 4, 12
	all := make([]*gatewaytest.Customer, customers)
	var callers sync.WaitGroup
	for i := range all {
		c := gatewaytest.NewCustomer(t, fmt.Sprint("customer ", i), gatewaytest.Company{})
		c.Now = time.Now()
		all[i] = c
		first := c.Request()
		callers.Go(func() {
			for n := range messages {
				c.Call(t, h.gateways[n%2])
				c.Say(t, fmt.Sprint("message ", n))
			}
		})
		// The same calls come at the other gateway as well, as of an agent that gave up
		// waiting.
		callers.Go(func() {
			for n := range messages {
				h.gateways[(n+1)%2].Open(context.WithoutCancel(ctx), first)
			}
		})
	}
	callers.Wait()
	deadline := time.Now().Add(20 * time.Second)
	for _, c := range all {
		for n := 0; len(c.State.Outcomes) < messages && time.Now().Before(deadline); n++ {
			r := c.Request()
			r.Wait = time.Second
			resp, err := h.gateways[n%2].Sync(context.WithoutCancel(ctx), r)
			if err != nil {
				t.Fatal(err)
			}
			c.Take(t, resp)
		}
	}
	stop()
	running.Wait()
	for _, c := range all {
		if len(c.State.Outcomes) != messages {
			t.Errorf("%s: %d outcomes, want %d", c.Name, len(c.State.Outcomes), messages)
		}
		h.wantSound(c)
		var want []firsthand.ID
		for _, e := range c.First[1:] {
			want = append(want, e.ID)
		}
		if !slices.Equal(g.order[c.Rel()], want) {
			t.Errorf("%s: brought in another order", c.Name)
		}
	}
	if most := slices.Max(slices.Collect(maps.Values(g.times))); most != 1 || g.twice != 0 {
		t.Errorf("an entry was brought %d times, and %d times while another was", most, g.twice)
	}
}

// An agent that waits at one gateway hears of what comes to the other.
func TestNewsOfTwo(t *testing.T) {
	h := newHouse(t, 2, func(o *gateway.Options) { o.Log = nil })
	c := h.meet("mia")
	ctx, stop := contextWithStop(t)
	var running sync.WaitGroup
	running.Go(func() { h.gateways[0].Run(ctx) })
	r := c.Request()
	r.Wait = wire.MaxWait
	answer := make(chan wire.Response)
	go func() {
		resp, err := h.gateways[0].Sync(ctx, r)
		if err != nil {
			t.Error(err)
		}
		answer <- resp
	}()
	for !h.gateways[0].Waits(c.Rel()) {
		time.Sleep(time.Millisecond) // until it waits
	}
	if err := h.gateways[1].Say(ctx, "ann", c.Rel(), &firsthand.Message{Text: "hello"}); err != nil {
		t.Fatal(err)
	}
	if resp := <-answer; len(resp.Entries) != 1 {
		t.Errorf("the call that waited brings %d entries", len(resp.Entries))
	}
	stop()
	running.Wait()
}

// A gateway that has a state in memory answers by what another has committed since:
// heads, the key in force, and to what comes again.
func TestStaleStateOfTwo(t *testing.T) {
	h := newHouse(t, 2, nil)
	a, b := h.gateways[0], h.gateways[1]
	c := gatewaytest.NewCustomer(t, "mia", gatewaytest.Company{})
	c.Sync(t, a)
	c.Sync(t, b)
	c.Say(t, "one")
	old := c.Request()
	c.Sync(t, a)
	c.Sync(t, b)
	if err := a.Say(h.ctx(), "ann", c.Rel(), &firsthand.Message{Text: "two"}); err != nil {
		t.Fatal(err)
	}
	r := c.Request() // brings nothing
	resp, err := b.Sync(h.ctx(), r)
	if err != nil || len(resp.Entries) != 1 {
		t.Errorf("%d entries, %v, want what the other has said", len(resp.Entries), err)
	}
	c.Sync(t, a)
	r = c.Request()
	resp, err = b.Sync(h.ctx(), r)
	if err != nil || resp.First != r.First || resp.Second != r.Second {
		t.Errorf("heads = %v, %v, %v, want %v, %v", resp.First, resp.Second, err, r.First, r.Second)
	}
	if row, err := h.processes[0].Relationship(h.ctx(), c.Rel()); err != nil || row.Restored {
		t.Errorf("%+v, %v", row, err)
	}
	if resp, err := b.Sync(h.ctx(), old); err != nil || resp.First != r.First {
		t.Errorf("an old call: %v, %v", resp.First, err)
	}
	next := gatewaytest.KeyOf("mia next")
	c.Key = next
	c.Write(t, &firsthand.Rotate{Key: next.Public(), Next: gatewaytest.KeyOf("mia after").Public().Hash(), Label: firsthand.Label{2}})
	c.Sync(t, a)
	if key, _, err := b.Keys(h.ctx(), c.Rel()); err != nil || key != next.Public() {
		t.Errorf("the key that was given up is in force: %v", err)
	}
}

// Where one gateway rotates the company's key, the others follow when their files do,
// and do no harm until then.
func TestRotateOfTwo(t *testing.T) {
	h := newHouse(t, 2, nil)
	a := h.gateways[0]
	before := h.meet("before")
	old := *h.keys
	files := &old // of b
	h.keys.Load = func() (*gateway.Keys, error) { return files, nil }
	old.Load = h.keys.Load
	h.begin(1)
	b := h.gateways[1]
	if err := a.Rotate(h.ctx(), gatewaytest.KeyOf("company 2"), gatewaytest.KeyOf("company 3").Public().Hash()); err != nil {
		t.Fatal(err)
	}
	h.Gateway = a
	h.idle()
	before.Say(t, "hello")
	if _, err := before.Try(t, b); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a gateway without the key: %v", err)
	}
	during := gatewaytest.NewCustomer(t, "during", gatewaytest.Company{})
	during.Call(t, b) // with the key before
	for range 100 {
		if worked, _, _ := b.Step(h.ctx()); !worked {
			break
		}
	}
	row, err := h.processes[0].Relationship(h.ctx(), before.Rel())
	if err != nil || row.Frozen != "" || row.Keys != 2 {
		t.Errorf("after a gateway without the key: %+v, %v", row, err)
	}
	if err := b.Rotate(h.ctx(), gatewaytest.KeyOf("company 2"), gatewaytest.KeyOf("company 4").Public().Hash()); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("rotated by a gateway without the key: %v", err)
	}
	files = h.keys
	h.pass(time.Minute) // a finds what b has opened
	h.Gateway = b
	h.pass(time.Minute)
	for _, c := range []*gatewaytest.Customer{before, during} {
		c.Sync(t, b)
		c.Sync(t, a)
		if key := c.State.Log(firsthand.Second).Key(); key != gatewaytest.KeyOf("company 2").Public() {
			t.Errorf("%s: the company's key was not replaced", c.Name)
		}
		h.wantSound(c)
	}
}

// One gateway listens to the company's system, and when it is gone another does.
func TestListenOfTwo(t *testing.T) {
	h := newHouse(t, 2, nil)
	c := h.meet("mia")
	from(h.world)
	for round := range 3 {
		h.crm.happens(connector.Change{Relationship: c.Rel(), Text: fmt.Sprint("news ", round), At: h.now})
		if round == 2 {
			h.processes[0].Gone()
			h.gateways[0] = h.gateways[1]
		}
		h.now = h.now.Add(time.Minute)
		before := h.crm.calls["changes"]
		for _, h.Gateway = range h.gateways {
			h.idle()
		}
		if asked := h.crm.calls["changes"] - before; asked != 1 {
			t.Errorf("round %d: the system was asked %d times", round, asked)
		}
	}
	c.Sync(t, h)
	if n := len(c.State.Messages); n != 3 {
		t.Errorf("%d messages, want 3", n)
	}
}
