package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// Deliver implements [connector.Connector]. What it answers is kept with what it
// did, in one line of the journal: so there is no moment at which the one is
// true and the other is not.
func (m *CRM) Deliver(ctx context.Context, r connector.Request) (connector.Result, error) {
	defer m.mu.Unlock()
	if err := m.begin(); err != nil {
		return connector.Result{}, err
	}
	if err := ctx.Err(); err != nil {
		return connector.Result{}, err
	}
	waiting, proposed := m.s.proposals[r.ID]
	proved := proposed && waiting.Unproved && !r.Proposal // since it was proposed
	if d, ok := m.s.results[r.ID]; ok && !proved {
		if !r.Proposal && d.Decided.State != "" {
			return d.Decided, nil
		}
		return d.Result, nil
	}
	if r.ID.IsZero() || r.Relationship.IsZero() {
		return connector.Result{}, fmt.Errorf("deliver: %w: no id or no relationship", fault.Invalid)
	}
	var l line
	res, err := m.deliver(&l, r)
	if err != nil {
		return connector.Result{}, fmt.Errorf("deliver: %w", err)
	}
	l.Done = []done{{ID: r.ID, Result: res}}
	if proved && len(l.Proposals) == 0 {
		l.Decided = []firsthand.ID{r.ID}
	}
	if err := m.commit(&l); err != nil {
		return connector.Result{}, fmt.Errorf("deliver: %w", err)
	}
	return res, nil
}

// deliver notes in l what r does.
func (m *CRM) deliver(l *line, r connector.Request) (connector.Result, error) {
	switch r.Kind {
	case "message", "request":
		return m.post(l, r), nil
	case "disclose", "change", "withdraw":
	default:
		return connector.Result{}, fmt.Errorf("%w: the CRM has no place for %s", fault.Invalid, r.Kind)
	}
	if len(m.cfg.Fields) > 0 && !slices.Contains(m.cfg.Fields, r.Fact) {
		return declined(r.Record, "we don't keep "+r.Fact), nil
	}
	p := Proposal{ID: r.ID, Relationship: r.Relationship, Kind: r.Kind, Record: r.Record, Unproved: r.Proposal,
		Fact: r.Fact, Value: r.Value, Old: r.Old, Purpose: r.Purpose}
	if m.cfg.Mode == Person || r.Proposal {
		p.Seq = m.s.number(l)
		l.Proposals = append(l.Proposals, p)
		return connector.Result{State: connector.Proposed, Ref: r.Record}, nil
	}
	return m.write(l, p)
}

// write notes in l that p is written into the record it belongs to: the one it
// names, else the one its relationship made, else a new one.
func (m *CRM) write(l *line, p Proposal) (connector.Result, error) {
	number := p.Record.ID
	if p.Record.IsZero() {
		number = m.s.recordOf[p.Relationship]
	}
	r, there := m.s.records[number]
	switch {
	case there && p.Record.Version != "" && p.Record.Version != fmt.Sprint(r.Version):
		return connector.Result{}, fmt.Errorf("%w: record %s is at version %d, not %s", fault.Conflict, number, r.Version, p.Record.Version)
	case !there && p.Kind == "withdraw": // it is not there, which is what she wants
		return connector.Result{State: connector.Written, Ref: m.ref(number, 0)}, nil
	case !there && !p.Record.IsZero():
		return declined(p.Record, "there is no record "+number), nil
	case !there:
		r = m.s.newRecord(l)
	}
	if p.Kind == "withdraw" {
		p.Value, l.forget = firsthand.Value{}, true
	}
	r = r.with(p.Fact, p.Value)
	// A proposal that a person took from somebody unproved doesn't make the
	// record hers: her next request must not find its way here by itself.
	if !p.Unproved && !slices.Contains(r.Relationships, p.Relationship) {
		r.Relationships = append(slices.Clip(r.Relationships), p.Relationship)
	}
	l.Records = append(l.Records, r)
	return connector.Result{State: connector.Written, Ref: m.ref(r.Number, r.Version)}, nil
}

// with returns r with a fact changed or, if v is zero, removed.
func (r Record) with(fact string, v firsthand.Value) Record {
	facts := maps.Clone(r.Facts)
	if facts == nil {
		facts = map[string]firsthand.Value{}
	}
	facts[fact] = v
	if v.IsZero() {
		delete(facts, fact)
	}
	r.Facts = facts
	r.Version++
	return r
}

// post notes in l what she says: in the ticket of its thread, or a new one.
func (m *CRM) post(l *line, r connector.Request) connector.Result {
	t, there := m.s.tickets[r.Thread.ID]
	if !there || t.Relationship != r.Relationship { // a thread of hers alone
		record := r.Record.ID
		if record == "" {
			record = m.s.recordOf[r.Relationship]
		}
		if r.Proposal {
			record = "" // it would show as that customer's
		}
		t = Ticket{Number: fmt.Sprintf("T%d", m.s.number(l)), Relationship: r.Relationship, Record: record, Subject: r.Subject}
	}
	t.Messages = append(slices.Clip(t.Messages), Post{ID: r.ID, At: r.At, Text: r.Text})
	l.Tickets = append(l.Tickets, t)
	return connector.Result{State: connector.Written, Ref: m.ref(t.Number, 0)}
}

func declined(ref connector.Ref, reason string) connector.Result {
	return connector.Result{State: connector.Declined, Ref: ref, Reason: reason}
}
