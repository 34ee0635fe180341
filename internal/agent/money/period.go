package money

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"firsthand"
	"firsthand/fault"
)

// A Period is a number of days, weeks, months or years. The zero value is none.
type Period struct {
	N    int  `json:"n"`
	Unit Unit `json:"unit"`
}

// A Unit is what a Period counts.
type Unit string

const (
	Day   Unit = "day"
	Week  Unit = "week"
	Month Unit = "month"
	Year  Unit = "year"
)

// IsZero reports whether p is none.
func (p Period) IsZero() bool { return p.N == 0 }

// String returns p as "1 month", "2 weeks"; "" for none.
func (p Period) String() string {
	switch p.N {
	case 0:
		return ""
	case 1:
		return "1 " + string(p.Unit)
	}
	return fmt.Sprintf("%d %ss", p.N, p.Unit)
}

// named are periods that have a word of their own.
var named = map[string]Period{
	"daily": {1, Day}, "weekly": {1, Week}, "monthly": {1, Month}, "quarterly": {3, Month}, "half-yearly": {6, Month}, "yearly": {1, Year},
	"annual": {1, Year}, "annually": {1, Year}, "biweekly": {2, Week}, "fortnightly": {2, Week},
}

// ParsePeriod reads a period: "month", "3 months", "every 2 weeks", "yearly"; "" is
// none. Its errors are [fault.Invalid].
func ParsePeriod(s string) (Period, error) {
	text := strings.ToLower(strings.Join(strings.Fields(s), " "))
	if text == "" {
		return Period{}, nil
	}
	if p, ok := named[text]; ok {
		return p, nil
	}
	text = strings.TrimPrefix(text, "every ")
	count, unit, ok := strings.Cut(text, " ")
	if !ok {
		count, unit = "1", text
	}
	n, err := strconv.Atoi(count)
	u := Unit(strings.TrimSuffix(unit, "s"))
	p := Period{n, u}
	if err != nil || p.check() != nil {
		return Period{}, fault.Tell(fault.Invalid, fmt.Sprintf("%.40q is no period", s), "such as month, 3 months, 2 weeks or year")
	}
	return p, nil
}

// check refuses what is no period. None is one.
func (p Period) check() error {
	most := map[Unit]int{Day: 3660, Week: 520, Month: 120, Year: 10}[p.Unit]
	if p != (Period{}) && (p.N < 1 || p.N > most) {
		return fault.Refuse(fault.Invalid, "period", "%d %q is no period", p.N, p.Unit)
	}
	return nil
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (p *Period) UnmarshalText(text []byte) (err error) {
	*p, err = ParsePeriod(string(text))
	return err
}

// MarshalText implements [encoding.TextMarshaler].
func (p Period) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// days returns the number of a day since 1970; ok is false for no date.
func days(d firsthand.Date) (n int, ok bool) {
	t, err := time.Parse(time.DateOnly, string(d))
	return int(t.Unix() / 86400), err == nil
}

// After returns the day n periods after d; before it, if n is negative. Where a month
// has no such day it is its last: one month after 31 January is 28 February, and two
// months after it 31 March. No date, and no period, stay as they are.
func (p Period) After(d firsthand.Date, n int) firsthand.Date {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil || p.IsZero() {
		return d
	}
	t = p.add(t, n)
	if t.Year() < 1 || t.Year() > 9999 {
		return d // it would have no spelling
	}
	return firsthand.DateOf(t)
}

// add is After without its limits.
func (p Period) add(t time.Time, n int) time.Time {
	n *= p.N
	switch p.Unit {
	case Day:
		return t.AddDate(0, 0, n)
	case Week:
		return t.AddDate(0, 0, 7*n)
	case Year:
		n *= 12
	}
	return inMonth(t.Year(), int(t.Month())+n, t.Day())
}

// inMonth is a day of a month, the last if the month has no such day.
func inMonth(year, month, day int) time.Time {
	last := time.Date(year, time.Month(month+1), 0, 0, 0, 0, 0, time.UTC).Day()
	return time.Date(year, time.Month(month), min(day, last), 0, 0, 0, 0, time.UTC)
}

// maxSteps bounds how often a period is counted on.
const maxSteps = 10_000

// Next returns the first of d, and the days a number of periods after it, that isn't
// before today. Without a period it is d.
func (p Period) Next(d, today firsthand.Date) firsthand.Date {
	for n := 0; n < maxSteps && !p.IsZero(); n++ {
		if next := p.After(d, n); next >= today {
			return next
		}
	}
	return d
}

// CancelBy returns the last day on which she can cancel what goes on by itself on the
// day renews, with a notice of so long, or none. Notice runs back from the last day of
// the term, the day before; where the month has no such day, from its last, which is
// the earlier and so the safe one.
func CancelBy(renews firsthand.Date, notice Period) firsthand.Date {
	if renews == "" {
		return ""
	}
	return notice.After(Period{1, Day}.After(renews, -1), -1)
}

// PerYear returns how much a is in a year if it is paid each p; none for no period.
func (p Period) PerYear(a Amount) Amount {
	if p.IsZero() || a.IsZero() {
		return Amount{}
	}
	times := map[Unit]int64{Day: 365, Week: 52, Month: 12, Year: 1}[p.Unit]
	n := int64(p.N)
	return Amount{(a.Minor*times + n/2) / n, a.Currency}
}

func dayTime(n int) time.Time { return time.Unix(int64(n)*86400, 0).UTC() }
