package desk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"firsthand/fault"
)

// user is a member, or one who is about to be, as the library wants it.
type user struct{ *Member }

func (u user) WebAuthnID() []byte                         { return []byte(u.ID) }
func (u user) WebAuthnName() string                       { return u.Name }
func (u user) WebAuthnDisplayName() string                { return u.Name }
func (u user) WebAuthnCredentials() []webauthn.Credential { return u.Keys }

// A SignInPage is the door.
type SignInPage struct {
	Provider bool // the company's own sign-in can be used
	Empty    bool // nobody belongs to staff yet
}

// home serves GET /: the door, or what is owed.
func (s *Server) home(v *visit) error {
	if v.member != nil {
		return v.to("/due")
	}
	staff, err := LoadStaff(v.ctx(), s.Gateway)
	if err != nil {
		return err
	}
	return s.render(v, http.StatusOK, "signin", SignInPage{Provider: s.Provider != nil, Empty: len(staff.Members) == 0})
}

// beginSignIn serves POST /signin/begin.
func (s *Server) beginSignIn(v *visit) error {
	if !s.tries.AllowN(s.Now(), 1) {
		return errTooMany
	}
	options, state, err := s.passkeys.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return err
	}
	s.setCookie(v.w, beginCookie, s.sessions.begin(begun{what: "signin", state: *state}), http.SameSiteStrictMode)
	return reply(v, http.StatusOK, options)
}

// errPasskey is all that is said of a passkey that isn't good: whoever tries learns
// nothing more.
var errPasskey = fault.Tell(fault.Denied, "This passkey is not one of this desk.", "Ask an admin for an invitation.")

// finishSignIn serves POST /signin/finish: a passkey has answered.
func (s *Server) finishSignIn(v *visit) error {
	if !s.tries.AllowN(s.Now(), 1) {
		return errTooMany
	}
	b, ok := s.sessions.take(s.cookie(v.Request, beginCookie), "signin")
	if !ok {
		return errLate
	}
	answer, err := readJSON(v)
	if err != nil {
		return err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return errPasskey
	}
	staff, err := LoadStaff(v.ctx(), s.Gateway)
	if err != nil {
		return err
	}
	find := func(_, handle []byte) (webauthn.User, error) {
		if m := staff.member(string(handle)); m != nil {
			return user{m}, nil
		}
		return nil, errPasskey
	}
	who, credential, err := s.passkeys.ValidatePasskeyLogin(find, b.state.(webauthn.SessionData), parsed)
	if err != nil {
		s.Log.InfoContext(v.ctx(), "passkey refused", "err", err)
		return errPasskey
	}
	m := who.(user).Member
	if credential.Authenticator.CloneWarning {
		s.Log.WarnContext(v.ctx(), "passkey refused", "err", "its counter went back: it may have been copied")
		return errPasskey
	}
	if v.member != nil && v.member.ID != m.ID {
		return errOther // to confirm somebody else's act
	}
	// The counter is kept, so that a copy of the key shows.
	err = change(v.ctx(), s.Gateway, m.Name, "sign in", "passkey", func(st *Staff) error {
		now := st.member(m.ID)
		if now == nil {
			return errPasskey
		}
		for i := range now.Keys {
			if bytes.Equal(now.Keys[i].ID, credential.ID) {
				now.Keys[i] = *credential
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.enter(v, m.ID, s.Now())
	return reply(v, http.StatusOK, map[string]string{"to": "/due"})
}

var (
	errLate  = fault.Tell(fault.Invalid, "That took too long, or was done already.", "Try again.")
	errOther = fault.Tell(fault.Denied, "That is somebody else's passkey.", "Sign out first.")
)

// enter lets a member in, who signed in at a time, under a new cookie.
func (s *Server) enter(v *visit, member string, signed time.Time) {
	// A provider whose clock is ahead makes nobody fresh for longer.
	if now := s.Now(); signed.After(now) {
		signed = now
	}
	s.setCookie(v.w, beginCookie, "", http.SameSiteStrictMode)
	s.setCookie(v.w, sessionCookie, s.sessions.enter(s.cookie(v.Request, sessionCookie), member, signed), http.SameSiteStrictMode)
}

// signOut serves POST /signout.
func (s *Server) signOut(v *visit) error {
	if err := s.Gateway.Note(v.ctx(), v.by(), "sign out", ""); err != nil {
		return err
	}
	s.sessions.leave(s.cookie(v.Request, sessionCookie))
	s.setCookie(v.w, sessionCookie, "", http.SameSiteStrictMode)
	return v.to("/")
}

// A JoinPage is for somebody who was invited.
type JoinPage struct {
	Secret   string
	Name     string
	Role     Role
	Provider bool
	Demo     bool
}

// showJoin serves GET /join/{invite}. Looking uses nothing up: mail programs look.
func (s *Server) showJoin(v *visit) error {
	staff, err := LoadStaff(v.ctx(), s.Gateway)
	if err != nil {
		return err
	}
	i, err := staff.invited(v.PathValue("invite"), s.Now())
	if err != nil {
		return err
	}
	return s.render(v, http.StatusOK, "join", JoinPage{Secret: v.PathValue("invite"), Name: i.Name, Role: i.Role, Provider: s.Provider != nil, Demo: s.Demo != ""})
}

// joining is what is kept while a passkey is made.
type joining struct {
	member Member
	data   webauthn.SessionData
}

// beginJoin serves POST /join/{invite}/begin.
func (s *Server) beginJoin(v *visit) error {
	if !s.tries.AllowN(s.Now(), 1) {
		return errTooMany
	}
	staff, err := LoadStaff(v.ctx(), s.Gateway)
	if err != nil {
		return err
	}
	i, err := staff.invited(v.PathValue("invite"), s.Now())
	if err != nil {
		return err
	}
	m := Member{ID: newSecret()[:22], Name: i.Name}
	options, state, err := s.passkeys.BeginRegistration(user{&m})
	if err != nil {
		return err
	}
	b := begun{what: "join", invite: v.PathValue("invite"), state: joining{m, *state}}
	s.setCookie(v.w, beginCookie, s.sessions.begin(b), http.SameSiteStrictMode)
	return reply(v, http.StatusOK, options)
}

// finishJoin serves POST /join/{invite}/finish: a passkey was made.
func (s *Server) finishJoin(v *visit) error {
	b, ok := s.sessions.take(s.cookie(v.Request, beginCookie), "join")
	if !ok || b.invite != v.PathValue("invite") {
		return errLate
	}
	answer, err := readJSON(v)
	if err != nil {
		return err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return fault.Tell(fault.Invalid, "The passkey could not be made.", "Try again.")
	}
	j := b.state.(joining)
	credential, err := s.passkeys.CreateCredential(user{&j.member}, j.data, parsed)
	if err != nil {
		s.Log.InfoContext(v.ctx(), "passkey refused", "err", err)
		return fault.Tell(fault.Invalid, "The passkey could not be made.", "Try again.")
	}
	j.member.Keys = []webauthn.Credential{*credential}
	err = change(v.ctx(), s.Gateway, j.member.Name, "join", "passkey", func(st *Staff) error {
		return st.join(b.invite, j.member, s.Now())
	})
	if err != nil {
		return err
	}
	s.enter(v, j.member.ID, s.Now())
	return reply(v, http.StatusOK, map[string]string{"to": "/due?did=welcome"})
}

// joinDemo serves POST /join/{invite}/demo: in a made-up world, the link is enough. Not
// every machine on which it is tried has passkeys.
func (s *Server) joinDemo(v *visit) error {
	if s.Demo == "" {
		return errNoPage
	}
	staff, err := LoadStaff(v.ctx(), s.Gateway)
	if err != nil {
		return err
	}
	i, err := staff.invited(v.PathValue("invite"), s.Now())
	if err != nil {
		return err
	}
	m := Member{ID: newSecret()[:22]}
	err = change(v.ctx(), s.Gateway, i.Name, "join", "in a made-up world", func(st *Staff) error { return st.join(v.PathValue("invite"), m, s.Now()) })
	if err != nil {
		return err
	}
	s.enter(v, m.ID, s.Now())
	return v.to("/due")
}

// isFresh reports whether who visits signed in a short time ago, or can't.
func (s *Server) isFresh(v *visit) bool {
	madeUp := s.Demo != "" && len(v.member.Keys) == 0 && v.member.Subject == ""
	return madeUp || s.sessions.isFresh(v.session)
}

// readJSON returns the body of a request by a script of ours.
func readJSON(v *visit) ([]byte, error) {
	text, err := io.ReadAll(v.Body)
	if err == nil && (!isJSON(v.Request) || !json.Valid(text)) {
		err = fault.Refuse(fault.Invalid, "form", "no JSON")
	}
	if err != nil {
		return nil, fmt.Errorf("answer of a passkey: %w", err)
	}
	return text, nil
}
