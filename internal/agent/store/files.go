package store

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"firsthand/internal/durable"
)

// files is what the store needs of a file system, beside what package sqlite
// asks of it: the operating system's, or a model of a disk in the power-loss
// test. Names are paths.
type files interface {
	vfs() string // for sqlite.Options
	// prepare makes a directory that only its owner may enter, if there is none.
	prepare(dir string) error
	// lock keeps other processes out of dir until the result is closed.
	lock(dir string) (io.Closer, error)
	list(dir string) (names []string, err error)
	open(name string) (f io.ReadCloser, size int64, err error)
	// create makes a file that only its owner may read; fs.ErrExist if there is one.
	create(name string) (file, error)
	rename(from, to string) error
	remove(name string) error // fs.ErrNotExist if there is none
	// syncDir makes durable which files are in the directory of name.
	syncDir(name string) error
}

type file interface {
	io.WriteCloser
	Sync() error
}

// exists reports whether there is a file of that name.
func exists(f files, name string) (bool, error) {
	r, _, err := f.open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, r.Close()
}

// readFile returns the content of a file of at most max bytes.
func readFile(f files, name string, max int64) ([]byte, error) {
	r, _, err := f.open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close() // only read
	data, err := io.ReadAll(io.LimitReader(r, max+1))
	if err == nil && int64(len(data)) > max {
		err = &fs.PathError{Op: "read", Path: name, Err: errors.New("too long")}
	}
	return data, err
}

// writeDraft writes a file and makes its content durable; its name is not, until
// publish, or syncDir, has made it so. One that is there is removed first: a
// draft that somebody didn't finish.
func writeDraft(f files, name string, write func(io.Writer) error) error {
	if err := removeAll(f, name); err != nil {
		return err
	}
	w, err := f.create(name)
	if err != nil {
		return err
	}
	err = write(w)
	if err == nil {
		err = w.Sync()
	}
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return errors.Join(err, removeAll(f, name))
	}
	return nil
}

// publish gives a durable draft its name, in one step, and makes that durable.
func publish(f files, draft, name string) error {
	if err := f.rename(draft, name); err != nil {
		return err
	}
	return f.syncDir(name)
}

// writeFile replaces the content of a file, or makes it. After a crash there is
// the old content or the new.
func writeFile(f files, name string, data []byte) error {
	draft := name + ".new"
	err := writeDraft(f, draft, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
	if err != nil {
		return err
	}
	return publish(f, draft, name)
}

// removeAll removes files, of which none need exist.
func removeAll(f files, names ...string) error {
	var errs []error
	for _, name := range names {
		if err := f.remove(name); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// removeTemporary removes what an interrupted call has left in dir.
func removeTemporary(f files, dir string) error {
	names, err := f.list(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasPrefix(name, temporary) {
			if err := removeAll(f, filepath.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// osFiles are the files of the operating system.
type osFiles struct{}

func (osFiles) vfs() string { return "" }

func (osFiles) prepare(dir string) error {
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		return &fs.PathError{Op: "open", Path: dir, Err: errors.New("not a folder")}
	}
	if err == nil {
		names, err := os.ReadDir(dir)
		if err == nil && len(names) == 0 {
			err = os.Chmod(dir, 0o700) // nobody else's yet
		}
		return err
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return osFiles{}.syncDir(dir)
}

func (osFiles) list(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, err
}

func (osFiles) open(name string) (io.ReadCloser, int64, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: name, Err: errors.New("not a file")}
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

func (osFiles) create(name string) (file, error) {
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

func (osFiles) rename(from, to string) error { return os.Rename(from, to) }
func (osFiles) remove(name string) error     { return os.Remove(name) }

func (osFiles) syncDir(name string) error { return durable.SyncDir(filepath.Dir(name)) }
