package world_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/fetch"
	"firsthand/internal/agent"
	"firsthand/internal/agent/store"
	"firsthand/internal/world"
)

// A clock is turned by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) turn(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// A stage is a world and a customer in it, both on real files, in virtual time.
type stage struct {
	testing.TB
	*world.World
	clock *clock
	agent *agent.Agent
}

func logTo(t testing.TB) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }

func open(t testing.TB, dir string, c *clock) *world.World {
	t.Helper()
	w, err := world.Open(t.Context(), world.Options{Dir: dir, Now: c.Now, Log: logTo(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// fresh returns a stage with a customer of whom nothing is known.
func fresh(t testing.TB) *stage {
	t.Helper()
	s := &stage{TB: t, clock: newClock()}
	s.World = open(t, t.TempDir(), s.clock)
	kit, err := store.NewKit()
	s.must(err)
	_, recipient, err := store.NewKeyFile() // a passphrase would be stretched, and a whole book of next keys made
	s.must(err)
	file, err := store.Create(t.Context(), filepath.Join(t.TempDir(), "her"), store.CreateOptions{KitRecipient: kit.Recipient(), KeyFile: recipient})
	s.must(err)
	t.Cleanup(func() { file.Close() })
	s.agent = agentIn(t, s.World, file)
	keys := make([]agent.NextKey, 100)
	for i := range keys {
		rand.Read(keys[i].Label[:])
		keys[i].Hash = firsthand.NextKey(kit.Text(), keys[i].Label).Public().Hash()
	}
	s.must(file.Commit(t.Context(), agent.Commit{AddLabels: keys}))
	return s
}

func (s *stage) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *stage) ctx() context.Context { return s.Context() }

// pass lets time pass, and everybody do what is due: companies, people, and her
// agent, which asks all that are up for news.
func (s *stage) pass(d time.Duration) {
	s.Helper()
	s.clock.turn(d)
	for range 3 {
		s.must(s.Settle(s.ctx()))
		s.sync()
	}
}

// sync makes the calls that are due.
func (s *stage) sync() {
	s.Helper()
	rows, err := s.agent.Relationships(s.ctx())
	s.must(err)
	for _, r := range rows {
		if r.Gateway == "" || r.RetryAt(s.clock.Now()).After(s.clock.Now()) {
			continue
		}
		if err := s.agent.Flush(s.ctx(), r.ID, 0); err != nil && fault.KindOf(err) != fault.Unavailable {
			s.Fatalf("%s: %v", r.Domain, err)
		}
	}
}

func (s *stage) meet(domain string) firsthand.ID {
	s.Helper()
	r, err := s.agent.Meet(s.ctx(), domain, agent.MeetOptions{})
	s.must(err)
	_, err = s.agent.Offer(s.ctx(), r.ID)
	s.must(err)
	s.pass(0)
	if sum := s.summary(r.ID); sum.Agreement == "" {
		s.Fatalf("%s has not agreed: %+v", domain, sum)
	}
	return r.ID
}

func (s *stage) summary(rel firsthand.ID) agent.Summary {
	s.Helper()
	d, err := s.agent.Show(s.ctx(), rel)
	s.must(err)
	sum, err := d.Relationship.Summarised()
	s.must(err)
	return sum
}

var code = regexp.MustCompile(`The code is (\S+)\.`)

// bind proves with the code in the company's letter that a record is hers.
func (s *stage) bind(rel firsthand.ID, domain string) {
	s.Helper()
	c := s.Company(domain)
	_, err := s.agent.Claim(s.ctx(), rel, c.Number())
	s.must(err)
	s.pass(0)
	_, err = s.agent.Prove(s.ctx(), rel, s.code(c))
	s.must(err)
	s.pass(0)
	if !s.summary(rel).Bound {
		s.Fatalf("%s: not bound", domain)
	}
}

// code returns the code in the last letter of a company to the contact on record.
func (s *stage) code(c *world.Company) string {
	s.Helper()
	for _, l := range s.Letters() {
		if found := code.FindStringSubmatch(l.Text); found != nil && l.From == c.Name() && l.To == world.OldEmail {
			return found[1]
		}
	}
	s.Fatalf("no letter with a code from %s in %+v", c.Name(), s.Letters())
	return ""
}

// tell discloses a fact under the agreement.
func (s *stage) tell(rel firsthand.ID, fact string, v firsthand.Value) firsthand.ID {
	s.Helper()
	act, err := s.agent.Disclose(s.ctx(), rel, agent.Telling{Fact: fact, Value: v, Purpose: world.Purpose})
	s.must(err)
	return act.Entry
}

// outcome returns what the company has signed about an entry; nil if nothing yet.
func (s *stage) outcome(rel, entry firsthand.ID) *firsthand.Outcome {
	s.Helper()
	d, err := s.agent.Show(s.ctx(), rel)
	s.must(err)
	return d.State.Outcomes[entry]
}

// A code goes to the contact on record, and only who reads that can bind. What is
// told after that reaches the very record, as each company has it.
func TestCompanies(t *testing.T) {
	t.Parallel()
	s := fresh(t)
	type told struct{ rel, entry firsthand.ID }
	all := map[string]told{}
	for _, domain := range []string{"veloshop.example", "gentwater.example", "leiebank.example"} {
		rel := s.meet(domain)
		s.bind(rel, domain)
		all[domain] = told{rel, s.tell(rel, "address.home", world.NewAddress)}
	}
	s.pass(0)
	number := func(domain string) string { return s.Company(domain).Number() }

	velo := all["veloshop.example"]
	if o := s.outcome(velo.rel, velo.entry); o == nil || !o.Applied || o.Record != number("veloshop.example") {
		t.Errorf("the shop: %+v, want applied at once, to her record", o)
	}
	water, bank := all["gentwater.example"], all["leiebank.example"]
	for domain, x := range map[string]told{"gentwater.example": water, "leiebank.example": bank} {
		if o := s.outcome(x.rel, x.entry); o != nil {
			t.Errorf("%s: %+v, want nothing: a person has to look", domain, o)
		}
	}
	s.pass(3 * time.Second)
	if o := s.outcome(water.rel, water.entry); o != nil {
		t.Errorf("the water company after 3 s: %+v", o)
	}
	s.pass(2 * time.Second)
	if o := s.outcome(water.rel, water.entry); o == nil || !o.Applied || o.Record != number("gentwater.example") {
		t.Errorf("the water company after 5 s: %+v, want applied to her record", o)
	}
	if o := s.outcome(bank.rel, bank.entry); o == nil || o.Applied || o.Reason == "" {
		t.Errorf("the bank after 5 s: %+v, want refused, with a reason", o)
	}
	for _, r := range s.Company("leiebank.example").Records() {
		if !r.Facts["address.home"].Equal(world.OldAddress) {
			t.Errorf("the bank's record has %v", r.Facts["address.home"])
		}
	}
}

// A stranger who names her number gets nothing written, and the letter goes to her.
func TestUnprovedIsNotApplied(t *testing.T) {
	t.Parallel()
	s := fresh(t)
	rel := s.meet("gentwater.example")
	_, err := s.agent.Claim(s.ctx(), rel, s.Company("gentwater.example").Number())
	s.must(err)
	_, err = s.agent.Prove(s.ctx(), rel, "00000000")
	if fault.KindOf(err) != fault.NotExist {
		t.Errorf("prove before a challenge: %v", err)
	}
	s.pass(0)
	_, err = s.agent.Prove(s.ctx(), rel, "00000000")
	s.must(err)
	s.pass(time.Minute)
	if s.summary(rel).Bound {
		t.Error("bound by a wrong code")
	}
	for _, r := range s.Company("gentwater.example").Records() {
		if len(r.Relationships) > 0 {
			t.Errorf("record %s belongs to %v", r.Number, r.Relationships)
		}
	}
}

// The company that falters goes down when nobody needs it, and comes back a while
// after it was missed. What was said meanwhile waits, and is applied once.
func TestFalters(t *testing.T) {
	t.Parallel()
	s := fresh(t)
	const domain = "kruidenbox.example"
	c := s.Company(domain)
	s.pass(time.Hour)
	if !c.IsUp() {
		t.Fatal("down although nobody has met it")
	}
	rel := s.meet(domain)
	s.bind(rel, domain)
	s.must(s.Settle(s.ctx()))
	if !c.IsUp() {
		t.Fatal("down at once")
	}
	s.clock.turn(21 * time.Second)
	s.must(s.Settle(s.ctx()))
	if c.IsUp() {
		t.Fatal("still up after it was left alone")
	}
	s.clock.turn(time.Hour)
	s.must(s.Settle(s.ctx()))
	if c.IsUp() {
		t.Fatal("up again although nobody has missed it")
	}
	entry := s.tell(rel, "address.home", world.NewAddress)
	if err := s.agent.Flush(s.ctx(), rel, 0); fault.KindOf(err) != fault.Unavailable {
		t.Fatalf("call while it is down: %v", err)
	}
	s.pass(29 * time.Second)
	if c.IsUp() || s.outcome(rel, entry) != nil {
		t.Fatal("up too early")
	}
	s.pass(time.Second)
	if !c.IsUp() {
		t.Fatal("not up after the outage")
	}
	s.pass(15 * time.Second) // the agent's own pause after calls that failed
	if o := s.outcome(rel, entry); o == nil || !o.Applied || o.Record != c.Number() {
		t.Errorf("outcome = %+v", o)
	}
	s.pass(0)
}

// The guards of package fetch are all up in the world: neither this machine nor the
// internet is reached from it.
func TestNothingElseIsReached(t *testing.T) {
	t.Parallel()
	s := fresh(t)
	client := fetch.New(s.Fetch())
	defer client.Close()
	for url, kind := range map[string]fault.Kind{
		"http://veloshop.example/":          fault.Invalid,
		"https://127.0.0.1:8443/":           fault.Denied,
		"https://localhost:8443/":           fault.Invalid,
		"https://acme.example/":             fault.Unavailable,
		"https://93.184.216.34/":            fault.Unavailable,
		"https://veloshop.example:8443/":    fault.Unavailable,
		"https://[2d00::99]/":               fault.Unavailable,
		"https://veloshop.example/anything": fault.NotExist,
	} {
		if _, err := client.Get(s.ctx(), url); fault.KindOf(err) != kind || fault.RuleOf(err) == "fetch-certificate" { // then somebody was there
			t.Errorf("get %s: %v, want %v", url, err, kind)
		}
	}
	if _, err := client.Get(s.ctx(), "https://veloshop.example/.well-known/firsthand"); err != nil {
		t.Error(err)
	}
	if _, err := fetch.New(fetch.Options{Resolver: s.Fetch().Resolver, Dial: s.Fetch().Dial}).Get(s.ctx(), "https://veloshop.example/.well-known/firsthand"); fault.RuleOf(err) != "fetch-certificate" {
		t.Errorf("without the world's authority: %v", err)
	}
}

// A world is taken up where it was, made anew where a crash left it unfinished, and
// removed whole; nothing that isn't a world is touched.
func TestFolder(t *testing.T) {
	t.Parallel()
	dir, c := filepath.Join(t.TempDir(), "demo"), newClock()
	w := open(t, dir, c)
	before, err := fetch.New(w.Fetch()).Get(t.Context(), "https://veloshop.example/.well-known/firsthand")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	again := func() []byte {
		t.Helper()
		w := open(t, dir, c)
		defer w.Close()
		doc, err := fetch.New(w.Fetch()).Get(t.Context(), "https://veloshop.example/.well-known/firsthand")
		if err != nil {
			t.Fatal(err)
		}
		return doc.Body
	}
	key := func(doc []byte) firsthand.PublicKey {
		t.Helper()
		c, err := firsthand.ParseCompany(doc, "veloshop.example")
		if err != nil {
			t.Fatal(err)
		}
		return c.Key()
	}
	if key(again()) != key(before.Body) {
		t.Error("opened again, the company has another key")
	}
	// As a crash leaves it.
	if err := os.WriteFile(filepath.Join(dir, "firsthand-demo"), []byte("a world for firsthand demo, being made\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if key(again()) == key(before.Body) {
		t.Error("what was unfinished was kept")
	}
	if err := world.Reset(dir); err != nil {
		t.Fatal(err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 0 {
		t.Errorf("after a reset: %v, %v", names, err)
	}
	if err := errors.Join(world.Reset(dir), world.Reset(dir+"/none")); err != nil {
		t.Error(err)
	}

	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "thesis.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := world.Open(t.Context(), world.Options{Dir: other}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("open a folder with something else: %v", err)
	}
	if err := world.Reset(other); fault.KindOf(err) != fault.Conflict {
		t.Errorf("reset a folder with something else: %v", err)
	}
	if _, err := os.Stat(filepath.Join(other, "thesis.txt")); err != nil {
		t.Error(err)
	}
}
