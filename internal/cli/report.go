package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"syscall"

	"firsthand/fault"
)

// Exit codes.
const (
	exitFailure = 1
	exitUsage   = 2
)

// Usagef returns an error that says that a command was called wrongly. Its text
// may be empty: the usage says enough.
func Usagef(format string, args ...any) error {
	return &usageError{problem: fmt.Sprintf(format, args...)}
}

// A usageError is a call that can't be carried out as it was typed.
type usageError struct {
	problem, hint string
	usage         string // what to print below, "" until the command is known
}

func (e *usageError) Error() string {
	if e.problem == "" {
		return "wrong usage"
	}
	return e.problem
}

func (e *usageError) Unwrap() error { return fault.Invalid }

// help is an error only on the way to report: text that was asked for.
type help string

func (h help) Error() string { return string(h) }

// explain adds the command's usage to an error about usage.
func (c *call[A]) explain(err error) error {
	u, ok := errors.AsType[*usageError](err)
	if !ok || u.usage != "" {
		return err
	}
	e := *u
	e.usage = c.usageLine() + fmt.Sprintf("\"%s help %s\" says more.\n", c.program.Name, c.command.Name)
	return &e
}

// report prints err, if there is one, and returns the exit code.
func (p *Program[A]) report(ctx context.Context, env *Env, err error) int {
	if err == nil {
		return 0
	}
	if h, ok := errors.AsType[help](err); ok {
		if _, err := io.WriteString(env.Stdout, string(h)); err != nil {
			return exitFailure
		}
		return 0
	}
	say := func(text string) { fmt.Fprintf(env.Stderr, "%s: %s\n", p.Name, Printable(text)) }
	if u, ok := errors.AsType[*usageError](err); ok {
		if u.problem != "" {
			say(u.problem)
		}
		if u.hint != "" {
			say("hint: " + u.hint)
		}
		io.WriteString(env.Stderr, u.usage) // nothing is left to tell of an error here
		return exitUsage
	}
	if interrupted(ctx, err) {
		say("interrupted")
		return exitFailure
	}
	said := map[string]bool{"": true}
	once := func(line string) {
		if !said[line] {
			say(line)
		}
		said[line] = true
	}
	for _, one := range joined(err) {
		once(one.Error())
		if hint := hintOf(one); hint != "" {
			once("hint: " + hint)
		}
	}
	return exitFailure
}

// joined returns the errors of which err was made by [errors.Join], or err alone.
func joined(err error) []error {
	j, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	var texts []string
	for _, e := range j.Unwrap() {
		all, texts = append(all, joined(e)...), append(texts, e.Error())
	}
	if strings.Join(texts, "\n") != err.Error() { // its text is its own
		return []error{err}
	}
	return all
}

// hintOf returns what err tells a person to do. What the system says of a file has no
// hint of its own, and calls for the same wherever it comes from.
func hintOf(err error) string {
	if hint := fault.HintOf(err); hint != "" {
		return hint
	}
	if _, ok := errors.AsType[*fs.PathError](err); !ok {
		return ""
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "look at the name, and in which folder it is"
	case errors.Is(err, fs.ErrPermission):
		return "you may not do that there: look at whose it is, or name another place"
	case errors.Is(err, syscall.EISDIR):
		return "that is a folder: name a file"
	case errors.Is(err, syscall.ENOSPC):
		return "make room on the disk, then run it again"
	}
	return ""
}

// A checkedWriter remembers the first error of writing to w.
type checkedWriter struct {
	w   io.Writer
	mu  sync.Mutex // a command may print from several goroutines
	err error
}

func (c *checkedWriter) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := c.w.Write(b)
	if err != nil && c.err == nil {
		c.err = err
	}
	return n, err
}

func (c *checkedWriter) failed() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return fmt.Errorf("write output: %w", c.err)
	}
	return nil
}
