package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"firsthand/connector/remote"
	"firsthand/internal/cli"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/metrics"
	"firsthand/internal/meetus"
	"firsthand/internal/oidc"
	"firsthand/internal/signin"
	"firsthand/wire"
)

// serveCmd is a function, since what it runs needs the table of all commands.
func serveCmd() cli.Command[*app] {
	return cli.Command[*app]{
		Name: "serve", Short: "answer customers, carry the outbox, carry out commands, serve the desk", Local: true,
		Long: `Beside the protocol it answers GET /healthz (it lives) and /readyz (it takes calls and
its store answers), and GET URL/meet: the page to which the button on the company's
site leads. On SIGTERM it takes no more calls, ends those that it has and
what it carries just then, and stops, within half a minute; a second signal kills.
Sockets that systemd holds are taken from there.`,
		Setup: func(fs *flag.FlagSet) run {
			debug := fs.Bool("debug", false, "log more, whatever gateway.json says")
			return func(ctx context.Context, _ *app, env *cli.Env, args []string) error {
				return serve(ctx, env, *debug)
			}
		},
	}
}

// newLog makes the log that the configuration asks for.
func newLog(env *cli.Env, c gateway.LogConfig, debug bool) *slog.Logger {
	level := map[string]slog.Level{"debug": slog.LevelDebug, "warn": slog.LevelWarn, "error": slog.LevelError}[c.Level]
	if debug {
		level = slog.LevelDebug
	}
	o := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(env.Stderr, o))
	}
	return slog.New(slog.NewTextHandler(env.Stderr, o))
}

// serve runs until ctx ends, in these steps:
//
//  1. /readyz says no, and for as long as GraceSeconds says nothing else changes;
//  2. no new calls are taken; who waits for news is answered, the calls in hand end,
//     and so do the pieces of work in hand and the commands;
//  3. the server of metrics ends, which tells of all that, and the store is closed.
//
// Each has its time, so that the whole takes no longer than half a minute and the
// grace. Where one part fails, all stop in the same way.
func serve(ctx context.Context, env *cli.Env, debug bool) (err error) {
	path, err := socketPath(env)
	if err != nil {
		return err
	}
	commands, err := cli.Listen(path) // first: of two servers, one stops here
	if err != nil {
		return err
	}
	defer func() { commands.Close() }()
	m := metrics.New(version())
	a, done, err := open(ctx, env, func(c gateway.LogConfig) *slog.Logger { return newLog(env, c, debug) }, m)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	h := &health{store: a.store, vitals: a.gateway.Vitals}
	m.Watch(a.gateway, a.store, h.taking, a.log)
	servers, err := a.servers(m, h)
	if err != nil {
		return err
	}
	listeners, err := listenAll(servers)
	if err != nil {
		return err
	}

	told, tell := context.WithCancel(ctx) // to stop, by a signal or because a part has ended
	defer tell()
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	late, stopLate := context.WithCancel(context.WithoutCancel(ctx))
	defer stopLate()
	var working, watching sync.WaitGroup
	errs := make(chan error, len(servers)+2)
	start := func(wg *sync.WaitGroup, run func() error) {
		wg.Go(func() {
			defer tell() // where one ends, all do
			errs <- run()
		})
	}
	p := program()
	p.Log = a.log
	start(&working, func() error { return a.gateway.Run(work) })
	start(&working, func() error { return p.Serve(work, commands, a) })
	for i, s := range servers {
		if s.last {
			start(&watching, func() error { return wire.Serve(late, s.http, listeners[i]) })
		} else {
			start(&working, func() error { return wire.Serve(work, s.http, listeners[i]) })
		}
	}
	h.take(true)
	for i, s := range servers {
		if s.name == "desk" {
			a.say(env, "desk", a.config.Desk.URL+" at "+listeners[i].Addr().String())
		}
	}
	a.say(env, "serving", a.config.Domain+" at "+listeners[0].Addr().String())
	supervisor := newSupervisor()
	supervisor.tell(a.log, "READY=1\nSTATUS=serving")
	watching.Go(func() { supervisor.watch(late, h.alive) })

	<-told.Done()
	h.take(false)
	supervisor.tell(a.log, "STOPPING=1\nSTATUS=ending the calls in hand")
	if grace := time.Duration(a.config.GraceSeconds) * time.Second; ctx.Err() != nil && grace > 0 {
		linger(grace, work)
	}
	stop()
	working.Wait()
	stopLate()
	watching.Wait()
	close(errs)
	for e := range errs {
		err = errors.Join(err, e)
	}
	a.say(env, "stopped", "")
	return err
}

// meetPage is the page to which the button on the company's site leads.
func (a *app) meetPage() (*meetus.Handler, error) {
	o, err := a.config.Options()
	if err != nil {
		return nil, err
	}
	return meetus.New(meetus.Options{Company: o.Company})
}

// linger waits for d, or until ctx ends.
func linger(d time.Duration, ctx context.Context) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// say tells the operator where the program is: as a sentence, or as a line of a log
// that is to be read by programs.
func (a *app) say(env *cli.Env, what, more string) {
	switch {
	case a.config.Log.Format == "json":
		a.log.Info(what, "address", more)
	case more == "":
		fmt.Fprintf(env.Stderr, "firsthand-gateway: %s\n", what)
	default:
		fmt.Fprintf(env.Stderr, "firsthand-gateway: %s %s\n", what, more)
	}
}

// A server is a listener of its own and what answers there. All are started, drained
// and stopped alike.
type server struct {
	name   string // of its socket, where systemd holds it
	listen string
	tls    gateway.TLSFiles
	http   *http.Server
	last   bool // stops when the others have: it tells how they do
}

// servers returns what is served, the one of agents first.
func (a *app) servers(m *metrics.Metrics, h *health) ([]server, error) {
	limits := a.config.Limits
	o := wire.Options{BaseURL: a.config.URL, Log: a.log, MaxPolls: limits.Waiting,
		OpenEach: perMinute(limits.OpensPerMinute), OpenAll: perMinute(limits.OpensPerMinuteAll),
		CallEach: wire.Limit{Rate: rate.Limit(a.config.Calls()), Burst: 10 * a.config.Calls()}}
	if limits.SourceHeader != "" {
		o.Source = wire.SourceIn(limits.SourceHeader)
	}
	handler, err := wire.NewHandler(metrics.Waits(a.gateway), o)
	if err != nil {
		return nil, err
	}
	page, err := a.meetPage()
	if err != nil {
		return nil, err
	}
	signIn, err := a.signIn()
	if err != nil {
		return nil, err
	}
	agents := handler.NewServer()
	agents.Handler = page.Before(withSignIn(signIn, agents.Handler))
	routes := make(map[string]string)
	for i, r := range handler.Routes() {
		routes[r.Path] = []string{"discovery", "open", "sync"}[i]
	}
	agents.Handler = m.Calls(func(r *http.Request) string { return route(routes, r) }, h.before(agents.Handler, false))
	all := []server{{name: "gateway", listen: a.config.Listen, tls: a.config.TLS, http: agents}}
	if c := a.config.Desk; c.Listen != "" {
		pages, err := a.deskServer()
		if err != nil {
			return nil, err
		}
		pages.Handler = m.Calls(func(*http.Request) string { return "desk" }, pages.Handler)
		all = append(all, server{name: "desk", listen: c.Listen, tls: c.TLS, http: pages})
	}
	if listen := a.config.Metrics.Listen; listen != "" {
		mux := http.NewServeMux()
		mux.Handle("GET /metrics", m.Handler(a.log))
		all = append(all, server{name: "metrics", listen: listen, last: true, http: &http.Server{
			Handler: h.before(mux, true), ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, MaxHeaderBytes: 8 << 10,
			ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug)}})
	}
	return all, nil
}

// route names a call for the metrics.
func route(routes map[string]string, r *http.Request) string {
	if name, ok := routes[r.URL.Path]; ok {
		return name
	}
	if slices.Contains(probes, r.URL.Path) {
		return "health"
	}
	return "other"
}

// listenAll opens the listeners of all servers, or none.
func listenAll(servers []server) (all []net.Listener, err error) {
	handed, err := inherited()
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, l := range handed {
			err = errors.Join(err, fmt.Errorf("systemd hands over a socket that nobody wants: %s", l.Addr()), l.Close())
		}
		if err != nil {
			for _, l := range all {
				l.Close() // nobody was served
			}
		}
	}()
	for _, s := range servers {
		l, err := s.open(handed)
		if err != nil {
			return all, err
		}
		all = append(all, l)
	}
	return all, nil
}

// perMinute returns a limit of n a minute, the zero Limit for n = 0.
func perMinute(n int) wire.Limit {
	return wire.Limit{Rate: rate.Limit(n) / 60, Burst: n}
}

// signIn returns the pages on which customers sign in, nil if there are none.
func (a *app) signIn() (*signin.Handler, error) {
	c := a.config.SignIn
	if c.Issuer == "" {
		return nil, nil
	}
	secret, err := remote.Secret(c.ClientSecretFile)
	if err != nil {
		return nil, err
	}
	o, err := a.config.Options()
	if err != nil {
		return nil, err
	}
	return signin.New(signin.Options{Gateway: a.gateway, Company: a.config.Name, URL: o.SignIn, Claim: cmp.Or(c.RecordClaim, "customer_number"),
		Provider: oidc.Config{Issuer: c.Issuer, ClientID: c.ClientID, Secret: secret}, Now: time.Now, Log: a.log})
}

// withSignIn gives what is for the sign-in's pages to them, and everything else to h.
func withSignIn(pages *signin.Handler, h http.Handler) http.Handler {
	if pages == nil {
		return h
	}
	mux := http.NewServeMux()
	for _, route := range pages.Routes() {
		mux.Handle(route, pages)
	}
	mux.Handle("/", h)
	return mux
}
