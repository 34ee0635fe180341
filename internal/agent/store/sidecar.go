package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"firsthand/fault"
	"firsthand/internal/sqlite"
)

// The key of the database is random. Wrapped for each opener, it lies in the
// sidecar: an age file whose plaintext is the key in hexadecimal and a line feed,
// as the pragma hexkey of SQLite's adiantum VFS takes it. Who is to open it is
// decided by the recipients in the database, and by them alone; the sidecar can
// be made anew from them at any time.

func newKey() (k sqlite.Key) {
	rand.Read(k[:]) // never fails
	return k
}

// wrapKey returns the sidecar for a key, and what opens that one file.
func wrapKey(key sqlite.Key, list []recipient) (wrapped []byte, readBack Opener, err error) {
	var b bytes.Buffer
	w, readBack, err := encrypt(&b, list)
	if err != nil {
		return nil, nil, err
	}
	if _, err := io.WriteString(w, hex.EncodeToString(key[:])+"\n"); err != nil {
		return nil, nil, err
	}
	if err := w.Close(); err != nil {
		return nil, nil, err
	}
	return b.Bytes(), readBack, nil
}

// maxSidecar bounds a sidecar, in bytes.
const maxSidecar = 64 << 10

// unwrap returns the key that a sidecar holds.
func unwrap(wrapped []byte, o Opener) (key sqlite.Key, err error) {
	r, err := Decrypt(bytes.NewReader(wrapped), o)
	if err != nil {
		return key, err
	}
	var text [2*len(key) + 1]byte
	if _, err = io.ReadFull(r, text[:]); err == nil {
		_, err = hex.Decode(key[:], text[:len(text)-1])
	}
	if n, rerr := r.Read(make([]byte, 1)); err == nil && (n > 0 || rerr != io.EOF || text[len(text)-1] != '\n') {
		err = errors.New("more than a key")
	}
	if err != nil {
		return sqlite.Key{}, fmt.Errorf("%w: %w", errSidecar, err)
	}
	return key, nil
}

var errSidecar = fault.Tell(fault.Invalid, "the file "+keyName+", which has the key of your file, is damaged", "restore a backup into another folder")

// unwrapKey returns the key of the database.
func (s *Store) unwrapKey(o Opener) (key sqlite.Key, err error) {
	wrapped, err := readFile(s.files, s.path(keyName), maxSidecar)
	if errors.Is(err, fs.ErrNotExist) {
		return key, fault.Tell(fault.Invalid, "the file "+keyName+", which has the key of your file, is missing", "put it back, or restore a backup into another folder")
	}
	if err != nil {
		return key, err
	}
	key, err = unwrap(wrapped, o)
	if errors.Is(err, errNotEncrypted) {
		err = fmt.Errorf("%w: %w", errSidecar, err)
	}
	return key, err
}

// checkRecipients holds that the kit is not needed every day: it is to lie where
// her file does not.
func checkRecipients(list []recipient) error {
	has := make(map[kind]string)
	for _, r := range list {
		has[r.kind] = r.text
	}
	switch {
	case has[kindKit] == "":
		return fault.Tell(fault.Invalid, "there is no recovery kit", "make one first")
	case has[kindPassphrase] == "" && has[kindKeyFile] == "":
		return fault.Tell(fault.Invalid, "nothing but the recovery kit would open your file", "set a passphrase or a key file first")
	case has[kindKit] == has[kindKeyFile]:
		return fault.Tell(fault.Invalid, "the recovery kit can't be the key file", "make a key file; the kit belongs to another place than your file")
	}
	return nil
}

func readRecipients(ctx context.Context, tx *sqlite.Tx) (list []recipient, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT kind, text FROM recipient ORDER BY kind`)
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		var k kind
		var text string
		if err := rows.Scan((*string)(&k), &text); err != nil {
			return nil, err
		}
		r, err := parseRecipient(k, text)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

// writeRecipients writes who opens the file, and which sidecar says so.
func writeRecipients(ctx context.Context, tx *sqlite.Tx, list []recipient, wrapped []byte) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM recipient`); err != nil {
		return err
	}
	for _, r := range list {
		if _, err := tx.ExecContext(ctx, `INSERT INTO recipient (kind, text) VALUES (?, ?)`, string(r.kind), r.text); err != nil {
			return err
		}
	}
	sum := sha256.Sum256(wrapped)
	return writeOwn(ctx, tx, "sidecar", sum[:])
}

// mendSidecar writes the sidecar anew if it is not the one the database knows: a
// crash came between the two, or somebody has put back an old one.
func (s *Store) mendSidecar(ctx context.Context) error {
	wrapped, err := readFile(s.files, s.path(keyName), maxSidecar)
	if err != nil {
		return err
	}
	var known []byte
	var list []recipient
	err = s.db.View(ctx, func(tx *sqlite.Tx) (err error) {
		if known, err = readOwn(ctx, tx, "sidecar"); err != nil {
			return err
		}
		list, err = readRecipients(ctx, tx)
		return err
	})
	if sum := sha256.Sum256(wrapped); err != nil || bytes.Equal(sum[:], known) {
		return err
	}
	return s.writeSidecar(ctx, list, false)
}

// writeSidecar changes who opens the file. In this order:
//
//  1. the database gets the recipients and the hash of the new sidecar, and if
//     the kit is new, its book of next keys is emptied;
//  2. the new sidecar replaces the old one. After a crash before that, the old
//     openers open the file once more, and then mendSidecar does this step.
func (s *Store) writeSidecar(ctx context.Context, list []recipient, emptyBook bool) error {
	wrapped, _, err := wrapKey(s.key, list)
	if err != nil {
		return err
	}
	err = s.db.Update(ctx, func(tx *sqlite.Tx) error {
		if emptyBook {
			if err := emptyTheBook(ctx, tx); err != nil {
				return err
			}
		}
		return writeRecipients(ctx, tx, list, wrapped)
	})
	if err != nil {
		return err
	}
	return writeFile(s.files, s.path(keyName), wrapped)
}

// readOwn returns what the store remembers of itself; nil if it doesn't.
func readOwn(ctx context.Context, tx *sqlite.Tx, name string) (value []byte, err error) {
	err = tx.QueryRowContext(ctx, `SELECT value FROM own WHERE name = ?`, name).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return value, err
}

func writeOwn(ctx context.Context, tx *sqlite.Tx, name string, value []byte) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO own (name, value) VALUES (?, ?)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
	return err
}
