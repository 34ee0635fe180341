package channel

import (
	"slices"
	"strings"

	"firsthand"
	"firsthand/internal/mail"
)

// Clean is [mail.Clean]: text of strangers as it may stand on one line of a draft.
func Clean(s string) string { return mail.Clean(s) }

// Value returns a value of hers as it may be copied: it keeps its lines.
func Value(s string) string { return mail.Inert(s) }

// A Field is one part of a value, with its label.
type Field struct{ Name, Label, Text string }

// partOrder is how parts of values are asked for: the person, the place from near to
// far.
var partOrder = []string{"title", "prefix", "given", "first", "first_name", "middle", "additional", "family", "last", "last_name", "suffix", "name",
	"care_of", "organisation", "street", "house", "number", "house_number", "box", "unit", "extra", "extended", "line1", "line2", "line3",
	"postbox", "po_box", "postcode", "postal_code", "zip", "city", "locality", "region", "state", "province", "country"}

// Fields returns the parts of v in the order in which forms ask for them; a value
// of one text is one field with an empty name.
func Fields(fact string, v firsthand.Value) (fields []Field) {
	if len(v.Parts) == 0 {
		if v.Text == "" {
			return nil
		}
		return []Field{{Label: Label(fact), Text: Value(v.Text)}}
	}
	place := func(name string) int {
		if i := slices.Index(partOrder, name); i >= 0 {
			return i
		}
		return len(partOrder)
	}
	for name, text := range v.Parts {
		fields = append(fields, Field{Name: name, Label: words(name), Text: Value(text)})
	}
	slices.SortFunc(fields, func(a, b Field) int {
		if d := place(a.Name) - place(b.Name); d != 0 {
			return d
		}
		return strings.Compare(a.Name, b.Name)
	})
	return fields
}

// Label returns the name of a fact for people: "home address" for address.home.
func Label(fact string) string {
	known := map[string]string{"email": "e-mail address", "phone": "phone number", "birth_date": "date of birth", "iban": "account number"}
	root, rest, _ := strings.Cut(fact, ".")
	label, ok := known[root]
	if !ok {
		label = words(root)
	}
	if rest != "" {
		label = words(strings.ReplaceAll(rest, ".", " ")) + " " + label
	}
	return Clean(label)
}

func words(name string) string { return Clean(strings.ReplaceAll(name, "_", " ")) }

// OneLine returns v on one line, its parts in their order.
func OneLine(fact string, v firsthand.Value) string {
	var texts []string
	for _, f := range Fields(fact, v) {
		texts = append(texts, Clean(f.Text))
	}
	return strings.Join(texts, ", ")
}
