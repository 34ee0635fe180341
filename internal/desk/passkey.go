package desk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"firsthand/fault"
)

// Passkeys makes passkeys and judges what they answer; package passkey does. Options
// go to the browser; state is kept here, from the beginning of something to its end.
type Passkeys interface {
	// BeginJoin begins to make a passkey for somebody who is about to be a member,
	// and FinishJoin returns it, if the answer is good.
	BeginJoin(m Member) (options, state any, err error)
	FinishJoin(m Member, state any, answer []byte) (Key, error)

	// BeginSignIn asks for any passkey, and FinishSignIn says whose has answered, and
	// what to keep of that passkey from now on. member finds who is named; nil for
	// nobody. An error says that the answer isn't good, in no words for a person.
	BeginSignIn() (options, state any, err error)
	FinishSignIn(state any, answer []byte, member func(id string) *Member) (id string, k Key, err error)
}

// A Key is the company's half of a passkey: JSON of package passkey, with its "id".
type Key = json.RawMessage

// keyID returns what names a passkey.
func keyID(k Key) (id []byte) {
	var named struct {
		ID []byte `json:"id"`
	}
	if json.Unmarshal(k, &named) != nil {
		return nil // of something else, which is no passkey of anybody
	}
	return named.ID
}

// errNoPasskeys answers who would use one at a desk without.
var errNoPasskeys = fault.Tell(fault.NotExist, "This desk has no passkeys.", "")

// A SignInPage is the door.
type SignInPage struct {
	Passkeys bool
	Provider bool // the company's own sign-in can be used
	Empty    bool // nobody belongs to staff yet
	Demo     bool // a made-up world, in which a link is enough
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
	return s.render(v, http.StatusOK, "signin", SignInPage{Passkeys: s.Passkeys != nil, Provider: s.Provider != nil, Empty: len(staff.Members) == 0, Demo: s.Demo != ""})
}

// beginSignIn serves POST /signin/begin.
func (s *Server) beginSignIn(v *visit) error {
	if s.Passkeys == nil {
		return errNoPasskeys
	}
	if !s.tries.AllowN(s.Now(), 1) {
		return errTooMany
	}
	options, state, err := s.Passkeys.BeginSignIn()
	if err != nil {
		return err
	}
	s.setCookie(v.w, beginCookie, s.sessions.begin(begun{what: "signin", state: state}), http.SameSiteStrictMode)
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
	staff, err := LoadStaff(v.ctx(), s.Gateway)
	if err != nil {
		return err
	}
	id, key, err := s.Passkeys.FinishSignIn(b.state, answer, staff.member)
	if err != nil {
		s.Log.InfoContext(v.ctx(), "passkey refused", "err", err)
		return errPasskey
	}
	m := staff.member(id)
	if m == nil {
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
			if bytes.Equal(keyID(now.Keys[i]), keyID(key)) {
				now.Keys[i] = key
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
	Passkeys bool
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
	return s.render(v, http.StatusOK, "join", JoinPage{Secret: v.PathValue("invite"), Name: i.Name, Role: i.Role, Passkeys: s.Passkeys != nil, Provider: s.Provider != nil, Demo: s.Demo != ""})
}

// joining is what is kept while a passkey is made.
type joining struct {
	member Member
	state  any // of Passkeys
}

// beginJoin serves POST /join/{invite}/begin.
func (s *Server) beginJoin(v *visit) error {
	if s.Passkeys == nil {
		return errNoPasskeys
	}
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
	options, state, err := s.Passkeys.BeginJoin(m)
	if err != nil {
		return err
	}
	b := begun{what: "join", invite: v.PathValue("invite"), state: joining{m, state}}
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
	j := b.state.(joining)
	key, err := s.Passkeys.FinishJoin(j.member, j.state, answer)
	if err != nil {
		s.Log.InfoContext(v.ctx(), "passkey refused", "err", err)
		return fault.Tell(fault.Invalid, "The passkey could not be made.", "Try again.")
	}
	j.member.Keys = []Key{key}
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
