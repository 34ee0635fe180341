package agent_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"firsthand"
	"firsthand/internal/agent"
	"firsthand/internal/agent/channel"
	"firsthand/internal/agent/channel/mail"
	"firsthand/internal/agent/channel/mail/mailtest"
	"firsthand/internal/agent/channel/manual"
	"firsthand/internal/agent/mask"
	"firsthand/internal/agent/store"
	"firsthand/internal/needtest"
	"firsthand/terms"
)

// A mailLife is a file of hers on disk, whose agent may be killed.
type mailLife struct {
	Dir, Key, Cert string
	Account        channel.Account
	Step           string // at which the child kills itself; "" for none
}

// options returns those of an agent that mails.
func (l *mailLife) options(s agent.Store, post agent.Mailing) agent.Options {
	return agent.Options{Store: s, Roster: terms.Default(), Now: time.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler),
		Channels: []channel.Channel{mail.Mail{}, manual.Manual{}}, Mail: post, MailSettle: 8 * time.Second}
}

func (l *mailLife) open(ctx context.Context) (*store.Store, error) {
	key, err := os.ReadFile(l.Key)
	if err != nil {
		return nil, err
	}
	return store.Open(ctx, l.Dir, store.KeyFile(string(key)))
}

func (l *mailLife) post() (*mail.Post, error) {
	pem, err := os.ReadFile(l.Cert)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return &mail.Post{Roots: roots, Patience: 20 * time.Second, Poll: 5 * time.Second}, nil
}

// newMailLife makes a file with her account at the host.
func newMailLife(t testing.TB, h *mailtest.Host) *mailLife {
	t.Helper()
	kit, err := store.NewKit()
	if err != nil {
		t.Fatal(err)
	}
	key, recipient, err := store.NewKeyFile()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	l := &mailLife{Dir: filepath.Join(dir, "mia"), Key: filepath.Join(dir, "key"), Cert: h.Cert, Account: h.Account(mailtest.Hers)}
	if err := os.WriteFile(l.Key, []byte(key), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := store.Create(t.Context(), l.Dir, store.CreateOptions{KitRecipient: kit.Recipient(), KeyFile: recipient})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	l.use(t, func(m *mover) {
		m.must(m.Refill(t.Context(), testKit))
		m.must(m.SetMailAccount(t.Context(), l.Account))
		m.must(m.SetMailAddress(t.Context(), "acme.test", mailtest.Company))
		m.must(m.SetMailAddress(t.Context(), "beta.test", mailtest.Other))
		_, err := m.FetchMails(t.Context(), nil) // what is there already is none of ours
		m.must(err)
	})
	return l
}

// use opens the file, and closes it afterwards.
func (l *mailLife) use(t testing.TB, fn func(*mover)) {
	t.Helper()
	post, err := l.post()
	if err != nil {
		t.Fatal(err)
	}
	l.useWith(t, post, fn)
}

func (l *mailLife) useWith(t testing.TB, post *mail.Post, fn func(*mover)) {
	t.Helper()
	s, err := l.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fn(&mover{t: t, Agent: agent.New(l.options(s, post))})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// settle does what there is to do until no mail is left to be worked on.
func settle(ctx context.Context, a *agent.Agent) error {
	for {
		next, err := a.PostMails(ctx)
		if err != nil || next.IsZero() {
			return err
		}
		timer := time.NewTimer(max(0, time.Until(next))) // what waits for a server, waits
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
	}
}

const childVar = "FIRSTHAND_TEST_MAIL_CHILD"

// TestMailChild is no test: it is the process that is killed.
func TestMailChild(t *testing.T) {
	text := os.Getenv(childVar)
	if text == "" {
		t.Skip("started by others")
	}
	var l mailLife
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		t.Fatal(err)
	}
	l.use(t, func(m *mover) {
		m.OnMailStep(func(step string) {
			if step == l.Step {
				syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {}
			}
		})
		m.must(settle(t.Context(), m.Agent))
	})
}

// child runs the agent in a process of its own until its mails are done, or it is
// killed at a step.
func (l *mailLife) child(t *testing.T, step string) (killed bool) {
	t.Helper()
	own := *l
	own.Step = step
	text, err := json.Marshal(own)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMailChild$", "-test.timeout=2m")
	cmd.Env = append(os.Environ(), childVar+"="+string(text))
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return true
	}
	if err != nil {
		t.Fatalf("the agent failed: %v\n%s", err, out)
	}
	return false
}

// submission is what the host writes into a mail that it is handed.
var submission = regexp.MustCompile(`with ESMTPS?A id (\w+)`)

// handed returns by which of the host's ids the mails with text were handed to it.
func handed(t *testing.T, mails [][]byte, text string) map[string]bool {
	t.Helper()
	ids := make(map[string]bool)
	for _, m := range mails {
		if bytes.Contains(m, []byte(text)) {
			id := submission.FindSubmatch(m)
			if id == nil {
				t.Fatalf("the host wrote into no line when it was handed this:\n%s", m)
			}
			ids[string(id[1])] = true
		}
	}
	return ids
}

// with counts the mails that have a text.
func with(mails [][]byte, text string) (n int) {
	for _, m := range mails {
		if bytes.Contains(m, []byte(text)) {
			n++
		}
	}
	return n
}

// TestOneMailForEachEntry kills her process at each step, the host's at each, and
// loses the host's answer; and each time one mail comes to the company, and one copy
// lies among those she sent.
func TestOneMailForEachEntry(t *testing.T) {
	t.Parallel()
	h := mailtest.Start(t)
	l := newMailLife(t, h)
	one := func(t *testing.T, text string) {
		t.Helper()
		// A host that is killed may deliver once more what it was handed once.
		if n := len(handed(t, h.Mails(mailtest.Company, ""), text)); n != 1 {
			t.Errorf("%d mails came to the company, want 1", n)
		}
		filed := handed(t, h.Mails(mailtest.Hers, "Sent"), text)
		if len(filed) != 1 {
			t.Errorf("%d copies lie among those sent, want 1", len(filed))
		}
		for id := range handed(t, h.Mails(mailtest.Hers, ""), text) {
			if !filed[id] {
				t.Errorf("a copy lies in the inbox: %q", id)
			}
		}
		l.use(t, func(m *mover) {
			mails, err := m.Mails(t.Context(), agent.MailQuery{})
			m.must(err)
			for _, row := range mails {
				task, err := m.Task(t.Context(), row.Entry)
				m.must(err)
				if row.State != agent.MailFiled || task.Step != agent.StepSent {
					t.Errorf("a mail is %s %q, its task %q", row.State, row.Failure, task.Step)
				}
			}
		})
	}
	l.use(t, func(m *mover) { say(m, "acme.test", "the first of all") })
	if l.child(t, "") {
		t.Fatal("killed")
	}
	one(t, "the first of all")

	hers, hosts := []string{"it may leave", "the server has answered"}, []string{"it may leave"}
	if needtest.All() {
		hers, hosts = []string{"all but the end is there", "it may leave", "the server has answered", "it is filed"}, []string{"all but the end is there", "it may leave", "the server has answered"}
	}
	for i, step := range hers {
		t.Run("she ends where "+step, func(t *testing.T) {
			text := fmt.Sprintf("killed at step %d", i)
			l.use(t, func(m *mover) { say(m, "acme.test", text) })
			if !l.child(t, step) {
				t.Fatal("it was not killed")
			}
			l.child(t, "")
			one(t, text)
		})
	}

	for i, step := range hosts {
		t.Run("the host ends where "+step, func(t *testing.T) {
			text := fmt.Sprintf("host killed at step %d", i)
			l.use(t, func(m *mover) {
				say(m, "acme.test", text)
				m.OnMailStep(func(at string) {
					if at == step {
						h.Kill(mailtest.Sending)
					}
				})
				m.PostMails(t.Context()) // what comes of it is seen below
				m.OnMailStep(nil)
				h.StartSending()
				m.must(settle(t.Context(), m.Agent))
			})
			one(t, text)
		})
	}

	t.Run("the host's answer is lost", func(t *testing.T) {
		post, err := l.post()
		if err != nil {
			t.Fatal(err)
		}
		var deaf atomic.Bool
		post.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			return &deafConn{Conn: conn, deaf: &deaf, until: func() {
				for with(h.Mails(mailtest.Company, ""), "never acknowledged") == 0 {
					time.Sleep(10 * time.Millisecond) // another process delivers: nobody tells when
				}
			}}, err
		}
		l.useWith(t, post, func(m *mover) {
			entry := say(m, "acme.test", "never acknowledged")
			m.OnMailStep(func(at string) {
				if at == "it may leave" {
					deaf.Store(true)
				} else if at == "the server has answered" {
					deaf.Store(false)
				}
			})
			_, err := m.PostMails(t.Context())
			m.must(err)
			if row := mailOf(m, entry); row.State != agent.MailSending {
				t.Errorf("the mail is %s, want %s", row.State, agent.MailSending)
			}
			m.OnMailStep(nil)
			m.must(settle(t.Context(), m.Agent))
		})
		one(t, "never acknowledged")
	})
}

// A deafConn hears nothing while it is deaf: until was done, then it is lost.
type deafConn struct {
	net.Conn
	deaf  *atomic.Bool
	until func()
}

func (c *deafConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.deaf.Load() {
		c.until()
		c.Conn.Close()
		return 0, errors.New("the connection was lost")
	}
	return n, err
}

// reply returns the company's answer to the last mail that it got with a text.
func reply(t *testing.T, h *mailtest.Host, about, extra, text string) []byte {
	t.Helper()
	for _, raw := range h.Mails(mailtest.Company, "") {
		if !bytes.Contains(raw, []byte(about)) {
			continue
		}
		id := headerOf(raw, "Message-ID")
		return []byte("From: Acme Care <" + mailtest.Company + ">\r\nTo: " + mailtest.Hers + "\r\nSubject: Re: " + headerOf(raw, "Subject") +
			"\r\nMessage-ID: <" + rand.Text() + "@acme.test>\r\nIn-Reply-To: " + id + "\r\nReferences: " + id + "\r\n" + extra + "\r\n" + text + "\r\n")
	}
	t.Fatalf("the company has no mail about %q", about)
	return nil
}

func headerOf(raw []byte, name string) string {
	_, rest, _ := strings.Cut(string(raw), "\n"+name+": ")
	rest = strings.ReplaceAll(strings.ReplaceAll(rest, "\r\n", "\n"), "\n ", " ")
	line, _, _ := strings.Cut(rest, "\n")
	return line
}

// TestAChangeByMail sends a change, has it answered, threaded, marked and closed.
func TestAChangeByMail(t *testing.T) {
	t.Parallel()
	h := mailtest.Start(t)
	l := newMailLife(t, h)
	l.use(t, func(m *mover) {
		ctx := t.Context()
		old, home := firsthand.Value{Parts: map[string]string{"street": "Korenmarkt 1", "city": "Gent"}}, firsthand.Value{Parts: map[string]string{"street": "Graslei 2", "city": "Gent"}}
		rel := m.unpaired("acme.test", "address.home", old)
		m.unpaired("gamma.test", "address.home", old) // no address: she does it herself
		id, err := m.Begin(ctx, agent.Move{Facts: []agent.NewFact{{Fact: "address.home", Value: home}}, Basis: firsthand.Basis{Right: "GDPR 16"}}, "once")
		m.must(err)
		legs := func() map[string]agent.BoardLeg {
			t.Helper()
			b, err := m.Board(ctx, id)
			m.must(err)
			all := make(map[string]agent.BoardLeg)
			for _, leg := range b.Legs {
				all[leg.Domain] = leg
			}
			return all
		}
		want := func(group, step string) {
			t.Helper()
			if leg := legs()["acme.test"]; leg.Group != group || leg.Step != step {
				t.Errorf("the leg is %s, %s (%s), want %s, %s", leg.Group, leg.Step, leg.Why, group, step)
			}
		}
		want(agent.Prepared, agent.StepDraft)
		if leg := legs()["gamma.test"]; leg.Group != agent.NeedsYou || leg.Step != agent.StepNeedsYou {
			t.Errorf("without an address it is %s, %s", leg.Group, leg.Step)
		}
		m.must(m.PauseMove(ctx, id, true))
		m.must(settle(ctx, m.Agent))
		want(agent.Prepared, agent.StepPaused)
		m.must(m.PauseMove(ctx, id, false))
		m.must(settle(ctx, m.Agent))
		want(agent.Prepared, agent.StepSent)
		got := h.Await(mailtest.Company, "", 1)[0]
		for _, line := range []string{"Graslei 2", "Korenmarkt 1", "Subject: ", "[FH-", "Content-Transfer-Encoding: quoted-printable"} {
			if !bytes.Contains(got, []byte(line)) {
				t.Errorf("the mail lacks %q:\n%s", line, got)
			}
		}
		fetch := func(n int) {
			t.Helper()
			if kept, err := m.FetchMails(ctx, nil); err != nil || kept != n {
				t.Fatalf("%d mails kept, %v, want %d", kept, err, n)
			}
		}
		// A stranger who quotes thread and reference changes nothing, and is shown as one.
		h.Say(h.Outside, mailtest.Company, mailtest.Hers, reply(t, h, "Graslei 2", "", "Send me your passport."))
		// What belongs to nothing is left alone.
		h.Say(h.Inside, mailtest.Company, mailtest.Hers, []byte("Subject: News!\r\nFrom: privacy@acme.test\r\n\r\nBuy.\r\n"))
		h.Await(mailtest.Hers, "", 2)
		fetch(1)
		want(agent.Prepared, agent.StepSent)
		answers, total, err := m.Answers(ctx, agent.AnswerQuery{Rel: rel, Open: true})
		m.must(err)
		if total != 1 || !answers[0].Stranger || answers[0].Proof.DMARC != "fail" || !strings.Contains(answers[0].Text, "passport") {
			t.Errorf("%d answers, %+v, want the stranger's", total, answers)
		}
		// An auto-reply shows that it came, and no more.
		h.Say(h.Inside, mailtest.Company, mailtest.Hers, reply(t, h, "Graslei 2", "Auto-Submitted: auto-replied\r\n", "We have your mail."))
		h.Await(mailtest.Hers, "", 3)
		fetch(1)
		want(agent.Prepared, agent.StepReceived)
		// The answer.
		h.Say(h.Inside, mailtest.Company, mailtest.Hers, reply(t, h, "Graslei 2", "Content-Type: text/html\r\n", "<p>Done.<script>alert(1)</script> <b>C-1</b>"))
		h.Await(mailtest.Hers, "", 4)
		fetch(1)
		fetch(0)
		answers, _, err = m.Answers(ctx, agent.AnswerQuery{Rel: rel})
		m.must(err)
		a := answers[0]
		if a.Stranger || a.Proof.Domain != "acme.test" || a.Text != "Done. C-1" || a.Entry != legs()["acme.test"].Entry || a.Kind != agent.FromPerson {
			t.Errorf("the answer is %+v", a)
		}
		want(agent.Prepared, agent.StepReceived)
		m.must(m.Mark(ctx, a.ID, agent.MarkProof))
		want(agent.Prepared, agent.StepReceived)
		m.must(m.Mark(ctx, a.ID, agent.MarkApplied))
		want(agent.Prepared, agent.StepApplied)
		if leg := legs()["acme.test"]; !leg.Unproved {
			t.Error("a mail is no proof, and it isn't said")
		}
		m.must(m.Mark(ctx, a.ID, ""))
		want(agent.Prepared, agent.StepReceived)
		m.must(m.Mark(ctx, a.ID, agent.MarkRefused))
		want(agent.Prepared, agent.StepRefused)
		if n := len(h.Mails(mailtest.Hers, "")); n != 4 {
			t.Errorf("%d mails in her inbox, want all 4 left where they are", n)
		}
	})
}

// A pause holds every mail that isn't on its way yet, also those of a round that has
// begun: she has seen a mistake, and there are hundreds to go.
func TestPauseBetweenMails(t *testing.T) {
	t.Parallel()
	h := mailtest.Start(t)
	l := newMailLife(t, h)
	l.use(t, func(m *mover) {
		ctx := t.Context()
		m.unpaired("acme.test", "email", firsthand.Text("mia@old.example"))
		m.unpaired("beta.test", "email", firsthand.Text("mia@old.example"))
		id, err := m.Begin(ctx, agent.Move{Facts: []agent.NewFact{{Fact: "email", Value: firsthand.Text("mia@mistyped.example")}}, Basis: firsthand.Basis{Right: "GDPR 16"}}, "")
		m.must(err)
		at, n := "the server has answered", 0
		m.OnMailStep(func(step string) {
			if step == at {
				n++
				m.must(m.PauseMove(ctx, id, true))
			}
		})
		m.must(settle(ctx, m.Agent))
		m.wantStep(id, "acme.test", agent.StepSent)
		m.wantStep(id, "beta.test", agent.StepPaused)
		// At the last moment, before the server has the end of it.
		at = "all but the end is there"
		m.must(m.PauseMove(ctx, id, false))
		m.must(settle(ctx, m.Agent))
		m.wantStep(id, "beta.test", agent.StepPaused)
		if got := h.Mails(mailtest.Other, ""); n != 2 || len(got) != 0 {
			t.Errorf("after %d pauses %d mails came to the second company", n, len(got))
		}
		m.OnMailStep(nil)
		m.must(m.PauseMove(ctx, id, false))
		m.must(settle(ctx, m.Agent))
		m.wantStep(id, "beta.test", agent.StepSent)
		h.Await(mailtest.Other, "", 1)
	})
}

// TestMailTroubles: what bounces, is refused, or fits a rule; and no company waits for
// another.
func TestMailTroubles(t *testing.T) {
	t.Parallel()
	h := mailtest.Start(t)
	l := newMailLife(t, h)
	l.use(t, func(m *mover) {
		ctx := t.Context()
		m.must(m.SetMailAddress(ctx, "gone.test", mailtest.Bounced))
		m.must(m.SetMailAddress(ctx, "nobody.test", "nobody@acme.test"))
		bounced, refused := say(m, "gone.test", "to one who is gone"), say(m, "nobody.test", "to nobody")
		good := say(m, "beta.test", "to one who is there")
		m.must(settle(ctx, m.Agent))
		h.Await(mailtest.Other, "", 1)
		if row := mailOf(m, good); row.State != agent.MailFiled {
			t.Errorf("the good one is %s %s", row.State, row.Failure)
		}
		if row := mailOf(m, refused); row.State != agent.MailFailed || !strings.Contains(row.Failure, "550") {
			t.Errorf("the refused one is %s %q", row.State, row.Failure)
		}
		h.Await(mailtest.Hers, "", 1) // the report
		if n, err := m.FetchMails(ctx, nil); n != 1 || err != nil {
			t.Fatalf("%d kept, %v", n, err)
		}
		if row := mailOf(m, bounced); row.State != agent.MailFailed || !strings.Contains(row.Failure, "came back") {
			t.Errorf("the bounced one is %s %q", row.State, row.Failure)
		}
		if _, words := m.cards(time.Now()); strings.Count(words, "mail gone.test") != 1 || strings.Count(words, "mail nobody.test") != 1 {
			t.Errorf("what needs her: %s", words)
		}
		open, _, err := m.Tasks(ctx, agent.TaskQuery{})
		m.must(err)
		if len(open) != 2 {
			t.Errorf("%d tasks are open, want those two", len(open))
		}
		// By another address it goes again, as the same entry.
		m.must(m.SetMailAddress(ctx, "gone.test", mailtest.Company))
		m.must(m.SendMail(ctx, bounced))
		m.must(settle(ctx, m.Agent))
		h.Await(mailtest.Company, "", 1)

		// What she takes back at the last moment stays.
		back := say(m, "beta.test", "taken back")
		m.OnMailStep(func(step string) {
			if step == "all but the end is there" {
				m.must(m.DropMail(ctx, back, agent.Itself))
			}
		})
		_, err = m.PostMails(ctx)
		m.must(err)
		m.OnMailStep(nil)
		after := say(m, "beta.test", "said after it")
		m.must(settle(ctx, m.Agent))
		h.Await(mailtest.Other, "", 2)
		if row := mailOf(m, back); row.State != agent.MailDropped || with(h.Mails(mailtest.Other, ""), "taken back") != 0 || mailOf(m, after).State != agent.MailFiled {
			t.Errorf("what was taken back is %s", row.State)
		}

		// A rule of hers marks what the company itself has sent, and nobody else's.
		m.must(m.SetMailAddress(ctx, "acme.test", mailtest.Company))
		m.must(m.SetMailRule(ctx, agent.MailRule{Domain: "acme.test", Words: "Your records  are UPDATED", Mark: agent.MarkApplied}))
		asked := say(m, "acme.test", "please update")
		m.must(settle(ctx, m.Agent))
		h.Await(mailtest.Company, "", 2)
		for _, port := range []int{h.Outside, h.Inside} {
			before := len(h.Mails(mailtest.Hers, ""))
			h.Say(port, mailtest.Company, mailtest.Hers, reply(t, h, "please update", "", "Dear Mia,\r\nyour records are\r\nupdated."))
			h.Await(mailtest.Hers, "", before+1)
			_, err := m.FetchMails(ctx, nil)
			m.must(err)
			step := map[int]string{h.Outside: agent.StepSent, h.Inside: agent.StepApplied}[port]
			if task, err := m.Task(ctx, asked); err != nil || task.Step != step {
				t.Errorf("the task is %q, %v, want %q", task.Step, err, step)
			}
		}
	})
}

// TestRunMails sends and receives while Run runs, with nothing asked.
func TestRunMails(t *testing.T) {
	t.Parallel()
	h := mailtest.Start(t)
	l := newMailLife(t, h)
	l.use(t, func(m *mover) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- m.Run(ctx) }()
		entry := say(m, "acme.test", "while it runs")
		h.Await(mailtest.Company, "", 1)
		h.Await(mailtest.Hers, "Sent", 1)
		h.Say(h.Inside, mailtest.Company, mailtest.Hers, reply(t, h, "while it runs", "", "Thank you."))
		deadline := time.After(30 * time.Second)
		for {
			_, total, err := m.Answers(t.Context(), agent.AnswerQuery{})
			m.must(err)
			if total == 1 {
				break
			}
			select {
			case <-deadline:
				t.Fatal("the answer was not read")
			case <-time.After(20 * time.Millisecond): // by another goroutine, which tells nobody
			}
		}
		if task, err := m.Task(t.Context(), entry); err != nil || task.Step != agent.StepReceived {
			t.Errorf("the task is %q, %v", task.Step, err)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// A company that was told a mask is written to from it; what comes to a mask from
// elsewhere is a question; and what comes to one that she switched off is left alone.
func TestMailOfMasks(t *testing.T) {
	t.Parallel()
	h := mailtest.Start(t)
	l := newMailLife(t, h)
	l.use(t, func(m *mover) {
		ctx := t.Context()
		m.NewMasks = func(c mask.Config) (mask.Provider, error) { return mask.New(c, nil) }
		m.must(m.SetMaskConfig(ctx, mask.Config{Kind: mask.Subaddress, Base: mailtest.Hers}))
		own := m.masked("acme.test")
		m.unpaired("acme.test", "email", firsthand.Text(own.Address))
		if to := m.ways("acme.test"); !strings.Contains(to, "mail") {
			t.Fatalf("ways: %s", to)
		}
		said := say(m, "acme.test", "from my mask")
		m.must(settle(ctx, m.Agent))
		got := h.Await(mailtest.Company, "", 1)
		if !bytes.Contains(got[0], []byte("From: "+own.Address)) || bytes.Contains(got[0], []byte("<"+mailtest.Hers+">")) { // in the envelope neither
			t.Errorf("it came as\n%s", got[0])
		}

		answer := func(from, text string) {
			t.Helper()
			before := len(h.Mails(mailtest.Hers, ""))
			raw := fmt.Sprintf("From: <%s>\r\nTo: <%s>\r\nSubject: %s\r\nMessage-ID: <%d@x.test>\r\n\r\nHello.\r\n", from, own.Address, text, before)
			h.Say(h.Inside, from, own.Address, []byte(raw))
			h.Await(mailtest.Hers, "", before+1)
			_, err := m.FetchMails(ctx, nil)
			m.must(err)
		}
		answer(mailtest.Company, "news")
		answer(mailtest.Other, "buy this")
		leaks, err := m.Leaks(ctx, "acme.test")
		if err != nil || len(leaks) != 1 || leaks[0].From != "beta.test" || leaks[0].N != 1 {
			t.Errorf("leaks = %+v, %v", leaks, err)
		}

		_, err = m.PauseMask(ctx, own.Token, true)
		m.must(err)
		before := len(h.Mails(mailtest.Hers, ""))
		h.Say(h.Inside, mailtest.Company, own.Address, bytes.Replace(reply(t, h, "from my mask", "", "Done."), []byte("To:"), []byte("To: <"+own.Address+">\r\nX-To:"), 1))
		h.Await(mailtest.Hers, "", before+1)
		if n, err := m.FetchMails(ctx, nil); n != 0 || err != nil {
			t.Errorf("%d kept of what came to a mask that is off, %v", n, err)
		}
		if task, err := m.Task(ctx, said); err != nil || task.Step != agent.StepSent {
			t.Errorf("the task is %q, %v", task.Step, err)
		}
	})
}

// ways returns by which channels a company can be reached, the used one first.
func (m *mover) ways(domain string) string {
	m.t.Helper()
	ways, err := m.Ways(m.t.Context(), domain)
	m.must(err)
	var names []string
	for _, w := range ways {
		names = append(names, w.Channel)
	}
	return strings.Join(names, " ")
}
