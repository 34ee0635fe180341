//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package store

import (
	"errors"
	"os"
)

// lockFile refuses: where two programs can't keep out of each other's way, both
// would sign, and fork her logs.
func lockFile(*os.File) error { return errors.ErrUnsupported }
