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
