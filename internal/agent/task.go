package agent

import (
	"context"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/channel"
)

// A Task is an entry of hers that she carries herself, to a company without a
// gateway. What became of it is her word: nothing of it is proved.
type Task struct {
	Entry, Rel   firsthand.ID
	Domain, Name string
	Kind         firsthand.Kind
	Fact         string // of a change, a disclosure or a withdrawal
	Made         time.Time
	Due          firsthand.Date // by which the law wants it applied or answered, ""
	Remind       firsthand.Date // "" for no reminder
	Step         string         // open, sent, applied, refused, replaced
	Note         string         // hers, with the step
	Noted        time.Time
	Move         int64         // the move that it belongs to; 0 for none
	Draft        channel.Draft // only from Agent.Task
}

// A TaskQuery says which tasks, and which part of them.
type TaskQuery struct {
	// Show is "" for open ones, "done" for those sent, applied, refused or
	// replaced, "all", or "due": open or sent, and to be reminded of by now.
	Show          string
	Domain        string // "" for all
	Move          int64  // 0 for all
	Offset, Limit int    // Limit 0: all
}

// Tasks returns what she has to carry herself: reminders that are due first, then
// the oldest first; and how many there are in all.
func (a *Agent) Tasks(ctx context.Context, q TaskQuery) (tasks []Task, total int, err error) {
	return nil, 0, fault.Internal
}

// Task returns one task with what to carry.
func (a *Agent) Task(ctx context.Context, entry firsthand.ID) (Task, error) {
	return Task{}, fault.Internal
}

// Done notes in the unpaired log what she saw of an entry: sent, applied or
// refused. note is hers: who she spoke to, a reference number.
func (a *Agent) Done(ctx context.Context, entry firsthand.ID, saw, note string) error {
	return fault.Internal
}

// Reopen takes back what Done noted, with a later note: the last one counts.
func (a *Agent) Reopen(ctx context.Context, entry firsthand.ID) error { return fault.Internal }

// Remind sets the day on which the task is shown first; "" for none.
func (a *Agent) Remind(ctx context.Context, entry firsthand.ID, on firsthand.Date) error {
	return fault.Internal
}
