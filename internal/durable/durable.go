// Package durable writes small files for their owner alone, so that a crash leaves
// each whole or not there, and so that what was written is on the disk when a call
// returns.
package durable

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Create makes a file that holds text. One that is there already is left alone: the
// error wraps [fs.ErrExist].
func Create(path string, text []byte) error {
	return create(path, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// Copy makes a file that holds what the file from holds, as Create does.
func Copy(path, from string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close() // was only read
	return create(path, func(w io.Writer) error {
		_, err := io.Copy(w, src)
		return err
	})
}

// Replace makes path hold text, whether or not there was such a file. A crash leaves
// the old file or the new one; what lies at path + ".new" is of an earlier crash.
func Replace(path string, text []byte) error {
	draft := path + ".new"
	if err := os.Remove(draft); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := Create(draft, text); err != nil {
		return err
	}
	if err := os.Rename(draft, path); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(path))
}

// SyncDir makes durable which files are in dir.
func SyncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // cannot sync a folder, and need not: NTFS logs its entries
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func create(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
