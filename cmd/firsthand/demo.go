package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"firsthand/fault"
	"firsthand/fetch"
	"firsthand/internal/agent"
	"firsthand/internal/agent/store"
	"firsthand/internal/cli"
	"firsthand/internal/locale"
	"firsthand/internal/web"
	"firsthand/internal/world"
	"firsthand/terms"
)

var demoCmd = cli.Command[*app]{
	Name: "demo", Short: "try everything with a made-up life, on this machine alone", Local: true,
	Long: `It makes a small world: Mia, who has just moved; companies with gateways, of which
one takes a change at once, one asks a person, one refuses, and one is down now and
then; and many without, which answer by mail: most of them do what she asks, one wants
to see her identity card, two are silent. It prints one link, and the passphrase of
Mia's file. Nothing leaves this machine, and nothing of yours is touched. With --fresh
her file is still to be made; what her programs have exported lies ready to be brought,
and the page behind the scenes has her mail account. Where Request Tracker and Tryton are
installed, two of the companies use them, once they have started. The world is kept in the folder
--dir names; else in a temporary one, which goes at the end.`,
	Setup: func(fs *flag.FlagSet) run {
		var o demoOptions
		fs.BoolVar(&o.fresh, "fresh", false, "begin with nothing, instead of Mia's life")
		fs.BoolVar(&o.reset, "reset", false, "begin anew, whatever was done in the folder")
		fs.StringVar(&o.addr, "addr", "localhost:8450", "`address` of the pages, on loopback")
		fs.BoolVar(&o.small, "small", false, "start no real systems, also where they are installed")
		fs.Func("directory", "a `file` with a real data set of companies; may be given several times", func(s string) error {
			o.directories = append(o.directories, s)
			return nil
		})
		verbose := fs.Bool("debug", false, "log what happens")
		return func(ctx context.Context, _ *app, env *cli.Env, args []string) error {
			if err := count(args, 0, 0); err != nil {
				return err
			}
			level := slog.LevelWarn
			if *verbose {
				level = slog.LevelDebug
			}
			// The variable names her own folder; here only the flag counts.
			if dir := env.Getenv("FIRSTHAND_DIR"); dir != os.Getenv("FIRSTHAND_DIR") {
				o.dir = dir
			}
			return demo(ctx, env, slog.New(slog.NewTextHandler(env.Stderr, &slog.HandlerOptions{Level: level})), o)
		}
	},
}

type demoOptions struct {
	dir, addr    string
	base         string // where the pages are, once that is known
	fresh, reset bool
	small        bool // without real systems
	directories  []string
}

// deskPath is where the world's own page is, beside those of Firsthand.
const deskPath = "/demo/"

// demo runs until ctx ends.
func demo(ctx context.Context, env *cli.Env, log *slog.Logger, o demoOptions) (err error) {
	for i, name := range o.directories {
		o.directories[i] = env.Path(name)
		if _, err := os.Stat(o.directories[i]); err != nil {
			return fault.Tell(fault.NotExist, "no such data set: "+err.Error(), "name a file: the demo has no network")
		}
	}
	if o.dir == "" {
		if o.dir, err = os.MkdirTemp("", "firsthand-demo-"); err != nil {
			return err
		}
		dir := o.dir
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	o.dir = env.Path(o.dir)
	if err := world.Check(o.dir); err != nil {
		return err
	}
	// Nobody is served there: it is to stop a second demo in the same folder.
	lock, err := cli.Listen(filepath.Join(o.dir, world.RunName, "demo"))
	if err == nil {
		defer lock.Close()
	} else if fault.KindOf(err) != fault.Unavailable { // a system that has no such sockets
		return err
	}
	if o.reset {
		if err := world.Reset(o.dir); err != nil {
			return err
		}
	}
	host, port, err := net.SplitHostPort(o.addr)
	if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fault.Tell(fault.Invalid, o.addr+" is no address on loopback", "--addr localhost:8450")
	}
	bind := o.addr
	if host == "localhost" {
		bind = net.JoinHostPort("127.0.0.1", port)
	}
	l, err := net.Listen("tcp", bind)
	if err != nil {
		return fault.Tell(fault.Unavailable, err.Error(), "another address: --addr localhost:0 takes any that is free")
	}
	defer l.Close()
	_, port, _ = net.SplitHostPort(l.Addr().String())
	o.base = "http://" + net.JoinHostPort(host, port)
	d := &stage{env: env, log: log, o: o, ctx: ctx}
	if err := d.open(o.fresh); err != nil {
		return err
	}
	defer func() {
		d.changing.Lock()
		defer d.changing.Unlock()
		err = errors.Join(err, d.close())
	}()
	return d.serve(ctx, l, o.base)
}

// A stage is a demo that runs: a world, and Mia's home in it. To begin anew is to
// put others in their place; the pages stay.
type stage struct {
	env *cli.Env
	log *slog.Logger
	o   demoOptions
	ctx context.Context // of all that runs by itself

	// changing is held while world and home are replaced, and to read while the
	// home is being opened: else one could open that nobody closes.
	changing sync.RWMutex
	stop     func() error // guarded by it; nil while nothing is open

	mu    sync.Mutex // held for a few instructions; guards what follows
	world *world.World
	home  *home
}

// open opens the world, makes up a life in it unless it is to be fresh, and lets
// both go on.
func (d *stage) open(fresh bool) error {
	w, err := world.Open(d.ctx, world.Options{Dir: d.o.dir, Log: d.log, App: d.o.base, Directories: d.o.directories, Behind: d.o.base + deskPath})
	if err != nil {
		return err
	}
	make := func(s *store.Store) *agent.Agent { return newAgent(fetch.New(w.Fetch()), w.Mail(), w.Now, s, d.log) }
	switch {
	case fresh && w.HasLife():
		err = fault.Tell(fault.Conflict, "there is a life in "+d.o.dir+" already", "begin anew with --reset")
	case !fresh && !w.HasLife():
		err = w.MakeLife(d.ctx, make)
	}
	if err != nil {
		return errors.Join(err, w.Close())
	}
	h := newHome(d.env, w.LifeDir(), d.log)
	h.make = func(s *store.Store) *app { return &app{store: s, dir: h.dir, agent: make(s)} }
	h.made = w.AddDirectory
	ctx, cancel := context.WithCancel(d.ctx)
	var all sync.WaitGroup
	var lived error
	all.Go(func() { w.Run(ctx) }) // it returns nil
	all.Go(func() { lived = h.liveOn(ctx) })
	if !d.o.small {
		all.Go(func() { w.TakeSystems(ctx, d.say) })
		all.Go(func() { h.lookInto(ctx, w) })
	}
	d.stop = func() error {
		h.Lock()
		cancel()
		all.Wait()
		return errors.Join(lived, w.Close())
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.world, d.home = w, h
	return nil
}

// say tells whoever runs the demo what comes about meanwhile.
func (d *stage) say(text string) {
	fmt.Fprintf(d.env.Stderr, "firsthand: %s\n", text)
}

// glance is how often she looks whether somebody has changed something in a real system:
// in a demo nobody waits a quarter of an hour for it.
const glance = 3 * time.Second

// lookInto has her ask the companies with real systems for news, until ctx ends. One that
// goes down when it is left alone is left alone.
func (h *home) lookInto(ctx context.Context, w *world.World) {
	tick := time.NewTicker(glance)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		_, a, leave, err := h.enter(ctx)
		if err != nil {
			continue // it is locked
		}
		if rows, err := a.agent.Relationships(ctx); err == nil {
			for _, r := range rows {
				if c := w.Company(r.Domain); c != nil && c.Manner() != world.Falters && c.IsUp() && r.Gateway != "" {
					if _, _, _, _, ok := c.System(); ok {
						a.agent.Flush(ctx, r.ID, 0) // what fails is tried again by itself
					}
				}
			}
		}
		leave()
	}
}

// close ends what open began.
func (d *stage) close() (err error) {
	if d.stop != nil {
		err = d.stop()
		d.stop = nil
	}
	return err
}

// anew removes everything, and opens another world.
func (d *stage) anew(_ context.Context, fresh bool) error {
	d.changing.Lock()
	defer d.changing.Unlock()
	err := d.close()
	if err == nil {
		err = world.Reset(d.o.dir)
	}
	if err == nil {
		err = d.open(fresh)
	}
	return err
}

// now returns what is on stage.
func (d *stage) now() (*world.World, *home) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.world, d.home
}

// liveOn does what the open file needs, as often as it is opened, until ctx ends.
func (h *home) liveOn(ctx context.Context) (err error) {
	for {
		select {
		case a := <-h.opened:
			until, stop := context.WithCancel(ctx)
			forget := context.AfterFunc(h.until, stop)
			err = errors.Join(err, a.agent.Run(until), h.shut(a))
			forget()
			stop()
		case <-ctx.Done():
			select {
			case a := <-h.opened: // a moment ago
				err = errors.Join(err, h.shut(a))
			default:
			}
			return err
		}
	}
}

// serve serves the pages until ctx ends.
func (d *stage) serve(ctx context.Context, l net.Listener, base string) error {
	pages, err := web.New(web.Options{House: houseOf{d}, Languages: locale.All(), Roster: terms.Default(), Now: time.Now, Zone: time.Local,
		Log: d.log, Demo: deskPath})
	if err != nil {
		return err
	}
	desk := world.NewDesk(deskPath, world.DeskOptions{
		World: func() *world.World { w, _ := d.now(); return w },
		Reset: d.anew,
		Link:  pages.Link,
	})
	mux := http.NewServeMux()
	mux.Handle(deskPath, desk)
	mux.Handle("/", pages)
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(d.log.Handler(), slog.LevelDebug)}
	fmt.Fprintf(d.env.Stderr, "firsthand: a made-up world, on this machine alone. Open this link:\n\n")
	fmt.Fprintf(d.env.Stdout, "%s%s\n", base, pages.Link())
	switch w, _ := d.now(); {
	case w.MadeLife():
		fmt.Fprintf(d.env.Stderr, "\nThe passphrase of Mia's file, for this demo only: %s\n", world.Passphrase)
	case w.HasLife():
		fmt.Fprintf(d.env.Stderr, "\nThe file opens by the passphrase that you gave it.\n")
	default:
		fmt.Fprintf(d.env.Stderr, "\nYou make the file yourself, under any passphrase. To bring: the files in %s\nHer mail account, and what companies get: %s%s\n", w.Exports(), base, deskPath)
	}
	fmt.Fprintln(d.env.Stderr, "Stop with Ctrl-C.")
	defer context.AfterFunc(ctx, func() { s.Close() })()
	if err := s.Serve(l); ctx.Err() == nil {
		return err
	}
	fmt.Fprintln(d.env.Stderr, "firsthand: stopped")
	return nil
}

// A houseOf is the home that is on stage, as [web.House].
type houseOf struct{ *stage }

func (d houseOf) on() *home {
	_, h := d.now()
	return h
}

// opening is for what may open the home.
func (d houseOf) opening(fn func(*home) error) error {
	d.changing.RLock()
	defer d.changing.RUnlock()
	return fn(d.on())
}

func (d houseOf) State() web.State         { return d.on().State() }
func (d houseOf) NewKit() (web.Kit, error) { return d.on().NewKit() }
func (d houseOf) Lock()                    { d.on().Lock() }

func (d houseOf) Create(ctx context.Context, passphrase []byte, kit web.Kit) error {
	return d.opening(func(h *home) error { return h.Create(ctx, passphrase, kit) })
}

func (d houseOf) Restore(ctx context.Context, backup io.Reader, passphrase []byte, kit string) error {
	return d.opening(func(h *home) error { return h.Restore(ctx, backup, passphrase, kit) })
}

func (d houseOf) Unlock(ctx context.Context, passphrase []byte) error {
	return d.opening(func(h *home) error { return h.Unlock(ctx, passphrase) })
}

func (d houseOf) Confirm(ctx context.Context, passphrase []byte) error {
	return d.on().Confirm(ctx, passphrase)
}

func (d houseOf) Enter(ctx context.Context) (web.Room, func(), error) { return d.on().Enter(ctx) }
