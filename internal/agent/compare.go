package agent

import (
	"cmp"
	"context"
	"fmt"

	"firsthand"
	"firsthand/fault"
	"firsthand/wire"
)

// headOf returns the end of one log among entries of both.
func headOf(entries []firsthand.Entry, side firsthand.Side) (head firsthand.Head) {
	for i := range entries {
		if entries[i].Side == side {
			head = entries[i].Head()
		}
	}
	return head
}

// A parting is where her logs and the company's copy of them part.
type parting struct {
	why    string            // as Relationship.Frozen; "" if they don't
	first  int64             // the seq from which on the company has other entries of hers, or more
	second int64             // the seq at which it has another entry of its own
	proof  []firsthand.Entry // the company's entry at either place, of a fork
}

// compare finds where s and the company's copy of the logs part.
//
// Where both logs do, and each branch of one has seen a branch of the other, neither
// side can go on before the other: then it is hers to end. It happens when a company
// that was restored took the word of a copy of her file that it had lost nothing.
func compare(s *firsthand.State, theirs []firsthand.Entry) (p parting) {
	var seen int64 // of the company's log, by entries of hers that s lacks
	for _, e := range theirs {
		mine := s.Log(e.Side).ID(e.Seq)
		switch {
		case mine == e.ID:
		case mine.IsZero() && e.Side == firsthand.First:
			p.first, seen = cmp.Or(p.first, e.Seq), e.Seen.Seq
		case mine.IsZero() || s.CheckFork(e) != nil:
		case e.Side == firsthand.First && p.first == 0:
			p.why, p.first, p.proof = frozenBranch, e.Seq, append(p.proof, e)
		case e.Side == firsthand.Second && p.second == 0:
			p.second, p.proof = e.Seq, append(p.proof, e)
		}
	}
	switch {
	case p.why != "":
	case p.second > 0 && seen < p.second:
		p.why = frozenCompany
	case p.first > 0:
		p.why = frozenUnknown
	}
	return p
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
