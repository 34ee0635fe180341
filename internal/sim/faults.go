package sim

import (
	"time"
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
	c := pick(r, r.companies)
	crm := c.crm
	if c.help != nil {
		crm = pick(r, c.systems())
	}
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
