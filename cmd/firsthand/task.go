package main

import (
	"context"
	"flag"
	"fmt"

	"firsthand"
	"firsthand/internal/agent"
	"firsthand/internal/agent/channel"
	"firsthand/internal/cli"
)

var taskCmd = cli.Command[*app]{
	Name: "task", Args: "[entry [done | reopen | remind day]]", Short: "what you have to tell companies without a gateway yourself",
	Long: `Without an entry it lists what is open. An entry is named by the beginning of its ID,
and shown with where to go and what to copy. done notes what you saw, which is your
word and proves nothing; reopen takes that back; remind names a day, or never.`,
	Setup: func(fs *flag.FlagSet) run {
		all := fs.Bool("all", false, "list those that are done too")
		saw := fs.String("saw", "sent", "with done, `what` you saw: sent, applied or refused")
		remark := fs.String("note", "", "with done, a `text` of yours: whom you spoke to, a number")
		asJSON := fs.Bool("json", false, "print JSON")
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			if len(args) == 0 {
				q := agent.TaskQuery{}
				if *all {
					q.Show = "all"
				}
				return a.tasks(ctx, env, q, *asJSON)
			}
			entry, err := a.findTask(ctx, args[0])
			if err != nil {
				return err
			}
			switch rest := args[1:]; {
			case len(rest) == 0:
				return a.showTask(ctx, env, entry)
			case rest[0] == "done" && len(rest) == 1:
				return a.agent.Done(ctx, entry, *saw, *remark)
			case rest[0] == "reopen" && len(rest) == 1:
				return a.agent.Reopen(ctx, entry)
			case rest[0] == "remind" && len(rest) == 2:
				on := firsthand.Date("")
				if rest[1] != "never" {
					if on, err = parseDay(rest[1]); err != nil {
						return err
					}
				}
				return a.agent.Remind(ctx, entry, on)
			}
			return cli.Usagef("say what of it: done, reopen, remind DAY or remind never; nothing shows it")
		}
	},
}

func (a *app) tasks(ctx context.Context, env *cli.Env, q agent.TaskQuery, asJSON bool) error {
	tasks, _, err := a.agent.Tasks(ctx, q)
	if err != nil {
		return err
	}
	type row struct {
		Entry  firsthand.ID   `json:"entry"`
		Domain string         `json:"domain"`
		Kind   firsthand.Kind `json:"kind"`
		Fact   string         `json:"fact,omitempty"`
		Step   string         `json:"step"`
		Note   string         `json:"note,omitempty"`
		Remind firsthand.Date `json:"remind,omitempty"`
	}
	rows, lines := []row{}, [][]string{{"TASK", "COMPANY", "WHAT", "STEP", "REMIND"}}
	for _, t := range tasks {
		rows = append(rows, row{t.Entry, t.Domain, t.Kind, t.Fact, taskStep(t), t.Note, t.Remind})
		what := string(t.Kind)
		if t.Fact != "" {
			what += " " + t.Fact
		}
		lines = append(lines, []string{short(t.Entry), t.Domain, what, taskStep(t), string(t.Remind)})
	}
	if asJSON {
		return printJSON(env, rows)
	}
	if len(tasks) == 0 {
		fmt.Fprintln(env.Stderr, "firsthand: there is nothing that you have to tell anybody yourself")
		return nil
	}
	_, err = fmt.Fprint(env.Stdout, cli.Table(lines...))
	return err
}

func taskStep(t agent.Task) string {
	if t.Step == "" {
		return "open"
	}
	return t.Step
}

func (a *app) showTask(ctx context.Context, env *cli.Env, entry firsthand.ID) error {
	t, err := a.agent.Task(ctx, entry)
	if err != nil {
		return err
	}
	step := taskStep(t)
	if t.Step != "" && t.Step != agent.StepReplaced {
		step += " (your word)"
	}
	fmt.Fprintf(env.Stdout, "%s\t%s\t%s\n", cli.Printable(t.Domain), t.Kind, cli.Printable(step+noteText(t.Note)))
	if t.Draft.Link != "" {
		fmt.Fprintf(env.Stdout, "go to %s\n", cli.Printable(t.Draft.Link))
	}
	printSteps(env, t.Draft.Steps)
	if t.Draft.Text != "" {
		fmt.Fprintf(env.Stdout, "or write, or say at the counter:\n%s", cli.PrintableLines(t.Draft.Text, "  "))
	}
	return nil
}

// printSteps prints what to enter, field by field, and between that what to do.
func printSteps(env *cli.Env, steps []channel.Step) {
	var fields [][]string
	flush := func() {
		if len(fields) > 0 {
			fmt.Fprint(env.Stdout, cli.Table(append([][]string{{"FIELD", "UNTIL NOW", "NEW"}}, fields...)...))
		}
		fields = nil
	}
	for _, s := range steps {
		if s.Was != "" || s.Copy != "" {
			fields = append(fields, []string{s.Label, s.Was, s.Copy})
			continue
		}
		flush()
		fmt.Fprintln(env.Stdout, cli.Printable(s.Label))
	}
	flush()
}

func noteText(note string) string {
	if note == "" {
		return ""
	}
	return ": " + note
}
