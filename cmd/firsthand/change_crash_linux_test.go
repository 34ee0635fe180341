package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestKillChange kills her server while a change begins, and then while it is sent. After a restart the whole change is there,
// at each company, or nothing of it at any; what was acknowledged is there; and in the
// end each company has been told it once, and has applied it.
func TestKillChange(t *testing.T) {
	h := newHouse(t)
	acme, domain := filepath.Join(h.dir, "acme"), freeDomain(t)
	h.must("firsthand-gateway", "--dir", acme, "init", "--domain", domain, "--name", "Acme Ltd", "--jurisdiction", "BE", "--demo")
	h.allowOpens(acme, 3000)
	gateway := h.serve("firsthand-gateway", "--dir", acme)
	defer func() { kill(gateway) }()
	h.until("met Acme", "firsthand", "meet", "--keep", "--wait", "0", domain)
	server := h.live()
	defer func() { kill(server) }()

	// Twenty relationships with one company are as many logs and calls as with twenty.
	companies := rounds(3, 20)
	rels := []string{}
	for i := range companies {
		args := []string{"meet", "--keep", "--wait", "0", "--again", domain}
		met := strings.Split(strings.TrimSpace(h.must("firsthand", args...)), "\t")
		rels = append(rels, met[len(met)-1])
		h.must("firsthand", "disclose", "--wait", "0", "--exception", "told at the counter", "--", rels[i], "phone", "+32 2 555 00 00")
	}
	whole := time.Now()
	h.must("firsthand", "change", "--yes", "--wait", "0", "phone", "+32 2 555 00 01")
	took := time.Since(whole)

	tries := kills(t, 2, 20)
	undone := 0
	for i := range tries {
		value, before := fmt.Sprintf("+32 2 555 %05d", i), h.changes()
		stamp := h.stamp()
		change := h.command("firsthand", "change", "--yes", "--wait", "0", "phone", value)
		if err := change.Start(); err != nil {
			t.Fatal(err)
		}
		// Now at any moment of it, now as soon as something is written.
		if i%2 == 0 {
			for end := time.Now().Add(30 * time.Second); h.stamp() == stamp && time.Now().Before(end); {
			}
			<-time.After(rand.N(5 * time.Millisecond))
		} else {
			<-time.After(rand.N(took))
		}
		server.Process.Kill()
		acknowledged := change.Wait() == nil
		server.Wait()
		server = h.live()

		begun := h.changes() > before
		want := 0
		if begun {
			want = 1
		} else {
			undone++
		}
		if acknowledged && !begun {
			t.Errorf("change %d was acknowledged, and is not there", i)
		}
		for _, rel := range rels {
			if n := strings.Count(h.must("firsthand", "log", "--", rel), value); n != want {
				t.Errorf("change %d, begun: %v: said %d times to %s", i, begun, n, rel)
			}
		}
		if !begun {
			h.must("firsthand", "change", "--yes", "--wait", "0", "phone", value)
		}
		for range 2 { // while it is sent
			time.AfterFunc(rand.N(took), func() { server.Process.Kill() })
			server.Wait()
			server = h.live()
		}
		if t.Failed() {
			return // what is missing would be waited for
		}
		h.applied(before+1, companies)
		if n := strings.Count(h.must("firsthand-gateway", "--dir", acme, "crm", "records"), value); n != companies {
			t.Errorf("change %d is in %d records of the company, want %d", i, n, companies)
		}
		if t.Failed() {
			return
		}
	}
	for _, rel := range rels {
		log := h.must("firsthand", "log", "--", rel)
		for i := range tries {
			if value := fmt.Sprintf("+32 2 555 %05d", i); strings.Count(log, value) != 1 {
				t.Errorf("%s was said %d times to %s", value, strings.Count(log, value), rel)
			}
		}
	}
	h.must("firsthand", "doctor")
	h.must("firsthand-gateway", "--dir", acme, "doctor")
	t.Logf("a change takes %v; of %d that were killed, %d had not begun", took.Round(time.Millisecond), tries, undone)
}

// stamp tells whether something was written to her file.
func (h *house) stamp() string {
	i, err := os.Stat(filepath.Join(h.dir, "mia", "firsthand.db-wal"))
	if err != nil {
		return "" // there is none yet
	}
	return fmt.Sprint(i.Size(), i.ModTime())
}

// live starts her server and returns it when her file is open.
func (h *house) live() *exec.Cmd {
	h.t.Helper()
	cmd := h.command("firsthand", "serve", "--addr=")
	out, err := cmd.StderrPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	said := ""
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if lines.Text() == "firsthand: open" {
			go func() {
				for lines.Scan() { // else it would wait for its reader
				}
			}()
			return cmd
		}
		said += lines.Text() + "\n"
	}
	kill(cmd)
	h.t.Fatalf("the server does not open: %s", said)
	return nil
}

// changes counts her changes.
func (h *house) changes() int {
	h.t.Helper()
	var all []struct{}
	if err := json.Unmarshal([]byte(h.must("firsthand", "move", "--json")), &all); err != nil {
		h.t.Fatal(err)
	}
	return len(all)
}

// applied waits until all companies have applied a change.
func (h *house) applied(change, companies int) {
	h.t.Helper()
	var board struct {
		Counts map[string]int
		Legs   []struct{ Step, Entry, Failure string }
	}
	if !h.await(func() bool {
		if err := json.Unmarshal([]byte(h.must("firsthand", "move", "--json", fmt.Sprint(change))), &board); err != nil {
			h.t.Fatal(err)
		}
		return board.Counts["applied"] == companies && len(board.Legs) == companies
	}) {
		h.t.Fatalf("not all companies have applied change %d: %+v", change, board)
	}
}

// allowOpens lets a gateway be opened so many relationships with in a minute from one
// address: in one house are more companies than a gateway's own limit, which has tests
// of its own.
func (h *house) allowOpens(gateway string, n int) {
	h.t.Helper()
	path := filepath.Join(gateway, "gateway.json")
	text, err := os.ReadFile(path)
	if err != nil {
		h.t.Fatal(err)
	}
	var config map[string]any
	if err := json.Unmarshal(text, &config); err != nil {
		h.t.Fatal(err)
	}
	config["limits"] = map[string]int{"opens_per_minute": n}
	if text, err = json.Marshal(config); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		h.t.Fatal(err)
	}
}
