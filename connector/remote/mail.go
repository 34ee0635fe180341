package remote

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"firsthand/fault"
)

// A MailConfig is the company's own account for sending (SMTP submission), for
// connectors to systems that can't write to their customers.
type MailConfig struct {
	Host string `json:"host"`
	Port int    `json:"port"`
	// TLS is "tls" from the first byte (port 465), "starttls" (587), or on this
	// machine "none".
	TLS string `json:"tls"`
	// User and PasswordFile are how the gateway signs in; neither where the host
	// lets this machine send.
	User         string `json:"user"`
	PasswordFile string `json:"password_file"`
	// From is the address that customers see.
	From string `json:"from"`

	// Roots are the certificates to trust, nil for those of the system.
	Roots *x509.CertPool `json:"-"`
}

// ErrMaybe says that the mail host may have taken a mail: it was handed over whole,
// and the answer is missing.
var ErrMaybe = errors.New("the mail may have been sent")

// A Mailer sends mails from one account.
type Mailer struct {
	c        MailConfig
	password string
}

// NewMailer returns the mailer that c describes. It reads the password and calls
// nobody.
func NewMailer(c MailConfig) (*Mailer, error) {
	m := &Mailer{c: c}
	if c.Host == "" || c.Port < 1 || c.Port > 65535 {
		return nil, errors.New("mail: host or port is missing")
	}
	if c.TLS != "tls" && c.TLS != "starttls" && (c.TLS != "none" || !Loopback(c.Host)) {
		return nil, errors.New(`mail: tls must be "tls" or "starttls", or "none" on loopback: codes travel in it`)
	}
	if !plainAddress(c.From) {
		return nil, errors.New("mail: from is no mail address alone")
	}
	if (c.User == "") != (c.PasswordFile == "") {
		return nil, errors.New("mail: user and password_file belong together")
	}
	if c.PasswordFile != "" {
		var err error
		if m.password, err = Secret(c.PasswordFile); err != nil {
			return nil, fmt.Errorf("mail: %w", err)
		}
	}
	return m, nil
}

// String returns the address that mails come from, and not the password.
func (m *Mailer) String() string { return m.c.From }

// GoString is String.
func (m *Mailer) GoString() string { return m.c.From }

// plainAddress reports whether s is one address, without a name or anything that
// could become another header or recipient.
func plainAddress(s string) bool {
	if len(s) > 254 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) || strings.ContainsAny(s, `<>()[]\,;:"`) {
		return false
	}
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s
}

// Send sends a text to one address. The Message-ID follows from id. An error that
// is [ErrMaybe] says that it may have gone; after any other it has not. An address
// that can't be written to is [fault.NotExist].
func (m *Mailer) Send(ctx context.Context, to, id, subject, text string) error {
	if !plainAddress(to) {
		return fmt.Errorf("send: %w: no address to write to", fault.NotExist)
	}
	ctx, cancel := context.WithTimeout(ctx, 3*timeout)
	defer cancel()
	c, err := m.dial(ctx)
	if err != nil {
		return m.failed(err)
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	if m.password != "" {
		if err := c.Auth(sasl.NewPlainClient("", m.c.User, m.password)); err != nil {
			return m.failed(err)
		}
	}
	if err := c.Mail(m.c.From, nil); err != nil {
		return m.failed(err)
	}
	if err := c.Rcpt(to, nil); err != nil {
		return m.failed(err)
	}
	w, err := c.Data()
	if err != nil {
		return m.failed(err)
	}
	if _, err := w.Write(m.write(to, id, subject, text, time.Now())); err != nil {
		return m.failed(err) // without the dot it is nothing
	}
	if err := w.Close(); err != nil {
		if _, said := errors.AsType[*smtp.SMTPError](err); !said {
			return fmt.Errorf("%w: %w", ErrMaybe, err)
		}
		return m.failed(err)
	}
	c.Quit() // a courtesy: the mail is theirs
	return nil
}

func (m *Mailer) dial(ctx context.Context) (*smtp.Client, error) {
	conn, err := (&net.Dialer{Timeout: timeout}).DialContext(ctx, "tcp", net.JoinHostPort(m.c.Host, strconv.Itoa(m.c.Port)))
	if err != nil {
		return nil, err
	}
	// What waits for the host ends with ctx, also before there is a client.
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	config := &tls.Config{ServerName: m.c.Host, RootCAs: m.c.Roots, MinVersion: tls.VersionTLS12}
	var c *smtp.Client
	switch m.c.TLS {
	case "tls":
		c = smtp.NewClient(tls.Client(conn, config))
	case "starttls":
		if c, err = smtp.NewClientStartTLS(conn, config); err != nil {
			conn.Close()
			return nil, err
		}
	default:
		c = smtp.NewClient(conn)
	}
	c.CommandTimeout, c.SubmissionTimeout = timeout, 2*timeout
	if err := c.Hello("localhost"); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// failed is the error of a mail that has not gone.
func (m *Mailer) failed(err error) error {
	said, ok := errors.AsType[*smtp.SMTPError](err)
	switch {
	case !ok:
		return fmt.Errorf("send: %w: %w", fault.Unavailable, err)
	case said.Code/100 == 4:
		return fmt.Errorf("send: %w: the mail host answers %d", fault.Unavailable, said.Code)
	case said.Code == 550 || said.Code == 553: // the address is no more, or never was
		return fmt.Errorf("send: %w: the mail host answers %d", fault.NotExist, said.Code)
	}
	return fault.Tell(fault.Denied, fmt.Sprintf("the mail host answers %d", said.Code), "compare user, password and from with what the host allows")
}

// write returns a mail of plain text.
func (m *Mailer) write(to, id, subject, text string, now time.Time) []byte {
	sum := sha256.Sum256([]byte(id))
	name := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:20]))
	domain := m.c.From[strings.LastIndexByte(m.c.From, '@')+1:]
	subject = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, subject)
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: %s\r\nTo: %s\r\nSubject: %s\r\nDate: %s\r\nMessage-ID: <%s@%s>\r\nAuto-Submitted: auto-generated\r\n", m.c.From, to,
		mime.QEncoding.Encode("utf-8", subject), now.Format(time.RFC1123Z), name, domain)
	b.WriteString("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n")
	w := quotedprintable.NewWriter(&b)
	io.WriteString(w, strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\r\n")) // a buffer takes all
	w.Close()
	return append(b.Bytes(), "\r\n"...)
}
