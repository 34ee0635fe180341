package importer

import "bytes"

// A scanner finds the end of a row and of its cells. It copies nothing, and goes on
// where it was when there is more to be looked at.
type scanner struct {
	comma byte
	pos   int // what is before has been looked at
	state state
	cells []cell
	why   string // what is wrong, if something is
}

// A cell is where the content of a cell is, from the beginning of the row.
type cell struct {
	from, to int
	doubled  bool // it has two quotes for each
}

// maxCells is how many cells a row may have.
const maxCells = 1000

type state uint8

const (
	start  state = iota // of a cell
	bare                // in a cell without quotes
	quoted              // in a cell with quotes
	quote               // after a quote within such a cell
	after               // after such a cell, among blanks
)

func (s *scanner) reset() { *s = scanner{comma: s.comma, cells: s.cells[:0]} }

// scan goes on through b, which begins as it did before and may be longer, and
// reports whether the row has ended, or turned out to be bad.
func (s *scanner) scan(b []byte) bool {
	for s.pos < len(b) {
		c := b[s.pos]
		switch s.state {
		case start:
			if len(s.cells) == maxCells {
				return s.bad("has too many cells")
			}
			s.cells = append(s.cells, cell{from: s.pos})
			s.state = bare
			continue
		case bare:
			cell := &s.cells[len(s.cells)-1]
			switch c {
			case s.comma:
				s.endCell(s.pos)
			case '\n':
				s.endCell(s.pos)
				if cell.to > cell.from && b[cell.to-1] == '\r' {
					cell.to--
				}
				s.pos++
				return true
			case '"':
				if len(bytes.Trim(b[cell.from:s.pos], " ")) > 0 {
					return s.bad("has a quote within a cell")
				}
				cell.from, s.state = s.pos+1, quoted
			}
		case quoted:
			i := bytes.IndexByte(b[s.pos:], '"')
			if i < 0 {
				s.pos = len(b)
				return false
			}
			s.pos += i
			s.state = quote
		case quote, after:
			end := s.pos - 1
			if s.state == after {
				end = s.cells[len(s.cells)-1].to
			}
			switch {
			case c == '"' && s.state == quote:
				s.cells[len(s.cells)-1].doubled = true
				s.state = quoted
			case c == s.comma:
				s.endCell(end)
			case c == '\n':
				s.endCell(end)
				s.pos++
				return true
			case c == ' ' || c == '\r':
				s.cells[len(s.cells)-1].to = end
				s.state = after
			default:
				return s.bad("has a quote within a cell")
			}
		}
		s.pos++
	}
	return false
}

// end ends the row where b and the file end.
func (s *scanner) end(b []byte) {
	switch s.state {
	case start:
		s.cells = append(s.cells, cell{from: len(b), to: len(b)})
	case bare:
		s.endCell(len(b))
	case quoted:
		s.bad("has a quote that isn't closed")
	case quote:
		s.endCell(len(b) - 1)
	}
}

func (s *scanner) endCell(to int) {
	s.cells[len(s.cells)-1].to = to
	s.state = start
}

func (s *scanner) bad(why string) bool {
	s.why = why
	return true
}
