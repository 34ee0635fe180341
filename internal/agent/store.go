package agent

import (
	"context"
	"iter"
	"time"

	"firsthand"
)

// A Store keeps a customer's life. internal/agent/store is the one for real use;
// the simulation has one in memory. Both pass package agenttest, and as logs
// package logtest. Methods may be called from several goroutines.
type Store interface {
	firsthand.Log

	// Commit does everything in c, or nothing. When it returns without error
	// everything is on stable storage, and what was erased is in no file.
	// [fault.Conflict] means that an entry did not follow its log, or that a label
	// was taken already or is not in the book.
	Commit(ctx context.Context, c Commit) error

	// Relationships returns all of them, oldest first. Relationship returns
	// [fault.NotExist] if there is none of that ID.
	Relationships(ctx context.Context) ([]Relationship, error)
	Relationship(ctx context.Context, id firsthand.ID) (Relationship, error)

	// Holders returns the cached holdings of a fact over all relationships; of
	// all facts if fact is "". Cached rows are what Commit.Holdings last said.
	// They come sorted by fact, domain and relationship, as they are at one
	// moment: the caller may commit while reading.
	Holders(ctx context.Context, fact string) iter.Seq2[Holder, error]

	Facts(ctx context.Context) ([]Fact, error)                          // by name
	Drafts(ctx context.Context, rel firsthand.ID) ([]Draft, error)      // oldest first, as are the next
	Receipts(ctx context.Context, rel firsthand.ID) ([][]byte, error)   // as they came
	Evidence(ctx context.Context, rel firsthand.ID) ([]Evidence, error) // as it was found

	// Label returns a next key that was not used yet; [fault.NotExist] with a
	// hint to refill the book if there is none. It is taken by Commit.TakeLabel.
	Label(ctx context.Context) (NextKey, error)
	// Labels counts those not used yet.
	Labels(ctx context.Context) (int, error)

	// Setting returns a value of the agent's own by name; "" if it is not set.
	Setting(ctx context.Context, name string) (string, error)

	CompanyStore
	ImportStore
	StatementStore
	ListingStore
}

// A Commit is what has to happen in one transaction. Its parts are applied in
// the order of the fields. Zero parts do nothing. Times come back in UTC, to the
// nanosecond.
type Commit struct {
	Relationships []Relationship // inserted, or replaced whole
	// Replace removes first's entries of a relationship from a seq on, which
	// lost in a fork; the caller keeps them as Evidence.
	Replace  []Place
	Entries  []firsthand.Entry // as firsthand.Log.Append
	Receipts []Received        // the first for each head is kept
	Evidence []Evidence        // each kept once
	// Holdings replaces the cached holdings of each relationship named.
	Holdings map[firsthand.ID][]Holder
	// Forget removes a relationship with everything that belongs to it: a
	// nameless one that has ended. Labels that it used stay used.
	Forget     []firsthand.ID
	Facts      []Fact    // a zero Value removes the fact
	AddDrafts  []Draft   // ID is given by the store, and never again
	DropDrafts []int64   // gone already is no error
	EmptyBook  bool      // what is not used is never used
	AddLabels  []NextKey // known already is no error, and stays used if it was
	TakeLabels []firsthand.Label
	Settings   map[string]string

	// What she keeps of companies. Rows that are caches follow, see [CompanyParts].
	Edits   []CompanyEdit // one after the other
	State   []Statement   // hers: Guessed, Import and Kind are not heeded. Each in place of what there is
	Unstate []FactAt      // hers, and guesses: the accounts that they come from are quiet from then on
	Assign  []Assignment  // [fault.NotExist] if there is no such account
	// KeepImports makes previews count; kept already is no error, and one that is
	// read or isn't there is [fault.NotExist]. UndoImports removes imports in any
	// state with everything of theirs; gone already is no error.
	KeepImports, UndoImports []int64
	// Drop forgets companies with their accounts and statements; [fault.Conflict]
	// where there is a relationship, after the parts above.
	Drop         []string
	SetListings  []ListingSet // each in place of the one of its name
	DropListings []string     // by name; gone already is no error
}

// IsOfCompanies reports whether c has parts about companies.
func (c *Commit) IsOfCompanies() bool {
	return len(c.Edits)+len(c.State)+len(c.Unstate)+len(c.Assign)+len(c.KeepImports)+len(c.UndoImports)+len(c.Drop)+
		len(c.SetListings)+len(c.DropListings) > 0
}

// A Place is where an entry stands.
type Place struct {
	Rel  firsthand.ID
	Side firsthand.Side
	Seq  int64
}

// A Relationship is what the agent keeps of one beside its logs.
type Relationship struct {
	ID      firsthand.ID
	Domain  string   // of the company
	Name    string   // of its legal entity, as its document said
	Gateway string   // base URL; "" in an unpaired log
	Company []byte   // the discovery document with which they met; nil if unpaired
	Seed    [32]byte // her key in force
	Opened  time.Time
	Kept    bool // she keeps it; else it is nameless and forgotten whole when it ends

	// What the outbox knows. Received is the head of her log that the company
	// has signed for; entries after it are still to be sent.
	Received firsthand.Head
	Sent     int64     // seq of her last entry that a call has carried
	Tries    int       // calls that failed since the last that did not
	NextTry  time.Time // no call before
	Failure  string    // why the last call failed: a sentence, "" if it did not

	Restored bool   // her file is a backup: nothing is signed until the other side was asked
	Frozen   string // why nothing is signed: a fork, and what to do; "" if it may be
	Summary  []byte // JSON of what lists show, cached; see Agent.Rebuild
}

// A Fact is something about her that she can disclose.
type Fact struct {
	Name    string
	Value   firsthand.Value
	Updated time.Time
}

// A Draft is an act that was decided and is not signed yet, because her file was
// restored and the other side is to be asked first.
type Draft struct {
	ID   int64
	Rel  firsthand.ID
	Body []byte // of the entry to be
	Made time.Time
}

// A NextKey is one line of the book: the hash of a key that the kit derives from
// the label. The key itself is not in her file.
type NextKey struct {
	Label firsthand.Label
	Hash  firsthand.KeyHash
}

// Received is a receipt as it came, and what it covers.
type Received struct {
	Receipt firsthand.Receipt
	Signed  []byte
}

// Evidence is an entry that forked a log. It is proof and never state.
type Evidence struct {
	Entry firsthand.Entry
	Why   string
}

// A Holder is one row of the cache of holdings: who holds what.
type Holder struct {
	Rel     firsthand.ID
	Domain  string
	Entry   firsthand.ID // that made the holding
	Fact    string
	Value   firsthand.Value
	Origin  firsthand.Origin
	Since   time.Time
	Until   firsthand.Date
	Last    firsthand.ID // the entry that gave Value
	Outcome string       // of Last: "", applied, refused
}
