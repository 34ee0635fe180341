package gateway_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
	"firsthand/internal/gateway"
)

// A failure that passes is repeated; one that doesn't stops the line of its
// relationship, and no other.
func TestFailures(t *testing.T) {
	w := memory(t)
	c, d := w.meet("mia"), w.meet("noor")
	exception := firsthand.Basis{Exception: "once"}
	w.crm.fail = func(call string) error {
		if call == "deliver" {
			return errDown
		}
		return nil
	}
	told := tell(t, c, "name", "Mia", exception)
	w.exchange(c)
	if due := w.due(); len(due) != 1 || due[0].Tries != 1 || due[0].Status != gateway.Waiting {
		t.Fatalf("due = %+v", due)
	}
	calls := w.crm.calls["deliver"]
	w.pass(time.Second) // sooner than the pause
	if w.crm.calls["deliver"] != calls {
		t.Error("repeated at once")
	}
	w.crm.fail = func(call string) error {
		if call == "deliver" {
			return errors.New("field phone is read-only")
		}
		return nil
	}
	w.pass(time.Hour)
	held := w.wantHeld(gateway.Stopped)
	if !strings.Contains(held.Why, "read-only") {
		t.Errorf("why = %q", held.Why)
	}
	behind := tell(t, c, "shoe_size", "38", exception)
	w.exchange(c)
	w.crm.fail = nil
	w.pass(time.Hour)
	if c.State.Outcomes[behind] != nil {
		t.Error("what stands behind a stopped delivery was done")
	}
	other := tell(t, d, "name", "Noor", exception)
	w.exchange(d)
	w.wantApplied(d, other, "N-1")

	if err := w.Retry(w.ctx(), "ann", c.Rel(), told); err != nil {
		t.Fatal(err)
	}
	w.exchange(c)
	w.wantApplied(c, told, "N-2")
	w.wantApplied(c, behind, "N-2")
	w.wantSound(c)
}

// A system without tickets leaves what is said in words to an operator, and takes
// the rest.
func TestNoPlace(t *testing.T) {
	w := memory(t)
	c := w.meet("mia")
	w.crm.unsupported = "message"
	question := c.Say(t, "Where is my parcel?")
	told := tell(t, c, "name", "Mia", firsthand.Basis{Exception: "once"})
	w.exchange(c)
	w.wantApplied(c, told, "N-1")
	if held := w.wantHeld(gateway.Held); held.Entry != question || !strings.Contains(held.Why, "no place") {
		t.Fatalf("held = %+v", held)
	}
	if err := w.Apply(w.ctx(), "ann", c.Rel(), question, ""); err != nil {
		t.Fatal(err)
	}
	w.exchange(c)
	if o := c.State.Outcomes[question]; o == nil || !o.Applied {
		t.Errorf("outcome = %+v", o)
	}
	w.wantSound(c)
}

// What an operator decides while the system is being called stands.
func TestOperatorWhileDelivering(t *testing.T) {
	w := memory(t)
	c := w.meet("mia")
	told := tell(t, c, "name", "Mia", firsthand.Basis{Exception: "once"})
	c.Sync(t, w)
	w.crm.fail = func(call string) error {
		if call == "deliver" {
			if err := w.Refuse(w.ctx(), "ann", c.Rel(), told, "We don't want it."); err != nil {
				t.Error(err)
			}
		}
		return nil
	}
	w.exchange(c)
	w.wantRefused(c, told)
	if d, err := w.store.Delivery(w.ctx(), c.Rel(), 2, gateway.Deliver); err != nil || d.Status != gateway.Declined {
		t.Errorf("delivery = %+v, %v", d, err)
	}
	w.wantSound(c)
}

// One relationship is one worker's at a time.
func TestOneAtATime(t *testing.T) {
	w := memory(t)
	twice := &nested{crm: w.crm, w: w}
	w.change = func(o *gateway.Options) { o.Connector, o.Poll = twice, time.Hour }
	w.restart()
	c := w.meet("mia")
	c.Say(t, "one")
	c.Say(t, "two")
	c.Sync(t, w)
	w.idle()
	if twice.worked || len(w.crm.requests) != 2 || w.crm.requests[0].Text != "one" {
		t.Errorf("worked %v, requests %+v", twice.worked, w.crm.requests)
	}
}

// nested steps on while it delivers, as another worker would.
type nested struct {
	*crm
	w      *world
	inside bool
	worked bool
}

func (n *nested) Deliver(ctx context.Context, r connector.Request) (connector.Result, error) {
	if !n.inside {
		n.inside = true
		worked, _, err := n.w.Step(ctx)
		n.worked, n.inside = n.worked || worked, false
		if err != nil {
			return connector.Result{}, err
		}
	}
	return n.crm.Deliver(ctx, r)
}

// The system that is down isn't called for each relationship in turn.
func TestBreaker(t *testing.T) {
	w := memory(t)
	w.crm.fail = func(call string) error {
		if call == "deliver" {
			return errDown
		}
		return nil
	}
	for i := range 20 {
		c := w.meet(string(rune('a' + i)))
		c.Say(t, "hello")
		c.Sync(t, w)
	}
	w.idle()
	if n := w.crm.calls["deliver"]; n != 5 {
		t.Errorf("%d calls of a system that is down, want 5", n)
	}
	w.crm.fail = nil
	w.pass(time.Minute)
	w.pass(time.Minute)
	if n := len(w.crm.requests); n != 20 {
		t.Errorf("%d delivered, want 20", n)
	}
}

// A value that is not the one she gave is not said to be applied.
func TestReadBackDiffers(t *testing.T) {
	w := memory(t)
	c := w.meet("mia")
	w.crm.mangle = func(v firsthand.Value) firsthand.Value { return firsthand.Text(strings.ToUpper(v.Text)) }
	told := tell(t, c, "name", "Mia", firsthand.Basis{Exception: "once"})
	w.exchange(c)
	if o := c.State.Outcomes[told]; o != nil {
		t.Fatalf("outcome = %+v", o)
	}
	w.wantHeld(gateway.Held)
	// An operator who says that it is right is not believed until it is.
	for _, value := range []string{"MIA", "Mia"} {
		w.crm.records["N-1"]["name"] = firsthand.Text(value)
		if err := w.Apply(w.ctx(), "ann", c.Rel(), told, ""); err != nil {
			t.Fatal(err)
		}
		w.exchange(c)
		if o := c.State.Outcomes[told]; (o != nil) != (value == "Mia") {
			t.Errorf("with %s: outcome = %+v", value, o)
		}
	}
	w.wantSound(c)
}

// What a system that can't be read has reported is marked so.
func TestReported(t *testing.T) {
	w := memory(t)
	c := w.meet("mia")
	w.crm.unreadable = true
	told := tell(t, c, "name", "Mia", firsthand.Basis{Exception: "once"})
	w.exchange(c)
	w.wantApplied(c, told, "N-1")
	if !c.State.Outcomes[told].Reported {
		t.Error("not marked as reported")
	}
	w.crm.mangle = func(firsthand.Value) firsthand.Value { return firsthand.Text("x") }
	other := tell(t, c, "phone", "0471", firsthand.Basis{Exception: "once"})
	w.exchange(c)
	if c.State.Outcomes[other] != nil {
		t.Error("applied, though the report has another value")
	}
	w.wantSound(c)
}

// Without a system everything is done by hand, and said.
func TestByHand(t *testing.T) {
	w := memory(t)
	w.change = func(o *gateway.Options) { o.Connector = nil }
	w.restart()
	c := w.meet("mia")
	told := tell(t, c, "name", "Mia", firsthand.Basis{Exception: "once"})
	gone := tell(t, c, "phone", "0471", firsthand.Basis{Exception: "once"})
	w.claim(c, "C-1")
	w.exchange(c)
	if len(w.due()) != 3 {
		t.Fatalf("due = %+v", w.due())
	}
	for _, err := range []error{
		w.Apply(w.ctx(), "ann", c.Rel(), told, "C-1"),
		w.Refuse(w.ctx(), "ann", c.Rel(), gone, "We have no place for it."),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	w.exchange(c)
	if o := c.State.Outcomes[told]; o == nil || !o.Applied || !o.Reported || o.Record != "C-1" {
		t.Errorf("outcome = %+v", o)
	}
	w.wantRefused(c, gone)
	c.Write(t, &firsthand.Withdraw{Disclosure: told})
	w.exchange(c)
	d := w.wantHeld(gateway.Held)
	for _, d := range w.due() {
		if d.Task == gateway.Redact {
			if err := w.Apply(w.ctx(), "ann", c.Rel(), d.Entry, ""); err != nil {
				t.Error(err)
			}
		}
	}
	w.exchange(c)
	if h := c.State.Holding(told); h != nil && h.Fact != "" {
		t.Errorf("not erased: %+v; %+v", h, d)
	}
	w.wantSound(c)
}

// Every act is in the audit, before it is done, and nobody acts without a name.
func TestAudit(t *testing.T) {
	w := memory(t)
	c := w.meet("mia")
	if _, err := w.Show(w.ctx(), "", c.Rel()); fault.KindOf(err) != fault.Invalid {
		t.Errorf("show by nobody: %v", err)
	}
	f, err := w.Show(w.ctx(), "ann", c.Rel())
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Audit) != 1 || f.Audit[0].By != "ann" || f.Audit[0].Act != "show" {
		t.Errorf("audit = %+v", f.Audit)
	}
	_ = w.Apply(w.ctx(), "bob", c.Rel(), firsthand.ID{9}, "") // there is no such entry; that he tried is kept
	if audit, _ := w.store.Audit(w.ctx(), c.Rel()); len(audit) != 2 || audit[1].By != "bob" {
		t.Errorf("audit = %+v", audit)
	}
	if err := w.Say(w.ctx(), "ann", c.Rel(), &firsthand.Applied{Entry: firsthand.ID{1}, System: "x"}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("applied said by hand: %v", err)
	}
	if _, err := w.Show(w.ctx(), "ann", firsthand.ID{9}); fault.KindOf(err) != fault.NotExist {
		t.Errorf("show of nothing: %v", err)
	}
}

// What staff does in the system comes to the customer, once; our own writes don't.
func TestChangesInTheSystem(t *testing.T) {
	w := from(memory(t))
	c := w.meet("mia")
	w.bind(c, "C-1")
	question := c.Say(t, "Where is my parcel?")
	w.exchange(c)
	reply := connector.Change{ID: "r1", Relationship: c.Rel(), Ref: connector.Ref{System: "CRM", ID: "T-1"}, Of: question, Author: "Ann", Text: "It is on its way."}
	w.crm.happens(reply)
	w.crm.happens(reply) // the same once more
	w.pass(time.Minute)
	w.exchange(c)
	if n := len(c.State.Messages); n != 2 {
		t.Fatalf("%d messages, want 2", n)
	}
	if m := c.State.Messages[1]; m.Say.From != "Ann" || m.Say.Thread != question || m.Side != firsthand.Second {
		t.Errorf("message = %+v", m.Say)
	}

	solved := connector.Change{ID: "r2", Relationship: c.Rel(), Ref: reply.Ref, Of: question, Author: "Ann", Resolved: true}
	w.crm.happens(solved)
	solved.ID, solved.Of = "r3", firsthand.ID{} // of nothing that she wrote
	w.crm.happens(solved)
	w.pass(time.Minute)
	w.exchange(c)
	if n := len(c.State.Messages); n != 3 {
		t.Fatalf("%d messages, want 3", n)
	}
	if m := c.State.Messages[2]; !m.Say.Resolved || m.Say.Thread != question || m.Say.From != "Ann" || m.Say.Text == "" {
		t.Errorf("message = %+v", m.Say)
	}

	change := stated(t, c, "address", "New Road 2")
	w.exchange(c)
	w.wantApplied(c, change, "C-1")
	before := w.heads(c)
	echo := connector.Change{Ref: connector.Ref{System: "CRM", ID: "C-1"}, Fact: "address", Value: firsthand.Text("New Road 2"), At: w.now}
	w.crm.happens(echo)
	w.pass(time.Minute)
	w.exchange(c)
	if w.heads(c) != before {
		t.Error("an echo of our own write came to her")
	}
	w.crm.records["C-1"]["address"] = firsthand.Text("Staff Street 3")
	echo.Value = firsthand.Text("overtaken")
	w.crm.happens(echo)
	w.crm.happens(echo)
	w.pass(time.Minute)
	w.exchange(c)
	var holds []string
	for _, h := range c.State.Holdings {
		if h.Origin == firsthand.Observed {
			holds = append(holds, h.Value.Text)
		}
	}
	if len(holds) != 1 || holds[0] != "Staff Street 3" {
		t.Errorf("holds = %v", holds)
	}
	// A record that is not hers is none of her business.
	stranger := w.meet("stranger")
	stranger.Write(t, &firsthand.Claim{Record: "C-1"})
	w.exchange(stranger)
	before = w.heads(stranger)
	echo.Relationship = stranger.Rel()
	w.crm.records["C-1"]["address"] = firsthand.Text("Elsewhere 4")
	w.crm.happens(echo)
	w.pass(time.Minute)
	w.exchange(stranger)
	if w.heads(stranger) != before {
		t.Error("a stranger was told what is in the record")
	}
	w.wantSound(c)
}

// A person in the system decides about what was only proposed.
func TestDecidedByAPerson(t *testing.T) {
	w := memory(t)
	c := w.meet("mia")
	w.crm.person = true
	yes := tell(t, c, "name", "Mia", firsthand.Basis{Exception: "once"})
	no := tell(t, c, "shoe_size", "38", firsthand.Basis{Exception: "once"})
	request := c.Write(t, &firsthand.Request{Right: "access", Law: "GDPR", Due: "2026-12-21"})
	w.exchange(c)
	if c.State.Outcomes[yes] != nil || c.State.Outcomes[no] != nil {
		t.Fatal("applied before a person has decided")
	}
	w.crm.records["N-7"] = map[string]firsthand.Value{"name": firsthand.Text("Mia")}
	ref := connector.Ref{System: "CRM", ID: "N-7"}
	w.crm.happens(connector.Change{Relationship: c.Rel(), Of: yes, State: connector.Written, Ref: ref})
	w.crm.happens(connector.Change{Relationship: c.Rel(), Of: no, State: connector.Declined, Reason: "We don't sell shoes."})
	w.crm.happens(connector.Change{Relationship: c.Rel(), Of: request, State: connector.Declined, Reason: "Who are you?"})
	w.pass(time.Minute)
	w.exchange(c)
	w.wantApplied(c, yes, "N-7")
	w.wantRefused(c, no)
	if a := c.State.Requests[0].Answer; a == nil || a.Say.Outcome != "refused" || a.Say.Text != "Who are you?" {
		t.Errorf("answer = %+v", a)
	}
	if len(w.due()) != 0 {
		t.Errorf("due = %+v", w.due())
	}
	w.wantSound(c)
}

// During a pause nothing but duties is said; a reply waits for its end.
func TestPause(t *testing.T) {
	w := memory(t)
	c := w.meet("mia")
	question := c.Say(t, "Where is my parcel?")
	told := tell(t, c, "name", "Mia", firsthand.Basis{Exception: "once"})
	c.Write(t, &firsthand.Pause{Until: firsthand.DateOf(w.now.AddDate(0, 0, 3))})
	w.exchange(c)
	w.wantApplied(c, told, "N-1")
	w.crm.happens(connector.Change{Relationship: c.Rel(), Of: question, Text: "It is on its way.", At: w.now})
	w.pass(time.Minute)
	w.exchange(c)
	if len(c.State.Messages) != 1 {
		t.Fatal("a reply came during the pause")
	}
	w.pass(4 * 24 * time.Hour)
	w.exchange(c)
	if len(c.State.Messages) != 2 {
		t.Error("the reply was lost")
	}
	// A closed relationship has only duties left.
	c.Write(t, &firsthand.Close{})
	w.exchange(c)
	w.crm.happens(connector.Change{Relationship: c.Rel(), Of: question, Text: "Come back!", At: w.now})
	w.pass(time.Minute)
	w.exchange(c)
	if len(c.State.Messages) != 2 {
		t.Error("a message after the end")
	}
	w.wantSound(c)
}
