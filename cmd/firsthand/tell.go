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

var withdrawCmd = toCompany("withdraw", "company fact", "take a fact back: the company has to erase it", 1, 1,
	func(fs *flag.FlagSet) saying {
		return func(ctx context.Context, c to) ([]agent.Act, error) {
			return c.agent.Withdraw(ctx, c.rel.ID, c.args[0])
		}
	})
