// Package needtest lets a test say what it needs beyond Go itself.
//
// Where a program or an ability of the system is missing, the test skips and
// says why. Where everything is installed, FIRSTHAND_TEST_ALL=1 is set, and
// then a skip is a failure: so a skip only ever means "not installed", or, under the
// race detector, that there is nothing to race.
package needtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// All reports whether nothing may be missing.
func All() bool { return os.Getenv("FIRSTHAND_TEST_ALL") == "1" }

// Big reports whether tests that have a small and a bigger size should take
// the bigger: where everything is installed, and the race detector is off.
func Big() bool { return All() && !Race }

// Alone skips t under the race detector: it has one goroutine, and what it calls is
// raced by other tests, so the detector would find nothing new and take ten times
// as long.
func Alone(t testing.TB) {
	t.Helper()
	if Race {
		t.Skip("one goroutine: nothing to race")
	}
}

// Skip skips t, and says why. Where FIRSTHAND_TEST_ALL is 1 nothing may be
// missing, so there it fails t instead.
func Skip(t testing.TB, reason string) {
	t.Helper()
	if All() {
		t.Fatalf("may not skip: %s", reason)
	}
	t.Skip(reason)
}

// Program returns the path of the first of names that is installed, and skips
// t if there is none.
func Program(t testing.TB, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	Skip(t, "not installed: "+strings.Join(names, " or "))
	return ""
}

// Data returns the path of a file that is no part of the project, and skips t if
// it isn't there. Such files lie below FIRSTHAND_TEST_DATA; the default is the folder
// shared/data next to the repository.
func Data(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("FIRSTHAND_TEST_DATA")
	if dir == "" {
		root, err := os.Getwd()
		for err == nil {
			if _, missing := os.Stat(filepath.Join(root, "go.mod")); missing == nil || filepath.Dir(root) == root {
				break
			}
			root = filepath.Dir(root)
		}
		dir = filepath.Join(root, "..", "shared", "data")
	}
	path := filepath.Join(dir, filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		Skip(t, "no data: "+name+" below FIRSTHAND_TEST_DATA")
	}
	return path
}
