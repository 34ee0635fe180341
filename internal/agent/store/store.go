package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/sqlite"
)

// Names in a customer's folder.
const (
	dbName       = "firsthand.db"
	keyName      = "firsthand.key"
	keyDraft     = keyName + ".new"
	instanceName = "instance"
	lockName     = "lock"
	temporary    = "tmp-" // the beginning of names of what nobody needs after a crash
)

// ErrUntidy is that Close found no room on the disk to put the file in order. Nothing is
// lost by it.
var ErrUntidy = sqlite.ErrUntidy

//go:embed migrations/*.sql
var embedded embed.FS

// migrations are the files that make the schema.
func migrations() fs.FS {
	sub, err := fs.Sub(embedded, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return sub
}

// schema returns the names of the migrations, one for each version.
func schema() []string {
	names, err := fs.Glob(migrations(), "*.sql")
	if err != nil {
		panic(err) // the pattern is right
	}
	return names
}

// A Store is a customer's open file. Its methods may be called from several
// goroutines.
type Store struct {
	files files
	dir   string
	lock  io.Closer
	db    *sqlite.DB
	key   sqlite.Key
	now   func() time.Time

	insight     memo[int64, agent.Insight]
	suggestions memo[int, []agent.Suggestion]
	totals      memo[string, int] // of companies, by what was asked for
	groups      memo[string, []agent.GroupCount]
	named       memo[int, *names]
	steps       memo[int64, []agent.LegStep] // by move
	helds       memo[string, heldCount]      // who holds a fact

	noticed bool // Open found that the file was restored

	close   sync.Once
	closed  error
	openers sync.Mutex  // held while openers change
	backup  sync.Mutex  // held while a backup is made: its temporary names are fixed
	shreds  atomic.Bool // something was deleted, and the log has not been truncated since
}

var _ agent.Store = (*Store)(nil)

// Exists reports whether there is a customer's file in dir.
func Exists(dir string) bool {
	there, err := exists(osFiles{}, filepath.Join(dir, dbName))
	return there || err != nil // of one that can't be looked at, Open says why
}

// Open opens the file in dir. If there is none the error has the kind NotExist,
// if another process has it open Unavailable, if o doesn't open it Denied.
//
// Where an earlier process crashed, Open first finishes what it had begun. Where
// the file was restored from a backup, it marks what has to be asked of the
// companies first; see [Store.Restored].
func Open(ctx context.Context, dir string, o Opener) (*Store, error) {
	return open(ctx, osFiles{}, dir, o)
}

func open(ctx context.Context, f files, dir string, o Opener) (*Store, error) {
	there, err := exists(f, filepath.Join(dir, dbName))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	if !there {
		return nil, fault.Tell(fault.NotExist, "there is no file of yours in "+dir, "make one, or restore a backup")
	}
	lock, err := f.lock(dir)
	if err != nil {
		return nil, err
	}
	return openLocked(ctx, f, dir, lock, o)
}

// openLocked is open for who has the lock, which it releases on an error.
func openLocked(ctx context.Context, f files, dir string, lock io.Closer, o Opener) (_ *Store, err error) {
	s := &Store{files: f, dir: dir, lock: lock, now: time.Now}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if err := s.tidy(); err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	if s.key, err = s.unwrapKey(o); err != nil {
		return nil, err
	}
	if s.db, err = sqlite.Open(ctx, s.options(dbName)); err != nil {
		return nil, err
	}
	if err := s.settle(ctx); err != nil {
		return nil, err
	}
	if err := s.recognise(ctx); err != nil {
		return nil, err
	}
	if err := s.settleCompanies(ctx); err != nil {
		return nil, err
	}
	if err := s.settleCaches(ctx); err != nil {
		return nil, err
	}
	if err := s.dropLooseBlobs(ctx); err != nil {
		return nil, err
	}
	return s, s.mendSidecar(ctx)
}

// Commits implements [agent.Store].
func (s *Store) Commits() int64 { return s.db.Commits() }

// settle moves the write-ahead log that a crash has left into the database,
// before anything is appended to it.
//
// While it writes, SQLite never touches a block of the log in which there is a
// commit: it fills the block up with a second copy of the commit's last page.
// After a crash that copy may not be whole, and then the next commit begins in
// the block in which the last one ends. Encrypted, a block is written as one; if
// the power fails again meanwhile, both are lost, and one was acknowledged.
//
// On a full disk that can't be done, and reading must be possible all the same.
func (s *Store) settle(ctx context.Context) error {
	if testOnlyBugs.noSettle {
		return nil
	}
	if err := s.db.Truncate(ctx); err != nil && fault.KindOf(err) != fault.Unavailable {
		return err
	}
	return nil
}

// cacheKiB is how much of the file the connection that writes keeps in memory; each of
// the four that read keeps a quarter. The lists of 10,000 companies fit, so that a page
// costs no decryption.
const cacheKiB = 8 << 10

// options returns how to open a database in the folder.
func (s *Store) options(name string) sqlite.Options {
	return sqlite.Options{Path: s.path(name), Key: &s.key, Migrations: migrations(), VFS: s.files.vfs(), CacheKiB: cacheKiB}
}

func (s *Store) path(name string) string { return filepath.Join(s.dir, name) }

// tidy finishes or removes what a crash has left.
func (s *Store) tidy() error {
	if err := finishInstall(s.files, s.dir); err != nil {
		return err
	}
	return removeTemporary(s.files, s.dir)
}

// Close releases the file. What was committed is safe without it. A second Close
// does nothing, and returns what the first did.
func (s *Store) Close() error {
	s.close.Do(func() {
		if s.db != nil {
			s.closed = s.db.Close()
		}
		s.closed = errors.Join(s.closed, s.lock.Close())
	})
	return s.closed
}

// Restored reports whether Open found that the file was restored from a backup,
// or copied: what it then did is in instance.go.
func (s *Store) Restored() bool { return s.noticed }
