package rt

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// exactly is the name of the attachment that has a text byte by byte.
const exactly = "exactly as written.txt"

// said returns what has RT take text as the body of a message. Characters that Unicode
// keeps for a program's own use it replaces in all text, so such text is attached
// besides, as bytes.
func said(text string) map[string]any {
	in := map[string]any{"Content": text, "ContentType": "text/plain"}
	if text == "" || text == "0" {
		in["Content"] = text + "\n" // what Perl holds for false is left out
	}
	if strings.ContainsFunc(text, noncharacter) {
		in["Attachments"] = []map[string]any{{"FileName": exactly, "FileType": "application/octet-stream", "FileContent": []byte(text)}}
	}
	return in
}

// noncharacter reports whether r stands for nothing, and never will.
func noncharacter(r rune) bool { return r >= 0xfdd0 && r <= 0xfdef || r&0xfffe == 0xfffe }

// An attachment is a part of what was said in a transaction.
type attachment struct {
	ID          word
	ContentType string
	Filename    word
	Content     []byte
}

// text returns what was said in a transaction: its plain text, or else its HTML, which
// is what RT's own pages make, without the marks. Files stay where they are, and only
// their names are told.
func (t *Tracker) text(ctx context.Context, transaction string) (string, error) {
	// Without the content: a file may be of any size.
	all, err := found[attachment](ctx, t.client, "transaction/"+url.PathEscape(transaction)+"/attachments", "ContentType,Filename", nil, "")
	if err != nil {
		return "", err
	}
	var body *attachment
	var files []string
	for i := range all {
		a := &all[i]
		switch {
		case a.Filename != "":
			files = append(files, oneLine(string(a.Filename)))
		case a.ContentType == "text/plain" && (body == nil || body.ContentType != "text/plain"), a.ContentType == "text/html" && body == nil:
			body = a
		}
	}
	var text string
	if body != nil {
		var whole attachment
		if _, err := t.client.call(ctx, http.MethodGet, "/attachment/"+url.PathEscape(string(body.ID)), "", nil, &whole); err != nil {
			return "", err
		}
		if text = strings.ToValidUTF8(string(whole.Content), "\ufffd"); body.ContentType == "text/html" {
			text = plain(text)
		}
	}
	if len(files) > 0 {
		text = strings.TrimLeft(text+"\n\n[not sent along: "+strings.Join(files, ", ")+"]", "\n")
	}
	return text, nil
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
