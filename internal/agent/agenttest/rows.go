package agenttest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
)

// noon is a time as a clock gives it: with a zone and a fraction.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 123456789, time.FixedZone("CET", 3600))

// full returns a Relationship in which no field is zero. It fails t if one is,
// so that a new field is not forgotten here, and so in a store.
func full(t testing.TB, id firsthand.ID) agent.Relationship {
	t.Helper()
	r := agent.Relationship{
		ID: id, Domain: "acme.example", Name: "Acme NV", Gateway: "https://acme.example/firsthand", Company: []byte("eyJ…"),
		Seed: [32]byte{1, 31: 2}, Opened: noon.UTC(), Kept: true, Received: firsthand.Head{Seq: 7, ID: firsthand.ID{7}}, Sent: 9,
		Tries: 3, NextTry: noon.Add(time.Hour).UTC(), Failure: "unavailable", Restored: true, Frozen: "branch", Summary: []byte(`{"step":"known"}`),
		Head: 11, Expects: "2026-12-24", Quiet: true,
	}
	noZero(t, r)
	return r
}

// noZero fails t if a field of the struct v is zero.
func noZero(t testing.TB, v any, but ...string) {
	t.Helper()
	s := reflect.ValueOf(v)
	for i := range s.NumField() {
		if s.Field(i).IsZero() && !slices.Contains(but, s.Type().Field(i).Name) {
			t.Fatalf("%s.%s is zero: this suite doesn't know it", s.Type().Name(), s.Type().Field(i).Name)
		}
	}
}

func holder(t testing.TB, rel firsthand.ID, domain, fact string, value firsthand.Value) agent.Holder {
	t.Helper()
	h := agent.Holder{Rel: rel, Domain: domain, Entry: firsthand.ID{1}, Fact: fact, Value: value, Origin: firsthand.Told,
		Since: noon.UTC(), Until: "2027-01-31", Last: firsthand.ID{2}, Outcome: "applied", Ground: `{"paired":true}`}
	noZero(t, h)
	return h
}

var home = firsthand.Value{Parts: map[string]string{"street": "Korenmarkt 1\n'; --", "city": "Gent"}}

var rowChecks = []check{
	{"an empty store", func(t testing.TB, f Fixture) {
		s, ctx := f.Open(t), t.Context()
		wantSame(t, dump(t, s, []firsthand.ID{{1}}, "language"), everything{Each: []eachOf{{ID: firsthand.ID{1}}}, Settings: []string{""}, Kept: new(kept)})
		if _, err := s.Relationship(ctx, firsthand.ID{1}); !errors.Is(err, fault.NotExist) {
			t.Errorf("no relationship = %v, want %v", err, fault.NotExist)
		}
		if _, err := s.Label(ctx); !errors.Is(err, fault.NotExist) || fault.HintOf(err) == "" {
			t.Errorf("no label = %v, want %v and a hint", err, fault.NotExist)
		}
		commit(t, s, agent.Commit{})
		commit(t, s, agent.Commit{Forget: []firsthand.ID{{1}}, DropDrafts: []int64{1}, Facts: []agent.Fact{{Name: "email"}},
			Settings: map[string]string{"language": ""}, EmptyBook: true, Replace: []agent.Place{{Rel: firsthand.ID{1}, Side: firsthand.First, Seq: 1}}})
		wantSame(t, dump(t, s, nil), everything{Kept: new(kept)})
	}},
	{"a relationship comes back whole", func(t testing.TB, f Fixture) {
		s := f.Open(t)
		want := full(t, firsthand.ID{1})
		in := want
		in.Opened, in.NextTry = noon, noon.Add(time.Hour) // in another zone
		commit(t, s, agent.Commit{Relationships: []agent.Relationship{in}})
		got := must(s.Relationship(t.Context(), want.ID))(t)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("relationship =\n%+v\nwant\n%+v", got, want)
		}
		empty := agent.Relationship{ID: firsthand.ID{2}}
		commit(t, s, agent.Commit{Relationships: []agent.Relationship{empty}})
		if got := must(s.Relationship(t.Context(), empty.ID))(t); !reflect.DeepEqual(got, empty) {
			t.Errorf("relationship =\n%+v\nwant\n%+v", got, empty)
		}
	}},
	{"a relationship is replaced whole", func(t testing.TB, f Fixture) {
		s := f.Open(t)
		a, b := full(t, firsthand.ID{1}), full(t, firsthand.ID{2})
		commit(t, s, agent.Commit{Relationships: []agent.Relationship{a, b}})
		a = agent.Relationship{ID: a.ID, Domain: "other.example", Opened: a.Opened}
		commit(t, s, agent.Commit{Relationships: []agent.Relationship{{ID: a.ID, Name: "not this"}, a}}) // the last counts
		wantEqual(t, "relationships", must(s.Relationships(t.Context()))(t), []agent.Relationship{a, b})
	}},
	{"each part of a relationship is replaced", func(t testing.TB, f Fixture) {
		s := f.Open(t)
		for i := range reflect.TypeFor[agent.Relationship]().NumField() {
			r := full(t, firsthand.ID{1})
			commit(t, s, agent.Commit{Relationships: []agent.Relationship{r}})
			field := reflect.ValueOf(&r).Elem().Field(i)
			if field.Type() == reflect.TypeFor[firsthand.ID]() {
				continue
			}
			field.SetZero()
			commit(t, s, agent.Commit{Relationships: []agent.Relationship{r}})
			wantEqual(t, reflect.TypeFor[agent.Relationship]().Field(i).Name, must(s.Relationship(t.Context(), r.ID))(t), r)
		}
	}},
	{"relationships come oldest first", func(t testing.TB, f Fixture) {
		s := f.Open(t)
		var want []agent.Relationship
		for i := range 5 {
			r := full(t, firsthand.ID{byte(9 - i)})
			r.Opened = noon.Add(time.Duration(i) * time.Nanosecond).UTC()
			want = append(want, r)
		}
		commit(t, s, agent.Commit{Relationships: []agent.Relationship{want[3], want[0]}})
		commit(t, s, agent.Commit{Relationships: []agent.Relationship{want[4], want[2], want[1]}})
		want[3].Tries++
		commit(t, s, agent.Commit{Relationships: want[3:4]})
		wantEqual(t, "relationships", must(s.Relationships(t.Context()))(t), want)
	}},
	{"a relationship without its ID", func(t testing.TB, f Fixture) {
		s := f.Open(t)
		if err := s.Commit(t.Context(), agent.Commit{Relationships: []agent.Relationship{{Domain: "acme.example"}}}); !errors.Is(err, fault.Invalid) {
			t.Errorf("commit = %v, want %v", err, fault.Invalid)
		}
	}},
	{"holdings", func(t testing.TB, f Fixture) {
		s := f.Open(t)
		a, b := firsthand.ID{1}, firsthand.ID{2}
		rows := []agent.Holder{
			holder(t, a, "b.example", "address.home", home), holder(t, a, "b.example", "email", firsthand.Text("a@example.org")),
			holder(t, a, "b.example", "email", firsthand.Text("b@example.org")),
			{Rel: b, Domain: "a.example", Fact: "email"}, // all else is zero
		}
		commit(t, s, agent.Commit{Holdings: map[firsthand.ID][]agent.Holder{a: rows[:3], b: rows[3:]}})
		ctx := t.Context()
		wantEqual(t, "holders of email", collect(t, s.Holders(ctx, "email")), []agent.Holder{rows[3], rows[1], rows[2]})
		wantEqual(t, "all holders", collect(t, s.Holders(ctx, "")), []agent.Holder{rows[0], rows[3], rows[1], rows[2]})
		wantEqual(t, "holders of nothing", collect(t, s.Holders(ctx, "phone")), nil)

		// Replaced, not added to; the other relationship's stay.
		commit(t, s, agent.Commit{Holdings: map[firsthand.ID][]agent.Holder{a: rows[1:2]}})
		wantEqual(t, "all holders", collect(t, s.Holders(ctx, "")), []agent.Holder{rows[3], rows[1]})
		commit(t, s, agent.Commit{Holdings: map[firsthand.ID][]agent.Holder{a: nil, b: {}}})
		wantEqual(t, "all holders", collect(t, s.Holders(ctx, "")), nil)
	}},
	{"commits are counted", func(t testing.TB, f Fixture) {
		s := f.Open(t)
		for n := range 3 {
			before := s.Commits()
			commit(t, s, agent.Commit{Settings: map[string]string{"language": fmt.Sprint(n)}})
			if s.Commits() == before {
				t.Errorf("commit %d has the count of what was before", n)
			}
		}
		before := s.Commits()
		if _, err := s.AddImport(t.Context(), agent.Import{Format: "Chrome", File: "passwords.csv", At: noon}); err != nil {
			t.Fatal(err)
		}
		if s.Commits() == before {
			t.Error("an import has the count of what was before")
		}
	}},
	{"changing what is held while reading it", func(t testing.TB, f Fixture) {
		s, ctx := f.Open(t), t.Context()
		const n = 300
		c := agent.Commit{Holdings: make(map[firsthand.ID][]agent.Holder)}
		for i := range n {
			id := firsthand.ID{byte(i), byte(i >> 8), 1}
			c.Holdings[id] = []agent.Holder{holder(t, id, fmt.Sprint(i), "email", firsthand.Text("old"))}
		}
		commit(t, s, c)
		for range s.Holders(ctx, "email") {
			break // a reader that stops early leaves nothing behind
		}
		seen := 0
		for h, err := range s.Holders(ctx, "email") {
			if err != nil {
				t.Fatal(err)
			}
			if h.Value.Text != "old" {
				t.Fatalf("%s was seen twice", h.Rel)
			}
			seen++
			moved := h
			moved.Value, moved.Domain = firsthand.Text("new"), "z"+h.Domain // further down the list
			if seen > 20 && seen < n {                                      // each costs a sync
				continue
			}
			commit(t, s, agent.Commit{Holdings: map[firsthand.ID][]agent.Holder{h.Rel: {moved}}})
		}
		if seen != n {
			t.Errorf("%d holders, want %d", seen, n)
		}
	}},
	{"facts", func(t testing.TB, f Fixture) {
		s := f.Open(t)
		facts := []agent.Fact{
			{Name: "address.home", Value: home, Updated: noon.UTC()},
			{Name: "email", Value: firsthand.Text("jo@example.org"), Updated: noon.UTC()},
			{Name: "name", Value: firsthand.Text("Jo \"<Ω>\u2028 語"), Updated: noon.UTC()},
		}
		commit(t, s, agent.Commit{Facts: []agent.Fact{facts[2], {Name: "email", Value: firsthand.Text("old")}, facts[0], {Name: "email", Value: facts[1].Value, Updated: noon}}})
		wantEqual(t, "facts", must(s.Facts(t.Context()))(t), facts)
		commit(t, s, agent.Commit{Facts: []agent.Fact{{Name: "email"}, {Name: "phone"}}})
		wantEqual(t, "facts", must(s.Facts(t.Context()))(t), []agent.Fact{facts[0], facts[2]})
	}},
	{"settings", func(t testing.TB, f Fixture) {
		s, ctx := f.Open(t), t.Context()
		commit(t, s, agent.Commit{Settings: map[string]string{"language": "nl", "rules": "[]"}})
		commit(t, s, agent.Commit{Settings: map[string]string{"language": "de", "rules": ""}})
		for name, want := range map[string]string{"language": "de", "rules": "", "none": ""} {
			wantEqual(t, "setting "+name, must(s.Setting(ctx, name))(t), want)
		}
	}},
}
