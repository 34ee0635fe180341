package importer

import (
	"bytes"
	"io"
)

// Lines reads a file line by line, through a [Window]. A line that is too long is
// dropped. It has to be closed.
type Lines struct {
	Line []byte // without its end; valid until Next
	Row  int    // its number, from 1

	w    *Window
	drop int
}

// NewLines returns the Lines of r, before the first.
func NewLines(r io.Reader) *Lines { return &Lines{w: NewWindow(r)} }

// Next reads the next line, and reports whether there is one.
func (l *Lines) Next() bool {
	l.w.Drop(l.drop)
	l.drop = 0
	seen := 0
	for {
		b := l.w.Bytes()
		if i := bytes.IndexByte(b[seen:], '\n'); i >= 0 {
			l.drop = seen + i + 1
			l.Line = bytes.TrimSuffix(b[:seen+i], []byte{'\r'})
			l.Row = l.w.Line()
			return true
		}
		seen = len(b)
		if l.w.More() {
			continue
		}
		if l.w.Full() {
			l.w.DropLine()
			seen = 0
			continue
		}
		if l.w.Err() != nil || seen == 0 {
			return false
		}
		l.drop, l.Line, l.Row = seen, bytes.TrimSuffix(b, []byte{'\r'}), l.w.Line()
		return true
	}
}

// Err returns why the file couldn't be read to its end, or nil.
func (l *Lines) Err() error { return l.w.Err() }

// Close drops everything.
func (l *Lines) Close() { l.w.Close() }
