package main

import (
	"context"
	"flag"
	"fmt"
	"strconv"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/cli"
)

var todayCmd = cli.Command[*app]{
	Name: "today", Args: "[card [later day | seen]]", Short: "what needs you, the oldest duty first",
	Long: `Cards are sorted by the day by which they are due, or else since which they wait. A
card is named by its number in the list. later puts it off until a day; seen puts away
for good what is only to be known. --back brings back what was put off.`,
	Setup: func(fs *flag.FlagSet) run {
		all := fs.Bool("all", false, "list all, instead of the first seven")
		back := fs.Bool("back", false, "bring back what was put off until a day to come")
		asJSON := fs.Bool("json", false, "print JSON")
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			last, err := (&safe{a}).LastBackup(ctx)
			if err != nil {
				return err
			}
			if *back {
				if err := a.agent.BringBack(ctx); err != nil {
					return err
				}
			}
			limit := 7
			if *all || len(args) > 0 {
				limit = 1000
			}
			t, err := a.agent.Today(ctx, last.Made, limit)
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return listToday(env, t, *asJSON)
			}
			n, err := strconv.Atoi(args[0])
			if err != nil || n < 1 || n > len(t.Cards) {
				return fault.Tell(fault.NotExist, "there is no card "+strconv.Quote(args[0]), "name one by its number: firsthand today --all")
			}
			card := t.Cards[n-1]
			switch rest := args[1:]; {
			case len(rest) == 1 && rest[0] == "seen" && card.ForGood():
				return a.agent.PutOff(ctx, agent.Never, card.Key)
			case len(rest) == 1 && rest[0] == "seen":
				return fault.Tell(fault.Invalid, "there is something to do about this card", "put it off: firsthand today "+args[0]+" later DAY")
			case len(rest) == 2 && rest[0] == "later":
				return a.agent.PutOff(ctx, firsthand.Date(rest[1]), card.Key)
			}
			return cli.Usagef("")
		}
	},
}

func listToday(env *cli.Env, t agent.Today, asJSON bool) error {
	type row struct {
		Key    string         `json:"key"`
		What   string         `json:"what"`
		Domain string         `json:"domain,omitempty"`
		Entry  firsthand.ID   `json:"entry,omitzero"`
		Fact   string         `json:"fact,omitempty"`
		N      int            `json:"n,omitempty"`
		File   string         `json:"file,omitempty"`
		Due    firsthand.Date `json:"due,omitempty"`
		Place  firsthand.Date `json:"place"`
	}
	rows, lines := []row{}, [][]string{{"CARD", "DAY", "COMPANY", "WHAT"}}
	for i, c := range t.Cards {
		rows = append(rows, row{c.Key, c.What, c.Domain, c.Entry, c.Fact, c.N, c.File, c.Due, c.Place()})
		lines = append(lines, []string{strconv.Itoa(i + 1), string(c.Place()), c.Domain, cardText(c)})
	}
	if asJSON {
		return printJSON(env, rows)
	}
	if len(rows) == 0 {
		fmt.Fprintln(env.Stderr, "firsthand: nothing needs you")
		return nil
	}
	fmt.Fprint(env.Stdout, cli.Table(lines...))
	if more := t.Total - len(rows); more > 0 {
		fmt.Fprintf(env.Stderr, "firsthand: and %d more: firsthand today --all\n", more)
	}
	return nil
}

// cardText says what a card is, and where to go on.
func cardText(c agent.Card) string {
	switch c.What {
	case agent.WaitAsk:
		return "asks for " + c.Fact + ": firsthand disclose or decline"
	case agent.WaitCounter:
		return "names other terms than you offered: firsthand terms --take"
	case agent.WaitCode:
		return "sent a code to the contact that it has on record: firsthand prove"
	case agent.WaitMessage:
		return "wrote to you: firsthand log"
	case agent.WaitRefused:
		return "refused " + c.Fact + ": firsthand status"
	case agent.WaitAnswer:
		return "answered what you asked of it: firsthand log"
	case agent.WaitLeft:
		return "ended the relationship"
	case agent.WaitFrozen:
		return "the two records don't fit together: firsthand status"
	case agent.CardLate:
		return "has not done in time what it owes you: firsthand status"
	case agent.CardTask:
		return fmt.Sprintf("%s %s, to be told by you: firsthand task %s", c.Kind, c.Fact, short(c.Entry))
	case agent.CardTasks:
		return cli.Count(c.N, "thing", "things") + " to tell companies yourself: firsthand task"
	case agent.CardImport:
		return fmt.Sprintf("%s: %s in it; is it to be kept? firsthand bring --id %d", c.File, companies(c.N), c.Import)
	case agent.CardUnsure:
		return fmt.Sprintf("%s in %s: of which company? firsthand bring --id %d", cli.Count(c.N, "account", "accounts"), c.File, c.Import)
	case agent.CardLeak:
		return fmt.Sprintf("mail from %s came to the address that only this company has: firsthand mask judge", c.File)
	case agent.CardHeard:
		return "answered by mail: firsthand mail"
	case agent.CardStranger:
		return "perhaps a stranger wrote to you in its name: firsthand mail"
	case agent.CardMail:
		return "your mail did not get there: firsthand task " + short(c.Entry)
	case agent.CardBackup:
		if c.N == 0 {
			return "there is no second copy of your file: firsthand backup"
		}
		return fmt.Sprintf("the last backup is %s old: firsthand backup", cli.Count(c.N, "day", "days"))
	case agent.CardKit:
		return cli.Count(c.N, "next key is", "next keys are") + " left: firsthand kit refill"
	}
	return c.What
}
