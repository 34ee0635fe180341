//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"firsthand/internal/locale"
	"firsthand/internal/web/webtest"
)

// TestMain makes the command firsthand for the scripts.
func TestMain(m *testing.M) {
	testscript.Main(tidy{m}, map[string]func(){"firsthand": main})
}

// tidy removes what programs built, and ends the browser, once all tests have run.
type tidy struct{ *testing.M }

func (m tidy) Run() int {
	defer os.RemoveAll(built)
	os.Setenv("GOGC", "400") // of the programs: most run so shortly that what they drop needn't be collected
	return webtest.Main(m.M)
}

var (
	built string // where the programs are, once they were needed
	once  sync.Once
)

// programs returns the folder of both programs, built as for a release, once for all
// tests: two commands can't be in one test binary. Only their paths aren't trimmed: for
// that every package would be compiled once more.
func programs(t testing.TB) string {
	once.Do(func() {
		var err error
		if built, err = os.MkdirTemp("", "firsthand-test-"); err != nil {
			t.Fatal(err)
		}
		build := exec.Command("go", "build", "-ldflags=-s -w", "-o", built, "firsthand/cmd/firsthand", "firsthand/cmd/firsthand-gateway")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build: %v\n%s", err, out)
		}
	})
	return built
}

// TestScripts runs both programs as people do.
func TestScripts(t *testing.T) {
	bin := programs(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata", RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("GORACE", "atexit_sleep_ms=10") // else each command waits a second
			env.Setenv("PATH", bin+string(filepath.ListSeparator)+env.Getenv("PATH"))
			env.Setenv("FIRSTHAND_DIR", filepath.Join(env.WorkDir, "mia"))
			env.Setenv("FIRSTHAND_ALLOW_LOOPBACK", "1")
			env.Setenv("FIRSTHAND_PASSPHRASE_FILE", filepath.Join(env.WorkDir, "passphrase"))
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("ACME", freeDomain(t))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"waitlog": waitlog, "until": until, "capture": capture},
	})
}

// freeDomain returns a domain on this machine with a port that is free: it was
// given to us a moment ago, and the system gives no port twice in a short time.
func freeDomain(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprintf("localhost:%d", l.Addr().(*net.TCPAddr).Port)
}

// waitlog waits until a file has a line that matches: waitlog file regexp.
func waitlog(ts *testscript.TestScript, neg bool, args []string) {
	line := regexp.MustCompile("(?m)" + args[1])
	retry(ts, func() bool {
		text, err := os.ReadFile(ts.MkAbs(args[0]))
		return err == nil && line.Match(text)
	}, func() string { return "no line of " + args[0] + " matches " + args[1] })
}

// until runs a command again and again until its output matches: until regexp
// command args...
func until(ts *testscript.TestScript, neg bool, args []string) {
	want, last := regexp.MustCompile("(?m)"+args[0]), ""
	retry(ts, func() bool {
		cmd := exec.Command(args[1], args[2:]...)
		cmd.Dir, cmd.Env = ts.Getenv("WORK"), environ(ts)
		out, _ := cmd.CombinedOutput()
		last = string(out)
		return want.Match(out) != neg
	}, func() string { return "the last output was " + last })
}

// capture sets a variable to what a regexp finds in the last output: capture VAR
// regexp.
func capture(ts *testscript.TestScript, neg bool, args []string) {
	found := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if found == nil {
		ts.Fatalf("nothing in the output matches %s", args[1])
	}
	ts.Setenv(args[0], found[len(found)-1])
}

// environ returns the variables that the programs read.
func environ(ts *testscript.TestScript) (env []string) {
	for _, name := range []string{"PATH", "HOME", "GORACE", "FIRSTHAND_DIR", "FIRSTHAND_ALLOW_LOOPBACK", "FIRSTHAND_PASSPHRASE_FILE", "FIRSTHAND_KEY_FILE"} {
		env = append(env, name+"="+ts.Getenv(name))
	}
	return env
}

// retry calls try until it succeeds. What it waits for is done by other
// processes: there is nothing else to wait on.
func retry(ts *testscript.TestScript, try func() bool, failure func() string) {
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); <-look.C {
		if try() {
			return
		}
	}
	ts.Fatalf("%s", failure())
}

// TestManual holds the package comment against the table of commands.
func TestManual(t *testing.T) {
	text, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(program().Manual()) {
		if want := "//\t" + strings.TrimSpace(line); !strings.Contains(string(text), want) {
			t.Errorf("the package comment lacks %q", want)
		}
	}
}

// TestFormatsHaveWords: what is shown of where a file is from is no name of ours.
func TestFormatsHaveWords(t *testing.T) {
	for _, f := range formats() {
		if !locale.All()[0].Has("format." + f.Name()) {
			t.Errorf("the catalogue has no words for the format %s", f.Name())
		}
	}
}
