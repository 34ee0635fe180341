package web

import (
	"net/http"
	"net/url"
	"slices"

	"firsthand"
	"firsthand/internal/agent"
)

// A TodayPage is what needs her: the oldest duty first. Where many cards are of one
// kind they stand there as one, with a list behind it.
type TodayPage struct {
	Today agent.Today
	Cards []CardRow
	What  string // the kind of which this is the list; "" for all
	More  int    // rows that are not shown
	Rest  int    // cards that are in no row
	All   bool
}

// A CardRow is a card in words: what it is, why it is there and in this place, and
// what she can do.
type CardRow struct {
	agent.Card
	Say, Why string
	Act, To  string // what to do, and where
	Group    bool   // of several cards: they are put off one by one, in the list behind it
}

// todayLimit is how many rows a day begins with, allLimit how many cards are ever shown,
// and fewCards how many of one kind stand there one by one.
const (
	todayLimit = 7
	allLimit   = 200
	fewCards   = 3
)

// showToday serves GET /today.
func (s *Server) showToday(v *visit) error {
	last, err := v.room.Safe.LastBackup(v.ctx())
	if err != nil {
		return err
	}
	q := v.URL.Query()
	p := TodayPage{What: q.Get("what"), All: q.Get("all") == "yes"}
	if p.What != "" && !v.lang.Has("cards."+p.What) {
		return errNoPage
	}
	if p.Today, err = v.agent().Today(v.ctx(), last.Made, allLimit); err != nil {
		return err
	}
	cards := p.Today.Cards
	p.Rest = p.Today.Total - len(cards)
	if p.What != "" {
		if cards = slices.DeleteFunc(cards, func(c agent.Card) bool { return c.What != p.What }); len(cards) == 0 {
			return v.to("/today") // the last one is done
		}
		for _, c := range cards {
			p.Cards = append(p.Cards, s.cardRow(v, c))
		}
		return s.render(v, http.StatusOK, "today", p)
	}
	p.Cards = s.groupCards(v, cards)
	if !p.All && len(p.Cards) > todayLimit {
		p.More, p.Cards = len(p.Cards)-todayLimit, p.Cards[:todayLimit]
	}
	return s.render(v, http.StatusOK, "today", p)
}

// groupCards makes rows of cards: more than a few of one kind are one row, in the place
// of the first.
func (s *Server) groupCards(v *visit, cards []agent.Card) (rows []CardRow) {
	many := make(map[string]int)
	for _, c := range cards {
		many[c.What]++
	}
	for _, c := range cards {
		switch n := many[c.What]; {
		case n == 0: // it stands in its row
		case n <= fewCards:
			rows = append(rows, s.cardRow(v, c))
		default:
			many[c.What] = 0
			rows = append(rows, CardRow{Group: true, Say: v.lang.Count("cards."+c.What, n), Why: s.whyCard(v, c), Act: v.say("today.see"), To: listOf(c.What)})
		}
	}
	return rows
}

// listOf returns where the cards of one kind stand one by one.
func listOf(what string) string { return "/today?" + url.Values{"what": {what}}.Encode() }

// didKeys are what a company did, or didn't, where its page says the rest.
var didKeys = map[string]string{agent.WaitMessage: "card.message", agent.WaitAnswer: "card.answer",
	agent.WaitLeft: "card.left", agent.WaitFrozen: "card.frozen"}

func (s *Server) cardRow(v *visit, c agent.Card) CardRow {
	r := CardRow{Card: c, Act: v.lang.Word("card_act", c.What)}
	fact := v.lang.Word("your", c.Fact)
	company := func(rest ...string) string { return pathOf(append([]string{"companies", c.Domain}, rest...)...) }
	switch c.What {
	case agent.WaitAsk:
		r.Say, r.To = v.say("card.ask", c.Name, fact), company("do", "tell")+"?ask="+c.Entry.String()+"&fact="+c.Fact
	case agent.WaitCounter:
		r.Say, r.To = v.say("card.counter", c.Name), company("do", "take")
	case agent.WaitCode:
		r.Say, r.To = v.say("card.code", c.Name), company("do", "prove")
	case agent.WaitSignIn:
		r.Say, r.To = v.say("card.sign_in", c.Name), company("do", "prove")
	case agent.WaitRefused:
		r.Say, r.To = v.say("card.refused", c.Name, fact), company()
	case agent.CardTask:
		what := v.lang.Word("kind", string(c.Kind))
		if c.Fact != "" {
			what += ": " + v.lang.Word("fact", c.Fact)
		}
		r.Say, r.To = v.say("card.task", c.Name, what), pathOf("tasks", c.Entry.String())
	case agent.CardHeard, agent.CardStranger:
		r.Say, r.To = v.say(map[string]string{agent.CardHeard: "card.heard", agent.CardStranger: "card.stranger"}[c.What], c.Name), pathOf("answers", itoa(c.Answer))
	case agent.CardLate:
		r.Say, r.To = v.say("card.late", c.Name), company()+"#owed"
	case agent.CardMail:
		r.Say, r.To = v.say("card.mail", c.Name), pathOf("tasks", c.Entry.String())
	case agent.CardTasks:
		r.Say, r.To = v.lang.Count("card.tasks", c.N), "/tasks"
	case agent.CardImport:
		r.Say, r.To = v.lang.Count("card.import", c.N, c.File), pathOf("imports", itoa(c.Import))
	case agent.CardUnsure:
		r.Say, r.To = v.lang.Count("card.unsure", c.N, c.File), pathOf("imports", itoa(c.Import))
	case agent.CardContract:
		r.Say, r.To = v.say("card.contract", c.File), pathOf("money", c.Contract)
	case agent.CardLeak:
		r.Say, r.To = v.say("card.leak", c.File, c.Name), company()+"#own"
	case agent.CardBackup:
		r.Say, r.To = v.say("card.no_backup"), "/safety"
		if c.N > 0 {
			r.Say = v.lang.Count("card.backup", c.N)
		}
	case agent.CardKit:
		r.Say, r.To = v.lang.Count("card.kit", c.N), "/safety"
	default:
		r.Say, r.To = v.say(didKeys[c.What], c.Name), company()
	}
	r.Why = s.whyCard(v, c)
	return r
}

// whyCard says why a card is in its place.
func (s *Server) whyCard(v *visit, c agent.Card) string {
	day := dateText(v.lang, c.Place(), s.Zone, v.now)
	switch {
	case c.What == agent.CardLate:
		return v.say("card.was_due", day)
	case c.What == agent.CardTask && c.Due != "":
		return v.say("card.remind", day)
	case c.Due != "":
		return v.say("card.until", day)
	}
	return v.say("card.since", day)
}

// putOff are the days until which a card may be put off, from today.
var putOff = map[string]int{"day": 1, "week": 7, "month": 30}

// laterCard serves POST /today/later.
func (s *Server) laterCard(v *visit) error {
	until := agent.Never
	if by := v.PostFormValue("by"); by != "good" {
		n, ok := putOff[by]
		if !ok {
			return errNoPage
		}
		until = firsthand.DateOf(v.now.AddDate(0, 0, n))
	}
	to := "/today"
	if what := v.PostFormValue("what"); what != "" {
		to = listOf(what)
	}
	return v.once(func() (string, error) { return to, v.agent().PutOff(v.ctx(), until, v.PostFormValue("key")) })
}

// bringBack serves POST /today/back.
func (s *Server) bringBack(v *visit) error {
	return v.once(func() (string, error) { return "/today", v.agent().BringBack(v.ctx()) })
}
