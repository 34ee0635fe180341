package store

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"firsthand/internal/agent"
)

// A page of a search is the same as that part of what SQLite finds: also of words that
// end one text and begin the next, and after something was committed.
func TestSearchByNames(t *testing.T) {
	ctx := t.Context()
	s, err := Create(ctx, filepath.Join(t.TempDir(), "life"), CreateOptions{Passphrase: passphrases[0], KitRecipient: kitOfTests.Recipient()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	add := func(domain, name string) agent.CompanyEdit {
		return agent.CompanyEdit{Domain: domain, Name: &name, Groups: map[string]bool{"odd": len(domain)%2 == 1}}
	}
	c := agent.Commit{Edits: []agent.CompanyEdit{add("zab.example", "Café ABC"), add("cd.example", "xx CDab"), add("abc.example", "Zz"), add("ab.example", "exampleab"), add("q.example", "aaaa")}}
	for i := range 12 {
		c.Edits = append(c.Edits, add(fmt.Sprintf("s%d.example", i), fmt.Sprint("Shop ", i%5)))
	}
	for round := range 2 {
		if err := s.Commit(ctx, c); err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"ab", "abc", "cd", "é", "SHOP", "aa", "example", "examplea", "abzab", "zz", "no such", "late"} {
			for _, q := range []agent.CompanyQuery{{}, {Desc: true}, {Sort: agent.ByHeld}, {Group: "odd"}, {Show: agent.ShowGuessed}} {
				q.Search = word
				all, n, err := s.Companies(ctx, q)
				if err != nil {
					t.Fatal(err)
				}
				if word == "late" && q.Show == "" && q.Group == "" && n != round {
					t.Errorf("round %d: %d companies are late", round, n)
				}
				for q.Offset, q.Limit = 0, 4; q.Offset <= n; q.Offset += 3 {
					page, total, err := s.Companies(ctx, q)
					if want := all[q.Offset:min(n, q.Offset+q.Limit)]; err != nil || total != n || !slices.EqualFunc(page, want, func(a, b agent.Company) bool { return a.Domain == b.Domain }) {
						t.Errorf("%+v: %d of %d, want %d of %d, %v", q, len(page), total, len(want), n, err)
					}
				}
			}
		}
		c = agent.Commit{Edits: []agent.CompanyEdit{add("late.example", "Latecomer")}}
	}
}
