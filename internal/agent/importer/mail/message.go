package mail

import (
	"bytes"
	"io"
	"mime"
	netmail "net/mail"
	"slices"
	"strings"
	"time"

	"firsthand/internal/agent/importer"
)

// most is how long a field of a header may be. What is beyond it is dropped.
const most = 64 << 10

// A message is what is wanted of a header. The first of several fields of a name
// counts: the last host on the way writes on top.
type message struct {
	row    int
	name   string // of the field being read
	value  []byte
	fields map[string]string
}

// wanted are the fields of which the value is read. Of List-Unsubscribe only that it
// is there: the link has a secret in it.
var wanted = []string{"from", "to", "delivered-to", "x-original-to", "envelope-to", "date", "authentication-results", "x-gmail-labels"}

func (m *message) begin(name string, value []byte) {
	m.end()
	if m.fields == nil {
		m.fields = make(map[string]string)
	}
	if name == "list-unsubscribe" {
		m.fields[name] = "yes"
	}
	if _, has := m.fields[name]; has || !slices.Contains(wanted, name) {
		return
	}
	m.name = name
	m.value = append(m.value[:0], value[:min(len(value), most)]...)
}

// fold adds a line to the field being read.
func (m *message) fold(line []byte) {
	if m.name != "" && len(m.value)+len(line) <= most {
		m.value = append(m.value, line...)
	}
}

// end ends the field being read.
func (m *message) end() {
	if m.name != "" {
		m.fields[m.name] = importer.Clean(bytes.TrimSpace(m.value))
		m.name = ""
	}
}

// found says who wrote, or why that can't be said. Kind is "" for what is none of a
// company's mails: her own, drafts, spam.
func (m *message) found() (f importer.Found, why string) {
	m.end()
	name, address := sender(m.fields["from"])
	if address == "" {
		return f, "has no sender"
	}
	if hasLabel(m.fields["x-gmail-labels"]) {
		return f, ""
	}
	_, domain, _ := strings.Cut(address, "@")
	f = importer.Found{Kind: importer.Wrote, Row: m.row, Title: name, URLs: []string{domain}, Mail: &importer.Mail{List: m.fields["list-unsubscribe"] != ""}}
	for _, to := range []string{"delivered-to", "x-original-to", "envelope-to", "to"} {
		if f.Login == "" {
			_, f.Login = sender(m.fields[to])
		}
	}
	if at, err := netmail.ParseDate(strings.TrimSpace(m.fields["date"])); err == nil && at.Year() > 1970 && at.Year() < 2200 {
		f.Used = at.UTC().Truncate(time.Second)
	}
	if results := m.fields["authentication-results"]; results != "" {
		f.Mail.Forged = !proved(results, domain)
	}
	return f, ""
}

// sender takes a mailbox of a header apart: its name, and its address, in lower case,
// "" if there is none.
func sender(s string) (name, address string) {
	raw := s
	if i := strings.LastIndexByte(s, '<'); i >= 0 {
		name, raw = s[:i], s[i+1:]
		if j := strings.IndexByte(raw, '>'); j >= 0 {
			raw = raw[:j]
		}
	} else if i := strings.IndexByte(raw, ','); i >= 0 {
		raw = raw[:i]
	}
	raw = strings.TrimSpace(raw)
	local, domain, ok := strings.Cut(raw, "@")
	if !ok || local == "" || !strings.Contains(domain, ".") || len(raw) > 320 || strings.ContainsAny(raw, " \t\"(),:;<>[]\\") || strings.ContainsAny(domain, "@/") {
		return "", ""
	}
	name = strings.TrimSpace(name)
	if n := len(name); n >= 2 && name[0] == '"' && name[n-1] == '"' {
		name = strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(name[1 : n-1])
	}
	return decode(name), strings.ToLower(raw)
}

// words decodes what a header has encoded (RFC 2047). A charset that nobody knows is
// read as what it most likely is.
var words = mime.WordDecoder{CharsetReader: func(_ string, r io.Reader) (io.Reader, error) {
	b, err := io.ReadAll(io.LimitReader(r, most))
	return strings.NewReader(importer.Clean(b)), err
}}

func decode(s string) string {
	if t, err := words.DecodeHeader(s); err == nil {
		return importer.Clean([]byte(t))
	}
	return s
}

// notHers are labels of Google Mail, in its languages, of what no company wrote to her.
var notHers = []string{"spam", "sent", "chat", "drafts", "gesendet", "entwürfe", "messages envoyés", "brouillons", "verzonden", "concepten", "enviados", "borradores"}

func hasLabel(labels string) bool {
	if labels == "" {
		return false
	}
	for _, l := range strings.Split(decode(labels), ",") {
		if slices.Contains(notHers, strings.ToLower(strings.Trim(strings.TrimSpace(l), `"`))) {
			return true
		}
	}
	return false
}

// proved reports whether what her mail host has found says that a mail is from a
// domain: signed by it (DKIM), or by its own policy (DMARC).
func proved(results, domain string) bool {
	domain = strings.ToLower(domain)
	for _, part := range strings.Split(strings.ToLower(results), ";") {
		part = strings.TrimSpace(part)
		switch {
		case strings.HasPrefix(part, "dmarc=pass"):
			return true
		case strings.HasPrefix(part, "dkim=pass"):
			for _, w := range strings.Fields(part) {
				key, value, _ := strings.Cut(w, "=")
				if key != "header.d" && key != "header.i" {
					continue
				}
				value = value[strings.LastIndexByte(value, '@')+1:]
				if value != "" && (domain == value || strings.HasSuffix(domain, "."+value) || strings.HasSuffix(value, "."+domain)) {
					return true
				}
			}
		}
	}
	return false
}
