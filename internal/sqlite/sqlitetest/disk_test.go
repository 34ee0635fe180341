package sqlitetest

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

const flags = vfs.OPEN_READWRITE | vfs.OPEN_CREATE | vfs.OPEN_MAIN_DB

// A session uses a disk directly and looks at what cuts could leave.
type session struct {
	t *testing.T
	*Disk
}

func newSession(t *testing.T) *session {
	d := NewDisk(t, nil)
	d.recording = true
	return &session{t, d}
}

func (s *session) open(name string) vfs.File {
	s.t.Helper()
	f, _, err := s.Open(name, flags)
	if err != nil {
		s.t.Fatal(err)
	}
	return f
}

func (s *session) must(errs ...error) {
	s.t.Helper()
	if err := errors.Join(errs...); err != nil {
		s.t.Fatal(err)
	}
}

func (s *session) write(f vfs.File, text string, off int64) {
	s.t.Helper()
	_, err := f.WriteAt([]byte(text), off)
	s.must(err)
}

// cuts returns a thousand states that a cut now could leave.
func (s *session) cuts() (images []Image) {
	m := newModel(nil)
	for _, o := range s.history {
		m.apply(o)
	}
	for seed := range uint64(1000) {
		images = append(images, m.crash(rand.New(rand.NewPCG(seed, 1))))
	}
	return images
}

// always and sometimes count in how many states something is so.
func (s *session) always(what string, is func(Image) bool) {
	s.t.Helper()
	s.count(what, is, 1000, 1000)
}

func (s *session) never(what string, is func(Image) bool) {
	s.t.Helper()
	s.count(what, is, 0, 0)
}

func (s *session) sometimes(what string, is func(Image) bool) {
	s.t.Helper()
	s.count(what, is, 10, 990)
}

func (s *session) count(what string, is func(Image) bool, least, most int) {
	s.t.Helper()
	n := 0
	for _, im := range s.cuts() {
		if is(im) {
			n++
		}
	}
	if n < least || n > most {
		s.t.Errorf("%s in %d of 1000 states, want %d to %d", what, n, least, most)
	}
}

func has(name, text string, off int) func(Image) bool {
	return func(im Image) bool {
		return len(im[name]) >= off+len(text) && string(im[name][off:off+len(text)]) == text
	}
}

func exists(name string) func(Image) bool {
	return func(im Image) bool { _, ok := im[name]; return ok }
}

func TestModelOfWrites(t *testing.T) {
	s := newSession(t)
	f := s.open("/d/a")
	s.must(s.SyncDir("/d/a"))
	first, second := strings.Repeat("1", 2*sector), strings.Repeat("2", sector+100)
	s.write(f, first, 0)
	s.sometimes("unsynced write", has("/d/a", first, 0))
	s.must(f.Sync(0))
	s.always("synced write", has("/d/a", first, 0))

	s.write(f, second, 100)
	s.sometimes("all of the overwrite", has("/d/a", second, 100))
	s.sometimes("nothing of it", has("/d/a", first, 0))
	s.sometimes("one sector of it", func(im Image) bool {
		return has("/d/a", second[:sector-100], 100)(im) && has("/d/a", first[:sector], sector)(im)
	})
	s.sometimes("garbage", func(im Image) bool {
		return bytes.ContainsFunc(im["/d/a"], func(r rune) bool { return r != '1' && r != '2' })
	})
	s.always("bytes outside of it", func(im Image) bool {
		return has("/d/a", first[:100], 0)(im) && has("/d/a", first[:sector-200], sector+200)(im) && len(im["/d/a"]) == len(first)
	})

	s.must(f.Truncate(10))
	s.sometimes("truncation", func(im Image) bool { return len(im["/d/a"]) == 10 })
	s.must(f.Sync(0))
	s.always("synced truncation", func(im Image) bool { return len(im["/d/a"]) == 10 })
	s.must(f.Close())
}

func TestModelOfNames(t *testing.T) {
	s := newSession(t)
	f := s.open("/d/a")
	s.write(f, "text", 0)
	s.must(f.Sync(0), f.Close())
	s.sometimes("synced file in a directory that isn't", exists("/d/a"))
	s.must(s.SyncDir("/other/a"))
	s.sometimes("the same after a sync of another directory", exists("/d/a"))
	s.must(s.SyncDir("/d/a"))
	s.always("file in a synced directory", has("/d/a", "text", 0))

	s.must(s.RenameFile("/d/a", "/d/b"))
	s.always("one name or the other", func(im Image) bool {
		return has("/d/a", "text", 0)(im) != has("/d/b", "text", 0)(im)
	})
	s.sometimes("new name", exists("/d/b"))
	s.must(s.SyncDir("/d/b"))
	s.always("new name after a sync", func(im Image) bool { return len(im) == 1 && exists("/d/b")(im) })

	s.must(s.RemoveFile("/d/b"))
	s.sometimes("removed file", exists("/d/b"))
	s.must(s.SyncDir("/d/b"))
	s.never("removed file after a sync", exists("/d/b"))
}

func TestModelOfFailedSync(t *testing.T) {
	s := newSession(t)
	f := s.open("/d/a")
	s.must(s.SyncDir("/d/a"))
	old := strings.Repeat("o", 2*page)
	s.write(f, old, 0)
	s.must(f.Sync(0))

	s.write(f, "first", 0)
	s.write(f, "second", page)
	s.FailSync(func(string) error { return syscall.EIO })
	if err := f.Sync(0); !errors.Is(err, syscall.EIO) {
		t.Errorf("sync: %v", err)
	}
	s.FailSync(nil)
	s.must(f.Sync(0)) // says that all is well
	s.sometimes("what the failed sync was to write", has("/d/a", "first", 0))

	s.write(f, "x", page+100) // elsewhere in the second page
	s.must(f.Sync(0))
	s.always("a page written since", func(im Image) bool {
		return has("/d/a", "second", page)(im) && has("/d/a", "x", page+100)(im)
	})
	s.sometimes("a page not written since", has("/d/a", "first", 0))
	s.must(f.Close())
}

func TestRoom(t *testing.T) {
	s := newSession(t)
	f := s.open("/a")
	s.SetRoom(10)
	s.write(f, "12345678", 0)
	s.write(f, "87654321", 0) // takes none
	if _, err := f.WriteAt([]byte("123"), 8); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("third byte too many: %v", err)
	}
	s.must(f.Truncate(4))
	s.write(f, "123456", 4)
	s.SetRoom(-1)
	s.write(f, "123", 10)
	s.must(f.Close())
	if got := string(s.Image()["/a"]); got != "8765123456123" {
		t.Errorf("content %q", got)
	}
}

func TestLocks(t *testing.T) {
	s := newSession(t)
	a, b := s.open("/a"), s.open("/a")
	s.must(a.Lock(vfs.LOCK_SHARED), b.Lock(vfs.LOCK_SHARED), a.Lock(vfs.LOCK_RESERVED))
	if err := b.Lock(vfs.LOCK_RESERVED); err != sqlite3.BUSY {
		t.Errorf("second to prepare: %v", err)
	}
	if held, err := b.CheckReservedLock(); !held || err != nil {
		t.Errorf("reserved: %v, %v", held, err)
	}
	if err := a.Lock(vfs.LOCK_EXCLUSIVE); err != sqlite3.BUSY {
		t.Errorf("alone beside a reader: %v", err)
	}
	s.must(b.Unlock(vfs.LOCK_NONE))
	if err := b.Lock(vfs.LOCK_SHARED); err != sqlite3.BUSY {
		t.Errorf("reader beside one who waits to be alone: %v", err)
	}
	s.must(a.Lock(vfs.LOCK_EXCLUSIVE), a.Unlock(vfs.LOCK_SHARED), b.Lock(vfs.LOCK_SHARED))
	s.must(a.Close(), b.Close())
	s.must(a.Lock(vfs.LOCK_SHARED), a.Lock(vfs.LOCK_EXCLUSIVE)) // nothing was left
}

// TestSameSeedSameStates: what a run found, the next can find.
func TestSameSeedSameStates(t *testing.T) {
	s := newSession(t)
	for _, name := range []string{"/d/a", "/d/b", "/d/c"} {
		s.write(s.open(name), strings.Repeat(name, 2000), 0)
	}
	again := s.cuts()
	for i, im := range s.cuts() {
		for name, data := range im {
			if !slices.Equal(data, again[i][name]) || len(im) != len(again[i]) {
				t.Fatalf("state %d differs", i)
			}
		}
	}
}

// TestCutsCoverAll: each operation is a place to cut, evenly, and what was
// acknowledged before it is known.
func TestCutsCoverAll(t *testing.T) {
	s := newSession(t)
	f := s.open("/a")
	for i := range 10 {
		s.write(f, "text", int64(i))
		s.must(f.Sync(0))
		s.Ack(i)
	}
	for _, n := range []int{7, 22, 100} {
		places, most := make(map[string]int), 0
		(Plan{}).cut(s.history, 1, n, func(s state) bool {
			places[s.cut]++
			most = max(most, len(s.acked))
			return true
		})
		if len(places) != min(n, 22) || most != 10 {
			t.Errorf("%d states: %d places, %d acknowledged; want %d, 10", n, len(places), most, min(n, 22))
		}
	}
}
