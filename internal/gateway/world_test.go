package gateway_test

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/gatewaytest"
	"firsthand/internal/gateway/store"
	"firsthand/terms"
)

// A world is one company's gateway with its system, driven step by step.
type world struct {
	t      testing.TB
	store  gateway.Store
	crm    *crm
	help   *crm // where the company talks to its customers; nil: in crm
	keys   *gateway.Keys
	now    time.Time
	rand   *rand.ChaCha8
	change func(*gateway.Options)

	*gateway.Gateway
}

func ours(t testing.TB) firsthand.TermsRef {
	a, ok := terms.Default().Lookup("FIRSTHAND-SD-BASE")
	if !ok {
		t.Fatal("the roster lacks our own agreement")
	}
	return a.Ref()
}

// start returns a world on s. change may change the gateway's options.
func start(t testing.TB, s gateway.Store, change func(*gateway.Options)) *world {
	key := gatewaytest.KeyOf("company")
	w := &world{t: t, store: s, crm: newCRM(), change: change, rand: rand.NewChaCha8(gatewaytest.Seed("rand")),
		now: time.Date(2026, 11, 21, 21, 47, 0, 0, time.UTC),
		keys: &gateway.Keys{Signers: []*firsthand.Signer{key},
			Chain: []firsthand.ChainKey{{Key: key.Public(), Next: gatewaytest.KeyOf("company 2").Public().Hash()}}}}
	w.keys.Save = func(k *gateway.Keys) error { w.keys = k; return nil }
	w.restart()
	return w
}

// two gives w a helpdesk beside its CRM.
func two(w *world) *world {
	w.crm.name = "CRM"
	w.help = newCRM()
	w.help.name = "Helpdesk"
	w.restart()
	return w
}

// talks returns the system in which the company talks to its customers.
func (w *world) talks() *crm {
	if w.help != nil {
		return w.help
	}
	return w.crm
}

// restart is a crash, and a new process on what is left.
func (w *world) restart() {
	w.t.Helper()
	o := gateway.Options{
		Company: firsthand.Company{Domain: "acme.example", Name: "Acme BV", Jurisdiction: "BE", Gateway: "https://gw.acme.example",
			Terms: []firsthand.TermsRef{ours(w.t)}},
		Keys: w.keys, Store: w.store, Connector: w.crm, Now: func() time.Time { return w.now }, Rand: w.rand,
		Log: slog.New(slog.NewTextHandler(w.t.Output(), nil)),
	}
	if w.help != nil {
		o.Tickets = w.help
	}
	if w.change != nil {
		w.change(&o)
	}
	g, err := gateway.New(o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.Gateway = g
}

// memory returns a world in memory.
func memory(t testing.TB) *world { return start(t, gatewaytest.NewMemory(), nil) }

// onDisk returns a world on the real store.
func onDisk(t testing.TB, change func(*gateway.Options)) *world {
	s, err := store.Create(t.Context(), store.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return start(t, s, change)
}

// both runs a test on the store in memory and on the real one.
func both(t *testing.T, run func(t *testing.T, w *world)) {
	t.Run("memory", func(t *testing.T) { run(t, memory(t)) })
	t.Run("sqlite", func(t *testing.T) { run(t, onDisk(t, nil)) })
}

// idle does all the background work there is now.
func (w *world) idle() {
	w.t.Helper()
	for range 10_000 {
		worked, next, err := w.Step(w.ctx())
		if err != nil {
			w.t.Fatalf("step: %v", err)
		}
		if !worked {
			if !next.IsZero() && !next.After(w.now) {
				w.t.Fatalf("nothing done, but next is %v, and now %v", next, w.now)
			}
			return
		}
	}
	w.t.Fatal("no end of work")
}

func (w *world) ctx() context.Context { return context.WithoutCancel(w.t.Context()) }

// pass lets time pass, and does what falls due.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	w.now = w.now.Add(d)
	w.idle()
}

// meet returns a customer who has opened.
func (w *world) meet(name string) *gatewaytest.Customer {
	w.t.Helper()
	c := gatewaytest.NewCustomer(w.t, name, gatewaytest.Company{Key: w.keys.Chain[len(w.keys.Chain)-1].Key})
	w.exchange(c)
	return c
}

// exchange lets the gateway and a customer do all they have to do.
func (w *world) exchange(c *gatewaytest.Customer) {
	w.t.Helper()
	for range 20 {
		before := w.heads(c)
		c.Now = w.now
		c.Sync(w.t, w)
		w.idle()
		c.Sync(w.t, w)
		if w.heads(c) == before {
			return
		}
	}
	w.t.Fatal("no end of exchange")
}

func (w *world) heads(c *gatewaytest.Customer) [2]int64 {
	return [2]int64{c.State.Log(firsthand.First).Head.Seq, c.State.Log(firsthand.Second).Head.Seq}
}

// agree makes the company's agreement with c, and returns the basis.
func (w *world) agree(c *gatewaytest.Customer) firsthand.Basis {
	w.t.Helper()
	c.Write(w.t, &firsthand.TermsOffer{Terms: []firsthand.TermsRef{ours(w.t)}})
	w.exchange(c)
	if len(c.State.Agreements) == 0 {
		w.t.Fatal("no agreement")
	}
	return firsthand.Basis{Agreement: c.State.Agreements[len(c.State.Agreements)-1].Entry}
}

const service = "dpv:RequestedServiceProvision"

// tell discloses a fact.
func tell(t testing.TB, c *gatewaytest.Customer, fact, value string, b firsthand.Basis) firsthand.ID {
	t.Helper()
	return c.Write(t, &firsthand.Disclose{Fact: fact, Value: firsthand.Text(value), Purpose: service, Basis: b})
}

// claim makes a claim and returns it; the challenge is in c.State then.
func (w *world) claim(c *gatewaytest.Customer, record string) firsthand.ID {
	w.t.Helper()
	id := c.Write(w.t, &firsthand.Claim{Record: record})
	w.exchange(c)
	return id
}

// bind proves that c is the customer with that record.
func (w *world) bind(c *gatewaytest.Customer, record string) {
	w.t.Helper()
	w.claim(c, record)
	w.prove(c, w.crm.lastCode())
	if c.State.Binding == nil {
		w.t.Fatal("not bound")
	}
}

// prove answers the last challenge.
func (w *world) prove(c *gatewaytest.Customer, code string) {
	w.t.Helper()
	claims := c.State.Claims
	ch := claims[len(claims)-1].Challenge
	if ch == nil {
		w.t.Fatal("no challenge")
	}
	c.Write(w.t, &firsthand.Proof{Challenge: ch.Entry, Code: code})
	w.exchange(c)
}

// wantApplied checks that an entry was applied to a record, with its value.
func (w *world) wantApplied(c *gatewaytest.Customer, entry firsthand.ID, record string) {
	w.t.Helper()
	o := c.State.Outcomes[entry]
	if o == nil || !o.Applied || o.System != "CRM" || o.Record != record {
		w.t.Errorf("outcome = %+v, want applied to %s", o, record)
	}
}

// wantRefused checks that an entry was refused.
func (w *world) wantRefused(c *gatewaytest.Customer, entry firsthand.ID) {
	w.t.Helper()
	if o := c.State.Outcomes[entry]; o == nil || o.Applied {
		w.t.Errorf("outcome = %+v, want refused", o)
	}
}

// wantSound checks what must hold of every relationship at any time: the store's
// logs are valid, both sides fold to the same state, and nothing is flagged that
// the company wrote.
func (w *world) wantSound(c *gatewaytest.Customer) {
	w.t.Helper()
	var logs [2][]firsthand.Entry
	for i, side := range []firsthand.Side{firsthand.First, firsthand.Second} {
		var err error
		if logs[i], err = firsthand.Collect(w.store.Entries(w.ctx(), c.Rel(), side, 0)); err != nil {
			w.t.Fatal(err)
		}
	}
	s, err := firsthand.Verify(logs[0], logs[1])
	if err != nil {
		w.t.Fatalf("the gateway's logs: %v", err)
	}
	for _, side := range []firsthand.Side{firsthand.First, firsthand.Second} {
		if s.Log(side).Head != c.State.Log(side).Head {
			w.t.Errorf("%s: gateway has %d, customer %d", side, s.Log(side).Head.Seq, c.State.Log(side).Head.Seq)
		}
	}
	for _, f := range s.Flags {
		if f.Pos.Side == firsthand.Second {
			w.t.Errorf("the company's entry %d is flagged: %s", f.Pos.Seq, f.Rule)
		}
	}
}

// due returns what waits for somebody, as status and reason.
func (w *world) due() []gateway.Duty {
	w.t.Helper()
	due, err := w.Due(w.ctx())
	if err != nil {
		w.t.Fatal(err)
	}
	return due
}

func contextWithStop(t testing.TB) (context.Context, context.CancelFunc) {
	return context.WithCancel(context.WithoutCancel(t.Context()))
}

// wantHeld returns the one delivery that waits with that status.
func (w *world) wantHeld(status gateway.Status) gateway.Duty {
	w.t.Helper()
	due := w.due()
	i := slices.IndexFunc(due, func(d gateway.Duty) bool { return d.Status == status })
	if i < 0 {
		w.t.Fatalf("nothing is %s: %+v", status, due)
	}
	return due[i]
}

// wantRule checks the kind and rule of an error.
func wantRule(t testing.TB, err error, kind fault.Kind, rule string) {
	t.Helper()
	if err == nil || fault.KindOf(err) != kind || fault.RuleOf(err) != rule {
		t.Errorf("error = %v, want %v, rule %s", err, kind, rule)
	}
}

var errDown = connectorDown{}

// connectorDown is a system that can't be reached.
type connectorDown struct{}

func (connectorDown) Error() string { return "connection refused" }
func (connectorDown) Unwrap() error { return fault.Unavailable }

var _ connector.Redactor = (*crm)(nil)
var _ connector.Binder = (*crm)(nil)
