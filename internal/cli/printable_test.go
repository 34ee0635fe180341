package cli_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"firsthand/internal/cli"
)

func TestPrintable(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain", "Zoë Müller, Šumava 東京", "Zoë Müller, Šumava 東京"},
		{"colour", "\x1b[31;1mred\x1b[0m", "red"},
		{"clear screen, go home", "a\x1b[2J\x1b[Hb", "ab"},
		{"eight-bit control sequence", "a\u009b2Jb", "ab"},
		{"title: its text stays in sight", "\x1b]0;owned\x07x", "]0;ownedx"},
		{"link", "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\", "]8;;https://evil.example\\click]8;;\\"},
		{"one escape inside another", "\x1b\x1b[31m[2J", "[2J"},
		{"begin of a sequence without end", "\x1b[31", "[31"},
		{"carriage return over our text", "refused\rapplied", "refusedapplied"},
		{"backspaces", "no\b\byes", "noyes"},
		{"lines and tabs", "a\nb\r\nc\td\u2028e", "a b c d e"},
		{"bidi override", "a\u202egpj.exe\u202c\u2066\u2069\u200f\u061c", "agpj.exe"},
		{"invisible", "ac\u200bme\u2060\ufeff\u00ad", "acme"},
		{"tags and variation selectors", "hi\U000e0041\U000e007f\U000e0100", "hi"},
		{"joiners that languages and emoji need", "می\u200cخواهم 👩\u200d👧 ❤\ufe0f", "می\u200cخواهم 👩\u200d👧 ❤\ufe0f"},
		{"not UTF-8", "a\xff\xc0b", "a\uFFFDb"},
		{"raw eight-bit control byte", "a\x9b2Jb", "a\uFFFD2Jb"},
		{"NUL", "a\x00b", "ab"},
		{"nothing", "", ""},
	}
	for _, tt := range tests {
		if got := cli.Printable(tt.in); got != tt.want {
			t.Errorf("%s: Printable(%q) = %q, want %q", tt.name, tt.in, got, tt.want)
		}
	}
}

func TestPrintableLines(t *testing.T) {
	tests := []struct{ in, want string }{
		{"one", "> one\n"},
		{"one\ntoy: Passphrase: \n\nthree\r\n", "> one\n> toy: Passphrase: \n> \n> three\n"},
		{"a\vb\fc\u2029d", "> a\n> b\n> c\n> d\n"},
		{"", "> \n"},
	}
	for _, tt := range tests {
		if got := cli.PrintableLines(tt.in, "> "); got != tt.want {
			t.Errorf("PrintableLines(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestTable(t *testing.T) {
	got := cli.Table(
		[]string{"COMPANY", "STATE"},
		[]string{"Acme\tLtd\n", "applied"},
		[]string{"\x1b[2JZoë", "sent", "day 3"})
	want := "COMPANY   STATE\nAcme Ltd  applied\nZoë       sent     day 3\n"
	if got != want {
		t.Errorf("Table = %q, want %q", got, want)
	}
}

func FuzzPrintable(f *testing.F) {
	for _, s := range []string{"\x1b[31mred", "\x1b\x1b[1m[2J", "a\u202eb\n", "\xff\u009b0m", "\x1b]0;t\x07", "\r\r\n\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, got := range []string{cli.Printable(s), strings.TrimSuffix(cli.PrintableLines(s, ""), "\n")} {
			if !utf8.ValidString(got) {
				t.Fatalf("%q: not UTF-8", got)
			}
			for _, r := range got {
				if unicode.IsControl(r) && r != '\n' || unicode.Is(unicode.Bidi_Control, r) {
					t.Fatalf("%q: left %U in %q", s, r, got)
				}
			}
		}
		once := cli.Printable(s)
		if strings.Contains(once, "\n") || cli.Printable(once) != once {
			t.Fatalf("Printable(%q) = %q, which is not one line or not printable", s, once)
		}
	})
}
