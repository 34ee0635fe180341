package agent

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/directory"
	"firsthand/internal/agent/importer"
	"firsthand/internal/agent/policy"
	"firsthand/terms"
	"firsthand/wire"
)

// A Caller reaches gateways. *wire.Client is the one for real use.
type Caller interface {
	Discover(ctx context.Context, domain string) (firsthand.Company, []byte, error)
	Open(ctx context.Context, gateway string, key *firsthand.Signer, r wire.Request) (wire.Response, error)
	Sync(ctx context.Context, gateway string, key *firsthand.Signer, r wire.Request) (wire.Response, error)
}

// Options are what an Agent needs from its surroundings.
type Options struct {
	Store  Store
	Caller Caller
	Roster *terms.Roster
	Now    func() time.Time
	Rand   io.Reader
	Log    *slog.Logger // no personal data; a relationship is its ID

	// Formats are the kinds of file that Bring reads.
	Formats []importer.Format
	// OpenListing opens a data set for AddDirectory; it is the one by which
	// directory.Open gets its client.
	OpenListing func(ctx context.Context, pathOrURL string) (*directory.File, error)
}

// An Agent acts for one customer. Its methods may be called from several
// goroutines.
type Agent struct {
	Options

	mu   sync.Mutex
	open map[firsthand.ID]*relationship // those in use, and some that were lately
	tick int64                          // counts uses, to forget the oldest
	wake chan struct{}                  // told when there is something to send

	siblings  atomic.Pointer[directory.Siblings] // see sameCompany
	finishing sync.Mutex                         // held while an import is compared with those there are
}

// New returns an Agent on o.Store. It starts nothing; see Run.
func New(o Options) *Agent {
	return &Agent{Options: o, open: make(map[firsthand.ID]*relationship), wake: make(chan struct{}, 1)}
}

// maxOpen bounds the states kept in memory. A state is folded anew when needed.
const maxOpen = 64

// A relationship is one that is being worked on. mu is held for one act, or for
// one step of the outbox, never during a call.
type relationship struct {
	mu    sync.Mutex
	users int   // guarded by Agent.mu
	used  int64 // guarded by Agent.mu

	row   Relationship
	state *firsthand.State // nil until needed, and after anything has failed
	lacks int64            // the company has its own log only up to here; everything if it has all

	// refused counts the calls that were refused as not signed by the right key,
	// since the last that was not, and anew says that it may be opened anew; see
	// keys.go. What is asked next follows from them.
	refused int
	anew    bool
}

const everything = 1 << 62

// with runs fn with the relationship rel locked, its row read and its state
// folded. If fn fails, what is in memory of it is dropped: it may say what was not
// kept.
func (a *Agent) with(ctx context.Context, rel firsthand.ID, fn func(*relationship) error) error {
	return a.withAll(ctx, []firsthand.ID{rel}, func(rs []*relationship) error { return fn(rs[0]) })
}

// withAll is with for several relationships, which must differ. They are locked
// in one order, so that two acts on several can't wait for each other.
func (a *Agent) withAll(ctx context.Context, rels []firsthand.ID, fn func([]*relationship) error) error {
	byID := make(map[firsthand.ID]*relationship, len(rels))
	order := slices.Clone(rels)
	slices.SortFunc(order, func(x, y firsthand.ID) int { return slices.Compare(x[:], y[:]) })
	for _, id := range order {
		r := a.take(id)
		defer a.giveBack(id, r)
		r.mu.Lock()
		defer r.mu.Unlock()
		if err := a.load(ctx, id, r); err != nil {
			return err
		}
		byID[id] = r
	}
	rs := make([]*relationship, len(rels))
	for i, id := range rels {
		rs[i] = byID[id]
	}
	err := fn(rs)
	for _, r := range rs {
		if err != nil {
			r.state = nil
		}
	}
	return err
}

func (a *Agent) take(id firsthand.ID) *relationship {
	a.mu.Lock()
	defer a.mu.Unlock()
	r := a.open[id]
	if r == nil {
		r = &relationship{lacks: everything}
		a.open[id] = r
	}
	a.tick++
	r.users, r.used = r.users+1, a.tick
	return r
}

// giveBack forgets the relationship that was used longest ago, if there are too
// many and it is free.
func (a *Agent) giveBack(id firsthand.ID, r *relationship) {
	a.mu.Lock()
	defer a.mu.Unlock()
	r.users--
	for len(a.open) > maxOpen {
		oldest, at := firsthand.ID{}, a.tick+1
		for id, r := range a.open {
			if r.users == 0 && r.used < at {
				oldest, at = id, r.used
			}
		}
		if oldest.IsZero() {
			return
		}
		delete(a.open, oldest)
	}
}

// load reads what r lacks.
func (a *Agent) load(ctx context.Context, id firsthand.ID, r *relationship) (err error) {
	if r.state != nil && !r.state.Stale() {
		return nil
	}
	if r.row, err = a.Store.Relationship(ctx, id); err != nil {
		return fmt.Errorf("relationship %s: %w", id, err)
	}
	if r.state, err = firsthand.Load(ctx, a.Store, id); err != nil {
		r.state = nil
		return fmt.Errorf("relationship %s: %w", id, err)
	}
	return nil
}

// commit makes c, to which the rows and caches of rs are added, durable. What is
// in memory of a relationship that is forgotten goes too: else the next commit
// would bring it back.
func (a *Agent) commit(ctx context.Context, c Commit, rs ...*relationship) error {
	if c.Holdings == nil {
		c.Holdings = make(map[firsthand.ID][]Holder)
	}
	for _, r := range rs {
		if err := a.refresh(ctx, r, &c); err != nil {
			return err
		}
	}
	if err := a.Store.Commit(ctx, c); err != nil {
		return err
	}
	for _, r := range rs {
		if slices.Contains(c.Forget, r.row.ID) {
			r.state = nil
		}
	}
	return nil
}

// refresh adds to c what the store caches of r.
func (a *Agent) refresh(ctx context.Context, r *relationship, c *Commit) error {
	if slices.Contains(c.Forget, r.row.ID) {
		return nil
	}
	if r.state.Stale() {
		// What is shown is what both sides fold.
		if err := a.unstale(ctx, r, *c); err != nil {
			return err
		}
	}
	r.row.Summary = firsthand.EncodeJSON(summarise(r.state))
	c.Holdings[r.row.ID] = holders(r.state)
	c.Relationships = append(c.Relationships, r.row)
	return nil
}

// logs returns both logs of rel as they will be after c.
func (a *Agent) logs(ctx context.Context, rel firsthand.ID, c Commit) (first, second []firsthand.Entry, err error) {
	for _, side := range []firsthand.Side{firsthand.First, firsthand.Second} {
		entries, err := firsthand.Collect(a.Store.Entries(ctx, rel, side, 0))
		if err != nil {
			return nil, nil, err
		}
		for _, p := range c.Replace {
			if p.Rel == rel && p.Side == side {
				entries = entries[:p.Seq-1]
			}
		}
		for _, e := range c.Entries {
			if e.Relationship() == rel && e.Side == side {
				entries = append(entries, e)
			}
		}
		if side == firsthand.First {
			first = entries
		} else {
			second = entries
		}
	}
	return first, second, nil
}

// rules returns her standing decisions.
func (a *Agent) rules(ctx context.Context) (rules []policy.Rule, err error) {
	text, err := a.Store.Setting(ctx, "rules")
	if err != nil || text == "" {
		return nil, err
	}
	return rules, firsthand.ParseJSON([]byte(text), &rules)
}

// Rules returns her standing decisions, sorted by fact.
func (a *Agent) Rules(ctx context.Context) ([]policy.Rule, error) { return a.rules(ctx) }

// SetRule adds a rule, in place of the one for the same fact and company.
func (a *Agent) SetRule(ctx context.Context, rule policy.Rule) error {
	rules, err := a.rules(ctx)
	if err != nil {
		return err
	}
	rules = slices.DeleteFunc(rules, func(r policy.Rule) bool { return r.Fact == rule.Fact && r.Domain == rule.Domain })
	if rule.Never {
		rules = append(rules, rule)
	}
	slices.SortFunc(rules, func(x, y policy.Rule) int {
		return cmp.Or(cmp.Compare(x.Fact, y.Fact), cmp.Compare(x.Domain, y.Domain))
	})
	return a.Store.Commit(ctx, Commit{Settings: map[string]string{"rules": string(firsthand.EncodeJSON(rules))}})
}

// Find returns the relationship that name means: a company's domain, or the ID
// of a relationship or its beginning. With several at one domain the last that is
// not closed is meant.
func (a *Agent) Find(ctx context.Context, name string) (Relationship, error) {
	all, err := a.Store.Relationships(ctx)
	if err != nil {
		return Relationship{}, err
	}
	var found []Relationship
	for _, r := range all {
		if r.Domain == name || len(name) >= 6 && len(r.ID.String()) >= len(name) && r.ID.String()[:len(name)] == name {
			found = append(found, r)
		}
	}
	for _, r := range slices.Backward(found) {
		if s, err := r.Summarised(); err == nil && !s.Closed {
			return r, nil
		}
	}
	if len(found) > 0 {
		return found[len(found)-1], nil
	}
	return Relationship{}, fault.Tell(fault.NotExist, "you have no relationship with "+name, "firsthand meet "+name)
}
