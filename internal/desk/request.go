package desk

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/gateway"
)

// A RequestPage is one entry of a customer's that waits for somebody, beside the
// record that it is about.
type RequestPage struct {
	Rel, Entry string
	Kind       string
	Delivery   gateway.Delivery
	Days       int
	Over       bool // nothing is left to be decided

	Fact     string
	Old, New firsthand.Value
	Purpose  string
	Until    firsthand.Date
	Basis    Basis
	Text     string // what she wrote
	Request  *firsthand.Request
	Claim    string
	Ended    bool // what is to be removed
	Erased   bool

	Record   []RecordRow // nil: there is none to show
	Number   string      // of the record
	System   string
	Fits     []string // numbers of records that fit a claim
	Trouble  string
	Unproved bool

	// What can be done.
	Accept, Apply, Refuse, Answer, Challenge, Code, Retry bool
	CodeForm                                              CodeForm

	Outcome *OutcomeRow // what the customer was told
	Audit   []AuditRow
	Reasons []string
}

// A RecordRow is a fact as the company's system has it now.
type RecordRow struct {
	Fact  string
	Value firsthand.Value
	This  bool // what the request is about
}

// An OutcomeRow is what was signed of an entry.
type OutcomeRow struct {
	Applied        bool
	System, Record string
	Reported       bool
	Reason         string
	Entry          string
}

// reasons are those offered for a refusal, as keys of the catalogue. The customer
// reads the sentence.
var reasons = []string{"reason.unreadable", "reason.unknown", "reason.proof", "reason.law", "reason.stolen"}

// showRequest serves GET /requests/{rel}/{entry}.
func (s *Server) showRequest(v *visit) error {
	rel, entry, err := ids(v)
	if err != nil {
		return err
	}
	q, err := s.Gateway.Inquire(v.ctx(), v.by(), rel, entry)
	if err != nil {
		return err
	}
	return s.render(v, http.StatusOK, "request", s.requestPage(v, rel, entry, &q))
}

func ids(v *visit) (rel, entry firsthand.ID, err error) {
	if rel, err = v.rel(); err != nil {
		return rel, entry, err
	}
	entry, err = v.entry()
	return rel, entry, err
}

func (s *Server) requestPage(v *visit, rel, entry firsthand.ID, q *gateway.Inquiry) RequestPage {
	d := q.Delivery
	p := RequestPage{Rel: rel.String(), Entry: entry.String(), Delivery: d, Days: days(v.now, d.Due), Unproved: q.Unproved, Trouble: q.Trouble,
		Reasons: reasons, Erased: q.Content == nil, Kind: "erased", Ended: d.Task == gateway.Redact}
	if q.Content != nil {
		p.Kind = string(q.Content.Kind())
	}
	switch c := q.Content.(type) {
	case *firsthand.Disclose:
		p.Fact, p.New, p.Purpose, p.Until = c.Fact, c.Value, c.Purpose, c.Until
	case *firsthand.Change:
		p.Fact, p.Old, p.New = c.Fact, q.Old, c.Value
	case *firsthand.Message:
		p.Text = c.Text
	case *firsthand.Request:
		p.Request, p.Text = c, c.Text
	case *firsthand.Claim:
		p.Claim = c.Record
	}
	if h := q.State.Holding(entry); h != nil {
		p.Basis = basisOf(q.State, h.Basis)
		p.Purpose, p.Until = cmp.Or(p.Purpose, h.Purpose), cmp.Or(p.Until, h.Until)
	}
	if q.Record != nil {
		p.Number, p.System = q.Record.Ref.ID, q.Record.Ref.System
		p.Record = []RecordRow{}
		for _, fact := range slices.Sorted(maps.Keys(q.Record.Facts)) {
			p.Record = append(p.Record, RecordRow{fact, q.Record.Facts[fact], fact == p.Fact})
		}
		if p.Fact != "" && p.Old.IsZero() && !q.Unproved {
			p.Old = q.Record.Facts[p.Fact]
		}
	}
	for _, ref := range q.Fits {
		p.Fits = append(p.Fits, ref.ID)
	}
	if o := q.State.Outcomes[entry]; o != nil {
		p.Outcome = &OutcomeRow{o.Applied, o.System, o.Record, o.Reported, o.Reason, o.Entry.String()}
	}
	s.can(v, q, &p)
	for _, a := range slices.Backward(q.Audit) {
		if a.Entry == entry && a.Act != "look" {
			p.Audit = append(p.Audit, auditRow(&a))
		}
	}
	return p
}

// can says what somebody may do about q as it is. The gateway decides again.
func (s *Server) can(v *visit, q *gateway.Inquiry, p *RequestPage) {
	d := q.Delivery
	open := d.Status == gateway.Held || d.Status == gateway.Proposed || d.Status == gateway.Stopped || d.Status == gateway.Waiting || d.Status == gateway.Checking
	waits := open && d.Status != gateway.Waiting && d.Status != gateway.Checking
	unanswered := p.Request != nil && d.Due != ""
	p.Over = !open && !unanswered
	if !v.member.Role.covers(Agent) {
		return
	}
	switch d.Task {
	case gateway.Deliver:
		p.Answer = unanswered
		p.Accept = d.Status == gateway.Proposed && q.Decides && !q.Unproved
		p.Apply = waits && !p.Accept && !q.Unproved && p.Request == nil
		p.Refuse = waits && p.Request == nil
		p.Retry = d.Status == gateway.Held || d.Status == gateway.Stopped
	case gateway.Redact:
		p.Apply, p.Refuse, p.Retry = waits, waits, waits
	case gateway.Merge:
		p.Apply = waits
	case gateway.Verify:
		p.Code, p.Refuse = waits || d.Status == gateway.Done && q.State.Binding == nil, waits
		p.Challenge = p.Code && q.Sends
	}
}

// decide does one act on an entry, and shows it again.
func (s *Server) decide(v *visit, did string, act func(rel, entry firsthand.ID) error) error {
	rel, entry, err := ids(v)
	if err != nil {
		return err
	}
	return v.once(func() (string, error) {
		return pathOf("requests", rel.String(), entry.String()) + "?did=" + did, act(rel, entry)
	})
}

// number is a record's number as it was typed.
func (v *visit) number() string { return strings.TrimSpace(v.PostFormValue("record")) }

// acceptRequest serves POST /requests/{rel}/{entry}/accept.
func (s *Server) acceptRequest(v *visit) error {
	return s.decide(v, "applied", func(rel, entry firsthand.ID) error {
		return s.Gateway.Accept(v.ctx(), v.by(), rel, entry, v.number())
	})
}

// applyRequest serves POST /requests/{rel}/{entry}/apply: it was done by hand.
func (s *Server) applyRequest(v *visit) error {
	return s.decide(v, "applied", func(rel, entry firsthand.ID) error {
		return s.Gateway.Apply(v.ctx(), v.by(), rel, entry, v.number())
	})
}

// refuseRequest serves POST /requests/{rel}/{entry}/refuse.
func (s *Server) refuseRequest(v *visit) error {
	reason := strings.TrimSpace(v.PostFormValue("words"))
	if key := v.PostFormValue("reason"); reason == "" && slices.Contains(reasons, key) {
		reason = v.say(key)
	}
	if reason == "" {
		return fault.Tell(fault.Invalid, v.say("request.no_reason"), "")
	}
	there := v.PostFormValue("there") != ""
	return s.decide(v, "refused", func(rel, entry firsthand.ID) error {
		if there {
			return s.Gateway.Reject(v.ctx(), v.by(), rel, entry, reason)
		}
		return s.Gateway.Refuse(v.ctx(), v.by(), rel, entry, reason)
	})
}

// answerRequest serves POST /requests/{rel}/{entry}/answer: what is answered to who
// claims a right.
func (s *Server) answerRequest(v *visit) error {
	return s.decide(v, "answered", func(rel, entry firsthand.ID) error {
		a := &firsthand.Answer{Request: entry, Outcome: v.PostFormValue("outcome"), Text: strings.TrimSpace(v.PostFormValue("text"))}
		if a.Outcome == "extended" {
			due, err := firsthand.ParseDate(v.PostFormValue("due"))
			if err != nil || due == "" {
				return fault.Tell(fault.Invalid, v.say("request.no_date"), "")
			}
			a.Due = due
		}
		return s.Gateway.Say(v.ctx(), v.by(), rel, a)
	})
}

// challengeRequest serves POST /requests/{rel}/{entry}/challenge: a code goes to the
// contact on record.
func (s *Server) challengeRequest(v *visit) error {
	return s.decide(v, "challenged", func(rel, entry firsthand.ID) error {
		return s.Gateway.Challenge(v.ctx(), v.by(), rel, entry, v.number())
	})
}

// retryRequest serves POST /requests/{rel}/{entry}/retry.
func (s *Server) retryRequest(v *visit) error {
	return s.decide(v, "retried", func(rel, entry firsthand.ID) error {
		return s.Gateway.Retry(v.ctx(), v.by(), rel, entry)
	})
}
