package web

import (
	"net/http"
	"net/url"
	"slices"

	"firsthand/fault"
)

// enter serves GET /enter/{link}: it uses up a link that was printed where only
// she could read it.
func (s *Server) enter(v *visit) error {
	cookie, ok := s.sessions.enter(v.PathValue("link"), browserName(v.UserAgent()))
	if !ok {
		if v.level != anyone {
			return v.to("/") // this browser came by it before: the back button, or a second click
		}
		return errNobody
	}
	s.setCookie(v.w, cookie)
	return v.to("/")
}

// A LockPage asks for the passphrase.
type LockPage struct {
	Form Form
	Next string
}

// home serves GET /: what the house needs first.
func (s *Server) home(v *visit) error {
	switch {
	case s.House.State() == Empty && v.level != inside:
		return s.render(v, http.StatusOK, "setup", SetupPage{Form: newForm()})
	case v.level != inside:
		return s.render(v, http.StatusOK, "lock", LockPage{Form: newForm(), Next: local(v.URL.Query().Get("next"))})
	}
	room, leave, err := s.House.Enter(v.Context())
	if err != nil {
		return err
	}
	defer leave()
	v.room = room
	return s.showMap(v)
}

// unlock serves POST /unlock.
func (s *Server) unlock(v *visit) error {
	next := local(v.PostFormValue("next"))
	if v.level == inside {
		return v.to(next) // a second click
	}
	err := s.givePassphrase(v)
	if fault.KindOf(err) == fault.Denied {
		f := newForm()
		f.fault("passphrase", v.say("lock.wrong"))
		return s.render(v, http.StatusUnprocessableEntity, "lock", LockPage{Form: f, Next: next})
	}
	if err != nil {
		return err
	}
	return v.to(next)
}

// givePassphrase opens the file, or shows that it could be opened, and lets the
// session in.
func (s *Server) givePassphrase(v *visit) error {
	if !s.tries.AllowN(s.Now(), 1) {
		return errTooMany
	}
	pass := []byte(v.PostFormValue("passphrase"))
	defer clear(pass)
	ask := s.House.Unlock
	if s.House.State() == Open {
		ask = s.House.Confirm
	}
	if err := ask(v.Context(), pass); err != nil {
		return err
	}
	if cookie := s.sessions.admit(s.cookie(v.Request)); cookie != "" {
		s.setCookie(v.w, cookie)
	}
	v.level = inside
	return nil
}

// A ConfirmPage asks for the passphrase before a form is carried out, and has the
// form in it: nothing that was typed is lost.
type ConfirmPage struct {
	Action string
	Fields []Input
	Form   Form
	Inside bool // she is: it is asked again
}

// admit asks for the passphrase where a route demands it, or demands it anew.
func (s *Server) admit(v *visit, r route) (done bool, err error) {
	if v.level == inside && (!r.fresh || s.sessions.fresh(v.session)) {
		return false, nil
	}
	if v.Method != http.MethodPost {
		if v.level == inside {
			return false, nil // looking at the form is free
		}
		return true, v.to("/?" + url.Values{"next": {v.URL.RequestURI()}}.Encode())
	}
	if r.stream { // its fields were not read
		return true, fault.Tell(fault.Denied, v.say("error.signed_out"), "")
	}
	f := newForm()
	if s.House.State() == Empty {
		return true, v.to("/")
	}
	if v.PostForm.Has("confirm_passphrase") {
		v.PostForm.Set("passphrase", v.PostForm.Get("confirm_passphrase"))
		v.Form.Set("passphrase", v.PostForm.Get("confirm_passphrase"))
		err := s.givePassphrase(v)
		if err == nil {
			return false, nil
		}
		if fault.KindOf(err) != fault.Denied {
			return true, err
		}
		f.fault("confirm_passphrase", v.say("lock.wrong"))
	}
	p := ConfirmPage{Action: v.URL.RequestURI(), Form: f, Inside: v.level == inside}
	var names []string
	for name := range v.PostForm {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range v.PostForm[name] {
			if !secret(name) {
				p.Fields = append(p.Fields, Input{Name: name, Value: value})
			}
		}
	}
	return true, s.render(v, http.StatusForbidden, "confirm", p)
}

// lock serves POST /lock: it ends all sessions, and closes the file.
func (s *Server) lock(v *visit) error {
	s.sessions.lock(v.session)
	s.House.Lock()
	return v.to("/")
}
