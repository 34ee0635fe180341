// Package carddav joins a gateway to an address book: a card for each customer, on
// a server that speaks CardDAV (RFC 6352), such as Radicale, Nextcloud or what a
// company's mail program syncs with.
//
// A server of cards compares and sets: a PUT with If-Match changes a card only if
// nobody else has. What it has not is a place for anything but cards. So what was
// done for which request, and what staff were seen to change, stands in a property
// of the card itself (see journal) and is written in the same PUT as the change: no
// crash parts the two. What must outlast a card stands in a second address book,
// which only the gateway uses.
//
// There is nobody in an address book who decides, and no place for tickets:
// proposals wait at the gateway, and messages need a second system. Nor can it send
// a code: that does the company's mail host, if the configuration names one.
package carddav

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"firsthand/connector"
	"firsthand/connector/remote"
	"firsthand/fault"
)

// A Config says where the cards are. It is read strictly: unknown members are
// errors.
type Config struct {
	// Name is what receipts call the system, "address book" if empty.
	Name string `json:"name"`

	// URL is the address book of customers: https, or http on loopback.
	URL string `json:"url"`

	// Journal is the URL of a second address book, empty at first, which nobody but
	// the gateway uses. It says of cards that are gone which requests were done.
	Journal string `json:"journal"`

	// User and PasswordFile are how the gateway signs in (HTTP Basic). The file has
	// the password in one line; firsthand-gateway looks for a relative path beside
	// its configuration.
	User         string `json:"user"`
	PasswordFile string `json:"password_file"`

	// Fields are the facts that have a place in a card; others are declined. A line
	// of a card belongs to the first that fits it. Empty: see DefaultFields.
	Fields []Field `json:"fields"`

	// Binding is how a customer proves which card is hers. Without it she signs in
	// elsewhere, or somebody at the desk decides.
	Binding *Binding `json:"binding"`

	// Now is the clock, time.Now if nil.
	Now func() time.Time `json:"-"`
}

// A Book is the connector to one address book.
type Book struct {
	name     string
	customer *shelf
	journal  *shelf
	fields   []Field
	now      func() time.Time
	seen     mirror
}

// New returns the connector that raw, a [Config], describes.
func New(raw json.RawMessage) (connector.Connector, error) {
	var c Config
	if err := remote.Decode("carddav", raw, &c); err != nil {
		return nil, err
	}
	return Open(c)
}

// Open returns the connector that c describes, a [*Book] or with a Binding an
// [*Office]. It reads the passwords and calls nobody.
func Open(c Config) (connector.Connector, error) {
	b := &Book{name: cmp.Or(c.Name, "address book"), fields: c.Fields, now: c.Now}
	if b.now == nil {
		b.now = time.Now
	}
	if len(b.fields) == 0 {
		b.fields = DefaultFields()
	}
	if err := b.open(c); err != nil {
		return nil, fmt.Errorf("connector carddav: %w: %w", fault.Invalid, err)
	}
	if c.Binding == nil {
		return b, nil
	}
	o, err := b.office(*c.Binding)
	if err != nil {
		return nil, fmt.Errorf("connector carddav: binding: %w: %w", fault.Invalid, err)
	}
	return o, nil
}

func (b *Book) open(c Config) error {
	if err := checkFields(b.fields); err != nil {
		return err
	}
	if c.User == "" || strings.ContainsAny(c.User, ":\r\n") {
		return fmt.Errorf("user is missing, or has a colon or a line break")
	}
	password, err := remote.Secret(c.PasswordFile)
	if err != nil {
		return fmt.Errorf("password_file: %w", err)
	}
	client := remote.New("the address book", c.Now)
	auth := "Basic " + base64.StdEncoding.EncodeToString([]byte(c.User+":"+password))
	if b.customer, err = newShelf(client, c.URL, auth); err != nil {
		return err
	}
	if b.journal, err = newShelf(client, c.Journal, auth); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if b.customer.url == b.journal.url {
		return fmt.Errorf("journal is the address book of customers: it must be another")
	}
	return nil
}

// ref names a card.
func (b *Book) ref(id, version string) connector.Ref {
	return connector.Ref{System: b.name, ID: id, Version: version}
}

// String returns the connector's name. Without it, printing a Book would print its
// password.
func (b *Book) String() string { return b.name }

// GoString is String.
func (b *Book) GoString() string { return b.name }

// Close closes the connections that are idle.
func (b *Book) Close() error {
	b.customer.client.CloseIdle()
	return nil
}

func header(auth string, more ...string) http.Header {
	h := http.Header{"Authorization": {auth}}
	for i := 0; i < len(more); i += 2 {
		h[more[i]] = []string{more[i+1]}
	}
	return h
}
