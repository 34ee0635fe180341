package rt

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// RT numbers a transaction when it is written and shows it when its work ends: what
// shows late is told, and nothing twice, whatever is kept of a cursor.
func TestCursor(t *testing.T) {
	start := time.Date(2026, 11, 21, 21, 47, 0, 0, time.UTC)
	at := func(n uint64, seconds int) transaction {
		return transaction{n: n, Created: start.Add(time.Duration(seconds) * time.Second)}
	}
	c := &cursor{}
	read := func(all ...transaction) (told []uint64) {
		t.Helper()
		again, err := parseCursor(c.String())
		if err != nil {
			t.Fatalf("%q: %v", c, err)
		}
		c = again
		c.meet(all)
		for _, x := range all {
			if x.n > c.floor && !c.told(x.n) {
				told = append(told, x.n)
			}
			c.pass([]transaction{x}, true)
		}
		return told
	}
	for i, tt := range []struct {
		all  []transaction
		want []uint64
	}{
		{[]transaction{at(1, 0), at(2, 1), at(5, 3)}, []uint64{1, 2, 5}},
		{[]transaction{at(1, 0), at(2, 1), at(3, 1), at(5, 3), at(6, 4)}, []uint64{3, 6}}, // 3 was long
		{[]transaction{at(1, 0), at(2, 1), at(3, 1), at(5, 3), at(6, 4)}, nil},
		{[]transaction{at(1, 0), at(2, 1), at(3, 1), at(4, 2), at(5, 3), at(6, 4), at(9, 62)}, []uint64{4, 9}},
		{[]transaction{at(6, 4), at(9, 62), at(10, 200)}, []uint64{10}},
		{[]transaction{at(10, 200)}, nil},
	} {
		if got := read(tt.all...); !slices.Equal(got, tt.want) {
			t.Errorf("reading %d told %v, want %v; the cursor is %q", i+1, got, tt.want, c)
		}
	}
	if c.String() != "9 10" {
		t.Errorf("after a minute the cursor is %q", c)
	}
	var busy []transaction
	for n := range uint64(1000) {
		busy = append(busy, at(11+n, 201))
	}
	if got := read(busy...); len(got) != len(busy) || len(c.after) > maxTold {
		t.Errorf("of %d in a second %d were told, and %d are named", len(busy), len(got), len(c.after))
	}
	for _, text := range []string{"x", "-1", "1 ", "5 4", "5 7,6", "5 6,6", "5 6,", "1 " + strings.Repeat("2,", 900)} {
		if got, err := parseCursor(text); err == nil && text != "1 " {
			t.Errorf("%.20q is a cursor: %v", text, got)
		}
	}
}

func TestReached(t *testing.T) {
	var r reached
	r.put("7", 90)
	if r.of("7") != 90 || r.of("8") != 0 {
		t.Errorf("reached %d and %d", r.of("7"), r.of("8"))
	}
}
