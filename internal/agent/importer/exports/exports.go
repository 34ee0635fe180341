// Package exports reads what companies and other programs give a customer of her
// subscriptions, cards and accounts: Wallos, Netflix, Google Play, Spotify, Catima, and
// passes of Apple Wallet.
package exports

import (
	"encoding/json"
	"errors"
	"io"
	"iter"
	"strings"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/importer"
)

// Formats returns all formats of this package.
func Formats() []importer.Format {
	return []importer.Format{Wallos{}, Play{}, Netflix{}, Spotify{}, Pass{}, Catima{}}
}

// errDamaged ends a file in which nothing more can be found.
var errDamaged = fault.Tell(fault.Invalid, "This file is damaged, or cut off.", "Export it again, and don't edit it.")

// maxDepth is how deep JSON may be nested before what is looked for.
const maxDepth = 20

// each reads a list of objects of JSON one by one: the file itself, or the member of that
// name in it. Make says what is in one, or why it can't be read; Kind "" is nothing.
func each[T any](r io.Reader, member string, make func(T) (importer.Found, string)) iter.Seq2[importer.Found, error] {
	return func(yield func(importer.Found, error) bool) {
		g := importer.NewGuard(r)
		dec := json.NewDecoder(g)
		fail := func(err error) {
			switch _, told := errors.AsType[*fault.Notice](err); {
			case g.Err() != nil:
				err = g.Err()
			case !told:
				err = errDamaged
			}
			yield(importer.Found{}, err)
		}
		if err := seek(dec, member); err != nil {
			fail(err)
			return
		}
		for dec.More() {
			g.Row()
			var raw json.RawMessage
			if err := dec.Decode(&raw); err != nil {
				fail(err)
				return
			}
			row := g.Line(dec.InputOffset() - int64(len(raw)))
			var v T
			var f importer.Found
			why := "isn't what it should be"
			if err := json.Unmarshal(raw, &v); err == nil {
				f, why = make(v)
			}
			switch f.Row = row; {
			case why != "":
				if !yield(importer.Found{}, &importer.BadRow{Row: row, Why: why}) {
					return
				}
			case f.Kind != "":
				if !yield(f, nil) {
					return
				}
			}
		}
		if _, err := dec.Token(); err != nil {
			fail(err)
			return
		}
		// What follows the list is read, so that an error in it shows.
		for {
			if _, err := dec.Token(); err == io.EOF {
				return
			} else if err != nil {
				fail(err)
				return
			}
			g.Row()
		}
	}
}

// seek goes on to where the list begins.
func seek(dec *json.Decoder, member string) error {
	depth := 0
	for {
		t, err := dec.Token()
		if err != nil {
			return err
		}
		switch t {
		case json.Delim('['):
			if member == "" && depth == 0 {
				return nil
			}
			depth++
		case json.Delim('{'):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		default:
			if name, ok := t.(string); ok && depth == 1 && name == member {
				if t, err := dec.Token(); err != nil || t == json.Delim('[') {
					return err
				}
			}
		}
		if depth > maxDepth || depth <= 0 {
			return errDamaged
		}
	}
}

// looks reports whether a file begins as JSON and has all the names.
func looks(head []byte, names ...string) bool {
	s := string(head)
	if t := strings.TrimSpace(s); t == "" || t[0] != '{' && t[0] != '[' {
		return false
	}
	for _, n := range names {
		if !strings.Contains(s, `"`+n+`"`) {
			return false
		}
	}
	return true
}

// day reads a day as YYYY-MM-DD, with anything after it; "" for none.
func day(s string) firsthand.Date {
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

// clean makes a text of JSON one of ours.
func clean(s string) string { return importer.Clean([]byte(s)) }
