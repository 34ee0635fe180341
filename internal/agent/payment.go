package agent

import (
	"context"
	"iter"
	"slices"
	"strings"

	"firsthand"
	"firsthand/internal/agent/importer"
	"firsthand/internal/agent/money"
)

// A Payment is one row of a bank statement, or of a bill, that she brought: money that
// she paid. What she got isn't kept. It is not changed once it is there.
type Payment struct {
	ID       int64 // as of an Account
	Import   int64
	Row      int // its line in the file
	Day      firsthand.Date
	Amount   money.Amount // above zero
	Name     string       // who was paid, as it stands there; long numbers are cut
	Text     string       // what for; the same
	Ref      string       // the bank's own number of it
	Creditor string       // who may debit her
	Mandate  string       // by which she allowed it
	Domain   string       // of the company, guessed from Name and Text; "" if none is sure
}

// A Bound is what a file says of a contract of hers: a list of subscriptions, a bill.
type Bound struct {
	ID     int64 // as of an Account
	Import int64
	Row    int
	Domain string // "" if it isn't certain
	Title  string // what, as it stands there
	importer.Contract
}

// A MoneyStore keeps contracts, and what imports found of payments.
type MoneyStore interface {
	// AddMoney adds to an import that is being read, as AddFound does, whose IDs its
	// own follow on. [fault.NotExist] unless it is being read.
	AddMoney(ctx context.Context, id int64, payments []Payment, bound []Bound) error

	// Payments returns those of an import with higher IDs than after, in their order,
	// at most limit. PaidKept returns those of all kept imports, in the order of IDs,
	// as they are at one moment: the caller may commit while reading.
	Payments(ctx context.Context, id, after int64, limit int) ([]Payment, error)
	PaidKept(ctx context.Context) iter.Seq2[Payment, error]

	// Bounds returns what an import found of contracts, in the order of IDs; with 0,
	// what all kept ones found.
	Bounds(ctx context.Context, id int64) ([]Bound, error)

	// Contracts returns hers, by ID.
	Contracts(ctx context.Context) ([]ContractRow, error)
}

// payee returns what identifies who was paid: the company, if one is sure, else the
// name without what changes from one payment to the next.
func (p *Payment) payee() string {
	if p.Domain != "" {
		return p.Domain
	}
	return foldMerchant(throughService(p.Name, p.Text))
}

// paid returns the payments of kept imports that count, by day: one that stands in
// several files, once. until is the last day of which there is one.
func (a *Agent) paid(ctx context.Context) (all []Payment, until firsthand.Date, err error) {
	var seen sighted
	for p, err := range a.Store.PaidKept(ctx) {
		if err != nil {
			return nil, "", err
		}
		if !seen.again(&p) {
			all = append(all, p)
			until = max(until, p.Day)
		}
	}
	slices.SortStableFunc(all, func(a, b Payment) int { return strings.Compare(string(a.Day), string(b.Day)) })
	return once(all), until, nil
}

// onceDays is within how many days the same sum, paid to the same, in two files is one
// payment: a service says when it was paid, and the bank when it was booked.
const onceDays = 4

// once returns payments, which are by day, without those that another file has too.
func once(all []Payment) []Payment {
	type what struct {
		payee  string
		amount money.Amount
	}
	day := money.Period{N: 1, Unit: money.Day}
	open := make(map[what][]Payment) // that nothing has been taken for yet
	return slices.DeleteFunc(all, func(p Payment) bool {
		w := what{p.payee(), p.Amount}
		since := day.After(p.Day, -onceDays)
		near := slices.DeleteFunc(open[w], func(q Payment) bool { return q.Day < since })
		i := slices.IndexFunc(near, func(q Payment) bool { return q.Import != p.Import })
		if i >= 0 {
			open[w] = slices.Delete(near, i, i+1)
			return true
		}
		open[w] = append(near, p)
		return false
	})
}

// sighted are payments that were seen.
type sighted struct {
	all    map[sight]bool
	in     int64         // the import that is being gone through
	counts map[sight]int // of those that look alike, in that
}

// A sight is what a payment looks like.
type sight struct {
	day    firsthand.Date
	amount money.Amount
	name   string
	nth    int    // of those that look alike in one file
	ref    string // by the bank's own number, in place of name and nth
}

// again reports whether a payment was seen in another file, or with the bank's own
// number in this one. Two that look alike in one file are two: she had two coffees.
func (s *sighted) again(p *Payment) bool {
	if s.all == nil || s.in != p.Import {
		s.in, s.counts = p.Import, make(map[sight]int)
	}
	if s.all == nil {
		s.all = make(map[sight]bool)
	}
	look := sight{day: p.Day, amount: p.Amount, name: FoldText(p.Name)}
	s.counts[look]++
	look.nth = s.counts[look]
	again := s.all[look]
	s.all[look] = true
	if p.Ref != "" {
		number := sight{day: p.Day, amount: p.Amount, ref: p.Ref}
		again = again || s.all[number]
		s.all[number] = true
	}
	return again
}

// series finds what recurs in payments.
func series(payments []Payment, until firsthand.Date) []money.Series {
	all := make([]money.Payment, len(payments))
	for i := range payments {
		p := &payments[i]
		all[i] = money.Payment{ID: p.ID, Payee: p.payee(), Day: p.Day, Amount: p.Amount}
	}
	return money.Recurring(all, until)
}

// cutNumbers returns a text of a bank without the numbers of accounts and cards in
// it: of ten digits and more, the last four are left.
func cutNumbers(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		j, digits := i, 0
		for j < len(s) && (s[j] >= '0' && s[j] <= '9' || s[j] == ' ' && digits > 0 && j+1 < len(s) && s[j+1] >= '0' && s[j+1] <= '9') {
			if s[j] != ' ' {
				digits++
			}
			j++
		}
		switch {
		case digits >= 10:
			b.WriteString("…" + s[j-4:j])
		case j > i:
			b.WriteString(s[i:j])
		default:
			b.WriteByte(s[i])
			j = i + 1
		}
		i = j
	}
	return b.String()
}
