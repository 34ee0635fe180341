package email

import (
	"context"
	"fmt"
	"slices"

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
		q, err := m.request(s, id)
		if err != nil {
			return err
		}
		if q.delivered == nil || q.delivered.Fact == "" || q.decided != nil {
			return fmt.Errorf("%w: nothing waits under %s", fault.NotExist, id)
		}
		if older, err := m.before(s, q.delivered); err != nil {
			return err
		} else if older != nil && !n.Declined {
			return fmt.Errorf("%w: %s of the same fact has to be decided before", fault.Conflict, older.Of)
		}
		n.At = m.cfg.Now()
		if err := m.decide(s, q, n); err != nil {
			return err
		}
		if q, err = m.request(s, id); err != nil {
			return err
		}
		if d := q.decided; d != nil && (d.Declined != n.Declined || d.Record != n.Record) {
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
func (m *Mailbox) before(s *session, d *note) (*note, error) {
	older := slices.DeleteFunc(m.journal.group(factKey(d.Rel, d.Fact)), func(uid uint32) bool { return uid >= d.uid })
	for some := range slices.Chunk(older, batch) {
		notes, err := m.notesAt(s, some)
		if err != nil {
			return nil, err
		}
		for _, n := range notes {
			if n.Rel == d.Rel && n.Fact == d.Fact && m.journal.at(decided, n.Of) == 0 {
				return n, nil
			}
		}
	}
	return nil, nil
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
