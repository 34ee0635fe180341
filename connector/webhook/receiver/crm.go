package receiver

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Data is the data of an event. A value is a string or a flat object of strings.
type Data struct {
	Record   string          `json:"record"`
	Version  string          `json:"version"`
	Proposal bool            `json:"proposal"`
	Fact     string          `json:"fact"`
	Value    json.RawMessage `json:"value"`
	Subject  string          `json:"subject"`
	Text     string          `json:"text"`
	Thread   string          `json:"thread"`
	Cursor   string          `json:"cursor"`
}

// A Report is what became of an event, or with Facts or Gone what a record is.
type Report struct {
	State   string          `json:"state,omitempty"`
	Record  string          `json:"record,omitempty"`
	Version string          `json:"version,omitempty"`
	Value   json.RawMessage `json:"value,omitempty"`
	Reason  string          `json:"reason,omitempty"`
	Facts   []Fact          `json:"facts,omitempty"`
	Gone    bool            `json:"gone,omitempty"`
}

// A Fact is a fact of a record.
type Fact struct {
	Fact  string          `json:"fact"`
	Value json.RawMessage `json:"value"`
}

// A Change is something that staff did.
type Change struct {
	Cursor       string          `json:"cursor"`
	ID           string          `json:"id"`
	Relationship string          `json:"relationship,omitempty"`
	Record       string          `json:"record,omitempty"`
	At           time.Time       `json:"at"`
	Of           string          `json:"of,omitempty"`
	State        string          `json:"state,omitempty"`
	Reason       string          `json:"reason,omitempty"`
	Author       string          `json:"author,omitempty"`
	Text         string          `json:"text,omitempty"`
	Resolved     bool            `json:"resolved,omitempty"`
	Fact         string          `json:"fact,omitempty"`
	Value        json.RawMessage `json:"value,omitempty"`
}

// A Customer is a record, a Ticket a conversation, a Proposal what waits for a
// person to decide on it.
type (
	Customer struct {
		Relationship string
		Version      int
		Facts        map[string]json.RawMessage
	}
	Ticket struct {
		Relationship string
		Of           string // the event that made it
		Texts        []string
	}
	Proposal struct {
		Relationship string
		Kind         string
		Data         Data
	}
)

// A CRM stands for the company's database: what is done under the lock of mu
// would be one transaction there.
type CRM struct {
	mu        sync.Mutex
	Fields    []string // facts that there is a place for
	customers map[string]Customer
	tickets   map[string]Ticket
	proposals map[string]Proposal // by event
	reports   map[string]Report   // by event: what was answered, for ever
	decided   map[string]Report   // by event: what a person decided on a proposal
	changes   []Change
	last      int
}

// NewCRM returns an empty CRM that keeps the given facts.
func NewCRM(fields ...string) *CRM {
	return &CRM{Fields: fields, customers: map[string]Customer{}, tickets: map[string]Ticket{}, proposals: map[string]Proposal{}, reports: map[string]Report{}, decided: map[string]Report{}}
}

// deliver does what the event says, once.
func (c *CRM) deliver(id, rel, kind string, d Data, now time.Time) (Report, error) {
	c.mu.Lock() // BEGIN
	defer c.mu.Unlock()
	waiting, proposed := c.proposals[id]
	proved := proposed && waiting.Data.Proposal && !d.Proposal // the record was proved to be hers since
	if done, ok := c.reports[id]; ok && !proved {
		if late, ok := c.decided[id]; ok && !d.Proposal {
			done = late // it was proved too late: what the person said stands
		}
		if done.State == "written" && kind != "withdraw" {
			done.Value = d.Value // which isn't kept twice, so that it can be forgotten: the event brings it again
		}
		return done, nil
	}
	var report Report
	switch {
	case kind == "message" || kind == "request":
		report = c.post(rel, id, d)
	case !slices.Contains(c.Fields, d.Fact):
		report = Report{State: "declined", Record: d.Record, Reason: "we don't keep that"}
	case d.Proposal: // not proved to be hers: nothing is written until a person has looked
		c.proposals[id] = Proposal{rel, kind, d}
		report = Report{State: "proposed", Record: d.Record}
	case d.Version != "" && d.Version != strconv.Itoa(c.customers[d.Record].Version):
		return Report{}, errConflict
	default:
		report = c.write(rel, kind, d, true)
	}
	if proved {
		delete(c.proposals, id)
	}
	kept := report
	kept.Value = nil
	c.reports[id] = kept
	return report, nil // COMMIT
}

// write writes a fact into the record that is named, else the one that the
// relationship has, else a new one.
func (c *CRM) write(rel, kind string, d Data, hers bool) Report {
	number := d.Record
	for n, each := range c.customers {
		if number == "" && each.Relationship == rel {
			number = n
		}
	}
	customer, ok := c.customers[number]
	switch {
	case !ok && kind == "withdraw":
		return Report{State: "written"}
	case !ok && number != "":
		return Report{State: "declined", Reason: "there is no such record"}
	case !ok:
		number, customer = c.number(), Customer{Relationship: rel}
	}
	if kind == "withdraw" {
		d.Value = nil
	}
	if hers && customer.Relationship == "" {
		customer.Relationship = rel
	}
	customer = customer.with(d.Fact, d.Value)
	c.customers[number] = customer
	return Report{State: "written", Record: number, Version: strconv.Itoa(customer.Version), Value: customer.Facts[d.Fact]}
}

// post puts a message into its ticket, or a new one.
func (c *CRM) post(rel, id string, d Data) Report {
	number := d.Thread
	t, ok := c.tickets[number]
	if !ok || t.Relationship != rel {
		number, t = "ticket-"+c.number(), Ticket{Relationship: rel, Of: id}
	}
	t.Texts = append(slices.Clip(t.Texts), d.Text)
	c.tickets[number] = t
	return Report{State: "written", Record: number}
}

// read returns a record as it is now.
func (c *CRM) read(number string) Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.tickets[number]; ok {
		return Report{Record: number}
	}
	customer, ok := c.customers[number]
	if !ok {
		return Report{Gone: true}
	}
	r := Report{Record: number, Version: strconv.Itoa(customer.Version)}
	for _, fact := range slices.Sorted(maps.Keys(customer.Facts)) {
		r.Facts = append(r.Facts, Fact{fact, customer.Facts[fact]})
	}
	return r
}

// since returns the next changes after a cursor, a hundred at most.
func (c *CRM) since(cursor string) map[string][]Change {
	c.mu.Lock()
	defer c.mu.Unlock()
	i, _ := strconv.Atoi(cursor) // 0 for the beginning
	i = max(0, min(i, len(c.changes)))
	page := c.changes[i:min(i+100, len(c.changes))]
	return map[string][]Change{"changes": append([]Change{}, page...)} // [] and not null, which has no meaning here
}

// redact forgets a fact, or the whole record, or a ticket, and what repeats it.
// What was answered to events stays, or they would be done again.
func (c *CRM) redact(number, fact string) Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	customer, ok := c.customers[number]
	if ok && fact == "" {
		delete(c.customers, number)
	} else if _, has := customer.Facts[fact]; has {
		c.customers[number] = customer.with(fact, nil)
	}
	if fact == "" {
		delete(c.tickets, number)
	}
	maps.DeleteFunc(c.proposals, func(_ string, p Proposal) bool {
		return p.Data.Record == number && (fact == "" || p.Data.Fact == fact)
	})
	for i, ch := range c.changes {
		if ch.Record == number && (fact == "" || ch.Fact == fact) {
			c.changes[i].Value, c.changes[i].Text = nil, ""
		}
	}
	return Report{State: "written", Record: number}
}

// with returns the customer with another value of a fact, or with none.
func (c Customer) with(fact string, value json.RawMessage) Customer {
	facts := map[string]json.RawMessage{}
	maps.Copy(facts, c.Facts)
	if facts[fact] = value; value == nil {
		delete(facts, fact)
	}
	c.Facts = facts
	c.Version++
	return c
}

func (c *CRM) number() string {
	c.last++
	return strconv.Itoa(1000 + c.last)
}
