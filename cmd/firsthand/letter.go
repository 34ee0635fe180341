package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/cli"
)

var letterCmd = cli.Command[*app]{
	Name: "letter", Args: "[print file | verb ...]", Short: "letters on paper: print them, say when you posted them, and where they go",
	Long: `letter                           list the letters that wait to be printed
letter print file.pdf [entry ...]  one PDF of them, or of the entries you name, for window
                                 envelopes: A4, or US Letter where you live there
letter reminder file.pdf entry   once its answer is overdue, a reminder of it; or a
letter complaint file.pdf entry  complaint to the authority that is nearest to you
letter posted entry [day]        you posted it, today if you name no day; it comes back to
                                 you when its answer is overdue
letter address acme.example 'Markt 1' '9000 Gent'   where letters to it go, line by line
letter language acme.example nl  in which language: en, de, fr, nl or es
"none" takes an address or a language of yours back.`,
	Setup: func(fs *flag.FlagSet) run {
		paper := fs.String("paper", "", "the `paper`: a4 or letter")
		asJSON := fs.Bool("json", false, "print JSON")
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			if len(args) == 0 {
				return a.letters(ctx, env, *asJSON)
			}
			switch what, rest := args[0], args[1:]; {
			case what == "print" && len(rest) > 0:
				return a.printLetters(ctx, env, *paper, rest[0], rest[1:])
			case (what == "reminder" || what == "complaint") && len(rest) == 2:
				entry, err := a.findTask(ctx, rest[1])
				if err != nil {
					return err
				}
				pdf, err := a.agent.PrintFollow(ctx, *paper, entry, what)
				if err != nil {
					return err
				}
				return writeFile(env.Path(rest[0]), func(w io.Writer) error { _, err := w.Write(pdf); return err })
			case what == "posted" && (len(rest) == 1 || len(rest) == 2):
				entry, err := a.findTask(ctx, rest[0])
				if err != nil {
					return err
				}
				on := firsthand.Date("")
				if len(rest) == 2 {
					if on, err = firsthand.ParseDate(rest[1]); err != nil {
						return err
					}
				}
				return a.agent.Posted(ctx, entry, on)
			case what == "address" && len(rest) == 1, what == "language" && len(rest) == 1:
				return a.showWriting(ctx, env, rest[0])
			case what == "address" && len(rest) > 1:
				return a.agent.SetAddress(ctx, rest[0], unlessNone(strings.Join(rest[1:], "\n")))
			case what == "language" && len(rest) == 2:
				return a.agent.SetLang(ctx, rest[0], unlessNone(rest[1]))
			}
			return cli.Usagef("")
		}
	},
}

func unlessNone(s string) string {
	if s == "none" {
		return ""
	}
	return s
}

func (a *app) letters(ctx context.Context, env *cli.Env, asJSON bool) error {
	tasks, err := a.agent.PaperLetters(ctx)
	if err != nil {
		return err
	}
	type row struct {
		Entry  firsthand.ID   `json:"entry"`
		Domain string         `json:"domain"`
		Kind   firsthand.Kind `json:"kind"`
		Due    firsthand.Date `json:"due,omitempty"`
	}
	rows, lines := []row{}, [][]string{{"LETTER", "COMPANY", "WHAT", "DUE"}}
	for _, t := range tasks {
		rows = append(rows, row{t.Entry, t.Domain, t.Kind, t.Due})
		lines = append(lines, []string{short(t.Entry), t.Domain, strings.TrimSpace(string(t.Kind) + " " + t.Fact), string(t.Due)})
	}
	if asJSON {
		return printJSON(env, rows)
	}
	if len(tasks) == 0 {
		fmt.Fprintln(env.Stderr, "firsthand: no letter waits to be printed")
		return nil
	}
	_, err = fmt.Fprint(env.Stdout, cli.Table(lines...))
	return err
}

func (a *app) printLetters(ctx context.Context, env *cli.Env, paper, file string, names []string) error {
	var entries []firsthand.ID
	for _, name := range names {
		entry, err := a.findTask(ctx, name)
		if err != nil {
			return err
		}
		entries = append(entries, entry)
	}
	if len(names) == 0 {
		tasks, err := a.agent.PaperLetters(ctx)
		if err != nil {
			return err
		}
		for _, t := range tasks {
			entries = append(entries, t.Entry)
		}
	}
	if len(entries) == 0 {
		return fault.Tell(fault.NotExist, "no letter waits to be printed", "name what to print: firsthand task")
	}
	p, err := a.agent.Print(ctx, paper, entries...)
	for entry, why := range p.Left {
		fmt.Fprintf(env.Stderr, "firsthand: %s is not in it: %s\n", short(entry), cli.Printable(why))
	}
	if err != nil {
		return err
	}
	if err := writeFile(env.Path(file), func(w io.Writer) error { _, err := w.Write(p.PDF); return err }); err != nil {
		return err
	}
	fmt.Fprintf(env.Stderr, "firsthand: %s in %s; when posted: firsthand letter posted ENTRY\n", cli.Count(len(p.Done), "letter is", "letters are"), cli.Printable(file))
	return nil
}

func (a *app) showWriting(ctx context.Context, env *cli.Env, company string) error {
	w, err := a.agent.Writing(ctx, company)
	if err != nil {
		return err
	}
	own := func(is bool) string {
		if is {
			return "yours"
		}
		return ""
	}
	for _, line := range w.Address {
		fmt.Fprintf(env.Stdout, "address\t%s\t%s\n", cli.Printable(line), own(w.Own != ""))
	}
	_, err = fmt.Fprintf(env.Stdout, "language\t%s\t%s\n", w.Lang, own(w.OwnLang != ""))
	return err
}
