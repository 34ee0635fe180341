package sim

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// A crm is a company's system, and the connector to it. connector/memory is the
// same on a disk that has to be synced; this one counts instead what is done to
// it. It outlives every crash of the gateway.
type crm struct {
	name   string
	mu     sync.Mutex // a run has one goroutine, but connectors are held to more
	now    func() time.Time
	note   func(format string, args ...any) // what is done to it, for the trace
	person bool                             // a person decides on every fact
	down   bool
	lose   int // answers that get lost, though what they answer is done

	last      int
	records   map[string]*record
	tickets   map[string]*ticket
	proposals []proposal
	results   map[firsthand.ID]connector.Result
	decided   map[firsthand.ID]connector.Result // by request: what a person said to one that was not proved
	sent      []notice
	changes   []connector.Change
	writes    []write // every effect on a record or ticket, in order
}

type record struct {
	number  string
	contact string
	version int
	facts   map[string]firsthand.Value
	rels    []firsthand.ID
}

type ticket struct {
	number string
	rel    firsthand.ID
	first  firsthand.ID // the request that made it
	posts  []string
}

type proposal struct {
	id      firsthand.ID
	request connector.Request
}

// A notice is a message to a contact on record.
type notice struct{ id, record, to, text string }

// A write is one effect.
type write struct {
	id     firsthand.ID // the request
	rel    firsthand.ID
	record string // or ticket
	fact   string
	value  firsthand.Value // zero: removed
}

var (
	_ connector.Binder   = (*crm)(nil)
	_ connector.Redactor = (*crm)(nil)
)

func newCRM(name string, now func() time.Time, note func(format string, args ...any)) *crm {
	return &crm{name: name, now: now, note: note, last: 1000, records: make(map[string]*record), tickets: make(map[string]*ticket),
		results: make(map[firsthand.ID]connector.Result), decided: make(map[firsthand.ID]connector.Result)}
}

var errDown = fmt.Errorf("%w: the system is down", fault.Unavailable)

// String returns what receipts call the system.
func (c *crm) String() string { return c.name }

// up takes the lock for one call, and says why it can't be served.
func (c *crm) up(ctx context.Context) error {
	c.mu.Lock()
	if c.down {
		return errDown
	}
	return ctx.Err()
}

// lost reports whether this answer gets lost.
func (c *crm) lost() bool {
	if c.lose == 0 {
		return false
	}
	c.lose--
	return true
}

func (c *crm) number() string { c.last++; return strconv.Itoa(c.last) }

func (c *crm) ref(r *record) connector.Ref {
	return connector.Ref{System: c.name, ID: r.number, Version: strconv.Itoa(r.version)}
}

// Deliver implements [connector.Connector].
func (c *crm) Deliver(ctx context.Context, r connector.Request) (connector.Result, error) {
	defer c.mu.Unlock()
	if err := c.up(ctx); err != nil {
		return connector.Result{}, err
	}
	res, done := c.results[r.ID]
	if done && !r.Proposal {
		// What was only proposed, for want of a proof, comes again with it.
		before := len(c.proposals)
		c.proposals = slices.DeleteFunc(c.proposals, func(p proposal) bool { return p.id == r.ID && p.request.Proposal })
		done = len(c.proposals) == before
		if decided, ok := c.decided[r.ID]; ok && done {
			res = decided
		}
	}
	if !done {
		var err error
		if res, err = c.deliver(r); err != nil {
			return connector.Result{}, err
		}
		c.results[r.ID] = res
		c.note("%s %s %s: %s %s", r.Kind, r.ID.String()[:6], r.Fact, res.State, res.Ref.ID)
	}
	if c.lost() {
		return connector.Result{}, errDown
	}
	return res, nil
}

func (c *crm) deliver(r connector.Request) (connector.Result, error) {
	switch r.Kind {
	case "message", "request":
		return c.post(r), nil
	case "disclose", "change", "withdraw":
	default:
		return connector.Result{}, fmt.Errorf("deliver %s: %w", r.Kind, fault.Invalid)
	}
	if c.person || r.Proposal {
		c.proposals = append(c.proposals, proposal{r.ID, r})
		return connector.Result{State: connector.Proposed, Ref: r.Record}, nil
	}
	return c.write(r)
}

// write changes the record that r names, or that its relationship made.
func (c *crm) write(r connector.Request) (connector.Result, error) {
	rec := c.records[r.Record.ID]
	if r.Record.IsZero() {
		rec = c.recordOf(r.Relationship)
	}
	switch {
	case rec != nil && r.Record.Version != "" && r.Record.Version != strconv.Itoa(rec.version):
		return connector.Result{}, fmt.Errorf("record %s is at version %d: %w", rec.number, rec.version, fault.Conflict)
	case rec == nil && r.Kind == "withdraw":
		return connector.Result{State: connector.Written}, nil
	case rec == nil && !r.Record.IsZero():
		return connector.Result{State: connector.Declined, Ref: r.Record, Reason: "there is no such record"}, nil
	case rec == nil:
		rec = &record{number: c.number(), facts: make(map[string]firsthand.Value)}
		c.records[rec.number] = rec
	}
	if r.Kind == "withdraw" {
		r.Value = firsthand.Value{}
	}
	rec.set(r.Fact, r.Value)
	if !r.Proposal && !slices.Contains(rec.rels, r.Relationship) {
		rec.rels = append(rec.rels, r.Relationship)
	}
	c.writes = append(c.writes, write{r.ID, r.Relationship, rec.number, r.Fact, r.Value})
	return connector.Result{State: connector.Written, Ref: c.ref(rec)}, nil
}

func (r *record) set(fact string, v firsthand.Value) {
	r.version++
	r.facts[fact] = v
	if v.IsZero() {
		delete(r.facts, fact)
	}
}

func (c *crm) recordOf(rel firsthand.ID) *record {
	for _, number := range slices.Sorted(maps.Keys(c.records)) {
		if r := c.records[number]; slices.Contains(r.rels, rel) {
			return r
		}
	}
	return nil
}

// post puts what she says into the ticket of its thread, or a new one.
func (c *crm) post(r connector.Request) connector.Result {
	t := c.tickets[r.Thread.ID]
	if t == nil || t.rel != r.Relationship {
		t = &ticket{number: "T" + c.number(), rel: r.Relationship, first: r.ID}
		c.tickets[t.number] = t
	}
	t.posts = append(t.posts, r.Text)
	c.writes = append(c.writes, write{id: r.ID, rel: r.Relationship, record: t.number})
	return connector.Result{State: connector.Written, Ref: connector.Ref{System: c.name, ID: t.number}}
}
