//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"firsthand"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/gatewaytest"
	"firsthand/internal/gateway/pgstore"
	"firsthand/internal/gateway/store"
	"firsthand/internal/needtest"
	"firsthand/internal/systems"
)

// newPostgres starts a server for one test, and returns the address of its database.
func newPostgres(t *testing.T) string {
	t.Helper()
	if !needtest.Big() && os.Getenv("FIRSTHAND_TEST_POSTGRES") != "1" {
		t.Skip("FIRSTHAND_TEST_ALL=1 starts a PostgreSQL")
	}
	dir, err := os.MkdirTemp("", "firsthand-gateway-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	p, err := systems.StartPostgres(t.Context(), dir)
	if errors.Is(err, errors.ErrUnsupported) {
		needtest.Skip(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p.URL("postgres")
}

// usePostgres has a company's configuration name a database.
func (c *company) usePostgres(url string) {
	c.t.Helper()
	config, secret := filepath.Join(c.dir, "gateway.json"), filepath.Join(c.dir, "database.url")
	text, err := os.ReadFile(config)
	if err != nil {
		c.t.Fatal(err)
	}
	named := strings.Replace(string(text), `"connector"`, fmt.Sprintf(`"database": {"url_file": %q}, "connector"`, secret), 1)
	if err := errors.Join(os.WriteFile(secret, []byte(url+"\n"), 0o600), os.WriteFile(config, []byte(named), 0o600)); err != nil {
		c.t.Fatal(err)
	}
}

// moveWhole moves the company's file into the database.
func (c *company) moveWhole() {
	c.t.Helper()
	if out, err := c.command("move").CombinedOutput(); err != nil {
		c.t.Fatalf("move: %v\n%s", err, out)
	}
}

// A move is killed again and again, wherever it happens to be. There are never two
// databases that a gateway would open, and in the end all is there.
func TestMoveKilled(t *testing.T) {
	url := newPostgres(t)
	c := newCompany(t, nil)
	cmd := c.serve()
	const customers = 30
	all := make([]*gatewaytest.Customer, customers)
	callers := make([]*caller, customers)
	for i := range all {
		all[i], callers[i] = c.meet(fmt.Sprint("customer ", i))
		for n := range 5 {
			all[i].Say(t, fmt.Sprint("message ", n))
		}
		all[i].Sync(t, callers[i])
	}
	c.stop(cmd)
	c.usePostgres(url)

	// opens reports which of the two a gateway would open.
	opens := func() (file, database bool) {
		t.Helper()
		if store.Exists(c.dir) {
			s, err := store.Open(t.Context(), store.Options{Dir: c.dir})
			if err == nil {
				err = s.Close()
			}
			file = err == nil
		}
		p, err := pgstore.Open(t.Context(), pgstore.Options{URL: url})
		if err == nil {
			err = p.Close()
		}
		return file, err == nil
	}
	between, done := 0, false
	for wait := 20 * time.Millisecond; !done; wait += 40 * time.Millisecond {
		move := c.command("move")
		if err := move.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- move.Wait() }()
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("a move that was left alone: %v", err)
			}
			done = true
		case <-time.After(wait):
			move.Process.Kill()
			<-ended
		}
		file, database := opens()
		switch {
		case file && database:
			t.Fatalf("killed after %v: both would be opened", wait)
		case !file && !database:
			between++
		}
	}
	if between == 0 {
		t.Error("no move was killed while it was under way")
	}
	t.Logf("%d times killed under way", between)
	if file, database := opens(); file || !database {
		t.Errorf("in the end the file would be opened: %v; the database: %v", file, database)
	}
	cmd = c.serve()
	for i, her := range all {
		her.Say(t, "still there?")
		her.Sync(t, callers[i])
	}
	c.stop(cmd)
	wantAll(t, url, all)
}

// wantAll checks that a database has what the customers have, and that it is sound.
func wantAll(t *testing.T, url string, all []*gatewaytest.Customer) {
	t.Helper()
	s, err := pgstore.Open(t.Context(), pgstore.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if n, _, err := gateway.VerifyAll(t.Context(), s); n != len(all) || err != nil {
		t.Errorf("%d relationships are sound, want %d, %v", n, len(all), err)
	}
	for _, her := range all {
		for _, side := range []firsthand.Side{firsthand.First, firsthand.Second} {
			head, err := s.Head(t.Context(), her.Rel(), side)
			if want := her.State.Log(side).Head; err != nil || head.Seq < want.Seq || side == firsthand.First && head != want {
				t.Errorf("%s: the database has %d of %s, she %d, %v", her.Name, head.Seq, side, want.Seq, err)
			}
		}
	}
}

// Two processes serve one company from one database. One is killed while customers call:
// the other goes on, nothing that had a receipt is lost, and what the killed one held is
// taken over when it is believed to be gone.
func TestOneOfTwoKilled(t *testing.T) {
	url := newPostgres(t)
	c := newCompany(t, nil)
	c.usePostgres(url)
	c.moveWhole()
	// The other one has a folder of its own, and takes calls at the same address.
	other := &company{t: t, dir: t.TempDir(), base: c.base, gateway: c.gateway, metrics: c.metrics, notify: c.notify, told: c.told}
	if out, err := exec.Command("cp", "-r", c.dir+"/.", other.dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	notify := filepath.Join(other.dir, "notify")
	if err := errors.Join(os.Remove(notify), os.Symlink(filepath.Join(c.dir, "notify"), notify)); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(other.dir, "gateway.json")
	text, err := os.ReadFile(config)
	if err == nil {
		err = os.WriteFile(config, []byte(strings.ReplaceAll(string(text), c.dir, other.dir)), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	processes := []*exec.Cmd{c.serve(), other.serve()}

	const customers, messages = 6, 20
	all := make([]*gatewaytest.Customer, customers)
	callers := make([]*caller, customers)
	for i := range all {
		all[i], callers[i] = c.meet(fmt.Sprint("customer ", i))
	}
	// say brings a message, again where the connection was of the process that is gone.
	say := func(i, n int) {
		all[i].Say(t, fmt.Sprint("message ", n))
		for tries := 0; ; tries++ {
			_, err := all[i].Try(t, callers[i])
			if err == nil {
				return
			}
			if tries == 20 {
				t.Errorf("%s, message %d: %v", all[i].Name, n, err)
				return
			}
		}
	}
	var calls sync.WaitGroup
	half := make(chan struct{}, customers)
	for i := range all {
		calls.Go(func() {
			for n := range messages {
				if n == messages/2 {
					half <- struct{}{}
				}
				say(i, n)
			}
		})
	}
	<-half
	processes[0].Process.Kill()
	processes[0].Wait() // it was killed
	calls.Wait()
	expireKilled(t, url)
	deadline := time.Now().Add(30 * time.Second)
	for i, her := range all {
		for len(her.State.Outcomes) < messages {
			r := her.Request()
			r.Wait = time.Second
			resp, err := callers[i].Sync(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			her.Take(t, resp)
			if time.Now().After(deadline) {
				t.Fatalf("%s has %d outcomes, want %d\n%s", her.Name, len(her.State.Outcomes), messages, other.logged())
			}
		}
	}
	other.stop(processes[1])
	wantAll(t, url, all)
}

// expireKilled has the time pass for which the process that was killed is believed to be
// there: the one that has said so longest ago.
func expireKilled(t *testing.T, url string) {
	t.Helper()
	db, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.WithoutCancel(t.Context()))
	var before, after int
	err = errors.Join(
		db.QueryRow(t.Context(), `SELECT count(*) FROM process`).Scan(&before),
		db.QueryRow(t.Context(), `
			WITH gone AS (UPDATE process SET until = now() WHERE id = (SELECT id FROM process ORDER BY until LIMIT 1) RETURNING id)
			SELECT count(*) FROM gone`).Scan(&after))
	if err != nil || before != 2 || after != 1 {
		t.Errorf("there are %d processes, %d of which is gone, %v", before, after, err)
	}
}
