package mail_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/channel"
	"firsthand/internal/agent/channel/mail"
	"firsthand/internal/agent/channel/mail/mailtest"
)

func post(h *mailtest.Host) *mail.Post {
	return &mail.Post{Roots: h.Roots, Patience: 20 * time.Second, Poll: 20 * time.Second}
}

func written(t testing.TB, p *mail.Post, entry byte, to string) (channel.MessageID, []byte) {
	t.Helper()
	id := channel.MessageIDOf(firsthand.ID{entry}, "", "her.test")
	raw, err := p.Write(channel.Posted{ID: id, From: mailtest.Hers, Name: "Mia Peeters", To: to, Date: time.Now(), Subject: "Grüße", Text: "Hello.\n"})
	if err != nil {
		t.Fatal(err)
	}
	return id, raw
}

// TestHost sends and reads by Postfix and Dovecot.
func TestHost(t *testing.T) {
	h := mailtest.Start(t)
	p, acc := post(h), h.Account(mailtest.Hers)
	start := acc
	start.Submit, start.Receive = channel.Server{Host: "localhost", Port: h.SubmitTLS, TLS: channel.StartTLS}, channel.Server{Host: "localhost", Port: h.IMAP, TLS: channel.StartTLS}

	t.Run("both ways of TLS", func(t *testing.T) {
		for _, a := range []channel.Account{acc, start} {
			s, err := p.Submit(t.Context(), a)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			m, err := p.Mailbox(t.Context(), a)
			if err != nil {
				t.Fatal(err)
			}
			if err := m.Close(); err != nil {
				t.Error(err)
			}
		}
	})

	t.Run("what is wrong is said, and what to do", func(t *testing.T) {
		for name, c := range map[string]struct {
			change     func(*channel.Account)
			post       *mail.Post
			send, read string
		}{
			"password":    {change: func(a *channel.Account) { a.Password = "wrong" }, send: "user name or password", read: "user name or password"},
			"tls":         {change: func(a *channel.Account) { a.Submit.TLS, a.Receive.TLS = channel.StartTLS, channel.StartTLS }, send: "doesn't|STARTTLS|secure", read: "doesn't|STARTTLS|secure"},
			"starttls":    {change: func(a *channel.Account) { a.Submit.Port, a.Receive.Port = h.SubmitTLS, h.IMAP }, send: "doesn't begin with TLS", read: "doesn't begin with TLS"},
			"nobody":      {change: func(a *channel.Account) { a.Submit.Port, a.Receive.Port = 1, 1 }, send: "can't be reached", read: "can't be reached"},
			"certificate": {post: &mail.Post{Patience: time.Second}, send: "certificate", read: "certificate"},
			"no TLS":      {change: func(a *channel.Account) { a.Submit.TLS, a.Receive.TLS = "none", "none" }, send: "tls or starttls", read: "tls or starttls"},
			"no password": {change: func(a *channel.Account) { a.Submit.Port, a.Submit.TLS = h.Outside, channel.StartTLS }, send: "no user and password"},
		} {
			a, via := acc, &mail.Post{Roots: h.Roots, Patience: 2 * time.Second}
			if c.change != nil {
				c.change(&a)
			}
			if c.post != nil {
				via = c.post
			}
			for what, open := range map[string]func() error{
				c.send: func() error { _, err := via.Submit(t.Context(), a); return err },
				c.read: func() error { _, err := via.Mailbox(t.Context(), a); return err },
			} {
				if what == "" {
					continue
				}
				err := open()
				var n *fault.Notice
				if !errors.As(err, &n) || n.Hint == "" || !anyOf(n.Text, what) {
					t.Errorf("%s: %v, want a sentence with %q and what to do", name, err, what)
				}
				if err != nil && strings.Contains(err.Error(), mailtest.Password) {
					t.Errorf("%s: the password is in %v", name, err)
				}
			}
		}
	})

	t.Run("sent, copied, found, filed", func(t *testing.T) {
		id, raw := written(t, p, 1, mailtest.Company)
		s, err := p.Submit(t.Context(), acc)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		refuse := errors.New("not yet")
		if err := s.Send(mailtest.Hers, []string{mailtest.Company, mailtest.Hers}, raw, func() error { return refuse }); !errors.Is(err, refuse) {
			t.Errorf("send = %v, want %v", err, refuse)
		}
		s, err = p.Submit(t.Context(), acc)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.Send(mailtest.Hers, []string{"nobody@acme.test"}, raw, func() error { t.Error("nothing was there to be ready"); return nil }); fault.KindOf(err) != fault.Denied {
			t.Errorf("send to nobody = %v, want %v", err, fault.Denied)
		}
		ready := 0
		if err := s.Send(mailtest.Hers, []string{mailtest.Company, mailtest.Hers}, raw, func() error { ready++; return nil }); err != nil || ready != 1 {
			t.Fatalf("send = %v, ready %d times", err, ready)
		}
		got := h.Await(mailtest.Company, "", 1)
		h.Await(mailtest.Hers, "", 1)
		if len(got) != 1 || bytes.Contains(got[0], []byte("localhost.localdomain")) || !bytes.Contains(got[0], []byte("Message-ID: <"+string(id)+">")) {
			t.Errorf("%d mails, %s", len(got), got[0])
		}
		m, err := p.Mailbox(t.Context(), acc)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		for range 2 { // the second time nothing is left to do
			if found, err := m.Find(id); !found || err != nil {
				t.Errorf("found = %t, %v", found, err)
			}
			if err := m.File(id, raw); err != nil {
				t.Fatal(err)
			}
			if in, sent := len(h.Mails(mailtest.Hers, "")), len(h.Mails(mailtest.Hers, "Sent")); in != 0 || sent != 1 {
				t.Errorf("%d in the inbox and %d sent, want 0 and 1", in, sent)
			}
		}
		other, raw2 := written(t, p, 2, mailtest.Company)
		if found, err := m.Find(other); found || err != nil {
			t.Errorf("found = %t, %v of a mail that nobody sent", found, err)
		}
		if err := m.File(other, raw2); err != nil {
			t.Fatal(err)
		}
		if sent := len(h.Mails(mailtest.Hers, "Sent")); sent != 2 {
			t.Errorf("%d sent, want 2", sent)
		}
	})

	t.Run("news", func(t *testing.T) {
		m, err := p.Mailbox(t.Context(), acc)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		cursor, err := m.News("", func(channel.Header) (bool, error) { t.Error("nothing is new"); return false, nil }, nil)
		if err != nil {
			t.Fatal(err)
		}
		waited := make(chan error, 1)
		h.Say(h.Inside, mailtest.Company, mailtest.Hers, []byte("Subject: one\r\nFrom: privacy@acme.test\r\nMessage-ID: <1@acme.test>\r\n\r\nbody one\r\n"))
		go func() { waited <- m.Wait(t.Context()) }()
		if err := <-waited; err != nil {
			t.Fatal(err)
		}
		h.Say(h.Outside, mailtest.Company, mailtest.Hers, []byte("Subject: two\r\nFrom: privacy@acme.test\r\nMessage-ID: <2@acme.test>\r\n\r\nbody two\r\n"))
		h.Await(mailtest.Hers, "", 2)
		var seen []string
		stop := errors.New("stop")
		take := func(head channel.Header, body io.Reader) error {
			raw, err := io.ReadAll(body)
			heard := p.Heard(head, mailtest.AuthServ)
			seen = append(seen, heard.Subject+" "+heard.Proof.DMARC+" "+heard.Proof.Domain+" "+string(raw[bytes.Index(raw, []byte("body")):len(raw)-2]))
			if len(seen) == 1 {
				return errors.Join(err, stop)
			}
			return err
		}
		all := func(channel.Header) (bool, error) { return true, nil }
		cursor, err = m.News(cursor, all, take)
		if !errors.Is(err, stop) {
			t.Errorf("news = %v, want %v", err, stop)
		}
		if cursor, err = m.News(cursor, all, take); err != nil {
			t.Fatal(err)
		}
		if want := "one pass acme.test body one, one pass acme.test body one, two fail  body two"; strings.Join(seen, ", ") != want {
			t.Errorf("seen %q, want %q", seen, want)
		}
		if _, err = m.News(cursor, all, take); err != nil || len(seen) != 3 {
			t.Errorf("once more %v, %v", seen, err)
		}
	})
}

func anyOf(text, parts string) bool {
	for part := range strings.SplitSeq(parts, "|") {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}
