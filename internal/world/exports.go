package world

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"firsthand"
)

// An Export is a file as one of Mia's programs writes it. None is clean: there are
// byte order marks, quotes and line breaks in cells, accounts twice, devices of the
// house, apps, and a row that is broken.
type Export struct {
	Name   string // of the file
	Format string // as package importer calls it
	Text   []byte
	Says   Says
}

// Says is what is in an export, as who made it up knows.
type Says struct {
	Rows, Bad                             int
	Companies                             []string // their domains, sorted
	ByName                                int      // companies that only their names tell, to who knows them
	Unsure                                int      // accounts of which no company can be told
	Passwords, OneTimeCodes, Notes, Cards int
	Persons                               int
}

// Exports returns what Mia's programs export now.
func Exports(now time.Time) []Export {
	return []Export{chrome(), bitwarden(now), firefox(now), simpleLogin(), contacts(), statement(now)}
}

func (w *World) writeExports() error {
	if err := os.MkdirAll(w.Exports(), 0o700); err != nil {
		return err
	}
	for _, e := range Exports(w.Now()) {
		if err := os.WriteFile(filepath.Join(w.Exports(), e.Name), e.Text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// in returns the firms that are in an export.
func in(export byte) (all []firm) {
	for _, f := range firms {
		if strings.IndexByte(f.in, export) >= 0 {
			all = append(all, f)
		}
	}
	return all
}

// found adds a company.
func (s *Says) found(f *firm) {
	if i, there := slices.BinarySearch(s.Companies, f.domain); !there {
		s.Companies = slices.Insert(s.Companies, i, f.domain)
	}
}

// secret is what stands where an export has a password. It opens nothing.
func secret(f *firm) string { return fmt.Sprintf("made-up-%d,%q", len(f.domain), f.group) }

// A sheet is a table that is being written, in CSV.
type sheet struct {
	bytes.Buffer
	end string // of a line
	all bool   // quotes around every cell
}

func (s *sheet) row(cells ...string) {
	for i, c := range cells {
		if i > 0 {
			s.WriteByte(',')
		}
		if s.all || strings.ContainsAny(c, "\",\r\n") {
			c = `"` + strings.ReplaceAll(c, `"`, `""`) + `"`
		}
		s.WriteString(c)
	}
	s.WriteString(s.end)
}

// chrome is what Chrome exports on Windows: a byte order mark, CRLF, hosts in the
// place of names.
func chrome() Export {
	e := Export{Name: "Chrome Passwords.csv", Format: "chrome"}
	s := sheet{end: "\r\n"}
	s.WriteString("\ufeff")
	row := func(name, url, login, password, note string) {
		s.row(name, url, login, password, note)
		e.Says.Rows++
		if password != "" {
			e.Says.Passwords++
		}
		if note != "" {
			e.Says.Notes++
		}
	}
	s.row("name", "url", "username", "password", "note")
	for _, f := range in('c') {
		for _, login := range f.logins() {
			e.Says.found(&f)
			row(f.signIn(), "https://"+f.signIn()+"/login?next=%2F", login, secret(&f), "")
		}
	}
	e.Says.found(&firms[0])
	row("veloshop.example", "https://veloshop.example/account", OldEmail, "made-up", "frame number: \"VS 881\"\nkey 17, in the drawer")
	row("boekenhoek.example", "https://www.boekenhoek.example/login?next=%2F", OldEmail, "made-up", "") // twice the same
	unsure := func(name, url, login string) {
		row(name, url, login, "made-up", "")
		e.Says.Unsure++
	}
	unsure("192.168.1.1", "http://192.168.1.1/", "admin")
	unsure("192.168.1.20", "http://192.168.1.20:8123/auth", "mia")
	unsure("", "android://bm90LWEtcmVhbC1oYXNo==@com.kaartspel.app/", NewEmail)
	unsure("", "android://bm90LWEtcmVhbC1oYXNo==@be.buurtbus.mobile/", "mia_p")
	unsure("localhost", "http://localhost:3000/admin/", "test")
	unsure("", "chrome-extension://abcdefghijklmnop/options.html", "mia")
	// Somebody has edited this line by hand.
	s.WriteString("oud.example,https://oud.example/,mia" + s.end)
	e.Says.Rows++
	e.Says.Bad++
	e.Text = s.Bytes()
	return e
}

// bitwarden is the JSON of Bitwarden: folders, several addresses for one login, a
// note, a card, and her own identity.
func bitwarden(now time.Time) Export {
	e := Export{Name: "bitwarden_export.json", Format: "bitwarden-json"}
	type uri struct {
		Match *int   `json:"match"`
		URI   string `json:"uri"`
	}
	type login struct {
		URIs     []uri  `json:"uris"`
		Username string `json:"username"`
		Password string `json:"password"`
		TOTP     string `json:"totp,omitempty"`
	}
	type folder struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	type item struct {
		Created  string            `json:"creationDate"`
		ID       string            `json:"id"`
		Folder   string            `json:"folderId,omitempty"`
		Type     int               `json:"type"`
		Name     string            `json:"name"`
		Notes    string            `json:"notes,omitempty"`
		Login    *login            `json:"login,omitempty"`
		Card     map[string]string `json:"card,omitempty"`
		Identity map[string]string `json:"identity,omitempty"`
	}
	var folders []folder
	var items []item
	id := func(n int) string { return fmt.Sprintf("%08x-0000-4000-8000-000000000000", n) }
	inFolder := func(name string) string {
		i := slices.IndexFunc(folders, func(f folder) bool { return f.Name == name })
		if i < 0 {
			i, folders = len(folders), append(folders, folder{id(0xf0 + len(folders)), name})
		}
		return folders[i].ID
	}
	add := func(i item) {
		i.ID = id(len(items) + 1)
		items = append(items, i)
		e.Says.Rows++
		if i.Notes != "" {
			e.Says.Notes++
		}
	}
	for _, f := range in('b') {
		logins := f.logins()
		l := login{Username: logins[len(logins)-1], Password: secret(&f)}
		l.URIs = []uri{{URI: "https://" + f.signIn() + "/"}, {URI: "androidapp://example." + strings.TrimSuffix(f.domain, ".example")}}
		i := item{Folder: inFolder(f.group), Type: 1, Name: f.name, Login: &l, Created: f.monthsAgo(now, f.since).Format("2006-01-02T15:04:05.000Z")}
		if f.domain == "mailgans.example" {
			l.TOTP = "otpauth://totp/Mailgans:mia_p?secret=NOTREALNOTREAL23"
			i.Notes = "recovery codes:\n1111 2222\n3333 \"4444\""
			e.Says.OneTimeCodes++
		}
		add(i)
		e.Says.found(&f)
		e.Says.Passwords++
	}
	add(item{Type: 2, Name: "Alarm of the shed", Notes: "0000"})
	add(item{Type: 3, Name: "Leiebank card", Card: map[string]string{"cardholderName": Name, "brand": "Visa", "number": "4000000000000002", "expMonth": "1", "expYear": "2030", "code": "000"}})
	e.Says.Cards++
	add(item{Type: 4, Name: "Me", Identity: map[string]string{"firstName": "Mia", "lastName": "Peeters", "email": NewEmail, "phone": OldPhone}})
	e.Says.Persons++
	e.Text = firsthand.EncodeJSON(struct {
		Encrypted bool     `json:"encrypted"`
		Folders   []folder `json:"folders"`
		Items     []item   `json:"items"`
	}{false, folders, items})
	return e
}

// firefox is what Firefox exports: quotes everywhere, and when each login was made
// and last used, some of them long ago.
func firefox(now time.Time) Export {
	e := Export{Name: "firefox-logins.csv", Format: "firefox"}
	s := sheet{end: "\r\n", all: true}
	s.row("url", "username", "password", "httpRealm", "formActionOrigin", "guid", "timeCreated", "timeLastUsed", "timePasswordChanged")
	for i, f := range in('f') {
		ms := func(months int) string { return fmt.Sprint(f.monthsAgo(now, months).UnixMilli()) }
		for _, login := range f.logins() {
			s.row("https://"+f.signIn(), login, secret(&f), "", "https://"+f.signIn(), fmt.Sprintf("{%08d-0000-4000-8000-000000000000}", i), ms(f.since), ms(f.used), ms(f.since))
			e.Says.Rows++
			e.Says.Passwords++
			e.Says.found(&f)
		}
	}
	s.row("http://192.168.1.1", "admin", "made-up", "the router", "", "{99999999-0000-4000-8000-000000000000}", "", "", "")
	e.Says.Rows++
	e.Says.Passwords++
	e.Says.Unsure++
	e.Text = s.Bytes()
	return e
}

// simpleLogin is the list of addresses that she made for one company each.
func simpleLogin() Export {
	e := Export{Name: "simplelogin-aliases.csv", Format: "simplelogin"}
	s := sheet{end: "\n"}
	s.WriteString("\ufeff")
	s.row("alias", "note", "enabled", "mailboxes")
	for i, f := range in('s') {
		s.row(fmt.Sprintf("%s.%d@alias.example", strings.TrimSuffix(f.domain, ".example"), 400+i), f.domain, "true", NewEmail)
		e.Says.Rows++
		e.Says.found(&f)
	}
	s.row("lottery.731@alias.example", "the raffle at the \"Korenmarkt\",\nnever again", "false", NewEmail+" "+OldEmail)
	e.Says.Rows++
	e.Says.Unsure++
	e.Text = s.Bytes()
	return e
}

// contacts is her address book: her own card, companies, and people, who are not
// kept.
func contacts() Export {
	e := Export{Name: "contacts.vcf", Format: "vcard"}
	var b bytes.Buffer
	card := func(lines ...string) {
		for _, l := range slices.Concat([]string{"BEGIN:VCARD", "VERSION:3.0"}, lines, []string{"END:VCARD"}) {
			b.WriteString(l + "\r\n")
		}
		e.Says.Rows++
	}
	person := func(lines ...string) {
		card(lines...)
		e.Says.Persons++
	}
	person("N:Peeters;Mia;;;", "FN:"+Name, "EMAIL;TYPE=INTERNET,PREF:"+NewEmail, "TEL;TYPE=CELL:"+NewPhone,
		"ADR;TYPE=HOME:;;Kapellenstraat 88\\nbus 3;Antwerpen;;2000;BE")
	for _, f := range in('v') {
		card("N:;;;;", "FN:"+f.name, "ORG:"+f.name, "X-ABShowAs:COMPANY", "TEL;TYPE=WORK:+32 78 55 50 00", "URL:https://"+f.signIn()+"/")
		e.Says.found(&f)
	}
	person("N:Desmet;Jef;;;", "FN:Jef", "TEL:+32 470 55 50 01", "NOTE:has the spare key\\, and the\r\n  cat on Sundays")
	e.Says.Notes++
	person("N:Claes;An;;;", "FN:An Claes", "EMAIL:an@claes.example")
	e.Text = b.Bytes()
	return e
}
