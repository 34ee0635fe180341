package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"firsthand/fault"
)

// errHeld is what lockFile returns if another has the lock.
var errHeld = errors.New("locked")

var errInUse = fault.Tell(fault.Unavailable, "another Firsthand is using your file",
	"stop the other one, or wait until it is done; a second one on the same file would sign in your name twice")

// lock takes the lock of dir. It is the operating system's, so it is free again
// when its process ends, however that happens; the file it is on stays.
func (osFiles) lock(dir string) (io.Closer, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lockFile(f); err != nil {
		f.Close()
		if errors.Is(err, errHeld) {
			return nil, errInUse
		}
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return f, nil
}
