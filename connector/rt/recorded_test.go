package rt_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firsthand"
	"firsthand/connector"
	"firsthand/connector/connectortest"
	"firsthand/connector/rt"
)

var record = flag.Bool("record", false, "write testdata/recorded.jsonl anew, from an RT that is installed: run this test alone")

// recording is a file of calls to a real RT and what it answered, one a line.
const recording = "testdata/recorded.jsonl"

// TestRecorded tells one customer's story to answers that were recorded from RT: the
// connector must ask exactly what it asked then, and understand it the same.
func TestRecorded(t *testing.T) {
	if *record {
		s := start(t)
		var all bytes.Buffer
		proxy := httptest.NewServer(connectortest.Record(s.URL, &all, nil))
		t.Cleanup(proxy.Close)
		o := &office{RT: s, mode: rt.Write}
		o.border = &connectortest.Border{Server: proxy}
		begin := o.last(t)
		o.customer(t, connectortest.Customer{Number: "C-7", Contact: "mia@example.org"})
		c, err := rt.Open(o.config())
		must(t, err)
		story(t, later{c, begin}, o.staff)
		must(t, os.MkdirAll(filepath.Dir(recording), 0o755))
		must(t, os.WriteFile(recording, all.Bytes(), 0o644))
		must(t, os.WriteFile(recording+".begin", []byte(begin+"\n"), 0o644))
		return
	}
	text, err := os.ReadFile(recording)
	must(t, err)
	begin, err := os.ReadFile(recording + ".begin")
	must(t, err)
	server := httptest.NewServer(connectortest.Replay(t, text))
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "token")
	must(t, os.WriteFile(file, []byte("secret\n"), 0o600))
	c, err := rt.Open(rt.Config{URL: server.URL, TokenFile: file, Queue: "Customer Care", Find: []string{"name", "CF:Customer Number"}})
	must(t, err)
	story(t, later{c, strings.TrimSpace(string(begin))}, func(testing.TB, connector.Ref, connector.Ref) {})
}

// staff is what Anna does in the story: she answers on RT's page, with a file, changes
// the address, merges the ticket into one of her own, answers there, and takes that for
// done.
func (o *office) staff(t testing.TB, record, ticket connector.Ref) {
	o.call(t, http.MethodPost, "/"+ticket.ID+"/correspond", map[string]any{"Content": "<p>It left us <b>today</b>.</p>", "ContentType": "text/html",
		"Attachments": []map[string]any{{"FileName": "invoice.pdf", "FileType": "application/pdf", "FileContent": base64.StdEncoding.EncodeToString(make([]byte, 5<<20))}}}, nil)
	o.call(t, http.MethodPost, "/"+ticket.ID+"/comment", map[string]any{"Content": "She is <b>slow</b> to pay.", "ContentType": "text/html"}, nil)
	o.call(t, http.MethodPut, "/"+record.ID, fields("address.home", address("Stationsstraat 3")), nil)
	var one struct{ ID string }
	o.call(t, http.MethodPost, "/ticket", map[string]string{"Queue": o.Queue, "Subject": "All that is late"}, &one)
	o.call(t, http.MethodPut, "/"+ticket.ID, map[string]string{"MergeInto": one.ID}, nil)
	o.call(t, http.MethodPost, "/ticket/"+one.ID+"/correspond", map[string]string{"Content": "It comes on Monday.", "ContentType": "text/plain"}, nil)
	o.call(t, http.MethodPut, "/ticket/"+one.ID, map[string]string{"Status": "resolved"}, nil)
}

// story is what happens between one customer and the company.
func story(t *testing.T, c connector.Binder, staff func(testing.TB, connector.Ref, connector.Ref)) {
	t.Helper()
	ctx := t.Context()
	id := func(n byte) (id firsthand.ID) { id[0], id[31] = 0xfb, n; return id }
	request := func(n byte, kind firsthand.Kind, fact string, v firsthand.Value) connector.Request {
		return connector.Request{ID: id(n), Relationship: id(0), Kind: kind, Fact: fact, Value: v}
	}
	deliver := func(r connector.Request, want connector.State) connector.Ref {
		t.Helper()
		res, err := c.Deliver(ctx, r)
		must(t, err)
		if res.State != want {
			t.Fatalf("%s of %s: %s (%s), want %s", r.Kind, r.Fact, res.State, res.Reason, want)
		}
		return res.Ref
	}
	// Somebody has that address already; that is noted, though nothing else is of her.
	taken := request(1, "disclose", "email", firsthand.Text("mia@example.org"))
	deliver(taken, connector.Declined)
	deliver(taken, connector.Declined)
	first := request(2, "disclose", "address.home", address("Kerkstraat 1"))
	ref := deliver(first, connector.Written)
	if again := deliver(first, connector.Written); again != ref {
		t.Errorf("the same again is in %v, and was in %v", again, ref)
	}
	rec, err := c.Read(ctx, ref)
	must(t, err)
	change := request(3, "change", "address.home", address("Veldstraat 22"))
	change.Record = rec.Ref
	deliver(change, connector.Written)

	m := request(4, "message", "", firsthand.Value{})
	m.Record, m.Subject, m.Text = connector.Ref{System: ref.System, ID: ref.ID}, "Your order", "Where is it?\ufffe"
	ticket := deliver(m, connector.Written)
	if again := deliver(m, connector.Written); again != ticket {
		t.Errorf("the same message again is in %v, and was in %v", again, ticket)
	}
	more := request(5, "message", "", firsthand.Value{})
	more.Subject, more.Text, more.Thread = "Your order", "It was the blue one.", ticket
	for range 2 {
		if got := deliver(more, connector.Written); got != ticket {
			t.Errorf("the second message of %v is in %v", ticket, got)
		}
	}
	p := request(6, "change", "phone.mobile", firsthand.Text("0470/65 43 21"))
	p.Proposal = true
	deliver(p, connector.Proposed)

	staff(t, ref, ticket)
	var got []connector.Change
	for change, err := range c.Changes(ctx, "") {
		must(t, err)
		got = append(got, change)
	}
	if len(got) != 4 {
		t.Fatalf("%d changes, want a reply, an edit, a reply in another ticket and that it is done: %+v", len(got), got)
	}
	if r := got[0]; r.Text != "It left us today.\n\n[not sent along: invoice.pdf]" || r.Author != "Anna Agent" || r.Ref != ticket || r.Relationship != id(0) || r.Of != m.ID {
		t.Errorf("Anna's reply is %+v", r)
	}
	if e := got[1]; e.Fact != "address.home" || !e.Value.Equal(address("Stationsstraat 3")) || e.Ref.ID != ref.ID {
		t.Errorf("Anna's edit is %+v", e)
	}
	if r := got[2]; r.Text != "It comes on Monday." || r.Ref != ticket || r.Relationship != id(0) || r.Of != m.ID {
		t.Errorf("what Anna says where it was merged into is %+v", r)
	}
	if d := got[3]; !d.Resolved || d.Ref != ticket || d.Of != m.ID {
		t.Errorf("that it is done is %+v", d)
	}
	for more, err := range c.Changes(ctx, got[3].Cursor) {
		t.Errorf("once more: %+v, %v", more, err)
	}
	last := request(8, "message", "", firsthand.Value{})
	last.Subject, last.Text, last.Thread = "Your order", "Thank you.", ticket
	for range 2 {
		if got := deliver(last, connector.Written); got != ticket {
			t.Errorf("what she says after the merge is in %v, want %v", got, ticket)
		}
	}
	refs, err := c.Find(ctx, connector.Claim{Record: "C-7"})
	must(t, err)
	if len(refs) != 1 || refs[0].ID == ref.ID {
		t.Errorf("find the customer that RT had: %v", refs)
	}
	withdraw := request(7, "withdraw", "address.home", firsthand.Value{})
	withdraw.Record = connector.Ref{System: ref.System, ID: ref.ID}
	deliver(withdraw, connector.Written)
	rec, err = c.Read(ctx, ref)
	must(t, err)
	if len(rec.Facts) != 0 {
		t.Errorf("after withdrawing all: %v", rec.Facts)
	}
}

// A bug in what joins a gateway to RT is noticed by the suite.
func TestSuiteCatches(t *testing.T) {
	start(t)
	for _, b := range []struct {
		name, test string
		wrap       func(connector.Connector) connector.Connector
	}{
		{"each delivery has another id", "requests take effect in order, and old ones never again", func(c connector.Connector) connector.Connector { return bent{c, renamed} }},
		{"the version is forgotten", "a stale version writes nothing", func(c connector.Connector) connector.Connector { return bent{c, careless} }},
		{"what isn't proved is written", "a proposal never writes over anything", func(c connector.Connector) connector.Connector { return bent{c, trusting} }},
	} {
		if failures := connectortest.Check(t, fixture(rt.Write, b.wrap), b.test); len(failures) == 0 {
			t.Errorf("%s, and %q passes", b.name, b.test)
		}
	}
}

func newID() (id firsthand.ID) {
	rand.Read(id[:])
	return id
}

// bent is a connector that hands over something else.
type bent struct {
	connector.Connector
	bend func(*connector.Request)
}

func (c bent) Deliver(ctx context.Context, r connector.Request) (connector.Result, error) {
	c.bend(&r)
	return c.Connector.Deliver(ctx, r)
}

func renamed(r *connector.Request)  { r.ID = newID() }
func careless(r *connector.Request) { r.Record.Version = "" }
func trusting(r *connector.Request) { r.Proposal = false }
