package rights

import (
	"fmt"
	"time"

	"firsthand"
)

// A Clock has the days that count for one request. Each is the latest that the law
// may mean, with the shift to the next working day where there is one: only when it
// has ended is something missed. (A company does well to aim at the earliest.)
type Clock struct {
	Rule     Rule
	Received firsthand.Date
	// Confirm is by when the company has to say that it has the request, Due by when
	// it has to answer. An extension is told by Due, and leaves until Extended. ""
	// where the law sets none.
	Confirm, Due, Extended firsthand.Date
	Calendar               string // whose holidays were heeded: see Calendar
}

// Clock returns the days that count for a request which a company at a place
// received on a day; see [Day].
func (r Rule) Clock(received firsthand.Date, at Place) (Clock, error) {
	day, err := time.Parse(time.DateOnly, string(received))
	if err != nil {
		return Clock{}, fmt.Errorf("a clock from %q: %w", received, err)
	}
	c := Clock{Rule: r, Received: received, Calendar: Calendar(at)}
	for date, period := range map[*firsthand.Date]Period{&c.Confirm: r.Confirm, &c.Due: r.Answer, &c.Extended: r.Extend} {
		if !period.IsZero() {
			*date = r.end(day, period, at)
		}
	}
	return c, nil
}

// end returns the last day of a period that begins with a day. The day itself isn't
// counted: Regulation 1182/71 Art. 3(1), and it is the later reading of California's.
func (r Rule) end(day time.Time, p Period, at Place) firsthand.Date {
	switch {
	case p.Months > 0:
		// The same date so many months on, or the month's last day where it has no
		// such date: Art. 3(2)(c). Always from the first day: three months are not
		// one month and two.
		day = monthsAfter(day, p.Months)
		// A last day that is a Saturday, Sunday or public holiday: the end of the next
		// working day, Art. 3(4).
		for !workday(day, at) {
			day = day.AddDate(0, 0, 1)
		}
	case p.Days > 0:
		// 11 CCR 7021 knows no shift.
		day = day.AddDate(0, 0, p.Days)
	case p.Business > 0:
		// Not defined in 11 CCR 7021: Monday to Friday without the holidays of the
		// State. They are California's wherever the company is.
		for n := 0; n < p.Business; {
			if day = day.AddDate(0, 0, 1); workday(day, california) {
				n++
			}
		}
	}
	if day.Year() > 9999 {
		return "9999-12-31"
	}
	return firsthand.DateOf(day)
}

var california = Place{Country: "US", Region: "CA"}

// monthsAfter returns the day n months after day, clamped to the month's last.
func monthsAfter(day time.Time, n int) time.Time {
	then := day.AddDate(0, n, 0)
	if then.Day() != day.Day() {
		then = then.AddDate(0, 0, -then.Day())
	}
	return then
}

// ClockOf returns the clock of a right under a law, for a request received on a day
// by a company at a place.
func ClockOf(law, right string, received firsthand.Date, at Place) (Clock, error) {
	r, err := RuleOf(law, right)
	if err != nil {
		return Clock{}, err
	}
	return r.Clock(received, at)
}

// ReminderPeriod is how long a company is left after a reminder. No law sets it; it
// is what is usual.
const ReminderPeriod = 14 // days

// AfterReminder returns the day by which an answer to a reminder of a day may be
// expected.
func AfterReminder(day firsthand.Date, at Place) firsthand.Date {
	t, err := time.Parse(time.DateOnly, string(day))
	if err != nil {
		return ""
	}
	for t = t.AddDate(0, 0, ReminderPeriod); !workday(t, at); {
		t = t.AddDate(0, 0, 1)
	}
	return firsthand.DateOf(t)
}
