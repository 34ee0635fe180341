package world_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/fetch"
	"firsthand/internal/agent"
	"firsthand/internal/agent/channel"
	"firsthand/internal/agent/channel/mail"
	"firsthand/internal/agent/channel/manual"
	"firsthand/internal/agent/directory"
	"firsthand/internal/agent/store"
	"firsthand/internal/world"
	"firsthand/terms"
	"firsthand/wire"
)

// agentIn makes an agent in a world, as the program does.
func agentIn(t testing.TB, w *world.World, file *store.Store) *agent.Agent {
	client := wire.NewClient(fetch.New(w.Fetch()), w.Now)
	t.Cleanup(client.Close)
	return agent.New(agent.Options{Store: file, Caller: client, Roster: terms.Default(), Now: w.Now, Rand: rand.Reader, Log: logTo(t),
		Channels: []channel.Channel{mail.Mail{}, manual.Manual{}}, Mail: w.Mail(), Formats: formats(),
		OpenListing: func(ctx context.Context, path string) (*directory.File, error) { return directory.Open(ctx, nil, path) }})
}

// bringAll brings and keeps all exports. What was counted is what is in them.
func (s *stage) bringAll() {
	s.Helper()
	s.must(s.AddDirectory(s.ctx(), s.agent))
	for _, e := range world.Exports(s.clock.Now()) {
		i, err := s.agent.Bring(s.ctx(), e.Name, bytes.NewReader(e.Text), nil)
		s.must(err)
		c := i.Counts
		got := fmt.Sprint(i.Format, c.Rows, c.Bad, c.Companies, c.Unsure, c.Passwords, c.OneTimeCodes, c.Notes, c.Cards, c.Persons)
		x := e.Says
		want := fmt.Sprint(e.Format, x.Rows, x.Bad, len(x.Companies)+x.ByName, x.Unsure, x.Passwords, x.OneTimeCodes, x.Notes, x.Cards, x.Persons)
		if got != want {
			s.Errorf("%s: rows, bad, companies, unsure, passwords, codes, notes, cards, persons: %s, want %s", e.Name, got, want)
		}
		s.must(s.agent.Keep(s.ctx(), i.ID))
		again, err := s.agent.Bring(s.ctx(), e.Name, bytes.NewReader(e.Text), nil)
		s.must(err)
		if !again.Again || again.ID != i.ID {
			s.Errorf("%s brought twice: %+v", e.Name, again)
		}
	}
}

// steps returns the steps of a board's legs at a company, by fact.
func (s *stage) steps(move int64, domain string) map[string]agent.BoardLeg {
	s.Helper()
	b, err := s.agent.Board(s.ctx(), move)
	s.must(err)
	legs := map[string]agent.BoardLeg{}
	for _, l := range b.Legs {
		if l.Domain == domain {
			legs[l.Fact] = l
		}
	}
	return legs
}

// want checks the step of both facts of a move at a company.
func (s *stage) want(move int64, domain, address, phone string) {
	s.Helper()
	legs := s.steps(move, domain)
	if legs["address.home"].Step != address || legs["phone"].Step != phone {
		s.Errorf("%s: address is %q and phone %q, want %q and %q; %+v", domain, legs["address.home"].Step, legs["phone"].Step, address, phone, legs)
	}
}

// The main job from beginning to end: she brings what she has, sees who knows her,
// meets those that have a gateway, proves which customer she is, says who has her
// old address, changes it once, and follows it everywhere to the end.
func TestStory(t *testing.T) {
	t.Parallel()
	s := fresh(t)
	s.bringAll()
	m, err := s.agent.Map(s.ctx())
	s.must(err)
	if m.Companies != 40 || m.Guessed != 40 || m.Relationships != 0 {
		t.Errorf("map: %d companies, %d guessed, %d relationships; want 40, 40, 0", m.Companies, m.Guessed, m.Relationships)
	}
	suggestions, err := s.agent.Suggestions(s.ctx())
	s.must(err)
	if i := slices.IndexFunc(suggestions, func(x agent.Suggestion) bool { return x.Value.Text == world.OldEmail }); i < 0 || suggestions[i].Companies < 20 {
		t.Errorf("suggestions %+v, want more than 20 companies that know %s", suggestions, world.OldEmail)
	}

	// Who has a gateway is known once they are asked, which she says.
	domains, err := s.agent.Select(s.ctx(), agent.CompanyQuery{})
	s.must(err)
	found, err := s.agent.LookForGateways(s.ctx(), domains...)
	s.must(err)
	var with []string
	for _, f := range found {
		if f.Err == nil {
			with = append(with, f.Domain)
		}
	}
	slices.Sort(with)
	if want := []string{"gentwater.example", "kruidenbox.example", "leeszaal.example", "leiebank.example", "veloshop.example"}; !slices.Equal(with, want) {
		t.Errorf("gateways at %q, want %q", with, want)
	}

	const velo, water, bank, herbs, paper, power = "veloshop.example", "gentwater.example", "leiebank.example", "kruidenbox.example", "papierlade.example", "zonnestroom.example"
	rels := map[string]firsthand.ID{}
	for _, domain := range []string{velo, water, bank, herbs} {
		rels[domain] = s.meet(domain)
		s.bind(rels[domain], domain)
	}
	var stated []agent.Statement
	for _, domain := range []string{velo, water, bank, herbs, paper, power} {
		stated = append(stated, agent.Statement{Domain: domain, Fact: "address.home", Value: world.OldAddress, Since: "2021-05-01"},
			agent.Statement{Domain: domain, Fact: "phone", Value: firsthand.Text(world.OldPhone)})
	}
	s.must(s.agent.State(s.ctx(), stated...))
	s.must(s.agent.SetFact(s.ctx(), "address.home", world.OldAddress))
	s.pass(30 * time.Second) // the herbs go down
	if s.Company(herbs).IsUp() {
		t.Fatal("the company that falters is up")
	}

	move := agent.Move{Basis: firsthand.Basis{Right: "GDPR 16"}, Facts: []agent.NewFact{
		{Fact: "address.home", Value: world.NewAddress, Old: world.OldAddress},
		{Fact: "phone", Value: firsthand.Text(world.NewPhone), Old: firsthand.Text(world.OldPhone)}}}
	plan, err := s.agent.Plan(s.ctx(), move)
	s.must(err)
	if plan.Companies != 6 || plan.Counts[agent.Instant] != 8 || plan.Counts[agent.NeedsYou]+plan.Counts[agent.Prepared] != 4 || plan.Counts[agent.LeftOut] != 0 {
		t.Errorf("plan: %d companies, %v", plan.Companies, plan.Counts)
	}
	id, err := s.agent.Begin(s.ctx(), move, "one word for it")
	s.must(err)
	if again, err := s.agent.Begin(s.ctx(), move, "one word for it"); err != nil || again != id {
		t.Errorf("a double click: move %d, %v; want %d", again, err, id)
	}
	s.want(id, velo, agent.StepDraft, agent.StepDraft)
	s.pass(0)
	s.want(id, velo, agent.StepApplied, agent.StepApplied)
	for fact, l := range s.steps(id, velo) {
		if l.Record != s.Company(velo).Number() || l.Unproved {
			t.Errorf("%s at the shop: %+v, want proved, in record %s", fact, l, s.Company(velo).Number())
		}
	}
	s.want(id, water, agent.StepReceived, agent.StepReceived)
	s.want(id, bank, agent.StepReceived, agent.StepReceived)
	if l := s.steps(id, herbs)["address.home"]; l.Step != agent.StepDraft && l.Step != agent.StepSent || l.Tries == 0 {
		t.Errorf("at the company that is down: %+v, want not received, after tries that failed", l)
	}
	s.want(id, paper, agent.StepNeedsYou, agent.StepNeedsYou)
	s.want(id, power, agent.StepNeedsYou, agent.StepNeedsYou)

	s.pass(5 * time.Second) // somebody has looked
	s.want(id, water, agent.StepApplied, agent.StepApplied)
	s.want(id, bank, agent.StepRefused, agent.StepApplied)
	if why := s.steps(id, bank)["address.home"].Why; why == "" || why != s.outcome(rels[bank], s.steps(id, bank)["address.home"].Entry).Reason {
		t.Errorf("the bank refuses because %q", why)
	}
	for range 8 { // the herbs were missed, and come back
		s.pass(8 * time.Second)
	}
	s.want(id, herbs, agent.StepApplied, agent.StepApplied)

	// The rest is hers to carry.
	tasks, total, err := s.agent.Tasks(s.ctx(), agent.TaskQuery{Move: id})
	s.must(err)
	if total != 4 {
		t.Errorf("%d tasks, want 4", total)
	}
	for _, task := range tasks {
		whole, err := s.agent.Task(s.ctx(), task.Entry)
		s.must(err)
		if task.Domain == paper && task.Fact == "address.home" && (whole.Draft.Link == "" || len(whole.Draft.Steps) == 0) {
			t.Errorf("task at %s: %+v, want a link to its account page and what to copy", paper, whole.Draft)
		}
		s.must(s.agent.Done(s.ctx(), task.Entry, agent.StepApplied, "on their page"))
	}
	s.want(id, paper, agent.StepApplied, agent.StepApplied)
	for _, l := range s.steps(id, paper) {
		if !l.Unproved {
			t.Errorf("her own word is shown as proved: %+v", l)
		}
	}

	// What companies have is what she said, once.
	for domain, want := range map[string]firsthand.Value{velo: world.NewAddress, water: world.NewAddress, bank: world.OldAddress, herbs: world.NewAddress} {
		records := s.Company(domain).Records()
		if len(records) != 1 || !records[0].Facts["address.home"].Equal(want) || records[0].Facts["phone"].Text != world.NewPhone {
			t.Errorf("%s has %+v", domain, records)
		}
	}
	if differed, err := s.agent.Rebuild(s.ctx()); err != nil || len(differed) > 0 {
		t.Errorf("rebuilt: %v, %v", differed, err)
	}
	if err := s.Company(herbs).Up(s.ctx()); err != nil { // it may be down again
		t.Error(err)
	}
}

// What is said of a record that is not proved to be hers reaches nobody's record:
// staff ask for the proof, and act when it is there.
func TestProofComesLater(t *testing.T) {
	t.Parallel()
	s := fresh(t)
	// One where a person decides all, and one where only this is for a person.
	for _, domain := range []string{"gentwater.example", "veloshop.example"} {
		s.proofComesLater(domain)
	}
}

func (s *stage) proofComesLater(domain string) {
	s.Helper()
	rel := s.meet(domain)
	s.must(s.agent.State(s.ctx(), agent.Statement{Domain: domain, Fact: "address.home", Value: world.OldAddress}))
	id, err := s.agent.Begin(s.ctx(), agent.Move{Basis: firsthand.Basis{Right: "GDPR 16"},
		Facts: []agent.NewFact{{Fact: "address.home", Value: world.NewAddress}}}, "")
	s.must(err)
	for range 5 {
		s.pass(10 * time.Second)
	}
	if l := s.steps(id, domain)["address.home"]; l.Step != agent.StepReceived {
		s.Errorf("%s, unproved: %+v, want received and no more", domain, l)
	}
	for _, r := range s.Company(domain).Records() {
		if !r.Facts["address.home"].Equal(world.OldAddress) {
			s.Errorf("record %s was changed by somebody unproved: %v", r.Number, r.Facts)
		}
	}
	// Whoever comes in the next morning finds it waiting again.
	s.must(s.Company(domain).Down())
	s.must(s.Company(domain).Up(s.ctx()))
	for range 3 {
		s.pass(10 * time.Second)
	}
	d, err := s.agent.Show(s.ctx(), rel)
	s.must(err)
	asked := 0
	for _, m := range d.State.Messages {
		if m.Side == firsthand.Second {
			asked++
		}
	}
	if asked != 1 {
		s.Errorf("%s asked for a proof %d times, want once", domain, asked)
	}
	s.bind(rel, domain)
	s.pass(5 * time.Second)
	if l := s.steps(id, domain)["address.home"]; l.Step != agent.StepApplied || l.Record != s.Company(domain).Number() {
		s.Errorf("%s, proved: %+v, want applied", domain, l)
	}
}

// Mia's life is there, whole, sound, and in the past; and it goes on where the clock
// stands.
func TestLife(t *testing.T) {
	t.Parallel()
	c := newClock()
	dir := t.TempDir()
	w := open(t, dir, c)
	make := func(file *store.Store) *agent.Agent { return agentIn(t, w, file) }
	if w.HasLife() {
		t.Fatal("a life before it is made")
	}
	if err := w.MakeLife(t.Context(), make); err != nil {
		t.Fatal(err)
	}
	if err := w.MakeLife(t.Context(), make); err == nil {
		t.Error("a second life was made over the first")
	}
	if !w.Now().Equal(c.Now()) {
		t.Errorf("the world is left at %v", w.Now())
	}
	desk := world.NewDesk("/demo/", world.DeskOptions{World: func() *world.World { return w }})
	if page := ask(desk, "GET", "/demo/", nil).Body.String(); !strings.Contains(page, world.Passphrase) {
		t.Error("the page behind the scenes lacks the passphrase")
	}
	file, err := store.Open(t.Context(), w.LifeDir(), store.Passphrase([]byte(world.Passphrase)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	s := &stage{TB: t, World: w, clock: c, agent: make(file)}
	m, err := s.agent.Map(s.ctx())
	s.must(err)
	held := map[string]agent.FactInsight{}
	for _, f := range m.Facts {
		held[f.Fact] = f
	}
	if m.Companies != 40 || m.Guessed != 0 || m.Relationships < 4 || held["address.home"].Old < 15 || held["email"].Holds < 20 {
		t.Errorf("map: %+v", m)
	}
	// What recurs at her bank is known, and one thing needs her.
	contracts, err := s.agent.Contracts(s.ctx())
	s.must(err)
	var names []string
	silent, dearer, stopped, hers := 0, 0, 0, 0
	for _, k := range contracts {
		names = append(names, fmt.Sprintf("%s (%s) %s %s", k.Name, k.Domain, k.Price, k.Period))
		for count, is := range map[*int]bool{&silent: k.Silent != "", &dearer: len(k.Changes) > 0, &stopped: k.Stopped, &hers: !k.Guessed} {
			if is {
				*count++
			}
		}
	}
	if len(contracts) != 10 || silent < 1 || dearer != 1 || stopped != 1 || hers != 2 {
		t.Errorf("%d contracts, %d silent, %d dearer, %d stopped, %d hers:\n%s", len(contracts), silent, dearer, stopped, hers, strings.Join(names, "\n"))
	}
	if due, err := s.agent.Reminders(s.ctx(), 30); err != nil || len(due) != 1 || due[0].Domain != "polderpolis.example" {
		t.Errorf("reminders: %+v, %v", due, err)
	}
	moves, err := s.agent.Moves(s.ctx())
	s.must(err)
	change := slices.IndexFunc(moves, func(m agent.MoveRow) bool { return m.Move.Claim.IsZero() })
	if len(moves) != 4 || change < 0 || c.Now().Sub(moves[change].Began) < 20*24*time.Hour {
		t.Fatalf("moves: %+v", moves)
	}
	board, err := s.agent.Board(s.ctx(), moves[change].ID)
	s.must(err)
	s.mailOfLife()
	for _, step := range []string{agent.StepApplied, agent.StepRefused, agent.StepSent, agent.StepNeedsYou} {
		if board.Counts[step] == 0 {
			t.Errorf("the board has nothing that is %s: %v", step, board.Counts)
		}
	}
	rows, err := s.agent.Relationships(s.ctx())
	s.must(err)
	bound := 0
	for _, r := range rows {
		if !r.Opened.Before(c.Now()) {
			t.Errorf("%s was opened at %v, and now is %v", r.Domain, r.Opened, c.Now())
		}
		b, err := s.agent.Bundle(s.ctx(), r.ID)
		s.must(err)
		if _, err := b.Verify(); err != nil {
			t.Errorf("%s: %v", r.Domain, err)
		}
		if s.summary(r.ID).Bound {
			bound++
		}
	}
	if bound != 4 {
		t.Errorf("%d relationships are bound, want 4", bound)
	}

	// She tells her new address; who has a mail address hears of it by mail.
	id, err := s.agent.Begin(s.ctx(), agent.Move{Basis: firsthand.Basis{Right: "GDPR 16"},
		Facts: []agent.NewFact{{Fact: "address.home", Value: world.NewAddress}}}, "")
	s.must(err)
	s.mails(0)
	for range 8 {
		s.pass(8 * time.Second)
	}
	board, err = s.agent.Board(s.ctx(), id)
	s.must(err)
	got := map[string]string{}
	for _, l := range board.Legs {
		got[l.Domain] = l.Step
	}
	for domain, want := range map[string]string{"veloshop.example": agent.StepApplied, "gentwater.example": agent.StepApplied,
		"leiebank.example": agent.StepRefused, "kruidenbox.example": agent.StepApplied, "zonnestroom.example": agent.StepSent, "treinkaart.example": agent.StepNeedsYou} {
		if got[domain] != want {
			t.Errorf("%s: %q, want %q", domain, got[domain], want)
		}
	}
	s.must(file.Close())
	s.must(w.Close())
	s.must(world.Reset(dir))
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("after a reset: %q", left)
	}
}
