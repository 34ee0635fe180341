package exports_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"firsthand/internal/agent/importer"
	"firsthand/internal/agent/importer/bank"
	"firsthand/internal/agent/importer/exports"
	"firsthand/internal/agent/importer/importertest"
	"firsthand/internal/agent/importer/passwords"
)

// each returns what writes a beginning, rows with the text, as escape has it, in the place
// of %, with a comma between, and an end.
func each(begin, row, comma, end string, escape func(string) string) func(texts ...string) string {
	return func(texts ...string) string {
		var rows []string
		for _, text := range texts {
			rows = append(rows, strings.Replace(row, "%", escape(text), 1))
		}
		return begin + strings.Join(rows, comma) + end
	}
}

func quoted(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func csv(text string) string { return `"` + strings.ReplaceAll(text, `"`, `""`) + `"` }

func isText(s string) bool { return s != "" }

func fixtures() []importertest.Fixture {
	all := []importertest.Fixture{
		{Format: exports.Wallos{}, Files: []string{"wallos.json"}, Fragile: true, Can: isText,
			Write: each(`{"success":true,"subscriptions":[`, `{"Name":%,"Payment Cycle":"Monthly","Next Payment":"2026-02-01","Price":"€9.99","URL":""}`, ",", "]}", quoted)},
		{Format: exports.Play{}, Files: []string{"play.json"}, Fragile: true, Can: isText,
			Write: each(`[`, `{"subscription":{"doc":{"documentType":"Android App","title":%},"renewalDate":"2026-02-01T00:00:00Z","state":"ACTIVE","price":"$1.99"}}`, ",", "]", quoted)},
		{Format: exports.Netflix{}, Files: []string{"netflix.csv"}, Can: isText,
			Write: each("Transaction Date,Description,Mop Last 4,Currency,Gross Sale Amt,Next Billing Date\n", "2026-01-05,%,SECRETSECRET,EUR,13.99,2026-02-05\n", "", "", csv)},
		{Format: exports.Catima{}, Files: []string{"catima.csv"}, Can: isText,
			Write: each("_id,store,note,expiry,cardid\n", "1,%,x,,4711\n", "", "", csv)},
	}
	for i := range all {
		for j := range all[i].Files {
			all[i].Files[j] = filepath.Join("testdata", all[i].Files[j])
		}
		for _, f := range append(append(exports.Formats(), bank.Formats()...), passwords.Formats()...) {
			if f.Name() != all[i].Format.Name() {
				all[i].Others = append(all[i].Others, f)
			}
		}
	}
	return all
}

func TestFormats(t *testing.T) {
	for _, f := range fixtures() {
		t.Run(f.Format.Name(), func(t *testing.T) { importertest.Run(t, f) })
	}
}

func FuzzRead(f *testing.F)  { importertest.FuzzRead(f, fixtures()...) }
func FuzzWrite(f *testing.F) { importertest.FuzzWrite(f, fixtures()...) }

func BenchmarkRead(b *testing.B) {
	for _, f := range fixtures() {
		b.Run(f.Format.Name(), func(b *testing.B) { importertest.Benchmark(b, f, 10_000) })
	}
}

// Files that are one object have one find, and no secret in it.
func TestSingle(t *testing.T) {
	all := append(append(exports.Formats(), bank.Formats()...), passwords.Formats()...)
	for _, c := range []struct{ name, file, want string }{
		{"spotify", `{"username":"mia1","email":"Mia@hers.example","country":"BE","createdFromFacebook":false,"birthdate":"1990-01-01","postalCode":"9000","mobileNumber":null,"creationTime":"2014-03-02"}`,
			`1 account "Spotify" url="https://www.spotify.com/" login="Mia@hers.example" created=2014-03-02T00:00:00Z`},
		{"spotify", `{"username":"","email":"","createdFromFacebook":true}`, "1 bad: has no account"},
		{"apple-pass", "\ufeff" + `{"formatVersion":1,"passTypeIdentifier":"pass.example","serialNumber":"4711","organizationName":"Acme <b>","webServiceURL":"https://wallet.acme.example/","authenticationToken":"SECRETSECRET","barcode":{"message":"SECRETSECRET"},"storeCard":{"primaryFields":[]}}`,
			`1 account "Acme <b>" url="https://wallet.acme.example/" login="4711" folder="card" secrets={Passwords:0 OneTimeCodes:0 Keys:1 Cards:0 Notes:0}`},
		{"apple-pass", `{"passTypeIdentifier":"x","serialNumber":"1","organizationName":"Rail","eventTicket":{}}`, `1 account "Rail" folder="pass" secrets={Passwords:0 OneTimeCodes:0 Keys:1 Cards:0 Notes:0}`},
		{"apple-pass", `{"passTypeIdentifier":"x","organizationName":" "}`, "1 bad: names no company"},
		{"apple-pass", `{"passTypeIdentifier":"x","organizationName":`, "error: invalid: This file is damaged, or cut off. Export it again, and don't edit it."},
		{"apple-pass", `{"passTypeIdentifier":"x","organizationName":` + strings.Repeat("[", 200000), "error: invalid: This file is damaged, or cut off. Export it again, and don't edit it."},
	} {
		f, found, err := importer.Read(strings.NewReader(c.file), all...)
		if err != nil || f.Name() != c.name {
			t.Errorf("%.60s: %v", c.file, err)
			continue
		}
		var got []string
		for one, err := range found {
			got = append(got, importertest.Show(one, err))
		}
		if strings.Join(got, "\n") != c.want {
			t.Errorf("%.60s:\n%s\nwant\n%s", c.file, strings.Join(got, "\n"), c.want)
		}
	}
}
