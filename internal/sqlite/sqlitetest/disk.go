package sqlitetest

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
)

// An Image is what a disk holds: the content of each file, by name.
type Image map[string][]byte

// Clone returns a copy that shares nothing with the original.
func (im Image) Clone() Image {
	c := make(Image, len(im))
	for name, data := range im {
		c[name] = slices.Clone(data)
	}
	return c
}

// A Disk is a disk in memory, registered as a VFS. Names of files are paths
// with slashes; there are no directories to make. It also has the methods by
// which package sqlite does what SQLite itself doesn't need.
//
// Two connections share memory through a real file in a temporary directory,
// so that production code runs unchanged, readers beside the writer.
type Disk struct {
	name string // of the VFS
	shm  string // where shared memory is kept: a prefix of file names

	mu        sync.Mutex
	files     map[string]*node
	nodes     int
	recording bool
	history   []op
	limited   bool
	room      int64 // bytes left, if limited
	failSync  func(name string) error
}

// A node is the content of a file, under whatever name or none.
type node struct {
	id   int
	data []byte

	shared            int // locks held
	reserved, pending bool
}

var disks atomic.Int64

// NewDisk returns a disk that holds what im does, which may be nothing. It is
// gone when t ends.
func NewDisk(t testing.TB, im Image) *Disk {
	t.Helper()
	d := newDisk(t.TempDir(), im.Clone())
	t.Cleanup(d.close)
	return d
}

// newDisk returns a disk that owns the content of im.
func newDisk(tmp string, im Image) *Disk {
	n := strconv.FormatInt(disks.Add(1), 10)
	d := &Disk{name: "sqlitetest-" + n, shm: filepath.Join(tmp, n), files: make(map[string]*node)}
	for _, name := range slices.Sorted(maps.Keys(im)) {
		d.files[name] = d.node(im[name])
	}
	vfs.Register(d.name, d)
	return d
}

func (d *Disk) close() {
	vfs.Unregister(d.name)
	left, err := filepath.Glob(d.shm + "-*")
	if err != nil {
		panic(err) // a bug: the pattern is ours
	}
	for _, name := range left {
		os.Remove(name) // only shared memory of connections never closed
	}
}

func (d *Disk) node(data []byte) *node {
	d.nodes++
	return &node{id: d.nodes, data: data}
}

// VFS returns the name to open files by, as in sqlite.Options.
func (d *Disk) VFS() string { return d.name }

// Image returns what the disk holds now, synced or not.
func (d *Disk) Image() Image {
	d.mu.Lock()
	defer d.mu.Unlock()
	im := make(Image, len(d.files))
	for name, n := range d.files {
		im[name] = slices.Clone(n.data)
	}
	return im
}

// SetRoom lets files grow by so many more bytes in all. After that, writing
// fails as on a full disk. Negative takes the limit away.
func (d *Disk) SetRoom(bytes int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.limited, d.room = bytes >= 0, bytes
}

// FailSync has fn asked at each sync, of a file or of the directory it is in.
// The sync fails with the error that fn returns. Nil asks nobody.
func (d *Disk) FailSync(fn func(name string) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failSync = fn
}

// note writes op down. The caller holds d.mu.
func (d *Disk) note(o op) {
	if d.recording {
		d.history = append(d.history, o)
	}
}

// Ack notes that the workload of a [Plan] has just been told that what is
// durable. Elsewhere it does nothing.
func (d *Disk) Ack(what any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.note(op{kind: acked, what: what})
}

// grow takes room for n to become size bytes long. The caller holds d.mu.
func (d *Disk) grow(n *node, size int64) error {
	more := size - int64(len(n.data))
	if more <= 0 || !d.limited {
		return nil
	}
	if more > d.room {
		return &fs.PathError{Op: "write", Path: "disk", Err: syscall.ENOSPC}
	}
	d.room -= more
	return nil
}

// Open is part of vfs.VFS.
func (d *Disk) Open(name string, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	if name == "" {
		return new(vfsutil.SliceFile), flags, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.files[name]
	switch {
	case n == nil && flags&vfs.OPEN_CREATE == 0:
		return nil, flags, sqlite3.CANTOPEN
	case n == nil:
		d.create(name)
		n = d.files[name]
	case flags&(vfs.OPEN_CREATE|vfs.OPEN_EXCLUSIVE) == vfs.OPEN_CREATE|vfs.OPEN_EXCLUSIVE:
		return nil, flags, sqlite3.CANTOPEN
	}
	shm := d.shm + "-" + strings.ReplaceAll(name, "/", "_") + "-shm"
	return &file{disk: d, node: n, name: name, shm: vfs.NewSharedMemory(shm, flags)}, flags, nil
}

// create makes an empty file. The caller holds d.mu.
func (d *Disk) create(name string) {
	n := d.node(nil)
	d.files[name] = n
	d.note(op{kind: created, name: name, node: n.id})
}

// Delete is part of vfs.VFS.
func (d *Disk) Delete(name string, syncDir bool) error {
	if err := d.RemoveFile(name); err != nil {
		return sqlite3.IOERR_DELETE_NOENT
	}
	if syncDir {
		return d.SyncDir(name)
	}
	return nil
}

// Access is part of vfs.VFS.
func (d *Disk) Access(name string, _ vfs.AccessFlag) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.files[name] != nil, nil
}

// FullPathname is part of vfs.VFS.
func (d *Disk) FullPathname(name string) (string, error) { return name, nil }

// CreateFile makes an empty file, which must not exist.
func (d *Disk) CreateFile(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.files[name] != nil {
		return &fs.PathError{Op: "create", Path: name, Err: fs.ErrExist}
	}
	d.create(name)
	return nil
}

// CopyFile makes a file called to with the content of from.
func (d *Disk) CopyFile(from, to string) error {
	if err := d.CreateFile(to); err != nil {
		return err
	}
	d.mu.Lock()
	src, dst := d.files[from], &file{disk: d, node: d.files[to], name: to}
	d.mu.Unlock()
	if src == nil {
		return &fs.PathError{Op: "open", Path: from, Err: fs.ErrNotExist}
	}
	_, err := dst.WriteAt(slices.Clone(src.data), 0)
	return err
}

// ReadHead returns the first n bytes of a file, or all if it has fewer.
func (d *Disk) ReadHead(name string, n int) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.files[name]
	if f == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return slices.Clone(f.data[:min(n, len(f.data))]), nil
}

// RemoveFile removes a file.
func (d *Disk) RemoveFile(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.files[name]
	if n == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	if d.limited {
		d.room += int64(len(n.data))
	}
	delete(d.files, name)
	d.note(op{kind: removed, name: name, node: n.id})
	return nil
}

// RenameFile renames a file; one that has the new name is no more.
func (d *Disk) RenameFile(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.files[from]
	if n == nil {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	delete(d.files, from)
	d.files[to] = n
	d.note(op{kind: renamed, name: from, to: to, node: n.id})
	return nil
}

// SyncFile makes the content of a file durable.
func (d *Disk) SyncFile(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.files[name]
	if n == nil {
		return &fs.PathError{Op: "sync", Path: name, Err: fs.ErrNotExist}
	}
	return d.sync(name, op{kind: synced, name: name, node: n.id})
}

// SyncDir makes durable which files there are in the directory of name.
func (d *Disk) SyncDir(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sync(name, op{kind: syncedDir, name: filepath.Dir(name)})
}

// sync does o, or fails. The caller holds d.mu.
func (d *Disk) sync(name string, o op) error {
	if d.failSync != nil {
		if err := d.failSync(name); err != nil {
			if o.kind == synced {
				o.kind = failedSync
				d.note(o)
			}
			return fmt.Errorf("sync %s: %w", name, err)
		}
	}
	d.note(o)
	return nil
}
