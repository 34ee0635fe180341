package sqlite

import (
	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
)

// A file is one that SQLite has opened through a disk.
type file struct {
	vfs.File
	disk   *disk
	path   string
	listed bool // its directory has been synced since it was opened
}

// Mapping files into memory is not passed on: a disk error would arrive as a
// signal. Nor are the atomic writes that some file systems offer.
var (
	_ vfs.FileUnwrap       = (*file)(nil)
	_ vfs.FileSharedMemory = (*file)(nil)
	_ vfs.FileLockState    = (*file)(nil)
	_ vfs.FileSizeHint     = (*file)(nil)
	_ vfs.FileHasMoved     = (*file)(nil)
)

// cut shortens an encrypted journal to a multiple of the cipher's block.
//
// A power cut can leave another length, and adiantum, which can't decrypt part
// of a block, would then refuse the file. Nothing acknowledged is lost: it
// writes whole blocks only, so each length that was ever synced is a multiple.
// On a journal that is not encrypted, the same cut would lose commits.
func (f *file) cut() error {
	size, err := f.File.Size()
	if err != nil || size%block == 0 {
		return err
	}
	return f.Truncate(size - size%block)
}

func (f *file) WriteAt(p []byte, off int64) (int, error) {
	if err := f.disk.frozen(); err != nil {
		return 0, err
	}
	n, err := f.File.WriteAt(p, off)
	return n, wrote(err)
}

func (f *file) Truncate(size int64) error {
	if err := f.disk.frozen(); err != nil {
		return err
	}
	return wrote(f.File.Truncate(size))
}

func (f *file) SizeHint(size int64) error {
	if err := f.disk.frozen(); err != nil {
		return err
	}
	return wrote(vfsutil.WrapSizeHint(f.File, size))
}

// Sync makes the file durable, and the first time also its directory: this
// process may have created the file, or one that was killed before it synced.
func (f *file) Sync(flags vfs.SyncFlag) error {
	if err := f.disk.frozen(); err != nil {
		return err
	}
	err := f.File.Sync(flags)
	if err != nil && f.disk.bugs.retrySync {
		err = f.File.Sync(flags)
	}
	if err != nil {
		f.disk.fail(err)
		return vfs.SystemError(err, sqlite3.IOERR_FSYNC)
	}
	if f.listed {
		return nil
	}
	err = f.disk.syncDir(f.path)
	f.listed = err == nil
	return err
}

func (f *file) DeviceCharacteristics() vfs.DeviceCharacteristic {
	return f.File.DeviceCharacteristics() &^ vfs.IOCAP_BATCH_ATOMIC
}

func (f *file) Unwrap() vfs.File               { return f.File }
func (f *file) SharedMemory() vfs.SharedMemory { return vfsutil.WrapSharedMemory(f.File) }
func (f *file) LockState() vfs.LockLevel       { return vfsutil.WrapLockState(f.File) }
func (f *file) HasMoved() (bool, error)        { return vfsutil.WrapHasMoved(f.File) }
