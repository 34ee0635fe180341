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
		for _, how := range []plan{counted, sorted, walked} {
			where, args := chosen.query(how)
			found, err := list(ctx, s, func(rows *sqlite.Rows, d *string) error { return rows.Scan(d) },
				`SELECT domain FROM company`+where+` ORDER BY fold, domain`, args...)
			if err != nil {
				t.Fatalf("%+v: %v", q, err)
			}
			if how == counted {
				first = found
			}
			if len(found) != want || !slices.Equal(found, first) {
				t.Errorf("%+v in spelling %d: %d companies %q, want %d", q, how, len(found), found, want)
			}
		}
	}
}

// The first pages of a large part of all are found on the way, the last ones and small
// parts by the list.
func TestPlanFor(t *testing.T) {
	for _, c := range []struct {
		end, total, all int
		want            plan
	}{
		{0, 0, 10000, sorted}, {3, 3, 10000, sorted}, {50, 1000, 10000, walked}, {1000, 1000, 10000, sorted},
		{50, 9000, 10000, walked}, {9000, 9000, 10000, walked},
	} {
		if got := planFor(c.end, c.total, c.all); got != c.want {
			t.Errorf("planFor(%d, %d, %d) = %v, want %v", c.end, c.total, c.all, got, c.want)
		}
	}
}
