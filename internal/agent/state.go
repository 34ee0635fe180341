package agent

import (
	"context"
	"iter"
	"time"

	"firsthand"
)

// A Statement says that a company has a fact of hers from before: she says so, or
// an import lets guess. There is at most one of hers for a company and fact, and
// then no guess.
type Statement struct {
	Domain  string // the company's key
	Fact    string
	Value   firsthand.Value // zero: she doesn't say which
	Since   firsthand.Date  // "" if not known
	Guessed bool            // by the login at an account
	Import  int64           // that says so; 0 for hers
}

// State says what companies hold from before, many at once. Each takes the place of
// what was stated or guessed of that company and fact. A company that isn't among
// hers is added.
func (a *Agent) State(ctx context.Context, statements ...Statement) error { panic("TODO") }

// Unstate takes back what was stated of a fact at companies, and what is guessed:
// the login stays with its account, but is no guess any more.
func (a *Agent) Unstate(ctx context.Context, fact string, domains ...string) error { panic("TODO") }

// A Suggestion is a value that imports show at companies: "173 companies know
// mia@old.example".
type Suggestion struct {
	Fact      string
	Value     firsthand.Value
	Companies int
	Kind      string // by which it is known there: LoginAccount or AliasAccount
	Import    int64  // the last that says so
	Current   bool   // it is what she has noted of herself
}

// Suggestions returns what imports show of her, most companies first, at most a
// hundred.
func (a *Agent) Suggestions(ctx context.Context) ([]Suggestion, error) { panic("TODO") }

// A Held is one thing that a company holds of her: by a log, or from before as she
// states or an import lets guess.
type Held struct {
	Domain  string       // the company's key
	Rel     firsthand.ID // whose log says so; zero for a statement
	Entry   firsthand.ID // that made the holding; zero for a statement
	Fact    string
	Value   firsthand.Value
	Origin  firsthand.Origin // [firsthand.Stated] for a statement
	Since   time.Time
	Guessed bool
}

// Holds returns who holds a fact, or with "" who holds what: what logs say and what
// is stated or guessed from before, as one list by fact and company. Where a log
// says the same as a statement, the log does.
func (a *Agent) Holds(ctx context.Context, fact string) iter.Seq2[Held, error] { panic("TODO") }
