package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/channel"
	"firsthand/internal/cli"
)

var mailCmd = cli.Command[*app]{
	Name: "mail", Args: "[verb ...]", Short: "your mail account, what goes by it to companies without a gateway, and what comes back",
	Long: `Without a verb it shows the account and what waits. The verbs are:

account ADDRESS        set it; --submit and --receive name HOST:PORT, and the password is asked for
test                   open it both ways, and say what is wrong; nothing is sent
forget                 forget it
address COMPANY [ADDRESS | none]   where mails to a company go
send TASK              send a task by mail, after showing it; remind TASK reminds of one that is overdue
left TASK, drop TASK, retry TASK   of a mail of which nobody knows whether it left, that waits, or that failed
complaint TASK         draft a complaint about one; you bring it to the authority yourself
fetch                  send what waits and read the mailbox now; a running server does so by itself
answers [N]            list what came, or show one as text
mark N MEANING         say what it means: applied, refused, proof, answer, none; --words makes a rule of it
save N K FILE          keep attachment K of an answer as a file; nobody has opened it`,
	Setup: func(fs *flag.FlagSet) run {
		var o mailOptions
		fs.StringVar(&o.submit, "submit", "", "with account, `host:port` to send by")
		fs.StringVar(&o.receive, "receive", "", "with account, `host:port` to read by")
		fs.StringVar(&o.submitTLS, "submit-tls", channel.Implicit, "with account, tls or starttls, as `said` by your provider")
		fs.StringVar(&o.receiveTLS, "receive-tls", channel.Implicit, "with account, the same to read")
		fs.StringVar(&o.user, "user", "", "with account, the user `name`, if it is another than the address")
		fs.StringVar(&o.authserv, "authserv", "", "with account, the `name` under which your mail host says whether senders are who they say")
		fs.StringVar(&o.password, "mail-password-file", "", "with account, the `file` with its password")
		fs.StringVar(&o.words, "words", "", "with mark, such `text` means the same in later mails of the company")
		fs.BoolVar(&o.yes, "yes", false, "with send and remind, don't ask")
		fs.BoolVar(&o.json, "json", false, "print JSON")
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			if len(args) == 0 {
				return a.mailState(ctx, env, o.json)
			}
			verb, ok := mailVerbs[args[0]]
			if !ok || len(args)-1 < verb.min || len(args)-1 > verb.max {
				return cli.Usagef("")
			}
			return verb.run(ctx, a, env, &o, args[1:])
		}
	},
}

type mailOptions struct {
	submit, receive, submitTLS, receiveTLS, user, authserv, password, words string
	yes, json                                                               bool
}

// A mailVerb is one of the verbs of mail.
type mailVerb struct {
	min, max int // arguments
	run      func(ctx context.Context, a *app, env *cli.Env, o *mailOptions, args []string) error
}

var mailVerbs = map[string]mailVerb{
	"account": {1, 1, setMailAccount},
	"test": {0, 0, func(ctx context.Context, a *app, env *cli.Env, _ *mailOptions, _ []string) error {
		if err := a.agent.CheckMailAccount(ctx); err != nil {
			return err
		}
		fmt.Fprintln(env.Stdout, "both ways are open: mails can go and come")
		return nil
	}},
	"forget": {0, 0, func(ctx context.Context, a *app, _ *cli.Env, _ *mailOptions, _ []string) error {
		return a.agent.DropMailAccount(ctx)
	}},
	"address": {1, 2, mailAddress},
	"send": {1, 1, func(ctx context.Context, a *app, env *cli.Env, o *mailOptions, args []string) error {
		return a.sendMail(ctx, env, o, args[0], agent.Itself, a.agent.SendMail)
	}},
	"remind": {1, 1, func(ctx context.Context, a *app, env *cli.Env, o *mailOptions, args []string) error {
		return a.sendMail(ctx, env, o, args[0], agent.Reminder, a.agent.SendReminder)
	}},
	"left":      {1, 1, onMail((*agent.Agent).MailLeft)},
	"drop":      {1, 1, onMail((*agent.Agent).DropMail)},
	"retry":     {1, 1, onMail((*agent.Agent).RetryMail)},
	"complaint": {1, 1, mailComplaint},
	"fetch":     {0, 0, fetchMail},
	"answers":   {0, 1, mailAnswers},
	"mark":      {2, 2, markMail},
	"save":      {3, 3, saveMail},
}

func setMailAccount(ctx context.Context, a *app, env *cli.Env, o *mailOptions, args []string) error {
	acc := channel.Account{Address: args[0], User: o.user, AuthServ: o.authserv}
	for given, at := range map[*string]*channel.Server{&o.submit: &acc.Submit, &o.receive: &acc.Receive} {
		host, port, err := net.SplitHostPort(*given)
		n, nerr := strconv.Atoi(port)
		if err != nil || nerr != nil {
			return fault.Tell(fault.Invalid, "--submit and --receive name a host and a port", "such as --submit mail.example.org:465 --receive mail.example.org:993")
		}
		at.Host, at.Port = host, n
	}
	acc.Submit.TLS, acc.Receive.TLS = o.submitTLS, o.receiveTLS
	pass, err := env.Secret(ctx, cli.Secret{Prompt: "Password of the mail account", Flag: "mail-password-file", File: o.password, Var: "FIRSTHAND_MAIL_PASSWORD_FILE"})
	if err != nil {
		return err
	}
	acc.Password = channel.Password(pass)
	clear(pass)
	if err := a.agent.SetMailAccount(ctx, acc); err != nil {
		return err
	}
	fmt.Fprintln(env.Stdout, "kept, in your encrypted file alone; test it: firsthand mail test")
	return nil
}

func mailAddress(ctx context.Context, a *app, env *cli.Env, _ *mailOptions, args []string) error {
	if len(args) == 2 {
		if args[1] == "none" {
			args[1] = ""
		}
		return a.agent.SetMailAddress(ctx, args[0], args[1])
	}
	address, typed, err := a.agent.MailAddress(ctx, args[0])
	switch {
	case err != nil:
		return err
	case address == "":
		return fault.Tell(fault.NotExist, "no address of "+args[0]+" is known", "firsthand mail address "+args[0]+" ADDRESS")
	case typed:
		fmt.Fprintln(env.Stdout, cli.Printable(address), "(you typed it)")
	default:
		fmt.Fprintln(env.Stdout, cli.Printable(address), "(as it is listed)")
	}
	return nil
}

// sendMail shows a mail, asks, and has it go.
func (a *app) sendMail(ctx context.Context, env *cli.Env, o *mailOptions, task, part string, send func(context.Context, firsthand.ID) error) error {
	entry, err := a.findTask(ctx, task)
	if err != nil {
		return err
	}
	d, err := a.agent.MailDraft(ctx, entry, part)
	if err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "from %s to %s: %s\n%s", cli.Printable(d.From), cli.Printable(d.To), cli.Printable(d.Subject), cli.PrintableLines(d.Text, "  "))
	if !o.yes {
		if err := goOn(ctx, env); err != nil {
			return err
		}
	}
	if err := send(ctx, entry); err != nil {
		return err
	}
	return a.flushMail(ctx, env)
}

// flushMail does what a running server would do by itself.
func (a *app) flushMail(ctx context.Context, env *cli.Env) error {
	if a.home != nil {
		return nil // it does
	}
	if _, err := a.agent.PostMails(ctx); err != nil {
		return err
	}
	mails, err := a.agent.Mails(ctx, agent.MailQuery{Open: true})
	if err != nil {
		return err
	}
	if waiting := len(slices.DeleteFunc(mails, func(m agent.Mail) bool { return m.State == agent.MailSent })); waiting > 0 {
		fmt.Fprintf(env.Stderr, "firsthand: %s; again later: firsthand mail fetch\n", cli.Count(waiting, "mail waits", "mails wait"))
	}
	return nil
}

func onMail(do func(*agent.Agent, context.Context, firsthand.ID, string) error) func(context.Context, *app, *cli.Env, *mailOptions, []string) error {
	return func(ctx context.Context, a *app, _ *cli.Env, _ *mailOptions, args []string) error {
		entry, err := a.findTask(ctx, args[0])
		if err != nil {
			return err
		}
		err = do(a.agent, ctx, entry, agent.Itself)
		if fault.KindOf(err) == fault.NotExist || fault.KindOf(err) == fault.Conflict {
			if rerr := do(a.agent, ctx, entry, agent.Reminder); fault.KindOf(rerr) != fault.NotExist {
				return rerr
			}
		}
		return err
	}
}

func mailComplaint(ctx context.Context, a *app, env *cli.Env, _ *mailOptions, args []string) error {
	entry, err := a.findTask(ctx, args[0])
	if err != nil {
		return err
	}
	d, err := a.agent.Complaint(ctx, entry)
	if err != nil {
		return err
	}
	for _, n := range d.Authorities {
		fmt.Fprintf(env.Stdout, "to %s\t%s\n", cli.Printable(n.Name), cli.Printable(n.Link))
	}
	fmt.Fprintf(env.Stdout, "%s\n%s", cli.Printable(d.Subject), cli.PrintableLines(d.Text, "  "))
	return nil
}

func fetchMail(ctx context.Context, a *app, env *cli.Env, _ *mailOptions, _ []string) error {
	if err := a.flushMail(ctx, env); err != nil {
		return err
	}
	n, err := a.agent.FetchMails(ctx, nil)
	if err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "%s came\n", cli.Count(n, "answer", "answers"))
	return nil
}

func (a *app) mailState(ctx context.Context, env *cli.Env, asJSON bool) error {
	s, err := a.agent.MailState(ctx)
	if err != nil {
		return err
	}
	mails, err := a.agent.Mails(ctx, agent.MailQuery{})
	if err != nil {
		return err
	}
	type row struct {
		Entry   firsthand.ID `json:"entry"`
		Part    string       `json:"part,omitempty"`
		To      string       `json:"to"`
		State   string       `json:"state"`
		Failure string       `json:"failure,omitempty"`
	}
	rows, lines := []row{}, [][]string{{"TASK", "TO", "STATE", "WHY"}}
	for _, m := range mails {
		rows = append(rows, row{m.Entry, m.Part, m.To, m.State, m.Failure})
		state := m.State
		if m.Part != "" {
			state = m.Part + " " + state
		}
		lines = append(lines, []string{short(m.Entry), m.To, state, m.Failure})
	}
	if asJSON {
		return printJSON(env, rows)
	}
	fmt.Fprintf(env.Stdout, "%s, sending by %s, reading from %s\n", cli.Printable(s.Account.Address), cli.Printable(s.Account.Submit.Host), cli.Printable(s.Account.Receive.Host))
	for what, problem := range map[string]string{"sending": s.Sending, "reading": s.Reading} {
		if problem != "" {
			fmt.Fprintf(env.Stdout, "not %s: %s\n", what, cli.Printable(problem))
		}
	}
	if len(mails) == 0 {
		return nil
	}
	_, err = fmt.Fprint(env.Stdout, cli.Table(lines...))
	return err
}

// answerRow is one answer as JSON has it.
type answerRow struct {
	ID       int64         `json:"id"`
	Entry    firsthand.ID  `json:"entry,omitzero"`
	From     string        `json:"from"`
	Subject  string        `json:"subject"`
	Kind     string        `json:"kind"`
	Stranger bool          `json:"stranger"`
	Mark     string        `json:"mark,omitempty"`
	Came     time.Time     `json:"came"`
	Proof    channel.Proof `json:"proof"`
	Text     string        `json:"text"`
}

func mailAnswers(ctx context.Context, a *app, env *cli.Env, o *mailOptions, args []string) error {
	if len(args) == 1 {
		id, err := strconv.ParseInt(args[0], 10, 64)
		if err != nil {
			return cli.Usagef("")
		}
		return a.showAnswer(ctx, env, id)
	}
	all, _, err := a.agent.Answers(ctx, agent.AnswerQuery{})
	if err != nil {
		return err
	}
	rows, lines := []answerRow{}, [][]string{{"N", "FROM", "SUBJECT", "WHAT", "CAME"}}
	for _, n := range all {
		rows = append(rows, answerRow{n.ID, n.Entry, n.From, n.Subject, n.Kind, n.Stranger, n.Mark, n.Came.UTC(), n.Proof, n.Text})
		lines = append(lines, []string{fmt.Sprint(n.ID), n.From, n.Subject, answerWhat(n), n.Came.Format(time.DateOnly)})
	}
	if o.json {
		return printJSON(env, rows)
	}
	if len(all) == 0 {
		fmt.Fprintln(env.Stderr, "firsthand: no answer has come by mail yet")
		return nil
	}
	_, err = fmt.Fprint(env.Stdout, cli.Table(lines...))
	return err
}

func answerWhat(n agent.Answer) string {
	switch {
	case n.Kind == agent.Bounce:
		return "came back"
	case n.Stranger:
		return "perhaps a stranger"
	case n.Kind == agent.AutoReply:
		return "automatic"
	case n.Mark != "":
		return n.Mark
	}
	return "answer"
}

func (a *app) showAnswer(ctx context.Context, env *cli.Env, id int64) error {
	n, err := a.agent.Answer(ctx, id)
	if err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "%s\t%s\t%s\n", cli.Printable(n.From), cli.Printable(n.Subject), answerWhat(n))
	if n.Kind == agent.FromPerson {
		if n.Stranger {
			fmt.Fprintln(env.Stdout, "nothing proves that the company has sent this")
		} else {
			fmt.Fprintf(env.Stdout, "%s says that %s has sent this\n", cli.Printable(n.Proof.By), cli.Printable(n.Proof.Domain))
		}
	}
	fmt.Fprint(env.Stdout, cli.PrintableLines(n.Text, "  "))
	if n.Cut != "" {
		fmt.Fprintf(env.Stdout, "not everything was kept: %s\n", cli.Printable(n.Cut))
	}
	for i, b := range n.Blobs {
		fmt.Fprintf(env.Stdout, "attachment %d: %s, %d bytes, said to be %s\n", i+1, cli.Printable(b.Name), b.Size, cli.Printable(b.Media))
	}
	return nil
}

func markMail(ctx context.Context, a *app, _ *cli.Env, o *mailOptions, args []string) error {
	id, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil {
		return cli.Usagef("")
	}
	mark := args[1]
	if mark == "none" {
		mark = ""
	}
	if err := a.agent.Mark(ctx, id, mark); err != nil || o.words == "" || mark == "" {
		return err
	}
	n, err := a.agent.Answer(ctx, id)
	if err != nil {
		return err
	}
	r, err := a.agent.Find(ctx, n.Rel.String())
	if err != nil {
		return err
	}
	return a.agent.SetMailRule(ctx, agent.MailRule{Domain: r.Domain, Words: o.words, Mark: mark})
}

func saveMail(ctx context.Context, a *app, env *cli.Env, _ *mailOptions, args []string) error {
	id, err := strconv.ParseInt(args[0], 10, 64)
	k, kerr := strconv.Atoi(args[1])
	if err != nil || kerr != nil {
		return cli.Usagef("")
	}
	return writeFile(env.Path(args[2]), func(w io.Writer) error {
		return a.agent.Attachment(ctx, id, k-1, func(firsthand.Blob) (io.Writer, error) { return w, nil })
	})
}
