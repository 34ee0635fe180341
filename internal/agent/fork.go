package agent

import (
	"context"

	"firsthand"
	"firsthand/fault"
)

// Why a relationship is frozen: nothing but what ends the state is signed in it.
const (
	frozenBranch  = "branch"  // her log forked: the company has another entry of hers at one place
	frozenUnknown = "unknown" // the company has entries of hers that her file doesn't know
	frozenCompany = "company" // the company's log forked
	// The company has proof of a fork of which this file knows nothing: of a copy
	// that was thrown away, say. Both sides have the same logs otherwise.
	frozenElsewhere = "elsewhere"
)

// FrozenText says why r is frozen, and what to do; "" if it is not.
func (r *Relationship) FrozenText() string { return frozenText(r.Frozen) }

func frozenText(frozen string) string {
	switch frozen {
	case frozenBranch:
		return "this file and the company's have different entries of yours; another copy of this file was used, or somebody has your key. " +
			"If it was you: firsthand reconcile. If not: firsthand rotate --stolen"
	case frozenUnknown:
		return "the company has entries signed with your key that this file does not know. " +
			"If another copy of this file wrote them: firsthand reconcile. If not, somebody has your key: firsthand rotate --stolen"
	case frozenElsewhere:
		return "the company has entries signed with your key, beside those in this file, that this file can't see: of a copy that is gone, or of somebody who has your key. " +
			"Take the recovery kit: firsthand rotate"
	case frozenCompany:
		return "the company has shown two different logs; both are kept as evidence. It has to say which one stands"
	}
	return ""
}

// Diagnose finds out what a call meant that failed with cause; see IsPuzzle. It
// compares the logs with the company's whole copy. Where they part it keeps the
// evidence and freezes the relationship; where they don't it takes what her file
// lacks. Nothing is believed that isn't signed, but that the company refuses to go
// on.
func (a *Agent) Diagnose(ctx context.Context, rel firsthand.ID, cause error) error {
	if fault.RuleOf(cause) == "call-signature" {
		return a.mayOpenAnew(ctx, rel)
	}
	theirs, err := a.fetchCopy(ctx, rel)
	if err != nil {
		return err
	}
	return a.with(ctx, rel, func(r *relationship) error {
		apart := compare(r.state, theirs)
		c := Commit{}
		r.refused, r.anew = 0, false
		if head := headOf(theirs, firsthand.First); head.Seq < r.row.Received.Seq && head.ID == r.state.Log(firsthand.First).ID(head.Seq) {
			r.row.Received = head // it has lost what it had signed for
		}
		if apart.why == "" || apart.why == frozenUnknown && r.row.Restored && apart.second == 0 {
			if err := a.takeEntries(ctx, r, theirs, &c, r.row.Restored); err != nil {
				return err
			}
			if len(c.Entries) == 0 && fault.RuleOf(cause) == "log-fork" {
				r.row.Frozen = frozenElsewhere
			}
			return a.commit(ctx, c, r)
		}
		for _, e := range apart.proof {
			c.Evidence = append(c.Evidence, Evidence{Entry: e, Why: apart.why})
		}
		r.row.Frozen = apart.why
		if apart.why == frozenCompany {
			r.lacks = apart.second - 1 // show the company its own log, as she received it
		}
		return a.commit(ctx, c, r)
	})
}

// Reconcile ends a fork of her own log: the branch that the company received
// first stands, her other entries are kept as evidence, and a signed reconcile
// says so. Where the company only has more entries of hers, it takes them over.
// She does this when it was she who wrote them, with another copy of her file.
//
// What the company said to a branch of hers that is lost, is lost with it, and is
// kept as evidence too.
func (a *Agent) Reconcile(ctx context.Context, rel firsthand.ID) (Act, error) {
	row, err := a.Store.Relationship(ctx, rel)
	if err != nil {
		return Act{}, err
	}
	if row.Gateway == "" {
		return Act{}, fault.Tell(fault.Invalid, row.Domain+" has no gateway, so there is no copy of its to compare with", "your own log is checked by: firsthand verify "+row.Domain)
	}
	theirs, err := a.fetchCopy(ctx, rel)
	if err != nil {
		return Act{}, err
	}
	var act Act
	err = a.with(ctx, rel, func(r *relationship) error {
		c := Commit{}
		if act, err = a.adopt(ctx, r, theirs, &c); err != nil {
			return err
		}
		return a.commit(ctx, c, r)
	})
	a.Wake()
	return act, err
}

// adopt puts the company's copy of her log in place of r's, into c.
func (a *Agent) adopt(ctx context.Context, r *relationship, theirs []firsthand.Entry, c *Commit) (Act, error) {
	apart := compare(r.state, theirs)
	switch apart.why {
	case "":
		r.row.Frozen = ""
		return Act{}, nil
	case frozenCompany:
		return Act{}, fault.Tell(fault.Denied, r.row.Domain+" has forked its own log, and only it can reconcile that", "keep the evidence: firsthand log --bundle FILE "+r.row.Domain)
	}
	lost, err := a.giveUp(ctx, r, apart, c)
	if err != nil {
		return Act{}, err
	}
	if err := a.takeEntries(ctx, r, theirs, c, true); err != nil {
		return Act{}, err
	}
	r.row.Frozen = ""
	if err := a.findKey(ctx, r, c); err != nil {
		return Act{}, err
	}
	if lost == nil {
		return Act{}, nil
	}
	if err := a.say(ctx, r, lost, c); err != nil {
		return Act{}, err
	}
	return Act{Entry: c.Entries[len(c.Entries)-1].ID}, nil
}

// giveUp moves what lost against the company's copy out of the logs and to the
// evidence: her entries from where that has others, and the company's from where
// that has others or where they have seen hers that are lost. It returns what she
// has to say of it, nil where none of hers are lost.
func (a *Agent) giveUp(ctx context.Context, r *relationship, apart parting, c *Commit) (lost *firsthand.Reconcile, err error) {
	if apart.why == frozenBranch {
		for _, e := range apart.proof {
			if e.Side == firsthand.First {
				lost = &firsthand.Reconcile{Seq: apart.first, Stands: e.ID, Lost: r.state.Log(firsthand.First).ID(apart.first)}
			}
		}
	}
	for _, side := range []firsthand.Side{firsthand.First, firsthand.Second} {
		for e, err := range a.Store.Entries(ctx, r.row.ID, side, 0) {
			if err != nil {
				return nil, err
			}
			gone := lost != nil && e.Seq >= apart.first
			if side == firsthand.Second {
				gone = apart.second > 0 && e.Seq >= apart.second || lost != nil && e.Seen.Seq >= apart.first
			}
			if !gone {
				continue
			}
			if n := len(c.Replace); n == 0 || c.Replace[n-1].Side != side {
				c.Replace = append(c.Replace, Place{r.row.ID, side, e.Seq})
			}
			c.Evidence = append(c.Evidence, Evidence{Entry: e, Why: "lost against what the company has in its place"})
		}
	}
	if len(c.Replace) == 0 {
		return lost, nil
	}
	first, second, err := a.logs(ctx, r.row.ID, *c)
	if err != nil {
		return nil, err
	}
	if r.state, err = firsthand.Fold(first, second); err != nil {
		return nil, err
	}
	if head := r.state.Log(firsthand.First).Head; r.row.Received.Seq > head.Seq {
		r.row.Received, r.row.Sent = head, head.Seq // of a branch that is no more
	}
	return lost, nil
}
