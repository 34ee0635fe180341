package main

import (
	"context"
	"flag"
	"fmt"
	"strings"

	"firsthand/internal/agent"
	"firsthand/internal/cli"
)

var directoryCmd = cli.Command[*app]{
	Name: "directory", Args: "[add source | refresh | drop set]", Short: "the data sets of what is publicly known of companies, in your file",
	Long: `A source is a path or an https address; which data set it is is found out from the
data. It is read when you say so, here or with refresh, and never else: no lookup calls
anybody. Known are datenanfragen, JustDeleteMe, and Apple's list of pages where a
password is changed and of sites that share accounts.`,
	Setup: func(fs *flag.FlagSet) run {
		asJSON := fs.Bool("json", false, "print JSON")
		return func(ctx context.Context, a *app, env *cli.Env, args []string) (err error) {
			var sets []agent.Listing
			switch {
			case len(args) == 0:
				sets, err = a.agent.Directories(ctx)
			case len(args) == 2 && args[0] == "add":
				source := args[1]
				if !strings.Contains(source, "://") {
					source = env.Path(source)
				}
				var l agent.Listing
				l, err = a.agent.AddDirectory(ctx, source)
				sets = append(sets, l)
			case len(args) == 1 && args[0] == "refresh":
				sets, err = a.agent.RefreshDirectory(ctx)
			case len(args) == 2 && args[0] == "drop":
				return a.agent.DropDirectory(ctx, args[1])
			default:
				return cli.Usagef("")
			}
			if err != nil && len(sets) == 0 || err != nil && len(args) == 2 {
				return err
			}
			if perr := printListings(env, sets, *asJSON); perr != nil {
				return perr
			}
			return err
		}
	},
}

func printListings(env *cli.Env, sets []agent.Listing, asJSON bool) error {
	type row struct {
		Name    string   `json:"name"`
		Records int      `json:"records"`
		Licence string   `json:"licence"`
		Source  string   `json:"source"`
		Date    string   `json:"date"`
		Version string   `json:"version"`
		From    string   `json:"from"`
		Skipped []string `json:"skipped"`
		More    int      `json:"more_skipped"`
	}
	rows, table := []row{}, [][]string{{"SET", "RECORDS", "LICENCE", "DATE", "SKIPPED", "SOURCE", "READ FROM"}}
	for _, l := range sets {
		rows = append(rows, row{l.Name, l.Records, l.Licence, l.Source, l.Date, l.Version, l.From, append([]string{}, l.Skipped...), l.More})
		table = append(table, []string{l.Name, fmt.Sprint(l.Records), l.Licence, l.Date, fmt.Sprint(len(l.Skipped) + l.More), l.Source, l.From})
	}
	if asJSON {
		return printJSON(env, rows)
	}
	if len(sets) == 0 {
		fmt.Fprintln(env.Stderr, "firsthand: there is none yet: firsthand directory add SOURCE")
		return nil
	}
	_, err := fmt.Fprint(env.Stdout, cli.Table(table...))
	return err
}
