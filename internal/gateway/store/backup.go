package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/durable"
	"firsthand/internal/sqlite"
)

// A backup is a directory with a copy of the database and a manifest that says what
// it has to hold. It has neither the company's keys nor an instance mark that any
// machine has: so whatever way it is put back, it is noticed as restored. Like the
// database it is not encrypted.
const manifestName = "manifest.json"

// A Manifest says what a backup holds.
type Manifest struct {
	Format        string    `json:"format"` // "firsthand-gateway-backup-v1"
	Made          time.Time `json:"made"`
	SHA256        string    `json:"sha256"` // of the database file, in hex
	Relationships int       `json:"relationships"`
	Entries       int64     `json:"entries"`
	Heads         string    `json:"heads"` // SHA-256 over all heads, in hex
}

const manifestFormat = "firsthand-gateway-backup-v1"

// markBackup stands in a backup's database in place of an instance mark.
const markBackup = "backup"

// Backup writes a backup to dir, which it makes; [fault.Conflict] if there is one.
// Others go on reading and writing. The manifest comes last: without it, a
// directory that a crash has left is no backup.
func (s *Store) Backup(ctx context.Context, dir string, now time.Time) (m Manifest, err error) {
	if err := os.Mkdir(dir, 0o700); errors.Is(err, fs.ErrExist) {
		return m, fmt.Errorf("back up to %s: %w: it exists", dir, fault.Conflict)
	} else if err != nil {
		return m, err
	}
	path := filepath.Join(dir, databaseName)
	if err := s.db.Backup(ctx, path, nil); err != nil {
		return m, err
	}
	o := Options{Dir: dir, Readers: 1}
	db, err := sqlite.Open(ctx, o.sqlite())
	if err != nil {
		return m, err
	}
	copied := &Store{db: db, numbers: make(map[firsthand.ID]int64)}
	err = db.Update(ctx, func(tx *sqlite.Tx) error { return setSetting(ctx, tx, settingInstance, markBackup) })
	if err == nil {
		m, err = copied.describe(ctx, false)
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return m, fmt.Errorf("back up to %s: %w", dir, err)
	}
	m.Format, m.Made = manifestFormat, now.UTC().Truncate(time.Second)
	if m.SHA256, err = hashFile(path); err != nil {
		return m, err
	}
	return m, durable.Replace(filepath.Join(dir, manifestName), append(firsthand.EncodeJSON(m), '\n'))
}

// describe counts what is in s, and hashes the heads of all logs. With verify, it
// checks every signature and folds every relationship.
func (s *Store) describe(ctx context.Context, verify bool) (m Manifest, err error) {
	heads := sha256.New()
	for r, err := range s.Relationships(ctx) {
		if err != nil {
			return m, err
		}
		m.Relationships++
		heads.Write(r.ID[:])
		var logs [2][]firsthand.Entry
		for i, side := range []firsthand.Side{firsthand.First, firsthand.Second} {
			h, err := s.Head(ctx, r.ID, side)
			if err != nil {
				return m, err
			}
			m.Entries += h.Seq
			heads.Write(binary.BigEndian.AppendUint64(nil, uint64(h.Seq)))
			heads.Write(h.ID[:])
			if verify {
				if logs[i], err = firsthand.Collect(s.Entries(ctx, r.ID, side, 0)); err != nil {
					return m, err
				}
			}
		}
		if verify {
			if _, err := firsthand.Verify(logs[0], logs[1]); err != nil {
				return m, fmt.Errorf("relationship %s: %w", r.ID, err)
			}
		}
	}
	m.Heads = hex.EncodeToString(heads.Sum(nil))
	return m, nil
}

// Verify checks the file, every signature and every log of s.
func (s *Store) Verify(ctx context.Context) (Manifest, error) {
	if err := s.db.Check(ctx); err != nil {
		return Manifest{}, err
	}
	return s.describe(ctx, true)
}

// ReadManifest reads the manifest of a backup and compares the file's hash with it.
func ReadManifest(dir string) (m Manifest, err error) {
	text, err := os.ReadFile(filepath.Join(dir, manifestName))
	if err != nil {
		return m, fmt.Errorf("backup: %w", err)
	}
	if err := firsthand.ParseJSON(text, &m); err != nil {
		return m, fmt.Errorf("backup %s: %w", dir, err)
	}
	if m.Format != manifestFormat {
		return m, fault.Tell(fault.Invalid, fmt.Sprintf("%s has the format %q, which this program doesn't know.", dir, m.Format), "Use the program that made it, or a newer one.")
	}
	sum, err := hashFile(filepath.Join(dir, databaseName))
	if err != nil {
		return m, fmt.Errorf("backup: %w", err)
	}
	if sum != m.SHA256 {
		return m, fault.Tell(fault.Invalid, "The backup "+dir+" is damaged, or of two times.", "Take another one.")
	}
	return m, nil
}

// Drill restores a backup into an empty directory, checks all that is in it against
// the manifest, and removes it again. A backup counts after its drill.
func Drill(ctx context.Context, backup, scratch string) (m Manifest, err error) {
	dir, err := os.MkdirTemp(scratch, "drill-")
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	want, err := Restore(ctx, backup, dir)
	if err != nil {
		return m, err
	}
	o := Options{Dir: dir, Readers: 1}
	db, err := sqlite.Open(ctx, o.sqlite())
	if err != nil {
		return m, err
	}
	s := &Store{db: db, numbers: make(map[firsthand.ID]int64)}
	m, err = s.Verify(ctx)
	if err = errors.Join(err, db.Close()); err != nil {
		return m, fmt.Errorf("drill of %s: %w", backup, err)
	}
	m.Format, m.Made, m.SHA256 = want.Format, want.Made, want.SHA256
	if m != want {
		return m, fault.Tell(fault.Invalid, "The backup "+backup+" does not hold what its manifest says.", "Take another one.")
	}
	return m, nil
}

// Restore puts a backup into a directory that has no database. The database gets
// its name last, so that a crash leaves none. When it is opened, all its
// relationships are marked as restored.
func Restore(_ context.Context, backup, dir string) (m Manifest, err error) {
	if m, err = ReadManifest(backup); err != nil {
		return m, err
	}
	path := filepath.Join(dir, databaseName)
	for _, name := range []string{path, path + "-wal", path + "-journal"} {
		if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			return m, fault.Tell(fault.Conflict, name+" exists.", "Nothing is written over. Move the directory away, or restore into another.")
		}
	}
	if err := os.Remove(path + ".new"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return m, err
	}
	if err := durable.Copy(path+".new", filepath.Join(backup, databaseName)); err != nil {
		return m, err
	}
	if sum, err := hashFile(path + ".new"); err != nil || sum != m.SHA256 {
		return m, errors.Join(err, fmt.Errorf("restore %s: the copy differs: %w", backup, fault.Internal), os.Remove(path+".new"))
	}
	if err := os.Rename(path+".new", path); err != nil {
		return m, err
	}
	return m, durable.SyncDir(dir)
}

func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close() // only read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
