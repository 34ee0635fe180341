package connector

import (
	"context"

	"firsthand"
)

// A Decider is a Connector whose proposals a person can decide from where she is,
// the gateway's desk, and not in the system alone. Without it, she decides there.
type Decider interface {
	Connector
	// Accept carries out what was proposed for the request of that ID, as a person
	// does in the system, into the record of that number; "" is the one that it
	// belongs to. [fault.NotExist] if nothing waits under that ID any more,
	// [fault.Conflict] if something of the same fact has to be decided before.
	Accept(ctx context.Context, id firsthand.ID, record string) error
	// Reject drops what was proposed, for a reason that the customer reads.
	Reject(ctx context.Context, id firsthand.ID, reason string) error
}
