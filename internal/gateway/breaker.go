package gateway

import (
	"context"
	"slices"
	"time"

	"firsthand"
)

// A breaker keeps a system that is down from being called for every relationship
// in turn. It opens when different relationships fail one after the other, and stays
// open for a while, or until it is seen that the system answers for changes again. After
// that it is half open: one delivery is let through, and by what becomes of it the
// breaker closes, or opens for longer.
type breaker struct {
	failed map[firsthand.ID]bool // since the last success
	opened int                   // times in a row
	until  time.Time             // open until then
	probe  line                  // that is let through; zero: none is
}

// breakAfter is how many relationships must fail in a row: more than the few that
// can fail for reasons of their own.
const breakAfter = 5

// longestBreak is how long a breaker stays open at most.
const longestBreak = 5 * time.Minute

// reached notes that the system of l answered.
func (g *Gateway) reached(l *lane) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if l.breaker.opened > 0 {
		for range cap(l.kick) {
			l.rouse() // there is work for all of them again
		}
	}
	l.breaker = breaker{}
	l.seen.answer = g.o.Now()
}

// maxBack bounds how many deliveries are remembered that wait for another try.
const maxBack = 256

// waits notes that d is to be tried again, and for no other reason than that its system
// couldn't be reached.
func (g *Gateway) waits(d Delivery) {
	g.mu.Lock()
	defer g.mu.Unlock()
	l, now := g.lane(d.Lane), g.o.Now()
	l.waits = slices.DeleteFunc(l.waits, func(w Delivery) bool { return !w.Next.After(now) }) // is due by itself
	if len(l.waits) < maxBack {
		l.waits = append(l.waits, d)
	}
}

// halfOpen lets one delivery through at once, since the system of l answers again in
// another way. It returns what need not wait out its pause. The caller holds mu.
func (l *lane) halfOpen() (back []Delivery) {
	back, l.waits = l.waits, nil
	l.breaker.until = time.Time{}
	l.rouse()
	return back
}

// resume has deliveries tried again that wait for it, in the order in which they failed.
func (g *Gateway) resume(ctx context.Context, waits []Delivery) {
	for _, d := range waits {
		err := g.within(ctx, d.Rel, func(t *turn) error {
			now, ok, err := t.delivery(ctx, d.Seq, d.Task)
			if err != nil || !ok || now.Status != d.Status || now.Tries != d.Tries || now.Lane != d.Lane {
				return err // somebody has been at it since
			}
			now.Next = t.now
			t.queue(now)
			return nil
		})
		if err != nil { // it goes on by itself, only later
			g.o.Log.Warn("try again what waits", "relationship", d.Rel, "err", err)
		}
	}
}

// missed notes that the system of l couldn't be reached for rel.
func (g *Gateway) missed(l *lane, rel firsthand.ID, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	b := &l.breaker
	if b.failed == nil {
		b.failed = make(map[firsthand.ID]bool)
	}
	if len(b.failed) < breakAfter {
		b.failed[rel] = true
	}
	if len(b.failed) < breakAfter || now.Before(b.until) {
		return
	}
	b.opened++
	b.until = now.Add(min(longestBreak, 5*time.Second<<min(b.opened, 6)))
}

// blocked returns until when the system is to be left alone; the zero time if it
// may be called. The caller holds mu.
func (b *breaker) blocked(now time.Time) time.Time {
	if now.Before(b.until) && b.until.Sub(now) <= longestBreak { // else the clock was set back
		return b.until
	}
	return time.Time{}
}
