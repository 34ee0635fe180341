package world

import (
	"cmp"
	"context"
	"net/mail"
	"slices"

	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/rights"
)

// What companies have done with Mia's mails: one answered what it has of her, one wants
// to see her passport, one was silent once, and one twice; of one answer she has not
// said what it means. One mail came back, since [IsGone] somewhere, and one came from a
// stranger.
const (
	answered   = "zonnestroom.example"
	wantsProof = "kabelkoppel.example"
	silentOnce = "polderpolis.example"
	silent     = "puntenpas.example"
	unmarked   = "papierlade.example"
)

// trusted are companies of which she has a rule: what their answers mean when they say
// that her data are changed.
var trusted = []string{answered, "boekenhoek.example", "keukenkist.example"}

// changedWords are in what companies write when they have changed something.
const changedWords = "uw gegevens aangepast in onze hele administratie"

// account sets her mail account, from which she sees what comes from then on.
func (l *lifeMaker) account(ctx context.Context) error {
	if err := l.agent.SetMailAccount(ctx, MailAccount()); err != nil {
		return err
	}
	_, err := l.agent.FetchMails(ctx, nil)
	return err
}

// mails lets mails go and come.
func (l *lifeMaker) mails(ctx context.Context) error {
	if _, err := l.agent.PostMails(ctx); err != nil {
		return err
	}
	if err := l.settle(ctx, 0, false); err != nil {
		return err
	}
	_, err := l.agent.FetchMails(ctx, nil)
	return err
}

// access asks a company by mail for all that it has of her.
func (l *lifeMaker) access(ctx context.Context, domain string) error {
	_, err := l.agent.Begin(ctx, agent.Move{Claim: agent.Claim{Right: rights.Access}, Only: []string{domain}, Guesses: true}, "")
	if err != nil {
		return err
	}
	return l.mails(ctx)
}

// remind reminds a company of what it has not answered.
func (l *lifeMaker) remind(ctx context.Context, domain string) error {
	tasks, _, err := l.agent.Tasks(ctx, agent.TaskQuery{Domain: domain, Show: "all"})
	if err != nil {
		return err
	}
	for _, t := range tasks {
		if t.Kind == "request" {
			err = cmp.Or(err, l.agent.SendReminder(ctx, t.Entry))
		}
	}
	return cmp.Or(err, l.mails(ctx))
}

// mark says of what companies answered that they have done it, where they have.
func (l *lifeMaker) mark(ctx context.Context) error {
	all, _, err := l.agent.Answers(ctx, agent.AnswerQuery{Open: true})
	if err != nil {
		return err
	}
	for _, a := range all {
		t, err := l.agent.Task(ctx, a.Entry)
		if err != nil {
			return err
		}
		if a.Stranger || t.Domain == unmarked || readings[t.Domain] != Does {
			continue
		}
		if err := l.agent.Mark(ctx, a.ID, agent.MarkApplied); err != nil {
			return err
		}
	}
	return nil
}

// rules makes her rules.
func (l *lifeMaker) rules(ctx context.Context) error {
	for _, domain := range trusted {
		if err := l.agent.SetMailRule(ctx, agent.MailRule{Domain: domain, Words: changedWords, Mark: agent.MarkApplied}); err != nil {
			return err
		}
	}
	return nil
}

// stranger is somebody who has got hold of a mail of hers, and would like her money.
func (l *lifeMaker) stranger() error {
	const domain = "kabelkoppel-facturen.example"
	mails := l.World.post.all()
	for _, m := range slices.Backward(mails) {
		if f, _ := toFirm(m); f == nil || f.domain != wantsProof {
			continue
		}
		o := outgoing{from: mail.Address{Name: "Kabelkoppel NV", Address: "incasso@" + domain}, to: m.From, of: m.ID, kind: "stranger", at: l.Now(), subject: "Re: " + m.Subject,
			text: "Geachte klant,\n\nUw laatste factuur van 52,50 EUR is niet betaald. Betaal binnen 24 uur, of uw lijn wordt afgesloten:\n\nhttps://" + domain + "/betaal?klant=mia\n\nKabelkoppel NV, dienst incasso"}
		return l.World.post.deliver(o.from.Address, []string{m.From}, genuine(domain), o.write())
	}
	return fault.NotExist
}
