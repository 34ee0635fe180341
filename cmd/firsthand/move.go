package main

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strconv"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/cli"
)

var moveCmd = cli.Command[*app]{
	Name: "move", Args: "[id [pause | resume | retry | cancel]]", Short: "how far each company is with a change; hold it, or try again",
	Long: `Without an id it lists your changes. pause holds what is not sent yet, and what you
said later to the same companies with it, until resume. retry tries again now, for
the legs whose numbers follow, or all. cancel ends a change that has not begun.`,
	Setup: func(fs *flag.FlagSet) run {
		asJSON := fs.Bool("json", false, "print JSON")
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			if _, err := a.agent.StartMoves(ctx); err != nil { // where no server runs, nobody else does
				fmt.Fprintf(env.Stderr, "firsthand: %s\n", cli.Printable(err.Error()))
			}
			if len(args) == 0 {
				return a.moves(ctx, env, *asJSON)
			}
			id, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return cli.Usagef("%q is no number of a change", args[0])
			}
			if len(args) > 1 {
				return a.steer(ctx, env, id, args[1], args[2:])
			}
			b, err := a.agent.Board(ctx, id)
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(env, boardOf(b))
			}
			showBoard(env, b)
			return nil
		}
	},
}

// steer does something with a change.
func (a *app) steer(ctx context.Context, env *cli.Env, id int64, what string, args []string) error {
	if what != "retry" && len(args) > 0 {
		return cli.Usagef("only retry takes numbers of legs")
	}
	switch what {
	case "pause", "resume":
		return a.agent.PauseMove(ctx, id, what == "pause")
	case "cancel":
		return a.agent.CancelMove(ctx, id)
	case "retry":
		b, err := a.agent.Board(ctx, id)
		if err != nil {
			return err
		}
		var legs []int
		for _, arg := range args {
			n, err := strconv.Atoi(arg)
			if err != nil {
				return cli.Usagef("%q is no number of a leg", arg)
			}
			if !slices.ContainsFunc(b.Legs, func(l agent.BoardLeg) bool { return l.N == n }) {
				return fault.Tell(fault.NotExist, fmt.Sprintf("change %d has no leg %d", id, n), fmt.Sprintf("firsthand move %d lists them", id))
			}
			legs = append(legs, n)
		}
		waits := func(l agent.BoardLeg) bool {
			return !l.NextTry.IsZero() && (len(legs) == 0 || slices.Contains(legs, l.N))
		}
		if !slices.ContainsFunc(b.Legs, waits) {
			say(env, "nothing of it waits to be tried again: firsthand move %d", id)
		}
		return a.agent.Retry(ctx, id, legs...)
	}
	return cli.Usagef("%q is nothing to do with a change", what)
}

func (a *app) moves(ctx context.Context, env *cli.Env, asJSON bool) error {
	rows, err := a.agent.Moves(ctx)
	if err != nil {
		return err
	}
	type row struct {
		ID     int64    `json:"id"`
		State  string   `json:"state"`
		Paused bool     `json:"paused"`
		Facts  []string `json:"facts"`
		Right  string   `json:"right,omitempty"`
		Starts string   `json:"starts,omitempty"`
		Made   string   `json:"made"`
	}
	all, lines := []row{}, [][]string{{"MOVE", "MADE", "WHAT", "STATE"}}
	for _, m := range rows {
		r := row{ID: m.ID, State: m.State, Paused: m.Paused, Starts: string(m.Move.Starts), Made: day(m.Made)}
		for _, f := range m.Move.Facts {
			r.Facts = append(r.Facts, f.Fact)
		}
		if c := m.Move.Claim; !c.IsZero() {
			r.Right = c.Right
		}
		all = append(all, r)
		lines = append(lines, []string{fmt.Sprint(m.ID), r.Made, movedText(&m.Move), stateText(m)})
	}
	if asJSON {
		return printJSON(env, all)
	}
	if len(rows) == 0 {
		say(env, "you have changed nothing yet, and claimed no right of many: firsthand change FACT VALUE, or firsthand rights RIGHT")
		return nil
	}
	_, err = fmt.Fprint(env.Stdout, cli.Table(lines...))
	return err
}

// stateText says in which state a change is.
func stateText(m agent.MoveRow) string {
	text := m.State
	switch {
	case m.State == agent.Scheduled:
		text += " for " + string(m.Move.Starts)
	case m.Paused:
		text += ", paused"
	}
	if m.Problem != "" {
		text += "; it could not begin: " + m.Problem
	}
	return text
}

func showBoard(env *cli.Env, b agent.Board) {
	what := "change"
	if !b.Move.Claim.IsZero() {
		what = movedText(&b.Move)
	}
	fmt.Fprintf(env.Stdout, "%s %d\t%s\n", cli.Printable(what), b.ID, cli.Printable(stateText(b.MoveRow)))
	for _, f := range b.Move.Facts {
		fmt.Fprintf(env.Stdout, "%s\t%s\n", cli.Printable(f.Fact), cli.Printable(f.Value.String()))
	}
	if len(b.Legs) == 0 {
		fmt.Fprintln(env.Stdout, "no company held it, so nobody was told; your own fact is noted")
		return
	}
	rows := [][]string{{"LEG", "COMPANY", "FACT", "STEP"}}
	for i := range b.Legs {
		l := &b.Legs[i]
		rows = append(rows, []string{fmt.Sprint(l.N), l.Domain, l.Fact, legText(l)})
	}
	fmt.Fprint(env.Stdout, cli.Table(rows...))
	fmt.Fprintln(env.Stdout, counts(b.Counts, agent.StepApplied, agent.StepRefused, agent.StepReceived, agent.StepSent, agent.StepNoAnswer, agent.StepDraft,
		agent.StepPaused, agent.StepNeedsYou, agent.StepScheduled, agent.StepCancelled, agent.StepReplaced, agent.StepLeftOut))
}

// legText says how far a leg has come.
func legText(l *agent.BoardLeg) string {
	switch l.Step {
	case agent.StepLeftOut:
		return "left out: " + l.Reason
	case agent.StepNeedsYou:
		return "needs you: firsthand task " + short(l.Entry)
	case agent.StepPaused, agent.StepScheduled, agent.StepCancelled, agent.StepReplaced:
		return l.Step
	}
	text := progressText(agent.Progress{Step: l.Step, System: l.System, Record: l.Record, Reason: l.Why, Day: l.Day, Of: l.Of, Unproved: l.Unproved}, false)
	if l.Proposal && (l.Step == agent.StepReceived || l.Step == agent.StepSent) {
		text += ", a proposal until the record is proved to be yours"
	}
	if l.Tries > 0 {
		text += fmt.Sprintf("; %s failed, the last: %s", cli.Count(l.Tries, "call", "calls"), l.Failure)
	}
	return text
}

// short returns the beginning of an entry's ID, by which it is named.
func short(id firsthand.ID) string { return id.String()[:10] }

type boardJSON struct {
	ID     int64          `json:"id"`
	State  string         `json:"state"`
	Paused bool           `json:"paused"`
	Counts map[string]int `json:"counts"`
	Legs   []legJSON      `json:"legs"`
}

type legJSON struct {
	N        int             `json:"n"`
	Domain   string          `json:"domain"`
	Fact     string          `json:"fact"`
	Value    firsthand.Value `json:"value"`
	Group    string          `json:"group"`
	Channel  string          `json:"channel,omitempty"`
	Step     string          `json:"step"`
	Entry    string          `json:"entry,omitempty"`
	Reason   string          `json:"reason"`
	Record   string          `json:"record,omitempty"`
	Why      string          `json:"why,omitempty"`
	Unproved bool            `json:"unproved"`
	Failure  string          `json:"failure,omitempty"`
}

func boardOf(b agent.Board) boardJSON {
	j := boardJSON{ID: b.ID, State: b.State, Paused: b.Paused, Counts: b.Counts, Legs: []legJSON{}}
	for _, l := range b.Legs {
		leg := legJSON{N: l.N, Domain: l.Domain, Fact: l.Fact, Value: l.Value, Group: l.Group, Channel: l.Channel, Step: l.Step, Reason: l.Reason,
			Record: l.Record, Why: l.Why, Unproved: l.Unproved, Failure: l.Failure}
		if !l.Entry.IsZero() {
			leg.Entry = l.Entry.String()
		}
		j.Legs = append(j.Legs, leg)
	}
	return j
}

// findTask returns the task that the beginning of an entry's ID means.
func (a *app) findTask(ctx context.Context, name string) (found firsthand.ID, err error) {
	if id, err := firsthand.ParseID(name); err == nil && !id.IsZero() {
		return id, nil
	}
	if len(name) < 6 {
		return found, fault.Tell(fault.Invalid, name+" is too short for the name of a task", "firsthand task lists them")
	}
	tasks, _, err := a.agent.Tasks(ctx, agent.TaskQuery{Show: "all"})
	if err != nil {
		return found, err
	}
	for _, t := range tasks {
		if id := t.Entry.String(); len(id) >= len(name) && id[:len(name)] == name {
			if !found.IsZero() {
				return found, fault.Tell(fault.Invalid, "two tasks begin with "+name, "name more of it")
			}
			found = t.Entry
		}
	}
	if found.IsZero() {
		return found, fault.Tell(fault.NotExist, "there is no task "+name, "firsthand task lists them")
	}
	return found, nil
}
