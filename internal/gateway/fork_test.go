package gateway_test

import (
	"slices"
	"testing"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/gatewaytest"
	"firsthand/wire"
)

// compare asks for both logs from their beginning, as an agent does that looks for
// where they part.
func compare(t testing.TB, w *world, c *gatewaytest.Customer) (first, second []firsthand.Entry) {
	t.Helper()
	r := wire.Request{Rel: c.Rel()}
	for {
		resp, err := w.Sync(w.ctx(), r)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range resp.Entries {
			if e.Side == firsthand.First {
				first, r.First = append(first, e), e.Head()
			} else {
				second, r.Second = append(second, e), e.Head()
			}
		}
		if r.First == resp.First && r.Second == resp.Second {
			return first, second
		}
	}
}

// A customer's file was copied, and both copies wrote: the evidence is kept, the
// relationship freezes, and her reconcile ends that.
func TestCustomerForks(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		c := w.meet("mia")
		told := tell(t, c, "name", "Mia", firsthand.Basis{Exception: "once"})
		w.exchange(c)
		copied := c.Copy(t, len(c.First), len(c.Second))
		c.Say(t, "from the one")
		w.exchange(c)
		copied.Name += " copy"
		lost := copied.Say(t, "from the other")
		copied.Say(t, "and more")
		for range 2 { // repeating changes nothing
			_, err := copied.Try(t, w)
			wantRule(t, err, fault.Conflict, "log-fork")
		}
		evidence, err := w.store.Evidence(w.ctx(), c.Rel())
		if err != nil || len(evidence) != 1 || evidence[0].Entry.ID != lost || evidence[0].Entry.HasBody() {
			t.Fatalf("evidence = %+v, %v", evidence, err)
		}
		// Frozen: neither side says anything more; what is asked is answered.
		if due := w.due(); len(due) == 0 || due[len(due)-1].Frozen == "" {
			t.Errorf("due = %+v", due)
		}
		before := c.State.Log(firsthand.Second).Head
		blocked := c.Copy(t, len(c.First), len(c.Second))
		blocked.Name += " blocked"
		blocked.Say(t, "is anybody there?")
		_, err = blocked.Try(t, w)
		wantRule(t, err, fault.Conflict, "log-fork")
		w.crm.happens(connector.Change{Relationship: c.Rel(), Text: "a reply", At: w.now})
		w.pass(time.Minute)
		_, err = w.Sync(w.ctx(), c.Request()) // who has what is here is told that something is wrong
		wantRule(t, err, fault.Conflict, "log-fork")

		first, second := compare(t, w, c)
		if !slices.EqualFunc(first, c.First, same) || second[len(second)-1].Head() != before {
			t.Fatal("the logs shown are not those that were kept")
		}
		// She takes over the branch that the company received first.
		c.Write(t, &firsthand.Reconcile{Seq: int64(len(c.First)), Stands: c.First[len(c.First)-1].ID, Lost: lost})
		w.exchange(c)
		if n := len(c.State.Messages); n != 2 || c.State.Messages[1].Say.Text != "a reply" {
			t.Errorf("messages = %+v", c.State.Messages)
		}
		c.Write(t, &firsthand.Withdraw{Disclosure: told})
		w.exchange(c)
		if c.State.Outcomes[c.First[len(c.First)-1].ID] == nil {
			t.Error("life doesn't go on")
		}
		w.wantSound(c)
	})
}

func same(a, b firsthand.Entry) bool { return a.ID == b.ID }

// A copy forked her log and is gone. She can't name what it wrote, but she can
// rotate, which nobody else can.
func TestForkByACopyThatIsGone(t *testing.T) {
	w := memory(t)
	c := w.meet("mia")
	copied := c.Copy(t, len(c.First), len(c.Second))
	c.Say(t, "one")
	w.exchange(c)
	copied.Name += " copy"
	copied.Say(t, "two")
	if _, err := copied.Try(t, w); err == nil {
		t.Fatal("no fork")
	}
	c.Key = gatewaytest.KeyOf("mia next")
	c.Write(t, &firsthand.Rotate{Key: c.Key.Public(), Next: gatewaytest.KeyOf("mia last").Public().Hash(), Label: firsthand.Label{2}})
	w.exchange(c)
	copied.Say(t, "three") // what was written beside, before the rotation, is no news
	_, err := copied.Try(t, w)
	wantRule(t, err, fault.Conflict, "log-fork")
	c.Say(t, "four")
	w.exchange(c)
	w.wantSound(c)
}

// A stolen key: the thief writes first, she rotates and disowns.
func TestThiefWroteFirst(t *testing.T) {
	w := memory(t)
	c := w.meet("mia")
	exception := firsthand.Basis{Exception: "once"}
	mine := tell(t, c, "email", "mia@example.org", exception)
	w.exchange(c)
	thief := c.Copy(t, len(c.First), len(c.Second))
	thief.Name = "thief"
	thief.Write(t, &firsthand.Change{Fact: "email", Value: firsthand.Text("thief@example.net"), Of: mine, Basis: exception})
	w.exchange(thief)
	hers := c.Copy(t, len(c.First), len(c.Second))
	lost := hers.Say(t, "it is me")
	_, err := hers.Try(t, w)
	wantRule(t, err, fault.Conflict, "log-fork")

	// She takes the company's copy, rotates with the key that no thief has, disowns,
	// and gives up her own branch.
	n := int64(len(thief.First))
	c = thief.Copy(t, len(thief.First), len(thief.Second))
	c.Name = "mia again"
	stands := c.First[n-1].ID
	c.Key = gatewaytest.KeyOf("mia next")
	c.Write(t, &firsthand.Rotate{Key: c.Key.Public(), Next: gatewaytest.KeyOf("mia last").Public().Hash(), Label: firsthand.Label{2}, Disown: n})
	c.Write(t, &firsthand.Reconcile{Seq: n, Stands: stands, Lost: lost})
	w.exchange(c)
	if row, err := w.store.Relationship(w.ctx(), c.Rel()); err != nil || row.Frozen != "" || row.Key != c.Key.Public() {
		t.Errorf("row = %+v, %v", row, err)
	}
	d := w.wantHeld(gateway.Held)
	if d.Entry != stands {
		t.Errorf("due = %+v", d)
	}
	wantRule(t, w.Refuse(w.ctx(), "ann", c.Rel(), stands, "no"), fault.Invalid, "") // there is nothing to refuse
	if h := c.State.Holding(mine); h.Value.Text != "mia@example.org" {
		t.Errorf("the thief's value counts: %+v", h)
	}
	// The thief is out.
	thief.Say(t, "hello?")
	if _, err := thief.Try(t, w); err == nil {
		t.Error("the thief is still heard")
	}
	w.wantSound(c)
}

// What a backup has lost is taken back from the agent, and nothing is signed before.
func TestRestored(t *testing.T) {
	for _, noticed := range []bool{true, false} {
		w := memory(t)
		m := w.store.(*gatewaytest.Memory)
		c := w.meet("mia")
		basis := w.agree(c)
		backup := m.Snapshot()
		told := tell(t, c, "email", "mia@example.org", basis)
		question := c.Say(t, "Where is my parcel?")
		w.exchange(c)
		w.crm.happens(connector.Change{ID: "r1", Relationship: c.Rel(), Of: question, Text: "On its way.", At: w.now})
		w.pass(time.Minute)
		w.exchange(c)
		heads, written := w.heads(c), len(w.crm.requests)

		w.pass(time.Hour)
		if noticed {
			m.Restore(backup, w.now)
		} else {
			m.PutBack(backup)
		}
		w.restart()
		if noticed {
			// The system tells again, before she calls. Nothing may be signed.
			w.idle()
		}
		c.Now = w.now
		c.Say(t, "Are you there?")
		resp := c.Call(t, w)
		if resp.Second.Seq >= heads[1] {
			t.Fatalf("noticed %v: the gateway has %d of its own log, and lost it", noticed, resp.Second.Seq)
		}
		c.Sent = resp.First.Seq
		r := c.Request()
		r.Entries = append(slices.Clone(c.Second[resp.Second.Seq:]), r.Entries...)
		resp, err := w.Sync(w.ctx(), r)
		if err != nil {
			t.Fatal(err)
		}
		c.Take(t, resp)
		w.exchange(c)
		w.wantApplied(c, told, "N-1")
		if n := len(c.State.Messages); n != 3 { // hers, the reply, hers
			t.Errorf("noticed %v: %d messages, want 3", noticed, n)
		}
		if row, _ := w.store.Relationship(w.ctx(), c.Rel()); row.Restored || row.Record.ID != "N-1" {
			t.Errorf("noticed %v: row = %+v", noticed, row)
		}
		if n := len(w.crm.requests); n != written+1 {
			t.Errorf("noticed %v: %d requests took effect, want %d", noticed, n, written+1)
		}
		w.wantSound(c)
	}
}

// A backup that has lost nothing goes on, but not on the word of a call that may
// have been made before.
func TestRestoredWithoutLoss(t *testing.T) {
	w := memory(t)
	m := w.store.(*gatewaytest.Memory)
	c := w.meet("mia")
	m.Restore(m.Snapshot(), w.now)
	w.restart()
	c.Write(t, &firsthand.TermsOffer{Terms: []firsthand.TermsRef{ours(t)}})
	c.Call(t, w)
	if len(c.State.Agreements) != 0 {
		t.Fatal("signed at once after a restore")
	}
	w.pass(firsthand.CallTolerance)
	c.Call(t, w)
	if len(c.State.Agreements) != 1 {
		t.Error("not signed when it was safe")
	}
	w.wantSound(c)
}

// A relationship that a backup doesn't have at all comes back from her.
func TestRestoredFromNothing(t *testing.T) {
	w := memory(t)
	c := w.meet("mia")
	w.agree(c)
	w.store = gatewaytest.NewMemory()
	w.restart()
	if _, err := w.Sync(w.ctx(), c.Request()); fault.KindOf(err) != fault.NotExist {
		t.Fatalf("sync: %v", err)
	}
	r := c.Request()
	r.Entries = append(slices.Clone(c.First), c.Second...)
	resp, err := w.Open(w.ctx(), r)
	if err != nil {
		t.Fatal(err)
	}
	c.Take(t, resp)
	c.Say(t, "Back again?")
	w.exchange(c)
	w.wantSound(c)
}

// A company that lost a relationship whole was told so, and waits for its log; then
// an older file of hers calls, which never had any of it. It is answered, and not
// refused as if the company's keys were lost. (Seed 4536 of the simulation.)
func TestOldFileOpensWhatWasLost(t *testing.T) {
	w := memory(t)
	c := w.meet("mia")
	old := c.Copy(t, 1, 0)
	w.agree(c)
	w.store = gatewaytest.NewMemory()
	w.restart()
	r := c.Request()
	r.Entries = slices.Clone(c.First[:1])
	if _, err := w.Open(w.ctx(), r); err != nil {
		t.Fatal(err)
	}
	w.pass(firsthand.CallTolerance + time.Minute)
	if resp := old.Call(t, w); resp.Second.Seq != 1 {
		t.Errorf("the company's log ends at %d", resp.Second.Seq)
	}
	old.Say(t, "Anybody there?")
	w.exchange(old)
	w.wantSound(old)
}

// The company's own fork: a backup was put back unnoticed and the gateway signed
// before she called. Her branch stands, the other is kept, and a reconcile says so.
func TestCompanyForks(t *testing.T) {
	w := memory(t)
	m := w.store.(*gatewaytest.Memory)
	c := w.meet("mia")
	told := tell(t, c, "email", "mia@example.org", firsthand.Basis{Exception: "once"})
	w.exchange(c)
	backup := m.Snapshot()
	w.crm.happens(connector.Change{Relationship: c.Rel(), Text: "she has this", At: w.now})
	w.pass(time.Minute)
	w.exchange(c)
	w.pass(time.Hour)

	m.PutBack(backup)
	w.restart()
	w.crm.happens(connector.Change{Relationship: c.Rel(), Text: "and this she has not", At: w.now})
	w.idle() // signs two entries, one of them in a place that she knows another for
	lost, err := firsthand.Collect(w.store.Entries(w.ctx(), c.Rel(), firsthand.Second, 0))
	if err != nil {
		t.Fatal(err)
	}

	_, err = c.Try(t, w)
	wantRule(t, err, fault.Conflict, "log-fork")
	_, second := compare(t, w, c)
	if !slices.EqualFunc(second, lost, same) {
		t.Fatal("comparing changed the log")
	}
	from := slices.IndexFunc(second, func(e firsthand.Entry) bool { return c.State.Log(firsthand.Second).ID(e.Seq) != e.ID })
	if from < 0 {
		t.Fatal("no fork to test")
	}
	r := c.Request()
	r.Entries = slices.Clone(c.Second[from:])
	resp, err := w.Sync(w.ctx(), r)
	if err != nil {
		t.Fatal(err)
	}
	c.Take(t, resp)
	w.exchange(c)
	i := slices.IndexFunc(c.State.Reconciled, func(r *firsthand.Said[*firsthand.Reconcile]) bool { return r.Side == firsthand.Second })
	if i < 0 || c.State.Reconciled[i].Say.Lost != lost[from].ID || c.State.Reconciled[i].Say.Stands != c.Second[from].ID {
		t.Fatalf("reconciled = %+v", c.State.Reconciled)
	}
	evidence, _ := w.store.Evidence(w.ctx(), c.Rel())
	if len(evidence) != len(lost)-from || !evidence[0].Entry.HasBody() {
		t.Errorf("evidence = %+v", evidence)
	}
	change := c.Write(t, &firsthand.Change{Fact: "email", Value: firsthand.Text("b@example.org"), Of: told, Basis: firsthand.Basis{Exception: "once"}})
	w.exchange(c)
	w.wantApplied(c, change, "N-1")
	w.wantSound(c)
}

// The branch that is lost had erased bodies: they stay erased, and that is said again.
func TestLostBranchHadErased(t *testing.T) {
	w := memory(t)
	m := w.store.(*gatewaytest.Memory)
	c := w.meet("mia")
	told := c.Write(t, &firsthand.Disclose{Fact: "phone", Value: firsthand.Text("0471"), Purpose: service,
		Basis: firsthand.Basis{Exception: "for the parcel"}, Until: "2026-11-23"})
	w.exchange(c)
	backup := m.Snapshot()
	w.crm.happens(connector.Change{Relationship: c.Rel(), Text: "she has this", At: w.now})
	w.pass(time.Minute)
	w.exchange(c)
	m.PutBack(backup)
	w.restart()
	w.crm.changes = nil
	w.pass(72 * time.Hour) // the disclosure ends, and is erased
	_, err := c.Try(t, w)
	wantRule(t, err, fault.Conflict, "log-fork")
	r := c.Request()
	r.Entries = slices.Clone(c.Second[len(c.Second)-1:])
	resp, err := w.Sync(w.ctx(), r)
	if err != nil {
		t.Fatal(err)
	}
	c.Take(t, resp)
	w.exchange(c)
	if h := c.State.Holding(told); len(c.State.Reconciled) != 1 || h != nil && h.Fact != "" {
		t.Errorf("reconciled %+v, holding %+v", c.State.Reconciled, h)
	}
	w.wantSound(c)
	w.restart()
	w.wantSound(c)
}

// Once she has signed that she has seen our branch, another of ours that she shows
// doesn't replace it.
func TestSeenBranchStands(t *testing.T) {
	w := memory(t)
	m := w.store.(*gatewaytest.Memory)
	c := w.meet("mia")
	backup := m.Snapshot()
	reply := func(text string) {
		w.crm.happens(connector.Change{Relationship: c.Rel(), Text: text, At: w.now})
		w.pass(time.Minute)
	}
	reply("one")
	other := c.Copy(t, len(c.First), len(c.Second))
	other.Call(t, w)
	m.PutBack(backup)
	w.restart()
	w.crm.changes = nil
	reply("two")
	c.Sync(t, w)
	c.Say(t, "I have seen two")
	w.exchange(c)
	before := w.heads(c)
	r := c.Request()
	r.Entries = other.Second[len(other.Second)-1:]
	resp, err := w.Sync(w.ctx(), r)
	if err != nil {
		t.Fatal(err)
	}
	c.Take(t, resp)
	if len(c.State.Reconciled) != 1 || c.State.Reconciled[0].Say.Lost != r.Entries[0].ID || w.heads(c)[1] != before[1]+1 {
		t.Errorf("reconciled = %+v", c.State.Reconciled)
	}
	w.wantSound(c)
}
