package vcard

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"time"

	"firsthand"
	"firsthand/internal/agent/importer"
)

// A card is a card that is being read. VERSION need not come first, and labels come
// after what they label, so much of it is made sense of at the end.
type card struct {
	row   int
	wrong string
	agent bool // the last property was AGENT, whose value is a card

	old        bool // version 2.1
	kind       string
	company    bool // Apple: shown as a company
	name       string
	names      []string // family, given, additional, prefix, suffix
	org        string
	facts      []fact
	labels     map[string]string // by group
	urls       []string
	categories string
	changed    time.Time
	notes      int
	size       int // of what has been read of it
}

// A fact is one of which the label is still to come.
type fact struct {
	importer.Fact
	group string
	types []string
	pref  int
}

// maxFacts is how many facts of a card are read.
const maxFacts = 200

// add adds a property.
func (c *card) add(p *property) {
	if p.binary {
		return
	}
	if c.size += len(p.value); c.size > importer.RowLimit {
		*c = card{row: c.row, wrong: "is too long", size: c.size}
		return
	}
	switch p.name {
	case "VERSION":
		c.old = strings.TrimSpace(string(p.value)) == "2.1"
	case "KIND", "X-ADDRESSBOOKSERVER-KIND":
		c.kind = strings.ToLower(c.text(p))
	case "X-ABSHOWAS":
		c.company = strings.EqualFold(c.text(p), "company")
	case "FN":
		c.name = cmp.Or(c.name, split(p.value, 0, c.old)[0])
	case "N":
		c.names = c.parts(p)
	case "ORG":
		if c.org == "" {
			c.org = c.parts(p)[0]
		}
	case "EMAIL":
		c.fact(p, "email", firsthand.Text(strings.TrimPrefix(c.text(p), "mailto:")))
	case "TEL":
		c.fact(p, "phone", firsthand.Text(strings.TrimPrefix(c.text(p), "tel:")))
	case "ADR":
		c.fact(p, "address", c.address(p))
	case "URL":
		if url := c.text(p); url != "" && len(c.urls) < maxFacts {
			c.urls = append(c.urls, url)
		}
	case "CATEGORIES":
		if c.categories == "" {
			c.categories = strings.TrimSpace(split(p.value, ',', c.old)[0])
		}
	case "REV":
		c.changed = when(c.text(p))
	case "NOTE":
		if len(bytes.TrimSpace(p.value)) > 0 {
			c.notes++
		}
	case "X-ABLABEL":
		if p.group != "" && len(c.labels) < maxFacts {
			if c.labels == nil {
				c.labels = map[string]string{}
			}
			c.labels[p.group] = strings.ToLower(strings.Trim(c.text(p), "_$!<>"))
		}
	}
}

func (c *card) text(p *property) string {
	return strings.TrimSpace(split(p.value, 0, c.old)[0])
}

// parts returns the parts of a value, at least one.
func (c *card) parts(p *property) []string {
	parts := split(p.value, ';', c.old)
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

func (c *card) fact(p *property, name string, v firsthand.Value) {
	if !v.IsZero() && len(c.facts) < maxFacts {
		c.facts = append(c.facts, fact{importer.Fact{Name: name, Value: v}, p.group, p.types, p.pref})
	}
}

// address returns an address in parts.
func (c *card) address(p *property) (v firsthand.Value) {
	names := []string{"po_box", "extra", "street", "city", "region", "postal_code", "country"}
	for i, part := range c.parts(p) {
		if i < len(names) && part != "" {
			if v.Parts == nil {
				v.Parts = map[string]string{}
			}
			v.Parts[names[i]] = part
		}
	}
	return v
}

// found returns what c says, or why that can't be read. A list of contacts, which
// is a card too, is nothing.
func (c *card) found() (f importer.Found, why string) {
	f = importer.Found{Row: c.row}
	personal := c.personalName()
	name := cmp.Or(c.name, personal, c.org)
	switch {
	case c.wrong != "":
		return f, c.wrong
	case c.kind == "group":
		return f, ""
	case name == "" && len(c.facts) == 0:
		return f, "says nothing of anybody"
	}
	person := !c.company && c.kind != "org" && c.kind != "location" &&
		(personal != "" || c.name != "" && c.name != c.org)
	f.Kind, f.Title, f.URLs, f.Folder, f.Changed = importer.Contact, name, c.urls, c.categories, c.changed
	f.Secrets.Notes = c.notes
	f.Card = &importer.Card{Org: c.org, Person: person}
	if !person && c.org == "" {
		f.Card.Org = name
	}
	if person {
		f.Card.Facts = append(f.Card.Facts, importer.Fact{Name: "name", Value: firsthand.Text(name)})
	}
	slices.SortStableFunc(c.facts, func(a, b fact) int { return a.pref - b.pref })
	for _, fact := range c.facts {
		fact.Name += c.suffix(fact, person)
		f.Card.Facts = append(f.Card.Facts, fact.Fact)
	}
	return f, ""
}

// personalName puts the parts of N in the order in which they are said.
func (c *card) personalName() string {
	var all []string
	for _, i := range []int{1, 2, 0} {
		if i < len(c.names) && c.names[i] != "" {
			all = append(all, c.names[i])
		}
	}
	return strings.Join(all, " ")
}

// suffix returns what tells a fact from others of its name: where it is. An
// address of which that isn't said is where a person lives.
func (c *card) suffix(f fact, person bool) string {
	label := c.labels[f.group]
	has := func(name string) bool { return slices.Contains(f.types, name) || f.group != "" && label == name }
	switch {
	case has("work"):
		return ".work"
	case f.Name == "phone" && (has("cell") || has("mobile") || has("iphone")):
		return ".mobile"
	case has("home"), f.Name == "address" && person:
		return ".home"
	}
	return ""
}

// when reads a date and time in the basic or the extended form of ISO 8601.
func when(s string) time.Time {
	for _, layout := range []string{time.RFC3339, "20060102T150405Z0700", "2006-01-02T15:04:05", "20060102T150405", time.DateOnly, "20060102"} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 1990 && t.Year() <= 2200 {
			return t.UTC()
		}
	}
	return time.Time{}
}
