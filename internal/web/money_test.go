package web_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"firsthand/fault"
	"firsthand/internal/web"
	"firsthand/internal/web/webtest"
)

const once = "0123456789abcdef0123"

// What she does on the pages of money reaches the agent as she meant it.
func TestMoney(t *testing.T) {
	d := newDoor(t, web.Open)
	c := webtest.SignIn(t, d.server)
	guess := d.agent.Money[1].Ref()
	n := 0
	post := func(path string, status int, pairs ...string) string {
		t.Helper()
		n++
		r := c.Post(path, append([]string{"once", once + string(rune('a'+n))}, pairs...)...)
		if r.Code != status {
			t.Errorf("%s: status %d, want %d: %.300s", path, r.Code, status, r.Body)
		}
		return r.Body.String()
	}
	post("/money/new", http.StatusSeeOther, "name", "Insurance", "company", "insurer.example", "price", "120,00 €", "period", "1 year", "renews", "2027-01-01", "notice", "3 months")
	for _, bad := range [][]string{{"name", ""}, {"name", "x", "price", "12"}, {"name", "x", "period", "often"}, {"name", "x", "next", "2026-02-30"}} {
		post("/money/new", http.StatusUnprocessableEntity, bad...)
	}
	post("/money/1", http.StatusSeeOther, "name", "Plan", "price", "5 EUR", "period", "month", "notice", "2 weeks")
	post("/money/"+guess, http.StatusSeeOther, "name", "Gym", "company", "gym.example")
	post("/money/1/keep", http.StatusSeeOther)
	post("/money/"+guess+"/keep", http.StatusSeeOther)
	post("/money/"+guess+"/drop", http.StatusSeeOther)
	post("/money/1/cancel", http.StatusSeeOther, "company", "acme.example", "ends", "2027-01-31")
	post("/money/1/haggle", http.StatusSeeOther, "company", "acme.example", "offer", "4 EUR")
	post("/money/"+guess+"/cancel", http.StatusUnprocessableEntity, "company", "")
	post("/money/"+guess+"/cancel", http.StatusSeeOther, "company", "gym.example")
	post("/import/columns", http.StatusSeeOther, "name", "Bank", "day", "wann", "amount", "wieviel", "payee", "wer")
	post("/import/columns/drop", http.StatusSeeOther, "name", "Bank")
	post("/money/calendar/close", http.StatusSeeOther)
	want := []string{
		"AddContract Insurance insurer.example 120.00 EUR 1 year 2027-01-01 3 months", "EditContract 1 Plan  5.00 EUR 1 month 2 weeks",
		"ConfirmContract " + guess + " gym.example", "EditContract 1 Gym gym.example", "KeepContract 1", "ConfirmContract " + guess, "KeepContract 1", "DismissContract " + guess,
		"CancelContract 1 2027-01-31", "HaggleContract 1 4 EUR", "ConfirmContract " + guess + " gym.example", "CancelContract 1", "SaveMapping Bank wann wieviel wer", "DropMapping Bank", "CloseCalendar",
	}
	got := d.agent.Did()
	for i := range got {
		got[i] = strings.TrimSpace(got[i])
	}
	if !slices.Equal(got, want) {
		t.Errorf("did\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	d.agent.Fail = map[string]error{"CancelContract": fault.Tell(fault.Conflict, "it is cancelled already", "")}
	if body := post("/money/1/cancel", http.StatusUnprocessableEntity, "company", "acme.example"); !strings.Contains(body, "It is cancelled already") {
		t.Error("the page doesn't say why it isn't cancelled")
	}
}

// The calendar is for whoever has the word, without a session, and for nobody else; not
// while her file is locked.
func TestCalendarLink(t *testing.T) {
	d := newDoor(t, web.Open)
	c := webtest.SignIn(t, d.server)
	body := c.Post("/money/calendar").Body.String()
	if !strings.Contains(body, "/calendar/"+webtest.CalendarWord+".ics") {
		t.Fatalf("the page has no link: %.500s", body)
	}
	nobody := webtest.NewClient(t, d.server)
	r := nobody.Get("/calendar/" + webtest.CalendarWord + ".ics")
	if r.Code != http.StatusOK || r.Header().Get("Content-Type") != "text/calendar; charset=utf-8" || !strings.HasPrefix(r.Body.String(), "BEGIN:VCALENDAR") || r.Header().Get("Cache-Control") != "no-store" ||
		len(r.Result().Cookies()) != 0 {
		t.Errorf("status %d, headers %v", r.Code, r.Header())
	}
	for _, word := range []string{"x.ics", "wordx", "WORD.ics"} {
		if r := nobody.Get("/calendar/" + word); r.Code != http.StatusNotFound {
			t.Errorf("%s: status %d", word, r.Code)
		}
	}
	c.Post("/lock")
	if r := nobody.Get("/calendar/" + webtest.CalendarWord + ".ics"); r.Code != http.StatusNotFound {
		t.Errorf("while it is locked: status %d", r.Code)
	}
}

// The picture and the table say the same.
func TestStrip(t *testing.T) {
	d := newDoor(t, web.Open)
	body := webtest.SignIn(t, d.server).Get("/money").Body.String()
	if n := strings.Count(body, `<th scope="row">`); n != 12 {
		t.Errorf("the table has %d months", n)
	}
	if strings.Count(body, `class="bar"`) == 0 || strings.Count(body, "<title id=") != 1 {
		t.Error("the picture has no bars, or no title")
	}
}
