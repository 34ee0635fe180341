package firsthand

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"firsthand/fault"
)

// Limits of JSON text from outside.
const (
	maxDepth   = 8
	maxInteger = 1<<53 - 1
)

// ParseJSON decodes text into v, and is the only way by which JSON that was
// signed or received becomes values. It refuses everything that two readers
// could read differently: duplicate and unknown members, member names other
// than a–z, 0–9 and _, numbers that are not integers of at most 2^53−1, null,
// text that is not UTF-8, unpaired surrogates, NUL, and more than 8 objects and
// arrays one inside another. Errors are [fault.Invalid], rule json-form.
func ParseJSON(text []byte, v any) error {
	c := checker{text: text}
	c.space()
	if !c.value(0) || c.space() || c.at != len(text) {
		if c.why == "" {
			c.why = "not JSON"
		}
		return fault.Refuse(fault.Invalid, "json-form", "%s at byte %d", c.why, c.at)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fault.Refuse(fault.Invalid, "json-form", "%v", err)
	}
	return nil
}

// EncodeJSON is the inverse of ParseJSON, on one line, without the escapes that
// encoding/json makes for HTML. It panics if v can't be encoded, which is a bug.
func EncodeJSON(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// A checker reads JSON (RFC 8259) without building anything.
type checker struct {
	text []byte
	at   int
	why  string // the first fault found
}

func (c *checker) fail(why string) bool {
	if c.why == "" {
		c.why = why
	}
	return false
}

func (c *checker) peek() byte {
	if c.at < len(c.text) {
		return c.text[c.at]
	}
	return 0
}

// space skips white space. It returns false, so that it can stand in conditions.
func (c *checker) space() bool {
	for c.at < len(c.text) && (c.text[c.at] == ' ' || c.text[c.at] == '\n' || c.text[c.at] == '\r' || c.text[c.at] == '\t') {
		c.at++
	}
	return false
}

func (c *checker) take(b byte) bool {
	c.space()
	if c.peek() != b {
		return false
	}
	c.at++
	return true
}

// value reads one value that stands inside depth objects and arrays.
func (c *checker) value(depth int) bool {
	c.space()
	switch b := c.peek(); {
	case (b == '{' || b == '[') && depth == maxDepth:
		return c.fail("nested too deep")
	case b == '{':
		return c.object(depth)
	case b == '[':
		return c.array(depth)
	case b == '"':
		_, ok := c.quoted()
		return ok
	case b == '-' || b >= '0' && b <= '9':
		return c.integer()
	case b == 't':
		return c.word("true")
	case b == 'f':
		return c.word("false")
	case b == 'n':
		return c.fail("null")
	}
	return c.fail("not JSON")
}

func (c *checker) word(w string) bool {
	if !bytes.HasPrefix(c.text[c.at:], []byte(w)) {
		return c.fail("not JSON")
	}
	c.at += len(w)
	return true
}

func (c *checker) object(depth int) bool {
	c.at++
	if c.take('}') {
		return true
	}
	var few [16][]byte // members of most objects: no allocation
	names := few[:0]
	for {
		c.space()
		if c.peek() != '"' {
			return c.fail("no member name")
		}
		name, ok := c.quoted()
		if !ok {
			return false
		}
		if !memberName(name) {
			return c.fail("member name is not of a-z, 0-9, _")
		}
		for _, n := range names {
			if bytes.Equal(n, name) {
				return c.fail("duplicate member")
			}
		}
		if names = append(names, name); len(names) > 256 {
			return c.fail("too many members")
		}
		if !c.take(':') {
			return c.fail("no colon")
		}
		if !c.value(depth + 1) {
			return false
		}
		if c.take('}') {
			return true
		}
		if !c.take(',') {
			return c.fail("no comma")
		}
	}
}

func memberName(name []byte) bool {
	for _, b := range name {
		if (b < 'a' || b > 'z') && (b < '0' || b > '9') && b != '_' {
			return false
		}
	}
	return len(name) > 0 && len(name) <= 64
}

func (c *checker) array(depth int) bool {
	c.at++
	if c.take(']') {
		return true
	}
	for {
		if !c.value(depth + 1) {
			return false
		}
		if c.take(']') {
			return true
		}
		if !c.take(',') {
			return c.fail("no comma")
		}
	}
}

func (c *checker) integer() bool {
	start := c.at
	if c.peek() == '-' {
		c.at++
	}
	digits, n := c.at, int64(0)
	for b := c.peek(); b >= '0' && b <= '9'; b = c.peek() {
		if n = n*10 + int64(b-'0'); n > maxInteger {
			return c.fail("integer above 2^53-1")
		}
		c.at++
	}
	switch {
	case c.at == digits:
		return c.fail("not a number")
	case c.text[digits] == '0' && (c.at-digits > 1 || start != digits):
		return c.fail("integer written in a second way")
	case c.peek() == '.' || c.peek() == 'e' || c.peek() == 'E':
		return c.fail("number is not an integer")
	}
	return true
}

// quoted reads a string and returns what is between the quotes.
func (c *checker) quoted() ([]byte, bool) {
	c.at++
	start := c.at
	for c.at < len(c.text) {
		switch b := c.text[c.at]; {
		case b == '"':
			c.at++
			return c.text[start : c.at-1], true
		case b < 0x20:
			return nil, c.fail("control character in string")
		case b == '\\':
			if !c.escape() {
				return nil, false
			}
		case b < utf8.RuneSelf:
			c.at++
		default:
			r, n := utf8.DecodeRune(c.text[c.at:])
			if r == utf8.RuneError && n <= 1 {
				return nil, c.fail("not UTF-8")
			}
			c.at += n
		}
	}
	return nil, c.fail("string without end")
}

func (c *checker) escape() bool {
	c.at++
	switch c.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		c.at++
		return true
	case 'u':
		c.at++
		r, ok := c.hex4()
		switch {
		case !ok:
			return c.fail("bad escape")
		case r == 0:
			return c.fail("NUL in string")
		case r >= 0xdc00 && r < 0xe000:
			return c.fail("unpaired surrogate")
		case r >= 0xd800 && r < 0xdc00:
			if !bytes.HasPrefix(c.text[c.at:], []byte(`\u`)) {
				return c.fail("unpaired surrogate")
			}
			c.at += 2
			if low, ok := c.hex4(); !ok || low < 0xdc00 || low > 0xdfff {
				return c.fail("unpaired surrogate")
			}
		}
		return true
	}
	return c.fail("bad escape")
}

func (c *checker) hex4() (r int, ok bool) {
	if c.at+4 > len(c.text) {
		return 0, false
	}
	for _, b := range c.text[c.at : c.at+4] {
		switch {
		case b >= '0' && b <= '9':
			r = r<<4 | int(b-'0')
		case b >= 'a' && b <= 'f':
			r = r<<4 | int(b-'a'+10)
		case b >= 'A' && b <= 'F':
			r = r<<4 | int(b-'A'+10)
		default:
			return 0, false
		}
	}
	c.at += 4
	return r, true
}
