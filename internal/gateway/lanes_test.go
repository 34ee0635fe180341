package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/gatewaytest"
)

// A lanes is a world of two systems, of which one is in trouble.
type lanes struct {
	*world
	sick, well *crm
	of         gateway.Lane // of sick
	customers  []*gatewaytest.Customer
	basis      []firsthand.Basis
	facts      int
}

// troubles are what systems are broken by, as connectors tell it.
var troubles = map[string]func(w *lanes) error{
	"down":    func(*lanes) error { return errDown },
	"errors":  func(*lanes) error { return fmt.Errorf("POST /items: status 500: %w", fault.Unavailable) },
	"garbage": func(*lanes) error { return fmt.Errorf("the answer is no JSON: %w", fault.Unavailable) },
	"slow": func(w *lanes) error {
		w.now = w.now.Add(30 * time.Second)
		return fmt.Errorf("%w: %w", fault.Unavailable, context.DeadlineExceeded)
	},
}

func newLanes(w *world, of gateway.Lane, customers int) *lanes {
	l := &lanes{world: two(w), sick: w.crm, well: w.help, of: of}
	if of == gateway.Tickets {
		l.sick, l.well = l.well, l.sick
	}
	for i := range customers {
		c := l.meet(fmt.Sprint("customer ", i))
		l.customers, l.basis = append(l.customers, c), append(l.basis, l.agree(c))
	}
	return l
}

// say has a customer say something that goes to a lane.
func (l *lanes) say(i int, to gateway.Lane) firsthand.ID {
	if l.facts++; to == gateway.Tickets {
		return l.customers[i].Say(l.t, fmt.Sprint("message ", l.facts))
	}
	return tell(l.t, l.customers[i], fmt.Sprint("fact", l.facts), "x", l.basis[i])
}

func (l *lanes) other() gateway.Lane {
	if l.of == gateway.Tickets {
		return gateway.Records
	}
	return gateway.Tickets
}

// wantInOrder checks that all of these of a customer's were brought to a system, once
// each and in this order.
func (l *lanes) wantInOrder(to *crm, c *gatewaytest.Customer, want []firsthand.ID) {
	l.t.Helper()
	var got []firsthand.ID
	for _, r := range to.requests {
		if r.Relationship == c.Rel() {
			got = append(got, r.ID)
		}
	}
	if !slices.Equal(got, want) {
		l.t.Errorf("%s: %s got %d, want %d, or in another order", c.Name, to.name, len(got), len(want))
	}
}

// A system that is down for an hour, or answers 500, or garbage, or not in time: what goes
// to the other is brought at the first attempt and at once; what goes to it waits, and the
// desk is told why; and when it is back, all is brought once and in order.
func TestLaneInTrouble(t *testing.T) {
	for how, trouble := range troubles {
		for _, of := range []gateway.Lane{gateway.Records, gateway.Tickets} {
			run := func(t *testing.T, w *world) { inTrouble(t, newLanes(w, of, 8), trouble) }
			t.Run(how+" "+of.Member(), func(t *testing.T) {
				if how == "down" {
					both(t, run)
				} else {
					run(t, memory(t))
				}
			})
		}
	}
}

func inTrouble(t *testing.T, l *lanes, trouble func(*lanes) error) {
	var last error
	l.sick.fail = func(string) error { last = trouble(l); return last }
	waits, goes := make([][]firsthand.ID, len(l.customers)), make([][]firsthand.ID, len(l.customers))
	for i, c := range l.customers {
		for range 3 {
			waits[i] = append(waits[i], l.say(i, l.of))
			goes[i] = append(goes[i], l.say(i, l.other()))
		}
		c.Now = l.now
		c.Sync(t, l) // before any work: her call waits for no system
	}
	l.idle()
	if n, want := l.well.calls["deliver"], 3*len(l.customers); n != want {
		t.Errorf("the system that is well was called %d times, want %d", n, want)
	}
	for minute := range 60 {
		polls := l.well.calls["changes"]
		l.pass(time.Minute)
		if minute%20 == 0 {
			i := minute / 20
			goes[i] = append(goes[i], l.say(i, l.other()))
			l.customers[i].Now = l.now
			l.customers[i].Sync(t, l)
			l.idle()
			if n, want := l.well.calls["deliver"], 3*len(l.customers)+i+1; n != want {
				t.Errorf("minute %d: the system that is well was called %d times, want %d", minute, n, want)
			}
		}
		if l.well.calls["changes"] == polls {
			t.Errorf("minute %d: the system that is well was not asked for changes", minute)
		}
	}
	if n, want := l.well.calls["deliver"], 3*len(l.customers)+3; n != want {
		t.Errorf("the system that is well was called %d times, want %d", n, want)
	}
	if n := l.sick.calls["deliver"]; n < 8 || n > 30 {
		t.Errorf("the system in trouble was called %d times in an hour", n)
	}
	for i, c := range l.customers {
		c.Now = l.now
		c.Sync(t, l)
		if got := c.Receipts[len(c.Receipts)-1].Seq; got != int64(len(c.First)) {
			t.Errorf("%s: received up to %d of %d", c.Name, got, len(c.First))
		}
		l.wantOutcomes(c, goes[i], true)
		l.wantOutcomes(c, waits[i], false)
		l.wantInOrder(l.well, c, goes[i])
	}
	l.wantSeen(last)

	l.sick.fail = nil
	l.passBy(soonBack)
	for i, c := range l.customers {
		c.Now = l.now
		c.Sync(t, l)
		l.wantOutcomes(c, waits[i], true)
		l.wantInOrder(l.sick, c, waits[i])
		l.wantSound(c)
	}
	for _, s := range l.Vitals().Systems {
		if !s.Reaches() {
			t.Errorf("%s doesn't answer", s.Lane.Member())
		}
	}
}

// Within how long all is brought to a system that is back: where it is seen at once, since
// the system answers for changes again, and at most. The runbook names both.
const (
	soonBack = 2 * time.Minute
	longBack = 7 * time.Minute
)

// passBy lets time pass second by second, as workers have it that sleep until there is work.
func (l *lanes) passBy(d time.Duration) {
	for end := l.now.Add(d); l.now.Before(end); {
		l.pass(5 * time.Second)
	}
}

// However few relationships a system was called for while it was down, and so whether it
// was left alone by its breaker or by each of them, and whether or not it answered for
// changes meanwhile: soon after it is back, all is brought.
func TestSystemIsBack(t *testing.T) {
	for _, customers := range []int{1, 4, 9} {
		for _, asked := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d customers, asked %t", customers, asked), func(t *testing.T) {
				l := newLanes(memory(t), gateway.Records, customers)
				within := soonBack
				l.sick.fail = func(string) error { return errDown }
				if !asked {
					within = longBack
					l.sick.fail = func(call string) error {
						if call == "changes" {
							return nil
						}
						return errDown
					}
				}
				waits := make([][]firsthand.ID, customers)
				for i, c := range l.customers {
					waits[i] = []firsthand.ID{l.say(i, gateway.Records), l.say(i, gateway.Records)}
					c.Sync(t, l)
				}
				l.passBy(3 * time.Hour)
				l.sick.fail = nil
				l.passBy(within)
				for i, c := range l.customers {
					c.Now = l.now
					c.Sync(t, l)
					l.wantOutcomes(c, waits[i], true)
					l.wantInOrder(l.sick, c, waits[i])
				}
			})
		}
	}
}

// What a system asks for, to be left alone for some time, is kept to, whatever is seen of
// it meanwhile.
func TestSystemAsksForTime(t *testing.T) {
	l := newLanes(memory(t), gateway.Records, 2)
	var busy time.Time // until then
	l.sick.fail = func(string) error {
		if wait := busy.Sub(l.now); wait > 0 {
			return &connector.Later{Wait: wait, Err: errors.New("too many calls")}
		}
		return nil
	}
	busy = l.now.Add(40 * time.Minute)
	entry := l.say(0, gateway.Records)
	l.customers[0].Sync(t, l)
	l.idle()
	calls := l.sick.calls["deliver"] + l.sick.calls["changes"]
	l.passBy(39 * time.Minute)
	if n := l.sick.calls["deliver"] + l.sick.calls["changes"] - calls; n > 1 { // it was asked for changes after it
		t.Errorf("it was called %d times", n)
	}
	l.passBy(2 * time.Minute)
	l.customers[0].Now = l.now
	l.customers[0].Sync(t, l)
	l.wantOutcomes(l.customers[0], []firsthand.ID{entry}, true)
}

func (l *lanes) wantOutcomes(c *gatewaytest.Customer, entries []firsthand.ID, applied bool) {
	l.t.Helper()
	for _, e := range entries {
		if o := c.State.Outcomes[e]; (o != nil && o.Applied) != applied {
			l.t.Errorf("%s: outcome = %+v, want applied: %v", c.Name, o, applied)
		}
	}
}

// wantSeen checks that whoever looks sees which system is in trouble, and why.
func (l *lanes) wantSeen(last error) {
	l.t.Helper()
	conn, err := l.Connection(l.ctx())
	if err != nil || len(conn.Systems) != 2 {
		l.t.Fatalf("%+v, %v", conn, err)
	}
	for _, s := range conn.Systems {
		if sick := s.Lane == l.of; s.Down() != sick || (s.Trouble != "") != sick || sick && s.Trouble != last.Error() || sick && s.Name != l.sick.name {
			l.t.Errorf("%+v", s)
		}
	}
	for _, s := range l.Vitals().Systems {
		if s.Reaches() != (s.Lane != l.of) || s.Lane != l.of && l.now.Sub(s.Polled) > 2*time.Minute {
			l.t.Errorf("%+v", s)
		}
	}
	owed, _, err := l.Owed(l.ctx(), 1000)
	if err != nil || len(owed) != 3*len(l.customers) {
		l.t.Fatalf("%d are owed, %v", len(owed), err)
	}
	told := 0
	for _, d := range owed {
		if d.System != l.sick.name || d.Lane != l.of || d.Status != gateway.Waiting {
			l.t.Errorf("%+v", d)
		}
		if d.Why != "" {
			told++
		}
	}
	if told < 5 {
		l.t.Errorf("of %d that were tried it is told why", told)
	}
}

// A gated system lets calls through one by one: it tells that one is there, and waits for
// what is to come of it.
type gated struct {
	*crm
	here chan struct{}
	gate chan error
}

func newGated(c *crm) gated { return gated{c, make(chan struct{}, 100), make(chan error, 100)} }

func (g gated) Deliver(ctx context.Context, r connector.Request) (connector.Result, error) {
	g.here <- struct{}{}
	select {
	case err := <-g.gate:
		if err != nil {
			return connector.Result{}, err
		}
	case <-ctx.Done():
		return connector.Result{}, errDown
	}
	return g.crm.Deliver(ctx, r)
}

// A system that holds all the workers it can get holds none of the other's.
func TestSlowLane(t *testing.T) {
	for _, of := range []gateway.Lane{gateway.Records, gateway.Tickets} {
		t.Run(of.Member(), func(t *testing.T) {
			l := newLanes(memory(t), of, 4)
			slow := newGated(l.sick)
			l.change = func(o *gateway.Options) {
				o.Now, o.Workers, o.Log = time.Now, 2, nil
				if o.Connector = slow; of == gateway.Tickets {
					o.Connector, o.Tickets = l.crm, slow
				}
			}
			l.now = time.Now()
			l.restart()
			ctx, stop := contextWithStop(t)
			var running sync.WaitGroup
			running.Go(func() { l.Run(ctx) })
			waits := make([]firsthand.ID, len(l.customers))
			for i, c := range l.customers {
				waits[i] = l.say(i, of)
				c.Now = time.Now()
				c.Sync(t, l)
			}
			for range 2 { // all workers that it can have
				<-slow.here
			}
			for i, c := range l.customers {
				goes := l.say(i, l.other())
				c.Now = time.Now()
				c.Sync(t, l)
				wait(t, l.world, c, goes)
				l.wantOutcomes(c, waits[i:i+1], false)
			}
			for range l.customers {
				slow.gate <- nil
			}
			for i, c := range l.customers {
				wait(t, l.world, c, waits[i])
			}
			stop()
			running.Wait()
		})
	}
}

// wait waits until a customer hears what became of an entry.
func wait(t *testing.T, w *world, c *gatewaytest.Customer, entry firsthand.ID) {
	t.Helper()
	for range 20 {
		if o := c.State.Outcomes[entry]; o != nil {
			return
		}
		r := c.Request()
		r.Wait = time.Second
		resp, err := w.Sync(w.ctx(), r)
		if err != nil {
			t.Fatal(err)
		}
		c.Take(t, resp)
	}
	t.Error("no outcome")
}

// After a while one delivery is let through to a system that was left alone, however many
// workers there are; the others follow when it has answered.
func TestBreakerIsHalfOpen(t *testing.T) {
	l := newLanes(memory(t), gateway.Tickets, 9)
	slow := newGated(l.help)
	l.change = func(o *gateway.Options) { o.Tickets = slow }
	l.restart()
	for i, c := range l.customers {
		l.say(i, gateway.Tickets)
		c.Sync(t, l)
	}
	fail := func(n int) {
		for range n {
			slow.gate <- errDown
		}
	}
	fail(5)
	l.idle()
	try := func(want int) {
		t.Helper()
		if n := len(slow.here); n != want {
			t.Fatalf("%d calls, want %d", n, want)
		}
		for range want {
			<-slow.here
		}
	}
	try(5)
	for _, outcome := range []error{errDown, errDown, nil} {
		l.now = l.now.Add(10 * time.Minute)
		done := make(chan error)
		go func() {
			for {
				worked, _, err := l.Step(l.ctx())
				if !worked || err != nil {
					done <- err
					return
				}
			}
		}()
		<-slow.here // the probe
		others, stop := context.WithTimeout(l.ctx(), 2*time.Second)
		for worked := true; worked; {
			var err error
			if worked, _, err = l.Step(others); err != nil {
				t.Fatal(err)
			}
		}
		stop()
		if conn, err := l.Connection(l.ctx()); err != nil || !conn.Systems[1].Trying || !conn.Systems[1].Down() {
			t.Errorf("%+v, %v", conn, err)
		}
		try(0)
		slow.gate <- outcome
		if outcome == nil {
			for range 8 {
				slow.gate <- nil
			}
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	l.pass(time.Hour)
	if n := len(l.help.requests); n != 9 {
		t.Errorf("%d were brought, want 9", n)
	}
}

// While one gateway is held up by a system, another brings the same customer's things to
// the other system.
func TestLanesOfTwoGateways(t *testing.T) {
	h := newHouse(t, 2, nil)
	two(h.world)
	slow := newGated(h.help)
	h.change = func(o *gateway.Options) { o.Tickets = slow }
	h.begin(0)
	h.begin(1)
	c := h.meet("mia")
	b := h.agree(c)
	question := c.Say(t, "hello")
	c.Sync(t, h)
	done := make(chan error)
	go func() {
		for {
			worked, _, err := h.gateways[0].Step(h.ctx())
			if !worked || err != nil {
				done <- err
				return
			}
		}
	}()
	<-slow.here
	h.Gateway = h.gateways[1]
	told := tell(t, c, "name", "Mia", b)
	again := c.Say(t, "again")
	c.Sync(t, h)
	h.idle()
	c.Sync(t, h)
	h.wantApplied(c, told, "N-1")
	if n := len(slow.here); n != 0 || c.State.Outcomes[question] != nil || c.State.Outcomes[again] != nil {
		t.Errorf("%d more calls of a system that another gateway calls for her", n)
	}
	slow.gate <- nil
	slow.gate <- nil
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for _, h.Gateway = range h.gateways {
		h.pass(time.Minute)
	}
	c.Sync(t, h)
	if len(h.help.requests) != 2 || h.help.requests[0].ID != question || c.State.Outcomes[again] == nil {
		t.Errorf("requests = %+v", h.help.requests)
	}
	h.wantSound(c)
}

// Where the company's system has become its helpdesk, what has ended is removed from both
// before it is said to be erased, and from no record that has the same number.
func TestErasedInBothLanes(t *testing.T) {
	for _, held := range []bool{false, true} {
		w := memory(t)
		w.crm.name = "Helpdesk"
		w.restart()
		c := w.meet("mia")
		b := w.agree(c)
		told := tell(t, c, "name", "Mia", b)
		w.exchange(c)
		old := w.crm
		w.crm = newCRM()
		w.crm.name = "CRM"
		w.crm.customer("N-1", "", map[string]firsthand.Value{"name": firsthand.Text("Somebody else")})
		w.help = old
		w.restart()
		change := c.Write(t, &firsthand.Change{Fact: "name", Value: firsthand.Text("Mia B"), Of: told, Basis: b})
		w.exchange(c)
		w.wantApplied(c, change, "N-2")

		w.help.fail = func(call string) error { return errDown }
		if held {
			w.change = func(o *gateway.Options) { o.Connector = plain{w.crm} }
			w.restart()
			w.help.fail = func(call string) error { return errDown }
		}
		c.Write(t, &firsthand.Withdraw{Disclosure: told})
		w.exchange(c)
		if held {
			if err := w.Apply(w.ctx(), "ann", c.Rel(), told, ""); err != nil {
				t.Fatal(err)
			}
			w.exchange(c)
		} else if !slices.Equal(w.crm.redacted, []string{"N-2 name"}) {
			t.Errorf("redacted %v from the CRM", w.crm.redacted)
		}
		if _, _, effect := c.State.Entry(told); !effect {
			t.Error("it is said to be erased, and is in the helpdesk")
		}
		w.help.fail = nil
		w.pass(2 * time.Hour)
		c.Sync(t, w)
		if _, _, effect := c.State.Entry(told); effect {
			t.Error("it is gone, and that isn't said")
		}
		if !slices.Equal(w.help.redacted, []string{"N-1 name"}) || w.crm.records["N-1"]["name"].Text != "Somebody else" {
			t.Errorf("redacted %v from the helpdesk; the CRM has %v", w.help.redacted, w.crm.records)
		}
		w.wantSound(c)
	}
}

// What is in a system that is not connected any more is for a person, and is removed from
// no record of another system that has the same number.
func TestErasedInASystemThatIsGone(t *testing.T) {
	w := memory(t)
	w.crm.name = "Old CRM"
	w.restart()
	c := w.meet("mia")
	told := tell(t, c, "name", "Mia", w.agree(c))
	w.exchange(c)
	w.crm = newCRM()
	w.crm.name = "CRM"
	w.crm.customer("N-1", "", map[string]firsthand.Value{"name": firsthand.Text("Somebody else")})
	w.restart()
	c.Write(t, &firsthand.Withdraw{Disclosure: told})
	w.exchange(c)
	for range 2 {
		if d := w.wantHeld(gateway.Held); !strings.Contains(d.Why, "Old CRM") || d.Task != gateway.Redact {
			t.Errorf("%+v", d)
		}
		if w.crm.records["N-1"]["name"].Text != "Somebody else" {
			t.Error("it was removed from somebody else's record")
		}
		if err := w.Retry(w.ctx(), "ann", c.Rel(), told); err != nil {
			t.Fatal(err)
		}
		w.exchange(c)
	}
	if err := w.Apply(w.ctx(), "ann", c.Rel(), told, ""); err != nil {
		t.Fatal(err)
	}
	w.exchange(c)
	if _, _, effect := c.State.Entry(told); effect {
		t.Error("it is removed, and that isn't said")
	}
	w.wantSound(c)
}

// What waits when the company gets a helpdesk, or gives it up, goes where it is
// talked to now.
func TestLaneComesAndGoes(t *testing.T) {
	w := memory(t)
	w.crm.name = "CRM"
	w.restart()
	c := w.meet("mia")
	w.crm.fail = func(string) error { return errDown }
	one := c.Say(t, "one")
	w.exchange(c)
	two(w)
	w.crm.fail = nil
	w.pass(time.Hour)
	w.exchange(c)
	if o := c.State.Outcomes[one]; o == nil || o.System != "Helpdesk" || len(w.crm.requests) != 0 {
		t.Errorf("outcome = %+v", o)
	}
	w.help.fail = func(string) error { return errDown }
	two := c.Write(t, &firsthand.Message{Thread: one, Text: "two"})
	three := c.Say(t, "three")
	w.exchange(c)
	w.agree(c)
	c.Write(t, &firsthand.Disclose{Fact: "phone", Value: firsthand.Text("0471"), Purpose: service, Until: "2027-11-21", Basis: firsthand.Basis{Exception: "once"}})
	w.exchange(c) // so that something is set for later
	w.help = nil
	w.restart()
	w.pass(time.Hour)
	w.exchange(c)
	if o := c.State.Outcomes[two]; o == nil || o.System != "CRM" || c.State.Outcomes[three] == nil {
		t.Errorf("outcome = %+v", o)
	}
	if r := w.crm.requests; len(r) != 3 || r[1].ID != two || !r[1].Thread.IsZero() {
		t.Errorf("requests = %+v", r)
	}
	w.wantSound(c)
}

// Neither system learns what is the other's: no record of the CRM goes to the helpdesk, a
// reply there is the company's message, and each is heard from where it was heard to.
func TestLanesKnowTheirOwn(t *testing.T) {
	w := from(two(memory(t)))
	c := w.meet("mia")
	b := w.agree(c)
	w.bind(c, "C-1")
	told := tell(t, c, "name", "Mia", b)
	question := c.Say(t, "Where is my parcel?")
	w.exchange(c)
	w.wantApplied(c, told, "C-1")
	if r := w.help.requests; len(r) != 1 || !r[0].Record.IsZero() || r[0].ID != question || len(w.crm.requests) != 1 {
		t.Errorf("requests = %+v", r)
	}
	if o := c.State.Outcomes[question]; o == nil || o.System != "Helpdesk" || o.Record != "T-1" {
		t.Errorf("outcome = %+v", o)
	}
	// Both call their first change the same.
	w.help.happens(connector.Change{ID: "1", Relationship: c.Rel(), Of: question, Text: "On its way.", Author: "Ann", At: w.now})
	w.crm.happens(connector.Change{ID: "1", Relationship: c.Rel(), Ref: w.crm.ref("C-1"), Fact: "address", Value: firsthand.Text("Old Road 1"), At: w.now})
	w.pass(time.Minute)
	w.exchange(c)
	if n := len(c.State.Messages); n != 2 {
		t.Errorf("%d messages, want 2", n)
	}
	if c.State.At(w.now).Holdings == nil || !slices.ContainsFunc(c.State.Holdings, func(h *firsthand.Holding) bool { return h.Fact == "address" }) {
		t.Error("what staff changed is not told")
	}
	w.restart()
	w.help.happens(connector.Change{ID: "2", Relationship: c.Rel(), Of: question, Text: "It is there.", Author: "Ann", At: w.now})
	w.pass(time.Minute)
	w.exchange(c)
	if n := len(c.State.Messages); n != 3 {
		t.Errorf("%d messages, want 3", n)
	}
	conn, err := w.Connection(w.ctx())
	if err != nil || conn.Systems[0].Cursor != "1" || conn.Systems[1].Cursor != "2" {
		t.Errorf("%+v, %v", conn, err)
	}
	w.wantSound(c)
}

// Two systems that are called the same can't be told apart.
func TestSystemsOfOneName(t *testing.T) {
	named := func(name string) *crm { c := newCRM(); c.name = name; return c }
	for _, pair := range [][2]string{{"CRM", "CRM"}, {"CRM", ""}, {"", ""}} {
		if err := gateway.CheckSystems(named(pair[0]), named(pair[1])); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "tickets") {
			t.Errorf("%q: %v", pair, err)
		}
	}
	if err := gateway.CheckSystems(named(""), named("RT")); err != nil {
		t.Error(err)
	}
}
