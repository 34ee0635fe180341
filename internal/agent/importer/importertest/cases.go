package importertest

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"

	"firsthand/internal/agent/importer"
	"firsthand/internal/needtest"
)

var update = flag.Bool("update", false, "write what is found into the .want files of importers")

var errReader = errors.New("the reader has an error")

// all returns all files, and those that Write writes.
func (f Fixture) all(t testing.TB) map[string]hidden {
	t.Helper()
	files := map[string]hidden{"written": f.write("one", "two", "three")}
	for _, name := range f.Files {
		files[name] = load(t, name)
	}
	return files
}

func (f Fixture) write(texts ...string) hidden { return hide([]byte(f.Write(texts...))) }

// fixture holds that the files try what has to be tried.
func fixture(t testing.TB, f Fixture) {
	if len(f.Files) == 0 || f.Write == nil || f.Format.Name() == "" {
		t.Fatal("a fixture needs a format with a name, files, and Write")
	}
	resumed, secrets := false, false
	for _, name := range f.Files {
		h := load(t, name)
		secrets = secrets || bytes.Contains(h, hide([]byte(Secret)))
		bad := false
		for _, line := range f.show(t, h.reader()) {
			isBad := strings.Contains(line, " bad: ")
			resumed = resumed || bad && !isBad && !strings.HasPrefix(line, "error")
			bad = bad || isBad
		}
	}
	if !resumed {
		t.Errorf("no file has a bad row, and a good one after it")
	}
	if has := strings.Contains(f.Write("x"), Secret); has != secrets {
		t.Errorf("Write writes secrets: %t; the files have some: %t", has, secrets)
	}
}

func wanted(t testing.TB, f Fixture) {
	for _, name := range f.Files {
		lines := f.show(t, load(t, name).reader())
		f.reveals(t, lines)
		got := strings.Join(lines, "\n") + "\n"
		if *update {
			if err := os.WriteFile(name+".want", []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name + ".want")
		if err != nil {
			t.Fatal(err)
		}
		same(t, name, strings.Split(got, "\n"), strings.Split(string(want), "\n"))
	}
	var got []string
	_, found, err := importer.Read(f.write("one", "two", "three").reader(), f.Format)
	if err != nil {
		t.Fatal(err)
	}
	for found, err := range sound(t, found) {
		if err != nil {
			t.Fatalf("a file as written: %v", err)
		}
		got = append(got, f.text(found))
	}
	same(t, "written", got, []string{"one", "two", "three"})
}

// same fails t unless got and want are the same.
func same(t testing.TB, what string, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		var g, w string
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Fatalf("%s: find %d\n got %.1000s\nwant %.1000s", what, i+1, g, w)
		}
	}
}

func encodings(t testing.TB, f Fixture) {
	for name, h := range f.all(t) {
		chosen, found, err := importer.Read(h.reader(), append([]importer.Format{f.Format}, f.Others...)...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for range found {
			break
		}
		if chosen.Name() != f.Format.Name() {
			t.Errorf("%s is taken for %s, want %s", name, chosen.Name(), f.Format.Name())
		}
		want := f.show(t, h.reader())
		if h[0] == 0xff^mask || h[0] == 0xfe^mask {
			continue // it is UTF-16
		}
		bom := hide([]byte("\xef\xbb\xbf"))
		bare := bytes.TrimPrefix(h, bom)
		same(t, name+" without a byte order mark", f.show(t, hidden(bare).reader()), want)
		same(t, name+" with a byte order mark", f.show(t, hidden(slices.Concat(bom, bare)).reader()), want)
		for _, big := range []bool{false, true} {
			if h, ok := h.utf16(big); ok {
				same(t, name+" in UTF-16", f.show(t, h.reader()), want)
			}
		}
		// Line breaks within texts come as they are, so they are left out here.
		cr, lf := hide([]byte("\r")), hide([]byte("\n"))
		dos := bytes.ReplaceAll(bytes.ReplaceAll(h, cr, nil), lf, slices.Concat(cr, lf))
		plain := func(lines []string) []string {
			for i := range lines {
				lines[i] = strings.ReplaceAll(lines[i], `\r`, "")
				if before, _, ok := strings.Cut(lines[i], "… of "); ok {
					lines[i] = before
				}
			}
			return lines
		}
		same(t, name+" with CRLF", plain(f.show(t, hidden(dos).reader())), plain(slices.Clone(want)))
	}
}

func repeatable(t testing.TB, f Fixture) {
	for name, h := range f.all(t) {
		want := f.show(t, h.reader())
		same(t, name+" again", f.show(t, h.reader()), want)
		for _, most := range []int{1, 7, 1000} {
			r := h.reader()
			r.most = most
			same(t, name+" in small pieces", f.show(t, r), want)
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { same(t, name+" at the same time", f.show(t, h.reader()), want) })
		}
		wg.Wait()
	}
}

func hostile(t testing.TB, f Fixture) {
	texts := f.hostile()
	if 2*len(texts) < len(hostileTexts) {
		t.Errorf("%d of %d hostile texts can't be tried", len(hostileTexts)-len(texts), len(hostileTexts))
	}
	for _, text := range texts {
		f.comesBack(t, "before", text, "after")
	}
	f.comesBack(t, texts...)
}

// comesBack fails t unless a file with the texts in its rows gives these texts.
func (f Fixture) comesBack(t testing.TB, texts ...string) {
	t.Helper()
	_, found, err := importer.Read(strings.NewReader(f.Write(texts...)), f.Format)
	if err != nil {
		t.Fatalf("%s: %v", short(texts), err)
	}
	var got []string
	for found, err := range sound(t, found) {
		if err != nil {
			t.Errorf("%s: %v", short(texts), err)
			continue
		}
		got = append(got, f.text(found))
	}
	if !slices.Equal(got, texts) {
		t.Errorf("wrote %s\n read %s", short(texts), short(got))
	}
}

// short returns texts for a message, the first that aren't long.
func short(texts []string) string {
	s := fmt.Sprintf("%q", texts)
	return s[:min(len(s), 500)]
}

func cutOff(t testing.TB, f Fixture) {
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // as in broken
	for name, h := range f.all(t) {
		whole := f.show(t, h.reader())
		for n := 0; n < len(h); n += max(1, len(h)/300) {
			got := f.show(t, h[:n].reader())
			same := 0
			for same < len(got) && same < len(whole) && got[same] == whole[same] {
				same++
			}
			finds := 0
			for _, line := range got[same:] {
				if !strings.Contains(line, " bad: ") && !strings.HasPrefix(line, "error: invalid") {
					finds++ // the last one, with something of it cut off
				}
			}
			if finds > 1 {
				t.Fatalf("%s after %d bytes gives %d finds that aren't in it: %s", name, n, finds, short(got[same:]))
			}
			f.reveals(t, got)
		}
	}
}

// reveals fails t if something of lines has to do with a secret.
func (f Fixture) reveals(t testing.TB, lines []string) {
	t.Helper()
	for _, line := range lines {
		if strings.Contains(line, Secret) {
			t.Fatalf("a secret comes out: %.1000s", line)
		}
	}
}

// broken breaks each byte of the second of four rows in many ways.
func broken(t testing.TB, f Fixture) {
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // thousands of files, of which nothing is kept
	texts := []string{"one", "two", "three", "four"}
	whole := []byte(f.Write(texts...))
	from, to := len(f.Write(texts[:1]...)), len(f.Write(texts[:2]...))
	if f.Fragile {
		from = 0
	}
	read := func(b []byte) {
		t.Helper()
		got := f.show(t, bytes.NewReader(b))
		f.reveals(t, got)
		for _, line := range got {
			if bad := strings.Contains(line, " bad: ") || strings.HasPrefix(line, "error"); bad && (strings.Contains(line, "two") || strings.Contains(line, "three")) {
				t.Fatalf("an error has a text of the file: %s", line)
			}
		}
		if f.Fragile {
			return
		}
		if last := got[len(got)-1]; strings.Contains(last, " bad: ") || !strings.Contains(last, `"four"`) {
			t.Fatalf("what breaks the second row costs the fourth: %q\n%s", b, short(got))
		}
	}
	by := "\",\n\\"
	if needtest.Big() {
		by = "\"',;|\t\n\r \\:=.[]{}x0\x00\xff"
	}
	for i := from; i < to; i++ {
		read(slices.Delete(slices.Clone(whole), i, i+1))
		for _, c := range []byte(by) {
			read(slices.Insert(slices.Clone(whole), i, c))
			if whole[i] != c {
				b := slices.Clone(whole)
				b[i] = c
				read(b)
			}
		}
	}
	// What breaks the beginning may cost everything, but no secret.
	for i := range from {
		f.reveals(t, f.show(t, bytes.NewReader(slices.Delete(slices.Clone(whole), i, i+1))))
		for _, c := range []byte(by) {
			f.reveals(t, f.show(t, bytes.NewReader(slices.Insert(slices.Clone(whole), i, c))))
		}
	}
}

func readerFails(t testing.TB, f Fixture) {
	for name, h := range f.all(t) {
		want := f.show(t, h.reader())
		for n := 0; n <= len(h); n += max(1, len(h)/20) {
			r := h[:n].reader()
			r.err = errReader
			_, found, err := importer.Read(r, f.Format)
			if err != nil {
				if !errors.Is(err, errReader) {
					t.Errorf("%s, an error after %d bytes: %v", name, n, err)
				}
				continue
			}
			var last error
			var got []string
			for found, err := range sound(t, found) {
				last = err
				got = append(got, Show(found, err))
			}
			if !errors.Is(last, errReader) {
				t.Fatalf("%s, an error after %d bytes: it ends with %v", name, n, last)
			}
			got = got[:len(got)-1]
			if len(got) > len(want) {
				t.Fatalf("%s, an error after %d bytes: more is found than without", name, n)
			}
			same(t, name+", cut off by an error", got, want[:len(got)])
		}
	}
}

func left(t testing.TB, f Fixture) {
	for name, h := range f.all(t) {
		want := f.show(t, h.reader())
		for n := 1; n <= len(want); n++ {
			r := h.reader()
			_, found, err := importer.Read(r, f.Format)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			reads := 0
			for found, err := range sound(t, found) {
				if got = append(got, Show(found, err)); len(got) == n {
					reads = r.reads
					break
				}
			}
			same(t, name+", left in the middle", got, want[:n])
			if r.reads != reads {
				t.Errorf("%s: after the loop has been left, the file is read on", name)
			}
			for _, err := range found {
				if err == nil {
					t.Errorf("%s: the rest is found in a second loop", name)
				}
			}
		}
	}
}
