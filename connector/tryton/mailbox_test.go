package tryton_test

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-message/mail"
	"github.com/emersion/go-smtp"

	"firsthand/connector/connectortest"
)

// A mailbox is a mail server on loopback that keeps what it gets.
type mailbox struct {
	addr string

	mu     sync.Mutex
	sent   []connectortest.Sent
	fail   *smtp.SMTPError // what it answers to the next message's text, once
	hangUp bool            // once it has a message, without an answer
}

func newMailbox(t testing.TB) *mailbox {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	m := &mailbox{addr: l.Addr().String()}
	s := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &delivery{box: m, conn: c}, nil }))
	s.Domain, s.ReadTimeout, s.WriteTimeout = "localhost", time.Minute, time.Minute
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return m
}

func (m *mailbox) set(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
}

func (m *mailbox) all() []connectortest.Sent {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]connectortest.Sent(nil), m.sent...)
}

type delivery struct {
	box  *mailbox
	conn *smtp.Conn
	to   string
}

func (d *delivery) Reset()                                    {}
func (d *delivery) Logout() error                             { return nil }
func (d *delivery) Mail(string, *smtp.MailOptions) error      { return nil }
func (d *delivery) Rcpt(to string, _ *smtp.RcptOptions) error { d.to = to; return nil }

func (d *delivery) Data(r io.Reader) error {
	text, err := mail.CreateReader(r)
	if err != nil {
		return err
	}
	part, err := text.NextPart()
	if err != nil {
		return err
	}
	body, err := io.ReadAll(part.Body)
	if err != nil {
		return err
	}
	d.box.mu.Lock()
	defer d.box.mu.Unlock()
	if fail := d.box.fail; fail != nil {
		d.box.fail = nil
		return fail
	}
	d.box.sent = append(d.box.sent, connectortest.Sent{To: d.to, Text: strings.TrimSpace(string(body))})
	if d.box.hangUp {
		d.conn.Conn().Close()
	}
	return nil
}
