package pgstore_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/connector/memory"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/gatewaytest"
	"firsthand/internal/gateway/pgstore"
	"firsthand/wire"
)

// A system is a small CRM that both gateways call. It counts what is brought to it, and
// can be stopped in the middle of a call.
type system struct {
	*memory.CRM
	mu     sync.Mutex
	inside map[firsthand.ID]int
	times  map[firsthand.ID]int
	order  map[firsthand.ID][]firsthand.ID
	twice  int

	entered chan struct{} // if it isn't nil: told that a call has come
	leave   chan struct{} // and what it waits for, when it has been written
}

func newSystem(t testing.TB) *system { return newSystemOf(t, "CRM") }

func newSystemOf(t testing.TB, name string) *system {
	t.Helper()
	crm, err := memory.Open(memory.Config{File: filepath.Join(t.TempDir(), "crm"), Name: name})
	if err != nil {
		t.Fatal(err)
	}
	return &system{CRM: crm, inside: map[firsthand.ID]int{}, times: map[firsthand.ID]int{}, order: map[firsthand.ID][]firsthand.ID{}}
}

func (s *system) Deliver(ctx context.Context, r connector.Request) (connector.Result, error) {
	s.mu.Lock()
	if s.inside[r.Relationship]++; s.inside[r.Relationship] > 1 {
		s.twice++
	}
	if s.times[r.ID]++; s.times[r.ID] == 1 {
		s.order[r.Relationship] = append(s.order[r.Relationship], r.ID)
	}
	entered, leave := s.entered, s.leave
	s.entered, s.leave = nil, nil
	s.mu.Unlock()
	res, err := s.CRM.Deliver(ctx, r)
	if entered != nil {
		close(entered)
		<-leave
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inside[r.Relationship]--
	return res, err
}

// gatewayOn returns a gateway, as one process has it.
func gatewayOn(t testing.TB, s *pgstore.Store, c connector.Connector) *gateway.Gateway {
	t.Helper()
	return gatewayOnBoth(t, s, c, nil)
}

// gatewayOnBoth returns one that talks to its customers in another system.
func gatewayOnBoth(t testing.TB, s *pgstore.Store, c, tickets connector.Connector) *gateway.Gateway {
	t.Helper()
	key := gatewaytest.KeyOf("company")
	g, err := gateway.New(gateway.Options{
		Company: firsthand.Company{Domain: "acme.example", Name: "Acme BV", Jurisdiction: "BE", Gateway: "https://gw.acme.example"},
		Keys: &gateway.Keys{Signers: []*firsthand.Signer{key},
			Chain: []firsthand.ChainKey{{Key: key.Public(), Next: gatewaytest.KeyOf("company next").Public().Hash()}}},
		Store: s, Connector: c, Tickets: tickets,
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// running runs a gateway until stop is called.
func running(g *gateway.Gateway) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		g.Run(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

func customer(t testing.TB, name string) *gatewaytest.Customer {
	c := gatewaytest.NewCustomer(t, name, gatewaytest.Company{})
	c.Now = time.Now()
	return c
}

// await calls until the customer has so many outcomes, waiting for news at each
// gateway in turn.
func await(t testing.TB, c *gatewaytest.Customer, n int, gateways ...*gateway.Gateway) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for i := 0; len(c.State.Outcomes) < n; i++ {
		if time.Now().After(deadline) {
			t.Fatalf("%s has %d outcomes, want %d", c.Name, len(c.State.Outcomes), n)
		}
		r := c.Request()
		r.Wait = time.Second
		resp, err := gateways[i%len(gateways)].Sync(context.WithoutCancel(t.Context()), r)
		if err != nil {
			t.Fatal(err)
		}
		c.Take(t, resp)
	}
}

// wantSound checks that the logs in the database are hers.
func wantSound(t testing.TB, s *pgstore.Store, c *gatewaytest.Customer) {
	t.Helper()
	state, err := firsthand.Load(t.Context(), s, c.Rel())
	if err != nil {
		t.Fatal(err)
	}
	for _, side := range []firsthand.Side{firsthand.First, firsthand.Second} {
		if state.Log(side).Head != c.State.Log(side).Head {
			t.Errorf("%s: the database has %d of %s, she %d", c.Name, state.Log(side).Head.Seq, side, c.State.Log(side).Head.Seq)
		}
	}
}

// Customers call one gateway and then the other, and repeat what they have said at the
// other at the same time; both carry the outbox. Each entry is taken once, and brought to its
// system in order.
func TestTwoGateways(t *testing.T) {
	a, b := two(t)
	crm, help := newSystem(t), newSystemOf(t, "Helpdesk")
	gateways := []*gateway.Gateway{gatewayOnBoth(t, a, crm, help), gatewayOnBoth(t, b, crm, help)}
	for _, g := range gateways {
		defer running(g)()
	}
	const customers, messages, facts = 4, 6, 6
	all := make([]*gatewaytest.Customer, customers)
	var calls sync.WaitGroup
	for i := range all {
		c := customer(t, fmt.Sprint("customer ", i))
		all[i] = c
		calls.Go(func() {
			for n := range messages + facts {
				r := c.Request()
				var again sync.WaitGroup
				again.Go(func() { gateways[(n+1)%2].Open(context.Background(), r) })
				c.Call(t, gateways[n%2])
				again.Wait()
				if n%2 == 0 {
					c.Say(t, fmt.Sprint("message ", n))
				} else {
					c.Write(t, &firsthand.Disclose{Fact: fmt.Sprint("fact", n), Value: firsthand.Text("x"), Purpose: "service", Basis: firsthand.Basis{Exception: "once"}})
				}
			}
		})
	}
	calls.Wait()
	for _, c := range all {
		await(t, c, messages+facts, gateways...)
		wantSound(t, a, c)
		for kind, s := range map[firsthand.Kind]*system{"disclose": crm, "message": help} {
			var want []firsthand.ID
			for _, e := range c.First[1:] {
				if e.Kind() == kind {
					want = append(want, e.ID)
				}
			}
			if !slices.Equal(s.order[c.Rel()], want) {
				t.Errorf("%s: brought to %v in another order", c.Name, s)
			}
			for _, id := range want {
				if s.times[id] != 1 {
					t.Errorf("%s: an entry was brought %d times", c.Name, s.times[id])
				}
			}
		}
	}
	if crm.twice > 0 || help.twice > 0 {
		t.Errorf("a system was called %d times for a relationship while it was", crm.twice+help.twice)
	}
}

// A process ends in the middle of a call of the system, which has written. Another
// takes over when it is believed to be gone, and not before; there is one record.
func TestTakeOver(t *testing.T) {
	a, b := two(t)
	crm := newSystem(t)
	first, second := gatewayOn(t, a, crm), gatewayOn(t, b, crm)
	c := customer(t, "mia")
	c.Sync(t, first)
	entered, leave := make(chan struct{}), make(chan struct{})
	crm.entered, crm.leave = entered, leave
	c.Say(t, "where is my parcel?")
	c.Say(t, "and the second one?")
	c.Sync(t, first)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			if worked, _, err := first.Step(context.Background()); err != nil || !worked {
				return // the store is gone
			}
		}
	}()
	<-entered
	pgstore.Kill(a)
	step := func() {
		t.Helper()
		for range 100 {
			worked, _, err := second.Step(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if !worked {
				return
			}
		}
	}
	step()
	if n := len(crm.times); n != 1 {
		t.Errorf("%d entries were brought while the first process may be at it", n)
	}
	pgstore.Expire(t, b, a)
	stop := running(second)
	await(t, c, 2, second)
	stop()
	close(leave)
	<-ended
	if n := len(crm.Tickets()); n != 2 {
		t.Errorf("%d tickets, want 2", n)
	}
	wantSound(t, b, c)
	if _, err := json.Marshal(c.Receipts); err != nil {
		t.Error(err)
	}
}

// An agent that waits at one gateway is woken by what comes to the other.
func TestLongPoll(t *testing.T) {
	a, b := two(t)
	crm := newSystem(t)
	first, second := gatewayOn(t, a, crm), gatewayOn(t, b, crm)
	defer running(first)()
	c := customer(t, "mia")
	c.Sync(t, second)
	r := c.Request()
	r.Wait = wire.MaxWait
	type answer struct {
		resp wire.Response
		err  error
	}
	answered := make(chan answer)
	go func() {
		resp, err := first.Sync(context.Background(), r)
		answered <- answer{resp, err}
	}()
	began := time.Now()
	for n := 0; ; n++ { // again, since it may not have waited yet
		if err := second.Say(t.Context(), "ann", c.Rel(), &firsthand.Message{Text: fmt.Sprint("hello ", n)}); err != nil {
			t.Fatal(err)
		}
		select {
		case got := <-answered:
			if got.err != nil || len(got.resp.Entries) == 0 {
				t.Errorf("the call that waited brings %d entries, %v", len(got.resp.Entries), got.err)
			}
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("it waited %v", took)
			}
			return
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// The database is killed under load, and started again: nothing that had a receipt is
// lost, and all goes on.
func TestDatabaseKilled(t *testing.T) {
	p := postgres(t)
	a, b := two(t)
	crm := newSystem(t)
	gateways := []*gateway.Gateway{gatewayOn(t, a, crm), gatewayOn(t, b, crm)}
	for _, g := range gateways {
		defer running(g)()
	}
	c := customer(t, "mia")
	c.Sync(t, gateways[0])
	const messages = 30
	for n := range messages {
		if n == messages/2 {
			p.Kill()
			if _, err := c.Try(t, gateways[0]); err == nil {
				t.Error("a call succeeds without a database")
			}
			if err := p.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		c.Say(t, fmt.Sprint("message ", n))
		for tries := 0; ; tries++ {
			if _, err := c.Try(t, gateways[n%2]); err == nil {
				break
			} else if tries == 100 {
				t.Fatal(err)
			}
			time.Sleep(50 * time.Millisecond) // until the connections are there again
		}
	}
	await(t, c, messages, gateways...)
	wantSound(t, a, c)
	if n := len(crm.Tickets()); n != messages {
		t.Errorf("%d tickets, want %d", n, messages)
	}
}
