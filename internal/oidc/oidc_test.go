package oidc_test

import (
	"net/url"
	"testing"
	"time"

	"firsthand/fault"
	"firsthand/internal/oidc"
	"firsthand/internal/oidc/oidctest"
)

const redirect = "http://127.0.0.1:1/back"

// attempt signs somebody in at a provider, and returns what leads back and what was
// kept.
func attempt(t *testing.T, p *oidc.Provider, at *oidctest.Provider, fresh bool) (url.Values, oidc.Attempt) {
	t.Helper()
	to, a, err := p.Begin(t.Context(), fresh)
	if err != nil {
		t.Fatal(err)
	}
	back, err := url.Parse(at.SignIn(t, oidctest.NewBrowser(t), to, "ann"))
	if err != nil {
		t.Fatal(err)
	}
	return back.Query(), a
}

func TestFinish(t *testing.T) {
	at := oidctest.New(t, redirect, "ann")
	now := time.Now
	p := oidc.New(oidc.Config{Issuer: at.URL, ClientID: oidctest.ClientID, Secret: oidctest.Secret, Redirect: redirect}, nil, func() time.Time { return now() })
	query, a := attempt(t, p, at, true)
	id, err := p.Finish(t.Context(), query, a)
	if err != nil || id.Issuer != at.URL || id.Subject != "ann" || id.Text("sub") != "ann" || time.Since(id.At) > time.Minute {
		t.Errorf("%+v, %v", id, err)
	}
	if _, err := p.Finish(t.Context(), query, a); fault.KindOf(err) != fault.Denied {
		t.Errorf("the same code again: %v", err)
	}

	for name, change := range map[string]func(*oidc.Attempt){
		"another state":    func(a *oidc.Attempt) { a.State = "x" },
		"no state":         func(a *oidc.Attempt) { a.State = "" },
		"another nonce":    func(a *oidc.Attempt) { a.Nonce = "x" },
		"another verifier": func(a *oidc.Attempt) { a.Verifier = "x" },
		"an old sign-in": func(a *oidc.Attempt) {
			now = func() time.Time { return time.Now().Add(11 * time.Minute) }
		},
	} {
		now = time.Now
		query, a := attempt(t, p, at, true)
		change(&a)
		if id, err := p.Finish(t.Context(), query, a); fault.KindOf(err) != fault.Denied || id.Subject != "" {
			t.Errorf("%s: %+v, %v", name, id, err)
		}
	}

	// Where she need not sign in anew, an older sign-in does.
	now = time.Now
	query, a = attempt(t, p, at, false)
	now = func() time.Time { return time.Now().Add(11 * time.Minute) }
	if _, err := p.Finish(t.Context(), query, a); err != nil {
		t.Errorf("an older sign-in: %v", err)
	}
}

// Keys of another provider don't do, nor an issuer that calls itself something else.
func TestOtherProvider(t *testing.T) {
	at, other := oidctest.New(t, redirect, "ann"), oidctest.New(t, redirect, "ann")
	p := oidc.New(oidc.Config{Issuer: at.URL + "/", ClientID: oidctest.ClientID, Secret: oidctest.Secret, Redirect: redirect}, nil, time.Now)
	if _, _, err := p.Begin(t.Context(), true); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("an issuer by another name: %v", err)
	}
	mine := oidc.New(oidc.Config{Issuer: at.URL, ClientID: oidctest.ClientID, Secret: oidctest.Secret, Redirect: redirect}, nil, time.Now)
	theirs := oidc.New(oidc.Config{Issuer: other.URL, ClientID: oidctest.ClientID, Secret: oidctest.Secret, Redirect: redirect}, nil, time.Now)
	query, a := attempt(t, theirs, other, true)
	if _, err := mine.Finish(t.Context(), query, a); fault.KindOf(err) != fault.Denied {
		t.Errorf("a code of another provider: %v", err)
	}
	at.Close()
	down := oidc.New(oidc.Config{Issuer: at.URL, ClientID: oidctest.ClientID, Redirect: redirect}, nil, time.Now)
	if _, _, err := down.Begin(t.Context(), true); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a provider that is down: %v", err)
	}
}
