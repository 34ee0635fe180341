package letters

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"firsthand"
	"firsthand/internal/agent/channel"
	"firsthand/internal/agent/rights"
)

// width is how long a line of plain text is, in characters; indent stands before
// the lines of a value.
const (
	width  = 72
	indent = "    "
)

// Text returns the letter as plain text, without its subject and reference line, as
// a mail has it: lines of at most 72 characters, except where a word is longer.
func (l *Letter) Text() string {
	parts := []string{wrap(l.Salutation)}
	for _, p := range l.Paragraphs {
		parts = append(parts, wrap(p))
	}
	sign := wrap(l.Closing)
	if l.Signature != "" {
		sign += "\n" + l.Signature
	}
	parts = append(parts, sign)
	if len(l.Enclosures) > 0 {
		parts = append(parts, wrap(l.Enclosed+"\n"+strings.Join(l.Enclosures, "\n")))
	}
	return strings.Join(parts, "\n\n") + "\n"
}

// wrap breaks the lines of a paragraph. What is indented stays so.
func wrap(p string) string {
	var out []string
	for line := range strings.SplitSeq(p, "\n") {
		text := strings.TrimLeft(line, " ")
		in := line[:len(line)-len(text)]
		at := in
		for word := range strings.SplitSeq(text, " ") { // no-break spaces part no words
			switch {
			case word == "":
			case at == in:
				at += word
			case utf8.RuneCountInString(at)+1+utf8.RuneCountInString(word) > width:
				out = append(out, at)
				at = in + word
			default:
				at += " " + word
			}
		}
		out = append(out, at)
	}
	return strings.Join(out, "\n")
}

// block returns lines as the value of a paragraph; lines with nothing in them, which
// would end it, are left out.
func block(lines []string) string {
	var all []string
	for _, line := range lines {
		for part := range strings.SplitSeq(line, "\n") {
			if part = strings.TrimSpace(part); part != "" {
				all = append(all, indent+part)
			}
		}
	}
	return strings.Join(all, "\n")
}

// joined are parts of values that stand on one line of a letter.
var joined = [][]string{
	{"title", "prefix", "given", "first", "first_name", "middle", "additional", "family", "last", "last_name", "suffix"},
	{"street", "house", "number", "house_number", "box"},
	{"postcode", "postal_code", "zip", "city", "locality"},
}

// Lines returns a value as it stands in a letter: a name on one line, an address as
// on an envelope, other parts one to a line.
func Lines(fact string, v firsthand.Value) (lines []string) {
	switch rights.CountryNamed(v.Parts["country"]) {
	case "US":
		v = town(v, true)
	case "GB":
		v = town(v, false)
	}
	last := -1
	for _, f := range channel.Fields(fact, v) {
		if f.Name == "country" {
			f.Text = rights.CountryLine(f.Text)
		}
		group := slices.IndexFunc(joined, func(names []string) bool { return slices.Contains(names, f.Name) })
		begins := true // a part of several lines joins what is before it, and not itself
		for text := range strings.SplitSeq(f.Text, "\n") {
			if text = strings.TrimSpace(text); text == "" {
				continue
			}
			if group >= 0 && group == last && begins {
				lines[len(lines)-1] += " " + text
			} else {
				lines = append(lines, text)
			}
			last, begins = group, false
		}
	}
	return lines
}

// town returns an address whose town stands as it does in America, "Berkeley, CA
// 94702", or in Britain, where the postcode is a line of its own.
func town(v firsthand.Value, american bool) firsthand.Value {
	parts := maps.Clone(v.Parts)
	take := func(names ...string) (text string) {
		for _, name := range names {
			if text == "" {
				text = strings.TrimSpace(parts[name])
			}
			delete(parts, name)
		}
		return text
	}
	city, code := take("city", "locality"), take("postcode", "postal_code", "zip")
	if american {
		region := take("region", "state", "province")
		code = strings.TrimSpace(region + " " + code)
		if city != "" && code != "" {
			city += ", "
		}
		parts["city"] = strings.TrimSpace(city + code)
	} else {
		parts["city"] = strings.TrimSpace(city + "\n" + code)
	}
	if parts["city"] == "" {
		delete(parts, "city")
	}
	return firsthand.Value{Parts: parts}
}

// AddressLines returns the lines of a company's address, as a directory or she has
// it, each of them inert.
func AddressLines(to channel.To) (lines []string) {
	for line := range strings.SplitSeq(channel.Value(to.Address), "\n") {
		if line = channel.Clean(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}
