package rt

import (
	"context"
	"net/url"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// An attachment is a part of what was said in a transaction.
type attachment struct {
	ID          word
	ContentType string
	Filename    word
	Content     word
}

// text returns what was said in a transaction: its plain text, or else its HTML, which
// is what RT's own pages make, without the marks.
func (t *Tracker) text(ctx context.Context, transaction string) (string, error) {
	all, err := found[attachment](ctx, t.client, "transaction/"+url.PathEscape(transaction)+"/attachments", "ContentType,Filename,Content", nil, "")
	if err != nil {
		return "", err
	}
	for _, kind := range []string{"text/plain", "text/html"} {
		for _, a := range all {
			if a.Filename != "" || a.ContentType != kind {
				continue
			}
			if kind == "text/html" {
				return plain(string(a.Content)), nil
			}
			return string(a.Content), nil
		}
	}
	return "", nil
}

// plain returns the text of a page, a line for each block.
func plain(page string) string {
	var b strings.Builder
	skip := 0
	z := html.NewTokenizer(strings.NewReader(page))
	for {
		switch z.Next() {
		case html.ErrorToken:
			lines := strings.Split(b.String(), "\n")
			for i := range lines {
				lines[i] = strings.Join(strings.Fields(lines[i]), " ")
			}
			return strings.TrimSpace(strings.Join(lines, "\n"))
		case html.TextToken:
			if skip == 0 {
				b.WriteString(strings.NewReplacer("\n", " ", "\r", " ").Replace(string(z.Text())))
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			switch tag := tagOf(z); tag {
			case atom.Script, atom.Style, atom.Head:
				skip++
			case atom.Br, atom.P, atom.Div, atom.Li, atom.Tr, atom.H1, atom.H2, atom.H3, atom.Blockquote:
				b.WriteByte('\n')
			}
		case html.EndTagToken:
			switch tag := tagOf(z); tag {
			case atom.Script, atom.Style, atom.Head:
				skip = max(skip-1, 0)
			case atom.P, atom.Ul, atom.Ol, atom.Table, atom.Blockquote:
				b.WriteByte('\n')
			}
		}
	}
}

func tagOf(z *html.Tokenizer) atom.Atom {
	name, _ := z.TagName()
	return atom.Lookup(name)
}
