package passwords

import (
	"bytes"
	"io"
	"iter"
	"strings"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/importer"
)

// bitwarden is the JSON export of Bitwarden and Vaultwarden, hers or that of an
// organisation she is in: one object, in which items is a list of all there is.
// Folders come before the items and are the one thing that is kept while reading.
type bitwarden struct{}

// Name implements [importer.Format].
func (bitwarden) Name() string { return "bitwarden-json" }

// Match implements [importer.Format].
func (bitwarden) Match(head []byte) (sure int, err error) {
	head = bytes.TrimLeft(head, " \t\r\n")
	if !bytes.HasPrefix(head, []byte{'{'}) {
		return 0, nil
	}
	for _, name := range []string{"encrypted", "passwordProtected"} {
		if value, ok := member(head, name); ok {
			if sure++; bytes.HasPrefix(value, []byte("true")) {
				return sure, errEncrypted
			}
		}
	}
	if _, ok := member(head, "items"); ok {
		sure++
	}
	if sure > 0 {
		for _, name := range []string{"folders", "collections"} { // which anything may have
			if _, ok := member(head, name); ok {
				sure++
			}
		}
	}
	return sure, nil
}

// member returns what follows a name in JSON, and whether there is such a member.
func member(head []byte, name string) (value []byte, ok bool) {
	const blank = " \t\r\n"
	_, after, _ := bytes.Cut(head, []byte(`"`+name+`"`))
	value, ok = bytes.CutPrefix(bytes.TrimLeft(after, blank), []byte{':'})
	return bytes.TrimLeft(value, blank), ok
}

var errEncrypted = fault.Tell(fault.Invalid, "This is an encrypted export of Bitwarden.",
	"In Bitwarden choose Tools, Export vault, and .json as the file format, not .json (Encrypted). Delete that file when it has been read.")

// maxFolders is how many folders are kept; what is in others has none.
const maxFolders = 10_000

// Read implements [importer.Format].
func (bitwarden) Read(r io.Reader) iter.Seq2[importer.Found, error] {
	return func(yield func(importer.Found, error) bool) {
		s := newJSON(r)
		defer s.close()
		folders := map[string]string{}
		stopped := false
		s.expect('{')
		s.object(func(name string) {
			switch name {
			case "encrypted", "passwordProtected":
				if s.isTrue() && s.err == nil {
					s.err = errEncrypted
				}
			case "folders", "collections":
				s.array(func() { readFolder(s, folders) })
			case "items":
				s.array(func() {
					f, err := readItem(s, folders)
					if s.err != nil || err == nil && !settle(&f) {
						return
					}
					if !yield(f, err) {
						stopped, s.err = true, io.EOF
					}
				})
			default:
				s.skip()
			}
		})
		if s.err != nil && !stopped {
			yield(importer.Found{}, s.err)
		}
	}
}

func readFolder(s *jsonReader, folders map[string]string) {
	var id, name string
	s.object(func(member string) {
		switch member {
		case "id":
			id = s.text()
		case "name":
			name = s.text()
		default:
			s.skip()
		}
	})
	if s.wrong, s.size = "", 0; id != "" && len(id)+len(name) <= 1<<10 && len(folders) < maxFolders {
		folders[id] = name
	}
}

// readItem reads an item: a login, a note, a card, an identity, or a key.
func readItem(s *jsonReader, folders map[string]string) (f importer.Found, err error) {
	f = importer.Found{Kind: importer.Account, Row: s.line()}
	var owner identity
	s.wrong, s.size = "", 0
	s.object(func(name string) {
		switch name {
		case "name":
			f.Title = named(&f, s.bytes())
		case "folderId":
			f.Folder = folders[s.text()]
		case "collectionIds":
			s.array(func() {
				if folder := folders[s.text()]; f.Folder == "" {
					f.Folder = folder
				}
			})
		case "creationDate":
			f.Created = when(s.text())
		case "revisionDate":
			f.Changed = when(s.text())
		case "login":
			readLogin(s, &f)
		case "notes":
			s.count(&f.Secrets.Notes)
		case "fields":
			s.array(func() { f.Secrets.Notes++; s.skip() })
		case "passwordHistory":
			s.array(func() { f.Secrets.Passwords++; s.skip() })
		case "type":
			switch s.number() {
			case 2: // a note
				f.Kind = importer.Dropped
			case 3:
				f.Kind, f.Secrets.Cards = importer.Dropped, 1
			case 4:
				f.Kind = importer.Own
			case 5:
				f.Kind, f.Secrets.Keys = importer.Dropped, 1
			}
		case "identity":
			s.object(func(name string) { owner.read(s, name) })
		default:
			s.skip()
		}
	})
	if s.wrong != "" {
		return importer.Found{}, &importer.BadRow{Row: f.Row, Why: s.wrong}
	}
	if f.Kind == importer.Own {
		f.Card = owner.card()
	}
	return f, nil
}

func readLogin(s *jsonReader, f *importer.Found) {
	s.object(func(name string) {
		switch name {
		case "username":
			f.Login = s.text()
		case "password":
			s.count(&f.Secrets.Passwords)
		case "totp":
			s.count(&f.Secrets.OneTimeCodes)
		case "fido2Credentials":
			s.array(func() { f.Secrets.Keys++; s.skip() })
		case "uris":
			s.array(func() {
				s.object(func(name string) {
					if name == "uri" && len(f.URLs) < 100 {
						addAddress(f, s.bytes())
					} else {
						s.skip()
					}
				})
			})
		default:
			s.skip()
		}
	})
}

// An identity is how she fills in forms: a card of her own. Numbers of passports
// and the like are in it too, and aren't read.
type identity map[string]string

// read reads a member of the item's identity.
func (id *identity) read(s *jsonReader, name string) {
	switch name {
	case "title", "firstName", "middleName", "lastName", "address1", "address2", "address3",
		"city", "state", "postalCode", "country", "company", "email", "phone":
		if *id == nil {
			*id = identity{}
		}
		(*id)[name] = strings.TrimSpace(s.text())
	default:
		s.skip()
	}
}

// card returns what of it is offered to her.
func (id identity) card() *importer.Card {
	c := &importer.Card{Org: id["company"]}
	add := func(name string, v firsthand.Value) {
		if !v.IsZero() {
			c.Facts = append(c.Facts, importer.Fact{Name: name, Value: v})
		}
	}
	name := id.join(" ", "firstName", "middleName", "lastName")
	c.Person = name != ""
	add("name", firsthand.Text(name))
	add("email", firsthand.Text(id["email"]))
	add("phone", firsthand.Text(id["phone"]))
	home := firsthand.Value{}
	for _, part := range [][]string{{"street", "address1"}, {"extra", "address2", "address3"}, {"city", "city"},
		{"region", "state"}, {"postal_code", "postalCode"}, {"country", "country"}} {
		if text := id.join(", ", part[1:]...); text != "" {
			if home.Parts == nil {
				home.Parts = map[string]string{}
			}
			home.Parts[part[0]] = text
		}
	}
	add("address.home", home)
	return c
}

// join returns the members that aren't empty, with sep between them.
func (id identity) join(sep string, names ...string) string {
	var all []string
	for _, name := range names {
		if id[name] != "" {
			all = append(all, id[name])
		}
	}
	return strings.Join(all, sep)
}
