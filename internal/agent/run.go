package agent

import (
	"context"
	"sync"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/wire"
)

// How often a company is asked for news where nothing is due, and how many calls
// are made at once.
const (
	pollEvery = 15 * time.Minute
	pollEnded = 24 * time.Hour // where it is closed and nothing is owed: the company may have lost that
	pollAgain = time.Second    // between two long polls, should one not be held
	maxCalls  = 64             // that send
	maxPolls  = 256            // that wait for news
)

// Run carries entries until ctx ends: at once what acts have written, again what
// failed when its time has come, and now and then a question for news; while the
// company owes something, as a long poll. A company that is slow or down delays
// no other: each has a call of its own, and calls that wait for news give way to
// those that send.
func (a *Agent) Run(ctx context.Context) error {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		busy  = make(map[firsthand.ID]context.CancelFunc) // calls under way
		polls = make(map[firsthand.ID]time.Time)          // when to ask next
		sends = make(chan struct{}, maxCalls)
		waits = make(chan struct{}, maxPolls)
	)
	defer wg.Wait()
	for {
		due, next, err := a.due(ctx, polls, &mu)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			a.Log.Error("outbox", "err", err)
			next = a.Now().Add(time.Minute)
		}
		for _, d := range due {
			mu.Lock()
			if cancel := busy[d.rel]; cancel != nil {
				if d.pending {
					cancel() // it only waits for news; the next round sends
				}
				mu.Unlock()
				continue
			}
			call, cancel := context.WithCancel(ctx)
			busy[d.rel] = cancel
			mu.Unlock()
			wg.Go(func() {
				defer cancel()
				slots := waits
				if d.pending {
					slots = sends
				}
				select {
				case slots <- struct{}{}:
				case <-ctx.Done():
					return
				}
				again := a.call(call, d)
				<-slots
				mu.Lock()
				delete(busy, d.rel)
				polls[d.rel] = a.Now().Add(d.every/2 + a.jitter(d.every))
				switch {
				case again: // it gave way to something to send
					polls[d.rel] = a.Now()
				case d.waiting || d.pending:
					polls[d.rel] = a.Now().Add(pollAgain)
				}
				mu.Unlock()
				a.Wake()
			})
		}
		timer := time.NewTimer(max(0, next.Sub(a.Now())))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-a.wake:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// call makes calls for one relationship until there is nothing more to say.
func (a *Agent) call(ctx context.Context, d dueCall) (again bool) {
	wait := time.Duration(0)
	if d.waiting && !d.pending {
		wait = wire.MaxWait
	}
	for {
		more, err := a.Do(ctx, d.rel, wait)
		if err != nil {
			if ctx.Err() == nil {
				a.Log.Warn("call failed", "relationship", d.rel, "kind", fault.KindOf(err), "rule", fault.RuleOf(err))
			}
			return ctx.Err() != nil
		}
		if !more {
			return false
		}
		wait = 0
	}
}

// A dueCall is a relationship whose company is to be called now.
type dueCall struct {
	rel     firsthand.ID
	pending bool // there is something to send
	waiting bool // the company owes something: ask with a long poll
	every   time.Duration
}

// due returns whom to call now, and when to look again.
func (a *Agent) due(ctx context.Context, polls map[firsthand.ID]time.Time, mu *sync.Mutex) (calls []dueCall, next time.Time, err error) {
	rows, err := a.Store.Relationships(ctx)
	if err != nil {
		return nil, next, err
	}
	now := a.Now()
	next = now.Add(pollEvery)
	mu.Lock()
	defer mu.Unlock()
	for _, r := range rows {
		if r.Gateway == "" {
			continue
		}
		sum, err := r.Summarised()
		if err != nil {
			return nil, next, err
		}
		d := dueCall{rel: r.ID, every: pollEvery, pending: (sum.First.Seq > r.Received.Seq || r.Restored) && r.Frozen == ""}
		d.waiting = sum.Expects != "" && !sum.Expects.Over(now)
		if sum.Closed && sum.Waiting == 0 {
			d.every = pollEnded
		}
		at, known := polls[r.ID]
		if !known && !d.waiting {
			// After a start not all at once, which would link them by time.
			at = now.Add(a.jitter(d.every))
			polls[r.ID] = at
		}
		if d.pending || known && r.Failure == "call-signature" { // then it is asked with another key soon
			at = now
		}
		if retry := r.RetryAt(now); retry.After(at) {
			at = retry
		}
		if at.After(now) {
			if at.Before(next) {
				next = at
			}
			continue
		}
		calls = append(calls, d)
	}
	return calls, next, nil
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
