package money

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"firsthand/fault"
)

// An Amount is a sum of money. The zero value is none: nobody knows.
type Amount struct {
	Minor    int64  `json:"minor"`    // in the smallest unit: cents
	Currency string `json:"currency"` // ISO 4217, in capitals
}

// IsZero reports whether nothing is known.
func (a Amount) IsZero() bool { return a == Amount{} }

// digits is how many digits after the point a currency has, where it isn't two.
var digits = map[string]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0, "VND": 0, "VUV": 0, "XAF": 0,
	"XOF": 0, "XPF": 0, "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
}

// Digits returns how many digits after the point a currency has.
func Digits(currency string) int {
	if n, ok := digits[currency]; ok {
		return n
	}
	return 2
}

// String returns a as "12.99 EUR"; "" for none.
func (a Amount) String() string {
	if a.IsZero() {
		return ""
	}
	return strings.TrimSpace(a.Number() + " " + a.Currency)
}

// Number returns a without its currency: "12.99".
func (a Amount) Number() string {
	n := Digits(a.Currency)
	s := strconv.FormatInt(a.Minor, 10)
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	if n == 0 {
		return sign + s
	}
	for len(s) <= n {
		s = "0" + s
	}
	return sign + s[:len(s)-n] + "." + s[len(s)-n:]
}

// IsCurrency reports whether s has the form of a currency's code.
func IsCurrency(s string) bool {
	return len(s) == 3 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// signs are currencies that are written with a sign of their own. A dollar may be
// of many countries; who has it says so, the file doesn't.
var signs = map[string]string{"€": "EUR", "£": "GBP", "$": "USD", "US$": "USD", "¥": "JPY", "₩": "KRW", "₹": "INR", "zł": "PLN", "Kč": "CZK", "Fr.": "CHF", "A$": "AUD", "C$": "CAD"}

// maxMinor bounds an amount, so that sums don't overflow.
const maxMinor = 1e15

// Parse reads an amount as people and banks write it: "1.234,56", "-12.99 EUR",
// "12,99-", "(12.99)", "€ 5". A currency in the text goes before the one given, which
// may be "". A single point or comma with three digits after it separates thousands,
// unless decimal says that it doesn't: '.' or ',', or 0 if that isn't known.
// Its errors are [fault.Invalid].
func Parse(text, currency string, decimal byte) (Amount, error) {
	bad := func(why string) (Amount, error) {
		return Amount{}, fault.Refuse(fault.Invalid, "amount", "%s", why)
	}
	if len(text) > 100 {
		return bad("an amount is too long")
	}
	neg := false
	var number strings.Builder
	var unit strings.Builder
	for i, r := range text {
		switch {
		case r >= '0' && r <= '9', r == '.' && (number.Len() > 0 || nextIsDigit(text[i+1:])) && !endsUnit(unit.String()), r == ',':
			number.WriteRune(r)
		case r == '-' || r == '−' || r == '–' || r == '(':
			neg = true
		case r == '+' || r == ')' || r == '\'' || r == '’' || unicode.IsSpace(r) || r == '\u202f' || r == '*':
		default:
			unit.WriteRune(r)
		}
	}
	if u := unit.String(); u != "" {
		switch up := strings.ToUpper(u); {
		case signs[u] != "":
			currency = signs[u]
		case IsCurrency(up):
			currency = up
		default:
			return bad("an amount has something else in it")
		}
	}
	whole, part, ok := split(number.String(), decimal, Digits(currency))
	if !ok {
		return bad("an amount isn't a number")
	}
	want := Digits(currency)
	for len(part) > want && part[len(part)-1] == '0' {
		part = part[:len(part)-1]
	}
	if len(part) > want {
		return bad("an amount has more digits than its currency")
	}
	for len(part) < want {
		part += "0"
	}
	minor, err := strconv.ParseInt(whole+part, 10, 64)
	if err != nil || minor > maxMinor {
		return bad("an amount is too large")
	}
	if neg {
		minor = -minor
	}
	return Amount{minor, currency}, nil
}

func nextIsDigit(s string) bool { return s != "" && s[0] >= '0' && s[0] <= '9' }

// endsUnit reports whether a point belongs to a sign such as "Fr.".
func endsUnit(unit string) bool { return unit == "Fr" }

// split takes a number apart at its decimal separator.
func split(s string, decimal byte, want int) (whole, part string, ok bool) {
	if strings.Trim(s, ".,") == "" {
		return "", "", false
	}
	last := strings.LastIndexAny(s, ".,")
	if decimal != 0 {
		last = strings.LastIndexByte(s, decimal)
	} else if last >= 0 {
		sep := s[last]
		single := strings.Count(s, string(sep)) == 1
		mixed := strings.ContainsAny(s[:last], ".,") && strings.IndexByte(s[:last], sep) < 0
		thousands := len(s)-last-1 == 3 && want != 3 && strings.TrimLeft(s[:last], "0") != ""
		if !mixed && (!single || thousands) {
			last = len(s)
		}
	} else {
		last = len(s)
	}
	if last < 0 {
		last = len(s)
	}
	whole = s[:last]
	if last < len(s) {
		part = s[last+1:]
	}
	groups := strings.FieldsFunc(whole, func(r rune) bool { return r == '.' || r == ',' })
	for i, g := range groups {
		if i > 0 && len(g) != 3 {
			return "", "", false
		}
	}
	if strings.ContainsAny(part, ".,") {
		return "", "", false
	}
	whole = strings.Join(groups, "")
	return whole, part, whole+part != ""
}

// Sum adds amounts of one currency. It panics where they are of several, which the
// caller has sorted out.
func Sum(amounts ...Amount) (sum Amount) {
	for _, a := range amounts {
		if sum.Currency != "" && a.Currency != sum.Currency {
			panic(fmt.Sprintf("money: %s and %s can't be added", sum.Currency, a.Currency))
		}
		sum.Currency = a.Currency
		sum.Minor += a.Minor
	}
	return sum
}
