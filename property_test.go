package firsthand_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"firsthand"
	"firsthand/conformance"
	"firsthand/fault"
)

// A party is one of two programs: what it has of both logs, and the state that it
// keeps from entry to entry.
type party struct {
	side  firsthand.Side
	state *firsthand.State
	logs  [2][]firsthand.Entry
	calm  bool // it says little that is wrong, erases nothing, and talks much
	short int  // entries that it could judge by the ends of the logs
}

func at(side firsthand.Side) int {
	if side == firsthand.First {
		return 0
	}
	return 1
}

// take does what every program does with an entry, its own or the other's.
func (p *party) take(t *testing.T, e firsthand.Entry) {
	t.Helper()
	p.takeByEnds(t, e)
	if err := p.state.Check(e); err != nil {
		t.Fatalf("%s checks %s %d: %v", p.side, e.Side, e.Seq, err)
	}
	if err := p.state.Take(e); err != nil {
		t.Fatalf("%s takes %s %d: %v", p.side, e.Side, e.Seq, err)
	}
	p.logs[at(e.Side)] = append(p.logs[at(e.Side)], e)
	if e.Side == p.side {
		for _, id := range e.Erases() {
			p.erase(id)
		}
	}
}

func (p *party) erase(id firsthand.ID) {
	for _, log := range p.logs {
		for i := range log {
			if log[i].ID == id {
				log[i] = log[i].WithoutBody()
			}
		}
	}
}

// fresh folds the logs of p from scratch.
func (p *party) fresh(t *testing.T) *firsthand.State {
	t.Helper()
	s, err := firsthand.Fold(p.logs[0], p.logs[1])
	if err != nil {
		t.Fatalf("%s folds: %v", p.side, err)
	}
	return s
}

// any returns one of what p has, mostly of one of the kinds, or something that
// nobody has.
func (p *party) any(r *rand.Rand, kinds ...firsthand.Kind) firsthand.ID {
	all := slices.Concat(p.logs[0], p.logs[1])
	if r.IntN(4) > 0 {
		of := slices.DeleteFunc(slices.Clone(all), func(e firsthand.Entry) bool { return !slices.Contains(kinds, e.Kind()) })
		if len(of) > 0 {
			all = of
		}
	}
	if r.IntN(20) == 0 {
		return nothing
	}
	return all[r.IntN(len(all))].ID
}

// say makes up what p says next, good or bad.
func (p *party) say(r *rand.Rand) firsthand.Content {
	if p.calm && r.IntN(2) == 0 {
		return p.talk(r)
	}
	id := func(kinds ...firsthand.Kind) firsthand.ID { return p.any(r, kinds...) }
	fact := []string{"phone", "email"}[r.IntN(2)]
	value := firsthand.Text(fmt.Sprint(r.IntN(5)))
	day := firsthand.Date(fmt.Sprintf("2026-12-%02d", 1+r.IntN(28)))
	basis := firsthand.Basis{Exception: "once"}
	if v := p.state.Agreements; len(v) > 0 && r.IntN(2) == 0 {
		basis = firsthand.Basis{Agreement: v[r.IntN(len(v))].Entry}
	}
	if r.IntN(12) == 0 {
		basis = firsthand.Basis{Agreement: id()}
	}
	both := []func() firsthand.Content{
		func() firsthand.Content { return message("x") },
		func() firsthand.Content { return &firsthand.Message{Thread: id("message"), Text: "y"} },
		func() firsthand.Content { return &firsthand.Pause{Until: day} },
		func() firsthand.Content {
			return &firsthand.TermsEnd{Agreement: id("terms.accept", "terms.take"), From: day}
		},
		func() firsthand.Content { return p.erasure(r) },
		func() firsthand.Content { return &firsthand.Reconcile{Seq: 1 + r.Int64N(4), Stands: id(), Lost: id()} },
		func() firsthand.Content {
			if r.IntN(10) > 0 {
				return message("not yet")
			}
			return &firsthand.Close{}
		},
	}
	firsts := []func() firsthand.Content{
		func() firsthand.Content {
			return &firsthand.TermsOffer{Terms: []firsthand.TermsRef{ourTerms}, Until: []firsthand.Date{"", day}[r.IntN(2)]}
		},
		func() firsthand.Content { return &firsthand.TermsTake{Counter: id("terms.counter")} },
		func() firsthand.Content { return &firsthand.Claim{Record: "4711"} },
		func() firsthand.Content { return &firsthand.Proof{Challenge: id("challenge"), Code: "1"} },
		func() firsthand.Content {
			return &firsthand.Disclose{Fact: fact, Value: value, Purpose: "p", Basis: basis, Until: []firsthand.Date{"", day}[r.IntN(2)]}
		},
		func() firsthand.Content {
			return &firsthand.Disclose{Fact: fact, Value: value, Purpose: "p", Basis: basis, Ask: id("ask")}
		},
		func() firsthand.Content {
			return &firsthand.Change{Of: id("disclose", "change"), Fact: fact, Value: value, Basis: basis}
		},
		func() firsthand.Content { return &firsthand.Change{Fact: fact, Value: value, Basis: basis} },
		func() firsthand.Content { return &firsthand.Withdraw{Disclosure: id("disclose", "change")} },
		func() firsthand.Content { return &firsthand.Decline{Ask: id("ask")} },
		func() firsthand.Content { return &firsthand.Request{Right: "access", Law: "GDPR", Due: day} },
		func() firsthand.Content { return &firsthand.Note{Entry: id(), Saw: "applied"} },
	}
	seconds := []func() firsthand.Content{
		func() firsthand.Content { return &firsthand.TermsAccept{Offer: id("terms.offer"), Terms: ourTerms} },
		func() firsthand.Content { return &firsthand.TermsCounter{Offer: id("terms.offer"), Terms: ourTerms} },
		func() firsthand.Content { return &firsthand.TermsRefuse{Offer: id("terms.offer"), Reason: "no"} },
		func() firsthand.Content { return &firsthand.Challenge{Claim: id("claim"), Way: "code", Until: day} },
		func() firsthand.Content { return &firsthand.Bound{Proof: id("proof"), System: "crm", Record: "4711"} },
		func() firsthand.Content { return &firsthand.Ask{Fact: fact, Purpose: "p", Why: "w", Until: day} },
		func() firsthand.Content { return &firsthand.Holds{Fact: fact, Value: value, Origin: "observed"} },
		func() firsthand.Content {
			return &firsthand.Applied{Entry: id("disclose", "change", "request"), System: "crm", Reported: r.IntN(3) > 0}
		},
		func() firsthand.Content {
			return &firsthand.Refused{Entry: id("disclose", "change", "withdraw"), Reason: "no"}
		},
		func() firsthand.Content {
			return &firsthand.Answer{Request: id("request"), Outcome: []string{"done", "extended"}[r.IntN(2)], Due: day}
		},
	}
	mine := seconds
	if p.side == firsthand.First {
		mine = firsts
	}
	switch n := r.IntN(10); {
	case n == 0: // what the other side might say
		all := slices.Concat(firsts, seconds)
		return all[r.IntN(len(all))]()
	case n <= 3:
		return both[r.IntN(len(both))]()
	}
	return mine[r.IntN(len(mine))]()
}

// erasure erases some of what p has and may be erased.
func (p *party) erasure(r *rand.Rand) firsthand.Content {
	var ids []firsthand.ID
	for range 1 + r.IntN(3) {
		id := p.any(r, firsthand.Kinds()...)
		if c := p.state.Erasure(id); c.Entries[0].Kind.Erasable() {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return message("nothing to erase")
	}
	return p.state.Erasure(ids...)
}

// Two parties write and exchange as it comes. At every step the state that each
// has kept is what a fold of its logs gives; and where both have the same, they
// have the same state, although each has erased what it had to. The exceptions
// of [firsthand.State.Write] are those of the fold: it refuses what is flagged.
func TestBothSidesFoldAlike(t *testing.T) {
	seeds, steps := 25, 50
	if os.Getenv("FIRSTHAND_TEST_ALL") == "1" {
		seeds, steps = 500, 80
	}
	flagged := map[string]int{}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { interleave(t, uint64(seed), steps, false, flagged) })
	}
	t.Log(flagged)
	for _, rule := range []string{"kind-side", "kind-closed", "ref-unknown", "ref-kind", "rotate-disowned", "terms-round", "change-holding", "basis-agreement"} {
		if flagged[rule] == 0 {
			t.Errorf("no run came to %s", rule)
		}
	}
}

func interleave(t *testing.T, seed uint64, steps int, calm bool, flagged map[string]int) (without int) {
	skims := rand.New(rand.NewPCG(seed, 2))
	r := rand.New(rand.NewPCG(seed, 1))
	s := conformance.NewScript("interleave")
	parties := [2]*party{{side: first, state: firsthand.NewState(), calm: calm}, {side: second, state: firsthand.NewState(), calm: calm}}
	for _, p := range parties {
		p.take(t, s.Logs[0][0].Entry(t))
		p.take(t, s.Logs[1][0].Entry(t))
	}
	for range steps {
		p, other := parties[0], parties[1]
		if r.IntN(2) == 0 {
			p, other = other, p
		}
		if p.state.Stale() {
			p.state = p.fresh(t)
		}
		if r.IntN(5) < 2 {
			p.receive(t, other, 1+r.IntN(4))
		} else {
			p.write(t, r, s)
		}
		without += p.skim(t, skims)
		want := conformance.Summary(p.fresh(t))
		if !p.state.Stale() {
			if got := conformance.Summary(p.state); !slices.Equal(got, want) {
				t.Fatalf("%s kept\n%s\nbut its logs say\n%s", p.side, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
		if len(p.logs[0]) == len(other.logs[0]) && len(p.logs[1]) == len(other.logs[1]) {
			if got := conformance.Summary(other.fresh(t)); !slices.Equal(got, want) {
				t.Fatalf("%s folds\n%s\nand %s\n%s", other.side, strings.Join(got, "\n"), p.side, strings.Join(want, "\n"))
			}
		}
	}
	flagged[byEnds] += parties[0].short + parties[1].short
	for _, f := range parties[0].fresh(t).Flags {
		flagged[f.Rule]++
	}
	return without
}

// receive takes up to n entries that other has written and p hasn't.
func (p *party) receive(t *testing.T, other *party, n int) {
	i := at(other.side)
	for n > 0 && len(p.logs[i]) < len(other.logs[i]) {
		e := other.logs[i][len(p.logs[i])]
		if !e.HasBody() { // erased before it was delivered: only all together can be judged
			p.takeAll(t, other)
			return
		}
		if e.Seen.Seq > int64(len(p.logs[1-i])) {
			return // it has seen more of p's log than p: can't be
		}
		p.take(t, e)
		n--
	}
}

// takeAll takes all that other has written and p hasn't, as one.
func (p *party) takeAll(t *testing.T, other *party) {
	i := at(other.side)
	e := other.logs[i][len(p.logs[i])]
	if err := p.state.Check(e); err != nil {
		t.Fatalf("%s checks %s %d without its body: %v", p.side, e.Side, e.Seq, err)
	}
	if err := p.state.Take(e); fault.RuleOf(err) != "body-missing" || fault.KindOf(err) != fault.Conflict {
		t.Fatalf("%s takes %s %d without its body: %v", p.side, e.Side, e.Seq, err)
	}
	p.logs[i] = slices.Clone(other.logs[i])
	state, err := firsthand.Verify(p.logs[0], p.logs[1])
	if err != nil {
		t.Fatalf("%s takes all: %v", p.side, err)
	}
	p.state = state
}

// write lets p write an entry.
func (p *party) write(t *testing.T, r *rand.Rand, s *conformance.Script) {
	known := int64(len(p.logs[1-at(p.side)]))
	var d conformance.Draft
	rotate := !p.calm && r.IntN(25) == 0
	if rotate {
		disown := int64(0)
		if n := len(p.logs[at(p.side)]); p.side == first && n > 1 && r.IntN(2) == 0 {
			disown = 2 + r.Int64N(int64(n)-1)
		}
		d = s.RotateDraft(p.side, disown)
	} else {
		body, err := firsthand.EncodeBody(p.say(r))
		if err != nil {
			return // it makes no sense by itself
		}
		d = s.Draft(p.side, string(body))
	}
	s.See(&d, known)
	d = s.Sign(d)
	e := d.Entry(t)

	// What Write would sign is what isn't flagged.
	c, err := firsthand.DecodeBody(e.Body)
	if err != nil {
		t.Fatal(err)
	}
	written, err := p.state.Write(firsthand.SignerFromSeed(s.Keys[at(p.side)]), p.side, s.Now, e.Salt, c)
	if err == nil && string(written.Signed) != d.Signed {
		t.Fatalf("Write signs\n%s\nwant\n%s", written.Signed, d.Signed)
	}
	if p.calm && (c.Kind() == "erased" || err != nil && r.IntN(8) > 0) {
		return
	}
	flags := len(p.state.Flags)
	p.take(t, e)
	s.Logs[at(p.side)] = append(s.Logs[at(p.side)], d)
	if isFlagged := len(p.state.Flags) > flags; isFlagged != (err != nil) {
		t.Fatalf("%s writes %s: Write = %v, but flagged is %v", p.side, c.Kind(), err, isFlagged)
	}
}
