package agent

import (
	"context"
	"io"
	"slices"
	"strings"

	"firsthand"
	"firsthand/fault"
)

// What an answer means. She says it, or a rule that she made.
const (
	MarkApplied = "applied" // the company has done what she asked
	MarkRefused = "refused"
	MarkProof   = "proof"  // it wants to know that it is she
	MarkAnswer  = "answer" // it answered, and nothing is decided
)

// Answers returns what came by mail, the newest first, and how many there are.
func (a *Agent) Answers(ctx context.Context, q AnswerQuery) ([]Answer, int, error) {
	return a.Store.Answers(ctx, q)
}

// Answer returns one of them.
func (a *Agent) Answer(ctx context.Context, id int64) (Answer, error) {
	ans, err := a.Store.Answer(ctx, id)
	if fault.KindOf(err) == fault.NotExist {
		err = fault.Tell(fault.NotExist, "there is no such answer", "firsthand mail answers")
	}
	return ans, err
}

// Attachment writes attachment n of an answer, from 0, to what create returns. Nobody
// has opened it: it may be anything.
func (a *Agent) Attachment(ctx context.Context, id int64, n int, create func(firsthand.Blob) (io.Writer, error)) error {
	ans, err := a.Answer(ctx, id)
	if err != nil {
		return err
	}
	if n < 0 || n >= len(ans.Blobs) {
		return fault.Tell(fault.NotExist, "there is no such attachment", "firsthand mail answers")
	}
	w, err := create(ans.Blobs[n])
	if err != nil {
		return err
	}
	return a.Store.ReadBlob(ctx, ans.Blobs[n].Hash, w)
}

// Mark says what an answer means, and moves the entry that it answers: applied and
// refused end it. "" takes a mark back.
func (a *Agent) Mark(ctx context.Context, id int64, mark string) error {
	if !slices.Contains([]string{"", MarkApplied, MarkRefused, MarkProof, MarkAnswer}, mark) {
		return fault.Tell(fault.Invalid, "an answer can't mean "+mark, "applied, refused, proof or answer")
	}
	ans, err := a.Answer(ctx, id)
	if err != nil {
		return err
	}
	return a.with(ctx, ans.Rel, func(r *relationship) error {
		if ans, err = a.Store.Answer(ctx, id); err != nil || ans.Mark == mark {
			return err
		}
		ans.Mark, ans.Marked = mark, a.Now()
		c := Commit{Answers: []Answer{ans}}
		if ans.Entry.IsZero() {
			return a.commit(ctx, c, r)
		}
		_, err := a.write(ctx, r, markNote(&ans, ""), c)
		return err
	})
}

// markNote returns the note that says what an answer means.
func markNote(ans *Answer, by string) *firsthand.Note {
	n := &firsthand.Note{Entry: ans.Entry, Saw: "answer"}
	switch ans.Mark {
	case MarkApplied, MarkRefused:
		n.Saw, n.Text = ans.Mark, "it says so by mail"
	case MarkProof:
		n.Text = "it wants to know that it is you"
	case MarkAnswer:
		n.Text = "it answered by mail"
	default:
		n.Text = "it answered by mail; what it means is open"
	}
	if by != "" {
		n.Text += ", " + by
	}
	return n
}

// A MailRule says what answers of a company mean that have some words in them. It
// counts only for mails of which her mail host says that the company has sent them.
type MailRule struct {
	Domain string `json:"domain"` // the company's key
	Words  string `json:"words"`  // as they stand in the subject or the text, in any case
	Mark   string `json:"mark"`
}

func (r *MailRule) fits(domain string, ans *Answer) bool {
	return CompanyKey(domain) == r.Domain && strings.Contains(fold(ans.Subject+"\n"+ans.Text), fold(r.Words))
}

// fold makes texts comparable that differ in case and white space only.
func fold(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

// MailRules returns the rules that she made.
func (a *Agent) MailRules(ctx context.Context) (rules []MailRule, err error) {
	text, err := a.Store.Setting(ctx, rulesSetting)
	if err != nil || text == "" {
		return nil, err
	}
	return rules, firsthand.ParseJSON([]byte(text), &rules)
}

// minWords is how much a rule has to name: less would stand in any mail.
const minWords = 8

// SetMailRule adds a rule, in place of one for the same words; without a mark it
// removes it.
func (a *Agent) SetMailRule(ctx context.Context, rule MailRule) error {
	host, err := hostOf(rule.Domain)
	if err != nil {
		return err
	}
	rule.Domain, rule.Words = CompanyKey(host), fold(rule.Words)
	if len(rule.Words) < minWords || len(rule.Words) > 500 {
		return fault.Tell(fault.Invalid, "a rule names words that stand in such answers, and more than one or two", "such as: your new address is in our records")
	}
	if !slices.Contains([]string{"", MarkApplied, MarkRefused, MarkProof, MarkAnswer}, rule.Mark) {
		return fault.Tell(fault.Invalid, "an answer can't mean "+rule.Mark, "applied, refused, proof or answer")
	}
	rules, err := a.MailRules(ctx)
	if err != nil {
		return err
	}
	rules = slices.DeleteFunc(rules, func(r MailRule) bool { return r.Domain == rule.Domain && r.Words == rule.Words })
	if rule.Mark != "" {
		rules = append(rules, rule)
	}
	text := ""
	if len(rules) > 0 {
		text = string(firsthand.EncodeJSON(rules))
	}
	return a.Store.Commit(ctx, Commit{Settings: map[string]string{rulesSetting: text}})
}

// DropAnswer forgets an answer with its attachments. What was noted of it in the log
// stays.
func (a *Agent) DropAnswer(ctx context.Context, id int64) error {
	return a.Store.Commit(ctx, Commit{DropAnswers: []int64{id}})
}

// Mails returns her mails, the newest first.
func (a *Agent) Mails(ctx context.Context, q MailQuery) ([]Mail, error) {
	all, err := a.Store.Mails(ctx, q)
	slices.Reverse(all)
	return all, err
}
