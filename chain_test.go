package firsthand_test

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/conformance"
	"firsthand/fault"
)

// wantRule fails t unless err is a refusal of the kind by the rule.
func wantRule(t *testing.T, err error, kind fault.Kind, rule string) {
	t.Helper()
	if fault.RuleOf(err) != rule || fault.KindOf(err) != kind {
		t.Errorf("error is %v (%v), want %v by %s", err, fault.KindOf(err), kind, rule)
	}
}

func TestWriteIsStrict(t *testing.T) {
	p := newPair(t)
	key, other, salt := p.keys[0], p.keys[1], seededBytes("salt")
	write := func(key *firsthand.Signer, side firsthand.Side, at time.Time, salt []byte, c firsthand.Content) error {
		t.Helper()
		e, err := p.state.Write(key, side, at, salt, c)
		if err != nil && e.Signed != nil {
			t.Error("an error and an entry")
		}
		return err
	}
	wantRule(t, write(other, first, p.now, salt, message("x")), fault.Invalid, "entry-signature")
	wantRule(t, write(key, second, p.now, salt, message("x")), fault.Invalid, "entry-signature")
	wantRule(t, write(key, first, p.now, nil, message("x")), fault.Invalid, "body-salt")
	wantRule(t, write(key, first, p.now, make([]byte, 32), message("x")), fault.Invalid, "body-salt")
	wantRule(t, write(key, first, p.now.AddDate(8000, 0, 0), salt, message("x")), fault.Invalid, "entry-time")
	wantRule(t, write(key, first, p.now, salt, message("")), fault.Invalid, "body-form")
	wantRule(t, write(key, first, p.now, salt, message("a\x00b")), fault.Invalid, "body-form")
	wantRule(t, write(key, first, p.now, salt, message(strings.Repeat("x", firsthand.MaxBody))), fault.Invalid, "body-size")
	wantRule(t, write(key, first, p.now, salt, &firsthand.Ask{Fact: "phone", Purpose: "p", Why: "w"}), fault.Invalid, "kind-side")
	wantRule(t, write(key, first, p.now, salt, &firsthand.Decline{Ask: nothing}), fault.Invalid, "ref-unknown")
	wantRule(t, write(key, first, p.now, salt, p.state.Erasure(nothing)), fault.Invalid, "body-form")
	wantRule(t, write(key, first, p.now, salt, p.state.Erasure(p.state.Rel)), fault.Invalid, "body-form")
	wantRule(t, write(key, first, p.now, salt, &firsthand.Rotate{Key: key.Public(), Next: nothing}), fault.Invalid, "rotate-next")
	if err := write(key, first, p.now, salt, message("x")); err != nil {
		t.Error(err)
	}
	_, err := firsthand.NewState().Write(key, second, p.now, salt, &firsthand.Open{Role: "company", Key: key.Public(), Next: nothing})
	wantRule(t, err, fault.Conflict, "log-seen-unknown")
}

// A side that would sign in a state that isn't right might sign what is flagged.
func TestWriteRefusesAStaleState(t *testing.T) {
	p := newPair(t)
	m := p.write(first, message("x"))
	p.write(first, p.state.Erasure(m))
	if !p.state.Stale() {
		t.Fatal("not stale after erasing")
	}
	_, err := p.state.Write(p.keys[0], first, p.now, seededBytes("salt"), message("y"))
	if fault.KindOf(err) != fault.Internal || err == nil {
		t.Errorf("Write = %v", err)
	}
	if p.state, err = firsthand.Fold(p.first, p.second); err != nil || p.state.Stale() {
		t.Fatalf("Fold = %v", err)
	}
	p.write(first, message("y"))
}

// Times are cut to the minute, whatever the clock says and wherever it hangs.
func TestWriteCutsTimes(t *testing.T) {
	p := newPair(t)
	p.now = time.Date(2026, 11, 21, 23, 59, 59, 1e9-1, time.FixedZone("", -5*3600))
	p.write(first, message("x"))
	e := p.first[len(p.first)-1]
	if want := time.Date(2026, 11, 22, 4, 59, 0, 0, time.UTC); !e.At.Equal(want) || e.At.Location() != time.UTC {
		t.Errorf("At = %v, want %v", e.At, want)
	}
}

// Whoever checks entries one by one is told which are missing, and takes none
// without its body.
func TestTakeWithoutBody(t *testing.T) {
	p := newPair(t)
	m := p.write(first, message("x"))
	p.write(first, p.state.Erasure(m))
	p.first[1] = p.first[1].WithoutBody()
	s, err := firsthand.Fold(p.first[:1], p.second)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Check(p.first[1]); err != nil {
		t.Fatalf("Check = %v", err)
	}
	head := s.Log(first).Head
	wantRule(t, s.Take(p.first[1]), fault.Conflict, "body-missing")
	if s.Log(first).Head != head {
		t.Error("it was taken")
	}
	// With the entry that erased it, all is well.
	if s, err = firsthand.Verify(p.first, p.second); err != nil || len(s.Messages) != 0 {
		t.Errorf("Verify = %v", err)
	}
	// The state knows that it was erased, should it come again.
	wantRule(t, s.Check(p.first[1]), fault.Conflict, "log-known")
	// Missing from a store it is damage.
	_, err = firsthand.Fold(p.first[:2], p.second)
	wantRule(t, err, fault.Internal, "body-missing")
}

func TestSort(t *testing.T) {
	p := newPlay(t)
	a, b := p.Entries(t)
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		// Entries of one log come in order; how the logs are mixed doesn't matter.
		var mixed []firsthand.Entry
		for x, y := a, b; len(x)+len(y) > 0; {
			if len(y) == 0 || len(x) > 0 && r.IntN(2) == 0 {
				mixed, x = append(mixed, x[0]), x[1:]
			} else {
				mixed, y = append(mixed, y[0]), y[1:]
			}
		}
		// In two batches: what the first five lack comes with the rest.
		s, rest := firsthand.NewState(), []firsthand.Entry(nil)
		for _, e := range s.Sort(mixed[:5]) {
			if err := s.Check(e); errors.Is(err, fault.Conflict) {
				rest = append(rest, e)
			} else if err := cmp.Or(err, s.Take(e)); err != nil {
				t.Fatal(err)
			}
		}
		head := s.Log(second).Head
		sorted := s.Sort(slices.Concat(rest, mixed[5:]))
		if s.Log(second).Head != head {
			t.Fatal("Sort moved the state")
		}
		for _, e := range sorted {
			if err := cmp.Or(s.Check(e), s.Take(e)); err != nil {
				t.Fatal(err)
			}
		}
	}
	s := firsthand.NewState()
	for _, e := range s.Sort(slices.Concat(b, a)) {
		if err := s.Check(e); err != nil {
			t.Fatal(err)
		}
		if err := s.Take(e); err != nil {
			t.Fatal(err)
		}
	}
	if want, _ := firsthand.Fold(a, b); s.Stale() || !slices.Equal(conformance.Summary(s), conformance.Summary(want)) {
		t.Error("taken in the order of Sort it is another state")
	}
	// Beside what is in the logs, too, what has seen an entry comes after it.
	place := make(map[firsthand.ID]int)
	for i, e := range s.Sort(slices.Concat(a[1:], b[1:])) {
		place[e.ID] = i
	}
	for _, e := range a[1:] {
		if n := e.Seen.Seq; n > 1 && place[b[n-1].ID] > place[e.ID] {
			t.Errorf("first entry %d comes before second entry %d, which it has seen", e.Seq, n)
		}
	}
}

// Verify returns what is good before the first entry that is wrong, and nothing of
// what that entry says.
func TestVerifyOfAForgedErasure(t *testing.T) {
	p := newPlay(t)
	want, err := firsthand.Verify(p.Entries(t))
	if err != nil {
		t.Fatal(err)
	}
	d := p.says(&firsthand.Erased{Entries: []firsthand.ErasedEntry{{ID: p.told, Kind: "disclose"}}})
	d.Seed = p.Seed("forger")
	p.Add(d)
	got, err := firsthand.Verify(p.Entries(t))
	wantRule(t, err, fault.Invalid, "entry-signature")
	if !slices.Equal(conformance.Summary(got), conformance.Summary(want)) {
		t.Errorf("the state is\n%s", strings.Join(conformance.Summary(got), "\n"))
	}
}

func TestFoldRefusesTheOtherLog(t *testing.T) {
	p := newPlay(t)
	a, b := p.Entries(t)
	_, err := firsthand.Fold(b, a)
	wantRule(t, err, fault.Invalid, "entry-side")
}

func TestStateBefore(t *testing.T) {
	s := firsthand.NewState()
	if l := s.Log(first); !l.Key().IsZero() || !l.ID(0).IsZero() || !l.ID(1).IsZero() || l.Head != (firsthand.Head{}) {
		t.Errorf("an empty log has %+v", l)
	}
	if s.Pos(nothing) != (firsthand.Pos{}) || s.Holding(nothing) != nil || s.Agreement(nothing) != nil {
		t.Error("an empty state knows something")
	}
	if len(conformance.Summary(s)) != 0 || len(conformance.SummaryAt(s, time.Now())) != 0 {
		t.Error("an empty state holds something")
	}
}

// A restored side takes back what it lost, as if it had never been away.
func TestRestore(t *testing.T) {
	p := newPlay(t)
	a, b := p.Entries(t)
	whole, err := firsthand.Fold(a, b)
	if err != nil {
		t.Fatal(err)
	}
	for lost := range len(a) {
		// What is left is a cut: her log, and what it had seen.
		left := a[:len(a)-lost]
		seen := left[len(left)-1].Seen.Seq
		s, err := firsthand.Fold(left, b[:seen])
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range s.Sort(slices.Concat(a[len(left):], b[seen:])) {
			if err := s.Check(e); err != nil {
				t.Fatal(err)
			}
			if err := s.Take(e); err != nil {
				t.Fatal(err)
			}
		}
		if s.Stale() || !slices.Equal(conformance.Summary(s), conformance.Summary(whole)) {
			t.Errorf("after losing %d entries the state is another", lost)
		}
	}
}
