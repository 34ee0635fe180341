package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// What follows is what people at the company do and see. Each act shows up in
// Changes. Values returned share memory with the CRM and must not be changed.

// Records returns all records, by number.
func (m *CRM) Records() []Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	return sorted(m.s.records, byNumber)
}

// Tickets returns all tickets, in the order in which they were made.
func (m *CRM) Tickets() []Ticket {
	m.mu.Lock()
	defer m.mu.Unlock()
	return sorted(m.s.tickets, func(a, b Ticket) int { // T9 before T10
		return cmp.Or(cmp.Compare(len(a.Number), len(b.Number)), cmp.Compare(a.Number, b.Number))
	})
}

// Proposals returns what waits for a person, oldest first.
func (m *CRM) Proposals() []Proposal {
	m.mu.Lock()
	defer m.mu.Unlock()
	return sorted(m.s.proposals, func(a, b Proposal) int { return cmp.Compare(a.Seq, b.Seq) })
}

// Outbox returns what went to contacts on record, oldest first. Of messages to a
// record that was redacted only the id is left.
func (m *CRM) Outbox() []Sent {
	m.mu.Lock()
	defer m.mu.Unlock()
	return sorted(m.s.sent, func(a, b Sent) int { return cmp.Compare(a.Seq, b.Seq) })
}

// Apply writes the proposal into the record that it belongs to.
func (m *CRM) Apply(id firsthand.ID) error { return m.ApplyTo(id, "") }

// ApplyTo writes the proposal into the record of that number. An unproved
// proposal that names no record needs one: it takes a person to see whose it is.
// Proposals of one relationship for one fact are decided in their order, which
// [fault.Conflict] insists on: an old address must not overwrite a newer one.
func (m *CRM) ApplyTo(id firsthand.ID, number string) error {
	return m.decide(id, func(l *line, p Proposal) (connector.Change, error) {
		for _, q := range m.s.proposals {
			if q.Seq < p.Seq && q.Relationship == p.Relationship && q.Fact == p.Fact {
				return connector.Change{}, fault.Tell(fault.Conflict, "an earlier proposal for the same fact waits", "decide that one first")
			}
		}
		p.Record.Version = "" // the person has seen the record
		if number != "" {
			p.Record = m.ref(number, 0)
		}
		if _, there := m.s.records[p.Record.ID]; !there && (number != "" || p.Unproved) {
			return connector.Change{}, fault.Tell(fault.NotExist, fmt.Sprintf("there is no record %q", p.Record.ID), "name the customer's record")
		}
		res, err := m.write(l, p)
		return connector.Change{Ref: res.Ref, State: res.State, Reason: res.Reason}, err
	})
}

// Refuse refuses the proposal. She reads the reason.
func (m *CRM) Refuse(id firsthand.ID, reason string) error {
	return m.decide(id, func(_ *line, p Proposal) (connector.Change, error) {
		return connector.Change{Ref: p.Record, State: connector.Declined, Reason: cmp.Or(reason, "refused")}, nil
	})
}

// Accept implements [connector.Decider].
func (m *CRM) Accept(_ context.Context, id firsthand.ID, record string) error {
	return m.ApplyTo(id, record)
}

// Reject implements [connector.Decider].
func (m *CRM) Reject(_ context.Context, id firsthand.ID, reason string) error {
	return m.Refuse(id, reason)
}

func (m *CRM) decide(id firsthand.ID, how func(*line, Proposal) (connector.Change, error)) error {
	return m.act(func(l *line) error {
		p, ok := m.s.proposals[id]
		if !ok {
			return fmt.Errorf("proposal %s: %w", id, fault.NotExist)
		}
		c, err := how(l, p)
		if err != nil {
			return err
		}
		l.Decided = []firsthand.ID{id}
		if p.Unproved {
			l.Done = []done{{ID: id, Result: m.s.results[id].Result, Decided: connector.Result{State: c.State, Ref: c.Ref, Reason: c.Reason}}}
		}
		c.Of, c.Relationship = p.ID, p.Relationship
		m.change(l, c)
		return nil
	})
}

// Edit gives a fact of a record another value, or removes it if v is zero.
func (m *CRM) Edit(number, fact string, v firsthand.Value) error {
	return m.edit(number, func(l *line, r Record) {
		r = r.with(fact, v)
		l.Records = []Record{r}
		m.change(l, connector.Change{Relationship: r.of(), Ref: m.ref(r.Number, r.Version), Fact: fact, Value: v})
	})
}

// SetContacts replaces the contacts on record; the first is written to. It is the
// one thing that no customer sees.
func (m *CRM) SetContacts(number string, contacts ...string) error {
	return m.edit(number, func(l *line, r Record) {
		r.Contacts = slices.Clone(contacts)
		r.Version++
		l.Records = []Record{r}
	})
}

// Add puts a customer into the CRM whom the company has from elsewhere.
func (m *CRM) Add(r Record) error {
	return m.act(func(l *line) error {
		added, err := m.s.add(r)
		if err == nil {
			*l = *added
		}
		return err
	})
}

func (m *CRM) edit(number string, how func(*line, Record)) error {
	return m.act(func(l *line) error {
		r, ok := m.s.records[number]
		if !ok {
			return fmt.Errorf("record %s: %w", number, fault.NotExist)
		}
		how(l, r)
		return nil
	})
}

// Reply answers in a ticket.
func (m *CRM) Reply(ticket, author, text string) error {
	return m.act(func(l *line) error {
		t, ok := m.s.tickets[ticket]
		if !ok {
			return fmt.Errorf("ticket %s: %w", ticket, fault.NotExist)
		}
		t.Messages = append(slices.Clip(t.Messages), Post{At: m.cfg.Now().UTC(), Author: author, Text: text})
		l.Tickets = []Ticket{t}
		m.change(l, connector.Change{Relationship: t.Relationship, Ref: m.ref(t.Number, 0), Of: t.Messages[0].ID, Author: author, Text: text})
		return nil
	})
}

// Resolve closes a ticket as done.
func (m *CRM) Resolve(ticket, author string) error {
	return m.act(func(l *line) error {
		t, ok := m.s.tickets[ticket]
		if !ok {
			return fmt.Errorf("ticket %s: %w", ticket, fault.NotExist)
		}
		m.change(l, connector.Change{Relationship: t.Relationship, Ref: m.ref(t.Number, 0), Of: t.Messages[0].ID, Author: author, Resolved: true})
		return nil
	})
}

func (m *CRM) act(how func(*line) error) error {
	defer m.mu.Unlock()
	if err := m.begin(); err != nil {
		return err
	}
	var l line
	if err := how(&l); err != nil {
		return err
	}
	return m.commit(&l)
}
