package web

import (
	"io"
	"net/http"
	"strconv"
	"strings"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/channel"
)

// A MailPage is her mail account, and what goes and came by it.
type MailPage struct {
	Set     bool // there is an account
	State   agent.MailState
	Form    Form
	Checked bool // just now, and all is well
	Mails   []MailRow
	All     bool // every answer, and not only those that wait for her word
	Answers []agent.Answer
	Rules   []agent.MailRule
	Pager   Pager
	Marks   []Option
	Ways    []Option // of TLS, to send
	WaysIn  []Option // and to receive
}

// A MailRow is one mail of hers that needs her, or waits.
type MailRow struct {
	agent.Mail
	Step string
}

const answersLimit = 50

// showMail serves GET /mail.
func (s *Server) showMail(v *visit) error {
	return s.mail(v, http.StatusOK, nil, v.URL.Query().Get("did") == "checked")
}

func (s *Server) mail(v *visit, status int, f *Form, checked bool) error {
	p := MailPage{Pager: newPager(v, answersLimit), Checked: checked, All: v.URL.Query().Get("show") == "all"}
	var err error
	if p.State, err = v.agent().MailState(v.ctx()); err != nil && fault.KindOf(err) != fault.NotExist {
		return err
	}
	if p.Set = err == nil; f != nil {
		p.Form = *f
	} else {
		acc := p.State.Account
		if !p.Set {
			acc.Submit, acc.Receive = channel.Server{Port: 465, TLS: channel.Implicit}, channel.Server{Port: 993, TLS: channel.Implicit}
		}
		p.Form = newForm("address", acc.Address, "user", acc.User, "authserv", acc.AuthServ, "submit_host", acc.Submit.Host, "submit_port", strconv.Itoa(acc.Submit.Port),
			"submit_tls", acc.Submit.TLS, "receive_host", acc.Receive.Host, "receive_port", strconv.Itoa(acc.Receive.Port), "receive_tls", acc.Receive.TLS)
	}
	for at, name := range map[*[]Option]string{&p.Ways: "submit_tls", &p.WaysIn: "receive_tls"} {
		for _, way := range []string{channel.Implicit, channel.StartTLS} {
			*at = append(*at, Option{way, v.lang.Word("tls", way), p.Form.Value(name) == way})
		}
	}
	mails, err := v.agent().Mails(v.ctx(), agent.MailQuery{})
	if err != nil {
		return err
	}
	for _, m := range mails {
		switch m.State {
		case agent.MailWaiting, agent.MailSending, agent.MailFailed, agent.MailUnsure:
			p.Mails = append(p.Mails, MailRow{m, mailStep(m.State)})
		}
		if len(p.Mails) == answersLimit {
			break
		}
	}
	var total int
	if p.Answers, total, err = v.agent().Answers(v.ctx(), agent.AnswerQuery{Open: !p.All, Offset: p.Pager.offset, Limit: answersLimit}); err != nil {
		return err
	}
	p.Pager.total(total)
	if p.Rules, err = v.agent().MailRules(v.ctx()); err != nil {
		return err
	}
	return s.render(v, status, "mail", p)
}

// mailStep returns the step of a mail, as a status has it.
func mailStep(state string) string {
	return map[string]string{agent.MailWaiting: "draft", agent.MailSending: "sending", agent.MailSent: "sent", agent.MailFiled: "sent", agent.MailFailed: "returned",
		agent.MailUnsure: "unsure", agent.MailDropped: "left out"}[state]
}

// setAccount serves POST /mail/account. The password is asked for whenever hosts or
// user change: whoever only has the browser can't have her mails go elsewhere.
func (s *Server) setAccount(v *visit) error {
	f := v.form()
	acc := channel.Account{Address: strings.TrimSpace(f.Value("address")), User: strings.TrimSpace(f.Value("user")), AuthServ: strings.TrimSpace(f.Value("authserv")),
		Password: channel.Password(v.PostFormValue("secret")), Submit: server(f, "submit"), Receive: server(f, "receive")}
	err := v.once(func() (string, error) { return "/mail?did=account", v.agent().SetMailAccount(v.ctx(), acc) })
	if err == nil || !again(&f, err) {
		return err
	}
	return s.mail(v, http.StatusUnprocessableEntity, &f, false)
}

func server(f Form, name string) channel.Server {
	port, err := strconv.Atoi(f.Value(name + "_port"))
	if err != nil {
		port = 0 // which is refused
	}
	return channel.Server{Host: f.Value(name + "_host"), Port: port, TLS: f.Value(name + "_tls")}
}

// checkAccount serves POST /mail/check: both ends are opened, and nothing is sent.
func (s *Server) checkAccount(v *visit) error {
	f := newForm()
	err := v.once(func() (string, error) { return "/mail?did=checked", v.agent().CheckMailAccount(v.ctx()) })
	if err == nil || !again(&f, err) {
		return err
	}
	state, serr := v.agent().MailState(v.ctx())
	if serr != nil {
		return serr
	}
	// What was wrong is said; the fields are as they are set.
	said := f.Error("")
	acc := state.Account
	f = newForm("address", acc.Address, "user", acc.User, "authserv", acc.AuthServ, "submit_host", acc.Submit.Host, "submit_port", strconv.Itoa(acc.Submit.Port),
		"submit_tls", acc.Submit.TLS, "receive_host", acc.Receive.Host, "receive_port", strconv.Itoa(acc.Receive.Port), "receive_tls", acc.Receive.TLS)
	f.fault("", said)
	return s.mail(v, http.StatusUnprocessableEntity, &f, false)
}

// dropAccount serves POST /mail/drop.
func (s *Server) dropAccount(v *visit) error {
	return v.once(func() (string, error) { return "/mail?did=dropped", v.agent().DropMailAccount(v.ctx()) })
}

// setMailRule serves POST /mail/rule: what answers of a company mean that have some
// words in them; without a mark the rule goes.
func (s *Server) setMailRule(v *visit) error {
	rule := agent.MailRule{Domain: v.PostFormValue("domain"), Words: v.PostFormValue("words"), Mark: v.PostFormValue("mark")}
	f := newForm()
	err := v.once(func() (string, error) { return "/mail?did=saved", v.agent().SetMailRule(v.ctx(), rule) })
	if err == nil || !again(&f, err) {
		return err
	}
	return s.mail(v, http.StatusUnprocessableEntity, &f, false)
}

// mail fills in what a company's page shows of mail.
func (p *CompanyPage) mail(v *visit, domain string) (err error) {
	if p.Address, p.Typed, err = v.agent().MailAddress(v.ctx(), domain); err != nil {
		return err
	}
	p.MailForm = newForm()
	if p.Typed {
		p.MailForm.Values.Set("address", p.Address)
	}
	if p.C.Rel.IsZero() {
		return nil
	}
	p.Answers, _, err = v.agent().Answers(v.ctx(), agent.AnswerQuery{Rel: p.C.Rel, Limit: 20})
	return err
}

// setAddress serves POST /companies/{domain}/address; none is the one that is listed.
func (s *Server) setAddress(v *visit) error {
	domain := v.PathValue("domain")
	f := v.form()
	err := v.once(func() (string, error) {
		return pathOf("companies", domain) + "?did=saved", v.agent().SetMailAddress(v.ctx(), domain, strings.TrimSpace(f.Value("address")))
	})
	if err == nil || !again(&f, err) {
		return err
	}
	p, perr := s.companyAt(v, timelineLimit)
	if perr != nil {
		return perr
	}
	p.MailForm = f
	return s.render(v, http.StatusUnprocessableEntity, "company", p)
}

// An AnswerPage is one mail that came, as text that does nothing.
type AnswerPage struct {
	Answer agent.Answer
	Domain string // the company's
	Name   string
	Marks  []Option
	Task   bool // it answers something that she can follow
	Form   Form
}

// showAnswer serves GET /answers/{id}.
func (s *Server) showAnswer(v *visit) error { return s.answer(v, http.StatusOK, newForm()) }

func (s *Server) answer(v *visit, status int, f Form) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	p := AnswerPage{Form: f}
	if p.Answer, err = v.agent().Answer(v.ctx(), id); err != nil {
		return err
	}
	rels, err := v.agent().Relationships(v.ctx())
	if err != nil {
		return err
	}
	for _, r := range rels {
		if r.ID == p.Answer.Rel {
			p.Domain, p.Name = r.Domain, r.Name
		}
	}
	p.Task = !p.Answer.Entry.IsZero()
	for _, mark := range []string{agent.MarkApplied, agent.MarkRefused, agent.MarkProof, agent.MarkAnswer} {
		p.Marks = append(p.Marks, Option{mark, v.lang.Word("mark", mark), mark == p.Answer.Mark})
	}
	return s.render(v, status, "answer", p)
}

// markAnswer serves POST /answers/{id}/mark: what it means; nothing takes a mark back.
// With words, a rule is made of it.
func (s *Server) markAnswer(v *visit) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	f := v.form()
	mark, words := f.Value("mark"), strings.TrimSpace(f.Value("words"))
	err = v.once(func() (string, error) {
		err := v.agent().Mark(v.ctx(), id, mark)
		if err == nil && words != "" && mark != "" {
			err = v.agent().SetMailRule(v.ctx(), agent.MailRule{Domain: f.Value("domain"), Words: words, Mark: mark})
		}
		return pathOf("answers", itoa(id)) + "?did=saved", err
	})
	if err == nil || fault.KindOf(err) == fault.NotExist || !again(&f, err) {
		return err
	}
	return s.answer(v, http.StatusUnprocessableEntity, f)
}

// dropAnswer serves POST /answers/{id}/drop.
func (s *Server) dropAnswer(v *visit) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	return v.once(func() (string, error) { return "/mail?did=dropped", v.agent().DropAnswer(v.ctx(), id) })
}

// saveAttachment serves GET /answers/{id}/attachments/{n}: a file of a stranger, which
// the browser keeps and never shows.
func (s *Server) saveAttachment(v *visit) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	n, err := v.number("n")
	if err != nil || n < 0 || n > 1000 {
		return errNoPage
	}
	return saveBlob(v, func(create func(firsthand.Blob) (io.Writer, error)) error {
		return v.agent().Attachment(v.ctx(), id, int(n), create)
	})
}

// saveBlob has the browser keep a file under its name. Whatever it is, it is never
// shown: its content is no page of ours.
func saveBlob(v *visit, save func(create func(firsthand.Blob) (io.Writer, error)) error) error {
	begun := false
	err := save(func(b firsthand.Blob) (io.Writer, error) {
		h := v.w.Header()
		h.Set("Content-Type", "application/octet-stream")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "sandbox; "+h.Get("Content-Security-Policy"))
		h.Set("Content-Disposition", attachment(b.Name))
		h.Set("Content-Length", strconv.FormatInt(b.Size, 10))
		v.w.WriteHeader(http.StatusOK)
		begun = true
		return v.w, nil
	})
	if err != nil && begun {
		panic(http.ErrAbortHandler) // she must not take half of it for the whole
	}
	return err
}

// attachment returns a Content-Disposition under which a file is kept by its name.
func attachment(name string) string {
	var plain, coded strings.Builder
	for _, b := range []byte(name) {
		switch {
		case b >= '0' && b <= '9', b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b == '.', b == '-', b == '_':
			plain.WriteByte(b)
			coded.WriteByte(b)
		default:
			plain.WriteByte('_')
			coded.WriteString("%" + strings.ToUpper(strconv.FormatUint(uint64(b)+0x100, 16)[1:]))
		}
	}
	return `attachment; filename="` + plain.String() + `"; filename*=UTF-8''` + coded.String()
}

// mail fills in what a task's page shows of mail: what can't go by mail shows none.
func (p *TaskPage) mail(v *visit) error {
	for part, at := range map[string]**agent.MailDraft{agent.Itself: &p.Mail, agent.Reminder: &p.Reminder} {
		d, err := v.agent().MailDraft(v.ctx(), p.Task.Entry, part)
		switch fault.KindOf(err) {
		case fault.Invalid, fault.NotExist:
			if err != nil {
				continue
			}
		}
		if err != nil {
			return err
		}
		*at = &d
	}
	p.Overdue = p.Task.Due.Over(v.now) && p.Task.Step != agent.StepApplied && p.Task.Step != agent.StepRefused && p.Task.Step != agent.StepReplaced
	if p.Task.PostedOn() != "" && p.Task.Remind > firsthand.DateOf(v.now) {
		p.Overdue = false // the clock began when the letter arrived, and the reminder is set by it
	}
	return nil
}

// sendMail serves POST /tasks/{entry}/mail: the mail goes, or the reminder, by her
// hand.
func (s *Server) sendMail(v *visit) error {
	id, err := v.id("entry")
	if err != nil {
		return err
	}
	f := v.form()
	return s.onTask(v, &f, func() (string, error) {
		send := v.agent().SendMail
		if f.Value("part") == agent.Reminder {
			send = v.agent().SendReminder
		}
		return pathOf("tasks", id.String()) + "?did=sent", send(v.ctx(), id)
	})
}

// settleMail serves POST /tasks/{entry}/mail/settle: what she says of a mail that
// waits, failed, or of which nobody knows whether it left.
func (s *Server) settleMail(v *visit) error {
	id, err := v.id("entry")
	if err != nil {
		return err
	}
	f := v.form()
	part := f.Value("part")
	return s.onTask(v, &f, func() (string, error) {
		to := pathOf("tasks", id.String()) + "?did=saved"
		switch f.Value("act") {
		case "left":
			return to, v.agent().MailLeft(v.ctx(), id, part)
		case "drop":
			return to, v.agent().DropMail(v.ctx(), id, part)
		case "retry":
			return to, v.agent().RetryMail(v.ctx(), id, part)
		}
		return "", errNoPage
	})
}

// A ComplaintPage is a complaint that she may bring to an authority: it is never sent
// from here.
type ComplaintPage struct {
	Draft agent.ComplaintDraft
	Back  string
	Name  string
	Paper bool // an address is known to which it can be posted
}

// showComplaint serves GET /tasks/{entry}/complaint.
func (s *Server) showComplaint(v *visit) error {
	id, err := v.id("entry")
	if err != nil {
		return err
	}
	t, err := v.agent().Task(v.ctx(), id)
	if err != nil {
		return err
	}
	p := ComplaintPage{Back: pathOf("tasks", id.String()), Name: t.Name}
	if p.Draft, err = v.agent().Complaint(v.ctx(), id); err != nil {
		return err
	}
	p.Paper = len(p.Draft.Authorities) > 0 && len(p.Draft.Authorities[0].Address) > 1
	return s.render(v, http.StatusOK, "complaint", p)
}
