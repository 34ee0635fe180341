package gateway_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/gatewaytest"
)

// What was told and ended has to leave the company's system before it is said to be
// erased. These are the ways in which the gateway could forget where it had got to.

// A hooked crm has something happen when a delivery was done, and before anybody
// hears of it.
type hooked struct {
	*crm
	done func()
}

func (h *hooked) Deliver(ctx context.Context, r connector.Request) (connector.Result, error) {
	res, err := h.crm.Deliver(ctx, r)
	h.done()
	return res, err
}

// wantToLook checks that an operator has to look for what was told, and that nothing
// is said to be erased until he has.
func (w *world) wantToLook(c *gatewaytest.Customer, told firsthand.ID) {
	w.t.Helper()
	if d := w.wantHeld(gateway.Held); d.Task != gateway.Redact || d.Entry != told {
		w.t.Fatalf("held = %+v", d)
	}
	for _, e := range c.Second {
		if e.Kind() == "erased" {
			w.t.Fatal("it is said to be erased, and the system has it")
		}
	}
	if err := w.Apply(w.ctx(), "ann", c.Rel(), told, ""); err != nil {
		w.t.Fatal(err)
	}
	w.exchange(c)
	if due := w.due(); len(due) != 0 {
		w.t.Errorf("due = %+v", due)
	}
	w.wantSound(c)
}

// The gateway dies after the system has done what it was told, and before it knows.
func TestRemovedAfterACrash(t *testing.T) {
	w := memory(t)
	m := w.store.(*gatewaytest.Memory)
	var crash gatewaytest.Snapshot
	w.change = func(o *gateway.Options) {
		o.Connector = &hooked{w.crm, func() { crash = m.Snapshot() }}
	}
	w.restart()
	c := w.meet("mia")
	told := tell(t, c, "email", "mia@example.org", firsthand.Basis{Exception: "once"})
	c.Sync(t, w)
	w.idle()

	m.PutBack(crash)
	w.restart()
	c.Write(t, &firsthand.Withdraw{Disclosure: told})
	c.Sync(t, w) // before the gateway does anything else
	w.pass(time.Minute)
	w.exchange(c)
	w.wantToLook(c, told)
}

// A backup is put back from before it was told and written, and she never read that
// it was.
func TestRemovedAfterARestore(t *testing.T) {
	w := memory(t)
	m := w.store.(*gatewaytest.Memory)
	c := w.meet("mia")
	backup := m.Snapshot()
	told := tell(t, c, "email", "mia@example.org", firsthand.Basis{Exception: "once"})
	c.Sync(t, w)
	w.idle()

	m.Restore(backup, w.now)
	w.restart()
	c.Sent = 1
	c.Write(t, &firsthand.Withdraw{Disclosure: told})
	c.Sync(t, w)
	w.pass(firsthand.CallTolerance)
	w.exchange(c)
	w.wantToLook(c, told)
}

// The same, and nothing tells that the file is an old one but her receipt: she ends
// what she told before it, which nobody here knows any more.
func TestRemovedAfterARestoreUnnoticed(t *testing.T) {
	w := memory(t)
	m := w.store.(*gatewaytest.Memory)
	c := w.meet("mia")
	backup := m.Snapshot()
	told := tell(t, c, "email", "mia@example.org", firsthand.Basis{Exception: "once"})
	c.Sync(t, w)
	w.idle()

	m.PutBack(backup)
	w.restart()
	c.Sync(t, w) // with the receipt, she has nothing to bring
	c.Write(t, &firsthand.Withdraw{Disclosure: told})
	c.Sync(t, w)
	w.exchange(c)
	w.wantToLook(c, told)
}

// She was bound to a record after one was made for her, and it is in both.
func TestRemovedFromTwoRecords(t *testing.T) {
	w := from(memory(t))
	c := w.meet("mia")
	told := tell(t, c, "phone", "0471", firsthand.Basis{Exception: "once"})
	w.exchange(c)
	w.bind(c, "C-1")
	c.Write(t, &firsthand.Change{Fact: "phone", Value: firsthand.Text("0472"), Of: told, Basis: firsthand.Basis{Right: "GDPR 16"}})
	w.exchange(c)
	if w.crm.records["N-2"]["phone"].Text != "0471" || w.crm.records["C-1"]["phone"].Text != "0472" {
		t.Fatalf("records = %v", w.crm.records)
	}
	c.Write(t, &firsthand.Withdraw{Disclosure: told})
	w.exchange(c)
	for number, facts := range w.crm.records {
		if _, there := facts["phone"]; there {
			t.Errorf("record %s still has it", number)
		}
	}
	w.wantSound(c)
}

// What waits for a person when the same fact is removed may go with it.
func TestRemovedBesideAProposal(t *testing.T) {
	w := memory(t)
	c := w.meet("mia")
	one := tell(t, c, "phone", "0471", firsthand.Basis{Exception: "one"})
	w.exchange(c)
	w.crm.person = true
	two := tell(t, c, "phone", "0472", firsthand.Basis{Exception: "two"})
	w.exchange(c)
	c.Write(t, &firsthand.Withdraw{Disclosure: one})
	w.exchange(c)
	if d := w.wantHeld(gateway.Held); d.Task != gateway.Deliver || d.Entry != two || len(w.crm.redacted) != 1 {
		t.Fatalf("held = %+v, redacted %v", d, w.crm.redacted)
	}
	w.crm.happens(w.crm.decide(w.crm.requests[1], "N-1", "")) // it was still there
	w.pass(time.Hour)
	w.exchange(c)
	w.wantApplied(c, two, "N-1")
	w.wantSound(c)
}

// A person takes out by hand what has ended, and leaves what was proposed of it in the
// system. A backup is put back, and then another person carries that out: what is
// said to be erased is there again, and has to go.
func TestProposalOfWhatIsErased(t *testing.T) {
	for _, tt := range []struct {
		lost string // with the backup
		hers bool   // she still has what she told
	}{
		{"the removal", true},
		{"the removal", false},
		{"the proposal", true},
		{"the proposal", false},
		{"what she told", true},
		{"what she told", false},
	} {
		t.Run(fmt.Sprintf("%s is lost, hers %t", tt.lost, tt.hers), func(t *testing.T) {
			w := memory(t)
			w.crm.person = true
			m := w.store.(*gatewaytest.Memory)
			c := w.meet("mia")
			backups := map[string]gatewaytest.Snapshot{"what she told": m.Snapshot()}
			told := tell(t, c, "email", "mia@example.org", firsthand.Basis{Exception: "once"})
			c.Sync(t, w)
			backups["the proposal"] = m.Snapshot()
			w.exchange(c)
			backups["the removal"] = m.Snapshot()
			c.Write(t, &firsthand.Withdraw{Disclosure: told})
			w.exchange(c)
			w.wantToLook(c, told)

			m.Restore(backups[tt.lost], w.now)
			w.restart()
			w.takeBack(c, tt.hers)
			w.pass(time.Hour)
			if due := w.due(); len(due) != 0 {
				t.Fatalf("due = %+v", due)
			}
			w.crm.happens(w.crm.decide(w.crm.requests[0], "N-1", ""))
			w.pass(time.Hour)
			w.exchange(c)
			d := w.wantHeld(gateway.Held)
			if d.Task != gateway.Redact || d.Entry != told || d.Ref.ID != "N-1" || d.Due == "" {
				t.Fatalf("held = %+v", d)
			}
			if err := w.Apply(w.ctx(), "ann", c.Rel(), told, ""); err != nil {
				t.Fatal(err)
			}
			w.exchange(c)
			if due := w.due(); len(due) != 0 {
				t.Errorf("due = %+v", due)
			}
			w.wantSound(c)
		})
	}
}

// takeBack has c give back what a backup has lost, with or without the bodies of hers
// that were erased here.
func (w *world) takeBack(c *gatewaytest.Customer, bodies bool) {
	w.t.Helper()
	resp, err := w.Sync(w.ctx(), c.Request())
	if err != nil {
		w.t.Fatal(err)
	}
	erased := make(map[firsthand.ID]bool)
	for i := range c.Second {
		for _, id := range c.Second[i].Erases() {
			erased[id] = true
		}
	}
	r := c.Request()
	r.Entries = slices.Concat(c.First[resp.First.Seq:], c.Second[resp.Second.Seq:])
	for i := range r.Entries {
		if e := &r.Entries[i]; erased[e.ID] && !bodies {
			*e = e.WithoutBody()
		}
	}
	if resp, err = w.Sync(w.ctx(), r); err != nil {
		w.t.Fatal(err)
	}
	c.Take(w.t, resp)
	w.exchange(c)
}

// A person decides about a relationship that a backup has lost. When it comes back,
// as one that is new, her decision counts.
func TestDecisionOfALostRelationship(t *testing.T) {
	w := memory(t)
	w.crm.person = true
	m := w.store.(*gatewaytest.Memory)
	empty := m.Snapshot()
	c := gatewaytest.NewCustomer(t, "mia", gatewaytest.Company{Key: w.keys.Chain[0].Key})
	c.Now = w.now
	told := tell(t, c, "email", "mia@example.org", firsthand.Basis{Exception: "once"})
	if _, err := w.Open(w.ctx(), c.Request()); err != nil { // she never gets the answer
		t.Fatal(err)
	}
	w.idle()

	m.Restore(empty, w.now)
	w.restart()
	w.crm.happens(w.crm.decide(w.crm.requests[0], "", "We have no place for it."))
	w.pass(time.Hour)
	w.exchange(c)
	w.pass(time.Hour)
	w.exchange(c)
	w.wantRefused(c, told)
	if due := w.due(); len(due) != 0 {
		t.Errorf("due = %+v", due)
	}
	w.wantSound(c)
}

// A change was carried out by a proof, and both the proof and what came of it were
// lost with a backup. It is not taken for one that was never proved.
func TestProofLost(t *testing.T) {
	w := from(memory(t))
	m := w.store.(*gatewaytest.Memory)
	c := w.meet("mia")
	change := stated(t, c, "address", "New Road 2")
	w.exchange(c)
	backup, first, second := m.Snapshot(), len(c.First), len(c.Second)
	w.bind(c, "C-1")
	w.exchange(c)
	w.wantApplied(c, change, "C-1")

	m.Restore(backup, w.now)
	c = c.Copy(t, first, second) // so was her file
	w.restart()
	c.Sync(t, w)
	w.pass(firsthand.CallTolerance)
	w.exchange(c)
	if err := w.Retry(w.ctx(), "ann", c.Rel(), change); err != nil {
		t.Fatal(err)
	}
	w.exchange(c)
	if d := w.wantHeld(gateway.Held); d.Entry != change || d.Task != gateway.Deliver {
		t.Errorf("held = %+v", d)
	}
	w.wantSound(c)
}

// A person decides about an entry that a backup has lost, and when it is back it has
// ended: then there is nothing to be said, and nothing is kept for it.
func TestDecisionOfWhatEnded(t *testing.T) {
	w := memory(t)
	w.crm.person = true
	m := w.store.(*gatewaytest.Memory)
	c := w.meet("mia")
	backup := m.Snapshot()
	c.Write(t, &firsthand.Disclose{Fact: "phone", Value: firsthand.Text("0471"), Purpose: service,
		Basis: firsthand.Basis{Exception: "for the parcel"}, Until: "2026-11-22"})
	c.Sync(t, w)
	w.idle()

	m.Restore(backup, w.now)
	w.restart()
	decision := w.crm.decide(w.crm.requests[0], "", "We have no place for it.")
	decision.At = w.now
	w.crm.happens(decision)
	w.pass(time.Hour)
	if drafts, err := w.store.Drafts(w.ctx(), c.Rel()); err != nil || len(drafts) != 1 {
		t.Fatalf("drafts = %+v, %v", drafts, err)
	}
	// First she only asks, which ends the restore, and then brings it.
	if _, err := w.Sync(w.ctx(), c.Request()); err != nil {
		t.Fatal(err)
	}
	c.Sent = 1
	w.pass(72 * time.Hour)
	w.exchange(c)
	if drafts, err := w.store.Drafts(w.ctx(), c.Rel()); err != nil || len(drafts) != 0 {
		t.Errorf("drafts = %+v, %v", drafts, err)
	}
	w.wantSound(c)
}

// A change that crosses the end of what it changes begins something anew. It is not
// erased with what had ended, however often the relationship is looked at.
func TestChangeCrossesTheEnd(t *testing.T) {
	w := memory(t)
	m := w.store.(*gatewaytest.Memory)
	c := w.meet("mia")
	told := c.Write(t, &firsthand.Disclose{Fact: "phone", Value: firsthand.Text("0471"), Purpose: service,
		Basis: firsthand.Basis{Exception: "for the parcel"}, Until: "2026-11-22"})
	w.exchange(c)
	change := c.Write(t, &firsthand.Change{Fact: "phone", Value: firsthand.Text("0472"), Of: told, Basis: firsthand.Basis{Right: "GDPR 16"}})
	w.pass(72 * time.Hour)
	w.exchange(c)
	if len(w.crm.redacted) != 1 || w.crm.records["N-1"]["phone"].Text != "0472" {
		t.Fatalf("redacted %v, record %v", w.crm.redacted, w.crm.records["N-1"])
	}
	m.Restore(m.Snapshot(), w.now)
	w.restart()
	w.exchange(c)
	w.pass(firsthand.CallTolerance)
	w.exchange(c)
	for _, e := range c.Second {
		for _, id := range e.Erases() {
			if id == change {
				t.Error("the change is said to be erased, and the system has it")
			}
		}
	}
	w.wantSound(c)
}
