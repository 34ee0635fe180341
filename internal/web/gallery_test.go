package web_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"firsthand/internal/locale"
	"firsthand/internal/locale/localetest"
	"firsthand/internal/web"
	"firsthand/internal/web/webtest"
)

// missing is what the catalogue shows for a key that isn't there, and what a verb
// without its argument looks like.
var missing = regexp.MustCompile(`\[[a-z_]+\.[a-z_.]+\]|%!|&lt;nil&gt;|&lt;no value&gt;`)

// galleries are sets of data, from nothing to too much.
func galleries(t testing.TB) map[string]*webtest.Agent {
	return map[string]*webtest.Agent{
		"empty": webtest.Empty(), "usual": webtest.Usual(t), "long": webtest.Long(t), "hostile": webtest.Saying(t, `"><script>alert(1)</script>`),
	}
}

// Every page renders, with every data, in every language, and is small enough.
func TestGallery(t *testing.T) {
	langs := append([]*locale.Language{localetest.Long(t)}, locale.All()...)
	for name, a := range galleries(t) {
		for _, lang := range langs {
			t.Run(name+" "+lang.Tag, func(t *testing.T) {
				c := webtest.SignIn(t, webtest.NewServer(t, webtest.NewHouse(web.Open, a), webtest.NewClock(), lang))
				for _, page := range webtest.Pages(a) {
					r := c.Get(page)
					want := http.StatusOK
					if page == "/there-is-nothing" {
						want = http.StatusNotFound
					}
					body := r.Body.String()
					if r.Code != want {
						t.Errorf("%s: status %d", page, r.Code)
						continue
					}
					if m := missing.FindString(body); m != "" {
						t.Errorf("%s has %s", page, m)
					}
					if !strings.Contains(body, `lang="`+lang.Tag+`"`) || strings.Count(body, "<h1") != 1 {
						t.Errorf("%s has no lang, or not one h1", page)
					}
					if n := packed(body); n > 60<<10 {
						t.Errorf("%s: %d bytes compressed, at most 60 KiB", page, n)
					}
				}
			})
		}
	}
}

func packed(s string) int {
	var n counter
	z := gzip.NewWriter(&n)
	io.WriteString(z, s)
	z.Close()
	return int(n)
}

type counter int

func (c *counter) Write(b []byte) (int, error) { *c += counter(len(b)); return len(b), nil }
