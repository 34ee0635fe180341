// Package e2e tries the whole, from the page that she sees to the record in a system
// that companies have, with nothing of ours in place of anything: both programs as they
// are released, each a process with its files; Request Tracker and Tryton, each as a
// distribution has it, behind a border that can be in the way. What a system has in the
// end is asked of it by its own interface, as one of its users. It has nothing but tests.
package e2e_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"firsthand/internal/needtest"
	"firsthand/internal/systems"
	"firsthand/internal/web/webtest"
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	defer shared.end()
	return webtest.Main(m)
}

// shared is what all tests use: the programs, one of each system, and the mailbox to
// which the systems' mails go.
var shared stock

type stock struct {
	once    sync.Once
	err     error
	dir     string
	bin     string // the folder of the programs
	rt      *systems.RT
	tryton  *systems.Tryton
	mailbox *systems.Mailbox
}

// start returns the shared parts, which are started where nothing may be missing.
func start(t testing.TB) *stock {
	t.Helper()
	if !needtest.Big() {
		t.Skip("starts Request Tracker and Tryton: runs where FIRSTHAND_TEST_ALL is 1, without the race detector")
	}
	shared.once.Do(func() { shared.err = shared.begin(context.WithoutCancel(t.Context())) })
	if errors.Is(shared.err, errors.ErrUnsupported) {
		needtest.Skip(t, shared.err.Error())
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return &shared
}

// begin starts everything, all at once: most of it is waiting.
func (s *stock) begin(ctx context.Context) (err error) {
	if s.dir, err = os.MkdirTemp("", "firsthand-e2e-"); err != nil {
		return err
	}
	if s.mailbox, err = systems.OpenMailbox(time.Now); err != nil {
		return err
	}
	s.bin = filepath.Join(s.dir, "bin")
	for _, sub := range []string{"bin", "rt", "tryton"} {
		if err := os.Mkdir(filepath.Join(s.dir, sub), 0o700); err != nil {
			return err
		}
	}
	var errs [3]error
	var all sync.WaitGroup
	all.Go(func() {
		build := exec.CommandContext(ctx, "go", "build", "-ldflags=-s -w", "-o", s.bin+"/", "firsthand/cmd/firsthand", "firsthand/cmd/firsthand-gateway")
		if out, err := build.CombinedOutput(); err != nil {
			errs[0] = errors.New("build: " + string(out))
		}
	})
	all.Go(func() { s.rt, errs[1] = systems.StartRT(ctx, filepath.Join(s.dir, "rt"), s.mailbox.Port) })
	all.Go(func() { s.tryton, errs[2] = systems.StartTryton(ctx, filepath.Join(s.dir, "tryton"), "") })
	all.Wait()
	return errors.Join(errs[:]...)
}

func (s *stock) end() {
	if s.rt != nil {
		s.rt.Stop()
	}
	if s.tryton != nil {
		s.tryton.Stop()
	}
	if s.mailbox != nil {
		s.mailbox.Close()
	}
	if s.dir != "" {
		os.RemoveAll(s.dir)
	}
}

// must ends t where err is one.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// until waits for what comes about by other processes: there is nothing else to wait
// on.
func until(t testing.TB, what string, ok func() bool, more ...func() string) {
	t.Helper()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); <-look.C {
		if ok() {
			return
		}
	}
	text := ""
	for _, m := range more {
		text += "\n" + m()
	}
	t.Fatalf("it doesn't come about that %s%s", what, text)
}
