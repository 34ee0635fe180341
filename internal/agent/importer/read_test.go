package importer_test

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"firsthand/fault"
	"firsthand/internal/agent/importer"
)

// words is a format for tests: each row is a title, and the first line is its name.
type words struct {
	name string
	sure int
	err  error
}

func (w words) Name() string { return w.name }

func (w words) Match(head []byte) (int, error) {
	if strings.HasPrefix(string(head), w.name+"\n") {
		return w.sure, w.err
	}
	return 0, nil
}

func (w words) Read(r io.Reader) iter.Seq2[importer.Found, error] {
	return func(yield func(importer.Found, error) bool) {
		all, err := io.ReadAll(r)
		if err != nil {
			yield(importer.Found{}, err)
			return
		}
		for _, line := range strings.Split(string(all), "\n") {
			if !yield(importer.Found{Title: line}, nil) {
				return
			}
		}
	}
}

// titles returns the titles that are found.
func titles(found iter.Seq2[importer.Found, error]) (all []string, err error) {
	for f, err := range found {
		if err != nil {
			return all, err
		}
		all = append(all, f.Title)
	}
	return all, nil
}

func TestRead(t *testing.T) {
	encrypted := fault.Tell(fault.Invalid, "This is encrypted.", "Choose another kind.")
	formats := []importer.Format{words{"a", 3, nil}, words{"a", 7, nil}, words{"b", 1, nil}, words{"b", 1, nil}, words{"c", 9, encrypted}}
	tests := []struct {
		name, file string
		want       string // the titles, or what is wrong
	}{
		{"the surest wins", "a\nx", "a|x"},
		{"a byte order mark", "\ufeffa\nx", "a|x"},
		{"half of a pair in UTF-16", "\xff\xfea\x00\n\x00\x3d\xd8x\x00", "a|\ufffdx"},
		{"an odd number of bytes in UTF-16", "\xfe\xff\x00a\x00\n\x00x\x00", "a|x\ufffd"},
		{"tie", "b\nx", "the file may be from each of b, b: Say which one it is from."},
		{"encrypted", "c\nx", "c: This is encrypted.: Choose another kind."},
		{"unknown", "d\nx", "This kind of file isn't known."},
		{"an unknown table", "when;what;how much\n1;2;3\n", "This is a table whose columns aren't known."},
		{"no table, though it has commas", "a,b\x00,c,d\n1,2,3,4\n", "This kind of file isn't known."},
		{"nothing", "", "There is nothing in this file."},
		{"blanks", "\ufeff \r\n\t\n", "There is nothing in this file."},
		{"zip", "PK\x03\x04a", "This is an archive (zip).: Unpack it, and bring the file that is in it."},
		{"KeePass", "\x03\xd9\xa2\x9a\x67", "This is a KeePass database, which is encrypted.: Open it in KeePassXC and choose Database, Export, CSV file."},
		{"a page", "<!DOCTYPE html>", "This is a web page."},
		{"no text", "a\n\x00", "This is no text file."},
	}
	for _, tt := range tests {
		for _, r := range []io.Reader{strings.NewReader(tt.file), iotest.OneByteReader(strings.NewReader(tt.file)), iotest.DataErrReader(strings.NewReader(tt.file))} {
			f, found, err := importer.Read(r, formats...)
			var got string
			if err == nil {
				all, err := titles(found)
				if err != nil {
					t.Fatal(err)
				}
				got = strings.Join(all, "|")
			} else if f != nil || found != nil || fault.KindOf(err) != fault.Invalid || fault.HintOf(err) == "" {
				t.Errorf("%s: %v, %v", tt.name, f, err)
			} else {
				got = fmt.Sprintf("%v: %s", err, fault.HintOf(err))
			}
			if !strings.HasPrefix(got, tt.want) {
				t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
			}
		}
	}

	_, _, err := importer.Read(strings.NewReader("b\n"), formats...)
	tie, ok := errors.AsType[*importer.Tie](err)
	if !ok || len(tie.Formats) != 2 {
		t.Fatalf("a tie: %v", err)
	}
	if _, _, err := importer.Read(strings.NewReader("b\n"), tie.Formats[0]); err != nil {
		t.Errorf("the format that was chosen: %v", err)
	}
}

func TestReadOnce(t *testing.T) {
	_, found, err := importer.Read(strings.NewReader("a\nx\ny"), words{"a", 1, nil})
	if err != nil {
		t.Fatal(err)
	}
	for range found {
		break
	}
	if all, err := titles(found); err == nil || len(all) > 0 {
		t.Errorf("a second loop finds %q, %v", all, err)
	}
}

func TestReaderThatGivesNothing(t *testing.T) {
	for _, file := range []string{"", "a\n", "\xff\xfe", "\xff\xfea\x00\n\x00" + strings.Repeat("x\x00", 5000), "a\n" + strings.Repeat("x", 5000)} {
		r := io.MultiReader(strings.NewReader(file), idle{})
		_, found, err := importer.Read(r, words{"a", 1, nil})
		if err == nil && found != nil {
			for _, err = range importer.Table(r, func([]string) func(*importer.Row) (importer.Found, bool) { return nil }) {
			}
		}
		if !errors.Is(err, io.ErrNoProgress) {
			t.Errorf("%.10q: %v, want %v", file, err, io.ErrNoProgress)
		}
	}
}

// idle has nothing, and no end.
type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

func TestUTF16(t *testing.T) {
	text := "a\n" + strings.Repeat("é日👩\U0010ffff\ud7ff\ue000x", 3000)
	want := strings.Split(text, "\n")
	for _, big := range []bool{false, true} {
		file := []byte{0xff, 0xfe}
		for _, u := range utf16.Encode([]rune(text)) {
			file = append(file, byte(u), byte(u>>8))
		}
		if big {
			file[0], file[1] = 0xfe, 0xff
			for i := 2; i < len(file); i += 2 {
				file[i], file[i+1] = file[i+1], file[i]
			}
		}
		for _, r := range []io.Reader{strings.NewReader(string(file)), iotest.OneByteReader(strings.NewReader(string(file))), iotest.HalfReader(strings.NewReader(string(file)))} {
			_, found, err := importer.Read(r, words{"a", 1, nil})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := titles(found); err != nil || !slices.Equal(got, want) {
				t.Errorf("read %.100q, %v", got, err)
			}
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"":                      "",
		"abc\r\n":               "abc\r\n",
		"日本":                    "日本",
		"B\xe4cker \x96 5 \x80": "Bäcker – 5 €",
		"\x81\x8d":              "\u0081\u008d",
		"a\x00b":                "a\ufffdb",
		"a\x00\xff":             "a\ufffdÿ",
		"\ufffd":                "\ufffd",
	} {
		if got := importer.Clean([]byte(in)); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestBadRow(t *testing.T) {
	var err error = fmt.Errorf("read: %w", &importer.BadRow{Row: 7, Why: "has no end"})
	if fault.KindOf(err) != fault.Invalid || err.Error() != "read: row 7: has no end" {
		t.Errorf("%v is %v", err, fault.KindOf(err))
	}
}

func TestSecretsAdd(t *testing.T) {
	s := importer.Secrets{Passwords: 1, Notes: 5}
	s.Add(importer.Secrets{Passwords: 1, OneTimeCodes: 2, Keys: 3, Cards: 4, Notes: 5})
	if want := (importer.Secrets{Passwords: 2, OneTimeCodes: 2, Keys: 3, Cards: 4, Notes: 10}); s != want {
		t.Errorf("%+v, want %+v", s, want)
	}
}
