package gateway_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firsthand/internal/gateway"
)

// A desk that is configured wrongly is refused with the member that is wrong.
func TestDeskConfig(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"secret", "cert", "key"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const oidc = `"issuer": "https://login.acme.example", "client_id": "desk", "client_secret_file": "secret"`
	for _, tt := range []struct{ name, desk, want string }{
		{"none", ``, ""},
		{"plain, on loopback", `"desk": {"listen": "127.0.0.1:8444", "url": "http://localhost:8444"}`, ""},
		{"TLS", `"desk": {"listen": ":8444", "url": "https://desk.acme.example", "tls": {"cert_file": "cert", "key_file": "key"}}`, ""},
		{"a provider", `"desk": {"listen": "127.0.0.1:8444", "url": "https://desk.acme.example", "oidc": {` + oidc + `}}`, ""},
		{"a provider with roles", `"desk": {"listen": "127.0.0.1:8444", "url": "https://desk.acme.example", "oidc": {` + oidc + `, "role_claim": "groups", "roles": [{"value": "crm", "role": "agent"}]}}`, ""},
		{"an unknown member", `"desk": {"listen": "127.0.0.1:8444", "url": "https://desk.acme.example", "password": "x"}`, "password"},
		{"no listen", `"desk": {"url": "https://desk.acme.example"}`, "desk.listen"},
		{"no url", `"desk": {"listen": "127.0.0.1:8444"}`, "desk.url"},
		{"a path", `"desk": {"listen": "127.0.0.1:8444", "url": "https://desk.acme.example/staff"}`, "desk.url"},
		{"not https", `"desk": {"listen": "127.0.0.1:8444", "url": "http://desk.acme.example"}`, "desk.url"},
		{"the origin of agents", `"desk": {"listen": "127.0.0.1:8444", "url": "https://gw.acme.example"}`, "desk.url"},
		{"the address of agents", `"desk": {"listen": "127.0.0.1:8443", "url": "https://desk.acme.example"}`, "desk.listen"},
		{"plain, for all", `"desk": {"listen": ":8444", "url": "https://desk.acme.example"}`, "desk.listen"},
		{"half of TLS", `"desk": {"listen": ":8444", "url": "https://desk.acme.example", "tls": {"cert_file": "cert"}}`, "desk.tls"},
		{"no such file", `"desk": {"listen": ":8444", "url": "https://desk.acme.example", "tls": {"cert_file": "cert", "key_file": "gone"}}`, "desk.tls"},
		{"no client", `"desk": {"listen": "127.0.0.1:8444", "url": "https://desk.acme.example", "oidc": {"issuer": "https://login.acme.example", "client_secret_file": "secret"}}`, "client_id"},
		{"no secret", `"desk": {"listen": "127.0.0.1:8444", "url": "https://desk.acme.example", "oidc": {"issuer": "https://login.acme.example", "client_id": "desk"}}`, "client_secret_file"},
		{"no issuer", `"desk": {"listen": "127.0.0.1:8444", "url": "https://desk.acme.example", "oidc": {"client_id": "desk"}}`, "desk.oidc.issuer"},
		{"an issuer without TLS", `"desk": {"listen": "127.0.0.1:8444", "url": "https://desk.acme.example", "oidc": {"issuer": "http://login.acme.example", "client_id": "desk", "client_secret_file": "secret"}}`, "desk.oidc.issuer"},
		{"a claim that means nothing", `"desk": {"listen": "127.0.0.1:8444", "url": "https://desk.acme.example", "oidc": {` + oidc + `, "role_claim": "groups"}}`, "desk.oidc.roles"},
		{"no such role", `"desk": {"listen": "127.0.0.1:8444", "url": "https://desk.acme.example", "oidc": {` + oidc + `, "role_claim": "groups", "roles": [{"value": "crm", "role": "boss"}]}}`, "boss"},
	} {
		text := `{"domain": "acme.example", "name": "Acme BV", "jurisdiction": "BE", "url": "https://gw.acme.example", "listen": "127.0.0.1:8443", "terms": []`
		if tt.desk != "" {
			text += ", " + tt.desk
		}
		c, err := gateway.ParseConfig([]byte(text+"}"), dir)
		if err == nil {
			err = c.CheckDesk(true)
		}
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
}
