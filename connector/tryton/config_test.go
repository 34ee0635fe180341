package tryton

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firsthand/connector"
	"firsthand/fault"
)

func password(t *testing.T) string {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("very-secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestConfig(t *testing.T) {
	file := password(t)
	const head = `{"url":"https://erp.example","database":"acme","user":"firsthand","password_file":"FILE"`
	for _, tt := range []struct{ config, err string }{
		{head + `}`, ""},
		{head + `,"mapping":{"email":"email:Private","mail":"email"},"find":["phone"],"opportunities":true}`, ""},
		{head + `,"mapping":[{"fact":"address.home","to":"address"}]}`, ""},
		{head + `,"smtp":{"address":"mail.example:587","from":"Acme <care@acme.example>"}}`, ""},
		{head + `,"retries":3}`, "unknown field"},
		{head + `} {}`, "text after"},
		{head + `,"mapping":{"email":"e-mail"}}`, "no place in a party"},
		{head + `,"mapping":{"a":"email","b":"email"}}`, "the same place"},
		{head + `,"mapping":{"a":"email:Firsthand"}}`, "the gateway's own"},
		{head + `,"mapping":{"a":"name:b"}}`, "has no label"},
		{head + `,"mapping":[{"fact":"a","to":"name"},{"fact":"a","to":"email"}]}`, "twice"},
		{head + `,"find":["name"]}`, "nothing to be found by"},
		{head + `,"smtp":{"address":"mail.example","from":"care@acme.example"}}`, "host:port"},
		{head + `,"smtp":{"address":"mail.example:25","from":"care"}}`, "no address"},
		{head + `,"smtp":{"address":"mail.example:25","from":"care@acme.example","user":"care"}}`, "go together"},
		{strings.Replace(head, "https", "http", 1) + `}`, "must be https"},
		{strings.Replace(head, "acme", "a/b", 1) + `}`, "database"},
		{strings.Replace(head, `"firsthand"`, `""`, 1) + `}`, "user"},
		{strings.Replace(head, "FILE", "FILE.none", 1) + `}`, "no such file"},
	} {
		c, err := New(json.RawMessage(strings.ReplaceAll(tt.config, "FILE", file)))
		switch {
		case tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("%s: %v, want %q", tt.config, err, tt.err)
		case err != nil && c != nil:
			t.Errorf("%s: a connector and an error", tt.config)
		case err == nil:
			if _, binds := c.(connector.Binder); binds != strings.Contains(tt.config, "smtp") {
				t.Errorf("%s: binds: %t", tt.config, binds)
			}
			if text := fmt.Sprintf("%v %+v %#v", c, c, c); strings.Contains(text, "secret") {
				t.Errorf("printing it prints %s", text)
			}
		}
	}
}

// What Tryton lacks is said when it is first called, and what it says of itself in
// words is for people, not for errors that are logged.
func TestTroubles(t *testing.T) {
	fine := map[string]string{
		"common.db.login":                  `"result":[7,"key"]`,
		"model.ir.model.access.get_access": `"result":{"party.party":RIGHTS,"party.address":RIGHTS,"party.contact_mechanism":RIGHTS,"sale.opportunity":RIGHTS}`,
		"model.country.country.search":     `"result":[1]`,
		"model.res.user.get_preferences":   `"result":{"company":1}`,
		"model.ir.model.search_read":       `"result":[{"model":"party.party"},{"model":"party.address"},{"model":"party.contact_mechanism"}]`,
		"model.party.party.search_read":    `"result":[]`,
	}
	for _, tt := range []struct {
		name, method, answer string
		kind                 fault.Kind
		err                  string
	}{
		{"all is well", "", "", fault.NotExist, "no such party"},
		{"no such user", "common.db.login", "401", fault.Denied, "doesn't know the user"},
		{"no such database", "common.db.login", "404", fault.Invalid, "no database"},
		{"too many tries", "common.db.login", "429", fault.Unavailable, "429"},
		{"no right", "model.ir.model.access.get_access", `"result":{"party.party":{"read":true}}`, fault.Denied, "may not write party.party"},
		{"no module", "model.ir.model.access.get_access", `"error":["'sale.opportunity'",""]`, fault.Invalid, "has no sale.opportunity"},
		{"no countries", "model.country.country.search", `"result":[]`, fault.Invalid, "no countries"},
		{"no company", "model.res.user.get_preferences", `"result":{"company":null}`, fault.Invalid, "has no company"},
		{"its database is down", "model.party.party.search_read", `"error":["could not connect: mia@example.org",""]`, fault.Unavailable, "Tryton fails"},
		{"it refuses", "model.party.party.search_read", `"error":["UserError",["Mia Peeters may not be read","",null]]`, fault.Denied, "refuses"},
		{"an answer to nothing", "model.party.party.search_read", `"id":2`, fault.Unavailable, "says nothing"},
		{"another form", "model.party.party.search_read", `"result":{"a":1}`, fault.Unavailable, "another form"},
		{"the session has ended", "model.party.party.search_read", "401 once", fault.NotExist, "no such party"},
		{"a session that never holds", "model.party.party.search_read", "401", fault.Denied, "401"},
	} {
		asked := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var call struct{ Method string }
			json.NewDecoder(r.Body).Decode(&call)
			answer := fine[call.Method]
			if call.Method == tt.method {
				asked++
				answer = tt.answer
				if asked == 2 && strings.HasSuffix(answer, " once") {
					answer = fine[call.Method]
				}
			}
			if status := map[string]int{"401": 401, "404": 404, "429": 429}[strings.TrimSuffix(answer, " once")]; status != 0 {
				w.WriteHeader(status)
				return
			}
			fmt.Fprintf(w, `{%s}`, strings.ReplaceAll(answer, "RIGHTS", `{"read":1,"write":true,"create":1,"delete":true}`))
		}))
		c, err := Open(Config{URL: server.URL, Database: "acme", User: "firsthand", PasswordFile: password(t), Opportunities: true})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Read(t.Context(), connector.Ref{ID: "party.party,1"})
		if err == nil || fault.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %v, want %v: %s", tt.name, err, tt.kind, tt.err)
		}
		if err != nil && (strings.Contains(err.Error(), "mia@") || strings.Contains(err.Error(), "Mia")) {
			t.Errorf("%s: the error has what is somebody's: %v", tt.name, err)
		}
		server.Close()
	}
}

func TestCursor(t *testing.T) {
	at := func(seconds, row int) edit {
		return edit{at: time.Unix(1_800_000_000+int64(seconds), 0).UTC(), model: 1, row: row}
	}
	c, err := parseCursor("")
	if err != nil {
		t.Fatal(err)
	}
	late := at(5, 999)
	texts := map[string]bool{}
	for n := range 3 * maxSeen { // an import: all at one time
		c.tell(at(10, n), "email")
		if c, err = parseCursor(c.String()); err != nil {
			t.Fatal(err)
		}
		if texts[c.String()] {
			t.Fatalf("the same cursor after %d", n)
		}
		texts[c.String()] = true
		if n == 3 && c.told(late, "email") {
			t.Error("what was written a little before, and shows late, is taken for told")
		}
	}
	if len(c.seen) > maxSeen || len(c.String()) > 20_000 {
		t.Errorf("a cursor of %d edits, %d bytes", len(c.seen), len(c.String()))
	}
	for n := range 3 * maxSeen {
		if !c.told(at(10, n), "email") {
			t.Fatalf("edit %d is told again", n)
		}
	}
	if c.told(at(10, 3*maxSeen), "email") || c.told(at(10, 3*maxSeen-1), "name") {
		t.Error("what wasn't told is taken for told")
	}
	c.tell(at(1000, 1), "email")
	if !c.told(late, "email") || len(c.seen) != 1 {
		t.Errorf("%d edits are kept that are old", len(c.seen)-1)
	}
	for _, bad := range []string{"x", "{}", `{"floor":[1,2]}`, `{"floor":[1,9,1]}`, `{"floor":[1,1,1],"seen":[{"edit":[]}]}`} {
		if _, err := parseCursor(bad); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestSameNumber(t *testing.T) {
	for _, tt := range []struct {
		number, spelt string
		want          bool
	}{
		{"+32 477 12 34 56", "+32477123456", true},
		{"+32 477 12 34 56", "0477/12.34.56", true},
		{"+32 477 12 34 56", "0032 477 123456", true},
		{"+32 477 12 34 56", "+477123456", false},
		{"+32 477 12 34 56", "ask for Mia 0477123456", false},
		{"+32 477 12 34 56", "56", false},
		{"+32 477 12 34 56", "", false},
	} {
		if got := sameNumber(tt.number, tt.spelt); got != tt.want {
			t.Errorf("%s spelt %q: %t", tt.number, tt.spelt, got)
		}
	}
}
