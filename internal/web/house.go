package web

import (
	"context"
	"io"
)

// A State is whether there is a file of hers, and whether it is open.
type State int

const (
	Empty  State = iota // no file yet
	Locked              // a file, which waits for its passphrase
	Open
)

// A House is her file and what opens it. Its methods may be called from several
// goroutines.
type House interface {
	State() State

	// NewKit makes a recovery kit, and keeps nothing of it.
	NewKit() (Kit, error)
	// Create makes her file, to be opened by the passphrase and the kit, and opens
	// it.
	Create(ctx context.Context, passphrase []byte, kit Kit) error
	// Restore makes her file of a backup, which the passphrase it was made under
	// opens, or the text of the recovery kit, and leaves it locked.
	Restore(ctx context.Context, backup io.Reader, passphrase []byte, kit string) error

	// Unlock opens her file. [fault.Denied] says that it is not the passphrase.
	Unlock(ctx context.Context, passphrase []byte) error
	// Confirm returns [fault.Denied] unless this is the passphrase of her open file.
	Confirm(ctx context.Context, passphrase []byte) error
	// Lock closes her file once those who entered have left. Their contexts end.
	Lock()

	// Enter returns what an open house has in it. The file is not closed before
	// leave is called; ctx ends when it is to be.
	Enter(context.Context) (r Room, leave func(), err error)
}

// A Room is an open house, for one request.
type Room struct {
	Context context.Context
	Agent   Agent
	Safe    Safe
}

// A Kit is a recovery kit that was just made: the page to print, and its text.
type Kit struct {
	Page, Text string
}

// A Safe is what concerns the file as a whole.
type Safe interface {
	// Backup makes a backup and restores it to see that it works.
	Backup(ctx context.Context) (Backup, error)
	// Export writes her whole life, encrypted for her.
	Export(ctx context.Context, w io.Writer) error
	// CheckFile reads the whole file, and returns how many entries were compared
	// with their hashes.
	CheckFile(ctx context.Context) (entries int, err error)
	// SetPassphrase replaces the passphrase.
	SetPassphrase(ctx context.Context, passphrase []byte) error
	// Refill makes new next keys with the text of the recovery kit, which it
	// checks first. NextKeys counts those that are left.
	Refill(ctx context.Context, kit string) error
	NextKeys(ctx context.Context) (int, error)
	// LastBackup is when a backup was last made and tested here; zero if never.
	LastBackup(ctx context.Context) (Backup, error)
}
