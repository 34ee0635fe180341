package sim

import (
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/agenttest"
)

// Her machine is gone. She has a backup of last week, and the kit in a drawer.
func TestLostMachine(t *testing.T) {
	s := newStory(t, 2)
	rel := s.meet(s.acme)
	s.tell(s.phone(), rel, "email", "mia@example.org")
	s.pass(time.Hour)
	backup := s.phone().store.Snapshot()

	after := s.tell(s.phone(), rel, "phone", "0478 12 34 56")
	s.pass(time.Hour)
	s.phone().stop()
	s.phone().retired = true

	// A new machine, and the backup on it. What she does before it has asked the
	// company is a draft.
	store := agenttest.NewMemory()
	store.Restore(backup)
	laptop := s.newDevice(s.mia, "her laptop", store)
	s.mia.devices = []*device{laptop}
	s.ledger.rels[rel].device = laptop
	draft := s.tell(laptop, rel, "address.home", "Korenmarkt 1")
	want(t, "act before the company was asked is a draft", draft.Draft, true)
	want(t, "entry after the backup is in the file", s.state(laptop, rel).Pos(after.Entry).Seq, 0)

	s.settled(rel)
	want(t, "entry after the backup", s.state(laptop, rel).Pos(after.Entry).Seq, 3)
	want(t, "held address", s.holds(rel)["address.home"], "Korenmarkt 1")
	want(t, "held phone", s.holds(rel)["phone"], "0478 12 34 56")

	// The book was emptied with the backup: she meets nobody without the kit.
	_, err := laptop.agent.Meet(s.ctx, s.companies[1].domain, agent.MeetOptions{})
	s.denied(err, fault.NotExist)
	s.ok(laptop.agent.Refill(s.ctx, s.mia.kit))
	other := s.meet(s.companies[1])
	s.settled(other)

	_, err = laptop.agent.Rotate(s.ctx, rel, agent.Rotation{Kit: "a kit of somebody else"})
	s.denied(err, fault.Denied)
	_, err = laptop.agent.Rotate(s.ctx, rel, agent.Rotation{Kit: s.mia.kit})
	s.ok(err)
	laptop.wake(0)
	s.settled(rel)
}

// Her laptop is stolen while it is open. The thief is the first to write.
func TestStolenMachine(t *testing.T) {
	s := newStory(t, 1)
	rel := s.meet(s.acme)
	s.tell(s.phone(), rel, "address.home", "Korenmarkt 1")
	s.pass(time.Hour)

	b := s.ledger.rels[rel]
	b.stolen = true
	his := &thief{r: s.run, bond: b, key: firsthand.SignerFromSeed(s.row(s.phone(), rel).Seed), at: s.acme.address()}
	for !s.ledger.wrote(b, "change") {
		his.write()
	}
	s.acme.wake(0)
	s.pass(time.Minute)
	want(t, "address in the CRM", s.acme.crm.recordOf(rel).facts["address.home"].Text, "the thief's")

	// Her own next entry finds the place taken. Nothing is signed any more.
	s.tell(s.phone(), rel, "phone", "0478 12 34 56")
	s.pass(time.Minute)
	want(t, "frozen", s.row(s.phone(), rel).Frozen, "branch")
	_, err := s.phone().agent.Message(s.ctx, rel, firsthand.ID{}, "is that me?")
	s.denied(err, fault.Conflict)

	// The thief has the key in force, and can't replace it: that takes the next
	// one, which was never on the laptop.
	s.denied(his.rotate(), fault.Invalid)

	_, err = s.phone().agent.Rotate(s.ctx, rel, agent.Rotation{Kit: s.mia.kit, Stolen: true})
	s.ok(err)
	s.phone().wake(0)
	s.pass(time.Minute)
	b.heard, b.safe = true, true
	want(t, "frozen after she has rotated", s.row(s.phone(), rel).Frozen, "")
	want(t, "held address", s.holds(rel)["address.home"], "Korenmarkt 1")
	s.isDisowned(b, s.state(s.phone(), rel))
	s.ok(s.err)

	his.write()
	want(t, "thief is refused", his.out, true)

	s.acme.operate() // what he has written into the CRM is for a person to put right
	s.tell(s.phone(), rel, "phone", "0478 12 34 56")
	s.settled(rel)
	want(t, "held phone", s.holds(rel)["phone"], "0478 12 34 56")
}

// The only backup is older than the last two rotations: no key in it is good any
// more. The kit leads from it to the key in force.
func TestStaleBackup(t *testing.T) {
	s := newStory(t, 1)
	rel := s.meet(s.acme)
	backup := s.phone().store.Snapshot()
	for range 2 {
		_, err := s.phone().agent.Rotate(s.ctx, rel, agent.Rotation{Kit: s.mia.kit})
		s.ok(err)
		s.phone().wake(0)
		s.pass(time.Minute)
	}
	told := s.tell(s.phone(), rel, "email", "mia@example.org")
	s.pass(time.Hour)

	s.phone().stop()
	s.phone().store.Restore(backup)
	s.phone().start()
	draft := s.tell(s.phone(), rel, "phone", "0478 12 34 56")
	s.pass(time.Hour)
	want(t, "draft", draft.Draft, true)
	want(t, "why calls fail", s.row(s.phone(), rel).Failure, "call-signature")

	_, err := s.phone().agent.Rotate(s.ctx, rel, agent.Rotation{Kit: s.mia.kit})
	s.ok(err)
	s.phone().wake(0)
	s.settled(rel)
	want(t, "entry after the backup", s.state(s.phone(), rel).Pos(told.Entry).Seq, 4)
	want(t, "held phone", s.holds(rel)["phone"], "0478 12 34 56")
}

// She opens the same kit on two machines, each with a life of its own. Both fill
// a book from it, and no hash is used twice: the ledger looks at each one.
func TestKitOnTwoMachines(t *testing.T) {
	s := newStory(t, 3)
	laptop := s.newDevice(s.mia, "her laptop", agenttest.NewMemory())
	s.mia.devices = s.mia.devices[:1] // no copy, but a file of its own
	s.ok(s.phone().agent.Refill(s.ctx, s.mia.kit))
	s.ok(laptop.agent.Refill(s.ctx, s.mia.kit))
	for _, d := range []*device{s.phone(), laptop} {
		for _, c := range s.companies {
			row, err := d.agent.Meet(s.ctx, c.domain, agent.MeetOptions{})
			s.ok(err)
			d.wake(0)
			s.pass(time.Minute)
			_, err = d.agent.Rotate(s.ctx, row.ID, agent.Rotation{Kit: s.mia.kit})
			s.ok(err)
			d.wake(0)
			s.pass(time.Minute)
		}
	}
	want(t, "hashes seen", len(s.ledger.hashes), 12)
}

// Her file was copied by hand, and both were used. The entry that the company
// received first stands; the other is kept as evidence.
func TestCopiedFile(t *testing.T) {
	s := newStory(t, 1)
	rel := s.meet(s.acme)
	s.ledger.rels[rel].copied = true
	store := agenttest.NewMemory()
	store.PutBack(s.phone().store.Snapshot())
	laptop := s.newDevice(s.mia, "her laptop", store)

	first := s.tell(laptop, rel, "email", "mia@example.org")
	s.pass(time.Minute)
	lost := s.tell(s.phone(), rel, "email", "mia@example.net")
	s.pass(time.Minute)
	want(t, "frozen", s.row(s.phone(), rel).Frozen, "branch")

	act, err := s.phone().agent.Reconcile(s.ctx, rel)
	s.ok(err)
	s.phone().wake(0)
	s.settled(rel)
	want(t, "held e-mail", s.holds(rel)["email"], "mia@example.org")
	state := s.state(s.phone(), rel)
	want(t, "place of the entry that stands", state.Pos(first.Entry).Seq, 2)
	want(t, "place of the entry that was lost", state.Pos(lost.Entry).Seq, 0)
	want(t, "place of the reconcile", state.Pos(act.Entry).Seq, 3)
	evidence, err := s.phone().store.Evidence(s.ctx, rel)
	s.ok(err)
	want(t, "entries in evidence", len(evidence) > 0, true)

	// The copy finds entries that it doesn't know, and takes them over.
	s.pass(time.Hour)
	want(t, "the copy is frozen", s.row(laptop, rel).Frozen, "unknown")
	_, err = laptop.agent.Reconcile(s.ctx, rel)
	s.ok(err)
	s.tell(laptop, rel, "phone", "0478 12 34 56")
	s.pass(time.Hour)
	want(t, "the copy is frozen", s.row(laptop, rel).Frozen, "")
}
