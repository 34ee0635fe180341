package memory

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// Find implements [connector.Binder]: the record of that number, or those with
// that contact. It looks for the whole text and nothing like it.
func (m *CRM) Find(ctx context.Context, c connector.Claim) ([]connector.Ref, error) {
	defer m.mu.Unlock()
	if err := m.begin(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var found []connector.Ref
	for _, r := range sorted(m.s.records, byNumber) {
		// What she disclosed herself proves nothing, so facts are not searched.
		if c.Record != "" && (r.Number == c.Record || slices.ContainsFunc(r.Contacts, func(to string) bool { return strings.EqualFold(to, c.Record) })) {
			found = append(found, m.ref(r.Number, r.Version))
		}
	}
	return found, nil
}

// Notify implements [connector.Binder]. The contact is one that staff entered;
// no request of any relationship can change it.
func (m *CRM) Notify(ctx context.Context, ref connector.Ref, msg connector.Message) (string, error) {
	defer m.mu.Unlock()
	if err := m.begin(); err != nil {
		return "", err
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if s, ok := m.s.sent[msg.ID]; ok {
		return connector.Mask(s.To), nil
	}
	r, ok := m.s.records[ref.ID]
	if !ok || len(r.Contacts) == 0 {
		return "", fmt.Errorf("notify %s: %w: no contact on record", ref.ID, fault.NotExist)
	}
	var l line
	l.Sent = []Sent{{ID: msg.ID, Seq: m.s.number(&l), Record: r.Number, To: r.Contacts[0], At: m.cfg.Now().UTC(), Subject: msg.Subject, Text: msg.Text}}
	if err := m.commit(&l); err != nil {
		return "", fmt.Errorf("notify %s: %w", ref.ID, err)
	}
	return connector.Mask(r.Contacts[0]), nil
}

// Redact implements [connector.Redactor]. With a whole record go its tickets.
// What was answered to requests stays, without values, so that an old request
// that comes again brings nothing back; so do the ids of messages sent.
func (m *CRM) Redact(ctx context.Context, ref connector.Ref, fact string) error {
	defer m.mu.Unlock()
	if err := m.begin(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	r, isRecord := m.s.records[ref.ID]
	_, isTicket := m.s.tickets[ref.ID]
	_, hasFact := r.Facts[fact]
	l := line{forget: true}
	switch {
	case isTicket && fact == "":
		l.gone = func(s *state) { s.dropTicket(ref.ID) }
	case isRecord && fact == "":
		l.gone = func(s *state) { s.dropRecord(r) }
	case isRecord:
		if hasFact {
			l.Records = []Record{r.with(fact, firsthand.Value{})}
		}
		l.gone = func(s *state) { s.dropFact(r, fact) }
	default:
		return nil // gone already
	}
	return m.commit(&l)
}

func (s *state) dropTicket(number string) {
	delete(s.tickets, number)
	s.changes = slices.DeleteFunc(s.changes, func(c connector.Change) bool { return c.Ref.ID == number })
}

// dropRecord removes r and what is only there because of it.
func (s *state) dropRecord(r Record) {
	delete(s.records, r.Number)
	maps.DeleteFunc(s.recordOf, func(_ firsthand.ID, number string) bool { return number == r.Number })
	for _, t := range s.tickets {
		if t.Record == r.Number || slices.Contains(r.Relationships, t.Relationship) {
			s.dropTicket(t.Number)
		}
	}
	maps.DeleteFunc(s.proposals, func(_ firsthand.ID, p Proposal) bool { return p.about(r) })
	s.changes = slices.DeleteFunc(s.changes, func(c connector.Change) bool { return c.Ref.ID == r.Number })
	for id, m := range s.sent {
		if m.Record == r.Number {
			s.sent[id] = Sent{ID: id, Seq: m.Seq}
		}
	}
}

// dropFact removes what remembers the value that a fact of r had.
func (s *state) dropFact(r Record, fact string) {
	maps.DeleteFunc(s.proposals, func(_ firsthand.ID, p Proposal) bool { return p.Fact == fact && p.about(r) })
	s.changes = slices.DeleteFunc(s.changes, func(c connector.Change) bool { return c.Ref.ID == r.Number && c.Fact == fact })
}

// about reports whether p would change r.
func (p Proposal) about(r Record) bool {
	return p.Record.ID == r.Number || p.Record.IsZero() && !p.Unproved && slices.Contains(r.Relationships, p.Relationship)
}

func byNumber(a, b Record) int { return cmp.Compare(a.Number, b.Number) }

// sorted returns the values of m in order.
func sorted[K comparable, V any](m map[K]V, order func(a, b V) int) []V {
	return slices.SortedFunc(maps.Values(m), order)
}
