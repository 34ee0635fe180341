package gateway

import (
	"context"
	"time"

	"firsthand"
)

// Counts are numbers of what a store has.
type Counts struct {
	Relationships int64
	Lines         []Line                   // of the outbox; those without deliveries may be missing
	Duties        map[firsthand.Date]int64 // owed, by the day they are due
}

// A Line is what the outbox has of one status.
type Line struct {
	Status Status
	N      int64
	// Oldest is when the oldest that brings something of hers was written, as she
	// says, but no earlier than the relationship was opened; zero if there is none.
	// What is set for the end of a holding doesn't count.
	Oldest time.Time
}

// Counted are the statuses of deliveries that have not come to an end.
var Counted = []Status{Waiting, Checking, Stopped, Held, Proposed, Later}

// A Counter is a [Store] that can count quickly: in a time that grows with what is
// unfinished, and hardly with what is kept. Package gatewaytest tests it where it
// is one.
type Counter interface {
	Counts(ctx context.Context) (Counts, error)
}

// Vitals are what tells how a Gateway is, beside its store.
type Vitals struct {
	Broken  bool      // the company's system is left alone for a while, since calls failed
	Polled  time.Time // when it was asked for changes with success; at first, when the gateway was made
	Failed  int       // polls that failed since
	Sick    int       // relationships that are left alone for a while after an error of our own
	Unmoved bool      // some relationship may not have reached the company's key in force
}

// Vitals returns them as they are now. It asks no store and no system.
func (g *Gateway) Vitals() Vitals {
	now := g.o.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	return Vitals{Broken: !g.breaker.blocked(now).IsZero(), Polled: g.polled, Failed: g.polls, Sick: len(g.sick), Unmoved: g.behind}
}

// Reaches reports whether the company's system answered when it was called last.
// Without one there is nothing to reach.
func (v Vitals) Reaches() bool { return !v.Broken && v.Failed == 0 }
