package agent

import (
	"context"

	"firsthand"
)

// A lifeMove is one change of hers, in an export.
type lifeMove struct {
	ID      int64     `json:"id"`
	Move    Move      `json:"move"`
	Made    string    `json:"made"`
	State   string    `json:"state"`
	Began   string    `json:"began,omitempty"`
	Paused  bool      `json:"paused,omitempty"`
	Problem string    `json:"problem,omitempty"`
	Legs    []lifeLeg `json:"legs"`
}

// A lifeLeg is one leg of it. What became of its entry is in the bundles.
type lifeLeg struct {
	Domain   string           `json:"domain"`
	Name     string           `json:"name"`
	Rel      firsthand.ID     `json:"relationship,omitzero"`
	Fact     string           `json:"fact"`
	Old      firsthand.Value  `json:"old,omitzero"`
	Of       firsthand.ID     `json:"of,omitzero"`
	Group    string           `json:"group"`
	Channel  string           `json:"channel,omitempty"`
	Reason   string           `json:"reason"`
	Basis    firsthand.Basis  `json:"basis,omitzero"`
	Guessed  bool             `json:"guessed,omitempty"`
	Origin   firsthand.Origin `json:"origin"`
	Proposal bool             `json:"proposal,omitempty"`
	Entry    firsthand.ID     `json:"entry,omitzero"`
}

// A lifeReminder is the day on which she wants to be reminded of a task.
type lifeReminder struct {
	Entry firsthand.ID   `json:"entry"`
	Day   firsthand.Date `json:"day"`
}

// A lifeDraft says which leg a draft is. Drafts are in the order of the export.
type lifeDraft struct {
	Move int64 `json:"move"`
	Leg  int   `json:"leg"`
}

// exportMoves adds her moves and reminders to l.
func (a *Agent) exportMoves(ctx context.Context, l *life) error {
	rows, err := a.Store.Moves(ctx)
	if err != nil {
		return err
	}
	for _, m := range rows {
		x := lifeMove{ID: m.ID, Move: m.Move, Made: m.Made.UTC().Format(timeFormat), State: m.State, Paused: m.Paused, Problem: m.Problem, Legs: []lifeLeg{}}
		if !m.Began.IsZero() {
			x.Began = m.Began.UTC().Format(timeFormat)
		}
		legs, err := a.Store.Legs(ctx, m.ID)
		if err != nil {
			return err
		}
		for _, s := range legs {
			x.Legs = append(x.Legs, lifeLeg{s.Domain, s.Name, s.Rel, s.Fact, s.Old, s.Of, s.Group, s.Channel, s.Reason, s.Basis, s.Guessed, s.Origin, s.Proposal, s.Entry})
		}
		l.Moves = append(l.Moves, x)
	}
	tasks, _, err := a.Store.Tasks(ctx, TaskQuery{Show: "all"}, firsthand.DateOf(a.Now()))
	for _, t := range tasks {
		if t.Remind != "" {
			l.Reminders = append(l.Reminders, lifeReminder{t.Entry, t.Remind})
		}
	}
	return err
}

// importMoves adds l's moves to c, under numbers after those there are. Keys are
// left behind: no form that was sent to another file comes here.
func (a *Agent) importMoves(ctx context.Context, l *life, c *Commit) error {
	rows, err := a.Store.Moves(ctx)
	if err != nil {
		return err
	}
	last := int64(0)
	if len(rows) > 0 {
		last = rows[0].ID
	}
	c.Legs = make(map[int64][]LegRow)
	for _, x := range l.Moves {
		m := MoveRow{ID: last + x.ID, Move: x.Move, State: x.State, Paused: x.Paused, Problem: x.Problem}
		if m.Made, err = parseTime(x.Made); err != nil {
			return err
		}
		if x.Began != "" {
			if m.Began, err = parseTime(x.Began); err != nil {
				return err
			}
		}
		c.Moves = append(c.Moves, m)
		for i, g := range x.Legs {
			c.Legs[m.ID] = append(c.Legs[m.ID], LegRow{N: i + 1, Entry: g.Entry, Leg: Leg{Domain: g.Domain, Name: g.Name, Rel: g.Rel, Fact: g.Fact, Old: g.Old, Of: g.Of,
				Group: g.Group, Channel: g.Channel, Reason: g.Reason, Basis: g.Basis, Guessed: g.Guessed, Origin: g.Origin, Proposal: g.Proposal}})
		}
	}
	for i := range c.AddDrafts {
		if c.AddDrafts[i].Move != 0 {
			c.AddDrafts[i].Move += last
		}
	}
	c.Reminders = make(map[firsthand.ID]firsthand.Date)
	for _, r := range l.Reminders {
		c.Reminders[r.Entry] = r.Day
	}
	return nil
}
