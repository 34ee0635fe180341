package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/cli"
)

var documentCmd = cli.Command[*app]{
	Name: "document", Args: "[verb ...]", Short: "files that companies gave you of what they hold, and what you take over from them",
	Long: `Without a verb it lists all documents. The verbs are:

add COMPANY FILE       keep a file that the company gave you, byte for byte; - is standard input
keep N K               keep attachment K of answer N as a document: see firsthand mail answers
list [COMPANY]         list those of one company
show ID                what is in it: a row for each place at which values stand, with a guess what
                       it is and how the company came to it; JSON, CSV and archives of them can be read
save ID FILE           write it out again, byte for byte
take ID ROW[=FACT] ... make rows of it what the company holds, as guessed or as you say; a part of a
                       fact stands after a colon, as in 4=address.home:city
back ID [FACT]         take back what was taken over, all of it or one fact
answers ID TASK        say that it is the answer to a request of yours, which is done then
remove ID              erase it; --keep or --drop say what becomes of what was taken over`,
	Setup: func(fs *flag.FlagSet) run {
		var o documentOptions
		fs.StringVar(&o.origin, "origin", "", "with take and back, how the company came to it: `told`, observed, inferred or bought")
		fs.BoolVar(&o.known, "known", false, "with show, only rows that seem to be facts of yours")
		fs.BoolVar(&o.keep, "keep", false, "with remove, what was taken over stays")
		fs.BoolVar(&o.drop, "drop", false, "with remove, what was taken over goes with it")
		fs.BoolVar(&o.json, "json", false, "print JSON")
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			if len(args) == 0 {
				return listDocuments(ctx, a, env, &o, nil)
			}
			verb, ok := documentVerbs[args[0]]
			if !ok || len(args)-1 < verb.min || verb.max > 0 && len(args)-1 > verb.max {
				return cli.Usagef("")
			}
			return verb.run(ctx, a, env, &o, args[1:])
		}
	},
}

type documentOptions struct {
	origin                  string
	known, keep, drop, json bool
}

// A documentVerb is one of the verbs of document.
type documentVerb struct {
	min, max int // arguments; max 0: any number
	run      func(ctx context.Context, a *app, env *cli.Env, o *documentOptions, args []string) error
}

var documentVerbs = map[string]documentVerb{
	"add":  {2, 2, addDocument},
	"keep": {2, 2, keepDocument},
	"list": {0, 1, listDocuments},
	"show": {1, 1, onDocument(showDocument)},
	"save": {2, 2, onDocument(func(ctx context.Context, a *app, env *cli.Env, _ *documentOptions, id int64, args []string) error {
		return writeFile(env.Path(args[0]), func(w io.Writer) error {
			return a.agent.SaveDocument(ctx, id, func(firsthand.Blob) (io.Writer, error) { return w, nil })
		})
	})},
	"take": {2, 0, onDocument(takeRows)},
	"back": {1, 2, onDocument(func(ctx context.Context, a *app, _ *cli.Env, o *documentOptions, id int64, args []string) error {
		return a.agent.TakeBack(ctx, id, strings.Join(args, ""), firsthand.Origin(o.origin))
	})},
	"answers": {2, 2, onDocument(func(ctx context.Context, a *app, _ *cli.Env, _ *documentOptions, id int64, args []string) error {
		entry, err := a.findTask(ctx, args[0])
		if err != nil {
			return err
		}
		return a.agent.AnswerRequest(ctx, id, entry)
	})},
	"remove": {1, 1, onDocument(removeDocument)},
}

// onDocument reads the number of a document, which is the first argument.
func onDocument(run func(ctx context.Context, a *app, env *cli.Env, o *documentOptions, id int64, args []string) error) func(context.Context, *app, *cli.Env, *documentOptions, []string) error {
	return func(ctx context.Context, a *app, env *cli.Env, o *documentOptions, args []string) error {
		id, err := strconv.ParseInt(args[0], 10, 64)
		if err != nil {
			return cli.Usagef("")
		}
		return run(ctx, a, env, o, id, args[1:])
	}
}

func addDocument(ctx context.Context, a *app, env *cli.Env, o *documentOptions, args []string) error {
	f, err := env.Open(args[1])
	if err != nil {
		return err
	}
	defer f.Close()
	d, err := a.agent.AddDocument(ctx, args[0], filepath.Base(args[1]), f)
	if err != nil {
		return err
	}
	return saidDocument(env, o, d)
}

func keepDocument(ctx context.Context, a *app, env *cli.Env, o *documentOptions, args []string) error {
	n, err := strconv.ParseInt(args[0], 10, 64)
	k, kerr := strconv.Atoi(args[1])
	if err != nil || kerr != nil {
		return cli.Usagef("")
	}
	d, err := a.agent.KeepAttachment(ctx, n, k-1)
	if err != nil {
		return err
	}
	return saidDocument(env, o, d)
}

func saidDocument(env *cli.Env, o *documentOptions, d agent.Document) error {
	if o.json {
		return printJSON(env, documentRow(d))
	}
	fmt.Fprintf(env.Stdout, "document %d of %s, %d bytes, as it came; see what is in it: firsthand document show %d\n", d.ID, cli.Printable(d.Domain), d.Blob.Size, d.ID)
	return nil
}

// A documentJSON is one document as JSON has it.
type documentJSON struct {
	ID     int64        `json:"id"`
	Domain string       `json:"domain"`
	Name   string       `json:"name"`
	Size   int64        `json:"size"`
	Hash   firsthand.ID `json:"sha256"`
	Came   time.Time    `json:"came"`
	Mail   bool         `json:"by_mail"`
	Entry  firsthand.ID `json:"answers,omitzero"`
}

func documentRow(d agent.Document) documentJSON {
	return documentJSON{d.ID, d.Domain, d.Blob.Name, d.Blob.Size, d.Blob.Hash, d.Came.UTC(), !d.Mail.IsZero(), d.Entry}
}

func listDocuments(ctx context.Context, a *app, env *cli.Env, o *documentOptions, args []string) error {
	all, err := a.agent.Documents(ctx, strings.Join(args, ""))
	if err != nil {
		return err
	}
	rows, table := []documentJSON{}, [][]string{{"ID", "COMPANY", "NAME", "BYTES", "CAME", "ANSWERS"}}
	for _, d := range all {
		answers := ""
		if !d.Entry.IsZero() {
			answers = short(d.Entry)
		}
		rows = append(rows, documentRow(d))
		table = append(table, []string{fmt.Sprint(d.ID), d.Domain, d.Blob.Name, fmt.Sprint(d.Blob.Size), dayOf(d.Came), answers})
	}
	if o.json {
		return printJSON(env, rows)
	}
	if len(all) == 0 {
		fmt.Fprintln(env.Stderr, "firsthand: no company has given you a document yet; firsthand request COMPANY access asks for one")
		return nil
	}
	_, err = fmt.Fprint(env.Stdout, cli.Table(table...))
	return err
}

// A fieldJSON is one row of a document as JSON has it.
type fieldJSON struct {
	Row    int              `json:"row"`
	Path   string           `json:"path"`
	Values []string         `json:"values"`
	Count  int              `json:"count"`
	Fact   string           `json:"guessed_fact"`
	Part   string           `json:"guessed_part,omitempty"`
	Origin firsthand.Origin `json:"guessed_origin"`
	Known  bool             `json:"known"`
	Same   bool             `json:"same"`
}

func showDocument(ctx context.Context, a *app, env *cli.Env, o *documentOptions, id int64, _ []string) error {
	f, err := a.agent.Fields(ctx, id)
	if err != nil {
		return err
	}
	rows, table := []fieldJSON{}, [][]string{{"ROW", "WHERE", "VALUES", "GUESSED", "ORIGIN"}}
	for _, r := range f.Rows {
		if o.known && !r.Known {
			continue
		}
		rows = append(rows, fieldJSON{r.Row, r.Path, r.Values, r.Count, r.Fact, r.Part, r.Origin, r.Known, r.Same})
		values, guess := strings.Join(r.Values, ", "), r.Fact
		if r.More {
			values += fmt.Sprintf(", … (%d)", r.Count)
		}
		if r.Part != "" {
			guess += ":" + r.Part
		}
		if r.Same {
			guess += " (yours)"
		}
		table = append(table, []string{fmt.Sprint(r.Row), r.Path, values, guess, string(r.Origin)})
	}
	if o.json {
		return printJSON(env, rows)
	}
	fmt.Fprint(env.Stdout, cli.Table(table...))
	for _, l := range f.Left {
		fmt.Fprintf(env.Stderr, "firsthand: not read: %s\n", cli.Printable(strings.TrimPrefix(l.File+": "+whyLeft[l.Why], ": ")))
	}
	if f.More > 0 {
		fmt.Fprintf(env.Stderr, "firsthand: not read: %d more\n", f.More)
	}
	if f.Cut {
		fmt.Fprintln(env.Stderr, "firsthand: it holds more than is read of one document; unpack it, and add the parts that matter")
	}
	taken, err := a.agent.Taken(ctx, id)
	for _, s := range taken {
		fmt.Fprintf(env.Stdout, "taken over: %s, %s: %s\n", s.Fact, s.Origin, cli.Printable(s.Value.String()))
	}
	if err != nil {
		return err
	}
	d, err := a.agent.Document(ctx, id)
	if err != nil || !d.Entry.IsZero() {
		return err
	}
	open, err := a.agent.Requests(ctx, d)
	for _, t := range open {
		fmt.Fprintf(env.Stdout, "you asked for what it holds on %s; if this is the answer: firsthand document answers %d %s\n", dayOf(t.Made), id, short(t.Entry))
	}
	return err
}

var whyLeft = map[string]string{"archive": "an archive in the archive; unpack it, and add it by itself", "kind": "of a kind that isn't read", "broken": "the rest is damaged",
	"rows": "some rows have not as many cells as the first"}

func takeRows(ctx context.Context, a *app, env *cli.Env, o *documentOptions, id int64, args []string) error {
	var rows []agent.Taking
	for _, arg := range args {
		row, fact, _ := strings.Cut(arg, "=")
		n, err := strconv.Atoi(row)
		if err != nil {
			return cli.Usagef("%q is no row: write its number, or number=fact", arg)
		}
		rows = append(rows, agent.Taking{Row: n, Fact: fact, Origin: firsthand.Origin(o.origin)})
	}
	taken, err := a.agent.TakeOver(ctx, id, rows...)
	for _, s := range taken {
		if err == nil {
			fmt.Fprintf(env.Stdout, "%s holds %s, %s: %s\n", cli.Printable(s.Domain), s.Fact, s.Origin, cli.Printable(s.Value.String()))
		}
	}
	return err
}

func removeDocument(ctx context.Context, a *app, _ *cli.Env, o *documentOptions, id int64, _ []string) error {
	taken, err := a.agent.Taken(ctx, id)
	if err != nil {
		return err
	}
	if len(taken) > 0 && o.keep == o.drop {
		return fault.Tell(fault.Invalid, fmt.Sprintf("things that were taken over from it: %d", len(taken)), "say what becomes of them: --keep leaves them, --drop removes them too")
	}
	return a.agent.DropDocument(ctx, id, o.keep)
}
