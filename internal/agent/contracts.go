package agent

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/money"
)

// A Contract is something that she pays for again and again, as pages show it: hers,
// or guessed from what she brought, with what follows from it today.
type Contract struct {
	ContractRow
	Guessed bool   // only files say so: ID is 0, and Key identifies it
	Company string // what the company is called; "" if that isn't known

	// CancelBy is the last day to cancel, "" if nothing goes on by itself; Goes is what
	// happens otherwise: the day on which it goes on.
	CancelBy, Goes firsthand.Date

	Changes []money.Change // of the price, as it was charged; the last one last
	Varies  bool           // each charge is another sum
	Stopped bool           // the last charges that should have come haven't
	Last    firsthand.Date // of its payments; "" if there are none
	Paid    int            // how many payments of it are known
	Silent  string         // SilentUnexplained, SilentUnused; "" if it isn't

	files    []int64 // imports that say so
	payments []int64
}

// Why a contract is silent.
const (
	SilentUnexplained = "unexplained" // it is charged, and no account, mail or relationship says what for
	SilentUnused      = "unused"      // it is charged, and her account there wasn't used for a year
)

// Ref returns by what pages and commands name c: its number, else a short name for the
// guess, which stays as long as its Key does.
func (c *Contract) Ref() string {
	if c.ID != 0 {
		return fmt.Sprint(c.ID)
	}
	sum := sha256.Sum256([]byte(c.Key))
	return "g" + hex.EncodeToString(sum[:6])
}

// IsOver reports whether c has ended, or was never one.
func (c *Contract) IsOver(today firsthand.Date) bool { return c.Ended != "" && c.Ended < today }

// IsTrial reports whether c still costs nothing.
func (c *Contract) IsTrial(today firsthand.Date) bool { return c.Trial != "" && c.Trial >= today }

// Decided reports whether she has said what becomes of c at CancelBy.
func (c *Contract) Decided() bool {
	return !c.Cancelled.IsZero() || c.Ended != "" || c.Kept != "" && c.Kept >= c.CancelBy
}

// Today is the day that pages and commands count from.
func (a *Agent) today() firsthand.Date { return firsthand.DateOf(a.Now()) }

// Contracts returns all that go on, hers and guessed ones: by the last day to cancel,
// then by name; those that are over, or have no such day, last.
func (a *Agent) Contracts(ctx context.Context) ([]Contract, error) {
	rows, err := a.Store.Contracts(ctx)
	if err != nil {
		return nil, err
	}
	payments, until, err := a.paid(ctx)
	if err != nil {
		return nil, err
	}
	bounds, err := a.Store.Bounds(ctx, 0)
	if err != nil {
		return nil, err
	}
	all := assemble(rows, guesses(payments, bounds, until))
	today := a.today()
	for i := range all {
		all[i].derive(today)
	}
	if err := a.explain(ctx, all); err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(x, y Contract) int {
		last := func(c *Contract) bool { return c.IsOver(today) || c.CancelBy == "" }
		if last(&x) != last(&y) {
			if last(&x) {
				return 1
			}
			return -1
		}
		return cmp.Or(strings.Compare(string(x.CancelBy), string(y.CancelBy)), strings.Compare(FoldName(x.Name), FoldName(y.Name)), strings.Compare(x.Ref(), y.Ref()))
	})
	return all, nil
}

// ContractOf returns the contract of a Ref, or of the Key of a guess. It is
// [fault.NotExist] if there is none.
func (a *Agent) ContractOf(ctx context.Context, ref string) (Contract, error) {
	all, err := a.Contracts(ctx)
	if err != nil {
		return Contract{}, err
	}
	for _, c := range all {
		if c.Ref() == ref || c.Key == ref && ref != "" {
			return c, nil
		}
	}
	return Contract{}, fault.Tell(fault.NotExist, fmt.Sprintf("there is no contract %.60q", ref), "firsthand money")
}

// A Source is a row of a file that says something of a contract.
type Source struct {
	Import  int64
	File    string
	Row     int
	Payment Payment // zero if the row is none
}

// Sources returns the rows that a contract comes from, the latest first.
func (a *Agent) Sources(ctx context.Context, c Contract) (all []Source, err error) {
	imports, err := a.Imports(ctx)
	if err != nil {
		return nil, err
	}
	files := make(map[int64]string)
	for _, i := range imports {
		files[i.ID] = i.File
	}
	payments, _, err := a.paid(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range slices.Backward(payments) {
		if slices.Contains(c.payments, p.ID) {
			all = append(all, Source{p.Import, files[p.Import], p.Row, p})
		}
	}
	bounds, err := a.Store.Bounds(ctx, 0)
	for _, b := range bounds {
		if slices.Contains(c.files, b.ID) {
			all = append(all, Source{Import: b.Import, File: files[b.Import], Row: b.Row})
		}
	}
	return all, err
}

// guesses makes contracts of what recurs, and of what files say.
func guesses(payments []Payment, bounds []Bound, until firsthand.Date) (all []Contract) {
	byID := make(map[int64]*Payment, len(payments))
	for i := range payments {
		byID[payments[i].ID] = &payments[i]
	}
	for _, s := range series(payments, until) {
		last := byID[s.Payments[len(s.Payments)-1].ID]
		c := Contract{Guessed: true, Changes: s.Changes, Varies: s.Varies, Stopped: s.Ended, Last: last.Day, Paid: len(s.Payments)}
		c.Key, c.Domain, c.Price, c.Period, c.Next = "paid:"+s.Key, last.Domain, s.Price, s.Period, s.Next
		c.Name = contractName(throughService(last.Name, last.Text))
		for _, p := range s.Payments {
			c.payments = append(c.payments, p.ID)
		}
		all = append(all, c)
	}
	// Of what files say of the same, the last counts.
	latest := make(map[string]int)
	for _, b := range bounds {
		key := "file:" + cmp.Or(b.Domain, foldMerchant(b.Title)) + "/" + FoldText(b.Title)
		c := Contract{Guessed: true}
		c.Key, c.Domain, c.Name, c.Price, c.Period = key, b.Domain, contractName(b.Title), b.Price, b.Period
		c.Next, c.Trial, c.Ended, c.files = b.Next, b.Trial, b.Ended, []int64{b.ID}
		if i, ok := latest[key]; ok {
			all[i] = c
			continue
		}
		if i := sameAs(all, &c); i >= 0 {
			merge(&all[i], &c)
			latest[key] = i
			continue
		}
		latest[key] = len(all)
		all = append(all, c)
	}
	return all
}

// sameAs returns which of the guesses from payments a file speaks of as well, or -1.
func sameAs(all []Contract, c *Contract) int {
	return slices.IndexFunc(all, func(p Contract) bool {
		if p.Paid == 0 || p.Period != c.Period && !c.Period.IsZero() || p.Price.Currency != c.Price.Currency && !c.Price.IsZero() {
			return false
		}
		if p.Domain == "" || p.Domain != c.Domain {
			return foldMerchant(p.Name) == foldMerchant(c.Name)
		}
		return c.Price.IsZero() || 10*p.Price.Minor <= 13*c.Price.Minor && 10*c.Price.Minor <= 13*p.Price.Minor
	})
}

// merge adds to a guess from payments what a file says of it.
func merge(p, c *Contract) {
	p.Name, p.Trial, p.Ended, p.files = c.Name, c.Trial, c.Ended, c.files
	p.Domain = cmp.Or(p.Domain, c.Domain)
	p.Next = max(p.Next, c.Next)
}

// contractName makes a name of what a file calls it.
func contractName(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	if s = clip(strings.Join(strings.Fields(s), " "), 100); s == "" {
		return "?"
	}
	return s
}

// assemble puts hers and the guesses together: a guess that is hers adds to it what
// was charged.
func assemble(rows []ContractRow, guessed []Contract) (all []Contract) {
	taken := make(map[string]bool)
	for _, r := range rows {
		c := Contract{ContractRow: r}
		if i := slices.IndexFunc(guessed, func(g Contract) bool { return r.Key != "" && g.Key == r.Key }); i >= 0 {
			taken[r.Key] = true
			g := guessed[i]
			c.Changes, c.Varies, c.Stopped, c.Last, c.Paid, c.files, c.payments = g.Changes, g.Varies, g.Stopped, g.Last, g.Paid, g.files, g.payments
			if g.Paid > 0 && !g.Varies && !g.Price.IsZero() && g.Price.Currency == r.Price.Currency && g.Price != r.Price {
				// It is charged at another price than she confirmed.
				if n := len(c.Changes); n == 0 || c.Changes[n-1].To != g.Price {
					c.Changes = append(slices.Clip(c.Changes), money.Change{Day: g.Last, From: r.Price, To: g.Price})
				}
				c.Price = g.Price
			}
			c.Next = cmp.Or(max(r.Next, g.Next), g.Next)
		}
		if !r.Dismissed {
			all = append(all, c)
		}
	}
	for _, g := range guessed {
		if !taken[g.Key] {
			all = append(all, g)
		}
	}
	return all
}

// derive fills in what follows from the day.
func (c *Contract) derive(today firsthand.Date) {
	if c.Next != "" && !c.Stopped {
		c.Next = c.Period.Next(c.Next, today)
	}
	switch {
	case c.IsOver(today) || c.Stopped:
	case c.Ended != "": // it doesn't go on
	case c.IsTrial(today):
		c.Goes = money.Period{N: 1, Unit: money.Day}.After(c.Trial, 1)
		c.CancelBy = money.CancelBy(c.Goes, c.Notice)
	default:
		goes, by := c.Next, c.Period
		if c.Renews != "" {
			goes = c.Renews
			if !c.Term.IsZero() {
				by = c.Term
			}
		}
		// The first day to cancel by that isn't over; without a period, the only one.
		for n := 0; n < 5000; n++ {
			c.Goes = by.After(goes, n)
			if c.CancelBy = money.CancelBy(c.Goes, c.Notice); c.CancelBy >= today || by.IsZero() || c.CancelBy == "" {
				break
			}
		}
	}
}

// explain finds out which are silent, and what their companies are called.
func (a *Agent) explain(ctx context.Context, all []Contract) error {
	today := a.today()
	var domains []string
	for _, c := range all {
		if c.Domain != "" {
			domains = append(domains, c.Domain)
		}
	}
	slices.Sort(domains)
	companies, err := a.Store.CompaniesAt(ctx, slices.Compact(domains)...)
	if err != nil {
		return err
	}
	known := make(map[string]Company)
	for _, c := range companies {
		known[c.Domain] = c
	}
	accounts := make(map[string][]Account)
	year := string(firsthand.DateOf(a.Now().AddDate(-1, 0, 0)))
	for i := range all {
		c := &all[i]
		company := known[c.Domain]
		c.Company = company.Name
		if c.Paid == 0 || c.Stopped || c.IsOver(today) {
			continue
		}
		if c.Domain == "" {
			if c.Guessed {
				c.Silent = SilentUnexplained
			}
			continue
		}
		of, ok := accounts[c.Domain]
		if !ok {
			if of, err = a.Store.CompanyAccounts(ctx, c.Domain); err != nil {
				return err
			}
			accounts[c.Domain] = of
		}
		explained, dated, used := !company.Rel.IsZero(), false, ""
		for _, acc := range of {
			if acc.Kind == PaidAccount {
				continue
			}
			explained = true
			if acc.Kind == LoginAccount && !acc.Used.IsZero() {
				dated, used = true, max(used, string(firsthand.DateOf(acc.Used)))
			}
		}
		switch {
		case !explained && c.Guessed:
			c.Silent = SilentUnexplained
		case dated && used < year && company.Rel.IsZero():
			c.Silent = SilentUnused
		}
	}
	return nil
}

// Reminders returns the contracts of which she has to decide within so many days,
// because the last day to cancel comes, or a trial ends; the soonest first.
func (a *Agent) Reminders(ctx context.Context, days int) (due []Contract, err error) {
	all, err := a.Contracts(ctx)
	end := money.Period{N: 1, Unit: money.Day}.After(a.today(), days)
	for _, c := range all {
		if c.NeedsDecision(a.today(), end) {
			due = append(due, c)
		}
	}
	return due, err
}

// NeedsDecision reports whether she has to say between from and to whether c goes on.
func (c *Contract) NeedsDecision(from, to firsthand.Date) bool {
	return c.CancelBy != "" && c.CancelBy >= from && c.CancelBy <= to && !c.Decided() && !c.IsOver(from) && !c.Stopped && c.asks()
}

// asks reports whether the day to cancel by is worth a reminder: what can be left each
// month isn't, unless it is a trial.
func (c *Contract) asks() bool {
	by := c.Period
	if c.Renews != "" && !c.Term.IsZero() {
		by = c.Term
	}
	long := by.Unit == money.Year || by.Unit == money.Month && by.N >= 3
	return c.Trial != "" && c.Trial >= c.CancelBy || long || !c.Notice.IsZero() || by.IsZero()
}

// A MonthOf is a month of the strip.
type MonthOf struct {
	Month   string         // 2027-01
	Sums    []money.Amount // what is paid, by currency
	Charges []Charge       // by day
	Ends    []Contract     // whose last day to cancel is in it
}

// A Charge is a payment to come.
type Charge struct {
	Day      firsthand.Date
	Contract Contract
}

// Year returns the twelve months from this one on, with what contracts will cost in
// each, and the days to cancel by.
func Year(contracts []Contract, today firsthand.Date) []MonthOf {
	first := firsthand.Date(today[:8] + "01")
	month := money.Period{N: 1, Unit: money.Month}
	months := make([]MonthOf, 12)
	at := make(map[string]int)
	for i := range months {
		months[i].Month = string(month.After(first, i))[:7]
		at[months[i].Month] = i
	}
	end := month.After(first, 12)
	for _, c := range contracts {
		if c.Stopped || c.IsOver(today) {
			continue
		}
		if i, ok := at[string(c.CancelBy)[:min(7, len(c.CancelBy))]]; ok && c.CancelBy != "" && !c.Decided() && c.asks() {
			months[i].Ends = append(months[i].Ends, c)
		}
		for n := 0; c.Next != "" && n < 400; n++ {
			day := c.Period.After(c.Next, n)
			if day >= end || c.Ended != "" && day > c.Ended {
				break
			}
			if i, ok := at[string(day)[:7]]; ok && day >= today && (c.Trial == "" || day > c.Trial) {
				months[i].Charges = append(months[i].Charges, Charge{day, c})
			}
			if c.Period.IsZero() {
				break
			}
		}
	}
	for i := range months {
		m := &months[i]
		slices.SortStableFunc(m.Charges, func(x, y Charge) int {
			return cmp.Or(strings.Compare(string(x.Day), string(y.Day)), strings.Compare(x.Contract.Name, y.Contract.Name))
		})
		var prices []money.Amount
		for _, ch := range m.Charges {
			prices = append(prices, ch.Contract.Price)
		}
		m.Sums = sums(prices)
	}
	return months
}

// sums adds amounts, each currency by itself; the largest first.
func sums(amounts []money.Amount) (all []money.Amount) {
	for _, a := range amounts {
		if a.IsZero() {
			continue
		}
		i := slices.IndexFunc(all, func(s money.Amount) bool { return s.Currency == a.Currency })
		if i < 0 {
			all = append(all, a)
		} else {
			all[i] = money.Sum(all[i], a)
		}
	}
	slices.SortFunc(all, func(a, b money.Amount) int {
		return cmp.Or(cmp.Compare(b.Minor, a.Minor), strings.Compare(a.Currency, b.Currency))
	})
	return all
}

// PerMonth returns what contracts cost in a month on average, by currency.
func PerMonth(contracts []Contract, today firsthand.Date) []money.Amount {
	var years []money.Amount
	for _, c := range contracts {
		if !c.Stopped && !c.IsOver(today) {
			years = append(years, c.Period.PerYear(c.Price))
		}
	}
	all := sums(years)
	for i := range all {
		all[i].Minor = (all[i].Minor + 6) / 12
	}
	return all
}
