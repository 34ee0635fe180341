package web

import (
	"bytes"
	"io"
	"net/http"
	"sync"
	"unicode/utf8"

	"firsthand/fault"
)

// A setup is a file to be, of a browser that was asked for a passphrase and is
// shown the kit. Only when she has the kit is the file made: a crash before leaves
// nothing.
type setup struct {
	mu         sync.Mutex
	passphrase []byte
	kit        Kit
}

func (s *setup) begin(passphrase []byte, kit Kit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.passphrase)
	s.passphrase, s.kit = bytes.Clone(passphrase), kit
}

func (s *setup) get() (passphrase []byte, kit Kit, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.passphrase), s.kit, s.passphrase != nil
}

func (s *setup) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.passphrase)
	s.passphrase, s.kit = nil, Kit{}
}

// A SetupPage is the first of all.
type SetupPage struct{ Form Form }

const minPassphrase = 8

// begin serves POST /setup.
func (s *Server) begin(v *visit) error {
	if s.House.State() != Empty {
		return v.to("/")
	}
	pass := v.PostFormValue("passphrase")
	f := newForm()
	switch {
	case utf8.RuneCountInString(pass) < minPassphrase:
		f.fault("passphrase", v.lang.Count("setup.short", minPassphrase))
	case pass != v.PostFormValue("passphrase2"):
		f.fault("passphrase2", v.say("setup.differ"))
	}
	if !f.Fine() {
		return s.render(v, http.StatusUnprocessableEntity, "setup", SetupPage{Form: f})
	}
	kit, err := s.House.NewKit()
	if err != nil {
		return err
	}
	v.session.setup.begin([]byte(pass), kit)
	return v.to("/setup/kit")
}

// A KitPage shows the recovery kit, once.
type KitPage struct {
	Kit  Kit
	Mark string // the first letters of the kit's end, by which the form names it
	Form Form
}

// mark names a kit in a form without spelling it out.
func (k Kit) mark() string { return idOf(k.Text) }

// showKit serves GET /setup/kit.
func (s *Server) showKit(v *visit) error {
	_, kit, ok := v.session.setup.get()
	if !ok {
		return v.to("/")
	}
	return s.render(v, http.StatusOK, "kit", KitPage{Kit: kit, Mark: kit.mark(), Form: newForm()})
}

// saveKit serves POST /setup/kit.txt: the kit as a file.
func (s *Server) saveKit(v *visit) error {
	_, kit, ok := v.session.setup.get()
	if !ok {
		return errNoPage
	}
	return attach(v, "firsthand-recovery-kit.txt", "text/plain; charset=utf-8", []byte(kit.Page))
}

// attach sends a file to be saved.
func attach(v *visit, name, media string, text []byte) error {
	h := v.w.Header()
	h.Set("Content-Type", media)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	v.w.WriteHeader(http.StatusOK)
	_, err := v.w.Write(text)
	return ignoreGone(err)
}

// create serves POST /setup/done: she has the kit, and the file is made.
func (s *Server) create(v *visit) error {
	pass, kit, ok := v.session.setup.get()
	defer clear(pass)
	if !ok || s.House.State() != Empty {
		return v.to("/")
	}
	f := newForm()
	if v.PostFormValue("have") != "yes" || v.PostFormValue("mark") != kit.mark() {
		f.fault("have", v.say("kit.first"))
		return s.render(v, http.StatusUnprocessableEntity, "kit", KitPage{Kit: kit, Mark: kit.mark(), Form: f})
	}
	if err := s.House.Create(v.Context(), pass, kit); err != nil {
		return err
	}
	v.session.setup.end()
	if cookie := s.sessions.admit(s.cookie(v.Request)); cookie != "" {
		s.setCookie(v.w, cookie)
	}
	return v.to("/")
}

// A RestorePage takes a backup.
type RestorePage struct{ Form Form }

// showRestore serves GET /restore.
func (s *Server) showRestore(v *visit) error {
	if s.House.State() != Empty {
		return v.to("/")
	}
	return s.render(v, http.StatusOK, "restore", RestorePage{Form: newForm()})
}

// restore serves POST /restore. The file comes last in the form, and is read as it
// arrives.
func (s *Server) restore(v *visit) error {
	if s.House.State() != Empty {
		return v.to("/")
	}
	var secret string
	f := newForm()
	err := eachPart(v, func(name, file string, r io.Reader) error {
		switch name {
		case "secret":
			text, err := io.ReadAll(io.LimitReader(r, 16<<10))
			secret = string(text)
			return err
		case "backup":
			if file == "" {
				f.fault("backup", v.say("restore.no_file"))
				return nil
			}
			if isKit(secret) {
				return s.House.Restore(v.Context(), r, nil, secret)
			}
			return s.House.Restore(v.Context(), r, []byte(secret), "")
		}
		return nil
	})
	if err == nil && f.Fine() {
		return v.to("/?did=restored")
	}
	if err != nil && (fault.KindOf(err) == fault.Internal || !again(&f, err)) {
		return err
	}
	return s.render(v, http.StatusUnprocessableEntity, "restore", RestorePage{Form: f})
}
