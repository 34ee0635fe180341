package world

import (
	"crypto/rand"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"firsthand/internal/agent/channel"
	"firsthand/internal/agent/channel/mail"
)

// Mia's mail account, at the provider of her new address.
const (
	mailHostName = "mail.peeters.example"
	MailPassword = "letters from Gent" // of the demo alone, and printed by it
	submitPort   = 465
	receivePort  = 993
)

// MailAccount is the account, as she types it into Firsthand.
func MailAccount() channel.Account {
	return channel.Account{Address: NewEmail, Password: MailPassword, AuthServ: mailHostName,
		Submit:  channel.Server{Host: mailHostName, Port: submitPort, TLS: channel.Implicit},
		Receive: channel.Server{Host: mailHostName, Port: receivePort, TLS: channel.Implicit}}
}

// Mail is how mails go and come in the world: to hosts that it has, and no others,
// with TLS under the world's authority, and with all that is checked in real use.
func (w *World) Mail() *mail.Post { return &mail.Post{Roots: w.net.roots, Dial: w.net.dialHost} }

// A mailHost is where Mia has her account: it takes what she sends, carries it to
// companies, and lets her read what came. Others reach her by [mailHost.take], as
// hosts of companies would.
type mailHost struct {
	post    *post
	user    *imapmemserver.User
	submit  *smtp.Server
	receive *imapserver.Server
	net     *network
	serving sync.WaitGroup
}

// Her mailboxes.
const inbox, sentBox = "INBOX", "Sent"

func openMailHost(p *post, n *network, log *slog.Logger) (_ *mailHost, err error) {
	h := &mailHost{post: p, user: imapmemserver.NewUser(NewEmail, MailPassword), net: n}
	if err := h.fill(); err != nil {
		return nil, err
	}
	quiet := slog.NewLogLogger(log.Handler(), slog.LevelDebug)
	h.submit = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &submission{host: h}, nil }))
	h.submit.Domain, h.submit.ErrorLog, h.submit.MaxMessageBytes, h.submit.MaxRecipients = mailHostName, quiet, maxPosted, 10
	h.receive = imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return imapmemserver.NewUserSession(h.user), nil, nil
		},
		Caps:   imap.CapSet{imap.CapIMAP4rev1: {}, imap.CapNamespace: {}, imap.CapUIDPlus: {}, imap.CapESearch: {}, imap.CapMove: {}},
		Logger: quiet,
	})
	cert, err := n.add(mailHostName)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.close())
		}
	}()
	for port, serve := range map[uint16]func(net.Listener) error{submitPort: h.submit.Serve, receivePort: h.receive.Serve} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		secure := tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
		h.serving.Go(func() { serve(secure) }) // it ends when the server is closed, and no other way
		n.open(mailHostName, port, l.Addr().String())
	}
	return h, nil
}

// fill makes her mailboxes of what was delivered to her: what is from herself lies
// among the mails sent. From one opening to the next mails are numbered anew, unless
// none has come; and that is what the validity of the numbers says.
func (h *mailHost) fill() error {
	mails := h.post.all()
	for range mails { // each makes the validity of the next mailbox one more
		if err := errors.Join(h.user.Create("-", nil), h.user.Delete("-")); err != nil {
			return err
		}
	}
	for _, name := range []string{inbox, sentBox} {
		if err := h.user.Create(name, nil); err != nil {
			return err
		}
	}
	put := func(box string, m *Mail) error {
		_, err := h.user.Append(box, literal{strings.NewReader(string(m.Raw))}, &imap.AppendOptions{Time: m.At})
		return err
	}
	for _, m := range mails {
		if !slices.ContainsFunc(m.To, atHers) {
			continue
		}
		box := inbox
		if atHers(m.From) {
			box = sentBox
		}
		if err := put(box, m); err != nil {
			return err
		}
	}
	h.post.heard = func(m *Mail) {
		if slices.ContainsFunc(m.To, atHers) {
			put(inbox, m) // which is there, always
		}
	}
	return nil
}

// A literal is a mail for a mailbox.
type literal struct{ *strings.Reader }

func (l literal) Size() int64 { return l.Reader.Size() }

// atHers reports whether an address is at her domain: all of them are hers.
func atHers(address string) bool { return domainOf(address) == domainOf(NewEmail) }

func domainOf(address string) string {
	return strings.ToLower(address[strings.LastIndexByte(address, '@')+1:])
}

func (h *mailHost) close() error {
	h.post.close()
	h.net.open(mailHostName, submitPort, "")
	h.net.open(mailHostName, receivePort, "")
	err := errors.Join(h.submit.Close(), h.receive.Close())
	h.serving.Wait()
	return err
}

// A submission is somebody who wants to send as Mia.
type submission struct {
	host *mailHost
	in   bool
	from string
	to   []string
}

var _ smtp.AuthSession = (*submission)(nil)

func (s *submission) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *submission) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != NewEmail || subtle.ConstantTimeCompare([]byte(password), []byte(MailPassword)) != 1 {
			return smtp.ErrAuthFailed
		}
		s.in = true
		return nil
	}), nil
}

func (s *submission) Mail(from string, _ *smtp.MailOptions) error {
	if !s.in {
		return smtp.ErrAuthRequired
	}
	if !atHers(from) {
		return &smtp.SMTPError{Code: 553, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "not an address of yours"}
	}
	s.from = from
	return nil
}

func (s *submission) Rcpt(to string, _ *smtp.RcptOptions) error {
	if !atHers(to) && firmAt(domainOf(to)) == nil {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 2}, Message: "no such host in this made-up world: nothing leaves it"}
	}
	s.to = append(s.to, to)
	return nil
}

func (s *submission) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := s.host.post.deliver(s.from, s.to, "auth=pass smtp.auth="+NewEmail, raw); err != nil {
		return err
	}
	return s.host.bounce(s.from, s.to, raw)
}

func (s *submission) Reset() { s.from, s.to = "", nil }

func (s *submission) Logout() error { return nil }

// bounce tells her what the hosts of companies have not taken.
func (h *mailHost) bounce(from string, to []string, raw []byte) error {
	heard := new(mail.Post).Heard(channel.Header{Raw: raw}, "")
	for _, address := range to {
		if readings[domainOf(address)] != IsGone {
			continue
		}
		text := fmt.Sprintf("From: MAILER-DAEMON@%[1]s\r\nTo: %[2]s\r\nSubject: Undelivered Mail Returned to Sender\r\nDate: %[3]s\r\nMessage-ID: <%[4]s@%[1]s>\r\n"+
			"Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=%[4]s\r\n\r\n"+
			"--%[4]s\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nThis is the mail system at host %[1]s.\r\n\r\nYour message to <%[5]s> could not be delivered.\r\n"+
			"--%[4]s\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; %[1]s\r\n\r\nFinal-Recipient: rfc822; %[5]s\r\nAction: failed\r\nStatus: 5.1.1\r\n"+
			"Diagnostic-Code: smtp; 550 5.1.1 there is no such mailbox here any more\r\n\r\n"+
			"--%[4]s\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <%[6]s>\r\n\r\n--%[4]s--\r\n",
			mailHostName, from, h.post.now().Format(time.RFC1123Z), rand.Text(), address, heard.ID)
		if err := h.post.deliver("", []string{from}, "", []byte(text)); err != nil {
			return err
		}
	}
	return nil
}
