package firsthand_test

import (
	"fmt"
	"strings"
	"testing"

	"firsthand"
	"firsthand/conformance"
	"firsthand/fault"
)

// byEnds is how often the ends of the logs sufficed, among what runs came to.
const byEnds = "judged by the ends"

// What is judged by the ends of the logs alone is judged as by the fold of all, at every
// step, and the logs end where the fold says.
func TestEndsAreTheFold(t *testing.T) {
	came := map[string]int{}
	for seed := range 25 {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { interleave(t, uint64(seed), 60, true, came) })
	}
	if came[byEnds] < 50 {
		t.Errorf("%d entries in all were judged by the ends: too few to say anything", came[byEnds])
	}
}

// takeByEnds takes e, which p takes next, by what the ends of its logs say, and holds
// that this is what its logs say.
func (p *party) takeByEnds(t *testing.T, e firsthand.Entry) {
	t.Helper()
	ends := p.state.Ends()
	if ends.First.Seq == 0 || ends.Second.Seq == 0 {
		return
	}
	short := ends.State(p.state.Rel)
	if got := short.Ends(); got != ends || !short.Stale() {
		t.Fatalf("its ends are %+v, want %+v; stale: %v", got, ends, short.Stale())
	}
	if !ends.Judge([]firsthand.Entry{e}) {
		if err := short.Check(e); fault.KindOf(err) != fault.Internal {
			t.Fatalf("%s %d is checked by ends that don't suffice: %v", e.Side, e.Seq, err)
		}
		if err := short.Take(e); fault.KindOf(err) != fault.Internal {
			t.Fatalf("%s %d is taken by ends that don't suffice: %v", e.Side, e.Seq, err)
		}
		return
	}
	p.short++
	forged := e
	forged.Signed = append([]byte(nil), e.Signed...)
	forged.Signed[len(forged.Signed)-20] ^= 1
	if err := short.Check(forged); fault.RuleOf(err) != "entry-signature" {
		t.Fatalf("another signature: %v", err)
	}
	if err := short.Check(e); err != nil {
		t.Fatal(err)
	}
	if err := short.Take(e); err != nil {
		t.Fatal(err)
	}
	logs := [2][]firsthand.Entry{append(p.logs[0][:len(p.logs[0]):len(p.logs[0])], e), p.logs[1]}
	whole, err := firsthand.Fold(logs[0], logs[1])
	if err != nil {
		t.Fatal(err)
	}
	if _, _, effect := whole.Entry(e.ID); !effect {
		t.Fatalf("%s %d has no effect: %v", e.Side, e.Seq, whole.Flags)
	}
	if got, want := short.Ends(), whole.Ends(); got != want {
		t.Fatalf("the ends become %+v, want %+v", got, want)
	}
}

// After the end words have no effect, and the ends don't say that they have.
func TestEndsAfterTheEnd(t *testing.T) {
	s := conformance.NewScript("ends")
	logs := [2][]firsthand.Entry{{s.Logs[0][0].Entry(t)}, {s.Logs[1][0].Entry(t)}}
	say := func(body string) firsthand.Entry {
		d := s.Draft(first, body)
		s.See(&d, 1)
		d = s.Sign(d)
		s.Logs[0] = append(s.Logs[0], d)
		return d.Entry(t)
	}
	for _, body := range []string{`{"kind":"message","text":"x"}`, `{"kind":"close"}`} {
		state, err := firsthand.Fold(logs[0], logs[1])
		if err != nil {
			t.Fatal(err)
		}
		e := say(body)
		if got := state.Ends().Judge([]firsthand.Entry{e}); got != strings.Contains(body, "message") {
			t.Errorf("%s: the ends suffice: %v", body, got)
		}
		logs[0] = append(logs[0], e)
	}
	state, err := firsthand.Fold(logs[0], logs[1])
	if err != nil || len(state.Closed) != 1 {
		t.Fatalf("closed %d times, %v", len(state.Closed), err)
	}
	if e := say(`{"kind":"message","text":"x"}`); state.Ends().Judge([]firsthand.Entry{e}) {
		t.Error("after the end, the ends suffice for words")
	}
}
