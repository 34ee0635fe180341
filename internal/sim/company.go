package sim

import (
	"fmt"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/gatewaytest"
	"firsthand/terms"
)

// A company has a gateway, while it is up, on a store and before a CRM.
type company struct {
	r       *run
	name    string
	domain  string
	store   *gatewaytest.Memory
	view    gateway.Store // of the store, as the gateway sees it
	disk    *gatewayDisk
	gateway *gateway.Gateway // nil while it is down
	life    int
	file    int // counts backups that were put back
	crm     *crm
	help    *crm // where it talks to its customers; nil: in crm

	keys  *gateway.Keys // as they lie on disk
	next  *firsthand.Signer
	terms []firsthand.TermsRef // that it accepts

	skew    time.Duration
	parted  time.Time
	look    int
	asked   int
	backups []gatewaytest.Snapshot
}

func (r *run) newCompany(i int) *company {
	c := &company{r: r, name: fmt.Sprintf("company%d", i+1), domain: fmt.Sprintf("company%d.example", i+1), store: gatewaytest.NewMemory()}
	if r.plan.clocks {
		c.skew = r.between(-maxSkew, maxSkew)
	}
	system := func(name string) *crm {
		return newCRM(name, c.clock, func(format string, args ...any) { r.say(c.name+"'s "+name+": "+format, args...) })
	}
	if c.crm = system("CRM"); r.Seed%2 == 1 { // by no chance, which would make other runs of old seeds
		c.help = system("Helpdesk")
	}
	c.crm.person = r.chance(0.3)
	c.keys, c.next = r.newKeys()
	c.accept()
	c.start()
	return c
}

// newKeys returns the keys that a company begins with, and the one after.
func (r *run) newKeys() (*gateway.Keys, *firsthand.Signer) {
	now, next := r.newSigner(), r.newSigner()
	return &gateway.Keys{Signers: []*firsthand.Signer{now}, Chain: []firsthand.ChainKey{{Key: now.Public(), Next: next.Public().Hash()}}}, next
}

func (r *run) newSigner() *firsthand.Signer {
	s, err := firsthand.NewSigner(r.rng)
	if err != nil {
		panic(err) // math/rand doesn't fail
	}
	return s
}

// accept decides which terms the company accepts: most accept hers.
func (c *company) accept() {
	if c.r.chance(0.15) {
		return
	}
	if t, ok := terms.Default().Lookup("FIRSTHAND-SD-BASE"); ok {
		c.terms = []firsthand.TermsRef{t.Ref()}
	}
}

func (c *company) clock() time.Time { return c.r.now.Add(c.skew) }

func (c *company) address() string { return "https://" + c.domain + "/firsthand" }

func (r *run) companyOf(domain string) *company {
	for _, c := range r.companies {
		if c.domain == domain {
			return c
		}
	}
	return nil
}

func (r *run) companyAt(address string) *company {
	for _, c := range r.companies {
		if c.address() == address {
			return c
		}
	}
	return nil
}

// start begins a process on the store and the keys as they are.
func (c *company) start() {
	c.life++
	life := c.life
	c.disk = &gatewayDisk{disk: &disk{r: c.r, crash: func() { c.crashed(life) }}, Store: c.store,
		committed: func(commit gateway.Commit) { c.r.ledger.gatewayCommitted(c, commit) }}
	c.view = c.r.Bug.gatewayStore(c.r, c.disk)
	keys := *c.keys
	keys.Save = func(k *gateway.Keys) error { c.keys = k; return nil }
	o := gateway.Options{
		Company: firsthand.Company{Domain: c.domain, Name: c.name, Jurisdiction: "BE", Gateway: c.address(), Terms: c.terms},
		Keys:    &keys, Store: c.view, Connector: c.r.Bug.connector(c.r, c.crm), Poll: c.pollEvery(),
		Now: c.clock, Rand: c.r.rng, Log: c.r.logger(c.name)}
	if c.help != nil {
		o.Tickets = c.r.Bug.connector(c.r, c.help)
	}
	g, err := gateway.New(o)
	if err != nil {
		c.r.fail("%s: start: %v", c.name, err)
		return
	}
	c.gateway = g
	c.wake(c.r.between(0, time.Minute))
}

// systems are those of the company.
func (c *company) systems() []*crm {
	if c.help != nil {
		return []*crm{c.crm, c.help}
	}
	return []*crm{c.crm}
}

// A writeIn is an effect in one of them.
type writeIn struct {
	write
	in *crm
}

// writes are all effects on records and tickets, in the order in which each system
// had them.
func (c *company) writes() (all []writeIn) {
	for _, system := range c.systems() {
		for _, w := range system.writes {
			all = append(all, writeIn{w, system})
		}
	}
	return all
}

// talks returns the system in which it talks to its customers.
func (c *company) talks() *crm { return c.systems()[len(c.systems())-1] }

// pollEvery is how often the gateway asks the CRM for news; see device.pollEvery.
func (c *company) pollEvery() time.Duration {
	if c.r.healed {
		return 20 * time.Minute
	}
	return c.r.plan.active / 10
}

// stop ends the process, at no good moment.
func (c *company) stop() {
	c.disk.cut, c.gateway = true, nil
	c.life++
}

func (c *company) crashed(life int) {
	if life != c.life {
		return
	}
	c.stop()
	c.r.after(c.r.between(time.Second, 2*time.Hour), c.name+" starts again", func() {
		if c.gateway == nil {
			c.start()
		}
	})
}

// wake has the gateway do its background work, in a while.
func (c *company) wake(in time.Duration) {
	c.look++
	this := c.look
	c.r.after(in, c.name+" works", func() {
		if this == c.look && c.gateway != nil {
			c.work()
		}
	})
}

// work does what gateway.Run does: steps, until there is nothing more for now.
func (c *company) work() {
	g := c.gateway
	for range 100 {
		worked, next, err := g.Step(c.r.ctx)
		switch {
		case c.gateway != g:
			return // it crashed
		case err != nil:
			c.complain("step", err)
			c.wake(c.r.between(time.Second, time.Minute))
			return
		case !worked:
			wait := c.pollEvery()
			if !next.IsZero() {
				wait = min(wait, next.Sub(c.clock()))
			}
			c.wake(max(wait, time.Second))
			return
		}
	}
	c.r.fail("%s: a hundred steps, and still work", c.name)
}

// complain fails the run for an error that nothing injected explains.
func (c *company) complain(what string, err error) {
	c.r.say("%s: %s: %v", c.name, what, err)
	if fault.KindOf(err) == fault.Internal {
		c.r.fail("%s: %s: %v", c.name, what, err)
	}
}
