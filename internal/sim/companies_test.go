package sim

import (
	"testing"
	"time"

	"firsthand"
	"firsthand/internal/agent"
	"firsthand/internal/gateway/gatewaytest"
)

// The company's machine burnt down, with the keys. Nobody can go on with what
// she has with it: it must be met again.
func TestCompanyLostItsKeys(t *testing.T) {
	s := newStory(t, 1)
	rel := s.meet(s.acme)
	s.tell(s.phone(), rel, "email", "mia@example.org")
	s.pass(time.Hour)
	before := s.state(s.phone(), rel)

	s.acme.stop()
	s.acme.store = gatewaytest.NewMemory()
	s.acme.keys, s.acme.next = s.newKeys()
	s.acme.start()
	s.ledger.rels[rel].orphan = true // the company has nothing of it
	act, err := s.phone().agent.Message(s.ctx, rel, firsthand.ID{}, "are you there?")
	s.ok(err)
	s.phone().wake(0)
	s.pass(24 * time.Hour)
	row := s.row(s.phone(), rel)
	state := s.state(s.phone(), rel)
	want(t, "entries of the company's", state.Log(firsthand.Second).Head, before.Log(firsthand.Second).Head)
	want(t, "received", row.Received.Seq < state.Pos(act.Entry).Seq, true)

	again := s.meet(s.acme)
	s.tell(s.phone(), again, "email", "mia@example.org")
	s.settled(again)
	want(t, "held e-mail", s.holds(again)["email"], "mia@example.org")
	want(t, "entries of the company's, of the old one", s.state(s.phone(), rel).Log(firsthand.Second).Head, before.Log(firsthand.Second).Head)
}

// Somebody else has got hold of the company's domain, and serves a document with
// a chain that seems to go on from the company's key.
func TestDomainTakenOver(t *testing.T) {
	s := newStory(t, 1)
	rel := s.meet(s.acme)
	s.tell(s.phone(), rel, "email", "mia@example.org")
	s.pass(time.Hour)
	before := s.state(s.phone(), rel)
	known := before.Log(firsthand.First).Head.Seq

	s.acme.stop()
	s.acme.store = gatewaytest.NewMemory()
	old := s.acme.keys.Chain[0].Key
	s.acme.keys, s.acme.next = s.newKeys()
	hers := s.acme.keys.Chain[0]
	s.acme.keys.Chain = []firsthand.ChainKey{{Key: old, Next: hers.Key.Hash()}, hers}
	s.acme.start()
	s.ledger.rels[rel].orphan = true
	var got int64 // the lowest seq of hers that the new owner is told
	s.onCall = func(c *company, entries []firsthand.Entry) {
		for _, e := range entries {
			if e.Side == firsthand.First && e.Relationship() == rel && (got == 0 || e.Seq < got) {
				got = e.Seq
			}
		}
	}
	_, err := s.phone().agent.Message(s.ctx, rel, firsthand.ID{}, "are you there?")
	s.ok(err)
	s.phone().wake(0)
	s.pass(24 * time.Hour)

	row, state := s.row(s.phone(), rel), s.state(s.phone(), rel)
	want(t, "entries of the company's", state.Log(firsthand.Second).Head, before.Log(firsthand.Second).Head)
	want(t, "received", row.Received.Seq, known)
	want(t, "the new owner is told what the company knew", got > 0 && got <= known, false)
	want(t, "why calls fail", row.Failure, "call-signature")
}

// The company puts back a backup of yesterday. It has lost entries of hers, some
// of its own, and a whole relationship, and gets all of them back from her.
func TestGatewayRestored(t *testing.T) {
	s := newStory(t, 1)
	rel := s.meet(s.acme)
	backup := s.acme.store.Snapshot()

	told := s.tell(s.phone(), rel, "email", "mia@example.org")
	s.pass(time.Hour)
	s.ok(s.acme.gateway.Say(s.ctx, "ann", rel, &firsthand.Ask{Fact: "phone", Purpose: purpose, Why: "to call you"}))
	_, err := s.phone().agent.Rotate(s.ctx, rel, agent.Rotation{Kit: s.mia.kit})
	s.ok(err)
	s.phone().wake(0)
	s.pass(time.Hour)
	young := s.meet(s.acme)
	late := s.tell(s.phone(), young, "name", "Mia")
	s.settled(rel)
	s.settled(young)
	before := dump(s.state(s.phone(), rel))
	writes := len(s.acme.crm.writes)

	s.acme.stop()
	s.acme.store.Restore(backup, s.now)
	s.acme.start()
	s.settled(rel)
	s.settled(young)
	theirs, err := firsthand.Load(s.ctx, s.acme.store, rel)
	s.ok(err)
	want(t, "state after the backup", string(dump(theirs)), string(before))
	want(t, "place of the entry it had lost", theirs.Pos(told.Entry).Seq, 2)
	theirs, err = firsthand.Load(s.ctx, s.acme.store, young)
	s.ok(err)
	want(t, "place in the relationship it had lost", theirs.Pos(late.Entry).Seq, 2)
	want(t, "writes to the CRM", len(s.acme.crm.writes), writes)
}

// A company whose backup was put back with nobody noticing signs another entry
// where it has signed one. She keeps both, and the one she had stands.
func TestGatewayRewound(t *testing.T) {
	s := newStory(t, 1)
	rel := s.meet(s.acme)
	backup := s.acme.store.Snapshot()
	s.ok(s.acme.gateway.Say(s.ctx, "ann", rel, &firsthand.Message{Text: "the price is ten"}))
	s.pass(time.Hour)

	s.acme.stop()
	s.acme.store.PutBack(backup)
	s.acme.start()
	s.ledger.rels[rel].rewound = true
	s.ok(s.acme.gateway.Say(s.ctx, "ann", rel, &firsthand.Message{Text: "the price is twenty"}))
	s.pass(6 * time.Hour)
	s.settled(rel)
	state := s.state(s.phone(), rel)
	want(t, "messages", len(state.Messages), 1)
	want(t, "price", state.Messages[0].Say.Text, "the price is ten")
	want(t, "reconciled", len(state.Reconciled), 1)
	b, err := s.phone().agent.Bundle(s.ctx, rel)
	s.ok(err)
	report, err := b.Verify()
	s.ok(err)
	want(t, "forks that a stranger can verify", len(report.Forks), 1)
	_, err = s.phone().agent.Message(s.ctx, rel, firsthand.ID{}, "ten it is")
	s.ok(err)
}
