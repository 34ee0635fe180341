package receiver

import (
	"encoding/json"
	"errors"
	"maps"
	"strconv"
	"time"
)

// What follows is what your staff do in the CRM that you have. Each act must
// show up as a change, and none of what the gateway delivered may.

// Add puts a customer into the CRM.
func (c *CRM) Add(number string, facts map[string]json.RawMessage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.customers[number] = Customer{Version: 1, Facts: facts}
}

// Edit gives a fact of a record another value.
func (c *CRM) Edit(number, fact string, value json.RawMessage, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	customer := c.customers[number].with(fact, value)
	c.customers[number] = customer
	c.changed(Change{Relationship: customer.Relationship, Record: number, Fact: fact, Value: value}, now)
}

// Answer answers in a ticket.
func (c *CRM) Answer(ticket, author, text string, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.tickets[ticket]
	t.Texts = append(t.Texts, text)
	c.tickets[ticket] = t
	c.changed(Change{Relationship: t.Relationship, Record: ticket, Author: author, Text: text}, now)
}

// Resolve takes the matter of a ticket for done.
func (c *CRM) Resolve(ticket, author string, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.tickets[ticket]
	c.changed(Change{Relationship: t.Relationship, Record: ticket, Of: t.Of, Author: author, Resolved: true}, now)
}

// Decide applies a proposal to the record of that number or, with a reason,
// declines it.
func (c *CRM) Decide(event, number, reason string, now time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.proposals[event]
	if !ok {
		return errors.New("no such proposal")
	}
	delete(c.proposals, event)
	if reason != "" {
		c.decided[event] = Report{State: "declined", Reason: reason}
		c.changed(Change{Relationship: p.Relationship, Of: event, State: "declined", Reason: reason}, now)
		return nil
	}
	p.Data.Record = number
	// That a person took one proposal doesn't make the record the sender's.
	r := c.write(p.Relationship, p.Kind, p.Data, false)
	c.decided[event] = Report{State: r.State, Record: r.Record, Version: r.Version, Reason: r.Reason}
	c.changed(Change{Relationship: p.Relationship, Record: r.Record, Of: event, State: r.State, Reason: r.Reason}, now)
	return nil
}

// Customers and Tickets return what there is.
func (c *CRM) Customers() map[string]Customer {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.customers)
}

// Tickets returns all tickets, by number.
func (c *CRM) Tickets() map[string]Ticket {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.tickets)
}

func (c *CRM) changed(ch Change, now time.Time) {
	ch.Cursor = strconv.Itoa(len(c.changes) + 1)
	ch.ID, ch.At = "change-"+ch.Cursor, now.UTC()
	c.changes = append(c.changes, ch)
}
