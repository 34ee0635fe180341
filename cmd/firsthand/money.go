package main

import (
	"context"
	"flag"
	"fmt"
	"strings"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/importer"
	"firsthand/internal/agent/money"
	"firsthand/internal/cli"
)

var moneyCmd = cli.Command[*app]{
	Name: "money", Args: "[contract [verb]]", Short: "what contracts cost, by when to cancel them, and a calendar of it",
	Long: `Without a contract it lists them: by the last day to cancel. What is guessed from the
statements of your bank has a name that begins with g; confirm makes it yours. A new one
is noted with add. keep says that you keep it for another term; cancel and haggle write
to the company, the way it has: see firsthand task. drop forgets it, or says that a guess
is no contract. edit, confirm and add take the flags.

--calendar new prints a private link for calendar programs, and ends the one before; off
ends it. Whoever has the link reads the days and sums, and nothing else.

--columns lists which columns of tables hold what; --save NAME says it, as in
day=Datum,amount=Betrag,payee=Wer,unit=EUR; with nothing after it NAME is forgotten.`,
	Setup: func(fs *flag.FlagSet) run {
		f := contractFlags{fs: fs}
		f.define()
		ends := fs.String("ends", "", "with cancel, its last `day`; else the earliest possible")
		offer := fs.String("offer", "", "with haggle, the `price` that you would pay")
		calendar := fs.String("calendar", "", "`new` makes a link, off ends it")
		columns := fs.Bool("columns", false, "list which columns of your banks' tables hold what")
		save := fs.String("save", "", "`name` of a bank whose columns are named")
		over := fs.Bool("all", false, "list those that are over, too")
		asJSON := fs.Bool("json", false, "print JSON")
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			switch {
			case *calendar != "":
				return a.calendarLink(ctx, env, *calendar, args)
			case *columns:
				return a.listColumns(ctx, env)
			case *save != "":
				return a.saveColumns(ctx, *save, args)
			}
			if err := count(args, 0, 2); err != nil {
				return err
			}
			if len(args) == 0 {
				return a.contracts(ctx, env, *over, *asJSON)
			}
			if args[0] == "add" && len(args) == 1 {
				var row agent.ContractRow
				if err := f.apply(&row); err != nil {
					return err
				}
				if row.Name == "" {
					return cli.Usagef("say what it is called: --name NAME")
				}
				id, err := a.agent.AddContract(ctx, row)
				if err == nil {
					fmt.Fprintln(env.Stdout, id)
				}
				return err
			}
			c, err := a.agent.ContractOf(ctx, args[0])
			if err != nil {
				return err
			}
			if len(args) == 1 || args[1] == "show" {
				return a.showContract(ctx, env, c)
			}
			if args[1] == "drop" {
				return a.agent.DismissContract(ctx, c.Ref())
			}
			// All else makes a guess hers.
			id := c.ID
			if c.Guessed {
				if id, err = a.agent.ConfirmContract(ctx, c.Ref(), f.company); err != nil {
					return err
				}
				fmt.Fprintln(env.Stdout, id)
			}
			switch args[1] {
			case "edit", "confirm":
				var bad error
				err := a.agent.EditContract(ctx, id, func(r *agent.ContractRow) { bad = f.apply(r) })
				if bad != nil {
					return bad
				}
				return err
			case "keep":
				return a.agent.KeepContract(ctx, id)
			case "cancel":
				act, err := a.agent.CancelContract(ctx, id, agent.Cancelling{Ends: firsthand.Date(*ends)})
				return said(env, act, err)
			case "haggle":
				act, err := a.agent.HaggleContract(ctx, id, *offer, "")
				return said(env, act, err)
			}
			return cli.Usagef("there is nothing to do that is called %s", args[1])
		}
	},
}

// said prints the entry that was said.
func said(env *cli.Env, act agent.Act, err error) error {
	if err == nil {
		fmt.Fprintln(env.Stdout, act.Entry)
	}
	return err
}

// contractFlags are what can be said of a contract. What isn't given stays as it is.
type contractFlags struct {
	fs                                                       *flag.FlagSet
	name, company, number, price, period, next, renews, term string
	notice, trial, ended, note                               string
}

func (f *contractFlags) define() {
	for _, one := range []struct {
		to          *string
		name, usage string
	}{
		{&f.name, "name", "what it is `called`"}, {&f.company, "company", "`company` that it is with"}, {&f.number, "number", "`number` by which the company finds it"},
		{&f.price, "price", "`price` with its currency: 12.99 EUR"}, {&f.period, "period", "`how` often it is paid: month, 3 months, year"},
		{&f.next, "next", "a `day` on which it is paid"}, {&f.renews, "renews", "a `day` on which it goes on by itself"}, {&f.term, "term", "by how `long` it goes on then"},
		{&f.notice, "notice", "how `long` before it has to be cancelled: 3 months"}, {&f.trial, "trial", "the last `day` that costs nothing"},
		{&f.ended, "ended", "the last `day` of one that ends"}, {&f.note, "note", "a `text` of yours"},
	} {
		f.fs.StringVar(one.to, one.name, "", one.usage)
	}
}

func (f *contractFlags) apply(r *agent.ContractRow) (err error) {
	f.fs.Visit(func(given *flag.Flag) {
		if err != nil {
			return
		}
		switch given.Name {
		case "name":
			r.Name = f.name
		case "company":
			r.Domain = f.company
		case "number":
			r.Number = f.number
		case "note":
			r.Note = f.note
		case "price":
			if r.Price, err = money.Parse(f.price, "", 0); err != nil {
				err = fault.Tell(fault.Invalid, fmt.Sprintf("%q is no price", f.price), `a number and a currency: --price "12.99 EUR"`)
			}
		case "period":
			r.Period, err = money.ParsePeriod(f.period)
		case "term":
			r.Term, err = money.ParsePeriod(f.term)
		case "notice":
			r.Notice, err = money.ParsePeriod(f.notice)
		case "next":
			r.Next, err = parseDay(f.next)
		case "renews":
			r.Renews, err = parseDay(f.renews)
		case "trial":
			r.Trial, err = parseDay(f.trial)
		case "ended":
			r.Ended, err = parseDay(f.ended)
		}
	})
	return err
}

type contractJSON struct {
	Ref      string         `json:"contract"`
	Name     string         `json:"name"`
	Company  string         `json:"company"`
	Guessed  bool           `json:"guessed"`
	Price    string         `json:"price"`
	Period   money.Period   `json:"period"`
	Next     firsthand.Date `json:"next"`
	CancelBy firsthand.Date `json:"cancel_by"`
	GoesOn   firsthand.Date `json:"goes_on"`
	Silent   string         `json:"silent,omitempty"`
	Over     bool           `json:"over"`
	Changes  int            `json:"price_changes"`
	Payments int            `json:"payments"`
}

func (a *app) contracts(ctx context.Context, env *cli.Env, over, asJSON bool) error {
	all, err := a.agent.Contracts(ctx)
	if err != nil {
		return err
	}
	today := firsthand.DateOf(a.agent.Now())
	rows, lines := []contractJSON{}, [][]string{{"CONTRACT", "NAME", "COMPANY", "PRICE", "EVERY", "NEXT", "CANCEL BY", ""}}
	for _, c := range all {
		done := c.IsOver(today) || c.Stopped
		rows = append(rows, contractJSON{c.Ref(), c.Name, c.Domain, c.Guessed, c.Price.String(), c.Period, c.Next, c.CancelBy, c.Goes, c.Silent, done, len(c.Changes), c.Paid})
		if done && !over {
			continue
		}
		lines = append(lines, []string{c.Ref(), c.Name, c.Domain, c.Price.String(), c.Period.String(), string(c.Next), string(c.CancelBy), strings.Join(marks(&c, done), ", ")})
	}
	if asJSON {
		return printJSON(env, rows)
	}
	if len(lines) == 1 {
		fmt.Fprintln(env.Stderr, "firsthand: no contracts; bring a statement of your bank: firsthand bring FILE")
		return nil
	}
	fmt.Fprint(env.Stdout, cli.Table(lines...))
	for _, sum := range agent.PerMonth(all, today) {
		fmt.Fprintf(env.Stdout, "%s a month on average\n", sum)
	}
	return nil
}

// marks are what is to be known of a contract in a word.
func marks(c *agent.Contract, over bool) (words []string) {
	for _, m := range []struct {
		is   bool
		word string
	}{{c.Guessed, "guessed"}, {over, "over"}, {!c.Cancelled.IsZero(), "cancelled"}, {len(c.Changes) > 0, "price changed"}, {c.Varies, "varies"}, {c.Silent != "", c.Silent}} {
		if m.is {
			words = append(words, m.word)
		}
	}
	return words
}

func (a *app) showContract(ctx context.Context, env *cli.Env, c agent.Contract) error {
	say := func(label, text string) {
		if text != "" {
			fmt.Fprintf(env.Stdout, "%s\t%s\n", label, cli.Printable(text))
		}
	}
	over := c.IsOver(firsthand.DateOf(a.agent.Now())) || c.Stopped
	say("contract", c.Ref())
	say("name", c.Name)
	say("company", c.Domain)
	say("number", c.Number)
	say("price", c.Price.String())
	say("period", c.Period.String())
	say("next", string(c.Next))
	say("cancel by", string(c.CancelBy))
	say("goes on", string(c.Goes))
	say("notice", c.Notice.String())
	say("ends", string(c.Ended))
	say("", strings.Join(marks(&c, over), ", "))
	for _, ch := range c.Changes {
		say("price", fmt.Sprintf("%s to %s on %s", ch.From, ch.To, ch.Day))
	}
	sources, err := a.agent.Sources(ctx, c)
	for _, s := range sources {
		line := fmt.Sprintf("%s, line %d", s.File, s.Row)
		if s.Payment.ID != 0 {
			line += fmt.Sprintf(": %s %s %s", s.Payment.Day, s.Payment.Amount, s.Payment.Name)
		}
		say("source", line)
	}
	return err
}

// calendarLink makes the link to her calendar, or ends it.
func (a *app) calendarLink(ctx context.Context, env *cli.Env, what string, args []string) error {
	if err := count(args, 0, 0); err != nil {
		return err
	}
	switch what {
	case "off":
		return a.agent.CloseCalendar(ctx)
	case "new":
		word, err := a.agent.OpenCalendar(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(env.Stdout, "/calendar/%s.ics\n", word)
		fmt.Fprintln(env.Stderr, "firsthand: put the address of your pages before it; it is shown this once")
		return nil
	}
	return cli.Usagef("--calendar new or --calendar off")
}

func (a *app) listColumns(ctx context.Context, env *cli.Env) error {
	all, err := a.agent.Mappings(ctx)
	if err != nil {
		return err
	}
	lines := [][]string{{"NAME", "DAY", "AMOUNT", "PAYEE", "TEXT"}}
	for _, m := range all {
		lines = append(lines, []string{m.Name, m.Day, m.Amount + m.Out, m.Payee, m.Text})
	}
	_, err = fmt.Fprint(env.Stdout, cli.Table(lines...))
	return err
}

// saveColumns says which columns of a table hold what: day=Datum,amount=Betrag.
func (a *app) saveColumns(ctx context.Context, name string, args []string) error {
	if len(args) == 0 {
		return a.agent.DropMapping(ctx, name)
	}
	m := importer.Mapping{Name: name}
	to := map[string]*string{"day": &m.Day, "amount": &m.Amount, "out": &m.Out, "in": &m.In, "sign": &m.Sign, "payee": &m.Payee, "text": &m.Text, "currency": &m.Currency,
		"ref": &m.Ref, "mandate": &m.Mandate, "creditor": &m.Creditor, "order": &m.Order, "decimal": &m.Decimal, "unit": &m.Unit}
	for _, pair := range strings.Split(strings.Join(args, ","), ",") {
		what, column, ok := strings.Cut(pair, "=")
		switch {
		case what == "flip" && !ok:
			m.Flip = true
		case !ok || to[what] == nil:
			return cli.Usagef("say what a column holds as in day=Datum,amount=Betrag,payee=Wer")
		default:
			*to[what] = column
		}
	}
	return a.agent.SaveMapping(ctx, m)
}
