package webtest

import (
	"context"
	"fmt"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/importer"
	"firsthand/internal/agent/money"
)

// CalendarWord opens the calendar of an Agent.
const CalendarWord = "word"

func (a *Agent) Contracts(context.Context) ([]agent.Contract, error) {
	return a.Money, a.Fail["Contracts"]
}
func (a *Agent) ContractOf(_ context.Context, ref string) (agent.Contract, error) {
	for _, c := range a.Money {
		if c.Ref() == ref {
			return c, nil
		}
	}
	return agent.Contract{}, fault.NotExist
}
func (a *Agent) Sources(context.Context, agent.Contract) ([]agent.Source, error) {
	return a.SourceList, nil
}
func (a *Agent) AddContract(_ context.Context, c agent.ContractRow) (int64, error) {
	return 1, a.note("AddContract", c.Name, c.Domain, c.Price, c.Period, c.Renews, c.Notice)
}
func (a *Agent) EditContract(_ context.Context, id int64, edit func(*agent.ContractRow)) error {
	row := agent.ContractRow{}
	edit(&row)
	return a.note("EditContract", id, row.Name, row.Domain, row.Price, row.Period, row.Notice)
}
func (a *Agent) DropContract(_ context.Context, id int64) error { return a.note("DropContract", id) }
func (a *Agent) ConfirmContract(_ context.Context, ref, domain string) (int64, error) {
	return 1, a.note("ConfirmContract", ref, domain)
}
func (a *Agent) DismissContract(_ context.Context, ref string) error {
	return a.note("DismissContract", ref)
}
func (a *Agent) KeepContract(_ context.Context, id int64) error { return a.note("KeepContract", id) }
func (a *Agent) CancelContract(_ context.Context, id int64, o agent.Cancelling) (agent.Act, error) {
	return agent.Act{}, a.note("CancelContract", id, o.Ends)
}
func (a *Agent) HaggleContract(_ context.Context, id int64, offer, _ string) (agent.Act, error) {
	return agent.Act{}, a.note("HaggleContract", id, offer)
}
func (a *Agent) HasCalendar(context.Context) (bool, error) { return len(a.Money) > 0, nil }
func (a *Agent) OpenCalendar(context.Context) (string, error) {
	return CalendarWord, a.note("OpenCalendar")
}
func (a *Agent) CloseCalendar(context.Context) error { return a.note("CloseCalendar") }
func (a *Agent) Calendar(_ context.Context, word string) ([]byte, error) {
	if word != CalendarWord {
		return nil, fault.NotExist
	}
	return []byte("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"), nil
}
func (a *Agent) Mappings(context.Context) ([]importer.Mapping, error) { return a.Columns, nil }
func (a *Agent) SaveMapping(_ context.Context, m importer.Mapping) error {
	return a.note("SaveMapping", m.Name, m.Day, m.Amount, m.Payee)
}
func (a *Agent) DropMapping(_ context.Context, name string) error {
	return a.note("DropMapping", name)
}

// contracts gives a life contracts of each sort.
func contracts(a *Agent, n int, say speaker) {
	eur := func(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "EUR"} }
	month, year := money.Period{N: 1, Unit: money.Month}, money.Period{N: 1, Unit: money.Year}
	on := func(d int) firsthand.Date { return firsthand.DateOf(day(d)) }
	for i := range min(n, 60) {
		c := a.List[i%len(a.List)]
		k := agent.Contract{Company: c.Name, Guessed: i%3 == 1, Last: on(-3), Paid: 11}
		k.ID, k.Domain, k.Name, k.Price, k.Period, k.Next = int64(i+1), c.Domain, say(fmt.Sprint("Plan ", i+1)), eur(int64(499+i*131)), month, on(2+i)
		k.CancelBy, k.Goes = on(1+i), on(2+i)
		switch i % 8 {
		case 0:
			k.Period, k.Renews, k.Notice, k.Number, k.Note = year, on(90), money.Period{N: 3, Unit: money.Month}, say("4711"), say("Ask Ann")
			k.CancelBy, k.Goes = on(12), on(103)
		case 1:
			k.ID, k.Key, k.Domain, k.Company, k.Silent = 0, fmt.Sprint("paid:x/EUR/", i), "", "", agent.SilentUnexplained
		case 2:
			k.Changes = []money.Change{{Day: on(-30), From: eur(999), To: k.Price}}
		case 3:
			k.Trial, k.CancelBy, k.Goes = on(9), on(9), on(10)
		case 4:
			k.Price.Currency, k.Varies = "USD", true
		case 5:
			k.Stopped, k.CancelBy, k.Goes = true, "", ""
		case 6:
			k.Silent, k.Cancelled, k.Ended, k.CancelBy = agent.SilentUnused, firsthand.ID{1}, on(40), ""
		case 7:
			k.Price, k.Period, k.Next, k.CancelBy, k.Ended = money.Amount{}, money.Period{}, "", "", on(-40)
		}
		a.Money = append(a.Money, k)
	}
	pay := agent.Payment{ID: 1, Import: 3, Row: 12, Day: on(-3), Amount: eur(499), Name: say("ACME *PLAN"), Text: say("Rechnung 4711"), Mandate: say("M-1")}
	a.SourceList = []agent.Source{{Import: 3, File: say("bank.csv"), Row: 12, Payment: pay}, {Import: 3, File: say("list.json"), Row: 2}}
	a.Columns = []importer.Mapping{{Name: say("My bank"), Day: say("wann"), Amount: say("wieviel"), Payee: say("wer")}}
	a.Brought_ = append(a.Brought_, agent.Import{ID: 3, Format: "bank-table", File: say("bank.csv"), At: day(-1), State: agent.Kept,
		Counts: agent.ImportCounts{Rows: 412, Companies: 9, New: 3, Payments: 400, Incoming: 12, Contracts: 14, Mails: 2, Unproved: 1, Columns: importer.Mapping{Day: say("buchungstag"), Amount: say("betrag"), Payee: say("empfänger"), Flip: true, Order: "dmy"}}})
}
