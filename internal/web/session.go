package web

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"firsthand/internal/look"
)

// How long things hold.
const (
	linkTime    = 10 * time.Minute // a link that nobody has used
	idleTime    = 30 * time.Minute // a session in which nothing is done
	confirmTime = 10 * time.Minute // a passphrase, for what is dear
	maxSessions = 32
)

// A session is one browser that came by a link. All are in memory: a new start of
// the program knows none.
type session struct {
	id      string // to name it on a page; says nothing of the cookie
	browser string
	made    time.Time

	// Guarded by sessions.mu.
	inside    bool // the passphrase was given
	seen      time.Time
	confirmed time.Time

	once   look.Onces
	drafts drafts
	setup  setup
}

// sessions are the browsers that may come in, by the hash of their cookies, and
// the links by which others may.
type sessions struct {
	now func() time.Time

	mu    sync.Mutex
	all   map[[32]byte]*session
	links map[[32]byte]time.Time // when they end
}

func newSecret() string {
	var b [32]byte
	rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func hashOf(secret string) [32]byte { return sha256.Sum256([]byte(secret)) }

// link returns the secret of a new link.
func (s *sessions) link() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	secret := newSecret()
	s.links[hashOf(secret)] = s.now().Add(linkTime)
	return secret
}

// enter uses up a link, and returns the cookie of a new session.
func (s *sessions) enter(link, browser string) (cookie string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for h, end := range s.links {
		if s.now().After(end) {
			delete(s.links, h)
		}
	}
	h := hashOf(link)
	if _, ok := s.links[h]; !ok {
		return "", false
	}
	delete(s.links, h)
	cookie = newSecret()
	ses := &session{browser: browser, made: s.now(), seen: s.now()}
	ses.id = idOf(cookie)
	s.all[hashOf(cookie)] = ses
	if len(s.all) > maxSessions {
		s.dropOldest()
	}
	return cookie, true
}

func idOf(cookie string) string {
	h := sha256.Sum256([]byte("name of session " + cookie))
	return hex.EncodeToString(h[:8])
}

func (s *sessions) dropOldest() {
	var oldest [32]byte
	var at time.Time
	for h, ses := range s.all {
		if at.IsZero() || ses.seen.Before(at) {
			oldest, at = h, ses.seen
		}
	}
	delete(s.all, oldest)
}

// find returns the session of a request, and how far it may go now. quiet requests
// are made by a page itself, and keep no session alive.
func (s *sessions) find(cookie string, quiet bool) (*session, level) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ses := s.all[hashOf(cookie)]
	if ses == nil {
		return nil, anyone
	}
	now := s.now()
	if ses.inside && now.Sub(ses.seen) > idleTime {
		ses.inside = false
	}
	if !quiet {
		ses.seen = now
	}
	if ses.inside {
		return ses, inside
	}
	return ses, linked
}

// admit lets a session in. It gets a new cookie: who knew the old one, from before
// the passphrase was given, knows nothing.
func (s *sessions) admit(cookie string) (newCookie string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ses := s.all[hashOf(cookie)]
	if ses == nil {
		return ""
	}
	ses.inside, ses.confirmed, ses.seen = true, s.now(), s.now()
	delete(s.all, hashOf(cookie))
	newCookie = newSecret()
	s.all[hashOf(newCookie)] = ses
	return newCookie
}

// fresh reports whether the passphrase was given a short time ago.
func (s *sessions) fresh(ses *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return ses.inside && s.now().Sub(ses.confirmed) <= confirmTime
}

// lock ends all sessions but keep, which goes back to before the passphrase.
func (s *sessions) lock(keep *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for h, ses := range s.all {
		if ses != keep {
			delete(s.all, h)
			continue
		}
		ses.inside = false
		ses.drafts.drop()
	}
}

// alone ends all sessions but keep.
func (s *sessions) alone(keep *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.all, func(_ [32]byte, ses *session) bool { return ses != keep })
}

// end ends the session of that id.
func (s *sessions) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for h, ses := range s.all {
		if ses.id == id {
			delete(s.all, h)
		}
	}
}

// A SessionRow is a session as a page shows it.
type SessionRow struct {
	ID, Browser string
	Made, Seen  time.Time
	This        bool
}

func (s *sessions) list(this *session) (rows []SessionRow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ses := range s.all {
		if ses.inside && s.now().Sub(ses.seen) <= idleTime {
			rows = append(rows, SessionRow{ses.id, ses.browser, ses.made, ses.seen, ses == this})
		}
	}
	slices.SortFunc(rows, func(a, b SessionRow) int { return b.Seen.Compare(a.Seen) })
	return rows
}

// browserName says in two words which browser and system a header names.
func browserName(agent string) string {
	pick := func(words ...string) string {
		for _, w := range words {
			name, mark, _ := strings.Cut(w, "=")
			if mark == "" {
				mark = name
			}
			if strings.Contains(agent, mark) {
				return name
			}
		}
		return ""
	}
	name := pick("Firefox", "Edge=Edg/", "Opera=OPR/", "Chrome=Chrome/", "Safari=Safari/")
	system := pick("Android", "iPhone", "iPad", "Windows", "macOS=Mac OS X", "Linux")
	return strings.TrimSpace(name + " " + system)
}

// cookieName returns the name of the cookie. Under TLS the prefix makes the browser
// refuse it from anywhere but this very host; on loopback, without TLS, it can't
// be used.
func (s *Server) cookieName() string {
	if s.Secure {
		return "__Host-firsthand"
	}
	return "firsthand"
}

func (s *Server) setCookie(w http.ResponseWriter, value string) {
	http.SetCookie(w, &http.Cookie{Name: s.cookieName(), Value: value, Path: "/", HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteStrictMode})
}

func (s *Server) cookie(r *http.Request) string {
	c, err := r.Cookie(s.cookieName())
	if err != nil {
		return ""
	}
	return c.Value
}
