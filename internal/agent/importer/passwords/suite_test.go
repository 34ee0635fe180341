package passwords_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"firsthand/internal/agent/importer"
	"firsthand/internal/agent/importer/importertest"
	"firsthand/internal/agent/importer/passwords"
)

const secret = importertest.Secret

// format returns the format of that name.
func format(name string) importer.Format {
	for _, f := range passwords.Formats() {
		if f.Name() == name {
			return f
		}
	}
	panic("no format " + name)
}

// csv quotes a cell.
func csv(text string) string { return `"` + strings.ReplaceAll(text, `"`, `""`) + `"` }

// table returns what writes a table with a header and, for each text, the row in
// which that stands in the place of %.
func table(header, row string) func(texts ...string) string {
	return func(texts ...string) string {
		var b strings.Builder
		b.WriteString(header + "\n")
		for _, text := range texts {
			b.WriteString(strings.ReplaceAll(strings.ReplaceAll(row, "SECRET", secret), "%", csv(text)) + "\n")
		}
		return b.String()
	}
}

func writeBitwarden(texts ...string) string {
	var items []string
	for _, text := range texts {
		name, err := json.Marshal(text)
		if err != nil {
			panic(err)
		}
		items = append(items, strings.ReplaceAll(`{"type":1,"notes":"SECRET","name":NAME,"folderId":"f","login":{"username":"mia","password":"SECRET",`+
			`"totp":"SECRET","uris":[{"uri":"https://a.example"}],"fido2Credentials":[{"keyValue":"SECRET"}]},`+
			`"fields":[{"name":"SECRET","value":"SECRET"}],"passwordHistory":[{"password":"SECRET"}]}`, "SECRET", secret))
		items[len(items)-1] = strings.Replace(items[len(items)-1], "NAME", string(name), 1)
	}
	return `{"encrypted":false,"folders":[{"id":"f","name":"x"}],"items":[` + strings.Join(items, ",") + `]}`
}

func login(f importer.Found) string { return f.Login }

// fixtures has one for each format.
func fixtures() []importertest.Fixture {
	all := []importertest.Fixture{
		{Format: format("chrome"), Files: []string{"chrome.csv", "edge.csv", "chrome-cp1252.csv"},
			Write: table("name,url,username,password,note", "%,https://a.example/,mia,SECRET,SECRET")},
		{Format: format("firefox"), Files: []string{"firefox.csv"}, Text: login,
			Write: table(`"url","username","password","httpRealm","formActionOrigin","guid","timeCreated","timeLastUsed","timePasswordChanged"`,
				`"https://a.example",%,"SECRET",,"","{1}","1462537891000","1462537891000","1462537891000"`)},
		{Format: format("apple"), Files: []string{"apple.csv", "apple-old.csv"},
			Write: table("Password,Title,URL,Username,Notes,OTPAuth", `SECRET,%,https://a.example/,mia,"SECRET`+"\n"+`x",otpauth://totp/x?secret=SECRET`)},
		{Format: format("1password"), Files: []string{"1password.csv"},
			Write: table("Title,Url,Username,Password,OTPAuth,Favorite,Archived,Tags,Notes", "%,https://a.example,mia,SECRET,SECRET,false,false,x,SECRET")},
		{Format: format("bitwarden-csv"), Files: []string{"bitwarden.csv"},
			Write: table("folder,favorite,type,name,notes,fields,reprompt,login_uri,login_username,login_password,login_totp",
				`x,,login,%,SECRET,"SECRET: SECRET",0,"https://a.example,b.example",mia,SECRET,SECRET`)},
		{Format: format("bitwarden-json"), Files: []string{"bitwarden.json", "bitwarden-org.json"}, Write: writeBitwarden, Fragile: true},
		{Format: format("lastpass"), Files: []string{"lastpass.csv", "lastpass-old.csv"},
			Write: table("url,username,password,totp,extra,name,grouping,fav", `https://a.example,mia,SECRET,SECRET,"SECRET`+"\n\n"+`SECRET",%,x,0`)},
		{Format: format("keepassxc"), Files: []string{"keepassxc.csv"},
			Write: table(`"Group","Title","Username","Password","URL","Notes","TOTP","Icon","Last Modified","Created"`,
				`"Root",%,"mia","SECRET","https://a.example","SECRET","otpauth://totp/x?secret=SECRET","0","2024-02-29T12:00:00Z","2019-01-01T00:00:00Z"`)},
		{Format: format("simplelogin"), Files: []string{"simplelogin.csv"},
			Write: table("alias,note,enabled,mailboxes", "a@alias.example,%,true,mia@example.org")},
	}
	for i := range all {
		for j := range all[i].Files {
			all[i].Files[j] = filepath.Join("testdata", all[i].Files[j])
		}
		for _, f := range passwords.Formats() {
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

// Each format has a fixture.
func TestAllHaveFixtures(t *testing.T) {
	if n, m := len(fixtures()), len(passwords.Formats()); n != m {
		t.Errorf("%d fixtures for %d formats", n, m)
	}
}

func FuzzRead(f *testing.F)  { importertest.FuzzRead(f, fixtures()...) }
func FuzzWrite(f *testing.F) { importertest.FuzzWrite(f, fixtures()...) }

// 10,000 rows of each format.
func BenchmarkRead(b *testing.B) {
	for _, f := range fixtures() {
		b.Run(f.Format.Name(), func(b *testing.B) { importertest.Benchmark(b, f, 10_000) })
	}
}
