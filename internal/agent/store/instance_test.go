package store_test

import (
	"os"
	"path/filepath"
	"testing"

	"firsthand"
	"firsthand/internal/agent"
	"firsthand/internal/agent/store"
	"firsthand/logtest"
)

// lived makes a file with one paired relationship, one unpaired, and a book.
func lived(t testing.TB) (*customer, *store.Store, []firsthand.ID) {
	t.Helper()
	c, s := newCustomer(t)
	paired, alone := logtest.NewPair(t, "acme"), logtest.NewPair(t, "brasserie")
	err := s.Commit(t.Context(), agent.Commit{
		Relationships: []agent.Relationship{
			{ID: paired.Rel(), Domain: "acme.example", Gateway: "https://acme.example/", Opened: testNow},
			{ID: alone.Rel(), Domain: "brasserie.example", Opened: testNow},
		},
		Entries:   append(paired.All(), alone.Log(firsthand.First)...),
		AddLabels: []agent.NextKey{{Label: firsthand.Label{1}, Hash: firsthand.ID{1}}, {Label: firsthand.Label{2}, Hash: firsthand.ID{2}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c, s, []firsthand.ID{paired.Rel(), alone.Rel()}
}

// wantMarked checks that s is marked as restored, or not.
func wantMarked(t testing.TB, s *store.Store, rels []firsthand.ID, marked bool) {
	t.Helper()
	for i, rel := range rels {
		r, err := s.Relationship(t.Context(), rel)
		if err != nil || r.Restored != (marked && i == 0) { // the second is unpaired: there is nobody to ask
			t.Errorf("relationship %d restored: %t, %v", i, r.Restored, err)
		}
	}
	want := 2
	if marked {
		want = 0
	}
	if n, err := s.Labels(t.Context()); n != want || err != nil {
		t.Errorf("%d labels, %v, want %d", n, err, want)
	}
}

func TestRestoredFileIsNoticed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		spoil func(t *testing.T, c *customer, mark string)
	}{
		{"no mark", func(t *testing.T, c *customer, mark string) { os.Remove(mark) }},
		{"an empty mark", func(t *testing.T, c *customer, mark string) { os.WriteFile(mark, nil, 0o600) }},
		{"another's mark", func(t *testing.T, c *customer, mark string) {
			other, s := newCustomer(t)
			mustClose(t, s)
			data, err := os.ReadFile(filepath.Join(other.dir, "instance"))
			if err != nil {
				t.Fatal(err)
			}
			os.WriteFile(mark, data, 0o600)
		}},
		{"a mark cut off", func(t *testing.T, c *customer, mark string) { os.Truncate(mark, 20) }},
		{"a mark in two lines", func(t *testing.T, c *customer, mark string) {
			data, err := os.ReadFile(mark)
			if err != nil {
				t.Fatal(err)
			}
			os.WriteFile(mark, append(data, data...), 0o600)
		}},
		// A crash before the mark's file has its name.
		{"a mark that was not finished", func(t *testing.T, c *customer, mark string) { os.Rename(mark, mark+".new") }},
		// The database alone put back, as by a tool that knows nothing of marks.
		{"an old database", func(t *testing.T, c *customer, mark string) {
			db := filepath.Join(c.dir, "firsthand.db")
			old, err := os.ReadFile(db)
			if err != nil {
				t.Fatal(err)
			}
			os.Remove(mark)
			s := c.open(t, c.kit) // noticed, and marked
			mustClose(t, s)
			os.WriteFile(db, old, 0o600)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, s, rels := lived(t)
			mustClose(t, s)
			s = c.open(t, c.passphrase)
			if s.Restored() {
				t.Error("an ordinary start was taken for a restore")
			}
			wantMarked(t, s, rels, false)
			mustClose(t, s)

			tt.spoil(t, c, filepath.Join(c.dir, "instance"))
			s = c.open(t, c.passphrase)
			if !s.Restored() {
				t.Error("not noticed")
			}
			wantMarked(t, s, rels, true)
			// The agent asks the company, and clears the mark.
			r, err := s.Relationship(t.Context(), rels[0])
			if err != nil {
				t.Fatal(err)
			}
			r.Restored = false
			err = s.Commit(t.Context(), agent.Commit{Relationships: []agent.Relationship{r}, AddLabels: []agent.NextKey{
				{Label: firsthand.Label{1}, Hash: firsthand.ID{1}}, {Label: firsthand.Label{3}, Hash: firsthand.ID{3}}, {Label: firsthand.Label{4}, Hash: firsthand.ID{4}}}})
			if err != nil {
				t.Fatal(err)
			}
			mustClose(t, s)
			s = c.open(t, c.passphrase)
			if s.Restored() {
				t.Error("noticed again")
			}
			wantMarked(t, s, rels, false)
		})
	}
}

// A folder that was moved or copied whole, mark and all, is not noticed here: it
// shows as a fork. This test says so, lest somebody rely on more.
func TestCopiedFolderIsNotNoticed(t *testing.T) {
	t.Parallel()
	c, s, rels := lived(t)
	mustClose(t, s)
	moved := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.CopyFS(moved, os.DirFS(c.dir)); err != nil {
		t.Fatal(err)
	}
	c.dir = moved
	s = c.open(t, c.keyFile)
	if s.Restored() {
		t.Error("noticed: then the comment of this test is wrong")
	}
	wantMarked(t, s, rels, false)
}
