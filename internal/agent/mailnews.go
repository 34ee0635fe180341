package agent

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"regexp"
	"strings"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/channel"
	"firsthand/internal/agent/letters"
)

// What a mail that came belongs to. The rest of her mailbox is none of ours: of it
// nothing is read but headers, and nothing is kept.
type belonging struct {
	rel   Relationship
	entry firsthand.ID // zero if it names the relationship alone
}

// A hearing is one look into her mailbox.
type hearing struct {
	a      *Agent
	ctx    context.Context
	acc    channel.Account
	refs   map[string]firsthand.ID // relationships by their reference; nil until needed
	copies bool                    // a mail of hers was among them
}

// maxBounce is how big the report of a mail host may be to be looked into: some send
// the mail back whole.
const maxBounce = 10 << 20

var refForm = regexp.MustCompile(`FH-[A-Z2-7]{10}`)

// FetchMails reads what has come since it was last called, keeps what belongs to a
// relationship, and returns how much that is. box may be nil.
func (a *Agent) FetchMails(ctx context.Context, box channel.Mailbox) (n int, err error) {
	acc, err := a.account(ctx)
	if err != nil {
		return 0, err
	}
	if box == nil {
		if box, err = a.Mail.Mailbox(ctx, acc); err != nil {
			return 0, err
		}
		defer box.Close()
	}
	cursor, err := a.Store.Setting(ctx, cursorSetting)
	if err != nil {
		return 0, err
	}
	h := &hearing{a: a, ctx: ctx, acc: acc}
	belongs := make(map[firsthand.ID]belonging) // by the key of the header, until it is taken
	next, err := box.News(cursor, func(head channel.Header) (bool, error) {
		b, want, err := h.wanted(head)
		if want {
			belongs[answerKey(head)] = b
		}
		return want, err
	}, func(head channel.Header, body io.Reader) error {
		b := belongs[answerKey(head)]
		delete(belongs, answerKey(head))
		kept, err := h.take(head, b, body)
		if kept {
			n++
		}
		return err
	})
	if next != cursor {
		// What was kept is kept once; so the cursor may come after it.
		if cerr := a.Store.Commit(ctx, Commit{Settings: map[string]string{cursorSetting: next}}); cerr != nil {
			return n, errors.Join(err, cerr)
		}
	}
	if h.copies {
		a.mailing.wake() // it may be the copy that is waited for
	}
	return n, err
}

func answerKey(h channel.Header) firsthand.ID {
	return sha256.Sum256(append([]byte("firsthand-answer-v1"), h.Raw...))
}

// wanted says what a mail belongs to, and whether it is to be read.
func (h *hearing) wanted(head channel.Header) (b belonging, want bool, err error) {
	heard := h.a.Mail.Heard(head, h.acc.AuthServ)
	if _, _, own := heard.ID.Entry(); own {
		h.copies = true
		return b, false, nil // a copy of hers
	}
	if !heard.Bounce { // which her own host writes
		came := head.Came
		if came.IsZero() {
			came = h.a.Now()
		}
		to, err := h.a.MaskedMail(h.ctx, func(name string) []string { return h.a.Mail.Values(head, name) }, came)
		if err != nil || to != nil && to.State != MaskActive {
			return b, false, err // she has switched it off
		}
	}
	if b, want, err = h.threaded(heard.Thread); want || err != nil {
		return b, want, err
	}
	if heard.Bounce {
		return b, head.Size <= maxBounce, nil // which mail it is about stands within
	}
	for _, ref := range refForm.FindAllString(heard.Subject, 5) {
		rel, err := h.referred(ref)
		if err != nil {
			return b, false, err
		}
		if !rel.IsZero() {
			b.rel, err = h.a.Store.Relationship(h.ctx, rel)
			return b, err == nil, err
		}
	}
	return b, false, nil
}

// threaded returns what the nearest of some mails that is hers belongs to.
func (h *hearing) threaded(ids []channel.MessageID) (b belonging, ok bool, err error) {
	for i := len(ids) - 1; i >= 0; i-- {
		entry, _, ours := ids[i].Entry()
		if !ours {
			continue
		}
		t, err := h.a.Store.Task(h.ctx, entry)
		if fault.KindOf(err) == fault.NotExist {
			continue // of another file of hers, or forged
		}
		if err != nil {
			return b, false, err
		}
		if b.rel, err = h.a.Store.Relationship(h.ctx, t.Rel); err != nil {
			return b, false, err
		}
		b.entry = entry
		return b, true, nil
	}
	return b, false, nil
}

// referred returns the relationship that a reference names, zero if none does.
func (h *hearing) referred(ref string) (firsthand.ID, error) {
	if h.refs == nil {
		all, err := h.a.Store.Relationships(h.ctx)
		if err != nil {
			return firsthand.ID{}, err
		}
		h.refs = make(map[string]firsthand.ID, len(all))
		for _, r := range all {
			if r.Gateway == "" {
				h.refs[letters.Ref(r.ID)] = r.ID
			}
		}
	}
	return h.refs[ref], nil
}

// take keeps a mail, and notes in the log what it proves. It reports whether it was
// kept.
func (h *hearing) take(head channel.Header, b belonging, body io.Reader) (bool, error) {
	a, heard := h.a, h.a.Mail.Heard(head, h.acc.AuthServ)
	keep := func(r io.Reader) (firsthand.Blob, error) { return a.Store.AddBlob(h.ctx, r) }
	if heard.Bounce {
		keep = func(r io.Reader) (firsthand.Blob, error) {
			_, err := io.Copy(io.Discard, r)
			return firsthand.Blob{}, err
		}
	}
	got, err := a.Mail.Read(body, keep)
	if err != nil {
		return false, err
	}
	if heard.Bounce {
		got.Blobs = nil
		about, ok, err := h.threaded(got.About)
		if err != nil || !ok && b.rel.ID.IsZero() {
			return false, err
		}
		if ok {
			b = about
		}
	}
	ans := Answer{Key: answerKey(head), Rel: b.rel.ID, Entry: b.entry, Message: string(heard.ID), Kind: FromPerson, From: heard.From, Subject: heard.Subject,
		Said: heard.Date, Came: head.Came, Proof: heard.Proof, Text: got.Text, Cut: got.Cut, Blobs: got.Blobs}
	if ans.Came.IsZero() {
		ans.Came = a.Now()
	}
	switch {
	case heard.Bounce:
		ans.Kind = Bounce
	case heard.Auto:
		ans.Kind = AutoReply
	}
	if ans.Kind != Bounce {
		if ans.Stranger, err = h.stranger(heard, b); err != nil {
			return false, err
		}
	}
	return true, h.keep(ans, got)
}

// stranger reports whether nothing proves that a mail comes from the company: her mail
// host says that the domain of its sender sent it, and that is the company's own, or
// the very address to which she wrote.
func (h *hearing) stranger(heard channel.Heard, b belonging) (bool, error) {
	if heard.Proof.Domain == "" {
		return true, nil
	}
	if CompanyKey(heard.Proof.Domain) == CompanyKey(b.rel.Domain) {
		return false, nil
	}
	mails, err := h.a.Store.Mails(h.ctx, MailQuery{Rel: b.rel.ID})
	if err != nil {
		return true, err
	}
	for _, m := range mails {
		if m.To != "" && strings.EqualFold(m.To, heard.Address) {
			return false, nil
		}
	}
	return true, nil
}

// keep keeps an answer, and the note in the log, in one transaction.
func (h *hearing) keep(ans Answer, got channel.Received) error {
	a := h.a
	rules, err := a.MailRules(h.ctx)
	if err != nil {
		return err
	}
	return a.with(h.ctx, ans.Rel, func(r *relationship) error {
		c := Commit{Answers: []Answer{ans}}
		var note *firsthand.Note
		if !ans.Entry.IsZero() && !ans.Stranger {
			last := ""
			if n := lastNotes(r.state)[ans.Entry]; n != nil {
				last = n.Say.Saw
			}
			open := last != StepApplied && last != StepRefused
			switch {
			case ans.Kind == Bounce && got.Failed && open:
				m, err := a.Store.Mail(h.ctx, ans.Entry, Itself)
				if err == nil && (m.State == MailSent || m.State == MailFiled || m.State == MailSending) {
					m.State, m.Failure = MailFailed, "the mail came back: "+got.Why
					c.Mails = []Mail{m}
					note = &firsthand.Note{Entry: ans.Entry, Saw: "other", Text: m.Failure}
				}
			case ans.Kind == AutoReply && last == StepSent:
				note = &firsthand.Note{Entry: ans.Entry, Saw: StepReceived, Text: "an automatic reply came"}
			case ans.Kind == FromPerson && open:
				note = &firsthand.Note{Entry: ans.Entry, Saw: "answer", Text: "it answered by mail"}
				for _, rule := range rules {
					if rule.fits(r.row.Domain, &ans) {
						c.Answers[0].Mark, c.Answers[0].Marked = rule.Mark, a.Now()
						note = markNote(&c.Answers[0], "by your rule")
						break
					}
				}
			}
		}
		if known, err := h.known(ans); err != nil || known {
			return err // it was read before, and the cursor was not kept
		}
		if note == nil {
			return a.commit(h.ctx, c, r)
		}
		_, err := a.write(h.ctx, r, note, c)
		return err
	})
}

// known reports whether an answer was kept already.
func (h *hearing) known(ans Answer) (bool, error) {
	all, _, err := h.a.Store.Answers(h.ctx, AnswerQuery{Rel: ans.Rel})
	for _, o := range all {
		if o.Key == ans.Key {
			return true, err
		}
	}
	return false, err
}

// fetchMails reads her mailbox until ctx ends: at once what is new, where her host
// tells it, else now and then.
func (a *Agent) fetchMails(ctx context.Context) {
	a.mailing.init()
	for {
		err := a.watchMailbox(ctx)
		if ctx.Err() != nil {
			return
		}
		wait := 24 * time.Hour // there is no account
		if fault.KindOf(err) != fault.NotExist {
			if wait = a.trouble(&a.mailing.reading, err); err == nil {
				continue
			}
			a.Log.Warn("mailbox", "kind", fault.KindOf(err))
		}
		if !sleep(ctx, wait, a.mailing.fetch) {
			return
		}
	}
}

// watchMailbox reads her mailbox until that fails, or the account changes.
func (a *Agent) watchMailbox(ctx context.Context) error {
	acc, err := a.account(ctx)
	if err != nil {
		return err
	}
	box, err := a.Mail.Mailbox(ctx, acc)
	if err != nil {
		return err
	}
	defer box.Close()
	for ctx.Err() == nil {
		if _, err := a.FetchMails(ctx, box); err != nil {
			return err
		}
		a.mailing.mu.Lock()
		a.mailing.reading, a.mailing.checked = problem{}, a.Now()
		a.mailing.mu.Unlock()
		if err := box.Wait(ctx); err != nil {
			return err
		}
		now, err := a.account(ctx)
		if err != nil || now != acc {
			return err
		}
	}
	return nil
}
