package gateway_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// A crm is a company's system with its connector. fail makes calls fail; calls
// counts them.
type crm struct {
	name     string // "": it has none, and its records are the CRM's
	mu       sync.Mutex
	records  map[string]map[string]firsthand.Value
	contacts map[string]string
	made     map[firsthand.ID]string           // by relationship: the record made for it
	results  map[firsthand.ID]connector.Result // by request
	decided  map[firsthand.ID]connector.Result // by request: what a person said before the proof
	requests []connector.Request               // as first delivered
	sent     map[string]connector.Message
	order    []string // of what was sent
	redacted []string
	changes  []connector.Change
	tickets  int

	person      bool                                    // a person decides what becomes of facts
	unsupported firsthand.Kind                          // has no place for that
	unreadable  bool                                    // Results are Reported
	fail        func(call string) error                 // nil: all is well
	mangle      func(v firsthand.Value) firsthand.Value // how the system spells values
	calls       map[string]int
}

func newCRM() *crm {
	return &crm{records: map[string]map[string]firsthand.Value{}, contacts: map[string]string{}, made: map[firsthand.ID]string{},
		results: map[firsthand.ID]connector.Result{}, decided: map[firsthand.ID]connector.Result{}, sent: map[string]connector.Message{}, calls: map[string]int{}}
}

// customer adds a record that the company has from before.
func (c *crm) customer(id, contact string, facts map[string]firsthand.Value) {
	c.records[id], c.contacts[id] = maps.Clone(facts), contact
}

func (c *crm) begin(call string) error {
	c.mu.Lock()
	c.calls[call]++
	if c.fail != nil {
		return c.fail(call)
	}
	return nil
}

func (c *crm) ref(id string) connector.Ref {
	return connector.Ref{System: cmp.Or(c.name, "CRM"), ID: id}
}

func (c *crm) String() string { return c.name }

func (c *crm) Deliver(_ context.Context, r connector.Request) (connector.Result, error) {
	err := c.begin("deliver")
	defer c.mu.Unlock()
	if err != nil {
		return connector.Result{}, err
	}
	if r.Kind == c.unsupported {
		return connector.Result{}, errors.ErrUnsupported
	}
	if before, again := c.results[r.ID]; again && (before.State != connector.Proposed || r.Proposal || c.person) {
		return before, nil
	}
	if res, ok := c.decided[r.ID]; ok && !r.Proposal {
		return res, nil
	}
	c.requests = append(c.requests, r)
	res := connector.Result{State: connector.Written}
	switch {
	case r.Fact == "":
		if res.Ref = r.Thread; res.Ref.IsZero() {
			c.tickets++
			res.Ref = c.ref(fmt.Sprint("T-", c.tickets))
		}
	case r.Proposal || c.person:
		res.State = connector.Proposed
	default:
		id := r.Record.ID
		if id == "" {
			id = c.made[r.Relationship]
		}
		if id == "" {
			id = fmt.Sprint("N-", len(c.records)+1)
			c.records[id], c.made[r.Relationship] = map[string]firsthand.Value{}, id
		}
		value := r.Value
		if c.mangle != nil {
			value = c.mangle(value)
		}
		c.records[id][r.Fact] = value
		if strings.HasPrefix(r.Fact, "email") {
			c.contacts[id] = value.Text
		}
		res.Ref = c.ref(id)
		if c.unreadable {
			res.Reported, res.Value = true, value
		}
	}
	c.results[r.ID] = res
	return res, nil
}

func (c *crm) Read(_ context.Context, ref connector.Ref) (connector.Record, error) {
	err := c.begin("read")
	defer c.mu.Unlock()
	if err != nil {
		return connector.Record{}, err
	}
	if c.unreadable {
		return connector.Record{}, errors.ErrUnsupported
	}
	facts, ok := c.records[ref.ID]
	if !ok {
		return connector.Record{}, fault.NotExist
	}
	return connector.Record{Ref: ref, Facts: maps.Clone(facts)}, nil
}

func (c *crm) Changes(_ context.Context, cursor string) iter.Seq2[connector.Change, error] {
	return func(yield func(connector.Change, error) bool) {
		err := c.begin("changes")
		all := slices.Clone(c.changes)
		c.mu.Unlock()
		if err != nil {
			yield(connector.Change{}, err)
			return
		}
		var from int
		fmt.Sscan(cursor, &from)
		for _, ch := range all[min(from, len(all)):] {
			if !yield(ch, nil) {
				return
			}
		}
	}
}

// decide is a person who writes what was proposed into a record, or declines it. It
// returns the change that tells so.
func (c *crm) decide(r connector.Request, record, reason string) connector.Change {
	c.mu.Lock()
	defer c.mu.Unlock()
	res := connector.Result{State: connector.Declined, Reason: reason}
	if reason == "" {
		res = connector.Result{State: connector.Written, Ref: c.ref(record)}
		if c.records[record] == nil {
			c.records[record] = map[string]firsthand.Value{}
		}
		c.records[record][r.Fact] = r.Value
	}
	if r.Proposal {
		c.decided[r.ID] = res
	}
	return connector.Change{Relationship: r.Relationship, Of: r.ID, State: res.State, Ref: res.Ref, Reason: res.Reason}
}

// happens adds a change.
func (c *crm) happens(ch connector.Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch.Cursor = fmt.Sprint(len(c.changes) + 1)
	if ch.ID == "" {
		ch.ID = "change " + ch.Cursor
	}
	c.changes = append(c.changes, ch)
}

func (c *crm) Find(_ context.Context, claim connector.Claim) (refs []connector.Ref, err error) {
	err = c.begin("find")
	defer c.mu.Unlock()
	if err != nil {
		return nil, err
	}
	for id := range c.records {
		if id == claim.Record || strings.HasPrefix(id, claim.Record+"/") {
			refs = append(refs, c.ref(id))
		}
	}
	return refs, nil
}

func (c *crm) Notify(_ context.Context, ref connector.Ref, m connector.Message) (string, error) {
	err := c.begin("notify")
	defer c.mu.Unlock()
	if err != nil {
		return "", err
	}
	to := c.contacts[ref.ID]
	if to == "" {
		return "", fault.NotExist
	}
	if _, again := c.sent[m.ID]; !again {
		c.order = append(c.order, to)
		m.Subject = to + ": " + m.Subject
		c.sent[m.ID] = m
	}
	return connector.Mask(to), nil
}

func (c *crm) Redact(_ context.Context, ref connector.Ref, fact string) error {
	err := c.begin("redact")
	defer c.mu.Unlock()
	if err != nil {
		return err
	}
	delete(c.records[ref.ID], fact)
	c.redacted = append(c.redacted, ref.ID+" "+fact)
	return nil
}

// plain is a connector that can neither bind nor redact.
type plain struct{ c *crm }

func (p plain) Deliver(ctx context.Context, r connector.Request) (connector.Result, error) {
	return p.c.Deliver(ctx, r)
}
func (p plain) Read(ctx context.Context, ref connector.Ref) (connector.Record, error) {
	return p.c.Read(ctx, ref)
}
func (p plain) Changes(ctx context.Context, cursor string) iter.Seq2[connector.Change, error] {
	return p.c.Changes(ctx, cursor)
}

// lastCode returns the code in the message sent last.
func (c *crm) lastCode() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	last, n := "", 0
	for id, m := range c.sent {
		var sends int
		fmt.Sscanf(id[strings.LastIndexByte(id, '-')+1:], "%d", &sends)
		if _, code, ok := strings.Cut(m.Text, "The code is "); ok && strings.HasPrefix(id, "code-") && sends >= n {
			last, n = code[:9], sends
		}
	}
	return last
}

// codeOf returns the last code that was sent for a claim.
func (c *crm) codeOf(claim firsthand.ID) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for n := 9; n > 0; n-- {
		if _, code, ok := strings.Cut(c.sent[fmt.Sprintf("code-%s-%d", claim, n)].Text, "The code is "); ok {
			return code[:9]
		}
	}
	return ""
}

// crashing is a crm that the process may not live to call, or to hear of.
type crashing struct {
	*crm
	crash *crasher
}

func (c crashing) Deliver(ctx context.Context, r connector.Request) (connector.Result, error) {
	if err := c.crash.here(); err != nil {
		return connector.Result{}, err
	}
	res, err := c.crm.Deliver(ctx, r)
	return res, errors.Join(err, c.crash.here())
}

func (c crashing) Read(ctx context.Context, ref connector.Ref) (connector.Record, error) {
	if err := c.crash.here(); err != nil {
		return connector.Record{}, err
	}
	return c.crm.Read(ctx, ref)
}

func (c crashing) Notify(ctx context.Context, ref connector.Ref, m connector.Message) (string, error) {
	if err := c.crash.here(); err != nil {
		return "", err
	}
	to, err := c.crm.Notify(ctx, ref, m)
	return to, errors.Join(err, c.crash.here())
}

func (c crashing) Redact(ctx context.Context, ref connector.Ref, fact string) error {
	if err := c.crash.here(); err != nil {
		return err
	}
	return errors.Join(c.crm.Redact(ctx, ref, fact), c.crash.here())
}
