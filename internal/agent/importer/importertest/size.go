package importertest

import (
	"io"
	"runtime"
	"strings"
	"testing"

	"firsthand/internal/agent/importer"
	"firsthand/internal/needtest"
)

// A stream is a file of any size: that which Write writes for one row, with what
// it writes for another put in again and again.
type stream struct {
	row, tail string
	rows      int    // still to be put in
	rest      string // of what is being read
	read      int64
	ended     bool
}

func (f Fixture) stream(rows int) *stream {
	one, two := f.Write("row"), f.Write("row", "row")
	n := 0
	for n < len(one) && one[n] == two[n] {
		n++
	}
	return &stream{rows: rows - 1, rest: one[:n], row: two[n : n+len(two)-len(one)], tail: one[n:]}
}

// size is how long the whole stream is.
func (s *stream) size() int64 { return int64(len(s.rest) + s.rows*len(s.row) + len(s.tail)) }

func (s *stream) Read(p []byte) (n int, err error) {
	for n < len(p) {
		for s.rest == "" {
			switch {
			case s.rows > 0:
				s.rows--
				s.rest = s.row
			case !s.ended:
				s.ended = true
				s.rest = s.tail
			default:
				if n == 0 {
					return 0, io.EOF
				}
				return n, nil
			}
		}
		k := copy(p[n:], s.rest)
		s.rest = s.rest[k:]
		s.read += int64(k)
		n += k
	}
	return n, nil
}

func streams(t testing.TB, f Fixture) {
	const rows = 10_000
	s := f.stream(rows)
	size := s.size()
	_, found, err := importer.Read(s, f.Format)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for found, err := range found {
		if err != nil || f.text(found) != "row" {
			t.Fatalf("row %d of a long file: %s", n+1, Show(found, err))
		}
		n++
		if ahead := s.read - size*int64(n)/rows; ahead > 128<<10 {
			t.Fatalf("at row %d %d bytes have been read ahead", n, ahead)
		}
	}
	if n != rows {
		t.Errorf("%d rows are found, want %d", n, rows)
	}
}

func bounded(t testing.TB, f Fixture) {
	rows := 30_000
	if needtest.Big() {
		rows = 1_000_000
	}
	inUse := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := inUse()
	_, found, err := importer.Read(f.stream(rows), f.Format)
	if err != nil {
		t.Fatal(err)
	}
	n, quarter := 0, int64(0)
	for _, err := range found {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n%(rows/4) != 0 {
			continue
		}
		used := inUse()
		if quarter == 0 {
			quarter = used
		}
		if used > quarter+256<<10 || used > before+1<<20 {
			t.Fatalf("after %d rows %d bytes are in use, after a quarter of all %d, before %d", n, used, quarter, before)
		}
	}
	if n != rows {
		t.Errorf("%d rows are found, want %d", n, rows)
	}

	// A row without an end costs no more than a row may.
	all := []string{"x", `"`, "a:b\n ", "\\", " ", "\n", `,`, `""`, "[", "=\n"}
	if !needtest.Big() {
		all = all[:3]
	}
	for _, endless := range all {
		one := f.Write("row")
		s := f.stream(2)
		head := len(s.rest)
		r := io.MultiReader(strings.NewReader(one[:head]), &stream{rows: 3 << 19 / len(endless), row: endless})
		most := int64(0)
		_, found, err := importer.Read(r, f.Format)
		if err != nil {
			t.Fatal(err)
		}
		before := inUse()
		bad := 0
		for _, err := range found {
			if bad++; err != nil && bad%100_000 == 1 {
				most = max(most, inUse()-before)
			}
		}
		if most > 8<<20 {
			t.Errorf("a row that goes on with %q takes %d bytes", endless, most)
		}
	}
}

// Benchmark reads a file of so many rows, again and again.
func Benchmark(b *testing.B, f Fixture, rows int) {
	b.SetBytes(f.stream(rows).size())
	b.ReportAllocs()
	for b.Loop() {
		_, found, err := importer.Read(f.stream(rows), f.Format)
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for _, err := range found {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != rows {
			b.Fatalf("%d rows, want %d", n, rows)
		}
	}
}
