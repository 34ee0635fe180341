package gateway

import (
	"context"
	"iter"
	"time"

	"firsthand"
	"firsthand/connector"
)

// A Store keeps what a gateway knows. internal/gateway/store is the one for real
// use; the simulation has one in memory. Both pass package gatewaytest, and as
// logs, kept by second, package logtest. Methods may be called from several
// goroutines.
type Store interface {
	firsthand.Log
	DeskStore

	// Commit does everything in c, or nothing. When it returns without error
	// everything is on stable storage. [fault.Conflict] means that an entry did
	// not follow its log. Commits of different callers are made durable together.
	Commit(ctx context.Context, c Commit) error

	// Relationship returns [fault.NotExist] if there is none of that ID.
	Relationship(ctx context.Context, rel firsthand.ID) (Relationship, error)
	// Relationships returns all of them, oldest first.
	Relationships(ctx context.Context) iter.Seq2[Relationship, error]
	// OfRecord returns the relationships whose Record that is.
	OfRecord(ctx context.Context, system, record string) ([]firsthand.ID, error)
	// Behind returns some relationships that have reached less than that many of
	// the company's keys and are neither restored nor frozen.
	Behind(ctx context.Context, keys, limit int) ([]firsthand.ID, error)

	// Deliveries returns all of a relationship, in the order they were added.
	Deliveries(ctx context.Context, rel firsthand.ID) ([]Delivery, error)
	// Delivery returns one; [fault.NotExist] if there is none.
	Delivery(ctx context.Context, rel firsthand.ID, seq int64, task Task) (Delivery, error)
	// Ready returns the deliveries of a lane whose turn it is in relationships that are
	// neither restored nor frozen, by Next, which may lie ahead: of each the first
	// that is Waiting or Checking, unless one before it is Stopped. The soonest that is
	// Later, of whichever lane, is among those of Records. Those of at least limit
	// relationships are looked at.
	Ready(ctx context.Context, lane Lane, limit int) ([]Delivery, error)
	// Due returns all deliveries about which something is owed, the earliest due
	// first.
	Due(ctx context.Context) ([]Delivery, error)

	Challenges(ctx context.Context, rel firsthand.ID) ([]Challenge, error) // by Seq
	// Challenged counts the codes sent to the contact of a record since a time.
	Challenged(ctx context.Context, system, record string, since time.Time) (int, error)

	Drafts(ctx context.Context, rel firsthand.ID) ([]Draft, error)
	Evidence(ctx context.Context, rel firsthand.ID) ([]Evidence, error)
	Audit(ctx context.Context, rel firsthand.ID) ([]Audit, error) // oldest first

	// Known reports whether a change of the company's system was committed.
	Known(ctx context.Context, change string) (bool, error)
	// Setting returns a value of the gateway's own by name; "" if it is not set.
	Setting(ctx context.Context, name string) (string, error)
}

// A Commit is what has to happen in one transaction. Its parts are applied in
// the order of the fields. Zero parts do nothing.
type Commit struct {
	// At says from which versions of relationships this was made. A [Shared] store
	// refuses it with [fault.Conflict] if one has another version by now; others
	// don't look.
	At            []At
	Relationships []Relationship // inserted, or replaced whole; their Version is the store's
	// Replace removes second's entries of a relationship from a seq on, which
	// lost in a fork; the caller keeps them as Evidence.
	Replace    []Place
	Entries    []firsthand.Entry // as firsthand.Log.Append
	Evidence   []Evidence        // each kept once
	Deliveries []Delivery        // inserted, or replaced where they stand in line
	Challenges []Challenge       // inserted, or replaced whole
	AddDrafts  []Draft           // ID is given by the store
	DropDrafts []int64           // gone already is no error
	Audit      []Audit
	Changes    []string          // from now on Known
	Settings   map[string]string // "" removes
	// Expect are settings that must have these values before the commit, "" if they
	// must not be set: else nothing is done, and the error is [fault.Conflict].
	Expect map[string]string
}

// Settings of the gateway's own.
const (
	settingCursor = "cursor" // of the connector's changes
	// What a relationship missed that a backup had lost is read again: a value
	// that differs from the one in settingReread asks for it.
	settingAgain  = "again"
	settingReread = "reread"
	// settingUnheard, and an ID: the system told something of a relationship of
	// which nothing was known.
	settingUnheard = "unheard "
)

// At names a version of a relationship; 0: there is none. Ends is kept beside the next
// version, and no longer; see [Shared].
type At struct {
	Rel     firsthand.ID
	Version int64
	Ends    []byte
}

// A Place is where an entry of second's stands.
type Place struct {
	Rel firsthand.ID
	Seq int64
}

// A Relationship is what the gateway keeps of one beside its logs.
type Relationship struct {
	ID     firsthand.ID
	Opened time.Time
	// Version counts the commits that have changed anything of it but its audit, in
	// a [Shared] store; else it is 0.
	Version int64

	// Key is first's key in force and Next the hash of the one after it. They
	// follow from the log and stand here because each call asks for them.
	Key  firsthand.PublicKey
	Next firsthand.KeyHash
	// Keys is how many of the keys in the company's chain its log has reached.
	Keys int

	// Record is the company's record that she is proved to be, or the one that
	// the connector made for her; its Version is not kept.
	Record connector.Ref

	// Restored says that the file is a backup that was put back: nothing is signed
	// until the agent has told what it has. A store that notices it by itself, as
	// it is opened, sets Restored and Noticed in all relationships.
	Restored bool
	Noticed  time.Time // when that was noticed last; kept afterwards

	Frozen string // why nothing is signed: a fork; "" if it may be
}

// A Task is what a delivery does.
type Task string

const (
	Deliver Task = "deliver" // brings first's entry to the company's system
	Redact  Task = "redact"  // removes an ended holding from it, and erases its bodies
	Verify  Task = "verify"  // sends a challenge for a claim
	Review  Task = "review"  // looks at the relationship as a whole, at a time
	Merge   Task = "merge"   // for an operator: the record of Ref and the one she is bound to are one person's
)

// A Status says how far a delivery has come.
type Status string

const (
	Waiting  Status = "waiting"  // for its turn, not before Next
	Checking Status = "checking" // is in the system; to be read back, not before Next
	Stopped  Status = "stopped"  // failed; an operator must look, and those behind it wait
	Held     Status = "held"     // for an operator; those behind it go on
	Proposed Status = "proposed" // a person decides in the system; those behind it go on
	Later    Status = "later"    // set for Next; stands in nobody's way
	Applied  Status = "applied"  // done in the system; an entry says so, or will
	Declined Status = "declined" // will not be done, because of Why; an entry says so, or will
	Done     Status = "done"     // over, and nothing is to be said of it
)

// A Lane says to which of a company's systems a delivery goes. In each relationship
// each lane has a line of its own: what waits in the one doesn't wait for the other.
type Lane string

const (
	Records Lane = ""        // the system that has the customers: what is told, claimed and erased
	Tickets Lane = "tickets" // the one in which the company talks to them, if that is another
)

// Member returns the member of gateway.json that names the system of l.
func (l Lane) Member() string {
	if l == Tickets {
		return "tickets"
	}
	return "connector"
}

// A Delivery is one row of the outbox: something to be done, in a system of the
// company's, about an entry of first's. It says nothing of hers by itself: what
// is delivered is read from the log, so it is gone when it is erased there.
type Delivery struct {
	Rel  firsthand.ID
	Seq  int64 // of Entry in first's log; with Task what tells deliveries of a relationship apart
	Task Task
	Lane Lane

	Entry  firsthand.ID
	Status Status
	// Tries counts calls of the system since the last that succeeded. Once it was
	// called with what she tells, it is never 0 again: the system may have it.
	Tries int
	Next  time.Time
	Why   string        // for the operator; with Declined for the customer
	Ref   connector.Ref // the record or ticket concerned, once known

	Reported bool           // with Applied: on the word of a system that can't be read
	Due      firsthand.Date // by when something is owed; "" if nothing is

	// Made is when it was first added; a row that is replaced keeps its own. Ended is
	// when nothing was left to be done or said about it.
	Made, Ended time.Time
	// Owed is the last Due that it had; a row that is replaced by one without keeps it.
	Owed firsthand.Date
}

// A Challenge is the gateway's own side of a claim. The code itself is known to
// the contact on record alone.
type Challenge struct {
	Rel   firsthand.ID
	Claim firsthand.ID
	Seq   int64 // of Claim in first's log

	Record connector.Ref // that the claim is about
	Sends  int           // messages decided to be sent so far; numbers them
	Hash   firsthand.ID  // of the code last sent; zero: there is none that is good
	Sent   time.Time
	Until  firsthand.Date
	Left   int   // how often the code may still be tried
	Tried  int64 // seq of the last proof that was judged

	Entry firsthand.ID // the challenge entry that stands; zero before
	Proof firsthand.ID // the proof that was right; zero before
}

// A Draft is something that the company has said and can't sign yet, because the
// relationship is restored, frozen or paused.
type Draft struct {
	ID   int64
	Rel  firsthand.ID
	Body []byte       // of the entry to be
	Of   firsthand.ID // the entry of first's that it is about; zero if none
	Made time.Time
}

// Evidence is an entry that forked a log. It is proof and never state.
type Evidence struct {
	Entry firsthand.Entry
	Why   string
}

// An Audit is a row that is written before an operator sees or does something.
type Audit struct {
	N     int64        // its place, given by the store
	Rel   firsthand.ID // zero for what is about no relationship: signing in, staff, settings
	At    time.Time
	By    string       // who, as the command or desk knows it
	Act   string       // show, apply, refuse, challenge, …
	Entry firsthand.ID // zero for show
	Note  string
}
