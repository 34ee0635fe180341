package fields

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"firsthand"
)

// A Guess says which fact of hers a field may be, and how the company may have come to
// it. It is never more than that.
type Guess struct {
	Fact   string // fit to name a fact
	Part   string // of it: city, street …; "" for the whole
	Origin firsthand.Origin
	Same   bool // the value is one of hers
	Known  bool // Fact comes of the words of the path, or of Same; else it is only a name
}

// A Fact is one of hers, to compare with.
type Fact struct {
	Name  string
	Value firsthand.Value
}

// GuessOf guesses what f is. The words of its path count, in English, German, French,
// Dutch and Spanish, and whether its value is one of hers, of those that she has noted
// or told the company.
func GuessOf(f *Field, hers []Fact) (g Guess) {
	parts := split(f.Path)
	words := strings.Join(parts, " ")
	g.Fact, g.Part = factOf(parts)
	g.Known = g.Fact != ""
	if len(f.Values) == 1 {
		for _, h := range hers {
			if part, ok := same(f.Values[0], h.Value, g.Part); ok && (!g.Same || h.Name == g.Fact) {
				g.Fact, g.Part, g.Same, g.Known = h.Name, part, true, true
			}
		}
	}
	if g.Known && !g.Same && (f.More || len(f.Values) > 3) {
		g.Known = false // so many names or addresses are those of others
	}
	if !g.Known {
		g.Fact, g.Part = slug(parts), ""
		if mail := strings.Count(f.Values[0], "@"); mail == 1 && len(f.Values) == 1 && !strings.ContainsAny(f.Values[0], " /:") && strings.Contains(f.Values[0], ".") {
			g.Fact, g.Known = "email", true
		}
	}
	switch {
	case has(words, boughtWords):
		g.Origin = firsthand.Bought
	case has(words, inferredWords):
		g.Origin = firsthand.Inferred
	case g.Same || g.Known && !has(lastOf(parts), observedWords):
		g.Origin = firsthand.Told
	default:
		g.Origin = firsthand.Observed
	}
	return g
}

func lastOf(parts []string) string { return parts[len(parts)-1] }

// same reports whether a text is a value of hers, or a part of one. Parts that many
// persons have, such as a country, count only where the path names the part, too.
func same(text string, v firsthand.Value, named string) (part string, ok bool) {
	text = fold(text)
	if text == "" {
		return "", false
	}
	if v.Text != "" {
		return "", fold(v.Text) == text && len(text) > 2
	}
	for _, name := range []string{"street", "postal_code", "city", "po_box", "extra", "region", "country"} {
		if p := v.Parts[name]; p != "" && fold(p) == text && (name == named || name == "street" && len(text) > 5) {
			return name, true
		}
	}
	return "", false
}

// split returns the components of a path, each as words: folded, and those of camelCase
// apart. The name of a file is one without its ending.
func split(path string) (parts []string) {
	if file, rest, ok := strings.Cut(path, ": "); ok {
		file = file[strings.LastIndexAny(file, `/\`)+1:]
		if dot := strings.LastIndexByte(file, '.'); dot > 0 {
			file = file[:dot]
		}
		parts, path = append(parts, fold(file)), rest
	}
	for key := range strings.SplitSeq(path, ".") {
		var b strings.Builder
		low := false
		for _, r := range key {
			if unicode.IsUpper(r) && low {
				b.WriteByte(' ')
			}
			low = unicode.IsLower(r)
			b.WriteRune(r)
		}
		parts = append(parts, fold(b.String()))
	}
	return parts
}

// fold makes words comparable: lower case, no accents, one blank between them.
func fold(s string) string {
	var b strings.Builder
	blank := false
	for _, r := range norm.NFD.String(strings.ReplaceAll(strings.ToLower(s), "ß", "ss")) {
		switch {
		case unicode.Is(unicode.Mn, r):
		case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '@':
			if blank && b.Len() > 0 {
				b.WriteByte(' ')
			}
			blank = false
			b.WriteRune(r)
		default:
			blank = true
		}
	}
	return b.String()
}

// factOf returns the fact that the words of a path name, "" if none does.
func factOf(parts []string) (fact, part string) {
	if fact, part = named(parts); fact == "" && len(parts) > 1 && slices.Contains(generic, lastOf(parts)) {
		return named(parts[:len(parts)-1]) // "phone.value"
	}
	return fact, part
}

func named(parts []string) (fact, part string) {
	last, before := lastOf(parts), strings.Join(parts[:len(parts)-1], " ")
	ours := before == "" || has(before, ourWords)
	for _, w := range factWords {
		if slices.Contains(w.whole, last) || ours && slices.Contains(w.ours, last) {
			if w.part != "" && has(before, workWords) {
				return "address.work", w.part
			}
			return w.fact, w.part
		}
	}
	return "", ""
}

// slug makes a name of a fact of the end of a path.
func slug(parts []string) string {
	var names []string
	for _, p := range parts[max(0, len(parts)-2):] {
		s := strings.Join(strings.FieldsFunc(p, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }), "_")
		if s != "" {
			names = append(names, s[:min(len(s), 40)])
		}
	}
	if len(names) == 0 {
		return "other"
	}
	return strings.Join(names, ".")
}

// has reports whether one of words stands in s: a short one as a word, a long one
// anywhere, since some languages put words together.
func has(s string, words []string) bool {
	for _, w := range words {
		if strings.Contains(" "+s+" ", " "+w+" ") || len(w) >= 6 && strings.Contains(s, w) {
			return true
		}
	}
	return false
}
