//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// helpers of the script: servers end with it, and what other processes do is
// waited for, not for ever.
const helpers = `pids=
trap 'kill $pids' EXIT
await() {
	for _ in $(seq 2000); do grep -qs "$1" "$2" && return; done
	echo "no $1 in $2"; exit 1
}
code() {
	for _ in $(seq 200); do
		found=$(./firsthand-gateway --dir acme crm outbox | sed -n 's/.*The code is \([A-Z0-9-]*\).*/\1/p' | head -1)
		if [ -n "$found" ]; then echo "$found"; return; fi
	done
}
`

// The programs, built as the README says, are small: hers enough to be sent to a friend,
// and so without what only companies need; that of a company has PostgreSQL's and
// Prometheus's libraries as well.
func TestProgramsAreSmall(t *testing.T) {
	for name, most := range map[string]float64{"firsthand": 30e6, "firsthand-gateway": 32e6} {
		i, err := os.Stat(filepath.Join(programs(t), name))
		if err != nil {
			t.Fatal(err)
		}
		if size := float64(i.Size()); size > most {
			t.Errorf("%s has %.1f MB, at most %.0f", name, size/1e6, most/1e6)
		}
	}
}

// TestReadme runs the commands of the README's walk as they stand there. What it
// changes is what a person would do: the port, which may be taken; the code, which
// she reads in the mail; the passphrase, which she types; and that the servers go
// to the background and are waited for.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, walk, found := strings.Cut(string(text), "## One change, from beginning to end")
	if !found {
		t.Fatal("the README has lost its walk")
	}
	walk, _, _ = strings.Cut(walk, "\n## ")
	var script strings.Builder
	script.WriteString(helpers)
	for _, block := range regexp.MustCompile("(?s)```\n(.*?)```").FindAllStringSubmatch(walk, -1) {
		for line := range strings.Lines(block[1]) {
			line, _, _ = strings.Cut(strings.TrimSpace(line), "   #")
			switch {
			case strings.HasPrefix(line, "go build"):
				line = "ln -s " + programs(t) + "/firsthand* ."
			case strings.HasSuffix(line, "--dir acme serve"):
				line += " >gateway.log 2>&1 & pids=\"$pids $!\"; await serving gateway.log"
			case strings.HasPrefix(line, "./firsthand serve"):
				line = "./firsthand serve --addr= >mia.log 2>&1 & pids=\"$pids $!\"; await 'firsthand: open' mia.log"
			case strings.Contains(line, "CODE"):
				line = strings.Replace(line, "CODE", `"$(code)"`, 1)
			}
			script.WriteString(line + "\n")
		}
	}
	domain := freeDomain(t)
	_, port, _ := strings.Cut(domain, ":")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "passphrase"), []byte("correct horse"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // a person would have given up
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-euc", strings.ReplaceAll(script.String(), "8420", port))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "FIRSTHAND_PASSPHRASE_FILE="+filepath.Join(dir, "passphrase"), "HOME="+dir)
	cmd.WaitDelay = time.Second // should a server hold on to the output
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\nof:\n%s", err, out, &script)
	}
	for _, want := range []string{
		"recovery kit: ", "met Acme Ltd", "agreed (signed by both): FIRSTHAND-SD-BASE", "applied (signed): CRM 100001",
		"the chain is valid", "Your code for Acme Ltd", "change\tapplied (signed): CRM 4711",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the output lacks %q:\n%s", want, out)
		}
	}
}
