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
	values := make(map[string]firsthand.Value)
	for _, f := range b.Move.Facts {
		values[f.Fact] = f.Value
	}
	b.Counts, b.Groups = make(map[string]int), make(map[string]int)
	b.Legs = make([]BoardLeg, len(states))
	now := a.Now()
	for i := range states {
		s := &states[i]
		l := &b.Legs[i]
		*l = BoardLeg{Leg: s.Leg, N: s.N, Entry: s.Entry}
		l.Value = values[l.Fact]
		l.fill(&b.MoveRow, s, now)
		b.Counts[l.Step]++
		b.Groups[l.Group]++
	}
	return b, nil
}

// fill says how far l has come.
func (l *BoardLeg) fill(m *MoveRow, s *LegState, now time.Time) {
	c := &s.Carried
	switch {
	case l.Group == LeftOut:
		l.Step = StepLeftOut
		return
	case m.State == Scheduled:
		l.Step = StepScheduled
		return
	case m.State == Cancelled:
		l.Step = StepCancelled
		return
	case l.Entry.IsZero():
		l.Step = StepDraft // to be signed when the company was asked what it has
		return
	case c.Entry.IsZero():
		l.Step = StepReplaced
		return
	}
	l.Step, l.System, l.Record, l.Why, l.Unproved = c.Step, c.System, c.Record, c.Why, c.Unpaired && c.Step != ""
	if !c.Unpaired || s.Mail != "" {
		l.Tries, l.Failure, l.NextTry = s.Tries, s.Failure, s.NextTry
	}
	if l.Step == "" {
		mails := s.Mail == MailWaiting || s.Mail == MailSending
		switch {
		case mails && m.Paused:
			l.Step = StepPaused
		case mails:
			l.Step = StepDraft
		case c.Unpaired:
			l.Step = StepNeedsYou
		case s.Received >= c.Seq:
			l.Step = StepReceived
		case m.Paused:
			l.Step = StepPaused
		case s.Sent >= c.Seq:
			l.Step = StepSent
		default:
			l.Step = StepDraft
		}
	}
	if l.Step == StepSent || l.Step == StepReceived {
		l.Day, l.Of = clock(c.Made, c.Due, now)
		if l.Of > 0 && c.Due.Over(now) {
			l.Step = StepNoAnswer
		}
	}
}

// clock returns which day it is of how many until the end of due, counted from
// made; 0 of 0 if nothing is due.
func clock(made time.Time, due firsthand.Date, now time.Time) (day, of int) {
	if due == "" {
		return 0, 0
	}
	const d = 24 * time.Hour
	return int(now.Sub(made)/d) + 1, int(due.End().Sub(made) / d)
}
