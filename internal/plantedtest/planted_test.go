// Package plantedtest plants bugs and demands that tests find them. A harness
// that can't fail proves nothing.
//
// The bugs are in the files of the folder bugs, one file for a package or a
// subject. Each is an edit of one source file, so that no product code knows of
// them:
//
//	bug: prev is not compared
//	harness: S1
//	file: chain.go
//	package: .
//	tests: TestHostile TestVectors
//	-- old --
//		case e.Prev != mine.Head.ID:
//	-- new --
//		case e.Prev != mine.Head.ID && false:
//	-- end --
//
// File and package are named from the root of the module; old, without its last
// line feed, must be there once. Lines that begin with # between bugs are comments. A bug may say "timeout: 20s"
// if what it breaks runs for ever.
//
// That each bug can be planted, and that its tests are there, is always tested. Those
// whose name matches -bug are planted in turn, by an overlay that leaves the source
// alone, and one of their tests has to fail, after all have passed with nothing planted.
// "-bug ." plants all, which takes half an hour and belongs before a release; with
// FIRSTHAND_TEST_ALL=1 it is every fourth of the protocol's, and of the others every
// sixteenth. That their tests pass is then not asked once more: they run beside it, and
// fail the check where they don't. What a harness does to itself in other ways is not
// listed here, but in docs/planted-bugs.md as well.
package plantedtest

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"firsthand/internal/needtest"
)

var only = flag.String("bug", "", "plant the bugs whose name matches `regexp`")

// A bug is one edit and the tests that must find it.
type bug struct {
	list                        string // the file that lists it
	name, harness, file, packag string
	tests                       []string
	timeout                     time.Duration
	old, new                    string
}

// readBugs reads a list of bugs.
func readBugs(list, text string) (bugs []bug, err error) {
	var b *bug
	var part *string // what lines are added to
	for n, line := range strings.Split(text, "\n") {
		name, value, isHeader := strings.Cut(line, ": ")
		switch {
		case line == "-- old --" && b != nil && b.old == "":
			part = &b.old
		case line == "-- new --" && part != nil && part == &b.old:
			part = &b.new
		case line == "-- end --" && part != nil && part == &b.new:
			if b.name == "" || b.harness == "" || b.file == "" || b.packag == "" || len(b.tests) == 0 || b.old == "" || b.old == b.new {
				return nil, fmt.Errorf("%s:%d: %q lacks something", list, n+1, b.name)
			}
			b.old, b.new = strings.TrimSuffix(b.old, "\n"), strings.TrimSuffix(b.new, "\n") // it may be less than a line
			bugs, b, part = append(bugs, *b), nil, nil
		case part != nil:
			*part += line + "\n"
		case line == "" || line[0] == '#':
		case isHeader && name == "bug" && b == nil:
			b = &bug{list: list, name: value, timeout: 2 * time.Minute}
		case isHeader && b != nil && name == "harness":
			b.harness = value
		case isHeader && b != nil && name == "file":
			b.file = value
		case isHeader && b != nil && name == "package":
			b.packag = value
		case isHeader && b != nil && name == "tests":
			b.tests = strings.Fields(value)
		case isHeader && b != nil && name == "timeout":
			if b.timeout, err = time.ParseDuration(value); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", list, n+1, err)
			}
		default:
			return nil, fmt.Errorf("%s:%d: not understood: %s", list, n+1, line)
		}
	}
	if b != nil {
		return nil, fmt.Errorf("%s: %q has no end", list, b.name)
	}
	return bugs, nil
}

// row is the bug's row in docs/planted-bugs.md.
func (b *bug) row() string {
	return fmt.Sprintf("| %s | %s | edit of `%s`, in `%s` | `%s`: %s |", b.harness, b.name, b.file, b.list, b.packag, strings.Join(b.tests, ", "))
}

// plant returns the text of b's file with b in it.
func (b *bug) plant(root string) (string, error) {
	source, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(b.file)))
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(source), b.old); n != 1 {
		return "", fmt.Errorf("the old text is %d times in %s", n, b.file)
	}
	return strings.Replace(string(source), b.old, b.new, 1), nil
}

const root = "../.."

func bugs(t *testing.T) (all []bug) {
	t.Helper()
	lists, err := filepath.Glob("bugs/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			t.Fatal(err)
		}
		bugs, err := readBugs(filepath.Base(list), string(text))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, bugs...)
	}
	return all
}

// test is the line of a file that begins a test.
var test = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w*)\(\w+ \*testing\.[TF]\) \{`)

// testsOf returns the tests of the package in dir.
func testsOf(dir string) (map[string]bool, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		return nil, err
	}
	there := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for _, name := range test.FindAllSubmatch(text, -1) {
			there[string(name[1])] = true
		}
	}
	return there, nil
}

// Every bug can be planted, its tests are there, and it is in the document.
func TestBugsAreListed(t *testing.T) {
	document, err := os.ReadFile(filepath.Join(root, "docs", "planted-bugs.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	seen, tests := map[string]bool{}, map[string]map[string]bool{}
	for _, b := range bugs(t) {
		if seen[b.name] {
			t.Errorf("%s: %s: another bug has this name", b.list, b.name)
		}
		seen[b.name] = true
		if _, err := b.plant(root); err != nil {
			t.Errorf("%s: %s: %v", b.list, b.name, err)
		}
		there, ok := tests[b.packag]
		if !ok {
			if there, err = testsOf(filepath.Join(root, filepath.FromSlash(b.packag))); err != nil {
				t.Fatal(err)
			}
			tests[b.packag] = there
		}
		for _, name := range b.tests {
			if !there[name] {
				t.Errorf("%s: %s: package %s has no %s", b.list, b.name, b.packag, name)
			}
		}
		if strings.Contains(string(document), "\n"+b.row()+"\n") {
			rows++
		} else {
			t.Errorf("docs/planted-bugs.md lacks\n%s", b.row())
		}
	}
	if n := strings.Count(string(document), "| edit of `"); n != rows {
		t.Errorf("docs/planted-bugs.md has %d edits, %d are planted", n, rows)
	}
}

// Every bug is found.
func TestBugsAreFound(t *testing.T) {
	if *only == "" && os.Getenv("FIRSTHAND_TEST_ALL") != "1" {
		return // minutes; the small size is TestBugsAreListed
	}
	match, err := regexp.Compile(*only)
	if err != nil {
		t.Fatal(err)
	}
	program := needtest.Program(t, "go")
	planted := map[string][]bug{} // by package
	for i, b := range bugs(t) {
		every := 16
		if b.list == "firsthand.txt" {
			every = 4
		}
		if match.MatchString(b.name) && (*only != "" || i%every == 0) {
			planted[b.packag] = append(planted[b.packag], b)
		}
	}
	for _, packag := range slices.Sorted(maps.Keys(planted)) {
		isSound := sync.OnceValue(func() error { return sound(program, planted[packag]) })
		for _, b := range planted[packag] {
			t.Run(b.name, func(t *testing.T) {
				t.Parallel()
				if *only != "" { // else they run beside this
					if err := isSound(); err != nil {
						t.Fatal(err)
					}
				}
				find(t, program, &b)
			})
		}
	}
}

// find plants b, and fails t unless it is found.
func find(t *testing.T, program string, b *bug) {
	t.Helper()
	text, err := b.plant(root)
	if err != nil {
		t.Fatal(err)
	}
	out, err := run(program, b, overlay(t, b.file, text))
	if err := found(out, err); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// sound returns an error unless all tests that are to find bugs of one package are
// there, and pass as long as nothing is planted.
func sound(program string, bugs []bug) error {
	all := bug{packag: bugs[0].packag, timeout: 10 * time.Minute}
	for _, b := range bugs {
		all.tests = append(all.tests, b.tests...)
	}
	out, err := run(program, &all, "", "-v")
	if err != nil {
		return fmt.Errorf("%s fails with nothing planted: %w\n%s", all.packag, err, out)
	}
	return ran(out, all.tests)
}

// ran returns an error unless out says of each of tests that it passed.
func ran(out string, tests []string) error {
	for _, name := range tests {
		if !strings.Contains("\n"+out, "\n--- PASS: "+name+" (") {
			return fmt.Errorf("%s did not run\n%s", name, out)
		}
	}
	return nil
}

// found returns an error unless out and err are those of a test that failed.
func found(out string, err error) error {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return errors.New("no test noticed it")
	case !errors.As(err, &exit):
		return err
	case strings.Contains(out, "[build failed]"), strings.Contains(out, "[setup failed]"):
		return errors.New("it doesn't compile")
	case !strings.Contains(out, "--- FAIL"), strings.Contains(out, "no tests to run"):
		if !strings.Contains(out, "panic: ") {
			return errors.New("no test failed")
		}
	}
	return nil
}

// overlay returns the name of a file by which the go command sees text in place
// of file.
func overlay(t *testing.T, file, text string) string {
	t.Helper()
	dir := t.TempDir()
	path, err := filepath.Abs(filepath.Join(root, filepath.FromSlash(file)))
	if err != nil {
		t.Fatal(err)
	}
	replacement, list := filepath.Join(dir, "planted.go"), filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(replacement, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(map[string]map[string]string{"Replace": {path: replacement}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(list, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return list
}

// run runs the tests of b, in small size, until one fails. What a debugger would need
// is not linked, which takes as long as all the rest.
func run(program string, b *bug, overlay string, flags ...string) (string, error) {
	args := []string{"test", "-count=1", "-vet=off", "-failfast", "-ldflags=-s -w", "-timeout", b.timeout.String(), "-run", "^(" + strings.Join(b.tests, "|") + ")$"}
	args = append(args, flags...)
	cmd := exec.Command(program, append(args, "./"+b.packag)...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "FIRSTHAND_TEST_ALL=", "FIRSTHAND_TEST_POSTGRES=1") // small, but with the database that some need
	if overlay != "" {                                                                 // by the environment, so that programs which a test builds have it too
		cmd.Env = append(cmd.Env, "GOFLAGS="+os.Getenv("GOFLAGS")+" -overlay="+overlay)
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// The runner notices what is wrong with a list, and what is no find.
func TestTheRunner(t *testing.T) {
	good := "bug: b\nharness: S1\nfile: f.go\npackage: .\ntests: TestA\n-- old --\n\tx\n-- new --\n\ty\n-- end --\n"
	got, err := readBugs("l.txt", "# comment\n"+good+"\n"+strings.Replace(good, "bug: b", "bug: c\ntimeout: 5s", 1))
	if err != nil || len(got) != 2 || got[0].old != "\tx" || got[1].new != "\ty" || got[1].timeout != 5*time.Second {
		t.Errorf("readBugs = %+v, %v", got, err)
	}
	for _, edit := range [][2]string{
		{"harness: S1\n", ""}, {"file: f.go\n", ""}, {"package: .\n", ""}, {"tests: TestA\n", ""}, {"bug: b\n", ""}, {"-- end --\n", ""},
		{"-- new --\n", ""}, {"-- old --\n", ""}, {"\ty\n", "\tx\n"}, {"file:", "files:"}, {"bug: b\n", "bug: b\ntimeout: soon\n"},
	} {
		if _, err := readBugs("l.txt", strings.Replace(good, edit[0], edit[1], 1)); err == nil {
			t.Errorf("accepted without %q", edit[0])
		}
	}
	failed := &exec.ExitError{}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a_test.go"), []byte("package a\n\nfunc TestA(t *testing.T) {\n}\n\nfunc FuzzA(f *testing.F) { f.Add() }\n\nfunc Test(x int) {}\n\n// func TestB(t *testing.T) {\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if there, err := testsOf(dir); err != nil || !maps.Equal(there, map[string]bool{"TestA": true, "FuzzA": true}) {
		t.Errorf("testsOf = %v, %v", there, err)
	}
	for _, tt := range []struct {
		out  string
		err  error
		want bool
	}{
		{"--- FAIL: TestA\nFAIL\n", failed, true},
		{"panic: test timed out after 5s\n", failed, true},
		{"ok\n", nil, false},
		{"x.go:1: undefined: y\nFAIL firsthand [build failed]\n", failed, false},
		{"", errors.New("no go command"), false},
		{"FAIL\n", failed, false},
	} {
		if got := found(tt.out, tt.err) == nil; got != tt.want {
			t.Errorf("found(%q, %v) = %v", tt.out, tt.err, got)
		}
	}
	const out = "=== RUN   TestA\n--- PASS: TestA (0.10s)\n=== RUN   TestAB\n    --- PASS: TestB (0.10s)\n--- SKIP: TestC (0.00s)\nPASS\n"
	for name, want := range map[string]bool{"TestA": true, "TestB": false, "TestC": false, "Test": false, "TestD": false} {
		if got := ran(out, []string{"TestA", name}) == nil; got != want {
			t.Errorf("%s ran: %v, want %v", name, got, want)
		}
	}
}
