package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"firsthand/fault"
	"firsthand/internal/locale"
	"firsthand/internal/look"
)

// A visit is one request, and what it may use.
type visit struct {
	*http.Request
	w       http.ResponseWriter
	room    Room     // of an open house, for routes that are inside
	session *session // nil for nobody
	level   level
	lang    *locale.Language
	now     time.Time
}

func (v *visit) ctx() context.Context {
	if v.room.Context != nil {
		return v.room.Context
	}
	return v.Context()
}

// agent is who acts for her.
func (v *visit) agent() Agent { return v.room.Agent }

// say returns a sentence in the visitor's language.
func (v *visit) say(key string, args ...any) string { return v.lang.Say(key, args...) }

// to leads on after a change.
func (v *visit) to(path string) error {
	http.Redirect(v.w, v.Request, path, http.StatusSeeOther)
	return nil
}

// once does fn unless this very form was sent before, and leads to where it leads.
// A form that the page can mend is for the caller: its error is returned.
func (v *visit) once(fn func() (to string, err error)) error {
	word := v.PostFormValue("once")
	if len(word) < 16 || len(word) > 64 {
		return fault.Tell(fault.Invalid, v.say("error.form"), "")
	}
	to, err := v.session.once.Do(word, v.URL.Path, v.PostForm, fn, "passphrase", "confirm_passphrase")
	if err != nil {
		return err
	}
	return v.to(to)
}

const maxForm = 1 << 20

// page makes a handler of a route: it finds out who calls, turns away who may not,
// and is the only place where an error becomes a status and a sentence.
func (s *Server) page(r route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		v := &visit{Request: req, w: w, lang: locale.Choose(s.Languages, req.Header.Get("Accept-Language")), now: s.Now().In(s.Zone)}
		if !r.stream {
			req.Body = http.MaxBytesReader(w, req.Body, maxForm)
		}
		err := look.Guard(func() error { return s.serve(v, r) })
		if err == nil {
			return
		}
		status := statusOf(err)
		if status == http.StatusInternalServerError {
			s.Log.ErrorContext(req.Context(), "request failed", "route", r.pattern, "err", err)
		}
		if err := s.render(v, status, "error", s.errorPage(v, status, err)); err != nil {
			s.Log.ErrorContext(req.Context(), "cannot render error", "err", err)
		}
	})
}

// serve lets a visit in as far as its route demands, and handles it.
func (s *Server) serve(v *visit, r route) error {
	v.session, v.level = s.sessions.find(s.cookie(v.Request), v.Header.Get("Firsthand-Quiet") != "")
	if v.level == inside && s.House.State() != Open {
		v.level = linked // it was closed elsewhere
	}
	// A form comes at once, and nobody may hold a connection with one that doesn't; what is
	// sent as a stream has the time that it takes, once it is known who sends it.
	conn := http.NewResponseController(v.w)
	conn.SetReadDeadline(time.Now().Add(s.patience)) // where there is no connection, nobody holds it
	if v.Method == http.MethodPost && !r.stream {
		if err := look.ReadForm(v.Request); err != nil {
			return err
		}
	}
	if r.need != anyone && v.level == anyone {
		return errNobody
	}
	if r.need == inside {
		if done, err := s.admit(v, r); done || err != nil {
			return err
		}
		room, leave, err := s.House.Enter(v.Context())
		if err != nil {
			return err
		}
		defer leave()
		v.room = room
		// Her file is closed when the last has left, and who sends or takes a file may stand
		// still for ever.
		stop := context.AfterFunc(v.ctx(), func() {
			conn.SetReadDeadline(time.Now())
			conn.SetWriteDeadline(time.Now())
		})
		defer stop()
	}
	conn.SetReadDeadline(time.Time{})
	return r.handle(v)
}

// statusOf returns the HTTP status of an error.
func statusOf(err error) int {
	if errors.Is(err, errNobody) {
		return http.StatusUnauthorized
	}
	if errors.Is(err, errTooMany) {
		return http.StatusTooManyRequests
	}
	return look.StatusOf(err)
}

var (
	errNobody  = errors.New("nobody knows this browser")
	errTooMany = errors.New("too many passphrases")
	errNoPage  = fault.Tell(fault.NotExist, "", "")
)

// An ErrorPage says that something can't be done, and what can.
type ErrorPage struct {
	Heading, Detail, Hint string
	Back                  string
	Where                 string // what Back leads to, if it isn't just back
}

func (s *Server) errorPage(v *visit, status int, err error) ErrorPage {
	switch status {
	case http.StatusUnauthorized:
		p := ErrorPage{Heading: v.say("error.nobody"), Hint: v.say("error.nobody_hint")}
		if s.Demo != "" { // whose server carries out no commands
			p.Hint, p.Back, p.Where = v.say("error.nobody_demo"), s.Demo+"#enter", v.say("demo.let_in")
		}
		return p
	case http.StatusTooManyRequests:
		v.w.Header().Set("Retry-After", "10")
		return ErrorPage{Heading: v.say("error.too_many"), Hint: v.say("error.too_many_hint"), Back: "/"}
	case http.StatusRequestEntityTooLarge:
		return ErrorPage{Heading: v.say("error.too_big"), Back: "/"}
	}
	p := ErrorPage{Heading: v.lang.Word("error.kind", fault.KindOf(err).Error()), Back: "/"}
	if v.level == anyone {
		p.Back = ""
	}
	if fault.KindOf(err) != fault.Internal {
		p.Detail, p.Hint = sentence(err)
	}
	return p
}

// sentence returns what an error says to people, and what it tells them to do.
func sentence(err error) (text, hint string) { return look.Sentence(err, "firsthand") }

// again reports whether an error is one that she can mend in the form, and notes
// it there.
func again(f *Form, err error) bool {
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Denied, fault.Conflict, fault.NotExist, fault.Unavailable:
		text, hint := sentence(err)
		if text == "" {
			return false
		}
		f.fault("", strings.TrimSpace(text+" "+hint))
		return true
	}
	return false
}

// A frame is what the layout shows around a page.
type frame struct {
	Name   string // of the page's template
	Page   any
	Lang   *locale.Language
	Nonce  string
	Inside bool
	Nav    string
	Notice string
	Demo   string
	Live   bool
	Path   string
}

// notices are the sentences that a redirect may have shown: the page says that
// what was asked for was done. Nothing of the address is shown itself.
var notices = map[string]bool{"kept": true, "undone": true, "saved": true, "added": true, "done": true, "sent": true, "noted": true,
	"forgotten": true, "grouped": true, "confirmed": true, "stated": true, "refilled": true, "passphrase": true, "ended": true, "dropped": true, "offered": true, "met": true, "met_none": true, "retried": true, "restored": true, "looked": true, "left_alone": true, "account": true, "removed": true}

// render makes the whole page in memory, and then sends it.
func (s *Server) render(v *visit, status int, name string, data any) error {
	f := frame{Name: name, Page: data, Lang: v.lang, Nonce: newSecret()[:22], Inside: v.level == inside && name != "confirm", Nav: navOf(v.URL.Path), Path: v.URL.Path, Demo: s.Demo}
	if n := v.URL.Query().Get("did"); notices[n] {
		f.Notice = v.say("notice." + n)
	}
	p := s.templates[v.lang.Tag][name]
	text, err := p.execute(f)
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", v.lang.Tag)
	h.Set("Content-Security-Policy", look.ContentPolicy(f.Nonce))
	h.Set("Vary", "Accept-Language, Accept-Encoding")
	return ignoreGone(send(v, status, text))
}

// navOf returns which place of the navigation a path belongs to.
func navOf(path string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch first {
	case "", "import", "imports", "welcome":
		return "map"
	case "change", "changes", "rights":
		return "changes"
	case "masks":
		return "me"
	case "meet":
		return "companies"
	case "answers":
		return "mail"
	case "safety", "relationships":
		return "safety"
	}
	return first
}

// local returns path if it leads to a page of ours, else "/".
func local(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n\t") {
		return "/"
	}
	return path
}
