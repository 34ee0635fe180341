package agent

import (
	"context"
	"io"
	"time"

	"firsthand"
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
	Rows      int // read, bad ones too
	Bad       int
	Companies int
	New       int // of them, not known before
	Merged    int // hosts that were put together with another under one company
	Unsure    int // accounts of which the company isn't certain: see Unsure
	Persons   int // in an address book: not kept, but as contact of a company

	Passwords, OneTimeCodes, Keys, Notes, Cards int // seen, none kept
}

// A BadRow is a row that could not be read: its line, and why in our words.
type BadRow struct {
	Row int
	Why string
}

// A PreviewRow is one company as an import has it.
type PreviewRow struct {
	Domain   string
	Name     string // as the file has it; "" if it only has addresses
	Accounts int
	Hosts    []string // that were put together, sorted; at most maxHosts
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
)

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
// file of which no format is known is [fault.Invalid]. If Bring fails nothing is
// left of it.
func (a *Agent) Bring(ctx context.Context, file string, r io.Reader, progress func(ImportCounts)) (Import, error) {
	panic("TODO")
}

// Imports returns the imports that are previewed or kept, newest first.
func (a *Agent) Imports(ctx context.Context) ([]Import, error) { panic("TODO") }

// Brought returns one import. [fault.NotExist] if there is none of that number.
func (a *Agent) Brought(ctx context.Context, id int64) (Import, error) { panic("TODO") }

// PreviewCompanies returns a page of the companies of an import, by domain, and how
// many there are.
func (a *Agent) PreviewCompanies(ctx context.Context, id int64, offset, limit int) ([]PreviewRow, int, error) {
	panic("TODO")
}

// Unsure returns a page of the accounts of an import of which the company isn't
// certain, in the order of the file, and how many there are.
func (a *Agent) Unsure(ctx context.Context, id int64, offset, limit int) ([]Account, int, error) {
	panic("TODO")
}

// Assign says of which company an account is. With "" it is uncertain again.
func (a *Agent) Assign(ctx context.Context, account int64, domain string) error { panic("TODO") }

// Keep makes a preview count, in one step: its companies are listed, guessed until
// she confirms, and e-mail logins are guessed statements of what they hold. Where
// an older import has the same login at the same host, the newer one counts. Cards
// of persons are forgotten. Kept already is no error.
func (a *Agent) Keep(ctx context.Context, id int64) error { panic("TODO") }

// Undo removes an import, previewed or kept, with everything that only it says, in
// one step. What she confirmed, grouped, stated or acted on stays.
func (a *Agent) Undo(ctx context.Context, id int64) error { panic("TODO") }

// Cards returns the cards of persons in a previewed address book, one of which may
// be hers: first the one of which the file says so.
func (a *Agent) Cards(ctx context.Context, id int64) ([]CardFound, error) { panic("TODO") }

// TakeCard says "this is me": the facts on the card that she has not noted yet
// become hers.
func (a *Agent) TakeCard(ctx context.Context, card int64) error { panic("TODO") }

var _ = firsthand.Text
