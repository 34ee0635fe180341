package agent

import (
	"context"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/policy"
)

// Telling is one disclosure to one company.
type Telling struct {
	Fact    string
	Value   firsthand.Value // zero: the value she has noted, or of her e-mail address the one that this company has for itself
	Purpose string
	Until   firsthand.Date
	Basis   firsthand.Basis // zero: an agreement in force that covers the purpose
	Ask     firsthand.ID    // the ask it answers, if any
}

// Disclose tells a company one fact, if policy allows it. A company whom she
// tells something is kept.
func (a *Agent) Disclose(ctx context.Context, rel firsthand.ID, t Telling) (Act, error) {
	if t.Value.IsZero() {
		v, err := a.own(ctx, rel, t.Fact)
		if err != nil {
			return Act{}, err
		}
		t.Value = v
	}
	return a.act(ctx, rel, func(r *relationship) (firsthand.Content, error) {
		if !t.Ask.IsZero() && t.Purpose == "" {
			for _, ask := range r.state.Asks {
				if ask.Entry == t.Ask {
					t.Purpose, t.Until = ask.Say.Purpose, max(t.Until, ask.Say.Until)
				}
			}
		}
		basis, err := a.allow(ctx, r, t.Fact, t.Purpose, t.Basis)
		if err != nil {
			return nil, err
		}
		r.row.Kept = true
		return &firsthand.Disclose{Fact: t.Fact, Value: t.Value, Purpose: t.Purpose, Basis: basis, Until: t.Until, Ask: t.Ask}, nil
	})
}

// own returns what of a fact of hers is for one company.
func (a *Agent) own(ctx context.Context, rel firsthand.ID, fact string) (firsthand.Value, error) {
	if fact == MailFact {
		row, err := a.Store.Relationship(ctx, rel)
		if err != nil {
			return firsthand.Value{}, err
		}
		m, err := a.activeMask(ctx, CompanyKey(row.Domain))
		if err != nil {
			return firsthand.Value{}, err
		}
		if m != nil {
			return firsthand.Text(m.Address), nil
		}
	}
	return a.fact(ctx, fact)
}

// allow asks policy. What it denies is fault.Denied, with the reason.
func (a *Agent) allow(ctx context.Context, r *relationship, fact, purpose string, basis firsthand.Basis) (firsthand.Basis, error) {
	rules, err := a.rules(ctx)
	if err != nil {
		return basis, err
	}
	d := policy.Decide(policy.Question{State: r.state, Now: a.Now(), Roster: a.Roster, Rules: rules,
		Fact: fact, Purpose: purpose, Basis: basis})
	if !d.Allowed {
		return basis, fault.Tell(fault.Denied, "not told to "+r.row.Domain+": "+d.Reason,
			"agree on terms first (firsthand terms "+r.row.Domain+"), or name --right or --exception")
	}
	return d.Basis, nil
}

// Withdraw takes back what was told: the company has to erase it. fact is a
// fact's name; all live disclosures of it are withdrawn, and with them goes what she
// has stated of before: else that would stand there again.
func (a *Agent) Withdraw(ctx context.Context, rel firsthand.ID, fact string) (acts []Act, err error) {
	err = a.with(ctx, rel, func(r *relationship) error {
		for _, h := range r.state.At(a.Now()).Holdings {
			if h.Fact != fact || h.Origin != firsthand.Told && h.Origin != firsthand.Stated {
				continue
			}
			act, err := a.write(ctx, r, &firsthand.Withdraw{Disclosure: h.Entry}, Commit{Unstate: []FactAt{{Domain: CompanyKey(r.row.Domain), Fact: fact}}})
			if err != nil {
				return err
			}
			acts = append(acts, act)
		}
		if len(acts) == 0 {
			return fault.Tell(fault.NotExist, r.row.Domain+" was not told "+fact, "firsthand status "+r.row.Domain)
		}
		return nil
	})
	a.Wake()
	return acts, err
}

// Decline answers an ask with no.
func (a *Agent) Decline(ctx context.Context, rel, ask firsthand.ID, reason string) (Act, error) {
	return a.act(ctx, rel, func(*relationship) (firsthand.Content, error) {
		return &firsthand.Decline{Ask: ask, Reason: reason}, nil
	})
}

// Message says something. thread is the message that it continues, or zero.
func (a *Agent) Message(ctx context.Context, rel, thread firsthand.ID, text string) (Act, error) {
	return a.act(ctx, rel, func(r *relationship) (firsthand.Content, error) {
		if r.state.At(a.Now()).Paused {
			return nil, fault.Tell(fault.Denied, r.row.Domain+" is paused", "firsthand pause --until DATE sets another end")
		}
		return &firsthand.Message{Thread: thread, Text: text}, nil
	})
}

// Request claims a right. The law's clock starts. Law may be "" for the one that
// holds, and due for the day by which it wants an answer.
func (a *Agent) Request(ctx context.Context, rel firsthand.ID, req firsthand.Request) (Act, error) {
	return a.act(ctx, rel, func(r *relationship) (firsthand.Content, error) {
		if err := a.complete(ctx, r.row.Domain, &req); err != nil {
			return nil, err
		}
		return &req, nil
	})
}

// Pause says: nothing but duties, until a date.
func (a *Agent) Pause(ctx context.Context, rel firsthand.ID, until firsthand.Date) (Act, error) {
	return a.act(ctx, rel, func(*relationship) (firsthand.Content, error) {
		return &firsthand.Pause{Until: until}, nil
	})
}

// Leave ends the relationship. A nameless one is forgotten whole once the company
// has signed for it; see Receive.
func (a *Agent) Leave(ctx context.Context, rel firsthand.ID, reason string) (Act, error) {
	return a.act(ctx, rel, func(*relationship) (firsthand.Content, error) {
		return &firsthand.Close{Reason: reason}, nil
	})
}

// Claim says that she is a customer the company has already.
func (a *Agent) Claim(ctx context.Context, rel firsthand.ID, record string) (Act, error) {
	return a.act(ctx, rel, func(r *relationship) (firsthand.Content, error) {
		r.row.Kept = true
		return &firsthand.Claim{Record: record}, nil
	})
}

// Prove answers the company's last challenge.
func (a *Agent) Prove(ctx context.Context, rel firsthand.ID, code string) (Act, error) {
	return a.act(ctx, rel, func(r *relationship) (firsthand.Content, error) {
		for i := len(r.state.Claims) - 1; i >= 0; i-- {
			if c := r.state.Claims[i].Challenge; c != nil {
				return &firsthand.Proof{Challenge: c.Entry, Code: code}, nil
			}
		}
		return nil, fault.Tell(fault.NotExist, r.row.Domain+" has not asked for a proof", "claim your record first: firsthand claim "+r.row.Domain+" NUMBER")
	})
}
