package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"firsthand/fault"
	"firsthand/internal/agent/store"
	"firsthand/internal/cli"
	"firsthand/internal/locale"
	"firsthand/internal/web"
	"firsthand/terms"
)

// serveCmd is a function, since what it runs needs the table of all commands.
func serveCmd() cli.Command[*app] {
	return cli.Command[*app]{
		Name: "serve", Short: "serve your pages; send, receive, and carry out commands", Local: true,
		Long: `It prints a link, valid once and for ten minutes, that opens the pages in a browser:
there you make your file, or give the passphrase. firsthand link prints another one.
With a key file or passphrase file it opens your file by itself; else it waits for the
pages, or for firsthand unlock. The pages are for this machine alone, unless a
certificate is given. GET /healthz says that it lives, /readyz that your file is open
and answers.`,
		Setup: func(fs *flag.FlagSet) run {
			var o serveOptions
			fs.StringVar(&o.addr, "addr", "127.0.0.1:8440", "`address` for pages and health; empty for none")
			fs.StringVar(&o.cert, "tls-cert", "", "`file` with the certificate, to serve other machines as well")
			fs.StringVar(&o.key, "tls-key", "", "`file` with the certificate's private key")
			fs.StringVar(&o.host, "host", "", "the `name` under which other machines ask for it, with --tls-cert")
			verbose := fs.Bool("debug", false, "log more")
			check := fs.Bool("check", false, "open the file, check the settings, and exit")
			return func(ctx context.Context, _ *app, env *cli.Env, args []string) error {
				if err := count(args, 0, 0); err != nil {
					return err
				}
				level := slog.LevelInfo
				if *verbose {
					level = slog.LevelDebug
				}
				log := slog.New(slog.NewTextHandler(env.Stderr, &slog.HandlerOptions{Level: level}))
				if *check {
					_, close, err := openApp(ctx, env)
					if err != nil {
						return err
					}
					fmt.Fprintln(env.Stdout, "ok")
					return close()
				}
				return serve(ctx, env, log, o)
			}
		},
	}
}

type serveOptions struct{ addr, cert, key, host string }

// serve runs until ctx ends. The file may be opened and locked many times
// meanwhile. What runs while it is open is stopped in the order: the outbox, pages
// and commands, the store.
func serve(ctx context.Context, env *cli.Env, log *slog.Logger, o serveOptions) error {
	path, err := socketPath(env)
	if err != nil {
		return err
	}
	dir, err := dataDir(env)
	if err != nil {
		return err
	}
	if o.addr == "" && !store.Exists(dir) {
		return fault.Tell(fault.NotExist, "there is no file of yours in "+dir, "make it: firsthand init")
	}
	l, err := cli.Listen(path) // first: of two servers, one stops here
	if err != nil {
		return err
	}
	defer func() { l.Close() }()
	h := newHome(env, dir, log)
	by, err := atStart(ctx, env, h, o)
	if err != nil {
		return err
	}
	stopPages, err := servePages(env, h, o)
	if err != nil {
		return err
	}
	defer stopPages()
	if by != nil {
		if err := h.open(ctx, by); err != nil {
			return err
		}
	}
	if h.link != nil {
		fmt.Fprintf(env.Stderr, "firsthand: open this link, once and within ten minutes:\n")
		fmt.Fprintln(env.Stdout, h.link())
	}
	// Her server stands by all day beside other programs: the heap is kept small
	// rather than collected seldom. By a share of it and by no limit: where a whole
	// life needs more than that, the collector would do nothing but run.
	debug.SetGCPercent(50)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	served := make(chan error, 1)
	go func() { served <- h.program().Serve(ctx, l, &app{home: h, dir: dir}) }()
	for err == nil && ctx.Err() == nil {
		select {
		case a := <-h.opened:
			err = h.live(ctx, a)
		case err = <-served:
			stop()
			served <- nil
		}
	}
	stop()
	err = errors.Join(err, <-served)
	select {
	case a := <-h.opened: // it was opened at the last moment
		err = errors.Join(err, h.shut(a))
	default:
	}
	fmt.Fprintln(env.Stderr, "firsthand: stopped")
	return err
}

// atStart returns what opens the file where that needs nobody: a key file or a
// passphrase file. Without pages somebody at the terminal is asked. Nil: it waits.
func atStart(ctx context.Context, env *cli.Env, h *home, o serveOptions) (store.Opener, error) {
	if h.State() == web.Empty {
		return nil, nil
	}
	given := env.Getenv("FIRSTHAND_KEY_FILE") != "" || env.Getenv("FIRSTHAND_PASSPHRASE_FILE") != ""
	if !given && (o.addr != "" || env.Prompt == nil) {
		h.log.Info("locked", "hint", "firsthand unlock")
		return nil, nil
	}
	return opener(ctx, env)
}

// program is the commands as they are carried out here: on the file, if it is open,
// which is not closed before they end.
func (h *home) program() *cli.Program[*app] {
	p := program()
	p.Log = h.log
	for i := range p.Commands {
		name, setup := p.Commands[i].Name, p.Commands[i].Setup
		p.Commands[i].Setup = func(fs *flag.FlagSet) run {
			carryOut := setup(fs)
			return func(ctx context.Context, locked *app, env *cli.Env, args []string) error {
				ctx, open, leave, err := h.enter(ctx)
				switch {
				case err == nil:
					defer leave()
					return carryOut(ctx, open, env, args)
				case name == "unlock" || name == "link":
					return carryOut(ctx, locked, env, args)
				}
				return err
			}
		}
	}
	return p
}

// live does what an open file needs, until ctx ends or it is locked.
func (h *home) live(ctx context.Context, a *app) error {
	h.log.Info("open")
	fmt.Fprintln(h.env.Stderr, "firsthand: open")
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(h.until, stop)()
	err := a.agent.Run(ctx)
	err = errors.Join(err, h.shut(a))
	h.log.Info("locked")
	return err
}

// unlock opens the file with what the client of a command has.
func (h *home) unlock(ctx context.Context, env *cli.Env) error {
	pass, err := env.Secret(ctx, passphrase("Passphrase", false))
	if err != nil {
		return err
	}
	if err := h.open(ctx, store.Passphrase(pass)); err != nil {
		return err
	}
	fmt.Fprintln(env.Stdout, "open")
	return nil
}

var linkCmd = cli.Command[*app]{
	Name: "link", Short: "print a new link to the pages of a running server, valid once",
	Long: `Whoever opens it may try the passphrase; it is of no use without. It holds for ten
minutes.`,
	Setup: func(fs *flag.FlagSet) run {
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			if err := count(args, 0, 0); err != nil {
				return err
			}
			if a.home == nil || a.home.link == nil {
				return fault.Tell(fault.Unavailable, "no server with pages runs", "start it: firsthand serve")
			}
			_, err := fmt.Fprintln(env.Stdout, a.home.link())
			return err
		}
	},
}

// servePages serves pages and health at o.addr: on loopback, or under TLS.
func servePages(env *cli.Env, h *home, o serveOptions) (stop func(), err error) {
	if o.addr == "" {
		return func() {}, nil
	}
	host, _, err := net.SplitHostPort(o.addr)
	secure := o.cert != "" || o.key != ""
	if ip := net.ParseIP(host); err != nil || !secure && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fault.Tell(fault.Invalid, o.addr+" is no address on loopback", "--addr 127.0.0.1:8440, or a certificate: --tls-cert FILE --tls-key FILE")
	}
	var hosts []string
	if o.host != "" {
		hosts = append(hosts, o.host)
	}
	pages, err := web.New(web.Options{House: h, Languages: locale.All(), Roster: terms.Default(), Now: time.Now, Zone: time.Local, Log: h.log, Secure: secure, Hosts: hosts})
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", o.addr)
	if err != nil {
		return nil, fault.Tell(fault.Unavailable, err.Error(), "another --addr, or --addr= for none")
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", h.ready)
	mux.Handle("/", pages)
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(h.log.Handler(), slog.LevelDebug)}
	scheme := "http"
	if secure {
		scheme = "https"
		cert, err := tls.LoadX509KeyPair(env.Path(o.cert), env.Path(o.key))
		if err != nil {
			return nil, errors.Join(fault.Tell(fault.Invalid, "the certificate can't be used: "+err.Error(), "--tls-cert and --tls-key name two files in PEM"), l.Close())
		}
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13})
	}
	name := l.Addr().String()
	if o.host != "" {
		_, port, _ := net.SplitHostPort(name)
		name = net.JoinHostPort(o.host, port)
	}
	h.link = func() string { return scheme + "://" + name + pages.Link() }
	go s.Serve(l) // ends with Close
	fmt.Fprintf(env.Stderr, "firsthand: serving %s://%s\n", scheme, l.Addr())
	return func() { s.Close() }, nil
}

func (h *home) ready(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	a := h.app
	h.mu.Unlock()
	if a == nil {
		http.Error(w, "locked", http.StatusServiceUnavailable)
		return
	}
	if _, err := a.agent.Store.Labels(r.Context()); err != nil {
		http.Error(w, "the store does not answer", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

var healthcheckCmd = cli.Command[*app]{
	Name: "healthcheck", Args: "[url]", Short: "ask a running server whether it is ready; for supervisors", Local: true,
	Setup: func(fs *flag.FlagSet) run {
		return func(ctx context.Context, _ *app, env *cli.Env, args []string) error {
			url := "http://127.0.0.1:8440/readyz"
			if len(args) == 1 {
				url = args[0]
			}
			ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
			if err != nil {
				return err
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				return fault.Tell(fault.Unavailable, "no answer from "+url, "start it: firsthand serve; if it serves elsewhere, name its address: firsthand healthcheck http://127.0.0.1:PORT/readyz")
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				return fault.Tell(fault.Unavailable, "not ready: "+resp.Status, "firsthand doctor")
			}
			return nil
		}
	},
}
