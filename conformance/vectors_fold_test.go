package conformance_test

import (
	"fmt"
	"time"

	"firsthand"
	"firsthand/conformance"
)

var (
	base   = firsthand.TermsRef{Code: "BASE", Version: "1", Hash: firsthand.ID{1}, URL: "https://terms.example/base"}
	better = firsthand.TermsRef{Code: "BETTER", Version: "1", Hash: firsthand.ID{2}, URL: "https://terms.example/better"}
	once   = firsthand.Basis{Exception: "just this once"}
	right  = firsthand.Basis{Right: "GDPR 16"}
)

// id is an entry's, as bodies name it.
type id = firsthand.ID

func offer(refs ...firsthand.TermsRef) *firsthand.TermsOffer {
	return &firsthand.TermsOffer{Terms: refs}
}

func accept(offer id, ref firsthand.TermsRef) *firsthand.TermsAccept {
	return &firsthand.TermsAccept{Offer: offer, Terms: ref}
}

func disclose(fact, value string) *firsthand.Disclose {
	return &firsthand.Disclose{Fact: fact, Value: firsthand.Text(value), Purpose: "ServiceProvision", Basis: once}
}

func change(of id, fact, value string) *firsthand.Change {
	return &firsthand.Change{Of: of, Fact: fact, Value: firsthand.Text(value), Basis: once}
}

// applied says that the entry is in the company's systems, with the MAC of value
// under the entry's salt.
func applied(s *conformance.Script, entry id, value string) *firsthand.Applied {
	a := &firsthand.Applied{Entry: entry, System: "crm", Record: "4711"}
	for _, log := range s.Logs {
		for _, d := range log {
			if d.ID == entry && value != "" {
				a.Value = firsthand.Text(value).MAC(d.Salt)
			}
		}
	}
	return a
}

// bind takes s through claim, challenge, proof and bound.
func bind(s *conformance.Script) (claim, challenge, proof, bound id) {
	claim = s.Say(first, &firsthand.Claim{System: "crm", Record: "4711"})
	challenge = s.Say(second, &firsthand.Challenge{Claim: claim, Way: "code", To: "a…@example.org", Until: "2027-01-31"})
	proof = s.Say(first, &firsthand.Proof{Challenge: challenge, Code: "270312"})
	bound = s.Say(second, &firsthand.Bound{Proof: proof, System: "crm", Record: "4711"})
	return claim, challenge, proof, bound
}

func orderVectors(g *generator) {
	s := g.script("order")
	told := s.Say(first, disclose("phone", "1"))
	s.Say(second, message("one"))
	s.SaySeeing(first, 1, change(told, "phone", "2")) // crossed the message
	s.SaySeeing(second, 2, message("two"))
	s.Say(first, message("three"))
	g.bundle("order-crossing", "accept", "where both logs have an entry ready, first's goes first", s)

	s = g.script("own cut")
	a := s.Say(second, &firsthand.Ask{Fact: "phone", Purpose: "ServiceProvision", Why: "to call back"})
	s.SaySeeing(first, 1, &firsthand.Decline{Ask: a})
	g.bundle("own-cut", "accept", "an entry that refers to what its writer hadn't seen refers to nothing, though it is there", s)
	s = g.script("own cut close")
	s.Say(second, message("one"))
	s.Say(first, &firsthand.Close{})
	s.SaySeeing(second, 1, message("two"))
	s.Say(second, message("three"))
	g.bundle("own-cut-close", "accept", "what crossed the closing on the way is valid; what came after it is not", s)
}

func kindVectors(g *generator) {
	s := g.script("kinds")
	for _, body := range []string{`{"kind":"from.the.future","anything":null}`, `{"kind":"message"}`, `no JSON at all`} {
		s.Add(s.Draft(second, body))
	}
	g.bundle("unreadable", "accept", "what can't be read is kept and flagged", s)

	s = g.script("sides")
	told := s.Say(first, disclose("phone", "1"))
	for _, c := range []firsthand.Content{
		disclose("phone", "2"), change(told, "phone", "3"), &firsthand.Withdraw{Disclosure: told}, offer(base), &firsthand.Claim{Record: "1"},
		&firsthand.Request{Right: "access", Law: "GDPR", Due: "2027-01-01"}, &firsthand.Decline{Ask: told}, &firsthand.Proof{Challenge: told, Code: "1"},
		&firsthand.TermsTake{Counter: told}, &firsthand.Note{Saw: "other"},
	} {
		s.Say(second, c)
	}
	g.bundle("side-company", "accept", "what a company may not say", s)
	s = g.script("sides first")
	m := s.Say(first, message("Hello."))
	for _, c := range []firsthand.Content{
		accept(m, base), &firsthand.TermsCounter{Offer: m, Terms: base}, &firsthand.TermsRefuse{Offer: m, Reason: "x"},
		&firsthand.Challenge{Claim: m, Way: "code", Until: "2027-01-01"}, &firsthand.Bound{Proof: m, System: "crm", Record: "1"},
		&firsthand.Ask{Fact: "phone", Purpose: "x", Why: "x"}, &firsthand.Holds{Fact: "phone", Value: firsthand.Text("1"), Origin: "told"},
		&firsthand.Applied{Entry: m, System: "crm"}, &firsthand.Refused{Entry: m, Reason: "x"}, &firsthand.Answer{Request: m, Outcome: "done"},
	} {
		s.Say(first, c)
	}
	g.bundle("side-customer", "accept", "what she may not say", s)
	s = g.script("note")
	s.Say(first, &firsthand.Note{Saw: "received"})
	g.bundle("note-paired", "accept", "a note belongs into a log without another side, where there is none to answer it", s)
	s = conformance.NewScriptUnopened("vector note unpaired")
	open := s.Open(first)
	open.CompanyKey = firsthand.PublicKey{}
	s.Say(first, open)
	told = s.Say(first, disclose("phone", "1"))
	s.Say(first, &firsthand.Note{Entry: told, Saw: "applied"})
	s.Say(first, &firsthand.Note{Entry: someID, Saw: "applied"})
	g.bundle("note-unpaired", "accept", "a note about an entry, and one about nothing", s)

	s = g.script("refer")
	told = s.Say(first, disclose("phone", "1"))
	foreign := g.script("refer, another relationship")
	theirs := foreign.Say(first, disclose("phone", "1"))
	flagged := s.Say(second, &firsthand.Withdraw{Disclosure: told})
	s.Say(first, &firsthand.Withdraw{Disclosure: theirs})
	s.Say(first, &firsthand.Decline{Ask: told})
	s.Say(first, change(flagged, "phone", "2"))
	s.Say(first, &firsthand.Message{Thread: told, Text: "about this"})
	g.bundle("refer", "accept", "references to another relationship, to an entry of another kind, and to one without effect", s)

	s = g.script("threads")
	m = s.Say(first, message("Where is my parcel?"))
	s.Say(second, &firsthand.Message{Thread: m, From: "Ann", Text: "On its way."})
	s.Say(second, &firsthand.Message{Thread: someID, Text: "in no thread"})
	g.bundle("threads", "accept", "a thread", s)
}

func termsVectors(g *generator) {
	s := g.script("terms")
	o := s.Say(first, offer(better, base))
	a := s.Say(second, accept(o, base))
	d := disclose("phone", "1")
	d.Basis = firsthand.Basis{Agreement: a}
	s.Say(first, d)
	s.Say(first, &firsthand.TermsEnd{Agreement: a, From: "2027-06-30"})
	s.Say(second, &firsthand.TermsEnd{Agreement: a, From: "2027-03-31"})
	g.bundle("terms", "accept", "an agreement, a disclosure under it, and its end: the earlier one", s)
	s = g.script("terms counter")
	o = s.Say(first, offer(better))
	c := s.Say(second, &firsthand.TermsCounter{Offer: o, Terms: base})
	s.Say(first, &firsthand.TermsTake{Counter: c})
	g.bundle("terms-counter", "accept", "a counter, which she takes", s)
	s = g.script("terms refuse")
	o = s.Say(first, offer(better))
	s.Say(second, &firsthand.TermsRefuse{Offer: o, Reason: "none"})
	g.bundle("terms-refuse", "accept", "an offer refused", s)

	s = g.script("terms not offered")
	o = s.Say(first, offer(better))
	s.Say(second, accept(o, base))
	other := better
	other.Hash = firsthand.ID{3}
	s.Say(second, accept(o, other))
	other = better
	other.URL += "?"
	s.Say(second, accept(o, other))
	g.bundle("terms-not-offered", "accept", "accepts another agreement, the same with another text, the same at another address", s)
	s = g.script("terms round")
	o = s.Say(first, offer(better))
	c = s.Say(second, &firsthand.TermsCounter{Offer: o, Terms: base})
	s.Say(second, &firsthand.TermsCounter{Offer: o, Terms: better})
	s.Say(second, accept(o, better))
	s.Say(second, &firsthand.TermsRefuse{Offer: o, Reason: "changed our mind"})
	s.Say(first, &firsthand.TermsTake{Counter: c})
	s.Say(first, &firsthand.TermsTake{Counter: c})
	g.bundle("terms-round", "accept", "there is one round: a second counter, an acceptance and a refusal after it, a counter taken twice", s)
	s = g.script("terms until")
	late := offer(better)
	late.Until = "2026-11-30"
	o = s.Say(first, late)
	p := s.Say(first, late)
	s.Now = time.Date(2026, 11, 30, 23, 59, 0, 0, time.UTC)
	s.Say(second, accept(o, better))
	s.Now = s.Now.Add(time.Minute)
	s.Say(second, accept(p, better))
	g.bundle("terms-until", "accept", "one accepted in the last minute, and one after it", s)
	s = g.script("terms end")
	o = s.Say(first, offer(better))
	a = s.Say(second, accept(o, better))
	s.Say(second, &firsthand.TermsEnd{Agreement: a, From: "2026-12-31"})
	s.Say(second, &firsthand.TermsEnd{Agreement: a, From: "2026-01-01"})
	d = disclose("phone", "1")
	d.Basis = firsthand.Basis{Agreement: a}
	s.Say(first, d)
	d.Basis = firsthand.Basis{Agreement: o}
	s.Say(first, d)
	d.Basis = firsthand.Basis{Agreement: someID}
	s.Say(first, d)
	g.bundle("terms-end", "accept", "ended twice by one side; then disclosures under what has ended, under an offer, and under nothing", s)
	s = g.script("basis crossing")
	o = s.Say(first, offer(better))
	a = s.Say(second, accept(o, better))
	s.Say(second, &firsthand.TermsEnd{Agreement: a, From: "2026-12-31"})
	d = disclose("phone", "1")
	d.Basis = firsthand.Basis{Agreement: a}
	s.SaySeeing(first, 2, d)
	g.bundle("basis-crossing", "accept", "a disclosure that crossed the end of its agreement on the way stands", s)
	s = g.script("basis right")
	d = disclose("phone", "1")
	d.Basis = right
	s.Say(first, d)
	g.bundle("basis-right", "accept", "a disclosure that stands on a right", s)
}

func boundVectors(g *generator) {
	s := g.script("bound")
	c := s.Say(first, change(id{}, "address.home", "Graslei 2"))
	bind(s)
	s.Say(second, applied(s, c, "Graslei 2"))
	g.bundle("bound", "accept", "a proposal, the way to a proof, and the proposal applied", s)
	s = g.script("bound twice")
	_, _, proof, _ := bind(s)
	s.Say(second, &firsthand.Bound{Proof: proof, System: "crm", Record: "4712"})
	g.bundle("bound-twice", "accept", "bound to a second record", s)
	s = g.script("bound without")
	claim := s.Say(first, &firsthand.Claim{Record: "4711"})
	challenge := s.Say(second, &firsthand.Challenge{Claim: claim, Way: "code", To: "a…", Until: "2027-01-31"})
	s.Say(second, &firsthand.Bound{Proof: claim, System: "crm", Record: "4711"})
	s.Say(second, &firsthand.Bound{Proof: challenge, System: "crm", Record: "4711"})
	s.Say(second, &firsthand.Bound{Proof: someID, System: "crm", Record: "4711"})
	g.bundle("bound-without-proof", "accept", "bound by a claim, by its own challenge, and by nothing", s)
	s = g.script("proof without")
	claim = s.Say(first, &firsthand.Claim{Record: "4711"})
	s.Say(first, &firsthand.Proof{Challenge: claim, Code: "1"})
	g.bundle("proof-of-claim", "accept", "a proof that answers no challenge", s)
}

func holdingVectors(g *generator) {
	s := g.script("holding")
	told := s.Say(first, &firsthand.Disclose{Fact: "address.home", Purpose: "Delivery", Basis: once, Until: "2027-12-31",
		Value: firsthand.Value{Parts: map[string]string{"street": "Korenmarkt 1", "city": "Gent"}}})
	s.Say(first, &firsthand.Change{Of: told, Fact: "address.home", Basis: right,
		Value: firsthand.Value{Parts: map[string]string{"street": "Graslei 2", "city": "Gent"}}})
	s.Say(first, &firsthand.Withdraw{Disclosure: told})
	g.bundle("holding", "accept", "told, changed, withdrawn", s)
	s = g.script("holding wrong")
	told = s.Say(first, disclose("phone", "1"))
	c := s.Say(first, change(told, "phone", "2"))
	s.Say(first, change(told, "email", "a@example.org"))
	s.Say(first, change(c, "phone", "3"))
	s.Say(first, &firsthand.Withdraw{Disclosure: c})
	s.Say(first, &firsthand.Withdraw{Disclosure: told})
	s.Say(first, change(told, "phone", "4"))
	s.Say(first, &firsthand.Withdraw{Disclosure: told})
	g.bundle("holding-wrong", "accept", "changes of another fact, of a change, and of what was withdrawn; a change withdrawn, and a disclosure twice", s)
	s = g.script("stated")
	c = s.Say(first, change(id{}, "phone", "1"))
	s.Say(first, change(c, "phone", "2"))
	s.Say(first, &firsthand.Withdraw{Disclosure: c})
	g.bundle("holding-stated", "accept", "what the company has from before is hers to change and to withdraw", s)
	s = g.script("holds")
	s.Say(second, &firsthand.Holds{Fact: "income", Value: firsthand.Text("high"), Origin: "bought", Source: "a broker"})
	s.Say(second, &firsthand.Holds{Fact: "income", Value: firsthand.Text("low"), Origin: "inferred"})
	h := s.Say(second, &firsthand.Holds{Fact: "income", Value: firsthand.Text("very high"), Origin: "bought"})
	s.Say(first, change(h, "income", "none of your business"))
	g.bundle("holds", "accept", "the company's own account; she can't change what she hasn't told", s)
	s = g.script("asks")
	a := s.Say(second, &firsthand.Ask{Fact: "phone", Purpose: "ServiceProvision", Why: "to call back", Until: "2026-12-24"})
	b := s.Say(second, &firsthand.Ask{Fact: "birth_date", Purpose: "Marketing", Why: "to congratulate"})
	d := disclose("phone", "1")
	d.Ask = a
	s.Say(first, d)
	s.Say(first, &firsthand.Decline{Ask: b})
	s.Say(first, &firsthand.Decline{Ask: b})
	s.Say(first, &firsthand.Decline{Ask: a})
	d.Ask = someID
	s.Say(first, d)
	g.bundle("asks", "accept", "asked, answered, declined; then answered again", s)
}

func appliedVectors(g *generator) {
	s := g.script("applied")
	told := s.Say(first, disclose("phone", "1"))
	c := s.Say(first, change(told, "phone", "2"))
	s.Say(second, applied(s, c, "2"))
	m := s.Say(first, message("Hello."))
	s.Say(second, applied(s, m, ""))
	c = s.Say(first, change(told, "phone", "3"))
	s.Say(second, &firsthand.Applied{Entry: c, System: "webhook", Record: "r", Reported: true})
	c = s.Say(first, change(told, "phone", "4"))
	s.Say(second, &firsthand.Refused{Entry: c, Reason: "no such number"})
	g.bundle("applied", "accept", "applied and read back, applied without a value, only reported, and refused", s)
	s = g.script("applied value")
	told = s.Say(first, disclose("phone", "1"))
	c = s.Say(first, change(told, "phone", "2"))
	s.Say(second, applied(s, c, "1"))
	s.Say(second, applied(s, c, ""))
	lied := applied(s, c, "1")
	lied.Reported = true
	s.Say(second, lied)
	wrong := applied(s, told, "2")
	wrong.Entry = c
	s.Say(second, wrong)
	m = s.Say(first, message("Hello."))
	s.Say(second, applied(s, m, "Hello."))
	g.bundle("applied-value", "accept", "the old value read back, none, the old one only reported, the right one under another salt, and one where there is none", s)
	s = g.script("applied bound")
	c = s.Say(first, change(id{}, "phone", "2"))
	s.Say(second, applied(s, c, "2"))
	s.Say(first, change(c, "phone", "3"))
	s.Say(second, applied(s, s.Logs[0][2].ID, "3"))
	s.Say(second, &firsthand.Refused{Entry: c, Reason: "not proved"})
	g.bundle("applied-bound", "accept", "written over a record that nobody has proved to be hers", s)
	s = g.script("applied crossing")
	c = s.Say(first, change(id{}, "phone", "2"))
	claim := s.Say(first, &firsthand.Claim{Record: "4711"})
	challenge := s.Say(second, &firsthand.Challenge{Claim: claim, Way: "code", To: "a…", Until: "2027-01-31"})
	s.Say(second, applied(s, c, "2"))
	proof := s.Say(first, &firsthand.Proof{Challenge: challenge, Code: "1"})
	s.Say(second, &firsthand.Bound{Proof: proof, System: "crm", Record: "4711"})
	s.Say(second, applied(s, c, "2"))
	g.bundle("applied-before-bound", "accept", "applied before it was bound, and after", s)
	s = g.script("applied what")
	m = s.Say(second, message("Hello."))
	o := s.Say(first, offer(base))
	told = s.Say(first, disclose("phone", "1"))
	s.SaySeeing(second, 2, applied(s, told, "1"))
	s.Say(second, applied(s, m, ""))
	s.Say(second, applied(s, o, ""))
	s.Say(second, applied(s, someID, ""))
	s.Say(second, &firsthand.Refused{Entry: m, Reason: "x"})
	g.bundle("applied-what", "accept", "applied: an entry that its writer hadn't seen, one of the company's own, an offer, nothing", s)
}

func requestVectors(g *generator) {
	request := func(s *conformance.Script) id {
		return s.Say(first, &firsthand.Request{Right: "access", Law: "GDPR", Due: "2026-12-21"})
	}
	s := g.script("request")
	r := request(s)
	s.Say(second, &firsthand.Answer{Request: r, Outcome: "extended", Due: "2027-02-21"})
	s.Say(second, &firsthand.Answer{Request: r, Outcome: "partly", Text: "most of it"})
	g.bundle("request", "accept", "a right claimed, extended by two months, answered", s)
	s = g.script("request twice")
	r = request(s)
	s.Say(second, &firsthand.Answer{Request: r, Outcome: "refused"})
	s.Say(second, &firsthand.Answer{Request: r, Outcome: "done"})
	s.Say(second, &firsthand.Answer{Request: r, Outcome: "extended", Due: "2027-01-21"})
	g.bundle("request-answered-twice", "accept", "answered already", s)
	s = g.script("request extended")
	r = request(s)
	s.Say(second, &firsthand.Answer{Request: r, Outcome: "extended", Due: "9999-12-31"})
	s.Say(second, &firsthand.Answer{Request: r, Outcome: "extended", Due: "2027-02-22"})
	s.Say(second, &firsthand.Answer{Request: r, Outcome: "extended", Due: "2027-01-21"})
	s.Say(second, &firsthand.Answer{Request: r, Outcome: "extended", Due: "2027-02-21"})
	g.bundle("request-extended", "accept", "extended for ever, by a day too much, rightly, and a second time", s)
}

func closeVectors(g *generator) {
	s := g.script("close")
	told := s.Say(first, disclose("phone", "1"))
	gone := s.Say(first, disclose("email", "a@example.org"))
	s.Say(first, &firsthand.Withdraw{Disclosure: gone})
	c := s.Say(first, change(told, "phone", "2"))
	s.Say(first, &firsthand.Close{Reason: "moved"})
	s.Say(second, applied(s, c, "2"))
	s.Say(second, &firsthand.Close{})
	g.bundle("close", "accept", "closed by both: what was told and not withdrawn has to be erased; what was owed is owed", s)
	s = g.script("closed")
	told = s.Say(first, disclose("phone", "1"))
	s.Say(second, &firsthand.Close{})
	s.Say(second, message("Come back!"))
	s.Say(second, &firsthand.Ask{Fact: "phone", Purpose: "Marketing", Why: "to call you"})
	s.Say(second, &firsthand.Close{})
	s.Say(first, disclose("email", "a@example.org"))
	s.Say(first, change(told, "phone", "2"))
	r := s.Say(first, &firsthand.Request{Right: "erase", Law: "GDPR", Due: "2026-12-21"})
	s.Say(second, &firsthand.Answer{Request: r, Outcome: "done"})
	s.Say(first, &firsthand.Withdraw{Disclosure: told})
	g.bundle("closed", "accept", "after the close there are rights and duties, and nothing else", s)
	s = g.script("pause")
	s.Say(first, &firsthand.Pause{Until: "2027-01-31"})
	s.Say(second, message("We respect that."))
	g.bundle("pause", "accept", "a pause", s)
}

func disownVectors(g *generator) {
	s := g.script("disown")
	told := s.Say(first, disclose("phone", "1"))
	s.Say(second, message("Thank you."))
	stolen := s.Say(first, change(told, "phone", "the thief's"))
	s.Say(second, applied(s, stolen, "the thief's"))
	s.Say(first, &firsthand.Close{})
	s.Say(second, message("Are you sure?"))
	s.Rotate(first, 3)
	s.Say(first, message("I am back."))
	g.bundle("disown", "accept", "a thief changed her phone number and closed; she rotates and disowns it: it stays, and has no effect", s)
	s = g.script("disown twice")
	s.Say(first, message("one"))
	s.Rotate(first, 0)
	s.Say(first, message("two"))
	s.Rotate(first, 4)
	s.Say(first, message("three"))
	s.Rotate(first, 2)
	g.bundle("disown-twice", "accept", "her rotations stay hers, whatever is disowned: no thief has the next key", s)
	s = g.script("disown erased")
	told = s.Say(first, disclose("phone", "1"))
	s.Say(first, &firsthand.Erased{Entries: []firsthand.ErasedEntry{{ID: told, Kind: "disclose"}}})
	s.Rotate(first, 3)
	s.Erase(told)
	g.bundle("disown-erased", "accept", "the thief had a body erased: that stays so, since nobody has it any more", s)
}

func erasedVectors(g *generator) {
	erased := func(pairs ...any) *firsthand.Erased {
		c := &firsthand.Erased{}
		for i := 0; i < len(pairs); i += 2 {
			c.Entries = append(c.Entries, firsthand.ErasedEntry{ID: pairs[i].(id), Kind: firsthand.Kind(pairs[i+1].(string))})
		}
		return c
	}
	// both adds the logs with and without the bytes that were erased: the state is
	// the same.
	both := func(name, comment string, s *conformance.Script, ids ...id) {
		g.bundle(name+"-kept", "accept", comment+"; with the bytes that one side still has", s)
		s.Erase(ids...)
		g.bundle(name, "accept", comment, s)
	}
	s := g.script("erased")
	told := s.Say(first, disclose("phone", "1"))
	m := s.Say(second, message("Hello."))
	s.Say(first, &firsthand.Message{Thread: m, Text: "Hello to you."})
	s.Say(first, erased(told, "disclose", m, "message"))
	both("erased", "a disclosure and a message of the other side are erased, and what refers to them stays", s, told, m)
	s = g.script("erased change")
	told = s.Say(first, disclose("phone", "1"))
	s.Say(first, change(told, "phone", "2"))
	s.Say(first, erased(told, "disclose"))
	s.Say(first, change(told, "phone", "3"))
	s.Say(second, applied(s, s.Logs[0][2].ID, "2"))
	s.Say(first, &firsthand.Withdraw{Disclosure: told})
	both("erased-begin", "the entry that began a holding is erased; its changes go on, and so does the withdrawal", s, told)
	s = g.script("erased withdrawn")
	told = s.Say(first, disclose("phone", "1"))
	s.Say(first, &firsthand.Withdraw{Disclosure: told})
	s.Say(first, erased(told, "disclose"))
	s.Say(first, change(told, "phone", "2"))
	both("erased-withdrawn", "she withdrew and then erased her own copy: the company owes it to erase its copy all the same, and a change brings nothing back", s, told)
	s = g.script("erased closed")
	told = s.Say(first, disclose("phone", "1"))
	s.Say(first, erased(told, "disclose"))
	kept := s.Say(first, disclose("email", "a@example.org"))
	s.Say(second, erased(kept, "disclose"))
	s.Say(first, &firsthand.Close{})
	both("erased-closed", "she erased one of two disclosures and the company the other; then she closes, and one is still to be erased", s, told, kept)
	s = g.script("erased duty")
	told = s.Say(first, disclose("phone", "1"))
	s.Say(first, &firsthand.Withdraw{Disclosure: told})
	s.Say(second, erased(told, "disclose"))
	both("erased-duty", "the company erases what was withdrawn: done", s, told)
	s = g.script("erased request")
	r := s.Say(first, &firsthand.Request{Right: "access", Law: "GDPR", Due: "2026-12-21"})
	told = s.Say(first, disclose("phone", "1"))
	c := s.Say(first, change(told, "phone", "2"))
	s.Say(second, erased(r, "request", c, "change"))
	both("erased-request", "a company that erases a request and a change owes answers to both still", s, r, c)
	s = g.script("erased by first")
	r = s.Say(first, &firsthand.Request{Right: "access", Law: "GDPR", Due: "2026-12-21"})
	s.Say(second, erased(r, "request"))
	s.Say(first, erased(r, "request"))
	both("erased-request-by-both", "she has erased her request too: nothing is owed", s, r)
	s = g.script("erased outcome")
	told = s.Say(first, disclose("phone", "1"))
	c = s.Say(first, change(told, "phone", "2"))
	a := s.Say(second, applied(s, c, "2"))
	r = s.Say(first, &firsthand.Request{Right: "access", Law: "GDPR", Due: "2026-12-21"})
	done := s.Say(second, &firsthand.Answer{Request: r, Outcome: "done"})
	s.Say(first, &firsthand.Erased{Entries: []firsthand.ErasedEntry{{ID: a, Kind: "applied", Of: c}, {ID: done, Kind: "answer", Of: r}}})
	both("erased-outcome", "a customer who erases what the company has done can't undo that it was done", s, a, done)
	s = g.script("erased flagged kinds")
	wrong := s.Say(second, disclose("phone", "1"))
	asked := s.Say(second, &firsthand.Request{Right: "access", Law: "GDPR", Due: "2026-12-21"})
	s.Say(second, erased(wrong, "disclose", asked, "request"))
	s.Say(first, &firsthand.Close{})
	both("erased-flagged", "what was not a side's to say leaves nothing when it is erased", s, wrong, asked)
	s = g.script("erased bound")
	c = s.Say(first, change(id{}, "phone", "2"))
	claim, _, proof, _ := bind(s)
	s.Say(second, erased(claim, "claim", proof, "proof"))
	s.Say(second, applied(s, c, "2"))
	both("erased-claim", "claim and proof are erased, and the relationship stays bound", s, claim, proof)
	s = g.script("erased twice")
	m = s.Say(first, message("Hello."))
	s.Say(first, erased(m, "message"))
	s.Say(second, erased(m, "message"))
	both("erased-by-both", "both sides erase it", s, m)

	refused := func(name, rule, comment string, say func(s *conformance.Script) string) {
		s := g.script("erased " + name)
		g.wrong("erased-"+name, rule, comment, s, s.Draft(second, say(s)))
	}
	refused("nothing", "erased-unknown", "names what is not there", func(*conformance.Script) string { return conformance.Body(erased(someID, "message")) })
	refused("kind", "erased-kind", "says that an acceptance was a message, to be rid of it", func(s *conformance.Script) string {
		o := s.Say(first, offer(base))
		return conformance.Body(erased(s.Say(second, accept(o, base)), "message"))
	})
	refused("opening", "erased-kind", "says that her opening was a message", func(s *conformance.Script) string { return conformance.Body(erased(s.Rel, "message")) })
	refused("rotate", "erased-kind", "says that a rotation was a message", func(s *conformance.Script) string {
		return conformance.Body(erased(s.Rotate(first, 0), "message"))
	})
	refused("of-missing", "erased-kind", "leaves out what was applied", func(s *conformance.Script) string {
		m := s.Say(first, message("Hello."))
		return conformance.Body(erased(s.Say(second, applied(s, m, "")), "applied"))
	})
	refused("of-other", "erased-kind", "says that something else was answered", func(s *conformance.Script) string {
		m := s.Say(first, message("Hello."))
		r := s.Say(first, &firsthand.Request{Right: "access", Law: "GDPR", Due: "2026-12-21"})
		a := s.Say(second, applied(s, m, ""))
		return conformance.Body(&firsthand.Erased{Entries: []firsthand.ErasedEntry{{ID: a, Kind: "applied", Of: r}}})
	})
	refused("of-extended", "erased-kind", "says that an extension was an answer", func(s *conformance.Script) string {
		r := s.Say(first, &firsthand.Request{Right: "access", Law: "GDPR", Due: "2026-12-21"})
		a := s.Say(second, &firsthand.Answer{Request: r, Outcome: "extended", Due: "2027-01-21"})
		return conformance.Body(&firsthand.Erased{Entries: []firsthand.ErasedEntry{{ID: a, Kind: "answer", Of: r}}})
	})
	refused("one-wrong", "erased-unknown", "names one rightly and one wrongly", func(s *conformance.Script) string {
		return conformance.Body(erased(s.Say(first, message("Hello.")), "message", someID, "message"))
	})
	s = g.script("erased unseen")
	s.Say(first, message("Hello."))
	d := s.Draft(second, conformance.Body(erased(s.Logs[0][1].ID, "message")))
	s.See(&d, 1)
	g.wrong("erased-unseen", "erased-unknown", "names what its writer hasn't seen", s, d)
	s = g.script("erased kinds")
	m = s.Say(first, message("Hello."))
	s.Say(first, erased(m, "message"))
	s.Erase(m)
	g.wrong("erased-other-kind", "erased-kind", "names another kind than the one who erased it before", s, s.Draft(second, conformance.Body(erased(m, "note"))))

	s = g.script("missing body")
	m = s.Say(first, message("Hello."))
	s.Say(second, message("Good morning."))
	s.Erase(m)
	g.bundle("body-missing", "body-missing", "a body is missing, and nobody says that it was erased", s)
	s = g.script("missing body offer")
	o := s.Say(first, offer(base))
	s.Say(second, &firsthand.TermsRefuse{Offer: o, Reason: "no"})
	s.Erase(o)
	g.bundle("body-missing-offer", "body-missing", "an offer without its body", s)
	s = g.script("missing body disowned")
	m = s.Say(first, message("The thief's."))
	s.Say(second, applied(s, m, ""))
	s.Rotate(first, 2)
	s.Erase(m)
	g.bundle("body-missing-disowned", "body-missing", "a disowned entry without its body: what the answer to it is worth depends on its kind", s)
	s = g.script("erased flagged")
	m = s.Say(first, message("Hello."))
	s.Add(s.Draft(second, fmt.Sprintf(`{"kind":"erased","entries":[{"id":"%s","kind":"message"},{"id":"%s","kind":"close"}]}`, m, m)))
	g.bundle("erased-unreadable", "accept", "an erasing that can't be read erases nothing", s)
}

func nowVectors(g *generator) {
	at := func(name, comment string, s *conformance.Script, now string) {
		g.add("bundle/"+name, "accept", comment, s.Bundle(), "now: "+now)
	}
	s := g.script("now")
	d := disclose("phone", "1")
	d.Until = "2027-01-31"
	told := s.Say(first, d)
	o := s.Say(first, offer(base))
	a := s.Say(second, accept(o, base))
	s.Say(first, &firsthand.TermsEnd{Agreement: a, From: "2027-02-01"})
	s.Say(second, &firsthand.Ask{Fact: "email", Purpose: "ServiceProvision", Why: "to write", Until: "2027-01-31"})
	s.Say(first, change(told, "phone", "2"))
	s.Say(first, &firsthand.Pause{Until: "2027-01-31"})
	at("now-before", "the last minute of a day", s, "2027-01-31T23:59:59Z")
	at("now-after", "and the first of the next", s, "2027-02-01T00:00:00Z")
	s.Say(first, &firsthand.Pause{Until: "2026-11-20"})
	s.Say(second, &firsthand.Close{})
	at("now-closed", "a pause lifted, and a relationship closed", s, "2026-11-22T00:00:00Z")
}
