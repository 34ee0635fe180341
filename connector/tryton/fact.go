package tryton

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"firsthand"
)

// maxLine is how many bytes a field of one line takes, and maxStreet a street. Tryton
// has no limit, but its pages do.
const (
	maxLine   = 1000
	maxStreet = 4000
)

// parts are what Tryton's addresses have.
var parts = []string{"street", "postal_code", "city", "country", "region"}

// unfit returns why p has no room for v, or "". What Tryton would take and keep as
// something else is refused, and so is what no person could work with.
func (p place) unfit(v firsthand.Value) string {
	if (p.kind == "address") != (len(v.Parts) > 0) {
		return "our system wants an address in its parts, and all else as one text"
	}
	if p.kind != "address" {
		switch {
		case !oneLine(v.Text):
			return "our system has one line for that, of text that can be shown"
		case p.kind == "email" && (strings.Count(v.Text, "@") != 1 || strings.ContainsAny(v.Text, " ,;<>\"")):
			return "our system takes this for no e-mail address"
		case p.spoken() && strings.Trim(v.Text, "+-./ ()0123456789") != "":
			return "our system takes this for no telephone number"
		}
		return ""
	}
	for _, name := range slices.Sorted(maps.Keys(v.Parts)) {
		text := v.Parts[name]
		switch {
		case !slices.Contains(parts, name):
			return fmt.Sprintf("our system's addresses have no %s; write it with the street", name)
		case text == "":
			return fmt.Sprintf("the %s is empty; leave it out", name)
		case name == "street" && (len(text) > maxStreet || !shown(strings.ReplaceAll(text, "\n", " "))), name != "street" && !oneLine(text):
			return fmt.Sprintf("our system can't keep that as a %s", name)
		}
	}
	return ""
}

func oneLine(s string) bool { return len(s) <= maxLine && shown(s) }

// shown reports whether all of s can be seen: no line breaks, no control characters.
func shown(s string) bool { return !strings.ContainsFunc(s, unicode.IsControl) }

// fields returns what is written for v, and why it can't be if Tryton doesn't know
// the country or region. A zero v blanks.
func (t *Tryton) fields(ctx context.Context, p place, v firsthand.Value) (values map[string]any, why string, err error) {
	if p.kind != "address" {
		return map[string]any{"value": v.Text}, "", nil
	}
	// The name is that of a building, and so of the address that was there before.
	values = map[string]any{"name": nil, "country": nil, "subdivision": nil}
	for _, name := range parts[:3] {
		values[name] = v.Parts[name]
	}
	country, region := v.Parts["country"], v.Parts["region"]
	for _, each := range []struct{ model, field, code, say string }{
		{"country.country", "country", country, country},
		{"country.subdivision", "subdivision", country + "-" + region, region},
	} {
		if each.say == "" {
			continue
		}
		id, err := t.coded(ctx, each.model, each.code)
		if err != nil {
			return nil, "", err
		}
		if id == 0 {
			return nil, fmt.Sprintf("our system doesn't know the %s %q; it knows countries by codes such as BE, regions by codes such as CA", each.field, each.say), nil
		}
		values[each.field] = id
	}
	return values, "", nil
}

// coded returns the country or region of that code, 0 if there is none. Once found it
// stays what it is.
func (t *Tryton) coded(ctx context.Context, model, code string) (int, error) {
	key := model + " " + code
	if id, ok := t.codes.Load(key); ok {
		return id.(int), nil
	}
	var ids []int
	err := t.client.call(ctx, &ids, "model."+model+".search", []any{[]any{"code", "=", code}}, 0, 1, nil, none)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	t.codes.Store(key, ids[0])
	return ids[0], nil
}

// facts returns what r says.
func (t *Tryton) facts(r *record) map[string]firsthand.Value {
	all := map[string]firsthand.Value{}
	for fact, p := range t.places {
		if v := r.value(p); !v.IsZero() {
			all[fact] = v
		}
	}
	return all
}

// value returns what r says at p.
func (r *record) value(p place) firsthand.Value {
	switch p.kind {
	case "name":
		return firsthand.Text(r.Name)
	case "address":
		if a := r.address(p); a != nil {
			return a.value()
		}
	default:
		if m := r.mechanism(p); m != nil {
			return m.value(p)
		}
	}
	return firsthand.Value{}
}

func (a *address) value() firsthand.Value {
	v := firsthand.Value{Parts: map[string]string{}}
	region := a.Region.Code
	if _, after, ok := strings.Cut(region, "-"); ok {
		region = after
	}
	for i, text := range []string{a.Street, a.PostalCode, a.City, a.Country.Code, region} {
		if text != "" {
			v.Parts[parts[i]] = text
		}
	}
	return v
}

// value returns the value of m as she spelt it, if that is known. Tryton spells
// telephone numbers its own way where it has the library for that.
func (m *mechanism) value(p place) firsthand.Value {
	if p.spoken() && m.Comment != m.Value && sameNumber(m.Value, m.Comment) {
		return firsthand.Text(m.Comment)
	}
	return firsthand.Text(m.Value)
}

// sameNumber reports whether spelt is another spelling of number, perhaps without the
// country.
func sameNumber(number, spelt string) bool {
	if spelt == "" || strings.Trim(spelt, "+-./ ()0123456789") != "" {
		return false
	}
	a, b := digits(number), digits(spelt)
	if !strings.HasPrefix(spelt, "+") {
		b = strings.TrimPrefix(b, "00")
		b = strings.TrimPrefix(b, "0")
	}
	return len(b) >= 6 && strings.HasSuffix(a, b) && (a == b || !strings.HasPrefix(spelt, "+"))
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

// row returns the row in which the fact at p stands: where it was put last, if that is
// still there, or else the first of its kind.
func (r *record) row(p place) int {
	rows := r.rowsOf(p)
	if last := r.last(p.fact); slices.Contains(rows, last) {
		return last
	}
	if len(rows) == 0 {
		return 0
	}
	return rows[0]
}

// last returns the row that the latest note of fact names.
func (r *record) last(fact string) (id int) {
	for _, n := range r.notes {
		if n.Fact == fact {
			id = cmp.Or(n.Row, id)
		}
	}
	return id
}

// rowsOf returns the active rows that could be at p, in Tryton's order.
func (r *record) rowsOf(p place) (ids []int) {
	if p.kind == "address" {
		for _, a := range r.Addresses {
			if a.Active {
				ids = append(ids, a.ID)
			}
		}
		return ids
	}
	for _, m := range r.Mechanisms {
		if bool(m.Active) && m.at(p) {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// at reports whether m is of p's type and label.
func (m *mechanism) at(p place) bool {
	return m.Type == p.kind && m.Name != noteName && (p.label == "" || m.Name == p.label)
}

func (r *record) address(p place) *address {
	return r.addressOf(r.row(p))
}

func (r *record) addressOf(id int) *address {
	for i := range r.Addresses {
		if r.Addresses[i].ID == id {
			return &r.Addresses[i]
		}
	}
	return nil
}

func (r *record) mechanism(p place) *mechanism {
	return r.mechanismOf(r.row(p))
}

func (r *record) mechanismOf(id int) *mechanism {
	for i := range r.Mechanisms {
		if r.Mechanisms[i].ID == id {
			return &r.Mechanisms[i]
		}
	}
	return nil
}

// rowWith is row for a fact of which it is known what it was before: the row that says
// so, if it has never been put anywhere.
func (r *record) rowWith(p place, old firsthand.Value) int {
	if r.last(p.fact) != 0 || old.IsZero() {
		return r.row(p)
	}
	for _, id := range r.rowsOf(p) {
		if a := r.addressOf(id); p.kind == "address" && a != nil && a.value().Equal(old) {
			return id
		}
		if m := r.mechanismOf(id); p.kind != "address" && m != nil && m.value(p).Equal(old) {
			return id
		}
	}
	return r.row(p)
}
