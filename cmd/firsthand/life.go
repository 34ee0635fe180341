package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"

	"firsthand/fault"
	"firsthand/internal/agent/store"
	"firsthand/internal/cli"
	"firsthand/internal/web"
)

// writeFile writes a new file by way of a temporary one beside it, so that there
// is never half of it, and syncs it.
func writeFile(path string, write func(io.Writer) error) error {
	if _, err := os.Stat(path); err == nil {
		return fault.Tell(fault.Conflict, path+" is there already", "name a new file")
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".firsthand-*")
	if err != nil {
		return fault.Tell(fault.Invalid, err.Error(), "name a file in a folder where you may write")
	}
	defer os.Remove(f.Name()) // gone already if all went well
	err = write(f)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

var exportCmd = cli.Command[*app]{
	Name: "export", Args: "file", Short: "your whole life as one file, readable without this program",
	Long: `The file is encrypted with age (https://age-encryption.org) to your recovery kit and
your passphrase: age -d -i kit.txt FILE gives a zip file with plain text in it. With
--plain it is that zip file. It holds your private keys: who has it can speak as you
until you rotate them.`,
	Setup: func(fs *flag.FlagSet) run {
		plain := fs.Bool("plain", false, "do not encrypt it")
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			if err := count(args, 1, 1); err != nil {
				return err
			}
			return writeFile(env.Path(args[0]), func(w io.Writer) error {
				if *plain {
					return a.agent.Export(ctx, w)
				}
				enc, err := a.store.Encrypt(ctx, w)
				if err != nil {
					return err
				}
				return errors.Join(a.agent.Export(ctx, enc), enc.Close())
			})
		}
	},
}

var importCmd = cli.Command[*app]{
	Name: "import", Args: "file", Short: "take over a life that was exported",
	Long: `It goes into a file of yours that has nothing in it yet: firsthand init makes one, with a
passphrase and a recovery kit of its own. Everything in it is verified first. Before anything is signed, each company is asked
for what it has: the file that was exported may have gone on. Use one of the two from
now on. An encrypted export is opened by the kit (--kit) or the passphrase it was made
under.`,
	Setup: func(fs *flag.FlagSet) run {
		kit := fs.String("kit", "", "`file` with the recovery kit that opens the export")
		pass := fs.String("export-passphrase-file", "", "`file` with the passphrase that opens the export")
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			if err := count(args, 1, 1); err != nil {
				return err
			}
			file, size, close, err := openExport(ctx, env, args[0], *kit, *pass)
			if err != nil {
				return err
			}
			defer close()
			n, err := a.agent.Import(ctx, file, size)
			if err != nil {
				return err
			}
			fmt.Fprintln(env.Stdout, relationships(n))
			return nil
		}
	},
}

// openExport opens an export, encrypted or plain. What is decrypted stays in
// memory: it holds private keys.
func openExport(ctx context.Context, env *cli.Env, name, kit, passFile string) (io.ReaderAt, int64, func() error, error) {
	f, err := os.Open(env.Path(name))
	if err != nil {
		return nil, 0, nil, err
	}
	info, err := f.Stat()
	magic := make([]byte, 2)
	if err == nil {
		_, err = f.ReadAt(magic, 0)
	}
	if err == nil && string(magic) == "PK" {
		return f, info.Size(), f.Close, nil
	}
	defer f.Close()
	if err != nil {
		return nil, 0, nil, err
	}
	by, err := restoreOpener(ctx, env, kit, passFile)
	if err != nil {
		return nil, 0, nil, err
	}
	r, err := store.Decrypt(f, by)
	if err != nil {
		return nil, 0, nil, err
	}
	text, err := io.ReadAll(r)
	return bytes.NewReader(text), int64(len(text)), func() error { return nil }, err
}

var backupCmd = cli.Command[*app]{
	Name: "backup", Args: "file", Short: "make a backup, and restore it to see that it works",
	Long: `The backup is an age file that your passphrase and your recovery kit open. It counts
only because it was restored in a private folder and compared, which this command does.`,
	Setup: func(fs *flag.FlagSet) run {
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			if err := count(args, 1, 1); err != nil {
				return err
			}
			m, err := a.store.Backup(ctx, env.Path(args[0]))
			if err != nil {
				return err
			}
			fmt.Fprintf(env.Stdout, "backed up and tested: %s, %s\n", relationships(m.Relationships), entries(m.Entries))
			return a.noteBackup(ctx, web.Backup{Made: m.Made, Relationships: m.Relationships, Entries: m.Entries, Name: filepath.Base(args[0])})
		}
	},
}

var restoreCmd = cli.Command[*app]{
	Name: "restore", Args: "file", Short: "put a backup into an empty folder", Local: true,
	Long: `Opened by the passphrase it was made under, or by the recovery kit. Before anything
is signed each company is asked for what came after the backup; until then what you do
is kept as a draft. The book of next keys is emptied: firsthand kit refill.`,
	Setup: func(fs *flag.FlagSet) run {
		kit := fs.String("kit", "", "`file` with the recovery kit")
		return func(ctx context.Context, _ *app, env *cli.Env, args []string) error {
			if err := count(args, 1, 1); err != nil {
				return err
			}
			dir, err := dataDir(env)
			if err != nil {
				return err
			}
			by, err := restoreOpener(ctx, env, *kit, "")
			if err != nil {
				return err
			}
			m, err := store.Restore(ctx, env.Path(args[0]), dir, by)
			if err != nil {
				return err
			}
			fmt.Fprintf(env.Stdout, "restored to %s: %s, %s\n", dir, relationships(m.Relationships), entries(m.Entries))
			return nil
		}
	},
}

// restoreOpener returns what opens a backup or an export: the kit if it is named,
// else a passphrase.
func restoreOpener(ctx context.Context, env *cli.Env, kit, passFile string) (store.Opener, error) {
	if kit == "" {
		secret := passphrase("Passphrase of the file", false)
		if passFile != "" {
			secret = cli.Secret{Prompt: secret.Prompt, Flag: "export-passphrase-file", File: passFile}
		}
		pass, err := env.Secret(ctx, secret)
		return store.Passphrase(pass), err
	}
	text, err := env.Secret(ctx, cli.Secret{Prompt: "Recovery kit", Flag: "kit", File: kit})
	if err != nil {
		return nil, err
	}
	return store.ParseKit(string(text))
}

var rebuildCmd = cli.Command[*app]{
	Name: "rebuild", Short: "make all that is cached anew from the logs, and say what differed",
	Setup: func(fs *flag.FlagSet) run {
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			differed, err := a.agent.Rebuild(ctx)
			for _, what := range differed {
				fmt.Fprintf(env.Stdout, "%s\trebuilt\n", what)
			}
			if err == nil && len(differed) == 0 {
				fmt.Fprintln(env.Stdout, "nothing differed")
			}
			return err
		}
	},
}

var doctorCmd = cli.Command[*app]{
	Name: "doctor", Short: "check the file, its entries and signatures, and the book of next keys",
	Setup: func(fs *flag.FlagSet) run {
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			report, err := a.store.Check(ctx)
			if err != nil {
				return fmt.Errorf("the file is damaged: %w", err)
			}
			fmt.Fprintf(env.Stdout, "file\tok, %s read and compared\n", entries(report.Entries))
			rows, err := a.agent.Relationships(ctx)
			if err != nil {
				return err
			}
			for _, r := range rows {
				b, err := a.agent.Bundle(ctx, r.ID)
				if err != nil {
					return err
				}
				if _, err := b.Verify(); err != nil {
					return fmt.Errorf("%s: %w", r.Domain, err)
				}
			}
			fmt.Fprintf(env.Stdout, "signatures\tok, %s\n", relationships(len(rows)))
			n, err := a.agent.Store.Labels(ctx)
			if err != nil {
				return err
			}
			advice := ""
			if n < 50 {
				advice = "; refill: firsthand kit refill"
			}
			fmt.Fprintf(env.Stdout, "next keys\t%d%s\n", n, advice)
			return nil
		}
	},
}

var versionCmd = cli.Command[*app]{
	Name: "version", Short: "print the version", Local: true,
	Setup: func(fs *flag.FlagSet) run {
		asJSON := fs.Bool("json", false, "print JSON")
		return func(ctx context.Context, _ *app, env *cli.Env, args []string) error {
			version := "unknown"
			if info, ok := debug.ReadBuildInfo(); ok {
				version = info.Main.Version
			}
			if *asJSON {
				return printJSON(env, map[string]string{"version": version, "protocol": "1"})
			}
			fmt.Fprintf(env.Stdout, "firsthand %s, protocol 1\n", version)
			return nil
		}
	},
}
