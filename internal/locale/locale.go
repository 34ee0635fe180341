// Package locale has the sentences that people read, in each language.
//
// A page names a sentence by its key and never spells one out. The catalogue of a
// language is a file catalog/TAG.json, a flat object: a key has one sentence, or
// one for each plural category of the language. What varies in a sentence stands
// in it as a verb of package fmt. So that a translation can't leave out a number
// or add one, tests compare the keys and the verbs of all languages, and that each
// key is used.
//
// It does not translate what a company or a file said: that is data.
package locale

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"sync"
)

//go:embed catalog/*.json
var catalog embed.FS

// A Language is the sentences of one language. It can't be changed, and is safe
// for concurrent use.
type Language struct {
	Tag       string // BCP 47, as in the lang attribute of a page
	Dir       string // ltr or rtl
	sentences map[string]Sentence
	plural    func(n int) string
	months    []string
}

// A Sentence is what a key stands for: one text under "", or one for each plural
// category.
type Sentence map[string]string

// UnmarshalJSON reads a text, or an object of texts by plural category.
func (s *Sentence) UnmarshalJSON(text []byte) error {
	if text[0] != '"' {
		return json.Unmarshal(text, (*map[string]string)(s))
	}
	if !bytes.ContainsRune(text, '\\') { // as nearly all, and a start waits for them
		*s = Sentence{"": string(text[1 : len(text)-1])}
		return nil
	}
	var one string
	err := json.Unmarshal(text, &one)
	*s = Sentence{"": one}
	return err
}

// plurals says which category a number takes, by language (CLDR). A language that
// isn't named here has one and other, as English.
var plurals = map[string]func(n int) string{}

func oneOther(n int) string {
	if n == 1 {
		return "one"
	}
	return "other"
}

// Parse reads the catalogue of a language.
func Parse(tag string, text []byte) (*Language, error) {
	l := &Language{Tag: tag, Dir: "ltr", plural: plurals[tag]}
	if l.plural == nil {
		l.plural = oneOther
	}
	if err := json.Unmarshal(text, &l.sentences); err != nil {
		return nil, fmt.Errorf("catalogue %s: %w", tag, err)
	}
	if dir, ok := l.sentences["language.dir"]; ok {
		l.Dir = dir[""]
	}
	l.months = strings.Fields(l.sentences["time.months"][""])
	if len(l.months) != 12 {
		return nil, fmt.Errorf("catalogue %s: time.months has %d months", tag, len(l.months))
	}
	return l, nil
}

var carried = sync.OnceValue(func() (all []*Language) {
	files, err := catalog.ReadDir("catalog")
	if err != nil {
		panic(err) // the folder is embedded
	}
	for _, f := range files {
		text, err := catalog.ReadFile(path.Join("catalog", f.Name()))
		if err != nil {
			panic(err)
		}
		l, err := Parse(strings.TrimSuffix(f.Name(), ".json"), text)
		if err != nil {
			panic(err) // a test would have found it
		}
		all = append(all, l)
	}
	return all
})

// All returns the languages that this program has.
func All() []*Language { return carried() }

// Source returns the catalogue of a language as it was written.
func Source(tag string) ([]byte, error) { return catalog.ReadFile("catalog/" + tag + ".json") }

// Choose returns the first of langs that an Accept-Language header wants, or the
// first of all. Weights are not looked at: browsers list languages by preference.
func Choose(langs []*Language, accept string) *Language {
	for want := range strings.SplitSeq(accept, ",") {
		want, _, _ = strings.Cut(strings.TrimSpace(want), ";")
		primary, _, _ := strings.Cut(want, "-")
		for _, l := range langs {
			if strings.EqualFold(l.Tag, want) || strings.EqualFold(l.Tag, primary) {
				return l
			}
		}
	}
	return langs[0]
}

// Has reports whether there is a sentence under key.
func (l *Language) Has(key string) bool { return l.sentences[key] != nil }

// Keys calls yield with each key and its sentence.
func (l *Language) Keys(yield func(key string, s Sentence) bool) {
	for k, s := range l.sentences {
		if !yield(k, s) {
			return
		}
	}
}

// Say returns the sentence under key with args in it. A key that is missing, which
// a test would have found, is shown in brackets.
func (l *Language) Say(key string, args ...any) string {
	s, ok := l.sentences[key]
	if !ok || s[""] == "" {
		return "[" + key + "]"
	}
	return format(s[""], args)
}

// Count returns the sentence under key for the number n, which is its first
// argument.
func (l *Language) Count(key string, n int, args ...any) string {
	s, ok := l.sentences[key]
	text := s[l.plural(n)]
	if text == "" {
		text = s["other"]
	}
	if !ok || text == "" {
		return "[" + key + "]"
	}
	return format(text, append([]any{l.Number(n)}, args...))
}

func format(text string, args []any) string {
	if !strings.Contains(text, "%") {
		return text // also where a number stands beside it
	}
	return fmt.Sprintf(text, args...)
}

// Word returns the word under "family.value": of a step, a kind of entry, a fact.
// A value that the catalogue doesn't know, such as a fact that a company named, is
// returned as it is, but for underscores and dots.
func (l *Language) Word(family, value string) string {
	if s, ok := l.sentences[family+"."+strings.ReplaceAll(value, " ", "_")]; ok {
		return s[""]
	}
	return strings.NewReplacer("_", " ", ".", ", ").Replace(value)
}

// Number returns n with its thousands set apart.
func (l *Language) Number(n int) string {
	digits := fmt.Sprint(n)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	sep := l.Say("number.thousands")
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + sep + digits[i:]
	}
	return sign + digits
}
