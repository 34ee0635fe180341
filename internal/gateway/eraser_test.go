package gateway_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/gatewaytest"
)

// A post is a company's system that keeps mails of what it was given, and which can't
// forget what is in its records.
type post struct {
	plain
	mails map[firsthand.ID]bool
	staff string // where people keep copies; "" if nowhere
}

func newPost(c *crm) *post { return &post{plain: plain{c}, mails: map[firsthand.ID]bool{}} }

func (p *post) String() string { return p.c.name }

func (p *post) Deliver(ctx context.Context, r connector.Request) (connector.Result, error) {
	res, err := p.plain.Deliver(ctx, r)
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	if err == nil && p.c.calls["deliver"] > 0 {
		p.mails[r.ID] = true
	}
	return res, err
}

func (p *post) Erase(_ context.Context, of ...firsthand.ID) error {
	err := p.c.begin("erase")
	defer p.c.mu.Unlock()
	if err != nil {
		return err
	}
	for _, id := range of {
		delete(p.mails, id)
	}
	if p.staff != "" {
		return fault.Tell(fault.Conflict, "there are copies in "+p.staff, "")
	}
	return nil
}

func withPost(w *world) *post {
	p := newPost(w.crm)
	w.change = func(o *gateway.Options) { o.Connector = p }
	w.restart()
	return p
}

// isErased reports whether the company has signed that something is erased.
func isErased(c *gatewaytest.Customer) bool {
	return slices.ContainsFunc(c.Second, func(e firsthand.Entry) bool { return e.Kind() == "erased" })
}

// apply is an operator who says that it is done.
func (w *world) apply(c *gatewaytest.Customer, entry firsthand.ID) {
	w.t.Helper()
	if err := w.Apply(w.ctx(), "ann", c.Rel(), entry, ""); err != nil {
		w.t.Fatal(err)
	}
	w.exchange(c)
}

// Erased is signed when the mails are gone and an operator has said that the rest is; her
// word doesn't count for mails that can be seen.
func TestErasedWhenTheMailsAreGone(t *testing.T) {
	w := memory(t)
	p := withPost(w)
	c := w.meet("mia")
	told := tell(t, c, "phone", "0471", firsthand.Basis{Exception: "once"})
	stays := tell(t, c, "name", "Mia", firsthand.Basis{Exception: "keep it"})
	w.exchange(c)
	p.staff = `"Sent"`
	withdraw := c.Write(t, &firsthand.Withdraw{Disclosure: told})
	w.exchange(c)
	for range 2 { // she says that it is done, and it isn't
		if d := w.wantHeld(gateway.Held); d.Task != gateway.Redact || !strings.Contains(d.Why, p.staff) || isErased(c) {
			t.Fatalf("held = %+v; erased: %v", d, isErased(c))
		}
		w.apply(c, told)
	}
	if p.mails[told] || !p.mails[stays] {
		t.Errorf("mails of %v", p.mails)
	}
	p.staff = ""
	p.c.fail = func(call string) error { // nobody knows what is in a mailbox that is down
		if call == "erase" {
			return connectorDown{}
		}
		return nil
	}
	w.apply(c, told)
	if isErased(c) {
		t.Fatal("it is said to be erased, and nobody has looked")
	}
	p.c.fail = nil
	w.pass(2 * time.Hour)
	w.exchange(c)
	if !isErased(c) || len(w.due()) > 0 {
		t.Errorf("erased: %v; due = %+v", isErased(c), w.due())
	}
	if o := c.State.Outcomes[withdraw]; o == nil || !o.Applied {
		t.Errorf("the withdrawal came to %+v", o)
	}
	w.wantSound(c)
}

// An operator is asked for the record when the mails are gone by machine.
func TestMailsGoBeforeTheRecord(t *testing.T) {
	w := memory(t)
	p := withPost(w)
	c := w.meet("mia")
	told := tell(t, c, "phone", "0471", firsthand.Basis{Exception: "once"})
	w.exchange(c)
	c.Write(t, &firsthand.Withdraw{Disclosure: told})
	w.exchange(c)
	if d := w.wantHeld(gateway.Held); !strings.Contains(d.Why, "by hand") || len(p.mails) > 0 || isErased(c) {
		t.Fatalf("held = %+v; mails of %v", d, p.mails)
	}
	w.apply(c, told)
	if !isErased(c) || len(w.due()) > 0 || p.c.calls["erase"] != 2 {
		t.Errorf("erased: %v; due = %+v; looked for %d times", isErased(c), w.due(), p.c.calls["erase"])
	}
	w.wantSound(c)
}

// What was refused, waits for a person, or goes on in the record for another's sake lies
// in mails all the same.
func TestMailsOfWhatIsInNoRecord(t *testing.T) {
	for _, tt := range []struct {
		name   string
		happen func(w *world, c *gatewaytest.Customer, p *post) // before it is taken back
		status gateway.Status                                   // of what is left to do
	}{
		{"refused", func(w *world, _ *gatewaytest.Customer, p *post) {
			p.c.happens(p.c.decide(p.c.requests[0], "", "we have another"))
			w.pass(time.Hour)
		}, ""},
		{"waiting for a person", func(*world, *gatewaytest.Customer, *post) {}, gateway.Held},
		{"told again", func(w *world, c *gatewaytest.Customer, p *post) {
			p.c.happens(p.c.decide(p.c.requests[0], "N-1", ""))
			p.c.person = false
			tell(w.t, c, "phone", "0471", firsthand.Basis{Exception: "another"})
			w.pass(time.Hour)
			w.exchange(c)
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := memory(t)
			p := withPost(w)
			w.crm.person = true
			c := w.meet("mia")
			told := tell(t, c, "phone", "0471", firsthand.Basis{Exception: "once"})
			w.exchange(c)
			tt.happen(w, c, p)
			c.Write(t, &firsthand.Withdraw{Disclosure: told})
			w.exchange(c)
			if p.mails[told] {
				t.Errorf("its mail is there")
			}
			if tt.status != "" {
				if d := w.wantHeld(tt.status); d.Task != gateway.Redact || isErased(c) {
					t.Fatalf("held = %+v; erased: %v", d, isErased(c))
				}
				w.apply(c, told)
			}
			if due := w.due(); !isErased(c) || len(due) > 0 {
				t.Errorf("erased: %v; due = %+v", isErased(c), due)
			}
			w.wantSound(c)
		})
	}
}

// The helpdesk was the company's only system, and has mails of facts from then.
func TestMailsInTheOtherLane(t *testing.T) {
	w := memory(t)
	p := withPost(w)
	p.c.name = "mailbox"
	w.crm.person = true
	c := w.meet("mia")
	told := tell(t, c, "phone", "0471", firsthand.Basis{Exception: "once"})
	w.exchange(c)
	p.c.happens(p.c.decide(p.c.requests[0], "", "we have another"))
	w.pass(time.Hour)
	records := newCRM()
	w.change = func(o *gateway.Options) { o.Connector, o.Tickets = records, p }
	w.restart()
	c.Write(t, &firsthand.Withdraw{Disclosure: told})
	w.exchange(c)
	if due := w.due(); p.mails[told] || !isErased(c) || len(due) > 0 || len(records.redacted) > 0 {
		t.Errorf("its mail is there: %v; erased: %v; due = %+v; redacted %v", p.mails[told], isErased(c), due, records.redacted)
	}
	w.wantSound(c)
}
