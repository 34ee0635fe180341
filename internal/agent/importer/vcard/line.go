package vcard

import (
	"bytes"
	"slices"
	"strings"

	"firsthand/internal/agent/importer"
)

// lines reads the lines of a file, each put together from those it was folded into.
type lines struct {
	w     *importer.Window
	row   int    // where the line begins
	line  []byte // without the end of the line
	over  bool   // it is longer than may be, and has been cut
	wrong string // what is wrong with a line that isn't a property
}

func (l *lines) close() {
	l.w.Close()
	clear(l.line[:cap(l.line)])
}

// next reads the next line, and reports whether there is one.
func (l *lines) next() bool {
	clear(l.line)
	l.line, l.over = l.line[:0], false
	l.row = l.w.Line()
	if len(l.w.Bytes()) == 0 && !l.w.More() {
		return false
	}
	if !l.read() {
		return false
	}
	for {
		soft := bytes.HasSuffix(l.line, []byte{'='}) && l.isQuotedPrintable()
		if len(l.w.Bytes()) == 0 && !l.w.More() {
			return true
		}
		switch c := l.w.Bytes()[0]; {
		case soft: // a line break within quoted-printable
			l.line = l.line[:len(l.line)-1]
		case c == ' ' || c == '\t':
			l.w.Drop(1)
		default:
			return true
		}
		if !l.read() {
			return false
		}
	}
}

// read adds what is left of the line of the file to l.line. A line ends with CR, LF
// or both. It is false if the file can't be read to the end of the line.
func (l *lines) read() bool {
	for {
		b := l.w.Bytes()
		i := bytes.IndexAny(b, "\r\n")
		part := b
		if i >= 0 {
			part = b[:i]
		}
		if room := importer.RowLimit - len(l.line); len(part) > room {
			l.over, part = true, part[:room]
		}
		l.append(part)
		if i < 0 {
			if l.w.Drop(len(b)); !l.w.More() {
				return l.w.Err() == nil
			}
			continue
		}
		cr := b[i] == '\r'
		l.w.Drop(i + 1)
		if cr && (len(l.w.Bytes()) > 0 || l.w.More()) && l.w.Bytes()[0] == '\n' {
			l.w.Drop(1)
		}
		return true
	}
}

// append is append, but wipes what it leaves behind.
func (l *lines) append(b []byte) {
	if old := l.line; cap(old)-len(old) < len(b) {
		l.line = make([]byte, len(old), 2*cap(old)+len(b))
		copy(l.line, old)
		clear(old)
	}
	l.line = append(l.line, b...)
}

// isQuotedPrintable reports whether the value is encoded so.
func (l *lines) isQuotedPrintable() bool {
	head, _, ok := cut(l.line)
	return ok && bytes.Contains(bytes.ToUpper(head), []byte("QUOTED-PRINTABLE"))
}

// cut cuts a line at the colon between name and value.
func cut(line []byte) (head, value []byte, ok bool) {
	quoted := false
	for i, c := range line {
		switch {
		case c == '"':
			quoted = !quoted
		case c == ':' && !quoted:
			return line[:i], line[i+1:], true
		}
	}
	return nil, nil, false
}

// A property is one line: group.NAME;PARAMETER=…:value.
type property struct {
	group, name string
	types       []string // the values of TYPE, and of 2.1 that have no name; in lower case
	pref        int      // 1 is the most preferred, 101 not at all
	binary      bool
	value       []byte // decoded, but with its escapes; valid until the next line
}

// property takes the line apart. A line that is too long is one without a value.
func (l *lines) property() (p *property, ok bool) {
	l.wrong = ""
	if len(bytes.TrimSpace(l.line)) == 0 {
		return &property{}, true // after a picture, in 2.1
	}
	head, value, ok := cut(l.line)
	if !ok {
		l.wrong = "has a line that is no property"
		return nil, false
	}
	if len(head) > 4<<10 {
		l.wrong = "has a property with a name that is too long"
		return nil, false
	}
	p = &property{pref: 101, value: value}
	name, parameters, _ := strings.Cut(importer.Clean(head), ";")
	p.name = strings.ToUpper(strings.TrimSpace(name))
	if i := strings.LastIndexByte(p.name, '.'); i >= 0 {
		p.group, p.name = p.name[:i], p.name[i+1:]
	}
	for parameters != "" {
		n, quoted := 0, false
		for n < len(parameters) && (quoted || parameters[n] != ';') {
			quoted = quoted != (parameters[n] == '"')
			n++
		}
		p.parameter(parameters[:n])
		parameters = strings.TrimPrefix(parameters[n:], ";")
	}
	if l.over {
		p.value = nil
	}
	return p, true
}

func (p *property) parameter(s string) {
	name, values, ok := strings.Cut(strings.ToLower(s), "=")
	if !ok {
		name, values = "type", name // as in 2.1: TEL;HOME;VOICE
	}
	for v := range strings.SplitSeq(strings.ReplaceAll(values, `"`, ""), ",") {
		v = strings.TrimSpace(v)
		switch {
		case v == "quoted-printable":
			p.value = unquote(p.value)
		case v == "base64" || name == "encoding" && v == "b":
			p.binary = true
		case name == "pref" && len(v) > 0 && len(v) <= 3:
			if n := number(v); n >= 1 && n <= 100 {
				p.pref = n
			}
		case name == "type" && v == "pref":
			p.pref = 1
		case name == "type":
			p.types = append(p.types, v)
		}
	}
}

func number(s string) (n int) {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// unquote decodes quoted-printable in place. What isn't stays.
func unquote(b []byte) []byte {
	out := b[:0]
	for i := 0; i < len(b); i++ {
		if b[i] == '=' && i+2 < len(b) {
			if hi, lo := hex(b[i+1]), hex(b[i+2]); hi < 16 && lo < 16 {
				out = append(out, hi<<4|lo)
				i += 2
				continue
			}
		}
		out = append(out, b[i])
	}
	return out
}

func hex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 16
}

const maxParts = 16

// split splits a value at each sep that isn't escaped, and takes the escapes away.
// In 2.1 only ; and , and \ can be escaped, and the rest of the backslashes are
// what they look like. Nothing that is read has more than maxParts.
func split(value []byte, sep byte, old bool) []string {
	var parts []string
	part := make([]byte, 0, len(value))
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '\\' && i+1 < len(value):
			i++
			switch next := value[i]; {
			case (next == 'n' || next == 'N') && !old:
				part = append(part, '\n')
			case slices.Contains([]byte(`\;,:`), next):
				part = append(part, next)
			default:
				part = append(part, '\\', next)
			}
		case c == sep && sep != 0 && len(parts) < maxParts-1:
			parts = append(parts, importer.Clean(part))
			part = part[:0]
		default:
			part = append(part, c)
		}
	}
	return append(parts, importer.Clean(part))
}
