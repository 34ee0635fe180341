package world_test

import (
	"bytes"
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/channel"
	"firsthand/internal/agent/store"
	"firsthand/internal/world"
)

// mailed returns a stage with a customer who knows some companies and has a mail
// account.
func mailed(t testing.TB) *stage {
	t.Helper()
	s := fresh(t)
	s.must(s.AddDirectory(s.ctx(), s.agent))
	s.must(s.agent.SetFact(s.ctx(), "address.home", world.OldAddress))
	s.must(s.agent.SetFact(s.ctx(), "name", firsthand.Text(world.Name)))
	s.must(s.agent.SetMailAccount(s.ctx(), world.MailAccount()))
	s.must(s.agent.CheckMailAccount(s.ctx()))
	s.mails(0)
	return s
}

// mails lets time pass, and mails go and come.
func (s *stage) mails(d time.Duration) {
	s.Helper()
	s.clock.turn(d)
	for range 2 {
		_, err := s.agent.PostMails(s.ctx())
		s.must(err)
		s.must(s.Settle(s.ctx()))
		_, err = s.agent.FetchMails(s.ctx(), nil)
		s.must(err)
	}
}

// moves tells some companies her new address.
func (s *stage) moves(domains ...string) int64 {
	s.Helper()
	var stated []agent.Statement
	for _, d := range domains {
		stated = append(stated, agent.Statement{Domain: d, Fact: "address.home", Value: world.OldAddress})
	}
	s.must(s.agent.State(s.ctx(), stated...))
	id, err := s.agent.Begin(s.ctx(), agent.Move{Basis: firsthand.Basis{Right: "GDPR 16"}, Facts: []agent.NewFact{{Fact: "address.home", Value: world.NewAddress, Old: world.OldAddress}}}, "")
	s.must(err)
	return id
}

// answers returns what came from an address at a domain, the latest first.
func (s *stage) answers(domain string) (all []agent.Answer) {
	s.Helper()
	rows, _, err := s.agent.Answers(s.ctx(), agent.AnswerQuery{})
	s.must(err)
	for _, a := range rows {
		if strings.Contains(a.From, "@"+domain+">") || strings.HasSuffix(a.From, "@"+domain) {
			whole, err := s.agent.Answer(s.ctx(), a.ID)
			s.must(err)
			all = append(all, whole)
		}
	}
	return all
}

const (
	power, herbs, tv, insured, glasses, piggy = "zonnestroom.example", "papierlade.example", "kabelkoppel.example", "polderpolis.example", "brilofniet.example", "spaarvarken.example"
)

// A change goes as a mail to each company, once; each answers in its manner, and her
// word for what an answer means is where it stands.
func TestCompaniesAnswerMail(t *testing.T) {
	t.Parallel()
	s := mailed(t)
	id := s.moves(power, herbs, tv, insured, glasses, piggy)
	s.mails(0)
	for domain, want := range map[string]string{power: agent.StepSent, insured: agent.StepSent, piggy: agent.StepNeedsYou} {
		if l := s.steps(id, domain)["address.home"]; l.Step != want || l.Channel != agent.MailChannel {
			t.Errorf("%s, sent: %+v, want %s by mail", domain, l, want)
		}
	}
	if got := s.answers("mail.peeters.example"); len(got) != 1 || got[0].Kind != agent.Bounce {
		t.Errorf("the mail to nobody: %+v, want one that came back", got)
	}
	s.mails(2 * time.Second)
	if got := s.answers(power); len(got) != 1 || got[0].Kind != agent.AutoReply || got[0].Stranger {
		t.Errorf("after 2 s: %+v, want an automatic reply, which is proved", got)
	}
	s.mails(20 * time.Second)
	for domain, words := range map[string]string{power: "gegevens aangepast", herbs: "gegevens aangepast", tv: "identiteitskaart", glasses: "helaas"} {
		got := s.answers(domain)
		if len(got) == 0 || got[0].Kind != agent.FromPerson || got[0].Stranger || !strings.Contains(got[0].Text, words) || got[0].Proof.Domain != domain {
			t.Fatalf("%s: %+v, want an answer with %q, which is proved", domain, got, words)
		}
		mark := map[string]string{tv: agent.MarkProof, glasses: agent.MarkRefused}[domain]
		if mark == "" {
			mark = agent.MarkApplied
		}
		s.must(s.agent.Mark(s.ctx(), got[0].ID, mark))
	}
	if got := s.answers(insured); len(got) != 0 {
		t.Errorf("who is silent said %+v", got)
	}
	for range 3 {
		s.mails(time.Hour)
	}
	if n := len(s.answers(power)); n != 2 {
		t.Errorf("%d answers of one company, want 2 as before", n)
	}
	for domain, want := range map[string]string{power: agent.StepApplied, herbs: agent.StepApplied, tv: agent.StepReceived, glasses: agent.StepRefused, insured: agent.StepSent} {
		if l := s.steps(id, domain)["address.home"]; l.Step != want {
			t.Errorf("%s in the end: %+v, want %s", domain, l, want)
		}
	}
	mails, err := s.agent.Mails(s.ctx(), agent.MailQuery{})
	s.must(err)
	for _, m := range mails {
		if want := map[bool]string{true: agent.MailFailed, false: agent.MailFiled}[strings.HasSuffix(m.To, piggy)]; m.State != want {
			t.Errorf("%s is %s, want %s", m.To, m.State, want)
		}
	}
}

// Who asks for what a company has gets it as a file.
func TestCompanyGivesAccess(t *testing.T) {
	t.Parallel()
	s := mailed(t)
	s.access(power)
	s.mails(30 * time.Second)
	got := s.answers(power)
	if len(got) != 2 || len(got[0].Blobs) != 1 || got[0].Blobs[0].Name != "zonnestroom-gegevens.json" {
		t.Fatalf("%+v, want a file", got)
	}
	var file bytes.Buffer
	s.must(s.agent.Attachment(s.ctx(), got[0].ID, 0, func(firsthand.Blob) (io.Writer, error) { return &file, nil }))
	var has struct {
		Klant struct{ Naam, Email string }
	}
	if err := json.Unmarshal(file.Bytes(), &has); err != nil || has.Klant.Naam != world.Name || has.Klant.Email != world.OldEmail {
		t.Errorf("%v, %+v", err, has)
	}
}

// access asks a company for all that it has, and returns the entry.
func (s *stage) access(domain string) firsthand.ID {
	s.Helper()
	id, err := s.agent.Begin(s.ctx(), agent.Move{Claim: agent.Claim{Right: "access"}, Only: []string{domain}, Guesses: true}, "")
	s.must(err)
	s.mails(0)
	return s.steps(id, domain)[""].Entry
}

// Who is silent is reminded, by her hand, when its day has passed, and then there is a
// complaint to the authority.
func TestCompanyIsSilent(t *testing.T) {
	t.Parallel()
	s := mailed(t)
	entry := s.access(insured)
	if err := s.agent.SendReminder(s.ctx(), entry); fault.KindOf(err) != fault.Invalid {
		t.Errorf("reminded before its day: %v", err)
	}
	s.mails(36 * 24 * time.Hour)
	if !s.card(agent.CardLate, insured) {
		t.Error("no card says that it is late")
	}
	s.must(s.agent.SendReminder(s.ctx(), entry))
	s.mails(time.Minute)
	s.mails(20 * 24 * time.Hour)
	m, err := s.agent.Store.Mail(s.ctx(), entry, agent.Reminder)
	if err != nil || m.State != agent.MailFiled {
		t.Errorf("the reminder is %s, %v", m.State, err)
	}
	d, err := s.agent.Complaint(s.ctx(), entry)
	if err != nil || len(d.Authorities) == 0 || !strings.HasPrefix(d.Authorities[0].Name, "Gegevensbeschermingsautoriteit") || !strings.Contains(d.Text, "herinnering") {
		t.Errorf("complaint: %+v, %v", d, err)
	}
	if got := s.answers(insured); len(got) != 0 {
		t.Errorf("it answered: %+v", got)
	}
}

func (s *stage) card(what, domain string) bool {
	s.Helper()
	today, err := s.agent.Today(s.ctx(), s.clock.Now(), 100)
	s.must(err)
	for _, c := range today.Cards {
		if c.What == what && c.Domain == domain {
			return true
		}
	}
	return false
}

// A world that ends and is opened again has all mail, sends nothing twice, and gives
// nobody's mail to her a second time; what came while she was away is there.
func TestMailStays(t *testing.T) {
	t.Parallel()
	c, dir, hers := newClock(), t.TempDir(), filepath.Join(t.TempDir(), "her")
	kit, err := store.NewKit()
	if err != nil {
		t.Fatal(err)
	}
	file, err := store.Create(t.Context(), hers, store.CreateOptions{Passphrase: []byte(world.Passphrase), KitRecipient: kit.Recipient()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	again := func() *stage {
		s := &stage{TB: t, World: open(t, dir, c), clock: c}
		s.agent = agentIn(t, s.World, file)
		return s
	}
	s := again()
	s.must(s.agent.Refill(t.Context(), kit.Text()))
	s.must(s.AddDirectory(s.ctx(), s.agent))
	s.must(s.agent.SetFact(s.ctx(), "address.home", world.OldAddress))
	s.must(s.agent.SetMailAccount(s.ctx(), world.MailAccount()))
	s.mails(0)
	s.moves(power, insured)
	s.mails(0)
	s.mails(2 * time.Second)
	before := len(s.answers(power))

	// It answers while nobody looks; then the world ends.
	c.turn(time.Minute)
	s.must(s.Settle(s.ctx()))
	s.must(s.Close())
	s = again()
	s.mails(0)
	if n := len(s.answers(power)); before != 1 || n != 2 {
		t.Errorf("%d answers before and %d after, want 1 and 2", before, n)
	}
	for range 2 { // and once more, with nothing new in between
		s.must(s.Close())
		s = again()
		s.mails(time.Hour)
	}
	if n := len(s.answers(power)); n != 2 {
		t.Errorf("%d answers, want the same 2", n)
	}
	if n := strings.Count(s.page().Body.String(), `name="mail"`); n != 2 {
		t.Errorf("companies have %d mails, want 2", n)
	}
	s.moves("boekenhoek.example")
	s.mails(0)
	s.mails(time.Minute)
	if n := len(s.answers("boekenhoek.example")); n != 1 {
		t.Errorf("%d answers to a mail of after, want 1", n)
	}
}

// The host takes mails of hers alone, over TLS, to companies of the world; and the
// world's way leads nowhere else.
func TestMailHostIsHers(t *testing.T) {
	t.Parallel()
	s := mailed(t)
	for what, change := range map[string]func(*channel.Account){
		"password":       func(a *channel.Account) { a.Password = "x" },
		"another host":   func(a *channel.Account) { a.Submit.Host, a.Receive.Host = "mail.example.com", "mail.example.com" },
		"this machine":   func(a *channel.Account) { a.Submit.Host, a.Receive.Host = "127.0.0.1", "127.0.0.1" },
		"a gateway":      func(a *channel.Account) { a.Submit.Host, a.Receive.Host = "veloshop.example", "veloshop.example" },
		"not from first": func(a *channel.Account) { a.Submit.TLS, a.Receive.TLS = channel.StartTLS, channel.StartTLS },
	} {
		acc := world.MailAccount()
		change(&acc)
		post := s.Mail()
		post.Patience = 200 * time.Millisecond // for who waits for another beginning
		if _, err := post.Submit(s.ctx(), acc); err == nil {
			t.Errorf("%s: one can send", what)
		}
		if _, err := post.Mailbox(s.ctx(), acc); err == nil {
			t.Errorf("%s: one can read", what)
		}
	}
	out, err := s.Mail().Submit(s.ctx(), world.MailAccount())
	s.must(err)
	defer out.Close()
	for from, to := range map[string]string{world.NewEmail: "privacy@example.com", "somebody@else.example": "privacy@" + power} {
		if err := out.Send(from, []string{to}, []byte("Subject: x\r\n\r\nx\r\n"), func() error { return nil }); err == nil {
			t.Errorf("%s could write to %s", from, to)
		}
	}
}

// mailOfLife checks what the life that was made up has by mail.
func (s *stage) mailOfLife() {
	s.Helper()
	for what, domain := range map[string]string{agent.CardHeard: tv, agent.CardStranger: tv, agent.CardMail: piggy, agent.CardLate: insured} {
		if !s.card(what, domain) {
			s.Errorf("no card %s of %s", what, domain)
		}
	}
	if !s.card(agent.CardLate, "puntenpas.example") {
		s.Error("who was reminded is not late")
	}
	for domain, want := range map[string]string{insured: "", "puntenpas.example": agent.MailFiled} {
		tasks, _, err := s.agent.Tasks(s.ctx(), agent.TaskQuery{Domain: domain, Show: "all"})
		s.must(err)
		for _, task := range tasks {
			if task.Kind != "request" {
				continue
			}
			reminder, err := s.agent.MailDraft(s.ctx(), task.Entry, agent.Reminder)
			if err != nil || reminder.State != want {
				s.Errorf("%s: the reminder is %q, %v; want %q", domain, reminder.State, err, want)
			}
			d, err := s.agent.Complaint(s.ctx(), task.Entry)
			if err != nil || len(d.Authorities) == 0 || strings.Contains(d.Text, "herinnering") != (want != "") {
				s.Errorf("%s: complaint %+v, %v", domain, d, err)
			}
		}
	}
	if got := s.answers(power); len(got) != 4 || got[0].Mark != agent.MarkApplied || len(got[2].Blobs) != 1 {
		s.Errorf("who answers: %+v", got)
	}
	if got := s.answers("kabelkoppel-facturen.example"); len(got) != 1 || !got[0].Stranger {
		s.Errorf("the stranger: %+v", got)
	}
}
