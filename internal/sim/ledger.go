package sim

import (
	"firsthand"
	"firsthand/internal/agent"
	"firsthand/internal/gateway"
	"slices"
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
}

// A kept entry is one that some party had on stable storage, or said it had.
type kept struct {
	firsthand.Entry
	bond   *bond
	thief  bool
	acted  bool   // an act of hers returned it
	taken  bool   // hers: the company had it on stable storage
	signed bool   // a receipt covers it
	gone   string // why it need not be anywhere any more, "" if it must be
}

// gives returns the fact and the value that an entry of hers gives, and the entry
// whose holding it changes, if it changes one.
func (k *kept) gives() (fact string, v firsthand.Value, of firsthand.ID) {
	switch c, _ := firsthand.DecodeBody(k.Body); c := c.(type) {
	case *firsthand.Disclose:
		return c.Fact, c.Value, of
	case *firsthand.Change:
		return c.Fact, c.Value, c.Of
	}
	return "", v, of
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
	for _, row := range slices.Concat(c.Relationships, c.Outbox) {
		if k := l.entries[row.Received.ID]; row.Received.Seq > 0 && (k == nil || !k.taken) {
			r.fail("%s: entry %d counts as received, and the company never had it", d.name, row.Received.Seq)
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
		if b := l.rels[id]; b.device == d { // and not a copy, which has less to wait for
			b.forgotten = true
			r.count("relationship forgotten")
		}
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
			k.taken = true
			l.accepted(c.r, k)
		}
	}
	for _, ev := range commit.Evidence {
		if k := l.entries[ev.Entry.ID]; k != nil && len(commit.Replace) > 0 {
			k.gone = "lost in a fork"
		}
	}
}
