package agent

import (
	"context"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/channel"
)

// A Move is one change, once and everywhere: new values for facts, to every
// company that holds the old ones.
type Move struct {
	Facts []NewFact `json:"facts"`
	// Basis is hers for the whole move where a company's terms give none: a right,
	// such as "GDPR 16", or one recorded exception. Zero: none.
	Basis firsthand.Basis `json:"basis"`
	// Only and Except are companies, by their domains; a relationship's ID means
	// that one alone. Only is nil for all that hold one of the facts.
	Only   []string `json:"only,omitempty"`
	Except []string `json:"except,omitempty"`
	// Before are companies that have the facts from before, as she states with
	// this move. What she has stated already needs no mention.
	Before []string `json:"before,omitempty"`
	// Guesses includes companies of which only a guess says that they hold it.
	Guesses bool           `json:"guesses,omitempty"`
	Starts  firsthand.Date `json:"starts,omitempty"` // nothing goes before this day; "": at once
	Note    string         `json:"note,omitempty"`   // hers, told to nobody
}

// A NewFact is one of the facts that a move changes.
type NewFact struct {
	Fact  string          `json:"fact"`
	Value firsthand.Value `json:"value"`
	// Old is what those have that she states have it from before, where nothing
	// else says so. Zero: unsaid.
	Old firsthand.Value `json:"old,omitzero"`
}

// Groups of legs. The order is that of a preview.
const (
	Instant  = channel.Instant  // a gateway takes it by itself
	Prepared = channel.Prepared // all is ready, and carried when she says so
	NeedsYou = channel.NeedsYou // a task for her
	LeftOut  = channel.LeftOut  // it goes nowhere, for the reason that the leg gives
)

// A Leg is what a move means for one fact at one company.
type Leg struct {
	Domain, Name string
	Rel          firsthand.ID // zero where there is no relationship yet: the move opens a log
	Fact         string
	Value, Old   firsthand.Value // Old is what the company has, as far as is known
	Of           firsthand.ID    // the holding's entry; zero if stated from before
	Group        string
	Channel      string // native, manual …; "" if left out
	Reason       string // why it may, or why it is left out, in words for her
	Basis        firsthand.Basis
	Guessed      bool // only a guess says that the company holds it
	Origin       firsthand.Origin
	Proposal     bool // it counts only once she has proved that the record is hers
}

// A Plan is what a move would do.
type Plan struct {
	Legs   []Leg          // by group, domain, relationship, fact
	Counts map[string]int // legs by group
	// Companies is how many companies would be told something.
	Companies int
	// Labels is how many next keys the move needs, for logs that it opens, and
	// Free how many the book has. Where they don't suffice Begin says how to
	// refill it, and does nothing.
	Labels, Free int
}

// Plan says what a move would do, company by company. It writes nothing.
func (a *Agent) Plan(ctx context.Context, m Move) (Plan, error) {
	return Plan{}, fault.Internal // under construction
}

// Begin carries out a move: one entry for each leg that Plan lets go, all in one
// transaction, with her own new facts, the move and its legs, and the logs that it
// opens. Where another act came between, or the power fails, the whole was done or
// nothing.
//
// key makes a double click one move: a second Begin with the same key does
// nothing and returns the same id. It is any text that the page or command made
// up for this move; "" for a move that nobody repeats.
//
// A move that starts on a later day is noted; Run begins it on that day, planned
// anew.
func (a *Agent) Begin(ctx context.Context, m Move, key string) (id int64, err error) {
	return 0, fault.Internal // under construction
}

// CancelMove ends a move that has not begun. One that has begun can't be taken
// back, since it was said: fault.Conflict.
func (a *Agent) CancelMove(ctx context.Context, id int64) error { return fault.Internal }

// PauseMove holds what the move has not sent, or lets it go on. Entries stay in
// order, so what was said later to the same companies waits too.
func (a *Agent) PauseMove(ctx context.Context, id int64, paused bool) error { return fault.Internal }

// Retry makes the legs n of a move, all if there are none, be tried again now.
func (a *Agent) Retry(ctx context.Context, id int64, n ...int) error { return fault.Internal }

// A MoveRow is what is kept of a move.
type MoveRow struct {
	ID      int64
	Key     string // "" or one of its own
	Move    Move
	Made    time.Time
	State   string // scheduled, begun, cancelled
	Began   time.Time
	Paused  bool
	Problem string // why a scheduled move could not begin, and what to do
}
