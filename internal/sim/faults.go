package sim

import (
	"slices"
	"time"

	"firsthand"
	"firsthand/internal/agent"
	"firsthand/internal/agent/agenttest"
)

// misfortunes schedules what goes wrong.
func (r *run) misfortunes() {
	p := &r.plan
	r.schedule(p.partitions, "a partition", r.partition)
	r.schedule(p.crashes, "a fuse burns", r.lightFuse)
	r.schedule(p.outages, "a system fails", r.failSystem)
	if p.clocks {
		r.schedule(3, "a clock is set", r.setClock)
	}
	r.schedule(p.backups+p.backups, "an agent's backup is made", func() {
		d := pick(r, r.customers).devices[0]
		d.backups = append(d.backups, d.store.Snapshot())
	})
	r.schedule(2*(p.gatewayBackups+p.unnoticedBackups), "a gateway's backup is made", func() {
		c := pick(r, r.companies)
		c.backups = append(c.backups, c.store.Snapshot())
	})
	r.schedule(p.backups, "an agent's backup is put back", func() { pick(r, r.customers).devices[0].putBack() })
	r.schedule(p.gatewayBackups, "a gateway's backup is put back", func() { pick(r, r.companies).putBack(true) })
	r.schedule(p.unnoticedBackups, "a gateway's backup is put back unnoticed", func() { pick(r, r.companies).putBack(false) })
	r.schedule(p.copies, "a file is copied", func() { pick(r, r.customers).copyFile() })
	r.schedule(p.thefts, "a key is stolen", r.steal)
	r.schedule(p.rotations, "a customer rotates", r.rotate)
	r.schedule(p.companyRotations, "a company rotates", func() { pick(r, r.companies).rotate() })
}

// partition cuts somebody off for up to seven days.
func (r *run) partition() {
	end := r.now.Add(r.between(time.Hour, min(7*24*time.Hour, r.plan.active)))
	if r.chance(0.5) {
		pick(r, r.customers).devices[0].parted = end
	} else {
		pick(r, r.companies).parted = end
	}
	r.count("partition")
}

// lightFuse has a process crash in one of its next operations.
func (r *run) lightFuse() {
	disk := pick(r, r.companies).disk.disk
	if r.chance(0.6) {
		disk = pick(r, r.customers).devices[0].disk.disk
	}
	disk.fuse, disk.late = 1+r.rng.Intn(12), r.chance(0.5)
}

func (r *run) failSystem() {
	crm := pick(r, r.companies).crm
	if r.chance(0.4) {
		crm.lose += 1 + r.rng.Intn(2)
		r.count("system's answer lost")
		return
	}
	crm.down = true
	r.count("system down")
	r.after(r.between(time.Minute, r.plan.active/4), "a system is back", func() { crm.down = false })
}

// setClock sets the clock of a machine to something else.
func (r *run) setClock() {
	skew := r.between(-maxSkew, maxSkew)
	if r.chance(0.5) {
		pick(r, r.customers).devices[0].skew = skew
	} else {
		pick(r, r.companies).skew = skew
	}
	r.count("clock set")
}

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
