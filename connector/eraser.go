package connector

import (
	"context"

	"firsthand"
)

// An Eraser is a Connector to a system that keeps beside the record what it was given: in
// mails, or in notes of them.
type Eraser interface {
	Connector
	// Erase removes what requests that gave a fact, or changed it, have left in the system
	// beside the record, with what people said there about them; also what a person was
	// still to decide on. The gateway calls it before it has the fact redacted or asks an
	// operator to remove it from the record, and again when she says that it is; erased is
	// signed only after it has succeeded. A second call changes nothing, and neither does
	// a request of these that comes again.
	//
	// Where something is left that only people can remove, the error is a [fault.Notice] of
	// the kind [fault.Conflict], which says to the operator where it is.
	Erase(ctx context.Context, of ...firsthand.ID) error
}
