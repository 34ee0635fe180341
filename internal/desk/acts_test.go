package desk_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/internal/desk"
	"firsthand/internal/gateway"
)

// An agent decides what customers have asked, and each customer gets the signed
// answer. A form that is sent twice does one thing.
func TestActs(t *testing.T) {
	o := newOffice(t, setting{})
	c := o.as("a1")
	do := func(word, act string, pairs ...string) {
		t.Helper()
		r := c.post(o.request(o.mia, word)+"/"+act, pairs...)
		if r.Code != http.StatusSeeOther {
			t.Fatalf("%s %s: status %d\n%s", act, word, r.Code, r.Body)
		}
		if r = c.get(r.Header().Get("Location")); r.Code != http.StatusOK || !strings.Contains(r.Body.String(), `role="status"`) {
			t.Errorf("%s %s leads to status %d, or says nothing", act, word, r.Code)
		}
		o.exchange(o.mia)
	}
	outcome := func(word string) *firsthand.Outcome { return o.mia.State.Outcomes[o.entries[word]] }

	page := c.get(o.request(o.mia, "address")).Body.String()
	for _, want := range []string{"Oude Weg 1", "Kerkstraat 12", "9000 Gent", "C-7", "Apply"} {
		if !strings.Contains(page, want) {
			t.Errorf("the request lacks %s", want)
		}
	}
	do("address", "accept")
	if out := outcome("address"); out == nil || !out.Applied || out.Record != "C-7" {
		t.Errorf("outcome = %+v", out)
	}
	rec := o.crm.Records()[0]
	if rec.Facts["address.home"].Parts["street"] != "Kerkstraat 12" {
		t.Errorf("the record has %v", rec.Facts["address.home"])
	}
	do("email", "refuse", "reason", "reason.unreadable", "there", "yes")
	if out := outcome("email"); out == nil || out.Applied || !strings.Contains(out.Reason, "send it again") {
		t.Errorf("outcome = %+v", out)
	}
	do("request", "answer", "outcome", "done", "text", "Here is all of it.")
	if a := o.mia.State.Requests[0].Answer; a == nil || a.Say.Outcome != "done" || a.Say.Text != "Here is all of it." {
		t.Errorf("answer = %+v", a)
	}
	rel := "/relationships/" + o.mia.Rel().String()
	for range 2 {
		if r := c.post(rel+"/message", "once", "the same word, twice", "text", "We will call."); r.Code != http.StatusSeeOther {
			t.Errorf("message: status %d", r.Code)
		}
	}
	if r := c.post(rel+"/ask", "fact", "phone.home", "purpose", "dpv:CustomerCare", "why", "to call back", "until", "2031-05-01"); r.Code != http.StatusSeeOther {
		t.Errorf("ask: status %d\n%s", r.Code, r.Body)
	}
	o.exchange(o.mia)
	said := 0
	for _, m := range o.mia.State.Messages {
		if m.Say.Text == "We will call." && m.Say.From == "Els" {
			said++
		}
	}
	if said != 1 {
		t.Errorf("said %d times", said)
	}
	asks := o.mia.State.Asks
	if a := asks[len(asks)-1].Say; a.Fact != "phone.home" || a.Purpose != "dpv:CustomerCare" || a.Until != "2031-05-01" || a.Why != "to call back" {
		t.Errorf("ask = %+v", a)
	}
	acts := o.acts()
	for _, want := range []string{"Els accept", "Els apply", "Els reject", "Els refuse", "Els say answer", "Els say message", "Els say ask", "Els look", "Els show"} {
		if want != "Els show" && !slices.Contains(acts, want) {
			t.Errorf("the audit lacks %s", want)
		}
	}
}

// What can't be done so is said beside what was typed.
func TestActsThatAreRefused(t *testing.T) {
	o := newOffice(t, setting{})
	c := o.as("a1")
	rel := "/relationships/" + o.mia.Rel().String()
	for _, tt := range []struct {
		name, path string
		form       []string
		status     int
		want       string
	}{
		{"no reason", o.request(o.mia, "email") + "/refuse", nil, 400, "needs a reason"},
		{"a reason that isn't on the list", o.request(o.mia, "email") + "/refuse", []string{"reason", "error.nobody"}, 400, "needs a reason"},
		{"unproved", o.request(o.thief, "unproved") + "/accept", []string{"record", "C-7"}, 403, "not proved"},
		{"no such entry", "/requests/" + o.mia.Rel().String() + "/" + o.mia.Rel().String() + "/accept", nil, 404, ""},
		{"no such relationship", "/requests/" + o.entries["email"].String() + "/" + o.entries["email"].String() + "/apply", nil, 404, ""},
		{"an old form", rel + "/message", []string{"text", "x", "once", ""}, 400, "old one"},
		{"no text", rel + "/message", []string{"text", "  "}, 422, "Type a message"},
		{"no purpose", rel + "/ask", []string{"fact", "phone", "why", "x", "until", "2031-01-01", "purpose", "dpv:Everything"}, 422, "Choose a purpose"},
		{"no end", rel + "/ask", []string{"fact", "phone", "why", "x", "purpose", "dpv:CustomerCare"}, 422, "still to come"},
		{"an end that is past", rel + "/ask", []string{"fact", "phone", "why", "x", "purpose", "dpv:CustomerCare", "until", "2020-01-01"}, 422, "still to come"},
		{"no fact", rel + "/ask", []string{"why", "x", "purpose", "dpv:CustomerCare", "until", "2031-01-01"}, 422, "Say what"},
		{"no name of a fact", rel + "/ask", []string{"fact", "Phone Number!", "why", "keep me", "purpose", "dpv:CustomerCare", "until", "2031-01-01"}, 422, "keep me"},
		{"a longer time without a date", o.request(o.mia, "request") + "/answer", []string{"outcome", "extended"}, 400, "needs a date"},
		{"an answer to what is no request", o.request(o.mia, "email") + "/answer", []string{"outcome", "done"}, 400, ""},
		{"a challenge of what is no claim", o.request(o.mia, "email") + "/challenge", nil, 400, "no claim"},
		{"nothing to find", "/relationships", []string{"record", " "}, 422, "Type a number"},
		{"nobody to find", "/relationships", []string{"record", "C-99"}, 422, "No relationship"},
	} {
		r := c.post(tt.path, tt.form...)
		if r.Code != tt.status || !strings.Contains(r.Body.String(), tt.want) {
			t.Errorf("%s: status %d, want %d and %q\n%s", tt.name, r.Code, tt.status, tt.want, r.Body)
		}
	}
	if r := c.post("/relationships", "record", "C-7"); r.Code != http.StatusSeeOther || r.Header().Get("Location") != rel {
		t.Errorf("find by record: %d %s", r.Code, r.Header().Get("Location"))
	}
	if r := c.post("/relationships", "record", o.mia.Rel().String()); r.Header().Get("Location") != rel {
		t.Errorf("find by relationship: %s", r.Header().Get("Location"))
	}
}

// A form that is too big is refused, not read.
func TestTooBig(t *testing.T) {
	o := newOffice(t, setting{})
	r := o.as("a1").post("/relationships/"+o.mia.Rel().String()+"/message", "text", strings.Repeat("x", 1<<20))
	if r.Code != http.StatusRequestEntityTooLarge || !strings.Contains(r.Body.String(), "more than this form takes") {
		t.Errorf("status %d\n%s", r.Code, r.Body)
	}
}

// A system that is down is said to be, on the request and on Connect, and the pages
// come all the same.
func TestSystemIsDown(t *testing.T) {
	o := newOffice(t, setting{})
	o.crm.goDown("the CRM has its Sunday")
	c := o.as("a1")
	for _, page := range o.pages() {
		if strings.HasPrefix(page, "/staff") || strings.HasPrefix(page, "/audit") {
			continue
		}
		if r := c.get(page); r.Code >= 500 {
			t.Errorf("%s: status %d", page, r.Code)
		}
	}
	if body := c.get(o.request(o.mia, "email")).Body.String(); !strings.Contains(body, "has its Sunday") || !strings.Contains(body, "read now") {
		t.Error("the request doesn't say so")
	}
	o.write(o.mia, func(s string) firsthand.Content { return &firsthand.Message{Text: s} }, "again")
	o.exchange(o.mia)
	if body := c.get("/connect").Body.String(); !strings.Contains(body, "has its Sunday") || !strings.Contains(body, "does not answer") {
		t.Error("Connect doesn't say so")
	}
}

// Of two systems the one that is down is named, on Due with what waits for it, and on
// Connect; and what goes to the other goes on.
func TestOneOfTwoSystemsIsDown(t *testing.T) {
	o := newOffice(t, setting{two: true})
	c := o.as("a1")
	if body := c.get("/due").Body.String(); strings.Contains(body, "does not answer") {
		t.Error("a system is said to be down that isn't")
	}
	o.pass(15 * time.Second) // figures are kept for some seconds
	o.help.goDown("it has its Sunday")
	for i := range 5 {
		her := o.meet(string(rune('A' + i)))
		o.write(her, func(s string) firsthand.Content { return &firsthand.Message{Text: s} }, "hello")
		o.exchange(her)
	}
	due := c.get("/due").Body.String()
	for _, want := range []string{"Helpdesk does not answer", "the other system goes on", "for Helpdesk", "it has its Sunday"} {
		if !strings.Contains(due, want) {
			t.Errorf("Due lacks %q:\n%s", want, due)
		}
	}
	if strings.Contains(due, "CRM does not answer") || strings.Contains(due, "for CRM") {
		t.Error("Due says that the CRM is down")
	}
	connect := c.get("/connect").Body.String()
	if strings.Count(connect, "It is left alone until") != 1 || strings.Count(connect, "it has its Sunday") != 1 || strings.Count(connect, "Last answer") != 2 ||
		!strings.Contains(connect, "<b>Helpdesk</b>") || !strings.Contains(connect, "<b>CRM</b>") {
		t.Errorf("Connect doesn't tell the two apart:\n%s", connect)
	}
	o.help.goDown("")
	o.pass(10 * time.Minute)
	o.exchange(o.mia)
	if body := c.get("/due").Body.String(); strings.Contains(body, "does not answer") {
		t.Error("a system is said to be down that isn't any more")
	}
}

// A reader sees, and has nothing to act with.
func TestReaderHasNoButtons(t *testing.T) {
	o := newOffice(t, setting{})
	for member, want := range map[string]bool{"r1": false, "a1": true} {
		c := o.as(member)
		for _, page := range []string{o.request(o.mia, "email"), "/relationships/" + o.mia.Rel().String()} {
			if got := strings.Contains(c.get(page).Body.String(), `name="once"`); got != want {
				t.Errorf("%s on %s: forms are there: %v", member, page, got)
			}
		}
	}
}

// The check ends in a list: green, red where something is wrong, and neither where a
// person decides, as it is configured.
func TestCheck(t *testing.T) {
	o := newOffice(t, setting{mode: "auto", empty: true})
	c := o.as("d1")
	r := c.post("/connect/check")
	if body := r.Body.String(); r.Code != http.StatusOK || !strings.Contains(body, "nothing of her is left") || strings.Count(body, "<li><div class=\"what\"><b>") != 10 {
		t.Errorf("status %d\n%s", r.Code, body)
	}
	for _, rec := range o.crm.Records() {
		if rec.Number != "C-7" && len(rec.Facts) > 0 {
			t.Errorf("left behind: %+v", rec)
		}
	}
	person := newOffice(t, setting{empty: true})
	r = person.as("d1").post("/connect/check")
	if body := r.Body.String(); r.Code != http.StatusOK || !strings.Contains(body, "a person’s, by hand") || !strings.Contains(body, "a person decides") || strings.Contains(body, "Something is wrong") || strings.Contains(body, "nothing of her is left") {
		t.Errorf("status %d\n%s", r.Code, body)
	}
}

// Only what is wrong makes a check red: a person's part doesn't, nor what comes after it.
func TestVerdict(t *testing.T) {
	fine, wrong, hand, skipped := gateway.TrialStep{Fine: true}, gateway.TrialStep{Note: "x"}, gateway.TrialStep{Fine: true, Hand: true}, gateway.TrialStep{Skipped: true}
	for _, tt := range []struct {
		want  string
		steps []gateway.TrialStep
	}{
		{"green", []gateway.TrialStep{fine, fine}},
		{"hand", []gateway.TrialStep{hand, fine, fine}},
		{"hand", []gateway.TrialStep{fine, hand, fine, hand}},
		{"red", []gateway.TrialStep{fine, wrong, skipped, fine}},
		{"red", []gateway.TrialStep{wrong, fine, hand, skipped}},
		{"red", []gateway.TrialStep{fine, hand, wrong, skipped}},
	} {
		if got := desk.Verdict(tt.steps); got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.steps, got, tt.want)
		}
	}
}

// Staff is invited once, changed and removed; there is always an admin.
func TestStaff(t *testing.T) {
	o := newOffice(t, setting{empty: true})
	ctx, c := context.WithoutCancel(t.Context()), o.as("d1")
	r := c.post("/staff/invite", "name", "Ann", "role", "agent")
	_, link, _ := strings.Cut(r.Body.String(), o.url+"/join/")
	link, _, _ = strings.Cut(link, "<")
	if r.Code != http.StatusOK || len(link) != 43 {
		t.Fatalf("status %d, link %q", r.Code, link)
	}
	if r := o.client().get("/join/" + link); r.Code != http.StatusOK || !strings.Contains(r.Body.String(), "Welcome, Ann") {
		t.Errorf("join: status %d", r.Code)
	}
	for _, bad := range []struct {
		name, role string
		status     int
	}{{"ann", "reader", 422}, {"KOEN", "reader", 422}, {"", "reader", 422}, {strings.Repeat("x", 81), "reader", 422}, {"A\u202eB", "reader", 422}, {"Bob", "boss", 422}} {
		if r := c.post("/staff/invite", "name", bad.name, "role", bad.role); r.Code != bad.status {
			t.Errorf("invite %q as %s: status %d", bad.name, bad.role, r.Code)
		}
	}
	o.pass(desk.InviteTime + time.Second)
	if r := o.client().get("/join/" + link); r.Code != http.StatusNotFound {
		t.Errorf("too late: status %d", r.Code)
	}
	c = o.as("d1")
	if r := c.post("/staff/d1/remove"); r.Code != http.StatusConflict {
		t.Errorf("the last admin removes himself: status %d", r.Code)
	}
	if r := c.post("/staff/d1/role", "role", "reader"); r.Code != http.StatusConflict {
		t.Errorf("the last admin steps down: status %d", r.Code)
	}
	els := o.as("a1")
	if r := c.post("/staff/a1/role", "role", "admin"); r.Code != http.StatusSeeOther {
		t.Errorf("status %d", r.Code)
	}
	if r := els.get("/due"); r.Code != http.StatusUnauthorized {
		t.Errorf("whose role changed goes on: status %d", r.Code)
	}
	els = o.as("a1")
	if r := els.post("/staff/d1/remove"); r.Code != http.StatusSeeOther {
		t.Errorf("status %d", r.Code)
	}
	if r := c.get("/due"); r.Code != http.StatusUnauthorized {
		t.Errorf("who was removed goes on: status %d", r.Code)
	}
	if err := desk.RemoveMember(ctx, o.gw, "root", "Els"); err == nil {
		t.Error("the command removes the last admin")
	}
	for _, want := range []string{"Koen invite", "Koen role", "Els remove"} {
		if !slices.Contains(o.acts(), want) {
			t.Errorf("the audit lacks %s: %v", want, o.acts())
		}
	}
}

// Two who change staff at once: both changes are kept.
func TestStaffChangesTogether(t *testing.T) {
	o := newOffice(t, setting{empty: true})
	ctx := context.WithoutCancel(t.Context())
	done := make(chan error)
	for i := range 8 {
		go func() {
			_, err := desk.InviteMember(ctx, o.gw, "root", "Member "+string(rune('A'+i)), desk.Reader, o.clock())
			done <- err
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	s, err := desk.LoadStaff(ctx, o.gw)
	if err != nil || len(s.Invites) != 8 || len(s.Members) != 3 {
		t.Errorf("%d invitations, %d members, %v", len(s.Invites), len(s.Members), err)
	}
}

// What an admin does long after signing in is asked again, with what was typed.
func TestConfirmKeepsTheForm(t *testing.T) {
	o := newOffice(t, setting{empty: true})
	all := staff()
	c := o.as("d1")
	o.pass(desk.FreshTime + time.Second)
	r := c.post("/staff/invite", "name", `<Ann> & "Co"`, "role", "admin")
	if body := r.Body.String(); r.Code != http.StatusForbidden || !strings.Contains(body, `name="name" value="&lt;Ann&gt; &amp; &#34;Co&#34;"`) || !strings.Contains(body, `name="role" value="admin"`) {
		t.Errorf("status %d\n%s", r.Code, r.Body)
	}
	s, err := desk.LoadStaff(t.Context(), o.gw)
	if err != nil || len(s.Invites) > 0 || len(s.Members) != len(all) {
		t.Errorf("%+v, %v", s, err)
	}
}

// The header's figures are those of the store.
func TestNumbers(t *testing.T) {
	o := newOffice(t, setting{mode: "auto"})
	n, err := o.gw.Numbers(t.Context(), o.clock().AddDate(0, 0, -30))
	o.must(err)
	if n.Customers != 2 || n.Bound == 0 || n.ByMachine == 0 || n.Facts < n.ByMachine {
		t.Errorf("%+v", n)
	}
	var all gateway.Numbers
	if all == n {
		t.Error("nothing was counted")
	}
	if body := o.as("r1").get("/numbers").Body.String(); !strings.Contains(body, "tickets saved") {
		t.Error("no numbers")
	}
}
