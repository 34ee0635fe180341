package cli_test

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs the toy as a program, as testdata/*.txtar say.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata", Setup: quickExit, RequireExplicitExec: true, RequireUniqueNames: true})
}

// quickExit spares each command the second that the race detector waits for
// other goroutines' reports at exit.
func quickExit(env *testscript.Env) error {
	env.Setenv("GORACE", "atexit_sleep_ms=10")
	return nil
}
