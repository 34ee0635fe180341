package sqlite

import (
	"encoding/binary"

	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
)

// A gathering is the VFS directly above the encryption. SQLite appends to the
// write-ahead log in pieces: for each page 24 bytes and then the page, neither of
// which begins where a block of the cipher does. By itself each piece has the blocks
// that it touches read, decrypted, changed, encrypted and written, which is three
// blocks for a page. So pieces that follow each other are held, and go to the
// cipher as one.
//
// Nobody must be able to tell. Other connections read the log as soon as a commit
// has told them to, through files of their own. A commit is SQLite's call of Sync,
// and then at most the rest of the frame in which the sync fell; see held. What was
// held before that nobody else reads, and a crash may have it.
type gathering struct {
	vfs.VFS // has the encryption
	bugs    bugs
}

// OpenFilename opens one file for SQLite.
func (g *gathering) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, flags, err := vfsutil.WrapOpenFilename(g.VFS, name, flags)
	if err != nil || flags&vfs.OPEN_WAL == 0 {
		return f, flags, err
	}
	return &gathered{File: f, bugs: g.bugs}, flags, nil
}

// maxHeld is how much of a log is held at once.
const maxHeld = 256 << 10

// What a write-ahead log consists of; see https://sqlite.org/fileformat.html#walformat.
const (
	walHeader   = 32
	frameHeader = 24
)

// A gathered file is a write-ahead log.
type gathered struct {
	vfs.File
	bugs  bugs
	start int64  // where held belongs
	held  []byte // what SQLite has written and the file beneath has not; begins with a frame
	frame int64  // how long a frame is; 0 if that isn't known
}

func (f *gathered) WriteAt(p []byte, off int64) (int, error) {
	if off == 0 {
		f.frame = 0 // a new log, perhaps of other pages
	}
	if len(f.held) == 0 || off != f.start+int64(len(f.held)) {
		if err := f.release(); err != nil {
			return 0, err
		}
		if !f.begins(off) {
			return f.File.WriteAt(p, off)
		}
		f.start = off
	}
	if f.held = append(f.held, p...); len(f.held) >= maxHeld {
		if err := f.release(); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// begins reports whether a frame begins at off. Only there may holding begin: SQLite
// may call Sync within the last frame of a commit, and what it writes then of that
// frame is read by others without another call.
func (f *gathered) begins(off int64) bool {
	if f.bugs.holdRest {
		return off > 0
	}
	if f.frame == 0 && off >= walHeader {
		var head [12]byte
		if n, err := f.File.ReadAt(head[:], 0); n < len(head) || err != nil {
			return false
		}
		f.frame = frameHeader + int64(binary.BigEndian.Uint32(head[8:]))
	}
	return off >= walHeader && (off-walHeader)%f.frame == 0
}

// release writes what is held. If it can't, the transaction is lost, and with it
// what was held.
func (f *gathered) release() error {
	held := f.held
	f.held = f.held[:0]
	if len(held) == 0 {
		return nil
	}
	_, err := f.File.WriteAt(held, f.start)
	return err
}

func (f *gathered) ReadAt(p []byte, off int64) (int, error) {
	if err := f.release(); err != nil {
		return 0, err
	}
	return f.File.ReadAt(p, off)
}

func (f *gathered) Sync(flags vfs.SyncFlag) error {
	if f.bugs.lateRelease {
		err := f.File.Sync(flags)
		if rerr := f.release(); err == nil {
			err = rerr
		}
		return err
	}
	if err := f.release(); err != nil {
		return err
	}
	return f.File.Sync(flags)
}

func (f *gathered) Truncate(size int64) error {
	if err := f.release(); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

func (f *gathered) Size() (int64, error) {
	if err := f.release(); err != nil {
		return 0, err
	}
	return f.File.Size()
}

// Unwrap returns what is beneath.
func (f *gathered) Unwrap() vfs.File { return f.File }
