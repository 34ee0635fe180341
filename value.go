package firsthand

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"firsthand/fault"
)

// A Value is a fact's value: one text, or named parts of text, such as those of
// an address. In JSON it is a string or a flat object of strings.
type Value struct {
	Text  string
	Parts map[string]string
}

// Text returns the Value of one text.
func Text(s string) Value { return Value{Text: s} }

// IsZero reports whether v says nothing.
func (v Value) IsZero() bool { return v.Text == "" && len(v.Parts) == 0 }

// Equal reports whether v and w say the same.
func (v Value) Equal(w Value) bool { return v.Text == w.Text && maps.Equal(v.Parts, w.Parts) }

// Lines returns v as text: itself, or one line "name: value" for each part,
// sorted by name, each ending in a line feed.
func (v Value) Lines() string {
	if len(v.Parts) == 0 {
		return v.Text
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(v.Parts)) {
		b.WriteString(name)
		b.WriteString(": ")
		b.WriteString(partLine.Replace(v.Parts[name]))
		b.WriteByte('\n')
	}
	return b.String()
}

// partLine keeps a part on its line: with a line break it would read as the next.
var partLine = strings.NewReplacer(`\`, `\\`, "\n", `\n`)

// MAC is HMAC-SHA256 (RFC 2104), with the salt of the entry that gave v as key,
// over a line that is "text" or "parts" and then v's lines: proof that a value
// read back is the one given, which says nothing of the value once the salt is
// erased.
func (v Value) MAC(salt []byte) ID {
	m := hmac.New(sha256.New, salt)
	if len(v.Parts) > 0 {
		m.Write([]byte("parts\n")) // no text has the MAC of an address
	} else {
		m.Write([]byte("text\n"))
	}
	m.Write([]byte(v.Lines()))
	return ID(m.Sum(nil))
}

// String returns v on one line, for people.
func (v Value) String() string {
	if len(v.Parts) == 0 {
		return v.Text
	}
	return strings.ReplaceAll(strings.TrimSuffix(v.Lines(), "\n"), "\n", ", ")
}

func (v Value) check() error {
	if v.IsZero() {
		return errors.New("no value")
	}
	if len(v.Parts) > 0 && v.Text != "" {
		return errors.New("a value is a text or parts, not both")
	}
	for name := range v.Parts {
		if !memberName([]byte(name)) {
			return fmt.Errorf("%q is no name of a part", name)
		}
	}
	return nil
}

// MarshalJSON implements [json.Marshaler].
func (v Value) MarshalJSON() ([]byte, error) {
	if len(v.Parts) > 0 {
		return EncodeJSON(v.Parts), nil
	}
	return EncodeJSON(v.Text), nil
}

// UnmarshalJSON implements [json.Unmarshaler].
func (v *Value) UnmarshalJSON(text []byte) error {
	*v = Value{}
	if bytes.HasPrefix(text, []byte{'{'}) {
		return ParseJSON(text, &v.Parts)
	}
	return ParseJSON(text, &v.Text)
}

// checkFact returns an error unless s can name a fact: a–z, 0–9 and _, in parts
// joined by dots, as in address.home.
func checkFact(s string) error {
	for part := range strings.SplitSeq(s, ".") {
		if !memberName([]byte(part)) {
			return fmt.Errorf("%q is no name of a fact: it has a-z, 0-9, _ and dots, as in address.home", s)
		}
	}
	return nil
}

// An Origin says how a company came to hold something of hers.
type Origin string

const (
	Told     Origin = "told"     // by her, in this relationship
	Stated   Origin = "stated"   // from before, as she says
	Observed Origin = "observed" // the others are the company's own account
	Inferred Origin = "inferred"
	Bought   Origin = "bought"
)

// A Date is a day, as YYYY-MM-DD (RFC 3339 full-date), or "" for none. A term
// that ends on a date ends when that day has ended in UTC.
type Date string

// DateOf returns the day of t in UTC.
func DateOf(t time.Time) Date { return Date(t.UTC().Format(time.DateOnly)) }

// ParseDate returns the date that s spells. Its errors are [fault.Invalid].
func ParseDate(s string) (Date, error) {
	if s == "" {
		return "", nil
	}
	if t, err := time.Parse(time.DateOnly, s); err != nil || t.Format(time.DateOnly) != s {
		return "", fault.Refuse(fault.Invalid, "body-form", "%q is no date like 2027-01-31", s)
	}
	return Date(s), nil
}

// start returns the midnight UTC with which d begins, the zero time for no date.
func (d Date) start() time.Time {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return time.Time{}
	}
	return t
}

// End returns the moment at which d has ended: midnight UTC after it. The zero
// time stands for no end.
func (d Date) End() time.Time {
	if d == "" {
		return time.Time{}
	}
	return d.start().AddDate(0, 0, 1)
}

// Over reports whether d has ended at now. No date never ends.
func (d Date) Over(now time.Time) bool { return d != "" && !now.Before(d.End()) }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *Date) UnmarshalText(text []byte) (err error) {
	*d, err = ParseDate(string(text))
	return err
}

// OneMonthAfter is the day one month after t, or the last of the next month
// where it has no such day: the time that GDPR article 12(3) leaves, by the rule
// of Regulation 1182/71 article 3(2)(c).
func OneMonthAfter(t time.Time) Date { return monthsAfter(t, 1) }

func monthsAfter(t time.Time, n int) Date {
	t = t.UTC()
	then := time.Date(t.Year(), t.Month()+time.Month(n), t.Day(), 0, 0, 0, 0, time.UTC)
	if then.Day() != t.Day() {
		then = then.AddDate(0, 0, -then.Day())
	}
	if then.Year() > 9999 { // it would have no spelling, and sort before this year
		return "9999-12-31"
	}
	return DateOf(then)
}

// MarshalText implements [encoding.TextMarshaler].
func (d Date) MarshalText() ([]byte, error) { return []byte(d), nil }
