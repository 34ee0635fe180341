package agent

import (
	"context"
	"time"

	"firsthand"
)

// A Document is a file that a company gave her of what it holds: kept byte for byte, as
// it came.
type Document struct {
	ID     int64
	Domain string // the company's key
	Blob   firsthand.Blob
	Came   time.Time
	Mail   firsthand.ID // the key of the answer with which it came; zero if she added it herself
	Entry  firsthand.ID // the request that it answers; zero if none
}

// A DocumentStore keeps documents. There is one of a file at a company.
type DocumentStore interface {
	// Documents returns those of a company, by its key, or with "" all: the last added
	// first. Document returns one, [fault.NotExist] if there is none.
	Documents(ctx context.Context, domain string) ([]Document, error)
	Document(ctx context.Context, id int64) (Document, error)
}
