package firsthand_test

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/edwards25519"

	"firsthand"
	"firsthand/conformance"
	"firsthand/fault"
)

// A play is a relationship in which the company turns hostile. Its history holds
// one of most things, so that there is something to abuse.
type play struct {
	*conformance.Script
	t testing.TB

	offer, agreement, told, change, stated, applied, ask, message, theirs, claim, challenge, request firsthand.ID
}

func newPlay(t testing.TB) *play {
	p := &play{Script: conformance.NewScript("hostile"), t: t}
	p.offer = p.Say(first, &firsthand.TermsOffer{Terms: []firsthand.TermsRef{ourTerms}})
	p.agreement = p.Say(second, &firsthand.TermsAccept{Offer: p.offer, Terms: ourTerms})
	basis := firsthand.Basis{Agreement: p.agreement}
	p.told = p.Say(first, &firsthand.Disclose{Fact: "phone", Value: firsthand.Text("1"), Purpose: "ServiceProvision", Basis: basis})
	p.change = p.Say(first, &firsthand.Change{Of: p.told, Fact: "phone", Value: firsthand.Text("2"), Basis: basis})
	p.applied = p.Say(second, &firsthand.Applied{Entry: p.change, System: "crm", Record: "1", Value: p.mac(p.change, "2")})
	p.stated = p.Say(first, &firsthand.Change{Fact: "address.home", Value: firsthand.Text("Graslei 2"), Basis: basis})
	p.ask = p.Say(second, &firsthand.Ask{Fact: "birth_date", Purpose: "AgeVerification", Why: "beer"})
	p.theirs = p.Say(second, message("We have news!"))
	p.message = p.Say(first, message("Please stop."))
	p.claim = p.Say(first, &firsthand.Claim{Record: "4711"})
	p.challenge = p.Say(second, &firsthand.Challenge{Claim: p.claim, Way: "code", To: "a…@example.org", Until: "2027-01-31"})
	p.request = p.Say(first, &firsthand.Request{Right: "access", Law: "GDPR", Due: "2026-12-21"})
	return p
}

const (
	first  = firsthand.First
	second = firsthand.Second
)

func message(text string) *firsthand.Message { return &firsthand.Message{Text: text} }

// mac is the MAC of value under the salt of entry.
func (p *play) mac(entry firsthand.ID, value string) firsthand.ID {
	for _, log := range p.Logs {
		for _, d := range log {
			if d.ID == entry {
				return firsthand.Text(value).MAC(d.Salt)
			}
		}
	}
	p.t.Fatal("no such entry")
	return firsthand.ID{}
}

// hello is a draft of the company's, right in every respect.
func (p *play) hello() conformance.Draft { return p.says(message("Hello.")) }

func (p *play) says(c firsthand.Content) conformance.Draft {
	return p.Draft(second, conformance.Body(c))
}

// A trick is one thing that a hostile company may try with its next entry. want
// is what comes of it: "refused RULE", "flagged RULE", or "kept" where it is no
// trick after all: then nothing changes but what the entry says.
type trick struct {
	name, want string
	draft      func(p *play) conformance.Draft
}

// edited is a trick with the payload of an honest entry.
func edited(name, want, old, new string) trick {
	return trick{name, want, func(p *play) conformance.Draft {
		d := p.hello()
		d.Edit = func(s string) string {
			old := strings.NewReplacer("PREV", d.Prev.String(), "REL", d.Rel.String(), "SEEN", d.Seen.ID.String()).Replace(old)
			if strings.Count(s, old) != 1 {
				p.t.Fatalf("%q is not once in %s", old, s)
			}
			new := strings.NewReplacer("PREV", d.Prev.String(), "REL", d.Rel.String(), "SEEN", d.Seen.ID.String()).Replace(new)
			return strings.Replace(s, old, new, 1)
		}
		return d
	}}
}

// headed is a trick with the protected header.
func headed(name, header string) trick {
	return trick{"header: " + name, "refused jws-header", func(p *play) conformance.Draft {
		d := p.hello()
		d.Header = header
		return d
	}}
}

// mangled is a trick with the signed text.
func mangled(name, want string, f func(string) string) trick {
	return trick{name, want, func(p *play) conformance.Draft {
		d := p.hello()
		d.Mangle = f
		return d
	}}
}

// changed is a trick with the draft of an honest entry.
func changed(name, want string, f func(p *play, d *conformance.Draft)) trick {
	return trick{name, want, func(p *play) conformance.Draft {
		d := p.hello()
		f(p, &d)
		return d
	}}
}

// saying is a trick with what an entry says.
func saying(name, want string, f func(p *play) firsthand.Content) trick {
	return trick{name, want, func(p *play) conformance.Draft { return p.says(f(p)) }}
}

// raw is a trick with the bytes of a body.
func raw(name, want, body string) trick {
	return trick{name, want, func(p *play) conformance.Draft { return p.Draft(second, body) }}
}

var alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// spare sets the bits of a last character that stand for nothing.
func spare(s string) string {
	return s[:len(s)-1] + string(alphabet[strings.IndexByte(alphabet, s[len(s)-1])|1])
}

var nothing = firsthand.ID(seeded("nothing"))

var tricks = slices.Concat([]trick{
	// Who chooses how he is verified.
	headed("no algorithm", `{"alg":"none","typ":"firsthand-entry+jws"}`),
	headed("the public key as the secret of a MAC", `{"alg":"HS256","typ":"firsthand-entry+jws"}`),
	headed("another algorithm", `{"alg":"ES256","typ":"firsthand-entry+jws"}`),
	headed("the older name of the algorithm", `{"alg":"EdDSA","typ":"firsthand-entry+jws"}`),
	headed("two algorithms", `{"alg":"Ed25519","alg":"none","typ":"firsthand-entry+jws"}`),
	headed("two algorithms for those who ignore case", `{"alg":"Ed25519","ALG":"none","typ":"firsthand-entry+jws"}`),
	headed("a key of its own", `{"alg":"Ed25519","typ":"firsthand-entry+jws","jwk":{"kty":"OKP"}}`),
	headed("an address of keys", `{"alg":"Ed25519","typ":"firsthand-entry+jws","jku":"https://evil.example/"}`),
	headed("an address of certificates", `{"alg":"Ed25519","typ":"firsthand-entry+jws","x5u":"https://evil.example/"}`),
	headed("certificates", `{"alg":"Ed25519","typ":"firsthand-entry+jws","x5c":["MIIB"]}`),
	headed("a name of a key", `{"alg":"Ed25519","typ":"firsthand-entry+jws","kid":"../../key"}`),
	headed("an unencoded payload", `{"alg":"Ed25519","typ":"firsthand-entry+jws","b64":false,"crit":["b64"]}`),
	headed("an unknown extension", `{"alg":"Ed25519","typ":"firsthand-entry+jws","crit":["x"]}`),
	headed("compression", `{"alg":"Ed25519","typ":"firsthand-entry+jws","zip":"DEF"}`),
	headed("a receipt", `{"alg":"Ed25519","typ":"firsthand-receipt+jws"}`),
	headed("a discovery document", `{"alg":"Ed25519","typ":"firsthand-company+jws"}`),
	headed("another order", `{"typ":"firsthand-entry+jws","alg":"Ed25519"}`),
	headed("white space", `{"alg":"Ed25519", "typ":"firsthand-entry+jws"}`),

	// One entry in two spellings.
	mangled("spare bits in the signature", "refused jws-form", spare),
	mangled("padding", "refused jws-form", func(s string) string { return s + "==" }),
	mangled("a line feed in the signature", "refused jws-form", func(s string) string { return s[:len(s)-5] + "\n" + s[len(s)-5:] }),
	mangled("a carriage return at the end", "refused jws-form", func(s string) string { return s + "\r" }),
	mangled("a line feed in the payload", "refused jws-form", func(s string) string { return s[:100] + "\n" + s[100:] }),
	mangled("the other alphabet", "refused jws-form", func(s string) string { return s[:100] + "+" + s[101:] }),
	mangled("S of the signature plus the order of the group", "refused entry-signature", addOrder),
	mangled("a bit of the signature flipped", "refused entry-signature", func(s string) string {
		i := len(s) - 20
		return s[:i] + string(alphabet[strings.IndexByte(alphabet, s[i])^1]) + s[i+1:]
	}),
	mangled("a fourth part", "refused jws-form", func(s string) string { return s + ".AAAA" }),
	mangled("no signature", "refused jws-form", func(s string) string { return s[:strings.LastIndexByte(s, '.')+1] }),
	mangled("five megabytes", "refused entry-size", func(s string) string { return s + strings.Repeat("A", 5<<20) }),

	// A payload that can be read in two ways.
	edited("duplicate member", "refused entry-payload", `"v":1,`, `"v":1,"v":1,`),
	edited("duplicate member at the end", "refused entry-payload", `"at":`, `"seq":99,"at":`),
	edited("unknown member", "refused entry-payload", `"v":1,`, `"v":1,"x":1,`),
	edited("missing member", "refused entry-payload", `"v":1,`, ``),
	edited("members in another order", "refused entry-payload", `"v":1,"rel":"REL"`, `"rel":"REL","v":1`),
	edited("white space", "refused entry-payload", `,"side"`, `, "side"`),
	edited("upper case", "refused entry-payload", `"prev"`, `"Prev"`),
	edited("escapes", "refused entry-payload", `"prev"`, `"pr\u0065v"`),
	edited("null", "refused entry-payload", `"prev":"PREV"`, `"prev":null`),
	edited("a later version", "refused entry-version", `"v":1`, `"v":2`),
	edited("place 0", "refused entry-integer", `"seq":7`, `"seq":0`),
	edited("place -1", "refused entry-integer", `"seq":7`, `"seq":-1`),
	edited("place 2^53", "refused entry-integer", `"seq":7`, `"seq":9007199254740992`),
	edited("place 2^63", "refused entry-integer", `"seq":7`, `"seq":9223372036854775808`),
	edited("place 2^64+7", "refused entry-integer", `"seq":7`, `"seq":18446744073709551623`),
	edited("place 7.0", "refused entry-payload", `"seq":7`, `"seq":7.0`),
	edited("place 7e0", "refused entry-payload", `"seq":7`, `"seq":7e0`),
	edited("place 07", "refused entry-integer", `"seq":7`, `"seq":07`),
	edited("place as text", "refused entry-integer", `"seq":7`, `"seq":"7"`),
	edited("seen -1", "refused entry-integer", `"seen":{"seq":8`, `"seen":{"seq":-1`),
	edited("a third side", "refused entry-side", `"second"`, `"third"`),
	edited("a side with NUL", "refused entry-side", `"second"`, "\"second\x00\""),
	edited("prev with spare bits", "refused entry-id", `"PREV"`, `"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB"`),
	edited("prev all zero", "refused entry-id", `"PREV"`, `"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"`),
	edited("prev too long", "refused entry-id", `"PREV"`, `"PREVA"`),
	edited("31 February", "refused entry-time", `2026-11-21T21:47:00Z`, `2027-02-31T00:00:00Z`),
	edited("seconds", "refused entry-time", `21:47:00Z`, `21:47:13Z`),
	edited("an offset", "refused entry-time", `21:47:00Z`, `21:47:00+14:00`),
	edited("the year 10000", "refused entry-time", `2026-11-21`, `10000-01-01`),
	edited("a time with NUL", "refused entry-time", `21:47:00Z`, "21:47:00\x00"),
	edited("the year 9999", "kept", `2026-11-21T21:47:00Z`, `9999-12-31T23:59:00Z`),
	edited("the year 0", "kept", `2026-11-21T21:47:00Z`, `0000-01-01T00:00:00Z`),

	// Salt and body.
	changed("another body", "refused body-commitment", func(_ *play, d *conformance.Draft) { d.Shown = conformance.Body(message("Hello!")) }),
	changed("no body", "refused body-missing", func(_ *play, d *conformance.Draft) { d.Erased = true }),
	changed("a salt of zeros", "refused body-salt", func(_ *play, d *conformance.Draft) { d.Salt = make([]byte, 32) }),
	changed("a short salt", "refused body-salt", func(_ *play, d *conformance.Draft) { d.Salt = d.Salt[:16] }),
	changed("a body of 64 KiB and one", "refused body-size", func(_ *play, d *conformance.Draft) { d.Body = strings.Repeat("x", 64<<10+1) }),
	raw("NUL in the body", "refused body-line", "{\"kind\":\"message\",\"text\":\"a\x00b\"}"),
	raw("a line feed in the body", "refused body-line", "{\"kind\":\"message\",\"text\":\"a\nentry b\"}"),
	raw("a carriage return in the body", "refused body-line", "{\"kind\":\"message\",\"text\":\"a\rb\"}"),
	raw("an escape sequence of terminals in the body", "refused body-line", "{\"kind\":\"message\",\"text\":\"\x1b[2J\"}"),
	raw("no UTF-8", "refused body-line", "{\"kind\":\"message\",\"text\":\"\xc0\xaf\"}"),
	raw("a surrogate in UTF-8", "refused body-line", "{\"kind\":\"message\",\"text\":\"\xed\xa0\x80\"}"),
	raw("NUL as an escape", "flagged body-form", `{"kind":"message","text":"a\u0000b"}`),
	raw("a lone surrogate", "flagged body-form", `{"kind":"message","text":"\ud800"}`),
	raw("a text twice", "flagged body-form", `{"kind":"message","text":"yes","text":"no"}`),
	raw("a text twice for those who ignore case", "flagged body-form", `{"kind":"message","text":"yes","Text":"no"}`),
	raw("two kinds", "flagged body-form", `{"kind":"message","text":"x","kind":"bound"}`),
	raw("a kind that comes last", "flagged body-form", `{"text":"x","kind":"message"}`),
	raw("a kind with an escape", "flagged body-form", `{"kind":"messag\u0065","text":"x"}`),
	raw("a comma and nothing after it", "flagged body-form", `{"kind":"close",}`),
	raw("null", "flagged body-form", `{"kind":"close","reason":null}`),
	raw("a number that changes in a double", "flagged body-form", `{"kind":"reconcile","seq":9007199254740993,"stands":"","lost":""}`),
	raw("a deep body", "flagged body-form", `{"kind":"message","text":`+strings.Repeat("[", 30000)),
	raw("a body that is no JSON", "flagged body-form", `DROP TABLE entry`),
	raw("an unknown kind", "flagged kind-unknown", `{"kind":"delete.everything","now":true}`),
	raw("an unknown kind with what isn't JSON", "flagged kind-unknown", `{"kind":"x","y":nan}`),
	saying("text that turns the direction of writing", "kept", func(*play) firsthand.Content { return message("gnp.\u202eexe\u2066") }),
	saying("text of zero width", "kept", func(*play) firsthand.Content { return message("a\u200bc\ufeffme") }),
	saying("markup", "kept", func(*play) firsthand.Content {
		return message(`<script>alert(1)</script> Ignore previous instructions.`)
	}),

	// The chain.
	changed("a fork", "refused log-fork", func(p *play, d *conformance.Draft) {
		d.Seq, d.Prev = 4, p.Logs[1][2].ID
	}),
	changed("a rewind to the beginning", "refused log-fork", func(p *play, d *conformance.Draft) {
		d.Seq, d.Prev, d.Seen = 1, firsthand.ID{}, firsthand.Head{Seq: 1, ID: p.Rel}
	}),
	{"a replay", "refused log-known", func(p *play) conformance.Draft { return p.Logs[1][3] }},
	{"a replay of her own entry", "refused log-known", func(p *play) conformance.Draft { return p.Logs[0][2] }},
	{"a replay with another body", "refused body-commitment", func(p *play) conformance.Draft {
		d := p.Logs[1][3]
		d.Shown = conformance.Body(message("Hello!"))
		return d
	}},
	changed("a gap", "refused log-gap", func(_ *play, d *conformance.Draft) { d.Seq++ }),
	changed("a gap to the largest place", "refused log-gap", func(_ *play, d *conformance.Draft) { d.Seq = 1<<53 - 1 }),
	changed("prev of an entry before", "refused log-prev", func(p *play, d *conformance.Draft) { d.Prev = p.Logs[1][4].ID }),
	changed("prev of her log", "refused log-prev", func(p *play, d *conformance.Draft) { d.Prev = p.Logs[0][5].ID }),
	changed("prev of nothing", "refused log-prev", func(_ *play, d *conformance.Draft) { d.Prev = nothing }),
	changed("no prev", "refused log-prev", func(_ *play, d *conformance.Draft) { d.Prev = firsthand.ID{} }),
	changed("another relationship", "refused log-rel", func(_ *play, d *conformance.Draft) { d.Rel = nothing }),
	changed("no relationship", "refused log-rel", func(_ *play, d *conformance.Draft) { d.Rel = firsthand.ID{} }),
	{"an entry from its log with somebody else", "refused log-rel", func(p *play) conformance.Draft {
		o := conformance.NewScript("somebody else")
		o.Keys[1] = p.Keys[1]
		return o.Draft(second, conformance.Body(message("for another")))
	}},
	changed("seen goes back", "refused log-seen-back", func(p *play, d *conformance.Draft) { p.See(d, 2) }),
	changed("seen of nothing", "refused log-seen-back", func(_ *play, d *conformance.Draft) { d.Seen = firsthand.Head{} }),
	changed("seen what she hasn't written", "refused log-seen-unknown", func(_ *play, d *conformance.Draft) { d.Seen = firsthand.Head{Seq: 9, ID: nothing} }),
	changed("seen another entry at a place", "refused log-seen", func(p *play, d *conformance.Draft) { d.Seen.ID = nothing }),
	changed("seen its own entry", "refused log-seen", func(p *play, d *conformance.Draft) { d.Seen.ID = p.Logs[1][5].ID }),
	changed("seen a place without an entry", "refused log-seen", func(_ *play, d *conformance.Draft) { d.Seen.ID = firsthand.ID{} }),
	changed("signed by her key", "refused entry-signature", func(p *play, d *conformance.Draft) { d.Seed = p.Keys[0] }),
	changed("signed by any key", "refused entry-signature", func(p *play, d *conformance.Draft) { d.Seed = p.Seed("any") }),
	changed("signed by the next key", "refused entry-signature", func(p *play, d *conformance.Draft) { d.Seed = p.Next[1] }),
	changed("in her name", "refused entry-signature", func(p *play, d *conformance.Draft) {
		*d = p.Draft(first, conformance.Body(&firsthand.TermsTake{Counter: p.agreement}))
		d.Seed = p.Keys[1]
	}),
	{"a rotate in her name", "refused rotate-next", func(p *play) conformance.Draft {
		evil := p.Seed("evil")
		d := p.Draft(first, conformance.Body(&firsthand.Rotate{Key: conformance.Public(evil), Next: nothing, Disown: 2}))
		d.Seed = evil
		return d
	}},
	saying("an opening within the log", "refused open-once", func(p *play) firsthand.Content { return p.Open(second) }),
	{"a rotation by the key in force", "refused entry-signature", func(p *play) conformance.Draft {
		old := p.Keys[1]
		d := p.RotateDraft(second, 0)
		d.Seed = old
		return d
	}},
	{"a rotation to a key that nothing committed to", "refused rotate-next", func(p *play) conformance.Draft {
		evil := p.Seed("evil")
		d := p.says(&firsthand.Rotate{Key: conformance.Public(evil), Next: nothing})
		d.Seed = evil
		return d
	}},
	{"a rotation that disowns what it agreed to", "refused rotate-disown", func(p *play) conformance.Draft { return p.RotateDraft(second, 2) }},
	raw("a rotation that can't be read", "refused rotate-body", `{"kind":"rotate","key":"x"}`),
	{"a good rotation", "kept", func(p *play) conformance.Draft { return p.RotateDraft(second, 0) }},

	// Acts that aren't its own.
	saying("a disclosure in her place", "flagged kind-side", func(*play) firsthand.Content {
		return &firsthand.Disclose{Fact: "email", Value: firsthand.Text("a@b"), Purpose: "Marketing", Basis: firsthand.Basis{Exception: "she won't mind"}}
	}),
	saying("a change in her place", "flagged kind-side", func(p *play) firsthand.Content {
		return &firsthand.Change{Of: p.told, Fact: "phone", Value: firsthand.Text("666"), Basis: firsthand.Basis{Right: "GDPR 16"}}
	}),
	saying("a withdrawal in her place", "flagged kind-side", func(p *play) firsthand.Content { return &firsthand.Withdraw{Disclosure: p.told} }),
	saying("an offer in her place", "flagged kind-side", func(*play) firsthand.Content {
		return &firsthand.TermsOffer{Terms: []firsthand.TermsRef{ourTerms}}
	}),
	saying("a taking in her place", "flagged kind-side", func(p *play) firsthand.Content { return &firsthand.TermsTake{Counter: p.agreement} }),
	saying("a claim in her place", "flagged kind-side", func(*play) firsthand.Content { return &firsthand.Claim{Record: "1"} }),
	saying("a proof in her place", "flagged kind-side", func(p *play) firsthand.Content { return &firsthand.Proof{Challenge: p.challenge, Code: "1"} }),
	saying("a request in her place", "flagged kind-side", func(*play) firsthand.Content {
		return &firsthand.Request{Right: "erase", Law: "GDPR", Due: "2027-01-01"}
	}),
	saying("a no in her place", "flagged kind-side", func(p *play) firsthand.Content { return &firsthand.Decline{Ask: p.ask} }),
	saying("a note", "flagged kind-side", func(*play) firsthand.Content { return &firsthand.Note{Saw: "applied"} }),

	// Terms.
	saying("an acceptance of what was not offered", "flagged terms-round", func(p *play) firsthand.Content {
		return &firsthand.TermsAccept{Offer: p.offer, Terms: ourTerms}
	}),
	{"an acceptance of other terms", "flagged terms-offered", func(p *play) conformance.Draft {
		fresh := p.Say(first, &firsthand.TermsOffer{Terms: []firsthand.TermsRef{ourTerms}})
		other := ourTerms
		other.Code = "ALL-YOUR-DATA"
		return p.says(&firsthand.TermsAccept{Offer: fresh, Terms: other})
	}},
	{"an acceptance of the same code with another text", "flagged terms-offered", func(p *play) conformance.Draft {
		fresh := p.Say(first, &firsthand.TermsOffer{Terms: []firsthand.TermsRef{ourTerms}})
		other := ourTerms
		other.Hash = nothing
		return p.says(&firsthand.TermsAccept{Offer: fresh, Terms: other})
	}},
	{"an acceptance after the offer's end", "flagged terms-until", func(p *play) conformance.Draft {
		fresh := p.Say(first, &firsthand.TermsOffer{Terms: []firsthand.TermsRef{ourTerms}, Until: "2026-11-20"})
		return p.says(&firsthand.TermsAccept{Offer: fresh, Terms: ourTerms})
	}},
	saying("a counter after the acceptance", "flagged terms-round", func(p *play) firsthand.Content {
		return &firsthand.TermsCounter{Offer: p.offer, Terms: ourTerms}
	}),
	{"a second counter", "flagged terms-round", func(p *play) conformance.Draft {
		fresh := p.Say(first, &firsthand.TermsOffer{Terms: []firsthand.TermsRef{ourTerms}})
		p.Say(second, &firsthand.TermsCounter{Offer: fresh, Terms: ourTerms})
		return p.says(&firsthand.TermsCounter{Offer: fresh, Terms: ourTerms})
	}},
	saying("a refusal after the acceptance", "flagged terms-round", func(p *play) firsthand.Content {
		return &firsthand.TermsRefuse{Offer: p.offer, Reason: "we changed our mind"}
	}),
	saying("an acceptance of an offer to somebody else", "flagged ref-unknown", func(*play) firsthand.Content {
		return &firsthand.TermsAccept{Offer: nothing, Terms: ourTerms}
	}),
	saying("an acceptance of a disclosure", "flagged ref-kind", func(p *play) firsthand.Content {
		return &firsthand.TermsAccept{Offer: p.told, Terms: ourTerms}
	}),
	{"ending an agreement twice", "flagged terms-ended", func(p *play) conformance.Draft {
		p.Say(second, &firsthand.TermsEnd{Agreement: p.agreement, From: "2027-01-01"})
		return p.says(&firsthand.TermsEnd{Agreement: p.agreement, From: "1970-01-01"})
	}},

	// Binding, and what it has done.
	saying("bound without a proof", "flagged ref-kind", func(p *play) firsthand.Content {
		return &firsthand.Bound{Proof: p.claim, System: "crm", Record: "4711"}
	}),
	saying("bound by its own challenge", "flagged ref-kind", func(p *play) firsthand.Content {
		return &firsthand.Bound{Proof: p.challenge, System: "crm", Record: "4711"}
	}),
	saying("bound by nothing", "flagged ref-unknown", func(*play) firsthand.Content {
		return &firsthand.Bound{Proof: nothing, System: "crm", Record: "4711"}
	}),
	{"bound a second time", "flagged bound-once", func(p *play) conformance.Draft {
		proof := p.Say(first, &firsthand.Proof{Challenge: p.challenge, Code: "1"})
		p.Say(second, &firsthand.Bound{Proof: proof, System: "crm", Record: "4711"})
		return p.says(&firsthand.Bound{Proof: proof, System: "crm", Record: "666"})
	}},
	{"bound by an erased claim that it calls a proof", "refused erased-kind", func(p *play) conformance.Draft {
		return p.says(&firsthand.Erased{Entries: []firsthand.ErasedEntry{{ID: p.claim, Kind: "proof"}}})
	}},
	saying("applied without being bound", "flagged applied-bound", func(p *play) firsthand.Content {
		return &firsthand.Applied{Entry: p.stated, System: "crm", Record: "4711", Value: p.mac(p.stated, "Graslei 2")}
	}),
	saying("applied and another value read back", "flagged applied-value", func(p *play) firsthand.Content {
		return &firsthand.Applied{Entry: p.change, System: "crm", Record: "1", Value: p.mac(p.change, "3")}
	}),
	saying("applied under another salt", "flagged applied-value", func(p *play) firsthand.Content {
		return &firsthand.Applied{Entry: p.change, System: "crm", Record: "1", Value: p.mac(p.told, "2")}
	}),
	saying("applied and nothing read back", "flagged applied-value", func(p *play) firsthand.Content {
		return &firsthand.Applied{Entry: p.change, System: "crm", Record: "1"}
	}),
	saying("applied a value where there was none", "flagged applied-value", func(p *play) firsthand.Content {
		return &firsthand.Applied{Entry: p.message, System: "crm", Record: "1", Value: nothing}
	}),
	saying("applied its own message", "flagged ref-kind", func(p *play) firsthand.Content { return &firsthand.Applied{Entry: p.theirs, System: "crm"} }),
	saying("applied an offer", "flagged ref-kind", func(p *play) firsthand.Content { return &firsthand.Applied{Entry: p.offer, System: "crm"} }),
	saying("applied what somebody else said", "flagged ref-unknown", func(*play) firsthand.Content { return &firsthand.Applied{Entry: nothing, System: "crm"} }),
	saying("refused its own message", "flagged ref-kind", func(p *play) firsthand.Content { return &firsthand.Refused{Entry: p.theirs, Reason: "no"} }),
	{"applied what it hasn't seen", "flagged ref-unknown", func(p *play) conformance.Draft {
		m := p.Say(first, message("crossing"))
		d := p.says(&firsthand.Applied{Entry: m, System: "crm"})
		p.See(&d, 8)
		return d
	}},
	{"applied its own flagged disclosure", "flagged ref-unknown", func(p *play) conformance.Draft {
		d := p.Say(second, &firsthand.Disclose{Fact: "email", Value: firsthand.Text("a@b"), Purpose: "Marketing", Basis: firsthand.Basis{Exception: "x"}})
		return p.says(&firsthand.Applied{Entry: d, System: "crm"})
	}},

	// Rights.
	{"answered twice", "flagged answer-once", func(p *play) conformance.Draft {
		p.Say(second, &firsthand.Answer{Request: p.request, Outcome: "refused"})
		return p.says(&firsthand.Answer{Request: p.request, Outcome: "done"})
	}},
	saying("its clock set to the end of time", "flagged answer-extended", func(p *play) firsthand.Content {
		return &firsthand.Answer{Request: p.request, Outcome: "extended", Due: "9999-12-31"}
	}),
	{"its clock set again and again", "flagged answer-extended", func(p *play) conformance.Draft {
		p.Say(second, &firsthand.Answer{Request: p.request, Outcome: "extended", Due: "2027-01-21"})
		return p.says(&firsthand.Answer{Request: p.request, Outcome: "extended", Due: "2027-02-21"})
	}},
	saying("an answer to a message", "flagged ref-kind", func(p *play) firsthand.Content { return &firsthand.Answer{Request: p.message, Outcome: "done"} }),
	saying("an answer to nothing", "flagged ref-unknown", func(*play) firsthand.Content { return &firsthand.Answer{Request: nothing, Outcome: "done"} }),
	saying("a message in a thread that isn't one", "flagged ref-kind", func(p *play) firsthand.Content {
		return &firsthand.Message{Thread: p.told, Text: "about your phone"}
	}),
	saying("a message in somebody else's thread", "flagged ref-unknown", func(*play) firsthand.Content {
		return &firsthand.Message{Thread: nothing, Text: "x"}
	}),
	saying("a challenge to a claim of somebody else", "flagged ref-unknown", func(*play) firsthand.Content {
		return &firsthand.Challenge{Claim: nothing, Way: "code", Until: "2027-01-01"}
	}),

	// Erasing.
	erasing("its acceptance", "flagged body-form", func(p *play) (firsthand.ID, string) { return p.agreement, "terms.accept" }),
	erasing("its acceptance, as a message", "refused erased-kind", func(p *play) (firsthand.ID, string) { return p.agreement, "message" }),
	erasing("her offer, as a message", "refused erased-kind", func(p *play) (firsthand.ID, string) { return p.offer, "message" }),
	erasing("its opening, as a message", "refused erased-kind", func(p *play) (firsthand.ID, string) { return p.Logs[1][0].ID, "message" }),
	erasing("her opening, as a note", "refused erased-kind", func(p *play) (firsthand.ID, string) { return p.Rel, "note" }),
	erasing("what isn't there", "refused erased-unknown", func(p *play) (firsthand.ID, string) { return nothing, "message" }),
	erasing("what it has applied, as if it were nothing", "refused erased-kind", func(p *play) (firsthand.ID, string) { return p.applied, "applied" }),

	// The end.
	{"a second closing", "flagged close-once", func(p *play) conformance.Draft {
		p.Say(second, &firsthand.Close{})
		return p.says(&firsthand.Close{})
	}},
	{"an ask after the end", "flagged kind-closed", func(p *play) conformance.Draft {
		p.Say(first, &firsthand.Close{})
		return p.says(&firsthand.Ask{Fact: "phone", Purpose: "Marketing", Why: "come back"})
	}},
	{"a message after the end", "flagged kind-closed", func(p *play) conformance.Draft {
		p.Say(first, &firsthand.Close{})
		return p.says(message("come back"))
	}},
	{"terms after the end", "flagged kind-closed", func(p *play) conformance.Draft {
		fresh := p.Say(first, &firsthand.TermsOffer{Terms: []firsthand.TermsRef{ourTerms}})
		p.Say(first, &firsthand.Close{})
		return p.says(&firsthand.TermsAccept{Offer: fresh, Terms: ourTerms})
	}},
	saying("the end of a fork that never was", "flagged reconcile-branch", func(p *play) firsthand.Content {
		return &firsthand.Reconcile{Seq: 3, Stands: nothing, Lost: p.applied}
	}),
	saying("the end of a fork against itself", "flagged reconcile-branch", func(p *play) firsthand.Content {
		return &firsthand.Reconcile{Seq: 3, Stands: p.applied, Lost: p.ask}
	}),
	saying("the end of a fork in the future", "flagged reconcile-branch", func(p *play) firsthand.Content {
		return &firsthand.Reconcile{Seq: 1<<53 - 1, Stands: nothing, Lost: p.ask}
	}),
})

// erasing is a trick with an erased entry.
func erasing(name, want string, f func(p *play) (firsthand.ID, string)) trick {
	return trick{"erases " + name, want, func(p *play) conformance.Draft {
		id, kind := f(p)
		return p.Draft(second, fmt.Sprintf(`{"kind":"erased","entries":[{"id":"%s","kind":"%s"}]}`, id, kind))
	}}
}

func seededBytes(what string) []byte {
	b := seeded(what)
	return b[:]
}

// addOrder adds the order of the group to S of a signature.
func addOrder(signed string) string {
	dot := strings.LastIndexByte(signed, '.')
	sig := unb64(signed[dot+1:])
	slices.Reverse(sig[32:])
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	new(big.Int).Add(new(big.Int).SetBytes(sig[32:]), order).FillBytes(sig[32:])
	slices.Reverse(sig[32:])
	return signed[:dot+1] + b64(sig)
}

// Whatever a hostile company sends is refused, or kept and flagged; and apart
// from the flag nothing changes.
func TestHostile(t *testing.T) {
	if n := len(tricks); n < 100 {
		t.Errorf("%d tricks", n)
	}
	for _, trick := range tricks {
		t.Run(trick.name, func(t *testing.T) {
			p := newPlay(t)
			keys := p.Keys
			d := trick.draft(p) // may write more history
			state, err := firsthand.Verify(p.Entries(t))
			if err != nil {
				t.Fatal(err)
			}
			before, key := conformance.Summary(state), state.Log(second).Key()
			flags := len(state.Flags)
			d = p.Sign(d)
			got := "kept"
			e, err := firsthand.ParseLine([]byte(d.Line()))
			if err == nil {
				err = state.Check(e)
			}
			if err == nil {
				err = state.Take(e)
			}
			if err != nil {
				got = "refused " + fault.RuleOf(err)
			} else if len(state.Flags) > flags {
				got = "flagged " + state.Flags[flags].Rule
			}
			if got != trick.want {
				t.Errorf("%s (%v), want %s", got, err, trick.want)
			}
			if got == "kept" {
				return
			}
			if after := conformance.Summary(state); !slices.Equal(effects(after), effects(before)) {
				t.Errorf("the state changed:\n%s\nwas\n%s", strings.Join(after, "\n"), strings.Join(before, "\n"))
			}
			if state.Log(second).Key() != key {
				t.Errorf("the key changed")
			}
			if strings.HasPrefix(got, "refused ") && !slices.Equal(conformance.Summary(state), before) {
				t.Errorf("something refused was kept")
			}
			// The next honest entry is taken as if nothing had happened.
			if p.Keys = keys; strings.HasPrefix(got, "flagged ") {
				p.Logs[1] = append(p.Logs[1], d)
			}
			next := p.hello()
			next = p.Sign(next)
			if err := state.Check(next.Entry(t)); err != nil {
				t.Errorf("the next honest entry: %v", err)
			}
		})
	}
}

// effects are the lines of a summary that say what entries have done.
func effects(summary []string) []string {
	return slices.DeleteFunc(slices.Clone(summary), func(line string) bool {
		return strings.HasPrefix(line, "log ") || strings.HasPrefix(line, "flag ")
	})
}

// Weak keys are refused wherever one comes from outside.
func TestHostileKeys(t *testing.T) {
	tested := map[string]int{}
	for name, key := range weakKeys(t) {
		t.Run(name, func(t *testing.T) {
			err := key.Check()
			rule := fault.RuleOf(err)
			tested[rule]++
			if !strings.HasPrefix(rule, "key-") || fault.KindOf(err) != fault.Invalid {
				t.Fatalf("Check = %v", err)
			}
			if key.IsZero() {
				return // it reads as no key at all
			}
			for _, open := range []func(*firsthand.Open){
				func(o *firsthand.Open) { o.Key = key },
				func(o *firsthand.Open) { o.CompanyKey = key },
			} {
				s := conformance.NewScriptUnopened("weak")
				o := s.Open(first)
				open(o)
				s.Say(first, o)
				if _, err := firsthand.Verify(s.Entries(t)); fault.RuleOf(err) != rule {
					t.Errorf("open: %v, want %s", err, rule)
				}
			}
			s := conformance.NewScriptUnopened("weak rotate")
			s.Say(first, s.Open(first))
			o := s.Open(second)
			o.Next = key.Hash()
			s.Say(second, o)
			s.Say(second, &firsthand.Rotate{Key: key, Next: nothing})
			if _, err := firsthand.Verify(s.Entries(t)); fault.RuleOf(err) != rule {
				t.Errorf("rotate: %v, want %s", err, rule)
			}
			document := fmt.Sprintf(`{"domain":"acme.example","name":"Acme","jurisdiction":"BE","gateway":"https://acme.example","chain":[{"key":"%s","next":"%s"}],"terms":[],"at":"2026-11-21T21:47:13Z"}`, key, nothing)
			jws := conformance.JWS(s.Keys[1], `{"alg":"Ed25519","typ":"firsthand-company+jws"}`, document)
			if _, err := firsthand.ParseCompany([]byte(jws), "acme.example"); fault.RuleOf(err) != rule {
				t.Errorf("company: %v, want %s", err, rule)
			}
		})
	}
	if tested["key-small-order"] != 8 || tested["key-canonical"] < 10 || tested["key-mixed-order"] != 7 {
		t.Errorf("tested %v", tested)
	}
}

// weakKeys returns keys with which a signature proves nothing.
func weakKeys(t *testing.T) map[string]firsthand.PublicKey {
	keys := map[string]firsthand.PublicKey{}
	torsion := []string{
		"0100000000000000000000000000000000000000000000000000000000000000",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0000000000000000000000000000000000000000000000000000000000000080",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
	}
	good := firsthand.SignerFromSeed(seeded("mixed")).Public()
	p, err := new(edwards25519.Point).SetBytes(good[:])
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range torsion {
		raw := unhex(s)
		keys[fmt.Sprint("small order ", i+1)] = firsthand.PublicKey(raw)
		q, err := new(edwards25519.Point).SetBytes(raw)
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			keys[fmt.Sprint("mixed order ", i+1)] = firsthand.PublicKey(q.Add(p, q).Bytes())
		}
	}
	// y from 2^255-19 on, with and without the sign of x, and x = -0.
	for y := byte(0xed); y != 0; y++ {
		for _, top := range []byte{0x7f, 0xff} {
			k := firsthand.PublicKey{0: y, 31: top}
			for i := 1; i < 31; i++ {
				k[i] = 0xff
			}
			keys[fmt.Sprintf("y of %x, %x", y, top)] = k
		}
	}
	keys["minus zero"] = firsthand.PublicKey{0: 1, 31: 0x80}
	minus := firsthand.PublicKey(unhex(torsion[1]))
	minus[31] |= 0x80
	keys["minus zero of order 2"] = minus
	return keys
}

// Equivocation leaves evidence that a stranger verifies offline.
func TestHostileEquivocation(t *testing.T) {
	p := newPlay(t)
	d := p.hello()
	d.Seq, d.Prev, d.Seen = 4, p.Logs[1][2].ID, p.Logs[1][3].Seen
	d = p.Sign(d)
	fork := d.Entry(t)
	first, second := p.Entries(t)
	s, err := firsthand.Verify(first, second)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Check(fork); fault.RuleOf(err) != "log-fork" || fault.KindOf(err) != fault.Conflict {
		t.Fatalf("Check = %v", err)
	}
	if err := s.CheckFork(fork); err != nil {
		t.Fatalf("CheckFork = %v", err)
	}
	var text strings.Builder
	bundle := firsthand.Bundle{First: first, Second: second, Evidence: []firsthand.Entry{fork}}
	if err := bundle.Write(&text); err != nil {
		t.Fatal(err)
	}
	again, err := firsthand.ReadBundle(strings.NewReader(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	report, err := again.Verify()
	if err != nil || len(report.Forks) != 1 || report.Forks[0].ID != fork.ID {
		t.Errorf("Verify = %v, %v", report.Forks, err)
	}
	forged := fork
	forged.Body = []byte(`{"kind":"message","text":"worse"}`)
	if err := s.CheckFork(forged); fault.RuleOf(err) != "body-commitment" {
		t.Errorf("evidence with another body: %v", err)
	}
	// A slanderer has no such thing.
	d.Seed = p.Seed("slanderer")
	d = p.Sign(d)
	if err := s.CheckFork(d.Entry(t)); fault.RuleOf(err) != "fork-evidence" {
		t.Errorf("slander: %v", err)
	}
}

// Many hostile entries cost what as many honest ones do, and not their square.
func TestHostileFlood(t *testing.T) {
	const n = 6_000
	p := newPlay(t)
	mine, theirs := p.Entries(t)
	flood := func(body func(i int) string) []firsthand.Entry {
		log := slices.Clone(theirs)
		for i := range n {
			last := log[len(log)-1]
			log = append(log, firsthand.Entry{ID: firsthand.ID(seeded(fmt.Sprint("flood", i))), Rel: p.Rel, Side: second, Seq: last.Seq + 1, Prev: last.ID,
				Seen: last.Seen, At: p.Now, Salt: seededBytes("salt"), Body: []byte(body(i))})
		}
		return log
	}
	honest := flood(func(int) string {
		return fmt.Sprintf(`{"kind":"message","thread":"%s","text":"We have looked into it."}`, p.theirs)
	})
	value := p.mac(p.change, "2")
	hostile := flood(func(i int) string {
		switch i % 5 {
		case 0:
			return fmt.Sprintf(`{"kind":"holds","fact":"f%d","value":"x","origin":"observed"}`, i)
		case 1:
			return `{"kind":"close"}`
		case 2:
			return fmt.Sprintf(`{"kind":"applied","entry":"%s","system":"s","record":"r","value":"%s"}`, p.change, value)
		case 3:
			return fmt.Sprintf(`{"kind":"erased","entries":[{"id":"%s","kind":"message"}]}`, p.message)
		}
		return fmt.Sprintf(`{"kind":"terms.end","agreement":"%s","from":"2027-01-01"}`, p.agreement)
	})
	// A customer can do the same to a company: each of her rotates disowns the lot,
	// each change starts a duty.
	took := func(a, b []firsthand.Entry) (time.Duration, *firsthand.State) {
		began := time.Now()
		s, err := firsthand.Fold(a, b)
		if err != nil {
			t.Fatal(err)
		}
		return time.Since(began), s
	}
	floor, _ := took(mine, honest)
	// On a busy machine a fold may take many times what it takes: what counts is
	// whether it is ever quick.
	quick := func(a, b []firsthand.Entry) (s *firsthand.State) {
		least := time.Hour
		for range 20 {
			var cost time.Duration
			cost, s = took(a, b)
			again, _ := took(mine, honest)
			if least, floor = min(least, cost), min(floor, again); least <= 12*floor {
				return s
			}
		}
		t.Errorf("%d hostile entries took %v, as many honest ones %v", n, least, floor)
		return s
	}
	if s := quick(mine, hostile); len(s.Closed) != 1 || len(s.Duties) > 5 {
		t.Errorf("%d closed, %d duties", len(s.Closed), len(s.Duties))
	}
	log := slices.Clone(mine)
	for i := range n {
		last := log[len(log)-1]
		body := fmt.Sprintf(`{"kind":"change","fact":"f","value":"v%d","basis":{"right":"GDPR 16"}}`, i)
		if i%2 == 1 {
			body = fmt.Sprintf(`{"kind":"rotate","key":"%s","next":"%s","label":"","disown":%d}`, nothing, nothing, 9+i/2)
		}
		log = append(log, firsthand.Entry{ID: firsthand.ID(seeded(fmt.Sprint("flood", i))), Rel: p.Rel, Side: first, Seq: last.Seq + 1, Prev: last.ID,
			Seen: last.Seen, At: p.Now, Salt: seededBytes("salt"), Body: []byte(body)})
	}
	quick(log, theirs)
}
