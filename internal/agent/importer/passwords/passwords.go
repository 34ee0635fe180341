// Package passwords reads the exports of password managers, of browsers, and of
// the alias service SimpleLogin. They show nearly all online relationships of a
// person in one file: of each the address, how she calls it, and by which of her
// names or e-mail addresses the company knows her.
//
// Most of them are tables, and differ by their columns alone: see layouts.
// Columns move, and new ones appear, so a layout is recognised by the names of the
// columns that matter, in any order. Bitwarden has a format of its own besides.
package passwords

import (
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"firsthand/internal/agent/importer"
)

// Formats returns all formats of this package.
func Formats() []importer.Format {
	formats := []importer.Format{bitwarden{}}
	for i := range layouts {
		formats = append(formats, &layouts[i])
	}
	return formats
}

// A role is what a column holds. Columns without one aren't read.
type role uint8

const (
	title role = iota
	address
	login
	folder
	kind // of row
	created
	used
	changed
	// What follows is counted and never taken out.
	password
	code // what makes one-time codes
	note
	roles // how many there are
)

// A layout is a format that is a table.
type layout struct {
	name    string
	columns map[string]role
	needs   []string // columns without which it is another
	one     []string // and one of these, unless there are none
	ignored []string // columns that say which it is, and nothing else

	kind  importer.Kind
	tidy  func(*importer.Row, []int, *importer.Found) // what is special about it
	multi bool                                        // there may be several addresses in a cell
}

var layouts = []layout{{
	// Chrome, Edge, Brave, and passwords.google.com.
	name:    "chrome",
	columns: map[string]role{"name": title, "url": address, "username": login, "password": password, "note": note},
	needs:   []string{"name", "url", "username"},
}, {
	name: "firefox",
	columns: map[string]role{"url": address, "username": login, "password": password,
		"timecreated": created, "timelastused": used, "timepasswordchanged": changed},
	needs:   []string{"url", "username"},
	one:     []string{"httprealm", "formactionorigin", "guid", "timecreated", "timelastused", "timepasswordchanged"},
	ignored: []string{"httprealm", "formactionorigin", "guid"},
}, {
	name:    "apple",
	columns: map[string]role{"title": title, "url": address, "username": login, "password": password, "notes": note, "otpauth": code},
	needs:   []string{"title", "url", "username"},
	one:     []string{"otpauth", "password"},
}, {
	name: "1password",
	columns: map[string]role{"title": title, "url": address, "username": login, "password": password, "otpauth": code,
		"tags": folder, "notes": note},
	needs:   []string{"title", "url", "username"},
	one:     []string{"favorite", "archived"},
	ignored: []string{"favorite", "archived"},
	tidy:    firstTag,
}, {
	name: "bitwarden-csv",
	columns: map[string]role{"folder": folder, "collections": folder, "type": kind, "name": title, "notes": note, "fields": note,
		"login_uri": address, "login_username": login, "login_password": password, "login_totp": code},
	needs:   []string{"name", "login_uri", "login_username"},
	ignored: []string{"favorite", "reprompt"},
	tidy:    secureNote,
	multi:   true,
}, {
	name: "lastpass",
	columns: map[string]role{"url": address, "username": login, "password": password, "totp": code, "extra": note,
		"name": title, "grouping": folder},
	needs:   []string{"url", "username", "name"},
	one:     []string{"extra", "grouping"},
	ignored: []string{"fav"},
	tidy:    lastpassNote,
}, {
	name: "keepassxc",
	columns: map[string]role{"group": folder, "title": title, "username": login, "password": password, "url": address,
		"notes": note, "totp": code, "last modified": changed, "created": created},
	needs:   []string{"group", "title", "username", "url"},
	ignored: []string{"icon"},
}, {
	// The note is hers, and says for whom she made the alias.
	name:    "simplelogin",
	columns: map[string]role{"alias": login, "note": title},
	needs:   []string{"alias"},
	one:     []string{"mailboxes", "enabled"},
	ignored: []string{"mailboxes", "enabled"},
	kind:    importer.Alias,
}}

// Name implements [importer.Format].
func (l *layout) Name() string { return l.name }

// Match implements [importer.Format]: it counts the columns that the layout knows.
func (l *layout) Match(head []byte) (sure int, err error) {
	columns := importer.Columns(head)
	has := func(name string) bool { return slices.Contains(columns, name) }
	for _, name := range l.needs {
		if !has(name) {
			return 0, nil
		}
	}
	if len(l.one) > 0 && !slices.ContainsFunc(l.one, has) {
		return 0, nil
	}
	for name := range l.columns {
		if has(name) {
			sure++
		}
	}
	for _, name := range l.ignored {
		if has(name) {
			sure++
		}
	}
	return sure, nil
}

// Read implements [importer.Format].
func (l *layout) Read(r io.Reader) iter.Seq2[importer.Found, error] {
	return importer.Table(r, func(columns []string) func(*importer.Row) (importer.Found, bool) {
		at := make([]int, roles) // the column of each role, -1 if there is none
		for i := range at {
			at[i] = -1
		}
		var notes []int // there may be several
		for i, name := range columns {
			if r, ok := l.columns[name]; ok && at[r] < 0 {
				at[r] = i
			}
			if l.columns[name] == note {
				notes = append(notes, i)
			}
		}
		return func(row *importer.Row) (importer.Found, bool) { return l.found(row, at, notes) }
	})
}

// found makes of a row what there is of an account or alias in it.
func (l *layout) found(row *importer.Row, at, notes []int) (importer.Found, bool) {
	row.Doubtful = row.Doubtful && at[address] >= 0 && !isAddress(row.Bytes(at[address]))
	if row.Doubtful {
		return importer.Found{}, false
	}
	f := importer.Found{
		Kind:    importer.Account,
		Login:   row.Text(at[login]),
		Folder:  row.Text(at[folder]),
		Created: when(row.Text(at[created])),
		Used:    when(row.Text(at[used])),
		Changed: when(row.Text(at[changed])),
	}
	if l.kind != "" {
		f.Kind = l.kind
	}
	f.Title = named(&f, row.Bytes(at[title]))
	if row.Has(at[password]) {
		f.Secrets.Passwords++
	}
	if row.Has(at[code]) {
		f.Secrets.OneTimeCodes++
	}
	for _, i := range notes {
		if row.Has(i) {
			f.Secrets.Notes++
		}
	}
	addresses(&f, row.Bytes(at[address]), l.multi)
	if l.tidy != nil {
		l.tidy(row, at, &f)
	}
	return f, settle(&f)
}

// settle makes a find without anything but secrets Dropped, and reports whether
// there is anything at all.
func settle(f *importer.Found) bool {
	if f.Kind == importer.Dropped || f.Title == "" && f.Login == "" && len(f.URLs) == 0 {
		*f = importer.Found{Kind: importer.Dropped, Row: f.Row, Secrets: f.Secrets}
		return f.Secrets != importer.Secrets{}
	}
	return true
}

// firstTag keeps the first of the tags of 1Password.
func firstTag(_ *importer.Row, _ []int, f *importer.Found) {
	f.Folder, _, _ = strings.Cut(f.Folder, ";")
}

// secureNote drops the notes of Bitwarden, which have a type.
func secureNote(row *importer.Row, at []int, f *importer.Found) {
	if row.HasPrefix(at[kind], "note") {
		f.Kind = importer.Dropped
	}
}

// lastpassNote drops the notes and cards of LastPass, which have an address that
// says so, and its empty folders.
func lastpassNote(row *importer.Row, at []int, f *importer.Found) {
	switch {
	case row.HasPrefix(at[note], "NoteType:Credit Card"):
		f.Secrets.Cards++
		f.Secrets.Notes--
		f.Kind = importer.Dropped
	case slices.Equal(f.URLs, []string{"http://sn"}), slices.Equal(f.URLs, []string{"http://group"}):
		f.Kind = importer.Dropped
	}
}

// when reads a time: milliseconds since 1970, or as in RFC 3339, with or without
// the zone. What isn't one, or is of no time in which she may have had the
// account, is the zero time.
func when(s string) time.Time {
	var t time.Time
	if s == "" {
		return t
	}
	if ms, err := strconv.ParseInt(s, 10, 64); err == nil {
		t = time.UnixMilli(ms)
	} else {
		for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05"} {
			if t, err = time.Parse(layout, s); err == nil {
				break
			}
		}
	}
	if t.Year() < 1990 || t.Year() > 2200 {
		return time.Time{}
	}
	return t.UTC()
}
