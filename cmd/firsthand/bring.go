package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"strconv"
	"strings"

	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/importer"
	"firsthand/internal/cli"
	"firsthand/internal/locale"
)

var bringCmd = cli.Command[*app]{
	Name: "bring", Args: "[file]", Short: "read a file that you have: passwords, contacts, mail, statements of your bank, subscriptions",
	Long: `Which program the file is from is found out from the file. It becomes a preview: which
companies know you, and by which address. Nothing counts before you keep it, and what
you keep can be undone. Passwords, codes and notes are counted and dropped while
reading; what mails say isn't read, and of payments only those that you made are kept,
without numbers of accounts. With - the file is read from standard input. Delete the file afterwards: the
passwords are still in it.`,
	Setup: func(fs *flag.FlagSet) run {
		keep := fs.Bool("keep", false, "keep what is in the file at once; with a number in place of the file, that preview")
		undo := fs.Int64("undo", 0, "remove the import with this `number`, and everything that only it says")
		listAll := fs.Bool("list", false, "list what you have brought")
		id := fs.Int64("id", 0, "show the import with this `number`")
		format := fs.String("format", "", "`name` of the format, if a file may be of several")
		me := fs.Int64("me", 0, "`number` of the card of an address book that is yours: its facts become yours")
		assign := fs.Int64("assign", 0, "`number` of an account of which the company isn't certain; see --to")
		to := fs.String("to", "", "the `company` that it is of")
		asJSON := fs.Bool("json", false, "print JSON")
		return func(ctx context.Context, a *app, env *cli.Env, args []string) (err error) {
			if err := count(args, 0, 1); err != nil {
				return err
			}
			if n, ok := a.preview(env, *keep, args); ok {
				if err := a.agent.Keep(ctx, n); err != nil {
					return err
				}
				im, err := a.agent.Brought(ctx, n)
				if err == nil {
					say(env, "kept: %s; who knows you now: firsthand map; to take it back: firsthand bring --undo %d", companies(im.Counts.Companies), n)
				}
				return err
			}
			switch {
			case len(args) == 1:
				im, err := a.bring(ctx, env, args[0], *format)
				if err != nil {
					return err
				}
				if *keep {
					if err := a.agent.Keep(ctx, im.ID); err != nil {
						return err
					}
					im.State = agent.Kept
				}
				return a.showImport(ctx, env, im, *asJSON)
			case *me != 0:
				return a.agent.TakeCard(ctx, *me)
			case *assign != 0 && *to == "":
				return cli.Usagef("say of which company it is: --assign %d --to acme.example", *assign)
			case *assign != 0:
				return a.agent.Assign(ctx, *assign, *to)
			case *undo != 0:
				return a.agent.Undo(ctx, *undo)
			case *id != 0:
				im, err := a.agent.Brought(ctx, *id)
				if err != nil {
					return err
				}
				return a.showImport(ctx, env, im, *asJSON)
			case *listAll:
				return a.listImports(ctx, env, *asJSON)
			}
			if *keep {
				return cli.Usagef("name what to keep: a file, or the number of a preview, which firsthand bring --list has")
			}
			return cli.Usagef("name a file, or use --list")
		}
	},
}

// preview returns the number of the import that is to be kept, if one is named in
// place of a file.
func (a *app) preview(env *cli.Env, keep bool, args []string) (n int64, ok bool) {
	if !keep || len(args) != 1 || isFile(env, args[0]) {
		return 0, false
	}
	n, err := strconv.ParseInt(args[0], 10, 64)
	return n, err == nil
}

// bring reads a file, and says now and then how far it is.
func (a *app) bring(ctx context.Context, env *cli.Env, name, format string) (agent.Import, error) {
	f, err := env.Open(name)
	if err != nil {
		return agent.Import{}, err
	}
	defer f.Close()
	said := 0
	im, err := a.agent.BringAs(ctx, format, name, f, func(n agent.ImportCounts) {
		if n.Rows-said >= 50_000 {
			said = n.Rows
			fmt.Fprintf(env.Stderr, "firsthand: %d rows read\n", n.Rows)
		}
	})
	if tie, ok := errors.AsType[*importer.Tie](err); ok {
		var names []string
		for _, f := range tie.Formats {
			names = append(names, f.Name()+" ("+formatText(f.Name())+")")
		}
		return im, cli.Usagef("the file may be of several formats: say which, with --format %s", strings.Join(names, " or --format "))
	}
	if _, ok := errors.AsType[*importer.UnknownTable](err); ok {
		err = fault.Tell(fault.Invalid, err.Error(), "if it is of your bank, say once which column has what, as they are called in its first row, and bring it again: "+
			"firsthand money --save BANK day=COLUMN,amount=COLUMN,payee=COLUMN; else export it again, and don't change its first row")
	}
	return im, err
}

// formatText says what a format is, in the words of the pages.
func formatText(name string) string { return locale.All()[0].Word("format", name) }

type importJSON struct {
	ID        int64              `json:"id"`
	Format    string             `json:"format"`
	File      string             `json:"file"`
	State     string             `json:"state"`
	Again     bool               `json:"again"`
	Counts    agent.ImportCounts `json:"counts"`
	Bad       []agent.BadRow     `json:"bad"`
	Companies []previewJSON      `json:"companies,omitempty"`
	Unsure    []unsureJSON       `json:"unsure,omitempty"`
}

type previewJSON struct {
	Domain   string   `json:"domain"`
	Name     string   `json:"name"`
	Accounts int      `json:"accounts"`
	Hosts    []string `json:"hosts"`
	New      bool     `json:"new"`
}

type unsureJSON struct {
	ID    int64  `json:"id"`
	Row   int    `json:"row"`
	Title string `json:"title"`
	URL   string `json:"url"`
	Why   string `json:"why"`
}

func jsonOf(im agent.Import) importJSON {
	return importJSON{ID: im.ID, Format: im.Format, File: im.File, State: im.State, Again: im.Again, Counts: im.Counts, Bad: append([]agent.BadRow{}, im.Bad...)}
}

// maxShown is how much of a list is printed; --json has all of it.
const maxShown = 20

func (a *app) showImport(ctx context.Context, env *cli.Env, im agent.Import, asJSON bool) error {
	limit := maxShown
	if asJSON {
		limit = 0
	}
	rows, companies, err := a.agent.PreviewCompanies(ctx, im.ID, 0, limit)
	if err != nil {
		return err
	}
	unsure, doubts, err := a.agent.Unsure(ctx, im.ID, 0, limit)
	if err != nil {
		return err
	}
	if asJSON {
		j := jsonOf(im)
		for _, r := range rows {
			j.Companies = append(j.Companies, previewJSON{r.Domain, r.Name, r.Accounts, append([]string{}, r.Hosts...), r.New})
		}
		for _, u := range unsure {
			j.Unsure = append(j.Unsure, unsureJSON{u.ID, u.Row, u.Title, u.URL, u.Why})
		}
		return printJSON(env, j)
	}
	cards, err := a.agent.Cards(ctx, im.ID)
	if err != nil {
		return err
	}
	return printImport(env, im, rows, companies, unsure, doubts, cards)
}

func printImport(env *cli.Env, im agent.Import, rows []agent.PreviewRow, total int, unsure []agent.Account, doubts int, cards []agent.CardFound) error {
	n := im.Counts
	say := func(format string, args ...any) { fmt.Fprintf(env.Stdout, format+"\n", args...) }
	if im.Again {
		say("the same as import %d, which is there already: nothing has changed", im.ID)
	}
	say("import %d: %s (%s), %s", im.ID, cli.Printable(im.File), cli.Printable(formatText(im.Format)), stateOf(im))
	say("%s, %s, %d of them new, %s merged, %d unsure, %s", cli.Count(n.Rows, "row", "rows"), companies(n.Companies), n.New, cli.Count(n.Merged, "host", "hosts"), n.Unsure,
		cli.Count(n.Bad, "row that can't be read", "rows that can't be read"))
	if n.Payments+n.Incoming+n.Mails+n.Contracts > 0 {
		say("%s, %s guessed, %s of companies; %s to you and %s not kept", cli.Count(n.Payments, "payment", "payments"), cli.Count(n.Contracts, "contract", "contracts"),
			cli.Count(n.Mails, "mail", "mails"), cli.Count(n.Incoming, "payment", "payments"), cli.Count(n.Unproved, "forged mail", "forged mails"))
	}
	if n.Columns.Day != "" {
		say("columns: day %s, amount %s, who or what for %s (to change that: firsthand money --save)", cli.Printable(n.Columns.Day), cli.Printable(cmp.Or(n.Columns.Amount, n.Columns.Out)),
			cli.Printable(cmp.Or(n.Columns.Payee, n.Columns.Text)))
	}
	say("%s seen, 0 kept", secretsText(n))
	if n.Persons > 0 {
		say("%s: counted, and not kept but as contact of a company", cli.Count(n.Persons, "person", "persons"))
	}
	table := [][]string{{"COMPANY", "NAME", "ACCOUNTS", "HOSTS", ""}}
	for _, r := range rows {
		fresh := "known"
		if r.New {
			fresh = "new"
		}
		table = append(table, []string{r.Domain, r.Name, fmt.Sprint(r.Accounts), hostsText(r.Hosts), fresh})
	}
	if len(rows) > 0 {
		fmt.Fprint(env.Stdout, cli.Table(table...))
	}
	if more := total - len(rows); more > 0 {
		say("… and %d more", more)
	}
	if len(unsure) > 0 {
		say("\nOf these the company isn't certain; say it with --assign ACCOUNT --to COMPANY:")
		table := [][]string{{"ACCOUNT", "ROW", "WHY", "TITLE", "ADDRESS"}}
		for _, u := range unsure {
			table = append(table, []string{fmt.Sprint(u.ID), fmt.Sprint(u.Row), locale.All()[0].Word("why", u.Why), u.Title, u.URL})
		}
		fmt.Fprint(env.Stdout, cli.Table(table...))
		if more := doubts - len(unsure); more > 0 {
			say("… and %d more", more)
		}
	}
	for _, bad := range im.Bad {
		say("row %d: %s", bad.Row, bad.Why)
	}
	if more := n.Bad - len(im.Bad); more > 0 {
		say("… and %s more", cli.Count(more, "row that can't be read", "rows that can't be read"))
	}
	if len(cards) > 0 && cards[0].Own {
		say("\nThe card of %s seems to be yours; to take its facts over: firsthand bring --me %d", cli.Printable(cards[0].Name), cards[0].ID)
	}
	if len(cards) > 0 && !cards[0].Own && im.State == agent.Preview {
		say("\nIf the card of one of these is yours, its facts are taken over by --me CARD:")
		table := [][]string{{"CARD", "NAME", "OF"}}
		for _, c := range cards[:min(len(cards), maxShown)] {
			table = append(table, []string{fmt.Sprint(c.ID), c.Name, c.Org})
		}
		fmt.Fprint(env.Stdout, cli.Table(table...))
	}
	if im.State == agent.Preview {
		say("\nNothing counts yet. firsthand bring --keep %d, or firsthand bring --undo %d", im.ID, im.ID)
	}
	return nil
}

// stateOf says what an import is: a preview, or kept.
func stateOf(im agent.Import) string {
	if im.State == agent.Preview {
		return "not kept yet"
	}
	return im.State
}

// hostsText names a few hosts.
func hostsText(hosts []string) string {
	const few = 3
	if len(hosts) <= few {
		return strings.Join(hosts, " ")
	}
	return strings.Join(hosts[:few], " ") + " …"
}

// secretsText says what was dropped: "214 passwords, 3 notes".
func secretsText(n agent.ImportCounts) string {
	text := cli.Count(n.Passwords, "password", "passwords")
	for _, more := range []struct {
		n         int
		one, many string
	}{{n.OneTimeCodes, "one-time code", "one-time codes"}, {n.Keys, "key", "keys"}, {n.Cards, "payment card", "payment cards"}, {n.Notes, "note", "notes"}} {
		if more.n > 0 {
			text += ", " + cli.Count(more.n, more.one, more.many)
		}
	}
	return text
}

func (a *app) listImports(ctx context.Context, env *cli.Env, asJSON bool) error {
	all, err := a.agent.Imports(ctx)
	if err != nil {
		return err
	}
	rows, table := []importJSON{}, [][]string{{"IMPORT", "FILE", "FROM", "READ", "STATE", "ROWS", "COMPANIES", "UNSURE"}}
	for _, im := range all {
		rows = append(rows, jsonOf(im))
		table = append(table, []string{fmt.Sprint(im.ID), im.File, formatText(im.Format), im.At.Format("2006-01-02 15:04"), stateOf(im),
			fmt.Sprint(im.Counts.Rows), fmt.Sprint(im.Counts.Companies), fmt.Sprint(im.Counts.Unsure)})
	}
	if asJSON {
		return printJSON(env, rows)
	}
	if len(all) == 0 {
		say(env, "you have brought nothing yet: firsthand bring FILE")
		return nil
	}
	_, err = fmt.Fprint(env.Stdout, cli.Table(table...))
	return err
}
