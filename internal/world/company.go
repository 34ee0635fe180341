package world

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/connector/memory"
	"firsthand/fault"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/store"
	"firsthand/internal/meetus"
	"firsthand/terms"
	"firsthand/wire"
)

// A Company of the world: a gateway on its own files, with a small CRM behind it.
// It may be down, and is then reached by nobody; what it has is in its files. Its
// methods may be called from several goroutines.
type Company struct {
	character
	dir  string
	cert tls.Certificate
	net  *network
	app  string // where the customer's pages are, for its page that leads there; "" for the usual place
	now  func() time.Time
	log  *slog.Logger

	behind string // where the world's own page is

	mu      sync.Mutex                 // held while it comes up or goes down; guards what follows
	runs    context.Context            // of what it does by itself; nil while nothing runs
	life    *life                      // nil while it is down
	waiting map[firsthand.ID]time.Time // when the staff first saw what waits; zero: they asked for a proof
	last    time.Time                  // while it is up: when somebody knocked last
	missed  time.Time                  // while it is down: when somebody first knocked in vain
	invited string                     // path of a link to the desk that was made last
	system  *system                    // the one that it has in place of the small CRM; nil for none
}

// A life of a company is from its coming up to its going down.
type life struct {
	crm     *memory.CRM
	store   *store.Store
	system  connector.Connector // crm, or the system in its place
	gateway *gateway.Gateway
	server  *http.Server
	desk    *http.Server // nil where nobody decides anything
	deskURL string
	shop    *http.Server // its site on loopback, for browsers; nil without one
	site    string       // where that is
	calls   calls
	stop    context.CancelFunc // of what it does by itself; nil while nothing runs
	done    sync.WaitGroup
}

// Domain is where customers meet the company.
func (c *Company) Domain() string { return c.domain }

// Name is its legal name.
func (c *Company) Name() string { return c.name }

// Does is what it does for its customers, in a few words.
func (c *Company) Does() string { return c.does }

// Number is what it calls the record that it has of Mia from before.
func (c *Company) Number() string { return c.record.Number }

// Manner is how it deals with what it is told.
func (c *Company) Manner() Manner { return c.manner }

// webPort is where gateways are.
const webPort = 443

const (
	keyName, chainName = "company.key", "chain.json"
	journalName        = "crm.journal"
)

// create makes the company's files.
func (c *Company) create(ctx context.Context) error {
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return err
	}
	key, err := firsthand.NewSigner(rand.Reader)
	if err != nil {
		return err
	}
	next, err := firsthand.NewSigner(rand.Reader)
	if err != nil {
		return err
	}
	if err := gateway.CreateKeys(filepath.Join(c.dir, keyName), filepath.Join(c.dir, chainName), key, next.Public().Hash()); err != nil {
		return err
	}
	s, err := store.Create(ctx, store.Options{Dir: c.dir, Now: c.now})
	if err != nil {
		return err
	}
	return s.Close()
}

// Up brings the company up. Up already is no error.
func (c *Company) Up(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life != nil {
		return nil
	}
	l, err := c.begin(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", c.domain, err)
	}
	c.life, c.last, c.missed, c.waiting = l, c.now(), time.Time{}, nil
	if c.runs != nil {
		l.run(c.runs)
	}
	return nil
}

// begin opens the company's files and serves.
func (c *Company) begin(ctx context.Context) (_ *life, err error) {
	l := new(life)
	mode := memory.Auto
	if c.manner == ByPerson || c.manner == Refuses {
		mode = memory.Person
	}
	var seed []memory.Record
	if c.record.Number != "" { // else it has never heard of her
		seed = append(seed, c.record)
	}
	if l.crm, err = memory.Open(memory.Config{File: filepath.Join(c.dir, journalName), Mode: mode, Seed: seed, Now: c.now}); err != nil {
		return nil, err
	}
	keys, err := gateway.LoadKeys(filepath.Join(c.dir, keyName), filepath.Join(c.dir, chainName))
	if err != nil {
		return nil, err
	}
	if l.store, err = store.Open(ctx, store.Options{Dir: c.dir, Now: c.now}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.store.Close())
		}
	}()
	if l.system, err = c.connect(ctx, l); err != nil {
		return nil, err
	}
	url := "https://" + c.domain
	agreement, ok := terms.Default().Lookup(agreed)
	if !ok {
		return nil, fmt.Errorf("the roster lacks %s: %w", agreed, fault.Internal)
	}
	company := firsthand.Company{Domain: c.domain, Name: c.name, Jurisdiction: c.law, Gateway: url, Terms: []firsthand.TermsRef{agreement.Ref()}}
	l.gateway, err = gateway.New(gateway.Options{
		Company: company,
		Keys:    keys, Store: l.store, Connector: l.system, Poll: time.Second, Workers: 1, Now: c.now, Log: c.log,
	})
	if err != nil {
		return nil, err
	}
	h, err := wire.NewHandler(l.gateway, wire.Options{BaseURL: url, Now: c.now, Log: c.log})
	if err != nil {
		return nil, err
	}
	front, err := meetus.New(meetus.Options{Company: company, App: c.app})
	if err != nil {
		return nil, err
	}
	all := front.Before(h)
	if c.shop {
		if all, err = c.withSite(all); err != nil {
			return nil, err
		}
		if l.site, err = l.serveSite(all); err != nil {
			return nil, err
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, l.closeSite())
	}
	l.server = h.NewServer()
	l.server.Handler = l.calls.count(all)
	secure := tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{c.cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}})
	l.done.Go(func() { l.server.Serve(secure) }) // it ends when the server is closed, and no other way
	if err := c.openDesk(l); err != nil {
		return nil, errors.Join(err, l.server.Close())
	}
	c.net.open(c.domain, webPort, listener.Addr().String())
	return l, nil
}

// agreed is the agreement that the companies accept.
const agreed = "FIRSTHAND-SD-BASE"

// run lets the gateway do what no call asks for, until ctx ends.
func (l *life) run(ctx context.Context) {
	ctx, l.stop = context.WithCancel(ctx)
	l.done.Go(func() { l.gateway.Run(ctx) }) // it returns nil, always
}

// Down takes the company down: calls are cut off, as in a crash, and nobody
// answers. Down already is no error.
func (c *Company) Down() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.end()
}

// end is Down. The caller holds c.mu.
func (c *Company) end() error {
	if c.life == nil {
		return nil
	}
	l := c.life
	c.life = nil
	c.net.open(c.domain, webPort, "")
	err := errors.Join(l.server.Close(), l.closeSite())
	if l.desk != nil {
		err = errors.Join(err, l.desk.Close())
	}
	if l.stop != nil {
		l.stop()
	}
	l.done.Wait()
	return errors.Join(err, l.store.Close())
}

// IsUp reports whether the company answers.
func (c *Company) IsUp() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.life != nil
}

// start lets the company do by itself what is to be done, from now on and as often
// as it comes up, until ctx ends.
func (c *Company) start(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runs = ctx
	if c.life != nil {
		c.life.run(ctx)
	}
}

// settle does all that is to be done now, and reports whether there was anything.
// The caller holds c.mu.
func (l *life) settle(ctx context.Context) (worked bool, err error) {
	for range 10_000 { // bounded, should there never be an end
		more, _, err := l.gateway.Step(ctx)
		if err != nil || !more {
			return worked, err
		}
		worked = true
	}
	return worked, fault.Internal
}

// A Letter went from a company to the contact that it has on record.
type Letter struct {
	From, To, Subject, Text string
	At                      time.Time
}

// letters returns what the company has sent; nothing while it is down.
func (c *Company) letters() (all []Letter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life == nil {
		return nil
	}
	if c.system != nil {
		all = c.system.letters()
	}
	for _, s := range c.life.crm.Outbox() {
		all = append(all, Letter{From: c.name, To: s.To, Subject: s.Subject, Text: s.Text, At: s.At})
	}
	return all
}

// Records returns the records of the company's CRM; none while it is down, or once it
// has another system, where they are to be looked at.
func (c *Company) Records() []memory.Record {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life == nil || c.system != nil {
		return nil
	}
	return c.life.crm.Records()
}

// calls counts those under way.
type calls struct {
	mu  sync.Mutex
	now int
}

func (n *calls) add(d int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.now += d
}

func (n *calls) none() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.now == 0
}

func (n *calls) count(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.add(1)
		defer n.add(-1)
		h.ServeHTTP(w, r)
	})
}
