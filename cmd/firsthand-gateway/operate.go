package main

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os/user"
	"slices"
	"strings"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/cli"
	"firsthand/internal/gateway"
)

type run = cli.Run[*app]

// byFlag declares --by: who acts, for the audit.
func byFlag(fs *flag.FlagSet) *string {
	name := ""
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return fs.String("by", name, "your `name`, for the audit")
}

// ids reads relationship and entry from the first arguments, as due prints them.
func ids(args []string) (rel, entry firsthand.ID, err error) {
	if len(args) < 2 {
		return rel, entry, cli.Usagef("")
	}
	if rel, err = firsthand.ParseID(args[0]); err != nil {
		return rel, entry, err
	}
	entry, err = firsthand.ParseID(args[1])
	return rel, entry, err
}

func printJSON(env *cli.Env, v any) error {
	_, err := fmt.Fprintf(env.Stdout, "%s\n", firsthand.EncodeJSON(v))
	return err
}

var dueCmd = cli.Command[*app]{
	Name: "due", Short: "what the company owes and what waits for somebody, the earliest due first",
	Setup: func(fs *flag.FlagSet) run {
		asJSON := fs.Bool("json", false, "print JSON")
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			due, err := a.gateway.Due(ctx)
			if err != nil {
				return err
			}
			type row struct {
				Relationship firsthand.ID   `json:"relationship"`
				Entry        firsthand.ID   `json:"entry"`
				Task         gateway.Task   `json:"task"`
				Status       gateway.Status `json:"status"`
				Due          firsthand.Date `json:"due"`
				Overdue      bool           `json:"overdue"`
				System       string         `json:"system"`
				Why          string         `json:"why"`
			}
			rows, table := []row{}, [][]string{{"DUE", "TASK", "STATUS", "SYSTEM", "WHY", "RELATIONSHIP", "ENTRY"}}
			for _, d := range due {
				when := string(d.Due)
				if d.Overdue {
					when += " overdue"
				}
				why := d.Why
				if d.Frozen != "" {
					why = "frozen: " + d.Frozen
				}
				rows = append(rows, row{d.Rel, d.Entry, d.Task, d.Status, d.Due, d.Overdue, d.System, why})
				table = append(table, []string{when, string(d.Task), string(d.Status), d.System, why, d.Rel.String(), d.Entry.String()})
			}
			if *asJSON {
				return printJSON(env, rows)
			}
			if len(rows) == 0 {
				fmt.Fprintln(env.Stderr, "firsthand-gateway: nothing is due")
				return nil
			}
			_, err = fmt.Fprint(env.Stdout, cli.Table(table...))
			return err
		}
	},
}

var showCmd = cli.Command[*app]{
	Name: "show", Args: "relationship", Short: "all that the company has of one relationship; the look is audited",
	Setup: func(fs *flag.FlagSet) run {
		by := byFlag(fs)
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			if len(args) != 1 {
				return cli.Usagef("")
			}
			rel, err := firsthand.ParseID(args[0])
			if err != nil {
				return err
			}
			f, err := a.gateway.Show(ctx, *by, rel)
			if err != nil {
				return err
			}
			return printFile(env, f)
		}
	},
}

func printFile(env *cli.Env, f gateway.File) error {
	s, now := f.State, time.Now()
	fmt.Fprintf(env.Stdout, "relationship %s, since %s\n", s.Rel, f.Relationship.Opened.Format(time.DateOnly))
	if f.Relationship.Frozen != "" {
		fmt.Fprintf(env.Stdout, "frozen: %s\n", f.Relationship.Frozen)
	}
	if s.Binding != nil {
		fmt.Fprintf(env.Stdout, "bound to %s %s\n", cli.Printable(s.Binding.System), cli.Printable(s.Binding.Record))
	}
	view := s.At(now)
	for _, ag := range view.Agreements {
		fmt.Fprintf(env.Stdout, "agreed: %s version %s\n", cli.Printable(ag.Terms.Code), cli.Printable(ag.Terms.Version))
	}
	rows := [][]string{{"HOLDS", "VALUE", "ORIGIN", "PURPOSE", "UNTIL", "BASIS"}}
	for _, h := range view.Holdings {
		rows = append(rows, []string{h.Fact, h.Value.String(), string(h.Origin), h.Purpose, string(h.Until), basis(h.Basis)})
	}
	fmt.Fprint(env.Stdout, cli.Table(rows...))
	for _, m := range s.Messages {
		fmt.Fprintf(env.Stdout, "message from %s, %s:\n%s", m.Side, m.At.Format("2006-01-02 15:04"), cli.PrintableLines(m.Say.Text, "  "))
	}
	rows = [][]string{{"TASK", "STATUS", "DUE", "WHY", "ENTRY"}}
	for _, d := range f.Deliveries {
		rows = append(rows, []string{string(d.Task), string(d.Status), string(d.Due), d.Why, d.Entry.String()})
	}
	_, err := fmt.Fprint(env.Stdout, cli.Table(rows...))
	return err
}

func basis(b firsthand.Basis) string {
	switch {
	case b.Right != "":
		return b.Right
	case b.Exception != "":
		return "her exception: " + b.Exception
	}
	return "agreement"
}

// act makes the command of an operator's act on one entry.
func act(name, args, short string, least, most int, do func(ctx context.Context, a *app, by string, rel, entry firsthand.ID, rest []string) error) cli.Command[*app] {
	return cli.Command[*app]{Name: name, Args: args, Short: short, Setup: func(fs *flag.FlagSet) run {
		by := byFlag(fs)
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			rel, entry, err := ids(args)
			if err != nil {
				return err
			}
			if rest := args[2:]; len(rest) < least || len(rest) > most {
				return cli.Usagef("")
			}
			if err := do(ctx, a, *by, rel, entry, args[2:]); err != nil {
				return err
			}
			return a.settle(ctx)
		}
	}}
}

// settle does what is due now, so that an act has its effect also when no server
// runs.
func (a *app) settle(ctx context.Context) error {
	for range 1000 { // bounded: a system that always has news must not keep a command
		worked, _, err := a.gateway.Step(ctx)
		if err != nil || !worked {
			return err
		}
	}
	return nil
}

// first returns the first of args, or "".
func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

var applyCmd = act("apply", "relationship entry [record]", "you have done it by hand in the system: it is read back and signed", 0, 1,
	func(ctx context.Context, a *app, by string, rel, entry firsthand.ID, rest []string) error {
		return a.gateway.Apply(ctx, by, rel, entry, first(rest))
	})

var refuseCmd = act("refuse", "relationship entry reason", "it will not be done; the customer reads the reason", 1, 1,
	func(ctx context.Context, a *app, by string, rel, entry firsthand.ID, rest []string) error {
		return a.gateway.Refuse(ctx, by, rel, entry, rest[0])
	})

var retryCmd = act("retry", "relationship entry", "try again what was stopped, once its cause is gone", 0, 0,
	func(ctx context.Context, a *app, by string, rel, entry firsthand.ID, _ []string) error {
		return a.gateway.Retry(ctx, by, rel, entry)
	})

var challengeCmd = act("challenge", "relationship claim [record]", "send a code, or another one, to the contact on record", 0, 1,
	func(ctx context.Context, a *app, by string, rel, entry firsthand.ID, rest []string) error {
		return a.gateway.Challenge(ctx, by, rel, entry, first(rest))
	})

var codeCmd = cli.Command[*app]{
	Name: "code", Args: "relationship claim record how", Short: "print a code that you give to the customer on record yourself",
	Long: `For a company whose systems can't send codes. Find the customer by what she claims, and give her the code
by what you have on record, never by what came with the claim: call the number in your book, write to the
address in it, or have her show who she is at the counter. The claimant reads "how", such as "a call to the
number that we have". Her record is bound when she has sent the code back.`,
	Setup: func(fs *flag.FlagSet) run {
		by := byFlag(fs)
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			if len(args) != 4 {
				return cli.Usagef("")
			}
			rel, claim, err := ids(args)
			if err != nil {
				return err
			}
			code, err := a.gateway.CodeByHand(ctx, *by, rel, claim, args[2], args[3])
			if err != nil {
				return err
			}
			fmt.Fprintln(env.Stdout, code)
			return nil
		}
	},
}

var sayCmd = cli.Command[*app]{
	Name: "say", Args: "relationship kind json", Short: "sign a message, ask, answer, holds, terms.end, pause or close",
	Long: `The third argument is the entry's members as in docs/protocol.md, for example
  say REL ask '{"fact":"phone","purpose":"ServiceDelivery","why":"the courier calls"}'`,
	Setup: func(fs *flag.FlagSet) run {
		by := byFlag(fs)
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			if len(args) != 3 || !strings.HasPrefix(args[2], "{") {
				return cli.Usagef("")
			}
			rel, err := firsthand.ParseID(args[0])
			if err != nil {
				return err
			}
			body := fmt.Sprintf(`{"kind":%q,%s`, args[1], strings.TrimPrefix(args[2], "{"))
			c, err := firsthand.DecodeBody([]byte(body))
			if err != nil {
				return fault.Tell(fault.Invalid, err.Error(), "the members of each kind stand in docs/protocol.md")
			}
			return a.gateway.Say(ctx, *by, rel, c)
		}
	},
}

// sorted returns the names of facts in order.
func sorted(facts map[string]firsthand.Value) []string { return slices.Sorted(maps.Keys(facts)) }
