package bank

import (
	"bytes"
	"io"
	"iter"
	"strings"
	"time"

	"firsthand"
	"firsthand/internal/agent/importer"
	"firsthand/internal/agent/money"
)

// MT940 is the format of SWIFT's customer statement, in the dialects of German,
// Austrian and Dutch banks.
type MT940 struct{}

// Name implements [importer.Format].
func (MT940) Name() string { return "mt940" }

// Match implements [importer.Format].
func (MT940) Match(head []byte) (sure int, err error) {
	has := func(tag string) bool {
		return bytes.HasPrefix(head, []byte(tag)) || bytes.Contains(head, []byte("\n"+tag))
	}
	if has(":20:") && (has(":25") || has(":60")) {
		return 20, nil
	}
	return 0, nil
}

// Read implements [importer.Format].
func (MT940) Read(r io.Reader) iter.Seq2[importer.Found, error] {
	return func(yield func(importer.Found, error) bool) {
		l := importer.NewLines(r)
		defer l.Close()
		var s statement
		defer func() { clear(s.details[:cap(s.details)]) }()
		for l.Next() {
			tag, rest := field(l.Line)
			switch {
			case tag == "" && isEnd(l.Line), tag != "" && tag != "86":
				if !s.flush(yield) {
					return
				}
			}
			s.at = tag
			switch tag {
			case "60F", "60M":
				s.opening(rest)
			case "61":
				s.begin(l.Row, rest)
			case "86":
				s.detail(rest)
			case "":
				s.more(l.Line)
			}
		}
		if err := l.Err(); err != nil {
			yield(importer.Found{}, err)
			return
		}
		s.flush(yield)
	}
}

// field takes the tag off a line: ":61:" and what follows; "" if it has none.
func field(line []byte) (tag string, rest []byte) {
	if len(line) < 4 || line[0] != ':' || !digit(line[1]) || !digit(line[2]) {
		return "", line
	}
	end := 3
	if line[end] != ':' {
		end++
	}
	if end >= len(line) || line[end] != ':' {
		return "", line
	}
	return string(line[1:end]), line[end+1:]
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// isEnd reports whether a line ends a statement, or begins an envelope.
func isEnd(line []byte) bool {
	line = bytes.TrimSpace(line)
	return len(line) == 1 && line[0] == '-' || bytes.HasPrefix(line, []byte("-}")) || bytes.HasPrefix(line, []byte("{1:"))
}

// statement is what is known of the row being read.
type statement struct {
	currency string
	at       string // the tag in whose lines it is
	row      int    // 0: there is none
	why      string // it can't be read
	pay      importer.Payment
	detailed bool
	details  []byte // of :86:, without line breaks
}

// opening reads the balance, for the currency: C260101EUR1234,56.
func (s *statement) opening(b []byte) {
	if len(b) >= 10 && money.IsCurrency(string(b[7:10])) {
		s.currency = string(b[7:10])
	}
}

// begin reads a :61: line: 2601050105DR9,99NDDTNONREF//B123.
func (s *statement) begin(row int, b []byte) {
	*s = statement{currency: s.currency, at: s.at, row: row, details: s.details[:0]}
	s.pay.Day = day6(b)
	rest := b[min(len(b), 6):]
	if len(rest) >= 4 && digit(rest[0]) && digit(rest[1]) && digit(rest[2]) && digit(rest[3]) || bytes.HasPrefix(rest, []byte("    ")) {
		rest = rest[4:]
	}
	sign := int64(0)
	for _, mark := range []struct {
		text string
		sign int64
	}{{"RD", -1}, {"RC", 1}, {"D", 1}, {"C", -1}} {
		if bytes.HasPrefix(rest, []byte(mark.text)) {
			sign, rest = mark.sign, rest[len(mark.text):]
			break
		}
	}
	if len(rest) > 0 && !digit(rest[0]) { // the third letter of the currency
		rest = rest[1:]
	}
	n := 0
	for n < len(rest) && (digit(rest[n]) || rest[n] == ',' || rest[n] == '.') {
		n++
	}
	s.pay.Amount = amount(string(bytes.TrimRight(rest[:n], ",")), s.currency, 0)
	if bytes.IndexByte(rest[:n], ',') >= 0 {
		s.pay.Amount = amount(string(bytes.TrimSuffix(rest[:n], []byte(","))), s.currency, ',')
	}
	s.pay.Amount.Minor *= sign
	if sign == 0 {
		s.why = "has no sign that says who paid"
	}
	if _, ref, ok := bytes.Cut(rest[n:], []byte("//")); ok {
		s.pay.Ref = importer.Clean(bytes.TrimSpace(ref[:min(len(ref), 64)]))
	}
}

// day6 reads a day as YYMMDD. Banks write days that don't exist, 30 February, for
// the last of the month.
func day6(b []byte) firsthand.Date {
	if len(b) < 6 {
		return ""
	}
	n := make([]int, 3)
	for i := range n {
		hi, lo := b[2*i], b[2*i+1]
		if !digit(hi) || !digit(lo) {
			return ""
		}
		n[i] = int(hi-'0')*10 + int(lo-'0')
	}
	year, month, day := 2000+n[0], n[1], n[2]
	if n[0] >= 80 {
		year -= 100
	}
	if month < 1 || month > 12 || day < 1 || day > 31 {
		return ""
	}
	last := time.Date(year, time.Month(month+1), 0, 0, 0, 0, 0, time.UTC)
	return firsthand.DateOf(last.AddDate(0, 0, min(day, last.Day())-last.Day()))
}

// detail reads the first line of :86:. After the balance it is the statement's own,
// and nobody's.
func (s *statement) detail(b []byte) {
	if s.row == 0 {
		return
	}
	if s.detailed {
		s.at = ""
		return
	}
	s.detailed = true
	s.add(b)
}

// add adds to the details, in which there may be numbers of accounts: no copy of them
// is left behind.
func (s *statement) add(b []byte) {
	if need := len(s.details) + len(b); need > cap(s.details) {
		old := s.details
		s.details = append(make([]byte, 0, 2*need+512), old...)
		clear(old)
	}
	s.details = append(s.details, b...)
}

// more reads a further line of :86:.
func (s *statement) more(b []byte) {
	if s.row == 0 || !s.detailed || len(s.details) > most {
		return
	}
	s.add(b)
}

// flush yields the row that has ended, if there is one.
func (s *statement) flush(yield func(importer.Found, error) bool) bool {
	if s.row == 0 {
		return true
	}
	row := s.row
	s.row = 0
	name, why := "", s.why
	if len(s.details) > most {
		why = "is too long"
	}
	var f importer.Found
	if why == "" {
		name = s.read()
		f, why = paid(row, name, s.pay)
	}
	clear(s.details)
	s.details = s.details[:0]
	if why != "" {
		return yield(importer.Found{}, &importer.BadRow{Row: row, Why: why})
	}
	return yield(f, nil)
}

// read reads the details, and returns the name in them.
func (s *statement) read() (name string) {
	b := s.details
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '?' && digit(b[i+1]) && digit(b[i+2]) {
			return s.structured(b[i:]) // before it may be the rest of a code that is broken
		}
	}
	if bytes.Contains(b, []byte("/NAME/")) || bytes.Contains(b, []byte("/IBAN/")) {
		return s.slashed(b)
	}
	return importer.Clean(b)
}

// structured reads ?20text?21more?32name: the form of German and Austrian banks.
func (s *statement) structured(b []byte) string {
	var name, purpose []byte
	for len(b) >= 3 {
		end := 3
		for end < len(b) && (b[end] != '?' || end+2 >= len(b) || !digit(b[end+1]) || !digit(b[end+2])) {
			end++
		}
		switch code, text := string(b[1:3]), b[3:end]; {
		case code == "32" || code == "33":
			name = append(name, text...)
		case code >= "20" && code <= "29", code >= "60" && code <= "63":
			purpose = append(purpose, text...)
		}
		b = b[end:]
	}
	s.sepa(purpose)
	return importer.Clean(name)
}

// sepaKeys stand in the purpose before what they name.
var sepaKeys = []string{"EREF+", "KREF+", "MREF+", "CRED+", "DEBT+", "SVWZ+", "ABWA+", "ABWE+", "IBAN+", "BIC+", "OAMT+", "COAM+"}

// sepa takes a purpose apart: EREF+…MREF+…CRED+…SVWZ+….
func (s *statement) sepa(b []byte) {
	next := func(b []byte) (at int, key string) {
		at = len(b)
		for _, k := range sepaKeys {
			if i := bytes.Index(b, []byte(k)); i >= 0 && i < at {
				at, key = i, k
			}
		}
		return at, key
	}
	at, key := next(b)
	if key == "" {
		s.pay.Text = importer.Clean(b)
		return
	}
	for key != "" {
		b = b[at+len(key):]
		end, following := next(b)
		switch key {
		case "MREF+":
			s.pay.Mandate = importer.Clean(bytes.TrimSpace(b[:end]))
		case "CRED+":
			s.pay.Creditor = importer.Clean(bytes.TrimSpace(b[:end]))
		case "SVWZ+":
			s.pay.Text = importer.Clean(bytes.TrimSpace(b[:end]))
		}
		at, key = end, following
	}
}

// slashed reads /NAME/…/REMI/…: the form of Dutch banks.
func (s *statement) slashed(b []byte) string {
	get := func(key string) string {
		_, rest, ok := bytes.Cut(b, []byte("/"+key+"/"))
		if !ok {
			return ""
		}
		for _, k := range []string{"/NAME/", "/IBAN/", "/BIC/", "/REMI/", "/MARF/", "/CSID/", "/EREF/", "/TRTP/", "/ORDP/", "/BENM/", "/ID/", "/ADDR/", "/PURP/", "/SVCL/", "/ULTD/", "/ULTC/", "/CNTP/", "/USTD/"} {
			if i := bytes.Index(rest, []byte(k)); i >= 0 {
				rest = rest[:i]
			}
		}
		return importer.Clean(rest)
	}
	s.pay.Text, s.pay.Mandate, s.pay.Creditor = get("REMI"), strings.TrimSpace(get("MARF")), strings.TrimSpace(get("CSID"))
	return get("NAME")
}
