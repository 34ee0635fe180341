// Package localetest makes a language for tests that is longer than any: what
// fits when each sentence has grown by half fits in German.
package localetest

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"firsthand/internal/locale"
)

var part = regexp.MustCompile(`%\[?\d*\]?[a-z%]|[a-zA-Z]+|.`)

var accents = strings.NewReplacer("a", "à", "e", "é", "i", "ï", "o", "ø", "u", "ü", "A", "Å", "E", "É", "O", "Ø", "c", "ç", "n", "ñ")

// Long returns English with accents and half as long again, under the tag of
// pseudo languages. Verbs stay as they are.
func Long(t testing.TB) *locale.Language {
	t.Helper()
	text, err := locale.Source("en")
	if err != nil {
		t.Fatal(err)
	}
	return Lengthened(t, text)
}

// Lengthened is Long of another catalogue.
func Lengthened(t testing.TB, text []byte) *locale.Language {
	t.Helper()
	var all map[string]any
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	for key, s := range all {
		switch s := s.(type) {
		case string:
			if key != "language.dir" && key != "time.months" && key != "number.thousands" {
				all[key] = lengthen(s)
			}
		case map[string]any:
			for category, one := range s {
				s[category] = lengthen(one.(string))
			}
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	l, err := locale.Parse("en-XA", text)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func lengthen(s string) string {
	long := part.ReplaceAllStringFunc(s, func(p string) string {
		if p[0] == '%' {
			return p
		}
		return accents.Replace(p)
	})
	return long + strings.Repeat("~", (len([]rune(s))+1)/2)
}
