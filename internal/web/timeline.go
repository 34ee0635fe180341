package web

import (
	"slices"
	"time"

	"firsthand"
	"firsthand/internal/agent"
)

// A HoldingRow is one thing that a company has of her.
type HoldingRow struct {
	Fact     string
	Value    firsthand.Value
	Origin   firsthand.Origin
	Purpose  string
	Basis    string // agreement, right or exception
	BasisIs  string // which
	Since    time.Time
	SinceDay firsthand.Date // of a statement
	Until    firsthand.Date
	Progress *agent.Progress
	Entry    firsthand.ID
	Guessed  bool
	Proposed bool
	Stated   bool // in no log yet: she can take it back
	Told     bool // by her, so that she can tell it anew
	Document int64
	Withdraw bool // she can take it back from the company
}

// statementRow returns the row of a statement; documents are those of the company.
func statementRow(st agent.Statement, documents []agent.Document) HoldingRow {
	r := HoldingRow{Fact: st.Fact, Value: st.Value, Origin: st.Origin, SinceDay: st.Since, Guessed: st.Guessed, Stated: true, Told: agent.IsTold(st.Origin)}
	for _, d := range documents {
		if d.Blob.Hash == st.Document {
			r.Document = d.ID
		}
	}
	return r
}

// A TimelineRow is one entry of either log, as people read it.
type TimelineRow struct {
	ID       firsthand.ID
	Mine     bool
	Kind     firsthand.Kind
	At       time.Time
	Fact     string
	Value    firsthand.Value
	Text     string // words of its writer
	Code     string // of terms
	Detail   string // a word of ours, by family.value: "right.erase"
	Until    firsthand.Date
	From     string
	Erased   bool
	Progress *agent.Progress // of hers
	Clock    *agent.Progress // the same, where an answer is awaited
}

// An AskRow is a company's ask that waits for her.
type AskRow struct {
	Entry              firsthand.ID
	Fact, Purpose, Why string
	Until              firsthand.Date
	Have               bool // she has noted the fact
}

// A DutyRow is what one side owes.
type DutyRow struct {
	Mine    bool
	What    string
	Due     firsthand.Date
	Overdue bool
	Of      firsthand.ID
	Task    bool // its page says what can be done about it
}

// fill makes the page of the relationship in use. It keeps nothing of d's state, which
// is lent.
func (p *CompanyPage) fill(d *agent.Detail) {
	p.Rel = &RelationshipRow{Relationship: d.Relationship, Paused: d.View.Paused, Closed: d.View.Closed}
	progress := func(id firsthand.ID) *agent.Progress {
		if d.State.Pos(id).Side != firsthand.First {
			return nil
		}
		_, at, _ := d.State.Entry(id)
		is := d.Progress(d.State, id, at, d.Now)
		return &is
	}
	for _, h := range d.View.Holdings {
		row := HoldingRow{Fact: h.Fact, Value: h.Value, Origin: h.Origin, Purpose: h.Purpose, Since: h.Since, Until: h.Until,
			Progress: progress(h.Last), Entry: h.Last, Proposed: h.Proposed,
			Withdraw: agent.IsTold(h.Origin), Told: agent.IsTold(h.Origin)}
		switch {
		case !h.Basis.Agreement.IsZero():
			row.Basis = "agreement"
			if a := d.State.Agreement(h.Basis.Agreement); a != nil {
				row.BasisIs = a.Terms.Code
			}
		case h.Basis.Right != "":
			row.Basis, row.BasisIs = "right", h.Basis.Right
		case h.Basis.Exception != "":
			row.Basis, row.BasisIs = "exception", h.Basis.Exception
		}
		p.Holdings = append(p.Holdings, row)
	}
	slices.SortStableFunc(p.Holdings, func(a, b HoldingRow) int {
		if a.Fact < b.Fact {
			return -1
		}
		if a.Fact > b.Fact {
			return 1
		}
		return 0
	})
	for _, l := range slices.Backward(d.Entries) {
		p.Timeline = append(p.Timeline, timelineRow(&l, d.State))
	}
	p.More = d.Earlier
	for _, a := range d.View.Asks {
		p.Asks = append(p.Asks, AskRow{Entry: a.Entry, Fact: a.Say.Fact, Purpose: a.Say.Purpose, Why: a.Say.Why, Until: a.Say.Until})
	}
	for _, duty := range d.View.Duties {
		if on := progress(duty.Of); d.State.Unpaired() && on != nil && (on.Step == agent.StepApplied || on.Step == agent.StepRefused || on.Step == agent.StepReplaced) {
			continue // by her word: nobody else writes there
		}
		p.Duties = append(p.Duties, DutyRow{duty.Owner == firsthand.First, duty.What, duty.Due, duty.Overdue(d.Now), duty.Of, d.State.Unpaired() && duty.Owner == firsthand.Second && duty.Overdue(d.Now)})
	}
	for _, a := range d.View.Agreements {
		p.Agreement = a.Terms.Code // the last one goes before
		p.Agreed = append(p.Agreed, a.Terms.Code)
	}
	for _, o := range d.State.Offers {
		if o.Open() && o.Counter != nil {
			p.Counter = o.Counter.Code
		}
		p.Offered = o.Open() && o.Counter == nil
	}
	p.Challenge, p.SignIn = d.LastChallenge(), d.SignInPage()
}

// timelineRow says what an entry says. What it lacks, such as which fact an answer
// is about, is taken from the state.
func timelineRow(l *agent.Line, s *firsthand.State) TimelineRow {
	r := TimelineRow{ID: l.ID, Mine: l.Side == firsthand.First, Kind: l.Entry.Kind(), At: l.At, Erased: !l.HasBody()}
	if r.Mine && s.Unpaired() && (r.Kind == "note" || r.Kind == "open") {
		// It is for her alone, and goes nowhere.
	} else if r.Mine {
		r.Progress = &l.Progress
		// What was told until a day has to be erased then: that is no answer.
		if _, told := l.Say.(*firsthand.Disclose); !told && l.Progress.Of > 0 {
			r.Clock = &l.Progress
		}
	}
	about := func(id firsthand.ID) {
		if h := s.Holding(id); h != nil {
			r.Fact = h.Fact
		}
	}
	switch say := l.Say.(type) {
	case *firsthand.Disclose:
		r.Fact, r.Value, r.Until = say.Fact, say.Value, say.Until
	case *firsthand.Change:
		r.Fact, r.Value = say.Fact, say.Value
	case *firsthand.Withdraw:
		about(say.Disclosure)
	case *firsthand.Ask:
		r.Fact, r.Text, r.Until = say.Fact, say.Why, say.Until
	case *firsthand.Decline:
		r.Text = say.Reason
	case *firsthand.Holds:
		r.Fact, r.Value, r.Detail = say.Fact, say.Value, "origin."+string(say.Origin)
	case *firsthand.Applied:
		about(say.Entry)
		r.Code = say.Record
	case *firsthand.Refused:
		about(say.Entry)
		r.Text = say.Reason
	case *firsthand.Message:
		r.Text, r.From = say.Text, say.From
		if say.Resolved {
			r.Detail = "resolved"
		}
	case *firsthand.Request:
		r.Detail, r.Text, r.Until, r.Code = "right."+say.Right, say.Text, say.Due, say.Law
	case *firsthand.Answer:
		r.Detail, r.Text, r.Until = "outcome."+say.Outcome, say.Text, say.Due
	case *firsthand.TermsOffer:
		for _, t := range say.Terms {
			if r.Code != "" {
				r.Code += ", "
			}
			r.Code += t.Code
		}
	case *firsthand.TermsAccept:
		r.Code = say.Terms.Code
	case *firsthand.TermsCounter:
		r.Code = say.Terms.Code
	case *firsthand.TermsRefuse:
		r.Text = say.Reason
	case *firsthand.TermsEnd:
		r.Until = say.From
	case *firsthand.Claim:
		r.Code = say.Record
	case *firsthand.Bound:
		r.Code = say.Record
	case *firsthand.Challenge:
		r.Until, r.Detail = say.Until, "way."+say.Way
	case *firsthand.Close:
		r.Text = say.Reason
	case *firsthand.Pause:
		r.Until = say.Until
	case *firsthand.Note:
		about(say.Entry)
		r.Detail, r.Text = "saw."+say.Saw, say.Text
	}
	return r
}
