package memory

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// A Ticket is a conversation with one customer.
type Ticket struct {
	Number       string       `json:"number"`
	Relationship firsthand.ID `json:"relationship"`
	Record       string       `json:"record,omitempty"` // the customer's number, if known
	Subject      string       `json:"subject"`
	Messages     []Post       `json:"messages"`
}

// A Post is one message of a ticket.
type Post struct {
	ID     firsthand.ID `json:"id,omitzero"` // hers only: the request
	At     time.Time    `json:"at"`
	Author string       `json:"author,omitempty"` // the company's only
	Text   string       `json:"text"`
}

// A Proposal is a request that waits for a person.
type Proposal struct {
	ID           firsthand.ID    `json:"id"`
	Seq          int64           `json:"seq"` // in the order they came
	Relationship firsthand.ID    `json:"relationship"`
	Kind         firsthand.Kind  `json:"kind"`
	Record       connector.Ref   `json:"record,omitzero"` // to which it belongs, as the request says
	Unproved     bool            `json:"unproved,omitempty"`
	Fact         string          `json:"fact"`
	Value        firsthand.Value `json:"value,omitzero"`
	Old          firsthand.Value `json:"old,omitzero"`
	Purpose      string          `json:"purpose,omitempty"`
}

// A Sent is a message that went to a contact on record.
type Sent struct {
	ID      string    `json:"id"`
	Seq     int64     `json:"seq"`
	Record  string    `json:"record"`
	To      string    `json:"to"`
	At      time.Time `json:"at"`
	Subject string    `json:"subject"`
	Text    string    `json:"text"`
}

// done says what was answered to a request, for ever, and what a person decided on
// it while it was not proved: the answer to the same with a proof.
type done struct {
	ID      firsthand.ID     `json:"id"`
	Result  connector.Result `json:"result"`
	Decided connector.Result `json:"decided,omitzero"`
}

// state is all that the CRM knows. Values in the maps are never changed, only
// replaced, so that a copy of the maps is a copy of the state.
type state struct {
	last      int64 // the number given last; none is given twice, even after Redact
	records   map[string]Record
	tickets   map[string]Ticket
	proposals map[firsthand.ID]Proposal
	results   map[firsthand.ID]done
	sent      map[string]Sent
	changes   []connector.Change // ascending cursors; only ever appended to

	recordOf map[firsthand.ID]string // by relationship; follows from records
}

func newState() *state {
	return &state{
		records:   map[string]Record{},
		tickets:   map[string]Ticket{},
		proposals: map[firsthand.ID]Proposal{},
		results:   map[firsthand.ID]done{},
		sent:      map[string]Sent{},
		recordOf:  map[firsthand.ID]string{},
	}
}

func (s *state) clone() *state {
	return &state{
		last:      s.last,
		records:   maps.Clone(s.records),
		tickets:   maps.Clone(s.tickets),
		proposals: maps.Clone(s.proposals),
		results:   maps.Clone(s.results),
		sent:      maps.Clone(s.sent),
		changes:   slices.Clone(s.changes),
		recordOf:  maps.Clone(s.recordOf),
	}
}

// A line is one change of the state, and one line of the journal: what is put in
// the place of what, and what goes.
type line struct {
	Last      int64              `json:"last,omitempty"`
	Records   []Record           `json:"records,omitempty"`
	Tickets   []Ticket           `json:"tickets,omitempty"`
	Proposals []Proposal         `json:"proposals,omitempty"`
	Done      []done             `json:"done,omitempty"`
	Sent      []Sent             `json:"sent,omitempty"`
	Changes   []connector.Change `json:"changes,omitempty"`
	Decided   []firsthand.ID     `json:"decided,omitempty"` // proposals that go

	// forget asks that nothing which the line replaces or removes stay in the
	// file: it is rewritten, and the line itself never stands in it. What else
	// goes, gone removes.
	forget bool
	gone   func(*state)
}

func (s *state) apply(l *line) {
	s.last = max(s.last, l.Last)
	for _, r := range l.Records {
		s.records[r.Number] = r
		for _, rel := range r.Relationships {
			s.recordOf[rel] = r.Number
		}
	}
	for _, t := range l.Tickets {
		s.tickets[t.Number] = t
	}
	for _, p := range l.Proposals {
		s.proposals[p.ID] = p
	}
	for _, d := range l.Done {
		s.results[d.ID] = d
	}
	for _, m := range l.Sent {
		s.sent[m.ID] = m
	}
	for _, id := range l.Decided {
		delete(s.proposals, id)
	}
	s.changes = append(s.changes, l.Changes...)
	if l.gone != nil {
		l.gone(s)
	}
}

// lines returns s as the lines that make it from nothing.
func (s *state) lines(yield func(*line) bool) {
	ok := yield(&line{Last: s.last})
	for _, r := range s.records {
		ok = ok && yield(&line{Records: []Record{r}})
	}
	for _, t := range s.tickets {
		ok = ok && yield(&line{Tickets: []Ticket{t}})
	}
	for _, p := range s.proposals {
		ok = ok && yield(&line{Proposals: []Proposal{p}})
	}
	for _, d := range s.results {
		ok = ok && yield(&line{Done: []done{d}})
	}
	for _, m := range s.sent {
		ok = ok && yield(&line{Sent: []Sent{m}})
	}
	for _, c := range s.changes { // their order is kept
		ok = ok && yield(&line{Changes: []connector.Change{c}})
	}
}

// number gives the next number, noting in l that it is gone.
func (s *state) number(l *line) int64 {
	l.Last = max(s.last, l.Last) + 1
	return l.Last
}

// add returns the line that adds r, a customer from elsewhere.
func (s *state) add(r Record) (*line, error) {
	_, taken := s.records[r.Number]
	if taken || r.Number == "" || ticketNumber.MatchString(r.Number) {
		return nil, fmt.Errorf("record %q: %w: the number is taken, or none that a record can have", r.Number, fault.Conflict)
	}
	r.Version = max(r.Version, 1)
	return &line{Records: []Record{r}}, nil
}

// ticketNumber is what tickets are called, and records therefore aren't.
var ticketNumber = regexp.MustCompile(`^T[0-9]+$`)

// newRecord returns a record with a number that no customer has.
func (s *state) newRecord(l *line) Record {
	for {
		n := fmt.Sprint(100000 + s.number(l))
		if _, taken := s.records[n]; !taken {
			return Record{Number: n}
		}
	}
}
