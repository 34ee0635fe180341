package main

import (
	"context"
	"flag"
	"fmt"
	"time"

	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/store"
	"firsthand/internal/cli"
)

var initCmd = cli.Command[*app]{
	Name: "init", Short: "make your file and the recovery kit", Local: true,
	Long: `The recovery kit is the one thing to keep apart: print it, or write it to a file
that you move to another place. Whoever has it and your file can take over; without
it a lost or stolen key cannot be replaced. It is shown once and kept nowhere here.`,
	Setup: func(fs *flag.FlagSet) run {
		kitFile := fs.String("kit", "", "write the kit to this `file`, outside of your folder; - prints it")
		return func(ctx context.Context, _ *app, env *cli.Env, args []string) error {
			if err := count(args, 0, 0); err != nil {
				return err
			}
			dir, err := dataDir(env)
			if err != nil {
				return err
			}
			if store.Exists(dir) {
				return fault.Tell(fault.Conflict, "there is a file of yours in "+dir+" already", "use another folder: --dir FOLDER")
			}
			if *kitFile == "" {
				return cli.Usagef("say where the recovery kit goes: --kit FILE, or --kit - to print it")
			}
			pass, err := env.Secret(ctx, passphrase("New passphrase", true))
			if err != nil {
				return err
			}
			kit, err := store.NewKit()
			if err != nil {
				return err
			}
			// The kit is out before anything depends on it.
			if err := giveKit(env, dir, *kitFile, kit); err != nil {
				return err
			}
			s, err := store.Create(ctx, dir, store.CreateOptions{Passphrase: pass, KitRecipient: kit.Recipient()})
			if err != nil {
				return err
			}
			defer s.Close()
			if err := newApp(env, dir, s, nil).agent.Refill(ctx, kit.Text()); err != nil {
				return err
			}
			fmt.Fprintf(env.Stdout, "your file: %s\n", dir)
			return s.Close()
		}
	},
}

// giveKit prints the kit, or writes it to a new file outside of dir.
func giveKit(env *cli.Env, dir, name string, kit store.Kit) error {
	page := kit.Page(time.Now())
	if name == "-" {
		_, err := fmt.Fprint(env.Stdout, page)
		return err
	}
	path := env.Path(name)
	if err := store.WriteSecret(path, dir, page); err != nil {
		return err
	}
	_, err := fmt.Fprintf(env.Stdout, "recovery kit: %s (print it, or move it to another place)\n", path)
	return err
}

// kitFlag declares --kit and returns what reads the kit.
func kitFlag(fs *flag.FlagSet) func(ctx context.Context, env *cli.Env) (store.Kit, error) {
	file := fs.String("kit", "", "`file` with the recovery kit; it is only read")
	return func(ctx context.Context, env *cli.Env) (store.Kit, error) {
		text, err := env.Secret(ctx, cli.Secret{Prompt: "Recovery kit (AGE-SECRET-KEY-…)", Flag: "kit", File: *file, Var: "FIRSTHAND_KIT_FILE"})
		if err != nil {
			return store.Kit{}, err
		}
		return store.ParseKit(string(text))
	}
}

var kitCmd = cli.Command[*app]{
	Name: "kit", Args: "[refill | check]", Short: "refill the book of next keys from the kit, or check that a kit is yours",
	Long: `Each relationship that you open and each rotation uses one next key, whose hash is
in your file's book while the key itself can only be made from the kit. When the
book is empty, nothing more can be opened until the kit was shown.`,
	Setup: func(fs *flag.FlagSet) run {
		read := kitFlag(fs)
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			if err := count(args, 0, 1); err != nil {
				return err
			}
			if len(args) == 1 && args[0] != "check" && args[0] != "refill" {
				return cli.Usagef("%q is nothing to do with a kit: refill or check", args[0])
			}
			if len(args) == 1 {
				kit, err := read(ctx, env)
				if err != nil {
					return err
				}
				if err := a.store.CheckKit(ctx, kit); err != nil {
					return err
				}
				if args[0] == "check" {
					fmt.Fprintln(env.Stdout, "this kit is the one of your file")
				} else if err := a.agent.Refill(ctx, kit.Text()); err != nil {
					return err
				}
			}
			n, err := a.agent.Store.Labels(ctx)
			fmt.Fprintf(env.Stdout, "%d next keys in the book\n", n)
			return err
		}
	},
}

var rotateCmd = cli.Command[*app]{
	Name: "rotate", Args: "company | --all", Short: "replace your key at a company by the next, which only the kit can make",
	Long: `With --stolen you say that somebody else has the present key: what the company has
in your name and your file does not know is disowned, and has no effect from then on.
A restored file can't tell which entries are yours: look at them with firsthand log,
and name the first that was not with --since.`,
	Setup: func(fs *flag.FlagSet) run {
		read := kitFlag(fs)
		all := fs.Bool("all", false, "at every company")
		stolen := fs.Bool("stolen", false, "somebody else has the present key")
		since := fs.Int64("since", 0, "with --stolen: the first `number` in your log that was not yours")
		wait := waitFlag(fs)
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			if *all == (len(args) == 1) || len(args) > 1 || *since > 0 && (!*stolen || *all) {
				return cli.Usagef("")
			}
			rows, err := a.agent.Relationships(ctx)
			if !*all && err == nil {
				var r agent.Relationship
				r, err = a.agent.Find(ctx, args[0])
				rows = []agent.Relationship{r}
			}
			if err != nil {
				return err
			}
			kit, err := read(ctx, env)
			if err != nil {
				return err
			}
			if err := a.store.CheckKit(ctx, kit); err != nil {
				return err
			}
			if err := a.agent.Refill(ctx, kit.Text()); err != nil { // also a restored file needs one for each
				return err
			}
			failed := 0
			for _, r := range rows {
				if s, err := r.Summarised(); err == nil && (r.Gateway == "" || s.Closed) && *all {
					continue
				}
				act, err := a.agent.Rotate(ctx, r.ID, agent.Rotation{Kit: kit.Text(), Stolen: *stolen, Since: *since})
				if err == nil {
					err = a.sent(ctx, env, r.ID, *wait, act)
				}
				if err != nil {
					failed++
					fmt.Fprintf(env.Stderr, "firsthand: %s: %s\n", r.Domain, cli.Printable(err.Error()))
					if hint := fault.HintOf(err); hint != "" {
						fmt.Fprintf(env.Stderr, "firsthand: hint: %s\n", hint)
					}
				}
			}
			if failed > 0 {
				return fault.Tell(fault.Conflict, fmt.Sprintf("not rotated at %d of %d companies", failed, len(rows)), "see above; the others are done")
			}
			return nil
		}
	},
}

var unlockCmd = cli.Command[*app]{
	Name: "unlock", Short: "open the file of a server that waits for it; change what opens it",
	Setup: func(fs *flag.FlagSet) run {
		newKeyFile := fs.String("new-key-file", "", "make a key `file` that opens it too, for unattended machines")
		dropKeyFile := fs.Bool("drop-key-file", false, "let the key file open it no more")
		newPassphrase := fs.Bool("new-passphrase", false, "ask for a new passphrase, in place of the present one")
		newPassphraseFile := fs.String("new-passphrase-file", "", "`file` with the new passphrase")
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			if err := count(args, 0, 0); err != nil {
				return err
			}
			if a.agent == nil {
				return a.home.unlock(ctx, env)
			}
			switch {
			case *newKeyFile != "":
				text, recipient, err := store.NewKeyFile()
				if err != nil {
					return err
				}
				if err := store.WriteSecret(env.Path(*newKeyFile), a.dir, text); err != nil {
					return err
				}
				return a.store.SetKeyFile(ctx, recipient)
			case *dropKeyFile:
				return a.store.SetKeyFile(ctx, "")
			case *newPassphrase || *newPassphraseFile != "":
				s := cli.Secret{Prompt: "New passphrase", Flag: "new-passphrase-file", File: *newPassphraseFile, Twice: true}
				pass, err := env.Secret(ctx, s)
				if err != nil {
					return err
				}
				return a.store.SetPassphrase(ctx, pass)
			}
			if a.home != nil {
				fmt.Fprintln(env.Stdout, "it is open")
				return nil
			}
			fmt.Fprintln(env.Stdout, "it opens; no server runs that could be kept open")
			return nil
		}
	},
}
