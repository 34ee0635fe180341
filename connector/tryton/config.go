package tryton

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"firsthand/connector"
	"firsthand/connector/remote"
	"firsthand/fault"
)

// A Config says where Tryton is and what goes where. It is read strictly: unknown
// members are errors.
type Config struct {
	// Name is what receipts call the system, "Tryton" if empty.
	Name string `json:"name"`

	// URL is Tryton's: https, or http on loopback. Database is the name of its
	// database.
	URL      string `json:"url"`
	Database string `json:"database"`

	// User is the login of the gateway's own user: what that user writes is taken for
	// the gateway's doing, and shown to no customer as staff's. PasswordFile has its
	// password; firsthand-gateway looks for a relative path beside its configuration.
	User         string `json:"user"`
	PasswordFile string `json:"password_file"`

	// Mapping says where facts go: "name", "address", or a type of contact mechanism
	// (email, phone, mobile, fax, website), of which the first one is meant, or with a
	// label as in "email:Private" the one with that name. Empty, it is
	// {"name": "name", "address.home": "address", "email": "email",
	// "phone.mobile": "mobile", "phone.home": "phone"}. As in all of the configuration, members
	// with dots are written as a list: [{"fact": "address.home", "to": "address"}].
	Mapping remote.Mapping `json:"mapping"`

	// Opportunities has wishes become leads.
	Opportunities bool `json:"opportunities"`

	// Find is what a customer may name to be found: "code", "identifier", "email",
	// "phone". Empty: her code, identifier or e-mail address.
	Find []string `json:"find"`

	// SMTP is the company's mail server, by which codes go to the e-mail address on
	// record. Without it, nobody can prove by a code that a record is hers.
	SMTP *SMTP `json:"smtp"`

	// Now is the clock, time.Now if nil.
	Now func() time.Time `json:"-"`
}

var defaultMapping = remote.Mapping{"name": "name", "address.home": "address", "email": "email", "phone.mobile": "mobile", "phone.home": "phone"}

// A place is where a fact stands in a party.
type place struct {
	fact  string
	kind  string // name, address, or a type of contact mechanism
	label string // of a contact mechanism
}

// spoken is whether the place is for telephone numbers, which Tryton may spell anew.
func (p place) spoken() bool { return slices.Contains([]string{"phone", "mobile", "fax"}, p.kind) }

// places returns the places of m, by fact.
func places(m remote.Mapping) (map[string]place, error) {
	if len(m) == 0 {
		m = defaultMapping
	}
	all, taken := map[string]place{}, map[string]string{}
	for _, fact := range slices.Sorted(maps.Keys(m)) {
		p := place{fact: fact}
		p.kind, p.label, _ = strings.Cut(m[fact], ":")
		switch {
		case !slices.Contains([]string{"name", "address", "email", "phone", "mobile", "fax", "website"}, p.kind):
			return nil, fmt.Errorf("mapping: %s goes to %q, which is no place in a party", fact, p.kind)
		case p.label != "" && (p.kind == "name" || p.kind == "address"):
			return nil, fmt.Errorf("mapping: %s: a %s has no label", fact, p.kind)
		case p.label == noteName:
			return nil, fmt.Errorf("mapping: %s: %s are the gateway's own", fact, noteName)
		case taken[m[fact]] != "":
			return nil, fmt.Errorf("mapping: %s and %s go to the same place", fact, taken[m[fact]])
		}
		all[fact], taken[m[fact]] = p, fact
	}
	return all, nil
}

// A Tryton is the connector to one database of a Tryton. It keeps nothing: what it has
// to remember is in Tryton.
type Tryton struct {
	cfg    Config
	name   string
	places map[string]place
	client *client
	locks  locks
	codes  sync.Map // ids of countries and regions, by model and code
}

// New returns the connector that raw, a [Config], describes.
func New(raw json.RawMessage) (connector.Connector, error) {
	var c Config
	if err := remote.Decode("tryton", raw, &c); err != nil {
		return nil, err
	}
	return Open(c)
}

// Open returns the connector that c describes, which is a [connector.Redactor] and,
// with a mail server, a [connector.Binder]. It calls nobody.
func Open(c Config) (connector.Connector, error) {
	t := &Tryton{cfg: c, name: cmp.Or(c.Name, "Tryton")}
	if t.cfg.Now == nil {
		t.cfg.Now = time.Now
	}
	if len(c.Find) == 0 {
		t.cfg.Find = []string{"code", "identifier", "email"}
	}
	if err := t.check(); err != nil {
		return nil, fmt.Errorf("connector tryton: %w: %w", fault.Invalid, err)
	}
	t.client = newClient(t.cfg, t.places)
	if c.SMTP != nil {
		return &binder{Tryton: t}, nil
	}
	return t, nil
}

// check returns what is wrong with the configuration.
func (t *Tryton) check() (err error) {
	c := &t.cfg
	if t.places, err = places(c.Mapping); err != nil {
		return err
	}
	if err := remote.CheckURL(c.URL); err != nil {
		return err
	}
	if c.Database == "" || strings.ContainsAny(c.Database, "/?#% ") {
		return errors.New("database is not the name of one")
	}
	if c.User == "" || strings.ContainsAny(c.User, ":\r\n") {
		return errors.New("user is missing, or has a colon")
	}
	for _, way := range c.Find {
		if !slices.Contains([]string{"code", "identifier", "email", "phone"}, way) {
			return fmt.Errorf("find: %q is nothing to be found by", way)
		}
	}
	if c.SMTP != nil {
		if err := c.SMTP.check(); err != nil {
			return err
		}
	}
	_, err = remote.Secret(c.PasswordFile)
	return err
}

// String returns the connector's name.
func (t *Tryton) String() string { return t.name }

// GoString is String.
func (t *Tryton) GoString() string { return t.name }
