package agent

import (
	"strings"
	"time"

	"firsthand"
)

// byHand are the kinds of entries that have to be carried where there is no gateway.
// The others say something to her own log alone.
var byHand = map[firsthand.Kind]bool{"disclose": true, "change": true, "withdraw": true, "message": true, "request": true, "close": true, "terms.offer": true}

// CachedIn returns what is cached of a relationship beside its row and holdings, as
// the logs say. A store asks it where a file is older than the cache; everybody else
// commits it.
func CachedIn(s *firsthand.State, row *Relationship) ([]Carried, []Waiting) {
	return carried(s), waiting(s, row)
}

// carried returns the rows of the cache of what is on its way.
func carried(s *firsthand.State) (rows []Carried) {
	unpaired := s.Unpaired()
	notes := lastNotes(s)
	due := make(map[firsthand.ID]firsthand.Date)
	for _, d := range s.Duties {
		if d.Done.IsZero() && (d.What == "apply" || d.What == "answer") {
			due[d.Of] = d.Due
		}
	}
	requests := make(map[firsthand.ID]*firsthand.RequestState)
	for _, r := range s.Requests {
		requests[r.Entry] = r
	}
	first := s.Log(firsthand.First)
	for seq := int64(2); seq <= first.Head.Seq; seq++ { // 1 is its opening
		id := first.ID(seq)
		kind, at, effect := s.Entry(id)
		if !effect || kind != "change" && kind != "request" && !(unpaired && byHand[kind]) {
			continue
		}
		row := Carried{Rel: s.Rel, Entry: id, Seq: seq, Kind: kind, Fact: factOf(s, id), Made: at, Due: due[id], Unpaired: unpaired}
		if o := s.Outcomes[id]; o != nil {
			row.Step, row.System, row.Record, row.Why = "refused", o.System, o.Record, o.Reason
			if o.Applied {
				row.Step = "applied"
			}
		}
		if r := requests[id]; r != nil {
			row.Fact = r.Say.Scope
			row.Step, row.Why = answered(r.Answer)
		}
		if n := notes[id]; n != nil {
			row.Why, row.Noted = n.Say.Text, n.At
			row.Step = noted[n.Say.Saw]
		}
		if h := s.Holding(id); unpaired && row.Step == "" && h != nil && (h.Last != id || !h.Withdraw.IsZero()) {
			row.Step = StepReplaced
		}
		rows = append(rows, row)
	}
	return rows
}

// answered returns the step of a request, and the company's words. One that is
// answered in part is answered; what is left open stands in why. An extension is no
// last word.
func answered(a *firsthand.Said[*firsthand.Answer]) (step, why string) {
	if a == nil {
		return "", ""
	}
	switch a.Say.Outcome {
	case "done":
		return StepApplied, a.Say.Text
	case "partly":
		return StepApplied, strings.TrimSuffix("in part: "+a.Say.Text, ": ")
	case "refused":
		return StepRefused, a.Say.Text
	default:
		return "", strings.TrimSuffix("it needs more time: "+a.Say.Text, ": ")
	}
}

// noted says what step an entry has reached by what she saw of it.
var noted = map[string]string{"sent": StepSent, "received": StepReceived, "answer": StepReceived, "applied": StepApplied, "refused": StepRefused, "other": ""}

// lastNotes returns the last note about each entry of an unpaired log: it counts.
func lastNotes(s *firsthand.State) map[firsthand.ID]*firsthand.Said[*firsthand.Note] {
	if !s.Unpaired() {
		return nil // there she has better proof than her own word
	}
	last := make(map[firsthand.ID]*firsthand.Said[*firsthand.Note], len(s.Notes))
	for _, n := range s.Notes {
		last[n.Say.Entry] = n
	}
	return last
}

// factOf returns the fact that an entry of hers is about, "" if it is about none.
func factOf(s *firsthand.State, id firsthand.ID) string {
	if h := s.Holding(id); h != nil {
		return h.Fact
	}
	for _, h := range s.Holdings {
		if h.Withdraw == id {
			return h.Fact
		}
	}
	return ""
}

// equal reports whether two rows say the same.
func (c Carried) equal(o Carried) bool {
	same := c.Made.Equal(o.Made) && c.Noted.Equal(o.Noted)
	c.Made, c.Noted, o.Made, o.Noted = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	return same && c == o
}
