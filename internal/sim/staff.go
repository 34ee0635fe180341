package sim

import (
	"fmt"
	"slices"
	"strconv"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// What follows is what people at the company do in their system. Each act is a
// change that the gateway hears of.

func (c *crm) change(x connector.Change) {
	x.Cursor = strconv.Itoa(len(c.changes) + 1)
	x.ID, x.At = "change-"+x.Cursor, c.now().UTC()
	c.changes = append(c.changes, x)
	c.note("staff: %s about %s: %s %s", x.ID, x.Of.String()[:min(6, len(x.Of.String()))], x.State, x.Ref.ID)
}

// add puts a customer into the CRM whom the company has from elsewhere.
func (c *crm) add(number, contact string, facts map[string]firsthand.Value) {
	r := &record{number: number, contact: contact, version: 1, facts: make(map[string]firsthand.Value)}
	for fact, v := range facts {
		r.facts[fact] = v
	}
	c.records[number] = r
}

// edit gives a fact of a record another value.
func (c *crm) edit(number, fact string, v firsthand.Value) error {
	r := c.records[number]
	if r == nil {
		return fmt.Errorf("record %s: %w", number, fault.NotExist)
	}
	r.set(fact, v)
	x := connector.Change{Ref: c.ref(r), Fact: fact, Value: v}
	if len(r.rels) == 1 {
		x.Relationship = r.rels[0]
	}
	c.change(x)
	c.writes = append(c.writes, write{record: number, fact: fact, value: v})
	return nil
}

// reply answers in a ticket.
func (c *crm) reply(number, author, text string) error {
	t := c.tickets[number]
	if t == nil {
		return fmt.Errorf("ticket %s: %w", number, fault.NotExist)
	}
	t.posts = append(t.posts, text)
	c.change(connector.Change{Relationship: t.rel, Ref: connector.Ref{System: c.name, ID: number}, Of: t.first, Author: author, Text: text})
	return nil
}

// decide takes the oldest proposal, and if reason is "" writes it into the record
// that it names, or the one given.
func (c *crm) decide(id firsthand.ID, number, reason string) error {
	for i, p := range c.proposals {
		if p.id != id {
			continue
		}
		if reason != "" {
			c.conclude(p, connector.Result{State: connector.Declined, Ref: p.request.Record, Reason: reason})
			return nil
		}
		for _, q := range c.proposals[:i] {
			if q.request.Relationship == p.request.Relationship && q.request.Fact == p.request.Fact {
				return fmt.Errorf("an earlier proposal for the same fact waits: %w", fault.Conflict)
			}
		}
		r := p.request
		r.Record.Version = ""
		if number != "" {
			r.Record = connector.Ref{System: c.name, ID: number}
		}
		if c.records[r.Record.ID] == nil && (number != "" || r.Proposal) {
			return fmt.Errorf("no record %q: %w", r.Record.ID, fault.NotExist)
		}
		res, err := c.write(r)
		if err != nil {
			return err
		}
		c.conclude(p, res)
		return nil
	}
	return fmt.Errorf("proposal %s: %w", id, fault.NotExist)
}

// conclude notes what became of a proposal.
func (c *crm) conclude(p proposal, res connector.Result) {
	c.proposals = slices.DeleteFunc(c.proposals, func(q proposal) bool { return q.id == p.id })
	if p.request.Proposal {
		c.decided[p.id] = res
	}
	c.change(connector.Change{Of: p.id, Relationship: p.request.Relationship, Ref: res.Ref, State: res.State, Reason: res.Reason})
}

// oldest returns the proposals that a person may decide now: of each relationship
// and fact the one that came first.
func (c *crm) oldest() (ids []proposal) {
	type of struct {
		rel  firsthand.ID
		fact string
	}
	seen := make(map[of]bool)
	for _, p := range c.proposals {
		if key := (of{p.request.Relationship, p.request.Fact}); !seen[key] {
			seen[key] = true
			ids = append(ids, p)
		}
	}
	return ids
}
