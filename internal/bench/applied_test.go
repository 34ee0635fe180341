package bench_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"firsthand"
	"firsthand/wire"
)

// BenchmarkApplied is how one change travels, from her signature to the company's
// signed word that it is in its system: call, intake, outbox, CRM, read back, a
// signed entry, and a long poll that brings it. The CRM is connector/memory, which
// syncs each change by itself.
func BenchmarkApplied(b *testing.B) {
	for _, callers := range []int{1, 8} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			t := &traffic{server: setup{Store: "file", Deliver: true}.start(b), client: newClient()}
			defer t.client.Close()
			customers := make([]*customer, callers)
			for i := range customers {
				customers[i] = meet(b, t)
			}
			var took []time.Duration
			used := t.server.measure(b, func() {
				took = together(b, callers, b.N, func(n int) error { return customers[n].change(b.Context()) })
			})
			report(b, took, 1, used)
		})
	}
}

// A customer writes as she goes, and takes what comes back.
type customer struct {
	*traffic
	key   *firsthand.Signer
	state *firsthand.State
	told  firsthand.ID // her disclosure
	n     int
}

func meet(tb testing.TB, t *traffic) *customer {
	tb.Helper()
	key, err := firsthand.NewSigner(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	c := &customer{traffic: t, key: key, state: firsthand.NewState()}
	label := firsthand.Label{1}
	if _, err := c.say(tb.Context(), &firsthand.Open{Role: "customer", Key: key.Public(), Label: label, Domain: domain,
		Next: firsthand.NextKey("kit", label).Public().Hash(), CompanyKey: companyKeys().Chain[0].Key}); err != nil {
		tb.Fatal(err)
	}
	return c
}

// say writes an entry and sends it.
func (c *customer) say(ctx context.Context, what firsthand.Content) (firsthand.ID, error) {
	salt, err := firsthand.NewSalt(rand.Reader)
	if err != nil {
		return firsthand.ID{}, err
	}
	e, err := c.state.Write(c.key, firsthand.First, time.Now(), salt, what)
	if err != nil {
		return e.ID, err
	}
	if err := c.state.Take(e); err != nil {
		return e.ID, err
	}
	return e.ID, c.sync(ctx, 0, e)
}

// sync calls, and takes what comes back.
func (c *customer) sync(ctx context.Context, wait time.Duration, entries ...firsthand.Entry) error {
	call := c.client.Sync
	if len(entries) > 0 && entries[0].Seq == 1 {
		call = c.client.Open
	}
	resp, err := call(ctx, c.server.base, c.key, wire.Request{Rel: c.state.Rel, First: c.state.Log(firsthand.First).Head,
		Second: c.state.Log(firsthand.Second).Head, Wait: wait, Entries: entries})
	if err != nil {
		return err
	}
	for _, e := range resp.Entries {
		if err := c.state.Check(e); err != nil {
			return err
		}
		if err := c.state.Take(e); err != nil {
			return err
		}
	}
	return nil
}

// change tells another address, and waits until it is applied.
func (c *customer) change(ctx context.Context) error {
	c.n++
	basis := firsthand.Basis{Exception: "a trial"}
	value := firsthand.Value{Parts: map[string]string{"street": fmt.Sprint("Korenmarkt ", c.n), "city": "Gent"}}
	var what firsthand.Content = &firsthand.Change{Fact: "address.home", Value: value, Basis: basis, Of: c.told}
	if c.told.IsZero() {
		what = &firsthand.Disclose{Fact: "address.home", Value: value, Purpose: "ServiceDelivery", Basis: basis}
	}
	id, err := c.say(ctx, what)
	if err != nil {
		return err
	}
	if c.told.IsZero() {
		c.told = id
	}
	for tries := 0; c.state.Outcomes[id] == nil; tries++ {
		if tries == 5 {
			return fmt.Errorf("change %d has no outcome", c.n)
		}
		if err := c.sync(ctx, 10*time.Second); err != nil {
			return err
		}
	}
	if o := c.state.Outcomes[id]; !o.Applied {
		return fmt.Errorf("change %d was refused: %s", c.n, o.Reason)
	}
	return nil
}
