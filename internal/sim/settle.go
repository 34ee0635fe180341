package sim

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"firsthand"
	"firsthand/internal/gateway"
)

// Times of the end of a run. The longest pause of an agent's outbox is 22 minutes and a half;
// after two of these everything has to be settled, but for what takes people, who
// look at things once in a round, and may have to do so of several things in turn.
const (
	round      = 20 * time.Minute
	mustSettle = 45*time.Minute + 6*round
)

// Run runs one seed.
func Run(o Options) Result { return newRun(o).run() }

func (r *run) run() Result {
	for i := range r.plan.companies {
		r.companies = append(r.companies, r.newCompany(i))
	}
	for i := range r.plan.customers {
		r.customers = append(r.customers, r.newCustomer(i))
	}
	for _, c := range r.companies {
		for i, who := range r.customers {
			if r.chance(0.5) { // a customer before she had an agent
				number := fmt.Sprintf("C-%d", i+1)
				who.numbers[c.name] = number
				c.crm.add(number, who.name+"@example.org", map[string]firsthand.Value{"phone": firsthand.Text("old")})
			}
		}
	}
	r.schedule(r.plan.acts, "a customer acts", r.act)
	r.schedule(r.plan.staffActs, "staff acts", r.staff)
	r.schedule(6, "people look", r.mend)
	r.misfortunes()
	r.until(begun.Add(r.plan.active))
	r.heal()
	r.settle()
	return r.result()
}

// heal ends all misfortune.
func (r *run) heal() {
	if r.err != nil {
		return
	}
	r.say("healed")
	r.healed = true
	for _, c := range r.companies {
		for _, system := range c.systems() {
			system.down, system.lose = false, 0
		}
		c.parted = time.Time{}
		if r.plan.strict {
			c.skew = 0
		}
		c.stop() // also to ask for news as often as a real one does
		c.start()
	}
	for _, c := range r.customers {
		for i, d := range c.devices {
			d.parted = time.Time{}
			if r.plan.strict {
				d.skew = 0
			}
			if i > 0 {
				d.retire()
				continue
			}
			d.stop()
			d.start()
		}
	}
	for _, b := range r.ledger.order {
		b.heard = b.heard || b.stolen
	}
}

// settle holds that everything converges soon after it was healed.
func (r *run) settle() {
	deadline := r.now.Add(mustSettle)
	for r.err == nil {
		r.until(r.now.Add(round))
		r.mend()
		why := r.unsettled()
		for _, c := range r.companies {
			if decided := c.decideAll(1); decided > 0 {
				why = cmp.Or(why, "people have decided, and the gateway has not heard of it")
			}
			c.operate()
			c.wake(0)
		}
		if why == "" || r.err != nil {
			break
		}
		r.say("not settled: %s", why)
		if !r.now.Before(deadline) {
			r.fail("%v after everything was healed: %s", mustSettle, why)
		}
	}
	if r.err == nil {
		r.inTheEnd()
	}
}

// unsettled says what is still to be done, "" if nothing is.
func (r *run) unsettled() string {
	for _, b := range r.ledger.order {
		if b.company == nil || b.forgotten || b.orphan {
			continue
		}
		if why := r.unsettledBond(b); why != "" {
			return fmt.Sprintf("%s and %s: %s", b.device.name, b.company.name, why)
		}
	}
	return ""
}

func (r *run) unsettledBond(b *bond) string {
	d, c := b.device, b.company
	hers, err := d.store.Relationship(r.ctx, b.id)
	if err != nil {
		return "she doesn't know the relationship"
	}
	theirs, err := c.store.Relationship(r.ctx, b.id)
	if err != nil {
		return "the company doesn't know the relationship"
	}
	switch {
	case hers.Restored || theirs.Restored:
		return fmt.Sprintf("restored: %t and %t", hers.Restored, theirs.Restored)
	case hers.Frozen != "" || theirs.Frozen != "":
		return fmt.Sprintf("frozen: %q and %q", hers.Frozen, theirs.Frozen)
	case b.stolen && !b.safe:
		return "a thief has the key"
	}
	for _, side := range []firsthand.Side{firsthand.First, firsthand.Second} {
		x, y := r.head(d.store, b.id, side), r.head(c.store, b.id, side)
		if x != y {
			return fmt.Sprintf("heads of %s: %d and %d", side, x.Seq, y.Seq)
		}
		if side == firsthand.First && hers.Received != x {
			return fmt.Sprintf("received up to %d of %d", hers.Received.Seq, x.Seq)
		}
	}
	return r.waiting(b)
}

func (r *run) head(store firsthand.Log, rel firsthand.ID, side firsthand.Side) firsthand.Head {
	h, err := store.Head(r.ctx, rel, side)
	if err != nil {
		r.fail("head: %v", err)
	}
	return h
}

// waiting says what either side has still to do by itself.
func (r *run) waiting(b *bond) string {
	if drafts, _ := b.device.store.Drafts(r.ctx, b.id); len(drafts) > 0 {
		return fmt.Sprintf("%d drafts of hers", len(drafts))
	}
	s, err := firsthand.Load(r.ctx, b.company.store, b.id)
	if err != nil {
		return err.Error()
	}
	drafts, _ := b.company.store.Drafts(r.ctx, b.id)
	drafts = slices.DeleteFunc(drafts, func(d gateway.Draft) bool {
		k := r.ledger.entries[d.Of] // about an entry that is nowhere: it may come back
		return k != nil && k.gone != ""
	})
	if len(drafts) > 0 && !s.At(b.company.clock()).Paused {
		return fmt.Sprintf("%d drafts of the company's", len(drafts))
	}
	all, _ := b.company.store.Deliveries(r.ctx, b.id)
	i := slices.IndexFunc(all, func(d gateway.Delivery) bool {
		return slices.Contains([]gateway.Status{gateway.Waiting, gateway.Checking, gateway.Stopped, gateway.Held, gateway.Proposed}, d.Status)
	})
	if i >= 0 {
		return fmt.Sprintf("%s of entry %d (%.6s) is %s: %s", all[i].Task, all[i].Seq, all[i].Entry, all[i].Status, all[i].Why)
	}
	return ""
}
