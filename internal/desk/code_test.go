package desk_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/internal/desk"
)

var shownCode = regexp.MustCompile(`<p class="secret-link"><code class="break">([^<]*)</code></p>`)

// An agent gives a code herself: it is shown once, a form that is sent twice makes one,
// and it binds when the customer has entered it, and not before.
func TestCodeByHand(t *testing.T) {
	o := newOffice(t, setting{})
	c, path := o.as("a1"), o.request(o.thief, "claim")
	page := c.get(path).Body.String()
	for _, want := range []string{`action="` + path + `/code"`, `action="` + path + `/challenge"`, "Give a code"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page of a claim lacks %s", want)
		}
	}
	give := func(once string) string {
		t.Helper()
		r := c.post(path+"/code", "once", once, "record", " C-7 ", "how", "a call to\nthe number that we have")
		code := shownCode.FindStringSubmatch(r.Body.String())
		if r.Code != http.StatusOK || code == nil {
			t.Fatalf("status %d\n%s", r.Code, r.Body)
		}
		if !strings.Contains(r.Body.String(), "a call to the number that we have") {
			t.Error("the page doesn't say how the code goes to her")
		}
		o.exchange(o.thief)
		return code[1]
	}
	code := give("a double click, one word")
	if again := give("a double click, one word"); again != code {
		t.Errorf("the second click has shown %q, which is not %q", again, code)
	}
	if n := strings.Count(strings.Join(o.acts(), "\n"), "Els code"); n != 1 {
		t.Errorf("the audit has %d codes", n)
	}
	if other := give("another form of the page"); other == code {
		t.Error("a new code is the one before")
	} else {
		code = other
	}
	if page := c.get(path).Body.String(); strings.Contains(page, code) || shownCode.MatchString(page) {
		t.Error("the code is shown again")
	}
	rows, err := o.gw.Audits(t.Context(), 0, 100)
	o.must(err)
	for _, a := range rows {
		if strings.Contains(a.Note, code) {
			t.Errorf("the audit has the code: %+v", a)
		}
	}
	if o.thief.State.Binding != nil {
		t.Fatal("bound, and nobody has entered it")
	}
	ch := o.thief.State.Claims[0].Challenge
	if ch.Say.To != "a call to the number that we have" {
		t.Errorf("she is told that it comes by %q", ch.Say.To)
	}
	o.write(o.thief, func(string) firsthand.Content { return &firsthand.Proof{Challenge: ch.Entry, Code: code} }, "")
	o.exchange(o.thief)
	if b := o.thief.State.Binding; b == nil || b.Record != "C-7" {
		t.Errorf("binding = %+v", b)
	}
	if page := c.get(path).Body.String(); strings.Contains(page, path+"/code") {
		t.Error("a code is offered for what is proved")
	}
}

// What can't be done is said beside what was typed; and no code is given to who hasn't
// signed in just now, or can't be put into the audit, or may only read.
func TestCodeRefused(t *testing.T) {
	o := newOffice(t, setting{})
	c, path := o.as("a1"), o.request(o.thief, "claim")
	for _, tt := range []struct {
		name, path  string
		record, how string
		status      int
		want        string
	}{
		{"no way", path, "C-7", " \n", 422, `value="C-7"`},
		{"no number", path, " ", "a letter", 422, `value="a letter"`},
		{"no claim", o.request(o.mia, "email"), "C-7", "a call", 400, "no claim"},
		{"no entry", "/requests/" + o.mia.Rel().String() + "/" + o.mia.Rel().String(), "C-7", "a call", 404, ""},
	} {
		r := c.post(tt.path+"/code", "record", tt.record, "how", tt.how)
		if r.Code != tt.status || !strings.Contains(r.Body.String(), tt.want) || shownCode.MatchString(r.Body.String()) {
			t.Errorf("%s: status %d, want %d and %q\n%s", tt.name, r.Code, tt.status, tt.want, r.Body)
		}
	}
	given := func() int { return strings.Count(strings.Join(o.acts(), "\n"), " code") }
	before := given()
	o.pass(desk.FreshTime + time.Second)
	r := c.post(path+"/code", "record", "C-7", "how", "a call")
	if body := r.Body.String(); r.Code != http.StatusForbidden || !strings.Contains(body, `action="`+path+`/code"`) || !strings.Contains(body, `name="how" value="a call"`) {
		t.Errorf("signed in long ago: status %d, and what was typed is kept: %s", r.Code, body)
	}
	o.store.Before = failAudits
	if r := o.as("a1").post(path+"/code", "record", "C-7", "how", "a call"); r.Code < 500 {
		t.Errorf("without the audit: status %d", r.Code)
	}
	o.store.Before = nil
	if page := o.as("r1").get(path).Body.String(); strings.Contains(page, path+"/code") {
		t.Error("a reader is offered to give a code")
	}
	if n := given(); n != before {
		t.Errorf("the audit has %d codes more", n-before)
	}
}

// The page that answers has with every text the elements that it has with a word.
func TestGalleryOfCodes(t *testing.T) {
	pages := func(say string) (all []string) {
		o := newOffice(t, setting{say: say})
		c, path := o.as("a1"), o.request(o.thief, "claim")
		for _, how := range []string{"", say} {
			r := c.post(path+"/code", "record", "C-7", "how", how)
			body := r.Body.String()
			if m := missing.FindString(body); m != "" || r.Code >= 500 || strings.Count(body, "<h1") != 1 {
				t.Errorf("%.40q: status %d, the page has %q", say, r.Code, m)
			}
			all = append(all, body)
		}
		return all
	}
	want := pages("word")
	for _, say := range []string{script, strings.Repeat("Rindfleischetikettierungsüberwachungsaufgabe", 3), "\u202e\"' onfocus=alert(1) x='{{.}}"} {
		for i, body := range pages(say) {
			if !slices.Equal(skeleton(t, body), skeleton(t, want[i])) {
				t.Errorf("%q: the page has other elements", say)
			}
		}
	}
}
