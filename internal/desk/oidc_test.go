package desk_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"

	"firsthand/internal/desk"
	"firsthand/internal/gateway"
)

const clientID, clientSecret = "desk", "the secret of the desk"

// provider makes a Provider of an issuer, as a configuration does.
func provider(t testing.TB, issuer string, byClaim bool) func(func() time.Time) *desk.Provider {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(clientSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := gateway.OIDCConfig{Issuer: issuer, ClientID: clientID, ClientSecretFile: file}
	if byClaim {
		c.RoleClaim, c.Roles = "groups", []gateway.ClaimRole{{Value: "crm", Role: "agent"}, {Value: "crm-look", Role: "reader"}, {Value: "crm-admin", Role: "admin"}}
	}
	return func(now func() time.Time) *desk.Provider {
		p, err := desk.NewProvider(c, "http://localhost:8444", nil, now)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
}

// realProvider is one by a library for providers, at which everybody signs in at once.
func realProvider(t testing.TB) (issuer string) {
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	issuer = server.URL
	storage.RegisterClients(storage.WebClient(clientID, clientSecret, "http://localhost:8444/signin/back"))
	users := storage.NewStorage(storage.NewUserStore(issuer))
	p, err := op.NewProvider(&op.Config{CryptoKey: sha256.Sum256([]byte("test")), CryptoKeyId: "key1", CodeMethodS256: true}, users, op.StaticIssuer(issuer), op.WithAllowInsecure(),
		op.WithLogger(slog.New(slog.NewTextHandler(t.Output(), nil))))
	if err != nil {
		t.Fatal(err)
	}
	login := op.NewIssuerInterceptor(p.IssuerFromRequest).HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.FormValue("authRequestID")
		if err := users.CheckUsernamePassword("test-user2", "verysecure", id); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		http.Redirect(w, r, op.AuthCallbackURL(p)(r.Context(), id), http.StatusFound)
	})
	mux := http.NewServeMux()
	mux.Handle("/login/username", login)
	mux.Handle("/", p)
	handler = mux
	return issuer
}

// away begins to sign in with the company, goes through its provider, and returns
// the path by which the provider leads back.
func (c *client) away(t testing.TB, path string) string {
	t.Helper()
	r := c.get(path)
	if r.Code != http.StatusFound {
		t.Fatalf("%s: status %d\n%s", path, r.Code, r.Body)
	}
	browser := &http.Client{CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Host == "localhost:8444" {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	resp, err := browser.Get(r.Header().Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	back, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || back.Path != "/signin/back" {
		t.Fatalf("the provider answers %s, and leads to %v, %v", resp.Status, back, err)
	}
	return back.RequestURI()
}

// Somebody who was invited signs in at a real provider, and from then on that is how
// she signs in. What it says is good once, for the browser that asked.
func TestCompanySignIn(t *testing.T) {
	o := newOffice(t, setting{empty: true, provider: provider(t, realProvider(t), false)})
	ctx := context.WithoutCancel(t.Context())
	stranger := o.client()
	if r := stranger.get(stranger.away(t, "/signin/company")); r.Code != http.StatusForbidden || stranger.get("/due").Code != http.StatusUnauthorized {
		t.Errorf("who was not invited: status %d", r.Code)
	}
	path, err := desk.InviteMember(ctx, o.gw, "root", "Ann", desk.Admin, o.clock())
	o.must(err)
	c := o.client()
	back := c.away(t, path+"/company")
	if r := o.client().get(back); r.Code != http.StatusBadRequest {
		t.Errorf("in another browser: status %d", r.Code)
	}
	// The thief has begun himself, and has the victim follow his link, or the other
	// way round: the state is another one.
	thief := o.client()
	thief.away(t, "/signin/company")
	if r := thief.get(back); r.Code != http.StatusBadRequest {
		t.Errorf("another state: status %d", r.Code)
	}
	if r := c.get(back); r.Code != http.StatusOK || !strings.Contains(r.Body.String(), `http-equiv="refresh" content="0; url=/due"`) {
		t.Fatalf("status %d\n%s", r.Code, r.Body)
	}
	if r := c.get("/staff"); r.Code != http.StatusOK {
		t.Errorf("staff: status %d", r.Code)
	}
	if r := c.get(back); r.Code != http.StatusBadRequest {
		t.Errorf("once more: status %d", r.Code)
	}
	if r := o.client().get(path + "/company"); r.Code != http.StatusNotFound {
		t.Errorf("the invitation again: status %d", r.Code)
	}
	again := o.client()
	if r := again.get(again.away(t, "/signin/company")); r.Code != http.StatusOK {
		t.Errorf("signing in: status %d\n%s", r.Code, r.Body)
	}
	if r := again.post("/staff/invite", "name", "Bob", "role", "reader"); r.Code != http.StatusOK {
		t.Errorf("just after: status %d", r.Code)
	}
	o.pass(desk.FreshTime + time.Second)
	if r := again.post("/staff/invite", "name", "Cor", "role", "reader"); r.Code != http.StatusForbidden || !strings.Contains(r.Body.String(), "/signin/company") {
		t.Errorf("long after: status %d", r.Code)
	}
	s, err := desk.LoadStaff(ctx, o.gw)
	o.must(err)
	ann := s.Members[slices.IndexFunc(s.Members, func(m desk.Member) bool { return m.Name == "Ann" })]
	if ann.Subject != "id2" || ann.Role != desk.Admin {
		t.Errorf("%+v", ann)
	}
	o.must(desk.RemoveMember(ctx, o.gw, "root", "Ann"))
	if r := again.get("/due"); r.Code != http.StatusUnauthorized {
		t.Errorf("who was removed goes on: status %d", r.Code)
	}
	last := o.client()
	if r := last.get(last.away(t, "/signin/company")); r.Code != http.StatusForbidden {
		t.Errorf("who was removed signs in: status %d", r.Code)
	}
}

// A forger is a provider that signs what a test wants.
type forger struct {
	t      testing.TB
	url    string
	key    *ecdsa.PrivateKey
	mu     sync.Mutex
	nonce  string
	pkce   string
	change func(claims map[string]any)
	sign   func(claims map[string]any) string
}

func newForger(t testing.TB) *forger {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	f := &forger{t: t, key: key}
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(v)
	}
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		answer(w, map[string]any{"issuer": f.url, "authorization_endpoint": f.url + "/auth", "token_endpoint": f.url + "/token", "jwks_uri": f.url + "/keys",
			"id_token_signing_alg_values_supported": []string{"ES256"}})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, r *http.Request) {
		answer(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Algorithm: "ES256", Use: "sig"}}})
	})
	mux.HandleFunc("GET /auth", func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		q := r.URL.Query()
		f.nonce, f.pkce = q.Get("nonce"), q.Get("code_challenge")
		http.Redirect(w, r, q.Get("redirect_uri")+"?code=c&state="+url.QueryEscape(q.Get("state")), http.StatusFound)
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		id, secret, _ := r.BasicAuth()
		if got := base64.RawURLEncoding.EncodeToString(sum[:]); got != f.pkce || id != clientID || secret != url.QueryEscape(clientSecret) {
			http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
			return
		}
		now := time.Now()
		claims := map[string]any{"iss": f.url, "aud": clientID, "sub": "42", "nonce": f.nonce, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "auth_time": now.Unix(),
			"name": "Ann", "groups": []string{"x", "crm"}}
		if f.change != nil {
			f.change(claims)
		}
		sign := f.signed
		if f.sign != nil {
			sign = f.sign
		}
		answer(w, map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": sign(claims)})
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

func (f *forger) signed(claims map[string]any) string { return f.signedBy(f.key, claims) }

func (f *forger) signedBy(key *ecdsa.PrivateKey, claims map[string]any) string {
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "k"}}, nil)
	if err != nil {
		f.t.Error(err)
		return ""
	}
	text, err := json.Marshal(claims)
	if err != nil {
		f.t.Error(err)
		return ""
	}
	sig, err := s.Sign(text)
	if err != nil {
		f.t.Error(err)
		return ""
	}
	out, err := sig.CompactSerialize()
	if err != nil {
		f.t.Error(err)
	}
	return out
}

// What a provider says counts only if it is its own, for this desk, this sign-in and
// now; the role is the greatest that its claim gives.
func TestForgedSignIns(t *testing.T) {
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	set := func(name string, v any) func(map[string]any) { return func(c map[string]any) { c[name] = v } }
	for _, tt := range []struct {
		name   string
		change func(map[string]any)
		sign   func(*forger) func(map[string]any) string
		role   desk.Role // "" where it is refused
	}{
		{name: "as it is to be", role: desk.Agent},
		{name: "two roles", change: set("groups", []string{"crm", "crm-admin", "crm-look"}), role: desk.Admin},
		{name: "a role that is one text", change: set("groups", "crm-look"), role: desk.Reader},
		{name: "no role", change: set("groups", []string{"crm-", "CRM", "admin"})},
		{name: "roles that are no texts", change: set("groups", []any{1, map[string]any{"crm": true}, nil})},
		{name: "a role that contains one", change: set("groups", "crm crm-admin")},
		{name: "another nonce", change: set("nonce", "of another sign-in")},
		{name: "no nonce", change: func(c map[string]any) { delete(c, "nonce") }},
		{name: "another audience", change: set("aud", "the shop")},
		{name: "no audience", change: func(c map[string]any) { delete(c, "aud") }},
		{name: "another issuer", change: set("iss", "https://login.attacker.example")},
		{name: "expired", change: set("exp", time.Now().Add(-time.Minute).Unix())},
		{name: "not yet", change: set("nbf", time.Now().Add(time.Hour).Unix())},
		{name: "an address that is not verified", change: set("email_verified", false)},
		{name: "a name of somebody else's", change: set("name", "KOEN")},
		{name: "a name with a line break", change: set("name", "Ann\nKoen")},
		{name: "no name", change: func(c map[string]any) { delete(c, "name") }},
		{name: "signed by another key", sign: func(f *forger) func(map[string]any) string {
			return func(c map[string]any) string { return f.signedBy(other, c) }
		}},
		{name: "not signed", sign: func(f *forger) func(map[string]any) string {
			return func(c map[string]any) string {
				text, _ := json.Marshal(c)
				return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString(text) + "."
			}
		}},
		{name: "no token", sign: func(*forger) func(map[string]any) string { return func(map[string]any) string { return "" } }},
	} {
		f := newForger(t)
		f.change = tt.change
		if tt.sign != nil {
			f.sign = tt.sign(f)
		}
		o := newOffice(t, setting{empty: true, provider: provider(t, f.url, true)})
		c := o.client()
		r := c.get(c.away(t, "/signin/company"))
		in := c.get("/due").Code == http.StatusOK
		if (r.Code == http.StatusOK) != (tt.role != "") || in != (tt.role != "") {
			t.Errorf("%s: status %d, in: %v", tt.name, r.Code, in)
		}
		s, err := desk.LoadStaff(t.Context(), o.gw)
		o.must(err)
		if i := slices.IndexFunc(s.Members, func(m desk.Member) bool { return m.Subject == "42" }); tt.role == "" && i >= 0 || tt.role != "" && (i < 0 || s.Members[i].Role != tt.role) {
			t.Errorf("%s: staff is %+v", tt.name, s.Members)
		}
	}
}

// To confirm takes a sign-in of now, by the same person.
func TestCompanyConfirms(t *testing.T) {
	f := newForger(t)
	o := newOffice(t, setting{empty: true, provider: provider(t, f.url, true)})
	c := o.client()
	f.change = func(m map[string]any) { m["groups"] = "crm-admin" }
	if r := c.get(c.away(t, "/signin/company")); r.Code != http.StatusOK {
		t.Fatalf("status %d", r.Code)
	}
	for _, tt := range []struct {
		name   string
		change func(map[string]any)
		status int
	}{
		{"of long ago", func(m map[string]any) { m["auth_time"] = time.Now().Add(-time.Hour).Unix() }, 403},
		{"of nobody knows when", func(m map[string]any) { delete(m, "auth_time") }, 403},
		{"somebody else", func(m map[string]any) { m["sub"], m["name"] = "43", "Bob" }, 403},
		{"as it is to be", func(map[string]any) {}, 200},
	} {
		f.mu.Lock()
		f.change = func(m map[string]any) { m["groups"] = "crm-admin"; tt.change(m) }
		f.mu.Unlock()
		if r := c.get(c.away(t, "/signin/company")); r.Code != tt.status {
			t.Errorf("%s: status %d, want %d", tt.name, r.Code, tt.status)
		}
	}
	// Without auth_time a first sign-in is one, and confirms nothing.
	f.mu.Lock()
	f.change = func(m map[string]any) { m["groups"] = "crm-admin"; delete(m, "auth_time") }
	f.mu.Unlock()
	d := o.client()
	if r := d.get(d.away(t, "/signin/company")); r.Code != http.StatusOK {
		t.Fatalf("status %d", r.Code)
	}
	if r := d.post("/staff/invite", "name", "Cor", "role", "reader"); r.Code != http.StatusForbidden {
		t.Errorf("an act of an admin: status %d", r.Code)
	}
}

// A provider whose clock is ahead makes nobody fresh for longer.
func TestCompanyIsAhead(t *testing.T) {
	f := newForger(t)
	f.change = func(m map[string]any) {
		m["groups"], m["auth_time"] = "crm-admin", time.Now().Add(24*time.Hour).Unix()
	}
	o := newOffice(t, setting{empty: true, provider: provider(t, f.url, true)})
	c := o.client()
	if r := c.get(c.away(t, "/signin/company")); r.Code != http.StatusOK {
		t.Fatalf("status %d", r.Code)
	}
	o.pass(desk.FreshTime + time.Second)
	if r := c.post("/staff/invite", "name", "Cor", "role", "reader"); r.Code != http.StatusForbidden {
		t.Errorf("an act of an admin, long after: status %d", r.Code)
	}
}

// A provider that is down is said to be, and passkeys go on.
func TestProviderIsDown(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	o := newOffice(t, setting{empty: true, provider: provider(t, server.URL, false)})
	c := o.client()
	if r := c.get("/signin/company"); r.Code != http.StatusServiceUnavailable || !strings.Contains(r.Body.String(), "passkey") {
		t.Errorf("status %d", r.Code)
	}
	if r := c.post("/signin/begin"); r.Code != http.StatusOK {
		t.Errorf("passkeys: status %d", r.Code)
	}
}
