package sim

import (
	"fmt"
	"regexp"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
)

// facts are what customers tell.
var facts = []string{"address.home", "email", "phone", "name"}

// purpose is one that the default terms cover.
const purpose = "7012:ServiceDelivery"

// An act is something that a customer does on a device, in a relationship.
type act struct {
	name   string
	weight int
	do     func(d *device, rel firsthand.ID) ([]agent.Act, error)
}

var acts = []act{
	{"discloses", 6, (*device).disclose},
	{"changes a fact", 6, (*device).change},
	{"says something", 4, (*device).message},
	{"offers terms", 3, (*device).offer},
	{"withdraws a fact", 2, (*device).withdraw},
	{"claims a right", 2, (*device).request},
	{"claims a record", 2, (*device).claim},
	{"proves a claim", 3, (*device).prove},
	{"answers an ask", 3, (*device).answerAsk},
	{"pauses", 1, (*device).pause},
	{"ends terms", 1, (*device).endTerms},
	{"leaves", 1, (*device).leave},
}

// act is one act of a customer: to meet a company, or to say something to one
// that she has met.
func (r *run) act() {
	d := pick(r, r.customers).devices[0]
	if d.agent == nil {
		return
	}
	rel, ok := d.someRelationship()
	if !ok || r.chance(0.1) {
		d.meet()
		return
	}
	total := 0
	for _, a := range acts {
		total += a.weight
	}
	n := r.rng.Intn(total)
	for _, a := range acts {
		if n -= a.weight; n < 0 {
			d.try(a, rel)
			return
		}
	}
}

// try does one act, and holds it to what it returns.
func (d *device) try(a act, rel firsthand.ID) {
	life, drafts := d.life, d.r.ledger.drafts
	did, err := a.do(d, rel)
	if err == nil {
		d.r.say("%s %s: %d entries or drafts", d.name, a.name, len(did))
		d.r.ledger.did(d, drafts, did...)
		d.r.count(a.name)
	} else if life == d.life {
		d.complain(a.name, err)
		if fault.KindOf(err) == fault.NotExist && fault.HintOf(err) == "" {
			d.r.fail("%s %s: %v", d.name, a.name, err)
		}
	}
	if life == d.life {
		d.wake(0)
	}
}

// someRelationship returns one of those that the device has.
func (d *device) someRelationship() (firsthand.ID, bool) {
	rows, err := d.store.Relationships(d.r.ctx)
	if err != nil || len(rows) == 0 {
		return firsthand.ID{}, false
	}
	return pick(d.r, rows).ID, true
}

func (d *device) meet() {
	if n, err := d.store.Labels(d.r.ctx); err == nil && n == 0 {
		d.refill() // she opens the kit
	}
	life := d.life
	c := pick(d.r, d.r.companies)
	row, err := d.agent.Meet(d.r.ctx, c.domain, agent.MeetOptions{Again: d.r.chance(0.3), Kept: d.r.chance(0.5)})
	switch {
	case err == nil:
		d.r.say("%s meets %s", d.name, c.name)
		d.r.ledger.did(d, 0, agent.Act{Entry: row.ID})
	case life == d.life && !isFault(err):
		d.complain("meet", err)
	}
	if life == d.life {
		d.wake(0)
	}
}

// value returns one that was never told before.
func (d *device) value() firsthand.Value {
	d.who.number++
	return firsthand.Text(fmt.Sprintf("%s %d", d.who.name, d.who.number))
}

// one makes a list of what most acts return.
func one(a agent.Act, err error) ([]agent.Act, error) { return []agent.Act{a}, err }

func (d *device) disclose(rel firsthand.ID) ([]agent.Act, error) {
	t := agent.Telling{Fact: pick(d.r, facts), Value: d.value(), Purpose: purpose}
	if d.r.chance(0.4) {
		t.Basis = firsthand.Basis{Exception: "just this once"}
	}
	if d.r.chance(0.15) {
		t.Until = firsthand.DateOf(d.clock().Add(d.r.between(0, 72*time.Hour)))
	}
	return one(d.agent.Disclose(d.r.ctx, rel, t))
}

// change is one move, to all that hold the fact, and sometimes to one that she
// says has it from before.
func (d *device) change(rel firsthand.ID) ([]agent.Act, error) {
	m := agent.Move{Facts: []agent.NewFact{{Fact: pick(d.r, facts), Value: d.value()}}, Basis: firsthand.Basis{Right: "GDPR 16"}}
	if d.r.chance(0.3) {
		m.Before = []string{rel.String()}
	}
	id, err := d.agent.Begin(d.r.ctx, m, "")
	if err != nil {
		return nil, err
	}
	board, err := d.agent.Board(d.r.ctx, id)
	var did []agent.Act
	for _, l := range board.Legs {
		if l.Group != agent.LeftOut {
			did = append(did, agent.Act{Entry: l.Entry, Draft: l.Entry.IsZero()})
		}
	}
	return did, err
}

func (d *device) message(rel firsthand.ID) ([]agent.Act, error) {
	thread := firsthand.ID{}
	if s, err := firsthand.Load(d.r.ctx, d.store, rel); err == nil && len(s.Messages) > 0 && d.r.chance(0.5) {
		thread = s.Messages[0].Entry
	}
	return one(d.agent.Message(d.r.ctx, rel, thread, d.value().Text))
}

func (d *device) offer(rel firsthand.ID) ([]agent.Act, error) {
	return one(d.agent.Offer(d.r.ctx, rel))
}

func (d *device) withdraw(rel firsthand.ID) ([]agent.Act, error) {
	return d.agent.Withdraw(d.r.ctx, rel, pick(d.r, facts))
}

func (d *device) request(rel firsthand.ID) ([]agent.Act, error) {
	right := pick(d.r, []string{"access", "correct", "erase", "port", "object"})
	return one(d.agent.Request(d.r.ctx, rel, firsthand.Request{Right: right, Law: "GDPR"}))
}

// claim names a record that the company has, sometimes hers: see newRun.
func (d *device) claim(rel firsthand.ID) ([]agent.Act, error) {
	number := d.who.numbers[d.r.ledger.rels[rel].company.name]
	if number == "" || d.r.chance(0.1) {
		number = "C-999"
	}
	return one(d.agent.Claim(d.r.ctx, rel, number))
}

var code = regexp.MustCompile(`The code is ([0-9A-Z-]+)\.`)

// prove types the code of the last message that came to her, or a wrong one.
func (d *device) prove(rel firsthand.ID) ([]agent.Act, error) {
	c := d.r.ledger.rels[rel].company
	typed := "0000-0000"
	for _, n := range c.crm.sent {
		if found := code.FindStringSubmatch(n.text); found != nil && n.record == d.who.numbers[c.name] && !d.r.chance(0.1) {
			typed = found[1]
		}
	}
	return one(d.agent.Prove(d.r.ctx, rel, typed))
}

// answerAsk tells what was asked, or declines.
func (d *device) answerAsk(rel firsthand.ID) ([]agent.Act, error) {
	s, err := firsthand.Load(d.r.ctx, d.store, rel)
	if err != nil {
		return nil, err
	}
	asks := s.At(d.clock()).Asks
	if len(asks) == 0 {
		return nil, nil
	}
	if ask := asks[0]; d.r.chance(0.5) {
		return one(d.agent.Disclose(d.r.ctx, rel, agent.Telling{Fact: ask.Say.Fact, Value: d.value(), Ask: ask.Entry,
			Basis: firsthand.Basis{Exception: "they asked"}}))
	}
	return one(d.agent.Decline(d.r.ctx, rel, asks[0].Entry, "not now"))
}

func (d *device) pause(rel firsthand.ID) ([]agent.Act, error) {
	return one(d.agent.Pause(d.r.ctx, rel, firsthand.DateOf(d.clock().Add(d.r.between(0, 48*time.Hour)))))
}

func (d *device) endTerms(rel firsthand.ID) ([]agent.Act, error) {
	return d.agent.EndTerms(d.r.ctx, rel, firsthand.DateOf(d.clock()))
}

func (d *device) leave(rel firsthand.ID) ([]agent.Act, error) {
	return one(d.agent.Leave(d.r.ctx, rel, ""))
}
