package money

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"firsthand"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		text, currency string
		decimal        byte
		want           string
	}{
		{"12.99", "EUR", 0, "12.99 EUR"}, {"12,99", "EUR", 0, "12.99 EUR"}, {"-12,99", "EUR", 0, "-12.99 EUR"}, {"12,99-", "EUR", 0, "-12.99 EUR"},
		{"(12.99)", "USD", 0, "-12.99 USD"}, {"1.234,56", "EUR", 0, "1234.56 EUR"}, {"1,234.56", "USD", 0, "1234.56 USD"}, {"1'234.50", "CHF", 0, "1234.50 CHF"},
		{"1 234,56", "EUR", 0, "1234.56 EUR"}, {"1\u202f234,56 €", "", 0, "1234.56 EUR"}, {"€ 5", "USD", 0, "5.00 EUR"}, {"$1,234", "", 0, "1234.00 USD"},
		{"1,234", "EUR", 0, "1234.00 EUR"}, {"1,234", "EUR", ',', ""}, {"0,123", "KWD", 0, "0.123 KWD"}, {"1.000.000", "EUR", 0, "1000000.00 EUR"},
		{"980", "JPY", 0, "980 JPY"}, {"12,5", "EUR", 0, "12.50 EUR"}, {"14.990000", "EUR", 0, "14.99 EUR"}, {"14.999999", "EUR", 0, ""},
		{"'-14.39'", "USD", 0, "-14.39 USD"}, {"12.99 EUR", "USD", 0, "12.99 EUR"}, {"−3,00", "EUR", 0, "-3.00 EUR"}, {".99", "EUR", 0, "0.99 EUR"},
		{"", "EUR", 0, ""}, {"x", "EUR", 0, ""}, {"1,23,45", "EUR", 0, ""}, {"99999999999999999", "EUR", 0, ""}, {"12 days", "EUR", 0, ""}, {"1.2.3,4.5", "EUR", 0, ""},
		{"Fr. 12.50", "", 0, ""}, {"=1+1", "EUR", 0, ""}, {"12.99", "", '.', "12.99"},
	} {
		a, err := Parse(c.text, c.currency, c.decimal)
		if c.text == "Fr. 12.50" {
			continue // whichever: it must not panic
		}
		if (err != nil) != (c.want == "") || err == nil && a.String() != c.want {
			t.Errorf("Parse(%q, %q) = %v, %v; want %q", c.text, c.currency, a, err, c.want)
		}
	}
}

func TestSumOfTwoCurrencies(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("two currencies were added")
		}
	}()
	Sum(Amount{1, "EUR"}, Amount{1, "USD"})
}

func TestPeriods(t *testing.T) {
	for text, want := range map[string]string{"month": "1 month", "every 3 Months": "3 months", "Yearly": "1 year", " 2  weeks": "2 weeks", "": "",
		"0 months": "x", "month month": "x", "99999 years": "x", "every": "x", "-1 month": "x"} {
		p, err := ParsePeriod(text)
		if got := p.String(); (err != nil) != (want == "x") || err == nil && got != want {
			t.Errorf("%q is %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestAfter(t *testing.T) {
	for _, c := range []struct {
		d    firsthand.Date
		p    Period
		n    int
		want firsthand.Date
	}{
		{"2027-01-31", Period{1, Month}, 1, "2027-02-28"}, {"2028-01-31", Period{1, Month}, 1, "2028-02-29"}, {"2027-01-31", Period{1, Month}, 2, "2027-03-31"},
		{"2028-02-29", Period{1, Year}, 1, "2029-02-28"}, {"2028-02-29", Period{1, Year}, 4, "2032-02-29"}, {"2027-03-31", Period{1, Month}, -1, "2027-02-28"},
		{"2027-12-31", Period{3, Month}, -1, "2027-09-30"}, {"2027-01-15", Period{1, Month}, -1, "2026-12-15"}, {"2027-03-01", Period{2, Week}, -1, "2027-02-15"},
		{"2028-02-28", Period{1, Day}, 1, "2028-02-29"}, {"2100-02-28", Period{1, Day}, 1, "2100-03-01"}, {"9999-12-31", Period{1, Year}, 1, "9999-12-31"},
		{"", Period{1, Month}, 1, ""}, {"2027-01-31", Period{}, 5, "2027-01-31"},
	} {
		if got := c.p.After(c.d, c.n); got != c.want {
			t.Errorf("%d × %v after %s = %s, want %s", c.n, c.p, c.d, got, c.want)
		}
	}
}

func TestNext(t *testing.T) {
	month := Period{1, Month}
	for _, c := range []struct{ d, today, want firsthand.Date }{
		{"2026-01-31", "2026-02-28", "2026-02-28"}, {"2026-01-31", "2026-03-01", "2026-03-31"}, {"2026-12-05", "2026-11-26", "2026-12-05"}, {"2020-05-31", "2026-11-30", "2026-11-30"},
	} {
		if got := month.Next(c.d, c.today); got != c.want {
			t.Errorf("next of %s on %s = %s, want %s", c.d, c.today, got, c.want)
		}
	}
	if got := (Period{}).Next("2020-01-01", "2026-01-01"); got != "2020-01-01" {
		t.Errorf("what happens once is next on %s", got)
	}
}

func TestCancelBy(t *testing.T) {
	for _, c := range []struct {
		renews firsthand.Date
		notice Period
		want   firsthand.Date
	}{
		{"2027-01-01", Period{3, Month}, "2026-09-30"}, // § 188 BGB: three months before the end of the year
		{"2027-01-01", Period{}, "2026-12-31"},
		{"2027-03-01", Period{1, Month}, "2027-01-28"}, // the term ends on 28 February
		{"2028-03-01", Period{1, Month}, "2028-01-29"},
		{"2027-07-01", Period{4, Week}, "2027-06-02"},
		{"2027-05-31", Period{3, Month}, "2027-02-28"},
		{"2028-03-15", Period{14, Day}, "2028-02-29"},
		{"", Period{1, Month}, ""},
	} {
		if got := CancelBy(c.renews, c.notice); got != c.want {
			t.Errorf("renews on %s with %v notice: cancel by %s, want %s", c.renews, c.notice, got, c.want)
		}
	}
	// Whoever cancels on the last day gives at least the notice, whatever the day.
	for d := firsthand.Date("2027-01-01"); d < "2029-01-01"; d = (Period{1, Day}).After(d, 1) {
		for n := 1; n <= 12; n++ {
			p := Period{n, Month}
			if by := CancelBy(d, p); p.After(by, 1) >= d || by >= d {
				t.Fatalf("renews on %s, %v notice: cancelled on %s it would end on %s", d, p, by, p.After(by, 1))
			}
		}
	}
}

func TestPerYear(t *testing.T) {
	for p, want := range map[Period]int64{{1, Month}: 12000, {3, Month}: 4000, {1, Year}: 1000, {2, Year}: 500, {1, Week}: 52000, {}: 0} {
		if got := p.PerYear(Amount{1000, "EUR"}); got.Minor != want {
			t.Errorf("%v: %d a year, want %d", p, got.Minor, want)
		}
	}
}

// pays makes payments out of "2026-01-05 9.99", to x unless another payee follows.
func pays(lines ...string) (all []Payment) {
	for i, line := range lines {
		f := append(strings.Fields(line), "x")
		a, err := Parse(f[1], "EUR", 0)
		if err != nil {
			panic(err)
		}
		all = append(all, Payment{ID: int64(i + 1), Payee: f[2], Day: firsthand.Date(f[0]), Amount: a})
	}
	return all
}

func show(all []Series) string {
	var lines []string
	for _, s := range all {
		line := fmt.Sprintf("%s: %d × %v %v next %s", s.Key, len(s.Payments), s.Period, s.Price, s.Next)
		for _, c := range s.Changes {
			line += fmt.Sprintf(", %s→%s on %s", c.From.Number(), c.To.Number(), c.Day)
		}
		for _, is := range []struct {
			it   bool
			word string
		}{{s.Varies, "varies"}, {s.Missed > 0, fmt.Sprintf("%d missed", s.Missed)}, {s.Ended, "ended"}} {
			if is.it {
				line += ", " + is.word
			}
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func TestRecurring(t *testing.T) {
	for _, c := range []struct {
		name  string
		until firsthand.Date
		pays  []Payment
		want  string
	}{
		{"monthly", "2026-04-20", pays("2026-01-05 9.99", "2026-02-05 9.99", "2026-03-05 9.99", "2026-04-05 9.99"), "x/EUR/1: 4 × 1 month 9.99 EUR next 2026-05-05"},
		{"two are no series", "2026-02-20", pays("2026-01-05 9.99", "2026-02-05 9.99"), ""},
		{"put off by weekends", "2026-06-10", pays("2026-01-02 30", "2026-02-02 30", "2026-03-02 30", "2026-04-01 30", "2026-05-04 30", "2026-06-01 30"), "x/EUR/1: 6 × 1 month 30.00 EUR next 2026-07-01"},
		{"at the end of the month", "2026-05-02", pays("2026-01-31 5", "2026-02-28 5", "2026-03-31 5", "2026-04-30 5"), "x/EUR/1: 4 × 1 month 5.00 EUR next 2026-05-31"},
		{"every thirty days", "2026-06-01", pays("2026-01-01 7", "2026-01-31 7", "2026-03-02 7", "2026-04-01 7", "2026-05-01 7", "2026-05-31 7"), "x/EUR/1: 6 × 1 month 7.00 EUR next 2026-07-01"},
		{"weekly", "2026-02-12", pays("2026-01-05 4.50", "2026-01-12 4.50", "2026-01-19 4.50", "2026-01-27 4.50", "2026-02-02 4.50", "2026-02-09 4.50"), "x/EUR/1: 6 × 1 week 4.50 EUR next 2026-02-16"},
		{"bread each week is no contract", "2026-02-12", pays("2026-01-05 4.10", "2026-01-12 7.50", "2026-01-19 4.55", "2026-01-27 5.50", "2026-02-02 6.50", "2026-02-09 3.20"), ""},
		{"quarterly", "2026-12-01", pays("2026-01-15 55.08", "2026-04-15 55.08", "2026-07-15 55.08", "2026-10-15 55.08"), "x/EUR/1: 4 × 3 months 55.08 EUR next 2027-01-15"},
		{"half-yearly", "2026-12-01", pays("2025-05-01 80", "2025-11-03 80", "2026-05-04 80", "2026-11-02 80"), "x/EUR/1: 4 × 6 months 80.00 EUR next 2027-05-01"},
		{"yearly", "2026-12-01", pays("2024-11-20 89", "2025-11-20 89", "2026-11-20 89"), "x/EUR/1: 3 × 1 year 89.00 EUR next 2027-11-20"},
		{"yearly and dearer", "2026-12-01", pays("2025-03-01 89.90", "2026-02-27 99"), "x/EUR/1: 2 × 1 year 99.00 EUR next 2027-02-27, 89.90→99.00 on 2026-02-27"},
		{"two purchases a year apart at a shop", "2026-12-01", pays("2025-03-01 19.99", "2025-05-07 60", "2025-06-13 31", "2025-09-30 8", "2026-03-01 19.99"), ""},
		{"leap day", "2029-03-10", pays("2026-02-28 50", "2027-02-28 50", "2028-02-29 50", "2029-02-28 50"), "x/EUR/1: 4 × 1 year 50.00 EUR next 2030-02-28"},
		{"a price that rises", "2026-07-01", pays("2026-01-09 11.99", "2026-02-09 11.99", "2026-03-09 11.99", "2026-04-09 13.99", "2026-05-11 13.99", "2026-06-09 13.99"), "x/EUR/1: 6 × 1 month 13.99 EUR next 2026-07-09, 11.99→13.99 on 2026-04-09"},
		{"a price that has just risen", "2026-04-15", pays("2026-01-09 11.99", "2026-02-09 11.99", "2026-03-09 11.99", "2026-04-09 13.99"), "x/EUR/1: 4 × 1 month 13.99 EUR next 2026-05-09, 11.99→13.99 on 2026-04-09"},
		{"a month that is missing", "2026-07-01", pays("2026-01-09 5", "2026-02-09 5", "2026-03-09 5", "2026-05-09 5", "2026-06-09 5"), "x/EUR/1: 5 × 1 month 5.00 EUR next 2026-07-09, 1 missed"},
		{"cancelled", "2026-11-01", pays("2026-01-09 5", "2026-02-09 5", "2026-03-09 5", "2026-04-09 5"), "x/EUR/1: 4 × 1 month 5.00 EUR next 2026-05-09, ended"},
		{"late, not cancelled", "2026-05-12", pays("2026-01-09 5", "2026-02-09 5", "2026-03-09 5", "2026-04-09 5"), "x/EUR/1: 4 × 1 month 5.00 EUR next 2026-05-09"},
		{"electricity", "2026-07-01", pays("2026-01-15 71.20", "2026-02-16 68.05", "2026-03-16 80", "2026-04-15 55.55", "2026-05-15 61.01", "2026-06-15 50"), "x/EUR/1: 6 × 1 month 50.00 EUR next 2026-07-15, varies"},
		{"a subscription among purchases", "2026-06-01", pays("2026-01-03 8.99", "2026-01-17 23", "2026-02-03 8.99", "2026-02-04 7.10", "2026-02-20 8.99", "2026-03-03 8.99", "2026-03-28 110", "2026-04-03 8.99", "2026-05-01 41.20", "2026-05-04 8.99"), "x/EUR/1: 5 × 1 month 8.99 EUR next 2026-06-03"},
		{"two at one company", "2026-04-20", pays("2026-01-05 0.99", "2026-01-05 9.99", "2026-02-05 0.99", "2026-02-05 9.99", "2026-03-05 0.99", "2026-03-05 9.99", "2026-04-05 0.99", "2026-04-06 9.99"),
			"x/EUR/1: 4 × 1 month 0.99 EUR next 2026-05-05\nx/EUR/2: 4 × 1 month 9.99 EUR next 2026-05-05"},
		{"the same twice a month", "2026-04-20", pays("2026-01-05 5", "2026-01-05 5", "2026-02-05 5", "2026-02-05 5", "2026-03-05 5", "2026-03-05 5"), "x/EUR/1: 3 × 1 month 5.00 EUR next 2026-04-05\nx/EUR/2: 3 × 1 month 5.00 EUR next 2026-04-05"},
		{"two payees", "2026-04-20", pays("2026-01-05 5 b", "2026-01-06 5 a", "2026-02-05 5 b", "2026-02-06 5 a", "2026-03-05 5 b", "2026-03-06 5 a"), "a/EUR/1: 3 × 1 month 5.00 EUR next 2026-04-06\nb/EUR/1: 3 × 1 month 5.00 EUR next 2026-04-05"},
		{"refunds, days that don't exist, nobody", "2026-04-20", append(pays("2026-01-05 -5", "2026-02-30 5", "2026-03-05 0"), Payment{Day: "2026-01-01", Amount: Amount{5, "EUR"}}), ""},
		{"twice the price is another thing", "2026-05-20", pays("2026-01-05 5", "2026-02-05 5", "2026-03-05 5", "2026-04-05 25", "2026-05-05 90"), "x/EUR/1: 3 × 1 month 5.00 EUR next 2026-04-05, ended"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Recurring(c.pays, c.until)
			if show(got) != c.want {
				t.Errorf("got\n%s\nwant\n%s", show(got), c.want)
			}
			shuffled := slices.Clone(c.pays)
			rand.New(rand.NewPCG(1, 2)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			if again := Recurring(shuffled, c.until); show(again) != show(got) {
				t.Errorf("in another order\n%s", show(again))
			}
		})
	}
}

// Whatever is paid, no payment is in two series, and each is of one payee.
func TestRecurringIsSound(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	found := 0
	for range 300 {
		var all []Payment
		for i := range 5 + rng.IntN(120) {
			day := time.Date(2025, 1, 1+rng.IntN(600), 0, 0, 0, 0, time.UTC)
			all = append(all, Payment{ID: int64(i + 1), Payee: string(rune('a' + rng.IntN(3))), Day: firsthand.DateOf(day), Amount: Amount{int64(1+rng.IntN(4)) * 499, []string{"EUR", "USD"}[rng.IntN(2)]}})
		}
		seen := make(map[int64]bool)
		for _, s := range Recurring(all, "2026-09-01") {
			found++
			for k, p := range s.Payments {
				if seen[p.ID] || p.Payee != s.Payee || p.Amount.Currency != s.Price.Currency || k > 0 && p.Day < s.Payments[k-1].Day {
					t.Fatalf("payment %+v of %+v", p, s)
				}
				seen[p.ID] = true
			}
		}
	}
	if found == 0 {
		t.Error("nothing was found")
	}
}

func BenchmarkRecurring(b *testing.B) {
	rng := rand.New(rand.NewPCG(7, 8))
	var all []Payment
	for i := range 100_000 {
		day := time.Date(2010, 1, 1+rng.IntN(6000), 0, 0, 0, 0, time.UTC)
		all = append(all, Payment{ID: int64(i + 1), Payee: fmt.Sprint(rng.IntN(500)), Day: firsthand.DateOf(day), Amount: Amount{int64(1+rng.IntN(40)) * 99, "EUR"}})
	}
	b.ReportAllocs()
	for b.Loop() {
		Recurring(all, "2026-09-01")
	}
}
