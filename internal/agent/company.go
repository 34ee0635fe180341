package agent

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/channel"
	"firsthand/internal/agent/directory"
)

// A Company is what she keeps of one company, whether there is a relationship or
// only a guess. Lists show it as it is; all but what is hers is a cache, see
// [CompanyParts].
type Company struct {
	Domain  string       // the key, see [CompanyKey]
	Name    string       // hers; else its document's; else the directory's; else the import's; else Domain
	Guessed bool         // only an import says so
	Groups  []string     // hers: "shops"; sorted
	Channel string       // her choice; "" = the best
	Gateway bool         // it has been seen to have one
	Rel     firsthand.ID // in use (the last not closed, else the last), zero if none

	Paired, Bound, Closed bool   // of Rel
	Step                  string // pseudonym, reachable, known; "" without relationship
	Agreement             string
	Held                  int // facts held: told or stated in logs, and her statements, guessed ones too
	Accounts              int // logins, aliases and contacts that imports found
	Asks, Waiting         int // of Rel: asks not answered, duties of the company not done
	Due                   firsthand.Date
	Since, Used           time.Time // first and last sign of it: account created or used, relationship opened, entry. To the second
}

// How lists of companies are sorted. Where two are equal, names decide.
const (
	ByName = "name"
	ByHeld = "held" // facts held
	ByUsed = "used" // last sign of it
	ByStep = "step" // of the ladder; without a relationship first
	ByDue  = "due"  // what it owes; nothing due last
)

// Which companies a list shows; "" is all.
const (
	ShowGuessed    = "guessed"
	ShowConfirmed  = "confirmed"
	ShowGateway    = "gateway"    // those that have one
	ShowSilent     = "silent"     // no sign of it for three years
	ShowDuplicates = "duplicates" // two accounts or more
	ShowAgreed     = "agreed"     // an agreement is in force, in a relationship that isn't closed
	ShowLate       = "late"       // something that it owes was due before today
)

// A CompanyQuery chooses companies. The zero value is all, by name.
type CompanyQuery struct {
	Search string // in name and domain, whatever the case
	Group  string
	Holds  string // a fact, as logs and statements say
	Value  string // with Holds: this value, as its String, whatever the case
	Show   string
	Sort   string // "" is ByName
	// Desc turns the order round. Names still rise among equals in the order that
	// people want: held, used and step falling, the others rising.
	Desc          bool
	Offset, Limit int // Limit 0 is no limit
	// What the Agent fills in:
	Silent time.Time      // for ShowSilent: the last sign is before
	Today  firsthand.Date // for ShowLate
}

// A CompanyDetail is one company as a page shows it.
type CompanyDetail struct {
	Company
	Accounts      []Account      // that kept imports found, in their order
	Statements    []Statement    // hers and guessed ones, by fact
	Relationships []Relationship // all, oldest first
	Holders       []Holder       // what their logs say that it holds
	Listed        directory.Company
}

// A GroupCount is one of her groups.
type GroupCount struct {
	Name      string
	Companies int
}

// CompanyKey returns the key of the company at a host: the registrable domain, so
// that shop.acme.example and acme.example are one; for an address or this machine,
// host and port.
func CompanyKey(host string) string { return directory.Registrable(host) }

// Companies returns a page of companies, and how many there are in all.
func (a *Agent) Companies(ctx context.Context, q CompanyQuery) (rows []Company, total int, err error) {
	now := a.Now()
	q.Silent, q.Today = now.AddDate(-silentYears, 0, 0), firsthand.DateOf(now)
	return a.Store.Companies(ctx, q)
}

// silentYears is after how many years without any sign a company is silent.
const silentYears = 3

// Company returns everything of the company at a domain. Where she keeps nothing of
// it the error is [fault.NotExist], and Listed may still say something.
func (a *Agent) Company(ctx context.Context, domain string) (d CompanyDetail, err error) {
	host, err := hostOf(domain)
	if err != nil {
		return d, err
	}
	key := CompanyKey(host)
	if d.Listed, err = a.Listed(ctx, host); err != nil {
		return d, err
	}
	rows, err := a.Store.CompaniesAt(ctx, key)
	if err != nil {
		return d, err
	}
	if len(rows) == 0 {
		d.Domain, d.Name = key, d.Listed.Name
		return d, fault.Tell(fault.NotExist, "you keep nothing of "+key, "add it: firsthand company add "+key)
	}
	d.Company = rows[0]
	if d.Accounts, err = a.Store.CompanyAccounts(ctx, key); err != nil {
		return d, err
	}
	if d.Statements, err = collect(a.Store.Statements(ctx, "", key)); err != nil {
		return d, err
	}
	if d.Relationships, err = a.Store.CompanyRelationships(ctx, key); err != nil {
		return d, err
	}
	for _, r := range d.Relationships {
		a.schedule.look(a.Now(), r.ID)
	}
	d.Holders, err = a.Store.CompanyHolders(ctx, key)
	return d, err
}

func collect[T any](seq iter.Seq2[T, error]) (all []T, err error) {
	for v, err := range seq {
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// hostOf returns the host that she means by the address of a company.
func hostOf(domain string) (string, error) {
	site := directory.ParseSite(domain)
	if site.Host == "" || firsthand.CheckDomain(CompanyKey(site.Host)) != nil {
		return "", fault.Tell(fault.Invalid, fmt.Sprintf("%.60q is no domain of a company", domain), "name the company by its domain, as in acme.example")
	}
	return site.Host, nil
}

// keysOf returns the keys of the companies that she means, each once.
func keysOf(domains []string) ([]string, error) {
	keys := make([]string, len(domains))
	for i, d := range domains {
		host, err := hostOf(d)
		if err != nil {
			return nil, err
		}
		keys[i] = CompanyKey(host)
	}
	slices.Sort(keys)
	return slices.Compact(keys), nil
}

// edit makes the same edit of each of the companies.
func (a *Agent) edit(ctx context.Context, edit CompanyEdit, domains ...string) error {
	keys, err := keysOf(domains)
	if err != nil || len(keys) == 0 {
		return err
	}
	c := Commit{Edits: make([]CompanyEdit, len(keys))}
	for i, key := range keys {
		c.Edits[i] = edit
		c.Edits[i].Domain = key
	}
	return a.Store.Commit(ctx, c)
}

// AddCompany notes a company by hand; it is confirmed. A name of hers goes before
// what others call it; "" leaves the name as it is.
func (a *Agent) AddCompany(ctx context.Context, domain, name string) error {
	yes := true
	e := CompanyEdit{Confirmed: &yes}
	if name != "" {
		if err := checkWord("name", name); err != nil {
			return err
		}
		e.Name = &name
	}
	return a.edit(ctx, e, domain)
}

// Confirm says that companies are hers: what an import guessed of them stays when
// the import is undone. One that she keeps nothing of is added.
func (a *Agent) Confirm(ctx context.Context, domains ...string) error {
	yes := true
	return a.edit(ctx, CompanyEdit{Confirmed: &yes}, domains...)
}

// DropCompany forgets companies with their accounts, statements and groups. It
// refuses with [fault.Conflict], and does nothing, where there is a relationship.
func (a *Agent) DropCompany(ctx context.Context, domains ...string) error {
	keys, err := keysOf(domains)
	if err != nil || len(keys) == 0 {
		return err
	}
	err = a.Store.Commit(ctx, Commit{Drop: keys})
	if fault.KindOf(err) == fault.Conflict {
		return fault.Tell(fault.Conflict, "there is a relationship with one of these companies, whose record stays", "end it: firsthand leave COMPANY")
	}
	return err
}

// Group puts companies into a group, or takes them out. A group is there while
// something is in it.
func (a *Agent) Group(ctx context.Context, group string, in bool, domains ...string) error {
	if err := checkWord("group", group); err != nil {
		return err
	}
	return a.edit(ctx, CompanyEdit{Groups: map[string]bool{group: in}}, domains...)
}

// SetChannel says by which channel her entries reach a company; "" is the best. It
// is remembered, and used wherever that channel can.
func (a *Agent) SetChannel(ctx context.Context, domain, name string) error {
	if name != "" && !slices.ContainsFunc(a.Channels, func(ch channel.Channel) bool { return ch.Name() == name }) {
		var names []string
		for _, ch := range a.Channels {
			names = append(names, ch.Name())
		}
		return fault.Tell(fault.Invalid, fmt.Sprintf("%.60q is no channel", name), "one of "+strings.Join(names, ", ")+"; or none, for the best")
	}
	return a.edit(ctx, CompanyEdit{Channel: &name}, domain)
}

// checkWord refuses what is no name of a thing: lists and files show it.
func checkWord(what, word string) error {
	if word == "" || word != strings.TrimSpace(word) || len(word) > 100 || !utf8.ValidString(word) || strings.ContainsFunc(word, unicode.IsControl) {
		return fault.Tell(fault.Invalid, fmt.Sprintf("%.60q is no %s", word, what), "one line of at most a hundred bytes")
	}
	return nil
}

// Groups returns her groups by name.
func (a *Agent) Groups(ctx context.Context) ([]GroupCount, error) { return a.Store.Groups(ctx) }

// Select returns the domains of all companies that q chooses, in its order,
// whatever its Offset and Limit: for acts on "all that match".
func (a *Agent) Select(ctx context.Context, q CompanyQuery) (domains []string, err error) {
	q.Offset, q.Limit = 0, 0
	rows, _, err := a.Companies(ctx, q)
	for _, c := range rows {
		domains = append(domains, c.Domain)
	}
	return domains, err
}
