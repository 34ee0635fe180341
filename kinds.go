package firsthand

import (
	"errors"
	"fmt"
	"slices"
)

// A Kind says what an entry does. Kinds are signed and kept for ever, so a
// released one is never renamed and never given another meaning.
type Kind string

// Content is what a body says: one of the types below. Only this package
// defines kinds; adding one is a type here, a row in the table and in
// docs/protocol.md, its effect in fold.go, and vectors.
type Content interface {
	Kind() Kind
	// check says what is wrong with the members by themselves.
	check() error
}

// A kindRow says who may write a kind, whether its body may be erased, and
// whether it may still be written once the relationship is closed.
type kindRow struct {
	first, second bool
	erasable      bool
	afterClose    bool
	empty         func() Content
}

var kinds = map[Kind]kindRow{
	"open":         {first: true, second: true, empty: func() Content { return new(Open) }},
	"rotate":       {first: true, second: true, afterClose: true, empty: func() Content { return new(Rotate) }},
	"reconcile":    {first: true, second: true, afterClose: true, empty: func() Content { return new(Reconcile) }},
	"close":        {first: true, second: true, afterClose: true, empty: func() Content { return new(Close) }},
	"pause":        {first: true, second: true, empty: func() Content { return new(Pause) }},
	"terms.offer":  {first: true, empty: func() Content { return new(TermsOffer) }},
	"terms.take":   {first: true, empty: func() Content { return new(TermsTake) }},
	"terms.accept": {second: true, empty: func() Content { return new(TermsAccept) }},
	"terms.counter": {second: true,
		empty: func() Content { return new(TermsCounter) }},
	"terms.refuse": {second: true, empty: func() Content { return new(TermsRefuse) }},
	"terms.end":    {first: true, second: true, afterClose: true, empty: func() Content { return new(TermsEnd) }},
	"claim":        {first: true, erasable: true, empty: func() Content { return new(Claim) }},
	"proof":        {first: true, erasable: true, empty: func() Content { return new(Proof) }},
	"challenge":    {second: true, empty: func() Content { return new(Challenge) }},
	"bound":        {second: true, empty: func() Content { return new(Bound) }},
	"ask":          {second: true, erasable: true, empty: func() Content { return new(Ask) }},
	"disclose":     {first: true, erasable: true, empty: func() Content { return new(Disclose) }},
	"change":       {first: true, erasable: true, empty: func() Content { return new(Change) }},
	"withdraw":     {first: true, afterClose: true, empty: func() Content { return new(Withdraw) }},
	"decline":      {first: true, empty: func() Content { return new(Decline) }},
	"holds":        {second: true, erasable: true, empty: func() Content { return new(Holds) }},
	"applied":      {second: true, erasable: true, afterClose: true, empty: func() Content { return new(Applied) }},
	"refused":      {second: true, erasable: true, afterClose: true, empty: func() Content { return new(Refused) }},
	"erased":       {first: true, second: true, afterClose: true, empty: func() Content { return new(Erased) }},
	"message":      {first: true, second: true, erasable: true, empty: func() Content { return new(Message) }},
	"request":      {first: true, erasable: true, afterClose: true, empty: func() Content { return new(Request) }},
	"answer":       {second: true, erasable: true, afterClose: true, empty: func() Content { return new(Answer) }},
	"note":         {first: true, erasable: true, afterClose: true, empty: func() Content { return new(Note) }},
}

// Kinds returns all kinds that this version knows, sorted.
func Kinds() []Kind {
	all := make([]Kind, 0, len(kinds))
	for k := range kinds {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

// MayWrite reports whether side may write entries of kind k.
func (k Kind) MayWrite(side Side) bool {
	row := kinds[k]
	return side == First && row.first || side == Second && row.second
}

// Erasable reports whether bodies of kind k may be erased.
func (k Kind) Erasable() bool { return kinds[k].erasable }

// Open is the first entry of each log. First says with whom she opens; second
// answers with what she may rely on.
type Open struct {
	Role  string    `json:"role"`  // first: customer, delegate, person or thing; second: company or person
	Key   PublicKey `json:"key"`   // the writer's key in this relationship
	Next  KeyHash   `json:"next"`  // commits to the key after it
	Label Label     `json:"label"` // from which first finds her next key; a company's is empty

	Domain     string    `json:"domain,omitempty"`     // first only: the company's domain
	CompanyKey PublicKey `json:"company_key,omitzero"` // first only: the company's key she pinned; absent in an unpaired log
}

// Rotate replaces the writer's key. It is signed by the new key alone, which
// must be the one that the last open or rotate committed to.
type Rotate struct {
	Key   PublicKey `json:"key"`
	Next  KeyHash   `json:"next"`
	Label Label     `json:"label"`
	// Disown is the seq since which the writer's entries before this one were
	// not hers, because her key was stolen; 0 if all were. First only.
	Disown int64 `json:"disown,omitempty"`
}

// Reconcile ends a fork of the writer's own log.
type Reconcile struct {
	Seq    int64 `json:"seq"`    // where the branches part
	Stands ID    `json:"stands"` // the writer's entry there, which the other side received first
	Lost   ID    `json:"lost"`   // the other entry there
}

// Close ends the relationship and starts the duties that terms and law give.
type Close struct {
	Reason string `json:"reason,omitempty"`
}

// Pause says: nothing but duties, until a date.
type Pause struct {
	Until Date `json:"until"`
}

// A TermsRef names one agreement of a roster so that it can't be confused with
// another reading of its code.
type TermsRef struct {
	Code    string `json:"code"`
	Version string `json:"version"`
	Hash    ID     `json:"hash"` // SHA-256 of the bytes of its text
	URL     string `json:"url"`
}

// TermsOffer proffers agreements, the one she likes best first.
type TermsOffer struct {
	Terms []TermsRef `json:"terms"`
	Until Date       `json:"until,omitempty"` // the offer's end
}

// TermsAccept accepts one of the offered agreements.
type TermsAccept struct {
	Offer ID       `json:"offer"`
	Terms TermsRef `json:"terms"`
}

// TermsCounter names one other agreement of the same roster; once per offer.
type TermsCounter struct {
	Offer ID       `json:"offer"`
	Terms TermsRef `json:"terms"`
}

// TermsRefuse refuses an offer.
type TermsRefuse struct {
	Offer  ID     `json:"offer"`
	Reason string `json:"reason"`
}

// TermsTake takes the agreement of a counter.
type TermsTake struct {
	Counter ID `json:"counter"`
}

// TermsEnd ends an agreement. Duties outlive it.
type TermsEnd struct {
	Agreement ID   `json:"agreement"`
	From      Date `json:"from"`
}

// Claim says: I am your customer of this number, or with this contact.
type Claim struct {
	System string `json:"system,omitempty"` // which of the company's systems, if she knows
	Record string `json:"record"`           // customer number, contract number, login
}

// Challenge says how to prove a claim. The code goes to the contact on record,
// never to one that the claimant names.
type Challenge struct {
	Claim ID     `json:"claim"`
	Way   string `json:"way"` // code or sign_in
	To    string `json:"to"`  // where the code went, masked
	Until Date   `json:"until"`
}

// Proof answers a challenge.
type Proof struct {
	Challenge ID     `json:"challenge"`
	Code      string `json:"code"`
}

// Bound says that the relationship belongs to a record.
type Bound struct {
	Proof  ID     `json:"proof"`
	System string `json:"system"`
	Record string `json:"record"`
}

// Ask asks for a fact.
type Ask struct {
	Fact    string `json:"fact"`
	Purpose string `json:"purpose"` // DPV name
	Until   Date   `json:"until,omitempty"`
	Why     string `json:"why"`
}

// A Basis is what a disclosure stands on: exactly one of its members.
type Basis struct {
	Agreement ID     `json:"agreement,omitzero"`  // the entry that made it: terms.accept or terms.take
	Right     string `json:"right,omitempty"`     // a legal right or duty, for example "GDPR 16"
	Exception string `json:"exception,omitempty"` // her recorded one-off exception, in her words
}

// Disclose gives one fact.
type Disclose struct {
	Fact    string `json:"fact"`
	Value   Value  `json:"value"`
	Purpose string `json:"purpose"`
	Basis   Basis  `json:"basis"`
	Until   Date   `json:"until,omitempty"`
	Ask     ID     `json:"ask,omitzero"` // the ask it answers, if any
}

// Change gives a new value for a fact that the company holds. Of is the
// disclosure by which it was told; where Of is absent she states that the company
// has the fact from before this relationship, and the change is a proposal until
// the relationship is bound.
type Change struct {
	Fact  string `json:"fact"`
	Value Value  `json:"value"`
	Basis Basis  `json:"basis"`
	Of    ID     `json:"of,omitzero"`
	Old   Value  `json:"old,omitzero"` // without Of, if she says it: what the company holds
}

// Withdraw takes a disclosure back, from now on; the company has to erase it.
type Withdraw struct {
	Disclosure ID `json:"disclosure"` // or the change that stated the holding
}

// Decline answers an ask with no.
type Decline struct {
	Ask    ID     `json:"ask"`
	Reason string `json:"reason,omitempty"`
}

// Holds says what the company holds of hers, by its own account.
type Holds struct {
	Fact   string `json:"fact"`
	Value  Value  `json:"value"`
	Origin Origin `json:"origin"` // told, observed, inferred, bought
	Source string `json:"source,omitempty"`
}

// Applied says that an entry is in the company's systems.
type Applied struct {
	Entry  ID     `json:"entry"`
	System string `json:"system"`
	Record string `json:"record"`
	// Value is [Value.MAC] of the value read back, under the salt of Entry;
	// absent where Entry has no value.
	Value ID `json:"value,omitzero"`
	// Reported says that the system can't be read and only reported so.
	Reported bool `json:"reported,omitempty"`
}

// Refused says that an entry will have no effect in the company's systems.
type Refused struct {
	Entry  ID     `json:"entry"`
	Reason string `json:"reason"`
}

// Erased names entries of either log whose bodies its writer no longer has.
type Erased struct {
	Entries []ErasedEntry `json:"entries"`
}

// An ErasedEntry is an entry whose body is gone, the kind it had, and, if it
// settled something, for which entry: erasing what was said doesn't undo what was
// done. [State.Erasure] fills it in.
type ErasedEntry struct {
	ID   ID   `json:"id"`
	Kind Kind `json:"kind"`
	Of   ID   `json:"of,omitzero"` // what an applied, a refused or a final answer was about
}

// Message says something in words.
type Message struct {
	Thread ID     `json:"thread,omitzero"` // the message that began the thread; absent in that one
	From   string `json:"from,omitempty"`  // second: the employee's name or role
	Text   string `json:"text"`
	// Resolved says that the writer takes the matter of the thread for done.
	Resolved bool   `json:"resolved,omitempty"`
	Blobs    []Blob `json:"blobs,omitempty"`
}

// A Blob is a thing too big for a body, fetched apart.
type Blob struct {
	Hash  ID     `json:"hash"` // SHA-256 of its encrypted bytes
	Size  int64  `json:"size"`
	Media string `json:"media"`
	Name  string `json:"name"`
}

// Request claims a right.
type Request struct {
	Right string `json:"right"`           // access, correct, erase, port, object, opt_out
	Law   string `json:"law"`             // GDPR, CCPA, …
	Scope string `json:"scope,omitempty"` // a fact, or absent for all
	Text  string `json:"text,omitempty"`
	Due   Date   `json:"due"` // by which the law wants an answer
}

// Answer answers a request. Extended is not the last word.
type Answer struct {
	Request ID     `json:"request"`
	Outcome string `json:"outcome"` // done, partly, refused, extended
	Text    string `json:"text,omitempty"`
	Due     Date   `json:"due,omitempty"` // with extended: the new date
	Blobs   []Blob `json:"blobs,omitempty"`
}

// Note is what she or her mail saw a company without a gateway do. It proves
// nothing.
type Note struct {
	Entry ID     `json:"entry,omitzero"` // the entry it is about, if any
	Saw   string `json:"saw"`            // sent, received, applied, refused, answer, other
	Text  string `json:"text,omitempty"`
}

func (*Open) Kind() Kind         { return "open" }
func (*Rotate) Kind() Kind       { return "rotate" }
func (*Reconcile) Kind() Kind    { return "reconcile" }
func (*Close) Kind() Kind        { return "close" }
func (*Pause) Kind() Kind        { return "pause" }
func (*TermsOffer) Kind() Kind   { return "terms.offer" }
func (*TermsAccept) Kind() Kind  { return "terms.accept" }
func (*TermsCounter) Kind() Kind { return "terms.counter" }
func (*TermsRefuse) Kind() Kind  { return "terms.refuse" }
func (*TermsTake) Kind() Kind    { return "terms.take" }
func (*TermsEnd) Kind() Kind     { return "terms.end" }
func (*Claim) Kind() Kind        { return "claim" }
func (*Challenge) Kind() Kind    { return "challenge" }
func (*Proof) Kind() Kind        { return "proof" }
func (*Bound) Kind() Kind        { return "bound" }
func (*Ask) Kind() Kind          { return "ask" }
func (*Disclose) Kind() Kind     { return "disclose" }
func (*Change) Kind() Kind       { return "change" }
func (*Withdraw) Kind() Kind     { return "withdraw" }
func (*Decline) Kind() Kind      { return "decline" }
func (*Holds) Kind() Kind        { return "holds" }
func (*Applied) Kind() Kind      { return "applied" }
func (*Refused) Kind() Kind      { return "refused" }
func (*Erased) Kind() Kind       { return "erased" }
func (*Message) Kind() Kind      { return "message" }
func (*Request) Kind() Kind      { return "request" }
func (*Answer) Kind() Kind       { return "answer" }
func (*Note) Kind() Kind         { return "note" }

// need returns an error that names the first thing that is missing.
func need(things ...any) error {
	for i := 0; i < len(things); i += 2 {
		missing := false
		switch v := things[i+1].(type) {
		case string:
			missing = v == ""
		case ID:
			missing = v.IsZero()
		case PublicKey:
			missing = v.IsZero()
		case bool:
			missing = !v
		case error:
			if v != nil {
				return fmt.Errorf("%s: %w", things[i], v)
			}
		case nil: // a nil error
		default:
			panic(fmt.Sprintf("need: %T", v)) // a type this switch lacks
		}
		if missing {
			return fmt.Errorf("no %s", things[i])
		}
	}
	return nil
}

// oneOf returns an error unless s is one of the words.
func oneOf(s string, words ...string) error {
	if slices.Contains(words, s) {
		return nil
	}
	return fmt.Errorf("%q is none of %q", s, words)
}

func (c *Open) check() error {
	return need("key", c.Key, "next", c.Next, "role", oneOf(c.Role, "customer", "delegate", "person", "thing", "company"))
}
func (c *Rotate) check() error {
	return need("key", c.Key, "next", c.Next, "disown", c.Disown >= 0)
}
func (c *Reconcile) check() error {
	return need("seq", c.Seq > 0, "stands", c.Stands, "lost", c.Lost, "two branches", c.Stands != c.Lost)
}
func (c *Close) check() error { return nil }
func (c *Pause) check() error { return need("until", string(c.Until)) }
func (c *TermsOffer) check() error {
	if len(c.Terms) == 0 || len(c.Terms) > 16 {
		return errors.New("an offer names 1 to 16 agreements")
	}
	for _, t := range c.Terms {
		if err := t.check(); err != nil {
			return err
		}
	}
	return nil
}
func (t *TermsRef) check() error {
	return need("code", t.Code, "version", t.Version, "hash", t.Hash)
}
func (c *TermsAccept) check() error  { return need("offer", c.Offer, "terms", c.Terms.check()) }
func (c *TermsCounter) check() error { return need("offer", c.Offer, "terms", c.Terms.check()) }
func (c *TermsRefuse) check() error  { return need("offer", c.Offer, "reason", c.Reason) }
func (c *TermsTake) check() error    { return need("counter", c.Counter) }
func (c *TermsEnd) check() error     { return need("agreement", c.Agreement, "from", string(c.From)) }
func (c *Claim) check() error        { return need("record", c.Record) }
func (c *Challenge) check() error {
	return need("claim", c.Claim, "way", oneOf(c.Way, "code", "sign_in"), "until", string(c.Until))
}
func (c *Proof) check() error { return need("challenge", c.Challenge, "code", c.Code) }
func (c *Bound) check() error { return need("proof", c.Proof, "system", c.System, "record", c.Record) }
func (c *Ask) check() error {
	return need("fact", checkFact(c.Fact), "purpose", c.Purpose, "why", c.Why)
}
func (b Basis) check() error {
	n := 0
	for _, set := range []bool{!b.Agreement.IsZero(), b.Right != "", b.Exception != ""} {
		if set {
			n++
		}
	}
	if n != 1 {
		return errors.New("a basis is an agreement, a right or an exception")
	}
	return nil
}
func (c *Disclose) check() error {
	return need("fact", checkFact(c.Fact), "value", c.Value.check(), "purpose", c.Purpose, "basis", c.Basis.check())
}
func (c *Change) check() error {
	return need("fact", checkFact(c.Fact), "value", c.Value.check(), "basis", c.Basis.check(),
		"old, which goes without of,", c.Of.IsZero() || c.Old.IsZero())
}
func (c *Withdraw) check() error { return need("disclosure", c.Disclosure) }
func (c *Decline) check() error  { return need("ask", c.Ask) }
func (c *Holds) check() error {
	return need("fact", checkFact(c.Fact), "value", c.Value.check(),
		"origin", oneOf(string(c.Origin), string(Told), string(Observed), string(Inferred), string(Bought)))
}
func (c *Applied) check() error { return need("entry", c.Entry, "system", c.System) }
func (c *Refused) check() error { return need("entry", c.Entry, "reason", c.Reason) }
func (c *Erased) check() error {
	if len(c.Entries) == 0 {
		return errors.New("no entries")
	}
	for _, e := range c.Entries {
		if e.ID.IsZero() || !e.Kind.Erasable() {
			return fmt.Errorf("%q can't be erased", e.Kind)
		}
	}
	return nil
}
func (c *Message) check() error {
	return need("text", c.Text, "blobs", checkBlobs(c.Blobs))
}
func checkBlobs(blobs []Blob) error {
	for _, b := range blobs {
		if b.Hash.IsZero() || b.Size < 0 || b.Name == "" {
			return errors.New("a blob has a hash, a size and a name")
		}
	}
	return nil
}
func (c *Request) check() error {
	return need("right", oneOf(c.Right, "access", "correct", "erase", "port", "object", "opt_out"),
		"law", c.Law, "due", string(c.Due))
}
func (c *Answer) check() error {
	return need("request", c.Request, "outcome", oneOf(c.Outcome, "done", "partly", "refused", "extended"),
		"due, which extended needs", c.Outcome != "extended" || c.Due != "", "blobs", checkBlobs(c.Blobs))
}
func (c *Note) check() error {
	return need("saw", oneOf(c.Saw, "sent", "received", "applied", "refused", "answer", "other"))
}
