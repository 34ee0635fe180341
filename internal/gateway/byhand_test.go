package gateway_test

import (
	"strings"
	"testing"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/gateway"
)

// A system that can find nobody, and send nothing: an operator looks who she is, and gives
// her a code.
func TestCodeByHand(t *testing.T) {
	w := from(memory(t))
	w.change = func(o *gateway.Options) { o.Connector = plain{w.crm} }
	w.restart()
	c := w.meet("mia")
	change := c.Write(t, &firsthand.Change{Fact: "address", Value: firsthand.Text("New Road 5"), Old: firsthand.Text("Old Road 1"), Basis: firsthand.Basis{Right: "GDPR 16"}})
	w.exchange(c)
	if r := w.crm.requests[0]; !r.Proposal || !r.Record.IsZero() {
		t.Fatalf("before she has proved anything the system was given %+v", r)
	}
	claim := w.claim(c, "C-1")
	held := func() (d gateway.Duty) {
		for _, d = range w.due() {
			if d.Task == gateway.Verify {
				return d
			}
		}
		return gateway.Duty{}
	}
	if d := held(); d.Status != gateway.Held || !strings.Contains(d.Why, "can't send codes") || c.State.Claims[0].Challenge != nil {
		t.Fatalf("held = %+v, challenge = %+v", d, c.State.Claims[0].Challenge)
	}
	if err := w.Challenge(w.ctx(), "ann", c.Rel(), claim, "C-1"); err != nil { // which can't be
		t.Fatal(err)
	}
	w.exchange(c)
	if d := held(); d.Status != gateway.Held || c.State.Claims[0].Challenge != nil {
		t.Fatalf("held = %+v, challenge = %+v", d, c.State.Claims[0].Challenge)
	}
	for _, args := range [][2]string{{"", "a call"}, {"C-1", " \n"}} {
		if _, err := w.CodeByHand(w.ctx(), "ann", c.Rel(), claim, args[0], args[1]); fault.KindOf(err) != fault.Invalid {
			t.Errorf("code for %q by %q: %v", args[0], args[1], err)
		}
	}
	if _, err := w.CodeByHand(w.ctx(), "ann", c.Rel(), change, "C-1", "a call"); err == nil {
		t.Error("a code proves a change")
	}
	give := func() string {
		t.Helper()
		code, err := w.CodeByHand(w.ctx(), "ann", c.Rel(), claim, "C-1", "a call to the number\nthat we have")
		if err != nil {
			t.Fatal(err)
		}
		w.exchange(c)
		return code
	}
	first := give()
	if ch := c.State.Claims[0].Challenge; ch == nil || ch.Say.Way != "code" || ch.Say.To != "a call to the number that we have" {
		t.Fatalf("challenge = %+v", ch)
	}
	if c.State.Binding != nil {
		t.Fatal("bound, and nobody has proved anything")
	}
	second := give() // the first was lost
	w.prove(c, first)
	if c.State.Binding != nil {
		t.Fatal("bound by a code that another has replaced")
	}
	w.prove(c, second)
	if b := c.State.Binding; b == nil || b.Record != "C-1" {
		t.Fatalf("binding = %+v", b)
	}
	w.exchange(c)
	if got := w.crm.records["C-1"]["address"].Text; got != "New Road 5" {
		t.Errorf("with the proof the record has %q", got)
	}
	if _, err := w.CodeByHand(w.ctx(), "ann", c.Rel(), claim, "C-1", "a call"); fault.KindOf(err) != fault.NotExist {
		t.Errorf("a code for what is proved: %v", err)
	}
	audit, err := w.store.Audit(w.ctx(), c.Rel())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range audit {
		if strings.Contains(a.Note, second) {
			t.Errorf("the audit has the code: %+v", a)
		}
	}
	if last := audit[len(audit)-1]; last.By != "ann" || last.Act != "code" || !strings.Contains(last.Note, "C-1") {
		t.Errorf("audit = %+v", last)
	}
	w.wantSound(c)
}
