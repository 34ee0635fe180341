package sim

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"firsthand"
	"firsthand/internal/agent"
	"firsthand/internal/agent/agenttest"
)

// Her file was copied, and the company was restored from before what it had got
// from her. The copy is the first to call it, and has nothing to give back. So the
// company goes on from the copy's branch, and forgets what it had said to the
// other: both logs have forked, and each branch has seen one of the other log.
// She ends it; what is lost of either side stays as evidence.
func TestCopyAnswersRestoredCompany(t *testing.T) {
	for name, end := range map[string]func(*story, firsthand.ID) (agent.Act, error){
		"reconcile": func(s *story, rel firsthand.ID) (agent.Act, error) {
			return s.phone().agent.Reconcile(s.ctx, rel)
		},
		"rotate": func(s *story, rel firsthand.ID) (agent.Act, error) {
			return s.phone().agent.Rotate(s.ctx, rel, agent.Rotation{Kit: s.mia.kit})
		},
	} {
		for _, speaks := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, company speaks: %t", name, speaks), func(t *testing.T) {
				s := newStory(t, 1)
				rel := s.meet(s.acme)
				s.ledger.rels[rel].copied = true
				backup := s.acme.store.Snapshot()
				store := agenttest.NewMemory()
				store.PutBack(s.phone().store.Snapshot())
				s.tell(s.phone(), rel, "email", "mia@example.org")
				s.pass(time.Hour)
				s.ok(s.acme.gateway.Say(s.ctx, "ann", rel, &firsthand.Message{Text: "the price is ten"}))
				s.pass(time.Hour)
				lost := s.state(s.phone(), rel)
				want(t, "entries of the company's", lost.Log(firsthand.Second).Head.Seq, 3) // open, applied, the message

				s.phone().stop()
				s.acme.stop()
				s.acme.store.Restore(backup, s.now)
				s.acme.start()
				laptop := s.newDevice(s.mia, "her laptop", store)
				s.tell(laptop, rel, "email", "mia@example.net")
				s.pass(time.Hour)
				if speaks {
					s.ok(s.acme.gateway.Say(s.ctx, "ann", rel, &firsthand.Message{Text: "the price is twenty"}))
				}
				s.pass(time.Hour)
				laptop.retire()

				s.phone().start()
				s.pass(time.Hour)
				want(t, "frozen", s.row(s.phone(), rel).Frozen, "branch")
				_, err := end(s, rel)
				s.ok(err)
				s.phone().wake(0)
				s.settled(rel)
				want(t, "held e-mail", s.holds(rel)["email"], "mia@example.net")
				want(t, "reconciled", len(s.state(s.phone(), rel).Reconciled), 1)

				evidence, err := s.phone().store.Evidence(s.ctx, rel)
				s.ok(err)
				for seq := int64(2); seq <= 3; seq++ {
					id := lost.Log(firsthand.Second).ID(seq)
					kept := slices.ContainsFunc(evidence, func(e agent.Evidence) bool { return e.Entry.ID == id })
					want(t, "what the company had said is kept", kept, true)
				}
				b, err := s.phone().agent.Bundle(s.ctx, rel)
				s.ok(err)
				report, err := b.Verify()
				s.ok(err)
				forked := make(map[firsthand.Side]bool)
				for _, e := range report.Forks {
					forked[e.Side] = true
				}
				want(t, "a stranger can verify that her log forked", forked[firsthand.First], true)
				want(t, "a stranger can verify that the company's did", forked[firsthand.Second], true)
				_, err = s.phone().agent.Message(s.ctx, rel, firsthand.ID{}, "twenty it is")
				s.ok(err)
				s.settled(rel)
			})
		}
	}
}

// As above, but the file that comes second has written nothing of its own: it lacks
// entries of the copy's, which have seen a branch of the company's that it doesn't
// know. Where they have not, it is for the company to end its fork.
func TestCopyHidesARestore(t *testing.T) {
	for _, seen := range []bool{false, true} {
		t.Run(fmt.Sprintf("the copy has seen it: %t", seen), func(t *testing.T) {
			s := newStory(t, 1)
			rel := s.meet(s.acme)
			bond := s.ledger.rels[rel]
			bond.copied, bond.rewound = true, true
			backup := s.acme.store.Snapshot()
			store := agenttest.NewMemory()
			store.PutBack(s.phone().store.Snapshot())
			s.ok(s.acme.gateway.Say(s.ctx, "ann", rel, &firsthand.Message{Text: "the price is ten"}))
			s.pass(time.Hour)

			s.phone().stop()
			s.acme.stop()
			s.acme.store.Restore(backup, s.now)
			s.acme.start()
			laptop := s.newDevice(s.mia, "her laptop", store)
			if seen {
				s.pass(time.Hour)
				s.ok(s.acme.gateway.Say(s.ctx, "ann", rel, &firsthand.Message{Text: "the price is twenty"}))
				s.pass(time.Hour)
			}
			_, err := laptop.agent.Message(s.ctx, rel, firsthand.ID{}, "what is the price?")
			s.ok(err)
			laptop.wake(0)
			s.pass(time.Hour)
			if !seen {
				s.ok(s.acme.gateway.Say(s.ctx, "ann", rel, &firsthand.Message{Text: "the price is twenty"}))
				s.pass(time.Minute)
			}
			laptop.retire()

			s.phone().start()
			s.pass(time.Hour)
			price := "the price is ten" // she received it first
			if seen {
				want(t, "frozen", s.row(s.phone(), rel).Frozen, "unknown")
				_, err = s.phone().agent.Reconcile(s.ctx, rel)
				s.ok(err)
				price = "the price is twenty"
			}
			for range 6 {
				s.pass(time.Hour)
				s.mend()
			}
			s.settled(rel)
			state := s.state(s.phone(), rel)
			texts := make(map[string]int)
			for _, m := range state.Messages {
				texts[m.Say.Text]++
			}
			want(t, "price", texts[price], 1)
			want(t, "her question", texts["what is the price?"], 1)
		})
	}
}
