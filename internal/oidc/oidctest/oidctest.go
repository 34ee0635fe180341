// Package oidctest is a real OpenID Connect provider on loopback, with users of its
// own, of a library by other people than the one that our side uses.
package oidctest

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// Secret is the client's.
const Secret = "not a secret that anybody has"

// ClientID is the client's.
const ClientID = "firsthand"

// A Provider has one client and some users, whose names are their subjects and
// passwords too.
type Provider struct {
	*httptest.Server
	// Change, if it isn't nil, changes what the provider answers, as a broken or a
	// hostile one would.
	Change func(r *http.Request, status int, header http.Header, body []byte) []byte
}

// users is a user store of names.
type users map[string]*storage.User

func (u users) GetUserByID(id string) *storage.User         { return u[id] }
func (u users) GetUserByUsername(name string) *storage.User { return u[name] }
func (u users) ExampleClientID() string                     { return ClientID }

// New starts a provider that leads back to redirect and ends with t.
func New(t testing.TB, redirect string, names ...string) *Provider {
	t.Helper()
	all := users{}
	for _, name := range names {
		all[name] = &storage.User{ID: name, Username: name, Password: name, FirstName: name, Email: name + "@acme.example", EmailVerified: true}
	}
	p := &Provider{}
	var handler http.Handler
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.Change == nil {
			handler.ServeHTTP(w, r)
			return
		}
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, r)
		text := p.Change(r, rec.Code, rec.Header(), rec.Body.Bytes())
		for name, values := range rec.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(rec.Code)
		w.Write(text)
	}))
	t.Cleanup(p.Close)
	clients := map[string]*storage.Client{ClientID: storage.WebClient(ClientID, Secret, redirect)}
	handler = exampleop.SetupServer(p.URL, storage.NewStorageWithClients(all, clients), nil, false, op.WithAllowInsecure())
	return p
}

// NewBrowser returns a client that keeps cookies and follows no redirects.
func NewBrowser(t testing.TB) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

var requestID = regexp.MustCompile(`name="id" value="([^"]+)"`)

// SignIn signs a user in whom our side has sent to, and returns the address that the
// provider leads her back to.
func (p *Provider) SignIn(t testing.TB, browser *http.Client, to, name string) (back string) {
	t.Helper()
	for range 10 {
		if !strings.HasPrefix(to, p.URL+"/") {
			return to
		}
		resp, err := browser.Get(to)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if id := requestID.FindSubmatch(body); resp.StatusCode == http.StatusOK && id != nil {
			resp, err = browser.PostForm(p.URL+"/login/username", url.Values{"id": {string(id[1])}, "username": {name}, "password": {name}})
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
		}
		next, err := resp.Location()
		if err != nil {
			t.Fatalf("the provider answers %d at %s: %.300s", resp.StatusCode, to, body)
		}
		to = next.String()
	}
	t.Fatal("the provider leads nowhere")
	return ""
}
