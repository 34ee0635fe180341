package directory_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"unicode"
	"unicode/utf8"

	"firsthand/fault"
	"firsthand/internal/agent/directory"
	"firsthand/internal/needtest"
)

func TestRead(t *testing.T) {
	shop := directory.Record{Set: directory.Datenanfragen, Key: "shop", Date: "2027-01-31", Hosts: []string{"shop.example", "shop.at"}, Legal: &directory.Legal{
		Name: "Shop Europe GmbH", Runs: []string{"shop.at", "Shop Express", "Cart.js", "shop.example"}, Address: "1 Road\n12345 Town\nGermany",
		Phone: "+49 1 ext. 2", Fax: "+49 3", Email: "privacy@shop.example", Webform: "https://www.shop.example/privacy", Web: "https://www.shop.example/",
		Language: "de", Required: []directory.Element{{Desc: "Kundennummer", Type: "input"}, {Desc: "Name", Type: "name", Optional: true}},
		NeedsID: true, Medium: "webform", Countries: []string{"de", "at"}, Categories: []string{"commerce"}, Facet: "school", Adult: true,
		Quality: "verified", Comments: []string{"The number costs."}, Sources: []string{"https://www.shop.example/imprint"},
	}}
	france := directory.Record{Set: directory.Datenanfragen, Key: "shop-fr", Date: "2027-01-31", Hosts: []string{"shop.example"}, Legal: &directory.Legal{
		Name: "Shop France SARL", Address: "2 Rue\nParis\nFrance", Web: "http://shop.example/fr", Countries: []string{"fr"}, Quality: "scraped",
	}}
	const today = "2027-01-01"
	sites := []directory.Record{
		{Set: directory.JustDeleteMe, Key: "Shop", Date: today, Name: "Shop", Hosts: []string{"shop.example", "help.shop.example"}, Deletion: &directory.Deletion{
			Link: "https://www.shop.example/close", Links: map[string]string{"de": "https://shop.example/zu"}, Difficulty: "hard",
			Notes: "Call them.", NotesIn: map[string]string{"de": "Anrufen."}, Email: "bye@shop.example", Subject: "Delete", Body: "I am XXXXXX."}},
		{Set: directory.JustDeleteMe, Key: "Bare", Date: today, Name: "Bare", Hosts: []string{"bare.example"},
			Deletion: &directory.Deletion{Link: "https://bare.example/x", Difficulty: "easy"}},
	}
	passwords := []directory.Record{
		{Set: directory.ApplePasswords, Key: "shop.example", Date: today, Hosts: []string{"shop.example"}, Account: "https://www.shop.example/settings"},
		{Set: directory.ApplePasswords, Key: "other.example", Date: today, Hosts: []string{"other.example"}, Account: "https://other.example/.well-known/change-password"},
	}
	shared := []directory.Record{
		{Set: directory.AppleSharedAccounts, Key: "shop.example", Date: today, Hosts: []string{"shop.example", "shop.club"},
			Shares: &directory.Shares{Hosts: []string{"shop.example", "shop.club"}}},
		{Set: directory.AppleSharedAccounts, Key: "old.example>new.example", Date: today, Hosts: []string{"new.example", "old.example"},
			Shares: &directory.Shares{From: []string{"old.example"}, To: []string{"new.example"}, Obsolete: true}},
		{Set: directory.AppleSharedAccounts, Key: "partner.example>shop.example", Date: today, Hosts: []string{"shop.example", "partner.example"},
			Shares: &directory.Shares{From: []string{"partner.example"}, To: []string{"shop.example"}}},
	}
	companies := []member{file("companies/shop.json", sampleShop), file("companies/shop-fr", sampleFrance)}
	tests := []struct {
		name, version string
		data          []byte
		want          []directory.Record
	}{
		{"archive", "c0ffee", sampleArchive(t), []directory.Record{shop, france}},
		{"archive, unpacked", "c0ffee", archive(t, companies...), []directory.Record{shop, france}},
		{"archive, from GitHub", "c0ffee", archive(t, file("data-main/companies/shop.json", sampleShop), file("data-main/companies/shop-fr", sampleFrance)), []directory.Record{shop, france}},
		{"sites", "", []byte(sampleSites), sites},
		{"sites, packed", "", gzipped(t, []byte(sampleSites)), sites},
		{"sites, with BOM", "", []byte("\ufeff\n " + sampleSites + "\n"), sites},
		{"passwords", "", []byte(samplePasswords), passwords},
		{"shared", "", []byte(sampleShared), shared},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set, got, err := read(tt.data)
			if err != nil {
				t.Fatal(err)
			}
			if len(set.Skipped) > 0 || set.Records != len(tt.want) || set.Name != tt.want[0].Set || set.Date != tt.want[0].Date ||
				set.Version != tt.version || set.Licence == "" || !strings.HasPrefix(set.Source, "https://") {
				t.Errorf("set is %+v", set)
			}
			for i, want := range tt.want {
				if i < len(got) && !reflect.DeepEqual(got[i], want) {
					t.Errorf("record %d is\n%+v\n%+v, want\n%+v\n%+v", i, got[i], got[i].Legal, want, want.Legal)
				}
			}
			if len(got) != len(tt.want) {
				t.Errorf("%d records, want %d", len(got), len(tt.want))
			}
			for _, r := range got { // as the store keeps it
				text, err := json.Marshal(r)
				var again directory.Record
				if err = errors.Join(err, json.Unmarshal(text, &again)); err != nil || !reflect.DeepEqual(r, again) {
					t.Errorf("%s comes back as %+v, %v", text, again, err)
				}
			}
		})
	}
}

// What is wrong with one record stops nothing, and is said.
func TestReadSkips(t *testing.T) {
	company := func(slug, more string) string {
		return fmt.Sprintf(`{"slug":%q,"name":"N","web":"https://n.example"%s}`, slug, more)
	}
	site := func(more string) string {
		return `[{"name":"A","url":"https://a.example","difficulty":"easy","domains":["a.example"]},` + more +
			`,{"name":"Z","url":"https://z.example","difficulty":"easy","domains":["z.example"]}]`
	}
	const first = `{"shared":["a.example","b.example"]}`
	link := member{Header: tar.Header{Name: "companies/link", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}}
	device := member{Header: tar.Header{Name: "companies/dev", Typeflag: tar.TypeChar}}
	tests := []struct {
		name string
		data []byte
		keys string // of those that are read
		says string // part of what is said; "" if nothing needs to be
	}{
		{"scheme", archive(t, file("companies/n", company("n", `,"webform":"httsp://n.example"`))), "n", `webform: no web address: "httsp://n.example"`},
		{"javascript", archive(t, file("companies/n", company("n", `,"webform":"javascript:alert(1)"`))), "n", "javascript:alert(1)"},
		{"user", archive(t, file("companies/n", company("n", `,"webform":"https://n.example@evil.example/"`))), "n", "no web address"},
		{"backslash", archive(t, file("companies/n", company("n", `,"webform":"https://n.example\\@evil.example/"`))), "n", "webform"},
		{"inside", archive(t, file("companies/n", company("n", `,"webform":"http://192.168.1.1/reboot"`))), "n", "no host on the internet"},
		{"router", archive(t, file("companies/n", company("n", `,"webform":"http://router/"`))), "n", "no host on the internet"},
		{"long", archive(t, file("companies/n", company("n", `,"webform":"https://n.example/`+strings.Repeat("x", 3000)+`"`))), "n", "too long"},
		{"mail with a header", archive(t, file("companies/n", company("n", `,"email":"a@n.example?bcc=b@n.example"`))), "n", "email: no e-mail address"},
		{"mail with a line", archive(t, file("companies/n", company("n", `,"email":"a@n.example\nBcc: b@n.example"`))), "n", "email: no e-mail address"},
		{"mail before a line", archive(t, file("companies/n", company("n", `,"email":"x\nBcc: b@n.example"`))), "n", "email: no e-mail address"},
		{"two mails", archive(t, file("companies/n", company("n", `,"email":"a@n.example,b@n.example"`))), "n", "email: no e-mail address"},
		{"no JSON", archive(t, file("companies/a", "<html>"), file("companies/n", company("n", ""))), "n", `"companies/a": invalid character`},
		{"other type", archive(t, file("companies/a", `{"slug":7}`), file("companies/n", company("n", ""))), "n", `"companies/a": json:`},
		{"no name", archive(t, file("companies/a", `{"slug":"a"}`), file("companies/n", company("n", ""))), "n", "no name"},
		{"no slug", archive(t, file("companies/a", `{"name":"A"}`), file("companies/n", company("n", ""))), "n", "no name"},
		{"twice", archive(t, file("companies/n", company("n", "")), file("companies/n2", company("n", ""))), "n", `"n" is there twice`},
		{"too large", archive(t, file("companies/a", company("a", strings.Repeat(" ", 300<<10))), file("companies/n", company("n", ""))), "n", "too large"},
		{"deep", archive(t, file("companies/a", strings.Repeat("[", 200<<10)), file("companies/n", company("n", ""))), "n", "depth"},
		{"link", archive(t, link, file("companies/n", company("n", ""))), "n", `"companies/link": no regular file`},
		{"device", archive(t, device, file("companies/n", company("n", ""))), "n", "no regular file"},
		{"paths", archive(t, file("../companies/a", company("a", "")), file("/companies/b", company("b", "")), file("x/y/companies/c", company("c", "")),
			file("companies/../d", company("d", "")), file("companies/e/f", company("f", "")), file("x/../companies/g", company("g", "")),
			file("companies/n", company("n", ""))), "n", ""},
		{"brands that are no hosts", archive(t, file("companies/n", company("n", `,"runs":["Node.js","co.uk","10.0.0.1","a b.com","javascript:x.com","https://x.com"]`))), "n", ""},

		{"site of another type", []byte(site(`7`)), "A Z", "entry 2: json:"},
		{"site without name", []byte(site(`{"url":"https://b.example"}`)), "A Z", "entry 2: no name"},
		{"site twice", []byte(site(`{"name":"A"}`)), "A Z", `"A" is there twice`},
		{"site with a bare host", []byte(site(`{"name":"B","url":"b.example/x","domains":["b.example"]}`)), "A B Z", `B: url: no web address: "b.example/x"`},
		{"site with a comma", []byte(site(`{"name":"B","url":"https://b.example","domains":["b,example","b.example"]}`)), "A B Z", `domains: no host on the internet: "b,example"`},
		{"site with a note for a link", []byte(site(`{"name":"B","url":"https://b.example","url_zh-CN":"你好","domains":["b.example"]}`)), "A B Z", "url_zh-CN: no web address"},
		{"site in no language", []byte(site(`{"name":"B","notes_<b>":"x","notes_":"x","notes_de":7,"url":"https://b.example"}`)), "A B Z", ""},

		{"password of no host", []byte(`{"a.example":"https://a.example","b":"https://b.example","c.example":7,"d.example":"http://10.0.0.1/","z.example":"https://z.example"}`), "a.example z.example", `"d.example": no host on the internet`},
		{"password twice", []byte(`{"a.example":"https://a.example","A.example":"https://evil.example"}`), "a.example", "twice"},

		{"half a group", []byte(`[` + first + `,{"from":["c.example"]},{"shared":["d.example"]},{"shared":["x.example","y.example"],"from":["z.example"],"to":["z.example"]}]`), "a.example", "entry 4: neither"},
		{"group with a bad host", []byte(`[` + first + `,{"shared":["c.example","localhost","d.example"]}]`), "a.example c.example", `entry 2: no host on the internet: "localhost"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set, records, err := read(tt.data)
			if err != nil {
				t.Fatal(err)
			}
			var keys []string
			for _, r := range records {
				keys = append(keys, r.Key)
				checkRecord(t, r)
			}
			if got := strings.Join(keys, " "); got != tt.keys {
				t.Errorf("records are %q, want %q", got, tt.keys)
			}
			if said := strings.Join(set.Skipped, "\n"); !strings.Contains(said, tt.says) || (tt.says == "") != (said == "") {
				t.Errorf("it says %q, want %q", said, tt.says)
			}
		})
	}
}

// What can't be read at all ends with an error that says so.
func TestReadFails(t *testing.T) {
	needtest.Alone(t)
	zeros := make([]byte, 65<<20)
	list := func(entry string, n int) []byte { return []byte("[" + strings.Repeat(entry+",", n) + entry + "]") }
	whole := sampleArchive(t)
	noFile := func(c string) string { return `{"name":"` + c + `","url":"https://a.example","difficulty":"easy"}` }
	many := []byte("[" + noFile("x"))
	for i := range 50_001 {
		many = fmt.Appendf(many, ",%s", noFile(fmt.Sprint(i)))
	}
	many = append(many, ']')
	endless := member{Header: tar.Header{Name: "companies/a", Typeflag: tar.TypeReg, Size: 1 << 40}}
	tests := []struct {
		name, says string
		data       []byte
	}{
		{"nothing", "no data set", nil},
		{"a page", "no data set", []byte("<!doctype html><title>Not found</title>")},
		{"passwords of hers", "no data set", []byte(`{"encrypted":false,"items":[]}`)},
		{"empty list", "no data set", []byte(`[]`)},
		{"empty object", "no data set", []byte(`{}`)},
		{"list of numbers", "no data set", []byte(`[1,2]`)},
		{"list of something", "no data set", []byte(`[{"name":"x"}]`)},
		{"a CSV", "no data set", []byte("name,url,username,password\n")},
		{"archive of something", "no data set", archive(t, file("README", "x"))},
		{"gzip of nothing", "no data set", gzipped(t, nil)},
		{"gzip in gzip", "no data set", gzipped(t, gzipped(t, []byte(samplePasswords)))},
		{"gzip that is none", "gzip", []byte("\x1f\x8bxxxxxxxxxxxxxxxxxxxxx")},
		{"gzip, cut off", "unexpected EOF", whole[:len(whole)-20]},
		{"gzip, damaged", "", append(append(bytes.Clone(whole[:len(whole)/2]), whole[len(whole)/2]^0x55), whole[len(whole)/2+1:]...)},
		{"list, cut off", "EOF", []byte(sampleSites[:len(sampleSites)-3])},
		{"list, and more", "behind the end", []byte(sampleSites + "[]")},
		{"object, cut off", "EOF", []byte(samplePasswords[:len(samplePasswords)-3])},
		{"bomb, gzip", "larger than any", gzipped(t, append([]byte("["+noFile("a")), bytes.Repeat([]byte{' '}, 17<<20)...))},
		{"bomb, tar", "larger than any", gzipped(t, archive(t, file("companies/a", sampleShop), file("x", string(zeros))))},
		{"bomb, list", "larger than any", gzipped(t, list(noFile("a"), 400_000))},
		{"blanks", "EOF", append([]byte("["+noFile("a")), bytes.Repeat([]byte{' '}, 15<<20)...)},
		{"bomb, records", "larger than any", many},
		{"bomb, size", "EOF", archive(t, file("companies/b", sampleShop), endless)},
		{"bomb, depth", "depth", bytes.Repeat([]byte("["), 1<<20)},
		{"bomb, depth later", "depth", []byte("[" + noFile("a") + "," + strings.Repeat("[", 1<<20))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := read(tt.data)
			if fault.KindOf(err) != fault.Invalid || fault.HintOf(err) == "" || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("it ends with %v, want %q", err, tt.says)
			}
		})
	}
}

// What disk or network say is passed on.
func TestReadPassesErrors(t *testing.T) {
	for n := range 3 {
		data := [][]byte{sampleArchive(t), []byte(sampleSites), []byte(samplePasswords)}[n]
		r := io.MultiReader(bytes.NewReader(data[:len(data)/2]), iotest.ErrReader(iotest.ErrTimeout))
		_, records, err := directory.Read(r, "")
		if err == nil {
			for _, e := range records {
				err = e
			}
		}
		if !errors.Is(err, iotest.ErrTimeout) {
			t.Errorf("%.20q: %v, want %v", data, err, iotest.ErrTimeout)
		}
	}
}

// Who has seen enough may stop.
func TestReadStops(t *testing.T) {
	for _, data := range [][]byte{sampleArchive(t), []byte(sampleSites), []byte(samplePasswords), []byte(sampleShared)} {
		set, records, err := directory.Read(bytes.NewReader(data), "")
		if err != nil {
			t.Fatal(err)
		}
		for range records {
			break
		}
		if set.Records != 1 {
			t.Errorf("%s: %d records, want 1", set.Name, set.Records)
		}
	}
}

// A set full of errors doesn't fill memory with words about them.
func TestReadSaysLittle(t *testing.T) {
	data := []byte(`[{"shared":["a.example","b.example"]}` + strings.Repeat(`,{"shared":["`+strings.Repeat("\\u0007x", 1000)+`"]}`, 1000) + `]`)
	set, _, err := read(data)
	if err != nil {
		t.Fatal(err)
	}
	said := strings.Join(set.Skipped, "")
	if len(set.Skipped) != 200 || set.More != 1800 || len(said) > 200*400 || strings.ContainsFunc(said, unicode.IsControl) {
		t.Errorf("it says %d things and %d more, with %d bytes", len(set.Skipped), set.More, len(said))
	}
}

func TestTextIsClean(t *testing.T) {
	hostile := `{"slug":"n\u0000","name":"N\u001b]0;x\u0007\u202egnp.exe\r\nX","address":"a\r\nb\tc\u2028d","comments":["` + strings.Repeat("ü", 5000) + `"," \u0001 "],"runs":["` + "\xff" + `"]}`
	records := mustRead(t, archive(t, file("companies/n", hostile)))
	r := records[0]
	if r.Key != "n" || r.Legal.Name != "N]0;xgnp.exe X" || r.Legal.Address != "a\nb c d" || len(r.Legal.Comments) != 1 {
		t.Errorf("record is %q %q %q %d", r.Key, r.Legal.Name, r.Legal.Address, len(r.Legal.Comments))
	}
	checkRecord(t, r)
}

// checkRecord fails t where r has what a Record never has.
func checkRecord(t *testing.T, r directory.Record) {
	t.Helper()
	if r.Set == "" || r.Key == "" {
		t.Fatalf("no set or key in %+v", r)
	}
	for _, h := range r.Hosts {
		if s := directory.ParseSite(h); s.Kind != directory.Web || s.Host != h {
			t.Fatalf("%s: host %q", r.Key, h)
		}
	}
	links := []string{r.Account}
	if l := r.Legal; l != nil {
		links = append(append(links, l.Web, l.Webform), l.Sources...)
	}
	if d := r.Deletion; d != nil {
		links = append(links, d.Link)
		for _, s := range d.Links {
			links = append(links, s)
		}
	}
	for _, s := range links {
		u, err := url.Parse(s)
		if s != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || directory.ParseSite(s).Kind != directory.Web) {
			t.Fatalf("%s: link %q", r.Key, s)
		}
	}
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.String:
			s := v.String()
			if !utf8.ValidString(s) || len(s) > 4100 || strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && unicode.IsControl(r) || r == '\u202e' }) {
				t.Fatalf("%s: text %.100q", r.Key, s)
			}
		case reflect.Pointer:
			if !v.IsNil() {
				walk(v.Elem())
			}
		case reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Map:
			for _, k := range v.MapKeys() {
				walk(k)
				walk(v.MapIndex(k))
			}
		case reflect.Struct:
			for i := range v.NumField() {
				walk(v.Field(i))
			}
		}
	}
	walk(reflect.ValueOf(r))
}

// "www." goes, so that what is said of it is said of the domain, unless the domain
// is a suffix, below which others are.
func TestRecordHosts(t *testing.T) {
	const set = `{"www.shop.example":"https://a.example","www.gov.uk":"https://a.example","www.a.co.uk":"https://a.example","a.www.example":"https://a.example","www.www.b.example":"https://a.example"}`
	var got []string
	for _, r := range mustRead(t, []byte(set)) {
		got = append(got, r.Hosts...)
	}
	if want := "shop.example www.gov.uk a.co.uk a.www.example www.b.example"; strings.Join(got, " ") != want {
		t.Errorf("hosts are %q, want %q", got, want)
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range [][]byte{sampleArchive(f), archive(f, file("companies/shop.json", sampleShop)), []byte(sampleSites), []byte(samplePasswords), []byte(sampleShared)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		set, records, err := read(data)
		if err != nil && fault.KindOf(err) != fault.Invalid {
			t.Fatalf("kind of %v", err)
		}
		if set != nil && set.Records != len(records) {
			t.Fatalf("%d records, says %d", len(records), set.Records)
		}
		keys := map[string]bool{}
		for _, r := range records {
			checkRecord(t, r)
			if keys[r.Key] || r.Set != set.Name {
				t.Fatalf("%q is there twice, or of %q", r.Key, r.Set)
			}
			keys[r.Key] = true
		}
		directory.NewSiblings(func(yield func(directory.Record) bool) {
			for _, r := range records {
				if !yield(r) {
					return
				}
			}
		})
		for _, r := range records {
			for _, h := range r.Hosts {
				directory.Join(h, records)
			}
		}
	})
}
