package conformance_test

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"firsthand"
	"firsthand/conformance"
)

func bundleVectors(g *generator) {
	s := g.script("bundle")
	s.Say(first, message("Hello."))
	s.Say(second, message("Good morning."))
	key := firsthand.SignerFromSeed(s.Keys[1])
	document, err := key.Company(acme(s))
	if err != nil {
		g.t.Fatal(err)
	}
	receipt := key.Receipt(firsthand.Receipt{Rel: s.Rel, Seq: 2, ID: s.Logs[0][1].ID, At: s.Now})
	fork := s.Sign(func() conformance.Draft {
		d := s.Draft(second, conformance.Body(message("Good night.")))
		d.Seq, d.Prev, d.Seen = 2, s.Logs[1][0].ID, s.Logs[1][1].Seen
		return d
	}())
	company, entries := "company "+string(document)+"\n", strings.TrimPrefix(s.Bundle(), "firsthand-bundle-v1\n")
	received, evidence := "receipt "+string(receipt)+"\n", "evidence "+fork.Line()+"\n"
	lines := strings.SplitAfter(entries, "\n")
	add := func(name, rule, comment, text string) { g.add("bundle/"+name, rule, comment, text) }
	const mark = "firsthand-bundle-v1\n"
	add("bundle", "accept", "all that a bundle can hold", mark+company+entries+received+evidence)
	add("bundle-empty", "bundle-form", "no entry opens a relationship", mark)
	add("bundle-no-mark", "bundle-form", "another first line", "firsthand-bundle-v2\n"+entries)
	add("bundle-nothing", "bundle-form", "nothing at all", "")
	add("bundle-cut", "bundle-form", "the last line has no end: the rest may be missing", strings.TrimSuffix(mark+entries, "\n"))
	add("bundle-word", "bundle-form", "a line of another kind", mark+entries+"note hello\n")
	add("bundle-blank", "bundle-form", "an empty line", mark+"\n"+entries)
	add("bundle-carriage-return", "bundle-form", "the mark ends in a carriage return", "firsthand-bundle-v1\r\n"+entries)
	add("bundle-two-documents", "bundle-form", "two discovery documents", mark+company+company+entries)
	add("bundle-company-last", "bundle-form", "the discovery document after the entries", mark+entries+company)
	add("bundle-second-first", "bundle-form", "second's log before first's", mark+lines[2]+lines[3]+lines[0]+lines[1])
	add("bundle-receipt-first", "bundle-form", "a receipt before the entries", mark+received+entries)
	add("bundle-entry-carriage-return", "body-line", "an entry's line ends in a carriage return", mark+strings.Replace(entries, "\n", "\r\n", 1))

	other := g.script("bundle other")
	add("bundle-receipt-other-rel", "receipt-form", "a receipt of another relationship",
		mark+entries+"receipt "+string(key.Receipt(firsthand.Receipt{Rel: other.Rel, Seq: 2, ID: s.Logs[0][1].ID, At: s.Now}))+"\n")
	add("bundle-receipt-other-entry", "receipt-form", "a receipt for an entry that the log doesn't have",
		mark+entries+"receipt "+string(key.Receipt(firsthand.Receipt{Rel: s.Rel, Seq: 2, ID: someID, At: s.Now}))+"\n")
	add("bundle-receipt-ahead", "receipt-form", "a receipt for more than there is",
		mark+entries+"receipt "+string(key.Receipt(firsthand.Receipt{Rel: s.Rel, Seq: 3, ID: someID, At: s.Now}))+"\n")
	add("bundle-receipt-signature", "receipt-signature", "a receipt that she signed herself",
		mark+entries+"receipt "+string(firsthand.SignerFromSeed(s.Keys[0]).Receipt(firsthand.Receipt{Rel: s.Rel, Seq: 2, ID: s.Logs[0][1].ID, At: s.Now}))+"\n")
	later := acme(s)
	later.Chain[0] = firsthand.ChainKey{Key: conformance.Public(s.Seed("later")), Next: someID}
	document, err = firsthand.SignerFromSeed(s.Seed("later")).Company(later)
	if err != nil {
		g.t.Fatal(err)
	}
	add("bundle-other-key", "accept", "the domain's document doesn't know the key that claimed to be the company", mark+"company "+string(document)+"\n"+entries)
	evil := acme(s)
	evil.Domain = "evil.example"
	document, err = key.Company(evil)
	if err != nil {
		g.t.Fatal(err)
	}
	add("bundle-other-company", "company-form", "the discovery document of another domain", mark+"company "+string(document)+"\n"+entries)
}

func writeVectors(g *generator) {
	write := func(name, rule, comment string, s *conformance.Script, side firsthand.Side, seed [32]byte, body string, salt []byte) {
		g.add("write/"+name, rule, comment, s.Bundle(), "side: "+string(side), "seed: "+hex.EncodeToString(seed[:]),
			"at: 2026-11-21T21:47:33Z", "salt: "+hex.EncodeToString(salt), "body: "+body)
	}
	s := g.script("write")
	hello := conformance.Body(message("Hello."))
	write("message", "accept", "the bytes of an entry follow from key, logs, time, salt and body", s, first, s.Keys[0], hello, firsthandSalt())
	write("second", "accept", "likewise for second", s, second, s.Keys[1], hello, firsthandSalt())
	write("other-key", "entry-signature", "another key than the one in force", s, first, s.Keys[1], hello, firsthandSalt())
	write("next-key", "entry-signature", "a message by the next key", s, first, s.Next[0], hello, firsthandSalt())
	write("no-salt", "body-salt", "a salt that nobody made", s, first, s.Keys[0], hello, make([]byte, 32))
	write("flagged", "kind-side", "what would be flagged is not written", s, second, s.Keys[1], conformance.Body(disclose("phone", "1")), firsthandSalt())
	write("refused", "erased-unknown", "nor what would be refused", s, second, s.Keys[1],
		conformance.Body(&firsthand.Erased{Entries: []firsthand.ErasedEntry{{ID: someID, Kind: "message"}}}), firsthandSalt())
	keys := s.Next
	rotate := conformance.Body(&firsthand.Rotate{Key: conformance.Public(keys[0]), Next: conformance.Public(s.Seed("after")).Hash(), Label: firsthand.Label{1}})
	write("rotate", "accept", "a rotation is signed by the new key", s, first, keys[0], rotate, firsthandSalt())
	write("rotate-old-key", "entry-signature", "and by no other", s, first, s.Keys[0], rotate, firsthandSalt())
}

func receiptVectors(g *generator) {
	seed := conformance.NewScriptUnopened("vector receipts").Seed("key")
	header := `{"alg":"Ed25519","typ":"firsthand-receipt+jws"}`
	payload := fmt.Sprintf(`{"rel":"%s","seq":12,"id":"%s","at":"2026-11-21T21:47:13Z"}`, firsthand.ID{1}, someID)
	key := "key: " + conformance.Public(seed).String()
	add := func(name, rule, comment, header, payload string) {
		g.add("receipt/"+name, rule, comment, conformance.JWS(seed, header, payload), key)
	}
	add("good", "accept", "a receipt", header, payload)
	g.add("receipt/older-key", "accept", "signed by an earlier key of the relationship", conformance.JWS(seed, header, payload),
		"key: "+conformance.Public(conformance.NewScriptUnopened("vector receipts").Seed("later")).String(), key)
	g.add("receipt/other-key", "receipt-signature", "signed by another key", conformance.JWS(conformance.NewScriptUnopened("vector receipts").Seed("other"), header, payload), key)
	g.add("receipt/no-key", "receipt-signature", "no key to check it by", conformance.JWS(seed, header, payload))
	add("as-entry", "jws-header", "signed as an entry", goodHeader, payload)
	for _, v := range [][3]string{
		{"white-space", "white space", strings.Replace(payload, ":", ": ", 1)},
		{"order", "members in another order", fmt.Sprintf(`{"seq":12,"rel":"%s","id":"%s","at":"2026-11-21T21:47:13Z"}`, firsthand.ID{1}, someID)},
		{"missing", "no time", fmt.Sprintf(`{"rel":"%s","seq":12,"id":"%s"}`, firsthand.ID{1}, someID)},
		{"unknown", "a member that nobody knows", strings.Replace(payload, `"seq"`, `"n":1,"seq"`, 1)},
		{"duplicate", "a member twice", strings.Replace(payload, `"seq":12`, `"seq":12,"seq":13`, 1)},
		{"fraction", "a time with a fraction", strings.Replace(payload, "13Z", "13.5Z", 1)},
		{"offset", "a time with an offset", strings.Replace(payload, "13Z", "13+01:00", 1)},
		{"zero", "for nothing", strings.Replace(payload, "12", "0", 1)},
		{"empty", "for no entry", strings.Replace(payload, someID.String(), "", 1)},
		{"no-json", "no JSON", "received"},
	} {
		add(v[0], "receipt-form", v[1], header, v[2])
	}
	good := conformance.JWS(seed, header, payload)
	g.add("receipt/padded", "jws-form", "a padded signature", good+"==", key)
}

// acme is the discovery document of the company of s.
func acme(s *conformance.Script) firsthand.Company {
	return firsthand.Company{Domain: "acme.example", Name: "Acme NV", Jurisdiction: "BE", Gateway: "https://gateway.acme.example",
		Chain: []firsthand.ChainKey{{Key: conformance.Public(s.Keys[1]), Next: conformance.Public(s.Next[1]).Hash()}},
		Terms: []firsthand.TermsRef{base}, At: s.Now.Add(13 * time.Second)}
}

func companyVectors(g *generator) {
	s := conformance.NewScriptUnopened("vector company")
	header := `{"alg":"Ed25519","typ":"firsthand-company+jws"}`
	key, next := conformance.Public(s.Keys[1]), conformance.Public(s.Next[1])
	link := func(key firsthand.PublicKey, next firsthand.KeyHash) string {
		return fmt.Sprintf(`{"key":"%s","next":"%s"}`, key, next)
	}
	document := func(chain ...string) string {
		return `{"domain":"acme.example","name":"Acme NV","jurisdiction":"BE","gateway":"https://gateway.acme.example","chain":[` + strings.Join(chain, ",") +
			`],"terms":[{"code":"BASE","version":"1","hash":"` + firsthand.ID{1}.String() + `","url":""}],"at":"2026-11-21T21:47:13Z"}`
	}
	after := conformance.Public(s.Seed("after")).Hash()
	one, two := document(link(key, next.Hash())), document(link(key, next.Hash()), link(next, after))
	add := func(name, rule, comment, header, payload string, seed [32]byte) {
		g.add("company/"+name, rule, comment, conformance.JWS(seed, header, payload), "domain: acme.example")
	}
	add("good", "accept", "a company with one key", header, one, s.Keys[1])
	add("rotated", "accept", "a company that has rotated", header, two, s.Next[1])
	add("white-space", "accept", "any JSON that says it", header, strings.ReplaceAll(one, ",", ",\n "), s.Keys[1])
	add("old-key", "company-signature", "signed by a key that was replaced", header, two, s.Keys[1])
	add("other-key", "company-signature", "signed by somebody else", header, one, s.Seed("usurper"))
	add("as-receipt", "jws-header", "signed as a receipt", `{"alg":"Ed25519","typ":"firsthand-receipt+jws"}`, one, s.Keys[1])
	add("broken-chain", "company-chain", "the second key is not the one that the first committed to", header,
		document(link(key, after), link(next, after)), s.Next[1])
	add("no-chain", "company-chain", "no key", header, document(), s.Keys[1])
	add("long-chain", "company-chain", "more than 256 keys", header, document(slices.Repeat([]string{link(key, key.Hash())}, 257)...), s.Keys[1])
	weak := firsthand.PublicKey(unhex(smallOrder[5]))
	add("weak-key", "key-small-order", "a key of small order in the chain", header, document(link(weak, next.Hash()), link(next, after)), s.Next[1])
	g.add("company/other-domain", "company-form", "of another domain than the one that was asked", conformance.JWS(s.Keys[1], header, one), "domain: evil.example")
	for _, v := range [][3]string{
		{"no-name", "no legal entity", strings.Replace(one, "Acme NV", "", 1)},
		{"no-gateway", "no gateway", strings.Replace(one, "https://gateway.acme.example", "", 1)},
		{"bad-domain", "what is no domain", strings.Replace(one, "acme.example\",\"name", "Acme.example\",\"name", 1)},
		{"terms", "terms without a hash", strings.Replace(one, firsthand.ID{1}.String(), "", 1)},
		{"unknown", "a member that nobody knows", strings.Replace(one, `"at"`, `"x":1,"at"`, 1)},
		{"duplicate", "a member twice", strings.Replace(one, `"at"`, `"name":"Evil","at"`, 1)},
		{"time", "what is no time", strings.Replace(one, `13Z`, `13`, 1)},
		{"no-json", "no JSON", "Acme"},
	} {
		add(v[0], "company-form", v[1], header, v[2], s.Keys[1])
	}
	add("big", "company-form", "more than 64 KiB", header, one+strings.Repeat(" ", 48<<10), s.Keys[1])
}

func callVectors(g *generator) {
	s := conformance.NewScriptUnopened("vector calls")
	at := time.Date(2026, 11, 21, 21, 47, 13, 0, time.UTC)
	call := firsthand.Call{Method: "POST", Host: "gateway.acme.example", Path: "/v1/sync", Time: at, Body: []byte("body")}
	key := firsthand.SignerFromSeed(s.Keys[0])
	sig := key.Call(call)
	add := func(name, rule, comment string, c firsthand.Call, sig string, now time.Time) {
		g.add("call/"+name, rule, comment, string(c.Body), "method: "+c.Method, "host: "+c.Host, "path: "+c.Path, "time: "+c.Time.Format(time.RFC3339),
			"key: "+key.Public().String(), "signature: "+sig, "now: "+now.Format(time.RFC3339))
	}
	add("good", "accept", "a call", call, sig, at)
	add("early", "accept", "five minutes ahead of the server", call, sig, at.Add(-firsthand.CallTolerance))
	add("late", "accept", "five minutes behind it", call, sig, at.Add(firsthand.CallTolerance))
	add("too-early", "call-time", "more than that ahead", call, sig, at.Add(-firsthand.CallTolerance-time.Second))
	add("too-late", "call-time", "more than that behind", call, sig, at.Add(firsthand.CallTolerance+time.Second))
	empty := call
	empty.Body = nil
	add("empty-body", "accept", "a call without a body", empty, key.Call(empty), at)
	for name, change := range map[string]func(*firsthand.Call){
		"method": func(c *firsthand.Call) { c.Method = "PUT" },
		"host":   func(c *firsthand.Call) { c.Host = "gateway.evil.example" },
		"path":   func(c *firsthand.Call) { c.Path = "/v1/open" },
		"time":   func(c *firsthand.Call) { c.Time = c.Time.Add(time.Second) },
		"body":   func(c *firsthand.Call) { c.Body = []byte("body ") },
	} {
		c := call
		change(&c)
		add("other-"+name, "call-signature", "a call whose "+name+" was changed", c, sig, at)
	}
	add("other-key", "call-signature", "signed by another key", call, firsthand.SignerFromSeed(s.Keys[1]).Call(call), at)
	add("spare-bits", "call-signature", "a signature written in a second way", call, sig[:85]+string(sig[85]+1), at)
	add("padded", "call-signature", "a padded signature", call, sig+"==", at)
	message := "firsthand-call-v1\nPOST\ngateway.acme.example\n/v1/sync\n2026-11-21T21:47:13Z\n"
	raw := conformance.JWS(s.Keys[0], goodHeader, message)
	add("as-entry", "call-signature", "a signature of an entry", call, raw[strings.LastIndexByte(raw, '.')+1:], at)
}
