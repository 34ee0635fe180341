package web

import (
	"firsthand"
	"firsthand/internal/agent"
	"firsthand/internal/agent/money"
)

// A Strip is twelve months as a picture, with a table that says the same.
type Strip struct {
	Currency string // of the picture: the one in which most is paid
	Months   []StripMonth
	Width    int
	Height   int
	Base     int // of the names of months
}

// A StripMonth is a bar of the picture, and a row of the table.
type StripMonth struct {
	agent.MonthOf
	First      firsthand.Date // its first day, for its name
	Sum        money.Amount   // in the currency of the picture
	X, Y, W, H int            // of the bar
	Mid        int
	Ticks      []int // where days to cancel by are marked
}

// The picture's measures.
const (
	barWidth  = 44
	barSpace  = 12
	barHeight = 120
	barTop    = 24
)

// maxTicks is how many marks there are over one bar; the table has them all.
const maxTicks = 4

func stripOf(months []agent.MonthOf) (s Strip) {
	most := make(map[string]int64)
	for _, m := range months {
		for _, sum := range m.Sums {
			if most[sum.Currency] += sum.Minor; most[sum.Currency] > most[s.Currency] || most[sum.Currency] == most[s.Currency] && sum.Currency < s.Currency {
				s.Currency = sum.Currency
			}
		}
	}
	highest := int64(1)
	for _, m := range months {
		row := StripMonth{MonthOf: m, First: firsthand.Date(m.Month + "-01")}
		for _, sum := range m.Sums {
			if sum.Currency == s.Currency {
				row.Sum = sum
				highest = max(highest, sum.Minor)
			}
		}
		s.Months = append(s.Months, row)
	}
	for i := range s.Months {
		m := &s.Months[i]
		m.X, m.W = i*(barWidth+barSpace)+barSpace/2, barWidth
		m.H = int(m.Sum.Minor * barHeight / highest)
		if m.Sum.Minor > 0 {
			m.H = max(m.H, 2)
		}
		m.Y, m.Mid = barTop+barHeight-m.H, m.X+barWidth/2
		for n := range min(len(m.Ends), maxTicks) {
			m.Ticks = append(m.Ticks, m.X+6+n*11)
		}
	}
	s.Width, s.Height = len(s.Months)*(barWidth+barSpace), barTop+barHeight+24
	s.Base = s.Height - 6
	return s
}
