package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/agenttest"
	"firsthand/terms"
	"firsthand/wire"
)

// A customer is a person: what she knows and has, apart from her agent.
type customer struct {
	name    string
	kit     string
	devices []*device // the first is the one that she uses; a second is a copy
	number  int       // of values that she has told
	numbers map[string]string
}

// A device is a machine with a file and, while it runs, an agent on it.
type device struct {
	r     *run
	name  string
	who   *customer
	store *agenttest.Memory
	disk  *agentDisk
	agent *agent.Agent // nil while it is down
	life  int          // counts processes
	file  int          // counts backups that were put back

	skew    time.Duration
	parted  time.Time // from everybody, until then
	busy    map[firsthand.ID]*call
	polls   map[firsthand.ID]time.Time
	look    int // counts the looks that were planned; only the last one counts
	backups []*agenttest.Snapshot
	retired bool
}

func (r *run) newCustomer(i int) *customer {
	c := &customer{name: fmt.Sprintf("customer%d", i+1), kit: fmt.Sprintf("AGE-SECRET-KEY-%d-%d", r.Seed, i), numbers: make(map[string]string)}
	d := r.newDevice(c, c.name, agenttest.NewMemory())
	d.refill()
	return c
}

func (r *run) newDevice(c *customer, name string, store *agenttest.Memory) *device {
	d := &device{r: r, name: name, who: c, store: store}
	if r.plan.clocks {
		d.skew = r.between(-maxSkew, maxSkew)
	}
	c.devices = append(c.devices, d)
	d.start()
	return d
}

// clock is what the machine's clock says.
func (d *device) clock() time.Time { return d.r.now.Add(d.skew) }

// start begins a process on the store as it is.
func (d *device) start() {
	d.life++
	life := d.life
	d.disk = &agentDisk{disk: &disk{r: d.r, crash: func() { d.crashed(life) }}, Store: d.store,
		committed: func(c agent.Commit) { d.r.ledger.agentCommitted(d, c) }}
	d.agent = agent.New(agent.Options{Store: d.r.Bug.agentStore(d.r, d.disk), Caller: d, Roster: terms.Default(),
		Now: d.clock, Rand: d.r.rng, Log: d.r.logger(d.name)})
	d.busy, d.polls = make(map[firsthand.ID]*call), make(map[firsthand.ID]time.Time)
	d.wake(d.r.between(0, time.Minute))
}

// stop ends the process, at no good moment.
func (d *device) stop() {
	d.disk.cut, d.agent = true, nil
	d.life++
}

// crashed is told that an operation of the store was the process's last.
func (d *device) crashed(life int) {
	if life != d.life {
		return
	}
	d.stop()
	d.r.after(d.r.between(time.Second, 4*time.Hour), d.name+" starts again", func() {
		if d.agent == nil && !d.retired {
			d.start()
		}
	})
}

// refill puts some next keys into the book, as Agent.Refill does, which makes more
// of them than a short life needs.
func (d *device) refill() {
	keys := make([]agent.NextKey, 12)
	for i := range keys {
		d.r.rng.Read(keys[i].Label[:])
		keys[i].Hash = firsthand.NextKey(d.who.kit, keys[i].Label).Public().Hash()
	}
	if err := d.store.Commit(d.r.ctx, agent.Commit{AddLabels: keys}); err != nil {
		d.r.fail("%s: refill: %v", d.name, err)
	}
}

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
	next := d.r.now.Add(d.r.plan.active)
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
	if pending {
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

// complain fails the run for an error that nothing injected explains.
func (d *device) complain(what string, err error) {
	d.r.say("%s: %s: %v", d.name, what, err)
	if fault.KindOf(err) == fault.Internal {
		d.r.fail("%s: %s: %v", d.name, what, err)
	}
}

// Discover implements [agent.Caller], like Open and Sync for what the agent does
// at once: to meet, and to find out where logs part.
func (d *device) Discover(ctx context.Context, domain string) (firsthand.Company, []byte, error) {
	c := d.r.companyOf(domain)
	if c == nil {
		return firsthand.Company{}, nil, fault.NotExist
	}
	if c.gateway == nil || d.r.parted(d, c) || d.r.drops() {
		return firsthand.Company{}, nil, errTimeout
	}
	text, err := c.gateway.Company(ctx)
	if err != nil {
		return firsthand.Company{}, nil, errTimeout
	}
	text = slices.Clone(text)
	company, err := firsthand.ParseCompany(text, domain)
	return company, text, err
}

// Open implements [agent.Caller].
func (d *device) Open(ctx context.Context, gateway string, key *firsthand.Signer, req wire.Request) (wire.Response, error) {
	return d.callAtOnce(gateway, true, key, req)
}

// Sync implements [agent.Caller].
func (d *device) Sync(ctx context.Context, gateway string, key *firsthand.Signer, req wire.Request) (wire.Response, error) {
	return d.callAtOnce(gateway, false, key, req)
}

func (d *device) callAtOnce(gateway string, open bool, key *firsthand.Signer, req wire.Request) (wire.Response, error) {
	c := d.r.companyAt(gateway)
	if c == nil || d.r.parted(d, c) || d.r.drops() {
		return wire.Response{}, errTimeout
	}
	resp, err := d.r.serve(c, open, key.Public(), d.clock(), req)
	if err == nil && d.r.drops() {
		err = errTimeout
	}
	return resp, err
}

// isFault reports whether err is what an injected fault makes.
func isFault(err error) bool {
	return errors.Is(err, errCut) || errors.Is(err, errDisk) || fault.KindOf(err) == fault.Unavailable
}
