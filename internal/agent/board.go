package agent

import (
	"context"
	"time"

	"firsthand"
	"firsthand/fault"
)

// A Board is a move and how far each of its legs has come.
type Board struct {
	MoveRow
	Legs []BoardLeg // in the order of the plan
	// Counts are legs by step, and Groups by group.
	Counts, Groups map[string]int
}

// Steps of a board's legs. It never says more than is proved, except where the leg
// is marked Unproved: there it is her own word.
const (
	StepScheduled = "scheduled" // the move begins later
	StepLeftOut   = "left out"
	StepNeedsYou  = "needs you" // an open task
	StepDraft     = "draft"     // not sent yet
	StepPaused    = "paused"    // not sent, and held
	StepSent      = "sent"      // a call has carried it, or she has
	StepReceived  = "received"  // the company has signed for it
	StepApplied   = "applied"   // it is in the company's systems
	StepRefused   = "refused"
	StepNoAnswer  = "no answer" // the day has passed by which it was due
	StepReplaced  = "replaced"  // a later change, or a fork, has taken its place
)

// A BoardLeg is one leg of a move that was made.
type BoardLeg struct {
	Leg
	N              int          // its number in the move, from 1
	Entry          firsthand.ID // zero if nothing was written, or only a draft
	Step           string
	System, Record string // with applied
	Why            string // with refused, the company's reason; with a task done, her note
	Day, Of        int    // day n of m until the answer is due; 0 if nothing is due
	Unproved       bool   // her word, and nobody's signature
	Tries          int    // calls that failed since the last that did not
	Failure        string // why the last one did: a sentence
	NextTry        time.Time
}

// Moves returns all moves, the latest first, without their legs.
func (a *Agent) Moves(ctx context.Context) ([]MoveRow, error) { return nil, fault.Internal }

// Board returns one move with its legs. It reads what is cached: thousands of
// legs take milliseconds.
func (a *Agent) Board(ctx context.Context, id int64) (Board, error) {
	return Board{}, fault.Internal
}
