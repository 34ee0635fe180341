package webtest

import (
	"cmp"
	"context"
	"io"
	"slices"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/channel"
)

func (a *Agent) MailState(context.Context) (agent.MailState, error) {
	if a.Account == nil {
		return agent.MailState{}, fault.NotExist
	}
	return *a.Account, nil
}
func (a *Agent) SetMailAccount(_ context.Context, acc channel.Account) error {
	return a.note("SetMailAccount", acc.Address, acc.User, acc.Submit, acc.Receive, acc.AuthServ, len(acc.Password))
}
func (a *Agent) DropMailAccount(context.Context) error  { return a.note("DropMailAccount") }
func (a *Agent) CheckMailAccount(context.Context) error { return a.note("CheckMailAccount") }
func (a *Agent) MailAddress(_ context.Context, domain string) (string, bool, error) {
	return "privacy@" + domain, false, nil
}
func (a *Agent) SetMailAddress(_ context.Context, domain, address string) error {
	return a.note("SetMailAddress", domain, address)
}
func (a *Agent) Mails(context.Context, agent.MailQuery) ([]agent.Mail, error) { return a.MailList, nil }
func (a *Agent) MailDraft(_ context.Context, entry firsthand.ID, part string) (agent.MailDraft, error) {
	d, ok := a.Drafts[part]
	if !ok {
		return d, fault.Invalid
	}
	return d, nil
}
func (a *Agent) SendMail(_ context.Context, entry firsthand.ID) error { return a.note("SendMail") }
func (a *Agent) SendReminder(_ context.Context, entry firsthand.ID) error {
	return a.note("SendReminder")
}
func (a *Agent) DropMail(_ context.Context, entry firsthand.ID, part string) error {
	return a.note("DropMail", part)
}
func (a *Agent) MailLeft(_ context.Context, entry firsthand.ID, part string) error {
	return a.note("MailLeft", part)
}
func (a *Agent) RetryMail(_ context.Context, entry firsthand.ID, part string) error {
	return a.note("RetryMail", part)
}
func (a *Agent) Complaint(context.Context, firsthand.ID) (agent.ComplaintDraft, error) {
	return a.Complains, a.Fail["Complaint"]
}
func (a *Agent) Answers(_ context.Context, q agent.AnswerQuery) ([]agent.Answer, int, error) {
	all := slices.DeleteFunc(slices.Clone(a.AnswerList), func(n agent.Answer) bool {
		return q.Open && (n.Mark != "" || n.Kind != agent.FromPerson)
	})
	return part(all, q.Offset, q.Limit), len(all), nil
}
func (a *Agent) Answer(_ context.Context, id int64) (agent.Answer, error) {
	for _, n := range a.AnswerList {
		if n.ID == id {
			return n, nil
		}
	}
	return agent.Answer{}, fault.NotExist
}
func (a *Agent) Attachment(ctx context.Context, id int64, n int, create func(firsthand.Blob) (io.Writer, error)) error {
	ans, err := a.Answer(ctx, id)
	if err != nil || n < 0 || n >= len(ans.Blobs) {
		return cmp.Or(err, error(fault.NotExist))
	}
	w, err := create(ans.Blobs[n])
	if err == nil {
		_, err = io.WriteString(w, a.Files[ans.Blobs[n].Hash])
	}
	return err
}
func (a *Agent) Mark(_ context.Context, id int64, mark string) error { return a.note("Mark", id, mark) }
func (a *Agent) DropAnswer(_ context.Context, id int64) error        { return a.note("DropAnswer", id) }
func (a *Agent) MailRules(context.Context) ([]agent.MailRule, error) { return a.RulesMail, nil }
func (a *Agent) SetMailRule(_ context.Context, r agent.MailRule) error {
	return a.note("SetMailRule", r.Domain, r.Words, r.Mark)
}

// mail adds an account, what went by it, and what came back: among others from a
// stranger, from a host and by itself.
func mail(a *Agent, say speaker) {
	a.Account = &agent.MailState{Checked: Now, Waiting: 2, Unsure: 1, Sending: say("mail.her.example refuses your user name or password"), NextTry: day(1),
		Account: channel.Account{Address: "mia@her.example", User: say("mia"), AuthServ: say("mx.her.example"),
			Submit: channel.Server{Host: "mail.her.example", Port: 465, TLS: channel.Implicit}, Receive: channel.Server{Host: "mail.her.example", Port: 143, TLS: channel.StartTLS}}}
	rel := a.Rels[0].ID
	entry := a.TaskList[0].Entry
	states := []string{agent.MailWaiting, agent.MailSending, agent.MailSent, agent.MailFiled, agent.MailFailed, agent.MailUnsure, agent.MailDropped}
	for i, state := range states {
		a.MailList = append(a.MailList, agent.Mail{Entry: entry, Rel: rel, Part: []string{agent.Itself, agent.Reminder}[i%2], State: state, To: say("privacy@acme.example"), Made: day(-i), Failure: say("your mail server answered 550")})
	}
	a.Drafts = map[string]agent.MailDraft{
		agent.Itself:   {From: "mia@her.example", To: say("privacy@acme.example"), Subject: say("My address has changed [FH-ABCDEFGHIJ]"), Text: say("Dear Sir or Madam,\n\nthe text."), State: agent.MailUnsure, Failure: say("the connection was lost")},
		agent.Reminder: {From: "mia@her.example", To: "privacy@acme.example", Subject: say("Reminder"), Text: say("On 1 May I asked you"), Part: agent.Reminder},
	}
	a.Complains = agent.ComplaintDraft{Subject: say("Complaint about Acme"), Text: say("I wish to lodge a complaint"),
		Authorities: []agent.Authority{{Name: say("Gegevensbeschermingsautoriteit"), Address: []string{say("Drukpersstraat 35")}, Link: "https://authority.example/", Form: say("https://authority.example/form")}}}
	file := firsthand.Blob{Hash: firsthand.ID{5}, Size: 50 << 20, Media: say("text/html"), Name: say("passport.html")}
	a.Files = map[firsthand.ID]string{file.Hash: "<script>alert(1)</script>"}
	for i, kind := range []string{agent.FromPerson, agent.FromPerson, agent.AutoReply, agent.Bounce, agent.FromPerson} {
		n := agent.Answer{ID: int64(i + 1), Key: firsthand.ID{byte(i + 1)}, Rel: rel, Entry: entry, Kind: kind, From: say("Ann <care@acme.example>"), Subject: say("Re: My address"),
			Said: day(-i), Came: day(-i), Stranger: i == 1, Text: say("Dear Mia,\n\ndone.\n<b>Ann</b>"), Message: "1@acme.example",
			Proof: channel.Proof{By: "mx.her.example", SPF: "pass", DKIM: "pass", DMARC: "pass", ARC: "none", Domain: "acme.example"}}
		switch i {
		case 0:
			n.Blobs, n.Cut = []firsthand.Blob{file, file}, say("it isn't whole")
		case 1:
			n.Proof = channel.Proof{By: "mx.her.example", SPF: "fail", DMARC: "fail"}
		case 4:
			n.Mark, n.Marked, n.Entry, n.Proof = agent.MarkProof, Now, firsthand.ID{}, channel.Proof{}
		}
		a.AnswerList = append(a.AnswerList, n)
	}
	a.RulesMail = []agent.MailRule{{Domain: "acme.example", Words: say("your records are updated"), Mark: agent.MarkApplied}}
}
