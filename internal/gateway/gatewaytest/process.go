package gatewaytest

import (
	"context"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/gateway"
)

// A Process is a [gateway.Shared] on a Memory: what one of several gateways has that
// use it. Commits of all of them are the Memory's.
type Process struct {
	*Memory
	heard func(firsthand.ID) // by News; nil while nobody listens
}

var _ gateway.Shared = (*Process)(nil)

// Process returns a new process that uses m.
func (m *Memory) Process() *Process {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := &Process{Memory: m}
	m.all = append(m.all, p)
	return p
}

// Relationship implements [gateway.Store].
func (p *Process) Relationship(ctx context.Context, rel firsthand.ID) (gateway.Relationship, error) {
	if r := p.now().byID[rel]; r != nil {
		row := r.row
		row.Version = r.version
		return row, ctx.Err()
	}
	return gateway.Relationship{}, fault.NotExist
}

// Load implements [gateway.Shared].
func (p *Process) Load(ctx context.Context, rel firsthand.ID) (row gateway.Relationship, first, second []firsthand.Entry, err error) {
	r := p.now().byID[rel]
	if r == nil {
		return row, nil, nil, fault.NotExist
	}
	row = r.row
	row.Version = r.version
	return row, r.logs[0], r.logs[1], ctx.Err()
}

// Glance implements [gateway.Shared].
func (p *Process) Glance(ctx context.Context, rel firsthand.ID) (row gateway.Relationship, ends []byte, err error) {
	r := p.now().byID[rel]
	if r == nil {
		return row, nil, fault.NotExist
	}
	row = r.row
	row.Version = r.version
	return row, r.ends, ctx.Err()
}

// Version implements [gateway.Shared].
func (p *Process) Version(ctx context.Context, rel firsthand.ID) (int64, error) {
	if r := p.now().byID[rel]; r != nil {
		return r.version, ctx.Err()
	}
	return 0, ctx.Err()
}

// Commit implements [gateway.Store].
func (p *Process) Commit(ctx context.Context, c gateway.Commit) error {
	if err := p.Memory.Commit(ctx, c); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range c.Entries {
		for _, other := range p.all {
			if other != p && other.heard != nil && c.Entries[i].Side == firsthand.Second {
				go other.heard(c.Entries[i].Relationship())
			}
		}
	}
	return nil
}

// Hold implements [gateway.Shared].
func (p *Process) Hold(ctx context.Context, what string) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if by := p.holds[what]; by != nil && by != p {
		return false, ctx.Err()
	}
	if p.holds == nil {
		p.holds = make(map[string]*Process)
	}
	p.holds[what] = p
	return true, ctx.Err()
}

// Release implements [gateway.Shared].
func (p *Process) Release(ctx context.Context, what string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.holds[what] == p {
		delete(p.holds, what)
	}
	return ctx.Err()
}

// Gone is the end of p: what it held is free.
func (p *Process) Gone() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for what, by := range p.holds {
		if by == p {
			delete(p.holds, what)
		}
	}
	p.heard = nil
}

// News implements [gateway.Shared].
func (p *Process) News(ctx context.Context, heard func(firsthand.ID)) {
	p.mu.Lock()
	p.heard = heard
	p.mu.Unlock()
	heard(firsthand.ID{})
	<-ctx.Done()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard = nil
}
