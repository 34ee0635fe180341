package world

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"firsthand"
	"firsthand/connector/memory"
	"firsthand/fault"
)

// attend is what the people at the company do: they look at what has waited for
// them long enough, and decide it as members of staff do, in the CRM and with the
// gateway's own commands. It reports whether they did anything.
//
// What is only proposed for a record that is not proved to be hers is decided by
// nobody: she is asked, once, to prove that it is.
func (c *Company) attend(ctx context.Context, patience time.Duration) (worked bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life == nil {
		return false, nil
	}
	if played, err := c.isPlayed(ctx); err != nil || !played {
		return false, err
	}
	now, seen := c.now(), make(map[firsthand.ID]time.Time)
	defer func() { c.waiting = seen }()
	for _, p := range c.life.crm.Proposals() {
		key := p.ID
		if p.Unproved {
			key[0] ^= 1 // once it is proved, it waits anew
		}
		since, known := c.waiting[key]
		if !known {
			since = now
		}
		seen[key] = since
		if now.Sub(since) < patience || since.IsZero() {
			continue
		}
		if p.Unproved {
			seen[key] = time.Time{} // asked
			err = c.askForProof(ctx, p)
		} else {
			err = c.decide(ctx, p)
		}
		if fault.KindOf(err) == fault.Conflict { // an earlier one comes first
			continue
		}
		if err != nil {
			return worked, fmt.Errorf("staff of %s: %w", c.domain, err)
		}
		worked = true
	}
	return worked, nil
}

// decide applies or refuses what was proposed: first in the CRM, as somebody does
// who works there, and then with the gateway, which reads it back and signs.
func (c *Company) decide(ctx context.Context, p memory.Proposal) (err error) {
	g, by := c.life.gateway, c.employee()
	if c.manner == Refuses && p.Kind != "withdraw" && p.Fact == "address.home" {
		if err := c.life.crm.Refuse(p.ID, noAddress); err != nil {
			return err
		}
		err = g.Refuse(ctx, by, p.Relationship, p.ID, noAddress)
	} else {
		if err := c.life.crm.Apply(p.ID); err != nil {
			return err
		}
		err = g.Apply(ctx, by, p.Relationship, p.ID, c.recordOf(p))
	}
	if fault.KindOf(err) == fault.NotExist {
		return nil // the gateway has heard of it from the CRM meanwhile
	}
	return err
}

// recordOf returns the number of the record that p was written to.
func (c *Company) recordOf(p memory.Proposal) string {
	if !p.Record.IsZero() {
		return p.Record.ID
	}
	for _, r := range c.life.crm.Records() {
		for _, rel := range r.Relationships {
			if rel == p.Relationship {
				return r.Number
			}
		}
	}
	return ""
}

// askForProof tells her what is missing, unless that was said.
func (c *Company) askForProof(ctx context.Context, p memory.Proposal) error {
	text := "Thank you. We can enter this once we know which customer you are: claim your customer number, and type the code that we then send to the address that we have of you."
	s, err := firsthand.Load(ctx, c.life.store, p.Relationship)
	if err != nil || len(s.Closed) > 0 {
		return err
	}
	for _, m := range s.Messages {
		if m.Side == firsthand.Second && m.Say != nil && m.Say.Text == text {
			return nil
		}
	}
	return c.life.gateway.Say(ctx, c.employee(), p.Relationship, &firsthand.Message{Text: text})
}

// employee is who acts for the company, for its audit.
func (c *Company) employee() string { return cmp.Or(c.desk, "customer desk") }

// falter is the life of a company whose machine is not of the best: once somebody
// has met it, and it was then left alone for a while, it goes down; and it comes
// back some time after it was first missed.
func (c *Company) falter(ctx context.Context, rest, outage time.Duration) (worked bool, err error) {
	if c.manner != Falters {
		return false, nil
	}
	now := c.now()
	c.mu.Lock()
	missed := c.life == nil && !c.missed.IsZero() && now.Sub(c.missed) >= outage
	alone := c.life != nil && now.Sub(c.last) >= rest && c.life.calls.none() && c.met(ctx)
	c.mu.Unlock()
	switch {
	case missed:
		return true, c.Up(ctx)
	case alone:
		return true, c.Down()
	}
	return false, nil
}

// met reports whether anybody has a relationship with the company. The caller
// holds c.mu, and the company is up.
func (c *Company) met(ctx context.Context) bool {
	for _, err := range c.life.store.Relationships(ctx) {
		return err == nil
	}
	return false
}

// knocked notes that somebody wants to reach the company.
func (c *Company) knocked() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life != nil {
		c.last = c.now()
	} else if c.missed.IsZero() {
		c.missed = c.now()
	}
}
