package logtest

import (
	"fmt"
	"sync"
	"testing"

	"firsthand"
)

var readChecks = []check{
	{"entries after n", func(t testing.TB, f Fixture) {
		p := NewPair(t, "acme")
		for i := range 5 {
			p.Say(t, firsthand.First, fmt.Sprint(i))
		}
		l := opened(t, f, p)
		for _, side := range []firsthand.Side{firsthand.First, firsthand.Second} {
			log := p.Log(side)
			for n := range len(log) + 1 {
				wantEntries(t, read(t, l, p.Rel(), side, int64(n)), log[n:])
			}
			wantEntries(t, read(t, l, p.Rel(), side, int64(len(log))+1), nil) // beyond the end
			wantEntries(t, read(t, l, p.Rel(), side, 1<<53), nil)
		}
	}},
	{"relationships are kept apart", func(t testing.TB, f Fixture) {
		p, q := NewPair(t, "acme"), NewPair(t, "brasserie")
		l := f.Open(t)
		for i := range 3 {
			p.Say(t, firsthand.First, fmt.Sprint("to acme ", i))
			q.Say(t, firsthand.Second, fmt.Sprint("from the brasserie ", i))
		}
		for i := range p.All() {
			mustAppend(t, l, p.All()[i], q.All()[i])
		}
		wantPair(t, l, p)
		wantPair(t, l, q)
		wantLog(t, l, firsthand.ID{1}, firsthand.First, nil) // there is none such
	}},
	{"a reader that stops early", func(t testing.TB, f Fixture) {
		p := NewPair(t, "acme")
		for i := range 5 {
			p.Say(t, firsthand.First, fmt.Sprint(i))
		}
		l := opened(t, f, p)
		soon(t, "after readers that stopped", func() {
			for range 20 { // more than there are of whatever a reader holds
				for e, err := range l.Entries(t.Context(), p.Rel(), firsthand.First, 1) {
					if err != nil || e.ID != p.Log(firsthand.First)[1].ID {
						t.Errorf("first entry after 1 = %s, %v", show(e), err)
					}
					break
				}
			}
			if err := l.Append(t.Context(), p.Say(t, firsthand.First, "and on")); err != nil {
				t.Errorf("append: %v", err)
			}
		})
		wantPair(t, l, p)
	}},
	{"using the log while reading it", func(t testing.TB, f Fixture) {
		p, q := NewPair(t, "acme"), NewPair(t, "brasserie")
		for i := range 5 {
			p.Say(t, firsthand.First, fmt.Sprint(i))
		}
		l := opened(t, f, p)
		mustAppend(t, l, q.All()...)
		soon(t, "an append between two entries", func() {
			n := 0
			for e, err := range l.Entries(t.Context(), p.Rel(), firsthand.First, 0) {
				if n++; err != nil || e.Seq != int64(n) {
					t.Errorf("entry %d = %s, %v", n, show(e), err)
					return
				}
				if err := l.Append(t.Context(), q.Say(t, firsthand.First, fmt.Sprint(n))); err != nil {
					t.Errorf("append: %v", err)
					return
				}
				if _, err := l.Head(t.Context(), p.Rel(), firsthand.Second); err != nil {
					t.Errorf("head: %v", err)
				}
			}
			if n != 6 {
				t.Errorf("%d entries, want 6", n)
			}
		})
		wantPair(t, l, q)
	}},
}

// bigLog is how many entries a big log has: more than any buffer should hold.
const bigLog = 700

// big is made once: signing it is most of what the check costs.
var big struct {
	sync.Once
	*Pair
}

var bigChecks = []check{
	{"a big log", func(t testing.TB, f Fixture) {
		big.Do(func() {
			big.Pair = NewPair(t, "acme")
			for i := range bigLog {
				big.Say(t, firsthand.Second, fmt.Sprint("offer ", i))
			}
		})
		p, l := big.Pair, f.Open(t)
		for all := p.All(); len(all) > 0; {
			k := min(256, len(all)) // as much as one call over the wire brings
			mustAppend(t, l, all[:k]...)
			all = all[k:]
		}
		wantPair(t, l, p)
		for _, after := range []int64{1, 255, 256, 257, bigLog - 1, bigLog} {
			wantEntries(t, read(t, l, p.Rel(), firsthand.Second, after), p.Log(firsthand.Second)[after:])
		}
		s, err := firsthand.Load(t.Context(), l, p.Rel())
		if err != nil || len(s.Messages) != bigLog {
			t.Errorf("load: %v", err)
		}
	}},
}
