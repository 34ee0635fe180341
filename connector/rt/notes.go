package rt

import (
	"math/bits"
	"slices"
	"strings"

	"firsthand"
)

// The notes of what was done, and what was declined, are the values of a user's custom
// field. A value has one note, or several, a line each.

// noted is the note that a request is done, or declined, and why.
func noted(id firsthand.ID, why string) string {
	if why != "" {
		return id.String() + notDone + why
	}
	return id.String()
}

const notDone = " declined: "

// noteOf reports whether there is a note of a request, and if that was declined why.
func noteOf(values []string, id firsthand.ID) (why string, done bool) {
	for _, v := range values {
		for note := range strings.Lines(v) {
			rest, ok := strings.CutPrefix(strings.TrimSpace(note), id.String())
			if !ok {
				continue
			}
			if why, not := strings.CutPrefix(rest, notDone); not || rest == "" {
				return why, true
			}
		}
	}
	return "", false
}

// pack adds a note to the values. Every value costs RT 1 to 2 ms whenever its user is
// read or written, so four with about as many notes become one: of a thousand notes
// there are at most 15 values, and each was written 6 times. Those of before come
// without a line break, and old ones may have any number of values.
func pack(values []string, note string) []string {
	values = append(slices.Clone(values), note)
	for size := range 32 {
		var same, rest []string
		for _, v := range values {
			if sizeOf(v) == size {
				same = append(same, v)
			} else {
				rest = append(rest, v)
			}
		}
		if len(same) >= 4 {
			values = append(rest, strings.Join(same, "\n"))
		}
	}
	return values
}

// sizeOf is 0 for 1 to 3 notes, 1 for 4 to 15, 2 for 16 to 63, and so on.
func sizeOf(value string) int {
	return (bits.Len(uint(strings.Count(value, "\n")+1)) - 1) / 2
}
