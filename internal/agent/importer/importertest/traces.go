package importertest

import (
	"errors"
	"runtime"
	"runtime/debug"
	"testing"

	"firsthand/internal/agent/importer"
	"firsthand/internal/needtest"
)

// traces looks for secrets in the memory of this process: in what is in use, and
// in garbage too, because that is as readable in a core dump or a swap file.
func traces(t testing.TB, f Fixture) {
	debug.FreeOSMemory() // what isn't there needn't be looked through

	// The way of looking finds what is there.
	n := newNeedle()
	kept := hide([]byte(string(n))) // from here on it is there as it is
	if inUse, _ := n.find(t); inUse == 0 {
		t.Fatal("a secret that is in memory isn't found")
	}
	clear(kept)
	runtime.KeepAlive(kept)

	for i, name := range f.Files {
		if i > 0 && !needtest.Big() {
			break
		}
		h := load(t, name)
		f.leavesNone(t, name+", at its last find", h, len(f.show(t, h.reader())), false, nil)
	}
	long := f.write(make([]string, 500)...) // more than is read at once
	f.leavesNone(t, "a file that was left at its first find", long, 1, true, nil)
	f.leavesNone(t, "a file that couldn't be read to its end", long[:len(long)*2/3], 0, false, errReader)
	if wide, ok := long.utf16(true); ok {
		// In UTF-16, so is what is looked for; it is put there below.
		f.leavesNone(t, "a file in UTF-16 that was left at its first find", wide, 1, true, nil)
	}
}

// leavesNone fails t unless the secrets of h, which has so many finds up to the
// one that counts, are gone from memory then, or after the loop has been left there,
// or, if readerErr isn't nil, after that.
func (f Fixture) leavesNone(t testing.TB, what string, h hidden, finds int, leave bool, readerErr error) {
	t.Helper()
	// What was in registers the system may have saved somewhere; that comes and
	// goes, while what was copied is there each time.
	for tries := 3; ; tries-- {
		n := newNeedle()
		r := h.with(n).reader()
		r.err = readerErr
		_, found, err := importer.Read(r, f.Format)
		if err != nil {
			t.Fatal(err)
		}
		var kept []importer.Found
		inUse, anywhere, looked := 0, 0, false
		for found, err := range found {
			kept = append(kept, found)
			if err != nil && errors.Is(err, errReader) {
				break
			}
			if finds == len(kept) && leave {
				break
			}
			if finds == len(kept) {
				inUse, anywhere = n.find(t)
				looked = true
			}
		}
		if !looked {
			inUse, anywhere = n.find(t)
		}
		runtime.KeepAlive(kept)
		if inUse+anywhere == 0 {
			return
		}
		if tries == 1 {
			t.Fatalf("%s: a secret is in memory, %d times in use and %d times in all", what, inUse, anywhere)
		}
	}
}
