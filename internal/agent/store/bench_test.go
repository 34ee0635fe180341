package store_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/internal/agent"
	"firsthand/internal/agent/store"
	"firsthand/internal/needtest"
	"firsthand/logtest"
)

// A crowd is a thousand relationships, as they are after a while.
type crowd struct {
	pairs []*logtest.Pair
	rows  []agent.Relationship
}

// commit returns the next commit: for each relationship its row, its holdings
// and what next says.
func (c *crowd) commit(t testing.TB, next func(p *logtest.Pair) []firsthand.Entry) agent.Commit {
	commit := agent.Commit{Holdings: make(map[firsthand.ID][]agent.Holder)}
	for i, p := range c.pairs {
		commit.Entries = append(commit.Entries, next(p)...)
		c.rows[i].Tries++
		commit.Relationships = append(commit.Relationships, c.rows[i])
		for k := range 5 {
			commit.Holdings[p.Rel()] = append(commit.Holdings[p.Rel()], agent.Holder{Rel: p.Rel(), Domain: c.rows[i].Domain,
				Fact: fmt.Sprint("fact", k), Value: firsthand.Text("Korenmarkt 1, Gent"), Origin: firsthand.Told, Since: testNow})
		}
	}
	return commit
}

// newCrowd puts n relationships into s, each with so many entries on either side.
func newCrowd(t testing.TB, s *store.Store, n, entries int) *crowd {
	t.Helper()
	c := new(crowd)
	for i := range n {
		p := logtest.NewPair(t, fmt.Sprint("company ", i))
		c.pairs = append(c.pairs, p)
		c.rows = append(c.rows, agent.Relationship{ID: p.Rel(), Domain: fmt.Sprintf("company%d.example", i), Gateway: "https://gateway.example/",
			Company: []byte(strings.Repeat("eyJ", 500)), Seed: p.Key(firsthand.First).Seed(), Opened: testNow, Summary: []byte(strings.Repeat("s", 300))})
	}
	err := s.Commit(t.Context(), c.commit(t, func(p *logtest.Pair) []firsthand.Entry {
		for range entries - 1 {
			p.Say(t, firsthand.First, "Where is my parcel?")
			p.Say(t, firsthand.Second, "It is on its way.")
		}
		return p.All()
	}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func BenchmarkCommitOne(b *testing.B) {
	_, s := newCustomer(b)
	p := logtest.NewPair(b, "acme")
	if err := s.Append(b.Context(), p.All()...); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := s.Append(b.Context(), p.Say(b, firsthand.First, "Where is my parcel?")); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCommitThousand(b *testing.B) {
	_, s := newCustomer(b)
	c := newCrowd(b, s, 1000, 5)
	for b.Loop() {
		b.StopTimer() // signing is not the store's
		commit := c.commit(b, func(p *logtest.Pair) []firsthand.Entry {
			return []firsthand.Entry{p.Say(b, firsthand.First, "I moved.")}
		})
		b.StartTimer()
		if err := s.Commit(b.Context(), commit); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadLog(b *testing.B) {
	_, s := newCustomer(b)
	p := logtest.NewPair(b, "acme")
	for range 999 {
		p.Say(b, firsthand.First, "Where is my parcel?")
	}
	if err := s.Append(b.Context(), p.All()...); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if n, err := firsthand.Collect(s.Entries(b.Context(), p.Rel(), firsthand.First, 0)); err != nil || len(n) != 1000 {
			b.Fatal(len(n), err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	c, s := newCustomer(b)
	newCrowd(b, s, 1000, 5)
	mustClose(b, s)
	for name, o := range map[string]store.Opener{"keyfile": c.keyFile, "kit": c.kit} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				mustClose(b, c.open(b, o))
			}
		})
	}
}

func BenchmarkRelationships(b *testing.B) {
	_, s := newCustomer(b)
	newCrowd(b, s, 1000, 5)
	for b.Loop() {
		if all, err := s.Relationships(b.Context()); err != nil || len(all) != 1000 {
			b.Fatal(len(all), err)
		}
	}
}

func BenchmarkBackup(b *testing.B) {
	_, s := newCustomer(b)
	newCrowd(b, s, 1000, 5)
	dir := b.TempDir()
	for i := 0; b.Loop(); i++ {
		if _, err := s.Backup(b.Context(), filepath.Join(dir, fmt.Sprint(i))); err != nil {
			b.Fatal(err)
		}
	}
}

// TestOpenIsLean starts a process that opens a file with a thousand
// relationships by its key file, and looks how long that takes and how much
// memory.
func TestOpenIsLean(t *testing.T) {
	if runtime.GOOS != "linux" || needtest.Race {
		t.Log("memory is read from /proc, and without the race detector's own")
		return
	}
	c, s := newCustomer(t)
	newCrowd(t, s, 1000, 1)
	text, public, err := store.NewKeyFile()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetKeyFile(t.Context(), public); err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
	keyFile := filepath.Join(t.TempDir(), "key")
	if err := store.WriteSecret(keyFile, c.dir, text); err != nil {
		t.Fatal(err)
	}
	best, rss := time.Hour, 0
	for range 5 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestOpenAndSay$")
		cmd.Env = append(os.Environ(), "FIRSTHAND_TEST_OPEN="+c.dir, "FIRSTHAND_TEST_KEY="+keyFile)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		best = min(best, time.Since(start))
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		if rss, err = strconv.Atoi(strings.TrimSpace(line)); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("from the start of the process to the first answer: %v; %d KiB", best, rss)
	if rss > 40<<10 {
		t.Errorf("%d KiB, at most %d", rss, 40<<10)
	}
}

// TestOpenAndSay is that process: it says how much memory it had at most.
func TestOpenAndSay(t *testing.T) {
	dir := os.Getenv("FIRSTHAND_TEST_OPEN")
	if dir == "" {
		return // run as a test of this process, it has nothing to do
	}
	text, err := os.ReadFile(os.Getenv("FIRSTHAND_TEST_KEY"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), dir, store.KeyFile(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := s.Labels(t.Context()); err != nil || n != 0 {
		t.Fatal(n, err)
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	os.Stdout.Write(append(regexp.MustCompile(`VmHWM:\s*(\d+)`).FindSubmatch(status)[1], '\n'))
	mustClose(t, s)
}
