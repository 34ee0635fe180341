package world_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/internal/agent"
	"firsthand/internal/world"
)

// ask makes a request of the desk.
func ask(d http.Handler, method, path string, form url.Values, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://127.0.0.1:8440"+path, strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w
}

// The desk shows letters and records, whatever was told to companies, and turns
// their machines off and on.
func TestDesk(t *testing.T) {
	t.Parallel()
	s := fresh(t)
	var resets []bool
	d := world.NewDesk("/demo/", world.DeskOptions{
		World: func() *world.World { return s.World },
		Reset: func(_ context.Context, fresh bool) error {
			resets = append(resets, fresh)
			return nil
		},
		Link: func() string { return "/enter/here" },
	})
	rel := s.meet("veloshop.example")
	s.bind(rel, "veloshop.example")
	s.tell(rel, "nickname", firsthand.Text("<script>alert(1)</script>"))
	s.pass(0)

	page := ask(d, "GET", "/demo/", nil)
	body := page.Body.String()
	for _, want := range []string{s.code(s.Company("veloshop.example")), world.OldEmail, "V-20418", "Chrome Passwords.csv", "&lt;script&gt;alert(1)"} {
		if page.Code != 200 || !strings.Contains(body, want) {
			t.Errorf("the page, %d, lacks %q", page.Code, want)
		}
	}
	if strings.Contains(body, world.Passphrase) { // she makes her file herself
		t.Error("the page has the passphrase of a file that isn't there")
	}
	for _, at := range regexp.MustCompile(`<a href="#([a-z]+)"`).FindAllStringSubmatch(body, -1) {
		if !strings.Contains(body, `id="`+at[1]+`"`) {
			t.Errorf("the page leads to #%s, which it doesn't have", at[1])
		}
	}
	if strings.Contains(body, "<script") || !strings.Contains(page.Header().Get("Content-Security-Policy"), "default-src 'none'") {
		t.Error("what was told is no text on the page")
	}

	velo := url.Values{"company": {"veloshop.example"}}
	if r := ask(d, "POST", "/demo/down", velo); r.Code != 303 || s.Company("veloshop.example").IsUp() {
		t.Errorf("down: %d", r.Code)
	}
	if r := ask(d, "GET", "/demo/", nil); r.Code != 200 || !strings.Contains(r.Body.String(), "is down") {
		t.Errorf("with one down: %d", r.Code)
	}
	if r := ask(d, "POST", "/demo/up", velo); r.Code != 303 || !s.Company("veloshop.example").IsUp() {
		t.Errorf("up: %d", r.Code)
	}
	if r := ask(d, "POST", "/demo/up", url.Values{"company": {"nobody.example"}}); r.Code != 404 {
		t.Errorf("up nobody: %d", r.Code)
	}

	for path, want := range map[string]int{
		"/demo/exports/contacts.vcf": 200, "/demo/exports/firsthand-demo": 404, "/demo/exports/..%2ffirsthand-demo": 400,
		"/demo/exports/%2e%2e%2fcompanies%2fveloshop.example%2fcompany.key": 400, "/demo/other": 404, "/demo/desk.css": 200,
	} {
		if r := ask(d, "GET", path, nil); r.Code != want || r.Code >= 400 && strings.Contains(r.Body.String(), "a world") {
			t.Errorf("%s: %d, want %d", path, r.Code, want)
		}
	}

	if r := ask(d, "POST", "/demo/enter", nil); r.Code != 303 || r.Header().Get("Location") != "/enter/here" {
		t.Errorf("another browser: %d to %s", r.Code, r.Header().Get("Location"))
	}
	foreign := func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }
	if r := ask(d, "POST", "/demo/reset", url.Values{"life": {"mia"}}, foreign); r.Code != 403 || len(resets) != 0 {
		t.Errorf("reset by another site: %d", r.Code)
	}
	for _, life := range []string{"mia", "fresh", ""} {
		ask(d, "POST", "/demo/reset", url.Values{"life": {life}})
	}
	if len(resets) != 2 || resets[0] || !resets[1] {
		t.Errorf("resets = %v", resets)
	}
}

// page returns the page behind the scenes.
func (s *stage) page() *httptest.ResponseRecorder { return ask(s.behind(), "GET", "/demo/", nil) }

// behind returns what serves it.
func (s *stage) behind() http.Handler {
	return world.NewDesk("/demo/", world.DeskOptions{World: func() *world.World { return s.World }})
}

// The desk shows what came to companies by mail, and who looks at it answers in their
// place; or has nobody answer.
func TestDeskOfMail(t *testing.T) {
	t.Parallel()
	s := mailed(t)
	if body := s.page().Body.String(); !strings.Contains(body, "No mails yet") || !strings.Contains(body, world.MailPassword) {
		t.Error("the page says nothing of mail")
	}
	id := s.moves(power, insured, herbs)
	_, err := s.agent.Begin(s.ctx(), agent.Move{Claim: agent.Claim{Right: "access", Text: "<script>alert(1)</script>"}, Only: []string{tv}}, "")
	s.must(err)
	s.mails(0)
	names := map[string]string{}
	body := s.page().Body.String()
	for part := range strings.SplitSeq(body, "<details class=\"mail\">") {
		_, to, _ := strings.Cut(part, "To <code>privacy@")
		to, _, _ = strings.Cut(to, "<")
		_, name, _ := strings.Cut(part, `name="mail" value="`)
		names[to], _, _ = strings.Cut(name, `"`)
	}
	if strings.Contains(body, "<script") || !strings.Contains(body, "&lt;script&gt;alert(1)") || strings.Count(body, "not answered") != 4 {
		t.Errorf("%d not answered; the page:\n%s", strings.Count(body, "not answered"), body)
	}
	answer := func(domain, how string, want int) {
		t.Helper()
		r := ask(s.behind(), "POST", "/demo/answer", url.Values{"mail": {names[domain]}, "how": {how}})
		if r.Code != want {
			t.Errorf("%s to %s: %d, want %d", how, domain, r.Code, want)
		}
	}
	answer(power, "quiet", 303)
	answer(insured, "done", 303)
	answer(herbs, "burn it", 400)
	answer("nobody.example", "done", 404)
	names["another"] = "../mia"
	answer("another", "done", 404)
	s.mails(time.Minute)
	if n := len(s.answers(power)); n != 0 {
		t.Errorf("%d answers of whom was to say nothing", n)
	}
	got := s.answers(insured)
	if len(got) != 1 || got[0].Stranger || !strings.Contains(got[0].Text, "aangepast") {
		t.Fatalf("of the visitor came %+v", got)
	}
	s.must(s.agent.Mark(s.ctx(), got[0].ID, agent.MarkApplied))
	if l := s.steps(id, insured)["address.home"]; l.Step != agent.StepApplied {
		t.Errorf("in the end: %+v", l)
	}
	answer(power, "proof", 303)
	s.mails(0)
	if got := s.answers(power); len(got) != 1 || !strings.Contains(got[0].Text, "identiteitskaart") {
		t.Errorf("of the visitor came %+v", got)
	}
}
