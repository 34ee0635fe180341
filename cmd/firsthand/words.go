package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/cli"
)

// run is what a command of this program does.
type run = cli.Run[*app]

// count returns a usage error unless there are at least min and at most max
// arguments; max < 0 is any number.
func count(args []string, min, max int) error {
	if len(args) < min || max >= 0 && len(args) > max {
		return cli.Usagef("")
	}
	return nil
}

// companies says how many companies there are.
func companies(n int) string { return cli.Count(n, "company", "companies") }

func relationships(n int) string { return cli.Count(n, "relationship", "relationships") }

func entries(n int) string { return cli.Count(n, "entry", "entries") }

// say tells her something that isn't what she asked for: on standard error, so that a
// program that reads the output is not told.
func say(env *cli.Env, format string, args ...any) {
	fmt.Fprintf(env.Stderr, "firsthand: %s\n", cli.Printable(fmt.Sprintf(format, args...)))
}

// parseDay reads a day that is an argument.
func parseDay(arg string) (firsthand.Date, error) {
	d, err := firsthand.ParseDate(arg)
	if err != nil {
		return "", fault.Tell(fault.Invalid, fmt.Sprintf("%q is no day", arg), "as in 2027-01-31")
	}
	return d, nil
}

// toCome refuses a last day that is over: nothing would be left of what it ends.
func toCome(d firsthand.Date, now time.Time) error {
	if d == "" || d >= firsthand.DateOf(now) {
		return nil
	}
	return fault.Tell(fault.Invalid, string(d)+" is over", "name today or a day to come")
}

// value reads a fact's value from arguments: one text, or parts as name=text.
func value(args []string) (firsthand.Value, error) {
	if len(args) == 1 && !strings.Contains(args[0], "=") {
		return firsthand.Text(args[0]), nil
	}
	parts := make(map[string]string, len(args))
	for _, arg := range args {
		name, text, ok := strings.Cut(arg, "=")
		if !ok {
			return firsthand.Value{}, cli.Usagef("%q is no part: write one text, or parts as name=text", arg)
		}
		if _, twice := parts[name]; twice {
			return firsthand.Value{}, cli.Usagef("%s is given twice", name)
		}
		parts[name] = text
	}
	return firsthand.Value{Parts: parts}, nil
}

// basisFlags declares --right and --exception.
func basisFlags(fs *flag.FlagSet) func() firsthand.Basis {
	right := fs.String("right", "", "the legal `right` or duty it stands on, as in \"GDPR 16\"")
	exception := fs.String("exception", "", "your one-off `reason`, recorded as an exception")
	return func() firsthand.Basis { return firsthand.Basis{Right: *right, Exception: *exception} }
}

// waitFlag declares --wait.
func waitFlag(fs *flag.FlagSet) *time.Duration {
	return fs.Duration("wait", 2*time.Second, "how long to wait for the company's answer")
}

// dateFlag declares a flag that is a date.
func dateFlag(fs *flag.FlagSet, name, usage string) *firsthand.Date {
	var d firsthand.Date
	fs.TextVar(&d, name, firsthand.Date(""), usage)
	return &d
}

// sent carries what an act wrote, waits for what the company says to it, and
// prints how far it came. The act itself is safe already: a company that can't
// be reached is no failure.
func (a *app) sent(ctx context.Context, env *cli.Env, rel firsthand.ID, wait time.Duration, acts ...agent.Act) error {
	for _, act := range acts {
		if act.Draft {
			fmt.Fprintln(env.Stdout, "draft: your file was restored; it is signed when the company was asked what it has")
		}
	}
	d, err := a.carried(ctx, env, rel, wait, acts)
	if fault.KindOf(err) == fault.NotExist {
		fmt.Fprintln(env.Stdout, "it has ended, and being nameless it is forgotten")
		return nil
	}
	if err != nil {
		return err
	}
	for _, act := range acts {
		for _, l := range d.Entries {
			if l.ID == act.Entry && !act.Draft {
				fmt.Fprintf(env.Stdout, "%s\t%s\t%s\n", d.Domain, l.Kind(), progressText(l.Progress, d.Gateway == ""))
			}
		}
	}
	return nil
}

// carried makes calls until the company has answered acts, or wait is over.
func (a *app) carried(ctx context.Context, env *cli.Env, rel firsthand.ID, wait time.Duration, acts []agent.Act) (agent.Detail, error) {
	end := time.Now().Add(wait)
	for first := true; ; first = false {
		d, err := a.agent.Show(ctx, rel)
		left := time.Until(end)
		if err != nil || d.Gateway == "" || !first && (left <= 0 || d.Answered(acts)) {
			return d, err
		}
		if first {
			left = 0 // send; what comes back at once may be all
		}
		if err := a.agent.Flush(ctx, rel, left); err != nil {
			fmt.Fprintf(env.Stderr, "firsthand: not received by %s yet, and sent again later: %s\n", d.Domain, cli.Printable(err.Error()))
			end = time.Time{}
		}
	}
}

// progressText says how far an entry has come, and never more than is proved.
func progressText(p agent.Progress, unpaired bool) string {
	text := p.Step
	switch p.Step {
	case "draft":
		text = "draft, not sent yet"
		if unpaired {
			text = "noted in your own log"
		}
	case "sent":
		text = "sent, not received yet"
	case "received":
		text = "received (signed)"
	case "applied":
		text = fmt.Sprintf("applied (signed): %s %s", p.System, p.Record)
	case "refused":
		text = "refused (signed): " + p.Reason
	}
	if p.Unproved {
		text = p.Step + " (your word)" + noteText(p.Reason)
	}
	if p.Of > 0 && (p.Step == "received" || p.Step == "sent" || p.Step == "no answer") {
		text += fmt.Sprintf(", day %d of %d", p.Day, p.Of)
	}
	if p.Flag != "" {
		text += ", without effect: " + p.Flag
	}
	return cli.Printable(text)
}

// isFile reports whether an argument that may be a company's domain or a file is
// a file.
func isFile(env *cli.Env, name string) bool {
	if name == "-" {
		return true
	}
	info, err := os.Stat(env.Path(name))
	return err == nil && info.Mode().IsRegular()
}

// readBundle reads a bundle from a file.
func readBundle(env *cli.Env, name string) (*firsthand.Bundle, error) {
	f, err := env.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return firsthand.ReadBundle(f)
}
