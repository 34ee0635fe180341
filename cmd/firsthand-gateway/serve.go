package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"firsthand/connector/remote"
	"firsthand/fault"
	"firsthand/internal/cli"
	"firsthand/internal/meetus"
	"firsthand/internal/oidc"
	"firsthand/internal/signin"
	"firsthand/wire"
)

// serveCmd is a function, since what it runs needs the table of all commands.
func serveCmd() cli.Command[*app] {
	return cli.Command[*app]{
		Name: "serve", Short: "answer customers, carry the outbox, carry out commands, serve the desk", Local: true,
		Long: `Beside the protocol it answers GET /healthz (it lives) and /readyz (its store answers),
and GET URL/meet: the page to which the button on the company's site leads.`,
		Setup: func(fs *flag.FlagSet) run {
			debug := fs.Bool("debug", false, "log more")
			return func(ctx context.Context, _ *app, env *cli.Env, args []string) error {
				level := slog.LevelInfo
				if *debug {
					level = slog.LevelDebug
				}
				return serve(ctx, env, slog.New(slog.NewTextHandler(env.Stderr, &slog.HandlerOptions{Level: level})))
			}
		},
	}
}

// serve runs until ctx ends. It stops in the order: no new calls and commands,
// the outbox, the store.
func serve(ctx context.Context, env *cli.Env, log *slog.Logger) (err error) {
	path, err := socketPath(env)
	if err != nil {
		return err
	}
	commands, err := cli.Listen(path) // first: of two servers, one stops here
	if err != nil {
		return err
	}
	defer func() { commands.Close() }()
	a, done, err := open(ctx, env, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	limits := a.config.Limits
	o := wire.Options{BaseURL: a.config.URL, Log: log, MaxPolls: limits.Waiting,
		OpenEach: perMinute(limits.OpensPerMinute), OpenAll: perMinute(limits.OpensPerMinuteAll),
		CallEach: wire.Limit{Rate: rate.Limit(a.config.Calls()), Burst: 10 * a.config.Calls()}}
	if limits.SourceHeader != "" {
		o.Source = wire.SourceIn(limits.SourceHeader)
	}
	handler, err := wire.NewHandler(a.gateway, o)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", a.config.Listen)
	if err != nil {
		return fault.Tell(fault.Unavailable, err.Error(), "another listen in gateway.json")
	}
	if t := a.config.TLS; t.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return errors.Join(err, l.Close())
		}
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}})
	}
	page, err := a.meetPage()
	if err != nil {
		return errors.Join(err, l.Close())
	}
	server := handler.NewServer()
	signIn, err := a.signIn(log)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	server.Handler = withHealth(a, page.Before(withSignIn(signIn, server.Handler)))
	desk, deskListener, err := a.deskServer(log)
	if err != nil {
		return errors.Join(err, l.Close())
	}

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	errs := make(chan error, 4)
	start := func(run func() error) {
		wg.Go(func() {
			defer stop() // where one ends, all do
			errs <- run()
		})
	}
	p := program()
	p.Log = log
	start(func() error { return a.gateway.Run(ctx) })
	start(func() error { return p.Serve(ctx, commands, a) })
	start(func() error { return wire.Serve(ctx, server, l) })
	if desk != nil {
		start(func() error { return wire.Serve(ctx, desk, deskListener) })
		fmt.Fprintf(env.Stderr, "firsthand-gateway: desk %s at %s\n", a.config.Desk.URL, deskListener.Addr())
	}
	fmt.Fprintf(env.Stderr, "firsthand-gateway: serving %s at %s\n", a.config.Domain, l.Addr())
	wg.Wait()
	close(errs)
	for e := range errs {
		err = errors.Join(err, e)
	}
	fmt.Fprintln(env.Stderr, "firsthand-gateway: stopped")
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

// perMinute returns a limit of n a minute, the zero Limit for n = 0.
func perMinute(n int) wire.Limit {
	return wire.Limit{Rate: rate.Limit(n) / 60, Burst: n}
}

// signIn returns the pages on which customers sign in, nil if there are none.
func (a *app) signIn(log *slog.Logger) (*signin.Handler, error) {
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
		Provider: oidc.Config{Issuer: c.Issuer, ClientID: c.ClientID, Secret: secret}, Now: time.Now, Log: log})
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

// probes are what withHealth answers.
var probes = []string{"/healthz", "/readyz"}

// withHealth answers for supervisors, and gives everything else to h. Neither
// answer says anything of customers.
func withHealth(a *app, h http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+probes[0], func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET "+probes[1], func(w http.ResponseWriter, r *http.Request) {
		if _, err := a.store.Setting(r.Context(), "ready"); err != nil {
			http.Error(w, "the store does not answer", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	mux.Handle("/", h)
	return mux
}
