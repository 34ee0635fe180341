package sim

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// Read implements [connector.Connector].
func (c *crm) Read(ctx context.Context, ref connector.Ref) (connector.Record, error) {
	defer c.mu.Unlock()
	if err := c.up(ctx); err != nil {
		return connector.Record{}, err
	}
	if t := c.tickets[ref.ID]; t != nil {
		return connector.Record{Ref: connector.Ref{System: c.name, ID: t.number}, Facts: map[string]firsthand.Value{}}, nil
	}
	r := c.records[ref.ID]
	if r == nil {
		return connector.Record{}, fmt.Errorf("record %s: %w", ref.ID, fault.NotExist)
	}
	return connector.Record{Ref: c.ref(r), Facts: maps.Clone(r.facts)}, nil
}

// Changes implements [connector.Connector]. A cursor counts changes.
func (c *crm) Changes(ctx context.Context, cursor string) iter.Seq2[connector.Change, error] {
	return func(yield func(connector.Change, error) bool) {
		changes, err := c.since(ctx, cursor)
		if err != nil {
			yield(connector.Change{}, err)
			return
		}
		for _, change := range changes {
			if !yield(change, nil) {
				return
			}
		}
	}
}

func (c *crm) since(ctx context.Context, cursor string) ([]connector.Change, error) {
	defer c.mu.Unlock()
	if err := c.up(ctx); err != nil {
		return nil, err
	}
	after, err := strconv.Atoi("0" + cursor)
	if err != nil || after > len(c.changes) {
		return nil, fmt.Errorf("cursor %q: %w", cursor, fault.Invalid)
	}
	return slices.Clone(c.changes[after:]), nil
}

// Find implements [connector.Binder].
func (c *crm) Find(ctx context.Context, claim connector.Claim) ([]connector.Ref, error) {
	defer c.mu.Unlock()
	if err := c.up(ctx); err != nil {
		return nil, err
	}
	var found []connector.Ref
	for _, number := range slices.Sorted(maps.Keys(c.records)) {
		if r := c.records[number]; claim.Record != "" && (r.number == claim.Record || r.contact == claim.Record) {
			found = append(found, c.ref(r))
		}
	}
	return found, nil
}

// Notify implements [connector.Binder].
func (c *crm) Notify(ctx context.Context, ref connector.Ref, m connector.Message) (string, error) {
	defer c.mu.Unlock()
	if err := c.up(ctx); err != nil {
		return "", err
	}
	r := c.records[ref.ID]
	if r == nil || r.contact == "" {
		return "", fmt.Errorf("notify %s: %w", ref.ID, fault.NotExist)
	}
	if !slices.ContainsFunc(c.sent, func(n notice) bool { return n.id == m.ID }) {
		c.sent = append(c.sent, notice{m.ID, r.number, r.contact, m.Text})
	}
	if c.lost() {
		return "", errDown
	}
	return connector.Mask(r.contact), nil
}

// Redact implements [connector.Redactor].
func (c *crm) Redact(ctx context.Context, ref connector.Ref, fact string) error {
	defer c.mu.Unlock()
	if err := c.up(ctx); err != nil {
		return err
	}
	r := c.records[ref.ID]
	c.note("%s is removed from %s", fact, ref.ID)
	switch {
	case c.tickets[ref.ID] != nil && fact == "":
		delete(c.tickets, ref.ID)
	case r != nil && fact == "":
		delete(c.records, ref.ID)
	case r != nil:
		r.set(fact, firsthand.Value{})
		c.writes = append(c.writes, write{record: r.number, fact: fact})
	}
	c.proposals = slices.DeleteFunc(c.proposals, func(p proposal) bool {
		q := p.request
		hers := !q.Proposal && r != nil && slices.Contains(r.rels, q.Relationship)
		return fact != "" && q.Fact == fact && (q.Record.ID == ref.ID || q.Record.IsZero() && hers)
	})
	c.changes = slices.Clone(c.changes)
	for i := range c.changes {
		if x := &c.changes[i]; x.Ref.ID == ref.ID && (fact == "" || x.Fact == fact) {
			*x = connector.Change{Cursor: x.Cursor, ID: x.ID, At: x.At}
		}
	}
	if c.lost() {
		return errDown
	}
	return nil
}
