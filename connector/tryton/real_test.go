package tryton_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/connector/connectortest"
	"firsthand/fault"
)

func newID() (id firsthand.ID) {
	rand.Read(id[:])
	return id
}

func disclose(rel firsthand.ID, fact, text string) connector.Request {
	return connector.Request{ID: newID(), Relationship: rel, Kind: "disclose", Fact: fact, Value: firsthand.Text(text)}
}

func deliver(t testing.TB, c connector.Connector, r connector.Request) connector.Ref {
	t.Helper()
	res, err := c.Deliver(t.Context(), r)
	must(t, err)
	if res.State != connector.Written {
		t.Fatalf("%s of %s: %s (%s)", r.Kind, r.Fact, res.State, res.Reason)
	}
	return res.Ref
}

func changes(t testing.TB, c connector.Connector, cursor string) (all []connector.Change) {
	t.Helper()
	for change, err := range c.Changes(t.Context(), cursor) {
		must(t, err)
		all = append(all, change)
	}
	return all
}

// Staff correct a name, and before anybody has asked for changes the customer changes
// something else of the same record.
func TestNameIsNotMasked(t *testing.T) {
	s := newStand(t)
	c, rel := s.connect(t), newID()
	ref := deliver(t, c, disclose(rel, "name", "Mia Peeters"))
	cursor := ""
	if all := changes(t, c, ""); len(all) > 0 {
		cursor = all[len(all)-1].Cursor
	}
	s.edit(t, ref, "name", firsthand.Text("Mia Claes"))
	deliver(t, c, disclose(rel, "email", "mia@example.org"))
	deliver(t, c, disclose(rel, "phone.mobile", "+32477123456"))
	all := changes(t, c, cursor)
	if len(all) != 1 || all[0].Fact != "name" || all[0].Value.Text != "Mia Claes" {
		t.Fatalf("staff corrected the name, and the changes are %+v", all)
	}
	if more := changes(t, c, all[0].Cursor); len(more) > 0 {
		t.Errorf("told once, and again: %+v", more)
	}
}

// Anna writes between our reading and writing: nothing of hers is written over unseen.
func TestRace(t *testing.T) {
	s := newStand(t)
	c, rel := s.connect(t), newID()
	ref := deliver(t, c, connector.Request{ID: newID(), Relationship: rel, Kind: "disclose", Fact: "address.home", Value: home("Kerkstraat 1")})
	for _, versioned := range []bool{true, false} {
		rec, err := c.Read(t.Context(), ref)
		must(t, err)
		time.Sleep(1100 * time.Millisecond) // on SQLite, Tryton tells writes apart by the second
		r := connector.Request{ID: newID(), Relationship: rel, Kind: "change", Fact: "address.home", Value: home("Veldstraat 22"), Record: ref}
		if versioned {
			r.Record = rec.Ref
		}
		read := 0
		s.Rewrite(func(_, _ string, body []byte) []byte {
			if strings.Contains(string(body), `"addresses."`) {
				if read++; read == 1 {
					s.edit(t, ref, "address.home", home("Stationsstraat 3"))
				}
			}
			return body
		})
		res, err := c.Deliver(t.Context(), r)
		s.Rewrite(nil)
		facts, _ := s.look(t, ref)
		switch {
		case read != 2:
			t.Errorf("read %d times, want again after the write that failed", read)
		case versioned && (fault.KindOf(err) != fault.Conflict || !facts["address.home"].Equal(home("Stationsstraat 3"))):
			t.Errorf("Anna was quicker: %+v, %v, and it is %q", res, err, facts["address.home"])
		case !versioned && (err != nil || !facts["address.home"].Equal(r.Value)):
			t.Errorf("after Anna, whatever she wrote: %+v, %v, and it is %q", res, err, facts["address.home"])
		}
	}
}

// Staff find that a party which a relationship made is one that they had.
func TestMerged(t *testing.T) {
	s := newStand(t)
	c, rel := s.connect(t), newID()
	first := disclose(rel, "name", "Mia Peeters")
	from := deliver(t, c, first)
	into := s.customer(t, connectortest.Customer{Number: fmt.Sprintf("M%x", rel[:6]), Facts: map[string]firsthand.Value{"name": first.Value}})
	var session []any
	must(t, s.anna.Call(t.Context(), &session, "wizard.party.replace.create", none))
	must(t, s.anna.Call(t.Context(), nil, "wizard.party.replace.execute", session[0],
		map[string]any{"ask": map[string]any{"source": number(t, from), "destination": number(t, into)}}, "replace", none))

	if again := deliver(t, c, first); again.ID != into.ID {
		t.Errorf("what was done is now in %s, and the connector says %s", into.ID, again.ID)
	}
	if next := deliver(t, c, disclose(rel, "name", "Mia Claes")); next.ID != into.ID {
		t.Errorf("the next is in %s, want %s", next.ID, into.ID)
	}
	bound := disclose(rel, "phone.mobile", "+32477123456")
	bound.Record = from // as the gateway has it
	if got := deliver(t, c, bound); got.ID != into.ID {
		t.Errorf("to the old record, and it is in %s, want %s", got.ID, into.ID)
	}
	rec, err := c.Read(t.Context(), from)
	must(t, err)
	if rec.Ref.ID != into.ID || rec.Facts["name"].Text != "Mia Claes" {
		t.Errorf("the old record reads as %+v", rec)
	}
}

func TestWish(t *testing.T) {
	s := newStand(t)
	c, rel := s.connect(t), newID()
	ref := deliver(t, c, disclose(rel, "name", "Mia Peeters"))
	for _, proposal := range []bool{false, true} {
		r := connector.Request{ID: newID(), Relationship: rel, Kind: "wish", Record: ref, Proposal: proposal, Subject: "A bicycle\r\nBcc: x", Text: "With a <b>basket</b>.\n\nMia"}
		lead := deliver(t, c, r)
		for range 2 {
			if again := deliver(t, s.connect(t), r); again != lead {
				t.Errorf("the same wish is %v, and was %v", again, lead)
			}
		}
		var leads []struct {
			Description, Comment, State string
			Party                       int
		}
		must(t, s.anna.Call(t.Context(), &leads, "model.sale.opportunity.search_read", []any{[]any{"reference", "=", r.ID.String()}}, 0, nil, nil,
			[]string{"description", "comment", "state", "party"}, none))
		if len(leads) != 1 {
			t.Fatalf("%d leads of one wish", len(leads))
		}
		l := leads[0]
		if l.Description != "A bicycle" || l.Comment != r.Text || l.State != "lead" || proposal == (l.Party == number(t, ref)) {
			t.Errorf("a wish (proposal %t) became %+v", proposal, l)
		}
		if _, err := c.Read(t.Context(), lead); err != nil {
			t.Errorf("read it: %v", err)
		}
		astray := disclose(rel, "name", "Mia")
		astray.Record = lead // whose number may be a party's as well
		if res, err := c.Deliver(t.Context(), astray); err != nil || res.State != connector.Declined {
			t.Errorf("a fact for a lead: %+v, %v", res, err)
		}
		must(t, c.(connector.Redactor).Redact(t.Context(), lead, ""))
	}
}

// What a customer says of herself leads nobody to her record, and no code to her.
func TestOwnWordProvesNothing(t *testing.T) {
	s := newStand(t)
	c := s.connect(t).(connector.Binder)
	address := fmt.Sprintf("mia.%s@example.org", strings.ToLower(newID().String()[:8]))
	hers := s.customer(t, connectortest.Customer{Number: newID().String()[:9], Contact: address})
	thief := s.customer(t, connectortest.Customer{Number: newID().String()[:9]})
	r := disclose(newID(), "email", address)
	r.Record = thief // who is bound to it
	deliver(t, c, r)
	refs, err := c.Find(t.Context(), connector.Claim{Record: address})
	must(t, err)
	if len(refs) != 1 || refs[0].ID != hers.ID {
		t.Errorf("find %s: %v, want %s alone", address, refs, hers.ID)
	}
	if _, err := c.Notify(t.Context(), thief, connector.Message{ID: newID().String(), Subject: "A code", Text: "123"}); fault.KindOf(err) != fault.NotExist {
		t.Errorf("a code to an address that came with a request: %v", err)
	}
}

// A message that the mail server refuses is tried again, one of which nobody knows
// whether it took it isn't.
func TestMailTroubles(t *testing.T) {
	s := newStand(t)
	c := s.connect(t).(connector.Binder)
	ref := s.customer(t, connectortest.Customer{Number: newID().String()[:9], Contact: "mia.peeters@example.org"})
	m := connector.Message{ID: newID().String(), Subject: "A code\nBcc: thief@example.net", Text: "Your code is 123"}
	for code, says := range map[int]string{451: "later, mia.peeters@example.org", 550: "no mia.peeters@example.org"} {
		s.mail.Fail(code, says)
		_, err := c.Notify(t.Context(), ref, m)
		if err == nil || strings.Contains(err.Error(), "mia.peeters") || (fault.KindOf(err) == fault.Unavailable) != (code < 500) {
			t.Errorf("refused with %d: %v", code, err)
		}
	}
	s.mail.HangUp()
	for range 2 {
		to, err := c.Notify(t.Context(), ref, m)
		if err != nil || to != "m•••@example.org" {
			t.Errorf("the answer is lost: %q, %v", to, err)
		}
	}
	if n := len(s.mail.Mails()); n != 1 {
		t.Errorf("%d messages went out, want 1", n)
	}
}

// A bug in what joins a gateway to Tryton is noticed by the suite.
func TestSuiteCatches(t *testing.T) {
	company(t)
	for _, b := range []struct {
		name, test string
		wrap       func(connector.Binder) connector.Connector
	}{
		{"each delivery has another id", "requests take effect in order, and old ones never again", func(c connector.Binder) connector.Connector { return renaming{c} }},
		{"the version is forgotten", "a stale version writes nothing", func(c connector.Binder) connector.Connector { return careless{c} }},
		{"what isn't proved is written", "a proposal never writes over anything", func(c connector.Binder) connector.Connector { return trusting{c} }},
	} {
		if failures := connectortest.Check(t, fixture(b.wrap), b.test); len(failures) == 0 {
			t.Errorf("%s, and %q passes", b.name, b.test)
		}
	}
}

type renaming struct{ connector.Connector }

func (c renaming) Deliver(ctx context.Context, r connector.Request) (connector.Result, error) {
	r.ID = newID()
	return c.Connector.Deliver(ctx, r)
}

type careless struct{ connector.Connector }

func (c careless) Deliver(ctx context.Context, r connector.Request) (connector.Result, error) {
	r.Record.Version = ""
	return c.Connector.Deliver(ctx, r)
}

type trusting struct{ connector.Connector }

func (c trusting) Deliver(ctx context.Context, r connector.Request) (connector.Result, error) {
	r.Proposal = false
	return c.Connector.Deliver(ctx, r)
}

// BenchmarkChange is a change in Tryton until it may be called applied, beside the same
// by a client that does nothing else: a write, with a read before it to know whether
// somebody has written meanwhile, and a read after it.
func BenchmarkChange(b *testing.B) {
	s := newStand(b)
	s.config.URL = s.tryton.URL // without the border
	c, rel := s.connect(b), newID()
	ref := deliver(b, c, connector.Request{ID: newID(), Relationship: rel, Kind: "disclose", Fact: "address.home", Value: home("Kerkstraat 1")})
	row := s.rows(b, "party.address", number(b, ref), "street")[0].ID
	times := map[string][]time.Duration{}
	timed := func(what string, do func()) {
		begin := time.Now()
		do()
		times[what] = append(times[what], time.Since(begin))
	}
	for n := 0; b.Loop(); n++ {
		street := fmt.Sprintf("Stationsstraat %d", n)
		timed("bare", func() {
			must(b, s.anna.Write(b.Context(), "party.address", row, map[string]any{"street": street + "a"}))
		})
		timed("bare read", func() {
			if _, ok := s.look(b, ref); !ok {
				b.Fatal("the party is gone")
			}
		})
		timed("change", func() {
			deliver(b, c, connector.Request{ID: newID(), Relationship: rel, Kind: "change", Fact: "address.home", Value: home(street), Record: connector.Ref{System: ref.System, ID: ref.ID}})
		})
		timed("back", func() {
			_, err := c.Read(b.Context(), ref)
			must(b, err)
		})
	}
	median := func(what string) float64 {
		slices.Sort(times[what])
		return float64(times[what][len(times[what])/2].Microseconds()) / 1000
	}
	b.ReportMetric(median("bare"), "bare-ms")
	b.ReportMetric(median("bare read"), "bare-read-ms")
	b.ReportMetric(median("change"), "change-ms")
	b.ReportMetric(median("change")-median("bare"), "added-ms")
	b.ReportMetric(median("change")+median("back"), "applied-ms")
	b.ReportMetric((median("change")+median("back"))/(median("bare")+2*median("bare read")), "ratio")
}
