package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"firsthand/connector"
	"firsthand/connector/memory"
	"firsthand/fault"
	"firsthand/internal/cli"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/store"
)

var checkCmd = cli.Command[*app]{
	Name: "check", Short: "judge gateway.json and the files that it names", Local: true,
	Setup: func(fs *flag.FlagSet) run {
		return func(ctx context.Context, _ *app, env *cli.Env, args []string) error {
			c, err := loadConfig(env)
			if err != nil {
				return err
			}
			err = errors.Join(c.Check(plain(&c)), checkCertificate(c.TLS, time.Now()), checkDatabase(&c), checkConnectors(&c))
			if err == nil {
				fmt.Fprintln(env.Stdout, "ok")
			}
			return err
		}
	},
}

// checkConnectors makes the connectors, which calls nobody. The small CRM's would
// make a file: of it the configuration is read.
func checkConnectors(c *gateway.Config) error {
	trial := func(member, kind string, config json.RawMessage) (connector.Connector, error) {
		if kind == "" {
			return nil, nil
		}
		if kind == "memory" {
			return nil, parseConnector(config, new(memory.Config))
		}
		if err := known(member, kind); err != nil {
			return nil, err
		}
		made, err := connect(member, kind, config, c.Dir())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", member, err)
		}
		if x, ok := made.(io.Closer); ok {
			err = x.Close()
		}
		return made, err
	}
	records, err := trial("connector", c.Connector.Type, c.Connector.Config)
	tickets, err2 := trial("tickets", c.Tickets.Type, c.Tickets.Config)
	if err = errors.Join(err, err2); err == nil && records != nil && tickets != nil {
		err = gateway.CheckSystems(records, tickets)
	}
	return err
}

// checkCertificate judges a certificate and its key as a server would be given them.
func checkCertificate(files gateway.TLSFiles, now time.Time) error {
	if files.CertFile == "" || files.KeyFile == "" {
		return nil
	}
	cert, err := tls.LoadX509KeyPair(files.CertFile, files.KeyFile)
	if err != nil {
		return fmt.Errorf("tls: %w", err)
	}
	if now.After(cert.Leaf.NotAfter) {
		return fault.Tell(fault.Invalid, "tls: the certificate was good until "+cert.Leaf.NotAfter.Format(time.DateOnly), "get a new one")
	}
	return nil
}

var backupCmd = cli.Command[*app]{
	Name: "backup", Args: "folder", Short: "make a backup of the database in a new folder, and restore it to see that it works",
	Long: `The backup is not encrypted, and holds no keys: keep a copy of the key file apart.`,
	Setup: func(fs *flag.FlagSet) run {
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			if len(args) != 1 {
				return cli.Usagef("")
			}
			file, ok := a.store.(*store.Store)
			if !ok {
				return fault.Tell(fault.Invalid, "the database is a PostgreSQL, which has its own backups", "pg_dump or pg_basebackup; after one was put back: firsthand-gateway restore")
			}
			backup := env.Path(args[0])
			m, err := file.Backup(ctx, backup, time.Now())
			if err != nil {
				return err
			}
			// It counts only once it was restored. The trial copy is as open to
			// read as the backup, and lies beside it.
			if _, err := store.Drill(ctx, backup, backup+".trial"); err != nil {
				return fmt.Errorf("the backup can't be restored: %w", err)
			}
			fmt.Fprintf(env.Stdout, "backed up and tested: %d relationships, %d entries\n", m.Relationships, m.Entries)
			return nil
		}
	},
}

var restoreCmd = cli.Command[*app]{
	Name: "restore", Args: "[backup folder]", Short: "put a backup into a folder, which gateway.json then names as data", Local: true,
	Long: `In each relationship nothing is signed until the customer's agent has told what it
has; what the backup lacks is taken back from there. Where the database is a PostgreSQL,
put its backup back by its own means while no server runs, and then say so: restore,
without arguments.`,
	Setup: func(fs *flag.FlagSet) run {
		return func(ctx context.Context, _ *app, env *cli.Env, args []string) error {
			if len(args) == 0 {
				return restoredPostgres(ctx, env)
			}
			if len(args) != 2 {
				return cli.Usagef("")
			}
			m, err := store.Restore(ctx, env.Path(args[0]), env.Path(args[1]))
			if err != nil {
				return err
			}
			fmt.Fprintf(env.Stdout, "restored: %d relationships, %d entries\n", m.Relationships, m.Entries)
			return nil
		}
	},
}

var doctorCmd = cli.Command[*app]{
	Name: "doctor", Short: "check the database, and every entry and signature in it, and say how the systems are",
	Setup: func(fs *flag.FlagSet) run {
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			if err := a.store.Check(ctx); err != nil {
				return fmt.Errorf("the database is damaged: %w", err)
			}
			fmt.Fprintln(env.Stdout, "database\tok")
			relationships, entries, err := gateway.VerifyAll(ctx, a.store)
			if err != nil {
				return fmt.Errorf("the logs are damaged: %w", err)
			}
			fmt.Fprintf(env.Stdout, "logs\tok, %d relationships, %d entries\n", relationships, entries)
			return printSystems(ctx, a, env)
		}
	},
}

// printSystems says how the server that runs gets on with each of the company's
// systems. It calls none.
func printSystems(ctx context.Context, a *app, env *cli.Env) error {
	c, err := a.gateway.Connection(ctx)
	if err != nil {
		return err
	}
	for _, s := range c.Systems {
		how := "not called yet"
		switch {
		case s.Down():
			how = "fails"
			if s.Failing > 0 {
				how = fmt.Sprintf("fails, for %d customers; what goes to it waits", s.Failing)
			}
			if s.Trouble != "" {
				how += ": " + s.Trouble
			}
		case !s.Answer.IsZero():
			how = "ok, answered " + s.Answer.UTC().Format(time.RFC3339)
		}
		if s.Name != "" {
			how += " (" + s.Name + ")"
		}
		fmt.Fprintf(env.Stdout, "%s\t%s\n", s.Lane.Member(), cli.Printable(how))
	}
	return nil
}

var versionCmd = cli.Command[*app]{
	Name: "version", Short: "print the version", Local: true,
	Setup: func(fs *flag.FlagSet) run {
		return func(ctx context.Context, _ *app, env *cli.Env, args []string) error {
			_, err := fmt.Fprintf(env.Stdout, "firsthand-gateway %s, protocol 1\n", version())
			return err
		}
	},
}

// version is that of the program, as it was built.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}
