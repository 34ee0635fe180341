package sim

import (
	"firsthand"
	"firsthand/internal/agent"
	"firsthand/wire"
)

// accepted holds that the other side takes one entry for each place: honest
// parties never fork.
func (l *ledger) accepted(r *run, k *kept) {
	at := place{k.Relationship(), k.Side, k.Seq}
	other, taken := l.places[at]
	l.places[at] = k.ID
	if !taken || other == k.ID || k.bond == nil {
		return
	}
	// A second file of hers, or a thief, can tell a restored company that it has
	// everything when it hasn't.
	two := k.bond.copied || k.bond.stolen
	if l.entries[other].gone != "" || two || k.Side == firsthand.Second && k.bond.rewound {
		return
	}
	r.fail("%s of %s forked its log at %d", k.Side, k.bond.company.name, k.Seq)
}

// hash holds that no hash of a next key is used twice: it would link two of her
// relationships.
func (l *ledger) hash(r *run, k *kept) {
	c, err := firsthand.DecodeBody(k.Body)
	if err != nil {
		return
	}
	var next firsthand.KeyHash
	switch c := c.(type) {
	case *firsthand.Open:
		next = c.Next
	case *firsthand.Rotate:
		next = c.Next
	default:
		return
	}
	rel, used := l.hashes[next]
	if used && rel != k.Relationship() && (k.bond == nil || !k.bond.device.who.copied()) {
		r.fail("the hash of a next key stands in two relationships")
	}
	l.hashes[next] = k.Relationship()
}

// copied reports whether a file of hers was ever copied past the check: then both
// have the same book.
func (c *customer) copied() bool { return len(c.devices) > 1 }

// did notes what an act returned. Before it, so many drafts were committed.
func (l *ledger) did(d *device, drafts int, acts ...agent.Act) {
	for _, act := range acts {
		if act.Draft {
			drafts++
			d.r.count("act: draft")
		}
		if act.Entry.IsZero() {
			continue
		}
		k := l.entries[act.Entry]
		if k == nil {
			d.r.fail("%s: an act returned an entry that nobody has committed", d.name)
			return
		}
		k.acted = true
		d.r.count("act: entry")
	}
	if l.drafts < drafts {
		d.r.fail("%s: an act returned a draft that nobody has committed", d.name)
	}
}

// acknowledged notes what the receipt of an answer covers, which the agent has
// accepted.
func (l *ledger) acknowledged(d *device, rel firsthand.ID, resp wire.Response) {
	row, err := d.store.Relationship(d.r.ctx, rel)
	if err != nil || row.Received != resp.First {
		return // forgotten, or behind
	}
	for i := len(l.all) - 1; i >= 0; i-- {
		if k := l.all[i]; k.Side == firsthand.First && k.Relationship() == rel && k.Seq <= resp.First.Seq && k.gone == "" {
			k.signed = true
		}
	}
}
