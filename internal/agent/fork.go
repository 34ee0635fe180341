package agent

import (
	"context"
	"fmt"

	"firsthand"
	"firsthand/fault"
	"firsthand/wire"
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
func (r *Relationship) FrozenText() string {
	switch r.Frozen {
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
		frozen, evidence, from := compare(r.state, theirs)
		c := Commit{}
		r.refused, r.anew = 0, false
		if head := headOf(theirs, firsthand.First); head.Seq < r.row.Received.Seq && head.ID == r.state.Log(firsthand.First).ID(head.Seq) {
			r.row.Received = head // it has lost what it had signed for
		}
		if frozen == "" || frozen == frozenUnknown && r.row.Restored {
			if err := a.takeEntries(ctx, r, theirs, &c, r.row.Restored); err != nil {
				return err
			}
			if len(c.Entries) == 0 && fault.RuleOf(cause) == "log-fork" {
				r.row.Frozen = frozenElsewhere
			}
			return a.commit(ctx, c, r)
		}
		if evidence != nil {
			c.Evidence = append(c.Evidence, Evidence{Entry: *evidence, Why: frozen})
		}
		r.row.Frozen = frozen
		if frozen == frozenCompany {
			r.lacks = from - 1 // show the company its own log, as she received it
		}
		return a.commit(ctx, c, r)
	})
}

// headOf returns the end of one log among entries of both.
func headOf(entries []firsthand.Entry, side firsthand.Side) (head firsthand.Head) {
	for i := range entries {
		if entries[i].Side == side {
			head = entries[i].Head()
		}
	}
	return head
}

// compare returns why s and the company's copy of the logs differ, the entry
// that proves it, and where.
func compare(s *firsthand.State, theirs []firsthand.Entry) (frozen string, evidence *firsthand.Entry, from int64) {
	for i, e := range theirs {
		mine := s.Log(e.Side).ID(e.Seq)
		switch {
		case mine == e.ID:
		case mine.IsZero() && e.Side == firsthand.First && frozen == "":
			frozen, from = frozenUnknown, e.Seq
		case !mine.IsZero() && s.CheckFork(e) == nil:
			if e.Side == firsthand.Second {
				return frozenCompany, &theirs[i], e.Seq
			}
			return frozenBranch, &theirs[i], e.Seq
		}
	}
	return frozen, nil, from
}

// fetchCopy returns both logs of rel as the company has them, verified from their
// beginning to their end. At which of her keys the company is isn't known: hers are
// tried, the newest first, and then those given.
func (a *Agent) fetchCopy(ctx context.Context, rel firsthand.ID, more ...*firsthand.Signer) (entries []firsthand.Entry, err error) {
	var gateway string
	var keys []*firsthand.Signer
	err = a.with(ctx, rel, func(r *relationship) (err error) {
		gateway = r.row.Gateway
		keys, err = a.signers(ctx, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	req := wire.Request{Rel: rel}
	for keys = append(keys, more...); ; {
		resp, err := a.Caller.Sync(ctx, gateway, keys[0], req)
		if fault.RuleOf(err) == "call-signature" && len(keys) > 1 {
			keys = keys[1:]
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("ask for the company's copy: %w", err)
		}
		for _, e := range resp.Entries {
			head := &req.First
			if e.Side == firsthand.Second {
				head = &req.Second
			}
			if e.Seq == head.Seq+1 {
				*head = e.Head()
				entries = append(entries, e)
			}
		}
		if len(resp.Entries) == 0 || req.First.Seq >= resp.First.Seq && req.Second.Seq >= resp.Second.Seq {
			return entries, verified(rel, entries)
		}
	}
}

// verified returns an error unless entries are the two whole logs of rel, every
// signature good.
func verified(rel firsthand.ID, entries []firsthand.Entry) error {
	var first, second []firsthand.Entry
	for _, e := range entries {
		if e.Side == firsthand.First {
			first = append(first, e)
		} else {
			second = append(second, e)
		}
	}
	s, err := firsthand.Verify(first, second)
	if err == nil && s.Rel != rel {
		err = fault.Refuse(fault.Invalid, "log-rel", "it is of another relationship")
	}
	if err != nil {
		return fmt.Errorf("the company's copy of the logs: %w", err)
	}
	return nil
}

// Reconcile ends a fork of her own log: the branch that the company received
// first stands, her other entries are kept as evidence, and a signed reconcile
// says so. Where the company only has more entries of hers, it takes them over.
// She does this when it was she who wrote them, with another copy of her file.
func (a *Agent) Reconcile(ctx context.Context, rel firsthand.ID) (Act, error) {
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
	frozen, other, from := compare(r.state, theirs)
	switch frozen {
	case "":
		r.row.Frozen = ""
		return Act{}, nil
	case frozenCompany:
		return Act{}, fault.Tell(fault.Denied, r.row.Domain+" has forked its own log, and only it can reconcile that", "keep the evidence: firsthand log --bundle FILE "+r.row.Domain)
	}
	mine := r.state.Log(firsthand.First).ID(from)
	if frozen == frozenBranch {
		if err := a.replace(ctx, r, from, c); err != nil {
			return Act{}, err
		}
	}
	if err := a.takeEntries(ctx, r, theirs, c, true); err != nil {
		return Act{}, err
	}
	r.row.Frozen = ""
	if err := a.findKey(ctx, r, c); err != nil {
		return Act{}, err
	}
	if frozen == frozenUnknown {
		return Act{}, nil
	}
	if err := a.say(ctx, r, &firsthand.Reconcile{Seq: from, Stands: other.ID, Lost: mine}, c); err != nil {
		return Act{}, err
	}
	return Act{Entry: c.Entries[len(c.Entries)-1].ID}, nil
}
