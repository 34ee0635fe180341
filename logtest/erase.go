package logtest

import (
	"fmt"
	"testing"

	"firsthand"
)

var eraseChecks = []check{
	{"what the keeper erases is gone", func(t testing.TB, f Fixture) {
		p := NewPair(t, "acme")
		mine := p.Say(t, f.Side, "my own")
		theirs := p.Say(t, f.Side.Other(), "the other's")
		rest := p.Say(t, f.Side, "this stays")
		l := opened(t, f, p)
		mustAppend(t, l, p.Erase(t, f.Side, mine, theirs))
		wantErased(t, l, p, mine, theirs)
		mustAppend(t, l, p.Say(t, f.Side.Other(), "life goes on"))
		wantErased(t, l, p, mine, theirs)

		// To erase again is no error, and what was not named stays.
		mustAppend(t, l, p.Erase(t, f.Side, mine, rest))
		wantErased(t, l, p, mine, theirs, rest)
		if f.Reopen != nil {
			wantErased(t, f.Reopen(t, l), p, mine, theirs, rest)
		}
	}},
	{"erased in the call that brings it", func(t testing.TB, f Fixture) {
		p := NewPair(t, "acme")
		m := p.Say(t, f.Side, "said and taken back")
		p.Erase(t, f.Side, m)
		wantErased(t, opened(t, f, p), p, m)
	}},
	{"what the other side erases stays", func(t testing.TB, f Fixture) {
		p := NewPair(t, "acme")
		mine := p.Say(t, f.Side, "my own")
		theirs := p.Say(t, f.Side.Other(), "what they promised")
		l := opened(t, f, p)
		mustAppend(t, l, p.Erase(t, f.Side.Other(), mine, theirs))
		wantErased(t, l, p)
	}},
	{"a refused call erases nothing", func(t testing.TB, f Fixture) {
		p := NewPair(t, "acme")
		m := p.Say(t, f.Side, "still here")
		fork := p.Fork(t)
		p.Say(t, f.Side.Other(), "this came first")
		l := opened(t, f, p)
		wantConflict(t, l, p.Fork(t).Erase(t, f.Side, m), fork.Say(t, f.Side.Other(), "too late"))
		wantErased(t, l, p)
	}},
	{"nothing is erased in another relationship", func(t testing.TB, f Fixture) {
		q := NewPair(t, "brasserie")
		elsewhere := q.Say(t, f.Side, "in another relationship")
		p := NewPair(t, "acme")
		l := opened(t, f, p)
		mustAppend(t, l, q.All()...)
		// State.Check refuses this one; a store that never saw it is not asked to.
		mustAppend(t, l, p.Forge(t, p.Next(f.Side), fmt.Sprintf(
			`{"kind":"erased","entries":[{"id":"%s","kind":"message"}]}`, elsewhere.ID)))
		wantPair(t, l, q)
	}},
}

// wantErased checks that l has p without the bodies of those named, and can be
// folded.
func wantErased(t testing.TB, l firsthand.Log, p *Pair, erased ...firsthand.Entry) {
	t.Helper()
	for _, side := range []firsthand.Side{firsthand.First, firsthand.Second} {
		wantLog(t, l, p.Rel(), side, without(p.Log(side), erased...))
	}
	if _, err := firsthand.Load(t.Context(), l, p.Rel()); err != nil {
		t.Errorf("load: %v", err)
	}
}
