package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"firsthand/internal/needtest"
)

// A house is both programs, built as they are released, with her file and a
// company's folder on a real disk.
type house struct {
	t       testing.TB
	dir     string
	bin     string
	env     []string
	said    []string // messages that were acknowledged: the command exited with 0
	counter int
}

func newHouse(t testing.TB) *house {
	h := &house{t: t, dir: t.TempDir(), bin: programs(t)}
	pass := filepath.Join(h.dir, "passphrase")
	if err := os.WriteFile(pass, []byte("correct horse"), 0o600); err != nil {
		t.Fatal(err)
	}
	h.env = append(os.Environ(), "FIRSTHAND_DIR="+filepath.Join(h.dir, "mia"), "FIRSTHAND_ALLOW_LOOPBACK=1", "GORACE=atexit_sleep_ms=10")
	h.must("firsthand", "--passphrase-file", pass, "init", "--kit", filepath.Join(h.dir, "kit.txt"))
	key := filepath.Join(h.dir, "key.txt")
	h.must("firsthand", "--passphrase-file", pass, "unlock", "--new-key-file", key)
	h.env = append(h.env, "FIRSTHAND_KEY_FILE="+key)
	return h
}

// command returns a command of one of the programs.
func (h *house) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(h.bin, name), args...)
	cmd.Env, cmd.Dir = h.env, h.dir
	return cmd
}

// must runs a command that has to succeed, and returns what it printed.
func (h *house) must(name string, args ...string) string {
	h.t.Helper()
	var stderr bytes.Buffer
	cmd := h.command(name, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		h.t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, &stderr)
	}
	return string(out)
}

// serve starts a server and returns it at once.
func (h *house) serve(name string, args ...string) *exec.Cmd {
	cmd := h.command(name, append(args, "serve")...)
	if name == "firsthand" {
		cmd.Args = append(cmd.Args, "--addr=")
	}
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	return cmd
}

// kill is what a power cut is to a process.
func kill(cmd *exec.Cmd) {
	cmd.Process.Kill()
	cmd.Wait()
}

// say has one message written, and remembers it if it was acknowledged. wrap is
// put before the command, for strace.
func (h *house) say(ctx context.Context, company string, wrap ...string) bool {
	h.counter++
	text := fmt.Sprintf("message-%d.", h.counter)
	args := append(wrap, filepath.Join(h.bin, "firsthand"), "message", "--wait", "0", company, text)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env, cmd.Dir = h.env, h.dir
	if cmd.Run() != nil {
		return false
	}
	h.said = append(h.said, text)
	return true
}

// checkSaid holds her log against what was acknowledged: each once.
func (h *house) checkSaid(company string) {
	h.t.Helper()
	log := h.must("firsthand", "log", company)
	for _, text := range h.said {
		if n := strings.Count(log, text); n != 1 {
			h.t.Errorf("%s was acknowledged and is in the log %d times", text, n)
		}
	}
	h.must("firsthand", "doctor")
}

// rounds is how often a harness crashes: few by default, many where all is
// tested.
func rounds(small, all int) int {
	if needtest.Big() {
		return all
	}
	return small
}

// kills is rounds for harnesses that kill; the long run has as many as FIRSTHAND_KILLS
// says.
func kills(t testing.TB, small, all int) int {
	text := os.Getenv("FIRSTHAND_KILLS")
	if text == "" {
		return rounds(small, all)
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("FIRSTHAND_KILLS: %v", err)
	}
	return n
}

// TestKillAgent kills her server at random moments, start-up among them, while
// commands write. What was acknowledged is there, once.
func TestKillAgent(t *testing.T) {
	h := newHouse(t)
	h.must("firsthand", "meet", "--unpaired", "nobody.example")
	for range kills(t, 2, 200) {
		server := h.serve("firsthand")
		ctx, cancel := context.WithTimeout(t.Context(), rand.N(120*time.Millisecond))
		for ctx.Err() == nil {
			h.say(context.WithoutCancel(ctx), "nobody.example")
		}
		cancel()
		kill(server)
	}
	h.checkSaid("nobody.example")
	t.Logf("%d messages acknowledged", len(h.said))
	if len(h.said) == 0 {
		t.Error("nothing was ever acknowledged, so nothing was tested")
	}
}

// TestKillGateway kills the company's gateway at random moments while her server
// sends. In the end each message is in the company's system, once.
func TestKillGateway(t *testing.T) {
	h := newHouse(t)
	acme := filepath.Join(h.dir, "acme")
	domain := freeDomain(t)
	h.must("firsthand-gateway", "--dir", acme, "init", "--domain", domain, "--name", "Acme Ltd", "--jurisdiction", "BE", "--demo")
	gateway := h.serve("firsthand-gateway", "--dir", acme)
	h.until("met Acme", "firsthand", "meet", domain)
	for range kills(t, 2, 60) {
		ctx, cancel := context.WithTimeout(t.Context(), rand.N(150*time.Millisecond))
		for ctx.Err() == nil {
			h.say(context.WithoutCancel(ctx), domain)
		}
		cancel()
		kill(gateway)
		gateway = h.serve("firsthand-gateway", "--dir", acme)
	}
	defer kill(gateway)
	last := h.said[len(h.said)-1]
	h.until(strings.ReplaceAll(last, ".", `\.`), "sh", "-c", fmt.Sprintf("%s/firsthand sync; %s/firsthand-gateway --dir %s crm tickets", h.bin, h.bin, acme))
	h.checkSaid(domain)
	tickets := h.must("firsthand-gateway", "--dir", acme, "crm", "tickets")
	for _, text := range h.said {
		if n := strings.Count(tickets, text); n != 1 {
			t.Errorf("%s is in the company's system %d times", text, n)
		}
	}
	h.must("firsthand-gateway", "--dir", acme, "doctor")
	t.Logf("%d messages", len(h.said))
}

// await asks now and then whether something is done, and returns whether it was
// within minutes: a machine may be busy with other tests, and asking takes a process,
// which must not take the processor from what is waited for.
func (h *house) await(done func() bool) bool {
	h.t.Helper()
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); <-ticker.C {
		if done() {
			return true
		}
	}
	return false
}

// until runs a command until its output has want.
func (h *house) until(want, name string, args ...string) {
	h.t.Helper()
	last := ""
	if !h.await(func() bool {
		cmd := exec.Command(name, args...)
		if !strings.Contains(name, "/") && name != "sh" {
			cmd = h.command(name, args...)
		}
		cmd.Env, cmd.Dir = h.env, h.dir
		out, _ := cmd.CombinedOutput()
		last = string(out)
		return strings.Contains(last, strings.ReplaceAll(want, `\`, ""))
	}) {
		h.t.Fatalf("no %s; the last output was %s", want, last)
	}
}

// TestSyscallFaults lets each kind of call to the disk fail once, at the first,
// second, … place of a command that writes. A command that says it succeeded has
// written; whatever happened, the file opens afterwards and is whole.
func TestSyscallFaults(t *testing.T) {
	strace := needtest.Program(t, "strace")
	h := newHouse(t)
	h.must("firsthand", "meet", "--unpaired", "nobody.example")
	faults := []string{
		"fdatasync:error=EIO", "fsync:error=EIO", "pwrite64:error=EIO", "pwrite64:error=ENOSPC",
		"ftruncate:error=EIO", "openat:error=EIO", "unlinkat:error=EIO", "renameat:error=EIO",
	}
	hit := 0
	for _, fault := range faults {
		call, _, _ := strings.Cut(fault, ":")
		for n := 1; n <= rounds(1, 8); n++ {
			trace := filepath.Join(h.dir, "trace")
			h.say(t.Context(), "nobody.example", strace, "-f", "-qq", "-o", trace, "-e", "trace="+call, "-e", fmt.Sprintf("inject=%s:when=%d", fault, n))
			text, err := os.ReadFile(trace)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(text, []byte("(INJECTED)")) {
				break // the command makes no more calls of this kind
			}
			hit++
		}
	}
	h.checkSaid("nobody.example")
	t.Logf("%d faults, %d of %d messages acknowledged", hit, len(h.said), h.counter)
	if hit == 0 {
		t.Error("no fault was ever injected, so nothing was tested")
	}
}
