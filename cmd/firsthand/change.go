package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/policy"
	"firsthand/internal/cli"
)

var changeCmd = cli.Command[*app]{
	Name: "change", Args: "fact value | part=text ... [and ...]", Short: "give new values to every company that holds the facts",
	Long: `The new values go, in one move, to every company that you told the facts, or of which
you stated that it has them: at once where there is a gateway, else as a task for you.
First it shows what would happen to each company and why; at a terminal it then asks.
With --before, the named companies have the facts from before: to them it is a proposal
until you have proved that their record is yours (claim, prove).
With --starts, nothing goes before that day. How far all has come: firsthand move.`,
	Setup: func(fs *flag.FlagSet) run {
		plan := fs.Bool("plan", false, "show what would happen, and do nothing")
		yes := fs.Bool("yes", false, "do it without asking")
		var only, except, groups, before list
		fs.Var(&only, "to", "only to this `company`; may be repeated")
		fs.Var(&except, "except", "not to this `company`; may be repeated")
		fs.Var(&groups, "group", "only to companies of this `group` of yours; may be repeated")
		fs.Var(&before, "before", "a `company` that has it from before; may be repeated")
		old := fs.String("old", "", "the `text` that those companies have, if you want to say")
		guesses := fs.Bool("guesses", false, "also to companies of which only a guess says that they have it")
		starts := dateFlag(fs, "starts", "the `day` before which nothing goes")
		remark := fs.String("note", "", "a `text` of yours, told to nobody")
		basis, wait := basisFlags(fs), waitFlag(fs)
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			facts, err := newFacts(args, *old)
			if err != nil {
				return err
			}
			m := agent.Move{Facts: facts, Basis: basis(), Only: only, Except: except, Before: before, Guesses: *guesses, Starts: *starts, Note: *remark}
			p, err := a.planned(ctx, &m, groups)
			if err != nil {
				return err
			}
			showPlan(env, m, p)
			if *plan {
				return nil
			}
			if !*yes && p.Companies > 0 {
				if err := a.confirm(ctx, env, m, p); err != nil {
					return err
				}
			}
			id, err := a.agent.Begin(ctx, m, "")
			if err != nil {
				return err
			}
			if len(p.Legs) == 0 {
				say(env, "what you have noted of it is changed")
			}
			fmt.Fprintf(env.Stderr, "firsthand: this is change %d: firsthand move %d\n", id, id)
			return a.changed(ctx, env, id, *wait)
		}
	},
}

// newFacts reads new values: fact and value, several of them with "and" between.
func newFacts(args []string, old string) (facts []agent.NewFact, err error) {
	for len(args) > 0 {
		one := args
		if i := slices.Index(args, "and"); i >= 2 && len(args) > i+2 {
			one, args = args[:i], args[i+1:]
		} else {
			args = nil
		}
		if len(one) < 2 {
			return nil, cli.Usagef("")
		}
		f := agent.NewFact{Fact: one[0]}
		if f.Value, err = value(one[1:]); err != nil {
			return nil, err
		}
		if old != "" {
			f.Old = firsthand.Text(old)
		}
		facts = append(facts, f)
	}
	if len(facts) == 0 {
		return nil, cli.Usagef("")
	}
	return facts, nil
}

// showPlan prints what a change would do.
func showPlan(env *cli.Env, m agent.Move, p agent.Plan) {
	several := len(m.Facts) > 1
	if len(p.Legs) == 0 {
		say(env, "no company is known to hold %s, so nobody would be told; to say who does: firsthand state, or --before COMPANY", movedText(&m))
		return
	}
	rows := [][]string{{"COMPANY", "WAY", "REASON"}}
	unagreed, guessed := false, false
	shown, more := shownLegs(p.Legs)
	for _, l := range shown {
		unagreed = unagreed || l.Group == agent.LeftOut && l.Reason == policy.NoAgreement
		guessed = guessed || l.Group == agent.LeftOut && l.Guessed && !m.Guesses
		row := []string{l.Domain, l.Group, l.Reason}
		if several {
			row[2] = l.Fact + ": " + row[2]
		}
		rows = append(rows, row)
	}
	fmt.Fprint(env.Stdout, cli.Table(rows...))
	fmt.Fprint(env.Stdout, more)
	fmt.Fprintln(env.Stdout, counts(p.Counts, agent.Instant, agent.Prepared, agent.NeedsYou, agent.LeftOut))
	if unagreed {
		say(env, "a company with which you have no agreement is told on a right of yours, as by --right \"GDPR 16\" to have it corrected, or by --exception REASON")
	}
	if guessed {
		say(env, "companies of which only a guess says that they hold it are told with --guesses; one by one: firsthand company confirm")
	}
	if p.Labels > p.Free {
		fmt.Fprintf(env.Stderr, "firsthand: it opens %s, and the book of next keys has %d: firsthand kit refill --kit FILE\n", cli.Count(p.Labels, "log", "logs"), p.Free)
	}
}

// shownLegs returns the legs of a plan that are printed: all that go somewhere, and the
// first of those that are left out for the same reason. More says how many others there
// are: thousands that an import guessed would hide what happens.
func shownLegs(legs []agent.Leg) (shown []agent.Leg, more string) {
	left := make(map[string]int)
	var reasons []string
	for _, l := range legs {
		if l.Group == agent.LeftOut {
			left[l.Reason]++
			if n := left[l.Reason]; n == maxShown+1 {
				reasons = append(reasons, l.Reason)
			}
		}
		if l.Group != agent.LeftOut || left[l.Reason] <= maxShown {
			shown = append(shown, l)
		}
	}
	for _, r := range reasons {
		more += fmt.Sprintf("… and %d more left out: %s\n", left[r]-maxShown, cli.Printable(r))
	}
	return shown, more
}

// counts prints how many there are of each sort, in that order.
func counts(n map[string]int, sorts ...string) string {
	var all []string
	for _, s := range sorts {
		if n[s] > 0 {
			all = append(all, fmt.Sprintf("%d %s", n[s], s))
		}
	}
	return strings.Join(all, " · ")
}

// goOn asks at a terminal whether to go on. Where nobody is there to answer, who
// wrote the command has answered.
func goOn(ctx context.Context, env *cli.Env) error {
	said, err := env.Secret(ctx, cli.Secret{Prompt: "Do it? yes or no"})
	switch {
	case fault.KindOf(err) == fault.Invalid:
		return nil
	case err != nil:
		return err
	case !strings.EqualFold(strings.TrimSpace(string(said)), "yes"):
		return fault.Tell(fault.Conflict, "nothing was done", "to do it without being asked: --yes")
	}
	return nil
}

// confirm asks whether what was shown of a move, p, is to be done. While she thinks it
// over her pages may bring more that it would go to: what she has not seen doesn't go.
func (a *app) confirm(ctx context.Context, env *cli.Env, m agent.Move, p agent.Plan) error {
	if err := goOn(ctx, env); err != nil {
		return err
	}
	now, err := a.agent.Plan(ctx, m)
	if err == nil && now.Digest != p.Digest {
		err = fault.Tell(fault.Conflict, "this is no longer what you were shown; nothing was done", "do the same again, and look at what it says now")
	}
	return err
}

// together is how many companies a command that runs by itself calls at once.
const together = 16

// planned adds the companies of groups to those of a move, and returns what it means.
// Companies and groups that she names and that aren't there are no reason to do less, or
// more, than she has said: it refuses.
func (a *app) planned(ctx context.Context, m *agent.Move, groups []string) (agent.Plan, error) {
	if err := a.kept(ctx, m.Except); err != nil {
		return agent.Plan{}, err
	}
	named := m.Only
	for _, g := range groups {
		domains, err := a.agent.Select(ctx, agent.CompanyQuery{Group: g})
		if err == nil && len(domains) == 0 {
			err = fault.Tell(fault.NotExist, fmt.Sprintf("no company is in a group %q", g), "firsthand company group "+g+" COMPANY ... puts them there")
		}
		if err != nil {
			return agent.Plan{}, err
		}
		m.Only = append(append([]string{}, m.Only...), domains...) // not nil: nobody is not all
	}
	p, err := a.agent.Plan(ctx, *m)
	if err != nil {
		return p, err
	}
	for _, name := range named {
		is := func(l agent.Leg) bool {
			return agent.CompanyKey(l.Domain) == agent.CompanyKey(name) || l.Rel.String() == name
		}
		if slices.ContainsFunc(p.Legs, is) {
			continue
		}
		if !m.Claim.IsZero() {
			return p, fault.Tell(fault.NotExist, name+" is not known to know you", "if it does: firsthand company add "+name)
		}
		return p, fault.Tell(fault.NotExist, name+" is not known to hold "+movedText(m), "if it does: firsthand state FACT --at "+name+", or --before "+name)
	}
	return p, nil
}

// changed carries what a change wrote, waits for what the companies say, and prints
// how far each leg came.
func (a *app) changed(ctx context.Context, env *cli.Env, id int64, wait time.Duration) error {
	b, err := a.agent.Board(ctx, id)
	if err != nil {
		return err
	}
	acts := make(map[firsthand.ID][]agent.Act)
	var rels []firsthand.ID
	for _, l := range b.Legs {
		if l.Channel != agent.Native || b.State != agent.Begun {
			continue
		}
		if acts[l.Rel] == nil {
			rels = append(rels, l.Rel)
		}
		acts[l.Rel] = append(acts[l.Rel], agent.Act{Entry: l.Entry, Draft: l.Entry.IsZero()})
	}
	said := make([]bytes.Buffer, len(rels))
	errs := make([]error, len(rels))
	places := make(chan struct{}, together)
	var wg sync.WaitGroup
	for i, rel := range rels {
		wg.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			quiet := *env
			quiet.Stdout, quiet.Stderr = &said[i], &said[i]
			errs[i] = a.sent(ctx, &quiet, rel, wait, acts[rel]...)
		})
	}
	wg.Wait()
	for i := range said {
		if _, err := io.Copy(env.Stdout, &said[i]); err != nil {
			return err
		}
		if errs[i] != nil {
			return errs[i]
		}
	}
	for _, l := range b.Legs {
		if l.Group == agent.NeedsYou || l.Group == agent.Prepared {
			what := "change"
			if !b.Move.Claim.IsZero() {
				what = "request"
			}
			fmt.Fprintf(env.Stdout, "%s\t%s\t%s\n", l.Domain, what, legText(&l))
		}
	}
	return nil
}
