package split_test

import (
	"context"
	"errors"
	"iter"
	"path/filepath"
	"testing"

	"firsthand"
	"firsthand/connector"
	"firsthand/connector/connectortest"
	"firsthand/connector/memory"
	"firsthand/connector/split"
	"firsthand/fault"
)

// TestConnector runs the suite on two small CRMs: the one has the records, the other
// the tickets.
func TestConnector(t *testing.T) {
	connectortest.Run(t, connectortest.Fixture{Unwanted: "shoe_size", New: func(t testing.TB) connectortest.System {
		var records, tickets *memory.CRM
		dir := t.TempDir()
		file := func(name string) memory.Config {
			return memory.Config{Name: name, File: filepath.Join(dir, name), Mode: memory.Auto, Fields: []string{"address.home", "email"}}
		}
		return connectortest.System{
			Connect: func(t testing.TB) connector.Connector {
				records, tickets = open(t, file("CRM")), open(t, file("helpdesk"))
				return join(t, records, tickets)
			},
			Records: func(t testing.TB, rel firsthand.ID) (refs []connector.Ref) {
				for _, r := range append(records.Records(), tickets.Records()...) { // of tickets there should be none
					for _, of := range r.Relationships {
						if of == rel {
							refs = append(refs, connector.Ref{System: "CRM", ID: r.Number})
						}
					}
				}
				return refs
			},
			Look: func(t testing.TB, ref connector.Ref) (map[string]firsthand.Value, bool) {
				for _, r := range records.Records() {
					if r.Number == ref.ID {
						return r.Facts, true
					}
				}
				return nil, false
			},
			Customer: func(t testing.TB, c connectortest.Customer) connector.Ref {
				r := memory.Record{Number: c.Number, Facts: c.Facts}
				if c.Contact != "" {
					r.Contacts = []string{c.Contact}
				}
				must(t, records.Add(r))
				return connector.Ref{System: "CRM", ID: c.Number}
			},
			Tickets: func(t testing.TB, rel firsthand.ID) (all []connectortest.Ticket) {
				for _, x := range append(tickets.Tickets(), records.Tickets()...) { // of records there should be none
					if x.Relationship == rel {
						ticket := connectortest.Ticket{Ref: connector.Ref{System: "helpdesk", ID: x.Number}}
						for _, m := range x.Messages {
							ticket.Texts = append(ticket.Texts, m.Text)
						}
						all = append(all, ticket)
					}
				}
				return all
			},
			Edit: func(t testing.TB, ref connector.Ref, fact string, v firsthand.Value) {
				must(t, records.Edit(ref.ID, fact, v))
			},
			Resolve: func(t testing.TB, ticket connector.Ref) { must(t, tickets.Resolve(ticket.ID, "Anna")) },
			Sent: func(t testing.TB) (sent []connectortest.Sent) {
				for _, s := range records.Outbox() {
					sent = append(sent, connectortest.Sent{To: s.To, Text: s.Text})
				}
				return sent
			},
			Reply: func(t testing.TB, ticket connector.Ref, author, text string) {
				must(t, tickets.Reply(ticket.ID, author, text))
			},
		}
	}})
}

// What one system has to tell comes also while the other is down, and from where a
// gateway had read to that had one system alone.
func TestChanges(t *testing.T) {
	dir := t.TempDir()
	records := open(t, memory.Config{Name: "CRM", File: filepath.Join(dir, "a"), Fields: []string{"email"}})
	tickets := open(t, memory.Config{Name: "helpdesk", File: filepath.Join(dir, "b")})
	must(t, records.Add(memory.Record{Number: "C-1"}))
	must(t, records.Edit("C-1", "email", firsthand.Text("mia@example.org")))
	before := changes(t, records, "")
	must(t, records.Edit("C-1", "email", firsthand.Text("mia@example.net")))
	res, err := tickets.Deliver(t.Context(), connector.Request{ID: firsthand.ID{1}, Relationship: firsthand.ID{2}, Kind: "message", Text: "Hello?"})
	must(t, err)
	must(t, tickets.Reply(res.Ref.ID, "Anna", "Yes?"))

	if got := changes(t, join(t, records, tickets), before[0].Cursor); len(got) != 2 || got[0].Value.Text != "mia@example.net" || got[1].Text != "Yes?" {
		t.Errorf("from where one system was read to: %+v", got)
	}
	n := 0
	var last error
	for c, err := range join(t, down{records}, tickets).Changes(t.Context(), "") {
		if last = err; err == nil && c.Text == "Yes?" {
			n++
		}
	}
	if n != 1 || fault.KindOf(last) != fault.Unavailable {
		t.Errorf("while one is down, %d of the other's changes came, and then %v", n, last)
	}
}

func TestJoin(t *testing.T) {
	dir := t.TempDir()
	a := open(t, memory.Config{Name: "CRM", File: filepath.Join(dir, "a")})
	b := open(t, memory.Config{Name: "CRM", File: filepath.Join(dir, "b")})
	if _, err := split.Join(a, b); fault.KindOf(err) != fault.Invalid {
		t.Errorf("two of one name: %v", err)
	}
	c := join(t, down{a}, open(t, memory.Config{Name: "helpdesk", File: filepath.Join(dir, "c")}))
	if _, ok := c.(connector.Binder); ok {
		t.Error("it binds, and the system of the records doesn't")
	}
	if _, ok := c.(connector.Redactor); ok {
		t.Error("it redacts, and the system of the records doesn't")
	}
}

// A down system neither answers, nor binds, nor redacts.
type down struct{ connector.Connector }

func (down) Changes(context.Context, string) iter.Seq2[connector.Change, error] {
	return func(yield func(connector.Change, error) bool) {
		yield(connector.Change{}, errors.Join(fault.Unavailable, errors.New("no route")))
	}
}

func changes(t *testing.T, c connector.Connector, from string) (all []connector.Change) {
	t.Helper()
	for c, err := range c.Changes(t.Context(), from) {
		must(t, err)
		all = append(all, c)
	}
	return all
}

func join(t testing.TB, records, tickets connector.Connector) connector.Connector {
	t.Helper()
	c, err := split.Join(records, tickets)
	must(t, err)
	return c
}

func open(t testing.TB, cfg memory.Config) *memory.CRM {
	t.Helper()
	crm, err := memory.Open(cfg)
	must(t, err)
	return crm
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
