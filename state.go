package firsthand

import (
	"time"
)

// A State is what two logs say up to a cut. It is folded from the logs alone, so
// both sides come to the same one. It has no clock: what is due or has ended
// depends on the time, and is read through [State.At].
//
// A State is not safe for concurrent use. The slices hold what has happened in
// the order of the fold; their elements are read, never changed, by callers.
type State struct {
	Rel    ID
	Opened Open // first's open; the company's domain stands there

	Agreements []*Agreement
	Offers     []*Offer
	Holdings   []*Holding
	Asks       []*AskState
	Claims     []*ClaimState
	Requests   []*RequestState
	Messages   []*Said[*Message]
	Notes      []*Said[*Note]
	Reconciled []*Said[*Reconcile]
	Closed     []*Said[*Close] // by first, by second, or both
	Pauses     []*Said[*Pause] // the last of each side counts
	Binding    *Binding        // nil until the relationship is bound

	Outcomes map[ID]*Outcome // what became of an entry in the company's systems
	Duties   []*Duty
	Flags    []Flag // entries that are kept and have no effect, and why

	logs    [2]LogState
	known   map[ID]*known
	skipped map[ID]skip       // entries without effect, because a later one says so
	closed  [2]Pos            // where each side closed
	duties  map[owed]*Duty    // the last of each sort; all are in Duties
	held    map[held]*Holding // by the company's own account; all are in Holdings
	lost    []ID              // disclosures whose bodies were erased
	stale   bool

	ends *Ends // what it was made from, if it knows nothing else
}

// A Pos is the place of an entry in the two logs; the zero Pos is never.
type Pos struct {
	Side Side
	Seq  int64
}

// known is what later entries may need to know of one they refer to.
type known struct {
	pos    Pos
	at     time.Time
	kind   Kind
	of     ID   // what it settles, if it is of a kind that does
	void   bool // erased or disowned: references to it stay valid, without effect
	flag   bool // it has no effect, and what refers to it has none either
	gone   bool // second has said that it no longer has the body
	salt   []byte
	value  Value
	effect any // the element of State that it made
}

// A skip is why an entry has no effect whatever it says: its body was erased, or
// a thief wrote it.
type skip struct {
	kind     Kind
	of       ID
	erased   [2]bool // by first, by second
	disowned bool
}

// owed and held say what there is one of at a time: one duty of a sort for an
// entry, one account of the company of a fact from one origin.
type (
	owed struct {
		what string
		of   ID
	}
	held struct {
		fact   string
		origin Origin
	}
)

// Said is an entry and what it says.
type Said[T Content] struct {
	Entry ID
	Side  Side
	At    time.Time
	Say   T
}

// An Offer is proffered terms and what came of them.
type Offer struct {
	Entry   ID
	Terms   []TermsRef
	Until   Date
	At      time.Time
	Counter *TermsRef // what the company named instead
	Counted ID        // the entry that did
	Refused string    // the company's reason, if it refused
	Taken   ID        // the entry that made an agreement of it

	answered, taken Pos
}

// Open reports whether o still waits: for the company's answer, or, once it has
// made a counter-offer, for hers.
func (o *Offer) Open() bool { return o.Refused == "" && o.Taken.IsZero() }

// An Agreement is terms that both have signed.
type Agreement struct {
	Entry ID // the entry that made it: terms.accept or terms.take
	Terms TermsRef
	At    time.Time
	End   Date // first day on which it no longer holds, "" if not ended

	made  Pos
	ended []Pos // by each side at most once
}

// InForce reports whether a holds at now.
func (a *Agreement) InForce(now time.Time) bool {
	return a.End == "" || string(DateOf(now)) < string(a.End)
}

// A Holding is one fact that the company holds, with its origin.
type Holding struct {
	Entry    ID // the disclose, change (from before) or holds that made it
	Fact     string
	Value    Value // the last that was said
	Origin   Origin
	Purpose  string
	Basis    Basis
	Until    Date
	Since    time.Time
	Last     ID   // the entry that gave Value
	Proposed bool // stated from before and not bound: only a proposal
	Withdraw ID   // the entry that took it back, if one did

	made, withdrawn Pos
}

// An AskState is a company's ask and her answer.
type AskState struct {
	Entry    ID
	Say      *Ask
	At       time.Time
	Answered ID // the disclose or decline

	made, answered Pos
}

// A ClaimState is the way from a claim to its proof.
type ClaimState struct {
	Entry     ID
	Say       *Claim
	At        time.Time
	Challenge *Said[*Challenge] // the last
	Proof     *Said[*Proof]     // the last
}

// A Binding says to which record of the company the relationship belongs.
type Binding struct {
	Entry          ID
	System, Record string
	At             time.Time

	made Pos
}

// A RequestState is a right that she claimed, and the answer so far.
type RequestState struct {
	Entry  ID
	Say    *Request
	At     time.Time
	Due    Date
	Answer *Said[*Answer]
}

// An Outcome says what became of an entry in the company's systems. Until there
// is one, nothing is known but that it was received.
type Outcome struct {
	Entry    ID // the applied or refused
	Of       ID
	Applied  bool
	System   string
	Record   string
	Reported bool // by a system that can't be read
	Reason   string
	At       time.Time
}

// A Duty is what one side owes by a date.
type Duty struct {
	Owner Side
	What  string // apply, answer, erase
	Of    ID     // the entry that it is owed for
	Due   Date
	Done  ID // the entry that discharged it
}

// A Flag says why an entry has no effect: the rule of docs/protocol.md.
type Flag struct {
	Entry ID
	Pos   Pos
	Rule  string
}

// Unpaired reports whether the log stands alone, with a company without a
// gateway.
func (s *State) Unpaired() bool { return s.Opened.CompanyKey.IsZero() }

// A View is a State at a moment.
type View struct {
	Agreements []*Agreement // in force
	Holdings   []*Holding   // live: neither withdrawn nor past their end
	Asks       []*AskState  // open and not past their end
	Duties     []*Duty      // not done; those due before the moment are overdue
	Paused     bool
	Closed     bool
}

// At returns what holds at now.
func (s *State) At(now time.Time) View {
	v := View{Closed: len(s.Closed) > 0}
	for _, a := range s.Agreements {
		if a.InForce(now) {
			v.Agreements = append(v.Agreements, a)
		}
	}
	for _, h := range s.Holdings {
		if h.Live(now) {
			v.Holdings = append(v.Holdings, h)
		}
	}
	for _, a := range s.Asks {
		if a.Answered.IsZero() && !a.Say.Until.Over(now) {
			v.Asks = append(v.Asks, a)
		}
	}
	for _, d := range s.Duties {
		if d.Done.IsZero() {
			v.Duties = append(v.Duties, d)
		}
	}
	last := map[Side]Date{}
	for _, p := range s.Pauses {
		last[p.Side] = p.Say.Until
	}
	for _, until := range last {
		v.Paused = v.Paused || !until.Over(now)
	}
	return v
}

// Live reports whether h was neither withdrawn nor has ended at now.
func (h *Holding) Live(now time.Time) bool { return h.Withdraw.IsZero() && !h.Until.Over(now) }

// Overdue reports whether d should have been done before now.
func (d *Duty) Overdue(now time.Time) bool { return d.Done.IsZero() && d.Due.Over(now) }

// Agreement returns the agreement that entry id made, or nil.
func (s *State) Agreement(id ID) *Agreement {
	return effectOf[*Agreement](s, id)
}

// Holding returns the holding that entry id made or last changed, or nil.
func (s *State) Holding(id ID) *Holding { return effectOf[*Holding](s, id) }

// Entry says of an entry in this cut of what kind it is and when it was written;
// effect is false if it has none: it is flagged, or what it said was erased or
// disowned.
func (s *State) Entry(id ID) (kind Kind, at time.Time, effect bool) {
	k := s.known[id]
	if k == nil {
		return "", time.Time{}, false
	}
	return k.kind, k.at, !k.flag && !k.void
}

// Pos returns the place of entry id in this cut; the zero Pos if it is not there.
func (s *State) Pos(id ID) Pos {
	if k := s.known[id]; k != nil {
		return k.pos
	}
	return Pos{}
}

func effectOf[T any](s *State, id ID) (t T) {
	if k := s.known[id]; k != nil {
		t, _ = k.effect.(T)
	}
	return t
}
