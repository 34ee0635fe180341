// Package agent is the customer's side: her relationships, what she tells and
// changes, and the outbox that carries it.
//
// An act (Meet, Tell, Ask, Agree, Pause, Leave) is decided by package policy,
// written as an entry, and committed to the store together with the caches that
// show it. That is all an act does. Carrying entries is the work of the outbox:
// whatever a relationship's log has beyond the last receipt is still to be sent,
// so the outbox is no list of its own and can't disagree with the log. A crash
// anywhere leaves either nothing or an entry that the next call carries.
//
// The outbox is made of two steps without network, Prepare and Receive; Run does
// them with a wire.Client between, the simulation with a network of its own.
//
// The agent opens no files. internal/agent/store is where her life is kept.
package agent
