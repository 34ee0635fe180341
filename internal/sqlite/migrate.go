package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"firsthand/fault"
)

// A migration is one SQL file that changes the schema, or that makes it.
type migration struct{ name, sql string }

// migrations reads the files 0001_*.sql, 0002_*.sql, … in the root of files.
func migrations(files fs.FS) ([]migration, error) {
	if files == nil {
		return nil, nil
	}
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	list := make([]migration, len(names))
	for i, name := range names {
		if !strings.HasPrefix(name, fmt.Sprintf("%04d_", i+1)) {
			return nil, fmt.Errorf("migration %s: want one that starts with %04d_", name, i+1)
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		list[i] = migration{name, string(text)}
	}
	return list, nil
}

// migrate applies those of list that the file lacks, each in a transaction of
// its own. PRAGMA user_version counts those applied.
//
// There is no way down. A file newer than the program is refused, so that an
// old program never damages new data. So is one without a schema, unless it is
// meant to be empty: whatever it was, it would look like a new file.
func (c *conn) migrate(ctx context.Context, list []migration, empty bool) error {
	version, err := c.version(ctx)
	if err != nil {
		return err
	}
	if version > len(list) {
		return fmt.Errorf("%w (the file has schema %d, the program knows %d)", errNewer, version, len(list))
	}
	if version == 0 && !empty {
		return errEmpty
	}
	for i := version; i < len(list); i++ {
		if err := c.apply(ctx, list[i].sql, i+1); err != nil {
			return fmt.Errorf("migration %s: %w", list[i].name, err)
		}
	}
	return nil
}

var (
	errNewer = fault.Tell(fault.Invalid,
		"The file was written by a newer version of this program.",
		"Use the newer version, or restore a backup made before it was installed.")
	errEmpty = fault.Tell(fault.Invalid,
		"The file is empty, or is not one of this program.",
		"Restore a backup, or begin with a new file.")
)

func (c *conn) version(ctx context.Context) (int, error) {
	var n int
	err := c.outside().QueryRowContext(ctx, "PRAGMA user_version").Scan(&n)
	return n, err
}

// apply runs one file. A crash leaves all of it and its number, or neither.
func (c *conn) apply(ctx context.Context, text string, number int) error {
	if err := c.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if err := c.change(ctx, text, number); err != nil {
		open, _, _, serr := c.state()
		if open {
			serr = c.exec("ROLLBACK")
		}
		return errors.Join(err, serr)
	}
	return nil
}

func (c *conn) change(ctx context.Context, text string, number int) error {
	if err := c.script(ctx, text); err != nil {
		return err
	}
	open, _, _, err := c.state()
	if err != nil {
		return err
	}
	if !open {
		return errors.New("the file ends its transaction")
	}
	// A statement of its own: a comment at the end of the file would swallow it.
	if err := c.script(ctx, fmt.Sprintf("PRAGMA user_version = %d", number)); err != nil {
		return err
	}
	return c.exec("COMMIT")
}
