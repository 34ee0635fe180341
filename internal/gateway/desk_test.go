package gateway_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/connector"
	crmpkg "firsthand/connector/memory"
	"firsthand/fault"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/gatewaytest"
)

// deskWorld is a gateway with the small CRM, in which a person decides or not.
func deskWorld(t testing.TB, mode string) (*world, *crmpkg.CRM) {
	var system *crmpkg.CRM
	w := start(t, gatewaytest.NewMemory(), func(o *gateway.Options) {
		if system == nil {
			var err error
			system, err = crmpkg.Open(crmpkg.Config{File: t.TempDir() + "/crm", Mode: mode, Now: o.Now, Seed: []crmpkg.Record{
				{Number: "C-7", Contacts: []string{"mia@old.example"}, Facts: map[string]firsthand.Value{"name": firsthand.Text("Mia"), "email": firsthand.Text("mia@old.example")}}}})
			if err != nil {
				t.Fatal(err)
			}
		}
		o.Connector = system
	})
	return w, system
}

// A whole life of nobody ends in a list that is all green, and leaves nothing: no
// record, no row.
func TestTrial(t *testing.T) {
	w, system := deskWorld(t, crmpkg.Auto)
	w.change = func(o *gateway.Options) { o.Connector, o.Now = system, time.Now }
	w.restart()
	before := len(system.Records())
	steps, err := w.Trial(t.Context(), "ann", gatewaytest.NewMemory(), 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if len(steps) != 9 {
		t.Errorf("%d steps", len(steps))
	}
	for _, s := range steps {
		if !s.Fine {
			t.Errorf("%s: %s", s.What, s.Note)
		}
	}
	for _, r := range system.Records()[min(before, len(system.Records())):] {
		t.Errorf("left behind: %+v", r)
	}
	for _, r := range system.Records() {
		for fact, v := range r.Facts {
			if strings.Contains(v.String(), "check") {
				t.Errorf("left behind: %s %s", r.Number, fact)
			}
		}
	}
	for r, err := range w.store.Relationships(t.Context()) {
		t.Errorf("left behind: %v, %v", r.ID, err)
	}
	if all, err := w.Audits(t.Context(), 0, 10); err != nil || len(all) != 1 || all[0].Act != "check" || all[0].By != "ann" {
		t.Errorf("audit = %v, %v", all, err)
	}
}

// What is wrong with the system shows as the step at which it is, and the record
// that was made is removed all the same.
func TestTrialFinds(t *testing.T) {
	tests := []struct {
		name, step, note string
		hand             []string // the steps that a person does
		system           func(*crmpkg.CRM) connector.Connector
	}{
		{"down", "tell", "no answer within", nil, func(m *crmpkg.CRM) connector.Connector {
			return broken{m, func(connector.Request) error { return fault.Tell(fault.Unavailable, "the CRM is down", "") }, nil}
		}},
		{"refuses", "tell", "stopped", nil, func(m *crmpkg.CRM) connector.Connector {
			return broken{m, func(connector.Request) error { return errors.New("no such field") }, nil}
		}},
		{"shows another value", "tell", "another value", nil, func(m *crmpkg.CRM) connector.Connector {
			return broken{m, nil, func(r *connector.Record) { r.Facts = map[string]firsthand.Value{"name": firsthand.Text("Bob")} }}
		}},
		{"can't forget", "withdraw", "waits for a person", []string{"withdraw", "clean"}, func(m *crmpkg.CRM) connector.Connector { return only{m} }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, system := deskWorld(t, crmpkg.Auto)
			w.change = func(o *gateway.Options) { o.Connector, o.Now = tt.system(system), time.Now }
			w.restart()
			steps, err := w.Trial(t.Context(), "ann", gatewaytest.NewMemory(), 50*time.Millisecond)
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(steps, func(s gateway.TrialStep) bool { return !s.Fine })
			if i < 0 || steps[i].What != tt.step || !strings.Contains(steps[i].Note, tt.note) {
				t.Errorf("steps = %+v", steps)
			}
			var hand []string
			for _, s := range steps {
				if s.Hand {
					hand = append(hand, s.What)
				}
				if tt.hand != nil && !s.Fine && !s.Hand {
					t.Errorf("%s: %s, and nothing is wrong", s.What, s.Note)
				}
			}
			if !slices.Equal(hand, tt.hand) {
				t.Errorf("by hand: %v, want %v", hand, tt.hand)
			}
			for _, r := range system.Records() {
				if _, ok := tt.system(system).(connector.Redactor); ok && r.Number != "C-7" && len(r.Facts) > 0 {
					t.Errorf("left behind: %+v", r)
				}
			}
		})
	}
}

// broken is a system of which something doesn't work.
type broken struct {
	*crmpkg.CRM
	deliver func(connector.Request) error
	read    func(*connector.Record)
}

func (b broken) Deliver(ctx context.Context, r connector.Request) (connector.Result, error) {
	if b.deliver != nil {
		return connector.Result{}, b.deliver(r)
	}
	return b.CRM.Deliver(ctx, r)
}

func (b broken) Read(ctx context.Context, ref connector.Ref) (connector.Record, error) {
	r, err := b.CRM.Read(ctx, ref)
	if err == nil && b.read != nil {
		b.read(&r)
	}
	return r, err
}

// only is a connector that can do nothing beside what all can.
type only struct{ connector.Connector }

// An employee sees what is asked beside what the record has, and decides it; each
// of it is in the audit first.
func TestInquiryAndDecision(t *testing.T) {
	w, system := deskWorld(t, crmpkg.Person)
	c := w.meet("mia")
	b := w.agree(c)
	claim := c.Write(t, &firsthand.Claim{Record: "C-7"})
	w.exchange(c)
	q, err := w.Inquire(w.ctx(), "ann", c.Rel(), claim)
	if err != nil || len(q.Fits) != 1 || q.Record == nil || q.Record.Facts["name"].Text != "Mia" {
		t.Fatalf("claim: %+v, %v", q, err)
	}
	code := system.Outbox()[len(system.Outbox())-1].Text
	_, code, _ = strings.Cut(code, "The code is ")
	code, _, _ = strings.Cut(code, ".")
	w.prove(c, code)
	if c.State.Binding == nil {
		t.Fatal("not bound")
	}
	told := tell(t, c, "email", "mia@new.example", b)
	w.exchange(c)
	for range 2 { // looking changes nothing
		q, err = w.Inquire(w.ctx(), "ann", c.Rel(), told)
		if err != nil || q.Delivery.Status != gateway.Proposed || !q.Decides || q.Unproved || q.Record == nil || q.Record.Facts["email"].Text != "mia@old.example" {
			t.Fatalf("%+v, %v", q, err)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(w.Accept(w.ctx(), "bob", c.Rel(), told, ""))
	w.exchange(c)
	if o := c.State.Outcomes[told]; o == nil || !o.Applied || o.Record != "C-7" {
		t.Errorf("outcome = %+v", o)
	}
	again := c.Write(t, &firsthand.Change{Fact: "email", Value: firsthand.Text("mia@third.example"), Basis: b, Of: told})
	w.exchange(c)
	if q, err = w.Inquire(w.ctx(), "ann", c.Rel(), again); err != nil || q.Old.Text != "mia@new.example" {
		t.Errorf("old = %v, %v", q.Old, err)
	}
	if err := w.Reject(w.ctx(), "bob", c.Rel(), again, ""); fault.KindOf(err) != fault.Invalid {
		t.Errorf("no reason: %v", err)
	}
	must(w.Reject(w.ctx(), "bob", c.Rel(), again, "not a real address"))
	w.exchange(c)
	if o := c.State.Outcomes[again]; o == nil || o.Applied || o.Reason != "not a real address" {
		t.Errorf("outcome = %+v", o)
	}
	all, err := w.Audits(w.ctx(), 0, 20)
	must(err)
	var acts []string
	for _, a := range slices.Backward(all) {
		acts = append(acts, a.By+" "+a.Act)
	}
	want := "ann look, ann look, ann look, bob accept, bob apply, ann look, bob reject, bob refuse"
	if strings.Join(acts, ", ") != want {
		t.Errorf("audit: %s\nwant %s", strings.Join(acts, ", "), want)
	}
}

// What is not proved to be hers nobody can put into a record from the desk, and
// the record is not shown beside it.
func TestUnprovedIsNotAccepted(t *testing.T) {
	w, _ := deskWorld(t, crmpkg.Person)
	c := w.meet("thief")
	b := w.agree(c)
	id := c.Write(t, &firsthand.Change{Fact: "email", Value: firsthand.Text("thief@new.example"), Basis: b, Old: firsthand.Text("mia@old.example")})
	w.exchange(c)
	q, err := w.Inquire(w.ctx(), "ann", c.Rel(), id)
	if err != nil || !q.Unproved || q.Record != nil {
		t.Errorf("%+v, %v", q, err)
	}
	if err := w.Accept(w.ctx(), "ann", c.Rel(), id, "C-7"); fault.KindOf(err) != fault.Denied {
		t.Errorf("accepted: %v", err)
	}
}

// The audit that can't be written stops what it is about.
func TestDeskAuditsFirst(t *testing.T) {
	w, system := deskWorld(t, crmpkg.Person)
	c := w.meet("mia")
	told := tell(t, c, "email", "mia@new.example", w.agree(c))
	w.exchange(c)
	store := w.store.(*gatewaytest.Memory)
	full := errors.New("the disk is full")
	store.Before = func(c gateway.Commit) error {
		if len(c.Audit) > 0 {
			return full
		}
		return nil
	}
	for what, act := range map[string]func() error{
		"inquire": func() error { _, err := w.Inquire(w.ctx(), "ann", c.Rel(), told); return err },
		"show":    func() error { _, err := w.Show(w.ctx(), "ann", c.Rel()); return err },
		"find":    func() error { _, err := w.Find(w.ctx(), "ann", "C-7"); return err },
		"accept":  func() error { return w.Accept(w.ctx(), "ann", c.Rel(), told, "") },
		"reject":  func() error { return w.Reject(w.ctx(), "ann", c.Rel(), told, "no") },
		"keep":    func() error { return w.Keep(w.ctx(), "ann", "invite", "", "x", "", "1") },
		"trial":   func() error { _, err := w.Trial(w.ctx(), "ann", gatewaytest.NewMemory(), time.Second); return err },
	} {
		if err := act(); !errors.Is(err, full) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if len(system.Proposals()) != 1 {
		t.Error("something was decided")
	}
	if v, err := w.Kept(w.ctx(), "x"); v != "" || err != nil {
		t.Errorf("kept %q, %v", v, err)
	}
}

// The desk sees that the system is down, since when, and that it is back.
func TestConnection(t *testing.T) {
	w := memory(t)
	c := w.meet("mia")
	b := w.agree(c)
	w.crm.fail = func(string) error { return errDown }
	tell(t, c, "email", "x@new.example", b)
	w.exchange(c)
	conn, err := w.Connection(w.ctx())
	if err != nil || len(conn.Systems) != 1 || len(conn.Chain) != 1 {
		t.Fatalf("%+v, %v", conn, err)
	}
	if s := conn.Systems[0]; s.Trouble == "" || !s.Since.Equal(w.now) || s.Failing != 1 || !s.Down() {
		t.Errorf("%+v, %v", conn, err)
	}
	w.crm.fail = nil
	w.pass(time.Hour)
	conn, err = w.Connection(w.ctx())
	if s := conn.Systems[0]; err != nil || s.Failing != 0 || !s.Answer.Equal(w.now) || !s.Asked.Equal(w.now) || s.Down() {
		t.Errorf("%+v, %v", conn, err)
	}
	n, err := w.Numbers(w.ctx(), w.now.AddDate(0, 0, -1))
	if err != nil || n.Customers != 1 || n.Bound != 1 || n.Ended != 1 || n.Facts != 1 || n.ByMachine != 1 || n.P95 != time.Hour {
		t.Errorf("%+v, %v", n, err)
	}
}
