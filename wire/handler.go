package wire

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime"
	"runtime/debug"
	"time"

	"firsthand"
	"firsthand/fault"
)

// Options say how a Handler serves. Only BaseURL is needed.
type Options struct {
	// BaseURL is the gateway's address as customers know it: the Gateway of its
	// discovery document. Calls are signed for it, so they are checked against
	// it and never against what a Host header says. What stands in front of the
	// gateway must not change the path.
	BaseURL string

	Now func() time.Time // default: time.Now
	Log *slog.Logger     // default: nothing is logged

	// OpenEach and OpenAll limit how fast relationships are opened, by one
	// source and in all. The defaults are one a second, 60 at once; and 50 a
	// second, 1,000 at once.
	OpenEach, OpenAll Limit

	// CallEach limits how fast one source may call at all. A call above it is refused
	// before its body is read and its signature looked at; one that turns out to be
	// signed by nobody counts ten times. Zero is no limit: what is right depends on
	// whether a source is a person or a proxy with everybody behind it.
	CallEach Limit

	// Source tells who calls, for OpenEach and CallEach. The default is where the connection
	// comes from. Behind a proxy that is the proxy, and Source has to read what
	// that proxy, and nobody else, wrote into a header.
	Source func(*http.Request) netip.Addr

	// MaxPolls is how many calls may wait for news at once, over all
	// relationships. The default is 10,000.
	MaxPolls int
}

// A Handler serves a gateway's side of the protocol. It is safe for concurrent
// use.
type Handler struct {
	server   Server
	address  address
	now      func() time.Time
	log      *slog.Logger
	source   func(*http.Request) netip.Addr
	openings *openings
	calls    *openings
	polls    polls
	big      chan struct{}       // a place for each big call in memory
	nobody   firsthand.PublicKey // a key whose private half was thrown away
	mux      *http.ServeMux
}

// NewHandler returns the Handler through which s is called. The error says what
// is wrong with o.
func NewHandler(s Server, o Options) (*Handler, error) {
	a, err := parseAddress(o.BaseURL)
	if err != nil {
		return nil, err
	}
	nobody, err := firsthand.NewSigner(rand.Reader)
	if err != nil {
		return nil, err
	}
	h := &Handler{
		server: s, address: a, now: o.Now, log: o.Log, source: o.Source,
		calls:    newOpenings("calls are made", cmp.Or(o.CallEach, unlimited), unlimited),
		openings: newOpenings("relationships are opened", cmp.Or(o.OpenEach, Limit{1, 60}), cmp.Or(o.OpenAll, Limit{50, 1000})),
		polls:    polls{max: cmp.Or(o.MaxPolls, 10_000), waiting: make(map[*poll]struct{}), each: make(map[ID]int)},
		big:      make(chan struct{}, maxBig),
		nobody:   nobody.Public(),
		mux:      http.NewServeMux(),
	}
	if h.now == nil {
		h.now = time.Now
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	if h.source == nil {
		h.source = remote
	}
	for _, r := range h.Routes() {
		h.mux.Handle(r.Method+" "+r.Path, h.edge(r))
	}
	return h, nil
}

// Access says who may call a route.
type Access int

const (
	Anybody Access = iota // without being asked
	Opener                // with the key of the relationship, which may be new
	Party                 // with the key of the relationship, which exists
)

// A Route is one way to call a Handler.
type Route struct {
	Method, Path string
	Access       Access
}

// Routes returns all ways to call h. There are no others.
func (h *Handler) Routes() []Route {
	return []Route{
		{http.MethodGet, DiscoveryPath, Anybody},
		{http.MethodPost, h.address.path + openPath, Opener},
		{http.MethodPost, h.address.path + syncPath, Party},
	}
}

// Drain ends all waiting for news, now and from now on. The calls that waited
// are answered. It is for shutting down; see [Handler.NewServer].
func (h *Handler) Drain() { h.polls.end() }

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// edge is where errors and panics of a route end. What is logged of a call is
// its relationship and the rule it broke; the rest could be about a person.
func (h *Handler) edge(route Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		var rel ID
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v == http.ErrAbortHandler {
				panic(v)
			}
			what := fmt.Sprintf("%T", v)
			if err, ok := v.(runtime.Error); ok {
				what = err.Error()
			}
			h.log.ErrorContext(ctx, "call panicked", "route", route.Path, "relationship", rel, "panic", what, "stack", string(debug.Stack()))
			writeFailure(w, fault.Internal, h.now())
		}()
		var err error
		if route.Access == Anybody {
			err = h.discover(w, r)
		} else {
			err = h.call(w, r, route, &rel)
		}
		if err == nil {
			return
		}
		if fault.KindOf(err) == fault.Internal {
			h.log.ErrorContext(ctx, "call failed", "route", route.Path, "relationship", rel, "err", err)
		} else {
			h.log.DebugContext(ctx, "call refused", "route", route.Path, "relationship", rel, "rule", fault.RuleOf(err))
		}
		writeFailure(w, err, h.now())
	})
}
