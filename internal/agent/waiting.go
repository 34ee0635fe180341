package agent

import (
	"slices"
	"time"

	"firsthand"
)

// What can wait for her in a relationship.
const (
	WaitAsk     = "ask"     // the company asks for a fact
	WaitCounter = "counter" // it names other terms than she offered
	WaitCode    = "code"    // it has sent a code to the contact that it has on record
	WaitSignIn  = "sign_in" // it shows a code to whom it lets in
	WaitMessage = "message" // it wrote, and she has not written back
	WaitRefused = "refused" // it refused what she told or changed
	WaitAnswer  = "answer"  // it answered a right that she claimed
	WaitLeft    = "left"    // it ended the relationship
	WaitFrozen  = "frozen"  // the logs don't fit together
)

// A Waiting is something in the logs of a relationship that waits for her: a row of
// a cache, made from the fold like Carried.
type Waiting struct {
	Key    string // names it, for Later
	What   string
	Rel    firsthand.ID
	Domain string       // filled in by the store
	Entry  firsthand.ID // that it is about; zero for none
	Fact   string
	Until  firsthand.Date // the last day on which it is of use, "" for always
	Since  time.Time
}

// waiting returns what waits for her in a relationship, in the order of the fold.
func waiting(s *firsthand.State, row *Relationship) (rows []Waiting) {
	add := func(w Waiting) {
		w.Rel, w.Key = s.Rel, w.What+" "+w.Entry.String()
		if w.Entry.IsZero() {
			w.Key = w.What + " " + s.Rel.String()
		}
		rows = append(rows, w)
	}
	if row.Frozen != "" {
		add(Waiting{What: WaitFrozen, Since: later(s.Log(firsthand.First).At, s.Log(firsthand.Second).At)})
	}
	if s.Unpaired() {
		return rows // nobody else writes there
	}
	for _, c := range s.Closed {
		if c.Side == firsthand.Second && len(s.Closed) == 1 {
			add(Waiting{What: WaitLeft, Entry: c.Entry, Since: c.At})
		}
	}
	if len(s.Closed) > 0 {
		return rows
	}
	for _, a := range s.Asks {
		if a.Answered.IsZero() {
			add(Waiting{What: WaitAsk, Entry: a.Entry, Fact: a.Say.Fact, Since: a.At})
		}
	}
	for _, o := range s.Offers {
		if o.Open() && o.Counter != nil {
			_, at, _ := s.Entry(o.Counted)
			add(Waiting{What: WaitCounter, Entry: o.Counted, Until: o.Until, Since: at})
		}
	}
	if c := openChallenge(s); c != nil {
		what := WaitCode
		if c.Say.Way == "sign_in" {
			what = WaitSignIn
		}
		add(Waiting{What: what, Entry: c.Entry, Until: c.Say.Until, Since: c.At})
	}
	if n := len(s.Messages); n > 0 && s.Messages[n-1].Side == firsthand.Second {
		add(Waiting{What: WaitMessage, Entry: s.Messages[n-1].Entry, Since: s.Messages[n-1].At})
	}
	for _, h := range s.Holdings {
		if o := s.Outcomes[h.Last]; o != nil && !o.Applied && h.Withdraw.IsZero() {
			add(Waiting{What: WaitRefused, Entry: o.Entry, Fact: h.Fact, Since: o.At})
		}
	}
	for _, r := range s.Requests {
		if r.Answer != nil {
			add(Waiting{What: WaitAnswer, Entry: r.Answer.Entry, Fact: r.Say.Scope, Since: r.Answer.At})
		}
	}
	return rows
}

// openChallenge returns the last challenge that waits for her proof, or nil.
func openChallenge(s *firsthand.State) *firsthand.Said[*firsthand.Challenge] {
	if s.Binding != nil {
		return nil
	}
	for _, c := range slices.Backward(s.Claims) {
		if c.Challenge != nil {
			return c.Challenge
		}
	}
	return nil
}

// equal reports whether two rows say the same. Domain is the store's.
func (w Waiting) equal(o Waiting) bool {
	same := w.Since.Equal(o.Since)
	w.Since, o.Since, w.Domain, o.Domain = time.Time{}, time.Time{}, "", ""
	return same && w == o
}
