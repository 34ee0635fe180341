package world

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"firsthand"
	"firsthand/internal/agent"
	"firsthand/internal/agent/money"
)

// A debit is something that Mia pays for again and again, as her bank has it.
type debit struct {
	payee  string // as it stands there
	text   string
	months int // between two payments
	day    int // of the month
	cents  int64
	dearer int64 // the price of the last months; 0 for the same
	since  int   // in how many of them
	until  int   // months ago: the last one
	varies bool
}

var debits = []debit{
	{payee: "MUZIEKZOLDER P4C%02d GENT", text: "Abonnement", months: 1, day: 5, cents: 1099, dearer: 1299, since: 4},
	{payee: "Filmhuis Thuis", text: "Filmhuis Thuis maandabonnement", months: 1, day: 12, cents: 1399},
	{payee: "Dagblad De Koerier NV", text: "Krant, klantnummer 20%02d", months: 1, day: 1, cents: 3400},
	{payee: "Kabelkoppel NV", text: "Internet en telefonie BE68 5390 0754 7034", months: 1, day: 16, cents: 5250},
	{payee: "ZONNESTROOM CV", text: "Voorschot", months: 1, day: 20, cents: 6400, varies: true},
	{payee: "Polderpolis Verzekeringen", text: "Familiale en brand", months: 3, day: 10, cents: 8420},
	{payee: "Fotowolk", text: "Fotowolk jaar", months: 12, day: 24, cents: 2499},
	{payee: "Sportclub Leie", text: "Lidgeld", months: 1, day: 3, cents: 2990, until: 5},
	{payee: "KRACHTHONK", text: "maandbijdrage", months: 1, day: 8, cents: 2490},
	{payee: "PayPal Europe S.a.r.l. et Cie S.C.A", text: "10%02d/PP.44.PP/. Praatplank, Uw aankoop bij Praatplank", months: 1, day: 18, cents: 499},
}

// statementFormat is the format of her bank's statement.
const statementFormat = "bank-table"

// statementMonths is how far the statement goes back: a year, and as much as shows that
// something is paid once in one.
const statementMonths = 14

// A booking is one row of the statement.
type booking struct {
	day   time.Time
	payee string
	text  string
	cents int64 // below zero: Mia paid
}

// statement is a year of Mia's account, as her bank lets her download it: with lines
// above the header, what she earns, what she buys, and a row that is broken.
func statement(now time.Time) Export {
	var all []booking
	add := func(day time.Time, payee, text string, cents int64) {
		if !day.After(now) {
			all = append(all, booking{day, payee, text, cents})
		}
	}
	for m := statementMonths; m >= 0; m-- {
		first := time.Date(now.Year(), now.Month()-time.Month(m), 1, 0, 0, 0, 0, time.UTC)
		for _, d := range debits {
			if m%d.months != 1%d.months || m < d.until {
				continue
			}
			day := first.AddDate(0, 0, d.day-1)
			for day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
				day = day.AddDate(0, 0, 1)
			}
			cents := d.cents
			if d.dearer != 0 && m < d.since {
				cents = d.dearer
			}
			if d.varies {
				cents += int64(m*m%7) * 310
			}
			fill := func(s string) string {
				if strings.Contains(s, "%") {
					return fmt.Sprintf(s, m)
				}
				return s
			}
			add(day, fill(d.payee), fill(d.text), -cents)
		}
		for n := range 6 {
			add(first.AddDate(0, 0, (m*5+n*n*3+n)%27), []string{"Bakkerij De Molen", "Buurtwinkel", "Apotheek De Hoorn"}[(m+n)%3], "aankoop met kaart", -int64(310+(m*37+n*113)%2900))
		}
		add(first.AddDate(0, 0, 24), "Textielfabriek Noord", "Loon", 241000)
	}
	slices.SortStableFunc(all, func(a, b booking) int { return cmp.Compare(b.day.Unix(), a.day.Unix()) })
	var b strings.Builder
	b.WriteString("\ufeffRekening;BE00 made up\r\nSaldo;1.204,11\r\n\r\nBoekdatum;Naam tegenpartij;Mededelingen;Bedrag;Munt\r\n")
	for i, r := range all {
		if i == 7 {
			b.WriteString("30/02/2026;;saldo;;EUR\r\n")
		}
		sum := strings.Replace(money.Amount{Minor: r.cents, Currency: "EUR"}.Number(), ".", ",", 1)
		fmt.Fprintf(&b, "%s;%q;%q;%s;EUR\r\n", r.day.Format("02/01/2006"), r.payee, r.text, sum)
	}
	return Export{Name: "leiebank.csv", Format: statementFormat, Text: []byte(b.String()), Says: Says{Rows: len(all) + 1, Bad: 1, ByName: 11}}
}

// know makes contracts of what her bank's statement lets guess: two are hers, and one
// of them needs her.
func (l *lifeMaker) know(ctx context.Context) error {
	all, err := l.agent.Contracts(ctx)
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.Domain != "polderpolis.example" && c.Domain != "dagbladdekoerier.example" {
			continue
		}
		id, err := l.agent.ConfirmContract(ctx, c.Ref(), "")
		if err != nil {
			return err
		}
		err = l.agent.EditContract(ctx, id, func(r *agent.ContractRow) {
			r.Term = money.Period{N: 1, Unit: money.Year}
			switch c.Domain {
			case "polderpolis.example":
				r.Name, r.Number = "Familiale verzekering", "P-20417"
				r.Renews, r.Notice = firsthand.DateOf(l.today.AddDate(0, 0, 105)), money.Period{N: 3, Unit: money.Month}
			default:
				r.Name = "De Koerier, weekend"
				r.Renews, r.Notice = firsthand.DateOf(l.today.AddDate(0, 5, 0)), money.Period{N: 1, Unit: money.Month}
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}
