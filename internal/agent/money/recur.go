package money

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"time"

	"firsthand"
)

// A Payment is one sum that she paid.
type Payment struct {
	ID     int64  // of its row
	Payee  string // who was paid: equal for all payments to the same
	Day    firsthand.Date
	Amount Amount // of what she paid
}

// A Change is that a price has become another.
type Change struct {
	Day      firsthand.Date // of the first payment of the new price
	From, To Amount
}

// A Series are payments that recur: what a contract looks like from outside. It is
// always a guess.
type Series struct {
	Key      string // stays when payments are added
	Payee    string
	Period   Period
	Payments []Payment // by day
	Price    Amount    // the last
	Varies   bool      // each is another sum, as for electricity
	Changes  []Change  // of the price; none if it varies
	Missed   int       // that should have been and were not
	Next     firsthand.Date
	Ended    bool // the next one should have come and didn't
}

// A rhythm is a period, how far a payment may be from its day, and how many make a
// series.
type rhythm struct {
	Period
	slack, least int
	grace        int // how many days after its slack the next one is given up
}

// rhythms are tried in this order. A month's slack is that of a long weekend, and of
// companies that count thirty days.
var rhythms = []rhythm{
	{Period{1, Week}, 2, 4, 4},
	{Period{2, Week}, 2, 5, 6},
	{Period{1, Month}, 5, 3, 10},
	{Period{3, Month}, 9, 3, 20},
	{Period{6, Month}, 12, 3, 30},
	{Period{1, Year}, 15, 2, 40},
}

// Recurring finds out which payments recur: weekly to yearly, though their days drift
// and fall on weekends, though a price changes, and though one is missing. until is
// the last day of which all payments are known: a series of which the next should
// have come by then has ended. Payments may come in any order.
func Recurring(payments []Payment, until firsthand.Date) (all []Series) {
	groups := make(map[string][]dated)
	var keys []string
	for _, p := range payments {
		n, ok := days(p.Day)
		if !ok || p.Amount.Minor <= 0 || p.Payee == "" {
			continue
		}
		key := p.Payee + "\x00" + p.Amount.Currency
		if _, ok := groups[key]; !ok {
			keys = append(keys, key)
		}
		groups[key] = append(groups[key], dated{p, n})
	}
	slices.Sort(keys)
	for _, key := range keys {
		all = append(all, recurring(groups[key], until)...)
	}
	return all
}

// dated is a payment with the number of its day.
type dated struct {
	Payment
	n int
}

// recurring finds the series among the payments to one payee in one currency.
func recurring(group []dated, until firsthand.Date) (all []Series) {
	slices.SortFunc(group, func(a, b dated) int {
		return cmp.Or(cmp.Compare(a.n, b.n), cmp.Compare(a.Amount.Minor, b.Amount.Minor), cmp.Compare(a.ID, b.ID))
	})
	g := grouped{all: group, used: make([]bool, len(group)), every: make([]int, len(group)), of: make(map[int64][]int)}
	for i, p := range group {
		g.every[i] = i
		g.of[p.Amount.Minor] = append(g.of[p.Amount.Minor], i)
	}
	// What costs the same each time is found among whatever else was bought there.
	for _, r := range rhythms {
		for i := range group {
			if c := g.chain(i, r, false); len(c) >= r.least && g.regular(c, r) {
				all = append(all, g.take(c, r, false, until))
			}
		}
	}
	// What costs something else each time is believed only where there is not much
	// besides.
	for _, r := range rhythms[2:] {
		for i := range group {
			c := g.chain(i, r, true)
			if len(c) >= max(3, r.least) && 4*len(c) >= 3*g.left() && g.regular(c, r) {
				all = append(all, g.take(c, r, true, until))
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Series) int { return cmp.Compare(a.Payments[0].Day, b.Payments[0].Day) })
	for i := range all {
		all[i].Key = fmt.Sprintf("%s/%s/%d", all[i].Payee, all[i].Price.Currency, i+1)
	}
	return all
}

// due returns the number of the day n periods after a payment.
func (r *rhythm) due(d dated, n int) int { return int(r.add(dayTime(d.n), n).Unix() / 86400) }

// grouped is a group, and which of it belongs to a series already. Where she pays
// each day, few of the payments that might be the next are of the same sum.
type grouped struct {
	all   []dated
	used  []bool
	every []int           // all of it
	of    map[int64][]int // those of a sum
}

// between returns those of some that come after the one at last, on the days from
// first until end.
func (g *grouped) between(some []int, last, first, end int) []int {
	low := sort.Search(len(some), func(k int) bool { return some[k] > last && g.all[some[k]].n >= first })
	some = some[low:]
	return some[:sort.Search(len(some), func(k int) bool { return g.all[some[k]].n > end })]
}

func (g *grouped) left() (n int) {
	for _, u := range g.used {
		if !u {
			n++
		}
	}
	return n
}

// chain follows a rhythm from the payment i on, and returns which payments follow it.
func (g *grouped) chain(i int, r rhythm, varies bool) (chain []int) {
	if g.used[i] {
		return nil
	}
	chain = []int{i}
	gaps := 0
	for {
		last := chain[len(chain)-1]
		if next := g.find(last, r, 1, varies, len(chain)); next >= 0 {
			chain = append(chain, next)
			continue
		}
		// One may be missing: a month that was free, a statement that is lost.
		if r.Unit != Week && len(chain) >= 2 && gaps <= len(chain)/6 {
			if next := g.find(last, r, 2, varies, 0); next >= 0 {
				chain = append(chain, next)
				gaps++
				continue
			}
		}
		return chain
	}
}

// find returns the payment that comes n periods after last, or -1. With had, the
// number of payments before, its price may have changed.
func (g *grouped) find(last int, r rhythm, n int, varies bool, had int) int {
	from := g.all[last]
	due := r.due(from, n)
	best, bestRank := -1, 0
	few := r.Unit == Year && len(g.all) <= 4
	among := g.every
	if !varies && had < 2 && !few { // the same sum, or nothing
		among = g.of[from.Amount.Minor]
	}
	for _, j := range g.between(among, last, due-r.slack, due+r.slack) {
		p := g.all[j]
		if g.used[j] {
			continue
		}
		off := max(p.n-due, due-p.n)
		rank := 0
		switch {
		case p.Amount == from.Amount:
			rank = 1000 - off
		case varies && within(p.Amount, from.Amount, 4):
			rank = 500 - off
		case !varies && had >= 2 && within(p.Amount, from.Amount, 1.6) && g.sticks(j, r):
			rank = 400 - off
		case !varies && few && within(p.Amount, from.Amount, 1.3):
			rank = 300 - off
		}
		if rank > bestRank {
			best, bestRank = j, rank
		}
	}
	return best
}

// sticks reports whether a new price stays: the one after it is the same, or there is
// none yet and the change is small.
func (g *grouped) sticks(j int, r rhythm) bool {
	p := g.all[j]
	due := r.due(p, 1)
	for _, k := range g.between(g.of[p.Amount.Minor], j, due-r.slack, due+r.slack) {
		if !g.used[k] {
			return true
		}
	}
	// The last of all: the next isn't due before what is known ends.
	return g.all[len(g.all)-1].n < due-r.slack
}

// within reports whether neither is more than so many times the other.
func within(a, b Amount, times float64) bool {
	x, y := float64(a.Minor), float64(b.Minor)
	return x <= y*times && y <= x*times
}

// regular reports whether a chain is more than chance.
func (g *grouped) regular(c []int, r rhythm) bool {
	gaps := make([]int, 0, len(c)-1)
	same := 0
	for k := 1; k < len(c); k++ {
		gaps = append(gaps, g.all[c[k]].n-g.all[c[k-1]].n)
		if g.all[c[k]].Amount == g.all[c[k-1]].Amount {
			same++
		}
	}
	slices.Sort(gaps)
	want := r.due(g.all[c[0]], 1) - g.all[c[0]].n
	if middle := gaps[len(gaps)/2]; middle < want-r.slack || middle > want+r.slack {
		return false
	}
	switch r.Unit {
	case Week: // she buys bread each week: only the same sum is a contract
		return 5*same >= 4*(len(c)-1)
	case Year: // two purchases a year apart are no contract where there are many
		return len(c) >= 3 || len(g.all) <= 4
	}
	return true
}

// take makes a series of a chain.
func (g *grouped) take(c []int, r rhythm, varies bool, until firsthand.Date) Series {
	s := Series{Payee: g.all[c[0]].Payee, Period: r.Period}
	for k, i := range c {
		g.used[i] = true
		p := g.all[i]
		s.Payments = append(s.Payments, p.Payment)
		if k == 0 {
			continue
		}
		before := g.all[c[k-1]]
		if before.Amount != p.Amount {
			s.Changes = append(s.Changes, Change{p.Day, before.Amount, p.Amount})
		}
		if p.n > r.due(before, 1)+r.slack {
			s.Missed++
		}
	}
	if s.Varies = varies && len(s.Changes) > 1; s.Varies {
		s.Changes = nil
	}
	last := s.Payments[len(s.Payments)-1]
	s.Price = last.Amount
	s.Next = s.next(last.Day)
	next, _ := days(s.Next)
	end, known := days(until)
	s.Ended = known && next+r.slack+r.grace < end
	return s
}

// next returns when the payment after the last is to be expected: on the day of the
// month on which most of them were, and on which the others were put off.
func (s *Series) next(last firsthand.Date) firsthand.Date {
	due := s.Period.After(last, 1)
	if s.Period.Unit != Month && s.Period.Unit != Year {
		return due
	}
	day, most := 0, 0
	were := make([]int, len(s.Payments))
	for i, p := range s.Payments {
		were[i], _ = days(p.Day)
	}
	for d := 1; d <= 31; d++ {
		votes := 0
		for _, n := range were {
			if wasDue(n, d) {
				votes++
			}
		}
		if votes > most {
			day, most = d, votes
		}
	}
	if most < 2 {
		return due
	}
	// Of the days of that number, the nearest to a period after the last.
	want, _ := days(due)
	best := due
	bestOff := 1 << 30
	t := dayTime(want)
	for m := -1; m <= 1; m++ {
		d := firsthand.DateOf(inMonth(t.Year(), int(t.Month())+m, day))
		n, _ := days(d)
		if off := max(n-want, want-n); off < bestOff {
			best, bestOff = d, off
		}
	}
	return best
}

// wasDue reports whether what was paid on the day n may have been due on that day of the
// month: banks put a weekend off until Monday.
func wasDue(n, day int) bool {
	return onDay(n, day) || dayTime(n).Weekday() == time.Monday && (onDay(n-1, day) || onDay(n-2, day))
}

// onDay reports whether the day n is that day of its month, or its last if the month
// has none such.
func onDay(n, day int) bool {
	t := dayTime(n)
	return inMonth(t.Year(), int(t.Month()), day).Day() == t.Day()
}
