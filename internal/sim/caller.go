package sim

import (
	"context"
	"slices"

	"firsthand"
	"firsthand/fault"
	"firsthand/wire"
)

// Discover implements [agent.Caller], like Open and Sync for what the agent does
// at once: to meet, and to find out where logs part.
func (d *device) Discover(ctx context.Context, domain string) (firsthand.Company, []byte, error) {
	c := d.r.companyOf(domain)
	if c == nil {
		return firsthand.Company{}, nil, fault.NotExist
	}
	if c.gateway == nil || d.r.parted(d, c) || d.r.drops() {
		return firsthand.Company{}, nil, errTimeout
	}
	text, err := c.gateway.Company(ctx)
	if err != nil {
		return firsthand.Company{}, nil, errTimeout
	}
	text = slices.Clone(text)
	company, err := firsthand.ParseCompany(text, domain)
	return company, text, err
}

// Open implements [agent.Caller].
func (d *device) Open(ctx context.Context, gateway string, key *firsthand.Signer, req wire.Request) (wire.Response, error) {
	return d.callAtOnce(gateway, true, key, req)
}

// Sync implements [agent.Caller].
func (d *device) Sync(ctx context.Context, gateway string, key *firsthand.Signer, req wire.Request) (wire.Response, error) {
	return d.callAtOnce(gateway, false, key, req)
}

func (d *device) callAtOnce(gateway string, open bool, key *firsthand.Signer, req wire.Request) (wire.Response, error) {
	c := d.r.companyAt(gateway)
	if c == nil || d.r.parted(d, c) || d.r.drops() {
		return wire.Response{}, errTimeout
	}
	resp, err := d.r.serve(c, open, key.Public(), d.clock(), req)
	if err == nil && d.r.drops() {
		err = errTimeout
	}
	return resp, err
}
