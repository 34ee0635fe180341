package world

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"firsthand/connector"
	"firsthand/connector/memory"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/store"
	"firsthand/internal/systems"
)

// Two companies take a real system in place of the small CRM, where it is installed:
// what they have of their customers is brought over, and from then on the gateway
// writes there. It takes seconds until a system answers, and the world waits for none.

// A system is a real one that a company has taken.
type system struct {
	Name            string                  // as people call it
	Page            string                  // where people use it, in a browser; "" if it has no pages
	pageOf          func(ref string) string // that of one record; nil if it has no address
	Login, Password string                  // of an employee there

	adopt func(context.Context, memory.Record) (connector.Ref, error) // brings a customer over, once
	open  func() (connector.Connector, error)
	halt  func()
	from  string // the company, in what it sends
	post  *systems.Mailbox
}

// running are the systems of a world, to be ended with it.
type running struct {
	mu    sync.Mutex
	halts []func()
	over  bool
}

// add has halt called when the world ends; at once, if it has ended.
func (s *running) add(halt func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		halt()
		return
	}
	s.halts = append(s.halts, halt)
}

func (s *running) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	for _, halt := range s.halts {
		halt()
	}
	s.halts = nil
}

// takes says which company takes which system.
var takes = []struct {
	domain, name string
	start        func(ctx context.Context, dir, domain string, o *systems.Mailbox) (*system, error)
}{
	{"veloshop.example", "Request Tracker", startTracker},
	{"kruidenbox.example", "Tryton", startTryton},
}

// TakeSystems has companies take the real systems that are installed here, all at once,
// and returns when they have. What isn't installed is no error. say tells a person what
// comes about.
func (w *World) TakeSystems(ctx context.Context, say func(text string)) {
	var all sync.WaitGroup
	defer all.Wait()
	for _, take := range takes {
		c := w.Company(take.domain)
		all.Go(func() {
			err := w.take(ctx, c, take.name, take.start)
			switch {
			case err == nil:
				say(fmt.Sprintf("%s has its customers in a real %s now. Look at it, and change it there: %s#systems", c.name, take.name, w.o.Behind))
			case ctx.Err() != nil || errors.Is(err, errors.ErrUnsupported):
			default:
				w.o.Log.Debug("real system", "system", take.name, "err", err)
				say(fmt.Sprintf("%s keeps the small CRM, for its %s fails: %v", c.name, take.name, err))
			}
		})
	}
}

func (w *World) take(ctx context.Context, c *Company, name string, start func(context.Context, string, string, *systems.Mailbox) (*system, error)) error {
	dir := w.path(systemsName, strings.ToLower(strings.ReplaceAll(name, " ", "-")))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	o, err := systems.OpenMailbox(w.Now)
	if err != nil {
		return err
	}
	s, err := start(ctx, dir, c.domain, o)
	if err != nil {
		return errors.Join(err, o.Close())
	}
	s.Name, s.from, s.post = name, c.name, o
	w.systems.add(func() { s.halt(); o.Close() })
	return c.take(ctx, s)
}

// take has the company go on with s. It is down for a moment.
func (c *Company) take(ctx context.Context, s *system) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	isUp := c.life != nil
	if err := c.end(); err != nil {
		return err
	}
	c.system = s
	l, err := c.begin(ctx)
	if err != nil {
		c.system = nil
		var again error
		if l, again = c.begin(ctx); again != nil {
			return errors.Join(err, again)
		}
	}
	if !isUp { // and it stays so
		c.life = l
		return errors.Join(err, c.end())
	}
	if c.life = l; c.runs != nil {
		l.run(c.runs)
	}
	return err
}

// System returns the system that the company has taken; false while it has none.
func (c *Company) System() (name, page, login, password string, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.system == nil {
		return "", "", "", "", false
	}
	return c.system.Name, c.system.Page, c.system.Login, c.system.Password, true
}

const (
	movedName = "moved.json" // where each record went, by its number in the small CRM
	// cursorSetting is where the gateway's store keeps how far it has read a system's
	// changes. Another system begins anew.
	cursorSetting = "cursor"
)

// connect returns what joins the gateway to the system that the company has now, to
// which it brings everything that is still in another.
func (c *Company) connect(ctx context.Context, l *life) (connector.Connector, error) {
	moved := map[string]connector.Ref{}
	file := filepath.Join(c.dir, movedName)
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &moved)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if c.system == nil {
		if len(moved) == 0 {
			return l.crm, nil
		}
		// Its system isn't there any more: back to what it had before that.
		back := map[string]connector.Ref{}
		for number, ref := range moved {
			back[ref.ID] = connector.Ref{System: connector.Name(l.crm), ID: number}
		}
		return l.crm, errors.Join(rebind(ctx, l.store, connector.Name(l.crm), back), os.Remove(file))
	}
	conn, err := c.system.open()
	if err != nil {
		return nil, err
	}
	there := map[string]connector.Ref{}
	for _, r := range l.crm.Records() {
		ref, err := c.system.adopt(ctx, r)
		if err != nil {
			return nil, fmt.Errorf("bring customer %s over: %w", r.Number, err)
		}
		moved[r.Number], there[r.Number] = ref, ref
		if r.Number == c.record.Number && c.system.pageOf != nil {
			c.system.Page = c.system.pageOf(ref.ID)
		}
	}
	if text, err = json.Marshal(moved); err != nil {
		return nil, err
	}
	return conn, errors.Join(os.WriteFile(file, text, 0o600), rebind(ctx, l.store, connector.Name(conn), there))
}

// rebind has each relationship of another system than the one of that name belong to the
// record to which its own went.
func rebind(ctx context.Context, s *store.Store, name string, to map[string]connector.Ref) error {
	var all []gateway.Relationship
	for r, err := range s.Relationships(ctx) {
		if err != nil {
			return err
		}
		if !r.Record.IsZero() && r.Record.System != name {
			r.Record = to[r.Record.ID] // none: one is made when it is needed
			all = append(all, r)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return s.Commit(ctx, gateway.Commit{Relationships: all, Settings: map[string]string{cursorSetting: ""}})
}

// letters returns what was sent.
func (s *system) letters() (all []Letter) {
	for _, m := range s.post.Mails() {
		all = append(all, Letter{From: s.from, To: m.To, Subject: m.Subject, Text: m.Text, At: m.At})
	}
	return all
}

// factsOf returns the parts that systems have places for.
func factsOf(r memory.Record) (name, email, phone string, home map[string]string) {
	text := func(fact string) string { return r.Facts[fact].Text }
	return text("name"), text("email"), text("phone"), r.Facts["address.home"].Parts
}

// mapping is where facts go in the systems: the world calls her telephone a phone.
func mapping(name, address, email, phone string) map[string]string {
	return map[string]string{"name": name, "address.home": address, "email": email, "phone": phone}
}
