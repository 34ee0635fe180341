package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/cli"
	"firsthand/terms"
)

// to is whom an act is about, and what else it was called with.
type to struct {
	*app
	env  *cli.Env
	rel  agent.Relationship
	args []string
}

// saying carries out one act.
type saying = func(ctx context.Context, c to) ([]agent.Act, error)

// toCompany makes the command of an act whose first argument is a company; least
// and most, or -1 for any number, are how many may follow it.
func toCompany(name, args, short string, least, most int, setup func(fs *flag.FlagSet) saying) cli.Command[*app] {
	return cli.Command[*app]{Name: name, Args: args, Short: short, Setup: func(fs *flag.FlagSet) run {
		say, wait := setup(fs), waitFlag(fs)
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			if len(args) == 0 {
				return cli.Usagef("")
			}
			if err := count(args[1:], least, most); err != nil {
				return err
			}
			r, err := a.agent.Find(ctx, args[0])
			if err != nil {
				return err
			}
			acts, err := say(ctx, to{a, env, r, args[1:]})
			if err != nil {
				return err
			}
			return a.sent(ctx, env, r.ID, *wait, acts...)
		}
	}}
}

// one is an act as a list.
func one(act agent.Act, err error) ([]agent.Act, error) { return []agent.Act{act}, err }

var messageCmd = toCompany("message", "company [text]", "say something; without text it is read from standard input", 0, 1,
	func(fs *flag.FlagSet) saying {
		thread := fs.String("thread", "", "the `entry` that began the thread")
		return func(ctx context.Context, c to) ([]agent.Act, error) {
			id, err := firsthand.ParseID(*thread)
			if err != nil {
				return nil, err
			}
			if len(c.args) == 0 {
				text, err := io.ReadAll(io.LimitReader(c.env.Stdin, firsthand.MaxBody))
				if err != nil {
					return nil, err
				}
				c.args = []string{strings.TrimSpace(string(text))}
			}
			return one(c.agent.Message(ctx, c.rel.ID, id, c.args[0]))
		}
	})

var requestCmd = toCompany("request", "company right [text]", "claim a right: access, correct, erase, port, object, opt_out", 1, 2,
	func(fs *flag.FlagSet) saying {
		law := fs.String("law", "", "the `law` it stands on; the one that holds, if not given")
		scope := fs.String("scope", "", "one `fact`, or all")
		due := dateFlag(fs, "due", "the `day` by which the law wants an answer; counted if not given")
		return func(ctx context.Context, c to) ([]agent.Act, error) {
			req := firsthand.Request{Right: c.args[0], Law: *law, Scope: *scope, Due: *due}
			if len(c.args) == 2 {
				req.Text = c.args[1]
			}
			return one(c.agent.Request(ctx, c.rel.ID, req))
		}
	})

var pauseCmd = toCompany("pause", "company", "nothing but duties until a date", 0, 0,
	func(fs *flag.FlagSet) saying {
		until := dateFlag(fs, "until", "last `day` of the pause")
		return func(ctx context.Context, c to) ([]agent.Act, error) {
			if *until == "" {
				return nil, cli.Usagef("say until when: --until 2027-01-31")
			}
			if err := toCome(*until, c.agent.Now()); err != nil {
				return nil, err
			}
			return one(c.agent.Pause(ctx, c.rel.ID, *until))
		}
	})

var leaveCmd = toCompany("leave", "company", "end the relationship; what terms and law give goes on", 0, 0,
	func(fs *flag.FlagSet) saying {
		reason := fs.String("reason", "", "`why`, if you want to say")
		confirm := fs.String("confirm", "", "the `token` that a first run printed")
		return func(ctx context.Context, c to) ([]agent.Act, error) {
			d, err := c.agent.Show(ctx, c.rel.ID)
			if err != nil {
				return nil, err
			}
			what := fmt.Sprintf("end the relationship with %s for good; %s then to be erased", c.rel.Domain, cli.Count(len(d.View.Holdings), "fact is", "facts are"))
			if !c.rel.Kept {
				what += "; it is nameless, so your own record of it is deleted too"
			}
			if err := cli.Confirm(*confirm, what, c.rel.ID.String(), d.State.Log(firsthand.First).Head.ID.String()); err != nil {
				return nil, err
			}
			return one(c.agent.Leave(ctx, c.rel.ID, *reason))
		}
	})

var claimCmd = toCompany("claim", "company record", "say which of the company's records is yours: a customer number, a login", 1, 1,
	func(fs *flag.FlagSet) saying {
		return func(ctx context.Context, c to) ([]agent.Act, error) {
			return one(c.agent.Claim(ctx, c.rel.ID, c.args[0]))
		}
	})

var proveCmd = toCompany("prove", "company [code]", "prove it with the code that the company sent to the contact it has on record", 0, 1,
	func(fs *flag.FlagSet) saying {
		return func(ctx context.Context, c to) ([]agent.Act, error) {
			if len(c.args) == 0 {
				code, err := c.env.Secret(ctx, cli.Secret{Prompt: "Code"})
				if err != nil {
					return nil, err
				}
				c.args = []string{strings.TrimSpace(string(code))}
			}
			return one(c.agent.Prove(ctx, c.rel.ID, c.args[0]))
		}
	})

var reconcileCmd = cli.Command[*app]{
	Name: "reconcile", Args: "company", Short: "end a fork of your own log: what the company received first stands",
	Long: `Another copy of your file has written to the company, so the two logs differ. What
the company received first stands; what only this file has is kept as evidence, and
you say it again if it still matters. If it was not you: firsthand rotate --stolen.`,
	Setup: func(fs *flag.FlagSet) run {
		wait := waitFlag(fs)
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			if err := count(args, 1, 1); err != nil {
				return err
			}
			r, err := a.agent.Find(ctx, args[0])
			if err != nil {
				return err
			}
			act, err := a.agent.Reconcile(ctx, r.ID)
			if err != nil {
				return err
			}
			if act.Entry.IsZero() {
				fmt.Fprintf(env.Stdout, "%s\tthe logs agree\n", r.Domain)
				return a.sent(ctx, env, r.ID, *wait)
			}
			return a.sent(ctx, env, r.ID, *wait, act)
		}
	},
}

var meetCmd = cli.Command[*app]{
	Name: "meet", Args: "company", Short: "open a relationship; the company learns nothing of you",
	Long: `The company is named by its domain, or by what its "meet us" page gives: an address
like firsthand:acme.example, or the address of that page. --look shows what its domain
has signed about itself, and meets nobody.`,
	Setup: func(fs *flag.FlagSet) run {
		var o agent.MeetOptions
		look := fs.Bool("look", false, "only show who the company says it is")
		fs.BoolVar(&o.Unpaired, "unpaired", false, "the company has no gateway: keep a log of your own")
		fs.BoolVar(&o.Again, "again", false, "though you have met it already")
		fs.BoolVar(&o.Kept, "keep", false, "keep the record after it ends; else it is nameless and then forgotten, unless you tell or claim something")
		wait := waitFlag(fs)
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			if err := count(args, 1, 1); err != nil {
				return err
			}
			domain, err := agent.DomainOf(args[0])
			if err != nil {
				return err
			}
			if *look {
				return a.introduce(ctx, env, domain)
			}
			r, err := a.agent.Meet(ctx, domain, o)
			if err != nil {
				return err
			}
			fmt.Fprintf(env.Stdout, "%s\tmet %s\t%s\n", r.Domain, cli.Printable(r.Name), r.ID)
			return a.sent(ctx, env, r.ID, *wait)
		}
	},
}

// introduce prints what a company's domain has signed about the company.
func (a *app) introduce(ctx context.Context, env *cli.Env, domain string) error {
	i, err := a.agent.Introduce(ctx, domain)
	if err != nil {
		return err
	}
	met := "not met"
	if !i.Met.ID.IsZero() {
		met = "met"
	}
	var codes []string
	for _, ref := range i.Company.Terms {
		codes = append(codes, cli.Printable(ref.Code))
	}
	_, err = fmt.Fprint(env.Stdout, cli.Table(
		[]string{"company", domain},
		[]string{"legal entity", cli.Printable(i.Company.Name)},
		[]string{"under the law of", cli.Printable(i.Company.Jurisdiction)},
		[]string{"gateway", cli.Printable(i.Company.Gateway)},
		[]string{"accepts", strings.Join(codes, ", ")},
		[]string{"you have", met}))
	return err
}

var termsCmd = cli.Command[*app]{
	Name: "terms", Args: "company [code ...]", Short: "proffer terms, take a counter-offer, end an agreement, or list the roster",
	Long: `terms acme.example                 proffer the agreement that you proffer by default
terms acme.example CODE ...        proffer these, the one you like best first
terms --take acme.example          take the company's counter-offer
terms --end 2027-01-31 acme.example   end what is agreed from that day on
terms --list, terms --text CODE    what there is in the roster, and what it says
A gateway agrees, counters once or refuses by itself. What is agreed is signed by both,
and says what may be done with what you tell.`,
	Setup: func(fs *flag.FlagSet) run {
		listAll := fs.Bool("list", false, "list the roster")
		take := fs.Bool("take", false, "take the company's counter-offer")
		end := dateFlag(fs, "end", "end the agreement from this `day` on")
		text := fs.Bool("text", false, "print the text of the agreements named, or of the one you proffer by default")
		wait := waitFlag(fs)
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			switch {
			case *listAll:
				return listTerms(a, env)
			case *text:
				return printTerms(a, env, args)
			case len(args) == 0:
				return cli.Usagef("name a company, or use --list")
			}
			r, err := a.agent.Find(ctx, args[0])
			if err != nil {
				return err
			}
			var done []agent.Act
			switch {
			case *take:
				done, err = one(a.agent.Take(ctx, r.ID))
			case *end != "":
				done, err = a.agent.EndTerms(ctx, r.ID, *end)
			default:
				done, err = one(a.agent.Offer(ctx, r.ID, args[1:]...))
			}
			if err != nil {
				return err
			}
			if err := a.sent(ctx, env, r.ID, *wait, done...); err != nil {
				return err
			}
			d, err := a.agent.Show(ctx, r.ID)
			for _, ag := range d.View.Agreements {
				fmt.Fprintf(env.Stdout, "%s\tagreed (signed by both): %s version %s\n", r.Domain, ag.Terms.Code, cli.Printable(ag.Terms.Version))
			}
			return err
		}
	},
}

func listTerms(a *app, env *cli.Env) error {
	rows := [][]string{{"CODE", "VERSION", "CAN BE OFFERED", "ADDRESS"}}
	for _, t := range a.agent.Roster.All() {
		can := "no: its text is not known by hash"
		if t.Pinned() {
			can = "yes"
		}
		rows = append(rows, []string{t.Ref().Code, t.Ref().Version, can, t.Ref().URL})
	}
	_, err := fmt.Fprint(env.Stdout, cli.Table(rows...))
	return err
}

func printTerms(a *app, env *cli.Env, codes []string) error {
	if len(codes) == 0 {
		codes = []string{agent.DefaultTerms}
	}
	for _, code := range codes {
		t, ok := a.agent.Roster.Lookup(code)
		text, known := terms.Text(t.Ref().Hash)
		if !ok || !known {
			return fault.Tell(fault.NotExist, "the text of "+code+" is not in this program", "firsthand terms --list shows its address")
		}
		fmt.Fprintln(env.Stdout, text)
	}
	return nil
}
