package agent_test

import (
	"context"
	"crypto/rand"
	"sync"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/terms"
	"firsthand/wire"
)

// A street is sides whose company is called by many at once; some calls are never
// answered.
type street struct {
	*sides
	mu    sync.Mutex
	dead  map[firsthand.ID]bool
	asked map[firsthand.ID]int
	now   time.Time
}

func newStreet(t *testing.T) *street {
	s := &street{sides: newSides(t), dead: make(map[firsthand.ID]bool), asked: make(map[firsthand.ID]int)}
	s.now = s.sides.now
	s.Agent = s.agent()
	return s
}

// agent returns an agent on the file that knows nothing of the other one.
func (s *street) agent() *agent.Agent {
	return agent.New(agent.Options{Store: s.store, Caller: s, Roster: terms.Default(), Now: s.clock, Rand: rand.Reader, Log: quiet})
}

func (s *street) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// pass lets time pass.
func (s *street) pass(d time.Duration) {
	s.mu.Lock()
	s.now = s.now.Add(d)
	s.mu.Unlock()
	s.Wake()
}

func (s *street) Open(ctx context.Context, _ string, key *firsthand.Signer, r wire.Request) (wire.Response, error) {
	return s.answer(ctx, true, key, r)
}

func (s *street) Sync(ctx context.Context, _ string, key *firsthand.Signer, r wire.Request) (wire.Response, error) {
	return s.answer(ctx, false, key, r)
}

func (s *street) answer(ctx context.Context, open bool, key *firsthand.Signer, r wire.Request) (wire.Response, error) {
	rel := r.Rel
	if open {
		rel = r.Entries[0].Relationship()
	}
	s.mu.Lock()
	s.asked[rel]++
	if s.dead[rel] {
		s.mu.Unlock()
		<-ctx.Done()
		return wire.Response{}, fault.Unavailable
	}
	defer s.mu.Unlock()
	r.Wait = 0
	return s.call(ctx, open, key, r)
}

func (s *street) run(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

// meets opens so many relationships with the company, each under a key of its own.
func (s *street) meets(t *testing.T, n int) (rels []firsthand.ID) {
	for range n {
		r, err := s.Meet(t.Context(), "acme.example", agent.MeetOptions{Again: true, Kept: true})
		s.must(err)
		rels = append(rels, r.ID)
	}
	return rels
}

func (s *street) received(rels ...firsthand.ID) bool {
	for _, rel := range rels {
		if r, err := s.store.Relationship(s.t.Context(), rel); err != nil || r.Head == 0 || r.Received.Seq != r.Head {
			return false
		}
	}
	return true
}

// More companies are down than may be called at once; those that answer get theirs
// all the same.
func TestDeadCompaniesDelayNoOther(t *testing.T) {
	s := newStreet(t)
	s.must(s.Refill(t.Context(), testKit)) // a whole book
	dead, live := s.meets(t, 300), s.meets(t, 20)
	for _, rel := range dead {
		s.dead[rel] = true
	}
	s.run(t)
	wait(t, "those that answer have all", func() bool { return s.received(live...) })
}

// What the schedule has forgotten is found by the look at everything that comes now
// and then.
func TestLostWakeIsFound(t *testing.T) {
	s := newStreet(t)
	rels := s.meets(t, 3)
	s.run(t)
	wait(t, "the opening arrives", func() bool { return s.received(rels...) })
	s.lock(func() { s.down = true })
	_, err := s.Message(t.Context(), rels[1], firsthand.ID{}, "hello")
	s.must(err)
	wait(t, "a call fails", func() bool {
		r, err := s.store.Relationship(t.Context(), rels[1])
		return err == nil && r.Tries > 0
	})
	wait(t, "the wake is lost", func() bool { return s.LoseWake(rels[1]) })
	s.lock(func() { s.down = false })
	s.pass(14 * time.Minute)
	s.pass(2 * time.Minute)
	wait(t, "what was forgotten is sent", func() bool { return s.received(rels...) })
}

// lock runs fn while nobody is answered.
func (s *street) lock(fn func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fn()
}

// A company that owes nothing is left in peace for a while, and asked then.
func TestQuietCompanyIsAskedNowAndThen(t *testing.T) {
	s := newStreet(t)
	rels := s.meets(t, 2)
	stop := s.run(t)
	wait(t, "the opening arrives", func() bool { return s.received(rels...) })
	now := func() (n int) {
		s.lock(func() { n = s.asked[rels[0]] })
		return n
	}
	chat := func() { // meanwhile there is much to do elsewhere
		for range 10 {
			_, err := s.Message(t.Context(), rels[1], firsthand.ID{}, "hello")
			s.must(err)
			wait(t, "the message arrives", func() bool { return s.received(rels[1]) })
		}
	}
	chat()
	s.pass(2 * time.Second) // it is asked once more after it was told something
	chat()
	asked := now()
	s.pass(2 * time.Second)
	chat()
	if n := now(); n > asked+1 {
		t.Errorf("it was asked %d times within seconds", n-asked)
	}
	stop()
	asked = now()
	s.Agent = s.agent()
	s.run(t)
	wait(t, "it is asked within the next quarters of an hour", func() bool { s.pass(time.Minute); return now() > asked })
}

// A relationship that is opened while Run runs is called at once.
func TestMetWhileRunning(t *testing.T) {
	s := newStreet(t)
	rels := s.meets(t, 1)
	s.run(t)
	wait(t, "the opening arrives", func() bool { return s.received(rels...) })
	later := s.meets(t, 1)
	wait(t, "the later opening arrives", func() bool { return s.received(later...) })
}

// A message that is written while a call waits for news goes at once.
func TestNewsGiveWay(t *testing.T) {
	s := newStreet(t)
	rels := s.meets(t, 1)
	s.run(t)
	wait(t, "the opening arrives", func() bool { return s.received(rels...) })
	for range 5 {
		_, err := s.Message(t.Context(), rels[0], firsthand.ID{}, "hello")
		s.must(err)
		wait(t, "the message arrives", func() bool { return s.received(rels...) })
	}
}

// A move goes to all through Run, each once, and a pause in the middle holds those
// that are not sent.
func TestMoveRuns(t *testing.T) {
	s := newStreet(t)
	rels := s.meets(t, 30)
	move := agent.Move{Facts: []agent.NewFact{{Fact: "email", Value: firsthand.Text("b@example.org")}}, Basis: firsthand.Basis{Right: "GDPR 16"}}
	for _, rel := range rels {
		move.Before = append(move.Before, rel.String())
	}
	stop := s.run(t)
	wait(t, "the openings arrive", func() bool { return s.received(rels...) })
	stop()
	id, err := s.Begin(t.Context(), move, "")
	s.must(err)
	s.must(s.PauseMove(t.Context(), id, true))
	s.run(t)
	_, err = s.Message(t.Context(), rels[0], firsthand.ID{}, "hello")
	s.must(err)
	b, err := s.Board(t.Context(), id)
	s.must(err)
	if b.Counts[agent.StepPaused] != 30 {
		t.Errorf("steps %v", b.Counts)
	}
	s.must(s.PauseMove(t.Context(), id, false))
	wait(t, "all is received", func() bool { return s.received(rels...) })
	b, err = s.Board(t.Context(), id)
	s.must(err)
	if b.Counts[agent.StepReceived] != 30 {
		t.Errorf("steps %v", b.Counts)
	}
	for _, rel := range rels {
		state, err := firsthand.Load(t.Context(), s.theirs, rel)
		s.must(err)
		if n := state.Log(firsthand.First).Head.Seq; n != 2 && rel != rels[0] {
			t.Errorf("a company has %d entries of hers, want 2", n)
		}
	}
}
