package directory

import (
	"cmp"
	"slices"
	"strings"
)

// A Sourced is a statement with where it is from.
type Sourced[T any] struct {
	Value   T
	Set     string // one of the constants
	Key     string // of the record in that set
	Host    string // of which it is said: the one asked for, or a parent
	Date    string // of the set, YYYY-MM-DD, or ""
	Quality string // as the set rates its record, or ""
}

// A Company is what all sets say of the company at one host. Where a list has more
// than one element, the sets, or several records of one, disagree or complete one
// another; all are kept, those that fit the host best first.
type Company struct {
	Domain string // under which it is known: Registrable
	Name   string // as people say it; Domain if nobody says

	// Legal are the entities that may answer for what the company at this host
	// holds. Each is whole: nothing of one is ever put into another. Several are
	// of several countries, or share the host and have nothing to do with one
	// another: see LegalIn.
	Legal    []Sourced[Legal]
	Account  []Sourced[string] // links to the settings of an account
	Deletion []Sourced[Deletion]
	Shares   []Sourced[Shares]
}

// IsZero reports whether nothing is known.
func (c Company) IsZero() bool {
	return len(c.Legal)+len(c.Account)+len(c.Deletion)+len(c.Shares) == 0
}

// Join puts together what records say of host. It takes records of all [Hosts] of
// host, in any order and any number, and heeds those that are about one of them: of each set, the
// ones at the host nearest to it. So help.shop.example may have a page for deletion
// of its own, and the legal entity of shop.example.
func Join(host string, records []Record) Company {
	c := Company{Domain: Registrable(host)}
	keys := Hosts(host)
	near := map[string]int{} // by set: which of keys
	at := make([]int, len(records))
	for i, r := range records {
		at[i] = slices.IndexFunc(keys, func(k string) bool { return slices.Contains(r.Hosts, k) })
		if n, ok := near[r.Set]; at[i] >= 0 && (!ok || at[i] < n) {
			near[r.Set] = at[i]
		}
	}
	type match struct {
		*Record
		host string // of which it is said
		rank int
	}
	var found []match
	for i := range records {
		if r := &records[i]; at[i] >= 0 && at[i] == near[r.Set] {
			found = append(found, match{r, keys[at[i]], rank(r, keys[at[i]], c.Domain)})
		}
	}
	slices.SortFunc(found, func(a, b match) int {
		return cmp.Or(a.rank-b.rank, len(a.Hosts)-len(b.Hosts), strings.Compare(a.Set, b.Set), strings.Compare(a.Key, b.Key))
	})
	// A store that keeps a record under each of its hosts finds it several times.
	found = slices.CompactFunc(found, func(a, b match) bool { return a.Set == b.Set && a.Key == b.Key })
	for _, r := range found {
		if c.Name == "" {
			c.Name = r.Name
		}
		if r.Legal != nil {
			c.Legal = append(c.Legal, sourced(*r.Legal, r.Record, r.host))
		}
		if r.Account != "" {
			c.Account = append(c.Account, sourced(r.Account, r.Record, r.host))
		}
		if r.Deletion != nil {
			c.Deletion = append(c.Deletion, sourced(*r.Deletion, r.Record, r.host))
		}
		if r.Shares != nil {
			c.Shares = append(c.Shares, sourced(*r.Shares, r.Record, r.host))
		}
	}
	if c.Name == "" && len(c.Legal) > 0 {
		c.Name = c.Legal[0].Value.Name
		for _, l := range c.Legal {
			if fold(l.Value.Name) != fold(c.Name) {
				c.Name = ""
				break
			}
		}
	}
	c.Name = cmp.Or(c.Name, c.Domain)
	return c
}

func sourced[T any](v T, r *Record, host string) Sourced[T] {
	s := Sourced[T]{Value: v, Set: r.Set, Key: r.Key, Host: host, Date: r.Date}
	if r.Legal != nil {
		s.Quality = r.Legal.Quality
	}
	return s
}

// rank says how well r fits host, the smaller the better: it is r's own, not one of
// a brand; and r has the name of the domain, as Nintendo and not "Nintendo Network
// ID" at nintendo.com.
func rank(r *Record, host, domain string) int {
	n := 0
	if r.Legal != nil && r.Legal.host() != host {
		n += 2
	}
	if label, _, _ := strings.Cut(domain, "."); fold(r.Name) != label {
		n++
	}
	return n
}

// fold makes names equal that people would say are the same: letters and digits
// count, their case doesn't.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || '9' < r && r < 'A' || 'Z' < r && r < 'a' || 'z' < r && r < 0xa1 {
			return -1
		}
		return r
	}, strings.ToLower(s))
}

// LegalIn returns the entity that answers in a country (ISO 3166, in lower case, or
// "" if she hasn't said), and false if that isn't certain: then she has to choose
// from Legal. Entities to which the host belongs go before those that only run a
// brand there, those of the country before those of all countries. The only one
// answers everywhere.
func (c Company) LegalIn(country string) (Sourced[Legal], bool) {
	own := filter(c.Legal, func(l Sourced[Legal]) bool { return l.Value.host() == l.Host })
	if len(own) == 0 {
		own = c.Legal
	}
	serving := func(country string) []Sourced[Legal] {
		return filter(own, func(l Sourced[Legal]) bool { return slices.Contains(l.Value.Countries, country) })
	}
	fits := own
	if len(fits) > 1 {
		fits = serving(country)
	}
	if len(fits) == 0 {
		fits = serving("all")
	}
	if len(fits) != 1 {
		return Sourced[Legal]{}, false
	}
	return fits[0], true
}

func filter[T any](list []T, keep func(T) bool) (out []T) {
	for _, v := range list {
		if keep(v) {
			out = append(out, v)
		}
	}
	return out
}
