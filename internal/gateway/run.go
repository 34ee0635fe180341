package gateway

import (
	"context"
	"sync"
	"time"
)

// finishTime is how long the pieces in hand may take once a gateway is to stop. What
// a system was called for by then is cut off, and asked for again after the start.
const finishTime = 10 * time.Second

// Run does the work that no call asks for, until ctx ends. It returns when the
// pieces in hand are done, at most finishTime after that.
func (g *Gateway) Run(ctx context.Context) error {
	work, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(finishTime, cut) })()
	var workers sync.WaitGroup
	for _, l := range g.lanes {
		for range g.o.Workers {
			workers.Go(func() {
				for n := 0; ctx.Err() == nil; {
					if !g.turnOver(ctx, work, l, &n) {
						return
					}
				}
			})
		}
	}
	if g.shared != nil {
		workers.Go(func() { g.shared.News(ctx, g.heard) })
	}
	workers.Wait()
	return nil
}

// longest is how long a worker sleeps at most: a clock may be set.
const longest = time.Minute

// turnOver does a step of a lane with the context work, or sleeps until there may be
// one, or ctx ends. failed counts the steps that failed in a row. It reports whether
// to go on.
func (g *Gateway) turnOver(ctx, work context.Context, l *lane, failed *int) bool {
	worked, next, err := g.step(work, l)
	if ctx.Err() != nil {
		return false
	}
	pause, kick := longest, l.kick
	switch {
	case err != nil:
		*failed++
		g.o.Log.Error("background work", "err", err)
		pause, kick = g.backoff(*failed), nil
	case worked:
		*failed = 0
		return true
	case !next.IsZero():
		pause = min(longest, max(next.Sub(g.o.Now()), time.Millisecond))
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-kick:
	case <-timer.C:
	case <-ctx.Done():
		return false
	}
	return true
}
