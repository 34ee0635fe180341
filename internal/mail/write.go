package mail

import (
	"bytes"
	"encoding/base64"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"

	"firsthand/fault"
)

// A Mail is a mail to be written.
type Mail struct {
	ID            MessageID
	From          string      // address
	Name          string      // before it, if there is one to show
	To            string      // address
	Thread        []MessageID // of mails before it, the oldest first
	Date          time.Time
	Lang          string
	Own           [][2]string // names and values of headers that say what it carries
	Subject, Text string
}

// Write returns a mail as it goes: one part of plain text in UTF-8, quoted-printable,
// in lines that are wrapped already. It is pure: the same again for the same.
func (m Mail) Write() ([]byte, error) {
	from, err := Address(m.From)
	if err != nil {
		return nil, err
	}
	to, err := Address(m.To)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	header := func(name, value string) {
		if value != "" {
			b.WriteString(fold(name + ": " + value))
		}
	}
	if name := Clean(m.Name); name != "" {
		header("From", phrase(name)+" <"+from+">")
	} else {
		header("From", from)
	}
	header("To", to)
	header("Subject", words(Clean(m.Subject)))
	header("Date", m.Date.Format(time.RFC1123Z))
	id, err := Bracketed(m.ID)
	if err != nil {
		return nil, err
	}
	header("Message-ID", id)
	var thread []string
	for _, t := range m.Thread {
		if id, err := Bracketed(t); err == nil { // a company's may be anything
			thread = append(thread, id)
		}
	}
	if n := len(thread); n > 0 {
		header("In-Reply-To", thread[n-1])
		header("References", strings.Join(thread[max(0, n-20):], " "))
	}
	for _, own := range m.Own {
		header(own[0], words(Clean(own[1])))
	}
	header("Content-Language", language(m.Lang))
	header("MIME-Version", "1.0")
	header("Content-Type", `text/plain; charset=utf-8`)
	header("Content-Transfer-Encoding", "quoted-printable")
	b.WriteString("\r\n")
	text := strings.ReplaceAll(strings.ReplaceAll(m.Text, "\r\n", "\n"), "\r", "\n")
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

// Bracketed returns an ID as headers have it. What isn't one, of a company for
// example, is refused: it must not become a header of its own.
func Bracketed(id MessageID) (string, error) {
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

// Address returns one plain mail address, as it may stand in an envelope and a
// header: ASCII, without name, comment, quotes or route. Lists write addresses in
// many ways, and what is not one is refused.
func Address(raw string) (string, error) {
	bad := fault.Tell(fault.Invalid, Clean(raw)+" is no mail address that can be written to", "one address: name@example.org")
	raw = strings.TrimSpace(raw)
	if len(raw) > 254 || strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r > '~' }) || strings.ContainsAny(raw, `<>()[]\,;:"`) {
		return "", bad
	}
	a, err := mail.ParseAddress(raw)
	if err != nil || a.Address != raw {
		return "", bad
	}
	local, domain, _ := strings.Cut(raw, "@")
	if len(local) > 64 || !strings.Contains(domain, ".") && domain != "localhost" {
		return "", bad
	}
	return raw, nil
}
