package mail

import (
	"io"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Bounds of the text that is made of HTML.
const (
	maxTokens = 200_000
	maxLink   = 300
)

// silent are elements whose content nobody is meant to read.
var silent = map[atom.Atom]bool{atom.Script: true, atom.Style: true, atom.Head: true, atom.Title: true, atom.Template: true, atom.Noscript: true,
	atom.Iframe: true, atom.Object: true, atom.Svg: true, atom.Math: true, atom.Select: true, atom.Textarea: true, atom.Audio: true, atom.Video: true}

// blocks begin a line of their own.
var blocks = map[atom.Atom]bool{atom.P: true, atom.Div: true, atom.Tr: true, atom.Table: true, atom.Ul: true, atom.Ol: true, atom.Blockquote: true,
	atom.H1: true, atom.H2: true, atom.H3: true, atom.H4: true, atom.H5: true, atom.H6: true, atom.Hr: true, atom.Pre: true, atom.Section: true,
	atom.Article: true, atom.Header: true, atom.Footer: true, atom.Form: true, atom.Dl: true, atom.Dt: true, atom.Dd: true}

// textOf returns HTML as text of at most most bytes: what a person would read, with
// the address of each link beside it, where she can see where it leads. It is the
// tokens that are read, one by one: no tree is built that could be deep.
func textOf(r io.Reader, most int) string {
	var b strings.Builder
	z := html.NewTokenizer(r)
	z.SetMaxBuf(256 << 10)
	blank, newline := true, 2 // what is written last: nothing before the first word
	put := func(s string) {
		if newline == 0 && !blank && strings.HasPrefix(s, " ") {
			b.WriteByte(' ')
			blank = true
		}
		for i, word := range strings.Fields(s) {
			if i > 0 && !blank {
				b.WriteByte(' ')
			}
			b.WriteString(word)
			blank, newline = false, 0
		}
		if strings.HasSuffix(s, " ") && !blank {
			b.WriteByte(' ')
			blank = true
		}
	}
	line := func(n int) {
		for newline < n {
			b.WriteByte('\n')
			newline++
		}
		blank = true
	}
	quiet, quietIn := 0, atom.Atom(0)
	var link string
	begun := 0 // where the text of the link begins
	for n := 0; n < maxTokens && b.Len() < most; n++ {
		switch z.Next() {
		case html.ErrorToken:
			return strings.TrimSpace(b.String())
		case html.TextToken:
			if quiet == 0 {
				put(spaces(string(z.Text())))
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			tag := atom.Lookup(name)
			switch {
			case quietIn == atom.Head && tag == atom.Body:
				quiet = 0 // nobody closed the head
			case quiet > 0:
				if tag == quietIn {
					quiet++
				}
			case silent[tag]:
				quiet, quietIn = 1, tag
			case tag == atom.Br:
				line(min(newline+1, 2))
			case tag == atom.Li:
				line(1)
				put("- ")
			case tag == atom.Td || tag == atom.Th:
				put(" ")
			case tag == atom.A:
				link, begun = attribute(z, more, "href"), b.Len()
			case tag == atom.Img:
				if alt := Clean(attribute(z, more, "alt")); alt != "" {
					put("[" + alt + "]")
				}
			case blocks[tag]:
				line(map[bool]int{true: 2, false: 1}[tag == atom.P || tag == atom.H1 || tag == atom.H2 || tag == atom.H3])
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			tag := atom.Lookup(name)
			switch {
			case quiet > 0:
				if tag == quietIn {
					quiet--
				}
			case tag == atom.A:
				if shown := Clean(link); link != "" && begun <= b.Len() && !strings.Contains(b.String()[begun:], shown) && leads(shown) {
					if len(shown) > maxLink {
						shown = shown[:maxLink] + "…"
					}
					put(" <" + shown + ">")
				}
				link = ""
			case blocks[tag]:
				line(1)
			}
		}
	}
	return strings.TrimSpace(b.String())
}

// leads reports whether a link is one to show: the others lead nowhere for her.
func leads(link string) bool {
	for _, scheme := range []string{"http://", "https://", "mailto:", "tel:"} {
		if strings.HasPrefix(strings.ToLower(link), scheme) {
			return true
		}
	}
	return false
}

func attribute(z *html.Tokenizer, more bool, name string) string {
	for n := 0; more && n < 100; n++ {
		var key, value []byte
		if key, value, more = z.TagAttr(); string(key) == name {
			return string(value)
		}
	}
	return ""
}

// spaces makes all white space blanks, but leaves whether there was some at the ends.
func spaces(s string) string {
	out := strings.Join(strings.Fields(s), " ")
	if out == "" {
		if s == "" {
			return ""
		}
		return " "
	}
	if strings.IndexByte(" \t\r\n", s[0]) >= 0 {
		out = " " + out
	}
	if strings.IndexByte(" \t\r\n", s[len(s)-1]) >= 0 {
		out += " "
	}
	return out
}
