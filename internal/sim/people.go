package sim

import (
	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/gateway"
)

// What follows takes a person, who sees that something is wrong and does what the
// program tells her.

// rotate is a customer who replaces a key for no reason but caution.
func (r *run) rotate() {
	d := pick(r, r.customers).devices[0]
	rel, ok := d.someRelationship()
	if !ok || d.agent == nil {
		return
	}
	d.rotateWith(rel, agent.Rotation{Kit: d.who.kit})
}

// rotateWith rotates with the kit in hand.
func (d *device) rotateWith(rel firsthand.ID, o agent.Rotation) bool {
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
	case o.Since == 0 && row.Restored && row.Frozen != "":
		d.reconcile(b.id)
		return
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

// staff is one act of people at a company, in their system or at the gateway.
func (r *run) staff() {
	c := pick(r, r.companies)
	switch n := r.rng.Intn(6); {
	case n == 0 && len(c.crm.tickets) > 0:
		for _, number := range sortedKeys(c.crm.tickets) {
			if r.chance(0.5) {
				must0(r, c.crm.reply(number, "Ann", c.words()))
				r.count("staff replied")
				return
			}
		}
	case n == 1 && len(c.crm.records) > 0:
		number := pick(r, sortedKeys(c.crm.records))
		must0(r, c.crm.edit(number, pick(r, facts), firsthand.Text(c.words())))
		r.count("staff edited a record")
	case n == 2:
		c.decideAll(0.5)
	case n == 3:
		c.operate()
	default:
		c.speak()
	}
	c.wake(0)
}

func (c *company) words() string {
	c.asked++
	return c.name + " " + string(rune('a'+c.asked%26))
}

// decideAll has a person decide on what was proposed, or on some of it.
func (c *company) decideAll(p float64) {
	for _, x := range c.crm.oldest() {
		if !c.r.chance(p) {
			continue
		}
		reason := ""
		if c.r.chance(0.3) || x.request.Proposal && x.request.Record.IsZero() {
			reason = "not hers"
		}
		must0(c.r, c.crm.decide(x.id, "", reason))
		c.r.count("staff decided")
	}
}

// speak says something at the gateway, in some relationship.
func (c *company) speak() {
	g := c.gateway
	rel, ok := c.someRelationship()
	if g == nil || !ok {
		return
	}
	var say firsthand.Content
	switch c.r.rng.Intn(8) {
	case 0, 1, 2:
		say = &firsthand.Ask{Fact: pick(c.r, facts), Purpose: purpose, Why: "to serve you"}
	case 3:
		say = &firsthand.Holds{Fact: pick(c.r, facts), Value: firsthand.Text(c.words()), Origin: firsthand.Bought}
	case 4, 5:
		say = &firsthand.Message{From: "Ann", Text: c.words()}
	case 6:
		say = &firsthand.Pause{Until: firsthand.DateOf(c.clock())}
	default:
		say = c.answer(rel)
	}
	if say == nil {
		return
	}
	err := g.Say(c.r.ctx, "ann", rel, say)
	switch {
	case c.gateway != g:
	case err == nil:
		c.r.count("company says " + string(say.Kind()))
	default:
		c.complain("say", err)
	}
}

// answer returns one to a request of hers that waits.
func (c *company) answer(rel firsthand.ID) firsthand.Content {
	s, err := firsthand.Load(c.r.ctx, c.store, rel)
	if err != nil {
		return nil
	}
	for _, q := range s.Requests {
		if q.Answer == nil {
			return &firsthand.Answer{Request: q.Entry, Outcome: pick(c.r, []string{"done", "refused"}), Text: c.words()}
		}
	}
	return nil
}

func (c *company) someRelationship() (firsthand.ID, bool) {
	var ids []firsthand.ID
	for row, err := range c.store.Relationships(c.r.ctx) {
		if err == nil {
			ids = append(ids, row.ID)
		}
	}
	if len(ids) == 0 {
		return firsthand.ID{}, false
	}
	return pick(c.r, ids), true
}

// operate deals with what waits for an operator.
func (c *company) operate() {
	g := c.gateway
	if g == nil {
		return
	}
	due, err := g.Due(c.r.ctx)
	if c.gateway != g {
		return
	}
	if err != nil {
		c.complain("due", err)
		return
	}
	for _, d := range due {
		if d.Frozen != "" || d.Status != gateway.Stopped && d.Status != gateway.Held {
			continue
		}
		c.r.say("%s: %s of %s is %s: %s", c.name, d.Task, d.Entry, d.Status, d.Why)
		switch {
		case d.Status == gateway.Stopped:
			err = g.Retry(c.r.ctx, "ann", d.Rel, d.Entry)
		case d.Task == gateway.Deliver || d.Task == gateway.Verify:
			err = g.Refuse(c.r.ctx, "ann", d.Rel, d.Entry, "we can't do this")
		default:
			err = g.Apply(c.r.ctx, "ann", d.Rel, d.Entry, "")
		}
		if c.gateway != g {
			return
		}
		if err != nil && fault.KindOf(err) != fault.NotExist {
			c.complain("operate", err)
		}
		c.r.count("operator acted")
	}
}

// rotate is a company that replaces its key.
func (c *company) rotate() {
	g := c.gateway
	if g == nil {
		return
	}
	after := c.r.newSigner()
	err := g.Rotate(c.r.ctx, c.next, after.Public().Hash())
	if err != nil {
		c.complain("rotate", err)
		return
	}
	c.next = after
	c.r.count("company rotated")
	c.wake(0)
}

func must0(r *run, err error) {
	if err != nil {
		r.fail("staff: %v", err)
	}
}
