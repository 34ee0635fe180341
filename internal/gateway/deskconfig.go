package gateway

import (
	"errors"
	"net/url"
	"os"
	"strings"
)

// A DeskConfig says where the desk is, and who signs in besides by passkey.
type DeskConfig struct {
	// Listen is the address that the desk listens on: ":8444", "127.0.0.1:8444". It is
	// another one than that of agents.
	Listen string `json:"listen"`
	// URL is the origin under which staff opens it: "https://desk.acme.example". Passkeys
	// are bound to its host, so that a change of host makes them useless.
	URL string `json:"url"`
	// TLS is as that of agents, and may be absent likewise.
	TLS TLSFiles `json:"tls"`
	// OIDC is the company's OpenID Connect provider. Where it is absent, staff signs in
	// by passkey alone.
	OIDC OIDCConfig `json:"oidc"`
}

// An OIDCConfig names an OpenID Connect provider, and who is what.
type OIDCConfig struct {
	Issuer   string `json:"issuer"` // "https://login.acme.example"
	ClientID string `json:"client_id"`
	// ClientSecretFile holds the client's secret.
	ClientSecretFile string `json:"client_secret_file"`
	// RoleClaim is the claim that says what somebody may do, a text or a list of texts;
	// Roles what its values mean. Whoever has none of them can't sign in. Without a
	// RoleClaim only those can who were invited, and have linked their invitation.
	RoleClaim string      `json:"role_claim"`
	Roles     []ClaimRole `json:"roles"`
}

// A ClaimRole is what a value of the role claim means.
type ClaimRole struct {
	Value string `json:"value"`
	Role  string `json:"role"` // reader, agent or admin
}

// checkDesk judges the desk, if there is to be one.
func (c *Config) checkDesk(plain bool) error {
	d := &c.Desk
	if d.Listen == "" {
		if d.URL != "" || d.OIDC.Issuer != "" || d.TLS != (TLSFiles{}) {
			return bad("desk.listen", "missing")
		}
		return nil
	}
	errs := []error{checkListen("desk.", d.Listen, d.TLS)}
	if d.Listen == c.Listen {
		errs = append(errs, bad("desk.listen", "is the address of agents; the desk needs another"))
	}
	desk, err := url.Parse(d.URL)
	if err := checkURL(d.URL, plain); err != nil {
		errs = append(errs, bad("desk.url", "%v", err))
	}
	if agents, err2 := url.Parse(c.URL); err == nil && err2 == nil {
		switch {
		case strings.Trim(desk.Path, "/") != "":
			errs = append(errs, bad("desk.url", "%q has a path; it is an origin, like https://desk.acme.example", d.URL))
		case desk.Host == agents.Host:
			errs = append(errs, bad("desk.url", "is the origin of agents; the desk needs one of its own"))
		}
	}
	return errors.Join(append(errs, d.OIDC.check(plain))...)
}

func (o *OIDCConfig) check(plain bool) error {
	if o.Issuer == "" {
		if o.ClientID != "" || o.ClientSecretFile != "" || o.RoleClaim != "" || len(o.Roles) > 0 {
			return bad("desk.oidc.issuer", "missing")
		}
		return nil
	}
	var errs []error
	if err := checkURL(o.Issuer, plain); err != nil {
		errs = append(errs, bad("desk.oidc.issuer", "%v", err))
	}
	if o.ClientID == "" {
		errs = append(errs, bad("desk.oidc.client_id", "missing"))
	}
	if _, err := os.Stat(o.ClientSecretFile); err != nil {
		errs = append(errs, bad("desk.oidc.client_secret_file", "%v", err))
	}
	if (o.RoleClaim == "") != (len(o.Roles) == 0) {
		errs = append(errs, bad("desk.oidc.roles", "role_claim and roles need each other"))
	}
	for _, r := range o.Roles {
		if r.Value == "" || r.Role != "reader" && r.Role != "agent" && r.Role != "admin" {
			errs = append(errs, bad("desk.oidc.roles", "%q of %q is no role; there are reader, agent and admin", r.Role, r.Value))
		}
	}
	return errors.Join(errs...)
}
