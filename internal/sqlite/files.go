package sqlite

import (
	"io"
	"os"
	"path/filepath"

	"firsthand/internal/durable"
)

// files is what this package needs of a file system and a VFS doesn't offer.
// A VFS that is not made of operating system files, as in tests, has these
// methods itself.
type files interface {
	// CreateFile makes an empty file that only its owner may read. If there is
	// one already, it returns an error that wraps fs.ErrExist.
	CreateFile(name string) error
	// CopyFile makes a file called to, as CreateFile does, with the content of
	// from.
	CopyFile(from, to string) error
	// ReadHead returns the first n bytes of a file, or all if it has fewer.
	ReadHead(name string, n int) ([]byte, error)
	// SyncFile makes the file's content durable.
	SyncFile(name string) error
	// RenameFile gives a file another name, in one step.
	RenameFile(from, to string) error
	// RemoveFile removes a file; fs.ErrNotExist if there is none.
	RemoveFile(name string) error
	// SyncDir makes durable which files are in the directory of name.
	SyncDir(name string) error
}

// osFiles are the files of the operating system.
type osFiles struct{}

func (osFiles) CreateFile(name string) error {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func (osFiles) CopyFile(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close() // was only read
	dst, err := os.OpenFile(to, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	if cerr := dst.Close(); err == nil {
		err = cerr
	}
	return err
}

func (osFiles) ReadHead(name string, n int) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() // was only read
	return io.ReadAll(io.LimitReader(f, int64(n)))
}

func (osFiles) SyncFile(name string) error { return syncAndClose(os.OpenFile(name, os.O_RDWR, 0)) }

func (osFiles) RenameFile(from, to string) error { return os.Rename(from, to) }

func (osFiles) RemoveFile(name string) error { return os.Remove(name) }

func (osFiles) SyncDir(name string) error { return durable.SyncDir(filepath.Dir(name)) }

func syncAndClose(f *os.File, err error) error {
	if err != nil {
		return err
	}
	err = f.Sync()
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}
