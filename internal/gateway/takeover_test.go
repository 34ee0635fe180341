package gateway_test

import (
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/gatewaytest"
)

// from is a world in which the company has a customer C-1 from before.
func from(w *world) *world {
	w.crm.customer("C-1", "mia@example.org", map[string]firsthand.Value{"email": firsthand.Text("mia@example.org"), "address": firsthand.Text("Old Road 1")})
	return w
}

// stated is a change of what the company has from before.
func stated(t testing.TB, c *gatewaytest.Customer, fact, value string) firsthand.ID {
	t.Helper()
	return c.Write(t, &firsthand.Change{Fact: fact, Value: firsthand.Text(value), Basis: firsthand.Basis{Right: "GDPR 16"}})
}

func TestClaimToBound(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		from(w)
		c := w.meet("mia")
		w.claim(c, "C-1")
		ch := c.State.Claims[0].Challenge
		if ch == nil || ch.Say.To != "m•••@example.org" || ch.Say.Way != "code" {
			t.Fatalf("challenge = %+v", ch)
		}
		code := w.crm.lastCode()
		w.prove(c, " "+strings.ToLower(code[:4])+code[5:]) // as people type
		if b := c.State.Binding; b == nil || b.Record != "C-1" || b.System != "CRM" {
			t.Fatalf("binding = %+v", b)
		}
		change := stated(t, c, "address", "New Road 2")
		w.exchange(c)
		w.wantApplied(c, change, "C-1")
		if w.crm.records["C-1"]["address"].Text != "New Road 2" {
			t.Errorf("the system has %v", w.crm.records["C-1"])
		}
		w.wantSound(c)
		if len(w.due()) != 0 {
			t.Errorf("due = %+v", w.due())
		}
	})
}

// What she says of a record before she has proved that it is hers is a proposal,
// and is written when she has.
func TestChangeBeforeProofIsAProposal(t *testing.T) {
	w := from(memory(t))
	c := w.meet("mia")
	change := stated(t, c, "address", "New Road 2")
	w.exchange(c)
	if got := w.crm.records["C-1"]["address"].Text; got != "Old Road 1" || len(w.crm.records) != 1 {
		t.Fatalf("written before the proof: %v", w.crm.records)
	}
	if r := w.crm.requests[0]; !r.Proposal || !r.Record.IsZero() {
		t.Errorf("request = %+v", r)
	}
	if d := w.wantHeld(gateway.Proposed); d.Entry != change {
		t.Errorf("proposed = %+v", d)
	}
	w.bind(c, "C-1")
	w.exchange(c)
	w.wantApplied(c, change, "C-1")
	if got := w.crm.records["C-1"]["address"].Text; got != "New Road 2" {
		t.Errorf("the system has %q", got)
	}
	w.wantSound(c)
}

// A person decides while the proof is on its way: what she decided stands, whether
// the gateway hears of it before the proof or after.
func TestDecidedBeforeTheProof(t *testing.T) {
	for _, tt := range []struct {
		name, record, reason string
		told                 bool // before the proof
		applied, refused     bool // else it is held
	}{
		{name: "written", record: "C-1", told: true, applied: true},
		{name: "written, told late", record: "C-1", applied: true},
		{name: "written elsewhere", record: "C-2", told: true},
		{name: "written elsewhere, told late", record: "C-2"},
		{name: "declined", reason: "We could not reach you.", told: true, refused: true},
		{name: "declined, told late", reason: "We could not reach you.", refused: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := from(memory(t))
			w.crm.customer("C-2", "", map[string]firsthand.Value{"address": firsthand.Text("Their Road 3")})
			c := w.meet("mia")
			change := stated(t, c, "address", "New Road 2")
			w.exchange(c)
			decision := w.crm.decide(w.crm.requests[0], tt.record, tt.reason)
			if tt.told {
				w.crm.happens(decision)
				w.pass(time.Hour)
			}
			w.bind(c, "C-1")
			if !tt.told {
				w.crm.happens(decision)
			}
			w.pass(time.Hour)
			w.exchange(c)
			switch o := c.State.Outcomes[change]; {
			case tt.applied:
				w.wantApplied(c, change, "C-1")
			case tt.refused:
				w.wantRefused(c, change)
			case o != nil:
				t.Errorf("outcome = %+v", o)
			default:
				if d := w.wantHeld(gateway.Held); d.Entry != change {
					t.Errorf("held = %+v", d)
				}
			}
			if due := w.due(); (tt.applied || tt.refused) && len(due) != 0 {
				t.Errorf("due = %+v", due)
			}
			w.wantSound(c)
		})
	}
}

// A stranger who knows a customer number gets nowhere.
func TestStranger(t *testing.T) {
	w := from(memory(t))
	thief := w.meet("thief")
	change := stated(t, thief, "email", "thief@example.net")
	w.claim(thief, "C-1")
	right := w.crm.lastCode()
	for i := range 5 {
		wrong := "AAAA-AAA" + string(rune('A'+i))
		if wrong == right {
			wrong = "BBBB-BBBB"
		}
		w.prove(thief, wrong)
	}
	// Five wrong ones, and the right one is no longer good.
	w.prove(thief, right)
	if thief.State.Binding != nil {
		t.Fatal("bound after too many wrong codes")
	}
	w.wantHeld(gateway.Held)
	if got := w.crm.records["C-1"]["email"].Text; got != "mia@example.org" || thief.State.Outcomes[change] != nil {
		t.Errorf("the record has %q, outcome %+v", got, thief.State.Outcomes[change])
	}
	w.wantSound(thief)
}

// Many tries in one call are as many tries.
func TestTriesInOneCall(t *testing.T) {
	w := from(memory(t))
	thief := w.meet("thief")
	w.claim(thief, "C-1")
	ch := thief.State.Claims[0].Challenge.Entry
	for range 5 {
		thief.Write(t, &firsthand.Proof{Challenge: ch, Code: "AAAA-AAAA"})
	}
	thief.Write(t, &firsthand.Proof{Challenge: ch, Code: w.crm.lastCode()})
	w.exchange(thief)
	if thief.State.Binding != nil {
		t.Fatal("bound by the sixth try")
	}
}

// A code is good for one claim of one relationship, once.
func TestCodeReplay(t *testing.T) {
	w := from(memory(t))
	mia, thief := w.meet("mia"), w.meet("thief")
	w.claim(mia, "C-1")
	code := w.crm.lastCode()
	w.claim(thief, "C-1") // a message goes to Mia, not to the thief
	w.prove(thief, code)
	if thief.State.Binding != nil {
		t.Fatal("bound by another's code")
	}
	w.prove(mia, code)
	if mia.State.Binding == nil {
		t.Fatal("her own code is not good any more")
	}
	// The thief's next claim, with the code of a bound one.
	w.claim(thief, "C-1")
	w.prove(thief, code)
	if thief.State.Binding != nil {
		t.Error("bound by a used code")
	}
	// A fourth message to one contact in a day isn't sent.
	for range 3 {
		w.claim(thief, "C-1")
	}
	if n := len(w.crm.order); n != 3 {
		t.Errorf("%d messages to the contact on record, want 3", n)
	}
	if d := w.wantHeld(gateway.Held); !strings.Contains(d.Why, "within a day") {
		t.Errorf("held: %s", d.Why)
	}
}

// A proof is judged once, however often the relationship is looked at.
func TestProofIsJudgedOnce(t *testing.T) {
	w := from(memory(t))
	m := w.store.(*gatewaytest.Memory)
	c := w.meet("mia")
	w.claim(c, "C-1")
	w.prove(c, "AAAA-AAAA")
	said := len(c.State.Messages)
	for range 6 {
		m.Restore(m.Snapshot(), w.now)
		w.restart()
		w.pass(firsthand.CallTolerance)
		w.exchange(c)
	}
	if n := len(c.State.Messages); n != said {
		t.Errorf("%d messages, want %d", n, said)
	}
	w.prove(c, w.crm.lastCode())
	if c.State.Binding == nil {
		t.Error("the right code is not good any more")
	}
}

func TestCodeEnds(t *testing.T) {
	w := from(memory(t))
	c := w.meet("mia")
	w.claim(c, "C-1")
	w.pass(9 * 24 * time.Hour)
	w.prove(c, w.crm.lastCode())
	if c.State.Binding != nil {
		t.Error("bound by a code that had ended")
	}
}

// Claims that fit nothing or several records, or whose record can't be written to,
// look the same from outside: nothing comes back.
func TestClaimsForAnOperator(t *testing.T) {
	w := from(memory(t))
	w.crm.customer("C-2", "", nil)
	w.crm.customer("F/1", "a@example.org", nil)
	w.crm.customer("F/2", "b@example.org", nil)
	for _, number := range []string{"C-9", "C-2", "F"} {
		c := w.meet("who " + number)
		heads := w.heads(c)
		claim := w.claim(c, number)
		if got := w.heads(c); got[1] != heads[1] {
			t.Errorf("claim of %s: the company said something", number)
		}
		if d := w.wantHeld(gateway.Held); d.Entry != claim {
			t.Errorf("claim of %s: due = %+v", number, w.due())
		}
		if number == "F" { // an operator knows which of the two she is
			if err := w.Challenge(w.ctx(), "ann", c.Rel(), claim, "F/2"); err != nil {
				t.Fatal(err)
			}
			w.exchange(c)
			w.prove(c, w.crm.lastCode())
			if b := c.State.Binding; b == nil || b.Record != "F/2" {
				t.Errorf("binding = %+v", b)
			}
		}
		if err := w.Refuse(w.ctx(), "ann", c.Rel(), claim, "unknown"); number != "F" && err != nil {
			t.Fatal(err)
		}
	}
}

// The contact on record hears of a change of it before it is made, and not at the
// new address.
func TestOldContactIsTold(t *testing.T) {
	w := from(memory(t))
	c := w.meet("mia")
	w.bind(c, "C-1")
	change := stated(t, c, "email", "new@example.org")
	w.exchange(c)
	w.wantApplied(c, change, "C-1")
	other := stated(t, c, "shoe_size", "38")
	w.exchange(c)
	w.wantApplied(c, other, "C-1")
	if got := strings.Join(w.crm.order, " "); got != "mia@example.org mia@example.org" { // the code, the warning
		t.Errorf("told: %s", got)
	}
	// While nobody can be told, nothing is changed.
	w.crm.fail = func(call string) error {
		if call == "notify" {
			return errDown
		}
		return nil
	}
	stated(t, c, "phone", "0471")
	w.exchange(c)
	if v, ok := w.crm.records["C-1"]["phone"]; ok {
		t.Errorf("changed to %v before anybody was told", v)
	}
	w.crm.fail = nil
	w.pass(time.Hour)
	if got := w.crm.records["C-1"]["phone"].Text; got != "0471" {
		t.Errorf("phone = %q", got)
	}
}

// A message that was prepared is sent once, also when sending is repeated; after a
// crash it is replaced by another with another code.
func TestCodeSurvivesCrash(t *testing.T) {
	for _, crash := range []bool{false, true} {
		w := from(memory(t))
		c := w.meet("mia")
		c.Write(t, &firsthand.Claim{Record: "C-1"})
		w.crm.fail = func(call string) error {
			if call == "notify" {
				return errDown
			}
			return nil
		}
		w.exchange(c)
		if crash {
			w.restart()
		}
		w.crm.fail = nil
		w.pass(time.Hour)
		w.exchange(c)
		w.prove(c, w.crm.lastCode())
		if c.State.Binding == nil {
			t.Errorf("crash %v: not bound", crash)
		}
		if len(w.crm.order) != 1 {
			t.Errorf("crash %v: %d messages", crash, len(w.crm.order))
		}
	}
}

// A record that was made for her before she proved to have another is pointed out.
func TestTwoRecords(t *testing.T) {
	w := from(memory(t))
	c := w.meet("mia")
	told := tell(t, c, "phone", "0471", firsthand.Basis{Exception: "call me"})
	w.exchange(c)
	w.wantApplied(c, told, "N-2")
	w.bind(c, "C-1")
	d := w.wantHeld(gateway.Held)
	if d.Task != gateway.Merge || d.Ref.ID != "N-2" {
		t.Errorf("due = %+v", d)
	}
	if err := w.Apply(w.ctx(), "ann", c.Rel(), d.Entry, ""); err != nil {
		t.Fatal(err)
	}
	if len(w.due()) != 0 {
		t.Errorf("due = %+v", w.due())
	}
}
