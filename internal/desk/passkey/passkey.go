// Package passkey makes passkeys for a company's staff and judges what they answer,
// for package desk, by the library for WebAuthn. It stands apart because a desk can do
// without: the customer's program has desks in its made-up world, and no passkeys.
//
// Passkeys are discoverable and demand verification of the user: one step, no name to
// type. They are bound to the host of the desk. No attestation is asked for; see
// docs/decisions/0028.
package passkey

import (
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"firsthand/fault"
	"firsthand/internal/desk"
)

// Passkeys are those of one desk. It is a [desk.Passkeys].
type Passkeys struct{ library *webauthn.WebAuthn }

// New returns the passkeys of the desk of a company, which is at an origin.
func New(origin, company string) (*Passkeys, error) {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return nil, fault.Tell(fault.Invalid, fmt.Sprintf("%q is no origin for a desk.", origin), "desk.url in gateway.json")
	}
	library, err := webauthn.New(&webauthn.Config{
		RPID: u.Hostname(), RPDisplayName: company + " desk", RPOrigins: []string{u.Scheme + "://" + u.Host},
		AuthenticatorSelection: protocol.AuthenticatorSelection{ResidentKey: protocol.ResidentKeyRequirementRequired,
			RequireResidentKey: protocol.ResidentKeyRequired(), UserVerification: protocol.VerificationRequired},
	})
	if err != nil {
		return nil, fmt.Errorf("passkeys for %s: %w", origin, err)
	}
	return &Passkeys{library}, nil
}

// user is a member, or one who is about to be, as the library wants it.
type user struct {
	id, name string
	keys     []webauthn.Credential
}

func (u user) WebAuthnID() []byte                         { return []byte(u.id) }
func (u user) WebAuthnName() string                       { return u.name }
func (u user) WebAuthnDisplayName() string                { return u.name }
func (u user) WebAuthnCredentials() []webauthn.Credential { return u.keys }

// BeginJoin implements [desk.Passkeys].
func (p *Passkeys) BeginJoin(m desk.Member) (options, state any, err error) {
	o, data, err := p.library.BeginRegistration(user{id: m.ID, name: m.Name})
	if err != nil {
		return nil, nil, err
	}
	return o, *data, nil
}

// FinishJoin implements [desk.Passkeys].
func (p *Passkeys) FinishJoin(m desk.Member, state any, answer []byte) (desk.Key, error) {
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return nil, err
	}
	c, err := p.library.CreateCredential(user{id: m.ID, name: m.Name}, state.(webauthn.SessionData), parsed)
	if err != nil {
		return nil, err
	}
	return json.Marshal(c)
}

// BeginSignIn implements [desk.Passkeys].
func (p *Passkeys) BeginSignIn() (options, state any, err error) {
	o, data, err := p.library.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, nil, err
	}
	return o, *data, nil
}

// FinishSignIn implements [desk.Passkeys]. A counter that goes back is refused, as a
// sign of a copy.
func (p *Passkeys) FinishSignIn(state any, answer []byte, member func(id string) *desk.Member) (id string, k desk.Key, err error) {
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return "", nil, err
	}
	find := func(_, handle []byte) (webauthn.User, error) {
		m := member(string(handle))
		if m == nil {
			return nil, fmt.Errorf("%w: nobody of staff", fault.Denied)
		}
		u := user{id: m.ID, name: m.Name, keys: make([]webauthn.Credential, len(m.Keys))}
		for i, key := range m.Keys {
			if err := json.Unmarshal(key, &u.keys[i]); err != nil {
				return nil, fmt.Errorf("%w: passkey of a member: %v", fault.Internal, err)
			}
		}
		return u, nil
	}
	who, c, err := p.library.ValidatePasskeyLogin(find, state.(webauthn.SessionData), parsed)
	if err != nil {
		return "", nil, err
	}
	if c.Authenticator.CloneWarning {
		return "", nil, fmt.Errorf("%w: its counter went back: it may have been copied", fault.Denied)
	}
	k, err = json.Marshal(c)
	return string(who.WebAuthnID()), k, err
}
