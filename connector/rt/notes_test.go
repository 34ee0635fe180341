package rt

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"firsthand"
)

// Whatever comes when, each note is found, and RT has few values to read.
func TestNotes(t *testing.T) {
	var ids []firsthand.ID
	var values []string
	for n := range 1000 {
		var id firsthand.ID
		rand.Read(id[:])
		why := ""
		if n%5 == 0 {
			why = fmt.Sprintf("reason %d", n)
		}
		if _, done := noteOf(values, id); done {
			t.Fatalf("note %d is there already", n)
		}
		ids = append(ids, id)
		values = pack(values, noted(id, why))
		if len(values) > 15 {
			t.Fatalf("%d notes are %d values", n+1, len(values))
		}
	}
	for n, id := range ids {
		want := ""
		if n%5 == 0 {
			want = fmt.Sprintf("reason %d", n)
		}
		if why, done := noteOf(values, id); !done || why != want {
			t.Fatalf("note %d of 1000: %q, %t, want %q", n, why, done, want)
		}
	}
	// As they were before, each a value; and as RT's own page leaves them.
	old := strings.Split(strings.Join(values, "\r\n"), "\n")
	if packed := pack(old, noted(firsthand.ID{1}, "")); len(packed) != 1 {
		t.Errorf("1001 values of one note are %d", len(packed))
	} else if why, done := noteOf(packed, ids[5]); !done || why != "reason 5" {
		t.Errorf("a note of before: %q, %t", why, done)
	}
	// What only begins like a note is none.
	if _, done := noteOf([]string{ids[0].String() + "x", "x" + ids[0].String()}, ids[0]); done {
		t.Error("another's note is taken for it")
	}
}
