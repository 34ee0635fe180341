package mail

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"strings"
	"time"
	"unicode/utf8"

	"firsthand/fault"
	"firsthand/internal/agent/channel"
)

// Write implements [channel.Post]: one part of plain text in UTF-8, quoted-printable,
// in lines that are wrapped already. No HTML, no picture, no trace of this program.
func (*Post) Write(p channel.Posted) ([]byte, error) {
	from, err := Address(p.From)
	if err != nil {
		return nil, err
	}
	to, err := Address(p.To)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	header := func(name, value string) {
		if value != "" {
			b.WriteString(fold(name + ": " + value))
		}
	}
	if name := channel.Clean(p.Name); name != "" {
		header("From", phrase(name)+" <"+from+">")
	} else {
		header("From", from)
	}
	header("To", to)
	header("Subject", words(channel.Clean(p.Subject)))
	header("Date", p.Date.Format(time.RFC1123Z))
	id, err := bracketed(p.ID)
	if err != nil {
		return nil, err
	}
	header("Message-ID", id)
	var thread []string
	for _, t := range p.Thread {
		if id, err := bracketed(t); err == nil { // a company's may be anything
			thread = append(thread, id)
		}
	}
	if n := len(thread); n > 0 {
		header("In-Reply-To", thread[n-1])
		header("References", strings.Join(thread[max(0, n-20):], " "))
	}
	header("Content-Language", language(p.Lang))
	header("MIME-Version", "1.0")
	header("Content-Type", `text/plain; charset=utf-8`)
	header("Content-Transfer-Encoding", "quoted-printable")
	b.WriteString("\r\n")
	text := strings.ReplaceAll(strings.ReplaceAll(p.Text, "\r\n", "\n"), "\r", "\n")
	w := quotedprintable.NewWriter(&b)
	if _, err := w.Write([]byte(strings.ReplaceAll(text, "\n", "\r\n"))); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if !bytes.HasSuffix(b.Bytes(), []byte("\r\n")) {
		b.WriteString("\r\n")
	}
	return b.Bytes(), nil
}

// maxWord is how long an encoded word may be, so that a line with a header's name
// before it is no longer than it should be.
const maxWord = 64

// words returns text for an unstructured header: as it is where it is plain ASCII,
// else as encoded words, each of whole characters.
func words(text string) string { return encode(mime.QEncoding, text) }

func encode(with mime.WordEncoder, text string) string {
	if with.Encode("utf-8", text) == text {
		return text
	}
	var all []string
	begin := 0
	for i, r := range text {
		if end := i + utf8.RuneLen(r); len(with.Encode("utf-8", "\u00e9"+text[begin:end])) > maxWord {
			all = append(all, one(with, text[begin:i]))
			begin = i
		}
	}
	return strings.Join(append(all, one(with, text[begin:])), " ")
}

// one returns text as one encoded word, also where it is plain ASCII: among others,
// blanks between plain words and encoded ones would count.
func one(with mime.WordEncoder, text string) string {
	if word := with.Encode("utf-8", text); word != text {
		return word
	}
	if with == mime.BEncoding {
		return "=?utf-8?b?" + base64.StdEncoding.EncodeToString([]byte(text)) + "?="
	}
	return "=?utf-8?q?" + strings.NewReplacer("=", "=3D", "?", "=3F", "_", "=5F", " ", "_").Replace(text) + "?="
}

// phrase returns a name as it may stand before an address.
func phrase(name string) string {
	if encoded := encode(mime.BEncoding, name); encoded != name {
		return encoded
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
}

// language returns a language tag, or nothing if it is none.
func language(lang string) string {
	if lang == "" || len(lang) > 8 || strings.Trim(lang, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "" {
		return ""
	}
	return lang
}

// bracketed returns an ID as headers have it. What isn't one, of a company for
// example, is refused: it must not become a header of its own.
func bracketed(id channel.MessageID) (string, error) {
	s := string(id)
	at := strings.LastIndexByte(s, '@')
	if len(s) > 250 || at < 1 || at == len(s)-1 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`<>()\,;"`, r) }) {
		return "", fault.Refuse(fault.Invalid, "message-id", "%q is no Message-ID", s)
	}
	return "<" + s + ">", nil
}

// fold breaks a header at blanks, so that its lines are as short as they can be.
func fold(line string) string {
	var b strings.Builder
	n := 0
	for i, word := range strings.Split(line, " ") {
		switch {
		case i == 0:
		case n+1+len(word) > 76 && n > 0 && i > 1:
			b.WriteString("\r\n ")
			n = 1
		default:
			b.WriteByte(' ')
			n++
		}
		b.WriteString(word)
		n += len(word)
	}
	return b.String() + "\r\n"
}

// told returns an error that a person can act on.
func told(kind error, text, hint string, args ...any) error {
	return fmt.Errorf("%w: %w", kind, fault.Tell(fault.Unavailable, fmt.Sprintf(text, args...), hint))
}
