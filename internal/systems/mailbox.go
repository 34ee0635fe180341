package systems

import (
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-message/mail"
	"github.com/emersion/go-smtp"
)

// A Mailbox is a company's mail host on loopback, for what its systems send. It keeps
// that until it is closed, and passes nothing on.
type Mailbox struct {
	Port int

	server *smtp.Server
	now    func() time.Time

	mu     sync.Mutex
	mails  []Mail
	fail   *smtp.SMTPError
	hangUp bool
}

// A Mail is one that came, for one of those it was sent to.
type Mail struct {
	To, Subject string
	Text        string // the first part, with line breaks as here
	At          time.Time
}

// maxMail is how large a mail may be: those of systems are short.
const maxMail = 1 << 20

// OpenMailbox opens a mailbox. now is the clock.
func OpenMailbox(now func() time.Time) (*Mailbox, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	m := &Mailbox{Port: l.Addr().(*net.TCPAddr).Port, now: now}
	m.server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &posting{box: m, conn: c}, nil }))
	m.server.Domain, m.server.MaxMessageBytes, m.server.MaxRecipients = "localhost", maxMail, 10
	m.server.ReadTimeout, m.server.WriteTimeout = time.Minute, time.Minute
	go m.server.Serve(l) // ends with Close
	return m, nil
}

// Close closes it, and what comes to it.
func (m *Mailbox) Close() error { return m.server.Close() }

// Mails returns what came, oldest first.
func (m *Mailbox) Mails() []Mail {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.mails)
}

// To returns the texts of what came for an address, oldest first.
func (m *Mailbox) To(address string) (texts []string) {
	for _, each := range m.Mails() {
		if each.To == address {
			texts = append(texts, each.Text)
		}
	}
	return texts
}

// Fail has it refuse the next mail, once, with a code of SMTP's and a text.
func (m *Mailbox) Fail(code int, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = &smtp.SMTPError{Code: code, Message: text}
}

// HangUp has it keep each mail from now on without an answer to who sent it.
func (m *Mailbox) HangUp() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hangUp = true
}

// A posting is one connection.
type posting struct {
	box  *Mailbox
	conn *smtp.Conn
	to   []string
}

func (p *posting) Reset()                               { p.to = nil }
func (p *posting) Logout() error                        { return nil }
func (p *posting) Mail(string, *smtp.MailOptions) error { return nil }

func (p *posting) Rcpt(to string, _ *smtp.RcptOptions) error {
	if !slices.Contains(p.to, to) {
		p.to = append(p.to, to)
	}
	return nil
}

func (p *posting) Data(r io.Reader) error {
	m, err := mail.CreateReader(r)
	if err != nil {
		return err
	}
	subject, err := m.Header.Subject()
	if err != nil {
		return err
	}
	part, err := m.NextPart()
	if err != nil {
		return err
	}
	text, err := io.ReadAll(part.Body)
	if err != nil {
		return err
	}
	p.box.mu.Lock()
	defer p.box.mu.Unlock()
	if fail := p.box.fail; fail != nil {
		p.box.fail = nil
		return fail
	}
	for _, to := range p.to {
		p.box.mails = append(p.box.mails, Mail{To: to, Subject: subject, Text: strings.ReplaceAll(string(text), "\r\n", "\n"), At: p.box.now()})
	}
	if p.box.hangUp {
		p.conn.Conn().Close()
	}
	return nil
}
