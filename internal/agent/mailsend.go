package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/channel"
)

// How one entry is one mail, through crashes of either end.
//
//	waiting ──► composed ──► all but its end is at the server ──► sending ──► end ──► sent ──► filed
//	                                                            (on disk)             (on disk)
//
// Until "sending" is on disk the server has no end of the mail, and delivers nothing
// (RFC 5321, 4.1.1.4); after a crash it is sent as if for the first time. Once "sent"
// is on disk it is never sent again. In between nobody knows, and it is looked for:
// with the company, she herself is a recipient of the same mail, so that the server
// has it for both or for neither, and her copy in her own mailbox proves that it was
// taken. Where it doesn't come, though copies of other mails did, it was not; where
// no copy ever came, she decides. See docs/decisions/0021.

const (
	mailSettle = 15 * time.Minute // after which a copy that didn't come won't
	copyLate   = 2 * time.Minute  // after which a mail is filed without waiting for its copy
	lookAgain  = 30 * time.Second
)

func (a *Agent) settleMails() time.Duration {
	if a.MailSettle > 0 {
		return a.MailSettle
	}
	return mailSettle
}

// SendMail has an entry go by mail, by her hand: a task that she doesn't carry
// herself. What has gone, or is about to, does not go again.
func (a *Agent) SendMail(ctx context.Context, entry firsthand.ID) error {
	t, err := a.task(ctx, entry)
	if err != nil {
		return err
	}
	if t.Step != "" && t.Step != StepReceived {
		return fault.Tell(fault.Conflict, "this is "+t.Step+" already", "open it again first: firsthand task "+entry.String()+" reopen")
	}
	return a.sendPart(ctx, t, Itself)
}

// sendPart has part of what there is to say about a task go.
func (a *Agent) sendPart(ctx context.Context, t Task, part string) error {
	if _, err := a.account(ctx); err != nil {
		return err
	}
	m := Mail{Entry: t.Entry, Part: part, Rel: t.Rel, State: MailWaiting, Made: a.Now()}
	if _, _, err := a.mailDraft(ctx, t, part); err != nil {
		return err
	}
	err := a.with(ctx, t.Rel, func(*relationship) error {
		old, err := a.Store.Mail(ctx, t.Entry, part)
		switch {
		case fault.KindOf(err) == fault.NotExist:
		case err != nil:
			return err
		case old.State == MailWaiting || old.State == MailSending:
			return nil // it is on its way
		case old.State == MailSent || old.State == MailFiled:
			return fault.Tell(fault.Conflict, "this went by mail already", "its copy lies among the mails that you sent")
		case old.State == MailUnsure:
			m = old // the same mail, if it goes again
			m.State, m.Tries, m.NextTry, m.Failure = MailWaiting, 0, time.Time{}, ""
		}
		return a.Store.Commit(ctx, Commit{Mails: []Mail{m}})
	})
	a.mailing.wake()
	return err
}

// DropMail takes back a mail that waits, or of which nobody knows whether it left: it
// is not sent, and its entry is a task again.
func (a *Agent) DropMail(ctx context.Context, entry firsthand.ID, part string) error {
	return a.changeMail(ctx, entry, part, func(m *Mail) error {
		switch m.State {
		case MailWaiting, MailUnsure, MailFailed:
			m.State = MailDropped
			return nil
		case MailSending:
			return fault.Tell(fault.Conflict, "it may have left already", "it is being looked for; come back in some minutes")
		}
		return fault.Tell(fault.Conflict, "it went already", "what was said can't be taken back")
	})
}

// MailLeft says of a mail of which nobody knows it that it did leave: she has seen its
// copy, or an answer.
func (a *Agent) MailLeft(ctx context.Context, entry firsthand.ID, part string) error {
	m, err := a.Store.Mail(ctx, entry, part)
	if err != nil {
		return err
	}
	if m.State != MailUnsure {
		return fault.Tell(fault.Conflict, "of this mail it is known: it is "+m.State, "firsthand mail")
	}
	return a.noteSent(ctx, m)
}

// RetryMail has a mail tried again now.
func (a *Agent) RetryMail(ctx context.Context, entry firsthand.ID, part string) error {
	defer func() {
		a.mailing.mu.Lock()
		a.mailing.sending = problem{}
		a.mailing.mu.Unlock()
		a.mailing.wake()
	}()
	return a.changeMail(ctx, entry, part, func(m *Mail) error {
		m.NextTry = time.Time{}
		return nil
	})
}

func (a *Agent) changeMail(ctx context.Context, entry firsthand.ID, part string, change func(*Mail) error) error {
	m, err := a.Store.Mail(ctx, entry, part)
	if fault.KindOf(err) == fault.NotExist {
		return fault.Tell(fault.NotExist, "there is no such mail", "firsthand mail")
	}
	if err != nil {
		return err
	}
	return a.with(ctx, m.Rel, func(*relationship) error {
		if m, err = a.Store.Mail(ctx, entry, part); err != nil {
			return err
		}
		if err := change(&m); err != nil {
			return err
		}
		return a.Store.Commit(ctx, Commit{Mails: []Mail{m}})
	})
}

// mailDraft returns what a mail says, and to whom.
func (a *Agent) mailDraft(ctx context.Context, t Task, part string) (channel.Draft, channel.To, error) {
	if part != Itself {
		return a.followUp(ctx, t, part)
	}
	p, err := a.parcel(ctx, t)
	if err != nil {
		return channel.Draft{}, p.To, err
	}
	i := slices.IndexFunc(a.Channels, func(c channel.Channel) bool { return c.Name() == MailChannel })
	if i < 0 {
		return channel.Draft{}, p.To, fmt.Errorf("%w: nothing makes mails here", fault.Internal)
	}
	if _, ok := a.Channels[i].Way(p.To); !ok {
		return channel.Draft{}, p.To, fault.Tell(fault.Invalid, "there is no address to which a mail to "+t.Domain+" could go", "firsthand mail address "+t.Domain+" ADDRESS")
	}
	d, err := a.Channels[i].Prepare(p)
	return d, p.To, err
}

// thread returns the mails that come before one, the oldest first.
func (a *Agent) thread(ctx context.Context, t Task, part, domain string) (ids []channel.MessageID, err error) {
	if part != Itself {
		ids = append(ids, channel.MessageIDOf(t.Entry, Itself, domain))
	}
	first := t.Entry
	if t.Kind == "message" && part == Itself {
		p, err := a.parcel(ctx, t)
		if err != nil {
			return nil, err
		}
		if say, ok := p.Content.(*firsthand.Message); ok && !say.Thread.IsZero() {
			first = say.Thread
			ids = append(ids, channel.MessageIDOf(first, Itself, domain))
		}
	}
	answers, _, err := a.Store.Answers(ctx, AnswerQuery{Rel: t.Rel})
	for _, ans := range slices.Backward(answers) {
		if ans.Entry == first && ans.Kind == FromPerson && !ans.Stranger && ans.Message != "" {
			ids = append(ids, channel.MessageID(ans.Message))
		}
	}
	return ids, err
}

// compose writes a mail as it goes.
func (a *Agent) compose(ctx context.Context, m *Mail, acc channel.Account) error {
	t, err := a.task(ctx, m.Entry)
	if err != nil {
		return err
	}
	d, to, err := a.mailDraft(ctx, t, m.Part)
	if err != nil {
		return err
	}
	_, domain, _ := strings.Cut(to.From, "@")
	thread, err := a.thread(ctx, t, m.Part, domain)
	if err != nil {
		return err
	}
	m.To = to.Email
	m.Raw, err = a.Mail.Write(channel.Posted{ID: channel.MessageIDOf(m.Entry, m.Part, domain), From: to.From, Name: d.Name, To: to.Email,
		Thread: thread, Date: a.Now(), Lang: d.Lang, Subject: d.Subject, Text: d.Text})
	return err
}

// A posting is one round of what there is to do with mails.
type posting struct {
	a    *Agent
	ctx  context.Context
	acc  channel.Account
	out  channel.Submission // nil until needed
	in   channel.Mailbox
	next time.Time // when there is something to do again
	errs [2]error  // what keeps her from sending, and from reading
}

// sentFrom returns the address from which a mail goes, that of its From: an envelope
// that named her own would tell it to a company that has one for itself.
func (p *posting) sentFrom(raw []byte) string {
	for _, from := range p.a.Mail.Values(channel.Header{Raw: raw}, "From") {
		if a, err := mail.ParseAddress(from); err == nil {
			return a.Address
		}
	}
	return p.acc.Address
}

// PostMails does what there is to do with her mails now, and returns when there is
// something again; the zero time for not before something changes. What keeps all of
// them is an error; what keeps one is noted at it, and keeps no other company's.
func (a *Agent) PostMails(ctx context.Context) (next time.Time, err error) {
	a.mailing.working.Lock()
	defer a.mailing.working.Unlock()
	acc, err := a.account(ctx)
	if fault.KindOf(err) == fault.NotExist {
		return next, nil
	}
	if err != nil {
		return next, err
	}
	mails, err := a.Store.Mails(ctx, MailQuery{Open: true})
	if err != nil || len(mails) == 0 {
		return next, err
	}
	p := &posting{a: a, ctx: ctx, acc: acc}
	defer func() {
		if p.out != nil {
			p.out.Close() // what it took it has said
		}
		if p.in != nil {
			p.in.Close()
		}
	}()
	behind := make(map[firsthand.ID]bool) // relationships of which an earlier mail still has to go
	for _, m := range mails {
		if ctx.Err() != nil {
			return p.next, ctx.Err()
		}
		if m.State != MailSent {
			if behind[m.Rel] || m.Held {
				behind[m.Rel] = true
				continue
			}
			behind[m.Rel] = true // unless it goes now
		}
		if at := retryAt(m.NextTry, a.Now()); at.After(a.Now()) {
			p.again(at)
			continue
		}
		way := 1
		if m.State == MailWaiting {
			way = 0
		}
		if p.errs[way] != nil {
			continue // the other way may be open
		}
		gone, err := p.one(m)
		if gone {
			behind[m.Rel] = false
		}
		if errors.Is(err, channel.ErrAccount) {
			p.errs[way] = err
		} else if err != nil {
			return p.next, err
		}
	}
	return p.next, errors.Join(p.errs[:]...)
}

func (p *posting) again(at time.Time) {
	if p.next.IsZero() || at.Before(p.next) {
		p.next = at
	}
}

// one does what is next with one mail. It reports whether what comes after it in its
// relationship may go.
func (p *posting) one(m Mail) (gone bool, err error) {
	whole, err := p.a.Store.Mail(p.ctx, m.Entry, m.Part)
	if err != nil {
		return false, err
	}
	switch whole.State {
	case MailWaiting:
		if whole.Held {
			return false, nil // since this round began
		}
		return p.send(whole)
	case MailSending:
		return p.look(whole)
	case MailSent:
		return true, p.file(whole)
	}
	return true, nil // somebody was quicker
}

// send sends one mail.
func (p *posting) send(m Mail) (gone bool, err error) {
	a := p.a
	if m.Raw == nil {
		if err := a.compose(p.ctx, &m, p.acc); err != nil {
			if fault.KindOf(err) == fault.Unavailable || p.ctx.Err() != nil {
				return false, err
			}
			return true, p.failed(m, said(err)) // erased meanwhile, or there is no address any more
		}
	}
	if p.out == nil {
		if p.out, err = a.Mail.Submit(p.ctx, p.acc); err != nil {
			return false, err
		}
	}
	begun := false
	ready := func() error {
		// From here on it may have left; unless she has just taken it back, or paused
		// its move.
		return a.with(p.ctx, m.Rel, func(*relationship) error {
			now, err := a.Store.Mail(p.ctx, m.Entry, m.Part)
			if err == nil && now.State != MailWaiting {
				err = errTakenBack
			} else if err == nil && now.Held {
				err = errHeld
			}
			if err != nil {
				return err
			}
			m.State, m.Copy, m.Begun, m.NextTry = MailSending, true, a.Now(), time.Time{}
			err = a.Store.Commit(p.ctx, Commit{Mails: []Mail{m}})
			begun = err == nil
			return err
		})
	}
	if a.testOnlyStep != nil {
		inner := ready
		ready = func() error {
			a.testOnlyStep("all but the end is there")
			if err := inner(); err != nil {
				return err
			}
			a.testOnlyStep("it may leave")
			return nil
		}
	}
	err = p.out.Send(p.sentFrom(m.Raw), []string{m.To, p.acc.Address}, m.Raw, ready)
	if a.testOnlyStep != nil {
		a.testOnlyStep("the server has answered")
	}
	switch {
	case err == nil:
		return true, p.sent(m)
	case errors.Is(err, errTakenBack), errors.Is(err, errHeld):
		p.out.Close()
		p.out = nil
		return errors.Is(err, errTakenBack), nil // what is held waits until the move goes on
	case errors.Is(err, channel.ErrMaybe):
		p.again(a.Now().Add(min(lookAgain, a.settleMails()/4)))
		p.out.Close()
		p.out = nil
		return false, nil // it is looked for
	case errors.Is(err, channel.ErrAccount):
		p.out.Close()
		p.out = nil
		return false, errors.Join(err, p.back(m, begun))
	case fault.KindOf(err) == fault.Denied:
		return true, p.failed(m, said(err))
	case fault.KindOf(err) == fault.Unavailable && p.ctx.Err() == nil:
		return false, p.later(m, said(err))
	}
	return false, err
}

// errTakenBack is of a mail that she took back while it was about to leave.
var errTakenBack = fmt.Errorf("%w: it was taken back", fault.Conflict)

// errHeld is of one whose move she paused then.
var errHeld = fmt.Errorf("%w: it is held", fault.Conflict)

// back notes of a mail that the server has refused with the account that it waits.
func (p *posting) back(m Mail, begun bool) error {
	if !begun {
		return nil // so it is on disk
	}
	m.State = MailWaiting
	return p.a.Store.Commit(p.ctx, Commit{Mails: []Mail{m}})
}

// later notes that a mail is to be tried again.
func (p *posting) later(m Mail, why string) error {
	m.State, m.Failure = MailWaiting, why
	m.Tries++
	pause := min(maxPause, 15*time.Second<<min(m.Tries, 10))
	m.NextTry = p.a.Now().Add(pause + p.a.jitter(pause/2))
	p.again(m.NextTry)
	return p.a.Store.Commit(p.ctx, Commit{Mails: []Mail{m}})
}

// failed notes that a mail will never go. Its entry is a task again.
func (p *posting) failed(m Mail, why string) error {
	m.State, m.Failure, m.NextTry = MailFailed, why, time.Time{}
	return p.a.Store.Commit(p.ctx, Commit{Mails: []Mail{m}})
}

// sent notes that the server has taken a mail.
func (p *posting) sent(m Mail) error {
	if err := p.a.noteSent(p.ctx, m); err != nil {
		return err
	}
	p.again(p.a.Now().Add(p.a.soon()))
	return nil
}

// soon is how long a copy may take to come.
func (a *Agent) soon() time.Duration { return min(5*time.Second, a.settleMails()/16) }

// noteSent notes that a mail has left, in one transaction with the note in the log
// that says so.
func (a *Agent) noteSent(ctx context.Context, m Mail) error {
	return a.with(ctx, m.Rel, func(r *relationship) error {
		m.State, m.Sent, m.Tries, m.Failure = MailSent, a.Now(), 0, ""
		m.NextTry = a.Now().Add(a.soon()) // the copy takes a moment
		c := Commit{Mails: []Mail{m}}
		n := lastNotes(r.state)[m.Entry]
		if m.Part != Itself || n != nil && n.Say.Saw != "other" {
			return a.commit(ctx, c, r) // more is known of it already
		}
		_, err := a.write(ctx, r, &firsthand.Note{Entry: m.Entry, Saw: StepSent, Text: "by mail to " + m.To}, c)
		return err
	})
}

// mailbox opens her account for reading.
func (p *posting) mailbox() (channel.Mailbox, error) {
	var err error
	if p.in == nil {
		p.in, err = p.a.Mail.Mailbox(p.ctx, p.acc)
	}
	return p.in, err
}

// look looks for a mail of which nobody knows whether it left.
func (p *posting) look(m Mail) (gone bool, err error) {
	a := p.a
	in, err := p.mailbox()
	if err != nil {
		return false, err
	}
	_, domain, _ := strings.Cut(p.acc.Address, "@")
	found, err := in.Find(channel.MessageIDOf(m.Entry, m.Part, domain))
	if err != nil {
		return false, err
	}
	if found {
		return true, p.sent(m)
	}
	if a.Now().Sub(m.Begun) < a.settleMails() {
		m.NextTry = a.Now().Add(min(lookAgain, a.settleMails()/4))
		p.again(m.NextTry)
		return false, a.Store.Commit(p.ctx, Commit{Mails: []Mail{m}})
	}
	copies, err := a.Store.Setting(p.ctx, copiesSetting)
	if err != nil {
		return false, err
	}
	if copies == "" && !m.Begun.IsZero() {
		m.State = MailUnsure
		m.Failure = "the connection was lost at the very end, and no copy of a mail of yours has ever come into this mailbox: look whether it lies among those you sent"
		return true, a.Store.Commit(p.ctx, Commit{Mails: []Mail{m}})
	}
	m.State, m.NextTry = MailWaiting, time.Time{}
	p.again(a.Now())
	return false, a.Store.Commit(p.ctx, Commit{Mails: []Mail{m}})
}

// file sees to it that what was sent lies among the mails sent.
func (p *posting) file(m Mail) error {
	a := p.a
	in, err := p.mailbox()
	if err != nil {
		return err
	}
	_, domain, _ := strings.Cut(p.acc.Address, "@")
	id := channel.MessageIDOf(m.Entry, m.Part, domain)
	found, err := in.Find(id)
	if err != nil {
		return err
	}
	c := Commit{}
	if found {
		if copies, err := a.Store.Setting(p.ctx, copiesSetting); err != nil {
			return err
		} else if copies == "" {
			c.Settings = map[string]string{copiesSetting: "yes"}
		}
	} else if a.Now().Sub(m.Sent) < min(copyLate, a.settleMails()) {
		m.NextTry = a.Now().Add(a.soon())
		p.again(m.NextTry)
		return a.Store.Commit(p.ctx, Commit{Mails: []Mail{m}})
	}
	if m.Raw == nil && !found {
		m.State, m.NextTry = MailFiled, time.Time{} // erased: there is nothing to file
		return a.Store.Commit(p.ctx, Commit{Mails: []Mail{m}})
	}
	if err := in.File(id, m.Raw); err != nil {
		return err
	}
	if a.testOnlyStep != nil {
		a.testOnlyStep("it is filed")
	}
	m.State, m.NextTry = MailFiled, time.Time{}
	c.Mails = []Mail{m}
	return a.Store.Commit(p.ctx, c)
}

// postMails sends mails until ctx ends.
func (a *Agent) postMails(ctx context.Context) {
	a.mailing.init()
	for {
		next, err := a.PostMails(ctx)
		if ctx.Err() != nil {
			return
		}
		wait := a.trouble(&a.mailing.sending, err)
		if err != nil {
			a.Log.Warn("mails", "kind", fault.KindOf(err))
		} else if wait = 24 * time.Hour; !next.IsZero() {
			wait = min(time.Hour, next.Sub(a.Now())) // clocks are put right, and machines sleep
		}
		if !sleep(ctx, wait, a.mailing.send) {
			return
		}
	}
}

// trouble notes what keeps an account from working, nil for nothing, and returns how
// long to wait before the next attempt.
func (a *Agent) trouble(p *problem, err error) time.Duration {
	a.mailing.mu.Lock()
	defer a.mailing.mu.Unlock()
	if err == nil {
		*p = problem{}
		return 0
	}
	p.tries++
	pause := min(maxPause, 5*time.Second<<min(p.tries, 10))
	p.failure, p.next = cmp.Or(said(err), "it failed"), a.Now().Add(pause)
	return pause + a.jitter(pause/4)
}
