package gatewaytest

import (
	"bytes"
	"testing"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/gateway"
)

// besides checks that what stands beside a row is what its last commit has put there, and
// never what one before it has.
func besides(t *testing.T, f Fixture) {
	s, ok := f.Open(t).(gateway.Shared)
	if !ok {
		return
	}
	c := NewCustomer(t, "mia", Company{})
	rel := c.Rel()
	is := func(what string, version int64, want string) {
		t.Helper()
		row, ends, err := s.Glance(t.Context(), rel)
		if err != nil || row.ID != rel || row.Version != version || string(ends) != want || want == "" && ends != nil {
			t.Errorf("%s: version %d with %q beside it, %v, want %d with %q", what, row.Version, ends, err, version, want)
		}
	}
	at := func(version int64, ends string) []gateway.At {
		a := gateway.At{Rel: rel, Version: version}
		if ends != "" {
			a.Ends = []byte(ends)
		}
		return []gateway.At{a}
	}
	said := func() firsthand.Entry {
		c.Say(t, "hello")
		return c.First[len(c.First)-1]
	}
	if _, _, err := s.Glance(t.Context(), rel); fault.KindOf(err) != fault.NotExist {
		t.Errorf("of nothing: %v", err)
	}
	row := gateway.Relationship{ID: rel, Key: firsthand.PublicKey{7}, Keys: 1}
	must(t, s.Commit(t.Context(), gateway.Commit{At: at(0, "one"), Relationships: []gateway.Relationship{row}, Entries: c.First}))
	is("a new row", 1, "one")
	long := string(bytes.Repeat([]byte{0, 255}, 150))
	must(t, s.Commit(t.Context(), gateway.Commit{At: at(1, long), Entries: []firsthand.Entry{said()}}))
	is("an entry", 2, long)
	if err := s.Commit(t.Context(), gateway.Commit{At: at(1, "stale"), Evidence: []gateway.Evidence{{Entry: c.First[0]}}}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("from an old version: %v", err)
	}
	is("after a commit that was refused", 2, long)
	row.Keys = 2
	must(t, s.Commit(t.Context(), gateway.Commit{At: at(2, "three"), Relationships: []gateway.Relationship{row}}))
	is("a changed row", 3, "three")
	must(t, s.Commit(t.Context(), gateway.Commit{At: at(3, ""), Entries: []firsthand.Entry{said()}}))
	is("a commit that doesn't say", 4, "")
	must(t, s.Commit(t.Context(), gateway.Commit{At: at(4, "five"), Entries: []firsthand.Entry{said()}}))
	must(t, s.Append(t.Context(), said()))
	is("entries alone", 6, "")
	must(t, s.Commit(t.Context(), gateway.Commit{At: at(6, "seven"), Entries: []firsthand.Entry{said()}}))
	must(t, s.Commit(t.Context(), gateway.Commit{Relationships: []gateway.Relationship{row}}))
	is("a row alone", 8, "")
	must(t, s.Commit(t.Context(), gateway.Commit{At: at(8, "nine"), Deliveries: []gateway.Delivery{{Rel: rel, Seq: 2, Task: gateway.Deliver, Status: gateway.Waiting}}}))
	is("a delivery", 9, "nine")
	must(t, s.Commit(t.Context(), gateway.Commit{Audit: []gateway.Audit{{Rel: rel, By: "ann", Act: "show", At: noon}}}))
	is("audit", 9, "nine")
}
