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
	case frozenCompany:
		return "the company has shown two different logs; both are kept as evidence. It has to say which one stands"
	}
	return ""
}

// Diagnose finds out where the two copies of the logs part, after a call was
// answered with log-fork, keeps the evidence and freezes the relationship.
// Nothing is believed that isn't signed.
func (a *Agent) Diagnose(ctx context.Context, rel firsthand.ID, step Step) error {
	theirs, err := a.fetchCopy(ctx, rel, step)
	if err != nil {
		return err
	}
	return a.with(ctx, rel, func(r *relationship) error {
		frozen, evidence, from := compare(r.state, theirs)
		if frozen == "" {
			return nil // it only lacks what it is sent next time
		}
		c := Commit{}
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

// fetchCopy returns both logs as the company has them, verified from their
// beginning to their end.
func (a *Agent) fetchCopy(ctx context.Context, rel firsthand.ID, step Step) (entries []firsthand.Entry, err error) {
	req := wire.Request{Rel: rel}
	for {
		resp, err := a.Caller.Sync(ctx, step.Gateway, step.Key, req)
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
			return entries, verified(entries)
		}
	}
}

// verified returns an error unless entries are two whole logs, every signature
// good.
func verified(entries []firsthand.Entry) error {
	var first, second []firsthand.Entry
	for _, e := range entries {
		if e.Side == firsthand.First {
			first = append(first, e)
		} else {
			second = append(second, e)
		}
	}
	if _, err := firsthand.Verify(first, second); err != nil {
		return fmt.Errorf("the company's copy of the logs: %w", err)
	}
	return nil
}

// Reconcile ends a fork of her own log: the branch that the company received
// first stands, her other entries are kept as evidence, and a signed reconcile
// says so. Where the company only has more entries of hers, it takes them over.
// She does this when it was she who wrote them, with another copy of her file.
func (a *Agent) Reconcile(ctx context.Context, rel firsthand.ID) (Act, error) {
	step, err := a.Prepare(ctx, rel, 0)
	if err != nil {
		return Act{}, err
	}
	theirs, err := a.fetchCopy(ctx, rel, step)
	if err != nil {
		return Act{}, err
	}
	var act Act
	err = a.with(ctx, rel, func(r *relationship) error {
		c := Commit{}
		if act, err = a.adopt(ctx, r, theirs, &c); err != nil {
			r.state = nil
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
	before := r.state.Log(firsthand.First).ID(from)
	if frozen == frozenBranch {
		if err := a.replace(ctx, r, from, c); err != nil {
			return Act{}, err
		}
	}
	if err := takeEntries(r, theirs, c, true); err != nil {
		return Act{}, err
	}
	r.row.Frozen = ""
	if frozen == frozenUnknown {
		return Act{}, nil
	}
	err := a.say(ctx, r, &firsthand.Reconcile{Seq: from, Stands: other.ID, Lost: before}, c)
	if err != nil {
		return Act{}, err
	}
	return Act{Entry: c.Entries[len(c.Entries)-1].ID}, nil
}
