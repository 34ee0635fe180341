package gateway_test

import (
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/gateway"
)

const signIn = "https://acme.example/sign-in"

// signing is a world whose company has a sign-in.
func signing(t *testing.T, first bool) *world {
	w := from(memory(t))
	w.crm.customer("C-2", "", map[string]firsthand.Value{"address": firsthand.Text("Their Road 3")})
	w.change = func(o *gateway.Options) { o.SignIn, o.SignInFirst = signIn, first }
	w.restart()
	return w
}

func TestSignIn(t *testing.T) {
	w := signing(t, true)
	c := w.meet("mia")
	claim := w.claim(c, "C-1")
	ch := c.State.Claims[0].Challenge
	if ch == nil || ch.Say.Way != "sign_in" || ch.Say.To != signIn+"/"+c.Rel().String()+"/"+claim.String() {
		t.Fatalf("challenge = %+v", ch)
	}
	if len(w.crm.order) != 0 {
		t.Error("a code was sent too")
	}
	code, err := w.SignedIn(w.ctx(), c.Rel(), claim, "C-1")
	if err != nil {
		t.Fatal(err)
	}
	w.pass(0)
	w.exchange(c)
	if c.State.Binding != nil {
		t.Fatal("bound by the sign-in alone")
	}
	w.prove(c, code)
	if b := c.State.Binding; b == nil || b.Record != "C-1" {
		t.Fatalf("binding = %+v", b)
	}
	if _, err := w.SignedIn(w.ctx(), c.Rel(), claim, "C-1"); fault.KindOf(err) != fault.NotExist {
		t.Errorf("signed in again: %v", err)
	}
	audit, err := w.store.Audit(w.ctx(), c.Rel())
	if err != nil || len(audit) != 1 || audit[0].Act != "sign in" {
		t.Errorf("audit = %+v, %v", audit, err)
	}
	w.wantSound(c)
}

// Where codes come first, those sign in to whom none can be sent.
func TestSignInInstead(t *testing.T) {
	w := signing(t, false)
	for number, way := range map[string]string{"C-1": "code", "C-2": "sign_in", "C-9": "sign_in"} {
		c := w.meet("who " + number)
		w.claim(c, number)
		if ch := c.State.Claims[0].Challenge; ch == nil || ch.Say.Way != way {
			t.Errorf("claim of %s: challenge %+v, want by %s", number, ch, way)
		}
	}
	// A system that can neither find nor write to anybody leaves it to the sign-in.
	w.change = func(o *gateway.Options) { o.SignIn, o.Connector = signIn, plain{w.crm} }
	w.restart()
	c := w.meet("noor")
	claim := w.claim(c, "my number")
	code, err := w.SignedIn(w.ctx(), c.Rel(), claim, "C-2")
	if err != nil {
		t.Fatal(err)
	}
	w.prove(c, code)
	if b := c.State.Binding; b == nil || b.Record != "C-2" {
		t.Errorf("binding = %+v", b)
	}
}

func TestSignInRefused(t *testing.T) {
	w := signing(t, true)
	c, other := w.meet("mia"), w.meet("other")
	claim, others := w.claim(c, "C-1"), w.claim(other, "C-2")
	for _, tt := range []struct {
		name       string
		rel, claim firsthand.ID
		record     string
		kind       fault.Kind
	}{
		{"as another customer", c.Rel(), claim, "C-2", fault.Denied},
		{"as nobody", c.Rel(), claim, "C-9", fault.NotExist},
		{"of no relationship", firsthand.ID{1}, claim, "C-1", fault.NotExist},
		{"of no claim", c.Rel(), firsthand.ID{1}, "C-1", fault.NotExist},
		{"of another's claim", c.Rel(), others, "C-2", fault.NotExist},
	} {
		if code, err := w.SignedIn(w.ctx(), tt.rel, tt.claim, tt.record); fault.KindOf(err) != tt.kind || code != "" {
			t.Errorf("%s: %q, %v; want %v", tt.name, code, err, tt.kind)
		}
	}
	w.pass(9 * 24 * time.Hour)
	if _, err := w.SignedIn(w.ctx(), c.Rel(), claim, "C-1"); fault.KindOf(err) != fault.NotExist {
		t.Errorf("after its time: %v", err)
	}
}
