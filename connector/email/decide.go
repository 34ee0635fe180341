package email

import (
	"context"
	"fmt"

	"firsthand"
	"firsthand/fault"
)

// Accept implements [connector.Decider]: a person at the desk says that she has written it
// to where the company keeps its customers.
func (m *Mailbox) Accept(ctx context.Context, id firsthand.ID, record string) error {
	return m.fromAway(ctx, id, &note{Record: record})
}

// Reject implements [connector.Decider].
func (m *Mailbox) Reject(ctx context.Context, id firsthand.ID, reason string) error {
	return m.fromAway(ctx, id, &note{Declined: true, Reason: reason})
}

func (m *Mailbox) fromAway(ctx context.Context, id firsthand.ID, n *note) error {
	err := m.with(ctx, func(s *session) error {
		if err := m.listen(s); err != nil {
			return err
		}
		q := m.journal.requests[id]
		if q == nil || q.delivered == nil || q.delivered.Fact == "" || q.decided != nil {
			return fmt.Errorf("%w: nothing waits under %s", fault.NotExist, id)
		}
		if older := m.journal.before(q.delivered); older != nil && !n.Declined {
			return fmt.Errorf("%w: %s of the same fact has to be decided before", fault.Conflict, older.Of)
		}
		n.At = m.cfg.Now()
		if err := m.decide(s, q, n); err != nil {
			return err
		}
		if d := m.journal.requests[id].decided; d != nil && (d.Declined != n.Declined || d.Record != n.Record) {
			return fmt.Errorf("%w: somebody else has decided on %s", fault.NotExist, id)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("decide: %w", err)
	}
	return nil
}

// before returns what is about the same fact as d, older, and not decided.
func (j *journal) before(d *note) *note {
	for _, n := range j.notes {
		if n == d {
			return nil
		}
		if n.Kind == delivered && n.Rel == d.Rel && n.Fact == d.Fact && j.requests[n.Of].decided == nil {
			return n
		}
	}
	return nil
}

// decide notes what a person has decided, and moves the mail out of the way of others.
func (m *Mailbox) decide(s *session, q *request, n *note) error {
	d := q.delivered
	n.Kind, n.ID, n.Of, n.Rel = decided, "decided "+d.Of.String(), d.Of, d.Rel
	if n.Record == "" {
		if n.Record = d.Record; q.proved != nil {
			n.Record = q.proved.Record
		}
	}
	if err := m.note(s, n); err != nil {
		return err
	}
	return m.putAway(s, d.Of)
}

// putAway moves the mails of a request to what is done. It is a courtesy, which a crash
// may leave out.
func (m *Mailbox) putAway(s *session, id firsthand.ID) error {
	if _, err := s.use(m.cfg.Folder); err != nil {
		return err
	}
	uids, err := s.search(named("X-Firsthand-Request", id.String()))
	if err != nil {
		return err
	}
	return s.move(uids, m.cfg.Done)
}
