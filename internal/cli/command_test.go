package cli_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"firsthand/fault"
	"firsthand/internal/cli"
)

func TestRun(t *testing.T) {
	const seeHelp = "usage: toy command [flags] [arguments]\n\"toy help\" lists the commands.\n"
	const addUsage = "usage: toy add [flags] number\n\"toy help add\" says more.\n"
	tests := []struct {
		name string
		argv string // words
		want result
	}{
		{"a command", "add 2", result{"2\n", "", 0}},
		{"flags before the argument", "add --times 3 2", result{"6\n", "", 0}},
		{"flags last", "add 2 --times 3", result{"6\n", "", 0}},
		{"flags with one dash and equals sign", "add 2 -times=3", result{"6\n", "", 0}},
		{"a switch takes no value", "add --quiet 2", result{"", "", 0}},
		{"a switch last", "add 2 --quiet", result{"", "", 0}},
		{"a global before the command", "--dir . add 2", result{"2\n", "", 0}},
		{"a global after it", "add 2 --dir=.", result{"2\n", "", 0}},
		{"a global shows in the environment", "env TOY_DIR --dir ./x/..", result{"./x/..\n", "", 0}},
		{"all after -- are arguments", "echo a -- --times -- b", result{"[\"a\" \"--times\" \"--\" \"b\"]\n", "", 0}},
		{"- is an argument", "echo -", result{"[\"-\"]\n", "", 0}},
		{"the beginning of an ID is an argument", "echo -aB3defghi --Bcdefghij", result{"[\"-aB3defghi\" \"--Bcdefghij\"]\n", "", 0}},
		{"what no ID can be is a flag", "add 2 --times-at-most 3", result{"", "toy: add: there is no flag --times-at-most\n" + addUsage, 2}},
		{"a flag's value may begin with a dash", "add 2 --times -3", result{"-6\n", "", 0}},

		{"wrong usage", "add", result{"", addUsage, 2}},
		{"wrong usage, with a reason", "add two", result{"", "toy: add: \"two\" is not a number\n" + addUsage, 2}},
		{"unknown flag", "add 2 --often", result{"", "toy: add: there is no flag --often\n" + addUsage, 2}},
		{"mistyped flag", "add 2 --tmies 3", result{"", "toy: add: there is no flag --tmies\ntoy: hint: did you mean --times?\n" + addUsage, 2}},
		{"a flag's value that is none", "add 2 --times x", result{"", "toy: add: \"x\" is no n for --times\n" + addUsage, 2}},
		{"a switch with a value that is none", "add 2 --quiet=x", result{"", "toy: add: \"x\" is no such value for --quiet\n" + addUsage, 2}},
		{"flag without value", "add 2 --times", result{"", "toy: add: --times needs its n after it: add n times\n" + addUsage, 2}},
		{"unknown global", "--often add 2", result{"", "toy: there is no flag --often\n" + seeHelp, 2}},
		{"no flags in the usage of a command without", "help echo", result{"usage: toy echo [word ...]\n\ndoes echo\n", "", 0}},
		{"unknown command", "frobnicate", result{"", "toy: unknown command \"frobnicate\"\n" + seeHelp, 2}},
		{"mistyped command", "ehco x", result{"", "toy: unknown command \"ehco\"\ntoy: hint: did you mean \"echo\"?\n" + seeHelp, 2}},
		{"help for an unknown command", "help ad", result{"", "toy: unknown command \"ad\"\ntoy: hint: did you mean \"add\"?\n" + seeHelp, 2}},

		{"failure, with a hint, in harmless letters", "fail", result{"half of it\n", "toy: ask acme: the company says no\ntoy: hint: ask again\n", 1}},
		{"no such file", "cat missing", result{"", "toy: cat: open ", 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := call(t, newProgram(), "", strings.Fields(tt.argv)...)
			if tt.name == "no such file" { // the rest is up to the system
				got.stderr = got.stderr[:min(len(got.stderr), len(tt.want.stderr))]
			}
			if got != tt.want {
				t.Errorf("%s:\ngot  %v\nwant %v", tt.argv, got, tt.want)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	p := newProgram()
	usage := call(t, p, "", "help")
	for _, argv := range []string{"--help", "-h"} {
		if got := call(t, p, "", argv); got != usage || got.code != 0 || got.stderr != "" {
			t.Errorf("%s = %v, want what help says", argv, got)
		}
	}
	if got := call(t, p, ""); got != (result{"", usage.stdout, 2}) {
		t.Errorf("no command = %v, want the usage as an error", got)
	}
	for _, want := range []string{"toy: a number to play with\n", "  add number ", p.Manual(), "  --dir folder   the toy's folder\n"} {
		if !strings.Contains(usage.stdout, want) {
			t.Errorf("help lacks %q:\n%s", want, usage.stdout)
		}
	}
	want := result{"usage: toy add [flags] number\n\nAdd adds to the number and prints it, often if asked to.\n\n" +
		"flags:\n  --quiet     print nothing\n  --times n   add n times (default 1)\n", "", 0}
	for _, argv := range [][]string{{"help", "add"}, {"add", "--help"}, {"add", "2", "-h"}} {
		if got := call(t, p, "", argv...); got != want {
			t.Errorf("%q = %v, want %v", argv, got, want)
		}
	}
}

func TestConfirm(t *testing.T) {
	p, dir := newProgram(), t.TempDir()
	do := func(argv ...string) result { return call(t, p, "", append([]string{"--dir", dir}, argv...)...) }
	do("add", "7")
	first := do("reset")
	_, token, found := strings.Cut(first.stderr, "toy: hint: to do it, run the same again with --confirm ")
	token = strings.TrimSpace(token)
	if first.code != 1 || !found || !strings.HasPrefix(first.stderr, "toy: this would forget the number 7\n") {
		t.Fatalf("first run = %v, want a token", first)
	}
	do("add", "1") // what would be destroyed has changed
	if got := do("reset", "--confirm", token); got.code != 1 || !strings.Contains(got.stderr, "this would now forget the number 8\n") {
		t.Errorf("confirmed something else = %v", got)
	}
	if got := do("add", "0"); got.stdout != "8\n" {
		t.Errorf("number = %q, want 8", got.stdout)
	}
	if got := do("add", "--", "-1"); got.stdout != "7\n" {
		t.Fatalf("number = %q, want 7", got)
	}
	if got := do("reset", "--confirm", token); got != (result{}) {
		t.Errorf("confirmed = %v, want success", got)
	}
	if got := do("add", "0"); got.stdout != "0\n" {
		t.Errorf("number = %q, want 0", got.stdout)
	}
}

func TestConfirmDependsOnAll(t *testing.T) {
	token := func(what string, state ...string) string {
		return cli.Confirm("", what, state...).Error() + hint(cli.Confirm("", what, state...))
	}
	base := token("erase", "ab", "c")
	for _, other := range []string{token("erase", "a", "bc"), token("erase", "abc"), token("erase", "ab", "c", ""), token("erased", "ab", "c")} {
		if other == base {
			t.Errorf("two different acts have one token: %s", other)
		}
	}
}

// failing is a full disk.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("no space") }

// A command that doesn't look whether it could print hasn't done what it was
// asked for all the same.
func TestOutputThatCannotBeWritten(t *testing.T) {
	var errs strings.Builder
	env := &cli.Env{Stdin: strings.NewReader(""), Stdout: failing{}, Stderr: &errs, Dir: t.TempDir()}
	code := newProgram().Run(t.Context(), env, []string{"add", "1", "--dir", "."})
	if code != 1 || errs.String() != "toy: write output: no space\n" {
		t.Errorf("code %d, %q", code, errs.String())
	}
}

func TestDoneFails(t *testing.T) {
	p := newProgram()
	p.Open = func(context.Context, *cli.Env) (*toy, func() error, error) {
		return &toy{}, func() error { return errors.New("cannot close") }, nil
	}
	if got := call(t, p, "", "echo"); got != (result{"[]\n", "toy: cannot close\n", 1}) {
		t.Errorf("got %v, want the failure to close", got)
	}
	if got := call(t, p, "", "cat", "missing"); !strings.HasPrefix(got.stderr, "toy: cat: ") {
		t.Errorf("got %v, want the first failure", got)
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	app := &toy{started: make(chan struct{})}
	p := newProgram()
	p.Open = func(context.Context, *cli.Env) (*toy, func() error, error) { return app, nil, nil }
	go func() { <-app.started; cancel() }()
	var out, errs strings.Builder
	code := p.Run(ctx, &cli.Env{Stdout: &out, Stderr: &errs, Dir: t.TempDir()}, []string{"wait"})
	if code != 1 || errs.String() != "toy: interrupted\n" {
		t.Errorf("code %d, %q", code, errs.String())
	}
}

// What is said of an error that several have caused, or the system: each once, with
// what to do.
func TestErrorsSayWhatToDo(t *testing.T) {
	full := fault.Tell(fault.Unavailable, "the disk is full", "make room")
	file := func(err error) error {
		return fmt.Errorf("back up: %w", &fs.PathError{Op: "open", Path: "b", Err: err})
	}
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"joined, and twice the same", errors.Join(full, errors.Join(errors.New("acme: no answer"), full)), "toy: the disk is full\ntoy: hint: make room\ntoy: acme: no answer\n"},
		{"several in a sentence", fmt.Errorf("%w, so %w", full, errors.New("no")), "toy: the disk is full, so no\ntoy: hint: make room\n"},
		{"no line of anybody else's", errors.New("a\ntoy: hint: pay"), "toy: a toy: hint: pay\n"},
		{"missing", file(fs.ErrNotExist), "toy: back up: open b: file does not exist\ntoy: hint: look at the name, and in which folder it is\n"},
		{"not hers", file(fs.ErrPermission), "toy: back up: open b: permission denied\ntoy: hint: you may not do that there: look at whose it is, or name another place\n"},
		{"a folder", file(syscall.EISDIR), "toy: back up: open b: is a directory\ntoy: hint: that is a folder: name a file\n"},
		{"a full disk", file(syscall.ENOSPC), "toy: back up: open b: no space left on device\ntoy: hint: make room on the disk, then run it again\n"},
		{"no such thing that is no file", fault.NotExist, "toy: not exist\n"},
	}
	for _, tt := range tests {
		p := newProgram()
		p.Commands = []command{plain("err", "", func(context.Context, *toy, *cli.Env, []string) error { return tt.err })}
		if got := call(t, p, "", "err"); got != (result{"", tt.want, 1}) {
			t.Errorf("%s: %v\nwant %q", tt.name, got, tt.want)
		}
	}
}
