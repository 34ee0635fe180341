package rt

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

func token(t *testing.T) string {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("1-27-very-secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestConfig(t *testing.T) {
	file := token(t)
	const head = `{"url":"https://rt.example","queue":"Customer Care","token_file":"FILE"`
	for _, tt := range []struct{ config, err string }{
		{head + `}`, ""},
		{head + `,"mapping":{"email":"EmailAddress"},"find":["CF:Customer Number"],"mode":"propose","also":["Billing"]}`, ""},
		{head + `,"mapping":[{"fact":"address.home","to":"address"}]}`, ""},
		{head + `,"retries":3}`, "unknown field"},
		{head + `} {}`, "text after"},
		{head + `,"mode":"ask"}`, "neither"},
		{`{"url":"https://rt.example","token_file":"FILE"}`, "queue is missing"},
		{head + `,"mapping":{"email":"Email"}}`, "no field of a user"},
		{head + `,"mapping":{"a":"RealName","b":"RealName"}}`, "the same field"},
		{head + `,"mapping":[{"fact":"a","to":"RealName"},{"fact":"a","to":"NickName"}]}`, "twice"},
		{head + `,"find":["phone"]}`, "nothing to be found by"},
		{head + `,"find":["CF:a' OR '1'='1"]}`, "is no name"},
		{head + `,"also":["a' OR Queue != '"]}`, "is no name"},
		{head + `,"user":"x' OR '1"}`, "is no name"},
		{head + `,"done":["closed"],"refused":["closed"]}`, "both done and refused"},
		{strings.Replace(head, "https", "http", 1) + `}`, "must be https"},
		{strings.Replace(head, "rt.example", "rt.example/?a=b", 1) + `}`, "query"},
		{strings.Replace(head, "Customer Care", "it's", 1) + `}`, "is no name"},
		{strings.Replace(head, "FILE", "FILE.none", 1) + `}`, "no such file"},
	} {
		c, err := New(json.RawMessage(strings.ReplaceAll(tt.config, "FILE", file)))
		switch {
		case tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("%s: %v, want %q", tt.config, err, tt.err)
		case err != nil && c != nil:
			t.Errorf("%s: a connector and an error", tt.config)
		case err == nil:
			if text := fmt.Sprintf("%v %+v %#v", c, c, c); strings.Contains(text, "secret") {
				t.Errorf("printing it prints %s", text)
			}
			if _, forgets := c.(connector.Redactor); forgets {
				t.Error("RT can't forget, and the connector says that it can")
			}
		}
	}
}

// What stands before RT or answers in its place is believed nothing, and what RT lacks
// is said in words for an operator.
func TestTroubles(t *testing.T) {
	const summary = `{"Privileged":0,"RealName":"Mia","_hyperlinks":[{"ref":"self","type":"user","id":7}]}`
	for _, tt := range []struct {
		name, answer string
		status       int
		kind         fault.Kind
		says, hint   string
	}{
		{"no right", summary, 200, fault.Denied, "doesn't show", "AdminUsers"},
		{"a token of before", `{"message":"Unauthorized"}`, 401, fault.Denied, "401", "secret"},
		{"gone", `{"message":"Not Found"}`, 404, fault.NotExist, "", ""},
		{"a wrong address", `<html>not here`, 404, fault.Invalid, "404", "address"},
		{"another program, or a page that stands in for it", `<html>It works!`, 200, fault.Unavailable, "not RT's REST2", "url"},
		{"another user", `{"id":8,"Name":"bob","Privileged":0,"Created":"x","CustomFields":[]}`, 200, fault.Invalid, "another user", ""},
		{"staff", `{"id":7,"Name":"anna","Privileged":1,"Created":"x","CustomFields":[]}`, 200, fault.NotExist, "", ""},
		{"busy", `slow down`, 429, fault.Unavailable, "", ""},
		{"down", `<html>500`, 500, fault.Unavailable, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") != "token 1-27-very-secret" {
					t.Errorf("without the token: %q", r.Header.Get("Authorization"))
				}
				w.Header().Set("Retry-After", "90")
				w.WriteHeader(tt.status)
				fmt.Fprint(w, tt.answer)
			}))
			defer server.Close()
			c, err := Open(Config{URL: server.URL, Queue: "Customer Care", TokenFile: token(t)})
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Read(t.Context(), connector.Ref{System: "Request Tracker", ID: "user/7"})
			if err == nil || fault.KindOf(err) != tt.kind {
				t.Fatalf("read: %v, want %v", err, tt.kind)
			}
			var n *fault.Notice
			if tt.says != "" && (!errors.As(err, &n) || !strings.Contains(n.Text, tt.says) || !strings.Contains(n.Hint, tt.hint)) {
				t.Errorf("read: %v; %s", err, fault.HintOf(err))
			}
			if tt.status == 429 && connector.WaitOf(err) != 90*time.Second {
				t.Errorf("a busy RT is asked again in %v", connector.WaitOf(err))
			}
		})
	}
}

// What RT would cut off or change is declined before it is asked.
func TestSpread(t *testing.T) {
	home := func(street string) firsthand.Value {
		return firsthand.Value{Parts: map[string]string{"street": street, "city": "Gent"}}
	}
	for _, tt := range []struct {
		to   string
		v    firsthand.Value
		fits bool
	}{
		{"RealName", firsthand.Text("Mia Peeters"), true},
		{"RealName", firsthand.Text(strings.Repeat("é", 61)), false},
		{"RealName", firsthand.Text(" Mia"), false},
		{"RealName", firsthand.Text("Mia\nBcc: x"), false},
		{"RealName", home("Kerkstraat 1"), false},
		{"address", firsthand.Text("Kerkstraat 1"), false},
		{"address", home("Kerkstraat 1\nbus 3"), true},
		{"address", home("Kerkstraat 1\nbus 3\nachter"), false},
		{"address", firsthand.Value{Parts: map[string]string{"street": "x", "floor": "3"}}, false},
		{"EmailAddress", firsthand.Text("mia@example.org"), true},
		{"EmailAddress", firsthand.Text("mia@example.org, bob@example.org"), false},
		{"MobilePhone", firsthand.Text(strings.Repeat("9", 31)), false},
	} {
		fields, unfit := spread(tt.to, tt.v)
		if (unfit == "") != tt.fits || tt.fits && !gather(tt.to, fields).Equal(tt.v) {
			t.Errorf("%q in %s: %v, %q", tt.v, tt.to, fields, unfit)
		}
	}
}

// Staff's words are HTML where they write them on RT's pages, and text for the customer.
func TestPlain(t *testing.T) {
	for page, want := range map[string]string{
		"<p>It left us <b>today</b>.</p><p>Anna</p>": "It left us today.\n\nAnna",
		"a<br>b<br/>c": "a\nb\nc",
		"<script>alert(1)</script>x<style>b{}</style>&lt;i&gt; &amp;amp;": "x<i> &amp;",
		"<ul><li>one</li><li>two</li></ul>":                               "one\ntwo",
	} {
		if got := plain(page); got != want {
			t.Errorf("%s is %q, want %q", page, got, want)
		}
	}
}
