package agenttest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
)

// fullDocument returns a Document in which no field is zero but the ID.
func fullDocument(t testing.TB, domain string, hash byte) agent.Document {
	t.Helper()
	d := agent.Document{ID: 1, Domain: domain, Blob: firsthand.Blob{Hash: firsthand.ID{hash}, Size: 3, Media: "text/csv", Name: "'; --.csv"}, Came: noon.Add(time.Minute).UTC(),
		Mail: firsthand.ID{1}, Entry: firsthand.ID{11}}
	noZero(t, d)
	d.ID = 0
	return d
}

// of returns d of a blob.
func of(d agent.Document, b firsthand.Blob) agent.Document {
	d.Blob = b
	return d
}

// stated returns the statements of s, as texts.
func stated(t testing.TB, s agent.Store) (all []string) {
	t.Helper()
	for _, st := range collect(t, s.Statements(t.Context(), "", "")) {
		all = append(all, fmt.Sprint(st.Domain, " ", st.Fact, "=", st.Value, " ", st.Origin, " ", st.Guessed, " ", !st.Document.IsZero()))
	}
	return all
}

var documentChecks = []check{
	{"a document comes back whole, once", func(t testing.TB, f Fixture) {
		s, ctx := f.Open(t), t.Context()
		a, b := of(fullDocument(t, "acme.example", 1), blob(t, s, []byte("abc"), "a.csv")), of(fullDocument(t, "b.example", 2), blob(t, s, []byte("abcd"), "b.csv"))
		commit(t, s, agent.Commit{Documents: []agent.Document{a, b}})
		again := a
		again.Blob.Name = "another.csv"
		elsewhere := of(b, a.Blob)
		commit(t, s, agent.Commit{Documents: []agent.Document{again}})
		commit(t, s, agent.Commit{Documents: []agent.Document{elsewhere}})
		a.ID, b.ID = 1, 2
		page := must(s.Documents(ctx, ""))(t)
		if len(page) != 3 || page[0].ID <= b.ID {
			t.Fatalf("documents = %+v", page)
		}
		elsewhere.ID = page[0].ID
		wantEqual(t, "documents", page, []agent.Document{elsewhere, b, a})
		wantEqual(t, "those of a company", must(s.Documents(ctx, "b.example"))(t), []agent.Document{elsewhere, b})
		changed := a
		changed.Entry, changed.Domain, changed.Blob.Name = firsthand.ID{12}, "not heeded", "not heeded"
		commit(t, s, agent.Commit{Documents: []agent.Document{changed, {ID: 99}}})
		a.Entry = firsthand.ID{12}
		wantEqual(t, "a document", must(s.Document(ctx, 1))(t), a)
		if c := company(t, s, "acme.example"); c.Guessed || c.Held != 0 {
			t.Errorf("the company is %+v, want it hers", c)
		}
		commit(t, s, agent.Commit{DropDocuments: []int64{elsewhere.ID, 2, 99}})
		wantBlobs(t, s, a.Blob)
		if c := company(t, s, "b.example"); c.Domain != "" {
			t.Errorf("nothing is kept of it, and it is %+v", c)
		}
		if _, err := s.Document(ctx, 2); !errors.Is(err, fault.NotExist) {
			t.Errorf("no document = %v, want %v", err, fault.NotExist)
		}
		commit(t, s, agent.Commit{Documents: []agent.Document{of(elsewhere, a.Blob)}}) // with an ID that is gone
		fresh := elsewhere
		fresh.ID = 0
		commit(t, s, agent.Commit{Documents: []agent.Document{fresh}})
		if page := must(s.Documents(ctx, "b.example"))(t); len(page) != 1 || page[0].ID <= elsewhere.ID {
			t.Errorf("documents = %+v, want one with a new ID", page)
		}
		if err := s.Commit(ctx, agent.Commit{Documents: []agent.Document{{Domain: "a.example"}}}); !errors.Is(err, fault.Invalid) {
			t.Errorf("a document of nothing = %v, want %v", err, fault.Invalid)
		}
	}},
	{"a document names a blob that is there", func(t testing.TB, f Fixture) {
		s := f.Open(t)
		err := s.Commit(t.Context(), agent.Commit{Documents: []agent.Document{fullDocument(t, "acme.example", 1)}, Settings: map[string]string{"language": "nl"}})
		if fault.KindOf(err) != fault.Unavailable {
			t.Errorf("commit = %v, want %v", err, fault.Unavailable)
		}
		if language := must(s.Setting(t.Context(), "language"))(t); language != "" || len(must(s.Documents(t.Context(), ""))(t)) > 0 {
			t.Error("half of it was kept")
		}
	}},
	{"answers and documents share blobs", func(t testing.TB, f Fixture) {
		s := f.Open(t)
		b := blob(t, s, []byte("shared"), "s")
		a := fullAnswer(t, firsthand.ID{1}, 1)
		a.Blobs = []firsthand.Blob{b}
		commit(t, s, agent.Commit{Answers: []agent.Answer{a}, Documents: []agent.Document{of(fullDocument(t, "acme.example", 1), b)}})
		commit(t, s, agent.Commit{DropAnswers: []int64{1}})
		wantBlobs(t, s, b)
		if f.Reopen != nil {
			s = f.Reopen(t, s)
			wantBlobs(t, s, b)
		}
		a.Key = firsthand.ID{2}
		commit(t, s, agent.Commit{Answers: []agent.Answer{a}})
		commit(t, s, agent.Commit{DropDocuments: []int64{1}})
		wantBlobs(t, s, b)
		commit(t, s, agent.Commit{DropAnswers: []int64{2}})
		wantBlobs(t, s)
	}},
	{"what is held by several origins is held several times", func(t testing.TB, f Fixture) {
		s, ctx := f.Open(t), t.Context()
		b := blob(t, s, []byte("abc"), "a")
		id := bring(t, s, account(t, "acme.example", "mia@old.example"))
		say := func(fact, value string, o firsthand.Origin) agent.Statement {
			return agent.Statement{Domain: "acme.example", Fact: fact, Value: firsthand.Text(value), Origin: o, Document: b.Hash}
		}
		commit(t, s, agent.Commit{KeepImports: []int64{id}, Documents: []agent.Document{of(fullDocument(t, "acme.example", 1), b)}, State: []agent.Statement{
			say("email", "mia@old.example", firsthand.Bought), say("segment", "families", firsthand.Inferred), say("ip", "10.0.0.1", firsthand.Observed)}})
		wantEqual(t, "statements", stated(t, s), []string{"acme.example email=mia@old.example bought false true", "acme.example email=mia@old.example stated true false",
			"acme.example ip=10.0.0.1 observed false true", "acme.example segment=families inferred false true"})
		if c := company(t, s, "acme.example"); c.Held != 1 || c.Guessed {
			t.Errorf("the company is %+v, want one fact that it was told", c)
		}
		if in := must(s.Insight(ctx, noon))(t); len(in.Facts) != 1 || in.Facts[0].Holds != 1 {
			t.Errorf("facts = %+v, want one", in.Facts)
		}
		if rows, _, _ := s.Companies(ctx, agent.CompanyQuery{Holds: "segment"}); len(rows) != 0 {
			t.Error("what it inferred it was told")
		}
		if page, total, err := s.HeldPage(ctx, "email", 0, 10); total != 2 || err != nil || page[0].Origin != firsthand.Bought || page[1].Origin != firsthand.Stated {
			t.Errorf("held = %+v, %d, %v", page, total, err)
		}
		commit(t, s, agent.Commit{State: []agent.Statement{say("email", "mia@new.example", firsthand.Told), say("email", "mia@work.example", firsthand.Stated), say("segment", "pets", firsthand.Inferred)}})
		wantEqual(t, "statements", stated(t, s), []string{"acme.example email=mia@new.example told false true", "acme.example email=mia@old.example bought false true",
			"acme.example email=mia@work.example stated false true", "acme.example ip=10.0.0.1 observed false true", "acme.example segment=pets inferred false true"})
		commit(t, s, agent.Commit{Unstate: []agent.FactAt{{Domain: "acme.example", Fact: "segment", Origin: firsthand.Inferred}, {Domain: "acme.example", Fact: "ip"}}})
		commit(t, s, agent.Commit{DropDocuments: []int64{1}})
		wantEqual(t, "statements", stated(t, s), []string{"acme.example email=mia@new.example told false false", "acme.example email=mia@old.example bought false false",
			"acme.example email=mia@work.example stated false false", "acme.example ip=10.0.0.1 observed false false"})
		commit(t, s, agent.Commit{Unstate: []agent.FactAt{{Domain: "acme.example", Fact: "email", Origin: firsthand.Told}, {Domain: "acme.example", Fact: "email", Origin: firsthand.Bought}}})
		wantEqual(t, "statements", stated(t, s), []string{"acme.example email=mia@work.example stated false false", "acme.example ip=10.0.0.1 observed false false"})
		commit(t, s, agent.Commit{State: []agent.Statement{say("email", "x@y.example", firsthand.Told)}})
		commit(t, s, agent.Commit{Unstate: []agent.FactAt{{Domain: "acme.example", Fact: "email"}}}) // both of what it was told
		wantEqual(t, "statements", stated(t, s), []string{"acme.example ip=10.0.0.1 observed false false"})
		commit(t, s, agent.Commit{Drop: []string{"acme.example"}})
		wantEqual(t, "statements", stated(t, s), nil)
	}},
	{"a company is forgotten with its documents", func(t testing.TB, f Fixture) {
		s := f.Open(t)
		a, b := of(fullDocument(t, "acme.example", 1), blob(t, s, []byte("a"), "a")), of(fullDocument(t, "b.example", 1), blob(t, s, []byte("b"), "b"))
		commit(t, s, agent.Commit{Documents: []agent.Document{a, b}})
		commit(t, s, agent.Commit{Drop: []string{"acme.example"}})
		wantBlobs(t, s, b.Blob)
		if left := must(s.Documents(t.Context(), ""))(t); len(left) != 1 || left[0].Domain != "b.example" {
			t.Errorf("documents = %+v", left)
		}
	}},
}

// documents adds something about documents.
func (w *walk) documents(t testing.TB, c *agent.Commit, stores ...agent.Store) {
	if w.chance(3) {
		d := fullDocument(t, w.domain(), 1)
		d.Came, d.Entry = w.time(), w.entry()
		text, name := []byte(w.text()), w.text()
		for _, s := range stores {
			d.Blob = blob(t, s, text, name)
		}
		c.Documents = append(c.Documents, d)
	}
	if w.chance(4) {
		c.Documents = append(c.Documents, agent.Document{ID: 1 + w.rng.Int64N(20), Entry: w.entry()})
	}
	if w.chance(5) {
		c.DropDocuments = append(c.DropDocuments, 1+w.rng.Int64N(20))
	}
}
