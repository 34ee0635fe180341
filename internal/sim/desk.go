package sim

import (
	"strings"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/gateway"
)

// staff is one act of people at a company, in their system or at the gateway.
func (r *run) staff() {
	c := pick(r, r.companies)
	switch n := r.rng.Intn(6); {
	case n == 0 && len(c.talks().tickets) > 0:
		for _, number := range sortedKeys(c.talks().tickets) {
			if r.chance(0.5) {
				must0(r, c.talks().reply(number, "Ann", c.words()))
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
func (c *company) decideAll(p float64) (decided int) {
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
		decided++
	}
	return decided
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
		stolen := strings.Contains(d.Why, "by a thief")
		switch {
		case d.Status == gateway.Stopped:
			err = g.Retry(c.r.ctx, "ann", d.Rel, d.Entry)
		case d.Task == gateway.Deliver && !stolen || d.Task == gateway.Verify:
			err = g.Refuse(c.r.ctx, "ann", d.Rel, d.Entry, "we can't do this")
		default:
			switch d.Task {
			case gateway.Redact, gateway.Deliver:
				c.removeByHand(d.Entry)
			case gateway.Merge:
				delete(c.crm.records, d.Ref.ID) // all that counts is in hers
			}
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

// removeByHand is a person who looks for what has ended, and takes it out of the
// records.
func (c *company) removeByHand(begun firsthand.ID) {
	for _, k := range c.r.ledger.all {
		fact, value, of := k.gives()
		if k.ID != begun && of != begun || fact == "" {
			continue
		}
		for _, number := range sortedKeys(c.crm.records) {
			if r := c.crm.records[number]; r.facts[fact].Equal(value) {
				r.set(fact, firsthand.Value{})
				c.crm.writes = append(c.crm.writes, write{record: number, fact: fact})
			}
		}
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
