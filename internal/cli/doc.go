// Package cli is what firsthand and firsthand-gateway share as programs on a
// command line: a table of commands, how they are called and how they fail, what
// may be printed, and where secrets come from.
//
// A [Program] is a table of [Command]s over an application A, the live thing that
// commands act on. A command is written once and runs in two places. When no
// server is running, [Program.Run] opens the application itself. When one is,
// Run forwards arguments, working directory and standard input to it over a
// private socket ([Forward]), the server runs the same function on the
// application that it has open ([Program.Serve]), and output and exit code come
// back. So a store has one owner at a time, and no command a second code path.
//
// The manners are the same everywhere: flags may follow arguments; standard
// output is what was asked for; everything else goes to standard error behind the
// program's name, with a second line for what to do; the exit code is 0, 1 for
// failure, 2 for wrong usage. Secrets come from a file or a prompt, never from
// the value of a flag or variable ([Env.Secret]). What others wrote is printed
// without anything that a terminal would obey ([Printable]).
//
// # What this package does not do
//
// It knows nothing of the protocol. It does not handle signals or exit: main
// gives Run a context and exits with what it returns:
//
//	func main() {
//		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
//		context.AfterFunc(ctx, stop) // a second interrupt kills
//		os.Exit(program.Run(ctx, cli.OS(), os.Args[1:]))
//	}
package cli
