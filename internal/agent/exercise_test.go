package agent_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/agenttest"
	"firsthand/internal/agent/channel"
	"firsthand/internal/agent/channel/letter"
	"firsthand/internal/agent/channel/manual"
	"firsthand/internal/agent/importer/passwords"
)

// One right, claimed once and everywhere: the law that holds, its clock, who is left
// out and why, and how far each has come.
func TestClaimStory(t *testing.T) {
	m, ctx := newMover(t, newFile(t)), t.Context()
	m.set(time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC))
	acme := newCompany(t, "acme")
	atAcme := m.agreed(acme, "email", firsthand.Text("mia@old.example"))
	atShop := m.unpaired("shop.example", "email", firsthand.Text("mia@old.example"))
	m.must(m.AddCompany(ctx, "cinema.example", "Cinema"))
	m.must(m.SetFact(ctx, "address.home", firsthand.Value{Parts: map[string]string{"street": "Graslei 2", "city": "Gent", "country": "Belgium"}}))

	move := agent.Move{Claim: agent.Claim{Right: "access"}}
	p, err := m.Plan(ctx, move)
	m.must(err)
	if p.Companies != 3 || p.Counts[agent.Instant] != 1 || p.Counts[agent.NeedsYou] != 2 || p.Labels != 1 {
		t.Fatalf("plan %v of %d companies with %d logs", p.Counts, p.Companies, p.Labels)
	}
	for _, l := range p.Legs {
		// 30 December 2026 is a Wednesday.
		if l.Law != "GDPR" || l.Due != "2026-12-30" || l.Basis.Right != "GDPR 15" || !strings.Contains(l.Reason, "where you live") {
			t.Errorf("leg %+v", l)
		}
	}
	id, err := m.Begin(ctx, move, "claim 1")
	m.must(err)
	again, err := m.Begin(ctx, move, "claim 1")
	if err != nil || again != id {
		t.Fatalf("a second click is move %d, %v", again, err)
	}
	m.wantStep(id, acme.domain, agent.StepDraft)
	m.wantStep(id, "cinema.example", agent.StepNeedsYou)
	m.flush(atAcme)
	if l := m.wantStep(id, acme.domain, agent.StepReceived); l.Of < 29 || l.Day != 1 {
		t.Errorf("its clock: day %d of %d", l.Day, l.Of)
	}
	task, err := m.Task(ctx, m.wantStep(id, "shop.example", agent.StepNeedsYou).Entry)
	if err != nil || task.Due != "2026-12-30" || !strings.Contains(task.Draft.Text, "GDPR") {
		t.Errorf("task %+v, %v", task, err)
	}
	m.must(m.Done(ctx, task.Entry, "applied", "they sent a file"))
	m.wantStep(id, "shop.example", agent.StepApplied)

	// Nobody is asked twice for what is still due, and again for what was answered.
	p, err = m.Plan(ctx, move)
	m.must(err)
	for _, l := range p.Legs {
		if left := l.Group == agent.LeftOut; left != (l.Domain != "shop.example") || left && !strings.Contains(l.Reason, "2026-12-30") {
			t.Errorf("asked again: %+v", l)
		}
	}
	// The day passes, and what is still open has no answer.
	m.set(time.Date(2027, 1, 1, 10, 0, 0, 0, time.UTC))
	m.wantStep(id, acme.domain, agent.StepNoAnswer)

	d, err := m.Show(ctx, atAcme)
	m.must(err)
	if r := d.State.Requests; len(r) != 1 || r[0].Say.Right != "access" || r[0].Say.Law != "GDPR" || r[0].Due != "2026-12-30" {
		t.Errorf("her log says %+v", r)
	}
	if b := m.board(id); b.Move.Claim.IsZero() || b.Move.Claim.Right != "access" {
		t.Errorf("the board has lost what it is about: %+v", b.Move)
	}
	if r, err := m.Show(ctx, atShop); err != nil || len(r.State.Requests) != 1 {
		t.Errorf("the shop's log: %v", err)
	}
	// It needs more time, and answers in part then.
	ask := d.State.Requests[0].Entry
	say := func(a *firsthand.Answer) {
		t.Helper()
		a.Request = ask
		m.must(acme.gw.Say(ctx, "ann", atAcme, a))
		m.flush(atAcme)
	}
	say(&firsthand.Answer{Outcome: "extended", Text: "many files", Due: "2027-02-28"})
	if l := m.wantStep(id, acme.domain, agent.StepReceived); !strings.Contains(l.Why, "many files") || l.Of < 90 {
		t.Errorf("with more time: %+v", l)
	}
	say(&firsthand.Answer{Outcome: "partly", Text: "without the logs"})
	if l := m.wantStep(id, acme.domain, agent.StepApplied); l.Why != "in part: without the logs" || l.Unproved {
		t.Errorf("answered: %+v", l)
	}
	if differed, err := m.Rebuild(ctx); err != nil || len(differed) > 0 {
		t.Errorf("rebuild: %+v, %v", differed, err)
	}
}

func TestClaimsAreChecked(t *testing.T) {
	m, ctx := newMover(t, agenttest.NewMemory()), t.Context()
	for why, move := range map[string]agent.Move{
		"no such right":        {Claim: agent.Claim{Right: "forget"}},
		"not under that law":   {Claim: agent.Claim{Right: "object", Law: "CCPA"}},
		"a change and a right": {Claim: agent.Claim{Right: "access"}, Facts: []agent.NewFact{{Fact: "email", Value: firsthand.Text("a@b.example")}}},
		"no fact":              {Claim: agent.Claim{Right: "erase", Scope: "No Fact"}},
	} {
		if _, err := m.Plan(ctx, move); fault.KindOf(err) != fault.Invalid && fault.KindOf(err) != fault.NotExist {
			t.Errorf("%s: %v", why, err)
		}
	}
	// Nobody knows where she lives or where it is: she has to name the law.
	m.must(m.AddCompany(ctx, "a.example", ""))
	m.must(m.AddCompany(ctx, "b.de", ""))
	p, err := m.Plan(ctx, agent.Move{Claim: agent.Claim{Right: "access"}})
	m.must(err)
	for _, l := range p.Legs {
		if (l.Group == agent.LeftOut) != (l.Domain == "a.example") || l.Reason == "" {
			t.Errorf("%+v", l)
		}
	}
	p, err = m.Plan(ctx, agent.Move{Claim: agent.Claim{Right: "access", Law: "LGPD"}, Only: []string{"a.example"}})
	m.must(err)
	if len(p.Legs) != 1 || p.Legs[0].Group != agent.NeedsYou || p.Legs[0].Law != "LGPD" {
		t.Errorf("%+v", p.Legs)
	}
	// One company that she has not got yet, by its name.
	p, err = m.Plan(ctx, agent.Move{Claim: agent.Claim{Right: "erase"}, Only: []string{"new.fr"}, Except: []string{"b.de"}})
	m.must(err)
	if len(p.Legs) != 1 || p.Legs[0].Domain != "new.fr" || p.Legs[0].Law != "GDPR" {
		t.Errorf("%+v", p.Legs)
	}
}

// A claim goes to those of which only a guess says that they know her when she says
// so, or names them.
func TestClaimOfGuesses(t *testing.T) {
	m, ctx := newMover(t, agenttest.NewMemory()), t.Context()
	m.Formats = passwords.Formats()
	i, err := m.Bring(ctx, "chrome.csv", strings.NewReader("name,url,username,password,note\nShop,https://guessed.de/login,mia@old.example,secret,\n"), nil)
	m.must(err)
	m.must(m.Keep(ctx, i.ID))
	for _, tt := range []struct {
		move agent.Move
		want string
	}{
		{agent.Move{}, agent.LeftOut}, {agent.Move{Guesses: true}, agent.NeedsYou}, {agent.Move{Only: []string{"guessed.de"}}, agent.NeedsYou},
	} {
		tt.move.Claim = agent.Claim{Right: "opt_out"}
		p, err := m.Plan(ctx, tt.move)
		m.must(err)
		if len(p.Legs) != 1 || p.Legs[0].Group != tt.want {
			t.Errorf("%+v: %+v", tt.move, p.Legs)
		}
	}
}

// A letter names what the company has from before, by her word, or by her account there.
func TestLetterNamesWhatIsHeldFromBefore(t *testing.T) {
	m, ctx := newMover(t, agenttest.NewMemory()), t.Context()
	m.Formats, m.Channels = passwords.Formats(), []channel.Channel{letter.Letter{}}
	i, err := m.Bring(ctx, "chrome.csv", strings.NewReader("name,url,username,password,note\nShop,https://shop.example/login,mia77,secret,\nBank,https://bank.example,mia@guess.example,secret,\n"), nil)
	m.must(err)
	m.must(m.Keep(ctx, i.ID))
	m.must(m.State(ctx, agent.Statement{Domain: "shop.example", Fact: "customer_number", Value: firsthand.Text("K-4711")},
		agent.Statement{Domain: "shop.example", Fact: "name", Value: firsthand.Text("Mia Peeters")}, agent.Statement{Domain: "bank.example", Fact: "name"}, agent.Statement{Domain: "bank.example", Fact: "name", Value: firsthand.Text("M. Bought"), Origin: firsthand.Bought},
		agent.Statement{Domain: "bank.example", Fact: "customer_number", Value: firsthand.Text("B-1"), Origin: firsthand.Observed}))
	for _, domain := range []string{"shop.example", "bank.example"} {
		m.must(m.SetAddress(ctx, domain, "Markt 1\n9000 Gent"))
	}
	id, err := m.Begin(ctx, agent.Move{Claim: agent.Claim{Right: "access", Law: "GDPR"}, Only: []string{"shop.example", "bank.example"}}, "")
	m.must(err)
	for domain, want := range map[string][]string{"shop.example": {"K-4711", "mia77", "Mia Peeters"}, "bank.example": {"mia@guess.example", "B-1"}} {
		task, err := m.Task(ctx, m.wantStep(id, domain, agent.StepNeedsYou).Entry)
		m.must(err)
		for _, hers := range []string{"K-4711", "mia77", "Mia Peeters", "mia@guess.example", "B-1", "M. Bought"} {
			if got := strings.Contains(task.Draft.Text, hers); got != slices.Contains(want, hers) {
				t.Errorf("to %s, %q: %v\n%s", domain, hers, got, task.Draft.Text)
			}
		}
	}
}

// A letter is printed, posted, and comes back to her when its answer is overdue.
func TestPaper(t *testing.T) {
	m, ctx := newMover(t, agenttest.NewMemory()), t.Context()
	m.Channels = []channel.Channel{manual.Manual{}, letter.Letter{}}
	m.set(time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC))
	m.must(m.SetFact(ctx, "address.home", firsthand.Value{Parts: map[string]string{"street": "Graslei 2", "city": "Gent", "country": "Belgium"}}))
	for _, domain := range []string{"a.be", "b.be", "c.be"} {
		m.must(m.AddCompany(ctx, domain, "Firm "+domain))
	}
	m.must(m.SetAddress(ctx, "a.be", "Markt 1\r\n\r\n9000 Gent\n"))
	m.must(m.SetAddress(ctx, "b.be", "Rue 1\n4000 Liège\nBelgique"))
	m.must(m.SetLang(ctx, "a.be", "en"))
	for domain, bad := range map[string]string{"a.be": "Gent", "b.be": strings.Repeat("line\n", 13)} {
		if err := m.SetAddress(ctx, domain, bad); fault.KindOf(err) != fault.Invalid {
			t.Errorf("the address %q: %v", bad, err)
		}
	}
	if err := m.SetLang(ctx, "a.be", "xx"); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a language that nobody writes: %v", err)
	}
	for domain, want := range map[string]agent.Writing{"a.be": {Address: []string{"Markt 1", "9000 Gent"}, Own: "Markt 1\n9000 Gent", Lang: "en", OwnLang: "en"},
		"b.be": {Address: []string{"Rue 1", "4000 Liège", "Belgique"}, Own: "Rue 1\n4000 Liège\nBelgique", Lang: "fr"}, "c.be": {Lang: "nl"}} {
		if w, err := m.Writing(ctx, domain); err != nil || !slices.Equal(w.Address, want.Address) || w.Own != want.Own || w.Lang != want.Lang || w.OwnLang != want.OwnLang {
			t.Errorf("%s: %+v, %v", domain, w, err)
		}
	}
	id, err := m.Begin(ctx, agent.Move{Claim: agent.Claim{Right: "access"}}, "")
	m.must(err)
	tasks, err := m.PaperLetters(ctx)
	if err != nil || len(tasks) != 2 {
		t.Fatalf("%d letters, %v", len(tasks), err)
	}
	entries := []firsthand.ID{tasks[0].Entry, tasks[1].Entry, m.wantStep(id, "c.be", agent.StepNeedsYou).Entry}
	file, err := m.Print(ctx, "", entries...)
	if err != nil || len(file.Done) != 2 || len(file.Left) != 1 || !bytes.HasPrefix(file.PDF, []byte("%PDF-")) {
		t.Fatalf("%d printed, %v left, %v", len(file.Done), file.Left, err)
	}
	same, err := m.Print(ctx, "", entries...)
	if err != nil || !bytes.Equal(same.PDF, file.PDF) {
		t.Errorf("printed again it is another file: %v", err)
	}
	if _, err := m.Print(ctx, "", entries[2]); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a letter without an address: %v", err)
	}

	for day, want := range map[firsthand.Date]fault.Kind{"2026-12-24": fault.Invalid, "2026-11-01": fault.Invalid, "2026-13-01": fault.Invalid} {
		if err := m.Posted(ctx, entries[0], day); fault.KindOf(err) != want {
			t.Errorf("posted on %s: %v", day, err)
		}
	}
	m.set(time.Date(2026, 12, 3, 10, 0, 0, 0, time.UTC))
	m.must(m.Posted(ctx, entries[0], "2026-12-02"))
	task, err := m.Task(ctx, entries[0])
	// It arrives on 5 December; a month on is 5 January, a Tuesday.
	if err != nil || task.Step != agent.StepSent || task.Note != "posted on 2026-12-02" || task.Remind != "2027-01-06" {
		t.Errorf("posted: %+v, %v", task, err)
	}
	if tasks, err := m.PaperLetters(ctx); err != nil || len(tasks) != 1 {
		t.Errorf("%d letters left, %v", len(tasks), err)
	}

	// What follows is printed once the answer is overdue, and no day before.
	for _, part := range []string{"reminder", "complaint", "love"} {
		if _, err := m.PrintFollow(ctx, "", entries[0], part); fault.KindOf(err) != fault.Invalid {
			t.Errorf("a %s before its time: %v", part, err)
		}
	}
	m.set(time.Date(2027, 1, 2, 10, 0, 0, 0, time.UTC)) // later than the letter itself says, and too early all the same
	if _, err := m.PrintFollow(ctx, "", entries[0], "reminder"); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "2027-01-05") {
		t.Errorf("a reminder before the letter could be answered: %v", err)
	}
	m.set(time.Date(2027, 1, 8, 10, 0, 0, 0, time.UTC))
	reminder, err := m.PrintFollow(ctx, channel.USLetter, entries[0], "reminder")
	complaint, cerr := m.PrintFollow(ctx, channel.A4, entries[0], "complaint")
	if err != nil || cerr != nil || !bytes.HasPrefix(reminder, []byte("%PDF-")) || !bytes.HasPrefix(complaint, []byte("%PDF-")) || bytes.Equal(reminder, complaint) {
		t.Errorf("what follows: %v, %v", err, cerr)
	}
}
