package agent

import (
	"context"
	"time"

	"firsthand/internal/agent/directory"
)

// A Listing is a data set of what is publicly known of companies, as it is in her
// file. It belongs to nobody's life: exports don't have it.
type Listing struct {
	directory.Set
	From  string // path or URL that she gave
	Added time.Time
}

// AddDirectory reads a data set from a path or URL into her file, in place of an
// older one of the same name. It is the only time that anything is fetched.
func (a *Agent) AddDirectory(ctx context.Context, pathOrURL string) (Listing, error) { panic("TODO") }

// Directories returns the data sets in her file, by name.
func (a *Agent) Directories(ctx context.Context) ([]Listing, error) { panic("TODO") }

// RefreshDirectory reads every data set again from where it came. She says when.
// One that fails stays as it is; the errors are joined.
func (a *Agent) RefreshDirectory(ctx context.Context) ([]Listing, error) { panic("TODO") }

// DropDirectory removes a data set. [fault.NotExist] if there is none of the name.
func (a *Agent) DropDirectory(ctx context.Context, name string) error { panic("TODO") }

// Listed returns what the data sets in her file say of the company at a host. No
// lookup calls anybody.
func (a *Agent) Listed(ctx context.Context, host string) (directory.Company, error) {
	return directory.Company{}, nil
}

// A Found is a company that answers as one with a gateway.
type Found struct {
	Domain string
	Name   string // of its legal entity, as its document says
	Err    error  // why there is none; nil if there is
}

// LookForGateways asks each company for its discovery document, which tells it that
// somebody asks, and remembers those that have one. She says when; no list of
// companies leaves in any other way.
func (a *Agent) LookForGateways(ctx context.Context, domains ...string) ([]Found, error) {
	panic("TODO")
}
