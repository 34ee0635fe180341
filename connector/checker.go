package connector

import "context"

// A Checker is a Connector that can say whether it finds in the system what it needs,
// before a customer finds out. The desk's check asks it.
type Checker interface {
	Connector
	// Check tries what it can without a customer, and returns what came of each. It
	// writes nothing of anybody's, and what it leaves says that it is of a check.
	Check(ctx context.Context) []Finding
}

// A Finding is one thing that a Checker looked at.
type Finding struct {
	What string // for staff: "rights in the queue"
	Note string // a fact that staff should know, though nothing is wrong
	Err  error  // what is wrong, nil if nothing is; a [fault.Notice] says what to do
}

// A Clearer is a Connector that can put away what a customer who doesn't exist has left
// in the system. The desk's check asks it for tickets, and for records where the
// connector is no [Redactor].
type Clearer interface {
	Connector
	// Clear empties the record or ticket as far as the system lets it, and takes it out
	// of staff's way. It touches only what Deliver has made. It returns for staff what
	// stays in the system all the same, and how a person removes that; "" if nothing
	// does. A second call changes nothing.
	Clear(ctx context.Context, ref Ref) (stays string, err error)
}
