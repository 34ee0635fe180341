package gateway_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/gatewaytest"
)

// A heist is a world in which Mia is the customer C-1, and somebody else wants to be
// her. Mia has an app of her own, which she uses in some of the stories.
type heist struct {
	*world
	mia, thief *gatewaytest.Customer
}

// A takeover is one way in which accounts have been taken over. What the thief is given
// at the start is what such thieves have: her number, her name, her old phone.
type takeover struct {
	name   string
	signIn bool // the company has its customers sign in
	play   func(*heist)
	bound  bool // Mia is bound in the end, and has the change that she made
}

// TestTakeover plays the stories. In each, what stands in Mia's record is hers in the
// end, nobody else is bound to it, and nothing of it was said to anybody else.
func TestTakeover(t *testing.T) {
	if len(takeovers) < 20 {
		t.Fatalf("%d stories", len(takeovers))
	}
	for _, s := range takeovers {
		t.Run(s.name, func(t *testing.T) {
			w := from(memory(t))
			w.crm.customer("C-2", "zed@example.net", map[string]firsthand.Value{"email": firsthand.Text("zed@example.net")})
			if s.signIn {
				w.change = func(o *gateway.Options) { o.SignIn, o.SignInFirst = signIn, true }
				w.restart()
			}
			h := &heist{world: w, mia: w.meet("mia"), thief: w.meet("thief")}
			s.play(h)
			w.pass(time.Hour)
			w.exchange(h.thief)
			w.exchange(h.mia)
			h.safe(s.bound)
			w.wantSound(h.thief)
			w.wantSound(h.mia)
		})
	}
}

const (
	hers    = "mia@example.org"
	evil    = "thief@example.net"
	newHers = "mia@example.com"
)

// safe fails the test if the thief got anything.
func (h *heist) safe(bound bool) {
	t := h.t
	t.Helper()
	want := hers
	if bound {
		want = newHers
	}
	if got := h.crm.records["C-1"]["email"].Text; got != want {
		t.Errorf("her record has %q, want %q", got, want)
	}
	if got := h.crm.contacts["C-1"]; got != want {
		t.Errorf("the contact on record is %q, want %q", got, want)
	}
	if b := h.thief.State.Binding; b != nil && b.Record == "C-1" {
		t.Error("the thief is bound to her record")
	}
	if b := h.mia.State.Binding; (b != nil) != bound {
		t.Errorf("Mia's binding is %+v", b)
	}
	for _, to := range h.crm.order {
		if to == evil {
			t.Error("something was sent to the thief")
		}
	}
	for _, e := range h.thief.Second {
		for _, secret := range []string{hers, newHers, "Old Road 1", "0471"} {
			if strings.Contains(string(e.Body), secret) {
				t.Errorf("the thief was told %q in %s", secret, e.Kind())
			}
		}
	}
}

// steal is what the thief would do with the record.
func (h *heist) steal() firsthand.ID { return stated(h.t, h.thief, "email", evil) }

// moves is Mia with a new address, bound with her code.
func (h *heist) moves() {
	h.bind(h.mia, "C-1")
	change := stated(h.t, h.mia, "email", newHers)
	h.exchange(h.mia)
	h.wantApplied(h.mia, change, "C-1")
}

// typed has the thief type a code into his last claim, if it was challenged.
func (h *heist) typed(code string) {
	claims := h.thief.State.Claims
	if len(claims) == 0 || claims[len(claims)-1].Challenge == nil {
		return
	}
	h.prove(h.thief, code)
}

var takeovers = []takeover{
	{name: "he knows her customer number", play: func(h *heist) {
		h.steal()
		h.claim(h.thief, "C-1")
	}},
	{name: "he guesses customer numbers", play: func(h *heist) {
		h.steal()
		for _, number := range []string{"C-0", "C-3", "C", "C-", "*", "%", "C-1 OR 1=1", "c-1"} {
			h.claim(h.thief, number)
			h.typed("0000-0000")
		}
	}},
	{name: "he guesses the code", play: func(h *heist) {
		h.steal()
		h.claim(h.thief, "C-1")
		for _, code := range []string{"0000-0000", "ZZZZ-ZZZZ", "1234-5678", "", "C-1", "--------"} {
			if code != "" {
				h.typed(code)
			}
		}
	}},
	{name: "he guesses on and on, with one claim after the other", play: func(h *heist) {
		h.steal()
		for range 20 {
			h.claim(h.thief, "C-1")
			for range 5 {
				h.typed("0000-0000")
			}
		}
		if n := len(h.crm.order); n > 3 {
			h.t.Errorf("%d messages to her in a day", n)
		}
	}},
	{name: "he guesses with many identities", play: func(h *heist) {
		for i := range 12 {
			c := h.meet(fmt.Sprint("another ", i))
			h.claim(c, "C-1")
			if ch := c.State.Claims[0].Challenge; ch != nil {
				h.prove(c, "0000-0000")
			}
			if c.State.Binding != nil {
				h.t.Error("bound")
			}
		}
		if n := len(h.crm.order); n > 3 {
			h.t.Errorf("%d messages to her in a day", n)
		}
		h.steal()
	}},
	{name: "he has the address that she had before: it was given to him since", play: func(h *heist) {
		// The company knows her by a newer one; the old one only fits his claim.
		h.crm.contacts["C-1"] = hers
		h.steal()
		h.claim(h.thief, evil)
		h.typed("0000-0000")
	}},
	{name: "he has taken over her telephone number", play: func(h *heist) {
		h.crm.records["C-1"]["phone"] = firsthand.Text("0471")
		h.steal()
		h.claim(h.thief, "0471")
		h.claim(h.thief, "C-1") // the code goes to the contact on record, and that is her mail
		h.typed("0471")
	}},
	{name: "he says first where the code shall go", play: func(h *heist) {
		h.thief.Write(h.t, &firsthand.Disclose{Fact: "email", Value: firsthand.Text(evil), Purpose: service, Basis: firsthand.Basis{Exception: "for the code"}})
		h.exchange(h.thief)
		h.claim(h.thief, "C-1")
		h.typed("0000-0000")
	}},
	{name: "he changes the contact, and claims afterwards", play: func(h *heist) {
		h.steal()
		h.exchange(h.thief)
		h.claim(h.thief, "C-1")
		h.steal()
		h.claim(h.thief, "C-1")
	}},
	{name: "both claim at once", bound: true, play: func(h *heist) {
		h.steal()
		h.thief.Write(h.t, &firsthand.Claim{Record: "C-1"})
		h.mia.Write(h.t, &firsthand.Claim{Record: "C-1"})
		h.mia.Sync(h.t, h)
		h.thief.Sync(h.t, h)
		h.pass(0)
		h.exchange(h.thief)
		h.exchange(h.mia)
		code := h.crm.codeOf(h.mia.State.Claims[0].Entry)
		h.typed(code)
		h.prove(h.mia, code)
		change := stated(h.t, h.mia, "email", newHers)
		h.exchange(h.mia)
		h.wantApplied(h.mia, change, "C-1")
	}},
	{name: "he replays the code of her claim", bound: true, play: func(h *heist) {
		h.steal()
		h.moves()
		used := h.crm.lastCode()
		h.claim(h.thief, "C-1")
		h.typed(used)
	}},
	{name: "he reads an old code of hers", play: func(h *heist) {
		h.claim(h.mia, "C-1")
		old := h.crm.lastCode()
		h.pass(9 * 24 * time.Hour)
		h.steal()
		h.claim(h.thief, "C-1")
		h.typed(old)
	}},
	{name: "he looks over her shoulder, and types her code before she does", play: func(h *heist) {
		claim := h.claim(h.mia, "C-1")
		h.steal()
		h.claim(h.thief, "C-1")
		h.typed(h.crm.codeOf(claim))
	}},
	{name: "he is bound to his own record, and names hers", play: func(h *heist) {
		h.bind(h.thief, "C-2")
		h.thief.Write(h.t, &firsthand.Claim{Record: "C-1"})
		h.exchange(h.thief)
		h.steal() // of his own record
		h.exchange(h.thief)
		if got := h.crm.records["C-2"]["email"].Text; got != evil {
			h.t.Errorf("his own record has %q", got)
		}
		h.crm.order = nil // what went to his own contact
	}},
	{name: "he comes back with a gateway that was restored", play: func(h *heist) {
		m := h.store.(*gatewaytest.Memory)
		h.steal()
		h.claim(h.thief, "C-1")
		for range 3 {
			h.typed("0000-0000")
		}
		m.Restore(m.Snapshot(), h.now)
		h.restart()
		h.pass(firsthand.CallTolerance)
		h.exchange(h.thief)
		for range 2 {
			h.typed("0000-0000")
		}
		h.typed(h.crm.lastCode()) // not good any more, even if he had it
	}},
	{name: "he has somebody at the company wave his proposal through", play: func(h *heist) {
		change := h.steal()
		h.exchange(h.thief)
		if err := h.Apply(h.ctx(), "ann", h.thief.Rel(), change, ""); err != nil { // to no record
			h.t.Error(err)
		}
		h.exchange(h.thief)
		if o := h.thief.State.Outcomes[change]; o != nil {
			h.t.Errorf("applied to nothing: %+v", o)
		}
		if err := h.Refuse(h.ctx(), "ann", h.thief.Rel(), change, "We do not know you."); err != nil {
			h.t.Error(err)
		}
	}},
	{name: "he floods her with codes until she gives one away by tiredness", play: func(h *heist) {
		h.steal()
		for range 30 {
			h.claim(h.thief, "C-1")
		}
		if n := len(h.crm.order); n > 3 {
			h.t.Errorf("%d messages to her in a day", n)
		}
		h.wantHeld(gateway.Held)
	}},
	{name: "she has moved on: the contact on record was changed by staff while his code was on its way", play: func(h *heist) {
		h.steal()
		h.claim(h.thief, "C-1")
		h.pass(8 * 24 * time.Hour) // the code has ended
		h.typed(h.crm.lastCode())
	}},
	{name: "he follows her link to the sign-in, and signs in as himself", signIn: true, play: func(h *heist) {
		claim := h.claim(h.mia, "C-1")
		if _, err := h.SignedIn(h.ctx(), h.mia.Rel(), claim, "C-2"); fault.KindOf(err) != fault.Denied {
			h.t.Errorf("signed in as himself: %v", err)
		}
		h.steal()
	}},
	{name: "he signs in as himself for a claim of her number", signIn: true, play: func(h *heist) {
		h.steal()
		claim := h.claim(h.thief, "C-1")
		if _, err := h.SignedIn(h.ctx(), h.thief.Rel(), claim, "C-2"); fault.KindOf(err) != fault.Denied {
			h.t.Errorf("signed in as himself: %v", err)
		}
		h.typed("0000-0000")
	}},
	{name: "he signs in for nobody's record, to be given hers", signIn: true, play: func(h *heist) {
		h.steal()
		claim := h.claim(h.thief, "nobody")
		for _, record := range []string{"", "C", "C-1/", "nobody", "C-1\x00"} {
			if code, err := h.SignedIn(h.ctx(), h.thief.Rel(), claim, record); err == nil {
				h.t.Errorf("signed in as %q: %s", record, code)
			}
		}
	}},
	{name: "he sends her his link: she signs in, and keeps the code to herself", signIn: true, play: func(h *heist) {
		h.steal()
		claim := h.claim(h.thief, "C-1")
		if _, err := h.SignedIn(h.ctx(), h.thief.Rel(), claim, "C-1"); err != nil {
			h.t.Error(err)
		}
		h.typed("0000-0000") // the sign-in alone binds nothing
	}},
	{name: "he types the code that she got by signing in for her own claim", signIn: true, bound: true, play: func(h *heist) {
		h.steal()
		h.claim(h.thief, "C-1")
		claim := h.claim(h.mia, "C-1")
		code, err := h.SignedIn(h.ctx(), h.mia.Rel(), claim, "C-1")
		if err != nil {
			h.t.Fatal(err)
		}
		h.typed(code)
		h.prove(h.mia, code)
		change := stated(h.t, h.mia, "email", newHers)
		h.exchange(h.mia)
		h.wantApplied(h.mia, change, "C-1")
	}},
	{name: "he makes her sign in twice, and types what the first time gave", signIn: true, play: func(h *heist) {
		h.steal()
		claim := h.claim(h.thief, "C-1")
		first, err := h.SignedIn(h.ctx(), h.thief.Rel(), claim, "C-1")
		if err != nil {
			h.t.Fatal(err)
		}
		if _, err := h.SignedIn(h.ctx(), h.thief.Rel(), claim, "C-1"); err != nil {
			h.t.Fatal(err)
		}
		h.typed(first)
	}},
	{name: "he takes her sign-in for an older claim of his", signIn: true, play: func(h *heist) {
		h.steal()
		old := h.claim(h.thief, "C-1")
		h.pass(9 * 24 * time.Hour)
		h.claim(h.thief, "C-1")
		if code, err := h.SignedIn(h.ctx(), h.thief.Rel(), old, "C-1"); err == nil {
			h.typed(code)
		}
	}},
	{name: "an insider reads the database: what is kept of a code is its hash", play: func(h *heist) {
		h.steal()
		h.claim(h.thief, "C-1")
		code := h.crm.lastCode()
		rows, err := h.store.Challenges(h.ctx(), h.thief.Rel())
		if err != nil || len(rows) != 1 {
			h.t.Fatal(err)
		}
		if strings.Contains(string(rows[0].Hash[:]), strings.ReplaceAll(code, "-", "")) {
			h.t.Error("the code is in the row")
		}
		h.typed(rows[0].Hash.String())
	}},
}
