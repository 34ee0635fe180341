package main

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"

	"firsthand/internal/agent"
	"firsthand/internal/agent/rights"
	"firsthand/internal/cli"
)

var rightsCmd = cli.Command[*app]{
	Name: "rights", Args: "[right [text]]", Short: "claim a right of one, some or all companies in one move; or list what the laws give",
	Long: `Without a right it lists the laws that are known here: where each gives a right, and by
when it has to be answered. With one it is claimed, in one move, of every company that
knows you, or of those you name. The law is the one that holds where you live (your
home address says it) or where the company is, unless you name one. First it shows what
would happen to each company, by which law and until when; at a terminal it then asks.
Nobody is asked twice for what is still due. How far all has come: firsthand move.`,
	Setup: func(fs *flag.FlagSet) run {
		plan := fs.Bool("plan", false, "show what would happen, and do nothing")
		yes := fs.Bool("yes", false, "do it without asking")
		var only, except, groups list
		fs.Var(&only, "to", "only of this `company`; may be repeated")
		fs.Var(&except, "except", "not of this `company`; may be repeated")
		fs.Var(&groups, "group", "only of companies of this `group` of yours; may be repeated")
		law := fs.String("law", "", "the `law` it stands on; the one that holds, if not given")
		scope := fs.String("scope", "", "one `fact`, instead of all")
		guesses := fs.Bool("guesses", false, "also of companies of which only a guess says that they know you")
		starts := dateFlag(fs, "starts", "the `day` before which nothing goes")
		remark := fs.String("note", "", "a `text` of yours, told to nobody")
		wait := waitFlag(fs)
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			if len(args) == 0 {
				return listRights(env)
			}
			if err := count(args, 1, 2); err != nil {
				return err
			}
			if !slices.Contains(rights.All(), args[0]) {
				return cli.Usagef("%q is no right: one of %s", args[0], strings.Join(rights.All(), ", "))
			}
			m := agent.Move{Claim: agent.Claim{Right: args[0], Law: *law, Scope: *scope}, Only: only, Except: except, Guesses: *guesses, Starts: *starts, Note: *remark}
			if len(args) == 2 {
				m.Claim.Text = args[1]
			}
			p, err := a.planned(ctx, &m, groups)
			if err != nil {
				return err
			}
			showClaim(env, p)
			if *plan || p.Companies == 0 {
				return nil
			}
			if !*yes {
				if err := a.confirm(ctx, env, m, p); err != nil {
					return err
				}
			}
			id, err := a.agent.Begin(ctx, m, "")
			if err != nil {
				return err
			}
			fmt.Fprintf(env.Stderr, "firsthand: this is move %d: firsthand move %d\n", id, id)
			return a.changed(ctx, env, id, *wait)
		}
	},
}

// listRights prints what the laws give.
func listRights(env *cli.Env) error {
	rows := [][]string{{"LAW", "RIGHT", "WHERE", "CONFIRMED IN", "ANSWERED IN", "AT MOST"}}
	for _, law := range rights.Laws() {
		for _, right := range rights.All() {
			r, err := rights.RuleOf(law, right)
			if err != nil {
				continue // it has no such right
			}
			rows = append(rows, []string{law, right, r.Article, periodText(r.Confirm), periodText(r.Answer), periodText(r.Extend)})
		}
	}
	_, err := fmt.Fprint(env.Stdout, cli.Table(rows...))
	return err
}

func periodText(p rights.Period) string {
	switch {
	case p.Months == 1:
		return "1 month"
	case p.Months > 0:
		return fmt.Sprintf("%d months", p.Months)
	case p.Days > 0:
		return fmt.Sprintf("%d days", p.Days)
	case p.Business > 0:
		return fmt.Sprintf("%d business days", p.Business)
	}
	return ""
}

// showClaim prints what a claim would do.
func showClaim(env *cli.Env, p agent.Plan) {
	if len(p.Legs) == 0 {
		say(env, "no company is known to know you, so there is nobody to ask: firsthand bring FILE, or firsthand company add COMPANY")
		return
	}
	rows := [][]string{{"COMPANY", "WAY", "DUE", "REASON"}}
	shown, more := shownLegs(p.Legs)
	for _, l := range shown {
		rows = append(rows, []string{l.Domain, l.Group, string(l.Due), l.Reason})
	}
	fmt.Fprint(env.Stdout, cli.Table(rows...)+more)
	fmt.Fprintln(env.Stdout, counts(p.Counts, agent.Instant, agent.Prepared, agent.NeedsYou, agent.LeftOut))
	if p.Labels > p.Free {
		fmt.Fprintf(env.Stderr, "firsthand: it opens %s, and the book of next keys has %d: firsthand kit refill --kit FILE\n", cli.Count(p.Labels, "log", "logs"), p.Free)
	}
}

// movedText says what a move is about: facts, or a right.
func movedText(m *agent.Move) string {
	if c := m.Claim; !c.IsZero() {
		return strings.TrimSpace(c.Right + " " + c.Scope)
	}
	var facts []string
	for _, f := range m.Facts {
		facts = append(facts, f.Fact)
	}
	return strings.Join(facts, ", ")
}
