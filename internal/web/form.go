package web

import (
	"maps"
	"net/url"
	"slices"
)

// A Form is what was typed into a form, and what is wrong with it. The zero Form
// is an empty one.
type Form struct {
	Once   string // see look.Onces
	Values url.Values
	Errors map[string]string // a sentence for each field; "" is the whole form's
}

// Value returns what is in a field.
func (f Form) Value(name string) string { return f.Values.Get(name) }

// Has reports whether a field has the value among others.
func (f Form) Has(name, value string) bool { return slices.Contains(f.Values[name], value) }

// Error returns what is wrong with a field, "" for nothing.
func (f Form) Error(name string) string { return f.Errors[name] }

// Fine reports whether nothing is wrong.
func (f Form) Fine() bool { return len(f.Errors) == 0 }

// fault notes what is wrong with a field. The first thing counts.
func (f *Form) fault(field, sentence string) {
	if f.Errors == nil {
		f.Errors = make(map[string]string)
	}
	if f.Errors[field] == "" {
		f.Errors[field] = sentence
	}
}

// newForm returns an empty form, with values already in it.
func newForm(pairs ...string) Form {
	f := Form{Once: newSecret()[:22], Values: url.Values{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			f.Values.Set(pairs[i], pairs[i+1])
		}
	}
	return f
}

// form returns what a request has sent, with secrets left out.
func (v *visit) form() Form {
	values := url.Values{}
	for name, vs := range v.PostForm {
		if !secret(name) {
			values[name] = vs
		}
	}
	return Form{Once: v.PostFormValue("once"), Values: values}
}

// hidden returns what was typed as fields that aren't shown, by name.
func (f Form) hidden() (all []Input) {
	for _, name := range slices.Sorted(maps.Keys(f.Values)) {
		for _, value := range f.Values[name] {
			if name != "once" && name != "except" && name != "seen" && value != "" {
				all = append(all, Input{Name: name, Value: value})
			}
		}
	}
	return all
}

// secret reports whether a field is one that is never shown again.
func secret(name string) bool {
	switch name {
	case "passphrase", "passphrase2", "confirm_passphrase", "next_passphrase", "next_passphrase2", "recovery_kit", "secret":
		return true
	}
	return false
}

// An Input is one field of a form, as the template "input" shows it.
type Input struct {
	Name, Label, Hint, Type, Value, Error string
	Options                               []Option
	Required                              bool
	Auto                                  string // autocomplete
}

// An Option is one choice of an Input.
type Option struct {
	Value, Text string
	Chosen      bool
}
