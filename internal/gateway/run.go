package gateway

import (
	"context"
	"sync"
	"time"

	"firsthand"
)

// Run does the work that no call asks for, until ctx ends. It returns when the
// pieces in hand are done.
func (g *Gateway) Run(ctx context.Context) error {
	var workers sync.WaitGroup
	for range g.o.Workers {
		workers.Go(func() {
			for n := 0; ctx.Err() == nil; {
				if !g.turnOver(ctx, &n) {
					return
				}
			}
		})
	}
	workers.Wait()
	return nil
}

// longest is how long a worker sleeps at most: a clock may be set.
const longest = time.Minute

// turnOver does a step, or sleeps until there may be one. failed counts the steps
// that failed in a row. It reports whether to go on.
func (g *Gateway) turnOver(ctx context.Context, failed *int) bool {
	woken, stop := g.work.watch(firsthand.ID{})
	defer stop()
	worked, next, err := g.Step(ctx)
	if ctx.Err() != nil {
		return false
	}
	pause := longest
	switch {
	case err != nil:
		*failed++
		g.o.Log.Error("background work", "err", err)
		pause, woken = g.backoff(*failed), nil
	case worked:
		*failed = 0
		return true
	case !next.IsZero():
		pause = min(longest, max(next.Sub(g.o.Now()), time.Millisecond))
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-woken:
	case <-timer.C:
	case <-ctx.Done():
		return false
	}
	return true
}
