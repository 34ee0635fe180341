package tryton

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"strings"
	"time"

	gomail "github.com/emersion/go-message/mail"
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"firsthand/connector"
	"firsthand/connector/remote"
	"firsthand/fault"
)

// An SMTP is the company's mail server.
type SMTP struct {
	// Address is host:port. At port 465 it speaks TLS from the beginning, elsewhere
	// after STARTTLS, and only on loopback without.
	Address string `json:"address"`

	// User and PasswordFile sign in, if the server wants that. firsthand-gateway looks
	// for a relative path beside its configuration.
	User         string `json:"user"`
	PasswordFile string `json:"password_file"`

	// From is the sender, "Vendor <care@vendor.example>" or the address alone.
	From string `json:"from"`
}

func (s *SMTP) check() error {
	if _, _, err := net.SplitHostPort(s.Address); err != nil {
		return errors.New("smtp: address is no host:port")
	}
	if _, err := mail.ParseAddress(s.From); err != nil {
		return errors.New("smtp: from is no address")
	}
	if (s.User == "") != (s.PasswordFile == "") {
		return errors.New("smtp: user and password_file go together")
	}
	return nil
}

// errUnsure says that the server was told all, and its answer was lost.
var errUnsure = errors.New("nobody knows whether the message has gone")

// patience is how long a message may take.
const patience = 30 * time.Second

// send sends m. Unless the error is errUnsure, it has not gone.
func (s *SMTP) send(ctx context.Context, to string, m connector.Message, now time.Time) error {
	text, from, err := s.compose(to, m, now)
	if err != nil {
		return fault.Tell(fault.Invalid, "the message can't be sent: "+err.Error(), "look at the e-mail address on record")
	}
	c, err := s.dial(ctx)
	if err != nil {
		return down(err)
	}
	defer c.Close()
	if s.User != "" {
		password, err := remote.Secret(s.PasswordFile)
		if err != nil {
			return err
		}
		if err := c.Auth(sasl.NewPlainClient("", s.User, password)); err != nil {
			return down(err)
		}
	}
	if err := c.Mail(from, nil); err != nil {
		return down(err)
	}
	if err := c.Rcpt(to, nil); err != nil {
		return down(err)
	}
	w, err := c.Data()
	if err != nil {
		return down(err)
	}
	if _, err := w.Write(text); err != nil {
		return errUnsure
	}
	if err := w.Close(); err != nil {
		if _, answered := errors.AsType[*smtp.SMTPError](err); answered {
			return down(err)
		}
		return errUnsure
	}
	c.Quit()
	return nil
}

// down returns err as what the gateway does about it: come again, or show it, which
// repeats the status and not the server's text, for that may have the address in it.
func down(err error) error {
	if said, ok := errors.AsType[*smtp.SMTPError](err); ok && said.Code >= 500 {
		return fault.Tell(fault.Denied, fmt.Sprintf("the mail server refuses the message (%d)", said.Code), "its log should say why; the e-mail address on record may be wrong")
	}
	return fmt.Errorf("%w: the mail server can't be reached or is busy", fault.Unavailable)
}

func (s *SMTP) dial(ctx context.Context) (*smtp.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	host, port, _ := net.SplitHostPort(s.Address)
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.Address)
	if err != nil {
		return nil, err
	}
	end, _ := ctx.Deadline()
	conn.SetDeadline(end)
	config := &tls.Config{ServerName: host}
	switch {
	case port == "465":
		return smtp.NewClient(tls.Client(conn, config)), nil
	case remote.Loopback(host):
		return smtp.NewClient(conn), nil
	}
	c, err := smtp.NewClientStartTLS(conn, config)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

// compose returns the message and the sender's address.
func (s *SMTP) compose(to string, m connector.Message, now time.Time) (text []byte, from string, err error) {
	sender, err := mail.ParseAddress(s.From)
	if err != nil {
		return nil, "", err
	}
	if strings.ContainsAny(to, " \t\r\n<>,;\"") || strings.Count(to, "@") != 1 {
		return nil, "", errors.New("there is no address to send it to")
	}
	var h gomail.Header
	h.SetDate(now)
	h.SetAddressList("From", []*gomail.Address{{Name: sender.Name, Address: sender.Address}})
	h.SetAddressList("To", []*gomail.Address{{Address: to}})
	h.SetSubject(firstLine(m.Subject))
	_, domain, _ := strings.Cut(sender.Address, "@")
	h.SetMessageID(fmt.Sprintf("%x@%s", sha256.Sum256([]byte(m.ID)), domain))
	h.Set("Auto-Submitted", "auto-generated")
	h.SetContentType("text/plain", map[string]string{"charset": "utf-8"})
	var b bytes.Buffer
	w, err := gomail.CreateSingleInlineWriter(&b, h)
	if err != nil {
		return nil, "", err
	}
	if _, err := w.Write([]byte(m.Text)); err != nil {
		return nil, "", err
	}
	if err := w.Close(); err != nil {
		return nil, "", err
	}
	return b.Bytes(), sender.Address, nil
}
