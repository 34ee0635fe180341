package desk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"firsthand/fault"
	"firsthand/internal/gateway"
	"firsthand/internal/oidc"
)

// A Provider is the company's OpenID Connect provider, and what its claims mean here.
type Provider struct {
	*oidc.Provider
	config gateway.OIDCConfig
}

// NewProvider returns the provider that c names, for a desk at url. client makes the
// calls; nil is one with its limits.
func NewProvider(c gateway.OIDCConfig, url string, client *http.Client, now func() time.Time) (*Provider, error) {
	secret, err := os.ReadFile(c.ClientSecretFile)
	if err != nil {
		return nil, fmt.Errorf("desk.oidc.client_secret_file: %w", err)
	}
	return &Provider{config: c, Provider: oidc.New(oidc.Config{Issuer: c.Issuer, ClientID: c.ClientID, Secret: strings.TrimSpace(string(secret)),
		Redirect: strings.TrimSuffix(url, "/") + "/signin/back", Scopes: []string{"profile", "email"}}, client, now)}, nil
}

// asked is what is kept while somebody signs in at the provider. again is the member
// who was in already, and signs in afresh: the cookie of a session doesn't come along
// when another site leads back.
type asked struct {
	oidc.Attempt
	again string
}

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
	a := asked{}
	if v.member != nil {
		a.again = v.member.ID
	}
	to, attempt, err := s.Provider.Begin(v.ctx(), a.again != "")
	if err != nil {
		return err
	}
	a.Attempt = attempt
	// The provider leads back from elsewhere, so this one cookie has to come along.
	s.setCookie(v.w, beginCookie, s.sessions.begin(begun{what: "oidc", invite: invite, state: a}), http.SameSiteLaxMode)
	http.Redirect(v.w, v.Request, to, http.StatusFound)
	return nil
}

// A ContinuePage goes on by itself: the cookie of a session is only sent where a
// page of ours leads, and not where another site has led.
type ContinuePage struct{ To string }

// backFromCompany serves GET /signin/back.
func (s *Server) backFromCompany(v *visit) error {
	if s.Provider == nil {
		return errNoPage
	}
	b, ok := s.sessions.take(s.cookie(v.Request, beginCookie), "oidc")
	if !ok {
		return errLate
	}
	a := b.state.(asked)
	id, err := s.Provider.identify(v.ctx(), v.URL.Query(), a.Attempt)
	if errors.Is(err, oidc.ErrState) {
		return errLate
	}
	if _, told := errors.AsType[*fault.Notice](err); told {
		return err
	}
	if err != nil {
		s.Log.InfoContext(v.ctx(), "sign-in refused", "err", err)
		return errNotSigned
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

// identify finds out who has come back from the provider.
func (p *Provider) identify(ctx context.Context, query url.Values, a oidc.Attempt) (id identity, err error) {
	who, err := p.Finish(ctx, query, a)
	if err != nil {
		return id, err
	}
	if verified, said := who.Claims["email_verified"].(bool); said && !verified {
		return id, fmt.Errorf("%w: the address is not verified", fault.Denied)
	}
	return identity{issuer: who.Issuer, subject: who.Subject, name: cmp.Or(who.Text("name"), who.Text("email")),
		role: p.roleIn(who.Claims), at: who.At}, nil
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
