package email

import (
	"cmp"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"firsthand/connector"
	"firsthand/connector/remote"
	"firsthand/fault"
	"firsthand/internal/mail"
)

// A Config says where the mailbox is. It is read strictly: unknown members are errors.
type Config struct {
	// Name is what receipts call the system, "mailbox" if empty.
	Name string `json:"name"`

	// Address is the mailbox's, as in care@example.com.
	Address string `json:"address"`

	// Host and Port are where it is read by IMAP. TLS is "tls" from the first byte (port
	// 993), "starttls" (143), or on this machine "none".
	Host string `json:"host"`
	Port int    `json:"port"`
	TLS  string `json:"tls"`

	// User is the login, Address if empty. PasswordFile has the password in one line;
	// firsthand-gateway looks for a relative path beside its configuration.
	User         string `json:"user"`
	PasswordFile string `json:"password_file"`

	// ReplyTo is the address that customers' mails come from, and so where answers go:
	// one that takes mails and that nobody reads. Empty, it is Address with "+firsthand"
	// before the @. What is sent to it is for the customer.
	ReplyTo string `json:"reply_to"`

	// Folder is where customers' mails are put, "Firsthand" if empty; Done where people
	// move what is done, "Firsthand done"; Journal the gateway's own, "Firsthand journal".
	// They are made where they are missing.
	Folder  string `json:"folder"`
	Done    string `json:"done"`
	Journal string `json:"journal"`

	// Sent is the folder of mails that were sent; empty, it is the one that the mail host
	// says, or that has a usual name.
	Sent string `json:"sent"`

	// Staff are the addresses of people who answer from mailboxes of their own. AuthServ
	// is the name under which the company's mail host says what it thinks of where mails
	// come from (Authentication-Results). Without both, only what was sent counts.
	Staff    []string `json:"staff"`
	AuthServ string   `json:"authserv"`

	// Author is the name under which customers read answers; empty, it is that of From.
	Author string `json:"author"`

	// Now is the clock, time.Now if nil. Roots are the certificates to trust, nil for
	// those of the system.
	Now   func() time.Time `json:"-"`
	Roots *x509.CertPool   `json:"-"`

	// SumAfter is how many notes of the journal are summed up in one mail, 1000 if 0.
	SumAfter int `json:"-"`
}

// New returns the connector that raw, a [Config], describes.
func New(raw json.RawMessage) (connector.Connector, error) {
	var c Config
	if err := remote.Decode("email", raw, &c); err != nil {
		return nil, err
	}
	m, err := Open(c)
	if err != nil {
		return nil, err // and not a nil *Mailbox in an interface
	}
	return m, nil
}

// Open returns the connector that c describes. It reads the password and calls nobody.
func Open(c Config) (*Mailbox, error) {
	c.Name = cmp.Or(c.Name, "mailbox")
	c.User = cmp.Or(c.User, c.Address)
	c.Folder = cmp.Or(c.Folder, "Firsthand")
	c.Done = cmp.Or(c.Done, "Firsthand done")
	c.Journal = cmp.Or(c.Journal, "Firsthand journal")
	if local, domain, ok := strings.Cut(c.Address, "@"); ok && c.ReplyTo == "" {
		c.ReplyTo = local + "+firsthand@" + domain
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.SumAfter = cmp.Or(c.SumAfter, sumAfter)
	m := &Mailbox{cfg: c, lock: make(chan struct{}, 1), journal: newJournal(0)}
	err := c.check()
	if err == nil {
		m.password, err = remote.Secret(c.PasswordFile)
	}
	if err != nil {
		return nil, fmt.Errorf("connector email: %w: %w", fault.Invalid, err)
	}
	m.domain = c.ReplyTo[strings.LastIndexByte(c.ReplyTo, '@')+1:]
	return m, nil
}

// check returns what is wrong with the configuration.
func (c *Config) check() error {
	for member, address := range map[string]string{"address": c.Address, "reply_to": c.ReplyTo} {
		if _, err := mail.Address(address); err != nil {
			return fmt.Errorf("%s is no mail address alone", member)
		}
	}
	folders := []string{"INBOX", c.Folder, c.Done, c.Journal, c.Sent}
	for i, name := range folders {
		same := func(other string) bool { return strings.EqualFold(name, other) }
		if len(name) > 200 || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == '*' || r == '%' || r > '~' }) {
			return fmt.Errorf("%q is no name of a folder of ASCII", name)
		}
		if slices.ContainsFunc(folders[:i], same) {
			return fmt.Errorf("%q is named twice: inbox, folder, done, journal and sent are different folders", name)
		}
	}
	for _, address := range c.Staff {
		if _, err := mail.Address(address); err != nil {
			return fmt.Errorf("staff: %q is no mail address", address)
		}
	}
	switch {
	case strings.EqualFold(c.Address, c.ReplyTo):
		return errors.New("reply_to is the mailbox's own address: then whatever is sent to it would go to customers")
	case c.Host == "" || c.Port < 1 || c.Port > 65535:
		return errors.New("host or port is missing")
	case c.TLS != "tls" && c.TLS != "starttls" && (c.TLS != "none" || !remote.Loopback(c.Host)):
		return errors.New(`tls must be "tls" or "starttls", or "none" on loopback: what customers say travels in it`)
	case strings.ContainsAny(c.User, "\r\n\x00"):
		return errors.New("user has a line break")
	case (len(c.Staff) > 0) != (c.AuthServ != ""):
		return errors.New("staff and authserv belong together: without what the mail host says, anybody can write an address into From")
	}
	return nil
}
