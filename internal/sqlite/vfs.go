package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"sync/atomic"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
	"github.com/ncruces/go-sqlite3/vfs/adiantum"
)

// A disk is the VFS through which one DB reaches its files. It stands directly
// above the operating system, or above a test's model of a disk, and below the
// encryption. What it does beyond passing calls on:
//
//   - It syncs the directory after the first sync of each file it opened. The
//     driver means to do so for a new journal, but in v0.35.6 syncs the file a
//     second time instead; and a write-ahead log whose directory entry is lost
//     takes the entries acknowledged from it along.
//   - It tells a full disk, which passes, from all other errors. The driver
//     reports both as an I/O error.
//   - After a failed sync it lets nothing more reach the disk: the system may
//     have dropped what it could not write and will say "synced" next time.
//   - It cuts an encrypted journal down to whole blocks when it is opened.
type disk struct {
	vfs.VFS   // what is beneath
	files     files
	encrypted bool
	bugs      bugs
	path      string                // of the database; "" for a copy
	failed    atomic.Pointer[error] // the first failed sync; nil while all is well
}

// bugs are faults that tests plant, one at a time, to see that the power-loss
// harness notices. They are all off outside of tests.
type bugs struct {
	synchronous string // other than FULL
	journal     string // other than WAL
	misspelt    bool   // a pragma is misspelt
	keepTail    bool   // do not cut an encrypted journal down to whole blocks
	noDirSync   bool   // leave the directory to the driver
	noPublish   bool   // rename without a sync of the directory
	retrySync   bool   // after a failed sync, try again and believe the answer
	noRenew     bool   // open what a failed sync left as if nothing had been
	lateRelease bool   // sync first, and then write what is held
	holdRest    bool   // hold what comes after a sync, too
}

// block is what adiantum encrypts at once.
const block = 4096

// newDisk returns a disk over the VFS with the given name; "" is the
// operating system.
func newDisk(base string, encrypted bool, planted bugs) (*disk, error) {
	d := &disk{VFS: vfs.Find(base), encrypted: encrypted, bugs: planted}
	if d.VFS == nil {
		return nil, fmt.Errorf("no VFS is called %q", base)
	}
	if f, ok := d.VFS.(files); ok {
		d.files = f
	} else {
		d.files = osFiles{}
	}
	return d, nil
}

var registered atomic.Int64

// register makes d known to SQLite, under a name of its own, since a VFS is
// found by its name alone. The caller unregisters it after the last file is
// closed.
func (d *disk) register() (name string) {
	name = "firsthand-" + strconv.FormatInt(registered.Add(1), 10)
	if d.encrypted {
		v := adiantum.Wrap(d, nil)
		if d.bugs.synchronous == "" { // where a commit is no sync, nothing may be held
			v = &gathering{VFS: v, bugs: d.bugs}
		}
		vfs.Register(name, v)
	} else {
		vfs.Register(name, d)
	}
	return name
}

// broken returns what to tell callers after a failed sync, nil if there was
// none.
func (d *disk) broken() error {
	if err := d.failed.Load(); err != nil {
		return fmt.Errorf("%w: %w", errDisk, *err)
	}
	return nil
}

// frozen returns an error for SQLite if nothing more may be written.
func (d *disk) frozen() error {
	if err := d.failed.Load(); err != nil {
		return vfs.SystemError(*err, sqlite3.IOERR_WRITE)
	}
	return nil
}

// fail freezes d, and leaves a mark for the next to open the file; see renew.
// Only the first failure counts.
func (d *disk) fail(err error) {
	err = fmt.Errorf("sync: %w", err)
	if d.failed.CompareAndSwap(nil, &err) && d.path != "" {
		if merr := d.files.CreateFile(d.path + failedMark); merr != nil && !errors.Is(merr, fs.ErrExist) {
			err = errors.Join(err, merr)
			d.failed.Store(&err)
		}
	}
}

// failedMark is the end of the name of an empty file beside the database: a
// sync has failed and the database has not been renewed since.
const failedMark = "-failed"

// renew makes what a failed sync has left good to go on from. SQLite must not
// have opened the file yet.
//
// After a failed sync the system holds pages in memory that it could not write,
// takes them for written, and won't try again, though further syncs succeed. A
// write-ahead log with such pages reads well, and so would be appended to and
// moved into the database; but a power cut would take the pages away, and what
// builds on them with it. All that is needed is to write everything once more,
// in this order:
//
//  1. the log is copied to a new file, which is synced;
//  2. this takes the name of the log, and the directory is synced. A crash
//     before that leaves the old log, and no false pages: they were in memory;
//  3. the log is moved into the database, as in Truncate, so that what another
//     failed sync did to the database is also written once more;
//  4. the mark is removed.
//
// The mark is never synced. It is in the same memory as the danger it speaks
// of, and a power cut ends both.
//
// A second program that has the file open at the same time would lose its
// commits in the old log. Only who also had a failing disk could get there.
func (d *disk) renew() (needed bool, err error) {
	if needed, err = d.exists(d.path + failedMark); err != nil || !needed || d.bugs.noRenew {
		return false, err
	}
	log := d.path + "-wal"
	if there, err := d.exists(log); err != nil || !there {
		return true, err
	}
	if err := d.remove(log + ".new"); err != nil {
		return true, err
	}
	if err := d.files.CopyFile(log, log+".new"); err != nil {
		return true, err
	}
	return true, d.publish(log+".new", log)
}

// wrote classes an error of something that writes.
func wrote(err error) error {
	if err != nil && isFull(err) {
		return vfs.SystemError(err, sqlite3.FULL)
	}
	return err
}

// Open is never called: SQLite opens by OpenFilename.
func (d *disk) Open(string, vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	return nil, 0, sqlite3.CANTOPEN
}

// OpenFilename opens one file for SQLite.
func (d *disk) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	path := name.String()
	if path == "" { // a temporary file
		return vfsutil.WrapOpenFilename(d.VFS, name, flags)
	}
	const create, exclusive = vfs.OPEN_CREATE, vfs.OPEN_EXCLUSIVE
	if flags&(create|exclusive) == create {
		// The driver would let everybody read it. If this fails, the driver's
		// own attempt says why.
		_ = d.files.CreateFile(path)
	}
	base, flags, err := vfsutil.WrapOpenFilename(d.VFS, name, flags)
	if err != nil {
		return nil, flags, err
	}
	f := &file{File: base, disk: d, path: path}
	if d.encrypted && flags&(vfs.OPEN_WAL|vfs.OPEN_MAIN_JOURNAL) != 0 && !d.bugs.keepTail {
		if err := f.cut(); err != nil {
			f.Close() // the first error says more
			return nil, flags, err
		}
	}
	return f, flags, nil
}

// Delete removes a file for SQLite.
func (d *disk) Delete(name string, syncDir bool) error {
	if err := d.frozen(); err != nil {
		return err
	}
	if err := d.VFS.Delete(name, syncDir && d.bugs.noDirSync); err != nil || !syncDir {
		return err
	}
	return d.syncDir(name)
}

// syncDir makes durable which files are in the directory of name.
func (d *disk) syncDir(name string) error {
	if d.bugs.noDirSync {
		return nil
	}
	err := d.files.SyncDir(name)
	if err != nil {
		d.fail(err)
	}
	return vfs.SystemError(err, sqlite3.IOERR_DIR_FSYNC)
}
