package agent

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/channel"
	"firsthand/internal/agent/letters"
)

// A Task is an entry of hers that she carries herself, to a company without a
// gateway. What became of it is her word: nothing of it is proved.
type Task struct {
	Entry, Rel   firsthand.ID
	Domain, Name string
	Kind         firsthand.Kind
	Fact         string // of a change, a disclosure or a withdrawal
	Made         time.Time
	Due          firsthand.Date // by which the law wants it applied or answered, ""
	Remind       firsthand.Date // "" for no reminder
	Step         string         // "" while it is open; sent, received, applied, refused, replaced
	Note         string         // hers, with the step
	Noted        time.Time
	Move         int64         // the last move that it belongs to; 0 for none
	Mail         string        // the state of the mail that carries it, "" if none does
	Draft        channel.Draft // only from Agent.Task
}

// A TaskQuery says which tasks, and which part of them.
type TaskQuery struct {
	// Show is "" for open ones that no mail is about to carry, "done" for those sent, applied, refused or
	// replaced, "all", or "due": open or sent, and to be reminded of by now.
	Show          string
	Domain        string // "" for all
	Move          int64  // 0 for all
	Offset, Limit int    // Limit 0: all
}

// Tasks returns what she has to carry herself: reminders that are due first, then
// the oldest first; and how many there are in all.
func (a *Agent) Tasks(ctx context.Context, q TaskQuery) (tasks []Task, total int, err error) {
	return a.Store.Tasks(ctx, q, firsthand.DateOf(a.Now()))
}

// task returns a task's row.
func (a *Agent) task(ctx context.Context, entry firsthand.ID) (Task, error) {
	t, err := a.Store.Task(ctx, entry)
	if fault.KindOf(err) == fault.NotExist {
		err = fault.Tell(fault.NotExist, "there is no such task", "firsthand task")
	}
	return t, err
}

// Task returns one task with what to carry. Where what it says was erased, there is
// nothing to carry any more: [fault.NotExist].
func (a *Agent) Task(ctx context.Context, entry firsthand.ID) (Task, error) {
	t, err := a.task(ctx, entry)
	if err != nil {
		return t, err
	}
	p, err := a.parcel(ctx, t)
	if err != nil {
		return t, err
	}
	chosen, err := a.chosen(ctx, t.Domain)
	if err != nil {
		return t, err
	}
	if ch, _, ok := a.channel(chosen, p.To); ok {
		t.Draft, err = ch.Prepare(p)
	}
	return t, err
}

// parcel returns what a task carries.
func (a *Agent) parcel(ctx context.Context, t Task) (p channel.Parcel, err error) {
	log, err := firsthand.Collect(a.Store.Entries(ctx, t.Rel, firsthand.First, 0))
	if err != nil {
		return p, err
	}
	s, err := firsthand.Fold(log, nil)
	if err != nil {
		return p, err
	}
	i := slices.IndexFunc(log, func(e firsthand.Entry) bool { return e.ID == t.Entry })
	if i < 0 || !log[i].HasBody() {
		return p, fault.Tell(fault.NotExist, "what it said was erased", "firsthand task")
	}
	p = channel.Parcel{Entry: t.Entry, Made: t.Made, Fact: t.Fact, Hers: make(map[string]firsthand.Value), Ref: letters.Ref(t.Rel)}
	if p.Content, err = firsthand.DecodeBody(log[i].Body); err != nil {
		return p, err
	}
	p.Old = before(s, log[:i], p.Content)
	for _, h := range s.At(a.Now()).Holdings {
		if h.Last != t.Entry {
			p.Hers[h.Fact] = h.Value
		}
	}
	if err := a.fromBefore(ctx, CompanyKey(t.Domain), p.Hers); err != nil {
		return p, err
	}
	p.To, err = a.to(ctx, t.Domain, t.Name)
	return p, err
}

// fromBefore adds what a company knows of her from before, as she says, the numbers that
// it has given her, and the name of her account there: by that it finds her.
func (a *Agent) fromBefore(ctx context.Context, key string, hers map[string]firsthand.Value) error {
	for s, err := range a.Store.Statements(ctx, "", key) {
		if err != nil {
			return err
		}
		if hers[s.Fact].IsZero() && !s.Guessed && !s.Value.IsZero() && (IsTold(cmp.Or(s.Origin, firsthand.Stated)) || strings.HasSuffix(s.Fact, "_number")) {
			hers[s.Fact] = s.Value
		}
	}
	accounts, err := a.Store.CompanyAccounts(ctx, key)
	if err != nil || !hers["login"].IsZero() {
		return err
	}
	var last Account
	for _, acc := range accounts {
		if acc.Kind == LoginAccount && acc.Login != "" && (last.Login == "" || acc.Used.After(last.Used)) {
			last = acc
		}
	}
	if last.Login != "" {
		hers["login"] = firsthand.Text(last.Login)
	}
	return nil
}

// before returns what the company had when say was written, in a log up to there.
func before(s *firsthand.State, log []firsthand.Entry, say firsthand.Content) (old firsthand.Value) {
	var of firsthand.ID
	switch say := say.(type) {
	case *firsthand.Change:
		if of = say.Of; of.IsZero() {
			return say.Old
		}
	case *firsthand.Withdraw:
		of = say.Disclosure
	default:
		return old
	}
	for _, e := range log {
		c, err := firsthand.DecodeBody(e.Body)
		if err != nil {
			continue // erased
		}
		switch c := c.(type) {
		case *firsthand.Disclose:
			if e.ID == of {
				old = c.Value
			}
		case *firsthand.Change:
			if e.ID == of || c.Of == of {
				old = c.Value
			}
		}
	}
	return old
}

// Done notes in the unpaired log what she saw of an entry: sent, applied or
// refused. note is hers: who she spoke to, a reference number. Doing it twice does
// nothing more.
func (a *Agent) Done(ctx context.Context, entry firsthand.ID, saw, note string) error {
	switch saw {
	case StepSent, StepApplied, StepRefused:
	default:
		return fault.Tell(fault.Invalid, saw+" is nothing that can be seen of a task", "sent, applied or refused")
	}
	return a.noteTask(ctx, entry, saw, note, Commit{})
}

// Reopen takes back what Done noted, with a later note: the last one counts.
func (a *Agent) Reopen(ctx context.Context, entry firsthand.ID) error {
	return a.noteTask(ctx, entry, "other", "", Commit{})
}

// noteTask notes what she saw of a task, and does with it what it comes with.
func (a *Agent) noteTask(ctx context.Context, entry firsthand.ID, saw, text string, with Commit) error {
	t, err := a.task(ctx, entry)
	if err != nil {
		return err
	}
	return a.with(ctx, t.Rel, func(r *relationship) error {
		if n := lastNotes(r.state)[entry]; n == nil && saw == "other" || n != nil && n.Say.Saw == saw && n.Say.Text == text {
			return nil // it says so already
		}
		_, err := a.write(ctx, r, &firsthand.Note{Entry: entry, Saw: saw, Text: text}, with)
		return err
	})
}

// Remind sets the day on which the task is shown first; "" for none.
func (a *Agent) Remind(ctx context.Context, entry firsthand.ID, on firsthand.Date) error {
	if on != "" {
		if _, err := firsthand.ParseDate(string(on)); err != nil {
			return err
		}
	}
	if _, err := a.task(ctx, entry); err != nil {
		return err
	}
	return a.Store.Commit(ctx, Commit{Reminders: map[firsthand.ID]firsthand.Date{entry: on}})
}
