package rights

import (
	"slices"
	"time"
)

// CalendarVersion is that of the holidays below. They are those of the whole
// country by law as of that year; those of one Land or town are not among them, and
// of countries that aren't listed only Saturdays and Sundays are heeded.
const CalendarVersion = "2026"

// Calendar names the holidays that count at a place: "DE 2026", or "weekends".
func Calendar(at Place) string {
	if _, ok := holidays[at.Country]; ok {
		return at.Country + " " + CalendarVersion
	}
	return "weekends"
}

// workday reports whether day is none of Saturday, Sunday and the holidays at a
// place.
func workday(day time.Time, at Place) bool {
	if w := day.Weekday(); w == time.Saturday || w == time.Sunday {
		return false
	}
	find, ok := holidays[at.Country]
	return !ok || !slices.ContainsFunc(find(day.Year()), func(h time.Time) bool { return h.Equal(day) })
}

func on(year int, m time.Month, d int) time.Time { return time.Date(year, m, d, 0, 0, 0, 0, time.UTC) }

// easter returns Easter Sunday of the Gregorian calendar (Meeus, Jones, Butcher).
func easter(year int) time.Time {
	a, b, c := year%19, year/100, year%100
	d, e := b/4, b%4
	g := (8*b + 13) / 25
	h := (19*a + b - d - g + 15) % 30
	i, k := c/4, c%4
	l := (32 + 2*e + 2*i - h - k) % 7
	m := (a + 11*h + 19*l) / 433
	month := (h + l - 7*m + 90) / 25
	return on(year, time.Month(month), (h+l-7*m+33*month+19)%32)
}

// weekday returns the nth such weekday of a month, or the last one for n = -1.
func weekday(year int, m time.Month, w time.Weekday, n int) time.Time {
	if n < 0 {
		day := on(year, m+1, 0)
		return day.AddDate(0, 0, -int((day.Weekday()-w+7)%7))
	}
	day := on(year, m, 1)
	return day.AddDate(0, 0, int((w-day.Weekday()+7)%7)+7*(n-1))
}

// A fixed is a date that is the same each year.
type fixed struct {
	m time.Month
	d int
}

// feasts returns holidays: days after Easter Sunday, and dates.
func feasts(afterEaster []int, dates ...fixed) func(year int) []time.Time {
	return func(year int) (all []time.Time) {
		sunday := easter(year)
		for _, n := range afterEaster {
			all = append(all, sunday.AddDate(0, 0, n))
		}
		for _, f := range dates {
			all = append(all, on(year, f.m, f.d))
		}
		return all
	}
}

// Days after Easter Sunday.
const (
	goodFriday, easterMonday     = -2, 1
	ascension, whitMonday        = 39, 50
	corpusChristi, maundThursday = 60, -3
)

// holidays are the public holidays of countries. Sources: each country's law of
// holidays, and for the Union the list that the Commission publishes yearly in the
// Official Journal under Regulation 1182/71 Art. 2.
var holidays = map[string]func(year int) []time.Time{
	"AT": feasts([]int{easterMonday, ascension, whitMonday, corpusChristi}, fixed{1, 1}, fixed{1, 6}, fixed{5, 1}, fixed{8, 15}, fixed{10, 26}, fixed{11, 1}, fixed{12, 8}, fixed{12, 25}, fixed{12, 26}),
	"BE": feasts([]int{easterMonday, ascension, whitMonday}, fixed{1, 1}, fixed{5, 1}, fixed{7, 21}, fixed{8, 15}, fixed{11, 1}, fixed{11, 11}, fixed{12, 25}),
	"DE": feasts([]int{goodFriday, easterMonday, ascension, whitMonday}, fixed{1, 1}, fixed{5, 1}, fixed{10, 3}, fixed{12, 25}, fixed{12, 26}),
	"ES": feasts([]int{goodFriday}, fixed{1, 1}, fixed{1, 6}, fixed{5, 1}, fixed{8, 15}, fixed{10, 12}, fixed{11, 1}, fixed{12, 6}, fixed{12, 8}, fixed{12, 25}),
	"FR": feasts([]int{easterMonday, ascension, whitMonday}, fixed{1, 1}, fixed{5, 1}, fixed{5, 8}, fixed{7, 14}, fixed{8, 15}, fixed{11, 1}, fixed{11, 11}, fixed{12, 25}),
	"GB": bankHolidays,
	"IT": feasts([]int{easterMonday}, fixed{1, 1}, fixed{1, 6}, fixed{4, 25}, fixed{5, 1}, fixed{6, 2}, fixed{8, 15}, fixed{11, 1}, fixed{12, 8}, fixed{12, 25}, fixed{12, 26}),
	"LU": feasts([]int{easterMonday, ascension, whitMonday}, fixed{1, 1}, fixed{5, 1}, fixed{5, 9}, fixed{6, 23}, fixed{8, 15}, fixed{11, 1}, fixed{12, 25}, fixed{12, 26}),
	"NL": dutch,
	"PL": feasts([]int{easterMonday, corpusChristi}, fixed{1, 1}, fixed{1, 6}, fixed{5, 1}, fixed{5, 3}, fixed{8, 15}, fixed{11, 1}, fixed{11, 11}, fixed{12, 24}, fixed{12, 25}, fixed{12, 26}),
	"PT": feasts([]int{goodFriday, corpusChristi}, fixed{1, 1}, fixed{4, 25}, fixed{5, 1}, fixed{6, 10}, fixed{8, 15}, fixed{10, 5}, fixed{11, 1}, fixed{12, 1}, fixed{12, 8}, fixed{12, 25}),
	"SE": swedish,
	"US": californian,
}

func dutch(year int) []time.Time {
	all := feasts([]int{goodFriday, easterMonday, ascension, whitMonday}, fixed{1, 1}, fixed{5, 5}, fixed{12, 25}, fixed{12, 26})(year)
	king := on(year, 4, 27)
	if king.Weekday() == time.Sunday {
		king = king.AddDate(0, 0, -1)
	}
	return append(all, king)
}

func swedish(year int) []time.Time {
	all := feasts([]int{goodFriday, easterMonday, ascension}, fixed{1, 1}, fixed{1, 6}, fixed{5, 1}, fixed{6, 6}, fixed{12, 25}, fixed{12, 26})(year)
	for d := 19; d <= 25; d++ { // Midsummer's Eve, a Friday, is treated as a Sunday by law
		if eve := on(year, 6, d); eve.Weekday() == time.Friday {
			all = append(all, eve)
		}
	}
	return append(all, on(year, 12, 24), on(year, 12, 31))
}

// bankHolidays are those of England and Wales, with the substitute days for those
// that fall on a weekend.
func bankHolidays(year int) []time.Time {
	all := feasts([]int{goodFriday, easterMonday})(year)
	all = append(all, weekday(year, 5, time.Monday, 1), weekday(year, 5, time.Monday, -1), weekday(year, 8, time.Monday, -1))
	for _, f := range []fixed{{1, 1}, {12, 25}, {12, 26}} {
		day := on(year, f.m, f.d)
		for day.Weekday() == time.Saturday || day.Weekday() == time.Sunday || slices.ContainsFunc(all, func(h time.Time) bool { return h.Equal(day) }) {
			day = day.AddDate(0, 0, 1)
		}
		all = append(all, day)
	}
	return all
}

// californian are the holidays of the State for its offices (Cal. Gov. Code 6700,
// 19853): one that falls on a Sunday is kept on Monday, Veterans Day on a Saturday
// on Friday.
func californian(year int) []time.Time {
	thanksgiving := weekday(year, 11, time.Thursday, 4)
	all := []time.Time{weekday(year, 1, time.Monday, 3), weekday(year, 2, time.Monday, 3), weekday(year, 5, time.Monday, -1), weekday(year, 9, time.Monday, 1),
		thanksgiving, thanksgiving.AddDate(0, 0, 1)}
	for _, f := range []fixed{{1, 1}, {3, 31}, {7, 4}, {11, 11}, {12, 25}} {
		day := on(year, f.m, f.d)
		switch {
		case day.Weekday() == time.Sunday:
			day = day.AddDate(0, 0, 1)
		case day.Weekday() == time.Saturday && f == fixed{11, 11}:
			day = day.AddDate(0, 0, -1)
		}
		all = append(all, day)
	}
	return all
}
