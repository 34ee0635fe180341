package main

import (
	"context"
	"flag"
	"fmt"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/policy"
	"firsthand/internal/cli"
)

var factCmd = cli.Command[*app]{
	Name: "fact", Args: "[name [value | part=text ...]]", Short: "note a fact of yours, or show them; tells nobody",
	Setup: func(fs *flag.FlagSet) run {
		forget := fs.Bool("forget", false, "forget the fact")
		asJSON := fs.Bool("json", false, "print JSON")
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			if len(args) > 1 || len(args) == 1 && *forget {
				v, err := value(args[1:])
				if *forget {
					v, err = firsthand.Value{}, nil
				}
				if err != nil {
					return err
				}
				return a.agent.SetFact(ctx, args[0], v)
			}
			facts, err := a.agent.Facts(ctx)
			if err != nil {
				return err
			}
			if len(args) == 1 {
				facts = only(facts, func(f agent.Fact) bool { return f.Name == args[0] })
				if len(facts) == 0 {
					return fault.Tell(fault.NotExist, "you have noted no "+args[0], "firsthand fact "+args[0]+" VALUE")
				}
			}
			held := map[string]int{}
			for h, err := range a.agent.Holders(ctx, "") {
				if err != nil {
					return err
				}
				held[h.Fact]++
			}
			if *asJSON {
				type row struct {
					Name   string          `json:"name"`
					Value  firsthand.Value `json:"value"`
					HeldBy int             `json:"held_by"`
				}
				rows := []row{}
				for _, f := range facts {
					rows = append(rows, row{f.Name, f.Value, held[f.Name]})
				}
				return printJSON(env, rows)
			}
			rows := [][]string{{"FACT", "VALUE", "HELD BY"}}
			for _, f := range facts {
				rows = append(rows, []string{f.Name, f.Value.String(), fmt.Sprint(held[f.Name])})
			}
			_, err = fmt.Fprint(env.Stdout, cli.Table(rows...))
			return err
		}
	},
}

var ruleCmd = cli.Command[*app]{
	Name: "rule", Args: "[never | drop] [fact] [company]", Short: "set or show your standing decisions: facts that are never told",
	Setup: func(fs *flag.FlagSet) run {
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			if len(args) == 0 {
				rules, err := a.agent.Rules(ctx)
				rows := [][]string{{"FACT", "COMPANY", "RULE"}}
				for _, r := range rules {
					rows = append(rows, []string{r.Fact, r.Domain, "never"})
				}
				fmt.Fprint(env.Stdout, cli.Table(rows...))
				return err
			}
			if len(args) < 2 || len(args) > 3 || args[0] != "never" && args[0] != "drop" {
				return cli.Usagef("")
			}
			rule := policy.Rule{Fact: args[1], Never: args[0] == "never"}
			if len(args) == 3 {
				rule.Domain = args[2]
			}
			return a.agent.SetRule(ctx, rule)
		}
	},
}

var discloseCmd = toCompany("disclose", "company fact [value | part=text ...]", "tell a company one fact, for a purpose", 1, -1,
	func(fs *flag.FlagSet) saying {
		purpose := fs.String("purpose", "ServiceDelivery", "what for: a `name` of the Data Privacy Vocabulary")
		until := dateFlag(fs, "until", "last `day` on which the company may hold it")
		ask := fs.String("ask", "", "the company's `ask` that this answers")
		basis := basisFlags(fs)
		return func(ctx context.Context, c to) (_ []agent.Act, err error) {
			t := agent.Telling{Fact: c.args[0], Purpose: *purpose, Until: *until, Basis: basis()}
			if len(c.args) > 1 {
				if t.Value, err = value(c.args[1:]); err != nil {
					return nil, err
				}
			}
			if t.Ask, err = firsthand.ParseID(*ask); err != nil {
				return nil, err
			}
			return one(c.agent.Disclose(ctx, c.rel.ID, t))
		}
	})

var declineCmd = toCompany("decline", "company ask", "answer a company's ask with no", 1, 1,
	func(fs *flag.FlagSet) saying {
		reason := fs.String("reason", "", "`why`, if you want to say")
		return func(ctx context.Context, c to) ([]agent.Act, error) {
			ask, err := firsthand.ParseID(c.args[0])
			if err != nil {
				return nil, err
			}
			return one(c.agent.Decline(ctx, c.rel.ID, ask, *reason))
		}
	})

var changeCmd = cli.Command[*app]{
	Name: "change", Args: "fact value | part=text ...", Short: "give a new value to every company that holds the fact",
	Long: `The new value goes, in one move, to every company that you told the fact.
With --before, the named companies have it from before: to them it is a proposal
until you have proved that their record is yours (claim, prove).
--plan shows what would happen and does nothing.`,
	Setup: func(fs *flag.FlagSet) run {
		plan := fs.Bool("plan", false, "show what would happen, and do nothing")
		var onlyAt, before list
		fs.Var(&onlyAt, "only", "only this `company`; may be repeated")
		fs.Var(&before, "before", "a `company` that has the fact from before; may be repeated")
		old := fs.String("old", "", "the `text` that those companies have, if you want to say")
		basis, wait := basisFlags(fs), waitFlag(fs)
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			if err := count(args, 2, -1); err != nil {
				return err
			}
			v, err := value(args[1:])
			if err != nil {
				return err
			}
			m := agent.Move{Fact: args[0], Value: v, Basis: basis()}
			if *old != "" {
				m.Old = firsthand.Text(*old)
			}
			if m.Only, err = a.findAll(ctx, onlyAt); err != nil {
				return err
			}
			if m.Before, err = a.findAll(ctx, before); err != nil {
				return err
			}
			legs, err := a.agent.Plan(ctx, m)
			if err != nil {
				return err
			}
			rows := [][]string{{"COMPANY", "WAY", "REASON"}}
			for _, l := range legs {
				rows = append(rows, []string{l.Domain, way(l), l.Reason})
			}
			fmt.Fprint(env.Stdout, cli.Table(rows...))
			if len(legs) == 0 {
				fmt.Fprintln(env.Stderr, "firsthand: no company holds "+m.Fact+"; your own fact is noted")
			}
			if *plan {
				return nil
			}
			legs, acts, err := a.agent.Change(ctx, m)
			if err != nil {
				return err
			}
			for _, l := range legs {
				if l.Go {
					if err := a.sent(ctx, env, l.Rel, *wait, acts[0]); err != nil {
						return err
					}
					acts = acts[1:]
				}
			}
			return nil
		}
	},
}

func way(l agent.Leg) string {
	switch {
	case !l.Go:
		return "left out"
	case l.Unpaired:
		return "needs you"
	}
	return "instant"
}

var withdrawCmd = toCompany("withdraw", "company fact", "take a fact back: the company has to erase it", 1, 1,
	func(fs *flag.FlagSet) saying {
		return func(ctx context.Context, c to) ([]agent.Act, error) {
			return c.agent.Withdraw(ctx, c.rel.ID, c.args[0])
		}
	})
