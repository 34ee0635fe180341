package mail

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/textproto"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-message"
	"golang.org/x/net/html/charset"

	"firsthand"
)

// Bounds of one mail. What is beyond is not kept, and what was not kept is said.
const (
	MaxHeader      = 64 << 10
	MaxMail        = 150 << 20 // what is beyond is cut off
	maxDepth       = 8
	maxParts       = 300
	maxAttachments = 50
	maxAttached    = 120 << 20 // bytes, of all attachments
	maxText        = 128 << 10 // bytes
	maxReport      = 64 << 10  // of what a mail host says in a bounce
)

// A reading is one mail that is being read.
type reading struct {
	keep     func(io.Reader) (firsthand.Blob, error)
	out      Received
	parts    int
	attached int64
	report   bool
	cut      []string
}

// Read reads a mail whole, of which only so much is kept in memory as is returned. keep
// gets each attachment as a stream.
func Read(raw io.Reader, keep func(io.Reader) (firsthand.Blob, error)) (Received, error) {
	r := &reading{keep: keep}
	body := bufio.NewReader(io.LimitReader(source{raw}, MaxMail))
	head, err := topHeader(body)
	if err != nil {
		return r.out, err
	}
	h := header(head)
	r.report = bounce(&h)
	top := textproto.MIMEHeader{}
	for _, name := range []string{"Content-Type", "Content-Transfer-Encoding", "Content-Disposition"} {
		if v := h.Get(name); v != "" {
			top.Set(name, v)
		}
	}
	text, _, err := r.part(top, body, 0)
	if err != nil {
		return r.out, err
	}
	r.out.Text = text
	r.out.Cut = strings.Join(r.cut, "; ")
	return r.out, nil
}

// topHeader reads to the empty line, and returns the first MaxHeader bytes.
func topHeader(body *bufio.Reader) (head []byte, err error) {
	begin := true
	for {
		line, err := body.ReadSlice('\n')
		head = append(head, line[:min(len(line), MaxHeader-min(MaxHeader, len(head)))]...)
		switch {
		case err == bufio.ErrBufferFull:
		case err == io.EOF:
			return head, nil
		case err != nil:
			return nil, err
		case begin && (len(line) == 1 || len(line) == 2 && line[0] == '\r'):
			return head, nil
		}
		begin = err == nil
	}
}

// left says once that something was not kept.
func (r *reading) left(what string) {
	for _, c := range r.cut {
		if c == what {
			return
		}
	}
	r.cut = append(r.cut, what)
}

// part reads one part and returns its text, and whether that was written as text.
func (r *reading) part(h textproto.MIMEHeader, body io.Reader, depth int) (text string, plain bool, err error) {
	if r.parts++; r.parts > maxParts {
		r.left(fmt.Sprintf("it has more than %d parts", maxParts))
		return "", false, nil
	}
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		kind, params = guessType(h.Get("Content-Type")), nil
	}
	if strings.HasPrefix(kind, "multipart/") && params["boundary"] != "" {
		return r.multi(kind, params["boundary"], body, depth)
	}
	decoded := transfer(h, body)
	disposition, named, _ := mime.ParseMediaType(h.Get("Content-Disposition"))
	name := filename(named, params)
	switch {
	case r.report && (kind == "message/delivery-status" || kind == "message/rfc822" || kind == "text/rfc822-headers"):
		return "", false, r.bounced(kind, decoded)
	case disposition != "attachment" && (kind == "text/plain" || kind == "text/html") && (name == "" || depth == 0):
		text, err := r.text(kind, params["charset"], decoded)
		return text, kind == "text/plain", err
	}
	return "", false, r.attach(kind, name, decoded)
}

// multi reads the parts of one, and puts their text together; of alternatives the
// plain one counts.
func (r *reading) multi(kind, boundary string, body io.Reader, depth int) (string, bool, error) {
	if depth >= maxDepth {
		r.left(fmt.Sprintf("parts within parts, %d deep, are not read", maxDepth))
		return "", false, nil
	}
	var texts []string
	var best string
	bestPlain, plain := false, true
	m := multipart.NewReader(body, boundary)
	for r.parts <= maxParts {
		p, err := m.NextRawPart()
		if err == io.EOF { // and not one that wraps it: that is an end too soon
			break
		}
		if err != nil {
			if transport(err) {
				return "", false, err
			}
			r.left("it isn't whole, or not put together as mails are")
			break
		}
		text, isPlain, err := r.part(p.Header, p, depth+1)
		if err != nil {
			return "", false, err
		}
		if strings.TrimSpace(text) == "" {
			continue
		}
		if best == "" || isPlain && !bestPlain {
			best, bestPlain = text, isPlain
		}
		texts, plain = append(texts, text), plain && isPlain
	}
	if kind == "multipart/alternative" {
		return best, bestPlain, nil
	}
	joined := strings.Join(texts, "\n\n")
	if len(joined) > maxText {
		joined = joined[:maxText]
		r.left("its text is longer than what is kept")
	}
	return joined, plain && len(texts) > 0, nil
}

// transport reports whether an error is of where the mail comes from, and not of the
// mail.
func transport(err error) bool {
	var from *sourceError
	return errors.As(err, &from)
}

// A sourceError is an error of the reader that gives the mail.
type sourceError struct{ error }

func (e *sourceError) Unwrap() error { return e.error }

// A source marks the errors of where a mail comes from.
type source struct{ io.Reader }

func (s source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = &sourceError{err}
	}
	return n, err
}

// transfer undoes the transfer encoding. What can't be undone ends there.
func transfer(h textproto.MIMEHeader, body io.Reader) io.Reader {
	var only message.Header
	only.Set("Content-Type", "application/octet-stream")
	only.Set("Content-Transfer-Encoding", h.Get("Content-Transfer-Encoding"))
	e, err := message.New(only, body)
	if err != nil && !message.IsUnknownEncoding(err) {
		return body
	}
	return &lenient{e.Body}
}

// A lenient reader ends where its encoding is broken: what came before counts.
type lenient struct{ io.Reader }

func (l *lenient) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	if err != nil && err != io.EOF && !transport(err) {
		err = io.EOF
	}
	return n, err
}

// text reads text in any charset, up to maxText bytes of UTF-8.
func (r *reading) text(kind, label string, body io.Reader) (string, error) {
	limited := &io.LimitedReader{R: body, N: 4 * maxText} // HTML is mostly not text
	utf, err := charset.NewReaderLabel(label, limited)
	if label == "" || err != nil {
		utf = limited
	}
	var text string
	if kind == "text/html" {
		text = textOf(&lenient{utf}, maxText)
	} else {
		raw, err := io.ReadAll(io.LimitReader(&lenient{utf}, maxText+1))
		if err != nil {
			return "", err
		}
		text = string(raw)
	}
	if len(text) > maxText || limited.N == 0 {
		text = text[:min(len(text), maxText)]
		r.left("its text is longer than what is kept")
	}
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\ufffd")
	}
	return text, nil
}

var errTooMuch = errors.New("more than is kept")

// attach hands one attachment on.
func (r *reading) attach(kind, name string, body io.Reader) error {
	if len(r.out.Blobs) >= maxAttachments {
		r.left(fmt.Sprintf("it has more than %d attachments", maxAttachments))
		return nil
	}
	if name == "" {
		name = "attachment"
		if kind == "message/rfc822" {
			name = "mail.eml"
		}
	}
	counted := &counter{Reader: body, left: maxAttached - r.attached}
	b, err := r.keep(counted)
	if errors.Is(err, errTooMuch) {
		r.left(fmt.Sprintf("its attachments are more than %d MB", maxAttached>>20))
		return nil
	}
	if err != nil {
		return err
	}
	r.attached += b.Size
	b.Media, b.Name = kind, name
	r.out.Blobs = append(r.out.Blobs, b)
	return nil
}

// A counter fails when more comes than is left.
type counter struct {
	io.Reader
	left int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if c.left -= int64(n); c.left < 0 {
		return 0, errTooMuch
	}
	return n, err
}

// bounced reads what a mail host says of a mail of ours.
func (r *reading) bounced(kind string, body io.Reader) error {
	raw, err := io.ReadAll(io.LimitReader(body, maxReport))
	if err != nil {
		return err
	}
	if kind != "message/delivery-status" {
		h := header(raw)
		if id := oneID(h.Get("Message-Id")); id != "" && len(r.out.About) < maxThread {
			r.out.About = append(r.out.About, id)
		}
		return nil
	}
	for block := range bytes.SplitSeq(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")), []byte("\n\n")) {
		h := header(append(bytes.Clone(block), "\n\n"...))
		if action := strings.ToLower(strings.TrimSpace(h.Get("Action"))); action == "failed" {
			r.out.Failed = true
			r.out.Why = Clean(whyFailed(h.Get("Status"), afterSemicolon(h.Get("Diagnostic-Code"))))
		}
	}
	return nil
}

// whyFailed joins a status and what the server said, in which the status stands already
// more often than not.
func whyFailed(status, said string) string {
	if strings.Contains(" "+said+" ", " "+status+" ") {
		return said
	}
	return strings.TrimSpace(status + " " + said)
}

func afterSemicolon(s string) string {
	if _, after, ok := strings.Cut(s, ";"); ok {
		return strings.TrimSpace(after)
	}
	return s
}

// guessType returns the type that a broken header seems to mean.
func guessType(raw string) string {
	kind, _, _ := strings.Cut(strings.ToLower(raw), ";")
	switch kind = strings.TrimSpace(kind); kind {
	case "":
		return "text/plain"
	case "text/plain", "text/html":
		return kind
	}
	return "application/octet-stream"
}

// filename returns the name of an attachment: one line, no path.
func filename(disposition, kind map[string]string) string {
	name := disposition["filename"]
	if name == "" {
		name = kind["name"]
	}
	name = decoded(name)
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, name)
	name = strings.TrimLeft(name, ". ")
	if runes := []rune(name); len(runes) > 100 {
		name = string(runes[:60]) + "…" + string(runes[len(runes)-30:])
	}
	return name
}

// Tidy makes text inert, and leaves no more than one empty line in a row.
func Tidy(text string) string {
	var lines []string
	empty := 0
	for line := range strings.SplitSeq(Inert(strings.ReplaceAll(text, "\r\n", "\n")), "\n") {
		line = strings.TrimRight(line, " ")
		if empty++; line != "" {
			empty = 0
		}
		if empty < 2 {
			lines = append(lines, line)
		}
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}
