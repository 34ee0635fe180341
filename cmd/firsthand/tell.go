package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"slices"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/policy"
	"firsthand/internal/cli"
)

var factCmd = cli.Command[*app]{
	Name: "fact", Args: "[name [value | part=text ...]]", Short: "note a fact of yours, or show them; tells nobody",
	Long: `fact                                 those that you have noted, and how many companies hold them
fact email mia@new.example           note one; what was noted of it before is replaced
fact address.home street="Graslei 2" city=Gent postal_code=9000 country=BE
fact email --forget                  forget it; what companies hold of it stays with them
A name has a-z, 0-9, _ and dots. Usual ones are name, email, phone, birth_date and
address.home, whose parts are street, city, postal_code, region and country.
To tell a company: firsthand disclose; to change it wherever it is: firsthand change.`,
	Setup: func(fs *flag.FlagSet) run {
		forget := fs.Bool("forget", false, "forget the fact")
		asJSON := fs.Bool("json", false, "print JSON")
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			if len(args) > 1 || len(args) == 1 && *forget {
				v, err := value(args[1:])
				if *forget {
					return a.forgetFact(ctx, args)
				}
				if err != nil {
					return err
				}
				return a.noteFact(ctx, args[0], v)
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
			if len(facts) == 0 {
				say(env, "you have noted no fact of yours yet: firsthand fact email mia@new.example; or bring your card: firsthand bring FILE")
				return nil
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

// noteFact notes a fact. No value is no order to forget it.
func (a *app) noteFact(ctx context.Context, name string, v firsthand.Value) error {
	if v.IsZero() {
		return fault.Tell(fault.Invalid, "there is no value of "+name, "to forget what you have noted: firsthand fact --forget "+name)
	}
	return a.agent.SetFact(ctx, name, v)
}

// forgetFact forgets a fact that she has noted.
func (a *app) forgetFact(ctx context.Context, args []string) error {
	if len(args) > 1 {
		return cli.Usagef("a fact is forgotten whatever its value: firsthand fact --forget %s", args[0])
	}
	facts, err := a.agent.Facts(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(facts, func(f agent.Fact) bool { return f.Name == args[0] }) {
		return fault.Tell(fault.NotExist, "you have noted no "+args[0], "firsthand fact lists what you have noted")
	}
	return a.agent.SetFact(ctx, args[0], firsthand.Value{})
}

var ruleCmd = cli.Command[*app]{
	Name: "rule", Args: "[never | drop] [fact] [company]", Short: "set or show your standing decisions: facts that are never told",
	Long: `rule                             those that there are
rule never birth_date            tell it to nobody
rule never email acme.example    nor that company; a rule for one goes with those for all
rule drop birth_date             take it back
An ask that a rule forbids is declined by itself, and what you tell or change is
held back by it.`,
	Setup: func(fs *flag.FlagSet) run {
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			if len(args) == 0 {
				rules, err := a.agent.Rules(ctx)
				if err == nil && len(rules) == 0 {
					say(env, "you have no rule; so that nobody is ever told a fact: firsthand rule never FACT [COMPANY]")
					return nil
				}
				rows := [][]string{{"FACT", "COMPANY", "RULE"}}
				for _, r := range rules {
					rows = append(rows, []string{r.Fact, cmp.Or(r.Domain, "every company"), "never"})
				}
				fmt.Fprint(env.Stdout, cli.Table(rows...))
				return err
			}
			if len(args) < 2 || len(args) > 3 || args[0] != "never" && args[0] != "drop" {
				return cli.Usagef("say what for which fact: firsthand rule never FACT [COMPANY], or rule drop FACT [COMPANY]")
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
			if err := toCome(*until, c.agent.Now()); err != nil {
				return nil, err
			}
			t := agent.Telling{Fact: c.args[0], Purpose: *purpose, Until: *until, Basis: basis()}
			if len(c.args) > 1 {
				if t.Value, err = value(c.args[1:]); err != nil {
					return nil, err
				}
			}
			if t.Ask, err = askID(*ask, c.rel.Domain); err != nil {
				return nil, err
			}
			return one(c.agent.Disclose(ctx, c.rel.ID, t))
		}
	})

var declineCmd = toCompany("decline", "company ask", "answer a company's ask with no", 1, 1,
	func(fs *flag.FlagSet) saying {
		reason := fs.String("reason", "", "`why`, if you want to say")
		return func(ctx context.Context, c to) ([]agent.Act, error) {
			ask, err := askID(c.args[0], c.rel.Domain)
			if err != nil {
				return nil, err
			}
			return one(c.agent.Decline(ctx, c.rel.ID, ask, *reason))
		}
	})

// askID reads the ID of a company's ask; "" is none.
func askID(name, domain string) (firsthand.ID, error) {
	id, err := firsthand.ParseID(name)
	if err != nil {
		return id, fault.Tell(fault.Invalid, fmt.Sprintf("%q is the name of no ask", name), "firsthand status "+domain+" shows what it asks for, each with the commands to answer it")
	}
	return id, nil
}

var withdrawCmd = toCompany("withdraw", "company fact", "take a fact back: the company has to erase it", 1, 1,
	func(fs *flag.FlagSet) saying {
		return func(ctx context.Context, c to) ([]agent.Act, error) {
			return c.agent.Withdraw(ctx, c.rel.ID, c.args[0])
		}
	})
