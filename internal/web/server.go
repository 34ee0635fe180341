package web

import (
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"firsthand/internal/locale"
	"firsthand/internal/look"
	"firsthand/terms"
)

// Options are what a Server needs from its surroundings.
type Options struct {
	House     House
	Languages []*locale.Language // the first is for those who want none of them
	Roster    *terms.Roster
	Now       func() time.Time
	Zone      *time.Location // in which times are shown
	Log       *slog.Logger   // no personal data
	Secure    bool           // served under TLS
	Hosts     []string       // names under which it is served, beside those of loopback
	Demo      string         // path of a page beside these, behind a made-up world; "" where all is real
}

// A Server serves the pages. Its methods may be called from several goroutines.
type Server struct {
	Options
	sessions  *sessions
	tries     *rate.Limiter // of passphrases
	templates map[string]map[string]*page
	routes    []route
	handler   http.Handler
	reading   reading
	patience  time.Duration // for the whole of a form
}

// New returns the server of all pages.
func New(o Options) (*Server, error) {
	// Times without the monotonic clock, which stands still while a machine sleeps: a
	// session would outlast a night.
	now := func() time.Time { return o.Now().Round(0) }
	s := &Server{Options: o,
		sessions: &sessions{now: now, all: make(map[[32]byte]*session), links: make(map[[32]byte]time.Time)},
		patience: time.Minute,
		tries:    rate.NewLimiter(rate.Every(5*time.Second), 5),
	}
	var err error
	if s.templates, err = s.pages(o.Languages); err != nil {
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

// Link returns the path of a link that lets one browser in, once, for a short
// time.
func (s *Server) Link() string { return "/enter/" + s.sessions.link() }

// guard sets what every response has, and refuses requests for another host: a
// page of a stranger whose name was made to lead to this machine.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		look.Headers(w.Header(), s.Secure)
		if !s.ours(r.Host) {
			http.Error(w, "this is not the host of these pages", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) ours(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() || host == "localhost" {
		return true
	}
	for _, h := range s.Hosts {
		if strings.EqualFold(h, host) {
			return true
		}
	}
	return false
}
