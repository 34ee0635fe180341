package gateway

import (
	"context"
	"strings"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// CodeByHand returns a code that proves a claim to the record with that number. It is for
// an operator to give to the customer whom the company has on record, by what is on
// record: where no system can send one. The claimant is told how it comes; it binds
// nothing before she has sent it back. What was sent before is dead.
func (g *Gateway) CodeByHand(ctx context.Context, by string, rel, claim firsthand.ID, record, how string) (code string, err error) {
	how = cut(strings.Join(strings.Fields(how), " "), 100)
	if record == "" || how == "" {
		return "", fault.Tell(fault.Invalid, "A code needs the customer's number, and how it comes to her.", "As in: a call to the number that we have.")
	}
	ref, err := g.customer(ctx, record)
	if err != nil {
		return "", err
	}
	err = g.act(ctx, by, actCode, rel, claim, record+", "+how, func(t *turn, d Delivery) error {
		if d.Task != Verify {
			return fault.Tell(fault.Invalid, "This entry is no claim.", "")
		}
		if why := t.mute(); why != "" {
			return fault.Tell(fault.Unavailable, "Nothing can be signed now: "+why+".", "Try again later.")
		}
		if t.state().Binding != nil || len(t.state().Closed) > 0 {
			return fault.Tell(fault.NotExist, "Nothing is to be proved any more.", "")
		}
		c, err := t.challengeOf(ctx, claim)
		if err != nil {
			return err
		}
		if c == nil {
			c = &Challenge{Rel: rel, Claim: claim, Seq: d.Seq}
		}
		c.Record = connector.Ref{System: ref.System, ID: ref.ID}
		code = g.newCode(c)
		return t.challenge(ctx, d, c, "code", how)
	})
	if err != nil {
		return "", err
	}
	return showCode(code), nil
}

// actCode is the act of an operator who gives a code herself.
const actCode = "code"
