package desk

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"firsthand/internal/look"
)

// How long things hold.
const (
	idleTime    = 30 * time.Minute // a session in which nothing is done
	dayTime     = 10 * time.Hour   // any session
	freshTime   = 10 * time.Minute // a sign-in, for what an admin does, and for a code
	beginTime   = 5 * time.Minute  // a sign-in that was begun
	maxSessions = 2000
	maxBegun    = 2000
)

// A session is one browser in which a member of staff has signed in.
type session struct {
	member string
	made   time.Time
	once   look.Onces

	// Guarded by sessions.mu.
	seen  time.Time
	fresh time.Time // when she signed in last
}

// A begun is a sign-in, or an invitation taken up, of which the answer is awaited.
// It is good once, for the browser that has its cookie.
type begun struct {
	until  time.Time
	what   string // signin, join, oidc
	invite string
	state  any // of Passkeys, or of a company's provider
}

// sessions are the browsers that are in, by the hash of their cookies, and the
// sign-ins that were begun, likewise.
type sessions struct {
	now func() time.Time

	mu    sync.Mutex
	all   map[[32]byte]*session
	begun map[[32]byte]begun
}

// enter makes a session for a member, who signed in at a time, and returns its cookie.
// The session of the old cookie ends: who signs in anew gets a new one.
func (s *sessions) enter(old, member string, signed time.Time) (cookie string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, hashOf(old))
	for h, ses := range s.all {
		if s.over(ses) {
			delete(s.all, h)
		}
	}
	if len(s.all) >= maxSessions {
		var oldest [32]byte
		var at time.Time
		for h, ses := range s.all {
			if at.IsZero() || ses.seen.Before(at) {
				oldest, at = h, ses.seen
			}
		}
		delete(s.all, oldest)
	}
	cookie = newSecret()
	now := s.now()
	s.all[hashOf(cookie)] = &session{member: member, made: now, seen: now, fresh: signed}
	return cookie
}

// over reports whether a session has ended. The caller holds mu.
func (s *sessions) over(ses *session) bool {
	now := s.now()
	return now.Sub(ses.seen) > idleTime || now.Sub(ses.made) > dayTime
}

// find returns the session of a cookie, nil for none. quiet requests are made by a
// page itself, and keep no session alive.
func (s *sessions) find(cookie string, quiet bool) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	ses := s.all[hashOf(cookie)]
	if ses == nil {
		return nil
	}
	if s.over(ses) {
		delete(s.all, hashOf(cookie))
		return nil
	}
	if !quiet {
		ses.seen = s.now()
	}
	return ses
}

// isFresh reports whether she signed in a short time ago.
func (s *sessions) isFresh(ses *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now().Sub(ses.fresh) <= freshTime
}

// leave ends the session of a cookie; end those of a member.
func (s *sessions) leave(cookie string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, hashOf(cookie))
}

func (s *sessions) end(member string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for h, ses := range s.all {
		if ses.member == member {
			delete(s.all, h)
		}
	}
}

// begin keeps what the answer to a sign-in is judged by, and returns its cookie.
func (s *sessions) begin(b begun) (cookie string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for h, other := range s.begun {
		if now.After(other.until) {
			delete(s.begun, h)
		}
	}
	for h := range s.begun { // whoever floods them throws out others, of whom he is most
		if len(s.begun) < maxBegun {
			break
		}
		delete(s.begun, h)
	}
	b.until = now.Add(beginTime)
	cookie = newSecret()
	s.begun[hashOf(cookie)] = b
	return cookie
}

// take uses up what was begun under a cookie.
func (s *sessions) take(cookie, what string) (begun, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.begun[hashOf(cookie)]
	delete(s.begun, hashOf(cookie))
	return b, ok && b.what == what && !s.now().After(b.until)
}

// Names of cookies. Under TLS the prefix makes the browser refuse them from anywhere
// but this very host; on loopback, without TLS, it can't be used,
// and the port tells desks of one machine apart, which cookies otherwise don't.
const (
	sessionCookie = "firsthand-desk"
	beginCookie   = "firsthand-desk-begin"
)

func (s *Server) cookieName(name string) string {
	if s.secure {
		return "__Host-" + name
	}
	_, port, _ := strings.Cut(s.host, ":")
	return name + port
}

func (s *Server) setCookie(w http.ResponseWriter, name, value string, site http.SameSite) {
	c := &http.Cookie{Name: s.cookieName(name), Value: value, Path: "/", HttpOnly: true, Secure: s.secure, SameSite: site}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

func (s *Server) cookie(r *http.Request, name string) string {
	c, err := r.Cookie(s.cookieName(name))
	if err != nil {
		return ""
	}
	return c.Value
}
