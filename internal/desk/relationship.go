package desk

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/gateway"
)

// A FindPage looks for a relationship.
type FindPage struct {
	Record string
	Error  string
	Found  []string
}

// showFind serves GET /relationships.
func (s *Server) showFind(v *visit) error { return s.render(v, http.StatusOK, "find", FindPage{}) }

// find serves POST /relationships: by the number of a record, or of the relationship.
// It is a form, since the number of a customer has no place in an address.
func (s *Server) find(v *visit) error {
	p := FindPage{Record: strings.TrimSpace(v.PostFormValue("record"))}
	if id, err := firsthand.ParseID(p.Record); err == nil && !id.IsZero() {
		return v.to(pathOf("relationships", id.String()))
	}
	if p.Record == "" || len(p.Record) > 200 {
		p.Error = v.say("find.nothing")
		return s.render(v, http.StatusUnprocessableEntity, "find", p)
	}
	rels, err := s.Gateway.Find(v.ctx(), v.by(), p.Record)
	if err != nil {
		return err
	}
	switch len(rels) {
	case 0:
		p.Error = v.say("find.none")
		return s.render(v, http.StatusUnprocessableEntity, "find", p)
	case 1:
		return v.to(pathOf("relationships", rels[0].String()))
	}
	for _, rel := range rels {
		p.Found = append(p.Found, rel.String())
	}
	return s.render(v, http.StatusOK, "find", p)
}

// A RelationshipPage is what the company has of one customer, and no more.
type RelationshipPage struct {
	Rel            string
	Opened         time.Time
	System, Record string // that she is proved to be
	Bound          bool
	Frozen         string
	Restored       bool
	Paused, Closed bool

	Holdings   []HoldingRow
	Agreements []AgreementRow
	Asks       []AskRow
	Open       []DueRow
	Timeline   []TimeRow
	More       int // entries that are not shown
	Audit      []AuditRow

	CanSay    bool
	Purposes  []string
	Name      string // of who would write
	AskForm   AskForm
	TellError string
	Text      string
}

// A HoldingRow is one fact that she has told, and on what it stands.
type HoldingRow struct {
	Fact     string
	Value    firsthand.Value
	Purpose  string
	Since    time.Time
	Until    firsthand.Date
	Origin   string
	Proposed bool
	Basis    Basis
}

// A Basis is on what a disclosure stands, in words.
type Basis struct {
	Kind string // agreement, right, exception
	What string
}

func basisOf(st *firsthand.State, b firsthand.Basis) Basis {
	switch {
	case b.Right != "":
		return Basis{"right", b.Right}
	case b.Exception != "":
		return Basis{"exception", b.Exception}
	}
	if a := st.Agreement(b.Agreement); a != nil {
		return Basis{"agreement", a.Terms.Code}
	}
	return Basis{}
}

// An AgreementRow is terms that both have signed.
type AgreementRow struct {
	Code, Version string
	At            time.Time
	End           firsthand.Date
	InForce       bool
}

// An AskRow is something that the company has asked and she has not answered.
type AskRow struct {
	Fact, Purpose, Why string
	Until              firsthand.Date
}

// A TimeRow is one entry of the two logs.
type TimeRow struct {
	Hers    bool
	Kind    string
	At      time.Time
	Fact    string
	Value   firsthand.Value
	Text    string
	From    string
	Erased  bool
	Flagged string
	Outcome *OutcomeRow
	Entry   string
	Waits   bool // there is a request of it
}

// An AskForm is what was typed to ask for a fact.
type AskForm struct {
	Fact, Purpose, Why, Until string
	Error                     string
}

// timelineRows is how many entries a page shows.
const timelineRows = 60

// purposes are those that the desk offers, as DPV names them. What the agreement in
// force doesn't cover is not offered.
var purposes = []string{"dpv:RequestedServiceProvision", "dpv:ServiceProvision", "dpv:CustomerCare", "dpv:AccountManagement", "dpv:PaymentManagement",
	"dpv:DeliveryOfGoods", "dpv:LegalCompliance", "dpv:ServiceUsageAnalytics", "dpv:DirectMarketing"}

// showRelationship serves GET /relationships/{rel}.
func (s *Server) showRelationship(v *visit) error {
	rel, err := v.rel()
	if err != nil {
		return err
	}
	return s.relationship(v, http.StatusOK, rel, AskForm{}, "")
}

// relationship shows one, with what was typed into its forms.
func (s *Server) relationship(v *visit, status int, rel firsthand.ID, f AskForm, tellError string) error {
	file, err := s.Gateway.Show(v.ctx(), v.by(), rel)
	if err != nil {
		return err
	}
	st, view := file.State, file.State.At(v.now)
	row := file.Relationship
	p := RelationshipPage{Rel: rel.String(), Opened: row.Opened, System: row.Record.System, Record: row.Record.ID, Bound: st.Binding != nil, Frozen: row.Frozen,
		Restored: row.Restored, Paused: view.Paused, Closed: view.Closed, CanSay: v.member.Role.covers(Agent) && !view.Closed, Name: v.by(),
		AskForm: f, TellError: tellError, Text: v.PostFormValue("text")}
	for _, h := range view.Holdings {
		p.Holdings = append(p.Holdings, HoldingRow{h.Fact, h.Value, h.Purpose, h.Since, h.Until, string(h.Origin), h.Proposed, basisOf(st, h.Basis)})
	}
	for _, a := range st.Agreements {
		p.Agreements = append(p.Agreements, AgreementRow{a.Terms.Code, a.Terms.Version, a.At, a.End, a.InForce(v.now)})
	}
	for _, a := range view.Asks {
		p.Asks = append(p.Asks, AskRow{a.Say.Fact, a.Say.Purpose, a.Say.Why, a.Say.Until})
	}
	waits := make(map[firsthand.ID]bool)
	for _, d := range file.Deliveries {
		if d.Task != gateway.Review {
			waits[d.Entry] = true
		}
		if d.Due != "" {
			p.Open = append(p.Open, DueRow{Rel: p.Rel, Entry: d.Entry.String(), Task: string(d.Task), Kind: kindOf(st, d.Entry), Fact: factOf(st, d.Entry), Status: statusOfDuty(&d), Due: d.Due, Days: days(v.now, d.Due), Overdue: d.Due.Over(v.now), Why: d.Why})
		}
	}
	slices.SortStableFunc(p.Open, func(a, b DueRow) int { return cmp.Compare(a.Due, b.Due) })
	p.Timeline, p.More = timeline(&file, waits)
	for _, a := range slices.Backward(file.Audit) {
		if len(p.Audit) < 20 {
			p.Audit = append(p.Audit, auditRow(&a))
		}
	}
	p.Purposes = s.purposesFor(view.Agreements)
	return s.render(v, status, "relationship", p)
}

// kindOf and factOf say what an entry of hers is, and which fact it is about; "" if
// that was erased.
func kindOf(st *firsthand.State, entry firsthand.ID) string {
	kind, _, effect := st.Entry(entry)
	if !effect {
		return ""
	}
	return string(kind)
}

func factOf(st *firsthand.State, entry firsthand.ID) string {
	if h := st.Holding(entry); h != nil {
		return h.Fact
	}
	return ""
}

// purposesFor returns the purposes that one of the agreements covers; all of them where
// none is in force, since she may answer by an exception of hers.
func (s *Server) purposesFor(in []*firsthand.Agreement) (all []string) {
	for _, p := range purposes {
		for _, a := range in {
			if t, err := s.Roster.Resolve(a.Terms); err == nil && t.Covers(p).Covered {
				all = append(all, p)
				break
			}
		}
	}
	if len(all) == 0 {
		return purposes
	}
	return all
}

// timeline returns the last entries of both logs, the latest first.
func timeline(f *gateway.File, waits map[firsthand.ID]bool) (rows []TimeRow, more int) {
	flagged := make(map[firsthand.ID]string)
	for _, fl := range f.State.Flags {
		flagged[fl.Entry] = fl.Rule
	}
	// In the order in which both sides have them, for which clocks don't count.
	all := firsthand.NewState().Sort(slices.Concat(f.First, f.Second))
	slices.Reverse(all)
	if more = len(all) - timelineRows; more > 0 {
		all = all[:timelineRows]
	}
	for i := range all {
		e := &all[i]
		row := TimeRow{Hers: e.Side == firsthand.First, Kind: "erased", At: e.At, Erased: !e.HasBody(), Flagged: flagged[e.ID], Entry: e.ID.String(), Waits: e.Side == firsthand.First && waits[e.ID]}
		if e.HasBody() {
			row.Kind = string(e.Kind())
			row.say(e)
		}
		if o := f.State.Outcomes[e.ID]; o != nil {
			row.Outcome = &OutcomeRow{o.Applied, o.System, o.Record, o.Reported, o.Reason, o.Entry.String()}
		}
		rows = append(rows, row)
	}
	return rows, max(more, 0)
}

// say fills in what an entry says, as far as a line has room for it.
func (r *TimeRow) say(e *firsthand.Entry) {
	c, err := firsthand.DecodeBody(e.Body)
	if err != nil {
		return
	}
	switch c := c.(type) {
	case *firsthand.Disclose:
		r.Fact, r.Value = c.Fact, c.Value
	case *firsthand.Change:
		r.Fact, r.Value = c.Fact, c.Value
	case *firsthand.Holds:
		r.Fact, r.Value = c.Fact, c.Value
	case *firsthand.Ask:
		r.Fact, r.Text = c.Fact, c.Why
	case *firsthand.Decline:
		r.Text = c.Reason
	case *firsthand.Message:
		r.Text, r.From = c.Text, c.From
	case *firsthand.Request:
		r.Text = strings.TrimSpace(c.Right + ", " + c.Law + ". " + c.Text)
	case *firsthand.Answer:
		r.Text = strings.TrimSpace(c.Outcome + ". " + c.Text)
	case *firsthand.Claim:
		r.Text = c.Record
	case *firsthand.Bound:
		r.Text = strings.TrimSpace(c.System + " " + c.Record)
	case *firsthand.Refused:
		r.Text = c.Reason
	case *firsthand.Applied:
		r.Text = strings.TrimSpace(c.System + " " + c.Record)
	case *firsthand.TermsAccept:
		r.Text = c.Terms.Code
	case *firsthand.TermsCounter:
		r.Text = c.Terms.Code
	case *firsthand.TermsRefuse:
		r.Text = c.Reason
	case *firsthand.TermsOffer:
		for _, t := range c.Terms {
			r.Text = strings.TrimSpace(r.Text + " " + t.Code)
		}
	case *firsthand.Close:
		r.Text = c.Reason
	}
}

// ask serves POST /relationships/{rel}/ask.
func (s *Server) ask(v *visit) error {
	rel, err := v.rel()
	if err != nil {
		return err
	}
	f := AskForm{Fact: strings.TrimSpace(v.PostFormValue("fact")), Purpose: v.PostFormValue("purpose"), Why: strings.TrimSpace(v.PostFormValue("why")), Until: v.PostFormValue("until")}
	again := func(key string) error {
		f.Error = v.say(key)
		return s.relationship(v, http.StatusUnprocessableEntity, rel, f, "")
	}
	until, err := firsthand.ParseDate(f.Until)
	switch {
	case f.Fact == "":
		return again("ask.no_fact")
	case f.Why == "":
		return again("ask.no_why")
	case !slices.Contains(purposes, f.Purpose):
		return again("ask.no_purpose")
	case err != nil || until == "" || until.Over(v.now):
		return again("ask.no_until")
	}
	err = v.once(func() (string, error) {
		a := &firsthand.Ask{Fact: f.Fact, Purpose: f.Purpose, Why: f.Why, Until: until}
		return pathOf("relationships", rel.String()) + "?did=asked", s.Gateway.Say(v.ctx(), v.by(), rel, a)
	})
	if fault.KindOf(err) == fault.Invalid {
		text, hint := sentence(err)
		f.Error = strings.TrimSpace(text + " " + hint)
		return s.relationship(v, http.StatusUnprocessableEntity, rel, f, "")
	}
	return err
}

// message serves POST /relationships/{rel}/message. It goes under the name of who
// writes.
func (s *Server) message(v *visit) error {
	rel, err := v.rel()
	if err != nil {
		return err
	}
	text := strings.TrimSpace(v.PostFormValue("text"))
	if text == "" {
		return s.relationship(v, http.StatusUnprocessableEntity, rel, AskForm{}, v.say("tell.nothing"))
	}
	return v.once(func() (string, error) {
		return pathOf("relationships", rel.String()) + "?did=sent", s.Gateway.Say(v.ctx(), v.by(), rel, &firsthand.Message{From: v.by(), Text: text})
	})
}
