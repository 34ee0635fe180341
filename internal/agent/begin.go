package agent

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"firsthand"
	"firsthand/fault"
)

// A beginning is a move that is being carried out: what goes into its one
// transaction.
type beginning struct {
	a    *Agent
	ctx  context.Context
	row  MoveRow
	plan *planner
	with Commit
	legs []begunLeg
	rs   []*relationship // that have written
	keys []NextKey       // for logs that have to be opened
	used atomic.Int64    // entries folded in rs
}

// A part is what the move says to one target.
type part struct {
	r       *relationship
	planned []Leg // of a log that the move opens; of others it is planned when they are read
	legs    []begunLeg
	with    Commit
	said    bool // something is written in r's log
}

// A begunLeg is a leg, and the draft that it is if it can't be signed yet.
type begunLeg struct {
	LegRow
	draft int // its place in Commit.AddDrafts, first its part's and then the whole's; -1 if it is none
}

// beginMove carries out row's move, planned as things are now. The relationships it
// goes to are locked until all is durable, so nothing comes between.
func (a *Agent) beginMove(ctx context.Context, row MoveRow) (err error) {
	b := &beginning{a: a, ctx: ctx, row: row}
	b.row.State, b.row.Began, b.row.Problem = Begun, a.Now(), ""
	b.with = Commit{Legs: make(map[int64][]LegRow), Holdings: make(map[firsthand.ID][]Holder),
		Carried: make(map[firsthand.ID][]Carried), Waiting: make(map[firsthand.ID][]Waiting)}
	if b.plan, err = a.newPlanner(ctx, row.Move); err != nil {
		return err
	}
	if err := b.plan.prepare(); err != nil {
		return err
	}
	var rels []firsthand.ID
	for _, t := range b.plan.targets {
		if !t.rel.IsZero() {
			rels = append(rels, t.rel)
		}
	}
	locked, unlock := a.lockAll(rels)
	defer unlock()
	defer func() {
		for _, r := range locked {
			if err != nil {
				r.state, r.ends = nil, nil // they may say what was not kept
			}
		}
	}()
	if err := b.takeKeys(); err != nil {
		return err
	}
	if err := b.write(locked); err != nil {
		return err
	}
	b.number()
	if err := a.keep(ctx, b.with, b.rs...); err != nil {
		return err
	}
	a.schedule.signal()
	a.mailing.wake()
	return nil
}

// takeKeys takes the next keys of all logs that have to be opened, before anything
// is signed.
func (b *beginning) takeKeys() (err error) {
	need := 0
	for _, t := range b.plan.targets {
		if t.rel.IsZero() && goes(b.plan.unmet(&t)) {
			need++
		}
	}
	if need == 0 {
		return nil
	}
	if b.keys, err = b.a.Store.NextKeys(b.ctx, need); err != nil {
		return err
	}
	if len(b.keys) < need {
		return fault.Tell(fault.NotExist, fmt.Sprintf("this change opens %d logs, and the book of next keys has %d", need, len(b.keys)),
			"fill it, then do the same again: firsthand kit refill --kit FILE")
	}
	return nil
}

// goes reports whether one of legs is not left out.
func goes(legs []Leg) bool {
	return slices.ContainsFunc(legs, func(l Leg) bool { return l.Group != LeftOut })
}

// write writes what the move says into the logs: rs are those of the targets that have
// one. Logs are opened one after the other; then the targets are shared among the
// processors, since reading, folding and signing is most of the work, and no target
// has anything to do with another.
func (b *beginning) write(rs []*relationship) error {
	parts := make([]part, len(b.plan.targets))
	for i, t := range b.plan.targets {
		if !t.rel.IsZero() {
			parts[i].r, rs = rs[0], rs[1:]
		} else if err := b.open(&parts[i], t); err != nil {
			return fmt.Errorf("%s: %w", t.domain, err)
		}
	}
	err := share(len(parts), func(i int) error {
		t := b.plan.targets[i]
		if err := b.say(&parts[i], t); err != nil {
			return fmt.Errorf("%s: %w", t.domain, err)
		}
		return nil
	})
	n := len(parts)
	b.legs, b.rs, b.with.Entries = make([]begunLeg, 0, n), make([]*relationship, 0, n), make([]firsthand.Entry, 0, n)
	b.with.Relationships = make([]Relationship, 0, n)
	for i := range parts {
		b.take(&parts[i])
	}
	return err
}

// open opens an unpaired log for a company that has none.
func (b *beginning) open(p *part, t target) error {
	p.planned = b.plan.unmet(&t)
	if !goes(p.planned) {
		return nil
	}
	next := b.keys[0]
	b.keys = b.keys[1:]
	r, e, err := b.a.openUnpaired(t.domain, b.plan.nameOf("", &t), next)
	if err != nil {
		return err
	}
	p.r = r
	p.with.Entries, p.with.TakeLabels = append(p.with.Entries, e), append(p.with.TakeLabels, next.Label)
	for i := range p.planned {
		p.planned[i].Rel = r.row.ID
	}
	return nil
}

// say writes into the log of a target. It runs beside that of others.
func (b *beginning) say(p *part, t target) error {
	r, legs := p.r, p.planned
	if !t.rel.IsZero() {
		if err := b.a.load(b.ctx, r); err != nil {
			return err
		}
		legs = b.plan.legs(r.state, r.row.standing(), &t)
	}
	for i := range legs {
		l := begunLeg{LegRow: LegRow{Leg: legs[i]}, draft: -1}
		if l.Group != LeftOut {
			act, err := b.a.add(r, b.content(&l.Leg), &p.with)
			if err != nil {
				return err
			}
			r.row.Kept = true // a company whom she tells something is kept
			if l.Entry = act.Entry; act.Draft {
				l.draft = len(p.with.AddDrafts) - 1
			} else if l.Channel == MailChannel {
				// Her one confirmation is for all that is prepared.
				p.with.Mails = append(p.with.Mails, Mail{Entry: l.Entry, Rel: r.row.ID, State: MailWaiting})
			}
			if t.facts[i].stated || t.facts[i].beside {
				p.with.Unstate = append(p.with.Unstate, FactAt{Domain: t.key, Fact: l.Fact})
			}
		}
		p.legs = append(p.legs, l)
	}
	if p.said = goes(legs); !p.said {
		return nil
	}
	if err := b.a.refresh(b.ctx, r, &p.with); err != nil {
		return err
	}
	if heads := r.heads(); b.used.Add(heads[0].Seq+heads[1].Seq) > int64(b.a.fold) {
		r.shed()
	}
	return nil
}

// take puts a part into the whole.
func (b *beginning) take(p *part) {
	for _, l := range p.legs {
		if l.draft >= 0 {
			l.draft += len(b.with.AddDrafts)
		}
		b.legs = append(b.legs, l)
	}
	for _, m := range p.with.Mails {
		m.Made = b.row.Began.Add(time.Duration(len(b.with.Mails))) // in the order of their log
		b.with.Mails = append(b.with.Mails, m)
	}
	b.with.Entries = append(b.with.Entries, p.with.Entries...)
	b.with.TakeLabels = append(b.with.TakeLabels, p.with.TakeLabels...)
	b.with.AddDrafts = append(b.with.AddDrafts, p.with.AddDrafts...)
	b.with.Unstate = append(b.with.Unstate, p.with.Unstate...)
	b.with.Relationships = append(b.with.Relationships, p.with.Relationships...)
	b.with.Outbox = append(b.with.Outbox, p.with.Outbox...)
	maps.Copy(b.with.Holdings, p.with.Holdings)
	maps.Copy(b.with.Carried, p.with.Carried)
	maps.Copy(b.with.Waiting, p.with.Waiting)
	if p.said {
		b.rs = append(b.rs, p.r)
	}
}

// content returns what a leg says.
func (b *beginning) content(l *Leg) firsthand.Content {
	if c := b.row.Move.Claim; !c.IsZero() {
		return &firsthand.Request{Right: c.Right, Law: l.Law, Scope: c.Scope, Text: c.Text, Due: l.Due}
	}
	say := &firsthand.Change{Fact: l.Fact, Value: l.Value, Of: l.Of, Basis: l.Basis}
	if l.Of.IsZero() {
		say.Old = l.Old
	}
	return say
}

// number puts the legs into the order of a preview, and them, the move and her own
// new facts into the commit.
func (b *beginning) number() {
	slices.SortStableFunc(b.legs, func(x, y begunLeg) int { return compareLegs(&x.Leg, &y.Leg) })
	rows := make([]LegRow, len(b.legs))
	for i := range b.legs {
		l := &b.legs[i]
		l.N = i + 1
		if l.draft >= 0 {
			b.with.AddDrafts[l.draft].Move, b.with.AddDrafts[l.draft].Leg = b.row.ID, l.N
		}
		rows[i] = l.LegRow
		rows[i].Law, rows[i].Due = "", ""
	}
	b.with.Moves, b.with.Legs[b.row.ID] = []MoveRow{b.row}, rows
	for _, f := range b.row.Move.Facts {
		b.with.Facts = append(b.with.Facts, Fact{Name: f.Fact, Value: f.Value, Updated: b.a.Now()})
	}
}

// openUnpaired signs the entry that opens a log of her own with the company at
// domain. Nothing is kept yet.
func (a *Agent) openUnpaired(domain, name string, next NextKey) (*relationship, firsthand.Entry, error) {
	key, err := firsthand.NewSigner(a.Rand)
	if err != nil {
		return nil, firsthand.Entry{}, err
	}
	r := &relationship{state: firsthand.NewState(), lacks: everything, key: key,
		row: Relationship{Domain: domain, Name: name, Kept: true, Opened: a.Now(), Seed: key.Seed()}}
	e, err := a.sign(r, key, &firsthand.Open{Role: "customer", Domain: domain, Key: key.Public(), Next: next.Hash, Label: next.Label})
	r.row.ID = e.ID
	r.id = e.ID
	return r, e, err
}
