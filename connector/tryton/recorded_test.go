package tryton_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firsthand"
	"firsthand/connector"
	"firsthand/connector/tryton"
	"firsthand/internal/systems"
)

var record = flag.Bool("record", false, "write testdata/recorded.jsonl anew, from a Tryton that is installed")

// recording is a file of calls to a real Tryton and what it answered, one a line.
const recording = "testdata/recorded.jsonl"

type exchange struct {
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Status int             `json:"status"`
	Answer json.RawMessage `json:"answer"`
}

// TestRecorded tells one customer's story to answers that were recorded from Tryton:
// the connector must ask exactly what it asked then, and understand it the same.
func TestRecorded(t *testing.T) {
	if *record {
		s := newStand(t)
		var all bytes.Buffer
		proxy := httptest.NewServer(recorder(t, s.tryton.URL, &all))
		t.Cleanup(proxy.Close)
		s.config.URL, s.config.SMTP = proxy.URL, nil
		story(t, s.connect(t), func(ref connector.Ref) { s.edit(t, ref, "address.home", home("Stationsstraat 3")) })
		must(t, os.MkdirAll(filepath.Dir(recording), 0o755))
		must(t, os.WriteFile(recording, all.Bytes(), 0o644))
		return
	}
	text, err := os.ReadFile(recording)
	must(t, err)
	server := httptest.NewServer(replay(t, text))
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

// secret reports whether a method's parameters aren't for a file: the first is the
// user, the second has the password.
func secret(method string) bool { return method == "common.db.login" }

// recorder forwards to target and writes down both.
func recorder(t *testing.T, target string, into *bytes.Buffer) http.Handler {
	u, err := url.Parse(target)
	must(t, err)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var e exchange
		var body bytes.Buffer
		body.ReadFrom(r.Body)
		json.Unmarshal(body.Bytes(), &e)
		req, err := http.NewRequestWithContext(r.Context(), r.Method, u.String()+r.URL.Path, &body)
		if err != nil {
			panic(err)
		}
		req.Header = r.Header.Clone()
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			panic(err)
		}
		defer resp.Body.Close()
		var answer bytes.Buffer
		answer.ReadFrom(resp.Body)
		e.Status, e.Answer = resp.StatusCode, answer.Bytes()
		if secret(e.Method) {
			e.Params, e.Answer = nil, bytes.ReplaceAll(e.Answer, session(e.Answer), []byte("session"))
		}
		line, err := json.Marshal(e)
		if err != nil {
			panic(err)
		}
		into.Write(append(line, '\n'))
		w.WriteHeader(resp.StatusCode)
		w.Write(answer.Bytes())
	})
}

// session returns the key in the answer to a login.
func session(answer []byte) []byte {
	var got struct{ Result []json.RawMessage }
	if json.Unmarshal(answer, &got) != nil || len(got.Result) < 2 {
		return []byte("no session")
	}
	return bytes.Trim(got.Result[1], `"`)
}

// replay answers as recorded, to the calls that were recorded, in their order.
func replay(t *testing.T, text []byte) http.Handler {
	var all []exchange
	for line := range strings.Lines(string(text)) {
		var e exchange
		must(t, json.Unmarshal([]byte(line), &e))
		all = append(all, e)
	}
	n := 0
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var got exchange
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil || n == len(all) {
			t.Errorf("call %d of %d: %v", n+1, len(all), err)
			http.Error(w, "no", http.StatusInternalServerError)
			return
		}
		want := all[n]
		n++
		if got.Method != want.Method || !secret(got.Method) && !sameJSON(got.Params, want.Params) {
			t.Errorf("call %d is %s %s,\nand was %s %s", n, got.Method, got.Params, want.Method, want.Params)
		}
		w.WriteHeader(want.Status)
		w.Write(want.Answer)
	})
}

func sameJSON(a, b []byte) bool {
	var x, y bytes.Buffer
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}
