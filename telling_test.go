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

// talk makes up a message, or what became of one.
func (p *party) talk(r *rand.Rand) firsthand.Content {
	of := p.any(r, "message")
	switch n := r.IntN(4); {
	case n == 0 && p.side == second:
		return &firsthand.Applied{Entry: of, System: "helpdesk", Record: "12"}
	case n == 1 && p.side == second:
		return &firsthand.Refused{Entry: of, Reason: "no"}
	case n == 2:
		return &firsthand.Message{Thread: of, Text: "y"}
	}
	return message("x")
}

// What is told from the entries that tell is what a fold of all says, at every step.
func TestTellingIsTheFold(t *testing.T) {
	seeds, steps := 25, 60
	if os.Getenv("FIRSTHAND_TEST_ALL") == "1" {
		seeds, steps = 100, 150
	}
	without := 0
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { without += interleave(t, uint64(seed), steps, true, map[string]int{}) })
	}
	if without < 1000 {
		t.Errorf("%d entries in all were done without: too few to say anything", without)
	}
}

// skim holds that what is told from some entries of p's logs is what a fold of all
// says, but for words that weren't asked for. It returns how many entries it did
// without.
func (p *party) skim(t *testing.T, r *rand.Rand) int {
	t.Helper()
	whole := p.fresh(t)
	tell, ok := whole.Telling()
	if !ok {
		return 0
	}
	n := 1 + r.IntN(4)
	var given [2][]firsthand.Entry
	heads := [2]firsthand.Head{whole.Log(first).Head, whole.Log(second).Head}
	without := 0
	words := make(map[string]bool) // places of those that were left out, or may lack what became of them
	for i, log := range p.logs {
		for at, e := range log {
			if slices.Contains(tell[i], e.Seq) {
				given[i] = append(given[i], e)
				continue
			}
			words[fmt.Sprintf("%s/%d", e.Side, e.Seq)] = true
			if at >= len(log)-n {
				given[i] = append(given[i], e)
			} else {
				without++
			}
		}
	}
	all := firsthand.NewState().Sort(slices.Concat(p.logs[0], p.logs[1]))
	for _, e := range all[max(0, len(all)-n):] { // those that a page shows
		delete(words, fmt.Sprintf("%s/%d", e.Side, e.Seq))
	}
	part, err := firsthand.FoldTelling(tell, heads, given[0], given[1])
	if err != nil {
		t.Fatal(err)
	}
	if !part.Stale() {
		t.Error("it may be written from")
	}
	tells := func(s *firsthand.State) (lines []string) {
		for _, l := range conformance.Summary(s) {
			of := strings.Fields(l)
			if (of[0] == "message" || of[0] == "outcome") && (words[of[1]] || of[1] == "nowhere") {
				continue
			}
			if l, _, _ = strings.Cut(l, " thread "); of[0] == "message" {
				l = strings.TrimSuffix(l, " resolved")
			}
			lines = append(lines, l)
		}
		return append(lines, conformance.SummaryAt(s, p.logs[0][0].At.AddDate(0, 1, 0))...)
	}
	if got, want := tells(part), tells(whole); !slices.Equal(got, want) {
		t.Fatalf("told from %v and the last %d\n%s\nbut the logs say\n%s", tell, n, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	return without
}

// TestFoldTellingRefuses gives it what doesn't fit: the caller folds all then.
func TestFoldTellingRefuses(t *testing.T) {
	s := conformance.NewScript("telling")
	logs := [2][]firsthand.Entry{{s.Logs[0][0].Entry(t)}, {s.Logs[1][0].Entry(t)}}
	other := conformance.NewScript("another").Logs[1][0].Entry(t)
	say := func(side firsthand.Side, body string) {
		d := s.Draft(side, body)
		s.See(&d, 1)
		d = s.Sign(d)
		s.Logs[at(side)] = append(s.Logs[at(side)], d)
		logs[at(side)] = append(logs[at(side)], d.Entry(t))
	}
	for range 4 {
		say(first, `{"kind":"message","text":"x"}`)
	}
	say(first, `{"kind":"disclose","fact":"phone","value":"1","purpose":"p","basis":{"exception":"once"}}`)
	say(first, `{"kind":"message","text":"x"}`)
	whole, err := firsthand.Fold(logs[0], logs[1])
	if err != nil {
		t.Fatal(err)
	}
	tell, ok := whole.Telling()
	if want := (firsthand.Telling{{1, 6}, {1}}); !ok || !slices.Equal(tell[0], want[0]) || !slices.Equal(tell[1], want[1]) {
		t.Fatalf("telling %v, %v; want %v", tell, ok, want)
	}
	heads := [2]firsthand.Head{whole.Log(first).Head, whole.Log(second).Head}
	l := logs[0]
	good := []firsthand.Entry{l[0], l[5], l[6]}
	if _, err := firsthand.FoldTelling(tell, heads, good, logs[1]); err != nil {
		t.Fatal(err)
	}
	forked := l[6]
	forked.Prev = l[3].ID
	for name, first := range map[string][]firsthand.Entry{
		"none": nil, "one that tells is missing": {l[0], l[6]}, "the last is missing": {l[0], l[5]},
		"out of order": {l[5], l[0], l[6]}, "twice": {l[0], l[5], l[5], l[6]}, "another branch": {l[0], l[5], forked},
		"without its beginning": {l[5], l[6]},
	} {
		if _, err := firsthand.FoldTelling(tell, heads, first, logs[1]); fault.KindOf(err) != fault.Conflict {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := firsthand.FoldTelling(firsthand.Telling{{1}, {1}}, heads, good, logs[1]); fault.KindOf(err) != fault.Conflict {
		t.Errorf("an entry that tells and isn't named: %v", err)
	}
	if _, err := firsthand.FoldTelling(tell, [2]firsthand.Head{heads[0], other.Head()}, good, []firsthand.Entry{other}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("the log of another company: %v", err)
	}
}
