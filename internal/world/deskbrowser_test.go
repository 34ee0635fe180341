package world_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/internal/needtest"
	"firsthand/internal/web/webtest"
	"firsthand/internal/world"
)

func TestMain(m *testing.M) { os.Exit(webtest.Main(m)) }

// The page behind the scenes, with something on it of all that can be there: letters,
// records, a company that is down, and what she told. It passes what pages pass.
func TestDeskInABrowser(t *testing.T) {
	s := mailed(t)
	b, looks := s.desk(), webtest.Looks()
	if !needtest.Big() {
		looks = looks[:2]
	}
	for _, l := range looks[:len(looks)/2] { // with nothing on it
		b.Look(l.Width, l.Dark)
		b.Open("/demo/")
		b.Check(t, l.String(), l.Width)
	}
	rel := s.meet("veloshop.example")
	s.bind(rel, "veloshop.example")
	s.tell(rel, "nickname", firsthand.Text("<script>alert(1)</script>"))
	s.pass(0)
	s.moves(power, tv, piggy)
	s.mails(time.Minute)
	s.must(s.Company("veloshop.example").Down())
	for _, l := range looks {
		b.Look(l.Width, l.Dark)
		b.Open("/demo/")
		b.Evaluate(`document.querySelectorAll("details").forEach(e => e.open = true), true`, new(bool))
		b.Check(t, "with letters and records, "+l.String(), l.Width)
	}
}

// The site of a small company, and the page that its button leads to.
func TestSiteInABrowser(t *testing.T) {
	s := fresh(t)
	site := strings.TrimSuffix(s.Company(world.Shop).Site(), "/")
	b, looks := webtest.Open(t, site), webtest.Looks()
	if !needtest.Big() {
		looks = looks[:2]
	}
	for _, l := range looks {
		b.Look(l.Width, l.Dark)
		for _, page := range []string{"/", "/meet", "/meet?company=" + world.Shop} {
			b.Open(page)
			b.Evaluate(`document.querySelectorAll("details").forEach(e => e.open = true), true`, new(bool))
			b.Check(t, l.String()+": "+page, l.Width)
			var broken int
			b.Evaluate(`[...document.images].filter(i => !i.complete || i.naturalWidth === 0).length`, &broken)
			if broken > 0 {
				t.Errorf("%s: %d pictures are not shown", page, broken)
			}
		}
	}
	s.must(s.Company(world.Shop).Down())
	if at := s.Company(world.Shop).Site(); at != "" {
		t.Errorf("its site is at %s while it is down", at)
	}
}

// desk opens a browser at the world's page.
func (s *stage) desk() *webtest.Browser {
	s.Helper()
	d := world.NewDesk("/demo/", world.DeskOptions{World: func() *world.World { return s.World }, Link: func() string { return "/enter/here" }})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/favicon.ico" { // Firsthand's pages have one
			w.WriteHeader(http.StatusNoContent)
			return
		}
		d.ServeHTTP(w, r)
	}))
	s.Cleanup(server.Close)
	return webtest.Open(s, server.URL)
}
