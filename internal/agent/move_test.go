package agent_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/fetch"
	"firsthand/internal/agent"
	"firsthand/internal/agent/agenttest"
	"firsthand/internal/agent/channel"
	"firsthand/internal/agent/channel/manual"
	"firsthand/internal/agent/importer/passwords"
	"firsthand/internal/agent/policy"
	"firsthand/internal/agent/store"
	"firsthand/terms"
	"firsthand/wire"
)

// A mover is an agent with a clock that can be set.
type mover struct {
	*agent.Agent
	t   testing.TB
	mu  sync.Mutex
	now time.Time // zero: the time that it is
}

func (m *mover) clock() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.now.IsZero() {
		return time.Now()
	}
	return m.now
}

func (m *mover) set(now time.Time) {
	m.mu.Lock()
	m.now = now
	m.mu.Unlock()
	m.Wake()
}

func newMover(t *testing.T, s agent.Store) *mover {
	t.Helper()
	m := &mover{t: t}
	m.Agent = agent.New(agent.Options{
		Store: s, Caller: wire.NewClient(fetch.New(fetch.Options{AllowLoopback: true}), nil), Roster: terms.Default(),
		Now: m.clock, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler), Channels: []channel.Channel{manual.Manual{}},
	})
	m.must(fill(t, s, testKit))
	return m
}

// newFile returns a file on a real disk.
func newFile(t *testing.T) *store.Store {
	t.Helper()
	kit, err := store.NewKit()
	if err != nil {
		t.Fatal(err)
	}
	_, recipient, err := store.NewKeyFile()
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Create(t.Context(), filepath.Join(t.TempDir(), "mia"), store.CreateOptions{KitRecipient: kit.Recipient(), KeyFile: recipient})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// A foldOnly store has summaries, and holdings, as they were before there were grounds, so that what
// reads them folds the logs.
type foldOnly struct{ agent.Store }

func (f foldOnly) Relationship(ctx context.Context, id firsthand.ID) (agent.Relationship, error) {
	row, err := f.Store.Relationship(ctx, id)
	if err != nil {
		return row, err
	}
	sum, err := row.Summarised()
	sum.Grounds = nil
	row.Summary = firsthand.EncodeJSON(sum)
	return row, err
}

func (f foldOnly) RelationshipsAt(ctx context.Context, ids ...firsthand.ID) (all []agent.Relationship, err error) {
	for _, id := range ids {
		row, err := f.Relationship(ctx, id)
		if err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, nil
}

func (f foldOnly) Holders(ctx context.Context, fact string) iter.Seq2[agent.Holder, error] {
	return func(yield func(agent.Holder, error) bool) {
		for h, err := range f.Store.Holders(ctx, fact) {
			h.Ground = ""
			if !yield(h, err) {
				return
			}
		}
	}
}

// Plan plans twice, by the grounds in the cache and by the logs, which must agree.
func (m *mover) Plan(ctx context.Context, move agent.Move) (agent.Plan, error) {
	m.t.Helper()
	p, err := m.Agent.Plan(ctx, move)
	o := m.Options
	o.Store = foldOnly{o.Store}
	byLogs, logErr := agent.New(o).Plan(ctx, move)
	if got, want := string(firsthand.EncodeJSON(p)), string(firsthand.EncodeJSON(byLogs)); got != want || (err == nil) != (logErr == nil) {
		m.t.Errorf("by the grounds: %s, %v\nby the logs: %s, %v", got, err, want, logErr)
	}
	m.previewOne(move, p, err)
	return p, err
}

// previewOne has a page preview a move: it shows the first leg of each group as a plan
// does, and counts all.
func (m *mover) previewOne(move agent.Move, p agent.Plan, planErr error) {
	m.t.Helper()
	first, group := []agent.Leg(nil), ""
	for _, l := range p.Legs {
		if l.Group != group {
			first, group = append(first, l), l.Group
		}
	}
	p.Legs = first
	shown, err := m.Agent.Preview(m.t.Context(), move, 1)
	if got, want := string(firsthand.EncodeJSON(shown)), string(firsthand.EncodeJSON(p)); got != want || (err == nil) != (planErr == nil) {
		m.t.Errorf("a page shows %s, %v\nof the plan %s, %v", got, err, want, planErr)
	}
}

func (m *mover) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// agreed meets a company and tells it a fact under terms.
func (m *mover) agreed(c *company, fact string, v firsthand.Value) firsthand.ID {
	m.t.Helper()
	ctx := m.t.Context()
	r, err := m.Meet(ctx, c.domain, agent.MeetOptions{})
	m.must(err)
	m.flush(r.ID)
	_, err = m.Offer(ctx, r.ID)
	m.must(err)
	m.flush(r.ID)
	_, err = m.Disclose(ctx, r.ID, agent.Telling{Fact: fact, Value: v, Purpose: "ServiceDelivery"})
	m.must(err)
	m.flush(r.ID)
	c.work(m.t)
	m.flush(r.ID)
	return r.ID
}

func (m *mover) flush(rel firsthand.ID) {
	m.t.Helper()
	m.must(m.Flush(m.t.Context(), rel, 0))
}

// unpaired opens a log of her own and notes there what the company was told.
func (m *mover) unpaired(domain, fact string, v firsthand.Value) firsthand.ID {
	m.t.Helper()
	r, err := m.Meet(m.t.Context(), domain, agent.MeetOptions{Unpaired: true})
	m.must(err)
	_, err = m.Disclose(m.t.Context(), r.ID, agent.Telling{Fact: fact, Value: v, Purpose: "ServiceDelivery", Basis: firsthand.Basis{Exception: "at the counter"}})
	m.must(err)
	return r.ID
}

func (m *mover) board(id int64) agent.Board {
	m.t.Helper()
	b, err := m.Board(m.t.Context(), id)
	m.must(err)
	return b
}

// leg returns the leg at a company, which has one.
func leg(t testing.TB, b agent.Board, domain string) agent.BoardLeg {
	t.Helper()
	i := slices.IndexFunc(b.Legs, func(l agent.BoardLeg) bool { return l.Domain == domain })
	if i < 0 {
		t.Fatalf("no leg at %s in %+v", domain, b.Legs)
	}
	return b.Legs[i]
}

func (m *mover) wantStep(id int64, domain, step string) agent.BoardLeg {
	m.t.Helper()
	l := leg(m.t, m.board(id), domain)
	if l.Step != step {
		m.t.Errorf("the leg at %s is %q, want %q: %+v", domain, l.Step, step, l)
	}
	return l
}

// changes returns how many changes her log of rel has.
func (m *mover) changes(rel firsthand.ID) (n int) {
	m.t.Helper()
	for e, err := range m.Store.Entries(m.t.Context(), rel, firsthand.First, 0) {
		m.must(err)
		if e.Kind() == "change" {
			n++
		}
	}
	return n
}

var (
	oldHome = firsthand.Value{Parts: map[string]string{"street": "Korenmarkt 1", "city": "Gent"}}
	newHome = firsthand.Value{Parts: map[string]string{"street": "Graslei 2", "city": "Gent"}}
)

func moving(v firsthand.Value) agent.Move {
	return agent.Move{Facts: []agent.NewFact{{Fact: "address.home", Value: v}}}
}

// One move, from the preview to the end, on a real file and over real HTTP: one
// company applies it, one refuses it, one is down, and two have no gateway.
func TestMoveStory(t *testing.T) {
	m, ctx := newMover(t, newFile(t)), t.Context()
	acme, bolt, down := newCompany(t, "acme"), newCompany(t, "bolt"), newCompany(t, "down")
	atAcme, atBolt := m.agreed(acme, "address.home", oldHome), m.agreed(bolt, "address.home", oldHome)
	atDown := m.agreed(down, "address.home", oldHome)
	atShop := m.unpaired("shop.example", "address.home", oldHome)
	down.server.Close()

	move := moving(newHome)
	move.Before, move.Facts[0].Old = []string{"www.cinema.example"}, firsthand.Text("Korenmarkt 1")
	p, err := m.Plan(ctx, move)
	m.must(err)
	want := map[string]int{agent.Instant: 3, agent.NeedsYou: 1, agent.LeftOut: 1}
	if !maps.Equal(p.Counts, want) {
		t.Errorf("without a basis for the cinema: %v, want %v", p.Counts, want)
	}
	for _, l := range p.Legs {
		if l.Reason == "" || (l.Group == agent.LeftOut) != (l.Domain == "cinema.example") {
			t.Errorf("leg %+v", l)
		}
	}
	move.Basis = firsthand.Basis{Right: "GDPR 16"}
	p, err = m.Plan(ctx, move)
	m.must(err)
	want = map[string]int{agent.Instant: 3, agent.NeedsYou: 2}
	if !maps.Equal(p.Counts, want) || p.Companies != 5 || p.Labels != 1 {
		t.Errorf("plan %v of %d companies with %d logs, want %v of 5 with 1", p.Counts, p.Companies, p.Labels, want)
	}
	if n := m.changes(atAcme); n != 0 {
		t.Fatalf("a plan wrote %d entries", n)
	}

	id, err := m.Begin(ctx, move, "form 7")
	m.must(err)
	again, err := m.Begin(ctx, move, "form 7")
	if err != nil || again != id || m.changes(atAcme) != 1 {
		t.Fatalf("a second click is move %d, %v, with %d entries; want %d", again, err, m.changes(atAcme), id)
	}
	if f, err := m.Facts(ctx); err != nil || len(f) != 1 || !f[0].Value.Equal(newHome) {
		t.Errorf("her own fact is %+v, %v", f, err)
	}
	m.wantStep(id, acme.domain, agent.StepDraft)
	m.wantStep(id, "cinema.example", agent.StepNeedsYou)

	m.flush(atAcme)
	m.wantStep(id, acme.domain, agent.StepReceived)
	m.flush(atBolt)
	m.must(bolt.gw.Refuse(ctx, "ann", atBolt, m.wantStep(id, bolt.domain, agent.StepReceived).Entry, "we need a paper"))
	if err := m.Flush(ctx, atDown, 0); err == nil {
		t.Error("the company that is down answers")
	}
	if l := m.wantStep(id, down.domain, agent.StepSent); l.Tries != 1 || l.Failure == "" || l.NextTry.IsZero() || l.Of < 28 {
		t.Errorf("after a call that failed: %+v", l)
	}
	acme.work(t)
	m.flush(atAcme)
	m.flush(atBolt)
	if l := m.wantStep(id, acme.domain, agent.StepApplied); l.Record == "" || l.Unproved {
		t.Errorf("applied as %+v", l)
	}
	if l := m.wantStep(id, bolt.domain, agent.StepRefused); l.Why != "we need a paper" {
		t.Errorf("refused because of %q", l.Why)
	}

	// What she has to do herself, and what she says of it.
	tasks, total, err := m.Tasks(ctx, agent.TaskQuery{Move: id})
	m.must(err)
	if total != 2 {
		t.Fatalf("%d tasks, want 2: %+v", total, tasks)
	}
	shop := leg(t, m.board(id), "shop.example")
	task, err := m.Task(ctx, shop.Entry)
	m.must(err)
	if task.Draft.Link != "https://shop.example/" || len(task.Draft.Steps) != 3 || task.Draft.Steps[0].Was != "Korenmarkt 1" || task.Draft.Steps[0].Copy != "Graslei 2" {
		t.Errorf("draft %+v", task.Draft)
	}
	m.must(m.Done(ctx, shop.Entry, "applied", "spoke to Ann"))
	m.must(m.Done(ctx, shop.Entry, "applied", "spoke to Ann")) // clicked twice
	if l := m.wantStep(id, "shop.example", agent.StepApplied); !l.Unproved || l.Why != "spoke to Ann" {
		t.Errorf("by her word: %+v", l)
	}
	m.must(m.Reopen(ctx, shop.Entry))
	m.wantStep(id, "shop.example", agent.StepNeedsYou)
	m.must(m.Done(ctx, shop.Entry, "sent", ""))
	m.wantStep(id, "shop.example", agent.StepSent)
	d, err := m.Show(ctx, atShop)
	m.must(err)
	if n := len(d.State.Notes); n != 3 {
		t.Errorf("%d notes, want 3", n)
	}

	// Nobody answers within the month.
	m.set(time.Now().AddDate(0, 0, 40))
	m.wantStep(id, "shop.example", agent.StepNoAnswer)
	m.wantStep(id, down.domain, agent.StepNoAnswer)
	m.wantStep(id, acme.domain, agent.StepApplied)
	m.set(time.Time{})
	m.must(m.Retry(ctx, id))
	if l := leg(t, m.board(id), down.domain); !l.NextTry.IsZero() || l.Tries != 1 {
		t.Errorf("after retry: %+v", l)
	}
	if differed, err := m.Rebuild(ctx); err != nil || len(differed) > 0 {
		t.Errorf("the caches of %v differ from the logs, %v", differed, err)
	}
}

// A later change takes the place of one that she has not carried yet.
func TestLaterChangeReplacesTask(t *testing.T) {
	m := newMover(t, agenttest.NewMemory())
	m.unpaired("shop.example", "email", firsthand.Text("a@example.org"))
	begin := func(v string) int64 {
		id, err := m.Begin(t.Context(), agent.Move{Facts: []agent.NewFact{{Fact: "email", Value: firsthand.Text(v)}}}, "")
		m.must(err)
		return id
	}
	first := begin("b@example.org")
	second := begin("c@example.org")
	m.wantStep(first, "shop.example", agent.StepReplaced)
	m.wantStep(second, "shop.example", agent.StepNeedsYou)
	if _, total, err := m.Tasks(t.Context(), agent.TaskQuery{Domain: "shop.example"}); err != nil || total != 1 {
		t.Errorf("%d open tasks, %v, want the last change", total, err)
	}
}

// A pause holds what is not sent, in that relationship and in order, and nothing
// else; a restart doesn't end it.
func TestPausedMove(t *testing.T) {
	s := newFile(t)
	m, ctx := newMover(t, s), t.Context()
	acme, bolt := newCompany(t, "acme"), newCompany(t, "bolt")
	atAcme, atBolt := m.agreed(acme, "address.home", oldHome), m.agreed(bolt, "address.home", oldHome)
	move := moving(newHome)
	move.Only = []string{acme.domain}
	id, err := m.Begin(ctx, move, "")
	m.must(err)
	m.must(m.PauseMove(ctx, id, true))
	for _, rel := range []firsthand.ID{atAcme, atBolt} {
		_, err := m.Message(ctx, rel, firsthand.ID{}, "hello")
		m.must(err)
	}
	for range 2 {
		m.flush(atAcme)
		m.flush(atBolt)
		m.wantStep(id, acme.domain, agent.StepPaused)
		if r, err := m.Store.Relationship(ctx, atAcme); err != nil || r.Head-r.Received.Seq != 2 || r.Sent != r.Received.Seq {
			t.Errorf("held at acme: %+v, %v; want two entries", r, err)
		} else if step, err := m.Prepare(ctx, atAcme, time.Second); err != nil || step.Request.First != r.Received || step.Request.Wait == 0 {
			t.Errorf("a call while it is held: %+v, %v; want to wait for news, and not a word of it", step.Request, err)
		}
		if r, err := m.Store.Relationship(ctx, atBolt); err != nil || r.Head != r.Received.Seq {
			t.Errorf("at bolt %d of %d entries were received, %v", r.Received.Seq, r.Head, err)
		}
		m = newMover(t, s)
	}
	m.must(m.PauseMove(ctx, id, false))
	m.flush(atAcme)
	m.wantStep(id, acme.domain, agent.StepReceived)
	if r, err := m.Store.Relationship(ctx, atAcme); err != nil || r.Head != r.Received.Seq {
		t.Errorf("after the pause: %+v, %v", r, err)
	}
	m.must(m.PauseMove(ctx, id, true)) // nothing is held of what was received
	_, err = m.Message(ctx, atAcme, firsthand.ID{}, "again")
	m.must(err)
	m.flush(atAcme)
	if r, err := m.Store.Relationship(ctx, atAcme); err != nil || r.Head != r.Received.Seq {
		t.Errorf("held though it was received: %+v, %v", r, err)
	}
}

// The day on which a move starts is hers, where she is: nothing goes on the evening
// before, which is that day somewhere else, nor does it wait on that morning.
func TestMoveStartsOnHerDay(t *testing.T) {
	t.Parallel()
	for zone, tt := range map[int]struct {
		now   string
		begun bool
	}{
		-8: {"2026-11-30 18:00", false}, +11: {"2026-12-01 08:00", true}, +1: {"2026-11-30 23:59", false}, 0: {"2026-12-01 00:00", true},
	} {
		m, ctx := newMover(t, agenttest.NewMemory()), t.Context()
		m.unpaired("shop.example", "address.home", oldHome)
		now, err := time.ParseInLocation("2006-01-02 15:04", tt.now, time.FixedZone("", zone*3600))
		m.must(err)
		m.set(now)
		move := moving(newHome)
		move.Starts = "2026-12-01"
		id, err := m.Begin(ctx, move, "")
		m.must(err)
		_, err = m.StartMoves(ctx)
		m.must(err)
		if b := m.board(id); (b.State == agent.Begun) != tt.begun {
			t.Errorf("at %s, UTC%+d, it is %s", tt.now, zone, b.State)
		}
	}
}

// Of what a call has carried a pause doesn't say that it was not sent: the company may
// have it.
func TestPausedOnItsWay(t *testing.T) {
	t.Parallel()
	m, ctx := newMover(t, agenttest.NewMemory()), t.Context()
	acme := newCompany(t, "acme")
	rel := m.agreed(acme, "address.home", oldHome)
	id, err := m.Begin(ctx, moving(newHome), "")
	m.must(err)
	_, err = m.Prepare(ctx, rel, 0) // and then the connection is lost
	m.must(err)
	m.must(m.PauseMove(ctx, id, true))
	m.wantStep(id, acme.domain, agent.StepSent)
	step, err := m.Prepare(ctx, rel, time.Second)
	if m.must(err); len(step.Request.Entries) != 0 {
		t.Errorf("while it is held a call carries %d entries", len(step.Request.Entries))
	}
}

// A move of a later day waits for it, can be cancelled until then, and is planned
// anew on the day.
func TestScheduledMove(t *testing.T) {
	m, ctx := newMover(t, agenttest.NewMemory()), t.Context()
	atShop := m.unpaired("shop.example", "address.home", oldHome)
	m.set(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC))
	move := moving(newHome)
	move.Starts = "2026-12-01"
	id, err := m.Begin(ctx, move, "k")
	m.must(err)
	never, err := m.Begin(ctx, move, "")
	m.must(err)
	m.wantStep(id, "shop.example", agent.StepScheduled)
	m.must(m.CancelMove(ctx, never))
	m.wantStep(never, "shop.example", agent.StepCancelled)

	ctx, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	defer func() { stop(); <-done }()
	m.set(time.Date(2026, 11, 30, 23, 59, 59, 0, time.UTC))
	if next, err := m.StartMoves(ctx); err != nil || next.IsZero() || m.changes(atShop) != 0 {
		t.Fatalf("on the day before: %d changes, %v", m.changes(atShop), err)
	}
	atBank := m.unpaired("bank.example", "address.home", oldHome) // told meanwhile
	m.set(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC))
	wait(t, "the move begins", func() bool { return m.board(id).State == agent.Begun })
	if m.changes(atShop) != 1 || m.changes(atBank) != 1 {
		t.Errorf("%d and %d changes, want one at each", m.changes(atShop), m.changes(atBank))
	}
	m.wantStep(id, "bank.example", agent.StepNeedsYou)
	if err := m.CancelMove(ctx, id); fault.KindOf(err) != fault.Conflict {
		t.Errorf("cancel a move that has begun: %v, want %v", err, fault.Conflict)
	}
	if again, err := m.Begin(ctx, move, "k"); again != id || err != nil || m.changes(atShop) != 1 {
		t.Errorf("the same form once more: %d, %v", again, err)
	}
	if m.board(never).State != agent.Cancelled {
		t.Error("a cancelled move has begun")
	}
}

// wait waits until what other goroutines do is done.
func wait(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); !done(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// A short book of next keys is noticed before anything is written.
func TestMoveWithShortBook(t *testing.T) {
	s := agenttest.NewMemory()
	m, ctx := newMover(t, s), t.Context()
	atShop := m.unpaired("shop.example", "email", firsthand.Text("a@example.org"))
	m.must(s.Commit(ctx, agent.Commit{EmptyBook: true, AddLabels: []agent.NextKey{{Label: firsthand.Label{1}, Hash: firsthand.ID{1}}}}))
	move := agent.Move{Facts: []agent.NewFact{{Fact: "email", Value: firsthand.Text("b@example.org")}}, Before: []string{"a.example", "b.example"}, Basis: firsthand.Basis{Right: "GDPR 16"}}
	p, err := m.Plan(ctx, move)
	if err != nil || p.Labels != 2 || p.Free != 1 {
		t.Errorf("plan: %d labels of %d, %v; want 2 of 1", p.Labels, p.Free, err)
	}
	_, err = m.Begin(ctx, move, "k")
	if fault.KindOf(err) != fault.NotExist || !strings.Contains(fault.HintOf(err), "refill") {
		t.Errorf("begin: %v, hint %q", err, fault.HintOf(err))
	}
	if moves, _ := m.Moves(ctx); len(moves) > 0 || m.changes(atShop) > 0 {
		t.Errorf("%d moves, %d changes: something was written", len(moves), m.changes(atShop))
	}
	m.must(m.Refill(ctx, testKit))
	if _, err := m.Begin(ctx, move, "k"); err != nil || m.changes(atShop) != 1 {
		t.Errorf("after the refill: %v, %d changes", err, m.changes(atShop))
	}
}

// Whatever a crash leaves of Begin is all of it or nothing, and the same form once
// more makes one move of it.
func TestMoveIsWholeOrNothing(t *testing.T) {
	for _, what := range []agenttest.Fault{agenttest.Lost, agenttest.Kept} {
		s := agenttest.NewMemory()
		m, ctx := newMover(t, s), t.Context()
		var rels []firsthand.ID
		for i := range 5 {
			rels = append(rels, m.unpaired(fmt.Sprintf("shop%d.example", i), "email", firsthand.Text("a@example.org")))
		}
		move := agent.Move{Facts: []agent.NewFact{{Fact: "email", Value: firsthand.Text("b@example.org")}, {Fact: "phone", Value: firsthand.Text("+32")}},
			Before: []string{"new.example"}, Basis: firsthand.Basis{Right: "GDPR 16"}}
		commits := 0
		s.SetFault(func(agent.Commit) agenttest.Fault { commits++; return what })
		if _, err := m.Begin(ctx, move, "k"); err == nil {
			t.Fatal("the power failed, and nobody noticed")
		}
		s.SetFault(nil)
		if commits != 1 {
			t.Errorf("%d transactions, want 1", commits)
		}
		m = newMover(t, s)
		all, err := m.Moves(ctx)
		m.must(err)
		kept := 0
		for _, rel := range rels {
			kept += m.changes(rel)
		}
		if whole := what == agenttest.Kept; whole != (len(all) == 1) || whole != (kept == 5) || !whole && kept+len(all) != 0 {
			t.Errorf("fault %d left %d moves and %d entries", what, len(all), kept)
		}
		id, err := m.Begin(ctx, move, "k")
		m.must(err)
		for _, rel := range rels {
			if n := m.changes(rel); n != 1 {
				t.Errorf("%d changes at one company, want 1", n)
			}
		}
		if b := m.board(id); b.Counts[agent.StepNeedsYou] != 7 { // two facts at the new one
			t.Errorf("steps %v", b.Counts)
		}
	}
}

// In a relationship whose file was restored a leg is a draft, and becomes the entry
// that the draft does.
func TestMoveOfRestoredFile(t *testing.T) {
	s := agenttest.NewMemory()
	m, ctx := newMover(t, s), t.Context()
	acme := newCompany(t, "acme")
	rel := m.agreed(acme, "address.home", oldHome)
	s.Restore(s.Snapshot())
	m = newMover(t, s)
	id, err := m.Begin(ctx, moving(newHome), "")
	m.must(err)
	if l := m.wantStep(id, acme.domain, agent.StepDraft); !l.Entry.IsZero() {
		t.Error("it is signed though the company was not asked")
	}
	m.flush(rel)
	m.flush(rel)
	if l := m.wantStep(id, acme.domain, agent.StepReceived); l.Entry.IsZero() {
		t.Error("the leg is no entry")
	}
	if n := m.changes(rel); n != 1 {
		t.Errorf("%d changes, want 1", n)
	}
}

// What the company has from before is a proposal until she has proved its record.
func TestMoveProposes(t *testing.T) {
	m, ctx := newMover(t, agenttest.NewMemory()), t.Context()
	acme := newCompany(t, "acme")
	r, err := m.Meet(ctx, acme.domain, agent.MeetOptions{})
	m.must(err)
	m.flush(r.ID)
	move := agent.Move{Facts: []agent.NewFact{{Fact: "email", Value: firsthand.Text("mia@new.example")}}, Before: []string{acme.domain}, Basis: firsthand.Basis{Right: "GDPR 16"}}
	p, err := m.Plan(ctx, move)
	m.must(err)
	if len(p.Legs) != 1 || !p.Legs[0].Proposal || !strings.Contains(p.Legs[0].Reason, "proposal") {
		t.Errorf("legs %+v", p.Legs)
	}
	_, err = m.Begin(ctx, move, "")
	m.must(err)
	if row, err := m.Store.Relationship(ctx, r.ID); err != nil || !row.Kept {
		t.Errorf("who was told something is kept: %v, %v", row.Kept, err)
	}
	if p, err := m.Plan(ctx, move); err != nil || p.Counts[agent.LeftOut] != 1 {
		t.Errorf("the same again: %v, %v; want it left out", p.Counts, err)
	}
}

// Whatever happens in a relationship, a plan reads it from the cache as it is.
func TestPlanByGrounds(t *testing.T) {
	m, ctx := newMover(t, agenttest.NewMemory()), t.Context()
	acme := newCompany(t, "acme")
	rel := m.agreed(acme, "address.home", oldHome)
	alone := m.unpaired("nobody.example", "address.home", oldHome)
	today := firsthand.DateOf(m.clock())
	act := func(_ any, err error) error { return err }
	for _, step := range []struct {
		name    string
		do      func() error
		leftOut int
	}{
		{"told", func() error { return nil }, 0},
		{"a pause", func() error { return act(m.Pause(ctx, rel, firsthand.DateOf(m.clock().AddDate(0, 0, 9)))) }, 1},
		{"its end", func() error { return act(m.Pause(ctx, rel, firsthand.DateOf(m.clock().AddDate(0, 0, -1)))) }, 0},
		{"a rule", func() error {
			return m.SetRule(ctx, policy.Rule{Fact: "address.home", Domain: acme.domain, Never: true})
		}, 1},
		{"none", func() error { return m.SetRule(ctx, policy.Rule{Fact: "address.home", Domain: acme.domain}) }, 0},
		{"the end of the terms", func() error { return act(m.EndTerms(ctx, rel, today)) }, 1},
		{"a change to those that may", func() error { return act(m.Begin(ctx, moving(newHome), "")) }, 2},
		{"an exception", func() error {
			return act(m.Disclose(ctx, alone, agent.Telling{Fact: "phone", Value: firsthand.Text("1"), Purpose: "ServiceDelivery", Basis: firsthand.Basis{Exception: "once"}}))
		}, 2},
		{"the end of one", func() error { return act(m.Leave(ctx, alone, "")) }, 2},
	} {
		m.must(step.do())
		p, err := m.Plan(ctx, moving(newHome))
		if err != nil || p.Counts[agent.LeftOut] != step.leftOut {
			t.Errorf("%s: %v, %v; want %d left out", step.name, p.Counts, err, step.leftOut)
		}
		_, err = m.Plan(ctx, agent.Move{Facts: []agent.NewFact{{Fact: "phone", Value: firsthand.Text("2")}, {Fact: "address.home", Value: oldHome}}, Basis: firsthand.Basis{Right: "GDPR 16"}})
		m.must(err)
	}
}

// Moves that make no sense are refused before anything is asked.
func TestMoveIsChecked(t *testing.T) {
	m := newMover(t, agenttest.NewMemory())
	email := agent.NewFact{Fact: "email", Value: firsthand.Text("b@example.org")}
	for name, move := range map[string]agent.Move{
		"no fact":              {},
		"one twice":            {Facts: []agent.NewFact{email, email}},
		"no value":             {Facts: []agent.NewFact{{Fact: "email"}}},
		"a fact that is none":  {Facts: []agent.NewFact{{Fact: "E Mail", Value: email.Value}}},
		"the terms of another": {Facts: []agent.NewFact{email}, Basis: firsthand.Basis{Agreement: firsthand.ID{1}}},
		"two bases":            {Facts: []agent.NewFact{email}, Basis: firsthand.Basis{Right: "x", Exception: "y"}},
		"no day":               {Facts: []agent.NewFact{email}, Starts: "tomorrow"},
		"no company":           {Facts: []agent.NewFact{email}, Before: []string{"javascript:alert(1)"}},
	} {
		if _, err := m.Begin(t.Context(), move, ""); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v, want %v", name, err, fault.Invalid)
		}
	}
}

// A life that is exported has its moves, their tasks, and what she noted of them.
func TestMovesAreExported(t *testing.T) {
	m, ctx := newMover(t, agenttest.NewMemory()), t.Context()
	m.unpaired("shop.example", "address.home", oldHome)
	first, err := m.Begin(ctx, moving(newHome), "k")
	m.must(err)
	entry := leg(t, m.board(first), "shop.example").Entry
	m.must(m.Done(ctx, entry, "sent", "by post"))
	m.must(m.Remind(ctx, entry, "2027-01-01"))
	later := moving(oldHome)
	later.Starts = "2099-01-01"
	_, err = m.Begin(ctx, later, "")
	m.must(err)
	var file bytes.Buffer
	m.must(m.Export(ctx, &file))

	other := newMover(t, agenttest.NewMemory())
	other.unpaired("bank.example", "address.home", oldHome)
	_, err = other.Begin(ctx, moving(newHome), "k")
	other.must(err)
	_, err = other.Import(ctx, bytes.NewReader(file.Bytes()), int64(file.Len()))
	other.must(err)
	other.wantStep(2, "shop.example", agent.StepSent)
	other.wantStep(3, "shop.example", agent.StepScheduled)
	task, err := other.Task(ctx, entry)
	other.must(err)
	if task.Remind != "2027-01-01" || task.Note != "by post" || task.Move != 2 {
		t.Errorf("task %+v", task)
	}
	if differed, err := other.Rebuild(ctx); err != nil || len(differed) > 0 {
		t.Errorf("the caches of %v differ from the logs, %v", differed, err)
	}
}

// What she has stated of companies goes with a move, and the log takes its place.
// Guesses go only if she says so.
func TestMoveOfStatements(t *testing.T) {
	m, ctx := newMover(t, agenttest.NewMemory()), t.Context()
	m.must(m.State(ctx, agent.Statement{Domain: "shop.example", Fact: "address.home", Value: oldHome},
		agent.Statement{Domain: "bank.example", Fact: "address.home"}))
	move := moving(newHome)
	move.Basis = firsthand.Basis{Right: "GDPR 16"}
	move.Except = []string{"bank.example"}
	id, err := m.Begin(ctx, move, "")
	m.must(err)
	l := m.wantStep(id, "shop.example", agent.StepNeedsYou)
	if b := m.board(id); len(b.Legs) != 1 || !l.Old.Equal(oldHome) || l.Rel.IsZero() {
		t.Errorf("legs %+v", b.Legs)
	}
	d, err := m.Show(ctx, l.Rel)
	m.must(err)
	if len(d.State.Holdings) != 1 || d.State.Holdings[0].Origin != firsthand.Stated || !d.State.Holdings[0].Value.Equal(newHome) {
		t.Errorf("the log says %+v", d.State.Holdings)
	}
	for s, err := range m.Store.Statements(ctx, "", "") {
		m.must(err)
		if s.Domain != "bank.example" {
			t.Errorf("still stated: %+v", s)
		}
	}
	// The next move finds the log, and opens no second one.
	move.Except, move.Facts[0].Value = nil, oldHome
	id, err = m.Begin(ctx, move, "")
	m.must(err)
	if again := leg(t, m.board(id), "shop.example"); again.Rel != l.Rel || again.Leg.Of != d.State.Holdings[0].Entry {
		t.Errorf("leg %+v", again)
	}
	rows, err := m.Relationships(ctx)
	if err != nil || len(rows) != 2 {
		t.Errorf("%d relationships, %v, want 2", len(rows), err)
	}
}

// Where she has stated what a company has, and later told it, a change takes the place
// of both: nothing goes on to say that the company has the old one.
func TestMoveOfToldAndStated(t *testing.T) {
	m, ctx := newMover(t, agenttest.NewMemory()), t.Context()
	m.must(m.State(ctx, agent.Statement{Domain: "shop.example", Fact: "address.home", Value: oldHome},
		agent.Statement{Domain: "bank.example", Fact: "address.home", Value: oldHome}))
	m.unpaired("shop.example", "address.home", oldHome)
	m.must(m.SetFact(ctx, "address.home", newHome))
	move := moving(newHome)
	move.Basis, move.Except = firsthand.Basis{Right: "GDPR 16"}, []string{"bank.example"}
	_, err := m.Begin(ctx, move, "")
	m.must(err)
	held, total, err := m.HeldPage(ctx, "address.home", 0, 10)
	m.must(err)
	if total != 2 || held[0].Domain != "bank.example" || held[0].Name == "" || held[1].Domain != "shop.example" || !held[1].Value.Equal(newHome) {
		t.Errorf("%d hold it: %+v", total, held)
	}
	in, err := m.Map(ctx)
	m.must(err)
	if len(in.Facts) != 1 || in.Facts[0].Holds != 2 || in.Facts[0].Old != 1 {
		t.Errorf("the map says %+v", in.Facts)
	}
}

// What she takes back doesn't stand there again because she had stated, before she told
// it, what the company has.
func TestWithdrawnIsNotStated(t *testing.T) {
	m, ctx := newMover(t, agenttest.NewMemory()), t.Context()
	m.must(m.State(ctx, agent.Statement{Domain: "shop.example", Fact: "address.home", Value: oldHome},
		agent.Statement{Domain: "shop.example", Fact: "phone", Value: firsthand.Text("1")},
		agent.Statement{Domain: "bank.example", Fact: "address.home", Value: oldHome}))
	rel := m.unpaired("shop.example", "address.home", newHome)
	_, err := m.Withdraw(ctx, rel, "address.home")
	m.must(err)
	var left []string
	for s, err := range m.Store.Statements(ctx, "", "") {
		m.must(err)
		left = append(left, s.Domain+" "+s.Fact)
	}
	if want := []string{"bank.example address.home", "shop.example phone"}; !slices.Equal(slices.Sorted(slices.Values(left)), want) {
		t.Errorf("stated: %q, want %q", left, want)
	}
}

// What only an import lets guess is told to nobody, unless she says so.
func TestMoveOfGuesses(t *testing.T) {
	m, ctx := newMover(t, agenttest.NewMemory()), t.Context()
	m.Formats = passwords.Formats()
	i, err := m.Bring(ctx, "chrome.csv", strings.NewReader("name,url,username,password,note\nShop,https://www.shop.example/login,mia@old.example,secret,\n"), nil)
	m.must(err)
	m.must(m.Keep(ctx, i.ID))
	move := agent.Move{Facts: []agent.NewFact{{Fact: agent.MailFact, Value: firsthand.Text("mia@new.example")}}, Basis: firsthand.Basis{Right: "GDPR 16"}}
	p, err := m.Plan(ctx, move)
	m.must(err)
	if len(p.Legs) != 1 || p.Legs[0].Group != agent.LeftOut || !p.Legs[0].Guessed || !strings.Contains(p.Legs[0].Reason, "guess") {
		t.Fatalf("legs %+v", p.Legs)
	}
	id, err := m.Begin(ctx, move, "")
	m.must(err)
	m.wantStep(id, "shop.example", agent.StepLeftOut)
	move.Guesses = true
	id, err = m.Begin(ctx, move, "")
	m.must(err)
	if l := m.wantStep(id, "shop.example", agent.StepNeedsYou); l.Old.Text != "mia@old.example" {
		t.Errorf("leg %+v", l)
	}
}
