package sim

import (
	"time"

	"firsthand"
	"firsthand/internal/agent"
	"firsthand/wire"
)

// wake has the device look for calls that are due, in a while.
func (d *device) wake(in time.Duration) {
	d.look++
	this := d.look
	d.r.after(in, d.name+" looks what is due", func() {
		if this == d.look && d.agent != nil {
			d.makeCalls()
		}
	})
}

// makeCalls does what agent.Run does in one round: it makes the calls that are
// due, and looks again when the next will be.
func (d *device) makeCalls() {
	rows, err := d.agent.Relationships(d.r.ctx)
	if err != nil {
		d.wake(time.Minute)
		return
	}
	next := d.r.now.Add(time.Hour) // so that what is overtaken doesn't wait in the queue for long
	for _, row := range rows {
		if d.agent == nil {
			return
		}
		at, due := d.due(&row)
		if !due || d.busy[row.ID] != nil {
			continue
		}
		if at.After(d.r.now) {
			next = earlier(next, at)
			continue
		}
		d.call(row.ID)
	}
	d.wake(max(next.Sub(d.r.now), time.Second))
}

// due returns when a relationship is to be called next, if it is.
func (d *device) due(row *agent.Relationship) (at time.Time, due bool) {
	sum, err := row.Summarised()
	if err != nil {
		d.r.fail("%s: summary: %v", d.name, err)
	}
	pending := (sum.First.Seq > row.Received.Seq || row.Restored) && row.Frozen == ""
	if row.Gateway == "" {
		return at, false
	}
	at, known := d.polls[row.ID]
	if !known {
		at = d.r.now.Add(d.r.between(0, d.pollEvery()))
		d.polls[row.ID] = at
	}
	if pending || known && row.Failure == "call-signature" {
		at = d.r.now
	}
	// The agent's clock says when to try again.
	if wait := row.RetryAt(d.clock()).Sub(d.clock()); wait > 0 && d.r.now.Add(wait).After(at) {
		at = d.r.now.Add(wait)
	}
	return at, true
}

// pollEvery is how often the device asks for news: as often as a real one once
// all is healed, and before that as often as a run can afford.
func (d *device) pollEvery() time.Duration {
	if d.r.healed {
		return 20 * time.Minute
	}
	return d.r.plan.active / 5
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// call makes the next call of a relationship.
func (d *device) call(rel firsthand.ID) {
	d.polls[rel] = d.r.now.Add(d.pollEvery()/2 + d.r.between(0, d.pollEvery()))
	life := d.life
	step, err := d.agent.Prepare(d.r.ctx, rel, 0)
	if life != d.life {
		return // the process is gone
	}
	if err != nil {
		d.complain("prepare", err)
		return // nothing was sent; it is looked at again with the next poll
	}
	if d.r.Bug == RetryDrops && len(step.Request.Entries) > 1 {
		step.Request.Entries = step.Request.Entries[1:]
	}
	d.r.start(&call{device: d, life: d.life, rel: rel, step: step, at: d.clock()})
}

// answered takes what came of a call, as agent.Do does.
func (d *device) answered(c *call, resp wire.Response, err error) {
	if d.life != c.life || d.busy[c.rel] != c {
		return
	}
	delete(d.busy, c.rel)
	again := false
	if err == nil {
		again, err = d.agent.Receive(d.r.ctx, c.rel, c.step.Request, resp)
		if err == nil {
			d.r.ledger.acknowledged(d, c.rel, resp)
		} else if d.life == c.life {
			d.complain("receive", err)
		}
	}
	if d.life != c.life {
		return
	}
	if err != nil {
		d.r.say("%s: call failed: %v", d.name, err)
		if agent.IsPuzzle(err) {
			if err := d.agent.Diagnose(d.r.ctx, c.rel, err); err != nil && d.life == c.life {
				d.complain("diagnose", err)
			}
			if d.life != c.life {
				return
			}
		}
		if err := d.agent.Failed(d.r.ctx, c.rel, err); err != nil && d.life == c.life {
			d.complain("failed", err)
		}
	} else if again {
		d.call(c.rel)
	}
	d.wake(0)
}
