package sqlitetest

import (
	"io"
	"slices"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// A file is a node that a connection has opened.
type file struct {
	disk *Disk
	node *node
	name string
	lock vfs.LockLevel
	shm  vfs.SharedMemory
}

var (
	_ vfs.FileSharedMemory = (*file)(nil)
	_ vfs.FileLockState    = (*file)(nil)
	_ vfs.FileSizeHint     = (*file)(nil)
)

func (f *file) Close() error {
	if f.shm != nil {
		f.shm.Close() // says so if it was never used
	}
	return f.Unlock(vfs.LOCK_NONE)
}

func (f *file) ReadAt(p []byte, off int64) (n int, err error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if off < int64(len(f.node.data)) {
		n = copy(p, f.node.data[off:])
	}
	if n < len(p) {
		err = io.EOF
	}
	return n, err
}

func (f *file) WriteAt(p []byte, off int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.grow(f.node, off+int64(len(p))); err != nil {
		return 0, err
	}
	f.node.data = overwrite(f.node.data, p, off)
	if f.disk.recording {
		f.disk.note(op{kind: written, name: f.name, node: f.node.id, off: off, data: slices.Clone(p)})
	}
	return len(p), nil
}

func (f *file) Truncate(size int64) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.grow(f.node, size); err != nil {
		return err
	}
	if less := int64(len(f.node.data)) - size; less > 0 && f.disk.limited {
		f.disk.room += less
	}
	f.node.data = resize(f.node.data, size)
	f.disk.note(op{kind: truncated, name: f.name, node: f.node.id, off: size})
	return nil
}

// SizeHint makes the file as long as SQLite expects it to become.
func (f *file) SizeHint(size int64) error {
	if now, err := f.Size(); err != nil || now >= size {
		return err
	}
	return f.Truncate(size)
}

func (f *file) Sync(vfs.SyncFlag) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return f.disk.sync(f.name, op{kind: synced, name: f.name, node: f.node.id})
}

func (f *file) Size() (int64, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return int64(len(f.node.data)), nil
}

// SectorSize and DeviceCharacteristics are those of the driver's own VFS.
func (f *file) SectorSize() int { return 4096 }

func (f *file) DeviceCharacteristics() vfs.DeviceCharacteristic {
	return vfs.IOCAP_POWERSAFE_OVERWRITE | vfs.IOCAP_SUBPAGE_READ
}

func (f *file) SharedMemory() vfs.SharedMemory { return f.shm }
func (f *file) LockState() vfs.LockLevel       { return f.lock }

// Lock takes a lock as SQLite defines them: many may read, one of them may
// prepare to write, and does so once the others have gone.
func (f *file) Lock(to vfs.LockLevel) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	n := f.node
	if f.lock >= to {
		return nil
	}
	switch to {
	case vfs.LOCK_SHARED:
		if n.pending {
			return sqlite3.BUSY
		}
		n.shared++
	case vfs.LOCK_RESERVED:
		if n.reserved {
			return sqlite3.BUSY
		}
		n.reserved = true
	case vfs.LOCK_EXCLUSIVE:
		if n.pending && f.lock < vfs.LOCK_PENDING || n.reserved && f.lock < vfs.LOCK_RESERVED {
			return sqlite3.BUSY
		}
		n.reserved, n.pending = true, true
		f.lock = vfs.LOCK_PENDING
		if n.shared > 1 {
			return sqlite3.BUSY
		}
	}
	f.lock = to
	return nil
}

func (f *file) Unlock(to vfs.LockLevel) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.lock <= to {
		return nil
	}
	if f.lock >= vfs.LOCK_RESERVED {
		f.node.reserved = false
	}
	if f.lock >= vfs.LOCK_PENDING {
		f.node.pending = false
	}
	if to == vfs.LOCK_NONE {
		f.node.shared--
	}
	f.lock = to
	return nil
}

func (f *file) CheckReservedLock() (bool, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return f.node.reserved, nil
}

// overwrite returns data with p at off, and zeros before it if data ended
// earlier.
func overwrite(data, p []byte, off int64) []byte {
	if end := off + int64(len(p)); end > int64(len(data)) {
		data = resize(data, end)
	}
	copy(data[off:], p)
	return data
}

// resize returns data cut to size, or lengthened with zeros.
func resize(data []byte, size int64) []byte {
	if size <= int64(len(data)) {
		return data[:size]
	}
	old := len(data)
	data = slices.Grow(data, int(size)-old)[:size]
	clear(data[old:])
	return data
}
