package cli_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"firsthand/fault"
	"firsthand/internal/cli"
)

// A toy is the smallest application with something to lose: a number in a file,
// which is read when the toy is opened and written when it is closed. Two
// owners at a time would lose additions.
type toy struct {
	file string

	mu sync.Mutex
	n  int

	started, stopped chan struct{} // test hooks of the command wait, may be nil
}

func openToy(_ context.Context, env *cli.Env) (*toy, func() error, error) {
	dir := env.Getenv("TOY_DIR")
	if dir == "" {
		return nil, nil, fault.Tell(fault.Invalid, "no folder is named", "give --dir")
	}
	t := &toy{file: env.Path(filepath.Join(dir, "n"))}
	if text, err := os.ReadFile(t.file); err == nil {
		if t.n, err = strconv.Atoi(string(text)); err != nil {
			return nil, nil, err
		}
	}
	return t, t.close, nil
}

func (t *toy) close() error { return os.WriteFile(t.file, []byte(strconv.Itoa(t.n)), 0o600) }

func socketOf(env *cli.Env) (string, error) {
	if dir := env.Getenv("TOY_DIR"); dir != "" {
		return env.Path(filepath.Join(dir, "run", "socket")), nil
	}
	return "", nil
}

type (
	command = cli.Command[*toy]
	run     = cli.Run[*toy]
)

// plain makes a command without flags.
func plain(name, args string, r run) command {
	return command{Name: name, Args: args, Short: "does " + name, Setup: func(*flag.FlagSet) run { return r }}
}

// newProgram returns the toy's program: a command for each thing that package cli
// promises.
func newProgram() *cli.Program[*toy] {
	p := &cli.Program[*toy]{
		Name: "toy", Short: "a number to play with",
		Globals: []cli.Global{{Name: "dir", Var: "TOY_DIR", Usage: "the toy's `folder`"}},
		Open:    openToy, Socket: socketOf,
	}
	serve := plain("serve", "", func(ctx context.Context, _ *toy, env *cli.Env, _ []string) error {
		t, done, err := openToy(ctx, env)
		if err != nil {
			return err
		}
		path, _ := socketOf(env)
		l, err := cli.Listen(path)
		if err != nil {
			return err
		}
		fmt.Fprintln(env.Stderr, "toy: serving")
		err = errors.Join(p.Serve(ctx, l, t), done())
		fmt.Fprintln(env.Stderr, "toy: stopped")
		return err
	})
	serve.Local = true
	p.Commands = []command{
		{
			Name: "add", Args: "number", Short: "add to the number",
			Long: "Add adds to the number and prints it, often if asked to.",
			Setup: func(fs *flag.FlagSet) run {
				times := fs.Int("times", 1, "add `n` times")
				quiet := fs.Bool("quiet", false, "print nothing")
				return func(_ context.Context, t *toy, env *cli.Env, args []string) error {
					if len(args) != 1 {
						return cli.Usagef("")
					}
					n, err := strconv.Atoi(args[0])
					if err != nil {
						return cli.Usagef("add: %q is not a number", args[0])
					}
					t.mu.Lock()
					defer t.mu.Unlock()
					t.n += n * *times
					if !*quiet {
						fmt.Fprintln(env.Stdout, t.n)
					}
					return nil
				}
			},
		},
		plain("echo", "[word ...]", func(_ context.Context, _ *toy, env *cli.Env, args []string) error {
			_, err := fmt.Fprintf(env.Stdout, "%q\n", args)
			return err
		}),
		plain("cat", "file", func(_ context.Context, _ *toy, env *cli.Env, args []string) error {
			f, err := env.Open(args[0])
			if err != nil {
				return fmt.Errorf("cat: %w", err)
			}
			defer f.Close()
			_, err = io.Copy(env.Stdout, f)
			return err
		}),
		plain("fail", "", func(_ context.Context, _ *toy, env *cli.Env, _ []string) error {
			fmt.Fprintln(env.Stdout, "half of it")
			return fmt.Errorf("ask acme: %w", fault.Tell(fault.Denied, "the company says \x1b[2J\u202eno", "ask\nagain"))
		}),
		plain("panic", "", func(context.Context, *toy, *cli.Env, []string) error { panic("a bug") }),
		plain("secret", "", func(ctx context.Context, _ *toy, env *cli.Env, args []string) error {
			s := cli.Secret{Prompt: "Passphrase", Flag: "passphrase-file", Var: "TOY_PASSPHRASE_FILE"}
			if len(args) > 0 {
				s.File = args[0]
			}
			b, err := env.Secret(ctx, s)
			if err == nil {
				fmt.Fprintf(env.Stdout, "%q\n", b)
			}
			return err
		}),
		plain("reset", "", nil),
		plain("wait", "", func(ctx context.Context, t *toy, env *cli.Env, _ []string) error {
			fmt.Fprintln(env.Stdout, "waiting")
			if t.started != nil {
				close(t.started)
			}
			<-ctx.Done()
			if t.stopped != nil {
				close(t.stopped)
			}
			return ctx.Err()
		}),
		plain("flood", "", func(_ context.Context, t *toy, env *cli.Env, _ []string) error {
			text := strings.Repeat("flood ", 1000)
			for n := 0; ; n++ {
				if _, err := io.WriteString(env.Stdout, text); err != nil {
					return err
				}
				if n == 10 && t.started != nil {
					close(t.started)
				}
			}
		}),
		plain("ask", "", func(ctx context.Context, _ *toy, env *cli.Env, _ []string) error {
			if env.Prompt == nil {
				return fault.Tell(fault.Invalid, "nobody is there", "")
			}
			b, err := env.Prompt(ctx, "Really? ")
			fmt.Fprintf(env.Stdout, "%s\n", b)
			return err
		}),
		plain("env", "variable", func(_ context.Context, _ *toy, env *cli.Env, args []string) error {
			_, err := fmt.Fprintln(env.Stdout, env.Getenv(args[0]))
			return err
		}),
		serve,
	}
	for i := range p.Commands {
		if p.Commands[i].Name == "reset" {
			p.Commands[i].Setup = func(fs *flag.FlagSet) run {
				token := fs.String("confirm", "", "the `token` that a first run printed")
				return func(_ context.Context, t *toy, env *cli.Env, _ []string) error {
					t.mu.Lock()
					defer t.mu.Unlock()
					if err := cli.Confirm(*token, fmt.Sprintf("forget the number %d", t.n), strconv.Itoa(t.n)); err != nil {
						return err
					}
					t.n = 0
					return nil
				}
			}
		}
	}
	return p
}

// A result is what a command left behind.
type result struct {
	stdout, stderr string
	code           int
}

func (r result) String() string {
	return fmt.Sprintf("code %d, output %q, error %q", r.code, r.stdout, r.stderr)
}

// call runs argv by itself, with the given input.
func call(t *testing.T, p *cli.Program[*toy], stdin string, argv ...string) result {
	t.Helper()
	var out, errs strings.Builder
	env := &cli.Env{Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs, Dir: t.TempDir(), Getenv: func(name string) string {
		if name == "TOY_DIR" {
			return "."
		}
		return ""
	}}
	code := p.Run(t.Context(), env, argv)
	return result{out.String(), errs.String(), code}
}

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"toy": func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		os.Exit(newProgram().Run(ctx, cli.OS(), os.Args[1:]))
	}})
}
