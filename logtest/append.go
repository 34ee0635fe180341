package logtest

import (
	"context"
	"strings"
	"testing"

	"firsthand"
)

var appendChecks = []check{
	{"an empty log has the zero head", func(t testing.TB, f Fixture) {
		l, p := f.Open(t), NewPair(t, "acme")
		wantLog(t, l, p.Rel(), firsthand.First, nil)
		wantLog(t, l, p.Rel(), firsthand.Second, nil)
	}},
	{"what is appended is read back", func(t testing.TB, f Fixture) {
		l, p := f.Open(t), NewPair(t, "acme")
		p.Say(t, firsthand.First, "Where is my parcel?")
		p.Say(t, firsthand.Second, "It is on its way.")
		p.Say(t, firsthand.First, "Thank you.")
		for _, e := range p.All() { // one by one
			mustAppend(t, l, e)
			wantHead(t, l, p.Rel(), e.Side, e.Head())
		}
		wantPair(t, l, p)
	}},
	{"nothing to append is no error", func(t testing.TB, f Fixture) {
		p := NewPair(t, "acme")
		l := opened(t, f, p)
		mustAppend(t, l)
		wantPair(t, l, p)
	}},
	{"the same entry twice", func(t testing.TB, f Fixture) {
		p := NewPair(t, "acme")
		m := p.Say(t, firsthand.First, "once")
		l := opened(t, f, p)
		wantConflict(t, l, m)
		wantConflict(t, l, p.Log(firsthand.First)[0]) // the opening, which names no relationship
		wantConflict(t, l, p.Log(firsthand.Second)[0])
		wantPair(t, l, p)
	}},
	{"the same entry twice in one call", func(t testing.TB, f Fixture) {
		p := NewPair(t, "acme")
		l := opened(t, f, p)
		m := p.Fork(t).Say(t, firsthand.First, "once")
		wantConflict(t, l, m, m)
		wantPair(t, l, p)
	}},
	{"another entry at a place that is taken", func(t testing.TB, f Fixture) {
		p := NewPair(t, "acme")
		early := p.Fork(t)
		p.Say(t, firsthand.First, "this came first")
		late := p.Fork(t)
		p.Say(t, firsthand.First, "and this second")
		l := opened(t, f, p)
		wantConflict(t, l, early.Say(t, firsthand.First, "in the middle"))
		wantConflict(t, l, late.Say(t, firsthand.First, "at the end"))
		wantPair(t, l, p)
	}},
	{"a gap", func(t testing.TB, f Fixture) {
		p := NewPair(t, "acme")
		l := opened(t, f, p)
		ahead := p.Fork(t)
		ahead.Say(t, firsthand.First, "lost on the way")
		wantConflict(t, l, ahead.Say(t, firsthand.First, "after it"))
		wantPair(t, l, p)
	}},
	{"an entry that doesn't follow the one before", func(t testing.TB, f Fixture) {
		p := NewPair(t, "acme")
		p.Say(t, firsthand.First, "before")
		l := opened(t, f, p)
		other := p.Next(firsthand.First)
		other.Prev = p.Log(firsthand.First)[0].ID
		wantConflict(t, l, p.Forge(t, other, `{"kind":"message","text":"the right seq alone"}`))
		ahead := p.Next(firsthand.First)
		ahead.Seq++
		wantConflict(t, l, p.Forge(t, ahead, `{"kind":"message","text":"the right prev alone"}`))
		wantPair(t, l, p)
	}},
	{"a log that begins in the middle", func(t testing.TB, f Fixture) {
		p := NewPair(t, "acme")
		l := f.Open(t)
		wantConflict(t, l, p.Say(t, firsthand.First, "to whom?"))
		wantLog(t, l, p.Rel(), firsthand.First, nil)
	}},
	{"a call is kept whole or not at all", func(t testing.TB, f Fixture) {
		p, q := NewPair(t, "acme"), NewPair(t, "brasserie")
		l := opened(t, f, p)
		fork := p.Fork(t)
		p.Say(t, firsthand.Second, "this came first")
		mustAppend(t, l, p.Log(firsthand.Second)[1])

		good := p.Fork(t)
		batch := q.All() // another relationship, and good
		batch = append(batch, good.Say(t, firsthand.First, "good"), good.Say(t, firsthand.First, "good too"),
			fork.Say(t, firsthand.Second, "bad"))
		wantConflict(t, l, batch...)
		wantPair(t, l, p)
		wantLog(t, l, q.Rel(), firsthand.First, nil)
		wantLog(t, l, q.Rel(), firsthand.Second, nil)

		// The bad one is no better in front.
		wantConflict(t, l, append(batch[len(batch)-1:], batch[:len(batch)-1]...)...)
		wantPair(t, l, p)
		wantLog(t, l, q.Rel(), firsthand.First, nil)

		mustAppend(t, l, good.Log(firsthand.First)[1:]...) // and nothing of it is in the way
		wantPair(t, l, good)
	}},
	{"a call in the wrong order", func(t testing.TB, f Fixture) {
		p := NewPair(t, "acme")
		l := opened(t, f, p)
		ahead := p.Fork(t)
		one := ahead.Say(t, firsthand.First, "one")
		two := ahead.Say(t, firsthand.First, "two")
		wantConflict(t, l, two, one)
		wantPair(t, l, p)
	}},
	{"several relationships in one call", func(t testing.TB, f Fixture) {
		l := f.Open(t)
		var pairs []*Pair
		var batch []firsthand.Entry
		for _, name := range []string{"acme", "brasserie", "clinic", "dairy"} {
			p := NewPair(t, name)
			p.Say(t, firsthand.First, "I moved.")
			p.Say(t, firsthand.Second, "Noted.")
			pairs = append(pairs, p)
		}
		for i := range pairs[0].All() { // interleaved
			for _, p := range pairs {
				batch = append(batch, p.All()[i])
			}
		}
		mustAppend(t, l, batch...)
		for _, p := range pairs {
			wantPair(t, l, p)
		}
	}},
	{"an entry that comes without its body", func(t testing.TB, f Fixture) {
		p := NewPair(t, "acme")
		m := p.Say(t, firsthand.First, "erased on the other side already")
		l := f.Open(t)
		mustAppend(t, l, without(p.All(), m)...)
		wantLog(t, l, p.Rel(), firsthand.First, without(p.Log(firsthand.First), m))
	}},
	{"bodies of every sort", func(t testing.TB, f Fixture) {
		p := NewPair(t, "acme")
		for _, body := range []string{
			`{"kind":"message","text":"` + strings.Repeat("x", firsthand.MaxBody-len(`{"kind":"message","text":""}`)) + `"}`,
			`{"kind":"message","text":"é, 語, \"quotes\", '; DROP TABLE entry; --"}`,
			`{"kind":"of.the_future","x":[{}]}`, // kept, though this version can't read it
			`no JSON at all`,
			` `,
		} {
			p.Take(t, p.Forge(t, p.Next(firsthand.First), body))
		}
		wantPair(t, opened(t, f, p), p)
	}},
	{"a context that has ended", func(t testing.TB, f Fixture) {
		p := NewPair(t, "acme")
		l := opened(t, f, p)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := l.Append(ctx, p.Fork(t).Say(t, firsthand.First, "too late")); err == nil {
			t.Error("append went on")
		}
		if _, err := l.Head(ctx, p.Rel(), firsthand.First); err == nil {
			t.Error("head went on")
		}
		if _, err := firsthand.Collect(l.Entries(ctx, p.Rel(), firsthand.First, 0)); err == nil {
			t.Error("entries went on")
		}
		wantPair(t, l, p)
	}},
	{"what was appended outlasts the program", func(t testing.TB, f Fixture) {
		if f.Reopen == nil {
			return
		}
		p, q := NewPair(t, "acme"), NewPair(t, "brasserie")
		l := opened(t, f, p)
		mustAppend(t, l, q.All()...)
		for _, text := range []string{"one", "two", "three"} {
			mustAppend(t, l, p.Say(t, firsthand.First, text))
			l = f.Reopen(t, l)
			wantPair(t, l, p)
			wantPair(t, l, q)
		}
		wantConflict(t, l, p.Log(firsthand.First)[3])
	}},
}
