package agent

import (
	"context"
	"iter"
	"net/url"
	"slices"
	"time"

	"firsthand"
	"firsthand/fault"
)

// A Summary is what lists show of a relationship. It has no clock, so that it
// can be kept in the store; what depends on the time is given as dates.
type Summary struct {
	First     firsthand.Head `json:"first"`
	Second    firsthand.Head `json:"second"`
	Agreement string         `json:"agreement"` // code of the last agreement not ended, ""
	Step      string         `json:"step"`      // of the ladder: nameless … known
	Bound     bool           `json:"bound"`
	Closed    bool           `json:"closed"`
	Facts     []string       `json:"facts"`   // that the company holds, told or stated
	Asks      int            `json:"asks"`    // not answered
	Waiting   int            `json:"waiting"` // duties of the company not done
	Due       firsthand.Date `json:"due"`     // the first of them, ""
	Expects   firsthand.Date `json:"expects"` // until then an answer may come any time, ""
	Flags     int            `json:"flags"`
	Last      time.Time      `json:"last"`              // when the last entry of either log was written
	Grounds   *Grounds       `json:"grounds,omitempty"` // nil in one that is older than they are
	Tells     [][]int64      `json:"tells,omitempty"`   // of long logs, what is read to look at them; see Agent.Look
}

// Summarised decodes the cached Summary.
func (r *Relationship) Summarised() (s Summary, err error) {
	if len(r.Summary) == 0 {
		return s, nil
	}
	return s, firsthand.ParseJSON(r.Summary, &s)
}

// cache puts into the row what is cached in it.
func (r *Relationship) cache(s Summary) {
	r.Summary = firsthand.EncodeJSON(s)
	r.Head, r.Expects, r.Quiet = s.First.Seq, s.Expects, s.Closed && s.Waiting == 0
}

// identifying are the facts by which a company can reach or name her. The step
// of the ladder (design: Nameless, Pseudonym, Reachable, Known) follows from them.
var identifying = map[string]string{"email": "reachable", "phone": "reachable", "name": "known", "address": "known", "birth_date": "known"}

func summarise(s *firsthand.State) Summary {
	sum := Summary{
		First: s.Log(firsthand.First).Head, Second: s.Log(firsthand.Second).Head,
		Step: "pseudonym", Bound: s.Binding != nil, Closed: len(s.Closed) > 0, Flags: len(s.Flags), Facts: []string{},
		Last: later(s.Log(firsthand.First).At, s.Log(firsthand.Second).At),
	}
	for _, ag := range s.Agreements {
		if ag.End == "" {
			sum.Agreement = ag.Terms.Code
		}
	}
	for _, h := range s.Holdings {
		if !h.Withdraw.IsZero() || h.Origin != firsthand.Told && h.Origin != firsthand.Stated {
			continue
		}
		sum.Facts = append(sum.Facts, h.Fact)
		switch step := identifying[root(h.Fact)]; {
		case step == "known", step == "reachable" && sum.Step == "pseudonym":
			sum.Step = step
		}
	}
	if sum.Bound {
		sum.Step = "known"
	}
	for _, ask := range s.Asks {
		if ask.Answered.IsZero() {
			sum.Asks++
		}
	}
	notes := lastNotes(s)
	for _, d := range s.Duties {
		if d.Owner == firsthand.Second && d.Done.IsZero() && (!s.Unpaired() || onItsWay(notes[d.Of])) {
			sum.Waiting++
			if sum.Due == "" || d.Due < sum.Due {
				sum.Due = d.Due
			}
		}
	}
	sum.Expects = expects(s)
	sum.Grounds, sum.Tells = groundsOf(s), tells(s)
	return sum
}

// onItsWay reports whether what she noted last of an entry in an unpaired log says
// that the company has it, and no more: from then on the company owes.
func onItsWay(n *firsthand.Said[*firsthand.Note]) bool {
	if n == nil {
		return false
	}
	step := noted[n.Say.Saw]
	return step == StepSent || step == StepReceived
}

// expects returns until when an answer of the company may come any time, so that
// it is worth to wait for: what it owes is due then, or what she said was said
// not more than a week before.
func expects(s *firsthand.State) (until firsthand.Date) {
	said := func(at time.Time) { until = max(until, firsthand.DateOf(at.AddDate(0, 0, 7))) }
	for _, d := range s.Duties {
		if d.Owner == firsthand.Second && d.Done.IsZero() && d.What != "erase" {
			until = max(until, d.Due)
		}
	}
	for _, o := range s.Offers {
		if o.Open() && o.Counter == nil {
			said(o.At)
		}
	}
	for _, c := range s.Claims {
		if s.Binding == nil {
			said(c.At)
		}
	}
	for _, h := range s.Holdings {
		if h.Origin == firsthand.Told && s.Outcomes[h.Last] == nil || !h.Withdraw.IsZero() {
			said(h.Since)
		}
	}
	if n := len(s.Messages); n > 0 && s.Messages[n-1].Side == firsthand.First {
		said(s.Messages[n-1].At)
	}
	return until
}

// root returns the first part of a fact's name: address of address.home.
func root(fact string) string {
	for i := range fact {
		if fact[i] == '.' {
			return fact[:i]
		}
	}
	return fact
}

// holders returns the rows of the cache of holdings.
func holders(s *firsthand.State, of *Relationship) []Holder {
	var rows []Holder
	beside := groundsOf(s).beside(of, len(s.Closed) > 0, s.Binding != nil)
	for _, h := range s.Holdings {
		if !h.Withdraw.IsZero() {
			continue
		}
		row := Holder{Rel: s.Rel, Domain: s.Opened.Domain, Entry: h.Entry, Fact: h.Fact, Value: h.Value,
			Origin: h.Origin, Since: h.Since, Until: h.Until, Last: h.Last, Ground: beside[h.Entry]}
		if o := s.Outcomes[h.Last]; o != nil {
			row.Outcome = "refused"
			if o.Applied {
				row.Outcome = "applied"
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// A Progress says how far one of her entries has come. It never says more than
// is proved: Sent means that a call carried it, Received that the company signed
// for it, Applied that the company signed that it is in its systems.
type Progress struct {
	Step    string // draft, sent, received, applied, refused, no answer
	System  string // with applied
	Record  string
	Reason  string // with refused
	Day, Of int    // with received or sent: day n of m until the answer is due; 0 if nothing is due
	Flag    string // the rule for which the entry has no effect
	// Unproved says that Step is her own word, in an unpaired log.
	Unproved bool
}

// Progress returns how far entry id of s, in the relationship row, has come.
func (r *Relationship) Progress(s *firsthand.State, id firsthand.ID, at, now time.Time) Progress {
	pos := s.Pos(id)
	p := Progress{Step: "draft"}
	for _, f := range s.Flags {
		if f.Entry == id {
			p.Flag = f.Rule
		}
	}
	if r.Sent >= pos.Seq {
		p.Step = "sent"
	}
	if r.Received.Seq >= pos.Seq {
		p.Step = "received"
	}
	if o := s.Outcomes[id]; o != nil {
		p.Step, p.System, p.Record, p.Reason = "refused", o.System, o.Record, o.Reason
		if o.Applied {
			p.Step = "applied"
		}
		return p
	}
	if n := lastNotes(s)[id]; n != nil && noted[n.Say.Saw] != "" {
		p.Step, p.Reason, p.Unproved = noted[n.Say.Saw], n.Say.Text, true
		if p.Step == StepApplied || p.Step == StepRefused {
			return p
		}
	}
	if s.Unpaired() && !p.Unproved {
		return p
	}
	for _, d := range s.Duties {
		if d.Of == id && d.Done.IsZero() && d.Due != "" {
			p.Day, p.Of = clock(at, d.Due, now)
			if d.Overdue(now) {
				p.Step = "no answer"
			}
		}
	}
	return p
}

// A Detail is one relationship as a page or a command shows it.
type Detail struct {
	Relationship
	State   *firsthand.State // the caller's own
	View    firsthand.View
	Now     time.Time // to which View and Progress refer
	Entries []Line
	Earlier int // entries before these that were not asked for
	Drafts  []Draft
}

// LastChallenge returns the challenge that waits for her proof, or nil.
func (d *Detail) LastChallenge() *firsthand.Said[*firsthand.Challenge] {
	return openChallenge(d.State)
}

// SignInPage returns the address at which she signs in with the company to get the
// code that its last challenge asks for: "" if that is of another way, or names an
// address that isn't the gateway's own. Nobody sends her to sign in elsewhere.
func (d *Detail) SignInPage() string {
	c := d.LastChallenge()
	if c == nil || c.Say.Way != "sign_in" {
		return ""
	}
	page, err := url.Parse(c.Say.To)
	own, err2 := url.Parse(d.Gateway)
	if err != nil || err2 != nil || page.Scheme != own.Scheme || page.Host != own.Host || page.User != nil || page.Host == "" {
		return ""
	}
	return page.String()
}

// Answered reports whether the company has said to each of acts what it can be
// expected to say by itself.
func (d *Detail) Answered(acts []Act) bool {
	for _, act := range acts {
		for _, l := range d.Entries {
			if l.ID == act.Entry && !act.Draft && !d.answered(&l) {
				return false
			}
		}
	}
	return true
}

func (d *Detail) answered(l *Line) bool {
	if d.Received.Seq < l.Seq {
		return false
	}
	switch say := l.Say.(type) {
	case *firsthand.TermsOffer:
		for _, o := range d.State.Offers {
			if o.Entry == l.ID {
				return !o.Open() || o.Counter != nil
			}
		}
	case *firsthand.Claim:
		for _, c := range d.State.Claims {
			if c.Entry == l.ID {
				return c.Challenge != nil
			}
		}
	case *firsthand.Proof:
		return d.State.Binding != nil
	case *firsthand.Change:
		if h := d.State.Holding(l.ID); h != nil && h.Proposed {
			return true // a proposal: it takes a proof first
		}
		return d.State.Outcomes[l.ID] != nil
	case *firsthand.Withdraw:
		return d.State.Holding(say.Disclosure) == nil || d.State.Outcomes[l.ID] != nil
	case *firsthand.Disclose, *firsthand.Message, *firsthand.Request:
		return d.State.Outcomes[l.ID] != nil
	}
	return true
}

// A Line is one entry of either log.
type Line struct {
	firsthand.Entry
	Say      firsthand.Content // nil if erased or unreadable
	Progress Progress          // of her own entries
}

// Show returns everything of one relationship.
func (a *Agent) Show(ctx context.Context, rel firsthand.ID) (d Detail, err error) {
	if d.Relationship, err = a.Store.Relationship(ctx, rel); err != nil {
		return d, err
	}
	first, err := firsthand.Collect(a.Store.Entries(ctx, rel, firsthand.First, 0))
	if err != nil {
		return d, err
	}
	second, err := firsthand.Collect(a.Store.Entries(ctx, rel, firsthand.Second, 0))
	if err != nil {
		return d, err
	}
	if d.State, err = firsthand.Fold(first, second); err != nil {
		return d, err
	}
	d.show(a.Now(), firsthand.NewState().Sort(append(first, second...)))
	d.Drafts, err = a.Store.Drafts(ctx, rel)
	return d, err
}

// show fills in what d says at now, of these entries.
func (d *Detail) show(now time.Time, entries []firsthand.Entry) {
	d.Now, d.View = now, d.State.At(now)
	for _, e := range entries {
		line := Line{Entry: e}
		if e.HasBody() {
			line.Say, _ = firsthand.DecodeBody(e.Body)
		}
		if e.Side == firsthand.First {
			line.Progress = d.Relationship.Progress(d.State, e.ID, e.At, now)
		}
		d.Entries = append(d.Entries, line)
	}
}

// Relationships returns all of them with what lists show, oldest first.
func (a *Agent) Relationships(ctx context.Context) ([]Relationship, error) {
	return a.Store.Relationships(ctx)
}

// Holders returns who holds a fact, or with "" who holds what, from the cache.
func (a *Agent) Holders(ctx context.Context, fact string) iter.Seq2[Holder, error] {
	return a.Store.Holders(ctx, fact)
}

// Rebuild makes all caches anew, from the logs and from what is hers, and returns
// the relationships and the companies at which they differed: none, unless something
// is wrong.
func (a *Agent) Rebuild(ctx context.Context) (differed []string, err error) {
	rows, err := a.Store.Relationships(ctx)
	if err != nil {
		return nil, err
	}
	cached := make(map[firsthand.ID][]Holder)
	for h, err := range a.Store.Holders(ctx, "") {
		if err != nil {
			return nil, err
		}
		cached[h.Rel] = append(cached[h.Rel], h)
	}
	for _, row := range rows {
		err := a.with(ctx, row.ID, func(r *relationship) error {
			if r.state, err = firsthand.Load(ctx, a.Store, row.ID); err != nil {
				return err
			}
			way, err := a.Store.Carried(ctx, row.ID)
			if err != nil {
				return err
			}
			waits, err := a.Store.WaitingIn(ctx, row.ID)
			if err != nil {
				return err
			}
			c := Commit{}
			was := r.row
			r.shown = [2]firsthand.Head{} // nothing that is cached is believed
			if err := a.refresh(ctx, r, &c); err != nil {
				return err
			}
			if was.same(&r.row) && sameHolders(cached[row.ID], c.Holdings[row.ID]) && slices.EqualFunc(way, c.Carried[row.ID], Carried.equal) &&
				slices.EqualFunc(waits, c.Waiting[row.ID], Waiting.equal) {
				r.shown = r.heads()
				return nil
			}
			differed = append(differed, row.ID.String())
			return a.keep(ctx, c, r)
		})
		if err != nil {
			return differed, err
		}
	}
	companies, err := a.Store.RebuildCompanies(ctx)
	return append(differed, companies...), err
}

// sameHolders compares the holdings of one relationship, in whatever order a store
// returns them.
func sameHolders(a, b []Holder) bool {
	if len(a) != len(b) {
		return false
	}
	byEntry := func(x, y Holder) int { return slices.Compare(x.Entry[:], y.Entry[:]) }
	a, b = slices.SortedFunc(slices.Values(a), byEntry), slices.SortedFunc(slices.Values(b), byEntry)
	for i := range a {
		x, y := a[i], b[i]
		same := x.Value.Equal(y.Value) && x.Since.Equal(y.Since)
		x.Value, y.Value, x.Since, y.Since = firsthand.Value{}, firsthand.Value{}, time.Time{}, time.Time{}
		if !same || string(firsthand.EncodeJSON(x)) != string(firsthand.EncodeJSON(y)) {
			return false
		}
	}
	return true
}

// Facts returns what she has noted of herself, by name.
func (a *Agent) Facts(ctx context.Context) ([]Fact, error) { return a.Store.Facts(ctx) }

// SetFact notes a fact of hers; a zero value forgets it. It tells nobody.
func (a *Agent) SetFact(ctx context.Context, name string, v firsthand.Value) error {
	if !v.IsZero() {
		if err := checkFact(name, v); err != nil {
			return err
		}
	}
	return a.Store.Commit(ctx, Commit{Facts: []Fact{{Name: name, Value: v, Updated: a.Now()}}})
}

// fact returns the value of one of her facts.
func (a *Agent) fact(ctx context.Context, name string) (firsthand.Value, error) {
	facts, err := a.Store.Facts(ctx)
	if err != nil {
		return firsthand.Value{}, err
	}
	for _, f := range facts {
		if f.Name == name {
			return f.Value, nil
		}
	}
	return firsthand.Value{}, fault.Tell(fault.NotExist, "you have noted no "+name+" of yours", "firsthand fact "+name+" VALUE")
}
