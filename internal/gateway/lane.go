package gateway

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// A lane is one of the company's systems, as the gateway works with it. What is down,
// slow or wrong in one costs the other nothing: each has a line of its own in every
// outbox (see [Delivery].Lane), workers, a breaker, and a time to be asked for changes.
//
// What the lanes share is a relationship's lock, which nobody holds while a system is
// called. Order is kept within a lane; across lanes nothing waits for another but an
// erasure, which goes from lane to lane and is signed after the last: see redact.
type lane struct {
	name      Lane
	connector connector.Connector // nil if there is none: then everything waits for an operator
	system    string              // what the connector calls it; "" if nothing
	kick      chan struct{}       // has a token for each worker of Run that there may be work for

	// Guarded by Gateway.mu.
	breaker   breaker
	waits     []Delivery // for another try
	seen      seen
	nextPoll  time.Time
	polls     int  // that failed in a row
	elsewhere bool // another gateway asks for changes
}

// seen is what the desk is told of a system. It is of this process.
type seen struct {
	answer  time.Time // the last
	asked   time.Time // for changes, and it answered
	trouble string    // the last, without personal data: see why
	since   time.Time
}

// A line is a relationship's in one lane: one delivery at a time is in flight.
type line struct {
	rel  firsthand.ID
	lane Lane
}

// CheckSystems refuses two systems that can't be told apart by what their connectors
// call them. A reference to a record or ticket has nothing else.
func CheckSystems(records, tickets connector.Connector) error {
	switch name := connector.Name(tickets); name {
	case "":
		return fault.Tell(fault.Invalid, "tickets: the system has no name", "give it one")
	case connector.Name(records):
		return fault.Tell(fault.Invalid, fmt.Sprintf("tickets: both systems are called %q", name), "give one of them another name")
	}
	return nil
}

// openLanes makes the lanes of g.o.
func (g *Gateway) openLanes() error {
	add := func(name Lane, c connector.Connector) {
		l := &lane{name: name, system: connector.Name(c), kick: make(chan struct{}, g.o.Workers)}
		if c != nil {
			l.connector = g.watch(name, c)
		}
		g.lanes = append(g.lanes, l)
	}
	add(Records, g.o.Connector)
	if g.o.Tickets == nil {
		g.leftover = true
		return nil
	}
	if err := CheckSystems(g.o.Connector, g.o.Tickets); err != nil {
		return err
	}
	add(Tickets, g.o.Tickets)
	return nil
}

// lane returns the lane of that name; that of records where there is no other.
func (g *Gateway) lane(name Lane) *lane {
	if name == Tickets && len(g.lanes) > 1 {
		return g.lanes[1]
	}
	return g.lanes[0]
}

// laneOf returns the lane of the system that has ref.
func (g *Gateway) laneOf(ref connector.Ref) *lane {
	if len(g.lanes) > 1 && ref.System == g.lanes[1].system {
		return g.lanes[1]
	}
	return g.lanes[0]
}

// laneFor returns the lane for entries of a kind: words go where the company talks to
// its customers, and everything else to where it has them.
func (g *Gateway) laneFor(kind firsthand.Kind) *lane {
	if kind == "message" || kind == "request" {
		return g.lane(Tickets)
	}
	return g.lanes[0]
}

// records returns the connector to the system that has the company's customers, nil
// if there is none.
func (g *Gateway) records() connector.Connector { return g.lanes[0].connector }

// has reports whether ref may be one of l's system's: it names no other.
func (l *lane) has(ref connector.Ref) bool {
	return ref.System == "" || l.system == "" || ref.System == l.system
}

// label returns what to call the system of l.
func (l *lane) label() string { return cmp.Or(l.system, l.name.Member()) }

// key returns the name of a setting, or of what is held, that each lane has for itself.
func (l *lane) key(name string) string {
	if l.name == Records {
		return name
	}
	return name + " " + string(l.name)
}

// rouse tells one worker of a lane that there may be work. Where all have been told
// already, one of them will find it.
func (l *lane) rouse() {
	select {
	case l.kick <- struct{}{}:
	default:
	}
}

// trouble notes an error of l's system.
func (g *Gateway) trouble(l *lane, err error) {
	text := strings.ToValidUTF8(why(err), "")
	g.mu.Lock()
	defer g.mu.Unlock()
	l.seen.trouble, l.seen.since = text, g.o.Now()
}
