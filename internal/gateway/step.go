package gateway

import (
	"context"
	"errors"
	"slices"
	"time"

	"firsthand/connector"
	"firsthand/fault"
)

// Step does one piece of the work that no call asks for, if one is due: of a
// rotation, of listening to the company's system, or of the outbox. It reports
// whether it did; if it didn't, next is when there may be something, the zero time
// if that isn't known. Several goroutines may call it.
//
// Everything the gateway does by itself is done here, with the clock and the
// chance that it was given, so that a simulation can drive it.
func (g *Gateway) Step(ctx context.Context) (worked bool, next time.Time, err error) {
	return g.step(ctx, g.lanes...)
}

// step is Step without the lanes that aren't named.
func (g *Gateway) step(ctx context.Context, lanes ...*lane) (worked bool, next time.Time, err error) {
	pieces := []func(context.Context) (bool, time.Time, error){g.stepKeys, g.stepRotate}
	for _, l := range lanes {
		pieces = append(pieces,
			func(ctx context.Context) (bool, time.Time, error) { return g.stepPoll(ctx, l) },
			func(ctx context.Context) (bool, time.Time, error) { return g.stepOutbox(ctx, l) })
	}
	for _, piece := range pieces {
		worked, at, err := piece(ctx)
		if worked || err != nil {
			return worked, time.Time{}, err
		}
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return false, next, nil
}

// single runs fn unless another goroutine is at the same chore.
func (g *Gateway) single(chore string, fn func() (bool, error)) (worked bool, err error) {
	g.mu.Lock()
	if g.alone[chore] {
		g.mu.Unlock()
		return false, nil
	}
	g.alone[chore] = true
	g.mu.Unlock()
	defer func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.alone[chore] = false
	}()
	return fn()
}

// stepRotate brings one relationship to the company's key in force.
func (g *Gateway) stepRotate(ctx context.Context) (bool, time.Time, error) {
	g.mu.Lock()
	behind, keys := g.behind, len(g.keys.Chain)
	g.mu.Unlock()
	if !behind {
		return false, time.Time{}, nil
	}
	worked, err := g.single("rotate", func() (bool, error) {
		rels, err := g.o.Store.Behind(ctx, keys, 1+g.avoided())
		if err != nil {
			return false, err
		}
		for _, rel := range rels {
			if at := (line{rel, Records}); !g.isSick(at) {
				err := g.within(ctx, rel, func(t *turn) error { return t.moveOn(ctx) })
				g.fell(at, err)
				return true, err
			}
		}
		if len(rels) == 0 {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.behind = len(g.keys.Chain) != keys
		}
		return false, nil
	})
	return worked, time.Time{}, err
}

// moveOn brings a relationship to the company's key in force.
func (t *turn) moveOn(ctx context.Context) error {
	if t.mute() != "" {
		return nil
	}
	err := t.followChain(ctx)
	if errors.Is(err, errKeyGone) || errors.Is(err, errNotInChain) {
		return t.freeze(ctx, frozenKeys) // and the others go on
	}
	return err
}

// A relationship's line is sick for a while after an error of our own, such as a log
// that can't be read. It is left alone, and no other is.

// avoided counts the lines that a worker has to pass over.
func (g *Gateway) avoided() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.sick) + len(g.busy)
}

func (g *Gateway) isSick(at line) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	rest := g.sick[at].Sub(g.o.Now())
	return rest > 0 && rest < 2*longestPause // else the clock was set back
}

// fell notes how the work on a line ended.
func (g *Gateway) fell(at line, err error) {
	var rest time.Duration
	switch {
	case errors.Is(err, errElsewhere):
		rest = elsewhere
	case fault.KindOf(err) == fault.Unavailable: // the store's, and so not this relationship's alone
		rest = g.backoff(1)
	case err != nil:
		rest = g.backoff(5)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if delete(g.sick, at); rest > 0 {
		g.sick[at] = g.o.Now().Add(rest)
	}
}

// stepPoll asks the system of l for changes when it is time to.
func (g *Gateway) stepPoll(ctx context.Context, l *lane) (bool, time.Time, error) {
	if l.connector == nil {
		return false, time.Time{}, nil
	}
	now := g.o.Now()
	g.mu.Lock()
	next := l.nextPoll
	g.mu.Unlock()
	if now.Before(next) && next.Sub(now) <= g.o.Poll+2*longestPause { // else the clock was set back
		return false, next, nil
	}
	worked, err := g.single(l.key("poll"), func() (bool, error) {
		ours, err := g.hold(ctx, l.key(choreListen))
		if !ours && err == nil {
			g.mu.Lock()
			defer g.mu.Unlock()
			l.nextPoll, l.polls, l.elsewhere = now.Add(g.o.Poll), 0, true
			return false, nil
		}
		more := false
		if err == nil {
			more, err = g.poll(ctx, l)
		}
		var wait time.Duration
		failed := 0
		switch {
		case errors.Is(err, errPoll):
			asked := min(connector.WaitOf(err), longestPause)
			g.mu.Lock()
			failed, err = l.polls+1, nil
			g.mu.Unlock()
			wait = max(asked, g.o.Poll, g.backoff(min(failed, 5))) // seldom a minute: by this it is seen that the system is back
		case err == nil && !more:
			wait = g.o.Poll
		case err != nil: // ours, and the outbox shall not wait for it
			failed, wait = 1, g.backoff(5)
		}
		var back []Delivery
		g.mu.Lock()
		if failed == 0 {
			if l.seen.asked, l.seen.answer = now, now; l.polls > 0 {
				back = l.halfOpen()
			}
		}
		l.nextPoll, l.polls, l.elsewhere = now.Add(wait), failed, false
		g.mu.Unlock()
		g.resume(ctx, back)
		return err == nil, err
	})
	return worked, time.Time{}, err
}

// stepOutbox does the next delivery of l that nobody else is at.
func (g *Gateway) stepOutbox(ctx context.Context, l *lane) (bool, time.Time, error) {
	ready, err := g.o.Store.Ready(ctx, l.name, 1+g.avoided())
	if err != nil {
		return false, time.Time{}, err
	}
	if l.name == Records {
		left, err := g.leftovers(ctx)
		if err != nil {
			return false, time.Time{}, err
		}
		ready = append(ready, left...)
		slices.SortStableFunc(ready, func(a, b Delivery) int { return a.Next.Compare(b.Next) })
	}
	now := g.o.Now()
	var next time.Time
	for _, d := range ready {
		if d.Next.After(now) && (d.Status == Later || d.Next.Sub(now) < 2*longestPause) {
			if next.IsZero() {
				next = d.Next
			}
			continue // one behind it may have been set by a clock that was wrong
		}
		until, all := g.begins(d, now)
		if until.IsZero() && !all {
			if err := g.do(ctx, d); !errors.Is(err, errElsewhere) {
				return true, time.Time{}, err
			}
			return true, time.Time{}, nil // to look beyond what another gateway is at
		}
		if all {
			return false, until, nil
		}
		if until.After(now) && (next.IsZero() || until.Before(next)) {
			next = until
		}
	}
	return false, next, nil
}

// leftovers returns what is ready in a lane that isn't there any more. Its turn puts
// it into the one that there is.
func (g *Gateway) leftovers(ctx context.Context) ([]Delivery, error) {
	g.mu.Lock()
	some := g.leftover
	g.mu.Unlock()
	if !some {
		return nil, nil
	}
	ready, err := g.o.Store.Ready(ctx, Tickets, 1+g.avoided())
	g.mu.Lock()
	defer g.mu.Unlock()
	g.leftover = err != nil || len(ready) > 0
	return ready, err
}

// at returns the line in which d stands.
func (g *Gateway) at(d *Delivery) line { return line{d.Rel, g.lane(d.Lane).name} }

// begins makes d's line busy, so that d is this worker's. If it can't be, it returns
// until when: the line is to be left alone, or all of the lane is; the present where
// another worker is at the line, and no time where one is trying the system.
func (g *Gateway) begins(d Delivery, now time.Time) (until time.Time, all bool) {
	at := g.at(&d)
	sick := g.isSick(at)
	g.mu.Lock()
	defer g.mu.Unlock()
	b := &g.lane(d.Lane).breaker
	calls := d.Status != Later // else it is put into line, which takes no system
	if until := b.blocked(now); calls && !until.IsZero() {
		return until, true
	}
	if calls && b.probe != (line{}) {
		return time.Time{}, true
	}
	if until := g.sick[at]; sick && until.After(now) {
		return until, false
	}
	if sick || g.busy[at] {
		return now, false
	}
	if calls && b.opened > 0 {
		b.probe = at
	}
	g.busy[at] = true
	return time.Time{}, false
}

// do does one delivery. The caller has made its line busy.
func (g *Gateway) do(ctx context.Context, d Delivery) (err error) {
	at := g.at(&d)
	defer func() {
		g.fell(at, err)
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.busy, at)
		if b := &g.lane(d.Lane).breaker; b.probe == at {
			b.probe = line{}
		}
	}()
	if g.shared != nil {
		return g.doAlone(ctx, d)
	}
	return g.doNow(ctx, d)
}

func (g *Gateway) doNow(ctx context.Context, d Delivery) error {
	if d.Status == Later {
		return g.start(ctx, d)
	}
	switch d.Task {
	case Deliver:
		return g.deliver(ctx, d)
	case Redact:
		return g.redact(ctx, d)
	case Verify:
		return g.verify(ctx, d)
	}
	return g.settle(ctx, d, outcome{status: Done})
}

// start puts a delivery into line whose time has come.
func (g *Gateway) start(ctx context.Context, d Delivery) error {
	return g.within(ctx, d.Rel, func(t *turn) error {
		if t.mute() != "" {
			return nil
		}
		if d.Task == Review {
			d.Status = Done
			t.queue(d)
			return t.attend(ctx)
		}
		d.Status, d.Why, d.Due = Waiting, "", t.dutyDue("erase", d.Entry)
		t.queue(d)
		return nil
	})
}
