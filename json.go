package firsthand

import (
	"bytes"
	"encoding/json"
	"reflect"
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
// arrays one inside another. Errors are [fault.Invalid], rule json-form; what v
// points to is then undefined. It panics if v is no pointer, which is a bug.
func ParseJSON(text []byte, v any) error {
	r := jsonReader{text: text}
	if !r.value(0, reflect.ValueOf(v).Elem()) || r.space() || r.at != len(text) {
		if r.why == "" {
			r.why = "not JSON"
		}
		return fault.Refuse(fault.Invalid, "json-form", "%s at byte %d", r.why, r.at)
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

// A jsonReader reads JSON (RFC 8259) once, and stores what it reads where the
// target of a value is valid: reflect's zero Value stands for one that is only
// checked. How values meet targets is in jsonstore.go.
type jsonReader struct {
	text []byte
	at   int
	why  string // the first fault found
}

func (r *jsonReader) fail(why string) bool {
	if r.why == "" {
		r.why = why
	}
	return false
}

func (r *jsonReader) peek() byte {
	if r.at < len(r.text) {
		return r.text[r.at]
	}
	return 0
}

// space skips white space. It returns false, so that it can stand in conditions.
func (r *jsonReader) space() bool {
	for r.at < len(r.text) && (r.text[r.at] == ' ' || r.text[r.at] == '\n' || r.text[r.at] == '\r' || r.text[r.at] == '\t') {
		r.at++
	}
	return false
}

func (r *jsonReader) take(b byte) bool {
	r.space()
	if r.peek() != b {
		return false
	}
	r.at++
	return true
}

// value reads one value that stands inside depth objects and arrays, into v.
func (r *jsonReader) value(depth int, v reflect.Value) bool {
	r.space()
	if v.IsValid() {
		if done, ok := r.custom(depth, &v); done {
			return ok
		}
	}
	switch b := r.peek(); {
	case (b == '{' || b == '[') && depth == maxDepth:
		return r.fail("nested too deep")
	case b == '{':
		return r.object(depth, v)
	case b == '[':
		return r.array(depth, v)
	case b == '"':
		quoted, ok := r.quoted()
		return ok && r.storeString(v, quoted)
	case b == '-' || b >= '0' && b <= '9':
		n, ok := r.integer()
		return ok && r.storeInteger(v, n)
	case b == 't':
		return r.word("true") && r.storeBool(v, true)
	case b == 'f':
		return r.word("false") && r.storeBool(v, false)
	case b == 'n':
		return r.fail("null")
	}
	return r.fail("not JSON")
}

func (r *jsonReader) word(w string) bool {
	if !bytes.HasPrefix(r.text[r.at:], []byte(w)) {
		return r.fail("not JSON")
	}
	r.at += len(w)
	return true
}

func (r *jsonReader) object(depth int, v reflect.Value) bool {
	members, ok := r.membersOf(v)
	if !ok {
		return false
	}
	r.at++
	if r.take('}') {
		return true
	}
	var few [16][]byte // members of most objects: no allocation
	names := few[:0]
	for {
		r.space()
		if r.peek() != '"' {
			return r.fail("no member name")
		}
		name, ok := r.quoted()
		if !ok {
			return false
		}
		if !memberName(name) {
			return r.fail("member name is not of a-z, 0-9, _")
		}
		for _, n := range names {
			if bytes.Equal(n, name) {
				return r.fail("duplicate member")
			}
		}
		if names = append(names, name); len(names) > 256 {
			return r.fail("too many members")
		}
		if !r.take(':') {
			return r.fail("no colon")
		}
		if !members.read(r, depth+1, name) {
			return false
		}
		if r.take('}') {
			return true
		}
		if !r.take(',') {
			return r.fail("no comma")
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

func (r *jsonReader) array(depth int, v reflect.Value) bool {
	if v.IsValid() {
		if v.Kind() != reflect.Slice {
			return r.misfit("an array", v)
		}
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	}
	r.at++
	if r.take(']') {
		return true
	}
	for {
		var element reflect.Value
		if v.IsValid() {
			v.Grow(1)
			v.SetLen(v.Len() + 1)
			element = v.Index(v.Len() - 1)
		}
		if !r.value(depth+1, element) {
			return false
		}
		if r.take(']') {
			return true
		}
		if !r.take(',') {
			return r.fail("no comma")
		}
	}
}

func (r *jsonReader) integer() (n int64, ok bool) {
	start := r.at
	if r.peek() == '-' {
		r.at++
	}
	digits := r.at
	for b := r.peek(); b >= '0' && b <= '9'; b = r.peek() {
		if n = n*10 + int64(b-'0'); n > maxInteger {
			return 0, r.fail("integer above 2^53-1")
		}
		r.at++
	}
	switch {
	case r.at == digits:
		return 0, r.fail("not a number")
	case r.text[digits] == '0' && (r.at-digits > 1 || start != digits):
		return 0, r.fail("integer written in a second way")
	case r.peek() == '.' || r.peek() == 'e' || r.peek() == 'E':
		return 0, r.fail("number is not an integer")
	}
	if start != digits {
		n = -n
	}
	return n, true
}

// quoted reads a string and returns what is between the quotes.
func (r *jsonReader) quoted() ([]byte, bool) {
	r.at++
	start := r.at
	for r.at < len(r.text) {
		switch b := r.text[r.at]; {
		case b == '"':
			r.at++
			return r.text[start : r.at-1], true
		case b < 0x20:
			return nil, r.fail("control character in string")
		case b == '\\':
			if !r.escape() {
				return nil, false
			}
		case b < utf8.RuneSelf:
			r.at++
		default:
			c, n := utf8.DecodeRune(r.text[r.at:])
			if c == utf8.RuneError && n <= 1 {
				return nil, r.fail("not UTF-8")
			}
			r.at += n
		}
	}
	return nil, r.fail("string without end")
}

func (r *jsonReader) escape() bool {
	r.at++
	switch r.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		r.at++
		return true
	case 'u':
		r.at++
		c, ok := r.hex4()
		switch {
		case !ok:
			return r.fail("bad escape")
		case c == 0:
			return r.fail("NUL in string")
		case c >= 0xdc00 && c < 0xe000:
			return r.fail("unpaired surrogate")
		case c >= 0xd800 && c < 0xdc00:
			if !bytes.HasPrefix(r.text[r.at:], []byte(`\u`)) {
				return r.fail("unpaired surrogate")
			}
			r.at += 2
			if low, ok := r.hex4(); !ok || low < 0xdc00 || low > 0xdfff {
				return r.fail("unpaired surrogate")
			}
		}
		return true
	}
	return r.fail("bad escape")
}

func (r *jsonReader) hex4() (c int, ok bool) {
	if r.at+4 > len(r.text) {
		return 0, false
	}
	for _, b := range r.text[r.at : r.at+4] {
		switch {
		case b >= '0' && b <= '9':
			c = c<<4 | int(b-'0')
		case b >= 'a' && b <= 'f':
			c = c<<4 | int(b-'a'+10)
		case b >= 'A' && b <= 'F':
			c = c<<4 | int(b-'A'+10)
		default:
			return 0, false
		}
	}
	r.at += 4
	return c, true
}
