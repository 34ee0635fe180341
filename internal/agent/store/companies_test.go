package store

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"firsthand"
	"firsthand/internal/agent"
	"firsthand/internal/sqlite"
)

// TestChoiceIsTheSameInAllSpellings: which of them is used depends on how much there
// is; what is found does not.
func TestChoiceIsTheSameInAllSpellings(t *testing.T) {
	ctx := t.Context()
	s, err := Create(ctx, filepath.Join(t.TempDir(), "life"), CreateOptions{Passphrase: passphrases[0], KitRecipient: kitOfTests.Recipient()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c := agent.Commit{Holdings: make(map[firsthand.ID][]agent.Holder)}
	for i := range 60 {
		domain := fmt.Sprintf("shop%d.example", i)
		c.Edits = append(c.Edits, agent.CompanyEdit{Domain: domain, Groups: map[string]bool{fmt.Sprint("group", i%3): true}})
		if i%4 == 0 {
			c.State = append(c.State, agent.Statement{Domain: domain, Fact: "email", Value: firsthand.Text(fmt.Sprintf("Mia%d@old.example", i%8))})
		}
		if i%5 == 0 {
			id := firsthand.ID{1, byte(i)}
			c.Relationships = append(c.Relationships, agent.Relationship{ID: id, Domain: domain, Name: domain, Opened: time.Now()})
			c.Holdings[id] = []agent.Holder{
				{Rel: id, Domain: domain, Fact: "email", Value: firsthand.Text("mia0@old.example"), Origin: firsthand.Told, Since: time.Now()},
				{Rel: id, Domain: domain, Fact: "phone", Value: firsthand.Text("1"), Origin: firsthand.Inferred, Since: time.Now()},
			}
		}
	}
	if err := s.Commit(ctx, c); err != nil {
		t.Fatal(err)
	}
	for q, want := range map[agent.CompanyQuery]int{
		{Group: "group1"}: 20,
		{Holds: "email"}:  24, // 15 and 12, of which 3 are both
		{Holds: "email", Value: "mia0@old.example"}: 18, // 8 and 12, of which 2 are both
		{Holds: "email", Value: "mia4@old.example"}: 7,
		{Holds: "phone"}: 0, // nobody was told
		{Holds: "email", Group: "group0", Search: "shop", Show: agent.ShowConfirmed}: 8,
	} {
		chosen := choose(&q)
		var first []string
		for _, total := range []int{unknown, few, few + 1} {
			where, args := chosen.query(total)
			found, err := list(ctx, s, func(rows *sqlite.Rows, d *string) error { return rows.Scan(d) },
				`SELECT domain FROM company`+where+` ORDER BY fold, domain`, args...)
			if err != nil {
				t.Fatalf("%+v: %v", q, err)
			}
			if total == unknown {
				first = found
			}
			if len(found) != want || !slices.Equal(found, first) {
				t.Errorf("%+v as for %d rows: %d companies %q, want %d", q, total, len(found), found, want)
			}
		}
	}
}
