package terms

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"

	"firsthand"
	"firsthand/fault"
)

// maxRoster limits a roster's size. The one we carry has 8 KiB.
const maxRoster = 256 << 10

// rosterFile is roster.json: one member for each thing it may say, and none that
// could carry wording.
type rosterFile struct {
	Roster  int `json:"roster"` // version of this form: 1
	Clauses []struct {
		Kind     string   `json:"kind"` // permission, prohibition or duty
		ID       Clause   `json:"id"`
		Purposes []string `json:"purposes"` // that it permits, or prohibits
	} `json:"clauses"`
	Agreements []agreementFile `json:"agreements"`
}

type agreementFile struct {
	Code    string   `json:"code"`
	Aliases []string `json:"aliases"`
	Version string   `json:"version"` // "" where unknown
	URL     string   `json:"url"`     // where others publish the text, "" where unknown
	SHA256  string   `json:"sha256"`  // of the text, in hex; "" where unknown
	Family  string   `json:"family"`  // agreements that compare; "" for none

	Permissions  []Clause `json:"permissions"`
	Prohibitions []Clause `json:"prohibitions"`
	Duties       []Clause `json:"duties"`
}

// What strings may look like. They are narrow so that wording can't hide in them.
var (
	codeForm    = regexp.MustCompile(`^[A-Z0-9]+(-[A-Z0-9]+)*$`)
	aliasForm   = regexp.MustCompile(`^[A-Z0-9]+([ -][A-Z0-9]+)*$`)
	versionForm = regexp.MustCompile(`^[0-9]+([.-][0-9]+)*$`)
	familyForm  = regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	urlForm     = regexp.MustCompile(`^https://[a-z0-9.-]+(/[A-Za-z0-9._-]+)*/?$`)
	termForm    = regexp.MustCompile(`^[a-z0-9]+:[A-Za-z0-9]+$`)
)

// maxName limits each string of a roster but addresses.
const maxName = 48

// A meaning is what the roster says of a clause.
type meaning struct {
	kind     string
	purposes []string
}

// names reports whether m's purposes have one of these.
func (m meaning) names(purposes []string) bool {
	return slices.ContainsFunc(purposes, func(p string) bool { return slices.Contains(m.purposes, p) })
}

// Parse reads a roster. It is strict: unknown members, above all any that would
// carry an agreement's wording, unknown clauses, and names given twice are
// refused, rule terms-roster or json-form.
func Parse(text []byte) (*Roster, error) {
	if len(text) > maxRoster {
		return nil, refuse("%d bytes, at most %d", len(text), maxRoster)
	}
	var f rosterFile
	if err := firsthand.ParseJSON(text, &f); err != nil {
		return nil, fmt.Errorf("roster: %w", err)
	}
	if f.Roster != 1 {
		return nil, refuse("form %d, this program reads 1", f.Roster)
	}
	vocabulary := make(map[Clause]meaning)
	for _, c := range f.Clauses {
		if !fits(termForm, string(c.ID)) || !slices.Contains([]string{"permission", "prohibition", "duty"}, c.Kind) {
			return nil, refuse("%q is no clause of kind %q", c.ID, c.Kind)
		}
		if _, twice := vocabulary[c.ID]; twice {
			return nil, refuse("clause %s stands twice", c.ID)
		}
		for _, p := range c.Purposes {
			if !fits(termForm, p) {
				return nil, refuse("clause %s: %q is no purpose", c.ID, p)
			}
		}
		vocabulary[c.ID] = meaning{c.Kind, c.Purposes}
	}
	r := &Roster{byName: make(map[string][]int)}
	for _, af := range f.Agreements {
		a, err := af.agreement(vocabulary)
		if err != nil {
			return nil, err
		}
		if err := r.add(a); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// agreement checks f by itself and returns what it says.
func (f agreementFile) agreement(vocabulary map[Clause]meaning) (a Agreement, err error) {
	if !fits(codeForm, f.Code) {
		return a, refuse("%q is no code", f.Code)
	}
	for _, alias := range f.Aliases {
		if !fits(aliasForm, alias) {
			return a, refuse("%s: %q is no alias", f.Code, alias)
		}
	}
	switch {
	case f.Version != "" && !fits(versionForm, f.Version):
		return a, refuse("%s: %q is no version", f.Code, f.Version)
	case f.Family != "" && !fits(familyForm, f.Family):
		return a, refuse("%s: %q is no family", f.Code, f.Family)
	case f.URL != "" && (len(f.URL) > 200 || !urlForm.MatchString(f.URL)):
		return a, refuse("%s: %q is no address of a text", f.Code, f.URL)
	case f.SHA256 != "" && f.Version == "":
		return a, refuse("%s: a hash without a version", f.Code)
	}
	a = Agreement{
		ref:     Ref{Code: f.Code, Version: f.Version, URL: f.URL},
		aliases: f.Aliases, family: f.Family, vocabulary: vocabulary,
	}
	if f.SHA256 != "" {
		sum, err := hex.DecodeString(f.SHA256)
		if err != nil || len(sum) != len(a.ref.Hash) || hex.EncodeToString(sum) != f.SHA256 {
			return a, refuse("%s: %q is no SHA-256 in lower-case hex", f.Code, f.SHA256)
		}
		if a.ref.Hash = firsthand.ID(sum); a.ref.Hash.IsZero() {
			return a, refuse("%s: the hash is all zero", f.Code)
		}
	}
	for _, list := range []struct {
		kind string
		from []Clause
		to   *[]Clause
	}{{"permission", f.Permissions, &a.permissions}, {"prohibition", f.Prohibitions, &a.prohibitions}, {"duty", f.Duties, &a.duties}} {
		for _, c := range list.from {
			if vocabulary[c].kind != list.kind {
				return a, refuse("%s: %q is no %s of this roster", f.Code, c, list.kind)
			}
		}
		*list.to = slices.Sorted(slices.Values(list.from))
		if len(slices.Compact(slices.Clone(*list.to))) != len(list.from) {
			return a, refuse("%s: a %s stands twice", f.Code, list.kind)
		}
	}
	// Two agreements of which nothing is known would otherwise be at most each
	// other.
	if f.Family != "" && len(a.permissions)+len(a.prohibitions)+len(a.duties) == 0 {
		return a, refuse("%s: has a family but no clauses", f.Code)
	}
	return a, nil
}

// add appends a unless its names or its text are taken. Versions of one code
// share its names.
func (r *Roster) add(a Agreement) error {
	for _, other := range r.all {
		switch {
		case other.ref.Code == a.ref.Code && other.ref.Version == a.ref.Version:
			return refuse("%s, version %q, stands twice", a.ref.Code, a.ref.Version)
		case a.Pinned() && other.ref.Hash == a.ref.Hash:
			return refuse("%s and %s have one text", other.ref.Code, a.ref.Code)
		}
	}
	names := append([]string{a.ref.Code}, a.aliases...)
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return refuse("%s: the name %q stands twice", a.ref.Code, name)
		}
		for _, place := range r.byName[name] {
			if r.all[place].ref.Code != a.ref.Code {
				return refuse("%q is a name of %s and of %s", name, r.all[place].ref.Code, a.ref.Code)
			}
		}
	}
	for _, name := range names {
		r.byName[name] = append(r.byName[name], len(r.all))
	}
	r.all = append(r.all, a)
	return nil
}

func fits(form *regexp.Regexp, s string) bool { return len(s) <= maxName && form.MatchString(s) }

func refuse(format string, args ...any) error {
	return fault.Refuse(fault.Invalid, "terms-roster", format, args...)
}
