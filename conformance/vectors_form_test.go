package conformance_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"

	"filippo.io/edwards25519"

	"firsthand/conformance"
)

func jsonVectors(g *generator) {
	for _, v := range [][3]string{
		{"object", "an object, white space where JSON allows it", " {\"a\" : [1, -2, true, false, \"\"], \"b_1\": {}}\n"},
		{"largest-integer", "2^53-1, and the same below zero", `[9007199254740991,-9007199254740991,0]`},
		{"depth-8", "eight arrays one inside another", `[[[[[[[[1]]]]]]]]`},
		{"escapes", "all escapes, and a pair of surrogates", `"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é😀"`},
		{"escapes-upper-case", "hexadecimal digits of both cases", `"\u00E9\uD83D\uDE00\u00e9"`},
		{"bidi", "characters that turn the direction of writing are text", "\"\u202egnp.exe\""},
	} {
		g.add("json/"+v[0], "accept", v[1], v[2])
	}
	for _, v := range [][3]string{
		{"duplicate-member", "a member twice", `{"a":1,"a":2}`},
		{"duplicate-member-deep", "a member twice, further in", `[{"b":{"a":1,"c":2,"a":1}}]`},
		{"escaped-member", "a name that is the same as another only after its escape was read", `{"a":1,"\u0061":2}`},
		{"upper-case-member", "names are lower case: readers that ignore case would see alg twice", `{"alg":"Ed25519","ALG":"none"}`},
		{"kelvin-member", "a letter that some readers fold to k", "{\"\u212aey\":1}"},
		{"empty-member", "a name without characters", `{"":1}`},
		{"long-member", "a name of 65 characters", `{"` + strings.Repeat("a", 65) + `":1}`},
		{"null", "null", `{"a":null}`},
		{"fraction", "a number with a point", `1.0`},
		{"exponent", "a number with an exponent", `1e3`},
		{"big-integer", "2^53", `9007199254740992`},
		{"big-integer-negative", "-2^53", `-9007199254740992`},
		{"overflow", "2^64+1 is 1 to those who overflow", `18446744073709551617`},
		{"leading-zero", "an integer written in a second way", `007`},
		{"minus-zero", "an integer written in a second way", `-0`},
		{"minus", "a minus without a number", `-`},
		{"plus", "a plus", `+1`},
		{"not-a-number", "NaN", `NaN`},
		{"depth-9", "nine arrays one inside another", `[[[[[[[[[1]]]]]]]]]`},
		{"deep", "thousands of arrays", strings.Repeat("[", 5000)},
		{"nul-escape", "NUL, escaped", `"a\u0000b"`},
		{"raw-nul", "NUL as it is", "\"a\x00b\""},
		{"control", "a tab as it is", "\"a\tb\""},
		{"lone-high-surrogate", "half a pair of surrogates", `"\ud83d"`},
		{"lone-low-surrogate", "the other half", `"\ude00"`},
		{"swapped-surrogates", "both halves in the wrong order", `"\ude00\ud83d"`},
		{"high-surrogate-text", "half a pair and then text", `"\ud83dabcdef"`},
		{"utf8-truncated", "a character cut off", "\"\xe2\x82\""},
		{"utf8-overlong", "a slash in two bytes", "\"\xc0\xaf\""},
		{"utf8-surrogate", "a surrogate in UTF-8", "\"\xed\xa0\xbd\""},
		{"bad-escape", "an escape that JSON doesn't have", `"\x41"`},
		{"bad-hex", "an escape with a letter that is no digit", `"\u00g1"`},
		{"short-hex", "an escape cut off", `"\u00`},
		{"no-end", "a string without end", `"abc`},
		{"name-no-end", "a name without end", `{"abc`},
		{"half-a-word", "true cut off", `tru`},
		{"high-surrogate-escape", "half a pair and then another escape", `"\ud83d\n"`},
		{"high-surrogate-end", "half a pair and then half an escape", `"\ud83d\u12`},
		{"trailing-comma", "a comma and nothing after it", `{"a":1,}`},
		{"trailing-comma-array", "a comma and nothing after it", `[1,]`},
		{"trailing-text", "text after the value", `{} {}`},
		{"trailing-letters", "letters after true", `truely`},
		{"no-colon", "a member without a colon", `{"a" 1}`},
		{"no-comma", "members without a comma", `{"a":1 "b":2}`},
		{"no-comma-array", "elements without a comma", `[1 2]`},
		{"no-name", "a member without a name", `{1:2}`},
		{"single-quotes", "quotes that JSON doesn't have", `{'a':1}`},
		{"comment", "a comment", `{/*a*/}`},
		{"byte-order-mark", "a byte order mark", "\ufeff{}"},
		{"empty", "nothing", ``},
		{"word", "a word that JSON doesn't have", `nil`},
		{"many-members", "more than 256 members", manyMembers(257)},
	} {
		g.add("json/"+v[0], "json-form", v[1], v[2])
	}
	g.add("json/256-members", "accept", "256 members", manyMembers(256))
}

func manyMembers(n int) string {
	members := make([]string, n)
	for i := range members {
		members[i] = fmt.Sprintf(`"m%d":0`, i)
	}
	return "{" + strings.Join(members, ",") + "}"
}

func idVectors(g *generator) {
	id := someID.String()
	last := id[42]
	spare := string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", last)|1])
	g.add("id/good", "accept", "32 bytes in base64url", id)
	for _, v := range [][3]string{
		{"spare-bits", "the last character has bits that stand for nothing", id[:42] + spare},
		{"padding", "padded", id + "="},
		{"short", "31 bytes", id[:42]},
		{"long", "33 bytes", id + "A"},
		{"line-feed", "a line feed, which some decoders skip", id[:20] + "\n" + id[20:]},
		{"line-feed-instead", "a line feed instead of a character", id[:20] + "\n" + id[21:]},
		{"carriage-return", "a carriage return instead of a character", id[:20] + "\r" + id[21:]},
		{"other-alphabet", "base64 of the other alphabet", "+/" + id[2:]},
		{"zero", "all zero: no entry, hash or key has this id", strings.Repeat("A", 43)},
		{"space", "a space at the end", id[:42] + " "},
	} {
		g.add("id/"+v[0], "entry-id", v[1], v[2])
	}
}

// smallOrder are the eight points of small order.
var smallOrder = []string{
	"0100000000000000000000000000000000000000000000000000000000000000", // order 1
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // 2
	"0000000000000000000000000000000000000000000000000000000000000000", // 4
	"0000000000000000000000000000000000000000000000000000000000000080", // 4
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", // 8
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa", // 8
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", // 8
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85", // 8
}

func keyVectors(g *generator) {
	for i := range 3 {
		key := conformance.Public(conformance.NewScriptUnopened("vector keys").Seed(fmt.Sprint(i)))
		g.add(fmt.Sprint("key/good-", i+1), "accept", "a key as everybody makes them", key.String())
	}
	for i, s := range smallOrder {
		rule, comment := "key-small-order", "a point of small order"
		if i == 0 {
			comment = "the identity: one signature of it fits every message"
		}
		if i == 2 {
			rule, comment = "entry-id", "a point of order 4, whose encoding is all zero: that stands for no key"
		}
		g.add(fmt.Sprint("key/small-order-", i+1), rule, comment, b64(unhex(s)))
	}
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	little := func(y *big.Int, sign byte) string {
		b := y.FillBytes(make([]byte, 32))
		for i, j := 0, 31; i < j; i, j = i+1, j-1 {
			b[i], b[j] = b[j], b[i]
		}
		b[31] |= sign
		return b64(b)
	}
	n := 0
	for y := int64(0); y < 19; y++ { // y+p, where it is a point at all
		for _, sign := range []byte{0, 0x80} {
			at := new(big.Int).Add(p, big.NewInt(y))
			raw, _ := base64.RawURLEncoding.DecodeString(little(at, sign))
			if _, err := new(edwards25519.Point).SetBytes(raw); err != nil || n == 8 {
				continue
			}
			n++
			g.add(fmt.Sprint("key/not-canonical-", n), "key-canonical", fmt.Sprintf("y is written as 2^255-19+%d", y), little(at, sign))
		}
	}
	g.add("key/minus-zero", "key-canonical", "the identity with the sign of x set, although x is 0", little(big.NewInt(1), 0x80))
	g.add("key/minus-zero-order-2", "key-canonical", "the point of order 2 with the sign of x set, although x is 0",
		little(new(big.Int).Sub(p, big.NewInt(1)), 0x80))
	for y := int64(2); ; y++ {
		raw, _ := base64.RawURLEncoding.DecodeString(little(big.NewInt(y), 0))
		if _, err := new(edwards25519.Point).SetBytes(raw); err != nil {
			g.add("key/no-point", "key-canonical", "no point of the curve has this y", b64(raw))
			break
		}
	}
	good := conformance.Public(conformance.NewScriptUnopened("vector keys").Seed("mixed"))
	point, err := new(edwards25519.Point).SetBytes(good[:])
	if err != nil {
		g.t.Fatal(err)
	}
	for i, torsion := range []int{1, 3, 4} {
		small, err := new(edwards25519.Point).SetBytes(unhex(smallOrder[torsion]))
		if err != nil {
			g.t.Fatal(err)
		}
		g.add(fmt.Sprint("key/mixed-order-", i+1), "key-mixed-order", "a good key and a point of small order, added",
			b64(new(edwards25519.Point).Add(point, small).Bytes()))
	}
	g.add("key/short", "entry-id", "31 bytes", good.String()[:42])
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func unb64(s string) []byte {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

func deriveVectors(g *generator) {
	label := func(n byte) string { return b64([]byte{n, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}) }
	g.add("derive/kit", "accept", "a next key from a kit and a label, and its hash", "", "kit: "+conformance.Kit, "label: "+label(0))
	g.add("derive/other-label", "accept", "the same kit and another label", "", "kit: "+conformance.Kit, "label: "+label(255))
	g.add("derive/other-kit", "accept", "another kit", "", "kit: "+strings.Replace(conformance.Kit, "FIRST", "OTHER", 1), "label: "+label(0))
	g.add("derive/short-label", "body-form", "a label of 15 bytes", "", "kit: "+conformance.Kit, "label: "+label(0)[:20])
	g.add("derive/spare-bits", "body-form", "a label whose last character has bits that stand for nothing", "", "kit: "+conformance.Kit, "label: "+label(0)[:21]+"R")
}

func valueVectors(g *generator) {
	salt := "salt: " + hex.EncodeToString(firsthandSalt())
	for _, v := range [][3]string{
		{"text", "the line text, and the text", `"+32 9 000 00 00"`},
		{"parts", "the line parts, and the parts sorted by name", `{"street":"Korenmarkt 1","city":"Gent"}`},
		{"parts-order", "the same parts in another order give the same", `{"city":"Gent","street":"Korenmarkt 1"}`},
		{"text-like-parts", "a text that reads as parts do is none", `"city: Gent\nstreet: Korenmarkt 1\n"`},
		{"line-break", "a line break in a part is escaped: it doesn't begin the next part", `{"city":"Gent\nstreet: Korenmarkt 1"}`},
		{"backslash", "and so is a backslash", `{"city":"Gent\\nstreet: Korenmarkt 1"}`},
		{"not-ascii", "UTF-8, as it is", `"Zoë Müller-Łukasz"`},
	} {
		g.add("mac/"+v[0], "accept", v[1], v[2], salt)
	}
	for _, v := range [][3]string{
		{"plain", "a month later", "2026-11-21T21:47:00Z"},
		{"short-month", "there is no 31 February", "2027-01-31T08:00:00Z"},
		{"leap-year", "nor in a leap year", "2028-01-31T08:00:00Z"},
		{"new-year", "over the end of a year", "2026-12-31T23:59:00Z"},
		{"last-year", "there is no year of five digits", "9999-12-15T00:00:00Z"},
	} {
		g.add("due/"+v[0], "accept", v[1], v[2])
	}
	g.add("date/good", "accept", "a day", "2028-02-29")
	for _, v := range [][3]string{
		{"no-such-day", "a day that year doesn't have", "2027-02-29"},
		{"one-digit", "without leading zeros", "2027-2-9"},
		{"time", "a time is no date", "2027-02-09T00:00:00Z"},
		{"five-digits", "a year of five digits", "12027-02-09"},
		{"space", "a space", " 2027-02-09"},
	} {
		g.add("date/"+v[0], "body-form", v[1], v[2])
	}
	for _, v := range [][3]string{
		{"good", "a domain", "acme.example"},
		{"port", "with a port, as tests on loopback have it", "localhost:8443"},
		{"international", "an international name, in its ASCII form", "xn--bcher-kva.example"},
	} {
		g.add("domain/"+v[0], "accept", v[1], v[2])
	}
	for _, v := range [][3]string{
		{"upper-case", "a domain has one spelling", "Acme.example"},
		{"dot-at-end", "a domain has one spelling", "acme.example."},
		{"unicode", "letters that look like others", "аcme.example"},
		{"empty-label", "two dots", "acme..example"},
		{"hyphen", "a label that begins with a hyphen", "-acme.example"},
		{"user", "a user before it", "acme.example@evil.example"},
		{"path", "a path after it", "acme.example/evil"},
		{"port", "a port that is none", "acme.example:80:80"},
		{"no-port", "a colon and no port", "acme.example:"},
		{"empty", "nothing", ""},
		{"long-label", "a label of 64 characters", strings.Repeat("a", 64) + ".example"},
		{"long", "more than 253 characters", strings.Repeat("a.", 124) + "example"},
	} {
		g.add("domain/not-"+v[0], "company-form", v[1], v[2])
	}
}

func firsthandSalt() []byte {
	salt := conformance.NewScriptUnopened("vector").Seed("salt")
	return salt[:]
}
