package desk

import (
	"context"
	"crypto/subtle"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"firsthand/fault"
	"firsthand/internal/gateway"
)

// A Provider is the company's OpenID Connect provider. It is asked for what it is when
// it is first needed, so that a desk starts while its provider is down.
type Provider struct {
	config   gateway.OIDCConfig
	secret   string
	redirect string
	client   *http.Client
	now      func() time.Time

	mu       sync.Mutex // held while the provider is asked
	oauth    *oauth2.Config
	verifier *oidc.IDTokenVerifier
}

// providerTime bounds each call of the provider.
const providerTime = 10 * time.Second

// NewProvider returns the provider that c names, for a desk at url. client makes the
// calls; nil is one with its limits.
func NewProvider(c gateway.OIDCConfig, url string, client *http.Client, now func() time.Time) (*Provider, error) {
	secret, err := os.ReadFile(c.ClientSecretFile)
	if err != nil {
		return nil, fmt.Errorf("desk.oidc.client_secret_file: %w", err)
	}
	if client == nil {
		client = &http.Client{Timeout: providerTime}
	}
	return &Provider{config: c, secret: strings.TrimSpace(string(secret)), redirect: strings.TrimSuffix(url, "/") + "/signin/back", client: client, now: now}, nil
}

// meet asks the provider what it is, once it answers.
func (p *Provider) meet(ctx context.Context) (*oauth2.Config, *oidc.IDTokenVerifier, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.oauth != nil {
		return p.oauth, p.verifier, nil
	}
	// The keys are fetched by this context for as long as the provider is used.
	found, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.client), p.config.Issuer)
	if err != nil {
		return nil, nil, fault.Tell(fault.Unavailable, "The company's sign-in does not answer.", "Try again later, or use a passkey.")
	}
	p.oauth = &oauth2.Config{ClientID: p.config.ClientID, ClientSecret: p.secret, Endpoint: found.Endpoint(), RedirectURL: p.redirect,
		Scopes: []string{oidc.ScopeOpenID, "profile", "email"}}
	p.verifier = found.Verifier(&oidc.Config{ClientID: p.config.ClientID, Now: p.now})
	return p.oauth, p.verifier, nil
}

// asked is what is kept while somebody signs in at the provider. again is the member
// who was in already, and signs in afresh: the cookie of a session doesn't come along
// when another site leads back.
type asked struct{ state, nonce, verifier, again string }

// goToCompany serves GET /signin/company. It is a link and no form: a content policy
// lets no form lead elsewhere.
func (s *Server) goToCompany(v *visit) error { return s.askCompany(v, "") }

// joinByCompany serves GET /join/{invite}/company: who was invited is who signs in.
func (s *Server) joinByCompany(v *visit) error {
	staff, err := LoadStaff(v.ctx(), s.Gateway)
	if err != nil {
		return err
	}
	if _, err := staff.invited(v.PathValue("invite"), s.Now()); err != nil {
		return err
	}
	return s.askCompany(v, v.PathValue("invite"))
}

func (s *Server) askCompany(v *visit, invite string) error {
	if s.Provider == nil {
		return errNoPage
	}
	if !s.tries.AllowN(s.Now(), 1) {
		return errTooMany
	}
	oauth, _, err := s.Provider.meet(v.ctx())
	if err != nil {
		return err
	}
	a := asked{state: newSecret(), nonce: newSecret(), verifier: oauth2.GenerateVerifier()}
	options := []oauth2.AuthCodeOption{oidc.Nonce(a.nonce), oauth2.S256ChallengeOption(a.verifier)}
	if v.member != nil {
		a.again = v.member.ID
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	// The provider leads back from elsewhere, so this one cookie has to come along.
	s.setCookie(v.w, beginCookie, s.sessions.begin(begun{what: "oidc", invite: invite, state: a}), http.SameSiteLaxMode)
	http.Redirect(v.w, v.Request, oauth.AuthCodeURL(a.state, options...), http.StatusFound)
	return nil
}

// A ContinuePage goes on by itself: the cookie of a session is only sent where a
// page of ours leads, and not where another site has led.
type ContinuePage struct{ To string }

// claims are what a provider says of somebody.
type claims struct {
	Name     string `json:"name"`
	Email    string `json:"email"`
	Verified *bool  `json:"email_verified"`
	At       int64  `json:"auth_time"`
}

// backFromCompany serves GET /signin/back.
func (s *Server) backFromCompany(v *visit) error {
	if s.Provider == nil {
		return errNoPage
	}
	b, ok := s.sessions.take(s.cookie(v.Request, beginCookie), "oidc")
	if !ok {
		return errLate
	}
	a, q := b.state.(asked), v.URL.Query()
	if subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(a.state)) != 1 {
		return errLate
	}
	if q.Get("code") == "" {
		return fault.Tell(fault.Denied, "The company's sign-in has said no.", "")
	}
	id, err := s.Provider.redeem(v.ctx(), q.Get("code"), a)
	if err != nil {
		s.Log.InfoContext(v.ctx(), "sign-in refused", "err", err)
		return errNotSigned
	}
	if a.again != "" && s.Now().Sub(id.at) > freshTime {
		return errNotSigned // she was to sign in afresh, and the provider doesn't say that she did
	}
	member, err := s.recognise(v, b.invite, id)
	if err != nil {
		return err
	}
	if a.again != "" && a.again != member {
		return errOther
	}
	s.enter(v, member, id.at)
	to := "/due"
	if a.again != "" {
		to = "/staff"
	}
	return s.render(v, http.StatusOK, "continue", ContinuePage{To: to})
}

var errNotSigned = fault.Tell(fault.Denied, "The company's sign-in could not be confirmed.", "Try again.")

// An identity is who somebody is at the provider, verified.
type identity struct {
	issuer, subject string
	name            string
	role            Role      // by the role claim; "" without one
	at              time.Time // when she signed in there; zero if it doesn't say
}

// redeem gets the ID token for a code, and verifies it: signature, issuer, audience,
// expiry, and that it was made for this sign-in.
func (p *Provider) redeem(ctx context.Context, code string, a asked) (id identity, err error) {
	oauth, verifier, err := p.meet(ctx)
	if err != nil {
		return id, err
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, p.client), providerTime)
	defer cancel()
	token, err := oauth.Exchange(ctx, code, oauth2.VerifierOption(a.verifier))
	if err != nil {
		return id, fmt.Errorf("exchange the code: %w", noSecrets(err))
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return id, fmt.Errorf("%w: no ID token", fault.Denied)
	}
	t, err := verifier.Verify(ctx, raw)
	if err != nil {
		return id, fmt.Errorf("%w: %v", fault.Denied, err)
	}
	if subtle.ConstantTimeCompare([]byte(t.Nonce), []byte(a.nonce)) != 1 {
		return id, fmt.Errorf("%w: the nonce is another one", fault.Denied)
	}
	var c claims
	if err := t.Claims(&c); err != nil {
		return id, err
	}
	if c.Verified != nil && !*c.Verified {
		return id, fmt.Errorf("%w: the address is not verified", fault.Denied)
	}
	id = identity{issuer: t.Issuer, subject: t.Subject, name: c.Name}
	if id.name == "" {
		id.name = c.Email
	}
	if c.At > 0 {
		id.at = time.Unix(c.At, 0)
	}
	var all map[string]any
	if err := t.Claims(&all); err != nil {
		return id, err
	}
	id.role = p.roleIn(all)
	return id, nil
}

// noSecrets drops what a provider has answered, in which a code may be.
func noSecrets(err error) error {
	if strings.Contains(err.Error(), "oauth2:") {
		return fmt.Errorf("%w: the provider refused", fault.Denied)
	}
	return err
}

// roleIn returns the greatest role that the claims give.
func (p *Provider) roleIn(claims map[string]any) (role Role) {
	var has []string
	switch v := claims[p.config.RoleClaim].(type) {
	case string:
		has = []string{v}
	case []any:
		for _, one := range v {
			if text, ok := one.(string); ok {
				has = append(has, text)
			}
		}
	}
	for _, r := range p.config.Roles {
		if given := Role(r.Role); slices.Contains(has, r.Value) && (role == "" || given.covers(role)) {
			role = given
		}
	}
	return role
}

// recognise returns the member who somebody is: one who was there, one who was
// invited, or a new one by her role claim.
func (s *Server) recognise(v *visit, invite string, id identity) (member string, err error) {
	staff, err := LoadStaff(v.ctx(), s.Gateway)
	if err != nil {
		return "", err
	}
	by := id.name
	for _, m := range staff.Members {
		if m.Issuer == id.issuer && m.Subject == id.subject {
			by, member = m.Name, m.ID
		}
	}
	byClaim := s.Provider.config.RoleClaim != ""
	switch {
	case byClaim && id.role == "", !byClaim && member == "" && invite == "":
		return "", fault.Tell(fault.Denied, "You do not belong to the staff of this desk.", "Ask an admin.")
	case member != "" && invite != "":
		return "", fault.Tell(fault.Conflict, "You belong to the staff of this desk already.", "Sign in.")
	case invite != "":
		i, err := staff.invited(invite, s.Now())
		if err != nil {
			return "", err
		}
		by = i.Name
	}
	act := "sign in"
	if member == "" {
		act, member = "join", newSecret()[:22]
	}
	err = change(v.ctx(), s.Gateway, by, act, "by the company's sign-in", func(st *Staff) error {
		m := st.member(member)
		if m == nil && act == "sign in" {
			return errNotSigned // removed meanwhile
		}
		if m == nil {
			one := Member{ID: member, Name: id.name, Role: id.role, Since: s.Now(), Issuer: id.issuer, Subject: id.subject}
			if invite != "" {
				if err := st.join(invite, one, s.Now()); err != nil {
					return err
				}
			} else if err := st.checkName(id.name); err != nil {
				return err
			} else {
				st.Members = append(st.Members, one)
			}
			m = st.member(member)
		}
		if byClaim {
			m.Role = id.role // the provider says each time
		}
		return nil
	})
	return member, err
}
