package letter_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/unicode/norm"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/channel"
	"firsthand/internal/agent/channel/channeltest"
	"firsthand/internal/agent/channel/letter"
	"firsthand/internal/agent/letters"
	"firsthand/internal/needtest"
)

func TestSuite(t *testing.T) { channeltest.Run(t, letter.Letter{}) }

// A letter by which nobody can be found is said to be one.
func TestNameless(t *testing.T) {
	p := parcel("en", request("access"))
	for _, tt := range []struct {
		hers map[string]firsthand.Value
		want bool
	}{{p.Hers, false}, {nil, true}, {map[string]firsthand.Value{"phone": firsthand.Text("+32 2 555 00 00")}, false}} {
		p.Hers = tt.hers
		d, err := letter.Letter{}.Prepare(p)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(d.Steps[0].Label, "says who you are"); got != tt.want {
			t.Errorf("with %v its first step is %q", tt.hers, d.Steps[0].Label)
		}
	}
}

func parcel(lang string, content firsthand.Content) channel.Parcel {
	return channel.Parcel{Entry: firsthand.ID{1, 2, 3}, Made: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC), Content: content, Fact: "phone", Ref: letters.Ref(firsthand.ID{9}),
		To: channel.To{Domain: "acme.example", Name: "Acme Mobile NV", Address: "Markt 1\n9000 Gent\nBelgium", Lang: lang},
		Hers: map[string]firsthand.Value{"name": firsthand.Text("Mia Peeters"), "email": firsthand.Text("mia@mail.example"), "customer_number": firsthand.Text("K-4711"),
			"address.home": {Parts: map[string]string{"street": "Korenmarkt", "number": "1", "postcode": "9000", "city": "Gent", "country": "Belgium"}}}}
}

func request(right string) *firsthand.Request {
	return &firsthand.Request{Right: right, Law: "GDPR", Due: "2026-12-30"}
}

func print(t *testing.T, paper string, parcels ...channel.Parcel) []byte {
	t.Helper()
	var out bytes.Buffer
	left, err := (letter.Letter{}).Print(&out, paper, requests(t, parcels))
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range left {
		if err != nil {
			t.Error(err)
		}
	}
	return out.Bytes()
}

func requests(t *testing.T, parcels []channel.Parcel) (all []letters.Request) {
	t.Helper()
	for _, p := range parcels {
		r, err := letters.OfParcel(p)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// textOf returns the text of the pages of a file, page by page, as a reader that isn't
// ours finds it.
func textOf(t *testing.T, pdf []byte) []string {
	t.Helper()
	cmd := exec.Command(needtest.Program(t, "pdftotext"), "-layout", "-enc", "UTF-8", "-", "-")
	cmd.Stdin = bytes.NewReader(pdf)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\f"), "\f")
}

// squeeze returns text with all white space as single blanks.
func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

// What is printed says all that the letter says, in each language and on each paper.
func TestPrint(t *testing.T) {
	var parcels []channel.Parcel
	for _, lang := range letters.Languages() {
		for _, content := range []firsthand.Content{request("access"), request("erase"),
			&firsthand.Change{Fact: "address.home", Value: firsthand.Value{Parts: map[string]string{"street": "Graslei", "number": "2", "postcode": "9001", "city": "Łódź Αθήνα Москва"}}, Basis: firsthand.Basis{Right: "GDPR 16"}}} {
			parcels = append(parcels, parcel(lang, content))
		}
	}
	for _, paper := range []string{channel.A4, channel.USLetter} {
		pages := textOf(t, print(t, paper, parcels...))
		if len(pages) != len(parcels) {
			t.Fatalf("%s: %d pages for %d letters of one", paper, len(pages), len(parcels))
		}
		for i, p := range parcels {
			r, err := letters.OfParcel(p)
			if err != nil {
				t.Fatal(err)
			}
			l, err := letters.Compose(r)
			if err != nil {
				t.Fatal(err)
			}
			all := squeeze(pages[i])
			want := []string{l.Subject, l.Salutation, l.Closing, "Mia Peeters", "Acme Mobile NV", "Markt 1", "9000 Gent", "Korenmarkt 1", l.Ref, "K-4711", l.Date}
			for _, text := range l.Paragraphs {
				want = append(want, strings.Split(text, "\n")...)
			}
			for _, text := range want {
				if !strings.Contains(all, squeeze(text)) {
					t.Errorf("%s %s %s lacks %q:\n%s", paper, p.To.Lang, p.Content.Kind(), text, pages[i])
				}
			}
		}
	}
}

// The same letters are the same file, byte for byte, and its data say nothing of her.
func TestPrintIsTheSameEachTime(t *testing.T) {
	p := parcel("de", request("access"))
	want := print(t, channel.A4, p, parcel("fr", request("erase")))
	for range 3 {
		if got := print(t, channel.A4, p, parcel("fr", request("erase"))); !bytes.Equal(got, want) {
			t.Fatal("another file")
		}
	}
	if n := bytes.Count(want, []byte("(D:20261130120000")); n != 2 {
		t.Errorf("%d dates of the letter's day, want its making and its last change", n)
	}
	for _, text := range []string{"/Title", "/Author", "/Subject", "/URI", "/JavaScript", "/OpenAction"} {
		if bytes.Contains(want, []byte(text)) {
			t.Errorf("the file has %s", text)
		}
	}
}

// Many letters are one file, each on pages of its own; what can't be printed is left
// out, and is named.
func TestPrintMany(t *testing.T) {
	var parcels []channel.Parcel
	for range 5 {
		parcels = append(parcels, parcel("en", request("access")))
	}
	parcels[1].To.Name = "株式会社"
	parcels[2].To.Address = ""
	long := parcel("en", &firsthand.Message{Text: strings.Repeat("A sentence of the usual length that goes on and on until its end.\n\n", 60)})
	parcels = append(parcels, long)
	var out bytes.Buffer
	left, err := (letter.Letter{}).Print(&out, channel.A4, requests(t, parcels))
	if err != nil {
		t.Fatal(err)
	}
	for i, err := range left {
		if bad := i == 1 || i == 2; bad != (err != nil) || bad && fault.KindOf(err) != fault.Invalid {
			t.Errorf("parcel %d: %v", i, err)
		}
	}
	if err := left[1]; err == nil || !strings.Contains(err.Error(), "株") {
		t.Errorf("%v doesn't say what it can't print", err)
	}
	pages := textOf(t, out.Bytes())
	if len(pages) < 5 || len(pages) > 9 {
		t.Fatalf("%d pages", len(pages))
	}
	if last := pages[len(pages)-1]; !strings.Contains(last, "Yours faithfully") || !strings.Contains(last, "Mia Peeters") || !strings.Contains(last, "/") {
		t.Errorf("the last page:\n%s", last)
	}
	if n := strings.Count(strings.Join(pages, ""), "A sentence of the usual length"); n != 60 {
		t.Errorf("%d sentences of 60", n)
	}
	if _, err := (letter.Letter{}).Print(&out, channel.A4, requests(t, parcels[1:3])); fault.KindOf(err) != fault.Invalid {
		t.Errorf("nothing to print: %v", err)
	}
	if _, err := (letter.Letter{}).Print(&out, "a5", requests(t, parcels[:1])); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a paper that nobody has: %v", err)
	}
}

// An address stays within its window, however long it is, and a longer one is refused.
func TestAddresses(t *testing.T) {
	for paper, window := range map[string][4]int{channel.A4: {20, 45, 105, 90}, channel.USLetter: {23, 62, 113, 82}} {
		for _, lines := range []int{2, 4, 6, 9} {
			p := parcel("en", request("access"))
			p.To.Name, p.To.Address = "Gesellschaft für Angelegenheiten der Kundinnen und Kunden mit beschränkter Haftung & Co. KG", ""
			if paper == channel.USLetter && lines > 4 {
				continue
			}
			for n := range lines {
				p.To.Address += "ZEILE" + string(rune('A'+n)) + "\n"
			}
			for _, w := range wordsIn(t, print(t, paper, p), "ZEILE") {
				if w[0] < float64(window[0]) || w[1] < float64(window[1]) || w[2] > float64(window[2]) || w[3] > float64(window[3]) {
					t.Errorf("%s, %d lines: a word at %v mm, the window is %v", paper, lines, w, window)
				}
			}
		}
		p := parcel("en", request("access"))
		p.To.Address = strings.Repeat("A line\n", 40)
		if left, err := (letter.Letter{}).Print(&bytes.Buffer{}, paper, requests(t, []channel.Parcel{p})); fault.KindOf(err) != fault.Invalid || left[0] == nil {
			t.Errorf("an address of 40 lines: %v", err)
		}
	}
}

// Text of strangers, whatever it is, is printed or refused.
func TestPrintHostile(t *testing.T) {
	for _, evil := range []string{"(", ")", `\`, "\\)", "<script>", "%PDF", "endstream endobj", "\x00\x01", "\u202eevil", "👩‍👩‍👧", strings.Repeat("long", 5000), "a\u0301", "مرحبا", "\xff\xfe", "=cmd|'"} {
		p := parcel("en", &firsthand.Message{Text: evil + "x"})
		p.To.Name, p.To.Address = evil, "Markt 1\n"+evil+" Gent"
		p.Hers["name"] = firsthand.Text(evil)
		var out bytes.Buffer
		left, err := (letter.Letter{}).Print(&out, channel.A4, requests(t, []channel.Parcel{p}))
		if err != nil {
			if fault.KindOf(left[0]) != fault.Invalid {
				t.Errorf("%q: %v", evil, err)
			}
			continue
		}
		if text := squeeze(strings.Join(textOf(t, out.Bytes()), " ")); len(evil) < 100 && !strings.Contains(text, squeeze(norm.NFC.String(channel.Clean(evil)+"x"))) {
			t.Errorf("%q isn't in %q", evil, text)
		}
	}
}

// TestPictures writes the pages as pictures, to be looked at, into the folder that
// FIRSTHAND_PICTURES names.
func TestPictures(t *testing.T) {
	folder := os.Getenv("FIRSTHAND_PICTURES")
	if folder == "" {
		t.Skip("FIRSTHAND_PICTURES names no folder")
	}
	shoot := func(name, paper string, parcels ...channel.Parcel) {
		file := filepath.Join(folder, name+".pdf")
		if err := os.WriteFile(file, print(t, paper, parcels...), 0o666); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(needtest.Program(t, "pdftoppm"), "-r", "70", "-png", file, filepath.Join(folder, name)).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	for _, lang := range letters.Languages() {
		shoot("access-"+lang, channel.A4, parcel(lang, request("access")))
	}
	us := parcel("en", &firsthand.Request{Right: "erase", Law: "CCPA", Due: "2027-01-14"})
	us.To = channel.To{Domain: "acme.example", Name: "Acme Wireless Inc.", Address: "Privacy Office\n1 Market Street, Suite 300\nSan Francisco, CA 94105"}
	us.Hers["address.home"] = firsthand.Text("12 Oak Street\nBerkeley, CA 94702")
	shoot("us", channel.USLetter, us)
	long := parcel("de", &firsthand.Message{Text: strings.Repeat("Ein Satz von üblicher Länge, der weitergeht, bis er endet. ", 12) + strings.Repeat("\n\nNoch ein Absatz, der etwas sagt.", 22)})
	long.To.Name, long.To.Address = "Gesellschaft für Angelegenheiten der Kundinnen und Kunden mit beschränkter Haftung & Co. KG", "Abteilung Datenschutz und Informationssicherheit\nz. Hd. Datenschutzbeauftragte\nGebäude 7, 3. Obergeschoss\nAn der alten Molkerei 12–14\n10115 Berlin\nDeutschland"
	shoot("long", channel.A4, long)
	shoot("many", channel.A4, slices.Repeat([]channel.Parcel{parcel("fr", request("opt_out"))}, 2)...)
}
