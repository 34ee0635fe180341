package store

import (
	"context"
	"io"
	"path/filepath"
	"strings"

	"github.com/ncruces/go-sqlite3/vfs"

	"firsthand/internal/sqlite/sqlitetest"
)

// A disk is a model of one on which a whole customer's folder lies: the database
// and all files beside it.
type disk struct{ *sqlitetest.Disk }

func (d disk) vfs() string                    { return d.VFS() }
func (d disk) prepare(string) error           { return nil }
func (d disk) lock(string) (io.Closer, error) { return io.NopCloser(nil), nil }
func (d disk) rename(from, to string) error   { return d.RenameFile(from, to) }
func (d disk) remove(name string) error       { return d.RemoveFile(name) }

func (d disk) syncDir(name string) error {
	if diskBugs.noDirSync {
		return nil
	}
	return d.SyncDir(name)
}

func (d disk) list(dir string) (names []string, err error) {
	for name := range d.Image() {
		if filepath.Dir(name) == dir {
			names = append(names, filepath.Base(name))
		}
	}
	return names, nil
}

func (d disk) open(name string) (io.ReadCloser, int64, error) {
	data, err := d.ReadHead(name, 1<<30)
	return io.NopCloser(strings.NewReader(string(data))), int64(len(data)), err
}

func (d disk) create(name string) (file, error) {
	if err := d.CreateFile(name); err != nil {
		return nil, err
	}
	f, _, err := d.Open(name, vfs.OPEN_READWRITE)
	return &diskFile{f, 0}, err
}

// A diskFile is written from front to back.
type diskFile struct {
	vfs.File
	at int64
}

func (f *diskFile) Write(p []byte) (int, error) {
	n, err := f.WriteAt(p, f.at)
	f.at += int64(n)
	return n, err
}

func (f *diskFile) Sync() error {
	if diskBugs.noSync {
		return nil
	}
	return f.File.Sync(vfs.SYNC_FULL)
}

// diskBugs are planted in the steps that the store does beside the database.
var diskBugs struct{ noDirSync, noSync bool }

// What opens the files of tests on a model: made once, since nothing depends on
// their being fresh.
var (
	kitOfTests, _ = NewKit()
	passphrases   = [2][]byte{[]byte("the first passphrase"), []byte("the second passphrase")}
)

func createOn(d *sqlitetest.Disk, dir string) (*Store, error) {
	return create(context.Background(), disk{d}, dir, CreateOptions{Passphrase: passphrases[0], KitRecipient: kitOfTests.Recipient()})
}

func openOn(d *sqlitetest.Disk, dir string) (*Store, error) {
	return open(context.Background(), disk{d}, dir, kitOfTests)
}
