// Package vcard reads address books: vCard 2.1, 3.0 (RFC 2426) and 4.0 (RFC
// 6350), as phones, mail programs and Apple's Contacts write them.
//
// It has a reader of its own, of which a library would be the larger part to
// check: cards are read one by one from files of any size, a broken one is
// reported with its line and costs no other, and pictures, which are most of the
// file, are passed over. Parameters that say nothing about whom a fact belongs to
// aren't read.
package vcard

import (
	"bytes"
	"cmp"
	"io"
	"iter"
	"strings"

	"firsthand/internal/agent/importer"
)

// Format is the format of vCards. A card is a contact; which one is her own she
// has to say.
type Format struct{}

// Name implements [importer.Format].
func (Format) Name() string { return "vcard" }

// Match implements [importer.Format].
func (Format) Match(head []byte) (sure int, err error) {
	head = bytes.TrimLeft(head, " \t\r\n")
	if i := bytes.IndexAny(head, "\r\n"); i >= 0 {
		head = head[:i]
	}
	if bytes.EqualFold(bytes.TrimSpace(head), []byte("BEGIN:VCARD")) {
		return 10, nil
	}
	return 0, nil
}

// Read implements [importer.Format].
func (Format) Read(r io.Reader) iter.Seq2[importer.Found, error] {
	return func(yield func(importer.Found, error) bool) {
		l := lines{w: importer.NewWindow(r)}
		defer l.close()
		var c *card // the one being read
		broken := func(row int, why string) bool {
			return yield(importer.Found{}, &importer.BadRow{Row: row, Why: why})
		}
		within := 0    // how many cards within this one: an agent's, in vCard 2.1
		stray := false // whether what belongs to no card has been reported
		for l.next() {
			p, ok := l.property()
			switch {
			case ok && p.is("BEGIN", "VCARD"):
				if c != nil && c.agent {
					within++
					break
				}
				if c != nil && !broken(c.row, "has no end") {
					return
				}
				c, within, stray = &card{row: l.row}, 0, false
			case c == nil:
				if len(bytes.TrimSpace(l.line)) > 0 && !stray {
					if stray = true; !broken(l.row, "is not within a card") {
						return
					}
				}
			case ok && p.is("END", "VCARD"):
				if within > 0 {
					within--
					break
				}
				f, why := c.found()
				c = nil
				if why != "" && !broken(f.Row, why) {
					return
				}
				if why == "" && f.Kind != "" && !yield(f, nil) {
					return
				}
			case within > 0:
			case !ok:
				c.wrong = cmp.Or(c.wrong, l.wrong)
			default:
				c.add(p)
			}
			if c != nil && within == 0 {
				c.agent = ok && p.name == "AGENT" && len(p.value) == 0
			}
		}
		if err := l.w.Err(); err != nil {
			yield(importer.Found{}, err)
		} else if c != nil {
			broken(c.row, "has no end")
		}
	}
}

// is reports whether p has a name and a value, in whatever case.
func (p *property) is(name, value string) bool {
	return p.name == name && strings.EqualFold(strings.TrimSpace(string(p.value)), value)
}
