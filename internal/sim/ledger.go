package sim

import (
	"slices"

	"firsthand"
	"firsthand/internal/agent"
	"firsthand/internal/gateway"
	"firsthand/wire"
)

// A ledger remembers what the parties have promised, so that the run can hold
// them to it. It learns it from outside: from what acts and calls returned, and
// from what was committed.
type ledger struct {
	rels    map[firsthand.ID]*bond
	order   []*bond // as they were opened
	entries map[firsthand.ID]*kept
	all     []*kept // as they came
	places  map[place]firsthand.ID
	drafts  int                                // committed so far
	hashes  map[firsthand.KeyHash]firsthand.ID // of next keys, and the relationship that names each
}

// A bond is one relationship, as the run knows it.
type bond struct {
	id      firsthand.ID
	device  *device // that opened it, or its owner's first one after a copy
	company *company

	forgotten bool // ended nameless: the agent has nothing of it any more
	orphan    bool // she met them after the backup that was put back: she knows of nothing
	copied    bool // a copy of her file was used
	stolen    bool // a thief has a key of it
	heard     bool // and she knows
	safe      bool // and has rotated since
	rewound   bool // a gateway's backup was put back unnoticed
	stuck     bool // rewound past an erasure: only a person with a newer backup can help
}

// A kept entry is one that some party had on stable storage, or said it had.
type kept struct {
	firsthand.Entry
	bond   *bond
	thief  bool
	acted  bool   // an act of hers returned it
	signed bool   // a receipt covers it
	gone   string // why it need not be anywhere any more, "" if it must be
}

type place struct {
	rel  firsthand.ID
	side firsthand.Side
	seq  int64
}

func newLedger() *ledger {
	return &ledger{rels: make(map[firsthand.ID]*bond), entries: make(map[firsthand.ID]*kept),
		places: make(map[place]firsthand.ID), hashes: make(map[firsthand.KeyHash]firsthand.ID)}
}

// keep notes that an entry is on stable storage somewhere.
func (l *ledger) keep(e firsthand.Entry) *kept {
	k := l.entries[e.ID]
	if k == nil {
		k = &kept{Entry: e, bond: l.rels[e.Relationship()]}
		l.entries[e.ID] = k
		l.all = append(l.all, k)
	}
	return k
}

// agentCommitted is told of each commit of an agent.
func (l *ledger) agentCommitted(d *device, c agent.Commit) {
	r := d.r
	for _, row := range c.Relationships {
		if l.rels[row.ID] == nil {
			b := &bond{id: row.ID, device: d, company: r.companyAt(row.Gateway)}
			l.rels[row.ID] = b
			l.order = append(l.order, b)
			r.count("relationship opened")
		}
	}
	for _, p := range c.Replace {
		if b := l.rels[p.Rel]; !b.copied && !b.stolen {
			r.fail("%s: entries of hers from %d on were replaced, and nobody else had her file", d.name, p.Seq)
		}
		r.count("her branch was lost")
	}
	for _, e := range c.Entries {
		k := l.keep(e)
		if e.Side == firsthand.Second {
			l.accepted(r, k)
		} else {
			l.hash(r, k)
		}
	}
	for _, ev := range c.Evidence {
		if k := l.entries[ev.Entry.ID]; k != nil && len(c.Replace) > 0 {
			k.gone = "lost in a fork"
		}
	}
	for _, id := range c.Forget {
		l.rels[id].forgotten = true
		r.count("relationship forgotten")
	}
	l.drafts += len(c.AddDrafts)
	if len(c.DropDrafts) > 0 {
		r.count("draft promoted")
	}
}

// gatewayCommitted is told of each commit of a gateway.
func (l *ledger) gatewayCommitted(c *company, commit gateway.Commit) {
	for _, p := range commit.Replace {
		if b := l.rels[p.Rel]; !b.rewound && !b.copied && !b.stolen {
			c.r.fail("%s: its entries from %d on were replaced, though its backups were noticed", c.name, p.Seq)
		}
		c.r.count("company's branch was lost")
	}
	for _, e := range commit.Entries {
		k := l.keep(e)
		if e.Side == firsthand.First {
			l.accepted(c.r, k)
		}
	}
	for _, ev := range commit.Evidence {
		if k := l.entries[ev.Entry.ID]; k != nil && len(commit.Replace) > 0 {
			k.gone = "lost in a fork"
		}
	}
}

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
