package importer

import (
	"io"
	"unicode/utf8"

	"firsthand/fault"
)

// A Guard reads what a library reads, which has no limits of its own: it ends with
// an error that wraps [fault.Invalid] after [RowLimit] bytes without a call of Row, and
// it makes UTF-8 of what isn't, as [Clean] does, so that one bad byte isn't the end of a
// file. What a library has read is in memory until that is used again: a Guard is for
// files in which there are no secrets.
type Guard struct {
	r    io.Reader
	left int
	raw  []byte // has been read
	out  []byte // is to be handed out
	err  error  // of r

	handed int64   // bytes
	feeds  []int64 // where line feeds among them end, those that Line hasn't passed
	passed int
}

// NewGuard returns a Guard of r.
func NewGuard(r io.Reader) *Guard { return &Guard{r: r, left: RowLimit} }

// Row says that the next row begins.
func (g *Guard) Row() { g.left = RowLimit }

// Line returns the number of the line, from 1, at an offset in what was read. Offsets
// rise from one call to the next.
func (g *Guard) Line(offset int64) int {
	n := 0
	for n < len(g.feeds) && g.feeds[n] <= offset {
		n++
	}
	g.feeds = g.feeds[n:]
	g.passed += n
	return g.passed + 1
}

// Err returns why the file couldn't be read to its end, or nil.
func (g *Guard) Err() error {
	if g.err == io.EOF {
		return nil
	}
	return g.err
}

var errRowLimit = fault.Tell(fault.Invalid, "Something in this file has no end.", "Export it again.")

func (g *Guard) Read(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	if g.left <= 0 {
		return 0, errRowLimit
	}
	for empty := 0; len(g.out) == 0; empty++ {
		if g.err != nil && len(g.raw) == 0 {
			return 0, g.err
		}
		if empty == 100 {
			return 0, io.ErrNoProgress
		}
		g.fill()
	}
	n = copy(p, g.out)
	for i, c := range p[:n] {
		if c == '\n' {
			g.feeds = append(g.feeds, g.handed+int64(i)+1)
		}
	}
	g.handed += int64(n)
	g.out = g.out[n:]
	g.left -= n
	return n, nil
}

// fill reads on, and makes of what is there what is to be handed out: all but a
// character of which the rest is still to come.
func (g *Guard) fill() {
	if g.err == nil {
		buf := make([]byte, 4<<10)
		n, err := g.r.Read(buf)
		g.raw, g.err = append(g.raw, buf[:n]...), err
	}
	var out []byte
	for len(g.raw) > 0 && (g.err != nil || utf8.FullRune(g.raw)) {
		r, size := utf8.DecodeRune(g.raw)
		if r == utf8.RuneError && size == 1 {
			r = fromWindows1252(g.raw[0])
		}
		out = utf8.AppendRune(out, r)
		g.raw = g.raw[size:]
	}
	g.out = out
}
