package gateway

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// A claim becomes a binding in these steps, each of which survives a crash:
//
//	claim taken      a Verify delivery
//	record found     a Challenge row with the code's hash, before anything is sent
//	message sent     to the contact on record; then the challenge entry, one commit
//	proof taken      tries counted, and if it is right the bound entry, one commit
//
// A claim that fits no record or several, or whose record has no contact, is for
// an operator, and the claimant is told nothing: whoever tries numbers learns of
// those alone to whose owner a message went. Where the company has a sign-in, the
// claimant is sent there instead: whom it lets in, it knows. See signin.go.

// causeClaim queues the verification of a claim.
func (t *turn) causeClaim(ctx context.Context, e *firsthand.Entry) error {
	if err := t.fresh(ctx); err != nil {
		return err
	}
	if t.state().Binding != nil {
		return nil
	}
	d := Delivery{Seq: e.Seq, Task: Verify, Entry: e.ID, Status: Waiting, Next: t.now, Due: firsthand.OneMonthAfter(e.At)}
	if len(t.state().Claims) > maxClaims {
		d.Status, d.Why = Held, "the customer has made many claims: look before a code is sent"
	}
	if _, ok := t.g.records().(connector.Binder); !ok && t.g.o.SignIn == "" {
		d.Status, d.Why = Held, noCodes
	}
	return t.once(ctx, d)
}

const noCodes = "the system can't send codes: look who it is, and give her one yourself (firsthand-gateway code), or refuse"

// verify finds the record of a claim, and has the claimant prove that it is hers:
// by a code that goes to the contact on it or, where the company has that, by
// signing in.
func (g *Gateway) verify(ctx context.Context, d Delivery) error {
	claim, c, over, err := g.claim(ctx, d)
	if err != nil || over {
		return err
	}
	binder, binds := g.records().(connector.Binder)
	why := noCodes
	if binds && c.Record.System == "" { // not found yet, or named by an operator
		refs, err := binder.Find(ctx, connector.Claim{Record: cmp.Or(c.Record.ID, claim.Record)})
		if err != nil {
			return g.settle(ctx, d, outcome{err: err})
		}
		if !c.Record.IsZero() {
			refs = slices.DeleteFunc(refs, func(r connector.Ref) bool { return r.ID != c.Record.ID })
		}
		if len(refs) == 1 {
			c.Record = refs[0]
		} else {
			why = fmt.Sprintf("%d records fit the claim", len(refs))
		}
	}
	if c.Record.System != "" && !g.o.SignInFirst {
		if why, err = g.sendCode(ctx, d, c, binder); why == "" || err != nil {
			return err
		}
	}
	if g.o.SignIn == "" {
		return g.settle(ctx, d, outcome{status: Held, why: why})
	}
	c.Hash, c.Until = firsthand.ID{}, firsthand.DateOf(g.o.Now().AddDate(0, 0, codeDays))
	page := fmt.Sprintf("%s/%s/%s", g.o.SignIn, d.Rel, c.Claim)
	return g.within(ctx, d.Rel, func(t *turn) error { return t.challenge(ctx, d, c, "sign_in", page) })
}

// sendCode sends a code to the contact on the record of c, and says that it did. It
// returns why it can't be sent.
func (g *Gateway) sendCode(ctx context.Context, d Delivery, c *Challenge, binder connector.Binder) (why string, err error) {
	code, hold, err := g.prepareCode(ctx, d, c)
	if err != nil || hold != "" {
		return "", cmp.Or(err, g.settle(ctx, d, outcome{status: Held, why: hold}))
	}
	to, err := binder.Notify(ctx, c.Record, codeMessage(&g.o.Company, c, code))
	switch {
	case fault.KindOf(err) == fault.NotExist:
		return "the record has no contact that a code could go to", nil
	case err != nil:
		return "", g.settle(ctx, d, outcome{err: err})
	}
	return "", g.within(ctx, d.Rel, func(t *turn) error { return t.challenge(ctx, d, c, "code", to) })
}

// claim returns what d is about and the row that belongs to it; over if it has
// come to an end meanwhile.
func (g *Gateway) claim(ctx context.Context, d Delivery) (claim *firsthand.Claim, c *Challenge, over bool, err error) {
	err = g.within(ctx, d.Rel, func(t *turn) error {
		claim, c, over = nil, nil, false
		if err := t.fresh(ctx); err != nil {
			return err
		}
		for _, each := range t.state().Claims {
			if each.Entry == d.Entry {
				claim = each.Say
			}
		}
		if claim == nil || t.state().Binding != nil || len(t.state().Closed) > 0 {
			over = true
			d.Status, d.Due = Done, ""
			t.queue(d)
			return nil
		}
		c, err = t.challengeOf(ctx, d.Entry)
		if c == nil {
			c = &Challenge{Rel: d.Rel, Claim: d.Entry, Seq: d.Seq}
		}
		return err
	})
	return claim, c, over, err
}

// prepareCode decides what the next message says, and keeps its hash before it is
// sent. Where none may be sent it says why. A message that was prepared in this
// process is repeated as it was.
func (g *Gateway) prepareCode(ctx context.Context, d Delivery, c *Challenge) (code, hold string, err error) {
	if code = g.code(c.Claim, c.Sends); c.Sends > 0 && c.Entry.IsZero() && hashCode(c.Claim, code) == c.Hash {
		return code, "", nil
	}
	now := g.o.Now()
	n, err := g.o.Store.Challenged(ctx, c.Record.System, c.Record.ID, now.Add(-24*time.Hour))
	if err != nil {
		return "", "", err
	}
	if n >= maxSends {
		return "", fmt.Sprintf("%d codes went to the contact of this record within a day: somebody may be trying", n), nil
	}
	code = g.newCode(c)
	return code, "", g.within(ctx, d.Rel, func(t *turn) error {
		t.c.Challenges = append(t.c.Challenges, *c)
		return nil
	})
}

// newCode returns the next code of a claim, and keeps its hash in c.
func (g *Gateway) newCode(c *Challenge) (code string) {
	now := g.o.Now()
	c.Sends++
	code = g.code(c.Claim, c.Sends)
	c.Hash, c.Sent, c.Left = hashCode(c.Claim, code), now, maxTries
	c.Until, c.Entry = firsthand.DateOf(now.AddDate(0, 0, codeDays)), firsthand.ID{}
	return code
}

// challenge says how the claim is to be proved: with the code that is on its way, or
// with the one that a page shows.
func (t *turn) challenge(ctx context.Context, d Delivery, c *Challenge, way, to string) error {
	if t.mute() != "" {
		return nil // d waits; the message is not sent twice
	}
	id, err := t.say(ctx, &firsthand.Challenge{Claim: d.Entry, Way: way, To: to, Until: c.Until})
	if fault.KindOf(err) == fault.Invalid { // closed meanwhile
		d.Status, d.Due = Done, ""
		t.queue(d)
		return nil
	}
	if err != nil {
		return err
	}
	c.Entry = id
	t.c.Challenges = append(t.c.Challenges, *c)
	d.Status, d.Due, d.Why, d.Tries = Done, "", "", 0
	t.queue(d)
	return nil
}

// challengeOf returns the row of a claim, nil if there is none. What the caller
// changes in it is kept if it is put into the commit.
func (t *turn) challengeOf(ctx context.Context, claim firsthand.ID) (*Challenge, error) {
	if err := t.loadChallenges(ctx); err != nil {
		return nil, err
	}
	for _, c := range t.challenges {
		if c.Claim == claim {
			return c, nil
		}
	}
	return nil, nil
}

func (t *turn) loadChallenges(ctx context.Context) error {
	if t.challenges != nil {
		return nil
	}
	all, err := t.g.o.Store.Challenges(ctx, t.r.id)
	t.challenges = make([]*Challenge, len(all))
	for i := range all {
		t.challenges[i] = &all[i]
	}
	return err
}
