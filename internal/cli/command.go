package cli

import (
	"context"
	"flag"
	"log/slog"
)

// A Command is one subcommand of a program over applications of type A.
type Command[A any] struct {
	Name  string // one word
	Args  string // for the usage: "company [fact]"
	Short string // for the list of commands: one line, lower case, no full stop
	Long  string // for the command's own help, written by hand

	// Local commands run in the process that was called, with the zero A: those
	// that make, serve or replace the application, or don't need it.
	Local bool
	// LocalFor makes single calls Local, by their arguments: those that don't
	// need the application though the command does. It may be nil.
	LocalFor func(env *Env, args []string) bool

	// Setup declares flags on fs and returns what to run once they are parsed.
	// It is called for every call, also to print help, and must do nothing else.
	Setup func(fs *flag.FlagSet) Run[A]
}

// Run is what a command does. It reads and writes through env only: in a server,
// several run at once, each for a client of its own. An error from [Usagef] is
// shown with the command's usage.
type Run[A any] func(ctx context.Context, app A, env *Env, args []string) error

// A Global is a flag that every command takes, before or after its name. Giving
// it is the same as setting the variable, over which it wins. Globals say where
// the application is, so they have a meaning only in the process that was
// called, not in a server.
type Global struct {
	Name, Var string
	Usage     string // one line; a `word` in back quotes stands for the value
}

// A Program is a command-line program. Its fields are set before Run or Serve is
// called and not changed after.
type Program[A any] struct {
	Name, Short string // of the binary; what it is, in one line
	Globals     []Global
	Commands    []Command[A]

	// Open opens the application for one command, when no server runs. The
	// function that it returns is called once, after the command.
	Open func(ctx context.Context, env *Env) (app A, done func() error, err error)

	// Socket returns where a server listens, if one runs; "" is nowhere. A nil
	// Socket means that the program has no server.
	Socket func(env *Env) (string, error)

	// Log gets what goes wrong in Serve outside of commands. Neither arguments
	// nor output are ever logged: both may hold secrets. Nil discards.
	Log *slog.Logger
}

// Run runs the command that argv calls for, without the program's own name, here
// or in the running server, and returns the exit code. It has printed all that
// there is to say.
func (p *Program[A]) Run(ctx context.Context, env *Env, argv []string) int {
	c, err := p.parse(env, argv)
	if err != nil {
		return p.report(ctx, env, err)
	}
	if !c.local() && p.Socket != nil {
		code, done, err := p.forward(ctx, c)
		if err != nil {
			return p.report(ctx, env, err)
		}
		if done {
			return code
		}
	}
	return p.report(ctx, env, p.alone(ctx, c))
}

// local reports whether c needs no application.
func (c *call[A]) local() bool {
	return c.command.Local || c.command.LocalFor != nil && c.command.LocalFor(c.env, c.args)
}

// forward has the running server carry out c. If none is running, done is false.
func (p *Program[A]) forward(ctx context.Context, c *call[A]) (code int, done bool, err error) {
	path, err := p.Socket(c.env)
	if err != nil || path == "" {
		return 0, false, err
	}
	return Forward(ctx, path, c.argv, c.env)
}

// alone carries out c in this process, on an application opened for it.
func (p *Program[A]) alone(ctx context.Context, c *call[A]) (err error) {
	var app A
	if !c.local() && p.Open != nil {
		a, done, err := p.Open(ctx, c.env)
		if err != nil {
			return err
		}
		app = a
		return firstError(p.carryOut(ctx, app, c), done)
	}
	return p.carryOut(ctx, app, c)
}

// firstError calls done, and returns err, or else what done returned: a command
// whose application can't be closed has failed.
func firstError(err error, done func() error) error {
	if done == nil {
		return err
	}
	if derr := done(); err == nil {
		return derr
	}
	return err
}

// carryOut runs c on app. A command that could not print its output has failed,
// whether it noticed or not: what it was asked for isn't there.
func (p *Program[A]) carryOut(ctx context.Context, app A, c *call[A]) error {
	out := &checkedWriter{w: c.env.Stdout}
	env := *c.env
	env.Stdout = out
	err := c.run(ctx, app, &env, c.args)
	if err == nil {
		err = out.failed()
	}
	return c.explain(err)
}
