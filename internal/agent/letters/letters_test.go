package letters_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/channel"
	"firsthand/internal/agent/letters"
	"firsthand/internal/agent/rights"
)

// Whoever adds words to one language adds them to all.
func TestLanguagesSayTheSame(t *testing.T) {
	defined := regexp.MustCompile(`{{define "([^"]+)"}}`)
	of := func(lang string) (names []string) {
		text, err := os.ReadFile("words/" + lang + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range defined.FindAllStringSubmatch(string(text), -1) {
			// Forms that only one language has.
			if !strings.HasSuffix(m[1], ".object") && m[1] != "under" {
				names = append(names, m[1])
			}
		}
		slices.Sort(names)
		return names
	}
	want := of("en")
	if len(want) < 80 {
		t.Fatalf("%d words", len(want))
	}
	for _, lang := range letters.Languages() {
		if got := of(lang); !slices.Equal(got, want) {
			t.Errorf("%s has %q, want %q", lang, got, want)
		}
	}
}

// Each letter says what it is about, by when, where the right is given, and the
// reference; and no line of plain text is too long for a mail.
func TestLettersSayWhatTheyMust(t *testing.T) {
	for _, lang := range letters.Languages() {
		for name, r := range requests() {
			r.Lang = lang
			l, err := letters.Compose(r)
			if err != nil {
				t.Errorf("%s %s: %v", lang, name, err)
				continue
			}
			all := whole(l)
			must := []string{r.Ref, "Mia Peeters"}
			for _, k := range r.Known {
				must = append(must, k.Value)
			}
			for _, v := range []firsthand.Value{r.Old, r.New} {
				for _, line := range letters.Lines(r.Fact, v) {
					must = append(must, "    "+line)
				}
			}
			for _, day := range []firsthand.Date{r.Due, r.Missed, r.Asked, r.Until, r.Ends, r.Confirm, r.Reminded} {
				if day != "" {
					must = append(must, strings.TrimLeft(string(day[8:]), "0"), string(day[:4]))
				}
			}
			if r.Law == rights.CCPA {
				must = append(must, "1798.")
			}
			if r.Kind == letters.Reminder {
				must = append(must, "15", "12")
			}
			for _, text := range must {
				if !strings.Contains(all, text) {
					t.Errorf("%s %s lacks %q:\n%s", lang, name, text, all)
				}
			}
			if strings.Contains(all, "<no value>") || strings.Contains(all, "{{") || strings.Contains(all, "  ") && !strings.Contains(all, "    ") {
				t.Errorf("%s %s:\n%s", lang, name, all)
			}
			for line := range strings.SplitSeq(l.Text(), "\n") {
				if utf8.RuneCountInString(line) > 72 {
					t.Errorf("%s %s: a line of %d: %s", lang, name, utf8.RuneCountInString(line), line)
				}
				if line != strings.TrimRight(line, " ") || strings.Contains(strings.TrimLeft(line, " "), "  ") {
					t.Errorf("%s %s: blanks in %q", lang, name, line)
				}
			}
			if strings.Contains(l.Subject, "\n") || l.Subject == "" || l.Date == "" || len(l.Info) < 2 {
				t.Errorf("%s %s: %+v", lang, name, l)
			}
		}
	}
}

// What strangers and files supply is text, wherever it stands.
func TestHostileTextIsInert(t *testing.T) {
	for _, evil := range []string{"{{.Ref}}", "{{define \"x\"}}", "{{template \"change\" .}}", "Acme\r\nBcc: all@evil.example", "Acme\n\nDear Mia, send your password", "\x1b[2J", "\u202eelpmaxe", "a\u2028b",
		"\x00", "<script>", "%s%n", "\ufeffx", strings.Repeat("long ", 400), "    indented", "\u0085x", "\xff\xfe"} {
		for _, lang := range []string{"en", "fr"} {
			for name, r := range requests() {
				r.Lang, r.To.Name, r.To.Address, r.About.Name, r.About.Address = lang, evil, evil+"\n"+evil, evil, evil
				r.From.Name, r.Contract, r.Price, r.Offer, r.Purpose = evil, evil, evil, evil, evil
				if r.Law == rights.GDPR {
					r.Law = evil
				}
				r.Known = []letters.Identifier{{Fact: "customer_number", Value: evil}, {Fact: evil, Value: evil}}
				r.Text, r.Ref = evil+"x", evil
				r.Old, r.New = firsthand.Text(evil), firsthand.Text(evil)
				l, err := letters.Compose(r)
				if err != nil {
					if fault.KindOf(err) != fault.Invalid {
						t.Errorf("%s %s %q: %v", lang, name, evil, err)
					}
					continue
				}
				all := whole(l)
				if bad := strings.IndexFunc(all, func(c rune) bool {
					return unicode.IsControl(c) && c != '\n' || unicode.Is(unicode.Cf, c) || c == '\u2028' || c == '\u2029'
				}); bad >= 0 {
					t.Errorf("%s %s %q: not inert at %d", lang, name, evil, bad)
				}
				if strings.Contains(l.Subject+l.Salutation+l.Signature+l.Ref+l.Closing, "\n") {
					t.Errorf("%s %s %q: a line too many: %+v", lang, name, evil, l)
				}
			}
		}
	}
}

func TestLettersThatLackSomething(t *testing.T) {
	tests := []struct {
		why    string
		change func(*letters.Request)
	}{
		{"kind", func(r *letters.Request) { r.Kind = "love" }}, {"language", func(r *letters.Request) { r.Lang = "xx" }}, {"fact", func(r *letters.Request) { r.Kind, r.Fact = letters.Change, "" }},
		{"value", func(r *letters.Request) { r.Kind, r.New = letters.Change, firsthand.Value{} }}, {"purpose", func(r *letters.Request) { r.Kind, r.Purpose = letters.Disclose, "" }},
		{"text", func(r *letters.Request) { r.Kind, r.Text = letters.Message, " \n" }}, {"terms", func(r *letters.Request) { r.Kind, r.Terms = letters.Terms, nil }},
		{"law", func(r *letters.Request) { r.Law = "" }}, {"due", func(r *letters.Request) { r.Due = "" }}, {"asked", func(r *letters.Request) { r.Kind, r.Asked = letters.Reminder, "" }},
		{"contract", func(r *letters.Request) { r.Kind, r.Contract = letters.Cancel, "" }}, {"company", func(r *letters.Request) { r.Kind, r.About = letters.Complaint, channel.To{} }},
	}
	for _, tt := range tests {
		r := letters.Request{Kind: letters.Access, Right: rights.Access, Law: rights.GDPR, Due: "2026-12-31", Fact: "email", New: firsthand.Text("a@b.example"), Purpose: "x", Text: "x", Asked: "2026-10-01", Missed: "2026-11-02", Contract: "x", About: acme}
		if _, err := letters.Compose(r); err != nil {
			t.Fatal(err)
		}
		tt.change(&r)
		if _, err := letters.Compose(r); fault.KindOf(err) != fault.Invalid {
			t.Errorf("without %s: %v", tt.why, err)
		}
	}
}

// An address stands as the post of its country wants it.
func TestLines(t *testing.T) {
	for _, tt := range []struct {
		parts map[string]string
		want  string
	}{
		{map[string]string{"street": "Graslei", "house": "2", "extra": "bus 3", "postal_code": "9000", "city": "Gent", "country": "Belgium"}, "Graslei 2|bus 3|9000 Gent|Belgium"},
		{map[string]string{"street": "Oak Street 12", "postal_code": "94702", "city": "Berkeley", "region": "CA", "country": "USA"}, "Oak Street 12|Berkeley, CA 94702|USA"},
		{map[string]string{"street": "Oak Street 12", "city": "Berkeley", "country": "US"}, "Oak Street 12|Berkeley|United States"},
		{map[string]string{"street": "High Street 1", "postcode": "SW1A 1AA", "city": "London", "country": "United Kingdom"}, "High Street 1|London|SW1A 1AA|United Kingdom"},
		{map[string]string{"given": "Mia", "family": "Peeters"}, "Mia Peeters"},
	} {
		if got := strings.Join(letters.Lines("address.home", firsthand.Value{Parts: tt.parts}), "|"); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.parts, got, tt.want)
		}
	}
	if got := letters.Lines("address", firsthand.Text("Graslei 2\n\n9000 Gent")); len(got) != 2 {
		t.Errorf("%q", got)
	}
}

func TestRef(t *testing.T) {
	seen := make(map[string]bool)
	for i := range 1000 {
		ref := letters.Ref(firsthand.ID{byte(i), byte(i >> 8)})
		if !regexp.MustCompile(`^FH-[A-Z2-7]{10}$`).MatchString(ref) || seen[ref] {
			t.Fatalf("%q", ref)
		}
		seen[ref] = true
	}
	id := firsthand.ID{1}
	if strings.Contains(strings.ToUpper(id.String()), letters.Ref(id)[3:]) {
		t.Error("the reference tells the relationship's ID")
	}
}

func TestLanguageOf(t *testing.T) {
	tests := []struct {
		choice, listed, address, domain, want string
	}{
		{"", "", "", "acme.example", "en"}, {"fr", "de", "Berlin\nDeutschland", "acme.de", "fr"}, {"", "de", "Paris\nFrance", "acme.fr", "de"}, {"xx", "pl", "", "acme.nl", "nl"},
		{"", "", "1 rue\n75001 Paris\nFrance", "acme.com", "fr"}, {"", "", "Markt 1\n9000 Gent\nBelgium", "acme.com", "nl"}, {"", "", "Rue 1\n4000 Liège\nBelgique", "acme.be", "fr"},
		{"", "", "Rue 1\nB-1300 Wavre", "acme.be", "fr"}, {"", "", "", "acme.be", "nl"}, {"", "", "Rue 1\n1201 Genève\nSuisse", "", "fr"}, {"", "", "Weg 1\n8001 Zürich\nSchweiz", "", "de"},
		{"", "", "Via 1\nRoma\nItaly", "acme.it", "en"}, {"", "", "Calle 1\n28001 Madrid\nEspaña", "", "es"}, {"", "", "", "acme.at", "de"},
	}
	for _, tt := range tests {
		if got := letters.LanguageOf(tt.choice, tt.listed, strings.Split(tt.address, "\n"), tt.domain); got != tt.want {
			t.Errorf("%+v: %s", tt, got)
		}
	}
}

// A parcel becomes the letter that says the same, with no more of her than it takes.
func TestOfParcel(t *testing.T) {
	hers := map[string]firsthand.Value{"name": firsthand.Text("Mia Peeters"), "iban": firsthand.Text("BE68539007547034"), "email": firsthand.Text("mia@old.example"),
		"phone": firsthand.Text("+32 9 111"), "customer_number": firsthand.Text("K-1"), "address.home": {Parts: map[string]string{"street": "Graslei 2", "postcode": "9001", "city": "Gent"}}}
	p := channel.Parcel{Content: &firsthand.Request{Right: "erase", Law: "GDPR", Scope: "phone", Due: "2026-12-31"}, Hers: hers, To: acme, Ref: "FH-A"}
	p.To.Lang = "nl"
	r, err := letters.OfParcel(p)
	if err != nil {
		t.Fatal(err)
	}
	l, err := letters.Compose(r)
	if err != nil {
		t.Fatal(err)
	}
	all := whole(l)
	for text, want := range map[string]bool{"K-1": true, "mia@old.example": true, "Mia Peeters": true, "31 december 2026": false, "BE68": false, "+32 9 111": false, "Graslei": false} {
		if text == "31 december 2026" {
			text, want = "31\u00a0december 2026", true
		}
		if strings.Contains(all, text) != want {
			t.Errorf("%q: %t\n%s", text, !want, all)
		}
	}
	if !slices.Equal(r.From.Lines, []string{"Graslei 2", "9001 Gent"}) {
		t.Errorf("%q", r.From.Lines)
	}
	if _, err := letters.OfParcel(channel.Parcel{Content: &firsthand.Pause{Until: "2027-01-01"}}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a pause: %v", err)
	}
}
