package gateway_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/gatewaytest"
)

var errCrash = errors.New("crash")

// A crasher ends the gateway's process at one of the places where it touches the
// world: before or after a commit, before or after a call of the company's system.
type crasher struct {
	at, n int
	dead  bool
}

// here is called at each place, and says whether this is where it ends. A dead
// process does nothing more.
func (c *crasher) here() error {
	if c.dead {
		return errCrash
	}
	if c.n++; c.n == c.at {
		c.dead = true
		return errCrash
	}
	return nil
}

// story is a life with something of everything. It is told in steps, each of which
// is repeated until it succeeds.
func story(w *world, c *gatewaytest.Customer) []func() bool {
	var told, question firsthand.ID
	t := w.t
	call := func() bool {
		c.Now = w.now
		resp, err := c.Try(t, w)
		return err == nil && !resp.More
	}
	work := func() bool {
		for {
			worked, _, err := w.Step(w.ctx())
			if err != nil || !worked {
				return err == nil
			}
		}
	}
	once := func(fn func()) func() bool { return func() bool { fn(); return true } }
	steps := []func() bool{
		call,
		once(func() { c.Write(t, &firsthand.TermsOffer{Terms: []firsthand.TermsRef{ours(t)}}) }),
		call, call,
		once(func() {
			told = tell(t, c, "name", "Mia", firsthand.Basis{Agreement: c.State.Agreements[0].Entry})
			question = c.Say(t, "Where is my parcel?")
			stated(t, c, "address", "New Road 2")
			c.Write(t, &firsthand.Claim{Record: "C-1"})
		}),
		call, work, call, call,
		once(func() {
			c.Write(t, &firsthand.Proof{Challenge: c.State.Claims[0].Challenge.Entry, Code: w.crm.lastCode()})
		}),
		call, work, call, call,
		once(func() {
			w.talks().happens(connector.Change{ID: "r", Relationship: c.Rel(), Of: question, Text: "On its way.", Author: "Ann", At: w.now})
			w.now = w.now.Add(time.Minute)
		}),
		work, call, call,
		once(func() { c.Write(t, &firsthand.Withdraw{Disclosure: told}) }),
		call, work, call, call,
		once(func() { c.Write(t, &firsthand.Close{}) }),
		call, work, call, call, call,
	}
	return steps
}

// Wherever the process ends, the end of the story is the same: nothing is lost,
// nothing done twice, and what was said is said once.
func TestCrashAnywhere(t *testing.T) {
	t.Run("one system", func(t *testing.T) { crashAnywhere(t, func(w *world) *world { return w }) })
	t.Run("two systems", func(t *testing.T) { crashAnywhere(t, two) })
}

func crashAnywhere(t *testing.T, systems func(*world) *world) {
	var want string
	for at := 0; ; at++ {
		crash := &crasher{at: at}
		m := gatewaytest.NewMemory()
		w := systems(from(start(t, m, nil)))
		m.Before = func(gateway.Commit) error { return crash.here() }
		m.After = m.Before
		w.change = func(o *gateway.Options) { w.crashing(o, crash) }
		w.restart()
		c := gatewaytest.NewCustomer(t, "mia", gatewaytest.Company{})
		for i, step := range story(w, c) {
			for n := 0; !step(); n++ {
				if n == 5 {
					t.Fatalf("crash at %d: step %d does not succeed", at, i)
				}
				if crash.dead {
					crash.dead, crash.at = false, 0
					w.restart()
				}
				w.now = w.now.Add(15 * time.Second) // pauses pass, and the system ends what it was at
			}
		}
		w.pass(time.Hour)
		c.Sync(t, w)
		got := ending(w, c)
		w.wantSound(c)
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

// crashing has the systems of o be those that the process may not live to call.
func (w *world) crashing(o *gateway.Options, crash *crasher) {
	o.Connector = crashing{w.crm, crash}
	if w.help != nil {
		o.Tickets = crashing{w.help, crash}
	}
}

// ending is what the world looks like in the end.
func ending(w *world, c *gatewaytest.Customer) string {
	s := c.State
	outcomes, said := 0, 0
	for _, o := range s.Outcomes {
		if o.Applied {
			outcomes++
		}
	}
	for _, m := range s.Messages {
		if m.Side == firsthand.Second {
			said++
		}
	}
	duties := 0
	for _, d := range s.Duties {
		if d.Done.IsZero() {
			duties++
		}
	}
	return fmt.Sprintf("agreements %d, bound to %v, applied %d, replies %d, duties %d, holdings %d, flags %d, due %d, records %v, tickets %d, requests %d",
		len(s.Agreements), s.Binding.Record, outcomes, said, duties, len(s.Holdings), len(s.Flags), len(w.due()),
		w.crm.records, w.crm.tickets, len(w.crm.requests)) + w.helpdesk()
}

// helpdesk is what the helpdesk looks like, if there is one.
func (w *world) helpdesk() string {
	if w.help == nil {
		return ""
	}
	return fmt.Sprintf("; there: records %v, tickets %d, requests %d", w.help.records, w.help.tickets, len(w.help.requests))
}
