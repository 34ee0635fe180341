package agent_test

import (
	"strings"
	"testing"

	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/money"
)

func TestCalendar(t *testing.T) {
	l := newLife(t)
	ctx := t.Context()
	for _, word := range []string{"", "x"} {
		if _, err := l.Calendar(ctx, word); fault.KindOf(err) != fault.NotExist {
			t.Errorf("a calendar without a link, by %q: %v", word, err)
		}
	}
	year := money.Period{N: 1, Unit: money.Year}
	add := func(c agent.ContractRow) {
		_, err := l.AddContract(ctx, c)
		l.must(err)
	}
	add(agent.ContractRow{Name: "Ünfall; Haft, \\ BEGIN:VEVENT " + strings.Repeat("ü", 30), Domain: "insurer.example", Price: money.Amount{Minor: 12000, Currency: "EUR"}, Period: year,
		Next: "2027-03-01", Renews: "2027-03-01", Notice: money.Period{N: 1, Unit: money.Month}})
	add(agent.ContractRow{Name: "Trial", Price: money.Amount{Minor: 500, Currency: "EUR"}, Period: money.Period{N: 1, Unit: money.Month}, Next: "2026-12-11", Trial: "2026-12-10"})
	add(agent.ContractRow{Name: "Over", Price: money.Amount{Minor: 500, Currency: "EUR"}, Period: year, Next: "2027-01-01", Ended: "2026-01-01"})
	word, err := l.OpenCalendar(ctx)
	l.must(err)
	if stored, _ := l.Store.Setting(ctx, "calendar"); strings.Contains(stored, word) || len(word) < 40 {
		t.Error("the word itself is kept, or it is short")
	}
	text, err := l.Calendar(ctx, word)
	l.must(err)
	lines := strings.Split(string(text), "\r\n")
	for _, line := range lines {
		if len(line) > 75 || strings.ContainsAny(line, "\n\r") {
			t.Errorf("a line of %d bytes: %q", len(line), line)
		}
	}
	whole := strings.ReplaceAll(string(text), "\r\n ", "")
	for _, want := range []string{"BEGIN:VCALENDAR\r\n", "\r\nEND:VCALENDAR\r\n", `SUMMARY:Last day to cancel: Ünfall\; Haft\, \\ BEGIN:VEVENT üü`, "DTSTART;VALUE=DATE:20270128\r\nDTEND;VALUE=DATE:20270129",
		"TRIGGER:-P14D", `Trial ends\, last day to cancel: Trial`, "DTSTART;VALUE=DATE:20261210", "SUMMARY:insurer.example: 120.00 EUR"} {
		if !strings.Contains(whole, want) {
			t.Errorf("the calendar lacks %q:\n%s", want, whole)
		}
	}
	if n := strings.Count(whole, "\r\nBEGIN:VEVENT\r\n"); n != 4 || strings.Contains(whole, "Over") {
		t.Errorf("%d events:\n%s", n, whole)
	}
	again, err := l.OpenCalendar(ctx)
	l.must(err)
	if _, err := l.Calendar(ctx, word); fault.KindOf(err) != fault.NotExist {
		t.Errorf("the old link leads somewhere: %v", err)
	}
	l.must(l.CloseCalendar(ctx))
	if _, err := l.Calendar(ctx, again); fault.KindOf(err) != fault.NotExist {
		t.Errorf("a closed link leads somewhere: %v", err)
	}
	if has, err := l.HasCalendar(ctx); err != nil || has {
		t.Errorf("has a calendar: %v, %v", has, err)
	}
}
