package sim

import (
	"slices"

	"firsthand"
	"firsthand/internal/agent"
	"firsthand/internal/agent/agenttest"
)

// putBack puts back a backup: the machine is a new one, and what the old one had
// under way is gone.
func (d *device) putBack() {
	if len(d.backups) == 0 {
		return
	}
	r, l := d.r, d.r.ledger
	before := l.has(r, d.store)
	d.stop()
	d.file++
	// Later backups are of a life that has not been.
	n := r.rng.Intn(len(d.backups))
	d.restore(d.backups[n])
	d.backups = d.backups[:n+1]
	after := l.has(r, d.store)
	gone := l.lost(before, after, func(k *kept) bool { return r.companyHas(k) })
	for _, b := range l.order {
		if b.device.who == d.who && before[b.id] && !after[b.id] {
			b.orphan = true
		}
		if b.device.who == d.who {
			b.safe = false // the rotation may be lost with the file: she looks again
		}
		if after[b.id] {
			b.forgotten = false // it is in the backup, and she is asked anew
		}
	}
	r.say("%s has an old file: %d entries are nowhere", d.name, gone)
	r.count("agent restored")
	d.start()
	if r.chance(0.5) {
		d.refill() // she opens the kit
	}
}

// restore puts a backup into the store, which notices.
func (d *device) restore(backup *agenttest.Snapshot) {
	d.store.Restore(backup)
	if d.r.Bug != BookKept {
		return
	}
	rows, _ := d.store.Relationships(d.r.ctx) // what is in memory can be read
	d.store.PutBack(backup)
	if err := d.store.Commit(d.r.ctx, agent.Commit{Relationships: rows}); err != nil {
		d.r.fail("%s: restore: %v", d.name, err)
	}
}

// companyHas reports whether the company of k's relationship has k.
func (r *run) companyHas(k *kept) bool {
	return k.bond.company != nil && has(r.log(k.bond.company.store, k.bond.id, k.Side), k.ID)
}

// agentHas reports whether a device of the customer has k.
func (r *run) agentHas(k *kept) bool {
	for _, d := range k.bond.device.who.devices {
		if !d.retired && has(r.log(d.store, k.bond.id, k.Side), k.ID) {
			return true
		}
	}
	return false
}

func has(log []firsthand.Entry, id firsthand.ID) bool {
	return slices.ContainsFunc(log, func(e firsthand.Entry) bool { return e.ID == id })
}

// putBack puts back a gateway's backup. The keys and the company's system are
// elsewhere and stay as they are.
func (c *company) putBack(noticed bool) {
	if len(c.backups) == 0 {
		return
	}
	r, l := c.r, c.r.ledger
	before := l.has(r, c.store)
	c.stop()
	c.file++
	n := r.rng.Intn(len(c.backups))
	backup := c.backups[n]
	c.backups = c.backups[:n+1]
	if noticed {
		c.store.Restore(backup, c.clock())
	} else {
		c.store.PutBack(backup)
		for _, b := range l.order {
			b.rewound = b.rewound || b.company == c
		}
	}
	gone := l.lost(before, l.has(r, c.store), func(k *kept) bool { return r.agentHas(k) })
	r.say("%s has an old file: %d entries are nowhere", c.name, gone)
	r.count("gateway restored")
	c.start()
}

// copyFile starts a second agent on a copy of the file, with nothing to tell that
// it is one. It is used for a while, reconciled, and thrown away.
func (c *customer) copyFile() {
	d := c.devices[0]
	if len(c.devices) > 1 || d.agent == nil {
		return
	}
	r := d.r
	store := agenttest.NewMemory()
	store.PutBack(d.store.Snapshot())
	for _, b := range r.ledger.order {
		b.copied = b.copied || b.device.who == c
	}
	other := r.newDevice(c, c.name+"'s copy", store)
	r.count("file copied")
	for range 3 {
		r.after(r.between(0, r.plan.active/4), other.name+" is used", func() {
			if rel, ok := other.someRelationship(); ok && other.agent != nil {
				other.try(acts[r.rng.Intn(3)], rel)
			}
		})
	}
	r.after(r.plan.active/2, other.name+" is thrown away", other.retire)
}

// retire ends a device for good. What it alone has is gone.
func (d *device) retire() {
	if d.retired {
		return
	}
	before := d.r.ledger.has(d.r, d.store)
	d.stop()
	d.retired = true
	d.r.ledger.lost(before, nil, func(k *kept) bool { return d.r.companyHas(k) || d.r.agentHas(k) })
}

// lost goes through what a party had before a backup was put back and has no
// more, and excuses what nobody else has either.
func (l *ledger) lost(before, after map[firsthand.ID]bool, elsewhere func(*kept) bool) (n int) {
	for _, k := range l.all {
		if before[k.ID] && !after[k.ID] && !elsewhere(k) {
			k.gone = "in no backup"
			n++
		}
	}
	return n
}

// has returns the IDs of all entries that a store has, of all relationships.
func (l *ledger) has(r *run, store firsthand.Log) map[firsthand.ID]bool {
	found := make(map[firsthand.ID]bool)
	for _, b := range l.order {
		for _, side := range []firsthand.Side{firsthand.First, firsthand.Second} {
			for _, e := range r.log(store, b.id, side) {
				found[e.ID] = true
			}
		}
	}
	return found
}

// log reads one log of a store.
func (r *run) log(store firsthand.Log, rel firsthand.ID, side firsthand.Side) []firsthand.Entry {
	entries, err := firsthand.Collect(store.Entries(r.ctx, rel, side, 0))
	if err != nil {
		r.fail("read %s: %v", rel, err)
	}
	return slices.Clip(entries)
}
