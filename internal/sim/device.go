package sim

import (
	"errors"
	"fmt"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/agenttest"
	"firsthand/terms"
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

// complain fails the run for an error that nothing injected explains.
func (d *device) complain(what string, err error) {
	d.r.say("%s: %s: %v", d.name, what, err)
	if fault.KindOf(err) == fault.Internal {
		d.r.fail("%s: %s: %v", d.name, what, err)
	}
}

// isFault reports whether err is what an injected fault makes.
func isFault(err error) bool {
	return errors.Is(err, errCut) || errors.Is(err, errDisk) || fault.KindOf(err) == fault.Unavailable
}
