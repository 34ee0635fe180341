package bank

import (
	"bytes"
	"html"
	"io"
	"iter"
	"strings"

	"firsthand/internal/agent/importer"
	"firsthand/internal/agent/money"
)

// OFX is the format of OFX and QFX files: version 1, which is SGML and leaves tags
// open, and version 2, which is XML. One reader does for both, since what is wanted is
// flat: tags, and what stands after them.
type OFX struct{}

// Name implements [importer.Format].
func (OFX) Name() string { return "ofx" }

// Match implements [importer.Format].
func (OFX) Match(head []byte) (sure int, err error) {
	head = bytes.TrimSpace(head)
	for _, sign := range []string{"OFXHEADER:", "<OFX>"} {
		if len(head) >= len(sign) && bytes.EqualFold(head[:len(sign)], []byte(sign)) {
			return 20, nil
		}
	}
	if bytes.Contains(head, []byte("<?OFX ")) {
		return 20, nil
	}
	return 0, nil
}

// wanted are the tags of a row of which something is taken out. No number of an
// account is among them.
var wanted = map[string]bool{"TRNAMT": true, "DTPOSTED": true, "DTUSER": true, "FITID": true, "NAME": true, "EXTDNAME": true, "MEMO": true, "CURSYM": true}

// Read implements [importer.Format].
func (OFX) Read(r io.Reader) iter.Seq2[importer.Found, error] {
	return func(yield func(importer.Found, error) bool) {
		t := tags{w: importer.NewWindow(r)}
		defer t.w.Close()
		currency := ""
		var row map[string]string // the one being read
		line := 0
		broken := func(why string) bool {
			return yield(importer.Found{}, &importer.BadRow{Row: line, Why: why})
		}
		for t.next() {
			switch tag := t.name; {
			case tag == "CURDEF":
				currency = strings.ToUpper(strings.TrimSpace(t.text(3)))
			case tag == "STMTTRN":
				if row != nil && !broken("has no end") {
					return
				}
				row, line = make(map[string]string), t.line
			case tag == "/STMTTRN" && row != nil:
				f, why := ofxRow(row, line, currency)
				row = nil
				if why != "" && !broken(why) || why == "" && !yield(f, nil) {
					return
				}
			case row != nil && t.long:
				row["too long"] = "x"
			case row != nil && wanted[tag]:
				if _, has := row[tag]; !has {
					row[tag] = t.text(most)
				}
			}
		}
		if err := t.w.Err(); err != nil {
			yield(importer.Found{}, err)
		} else if row != nil {
			broken("has no end")
		}
	}
}

func ofxRow(row map[string]string, line int, currency string) (importer.Found, string) {
	if row["too long"] != "" {
		return importer.Found{}, "is too long"
	}
	if c := strings.TrimSpace(row["CURSYM"]); money.IsCurrency(c) {
		currency = c
	}
	if !money.IsCurrency(currency) {
		currency = ""
	}
	name := row["EXTDNAME"]
	if name == "" {
		name = row["NAME"]
	}
	text := row["MEMO"]
	if name == "" {
		name, text = text, ""
	}
	sum := amount(row["TRNAMT"], currency, 0)
	sum.Minor = -sum.Minor // the account's view: what leaves it is below zero
	return paid(line, name, importer.Payment{Day: day8(strings.TrimSpace(row["DTPOSTED"])), Amount: sum, Text: text, Ref: strings.TrimSpace(row["FITID"])})
}

// tags finds one tag after the other, and what stands between it and the next.
type tags struct {
	w      *importer.Window
	name   string // in capitals; with / if it ends something
	line   int
	long   bool // what follows is too long, and was dropped
	value  int  // where what follows begins, and ends
	end    int
	passed int // how much of the window is done with
}

// maxTag is how long a tag may be.
const maxTag = 200

// next finds the next tag.
func (t *tags) next() bool {
	t.w.Drop(t.passed)
	t.passed, t.long = 0, false
	for {
		if !t.seek('<') {
			return false
		}
		b := t.w.Bytes()
		i := bytes.IndexAny(b[1:min(len(b), maxTag)], "<>")
		for i < 0 && len(b) < maxTag && t.w.More() {
			b = t.w.Bytes()
			i = bytes.IndexAny(b[1:min(len(b), maxTag)], "<>")
		}
		if i < 0 || b[1+i] == '<' { // no tag: a sign in a text
			t.w.Drop(1)
			continue
		}
		t.name, t.line = strings.ToUpper(strings.TrimSpace(importer.Clean(b[1:1+i]))), t.w.Line()
		t.value = 2 + i
		break
	}
	at := t.value
	for {
		b := t.w.Bytes()
		if i := bytes.IndexByte(b[at:], '<'); i >= 0 {
			t.end = at + i
			break
		}
		if at = len(b); !t.w.More() {
			t.end = len(t.w.Bytes())
			if t.w.Full() {
				t.long = true
				t.w.Drop(t.end)
				t.value, t.end = 0, 0
				t.seek('<')
			}
			break
		}
	}
	if t.w.Err() != nil {
		return false // what was read last may not be whole
	}
	t.passed = t.end
	return true
}

// seek drops all before a byte, and reports whether there is one.
func (t *tags) seek(c byte) bool {
	for {
		b := t.w.Bytes()
		if i := bytes.IndexByte(b, c); i >= 0 {
			t.w.Drop(i)
			return true
		}
		t.w.Drop(len(b))
		if !t.w.More() {
			return false
		}
	}
}

// text returns what stands after the tag, on its line, at most so many bytes.
func (t *tags) text(most int) string {
	b := t.w.Bytes()[t.value:t.end]
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		b = b[:i]
	}
	b = bytes.TrimSuffix(b, []byte{'\r'})
	return html.UnescapeString(importer.Clean(b[:min(len(b), most)]))
}
