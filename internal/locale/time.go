package locale

import (
	"time"
)

// Day returns the day of t as people say it near now: today, yesterday,
// tomorrow, 14 March, or 14 March 2024 in another year.
func (l *Language) Day(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	now = now.In(t.Location())
	switch days(t) - days(now) {
	case 0:
		return l.Say("time.today")
	case -1:
		return l.Say("time.yesterday")
	case 1:
		return l.Say("time.tomorrow")
	}
	month := l.months[t.Month()-1]
	if t.Year() == now.Year() {
		return l.Say("time.day", t.Day(), month)
	}
	return l.Say("time.day_year", t.Day(), month, t.Year())
}

// Moment is Day with the time of the day.
func (l *Language) Moment(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	return l.Say("time.moment", l.Day(t, now), t.Format("15:04"))
}

// MonthYear returns the month and year of t: it says no more than an import may
// know.
func (l *Language) MonthYear(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return l.Say("time.month_year", l.months[t.Month()-1], t.Year())
}

// days counts the days before t in its own place.
func days(t time.Time) int {
	y, m, d := t.Date()
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}
