//go:build unix

package main

import (
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

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
		return strings.Replace(s, `"connector"`, `"grace_seconds": 300, "connector"`, 1)
	})
	cmd := c.serve()
	her, g := c.meet("mia")
	if status, text := c.get("/readyz"); status != 200 || text != "ok\nconnector: ok\n" {
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
	cmd = c.serve()
	her.Sync(t, g)
	if out, err := c.command("doctor").CombinedOutput(); err != nil {
		t.Errorf("doctor: %v\n%s", err, out)
	}
}
