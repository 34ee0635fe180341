//go:build unix

package main

import (
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"firsthand"
	"firsthand/internal/needtest"
)

// Under load the gateway is restarted again and again, on sockets that outlive it. No
// call of anybody fails; none takes longer than a restart does.
func TestRestartCutsNoCall(t *testing.T) {
	c := newCompany(t, nil)
	cmd := c.serve()
	customers, restarts := 4, 2
	if needtest.Big() {
		customers, restarts = 16, 8
	}
	var stop atomic.Bool
	answered := make(chan struct{})
	var wg sync.WaitGroup
	var mu sync.Mutex // guards what follows
	var calls int
	var longest time.Duration
	for i := range customers {
		her, g := c.meet("customer " + string(rune('a'+i)))
		wg.Go(func() {
			for n := 0; !stop.Load(); n++ {
				wait := n%3 == 2 // somebody always waits for news when the gateway stops
				if !wait {
					her.Now = time.Now()
					her.Say(t, "hello")
				}
				r := her.Request()
				if wait {
					r.Wait = 2 * time.Second
				}
				resp, err := g.Sync(t.Context(), r)
				if err != nil {
					t.Errorf("call %d of %s: %v", n, her.Name, err)
					return
				}
				her.Take(t, resp)
				select {
				case answered <- struct{}{}:
				default: // nobody waits for it
				}
				mu.Lock()
				calls++
				if !wait {
					longest = max(longest, g.took)
				}
				mu.Unlock()
			}
			her.Sync(t, g)
		})
	}
	more := func(n int) { // waits for so many calls to be answered
		t.Helper()
		timeout := time.After(30 * time.Second)
		for range n {
			select {
			case <-answered:
			case <-timeout:
				t.Fatalf("no calls any more:\n%s", c.logged())
			}
		}
	}
	more(50)
	var gap time.Duration
	for range restarts {
		start := time.Now()
		c.stop(cmd)
		cmd = c.serve()
		gap = max(gap, time.Since(start))
		more(50)
	}
	stop.Store(true)
	wg.Wait()
	if t.Failed() {
		t.Fatal(c.logged())
	}
	_, text := c.get("/metrics")
	for _, want := range []string{`firsthand_ready 1`, `firsthand_calls_total{route="sync",status="2xx"}`, `firsthand_entries_total{kind="message",side="first"}`,
		`firsthand_store_commit_seconds_count{outcome="ok"}`, "process_resident_memory_bytes"} {
		if !strings.Contains(text, want) {
			t.Errorf("the metrics lack %s:\n%s", want, text)
		}
	}
	c.stop(cmd)
	t.Logf("%d calls over %d restarts; the longest restart took %v, the longest call %v", calls, restarts, gap, longest)
}

// What is told to a supervisor, and in which order; and that a load balancer sees that
// it should send no more calls while those that it sends are still answered.
func TestStopping(t *testing.T) {
	c := newCompany(t, func(s string) string {
		return strings.Replace(s, `"connector"`, `"grace_seconds": 300, "tickets": {"type": "memory", "config": {"file": "helpdesk", "name": "Helpdesk"}}, "connector"`, 1)
	})
	cmd := c.serve()
	her, g := c.meet("mia")
	if status, text := c.get("/readyz"); status != 200 || text != "ok\nconnector: ok\ntickets: ok\n" {
		t.Errorf("readyz = %d %q", status, text)
	}
	c.hear("WATCHDOG=1")
	if out, err := c.command("health").CombinedOutput(); err != nil || !strings.HasPrefix(string(out), "ok\n") {
		t.Errorf("health: %v\n%s", err, out)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	c.hear("STOPPING=1")
	if status, text := c.get("/readyz"); status != 503 || !strings.HasPrefix(text, "it takes no more calls\n") {
		t.Errorf("readyz while stopping = %d %q", status, text)
	}
	if status, _ := c.get("/healthz"); status != 200 {
		t.Errorf("healthz while stopping = %d", status)
	}
	if out, err := c.command("health").CombinedOutput(); err == nil || !strings.Contains(string(out), "not ready: it takes no more calls") {
		t.Errorf("health while stopping: %v\n%s", err, out)
	}
	her.Say(t, "still there?")
	her.Sync(t, g)

	// A second signal kills, whatever is left of the grace.
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	err := cmd.Wait()
	if e, ok := err.(*exec.ExitError); !ok || e.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
		t.Errorf("after a second signal: %v", err)
	}
	if out, err := c.command("health").CombinedOutput(); err == nil {
		t.Errorf("health of nobody: %s", out)
	}
	her.Say(t, "and after a kill")
	c.serve()
	her.Sync(t, g)
	if out, err := c.command("doctor").CombinedOutput(); err != nil || !strings.Contains(string(out), "\nconnector\t") || !strings.Contains(string(out), "\ntickets\t") {
		t.Errorf("doctor: %v\n%s", err, out)
	}
}

// The company's key is replaced while customers call, from a key that comes on
// standard input; relationships that there are move on, and the next process knows
// both keys.
func TestRotateWhileServing(t *testing.T) {
	c := newCompany(t, nil)
	cmd := c.serve()
	her, g := c.meet("mia")
	before := her.State.Log(firsthand.Second).Key()
	next, err := os.Open(filepath.Join(c.dir, "next.key"))
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	rotate := c.command("rotate", "--next-key", "-", "--new-next-key", filepath.Join(c.dir, "next2.key"))
	rotate.Stdin = next
	if out, err := rotate.CombinedOutput(); err != nil {
		t.Fatalf("rotate: %v\n%s", err, out)
	}
	her.Say(t, "who are you now?")
	her.Sync(t, g)
	after := her.State.Log(firsthand.Second).Key()
	if after == before {
		t.Error("the relationship has the old key")
	}
	c.stop(cmd)
	cmd = c.serve()
	newcomer, _ := c.meet("ann")
	if got := newcomer.State.Opened.CompanyKey; got != after {
		t.Errorf("who comes after it pins %v, not %v", got, after)
	}
	if _, text := c.get("/metrics"); !strings.Contains(text, "\nfirsthand_rotation_unfinished 0\n") {
		t.Errorf("the rotation is unfinished:\n%s", text)
	}
	c.stop(cmd)
}

// What would stop a gateway from starting is said before, and nothing is made by
// looking.
func TestCheckJudgesAll(t *testing.T) {
	c := newCompany(t, nil)
	check := func(change func(string) string) string {
		t.Helper()
		config := filepath.Join(c.dir, "gateway.json")
		text, err := os.ReadFile(config)
		if err != nil {
			t.Fatal(err)
		}
		defer os.WriteFile(config, text, 0o600)
		if err := os.WriteFile(config, []byte(change(string(text))), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := c.command("check").CombinedOutput()
		if ok := string(out) == "ok\n"; ok != (err == nil) {
			t.Errorf("check: %v\n%s", err, out)
		}
		return string(out)
	}
	if out := check(func(s string) string { return s }); out != "ok\n" {
		t.Errorf("check = %s", out)
	}
	if _, err := os.Stat(filepath.Join(c.dir, "crm.journal")); err == nil {
		t.Error("check has made the small CRM's file")
	}
	hook := func(s string) string {
		before, _, _ := strings.Cut(s, `"connector"`)
		return before + `"connector": {"type": "webhook", "config": {"url": "https://crm.example/", "secret_file": "hook.secret"}}}`
	}
	if out := check(hook); !strings.Contains(out, "hook.secret") {
		t.Errorf("without a secret: %s", out)
	}
	secret := filepath.Join(c.dir, "hook.secret")
	if err := os.WriteFile(secret, []byte("whsec_"+base64.StdEncoding.EncodeToString([]byte(strings.Repeat("s", 32)))+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out := check(hook); !strings.Contains(out, "can be read by others") {
		t.Errorf("with a secret for all: %s", out)
	}
	if err := os.Chmod(secret, 0o600); err != nil {
		t.Fatal(err)
	}
	if out := check(hook); out != "ok\n" {
		t.Errorf("with a secret: %s", out)
	}
	if out := check(func(s string) string { return strings.Replace(hook(s), "secret_file", "secrets", 1) }); !strings.Contains(out, "secrets") {
		t.Errorf("with a member that there isn't: %s", out)
	}
}
