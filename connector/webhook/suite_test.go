package webhook_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/connector/connectortest"
	"firsthand/connector/webhook"
	"firsthand/connector/webhook/receiver"
)

func TestConnector(t *testing.T) { connectortest.Run(t, fixture(plant{})) }

// The secret of all tests, and the file with it.
var secret = []byte("0123456789abcdef0123456789abcdef")

func secretFile(t testing.TB, secrets ...[]byte) string {
	t.Helper()
	var lines []string
	for _, s := range secrets {
		lines = append(lines, "whsec_"+base64.StdEncoding.EncodeToString(s))
	}
	return keyFile(t, strings.Join(lines, "\n")+"\n")
}

func keyFile(t testing.TB, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "key")
	must(t, os.WriteFile(name, []byte(text), 0o600))
	return name
}

// A plant is a bug in the receiver, or in what lies between.
type plant struct {
	event     func(*receiver.Event)                      // changes an event before it is taken
	report    func(e receiver.Event, text []byte) []byte // changes a report before it is signed
	sign      func(http.Header)                          // changes the headers of an answer
	connector func(connector.Connector) connector.Connector
}

// A stand is a receiver on loopback, behind a border.
type stand struct {
	*connectortest.Border
	crm *receiver.CRM
}

func newStand(t testing.TB, p plant) *stand {
	s := &stand{crm: receiver.NewCRM("address.home", "email")}
	rc := &receiver.Receiver{Secret: secret, CRM: s.crm, Now: time.Now}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := p.serve(rc, r)
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		w.Write(answer.Body.Bytes())
	}))
	t.Cleanup(server.Close)
	s.Border = connectortest.NewBorder(t, server.URL)
	return s
}

// serve has rc answer, with the planted bug.
func (p plant) serve(rc *receiver.Receiver, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	if p.event == nil && p.report == nil && p.sign == nil {
		rc.ServeHTTP(w, r)
		return w
	}
	body := make([]byte, r.ContentLength)
	if _, err := io.ReadFull(r.Body, body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return w
	}
	var e receiver.Event
	json.Unmarshal(body, &e)
	as := e // as it came
	if p.event != nil {
		p.event(&e)
	}
	changed, _ := json.Marshal(e)
	again := httptest.NewRequest(r.Method, "/", strings.NewReader(string(changed)))
	receiver.Sign(secret, again.Header, e.ID, time.Now(), changed)
	rc.ServeHTTP(w, again)
	if w.Code == http.StatusOK {
		text := w.Body.Bytes()
		if p.report != nil {
			text = p.report(as, text)
		}
		w.Body = bytes.NewBuffer(text)
		receiver.Sign(secret, w.Header(), "report_"+as.ID, time.Now(), text)
		if p.sign != nil {
			p.sign(w.Header())
		}
	}
	return w
}

func open(t testing.TB, cfg webhook.Config) *webhook.Hook {
	t.Helper()
	h, err := webhook.Open(cfg)
	must(t, err)
	return h
}

func fixture(p plant) connectortest.Fixture {
	return connectortest.Fixture{Unwanted: "shoe_size", New: func(t testing.TB) connectortest.System {
		s := newStand(t, p)
		cfg := webhook.Config{Name: "Flow", URL: s.URL, SecretFile: secretFile(t, secret)}
		return s.system(func(t testing.TB) connector.Connector {
			if p.connector != nil {
				return p.connector(open(t, cfg))
			}
			return open(t, cfg)
		})
	}}
}

func (s *stand) system(connect func(testing.TB) connector.Connector) connectortest.System {
	return connectortest.System{
		Connect: connect,
		Records: func(t testing.TB, rel firsthand.ID) (refs []connector.Ref) {
			for number, c := range s.crm.Customers() {
				if c.Relationship == rel.String() {
					refs = append(refs, connector.Ref{System: "Flow", ID: number})
				}
			}
			return refs
		},
		Look: func(t testing.TB, ref connector.Ref) (map[string]firsthand.Value, bool) {
			c, ok := s.crm.Customers()[ref.ID]
			facts := map[string]firsthand.Value{}
			for fact, raw := range c.Facts {
				var v firsthand.Value
				must(t, json.Unmarshal(raw, &v))
				facts[fact] = v
			}
			return facts, ok
		},
		Customer: func(t testing.TB, c connectortest.Customer) connector.Ref {
			facts := map[string]json.RawMessage{}
			for fact, v := range c.Facts {
				facts[fact] = firsthand.EncodeJSON(v)
			}
			s.crm.Add(c.Number, facts)
			return connector.Ref{System: "Flow", ID: c.Number}
		},
		Tickets: func(t testing.TB, rel firsthand.ID) (tickets []connectortest.Ticket) {
			for number, x := range s.crm.Tickets() {
				if x.Relationship == rel.String() {
					tickets = append(tickets, connectortest.Ticket{Ref: connector.Ref{System: "Flow", ID: number}, Texts: x.Texts})
				}
			}
			slices.SortFunc(tickets, func(a, b connectortest.Ticket) int { return strings.Compare(a.Ref.ID, b.Ref.ID) })
			return tickets
		},
		Edit: func(t testing.TB, ref connector.Ref, fact string, v firsthand.Value) {
			s.crm.Edit(ref.ID, fact, firsthand.EncodeJSON(v), time.Now())
		},
		Reply: func(t testing.TB, ticket connector.Ref, author, text string) {
			s.crm.Answer(ticket.ID, author, text, time.Now())
		},
		Resolve: func(t testing.TB, ticket connector.Ref) { s.crm.Resolve(ticket.ID, "Anna", time.Now()) },
		Decide: func(t testing.TB, id firsthand.ID, record connector.Ref, reason string) {
			must(t, s.crm.Decide(id.String(), record.ID, reason, time.Now()))
		},
		Down: s.Down, Lose: s.Lose, Busy: s.Busy, Break: s.Break,
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
