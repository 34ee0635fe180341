// Package oidc has somebody sign in at a company's OpenID Connect provider, with an
// authorization code (OpenID Connect Core 1.0, section 3.1), PKCE (RFC 7636), state
// and nonce. Who she is to the company is for the caller to read from the claims.
package oidc

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"firsthand/fault"
)

// callTime bounds each call of the provider.
const callTime = 10 * time.Second

// A Config names a provider and its client.
type Config struct {
	Issuer   string // "https://login.acme.example"
	ClientID string
	Secret   string
	Redirect string   // where the provider leads back to
	Scopes   []string // beside openid
}

// A Provider is asked for what it is when it is first needed, so that a program starts
// while its provider is down. Its methods may be called from several goroutines.
type Provider struct {
	c      Config
	client *http.Client
	now    func() time.Time

	mu       sync.Mutex // held while the provider is asked
	oauth    *oauth2.Config
	verifier *oidc.IDTokenVerifier
}

// New returns the provider that c names. client makes the calls; nil is one with
// limits of its own. It calls nobody.
func New(c Config, client *http.Client, now func() time.Time) *Provider {
	if client == nil {
		client = &http.Client{Timeout: callTime}
	}
	return &Provider{c: c, client: client, now: now}
}

// Host returns the provider's name, as people see it.
func (p *Provider) Host() string {
	u, err := url.Parse(p.c.Issuer)
	if err != nil {
		return p.c.Issuer
	}
	return cmp.Or(u.Host, p.c.Issuer)
}

// meet asks the provider what it is, once it answers.
func (p *Provider) meet(ctx context.Context) (*oauth2.Config, *oidc.IDTokenVerifier, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.oauth != nil {
		return p.oauth, p.verifier, nil
	}
	// The keys are fetched by this context for as long as the provider is used.
	found, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.client), p.c.Issuer)
	if err != nil {
		return nil, nil, fault.Tell(fault.Unavailable, "The company's sign-in does not answer.", "Try again later.")
	}
	p.oauth = &oauth2.Config{ClientID: p.c.ClientID, ClientSecret: p.c.Secret, Endpoint: found.Endpoint(), RedirectURL: p.c.Redirect,
		Scopes: append([]string{oidc.ScopeOpenID}, p.c.Scopes...)}
	p.verifier = found.Verifier(&oidc.Config{ClientID: p.c.ClientID, Now: p.now})
	return p.oauth, p.verifier, nil
}

// An Attempt is what is kept of somebody while she signs in at the provider. It is
// secret, and good once.
type Attempt struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
	Fresh    bool   `json:"fresh"` // she has to sign in anew
}

// Begin returns where she is to be led. fresh asks the provider to have her sign in
// although it knows her browser.
func (p *Provider) Begin(ctx context.Context, fresh bool) (to string, a Attempt, err error) {
	oauth, _, err := p.meet(ctx)
	if err != nil {
		return "", a, err
	}
	a = Attempt{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Fresh: fresh}
	options := []oauth2.AuthCodeOption{oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier)}
	if fresh {
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	return oauth.AuthCodeURL(a.State, options...), a, nil
}

// An Identity is who somebody is at the provider, verified.
type Identity struct {
	Issuer, Subject string
	At              time.Time // when she signed in there; zero if it doesn't say
	Claims          map[string]any
}

// ErrState is the error of Finish where somebody was led back who wasn't led away
// from here by this attempt.
var ErrState = fault.Tell(fault.Denied, "This sign-in was not begun here.", "Begin again.")

// Errors of Finish beside those of calls. All are of kind Denied.
var (
	errNo    = fault.Tell(fault.Denied, "The company's sign-in has said no.", "")
	errFresh = fmt.Errorf("%w: the provider doesn't say that she signed in anew", fault.Denied)
)

// freshTime is how long ago a sign-in may lie that was to be a new one.
const freshTime = 10 * time.Minute

// Finish takes the query with which the provider has led her back, gets the ID token
// for its code, and verifies it: signature, issuer, audience, expiry, and that it was
// made for this attempt. An error that isn't a [fault.Notice] says to nobody but the
// operator what is wrong.
func (p *Provider) Finish(ctx context.Context, query url.Values, a Attempt) (id Identity, err error) {
	if a.State == "" || subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(a.State)) != 1 {
		return id, ErrState
	}
	code := query.Get("code")
	if code == "" {
		return id, errNo
	}
	oauth, verifier, err := p.meet(ctx)
	if err != nil {
		return id, err
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, p.client), callTime)
	defer cancel()
	token, err := oauth.Exchange(ctx, code, oauth2.VerifierOption(a.Verifier))
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
	if subtle.ConstantTimeCompare([]byte(t.Nonce), []byte(a.Nonce)) != 1 {
		return id, fmt.Errorf("%w: the nonce is another one", fault.Denied)
	}
	id = Identity{Issuer: t.Issuer, Subject: t.Subject}
	if err := t.Claims(&id.Claims); err != nil {
		return id, err
	}
	if at, ok := id.Claims["auth_time"].(float64); ok && at > 0 {
		id.At = time.Unix(int64(at), 0)
	}
	if a.Fresh && p.now().Sub(id.At) > freshTime {
		return Identity{}, errFresh
	}
	return id, nil
}

// Text returns a claim that is a text, or a whole number as one.
func (id *Identity) Text(claim string) string {
	switch v := id.Claims[claim].(type) {
	case string:
		return v
	case float64:
		if v == float64(int64(v)) {
			return fmt.Sprint(int64(v))
		}
	}
	return ""
}

// noSecrets drops what a provider has answered, in which a code may be.
func noSecrets(err error) error {
	if strings.Contains(err.Error(), "oauth2:") {
		return fmt.Errorf("%w: the provider refused", fault.Denied)
	}
	return err
}
