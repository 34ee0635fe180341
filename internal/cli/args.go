package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// A call is one parsed command line.
type call[A any] struct {
	program *Program[A]
	command *Command[A]
	flags   *flag.FlagSet
	run     Run[A]
	argv    []string // from the command's name on, as typed
	args    []string // without flags
	env     *Env     // with the globals that were given
}

// parse finds the command that argv calls for and parses its flags. It changes
// nothing outside of what it returns.
func (p *Program[A]) parse(env *Env, argv []string) (*call[A], error) {
	given := make(map[string]string) // variable → value of its flag
	before := p.flagSet(given)
	if err := before.Parse(argv); errors.Is(err, flag.ErrHelp) {
		return nil, help(p.usage())
	} else if err != nil {
		u := flagProblem(before, err)
		u.usage = p.seeHelp()
		return nil, u
	}
	argv = before.Args()
	if len(argv) == 0 {
		return nil, &usageError{usage: p.usage()}
	}
	if argv[0] == "help" {
		return nil, p.help(argv[1:])
	}
	c, err := p.find(argv[0])
	if err != nil {
		return nil, err
	}
	c.argv = argv
	fs := p.flagSet(given)
	c.run, c.flags = c.command.Setup(fs), fs
	flags, args := split(fs, argv[1:])
	if err := fs.Parse(flags); errors.Is(err, flag.ErrHelp) {
		return nil, help(c.help())
	} else if err != nil {
		u := flagProblem(fs, err)
		u.problem = c.command.Name + ": " + u.problem
		return nil, c.explain(u)
	}
	c.args, c.env = args, env.with(given)
	return c, nil
}

// find returns a call of the command of that name, not parsed yet.
func (p *Program[A]) find(name string) (*call[A], error) {
	i := slices.IndexFunc(p.Commands, func(c Command[A]) bool { return c.Name == name })
	if i >= 0 {
		return &call[A]{program: p, command: &p.Commands[i]}, nil
	}
	e := &usageError{problem: fmt.Sprintf("unknown command %q", name), usage: p.seeHelp()}
	names := make([]string, len(p.Commands))
	for i, c := range p.Commands {
		names[i] = c.Name
	}
	if like := similar(name, names); like != "" {
		e.hint = fmt.Sprintf("did you mean %q?", like)
	}
	return nil, e
}

// flagSet returns flags that note in given which globals were given.
func (p *Program[A]) flagSet(given map[string]string) *flag.FlagSet {
	fs := flag.NewFlagSet(p.Name, flag.ContinueOnError)
	fs.SetOutput(io.Discard) // errors are reported in our own words
	fs.Usage = func() {}
	for _, g := range p.Globals {
		fs.Func(g.Name, g.Usage, func(value string) error {
			given[g.Var] = value
			return nil
		})
	}
	return fs
}

// badValue is how package flag says that a flag can't have a value.
var badValue = regexp.MustCompile(`(?s)^invalid (?:boolean )?value (".*") for (?:flag )?-([^ :]+): `)

// formats are what values of flags look like, by the word that stands for them in the
// usage.
var formats = map[string]string{"day": "as in 2027-01-31", "duration": "as in 10s or 2m"}

// flagProblem says in words of ours what package flag has found.
func flagProblem(fs *flag.FlagSet, err error) *usageError {
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		u := &usageError{problem: "there is no flag --" + name}
		var names []string
		fs.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
		if like := similar(name, names); like != "" {
			u.hint = fmt.Sprintf("did you mean --%s?", like)
		}
		return u
	}
	if name, ok := strings.CutPrefix(text, "flag needs an argument: -"); ok {
		word, usage := flag.UnquoteUsage(fs.Lookup(name))
		return &usageError{problem: fmt.Sprintf("--%s needs its %s after it: %s", name, word, usage)}
	}
	if m := badValue.FindStringSubmatch(text); m != nil {
		word := "such value"
		if f := fs.Lookup(m[2]); f != nil && !isBool(f) {
			word, _ = flag.UnquoteUsage(f)
		}
		return &usageError{problem: fmt.Sprintf("%s is no %s for --%s", m[1], word, m[2]), hint: formats[word]}
	}
	return &usageError{problem: text}
}

// with returns an Env in which the given variables have values of their own.
func (e *Env) with(given map[string]string) *Env {
	env, given := *e, maps.Clone(given)
	env.Getenv = func(name string) string {
		if value, ok := given[name]; ok {
			return value
		}
		return e.getenv(name)
	}
	return &env
}

// split parts argv into flags and arguments, in the syntax of package flag, which
// itself stops at the first argument, though people type flags last. Everything
// after "--" is an argument.
func split(fs *flag.FlagSet, argv []string) (flags, args []string) {
	for i := 0; i < len(argv); i++ {
		arg := argv[i]
		if arg == "--" {
			return flags, append(args, argv[i+1:]...)
		}
		name := strings.TrimPrefix(strings.TrimPrefix(arg, "-"), "-")
		f := fs.Lookup(name)                                              // nil for an unknown flag, and for one with "="
		if len(arg) < 2 || arg[0] != '-' || f == nil && isPartOfID(arg) { // "-" is an argument
			args = append(args, arg)
			continue
		}
		flags = append(flags, arg)
		if f != nil && !isBool(f) && i+1 < len(argv) {
			i++
			flags = append(flags, argv[i])
		}
	}
	return flags, args
}

// isPartOfID reports whether arg, which begins with a dash, is an ID or the beginning
// of one, as lists print it: base64url has the dash too. No flag has a capital, a digit
// or an underscore in its name.
func isPartOfID(arg string) bool {
	other := strings.IndexFunc(arg, func(r rune) bool {
		return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
	return len(arg) >= 10 && other < 0 && strings.ContainsAny(arg, "_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
}

func isBool(f *flag.Flag) bool {
	b, ok := f.Value.(interface{ IsBoolFlag() bool })
	return ok && b.IsBoolFlag()
}

// interrupted reports whether err is only the end of ctx.
func interrupted(ctx context.Context, err error) bool {
	return ctx.Err() != nil && errors.Is(err, context.Canceled)
}
