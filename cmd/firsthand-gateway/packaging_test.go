//go:build linux

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"firsthand/internal/needtest"
)

const units = "../../packaging/systemd"

// The units are without fault, and leave a process that was broken into little to do.
func TestUnits(t *testing.T) {
	analyze := needtest.Program(t, "systemd-analyze")
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(units)); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, pattern := range []string{"*.service", "*.socket", "*.timer"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("no %s: %v", pattern, err)
		}
		all = append(all, found...)
	}
	for _, path := range all { // the program is looked for where it will be
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text = []byte(strings.ReplaceAll(string(text), "/usr/local/bin/firsthand-gateway", os.Args[0]))
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command(analyze, append([]string{"verify", "--man=no", "--recursive-errors=no"}, all...)...).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("verify: %v\n%s", err, out)
	}
	for _, path := range all {
		if filepath.Ext(path) != ".service" {
			continue
		}
		if out, err := exposure(analyze, path); err != nil {
			t.Errorf("%s: %v\n%s", path, err, out)
		}
	}

	// The check must find what it is there for.
	path := filepath.Join(dir, "firsthand-gateway.service")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, without := range []string{"CapabilityBoundingSet=\n", "SystemCallFilter=@system-service\nSystemCallFilter=~@privileged @resources\n"} {
		if err := os.WriteFile(path, []byte(strings.Replace(string(text), without, "", 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exposure(analyze, path); err == nil {
			t.Errorf("without %s it is as closed:%s", without, out[max(0, len(out)-200):])
		}
	}
}

// exposure fails if a unit's exposure is above 2.0.
func exposure(analyze, path string) ([]byte, error) {
	return exec.Command(analyze, "security", "--offline=true", "--threshold=20", path).CombinedOutput()
}

// What a container and a unit run is what this program has, and the socket has a name
// that it knows.
func TestPackaging(t *testing.T) {
	text, err := os.ReadFile("../../packaging/Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	commands := make(map[string]bool)
	for _, c := range program().Commands {
		commands[c.Name] = true
	}
	for line := range strings.Lines(string(text)) {
		name, list, ok := strings.Cut(strings.TrimSpace(line), "CMD ")
		if !ok {
			continue
		}
		var words []string
		if err := json.Unmarshal([]byte(list), &words); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if last := words[len(words)-1]; !commands[last] {
			t.Errorf("%s%s: there is no command %s", name, list, last)
		}
	}
	for _, want := range []string{"CGO_ENABLED=0 go build -trimpath ", "\nUSER 65532:65532\n", "\nFROM gcr.io/distroless/static-debian12:nonroot\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the Containerfile lacks %q", want)
		}
	}
	socket, err := os.ReadFile(filepath.Join(units, "firsthand-gateway.socket"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(socket), "\nFileDescriptorName=gateway\n") {
		t.Error("the socket has another name")
	}
}
