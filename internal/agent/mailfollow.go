package agent

import (
	"context"
	"slices"
	"strings"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/channel"
	"firsthand/internal/agent/letters"
	"firsthand/internal/agent/rights"
)

// overdue returns the letter that follows up an entry whose answer didn't come: what
// was claimed, by which law, and the days that count.
func (a *Agent) overdue(ctx context.Context, t Task, kind string) (letters.Request, error) {
	p, err := a.parcel(ctx, t)
	if err != nil {
		return letters.Request{}, err
	}
	r, err := letters.OfParcel(p)
	if err != nil {
		return r, err
	}
	law, right := r.Law, r.Right
	if law == "" { // no claim by itself; but what she may claim
		law = rights.GDPR
		right = map[firsthand.Kind]string{"change": rights.Correct, "withdraw": rights.Erase, "close": rights.Erase}[t.Kind]
	}
	if right == "" || t.Due == "" {
		return r, fault.Tell(fault.Invalid, "no law says by when this has to be answered", "write again: firsthand message "+t.Domain)
	}
	if t.Step == StepApplied {
		return r, fault.Tell(fault.Invalid, "it is done, as you noted", "if it isn't: firsthand task ENTRY reopen")
	}
	posted := t.PostedOn()
	missed := dueByPost(&r, t.Due, posted)
	if !missed.Over(a.Now()) {
		return r, fault.Tell(fault.Invalid, "the answer is due by "+string(missed)+", and that day isn't over", "come back then")
	}
	m, err := a.Store.Mail(ctx, t.Entry, Itself)
	asked := firsthand.DateOf(t.Made)
	if err == nil && !m.Sent.IsZero() {
		asked = firsthand.DateOf(m.Sent)
	}
	if posted != "" {
		asked = posted
	}
	place := letters.PlaceOf(p.To)
	scope := r.Scope
	if scope == "" {
		scope = r.Fact
	}
	out := letters.Request{Lang: r.Lang, Kind: kind, To: p.To, From: r.From, Known: r.Known, Right: right, Law: law, Scope: scope, Ref: r.Ref,
		Made: rights.Day(a.Now(), place), Asked: asked, Missed: missed}
	if kind == letters.Reminder {
		out.Due = rights.AfterReminder(out.Made, place)
	}
	return out, nil
}

// followUp returns the mail that follows an entry.
func (a *Agent) followUp(ctx context.Context, t Task, part string) (channel.Draft, channel.To, error) {
	if part != Reminder {
		return channel.Draft{}, channel.To{}, fault.Tell(fault.Invalid, "nothing follows by mail but a reminder", "")
	}
	r, err := a.overdue(ctx, t, letters.Reminder)
	if err != nil {
		return channel.Draft{}, r.To, err
	}
	if r.To.From == "" || r.To.Email == "" {
		return channel.Draft{}, r.To, fault.Tell(fault.Invalid, "there is no address to which a mail to "+t.Domain+" could go", "firsthand mail address "+t.Domain+" ADDRESS")
	}
	l, err := letters.Compose(r)
	return channel.Draft{Entry: t.Entry, Subject: l.Subject, Text: l.Text(), Lang: l.Lang, Name: channel.Clean(r.From.Name)}, r.To, err
}

// SendReminder reminds a company by mail of what it has not answered in time, by her
// hand. Once is enough: the same again does nothing.
func (a *Agent) SendReminder(ctx context.Context, entry firsthand.ID) error {
	t, err := a.task(ctx, entry)
	if err != nil {
		return err
	}
	if t.Step == StepApplied || t.Step == StepRefused || t.Step == StepReplaced {
		return fault.Tell(fault.Conflict, "this is "+t.Step+" already", "")
	}
	return a.sendPart(ctx, t, Reminder)
}

// A MailDraft is a mail as it would go.
type MailDraft struct {
	From, To, Subject, Text string
	Part                    string
	State                   string // of the mail, if there is one
	Failure                 string
}

// MailDraft returns the mail that would carry an entry, or remind of it, before she
// says yes; and how far it has come.
func (a *Agent) MailDraft(ctx context.Context, entry firsthand.ID, part string) (d MailDraft, err error) {
	t, err := a.task(ctx, entry)
	if err != nil {
		return d, err
	}
	draft, to, err := a.mailDraft(ctx, t, part)
	if err != nil {
		return d, err
	}
	d = MailDraft{From: to.From, To: to.Email, Subject: draft.Subject, Text: draft.Text, Part: part}
	m, err := a.Store.Mail(ctx, entry, part)
	if fault.KindOf(err) == fault.NotExist {
		return d, nil
	}
	d.State, d.Failure = m.State, m.Failure
	return d, err
}

// A ComplaintDraft is a complaint about a company that she may bring to one of the
// authorities: it is never sent from here.
type ComplaintDraft struct {
	Authorities []Authority // the nearest to her first
	Subject     string
	Text        string
}

// An Authority is one to which she may complain.
type Authority struct {
	Name       string
	Address    []string
	Link, Form string // its own page, and that where it takes complaints
}

// Complaint writes a complaint about what a company has not answered in time.
func (a *Agent) Complaint(ctx context.Context, entry firsthand.ID) (d ComplaintDraft, err error) {
	t, err := a.task(ctx, entry)
	if err != nil {
		return d, err
	}
	r, authorities, err := a.complaint(ctx, t)
	if err != nil {
		return d, err
	}
	for _, n := range authorities {
		d.Authorities = append(d.Authorities, Authority{n.Name, n.Address, n.Link, n.Form})
	}
	l, err := letters.Compose(r)
	d.Subject, d.Text = l.Subject, l.Text()
	return d, err
}

// complaint returns the letter to the authority that is nearest to her, and all to
// whom she may complain.
func (a *Agent) complaint(ctx context.Context, t Task) (r letters.Request, authorities []rights.Authority, err error) {
	r, err = a.overdue(ctx, t, letters.Complaint)
	if err != nil {
		return r, nil, err
	}
	r.About = r.To
	if m, err := a.Store.Mail(ctx, t.Entry, Reminder); err == nil && !m.Sent.IsZero() {
		r.Reminded = firsthand.DateOf(m.Sent)
	}
	her := rights.Place{}
	facts, err := a.Store.Facts(ctx)
	if err != nil {
		return r, nil, err
	}
	hers := make(map[string]firsthand.Value)
	for _, f := range facts {
		hers[f.Name] = f.Value
		if strings.HasPrefix(f.Name, "address") && her.IsZero() {
			her = rights.PlaceOfValue(f.Value)
		}
	}
	authorities = rights.AuthoritiesFor(r.Law, her, letters.PlaceOf(r.About))
	r.From, r.To, r.Known = letters.SenderOf(hers), channel.To{}, nil // an authority may know who complains
	if len(authorities) > 0 {
		r.To.Name, r.To.Address = authorities[0].Name, strings.Join(authorities[0].Address, "\n")
		if lang := authorities[0].Lang; slices.Contains(letters.Languages(), lang) {
			r.Lang = lang
		}
	}
	return r, authorities, nil
}
