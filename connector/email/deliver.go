package email

import (
	"context"
	"errors"
	"fmt"

	"github.com/emersion/go-imap/v2"

	"firsthand/connector"
	"firsthand/fault"
	"firsthand/internal/mail"
)

// A Mailbox is the connector to one.
type Mailbox struct {
	cfg              Config
	password, domain string

	lock    chan struct{} // has one while somebody uses what is below
	now     *session      // that is open, nil if none is
	journal *journal
}

var _ connector.Decider = (*Mailbox)(nil)

var errCursor = fmt.Errorf("%w: this is no cursor of a mailbox", fault.Invalid)

// String returns the connector's name. Without it, printing a Mailbox would print its
// password.
func (m *Mailbox) String() string { return m.cfg.Name }

// GoString is String.
func (m *Mailbox) GoString() string { return m.cfg.Name }

// Close closes the connection.
func (m *Mailbox) Close() error {
	m.lock <- struct{}{}
	defer func() { <-m.lock }()
	if m.now != nil {
		m.now.conn.Close()
		m.now = nil
	}
	return nil
}

func (m *Mailbox) ref(id string) connector.Ref {
	if id == "" {
		return connector.Ref{}
	}
	return connector.Ref{System: m.cfg.Name, ID: id}
}

// Deliver implements [connector.Connector]. First the mail is put into the folder, then
// the note into the journal. A crash in between leaves a mail that the next call finds.
func (m *Mailbox) Deliver(ctx context.Context, r connector.Request) (res connector.Result, err error) {
	switch {
	case r.ID.IsZero() || r.Relationship.IsZero():
		return res, fmt.Errorf("deliver: %w: no id or no relationship", fault.Invalid)
	case r.Kind == "message" || r.Kind == "request":
	case r.Kind == "disclose" || r.Kind == "change" || r.Kind == "withdraw":
		if reason := unfit(r.Value); reason != "" && r.Kind != "withdraw" {
			return connector.Result{State: connector.Declined, Ref: r.Record, Reason: reason}, nil
		}
	default:
		return res, fmt.Errorf("deliver: a mailbox has no place for a %s: %w", r.Kind, errors.ErrUnsupported)
	}
	err = m.with(ctx, func(s *session) error {
		res, err = m.deliver(s, &r)
		return err
	})
	if err != nil {
		return connector.Result{}, fmt.Errorf("deliver: %w", err)
	}
	return res, nil
}

func (m *Mailbox) deliver(s *session, r *connector.Request) (connector.Result, error) {
	j, err := m.sync(s)
	if err != nil {
		return connector.Result{}, err
	}
	q, err := m.request(s, r.ID)
	if err != nil {
		return connector.Result{}, err
	}
	if q.delivered == nil {
		n := &note{Kind: delivered, ID: "delivered " + r.ID.String(), At: m.cfg.Now(), Of: r.ID, Rel: r.Relationship}
		if r.Fact == "" {
			if n.Ticket = r.Thread.ID; n.Ticket == "" {
				n.Ticket = refOf(r.ID)
			}
		} else {
			n.Fact, n.Proposal, n.Record = r.Fact, r.Proposal, m.recordOf(r)
		}
		if j.has(n.ID) {
			return m.result(n), nil // somebody has deleted the note
		}
		return m.write(s, r, n, "")
	}
	if q.delivered.Proposal && !r.Proposal && q.proved == nil {
		// With the proof: what a person has decided by now stands.
		if err := m.listen(s); err != nil {
			return connector.Result{}, err
		}
		if q, err = m.request(s, r.ID); err != nil {
			return connector.Result{}, err
		}
		if q.decided != nil {
			return m.asDecided(r, q), nil
		}
		n := &note{Kind: proved, ID: "proved " + r.ID.String(), At: m.cfg.Now(), Of: r.ID, Rel: r.Relationship, Fact: r.Fact, Record: m.recordOf(r)}
		return m.write(s, r, n, proved)
	}
	if q.proved != nil && !r.Proposal {
		return m.result(q.proved), nil
	}
	return m.result(q.delivered), nil
}

// recordOf returns the record of a fact: the company's own, or what people call a
// customer whom nobody knows from before.
func (m *Mailbox) recordOf(r *connector.Request) string {
	if r.Record.IsZero() && !r.Proposal {
		return refOf(r.Relationship)
	}
	return r.Record.ID
}

// result returns what is said of a delivery, now and whenever it comes again.
func (m *Mailbox) result(n *note) connector.Result {
	if n.Ticket != "" {
		return connector.Result{State: connector.Written, Ref: m.ref(n.Ticket)}
	}
	return connector.Result{State: connector.Proposed, Ref: m.ref(n.Record)}
}

// asDecided is what a person decided before the proof came.
func (m *Mailbox) asDecided(r *connector.Request, q *request) connector.Result {
	if q.decided.Declined {
		return connector.Result{State: connector.Declined, Ref: m.ref(q.delivered.Record), Reason: q.decided.Reason}
	}
	return connector.Result{State: connector.Written, Ref: m.ref(q.decided.Record), Reported: true, Value: r.Value}
}

// write puts the mail of a request into the folder, unless it lies there, and notes it.
func (m *Mailbox) write(s *session, r *connector.Request, n *note, part string) (connector.Result, error) {
	id := mail.MessageIDOf(r.ID, part, m.domain)
	for _, folder := range []string{m.cfg.Done, m.cfg.Folder} {
		found, err := m.find(s, folder, id)
		if err != nil {
			return connector.Result{}, err
		}
		if len(found) > 0 {
			n, err := m.adopt(s, found[0], n)
			return m.result(n), err
		}
	}
	raw, err := m.letter(s, r, n, id)
	if err != nil {
		return connector.Result{}, err
	}
	if err := s.put(m.cfg.Folder, raw); err != nil {
		return connector.Result{}, err
	}
	return m.result(n), m.note(s, n)
}

// find returns the mails of a folder with a Message-ID, and leaves it in use.
func (m *Mailbox) find(s *session, folder string, id mail.MessageID) ([]imap.UID, error) {
	if _, err := s.use(folder); err != nil {
		return nil, err
	}
	return s.search(named("Message-ID", id.Local()+"@"))
}

// Read implements [connector.Connector]: a mailbox has no records that could be read. A
// mailbox that is down has not said that.
func (m *Mailbox) Read(ctx context.Context, ref connector.Ref) (connector.Record, error) {
	err := m.with(ctx, func(s *session) error {
		_, err := m.sync(s)
		return err
	})
	if err == nil {
		err = errors.ErrUnsupported
	}
	return connector.Record{}, fmt.Errorf("read: %w", err)
}
