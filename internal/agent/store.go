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

	// EntriesAt returns those entries of a log that have one of the seqs, in order.
	// Like Entries it checks each of them.
	EntriesAt(ctx context.Context, rel firsthand.ID, side firsthand.Side, seqs ...int64) ([]firsthand.Entry, error)

	// Commit does everything in c, or nothing. When it returns without error
	// everything is on stable storage, and what was erased is in no file.
	// [fault.Conflict] means that an entry did not follow its log, or that a label
	// was taken already or is not in the book.
	Commit(ctx context.Context, c Commit) error

	// Commits returns another number than before where something was changed meanwhile.
	// Where it is the same, everything in the store is as it was.
	Commits() int64

	// Relationships returns all of them, oldest first, RelationshipsAt those of
	// these IDs that there are, in any order. Relationship returns [fault.NotExist]
	// if there is none of that ID.
	Relationships(ctx context.Context) ([]Relationship, error)
	RelationshipsAt(ctx context.Context, ids ...firsthand.ID) ([]Relationship, error)
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
	// NextKeys returns as many that were not used yet as there are, at most n.
	NextKeys(ctx context.Context, n int) ([]NextKey, error)
	// Labels counts those not used yet.
	Labels(ctx context.Context) (int, error)

	// Outbox returns what the outbox has to know of each paired relationship, in
	// any order, without reading the rest.
	Outbox(ctx context.Context) ([]Outgoing, error)
	// Carried returns what is cached of a relationship's entries, by seq.
	Carried(ctx context.Context, rel firsthand.ID) ([]Carried, error)
	// Held returns, by relationship, the places of entries that belong to a
	// paused move and that no receipt covers, in order.
	Held(ctx context.Context) (map[firsthand.ID][]int64, error)

	// Moves returns all moves, the latest first. Move returns [fault.NotExist] if
	// there is none of that ID, and MoveOf if there is none of that key.
	Moves(ctx context.Context) ([]MoveRow, error)
	Move(ctx context.Context, id int64) (MoveRow, error)
	MoveOf(ctx context.Context, key string) (MoveRow, error)
	// Legs returns the legs of a move by their numbers, with what is cached of
	// their entries; of these numbers, or all if there are none. Values of the
	// move's facts are left out. LegSteps returns of all no more than how far they
	// have come; who gets it only reads it.
	Legs(ctx context.Context, move int64, n ...int) ([]LegState, error)
	LegSteps(ctx context.Context, move int64) ([]LegStep, error)

	// Tasks returns entries in unpaired logs, without drafts: first those of
	// which she is to be reminded by today, then the oldest first; and how many
	// there are. Task returns one, [fault.NotExist] if there is no such task.
	Tasks(ctx context.Context, q TaskQuery, today firsthand.Date) ([]Task, int, error)
	Task(ctx context.Context, entry firsthand.ID) (Task, error)

	// Waits returns what waits for her in all relationships and is of use today,
	// the oldest first, without what is put off; at most limit, and how many there
	// are. WaitingIn returns all of one relationship, in the order of Commit.Waiting.
	Waits(ctx context.Context, today firsthand.Date, limit int) ([]Waiting, int, error)
	WaitingIn(ctx context.Context, rel firsthand.ID) ([]Waiting, error)
	// Later returns until when cards are put off, by key.
	Later(ctx context.Context) (map[string]firsthand.Date, error)

	// Masks returns masks of a company, by its key, or with "" all: the last made
	// first, then by token. Leaks returns all, the oldest first, then by token and
	// sender.
	Masks(ctx context.Context, key string) ([]Mask, error)
	Leaks(ctx context.Context) ([]Leak, error)

	// Setting returns a value of the agent's own by name; "" if it is not set.
	Setting(ctx context.Context, name string) (string, error)

	CompanyStore
	ImportStore
	StatementStore
	ListingStore
	MailStore
	MoneyStore
	DocumentStore
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
	// Carried replaces what is cached of the entries of each relationship named,
	// by seq.
	Carried map[firsthand.ID][]Carried
	// Waiting replaces what waits for her in each relationship named.
	Waiting map[firsthand.ID][]Waiting
	// Outbox replaces, of relationships that are there, only what the outbox
	// knows of them: Received to Failure.
	Outbox []Relationship
	// Moves are inserted, or replaced whole. [fault.Conflict] means that another
	// move has the key. Legs replaces all legs of each move named.
	Moves []MoveRow
	Legs  map[int64][]LegRow
	// LegEntries say what entry a leg has become, or why it has become none.
	LegEntries []LegEntry
	Reminders  map[firsthand.ID]firsthand.Date // by entry; "" removes one
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
	Later      map[string]firsthand.Date // cards by key, and until when they are put off; "" brings one back
	Masks      []Mask                    // inserted, or replaced whole, by token
	Leaks      []Leak                    // the same, by token and sender

	Contracts     []ContractRow // inserted, or replaced whole; IDs are the caller's, above 0
	DropContracts []int64       // gone already is no error

	// What she keeps of companies. Rows that are caches follow, see [CompanyParts].
	Edits   []CompanyEdit // one after the other
	State   []Statement   // hers: Guessed, Import and Kind are not heeded. Each in place of what there is of its origin
	Unstate []FactAt      // hers, and, with what was stated, guesses: the accounts that they come from are quiet from then on
	Assign  []Assignment  // [fault.NotExist] if there is no such account
	// KeepImports makes previews count; kept already is no error, and one that is
	// read or isn't there is [fault.NotExist]. UndoImports removes imports in any
	// state with everything of theirs; gone already is no error.
	KeepImports, UndoImports []int64
	// Drop forgets companies with their accounts and statements; [fault.Conflict]
	// where there is a relationship, after the parts above.
	Drop []string
	// Documents with an ID replace Entry of those there are, and nothing else; gone
	// already is no error. Others are added: the store gives IDs, which rise, and of a
	// known Domain and hash nothing is added. [fault.Unavailable] means that the blob
	// isn't there: it is to be added again. A blob goes with the last that names it.
	Documents []Document
	// DropDocuments, gone already is no error. What was taken over from one stays, as
	// from none, unless it is unstated.
	DropDocuments []int64

	SetListings  []ListingSet // each in place of the one of its name
	DropListings []string     // by name; gone already is no error

	Mails []Mail // inserted, or replaced whole, by entry and part
	// Answers with an ID replace Mark and Marked of those there are, and nothing else;
	// gone already is no error. Others are added: the store gives IDs, which rise, and
	// of a known Key nothing is added. [fault.Unavailable] means that a blob isn't
	// there which a new one names: it is to be added again.
	Answers     []Answer
	DropAnswers []int64 // with the blobs that nothing else names; gone already is no error
}

// IsOfCompanies reports whether c has parts about companies.
func (c *Commit) IsOfCompanies() bool {
	return len(c.Edits)+len(c.State)+len(c.Unstate)+len(c.Assign)+len(c.KeepImports)+len(c.UndoImports)+len(c.Drop)+
		len(c.Documents)+len(c.DropDocuments)+len(c.SetListings)+len(c.DropListings) > 0
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

	// Cached too, for the outbox.
	Head    int64          // seq of her last entry
	Expects firsthand.Date // until then an answer may come any time, ""
	Quiet   bool           // it is closed, and the company owes nothing
}

// Outgoing is what the outbox has to know of one relationship.
type Outgoing struct {
	Rel            firsthand.ID
	Gateway        string
	Head, Received int64 // of her log
	Tries          int
	NextTry        time.Time
	Refused        bool // the last call had an answer, which may have asked for NextTry
	Expects        firsthand.Date
	Quiet          bool
	Restored       bool
	Frozen         bool
}

// Outgoing returns what the outbox has to know of r.
func (r *Relationship) Outgoing() Outgoing {
	return Outgoing{Rel: r.ID, Gateway: r.Gateway, Head: r.Head, Received: r.Received.Seq, Tries: r.Tries, NextTry: r.NextTry,
		Refused: IsRefusal(r.Failure), Expects: r.Expects, Quiet: r.Quiet, Restored: r.Restored, Frozen: r.Frozen != ""}
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
	Move int64 // whose leg it is; 0 for none
	Leg  int   // its number
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
	Ground  string       // the text of its [Ground]; "" in a row that is older than these
}

// A LegRow is a leg of a move as it was carried out. Leg.Value is that of the
// move.
type LegRow struct {
	Leg
	Move  int64
	N     int          // from 1
	Entry firsthand.ID // zero if it is left out, not begun, or only a draft
}

// A LegEntry says what has become of a leg that was a draft: an entry, or nothing,
// for a reason.
type LegEntry struct {
	Move   int64
	N      int
	Entry  firsthand.ID
	Reason string // if there is no entry
}

// Carried is one row of the cache of what is on its way: an entry of hers, and
// what became of it as far as the logs say. Of paired relationships there are
// changes, of unpaired ones all that has to be carried.
type Carried struct {
	Rel            firsthand.ID
	Entry          firsthand.ID
	Seq            int64
	Kind           firsthand.Kind
	Fact           string // of a change, a disclosure or a withdrawal
	Made           time.Time
	Due            firsthand.Date // by which an answer is owed, ""
	Step           string         // "", applied, refused, replaced; in an unpaired log also sent and received
	System, Record string         // with applied
	Why            string         // the company's reason, or her note
	Noted          time.Time      // when she noted it
	Unpaired       bool
}

// A LegState is a leg with what is cached of its entry and its relationship.
type LegState struct {
	LegRow
	Carried        Carried // zero if the logs have no such entry
	Sent, Received int64   // as in Relationship, like the next three
	Tries          int
	Failure        string
	NextTry        time.Time
	Mail           string // the state of the mail that carries the entry, "" if none does; then the three before are its own
}

// A LegStep is what says how far a leg has come, and no more: thousands are counted
// for each page of a board.
type LegStep struct {
	N              int
	Group          string
	Written        bool   // it has an entry
	Known          bool   // the logs have that
	Step           string // as in Carried, like the next four
	Made           time.Time
	Due            firsthand.Date
	Seq            int64
	Unpaired       bool
	Sent, Received int64  // as in Relationship
	Mail           string // as in LegState
}

// LegStep returns how far s has come.
func (s *LegState) LegStep() LegStep {
	c := &s.Carried
	return LegStep{s.N, s.Group, !s.Entry.IsZero(), !c.Entry.IsZero(), c.Step, c.Made, c.Due, c.Seq, c.Unpaired, s.Sent, s.Received, s.Mail}
}
