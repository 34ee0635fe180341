package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/cli"
)

// queryFlags declares the flags that choose companies.
func queryFlags(fs *flag.FlagSet) *agent.CompanyQuery {
	q := new(agent.CompanyQuery)
	fs.StringVar(&q.Search, "search", "", "those with this `text` in their name or domain")
	fs.StringVar(&q.Group, "group", "", "those in this `group`")
	fs.StringVar(&q.Holds, "holds", "", "those that hold this `fact`")
	fs.StringVar(&q.Value, "value", "", "with --holds, those that hold this `value` of it")
	fs.StringVar(&q.Show, "show", "", "`which`: guessed, confirmed, gateway, silent, duplicates, agreed or late")
	return q
}

// choose returns the companies that are named, or with all those that q chooses.
func (a *app) choose(ctx context.Context, names []string, all bool, q *agent.CompanyQuery) ([]string, error) {
	if all == (len(names) > 0) {
		return nil, cli.Usagef("name companies, or use --all with flags that choose them")
	}
	if !all {
		return names, nil
	}
	return a.agent.Select(ctx, *q)
}

// kept returns an error if she keeps nothing of one of the companies: a slip of the
// keys would be one more of them.
func (a *app) kept(ctx context.Context, names []string) error {
	for _, name := range names {
		if id, err := firsthand.ParseID(name); err == nil && !id.IsZero() {
			continue // a relationship's own name
		}
		if _, err := a.agent.Company(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

var companyCmd = cli.Command[*app]{
	Name: "company", Args: "[company | verb company ...]", Short: "the companies that know you: list, show, confirm, group",
	Long: `company                          list them; flags choose and sort
company acme.example             everything that you keep of one, and what is publicly known
company add acme.example [name]  note one by hand; a name of yours goes before others
company confirm acme.example ... it is one of yours, not only a guess of an import
company drop acme.example ...    forget it with its accounts and statements
company group shops acme.example ...   put companies into a group; --out takes them out
company channel acme.example     the ways to reach it, and which is used and why
company channel acme.example mail  by which of them your entries go there; best lets Firsthand choose
company look acme.example ...    ask companies whether they have a gateway; it tells them that somebody asks
With --all, confirm, drop, group and look are for all companies that the flags choose.`,
	Setup: func(fs *flag.FlagSet) run {
		q := queryFlags(fs)
		fs.StringVar(&q.Sort, "sort", agent.ByName, "`order`: name, held, used, step or due")
		fs.BoolVar(&q.Desc, "desc", false, "turn the order round")
		fs.IntVar(&q.Offset, "offset", 0, "leave out so `many`")
		fs.IntVar(&q.Limit, "limit", 50, "list so `many`; 0 is all")
		all := fs.Bool("all", false, "all companies that the flags choose, instead of named ones")
		out := fs.Bool("out", false, "take them out of the group")
		asJSON := fs.Bool("json", false, "print JSON")
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			if len(args) == 0 {
				return a.listCompanies(ctx, env, *q, *asJSON)
			}
			verb, rest := args[0], args[1:]
			some := func(names []string, do func([]string) error) error {
				domains, err := a.choose(ctx, names, *all, q)
				if err != nil {
					return err
				}
				if verb != "look" {
					if err := a.kept(ctx, names); err != nil {
						return err
					}
				}
				if err := do(domains); err != nil {
					return err
				}
				if len(domains) == 0 {
					say(env, "these flags choose no company")
				}
				fmt.Fprintln(env.Stdout, companies(len(domains)))
				return nil
			}
			switch {
			case verb == "add" && (len(rest) == 1 || len(rest) == 2):
				return a.agent.AddCompany(ctx, rest[0], strings.Join(rest[1:], ""))
			case verb == "add":
				return cli.Usagef("name one company by its domain, and what you call it if you like: firsthand company add acme.example Acme")
			case verb == "confirm":
				return some(rest, func(d []string) error { return a.agent.Confirm(ctx, d...) })
			case verb == "drop":
				return some(rest, func(d []string) error { return a.agent.DropCompany(ctx, d...) })
			case verb == "group" && len(rest) > 0:
				return some(rest[1:], func(d []string) error { return a.agent.Group(ctx, rest[0], !*out, d...) })
			case verb == "channel" && len(rest) == 1:
				return a.listWays(ctx, env, rest[0], *asJSON)
			case verb == "channel" && len(rest) == 2:
				name := rest[1]
				if name == "best" {
					name = ""
				}
				return a.agent.SetChannel(ctx, rest[0], name)
			case verb == "look":
				return some(rest, func(d []string) error { return a.look(ctx, env, d) })
			case len(args) == 1:
				return a.showCompany(ctx, env, verb, *asJSON)
			}
			return cli.Usagef("")
		}
	},
}

// listWays lists the ways to reach a company.
func (a *app) listWays(ctx context.Context, env *cli.Env, domain string, asJSON bool) error {
	ways, err := a.agent.Ways(ctx, domain)
	if err != nil {
		return err
	}
	type row struct {
		Channel string `json:"channel"`
		Group   string `json:"group"`
		Say     string `json:"say,omitempty"`
		Used    bool   `json:"used"`
		Chosen  bool   `json:"chosen"`
	}
	rows, lines := []row{}, [][]string{{"CHANNEL", "TAKES", "USED", "HOW"}}
	for _, w := range ways {
		rows = append(rows, row(w))
		used := ""
		switch {
		case w.Used && w.Chosen:
			used = "your choice"
		case w.Used:
			used = "the best"
		}
		lines = append(lines, []string{w.Channel, w.Group, used, w.Say})
	}
	if asJSON {
		return printJSON(env, rows)
	}
	_, err = fmt.Fprint(env.Stdout, cli.Table(lines...))
	return err
}

func (a *app) look(ctx context.Context, env *cli.Env, domains []string) error {
	found, err := a.agent.LookForGateways(ctx, domains...)
	for _, g := range found {
		said := "no gateway: "
		if g.Err == nil {
			said = "gateway of " + g.Name
		} else {
			said += agent.Unreached(g.Err)
		}
		fmt.Fprintf(env.Stdout, "%s\t%s\n", g.Domain, cli.Printable(said))
	}
	return err
}

type companyJSON struct {
	Domain   string         `json:"domain"`
	Name     string         `json:"name"`
	Guessed  bool           `json:"guessed"`
	Groups   []string       `json:"groups"`
	Channel  string         `json:"channel,omitempty"`
	Gateway  bool           `json:"gateway"`
	Rel      string         `json:"relationship,omitempty"`
	Step     string         `json:"step,omitempty"`
	Held     int            `json:"held"`
	Accounts int            `json:"accounts"`
	Waiting  int            `json:"waiting"`
	Due      firsthand.Date `json:"due,omitempty"`
	Since    string         `json:"since,omitempty"`
	Used     string         `json:"used,omitempty"`
}

func companyOf(c agent.Company) companyJSON {
	j := companyJSON{Domain: c.Domain, Name: c.Name, Guessed: c.Guessed, Groups: append([]string{}, c.Groups...), Channel: c.Channel, Gateway: c.Gateway,
		Step: c.Step, Held: c.Held, Accounts: c.Accounts, Waiting: c.Waiting, Due: c.Due, Since: dayOf(c.Since), Used: dayOf(c.Used)}
	if !c.Rel.IsZero() {
		j.Rel = c.Rel.String()
	}
	return j
}

// day returns the day of t, "" for the zero time.
func dayOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

func (a *app) listCompanies(ctx context.Context, env *cli.Env, q agent.CompanyQuery, asJSON bool) error {
	rows, total, err := a.agent.Companies(ctx, q)
	if err != nil {
		return err
	}
	all, table := []companyJSON{}, [][]string{{"COMPANY", "NAME", "STEP", "HOLDS", "ACCOUNTS", "SINCE", "LAST USED", "GROUPS", "NOTE"}}
	for _, c := range rows {
		note := ""
		switch {
		case c.Guessed:
			note = "guessed"
		case c.Due != "":
			note = "owes you, first by " + string(c.Due)
		}
		all = append(all, companyOf(c))
		table = append(table, []string{c.Domain, c.Name, c.Step, fmt.Sprint(c.Held), fmt.Sprint(c.Accounts), dayOf(c.Since), dayOf(c.Used), strings.Join(c.Groups, ", "), note})
	}
	if asJSON {
		return printJSON(env, all)
	}
	if total == 0 {
		if q.Search+q.Group+q.Holds+q.Show != "" {
			say(env, "these flags choose no company: firsthand company lists all")
		} else {
			say(env, "none; a list that you have is read by: firsthand bring FILE")
		}
		return nil
	}
	fmt.Fprint(env.Stdout, cli.Table(table...))
	if total > len(rows) {
		fmt.Fprintf(env.Stdout, "%d of %d\n", len(rows), total)
	}
	return nil
}

func (a *app) showCompany(ctx context.Context, env *cli.Env, domain string, asJSON bool) error {
	d, err := a.agent.Company(ctx, domain)
	unknown := fault.KindOf(err) == fault.NotExist
	if err != nil && !(unknown && !d.Listed.IsZero()) {
		return err
	}
	if asJSON {
		if unknown {
			return err
		}
		return printJSON(env, detailJSON(d))
	}
	say := func(format string, args ...any) {
		fmt.Fprintln(env.Stdout, cli.Printable(fmt.Sprintf(format, args...)))
	}
	say("%s (%s)", d.Name, d.Domain)
	switch {
	case unknown:
		say("you keep nothing of it; what follows is publicly known")
	case d.Guessed:
		say("guessed: only an import says that it knows you")
	}
	for _, r := range d.Relationships {
		say("relationship %s, met %s: firsthand status %s", r.ID, dayOf(r.Opened), r.Domain)
	}
	table := [][]string{{"FACT", "VALUE", "SINCE", "SAYS"}}
	for _, h := range d.Holders {
		table = append(table, []string{h.Fact, h.Value.String(), dayOf(h.Since), "the record: " + string(h.Origin)})
	}
	for _, s := range d.Statements {
		says := "you"
		if !s.Document.IsZero() {
			says = "a document"
		}
		if s.Origin != firsthand.Stated {
			says += ", " + string(s.Origin)
		}
		if s.Guessed {
			says = fmt.Sprintf("guessed, import %d", s.Import)
		}
		table = append(table, []string{s.Fact, s.Value.String(), string(s.Since), says})
	}
	if len(table) > 1 {
		fmt.Fprint(env.Stdout, cli.Table(table...))
	}
	table = [][]string{{"ACCOUNT", "KIND", "LOGIN", "TITLE", "ADDRESS", "IMPORT", "ROW"}}
	for _, acc := range d.Accounts {
		table = append(table, []string{fmt.Sprint(acc.ID), acc.Kind, acc.Login, acc.Title, acc.URL, fmt.Sprint(acc.Import), fmt.Sprint(acc.Row)})
	}
	if len(table) > 1 {
		fmt.Fprint(env.Stdout, cli.Table(table...))
	}
	return printListed(env, d)
}

// printListed prints what is publicly known of a company, each with where it is from.
func printListed(env *cli.Env, d agent.CompanyDetail) error {
	table := [][]string{{"PUBLICLY KNOWN", "", "SET", "DATE"}}
	add := func(what, value, set, date string) {
		if value != "" {
			table = append(table, []string{what, strings.ReplaceAll(value, "\n", ", "), set, date})
		}
	}
	for _, l := range d.Listed.Legal {
		add("legal entity", l.Value.Name, l.Set, l.Date)
		add("address", l.Value.Address, l.Set, l.Date)
		add("privacy contact", l.Value.Email, l.Set, l.Date)
		add("privacy form", l.Value.Webform, l.Set, l.Date)
	}
	for _, l := range d.Listed.Account {
		add("account settings", l.Value, l.Set, l.Date)
	}
	for _, l := range d.Listed.Deletion {
		add("delete the account", l.Value.Link+" ("+l.Value.Difficulty+")", l.Set, l.Date)
	}
	if len(table) == 1 {
		return nil
	}
	_, err := fmt.Fprint(env.Stdout, cli.Table(table...))
	return err
}

func detailJSON(d agent.CompanyDetail) any {
	type statement struct {
		Fact    string          `json:"fact"`
		Value   firsthand.Value `json:"value"`
		Since   firsthand.Date  `json:"since,omitempty"`
		Guessed bool            `json:"guessed"`

		Origin firsthand.Origin `json:"origin"`
	}
	type account struct {
		ID     int64  `json:"id"`
		Kind   string `json:"kind"`
		Login  string `json:"login"`
		Title  string `json:"title"`
		URL    string `json:"url"`
		Import int64  `json:"import"`
		Row    int    `json:"row"`
	}
	j := struct {
		companyJSON
		Statements []statement `json:"statements"`
		Logins     []account   `json:"logins"`
	}{companyOf(d.Company), []statement{}, []account{}}
	for _, s := range d.Statements {
		j.Statements = append(j.Statements, statement{s.Fact, s.Value, s.Since, s.Guessed, s.Origin})
	}
	for _, acc := range d.Accounts {
		j.Logins = append(j.Logins, account{acc.ID, acc.Kind, acc.Login, acc.Title, acc.URL, acc.Import, acc.Row})
	}
	return j
}

var stateCmd = cli.Command[*app]{
	Name: "state", Args: "[fact [value | part=text ...]]", Short: "say what companies hold of you from before, many at once",
	Long: `state                              who holds what: the record, your statements, guesses
state address.home street=... --group shops --since 2019-05-01
state email mia@old.example --at acme.example --at brasserie.example
state email --holds email --value mia@old.example --show guessed --all   what is guessed is so
state phone --forget --at acme.example
Without a value you only say that they hold the fact, and with --all and --holds that
what is guessed there is right. It tells nobody; it is where a change begins.`,
	Setup: func(fs *flag.FlagSet) run {
		q := queryFlags(fs)
		since := dateFlag(fs, "since", "the `day` since when")
		var at list
		fs.Var(&at, "at", "at this `company`; may be repeated")
		all := fs.Bool("all", false, "at all companies that the flags choose")
		forget := fs.Bool("forget", false, "take it back, and what is guessed")
		suggest := fs.Bool("suggest", false, "list what imports show of you")
		asJSON := fs.Bool("json", false, "print JSON")
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			if *suggest {
				return a.suggestions(ctx, env, *asJSON)
			}
			chosen := *all || q.Group != "" && len(at) == 0 // a group is named to be meant
			if len(args) == 0 || len(args) == 1 && !chosen && len(at) == 0 {
				return a.listHeld(ctx, env, strings.Join(args, ""), *asJSON)
			}
			domains, err := a.choose(ctx, at, chosen, q)
			if err != nil {
				return err
			}
			if *forget {
				err = a.agent.Unstate(ctx, args[0], domains...)
			} else {
				err = a.state(ctx, args, domains, *since, q)
			}
			if err == nil {
				if len(domains) == 0 {
					say(env, "these flags choose no company")
				}
				fmt.Fprintln(env.Stdout, companies(len(domains)))
			}
			return err
		}
	},
}

func (a *app) state(ctx context.Context, args, domains []string, since firsthand.Date, q *agent.CompanyQuery) (err error) {
	var v firsthand.Value
	switch {
	case len(args) > 1:
		v, err = value(args[1:])
	case q.Holds == args[0] && q.Value != "":
		v = firsthand.Text(q.Value)
	}
	statements := make([]agent.Statement, len(domains))
	for i, d := range domains {
		statements[i] = agent.Statement{Domain: d, Fact: args[0], Value: v, Since: since}
	}
	return errors.Join(err, a.agent.State(ctx, statements...))
}

func (a *app) listHeld(ctx context.Context, env *cli.Env, fact string, asJSON bool) error {
	type row struct {
		Domain  string           `json:"domain"`
		Fact    string           `json:"fact"`
		Value   firsthand.Value  `json:"value"`
		Since   string           `json:"since,omitempty"`
		Origin  firsthand.Origin `json:"origin"`
		Guessed bool             `json:"guessed"`
	}
	rows, table := []row{}, [][]string{{"FACT", "COMPANY", "VALUE", "SINCE", "ORIGIN"}}
	for h, err := range a.agent.Holds(ctx, fact) {
		if err != nil {
			return err
		}
		origin := string(h.Origin)
		if h.Guessed {
			origin = "guessed"
		}
		rows = append(rows, row{h.Domain, h.Fact, h.Value, dayOf(h.Since), h.Origin, h.Guessed})
		table = append(table, []string{h.Fact, h.Domain, h.Value.String(), dayOf(h.Since), origin})
	}
	if asJSON {
		return printJSON(env, rows)
	}
	if len(rows) == 0 {
		if fact != "" {
			fact = " " + fact
		}
		say(env, "nobody is known to hold any%s; to say who does: firsthand state FACT VALUE --at COMPANY", cmp.Or(fact, "thing of yours"))
		return nil
	}
	_, err := fmt.Fprint(env.Stdout, cli.Table(table...))
	return err
}

func (a *app) suggestions(ctx context.Context, env *cli.Env, asJSON bool) error {
	all, err := a.agent.Suggestions(ctx)
	if err != nil {
		return err
	}
	type row struct {
		Fact      string          `json:"fact"`
		Value     firsthand.Value `json:"value"`
		Companies int             `json:"companies"`
		Kind      string          `json:"kind"`
		Current   bool            `json:"current"`
	}
	rows := []row{}
	for _, s := range all {
		rows = append(rows, row{s.Fact, s.Value, s.Companies, s.Kind, s.Current})
		if !asJSON {
			fmt.Fprintf(env.Stdout, "%s know %s (%s)\n", companies(s.Companies), cli.Printable(s.Value.String()), s.Kind)
		}
	}
	if asJSON {
		return printJSON(env, rows)
	}
	if len(all) == 0 {
		say(env, "nothing that you have brought shows a fact of yours that you haven't stated already")
	}
	return nil
}

var mapCmd = cli.Command[*app]{
	Name: "map", Short: "who knows you, what do they hold, and how old it is",
	Setup: func(fs *flag.FlagSet) run {
		asJSON := fs.Bool("json", false, "print JSON")
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			if err := count(args, 0, 0); err != nil {
				return err
			}
			in, err := a.agent.Map(ctx)
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(env, mapOf(in))
			}
			say := func(format string, args ...any) {
				fmt.Fprintln(env.Stdout, cli.Printable(fmt.Sprintf(format, args...)))
			}
			if in.Companies == 0 {
				fmt.Fprintln(env.Stderr, "firsthand: no company is known to know you; a list that you have is read by: firsthand bring FILE")
				return nil
			}
			say("%s, of %d of which only an import says so", companies(in.Companies), in.Guessed)
			say("%s, %s with a gateway", cli.Count(in.Relationships, "relationship", "relationships"), companies(in.Gateways))
			for _, f := range in.Facts {
				say("%s: %s, %d of them guessed, %d with an old value", f.Fact, companies(f.Holds), f.Guessed, f.Old)
			}
			say("%s", cli.Count(in.Emails, "e-mail address", "e-mail addresses"))
			for _, m := range in.Addresses {
				say("  %s: %s, %d of them guessed", m.Value, companies(m.Companies), m.Guessed)
			}
			say("%d without any sign for three years, %d with two accounts or more", in.Silent, in.Duplicates)
			for _, c := range in.Oldest {
				say("  since %s: %s", dayOf(c.Since), c.Name)
			}
			return nil
		}
	},
}

func mapOf(in agent.Insight) any {
	type fact struct {
		Fact    string `json:"fact"`
		Holds   int    `json:"holds"`
		Guessed int    `json:"guessed"`
		Old     int    `json:"old"`
	}
	type mail struct {
		Value     firsthand.Value `json:"value"`
		Companies int             `json:"companies"`
		Guessed   int             `json:"guessed"`
		Current   bool            `json:"current"`
	}
	j := struct {
		Companies     int           `json:"companies"`
		Guessed       int           `json:"guessed"`
		Gateways      int           `json:"gateways"`
		Relationships int           `json:"relationships"`
		Silent        int           `json:"silent"`
		Duplicates    int           `json:"duplicates"`
		Facts         []fact        `json:"facts"`
		Emails        int           `json:"emails"`
		Addresses     []mail        `json:"addresses"`
		Oldest        []companyJSON `json:"oldest"`
	}{in.Companies, in.Guessed, in.Gateways, in.Relationships, in.Silent, in.Duplicates, []fact{}, in.Emails, []mail{}, []companyJSON{}}
	for _, f := range in.Facts {
		j.Facts = append(j.Facts, fact{f.Fact, f.Holds, f.Guessed, f.Old})
	}
	for _, m := range in.Addresses {
		j.Addresses = append(j.Addresses, mail{m.Value, m.Companies, m.Guessed, m.Current})
	}
	for _, c := range in.Oldest {
		j.Oldest = append(j.Oldest, companyOf(c))
	}
	return j
}
