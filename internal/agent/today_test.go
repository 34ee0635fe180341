package agent_test

import (
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
)

// cards returns what needs her, in order: "ask acme.example".
func (m *mover) cards(backup time.Time) (cards []agent.Card, words string) {
	m.t.Helper()
	t, err := m.Today(m.t.Context(), backup, 50)
	m.must(err)
	if t.Total != len(t.Cards) {
		m.t.Errorf("%d cards of %d", len(t.Cards), t.Total)
	}
	var all []string
	for _, c := range t.Cards {
		all = append(all, strings.TrimSpace(c.What+" "+c.Domain))
	}
	return t.Cards, strings.Join(all, ", ")
}

// All that can wait for her comes, in its place, and goes when she has done it: Today
// reaches zero.
func TestToday(t *testing.T) {
	t.Parallel()
	m, ctx := newMover(t, newFile(t)), t.Context()
	now := time.Now()
	if _, words := m.cards(time.Time{}); words != "" {
		t.Errorf("a new file: %s", words)
	}

	acme := newCompany(t, "acme")
	rel := m.agreed(acme, "phone", firsthand.Text("1"))
	m.must(acme.gw.Say(ctx, "ann", rel, &firsthand.Ask{Fact: "birth_date", Purpose: "CustomerCare", Why: "To congratulate you."}))
	m.flush(rel)
	ask := lastOf(t, m, rel, firsthand.Second)
	m.must(acme.gw.Say(ctx, "ann", rel, &firsthand.Message{Text: "Welcome."}))
	m.flush(rel)
	_, words := m.cards(now)
	if want := "ask " + acme.domain + ", message " + acme.domain; words != want {
		t.Errorf("after an ask and a message: %s, want %s", words, want)
	}
	if _, words := m.cards(time.Time{}); !strings.HasSuffix(words, ", backup") {
		t.Errorf("without a second copy: %s", words)
	}
	if _, words := m.cards(now.AddDate(0, 0, -31)); !strings.HasPrefix(words, "backup, ") { // since yesterday
		t.Errorf("with an old copy: %s", words)
	}

	_, err := m.Decline(ctx, rel, ask, "")
	m.must(err)
	cards, words := m.cards(now)
	if words != "message "+acme.domain {
		t.Errorf("after she declined: %s", words)
	}
	if !cards[0].ForGood() || cards[0].Name == "" {
		t.Errorf("a message: %+v", cards[0])
	}
	m.must(m.PutOff(ctx, agent.Never, cards[0].Key))
	if _, words := m.cards(now); words != "" {
		t.Errorf("after she has seen it: %s", words)
	}
	m.must(acme.gw.Say(ctx, "ann", rel, &firsthand.Message{Text: "Hello?"}))
	m.flush(rel)
	if _, words := m.cards(now); words != "message "+acme.domain {
		t.Errorf("after another message: %s", words)
	}
	_, err = m.Message(ctx, rel, firsthand.ID{}, "Hello.")
	m.must(err)
	if _, words := m.cards(now); words != "" {
		t.Errorf("after she wrote back: %s", words)
	}

	// A company that she tells by herself: it owes from when she has told it.
	other := m.unpaired("other.example", "phone", firsthand.Text("1"))
	_, err = m.Request(ctx, other, firsthand.Request{Right: "access", Law: "GDPR", Due: firsthand.DateOf(now.AddDate(0, 1, 0))})
	m.must(err)
	request := lastOf(t, m, other, firsthand.First)
	if cards, words := m.cards(now); words != "tasks" || cards[0].N != 2 {
		t.Errorf("with two tasks: %s, %+v", words, cards)
	}
	m.set(now.AddDate(0, 2, 0))
	later := m.clock()
	if _, words := m.cards(later); words != "tasks" {
		t.Errorf("two months later, nothing told: %s", words)
	}
	m.must(m.Done(ctx, request, agent.StepSent, ""))
	if _, words := m.cards(later); words != "tasks, late other.example" {
		t.Errorf("told, and no answer in time: %s", words)
	}
	m.must(m.Remind(ctx, request, firsthand.DateOf(later.AddDate(0, 0, -1))))
	if cards, words := m.cards(later); words != "tasks, late other.example, task other.example" || cards[0].N != 1 {
		t.Errorf("with a reminder: %s", words)
	}
	m.must(m.Done(ctx, request, agent.StepApplied, ""))
	tasks, _, err := m.Tasks(ctx, agent.TaskQuery{Show: "all"})
	m.must(err)
	for _, task := range tasks {
		m.must(m.Done(ctx, task.Entry, agent.StepApplied, ""))
	}
	if _, words := m.cards(later); words != "" {
		t.Errorf("all done: %s", words)
	}

	differed, err := m.Rebuild(ctx)
	if err != nil || len(differed) > 0 {
		t.Errorf("what is cached differs from the logs: %v, %v", differed, err)
	}
}

// A card that is put off comes back on its day, or when she wants.
func TestPutOff(t *testing.T) {
	t.Parallel()
	m, ctx := newMover(t, newFile(t)), t.Context()
	now := time.Date(2026, 11, 21, 21, 47, 0, 0, time.UTC)
	m.set(now)
	m.unpaired("other.example", "phone", firsthand.Text("1"))
	cards, words := m.cards(now)
	if words != "tasks" {
		t.Fatalf("cards: %s", words)
	}
	for _, day := range []firsthand.Date{"", "2026-11-21", "2026-11-20", "tomorrow"} {
		if err := m.PutOff(ctx, day, cards[0].Key); fault.KindOf(err) != fault.Invalid || fault.HintOf(err) == "" {
			t.Errorf("put off until %q = %v", day, err)
		}
	}
	if err := m.PutOff(ctx, "2026-11-22", "a\nkey"); fault.KindOf(err) != fault.Invalid {
		t.Errorf("put off what is no card = %v", err)
	}
	m.must(m.PutOff(ctx, "2026-11-28", cards[0].Key))
	day, err := m.Today(ctx, now, 9)
	m.must(err)
	if len(day.Cards) != 0 || day.Total != 0 || day.Later != 1 || day.Next != "2026-11-28" {
		t.Errorf("put off: %+v", day)
	}
	m.set(now.AddDate(0, 0, 7))
	if _, words := m.cards(m.clock()); words != "tasks" {
		t.Errorf("on its day: %s", words)
	}
	m.set(now)
	m.must(m.BringBack(ctx))
	if _, words := m.cards(now); words != "tasks" {
		t.Errorf("brought back: %s", words)
	}
}

// lastOf returns the last entry of one side.
func lastOf(t *testing.T, m *mover, rel firsthand.ID, side firsthand.Side) firsthand.ID {
	t.Helper()
	entries, err := firsthand.Collect(m.Store.Entries(t.Context(), rel, side, 0))
	m.must(err)
	return entries[len(entries)-1].ID
}
