// Package meetus is the page by which a company's site leads to its gateway: a
// stranger who has Firsthand, or has never heard of it, comes here from the button on
// the site, and goes on into her own app.
//
// The page is the same for everybody. It needs no script, sets no cookie, asks
// nobody else for anything and doesn't tell the next page where she came from, so
// that neither the company nor anybody else learns from it who has an app, where it
// is, or whom she knows. All that it can do for her is to hand over one word, the
// company's domain; what her app does with it is between her and her app.
package meetus

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/boombuler/barcode/qr"

	"firsthand"
	"firsthand/internal/rbutton"
)

// App is where a customer's app is, if she runs it on the machine before her and
// changed nothing.
const App = "http://127.0.0.1:8440"

// Scheme is the scheme of links that a browser hands to her app, once she has told
// the browser where that is.
const Scheme = "web+firsthand"

// Options say whom the page is of.
type Options struct {
	// Company is who it is. Its domain, name, jurisdiction, gateway and terms are
	// used.
	Company firsthand.Company
	// App is where the app of a customer is, for a demo that has one; default App.
	App string
}

// A Handler serves the page and what belongs to it. It is safe for concurrent use.
type Handler struct {
	mux   *http.ServeMux
	paths []string
}

//go:embed page.html page.css
var files embed.FS

var page = template.Must(template.ParseFS(files, "page.html"))

// New returns the page of a company, made once. The error says what is wrong with o.
func New(o Options) (*Handler, error) {
	if err := firsthand.CheckDomain(o.Company.Domain); err != nil {
		return nil, err
	}
	base, err := url.Parse(o.Company.Gateway)
	if err != nil {
		return nil, err
	}
	// The domain stands in the address, so that the address by itself, pasted or
	// scanned, tells an app whom to meet.
	query := "/meet?company=" + url.QueryEscape(o.Company.Domain)
	here := o.Company.Gateway + query
	code, err := qrSVG(here)
	if err != nil {
		return nil, err
	}
	data := struct {
		C                      firsthand.Company
		Base, Here, Address    string
		Open, Here127, Snippet any
	}{C: o.Company, Base: base.Path, Here: here, Address: "firsthand:" + o.Company.Domain,
		// Both are made of a domain that was checked, and of nothing else that could
		// have a meaning in them.
		Open:    template.URL(Scheme + ":" + o.Company.Domain),
		Here127: cmp.Or(o.App, App) + query,
		Snippet: Snippet(o.Company.Gateway, o.Company.Domain, rbutton.Ready),
	}
	var b bytes.Buffer
	if err := page.Execute(&b, data); err != nil {
		return nil, err
	}
	css, err := files.ReadFile("page.css")
	if err != nil {
		return nil, err
	}
	h := &Handler{mux: http.NewServeMux()}
	h.add(base.Path+"/meet", "text/html; charset=utf-8", "default-src 'none'; img-src 'self'; style-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'", b.Bytes())
	h.add(base.Path+"/meet/page.css", "text/css; charset=utf-8", "default-src 'none'", css)
	h.add(base.Path+"/meet/code.svg", svgType, svgPolicy, code)
	for _, s := range rbutton.States {
		h.add(base.Path+"/meet/"+string(s)+".svg", svgType, svgPolicy, s.SVG())
	}
	return h, nil
}

const (
	svgType   = "image/svg+xml"
	svgPolicy = "default-src 'none'; style-src 'unsafe-inline'; sandbox" // its own colours, and nothing that runs
)

// add serves text at path.
func (h *Handler) add(path, media, policy string, text []byte) {
	h.paths = append(h.paths, path)
	h.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
		header := w.Header()
		header.Set("Content-Type", media)
		header.Set("Content-Security-Policy", policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cache-Control", "public, max-age=300")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		if media == svgType {
			header.Set("Cross-Origin-Resource-Policy", "cross-origin") // the button is for other sites
		}
		header.Set("Content-Length", fmt.Sprint(len(text)))
		w.Write(text) // the caller may have gone
	})
}

// Paths returns all that h serves, for GET and HEAD.
func (h *Handler) Paths() []string { return h.paths }

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// Before returns a handler that serves the page, and gives everything else to next.
func (h *Handler) Before(next http.Handler) http.Handler {
	mux := http.NewServeMux()
	for _, path := range h.paths {
		mux.Handle("GET "+path, h.mux)
	}
	mux.Handle("/", next)
	return mux
}

// Snippet returns the button for a company's own site, as HTML.
func Snippet(gateway, domain string, s rbutton.State) string {
	return fmt.Sprintf(`<a href="%[1]s/meet?company=%[2]s" rel="noreferrer"><img src="%[1]s/meet/%[3]s.svg" width="64" height="32" alt=""> %[4]s</a>`,
		template.HTMLEscapeString(gateway), url.QueryEscape(domain), s, words[s])
}

// words stand beside each picture: it says nothing by itself.
var words = map[rbutton.State]string{
	rbutton.None:    "Soon: meet us on your terms",
	rbutton.Ready:   "Meet us on your terms",
	rbutton.Related: "We have met, on your terms",
}

// qrSVG returns text as a QR code. It is dark on light in any surroundings, as
// cameras want it.
func qrSVG(text string) ([]byte, error) {
	code, err := qr.Encode(text, qr.M, qr.Unicode)
	if err != nil {
		return nil, err
	}
	const margin = 4 // modules, as the standard says
	n := code.Bounds().Dx()
	var path strings.Builder
	for y := range n {
		for x := 0; x < n; x++ {
			from := x
			for x < n && dark(code.At(x, y).RGBA()) {
				x++
			}
			if x > from {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", from+margin, y+margin, x-from, x-from)
			}
		}
	}
	size := n + 2*margin
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]d %[1]d" role="img"><title>The address of this page</title><path fill="#fff" d="M0 0h%[1]dv%[1]dH0z"/><path shape-rendering="crispEdges" d="%[2]s"/></svg>`+"\n",
		size, path.String()), nil
}

func dark(r, _, _, _ uint32) bool { return r < 0x8000 }
