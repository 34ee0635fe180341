package agenttest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/directory"
	"firsthand/logtest"
)

// all returns a Commit that has every part, on a store that has p with a message
// at its end, q, draft 1 and the labels 0 to 9.
func all(t testing.TB, p, q *logtest.Pair) agent.Commit {
	t.Helper()
	m := p.Log(firsthand.First)[1]
	r := row(p, "moved.example")
	out := agent.Relationship{ID: p.Rel(), Sent: 3, Failure: "unavailable"}
	c := agent.Commit{
		Relationships: []agent.Relationship{r, full(t, firsthand.ID{1})},
		Replace:       []agent.Place{{Rel: p.Rel(), Side: firsthand.First, Seq: m.Seq}},
		Entries:       []firsthand.Entry{logtest.NewPair(t, "acme").Fork(t).Say(t, firsthand.First, "instead")},
		Receipts:      []agent.Received{receipt(p, p.Log(firsthand.First)[0], noon)},
		Evidence:      []agent.Evidence{{Entry: m, Why: "lost"}},
		Holdings:      map[firsthand.ID][]agent.Holder{p.Rel(): {holder(t, p.Rel(), "acme.example", "email", firsthand.Text("jo@example.org"))}},
		Forget:        []firsthand.ID{q.Rel()},
		Facts:         []agent.Fact{{Name: "email", Value: firsthand.Text("jo@example.org"), Updated: noon}},
		AddDrafts:     []agent.Draft{{Rel: p.Rel(), Body: []byte("{}"), Made: noon, Move: 1, Leg: 1}},
		DropDrafts:    []int64{1},
		AddLabels:     nextKeys(100, 110),
		TakeLabels:    []firsthand.Label{nextKey(105).Label},
		EmptyBook:     true,
		Settings:      map[string]string{"language": "nl"},
		Carried:       map[firsthand.ID][]agent.Carried{p.Rel(): {fullCarried(t, p.Rel(), firsthand.ID{11}, 2)}},
		Waiting:       map[firsthand.ID][]agent.Waiting{p.Rel(): {fullWaiting(t, p.Rel(), r.Domain, "ask", 0)}},
		Later:         map[string]firsthand.Date{"other": today},
		Masks:         []agent.Mask{fullMask(t, "x7k2q9ab", 0)},
		Leaks:         []agent.Leak{fullLeak(t, "x7k2q9ab", "leak.example")},
		Outbox:        []agent.Relationship{out},
		Moves:         []agent.MoveRow{fullMove(t, 1, "k")},
		Legs:          map[int64][]agent.LegRow{1: {fullLeg(t, p.Rel(), 1, 1, firsthand.ID{})}},
		LegEntries:    []agent.LegEntry{{Move: 1, N: 1, Entry: firsthand.ID{11}}},
		Reminders:     map[firsthand.ID]firsthand.Date{{11}: today},

		Contracts:     []agent.ContractRow{{ID: 1, Name: "Acme", Added: noon}},
		DropContracts: []int64{2},

		Edits:       []agent.CompanyEdit{confirm("confirmed.example")},
		State:       []agent.Statement{{Domain: "one.example", Fact: "phone", Value: firsthand.Text("1")}},
		Unstate:     []agent.FactAt{{Domain: "two.example", Fact: "phone"}},
		Assign:      []agent.Assignment{{Account: 2<<32 + 1, Domain: "three.example"}},
		KeepImports: []int64{2}, UndoImports: []int64{1}, Drop: []string{"two.example"},
		SetListings: []agent.ListingSet{listing("new", directory.Record{Key: "1", Hosts: []string{"one.example"}})}, DropListings: []string{"old"},

		Mails:   []agent.Mail{fullMail(t, p.Rel(), firsthand.ID{11})},
		Answers: []agent.Answer{fullAnswer(t, p.Rel(), 1), fullAnswer(t, p.Rel(), 2)}, DropAnswers: []int64{2},

		Documents: []agent.Document{{ID: 1, Entry: firsthand.ID{12}}}, DropDocuments: []int64{2},
	}
	c.Answers[0].Blobs, c.Answers[1].Blobs = nil, nil
	noZero(t, c)
	return c
}

// outboxOf returns what the outbox has to know of rows.
func outboxOf(rows ...agent.Relationship) (all []agent.Outgoing) {
	for _, r := range rows {
		all = append(all, r.Outgoing())
	}
	slices.SortFunc(all, func(a, b agent.Outgoing) int { return slices.Compare(a.Rel[:], b.Rel[:]) })
	return all
}

// prepared returns a store on which all may be committed.
func prepared(t testing.TB, f Fixture) (s agent.Store, p, q *logtest.Pair, rels []firsthand.ID) {
	p, q = logtest.NewPair(t, "acme"), logtest.NewPair(t, "brasserie")
	p.Say(t, firsthand.First, "at the end")
	s = met(t, f, p, q)
	commit(t, s, agent.Commit{AddDrafts: []agent.Draft{{Rel: p.Rel(), Body: []byte("[]"), Made: noon}}, AddLabels: nextKeys(0, 10),
		SetListings: []agent.ListingSet{listing("old", directory.Record{Key: "1", Hosts: []string{"one.example"}})}})
	for i, domain := range []string{"one.example", "three.example"} {
		commit(t, s, agent.Commit{Documents: []agent.Document{of(fullDocument(t, domain, 1), blob(t, s, []byte(domain), fmt.Sprint(i)))}})
	}
	bring(t, s, account(t, "one.example", "mia@old.example"))
	bring(t, s, account(t, "one.example", "mia@old.example"), account(t, "two.example", "mia@old.example"))
	return s, p, q, []firsthand.ID{p.Rel(), q.Rel(), {1}}
}

var wholeChecks = []check{
	{"a commit with every part", func(t testing.TB, f Fixture) {
		s, p, q, rels := prepared(t, f)
		c := all(t, p, q)
		commit(t, s, c)
		first := logtest.NewPair(t, "acme").Log(firsthand.First)
		first = append(first, c.Entries...)
		one, draft := full(t, firsthand.ID{1}), c.AddDrafts[0]
		moved := c.Relationships[0]
		moved.Sent, moved.Failure = 3, "unavailable"
		draft.ID, draft.Made = 1, draft.Made.UTC()
		carried := c.Carried[p.Rel()][0]
		leg := agent.LegState{LegRow: fullLeg(t, p.Rel(), 1, 1, firsthand.ID{11}), Carried: carried, Sent: 3, Failure: "unavailable"}
		task := agent.Task{Entry: carried.Entry, Rel: p.Rel(), Domain: moved.Domain, Name: moved.Name, Kind: carried.Kind, Fact: carried.Fact,
			Made: carried.Made, Due: carried.Due, Remind: today, Step: carried.Step, Note: carried.Why, Noted: carried.Noted, Move: 1}
		mail, answer := c.Mails[0], c.Answers[0]
		answer.ID, mail.Held = 1, true
		document := of(fullDocument(t, "one.example", 1), blob(t, s, []byte("one.example"), "0")) // is there
		document.ID, document.Entry = 1, c.Documents[0].Entry
		fact := c.Facts[0]
		fact.Updated = fact.Updated.UTC()
		wantSame(t, dump(t, s, rels, "language"), everything{
			Relationships: []agent.Relationship{one, moved}, // by the time of opening
			Each: []eachOf{
				{ID: p.Rel(), Known: true, Heads: [2]firsthand.Head{c.Entries[0].Head(), p.Log(firsthand.Second)[0].Head()},
					First: first, Second: p.Log(firsthand.Second), Receipts: [][]byte{c.Receipts[0].Signed}, Evidence: c.Evidence,
					Drafts: []agent.Draft{draft}, Carried: c.Carried[p.Rel()], Waiting: c.Waiting[p.Rel()]},
				{ID: q.Rel()},
				{ID: one.ID, Known: true},
			},
			Holders: c.Holdings[p.Rel()], Facts: []agent.Fact{fact}, Labels: 9, HasLabel: true, Settings: []string{"nl"},
			Outbox: outboxOf(one, moved), Held: map[firsthand.ID][]int64{p.Rel(): {2}}, Moves: []moveOf{{c.Moves[0], []agent.LegState{leg}}}, Tasks: []agent.Task{task}, Reminders: 1,
			Mails: []agent.Mail{mail}, Answers: []agent.Answer{answer}, Documents: []agent.Document{document},
			Waits: c.Waiting[p.Rel()], Later: c.Later, Masks: c.Masks, Leaks: c.Leaks,
		})
	}},
	{"a commit that is refused changes nothing", func(t testing.TB, f Fixture) {
		s, p, q, rels := prepared(t, f)
		c := all(t, p, q)
		bad := c
		bad.Entries = append(bad.Entries[:1:1], p.Log(firsthand.Second)[0]) // is there already
		wantConflict(t, s, bad, rels...)
		for _, label := range []firsthand.Label{nextKey(1).Label, {99}} { // emptied, and unknown
			bad = c
			bad.TakeLabels = append(bad.TakeLabels[:1:1], label)
			wantConflict(t, s, bad, rels...)
		}
		commit(t, s, c) // and the same is taken when it is right
	}},
	{"a context that has ended", func(t testing.TB, f Fixture) {
		s, p, q, rels := prepared(t, f)
		before := dump(t, s, rels, "language")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Commit(ctx, all(t, p, q)); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("commit = %v, want %v", err, fault.Unavailable)
		}
		wantSame(t, dump(t, s, rels, "language"), before)
		if _, err := s.Relationships(ctx); err == nil {
			t.Error("a list was read in spite of it")
		}
		for _, err := range s.Holders(ctx, "") {
			if err != nil {
				return
			}
		}
		t.Error("holders were read in spite of it")
	}},
	{"what was committed outlasts the program", func(t testing.TB, f Fixture) {
		if f.Reopen == nil {
			return
		}
		s, p, q, rels := prepared(t, f)
		commit(t, s, all(t, p, q))
		before := dump(t, s, rels, "language")
		s = f.Reopen(t, s)
		wantSame(t, dump(t, s, rels, "language"), before)
		wantConflict(t, s, agent.Commit{TakeLabels: []firsthand.Label{nextKey(105).Label}}, rels...)
	}},
	{"commits at the same time", func(t testing.TB, f Fixture) {
		const n, each = 8, 10
		s := f.Open(t)
		var pairs [n]*logtest.Pair
		for i := range pairs {
			pairs[i] = logtest.NewPair(t, fmt.Sprint("company ", i))
			for k := range each {
				pairs[i].Say(t, firsthand.First, fmt.Sprint(k))
			}
		}
		var wg sync.WaitGroup
		for _, p := range pairs {
			wg.Go(func() {
				for k, e := range p.All() {
					r := row(p, "acme.example")
					r.Tries = k + 1
					err := s.Commit(t.Context(), agent.Commit{Relationships: []agent.Relationship{r}, Entries: []firsthand.Entry{e}})
					if err != nil {
						t.Errorf("commit: %v", err)
						return
					}
					got, err := s.Relationship(t.Context(), p.Rel())
					if head, herr := s.Head(t.Context(), p.Rel(), e.Side); err != nil || herr != nil || got.Tries != k+1 || head != e.Head() {
						t.Errorf("own write not read: %+v, %v, %v", got, head, errors.Join(err, herr))
					}
				}
			})
		}
		wg.Wait()
		for _, p := range pairs {
			wantLogs(t, s, p)
		}
	}},
	{"random commits, compared with a Memory", func(t testing.TB, f Fixture) {
		s, m := f.Open(t), NewMemory()
		w := newWalk(t, rand.New(rand.NewPCG(1, 2)))
		for step := range 60 {
			w.bring(t, s, m)
			c := w.commit(t)
			w.documents(t, &c, s, m)
			got, want := s.Commit(t.Context(), c), m.Commit(t.Context(), c)
			if fault.KindOf(got) != fault.KindOf(want) || (got == nil) != (want == nil) {
				t.Fatalf("step %d: commit = %v, want %v", step, got, want)
			}
			w.committed(want == nil)
			if f.Reopen != nil && step%25 == 24 {
				s = f.Reopen(t, s)
			}
			wantSame(t, dump(t, s, w.rels, w.settings...), dump(t, m, w.rels, w.settings...))
			if t.Failed() {
				t.Fatalf("step %d: after %+v", step, c)
			}
		}
	}},
}

// A walk makes random commits: about one in four is refused.
type walk struct {
	rng      *rand.Rand
	pairs    []*logtest.Pair
	next     []*logtest.Pair // pairs if the commit is taken
	rels     []firsthand.ID
	settings []string
	labels   int
	imports  int64 // the number of the last
}

func newWalk(t testing.TB, rng *rand.Rand) *walk {
	w := &walk{rng: rng, settings: []string{"a", "b", "c"}}
	for _, name := range []string{"acme", "brasserie", "clinic"} {
		w.pairs = append(w.pairs, logtest.NewPair(t, name))
	}
	for _, p := range w.pairs {
		w.rels = append(w.rels, p.Rel())
	}
	return w
}

func (w *walk) chance(of int) bool { return w.rng.IntN(of) == 0 }

func (w *walk) side() firsthand.Side {
	if w.chance(2) {
		return firsthand.First
	}
	return firsthand.Second
}

func (w *walk) committed(taken bool) {
	if taken {
		w.pairs = w.next
	}
}

// commit returns the next commit. A pair stands for what the store has, or for
// what it is about to have.
func (w *walk) commit(t testing.TB) (c agent.Commit) {
	w.next = append([]*logtest.Pair(nil), w.pairs...)
	c.Holdings, c.Settings = map[firsthand.ID][]agent.Holder{}, map[string]string{}
	for i := range w.next {
		if w.chance(2) {
			w.relationship(t, i, &c)
		}
	}
	if w.chance(3) {
		c.Facts = append(c.Facts, agent.Fact{Name: fmt.Sprint("fact", w.rng.IntN(3)), Value: w.value(), Updated: w.time()})
	}
	if w.chance(4) {
		c.DropDrafts = append(c.DropDrafts, 1+w.rng.Int64N(20))
	}
	if w.chance(4) {
		c.AddLabels = nextKeys(w.labels, w.labels+w.rng.IntN(4))
		w.labels += w.rng.IntN(4)
	}
	if w.chance(4) {
		c.TakeLabels = append(c.TakeLabels, nextKey(w.rng.IntN(w.labels+1)).Label)
	}
	w.move(t, &c)
	w.mail(t, &c)
	c.EmptyBook = w.chance(12)
	if w.chance(3) {
		c.Settings[w.settings[w.rng.IntN(3)]] = w.text()
	}
	if w.chance(2) {
		w.companies(&c)
	}
	return c
}

// move adds something about moves: legs of entries that there may be, in any order.
func (w *walk) move(t testing.TB, c *agent.Commit) {
	c.Legs, c.Carried, c.Reminders = map[int64][]agent.LegRow{}, map[firsthand.ID][]agent.Carried{}, map[firsthand.ID]firsthand.Date{}
	id := 1 + w.rng.Int64N(3)
	if w.chance(3) {
		m := fullMove(t, id, fmt.Sprint("key", w.rng.IntN(4)))
		m.Paused = w.chance(2)
		c.Moves = append(c.Moves, m)
	}
	if w.chance(3) {
		c.Legs[id] = nil
		for n := range w.rng.IntN(4) {
			c.Legs[id] = append(c.Legs[id], fullLeg(t, w.rels[w.rng.IntN(3)], id, n+1, w.entry()))
		}
	}
	if w.chance(4) {
		c.LegEntries = append(c.LegEntries, agent.LegEntry{Move: id, N: 1 + w.rng.IntN(3), Entry: w.entry(), Reason: w.text()})
	}
	if w.chance(3) {
		c.Reminders[firsthand.ID{byte(1 + w.rng.IntN(9))}] = []firsthand.Date{"", "2026-11-20", "2026-12-01"}[w.rng.IntN(3)]
	}
	c.Waiting, c.Later = map[firsthand.ID][]agent.Waiting{}, map[string]firsthand.Date{}
	if w.chance(3) {
		c.Later[fmt.Sprint("w", w.rng.IntN(5))] = []firsthand.Date{"", "2026-11-20", today, agent.Never}[w.rng.IntN(4)]
	}
	if w.chance(4) {
		c.Masks = append(c.Masks, fullMask(t, fmt.Sprint("m", w.rng.IntN(3)), w.rng.IntN(5)))
		c.Leaks = append(c.Leaks, fullLeak(t, fmt.Sprint("m", w.rng.IntN(3)), fmt.Sprint(w.rng.IntN(3), ".example")))
	}
	for i, rel := range w.rels {
		if w.chance(3) {
			c.Waiting[rel] = nil
			for n := range w.rng.IntN(3) {
				row := fullWaiting(t, rel, "acme.example", fmt.Sprint("w", 2*i+n), w.rng.IntN(9))
				row.Until = []firsthand.Date{"", "2026-11-20", "2026-12-01"}[w.rng.IntN(3)]
				c.Waiting[rel] = append(c.Waiting[rel], row)
			}
		}
		if !w.chance(3) {
			continue
		}
		c.Carried[rel] = nil
		for n := range 3 { // the entries 1 to 3 are of the first, 4 to 6 of the second …
			if w.chance(2) {
				row := fullCarried(t, rel, firsthand.ID{byte(1 + 3*i + n)}, int64(n+1))
				row.Step, row.Unpaired, row.Why = []string{"", "sent", "applied"}[w.rng.IntN(3)], w.chance(2), w.text()
				c.Carried[rel] = append(c.Carried[rel], row)
			}
		}
		if w.chance(2) {
			c.Outbox = append(c.Outbox, agent.Relationship{ID: rel, Received: firsthand.Head{Seq: w.rng.Int64N(4)}, Failure: w.text(), NextTry: w.time()})
		}
	}
}

// entry returns the ID of an entry that may be on its way, or none.
func (w *walk) entry() firsthand.ID { return firsthand.ID{byte(w.rng.IntN(10))} }

func (w *walk) relationship(t testing.TB, i int, c *agent.Commit) {
	p := w.next[i].Fork(t)
	w.next[i] = p
	if w.chance(2) {
		r := row(p, []string{w.text() + ".example", "shop." + w.domain()}[w.rng.IntN(2)])
		r.Summary = firsthand.EncodeJSON(agent.Summary{Step: "reachable", Closed: w.chance(2), Facts: []string{"fact1"}, Asks: w.rng.IntN(2), Due: "2027-01-02"})
		r.Opened, r.Tries, r.Failure = w.time(), w.rng.IntN(9), w.text()
		c.Relationships = append(c.Relationships, r)
	}
	has := len(p.All()) > 2
	if !has && w.chance(2) { // the first time
		c.Entries = append(c.Entries, p.All()...)
	}
	for range w.rng.IntN(4) {
		c.Entries = append(c.Entries, p.Say(t, w.side(), w.text()))
	}
	if n := len(c.Entries); n > 0 && w.chance(3) {
		if e := c.Entries[w.rng.IntN(n)]; e.Kind() == "message" && e.Relationship() == p.Rel() {
			c.Entries = append(c.Entries, p.Erase(t, w.side(), e))
		}
	}
	if last := p.Log(firsthand.First); w.chance(3) {
		c.Receipts = append(c.Receipts, receipt(p, last[w.rng.IntN(len(last))], w.time()))
	}
	if w.chance(6) {
		c.Evidence = append(c.Evidence, agent.Evidence{Entry: p.Fork(t).Say(t, w.side(), w.text()), Why: w.text()})
	}
	if w.chance(2) {
		rows := []agent.Holder{}
		for range w.rng.IntN(4) {
			rows = append(rows, agent.Holder{Rel: p.Rel(), Domain: w.text(), Entry: firsthand.ID{byte(w.rng.IntN(9))}, Fact: fmt.Sprint("fact", w.rng.IntN(3)),
				Value: w.value(), Origin: firsthand.Told, Since: w.time()})
		}
		c.Holdings[p.Rel()] = rows
	}
	if w.chance(3) {
		c.AddDrafts = append(c.AddDrafts, agent.Draft{Rel: p.Rel(), Body: []byte(w.text()), Made: w.time(), Move: w.rng.Int64N(3), Leg: w.rng.IntN(3)})
	}
	if w.chance(15) {
		c.Forget = append(c.Forget, p.Rel())
		w.next[i] = logtest.NewPair(t, []string{"acme", "brasserie", "clinic"}[i])
	}
}

func (w *walk) text() string { return fmt.Sprint(w.rng.IntN(1000)) }

func (w *walk) time() time.Time { return noon.Add(time.Duration(w.rng.Int64N(1e15))) }

func (w *walk) value() firsthand.Value {
	switch w.rng.IntN(4) {
	case 0:
		return firsthand.Value{}
	case 1:
		return firsthand.Value{Parts: map[string]string{"street": w.text(), "city": w.text()}}
	}
	return firsthand.Text(w.text())
}
