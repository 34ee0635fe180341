package importer

import (
	"bytes"
	"errors"
	"io"
)

// RowLimit is how long a row may be. A longer one is a [BadRow].
const RowLimit = 1 << 20

// A Window is the part of a file that is in memory while it is read. It is the
// only place for bytes of the file: what has been dropped from it, or moved
// within it, is overwritten at once. So whoever looks at Bytes keeps none of
// them, and copies of a secret none.
type Window struct {
	r        io.Reader
	buf      []byte
	from, to int // the window in buf; all outside of it is zero
	dropped  int // line feeds before it
	err      error
}

// NewWindow returns a Window of r, in which nothing is yet. It has to be closed.
func NewWindow(r io.Reader) *Window { return &Window{r: r, buf: make([]byte, 16<<10)} }

// Bytes returns what is in the window. It is valid until the next call.
func (w *Window) Bytes() []byte { return w.buf[w.from:w.to] }

// Line returns the number of the line, from 1, at which the window begins.
func (w *Window) Line() int { return w.dropped + 1 }

// More reads on, and reports whether there is more in the window than before.
// If not, the file has ended, or couldn't be read, which Err tells apart; or the
// window is Full.
func (w *Window) More() bool {
	if w.err != nil || w.Full() {
		return false
	}
	if w.to == len(w.buf) {
		// A window is at most half of the largest buffer, so there is room again
		// after each move, and moving costs no more than reading did.
		old, b := w.buf, w.buf
		if w.from < len(old)/2 {
			b = make([]byte, 2*len(old))
		}
		n := copy(b, old[w.from:w.to])
		if len(b) > len(old) {
			clear(old)
		} else {
			clear(old[n:])
		}
		w.buf, w.from, w.to = b, 0, n
	}
	for range 100 {
		n, err := w.r.Read(w.buf[w.to:])
		w.to += n
		w.err = err
		if n > 0 || err != nil {
			return n > 0
		}
	}
	w.err = io.ErrNoProgress
	return false
}

// Full reports whether the window holds all that it may, which is [RowLimit].
func (w *Window) Full() bool { return w.to-w.from >= RowLimit }

// Err returns why the file couldn't be read to its end, or nil.
func (w *Window) Err() error {
	if errors.Is(w.err, io.EOF) {
		return nil
	}
	return w.err
}

// Drop drops the first n bytes.
func (w *Window) Drop(n int) {
	gone := w.buf[w.from : w.from+n]
	w.dropped += bytes.Count(gone, []byte{'\n'})
	clear(gone)
	w.from += n
}

// DropLine drops all up to the next line feed, however far it is.
func (w *Window) DropLine() {
	for {
		if i := bytes.IndexByte(w.Bytes(), '\n'); i >= 0 {
			w.Drop(i + 1)
			return
		}
		w.Drop(len(w.Bytes()))
		if !w.More() {
			return
		}
	}
}

// Close drops everything.
func (w *Window) Close() {
	clear(w.buf) // also what a reader may have used as scratch space
	w.from, w.to, w.err = 0, 0, io.EOF
}
