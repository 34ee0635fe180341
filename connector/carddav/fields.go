package carddav

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"firsthand"
)

// maxText is the longest value that a card takes, in bytes: what programs that show
// cards still show.
const maxText = 4000

// A Field is the place of a fact in a card.
type Field struct {
	// Fact is its name: address.home.
	Fact string `json:"fact"`
	// Property is the vCard's: ADR for an address in parts, FN for the whole name,
	// EMAIL, TEL, or any that begins with X-.
	Property string `json:"property"`
	// Type is one that the line must have, as in ADR;TYPE=HOME; empty: any.
	Type string `json:"type"`
}

// DefaultFields are the fields of a [Config] that has none.
func DefaultFields() []Field {
	return []Field{
		{"address.work", "ADR", "WORK"}, {"address.home", "ADR", "HOME"},
		{"phone.mobile", "TEL", "CELL"}, {"phone.work", "TEL", "WORK"}, {"phone.home", "TEL", "HOME"}, {"phone", "TEL", ""},
		{"email.work", "EMAIL", "WORK"}, {"email", "EMAIL", ""},
		{"name", "FN", ""},
	}
}

func checkFields(fields []Field) error {
	for i, f := range fields {
		switch known := f.Property == "ADR" || f.Property == "FN" || f.Property == "EMAIL" || f.Property == "TEL"; {
		case f.Fact == "" || slices.ContainsFunc(fields[:i], func(g Field) bool { return g.Fact == f.Fact }):
			return fmt.Errorf("fields: the fact %q is missing or there twice", f.Fact)
		case !known && !strings.HasPrefix(f.Property, "X-") || f.Property == property || !token(f.Property):
			return fmt.Errorf("fields: %q is neither ADR, FN, EMAIL, TEL nor one that begins with X-, in upper case", f.Property)
		case f.Type != "" && !token(f.Type):
			return fmt.Errorf("fields: %q is no type such as HOME, in upper case", f.Type)
		case f.Property == "FN" && f.Type != "":
			return fmt.Errorf("fields: a card has one FN, of no type")
		}
	}
	return nil
}

// token reports whether s is a name as vCards have them, in upper case.
func token(s string) bool {
	return s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == ""
}

// adr are the components of ADR, as parts of an address call them. A post-office box
// has no name there.
var adr = []string{"", "extra", "street", "city", "region", "postal_code", "country"}

// lines returns where in c the lines of fact are, the preferred one first.
func (b *Book) lines(c *card, fact string) (at []int) {
	for i, l := range c.lines {
		types := l.types()
		n := slices.IndexFunc(b.fields, func(f Field) bool {
			return f.Property == l.name && (f.Type == "" || slices.Contains(types, f.Type))
		})
		if n < 0 || b.fields[n].Fact != fact {
			continue
		}
		if slices.Contains(types, "PREF") && (len(at) == 0 || !slices.Contains(c.lines[at[0]].types(), "PREF")) {
			at = slices.Insert(at, 0, i)
			continue
		}
		at = append(at, i)
	}
	return at
}

func (b *Book) field(fact string) (Field, bool) {
	n := slices.IndexFunc(b.fields, func(f Field) bool { return f.Fact == fact })
	if n < 0 {
		return Field{}, false
	}
	return b.fields[n], true
}

// value returns a fact as the card has it.
func (b *Book) value(id string, c *card, f Field) firsthand.Value {
	at := b.lines(c, f.Fact)
	if len(at) == 0 {
		return firsthand.Value{}
	}
	l := c.lines[at[0]]
	switch {
	case f.Property == "ADR":
		parts := map[string]string{}
		for i, text := range components(l.value) {
			if i < len(adr) && adr[i] != "" && text != "" {
				parts[adr[i]] = text
			}
		}
		if len(parts) == 0 {
			return firsthand.Value{}
		}
		return firsthand.Value{Parts: parts}
	case f.Property == "FN" && l.value == escape(nameless(id)):
		return firsthand.Value{}
	case l.uri():
		return firsthand.Text(strings.TrimPrefix(l.value, "tel:"))
	}
	return firsthand.Text(unescape(l.value))
}

// facts returns all that the card has.
func (b *Book) facts(id string, c *card) map[string]firsthand.Value {
	facts := map[string]firsthand.Value{}
	for _, f := range b.fields {
		if v := b.value(id, c, f); !v.IsZero() {
			facts[f.Fact] = v
		}
	}
	return facts
}

// setFact gives a fact a value that fits. A zero one removes every line of it: the
// second of two addresses would take the place of the first.
func (b *Book) setFact(id string, c *card, f Field, v firsthand.Value) {
	if f.Property == "FN" {
		// Both are needed in a card, and programs show the one or the other. How the
		// name is made of given and family name nobody has said.
		n := escape(v.Text) + ";;;;"
		if v.IsZero() {
			v = firsthand.Text(nameless(id))
		}
		c.drop(func(l line) bool { return l.name == "FN" || l.name == "N" || l.name == "SORT-STRING" })
		c.lines = append(c.lines, line{name: "FN", value: escape(v.Text)}, line{name: "N", value: n})
		return
	}
	if f.Property == "ADR" { // what is to be printed on a letter repeats it
		c.drop(func(l line) bool { return l.name == "LABEL" && (f.Type == "" || slices.Contains(l.types(), f.Type)) })
	}
	at := b.lines(c, f.Fact)
	if v.IsZero() {
		groups := map[string]bool{}
		for _, i := range slices.Backward(slices.Sorted(slices.Values(at))) {
			groups[c.lines[i].group] = c.lines[i].group != ""
			c.lines = slices.Delete(c.lines, i, i+1)
		}
		// item1.X-ABLABEL is about item1.EMAIL, and nothing without it.
		c.drop(func(l line) bool { return groups[l.group] && strings.HasPrefix(l.name, "X-AB") })
		return
	}
	value := escape(v.Text)
	if f.Property == "ADR" {
		var parts []string
		for _, name := range adr {
			parts = append(parts, escape(v.Parts[name]))
		}
		value = strings.Join(parts, ";")
	}
	if len(at) > 0 {
		c.lines[at[0]].value = value
		c.lines[at[0]].plain()
		return
	}
	l := line{name: f.Property, value: value}
	if f.Type != "" {
		l.params = []string{"TYPE=" + f.Type}
	}
	c.lines = append(c.lines, l)
}

// fits returns why the card can't have v as f just as it is, and "" if it can.
func fits(f Field, v firsthand.Value) string {
	texts := []string{v.Text}
	switch {
	case f.Property == "ADR" && len(v.Parts) == 0:
		return "we keep an address in parts: street, postal code, city"
	case f.Property != "ADR" && len(v.Parts) > 0:
		return "we keep " + f.Fact + " as one text, not in parts"
	}
	if len(v.Parts) > 0 {
		texts = nil
	}
	for name, text := range v.Parts {
		if !slices.Contains(adr, name) || name == "" {
			return "we have no field for the part " + name + " of an address"
		}
		texts = append(texts, text)
	}
	for _, text := range texts {
		switch {
		case text == "" || strings.TrimSpace(text) != text:
			return "the text is empty, or begins or ends with a space"
		case len(text) > maxText:
			return fmt.Sprintf("the text is longer than %d bytes", maxText)
		case strings.ContainsFunc(text, unfit):
			return "the text has a character that cards can't keep"
		}
	}
	return ""
}

// unfit reports whether programs that read cards drop or change r, or end a line at
// it.
func unfit(r rune) bool {
	return r != '\n' && unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == '\ufeff' || r == '\ufffd' || r&0xfffe == 0xfffe
}
