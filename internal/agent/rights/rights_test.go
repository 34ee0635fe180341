package rights_test

import (
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/rights"
)

// nowhere is a place of whose holidays nothing is known: weekends alone count.
var nowhere = rights.Place{}

func TestClock(t *testing.T) {
	de, be, fr, gb, ca := rights.Place{Country: "DE"}, rights.Place{Country: "BE"}, rights.Place{Country: "FR"}, rights.Place{Country: "GB"}, rights.Place{Country: "US", Region: "CA"}
	tests := []struct {
		why                    string
		law, right             string
		received               firsthand.Date
		at                     rights.Place
		confirm, due, extended firsthand.Date
	}{
		{"a month has the same date", rights.GDPR, rights.Access, "2027-03-05", nowhere, "", "2027-04-05", "2027-06-07"},
		{"no 31st in February, and its last day is a Sunday", rights.GDPR, rights.Access, "2027-01-31", nowhere, "", "2027-03-01", "2027-04-30"},
		{"a leap year", rights.GDPR, rights.Access, "2028-01-31", nowhere, "", "2028-02-29", "2028-05-01"},
		{"from the 29th of a leap year's January", rights.GDPR, rights.Access, "2028-01-29", nowhere, "", "2028-02-29", "2028-05-01"},
		{"no 29th in another's", rights.GDPR, rights.Access, "2027-01-29", nowhere, "", "2027-03-01", "2027-04-29"},
		{"from the leap day", rights.GDPR, rights.Access, "2028-02-29", nowhere, "", "2028-03-29", "2028-05-29"},
		{"no 31st in September", rights.GDPR, rights.Erase, "2026-08-31", nowhere, "", "2026-09-30", "2026-11-30"},
		{"three months are clamped once, from receipt", rights.GDPR, rights.Erase, "2026-11-30", nowhere, "", "2026-12-30", "2027-03-01"},
		{"over the turn of the year", rights.GDPR, rights.Port, "2026-12-15", nowhere, "", "2027-01-15", "2027-03-15"},
		{"the last day is a Saturday", rights.GDPR, rights.Object, "2026-11-05", nowhere, "", "2026-12-07", "2027-02-05"},
		{"1900 had no leap day, 2000 had one", rights.GDPR, rights.Access, "2000-01-31", nowhere, "", "2000-02-29", "2000-05-01"},

		{"Christmas lasts until the 27th in Germany, which is a Sunday", rights.GDPR, rights.Access, "2026-11-25", de, "", "2026-12-28", "2027-02-25"},
		{"and is one day in Belgium", rights.GDPR, rights.Access, "2026-11-25", be, "", "2026-12-28", "2027-02-25"},
		{"Easter moves: Good Friday to Easter Monday in Germany", rights.GDPR, rights.Access, "2027-02-26", de, "", "2027-03-30", "2027-05-26"},
		{"Good Friday is a working day in France", rights.GDPR, rights.Access, "2027-02-26", fr, "", "2027-03-26", "2027-05-26"},
		{"1 May, a Saturday", rights.GDPR, rights.Access, "2027-04-01", de, "", "2027-05-03", "2027-07-01"},
		{"the French national holiday", rights.GDPR, rights.Access, "2026-06-14", fr, "", "2026-07-15", "2026-09-14"},
		{"New Year's Day", rights.GDPR, rights.Access, "2026-12-01", de, "", "2027-01-04", "2027-03-01"},

		{"the United Kingdom counts months too", rights.UK, rights.Access, "2026-11-25", gb, "", "2026-12-29", "2027-02-25"}, // 26th is a Saturday: its substitute is Monday
		{"the late August bank holiday", rights.UK, rights.Erase, "2026-07-31", gb, "", "2026-09-01", "2026-11-02"},

		{"California: 10 business days, 45 days, 90 in all", rights.CCPA, rights.Access, "2027-03-01", ca, "2027-03-15", "2027-04-15", "2027-05-30"},
		{"no shift from a Sunday", rights.CCPA, rights.Erase, "2027-03-04", ca, "2027-03-18", "2027-04-18", "2027-06-02"},
		{"opt out: 15 business days, and no extension", rights.CCPA, rights.OptOut, "2027-03-01", ca, "", "2027-03-22", ""},
		{"Thanksgiving, the day after, and Christmas don't count", rights.CCPA, rights.OptOut, "2026-11-20", ca, "", "2026-12-15", ""},
		{"Cesar Chavez Day", rights.CCPA, rights.Correct, "2027-03-25", ca, "2027-04-09", "2027-05-09", "2027-06-23"},
		{"California's holidays wherever the company is", rights.CCPA, rights.OptOut, "2026-11-20", de, "", "2026-12-15", ""},
		{"45 days over a leap day", rights.CCPA, rights.Access, "2028-01-20", ca, "2028-02-03", "2028-03-05", "2028-04-19"},

		{"dates have an end", rights.GDPR, rights.Access, "9999-12-31", nowhere, "", "9999-12-31", "9999-12-31"},
	}
	for _, tt := range tests {
		c, err := rights.ClockOf(tt.law, tt.right, tt.received, tt.at)
		if err != nil {
			t.Errorf("%s: %v", tt.why, err)
			continue
		}
		if c.Confirm != tt.confirm || c.Due != tt.due || c.Extended != tt.extended {
			t.Errorf("%s: %s %s received %s: confirm %q due %q extended %q, want %q %q %q", tt.why, tt.law, tt.right, tt.received,
				c.Confirm, c.Due, c.Extended, tt.confirm, tt.due, tt.extended)
		}
	}
	if _, err := rights.ClockOf(rights.GDPR, rights.Access, "2027-02-30", nowhere); err == nil {
		t.Error("a clock from a day that never was")
	}
}

// Whatever the day, no law's month is shorter than 28 days or longer than 31 and
// what weekends and holidays add; and what is extended ends later.
func TestClockBounds(t *testing.T) {
	for day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2031; day = day.AddDate(0, 0, 1) {
		for _, country := range []string{"", "AT", "BE", "DE", "ES", "FR", "GB", "IT", "LU", "NL", "PL", "PT", "SE", "US"} {
			c, err := rights.ClockOf(rights.GDPR, rights.Access, firsthand.DateOf(day), rights.Place{Country: country})
			if err != nil {
				t.Fatal(err)
			}
			due, _ := time.Parse(time.DateOnly, string(c.Due))
			if days := int(due.Sub(day).Hours() / 24); days < 28 || days > 31+5 || due.Weekday() == time.Saturday || due.Weekday() == time.Sunday || c.Extended <= c.Due {
				t.Fatalf("%s received %s: due %s after %d days, extended %s", country, firsthand.DateOf(day), c.Due, days, c.Extended)
			}
		}
	}
}

func TestDay(t *testing.T) {
	late := time.Date(2026, 12, 31, 23, 30, 0, 0, time.UTC)
	for country, want := range map[string]firsthand.Date{"": "2026-12-31", "GB": "2026-12-31", "DE": "2027-01-01", "GR": "2027-01-01", "US": "2026-12-31", "XX": "2026-12-31"} {
		if got := rights.Day(late, rights.Place{Country: country}); got != want {
			t.Errorf("%s: %s, want %s", country, got, want)
		}
	}
	// In summer clocks are an hour ahead, and so may be the day.
	if got := rights.Day(time.Date(2026, 7, 31, 22, 30, 0, 0, time.UTC), rights.Place{Country: "BE"}); got != "2026-08-01" {
		t.Errorf("a summer night in Brussels: %s", got)
	}
	if got := rights.Day(time.Date(2026, 1, 31, 22, 30, 0, 0, time.UTC), rights.Place{Country: "BE"}); got != "2026-01-31" {
		t.Errorf("a winter night in Brussels: %s", got)
	}
}

func TestRules(t *testing.T) {
	for _, law := range rights.Laws() {
		for _, right := range rights.All() {
			r, err := rights.RuleOf(law, right)
			if law == rights.CCPA && right == rights.Object {
				if fault.KindOf(err) != fault.NotExist {
					t.Errorf("the CCPA knows no objection: %v", err)
				}
				continue
			}
			if err != nil || r.Answer.IsZero() || r.Source == "" || r.Article == "" || r.TimeArticle == "" || r.ID == "" {
				t.Errorf("%s %s: %+v, %v", law, right, r, err)
			}
		}
	}
	for _, bad := range [][2]string{{"", rights.Access}, {"LGPD", rights.Access}, {rights.GDPR, "forget"}} {
		if _, err := rights.RuleOf(bad[0], bad[1]); fault.KindOf(err) != fault.NotExist {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestClaimable(t *testing.T) {
	de, gb, ca, ny, ch := rights.Place{Country: "DE"}, rights.Place{Country: "GB"}, rights.Place{Country: "US", Region: "California"}, rights.Place{Country: "US", Region: "NY"}, rights.Place{Country: "CH"}
	tests := []struct {
		her, company rights.Place
		want         []string
	}{
		{de, nowhere, []string{rights.GDPR}}, {de, ca, []string{rights.GDPR}}, {de, gb, []string{rights.GDPR, rights.UK}}, {gb, de, []string{rights.UK, rights.GDPR}},
		{ca, de, []string{rights.GDPR, rights.CCPA}}, {ca, ny, []string{rights.CCPA}}, {ny, ca, nil}, {ch, de, []string{rights.GDPR}}, {ch, ny, nil}, {nowhere, nowhere, nil}, {nowhere, de, []string{rights.GDPR}},
	}
	for _, tt := range tests {
		if got := rights.Claimable(tt.her, tt.company); !slices.Equal(got, tt.want) {
			t.Errorf("she in %v, the company in %v: %q, want %q", tt.her, tt.company, got, tt.want)
		}
	}
}

func TestPlaces(t *testing.T) {
	tests := []struct {
		lines string
		want  rights.Place
	}{
		{"Markt 1\n9000 Gent\nBelgië", rights.Place{Country: "BE"}}, {"Hauptstraße 1\n10115 Berlin\nDeutschland", rights.Place{Country: "DE"}}, {"Hauptstraße 1\n10115 Berlin", rights.Place{}},
		{"1 Main St\nSan Francisco, CA 94103\nUSA", rights.Place{Country: "US", Region: "CA"}}, {"1 Main St\nSan Francisco, CA 94103\nUnited States of America", rights.Place{Country: "US", Region: "CA"}},
		{"1 Main St\nSan Francisco, CA 94103, USA", rights.Place{Country: "US", Region: "CA"}}, {"1 High Street\nLondon\nSW1A 1AA\nUnited Kingdom", rights.Place{Country: "GB"}},
		{"Rue 1, 1000 Bruxelles, Belgique", rights.Place{Country: "BE"}}, {"", rights.Place{}}, {",", rights.Place{}}, {"x, DE", rights.Place{}},
	}
	for _, tt := range tests {
		if got := rights.PlaceOf(strings.Split(tt.lines, "\n")); got != tt.want {
			t.Errorf("%q: %+v, want %+v", tt.lines, got, tt.want)
		}
	}
	v := firsthand.Value{Parts: map[string]string{"street": "Graslei 2", "country": "Belgium", "region": "Oost-Vlaanderen"}}
	if got := rights.PlaceOfValue(v); got != (rights.Place{Country: "BE", Region: "Oost-Vlaanderen"}) {
		t.Errorf("%+v", got)
	}
	if got := rights.PlaceOfValue(firsthand.Text("Graslei 2\n9000 Gent\nBelgium")); got != (rights.Place{Country: "BE"}) {
		t.Errorf("%+v", got)
	}
	for domain, want := range map[string]string{"acme.example": "", "acme.de": "DE", "acme.co.uk": "GB", "acme.com": "", "localhost": "", "": ""} {
		if got := rights.CountryOfDomain(domain); got != want {
			t.Errorf("%s: %q, want %q", domain, got, want)
		}
	}
}

func TestAuthorities(t *testing.T) {
	names := func(all []rights.Authority) (names []string) {
		for _, a := range all {
			names = append(names, a.Name)
		}
		return names
	}
	first := func(law string, her, company rights.Place) string {
		all := rights.AuthoritiesFor(law, her, company)
		if len(all) == 0 {
			return ""
		}
		return all[0].Name
	}
	be, de := rights.Place{Country: "BE"}, rights.Place{Country: "DE"}
	bayern := rights.Place{Country: "DE", Region: "Bayern"}
	for _, tt := range []struct{ got, want string }{
		{first(rights.GDPR, be, de), "Gegevensbeschermingsautoriteit / Autorité de protection des données"},
		{first(rights.GDPR, bayern, be), "Bayerisches Landesamt für Datenschutzaufsicht"},
		{first(rights.GDPR, nowhere, rights.Place{Country: "IE"}), "Data Protection Commission"},
		{first(rights.UK, be, nowhere), "Information Commissioner’s Office"},
		{first(rights.CCPA, nowhere, nowhere), "California Privacy Protection Agency"},
		{first(rights.GDPR, nowhere, nowhere), ""}, {first("LGPD", be, be), ""},
	} {
		if tt.got != tt.want {
			t.Errorf("%q, want %q", tt.got, tt.want)
		}
	}
	if got := names(rights.AuthoritiesFor(rights.GDPR, bayern, be)); len(got) != 2 {
		t.Errorf("from Bavaria about a Belgian company: %q", got)
	}
	if got := names(rights.AuthoritiesFor(rights.GDPR, de, de)); len(got) != 16 {
		t.Errorf("from somewhere in Germany: %d, want those of all Länder", len(got))
	}
	// Each country in which the law holds has one, and each can be looked up.
	for _, country := range strings.Fields("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK") {
		all := rights.AuthoritiesFor(rights.GDPR, rights.Place{Country: country}, nowhere)
		if len(all) == 0 {
			t.Errorf("none in %s", country)
		}
		for _, a := range all {
			for _, link := range []string{a.Link, a.Form} {
				if u, err := url.Parse(link); err != nil || link != "" && (u.Scheme != "https" || u.Host == "") || a.Link == "" {
					t.Errorf("%s: %q", a.Name, link)
				}
			}
			if !slices.Contains([]string{"en", "de", "fr", "nl", "es"}, a.Lang) || reflect.DeepEqual(a.Address, []string{}) {
				t.Errorf("%+v", a)
			}
		}
	}
}

func TestAfterReminder(t *testing.T) {
	for day, want := range map[firsthand.Date]firsthand.Date{"2026-11-26": "2026-12-10", "2026-12-11": "2026-12-28", "": ""} {
		if got := rights.AfterReminder(day, rights.Place{Country: "DE"}); got != want {
			t.Errorf("after %s: %s, want %s", day, got, want)
		}
	}
}

func TestCountryLine(t *testing.T) {
	for text, want := range map[string]string{"BE": "Belgium", " de ": "Germany", "Belgique": "Belgique", "JP": "JP", "": ""} {
		if got := rights.CountryLine(text); got != want {
			t.Errorf("CountryLine(%q) = %q, want %q", text, got, want)
		}
	}
}
