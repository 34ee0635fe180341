package conformance_test

import (
	"fmt"
	"strings"

	"firsthand/conformance"
)

// good are bodies of every kind, with all their members; ID, KEY and HASH stand
// for an id, a key and a hash.
var good = [][2]string{
	{"open", `{"kind":"open","role":"customer","key":"KEY","next":"HASH","label":"LABEL","domain":"acme.example","company_key":"KEY"}`},
	{"rotate", `{"kind":"rotate","key":"KEY","next":"HASH","label":"LABEL","disown":2}`},
	{"reconcile", `{"kind":"reconcile","seq":2,"stands":"ID","lost":"HASH"}`},
	{"close", `{"kind":"close","reason":"moved away"}`},
	{"pause", `{"kind":"pause","until":"2027-01-31"}`},
	{"terms.offer", `{"kind":"terms.offer","terms":[{"code":"SD-BASE","version":"1","hash":"HASH","url":"https://terms.example/1"}],"until":"2027-01-31"}`},
	{"terms.accept", `{"kind":"terms.accept","offer":"ID","terms":{"code":"SD-BASE","version":"1","hash":"HASH","url":"https://terms.example/1"}}`},
	{"terms.counter", `{"kind":"terms.counter","offer":"ID","terms":{"code":"SD-BASE-A","version":"1","hash":"HASH","url":""}}`},
	{"terms.refuse", `{"kind":"terms.refuse","offer":"ID","reason":"none of these"}`},
	{"terms.take", `{"kind":"terms.take","counter":"ID"}`},
	{"terms.end", `{"kind":"terms.end","agreement":"ID","from":"2027-01-31"}`},
	{"claim", `{"kind":"claim","system":"crm","record":"4711"}`},
	{"challenge", `{"kind":"challenge","claim":"ID","way":"code","to":"a…@example.org","until":"2027-01-31"}`},
	{"proof", `{"kind":"proof","challenge":"ID","code":"270 312"}`},
	{"bound", `{"kind":"bound","proof":"ID","system":"crm","record":"4711"}`},
	{"ask", `{"kind":"ask","fact":"birth_date","purpose":"AgeVerification","until":"2027-01-31","why":"beer"}`},
	{"disclose", `{"kind":"disclose","fact":"phone","value":"+32 9 000 00 00","purpose":"ServiceProvision","basis":{"agreement":"ID"},"until":"2027-01-31","ask":"ID"}`},
	{"change", `{"kind":"change","fact":"address.home","value":{"street":"Graslei 2","city":"Gent"},"basis":{"right":"GDPR 16"},"old":{"street":"Korenmarkt 1","city":"Gent"}}`},
	{"withdraw", `{"kind":"withdraw","disclosure":"ID"}`},
	{"decline", `{"kind":"decline","ask":"ID","reason":"no need"}`},
	{"holds", `{"kind":"holds","fact":"income","value":"high","origin":"bought","source":"a broker"}`},
	{"applied", `{"kind":"applied","entry":"ID","system":"crm","record":"4711","value":"HASH","reported":true}`},
	{"refused", `{"kind":"refused","entry":"ID","reason":"no such street"}`},
	{"erased", `{"kind":"erased","entries":[{"id":"ID","kind":"message"},{"id":"HASH","kind":"applied","of":"ID"}]}`},
	{"message", `{"kind":"message","thread":"ID","from":"Ann, front desk","text":"Hello.\nGoodbye.","resolved":true,"blobs":[{"hash":"HASH","size":12,"media":"text/plain","name":"a.txt"}]}`},
	{"request", `{"kind":"request","right":"access","law":"GDPR","scope":"address.home","text":"All of it.","due":"2027-01-31"}`},
	{"answer", `{"kind":"answer","request":"ID","outcome":"extended","text":"It is much.","due":"2027-03-31","blobs":[]}`},
	{"note", `{"kind":"note","entry":"ID","saw":"applied","text":"The letter had the new address."}`},
}

// bad are bodies that say something which their kind can't.
var bad = [][3]string{
	{"open-no-key", "an opening without a key", `{"kind":"open","role":"customer","next":"HASH","label":"LABEL","domain":"acme.example","company_key":"KEY"}`},
	{"open-no-next", "an opening that commits to no next key", `{"kind":"open","role":"customer","key":"KEY","label":"LABEL","domain":"acme.example","company_key":"KEY"}`},
	{"open-role", "a role that nobody knows", `{"kind":"open","role":"god","key":"KEY","next":"HASH","label":"LABEL"}`},
	{"open-label", "a label of another length", `{"kind":"open","role":"company","key":"KEY","next":"HASH","label":"ID"}`},
	{"rotate-no-next", "a rotation that commits to no next key", `{"kind":"rotate","key":"KEY","label":"LABEL"}`},
	{"rotate-disown-negative", "a place below zero", `{"kind":"rotate","key":"KEY","next":"HASH","label":"LABEL","disown":-1}`},
	{"reconcile-one-branch", "a fork of one branch", `{"kind":"reconcile","seq":2,"stands":"ID","lost":"ID"}`},
	{"reconcile-zero", "a fork at no place", `{"kind":"reconcile","seq":0,"stands":"ID","lost":"HASH"}`},
	{"pause-no-until", "a pause without end", `{"kind":"pause"}`},
	{"pause-date", "a date that doesn't exist", `{"kind":"pause","until":"2027-02-30"}`},
	{"offer-empty", "an offer of nothing", `{"kind":"terms.offer","terms":[]}`},
	{"offer-17", "more than 16 agreements", `{"kind":"terms.offer","terms":[` + strings.TrimSuffix(strings.Repeat(`{"code":"A","version":"1","hash":"HASH","url":""},`, 17), ",") + `]}`},
	{"offer-no-hash", "terms without the hash of their text", `{"kind":"terms.offer","terms":[{"code":"A","version":"1","url":""}]}`},
	{"accept-no-offer", "an acceptance of no offer", `{"kind":"terms.accept","terms":{"code":"A","version":"1","hash":"HASH","url":""}}`},
	{"refuse-no-reason", "a refusal without a reason", `{"kind":"terms.refuse","offer":"ID"}`},
	{"end-no-from", "an end without a date", `{"kind":"terms.end","agreement":"ID"}`},
	{"claim-no-record", "a claim to nothing", `{"kind":"claim","system":"crm"}`},
	{"challenge-way", "a way that nobody knows", `{"kind":"challenge","claim":"ID","way":"torture","to":"","until":"2027-01-31"}`},
	{"proof-no-code", "a proof without a code", `{"kind":"proof","challenge":"ID"}`},
	{"bound-no-proof", "bound without a proof", `{"kind":"bound","system":"crm","record":"4711"}`},
	{"ask-no-purpose", "an ask without a purpose", `{"kind":"ask","fact":"birth_date","why":"beer"}`},
	{"ask-no-why", "an ask without a reason", `{"kind":"ask","fact":"birth_date","purpose":"AgeVerification"}`},
	{"ask-fact", "a fact is named in lower case", `{"kind":"ask","fact":"Birth date","purpose":"AgeVerification","why":"beer"}`},
	{"ask-fact-dots", "two dots", `{"kind":"ask","fact":"birth..date","purpose":"AgeVerification","why":"beer"}`},
	{"disclose-no-basis", "a disclosure that stands on nothing", `{"kind":"disclose","fact":"phone","value":"1","purpose":"ServiceProvision","basis":{}}`},
	{"disclose-basis-missing", "a disclosure that names no basis at all", `{"kind":"disclose","fact":"phone","value":"1","purpose":"ServiceProvision"}`},
	{"disclose-two-bases", "a disclosure that stands on two things", `{"kind":"disclose","fact":"phone","value":"1","purpose":"ServiceProvision","basis":{"right":"GDPR 20","exception":"just once"}}`},
	{"disclose-no-value", "nothing disclosed", `{"kind":"disclose","fact":"phone","value":"","purpose":"ServiceProvision","basis":{"right":"GDPR 20"}}`},
	{"disclose-empty-parts", "nothing disclosed", `{"kind":"disclose","fact":"phone","value":{},"purpose":"ServiceProvision","basis":{"right":"GDPR 20"}}`},
	{"disclose-number", "a value that is no text", `{"kind":"disclose","fact":"phone","value":1,"purpose":"ServiceProvision","basis":{"right":"GDPR 20"}}`},
	{"disclose-deep", "parts of parts", `{"kind":"disclose","fact":"phone","value":{"a":{"b":"c"}},"purpose":"ServiceProvision","basis":{"right":"GDPR 20"}}`},
	{"disclose-array", "a list of values", `{"kind":"disclose","fact":"phone","value":["1"],"purpose":"ServiceProvision","basis":{"right":"GDPR 20"}}`},
	{"disclose-no-purpose", "a disclosure for no purpose", `{"kind":"disclose","fact":"phone","value":"1","basis":{"right":"GDPR 20"}}`},
	{"change-of-and-old", "a change of what was told says nothing of what was before", `{"kind":"change","fact":"phone","value":"1","basis":{"right":"GDPR 16"},"of":"ID","old":"2"}`},
	{"change-no-value", "a change to nothing", `{"kind":"change","fact":"phone","basis":{"right":"GDPR 16"},"of":"ID"}`},
	{"withdraw-nothing", "a withdrawal of nothing", `{"kind":"withdraw"}`},
	{"decline-nothing", "a refusal of nothing", `{"kind":"decline"}`},
	{"holds-stated", "that she states it is hers to say", `{"kind":"holds","fact":"income","value":"high","origin":"stated"}`},
	{"applied-no-system", "applied nowhere", `{"kind":"applied","entry":"ID","record":"4711"}`},
	{"refused-no-reason", "refused without a reason", `{"kind":"refused","entry":"ID"}`},
	{"erased-nothing", "nothing erased", `{"kind":"erased","entries":[]}`},
	{"erased-offer", "an offer can't be erased", `{"kind":"erased","entries":[{"id":"ID","kind":"terms.offer"}]}`},
	{"erased-open", "an opening can't be erased", `{"kind":"erased","entries":[{"id":"ID","kind":"open"}]}`},
	{"erased-rotate", "a rotation can't be erased", `{"kind":"erased","entries":[{"id":"ID","kind":"rotate"}]}`},
	{"erased-erased", "an erasing can't be erased", `{"kind":"erased","entries":[{"id":"ID","kind":"erased"}]}`},
	{"erased-withdraw", "a withdrawal can't be erased", `{"kind":"erased","entries":[{"id":"ID","kind":"withdraw"}]}`},
	{"erased-no-kind", "an erased body had a kind", `{"kind":"erased","entries":[{"id":"ID"}]}`},
	{"message-empty", "a message without text", `{"kind":"message"}`},
	{"message-blob-size", "a blob of negative size", `{"kind":"message","text":"x","blobs":[{"hash":"HASH","size":-1,"media":"","name":"a"}]}`},
	{"message-blob-name", "a blob without a name", `{"kind":"message","text":"x","blobs":[{"hash":"HASH","size":1,"media":"","name":""}]}`},
	{"request-right", "a right that nobody knows", `{"kind":"request","right":"everything","law":"GDPR","due":"2027-01-31"}`},
	{"request-no-due", "a request without a date", `{"kind":"request","right":"access","law":"GDPR"}`},
	{"answer-outcome", "an outcome that nobody knows", `{"kind":"answer","request":"ID","outcome":"maybe"}`},
	{"answer-extended", "extended without a date", `{"kind":"answer","request":"ID","outcome":"extended"}`},
	{"note-saw", "something that nobody can see", `{"kind":"note","saw":"everything"}`},
	{"unknown-member", "a member that nobody knows", `{"kind":"close","reason":"x","colour":"red"}`},
	{"two-kinds", "a kind twice", `{"kind":"close","kind":"pause"}`},
	{"duplicate-member", "a member twice", `{"kind":"message","text":"yes","text":"no"}`},
	{"null", "null", `{"kind":"close","reason":null}`},
	{"trailing-comma", "a comma and nothing after it", `{"kind":"close",}`},
	{"trailing-comma-space", "a comma and a space after it", `{"kind":"close", }`},
	{"cut", "cut off", `{"kind":"close",`},
	{"text-after", "text after it", `{"kind":"close"} `},
	{"space-first", "the kind has to come first, as it stands here", `{ "kind":"close"}`},
	{"kind-last", "the kind has to come first", `{"reason":"x","kind":"close"}`},
	{"kind-upper-case", "a kind has lower case", `{"kind":"Close"}`},
	{"kind-empty", "no kind", `{"kind":""}`},
	{"kind-escape", "a kind without escapes", `{"kind":"cl\u006fse"}`},
	{"array", "no object", `["kind","close"]`},
	{"empty", "nothing", ``},
	{"text", "no JSON", `close`},
}

// fillBody puts an id, a key, a hash and a label where body says so.
func fillBody(body string) string {
	s := conformance.NewScriptUnopened("vector bodies")
	return strings.NewReplacer(`"KEY"`, quote(conformance.Public(s.Keys[0])), `"HASH"`, quote(conformance.Public(s.Next[0]).Hash()),
		`"LABEL"`, quote(s.Labels[0]), `"ID"`, quote(someID)).Replace(body)
}

func quote(v fmt.Stringer) string { return `"` + v.String() + `"` }

func bodyVectors(g *generator) {
	for _, v := range good {
		g.add("body/"+strings.ReplaceAll(v[0], ".", "-"), "accept", "a body of kind "+v[0], fillBody(v[1]))
	}
	g.add("body/white-space", "accept", "white space after the kind", `{"kind":"close", "reason" : "x" }`)
	g.add("body/no-members", "accept", "a kind without members", `{"kind":"close"}`)
	for _, v := range bad {
		g.add("body/bad-"+v[0], "body-form", v[1], fillBody(v[2]))
	}
	for i, kind := range []string{"from.the.future", "terms", "opened", "terms.", "_"} {
		g.add(fmt.Sprint("body/unknown-", i+1), "kind-unknown", "a kind that this version can't read", fmt.Sprintf(`{"kind":"%s","x":1}`, kind))
	}
}
