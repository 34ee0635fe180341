package webtest

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"firsthand/internal/web"
)

// A Client is a browser without a screen, that has one cookie and asks a server
// directly.
type Client struct {
	t      testing.TB
	server http.Handler
	Cookie *http.Cookie
	Header http.Header // of each request
}

// NewClient returns one that nobody knows.
func NewClient(t testing.TB, s http.Handler) *Client {
	return &Client{t: t, server: s, Header: http.Header{}}
}

// SignIn comes by a new link, and gives the passphrase.
func SignIn(t testing.TB, s *web.Server) *Client {
	t.Helper()
	c := NewClient(t, s)
	c.Get(s.Link())
	if r := c.Post("/unlock", "passphrase", Passphrase); r.Code != http.StatusSeeOther {
		t.Fatalf("unlock: %d\n%s", r.Code, r.Body)
	}
	return c
}

// Get asks for a page.
func (c *Client) Get(path string) *httptest.ResponseRecorder {
	return c.Do(httptest.NewRequest("GET", path, nil))
}

// Post sends a form: names and values by turns.
func (c *Client) Post(path string, pairs ...string) *httptest.ResponseRecorder {
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return c.Do(r)
}

// Do sends a request with the cookie, and keeps the one that comes.
func (c *Client) Do(r *http.Request) *httptest.ResponseRecorder {
	r.Host = "127.0.0.1:8440"
	for name, values := range c.Header {
		r.Header[name] = values
	}
	if c.Cookie != nil {
		r.AddCookie(c.Cookie)
	}
	w := httptest.NewRecorder()
	c.server.ServeHTTP(w, r)
	for _, cookie := range w.Result().Cookies() {
		c.Cookie = cookie
	}
	return w
}

var onceField = regexp.MustCompile(`name="once" value="([^"]+)"`)

// Once returns the word of the first form on a page that has one.
func (c *Client) Once(path string) string {
	c.t.Helper()
	m := onceField.FindStringSubmatch(c.Get(path).Body.String())
	if m == nil {
		c.t.Fatalf("%s has no form with a word", path)
	}
	return m[1]
}
