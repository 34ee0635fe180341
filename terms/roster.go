package terms

import (
	_ "embed"
	"slices"
	"sync"

	"firsthand"
	"firsthand/fault"
)

//go:embed roster.json
var rosterJSON []byte

var carried = sync.OnceValue(func() *Roster {
	r, err := Parse(rosterJSON)
	if err != nil {
		panic(err) // a test would have found it
	}
	return r
})

// Default returns the roster that this program carries.
func Default() *Roster { return carried() }

// A Roster is a list of agreements. It can't be changed and is safe for
// concurrent use. A revised agreement stands beside the one that it replaces,
// since agreements in force keep their text.
type Roster struct {
	all    []Agreement      // in the order of the file: of one code, the newest last
	byName map[string][]int // code or alias → places in all
}

// All returns all agreements, in the order of the roster.
func (r *Roster) All() []Agreement { return slices.Clone(r.all) }

// Lookup returns the newest agreement with that code or alias, and whether there
// is one.
func (r *Roster) Lookup(name string) (Agreement, bool) {
	places := r.byName[name]
	if len(places) == 0 {
		return Agreement{}, false
	}
	return r.all[places[len(places)-1]], true
}

// Resolve returns the agreement that ref names, provided that it is pinned and
// ref says of it what the roster says. Anything else is [fault.Invalid], with the
// first rule of these that ref breaks: terms-code (not in the roster),
// terms-version, terms-hash (differs, or the roster doesn't know it), terms-url.
func (r *Roster) Resolve(ref Ref) (Agreement, error) {
	places := r.byName[ref.Code]
	if len(places) == 0 {
		return Agreement{}, fault.Refuse(fault.Invalid, "terms-code", "%q is not in the roster", ref.Code)
	}
	for _, i := range places {
		a := r.all[i]
		switch {
		case !a.Pinned():
			continue
		case a.ref.Version != ref.Version:
			continue
		case a.ref.Hash != ref.Hash:
			return Agreement{}, fault.Refuse(fault.Invalid, "terms-hash", "%s, version %q: the text has hash %s, but the roster's %s",
				a.ref.Code, ref.Version, ref.Hash, a.ref.Hash)
		case a.ref.URL != ref.URL:
			return Agreement{}, fault.Refuse(fault.Invalid, "terms-url", "%s, version %q: at %q, but the roster's at %q",
				a.ref.Code, ref.Version, ref.URL, a.ref.URL)
		}
		return a, nil
	}
	for _, i := range places {
		if !r.all[i].Pinned() {
			return Agreement{}, fault.Refuse(fault.Invalid, "terms-hash", "the roster doesn't know the text of %s", ref.Code)
		}
	}
	return Agreement{}, fault.Refuse(fault.Invalid, "terms-version", "%s has no version %q in the roster", ref.Code, ref.Version)
}

// Text returns the text with that hash, if this program carries it. Only texts
// of our own are carried; the others are others' to publish.
func Text(hash firsthand.ID) (string, bool) {
	text, ok := texts()[hash]
	return text, ok
}
