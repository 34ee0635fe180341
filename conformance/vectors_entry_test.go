package conformance_test

import (
	"strings"

	"firsthand"
	"firsthand/conformance"
)

const goodHeader = `{"alg":"Ed25519","typ":"firsthand-entry+jws"}`

func entryVectors(g *generator) {
	s := g.script("entries")
	s.Say(second, &firsthand.Message{Text: "Good morning."})
	hello := conformance.Body(&firsthand.Message{Text: "Hello."})
	salt := s.Seed("salt") // the same in all, so that a vector more changes none of the others
	draft := func() conformance.Draft {
		d := s.Draft(first, hello)
		d.Salt = salt[:]
		return d
	}
	g.add("entry/first", "accept", "the entry that opens a relationship, whose id is the relationship's", s.Logs[0][0].Signed)
	g.add("entry/second", "accept", "the entry that answers it", s.Logs[1][0].Signed)
	g.add("entry/later", "accept", "a later entry", s.Sign(draft()).Signed)
	g.add("entry/wrong-signature", "accept", "a signature is not checked without knowing the key, and the id doesn't depend on it",
		s.Sign(func() conformance.Draft { d := draft(); d.Seed = s.Seed("another"); return d }()).Signed)

	for _, v := range [][3]string{
		{"alg-none", "no algorithm", `{"alg":"none","typ":"firsthand-entry+jws"}`},
		{"alg-eddsa", "the algorithm under its older name", `{"alg":"EdDSA","typ":"firsthand-entry+jws"}`},
		{"alg-hs256", "a MAC: the public key would be its secret", `{"alg":"HS256","typ":"firsthand-entry+jws"}`},
		{"alg-es256", "another algorithm", `{"alg":"ES256","typ":"firsthand-entry+jws"}`},
		{"alg-twice", "an algorithm twice", `{"alg":"Ed25519","alg":"none","typ":"firsthand-entry+jws"}`},
		{"alg-case", "the algorithm in another case", `{"alg":"ed25519","typ":"firsthand-entry+jws"}`},
		{"typ-receipt", "what was signed as something else", `{"alg":"Ed25519","typ":"firsthand-receipt+jws"}`},
		{"typ-company", "what was signed as something else", `{"alg":"Ed25519","typ":"firsthand-company+jws"}`},
		{"typ-jwt", "what was signed as something else", `{"alg":"Ed25519","typ":"JWT"}`},
		{"no-typ", "no type", `{"alg":"Ed25519"}`},
		{"jwk", "a key that the sender chose", `{"alg":"Ed25519","typ":"firsthand-entry+jws","jwk":{}}`},
		{"jku", "an address for keys that the sender chose", `{"alg":"Ed25519","typ":"firsthand-entry+jws","jku":"https://evil.example/"}`},
		{"kid", "a name for a key", `{"alg":"Ed25519","typ":"firsthand-entry+jws","kid":"1"}`},
		{"x5u", "an address for certificates that the sender chose", `{"alg":"Ed25519","typ":"firsthand-entry+jws","x5u":"https://evil.example/"}`},
		{"crit", "an extension", `{"alg":"Ed25519","typ":"firsthand-entry+jws","b64":false,"crit":["b64"]}`},
		{"zip", "compression", `{"alg":"Ed25519","typ":"firsthand-entry+jws","zip":"DEF"}`},
		{"order", "the same members in another order", `{"typ":"firsthand-entry+jws","alg":"Ed25519"}`},
		{"white-space", "the same members with white space", `{"alg": "Ed25519", "typ": "firsthand-entry+jws"}`},
		{"empty", "no header", ``},
	} {
		d := draft()
		d.Header = v[2]
		g.add("entry/header-"+v[0], "jws-header", v[1], s.Sign(d).Signed)
	}

	good := s.Sign(draft()).Signed
	dot := strings.LastIndexByte(good, '.')
	header, _, _ := strings.Cut(good, ".")
	lastSig := "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", good[len(good)-1])|1]
	for _, v := range [][3]string{
		{"signature-spare-bits", "the signature's last character has bits that stand for nothing", good[:len(good)-1] + string(lastSig)},
		{"signature-padded", "a padded signature", good + "=="},
		{"signature-short", "a signature cut off", good[:len(good)-1]},
		{"signature-missing", "no signature", good[:dot+1]},
		{"two-parts", "no third part", good[:dot]},
		{"four-parts", "a fourth part", good + "."},
		{"payload-padded", "a padded payload", good[:dot] + "=" + good[dot:]},
		{"payload-line-feed", "a line feed in the payload, which some decoders skip", good[:dot-8] + "\n" + good[dot-8:]},
		{"payload-other-alphabet", "a character of the other alphabet", good[:dot-8] + "+" + good[dot-7:]},
		{"payload-missing", "no payload", header + "." + good[dot:]},
		{"signature-line-feed", "a line feed in the signature", good[:dot+9] + "\n" + good[dot+9:]},
		{"signature-carriage-return", "a carriage return instead of a character", good[:dot+9] + "\r" + good[dot+10:]},
		{"line-feed-at-end", "a line feed after it", good + "\n"},
	} {
		rule := "jws-form"
		if v[0] == "payload-missing" {
			rule = "entry-payload"
		}
		g.add("entry/"+v[0], rule, v[1], v[2])
	}

	for _, v := range [][4]string{
		{"payload-space", "white space", `"side":"first"`, `"side": "first"`},
		{"payload-order", "members in another order", `"v":1,"rel":"` + s.Rel.String() + `"`, `"rel":"` + s.Rel.String() + `","v":1`},
		{"payload-duplicate", "a member twice", `"v":1,`, `"v":1,"v":1,`},
		{"payload-unknown", "a member that nobody knows", `"v":1,`, `"v":1,"kind":"message",`},
		{"payload-unknown-last", "a member that nobody knows, at the end", `"}}}`, ``},
		{"payload-missing-member", "a member is missing", `"v":1,`, ``},
		{"payload-case", "a name in another case", `"side"`, `"Side"`},
		{"payload-null", "null instead of an id", `"prev":"` + draft().Prev.String() + `"`, `"prev":null`},
		{"payload-escape", "a character that is escaped", `"side"`, `"s\u0069de"`},
		{"payload-no-end", "a string without end", `Z","body":"`, `Z`},
		{"payload-cut", "cut off", `,"at":`, ``},
	} {
		edit := replace(v[2], v[3])
		switch v[0] {
		case "payload-unknown-last":
			edit = func(p string) string { return strings.TrimSuffix(p, "}") + `,"x":1}` }
		case "payload-cut":
			edit = func(p string) string { return p[:strings.Index(p, `,"at":`)] }
		case "payload-no-end":
			edit = func(p string) string { return p[:strings.Index(p, `"side":"first`)+len(`"side":"first`)] }
		}
		d := draft()
		d.Edit = edit
		g.add("entry/"+v[0], "entry-payload", v[1], s.Sign(d).Signed)
	}
	for _, v := range []struct {
		name, comment string
		edit          func(string) string
	}{
		{"after", "text after it", func(p string) string { return p + "{}" }},
		{"and-line-feed", "a line feed after it", func(p string) string { return p + "\n" }},
		{"array", "an array around it", func(p string) string { return "[" + p + "]" }},
		{"not-json", "no JSON", func(string) string { return "hello" }},
		{"two", "two of them", func(p string) string { return p + p }},
	} {
		d := draft()
		d.Edit = v.edit
		g.add("entry/payload-"+v.name, "entry-payload", v.comment, s.Sign(d).Signed)
	}
	edited := func(name, rule, comment, old, new string) {
		d := draft()
		d.Edit = replace(old, new)
		g.add("entry/"+name, rule, comment, s.Sign(d).Signed)
	}
	edited("version-2", "entry-version", "a later version", `"v":1`, `"v":2`)
	edited("version-text", "entry-integer", "a text instead of an integer", `"v":1`, `"v":"1"`)
	edited("version-space", "entry-integer", "white space", `"v":1`, `"v": 1`)
	edited("version-0", "entry-version", "an earlier version", `"v":1`, `"v":0`)
	for _, v := range [][3]string{
		{"zero", "places count from 1", "0"},
		{"negative", "below zero", "-1"},
		{"leading-zero", "written in a second way", "02"},
		{"fraction", "a fraction", "2.0"},
		{"exponent", "an exponent", "2e0"},
		{"big", "2^53", "9007199254740992"},
		{"overflow-63", "2^63", "9223372036854775808"},
		{"overflow-64", "2^64+2, which is 2 to those who overflow", "18446744073709551618"},
		{"missing", "no digits", ""},
		{"text", "a text", `"2"`},
	} {
		rule := "entry-integer"
		if v[0] == "fraction" || v[0] == "exponent" {
			rule = "entry-payload"
		}
		edited("seq-"+v[0], rule, "seq: "+v[1], `"seq":2,"prev"`, `"seq":`+v[2]+`,"prev"`)
		if v[0] != "zero" {
			edited("seen-seq-"+v[0], rule, "seq of seen: "+v[1], `"seen":{"seq":2`, `"seen":{"seq":`+v[2])
		}
	}
	edited("seq-largest", "accept", "2^53-1", `"seq":2,"prev"`, `"seq":9007199254740991,"prev"`)
	prev := draft().Prev.String()
	for _, v := range [][3]string{
		{"short", "31 bytes", prev[:42]},
		{"long", "33 bytes", prev + "A"},
		{"zero", "all zero", strings.Repeat("A", 43)},
		{"padded", "padded", prev[:42] + "="},
		{"line-feed", "a line feed instead of a character", prev[:42] + "\n"},
		{"other-alphabet", "a character of the other alphabet", "/" + prev[1:]},
		{"spare-bits", "bits that stand for nothing", prev[:42] + "_"},
	} {
		edited("prev-"+v[0], "entry-id", "prev: "+v[1], `"prev":"`+prev, `"prev":"`+v[2])
	}
	edited("rel-short", "entry-id", "rel: 31 bytes", `"rel":"`+s.Rel.String(), `"rel":"`+s.Rel.String()[:42])
	edited("seen-id-short", "entry-id", "id of seen: 31 bytes", `"id":"`+draft().Seen.ID.String(), `"id":"`+draft().Seen.ID.String()[:42])
	d := draft()
	d.Edit = func(p string) string { return p[:strings.LastIndex(p, `"body":"`)] + `"body":""}` }
	g.add("entry/body-empty", "entry-id", "there is always a commitment", s.Sign(d).Signed)
	for _, v := range [][3]string{
		{"third", "a third side", "third"},
		{"case", "in another case", "First"},
		{"empty", "none", ""},
		{"nul", "with NUL", "first\x00"},
	} {
		edited("side-"+v[0], "entry-side", "side: "+v[1], `"side":"first"`, `"side":"`+v[2]+`"`)
	}
	edited("time-1", "accept", "long ago: a time is a claim", `2026-11-21T21:47:00Z`, `0001-01-01T00:00:00Z`)
	edited("time-9999", "accept", "far ahead: a time is a claim", `2026-11-21T21:47:00Z`, `9999-12-31T23:59:00Z`)
	for _, v := range [][3]string{
		{"seconds", "with seconds", "2026-11-21T21:47:13Z"},
		{"fraction", "with a fraction", "2026-11-21T21:47:00.0Z"},
		{"offset", "with an offset", "2026-11-21T21:47:00+00:00"},
		{"lower-case", "a small z", "2026-11-21T21:47:00z"},
		{"no-such-day", "30 February", "2026-02-30T21:47:00Z"},
		{"hour-24", "midnight written in a second way", "2026-11-21T24:00:00Z"},
		{"minute-60", "an hour written in a second way", "2026-11-21T21:60:00Z"},
		{"month-0", "no month", "2026-00-21T21:47:00Z"},
		{"month-13", "a thirteenth month", "2026-13-21T21:47:00Z"},
		{"five-digits", "a year of five digits", "12026-11-21T21:47:00Z"},
		{"minus", "a sign instead of a digit", "-026-11-21T21:47:00Z"},
		{"space", "a space instead of T", "2026-11-21 21:47:00Z"},
		{"number", "seconds since 1970", "1795297620"},
		{"empty", "none", ""},
	} {
		edited("time-"+v[0], "entry-time", "at: "+v[1], `2026-11-21T21:47:00Z`, v[2])
	}
	d = draft()
	d.Edit = func(p string) string { return p + strings.Repeat(" ", 4096) }
	g.add("entry/big", "entry-size", "more than 4 KiB", s.Sign(d).Signed)
}

func lineVectors(g *generator) {
	s := g.script("lines")
	salt0 := s.Seed("salt")
	draft := func(body string) conformance.Draft {
		d := s.Draft(first, body)
		d.Salt = salt0[:]
		return d
	}
	hello := conformance.Body(&firsthand.Message{Text: "Hello."})
	line := func(d conformance.Draft) string { d = s.Sign(d); return d.Line() }
	g.add("line/whole", "accept", "entry, salt and body", line(draft(hello)))
	d := draft(hello)
	d.Erased = true
	g.add("line/erased", "accept", "an entry whose body was erased", line(d))
	g.add("line/unreadable", "accept", "what a body says is not judged here: this kind nobody knows", line(draft(`{"kind":"from.the.future","x":null}`)))
	g.add("line/no-json", "accept", "nor whether it is JSON at all", line(draft(`Hello, world.`)))
	g.add("line/largest", "accept", "64 KiB", line(draft(conformance.Body(&firsthand.Message{Text: strings.Repeat("x", 64<<10-len(`{"kind":"message","text":""}`))}))))

	good := line(draft(hello))
	signed, rest, _ := strings.Cut(good, " ")
	salt, body, _ := strings.Cut(rest, " ")
	for _, v := range [][3]string{
		{"no-body", "a salt and no body", signed + " " + salt},
		{"empty-body", "a salt and an empty body", signed + " " + salt + " "},
		{"space", "a space after the entry", signed + " "},
	} {
		g.add("line/"+v[0], "line-form", v[1], v[2])
	}
	for _, v := range [][3]string{
		{"salt-missing", "no salt: a commitment to a birth date would be the birth date", signed + "  " + body},
		{"salt-short", "31 bytes", signed + " " + salt[:42] + " " + body},
		{"salt-spare-bits", "bits that stand for nothing", signed + " " + salt[:42] + "_ " + body},
		{"salt-line-feed", "a line feed instead of a character", signed + " " + salt[:42] + "\n " + body},
	} {
		g.add("line/"+v[0], "body-salt", v[1], v[2])
	}
	d = draft(hello)
	d.Salt = make([]byte, 32)
	g.add("line/salt-zero", "body-salt", "a salt that nobody made", line(d))
	for _, v := range [][3]string{
		{"body-tab", "a tab", "{\"kind\":\"message\",\t\"text\":\"x\"}"},
		{"body-nul", "NUL", "{\"kind\":\"message\",\"text\":\"x\x00\"}"},
		{"body-carriage-return", "a carriage return", "{\"kind\":\"message\",\"text\":\"x\"}\r"},
		{"body-line-feed", "a line feed", "{\"kind\":\"message\",\n\"text\":\"x\"}"},
		{"body-not-utf8", "no UTF-8", "{\"kind\":\"message\",\"text\":\"\xff\"}"},
	} {
		g.add("line/"+v[0], "body-line", v[1], line(draft(v[2])))
	}
	d = draft(hello)
	d.Shown = conformance.Body(&firsthand.Message{Text: "Hello!"})
	g.add("line/other-body", "body-commitment", "another body", line(d))
	g.add("line/other-salt", "body-commitment", "another salt", signed+" "+b64(firsthandSalt())+" "+body)
	g.add("line/space-in-body", "body-commitment", "the same JSON with a space", signed+" "+salt+" "+strings.Replace(body, `,`, `, `, 1))
	g.add("line/big-body", "body-size", "a byte more than 64 KiB", line(draft(conformance.Body(&firsthand.Message{Text: strings.Repeat("x", 64<<10-len(`{"kind":"message","text":""}`))})+" ")))
	g.add("line/entry-wrong", "jws-form", "the entry itself is wrong", good[:len(signed)-1]+" "+rest)
}
