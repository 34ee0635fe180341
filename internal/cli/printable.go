package cli

import (
	"fmt"
	"regexp"
	"strings"
	"text/tabwriter"
	"unicode"
)

// escapes matches the sequences by which a terminal is told to colour, move or
// erase (ECMA-48 control sequences). They have no content, so they go whole. Of
// any other sequence only the control characters go, and what is left shows that
// something was tried: nothing that has content is hidden.
var escapes = regexp.MustCompile("(?:\x1b\\[|\u009b)[0-?]*[ -/]*[@-~]")

// Printable returns s, which somebody else wrote, on one line and without what
// would make a terminal do or show something else than s says: control
// characters and escape sequences, and characters that reorder text or can't be
// seen. Line breaks and tabs become spaces; bytes that aren't UTF-8 become U+FFFD.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' {
			return ' '
		}
		return r
	}, printable(s))
}

// PrintableLines is Printable for text that has lines of its own. Each gets the
// prefix, so that none can pass for a line of ours. It ends in a line break.
func PrintableLines(s, prefix string) string {
	lines := strings.Split(strings.TrimRight(printable(s), "\n"), "\n")
	return prefix + strings.Join(lines, "\n"+prefix) + "\n"
}

func printable(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = escapes.ReplaceAllString(s, "")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\u2028', r == '\u2029', r == '\v', r == '\f':
			return '\n'
		case r == '\t':
			return ' '
		case unicode.IsControl(r):
			return -1
		case r == '\u200c', r == '\u200d':
			return r // Persian and family emoji are written with them
		case unicode.Is(unicode.Cf, r), r >= 0xE0100 && r <= 0xE01EF:
			return -1 // bidi controls, zero-width, tags; variation selectors that carry bytes
		}
		return r
	}, s)
}

// Count returns n and what it counts: "1 company", "2 companies".
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// Table returns rows as text in columns, each cell [Printable]. The first row may
// be a header. Rows may differ in length.
func Table(rows ...[]string) string {
	columns := 0
	for _, row := range rows {
		columns = max(columns, len(row))
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		cells := make([]string, columns) // a column ends where a row lacks it
		for i, cell := range row {
			cells[i] = strings.TrimSpace(Printable(cell))
		}
		w.Write([]byte(strings.Join(cells, "\t") + "\n"))
	}
	w.Flush() // to memory
	return trailing.ReplaceAllString(b.String(), "")
}

var trailing = regexp.MustCompile(`(?m) +$`)
