package conformance_test

import (
	"strings"

	"firsthand"
	"firsthand/conformance"
)

func message(text string) *firsthand.Message { return &firsthand.Message{Text: text} }

func chainVectors(g *generator) {
	begun := func(name string) *conformance.Script {
		s := g.script(name)
		s.Say(first, message("Hello."))
		s.Say(second, message("Good morning."))
		return s
	}
	s := begun("chain")
	s.Say(second, message("How can I help?"))
	s.SaySeeing(first, 2, message("Is anybody there?"))
	s.Say(first, message("Ah."))
	g.bundle("chain", "accept", "two logs; one entry crossed another on the way", s)

	s = begun("alone")
	s.Logs[1] = nil
	s.Logs[0] = s.Logs[0][:1]
	g.bundle("chain-first-alone", "accept", "she opened, and nobody has answered yet", s)

	s = begun("prev")
	d := s.Draft(first, conformance.Body(message("x")))
	d.Prev = s.Logs[0][0].ID
	g.wrong("prev-skips", "log-prev", "prev names an entry before the one before", s, d)
	s = begun("prev-other")
	d = s.Draft(first, conformance.Body(message("x")))
	d.Prev = s.Logs[1][1].ID
	g.wrong("prev-of-other-log", "log-prev", "prev names an entry of the other log", s, d)
	s = begun("prev-none")
	d = s.Draft(first, conformance.Body(message("x")))
	d.Prev = firsthand.ID{}
	g.wrong("prev-empty", "log-prev", "prev names nothing", s, d)

	s = begun("gap")
	d = s.Draft(second, conformance.Body(message("x")))
	d.Seq++
	g.wrong("gap", "log-gap", "a place is left out", s, d)
	s = begun("missing")
	s.Say(second, message("x"))
	s.Say(second, message("y"))
	s.Logs[1] = append(s.Logs[1][:2:2], s.Logs[1][3])
	g.bundle("removed", "log-gap", "an entry was taken out of the middle", s)
	s = begun("rewind")
	d = s.Draft(second, conformance.Body(message("x")))
	d.Seq, d.Prev = 2, s.Logs[1][0].ID
	g.wrong("fork", "log-fork", "another entry at a place that is taken", s, d)
	s = begun("replay")
	s.Logs[1] = append(s.Logs[1], s.Logs[1][1])
	g.bundle("replay", "log-known", "the same entry again", s)
	s = begun("replay-salt")
	again := s.Logs[1][1]
	again.Erased = true
	s.Logs[1] = append(s.Logs[1], again)
	g.bundle("replay-without-body", "log-known", "the same entry again, without its body", s)

	s = begun("rel")
	d = s.Draft(first, conformance.Body(message("x")))
	d.Rel = someID
	g.wrong("rel-other", "log-rel", "an entry of another relationship", s, d)
	s = begun("rel-empty")
	d = s.Draft(first, conformance.Body(message("x")))
	d.Rel = firsthand.ID{}
	g.wrong("rel-empty", "log-rel", "only the first entry of all has no rel", s, d)
	s = begun("rel-second")
	other := begun("another relationship with the same company")
	s.Logs[1] = append(s.Logs[1], other.Logs[1][1])
	g.bundle("rel-moved", "log-rel", "an entry that the same key signed in another relationship", s)

	s = begun("back")
	d = s.Draft(first, conformance.Body(message("x")))
	s.See(&d, 2)
	s.Add(d)
	d = s.Draft(first, conformance.Body(message("y")))
	s.See(&d, 1)
	g.wrong("seen-back", "log-seen-back", "seen goes back", s, d)
	s = begun("back-zero")
	s.Say(first, message("x"))
	d = s.Draft(first, conformance.Body(message("y")))
	s.See(&d, 0)
	g.wrong("seen-forgotten", "log-seen-back", "seen goes back to nothing", s, d)
	s = begun("seen")
	d = s.Draft(first, conformance.Body(message("x")))
	d.Seen.ID = s.Logs[1][0].ID
	g.wrong("seen-other", "log-seen", "seen names another entry than the one at its place", s, d)
	s = begun("seen-own")
	d = s.Draft(first, conformance.Body(message("x")))
	d.Seen.ID = s.Logs[0][1].ID
	g.wrong("seen-own", "log-seen", "seen names an entry of the writer's own log", s, d)
	s = begun("seen-id-empty")
	d = s.Draft(first, conformance.Body(message("x")))
	d.Seen.ID = firsthand.ID{}
	g.wrong("seen-without-id", "log-seen", "a place without an id", s, d)
	s = g.script("seen-id-only")
	d = s.Draft(first, conformance.Body(message("x")))
	d.Seen = firsthand.Head{ID: s.Logs[1][0].ID}
	g.wrong("seen-without-seq", "log-seen", "an id without a place", s, d)
	s = begun("seen-future")
	d = s.Draft(first, conformance.Body(message("x")))
	d.Seen = firsthand.Head{Seq: 3, ID: someID}
	g.wrong("seen-unknown", "log-seen-unknown", "has seen an entry that nobody has written", s, d)
	s = begun("cut")
	s.Say(second, message("x"))
	s.Say(first, message("y"))
	s.Logs[1] = s.Logs[1][:2]
	g.bundle("seen-cut-off", "log-seen-unknown", "has seen an entry that the bundle leaves out", s)
	s = begun("second only")
	s.Logs[0] = nil
	g.bundle("second-alone", "log-seen-unknown", "the log of second without that of first", s)

	s = begun("signature")
	d = s.Draft(second, conformance.Body(message("x")))
	d.Seed = s.Seed("another")
	g.wrong("signature-other-key", "entry-signature", "signed by another key", s, d)
	s = begun("signature-other-side")
	d = s.Draft(second, conformance.Body(message("x")))
	d.Seed = s.Keys[0]
	g.wrong("signature-other-side", "entry-signature", "signed by the other side", s, d)
	s = begun("signature-next")
	d = s.Draft(second, conformance.Body(message("x")))
	d.Seed = s.Next[1]
	g.wrong("signature-next-key", "entry-signature", "signed by the next key, which is not in force", s, d)
	s = begun("signature-changed")
	d = s.Draft(second, conformance.Body(message("x")))
	sum := s.Sign(d).Signed
	d.Mangle = func(signed string) string { // the payload of another entry under the signature of this one
		d := s.Draft(second, conformance.Body(message("y")))
		other := s.Sign(d).Signed
		return other[:strings.LastIndexByte(other, '.')] + sum[strings.LastIndexByte(sum, '.'):]
	}
	d.Shown = d.Body
	g.wrong("signature-of-another", "body-commitment", "a signature moved to another entry; its body doesn't fit", s, d)
	s = begun("signature-s")
	d = s.Draft(second, conformance.Body(message("x")))
	d.Mangle = addOrder
	g.wrong("signature-malleable", "entry-signature", "the same signature written in a second way, with S+L", s, d)

	s = begun("time")
	d = s.Draft(second, conformance.Body(message("from the future")))
	d.At = s.Now.AddDate(7000, 0, 0)
	s.Add(d)
	d = s.Draft(second, conformance.Body(message("from the past")))
	d.At = s.Now.AddDate(-2000, 0, 0)
	s.Add(d)
	g.bundle("times", "accept", "times are claims: they change no order", s)
}

// addOrder adds the order of the group to S of a signature.
func addOrder(signed string) string {
	dot := strings.LastIndexByte(signed, '.')
	sig := unb64(signed[dot+1:])
	order := unhex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
	carry := 0
	for i, b := range order {
		sum := int(sig[32+i]) + int(b) + carry
		sig[32+i], carry = byte(sum), sum>>8
	}
	return signed[:dot+1] + b64(sig)
}

func openVectors(g *generator) {
	unopened := func(name string) *conformance.Script { return conformance.NewScriptUnopened("vector open " + name) }
	try := func(name, rule, comment string, change func(s *conformance.Script, o *firsthand.Open, d *conformance.Draft)) {
		s := unopened(name)
		open := s.Open(first)
		d := s.Draft(first, "")
		change(s, open, &d)
		if d.Body == "" {
			d.Body = conformance.Body(open)
		}
		g.wrong("open-"+name, rule, comment, s, d)
	}
	try("domain", "accept", "her opening", func(*conformance.Script, *firsthand.Open, *conformance.Draft) {})
	for _, role := range []string{"delegate", "person", "thing"} {
		try("as-"+role, "accept", "opened by a "+role, func(_ *conformance.Script, o *firsthand.Open, _ *conformance.Draft) { o.Role = role })
	}
	try("as-company", "open-body", "a company doesn't open", func(_ *conformance.Script, o *firsthand.Open, _ *conformance.Draft) { o.Role = "company" })
	try("no-domain", "open-body", "with nobody", func(_ *conformance.Script, o *firsthand.Open, _ *conformance.Draft) { o.Domain = "" })
	try("bad-domain", "open-body", "with what is no domain", func(_ *conformance.Script, o *firsthand.Open, _ *conformance.Draft) { o.Domain = "acme.example/evil" })
	try("message", "open-body", "a log begins with open", func(_ *conformance.Script, _ *firsthand.Open, d *conformance.Draft) {
		d.Body = conformance.Body(message("Hello."))
	})
	try("no-body", "open-body", "an opening without its body", func(_ *conformance.Script, _ *firsthand.Open, d *conformance.Draft) { d.Erased = true })
	try("rel", "open-first", "the first entry of all belongs to a relationship already", func(_ *conformance.Script, _ *firsthand.Open, d *conformance.Draft) { d.Rel = someID })
	try("seen", "open-first", "the first entry of all has seen something", func(_ *conformance.Script, _ *firsthand.Open, d *conformance.Draft) {
		d.Seen = firsthand.Head{Seq: 1, ID: someID}
	})
	try("signature", "entry-signature", "signed by another key than the one it brings", func(s *conformance.Script, _ *firsthand.Open, d *conformance.Draft) { d.Seed = s.Next[0] })
	try("weak-key", "key-small-order", "her key is a point of small order", func(_ *conformance.Script, o *firsthand.Open, _ *conformance.Draft) {
		o.Key = firsthand.PublicKey(unhex(smallOrder[1]))
	})
	try("weak-company-key", "key-small-order", "the key that she pins is a point of small order", func(_ *conformance.Script, o *firsthand.Open, _ *conformance.Draft) {
		o.CompanyKey = firsthand.PublicKey(unhex(smallOrder[0]))
	})

	answer := func(name, rule, comment string, change func(s *conformance.Script, o *firsthand.Open, d *conformance.Draft)) {
		s := unopened("answer " + name)
		s.Say(first, s.Open(first))
		s.Say(first, message("Hello?"))
		open := s.Open(second)
		d := s.Draft(second, "")
		change(s, open, &d)
		if d.Body == "" {
			d.Body = conformance.Body(open)
		}
		g.wrong("answer-"+name, rule, comment, s, d)
	}
	answer("later", "accept", "the company opens its log; it has seen her opening alone, whatever came after", func(*conformance.Script, *firsthand.Open, *conformance.Draft) {})
	answer("as-person", "accept", "second may be a person", func(_ *conformance.Script, o *firsthand.Open, _ *conformance.Draft) { o.Role = "person" })
	answer("as-customer", "open-body", "second is no customer", func(_ *conformance.Script, o *firsthand.Open, _ *conformance.Draft) { o.Role = "customer" })
	answer("domain", "open-body", "second names no company", func(_ *conformance.Script, o *firsthand.Open, _ *conformance.Draft) { o.Domain = "acme.example" })
	answer("company-key", "open-body", "second pins no key", func(s *conformance.Script, o *firsthand.Open, _ *conformance.Draft) {
		o.CompanyKey = conformance.Public(s.Keys[1])
	})
	answer("rel", "log-rel", "it belongs to another relationship", func(_ *conformance.Script, _ *firsthand.Open, d *conformance.Draft) { d.Rel = someID })
	answer("seen-more", "open-second", "it has seen more than the opening", func(s *conformance.Script, _ *firsthand.Open, d *conformance.Draft) { s.See(d, 2) })
	answer("seen-nothing", "open-second", "it has seen nothing", func(s *conformance.Script, _ *firsthand.Open, d *conformance.Draft) { s.See(d, 0) })
	answer("pinned", "open-pinned", "another key than the one she pinned", func(s *conformance.Script, o *firsthand.Open, d *conformance.Draft) {
		d.Seed = s.Seed("usurper")
		o.Key = conformance.Public(d.Seed)
	})
	answer("prev", "log-prev", "the first entry of a log has none before it", func(s *conformance.Script, _ *firsthand.Open, d *conformance.Draft) { d.Prev = s.Rel })

	s := unopened("unpaired")
	open := s.Open(first)
	open.CompanyKey = firsthand.PublicKey{}
	s.Say(first, open)
	s.Say(first, &firsthand.Note{Saw: "sent", Text: "The letter."})
	g.bundle("open-unpaired", "accept", "a log with a company that has no gateway", s)
	d := s.Draft(second, conformance.Body(s.Open(second)))
	g.wrong("answer-unpaired", "open-unpaired", "nobody answers an unpaired log", s, d)

	s = unopened("twice")
	s.Say(first, s.Open(first))
	s.Say(second, s.Open(second))
	d = s.Draft(first, conformance.Body(s.Open(first)))
	g.wrong("open-twice", "open-once", "an opening within a log: it would bring a key that nothing committed to", s, d)
}

func rotateVectors(g *generator) {
	s := g.script("rotate")
	s.Rotate(first, 0)
	s.Say(first, message("with the new key"))
	s.Rotate(second, 0)
	s.Say(second, message("with the new key"))
	s.Rotate(first, 0)
	s.Say(first, message("with the one after"))
	g.bundle("rotate", "accept", "both sides rotate, she twice", s)

	try := func(name, rule, comment string, side firsthand.Side, change func(s *conformance.Script, r *firsthand.Rotate, d *conformance.Draft)) {
		s := g.script("rotate " + name)
		s.Say(first, message("Hello."))
		s.Say(second, message("Good morning."))
		old := s.Keys
		d := s.RotateDraft(side, 0)
		i := map[firsthand.Side]int{first: 0, second: 1}[side]
		r := &firsthand.Rotate{Key: conformance.Public(s.Keys[i]), Next: conformance.Public(s.Next[i]).Hash(), Label: s.Labels[i]}
		s.Keys = old
		change(s, r, &d)
		if r != nil && !strings.Contains(d.Body, "broken") {
			d.Body = conformance.Body(r)
		}
		g.wrong("rotate-"+name, rule, comment, s, d)
	}
	try("current-key", "entry-signature", "signed by the key in force, which a thief may have", second, func(s *conformance.Script, _ *firsthand.Rotate, d *conformance.Draft) { d.Seed = s.Keys[1] })
	try("to-current-key", "rotate-next", "to the key in force, which nothing committed to", second, func(s *conformance.Script, r *firsthand.Rotate, d *conformance.Draft) {
		d.Seed, r.Key = s.Keys[1], conformance.Public(s.Keys[1])
	})
	try("own-key", "rotate-next", "a thief with her key in force can't rotate to one of his own", first, func(s *conformance.Script, r *firsthand.Rotate, d *conformance.Draft) {
		d.Seed = s.Seed("thief")
		r.Key = conformance.Public(d.Seed)
	})
	try("broken", "rotate-body", "a rotation that can't be read", second, func(_ *conformance.Script, _ *firsthand.Rotate, d *conformance.Draft) {
		d.Body = `{"kind":"rotate","broken":1}`
	})
	try("no-body", "entry-signature", "a rotation without its body can't be told from another entry", second, func(_ *conformance.Script, _ *firsthand.Rotate, d *conformance.Draft) { d.Erased = true })
	try("disown-by-second", "rotate-disown", "a company disowns nothing", second, func(_ *conformance.Script, r *firsthand.Rotate, _ *conformance.Draft) { r.Disown = 2 })
	try("disown-open", "rotate-disown", "her opening can't be disowned: its key is hers", first, func(_ *conformance.Script, r *firsthand.Rotate, _ *conformance.Draft) { r.Disown = 1 })
	try("disown-itself", "rotate-disown", "a rotation can't disown itself", first, func(_ *conformance.Script, r *firsthand.Rotate, d *conformance.Draft) { r.Disown = d.Seq })
	try("disown-future", "rotate-disown", "nor what comes after it", first, func(_ *conformance.Script, r *firsthand.Rotate, d *conformance.Draft) { r.Disown = d.Seq + 1 })
	try("disown", "accept", "she disowns an entry that a thief wrote", first, func(_ *conformance.Script, r *firsthand.Rotate, _ *conformance.Draft) { r.Disown = 2 })

	s = conformance.NewScriptUnopened("vector rotate weak")
	weak := firsthand.PublicKey(unhex(smallOrder[4]))
	open := s.Open(first)
	s.Say(first, open)
	open = s.Open(second)
	open.Next = weak.Hash()
	s.Say(second, open)
	d := s.Draft(second, conformance.Body(&firsthand.Rotate{Key: weak, Next: weak.Hash()}))
	g.wrong("rotate-weak-key", "key-small-order", "to a key with which a signature proves nothing, though it was committed to", s, d)
	s = g.script("rotate old key")
	s.Say(second, message("x"))
	old := s.Keys[1]
	s.Rotate(second, 0)
	d = s.Draft(second, conformance.Body(message("y")))
	d.Seed = old
	g.wrong("signature-old-key", "entry-signature", "signed by a key that was replaced", s, d)
}

func forkVectors(g *generator) {
	evidence := func(name, rule, comment string, s *conformance.Script, d conformance.Draft) {
		d = s.Sign(d)
		g.add("bundle/"+name, rule, comment, s.Bundle("evidence "+d.Line()))
	}
	begun := func(name string) (*conformance.Script, conformance.Draft) {
		s := g.script(name)
		d := s.Draft(second, conformance.Body(message("I never said that.")))
		s.Say(second, message("I say this."))
		return s, d
	}
	s, d := begun("evidence")
	evidence("evidence", "accept", "two entries at one place, both signed by the company: proof for anyone that it forked its log", s, d)
	s, d = begun("evidence-erased")
	d.Erased = true
	evidence("evidence-without-body", "accept", "the proof needs no body", s, d)
	s, d = begun("evidence-rotate")
	s.Say(second, message("And this."))
	d = s.RotateDraft(second, 0)
	d.Seq, d.Prev, d.Seen = 2, s.Logs[1][0].ID, s.Logs[1][1].Seen
	evidence("evidence-rotate", "accept", "a rotation to the key committed to, at a place that is taken", s, d)
	s, d = begun("evidence-before-rotate")
	s.Rotate(second, 0)
	evidence("evidence-before-rotate", "accept", "signed by the key that was in force at that place, and was replaced later", s, d)
	s, d = begun("evidence-open")
	d = s.Draft(second, strings.Replace(s.Logs[1][0].Body, `"company"`, `"person"`, 1))
	d.Seq, d.Prev, d.Seen = 1, firsthand.ID{}, s.Logs[1][0].Seen
	evidence("evidence-open", "accept", "a company that opened one log twice", s, d)

	s, d = begun("evidence-same")
	evidence("evidence-same", "fork-evidence", "the entry that is there is no evidence", s, s.Logs[1][1])
	s, d = begun("evidence-other-key")
	d.Seed = s.Seed("slanderer")
	evidence("evidence-other-key", "fork-evidence", "signed by somebody else", s, d)
	s, d = begun("evidence-other-side")
	d.Seed = s.Keys[0]
	evidence("evidence-by-customer", "fork-evidence", "signed by the one who accuses", s, d)
	s, d = begun("evidence-rel")
	d.Rel = someID
	evidence("evidence-other-rel", "fork-evidence", "an entry of another relationship", s, d)
	s, d = begun("evidence-future")
	d.Seq = 3
	evidence("evidence-no-place", "fork-evidence", "at a place where the log has no entry", s, d)
	s, _ = begun("evidence-old-key")
	old := s.Keys[1]
	s.Rotate(second, 0)
	d = s.Draft(second, conformance.Body(message("x")))
	s.Say(second, message("y"))
	d.Seed = old
	evidence("evidence-old-key", "fork-evidence", "signed by a key that had been replaced, and may have been stolen since", s, d)
	s, _ = begun("evidence-not-next")
	d = s.Draft(second, "")
	thief := s.Seed("thief")
	d.Body = conformance.Body(&firsthand.Rotate{Key: conformance.Public(thief), Next: conformance.Public(thief).Hash()})
	d.Seq, d.Prev, d.Seed = 2, s.Logs[1][0].ID, thief
	evidence("evidence-not-next-key", "fork-evidence", "a rotation to a key that nothing committed to", s, d)
	s, d = begun("evidence-body")
	d.Shown = conformance.Body(message("something else"))
	evidence("evidence-other-body", "body-commitment", "evidence with a body that doesn't fit", s, d)

	s, d = begun("reconcile")
	d = s.Sign(d)
	s.Say(second, &firsthand.Reconcile{Seq: 2, Stands: s.Logs[1][1].ID, Lost: d.ID})
	g.add("bundle/reconcile", "accept", "the company names the branch that stands", s.Bundle("evidence "+d.Line()))
	for name, change := range map[string]func(s *conformance.Script, r *firsthand.Reconcile){
		"stands-elsewhere": func(s *conformance.Script, r *firsthand.Reconcile) { r.Seq = 1 },
		"future":           func(s *conformance.Script, r *firsthand.Reconcile) { r.Seq = 9 },
		"itself":           func(s *conformance.Script, r *firsthand.Reconcile) { r.Seq = 3 },
		"swapped":          func(s *conformance.Script, r *firsthand.Reconcile) { r.Stands, r.Lost = r.Lost, r.Stands },
		"not-lost":         func(s *conformance.Script, r *firsthand.Reconcile) { r.Lost = s.Logs[1][0].ID },
	} {
		s, d := begun("reconcile " + name)
		r := &firsthand.Reconcile{Seq: 2, Stands: s.Logs[1][1].ID, Lost: s.Sign(d).ID}
		change(s, r)
		s.Say(second, r)
		g.bundle("reconcile-"+name, "accept", "a branch that stands is in the log at its place, and the lost one isn't: flagged", s)
	}
}
