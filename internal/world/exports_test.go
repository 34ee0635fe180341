package world_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"firsthand/internal/agent/directory"
	"firsthand/internal/agent/importer"
	"firsthand/internal/agent/importer/bank"
	"firsthand/internal/agent/importer/passwords"
	"firsthand/internal/agent/importer/vcard"
	"firsthand/internal/world"
)

func formats() []importer.Format {
	return append(append(passwords.Formats(), bank.Formats()...), vcard.Format{})
}

// What readers find in the exports is what who made them up says is in them.
func TestExports(t *testing.T) {
	t.Parallel()
	now := newClock().Now()
	all := map[string]bool{}
	for _, e := range world.Exports(now) {
		t.Run(e.Format, func(t *testing.T) {
			format, found, err := importer.Read(bytes.NewReader(e.Text), formats()...)
			if err != nil || format.Name() != e.Format {
				t.Fatalf("read: %v, %v", format, err)
			}
			var got world.Says
			for f, err := range found {
				got.Rows++
				if bad := (*importer.BadRow)(nil); errors.As(err, &bad) {
					got.Bad++
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				got.Passwords += f.Secrets.Passwords
				got.OneTimeCodes += f.Secrets.OneTimeCodes
				got.Notes += f.Secrets.Notes
				got.Cards += f.Secrets.Cards
				if f.Card != nil && f.Card.Person {
					got.Persons++
					continue
				}
				domain := ""
				for _, u := range append(f.URLs, f.Title) {
					if s := directory.ParseSite(u); s.Kind == directory.Web && domain == "" {
						domain = directory.Registrable(s.Host)
					}
				}
				switch {
				case domain != "":
					if i, there := slices.BinarySearch(got.Companies, domain); !there {
						got.Companies = slices.Insert(got.Companies, i, domain)
					}
					all[domain] = true
				case f.Kind == importer.Account || f.Kind == importer.Alias:
					got.Unsure++
				}
			}
			got.ByName = e.Says.ByName // the story looks at that
			if want := e.Says; string(asJSON(got)) != string(asJSON(want)) {
				t.Errorf("found\n%s, want\n%s", asJSON(got), asJSON(want))
			}
		})
	}
	if len(all) != 40 {
		t.Errorf("%d companies in all, want 40", len(all))
	}
}

func asJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

// Each data set is read as what it is, without a word of complaint, and knows how
// to change an account where it says so.
func TestDirectory(t *testing.T) {
	t.Parallel()
	w := open(t, t.TempDir(), newClock())
	names, err := os.ReadDir(w.Directory())
	if err != nil || len(names) != 4 {
		t.Fatalf("data sets: %v, %v", names, err)
	}
	var records []directory.Record
	var sets []string
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(w.Directory(), name.Name()))
		if err != nil {
			t.Fatal(err)
		}
		set, each, err := directory.Read(bytes.NewReader(text), "2026-11-01")
		if err != nil {
			t.Fatalf("%s: %v", name.Name(), err)
		}
		for r, err := range each {
			if err != nil {
				t.Fatalf("%s: %v", name.Name(), err)
			}
			records = append(records, r)
		}
		if len(set.Skipped) > 0 {
			t.Errorf("%s: skipped %q", name.Name(), set.Skipped)
		}
		sets = append(sets, set.Name)
	}
	slices.Sort(sets)
	want := []string{directory.AppleSharedAccounts, directory.ApplePasswords, directory.Datenanfragen, directory.JustDeleteMe}
	slices.Sort(want)
	if !slices.Equal(sets, want) {
		t.Errorf("sets %q, want %q", sets, want)
	}
	var of []directory.Record
	for _, r := range records {
		if slices.Contains(r.Hosts, "zonnestroom.example") {
			of = append(of, r)
		}
	}
	c := directory.Join("zonnestroom.example", of)
	if c.Name == "" || len(of) < 2 {
		t.Errorf("zonnestroom.example: %+v", c)
	}
	if got := directory.NewSiblings(slices.Values(records)).Domain("stoffenhuis-restjes.example"); got != "stoffenhuis.example" {
		t.Errorf("sibling: %q", got)
	}
}
