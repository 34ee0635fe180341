package meetus_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"firsthand"
	"firsthand/internal/meetus"
	"firsthand/internal/rbutton"
)

func acme() firsthand.Company {
	return firsthand.Company{Domain: "acme.example", Name: `Acme <b>"BV"`, Jurisdiction: "BE", Gateway: "https://gw.acme.example/desk",
		Terms: []firsthand.TermsRef{{Code: "FIRSTHAND-SD-BASE"}}}
}

func get(h http.Handler, method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

// The page is the same for everybody, and needs, sets, asks and does nothing.
func TestPage(t *testing.T) {
	h, err := meetus.New(meetus.Options{Company: acme()})
	if err != nil {
		t.Fatal(err)
	}
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTeapot) })
	all := h.Before(next)
	for _, path := range h.Paths() {
		r := get(all, "GET", path)
		header := r.Header()
		if r.Code != 200 || len(r.Result().Cookies()) > 0 || header.Get("Referrer-Policy") != "no-referrer" || header.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.HasPrefix(header.Get("Content-Security-Policy"), "default-src 'none'") || strings.Contains(header.Get("Content-Security-Policy"), "script-src") {
			t.Errorf("%s: %d %v", path, r.Code, header)
		}
	}
	for _, other := range []string{"POST /desk/meet", "GET /meet", "GET /desk/meet/x.svg", "GET /desk/meet/../v1/sync", "GET /desk/v1/sync"} {
		method, path, _ := strings.Cut(other, " ")
		if r := get(all, method, path); r.Code == 200 {
			t.Errorf("%s is served", other)
		}
	}
	text := get(all, "GET", "/desk/meet").Body.String()
	if text != get(all, "GET", "/desk/meet?company=evil.example&x=<script>").Body.String() {
		t.Error("the page depends on what is asked")
	}
	doc, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var links []string
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if slices.Contains([]string{"script", "form", "iframe", "b", "style", "object", "base"}, n.Data) {
			t.Errorf("the page has an element %s", n.Data)
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" {
				t.Errorf("the page has an attribute %s", a.Key)
			}
			if a.Key == "src" && !strings.HasPrefix(a.Val, "/desk/meet/") {
				t.Errorf("the page asks for %s", a.Val)
			}
			if n.Data == "a" && a.Key == "href" {
				links = append(links, a.Val)
				if !slices.Contains(n.Attr, html.Attribute{Key: "rel", Val: "noreferrer"}) {
					t.Errorf("the link to %s says where she comes from", a.Val)
				}
			}
		}
	}
	if want := []string{"web+firsthand:acme.example", "http://127.0.0.1:8440/meet?company=acme.example"}; !slices.Equal(links, want) {
		t.Errorf("links = %q, want %q", links, want)
	}
	if !strings.Contains(text, "firsthand:acme.example") || !strings.Contains(text, "https://gw.acme.example/desk/meet?company=acme.example") {
		t.Errorf("no address in\n%s", text)
	}
}

func TestNewRefuses(t *testing.T) {
	for name, change := range map[string]func(*firsthand.Company){
		"a domain that is none": func(c *firsthand.Company) { c.Domain = `acme.example" onclick="x` },
		"no URL":                func(c *firsthand.Company) { c.Gateway = "http://[::1" },
		"too long for the code": func(c *firsthand.Company) { c.Gateway += "/" + strings.Repeat("x", 4000) },
	} {
		c := acme()
		change(&c)
		if _, err := meetus.New(meetus.Options{Company: c}); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// What the guide for web developers shows is what the program says.
func TestSnippet(t *testing.T) {
	for s, want := range map[rbutton.State]string{
		rbutton.None:    `<a href="https://gw.acme.example/meet?company=acme.example" rel="noreferrer"><img src="https://gw.acme.example/meet/none.svg" width="64" height="32" alt=""> Soon: meet us on your terms</a>`,
		rbutton.Ready:   `<a href="https://gw.acme.example/meet?company=acme.example" rel="noreferrer"><img src="https://gw.acme.example/meet/ready.svg" width="64" height="32" alt=""> Meet us on your terms</a>`,
		rbutton.Related: `<a href="https://gw.acme.example/meet?company=acme.example" rel="noreferrer"><img src="https://gw.acme.example/meet/related.svg" width="64" height="32" alt=""> We have met, on your terms</a>`,
	} {
		if got := meetus.Snippet("https://gw.acme.example", "acme.example", s); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", s, got, want)
		}
	}
}
