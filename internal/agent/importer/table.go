package importer

import (
	"bytes"
	"io"
	"iter"
	"strings"

	"firsthand/fault"
)

// Table reads a table: CSV (RFC 4180) with commas, semicolons, tabs or bars, and
// a header. Open is told the columns, in lower case and without blanks around
// them, and returns what makes something of a row; false stands for nothing.
//
// It is stricter than most readers, since a cell in the wrong column may be a
// password in the place of a name: a row that hasn't as many cells as the header,
// or a quote where none may be, is a [BadRow], and costs its first line alone.
func Table(r io.Reader, open func(columns []string) func(*Row) (Found, bool)) iter.Seq2[Found, error] {
	return func(yield func(Found, error) bool) {
		t := table{w: NewWindow(r)}
		defer t.w.Close()
		columns, err := t.header()
		if err != nil {
			yield(Found{}, err)
			return
		}
		found := open(columns)
		var unquoted []byte
		doubtful := false
		for t.next() {
			row := Row{Line: t.w.Line(), Doubtful: doubtful, b: t.w.Bytes(), cells: t.s.cells, comma: t.s.comma, unquoted: unquoted}
			var f Found
			var ok bool
			why := t.s.why
			switch {
			case why != "":
			case row.isEmpty():
			case len(row.cells) != len(columns):
				why = "has not as many cells as the first row"
			default:
				if f, ok = found(&row); row.swallowed {
					why = "a quote runs on into other rows"
				} else if doubtful = row.Doubtful; doubtful {
					why = "may be a part of the row before it, which can't be read"
				}
			}
			unquoted = row.unquoted
			clear(unquoted)
			doubtful = doubtful || why != ""
			if why == "" {
				t.w.Drop(t.s.pos)
				f.Row = row.Line
				if ok && !yield(f, nil) {
					return
				}
				continue
			}
			// A quote that was never closed has swallowed what follows, so the
			// next line is looked at again.
			t.w.DropLine()
			if !yield(Found{}, &BadRow{Row: row.Line, Why: why}) {
				return
			}
		}
		if err := t.w.Err(); err != nil {
			yield(Found{}, err)
		}
	}
}

// Columns returns the columns of the table that begins with head, as [Table] would
// give them, or nil if it is none.
func Columns(head []byte) []string {
	var best []string
	head = bytes.TrimLeft(head, "\r\n")
	for _, comma := range []byte(commas) {
		s := scanner{comma: comma}
		if done := s.scan(head); !done && len(head) < HeadSize {
			s.end(head)
		} else if !done {
			continue // a header as long as that isn't one
		}
		if s.why == "" && len(head) > 0 && len(s.cells) > len(best) {
			best = s.columns(head)
		}
	}
	return best
}

const commas = ",;\t|"

// A table is a table that is being read.
type table struct {
	w *Window
	s scanner
}

// header reads the header.
func (t *table) header() ([]string, error) {
	for len(t.w.Bytes()) < HeadSize && t.w.More() {
	}
	if err := t.w.Err(); err != nil {
		return nil, err
	}
	head := t.w.Bytes()
	t.w.Drop(len(head) - len(bytes.TrimLeft(head, "\r\n")))
	head = t.w.Bytes()
	head = head[:min(len(head), HeadSize)]
	best := scanner{}
	for _, comma := range []byte(commas) {
		s := scanner{comma: comma}
		if !s.scan(head) {
			s.end(head)
		}
		if s.why == "" && len(head) > 0 && len(s.cells) > len(best.cells) {
			best = s
		}
	}
	if len(best.cells) == 0 {
		return nil, fault.Tell(fault.Invalid, "This file has no header.", "The first row has to name the columns. Export it again, and don't edit it.")
	}
	columns := best.columns(head)
	t.s.comma = best.comma
	t.w.Drop(best.pos)
	return columns, nil
}

// next finds the next row, and reports whether there is one. It begins where the
// window does and ends at t.s.pos; if it is bad, t.s.why says so.
func (t *table) next() bool {
	t.s.reset()
	for !t.s.scan(t.w.Bytes()) {
		if t.w.More() {
			continue
		}
		if t.w.Full() {
			t.s.why = "is too long, or a quote isn't closed"
			return true
		}
		if t.w.Err() != nil || len(t.w.Bytes()) == 0 {
			return false
		}
		t.s.end(t.w.Bytes())
		return true
	}
	return true
}

// A Row is a row of a table. It is valid until what makes something of it returns.
type Row struct {
	Line int // at which it begins, from 1

	// Doubtful says that the row before can't be read. Then this one may be a line
	// of a note in that, and any cell a secret; and so may those be that follow. It
	// will be a [BadRow], unless whoever makes something of it sees by what is in its
	// cells that it is a row, and says so by false.
	Doubtful bool

	b     []byte
	cells []cell
	comma byte

	unquoted  []byte // where cells with two quotes for each are as they are meant
	swallowed bool   // a cell that was asked for has other rows in it
}

// Text returns the cell of a column, counted from 0, as a text; "" if there is none.
func (r *Row) Text(column int) string { return Clean(r.Bytes(column)) }

// Bytes returns what Text does, before it is made a text. It is valid until the next
// call of either, and wiped with the row at the latest; so this is for cells in which
// there may be a secret beside what is wanted.
func (r *Row) Bytes(column int) []byte {
	b := r.raw(column)
	if len(b) == 0 {
		return nil
	}
	if r.swallows(column, b) {
		r.swallowed = true
		return nil
	}
	if !r.cells[column].doubled {
		return b
	}
	clear(r.unquoted)
	if cap(r.unquoted) < len(b) {
		r.unquoted = make([]byte, 0, 2*len(b))
	}
	r.unquoted = r.unquoted[:0]
	for {
		i := bytes.IndexByte(b, '"')
		if i < 0 {
			break
		}
		r.unquoted = append(r.unquoted, b[:i+1]...)
		b = b[i+2:]
	}
	r.unquoted = append(r.unquoted, b...)
	return r.unquoted
}

// Has reports whether there is something in the cell of a column. That is all that
// is to be known of a secret.
func (r *Row) Has(column int) bool { return len(bytes.TrimSpace(r.raw(column))) > 0 }

// HasPrefix reports whether the cell of a column begins with prefix.
func (r *Row) HasPrefix(column int, prefix string) bool {
	raw := r.raw(column)
	return len(raw) >= len(prefix) && string(raw[:len(prefix)]) == prefix
}

func (r *Row) raw(column int) []byte {
	if column < 0 || column >= len(r.cells) {
		return nil
	}
	c := r.cells[column]
	return r.b[c.from:c.to]
}

// swallows reports whether b, the cell of a column, may be the rest of one row,
// some whole ones, and the beginning of another: two stray quotes make one cell of
// them, and a row that has as many cells as it should. A text of several lines with
// so many commas in the first and the last of them is refused with them.
func (r *Row) swallows(column int, b []byte) bool {
	first := bytes.IndexByte(b, '\n')
	if first < 0 {
		return false
	}
	last, comma := bytes.LastIndexByte(b, '\n'), []byte{r.comma}
	return bytes.Count(b[:first], comma) >= len(r.cells)-1-column && bytes.Count(b[last:], comma) >= column
}

// isEmpty reports whether nothing is in r: a blank line, or one that a spreadsheet
// has filled up with commas.
func (r *Row) isEmpty() bool {
	for i := range r.cells {
		if r.Has(i) {
			return false
		}
	}
	return true
}

// columns returns the cells of a header.
func (s *scanner) columns(head []byte) []string {
	row := Row{b: head, cells: s.cells}
	var names []string
	for i := range s.cells {
		names = append(names, strings.ToLower(strings.TrimSpace(Clean(row.raw(i)))))
	}
	return names
}
