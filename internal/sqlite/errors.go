package sqlite

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"syscall"

	"github.com/ncruces/go-sqlite3"

	"firsthand/fault"
)

// ErrClosed is returned by the methods of a closed DB.
var ErrClosed = fmt.Errorf("%w: the database is closed", fault.Unavailable)

// ErrUntidy is that Close found no room to move the write-ahead log into the file.
// Nothing is lost by it.
var ErrUntidy = fault.Tell(fault.Unavailable,
	"The disk is full. What was saved is safe, and stays in two files until there is room.",
	"Make some room on the disk: the next time that the file is opened it is put in order.")

var (
	errFull = fault.Tell(fault.Unavailable,
		"The disk is full, so nothing can be saved.",
		"Make some room on the disk. Saving then works again by itself.")
	errDisk = fault.Tell(fault.Unavailable,
		"The disk reported an error while saving, so nothing more is saved for now. Whether the last change was saved is not known.",
		"Start the program again: it looks at what the disk holds. If this comes back, the disk may be failing: make a backup to another one.")
	errKey = fault.Tell(fault.Denied,
		"This key does not open the file.",
		"Take the key that belongs to this file. If it is the right one, the file is damaged: restore a backup.")
	errNotDB = fault.Tell(fault.Invalid,
		"The file is encrypted, or is no database.",
		"If it is encrypted, it needs its key.")
	errDamaged = fault.Tell(fault.Internal,
		"The file is damaged.",
		"Keep it as it is, and restore a backup beside it.")
	errBusy = fault.Tell(fault.Unavailable,
		"Another program is using the file.",
		"Close the other program, or try again later.")
)

// explain adds to an error of SQLite, or of the file system, what it means to a
// person, and its kind. Other errors, such as those of the caller's own
// function, pass unchanged.
func (d *disk) explain(err error) error {
	var code sqlite3.ErrorCode
	known := errors.As(err, &code)
	switch {
	case err == nil, errors.Is(err, errDisk), errors.Is(err, errFull): // said already
		return err
	case code == sqlite3.IOERR && d.broken() != nil:
		return d.broken()
	case code == sqlite3.FULL, isFull(err):
		return fmt.Errorf("%w (%w)", errFull, err)
	case !known:
		return err
	case code == sqlite3.NOTADB && d.encrypted:
		return fmt.Errorf("%w: %w", errKey, err)
	case code == sqlite3.NOTADB:
		return fmt.Errorf("%w: %w", errNotDB, err)
	case code == sqlite3.CORRUPT:
		return fmt.Errorf("%w: %w", errDamaged, err)
	case code == sqlite3.BUSY:
		return fmt.Errorf("%w: %w", errBusy, err)
	case code == sqlite3.INTERRUPT: // only a context interrupts
		return fmt.Errorf("%w: %w", context.Canceled, err)
	}
	return err
}

// isFull reports whether the operating system said that there is no room.
func isFull(err error) bool {
	if runtime.GOOS == "windows" {
		const handleDiskFull, diskFull = syscall.Errno(39), syscall.Errno(112)
		if errors.Is(err, handleDiskFull) || errors.Is(err, diskFull) {
			return true
		}
	}
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// IsUnique reports whether err says that a row with the same key exists.
func IsUnique(err error) bool {
	return errors.Is(err, sqlite3.CONSTRAINT_UNIQUE) || errors.Is(err, sqlite3.CONSTRAINT_PRIMARYKEY)
}
