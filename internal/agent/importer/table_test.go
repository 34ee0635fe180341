package importer_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"firsthand/internal/agent/importer"
)

// read returns the rows of a table, each as its line and its cells; of a bad one the
// line and the reason.
func read(file string, most int) (columns []string, rows []string) {
	r := iotest.OneByteReader(strings.NewReader(file))
	if most > 1 {
		r = strings.NewReader(file)
	}
	for f, err := range importer.Table(r, func(c []string) func(*importer.Row) (importer.Found, bool) {
		columns = c
		return func(row *importer.Row) (importer.Found, bool) {
			var cells []string
			for i := range c {
				cells = append(cells, row.Text(i))
			}
			row.Doubtful = row.Doubtful && cells[0] != "sure"
			return importer.Found{Title: fmt.Sprintf("%q", cells)}, true
		}
	}) {
		if err != nil {
			rows = append(rows, err.Error())
		} else {
			rows = append(rows, fmt.Sprintf("row %d: %s", f.Row, f.Title))
		}
	}
	return columns, rows
}

func TestTable(t *testing.T) {
	const quote, cells, open = "has a quote within a cell", "has not as many cells as the first row", "has a quote that isn't closed"
	const doubt = "may be a part of the row before it, which can't be read"
	tests := []struct {
		name, file string
		want       []string
	}{
		{"plain", "a,b\n1,2\n3,4\n", []string{`row 2: ["1" "2"]`, `row 3: ["3" "4"]`}},
		{"no line break at the end", "a,b\n1,2", []string{`row 2: ["1" "2"]`}},
		{"CRLF", "a,b\r\n1,2\r\n\"3\",\"4\"\r\n", []string{`row 2: ["1" "2"]`, `row 3: ["3" "4"]`}},
		{"semicolons", "a;b\n1,5;2\n", []string{`row 2: ["1,5" "2"]`}},
		{"tabs", "a\tb\n1\t 2\n", []string{`row 2: ["1" " 2"]`}},
		{"bars", "a|b\n1|\n", []string{`row 2: ["1" ""]`}},
		{"quotes", "a,b\n\"1,\"\"x\"\"\",\"\"\"\"\n", []string{`row 2: ["1,\"x\"" "\""]`}},
		{"line breaks in cells", "a,b\n\"1\r\n\n\",2\n3,4\n", []string{`row 2: ["1\r\n\n" "2"]`, `row 5: ["3" "4"]`}},
		{"blanks beside quotes", "a,b\n \"1\" , \"2\" \n", []string{`row 2: ["1" "2"]`}},
		{"blank lines", "\n\r\na,b\n\n1,2\n , \n\n3,4\n\n", []string{`row 5: ["1" "2"]`, `row 8: ["3" "4"]`}},
		{"one column", "a\n1\n", []string{`row 2: ["1"]`}},
		{"a header alone", "a,b", nil},
		{"too few, too many", "a,b\n1\n1,2,3\nsure,2\n3,4\n", []string{"row 2: " + cells, "row 3: " + cells, `row 4: ["sure" "2"]`, `row 5: ["3" "4"]`}},
		{"a quote in the middle", "a,b\n1\"x\",2\nsure,4\n", []string{"row 2: " + quote, `row 3: ["sure" "4"]`}},
		{"a quote after a cell", "a,b\n\"1\"x,2\nsure,4\n", []string{"row 2: " + quote, `row 3: ["sure" "4"]`}},
		{"a quote that isn't closed", "a,b\n\"1,2\nsure,4\n5,6\n", []string{"row 2: " + open, `row 3: ["sure" "4"]`, `row 4: ["5" "6"]`}},
		{"closed in another row", "a,b\n\"1,2\n\"sure\",4\n", []string{"row 2: " + quote, `row 3: ["sure" "4"]`}},
		{"the rest of a note", "a,b\n1,\"x\"y\np,q\nr,s\nsure,4\nt,u\n", []string{"row 2: " + quote, "row 3: " + doubt, "row 4: " + doubt, `row 5: ["sure" "4"]`, `row 6: ["t" "u"]`}},
		{"two quotes that swallow a row", "a,b\n\"1,2\n\",4\nsure,6\n", []string{"row 2: a quote runs on into other rows", "row 3: " + open, `row 4: ["sure" "6"]`}},
		{"two quotes that swallow several", "a,b\n1,\"2\n3,4\n5,\"\nsure,6\n", []string{"row 2: a quote runs on into other rows", "row 3: " + doubt, "row 4: " + open, `row 5: ["sure" "6"]`}},
		{"a line break in the last cell", "a,b\n1,\"2\n3\"\n", []string{`row 2: ["1" "2\n3"]`}},
		{"too many cells", "a,b\n" + strings.Repeat(",", 2000) + "\nsure,2\n", []string{"row 2: has too many cells", `row 3: ["sure" "2"]`}},
		{"too long", "a,b\n1," + strings.Repeat("x", importer.RowLimit) + "\nsure,2\n", []string{"row 2: is too long, or a quote isn't closed", `row 3: ["sure" "2"]`}},
		{"a quote over more than a row may have", "a,b\n\"1,2\nsure,3\n" + strings.Repeat(strings.Repeat("y", 1023)+"\n", importer.RowLimit>>10), nil},
		{"NUL", "a,b\n1\x00,2\n", []string{`row 2: ["1�" "2"]`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for most := range 2 {
				columns, rows := read(tt.file, most+1)
				if strings.HasPrefix(tt.name, "a quote over") {
					rows, tt.want = rows[:2], []string{"row 2: is too long, or a quote isn't closed", `row 3: ["sure" "3"]`}
				}
				if !slices.Equal(rows, tt.want) {
					t.Errorf("rows\n%q, want\n%q", rows, tt.want)
				}
				if want := []string{"a", "b"}[:len(columns)]; !slices.Equal(columns, want) || len(columns) == 0 {
					t.Errorf("columns %q", columns)
				}
			}
		})
	}
}

func TestColumns(t *testing.T) {
	for head, want := range map[string][]string{
		"Name,URL\nx,y":                         {"name", "url"},
		"\r\n\"Name\" ; \"Last Modified\"\r\n":  {"name", "last modified"},
		"a,b;c;d\n":                             {"a,b", "c", "d"},
		"a":                                     {"a"},
		"\"a,b\nc":                              nil,
		strings.Repeat("x", importer.HeadSize):  nil,
		strings.Repeat("x,", importer.HeadSize): nil,
	} {
		if got := importer.Columns([]byte(head)); !slices.Equal(got, want) {
			t.Errorf("Columns(%.40q) = %q, want %q", head, got, want)
		}
	}
}

func TestNoHeader(t *testing.T) {
	for _, file := range []string{"", "\n\n", "\"a"} {
		if _, rows := read(file, 100); len(rows) != 1 || rows[0] != "This file has no header." {
			t.Errorf("%q: %q", file, rows)
		}
	}
}

// Whatever is in a table, its rows come in order, with as many cells as there are
// columns, and the same in small pieces.
func FuzzTable(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "a;b\n\"1\";\"2\n\"\n", "\"a\",\"b\"\r\n\"\"\"\",x\r\n", "a\tb\n\"1\n", "a|b\n|\n||\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, file string) {
		if len(file) > 10_000 {
			return
		}
		_, rows := read(file, 100)
		_, again := read(file, 1)
		if !slices.Equal(rows, again) {
			t.Errorf("at once %q\n in pieces %q", rows, again)
		}
		if len(rows) > len(file)+1 {
			t.Errorf("%d rows in %d bytes", len(rows), len(file))
		}
	})
}

// What a file is, is decided without panic or hang, whatever its first bytes are.
func FuzzRead(f *testing.F) {
	for _, s := range []string{"a\n", "\xff\xfea\x00\n\x00", "\xfe\xff\xd8\x00", "\xef\xbb\xbfa\n", "PK\x03\x04"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		_, found, err := importer.Read(iotest.OneByteReader(strings.NewReader(string(file))), words{"a", 1, nil})
		if err != nil {
			return
		}
		got, err := titles(found)
		if err != nil || len(got) == 0 || got[0] != "a" {
			t.Errorf("%q: %q, %v", file, got, err)
		}
	})
}
