package carddav_test

import (
	"errors"
	"io"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"

	"firsthand/connector/connectortest"
)

// A mailHost takes what is sent, or refuses it.
type mailHost struct {
	port int

	mu     sync.Mutex
	sent   []connectortest.Sent
	ids    []string
	refuse *smtp.SMTPError // once
	lose   bool            // take it, and break off before the answer
}

func newMailHost(t testing.TB) *mailHost {
	h := &mailHost{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	h.port = l.Addr().(*net.TCPAddr).Port
	srv := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{h: h, conn: c.Conn()}, nil }))
	srv.Domain = "mx.acme.test"
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	return h
}

func (h *mailHost) all() []connectortest.Sent {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]connectortest.Sent(nil), h.sent...)
}

func (h *mailHost) set(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

type session struct {
	h    *mailHost
	conn net.Conn
	to   string
}

func (s *session) Mail(string, *smtp.MailOptions) error      { return nil }
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error { s.to = to; return nil }
func (s *session) Reset()                                    {}
func (s *session) Logout() error                             { return nil }

func (s *session) Data(r io.Reader) error {
	m, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		return err
	}
	h := s.h
	h.mu.Lock()
	defer h.mu.Unlock()
	if e := h.refuse; e != nil {
		h.refuse = nil
		return e
	}
	if m.Header.Get("To") != s.to || m.Header.Get("Auto-Submitted") != "auto-generated" {
		return errors.New("not as it should be")
	}
	h.sent = append(h.sent, connectortest.Sent{To: s.to, Text: strings.TrimRight(string(text), "\r\n")})
	h.ids = append(h.ids, m.Header.Get("Message-Id"))
	if h.lose {
		h.lose = false
		s.conn.Close()
	}
	return nil
}
