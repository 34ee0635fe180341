package web_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"firsthand"
	"firsthand/internal/agent"
	"firsthand/internal/web"
	"firsthand/internal/web/webtest"
)

// Many cards of one kind stand on Today as one, in the place of the first; behind it
// they stand one by one, and what is put off there leads back there.
func TestTodayGroups(t *testing.T) {
	a := webtest.Usual(t)
	card := func(what string, i int) agent.Card {
		return agent.Card{Key: fmt.Sprintf("%s %d", what, i), What: what, Domain: "acme.example", Name: fmt.Sprintf("Acme %d", i), Answer: int64(i), Entry: firsthand.ID{1}, Since: webtest.Now}
	}
	a.Day = agent.Today{Now: webtest.Now, Total: 230}
	for i := range 10 {
		a.Day.Cards = append(a.Day.Cards, card(agent.CardHeard, i))
		if i < 3 {
			a.Day.Cards = append(a.Day.Cards, card(agent.CardMail, i))
		}
		if i < 4 {
			a.Day.Cards = append(a.Day.Cards, card(agent.WaitLeft, i))
		}
	}
	c := webtest.SignIn(t, webtest.NewServer(t, webtest.NewHouse(web.Open, a), webtest.NewClock()))
	rows := regexp.MustCompile(`<a class="name" href="([^"]*)">([^<]*)</a>`)
	says := func(path string) string {
		r := c.Get(path)
		var all []string
		for _, m := range rows.FindAllStringSubmatch(r.Body.String(), -1) {
			all = append(all, m[2])
		}
		return strings.Join(all, "; ")
	}
	const want = "10 answers by mail: say what they mean; Your mail to Acme 0 did not get there; 4 companies ended the relationship; Your mail to Acme 1 did not get there; Your mail to Acme 2 did not get there"
	if got := says("/today"); got != want {
		t.Errorf("Today has %q,\nwant %q", got, want)
	}
	body := c.Get("/today").Body.String()
	for _, want := range []string{`href="/today?what=heard"`, "230 things need you", "213 more will show"} {
		if !strings.Contains(body, want) {
			t.Errorf("Today lacks %q", want)
		}
	}
	if got := says("/today?what=heard"); strings.Count(got, "answered by mail") != 10 || strings.Count(got, ";") != 9 {
		t.Errorf("the list has %q", got)
	}
	r := c.Post("/today/later", "key", "heard 3", "by", "day", "what", agent.CardHeard, "once", "0123456789abcdef0123")
	if r.Code != http.StatusSeeOther || r.Header().Get("Location") != "/today?what=heard" {
		t.Errorf("put off: status %d to %q", r.Code, r.Header().Get("Location"))
	}
	if r := c.Get("/today?what=ask"); r.Code != http.StatusSeeOther || r.Header().Get("Location") != "/today" {
		t.Errorf("a list that is done: status %d to %q", r.Code, r.Header().Get("Location"))
	}
	if r := c.Get("/today?what=nonsense"); r.Code != http.StatusNotFound {
		t.Errorf("no kind: status %d", r.Code)
	}
}

// Mail begins with the answers that wait for her word; all are one click away.
func TestMailOpen(t *testing.T) {
	a := webtest.Usual(t)
	a.AnswerList = nil
	for i, mark := range []string{"", agent.MarkApplied, ""} {
		a.AnswerList = append(a.AnswerList, agent.Answer{ID: int64(i + 1), Subject: fmt.Sprintf("Answer %d", i), Mark: mark, Kind: agent.FromPerson, Came: webtest.Now})
	}
	c := webtest.SignIn(t, webtest.NewServer(t, webtest.NewHouse(web.Open, a), webtest.NewClock()))
	for path, want := range map[string]int{"/mail": 2, "/mail?show=all": 3} {
		if got := strings.Count(c.Get(path).Body.String(), `href="/answers/`); got != want {
			t.Errorf("%s has %d answers, want %d", path, got, want)
		}
	}
	a.AnswerList = a.AnswerList[1:2]
	if body := c.Get("/mail").Body.String(); !strings.Contains(body, "No answer waits for your word.") || !strings.Contains(body, "/mail?show=all") {
		t.Error("the page doesn't say that nothing waits")
	}
}

// A move that is still to begin says from which day, and a cancelled one that nothing
// was sent.
func TestBoardOfWhatIsNotSent(t *testing.T) {
	a := webtest.Usual(t)
	c := webtest.SignIn(t, webtest.NewServer(t, webtest.NewHouse(web.Open, a), webtest.NewClock()))
	for state, want := range map[string]string{agent.Scheduled: "Nothing is sent before 24 December", agent.Cancelled: "Cancelled. Nothing was sent."} {
		b := a.Boards[2]
		b.State, b.Move.Starts = state, "2026-12-24"
		a.Boards[2] = b
		if body := c.Get("/changes/2").Body.String(); !strings.Contains(body, want) || strings.Contains(body, "finished") {
			t.Errorf("%s: the page lacks %q", state, want)
		}
	}
}

// A receipt is what the company has signed: what only she has said is shown as said.
func TestBoardLinksReceipts(t *testing.T) {
	a := webtest.Usual(t)
	c := webtest.SignIn(t, webtest.NewServer(t, webtest.NewHouse(web.Open, a), webtest.NewClock()))
	leg := regexp.MustCompile(`(?s)<li class="row" id="leg-1">.*?</li>`)
	for step, want := range map[string]string{agent.StepSent: "Exactly as signed", agent.StepReceived: "Receipt", agent.StepRefused: "Receipt"} {
		a.SetLeg(1, 1, step, "")
		if row := leg.FindString(c.Get("/changes/1").Body.String()); !strings.Contains(row, ">"+want) || !strings.Contains(row, "/entries/") {
			t.Errorf("%s: the row lacks %q: %s", step, want, row)
		}
	}
}
