package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"firsthand/internal/systems"
)

// A company is a folder with gateway.json, and the process that serves there.
type company struct {
	t      testing.TB
	dir    string
	domain string
	desk   string // its URL

	life    sync.Mutex // held while the process begins, and until it has ended
	process *exec.Cmd  // nil while there is none

	mu  sync.Mutex
	log bytes.Buffer
}

// newCompany makes a company whose configuration has these members too, and starts its
// gateway.
func newCompany(t testing.TB, name string, members map[string]any) *company {
	t.Helper()
	c := &company{t: t, dir: t.TempDir(), domain: "localhost:" + freePort(t)}
	if out, err := c.command("init", "--domain", c.domain, "--name", name, "--jurisdiction", "BE", "--demo").CombinedOutput(); err != nil {
		t.Fatalf("init: %v\n%s", err, out)
	}
	config := filepath.Join(c.dir, "gateway.json")
	text, err := os.ReadFile(config)
	must(t, err)
	all := map[string]any{}
	must(t, json.Unmarshal(text, &all))
	desk := freePort(t)
	c.desk = "http://localhost:" + desk
	all["desk"] = map[string]any{"listen": "127.0.0.1:" + desk, "url": c.desk}
	for name, v := range members {
		all[name] = v
	}
	text, err = json.MarshalIndent(all, "", "  ")
	must(t, err)
	must(t, os.WriteFile(config, text, 0o600))
	t.Cleanup(c.kill)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the gateway of %s says:\n%s", c.domain, c.said())
		}
	})
	c.serve()
	return c
}

// freePort returns a port that was given to us a moment ago, and that nobody gets again
// soon.
func freePort(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	must(t, err)
	return port
}

// command returns a command of firsthand-gateway on the company's folder.
func (c *company) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.WithoutCancel(c.t.Context()), filepath.Join(shared.bin, "firsthand-gateway"), args...)
	cmd.Env = append(os.Environ(), "FIRSTHAND_GATEWAY_DIR="+c.dir)
	return cmd
}

// do runs a command that has to succeed, and returns what it printed.
func (c *company) do(args ...string) string {
	c.t.Helper()
	out, err := c.command(args...).CombinedOutput()
	if err != nil {
		c.t.Fatalf("firsthand-gateway %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// serve starts the gateway, and returns when it takes calls.
func (c *company) serve() {
	c.t.Helper()
	c.life.Lock()
	defer c.life.Unlock()
	cmd := c.command("serve")
	cmd.Stderr = c
	must(c.t, cmd.Start())
	c.process = cmd
	until(c.t, "the gateway serves", func() bool {
		conn, err := net.DialTimeout("tcp", "127.0.0.1"+c.domain[strings.IndexByte(c.domain, ':'):], time.Second)
		if err == nil {
			conn.Close()
		}
		return err == nil
	}, c.said)
}

// kill is to the gateway what a power cut is. It is safe for concurrent use, and does
// nothing where there is none.
func (c *company) kill() {
	c.life.Lock()
	defer c.life.Unlock()
	if c.process != nil {
		c.process.Process.Kill()
		c.process.Wait()
		c.process = nil
	}
}

// dead reports whether it was killed.
func (c *company) dead() bool {
	c.life.Lock()
	defer c.life.Unlock()
	return c.process == nil
}

// Write takes what the processes say.
func (c *company) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.log.Write(b)
}

func (c *company) said() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.log.String()
}

// What gateway.json says of the systems, as they are reached at url.

func (s *stock) tracker(url string) map[string]any {
	return map[string]any{"type": "request-tracker", "config": map[string]any{
		"url": url, "token_file": s.rt.TokenFile, "queue": s.rt.Queue, "user": s.rt.User, "find": []string{"CF:Customer Number"}}}
}

func (s *stock) erp(url string, t *systems.Tryton) map[string]any {
	return map[string]any{"type": "tryton", "config": map[string]any{
		"url": url, "database": systems.TrytonDatabase, "user": systems.TrytonService, "password_file": t.PasswordFile(), "opportunities": true,
		"smtp": map[string]any{"address": fmt.Sprintf("127.0.0.1:%d", s.mailbox.Port), "from": "Vendor <care@vendor.example>"}}}
}

// every sets how often a system is asked for changes.
func every(seconds int, connector map[string]any) map[string]any {
	connector["poll_seconds"] = seconds
	return connector
}
