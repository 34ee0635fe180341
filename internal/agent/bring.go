package agent

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"firsthand/fault"
	"firsthand/internal/agent/directory"
	"firsthand/internal/agent/importer"
)

// An Import is one file that she brought. Nothing of it counts before it is kept.
type Import struct {
	ID     int64
	Format string // its Name
	File   string // its name, as she called it
	At     time.Time
	State  string // Reading, Preview, Kept
	Counts ImportCounts
	Bad    []BadRow // the first 100
	Digest string   // of all that was found; "" while it is read
	Again  bool     // returned by Bring: the same file was brought before, and nothing has changed
}

// The states of an import.
const (
	Reading = "reading" // is being read; after a crash it is removed at the next start
	Preview = "preview"
	Kept    = "kept"
)

// ImportCounts say what was in a file. What is secret was counted, and dropped
// while reading.
type ImportCounts struct {
	Rows      int `json:"rows"` // read, bad ones too
	Bad       int `json:"bad"`
	Companies int `json:"companies"`
	New       int `json:"new"`     // of them, not known before
	Merged    int `json:"merged"`  // hosts that were put together with another under one company
	Unsure    int `json:"unsure"`  // accounts of which the company isn't certain: see Unsure
	Persons   int `json:"persons"` // in an address book: not kept, but as contact of a company

	Payments  int              `json:"payments,omitempty"`  // that she made
	Incoming  int              `json:"incoming,omitempty"`  // that she got: not kept
	Contracts int              `json:"contracts,omitempty"` // that the file names, or that recur in it
	Mails     int              `json:"mails,omitempty"`     // whose sender counts
	Unproved  int              `json:"unproved,omitempty"`  // mails of which her mail host says that the sender is forged
	Columns   importer.Mapping `json:"columns,omitzero"`    // by which a table was read

	// Seen, none kept.
	Passwords    int `json:"passwords"`
	OneTimeCodes int `json:"one_time_codes"`
	Keys         int `json:"keys"`
	Notes        int `json:"notes"`
	Cards        int `json:"cards"`
}

// A BadRow is a row that could not be read: its line, and why in our words.
type BadRow struct {
	Row int    `json:"row"`
	Why string `json:"why"`
}

// A PreviewRow is one company as an import has it.
type PreviewRow struct {
	Domain   string
	Name     string // as the file has it; "" if it only has addresses
	Accounts int
	Hosts    []string // that were put together, sorted; at most MaxHosts
	New      bool     // not among hers yet
}

// An Account is one thing that an import found at a company: a login, an alias, or
// somebody there. No password is ever part of it.
type Account struct {
	ID     int64 // rises in the order of the file
	Import int64
	Row    int    // its line in the file
	Domain string // the company's key; "" while it isn't certain
	Host   string // to which the login is; "" if unknown
	Name   string // of the company, as Title has it; "" if Title has none
	Title  string // as it stands there, as do the next
	URL    string
	Login  string
	Folder string
	Kind   string // Login, Alias, Contact
	Why    string // Domain isn't certain: Address, App, Local, Odd, None; "" if it is

	Created, Used time.Time

	Assigned bool // she said which company it is of
	Quiet    bool // Login is no guess of what the company holds: she said so, or a log says more
}

// Kinds of accounts.
const (
	LoginAccount   = "login"
	AliasAccount   = "alias"
	ContactAccount = "contact"
	MailAccount    = "mail"    // the company wrote to Login; Folder says newsletter if one can be rid of it
	PaidAccount    = "payment" // she paid the company
)

// AccountKinds are all kinds of accounts.
var AccountKinds = []string{LoginAccount, AliasAccount, ContactAccount, MailAccount, PaidAccount}

// IsSign reports whether an account is no account, but a sign that she deals with the
// company.
func (acc *Account) IsSign() bool { return acc.Kind == MailAccount || acc.Kind == PaidAccount }

// A CardFound is a person's card in an address book, which may be hers. It is there
// until the import is kept or undone.
type CardFound struct {
	ID     int64 // as of an Account
	Import int64
	Row    int
	Name   string
	Org    string
	Own    bool // the file says that it is hers
	Facts  []Fact
}

// Bring reads a file of hers, of whichever of Options.Formats it is, and keeps what
// it finds apart, as a preview. progress, which may be nil, is called now and then
// with what was counted so far. Memory is bounded whatever the size of the file.
//
// The same file twice changes nothing: Bring returns the import that there is. A
// file of which no format is known is [fault.Invalid], and so, as an
// [*importer.Tie], is one that may be of several; see BringAs. If Bring fails
// nothing is left of it.
func (a *Agent) Bring(ctx context.Context, file string, r io.Reader, progress func(ImportCounts)) (Import, error) {
	return a.BringAs(ctx, "", file, r, progress)
}

// BringAs is Bring for a file of which she says the format, by its name.
func (a *Agent) BringAs(ctx context.Context, format, file string, r io.Reader, progress func(ImportCounts)) (_ Import, err error) {
	formats := slices.DeleteFunc(slices.Clone(a.Formats), func(f importer.Format) bool { return format != "" && f.Name() != format })
	if len(formats) == 0 && format != "" {
		return Import{}, fault.Tell(fault.Invalid, fmt.Sprintf("there is no format %.60q", format), "one of "+strings.Join(a.FormatNames(), ", "))
	}
	same, err := a.sameCompany(ctx)
	if err != nil {
		return Import{}, err
	}
	b := &bringing{agent: a, same: same, progress: progress, keys: make(map[string]string), digest: sha256.New(), signs: make(map[signKey]*Account)}
	saved, err := a.Mappings(ctx)
	if err != nil {
		return Import{}, err
	}
	for i, f := range formats {
		if m, ok := f.(importer.Mapped); ok {
			formats[i] = m.With(saved, func(m importer.Mapping) { b.Counts.Columns = m })
		}
	}
	f, found, err := importer.Read(r, formats...)
	if err != nil {
		return Import{}, err
	}
	// Something has to loop over what was found, whatever happens: it wipes the rest.
	wiped := false
	defer func() {
		if !wiped {
			for range found {
				break
			}
		}
	}()
	b.Format, b.File, b.At = f.Name(), fileName(file), a.Now()
	if b.ID, err = a.Store.AddImport(ctx, b.Import); err != nil {
		return Import{}, err
	}
	defer func() {
		if err != nil {
			// Also when she has gone away meanwhile. Where this fails, too, it is
			// removed at the next start.
			err = errors.Join(err, a.Store.Commit(context.WithoutCancel(ctx), Commit{UndoImports: []int64{b.ID}}))
		}
	}()
	wiped = true
	for row, err := range found {
		if err := b.take(ctx, row, err); err != nil {
			return Import{}, err
		}
	}
	if b.Counts.Rows == 0 {
		return Import{}, fault.Tell(fault.Invalid, "There is nothing in this file but how it begins.", "Export it again, and look whether the program has something to export.")
	}
	return b.finish(ctx)
}

// FormatNames returns the names of the formats that Bring knows.
func (a *Agent) FormatNames() (names []string) {
	for _, f := range a.Formats {
		names = append(names, f.Name())
	}
	return names
}

// fileName returns the name of a file, without folders, as it is kept.
func fileName(file string) string {
	return clip(file[strings.LastIndexAny(file, `/\`)+1:], 200)
}

// Imports returns the imports that are previewed or kept, newest first.
func (a *Agent) Imports(ctx context.Context) ([]Import, error) {
	all, err := a.Store.Imports(ctx)
	return slices.DeleteFunc(all, func(i Import) bool { return i.State == Reading }), err
}

// Brought returns one import. [fault.NotExist] if there is none of that number.
func (a *Agent) Brought(ctx context.Context, id int64) (Import, error) {
	all, err := a.Imports(ctx)
	for _, i := range all {
		if i.ID == id {
			return i, err
		}
	}
	if err == nil {
		err = fault.Tell(fault.NotExist, fmt.Sprintf("there is no import %d", id), "firsthand bring --list")
	}
	return Import{}, err
}

// PreviewCompanies returns a page of the companies of an import, by domain, and how
// many there are.
func (a *Agent) PreviewCompanies(ctx context.Context, id int64, offset, limit int) ([]PreviewRow, int, error) {
	return a.Store.PreviewCompanies(ctx, id, offset, limit)
}

// Unsure returns a page of the accounts of an import of which the company isn't
// certain, in the order of the file, and how many there are.
func (a *Agent) Unsure(ctx context.Context, id int64, offset, limit int) ([]Account, int, error) {
	return a.Store.Unsure(ctx, id, offset, limit)
}

// Suggestion returns the domain that the name of an app suggests, "" if none: for
// her to confirm.
func (acc *Account) Suggestion() string { return directory.ParseSite(acc.URL).Suggestion() }

// Assign says of which company an account is. With "" it is uncertain again.
func (a *Agent) Assign(ctx context.Context, account int64, domain string) error {
	if domain != "" {
		host, err := hostOf(domain)
		if err != nil {
			return err
		}
		same, err := a.sameCompany(ctx)
		if err != nil {
			return err
		}
		if domain, err = a.companyOf(ctx, same, host); err != nil {
			return err
		}
	}
	err := a.Store.Commit(ctx, Commit{Assign: []Assignment{{account, domain}}})
	if fault.KindOf(err) == fault.NotExist {
		return fault.Tell(fault.NotExist, fmt.Sprintf("there is no account %d", account), "the accounts of an import are listed by: firsthand bring --id NUMBER")
	}
	return err
}

// companyOf returns the key of the company at a host: of one of its siblings, if
// she has it already, else of the group's first, else its own.
func (a *Agent) companyOf(ctx context.Context, same *directory.Siblings, host string) (string, error) {
	group := same.Of(host)
	if group == nil {
		return CompanyKey(host), nil
	}
	keys := make([]string, len(group))
	for i, h := range group {
		keys[i] = CompanyKey(h)
	}
	has, err := a.Store.CompaniesAt(ctx, keys...)
	if err != nil {
		return "", err
	}
	for _, key := range keys {
		if slices.ContainsFunc(has, func(c Company) bool { return c.Domain == key }) {
			return key, nil
		}
	}
	return same.Domain(host), nil
}

// Keep makes a preview count, in one step: its companies are listed, guessed until
// she confirms, and e-mail logins are guessed statements of what they hold. Where
// an older import has the same login at the same host, the newer one counts. Cards
// of persons are forgotten. Kept already is no error.
func (a *Agent) Keep(ctx context.Context, id int64) error {
	if _, err := a.Brought(ctx, id); err != nil {
		return err
	}
	return a.Store.Commit(ctx, Commit{KeepImports: []int64{id}})
}

// Undo removes an import, previewed or kept, with everything that only it says, in
// one step. What she confirmed, grouped, stated or acted on stays.
func (a *Agent) Undo(ctx context.Context, id int64) error {
	if _, err := a.Brought(ctx, id); err != nil {
		return err
	}
	return a.Store.Commit(ctx, Commit{UndoImports: []int64{id}})
}

// Cards returns the cards of persons in a previewed address book, one of which may
// be hers: first the one of which the file says so.
func (a *Agent) Cards(ctx context.Context, id int64) ([]CardFound, error) {
	cards, err := a.Store.Cards(ctx, id)
	slices.SortStableFunc(cards, func(x, y CardFound) int {
		switch {
		case x.Own == y.Own:
			return 0
		case x.Own:
			return -1
		}
		return 1
	})
	return cards, err
}

// TakeCard says "this is me": the facts on the card that she has not noted yet
// become hers.
func (a *Agent) TakeCard(ctx context.Context, card int64) error {
	cards, err := a.Store.Cards(ctx, card>>32)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(cards, func(c CardFound) bool { return c.ID == card })
	if i < 0 {
		return fault.Tell(fault.NotExist, "there is no such card", "cards are there until their import is kept or undone")
	}
	noted, err := a.Store.Facts(ctx)
	if err != nil {
		return err
	}
	var c Commit
	for _, f := range cards[i].Facts {
		has := func(n Fact) bool { return n.Name == f.Name }
		if !slices.ContainsFunc(noted, has) && !slices.ContainsFunc(c.Facts, has) && checkFact(f.Name, f.Value) == nil && !f.Value.IsZero() {
			c.Facts = append(c.Facts, Fact{f.Name, f.Value, a.Now()})
		}
	}
	return a.Store.Commit(ctx, c)
}
