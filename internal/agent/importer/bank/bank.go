// Package bank reads what a customer's bank lets her download: OFX and QFX in both
// of their forms, CAMT.053, MT940, and tables of any bank. Each row is a payment:
// when, how much, to whom, what for, and the mandate of a direct debit.
//
// Numbers of accounts and cards are never taken out, neither hers nor those of who was
// paid.
package bank

import (
	"strings"
	"time"

	"firsthand"
	"firsthand/internal/agent/importer"
	"firsthand/internal/agent/money"
)

// Formats returns all formats of this package.
func Formats() []importer.Format {
	all := []importer.Format{OFX{}, CAMT{}, MT940{}, Table{}}
	for i := range presets {
		all = append(all, &presets[i])
	}
	return all
}

// most is how much of a text is taken out of a row at most, in bytes. Who keeps it
// keeps less.
const most = 64 << 10

// paid makes a Found of a payment, or says why it can't be one.
func paid(row int, name string, p importer.Payment) (importer.Found, string) {
	switch {
	case p.Day == "":
		return importer.Found{}, "has no day, or one that doesn't exist"
	case p.Amount.Minor == 0:
		return importer.Found{}, "has no amount"
	}
	return importer.Found{Kind: importer.Paid, Row: row, Title: name, Payment: &p}, ""
}

// day8 reads a day as YYYYMMDD, with anything after it; "" for none.
func day8(s string) firsthand.Date {
	if len(s) < 8 {
		return ""
	}
	t, err := time.Parse("20060102", s[:8])
	if err != nil || t.Year() < 1900 {
		return ""
	}
	return firsthand.DateOf(t)
}

// iso reads a day as YYYY-MM-DD, with anything after it; "" for none.
func iso(s string) firsthand.Date {
	s = strings.TrimSpace(s)
	if len(s) < 10 {
		return ""
	}
	t, err := time.Parse(time.DateOnly, s[:10])
	if err != nil || t.Year() < 1900 {
		return ""
	}
	return firsthand.DateOf(t)
}

// amount reads an amount; none if it is none.
func amount(s, currency string, decimal byte) money.Amount {
	a, err := money.Parse(strings.TrimSpace(s), currency, decimal)
	if err != nil {
		return money.Amount{}
	}
	return a
}
