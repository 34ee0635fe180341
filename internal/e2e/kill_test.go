package e2e_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"firsthand/internal/systems"
)

var everyStep = flag.Bool("steps", false, "kill at every step, and not at each that writes and some that read")

// A siege is one customer and both kinds of companies, again and again: each round has
// companies of its own, with the systems that there are.
type siege struct {
	t      testing.TB
	her    *customer
	rt     *systems.RT
	tryton *systems.Tryton
	anna   tracker
	books  erp
	name   string // of the test: others live in streets of their own
	rounds int
}

func newSiege(t testing.TB, rt *systems.RT, erp *systems.Tryton) *siege {
	s := &siege{t: t, her: newCustomer(t), rt: rt, tryton: erp, anna: tracker{t, rt}, books: newERP(t, erp), name: t.Name()}
	s.her.note("Kapellenstraat 88")
	return s
}

// A fort is a company under siege: all that its gateway asks of systems goes over one
// border after the other, which count as one.
type fort struct {
	*company
	borders []*border
	erp     bool // it has Tryton for its customers, and RT for its tickets

	mu  sync.Mutex
	n   int
	did []string
}

func (s *siege) fort(t testing.TB, erp bool) *fort {
	f := &fort{erp: erp}
	rt := newBorder(t, s.rt.URL)
	f.borders = append(f.borders, rt)
	members := map[string]any{}
	if erp {
		records := newBorder(t, s.tryton.URL)
		f.borders = append(f.borders, records)
		members["connector"], members["tickets"] = every(600, shared.erp(records.URL, s.tryton)), shared.tracker(rt.URL)
	} else {
		members["connector"] = every(600, shared.tracker(rt.URL))
	}
	f.company = newCompany(t, fmt.Sprintf("Company %d", s.rounds), members)
	return f
}

// count has act called at each call from now on, as a border does.
func (f *fort) count(act func(n int, what string, pass func())) {
	for _, b := range f.borders {
		b.count(func(_ int, what string, pass func()) {
			f.mu.Lock()
			f.n++
			n := f.n
			f.did = append(f.did, what)
			f.mu.Unlock()
			act(n, what, pass)
		})
	}
}

func (f *fort) calls() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.did)
}

// round is what she does at two companies that she hasn't met before, under act: she
// tells them her address, moves, moves again before anybody has answered, and writes.
// In the end, whatever died meanwhile, each has one record with the last address, one
// ticket, and has answered everything. It returns the calls that were made for each. What
// is to be done before the systems are looked at, before does.
func (s *siege) round(t *testing.T, act func(f *fort) func(n int, what string, pass func()), before ...func()) (calls [2][]string) {
	t.Helper()
	s.rounds++
	forts := []*fort{s.fort(t, false), s.fort(t, true)}
	var domains []string
	for _, f := range forts {
		domains = append(domains, f.domain)
		s.her.meet(f.domain)
	}
	for _, f := range forts {
		f.count(act(f))
		s.her.tell(f.domain)
	}
	first, second := fmt.Sprintf("Eerste straat %d %s", s.rounds, s.name), fmt.Sprintf("Tweede straat %d %s", s.rounds, s.name)
	boards := []string{s.her.change(first, domains...), s.her.change(second, domains...)}
	for _, f := range forts {
		s.her.act(f.domain, "message", "text", "Is it there?")
	}
	asked := time.Now()
	until(t, "everything is answered", func() bool {
		for _, f := range forts {
			if f.dead() {
				f.serve()
				s.her.sync()
			}
		}
		if time.Since(asked) > time.Second {
			s.her.sync()
			asked = time.Now()
		}
		for _, f := range forts {
			if page := text(s.her.get(s.her.company(f.domain)), ""); !strings.Contains(page, "You Wrote Applied") {
				return false
			}
		}
		return !slices.ContainsFunc(boards, func(b string) bool { return !strings.Contains(text(s.her.get(b), "board"), "2 of 2 finished") })
	}, func() string { return text(s.her.get(boards[0]), "board") }, func() string { return text(s.her.get(boards[1]), "board") },
		func() string {
			return strings.Join(forts[0].calls(), "\n") + "\n\n" + strings.Join(forts[1].calls(), "\n")
		})
	if board := text(s.her.get(boards[1]), "board"); strings.Count(board, "Applied") != 3 { // 2 Applied, and each company's
		t.Errorf("the last change isn't applied by both:\n%s", board)
	}
	for _, do := range before {
		do()
	}
	for i, f := range forts {
		for _, b := range f.borders {
			b.counted()
		}
		calls[i] = f.calls()
		s.check(t, f, first, second)
	}
	return calls
}

// check looks what the systems have in the end.
func (s *siege) check(t *testing.T, f *fort, first, second string) {
	t.Helper()
	rel := s.her.rel(f.domain)
	tickets := s.anna.tickets(rel)
	if len(tickets) != 1 {
		t.Errorf("tickets %q of one message", tickets)
	}
	for _, ticket := range tickets {
		same(t, "what stands in "+ticket, s.anna.said(ticket), "Is it there?")
	}
	if page := text(s.her.get(s.her.company(f.domain)), ""); strings.Count(page, "Is it there?") != 1 {
		t.Errorf("her own log has what she wrote other than once:\n%s", page)
	}
	if f.erp {
		homes := s.books.addresses("street", "in", []string{first, second})
		if len(homes) != 1 || homes[0].Street != second {
			t.Fatalf("Tryton has %+v", homes)
		}
		if all := s.books.addresses("party", "=", homes[0].Party); len(all) != 1 {
			t.Errorf("of her Tryton has %+v", all)
		}
		for note, n := range s.books.notes(homes[0].Party) {
			if n != 1 {
				t.Errorf("Tryton has the note %s %d times", note, n)
			}
		}
		f.do("doctor")
		return
	}
	users := s.anna.at(second)
	if len(users) != 1 || len(s.anna.at(first)) != 0 {
		t.Fatalf("RT has the last address at %q, the one before at %q", users, s.anna.at(first))
	}
	had := s.anna.streets(users[0])
	if had = had[1:]; !slices.Equal(had, []string{first, second}) && !slices.Equal(had, []string{second}) {
		t.Errorf("RT had her in %q, one after the other", had)
	}
	f.do("doctor")
}

// A step is a call to a company's system, counted among those of its kind, and whether
// it is before the call has reached the system or after the system has done it.
type step struct {
	write bool
	n     int
	after bool
}

func (s step) String() string {
	kind, when := "read", "before"
	if s.write {
		kind = "write"
	}
	if s.after {
		when = "after"
	}
	return fmt.Sprintf("%s %s %d", when, kind, s.n)
}

// steps are those at which something dies: by default before some writes, after each, and
// after some reads. Before a read, the system has done as much as after the call before it.
func steps(calls [2][]string) (all []step) {
	reads, writing := 0, 0
	for _, list := range calls {
		w := 0
		for _, what := range list {
			if writes(what) {
				w++
			}
		}
		reads, writing = max(reads, len(list)-w), max(writing, w)
	}
	for n := 1; n <= writing; n++ {
		if *everyStep || n == 1 || n == writing {
			all = append(all, step{true, n, false})
		}
		all = append(all, step{true, n, true})
	}
	for n := 1; n <= reads; n++ {
		if *everyStep || n%9 == 5 {
			all = append(all, step{false, n, true})
		}
	}
	return all
}

// at returns what has die called at one step of each company's.
func (s step) at(die func(f *fort, what string, pass func())) func(f *fort) func(int, string, func()) {
	return func(f *fort) func(int, string, func()) {
		var mu sync.Mutex
		n := 0
		return func(_ int, what string, pass func()) {
			mu.Lock()
			if writes(what) == s.write {
				n++
			}
			now := writes(what) == s.write && n == s.n
			mu.Unlock()
			switch {
			case !now:
				pass()
			case s.after:
				pass()
				die(f, what, pass)
			default:
				die(f, what, pass)
			}
		}
	}
}

func untroubled(*fort) func(int, string, func()) {
	return func(_ int, _ string, pass func()) { pass() }
}

// The gateway is killed at any step: before the system has been asked, and when it has
// done what it was asked for and nobody has heard of it.
func TestGatewayKilled(t *testing.T) {
	start(t)
	s := newSiege(t, shared.rt, shared.tryton)
	begun := time.Now()
	calls := s.round(t, untroubled)
	t.Logf("a round without trouble takes %v and these calls: %q", time.Since(begun).Round(10*time.Millisecond), calls)
	all := steps(calls)
	for _, step := range all {
		t.Run(step.String(), func(t *testing.T) { s.round(t, step.at(func(f *fort, _ string, _ func()) { f.kill() })) })
	}
	t.Logf("%d steps took %v", len(all), time.Since(begun))
}

var onPostgres = flag.Bool("postgres", false, "kill the database of a Tryton on PostgreSQL, too; it takes four minutes to make one")

// A mortal is a system that can be killed. One at a time is killed, and nobody looks
// into it before it is back.
type mortal struct {
	mu    sync.Mutex
	kill  func()
	start func(context.Context) error
	t     testing.TB
}

// die kills the system and starts it again; then is called while it is dead.
func (m *mortal) die(then func()) {
	m.mu.Lock()
	m.kill()
	then()
	go func() {
		defer m.mu.Unlock()
		if err := m.start(context.WithoutCancel(m.t.Context())); err != nil {
			m.t.Errorf("start again: %v", err)
		}
	}()
}

// back waits until it is back, if it was killed.
func (m *mortal) back() {
	m.mu.Lock()
	defer m.mu.Unlock()
}

// killed runs a round in which the system that is called dies at a step: before it
// knows of the call; in the middle, while it is at it; or when it is done, and of that
// nobody hears. of says which one dies with a call.
func (s *siege) killed(t *testing.T, at step, middle bool, of func(what string) *mortal) {
	s.round(t, at.at(func(_ *fort, what string, pass func()) {
		m := of(what)
		switch {
		case middle:
			done := make(chan struct{})
			go func() { defer close(done); pass() }()
			time.Sleep(10 * time.Millisecond) // it is at it, or done: which, is not ours to say
			m.die(func() { <-done })
		case at.after:
			m.die(func() {})
			panic(http.ErrAbortHandler) // the answer was on its way
		default:
			m.die(pass)
		}
	}), of("GET /").back, of("").back)
}

// Each system is killed around each of its writes, and its database with it, which is
// SQLite.
func TestSystemKilled(t *testing.T) {
	start(t)
	s := newSiege(t, shared.rt, shared.tryton)
	rt := &mortal{kill: func() { s.rt.Stop() }, start: s.rt.Start, t: t}
	erp := &mortal{kill: func() { s.tryton.Stop() }, start: s.tryton.Start, t: t}
	s.die(t, func(what string) *mortal {
		if strings.Contains(what, " ") {
			return rt
		}
		return erp
	})
}

// The PostgreSQL of a Tryton is killed in the same way, and Tryton lives.
func TestDatabaseKilled(t *testing.T) {
	start(t)
	if !*onPostgres {
		return // minutes: by hand
	}
	dir, err := os.MkdirTemp("", "firsthand-postgres-")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	database, err := systems.StartPostgres(t.Context(), dir)
	must(t, err)
	t.Cleanup(database.Stop)
	db, err := pgx.Connect(t.Context(), database.URL("postgres"))
	must(t, err)
	_, err = db.Exec(t.Context(), "CREATE DATABASE "+systems.TrytonDatabase)
	must(t, errors.Join(err, db.Close(t.Context())))
	books, err := systems.StartTryton(t.Context(), t.TempDir(), fmt.Sprintf("postgresql://postgres:%s@127.0.0.1:%d", database.Password, database.Port))
	must(t, err)
	t.Cleanup(books.Stop)
	s := newSiege(t, shared.rt, books)
	pg := &mortal{kill: database.Kill, start: database.Start, t: t}
	immortal := &mortal{kill: func() {}, start: func(context.Context) error { return nil }, t: t}
	s.die(t, func(what string) *mortal {
		if strings.Contains(what, " ") {
			return immortal
		}
		return pg
	})
}

// die kills systems at some writes, or with -steps at all.
func (s *siege) die(t *testing.T, of func(what string) *mortal) {
	begun := time.Now()
	for n := 1; n <= 4; n++ {
		for i, when := range []string{"before", "in the middle of", "after"} {
			if chosen := n == 1 && i == 1 || n == 2 && i == 2 || n == 4 && i == 1; chosen || *everyStep {
				t.Run(fmt.Sprintf("%s write %d", when, n), func(t *testing.T) { s.killed(t, step{true, n, i == 2}, i == 1, of) })
			}
		}
	}
	t.Logf("it took %v", time.Since(begun))
}
