package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"strconv"
	"strings"

	"firsthand/internal/agent"
	"firsthand/internal/agent/importer"
	"firsthand/internal/cli"
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
				return a.agent.Keep(ctx, n)
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
			names = append(names, f.Name())
		}
		return im, cli.Usagef("the file may be of several formats: say which, with --format %s", strings.Join(names, " or --format "))
	}
	return im, err
}

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

func printImport(env *cli.Env, im agent.Import, rows []agent.PreviewRow, companies int, unsure []agent.Account, doubts int, cards []agent.CardFound) error {
	n := im.Counts
	say := func(format string, args ...any) { fmt.Fprintf(env.Stdout, format+"\n", args...) }
	if im.Again {
		say("the same as import %d, which is there already: nothing has changed", im.ID)
	}
	say("import %d: %s, %s, %s", im.ID, cli.Printable(im.File), im.Format, im.State)
	say("%d rows, %d companies, %d of them new, %d hosts merged, %d unsure, %d rows that can't be read", n.Rows, n.Companies, n.New, n.Merged, n.Unsure, n.Bad)
	if n.Payments+n.Incoming+n.Mails+n.Contracts > 0 {
		say("%d payments, %d contracts guessed, %d mails of companies; %d payments to you and %d forged mails not kept", n.Payments, n.Contracts, n.Mails, n.Incoming, n.Unproved)
	}
	if n.Columns.Day != "" {
		say("columns: day %s, amount %s, who or what for %s (to change that: firsthand money --save)", cli.Printable(n.Columns.Day), cli.Printable(cmp.Or(n.Columns.Amount, n.Columns.Out)),
			cli.Printable(cmp.Or(n.Columns.Payee, n.Columns.Text)))
	}
	say("%s seen, 0 kept", secretsText(n))
	if n.Persons > 0 {
		say("%d persons: counted, and not kept but as contact of a company", n.Persons)
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
	if more := companies - len(rows); more > 0 {
		say("… and %d more", more)
	}
	if len(unsure) > 0 {
		say("\nOf these the company isn't certain; say it with --assign ACCOUNT --to COMPANY:")
		table := [][]string{{"ACCOUNT", "ROW", "WHY", "TITLE", "ADDRESS"}}
		for _, u := range unsure {
			table = append(table, []string{fmt.Sprint(u.ID), fmt.Sprint(u.Row), u.Why, u.Title, u.URL})
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
		say("… and %d more rows that can't be read", more)
	}
	if len(cards) > 0 && cards[0].Own {
		say("\nThe card of %s seems to be yours; to take its facts over: firsthand bring --me %d", cli.Printable(cards[0].Name), cards[0].ID)
	}
	if im.State == agent.Preview {
		say("\nNothing counts yet. firsthand bring --keep %d, or firsthand bring --undo %d", im.ID, im.ID)
	}
	return nil
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
	text := fmt.Sprintf("%d passwords", n.Passwords)
	for _, more := range []struct {
		n    int
		what string
	}{{n.OneTimeCodes, "one-time codes"}, {n.Keys, "keys"}, {n.Cards, "payment cards"}, {n.Notes, "notes"}} {
		if more.n > 0 {
			text += fmt.Sprintf(", %d %s", more.n, more.what)
		}
	}
	return text
}

func (a *app) listImports(ctx context.Context, env *cli.Env, asJSON bool) error {
	all, err := a.agent.Imports(ctx)
	if err != nil {
		return err
	}
	rows, table := []importJSON{}, [][]string{{"IMPORT", "FILE", "FORMAT", "READ", "STATE", "ROWS", "COMPANIES", "UNSURE"}}
	for _, im := range all {
		rows = append(rows, jsonOf(im))
		table = append(table, []string{fmt.Sprint(im.ID), im.File, im.Format, im.At.Format("2006-01-02 15:04"), im.State,
			fmt.Sprint(im.Counts.Rows), fmt.Sprint(im.Counts.Companies), fmt.Sprint(im.Counts.Unsure)})
	}
	if asJSON {
		return printJSON(env, rows)
	}
	_, err = fmt.Fprint(env.Stdout, cli.Table(table...))
	return err
}
