// Package connector is the contract between a gateway and one of the systems
// that a company has already: a CRM, a helpdesk, an ERP.
//
// A connector translates and nothing more. The gateway owns the outbox, order,
// retries and the signed receipts; it says "applied" only after it has read back
// from the system what it delivered. What a connector must do is in the comments
// here and, as tests, in package connectortest; docs/adding-a-connector.md is the
// checklist.
package connector

import (
	"context"
	"iter"
	"time"

	"firsthand"
)

// A Connector joins a gateway to one system. Its methods may be called from
// several goroutines. Implementations must pass package connectortest.
type Connector interface {
	// Deliver records r in the system. The gateway calls it again with the same
	// Request.ID until it succeeds, also after a crash in the middle, so a
	// second call must change nothing and return the same Result, even when
	// later requests, staff or Redact have changed the record since. The one
	// exception is in the comment of Request.Proposal.
	//
	// If r.Record has a Version and the record is no longer at it, nothing is
	// changed and the error is [fault.Conflict]: the gateway reads and decides.
	//
	// An error that wraps [fault.Unavailable] is retried later, at the time that
	// a [Later] names if it is one; one that is a [fault.Notice] shows its text
	// to the operator. Where the system has no place for requests of that kind,
	// such as tickets, the error wraps [errors.ErrUnsupported], and an operator
	// answers in its stead; any other error stops the relationship's deliveries
	// until an operator has looked.
	Deliver(ctx context.Context, r Request) (Result, error)

	// Read returns the record as the system has it now. The gateway says
	// "applied" only for values that it has read back. [fault.NotExist] if the
	// record is gone; an error that wraps [errors.ErrUnsupported] if the system
	// can't be read at all, and then Deliver's Results are Reported.
	Read(ctx context.Context, ref Ref) (Record, error)

	// Changes returns what has happened in the system since cursor, oldest
	// first, and ends when there is no more for now, or after an error. The empty
	// cursor is the beginning. Cursors mean nothing to the gateway, which keeps
	// the last. What Deliver wrote is no change; what a person did with it is.
	Changes(ctx context.Context, cursor string) iter.Seq2[Change, error]
}

// A Binder is a Connector that can bind a relationship to a record it has.
type Binder interface {
	Connector
	// Find returns the records that fit a claim; none is no error.
	Find(ctx context.Context, c Claim) ([]Ref, error)
	// Notify sends m to the contact on record, never to one that the claimant
	// names, and returns that contact, masked, as in "m•••@example.org" (see
	// [Mask]). The same Message.ID is sent at most once. [fault.NotExist] if there
	// is no such record, or no contact on it.
	Notify(ctx context.Context, ref Ref, m Message) (to string, err error)
}

// A Redactor is a Connector that can also forget. The gateway uses it when a
// disclosure ends; without it, the gateway asks an operator.
type Redactor interface {
	Connector
	// Redact removes a fact from the record, or the whole record if fact is "", and
	// copies of it, with what waits for a person to be written there. A second call
	// changes nothing.
	Redact(ctx context.Context, ref Ref, fact string) error
}

// A Request is one of the customer's entries, verified by the gateway.
type Request struct {
	ID           firsthand.ID // of the entry: the idempotency key
	Relationship firsthand.ID // pairwise; fit to be an external id in the system
	Kind         firsthand.Kind
	At           time.Time

	// Record is the existing record that the relationship is proved to belong
	// to, or the one that an earlier request of it made; zero if there is
	// neither, and then the connector makes one, unless it finds one that
	// Relationship made: a relationship makes one record, whatever crashed.
	Record Ref
	// Proposal says that the request concerns an existing record of the system
	// that is not proved to be hers. Nothing may be written over: the
	// connector shows it to a person, or does nothing, and returns Proposed, or
	// Declined if not even a person could do it. If the record is proved to be
	// hers while it waits, the same request comes again without Proposal and with
	// the Record: then it is carried out as if it came for the first time, and
	// what was proposed is no more. Where a person has decided by then, her
	// decision stands: nothing is carried out, and the Result says what it was,
	// Written and into which record, or Declined and why.
	Proposal bool

	Fact    string          // of disclose, change and withdraw
	Value   firsthand.Value // of disclose and change
	Old     firsthand.Value // what the fact was before, if known
	Purpose string
	Subject string // one line of plain text for tickets
	Text    string // of message, request: plain text, hostile
	Thread  Ref    // the ticket that an earlier message of the thread made
}

// A Ref names a record of the system. Version, if the system has one, is what
// the record was when it was last seen, for compare-and-set.
type Ref struct {
	System  string `json:"system"` // the connector's name, as the customer sees it
	ID      string `json:"id"`
	Version string `json:"version,omitempty"`
}

// IsZero reports whether r names nothing.
func (r Ref) IsZero() bool { return r.ID == "" }

// A State says what became of a request.
type State string

const (
	Written  State = "written"  // it is in the system
	Proposed State = "proposed" // a person decides
	Declined State = "declined" // the system will not have it: Reason
)

// A Result says what became of a request, and the record it concerns.
type Result struct {
	State    State
	Ref      Ref
	Reason   string
	Reported bool // the system can't be read: Value is its signed word for what it wrote
	Value    firsthand.Value
}

// A Record is a record as the system has it.
type Record struct {
	Ref   Ref
	Facts map[string]firsthand.Value
}

// A Change is something that happened in the system.
type Change struct {
	Cursor       string       // to go on after this one
	ID           string       // the same for the same change
	Relationship firsthand.ID // zero if the system doesn't know it
	Ref          Ref
	At           time.Time
	Of           firsthand.ID // the request that it is about, if any

	State  State  // of Of: a person has decided
	Reason string // with Declined
	Author string // with Text: the employee's name or role
	Text   string // a reply
	// Resolved says that staff took the matter of the ticket for done. It is a change
	// of its own, or comes with the last reply.
	Resolved bool
	Fact     string // changed by staff
	Value    firsthand.Value
}

// A Claim is what a customer says of herself to be found.
type Claim struct {
	Record string // customer number, login …
}

// A Message is a text to a contact on record.
type Message struct {
	ID      string // the same when it is sent again
	Subject string
	Text    string
}
