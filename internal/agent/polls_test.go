package agent_test

import (
	"context"
	"crypto/rand"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/terms"
	"firsthand/wire"
)

// counted is the way to the company, with a count of the calls.
type counted struct {
	*sides
	n    atomic.Int64
	down atomic.Bool
}

func (c *counted) Sync(ctx context.Context, gateway string, key *firsthand.Signer, r wire.Request) (wire.Response, error) {
	if c.n.Add(1) > 1000 { // without time passing it would go on for ever
		<-ctx.Done()
		return wire.Response{}, ctx.Err()
	}
	if c.down.Load() {
		return wire.Response{}, fault.Unavailable
	}
	return c.sides.Sync(ctx, gateway, key, r)
}

// run runs her agent for a while of a clock that costs no time, and returns how
// often it called.
func (s *sides) run(d time.Duration) (calls int64) {
	s.t.Helper()
	synctest.Test(s.t, func(t *testing.T) {
		c := &counted{sides: s}
		start := time.Now()
		now := s.now
		a := agent.New(agent.Options{Store: s.store, Caller: c, Roster: terms.Default(), Rand: rand.Reader, Log: quiet,
			Now: func() time.Time { return now.Add(time.Since(start)) }})
		ctx, stop := context.WithTimeout(t.Context(), d)
		defer stop()
		s.must(a.Run(ctx))
		calls = c.n.Load()
	})
	s.now = s.now.Add(d)
	return calls
}

// Where nothing is due, a company is asked now and then; where the relationship
// has ended, once a day.
func TestRunPolls(t *testing.T) {
	s := newSides(t)
	rel := s.meet(agent.MeetOptions{Kept: true})
	const day = 24 * time.Hour
	if n := s.run(day); n < 60 || n > 150 {
		t.Errorf("%d calls in a day in which nothing is due", n)
	}
	_, err := s.Leave(t.Context(), rel, "")
	s.must(err)
	s.sync(rel)
	s.sync(rel)
	if n := s.run(10 * day); n < 5 || n > 25 {
		t.Errorf("%d calls in ten days after the end", n)
	}
}

// A company that was put back to before a rotation is asked with the key before it
// soon, and not when it is asked for news next.
func TestRunFindsTheFormerKey(t *testing.T) {
	s := newSides(t)
	rel := s.meet(agent.MeetOptions{Kept: true})
	backup := s.theirs.Snapshot()
	for range 3 {
		_, err := s.Rotate(t.Context(), rel, agent.Rotation{Kit: ownKit})
		s.must(err)
		s.sync(rel)
	}
	s.theirs.Restore(backup, s.now)
	s.startGateway()
	s.run(time.Hour) // asked for news once within a quarter of an hour, or a bit more
	if head, err := s.theirs.Head(t.Context(), rel, firsthand.First); err != nil || head.Seq != 4 {
		t.Errorf("the company has her log up to %d, want 4: %v", head.Seq, err)
	}
}

// A gateway that was down for an hour has what she said within minutes; and at once when
// her machine has slept meanwhile, though no timer says so, or its clock was put right.
func TestRunGatewayIsBack(t *testing.T) {
	for _, tt := range []struct {
		name          string
		slept, within time.Duration
	}{{"awake", 0, 7 * time.Minute}, {"asleep", 8 * time.Hour, 20 * time.Second},
		{"clock put back", -30 * time.Minute, 20 * time.Second}} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSides(t)
			rel := s.meet(agent.MeetOptions{Kept: true})
			s.say(rel, "hello")
			synctest.Test(t, func(t *testing.T) {
				c := &counted{sides: s}
				c.down.Store(true)
				start, now, slept := time.Now(), s.now, atomic.Int64{}
				a := agent.New(agent.Options{Store: s.store, Caller: c, Roster: terms.Default(), Rand: rand.Reader, Log: quiet,
					Now: func() time.Time { return now.Add(time.Since(start) + time.Duration(slept.Load())) }})
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan error)
				go func() { ended <- a.Run(ctx) }()
				time.Sleep(time.Hour)
				if n := c.n.Load(); n < 12 || n > 25 {
					t.Errorf("%d calls in the hour in which it was down", n)
				}
				c.down.Store(false)
				slept.Store(int64(tt.slept))
				time.Sleep(tt.within)
				stop()
				s.must(<-ended)
			})
			if r := s.row(rel); r.Received.Seq != r.Head {
				t.Errorf("it has not received what she said; tried %d times, and next at %v", r.Tries, r.NextTry)
			}
		})
	}
}
