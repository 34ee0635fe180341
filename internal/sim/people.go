package sim

import (
	"firsthand"
	"firsthand/internal/agent"
)

// What follows takes a person, who sees that something is wrong and does what the
// program tells her.

// rotate is a customer who replaces a key for no reason but caution.
func (r *run) rotate() {
	d := pick(r, r.customers).devices[0]
	rel, ok := d.someRelationship()
	if !ok {
		return
	}
	d.rotateWith(rel, agent.Rotation{Kit: d.who.kit})
}

// rotateWith rotates with the kit in hand, unless her agent has just crashed.
func (d *device) rotateWith(rel firsthand.ID, o agent.Rotation) bool {
	if d.agent == nil {
		return false
	}
	life, drafts := d.life, d.r.ledger.drafts
	did, err := d.agent.Rotate(d.r.ctx, rel, o)
	if life != d.life {
		return false
	}
	defer d.wake(0)
	if err != nil {
		d.complain("rotate", err)
		return false
	}
	d.r.ledger.did(d, drafts, did)
	d.r.count("rotated by the customer")
	return true
}

// mend has every customer do what her agent asks of her, or what she knows she has
// to do.
func (r *run) mend() {
	for _, b := range r.ledger.order {
		for _, d := range b.device.who.devices {
			if !d.retired && d.agent != nil && !b.orphan {
				d.mend(b)
			}
		}
	}
}

func (d *device) mend(b *bond) {
	row, err := d.store.Relationship(d.r.ctx, b.id)
	if err != nil {
		return
	}
	if row.Frozen != "" {
		d.r.frozen(b, d, &row)
	}
	switch {
	case b.stolen && (row.Frozen != "" || b.heard && !b.safe):
		b.safe = false // if she had rotated before, he was quicker
		d.takeBack(b, &row)
	case row.Frozen == "elsewhere", row.Failure == "call-signature" && (row.Restored || b.copied):
		// A copy is gone that wrote, or one has rotated, or the file is older.
		if d.rotateWith(b.id, agent.Rotation{Kit: d.who.kit}) {
			d.r.count("rotated because of an old file")
		}
	case row.Frozen != "":
		d.reconcile(b.id)
	}
}

// takeBack takes a relationship back from a thief. She knows which entries are
// his: her own she remembers.
func (d *device) takeBack(b *bond, row *agent.Relationship) {
	o := agent.Rotation{Kit: d.who.kit, Stolen: true, Since: d.r.ledger.firstOfThief(d.r, b)}
	switch {
	case d.r.Bug == ThiefAdopted:
		d.reconcile(b.id)
		o = agent.Rotation{Kit: d.who.kit}
	case o.Since > 0 && !row.Restored && !d.has(b.id, o.Since):
		o.Since = 0 // all that her file doesn't know is his
	case o.Since == 0 && row.Restored && row.Frozen != "" && row.Failure != "call-signature":
		d.reconcile(b.id)
		return
	case o.Since == 0 && row.Restored:
		o.Stolen = false // he has written nothing; what her file lacks is hers
	}
	if d.rotateWith(b.id, o) {
		b.safe = true
		d.r.count("taken back from a thief")
	}
}

// firstOfThief returns the seq of his first entry that the company has, 0 if there
// is none.
func (l *ledger) firstOfThief(r *run, b *bond) int64 {
	for _, e := range r.log(b.company.store, b.id, firsthand.First) {
		if k := l.entries[e.ID]; k != nil && k.thief {
			return e.Seq
		}
	}
	return 0
}

// has reports whether the file has an entry at seq of her log that is not hers.
func (d *device) has(rel firsthand.ID, seq int64) bool {
	log := d.r.log(d.store, rel, firsthand.First)
	return int64(len(log)) >= seq && d.r.ledger.entries[log[seq-1].ID].thief
}

func (d *device) reconcile(rel firsthand.ID) {
	life, drafts := d.life, d.r.ledger.drafts
	did, err := d.agent.Reconcile(d.r.ctx, rel)
	switch {
	case life != d.life:
		return // it crashed
	case err == nil:
		d.r.ledger.did(d, drafts, did)
		d.r.count("reconciled")
		d.wake(0)
	default:
		d.complain("reconcile", err)
	}
}

// frozen holds that a relationship is frozen for a reason.
func (r *run) frozen(b *bond, d *device, row *agent.Relationship) {
	r.count("frozen: " + row.Frozen)
	if !b.copied && !b.stolen && !b.rewound {
		r.fail("%s: the relationship with %s is frozen (%s), and nothing has forked it", d.name, b.company.name, row.Frozen)
	}
}
