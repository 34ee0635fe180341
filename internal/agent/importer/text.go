package importer

import (
	"bytes"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// HeadSize is how much of a file is looked at to find out its format.
const HeadSize = 4 << 10

// A text is a file as UTF-8 without a byte order mark. It has no bytes of the
// file in memory but those that are still to be read.
type text struct {
	r    io.Reader
	head []byte // what comes before r
	err  error  // what comes after head, if it isn't nil
}

// UTF8 returns what is in r as UTF-8, without a byte order mark, and its beginning: what
// a [Format] is given. It is for files that are of no format.
func UTF8(r io.Reader) (utf8 io.Reader, head []byte, err error) {
	t := newText(r)
	if t.err != nil && t.err != io.EOF {
		return nil, nil, t.err
	}
	return t, bytes.Clone(t.head), nil
}

// newText reads the beginning of r, and finds out how it is encoded: UTF-16 with
// a byte order mark, or UTF-8. What is neither comes as it is, see [Clean].
func newText(r io.Reader) *text {
	t := &text{r: r, head: make([]byte, 0, HeadSize)}
	t.fill()
	var big bool
	switch {
	case bytes.HasPrefix(t.head, []byte("\xef\xbb\xbf")):
		t.cut(3)
		return t
	case bytes.HasPrefix(t.head, []byte("\xfe\xff")):
		big = true
	case bytes.HasPrefix(t.head, []byte("\xff\xfe")):
	default:
		return t
	}
	t.cut(2)
	t = &text{r: &fromUTF16{r: t, big: big}, head: make([]byte, 0, HeadSize)}
	t.fill()
	return t
}

func (t *text) fill() {
	for empty := 0; len(t.head) < HeadSize && t.err == nil; {
		n, err := t.r.Read(t.head[len(t.head):HeadSize])
		t.head, t.err = t.head[:len(t.head)+n], err
		if n > 0 {
			empty = 0
		} else if empty++; empty == 100 && err == nil {
			t.err = io.ErrNoProgress
		}
	}
}

// cut drops the first n bytes of the head.
func (t *text) cut(n int) {
	clear(t.head[:n])
	t.head = t.head[n:]
}

func (t *text) Read(p []byte) (int, error) {
	switch {
	case len(t.head) > 0:
		n := copy(p, t.head)
		t.cut(n)
		return n, nil
	case t.err != nil:
		return 0, t.err
	}
	return t.r.Read(p)
}

func (t *text) wipe() {
	t.cut(len(t.head))
	if u, ok := t.r.(*fromUTF16); ok {
		*u = fromUTF16{r: u.r}
		u.r.(*text).wipe()
	}
	t.err = io.EOF
}

// fromUTF16 makes UTF-8 of UTF-16. What makes no sense becomes U+FFFD.
type fromUTF16 struct {
	r     io.Reader
	big   bool
	raw   [512]byte // what has been read, from:to
	from  int
	to    int
	out   [utf8.UTFMax]byte // a character that had no room, outFrom:outTo
	outAt int
	outTo int
	err   error
}

func (u *fromUTF16) Read(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	for n == 0 {
		if u.to-u.from < 4 && u.err == nil { // a character may need them all
			copy(u.raw[:], u.raw[u.from:u.to])
			u.from, u.to = 0, u.to-u.from
			clear(u.raw[u.to:])
			var k int
			k, u.err = u.r.Read(u.raw[u.to:])
			u.to += k
			if k == 0 && u.err == nil {
				return 0, nil // ours counts how often
			}
		}
		for n < len(p) {
			if u.outAt == u.outTo && !u.decode() {
				break
			}
			k := copy(p[n:], u.out[u.outAt:u.outTo])
			u.outAt += k
			n += k
		}
		if n == 0 && u.err != nil && u.from == u.to {
			return 0, u.err
		}
	}
	return n, nil
}

// decode puts the next character into out, if there is a whole one.
func (u *fromUTF16) decode() bool {
	left := u.to - u.from
	if left == 0 || left < 4 && u.err == nil {
		return false
	}
	unit := func(i int) rune {
		a, b := rune(u.raw[u.from+i]), rune(u.raw[u.from+i+1])
		if u.big {
			return a<<8 | b
		}
		return b<<8 | a
	}
	r, size := rune(utf8.RuneError), left // the last byte of an odd number
	if left >= 2 {
		r, size = unit(0), 2
		if utf16.IsSurrogate(r) {
			if left >= 4 {
				if r = utf16.DecodeRune(r, unit(2)); r != utf8.RuneError {
					size = 4
				}
			}
		}
	}
	clear(u.raw[u.from : u.from+size])
	u.from += size
	clear(u.out[:])
	u.outAt, u.outTo = 0, utf8.EncodeRune(u.out[:], r)
	return true
}

// Clean returns b as a text: as it is, if it is UTF-8, and else as Windows-1252,
// which is what spreadsheets and old address books write. NUL, which no text of
// ours may have, becomes U+FFFD.
func Clean(b []byte) string {
	plain := bytes.IndexByte(b, 0) < 0
	if utf8.Valid(b) && plain {
		return string(b)
	}
	var r []rune
	if utf8.Valid(b) {
		r = []rune(string(b))
	} else {
		r = make([]rune, len(b))
		for i, c := range b {
			r[i] = fromWindows1252(c)
		}
	}
	for i := range r {
		if r[i] == 0 {
			r[i] = utf8.RuneError
		}
	}
	return string(r)
}

func fromWindows1252(c byte) rune {
	if c >= 0x80 && c < 0xa0 {
		return windows1252[c-0x80]
	}
	return rune(c)
}

// windows1252 is where it differs from Latin-1.
var windows1252 = [32]rune{
	'€', 0x81, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0x8d, 'Ž', 0x8f,
	0x90, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0x9d, 'ž', 'Ÿ',
}
