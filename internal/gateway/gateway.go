package gateway

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
	"firsthand/terms"
	"firsthand/wire"
)

// Options are what a Gateway needs from its surroundings. Those without a
// default must be set.
type Options struct {
	// Company is what the discovery document says. Its Chain is that of Keys,
	// and At is set when it is signed.
	Company firsthand.Company
	Keys    *Keys
	Store   Store

	// Connector is the company's system. Where it is nil, everything that would
	// go there waits for an operator.
	Connector connector.Connector
	// Tickets is the system in which the company talks to its customers, if that is
	// another: messages and requests go there, and nothing else does. See CheckSystems.
	Tickets connector.Connector
	// Purposes are those that Connector serves; all if there are none.
	Purposes []string
	// SignIn is the address, without a slash at its end, of the pages that send a
	// claimant to the company's own sign-in (see [Gateway.SignedIn]); "" if there are
	// none. SignInFirst has every claim proved there; else those are, to whose
	// record no code can be sent.
	SignIn      string
	SignInFirst bool
	// Poll is how often each system is asked for changes; default 15 s.
	Poll time.Duration
	// Retention names facts that a law obliges the company to keep.
	Retention []Retention

	Roster     *terms.Roster // default: the one that the program carries
	CacheBytes int           // for folded states; default 16 MiB
	MaxLog     int64         // entries that first may write; default 20,000
	Workers    int           // of Run, for each system; default 4

	Now  func() time.Time // default: time.Now
	Rand io.Reader        // default: crypto/rand
	Log  *slog.Logger     // default: nothing is logged. No personal data; a relationship is its ID

	Meter Meter // nil if nobody measures
}

// A Gateway acts for one company. Its methods may be called from several
// goroutines.
type Gateway struct {
	o      Options
	shared Shared // o.Store, if it is one; see shared.go
	cache  *cache
	news   *waiters // for those who wait that second's log grows
	lanes  []*lane  // that of Records, and that of Tickets if there is one
	made   time.Time

	secret [32]byte // makes codes; of this process alone, see code.go
	random sync.Mutex

	rotating sync.Mutex // held during Rotate

	mu       sync.Mutex // held for a few instructions; guards what follows
	keys     *Keys
	document []byte // the signed discovery document
	signed   time.Time
	behind   bool               // some relationship may lack a key of the chain
	leftover bool               // there may be deliveries in a lane that isn't there any more
	busy     map[line]bool      // with a delivery in flight
	sick     map[line]time.Time // until when one is left alone after an error of our own
	alone    map[string]bool    // chores in progress of which there is one at a time
	nextKeys time.Time          // when to compare keys with other gateways next
}

var _ wire.Server = (*Gateway)(nil)

// documentAge is how long one signature of the discovery document serves.
const documentAge = 6 * time.Hour

// New returns a Gateway on o.Store. It starts nothing; see Run and Step.
func New(o Options) (*Gateway, error) {
	o.Poll = cmp.Or(o.Poll, 15*time.Second)
	o.CacheBytes = cmp.Or(o.CacheBytes, 16<<20)
	o.MaxLog = cmp.Or(o.MaxLog, 20_000)
	o.Workers = cmp.Or(o.Workers, 4)
	if o.Roster == nil {
		o.Roster = terms.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Store == nil || o.Keys == nil {
		return nil, errors.New("a gateway needs a store and keys")
	}
	if err := o.Keys.check(); err != nil {
		return nil, err
	}
	shared, _ := o.Store.(Shared)
	g := &Gateway{
		o: o, shared: shared, keys: o.Keys, behind: true, made: o.Now(),
		cache: newCache(o.CacheBytes), news: newWaiters(),
		busy: make(map[line]bool), sick: make(map[line]time.Time), alone: make(map[string]bool),
	}
	if err := g.openLanes(); err != nil {
		return nil, err
	}
	if err := g.fill(g.secret[:]); err != nil {
		return nil, err
	}
	if _, err := g.Company(context.Background()); err != nil {
		return nil, fmt.Errorf("discovery document: %w", err)
	}
	return g, nil
}

// Company implements [wire.Server].
func (g *Gateway) Company(context.Context) ([]byte, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.o.Now()
	if age := now.Sub(g.signed); g.document != nil && age >= 0 && age < documentAge {
		return g.document, nil
	}
	c := g.o.Company
	c.Chain, c.At = g.keys.Chain, now
	doc, err := g.keys.current().Company(c)
	if err != nil {
		return nil, err
	}
	g.document, g.signed = doc, now
	return doc, nil
}

// Keys implements [wire.Server]. It asks memory first, and then for one row. Where
// there are other gateways, memory may be of before she replaced her key.
func (g *Gateway) Keys(ctx context.Context, rel firsthand.ID) (firsthand.PublicKey, firsthand.KeyHash, error) {
	if row, ok := g.cache.row(rel); ok && g.shared == nil {
		return row.Key, row.Next, nil
	}
	row, err := g.row(ctx, rel)
	if err == nil && row.Key.IsZero() {
		err = fault.NotExist
	}
	return row.Key, row.Next, err
}

// row reads the row of a relationship, as a call comes for which it is kept.
func (g *Gateway) row(ctx context.Context, rel firsthand.ID) (Relationship, error) {
	if g.shared == nil {
		return g.o.Store.Relationship(ctx, rel)
	}
	row, ends, err := g.shared.Glance(ctx, rel)
	if err == nil {
		g.cache.outdate(rel, row.Version)
		g.cache.glance(glance{row, ends})
	}
	return row, err
}

// keyring returns the company's keys as they are now.
func (g *Gateway) keyring() *Keys {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.keys
}

// fill fills b with random bytes. The reader that was injected need not be safe
// for concurrent use.
func (g *Gateway) fill(b []byte) error {
	g.random.Lock()
	defer g.random.Unlock()
	_, err := io.ReadFull(g.o.Rand, b)
	return err
}

// salt returns a fresh salt.
func (g *Gateway) salt() ([]byte, error) {
	g.random.Lock()
	defer g.random.Unlock()
	return firsthand.NewSalt(g.o.Rand)
}
