package systems

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// prepared returns the folder of that name in the user's cache. If there is none, make
// makes what is in it. Who finds another at it waits; a folder that is there is whole.
func prepared(name string, make func(dir string) error) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	cache = filepath.Join(cache, "firsthand")
	dir := filepath.Join(cache, name)
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return dir, err
	}
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return "", err
	}
	unlock, err := lock(dir + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return dir, err
	}
	making, err := os.MkdirTemp(cache, "making-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(making)
	if err := make(making); err != nil {
		return "", err
	}
	return dir, os.Rename(making, dir)
}
