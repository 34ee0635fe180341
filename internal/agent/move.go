package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/channel"
)

// A Move is one change, once and everywhere: new values for facts, to every
// company that holds the old ones.
type Move struct {
	Facts []NewFact `json:"facts,omitempty"`
	// Claim, if there is one, is the right that it claims, and Facts is empty.
	Claim Claim `json:"claim,omitzero"`
	// Basis is hers for the whole move where a company's terms give none: a right,
	// such as "GDPR 16", or one recorded exception. Zero: none.
	Basis firsthand.Basis `json:"basis,omitzero"`
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
	// Old is what those in Before have, if she says it.
	Old firsthand.Value `json:"old,omitzero"`
}

// Groups of legs. The order is that of a preview.
const (
	Instant  = channel.Instant  // a gateway takes it by itself
	Prepared = channel.Prepared // all is ready, and carried when she says so
	NeedsYou = channel.NeedsYou // a task for her
	LeftOut  = channel.LeftOut  // it goes nowhere, for the reason that the leg gives
)

// Native is the channel of companies that have a gateway: the outbox.
const Native = "native"

// A Leg is what a move means for one fact at one company.
type Leg struct {
	Domain, Name string
	Rel          firsthand.ID // zero where there is no relationship yet: the move opens a log
	Fact         string
	Value, Old   firsthand.Value // Old is what the company has, as far as is known
	Of           firsthand.ID    // the holding's entry; zero if stated from before
	Group        string
	Channel      string // Native, manual …; "" if left out
	Reason       string // why it may, or why it is left out, in words for her
	Basis        firsthand.Basis
	Guessed      bool // only a guess says that the company holds it
	Origin       firsthand.Origin
	Proposal     bool // it counts only once she has proved that the record is hers
	// Law and Due are those of a claim that is planned. Once it is made, its entry
	// has them, and they are kept nowhere else.
	Law string
	Due firsthand.Date
}

// A Plan is what a move would do.
type Plan struct {
	Legs   []Leg          // by group, domain, relationship, fact
	Counts map[string]int // legs by group
	// Companies is how many companies would be told something.
	Companies int
	// Digest is of all that would be said, to whom and by which way: as long as it is
	// the same, what she was shown is what would go.
	Digest string
	// Labels is how many next keys the move needs, for logs that it opens, and
	// Free how many the book has. Where they don't suffice Begin says how to
	// refill it, and does nothing.
	Labels, Free int
}

// A MoveRow is what is kept of a move.
type MoveRow struct {
	ID      int64
	Key     string // "" or one of its own
	Move    Move
	Made    time.Time
	State   string // Scheduled, Begun, Cancelled
	Began   time.Time
	Paused  bool
	Problem string // why a scheduled move could not begin, and what to do
}

// States of a move.
const (
	Scheduled = "scheduled"
	Begun     = "begun"
	Cancelled = "cancelled"
)

var groupOrder = map[string]int{Instant: 0, Prepared: 1, NeedsYou: 2, LeftOut: 3}

func compareLegs(x, y *Leg) int {
	return cmp.Or(cmp.Compare(groupOrder[x.Group], groupOrder[y.Group]), cmp.Compare(x.Domain, y.Domain),
		slices.Compare(x.Rel[:], y.Rel[:]), cmp.Compare(x.Fact, y.Fact))
}

// sortedLegs returns legs in the order of a preview.
func sortedLegs(legs []Leg) []*Leg {
	all := make([]*Leg, len(legs))
	for i := range legs {
		all[i] = &legs[i]
	}
	slices.SortStableFunc(all, compareLegs)
	return all
}

// check says what is wrong with m by itself.
func (m *Move) check() error {
	if !m.Claim.IsZero() {
		if len(m.Facts) > 0 {
			return fault.Tell(fault.Invalid, "a move changes facts or claims a right, and not both", "")
		}
		if err := m.Claim.check(); err != nil {
			return err
		}
	} else if len(m.Facts) == 0 {
		return fault.Tell(fault.Invalid, "a change changes at least one fact", "firsthand change FACT VALUE")
	}
	basis := m.Basis
	if basis == (firsthand.Basis{}) {
		basis.Right = "any"
	}
	if !basis.Agreement.IsZero() {
		return fault.Tell(fault.Invalid, "the terms of one company are no basis for others", "name a right or an exception")
	}
	seen := make(map[string]bool)
	for _, f := range m.Facts {
		if seen[f.Fact] {
			return fault.Tell(fault.Invalid, f.Fact+" is given twice", "one new value for each fact")
		}
		seen[f.Fact] = true
		if _, err := firsthand.EncodeBody(&firsthand.Change{Fact: f.Fact, Value: f.Value, Old: f.Old, Basis: basis}); err != nil {
			return fmt.Errorf("%s: %w", f.Fact, err)
		}
	}
	if m.Starts != "" {
		if _, err := firsthand.ParseDate(string(m.Starts)); err != nil {
			return err
		}
	}
	return nil
}

// later reports whether m starts after today. It is her own day and nobody else has to
// know it, so it begins where she is, and not in UTC as the days of entries.
func (m *Move) later(now time.Time) bool { return string(m.Starts) > now.Format(time.DateOnly) }

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
	if err := m.check(); err != nil {
		return 0, err
	}
	a.moving.Lock()
	defer a.moving.Unlock()
	if key != "" {
		row, err := a.Store.MoveOf(ctx, key)
		if fault.KindOf(err) != fault.NotExist {
			return row.ID, err // done already, or it can't be said
		}
	}
	rows, err := a.Store.Moves(ctx)
	if err != nil {
		return 0, err
	}
	row := MoveRow{ID: 1, Key: key, Move: m, Made: a.Now(), State: Scheduled}
	if len(rows) > 0 {
		row.ID = rows[0].ID + 1
	}
	if m.later(a.Now()) {
		p, err := a.Plan(ctx, m)
		if err != nil {
			return 0, err
		}
		c := Commit{Moves: []MoveRow{row}, Legs: map[int64][]LegRow{row.ID: legRows(p.Legs)}}
		if err := a.Store.Commit(ctx, c); err != nil {
			return 0, err
		}
		a.Wake()
		return row.ID, nil
	}
	if err := a.beginMove(ctx, row); err != nil {
		return 0, err
	}
	return row.ID, nil
}

func legRows(legs []Leg) []LegRow {
	rows := make([]LegRow, len(legs))
	for i, l := range legs {
		rows[i] = LegRow{Leg: l, N: i + 1}
		rows[i].Law, rows[i].Due = "", ""
	}
	return rows
}

// StartMoves begins the moves whose day has come. What keeps one from beginning is
// noted at it, and tried again later. next is when to look again, the zero time if
// no move waits.
func (a *Agent) StartMoves(ctx context.Context) (next time.Time, err error) {
	a.moving.Lock()
	defer a.moving.Unlock()
	rows, err := a.Store.Moves(ctx)
	if err != nil {
		return next, err
	}
	var errs []error
	for _, row := range slices.Backward(rows) { // in the order in which she decided
		if row.State != Scheduled {
			continue
		}
		next = a.Now().Add(time.Minute)
		if row.Move.later(a.Now()) {
			continue
		}
		if err := a.beginMove(ctx, row); err != nil {
			errs = append(errs, fmt.Errorf("move %d: %w", row.ID, err))
			if problem := said(err); problem != row.Problem && ctx.Err() == nil {
				row.Problem = problem
				errs = append(errs, a.Store.Commit(ctx, Commit{Moves: []MoveRow{row}}))
			}
		}
	}
	return next, errors.Join(errs...)
}

// said returns an error in words for her.
func said(err error) string {
	var n *fault.Notice
	if errors.As(err, &n) {
		return n.Text + ": " + n.Hint
	}
	return reason(err)
}

// runMoves begins moves on their day, until ctx ends.
func (a *Agent) runMoves(ctx context.Context) {
	for {
		next, err := a.StartMoves(ctx)
		if ctx.Err() != nil {
			return
		}
		wait := 24 * time.Hour // Begin wakes it
		if !next.IsZero() {
			wait = time.Minute // and not until that day: clocks are put right, and machines sleep
		}
		if err != nil {
			a.Log.Error("scheduled move", "err", err)
		}
		if !sleep(ctx, wait, a.moves) {
			return
		}
	}
}

// CancelMove ends a move that has not begun. One that has begun can't be taken
// back, since it was said: fault.Conflict.
func (a *Agent) CancelMove(ctx context.Context, id int64) error {
	a.moving.Lock()
	defer a.moving.Unlock()
	row, err := a.move(ctx, id)
	switch {
	case err != nil || row.State == Cancelled:
		return err
	case row.State == Begun:
		return fault.Tell(fault.Conflict, "the change has begun: what was said can't be taken back", fmt.Sprintf("hold what is not sent yet: firsthand move %d pause", id))
	}
	row.State, row.Problem = Cancelled, ""
	return a.Store.Commit(ctx, Commit{Moves: []MoveRow{row}})
}

// move returns a move's row.
func (a *Agent) move(ctx context.Context, id int64) (MoveRow, error) {
	row, err := a.Store.Move(ctx, id)
	if fault.KindOf(err) == fault.NotExist {
		err = fault.Tell(fault.NotExist, fmt.Sprintf("there is no change %d", id), "firsthand move")
	}
	return row, err
}

// PauseMove holds what the move has not sent, or lets it go on. Entries stay in
// order, so what was said later to the same companies waits too.
func (a *Agent) PauseMove(ctx context.Context, id int64, paused bool) error {
	a.moving.Lock()
	defer a.moving.Unlock()
	row, err := a.move(ctx, id)
	if err != nil || row.Paused == paused {
		return err
	}
	if row.State != Begun && paused {
		return fault.Tell(fault.Conflict, fmt.Sprintf("the change is %s: nothing of it is being sent", row.State), "firsthand move "+fmt.Sprint(id))
	}
	row.Paused = paused
	if err := a.Store.Commit(ctx, Commit{Moves: []MoveRow{row}}); err != nil {
		return err
	}
	a.mailing.wake()
	return a.rehold(ctx)
}

// rehold makes the outbox heed what is held now.
func (a *Agent) rehold(ctx context.Context) error {
	holds, err := a.paused.read(ctx, a.Store)
	if err == nil {
		a.schedule.hold(a.Now(), holds)
	}
	return err
}

// Retry makes the legs n of a move, all if there are none, be tried again now.
func (a *Agent) Retry(ctx context.Context, id int64, n ...int) error {
	if _, err := a.move(ctx, id); err != nil {
		return err
	}
	legs, err := a.Store.Legs(ctx, id)
	if err != nil {
		return err
	}
	done := make(map[firsthand.ID]bool)
	for _, l := range legs {
		if l.Rel.IsZero() || done[l.Rel] || l.NextTry.IsZero() || len(n) > 0 && !slices.Contains(n, l.N) {
			continue
		}
		done[l.Rel] = true
		if l.Mail != "" {
			if err := a.RetryMail(ctx, l.Entry, Itself); err != nil {
				return err
			}
			continue
		}
		err := a.with(ctx, l.Rel, func(r *relationship) error {
			r.row.NextTry = time.Time{}
			return a.commit(ctx, Commit{}, r)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
