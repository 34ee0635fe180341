package importer

import "slices"

// A Mapping says which column of a table holds what: for the tables of banks, of which
// each has its own. It is guessed from the header, or hers, saved under a name.
type Mapping struct {
	Name string `json:"name,omitempty"` // hers; "" for a guess

	// Names of columns, in lower case; "" for none. What she paid is in Amount, below
	// zero, or in Out; Sign says of an Amount without sign whether she paid.
	Day      string `json:"day,omitempty"`
	Amount   string `json:"amount,omitempty"`
	Out      string `json:"out,omitempty"`
	In       string `json:"in,omitempty"`
	Sign     string `json:"sign,omitempty"`
	Payee    string `json:"payee,omitempty"`
	Text     string `json:"text,omitempty"`
	Currency string `json:"currency,omitempty"`
	Ref      string `json:"ref,omitempty"`
	Mandate  string `json:"mandate,omitempty"`
	Creditor string `json:"creditor,omitempty"`

	Order   string `json:"order,omitempty"`   // of a day: dmy, mdy, ymd; "" is guessed from the rows
	Decimal string `json:"decimal,omitempty"` // comma, point; "" is guessed from the rows
	Unit    string `json:"unit,omitempty"`    // the currency, where no column has it
	Flip    bool   `json:"flip,omitempty"`    // what she paid is above zero, as credit cards have it
}

// columns returns the columns that m names.
func (m *Mapping) columns() (all []string) {
	for _, c := range []string{m.Day, m.Amount, m.Out, m.In, m.Sign, m.Payee, m.Text, m.Currency, m.Ref, m.Mandate, m.Creditor} {
		if c != "" {
			all = append(all, c)
		}
	}
	return all
}

// IsComplete reports whether m says what has to be known: when, how much, and to whom
// or what for.
func (m *Mapping) IsComplete() bool {
	return m.Day != "" && (m.Amount != "" || m.Out != "") && (m.Payee != "" || m.Text != "")
}

// Fits returns how many of the columns m names, and 0 if it names one that is missing.
func (m *Mapping) Fits(columns []string) int {
	named := m.columns()
	for _, c := range named {
		if !slices.Contains(columns, c) {
			return 0
		}
	}
	if !m.IsComplete() {
		return 0
	}
	return len(named)
}

// A Mapped is a Format that reads tables by a Mapping.
type Mapped interface {
	Format
	// With returns the format for one reading, with mappings of hers, which go before
	// guesses. Used is told by which it reads.
	With(saved []Mapping, used func(Mapping)) Format
}
