package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// What the desk asks of a gateway beside the acts of operator.go. Whatever shows
// something of a customer is in the audit first.

// Owed returns the duties that are due first, at most limit of them, and how many
// there are. Relationships that are frozen come last. It names facts, and shows none.
func (g *Gateway) Owed(ctx context.Context, limit int) (all []Duty, total int, err error) {
	owed, total, err := g.o.Store.Owed(ctx, limit)
	if err != nil {
		return nil, 0, err
	}
	now := g.o.Now()
	for _, d := range owed {
		duty := Duty{Delivery: d, Overdue: d.Due.Over(now), System: g.lane(d.Lane).label()}
		if duty.Kind, duty.Fact, err = g.about(ctx, &d); err != nil {
			return nil, 0, err
		}
		all = append(all, duty)
	}
	frozen, err := g.o.Store.Frozen(ctx, limit)
	for _, r := range frozen {
		all = append(all, Duty{Delivery: Delivery{Rel: r.ID}, Frozen: r.Frozen})
	}
	return all, total + len(frozen), err
}

// about returns of what kind d's entry is, and which fact it is about.
func (g *Gateway) about(ctx context.Context, d *Delivery) (kind firsthand.Kind, fact string, err error) {
	for e, err := range g.o.Store.Entries(ctx, d.Rel, firsthand.First, d.Seq-1) {
		if err != nil || !e.HasBody() {
			return "", "", err
		}
		c, err := firsthand.DecodeBody(e.Body)
		if err != nil {
			return "", "", err
		}
		switch c := c.(type) {
		case *firsthand.Disclose:
			fact = c.Fact
		case *firsthand.Change:
			fact = c.Fact
		case *firsthand.Request:
			fact = c.Scope
		}
		return c.Kind(), fact, nil
	}
	return "", "", nil // lost with a backup, and on its way back
}

// Numbers counts what has ended since a time, and what waits now.
func (g *Gateway) Numbers(ctx context.Context, since time.Time) (Numbers, error) {
	return g.o.Store.Numbers(ctx, since, g.o.Now())
}

// Audits returns rows of the audit, the latest first; see [DeskStore].
func (g *Gateway) Audits(ctx context.Context, before int64, limit int) ([]Audit, error) {
	return g.o.Store.Audits(ctx, before, limit)
}

// Find returns the relationships of the record with that number, in the company's
// system or in any.
func (g *Gateway) Find(ctx context.Context, by, record string) ([]firsthand.ID, error) {
	if err := g.Note(ctx, by, "find", record); err != nil {
		return nil, err
	}
	system := ""
	if binder, ok := g.records().(connector.Binder); ok {
		refs, err := binder.Find(ctx, connector.Claim{Record: record})
		if err != nil {
			return nil, err
		}
		for _, ref := range refs {
			rels, err := g.o.Store.OfRecord(ctx, ref.System, ref.ID)
			if err != nil || len(rels) > 0 {
				return rels, err
			}
			system = ref.System
		}
	}
	return g.o.Store.OfRecord(ctx, system, record)
}

// An Inquiry is an entry that waits for somebody, beside what the company's system
// has now.
type Inquiry struct {
	File
	Delivery Delivery
	Content  firsthand.Content // nil if it was erased
	Old      firsthand.Value   // of a change: what the company held before
	Unproved bool              // it is about a record that is not proved to be hers
	Record   *connector.Record // that it is about, as it is now; nil for none
	Fits     []connector.Ref   // of a claim: records that fit it
	System   string            // the one that the delivery goes to
	Trouble  string            // why the system that has the record couldn't be asked; "" if it could
	Decides  bool              // the system lets the desk decide a proposal
	Sends    bool              // the company's system can send a code to the contact on record
}

// Inquire returns all there is to know of an entry that waits for somebody.
func (g *Gateway) Inquire(ctx context.Context, by string, rel, entry firsthand.ID) (q Inquiry, err error) {
	if err := g.audit(ctx, by, "look", rel, entry, ""); err != nil {
		return q, err
	}
	if q.File, err = g.file(ctx, rel); err != nil {
		return q, err
	}
	i := -1
	for n, d := range q.Deliveries {
		if d.Entry == entry && d.Task != Review {
			i = n
		}
	}
	if i < 0 {
		return q, fault.Tell(fault.NotExist, "There is nothing about this entry.", "")
	}
	q.Delivery = q.Deliveries[i]
	if pos := q.State.Pos(entry); pos.Side != firsthand.First {
		return q, fmt.Errorf("entry %s: %w", entry, fault.NotExist)
	}
	if e := q.First[q.State.Pos(entry).Seq-1]; e.HasBody() {
		if q.Content, err = firsthand.DecodeBody(e.Body); err != nil {
			return q, err
		}
	}
	_, q.Decides = g.lane(q.Delivery.Lane).connector.(connector.Decider)
	_, q.Sends = g.records().(connector.Binder)
	q.System = g.lane(q.Delivery.Lane).label()
	if h := q.State.Holding(entry); h != nil {
		q.Unproved = h.Origin == firsthand.Stated && q.State.Binding == nil
		if c, ok := q.Content.(*firsthand.Change); ok {
			q.Old = c.Old
		}
		err = g.within(ctx, rel, func(t *turn) error {
			if err := t.fresh(ctx); err != nil || !q.Old.IsZero() || t.holding(entry) == nil {
				return err
			}
			e, err := t.entry(ctx, q.State.Pos(entry).Seq)
			if err == nil && e.Kind() == "change" {
				q.Old, err = t.before(ctx, &e, t.holding(entry))
			}
			return err
		})
		if err != nil {
			return q, err
		}
	}
	g.lookUp(ctx, &q)
	return q, nil
}

// lookUp reads what the company's system has about q now. That it can't be asked
// is part of the answer.
func (g *Gateway) lookUp(ctx context.Context, q *Inquiry) {
	ref := q.Delivery.Ref
	if ref.IsZero() || ref.ID != q.Relationship.Record.ID && q.State.Holding(q.Delivery.Entry) == nil {
		ref = q.Relationship.Record // a ticket has no facts
	}
	if claim, ok := q.Content.(*firsthand.Claim); ok {
		binder, ok := g.records().(connector.Binder)
		if !ok {
			return
		}
		var err error
		if q.Fits, err = binder.Find(ctx, connector.Claim{Record: claim.Record}); err != nil {
			q.Trouble = why(err)
			return
		}
		if ref = (connector.Ref{}); len(q.Fits) == 1 {
			ref = q.Fits[0]
		}
	}
	system := g.laneOf(ref).connector
	if ref.IsZero() || q.Unproved || system == nil {
		return
	}
	rec, err := system.Read(ctx, ref)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
	case err != nil:
		q.Trouble = why(err)
	default:
		q.Record = &rec
	}
}

// Accept has the system carry out what is proposed in it for an entry, and says so.
// Where the system can't be told, an operator does it there, and says Apply.
func (g *Gateway) Accept(ctx context.Context, by string, rel, entry firsthand.ID, record string) error {
	return g.decideThere(ctx, by, "accept", rel, entry, record, func(d connector.Decider) error {
		if err := d.Accept(ctx, entry, record); err != nil {
			return err
		}
		return g.Apply(ctx, by, rel, entry, record)
	})
}

// Reject is Refuse for what is proposed in a system that can be told.
func (g *Gateway) Reject(ctx context.Context, by string, rel, entry firsthand.ID, reason string) error {
	if reason == "" {
		return fault.Tell(fault.Invalid, "A refusal needs a reason.", "The customer reads it.")
	}
	return g.decideThere(ctx, by, "reject", rel, entry, reason, func(d connector.Decider) error {
		if err := d.Reject(ctx, entry, reason); err != nil {
			return err
		}
		return g.Refuse(ctx, by, rel, entry, reason)
	})
}

func (g *Gateway) decideThere(ctx context.Context, by, act string, rel, entry firsthand.ID, note string, do func(connector.Decider) error) error {
	l, err := g.laneAt(ctx, rel, entry)
	if err != nil {
		return err
	}
	decider, ok := l.connector.(connector.Decider)
	if !ok {
		return fault.Tell(fault.Invalid, "The system can't be told from here.", "Decide it there, and say so here.")
	}
	s, err := firsthand.Load(ctx, g.o.Store, rel)
	if err != nil {
		return err
	}
	if h := s.Holding(entry); h != nil && h.Origin == firsthand.Stated && s.Binding == nil && act == "accept" {
		return fault.Tell(fault.Denied, "The record is not proved to be hers.", "Ask her to claim her customer number.")
	}
	if err := g.audit(ctx, by, act, rel, entry, note); err != nil {
		return err
	}
	if err := do(decider); err != nil && !g.said(ctx, rel, entry) {
		return err
	}
	return nil
}

// laneAt returns the lane to which an entry is brought.
func (g *Gateway) laneAt(ctx context.Context, rel, entry firsthand.ID) (*lane, error) {
	all, err := g.o.Store.Deliveries(ctx, rel)
	for _, d := range all {
		if d.Entry == entry && d.Task == Deliver {
			return g.lane(d.Lane), err
		}
	}
	return g.lanes[0], err
}

// said reports whether the customer has been told what became of an entry, or will
// be: the gateway has heard of it from the system meanwhile.
func (g *Gateway) said(ctx context.Context, rel, entry firsthand.ID) bool {
	all, err := g.o.Store.Deliveries(ctx, rel)
	return err == nil && slices.ContainsFunc(all, func(d Delivery) bool {
		return d.Entry == entry && d.Task == Deliver && (d.Status == Checking || d.Status == Applied || d.Status == Declined)
	})
}

// Note writes down what somebody at the desk does that is about no relationship.
func (g *Gateway) Note(ctx context.Context, by, act, note string) error {
	return g.commit(ctx, Commit{Audit: []Audit{g.note(by, act, note)}})
}

func (g *Gateway) note(by, act, note string) Audit {
	return Audit{At: g.o.Now(), By: cut(by, maxWhy), Act: act, Note: cut(note, maxWhy)}
}

// deskPrefix is before the names of settings that the desk keeps here.
const deskPrefix = "desk "

// Kept returns what the desk keeps under a name; "" for nothing.
func (g *Gateway) Kept(ctx context.Context, name string) (string, error) {
	return g.o.Store.Setting(ctx, deskPrefix+name)
}

// Keep replaces what the desk keeps under a name, with a row of the audit that says
// who did what, in one commit. [fault.Conflict] if it is not from any more.
func (g *Gateway) Keep(ctx context.Context, by, act, note, name, from, to string) error {
	return g.commit(ctx, Commit{Audit: []Audit{g.note(by, act, note)},
		Expect: map[string]string{deskPrefix + name: from}, Settings: map[string]string{deskPrefix + name: to}})
}

// A Connection is how the gateway and the company's systems get on, and its keys.
type Connection struct {
	Systems []SystemState // that are connected
	Poll    time.Duration

	Chain  []firsthand.ChainKey
	Behind int // relationships that have not reached the last key, up to ManyBehind
}

// A SystemState is how the gateway and one of the company's systems get on.
type SystemState struct {
	Lane                   Lane
	Name                   string // that customers read; "" if it has none
	Finds, Redacts, Decide bool   // what its connector can do

	Open    time.Time // until then it is left alone, because it failed: the breaker is open; zero if it isn't
	Trying  bool      // it was left alone, and one delivery is to show whether it answers again
	Failing int       // relationships that failed since the last success
	Answer  time.Time // when it last answered
	Trouble string    // the last error, and when it was
	Since   time.Time

	Cursor    string    // of its changes
	Asked     time.Time // when it last answered for changes
	Elsewhere bool      // another process of the gateway asks for them
	Polls     int       // that failed in a row
}

// Down reports whether calls of the system fail.
func (s *SystemState) Down() bool {
	return !s.Open.IsZero() || s.Trying || s.Failing > 0 || s.Polls > 0
}

// ManyBehind is where counting of relationships behind ends.
const ManyBehind = 1000

// Connection returns how things are now, in this process.
func (g *Gateway) Connection(ctx context.Context) (c Connection, err error) {
	c.Poll = g.o.Poll
	for _, l := range g.lanes {
		if l.connector == nil {
			continue
		}
		s := SystemState{Lane: l.name, Name: l.system}
		if s.Cursor, err = g.o.Store.Setting(ctx, l.key(settingCursor)); err != nil {
			return c, err
		}
		_, s.Finds = l.connector.(connector.Binder)
		_, s.Redacts = l.connector.(connector.Redactor)
		_, s.Decide = l.connector.(connector.Decider)
		g.mu.Lock()
		s.Open, s.Failing = l.breaker.blocked(g.o.Now()), len(l.breaker.failed)
		s.Trying = l.breaker.opened > 0 && s.Open.IsZero()
		s.Answer, s.Trouble, s.Since, s.Asked = l.seen.answer, l.seen.trouble, l.seen.since, l.seen.asked
		s.Polls, s.Elsewhere = l.polls, l.elsewhere
		g.mu.Unlock()
		c.Systems = append(c.Systems, s)
	}
	c.Chain = slices.Clone(g.keyring().Chain)
	behind, err := g.o.Store.Behind(ctx, len(c.Chain), ManyBehind)
	c.Behind = len(behind)
	return c, err
}

// file reads all that the company has of a relationship, after the audit.
func (g *Gateway) file(ctx context.Context, rel firsthand.ID) (f File, err error) {
	store := g.o.Store
	if f.Relationship, err = store.Relationship(ctx, rel); err != nil {
		return f, fmt.Errorf("relationship %s: %w", rel, err)
	}
	if f.First, err = firsthand.Collect(store.Entries(ctx, rel, firsthand.First, 0)); err != nil {
		return f, err
	}
	if f.Second, err = firsthand.Collect(store.Entries(ctx, rel, firsthand.Second, 0)); err != nil {
		return f, err
	}
	if f.State, err = firsthand.Fold(f.First, f.Second); err != nil {
		return f, err
	}
	if f.Deliveries, err = store.Deliveries(ctx, rel); err != nil {
		return f, err
	}
	if f.Evidence, err = store.Evidence(ctx, rel); err != nil {
		return f, err
	}
	f.Audit, err = store.Audit(ctx, rel)
	return f, err
}
