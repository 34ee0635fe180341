//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package cli_test

import (
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestUnixScripts are those that need a running server and signals.
func TestUnixScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/unix", Setup: quickExit, RequireExplicitExec: true, RequireUniqueNames: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"waitlog": waitlog},
	})
}

// waitlog waits until a file has a line that matches: waitlog file regexp.
func waitlog(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: waitlog file regexp")
	}
	line, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	look := time.NewTicker(5 * time.Millisecond) // another process writes it: there is nothing to wait on
	defer look.Stop()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-look.C {
		text, err := os.ReadFile(ts.MkAbs(args[0]))
		if err == nil && line.Match(text) {
			return
		}
	}
	ts.Fatalf("no line of %s matches %s", args[0], args[1])
}
