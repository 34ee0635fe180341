package desk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/locale"
	"firsthand/internal/look"
)

// A visit is one request, and what it may use.
type visit struct {
	*http.Request
	w       http.ResponseWriter
	session *session // nil for nobody
	member  *Member  // nil for nobody
	staff   Staff
	lang    *locale.Language
	now     time.Time
}

func (v *visit) ctx() context.Context { return v.Context() }

// by is who acts, for the audit.
func (v *visit) by() string { return v.member.Name }

// say returns a sentence in the visitor's language.
func (v *visit) say(key string, args ...any) string { return v.lang.Say(key, args...) }

// to leads on after a change.
func (v *visit) to(path string) error {
	http.Redirect(v.w, v.Request, path, http.StatusSeeOther)
	return nil
}

// once does fn unless this very form was sent before, and leads to where it leads.
func (v *visit) once(fn func() (to string, err error)) error {
	to, err := v.onceOnly(fn)
	if err != nil {
		return err
	}
	return v.to(to)
}

// onceOnly does fn unless this very form was sent before, and returns what it did.
func (v *visit) onceOnly(fn func() (string, error)) (string, error) {
	word := v.PostFormValue("once")
	if len(word) < 16 || len(word) > 64 {
		return "", fault.Tell(fault.Invalid, v.say("error.form"), "")
	}
	return v.session.once.Do(word, v.URL.Path, v.PostForm, fn)
}

// relEntry reads the ids of a path.
func (v *visit) rel() (firsthand.ID, error)   { return parseID(v.PathValue("rel")) }
func (v *visit) entry() (firsthand.ID, error) { return parseID(v.PathValue("entry")) }

func parseID(text string) (firsthand.ID, error) {
	id, err := firsthand.ParseID(text)
	if err != nil || id.IsZero() {
		return id, errNoPage // whoever types addresses by hand
	}
	return id, nil
}

const maxForm = 64 << 10

// page makes a handler of a route: it finds out who calls, turns away who may not,
// and is the only place where an error becomes a status and a sentence.
func (s *Server) page(r route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		v := &visit{Request: req, w: w, lang: locale.Choose(s.Languages, req.Header.Get("Accept-Language")), now: s.Now().In(s.Zone)}
		req.Body = http.MaxBytesReader(w, req.Body, maxForm)
		err := look.Guard(func() error { return s.serve(v, r) })
		if err == nil {
			return
		}
		status := statusOf(err)
		if status == http.StatusInternalServerError {
			s.Log.ErrorContext(req.Context(), "request failed", "route", r.pattern, "err", err)
		}
		if strings.Contains(req.Header.Get("Accept"), "application/json") {
			text, hint := sentence(err)
			if status == http.StatusInternalServerError || text == "" {
				text, hint = v.say("error.kind_internal"), ""
			}
			reply(v, status, map[string]string{"error": strings.TrimSpace(text + " " + hint)})
			return
		}
		if err := s.render(v, status, "error", s.errorPage(v, status, err)); err != nil {
			s.Log.ErrorContext(req.Context(), "cannot render error", "err", err)
		}
	})
}

// serve lets a visit in as far as its route demands, and handles it. Who she is and
// what she may do is asked of the store each time: who was removed is out.
func (s *Server) serve(v *visit, r route) (err error) {
	if v.session = s.sessions.find(s.cookie(v.Request, sessionCookie), v.Header.Get("Firsthand-Quiet") != ""); v.session != nil {
		if v.staff, err = LoadStaff(v.ctx(), s.Gateway); err != nil {
			return err
		}
		if v.member = v.staff.member(v.session.member); v.member == nil {
			v.session = nil
		}
	}
	if r.need != "" && v.member == nil {
		return errNobody
	}
	if r.need != "" && !v.member.Role.covers(r.need) {
		return fault.Tell(fault.Denied, v.say("error.role", v.lang.Word("role", string(r.need))), "")
	}
	if v.Method == http.MethodPost && !isJSON(v.Request) {
		if err := look.ReadForm(v.Request); err != nil {
			return err
		}
	}
	if r.fresh && !s.isFresh(v) {
		return s.confirm(v)
	}
	return r.handle(v)
}

func isJSON(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "application/json")
}

// A ConfirmPage asks who wants something dear to sign in once more. What was typed
// is in it.
type ConfirmPage struct {
	Action   string
	Fields   []Pair
	Passkey  bool
	Provider bool
}

// A Pair is a name and a value.
type Pair struct{ Name, Value string }

func (s *Server) confirm(v *visit) error {
	p := ConfirmPage{Action: v.URL.Path, Passkey: s.Passkeys != nil && len(v.member.Keys) > 0, Provider: v.member.Subject != ""}
	for name, values := range v.PostForm {
		for _, value := range values {
			p.Fields = append(p.Fields, Pair{name, value})
		}
	}
	slices.SortFunc(p.Fields, func(a, b Pair) int { return strings.Compare(a.Name, b.Name) })
	return s.render(v, http.StatusForbidden, "confirm", p)
}

// statusOf returns the HTTP status of an error.
func statusOf(err error) int {
	switch {
	case errors.Is(err, errNobody):
		return http.StatusUnauthorized
	case errors.Is(err, errTooMany):
		return http.StatusTooManyRequests
	}
	return look.StatusOf(err)
}

var (
	errNobody  = errors.New("nobody knows this browser")
	errTooMany = errors.New("too many sign-ins")
	errNoPage  = fault.Tell(fault.NotExist, "", "")
)

// An ErrorPage says that something can't be done, and what can.
type ErrorPage struct {
	Heading, Detail, Hint string
	Back                  string
	Where                 string // what Back leads to, if it isn't just back
}

func (s *Server) errorPage(v *visit, status int, err error) ErrorPage {
	p := ErrorPage{Heading: v.lang.Word("error", "kind_"+fault.KindOf(err).Error()), Back: "/"}
	switch status {
	case http.StatusUnauthorized:
		return ErrorPage{Heading: v.say("error.nobody"), Hint: v.say("error.nobody_hint"), Back: "/", Where: v.say("signin.title")}
	case http.StatusTooManyRequests:
		v.w.Header().Set("Retry-After", "10")
		return ErrorPage{Heading: v.say("error.too_many"), Back: "/"}
	case http.StatusRequestEntityTooLarge:
		return ErrorPage{Heading: v.say("error.too_big"), Back: "/"}
	}
	if fault.KindOf(err) != fault.Internal {
		p.Detail, p.Hint = sentence(err)
	}
	if rel := v.PathValue("rel"); rel != "" && v.member != nil && status != http.StatusNotFound {
		p.Back = pathOf("relationships", rel)
		if e := v.PathValue("entry"); e != "" {
			p.Back = pathOf("requests", rel, e)
		}
	}
	return p
}

// sentence returns what an error says to people, and what it tells them to do.
func sentence(err error) (text, hint string) { return look.Sentence(err, "firsthand-gateway") }

// A frame is what the layout shows around a page.
type frame struct {
	Name    string // of the page's template
	Page    any
	Lang    *locale.Language
	Nonce   string
	Member  *Member
	Company string
	Nav     string
	Notice  string
	Demo    string
	Refresh string // a page of ours to go on to at once
}

// notices are the sentences that a redirect may have shown. Nothing of the address
// is shown itself.
var notices = []string{"applied", "refused", "answered", "challenged", "retried", "asked", "sent", "removed", "role", "welcome"}

// render makes the whole page in memory, and then sends it.
func (s *Server) render(v *visit, status int, name string, data any) error {
	f := frame{Name: name, Page: data, Lang: v.lang, Nonce: newSecret()[:22], Member: v.member, Company: s.Company, Demo: s.Demo}
	f.Nav, _, _ = strings.Cut(strings.TrimPrefix(v.URL.Path, "/"), "/")
	if f.Nav == "requests" {
		f.Nav = "due"
	}
	if p, ok := data.(ContinuePage); ok {
		f.Refresh = p.To
	}
	if n := v.URL.Query().Get("did"); slices.Contains(notices, n) {
		f.Notice = v.say("notice." + n)
	}
	var b bytes.Buffer
	if err := s.templates[v.lang.Tag][name].ExecuteTemplate(&b, "layout", f); err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", v.lang.Tag)
	h.Set("Content-Security-Policy", look.ContentPolicy(f.Nonce))
	h.Set("Vary", "Accept-Language")
	v.w.WriteHeader(status)
	v.w.Write(b.Bytes()) // who has gone needs no answer
	return nil
}

// reply answers a script of ours.
func reply(v *visit, status int, data any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "application/json")
	v.w.WriteHeader(status)
	v.w.Write(text)
	return nil
}

// pathOf joins parts to the path of a page of ours, each escaped.
func pathOf(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(p))
	}
	return b.String()
}
