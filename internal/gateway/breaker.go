package gateway

import (
	"time"

	"firsthand"
)

// A breaker keeps a system that is down from being called for every relationship
// in turn. It opens when different relationships fail one after the other, and stays
// open for a while. After that it is half open: one delivery is let through, and by
// what becomes of it the breaker closes, or opens for longer.
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
