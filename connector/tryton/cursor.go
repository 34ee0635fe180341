package tryton

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"firsthand/fault"
)

const (
	// overlap is for how long a transaction may take.
	overlap = time.Minute
	// maxSeen is how many edits of that time a cursor names. Beyond that the time is
	// shorter.
	maxSeen = 200
)

// A cursor says which edits were told: all up to floor, and of those after it the ones
// that it names.
type cursor struct {
	floor edit
	seen  []seen // in the order in which they were told
}

type seen struct {
	edit
	fact string
}

// told reports whether e was told of a fact.
func (c *cursor) told(e edit, fact string) bool {
	return e.compare(c.floor) <= 0 || slices.ContainsFunc(c.seen, func(s seen) bool { return s.compare(e) == 0 && s.fact == fact })
}

// whole reports whether e was told of all facts, because another was told after it.
func (c *cursor) whole(e edit) bool {
	i := slices.IndexFunc(c.seen, func(s seen) bool { return s.compare(e) == 0 })
	return i >= 0 && c.seen[len(c.seen)-1].compare(e) != 0
}

// tell notes that e is told.
func (c *cursor) tell(e edit, fact string) {
	c.seen = append(c.seen, seen{e, fact})
	byOrder := func(a, b seen) int { return a.compare(b.edit) }
	if floor := (edit{at: slices.MaxFunc(c.seen, byOrder).at.Add(-overlap)}); floor.compare(c.floor) > 0 {
		c.floor = floor
	}
	drop := func() { c.seen = slices.DeleteFunc(c.seen, func(s seen) bool { return s.compare(c.floor) <= 0 }) }
	if drop(); len(c.seen) > maxSeen {
		c.floor = slices.MinFunc(c.seen, byOrder).edit
		drop()
	}
}

// A cursor is text of the form {"floor":[…],"seen":[[…],…]}, where an edit is its time in
// microseconds, its model and its row.
type cursorText struct {
	Floor []int64    `json:"floor"`
	Seen  []seenText `json:"seen"`
}

type seenText struct {
	Edit []int64 `json:"edit"`
	Fact string  `json:"fact"`
}

func (c *cursor) String() string {
	numbers := func(e edit) []int64 { return []int64{e.at.UnixMicro(), int64(e.model), int64(e.row)} }
	text := cursorText{Floor: numbers(c.floor), Seen: []seenText{}}
	for _, s := range c.seen {
		text.Seen = append(text.Seen, seenText{numbers(s.edit), s.fact})
	}
	b, err := json.Marshal(text)
	if err != nil {
		panic(err) // no value of these types can't be encoded
	}
	return string(b)
}

// parseCursor reads what String returned; the empty text is the beginning.
func parseCursor(text string) (*cursor, error) {
	c := &cursor{floor: edit{at: time.Unix(0, 0).UTC()}}
	if text == "" {
		return c, nil
	}
	wrong := fmt.Errorf("%w: this is no cursor of Tryton's", fault.Invalid)
	var got cursorText
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		return nil, wrong
	}
	number := func(n []int64) (e edit, ok bool) {
		if len(n) != 3 || n[1] < 0 || n[1] >= int64(len(models)) {
			return e, false
		}
		return edit{at: time.UnixMicro(n[0]).UTC(), model: int(n[1]), row: int(n[2])}, true
	}
	var ok bool
	if c.floor, ok = number(got.Floor); !ok {
		return nil, wrong
	}
	for _, s := range got.Seen {
		e, ok := number(s.Edit)
		if !ok {
			return nil, wrong
		}
		c.seen = append(c.seen, seen{e, s.Fact})
	}
	return c, nil
}
