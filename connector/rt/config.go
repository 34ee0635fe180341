package rt

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"firsthand/connector"
	"firsthand/connector/remote"
	"firsthand/fault"
)

// Modes say who writes facts into RT's users. Messages become tickets in both.
const (
	Write   = "write"   // the connector does, at once
	Propose = "propose" // somebody at the company: each change is a ticket first
)

// A Config says where RT is and what goes where. It is read strictly: unknown members
// are errors.
type Config struct {
	// Name is what receipts call the system, "Request Tracker" if empty.
	Name string `json:"name"`

	// URL is RT's own, without /REST/2.0: https, or http on loopback.
	URL string `json:"url"`

	// User is the RT user of the gateway alone, "firsthand-gateway" if empty: what that
	// user does is taken for the gateway's doing, and shown to no customer as staff's.
	// TokenFile has an authentication token of that user; firsthand-gateway looks for
	// a relative path beside its configuration.
	User      string `json:"user"`
	TokenFile string `json:"token_file"`

	// Queue is where tickets go. Also are queues into which staff move them: what
	// happens there is told to customers as well.
	Queue string   `json:"queue"`
	Also  []string `json:"also"`

	// Mode is Write, also if empty, or Propose.
	Mode string `json:"mode"`

	// Mapping says which field of an RT user a fact is: RealName, NickName,
	// Organization, EmailAddress, MobilePhone, HomePhone, WorkPhone, or "address", which
	// is Address1, Address2, Zip, City, State and Country. Empty, it is
	// {"name": "RealName", "address.home": "address", "email": "EmailAddress",
	// "phone.mobile": "MobilePhone", "phone.home": "HomePhone"}. As in all of the
	// configuration, members with dots are written as a list:
	// [{"fact": "address.home", "to": "address"}].
	Mapping remote.Mapping `json:"mapping"`

	// Fields are the custom fields that the connector uses.
	Fields Fields `json:"fields"`

	// Find is what a customer may name to be found: "name" (of the RT user), "email", or
	// a custom field of users, as in "CF:Customer Number". Empty: name and e-mail.
	Find []string `json:"find"`

	// Author is the role under which staff without a real name answer, the queue's
	// name if empty.
	Author string `json:"author"`

	// Done and Refused are the statuses of the queue's lifecycle that mean so: resolved,
	// and rejected, if empty.
	Done    []string `json:"done"`
	Refused []string `json:"refused"`
}

// Fields are the names of custom fields. What is empty has the name in the comment.
type Fields struct {
	Message      string `json:"message"`      // of tickets: "Firsthand Message ID"
	Kind         string `json:"kind"`         // of tickets: "Firsthand Kind"
	Record       string `json:"record"`       // of tickets: "Firsthand Record"
	Reason       string `json:"reason"`       // of tickets: "Firsthand Reason"
	Relationship string `json:"relationship"` // of tickets, and of users: "Firsthand Relationship"
	Requests     string `json:"requests"`     // of users, with many values: "Firsthand Requests"
}

// A Tracker is the connector to one queue of an RT and to its users. What it has to
// remember is in RT.
type Tracker struct {
	cfg     Config
	client  *client
	locks   locks
	seen    seen
	quiet   quiet
	found   ready
	reached reached
}

// New returns the connector that raw, a [Config], describes.
func New(raw json.RawMessage) (connector.Connector, error) {
	var c Config
	if err := remote.Decode("rt", raw, &c); err != nil {
		return nil, err
	}
	t, err := Open(c)
	if err != nil {
		return nil, err // and not a nil *Tracker in an interface
	}
	return t, nil
}

// Open returns the connector that c describes. It reads the token and calls nobody:
// what is missing in RT shows with the first call.
func Open(c Config) (*Tracker, error) {
	c.Name = cmp.Or(c.Name, "Request Tracker")
	c.User = cmp.Or(c.User, "firsthand-gateway")
	c.Mode = cmp.Or(c.Mode, Write)
	c.Author = cmp.Or(c.Author, c.Queue)
	f := &c.Fields
	for _, each := range []struct {
		name *string
		is   string
	}{{&f.Message, "Message ID"}, {&f.Kind, "Kind"}, {&f.Record, "Record"}, {&f.Reason, "Reason"}, {&f.Relationship, "Relationship"}, {&f.Requests, "Requests"}} {
		*each.name = cmp.Or(*each.name, "Firsthand "+each.is)
	}
	if len(c.Mapping) == 0 {
		c.Mapping = remote.Mapping{"name": "RealName", "address.home": "address", "email": "EmailAddress", "phone.mobile": "MobilePhone", "phone.home": "HomePhone"}
	}
	for list, is := range map[*[]string][]string{&c.Find: {"name", "email"}, &c.Done: {"resolved"}, &c.Refused: {"rejected"}} {
		if len(*list) == 0 {
			*list = is
		}
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("connector rt: %w: %w", fault.Invalid, err)
	}
	token, err := remote.Secret(c.TokenFile)
	if err != nil {
		return nil, fmt.Errorf("connector rt: %w", err)
	}
	return &Tracker{cfg: c, locks: newLocks(), client: &client{base: strings.TrimSuffix(c.URL, "/") + "/REST/2.0", token: token, remote: remote.New(c.Name, time.Now)}}, nil
}

// check returns what is wrong with c.
func (c *Config) check() error {
	if err := remote.CheckURL(c.URL); err != nil {
		return err
	}
	if strings.ContainsAny(c.URL, "?#") {
		return errors.New("url has a query")
	}
	if c.Queue == "" {
		return errors.New("queue is missing: name the queue in which what customers write becomes tickets")
	}
	if c.Mode != Write && c.Mode != Propose {
		return fmt.Errorf("mode %q is neither %s nor %s", c.Mode, Write, Propose)
	}
	// They become part of queries, which have no way to quote.
	f := &c.Fields
	for _, name := range append([]string{c.Queue, c.User, f.Message, f.Kind, f.Record, f.Reason, f.Relationship, f.Requests}, slices.Concat(c.Also, c.Find)...) {
		if name == "" || strings.ContainsAny(name, "'\"\\{}\r\n") {
			return fmt.Errorf("%q is no name of a queue, user or custom field", name)
		}
	}
	taken := map[string]string{}
	for fact, to := range c.Mapping {
		if columns[to] == nil || fact == "" {
			return fmt.Errorf("mapping: %s goes to %q, which is no field of a user", fact, to)
		}
		if taken[to] != "" {
			return fmt.Errorf("mapping: %s and %s go to the same field", fact, taken[to])
		}
		taken[to] = fact
	}
	for _, way := range c.Find {
		if way != "name" && way != "email" && !strings.HasPrefix(way, "CF:") {
			return fmt.Errorf("find: %q is nothing to be found by", way)
		}
	}
	for _, status := range c.Done {
		if slices.Contains(c.Refused, status) {
			return fmt.Errorf("the status %q means both done and refused", status)
		}
	}
	return nil
}

// String returns the connector's name.
func (t *Tracker) String() string { return t.cfg.Name }

// GoString is String. Without it, printing a Tracker would print its token.
func (t *Tracker) GoString() string { return t.cfg.Name }
