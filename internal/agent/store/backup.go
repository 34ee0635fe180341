package store

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/sqlite"
)

// A backup is one age file, for the passphrase and the kit. In it is a tar
// archive of three files, in this order:
//
//	manifest.json  what the other two are
//	firsthand.db   a copy of the database, encrypted with its own key as always
//	firsthand.key  the key, wrapped for each opener
//
// The instance mark is not among them: by its absence the restored file is known.

// A Manifest says what is in a backup.
type Manifest struct {
	Format        string    `json:"format"` // firsthand-backup-v1
	Made          time.Time `json:"made"`
	Schema        int       `json:"schema"` // of the database
	Relationships int       `json:"relationships"`
	Entries       int       `json:"entries"`
	Size          int64     `json:"size"`   // of the database, in bytes
	SHA256        string    `json:"sha256"` // of the database, in hexadecimal
	Heads         []LogHead `json:"heads"`  // of all logs, sorted
}

const (
	manifestFormat = "firsthand-backup-v1"
	manifestName   = "manifest.json"
	maxManifest    = 64 << 20
)

// Backup makes a backup as a new file at path, and restores it in the customer's
// folder to see that it works: only then does it get its name. In this order:
//
//  1. the database is copied, as it is at one moment, and the copy read whole;
//  2. copy, key and manifest are written to a temporary file beside path, which
//     is synced;
//  3. that file is opened, its database put into the folder under a temporary
//     name, and read whole, every entry compared with its hash; the result is
//     compared with the manifest and with what the live file has;
//  4. the temporary file is renamed to path, and the directory synced.
//
// A crash leaves temporary files, which the next Backup and Open remove, or the
// whole backup. Others read and write meanwhile.
func (s *Store) Backup(ctx context.Context, path string) (m Manifest, err error) {
	s.backup.Lock()
	defer s.backup.Unlock()
	defer func() {
		s.shred(ctx) // what was deleted meanwhile and had to wait
		if err != nil {
			err = fmt.Errorf("back up: %w", err)
		}
	}()
	there, err := exists(s.files, path)
	if err != nil {
		return m, err
	}
	if there {
		return m, fault.Tell(fault.Conflict, path+" is there already", "name a new file; no backup is overwritten")
	}
	before, err := heads(ctx, s.db)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, removeTemporary(s.files, s.dir)) }()
	if m, err = s.copyOut(ctx); err != nil {
		return m, err
	}
	draft := path + ".new"
	drill, err := s.pack(ctx, draft, m)
	if err != nil {
		return m, err
	}
	err = removeAll(s.files, s.path(copyName)) // the drill needs room
	if err == nil && !testOnlyBugs.noDrill {
		err = s.drill(ctx, draft, drill, m)
	}
	if err == nil && !testOnlyBugs.noDrill {
		err = s.compareLive(ctx, before, m)
	}
	if err == nil {
		err = publish(s.files, draft, path)
	}
	if err != nil {
		return m, errors.Join(err, removeAll(s.files, draft))
	}
	return m, nil
}

// Temporary names of Backup.
const (
	copyName  = temporary + "copy.db"
	drillName = temporary + "drill.db"
)

// copyOut copies the database, and returns what the copy is.
func (s *Store) copyOut(ctx context.Context) (m Manifest, err error) {
	if err := removeTemporary(s.files, s.dir); err != nil {
		return m, err
	}
	o := s.options(copyName)
	if testOnlyBugs.plainCopy {
		o.Key = nil
	}
	if err := s.db.Backup(ctx, o.Path, o.Key); err != nil {
		return m, err
	}
	if m, err = survey(ctx, o); err != nil {
		return m, err
	}
	m.Made = s.now().UTC().Truncate(time.Second)
	// Only now: opening it may have changed its header.
	r, size, err := s.files.open(s.path(copyName))
	if err != nil {
		return m, err
	}
	defer r.Close() // only read
	sum := sha256.New()
	m.Size, err = io.Copy(sum, &reader{ctx, r})
	if err == nil && m.Size != size {
		err = fmt.Errorf("%d bytes of the copy read, want %d", m.Size, size)
	}
	m.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return m, err
}

// survey reads a closed database whole, and closes it again.
func survey(ctx context.Context, o sqlite.Options) (m Manifest, err error) {
	db, err := sqlite.Open(ctx, o)
	if err != nil {
		return m, err
	}
	a, err := audit(ctx, db)
	if err == nil {
		err = db.View(ctx, func(tx *sqlite.Tx) error {
			return tx.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&m.Schema)
		})
	}
	m.Format, m.Relationships, m.Entries, m.Heads = manifestFormat, a.Relationships, a.Entries, a.heads
	if m.Heads == nil {
		m.Heads = []LogHead{}
	}
	return m, errors.Join(err, db.Close())
}

// A drill is what opens one backup, and the sidecar in it: what was made to wrap
// them, and not one of her openers, which are not at hand.
type drill struct{ backup, sidecar Opener }

// pack writes the backup as a durable draft.
func (s *Store) pack(ctx context.Context, draft string, m Manifest) (d drill, err error) {
	list, err := s.recipients(ctx)
	if err != nil {
		return d, err
	}
	wrapped, readBack, err := wrapKey(s.key, list)
	if err != nil {
		return d, err
	}
	d.sidecar = readBack
	db, _, err := s.files.open(s.path(copyName))
	if err != nil {
		return d, err
	}
	defer db.Close() // only read
	return d, writeDraft(s.files, draft, func(w io.Writer) error {
		enc, readBack, err := s.encryptAway(ctx, w)
		if err != nil {
			return err
		}
		d.backup = readBack
		archive := tar.NewWriter(enc)
		text := firsthand.EncodeJSON(m)
		for _, part := range []struct {
			name string
			size int64
			from io.Reader
		}{
			{manifestName, int64(len(text)), bytes.NewReader(text)},
			{dbName, m.Size, db},
			{keyName, int64(len(wrapped)), bytes.NewReader(wrapped)},
		} {
			if err := archive.WriteHeader(&tar.Header{Name: part.name, Size: part.size, Mode: 0o600, ModTime: m.Made}); err != nil {
				return err
			}
			if _, err := io.Copy(archive, &reader{ctx, part.from}); err != nil {
				return err
			}
		}
		if err := archive.Close(); err != nil {
			return err
		}
		return enc.Close()
	})
}

// drill restores the draft of a backup under a temporary name.
func (s *Store) drill(ctx context.Context, draft string, d drill, m Manifest) error {
	src, _, err := s.files.open(draft)
	if err != nil {
		return err
	}
	defer src.Close() // only read
	unpacked, err := unpack(ctx, s.files, src, d.backup, s.path(drillName))
	if err != nil {
		return fmt.Errorf("drill: %w", err)
	}
	key, err := unwrap(unpacked.wrapped, d.sidecar)
	if err != nil {
		return fmt.Errorf("drill: %w", err)
	}
	if key != s.key {
		return errors.New("drill: another key came back")
	}
	if err := unpacked.manifest.same(m); err != nil {
		return fmt.Errorf("drill: manifest: %w", err)
	}
	found, err := survey(ctx, s.options(drillName))
	if err != nil {
		return fmt.Errorf("drill: %w", err)
	}
	return found.sameContent(m)
}

// compareLive compares what was backed up with the live file, whose logs ended
// at before when the copy was begun. A log that nobody has touched since must
// have come back as it is; one that was, as it was at some time meanwhile.
func (s *Store) compareLive(ctx context.Context, before []LogHead, m Manifest) error {
	after, err := heads(ctx, s.db)
	if err != nil {
		return err
	}
	find := func(in []LogHead, h LogHead) (LogHead, bool) {
		i, ok := slices.BinarySearchFunc(in, h, LogHead.compare)
		if !ok {
			return LogHead{}, false
		}
		return in[i], true
	}
	for _, b := range before {
		a, there := find(after, b)
		if !there {
			continue // forgotten meanwhile
		}
		h, ok := find(m.Heads, b)
		if a != b && ok {
			if ok, err = s.has(ctx, h); err != nil {
				return err
			}
		}
		if !ok || a == b && h != b {
			return fmt.Errorf("drill: the %s log of %s came back as another", b.Side, b.Rel)
		}
	}
	return nil
}

// has reports whether the live file has an entry.
func (s *Store) has(ctx context.Context, h LogHead) (found bool, err error) {
	err = s.db.View(ctx, func(tx *sqlite.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM entry WHERE relationship = ? AND side = ? AND seq = ? AND id = ?)`,
			h.Rel[:], string(h.Side), h.Seq, h.ID[:]).Scan(&found)
	})
	return found, err
}

// same returns an error unless both manifests say the same.
func (m Manifest) same(o Manifest) error {
	if m.Format != o.Format || !m.Made.Equal(o.Made) || m.Size != o.Size || m.SHA256 != o.SHA256 || m.Schema != o.Schema {
		return errors.New("it came back as another")
	}
	return m.sameContent(o)
}

// sameContent compares what the databases hold.
func (m Manifest) sameContent(o Manifest) error {
	if m.Relationships != o.Relationships || m.Entries != o.Entries {
		return fmt.Errorf("%d relationships and %d entries, want %d and %d", m.Relationships, m.Entries, o.Relationships, o.Entries)
	}
	if testOnlyBugs.countsOnly {
		return nil
	}
	return sameHeads(m.Heads, o.Heads)
}

// A reader is one that ends with its context: backups can be big.
type reader struct {
	ctx  context.Context
	from io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.from.Read(p)
}
