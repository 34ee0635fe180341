package webtest

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/importer/fields"
)

func (a *Agent) Documents(_ context.Context, domain string) (all []agent.Document, err error) {
	for _, d := range a.DocumentList {
		if domain == "" || d.Domain == domain {
			all = append(all, d)
		}
	}
	return all, nil
}
func (a *Agent) Document(_ context.Context, id int64) (agent.Document, error) {
	for _, d := range a.DocumentList {
		if d.ID == id {
			return d, nil
		}
	}
	return agent.Document{}, fault.NotExist
}
func (a *Agent) AddDocument(_ context.Context, domain, name string, r io.Reader) (agent.Document, error) {
	text, err := io.ReadAll(r)
	return agent.Document{ID: 1}, cmp.Or(err, a.note("AddDocument", domain, name, len(text)))
}
func (a *Agent) KeepAttachment(_ context.Context, answer int64, n int) (agent.Document, error) {
	return agent.Document{ID: 1}, a.note("KeepAttachment", answer, n)
}
func (a *Agent) SaveDocument(ctx context.Context, id int64, create func(firsthand.Blob) (io.Writer, error)) error {
	d, err := a.Document(ctx, id)
	if err != nil {
		return err
	}
	w, err := create(d.Blob)
	if err == nil {
		_, err = io.WriteString(w, a.Files[d.Blob.Hash])
	}
	return err
}
func (a *Agent) DropDocument(_ context.Context, id int64, keep bool) error {
	return a.note("DropDocument", id, keep)
}
func (a *Agent) Fields(_ context.Context, id int64) (agent.DocumentFields, error) {
	f, ok := a.Read[id]
	if !ok {
		return f, fault.Tell(fault.Invalid, "This is a PDF.", "Ask the company for JSON or CSV.")
	}
	return f, nil
}
func (a *Agent) TakeOver(_ context.Context, id int64, rows ...agent.Taking) ([]agent.Statement, error) {
	return nil, a.note("TakeOver", id, fmt.Sprint(rows))
}
func (a *Agent) Taken(_ context.Context, id int64) ([]agent.Statement, error) {
	if id != 1 {
		return nil, nil
	}
	return a.TakenList, nil
}
func (a *Agent) TakeBack(_ context.Context, id int64, fact string, o firsthand.Origin) error {
	return a.note("TakeBack", id, fact, o)
}
func (a *Agent) Requests(context.Context, agent.Document) ([]agent.Task, error) {
	return a.AskedList, nil
}
func (a *Agent) AnswerRequest(_ context.Context, id int64, entry firsthand.ID) error {
	return a.note("AnswerRequest", id)
}

// documents adds some: one of which much can be read, one of which nothing can, and one
// that came by mail.
func documents(a *Agent, domain string, n int, say speaker) {
	for i, name := range []string{"answer.zip", "answer.pdf", "account.json"} {
		d := agent.Document{ID: int64(i + 1), Domain: domain, Came: day(-i), Blob: firsthand.Blob{Hash: firsthand.ID{byte(20 + i)}, Size: 48 << 10, Media: say("application/zip"), Name: say(name)}}
		if i == 2 {
			d.Mail, d.Entry = a.AnswerList[0].Key, a.TaskList[0].Entry
		}
		a.DocumentList = append(a.DocumentList, d)
		a.Files[d.Blob.Hash] = "<script>alert(1)</script>"
	}
	row := func(path, fact, part string, o firsthand.Origin, known, same bool, values ...string) agent.DocumentRow {
		f := fields.Field{Path: say(path), Count: len(values)}
		for _, v := range values {
			f.Values = append(f.Values, say(v))
		}
		return agent.DocumentRow{Field: f, Guess: fields.Guess{Fact: fact, Part: part, Origin: o, Known: known, Same: same}}
	}
	some := []agent.DocumentRow{
		row("account.json: account.email", "email", "", firsthand.Told, true, true, "mia@new.example"),
		row("account.json: account.address.city", "address.home", "city", firsthand.Told, true, false, "Gent"),
		row("account.json: account.customerNumber", "customer_number", "", firsthand.Told, true, false, "K-104233"),
		row("logins.csv: ip", "logins.ip", "", firsthand.Observed, false, false, "10.0.0.1", "10.0.0.2", "10.0.0.3"),
		row("profile.json: segments", "profile.segments", "", firsthand.Inferred, false, false, "young families", "pets"),
		row("profile.json: third_party.phone", "phone", "", firsthand.Bought, true, false, "+32 9 000 00 09"),
	}
	all := agent.DocumentFields{Files: 3, More: 7, Cut: n > 100, Left: []fields.Left{{File: say("photo.jpg"), Why: fields.Kind}, {File: say("more.zip"), Why: fields.Nested}, {Why: fields.Broken}}}
	for i := range max(len(some), n/2) {
		r := some[i%len(some)]
		r.Row = i + 1
		r.More, r.Field.Count = i%4 == 3, r.Field.Count+i
		all.Rows = append(all.Rows, r)
	}
	a.Read = map[int64]agent.DocumentFields{1: all, 3: {Files: 1, Rows: []agent.DocumentRow{{Row: 1, Field: fields.Field{Path: say("score"), Values: []string{say("7")}, Count: 1}, Guess: fields.Guess{Fact: "score", Origin: firsthand.Inferred}}}}}
	for _, s := range []agent.Statement{{Fact: "customer_number", Value: firsthand.Text(say("K-104233")), Origin: firsthand.Told}, {Fact: "segments", Value: firsthand.Text(say("young families, pets")), Origin: firsthand.Inferred}} {
		s.Domain, s.Document = domain, a.DocumentList[0].Blob.Hash
		a.TakenList = append(a.TakenList, s)
	}
	d := a.Details[domain]
	d.Statements = append(d.Statements, a.TakenList...)
	a.Details[domain] = d
	a.AskedList = a.TaskList[:1]
}
