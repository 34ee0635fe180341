package email_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"firsthand"
	"firsthand/connector"
	"firsthand/connector/connectortest"
	"firsthand/connector/email"
)

func TestConnector(t *testing.T) { connectortest.Run(t, fixture(plant{})) }

// A plant is a bug to be put in.
type plant struct {
	connector func(*email.Mailbox) connector.Connector
}

func fixture(p plant) connectortest.Fixture {
	return connectortest.Fixture{New: func(t testing.TB) connectortest.System {
		return newStand(t, newMemory(t), "").system(p)
	}}
}

// A stand is a mailbox behind a border, and the people who have it.
type stand struct {
	*border
	*staff
	suffix string // of its folders
	last   *email.Mailbox
	config map[string]any // members beside the usual ones
	sums   int            // notes that are summed up at a time
}

func newStand(t testing.TB, host func() (net.Conn, error), suffix string) *stand {
	s := &stand{border: newBorder(t, host), staff: newStaff(t, host), suffix: suffix}
	s.folder, s.done = "Firsthand"+suffix, "Firsthand done"+suffix
	s.sums = 2 // so that each test has some
	t.Cleanup(func() {
		if s.last != nil {
			s.last.Close()
		}
	})
	return s
}

// open opens another connector.
func (s *stand) open(t testing.TB) *email.Mailbox {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	must(t, os.WriteFile(file, []byte(password+"\n"), 0o600))
	config := map[string]any{"address": address, "host": "127.0.0.1", "port": s.port(), "tls": "none", "password_file": file,
		"folder": "Firsthand" + s.suffix, "done": "Firsthand done" + s.suffix, "journal": "Firsthand journal" + s.suffix}
	maps.Copy(config, s.config)
	raw, err := json.Marshal(config)
	must(t, err)
	var c email.Config
	must(t, json.Unmarshal(raw, &c))
	c.SumAfter = s.sums
	m, err := email.Open(c)
	must(t, err)
	return m
}

// restart is open after a crash, by which the connection of the one before has ended.
func (s *stand) restart(t testing.TB) *email.Mailbox {
	if s.last != nil {
		s.last.Close()
	}
	s.last = s.open(t)
	return s.last
}

func (s *stand) system(p plant) connectortest.System {
	return connectortest.System{
		Connect: func(t testing.TB) connector.Connector {
			c := s.restart(t)
			if p.connector != nil {
				return p.connector(c)
			}
			return atDesk{c, s.staff, t}
		},
		Records: func(_ testing.TB, rel firsthand.ID) []connector.Ref { return s.records(rel) },
		Look: func(_ testing.TB, ref connector.Ref) (map[string]firsthand.Value, bool) {
			return s.look(ref)
		},
		Customer: func(_ testing.TB, c connectortest.Customer) connector.Ref {
			s.staff.mu.Lock()
			defer s.staff.mu.Unlock()
			s.book[c.Number] = &page{facts: maps.Clone(c.Facts)}
			return connector.Ref{System: "mailbox", ID: c.Number}
		},
		Tickets: s.tickets,
		Reply:   s.reply,
		Resolve: func(t testing.TB, ticket connector.Ref) { s.move(t, "X-Firsthand-Ticket", ticket.ID, s.done) },
		Decide:  s.decide,
		Left:    s.left, Delete: s.deleteSent,
		Down: s.Down, Lose: s.Lose, Break: s.Break,
		// Edit: the book isn't in the mailbox. Sent: there is no contact on record.
		// Busy: IMAP has no word for how long.
	}
}

// tickets returns the threads of a relationship: her words, as people read them.
func (s *stand) tickets(t testing.TB, rel firsthand.ID) (tickets []connectortest.Ticket) {
	for _, l := range s.both(t, "X-Firsthand-Relationship", rel.String()) {
		id := l.header.Get("X-Firsthand-Ticket")
		if id == "" {
			continue
		}
		text := l.text[:strings.LastIndex(l.text, "\n\n-- \n")]
		n := slices.IndexFunc(tickets, func(t connectortest.Ticket) bool { return t.Ref.ID == id })
		if n < 0 {
			n = len(tickets)
			tickets = append(tickets, connectortest.Ticket{Ref: connector.Ref{System: "mailbox", ID: id}})
		}
		tickets[n].Texts = append(tickets[n].Texts, text)
	}
	return tickets
}

// atDesk is a person at the gateway's desk, who has the company's book beside her: she
// writes into it what she says there that she has written.
type atDesk struct {
	*email.Mailbox
	staff *staff
	t     testing.TB
}

func (d atDesk) Accept(ctx context.Context, id firsthand.ID, record string) error {
	if err := d.Mailbox.Accept(ctx, id, record); err != nil {
		return err
	}
	d.staff.write(d.t, id, record)
	return nil
}

func (d atDesk) String() string { return fmt.Sprint(d.Mailbox) }
