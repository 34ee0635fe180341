package firsthand_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"

	"firsthand"
	"firsthand/conformance"
	"firsthand/fault"
)

// logs is the part of a store that Load reads.
type logs struct {
	firsthand.Log
	first, second []firsthand.Entry
	fail          [2]error
}

func (l logs) Entries(_ context.Context, _ firsthand.ID, side firsthand.Side, _ int64) iter.Seq2[firsthand.Entry, error] {
	entries, err := l.first, l.fail[0]
	if side == firsthand.Second {
		entries, err = l.second, l.fail[1]
	}
	return func(yield func(firsthand.Entry, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
		if err != nil {
			yield(firsthand.Entry{}, err)
		}
	}
}

func TestLoad(t *testing.T) {
	p := newPlay(t)
	l := logs{}
	l.first, l.second = p.Entries(t)
	want, err := firsthand.Fold(l.first, l.second)
	if err != nil {
		t.Fatal(err)
	}
	got, err := firsthand.Load(t.Context(), l, p.Rel)
	if err != nil || !slices.Equal(conformance.Summary(got), conformance.Summary(want)) {
		t.Errorf("Load = %v", err)
	}
	broken := errors.New("broken")
	for i := range l.fail {
		l.fail = [2]error{}
		l.fail[i] = broken
		if _, err := firsthand.Load(t.Context(), l, p.Rel); !errors.Is(err, broken) {
			t.Errorf("Load = %v", err)
		}
	}
}

func TestErasure(t *testing.T) {
	p := newPair(t)
	told := p.write(first, &firsthand.Disclose{Fact: "phone", Value: firsthand.Text("1"), Purpose: "p", Basis: firsthand.Basis{Right: "r"}})
	done := p.write(second, &firsthand.Refused{Entry: told, Reason: "no phone here"})
	c := p.state.Erasure(told, done)
	if want := (firsthand.ErasedEntry{ID: done, Kind: "refused", Of: told}); len(c.Entries) != 2 || c.Entries[1] != want {
		t.Errorf("Erasure = %+v", c)
	}
	p.write(first, c)
	last := p.first[len(p.first)-1]
	if got := last.Erases(); !slices.Equal(got, []firsthand.ID{told, done}) {
		t.Errorf("Erases = %v", got)
	}
	if got := p.first[0].Erases(); got != nil {
		t.Errorf("an opening erases %v", got)
	}
	last.Body = []byte(`{"kind":"erased","entries":[]}`)
	if got := last.Erases(); got != nil {
		t.Errorf("what can't be read erases %v", got)
	}
	// What was erased can be named again by who has lost the body.
	p.first[1], p.second[1] = p.first[1].WithoutBody(), p.second[1].WithoutBody()
	s, err := firsthand.Fold(p.first, p.second)
	if err != nil {
		t.Fatal(err)
	}
	if again := s.Erasure(told, done); !slices.Equal(again.Entries, c.Entries) {
		t.Errorf("Erasure = %+v, want %+v", again, c)
	}
}

// A log that was damaged in the store is an error, and nothing worse.
func TestFoldOfDamage(t *testing.T) {
	p := newPlay(t)
	p.Add(p.says(&firsthand.Erased{Entries: []firsthand.ErasedEntry{{ID: nothing, Kind: "message"}}}))
	if _, err := firsthand.Fold(p.Entries(t)); err != nil {
		t.Errorf("Fold = %v", err)
	}
	a, b := p.Entries(t)
	_, err := firsthand.Fold(a, slices.Delete(slices.Clone(b), 2, 3))
	wantRule(t, err, fault.Conflict, "log-gap")
}
