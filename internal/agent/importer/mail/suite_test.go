package mail_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"firsthand/internal/agent/importer"
	"firsthand/internal/agent/importer/importertest"
	"firsthand/internal/agent/importer/mail"
	"firsthand/internal/agent/importer/passwords"
	"firsthand/internal/agent/importer/vcard"
)

// write writes a mailbox, as Thunderbird does.
func write(texts ...string) string {
	var b strings.Builder
	for _, text := range texts {
		b.WriteString("From - Thu Jan  1 12:00:00 2026\nDelivered-To: mia@hers.example\nFrom: " + word(text) + " <news@acme.example>\nDate: Thu, 1 Jan 2026 12:00:00 +0100\n" +
			"Subject: " + importertest.Secret + "\nContent-Type: text/plain\n\n" + importertest.Secret + "\nX: " + importertest.Secret + "\n\n>From here\n\n")
	}
	return b.String()
}

// word encodes a text as one word (RFC 2047), however long.
func word(text string) string {
	return "=?utf-8?b?" + base64.StdEncoding.EncodeToString([]byte(text)) + "?="
}

var fixture = importertest.Fixture{
	Format: mail.Format{},
	Others: append(passwords.Formats(), vcard.Format{}),
	Files:  []string{"testdata/all.mbox", "testdata/windows.mbox", "testdata/one.eml"},
	Write:  write,
}

func TestFormat(t *testing.T) { importertest.Run(t, fixture) }

func FuzzRead(f *testing.F)  { importertest.FuzzRead(f, fixture) }
func FuzzWrite(f *testing.F) { importertest.FuzzWrite(f, fixture) }

func BenchmarkRead(b *testing.B) { importertest.Benchmark(b, fixture, 10_000) }

var _ importer.Format = mail.Format{}
