package gateway

import (
	"time"

	"firsthand"
)

// A breaker keeps a system that is down from being called for every relationship
// in turn. It opens when different relationships fail one after the other, stays
// open for a while, and opens again at the first failure after that.
type breaker struct {
	failed map[firsthand.ID]bool // since the last success
	opened int                   // times in a row
	until  time.Time             // open until then
}

// breakAfter is how many relationships must fail in a row: more than the few that
// can fail for reasons of their own.
const breakAfter = 5

// longestBreak is how long a breaker stays open at most.
const longestBreak = 5 * time.Minute

// reached notes that the system answered.
func (g *Gateway) reached() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.breaker = breaker{}
	g.seen.answer = g.o.Now()
}

// missed notes that the system couldn't be reached for rel.
func (g *Gateway) missed(rel firsthand.ID, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	b := &g.breaker
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
