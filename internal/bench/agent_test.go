package bench_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"firsthand"
	"firsthand/internal/agent"
	"firsthand/internal/agent/store"
	"firsthand/terms"
	"firsthand/wire"
)

// BenchmarkAgentStart starts the customer's server, with a key file and a file of
// so many relationships, until it is ready. Memory is what it has then, and two
// seconds later. Beside it, the same program that prints its version and ends.
func BenchmarkAgentStart(b *testing.B) {
	program := buildAgent(b)
	b.Run("floor", func(b *testing.B) {
		for b.Loop() {
			if err := exec.Command(program, "version").Run(); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, n := range []int{0, 1000} {
		b.Run(fmt.Sprintf("relationships=%d", n), func(b *testing.B) {
			env := newLife(b, n)
			var ready, settled int64
			for b.Loop() {
				a := startAgent(b, program, env)
				b.StopTimer()
				ready = max(ready, a.usage(b).now)
				a.stop(b)
				b.StartTimer()
			}
			b.StopTimer()
			a := startAgent(b, program, env)
			time.Sleep(2 * time.Second) // what is measured is that nothing happens
			settled = a.usage(b).now
			a.stop(b)
			b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N), "ms/start")
			if ready > 0 {
				b.ReportMetric(float64(ready)/(1<<20), "ready-MB")
				b.ReportMetric(float64(settled)/(1<<20), "settled-MB")
			}
		})
	}
}

var agentProgram struct {
	once sync.Once
	path string
	err  error
}

// buildAgent builds the customer's program once. It is left to the system to
// remove it.
func buildAgent(b testing.TB) string {
	b.Helper()
	p := &agentProgram
	p.once.Do(func() {
		dir, err := os.MkdirTemp("", "firsthand-bench-*")
		if err != nil {
			p.err = err
			return
		}
		p.path = filepath.Join(dir, "firsthand.exe") // a name that every system can start
		out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", p.path, "firsthand/cmd/firsthand").CombinedOutput()
		if err != nil {
			p.err = fmt.Errorf("build: %w\n%s", err, out)
		}
	})
	if p.err != nil {
		b.Fatal(p.err)
	}
	return p.path
}

// newLife makes a customer's folder with n relationships of ten entries each, with
// a gateway that is there and owes nothing. It returns the environment in which
// her program finds all that.
func newLife(b *testing.B, n int) []string {
	b.Helper()
	ctx := b.Context()
	kit, err := store.NewKit()
	if err != nil {
		b.Fatal(err)
	}
	secret, recipient, err := store.NewKeyFile()
	if err != nil {
		b.Fatal(err)
	}
	dir, keyFile := filepath.Join(b.TempDir(), "life"), filepath.Join(b.TempDir(), "key")
	if err := os.WriteFile(keyFile, []byte(secret), 0o600); err != nil {
		b.Fatal(err)
	}
	s, err := store.Create(ctx, dir, store.CreateOptions{KitRecipient: kit.Recipient(), KeyFile: recipient})
	if err != nil {
		b.Fatal(err)
	}
	all := newRelationships(b, 0, n, lifeEntries)
	t := startTraffic(b, "file")
	t.open(b, all)
	next := make(chan *relationship, n)
	for _, r := range all {
		next <- r
	}
	together(b, 8, n, func(int) error {
		r := <-next
		_, err := t.client.Sync(ctx, t.server.base, r.key, wire.Request{Rel: r.id,
			First: r.entries[lifeEntries-1].Head(), Second: r.second.Head(), Entries: r.entries})
		return err
	})
	err = fillLife(ctx, s, kit.Text(), all, t.server.base)
	if err = errors.Join(err, s.Close()); err != nil {
		b.Fatal(err)
	}
	return append(os.Environ(), "FIRSTHAND_DIR="+dir, "FIRSTHAND_KEY_FILE="+keyFile, "FIRSTHAND_ALLOW_LOOPBACK=1")
}

// lifeEntries is how many entries a relationship has beside those that open it.
const lifeEntries = 10

// fillLife writes what the agent would have after the same calls.
func fillLife(ctx context.Context, s *store.Store, kit string, all []*relationship, gateway string) error {
	a := agent.New(agent.Options{Store: s, Roster: terms.Default(), Now: time.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler)})
	if err := a.Refill(ctx, kit); err != nil {
		return err
	}
	var c agent.Commit
	for i, r := range all {
		last := r.entries[lifeEntries-1].Head()
		c.Relationships = append(c.Relationships, agent.Relationship{ID: r.id, Domain: fmt.Sprintf("company-%d.example", i), Name: "Acme",
			Gateway: gateway, Company: make([]byte, 1000), Seed: r.key.Seed(), Opened: r.open.At, Kept: true, Received: last, Sent: last.Seq})
		c.Entries = append(append(append(c.Entries, r.open), r.second), r.entries...)
		signed := companyKeys().Signers[0].Receipt(firsthand.Receipt{Rel: r.id, Seq: last.Seq, ID: last.ID, At: r.open.At})
		receipt, err := firsthand.ParseReceipt(signed, companyKeys().Chain[0].Key)
		if err != nil {
			return err
		}
		c.Receipts = append(c.Receipts, agent.Received{Receipt: receipt, Signed: signed})
		if len(c.Relationships) == 100 || i == len(all)-1 {
			if err := s.Commit(ctx, c); err != nil {
				return err
			}
			c = agent.Commit{}
		}
	}
	_, err := a.Rebuild(ctx) // what lists show
	return err
}

// A process is the customer's server.
type process struct {
	server
	cmd  *exec.Cmd
	link string // that opens its pages
}

// startAgent starts the server and returns when it says that it is ready, with the
// link to its pages.
func startAgent(b testing.TB, program string, env []string) *process {
	b.Helper()
	cmd := exec.Command(program, "serve", "--addr", "127.0.0.1:0")
	cmd.Env = env
	out, err := cmd.StderrPipe()
	if err != nil {
		b.Fatal(err)
	}
	print, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	p := &process{cmd: cmd, server: server{pid: cmd.Process.Pid}}
	var said strings.Builder
	lines := bufio.NewScanner(out)
	for p.base == "" && lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		if _, url, ok := strings.Cut(lines.Text(), "serving http://"); ok {
			p.base = "http://" + url
		}
	}
	go func() {
		for lines.Scan() { // else it would wait for its reader
		}
	}()
	if p.link, err = bufio.NewReader(print).ReadString('\n'); err != nil {
		b.Fatalf("no link: %v\n%s", err, &said)
	}
	p.link = strings.TrimSpace(p.link)
	for began := time.Now(); ; time.Sleep(200 * time.Microsecond) {
		resp, err := http.Get(p.base + "/readyz")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return p
			}
		}
		if time.Since(began) > 30*time.Second {
			cmd.Process.Kill()
			b.Fatalf("the agent is not ready: %v\n%s", err, &said)
		}
	}
}

func (p *process) stop(b testing.TB) {
	b.Helper()
	http.DefaultClient.CloseIdleConnections()
	if p.cmd.Process.Signal(os.Interrupt) != nil {
		p.cmd.Process.Kill() // a system without signals
	}
	if err := p.cmd.Wait(); err != nil {
		b.Logf("the agent ended: %v", err)
	}
}
