package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"firsthand/fault"
	"firsthand/internal/agent/channel"
)

// A Post carries mails. The zero value is ready. It connects where she said, to no
// other place, and only ever with TLS.
type Post struct {
	Roots *x509.CertPool // nil: those of the system
	// Dial is nil for the network's own.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Patience is how long one step of a server may take; zero for two minutes, as
	// RFC 5321 has it for most.
	Patience time.Duration
	// Poll is how long Wait waits at most; zero for some minutes.
	Poll time.Duration
}

var _ channel.Post = (*Post)(nil)

func (p *Post) patience() time.Duration {
	if p.Patience > 0 {
		return p.Patience
	}
	return 2 * time.Minute
}

// dial connects to a server, with TLS from the first byte where she said so.
func (p *Post) dial(ctx context.Context, s channel.Server, what string) (net.Conn, error) {
	dial := p.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: 30 * time.Second}).DialContext
	}
	if s.TLS != channel.Implicit && s.TLS != channel.StartTLS {
		return nil, fault.Tell(fault.Invalid, "a mail server is reached with tls or starttls, not "+channel.Clean(s.TLS), "most have tls at port 465 to send and 993 to receive")
	}
	ctx, cancel := context.WithTimeout(ctx, p.patience())
	defer cancel()
	conn, err := dial(ctx, "tcp", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)))
	if err != nil {
		return nil, told(channel.ErrAccount, "the mail server for %s, %s at port %d, can't be reached", "look at host and port in the settings of your mail provider, and whether this machine is online", what, s.Host, s.Port)
	}
	if s.TLS == channel.StartTLS {
		return conn, nil
	}
	secure := tls.Client(conn, p.tls(s))
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, badTLS(err, s, what)
	}
	return secure, nil
}

func (p *Post) tls(s channel.Server) *tls.Config {
	return &tls.Config{ServerName: s.Host, RootCAs: p.Roots, MinVersion: tls.VersionTLS12}
}

// badTLS says what is wrong with a server's TLS.
func badTLS(err error, s channel.Server, what string) error {
	var host x509.HostnameError
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &host), errors.As(err, &unknown), errors.As(err, &invalid):
		return told(channel.ErrAccount, "%s at port %d, the server for %s, shows a certificate that is not good for this name", "nothing was sent to it; look at the host's name in the settings of your mail provider", s.Host, s.Port, what)
	case errors.As(err, &record):
		return told(channel.ErrAccount, "%s at port %d, the server for %s, doesn't begin with TLS", "try starttls, or another port: 465 to send and 993 to receive begin with TLS, 587 and 143 do not", s.Host, s.Port, what)
	}
	return told(channel.ErrAccount, "no secure connection with %s at port %d, the server for %s", "look at host, port and the kind of TLS in the settings of your mail provider", s.Host, s.Port, what)
}

const toSend, toReceive = "sending", "receiving"

// Submit implements [channel.Post].
func (p *Post) Submit(ctx context.Context, a channel.Account) (_ channel.Submission, err error) {
	conn, err := p.dial(ctx, a.Submit, toSend)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() }) // ends what waits for the server
	s := &submission{conn: conn, stop: stop}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if err := conn.SetDeadline(time.Now().Add(p.patience())); err != nil {
		return nil, err
	}
	if a.Submit.TLS == channel.StartTLS {
		// The library sets a deadline of its own, of minutes, before one can set another.
		late := time.AfterFunc(p.patience(), func() { conn.Close() })
		defer late.Stop()
		if s.client, err = smtp.NewClientStartTLS(conn, p.tls(a.Submit)); err != nil {
			var refused *smtp.SMTPError
			if errors.As(err, &refused) || strings.Contains(err.Error(), "STARTTLS") {
				return nil, told(channel.ErrAccount, "%s at port %d offers no STARTTLS, and nothing is sent without", "try tls at port 465", a.Submit.Host, a.Submit.Port)
			}
			return nil, badTLS(err, a.Submit, toSend)
		}
	} else {
		s.client = smtp.NewClient(conn)
	}
	s.client.CommandTimeout, s.client.SubmissionTimeout = p.patience(), 5*p.patience()
	if err := s.client.Hello("localhost"); err != nil { // where she sits is nobody's business
		return nil, answered(err, a)
	}
	auth, err := mechanism(s.client, a)
	if err != nil {
		return nil, err
	}
	if err := s.client.Auth(auth); err != nil {
		return nil, answered(err, a)
	}
	return s, nil
}

func mechanism(c *smtp.Client, a channel.Account) (sasl.Client, error) {
	user := a.User
	if user == "" {
		user = a.Address
	}
	switch {
	case c.SupportsAuth(sasl.Plain):
		return sasl.NewPlainClient("", user, string(a.Password)), nil
	case c.SupportsAuth(sasl.Login):
		return sasl.NewLoginClient(user, string(a.Password)), nil
	}
	return nil, told(channel.ErrAccount, "%s takes no user and password at port %d", "sending goes to the port for submission, 465 or 587, and not to 25", a.Submit.Host, a.Submit.Port)
}

// answered returns the error of a server that answered, or didn't, before any mail.
func answered(err error, a channel.Account) error {
	var said *smtp.SMTPError
	if errors.As(err, &said) {
		switch {
		case said.Code == 535 || said.Code == 534 || said.Code == 530:
			return told(channel.ErrAccount, "%s refuses your user name or password", "many providers want a password made for this app: make one there, then set the account again: firsthand mail account", a.Submit.Host)
		default:
			return told(channel.ErrAccount, "%s answers %d", "it may be busy; this is tried again", a.Submit.Host, said.Code)
		}
	}
	return told(channel.ErrAccount, "%s at port %d doesn't answer as a mail server does", "look at host, port and the kind of TLS in the settings of your mail provider", a.Submit.Host, a.Submit.Port)
}

// A submission is an account that is open for sending.
type submission struct {
	client *smtp.Client
	conn   net.Conn
	stop   func() bool
	broken bool
}

// Send implements [channel.Submission]. Of what the server may have, this order makes
// sure: before the final dot it has nothing, since RFC 5321 has it deliver only what
// came to its end; after it, its answer says for all recipients at once.
func (s *submission) Send(from string, to []string, raw []byte, ready func() error) error {
	if s.broken {
		return fmt.Errorf("%w: the connection was lost", channel.ErrAccount)
	}
	if err := s.client.Mail(from, nil); err != nil {
		return s.refused(err, true)
	}
	for _, address := range to {
		if err := s.client.Rcpt(address, nil); err != nil {
			return s.refused(err, false)
		}
	}
	data, err := s.client.Data()
	if err != nil {
		return s.refused(err, false)
	}
	s.broken = true // until it has its end: nothing else may be said meanwhile
	if _, err := data.Write(raw); err != nil {
		return fmt.Errorf("%w: the connection was lost: %v", channel.ErrAccount, err)
	}
	if err := ready(); err != nil {
		return errors.Join(err, s.conn.Close()) // without the dot it is nothing
	}
	err = data.Close()
	var said *smtp.SMTPError
	switch {
	case err == nil:
		s.broken = false
		return nil
	case errors.As(err, &said):
		s.broken = false
		return s.refused(err, false)
	}
	return fmt.Errorf("%w: %v", channel.ErrMaybe, err)
}

// refused says by its kind whether a mail may be tried again.
func (s *submission) refused(err error, sender bool) error {
	var said *smtp.SMTPError
	if !errors.As(err, &said) {
		s.broken = true
		return fmt.Errorf("%w: the connection was lost: %v", channel.ErrAccount, err)
	}
	if err := s.client.Reset(); err != nil {
		s.broken = true
	}
	text := fmt.Sprintf("your mail server answered %d %s", said.Code, channel.Clean(said.Message))
	switch {
	case said.Code == 421:
		s.broken = true
		return fmt.Errorf("%w: %w", channel.ErrAccount, fault.Tell(fault.Unavailable, text, "this is tried again"))
	case said.Code/100 == 4:
		return fault.Tell(fault.Unavailable, text, "this is tried again")
	case sender:
		return fmt.Errorf("%w: %w", channel.ErrAccount, fault.Tell(fault.Unavailable, text, "the address of the account must be one that your provider lets you send from"))
	}
	return fault.Tell(fault.Denied, text, "look at the company's address")
}

// Close implements [channel.Submission].
func (s *submission) Close() error {
	defer s.stop()
	if s.client == nil || s.broken {
		return s.conn.Close()
	}
	if s.client.Quit() != nil {
		return s.conn.Close()
	}
	return nil
}
