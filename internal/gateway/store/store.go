// Package store keeps what a gateway knows in one SQLite file, which is not
// encrypted: the operator's disk is to be.
//
// The directory of a [Store] holds
//
//	gateway.db         the database, with gateway.db-wal and -shm while it is in use
//	instance           the instance mark, which backups leave out
//
// Someone who can alter the database can lie in the company's name only as far as
// its agents have not seen what it said before: entries are signed by keys that
// are not in it, and a row of the outbox that is altered makes the gateway deliver
// again, or not. Someone who can read it reads what customers have told.
package store

import (
	"context"
	"crypto/rand"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"firsthand"
	"firsthand/internal/durable"
	"firsthand/internal/gateway"
	"firsthand/internal/sqlite"
)

//go:embed migrations/*.sql
var files embed.FS

const (
	databaseName = "gateway.db"
	instanceName = "instance"

	settingInstance = "instance"
)

// A Store is one open directory. It implements [gateway.Store].
type Store struct {
	db  *sqlite.DB
	dir string

	mu      sync.Mutex             // held for a few instructions
	numbers map[firsthand.ID]int64 // of relationships; they never change
}

var _ gateway.Movable = (*Store)(nil)

// Options say how to open a directory.
type Options struct {
	Dir string
	Now func() time.Time // default: time.Now

	// Readers and CacheKiB are those of package sqlite.
	Readers, CacheKiB int

	// VFS is for tests; see package sqlite.
	VFS string

	moving bool // a move opens it
}

func (o *Options) sqlite() sqlite.Options {
	migrations, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the name is a valid one
	}
	return sqlite.Options{Path: filepath.Join(o.Dir, databaseName), Migrations: migrations,
		Readers: o.Readers, CacheKiB: o.CacheKiB, VFS: o.VFS}
}

// Create makes a store in a directory that exists and has none; [fault.Conflict]
// if it has one.
func Create(ctx context.Context, o Options) (*Store, error) {
	db, err := sqlite.Create(ctx, o.sqlite())
	if err != nil {
		return nil, err
	}
	return start(ctx, db, o)
}

// Open opens a store that exists; [fault.NotExist] if there is none.
//
// The instance mark, a random value, stands in the database and in the file beside
// it, and is replaced at each start. Where the file lacks the mark of the
// database, the database is a copy that was put back: then all relationships are
// marked as restored.
func Open(ctx context.Context, o Options) (*Store, error) {
	db, err := sqlite.Open(ctx, o.sqlite())
	if err != nil {
		return nil, err
	}
	return start(ctx, db, o)
}

func start(ctx context.Context, db *sqlite.DB, o Options) (*Store, error) {
	s := &Store{db: db, dir: o.Dir, numbers: make(map[firsthand.ID]int64)}
	now := time.Now
	if o.Now != nil {
		now = o.Now
	}
	if o.VFS != "" {
		return s, nil // a test's disk has no files beside the database
	}
	if !o.moving {
		if err := s.refuseMoved(ctx); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	if err := s.checkInstance(ctx, now()); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", o.Dir, err), db.Close())
	}
	return s, nil
}

// checkInstance compares the marks and replaces them, in this order:
//
//  1. the file gets the new mark beside the old one;
//  2. the database gets the new mark, in one commit with what a restored file
//     needs. A crash before or after it leaves a mark that the file has;
//  3. the file drops the old mark.
//
// Of a restored file the old mark isn't written back, so that a crash after step 1
// finds it restored once more, which does no harm.
func (s *Store) checkInstance(ctx context.Context, now time.Time) error {
	have, err := s.Setting(ctx, settingInstance)
	if err != nil {
		return err
	}
	path := filepath.Join(s.dir, instanceName)
	beside, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	restored := have != "" && !slices.Contains(strings.Fields(string(beside)), have)
	var random [16]byte
	if _, err := rand.Read(random[:]); err != nil {
		return err
	}
	mark := base64.RawURLEncoding.EncodeToString(random[:])
	both := mark + "\n"
	if !restored && have != "" {
		both = have + "\n" + both
	}
	if err := durable.Replace(path, []byte(both)); err != nil {
		return err
	}
	err = s.db.Update(ctx, func(tx *sqlite.Tx) error {
		if restored {
			if _, err := tx.ExecContext(ctx, `UPDATE relationship SET restored = 1, noticed = ?`, timeText(now)); err != nil {
				return err
			}
		}
		return setSetting(ctx, tx, settingInstance, mark)
	})
	if err != nil {
		return err
	}
	return durable.Replace(path, []byte(mark+"\n"))
}

// Close waits for what is under way, and closes the file.
func (s *Store) Close() error { return s.db.Close() }

// Check asks SQLite whether the file is in order.
func (s *Store) Check(ctx context.Context) error { return s.db.Check(ctx) }

// maxNumbers bounds the memory for numbers, at some 60 bytes each.
const maxNumbers = 100_000

// known returns the number of rel if it is in memory.
func (s *Store) known(rel firsthand.ID) (n int64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, ok = s.numbers[rel]
	return n, ok
}

func (s *Store) remember(rel firsthand.ID, n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.numbers) >= maxNumbers {
		clear(s.numbers)
	}
	s.numbers[rel] = n
}

// stamp is how times stand in the database: RFC 3339 in UTC, all of one length, so
// that they sort.
const stamp = "2006-01-02T15:04:05.000Z"

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(stamp)
}

func parseTime(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	return time.Parse(stamp, s)
}

// millis is how times stand in the database with which it counts; 0 is none.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMilli(n).UTC()
}

// id32 is where a blob of 32 bytes is scanned into.
func id32(id *firsthand.ID) *[32]byte { return (*[32]byte)(id) }
