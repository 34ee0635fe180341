package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"firsthand/fault"
	"firsthand/internal/agent/store"
	"firsthand/internal/cli"
)

// serveCmd is a function, since what it runs needs the table of all commands.
func serveCmd() cli.Command[*app] {
	return cli.Command[*app]{
		Name: "serve", Short: "keep your file open: send, receive, carry out commands, answer health", Local: true,
		Long: `Without a key file or passphrase file it asks for the passphrase, or, where nobody
is there to answer, waits locked until firsthand unlock brings it.
GET /healthz says that it lives, /readyz that it is open and its store answers.`,
		Setup: func(fs *flag.FlagSet) run {
			addr := fs.String("addr", "127.0.0.1:8440", "`address` for health, on loopback; empty for none")
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
				return serve(ctx, env, log, *addr)
			}
		},
	}
}

// serve runs until ctx ends. What it started is stopped in the order: no new
// commands, the outbox, the store.
func serve(ctx context.Context, env *cli.Env, log *slog.Logger, addr string) error {
	path, err := socketPath(env)
	if err != nil {
		return err
	}
	l, err := cli.Listen(path) // first: of two servers, one stops here
	if err != nil {
		return err
	}
	defer func() { l.Close() }()
	health := new(health)
	stopHealth, err := health.listen(env, addr)
	if err != nil {
		return err
	}
	defer stopHealth()

	a, closeApp, err := openApp(ctx, env)
	if errors.Is(err, errLocked) || err != nil && env.Prompt == nil && fault.KindOf(err) == fault.Invalid {
		log.Info("locked", "hint", "firsthand unlock")
		a, closeApp, err = waitUnlocked(ctx, l, log)
		if err != nil || a == nil {
			return err
		}
		if l, err = cli.Listen(path); err != nil {
			return errors.Join(err, closeApp())
		}
	}
	if err != nil {
		return err
	}
	a.agent.Log = log
	health.open(a)
	log.Info("serving", "socket", path)
	fmt.Fprintf(env.Stderr, "firsthand: open\n")

	// Her server stands by all day beside other programs: the heap is kept small
	// rather than collected seldom. It is a soft limit.
	debug.SetMemoryLimit(24 << 20)
	ctx, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	var runErr error
	wg.Go(func() {
		defer stop()
		runErr = a.agent.Run(ctx)
	})
	p := program()
	p.Log = log
	err = p.Serve(ctx, l, a)
	stop()
	wg.Wait()
	fmt.Fprintln(env.Stderr, "firsthand: stopped")
	return errors.Join(err, runErr, closeApp())
}

// errLocked says that a command came to a server whose file is not open yet.
var errLocked = fault.Tell(fault.Unavailable, "the server is locked", "firsthand unlock")

// A lock is a server that waits for its passphrase.
type lock struct {
	opened chan *app // gets the app once
	mu     sync.Mutex
	done   bool
	log    *slog.Logger
}

// waitUnlocked serves l until unlock has opened the file. It returns a nil app
// when ctx ends first.
func waitUnlocked(ctx context.Context, l net.Listener, log *slog.Logger) (*app, func() error, error) {
	k := &lock{opened: make(chan *app, 1), log: log}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	served := make(chan error, 1)
	p := program()
	p.Log = log
	go func() { served <- p.Serve(ctx, l, &app{lock: k}) }()
	select {
	case a := <-k.opened:
		stop()
		<-served
		return a, a.store.Close, nil
	case err := <-served:
		select {
		case a := <-k.opened: // both at once
			return nil, nil, errors.Join(err, a.store.Close())
		default:
			return nil, nil, err
		}
	}
}

// unlock opens the file with what the client has, and ends the waiting.
func (k *lock) unlock(ctx context.Context, env *cli.Env) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.done {
		return nil
	}
	dir, err := dataDir(cli.OS()) // the server's, not the client's
	if err != nil {
		return err
	}
	pass, err := env.Secret(ctx, passphrase("Passphrase", false))
	if err != nil {
		return err
	}
	s, err := store.Open(context.WithoutCancel(ctx), dir, store.Passphrase(pass))
	if err != nil {
		return err
	}
	k.done = true
	k.opened <- newApp(cli.OS(), dir, s, k.log)
	fmt.Fprintln(env.Stdout, "open")
	return nil
}

// health answers whether the server lives, and whether it can work.
type health struct {
	mu  sync.Mutex
	app *app
}

func (h *health) open(a *app) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.app = a
}

// listen serves health at addr, which must be on loopback: it has no sign-in.
func (h *health) listen(env *cli.Env, addr string) (stop func(), err error) {
	if addr == "" {
		return func() {}, nil
	}
	host, _, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fault.Tell(fault.Invalid, addr+" is no address on loopback", "--addr 127.0.0.1:8440")
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fault.Tell(fault.Unavailable, err.Error(), "another --addr, or --addr= for none")
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", h.ready)
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 8 << 10}
	go s.Serve(l) // ends with Close
	fmt.Fprintf(env.Stderr, "firsthand: serving http://%s\n", l.Addr())
	return func() { s.Close() }, nil
}

func (h *health) ready(w http.ResponseWriter, r *http.Request) {
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
				return fault.Tell(fault.Unavailable, "no answer", "is it running? firsthand serve")
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				return fault.Tell(fault.Unavailable, "not ready: "+resp.Status, "firsthand doctor")
			}
			return nil
		}
	},
}
