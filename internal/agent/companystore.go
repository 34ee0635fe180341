package agent

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/directory"
)

// A CompanyStore lists what she keeps of companies. Its rows are caches: what a
// company's row says is always what [CompanyParts] makes of the rest.
type CompanyStore interface {
	// Companies returns a page, and how many there are in all.
	Companies(ctx context.Context, q CompanyQuery) (rows []Company, total int, err error)

	// CompaniesAt returns the rows of those of the domains that have one, by domain.
	CompaniesAt(ctx context.Context, domains ...string) ([]Company, error)

	// CompanyRelationships returns those with the company of a key, oldest first.
	CompanyRelationships(ctx context.Context, domain string) ([]Relationship, error)

	// CompanyHolders returns the cached holdings of all relationships with the
	// company of a key, as Holders does.
	CompanyHolders(ctx context.Context, domain string) ([]Holder, error)

	// Owned returns what is hers of companies, by domain: only those of which
	// anything is.
	Owned(ctx context.Context) iter.Seq2[OwnCompany, error]
	// Own returns what is hers of some companies, by domain: all zero but Domain where
	// nothing is.
	Own(ctx context.Context, domains ...string) (map[string]OwnCompany, error)

	Groups(ctx context.Context) ([]GroupCount, error) // by name

	// RebuildCompanies makes all caches of companies and statements anew, and
	// returns the domains at which they differed.
	RebuildCompanies(ctx context.Context) (differed []string, err error)
}

// An OwnCompany is what is hers of a company.
type OwnCompany struct {
	Domain    string
	Name      string
	Confirmed bool
	Channel   string
	Address   string   // postal, in lines; "" for the one that a directory lists
	Lang      string   // in which she writes to it; "" for that of its country
	Gateway   bool     // it was seen to have one
	Groups    []string // sorted
}

// A CompanyEdit changes what is hers of a company. What is nil stays as it is. A
// company of which nothing is known is added, if there is anything to keep.
type CompanyEdit struct {
	Domain             string
	Name, Channel      *string
	Address, Lang      *string
	Confirmed, Gateway *bool
	Groups             map[string]bool // in, or out
}

// A FactAt is a fact at a company.
type FactAt struct {
	Domain, Fact string
	Origin       firsthand.Origin // "": what it was told, as she states or a document says
}

// An Assignment says of which company an account is; "" is uncertain.
type Assignment struct {
	Account int64
	Domain  string
}

// An ImportStore keeps what imports found. Of one that isn't kept nothing counts.
type ImportStore interface {
	// AddImport begins an import in the state Reading and returns its number: it
	// is higher than those before, and never given again. Of i, Format, File and
	// At are heeded.
	AddImport(ctx context.Context, i Import) (id int64, err error)

	// AddFound adds to an import that is being read, in the order of the file, in
	// one transaction: one for each batch, so that a file of any size is no burden.
	// IDs are given by the store: they rise, those of cards after those of accounts,
	// and are never given again. [fault.NotExist] unless it is being read.
	AddFound(ctx context.Context, id int64, accounts []Account, cards []CardFound) error

	// FinishImport makes a preview of an import that is being read. Counts, Bad
	// and Digest are those of i; Companies, New, Merged and Unsure are counted by
	// the store, and returned with the rest. [fault.NotExist] unless it is being
	// read.
	FinishImport(ctx context.Context, i Import) (Import, error)

	Imports(ctx context.Context) ([]Import, error) // in all states, newest first

	// CompanyAccounts returns what kept imports found at a company, in the order
	// of IDs. Of the same account in several imports, or rows, the last counts.
	CompanyAccounts(ctx context.Context, domain string) ([]Account, error)

	// Accounts returns accounts of an import with higher IDs than after, in their
	// order, at most limit.
	Accounts(ctx context.Context, id, after int64, limit int) ([]Account, error)

	// Unsure returns a page of the accounts of an import that have no Domain, in
	// the order of IDs, and how many there are.
	Unsure(ctx context.Context, id int64, offset, limit int) ([]Account, int, error)

	// PreviewCompanies returns a page of the companies of an import, by domain,
	// and how many there are.
	PreviewCompanies(ctx context.Context, id int64, offset, limit int) ([]PreviewRow, int, error)

	Cards(ctx context.Context, id int64) ([]CardFound, error) // in the order of IDs
}

// A StatementStore keeps what companies hold from before.
type StatementStore interface {
	// Statements returns those of a fact, "" for all, at a company, "" for all, by
	// fact, domain and value, as they are at one moment.
	Statements(ctx context.Context, fact, domain string) iter.Seq2[Statement, error]

	// HeldPage returns a part of what [JoinHeld] makes of the holders and the
	// statements of a fact, without reading the rest, and how many rows that has.
	HeldPage(ctx context.Context, fact string, offset, limit int) ([]Held, int, error)

	// Suggestions returns the values that are guessed, those at most companies
	// first, then by fact and value; at most limit.
	Suggestions(ctx context.Context, limit int) ([]Suggestion, error)

	// Insight counts; silent is the time before which the last sign of a silent
	// company was.
	Insight(ctx context.Context, silent time.Time) (Insight, error)
}

// A ListingStore keeps data sets of what is publicly known.
type ListingStore interface {
	Listings(ctx context.Context) ([]Listing, error) // by name

	// Records returns what is listed under any of the hosts, each once, by set and
	// key.
	Records(ctx context.Context, hosts ...string) ([]directory.Record, error)

	// AllRecords returns everything that is listed, in any order. The caller may
	// commit while reading.
	AllRecords(ctx context.Context) iter.Seq2[directory.Record, error]
}

// A ListingSet is a data set with all that it says.
type ListingSet struct {
	Listing
	All []directory.Record
}

// Check refuses a query that asks for what there isn't.
func (q *CompanyQuery) Check() error {
	if !slices.Contains([]string{"", ByName, ByHeld, ByUsed, ByStep, ByDue}, q.Sort) {
		return fault.Tell(fault.Invalid, "companies are not sorted by "+q.Sort, "by "+strings.Join([]string{ByName, ByHeld, ByUsed, ByStep, ByDue}, ", "))
	}
	shows := []string{"", ShowGuessed, ShowConfirmed, ShowGateway, ShowSilent, ShowDuplicates, ShowAgreed, ShowLate}
	if !slices.Contains(shows, q.Show) {
		return fault.Tell(fault.Invalid, "there is no choice "+q.Show,
			"one of "+strings.Join(shows[1:], ", "))
	}
	return nil
}

// MaxHosts is how many hosts a PreviewRow names.
const MaxHosts = 20
