// Package signin serves the pages by which a customer proves a claim with the
// company's own sign-in: her app leads her here, she signs in with the company as she
// always does, and is shown a code for her app.
//
// The pages know nothing of her but what the provider says, and keep nothing: what
// has to last while she is away lies in a sealed cookie of hers, so that any of
// several gateways may be the one to which she comes back.
package signin

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/look"
	"firsthand/internal/oidc"
)

// A Gateway gives out codes. [gateway.Gateway] is one.
type Gateway interface {
	// SignedIn returns the code for a claim of whoever has signed in as the customer
	// of that record.
	SignedIn(ctx context.Context, rel, claim firsthand.ID, record string) (code string, err error)
}

// Options are what a Handler needs from its surroundings.
type Options struct {
	Gateway Gateway
	Company string // as customers call it
	URL     string // of these pages, without a slash at the end: "https://gateway.acme.example/sign-in"

	Provider oidc.Config // Redirect is set by New
	// Claim of the provider's that has the customer's number, as the system knows it.
	Claim string

	Client *http.Client // calls the provider; nil is one with its limits
	Now    func() time.Time
	Log    *slog.Logger // no personal data
}

// A Handler serves the pages. It is safe for concurrent use.
type Handler struct {
	o        Options
	base     string // path of the pages
	host     string
	secure   bool
	provider *oidc.Provider
	seal     cipher.AEAD
	tries    *rate.Limiter
	mux      *http.ServeMux
}

const (
	cookieTime = 10 * time.Minute
	cookieName = "firsthand-sign-in"
	back       = "/back"
)

//go:embed page.html
var files embed.FS

var page = template.Must(template.ParseFS(files, "page.html"))

// New returns the pages. It calls nobody.
func New(o Options) (*Handler, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || o.Claim == "" {
		return nil, fmt.Errorf("sign-in: %w: an address and a claim are needed", fault.Invalid)
	}
	o.Provider.Redirect = o.URL + back
	// The secret is one that all gateways of the company have, and nobody else but the
	// provider.
	key, err := hkdf.Key(sha256.New, []byte(o.Provider.Secret), nil, "firsthand-gateway sign-in cookie v1", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	h := &Handler{o: o, base: u.Path, host: u.Host, secure: u.Scheme == "https", tries: rate.NewLimiter(50, 200),
		provider: oidc.New(o.Provider, o.Client, o.Now), mux: http.NewServeMux()}
	if h.seal, err = cipher.NewGCMWithRandomNonce(block); err != nil {
		return nil, err
	}
	for _, r := range h.Routes() {
		h.mux.HandleFunc(r, map[string]http.HandlerFunc{
			"GET " + h.base + "/{rel}/{claim}":    h.edge(h.begin),
			"GET " + h.base + "/{rel}/{claim}/go": h.edge(h.lead),
			"GET " + h.base + back:                h.edge(h.back),
		}[r])
	}
	return h, nil
}

// Routes returns the patterns of all pages. None needs or makes a session.
func (h *Handler) Routes() []string {
	return []string{"GET " + h.base + "/{rel}/{claim}", "GET " + h.base + "/{rel}/{claim}/go", "GET " + h.base + back}
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// A view is what a page shows: who is asked, the code, or what is wrong.
type view struct {
	Company, Host string
	Go            string // where the link leads
	Code          string
	Sorry, Hint   string
}

var errAddress = fault.Tell(fault.NotExist, "This address is not one that we gave out.", "Follow the link in your app.")

// edge sets what every response has, and shows errors.
func (h *Handler) edge(serve func(*http.Request, http.ResponseWriter) (view, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		look.Headers(w.Header(), h.secure)
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src '"+styleHash+"'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		if r.Host != h.host {
			http.Error(w, "not here", http.StatusMisdirectedRequest)
			return
		}
		v, err := serve(r, w)
		if err == nil && v.Company == "" {
			return // led elsewhere
		}
		status := http.StatusOK
		if err != nil {
			v = view{Sorry: "Something went wrong here.", Hint: "Begin again in your app."}
			status = http.StatusInternalServerError
			n, told := errors.AsType[*fault.Notice](err)
			switch {
			case told:
				v.Sorry, v.Hint = n.Text, n.Hint
			case fault.KindOf(err) == fault.Denied:
				v.Sorry = "Your sign-in could not be confirmed."
			}
			switch fault.KindOf(err) {
			case fault.Denied:
				status = http.StatusForbidden
			case fault.NotExist:
				status = http.StatusNotFound
			case fault.Unavailable:
				status = http.StatusServiceUnavailable
			}
			h.o.Log.InfoContext(r.Context(), "sign-in of a customer refused", "kind", fault.KindOf(err))
		}
		v.Company, v.Host = h.o.Company, h.provider.Host()
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		page.Execute(w, v)
	}
}

// claimOf returns what the address names.
func claimOf(r *http.Request) (rel, claim firsthand.ID, err error) {
	if rel, err = firsthand.ParseID(r.PathValue("rel")); err == nil {
		claim, err = firsthand.ParseID(r.PathValue("claim"))
	}
	if err != nil {
		err = errAddress
	}
	return rel, claim, err
}

// begin says what will happen.
func (h *Handler) begin(r *http.Request, _ http.ResponseWriter) (v view, err error) {
	rel, claim, err := claimOf(r)
	return view{Company: h.o.Company, Go: fmt.Sprintf("%s/%s/%s/go", h.base, rel, claim)}, err
}

// away is what the cookie says while she is at the provider.
type away struct {
	Rel     firsthand.ID `json:"rel"`
	Claim   firsthand.ID `json:"claim"`
	Until   time.Time    `json:"until"`
	Attempt oidc.Attempt `json:"attempt"`
}

// lead leads to the provider, where she signs in anew: that a browser was left open is
// no proof. It is a link and no form, since a content policy lets no form lead
// elsewhere; and whoever makes her follow it gains nothing, since the code is shown
// to her alone.
func (h *Handler) lead(r *http.Request, w http.ResponseWriter) (v view, err error) {
	rel, claim, err := claimOf(r)
	if err != nil {
		return v, err
	}
	if !h.tries.AllowN(h.o.Now(), 1) {
		return v, fault.Tell(fault.Unavailable, "Too many sign in at once.", "Try again in a minute.")
	}
	to, a, err := h.provider.Begin(r.Context(), true)
	if err != nil {
		return v, err
	}
	text := firsthand.EncodeJSON(away{rel, claim, h.o.Now().Add(cookieTime), a})
	h.setCookie(w, base64.RawURLEncoding.EncodeToString(h.seal.Seal(nil, nil, text, []byte(cookieName))))
	http.Redirect(w, r, to, http.StatusSeeOther)
	return v, nil
}

// back takes her back from the provider and shows the code.
func (h *Handler) back(r *http.Request, w http.ResponseWriter) (v view, err error) {
	var a away
	if err := h.opened(r, &a); err != nil {
		return v, err
	}
	h.setCookie(w, "") // good once
	id, err := h.provider.Finish(r.Context(), r.URL.Query(), a.Attempt)
	if err != nil {
		return v, err
	}
	record := id.Text(h.o.Claim)
	if record == "" {
		return v, fault.Tell(fault.NotExist, "Your account does not lead to a customer record.", "Ask us to put that right.")
	}
	code, err := h.o.Gateway.SignedIn(r.Context(), a.Rel, a.Claim, record)
	return view{Company: h.o.Company, Code: code}, err
}

var errLate = fault.Tell(fault.Denied, "This sign-in was not begun in this browser, or too long ago.", "Begin again in your app.")

// opened reads the cookie.
func (h *Handler) opened(r *http.Request, a *away) error {
	c, err := r.Cookie(h.cookieName())
	if err != nil {
		return errLate
	}
	sealed, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return errLate
	}
	text, err := h.seal.Open(nil, nil, sealed, []byte(cookieName))
	if err != nil || json.Unmarshal(text, a) != nil || h.o.Now().After(a.Until) {
		return errLate
	}
	return nil
}

func (h *Handler) cookieName() string {
	if h.secure {
		return "__Host-" + cookieName
	}
	return cookieName
}

// setCookie keeps text in her browser, or with "" removes what was there. The provider
// leads back from elsewhere, so it has to come along then.
func (h *Handler) setCookie(w http.ResponseWriter, text string) {
	c := &http.Cookie{Name: h.cookieName(), Value: text, Path: "/", HttpOnly: true, Secure: h.secure, SameSite: http.SameSiteLaxMode, MaxAge: int(cookieTime / time.Second)}
	if text == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// styleHash lets the one style of the page in, and nothing else.
var styleHash = func() string {
	text, err := files.ReadFile("page.html")
	if err != nil {
		panic(err) // it is embedded
	}
	_, style, _ := strings.Cut(string(text), "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	sum := sha256.Sum256([]byte(style))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}()
