package vcard_test

import (
	"strings"
	"testing"

	"firsthand/internal/agent/importer"
	"firsthand/internal/agent/importer/importertest"
	"firsthand/internal/agent/importer/passwords"
	"firsthand/internal/agent/importer/vcard"
)

// write writes cards of version 4.0, folded as the RFC says.
func write(texts ...string) string {
	var b strings.Builder
	escape := strings.NewReplacer(`\`, `\\`, "\n", `\n`, ",", `\,`, ";", `\;`)
	for _, text := range texts {
		line := "FN:" + escape.Replace(text)
		b.WriteString("BEGIN:VCARD\r\nNOTE:" + importertest.Secret + "\r\nPHOTO:data:image/jpeg;base64," + importertest.Secret + "\r\nVERSION:4.0\r\n")
		for len(line) > 75 {
			b.WriteString(line[:75] + "\r\n") // in the middle of a character too, as some do
			line = " " + line[75:]
		}
		b.WriteString(line + "\r\nTEL;TYPE=cell:1\r\nEND:VCARD\r\n")
	}
	return b.String()
}

var fixture = importertest.Fixture{
	Format: vcard.Format{},
	Others: passwords.Formats(),
	Files:  []string{"testdata/apple.vcf", "testdata/old.vcf", "testdata/four.vcf"},
	Write:  write,
}

func TestFormat(t *testing.T) { importertest.Run(t, fixture) }

func FuzzRead(f *testing.F)  { importertest.FuzzRead(f, fixture) }
func FuzzWrite(f *testing.F) { importertest.FuzzWrite(f, fixture) }

func BenchmarkRead(b *testing.B) { importertest.Benchmark(b, fixture, 10_000) }

var _ importer.Format = vcard.Format{}
