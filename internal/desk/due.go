package desk

import (
	"context"
	"net/http"
	"sync"
	"time"

	"firsthand"
	"firsthand/internal/gateway"
)

// dueRows is how many duties a page shows: those that are due first.
const dueRows = 100

// window is over how long figures are counted where nobody says.
const window = 30 * 24 * time.Hour

// A DuePage is what is owed, and what waits for somebody.
type DuePage struct {
	Head  Head
	Rows  []DueRow
	Total int
}

// A DueRow is one duty.
type DueRow struct {
	Rel, Entry string
	Task       string
	Kind, Fact string // "" where that isn't known
	Status     string
	Due        firsthand.Date
	Days       int // until it is due; below 0 since
	Overdue    bool
	Why        string
	System     string // that it waits for; "" where it waits for somebody
	Frozen     bool
}

// A Head is the line of figures that Due begins with.
type Head struct {
	gateway.Numbers
	Down []gateway.SystemState // systems that are left alone, because they failed
	Two  bool                  // there are two systems, of which one is up
	Kept int                   // hundredths of what was owed by a day; -1 if nothing was
}

// A headline keeps the figures for some seconds: they are counted over all
// relationships, and looked at by everyone.
type headline struct {
	mu   sync.Mutex
	at   time.Time
	head Head
}

const headlineTime = 10 * time.Second

func (s *Server) headOf(ctx context.Context) (Head, error) {
	s.head.mu.Lock()
	defer s.head.mu.Unlock()
	if age := s.Now().Sub(s.head.at); age >= 0 && age < headlineTime {
		return s.head.head, nil
	}
	n, err := s.Gateway.Numbers(ctx, s.Now().Add(-window))
	if err != nil {
		return Head{}, err
	}
	c, err := s.Gateway.Connection(ctx)
	if err != nil {
		return Head{}, err
	}
	head := Head{Numbers: n, Kept: share(n.InTime, n.Dated)}
	for _, state := range c.Systems {
		if !state.Open.IsZero() || state.Trying {
			head.Down = append(head.Down, state)
		}
	}
	head.Two = len(head.Down) < len(c.Systems)
	s.head.at, s.head.head = s.Now(), head
	return s.head.head, nil
}

// share returns part of whole in hundredths, rounded down: what is not all is never
// shown as all. -1 if there is no whole.
func share(part, whole int) int {
	if whole == 0 {
		return -1
	}
	return part * 100 / whole
}

// showDue serves GET /due.
func (s *Server) showDue(v *visit) (err error) {
	p := DuePage{}
	if p.Head, err = s.headOf(v.ctx()); err != nil {
		return err
	}
	duties, total, err := s.Gateway.Owed(v.ctx(), dueRows)
	if err != nil {
		return err
	}
	p.Total = total
	for _, d := range duties {
		row := DueRow{Rel: d.Rel.String(), Entry: d.Entry.String(), Task: string(d.Task), Kind: string(d.Kind), Fact: d.Fact, Status: statusOfDuty(&d.Delivery),
			Due: d.Due, Overdue: d.Overdue, Why: d.Why}
		if d.Frozen != "" {
			row.Frozen, row.Why, row.Task, row.Status = true, d.Frozen, "frozen", "frozen"
		}
		if d.Status == gateway.Waiting || d.Status == gateway.Checking || d.Status == gateway.Stopped {
			row.System = d.System
		}
		row.Days = days(v.now, d.Due)
		p.Rows = append(p.Rows, row)
	}
	return s.render(v, http.StatusOK, "due", p)
}

// statusOfDuty is the status of a delivery about which something is owed: what is in the
// system as a ticket may still have to be answered.
func statusOfDuty(d *gateway.Delivery) string {
	if d.Status == gateway.Applied || d.Status == gateway.Declined {
		return "answer"
	}
	return string(d.Status)
}

// days counts from today to a day, both in UTC as dates of the protocol are.
func days(now time.Time, d firsthand.Date) int {
	if d == "" {
		return 0
	}
	return int(d.End().Sub(firsthand.DateOf(now).End()) / (24 * time.Hour))
}
