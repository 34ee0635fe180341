package terms

import (
	"slices"
	"strings"

	"firsthand"
)

// A Ref names one agreement: code, version, hash of its text, address.
type Ref = firsthand.TermsRef

// A Clause is the identifier of one permission, prohibition or duty. Identifiers
// are opaque: some that the roster needs are defined in no vocabulary.
type Clause string

// Clauses that programs ask for by name. The others are only compared.
const (
	Delivery    Clause = "7012:ServiceDeliveryRequired"              // duty
	Portability Clause = "7012:PortabilityRequired"                  // duty
	Analytics   Clause = "7012:Analytics2PAllowed"                   // permission, as are the next
	Tracking    Clause = "7012:Tracking2PAllowed"                    //
	Profiling   Clause = "7012:Profiling2PAllowed"                   //
	Sharing     Clause = "7012:SharingDataAnonymised3PAllowed"       // fully anonymised only
	NoAnalytics Clause = "7012:AnalyticsDisallowed"                  // prohibition, as are the next
	NoTracking  Clause = "7012:TrackingDisallowed"                   //
	NoProfiling Clause = "7012:ProfilingDisallowed"                  //
	NoSharing   Clause = "7012:SharingDataDisallowed"                //
	NoSale      Clause = "7012:SharingDataNonAnonymised3PDisallowed" // of anything not anonymised
)

// An Agreement is one text of a roster and what it says. It can't be changed.
// The zero Agreement permits nothing and compares with nothing but itself.
type Agreement struct {
	ref                               Ref
	aliases                           []string
	family                            string
	permissions, prohibitions, duties []Clause // sorted
	vocabulary                        map[Clause]meaning
}

// Ref names a in signed entries: by its code, never an alias.
func (a Agreement) Ref() Ref { return a.ref }

// Pinned reports whether the hash of a's text is known. Where it isn't, a can be
// shown and set as a limit, but not offered or accepted.
func (a Agreement) Pinned() bool { return !a.ref.Hash.IsZero() }

// Aliases returns the other names by which a is known.
func (a Agreement) Aliases() []string { return slices.Clone(a.aliases) }

// Clauses returns a's clauses, each list sorted.
func (a Agreement) Clauses() (permissions, prohibitions, duties []Clause) {
	return slices.Clone(a.permissions), slices.Clone(a.prohibitions), slices.Clone(a.duties)
}

// Has reports whether c is one of a's clauses.
func (a Agreement) Has(c Clause) bool {
	for _, set := range [][]Clause{a.permissions, a.prohibitions, a.duties} {
		if _, ok := slices.BinarySearch(set, c); ok {
			return true
		}
	}
	return false
}

// AtMost reports whether x is at most as permissive as y, that is, at least as
// good for the customer: it permits nothing that y doesn't, and prohibits and
// demands all that y does. It is a partial order: of two agreements, neither may
// be at most the other.
//
// Only agreements of one family compare. A contribution (PDC) permits a purpose
// that no service agreement (SD) does, and its clauses aren't known; so it is at
// most itself, and takes an explicit choice of that very code.
func AtMost(x, y Agreement) bool {
	if x.ref == y.ref {
		return true
	}
	return x.family != "" && x.family == y.family &&
		within(x.permissions, y.permissions) &&
		within(y.prohibitions, x.prohibitions) &&
		within(y.duties, x.duties)
}

// within reports whether each of few is in many, which is sorted.
func within(few, many []Clause) bool {
	for _, c := range few {
		if _, ok := slices.BinarySearch(many, c); !ok {
			return false
		}
	}
	return true
}

// A Decision says whether an agreement covers a purpose, and which clause
// decided. No clause means that the agreement doesn't speak of the purpose, and
// so doesn't cover it.
type Decision struct {
	Covered bool
	Clause  Clause
}

// Covers decides whether a permits facts to be used for purpose, a name of the
// Data Privacy Vocabulary: "dpv:DeliveryOfGoods", its full address, or the bare
// "DeliveryOfGoods". A prohibition wins over a permission; an unknown purpose is
// not covered. Where the law demands a use, that is a basis of its own.
func (a Agreement) Covers(purpose string) Decision {
	names := spellings(purpose)
	for _, c := range a.prohibitions {
		if a.vocabulary[c].names(names) {
			return Decision{false, c}
		}
	}
	for _, set := range [][]Clause{a.permissions, a.duties} {
		for _, c := range set {
			if a.vocabulary[c].names(names) {
				return Decision{true, c}
			}
		}
	}
	return Decision{}
}

// SamePurpose reports whether two names are of the same purpose, as Covers reads
// them.
func SamePurpose(a, b string) bool {
	return slices.ContainsFunc(spellings(a), func(name string) bool { return slices.Contains(spellings(b), name) })
}

// prefixes abbreviate the addresses of vocabularies, in the order in which a
// bare name is looked for.
var prefixes = [...]struct{ short, long string }{
	{"dpv:", "https://w3id.org/dpv#"},
	{"7012:", "https://w3id.org/dpv/standards/ieee/7012#"},
}

// spellings returns how the roster may write purpose.
func spellings(purpose string) []string {
	var bare []string
	for _, p := range prefixes {
		if name, ok := strings.CutPrefix(purpose, p.long); ok {
			return []string{p.short + name}
		}
		bare = append(bare, p.short+purpose)
	}
	if strings.Contains(purpose, ":") {
		return []string{purpose}
	}
	return bare
}
