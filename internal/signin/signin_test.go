package signin_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/oidc"
	"firsthand/internal/oidc/oidctest"
	"firsthand/internal/signin"
)

// A desk stands for the gateway: it notes who came, and has one claim.
type desk struct {
	rel, claim firsthand.ID
	came       []string
	err        error
}

func (d *desk) SignedIn(_ context.Context, rel, claim firsthand.ID, record string) (string, error) {
	if rel != d.rel || claim != d.claim {
		return "", fault.Tell(fault.NotExist, "no such claim", "")
	}
	d.came = append(d.came, record)
	return "ABCD-1234", d.err
}

// A house is the pages, the provider, and a clock.
type house struct {
	t        *testing.T
	desk     *desk
	provider *oidctest.Provider
	url      string
	now      time.Time
}

func newHouse(t *testing.T) *house {
	h := &house{t: t, desk: &desk{rel: firsthand.ID{1}, claim: firsthand.ID{2}}, now: time.Now()}
	var pages http.Handler
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { pages.ServeHTTP(w, r) }))
	t.Cleanup(s.Close)
	h.url = s.URL + "/fh/sign-in"
	h.provider = oidctest.New(t, h.url+"/back", "C-1", "C-2")
	var err error
	pages, err = signin.New(signin.Options{Gateway: h.desk, Company: "Acme <BV>", URL: h.url, Claim: "sub",
		Provider: oidc.Config{Issuer: h.provider.URL, ClientID: oidctest.ClientID, Secret: oidctest.Secret},
		Now:      func() time.Time { return h.now }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) page() string { return h.url + "/" + h.desk.rel.String() + "/" + h.desk.claim.String() }

// get returns status, text and where it leads.
func (h *house) get(browser *http.Client, at string) (status int, text, to string) {
	h.t.Helper()
	resp, err := browser.Get(at)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	if strings.Contains(string(body), "<BV>") {
		h.t.Errorf("%s: markup from the configuration", at)
	}
	return resp.StatusCode, html.UnescapeString(string(body)), resp.Header.Get("Location")
}

// led returns where the provider leads a user back to.
func (h *house) led(browser *http.Client, name string) string {
	h.t.Helper()
	status, _, to := h.get(browser, h.page()+"/go")
	if status != http.StatusSeeOther {
		h.t.Fatalf("status %d on the way to the provider", status)
	}
	return h.provider.SignIn(h.t, browser, to, name)
}

func TestSignIn(t *testing.T) {
	h := newHouse(t)
	browser := oidctest.NewBrowser(t)
	status, text, _ := h.get(browser, h.page())
	if status != http.StatusOK || !strings.Contains(text, "Acme <BV>") || !strings.Contains(text, "/go") {
		t.Fatalf("%d: %s", status, text)
	}
	back := h.led(browser, "C-1")
	status, text, _ = h.get(browser, back)
	if status != http.StatusOK || !strings.Contains(text, "ABCD-1234") {
		t.Fatalf("%d: %s", status, text)
	}
	if len(h.desk.came) != 1 || h.desk.came[0] != "C-1" {
		t.Errorf("came: %q", h.desk.came)
	}
	// What led back once leads nowhere again.
	if status, text, _ = h.get(browser, back); status != http.StatusForbidden || strings.Contains(text, "ABCD-1234") {
		t.Errorf("again: %d: %s", status, text)
	}
}

// Whoever comes back in another way than he was led away gets no code.
func TestRefused(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		play   func(h *house, browser *http.Client) (at string)
	}{
		{"another browser comes back", 403, func(h *house, browser *http.Client) string {
			return h.led(oidctest.NewBrowser(h.t), "C-1")
		}},
		{"the state of another attempt", 403, func(h *house, browser *http.Client) string {
			first := h.led(browser, "C-1")
			h.led(browser, "C-1")
			return first
		}},
		{"no state", 403, func(h *house, browser *http.Client) string {
			u, _ := url.Parse(h.led(browser, "C-1"))
			q := u.Query()
			q.Del("state")
			u.RawQuery = q.Encode()
			return u.String()
		}},
		{"another's code, put into hers", 403, func(h *house, browser *http.Client) string {
			theirs, _ := url.Parse(h.led(oidctest.NewBrowser(h.t), "C-2"))
			hers, _ := url.Parse(h.led(browser, "C-1"))
			q := hers.Query()
			q.Set("code", theirs.Query().Get("code"))
			hers.RawQuery = q.Encode()
			return hers.String()
		}},
		{"too late", 403, func(h *house, browser *http.Client) string {
			back := h.led(browser, "C-1")
			h.now = h.now.Add(11 * time.Minute)
			return back
		}},
		{"she said no", 403, func(h *house, browser *http.Client) string {
			u, _ := url.Parse(h.led(browser, "C-1"))
			u.RawQuery = url.Values{"state": {u.Query().Get("state")}, "error": {"access_denied"}, "error_description": {"<script>alert(1)</script>"}}.Encode()
			return u.String()
		}},
		{"a token whose claims were changed", 403, func(h *house, browser *http.Client) string {
			h.provider.Change = claims(func(c map[string]any) { c["sub"] = "C-2" })
			return h.led(browser, "C-1")
		}},
		{"a token for another client", 403, func(h *house, browser *http.Client) string {
			h.provider.Change = claims(func(c map[string]any) { c["aud"] = []string{"other"} })
			return h.led(browser, "C-1")
		}},
		{"a token without a signature", 403, func(h *house, browser *http.Client) string {
			h.provider.Change = token(func(string) string {
				return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." +
					base64.RawURLEncoding.EncodeToString(firsthand.EncodeJSON(map[string]any{"iss": h.provider.URL, "aud": oidctest.ClientID, "sub": "C-1", "exp": h.now.Add(time.Hour).Unix()})) + "."
			})
			return h.led(browser, "C-1")
		}},
		{"no token", 403, func(h *house, browser *http.Client) string {
			h.provider.Change = token(func(string) string { return "" })
			return h.led(browser, "C-1")
		}},
		{"the gateway says that it is another customer's claim", 403, func(h *house, browser *http.Client) string {
			h.desk.err = fault.Tell(fault.Denied, "You have signed in as another customer.", "")
			return h.led(browser, "C-2")
		}},
		{"the gateway's system is down", 503, func(h *house, browser *http.Client) string {
			h.desk.err = errors.Join(fault.Unavailable, errors.New("record of mia@example.org"))
			return h.led(browser, "C-1")
		}},
		{"an address that nobody gave out", 404, func(h *house, browser *http.Client) string { return h.url + "/x/y" }},
		{"to the provider from there", 404, func(h *house, browser *http.Client) string { return h.url + "/x/y/go" }},
		{"a cookie that is none", 403, func(h *house, browser *http.Client) string {
			back := h.led(browser, "C-1")
			u, _ := url.Parse(h.url)
			browser.Jar.SetCookies(u, []*http.Cookie{{Name: "firsthand-sign-in", Value: "AAAA", Path: "/"}})
			return back
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t)
			browser := oidctest.NewBrowser(t)
			status, text, _ := h.get(browser, tt.play(h, browser))
			if status != tt.status {
				t.Errorf("status %d, want %d: %s", status, tt.status, text)
			}
			for _, never := range []string{"ABCD-1234", "<script", "mia@example.org"} {
				if strings.Contains(text, never) {
					t.Errorf("the page says %s", never)
				}
			}
			if h.desk.err == nil && len(h.desk.came) > 0 {
				t.Errorf("came: %q", h.desk.came)
			}
		})
	}
}

// token has the provider give another ID token.
func token(change func(string) string) func(*http.Request, int, http.Header, []byte) []byte {
	return func(r *http.Request, status int, header http.Header, body []byte) []byte {
		var answer map[string]any
		if !strings.HasSuffix(r.URL.Path, "/token") || json.Unmarshal(body, &answer) != nil {
			return body
		}
		answer["id_token"] = change(answer["id_token"].(string))
		header.Del("Content-Length")
		return firsthand.EncodeJSON(answer)
	}
}

// claims has it change the claims under the signature of others.
func claims(change func(map[string]any)) func(*http.Request, int, http.Header, []byte) []byte {
	return token(func(jwt string) string {
		parts := strings.Split(jwt, ".")
		text, _ := base64.RawURLEncoding.DecodeString(parts[1])
		var c map[string]any
		json.Unmarshal(text, &c)
		change(c)
		parts[1] = base64.RawURLEncoding.EncodeToString(firsthand.EncodeJSON(c))
		return strings.Join(parts, ".")
	})
}

func TestHeaders(t *testing.T) {
	h := newHouse(t)
	resp, err := http.Get(h.page())
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff"} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if csp := resp.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "'sha256-") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy %q", csp)
	}
	// For another host, whose name was made to lead here, there is nothing.
	req, _ := http.NewRequest(http.MethodGet, h.page(), nil)
	req.Host = "evil.example"
	resp, err = http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("another host: %d", resp.StatusCode)
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
		req, _ := http.NewRequest(method, h.page(), nil)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", method, resp.StatusCode)
		}
	}
}
