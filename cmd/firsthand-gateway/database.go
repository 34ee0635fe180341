package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"

	"firsthand/fault"
	"firsthand/internal/cli"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/pgstore"
	"firsthand/internal/gateway/store"
)

// A database is what keeps what the gateway knows: a file, or a PostgreSQL.
type database interface {
	gateway.Movable
	// Check asks whether the database itself is in order.
	Check(context.Context) error
	Close() error
}

// openDatabase opens the one that c names.
func openDatabase(ctx context.Context, c *gateway.Config, log *slog.Logger) (database, error) {
	if c.Database.URLFile == "" {
		return store.Open(ctx, store.Options{Dir: c.Data})
	}
	if store.Exists(c.Data) {
		return nil, fault.Tell(fault.Conflict, "there is a database in "+c.Data+", and gateway.json names another", "bring the one to the other: firsthand-gateway move")
	}
	o, err := postgresOptions(c, log)
	if err != nil {
		return nil, err
	}
	return pgstore.Open(ctx, o)
}

func postgresOptions(c *gateway.Config, log *slog.Logger) (o pgstore.Options, err error) {
	o = pgstore.Options{Dir: c.Data, Log: log}
	o.URL, err = c.Database.URL()
	return o, err
}

// createDatabase makes the one that c names.
func createDatabase(ctx context.Context, c *gateway.Config) error {
	var d database
	if c.Database.URLFile == "" {
		s, err := store.Create(ctx, store.Options{Dir: c.Data})
		if err != nil {
			return err
		}
		d = s
	} else {
		o, err := postgresOptions(c, nil)
		if err != nil {
			return err
		}
		s, err := pgstore.Create(ctx, o)
		if err != nil {
			return err
		}
		d = s
	}
	return d.Close()
}

// checkDatabase judges the address of a PostgreSQL without calling it.
func checkDatabase(c *gateway.Config) error {
	address, err := c.Database.URL()
	if err != nil || address == "" {
		return nil // which Config.Check says
	}
	return pgstore.CheckURL(address)
}

// restoredPostgres marks everything in a PostgreSQL as restored.
func restoredPostgres(ctx context.Context, env *cli.Env) error {
	c, err := loadConfig(env)
	if err != nil {
		return err
	}
	d, err := openDatabase(ctx, &c, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	p, ok := d.(*pgstore.Store)
	if !ok {
		err = cli.Usagef("which backup, into which folder?")
	} else if err = p.MarkRestored(ctx); err == nil {
		fmt.Fprintln(env.Stdout, "all relationships are marked as restored")
	}
	return errors.Join(err, d.Close())
}

var moveCmd = cli.Command[*app]{
	Name: "move", Short: "bring the database in the data folder to the PostgreSQL that gateway.json names", Local: true,
	Long: `No server may run. Everything is copied, in one transaction, and then read back from
both and compared; after that the file is no longer used, and is called gateway.db.moved.
What was interrupted is repeated by the same command. --give-up stays with the file:
take database out of gateway.json then.`,
	Setup: func(fs *flag.FlagSet) run {
		giveUp := fs.Bool("give-up", false, "end a move that was not finished")
		return func(ctx context.Context, _ *app, env *cli.Env, args []string) (err error) {
			if len(args) > 0 {
				return cli.Usagef("")
			}
			c, err := loadConfig(env)
			if err != nil {
				return err
			}
			path, err := socketPath(env)
			if err != nil {
				return err
			}
			alone, err := cli.Listen(path) // what a server has while it runs
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, alone.Close()) }()
			if *giveUp {
				return store.GiveUp(ctx, store.Options{Dir: c.Data})
			}
			if c.Database.URLFile == "" {
				return fault.Tell(fault.Invalid, "gateway.json names no other database", `add "database": {"url_file": "FILE"}, where FILE has its address`)
			}
			return move(ctx, env, &c)
		}
	},
}

// move brings all from the file to the PostgreSQL, in the order that [pgstore.Import]
// and [store.BeginMove] ask for.
func move(ctx context.Context, env *cli.Env, c *gateway.Config) error {
	o, err := postgresOptions(c, nil)
	if err != nil {
		return err
	}
	from, name, err := store.BeginMove(ctx, store.Options{Dir: c.Data})
	if err != nil {
		return err
	}
	content, err := moveFrom(ctx, from, o, name)
	if err != nil {
		return errors.Join(err, from.Close())
	}
	if err := from.FinishMove(ctx); err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "moved and compared: %d relationships, %d entries\n", content.Relationships, content.Entries)
	return nil
}

func moveFrom(ctx context.Context, from *store.Store, o pgstore.Options, name string) (content gateway.Content, err error) {
	to, err := pgstore.BeginImport(ctx, o, name)
	if err != nil {
		return content, err
	}
	defer to.Close()
	if to.Done { // and nothing has been taken here since
		return gateway.Contents(ctx, from)
	}
	if err := to.Copy(ctx, gateway.Export(ctx, from)); err != nil {
		return content, err
	}
	if content, err = gateway.Contents(ctx, from); err != nil {
		return content, err
	}
	got, err := to.Contents(ctx)
	if err != nil {
		return content, err
	}
	if got != content {
		return content, fmt.Errorf("%w: the copy has %d relationships and %d entries, or others than the %d and %d that it is of",
			fault.Internal, got.Relationships, got.Entries, content.Relationships, content.Entries)
	}
	return content, to.Finish(ctx)
}
