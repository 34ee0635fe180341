//go:build unix

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"firsthand"
	"firsthand/fetch"
	"firsthand/internal/gateway/gatewaytest"
	"firsthand/wire"
)

// TestMain is the command itself where a test starts it as a process of its own.
func TestMain(m *testing.M) {
	if os.Getenv("FIRSTHAND_GATEWAY_TEST_MAIN") == "1" {
		main()
		return
	}
	os.Exit(m.Run())
}

// A company is a folder with gateway.json, and the sockets that outlive the process
// that serves there, as systemd holds them.
type company struct {
	t         testing.TB
	dir, base string
	gateway   *net.TCPListener
	metrics   *net.TCPListener

	notify *net.UnixConn // what the process tells its supervisor
	told   chan string

	mu  sync.Mutex
	log strings.Builder // of all processes
}

// newCompany makes a trial company. change may change its configuration, which is
// text with the member "connector" at its end.
func newCompany(t testing.TB, change func(string) string) *company {
	c := &company{t: t, dir: t.TempDir(), told: make(chan string, 1000)}
	var err error
	if c.gateway, err = net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
		t.Fatal(err)
	}
	if c.metrics, err = net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
		t.Fatal(err)
	}
	if c.notify, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(c.dir, "notify"), Net: "unixgram"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.gateway.Close(); c.metrics.Close(); c.notify.Close() })
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := c.notify.Read(b)
			if err != nil {
				return
			}
			select {
			case c.told <- string(b[:n]):
			default: // nobody counts so many
			}
		}
	}()
	port := c.gateway.Addr().(*net.TCPAddr).Port
	c.base = fmt.Sprintf("http://localhost:%d", port)
	if out, err := c.command("init", "--domain", fmt.Sprintf("localhost:%d", port), "--name", "Acme Ltd", "--jurisdiction", "BE", "--demo").CombinedOutput(); err != nil {
		t.Fatalf("init: %v\n%s", err, out)
	}
	config := filepath.Join(c.dir, "gateway.json")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	s := strings.Replace(string(text), `"connector"`, fmt.Sprintf(`"metrics": {"listen": %q}, "connector"`, c.metrics.Addr()), 1)
	if change != nil {
		s = change(s)
	}
	if err := os.WriteFile(config, []byte(s), 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

// command returns a command of this program on the company's folder.
func (c *company) command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "FIRSTHAND_GATEWAY_TEST_MAIN=1", "FIRSTHAND_GATEWAY_DIR="+c.dir, "GORACE=atexit_sleep_ms=10")
	return cmd
}

// serve starts a process that serves on the company's sockets, and waits until it
// says that it is ready.
func (c *company) serve() *exec.Cmd {
	c.t.Helper()
	var files []*os.File
	for _, l := range []*net.TCPListener{c.gateway, c.metrics} {
		f, err := l.File()
		if err != nil {
			c.t.Fatal(err)
		}
		defer f.Close()
		files = append(files, f)
	}
	// Whose sockets they are can be said only by the process itself, before it becomes
	// the program.
	cmd := c.command("serve")
	cmd.Path = "/bin/sh"
	cmd.Args = []string{"sh", "-c", `LISTEN_PID=$$ exec "$@"`, "sh", os.Args[0], "serve"}
	cmd.ExtraFiles = files
	cmd.Env = append(cmd.Env, "LISTEN_FDS=2", "LISTEN_FDNAMES=gateway:metrics", "NOTIFY_SOCKET="+filepath.Join(c.dir, "notify"), "WATCHDOG_USEC=200000")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { cmd.Process.Kill() })
	go func() {
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			c.mu.Lock()
			c.log.WriteString(lines.Text() + "\n")
			c.mu.Unlock()
		}
	}()
	c.hear("READY=1")
	return cmd
}

// hear waits until the process tells its supervisor what.
func (c *company) hear(what string) {
	c.t.Helper()
	timeout := time.After(30 * time.Second)
	for {
		select {
		case told := <-c.told:
			if strings.Contains(told, what) {
				return
			}
		case <-timeout:
			c.t.Fatalf("the process doesn't say %s:\n%s", what, c.logged())
		}
	}
}

// stop has a process end in its own time.
func (c *company) stop(cmd *exec.Cmd) {
	c.t.Helper()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		c.t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		c.t.Fatalf("the gateway ended with %v:\n%s", err, c.logged())
	}
}

func (c *company) logged() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.log.String()
}

// get returns what is answered at a path of the metrics' socket.
func (c *company) get(path string) (status int, body string) {
	c.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + c.metrics.Addr().String() + path)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// A caller is the company's gateway as a customer's agent reaches it.
type caller struct {
	wire.Server // nil: what isn't here, agents don't call
	client      *wire.Client
	base        string
	key         *firsthand.Signer
	took        time.Duration // the last call
}

func (c *caller) Open(ctx context.Context, r wire.Request) (wire.Response, error) {
	return c.call(ctx, c.client.Open, r)
}

func (c *caller) Sync(ctx context.Context, r wire.Request) (wire.Response, error) {
	return c.call(ctx, c.client.Sync, r)
}

func (c *caller) call(ctx context.Context, f func(context.Context, string, *firsthand.Signer, wire.Request) (wire.Response, error), r wire.Request) (wire.Response, error) {
	start := time.Now()
	defer func() { c.took = time.Since(start) }()
	return f(ctx, c.base, c.key, r)
}

// meet returns a customer who has met the company, and what calls it for her.
func (c *company) meet(name string) (*gatewaytest.Customer, *caller) {
	c.t.Helper()
	client := wire.NewClient(fetch.New(fetch.Options{AllowLoopback: true}), nil)
	domain := strings.TrimPrefix(c.base, "http://")
	about, _, err := client.Discover(c.t.Context(), domain)
	if err != nil {
		c.t.Fatalf("%v\n%s", err, c.logged())
	}
	her := gatewaytest.NewCustomer(c.t, name, gatewaytest.Company{Domain: domain, Key: about.Chain[len(about.Chain)-1].Key})
	her.Now = time.Now()
	g := &caller{client: client, base: c.base, key: her.Key}
	her.Sync(c.t, g)
	return her, g
}
