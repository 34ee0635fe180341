package tryton_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"firsthand"
	"firsthand/connector"
	"firsthand/connector/connectortest"
	"firsthand/connector/tryton"
	"firsthand/internal/systems"
)

var record = flag.Bool("record", false, "write testdata/recorded.jsonl anew, from a Tryton that is installed")

// recording is a file of calls to a real Tryton and what it answered, one a line.
const recording = "testdata/recorded.jsonl"

// TestRecorded tells one customer's story to answers that were recorded from Tryton:
// the connector must ask exactly what it asked then, and understand it the same.
func TestRecorded(t *testing.T) {
	if *record {
		s := newStand(t)
		var all bytes.Buffer
		proxy := httptest.NewServer(connectortest.Record(s.tryton.URL, &all, hide))
		t.Cleanup(proxy.Close)
		s.config.URL, s.config.SMTP = proxy.URL, nil
		story(t, s.connect(t), func(ref connector.Ref) { s.edit(t, ref, "address.home", home("Stationsstraat 3")) })
		must(t, os.MkdirAll(filepath.Dir(recording), 0o755))
		must(t, os.WriteFile(recording, all.Bytes(), 0o644))
		return
	}
	text, err := os.ReadFile(recording)
	must(t, err)
	server := httptest.NewServer(connectortest.Replay(t, text))
	t.Cleanup(server.Close)
	password := filepath.Join(t.TempDir(), "password")
	must(t, os.WriteFile(password, []byte("secret\n"), 0o600))
	c, err := tryton.Open(tryton.Config{URL: server.URL, Database: systems.TrytonDatabase, User: systems.TrytonService, PasswordFile: password, Opportunities: true})
	must(t, err)
	story(t, c, func(connector.Ref) {})
}

// story is what happens between one customer and the company. edit is staff changing
// her address.
func story(t *testing.T, c connector.Connector, edit func(connector.Ref)) {
	t.Helper()
	ctx := t.Context()
	id := func(n byte) (id firsthand.ID) { id[0], id[31] = 0xfa, n; return id }
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
	ref := deliver(request(1, "disclose", "address.home", home("Kerkstraat 1")), connector.Written)
	if again := deliver(request(1, "disclose", "address.home", home("Kerkstraat 1")), connector.Written); again != ref {
		t.Errorf("the same again is in %v, and was in %v", again, ref)
	}
	deliver(request(2, "disclose", "email", firsthand.Text("mia@example.org")), connector.Written)
	deliver(request(3, "disclose", "phone.mobile", firsthand.Text("+32477123456")), connector.Written)
	nowhere := home("Kerkstraat 1")
	nowhere.Parts["country"] = "XX"
	deliver(request(4, "change", "address.home", nowhere), connector.Declined)
	wish := request(5, "wish", "", firsthand.Value{})
	wish.Subject, wish.Text = "A bicycle", "With a basket."
	lead := deliver(wish, connector.Written)
	if again := deliver(wish, connector.Written); again != lead {
		t.Errorf("the same wish again is %v, and was %v", again, lead)
	}

	edit(ref)
	n := 0
	for change, err := range c.Changes(ctx, "") {
		must(t, err)
		if n++; change.Fact != "address.home" || !change.Value.Equal(home("Stationsstraat 3")) || change.Ref.ID != ref.ID {
			t.Errorf("staff changed the address, and the change is %+v", change)
		}
		for more, err := range c.Changes(ctx, change.Cursor) {
			t.Errorf("once more: %+v, %v", more, err)
		}
	}
	if n != 1 {
		t.Errorf("%d changes, want 1", n)
	}
	rec, err := c.Read(ctx, ref)
	must(t, err)
	for fact, want := range map[string]firsthand.Value{"address.home": home("Stationsstraat 3"), "email": firsthand.Text("mia@example.org"),
		"phone.mobile": firsthand.Text("+32477123456")} {
		if !rec.Facts[fact].Equal(want) {
			t.Errorf("%s is %q, want %q", fact, rec.Facts[fact], want)
		}
	}
	deliver(request(6, "withdraw", "email", firsthand.Value{}), connector.Written)
	must(t, c.(connector.Redactor).Redact(ctx, ref, "phone.mobile"))
	rec, err = c.Read(ctx, ref)
	must(t, err)
	if len(rec.Facts) != 1 {
		t.Errorf("after withdrawing two: %v", rec.Facts)
	}
	if _, err := c.Read(ctx, lead); err != nil {
		t.Errorf("read a lead: %v", err)
	}
}

// hide takes out of a sign-in the password, and the session.
func hide(e *connectortest.Exchange) {
	var asked struct{ Method string }
	var got struct{ Result []json.RawMessage }
	if json.Unmarshal(e.Body, &asked) != nil || asked.Method != "common.db.login" {
		return
	}
	e.Body, e.Hidden = nil, true
	if json.Unmarshal(e.Answer, &got) == nil && len(got.Result) > 1 {
		e.Answer = bytes.ReplaceAll(e.Answer, got.Result[1], []byte(`"session"`))
	}
}
