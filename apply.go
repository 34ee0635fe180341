package firsthand

// apply gives e, which was judged valid and says c, its effect. k is what is
// remembered of e.
func (s *State) apply(e *Entry, c Content, k *known) {
	switch c := c.(type) {
	case *Close:
		s.Closed, s.closed[e.Side.index()] = append(s.Closed, said(e, c)), k.pos
		for _, h := range s.Holdings {
			if h.Origin == Told && h.Withdraw.IsZero() {
				s.owe(Second, "erase", h.Entry, OneMonthAfter(e.At))
			}
		}
		for _, id := range s.lost {
			s.oweErasing(id, e)
		}
	case *Pause:
		s.Pauses = append(s.Pauses, said(e, c))
	case *Rotate:
		if c.Disown > 0 {
			s.stale = true
		}
	case *Erased:
		s.applyErased(e, c)
	case *Reconcile:
		s.Reconciled = append(s.Reconciled, said(e, c))
	case *TermsOffer, *TermsAccept, *TermsCounter, *TermsRefuse, *TermsTake, *TermsEnd:
		s.applyTerms(e, c, k)
	case *Claim:
		claim := &ClaimState{Entry: e.ID, Say: c, At: e.At}
		s.Claims, k.effect = append(s.Claims, claim), claim
	case *Challenge:
		if claim := effectOf[*ClaimState](s, c.Claim); claim != nil {
			claim.Challenge, k.effect = said(e, c), claim
		}
	case *Proof:
		if claim := effectOf[*ClaimState](s, c.Challenge); claim != nil {
			claim.Proof, k.effect = said(e, c), claim
		}
	case *Bound:
		if s.Binding == nil {
			s.Binding = &Binding{Entry: e.ID, System: c.System, Record: c.Record, At: e.At, made: k.pos}
			for _, h := range s.Holdings {
				h.Proposed = false
			}
		}
	case *Ask:
		ask := &AskState{Entry: e.ID, Say: c, At: e.At, made: k.pos}
		s.Asks, k.effect = append(s.Asks, ask), ask
	case *Decline:
		s.answerAsk(c.Ask, e, k)
	case *Disclose:
		h := &Holding{Entry: e.ID, Fact: c.Fact, Value: c.Value, Origin: Told, Purpose: c.Purpose,
			Basis: c.Basis, Until: c.Until, Since: e.At, Last: e.ID, made: k.pos}
		s.Holdings, k.effect, k.value = append(s.Holdings, h), h, c.Value
		s.answerAsk(c.Ask, e, k)
		if c.Until != "" {
			s.owe(Second, "erase", e.ID, c.Until)
		}
	case *Change:
		s.applyChange(e, c, k)
	case *Withdraw:
		h := effectOf[*Holding](s, c.Disclosure)
		if h == nil { // erased, and no change goes on with it, nor can one later
			h = &Holding{Entry: c.Disclosure}
			s.known[c.Disclosure].effect = h
		} else {
			s.owe(Second, "erase", h.Entry, OneMonthAfter(e.At))
		}
		s.oweErasing(c.Disclosure, e)
		h.Withdraw, h.withdrawn, k.effect = e.ID, k.pos, c
	case *Holds:
		s.applyHolds(e, c, k)
	case *Applied:
		s.Outcomes[c.Entry] = &Outcome{Entry: e.ID, Of: c.Entry, Applied: true, System: c.System, Record: c.Record, Reported: c.Reported, At: e.At}
		s.discharge("apply", c.Entry, e)
	case *Refused:
		s.Outcomes[c.Entry] = &Outcome{Entry: e.ID, Of: c.Entry, Reason: c.Reason, At: e.At}
		s.discharge("apply", c.Entry, e)
	case *Message:
		m := said(e, c)
		s.Messages, k.effect = append(s.Messages, m), m
	case *Request:
		r := &RequestState{Entry: e.ID, Say: c, At: e.At, Due: c.Due}
		s.Requests, k.effect = append(s.Requests, r), r
		s.owe(Second, "answer", e.ID, c.Due)
	case *Answer:
		s.applyAnswer(e, c)
	case *Note:
		s.Notes = append(s.Notes, said(e, c))
	}
}

func said[T Content](e *Entry, c T) *Said[T] {
	return &Said[T]{Entry: e.ID, Side: e.Side, At: e.At, Say: c}
}

// owe adds a duty. Where the same is owed already, the earlier date holds.
func (s *State) owe(owner Side, what string, of ID, due Date) {
	key := owed{what, of}
	if d := s.duties[key]; d != nil && d.Done.IsZero() {
		d.Due = min(d.Due, due)
		return
	}
	d := &Duty{Owner: owner, What: what, Of: of, Due: due}
	s.Duties, s.duties[key] = append(s.Duties, d), d
}

// discharge marks the duty as done by e, if e's writer owes it.
func (s *State) discharge(what string, of ID, e *Entry) {
	if d := s.duties[owed{what, of}]; d != nil && d.Owner == e.Side && d.Done.IsZero() {
		d.Done = e.ID
	}
}

func (s *State) applyTerms(e *Entry, c Content, k *known) {
	switch c := c.(type) {
	case *TermsOffer:
		o := &Offer{Entry: e.ID, Terms: c.Terms, Until: c.Until, At: e.At}
		s.Offers, k.effect = append(s.Offers, o), o
	case *TermsAccept:
		if o := effectOf[*Offer](s, c.Offer); o != nil {
			o.answered, o.taken, o.Taken = k.pos, k.pos, e.ID
			s.agree(e, c.Terms, k)
		}
	case *TermsCounter:
		if o := effectOf[*Offer](s, c.Offer); o != nil {
			o.answered, o.Counter, o.Counted = k.pos, &c.Terms, e.ID
			k.effect = o
		}
	case *TermsRefuse:
		if o := effectOf[*Offer](s, c.Offer); o != nil {
			o.answered, o.Refused = k.pos, c.Reason
		}
	case *TermsTake:
		if o := effectOf[*Offer](s, c.Counter); o != nil {
			o.taken, o.Taken = k.pos, e.ID
			s.agree(e, *o.Counter, k)
		}
	case *TermsEnd:
		if a := effectOf[*Agreement](s, c.Agreement); a != nil {
			a.ended = append(a.ended, k.pos)
			if a.End == "" || c.From < a.End { // the earlier end holds
				a.End = c.From
			}
		}
	}
}

func (s *State) agree(e *Entry, t TermsRef, k *known) {
	a := &Agreement{Entry: e.ID, Terms: t, At: e.At, made: k.pos}
	s.Agreements, k.effect = append(s.Agreements, a), a
}

func (s *State) answerAsk(id ID, e *Entry, k *known) {
	if a := effectOf[*AskState](s, id); a != nil && a.Answered.IsZero() {
		a.Answered, a.answered = e.ID, k.pos
	}
}

// applyChange gives the holding its new value, or makes one: of what she states
// that the company has from before, and of what goes on although the entry that
// began it was erased.
func (s *State) applyChange(e *Entry, c *Change, k *known) {
	h := effectOf[*Holding](s, c.Of)
	if h == nil {
		h = &Holding{Entry: e.ID, Fact: c.Fact, Origin: Stated, Basis: c.Basis, Since: e.At, made: k.pos}
		if began := s.known[c.Of]; began != nil {
			began.effect = h // for the next change, and the withdrawal
			if began.kind == "disclose" {
				h.Origin = Told
			}
		}
		h.Proposed = h.Origin == Stated && s.Binding == nil
		s.Holdings = append(s.Holdings, h)
	}
	h.Value, h.Last = c.Value, e.ID
	k.effect, k.value = h, c.Value
	s.owe(Second, "apply", e.ID, OneMonthAfter(e.At))
}

// applyHolds replaces what the company said before of the same fact and origin.
func (s *State) applyHolds(e *Entry, c *Holds, k *known) {
	key := held{c.Fact, c.Origin}
	if h := s.held[key]; h != nil {
		h.Value, h.Last, k.effect = c.Value, e.ID, h
		return
	}
	h := &Holding{Entry: e.ID, Fact: c.Fact, Value: c.Value, Origin: c.Origin, Purpose: c.Source, Since: e.At, Last: e.ID, made: k.pos}
	s.Holdings, s.held[key], k.effect = append(s.Holdings, h), h, h
}

func (s *State) applyAnswer(e *Entry, c *Answer) {
	r := effectOf[*RequestState](s, c.Request)
	if r != nil {
		r.Answer = said(e, c)
	}
	if c.Outcome != "extended" {
		s.discharge("answer", c.Request, e)
	} else if r != nil { // of an erased request nobody knows by how much
		r.Due, s.duties[owed{"answer", c.Request}].Due = c.Due, c.Due
	}
}
