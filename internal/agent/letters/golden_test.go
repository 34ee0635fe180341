package letters_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firsthand"
	"firsthand/internal/agent/channel"
	"firsthand/internal/agent/letters"
	"firsthand/internal/agent/rights"
)

var update = flag.Bool("update", false, "write the golden letters anew, to be read by a person before they are kept")

// acme is a company, and mia writes to it.
var (
	acme = channel.To{Domain: "acme.example", Name: "Acme Mobile", Email: "privacy@acme.example", Address: "Acme Mobile NV\nMarkt 1\n9000 Gent"}
	mia  = letters.Sender{Name: "Mia Peeters", Lines: []string{"Korenmarkt 1", "9000 Gent"}, Mail: "mia@old.example"}
	home = firsthand.Value{Parts: map[string]string{"street": "Graslei", "number": "2", "postcode": "9001", "city": "Gent", "country": "Belgium"}}
)

// requests are what the golden letters say: one of each kind, and under each law
// that has words of its own.
func requests() map[string]letters.Request {
	all := make(map[string]letters.Request)
	add := func(name string, r letters.Request) {
		r.To, r.From, r.Ref, r.Made = acme, mia, letters.Ref(firsthand.ID{1}), "2026-11-30"
		r.Known = []letters.Identifier{{Fact: "customer_number", Value: "K-4711"}, {Fact: "email", Value: "mia@old.example"}}
		all[name] = r
	}
	add("change", letters.Request{Kind: letters.Change, Fact: "address.home", New: home, Old: firsthand.Value{Parts: map[string]string{"street": "Korenmarkt 1", "postcode": "9000", "city": "Gent"}},
		Law: rights.GDPR, Right: rights.Correct, Due: "2027-01-04"})
	add("change-name", letters.Request{Kind: letters.Change, Fact: "name", New: firsthand.Value{Parts: map[string]string{"given": "Mia", "family": "De Smet"}}})
	add("disclose", letters.Request{Kind: letters.Disclose, Fact: "phone", New: firsthand.Text("+32 9 111 11 11"), Purpose: "7012:ServiceDelivery", Until: "2027-12-31"})
	add("withdraw", letters.Request{Kind: letters.Withdraw, Fact: "birth_date", Old: firsthand.Text("1990-02-28")})
	add("message", letters.Request{Kind: letters.Message, Text: "Where is my parcel?\nIt has been a week.\n\nI am at home on Friday."})
	add("leave", letters.Request{Kind: letters.Leave})
	add("terms", letters.Request{Kind: letters.Terms, Terms: []firsthand.TermsRef{{Code: "SD-BASE", Version: "1", URL: "https://terms.example/sd-base"}}})
	for _, right := range rights.All() {
		add(right, letters.Request{Kind: right, Right: right, Law: rights.GDPR, Due: "2027-01-04"})
	}
	add("correct-value", letters.Request{Kind: letters.Correct, Right: rights.Correct, Law: rights.UK, Scope: "birth_date", Old: firsthand.Text("1990-02-28"), New: firsthand.Text("1990-02-27"), Due: "2026-12-30"})
	add("erase-scope", letters.Request{Kind: letters.Erase, Right: rights.Erase, Law: rights.GDPR, Scope: "phone", Text: "I have never asked to be called.", Due: "2027-01-04"})
	for _, right := range []string{rights.Access, rights.Correct, rights.Erase, rights.Port} {
		add(right+"-ccpa", letters.Request{Kind: right, Right: right, Law: rights.CCPA, Due: "2027-01-14", Confirm: "2026-12-14"})
	}
	add("opt_out-ccpa", letters.Request{Kind: letters.OptOut, Right: rights.OptOut, Law: rights.CCPA, Due: "2026-12-21"})
	add("reminder", letters.Request{Kind: letters.Reminder, Right: rights.Access, Law: rights.GDPR, Asked: "2026-10-29", Missed: "2026-11-30", Due: "2026-12-14"})
	authority := channel.To{Name: "Data Protection Authority", Address: "Drukpersstraat 35\n1000 Brussel"}
	for name, r := range map[string]letters.Request{
		"complaint": {Reminded: "2026-11-30"}, "complaint-refused": {Text: "It refused, without a reason."}} {
		r.Kind, r.Right, r.Law, r.About, r.Asked, r.Missed = letters.Complaint, rights.Erase, rights.GDPR, acme, "2026-10-29", "2026-11-30"
		add(name, r)
		r = all[name]
		r.To, r.Known, r.Made = authority, nil, "2026-12-15"
		all[name] = r
	}
	add("cancel", letters.Request{Kind: letters.Cancel, Contract: "“Mobile M” 4711", Ends: "2027-03-31"})
	add("haggle", letters.Request{Kind: letters.Haggle, Contract: "“Mobile M” 4711", Price: "€ 24.99", Offer: "€ 15.00", Due: "2026-12-14"})
	return all
}

// whole returns all that a letter shows.
func whole(l letters.Letter) string {
	var b strings.Builder
	for _, line := range l.Info {
		b.WriteString(line.Label + ": " + line.Text + "\n")
	}
	b.WriteString("\n" + l.Subject + "\n\n" + l.Text())
	return b.String()
}

// The golden letters are read by people: what they say is what companies get.
func TestGolden(t *testing.T) {
	for _, lang := range letters.Languages() {
		for name, r := range requests() {
			t.Run(lang+"/"+name, func(t *testing.T) {
				r.Lang = lang
				l, err := letters.Compose(r)
				if err != nil {
					t.Fatal(err)
				}
				file := filepath.Join("testdata", lang, name+".txt")
				if *update {
					if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(file, []byte(whole(l)), 0o666); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if got := whole(l); got != string(want) {
					t.Errorf("%s =\n%s\nwant\n%s", file, got, want)
				}
			})
		}
	}
}
