// Package memory is a small CRM of our own: it stands for a company's system in
// tests and in the demo, and it shows what a connector has to do, complete and
// without a foreign interface in the way.
//
// A [CRM] has records of customers, tickets with messages, proposals that a
// person decides, and an outbox of what went to the contacts on record, which
// the demo reads instead of a mailbox. It is the connector and, by its other
// methods, what the company's staff do: Edit, Reply, Apply, Refuse.
//
// It lives in memory and in one file, a journal: see journal.go for what a
// crash at each point leaves. Every call that changes something is on disk when
// it returns; each is synced by itself, which a laptop's disk does some thousand
// times a second. It isn't meant for more than a few thousand customers.
package memory

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// Modes say who writes facts into records. Messages become tickets in both.
const (
	Auto   = "auto"   // the CRM does, at once
	Person = "person" // somebody at the company: all is Proposed until Apply or Refuse
)

// A Config says what the CRM is. It is read strictly: unknown members are errors.
type Config struct {
	// File holds everything. It is made if it isn't there; its directory is not.
	// One program at a time may use it.
	File string `json:"file"`

	// Name is what receipts call the system, "CRM" if empty.
	Name string `json:"name"`

	// Mode is Auto, also if empty, or Person.
	Mode string `json:"mode"`

	// Fields are the facts that the CRM has a place for; others are declined.
	// Empty: it takes all.
	Fields []string `json:"fields"`

	// Seed is the customers that a new file begins with. A file that is there
	// has its own.
	Seed []Record `json:"seed"`

	// Now is the clock, time.Now if nil.
	Now func() time.Time `json:"-"`

	testOnlyNoSync bool // for tests that make a thousand CRMs and cut no power
}

// A Record is what the company has of one customer.
type Record struct {
	Number   string   `json:"number"`
	Contacts []string `json:"contacts,omitempty"` // staff's word alone; the first is written to
	Facts    Facts    `json:"facts,omitempty"`

	// Relationships are those that made the record or, being bound to it, have
	// written to it.
	Relationships []firsthand.ID `json:"relationships,omitempty"`
	Version       int64          `json:"version,omitempty"` // grows with each change
}

// Facts are what a record says, by name. In JSON they are an object or, where
// member names can't have dots, a list: [{"fact":"address.home","value":{…}}].
type Facts map[string]firsthand.Value

// UnmarshalJSON implements [json.Unmarshaler].
func (f *Facts) UnmarshalJSON(text []byte) error {
	*f = Facts{}
	if !bytes.HasPrefix(text, []byte{'['}) {
		return json.Unmarshal(text, (*map[string]firsthand.Value)(f))
	}
	var list []struct {
		Fact  string          `json:"fact"`
		Value firsthand.Value `json:"value"`
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&list); err != nil {
		return err
	}
	for _, each := range list {
		if _, twice := (*f)[each.Fact]; twice || each.Fact == "" {
			return fmt.Errorf("the fact %q is missing or there twice", each.Fact)
		}
		(*f)[each.Fact] = each.Value
	}
	return nil
}

// A CRM is the system and the connector to it. It is safe for concurrent use.
type CRM struct {
	cfg Config

	mu   sync.Mutex // guards what follows; held while the disk is written
	s    *state
	file journal
}

// New returns the CRM that raw, a [Config], describes.
func New(raw json.RawMessage) (connector.Connector, error) {
	var c Config
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return nil, fmt.Errorf("connector memory: %w: %w", fault.Invalid, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("connector memory: %w: text after the configuration", fault.Invalid)
	}
	m, err := Open(c)
	if err != nil {
		return nil, err // and not a nil *CRM in an interface
	}
	return m, nil
}

// Open returns the CRM in c.File, as it was when the last call returned.
func Open(c Config) (*CRM, error) {
	c.Name = cmp.Or(c.Name, "CRM")
	c.Mode = cmp.Or(c.Mode, Auto)
	if c.Now == nil {
		c.Now = time.Now
	}
	seed := newState()
	if err := c.check(seed); err != nil {
		return nil, fmt.Errorf("connector memory: %w: %w", fault.Invalid, err)
	}
	m := &CRM{cfg: c, file: journal{name: c.File, sync: (*os.File).Sync}}
	if c.testOnlyNoSync {
		m.file.sync = func(*os.File) error { return nil }
	}
	var err error
	if m.s, err = m.file.open(seed); err != nil {
		return nil, fmt.Errorf("open %s: %w", c.File, err)
	}
	return m, nil
}

// check fills seed with c.Seed, and returns what is wrong with c.
func (c *Config) check(seed *state) error {
	if c.File == "" {
		return fmt.Errorf("no file")
	}
	if c.Mode != Auto && c.Mode != Person {
		return fmt.Errorf("mode %q is neither %s nor %s", c.Mode, Auto, Person)
	}
	for _, r := range c.Seed {
		l, err := seed.add(r)
		if err != nil {
			return fmt.Errorf("seed: %w", err)
		}
		seed.apply(l)
	}
	return nil
}

// begin takes the lock for one call, and says why it can't be served. The caller
// unlocks in both cases.
func (m *CRM) begin() error {
	m.mu.Lock()
	return m.file.ready()
}

// commit makes l durable and then true. After an error nothing is true that
// wasn't before.
func (m *CRM) commit(l *line) error {
	if l.forget {
		next := m.s.clone()
		next.apply(l)
		if err := m.file.rewrite(next); err != nil {
			return err
		}
		m.s = next
		return nil
	}
	if err := m.file.append(l, m.s); err != nil {
		return err
	}
	m.s.apply(l)
	return nil
}

// ref names a record or a ticket.
func (m *CRM) ref(id string, version int64) connector.Ref {
	r := connector.Ref{System: m.cfg.Name, ID: id}
	if version > 0 {
		r.Version = fmt.Sprint(version)
	}
	return r
}

// String returns what receipts call the system.
func (m *CRM) String() string { return m.cfg.Name }
