package agent

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"firsthand"
	"firsthand/fault"
)

// What a card can be about, beside what waits in a relationship.
const (
	CardLate     = "late"     // a company has not done in time what it owes
	CardTask     = "task"     // a task of which she wanted to be reminded
	CardTasks    = "tasks"    // all other open tasks, as one card
	CardImport   = "import"   // a file that she brought is neither kept nor undone
	CardUnsure   = "unsure"   // accounts of which the company isn't certain
	CardContract = "contract" // a contract goes on unless she cancels in time
	CardBackup   = "backup"   // there is no second copy, or an old one
	CardKit      = "kit"      // the book of next keys runs low
)

// backupAge is after how many days a backup is old.
const backupAge = 30

// fewKeys is how many next keys are few. Each relationship that is met takes one.
const fewKeys = 10

// A Card is one thing that needs her.
type Card struct {
	Key          string // names it, for Later
	What         string // WaitAsk …, CardLate …
	Domain, Name string // of the company; "" for none
	Rel, Entry   firsthand.ID
	Fact         string
	Kind         firsthand.Kind // of a task
	N            int            // how many it stands for; 0 for one
	Import       int64
	Answer       int64          // a mail that came
	File         string         // of the import, as she called it; of a contract, its name
	Contract     string         // its Ref
	Due          firsthand.Date // by which it, or what it is about, is due; "" for never
	Since        time.Time      // since when it waits; zero where only Due counts
}

// Place is the day by which cards are sorted: by which it is due, else since which
// it waits. The oldest duty comes first.
func (c *Card) Place() firsthand.Date {
	if c.Due != "" {
		return c.Due
	}
	return firsthand.DateOf(c.Since)
}

// ForGood reports whether she may put the card away for good: there is nothing to do
// but to know it.
func (c *Card) ForGood() bool {
	switch c.What {
	case WaitMessage, WaitRefused, WaitAnswer, WaitLeft:
		return true
	}
	return false
}

// Never is the day until which a card is put off that is put away for good.
const Never firsthand.Date = "9999-12-31"

// A Today is what needs her: the oldest duty first. It reaches zero.
type Today struct {
	Cards []Card // the first ones
	Total int    // of all
	Later int    // put off until a day that is to come
	Next  firsthand.Date
	Now   time.Time
}

// Today returns the first cards of what needs her, at most limit. backup is when a
// second copy of her file was last made and tested, zero for never.
func (a *Agent) Today(ctx context.Context, backup time.Time, limit int) (t Today, err error) {
	t.Now = a.Now()
	today := firsthand.DateOf(t.Now)
	later, err := a.Store.Later(ctx)
	if err != nil {
		return t, err
	}
	for _, until := range later {
		if until > today && until != Never {
			t.Later++
			if t.Next == "" || until < t.Next {
				t.Next = until
			}
		}
	}
	var cards []Card
	for _, add := range []func(context.Context, firsthand.Date, int) ([]Card, int, error){a.waitingCards, a.lateCards, a.taskCards, a.importCards, a.leakCards, a.mailCards, a.contractCards} {
		more, total, err := add(ctx, today, limit+len(later))
		if err != nil {
			return t, err
		}
		cards, t.Total = append(cards, more...), t.Total+total-len(more)
	}
	more, err := a.safetyCards(ctx, backup)
	if err != nil {
		return t, err
	}
	cards = append(cards, more...)
	cards = slices.DeleteFunc(cards, func(c Card) bool { return later[c.Key] > today })
	t.Total += len(cards)
	slices.SortStableFunc(cards, func(x, y Card) int {
		return cmp.Or(cmp.Compare(x.Place(), y.Place()), x.Since.Compare(y.Since), cmp.Compare(x.Key, y.Key))
	})
	t.Cards = cards[:min(limit, len(cards))]
	return t, a.nameCards(ctx, t.Cards)
}

// waitingCards are what waits in relationships.
func (a *Agent) waitingCards(ctx context.Context, today firsthand.Date, limit int) (cards []Card, total int, err error) {
	rows, total, err := a.Store.Waits(ctx, today, limit)
	for _, w := range rows {
		cards = append(cards, Card{Key: w.Key, What: w.What, Domain: CompanyKey(w.Domain), Rel: w.Rel, Entry: w.Entry, Fact: w.Fact, Due: w.Until, Since: w.Since})
	}
	return cards, total, err
}

// lateCards are companies whose duties are overdue.
func (a *Agent) lateCards(ctx context.Context, today firsthand.Date, limit int) (cards []Card, total int, err error) {
	rows, total, err := a.Store.Companies(ctx, CompanyQuery{Show: ShowLate, Today: today, Sort: ByDue, Limit: limit})
	for _, c := range rows {
		// With the day, so that another duty of the same company is another card.
		cards = append(cards, Card{Key: fmt.Sprintf("%s %s %s", CardLate, c.Domain, c.Due), What: CardLate, Domain: c.Domain, Rel: c.Rel, N: c.Waiting, Due: c.Due})
	}
	return cards, total, err
}

// contractDays is how many days before the last day to cancel a contract needs her.
const contractDays = 14

// contractCards are contracts of which she has to decide.
func (a *Agent) contractCards(ctx context.Context, _ firsthand.Date, limit int) (cards []Card, total int, err error) {
	due, err := a.Reminders(ctx, contractDays)
	for _, c := range due[:min(limit, len(due))] {
		cards = append(cards, Card{Key: fmt.Sprintf("%s %s %s", CardContract, c.Ref(), c.CancelBy), What: CardContract, Domain: c.Domain, Name: c.Name, File: c.Name, Contract: c.Ref(), Due: c.CancelBy})
	}
	return cards, len(due), err
}

// taskCards are the tasks of which she is to be reminded, one by one, and the rest
// as one.
func (a *Agent) taskCards(ctx context.Context, today firsthand.Date, limit int) (cards []Card, total int, err error) {
	due, total, err := a.Store.Tasks(ctx, TaskQuery{Show: "due", Limit: limit}, today)
	if err != nil {
		return nil, 0, err
	}
	open := 0
	for _, t := range due {
		if t.Step == "" {
			open++
		}
		cards = append(cards, Card{Key: CardTask + " " + t.Entry.String(), What: CardTask, Domain: CompanyKey(t.Domain), Rel: t.Rel, Entry: t.Entry,
			Fact: t.Fact, Kind: t.Kind, Due: t.Remind, Since: t.Made})
	}
	// Of the open ones those that are due come first, then the oldest.
	rest, n, err := a.Store.Tasks(ctx, TaskQuery{Offset: open, Limit: 1}, today)
	for _, t := range rest {
		cards, total = append(cards, Card{Key: CardTasks, What: CardTasks, N: n - open, Since: t.Made}), total+1
	}
	return cards, total, err
}

// importCards are files that she brought and has not decided about, and accounts in
// those that she kept of which the company isn't certain.
func (a *Agent) importCards(ctx context.Context, _ firsthand.Date, _ int) (cards []Card, total int, err error) {
	imports, err := a.Store.Imports(ctx)
	if err != nil {
		return nil, 0, err
	}
	for _, i := range imports {
		switch i.State {
		case Preview:
			cards = append(cards, Card{Key: fmt.Sprintf("%s %d", CardImport, i.ID), What: CardImport, Import: i.ID, File: i.File, N: i.Counts.Companies, Since: i.At})
		case Kept:
			_, n, err := a.Store.Unsure(ctx, i.ID, 0, 1)
			if err != nil {
				return nil, 0, err
			}
			if n > 0 {
				cards = append(cards, Card{Key: fmt.Sprintf("%s %d", CardUnsure, i.ID), What: CardUnsure, Import: i.ID, File: i.File, N: n, Since: i.At})
			}
		}
	}
	return cards, len(cards), nil
}

// safetyCards are about her file itself.
func (a *Agent) safetyCards(ctx context.Context, backup time.Time) (cards []Card, err error) {
	_, kept, err := a.Store.Companies(ctx, CompanyQuery{Limit: 1})
	if err != nil || kept == 0 {
		return nil, err // nothing would be lost
	}
	switch old := backup.AddDate(0, 0, backupAge); {
	case backup.IsZero():
		cards = append(cards, Card{Key: CardBackup, What: CardBackup, Since: a.Now()})
	case old.Before(a.Now()):
		cards = append(cards, Card{Key: CardBackup, What: CardBackup, N: int(a.Now().Sub(backup).Hours() / 24), Since: old})
	}
	free, err := a.Store.Labels(ctx)
	if err == nil && free < fewKeys {
		cards = append(cards, Card{Key: CardKit, What: CardKit, N: free, Since: a.Now()})
	}
	return cards, err
}

// nameCards fills in how she knows the companies.
func (a *Agent) nameCards(ctx context.Context, cards []Card) error {
	var keys []string
	for _, c := range cards {
		if c.Domain != "" {
			keys = append(keys, c.Domain)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	rows, err := a.Store.CompaniesAt(ctx, keys...)
	names := make(map[string]string, len(rows))
	for _, r := range rows {
		names[r.Domain] = r.Name
	}
	for i := range cards {
		cards[i].Name = cmp.Or(names[cards[i].Domain], cards[i].Domain)
	}
	return err
}

// PutOff puts cards off until a day; Never is for good. What they are about stays as
// it is.
func (a *Agent) PutOff(ctx context.Context, until firsthand.Date, keys ...string) error {
	if _, err := firsthand.ParseDate(string(until)); err != nil || until <= firsthand.DateOf(a.Now()) {
		return fault.Tell(fault.Invalid, fmt.Sprintf("%.20q is no day to come", until), "name a day after today, as in 2027-01-31")
	}
	c := Commit{Later: make(map[string]firsthand.Date)}
	for _, key := range keys {
		if err := checkWord("card", key); err != nil {
			return err
		}
		c.Later[key] = until
	}
	return a.Store.Commit(ctx, c)
}

// BringBack brings back all cards that were put off until a day to come.
func (a *Agent) BringBack(ctx context.Context) error {
	later, err := a.Store.Later(ctx)
	if err != nil {
		return err
	}
	c := Commit{Later: make(map[string]firsthand.Date)}
	for key, until := range later {
		if until != Never {
			c.Later[key] = ""
		}
	}
	return a.Store.Commit(ctx, c)
}
