package conformance_test

import (
	"encoding/hex"
	"fmt"
	"strings"

	"firsthand/conformance"
)

// lines are entries of a log as they travel, from the given place on.
func lines(log []conformance.Draft, from int) string {
	var b strings.Builder
	for i := range log[from-1:] {
		b.WriteString(log[from-1+i].Line() + "\n")
	}
	return b.String()
}

func headOf(log []conformance.Draft) string {
	if len(log) == 0 {
		return `{"seq":0,"id":""}`
	}
	return fmt.Sprintf(`{"seq":%d,"id":"%s"}`, len(log), log[len(log)-1].ID)
}

func httpCallVectors(g *generator) {
	s := g.script("calls over HTTP")
	s.Say(first, message("Hello."))
	s.Say(first, message("Hello?"))
	seed := func(key [32]byte) string { return "seed: " + hex.EncodeToString(key[:]) }
	key, next := "key: "+conformance.Public(s.Keys[0]).String(), "next: "+conformance.Public(s.Next[0]).Hash().String()
	good := seed(s.Keys[0])
	rel, firsts, seconds := s.Rel.String(), headOf(s.Logs[0]), headOf(s.Logs[1])
	opening := fmt.Sprintf(`{"rel":"%s","first":%s,"second":{"seq":0,"id":""},"wait":0}`+"\n", rel, firsts)
	call := fmt.Sprintf(`{"rel":"%s","first":%s,"second":%s,"wait":0}`+"\n", rel, firsts, seconds)
	sync := func(name, rule, comment, body string, more ...string) {
		g.add("request/"+name, rule, comment, body, append([]string{"route: sync", good, key, next}, more...)...)
	}
	open := func(name, rule, comment, body string, more ...string) {
		g.add("request/"+name, rule, comment, body, append([]string{"route: open", good}, more...)...)
	}
	sync("sync", "accept", "a call that brings two entries", call+lines(s.Logs[0], 2))
	sync("sync-nothing", "accept", "a call that only asks", call)
	sync("sync-both", "accept", "a call that brings a gateway back what it lost", call+lines(s.Logs[0], 1)+lines(s.Logs[1], 1))
	sync("sync-wait", "accept", "nobody waits longer than 50 seconds", strings.Replace(call, `"wait":0`, `"wait":3600`, 1))
	open("open", "accept", "an opening", opening+lines(s.Logs[0], 1))
	open("open-again", "accept", "an opening that is there already", opening+lines(s.Logs[0], 1), key, next)

	r := g.script("calls over HTTP that rotate")
	old, oldKey := r.Keys[0], conformance.Public(r.Keys[0])
	oldNext := conformance.Public(r.Next[0]).Hash()
	r.Rotate(first, 0)
	body := fmt.Sprintf(`{"rel":"%s","first":%s,"second":%s,"wait":0}`+"\n", r.Rel, headOf(r.Logs[0]), headOf(r.Logs[1])) + lines(r.Logs[0], 2)
	there := []string{"key: " + oldKey.String(), "next: " + oldNext.String()}
	g.add("request/sync-rotate", "accept", "a call that brings a rotation is signed by the new key", body, append([]string{"route: sync", seed(r.Keys[0])}, there...)...)
	g.add("request/key-old-with-rotate", "call-signature", "and not by the old one", body, append([]string{"route: sync", seed(old)}, there...)...)
	g.add("request/key-rotate-not-next", "call-signature", "a rotation to a key that nothing committed to gives no access", body, "route: sync", seed(r.Keys[0]), there[0], next)
	g.add("request/key-other", "call-signature", "signed by another key", call, "route: sync", seed(s.Next[0]), key, next)
	g.add("request/key-company", "call-signature", "signed by the company's key", call, "route: sync", seed(s.Keys[1]), key, next)
	g.add("request/key-unknown", "call-signature", "a relationship that isn't there looks like a wrong key", call, "route: sync", good)
	sync("key-missing", "call-signature", "no signature", call, "header: Authorization: Firsthand")
	sync("key-scheme", "call-signature", "another scheme", call, "header: Authorization: Bearer abc")
	g.add("request/open-first-key", "accept", "the first key of a log that rotates later counts where the relationship isn't there", opening+lines(s.Logs[0], 1), "route: open", good)

	for _, v := range [][3]string{
		{"json", "JSON", "application/json"}, {"text", "what a form can send", "text/plain"},
		{"charset", "a parameter", "application/firsthand; charset=utf-8"}, {"case", "upper case", "Application/Firsthand"},
	} {
		sync("type-"+v[0], "call-type", v[1], call, "header: Content-Type: "+v[2])
	}
	sync("browser-origin", "call-browser", "called from a page", call, "header: Origin: https://evil.example")
	sync("browser-null", "call-browser", "called from a page without an address", call, "header: Origin: null")
	sync("browser-fetch", "call-browser", "called by a browser", call, "header: Sec-Fetch-Site: cross-site")

	for _, v := range [][3]string{
		{"empty", "nothing", ""},
		{"no-line", "no line feed", strings.TrimSuffix(call, "\n")},
		{"no-json", "no JSON", "hello\n"},
		{"no-rel", "rel is missing", strings.Replace(call, `"rel":"`+rel+`",`, "", 1)},
		{"rel-empty", "rel is empty", strings.Replace(call, rel, "", 1)},
		{"no-first", "a head is missing", strings.Replace(call, `"first":`+firsts+`,`, "", 1)},
		{"no-wait", "wait is missing", strings.Replace(call, `,"wait":0`, "", 1)},
		{"wait-negative", "a wait below zero", strings.Replace(call, `"wait":0`, `"wait":-1`, 1)},
		{"unknown", "a member that nobody knows", strings.Replace(call, `"wait":0`, `"wait":0,"who":"me"`, 1)},
		{"duplicate", "a member twice", strings.Replace(call, `"wait":0`, `"wait":0,"wait":1`, 1)},
		{"head-negative", "a place below zero", strings.Replace(call, firsts, `{"seq":-1,"id":""}`, 1)},
		{"head-without-id", "a place without an id", strings.Replace(call, firsts, `{"seq":1,"id":""}`, 1)},
		{"head-without-seq", "an id without a place", strings.Replace(call, firsts, `{"seq":0,"id":"`+rel+`"}`, 1)},
		{"long-line", "more than 4 KiB", strings.Replace(call, `,"wait"`, strings.Repeat(" ", 4<<10)+`,"wait"`, 1)},
	} {
		sync("form-"+v[0], "call-form", v[1], v[2])
	}
	many := g.script("calls over HTTP with many entries")
	for range 256 {
		many.Say(first, message("x"))
	}
	all := fmt.Sprintf(`{"rel":"%s","first":%s,"second":%s,"wait":0}`+"\n", many.Rel, headOf(many.Logs[0]), headOf(many.Logs[1]))
	manyKey := []string{"route: sync", seed(many.Keys[0]), "key: " + conformance.Public(many.Keys[0]).String()}
	g.add("request/sync-256", "accept", "256 entries", all+lines(many.Logs[0], 2), manyKey...)
	g.add("request/batch-size", "batch-size", "257 entries", all+lines(many.Logs[0], 1), manyKey...)
	other := g.script("calls over HTTP of another")
	sync("batch-rel", "batch-rel", "an entry of another relationship", call+lines(other.Logs[0], 1))
	sync("batch-order", "batch-order", "an entry is left out", call+lines(s.Logs[0][:1], 1)+lines(s.Logs[0], 3))
	sync("batch-repeated", "batch-order", "an entry twice", call+lines(s.Logs[0][:1], 1)+lines(s.Logs[0][:1], 1))
	open("batch-open-nothing", "batch-open", "an opening without an entry", opening)
	open("batch-open-later", "batch-open", "an opening that begins with a later entry", opening+lines(s.Logs[0], 2), key, next)
	open("batch-open-second", "batch-open", "an opening that begins with the company's", opening+lines(s.Logs[1], 1), key, next)

	for _, v := range [][2]string{{"host", "https://gateway.example"}, {"port", "https://gateway.example:8443"}, {"path", "https://acme.example/first-hand/v2~"}, {"loopback", "http://localhost:8080"}, {"loopback-ip", "http://127.0.0.1:8080"}} {
		g.add("address/"+v[0], "accept", "an address", v[1])
	}
	for _, v := range [][3]string{
		{"http", "http is for loopback", "http://gateway.example"},
		{"slash", "a slash at the end", "https://gateway.example/"},
		{"port-443", "the port that goes without saying", "https://gateway.example:443"},
		{"upper-case", "upper case", "https://Gateway.example"},
		{"query", "a query", "https://gateway.example/?x=1"},
		{"fragment", "a fragment", "https://gateway.example/#x"},
		{"user", "a user", "https://gateway.example@evil.example"},
		{"dots", "a step up", "https://gateway.example/a/../b"},
		{"empty-segment", "two slashes", "https://gateway.example/a//b"},
		{"escape", "an escape", "https://gateway.example/%61"},
		{"script", "another scheme", "javascript:alert(1)"},
		{"file", "another scheme", "file:///etc/passwd"},
		{"nothing", "nothing", ""},
	} {
		g.add("address/not-"+v[0], "gateway-url", v[1], v[2])
	}
}

func httpAnswerVectors(g *generator) {
	s := g.script("answers over HTTP")
	s.Say(second, message("Hello."))
	s.Say(second, message("Hello?"))
	asked := []string{"relationship: " + s.Rel.String(), fmt.Sprintf("first: 1 %s", s.Logs[0][0].ID), fmt.Sprintf("second: 1 %s", s.Logs[1][0].ID)}
	head := func(more bool) string {
		return fmt.Sprintf(`{"first":%s,"second":%s,"receipt":"","more":%v}`+"\n", headOf(s.Logs[0]), headOf(s.Logs[1]), more)
	}
	add := func(name, rule, comment, body string, more ...string) {
		g.add("response/"+name, rule, comment, body, append(asked[:len(asked):len(asked)], more...)...)
	}
	news := lines(s.Logs[1], 2)
	add("good", "accept", "two entries", head(false)+news)
	add("good-nothing", "accept", "no entries", head(false))
	add("good-more", "accept", "one entry, and there is more", head(true)+lines(s.Logs[1][:2], 2))
	for _, v := range [][3]string{
		{"html", "a page", "text/html"}, {"json", "a refusal with status 200", "application/json"}, {"charset", "a parameter", "application/firsthand; charset=utf-8"},
	} {
		add("type-"+v[0], "answer-type", v[1], head(false), "header: Content-Type: "+v[2])
	}
	good := head(false)
	for _, v := range [][3]string{
		{"empty", "nothing", ""},
		{"no-line", "no line feed", strings.TrimSuffix(good, "\n")},
		{"no-json", "no JSON", "hello\n"},
		{"no-first", "a head is missing", strings.Replace(good, `"first":`+headOf(s.Logs[0])+`,`, "", 1)},
		{"no-receipt", "the receipt is missing", strings.Replace(good, `"receipt":"",`, "", 1)},
		{"no-more", "more is missing", strings.Replace(good, `,"more":false`, "", 1)},
		{"unknown", "a member that nobody knows", strings.Replace(good, `"more"`, `"redirect":"https://evil.example","more"`, 1)},
		{"head-without-id", "a place without an id", strings.Replace(good, headOf(s.Logs[0]), `{"seq":1,"id":""}`, 1)},
		{"more-nothing", "more, and nothing yet: an agent would call for ever", head(true)},
	} {
		add("form-"+v[0], "answer-form", v[1], v[2])
	}
	add("heads-known", "answer-heads", "an entry that the agent has", good+lines(s.Logs[1], 1))
	add("heads-gap", "answer-heads", "an entry is left out", good+lines(s.Logs[1], 3))
	add("heads-beyond", "answer-heads", "entries beyond the head that the answer names", strings.Replace(good, headOf(s.Logs[1]), headOf(s.Logs[1][:2]), 1)+news)
	add("heads-other", "answer-heads", "another entry at the head that the answer names", strings.Replace(good, s.Logs[1][2].ID.String(), someID.String(), 1)+news)
	other := g.script("answers over HTTP to another")
	other.Say(second, message("x"))
	add("batch-rel", "batch-rel", "an entry of another relationship", good+lines(other.Logs[1], 2))
	add("batch-order", "batch-order", "an entry twice", good+lines(s.Logs[1], 2)+lines(s.Logs[1], 3))
	add("batch-size", "batch-size", "257 lines", good+strings.Repeat("x\n", 257))

	for _, v := range [][4]string{
		{"invalid", "400", "a rule that the call broke", `{"kind":"invalid","rule":"entry-signature"}`},
		{"time", "403", "with the gateway's clock", `{"kind":"denied","rule":"call-time","time":"2026-11-21T21:47:13Z"}`},
		{"not-exist", "404", "no rule", `{"kind":"not exist"}`},
		{"conflict", "409", "a fork", `{"kind":"conflict","rule":"log-fork"}`},
		{"internal", "500", "its own fault, to which the caller says: later", `{"kind":"internal"}`},
		{"rate", "429", "too fast", `{"kind":"unavailable","rule":"call-rate"}`},
		{"proxy-page", "502", "a page of a proxy", `<h1>Bad gateway</h1>`},
		{"unknown-kind", "400", "a kind that nobody knows", `{"kind":"furious","rule":"entry-signature"}`},
		{"unknown-member", "400", "a text that somebody would read", `{"kind":"invalid","message":"Call 0900-SCAM now"}`},
		{"bad-rule", "400", "a rule that is no name", `{"kind":"invalid","rule":"Call 0900-SCAM now"}`},
		{"unauthorized", "401", "a status that gateways don't use", ``},
	} {
		g.add("failure/"+v[0], "accept", v[2], v[3], "status: "+v[1])
	}
	g.add("failure/type", "accept", "another content type", `{"kind":"denied","rule":"call-time"}`, "status: 400", "header: Content-Type: text/plain")
}
