package directory

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// Siblings are groups of hosts that are one company. It may be used by several
// goroutines at once, and doesn't change.
type Siblings struct {
	groups [][]string
	of     map[string]int // which of groups
}

// NewSiblings finds the groups on evidence of three kinds: a set says that hosts
// share accounts; or that some are the old names of others; or they belong to
// legal entities of the same name and address, or to one, and no other entity lays
// claim to them. That accounts of one host work at another is no evidence: they
// are of two companies as often as not. Nor is it that two are on one host.
func NewSiblings(records iter.Seq[Record]) *Siblings {
	u := union{}
	claims := map[string]string{} // host to the entity that has it; "" if several say so
	known := map[string]int{}     // in how many records a host is
	obsolete := map[string]bool{}
	type claim struct{ entity, host string }
	var list []claim
	for r := range records {
		for _, h := range r.Hosts {
			known[h]++
		}
		if s := r.Shares; s != nil && (s.Obsolete || len(s.Hosts) > 0) {
			u.joinAll(s.Hosts)
			u.joinAll(slices.Concat(s.From, s.To))
			for _, h := range s.From {
				obsolete[h] = true
			}
		}
		if r.Legal == nil {
			continue
		}
		// A name in the lead, and a key of which no host is made.
		entity := "entity " + fold(r.Legal.Name) + " " + fold(r.Legal.Address)
		if fold(r.Legal.Address) == "" {
			entity = "record " + r.Set + " " + r.Key
		}
		for _, h := range r.Hosts {
			if other, ok := claims[h]; ok && other != entity {
				claims[h] = ""
				continue
			}
			claims[h] = entity
			list = append(list, claim{entity, h})
		}
	}
	for _, c := range list {
		if claims[c.host] == c.entity {
			u.join(c.entity, c.host)
		}
	}

	s := &Siblings{of: map[string]int{}}
	byRoot := map[string][]string{}
	for h := range u {
		if !strings.Contains(h, " ") { // no entity
			byRoot[u.root(h)] = append(byRoot[u.root(h)], h)
		}
	}
	for _, group := range byRoot {
		if len(group) < 2 {
			continue
		}
		slices.SortFunc(group, func(a, b string) int {
			return cmp.Or(no(a == Registrable(a))-no(b == Registrable(b)), no(!obsolete[a])-no(!obsolete[b]),
				known[b]-known[a], len(a)-len(b), strings.Compare(a, b))
		})
		s.groups = append(s.groups, group)
	}
	slices.SortFunc(s.groups, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	for i, group := range s.groups {
		for _, h := range group {
			s.of[h] = i
		}
	}
	return s
}

// Of returns the hosts that are one company with host: the one under which it is
// best known, and not an old name, first. It is nil if host stands for itself. The
// caller must not change it.
func (s *Siblings) Of(host string) []string {
	for _, h := range Hosts(host) {
		if i, ok := s.of[h]; ok {
			return s.groups[i]
		}
	}
	return nil
}

// Domain returns the one domain under which to keep all that is about the company
// of host: the registrable domain of its first sibling, or else its own. It is its
// own Domain.
func (s *Siblings) Domain(host string) string {
	// The second round is for groups that have no registrable domain: what stands
	// for theirs may be in a group that does.
	for range 2 {
		if group := s.Of(host); group != nil {
			host = group[0]
		}
		host = Registrable(host)
	}
	return host
}

// All yields the groups in the order of their first hosts.
func (s *Siblings) All() iter.Seq[[]string] { return slices.Values(s.groups) }

func no(b bool) int {
	if b {
		return 0
	}
	return 1
}

// A union holds disjoint sets of names: each leads to another one of its set, and
// the root to itself.
type union map[string]string

func (u union) root(a string) string {
	if _, ok := u[a]; !ok {
		u[a] = a
	}
	for u[a] != a {
		u[a] = u[u[a]] // the way gets shorter as it is gone
		a = u[a]
	}
	return a
}

func (u union) join(a, b string) { u[u.root(a)] = u.root(b) }

func (u union) joinAll(names []string) {
	for _, n := range names {
		u.join(names[0], n)
	}
}
