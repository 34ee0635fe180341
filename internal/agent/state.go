package agent

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"time"

	"firsthand"
)

// A Statement says that a company has a fact of hers: she says so, from before or out
// of a document of its, or an import lets guess. There is at most one of hers for a
// company, fact and origin, and no guess where one says that she told the fact.
type Statement struct {
	Domain  string // the company's key
	Fact    string
	Value   firsthand.Value // zero: she doesn't say which
	Since   firsthand.Date  // "" if not known
	Guessed bool            // by the login at an account
	Import  int64           // the last that says so; 0 for hers
	Kind    string          // of the account that is known by it; "" for hers

	Origin   firsthand.Origin // "" is [firsthand.Stated]; only what was told or stated counts as told by her
	Document firsthand.ID     // the hash of the one that says so; zero for none
}

// State says what companies hold from before, many at once. Each takes the place of
// what was stated or guessed of that company and fact. A company that isn't among
// hers is added.
func (a *Agent) State(ctx context.Context, statements ...Statement) error {
	c := Commit{State: slices.Clone(statements)}
	for i := range c.State {
		s := &c.State[i]
		host, err := hostOf(s.Domain)
		if err != nil {
			return err
		}
		s.Domain = CompanyKey(host)
		if err := checkFact(s.Fact, s.Value); err != nil {
			return err
		}
		if _, err := firsthand.ParseDate(string(s.Since)); err != nil {
			return err
		}
	}
	if len(c.State) == 0 {
		return nil
	}
	return a.Store.Commit(ctx, c)
}

// checkFact returns an error unless a fact of that name, and a value, if there is
// one, are fit for a disclosure.
func checkFact(name string, v firsthand.Value) error {
	if v.IsZero() {
		v = firsthand.Text("x")
	}
	_, err := firsthand.EncodeBody(&firsthand.Disclose{Fact: name, Value: v, Purpose: "x", Basis: firsthand.Basis{Right: "x"}})
	return err
}

// Unstate takes back what was stated of a fact at companies, and what is guessed:
// the login stays with its account, but is no guess any more.
func (a *Agent) Unstate(ctx context.Context, fact string, domains ...string) error {
	return a.UnstateOrigin(ctx, fact, "", domains...)
}

// UnstateOrigin takes back what is said of a fact by one origin; "" is Unstate.
func (a *Agent) UnstateOrigin(ctx context.Context, fact string, o firsthand.Origin, domains ...string) error {
	keys, err := keysOf(domains)
	if err != nil || len(keys) == 0 {
		return err
	}
	c := Commit{Unstate: make([]FactAt, len(keys))}
	for i, key := range keys {
		c.Unstate[i] = FactAt{key, fact, o}
	}
	return a.Store.Commit(ctx, c)
}

// A Suggestion is a value that imports show at companies: "173 companies know
// mia@old.example".
type Suggestion struct {
	Fact      string
	Value     firsthand.Value // folded: in lower case
	Companies int
	Kind      string // as of a Statement
	Import    int64  // the last that says so
	Current   bool   // it is what she has noted of herself
}

// Suggestions returns what imports show of her, most companies first, at most a
// hundred.
func (a *Agent) Suggestions(ctx context.Context) ([]Suggestion, error) {
	return a.Store.Suggestions(ctx, 100)
}

// A Held is one thing that a company holds of her: by a log, or from before as she
// states or an import lets guess.
type Held struct {
	Domain  string       // the company's key
	Name    string       // the company's; only of [Agent.HeldPage]
	Rel     firsthand.ID // whose log says so; zero for a statement
	Entry   firsthand.ID // that made the holding; zero for a statement
	Fact    string
	Value   firsthand.Value
	Origin  firsthand.Origin
	Since   time.Time
	Guessed bool
}

// Holds returns who holds a fact, or with "" who holds what: what logs say and what
// is stated or guessed from before, as one list by fact and company. Where a log
// says the same as a statement, the log does.
func (a *Agent) Holds(ctx context.Context, fact string) iter.Seq2[Held, error] {
	return func(yield func(Held, error) bool) {
		all, err := a.holds(ctx, fact)
		if err != nil {
			yield(Held{}, err)
			return
		}
		for _, h := range all {
			if !yield(h, nil) {
				return
			}
		}
	}
}

func (a *Agent) holds(ctx context.Context, fact string) ([]Held, error) {
	holders, err := collect(a.Store.Holders(ctx, fact))
	if err != nil {
		return nil, err
	}
	statements, err := collect(a.Store.Statements(ctx, fact, ""))
	return JoinHeld(holders, statements), err
}

// JoinHeld puts what logs say and what is stated or guessed into one list, as
// [Agent.Holds] has it, from both as a [Store] returns them.
func JoinHeld(holders []Holder, statements []Statement) (all []Held) {
	type said struct {
		domain, fact, fold string
		origin             firsthand.Origin
	}
	logs := make(map[said]bool)
	for _, h := range holders {
		held := Held{Domain: CompanyKey(h.Domain), Rel: h.Rel, Entry: h.Entry, Fact: h.Fact, Value: h.Value, Origin: h.Origin, Since: h.Since}
		all = append(all, held)
		logs[said{held.Domain, h.Fact, FoldValue(h.Value), asTold(h.Origin)}] = true
	}
	for _, s := range statements {
		if !logs[said{s.Domain, s.Fact, FoldValue(s.Value), asTold(s.Origin)}] {
			since, _ := time.Parse(time.DateOnly, string(s.Since)) // "" is the zero time
			all = append(all, Held{Domain: s.Domain, Fact: s.Fact, Value: s.Value, Origin: s.Origin, Since: since, Guessed: s.Guessed})
		}
	}
	slices.SortStableFunc(all, func(x, y Held) int {
		return cmp.Or(cmp.Compare(x.Fact, y.Fact), cmp.Compare(x.Domain, y.Domain))
	})
	return all
}

// IsTold reports whether a company has from her what it has by that origin: then it is
// told of changes. What it has observed, inferred or bought it isn't told better.
func IsTold(o firsthand.Origin) bool { return o == firsthand.Told || o == firsthand.Stated }

// asTold makes the two origins one by which it has from her what it has.
func asTold(o firsthand.Origin) firsthand.Origin {
	if IsTold(o) {
		return firsthand.Told
	}
	return o
}

// HeldPage returns a part of who holds a fact, as Holds has them, and how many there
// are.
func (a *Agent) HeldPage(ctx context.Context, fact string, offset, limit int) ([]Held, int, error) {
	all, total, err := a.Store.HeldPage(ctx, fact, offset, limit)
	if err != nil || len(all) == 0 {
		return all, total, err
	}
	keys := make([]string, len(all))
	for i := range all {
		keys[i] = all[i].Domain
	}
	companies, err := a.Store.CompaniesAt(ctx, slices.Compact(keys)...)
	names := make(map[string]string, len(companies))
	for _, c := range companies {
		names[c.Domain] = c.Name
	}
	for i := range all {
		all[i].Name = names[all[i].Domain]
	}
	return all, total, err
}
