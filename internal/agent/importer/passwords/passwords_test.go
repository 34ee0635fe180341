package passwords_test

import (
	"os"
	"strings"
	"testing"

	"firsthand/fault"
	"firsthand/internal/agent/importer"
	"firsthand/internal/agent/importer/passwords"
)

// A header is recognised by its columns, wherever they stand and whatever else does.
func TestHeaders(t *testing.T) {
	tests := []struct{ header, want string }{
		{"name,url,username,password,note", "chrome"},
		{"name,url,username,password", "chrome"},
		{"NOTE;PASSWORD;USERNAME;URL;NAME;NEW", "chrome"},
		{"name\turl\tusername", "chrome"},
		{`"url","username","password","httpRealm","formActionOrigin","guid","timeCreated","timeLastUsed","timePasswordChanged"`, "firefox"},
		{"guid,url,username", "firefox"},
		{"Title,URL,Username,Password,Notes,OTPAuth", "apple"},
		{"Title,URL,Username,Password", "apple"},
		{"Title,Url,Username,Password,OTPAuth,Favorite,Archived,Tags,Notes", "1password"},
		{"Title,Url,Username,OTPAuth,Archived", "1password"},
		{"folder,favorite,type,name,notes,fields,reprompt,login_uri,login_username,login_password,login_totp", "bitwarden-csv"},
		{"collections,type,name,notes,fields,reprompt,login_uri,login_username,login_password,login_totp", "bitwarden-csv"},
		{"url,username,password,totp,extra,name,grouping,fav", "lastpass"},
		{"url,username,password,extra,name,grouping,fav", "lastpass"},
		{`"Group","Title","Username","Password","URL","Notes","TOTP","Icon","Last Modified","Created"`, "keepassxc"},
		{"alias,note,enabled,mailboxes", "simplelogin"},
		{`{"encrypted":false,"folders":[],"items":[]}`, "bitwarden-json"},
		{` { "items" : [`, "bitwarden-json"},
		{`{"folders":[]}`, ""},
		{`{"success":true,"subscriptions":[]}`, ""},
		{"BEGIN:VCARD", ""},
		{"username,password", ""},
		{"Date,Payee,Amount", ""},
		{"url,username", ""},
	}
	for _, tt := range tests {
		f, found, err := importer.Read(strings.NewReader(tt.header+"\n"), passwords.Formats()...)
		got := ""
		if err == nil {
			got = f.Name()
			for range found {
			}
		}
		if got != tt.want {
			t.Errorf("%s: %q, %v, want %q", tt.header, got, err, tt.want)
		}
	}
}

// Names are kept with what was read.
func TestNamesNeverChange(t *testing.T) {
	var names []string
	for _, f := range passwords.Formats() {
		names = append(names, f.Name())
	}
	if got, want := strings.Join(names, " "), "bitwarden-json chrome firefox apple 1password bitwarden-csv lastpass keepassxc simplelogin"; got != want {
		t.Errorf("names are %s, want %s", got, want)
	}
}

// What is encrypted is refused before anything else is done, with what to do.
func TestEncrypted(t *testing.T) {
	late := `{"folders":[` + strings.Repeat(`{"id":"x","name":"y"},`, 500) + `{}],"encrypted":true,"items":[{"name":"2.x|y"}]}`
	for _, name := range []string{"testdata/bitwarden-encrypted.json", "testdata/bitwarden-account-encrypted.json", late} {
		text, isLate := name, strings.HasPrefix(name, "{")
		if !isLate {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			text = string(b)
		}
		_, found, err := importer.Read(strings.NewReader(text), passwords.Formats()...)
		if isLate {
			text = strings.Replace(text, `{"folders"`, `{"items":[],"folders"`, 1)
			_, found, err = importer.Read(strings.NewReader(text), passwords.Formats()...)
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, err = range found {
				n++
			}
			if n != 1 {
				t.Errorf("%d finds in an encrypted file", n)
			}
		} else if found != nil {
			t.Errorf("%s is read", name)
		}
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.HintOf(err), "not .json (Encrypted)") {
			t.Errorf("%.40s: %v", name, err)
		}
	}
}

// Addresses come as they stand in the file, but for what is secret in them.
func TestAddresses(t *testing.T) {
	tests := []struct {
		cell string
		want string // with blanks between them
		n    int    // passwords, and codes
	}{
		{"https://a.example/login?next=%2F#x", "https://a.example/login?next=%2F#x", 0},
		{" a.example ", "a.example", 0},
		{"", "", 0},
		{"https://a.example,https://b.example", "https://a.example https://b.example", 0},
		{"a.example,b.example:8443,,c.example", "a.example b.example:8443 c.example", 0},
		{"https://a.example/x,y?z=1,2,androidapp://com.b", "https://a.example/x,y?z=1,2 androidapp://com.b", 0},
		{"https://a.example,b.example", "https://a.example b.example", 0},
		{"android://hash==@com.example.app/", "android://hash==@com.example.app/", 0},
		{"mailto:mia@example.org", "mailto:mia@example.org", 0},
		{"http://[::1]:8080/x", "http://[::1]:8080/x", 0},
		{"http://[fe80::1]/", "http://[fe80::1]/", 0},
		{"http://localhost:8080", "http://localhost:8080", 0},
		{"https://a.example:8443/@mia", "https://a.example:8443/@mia", 0},
		{"https://mia@a.example/", "https://mia@a.example/", 0},
		{"https://mia:s3cret@a.example/x", "https://mia@a.example/x", 1},
		{"https://mia:s3@cret@a.example/x", "https://mia@a.example/x", 1},
		{"https://mia:1234@a.example/", "https://mia@a.example/", 1},
		{"https://mia:s3/cret@a.example/", "https://mia@a.example/", 1},
		{"https://:s3cret@a.example", "https://@a.example", 1},
		{"https//mia:s3cret@a.example", "https//mia@a.example", 1},
		{"mia:s3cret@a.example", "mia@a.example", 1},
		{"https://mia:s3cret", "https://mia", 1},
		{"OTPAuth://totp/x?secret=s3cret", "", 1},
		{"otpauth-migration://offline?data=s3cret,https://a.example", "https://a.example", 1},
	}
	for _, tt := range tests {
		file := "name,login_uri,login_username\nx," + csv(tt.cell) + ",mia\n"
		_, found, err := importer.Read(strings.NewReader(file), format("bitwarden-csv"))
		if err != nil {
			t.Fatal(err)
		}
		for f, err := range found {
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(f.URLs, " "); got != tt.want || f.Secrets.Passwords+f.Secrets.OneTimeCodes != tt.n {
				t.Errorf("%s: %q and %+v, want %q and %d", tt.cell, got, f.Secrets, tt.want, tt.n)
			}
		}
	}
}

// A text that is longer than a row may be costs its item, and no more.
func TestLongItem(t *testing.T) {
	long := strings.Repeat("x", importer.RowLimit)
	file := `{"encrypted":false,"folders":[{"id":"` + long + `","name":"a"},{"id":"b","name":"` + long + `"}],"items":[` +
		`{"name":"` + long + `"},{"name":"a","notes":"` + long + long + `\\\"","login":{"password":"` + long + `"}},` +
		`{"name":"b","login":{"uris":[` + strings.TrimSuffix(strings.Repeat(`{"uri":"`+long[:1<<18]+`"},`, 5), ",") + `]}},{"name":"c","folderId":"b"}]}`
	_, found, err := importer.Read(strings.NewReader(file), passwords.Formats()...)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for f, err := range found {
		if err != nil {
			got = append(got, err.Error())
		} else {
			got = append(got, f.Title+f.Folder)
		}
	}
	if s := strings.Join(got, "|"); s != "row 1: is too long|a|row 1: is too long|c" {
		t.Errorf("found %.200s", s)
	}
}

// What is nested without end is refused, wherever it is.
func TestDeepJSON(t *testing.T) {
	for _, file := range []string{
		`{"encrypted":false,"x":` + strings.Repeat("[", 1e6),
		`{"encrypted":false,"items":[{"login":{"uris":` + strings.Repeat(`[{"uri":`, 1e6),
		`{"encrypted":false,"items":` + strings.Repeat(`{"a":`, 1e6),
	} {
		_, found, err := importer.Read(strings.NewReader(file), passwords.Formats()...)
		if err != nil {
			t.Fatal(err)
		}
		for _, err = range found {
		}
		if err == nil || !strings.Contains(err.Error(), "nested too deep") {
			t.Errorf("%.60s…: %v", file, err)
		}
	}
}

// After a row that can't be read, a line is a row only if there is an address where
// addresses are: it may be the inside of a note.
func TestAfterABadRow(t *testing.T) {
	file := "name,url,username\nbad,row\ncode,1234-5678,x\nprose, and so on. And, on\nno address,,x\nhost,shop.example,x\nno address,,y\n"
	_, found, err := importer.Read(strings.NewReader(file), format("chrome"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for f, err := range found {
		if err != nil {
			got = append(got, err.Error()[:5])
		} else {
			got = append(got, f.Title)
		}
	}
	if s := strings.Join(got, "|"); s != "row 2|row 3|row 4|row 5|host|no address" {
		t.Errorf("found %s", s)
	}
}

// Where an address stands as a title, what is secret in it is dropped there as well.
func TestNoSecretInATitle(t *testing.T) {
	for title, want := range map[string]string{
		"https://mia:s3cret@shop.example/x":  "https://mia@shop.example/x",
		"otpauth://totp/Shop?secret=s3cret":  "",
		"Shop: at home, with mia@x.example":  "Shop: at home, with mia@x.example",
		"https://shop.example/a:b":           "https://shop.example/a:b",
		"see https://shop.example note: a@b": "see https://shop.example note: a@b",
	} {
		for name, file := range map[string]string{
			"chrome":         "name,url,username,password\n\"" + title + "\",,mia,p\n",
			"keepassxc":      "\"Group\",\"Title\",\"Username\",\"Password\",\"URL\"\n\"Root\",\"" + title + "\",\"mia\",\"p\",\"\"\n",
			"bitwarden-json": `{"encrypted":false,"items":[{"type":1,"name":"` + title + `","login":{"username":"mia","password":"p"}}]}`,
		} {
			_, found, err := importer.Read(strings.NewReader(file), passwords.Formats()...)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for f, err := range found {
				n := f.Secrets.Passwords + f.Secrets.OneTimeCodes
				if err != nil || f.Title != want || f.Login != "mia" || n > 1 != (title != want) {
					t.Errorf("%s: %q is %q of %q with %d secrets, %v, want %q", name, title, f.Title, f.Login, n, err, want)
				}
			}
		}
	}
}
