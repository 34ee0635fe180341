package agent

import (
	"context"
	"time"

	"firsthand"
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
	StepCancelled = "cancelled" // it will not begin
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
func (a *Agent) Moves(ctx context.Context) ([]MoveRow, error) { return a.Store.Moves(ctx) }

// Board returns one move with its legs. It reads what is cached: thousands of
// legs take milliseconds.
func (a *Agent) Board(ctx context.Context, id int64) (b Board, err error) {
	if b.MoveRow, err = a.move(ctx, id); err != nil {
		return b, err
	}
	states, err := a.Store.Legs(ctx, id)
	if err != nil {
		return b, err
	}
	now := a.Now()
	b.Counts, b.Groups = make(map[string]int), make(map[string]int)
	for i := range states {
		s := states[i].LegStep()
		b.count(&s, now)
	}
	b.fill(states, now)
	return b, nil
}

// BoardPart is Board with a part of the legs: of those at a step, or with "" of all,
// limit from offset on. The counts are of all, and n is how many are at that step.
func (a *Agent) BoardPart(ctx context.Context, id int64, step string, offset, limit int) (b Board, n int, err error) {
	if b.MoveRow, err = a.move(ctx, id); err != nil {
		return b, 0, err
	}
	steps, err := a.Store.LegSteps(ctx, id)
	if err != nil {
		return b, 0, err
	}
	now := a.Now()
	b.Counts, b.Groups = make(map[string]int), make(map[string]int)
	var part []int
	for i := range steps {
		if is := b.count(&steps[i], now); step == "" || is == step {
			if n++; n > offset && n <= offset+limit {
				part = append(part, steps[i].N)
			}
		}
	}
	if len(part) == 0 {
		return b, n, nil
	}
	states, err := a.Store.Legs(ctx, id, part...)
	if err != nil {
		return b, 0, err
	}
	b.fill(states, now)
	return b, n, nil
}

// count counts a leg, and returns its step.
func (b *Board) count(s *LegStep, now time.Time) (step string) {
	step, _, _ = s.at(&b.MoveRow, now)
	b.Counts[step]++
	b.Groups[s.Group]++
	return step
}

// fill makes the legs of states.
func (b *Board) fill(states []LegState, now time.Time) {
	values := make(map[string]firsthand.Value)
	for _, f := range b.Move.Facts {
		values[f.Fact] = f.Value
	}
	b.Legs = make([]BoardLeg, len(states))
	for i := range states {
		s := &states[i]
		l := &b.Legs[i]
		*l = BoardLeg{Leg: s.Leg, N: s.N, Entry: s.Entry}
		l.Value = values[l.Fact]
		l.fill(&b.MoveRow, s, now)
	}
}

// fill says how far l has come, and by whose word.
func (l *BoardLeg) fill(m *MoveRow, s *LegState, now time.Time) {
	step := s.LegStep()
	l.Step, l.Day, l.Of = step.at(m, now)
	if !step.isCarried(m) {
		return
	}
	c := &s.Carried
	l.System, l.Record, l.Why, l.Unproved = c.System, c.Record, c.Why, c.Unpaired && c.Step != ""
	if !c.Unpaired || s.Mail != "" {
		l.Tries, l.Failure, l.NextTry = s.Tries, s.Failure, s.NextTry
	}
}

// isCarried reports whether there is an entry whose way can be told.
func (s *LegStep) isCarried(m *MoveRow) bool {
	return s.Group != LeftOut && m.State != Scheduled && m.State != Cancelled && s.Written && s.Known
}

// at returns the step of a leg, and which day it is of how many until its answer is
// due.
func (s *LegStep) at(m *MoveRow, now time.Time) (step string, day, of int) {
	switch {
	case s.Group == LeftOut:
		return StepLeftOut, 0, 0
	case m.State == Scheduled:
		return StepScheduled, 0, 0
	case m.State == Cancelled:
		return StepCancelled, 0, 0
	case !s.Written:
		return StepDraft, 0, 0 // to be signed when the company was asked what it has
	case !s.Known:
		return StepReplaced, 0, 0
	}
	mails := s.Mail == MailWaiting || s.Mail == MailSending
	switch {
	case s.Step != "":
		step = s.Step
	case s.Mail == MailWaiting && m.Paused:
		step = StepPaused
	case mails:
		step = StepDraft
	case s.Unpaired:
		step = StepNeedsYou
	case s.Received >= s.Seq:
		step = StepReceived
	case s.Sent >= s.Seq:
		step = StepSent // paused or not: it may be known there
	case m.Paused:
		step = StepPaused
	default:
		step = StepDraft
	}
	if step == StepSent || step == StepReceived {
		day, of = clock(s.Made, s.Due, now)
		if of > 0 && s.Due.Over(now) {
			step = StepNoAnswer
		}
	}
	return step, day, of
}

// clock returns which day it is of how many until the end of due, counted from
// made; 0 of 0 if nothing is due.
func clock(made time.Time, due firsthand.Date, now time.Time) (day, of int) {
	if due == "" {
		return 0, 0
	}
	const d = 24 * time.Hour
	day, of = max(1, int(now.Sub(made)/d)+1), max(1, int(due.End().Sub(made)/d))
	if !due.Over(now) {
		day = min(day, of) // the last is longer by what is left of the first
	}
	return day, of
}
