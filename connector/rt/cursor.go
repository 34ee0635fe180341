package rt

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"firsthand/fault"
)

const (
	// overlap is for how long a transaction of RT's database may take.
	overlap = time.Minute
	// maxTold is how many transactions of that time a cursor names. Beyond that the
	// time is shorter.
	maxTold = 200
)

// A cursor says which transactions were told: all up to floor, or they were nothing to
// tell, and of those after it the ones that it names.
type cursor struct {
	floor uint64
	after []uint64 // by number

	// What follows is of one reading.
	last time.Time     // when the latest transaction was that RT has shown
	seen []transaction // those after floor that were told or were nothing, by number
}

// told reports whether the transaction n was told.
func (c *cursor) told(n uint64) bool {
	_, ok := slices.BinarySearch(c.after, n)
	return n <= c.floor || ok
}

// meet notes how far RT's clock is.
func (c *cursor) meet(all []transaction) {
	for _, x := range all {
		if x.Created.After(c.last) {
			c.last = x.Created
		}
	}
}

// pass notes that xs, the next ones, are told, or were nothing to tell.
func (c *cursor) pass(xs []transaction, tell bool) {
	for _, x := range xs {
		c.seen = append(c.seen, x)
		if i, there := slices.BinarySearch(c.after, x.n); tell && !there {
			c.after = slices.Insert(c.after, i, x.n)
		}
	}
	// What is old enough, with all before it, has nothing new before it.
	n := 0
	for n < len(c.seen) && c.last.Sub(c.seen[n].Created) > overlap {
		c.floor = max(c.floor, c.seen[n].n)
		n++
	}
	c.seen = c.seen[n:]
	if over := len(c.after) - maxTold; over > 0 {
		c.floor = max(c.floor, c.after[over-1])
	}
	c.after = slices.DeleteFunc(c.after, func(n uint64) bool { return n <= c.floor })
}

// String returns c as text, as in "117" or "117 119,123".
func (c *cursor) String() string {
	if len(c.after) == 0 {
		return fmt.Sprint(c.floor)
	}
	var told []string
	for _, n := range c.after {
		told = append(told, fmt.Sprint(n))
	}
	return fmt.Sprint(c.floor) + " " + strings.Join(told, ",")
}

// parseCursor reads what String returned; the empty text is the beginning.
func parseCursor(text string) (*cursor, error) {
	c := &cursor{}
	if text == "" {
		return c, nil
	}
	wrong := fmt.Errorf("%w: this is no cursor of RT's", fault.Invalid)
	floor, told, _ := strings.Cut(text, " ")
	var err error
	if c.floor, err = strconv.ParseUint(floor, 10, 63); err != nil {
		return nil, wrong
	}
	for each := range strings.SplitSeq(told, ",") {
		if told == "" {
			break
		}
		n, err := strconv.ParseUint(each, 10, 63)
		if err != nil || n <= c.floor || len(c.after) > 0 && n <= c.after[len(c.after)-1] || len(c.after) > maxTold {
			return nil, wrong
		}
		c.after = append(c.after, n)
	}
	return c, nil
}

// reached remembers the last cursor, and up to where there was nothing to tell after
// it: a cursor comes only with a change, and most that happens in an RT is none.
type reached struct {
	mu     sync.Mutex
	cursor string
	floor  uint64
}

func (r *reached) of(cursor string) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cursor != cursor {
		return 0
	}
	return r.floor
}

func (r *reached) put(cursor string, floor uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cursor, r.floor = cursor, floor
}
