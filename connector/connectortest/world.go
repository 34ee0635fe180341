package connectortest

import (
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"firsthand"
	"firsthand/connector"
)

// A world is what one test of the suite plays in: a system, the connector to it
// and one relationship. Its methods fail the test where the contract is broken.
type world struct {
	testing.TB
	sys     System
	c       connector.Connector
	rel     firsthand.ID
	samples []Sample
	fixture Fixture
	at      time.Time
	said    map[firsthand.ID]connector.Result // by request; a repeat says the same
}

var defaultSamples = []Sample{
	{"address.home", parts("Kerkstraat 1"), parts("Veldstraat 22")},
	{"email", firsthand.Text("mia@example.org"), firsthand.Text("mia.peeters@example.net")},
}

func parts(street string) firsthand.Value {
	return firsthand.Value{Parts: map[string]string{"street": street, "postal_code": "9000", "city": "Gent", "country": "BE"}}
}

func newWorld(t testing.TB, f Fixture) *world {
	w := &world{TB: t, sys: f.New(t), rel: newID(), samples: f.Samples, fixture: f,
		at: time.Date(2026, 11, 21, 21, 47, 0, 0, time.UTC), said: map[firsthand.ID]connector.Result{}}
	if w.samples == nil {
		w.samples = defaultSamples
	}
	w.restart()
	return w
}

// restart is the gateway crashing and coming back.
func (w *world) restart() { w.c = w.sys.Connect(w) }

// newID returns an id that no other test has, on whatever system it runs.
func newID() (id firsthand.ID) {
	rand.Read(id[:])
	return id
}

// newNumber returns a customer number that nobody has.
func newNumber() string {
	id := newID()
	return fmt.Sprintf("C%x", id[:6])
}

// request returns a request of the world's relationship.
func (w *world) request(kind firsthand.Kind) connector.Request {
	w.at = w.at.Add(time.Minute)
	return connector.Request{ID: newID(), Relationship: w.rel, Kind: kind, At: w.at}
}

// fact returns a request that gives sample n: its one value, or the other.
func (w *world) fact(kind firsthand.Kind, n int, other bool) connector.Request {
	r := w.request(kind)
	s := w.samples[n]
	r.Fact, r.Value, r.Purpose = s.Fact, s.One, "ServiceProvision"
	if other {
		r.Value = s.Other
	}
	if kind == "change" {
		r.Old = s.One
	}
	return r
}

// deliver delivers r, which must succeed and say what the contract wants.
func (w *world) deliver(r connector.Request) connector.Result {
	w.Helper()
	res, err := w.c.Deliver(w.Context(), r)
	if err != nil {
		w.Fatalf("deliver %s: %v", r.Kind, err)
	}
	w.sound(r, res)
	if before, again := w.said[r.ID]; again && !same(before, res) {
		w.Fatalf("the same %s again says %+v, and said %+v", r.Kind, res, before)
	}
	w.said[r.ID] = res
	return res
}

// sound checks a Result by itself.
func (w *world) sound(r connector.Request, res connector.Result) {
	w.Helper()
	switch res.State {
	case connector.Written:
		if res.Ref.IsZero() && r.Kind != "withdraw" {
			w.Fatalf("%s was written, and Result.Ref doesn't say where", r.Kind)
		}
		if res.Reported && (r.Kind == "disclose" || r.Kind == "change") && !res.Value.Equal(r.Value) {
			w.Fatalf("reported as written is %v, want %v", res.Value, r.Value)
		}
	case connector.Declined:
		if res.Reason == "" {
			w.Fatalf("%s was declined without a reason", r.Kind)
		}
	case connector.Proposed:
	default:
		w.Fatalf("state %q is none", res.State)
	}
	if !res.Ref.IsZero() && res.Ref.System == "" {
		w.Fatalf("Result.Ref %v names no system", res.Ref)
	}
}

// settle delivers r and, where the system leaves it to a person, has her apply
// it. It returns where r was written.
func (w *world) settle(r connector.Request) connector.Ref {
	w.Helper()
	res := w.deliver(r)
	if res.State == connector.Proposed && w.sys.Decide != nil {
		from := w.cursor()
		w.sys.Decide(w, r.ID, r.Record, "")
		for _, c := range w.changes(from) {
			if c.Of == r.ID && c.State == connector.Written {
				return c.Ref
			}
		}
		w.Fatalf("%s was applied by a person, and no change says so", r.Kind)
	}
	if res.State != connector.Written {
		w.Fatalf("%s of %s: %s (%s), want it written", r.Kind, r.Fact, res.State, res.Reason)
	}
	return res.Ref
}

// record returns the one record of the relationship.
func (w *world) record() connector.Ref {
	w.Helper()
	refs := w.sys.Records(w, w.rel)
	if len(refs) != 1 {
		w.Fatalf("%d records of the relationship in the system, want 1", len(refs))
	}
	return refs[0]
}

// has fails the test unless the system has v as a fact of the record; a zero v
// stands for none. Read must say the same, unless the system can't be read.
func (w *world) has(ref connector.Ref, fact string, v firsthand.Value) {
	w.Helper()
	w.shows(ref, map[string]firsthand.Value{fact: v})
}

// shows is has for several facts, at one look.
func (w *world) shows(ref connector.Ref, want map[string]firsthand.Value) {
	w.Helper()
	facts, ok := w.sys.Look(w, ref)
	if !ok {
		w.Fatalf("record %s is not in the system", ref.ID)
	}
	rec, can := w.read(ref)
	for fact, v := range want {
		if !facts[fact].Equal(v) {
			w.Fatalf("%s in the system is %.200q, want %.200q", fact, facts[fact], v)
		}
		if can && !rec.Facts[fact].Equal(v) {
			w.Fatalf("%s read back is %.200q, but the system has %.200q", fact, rec.Facts[fact], v)
		}
	}
}

// customer returns a customer of the company's with one value of each sample,
// and the given contact on record.
func (w *world) customer(contact string) (connector.Ref, map[string]firsthand.Value) {
	facts := map[string]firsthand.Value{}
	for _, s := range w.samples {
		facts[s.Fact] = s.One
	}
	ref := w.sys.Customer(w, Customer{Number: newNumber(), Contact: contact, Facts: maps.Clone(facts)})
	ref.Version = "" // the gateway has none before it reads
	return ref, facts
}

// changes returns what has changed since cursor, checking what must hold of any
// list of changes.
func (w *world) changes(cursor string) []connector.Change {
	w.Helper()
	var all []connector.Change
	for c, err := range w.c.Changes(w.Context(), cursor) {
		if err != nil {
			w.Fatalf("changes: %v", err)
		}
		if c.Cursor == "" || c.ID == "" {
			w.Fatalf("a change has no cursor or no id: %+v", c)
		}
		if slices.ContainsFunc(all, func(d connector.Change) bool { return d.ID == c.ID || d.Cursor == c.Cursor }) {
			w.Fatalf("change %s comes twice", c.ID)
		}
		if all = append(all, c); len(all) > 100_000 {
			w.Fatalf("changes don't end")
		}
	}
	return all
}

// cursor returns where the changes end now.
func (w *world) cursor() string {
	w.Helper()
	return last("", w.changes(""))
}

func last(cursor string, changes []connector.Change) string {
	if n := len(changes); n > 0 {
		return changes[n-1].Cursor
	}
	return cursor
}
