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

// A Line is what the outbox has of one status in one lane.
type Line struct {
	Lane   Lane
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
	Systems []SystemVitals
	Sick    int  // lines of relationships that are left alone for a while after an error of our own
	Unmoved bool // some relationship may not have reached the company's key in force
}

// SystemVitals are those of one of the company's systems.
type SystemVitals struct {
	Lane   Lane
	Broken bool      // it is left alone for a while, since calls failed
	Polled time.Time // when it was asked for changes with success; at first, when the gateway was made
	Failed int       // polls that failed since
}

// Vitals returns them as they are now. It asks no store and no system.
func (g *Gateway) Vitals() Vitals {
	now := g.o.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	v := Vitals{Sick: len(g.sick), Unmoved: g.behind}
	for _, l := range g.lanes {
		s := SystemVitals{Lane: l.name, Broken: !l.breaker.blocked(now).IsZero(), Polled: l.seen.asked, Failed: l.polls}
		switch {
		case l.elsewhere:
			s.Polled = now // by another gateway, which tells of it
		case s.Polled.IsZero():
			s.Polled = g.made
		}
		v.Systems = append(v.Systems, s)
	}
	return v
}

// Reaches reports whether the system answered when it was called last. Without one
// there is nothing to reach.
func (v SystemVitals) Reaches() bool { return !v.Broken && v.Failed == 0 }
