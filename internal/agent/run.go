package agent

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/wire"
)

// How often a company is asked for news where nothing is due, and how many calls
// are made at once. A call that sends to a company far away takes a few tenths of a
// second, most of which nobody works.
const (
	pollEvery = 15 * time.Minute
	pollEnded = 24 * time.Hour   // where it is closed and nothing is owed: the company may have lost that
	pollAgain = time.Second      // between two long polls, should one not be held
	pollMany  = 10 * time.Second // where more companies owe something than can be waited for; twice as long each time nothing came
	maxCalls  = 256              // that send
	maxSlow   = 1024             // that have sent for longer than slowCall
	slowCall  = 400 * time.Millisecond
	maxPolls  = 64 // that ask for news
	maxWaits  = 48 // of these, that wait for it
)

// Run carries entries until ctx ends: at once what acts have written, again what
// failed when its time has come, and now and then a question for news; while the
// company owes something, as a long poll. It also begins moves on their day. A
// company that is slow or down delays no other: each has a call of its own, and
// calls that wait for news give way to those that send.
func (a *Agent) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { a.runMoves(ctx) })
	if a.Mail != nil {
		wg.Go(func() { a.postMails(ctx) })
		wg.Go(func() { a.fetchMails(ctx) })
	}
	look := time.Time{} // when to look at everything
	for {
		next := a.Now().Add(nap)
		if now := a.Now(); !now.Before(look) {
			err := a.look(ctx)
			switch {
			case ctx.Err() != nil:
				return nil
			case err != nil:
				a.Log.Error("outbox", "err", err)
			default:
				look = now.Add(pollEvery)
			}
		}
		for {
			c, at := a.schedule.start(ctx, a.Now())
			if c == nil {
				next = earliest(next, earliest(at, look))
				break
			}
			wg.Go(func() {
				for c != nil {
					a.carry(ctx, c)
					if ctx.Err() != nil {
						return
					}
					c, _ = a.schedule.start(ctx, a.Now()) // who has made a call makes the next
				}
			})
		}
		began := a.Now()
		if !sleep(ctx, next.Sub(began), a.schedule.wake) {
			return nil
		}
		if slept := a.Now().Sub(began); slept < 0 || slept > nap+lapse {
			a.Log.Info("the clock jumped", "seconds", int(slept.Seconds()))
			if c, ok := a.Caller.(interface{ Close() }); ok {
				c.Close() // its idle connections lead nowhere
			}
			look = time.Time{}
			a.schedule.jumped(a.Now())
		}
	}
}

// A pause is taken in naps, since timers stand still while the machine sleeps; when one
// takes longer by lapse, that is what happened.
const (
	nap   = 15 * time.Second
	lapse = 45 * time.Second
)

// sleep waits for a wake or until the time is over. It reports whether ctx goes
// on.
func sleep(ctx context.Context, d time.Duration, wake <-chan struct{}) bool {
	timer := time.NewTimer(max(0, d))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-wake:
	case <-timer.C:
	}
	return true
}

// look compares the schedule with all that the store has. What it finds forgotten
// is a mistake of this program, and is made good.
func (a *Agent) look(ctx context.Context) error {
	all, err := a.Store.Outbox(ctx)
	if err != nil {
		return err
	}
	holds, err := a.paused.read(ctx, a.Store)
	if err != nil {
		return err
	}
	for _, rel := range a.schedule.fill(a.Now(), all, holds) {
		a.Log.Warn("outbox had forgotten what there is to send", "relationship", rel)
	}
	return nil
}

// carry makes one call of the schedule, and those that follow from it.
func (a *Agent) carry(ctx context.Context, c *call) {
	err := a.call(c)
	gaveWay := err != nil && c.ctx.Err() != nil
	now := a.Now()
	a.schedule.end(now, c, a.jitter(c.every), err != nil && !gaveWay, gaveWay)
}

// call makes calls for one relationship until there is nothing more to say.
func (a *Agent) call(c *call) error {
	wait := time.Duration(0)
	if c.wait {
		wait = wire.MaxWait
	}
	for {
		more, err := a.Do(c.ctx, c.rel, wait)
		if err != nil {
			if c.ctx.Err() == nil {
				// A company that is down is no trouble of this program: it is called again, and
				// the pages say so.
				level := slog.LevelWarn
				if fault.KindOf(err) == fault.Unavailable {
					level = slog.LevelInfo
				}
				a.Log.Log(c.ctx, level, "call failed", "relationship", c.rel, "kind", fault.KindOf(err), "rule", fault.RuleOf(err))
			}
			return err
		}
		if !more {
			return nil
		}
		wait = 0
	}
}

// Flush makes the calls that are due now, one after the other, and returns when
// nothing is left to send; what failed is left for later. It is what a command
// does when no server runs. wait is how long to wait for answers to what was
// sent.
func (a *Agent) Flush(ctx context.Context, rel firsthand.ID, wait time.Duration) error {
	for {
		again, err := a.Do(ctx, rel, 0)
		if err != nil {
			return err
		}
		if !again {
			break
		}
	}
	if wait <= 0 {
		return nil
	}
	again, err := a.Do(ctx, rel, wait)
	for again && err == nil {
		again, err = a.Do(ctx, rel, 0)
	}
	return err
}
