package agent_test

import (
	"context"
	"iter"
	"math"
	"reflect"
	"testing"

	"firsthand"
	"firsthand/internal/agent"
)

// A read is a file that counts how many logs are read from their beginning.
type read struct {
	agent.Store
	logs int
}

func (r *read) Entries(ctx context.Context, rel firsthand.ID, side firsthand.Side, after int64) iter.Seq2[firsthand.Entry, error] {
	if after == 0 {
		r.logs++
	}
	return r.Store.Entries(ctx, rel, side, after)
}

// anew starts her agent with nothing in memory, on a file that counts.
func (s *sides) anew() *read {
	r := &read{Store: s.store}
	s.startAgent()
	s.Agent.Store = r
	return r
}

// A relationship in which all is said and received is asked for news without reading
// its logs; what comes is taken all the same, and what she has to say is said.
func TestQuietQuestionReadsNoLog(t *testing.T) {
	s := newSides(t)
	rel := s.meet(agent.MeetOptions{Kept: true})
	s.say(rel, "hello")
	s.sync(rel)
	r := s.anew()
	s.sync(rel)
	if r.logs != 0 {
		t.Errorf("%d logs were read for a question to which nothing came", r.logs)
	}
	s.must(s.gw.Say(t.Context(), "ann", rel, &firsthand.Message{Text: "good morning"}))
	s.sync(rel)
	state, err := firsthand.Load(t.Context(), s.store, rel)
	s.must(err)
	if n := len(state.Messages); n != 2 {
		t.Fatalf("she has %d messages, want hers and the company's", n)
	}
	s.anew()
	id := s.say(rel, "the same to you")
	s.anew() // it was written and not sent
	s.sync(rel)
	if s.at(s.theirs, rel, id) == 0 {
		t.Error("what she wrote was not sent")
	}
	// The company was put back: it gets again what it has lost.
	backup := s.theirs.Snapshot()
	last := s.say(rel, "and thanks")
	s.sync(rel)
	s.theirs.Restore(backup, s.now)
	s.startGateway()
	s.anew()
	s.sync(rel)
	if s.at(s.theirs, rel, last) == 0 {
		t.Error("what the company has lost was not sent again")
	}
}

// Look shows the end of what Show shows, whatever has crossed, and reads what is in
// memory.
func TestLook(t *testing.T) {
	s := newSides(t)
	rel := s.meet(agent.MeetOptions{Kept: true})
	for i := range 4 {
		s.must(s.gw.Say(t.Context(), "ann", rel, &firsthand.Message{Text: "hers crosses this"}))
		s.say(rel, "one")
		if i%2 == 0 {
			s.say(rel, "two")
			s.sync(rel)
		}
	}
	s.sync(rel)
	whole, err := s.Show(t.Context(), rel)
	s.must(err)
	r := s.anew()
	for _, last := range []int{0, 1, 2, 3, 5, 8, len(whole.Entries), math.MaxInt} {
		r.logs = 0
		s.must(s.Look(t.Context(), rel, last, func(d *agent.Detail) {
			want := whole.Entries[max(0, len(whole.Entries)-last):]
			if len(d.Entries) != len(want) || len(want) > 0 && !reflect.DeepEqual(d.Entries, want) {
				t.Errorf("the last %d entries are not those of Show:\n%v\n%v", last, d.Entries, want)
			}
			if d.Earlier != len(whole.Entries)-len(want) {
				t.Errorf("last %d: %d are earlier, want %d", last, d.Earlier, len(whole.Entries)-len(want))
			}
			if !reflect.DeepEqual(d.View, whole.View) || !reflect.DeepEqual(d.Relationship, whole.Relationship) {
				t.Errorf("last %d: another state than Show's", last)
			}
		}))
		if last > 0 && last < 5 && r.logs > 0 {
			t.Errorf("last %d: %d logs were read whole, though they are in memory", last, r.logs)
		}
	}
}

// Of long logs Look reads the entries that tell, and shows what Show shows. What is
// cached for that and doesn't fit the logs is not believed.
func TestLookSkims(t *testing.T) {
	s := newSides(t)
	rel := s.meet(agent.MeetOptions{Kept: true})
	tell := func(fact, value string) firsthand.ID {
		act, err := s.Disclose(t.Context(), rel, agent.Telling{Fact: fact, Value: firsthand.Text(value), Purpose: "ServiceDelivery", Basis: firsthand.Basis{Exception: "at the counter"}})
		s.must(err)
		return act.Entry
	}
	tell("phone", "1")
	for i := range 30 {
		s.must(s.gw.Say(t.Context(), "ann", rel, &firsthand.Message{Text: "hers crosses this"}))
		s.say(rel, "one")
		if i%3 == 0 {
			s.say(rel, "two")
			s.sync(rel)
		}
		if i == 20 {
			tell("email", "ann@example.org")
			s.must(s.gw.Say(t.Context(), "ann", rel, &firsthand.Ask{Fact: "birth_date", Purpose: "p", Why: "w", Until: "2099-01-01"}))
		}
	}
	s.sync(rel)
	// looks compares Look with Show, and returns how many logs it read whole.
	looks := func() int {
		t.Helper()
		whole, err := s.Show(t.Context(), rel)
		s.must(err)
		read := 0
		for last := range 40 {
			r := s.anew()
			s.must(s.Look(t.Context(), rel, last, func(d *agent.Detail) {
				want := whole.Entries[max(0, len(whole.Entries)-last):]
				if len(d.Entries) != len(want) || len(want) > 0 && !reflect.DeepEqual(d.Entries, want) {
					t.Errorf("the last %d entries are not those of Show:\n%v\n%v", last, d.Entries, want)
				}
				if d.Earlier != len(whole.Entries)-len(want) {
					t.Errorf("last %d: %d are earlier, want %d", last, d.Earlier, len(whole.Entries)-len(want))
				}
				for what, is := range map[string][2]any{"view": {d.View, whole.View}, "row": {d.Relationship, whole.Relationship},
					"offers": {d.State.Offers, whole.State.Offers}, "claims": {d.State.Claims, whole.State.Claims}} {
					if !reflect.DeepEqual(is[0], is[1]) {
						t.Errorf("last %d: another %s than Show's:\n%s\n%s", last, what, firsthand.EncodeJSON(is[0]), firsthand.EncodeJSON(is[1]))
					}
				}
			}))
			read += r.logs
		}
		return read
	}
	if n := looks(); n != 0 {
		t.Errorf("%d logs were read whole", n)
	}

	good := s.row(rel)
	sum, err := good.Summarised()
	s.must(err)
	for name, spoil := range map[string]func(*agent.Summary){
		"one is named that isn't there": func(b *agent.Summary) { b.Tells = [][]int64{append(b.Tells[0], 4711), b.Tells[1]} },
		"the other side's":              func(b *agent.Summary) { b.Tells = [][]int64{b.Tells[1], b.Tells[0]} },
		"an older head":                 func(b *agent.Summary) { b.First.Seq-- },
		"the head of another branch":    func(b *agent.Summary) { b.Second.ID[0]++ },
		"one side":                      func(b *agent.Summary) { b.Tells = b.Tells[:1] },
		"seqs that are none":            func(b *agent.Summary) { b.Tells = [][]int64{{-1, 0, 1}, b.Tells[1]} },
	} {
		bad, row := sum, good
		spoil(&bad)
		row.Summary = firsthand.EncodeJSON(bad)
		s.must(s.store.Commit(t.Context(), agent.Commit{Relationships: []agent.Relationship{row}}))
		t.Run(name, func(t *testing.T) { looks() })
	}
	s.must(s.store.Commit(t.Context(), agent.Commit{Relationships: []agent.Relationship{good}}))

	// What was appended by another way, and where something was erased, all is folded.
	last := tell("phone", "2")
	state, err := firsthand.Load(t.Context(), s.store, rel)
	s.must(err)
	salt, err := firsthand.NewSalt(s.rand)
	s.must(err)
	e, err := state.Write(firsthand.SignerFromSeed(s.row(rel).Seed), firsthand.First, s.now, salt, state.Erasure(last))
	s.must(err)
	s.must(s.store.Append(t.Context(), e))
	if n := looks(); n < 2*40 {
		t.Errorf("only %d logs were read, though something was erased since", n)
	}
	s.anew()
	_, err = s.Rebuild(t.Context())
	s.must(err)
	if n := looks(); n < 2*40 {
		t.Errorf("only %d logs were read, though something was erased", n)
	}
}
