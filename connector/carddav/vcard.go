package carddav

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf8"
)

// A card is a vCard (RFC 2426, RFC 6350) as its lines, unfolded. What isn't changed
// goes back as it came: other programs keep things in cards of which we know
// nothing.
type card struct {
	etag  string // "" for one that isn't on the server yet
	lines []line // between BEGIN and END
}

// A line is one property: group.NAME;PARAMS:value.
type line struct {
	group  string // with its full stop, or ""
	name   string // in upper case
	params []string
	value  string // escaped
}

var errCard = errors.New("no vCard")

// parseCard reads one vCard.
func parseCard(text []byte) (*card, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("a vCard that isn't UTF-8")
	}
	// Unfold (RFC 6350, 3.2): only CRLF or LF ends a line.
	s := strings.TrimPrefix(strings.ReplaceAll(string(text), "\r\n", "\n"), "\ufeff")
	s = strings.NewReplacer("\n ", "", "\n\t", "").Replace(s)
	all := strings.Split(strings.TrimRight(s, "\n"), "\n")
	if len(all) < 2 || !strings.EqualFold(all[0], "BEGIN:VCARD") || !strings.EqualFold(all[len(all)-1], "END:VCARD") {
		return nil, errCard
	}
	c := &card{}
	for _, raw := range all[1 : len(all)-1] {
		if raw == "" {
			continue
		}
		l, ok := parseLine(raw)
		if !ok || l.name == "BEGIN" || l.name == "END" { // several cards in one
			return nil, errCard
		}
		c.lines = append(c.lines, l)
	}
	return c, nil
}

func parseLine(raw string) (l line, ok bool) {
	fields, quoted, from := []string{}, false, 0
	for i := range len(raw) {
		switch c := raw[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == ';':
			fields, from = append(fields, raw[from:i]), i+1
		case c == ':':
			fields, l.value = append(fields, raw[from:i]), raw[i+1:]
			name := fields[0]
			if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
				l.group, name = name[:dot+1], name[dot+1:]
			}
			l.name, l.params = strings.ToUpper(name), fields[1:]
			return l, name != ""
		}
	}
	return l, false
}

// text returns the card as it travels.
func (c *card) text() []byte {
	var b strings.Builder
	b.WriteString("BEGIN:VCARD\r\n")
	for _, l := range c.lines {
		fold(&b, strings.Join(append([]string{l.group + l.name}, l.params...), ";")+":"+l.value)
	}
	b.WriteString("END:VCARD\r\n")
	return []byte(b.String())
}

// fold writes a line in pieces of at most 75 bytes, none of which splits a
// character.
func fold(b *strings.Builder, s string) {
	for room := 75; len(s) > room; room = 74 {
		n := room
		for !utf8.RuneStart(s[n]) {
			n--
		}
		b.WriteString(s[:n] + "\r\n ")
		s = s[n:]
	}
	b.WriteString(s + "\r\n")
}

// types returns what kinds a line says that it is of, in upper case: HOME, CELL.
func (l line) types() (types []string) {
	for _, p := range l.params {
		name, value, named := strings.Cut(p, "=")
		switch {
		case !named: // vCard 2.1: TEL;CELL:
			types = append(types, strings.ToUpper(name))
		case strings.EqualFold(name, "TYPE"):
			types = append(types, strings.Split(strings.ToUpper(strings.Trim(value, `"`)), ",")...)
		case strings.EqualFold(name, "PREF"): // vCard 4
			types = append(types, "PREF")
		}
	}
	return types
}

// uri reports whether the line's value is a URI, such as tel:.
func (l line) uri() bool {
	return slices.ContainsFunc(l.params, func(p string) bool { return strings.EqualFold(p, "VALUE=uri") })
}

// plain removes the parameters that say that a value is written otherwise than as
// text in UTF-8, and those that repeat it.
func (l *line) plain() {
	l.params = slices.DeleteFunc(slices.Clone(l.params), func(p string) bool {
		name, _, _ := strings.Cut(strings.ToUpper(p), "=")
		return name == "LABEL" || name == "GEO" || name == "TZ" || name == "SORT-AS" || name == "VALUE" || name == "ENCODING" || name == "CHARSET" || name == "QUOTED-PRINTABLE" || name == "BASE64"
	})
}

// first returns the value of the first line called name, unescaped.
func (c *card) first(name string) string {
	for _, l := range c.lines {
		if l.name == name {
			return unescape(l.value)
		}
	}
	return ""
}

// drop removes lines.
func (c *card) drop(f func(line) bool) { c.lines = slices.DeleteFunc(c.lines, f) }

// set gives the first line called name another value, and makes it if there is none.
func (c *card) set(name, value string) {
	for i := range c.lines {
		if c.lines[i].name == name {
			c.lines[i].value = value
			c.lines[i].plain()
			return
		}
	}
	c.lines = append(c.lines, line{name: name, value: value})
}

var escaper = strings.NewReplacer(`\`, `\\`, ",", `\,`, ";", `\;`, "\n", `\n`)

func escape(s string) string { return escaper.Replace(s) }

func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			if i++; s[i] == 'n' || s[i] == 'N' {
				b.WriteByte('\n')
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// components splits a value at the semicolons that part it, and unescapes each.
func components(value string) (parts []string) {
	from := 0
	for i := 0; i < len(value); i++ {
		switch value[i] {
		case '\\':
			i++
		case ';':
			parts, from = append(parts, unescape(value[from:i])), i+1
		}
	}
	return append(parts, unescape(value[from:]))
}
