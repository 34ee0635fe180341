package importertest

import (
	"bytes"
	"crypto/rand"
	"io"
	"os"
	"testing"
	"unicode/utf16"
	"unicode/utf8"
)

// hidden is a file that isn't in memory as it is: each byte is XORed with mask. So
// what is looked for in memory has not been put there by the test.
type hidden []byte

const mask = 0x5a

// hide returns b hidden, and b is gone.
func hide(b []byte) hidden {
	for i := range b {
		b[i] ^= mask
	}
	return b
}

// load reads a file.
func load(t testing.TB, name string) hidden {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, info.Size())
	if _, err := io.ReadFull(f, b); err != nil {
		t.Fatal(err)
	}
	return hide(b)
}

// reader returns a reader of what is hidden.
func (h hidden) reader() *hiddenReader { return &hiddenReader{rest: h} }

type hiddenReader struct {
	rest  hidden
	reads int
	most  int   // bytes at once, if it isn't 0
	err   error // in place of io.EOF
}

func (r *hiddenReader) Read(p []byte) (int, error) {
	r.reads++
	if len(r.rest) == 0 && len(p) > 0 {
		if r.err != nil {
			return 0, r.err
		}
		return 0, io.EOF
	}
	if r.most > 0 && len(p) > r.most {
		p = p[:r.most]
	}
	n := copy(p, r.rest)
	hide(p[:n])
	r.rest = r.rest[n:]
	return n, nil
}

// open returns h as it is: without Secret, to be looked at and edited.
func (h hidden) open() []byte {
	return hide(h.with(needle(hide([]byte("xxxxxxxxxxxx")))))
}

// A needle is what may leave no trace: as long as Secret, and hidden.
type needle []byte

// newNeedle returns a random one, so that nothing is in memory from before. Each
// begins with a letter that is rare in memory, for which it is quick to look.
func newNeedle() needle {
	n := make(needle, len(Secret))
	rand.Read(n)
	for i := range n {
		n[i] = ('A' + n[i]%16) ^ mask
	}
	n[0] = first ^ mask
	return n
}

const first = 'Q'

// with returns h, which may be UTF-16 with the higher byte first, with n in the place
// of Secret.
func (h hidden) with(n needle) hidden {
	h = bytes.ReplaceAll(h, hide([]byte(Secret)), n)
	return bytes.ReplaceAll(h, wide(hide([]byte(Secret))), wide(n))
}

// wide returns b, hidden, as UTF-16.
func wide(b []byte) (w []byte) {
	for _, c := range b {
		w = append(w, mask, c)
	}
	return w
}

// count returns how often n is in b: as it is, or as UTF-16.
func (n needle) count(b []byte) (count int) {
	for i := 0; ; i++ {
		k := bytes.IndexByte(b[i:], first)
		if k < 0 {
			return count
		}
		i += k
		for _, stride := range []int{1, 2} {
			is := i+(len(n)-1)*stride < len(b)
			for j := 0; is && j < len(n); j++ {
				is = b[i+j*stride]^mask == n[j] && (stride == 1 || j == len(n)-1 || b[i+j*stride+1] == 0)
			}
			if is {
				count++
			}
		}
	}
}

// utf16 returns h as UTF-16 with a byte order mark, if it is UTF-8.
func (h hidden) utf16(big bool) (hidden, bool) {
	var out hidden
	put := func(u uint16) {
		hi, lo := byte(u>>8)^mask, byte(u)^mask
		if big {
			out = append(out, hi, lo)
		} else {
			out = append(out, lo, hi)
		}
	}
	put(0xfeff)
	var char [utf8.UTFMax]byte
	defer clear(char[:])
	for len(h) > 0 {
		n := copy(char[:], h)
		hide(char[:n])
		r, size := utf8.DecodeRune(char[:n])
		if r == utf8.RuneError && size == 1 {
			return nil, false
		}
		h = h[size:]
		if r == 0xfeff && len(out) == 2 {
			continue
		}
		if hi, lo := utf16.EncodeRune(r); hi != utf8.RuneError {
			put(uint16(hi))
			put(uint16(lo))
		} else {
			put(uint16(r))
		}
	}
	return out, true
}
