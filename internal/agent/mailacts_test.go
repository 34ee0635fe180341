package agent_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/agenttest"
	"firsthand/internal/agent/channel"
	"firsthand/internal/agent/channel/mail"
	"firsthand/internal/agent/channel/manual"
	"firsthand/terms"
)

// newMailer returns an agent in memory with an account that reaches nobody.
func newMailer(t *testing.T, s agent.Store) *mover {
	t.Helper()
	m := &mover{t: t}
	m.Agent = agent.New(agent.Options{Store: s, Roster: terms.Default(), Now: m.clock, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler),
		Channels: []channel.Channel{mail.Mail{}, manual.Manual{}}, Mail: &mail.Post{Patience: time.Second}})
	m.must(fill(t, s, testKit))
	return m
}

func account() channel.Account {
	return channel.Account{Address: "mia@her.example", Password: "secret-of-hers", AuthServ: "mx.her.example",
		Submit: channel.Server{Host: "127.0.0.1", Port: 1, TLS: channel.Implicit}, Receive: channel.Server{Host: "127.0.0.1", Port: 1, TLS: channel.StartTLS}}
}

// say writes a message to a company of hers and has it go by mail.
func say(m *mover, domain, text string) firsthand.ID {
	m.t.Helper()
	r, err := m.Find(m.t.Context(), domain)
	if err != nil {
		r, err = m.Meet(m.t.Context(), domain, agent.MeetOptions{Unpaired: true})
		m.must(err)
	}
	act, err := m.Message(m.t.Context(), r.ID, firsthand.ID{}, text)
	m.must(err)
	m.must(m.SendMail(m.t.Context(), act.Entry))
	return act.Entry
}

// mailOf returns the mail that carries an entry.
func mailOf(m *mover, entry firsthand.ID) agent.Mail {
	m.t.Helper()
	all, err := m.Mails(m.t.Context(), agent.MailQuery{})
	m.must(err)
	for _, row := range all {
		if row.Entry == entry && row.Part == agent.Itself {
			return row
		}
	}
	m.t.Fatal("no such mail")
	return agent.Mail{}
}

// TestMailAccount: what is refused, and that a password goes nowhere else.
func TestMailAccount(t *testing.T) {
	m, ctx := newMailer(t, agenttest.NewMemory()), t.Context()
	if _, err := m.MailState(ctx); fault.KindOf(err) != fault.NotExist {
		t.Errorf("no account = %v, want %v", err, fault.NotExist)
	}
	for name, change := range map[string]func(*channel.Account){
		"no address":      func(a *channel.Account) { a.Address = "" },
		"two addresses":   func(a *channel.Account) { a.Address = "a@b.example, c@d.example" },
		"no host":         func(a *channel.Account) { a.Submit.Host = " " },
		"a page as host":  func(a *channel.Account) { a.Receive.Host = "https://mail.example/" },
		"no port":         func(a *channel.Account) { a.Receive.Port = 0 },
		"no TLS":          func(a *channel.Account) { a.Submit.TLS = "" },
		"no password":     func(a *channel.Account) { a.Password = "" },
		"a long password": func(a *channel.Account) { a.Password = channel.Password(strings.Repeat("x", 2000)) },
		"two lines":       func(a *channel.Account) { a.Password = "x\r\nRCPT" },
	} {
		bad := account()
		change(&bad)
		if err := m.SetMailAccount(ctx, bad); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v, want %v", name, err, fault.Invalid)
		}
	}
	m.must(m.SetMailAccount(ctx, account()))
	s, err := m.MailState(ctx)
	m.must(err)
	if s.Account.Password != "" || s.Account.Address != "mia@her.example" {
		t.Errorf("state %+v", s)
	}
	for _, shown := range []string{fmt.Sprint(account()), fmt.Sprintf("%+v %#v %s", account(), account(), account().Password)} {
		if strings.Contains(shown, "secret-of-hers") {
			t.Errorf("the password shows: %s", shown)
		}
	}
	again := account()
	again.Password, again.AuthServ = "", ""
	m.must(m.SetMailAccount(ctx, again))
	again.Submit.Host = "evil.example"
	if err := m.SetMailAccount(ctx, again); fault.KindOf(err) != fault.Invalid {
		t.Errorf("the password would go to another host: %v", err)
	}
	err = m.CheckMailAccount(ctx)
	if err == nil || strings.Contains(err.Error(), "secret-of-hers") {
		t.Errorf("check = %v", err)
	}
	m.must(m.DropMailAccount(ctx))
	if err := m.CheckMailAccount(ctx); fault.KindOf(err) != fault.NotExist {
		t.Errorf("check = %v, want %v", err, fault.NotExist)
	}
}

// TestMailChosen: with an account and an address mail is the way, and without one it
// is not.
func TestMailChosen(t *testing.T) {
	m, ctx := newMailer(t, agenttest.NewMemory()), t.Context()
	way := func() string {
		t.Helper()
		ways, err := m.Ways(ctx, "acme.example")
		m.must(err)
		return ways[0].Channel
	}
	if w := way(); w != "manual" {
		t.Errorf("without an account the way is %s", w)
	}
	m.must(m.SetMailAccount(ctx, account()))
	if w := way(); w != "manual" {
		t.Errorf("without an address the way is %s", w)
	}
	if err := m.SetMailAddress(ctx, "acme.example", "not an address"); fault.KindOf(err) != fault.Invalid {
		t.Errorf("address = %v, want %v", err, fault.Invalid)
	}
	m.must(m.SetMailAddress(ctx, "shop.acme.example", "privacy@acme.example"))
	if w := way(); w != agent.MailChannel {
		t.Errorf("with both the way is %s", w)
	}
	entry := say(m, "acme.example", "hello")
	open, _, err := m.Tasks(ctx, agent.TaskQuery{})
	m.must(err)
	if len(open) != 0 {
		t.Errorf("%d tasks are open though a mail is about to go", len(open))
	}
	m.must(m.SendMail(ctx, entry)) // twice is once
	d, err := m.MailDraft(ctx, entry, agent.Itself)
	m.must(err)
	if d.To != "privacy@acme.example" || d.From != "mia@her.example" || d.State != agent.MailWaiting || !strings.Contains(d.Text, "hello") {
		t.Errorf("draft %+v", d)
	}
	if _, err := m.PostMails(ctx); err == nil {
		t.Error("nobody is there to take it")
	}
	m.must(m.DropMail(ctx, entry, agent.Itself))
	if open, _, _ := m.Tasks(ctx, agent.TaskQuery{}); len(open) != 1 {
		t.Errorf("%d tasks are open, want the one whose mail was taken back", len(open))
	}
	m.must(m.SetMailAddress(ctx, "acme.example", ""))
	if err := m.SendMail(ctx, entry); fault.KindOf(err) != fault.Invalid {
		t.Errorf("send to nowhere = %v, want %v", err, fault.Invalid)
	}
}

// TestReminderAndComplaint: not before the day is over, and each by her hand.
func TestReminderAndComplaint(t *testing.T) {
	m, ctx := newMailer(t, agenttest.NewMemory()), t.Context()
	m.must(m.SetMailAccount(ctx, account()))
	m.must(m.SetMailAddress(ctx, "acme.de", "privacy@acme.de"))
	m.must(m.SetFact(ctx, "address.home", firsthand.Value{Parts: map[string]string{"street": "Graslei 2", "city": "Gent", "country": "Belgium"}}))
	r, err := m.Meet(ctx, "acme.de", agent.MeetOptions{Unpaired: true})
	m.must(err)
	act, err := m.Request(ctx, r.ID, firsthand.Request{Right: "access", Law: "GDPR"})
	m.must(err)
	for what, do := range map[string]func() error{
		"a reminder":  func() error { return m.SendReminder(ctx, act.Entry) },
		"a complaint": func() error { _, err := m.Complaint(ctx, act.Entry); return err },
	} {
		if err := do(); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s before the day: %v, want %v", what, err, fault.Invalid)
		}
	}
	m.set(time.Now().AddDate(0, 2, 0))
	m.must(m.SendReminder(ctx, act.Entry))
	mails, err := m.Mails(ctx, agent.MailQuery{})
	m.must(err)
	if len(mails) != 1 || mails[0].Part != agent.Reminder || mails[0].State != agent.MailWaiting {
		t.Errorf("mails %+v", mails)
	}
	d, err := m.MailDraft(ctx, act.Entry, agent.Reminder)
	m.must(err)
	if d.To != "privacy@acme.de" || d.Text == "" || !strings.Contains(d.Subject, "FH-") {
		t.Errorf("reminder %+v", d)
	}
	c, err := m.Complaint(ctx, act.Entry)
	m.must(err)
	if len(c.Authorities) == 0 || c.Text == "" || strings.Contains(c.Subject, "FH-") {
		t.Errorf("complaint %+v", c)
	}
}

// TestMailsAreExported: mails, answers and attachments move with her, and what waits
// is doubted.
func TestMailsAreExported(t *testing.T) {
	s := agenttest.NewMemory()
	m, ctx := newMailer(t, s), t.Context()
	m.must(m.SetMailAccount(ctx, account()))
	m.must(m.SetMailAddress(ctx, "acme.example", "privacy@acme.example"))
	entry := say(m, "acme.example", "hello")
	row := mailOf(m, entry)
	blob, err := s.AddBlob(ctx, strings.NewReader("%PDF"))
	m.must(err)
	blob.Media, blob.Name = "application/pdf", "a.pdf"
	m.must(s.Commit(ctx, agent.Commit{Answers: []agent.Answer{{Key: firsthand.ID{1}, Rel: row.Rel, Entry: entry, Kind: agent.FromPerson, From: "Ann", Subject: "Re", Text: "Done.",
		Came: time.Now(), Proof: channel.Proof{By: "mx", DKIM: "pass", Domain: "acme.example"}, Blobs: []firsthand.Blob{blob, blob}, Mark: agent.MarkProof, Marked: time.Now()}}}))
	var file bytes.Buffer
	m.must(m.Export(ctx, &file))
	z, err := zip.NewReader(bytes.NewReader(file.Bytes()), int64(file.Len()))
	m.must(err)
	for _, f := range z.File {
		r, err := f.Open()
		m.must(err)
		text, err := io.ReadAll(r)
		m.must(err)
		if bytes.Contains(text, []byte("secret-of-hers")) {
			t.Errorf("the password of her account is in %s of the export", f.Name)
		}
	}
	other := newMailer(t, agenttest.NewMemory())
	_, err = other.Import(ctx, bytes.NewReader(file.Bytes()), int64(file.Len()))
	other.must(err)
	if got := mailOf(other, entry); got.State != agent.MailSending || !got.Begun.IsZero() {
		t.Errorf("the mail is %+v", got)
	}
	answers, _, err := other.Answers(ctx, agent.AnswerQuery{})
	other.must(err)
	want, _, _ := m.Answers(ctx, agent.AnswerQuery{})
	for _, all := range [][]agent.Answer{answers, want} {
		all[0].Came, all[0].Marked = all[0].Came.Truncate(time.Second), all[0].Marked.Truncate(time.Second)
	}
	if fmt.Sprint(answers) != fmt.Sprint(want) {
		t.Errorf("answers %+v\nwant %+v", answers, want)
	}
	var got bytes.Buffer
	other.must(other.Attachment(ctx, answers[0].ID, 1, func(b firsthand.Blob) (io.Writer, error) { return &got, nil }))
	if got.String() != "%PDF" {
		t.Errorf("the attachment is %q", got.String())
	}
	address, typed, err := other.MailAddress(ctx, "acme.example")
	if err != nil || !typed || address != "privacy@acme.example" {
		t.Errorf("address %q, %t, %v", address, typed, err)
	}
	if _, err := other.MailState(context.Background()); fault.KindOf(err) != fault.NotExist {
		t.Errorf("an account came with it: %v", err)
	}
}
