package sim

import (
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
)

// A story is a run in which nothing happens by chance: one customer, companies,
// and a network that works. A test tells what goes wrong.
type story struct {
	*run
	t    *testing.T
	mia  *customer
	acme *company
}

func newStory(t *testing.T, companies int) *story {
	t.Helper()
	r := newRun(Options{Seed: 1, Trace: t.Output()})
	r.plan = plan{active: 24 * time.Hour}
	r.healed = true // nothing is lost, and polls are as frequent as real ones
	for i := range companies {
		r.companies = append(r.companies, r.newCompany(i))
		r.companies[i].crm.person = false
	}
	s := &story{run: r, t: t, acme: r.companies[0], mia: r.newCustomer(0)}
	r.customers = append(r.customers, s.mia)
	return s
}

// pass lets time pass, in which every invariant is checked.
func (s *story) pass(d time.Duration) {
	s.t.Helper()
	s.until(s.now.Add(d))
	s.ok(s.err)
}

func (s *story) ok(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// denied fails the story unless err is of that kind.
func (s *story) denied(err error, kind fault.Kind) {
	s.t.Helper()
	if fault.KindOf(err) != kind || err == nil {
		s.t.Fatalf("error = %v, want one of kind %v", err, kind)
	}
}

func (s *story) phone() *device { return s.mia.devices[0] }

// meet opens a relationship and waits until the company has answered.
func (s *story) meet(c *company) firsthand.ID {
	s.t.Helper()
	row, err := s.phone().agent.Meet(s.ctx, c.domain, agent.MeetOptions{Kept: true, Again: true})
	s.ok(err)
	s.phone().wake(0)
	s.pass(time.Minute)
	return row.ID
}

// tell discloses a fact, as her exception.
func (s *story) tell(d *device, rel firsthand.ID, fact, value string) agent.Act {
	s.t.Helper()
	act, err := d.agent.Disclose(s.ctx, rel, agent.Telling{Fact: fact, Value: firsthand.Text(value), Purpose: purpose,
		Basis: firsthand.Basis{Exception: "I want it"}})
	s.ok(err)
	d.wake(0)
	return act
}

// state folds what a device has of a relationship.
func (s *story) state(d *device, rel firsthand.ID) *firsthand.State {
	s.t.Helper()
	state, err := firsthand.Load(s.ctx, d.store, rel)
	s.ok(err)
	return state
}

func (s *story) row(d *device, rel firsthand.ID) agent.Relationship {
	s.t.Helper()
	row, err := d.store.Relationship(s.ctx, rel)
	s.ok(err)
	return row
}

// holds returns the values that the company holds of hers, as both sides fold it.
func (s *story) holds(rel firsthand.ID) map[string]string {
	s.t.Helper()
	s.compare(s.ledger.rels[rel])
	s.ok(s.err)
	values := make(map[string]string)
	for _, h := range s.state(s.phone(), rel).At(s.now).Holdings {
		values[h.Fact] = h.Value.Text
	}
	return values
}

// settled fails the story unless both sides have the same, and nothing is left to
// do.
func (s *story) settled(rel firsthand.ID) {
	s.t.Helper()
	s.pass(time.Hour)
	if why := s.unsettledBond(s.ledger.rels[rel]); why != "" {
		s.t.Fatal(why)
	}
}

// want compares two values.
func want[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%s = %v, want %v", what, got, want)
	}
}
