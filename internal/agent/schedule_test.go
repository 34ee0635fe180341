package agent

import (
	"context"
	"testing"
	"time"

	"firsthand"
)

// A company that owes something and can't be waited for, since too many do, is asked
// soon, then less and less often, and soon again once something was said.
func TestOwingCompanyIsAskedLessAndLess(t *testing.T) {
	s := schedule{wake: make(chan struct{}, 1), waiting: maxWaits}
	start := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	row := Relationship{ID: firsthand.ID{1}, Gateway: "https://acme.example", Head: 1, Expects: "2027-01-01"}
	row.Received.Seq = 1
	s.fill(start, []Outgoing{row.Outgoing()}, nil)
	now := start
	calls := func(d time.Duration) (n int) {
		end := now.Add(d)
		for now.Before(end) {
			c, next := s.start(context.Background(), now)
			if c == nil {
				now = next
				continue
			}
			if n++; n > 1000 {
				t.Fatal("asked without a pause")
			}
			s.end(now, c, 0, false, false)
		}
		now = end
		return n
	}
	if n := calls(time.Minute); n < 3 || n > 6 {
		t.Errorf("asked %d times in the first minute, want about four", n)
	}
	if n := calls(24 * time.Hour); n < 96 || n > 110 {
		t.Errorf("asked %d times in a day in which nothing came, want about each quarter of an hour", n)
	}
	row.Head = 2
	s.note(now, &Commit{Relationships: []Relationship{row}})
	c, _ := s.start(context.Background(), now)
	if c == nil || !c.place.sends {
		t.Fatal("what was said is not sent")
	}
	row.Received.Seq = 2
	s.note(now, &Commit{Outbox: []Relationship{row}})
	s.end(now, c, 0, false, false)
	if n := calls(time.Minute); n < 3 || n > 7 {
		t.Errorf("asked %d times in the minute after something was said, want about four", n)
	}
}
