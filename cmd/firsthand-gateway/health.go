package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"firsthand/fault"
	"firsthand/internal/cli"
	"firsthand/internal/gateway"
)

// health answers supervisors and load balancers. It says nothing of customers.
//
// /healthz says that the process lives. /readyz says whether calls should be sent
// here: not once it was told to stop, and not while its store doesn't answer. A
// company's system that can't be reached makes no gateway unready: it takes what
// customers say, and carries it when the system is back. All gateways of the company
// would be unready at once, and nobody could be told anything.
type health struct {
	store interface { // the part of the store that is asked
		Setting(ctx context.Context, name string) (string, error)
	}
	vitals func() gateway.Vitals

	open atomic.Bool

	mu      sync.Mutex // held while the store is asked
	asked   time.Time
	answers bool
}

// take says from when on, and until when, calls are taken.
func (h *health) take(yes bool) { h.open.Store(yes) }
func (h *health) taking() bool  { return h.open.Load() }

// storeTime is how long the store may take for an answer, and how long one holds.
const storeTime = 2 * time.Second

// stored reports whether the store answers. However many ask, it is asked once in a
// while.
func (h *health) stored(ctx context.Context) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Since(h.asked) < storeTime/2 {
		return h.answers
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	_, err := h.store.Setting(ctx, "ready")
	h.asked, h.answers = time.Now(), err == nil
	return h.answers
}

// alive returns when the store has answered, somehow.
func (h *health) alive(ctx context.Context) { h.stored(ctx) }

// probes are what health answers.
var probes = []string{"/healthz", "/readyz"}

// before answers for h, and gives everything else to next. With detail, which is not
// for the public, it tells of each of the company's systems too.
func (h *health) before(next http.Handler, detail bool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+probes[0], func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET "+probes[1], func(w http.ResponseWriter, r *http.Request) {
		answer, status := "ok", http.StatusOK
		switch {
		case !h.taking():
			answer, status = "it takes no more calls", http.StatusServiceUnavailable
		case !h.stored(r.Context()):
			answer, status = "the store does not answer", http.StatusServiceUnavailable
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		fmt.Fprintln(w, answer)
		if !detail {
			return
		}
		for _, s := range h.vitals().Systems {
			if s.Reaches() {
				fmt.Fprintf(w, "%s: ok\n", s.Lane.Member())
			} else {
				fmt.Fprintf(w, "%s: the system does not answer; what goes to it waits\n", s.Lane.Member())
			}
		}
	})
	mux.Handle("/", next)
	return mux
}

var healthCmd = cli.Command[*app]{
	Name: "health", Short: "ask the running gateway whether it is ready", Local: true,
	Long: `It asks at metrics.listen or, without that, at listen, and ends with 0 if the answer is
yes: for a container's health check, or a script.`,
	Setup: func(fs *flag.FlagSet) run {
		return func(ctx context.Context, _ *app, env *cli.Env, args []string) error {
			c, err := loadConfig(env)
			if err != nil {
				return err
			}
			return askReady(ctx, env, &c)
		}
	},
}

// askReady asks the gateway of c on this machine.
func askReady(ctx context.Context, env *cli.Env, c *gateway.Config) error {
	listen, transport := c.Metrics.Listen, &http.Transport{DisableKeepAlives: true}
	scheme := "http://"
	if listen == "" {
		listen = c.Listen
		if c.TLS.CertFile != "" {
			scheme = "https://"
			ours, err := tls.LoadX509KeyPair(c.TLS.CertFile, c.TLS.KeyFile)
			if err != nil {
				return err
			}
			// It is our own certificate or it is not we who answer. Its name and who
			// signed it are for those who don't have it.
			transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error {
				if !bytes.Equal(s.PeerCertificates[0].Raw, ours.Certificate[0]) {
					return errors.New("another certificate than that of gateway.json")
				}
				return nil
			}}
		}
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	ctx, cancel := context.WithTimeout(ctx, 2*storeTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		return fault.Tell(fault.Unavailable, "no gateway answers at "+listen, "firsthand-gateway serve")
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s: %w", cli.Printable(string(bytes.TrimSpace(text))), fault.Unavailable)
	}
	fmt.Fprintf(env.Stdout, "%s", cli.PrintableLines(string(text), ""))
	return nil
}
