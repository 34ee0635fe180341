package agenttest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
)

func nextKey(n int) agent.NextKey {
	return agent.NextKey{Label: firsthand.Label{byte(n), byte(n >> 8), 1}, Hash: firsthand.ID{byte(n), byte(n >> 8), 2}}
}

func nextKeys(from, to int) (keys []agent.NextKey) {
	for n := from; n < to; n++ {
		keys = append(keys, nextKey(n))
	}
	return keys
}

func wantLabels(t testing.TB, s agent.Store, want int) {
	t.Helper()
	wantEqual(t, "labels", must(s.Labels(t.Context()))(t), want)
	k, err := s.Label(t.Context())
	switch {
	case want == 0 && !errors.Is(err, fault.NotExist):
		t.Errorf("label of an empty book = %v, want %v", err, fault.NotExist)
	case want > 0 && err != nil:
		t.Errorf("label: %v", err)
	case want > 0 && k != nextKey(int(k.Label[0])|int(k.Label[1])<<8):
		t.Errorf("label %s has the hash of another", k.Label)
	}
}

var bookChecks = []check{
	{"no label is used twice", func(t testing.TB, f Fixture) {
		s := f.Open(t)
		commit(t, s, agent.Commit{AddLabels: nextKeys(0, 3)})
		commit(t, s, agent.Commit{AddLabels: nextKeys(2, 5)}) // one is known
		used := make(map[firsthand.Label]bool)
		for n := 5; n > 0; n-- {
			wantLabels(t, s, n)
			k := must(s.Label(t.Context()))(t)
			if used[k.Label] {
				t.Fatalf("label %s is given out again", k.Label)
			}
			used[k.Label] = true
			commit(t, s, agent.Commit{TakeLabels: []firsthand.Label{k.Label}})
			wantConflict(t, s, agent.Commit{TakeLabels: []firsthand.Label{k.Label}})
			wantConflict(t, s, agent.Commit{AddLabels: []agent.NextKey{k}, TakeLabels: []firsthand.Label{k.Label}})
		}
		commit(t, s, agent.Commit{AddLabels: nextKeys(0, 5)})
		wantLabels(t, s, 0)
		wantConflict(t, s, agent.Commit{TakeLabels: []firsthand.Label{{99}}}) // was never in the book
		commit(t, s, agent.Commit{AddLabels: nextKeys(5, 7), TakeLabels: []firsthand.Label{nextKey(6).Label}})
		wantLabels(t, s, 1)
		wantConflict(t, s, agent.Commit{TakeLabels: []firsthand.Label{nextKey(5).Label, nextKey(5).Label}})
	}},
	{"an emptied book", func(t testing.TB, f Fixture) {
		s := f.Open(t)
		commit(t, s, agent.Commit{AddLabels: nextKeys(0, 3), TakeLabels: []firsthand.Label{nextKey(1).Label}})
		commit(t, s, agent.Commit{EmptyBook: true})
		wantLabels(t, s, 0)
		wantConflict(t, s, agent.Commit{TakeLabels: []firsthand.Label{nextKey(0).Label}})
		commit(t, s, agent.Commit{AddLabels: nextKeys(0, 3)}) // what was not used is never used
		wantLabels(t, s, 0)
		commit(t, s, agent.Commit{EmptyBook: true, AddLabels: nextKeys(2, 5)}) // first emptied, then filled
		wantLabels(t, s, 2)
		wantConflict(t, s, agent.Commit{EmptyBook: true, TakeLabels: []firsthand.Label{nextKey(3).Label}})
	}},
	{"of those that take one label one wins", func(t testing.TB, f Fixture) {
		const takers, each = 8, 3
		s := f.Open(t)
		commit(t, s, agent.Commit{AddLabels: nextKeys(0, takers*each)})
		var mu sync.Mutex
		taken := make(map[firsthand.Label]int)
		var wg sync.WaitGroup
		for range takers {
			wg.Go(func() {
				for n := 0; n < each && !t.Failed(); {
					k, err := s.Label(t.Context())
					if err == nil {
						err = s.Commit(t.Context(), agent.Commit{TakeLabels: []firsthand.Label{k.Label}})
					}
					switch {
					case err == nil:
						mu.Lock()
						taken[k.Label]++
						mu.Unlock()
						n++
					case !errors.Is(err, fault.Conflict):
						t.Errorf("take: %v", err)
						return
					}
				}
			})
		}
		wg.Wait()
		if len(taken) != takers*each {
			t.Errorf("%d labels taken, want %d", len(taken), takers*each)
		}
		wantLabels(t, s, 0)
	}},
	{"drafts", func(t testing.TB, f Fixture) {
		s, ctx := f.Open(t), t.Context()
		a, b := firsthand.ID{1}, firsthand.ID{2}
		add := func(rel firsthand.ID, texts ...string) {
			var c agent.Commit
			for _, text := range texts {
				c.AddDrafts = append(c.AddDrafts, agent.Draft{ID: 77, Rel: rel, Body: []byte(text), Made: noon})
			}
			commit(t, s, c)
		}
		seen := make(map[int64]bool)
		want := func(rel firsthand.ID, texts ...string) []agent.Draft {
			t.Helper()
			drafts := must(s.Drafts(ctx, rel))(t)
			var got []string
			for _, d := range drafts {
				got = append(got, string(d.Body))
				if d.Rel != rel || d.Made != noon.UTC() {
					t.Errorf("draft = %+v", d)
				}
			}
			wantEqual(t, "drafts", fmt.Sprintf("%q", got), fmt.Sprintf("%q", texts))
			return drafts
		}
		add(a, "one", "two")
		add(b, "other")
		add(a, "three")
		drafts := want(a, "one", "two", "three")
		for _, d := range append(drafts, want(b, "other")...) {
			if seen[d.ID] || d.ID < 1 {
				t.Errorf("draft ID %d is used twice, or none", d.ID)
			}
			seen[d.ID] = true
		}
		commit(t, s, agent.Commit{DropDrafts: []int64{drafts[0].ID, drafts[2].ID, drafts[0].ID, 12345}})
		want(a, "two")
		want(b, "other")
		commit(t, s, agent.Commit{DropDrafts: []int64{drafts[0].ID, drafts[1].ID}})
		commit(t, s, agent.Commit{Forget: []firsthand.ID{b}})
		// An ID is never given again: whoever drops late would drop another's.
		add(a, "four")
		for _, d := range want(a, "four") {
			if seen[d.ID] {
				t.Errorf("draft ID %d is given again", d.ID)
			}
		}
	}},
}
