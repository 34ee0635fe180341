package agent

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/channel"
	"firsthand/internal/agent/letters"
	"firsthand/internal/agent/rights"
)

// A Printer is a channel whose letters go on paper: *letter.Letter.
type Printer interface {
	channel.Channel

	// Print writes letters as one PDF, in their order, each on pages of its own. The
	// same requests give the same bytes. What can't be printed is left out, and left
	// says why: an error for each request, nil for those in the file. Where none is
	// left the error is [fault.Invalid].
	Print(w io.Writer, paper string, requests []letters.Request) (left []error, err error)
}

// printer returns the channel that prints, nil if there is none.
func (a *Agent) printer() Printer {
	for _, ch := range a.Channels {
		if p, ok := ch.(Printer); ok {
			return p
		}
	}
	return nil
}

// PaperLetters returns the open tasks whose way is the letter, the oldest first.
func (a *Agent) PaperLetters(ctx context.Context) ([]Task, error) {
	p := a.printer()
	if p == nil {
		return nil, nil
	}
	all, err := a.papers.get(a.Store, firsthand.DateOf(a.Now()), func() ([]Task, error) { return a.paperLetters(ctx, p) })
	return slices.Clone(all), err
}

func (a *Agent) paperLetters(ctx context.Context, p Printer) (all []Task, err error) {
	tasks, _, err := a.Tasks(ctx, TaskQuery{})
	if err != nil {
		return nil, err
	}
	var domains []string
	for _, t := range tasks {
		domains = append(domains, t.Domain)
	}
	known, err := a.known(ctx, domains...)
	if err != nil {
		return nil, err
	}
	byLetter := make(map[string]bool)
	for _, t := range tasks {
		letter, found := byLetter[t.Domain]
		if !found {
			to, err := known.to(ctx, t.Domain, "")
			if err != nil {
				return nil, err
			}
			ch, _, _ := a.channel(known.own[CompanyKey(t.Domain)].Channel, to)
			letter = ch == channel.Channel(p)
			byLetter[t.Domain] = letter
		}
		if letter {
			all = append(all, t)
		}
	}
	return all, nil
}

// maxPrinted is how many letters one file may have.
const maxPrinted = 500

// Printed is a file of letters.
type Printed struct {
	PDF  []byte
	Done []firsthand.ID          // in it, in this order
	Left map[firsthand.ID]string // what isn't in it, and why
}

// Print makes one PDF of the letters that carry entries. paper is [channel.A4] or
// [channel.USLetter], "" for what is used where she lives. Nothing is noted: whether
// they were posted only she knows, see Posted.
func (a *Agent) Print(ctx context.Context, paper string, entries ...firsthand.ID) (p Printed, err error) {
	if len(entries) > maxPrinted {
		return p, fault.Tell(fault.Invalid, fmt.Sprintf("%d letters are too many for one file", len(entries)), fmt.Sprintf("at most %d at once", maxPrinted))
	}
	p.Left = make(map[firsthand.ID]string)
	var requests []letters.Request
	var of []firsthand.ID
	for _, entry := range entries {
		t, err := a.task(ctx, entry)
		if err != nil {
			return p, err
		}
		parcel, err := a.parcel(ctx, t)
		if fault.KindOf(err) == fault.NotExist && ctx.Err() == nil {
			p.Left[entry] = reason(err)
			continue
		}
		if err != nil {
			return p, err
		}
		r, err := letters.OfParcel(parcel)
		if err != nil {
			return p, err
		}
		requests, of = append(requests, r), append(of, entry)
	}
	pdf, left, err := a.print(ctx, paper, requests...)
	for i, entry := range of {
		if i < len(left) && left[i] != nil {
			p.Left[entry] = said(left[i])
		} else {
			p.Done = append(p.Done, entry)
		}
	}
	if err != nil && len(entries) == 1 && len(left) == 1 && left[0] != nil {
		return p, left[0] // what there is to mend
	}
	p.PDF = pdf
	return p, err
}

// print makes one PDF of letters.
func (a *Agent) print(ctx context.Context, paper string, requests ...letters.Request) (pdf []byte, left []error, err error) {
	printer := a.printer()
	if printer == nil {
		return nil, nil, fault.Tell(fault.NotExist, "nothing here prints letters", "")
	}
	if paper == "" {
		her, err := a.home(ctx)
		if err != nil {
			return nil, nil, err
		}
		if paper = channel.A4; her.Country == "US" {
			paper = channel.USLetter
		}
	}
	var out bytes.Buffer
	left, err = printer.Print(&out, paper, requests)
	return out.Bytes(), left, err
}

// PrintFollow makes a PDF of what follows an entry that was not answered in time: a
// [letters.Reminder] to the company, or a [letters.Complaint] to the authority that is nearest to
// her, as far as its address is known.
func (a *Agent) PrintFollow(ctx context.Context, paper string, entry firsthand.ID, part string) ([]byte, error) {
	t, err := a.task(ctx, entry)
	if err != nil {
		return nil, err
	}
	var r letters.Request
	switch part {
	case letters.Reminder:
		r, err = a.overdue(ctx, t, letters.Reminder)
	case letters.Complaint:
		r, _, err = a.complaint(ctx, t)
	default:
		err = fault.Tell(fault.Invalid, "nothing follows but a reminder or a complaint", "")
	}
	if err != nil {
		return nil, err
	}
	pdf, left, err := a.print(ctx, paper, r)
	if err != nil && len(left) == 1 && left[0] != nil {
		return nil, left[0]
	}
	return pdf, err
}

// postDays is how long a letter is taken to be on its way. No law says it; it is
// what the post promises within Europe, and later than she would say.
const postDays = 3

// postedNote begins the note that says when a letter was posted.
const postedNote = "posted on "

// Posted notes that a letter was posted on a day, "" for today, and sets the day on
// which the task is shown again: when the answer is overdue, counted from its
// arrival.
func (a *Agent) Posted(ctx context.Context, entry firsthand.ID, on firsthand.Date) error {
	t, err := a.task(ctx, entry)
	if err != nil {
		return err
	}
	today := firsthand.DateOf(a.Now().Add(14 * time.Hour)) // it is tomorrow somewhere
	if on == "" {
		on = firsthand.DateOf(a.Now())
	}
	day, err := firsthand.ParseDate(string(on))
	if err != nil {
		return err
	}
	if day > today {
		return fault.Tell(fault.Invalid, string(on)+" is still to come", "the day on which it was posted")
	}
	if day < firsthand.DateOf(t.Made.Add(-24*time.Hour)) {
		return fault.Tell(fault.Invalid, "the letter was written later than "+string(on), "the day on which it was posted")
	}
	if err := a.Done(ctx, entry, StepSent, postedNote+string(on)); err != nil || t.Due == "" {
		return err
	}
	p, err := a.parcel(ctx, t)
	if err != nil {
		return err
	}
	r, err := letters.OfParcel(p)
	if err != nil {
		return err
	}
	return a.Remind(ctx, entry, firsthand.DateOf(dueByPost(&r, t.Due, day).End()))
}

// PostedOn returns the day on which she noted that she posted the letter, "" for none.
func (t *Task) PostedOn() firsthand.Date {
	text, ok := strings.CutPrefix(t.Note, postedNote)
	if !ok || t.Step != StepSent {
		return ""
	}
	day, err := firsthand.ParseDate(text)
	if err != nil {
		return ""
	}
	return day
}

// dueByPost returns the day by which a letter that was posted on a day has to be
// answered: the law's clock begins when it arrives, and never ends before due.
func dueByPost(r *letters.Request, due, posted firsthand.Date) firsthand.Date {
	at, err := time.Parse(time.DateOnly, string(posted))
	if err != nil || due == "" {
		return due
	}
	arrived := firsthand.DateOf(at.AddDate(0, 0, postDays))
	c, err := rights.ClockOf(cmp.Or(r.Law, rights.GDPR), cmp.Or(r.Right, rights.Correct), arrived, letters.PlaceOf(r.To))
	if err != nil { // a law that only she knows
		return max(due, firsthand.OneMonthAfter(arrived.End().Add(-time.Hour)))
	}
	return max(due, c.Due)
}

// SetAddress says where letters to a company go, line by line; "" for the address
// that a directory lists.
func (a *Agent) SetAddress(ctx context.Context, domain, address string) error {
	var lines []string
	for line := range strings.SplitSeq(channel.Value(address), "\n") {
		if line = channel.Clean(line); line != "" {
			lines = append(lines, line)
		}
	}
	if len(lines) == 1 || len(lines) > 12 {
		return fault.Tell(fault.Invalid, "an address has two lines at least and twelve at most", "street or box, then the town, then the country if it is another one")
	}
	text := strings.Join(lines, "\n")
	return a.edit(ctx, CompanyEdit{Address: &text}, domain)
}

// SetLang says in which language she writes to a company; "" for that of its country.
func (a *Agent) SetLang(ctx context.Context, domain, lang string) error {
	if lang != "" && !slices.Contains(letters.Languages(), lang) {
		return fault.Tell(fault.Invalid, channel.Clean(lang)+" is no language in which letters are written here", strings.Join(letters.Languages(), ", "))
	}
	return a.edit(ctx, CompanyEdit{Lang: &lang}, domain)
}

// A Writing is where and how letters go to a company.
type Writing struct {
	Address []string // as it is used
	Own     string   // as she typed it, "" if a directory's is used
	Lang    string   // as it is used
	OwnLang string   // her choice
}

// Writing returns where and how letters go to a company.
func (a *Agent) Writing(ctx context.Context, domain string) (w Writing, err error) {
	known, err := a.known(ctx, domain)
	if err != nil {
		return w, err
	}
	own := known.own[CompanyKey(domain)]
	to, err := known.to(ctx, domain, "")
	return Writing{Address: letters.AddressLines(to), Own: own.Address, Lang: to.Lang, OwnLang: own.Lang}, err
}
