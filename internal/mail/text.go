package mail

import (
	"strings"
	"unicode"
)

// maxClean is how long a name or a note in a draft may be, in characters.
const maxClean = 300

// Clean returns text of strangers as it may stand on one line: without
// control characters and what turns the direction of writing, white space as single
// spaces, and not longer than a name is.
func Clean(s string) string {
	s = strings.Join(strings.Fields(visible(s)), " ")
	if r := []rune(s); len(r) > maxClean {
		s = string(r[:maxClean]) + "…"
	}
	return s
}

// Inert returns text of which nothing acts: without control characters and what
// turns the direction of writing. It keeps its lines.
func Inert(s string) string {
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for i := range lines {
		lines[i] = visible(lines[i])
	}
	return strings.Join(lines, "\n")
}

// visible replaces what can't be seen and has an effect all the same.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), r == '\u2028', r == '\u2029', r == unicode.ReplacementChar:
			return ' '
		case unicode.Is(unicode.Cf, r) && r != '\u200d' && r != '\u200c': // joiners are part of writing
			return -1
		}
		return r
	}, s)
}
