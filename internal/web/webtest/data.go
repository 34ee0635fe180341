package webtest

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/internal/agent"
	"firsthand/internal/agent/channel"
	"firsthand/internal/agent/directory"
	"firsthand/internal/agent/mask"
	"firsthand/logtest"
	"firsthand/terms"
)

// Empty returns the agent of a new file.
func Empty() *Agent { return &Agent{} }

// A speaker says what companies and files say: words is called for each field with
// what would usually stand there.
type speaker func(usual string) string

// Usual returns the agent of a life as most are.
func Usual(t testing.TB) *Agent { return life(t, 24, func(s string) string { return s }) }

// Long returns the agent of a life in which everything is as long as it may be.
func Long(t testing.TB) *Agent {
	return life(t, 260, func(s string) string {
		return s + " " + strings.Repeat("Donaudampfschifffahrtsgesellschaft", 3) + strings.Repeat(" and so on", 12)
	})
}

// Saying returns the agent of a life in which companies and files say text in every
// field that they have.
func Saying(t testing.TB, text string) *Agent {
	return life(t, 4, func(string) string { return text })
}

func day(n int) time.Time { return Now.AddDate(0, 0, n) }

func life(t testing.TB, n int, say speaker) *Agent {
	t.Helper()
	a := &Agent{Details: map[string]agent.CompanyDetail{}, Shown: map[firsthand.ID]agent.Detail{}, Bundles: map[firsthand.ID]*firsthand.Bundle{}, Boards: map[int64]agent.Board{}}
	home := firsthand.Value{Parts: map[string]string{"street": "Graslei 2", "postal_code": "9000", "city": "Gent", "country": "BE"}}
	old := firsthand.Value{Parts: map[string]string{"street": "Korenmarkt 1", "postal_code": "9000", "city": "Gent", "country": "BE"}}
	a.Hers = []agent.Fact{{Name: "address.home", Value: home, Updated: day(-40)}, {Name: "email", Value: firsthand.Text("mia@new.example"), Updated: day(-200)}, {Name: "phone", Value: firsthand.Text("+32 9 000 00 01"), Updated: day(-3)}}

	names := []string{"Acme", "Bolt Energy", "Corner Books", "Delta Bank", "Example Rail", "Fern & Leaf", "Gent Water", "Hearth Insurance", "Ink Weekly", "Jolly Toys", "Kettle Coffee", "Lumen"}
	for i := range n {
		name := names[i%len(names)]
		if i >= len(names) {
			name = fmt.Sprintf("%s %d", name, i/len(names)+1)
		}
		domain := strings.ToLower(strings.NewReplacer(" ", "-", "&", "and").Replace(name)) + ".example"
		c := agent.Company{Domain: domain, Name: say(name), Guessed: i%3 == 1, Held: i % 4, Accounts: 1 + i%2, Since: day(-2000 + i), Used: day(-i)}
		if i == 0 {
			c.Agreement = agent.DefaultTerms
		}
		if i%5 == 2 {
			c.Groups = []string{say("shops")}
		}
		a.List = append(a.List, c)
		d := agent.CompanyDetail{Company: c, Accounts: []agent.Account{{ID: int64(i), Import: 1, Row: i + 2, Domain: domain, Host: "www." + domain, Title: say(name), URL: say("https://www." + domain + "/login"), Login: say("mia@old.example"), Kind: agent.LoginAccount, Created: day(-2000), Used: day(-30)}},
			Statements: []agent.Statement{{Domain: domain, Fact: "email", Value: firsthand.Text(say("mia@old.example")), Guessed: true, Import: 1, Origin: firsthand.Stated}},
			Listed: directory.Company{Domain: domain, Name: say(name),
				Legal:    []directory.Sourced[directory.Legal]{{Value: directory.Legal{Name: say(name + " N.V."), Address: say("Main street 1, 1000 Brussels"), Email: say("privacy@" + domain), Phone: say("+32 2 000 00 00"), Webform: say("https://" + domain + "/privacy")}, Set: "datenanfragen", Date: "2026-11-01"}},
				Account:  []directory.Sourced[string]{{Value: say("https://" + domain + "/account"), Set: "apple", Date: "2026-10-01"}},
				Deletion: []directory.Sourced[directory.Deletion]{{Value: directory.Deletion{Link: say("https://" + domain + "/close"), Difficulty: "easy"}, Set: "justdeleteme", Date: "2026-11-02"}},
			}}
		a.Details[domain] = d
		a.Held = append(a.Held, agent.Held{Domain: domain, Fact: []string{"email", "address.home"}[i%2], Value: firsthand.Text(say("mia@old.example")), Origin: firsthand.Stated, Guessed: i%3 == 1})
	}

	paired(t, a, old, home, say)
	a.GroupCounts = []agent.GroupCount{{Name: say("shops"), Companies: 5}}
	a.Insight = agent.Insight{Companies: len(a.List), Guessed: len(a.List) / 3, Gateways: 3, Relationships: 3, Agreements: []agent.AgreementCount{{Code: agent.DefaultTerms, Companies: 1}}, Unagreed: 1, Silent: 34, Duplicates: 7, Emails: 2, Oldest: a.List[:min(5, len(a.List))], Now: Now,
		Facts:     []agent.FactInsight{{Fact: "address.home", Holds: 61, Old: 9, Guessed: 0}, {Fact: "email", Holds: 173, Old: 12, Guessed: 160}, {Fact: "phone", Holds: 1}},
		Addresses: []agent.MailCount{{Value: firsthand.Text(say("mia@old.example")), Companies: 140, Guessed: 130}, {Value: firsthand.Text("mia@new.example"), Companies: 33, Current: true}}}
	a.Suggested = []agent.Suggestion{{Fact: "email", Value: firsthand.Text(say("mia@old.example")), Companies: 140, Kind: agent.LoginAccount, Import: 1}}

	bad := []agent.BadRow{{Row: 17, Why: "more cells than the header has"}, {Row: 90, Why: "a quote that is not closed"}}
	a.Brought_ = []agent.Import{
		{ID: 1, Format: "Chrome", File: say("passwords.csv"), At: day(0), State: agent.Preview, Bad: bad, Counts: agent.ImportCounts{Rows: 214, Bad: 2, Companies: 173, New: 170, Merged: 31, Unsure: 10, Persons: 4, Passwords: 214, OneTimeCodes: 3, Notes: 1, Cards: 1}},
		{ID: 2, Format: "vCard", File: say("contacts.vcf"), At: day(-7), State: agent.Kept, Counts: agent.ImportCounts{Rows: 80, Companies: 12}},
	}
	for i := range min(n, 70) {
		c := a.List[i%len(a.List)]
		a.Previewed = append(a.Previewed, agent.PreviewRow{Domain: c.Domain, Name: c.Name, Accounts: 1 + i%3, Hosts: []string{c.Domain, say("shop." + c.Domain)}, New: i%4 != 0})
	}
	for i, why := range []string{"address", "app", "local", "odd", "none"} {
		a.Unsure_ = append(a.Unsure_, agent.Account{ID: int64(100 + i), Import: 1, Row: 30 + i, Title: say("Router"), URL: say("http://192.168.0.1/"), Login: say("admin"), Kind: agent.LoginAccount, Why: why})
	}
	a.Cards_ = []agent.CardFound{{ID: 7, Import: 1, Row: 3, Name: say("Mia Peeters"), Own: true, Facts: []agent.Fact{{Name: "phone", Value: firsthand.Text(say("+32 9 000 00 01"))}, {Name: "address.home", Value: firsthand.Value{Parts: map[string]string{"street": say("Korenmarkt 1"), "city": say("Gent")}}}}}}
	a.Sets = []agent.Listing{{Set: directory.Set{Name: "datenanfragen", Records: 12345, Date: "2026-11-01"}}}
	moves(a, old, home, say)
	mail(a, say)
	documents(a, a.List[0].Domain, n, say)
	contracts(a, n, say)
	a.Day = today(a, say)
	a.MaskAt = mask.Config{Kind: mask.SimpleLogin, URL: "https://app.simplelogin.io", Key: "never-shown"}
	a.MaskList = []agent.Mask{{Token: "x7k2q9ab", Domain: "acme.example", Kind: "simplelogin", Address: say("acme.x7k2q9ab@mia.example"), State: agent.MaskActive, Made: day(-9)},
		{Token: "paused99", Domain: a.List[1%len(a.List)].Domain, Kind: "simplelogin", Address: "word@sl.example", State: agent.MaskPaused, Made: day(-90)},
		{Token: "gone9999", Domain: "acme.example", Kind: "simplelogin", Address: "old@sl.example", State: agent.MaskRetired, Made: day(-99)}}
	a.LeakList = []agent.Leak{{Token: "x7k2q9ab", From: say("sender.example"), N: 2, First: day(-5), Last: day(-1)},
		{Token: "x7k2q9ab", From: "news.example", N: 1, First: day(-5), Last: day(-5), Verdict: agent.LeakTheirs}, {Token: "x7k2q9ab", From: "spam.example", N: 9, First: day(-5), Last: day(-1), Verdict: agent.LeakReal}}
	base, _ := terms.Default().Lookup(agent.DefaultTerms)
	a.Introduced = agent.Introduction{Company: firsthand.Company{Domain: "new.example", Name: say("New NV"), Jurisdiction: say("BE"), Gateway: "https://" + say("gw.new.example"),
		Chain: []firsthand.ChainKey{{Key: firsthand.SignerFromSeed([32]byte{1}).Public()}}, Terms: []firsthand.TermsRef{base.Ref(), {Code: say("OTHER"), Version: say("1")}}}}
	a.WayList = []agent.WayTo{{Channel: "manual", Group: agent.NeedsYou, Say: "you tell it yourself, on its account page", Used: true, Chosen: true},
		{Channel: "mail", Group: agent.Prepared, Say: "by mail to " + say("privacy@acme.example")}}
	return a
}

// today has a card of each sort.
func today(a *Agent, say speaker) agent.Today {
	t := agent.Today{Now: Now, Later: 2, Next: firsthand.DateOf(day(3))}
	for i, what := range []string{agent.CardLate, agent.WaitAsk, agent.WaitCounter, agent.WaitCode, agent.WaitMessage, agent.WaitRefused, agent.WaitAnswer, agent.WaitLeft, agent.WaitFrozen,
		agent.CardTask, agent.CardTasks, agent.CardImport, agent.CardUnsure, agent.CardBackup, agent.CardKit, agent.CardLeak, agent.CardHeard, agent.CardStranger, agent.CardMail, agent.CardContract} {
		c := agent.Card{Key: what, What: what, Since: day(i - 20)}
		switch what {
		case agent.CardTasks, agent.CardImport, agent.CardUnsure, agent.CardBackup, agent.CardKit:
		default:
			c.Domain, c.Name, c.Fact, c.Entry = a.List[i%len(a.List)].Domain, say("Acme"), "phone", firsthand.ID{1}
		}
		switch what {
		case agent.CardLate, agent.WaitCode:
			c.Due = firsthand.DateOf(day(i - 10))
		case agent.CardTask:
			c.Kind, c.Due = "change", firsthand.DateOf(day(0))
		case agent.CardContract:
			c.Name, c.File, c.Contract, c.Due = say("Acme"), say("Plan 1"), "1", firsthand.DateOf(day(9))
		default:
			c.N, c.Import, c.Answer, c.File = i, 1, 1, say("passwords.csv")
		}
		t.Cards = append(t.Cards, c)
	}
	t.Total = len(t.Cards) + 1
	return t
}

// paired adds a relationship with a gateway in which much was said, and one
// without.
func paired(t testing.TB, a *Agent, old, home firsthand.Value, say speaker) {
	t.Helper()
	anything := say
	say = func(usual string) string { return cmp.Or(strings.ReplaceAll(anything(usual), "\x00", ""), "nothing") } // no entry has a NUL
	p := logtest.NewPair(t, "web")
	base, _ := terms.Default().Lookup(agent.DefaultTerms)
	offer := p.Write(t, firsthand.First, &firsthand.TermsOffer{Terms: []firsthand.TermsRef{base.Ref()}})
	accept := p.Write(t, firsthand.Second, &firsthand.TermsAccept{Offer: offer.ID, Terms: base.Ref()})
	told := p.Write(t, firsthand.First, &firsthand.Disclose{Fact: "address.home", Value: old, Purpose: "DeliveryOfGoods", Basis: firsthand.Basis{Agreement: accept.ID}, Until: "2027-11-01"})
	p.Write(t, firsthand.Second, &firsthand.Ask{Fact: "birth_date", Purpose: "CustomerCare", Why: say("To congratulate you.")})
	p.Write(t, firsthand.Second, &firsthand.Message{From: say("Ann, customer care"), Text: say("Welcome.\nHow can we help?")})
	p.Write(t, firsthand.First, &firsthand.Message{Text: "Where is my parcel?"})
	p.Write(t, firsthand.Second, &firsthand.Holds{Fact: "interests", Value: firsthand.Text(say("prams")), Origin: firsthand.Inferred, Source: say("visits")})
	change := p.Write(t, firsthand.First, &firsthand.Change{Fact: "address.home", Value: home, Of: told.ID, Basis: firsthand.Basis{Agreement: accept.ID}})
	p.Write(t, firsthand.Second, &firsthand.Refused{Entry: change.ID, Reason: say("This street is not known.")})
	p.Write(t, firsthand.First, &firsthand.Request{Right: "access", Law: "GDPR", Due: "2026-12-24"})

	first, second := p.Log(firsthand.First), p.Log(firsthand.Second)
	state, err := firsthand.Fold(first, second)
	if err != nil {
		t.Fatal(err)
	}
	row := agent.Relationship{ID: p.Rel(), Domain: "acme.example", Name: say("Acme"), Gateway: "https://acme.example/fh", Kept: true, Opened: day(-90), Sent: 99,
		Received: firsthand.Head{Seq: 4, ID: first[3].ID}, Failure: say("no answer")}
	row.Summary = firsthand.EncodeJSON(agent.Summary{Step: "known", Agreement: agent.DefaultTerms, Facts: []string{"address.home"}, Asks: 1, Waiting: 1, Due: "2026-12-24"})
	d := agent.Detail{Relationship: row, State: state, Now: Now, View: state.At(Now)}
	for _, e := range p.All() {
		l := agent.Line{Entry: e}
		l.Say, _ = firsthand.DecodeBody(e.Body)
		if e.Side == firsthand.First {
			l.Progress = row.Progress(state, e.ID, e.At, Now)
		}
		d.Entries = append(d.Entries, l)
	}
	a.Shown[row.ID] = d
	a.Bundles[row.ID] = &firsthand.Bundle{First: first, Second: second, Receipts: [][]byte{p.Key(firsthand.Second).Receipt(firsthand.Receipt{Rel: row.ID, Seq: 4, ID: first[3].ID, At: Now})}}
	a.Rels = append(a.Rels, row)
	c := a.Details["acme.example"]
	c.Rel, c.Gateway, c.Paired, c.Step, c.Agreement, c.Guessed, c.Asks, c.Waiting, c.Due = row.ID, true, true, "known", agent.DefaultTerms, false, 1, 1, "2026-12-24"
	c.Relationships = []agent.Relationship{row}
	a.Details["acme.example"] = c
	a.List[0] = c.Company
}

func moves(a *Agent, old, home firsthand.Value, say speaker) {
	legs := func(group, chn, reason string, n int) (legs []agent.Leg) {
		for i := range n {
			c := a.List[i%len(a.List)]
			legs = append(legs, agent.Leg{Domain: c.Domain, Name: c.Name, Rel: c.Rel, Fact: "address.home", Value: home, Old: old, Group: group, Channel: chn, Reason: reason, Guessed: i%3 == 1, Proposal: i%4 == 3})
		}
		return legs
	}
	n := min(len(a.List), 120)
	a.Planned = agent.Plan{Counts: map[string]int{agent.Instant: 3, agent.NeedsYou: n, agent.LeftOut: 1}, Companies: 3 + n}
	a.Planned.Legs = append(a.Planned.Legs, legs(agent.Instant, "native", "agreement "+agent.DefaultTerms, 3)...)
	a.Planned.Legs = append(a.Planned.Legs, legs(agent.NeedsYou, "manual", "GDPR 16", n)...)
	a.Planned.Legs = append(a.Planned.Legs, legs(agent.LeftOut, "", "your rule: never tell address.home", 1)...)
	move := agent.Move{Facts: []agent.NewFact{{Fact: "address.home", Value: home}}, Basis: firsthand.Basis{Right: "GDPR 16"}}
	row := agent.MoveRow{ID: 1, Move: move, Made: Now.Add(-3 * time.Minute), State: "begun", Began: Now.Add(-3 * time.Minute)}
	later := agent.MoveRow{ID: 2, Move: move, Made: Now, State: "scheduled"}
	later.Move.Starts = "2027-02-01"
	a.MoveList = []agent.MoveRow{later, row}
	b := agent.Board{MoveRow: row, Counts: map[string]int{}, Groups: map[string]int{}}
	steps := []string{agent.StepApplied, agent.StepReceived, agent.StepRefused, agent.StepNeedsYou, agent.StepSent, agent.StepNoAnswer, agent.StepDraft, agent.StepApplied, agent.StepLeftOut}
	for i := range n {
		leg := legs(agent.Instant, "native", "GDPR 16", i+1)[i]
		bl := agent.BoardLeg{Leg: leg, N: i + 1, Step: steps[i%len(steps)], Entry: firsthand.ID{byte(i + 1), byte(i >> 8), 7}}
		switch i % len(steps) {
		case 0:
			bl.System, bl.Record = say("crm"), say("C-1042")
		case 2:
			bl.Why = say("This street is not known.")
		case 3:
			bl.Channel, bl.Unproved = "manual", true
		case 5:
			bl.Day, bl.Of = 31, 30
		case 6:
			bl.Failure, bl.Tries = say("no answer"), 2
		case 7:
			bl.Channel, bl.Unproved = "manual", true
		}
		b.Counts[bl.Step]++
		b.Legs = append(b.Legs, bl)
	}
	a.Boards[1] = b
	claim := agent.MoveRow{ID: 3, Move: agent.Move{Claim: agent.Claim{Right: "access", Scope: "phone", Text: say("Please send me a file.")}}, Made: Now.Add(-time.Hour), State: "begun", Began: Now.Add(-time.Hour)}
	a.MoveList = append(a.MoveList, claim)
	asked := agent.Board{MoveRow: claim, Counts: map[string]int{}, Groups: map[string]int{}}
	for i, leg := range b.Legs {
		leg.Fact, leg.Value, leg.Old, leg.Basis = "phone", firsthand.Value{}, firsthand.Value{}, firsthand.Basis{Right: "GDPR 15"}
		if leg.Step == agent.StepApplied {
			leg.System, leg.Record, leg.Why = "", "", say("in part: without the logs")
		}
		asked.Counts[leg.Step]++
		if asked.Legs = append(asked.Legs, leg); i > 20 {
			break
		}
	}
	a.Boards[3] = asked
	a.Letters = agent.Writing{Address: []string{say("Acme NV"), say("Markt 1"), "9000 Gent"}, Own: say("Acme NV\nMarkt 1\n9000 Gent"), Lang: "nl"}
	a.Boards[2] = agent.Board{MoveRow: later, Counts: map[string]int{agent.StepScheduled: 1}, Legs: []agent.BoardLeg{{Leg: legs(agent.Instant, "native", "GDPR 16", 1)[0], N: 1, Step: agent.StepScheduled}}}
	for i, step := range []string{"", "", "sent", "applied", "refused"} {
		c := a.List[i%len(a.List)]
		a.TaskList = append(a.TaskList, agent.Task{Entry: firsthand.ID{byte(i + 1), 9}, Rel: firsthand.ID{byte(i + 1), 8}, Domain: c.Domain, Name: c.Name, Kind: "change", Fact: "address.home", Made: day(-i), Step: step, Note: say("spoke to Ann"), Noted: day(0), Move: 1,
			Due: "2026-12-24", Draft: channel.Draft{Link: say("https://" + c.Domain + "/account"), Text: say("Dear Acme,\nmy new address is Graslei 2."),
				Steps: []channel.Step{{Label: say("Open your address"), Was: say("Korenmarkt 1")}, {Label: say("Street"), Copy: say("Graslei 2")}, {Label: say("Town"), Copy: "Gent"}}}})
	}
}
