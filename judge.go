package firsthand

import "slices"

// judge says why e, which says c, has no effect, if it has none: a wrong side, a
// reference to nothing, a disclosure without a basis. It looks only at e's own
// cut. The other side's copy comes to the same verdict, so a wrong entry is kept
// as what it is, evidence, and both go on.
func (s *State) judge(e *Entry, c Content) error {
	if c == nil {
		_, err := DecodeBody(e.Body)
		return err
	}
	kind := c.Kind()
	if !kind.MayWrite(e.Side) {
		return flag("kind-side", "%s may not write %s", e.Side, kind)
	}
	if kind == "note" && !s.Unpaired() {
		return flag("kind-unpaired", "note belongs into an unpaired log")
	}
	if !kinds[kind].afterClose && (sees(e, s.closed[0]) || sees(e, s.closed[1])) {
		return flag("kind-closed", "%s after the relationship was closed", kind)
	}
	switch c := c.(type) {
	case *Close:
		if sees(e, s.closed[e.Side.index()]) {
			return flag("close-once", "this side closed already")
		}
	case *Reconcile:
		if !sees(e, Pos{e.Side, c.Seq}) || s.Log(e.Side).ID(c.Seq) != c.Stands || sees(e, s.Pos(c.Lost)) {
			return flag("reconcile-branch", "the branch that stands is not the one in the log")
		}
	case *TermsAccept:
		o, ok, err := refer[*Offer](s, e, c.Offer, "terms.offer")
		if err != nil || !ok {
			return err
		}
		if !slices.Contains(o.Terms, c.Terms) {
			return flag("terms-offered", "accepts what was not offered")
		}
		return s.judgeAnswer(e, c.Offer)
	case *TermsCounter:
		return s.judgeAnswer(e, c.Offer)
	case *TermsRefuse:
		return s.judgeAnswer(e, c.Offer)
	case *TermsTake:
		o, ok, err := refer[*Offer](s, e, c.Counter, "terms.counter")
		if err != nil || !ok {
			return err
		}
		if sees(e, o.taken) {
			return flag("terms-round", "the counter was taken already")
		}
	case *TermsEnd:
		a, ok, err := refer[*Agreement](s, e, c.Agreement, "terms.accept", "terms.take")
		if err != nil || !ok {
			return err
		}
		for _, p := range a.ended {
			if p.Side == e.Side && sees(e, p) {
				return flag("terms-ended", "this side ended the agreement already")
			}
		}
	case *Challenge:
		_, _, err := refer[*ClaimState](s, e, c.Claim, "claim")
		return err
	case *Proof:
		_, _, err := refer[*ClaimState](s, e, c.Challenge, "challenge")
		return err
	case *Bound:
		if _, _, err := refer[*ClaimState](s, e, c.Proof, "proof"); err != nil {
			return err
		}
		if s.Binding != nil && sees(e, s.Binding.made) {
			return flag("bound-once", "the relationship is bound already")
		}
	case *Disclose:
		if !c.Ask.IsZero() {
			if _, _, err := refer[*AskState](s, e, c.Ask, "ask"); err != nil {
				return err
			}
		}
		return s.judgeBasis(e, c.Basis)
	case *Change:
		if !c.Of.IsZero() {
			h, ok, err := refer[*Holding](s, e, c.Of, "disclose", "change")
			if err != nil {
				return err
			}
			if ok && (h.Fact != c.Fact || !s.began(h, c.Of) || sees(e, h.withdrawn)) {
				return flag("change-holding", "begins no live holding of %s", c.Fact)
			}
		}
		return s.judgeBasis(e, c.Basis)
	case *Withdraw:
		h, ok, err := refer[*Holding](s, e, c.Disclosure, "disclose", "change")
		if err != nil || !ok {
			return err
		}
		if !s.began(h, c.Disclosure) {
			return flag("withdraw-holding", "begins no holding")
		}
		if sees(e, h.withdrawn) {
			return flag("withdraw-once", "withdrawn already")
		}
	case *Decline:
		a, ok, err := refer[*AskState](s, e, c.Ask, "ask")
		if err == nil && ok && sees(e, a.answered) {
			return flag("ask-answered", "the ask was answered already")
		}
		return err
	case *Applied:
		return s.judgeApplied(e, c)
	case *Refused:
		return s.judgeOutcome(e, c.Entry)
	case *Message:
		if !c.Thread.IsZero() {
			_, _, err := refer[*Said[*Message]](s, e, c.Thread, "message")
			return err
		}
	case *Answer:
		r, ok, err := refer[*RequestState](s, e, c.Request, "request")
		if err != nil || !ok {
			return err
		}
		if r.Answer != nil && r.Answer.Say.Outcome != "extended" {
			return flag("answer-once", "the request was answered already")
		}
		if c.Outcome == "extended" && (r.Answer != nil || c.Due > monthsAfter(r.Say.Due.start(), 2)) {
			return flag("answer-extended", "extended a second time, or by more than two months")
		}
	case *Note:
		if !c.Entry.IsZero() && !sees(e, s.Pos(c.Entry)) {
			return flag("ref-unknown", "a note about what is not there")
		}
	}
	return nil
}

// judgeAnswer is the common part of the answers to an offer: there is one, and it
// comes before the offer ends by the answerer's own clock.
func (s *State) judgeAnswer(e *Entry, offer ID) error {
	o, ok, err := refer[*Offer](s, e, offer, "terms.offer")
	if err != nil || !ok {
		return err
	}
	if sees(e, o.answered) {
		return flag("terms-round", "the offer was answered already: there is one round")
	}
	if o.Until.Over(e.At) {
		return flag("terms-until", "the offer has ended")
	}
	return nil
}

// began reports whether the entry id began h. Others that changed it may be erased,
// and then what refers to them would come to nothing.
func (s *State) began(h *Holding, id ID) bool { return h.Entry == id || s.known[id].void }

// judgeBasis holds that nothing is disclosed without a basis. An agreement must
// have been made, and not ended by either side, in e's own cut. Its end date is
// a matter of time, which State.At reads; what its clauses cover is asked of
// package terms.
func (s *State) judgeBasis(e *Entry, b Basis) error {
	if b.Agreement.IsZero() {
		return nil // a right or an exception, recorded as such
	}
	a, ok, err := refer[*Agreement](s, e, b.Agreement, "terms.accept", "terms.take")
	if err != nil || !ok {
		return flag("basis-agreement", "no agreement of this entry")
	}
	for _, p := range a.ended {
		if sees(e, p) {
			return flag("basis-agreement", "the agreement has been ended")
		}
	}
	return nil
}

// judgeOutcome holds that an outcome is one of first's entries that the
// company's systems could apply.
func (s *State) judgeOutcome(e *Entry, of ID) error {
	_, _, err := refer[any](s, e, of, "disclose", "change", "withdraw", "message", "request")
	if err == nil && s.Pos(of).Side != First {
		return flag("ref-kind", "an outcome of the company's own entry")
	}
	return err
}

// judgeApplied holds besides that the value read back is the one given, and that
// no record was written over that is not proved to be hers.
func (s *State) judgeApplied(e *Entry, c *Applied) error {
	if err := s.judgeOutcome(e, c.Entry); err != nil {
		return err
	}
	k := s.known[c.Entry]
	if k.void {
		return nil
	}
	var want ID
	if !k.value.IsZero() {
		want = k.value.MAC(k.salt)
	}
	if c.Value != want && !(c.Reported && c.Value.IsZero()) {
		return flag("applied-value", "the value read back is not the one given")
	}
	if h, ok := k.effect.(*Holding); ok && h.Origin == Stated && (s.Binding == nil || !sees(e, s.Binding.made)) {
		return flag("applied-bound", "a change of a record that the relationship is not bound to")
	}
	return nil
}
