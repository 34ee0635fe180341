package gatewaytest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
	"firsthand/internal/gateway"
)

// A Fixture says how to make the Stores under test.
type Fixture struct {
	// Open returns a Store with nothing in it. It lasts until t ends.
	Open func(t testing.TB) gateway.Store
	// Reopen stops s, as the end of its program would, and returns a Store on the
	// same storage. It is nil for a Store that is gone with its program.
	Reopen func(t testing.TB, s gateway.Store) gateway.Store
}

// Run checks the contract in the comments of [gateway.Store], and of [gateway.Shared]
// where it says what is kept of one relationship; that of
// firsthand.Log is checked by package logtest.
func Run(t *testing.T, f Fixture) {
	checks := []struct {
		name string
		run  func(t *testing.T, f Fixture)
	}{
		{"everything comes back", everything},
		{"a commit that fails leaves nothing", nothing},
		{"what isn't there", absent},
		{"relationships", relationships},
		{"the outbox is a line", line},
		{"restored and frozen relationships rest", resting},
		{"second's lost branch is replaced", replaced},
		{"commits of many at once", together},
		{"the audit of all", audits},
		{"settings that must be as expected", expected},
		{"numbers", numbers},
		{"counts", counts},
		{"the ends of the logs", besides},
	}
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) { c.run(t, f) })
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func id(n byte) firsthand.ID { return firsthand.ID{n, 31: 1} }

// noon is a moment with milliseconds, which are kept.
var noon = time.Date(2026, 11, 21, 12, 0, 0, int(250*time.Millisecond), time.UTC)

// filled is a commit with something in each part that needs no entry.
func filled() gateway.Commit {
	rel := id(1)
	return gateway.Commit{
		Relationships: []gateway.Relationship{{ID: rel, Opened: noon, Key: firsthand.PublicKey{7}, Next: id(8), Keys: 2,
			Record: connector.Ref{System: "CRM", ID: "C-1"}, Noticed: noon, Frozen: "why"}},
		Deliveries: []gateway.Delivery{
			{Rel: rel, Seq: 2, Task: gateway.Deliver, Entry: id(2), Status: gateway.Stopped, Tries: 3, Next: noon, Why: "é",
				Ref: connector.Ref{System: "CRM", ID: "T-1", Version: "9"}, Reported: true, Due: "2026-12-21"},
			{Rel: rel, Seq: 2, Task: gateway.Redact, Entry: id(2), Status: gateway.Later, Next: noon.AddDate(1, 0, 0)},
		},
		Challenges: []gateway.Challenge{{Rel: rel, Claim: id(3), Seq: 3, Record: connector.Ref{System: "CRM", ID: "C-1"}, Sends: 1,
			Hash: id(4), Sent: noon, Until: "2026-11-28", Left: 5, Tried: 4, Entry: id(5), Proof: id(6)}},
		AddDrafts: []gateway.Draft{{Rel: rel, Body: []byte(`{"kind":"message","text":"x"}`), Of: id(7), Made: noon}},
		Audit:     []gateway.Audit{{Rel: rel, At: noon, By: "ann", Act: "show", Entry: id(9), Note: "n"}, {Rel: rel, At: noon, By: "bob", Act: "apply"}},
		Changes:   []string{"c1"},
		Settings:  map[string]string{"a": "1"},
	}
}

func everything(t *testing.T, f Fixture) {
	ctx, s, c := t.Context(), f.Open(t), filled()
	must(t, s.Commit(ctx, c))
	must(t, s.Commit(ctx, gateway.Commit{Changes: []string{"c1"}, Settings: map[string]string{"a": "2", "b": "3"}}))
	for range 2 {
		rel := id(1)
		row, err := s.Relationship(ctx, rel)
		must(t, err)
		if row.Version = 0; row != c.Relationships[0] { // which is the store's own
			t.Errorf("relationship = %+v", row)
		}
		ds, err := s.Deliveries(ctx, rel)
		must(t, err)
		if !slices.Equal(ds, c.Deliveries) {
			t.Errorf("deliveries = %+v", ds)
		}
		d, err := s.Delivery(ctx, rel, 2, gateway.Redact)
		must(t, err)
		if d != c.Deliveries[1] {
			t.Errorf("delivery = %+v", d)
		}
		due, err := s.Due(ctx)
		must(t, err)
		if !slices.Equal(due, c.Deliveries[:1]) {
			t.Errorf("due = %+v", due)
		}
		chs, err := s.Challenges(ctx, rel)
		must(t, err)
		if !slices.Equal(chs, c.Challenges) {
			t.Errorf("challenges = %+v", chs)
		}
		n, err := s.Challenged(ctx, "CRM", "C-1", noon)
		must(t, err)
		later, err := s.Challenged(ctx, "CRM", "C-1", noon.Add(time.Second))
		must(t, err)
		if n != 1 || later != 0 {
			t.Errorf("challenged = %d, %d", n, later)
		}
		drafts, err := s.Drafts(ctx, rel)
		must(t, err)
		if len(drafts) != 1 || drafts[0].ID == 0 || string(drafts[0].Body) != string(c.AddDrafts[0].Body) || drafts[0].Of != id(7) || !drafts[0].Made.Equal(noon) {
			t.Errorf("drafts = %+v", drafts)
		}
		audit, err := s.Audit(ctx, rel)
		must(t, err)
		for i := range audit {
			if i > 0 && audit[i].N <= audit[i-1].N {
				t.Errorf("audit %d is at %d", i, audit[i].N)
			}
			audit[i].N = 0
		}
		if !slices.Equal(audit, c.Audit) {
			t.Errorf("audit = %+v", audit)
		}
		for change, want := range map[string]bool{"c1": true, "c2": false} {
			if known, err := s.Known(ctx, change); known != want || err != nil {
				t.Errorf("known %s = %v, %v", change, known, err)
			}
		}
		for name, want := range map[string]string{"a": "2", "b": "3", "c": ""} {
			if v, err := s.Setting(ctx, name); v != want || err != nil {
				t.Errorf("setting %s = %q, %v", name, v, err)
			}
		}
		ids, err := s.OfRecord(ctx, "CRM", "C-1")
		must(t, err)
		other, err := s.OfRecord(ctx, "ERP", "C-1")
		must(t, err)
		if !slices.Equal(ids, []firsthand.ID{rel}) || len(other) != 0 {
			t.Errorf("of record = %v, %v", ids, other)
		}
		if f.Reopen == nil {
			return
		}
		s = f.Reopen(t, s)
	}
	drafts, err := s.Drafts(ctx, id(1))
	must(t, err)
	must(t, s.Commit(ctx, gateway.Commit{DropDrafts: []int64{drafts[0].ID, 99}}))
	if drafts, err = s.Drafts(ctx, id(1)); err != nil || len(drafts) != 0 {
		t.Errorf("drafts = %v, %v", drafts, err)
	}
}

func nothing(t *testing.T, f Fixture) {
	ctx, s, c := t.Context(), f.Open(t), filled()
	customer := NewCustomer(t, "gap", Company{})
	customer.Say(t, "one")
	c.Entries = customer.First[1:] // without the opening
	if err := s.Commit(ctx, c); !errors.Is(err, fault.Conflict) {
		t.Fatalf("commit: %v, want conflict", err)
	}
	if _, err := s.Relationship(ctx, id(1)); !errors.Is(err, fault.NotExist) {
		t.Errorf("relationship: %v", err)
	}
	if known, err := s.Known(ctx, "c1"); known || err != nil {
		t.Errorf("known: %v, %v", known, err)
	}
	if ds, err := s.Due(ctx); len(ds) != 0 || err != nil {
		t.Errorf("due: %v, %v", ds, err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if err := s.Commit(ended, filled()); err == nil {
		t.Error("committed after the context had ended")
	}
}

func absent(t *testing.T, f Fixture) {
	ctx, s := t.Context(), f.Open(t)
	if _, err := s.Relationship(ctx, id(1)); !errors.Is(err, fault.NotExist) {
		t.Errorf("relationship: %v", err)
	}
	if _, err := s.Delivery(ctx, id(1), 1, gateway.Deliver); !errors.Is(err, fault.NotExist) {
		t.Errorf("delivery: %v", err)
	}
	for r, err := range s.Relationships(ctx) {
		t.Errorf("relationship %v, %v", r, err)
	}
	ready, err := s.Ready(ctx, gateway.Records, 10)
	must(t, err)
	if len(ready) != 0 {
		t.Errorf("ready = %v", ready)
	}
}

func relationships(t *testing.T, f Fixture) {
	ctx, s := t.Context(), f.Open(t)
	var want []firsthand.ID
	for i := 0; i < 700; {
		var c gateway.Commit
		for range 100 {
			rel := firsthand.ID{byte(i), byte(i >> 8), 5}
			want = append(want, rel)
			c.Relationships = append(c.Relationships, gateway.Relationship{ID: rel, Keys: 1 + i%2})
			i++
		}
		must(t, s.Commit(ctx, c))
	}
	var got []firsthand.ID
	for r, err := range s.Relationships(ctx) {
		must(t, err)
		got = append(got, r.ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d relationships, or in another order; want %d", len(got), len(want))
	}
	behind, err := s.Behind(ctx, 2, 3)
	must(t, err)
	if !slices.Equal(behind, []firsthand.ID{want[0], want[2], want[4]}) {
		t.Errorf("behind = %v", behind)
	}
}

func line(t *testing.T, f Fixture) {
	ctx, s := t.Context(), f.Open(t)
	at := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Minute) }
	lane := gateway.Records
	put := func(rel byte, seq int64, status gateway.Status, next int) {
		t.Helper()
		must(t, s.Commit(ctx, gateway.Commit{Deliveries: []gateway.Delivery{
			{Rel: id(rel), Seq: seq, Task: gateway.Deliver, Lane: lane, Entry: id(byte(seq)), Status: status, Next: at(next)}}}))
	}
	want := func(what string, want ...string) {
		t.Helper()
		var got []string
		for _, lane := range []gateway.Lane{gateway.Records, gateway.Tickets} {
			ready, err := s.Ready(ctx, lane, 10)
			must(t, err)
			for _, d := range ready {
				got = append(got, fmt.Sprintf("%s%d/%d", d.Lane, d.Rel[0], d.Seq))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: ready = %v, want %v", what, got, want)
		}
	}
	put(1, 2, gateway.Waiting, 5)
	put(1, 3, gateway.Waiting, 0)
	put(2, 2, gateway.Waiting, 3)
	want("the first in each line", "2/2", "1/2")
	put(1, 4, gateway.Later, 1)
	want("sooner than the line", "1/4", "2/2", "1/2")
	put(1, 6, gateway.Later, 8)
	want("the sooner of two that are set for later", "1/4", "2/2", "1/2")
	put(1, 6, gateway.Done, 8)
	put(1, 4, gateway.Later, 9)
	want("later than the line", "2/2", "1/2", "1/4")
	put(1, 2, gateway.Applied, 5)
	want("the next in line", "1/3", "2/2", "1/4")
	put(1, 3, gateway.Stopped, 0)
	want("stopped, but what is set for later goes on", "2/2", "1/4")
	put(1, 5, gateway.Waiting, 0)
	want("behind what is stopped", "2/2", "1/4")
	put(1, 3, gateway.Held, 0)
	want("held is not in the way", "1/5", "2/2", "1/4")
	put(1, 3, gateway.Waiting, 0)
	want("back in its old place", "1/3", "2/2", "1/4")
	put(2, 2, gateway.Checking, 4)
	want("checking is in line", "1/3", "2/2", "1/4")
	for seq := range int64(4) {
		put(1, seq+2, gateway.Done, 0)
	}
	put(2, 2, gateway.Proposed, 0)
	want("nothing left")

	lane = gateway.Tickets
	put(1, 10, gateway.Waiting, 2)
	put(1, 11, gateway.Waiting, 0)
	lane = gateway.Records
	put(1, 12, gateway.Waiting, 1)
	put(2, 12, gateway.Waiting, 0)
	want("each lane has its line", "2/12", "1/12", "tickets1/10")
	put(1, 12, gateway.Stopped, 0)
	want("what is stopped in one lane doesn't stop the other", "2/12", "tickets1/10")
	lane = gateway.Tickets
	put(1, 10, gateway.Stopped, 2)
	put(1, 13, gateway.Later, 3)
	want("later is in no lane", "2/12", "tickets1/13")
	put(1, 10, gateway.Done, 2)
	put(1, 13, gateway.Done, 3)
	want("the next in the lane", "2/12", "tickets1/11")
	put(2, 12, gateway.Waiting, 4)
	want("moved to the other lane", "tickets1/11", "tickets2/12")
	lane = gateway.Records
	put(1, 11, gateway.Waiting, 0)
	put(2, 12, gateway.Proposed, 4)
	put(1, 12, gateway.Waiting, 0)
	want("moved back, to its old place", "1/11")
}

func resting(t *testing.T, f Fixture) {
	ctx, s := t.Context(), f.Open(t)
	rows := []gateway.Relationship{{ID: id(1)}, {ID: id(2), Restored: true}, {ID: id(3), Frozen: "why"}}
	c := gateway.Commit{Relationships: rows}
	for _, r := range rows {
		c.Deliveries = append(c.Deliveries, gateway.Delivery{Rel: r.ID, Seq: 1, Task: gateway.Deliver, Status: gateway.Waiting, Next: noon})
	}
	must(t, s.Commit(ctx, c))
	ready, err := s.Ready(ctx, gateway.Records, 10)
	must(t, err)
	behind, err := s.Behind(ctx, 1, 10)
	must(t, err)
	if len(ready) != 1 || ready[0].Rel != id(1) || !slices.Equal(behind, []firsthand.ID{id(1)}) {
		t.Errorf("ready = %v, behind = %v", ready, behind)
	}
	rows[1].Restored, rows[2].Frozen = false, ""
	must(t, s.Commit(ctx, gateway.Commit{Relationships: rows}))
	if ready, err = s.Ready(ctx, gateway.Records, 10); err != nil || len(ready) != 3 {
		t.Errorf("ready = %v, %v", ready, err)
	}
}

func replaced(t *testing.T, f Fixture) {
	ctx, s := t.Context(), f.Open(t)
	c := NewCustomer(t, "branch", Company{})
	c.Answer(t, "one")
	c.Answer(t, "two")
	fork := c.Fork(t)
	other := fork.Second[2]
	rel := c.State.Rel
	must(t, s.Commit(ctx, gateway.Commit{Entries: append(slices.Clone(c.First), c.Second...)}))
	evidence := []gateway.Evidence{{Entry: c.Second[2], Why: "lost"}, {Entry: other.WithoutBody(), Why: "w"}}
	must(t, s.Commit(ctx, gateway.Commit{Replace: []gateway.Place{{Rel: rel, Seq: 3}}, Entries: fork.Second[2:3],
		Evidence: append(evidence, evidence...)}))
	second, err := firsthand.Collect(s.Entries(ctx, rel, firsthand.Second, 0))
	must(t, err)
	if len(second) != 3 || second[2].ID != other.ID || string(second[2].Body) != string(other.Body) {
		t.Errorf("second = %v", second)
	}
	kept, err := s.Evidence(ctx, rel)
	must(t, err)
	if len(kept) != 2 || kept[0].Entry.ID != c.Second[2].ID || string(kept[0].Entry.Body) != string(c.Second[2].Body) ||
		kept[1].Entry.HasBody() || kept[1].Why != "w" {
		t.Errorf("evidence = %v", kept)
	}
}

func together(t *testing.T, f Fixture) {
	ctx, s := t.Context(), f.Open(t)
	var callers sync.WaitGroup
	for n := range 8 {
		callers.Go(func() {
			for i := range int64(20) {
				err := s.Commit(ctx, gateway.Commit{Deliveries: []gateway.Delivery{
					{Rel: id(byte(n + 1)), Seq: i + 1, Task: gateway.Deliver, Status: gateway.Waiting, Next: noon}}})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	callers.Wait()
	for n := range 8 {
		if ds, err := s.Deliveries(ctx, id(byte(n+1))); err != nil || len(ds) != 20 {
			t.Errorf("%d deliveries of %d, %v", len(ds), n, err)
		}
	}
}

// counts checks a store that is a [gateway.Counter].
func counts(t *testing.T, f Fixture) {
	ctx, s := t.Context(), f.Open(t)
	counter, ok := s.(gateway.Counter)
	if !ok {
		return
	}
	check := func(want string) {
		t.Helper()
		c, err := counter.Counts(ctx)
		must(t, err)
		got := fmt.Sprint("relationships ", c.Relationships)
		slices.SortFunc(c.Lines, func(a, b gateway.Line) int { return strings.Compare(string(a.Status), string(b.Status)) })
		for _, l := range c.Lines {
			got += fmt.Sprintf(", %s %d", l.Status, l.N)
			if !l.Oldest.IsZero() {
				got += l.Oldest.UTC().Format(" since 15:04")
			}
		}
		for _, due := range slices.Sorted(maps.Keys(c.Duties)) {
			got += fmt.Sprintf(", due %s %d", due, c.Duties[due])
		}
		if got != want {
			t.Errorf("counts = %s\nwant     %s", got, want)
		}
	}
	check("relationships 0")
	must(t, s.Commit(ctx, filled()))
	check("relationships 1, later 1, stopped 1, due 2026-12-21 1")

	// Three things that she wrote, an hour apart, after the relationship was opened.
	c := NewCustomer(t, "counted", Company{Key: KeyOf("company").Public()})
	for range 3 {
		c.Now = c.Now.Add(time.Hour)
		c.Say(t, "x")
	}
	opened := c.First[1].At.Add(30 * time.Minute)
	commit := gateway.Commit{Relationships: []gateway.Relationship{{ID: c.Rel(), Opened: opened}}, Entries: c.First}
	for i, e := range c.First[1:] {
		commit.Deliveries = append(commit.Deliveries, gateway.Delivery{Rel: c.Rel(), Seq: e.Seq, Task: gateway.Deliver, Entry: e.ID,
			Status: []gateway.Status{gateway.Waiting, gateway.Waiting, gateway.Held}[i], Next: noon, Due: []firsthand.Date{"", "2026-12-01", "2026-12-21"}[i]})
	}
	commit.Deliveries = append(commit.Deliveries, gateway.Delivery{Rel: c.Rel(), Seq: 2, Task: gateway.Redact, Entry: c.First[1].ID, Status: gateway.Later, Next: noon})
	must(t, s.Commit(ctx, commit))
	check("relationships 2, held 1" + c.First[3].At.Format(" since 15:04") + ", later 2, stopped 1, waiting 2" +
		opened.Format(" since 15:04") + ", due 2026-12-01 1, due 2026-12-21 2")
	for i := range commit.Deliveries {
		commit.Deliveries[i].Status, commit.Deliveries[i].Due = gateway.Applied, ""
	}
	must(t, s.Commit(ctx, gateway.Commit{Deliveries: commit.Deliveries}))
	check("relationships 2, later 1, stopped 1, due 2026-12-21 1")
}
