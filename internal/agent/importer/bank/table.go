package bank

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/importer"
	"firsthand/internal/agent/money"
)

// Table is the format of tables of payments, of any bank: which column holds what is
// guessed from the header, in five languages, or said by a mapping of hers. Above the
// header there may be lines about the account.
type Table struct {
	saved  []importer.Mapping
	used   func(importer.Mapping)
	partly bool // a row without a day or an amount is nothing, and no bad one
}

var _ importer.Mapped = Table{}

// Name implements [importer.Format].
func (Table) Name() string { return "bank-table" }

// With implements [importer.Mapped].
func (Table) With(saved []importer.Mapping, used func(importer.Mapping)) importer.Format {
	return Table{saved: saved, used: used}
}

// Match implements [importer.Format]. It is less sure than a format that knows what
// its columns are, unless she has said what they are.
func (t Table) Match(head []byte) (sure int, err error) {
	_, _, m := t.header(head)
	switch {
	case m.Name != "":
		return 30, nil
	case m.IsComplete():
		return 3, nil
	}
	return 0, nil
}

// maxPreamble is how many lines may be above the header.
const maxPreamble = 40

// header finds the header in a beginning of the file: where it is, how many lines are
// before it, and what its columns hold; a mapping that isn't complete if there is none.
func (t Table) header(head []byte) (at, lines int, best importer.Mapping) {
	for lines <= maxPreamble {
		if line := head[at:]; len(bytes.TrimSpace(firstLine(line))) > 0 {
			if columns := importer.Columns(line); len(columns) > 1 {
				if m := t.choose(columns); m.IsComplete() {
					return at, lines, m
				}
			}
		}
		i := bytes.IndexByte(head[at:], '\n')
		if i < 0 {
			break
		}
		at += i + 1
		lines++
	}
	return 0, 0, importer.Mapping{}
}

func firstLine(b []byte) []byte {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return b[:i]
	}
	return b
}

// choose returns the mapping of hers that names most of the columns, else a guess.
func (t Table) choose(columns []string) importer.Mapping {
	best, most := importer.Mapping{}, 0
	for _, m := range t.saved {
		if n := m.Fits(columns); n > most {
			best, most = m, n
		}
	}
	if most > 0 {
		return best
	}
	return guess(columns)
}

// sample is how much of the file is looked at to find out how days and amounts are
// written.
const sample = 48 << 10

// Read implements [importer.Format].
func (t Table) Read(r io.Reader) iter.Seq2[importer.Found, error] {
	return func(yield func(importer.Found, error) bool) {
		begin := newBeginning(r)
		defer begin.wipe()
		at, lines, m := t.header(begin.b[:min(len(begin.b), importer.HeadSize)])
		if !m.IsComplete() {
			if begin.err != nil && begin.err != io.EOF {
				yield(importer.Found{}, begin.err)
				return
			}
			yield(importer.Found{}, fault.Tell(fault.Invalid, "Which column of this table holds what isn't known.", "Say which are the day, the amount and the payee."))
			return
		}
		look(&m, begin.b[at:])
		if t.used != nil {
			t.used(m)
		}
		begin.cut(at)
		why, whyRow := "", 0
		open := func(columns []string) func(*importer.Row) (importer.Found, bool) {
			c := newCells(m, columns)
			return func(row *importer.Row) (f importer.Found, ok bool) {
				f, why = c.found(row, m)
				whyRow = row.Line
				if why != "" && t.partly && !row.Doubtful {
					why = ""
					return f, false
				}
				if why == "" {
					row.Doubtful = false // it has a day and an amount in their places
				}
				return f, true
			}
		}
		for f, err := range importer.Table(begin, open) {
			if bad, ok := errors.AsType[*importer.BadRow](err); ok {
				bad.Row += lines
			} else if err == nil && why != "" && f.Row == whyRow {
				f, err = importer.Found{}, &importer.BadRow{Row: f.Row + lines, Why: why}
			} else if err == nil {
				f.Row += lines
			}
			if !yield(f, err) {
				return
			}
		}
	}
}

// cells are the columns, by number; -1 for none.
type cells struct{ day, amount, out, in, sign, payee, text, currency, ref, mandate, creditor int }

func newCells(m importer.Mapping, columns []string) cells {
	at := func(name string) int {
		if name == "" {
			return -1
		}
		return slices.Index(columns, name)
	}
	return cells{at(m.Day), at(m.Amount), at(m.Out), at(m.In), at(m.Sign), at(m.Payee), at(m.Text), at(m.Currency), at(m.Ref), at(m.Mandate), at(m.Creditor)}
}

// found makes a payment of a row, or says why it can't.
func (c *cells) found(row *importer.Row, m importer.Mapping) (importer.Found, string) {
	currency := strings.ToUpper(strings.TrimSpace(row.Text(c.currency)))
	if !money.IsCurrency(currency) {
		currency = m.Unit
	}
	decimal := byte(0)
	switch m.Decimal {
	case "comma":
		decimal = ','
	case "point":
		decimal = '.'
	}
	read := func(column int) money.Amount { return amount(row.Text(column), currency, decimal) }
	var sum money.Amount
	switch {
	case c.out >= 0 && row.Has(c.out) && read(c.out).Minor != 0:
		sum = read(c.out)
		sum.Minor = max(sum.Minor, -sum.Minor)
	case c.in >= 0 && row.Has(c.in):
		sum = read(c.in)
		sum.Minor = min(sum.Minor, -sum.Minor)
	case c.amount >= 0:
		sum = read(c.amount)
		paid := sum.Minor < 0 != m.Flip
		if c.sign >= 0 {
			switch s := strings.ToLower(strings.TrimSpace(row.Text(c.sign))); {
			case slices.Contains(outWords, s):
				paid = true
			case slices.Contains(inWords, s):
				paid = false
			default:
				return importer.Found{}, "doesn't say who paid"
			}
		}
		if sum.Minor = max(sum.Minor, -sum.Minor); !paid {
			sum.Minor = -sum.Minor
		}
	}
	name, text := row.Text(c.payee), row.Text(c.text)
	if name == "" {
		name, text = text, ""
	}
	return paid(row.Line, name, importer.Payment{Day: day(row.Text(c.day), m.Order), Amount: sum, Text: text,
		Ref: strings.TrimSpace(row.Text(c.ref)), Mandate: strings.TrimSpace(row.Text(c.mandate)), Creditor: strings.TrimSpace(row.Text(c.creditor))})
}

// day reads a day as tables have it: 2026-01-31, 31.01.26, 1/31/2026, 20260131, with a
// time after it or not.
func day(s, order string) firsthand.Date {
	s = strings.TrimSpace(s)
	if i := strings.IndexAny(s, " T"); i >= 0 {
		s = s[:i]
	}
	if len(s) > 12 {
		return ""
	}
	if d := day8(s); d != "" && len(s) == 8 && strings.Trim(s, "0123456789") == "" {
		return d
	}
	p := strings.FieldsFunc(s, func(r rune) bool { return r == '.' || r == '/' || r == '-' })
	if len(p) != 3 {
		return ""
	}
	if len(p[0]) == 4 {
		order = "ymd"
	}
	var y, mo, d string
	switch order {
	case "ymd":
		y, mo, d = p[0], p[1], p[2]
	case "mdy":
		mo, d, y = p[0], p[1], p[2]
	default:
		d, mo, y = p[0], p[1], p[2]
	}
	layout := "2006-1-2"
	if len(y) == 2 {
		layout = "06-1-2"
	}
	t, err := time.Parse(layout, y+"-"+mo+"-"+d)
	if err != nil || t.Year() < 1900 {
		return ""
	}
	return firsthand.DateOf(t)
}

// look finds out from the rows of a sample what m leaves open: how days and amounts
// are written, and whether what she paid is above zero.
func look(m *importer.Mapping, sample []byte) {
	firsts, seconds := 0, 0 // the highest first and second number of a day
	commas, points, minus, plus := 0, 0, 0, 0
	if i := bytes.LastIndexByte(sample, '\n'); i > 0 {
		sample = sample[:i+1]
	}
	for range importer.Table(bytes.NewReader(sample), func(columns []string) func(*importer.Row) (importer.Found, bool) {
		c := newCells(*m, columns)
		return func(row *importer.Row) (importer.Found, bool) {
			p := strings.FieldsFunc(strings.TrimSpace(row.Text(c.day)), func(r rune) bool { return r < '0' || r > '9' })
			if len(p) >= 3 && len(p[0]) <= 2 {
				firsts, seconds = max(firsts, number(p[0])), max(seconds, number(p[1]))
			}
			for _, at := range []int{c.amount, c.out, c.in} {
				s := strings.TrimRight(strings.TrimSpace(row.Text(at)), " -€)EUR\u00a0")
				if len(s) > 3 && s[len(s)-3] == ',' {
					commas++
				}
				if len(s) > 3 && s[len(s)-3] == '.' {
					points++
				}
			}
			if s := strings.TrimSpace(row.Text(c.amount)); strings.ContainsAny(s, "-−(") {
				minus++
			} else if s != "" {
				plus++
			}
			return importer.Found{}, false
		}
	}) {
	}
	if m.Order == "" {
		switch {
		case seconds > 12 && firsts <= 12:
			m.Order = "mdy"
		default:
			m.Order = "dmy"
		}
	}
	if m.Decimal == "" && (commas > 0) != (points > 0) {
		if m.Decimal = "point"; commas > 0 {
			m.Decimal = "comma"
		}
	}
	if m.Name == "" && m.Amount != "" && m.Sign == "" && minus == 0 && plus > 0 && strings.HasPrefix(plain(m.Payee), "merchant") {
		m.Flip = true
	}
}

func number(s string) (n int) {
	for i := 0; i < len(s) && i < 4; i++ {
		n = 10*n + int(s[i]-'0')
	}
	return n
}

// A beginning is a file of which the first part has been read, to be looked at. What is
// read from it is wiped there: a table may have numbers of accounts.
type beginning struct {
	r   io.Reader
	all []byte
	b   []byte // the rest of all
	err error  // of r, after b
}

func newBeginning(r io.Reader) *beginning {
	g := &beginning{r: r, all: make([]byte, sample)}
	n := 0
	for empty := 0; n < sample && g.err == nil && empty < 100; empty++ {
		var k int
		if k, g.err = r.Read(g.all[n:]); k > 0 {
			empty = 0
		}
		n += k
	}
	g.b = g.all[:n]
	return g
}

func (g *beginning) cut(n int) {
	clear(g.b[:n])
	g.b = g.b[n:]
}

func (g *beginning) wipe() { clear(g.all) }

// Read implements [io.Reader].
func (g *beginning) Read(p []byte) (int, error) {
	switch {
	case len(g.b) > 0:
		n := copy(p, g.b)
		g.cut(n)
		return n, nil
	case g.err != nil:
		return 0, g.err
	}
	return g.r.Read(p)
}
