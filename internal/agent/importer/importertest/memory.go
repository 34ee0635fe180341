package importertest

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"
)

// find returns in how many places n is in the memory of this process: in what is
// in use, by a dump of the heap, the stacks and the variables; and where the system
// shows it, in what isn't used any more as well.
func (n needle) find(t testing.TB) (inUse, anywhere int) {
	t.Helper()
	// Copying something else takes it out of the registers.
	copy(make([]byte, 4<<10), make([]byte, 4<<10))
	// By writing the dump more memory is used; what garbage has is to be seen first.
	anywhere = n.findAnywhere(t)
	name := filepath.Join(t.TempDir(), "heap")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	runtime.GC()
	debug.WriteHeapDump(f.Fd())
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	inUse = n.search(t, f)
	return inUse, anywhere
}

// search counts n in r. Its buffer is empty afterwards.
func (n needle) search(t testing.TB, r io.Reader) (count int) {
	t.Helper()
	b := make([]byte, 64<<10)
	defer clear(b)
	kept := 0
	for {
		k, err := io.ReadFull(r, b[kept:])
		count += n.count(b[:kept+k])
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return count
		}
		if err != nil {
			t.Fatal(err)
		}
		kept = copy(b, b[len(b)-2*len(n)+2:]) // one that lies across; a whole one of 16 bits doesn't fit
	}
}
