package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"firsthand/fault"
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
// older one of the same name. Nothing is fetched at any other time.
func (a *Agent) AddDirectory(ctx context.Context, pathOrURL string) (Listing, error) {
	if a.OpenListing == nil {
		return Listing{}, fmt.Errorf("%w: nothing opens data sets", fault.Internal)
	}
	f, err := a.OpenListing(ctx, pathOrURL)
	if err != nil {
		return Listing{}, err
	}
	defer f.Close()
	set, records, err := directory.Read(f, f.Date)
	if err != nil {
		return Listing{}, err
	}
	var all []directory.Record
	for r, err := range records {
		if err != nil {
			return Listing{}, err
		}
		all = append(all, r)
	}
	l := Listing{Set: *set, From: pathOrURL, Added: a.Now()} // set is complete now
	err = a.Store.Commit(ctx, Commit{SetListings: []ListingSet{{l, all}}})
	a.siblings.Store(nil)
	return l, err
}

// Directories returns the data sets in her file, by name.
func (a *Agent) Directories(ctx context.Context) ([]Listing, error) { return a.Store.Listings(ctx) }

// RefreshDirectory reads every data set again from where it came. She says when.
// One that fails stays as it is; the errors are joined.
func (a *Agent) RefreshDirectory(ctx context.Context) (read []Listing, err error) {
	sets, err := a.Store.Listings(ctx)
	for _, l := range sets {
		again, aerr := a.AddDirectory(ctx, l.From)
		if aerr != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", l.Name, aerr))
			continue
		}
		read = append(read, again)
	}
	return read, err
}

// DropDirectory removes a data set. [fault.NotExist] if there is none of the name.
func (a *Agent) DropDirectory(ctx context.Context, name string) error {
	sets, err := a.Store.Listings(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(sets, func(l Listing) bool { return l.Name == name }) {
		return fault.Tell(fault.NotExist, fmt.Sprintf("there is no data set %.60q", name), "firsthand directory lists them")
	}
	err = a.Store.Commit(ctx, Commit{DropListings: []string{name}})
	a.siblings.Store(nil)
	return err
}

// Listed returns what the data sets in her file say of the company at a host. No
// lookup calls anybody.
func (a *Agent) Listed(ctx context.Context, host string) (directory.Company, error) {
	records, err := a.Store.Records(ctx, directory.Hosts(host)...)
	return directory.Join(host, records), err
}

// sameCompany returns which hosts are one company, as the data sets in her file say.
// Finding that out reads them all; it is kept until one of them changes.
func (a *Agent) sameCompany(ctx context.Context) (*directory.Siblings, error) {
	if s := a.siblings.Load(); s != nil {
		return s, nil
	}
	var err error
	s := directory.NewSiblings(func(yield func(directory.Record) bool) {
		for r, rerr := range a.Store.AllRecords(ctx) {
			if err = rerr; err != nil || !yield(r) {
				return
			}
		}
	})
	if err != nil {
		return nil, err
	}
	a.siblings.Store(s)
	return s, nil
}

// A GatewayAt is what became of looking for the gateway of one company.
type GatewayAt struct {
	Domain string
	Name   string // of its legal entity, as its document says
	Err    error  // why there is none; nil if there is
}

// maxLooks is how many companies are asked at once.
const maxLooks = 32

// LookForGateways asks each company for its discovery document, which tells it that
// somebody asks, and remembers which have one. She says when; no list of companies
// leaves in any other way. A company that can't be reached may have one still: what
// was known of it stays.
func (a *Agent) LookForGateways(ctx context.Context, domains ...string) ([]GatewayAt, error) {
	keys, err := keysOf(domains)
	if err != nil {
		return nil, err
	}
	found := make([]GatewayAt, len(keys))
	slots := make(chan struct{}, maxLooks)
	var wg sync.WaitGroup
	for i, key := range keys {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			company, _, err := a.Caller.Discover(ctx, key)
			found[i] = GatewayAt{Domain: key, Name: company.Name, Err: err}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var c Commit
	for _, g := range found {
		there := g.Err == nil
		if there || fault.KindOf(g.Err) == fault.NotExist {
			c.Edits = append(c.Edits, CompanyEdit{Domain: g.Domain, Gateway: &there})
		}
	}
	return found, a.Store.Commit(ctx, c)
}
