package world

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"firsthand/fault"
	"firsthand/fetch"
)

// Options say where and when a World is. Only Dir is needed.
type Options struct {
	Dir string           // the world's own folder; it is made if it isn't there
	Now func() time.Time // default: time.Now
	Log *slog.Logger     // default: nothing is logged

	// Directories are data sets, by path or address, that AddDirectory adds beside
	// those of the world.
	Directories []string

	// Behind is the address of the world's own page, for what leads back to it.
	Behind string
	// App is where the customer's pages are, for links of companies that lead there;
	// "" for the usual place.
	App string

	// Patience is how long staff leave what waits for them; default 4 s.
	Patience time.Duration
	// Outage is for how long the company that falters stays away once it is
	// missed, and Rest how long it must be left alone to go; defaults 30 s and 20 s.
	Outage, Rest time.Duration
}

// A World is open: its companies answer. Its methods may be called from several
// goroutines.
type World struct {
	o         Options
	net       *network
	companies []*Company
	post      *post
	mail      *mailHost

	mu   sync.Mutex
	past time.Time // the time while a life is made up; else zero

	systems running // that companies have taken
}

// The folder of a world.
const (
	markName      = "firsthand-demo" // says that the folder is a world's, and whether it is whole
	companiesName = "companies"
	exportsName   = "exports"
	directoryName = "directory"
	mailName      = "mail"
	systemsName   = "systems"
	lifeName      = "mia"
	kitName       = "recovery-kit.txt"

	// RunName is left to who runs the world: it is no part of it.
	RunName = "run"

	markMaking = "a world for firsthand demo, being made\n"
	markWhole  = "a world for firsthand demo\n"
)

// Open opens the world in o.Dir, or makes it, and brings its companies up. One
// that a crash left unfinished is made anew. A folder with anything else in it is
// left alone: [fault.Conflict].
func Open(ctx context.Context, o Options) (_ *World, err error) {
	o.Patience = cmp.Or(o.Patience, 4*time.Second)
	o.Outage, o.Rest = cmp.Or(o.Outage, 30*time.Second), cmp.Or(o.Rest, 20*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	w := &World{o: o}
	whole, err := w.prepare()
	if err != nil {
		return nil, err
	}
	if w.net, err = newNetwork(); err != nil {
		return nil, err
	}
	for _, who := range cast {
		c := &Company{character: who, dir: w.path(companiesName, who.domain), net: w.net, now: w.Now, app: o.App, behind: o.Behind, log: o.Log.With("company", who.domain)}
		if c.cert, err = w.net.add(who.domain); err != nil {
			return nil, err
		}
		w.companies = append(w.companies, c)
	}
	if !whole {
		if err := w.create(ctx); err != nil {
			return nil, fmt.Errorf("make the world in %s: %w", o.Dir, err)
		}
	}
	for _, c := range w.companies { // a world of an older program has fewer
		if _, err := os.Stat(c.dir); errors.Is(err, fs.ErrNotExist) {
			if err := c.create(ctx); err != nil {
				return nil, err
			}
		}
	}
	if w.post, err = openPost(w.path(mailName), w.Now); err != nil {
		return nil, err
	}
	if w.mail, err = openMailHost(w.post, w.net, o.Log); err != nil {
		return nil, err
	}
	for _, c := range w.companies {
		if err := c.Up(ctx); err != nil {
			return nil, errors.Join(err, w.Close())
		}
	}
	w.net.watch(func(host string) {
		if c := w.Company(host); c != nil {
			c.knocked()
		}
	})
	return w, nil
}

// path returns a path in the world's folder.
func (w *World) path(names ...string) string {
	return filepath.Join(append([]string{w.o.Dir}, names...)...)
}

// prepare looks what is in the folder, and reports whether it is a whole world.
func (w *World) prepare() (whole bool, err error) {
	if err := os.MkdirAll(w.o.Dir, 0o700); err != nil {
		return false, fault.Tell(fault.Invalid, "no folder for the demo: "+err.Error(), "name a folder that you may make or write to")
	}
	if err := Check(w.o.Dir); err != nil {
		return false, err
	}
	text, err := os.ReadFile(w.path(markName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err == nil && string(text) != markWhole:
		return false, Reset(w.o.Dir)
	}
	return err == nil, err
}

// Check returns [fault.Conflict] if there is something in dir that is no world's. A
// folder that is empty, or isn't there, may become one.
func Check(dir string) error {
	names, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	ours := func(d fs.DirEntry) bool { return d.Name() == markName }
	if !slices.ContainsFunc(names, ours) && slices.ContainsFunc(names, func(d fs.DirEntry) bool { return d.Name() != RunName }) {
		return fault.Tell(fault.Conflict, dir+" holds something else than a demo", "name an empty folder, or one that is not there yet")
	}
	return nil
}

// create makes the world's files, and marks them as whole.
func (w *World) create(ctx context.Context) error {
	if err := os.WriteFile(w.path(markName), []byte(markMaking), 0o600); err != nil {
		return err
	}
	for _, c := range w.companies {
		if err := c.create(ctx); err != nil {
			return err
		}
	}
	for _, write := range []func() error{w.writeExports, w.writeDirectory} {
		if err := write(); err != nil {
			return err
		}
	}
	return os.WriteFile(w.path(markName), []byte(markWhole), 0o600)
}

// Reset removes the world in dir, which must not be open, and leaves the empty
// folder. One that is no world's is left alone: [fault.Conflict]. None at all is no
// error.
func Reset(dir string) error {
	if err := Check(dir); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, markName)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	// From here on it is not whole, whatever crashes; the mark itself goes last.
	if err := os.WriteFile(filepath.Join(dir, markName), []byte(markMaking), 0o600); err != nil {
		return err
	}
	for _, name := range []string{companiesName, exportsName, directoryName, mailName, systemsName, lifeName, lifeName + ".new", kitName} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return os.Remove(filepath.Join(dir, markName))
}

// Close takes all companies down, and the mail host.
func (w *World) Close() (err error) {
	if w.mail != nil {
		err, w.mail = w.mail.close(), nil
	}
	for _, c := range w.companies {
		err = errors.Join(err, c.Down())
	}
	w.systems.stop()
	return err
}

// Now is the world's time.
func (w *World) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.past.IsZero() {
		return w.past
	}
	return w.o.Now()
}

// Fetch is how the world is reached by package fetch, with all of its guards: it
// has names and addresses of its own, and a certificate for each name.
func (w *World) Fetch() fetch.Options { return w.net.options() }

// Companies returns the companies with gateways.
func (w *World) Companies() []*Company { return slices.Clone(w.companies) }

// Company returns the one at a domain, nil if it has no gateway here.
func (w *World) Company(domain string) *Company {
	for _, c := range w.companies {
		if c.domain == domain {
			return c
		}
	}
	return nil
}

// Letters returns what companies have sent to the contacts that they have on
// record, the latest first. Those of a company that is down are not seen.
func (w *World) Letters() (all []Letter) {
	for _, c := range w.companies {
		all = append(all, c.letters()...)
	}
	slices.SortStableFunc(all, func(a, b Letter) int { return b.At.Compare(a.At) })
	return all
}

// Exports is the folder with what Mia's programs have exported, and Directory
// that with data sets of what is publicly known of companies.
func (w *World) Exports() string   { return w.path(exportsName) }
func (w *World) Directory() string { return w.path(directoryName) }

// LifeDir is the folder for Mia's own file.
func (w *World) LifeDir() string { return w.path(lifeName) }

// Settle does all that is to be done by now: what gateways do by themselves, and
// what people do whose time it is.
func (w *World) Settle(ctx context.Context) error { return w.settle(ctx, w.o.Patience, true) }

func (w *World) settle(ctx context.Context, patience time.Duration, falter bool) error {
	for range 1000 { // bounded, should they keep each other busy
		worked := false
		for _, c := range w.companies {
			more, err := c.work(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", c.domain, err)
			}
			worked = worked || more
		}
		more, err := w.people(ctx, patience, falter)
		if err != nil || !worked && !more {
			return err
		}
	}
	return fmt.Errorf("no end of work: %w", fault.Internal)
}

// work lets the gateway do what is due.
func (c *Company) work(ctx context.Context) (worked bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life == nil {
		return false, nil
	}
	return c.life.settle(ctx)
}

// people does what people do, and machines that people should have looked after.
func (w *World) people(ctx context.Context, patience time.Duration, falter bool) (worked bool, err error) {
	if worked, err = w.correspond(patience); err != nil {
		return worked, err
	}
	for _, c := range w.companies {
		more, err := c.attend(ctx, patience)
		if err != nil {
			return worked, err
		}
		worked = worked || more
		if falter {
			if more, err = c.falter(ctx, w.o.Rest, w.o.Outage); err != nil {
				return worked, err
			}
			worked = worked || more
		}
	}
	return worked, nil
}

// glance is how often people look.
const glance = 200 * time.Millisecond

// Run lets the world live until ctx ends.
func (w *World) Run(ctx context.Context) error {
	for _, c := range w.companies {
		c.start(ctx)
	}
	tick := time.NewTicker(glance)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if _, err := w.people(ctx, w.o.Patience, true); err != nil && ctx.Err() == nil {
			w.o.Log.Warn("people of the demo", "err", err)
		}
	}
}
