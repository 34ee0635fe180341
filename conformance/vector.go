package conformance

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// A Header is one line before the content of a vector.
type Header struct{ Name, Value string }

// A Vector is one test of one rule.
type Vector struct {
	Name    string // type and file name without .txt, as in entry/padding
	Type    string
	Expect  string // accept, or the rule that refuses
	Comment string
	Params  []Header // what the type takes besides the content
	Results []Header // what must come out; none if it is refused
	Content []byte
}

// A Type says what the content of its vectors is, and which headers they have.
type Type struct {
	Content string
	Params  []string
	Results []string
}

// Types are all types of vectors. Binary values in headers are hexadecimal, ids
// and keys as the protocol spells them.
//
// A call, request, is to the address https://gateway.example of a gateway that has
// the relationship with first's key and next hash, or doesn't have it if there is
// no key. seed is the private key that signs it, at the time of the gateway; header
// replaces or adds one. An answer, response, is to a call that named the
// relationship and the heads.
var Types = map[string]Type{
	"json":     {Content: "JSON text"},
	"id":       {Content: "an id", Results: []string{"hex"}},
	"key":      {Content: "a public key"},
	"date":     {Content: "a date"},
	"domain":   {Content: "a domain"},
	"entry":    {Content: "the signed text of an entry", Results: []string{"id", "relationship"}},
	"body":     {Content: "a body", Results: []string{"kind"}},
	"line":     {Content: "an entry as it travels, without its line feed", Results: []string{"id"}},
	"bundle":   {Content: "a bundle", Params: []string{"now"}, Results: []string{"state"}},
	"write":    {Content: "a bundle", Params: []string{"side", "seed", "at", "salt", "body"}, Results: []string{"line"}},
	"derive":   {Content: "nothing", Params: []string{"kit", "label"}, Results: []string{"key", "hash"}},
	"mac":      {Content: "a value in JSON", Params: []string{"salt"}, Results: []string{"mac"}},
	"due":      {Content: "a time", Results: []string{"date"}},
	"receipt":  {Content: "a receipt", Params: []string{"key"}, Results: []string{"relationship", "head"}},
	"company":  {Content: "a discovery document", Params: []string{"domain"}, Results: []string{"key"}},
	"call":     {Content: "the body of a call", Params: []string{"method", "host", "path", "time", "key", "signature", "now"}},
	"address":  {Content: "the address of a gateway"},
	"request":  {Content: "the body of a call", Params: []string{"route", "seed", "key", "next", "header"}, Results: []string{"call"}},
	"response": {Content: "the body of an answer", Params: []string{"relationship", "first", "second", "header"}, Results: []string{"answer"}},
	"failure":  {Content: "the body of a refusal", Params: []string{"status", "header"}, Results: []string{"kind", "rule"}},
}

// Param returns the value of the parameter, "" if it is absent.
func (v *Vector) Param(name string) string {
	for _, h := range v.Params {
		if h.Name == name {
			return h.Value
		}
	}
	return ""
}

// ParamAll returns all values of a parameter that may stand several times.
func (v *Vector) ParamAll(name string) (values []string) {
	for _, h := range v.Params {
		if h.Name == name {
			values = append(values, h.Value)
		}
	}
	return values
}

// Parse reads a vector. It is strict: a vector that says something that isn't
// understood says nothing.
func Parse(name string, text []byte) (*Vector, error) {
	v := &Vector{Name: name}
	for n := 1; ; n++ {
		line, rest, ok := bytes.Cut(text, []byte{'\n'})
		if !ok {
			return nil, fmt.Errorf("%s: no empty line before the content", name)
		}
		if text = rest; len(line) == 0 {
			break
		}
		h, value, ok := strings.Cut(string(line), ": ")
		if !ok || value == "" {
			return nil, fmt.Errorf("%s: line %d is no header", name, n)
		}
		if err := v.add(Header{h, value}); err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", name, n, err)
		}
	}
	content, ok := bytes.CutSuffix(text, []byte{'\n'})
	if !ok {
		return nil, fmt.Errorf("%s: no line feed at the end", name)
	}
	v.Content = content
	switch {
	case v.Type == "" || v.Expect == "" || v.Comment == "":
		return nil, fmt.Errorf("%s: needs type, expect and comment", name)
	case path.Dir(name) != v.Type:
		return nil, fmt.Errorf("%s: is of type %s", name, v.Type)
	case v.Expect != "accept" && len(v.Results) > 0:
		return nil, fmt.Errorf("%s: is refused and has results", name)
	}
	return v, nil
}

func (v *Vector) add(h Header) error {
	once := map[string]*string{"type": &v.Type, "expect": &v.Expect, "comment": &v.Comment}
	if p := once[h.Name]; p != nil {
		if *p != "" {
			return fmt.Errorf("%s stands twice", h.Name)
		}
		*p = h.Value
		return nil
	}
	t, ok := Types[v.Type]
	switch {
	case !ok:
		return fmt.Errorf("no known type before %s", h.Name)
	case slices.Contains(t.Params, h.Name):
		v.Params = append(v.Params, h)
	case slices.Contains(t.Results, h.Name):
		v.Results = append(v.Results, h)
	default:
		return fmt.Errorf("unknown header %s", h.Name)
	}
	return nil
}

// Format is the inverse of Parse.
func (v *Vector) Format() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "expect: %s\ntype: %s\ncomment: %s\n", v.Expect, v.Type, v.Comment)
	for _, h := range slices.Concat(v.Params, v.Results) {
		fmt.Fprintf(&b, "%s: %s\n", h.Name, h.Value)
	}
	fmt.Fprintf(&b, "\n%s\n", v.Content)
	return b.Bytes()
}

//go:embed all:vectors
var files embed.FS

// Vectors returns all vectors, sorted by name.
func Vectors() ([]*Vector, error) {
	var all []*Vector
	for _, typ := range slices.Sorted(maps.Keys(Types)) {
		names, err := fs.Glob(files, "vectors/"+typ+"/*")
		if err != nil {
			return nil, err
		}
		for _, file := range names {
			name, ok := strings.CutSuffix(strings.TrimPrefix(file, "vectors/"), ".txt")
			if !ok {
				return nil, fmt.Errorf("%s is no vector", file)
			}
			text, err := files.ReadFile(file)
			if err != nil {
				return nil, err
			}
			v, err := Parse(name, text)
			if err != nil {
				return nil, err
			}
			all = append(all, v)
		}
	}
	return all, nil
}
