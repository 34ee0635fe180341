//go:build !linux

package importertest

import "testing"

// findAnywhere finds nothing where the system doesn't show the memory of a process.
func (n needle) findAnywhere(testing.TB) int { return 0 }
