package agent_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/agenttest"
)

const accessAnswer = `{"account": {"email": "mia@old.example", "customerNumber": "K-1", "address": {"street": "Graslei 2", "city": "Gent"}},
	"logins": [{"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}], "marketing": {"segments": ["families", "pets"]}, "third_party": {"income": "high"}}`

func savedDocument(m *mover, id int64) string {
	m.t.Helper()
	var b bytes.Buffer
	m.must(m.SaveDocument(m.t.Context(), id, func(firsthand.Blob) (io.Writer, error) { return &b, nil }))
	return b.String()
}

// taken returns what was taken over from a document, as texts.
func taken(m *mover, id int64) (all []string) {
	m.t.Helper()
	statements, err := m.Taken(m.t.Context(), id)
	m.must(err)
	for _, s := range statements {
		all = append(all, fmt.Sprint(s.Fact, " = ", s.Value, " ", s.Origin))
	}
	return all
}

func wantTexts(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestDocumentStory: an answer to who asked for her data is kept, read, taken over with
// origins, takes part in a change, goes through an export, and is taken back.
func TestDocumentStory(t *testing.T) {
	m, ctx := newMover(t, newFile(t)), t.Context()
	m.set(time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC))
	m.must(m.SetFact(ctx, "address.home", firsthand.Value{Parts: map[string]string{"street": "Graslei 2", "city": "Gent", "country": "BE"}}))
	rel := m.unpaired("acme.example", "phone", firsthand.Text("+32 1"))
	act, err := m.Request(ctx, rel, firsthand.Request{Right: "access", Law: "GDPR"})
	m.must(err)

	d, err := m.AddDocument(ctx, "https://shop.acme.example/account", `C:\me\answer.json`, iotest.OneByteReader(strings.NewReader(accessAnswer)))
	m.must(err)
	if d.Domain != "acme.example" || d.Blob.Name != "answer.json" || d.Blob.Size != int64(len(accessAnswer)) || savedDocument(m, d.ID) != accessAnswer {
		t.Errorf("document %+v", d)
	}
	again, err := m.AddDocument(ctx, "acme.example", "the same.json", strings.NewReader(accessAnswer))
	if err != nil || again.ID != d.ID || again.Blob.Name != "answer.json" {
		t.Errorf("the same once more is %+v, %v", again, err)
	}
	f, err := m.Fields(ctx, d.ID)
	m.must(err)
	var rows []string
	for _, r := range f.Rows {
		rows = append(rows, fmt.Sprint(r.Row, " ", r.Path, " ", r.Fact, ":", r.Part, " ", r.Guess.Origin, " ", r.Same))
	}
	wantTexts(t, rows, "1 account.email email: told false", "2 account.customerNumber customer_number: told false", "3 account.address.street address.home:street told true",
		"4 account.address.city address.home:city told true", "5 logins.ip logins.ip: observed false", "6 marketing.segments marketing.segments: inferred false", "7 third_party.income third_party.income: bought false")

	// As guessed, and as she changes it.
	all := []agent.Taking{{Row: 1}, {Row: 2, Fact: "member_number"}, {Row: 3}, {Row: 4}, {Row: 5, Fact: "ip"}, {Row: 6, Fact: "segment"}, {Row: 7, Fact: "income", Origin: firsthand.Inferred}}
	if _, err := m.TakeOver(ctx, d.ID, all...); err != nil {
		t.Fatal(err)
	}
	want := []string{"address.home = city: Gent, street: Graslei 2 told", "email = mia@old.example told", "income = high inferred", "ip = 10.0.0.1, 10.0.0.2 observed", "member_number = K-1 told", "segment = families, pets inferred"}
	wantTexts(t, taken(m, d.ID), want...)
	for name, bad := range map[string][]agent.Taking{
		"no row":            {{Row: 8}},
		"no fact":           {{Row: 1, Fact: "No Fact"}},
		"no part":           {{Row: 1, Fact: "email:No Part"}},
		"no origin":         {{Row: 1, Origin: "guessed"}},
		"hers is no origin": {{Row: 1, Origin: firsthand.Stated}},
		"two as one":        {{Row: 1, Fact: "x"}, {Row: 2, Fact: "x"}},
		"a part twice":      {{Row: 3, Fact: "a:b"}, {Row: 4, Fact: "a:b"}},
		"a part and more":   {{Row: 3, Fact: "a"}, {Row: 4, Fact: "a:b"}},
	} {
		if _, err := m.TakeOver(ctx, d.ID, bad...); fault.HintOf(err) == "" || fault.KindOf(err) != fault.Invalid && fault.KindOf(err) != fault.NotExist {
			t.Errorf("%s: %v, want an error that says what to do", name, err)
		}
	}
	wantTexts(t, taken(m, d.ID), want...)

	// What was told takes part in a change; what was inferred or bought does not.
	for fact, legs := range map[string]int{"email": 1, "income": 0, "ip": 0, "segment": 0} {
		p, err := m.Plan(ctx, agent.Move{Facts: []agent.NewFact{{Fact: fact, Value: firsthand.Text("new")}}})
		if err == nil && len(p.Legs) != legs || err != nil && legs > 0 {
			t.Errorf("a change of %s is of %d companies, %v, want %d", fact, len(p.Legs), err, legs)
		}
	}
	held := 0
	for h, err := range m.Holds(ctx, "") {
		if m.must(err); h.Domain == "acme.example" && h.Rel.IsZero() {
			held++
		}
	}
	if held != len(want) {
		t.Errorf("it holds %d things by what she says, want %d", held, len(want))
	}

	// It answers her request.
	open, err := m.Requests(ctx, d)
	if m.must(err); len(open) != 1 || open[0].Entry != act.Entry {
		t.Fatalf("open requests: %+v", open)
	}
	m.must(m.AnswerRequest(ctx, d.ID, act.Entry))
	m.must(m.AnswerRequest(ctx, d.ID, act.Entry))
	task, err := m.Task(ctx, act.Entry)
	if err != nil || task.Step != agent.StepApplied || !strings.Contains(task.Note, "answer.json") {
		t.Errorf("the request is %+v, %v", task, err)
	}
	d, err = m.Document(ctx, d.ID)
	if m.must(err); d.Entry != act.Entry {
		t.Error("the document doesn't say what it answers")
	}
	if open, err = m.Requests(ctx, d); err != nil || len(open) != 0 {
		t.Errorf("open requests: %+v, %v", open, err)
	}
	if err := m.AnswerRequest(ctx, d.ID, firsthand.ID{9}); fault.KindOf(err) != fault.NotExist {
		t.Errorf("no such request: %v", err)
	}
	exported(t, m, d, want)

	m.must(m.TakeBack(ctx, d.ID, "income", firsthand.Inferred))
	m.must(m.TakeBack(ctx, d.ID, "income", firsthand.Inferred))
	wantTexts(t, taken(m, d.ID), slices.Delete(slices.Clone(want), 2, 3)...)
	m.must(m.TakeBack(ctx, d.ID, "email", ""))
	m.must(m.DropDocument(ctx, d.ID, true))
	if _, err := m.Document(ctx, d.ID); fault.KindOf(err) != fault.NotExist || fault.HintOf(err) == "" {
		t.Errorf("it is gone: %v", err)
	}
	c, err := m.Company(ctx, "acme.example")
	if m.must(err); len(c.Statements) != 4 || !c.Statements[0].Document.IsZero() {
		t.Errorf("what was taken over is %+v, want it kept, from no document", c.Statements)
	}
	d, err = m.AddDocument(ctx, "acme.example", "answer.json", strings.NewReader(accessAnswer))
	m.must(err)
	_, err = m.TakeOver(ctx, d.ID, all...)
	m.must(err)
	m.must(m.DropDocument(ctx, d.ID, false))
	if c, err = m.Company(ctx, "acme.example"); err != nil || len(c.Statements) != 0 {
		t.Errorf("what was taken over is %+v, %v, want nothing", c.Statements, err)
	}
	if blobs, err := m.Store.Blobs(ctx); err != nil || len(blobs) != 0 {
		t.Errorf("blobs %v, %v", blobs, err)
	}
}

// exported takes m's life over into another store, and compares documents and what was
// taken over from them.
func exported(t *testing.T, m *mover, d agent.Document, want []string) {
	t.Helper()
	ctx := t.Context()
	var file bytes.Buffer
	m.must(m.Export(ctx, &file))
	z, err := zip.NewReader(bytes.NewReader(file.Bytes()), int64(file.Len()))
	m.must(err)
	if _, err := z.Open("blobs/" + d.Blob.Hash.String()); err != nil {
		t.Error(err)
	}
	other := newMover(t, agenttest.NewMemory())
	if _, err := other.Import(ctx, bytes.NewReader(file.Bytes()), int64(file.Len())); err != nil {
		t.Fatal(err)
	}
	all, err := other.Documents(ctx, "")
	other.must(err)
	if len(all) != 1 || all[0].Blob != d.Blob || all[0].Entry != d.Entry || !all[0].Came.Equal(d.Came) || savedDocument(other, all[0].ID) != accessAnswer {
		t.Fatalf("documents %+v, want %+v", all, d)
	}
	wantTexts(t, taken(other, all[0].ID), want...)
}

// TestAttachmentAsDocument: what came with a mail is a document without being copied,
// and outlasts the mail.
func TestAttachmentAsDocument(t *testing.T) {
	m, ctx := newMover(t, agenttest.NewMemory()), t.Context()
	rel := m.unpaired("shop.acme.example", "email", firsthand.Text("mia@old.example"))
	b, err := m.Store.AddBlob(ctx, strings.NewReader("a,b\n1,2\n"))
	m.must(err)
	b.Name, b.Media = "../\x1b[31mdata.csv", "text/html"
	ans := agent.Answer{Key: firsthand.ID{1}, Rel: rel, Kind: agent.FromPerson, Came: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Blobs: []firsthand.Blob{b}}
	m.must(m.Store.Commit(ctx, agent.Commit{Answers: []agent.Answer{ans}}))
	d, err := m.KeepAttachment(ctx, 1, 0)
	m.must(err)
	if d.Domain != "acme.example" || d.Mail != ans.Key || !d.Came.Equal(ans.Came) || strings.ContainsAny(d.Blob.Name, "/\x1b") {
		t.Errorf("document %+v", d)
	}
	if again, err := m.KeepAttachment(ctx, 1, 0); err != nil || again.ID != d.ID {
		t.Errorf("once more: %+v, %v", again, err)
	}
	for _, n := range []int{-1, 1} {
		if _, err := m.KeepAttachment(ctx, 1, n); fault.KindOf(err) != fault.NotExist {
			t.Errorf("attachment %d: %v", n, err)
		}
	}
	m.must(m.DropAnswer(ctx, 1))
	if got := savedDocument(m, d.ID); got != "a,b\n1,2\n" {
		t.Errorf("without the mail it is %q", got)
	}
}

// TestOddDocuments: what can't be read is kept, and what can't be kept says why.
func TestOddDocuments(t *testing.T) {
	m, ctx := newMover(t, agenttest.NewMemory()), t.Context()
	for name, text := range map[string]string{"a.pdf": "%PDF-1.7", "broken.json": `{"a`, "no.zip": "PK\x03\x04garbage", "page.html": "<html><script>"} {
		d, err := m.AddDocument(ctx, "acme.example", name, strings.NewReader(text))
		m.must(err)
		if _, err := m.Fields(ctx, d.ID); fault.KindOf(err) != fault.Invalid || fault.HintOf(err) == "" {
			t.Errorf("%s: %v, want an error that says what to do", name, err)
		}
		if _, err := m.TakeOver(ctx, d.ID, agent.Taking{Row: 1}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: taken over: %v", name, err)
		}
		if savedDocument(m, d.ID) != text {
			t.Errorf("%s isn't kept", name)
		}
	}
	for name, r := range map[string]io.Reader{"empty": strings.NewReader(""), "failing": iotest.ErrReader(io.ErrClosedPipe)} {
		if _, err := m.AddDocument(ctx, "acme.example", name, r); err == nil {
			t.Errorf("%s was kept", name)
		}
	}
	if _, err := m.AddDocument(ctx, "acme.example", "x", iotest.ErrReader(io.ErrClosedPipe)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a reader that fails: %v", err)
	}
	if _, err := m.AddDocument(ctx, "nowhere", "x", strings.NewReader("{}")); fault.KindOf(err) != fault.Invalid {
		t.Errorf("no company: %v", err)
	}
	all, err := m.Documents(ctx, "acme.example")
	if err != nil || len(all) != 4 {
		t.Errorf("documents %+v, %v", all, err)
	}
}
