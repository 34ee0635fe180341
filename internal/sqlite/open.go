package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/ncruces/go-sqlite3/vfs"

	"firsthand/fault"
)

// Options say what to open and how.
type Options struct {
	Path       string // of the file
	Key        *Key   // nil: the file is not encrypted
	Migrations fs.FS  // has 0001_*.sql, 0002_*.sql, … in its root; nil: no schema is kept

	// Readers is how many Views may run at once; 0 is 4.
	Readers int
	// CacheKiB is how much of the file the connection that writes keeps in
	// memory, in KiB; 0 is 2048. Each that reads keeps a quarter of it.
	CacheKiB int

	// VFS is for tests: the name of the VFS that stands for the operating
	// system; "" is the operating system. It may have the methods of
	// sqlitetest.Disk that SQLite itself doesn't ask for.
	VFS string

	testOnlyBugs bugs
}

// A DB is one open file. Its methods may be called from several goroutines.
type DB struct {
	opts    Options
	disk    *disk
	vfsName string

	readers *readers
	updates chan *update
	chores  chan *update
	commits atomic.Int64

	copying sync.RWMutex  // held to read by each Backup, so that Close waits
	close   func() error  // does it once
	closing chan struct{} // closed: take no more
	stopped chan struct{} // closed: the writer has ended
	writes  *conn         // the writer's; for Close, after stopped
}

// Commits counts the commits since the file was opened: where it is the same before
// two reads, they read the same. An Update that has returned was counted.
func (db *DB) Commits() int64 { return db.commits.Load() }

// Create makes a new file with its schema, and opens it. If the file exists it
// is left alone and the error has the kind Conflict. In this order:
//
//  1. a file called path.new is made, with the whole schema, closed and
//     synced. A crash leaves it behind, and the next Create removes it;
//  2. it is renamed to path;
//  3. the directory is synced. A crash before that leaves either name.
func Create(ctx context.Context, opts Options) (*DB, error) {
	d, err := newDisk(opts.VFS, opts.Key != nil, opts.testOnlyBugs)
	if err != nil {
		return nil, err
	}
	if err := create(ctx, d, opts); err != nil {
		return nil, fmt.Errorf("create %s: %w", opts.Path, d.explain(err))
	}
	return Open(ctx, opts)
}

func create(ctx context.Context, d *disk, opts Options) error {
	// A journal without its file would be played into the new one.
	for _, name := range []string{opts.Path, opts.Path + "-wal", opts.Path + "-journal"} {
		there, err := d.exists(name)
		if err != nil {
			return err
		}
		if there {
			return fmt.Errorf("%w: %s exists", fault.Conflict, name)
		}
	}
	draft := opts
	draft.Path += ".new"
	if err := d.remove(leftovers(draft.Path)...); err != nil {
		return err
	}
	if err := d.files.CreateFile(draft.Path); err != nil {
		return err
	}
	db, err := open(ctx, draft, true)
	if err == nil {
		err = db.Close()
	}
	if err == nil {
		err = d.publish(draft.Path, opts.Path)
	}
	if err != nil {
		return errors.Join(err, d.remove(leftovers(draft.Path)...))
	}
	return nil
}

// Open opens a file that exists. If it doesn't, the error has the kind
// NotExist. Migrations that it lacks are applied.
func Open(ctx context.Context, opts Options) (*DB, error) { return open(ctx, opts, false) }

func open(ctx context.Context, opts Options, empty bool) (_ *DB, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("open %s: %w", opts.Path, err)
		}
	}()
	if opts.Readers == 0 {
		opts.Readers = 4
	}
	if opts.CacheKiB == 0 {
		opts.CacheKiB = 2048
	}
	list, err := migrations(opts.Migrations)
	if err != nil {
		return nil, err
	}
	d, err := newDisk(opts.VFS, opts.Key != nil, opts.testOnlyBugs)
	if err != nil {
		return nil, err
	}
	d.path = opts.Path
	there, err := d.exists(opts.Path)
	if err == nil && !there {
		err = fs.ErrNotExist
	}
	if err == nil {
		err = prove(d.files, opts.Path, opts.Key)
	}
	if err != nil {
		return nil, err
	}
	db := &DB{
		opts:    opts,
		disk:    d,
		vfsName: d.register(),
		updates: make(chan *update, maxGroup),
		chores:  make(chan *update),
		closing: make(chan struct{}),
		stopped: make(chan struct{}),
	}
	db.close = sync.OnceValue(db.shut)
	if err := db.start(ctx, list, empty); err != nil {
		close(db.stopped)
		return nil, errors.Join(d.explain(err), db.close())
	}
	return db, nil
}

// start opens the connections and the writer.
func (db *DB) start(ctx context.Context, list []migration, empty bool) error {
	db.readers = newReaders(db.opts.Readers, func(ctx context.Context) (*conn, error) {
		return db.disk.connect(ctx, db.vfsName, db.opts.Path, db.opts.Key, db.opts.CacheKiB/4, reads)
	})
	renewed, err := db.disk.renew()
	if err != nil {
		return err
	}
	c, err := db.disk.connect(ctx, db.vfsName, db.opts.Path, db.opts.Key, db.opts.CacheKiB, writes)
	if err != nil {
		return err
	}
	db.writes = c
	if renewed {
		if _, err := c.checkpoint(ctx); err != nil {
			return err
		}
		if err := db.disk.remove(db.opts.Path + failedMark); err != nil {
			return err
		}
	}
	if db.opts.Migrations != nil {
		if err := c.migrate(ctx, list, empty); err != nil {
			return err
		}
	}
	w := &writer{conn: c, disk: db.disk, updates: db.updates, chores: db.chores,
		closing: db.closing, stopped: db.stopped, commits: &db.commits}
	go w.run()
	return nil
}

// Close waits for the Views, Backups and Updates that have begun, moves the
// write-ahead log into the file, and releases it. An error says that the log
// is still there; opening the file again takes care of it. It is [ErrUntidy] if only
// the room for it was missing.
func (db *DB) Close() error { return db.close() }

func (db *DB) shut() error {
	close(db.closing)
	<-db.stopped
	db.copying.Lock()
	defer db.copying.Unlock()
	var errs []error
	if db.readers != nil {
		errs = append(errs, db.readers.close())
	}
	if db.writes != nil {
		_, err := db.writes.checkpoint(context.Background())
		errs = append(errs, err, db.writes.close())
	}
	vfs.Unregister(db.vfsName)
	if err := db.disk.broken(); err != nil {
		return err // and what follows from it
	}
	err := db.disk.explain(errors.Join(errs...))
	if errors.Is(err, errFull) {
		return ErrUntidy
	}
	return err
}

// exists reports whether there is a file with that name.
func (d *disk) exists(name string) (bool, error) { return d.Access(name, vfs.ACCESS_EXISTS) }

// leftovers are the files that an unfinished one called draft may consist of.
func leftovers(draft string) []string {
	return []string{draft, draft + "-wal", draft + "-journal", draft + failedMark}
}

// publish makes the finished file draft known as name, and durable.
func (d *disk) publish(draft, name string) error {
	if err := d.files.SyncFile(draft); err != nil {
		return err
	}
	if err := d.files.RenameFile(draft, name); err != nil {
		return err
	}
	if d.bugs.noPublish {
		return nil
	}
	return d.files.SyncDir(name)
}

// remove removes files, of which none need exist.
func (d *disk) remove(names ...string) error {
	for _, name := range names {
		if err := d.files.RemoveFile(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
