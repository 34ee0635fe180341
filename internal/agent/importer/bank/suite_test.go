package bank_test

import (
	"encoding/xml"
	"html"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"firsthand/internal/agent/importer"
	"firsthand/internal/agent/importer/bank"
	"firsthand/internal/agent/importer/importertest"
	"firsthand/internal/agent/importer/passwords"
	"firsthand/internal/agent/importer/vcard"
)

const secret = importertest.Secret

// each returns what writes a file of a beginning, a row for each text, made of row by
// putting the text, escaped, in the place of %, and an end.
func each(begin, row, end string, escape func(string) string) func(texts ...string) string {
	return func(texts ...string) string {
		var b strings.Builder
		b.WriteString(strings.ReplaceAll(begin, "SECRET", secret))
		for _, text := range texts {
			b.WriteString(strings.Replace(strings.ReplaceAll(row, "SECRET", secret), "%", escape(text), 1))
		}
		b.WriteString(end)
		return b.String()
	}
}

func csv(text string) string { return `"` + strings.ReplaceAll(text, `"`, `""`) + `"` }

func xmlText(text string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(text))
	return b.String()
}

func isLine(text string) bool { return text != "" && !strings.ContainsAny(text, "\r\n") }

// isXML says which texts XML can have; encoding/xml makes one line break of each kind.
func isXML(text string) bool {
	for _, r := range text {
		if r != '\n' && r != '\t' && (unicode.Is(unicode.Cc, r) && r < 0x80 && r != 0x7f) || r == 0xfffe || r == 0xffff {
			return false
		}
	}
	return text != ""
}

var code = regexp.MustCompile(`\?\d\d`)

// format returns the format of that name.
func format(name string) importer.Format {
	for _, f := range bank.Formats() {
		if f.Name() == name {
			return f
		}
	}
	panic("no format " + name)
}

func fixtures() []importertest.Fixture {
	all := []importertest.Fixture{
		{Format: bank.OFX{}, Files: []string{"sgml.ofx", "xml.qfx"}, Can: isLine,
			Write: each("OFXHEADER:100\nDATA:OFXSGML\n\n<OFX><STMTRS><CURDEF>EUR<ACCTID>SECRET\n",
				"<STMTTRN><DTPOSTED>20260105<TRNAMT>-9.99<BANKACCTTO><ACCTID>SECRET</BANKACCTTO><NAME>%\n</STMTTRN>\n", "</STMTRS></OFX>\n", html.EscapeString)},
		{Format: bank.MT940{}, Files: []string{"german.sta", "dutch.940"}, Can: func(text string) bool { return isLine(text) && !code.MatchString(text) },
			Write: each(":20:X\r\n:25:SECRET\r\n:60F:C260101EUR1,00\r\n", ":61:2601050105D9,99NMSC\r\n:86:005?31SECRET?32%\r\n", ":62F:C260101EUR1,00\r\n", func(s string) string { return s })},
		{Format: bank.CAMT{}, Files: []string{"august.xml", "latin.xml", "bombs.xml"}, Can: isXML, Fragile: true,
			Write: each(`<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><Stmt>`,
				"<Ntry><Amt Ccy=\"EUR\">9.99</Amt><CdtDbtInd>DBIT</CdtDbtInd><BookgDt><Dt>2026-01-05</Dt></BookgDt><NtryDtls><TxDtls><RltdPties><Cdtr><Nm>%</Nm></Cdtr></RltdPties></TxDtls></NtryDtls></Ntry>\n",
				"</Stmt></BkToCstmrStmt></Document>", xmlText)},
		{Format: bank.Table{}, Files: []string{"german.csv", "english.csv", "dutch.csv", "french.csv", "spanish.tsv", "card.csv"}, Can: func(s string) bool { return s != "" },
			Write: each("Buchungstag;Empfänger;Betrag\n", "05.01.2026;%;-9,99\n", "", csv)},
		{Format: format("paypal"), Files: []string{"paypal.csv"}, Can: func(s string) bool { return s != "" },
			Write: each(`"Date","Time","TimeZone","Name","Type","Status","Currency","Gross","Fee","Net","From Email Address","To Email Address","Transaction ID"`+"\n",
				`"05/01/2026","10:00:00","CET",%,"Subscription Payment","Completed","EUR","-9,99","0,00","-9,99","mia@hers.example","pay@acme.example","X1"`+"\n", "", csv)},
		{Format: format("amazon"), Files: []string{"amazon.csv"}, Can: func(s string) bool { return s != "" },
			Write: each("Website,Order ID,Order Date,Currency,Total Owed,Shipping Address,Product Name\n", "%,1,2026-01-05T10:00:00Z,EUR,'9.99',SECRET,x\n", "", csv)},
		{Format: format("homebox"), Files: []string{"homebox.csv"}, Can: func(s string) bool { return s != "" },
			Write: each("HB.import_ref,HB.name,HB.purchase_price,HB.purchase_from,HB.purchase_date\n", "1,Lamp,9.99,%,2026-01-05\n", "", csv)},
	}
	for i := range all {
		for j := range all[i].Files {
			all[i].Files[j] = filepath.Join("testdata", all[i].Files[j])
		}
		for _, f := range append(append(bank.Formats(), passwords.Formats()...), vcard.Format{}) {
			if f.Name() != all[i].Format.Name() {
				all[i].Others = append(all[i].Others, f)
			}
		}
	}
	return all
}

func TestFormats(t *testing.T) {
	for _, f := range fixtures() {
		t.Run(f.Format.Name(), func(t *testing.T) { importertest.Run(t, f) })
	}
}

func TestAllHaveFixtures(t *testing.T) {
	for _, f := range bank.Formats() {
		if !slices.ContainsFunc(fixtures(), func(x importertest.Fixture) bool { return x.Format.Name() == f.Name() }) {
			t.Errorf("no fixture for %s", f.Name())
		}
	}
}

func FuzzRead(f *testing.F)  { importertest.FuzzRead(f, fixtures()...) }
func FuzzWrite(f *testing.F) { importertest.FuzzWrite(f, fixtures()...) }

// 10,000 rows of each format.
func BenchmarkRead(b *testing.B) {
	for _, f := range fixtures() {
		b.Run(f.Format.Name(), func(b *testing.B) { importertest.Benchmark(b, f, 10_000) })
	}
}

var _ importer.Mapped = bank.Table{}
