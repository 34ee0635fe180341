package logtest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"firsthand"
	"firsthand/fault"
)

// writers is how many append at the same time.
const writers = 8

var togetherChecks = []check{
	{"of eight writers one wins", func(t testing.TB, f Fixture) {
		p := NewPair(t, "acme")
		l := opened(t, f, p)
		for round := range 5 {
			var forks [writers]*Pair
			for i := range forks {
				forks[i] = p.Fork(t)
				forks[i].Say(t, firsthand.First, fmt.Sprint("round ", round, ", writer ", i))
			}
			var errs [writers]error
			atOnce(writers, func(i int) {
				log := forks[i].logs[0]
				errs[i] = l.Append(t.Context(), log[len(log)-1])
			})
			winners := 0
			for i, err := range errs {
				switch {
				case err == nil:
					winners++
					p = forks[i]
				case !errors.Is(err, fault.Conflict):
					t.Errorf("writer %d: %v, want %v", i, err, fault.Conflict)
				}
			}
			if winners != 1 {
				t.Fatalf("%d writers won, want 1", winners)
			}
			wantPair(t, l, p)
		}
	}},
	{"eight writers in eight relationships all win", func(t testing.TB, f Fixture) {
		const each = 10
		l := f.Open(t)
		var pairs [writers]*Pair
		for i := range pairs {
			pairs[i] = NewPair(t, fmt.Sprint("company ", i))
			for n := range each {
				pairs[i].Say(t, firsthand.First, fmt.Sprint(n))
			}
		}
		atOnce(writers, func(i int) {
			for _, e := range pairs[i].All() {
				if err := l.Append(t.Context(), e); err != nil {
					t.Errorf("writer %d: %v", i, err)
					return
				}
			}
		})
		for _, p := range pairs {
			wantPair(t, l, p)
		}
	}},
	{"readers see whole calls, and never less than before", func(t testing.TB, f Fixture) {
		const calls = 40
		p := NewPair(t, "acme")
		l := opened(t, f, p)
		var batches [calls][]firsthand.Entry
		for i := range batches { // each adds one to both logs
			a := p.Say(t, firsthand.First, fmt.Sprint(i))
			b := p.Say(t, firsthand.Second, fmt.Sprint(i))
			batches[i] = []firsthand.Entry{a, b}
			if i%2 == 1 { // a Log doesn't ask what was seen
				batches[i] = []firsthand.Entry{b, a}
			}
		}
		var done atomic.Bool
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				for last := int64(0); !done.Load() && !t.Failed(); {
					last = readWhole(t, l, p.Rel(), last)
				}
			})
		}
		for _, b := range batches {
			if err := l.Append(t.Context(), b...); err != nil {
				t.Errorf("append: %v", err)
				break
			}
		}
		done.Store(true)
		wg.Wait()
		wantPair(t, l, p)
	}},
}

// readWhole reads lengths of both logs, by turns, while calls that add one to
// both come in. So each length is at least the one before. It begins with last,
// and returns the last it has read.
func readWhole(t testing.TB, l firsthand.Log, rel firsthand.ID, last int64) int64 {
	for i, side := range []firsthand.Side{firsthand.First, firsthand.Second, firsthand.First, firsthand.Second} {
		var head firsthand.Head
		var err error
		if i == 0 || i == 3 {
			head, err = l.Head(t.Context(), rel, side)
		} else {
			head, err = readChain(t, l, rel, side)
		}
		if err != nil {
			t.Errorf("read %s: %v", side, err)
			return last
		}
		if head.Seq < last {
			t.Errorf("half a call: one log had %d entries, and after that %s only %d", last, side, head.Seq)
		}
		last = head.Seq
	}
	return last
}

// readChain reads one log and checks that it is whole.
func readChain(t testing.TB, l firsthand.Log, rel firsthand.ID, side firsthand.Side) (end firsthand.Head, err error) {
	for e, err := range l.Entries(t.Context(), rel, side, 0) {
		if err != nil {
			return end, err
		}
		if e.Seq != end.Seq+1 || e.Prev != end.ID || !e.HasBody() {
			return end, fmt.Errorf("entry %d does not follow %d, or has no body", e.Seq, end.Seq)
		}
		end = e.Head()
	}
	return end, nil
}

// atOnce runs fn n times at the same time and waits.
func atOnce(n int, fn func(i int)) {
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			fn(i)
		})
	}
	close(start)
	wg.Wait()
}
