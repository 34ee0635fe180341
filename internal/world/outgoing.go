package world

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"slices"
	"strings"
	"time"
)

// genuine is what her host says of a mail that a domain has sent.
func genuine(domain string) string {
	return fmt.Sprintf("spf=pass smtp.mailfrom=%s; dkim=pass header.d=%s; dmarc=pass header.from=%s", domain, domain, domain)
}

// An outgoing mail is one that somebody else writes to her.
type outgoing struct {
	from          mail.Address
	to, of, kind  string
	subject, text string
	at            time.Time
	auto          bool
	file          string // the name of an attachment
	data          []byte
}

// write returns the mail as it goes. The same is written the same.
func (o *outgoing) write() []byte {
	sum := sha256.Sum256([]byte(o.of + o.kind + o.from.Address + o.at.String()))
	var b bytes.Buffer
	header := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, value) }
	header("From", o.from.String())
	header("To", o.to)
	header("Subject", mime.QEncoding.Encode("utf-8", o.subject))
	header("Date", o.at.Format(time.RFC1123Z))
	header("Message-ID", "<"+hex.EncodeToString(sum[:12])+"@"+domainOf(o.from.Address)+">")
	if o.of != "" {
		header("In-Reply-To", "<"+o.of+">")
		header("References", "<"+o.of+">")
	}
	if o.auto {
		header("Auto-Submitted", "auto-replied")
	}
	header("MIME-Version", "1.0")
	part := textproto.MIMEHeader{"Content-Type": {"text/plain; charset=utf-8"}, "Content-Transfer-Encoding": {"quoted-printable"}}
	plain := func(b *bytes.Buffer) {
		q := quotedprintable.NewWriter(b)
		q.Write([]byte(strings.ReplaceAll(o.text, "\n", "\r\n") + "\r\n")) // to memory, where nothing fails; likewise below
		q.Close()
	}
	if o.file == "" {
		for _, name := range []string{"Content-Type", "Content-Transfer-Encoding"} {
			header(name, part.Get(name))
		}
		b.WriteString("\r\n")
		plain(&b)
		return b.Bytes()
	}
	var text bytes.Buffer
	plain(&text)
	m := multipart.NewWriter(&b)
	m.SetBoundary(hex.EncodeToString(sum[12:]))
	header("Content-Type", "multipart/mixed; boundary="+m.Boundary())
	b.WriteString("\r\n")
	first, _ := m.CreatePart(part)
	first.Write(text.Bytes())
	second, _ := m.CreatePart(textproto.MIMEHeader{"Content-Type": {"application/json; name=" + o.file}, "Content-Transfer-Encoding": {"base64"},
		"Content-Disposition": {"attachment; filename=" + o.file}})
	for line := range slices.Chunk([]byte(base64.StdEncoding.EncodeToString(o.data)), 76) {
		second.Write(append(line, "\r\n"...))
	}
	m.Close()
	return b.Bytes()
}
