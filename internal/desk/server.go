package desk

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/gateway"
	"firsthand/internal/locale"
	"firsthand/internal/look"
	"firsthand/terms"
)

// A Gateway is what the desk is the desk of. [gateway.Gateway] is one.
type Gateway interface {
	Keeper
	Note(ctx context.Context, by, act, note string) error

	Owed(ctx context.Context, limit int) ([]gateway.Duty, int, error)
	Inquire(ctx context.Context, by string, rel, entry firsthand.ID) (gateway.Inquiry, error)
	Show(ctx context.Context, by string, rel firsthand.ID) (gateway.File, error)
	Find(ctx context.Context, by, record string) ([]firsthand.ID, error)
	Numbers(ctx context.Context, since time.Time) (gateway.Numbers, error)
	Connection(ctx context.Context) (gateway.Connection, error)
	Audits(ctx context.Context, before int64, limit int) ([]gateway.Audit, error)
	Trial(ctx context.Context, by string, scratch gateway.Store, wait time.Duration) ([]gateway.TrialStep, error)
	Acts
}

// Acts are what staff does. Each is in the audit before it happens.
type Acts interface {
	Accept(ctx context.Context, by string, rel, entry firsthand.ID, record string) error
	Reject(ctx context.Context, by string, rel, entry firsthand.ID, reason string) error
	Apply(ctx context.Context, by string, rel, entry firsthand.ID, record string) error
	Refuse(ctx context.Context, by string, rel, entry firsthand.ID, reason string) error
	Retry(ctx context.Context, by string, rel, entry firsthand.ID) error
	Challenge(ctx context.Context, by string, rel, claim firsthand.ID, record string) error
	CodeByHand(ctx context.Context, by string, rel, claim firsthand.ID, record, how string) (code string, err error)
	Say(ctx context.Context, by string, rel firsthand.ID, c firsthand.Content) error
}

// A Configured is one of the company's systems, as it is configured.
type Configured struct {
	Lane   gateway.Lane
	Type   string // of the connector
	Config string // to be read; it has no secrets
}

// Options are what a Server needs from its surroundings.
type Options struct {
	Gateway   Gateway
	Company   string             // as staff calls it
	URL       string             // the desk's own origin
	Languages []*locale.Language // the first is for those who want none of them; default: those of Languages
	Roster    *terms.Roster
	Now       func() time.Time
	Zone      *time.Location // in which times are shown
	Log       *slog.Logger   // no personal data
	Demo      string         // page of a made-up world to lead back to, where no passkey is needed; "" where all is real

	Configured []Configured // the company's systems, as gateway.json has them

	// Scratch returns a store with nothing in it, for a check, and what throws it away.
	Scratch func(ctx context.Context) (gateway.Store, func() error, error)

	// Passkeys are those of staff; nil for none.
	Passkeys Passkeys
	// Provider is the company's OpenID Connect provider; nil for none.
	Provider *Provider
}

// A Server serves the desk. Its methods may be called from several goroutines.
type Server struct {
	Options
	secure    bool
	host      string
	sessions  *sessions
	tries     *rate.Limiter // of signing in
	checking  sync.Mutex    // held during a check
	templates templates
	routes    []route
	handler   http.Handler
	head      headline
}

//go:embed static
var staticFiles embed.FS

// assets are the files that the pages of both programs share, and what a desk needs
// to use passkeys.
var assets = sync.OnceValue(func() look.Assets {
	own, err := fs.Sub(staticFiles, "static")
	if err != nil {
		panic(err) // the name is a valid one
	}
	return look.NewAssets(look.Static(), own)
})

// New returns the server of all pages.
func New(o Options) (*Server, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" {
		return nil, fault.Tell(fault.Invalid, fmt.Sprintf("%q is no origin for a desk.", o.URL), "desk.url in gateway.json")
	}
	if o.Languages == nil {
		o.Languages = Languages()
	}
	if o.Roster == nil {
		o.Roster = terms.Default()
	}
	if o.Zone == nil {
		o.Zone = time.Local
	}
	s := &Server{Options: o, secure: u.Scheme == "https", host: u.Host,
		sessions: &sessions{now: o.Now, all: make(map[[32]byte]*session), begun: make(map[[32]byte]begun)},
		tries:    rate.NewLimiter(50, 200),
	}
	if s.templates, err = s.parse(o.Languages); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	s.routes = s.allRoutes()
	for _, r := range s.routes {
		mux.Handle(r.pattern, s.page(r))
	}
	s.handler = s.guard(http.NewCrossOriginProtection().Handler(mux))
	return s, nil
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// guard sets what every response has, and refuses requests for another host: a
// page of a stranger whose name was made to lead here.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		look.Headers(w.Header(), s.secure)
		w.Header().Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=(), publickey-credentials-get=(self), publickey-credentials-create=(self)")
		if !strings.EqualFold(r.Host, s.host) {
			http.Error(w, "this is not the host of this desk", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// static serves GET /static/{name}.
func (s *Server) static(v *visit) error {
	if !assets().Serve(v.w, v.Request, v.PathValue("name")) {
		return errNoPage
	}
	return nil
}
