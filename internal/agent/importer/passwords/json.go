package passwords

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"firsthand/fault"
	"firsthand/internal/agent/importer"
)

// A jsonReader reads JSON value by value, as it is asked for, so that what nobody
// asks for is wiped without having been anywhere else. The reader of the standard
// library makes a string of each.
//
// Each method reads one value, whatever it is; if it is of another type, it is
// passed over as if it were null. After an error in the form of the file nothing
// is read any more.
type jsonReader struct {
	w     *importer.Window
	err   error  // why nothing more can be read
	wrong string // what is wrong with a text that can't be read, while the file can
	size  int    // of the texts that were read
	depth int
	value []byte // the last text, as it is meant
}

// maxDepth is how deep values may be nested.
const maxDepth = 32

func newJSON(r io.Reader) *jsonReader {
	return &jsonReader{w: importer.NewWindow(r), value: make([]byte, 0, 1<<10)}
}

func (s *jsonReader) close() {
	s.w.Close()
	clear(s.value[:cap(s.value)])
}

// line returns the line at which the next value begins.
func (s *jsonReader) line() int {
	s.next()
	return s.w.Line()
}

// object calls member for each member of an object, which has to read its value.
func (s *jsonReader) object(member func(name string)) {
	s.list('{', '}', func() {
		s.expect('"')
		name := "" // if it is longer than any of ours
		if b := s.bytes(); len(b) <= 32 {
			name = string(b)
		}
		s.expect(':')
		if s.err == nil {
			s.w.Drop(1)
			member(name)
		}
	})
}

// expect makes sure that c comes next.
func (s *jsonReader) expect(c byte) {
	if s.next() != c {
		s.fail("isn't JSON")
	}
}

// array calls element for each element of a list, which has to read it.
func (s *jsonReader) array(element func()) { s.list('[', ']', element) }

func (s *jsonReader) list(open, end byte, element func()) {
	if s.next() != open {
		s.skip()
		return
	}
	if s.depth++; s.depth > maxDepth {
		s.fail("is nested too deep")
		return
	}
	s.w.Drop(1)
	for first := true; s.err == nil; first = false {
		c := s.next()
		if c == end {
			s.w.Drop(1)
			s.depth--
			return
		}
		if !first {
			if c != ',' {
				s.fail("isn't JSON")
				return
			}
			s.w.Drop(1)
		}
		if s.next(); s.err == nil {
			element()
		}
	}
}

// skip passes over a value.
func (s *jsonReader) skip() {
	switch c := s.next(); {
	case s.err != nil:
	case c == '{':
		s.list('{', '}', func() {
			if s.expect('"'); s.err == nil {
				s.pass()
			}
			if s.expect(':'); s.err == nil {
				s.w.Drop(1)
				s.skip()
			}
		})
	case c == '[':
		s.array(s.skip)
	case c == '"':
		s.pass()
	default:
		s.literal()
	}
}

// number reads a number from 0 to 9; of anything else it returns 0.
func (s *jsonReader) number() int {
	c := s.next()
	if c < '0' || c > '9' || s.literal() != 1 {
		return 0
	}
	return int(c - '0')
}

// count adds one to n if there is something in a value.
func (s *jsonReader) count(n *int) {
	if s.next() != '"' {
		s.skip()
	} else if s.pass() {
		*n++
	}
}

// isTrue reads a value and reports whether it is true.
func (s *jsonReader) isTrue() bool {
	if s.next() != 't' {
		s.skip()
		return false
	}
	return s.literal() == len("true")
}

// text reads a text; of anything else it returns "".
func (s *jsonReader) text() string { return importer.Clean(s.bytes()) }

// bytes is as text, but what it returns is valid until the next call, and wiped.
func (s *jsonReader) bytes() []byte {
	clear(s.value)
	s.value = s.value[:0]
	if s.next() != '"' {
		s.skip()
		return nil
	}
	end := 1 // what is before has been looked at
	for {
		b := s.w.Bytes()
		for end < len(b) {
			i := bytes.IndexAny(b[end:], `"\`)
			if i < 0 {
				end = len(b)
			} else if end += i; b[end] == '"' {
				if s.size += end; s.size > importer.RowLimit {
					s.wrong = "is too long"
				} else {
					s.unescape(b[1:end])
				}
				s.w.Drop(end + 1)
				return s.value
			} else if end+1 == len(b) {
				break
			} else {
				end += 2
			}
		}
		if s.w.More() {
			continue
		}
		if s.w.Full() {
			s.wrong = "is too long"
			s.pass()
		} else {
			s.ended()
		}
		return nil
	}
}

// pass passes over a text, and reports whether it is other than blank.
func (s *jsonReader) pass() (full bool) {
	s.w.Drop(1)
	for {
		b := s.w.Bytes()
		for i := 0; i < len(b); i++ {
			switch b[i] {
			case '"':
				s.w.Drop(i + 1)
				return full
			case ' ':
			case '\\':
				full = true
				i++
			default:
				full = true
			}
		}
		n := len(b)
		if (n-len(bytes.TrimRight(b, `\`)))%2 == 1 {
			n-- // what the last one escapes is still to come
		}
		s.w.Drop(n)
		if !s.w.More() {
			s.ended()
			return full
		}
	}
}

// literal passes over a number, true, false or null, and returns its length.
func (s *jsonReader) literal() int {
	for n := 0; ; n++ {
		if n > 64 {
			s.fail("isn't JSON")
			return 0
		}
		if n == len(s.w.Bytes()) && !s.w.More() {
			s.ended()
			return 0
		}
		c := s.w.Bytes()[n]
		if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '+' || c == '.' || c == 'E' {
			continue
		}
		if n == 0 {
			s.fail("isn't JSON")
		}
		s.w.Drop(n)
		return n
	}
}

// next passes over blanks and returns the byte at which something begins, which
// stays; or 0, if there is nothing.
func (s *jsonReader) next() byte {
	for s.err == nil {
		b := s.w.Bytes()
		rest := bytes.TrimLeft(b, " \t\r\n")
		s.w.Drop(len(b) - len(rest))
		if len(rest) > 0 {
			return rest[0]
		}
		if !s.w.More() {
			s.ended()
		}
	}
	return 0
}

func (s *jsonReader) fail(why string) {
	if s.err == nil {
		s.err = fault.Tell(fault.Invalid, "This file can't be read from line "+strconv.Itoa(s.w.Line())+" on: it "+why+".", "Export it again, and don't edit it.")
	}
}

// ended notes that the file has ended too early, or couldn't be read.
func (s *jsonReader) ended() {
	if s.err != nil {
		return
	}
	if s.err = s.w.Err(); s.err == nil {
		s.fail("ends in the middle")
	}
}

var errEscape = errors.New("a broken escape")

// unescape makes the last text of what is between its quotes.
func (s *jsonReader) unescape(b []byte) {
	if cap(s.value) < len(b) {
		s.value = make([]byte, 0, len(b)) // the old one has been cleared
	}
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\\')
		if i < 0 {
			s.value = append(s.value, b...)
			return
		}
		s.value = append(s.value, b[:i]...)
		r, n, err := escaped(b[i:])
		if err != nil {
			s.wrong = "has " + err.Error()
			return
		}
		s.value = utf8.AppendRune(s.value, r)
		b = b[i+n:]
	}
}

// escaped returns what is escaped at the beginning of b, and how long that is. A
// half of a pair of surrogates becomes U+FFFD.
func escaped(b []byte) (r rune, n int, err error) {
	if len(b) < 2 {
		return 0, 0, errEscape
	}
	if i := bytes.IndexByte([]byte(`"\/bfnrt`), b[1]); i >= 0 {
		return rune("\"\\/\b\f\n\r\t"[i]), 2, nil
	}
	if r, err = unit(b); err != nil {
		return 0, 0, err
	}
	if utf16.IsSurrogate(r) {
		if low, err := unit(b[6:]); err == nil {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, 12, nil
			}
		}
		return utf8.RuneError, 6, nil
	}
	return r, 6, nil
}

// unit reads \uXXXX.
func unit(b []byte) (rune, error) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, errEscape
	}
	n := rune(0)
	for _, c := range b[2:6] {
		switch {
		case '0' <= c && c <= '9':
			n = n<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			n = n<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, errEscape
		}
	}
	return n, nil
}
