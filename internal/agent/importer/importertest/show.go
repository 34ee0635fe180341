package importertest

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/importer"
)

// Show returns what was yielded on one line, all of it, but of a long text only the
// beginning and the length.
func Show(f importer.Found, err error) string {
	var b strings.Builder
	if bad, ok := errors.AsType[*importer.BadRow](err); ok {
		return fmt.Sprintf("%d bad: %s", bad.Row, bad.Why)
	}
	if err != nil {
		return fmt.Sprintf("error: %v: %v %s", fault.KindOf(err), err, fault.HintOf(err))
	}
	fmt.Fprintf(&b, "%d %s %s", f.Row, f.Kind, quote(f.Title))
	for _, u := range f.URLs {
		fmt.Fprintf(&b, " url=%s", quote(u))
	}
	for _, text := range []struct{ name, value string }{{"login", f.Login}, {"folder", f.Folder}} {
		if text.value != "" {
			fmt.Fprintf(&b, " %s=%s", text.name, quote(text.value))
		}
	}
	for _, at := range []struct {
		name string
		time time.Time
	}{{"created", f.Created}, {"used", f.Used}, {"changed", f.Changed}} {
		if !at.time.IsZero() {
			fmt.Fprintf(&b, " %s=%s", at.name, at.time.Format(time.RFC3339Nano))
		}
	}
	if c := f.Card; c != nil {
		fmt.Fprintf(&b, " org=%s person=%t", quote(c.Org), c.Person)
		for _, fact := range c.Facts {
			fmt.Fprintf(&b, " %s=%s", fact.Name, quote(fact.Value.String()))
		}
	}
	if p := f.Payment; p != nil {
		fmt.Fprintf(&b, " day=%s amount=%s", p.Day, quote(p.Amount.String()))
		for _, text := range []struct{ name, value string }{{"text", p.Text}, {"ref", p.Ref}, {"creditor", p.Creditor}, {"mandate", p.Mandate}} {
			if text.value != "" {
				fmt.Fprintf(&b, " %s=%s", text.name, quote(text.value))
			}
		}
	}
	if c := f.Contract; c != nil {
		for _, text := range []struct{ name, value string }{{"price", c.Price.String()}, {"period", c.Period.String()}, {"next", string(c.Next)},
			{"trial", string(c.Trial)}, {"ended", string(c.Ended)}} {
			if text.value != "" {
				fmt.Fprintf(&b, " %s=%s", text.name, quote(text.value))
			}
		}
	}
	if f.Mail != nil {
		fmt.Fprintf(&b, " list=%t forged=%t", f.Mail.List, f.Mail.Forged)
	}
	if f.Secrets != (importer.Secrets{}) {
		fmt.Fprintf(&b, " secrets=%+v", f.Secrets)
	}
	return b.String()
}

func quote(s string) string {
	if len(s) > 300 {
		return fmt.Sprintf("%q… of %d bytes", s[:40], len(s))
	}
	return fmt.Sprintf("%q", s)
}

// show returns all that is yielded for the file r, shown; of an error that ends it
// only that it is one, and whose.
func (f Fixture) show(t testing.TB, r io.Reader) (all []string) {
	t.Helper()
	_, found, err := importer.Read(r, append([]importer.Format{f.Format}, f.Others...)...)
	if err != nil {
		told(t, err)
		return []string{Show(importer.Found{}, err)}
	}
	for found, err := range sound(t, found) {
		all = append(all, Show(found, err))
	}
	return all
}

// sound passes on what is yielded, and fails t if that isn't as the contract says.
func sound(t testing.TB, found iter.Seq2[importer.Found, error]) iter.Seq2[importer.Found, error] {
	return func(yield func(importer.Found, error) bool) {
		row, ended := 0, false
		for f, err := range found {
			if ended {
				t.Errorf("something comes after the error that ends it: %s", Show(f, err))
			}
			at := f.Row
			if bad, ok := errors.AsType[*importer.BadRow](err); ok {
				if at = bad.Row; bad.Why == "" {
					t.Errorf("a bad row without a reason")
				}
			} else if err != nil {
				ended, at = true, row
				told(t, err)
			} else if why := unsound(f); why != "" {
				t.Errorf("%s: %.300s", why, Show(f, nil))
			}
			if at < max(row, 1) && !ended {
				t.Errorf("row %d comes after row %d", at, row)
			}
			row = at
			if !yield(f, err) {
				return
			}
		}
	}
}

// told fails t unless err has what an error that ends a file must have.
func told(t testing.TB, err error) {
	t.Helper()
	if !errors.Is(err, errReader) && (fault.KindOf(err) != fault.Invalid || fault.HintOf(err) == "") {
		t.Errorf("an error that says nothing to a person: %v (%v)", err, fault.KindOf(err))
	}
}

// unsound says what is wrong with f, or "".
func unsound(f importer.Found) string {
	texts := append([]string{f.Title, f.Login, f.Folder}, f.URLs...)
	if f.Card != nil {
		texts = append(texts, f.Card.Org)
		for _, fact := range f.Card.Facts {
			texts = append(texts, fact.Name, fact.Value.Text)
			for name, part := range fact.Value.Parts {
				texts = append(texts, name, part)
			}
			if fact.Value.IsZero() || fact.Name == "" {
				return "a fact that says nothing"
			}
		}
	}
	if p := f.Payment; p != nil {
		if texts = append(texts, p.Text, p.Ref, p.Creditor, p.Mandate); p.Amount.Minor == 0 {
			return "a payment of nothing"
		}
		if _, err := firsthand.ParseDate(string(p.Day)); err != nil || p.Day == "" {
			return "a payment on no day"
		}
	}
	if c := f.Contract; c != nil {
		for _, day := range []firsthand.Date{c.Next, c.Trial, c.Ended} {
			if _, err := firsthand.ParseDate(string(day)); err != nil {
				return "a contract with a day that doesn't exist"
			}
		}
	}
	for _, s := range texts {
		if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
			return "a text that isn't UTF-8, or has a NUL"
		}
	}
	for _, u := range f.URLs {
		if u == "" {
			return "an empty address"
		}
	}
	for _, at := range []time.Time{f.Created, f.Used, f.Changed} {
		if at.Location() != time.UTC {
			return "a time that isn't UTC"
		}
	}
	hasCard := f.Card != nil
	switch f.Kind {
	case importer.Account, importer.Alias:
		if hasCard {
			return "a card of no contact"
		}
	case importer.Contact, importer.Own:
		if !hasCard {
			return "a contact without a card"
		}
	case importer.Paid, importer.Bound, importer.Wrote:
		if hasCard || (f.Payment != nil) != (f.Kind == importer.Paid) || (f.Contract != nil) != (f.Kind == importer.Bound) || (f.Mail != nil) != (f.Kind == importer.Wrote) {
			return "a payment, contract or mail that has something else, or not what it is"
		}
	case importer.Dropped:
		if strings.Join(texts, "") != "" || hasCard || f.Secrets == (importer.Secrets{}) {
			return "something else than secrets was dropped"
		}
	default:
		return "no such kind"
	}
	return ""
}
