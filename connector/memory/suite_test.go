package memory_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"firsthand"
	"firsthand/connector"
	"firsthand/connector/connectortest"
	"firsthand/connector/memory"
)

func TestConnector(t *testing.T) {
	for _, mode := range []string{memory.Auto, memory.Person} {
		t.Run(mode, func(t *testing.T) { connectortest.Run(t, fixture(mode, nil)) })
	}
}

// fixture returns a fixture of CRMs in the given mode. If wrap isn't nil, the
// connector to try is what it makes of the CRM.
func fixture(mode string, wrap func(*memory.CRM) connector.Connector) connectortest.Fixture {
	return connectortest.Fixture{
		Unwanted: "shoe_size",
		New: func(t testing.TB) connectortest.System {
			// The suite cuts no power, and shared disks take their time to sync.
			return system(t, memory.WithoutSync(memory.Config{
				File:   filepath.Join(t.TempDir(), "crm"),
				Mode:   mode,
				Fields: []string{"address.home", "email"},
			}), wrap)
		},
	}
}

func system(t testing.TB, cfg memory.Config, wrap func(*memory.CRM) connector.Connector) connectortest.System {
	crm := open(t, cfg) // the one that is connected now; staff use the same
	down := false
	return connectortest.System{
		Connect: func(t testing.TB) connector.Connector {
			if !down {
				crm = open(t, cfg)
			}
			if wrap != nil {
				return wrap(crm)
			}
			return crm
		},
		Records: func(t testing.TB, rel firsthand.ID) (refs []connector.Ref) {
			for _, r := range crm.Records() {
				if slices.Contains(r.Relationships, rel) {
					refs = append(refs, connector.Ref{System: "CRM", ID: r.Number})
				}
			}
			return refs
		},
		Look: func(t testing.TB, ref connector.Ref) (map[string]firsthand.Value, bool) {
			for _, r := range crm.Records() {
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
			must(t, crm.Add(r))
			return connector.Ref{System: "CRM", ID: c.Number}
		},
		Tickets: func(t testing.TB, rel firsthand.ID) (tickets []connectortest.Ticket) {
			for _, x := range crm.Tickets() {
				if x.Relationship != rel {
					continue
				}
				ticket := connectortest.Ticket{Ref: connector.Ref{System: "CRM", ID: x.Number}}
				for _, m := range x.Messages {
					ticket.Texts = append(ticket.Texts, m.Text)
				}
				tickets = append(tickets, ticket)
			}
			return tickets
		},
		Edit: func(t testing.TB, ref connector.Ref, fact string, v firsthand.Value) {
			must(t, crm.Edit(ref.ID, fact, v))
		},
		Reply: func(t testing.TB, ticket connector.Ref, author, text string) {
			must(t, crm.Reply(ticket.ID, author, text))
		},
		Resolve: func(t testing.TB, ticket connector.Ref) { must(t, crm.Resolve(ticket.ID, "Anna")) },
		Decide: func(t testing.TB, id firsthand.ID, record connector.Ref, reason string) {
			if reason != "" {
				must(t, crm.Refuse(id, reason))
			} else {
				must(t, crm.ApplyTo(id, record.ID))
			}
		},
		Sent: func(t testing.TB) (sent []connectortest.Sent) {
			for _, s := range crm.Outbox() {
				sent = append(sent, connectortest.Sent{To: s.To, Text: s.Text})
			}
			return sent
		},
		Down: func(t testing.TB, away bool) {
			from, to := cfg.File, cfg.File+".away"
			if down = away; !away {
				from, to = to, from
			}
			must(t, os.Rename(from, to))
		},
	}
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
