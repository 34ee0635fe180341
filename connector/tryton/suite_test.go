package tryton_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/connector/connectortest"
	"firsthand/connector/tryton"
	"firsthand/internal/needtest"
	"firsthand/internal/systems"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if real.tryton != nil {
		real.tryton.Stop()
		os.RemoveAll(real.dir)
	}
	os.Exit(code)
}

// real is the one Tryton of this test binary: the suite may share it.
var real struct {
	once   sync.Once
	dir    string
	tryton *systems.Tryton
	anna   *systems.TrytonSession
	uid    int // of the gateway's user
	err    error
}

var postgres = flag.String("postgres", "", "run Tryton on the PostgreSQL of this `URI`, in an empty database by the name of vendor, instead of SQLite")

// company returns the real Tryton, and Anna who works with it.
func company(t testing.TB) (*systems.Tryton, *systems.TrytonSession) {
	t.Helper()
	if !needtest.Big() {
		t.Skip("starts Tryton: runs where FIRSTHAND_TEST_ALL is 1, without the race detector")
	}
	real.once.Do(func() {
		ctx := context.Background()
		if real.dir, real.err = os.MkdirTemp("", "tryton"); real.err != nil {
			return
		}
		if real.tryton, real.err = systems.StartTryton(ctx, real.dir, *postgres); real.err != nil {
			return
		}
		var service *systems.TrytonSession
		if service, real.err = real.tryton.As(ctx, systems.TrytonService); real.err != nil {
			return
		}
		real.uid = service.UID
		real.anna, real.err = real.tryton.As(ctx, systems.TrytonEmployee)
	})
	if errors.Is(real.err, errors.ErrUnsupported) {
		needtest.Skip(t, real.err.Error())
	}
	must(t, real.err)
	return real.tryton, real.anna
}

func TestConnector(t *testing.T) {
	company(t)
	connectortest.Run(t, fixture(nil))
}

// fixture returns a fixture of the real Tryton. If wrap isn't nil, the connector to
// try is what it makes of the real one.
func fixture(wrap func(connector.Binder) connector.Connector) connectortest.Fixture {
	return connectortest.Fixture{
		Unwanted: "shoe_size",
		Samples: []connectortest.Sample{
			{Fact: "address.home", One: home("Kerkstraat 1"), Other: home("Veldstraat 22")},
			// An e-mail address would be a contact on record, which the suite wants apart.
			{Fact: "phone.mobile", One: firsthand.Text("+32 477 12 34 56"), Other: firsthand.Text("+32477654321")},
			{Fact: "name", One: firsthand.Text("Mia Peeters"), Other: firsthand.Text("Mia Claes")},
		},
		New: func(t testing.TB) connectortest.System { return newStand(t).system(wrap) },
	}
}

func home(street string) firsthand.Value {
	return firsthand.Value{Parts: map[string]string{"street": street, "postal_code": "9000", "city": "Gent", "country": "BE"}}
}

// A stand is the real Tryton behind a border, the company's mailbox, and Anna.
type stand struct {
	*connectortest.Border
	tryton *systems.Tryton
	anna   *systems.TrytonSession
	mail   *systems.Mailbox
	config tryton.Config
}

func newStand(t testing.TB) *stand {
	s := &stand{}
	s.tryton, s.anna = company(t)
	s.Border = connectortest.NewBorder(t, s.tryton.URL)
	s.Writes = func(_, _ string, body []byte) bool { // every call is a POST
		var call struct{ Method string }
		json.Unmarshal(body, &call)
		return strings.HasSuffix(call.Method, ".create") || strings.HasSuffix(call.Method, ".write") || strings.HasSuffix(call.Method, ".delete")
	}
	var err error
	s.mail, err = systems.OpenMailbox(time.Now)
	must(t, err)
	t.Cleanup(func() { s.mail.Close() })
	s.config = tryton.Config{URL: s.URL, Database: systems.TrytonDatabase, User: systems.TrytonService, PasswordFile: s.tryton.PasswordFile(),
		Opportunities: true, SMTP: &tryton.SMTP{Address: fmt.Sprintf("127.0.0.1:%d", s.mail.Port), From: "Vendor <care@vendor.example>"}}
	return s
}

func (s *stand) connect(t testing.TB) connector.Connector {
	c, err := tryton.Open(s.config)
	must(t, err)
	return c
}

// system is how Tryton's own users see it. Decide is nil, for what is proposed is left
// to the gateway's desk; and there are no tickets.
func (s *stand) system(wrap func(connector.Binder) connector.Connector) connectortest.System {
	return connectortest.System{
		Connect: func(t testing.TB) connector.Connector {
			c := s.connect(t)
			if wrap != nil {
				return wrap(c.(connector.Binder))
			}
			return c
		},
		Records: s.records, Look: s.look, Customer: s.customer, Edit: s.edit, Latest: true,
		Sent: func(testing.TB) (all []connectortest.Sent) {
			for _, m := range s.mail.Mails() {
				all = append(all, connectortest.Sent{To: m.To, Text: strings.TrimSpace(m.Text)})
			}
			return all
		},
		Down: s.Down, Lose: s.Lose, Busy: s.Busy, Break: s.Break,
		Restart: func(t testing.TB) {
			s.tryton.Stop()
			must(t, s.tryton.Start(context.Background()))
		},
		Shuffle: func(_ testing.TB, on bool) {
			if s.Rewrite(nil); on {
				s.Rewrite(turnRound)
			}
		},
	}
}

// turnRound turns the rows of an answer round, which Tryton's own lists promise an
// order for: nothing may hang on it within what one transaction wrote.
func turnRound(_, _ string, body []byte) []byte {
	var answer struct {
		ID     int
		Result []map[string]json.RawMessage
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if d.Decode(&answer) != nil {
		return body
	}
	slices.Reverse(answer.Result)
	text, err := json.Marshal(map[string]any{"id": answer.ID, "result": answer.Result})
	if err != nil {
		return body
	}
	return text
}

func ref(id int) connector.Ref {
	return connector.Ref{System: "Tryton", ID: "party.party," + strconv.Itoa(id)}
}

func number(t testing.TB, ref connector.Ref) int {
	t.Helper()
	id, err := strconv.Atoi(strings.TrimPrefix(ref.ID, "party.party,"))
	must(t, err)
	return id
}

var none, hidden = map[string]any{}, map[string]any{"active_test": false}

// records looks for the notes of a relationship, in parties that are there.
func (s *stand) records(t testing.TB, rel firsthand.ID) (refs []connector.Ref) {
	t.Helper()
	var ids []int
	must(t, s.anna.Call(t.Context(), &ids, "model.party.party.search", []any{
		[]any{"active", "=", true}, []any{"contact_mechanisms.comment", "like", "%" + like(rel.String()) + "%"}}, 0, nil, nil, hidden))
	for _, id := range ids {
		refs = append(refs, ref(id))
	}
	return refs
}

// like returns s as a pattern that only s fits.
func like(s string) string { return strings.NewReplacer(`_`, `\_`, `%`, `\%`).Replace(s) }

type row struct {
	ID                   int
	Type, Value, Comment string
	Street, City         string
	PostalCode           string                `json:"postal_code"`
	Country              struct{ Code string } `json:"country."`
}

func (s *stand) look(t testing.TB, ref connector.Ref) (map[string]firsthand.Value, bool) {
	t.Helper()
	var parties []struct {
		Name       string
		Addresses  []row `json:"addresses."`
		Mechanisms []row `json:"contact_mechanisms."`
	}
	must(t, s.anna.Call(t.Context(), &parties, "model.party.party.search_read", []any{[]any{"id", "=", number(t, ref)}}, 0, nil, nil,
		[]string{"name", "addresses.street", "addresses.postal_code", "addresses.city", "addresses.country.code",
			"contact_mechanisms.type", "contact_mechanisms.value", "contact_mechanisms.comment"}, none))
	if len(parties) == 0 {
		return nil, false
	}
	facts := map[string]firsthand.Value{}
	put := func(fact string, v firsthand.Value) {
		if _, there := facts[fact]; fact != "" && !v.IsZero() && !there {
			facts[fact] = v
		}
	}
	put("name", firsthand.Text(parties[0].Name))
	for _, m := range parties[0].Mechanisms { // in Tryton's order
		put(map[string]string{"email": "email", "mobile": "phone.mobile", "phone": "phone.home"}[m.Type], firsthand.Text(asGiven(m)))
	}
	for _, a := range parties[0].Addresses {
		v := firsthand.Value{Parts: map[string]string{}}
		for name, text := range map[string]string{"street": a.Street, "postal_code": a.PostalCode, "city": a.City, "country": a.Country.Code} {
			if text != "" {
				v.Parts[name] = text
			}
		}
		put("address.home", v)
	}
	return facts, true
}

// asGiven returns a number as the customer spelt it: Tryton spells it its own way, if
// it has a library for that, and the connector leaves hers beside it for staff.
func asGiven(m row) string {
	bare := strings.NewReplacer(" ", "", "-", "")
	if m.Type == "mobile" && bare.Replace(m.Comment) == bare.Replace(m.Value) {
		return m.Comment
	}
	return m.Value
}

// rows returns what belongs to a party and is active, in Tryton's order.
func (s *stand) rows(t testing.TB, model string, party int, fields ...string) (rows []row) {
	t.Helper()
	must(t, s.anna.Call(t.Context(), &rows, "model."+model+".search_read", []any{[]any{"party", "=", party}}, 0, nil,
		[]any{[]string{"sequence", "ASC NULLS FIRST"}, []string{"id", "ASC"}}, fields, none))
	return rows
}

func (s *stand) customer(t testing.TB, c connectortest.Customer) connector.Ref {
	t.Helper()
	mechanisms := []any{}
	if c.Contact != "" {
		mechanisms = append(mechanisms, map[string]any{"type": "email", "value": c.Contact})
	}
	if v := c.Facts["phone.mobile"]; !v.IsZero() {
		mechanisms = append(mechanisms, map[string]any{"type": "mobile", "value": v.Text})
	}
	values := map[string]any{"name": c.Facts["name"].Text, "code": c.Number, "addresses": []any{}, "contact_mechanisms": []any{[]any{"create", mechanisms}}}
	if v := c.Facts["address.home"]; !v.IsZero() {
		values["addresses"] = []any{[]any{"create", []any{s.address(t, v)}}}
	}
	id, err := s.anna.Create(t.Context(), "party.party", values)
	must(t, err)
	return ref(id)
}

func (s *stand) address(t testing.TB, v firsthand.Value) map[string]any {
	var ids []int
	must(t, s.anna.Call(t.Context(), &ids, "model.country.country.search", []any{[]any{"code", "=", v.Parts["country"]}}, 0, 1, nil, none))
	return map[string]any{"street": v.Parts["street"], "postal_code": v.Parts["postal_code"], "city": v.Parts["city"], "country": ids[0]}
}

// edit is Anna in the lists of addresses and of contact mechanisms.
func (s *stand) edit(t testing.TB, ref connector.Ref, fact string, v firsthand.Value) {
	t.Helper()
	party := number(t, ref)
	model, values := "party.contact_mechanism", map[string]any{"value": v.Text}
	switch fact {
	case "name":
		must(t, s.anna.Write(t.Context(), "party.party", party, map[string]any{"name": v.Text}))
		return
	case "address.home":
		model, values = "party.address", s.address(t, v)
	}
	var rows []row
	if model == "party.address" {
		rows = s.rows(t, model, party, "street")
	} else {
		kind := map[string]string{"phone.mobile": "mobile", "phone.home": "phone", "email": "email"}[fact]
		rows = slices.DeleteFunc(s.rows(t, model, party, "type"), func(r row) bool { return r.Type != kind })
	}
	if len(rows) == 0 {
		t.Fatalf("%s has no %s to edit", ref.ID, fact)
	}
	must(t, s.anna.Write(t.Context(), model, rows[0].ID, values))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
