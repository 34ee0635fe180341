package memory_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"firsthand"
	"firsthand/connector"
	"firsthand/connector/memory"
	"firsthand/fault"
)

func TestConfig(t *testing.T) {
	dir := t.TempDir()
	tests := []struct {
		name, config string
		ok           bool
	}{
		{"least", `{"file":"DIR/a"}`, true},
		{"all", `{"file":"DIR/b","name":"Desk","mode":"person","fields":["email"],
			"seed":[{"number":"4711","contacts":["mia@example.org"],"facts":{"email":"mia@example.org","address.home":{"city":"Gent"}}}]}`, true},
		{"facts as a list", `{"file":"DIR/d","seed":[{"number":"1","facts":[{"fact":"address.home","value":{"city":"Gent"}}]}]}`, true},
		{"a fact twice", `{"file":"DIR/c","seed":[{"number":"1","facts":[{"fact":"email","value":"a"},{"fact":"email","value":"b"}]}]}`, false},
		{"a fact without a name", `{"file":"DIR/c","seed":[{"number":"1","facts":[{"value":"a"}]}]}`, false},
		{"unknown member of a fact", `{"file":"DIR/c","seed":[{"number":"1","facts":[{"fact":"email","text":"a"}]}]}`, false},
		{"a fact that is a number", `{"file":"DIR/c","seed":[{"number":"1","facts":{"age":42}}]}`, false},
		{"no file", `{}`, false},
		{"unknown member", `{"file":"DIR/c","mod":"auto"}`, false},
		{"unknown mode", `{"file":"DIR/c","mode":"manual"}`, false},
		{"unknown member of a record", `{"file":"DIR/c","seed":[{"number":"1","contact":"mia@example.org"}]}`, false},
		{"two with one number", `{"file":"DIR/c","seed":[{"number":"1"},{"number":"1"}]}`, false},
		{"no number", `{"file":"DIR/c","seed":[{}]}`, false},
		{"a ticket's number", `{"file":"DIR/c","seed":[{"number":"T1"}]}`, false},
		{"no such directory", `{"file":"DIR/none/c"}`, false},
		{"two values", `{"file":"DIR/c"} {}`, false},
		{"not JSON", `file`, false},
		{"nothing", ``, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := memory.New(json.RawMessage(strings.ReplaceAll(tt.config, "DIR", dir)))
			if (err == nil) != tt.ok || (c == nil) == tt.ok {
				t.Errorf("New = %v, %v, want success: %t", c, err, tt.ok)
			}
			if err != nil && tt.name != "no such directory" && fault.KindOf(err) != fault.Invalid {
				t.Errorf("%v, want invalid", err)
			}
		})
	}
}

func TestSeed(t *testing.T) {
	cfg := config(t)
	cfg.Name = "Desk"
	cfg.Seed = []memory.Record{{Number: "4711", Contacts: []string{"mia@example.org"}, Facts: map[string]firsthand.Value{"email": firsthand.Text("mia@example.org")}}}
	c := open(t, cfg)
	rec, err := c.Read(t.Context(), connector.Ref{ID: "4711"})
	must(t, err)
	if want := (connector.Ref{System: "Desk", ID: "4711", Version: "1"}); rec.Ref != want || rec.Facts["email"].Text != "mia@example.org" {
		t.Errorf("read %+v, want %v", rec, want)
	}
	must(t, c.Edit("4711", "email", firsthand.Text("mia@example.net")))
	c = open(t, cfg) // the file has its own customers by now
	if rec, _ := c.Read(t.Context(), rec.Ref); rec.Facts["email"].Text != "mia@example.net" {
		t.Errorf("the seed has overwritten an edit: %+v", rec)
	}
}

func TestInvalid(t *testing.T) {
	c := open(t, config(t))
	for name, r := range map[string]connector.Request{
		"no id":           {Relationship: randomID(), Kind: "disclose", Fact: "email", Value: firsthand.Text("x")},
		"no relationship": {ID: randomID(), Kind: "disclose", Fact: "email", Value: firsthand.Text("x")},
		"kind":            {ID: randomID(), Relationship: randomID(), Kind: "terms.offer"},
	} {
		if _, err := c.Deliver(t.Context(), r); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v, want invalid", name, err)
		}
	}
	for _, cursor := range []string{"x", "0", "-1", "01", "1.", " 1", "99999999999999999999"} {
		for c, err := range c.Changes(t.Context(), cursor) {
			if fault.KindOf(err) != fault.Invalid {
				t.Errorf("cursor %q: %+v, %v, want invalid", cursor, c, err)
			}
		}
	}
	for name, err := range map[string]error{
		"apply":       c.Apply(randomID()),
		"refuse":      c.Refuse(randomID(), "no"),
		"edit":        c.Edit("4711", "email", firsthand.Text("x")),
		"setcontacts": c.SetContacts("4711", "x"),
		"reply":       c.Reply("T1", "Anna", "x"),
	} {
		if fault.KindOf(err) != fault.NotExist {
			t.Errorf("%s of what isn't there: %v, want that it doesn't exist", name, err)
		}
	}
}

// TestStrangersThread sends a message into a ticket of somebody else.
func TestStrangersThread(t *testing.T) {
	c := open(t, config(t))
	say := func(rel firsthand.ID, thread connector.Ref) connector.Ref {
		return mustDeliver(t, c, connector.Request{ID: randomID(), Relationship: rel, Kind: "message", Text: "hello", Thread: thread}).Ref
	}
	hers := say(randomID(), connector.Ref{})
	if other := say(randomID(), hers); other.ID == hers.ID {
		t.Error("a stranger writes into her ticket")
	}
	mustDeliver(t, c, connector.Request{ID: randomID(), Relationship: randomID(), Kind: "message", Text: "hello", Record: connector.Ref{ID: "4711"}, Proposal: true})
	if tickets := c.Tickets(); tickets[len(tickets)-1].Record != "" {
		t.Error("a stranger's ticket shows as customer 4711's")
	}
}

// TestFindNothing has a record of which the company knows no contact, in so many
// words.
func TestFindNothing(t *testing.T) {
	c := open(t, config(t))
	must(t, c.Add(memory.Record{Number: "4711", Contacts: []string{""}}))
	if found, err := c.Find(t.Context(), connector.Claim{}); err != nil || len(found) > 0 {
		t.Errorf("an empty claim finds %v, %v", found, err)
	}
}

// TestAfterRedact holds that of a record that is gone just so much is remembered
// that nothing is done again.
func TestAfterRedact(t *testing.T) {
	c := open(t, config(t))
	r := disclosure(0)
	ref := mustDeliver(t, c, r).Ref
	must(t, c.SetContacts(ref.ID, "mia@example.org"))
	m := connector.Message{ID: "m1", Text: "Your code is 7341."}
	_, err := c.Notify(t.Context(), ref, m)
	must(t, err)
	must(t, c.Redact(t.Context(), ref, ""))
	must(t, c.Add(memory.Record{Number: ref.ID, Contacts: []string{"max@example.org"}}))
	if to, err := c.Notify(t.Context(), ref, m); err != nil || strings.Contains(to, "example") || len(c.Outbox()) != 1 || c.Outbox()[0].Text != "" {
		t.Errorf("the message is sent again, to %q, %v; or kept: %+v", to, err, c.Outbox())
	}
	say := r
	copy(say.ID[:], "message")
	say.Kind, say.Text = "message", "hello"
	mustDeliver(t, c, say)
	if tickets := c.Tickets(); len(tickets) != 1 || tickets[0].Record != "" {
		t.Errorf("her ticket is of a record that was redacted: %+v", tickets)
	}
}

// TestFailedChange has a change fail on the disk, and one succeed: what was read
// before must stay as it was read.
func TestFailedChange(t *testing.T) {
	c := open(t, config(t))
	r := disclosure(0)
	ref := mustDeliver(t, c, r).Ref
	before := c.Records()[0]
	r.ID, r.Kind, r.Value = randomID(), "change", firsthand.Text("new@example.org")
	c.FailAt(1, errors.New("disk full"))
	if _, err := c.Deliver(t.Context(), r); err == nil {
		t.Fatal("the change succeeds")
	}
	if rec, err := c.Read(t.Context(), ref); err != nil || rec.Facts["email"].Text != "c0@example.org" {
		t.Errorf("after a change that failed: %+v, %v", rec, err)
	}
	mustDeliver(t, c, r)
	if got := before.Facts["email"].Text; got != "c0@example.org" {
		t.Errorf("what was read before has become %q", got)
	}
}

// TestRedactWhileReading has somebody read the changes while they are redacted.
func TestRedactWhileReading(t *testing.T) {
	cfg := config(t)
	cfg.Seed = []memory.Record{{Number: "1"}, {Number: "2"}}
	c := open(t, cfg)
	for i := range 6 {
		must(t, c.Edit(fmt.Sprint(1+i%2), "email", firsthand.Text(fmt.Sprint(i))))
	}
	n := 0
	for ch, err := range c.Changes(t.Context(), "") {
		must(t, err)
		if n == 0 {
			must(t, c.Redact(t.Context(), connector.Ref{ID: "1"}, ""))
		}
		if ch.Value.Text != fmt.Sprint(n) {
			t.Fatalf("change %d is %+v", n, ch)
		}
		n++
	}
	for ch, err := range c.Changes(t.Context(), "") {
		if must(t, err); ch.Ref.ID != "2" {
			t.Errorf("a change of a record that was redacted: %+v", ch)
		}
	}
}

// TestPerson holds that proposals for one fact are decided in their order, and
// that a person has to say whose record an unproved one is about.
func TestPerson(t *testing.T) {
	cfg := config(t)
	cfg.Mode = memory.Person
	cfg.Seed = []memory.Record{{Number: "4711"}}
	c := open(t, cfg)
	rel := randomID()
	propose := func(text string, unproved bool) firsthand.ID {
		r := connector.Request{ID: randomID(), Relationship: rel, Kind: "change", Fact: "email", Value: firsthand.Text(text), Proposal: unproved}
		if res := mustDeliver(t, c, r); res.State != connector.Proposed {
			t.Fatalf("%s, want proposed", res.State)
		}
		return r.ID
	}
	first, second := propose("a@example.org", false), propose("b@example.org", false)
	if got := fmt.Sprint(c.Proposals()[0].Value, " ", c.Proposals()[1].Value); got != "a@example.org b@example.org" {
		t.Errorf("proposals are %s", got)
	}
	if err := c.Apply(second); !errors.Is(err, fault.Conflict) {
		t.Errorf("apply the second before the first: %v, want a conflict", err)
	}
	must(t, c.Refuse(first, ""))
	must(t, c.Apply(second))
	if err := c.Apply(second); !errors.Is(err, fault.NotExist) {
		t.Errorf("apply it again: %v, want that it doesn't exist", err)
	}
	rec, ok := recordOf(c, rel)
	if !ok || rec.Facts["email"].Text != "b@example.org" {
		t.Errorf("the record is %+v", rec)
	}

	p := propose("c@example.org", true)
	if err := c.Apply(p); !errors.Is(err, fault.NotExist) {
		t.Errorf("apply what is about nobody in particular: %v, want that it doesn't exist", err)
	}
	if err := c.ApplyTo(p, "4712"); !errors.Is(err, fault.NotExist) {
		t.Errorf("apply to nobody: %v, want that it doesn't exist", err)
	}
	must(t, c.ApplyTo(p, "4711"))
	rec, _ = recordOf(c, rel)
	if rec.Number == "4711" || rec.Facts["email"].Text != "b@example.org" {
		t.Errorf("what was applied to 4711 has changed whose record is whose: %+v", rec)
	}
	old := connector.Request{ID: randomID(), Relationship: rel, Kind: "change", Fact: "phone", Value: firsthand.Text("1"), Record: connector.Ref{ID: rec.Number, Version: "1"}}
	mustDeliver(t, c, old)
	must(t, c.Edit(rec.Number, "name", firsthand.Text("Mia")))
	must(t, c.Apply(old.ID)) // the person sees the record as it is now
	if n := len(c.Proposals()); n != 0 {
		t.Errorf("%d proposals left", n)
	}
}

// TestSharedRecord has two relationships of one customer.
func TestSharedRecord(t *testing.T) {
	cfg := config(t)
	cfg.Seed = []memory.Record{{Number: "4711"}}
	c := open(t, cfg)
	for range 2 {
		mustDeliver(t, c, connector.Request{ID: randomID(), Relationship: randomID(), Kind: "change", Fact: "email",
			Value: firsthand.Text("mia@example.org"), Record: connector.Ref{ID: "4711"}})
	}
	must(t, c.Edit("4711", "email", firsthand.Text("mia@example.net")))
	for ch, err := range c.Changes(t.Context(), "") {
		if must(t, err); !ch.Relationship.IsZero() || ch.Ref.ID != "4711" {
			t.Errorf("a change of a record that two relationships have is of %s", ch.Relationship)
		}
	}
}
