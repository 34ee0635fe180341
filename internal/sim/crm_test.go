package sim

import (
	"maps"
	"slices"
	"testing"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/connector/connectortest"
)

// The system of the simulation must itself be a good one, else the gateway would
// be blamed for it.
func TestCRM(t *testing.T) {
	for _, person := range []bool{false, true} {
		name := "auto"
		if person {
			name = "person"
		}
		t.Run(name, func(t *testing.T) {
			connectortest.Run(t, connectortest.Fixture{New: func(testing.TB) connectortest.System {
				c := newCRM("CRM", time.Now, func(string, ...any) {})
				c.person = person
				return c.system()
			}})
		})
	}
}

func (c *crm) system() connectortest.System {
	return connectortest.System{
		Connect: func(testing.TB) connector.Connector { return c },
		Records: func(_ testing.TB, rel firsthand.ID) (refs []connector.Ref) {
			for _, number := range slices.Sorted(maps.Keys(c.records)) {
				if slices.Contains(c.records[number].rels, rel) {
					refs = append(refs, connector.Ref{System: "CRM", ID: number})
				}
			}
			return refs
		},
		Look: func(_ testing.TB, ref connector.Ref) (map[string]firsthand.Value, bool) {
			r := c.records[ref.ID]
			if r == nil {
				return nil, false
			}
			return r.facts, true
		},
		Customer: func(_ testing.TB, who connectortest.Customer) connector.Ref {
			c.add(who.Number, who.Contact, who.Facts)
			return connector.Ref{System: "CRM", ID: who.Number}
		},
		Tickets: func(_ testing.TB, rel firsthand.ID) (found []connectortest.Ticket) {
			for _, number := range slices.Sorted(maps.Keys(c.tickets)) {
				if t := c.tickets[number]; t.rel == rel {
					found = append(found, connectortest.Ticket{Ref: connector.Ref{System: "CRM", ID: number}, Texts: t.posts})
				}
			}
			return found
		},
		Edit: func(t testing.TB, ref connector.Ref, fact string, v firsthand.Value) {
			must(t, c.edit(ref.ID, fact, v))
		},
		Reply: func(t testing.TB, ref connector.Ref, author, text string) { must(t, c.reply(ref.ID, author, text)) },
		Decide: func(t testing.TB, id firsthand.ID, ref connector.Ref, reason string) {
			must(t, c.decide(id, ref.ID, reason))
		},
		Sent: func(testing.TB) (sent []connectortest.Sent) {
			for _, n := range c.sent {
				sent = append(sent, connectortest.Sent{To: n.to, Text: n.text})
			}
			return sent
		},
		Down: func(_ testing.TB, down bool) { c.down = down },
		Lose: func(testing.TB) { c.lose++ },
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
