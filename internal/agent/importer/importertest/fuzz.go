package importertest

import (
	"bytes"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"firsthand/fault"
	"firsthand/internal/agent/importer"
)

// FuzzRead reads files that were broken in any way: nothing panics or hangs, what is
// found is as it must be, and no more memory is used than the size of the file lets
// one expect.
func FuzzRead(f *testing.F, fixtures ...Fixture) {
	var formats []importer.Format
	for _, fix := range fixtures {
		formats = append(formats, fix.Format)
		for _, name := range fix.Files {
			if h := load(f, name); len(h) < 16<<10 {
				f.Add(h.open())
			}
		}
		f.Add([]byte(strings.ReplaceAll(fix.Write("one", "two"), Secret, "x")))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		finds := 0
		_, found, err := importer.Read(bytes.NewReader(file), formats...)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Fatal(err)
			}
			return
		}
		for range sound(t, found) {
			finds++
		}
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > uint64(1<<20+1000*len(file)) {
			t.Errorf("a file of %d bytes takes %d bytes of memory", len(file), used)
		}
		if finds > len(file)+1 {
			t.Errorf("%d finds in a file of %d bytes", finds, len(file))
		}
	})
}

// FuzzWrite writes rows with any texts: each comes back, and no secret does.
func FuzzWrite(f *testing.F, fixtures ...Fixture) {
	for i, text := range hostileTexts {
		if len(text) < 1000 {
			f.Add(text, hostileTexts[(i+1)%len(hostileTexts)])
		}
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		for _, text := range []string{one, two} {
			if !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\r") || text == "" || strings.Contains(text, Secret) {
				return
			}
			if strings.Contains(text, "\n") && strings.ContainsAny(text, ",") {
				return // it may look like rows that a stray quote has swallowed
			}
		}
		for _, fix := range fixtures {
			if fix.Can != nil && (!fix.Can(one) || !fix.Can(two)) {
				continue
			}
			fix.comesBack(t, one, two, "end")
			fix.reveals(t, fix.show(t, strings.NewReader(fix.Write(one, two))))
		}
	})
}
