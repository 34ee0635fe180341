// Package wire carries entries between an agent and a gateway over HTTP: one
// client, one handler, one format (docs/protocol.md, "Exchange").
//
// The agent always calls. A call says what the agent has of both logs and brings
// what the gateway lacks; the answer does the same the other way round, with the
// company's receipt for the entries that it has on stable storage. Repeating a
// call changes nothing. So "append, then call until receipted" survives every
// crash, and the same call serves for sending, for receiving, and for taking
// back what a restored side has lost.
//
// Every call is signed by the key of its relationship, and each relationship has
// a connection of its own: beyond network address and timing, two companies
// receive nothing by which they could find out that they have the same customer.
//
// To read this package, begin with the types in this file and with format.go,
// which says what the bytes are; then handler.go and client.go.
//
// # What this package does not do
//
// It keeps nothing. Entries come out of it parsed and in order, but whether they
// are true is asked of [firsthand.State.Check] by the two sides themselves. When
// to call again after a failure is decided by the agent's outbox.
package wire

import (
	"context"
	"time"

	"firsthand"
)

// Limits of one call or answer. More is sent by calling again; see [Fit].
const (
	MaxBatch      = 256     // entries
	MaxBatchBytes = 1 << 20 // bytes of entries, as lines
	MaxWait       = 50 * time.Second
)

// A Request is one call of the agent in one relationship.
type Request struct {
	Rel ID
	// First and Second are the heads that the agent has of the two logs.
	First, Second firsthand.Head
	// Wait asks the gateway to hold its answer up to this long, if it has
	// nothing to say yet. It travels in whole seconds. An answer that brings
	// nothing and comes before the time is over says that the gateway can't
	// wait now; the agent then pauses before it calls again.
	Wait time.Duration
	// Entries are what the gateway lacks as far as the agent knows, of either
	// log, each log in order and without gaps: first's that no receipt covers,
	// and second's if the gateway lost them.
	Entries []firsthand.Entry
}

// A Response is the gateway's answer.
type Response struct {
	// First and Second are the heads that the gateway has on stable storage.
	// Where they are behind the agent's, it sends from there on next time.
	First, Second firsthand.Head
	// Receipt is the company's [firsthand.Receipt] for First. The client does
	// not check it: which keys may have signed it is in the agent's State.
	Receipt []byte
	// Entries are what the agent lacks by its own account, of either log: each
	// log in order, from the entry after the head that the agent named.
	Entries []firsthand.Entry
	// More says that there was no room for all of them, and that the agent
	// should call again at once.
	More bool
}

// ID is short for the core's.
type ID = firsthand.ID

// A Server answers calls: the gateway. Its methods may be called from several
// goroutines. The calls they get are authenticated and within the limits; the
// entries are of the relationship and in order, they are parsed and their bodies
// match, but they are not verified.
//
// Errors wrap a fault.Kind; rule names cross the wire, other text does not.
type Server interface {
	// Company returns the signed discovery document.
	Company(ctx context.Context) ([]byte, error)
	// Keys returns the key of first that is in force in the relationship, and
	// the hash of the next. fault.NotExist if there is no such relationship. It
	// is asked before every call, so it should not need the disk.
	Keys(ctx context.Context, rel ID) (firsthand.PublicKey, firsthand.KeyHash, error)
	// Open begins the relationship that r.Entries[0] opens, and then does what
	// Sync does; where the relationship is there already, it does that alone. A
	// gateway that lost a relationship gets it back in this way.
	Open(ctx context.Context, r Request) (Response, error)
	// Sync takes r.Entries, as far as they follow what the gateway has, and
	// answers when they are on stable storage. Entries that it has already are
	// skipped, and nothing is kept of the heads that r names, so that a call can
	// be repeated, even an old one after newer ones. Entries that conflict with what
	// it has, or heads that do, give fault.Conflict with rule log-fork, after
	// the evidence was stored; the agent then asks again from the beginning
	// of the logs to find where they part.
	//
	// If r.Wait is not zero and there is nothing to say, Sync waits for news
	// that long. The wait, not the call, ends early when ctx does: what was
	// taken is answered for.
	Sync(ctx context.Context, r Request) (Response, error)
}
