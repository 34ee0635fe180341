package agent_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/importer"
	"firsthand/internal/agent/importer/bank"
	"firsthand/internal/agent/money"
)

// statement is a year of a bank account: what recurs in it, and what doesn't.
func statement() string {
	var b strings.Builder
	b.WriteString("Buchungstag;Empfänger;Verwendungszweck;Betrag;Währung\n")
	row := func(day time.Time, payee, text, sum string) {
		fmt.Fprintf(&b, "%s;%s;%s;%s;EUR\n", day.Format("02.01.2006"), payee, text, sum)
	}
	for m := range 11 {
		day := time.Date(2026, time.Month(1+m), 5, 0, 0, 0, 0, time.UTC)
		price := "-10,99"
		if m >= 6 {
			price = "-12,99"
		}
		row(day, fmt.Sprintf("SPOTIFY P%dC%d STOCKHOLM", 1000+m, m), "", price)
		row(day.AddDate(0, 0, 2), "Gym & Fit GmbH", "Beitrag DE02120300000000202051", "-29,90")
		row(day.AddDate(0, 0, 3), "PayPal Europe S.a.r.l.", "PP.1234.PP . Acme Shop, Ihr Einkauf bei Acme Shop, x", "-5,00")
		row(day.AddDate(0, 0, m*7%23), "Bäckerei", "", fmt.Sprintf("-%d,%d0", 2+m%3, m%9))
		row(day.AddDate(0, 0, 22), "Arbeitgeber", "Gehalt", "2.500,00")
	}
	row(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), "Möbelhaus", "", "-499,00")
	return b.String()
}

// money returns a life that has brought a file of a bank, kept.
func moneyLife(t *testing.T, file string) (*life, agent.Import) {
	l := newLife(t)
	l.Agent.Formats = append(l.Agent.Formats, bank.Formats()...)
	im, err := l.Bring(t.Context(), "bank.csv", strings.NewReader(file), nil)
	l.must(err)
	l.must(l.Keep(t.Context(), im.ID))
	return l, im
}

func (l *life) contracts() []agent.Contract {
	l.t.Helper()
	all, err := l.Contracts(l.t.Context())
	l.must(err)
	return all
}

// today is the day of the tests.
const today = firsthand.Date("2026-11-26")

// find returns the contract of a name.
func (l *life) find(name string) agent.Contract {
	l.t.Helper()
	all := l.contracts()
	i := slices.IndexFunc(all, func(c agent.Contract) bool { return strings.Contains(c.Name, name) })
	if i < 0 {
		l.t.Fatalf("there is no contract %q among %d", name, len(all))
	}
	return all[i]
}

func TestContractsAreGuessed(t *testing.T) {
	l, im := moneyLife(t, statement())
	ctx := t.Context()
	if n := im.Counts; n.Payments != 45 || n.Incoming != 11 || n.Contracts != 3 || n.Bad != 0 || n.Columns.Day != "buchungstag" || n.Companies != 1 {
		t.Errorf("counts = %+v", n)
	}
	var lines []string
	for _, c := range l.contracts() {
		lines = append(lines, fmt.Sprint(c.Name, " ", c.Domain, " ", c.Price, " ", c.Period, " next ", c.Next, " cancel by ", c.CancelBy, " ", c.Silent, " ", len(c.Changes)))
	}
	want := []string{
		"SPOTIFY P1010C10 STOCKHOLM spotify.com 12.99 EUR 1 month next 2026-12-05 cancel by 2026-12-04 unexplained 1",
		"Gym & Fit GmbH  29.90 EUR 1 month next 2026-12-07 cancel by 2026-12-06 unexplained 0",
		"Acme Shop  5.00 EUR 1 month next 2026-12-08 cancel by 2026-12-07 unexplained 0",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("contracts:\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	sources, err := l.Sources(ctx, l.find("SPOTIFY"))
	l.must(err)
	if len(sources) != 11 || sources[0].File != "bank.csv" || sources[0].Payment.Day != "2026-11-05" || sources[0].Row == 0 {
		t.Errorf("sources = %+v", sources)
	}
	gym, err := l.Sources(ctx, l.find("Gym"))
	l.must(err)
	for _, s := range gym {
		if s.Payment.Text != "Beitrag DE…2051" {
			t.Errorf("the number of an account is kept: %q", s.Payment.Text)
		}
	}
	// The same rows in another file change nothing; a later file goes on.
	more := strings.Replace(statement(), "\n", "\n05.12.2026;SPOTIFY X;;-12,99;EUR\n", 1)
	again, err := l.Bring(ctx, "more.csv", strings.NewReader(more), nil)
	l.must(err)
	l.must(l.Keep(ctx, again.ID))
	if c := l.find("SPOTIFY"); c.Paid != 12 || c.Next != "2027-01-05" {
		t.Errorf("after a later statement: %d payments, next %s", c.Paid, c.Next)
	}
	if c := l.find("Gym"); c.Paid != 11 {
		t.Errorf("rows that stand in two files count twice: %d", c.Paid)
	}
	for _, id := range []int64{im.ID, again.ID} {
		l.must(l.Undo(ctx, id))
	}
	if all := l.contracts(); len(all) != 0 {
		t.Errorf("after undo there is %+v", all)
	}
}

func TestContractsAreHers(t *testing.T) {
	l, im := moneyLife(t, statement())
	ctx := t.Context()
	spotify, gym := l.find("SPOTIFY"), l.find("Gym")
	id, err := l.ConfirmContract(ctx, spotify.Ref(), "")
	l.must(err)
	if again, err := l.ConfirmContract(ctx, spotify.Key, ""); err != nil || again != id {
		t.Errorf("confirmed again: %d, %v; want %d", again, err, id)
	}
	l.must(l.DismissContract(ctx, gym.Ref()))
	if n := len(l.contracts()); n != 2 {
		t.Errorf("%d contracts", n)
	}
	l.must(l.EditContract(ctx, id, func(c *agent.ContractRow) {
		c.Renews, c.Term, c.Notice = "2025-03-01", money.Period{N: 1, Unit: money.Year}, money.Period{N: 3, Unit: money.Month}
	}))
	c := l.find("SPOTIFY")
	if c.Guessed || c.ID != id || c.Paid != 11 || c.CancelBy != "2026-11-28" || c.Goes != "2027-03-01" || len(c.Changes) != 1 {
		t.Errorf("contract = %+v", c)
	}
	due, err := l.Reminders(ctx, 14)
	l.must(err)
	if len(due) != 1 || due[0].ID != id {
		t.Errorf("reminders = %+v", due)
	}
	l.must(l.KeepContract(ctx, id))
	if due, err = l.Reminders(ctx, 14); err != nil || len(due) != 0 {
		t.Errorf("after she keeps it: %+v, %v", due, err)
	}
	// What she confirmed outlasts the file; and a contract by hand needs none.
	l.must(l.Undo(ctx, im.ID))
	if all := l.contracts(); len(all) != 1 || all[0].Paid != 0 || all[0].Domain != "spotify.com" {
		t.Errorf("after undo: %+v", all)
	}
	_, err = l.AddContract(ctx, agent.ContractRow{Name: "Insurance", Domain: "www.insurer.example", Price: money.Amount{Minor: 12000, Currency: "EUR"}, Period: money.Period{N: 1, Unit: money.Year},
		Next: "2027-01-01", Renews: "2027-01-01", Notice: money.Period{N: 1, Unit: money.Month}})
	l.must(err)
	if c := l.find("Insurance"); c.Domain != "insurer.example" || c.CancelBy != "2026-11-30" || c.Company != "insurer.example" {
		t.Errorf("by hand: %+v", c)
	}
	for _, bad := range []agent.ContractRow{{}, {Name: "x", Domain: "no domain"}, {Name: "x", Next: "2026-02-30"}, {Name: "x\n"}, {Name: "x", Price: money.Amount{Minor: -1, Currency: "EUR"}},
		{Name: "x", Price: money.Amount{Minor: 1, Currency: "euro"}}, {Name: "x", Period: money.Period{N: -1, Unit: money.Month}}} {
		if _, err := l.AddContract(ctx, bad); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%+v is a contract: %v", bad, err)
		}
	}
}

func TestCancelAndHaggle(t *testing.T) {
	l, _ := moneyLife(t, statement())
	ctx := t.Context()
	l.must(l.Store.Commit(ctx, agent.Commit{AddLabels: []agent.NextKey{{Label: firsthand.Label{1}, Hash: firsthand.ID{1}}, {Label: firsthand.Label{2}, Hash: firsthand.ID{2}}}}))
	id, err := l.ConfirmContract(ctx, l.find("Gym").Key, "")
	l.must(err)
	if _, err := l.CancelContract(ctx, id, agent.Cancelling{}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("cancelled at nobody: %v", err)
	}
	l.must(l.EditContract(ctx, id, func(c *agent.ContractRow) { c.Domain, c.Number = "gym.example", "G-1" }))
	haggled, err := l.HaggleContract(ctx, id, "20 EUR", "")
	l.must(err)
	cancelled, err := l.CancelContract(ctx, id, agent.Cancelling{Ends: "2027-01-31"})
	l.must(err)
	if _, err := l.CancelContract(ctx, id, agent.Cancelling{}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("cancelled twice: %v", err)
	}
	tasks, n, err := l.Tasks(ctx, agent.TaskQuery{})
	l.must(err)
	if n != 2 || tasks[0].Entry != haggled.Entry || tasks[1].Entry != cancelled.Entry || tasks[1].Domain != "gym.example" {
		t.Errorf("tasks = %+v", tasks)
	}
	text := ""
	for e, err := range l.store.Entries(ctx, tasks[1].Rel, firsthand.First, 0) {
		l.must(err)
		if e.ID == cancelled.Entry {
			text = string(e.Body)
		}
	}
	text = strings.ReplaceAll(text, "\u00a0", " ") // which keep a date together
	if !strings.Contains(text, "G-1") || !strings.Contains(text, "31 January 2027") {
		t.Errorf("the letter says %s", text)
	}
	c := l.find("Gym")
	if c.Cancelled != cancelled.Entry || c.Haggled != haggled.Entry || c.Ended != "2027-01-31" || c.CancelBy != "" || !c.Decided() {
		t.Errorf("contract = %+v", c)
	}
	for _, m := range agent.Year(l.contracts(), today)[3:] {
		for _, ch := range m.Charges {
			if ch.Contract.ID == id {
				t.Errorf("it is paid on %s, after its end", ch.Day)
			}
		}
	}
}

func TestYear(t *testing.T) {
	l, _ := moneyLife(t, statement())
	year := agent.Year(l.contracts(), today)
	if len(year) != 12 || year[0].Month != "2026-11" || year[11].Month != "2027-10" {
		t.Fatalf("year = %+v", year)
	}
	if len(year[0].Charges) != 0 || fmt.Sprint(year[1].Sums) != "[47.89 EUR]" || fmt.Sprint(agent.PerMonth(l.contracts(), today)) != "[47.89 EUR]" {
		t.Errorf("December costs %v", year[1].Sums)
	}
}

func TestMappings(t *testing.T) {
	l := newLife(t)
	l.Agent.Formats = append(l.Agent.Formats, bank.Formats()...)
	ctx := t.Context()
	file := "Wann,Wer,Wieviel\n31/01/2026,Gym,12.50\n"
	if _, err := l.Bring(ctx, "x.csv", strings.NewReader(file), nil); fault.KindOf(err) != fault.Invalid {
		t.Errorf("read without a mapping: %v", err)
	}
	m := importer.Mapping{Name: "My bank", Day: " Wann ", Amount: "Wieviel", Payee: "wer", Unit: "eur", Flip: true}
	l.must(l.SaveMapping(ctx, m))
	im, err := l.Bring(ctx, "x.csv", strings.NewReader(file), nil)
	l.must(err)
	if im.Counts.Columns.Name != "My bank" || im.Counts.Payments != 1 {
		t.Errorf("counts = %+v", im.Counts)
	}
	for _, bad := range []importer.Mapping{{Name: "x"}, {Name: "", Day: "a", Amount: "b", Text: "c"}, {Name: "x", Day: "a", Amount: "b", Text: "c", Order: "xyz"}, {Name: "x", Day: "a", Amount: "b", Text: "c", Unit: "euros"}} {
		if err := l.SaveMapping(ctx, bad); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%+v is saved: %v", bad, err)
		}
	}
	l.must(l.DropMapping(ctx, "My bank"))
	if all, err := l.Mappings(ctx); err != nil || len(all) != 0 {
		t.Errorf("mappings = %v, %v", all, err)
	}
}

func TestExportHasMoney(t *testing.T) {
	l, _ := moneyLife(t, statement())
	ctx := t.Context()
	_, err := l.ConfirmContract(ctx, l.find("SPOTIFY").Key, "")
	l.must(err)
	l.must(l.SaveMapping(ctx, importer.Mapping{Name: "My bank", Day: "a", Amount: "b", Text: "c"}))
	before := l.contracts()
	var file bytes.Buffer
	l.must(l.Export(ctx, &file))
	if _, err := zip.NewReader(bytes.NewReader(file.Bytes()), int64(file.Len())); err != nil {
		t.Fatal(err)
	}
	other := newLife(t)
	_, err = other.Import(ctx, bytes.NewReader(file.Bytes()), int64(file.Len()))
	other.must(err)
	if got := other.contracts(); fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", before) {
		t.Errorf("contracts came back as\n%+v\nwant\n%+v", got, before)
	}
	if all, err := other.Mappings(ctx); err != nil || len(all) != 1 {
		t.Errorf("mappings = %v, %v", all, err)
	}
}
