// Package gateway is the company's side: it stands in front of the systems that a
// company has already and makes them answer customers properly.
//
// A [Gateway] takes what agents bring (sync.go), judges and keeps it, and signs
// what the company has to say by itself: the answer to offered terms, a challenge,
// what became of a change. Everything that concerns another system, and so may
// fail, is a row of the outbox (deliver.go), written in the transaction that
// takes its cause.
//
// # Crash order
//
// A call is: verify in memory, one commit, answer. The commit has the entries
// taken, the entries signed in reply and the deliveries that they cause. A crash
// before it leaves nothing, and the agent repeats the call; after it, the same
// call finds its entries known and gets the same receipt.
//
// A delivery is: read the row, call the connector, one commit of the outcome and
// the signed entry that says it. A crash anywhere before the commit repeats the
// call, with the same ID, which changes nothing. What has to be said is derived
// from rows and folded state, never from having just happened; see attend.go.
//
// # What this package does not do
//
// It doesn't serve HTTP: package wire does, with a Gateway as its Server. It
// doesn't know its database, which is internal/gateway/store, and of the company's
// systems it knows package connector alone.
package gateway
