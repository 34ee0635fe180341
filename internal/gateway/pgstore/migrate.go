package pgstore

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"firsthand/fault"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrateLock is taken while the tables are changed: two processes may start at once.
const migrateLock = 0x6669727374 // "first"

// migrate brings the tables to the form that this program knows, each step in one
// transaction with its number. A released step is never edited.
func (s *Store) migrate(ctx context.Context, create bool) error {
	steps, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return unavailable(err)
	}
	defer conn.Release()
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(migrateLock)); err != nil {
			return unavailable(err)
		}
		version, err := schemaVersion(ctx, tx)
		if err != nil {
			return err
		}
		switch {
		case create && version > 0:
			return fault.Tell(fault.Conflict, "The database has a gateway's tables already.", "Name another, or an empty one.")
		case !create && version == 0:
			return fault.Tell(fault.NotExist, "The database has none of a gateway's tables.", "Bring what you have: firsthand-gateway move. Or begin anew: firsthand-gateway init")
		case version > len(steps):
			return fault.Tell(fault.Invalid, fmt.Sprintf("The database has the form %d, and this program knows up to %d.", version, len(steps)), "Use the newer program.")
		}
		if version > 0 && version < len(steps) {
			if err := refuseOlder(ctx, tx); err != nil {
				return err
			}
		}
		return migrateFrom(ctx, tx, steps, version)
	})
}

// refuseOlder refuses to change the tables under other processes, which know nothing of
// the new form and would leave rows that are wrong in it.
func refuseOlder(ctx context.Context, tx pgx.Tx) error {
	var others bool
	if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM process WHERE until > now())`).Scan(&others); err != nil {
		return unavailable(err)
	}
	if others {
		return fault.Tell(fault.Conflict, "The tables have to be brought to a newer form, and a gateway of an older version uses them.",
			"Stop all gateways first. One that was killed counts for some seconds more.")
	}
	return nil
}

func migrateFrom(ctx context.Context, tx pgx.Tx, steps []string, version int) error {
	for i, name := range steps[version:] {
		text, err := migrations.ReadFile(name)
		if err != nil {
			return err
		}
		if !strings.HasPrefix(name, fmt.Sprintf("migrations/%04d_", version+i+1)) {
			return fmt.Errorf("migration %s is out of order", name)
		}
		// The simple protocol takes a script of several statements.
		if _, err := tx.Conn().PgConn().Exec(ctx, string(text)).ReadAll(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	_, err := tx.Exec(ctx, `INSERT INTO setting (name, value) VALUES ('store.schema', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, strconv.Itoa(len(steps)))
	return err
}

// schemaVersion returns how many steps the tables have been brought, 0 where there
// are none.
func schemaVersion(ctx context.Context, tx pgx.Tx) (version int, err error) {
	var there bool
	if err := tx.QueryRow(ctx, `SELECT to_regclass('setting') IS NOT NULL AND to_regclass('relationship') IS NOT NULL`).Scan(&there); err != nil || !there {
		return 0, unavailable(err)
	}
	var text string
	if err := tx.QueryRow(ctx, `SELECT value FROM setting WHERE name = 'store.schema'`).Scan(&text); err != nil {
		return 0, unavailable(err)
	}
	return strconv.Atoi(text)
}
