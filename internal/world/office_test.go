package world_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"firsthand"
)

var onceField = regexp.MustCompile(`action="([^"]+/accept)"><input type="hidden" name="once" value="([^"]+)"`)

// A stranger sits down at a company's desk by the link on the world's page, and is
// the person there: what she is told waits until he decides, and no longer goes by
// itself.
func TestSittingDownAtADesk(t *testing.T) {
	t.Parallel()
	s := fresh(t)
	const domain = "gentwater.example"
	rel := s.meet(domain)
	s.bind(rel, domain)
	c := s.Company(domain)
	if r := ask(s.behind(), "POST", "/demo/desk", url.Values{"company": {"leeszaal.example"}}); r.Code != http.StatusNotFound {
		t.Errorf("a company without a desk: status %d", r.Code)
	}
	if r := ask(s.behind(), "POST", "/demo/desk", url.Values{"company": {domain}}); r.Code != http.StatusSeeOther {
		t.Fatalf("status %d", r.Code)
	}
	_, taken, link, err := c.Desk(s.ctx())
	s.must(err)
	if taken || !strings.Contains(s.page().Body.String(), link) {
		t.Errorf("taken %v, or the page lacks the link %s", taken, link)
	}
	jar, err := cookiejar.New(nil)
	s.must(err)
	browser := &http.Client{Jar: jar}
	read := func(r *http.Response, err error) string {
		t.Helper()
		s.must(err)
		defer r.Body.Close()
		text, err := io.ReadAll(r.Body)
		s.must(err)
		if r.StatusCode != http.StatusOK {
			t.Fatalf("%s: status %d\n%s", r.Request.URL, r.StatusCode, text)
		}
		return string(text)
	}
	if page := read(browser.Get(link)); !strings.Contains(page, "Welcome, Els") {
		t.Fatalf("the link shows\n%s", page)
	}
	read(browser.PostForm(link+"/demo", nil))
	desk, taken, again, err := c.Desk(s.ctx())
	s.must(err)
	if !taken || again != "" {
		t.Errorf("taken %v, link %q", taken, again)
	}

	told := s.tell(rel, "email", firsthand.Text("mia@new.example"))
	s.pass(time.Minute)
	s.sync()
	if o := s.outcome(rel, told); o != nil {
		t.Fatalf("somebody has decided: %+v", o)
	}
	due := read(browser.Get(desk + "/due"))
	_, request, _ := strings.Cut(due, `href="/requests/`)
	request, _, _ = strings.Cut(request, `"`)
	page := read(browser.Get(desk + "/requests/" + request))
	m := onceField.FindStringSubmatch(page)
	if m == nil || !strings.Contains(page, "mia@new.example") {
		t.Fatalf("the request shows\n%s", page)
	}
	read(browser.PostForm(desk+m[1], url.Values{"once": {m[2]}}))
	s.pass(0)
	s.sync()
	if o := s.outcome(rel, told); o == nil || !o.Applied {
		t.Errorf("outcome = %+v", o)
	}
	if page := read(browser.Get(desk + "/audit")); !strings.Contains(page, "Els, customer desk") {
		t.Error("the audit doesn't name her")
	}
	if page := read(browser.PostForm(desk+"/connect/check", nil)); !strings.Contains(page, "a person decides") {
		t.Errorf("the check says\n%s", page)
	}
}
